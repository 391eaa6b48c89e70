//! Journal categories.

use billing::ids::{CompanyId, JournalCategoryId};

use crate::db::{Error, Tx, params, statements, yes_no};

statements! {
    INSERT = "insert into journal_categories (company_id, id, name, is_default, allowed_journal_types) \
        values ($1, $2, $3, $4, $5)";
}

/// A category that journal entries are kept under.
#[derive(Clone, PartialEq, Debug)]
pub struct JournalCategory {
    /// Its id.
    pub id: JournalCategoryId,
    /// Its name.
    pub name: String,
    /// Whether entries that name none are kept under it.
    pub is_default: bool,
    /// The types of entries it takes: `CUSTOMER_INVOICE`, …
    pub allowed_journal_types: Vec<&'static str>,
}

/// Shelves a new category.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, category: &JournalCategory) -> Result<(), Error> {
    let JournalCategory { id, name, is_default, allowed_journal_types } = category;
    let types = allowed_journal_types.join(" ");
    tx.exec(INSERT, params![company_id, *id, name.as_str(), yes_no(*is_default), types])
}

//! The text pairs of any resource, a row a pair, so that lists can be filtered by
//! them. What is read of a resource stands in its own row, and no other table names these: all that
//! writes them may go after what else a request writes.

use std::collections::BTreeMap;

use billing::ids::CompanyId;
use billing::input::Metadata;
use uuid::Uuid;

use crate::db::{Error, Select, Tx, params, statements};

statements! {
    DELETE = "delete from metadata where company_id = $1 and resource_type = $2 and resource_id = $3";
    INSERT = "insert into metadata (company_id, resource_type, resource_id, key, value) values ($1, $2, $3, $4, $5)";
}

/// Puts a resource's pairs in the place of those it had.
///
/// # Errors
/// What the shelves answer.
pub fn replace(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    resource_type: &str,
    resource_id: Uuid,
    pairs: &BTreeMap<String, String>,
) -> Result<(), Error> {
    tx.later(DELETE, params![company_id, resource_type, resource_id.to_string()])?;
    insert(tx, company_id, resource_type, resource_id, pairs)
}

/// Shelves the pairs of a new resource, which has none yet.
///
/// # Errors
/// What the shelves answer.
pub fn insert(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    resource_type: &str,
    resource_id: Uuid,
    pairs: &BTreeMap<String, String>,
) -> Result<(), Error> {
    let resource_id = resource_id.to_string();
    for (key, value) in pairs {
        tx.later(INSERT, params![company_id, resource_type, resource_id.as_str(), key.as_str(), value.as_str()])?;
    }
    Ok(())
}

/// The condition that a row of a table has a pair: two values, key and value.
macro_rules! has_pair {
    ($table:literal, $resource_type:literal) => {
        concat!(
            "and exists (select 1 from metadata m where m.company_id = ",
            $table,
            ".company_id and m.resource_type = '",
            $resource_type,
            "' and m.resource_id = ",
            $table,
            ".id and m.key = ? and m.value = ?)"
        )
    };
}
pub(crate) use has_pair;

/// Only rows that have all the pairs; `has_pair` is that macro's text for their table.
pub(crate) fn only(select: Select, has_pair: &'static str, pairs: Option<&Metadata>) -> Select {
    let pairs = pairs.into_iter().flat_map(|pairs| &pairs.0);
    pairs.fold(select, |select, (key, value)| select.and(has_pair, params![key, value]))
}

/// A text as a pattern of `like … escape '\\'` that means itself.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

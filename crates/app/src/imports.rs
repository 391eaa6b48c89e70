//! Imports: the rows of a chunk through the verb that makes one of them. A row that is refused leaves
//! the others as they are; a fault of ours ends the chunk, of which nothing is then left.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Error, Work, customers, products};

/// How many rows a chunk has: others take their turns between two chunks.
pub const CHUNK: usize = 200;
/// How many rows are taken as one.
pub const ATOMIC: usize = 5_000;

/// A row by its number from 1: what was asked, or made, or why not.
pub type Row<T> = (u64, Result<T, Error>);

/// Looks at what rows will ask for, in one go.
pub type LookAhead<I> = fn(&mut Work<'_>, &[&I]) -> Result<(), Error>;

/// What rows ask for, looked up in one go: else each would wait for its own answers. It is a note of
/// what the shelves say: the verb that makes one asks here first, and tells here what it took. It holds
/// as long as its transaction does, which holds the company.
#[derive(Default)]
pub(crate) struct Ahead {
    pub(crate) customers: customers::Ahead,
    pub(crate) products: products::Ahead,
}

/// Numbers and ids in another system, and whether one has them already. What was not looked up is not told.
#[derive(Default)]
pub(crate) struct Taken(BTreeMap<String, bool>);

impl Taken {
    /// Of these texts, those that are taken.
    pub(crate) fn of(texts: &[&str], taken: &BTreeSet<String>) -> Taken {
        Taken(texts.iter().map(|text| ((*text).to_owned(), taken.contains(*text))).collect())
    }

    /// Whether a text is taken, where it was looked up.
    pub(crate) fn knows(&self, text: &str) -> Option<bool> {
        self.0.get(text).copied()
    }

    /// Says that a text is taken now.
    pub(crate) fn take(&mut self, text: &str) {
        if let Some(is_taken) = self.0.get_mut(text) {
            *is_taken = true;
        }
    }
}

/// Makes something of each row that could be read; what became of each, in their order.
///
/// # Errors
/// `Busy` and `Broken`: nothing of these rows is done.
pub fn rows<I, O>(
    work: &mut Work<'_>,
    rows: Vec<Row<I>>,
    look_ahead: LookAhead<I>,
    verb: fn(&mut Work<'_>, I) -> Result<O, Error>,
) -> Result<Vec<Row<O>>, Error> {
    let read: Vec<&I> = rows.iter().filter_map(|(_, asked)| asked.as_ref().ok()).collect();
    look_ahead(work, &read)?;
    let mut became = Vec::with_capacity(rows.len());
    for (number, asked) in rows {
        let made = match asked.and_then(|asked| verb(work, asked)) {
            Err(fault @ (Error::Busy(_) | Error::Broken(_))) => return Err(fault),
            other => other,
        };
        became.push((number, made));
    }
    customers::after_ahead(work)?;
    work.ahead = Ahead::default();
    if became.iter().all(|(_, made)| made.is_err()) {
        work.nothing_happened();
    }
    Ok(became)
}

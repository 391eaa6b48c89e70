//! What many things have, asked for in one go: a statement for each kind of thing, not for each thing.

use std::collections::{BTreeMap, BTreeSet};

use billing::ids::{CompanyId, Id};

use crate::db::{Error, Row, Select, Tx, Value, params};

/// For how many ids a statement is put together. There are few sizes, so that few statements are
/// planned; ids that are fewer are filled up with the last of them, which finds nothing more.
const SIZES: [usize; 4] = [1, 5, 25, MOST];
/// For how many at most: a whole page.
const MOST: usize = 100;

/// A statement in the parts that stand around its ids.
pub(crate) struct Several {
    /// Up to the conditions. The first column is the id that a row belongs to; `?` is the company.
    pub(crate) begin: &'static str,
    /// The condition that takes the ids, as `and id in`.
    pub(crate) among: &'static str,
    /// What follows, as the order; empty for nothing.
    pub(crate) end: &'static str,
}

impl Several {
    fn select<T: Id + Into<Value<'static>>>(&self, company_id: CompanyId, ids: Vec<T>) -> Select {
        Select::new(self.begin, params![company_id]).and_any(self.among, ids).and(self.end, params![])
    }

    /// The rows of each id that has any, without their first column.
    pub(crate) fn rows<T: Id + Ord + Into<Value<'static>>>(
        &self,
        tx: &mut dyn Tx,
        company_id: CompanyId,
        ids: &BTreeSet<T>,
    ) -> Result<BTreeMap<T, Vec<Row>>, Error> {
        let ids: Vec<T> = ids.iter().copied().collect();
        let mut found: BTreeMap<T, Vec<Row>> = BTreeMap::new();
        for part in ids.chunks(MOST) {
            let size = SIZES.into_iter().find(|size| *size >= part.len()).unwrap_or(MOST);
            let filled = part.iter().chain(std::iter::repeat(&part[part.len() - 1])).take(size).copied().collect();
            for mut row in self.select(company_id, filled).all(tx)? {
                found.entry(row.id()?).or_default().push(row);
            }
        }
        Ok(found)
    }
}

/// The one row of each id, read.
pub(crate) fn by_id<K: Id + Ord, T>(
    rows: BTreeMap<K, Vec<Row>>,
    read: fn(Row) -> Result<T, Error>,
) -> Result<BTreeMap<K, T>, Error> {
    let one = |(id, rows): (K, Vec<Row>)| rows.into_iter().next().map(|row| Ok((id, read(row)?)));
    rows.into_iter().filter_map(one).collect()
}

/// A column of texts of which no two rows of a company have the same: the statement that answers a text
/// where a row has it and null where none has, up to its `values`; `?` is the company. Each text is looked up
/// by itself: of a list of them PostgreSQL, which knows nothing of a table that has just grown, makes a walk
/// over all that the company has.
pub(crate) struct Unique(pub(crate) &'static str);

impl Unique {
    /// For how many texts a statement is put together: as many as a chunk of an import has rows.
    const SIZE: usize = 200;

    fn select(&self, company_id: CompanyId, texts: &[&str]) -> Select {
        let filled = texts.iter().chain(std::iter::repeat(&texts[texts.len() - 1])).take(Unique::SIZE);
        let select = Select::new(self.0, params![company_id]);
        let values = |select: Select, (at, text): (usize, &&str)| {
            select.and(if at == 0 { "(?)" } else { ", (?)" }, params![*text])
        };
        filled.enumerate().fold(select, values).and(") v", params![])
    }
}

/// Those of these texts that are there in one column, and those of others in another: asked for in one go.
pub(crate) fn taken(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    (one, texts): (&Unique, &[&str]),
    (other, others): (&Unique, &[&str]),
) -> Result<(BTreeSet<String>, BTreeSet<String>), Error> {
    let (mut texts, mut others) = (texts.chunks(Unique::SIZE), others.chunks(Unique::SIZE));
    let (mut found, mut found_others) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let asked = texts.next().map(|part| one.select(company_id, part));
        let asked_others = others.next().map(|part| other.select(company_id, part));
        let (rows, other_rows) = match (asked, asked_others) {
            (Some(asked), Some(others)) => tx.both(asked.parts(), others.parts())?,
            (Some(asked), None) => (asked.all(tx)?, Vec::new()),
            (None, Some(others)) => (Vec::new(), others.all(tx)?),
            (None, None) => return Ok((found, found_others)),
        };
        for mut row in rows {
            found.extend(row.next::<Option<String>>()?);
        }
        for mut row in other_rows {
            found_others.extend(row.next::<Option<String>>()?);
        }
    }
}

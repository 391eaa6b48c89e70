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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use billing::input::company::NewCompany;
    use billing::input::customers::CustomerInput;
    use serde_json::{Value, json};
    use store::db::{Question, Row as Found, Tx, Value as Param};

    use super::*;
    use crate::{Actor, App, Caller, Channels, Clock, Mail, Press, PressError, Print, Settings, Webhooks, companies};
    use billing::webhook_urls::Reach;

    struct NoPress;

    impl Press for NoPress {
        fn print(&self, _: &Print) -> Result<Vec<u8>, PressError> {
            unreachable!("nothing is printed")
        }

        fn picture(&self, _: &Print, _: u32) -> Result<Vec<u8>, PressError> {
            unreachable!("nothing is printed")
        }

        fn workers(&self) -> usize {
            1
        }

        fn fonts(&self) -> Vec<String> {
            Vec::new()
        }
    }

    /// Counts how often somebody waits for an answer.
    struct Counting<'t> {
        tx: &'t mut dyn Tx,
        waits: usize,
    }

    impl Tx for Counting<'_> {
        fn one(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Option<Found>, store::Error> {
            self.waits += 1;
            self.tx.one(sql, params)
        }

        fn all(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Found>, store::Error> {
            self.waits += 1;
            self.tx.all(sql, params)
        }

        fn both(&mut self, one: Question<'_>, other: Question<'_>) -> Result<(Vec<Found>, Vec<Found>), store::Error> {
            self.waits += 1;
            self.tx.both(one, other)
        }

        fn exec(&mut self, sql: &str, params: &[Param<'_>]) -> Result<(), store::Error> {
            self.tx.exec(sql, params)
        }

        fn count(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64, store::Error> {
            self.waits += 1;
            self.tx.count(sql, params)
        }
    }

    fn read<I: serde::de::DeserializeOwned>(rows: impl Iterator<Item = Value>) -> Vec<Row<I>> {
        (1..).zip(rows).map(|(number, row)| (number, Ok(serde_json::from_value(row).unwrap()))).collect()
    }

    /// However many rows a chunk has, and whatever they name: an answer is waited for a few times, for all of them.
    #[test]
    fn a_chunk_waits_as_often_as_a_row() {
        let folder = testkit::Folder::new();
        let settings = Settings {
            database: store::Config::Sqlite { folder: folder.path().to_owned() },
            channels: Channels { mail: Mail::Folder(folder.path().join("mail")), access_point: None },
            clock: Clock::Real,
            press: Arc::new(NoPress),
            webhooks: Webhooks { key_file: None, reach: Reach::Public, authorities: None },
        };
        let app = App::open(settings).unwrap();
        let input: NewCompany = serde_json::from_value(json!({ "name": "Bi", "countryCode": "DK" })).unwrap();
        let company_id = companies::create(&app, input).wait().unwrap().company_id;
        let waits = |work: &mut Work<'_>, verb: &dyn Fn(&mut Work<'_>)| -> usize {
            let mut counting = Counting { tx: &mut *work.tx, waits: 0 };
            let (channels, webhooks) = (work.channels.clone(), work.webhooks.clone());
            let mut counted =
                Work::new(&mut counting, work.company.clone(), work.by.clone(), work.now, channels, webhooks);
            verb(&mut counted);
            counted.store_events().unwrap();
            drop(counted);
            counting.waits
        };
        let by = Caller::inside(company_id, Actor::Operator);
        app.write(by, move |work| {
            let group = store::customer_groups::list(work.tx, company_id)?[0].id;
            let template = store::templates::list(work.tx, company_id)?[0].id;
            let customer = |n: usize| {
                let mut row = json!({
                    "customerType": "business", "name": format!("Nr. {n}"), "countryCode": "DK", "vatZone": "domestic",
                    "customerGroupId": group, "externalSystemId": format!("crm-{n}"), "metadata": { "n": n.to_string() },
                    "documentTemplateIds": [template],
                });
                if n.is_multiple_of(2) {
                    row["customerNumber"] = json!(format!("I-{n}"));
                }
                row
            };
            let parent = rows(work, read(std::iter::once(customer(0))), customers::look_ahead, customers::create)?;
            let parent = parent[0].1.as_ref().unwrap().resource.id;
            let below = |n: usize| {
                let mut row = customer(n);
                row["parentCustomerId"] = json!(parent.to_string());
                row
            };
            let of = |work: &mut Work<'_>, from: usize, to: usize| {
                waits(work, &|work| {
                    let asked = read::<CustomerInput>((from..to).map(below));
                    let made = rows(work, asked, customers::look_ahead, customers::create).unwrap();
                    assert!(made.iter().all(|(_, made)| made.is_ok()));
                })
            };
            let (two, many) = (of(work, 1, 3), of(work, 3, 203));
            // Last number; taken numbers and ids; group; template; parent; sequence of the events.
            // Once more where a hundred numbers that are named and two hundred that may be given are looked up.
            assert_eq!((two, many), (6, 7));
            let group = store::product_groups::list(work.tx, company_id, None, Default::default(), &billing::page::Part { begin: billing::page::Begin::First, limit: 1 })?;
            let group = group.data[0].id;
            let product = |n: usize| json!({ "number": n.to_string(), "name": "Honey", "productGroupId": group, "externalSystemId": n.to_string() });
            let of = |work: &mut Work<'_>, from: usize, to: usize| {
                waits(work, &|work| {
                    let made = rows(work, read((from..to).map(product)), products::look_ahead, products::create).unwrap();
                    assert!(made.iter().all(|(_, made)| made.is_ok()));
                })
            };
            let (one, many) = (of(work, 0, 1), of(work, 1, 201));
            // Taken numbers and ids; group; sequence of the events.
            assert_eq!((one, many), (3, 3));
            Ok(())
        })
        .wait()
        .unwrap();
    }
}

//! What the documents of a page have, asked for by kind: the same as one by one, in as few statements.

use std::collections::{BTreeMap, BTreeSet};

use billing::customers::Customer;
use billing::document::Document;
use store::db::{Row, Tx, Value};
use store::{Error, contacts, credits, customers, departments, vat_groups};

use crate::house::{TestHouse, new_id, on_both};
use crate::stock::{FULL, Flavour, Stock, id};

const OTHER: Flavour = Flavour { mark: "other", twist: 7, is_full: true };

/// Counts what is read.
struct Counting<'t> {
    tx: &'t mut dyn Tx,
    statements: usize,
}

impl Tx for Counting<'_> {
    fn one(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Option<Row>, Error> {
        self.statements += 1;
        self.tx.one(sql, params)
    }

    fn all(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Vec<Row>, Error> {
        self.statements += 1;
        self.tx.all(sql, params)
    }

    fn exec(&mut self, sql: &str, params: &[Value<'_>]) -> Result<(), Error> {
        self.tx.exec(sql, params)
    }

    fn count(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, Error> {
        self.tx.count(sql, params)
    }
}

on_both! {
    /// Of companies that share all ids each is given its own, and nothing for what is not there.
    fn several_are_what_each_is_alone(house: &TestHouse) {
        let stocks = [Stock::new(new_id(), FULL), Stock::new(new_id(), OTHER)];
        for stock in stocks.clone() {
            house.write(stock.company.id, move |tx| stock.shelve(tx)).unwrap();
        }
        for stock in stocks {
            house
                .read(move |tx| {
                    let own = stock.company.id;
                    let found = customers::several(tx, own, &BTreeSet::from([stock.customer.id, id(99)]))?;
                    assert_eq!(found, BTreeMap::from([(stock.customer.id, stock.customer.clone())]));
                    let found = contacts::several(tx, own, &BTreeSet::from([stock.contact.id, id(99)]))?;
                    assert_eq!(found, BTreeMap::from([(stock.contact.id, stock.contact.clone())]));
                    let found = departments::several(tx, own, &BTreeSet::from([stock.department.id, id(99)]))?;
                    assert_eq!(found, BTreeMap::from([(stock.department.id, stock.department.clone())]));
                    let whole = [stock.invoice.clone(), stock.note.clone()];
                    let mut heads = whole.clone().map(|document| Document { groups: Vec::new(), ..document });
                    vat_groups::fill(tx, own, &mut heads)?;
                    assert_eq!(heads, whole);
                    let mut linked = credits::linked_of(tx, own, &whole)?;
                    for document in &whole {
                        let alone = credits::linked(tx, own, document)?;
                        assert_eq!(linked.remove(&document.id).unwrap_or_default(), alone);
                    }
                    assert_eq!(linked, BTreeMap::new());
                    Ok(())
                })
                .unwrap();
        }
    }

    /// One statement for each hundred, and all of them are found.
    fn many_are_asked_for_in_one_go(house: &TestHouse) {
        let stock = Stock::new(new_id(), FULL);
        let own = stock.company.id;
        let numbered = |n: u128| Customer {
            id: id(1_000 + n),
            customer_number: format!("N {n}"),
            external_system_id: None,
            ..stock.customer.clone()
        };
        let all: Vec<Customer> = (0..130).map(numbered).collect();
        let (shelved, added) = (stock.clone(), all.clone());
        house
            .write(own, move |tx| {
                shelved.shelve_books(tx)?;
                added.iter().try_for_each(|customer| customers::insert(tx, own, customer))
            })
            .unwrap();
        house
            .read(move |tx| {
                for (count, statements) in [(0, 0), (1, 1), (2, 1), (26, 1), (100, 1), (101, 2), (130, 2)] {
                    let meant: BTreeMap<_, _> = all[..count].iter().map(|one| (one.id, one.clone())).collect();
                    let mut counting = Counting { tx: &mut *tx, statements: 0 };
                    let found = customers::several(&mut counting, own, &meant.keys().copied().collect())?;
                    assert_eq!((found == meant, counting.statements), (true, statements), "of {count}");
                }
                // What a chunk of an import asks for takes two questions, which go together on PostgreSQL.
                let numbers: Vec<&str> = all.iter().map(|one| one.customer_number.as_str()).collect();
                let mut counting = Counting { tx: &mut *tx, statements: 0 };
                let (taken, none) = customers::taken(&mut counting, own, &numbers, &numbers)?;
                assert_eq!((taken.len(), none.len(), counting.statements), (130, 0, 2));
                let many: Vec<&str> = numbers.iter().chain(&numbers).copied().chain(["N 7"]).collect();
                let mut counting = Counting { tx: &mut *tx, statements: 0 };
                let (taken, none) = customers::taken(&mut counting, own, &many, &[])?;
                assert_eq!((taken.len(), none.len(), counting.statements), (130, 0, 2));
                Ok(())
            })
            .unwrap();
    }
}

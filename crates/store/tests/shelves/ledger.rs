//! The ledger's chain: what is stored makes the stored hashes again.

use std::iter::successors;

use billing::ids::{CompanyId, EntryId};
use billing::money::{Currency, Money};
use billing::postings::{FIRST_HASH, NewEntry, Posting, hash};
use store::db::{Row, Tx, params};
use store::{Error, companies, ledger};

use crate::house::{TestHouse, new_id, on_both};
use crate::stock::{BARE, FULL, Stock};

/// An entry as it stands in the chain.
struct Stored {
    sequence: i64,
    previous_hash: String,
    hash: String,
    entry: NewEntry,
}

const TYPES: [&str; 2] = ["CUSTOMER_INVOICE", "JOURNAL_ENTRY"];

fn chain(tx: &mut dyn Tx, company_id: CompanyId, base: Currency) -> Result<Vec<Stored>, Error> {
    let sql = "select sequence, previous_hash, hash, id, entry_type, date, currency, description, reference, \
        document_id, customer_id, document_sha256, reverses_entry_id, created_at from journal_entries where company_id = $1 \
        order by sequence";
    let rows = tx.all(sql, params![company_id])?;
    let mut read = |mut row: Row| {
        let (sequence, previous_hash, hash) = (row.next()?, row.next()?, row.next()?);
        let id: EntryId = row.id()?;
        let entry_type: String = row.next()?;
        let entry = NewEntry {
            id,
            entry_type: TYPES.into_iter().find(|name| *name == entry_type).expect("one of the types"),
            date: row.next()?,
            currency: row.parse()?,
            description: row.next()?,
            reference: row.next()?,
            document_id: row.opt_id()?,
            customer_id: row.opt_id()?,
            document_sha256: row.next()?,
            reverses: row.opt_id()?,
            created_at: row.next()?,
            postings: postings(tx, company_id, id, base)?,
        };
        Ok(Stored { sequence, previous_hash, hash, entry })
    };
    rows.into_iter().map(&mut read).collect()
}

fn postings(tx: &mut dyn Tx, company_id: CompanyId, id: EntryId, base: Currency) -> Result<Vec<Posting>, Error> {
    let sql = "select currency, account_id, amount, base_amount, vat_code_id, vat_category, vat_rate, is_goods, \
        open_item_id, customer_id, document_id, tag_ids from postings where company_id = $1 and entry_id = $2 \
        order by position";
    let read = |mut row: Row| {
        let currency: Currency = row.parse()?;
        Ok(Posting {
            account_id: row.id()?,
            amount: Money::new(row.next()?, currency),
            base_amount: Money::new(row.next()?, base),
            vat_code_id: row.opt_id()?,
            vat_category: row.opt_parse()?,
            vat_rate: row.next()?,
            is_goods: row.next()?,
            open_item_id: row.opt_id()?,
            customer_id: row.opt_id()?,
            document_id: row.opt_id()?,
            tag_ids: serde_json::from_str(&row.next::<String>()?).expect("a list of ids"),
        })
    };
    tx.all(sql, params![company_id, id])?.into_iter().map(read).collect()
}

on_both! {
    /// Entries of two companies, alternating, some of them refused after they were appended.
    fn the_stored_chain_makes_its_hashes_again(house: &TestHouse) {
        let stocks = [Stock::new(new_id(), FULL), Stock::new(new_id(), BARE)];
        for stock in &stocks {
            let shelved = stock.clone();
            house.write(stock.company.id, move |tx| shelved.shelve_books(tx)).unwrap();
        }
        let mut appended = [Vec::new(), Vec::new()];
        for n in 0..12 {
            let stock = &stocks[n % 2];
            let entry_type = TYPES[usize::from(n % 3 == 0)];
            let entry = NewEntry { id: new_id(), entry_type, ..stock.entry.clone() };
            let (own, written) = (stock.company.id, entry.clone());
            let is_kept = n % 5 != 4;
            let answer = house.write(own, move |tx| {
                ledger::append(tx, own, &written)?;
                if is_kept { Ok(()) } else { Err(Error::NotFound) }
            });
            assert_eq!(answer.is_ok(), is_kept);
            appended[n % 2].extend(is_kept.then_some(entry));
        }
        for (stock, appended) in stocks.iter().zip(appended) {
            let (own, base) = (stock.company.id, stock.company.currency);
            let stored = house.read(move |tx| chain(tx, own, base)).unwrap();
            let hashes = successors(Some(FIRST_HASH.to_owned()), |previous| {
                stored.iter().find(|stored| stored.previous_hash == *previous).map(|stored| stored.hash.clone())
            });
            let hashes: Vec<String> = hashes.collect();
            assert_eq!((stored.len(), hashes.len()), (appended.len(), appended.len() + 1));
            for (at, (stored, entry)) in stored.iter().zip(&appended).enumerate() {
                assert_eq!(stored.sequence, i64::try_from(at).unwrap() + 1);
                assert_eq!(&stored.entry, entry);
                assert_eq!(stored.previous_hash, hashes[at]);
                assert_eq!(stored.hash, hash(own, stored.sequence, &stored.entry, &stored.previous_hash));
                assert_eq!(stored.hash, hashes[at + 1]);
            }
            let counters = "select last_entry_hash from company_counters where company_id = $1";
            let last = house.read(move |tx| tx.all(counters, params![own])).unwrap();
            assert_eq!(crate::house::texts(last), hashes[hashes.len() - 1..]);
        }
    }

    fn an_entry_that_does_not_add_up_is_not_stored(house: &TestHouse) {
        let stock = Stock::new(new_id(), FULL);
        let (own, shelved) = (stock.company.id, stock.clone());
        house.write(own, move |tx| shelved.shelve_books(tx)).unwrap();
        let mut entry = stock.entry;
        entry.postings.truncate(1);
        let refused = house.write(own, move |tx| ledger::append(tx, own, &entry));
        assert!(matches!(&refused, Err(Error::Broken(why)) if why.contains("adds up to zero")), "{refused:?}");
        assert_eq!(house.read(move |tx| companies::has_bookings(tx, own)), Ok(false));
        let rows = house.read(move |tx| tx.all("select id from journal_entries", params![])).unwrap();
        assert!(rows.is_empty());
    }

    fn what_is_posted_on_an_account_that_is_not_there_is_refused(house: &TestHouse) {
        let stock = Stock::new(new_id(), FULL);
        let (own, shelved) = (stock.company.id, stock.clone());
        house.write(own, move |tx| shelved.shelve_books(tx)).unwrap();
        let mut entry = stock.entry;
        entry.postings[0].account_id = new_id();
        let refused = house.write(own, move |tx| ledger::append(tx, own, &entry));
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
        assert_eq!(house.read(move |tx| companies::has_bookings(tx, own)), Ok(false));
    }
}

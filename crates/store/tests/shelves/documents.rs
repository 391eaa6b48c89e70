//! The life of a document on its shelf: written anew while it is a draft, booked
//! once, and never edited after that.

use billing::document::Document;
use billing::ids::CompanyId;
use billing::kind::Kind;
use billing::lines::LineBody;
use store::db::params;
use store::{Error, documents, lines, prices};

use crate::house::{TestHouse, at, day, new_id, on_both};
use crate::stock::{BARE, FULL, Flavour, Stock, TODAY, document};

const OTHER: Flavour = Flavour { mark: "other", twist: 9, is_full: true };

/// The books that documents are made from, and an invoice that is not booked yet.
fn draft(house: &TestHouse) -> (Stock, Document) {
    let stock = Stock::new(new_id(), FULL);
    let draft = undone(stock.invoice.clone());
    let (own, shelved, written) = (stock.company.id, stock.clone(), draft.clone());
    house
        .write(own, move |tx| {
            shelved.shelve_books(tx)?;
            documents::insert(tx, own, &written, "")
        })
        .unwrap();
    (stock, draft)
}

/// The document as it was before it was booked.
fn undone(mut document: Document) -> Document {
    for line in &mut document.lines {
        if let Some(product) = line.product_mut() {
            (product.base_total, product.base_vat) = (None, None);
        }
    }
    Document {
        number: None,
        numbered_at: None,
        exchange_rate: None,
        base_amount: None,
        base_vat: None,
        language: None,
        pinned: None,
        facts: Default::default(),
        ..document
    }
}

fn get(house: &TestHouse, company_id: CompanyId, document: &Document) -> Option<Document> {
    let id = document.id;
    house.read(move |tx| documents::get(tx, company_id, id)).unwrap()
}

/// How many rows a company has in the tables of a document's parts.
fn parts(house: &TestHouse, company_id: CompanyId) -> [usize; 4] {
    let sql = [
        "select id from documents where company_id = $1",
        "select id from document_lines where company_id = $1",
        "select mode from document_vat_groups where company_id = $1",
        "select key from metadata where company_id = $1 and resource_type = 'document'",
    ];
    house
        .read(move |tx| {
            let mut count = |sql: &str| tx.all(sql, params![company_id]).map(|rows| rows.len());
            Ok([count(sql[0])?, count(sql[1])?, count(sql[2])?, count(sql[3])?])
        })
        .unwrap()
}

on_both! {
    fn a_draft_is_written_anew(house: &TestHouse) {
        let (stock, mut before) = draft(house);
        let own = stock.company.id;
        assert_eq!(get(house, own, &before).as_ref(), Some(&before));
        for flavour in [BARE, OTHER] {
            let mut after = undone(document(&flavour, Kind::Invoice, &stock.company, &stock.customer));
            // What it was made of or to undo stays.
            after.reverses = before.reverses.clone();
            after.converted_from = before.converted_from.clone();
            after.lines.truncate(if flavour.is_full { 4 } else { 1 });
            after.date = day("2024-02-29");
            let written = after.clone();
            house.write(own, move |tx| documents::rewrite(tx, own, &written, "anew")).unwrap();
            assert_eq!(get(house, own, &after).as_ref(), Some(&after));
            assert_eq!(parts(house, own), [1, after.lines.len(), 2, after.head.metadata.0.len()]);
            before = after;
        }
    }

    fn a_draft_is_booked(house: &TestHouse) {
        let (stock, _) = draft(house);
        let (own, booked) = (stock.company.id, stock.invoice);
        assert_eq!(house.read(move |tx| documents::any_booked(tx, own)), Ok(false));
        let written = booked.clone();
        house
            .write(own, move |tx| {
                documents::pin(tx, own, &written, "booked")?;
                documents::set_facts(tx, own, &written)
            })
            .unwrap();
        assert_eq!(get(house, own, &booked), Some(booked));
        assert_eq!(house.read(move |tx| documents::any_booked(tx, own)), Ok(true));
    }

    /// A quote that is sent is in no books, and yet stays as it was sent.
    fn a_sent_quote_stays_as_it_was_sent(house: &TestHouse) {
        let (stock, _) = draft(house);
        let own = stock.company.id;
        let mut sent = Document { kind: Kind::Quote, ..stock.invoice.clone() };
        if let Some(pinned) = &mut sent.pinned {
            pinned.booking = None;
        }
        let unsent = Document { number: None, numbered_at: None, pinned: None, ..sent.clone() };
        let (id, written) = (sent.id, sent.clone());
        house
            .write(own, move |tx| {
                documents::delete(tx, own, id)?;
                documents::insert(tx, own, &unsent, "")?;
                documents::pin(tx, own, &written, "sent")
            })
            .unwrap();
        assert_eq!(get(house, own, &sent).as_ref(), Some(&sent));
        assert_eq!(house.read(move |tx| documents::any_booked(tx, own)), Ok(false));
        let other = Document { kind: Kind::Quote, ..document(&OTHER, Kind::Invoice, &stock.company, &stock.customer) };
        let again = other.clone();
        house.write(own, move |tx| documents::pin(tx, own, &again, "again")).unwrap();
        let rewritten = house.write(own, move |tx| documents::rewrite(tx, own, &other, "other"));
        assert_eq!(rewritten, Err(Error::NotFound), "there is no such draft");
        assert_eq!(house.write(own, move |tx| documents::delete(tx, own, id)), Err(Error::NotFound));
        assert_eq!(get(house, own, &sent), Some(sent));
    }

    /// Nothing booked is ever edited: no function does it, whatever a verb asks for.
    fn a_booked_document_stays_as_it_was_booked(house: &TestHouse) {
        let (stock, _) = draft(house);
        let (own, booked) = (stock.company.id, stock.invoice.clone());
        let written = booked.clone();
        house
            .write(own, move |tx| {
                documents::pin(tx, own, &written, "booked")?;
                documents::set_facts(tx, own, &written)
            })
            .unwrap();
        let counted = parts(house, own);
        let other = document(&OTHER, Kind::Invoice, &stock.company, &stock.customer);
        let again = other.clone();
        house.write(own, move |tx| documents::pin(tx, own, &again, "again")).unwrap();
        assert_eq!(get(house, own, &booked).as_ref(), Some(&booked));
        let rewritten = house.write(own, move |tx| documents::rewrite(tx, own, &other, "other"));
        assert_eq!(rewritten, Err(Error::NotFound), "there is no such draft");
        let id = booked.id;
        assert_eq!(house.write(own, move |tx| documents::delete(tx, own, id)), Err(Error::NotFound));
        assert_eq!(get(house, own, &booked), Some(booked));
        assert_eq!(parts(house, own), counted);
    }

    fn a_draft_is_deleted_with_all_its_parts(house: &TestHouse) {
        let (stock, draft) = draft(house);
        let (own, id) = (stock.company.id, draft.id);
        assert_eq!(parts(house, own), [1, 4, 2, 3]);
        house.write(own, move |tx| documents::delete(tx, own, id)).unwrap();
        assert_eq!(parts(house, own), [0; 4]);
        assert_eq!(get(house, own, &draft), None);
    }

    fn a_draft_with_a_number_is_not_deleted(house: &TestHouse) {
        let (stock, _) = draft(house);
        let own = stock.company.id;
        let note = Document { number: stock.note.number.clone(), ..undone(stock.note) };
        let (written, id) = (note.clone(), note.id);
        house.write(own, move |tx| documents::insert(tx, own, &written, "")).unwrap();
        let counted = parts(house, own);
        assert_eq!(house.write(own, move |tx| documents::delete(tx, own, id)), Err(Error::NotFound));
        assert_eq!(get(house, own, &note), Some(note));
        assert_eq!(parts(house, own), counted);
    }

    fn a_document_of_another_company_is_no_draft(house: &TestHouse) {
        let (stock, draft) = draft(house);
        let stranger = Stock::new(new_id(), BARE).company;
        let (other, changed) = (stranger.id, Document { date: day("2000-01-01"), ..draft.clone() });
        house.write(other, move |tx| store::companies::insert(tx, &stranger)).unwrap();
        let id = draft.id;
        assert_eq!(house.write(other, move |tx| documents::rewrite(tx, other, &changed, "")), Err(Error::NotFound));
        assert_eq!(house.write(other, move |tx| documents::delete(tx, other, id)), Err(Error::NotFound));
        let booked = stock.invoice.clone();
        house.write(other, move |tx| documents::pin(tx, other, &booked, "")).unwrap();
        assert_eq!(get(house, stock.company.id, &draft), Some(draft));
    }

    fn two_documents_never_have_the_same_number(house: &TestHouse) {
        let (stock, _) = draft(house);
        let own = stock.company.id;
        let double = |n: u128| {
            let mut copy = stock.invoice.clone();
            copy.id = new_id();
            copy.lines.truncate(1);
            copy.lines[0].id = new_id();
            copy.head.notes = Some(n.to_string());
            copy
        };
        let (first, second) = (double(1), double(2));
        house.write(own, move |tx| documents::insert(tx, own, &first, "")).unwrap();
        let refused = house.write(own, move |tx| documents::insert(tx, own, &second, ""));
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }

    /// As many lines as a document may have, in their order.
    fn a_long_document_keeps_its_order(house: &TestHouse) {
        let (stock, draft) = draft(house);
        let own = stock.company.id;
        let mut long = draft.clone();
        long.lines = (0..1_000)
            .map(|n| {
                let mut line = draft.lines[n % 4].clone();
                line.id = new_id();
                if let LineBody::Text(text) = &mut line.body {
                    *text = n.to_string();
                }
                line
            })
            .collect();
        // Ids in no order.
        let ids: Vec<_> = long.lines.iter().map(|line| line.id).collect();
        for (line, id) in long.lines.iter_mut().zip(ids.into_iter().rev()) {
            line.id = id;
        }
        let written = long.clone();
        house.write(own, move |tx| documents::rewrite(tx, own, &written, "")).unwrap();
        assert!(get(house, own, &long).as_ref() == Some(&long));
        let (last, id) = (long.lines[999].id, long.id);
        assert_eq!(house.read(move |tx| lines::document_of(tx, own, last)), Ok(Some(id)));
    }

    fn a_price_on_a_document_is_locked_for_good(house: &TestHouse) {
        let stock = Stock::new(new_id(), BARE);
        let (own, id, company) = (stock.company.id, stock.price.id, stock.company.clone());
        let unlocked = stock.price.clone();
        house.write(own, move |tx| stock.shelve_books(tx)).unwrap();
        house
            .write(own, move |tx| {
                prices::lock(tx, own, id)?;
                prices::lock(tx, own, id)?;
                prices::update(tx, own, &unlocked)?;
                prices::delete(tx, own, id)
            })
            .unwrap();
        let locked = house.read(move |tx| prices::get(tx, &company, TODAY, id)).unwrap();
        assert!(locked.expect("it is not deleted").is_locked);
    }

    fn a_fact_changes_the_status_that_is_listed(house: &TestHouse) {
        let (stock, mut draft) = draft(house);
        let own = stock.company.id;
        let status = || {
            let rows = house.read(move |tx| tx.all("select status from documents where company_id = $1", params![own]));
            crate::house::texts(rows.unwrap())
        };
        assert_eq!(status(), ["draft"]);
        draft.facts.cancelled_at = Some(at("2026-06-10T10:00:00Z"));
        house.write(own, move |tx| documents::set_facts(tx, own, &draft)).unwrap();
        assert_eq!(status(), ["cancelled"]);
    }
}

//! The ledger: entries that add up to zero, and a chain that shows every change.

use billing::ids::{AccountId, CompanyId, CustomerId, EntryId, OpenItemId};
use billing::money::{Currency, Money};
use billing::postings::{FIRST_HASH, NewEntry, Posting, assert_balanced, canonical, hash, of_allocation, sha256};
use jiff::Timestamp;
use jiff::civil::date;
use serde_json::json;
use uuid::Uuid;

fn id<T: From<Uuid>>(number: u128) -> T {
    Uuid::from_u128(number).into()
}

fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn krone(minor: i64) -> Money {
    Money::new(minor, Currency::DKK)
}

/// 125.00 EUR credited at 7.46 (932.50 DKK) against as much invoiced at `debit_base`.
fn allocation(debit_base: i64) -> Vec<Posting> {
    let (receivables, exchange): (AccountId, AccountId) = (id(5600), id(4010));
    let (credit, debit): (OpenItemId, OpenItemId) = (id(1), id(2));
    let customer: CustomerId = id(7);
    of_allocation(
        (receivables, credit, krone(93_250)),
        (receivables, debit, krone(debit_base)),
        euro(12_500),
        exchange,
        customer,
    )
}

#[test]
fn setting_off_at_one_rate_moves_both_items_and_nothing_else() {
    let postings = allocation(93_250);
    assert_balanced(&postings);
    let figures: Vec<_> = postings.iter().map(|p| (p.open_item_id, p.amount.minor(), p.base_amount.minor())).collect();
    // The credit item stood below zero and is debited, the invoice's is credited.
    assert_eq!(figures, [(Some(id(1)), 12_500, 93_250), (Some(id(2)), -12_500, -93_250)]);
}

#[test]
fn setting_off_at_two_rates_books_the_difference() {
    // Invoiced at 7.50: 937.50 DKK leave the receivable, 932.50 are given back: a loss of 5.00.
    let postings = allocation(93_750);
    assert_balanced(&postings);
    assert_eq!((postings[2].account_id, postings[2].amount, postings[2].base_amount), (id(4010), euro(0), krone(500)));
    // Invoiced at 7.40: 925.00 leave, 932.50 are given back: a gain of 7.50, on the credit side.
    let postings = allocation(92_500);
    assert_balanced(&postings);
    assert_eq!(postings[2].base_amount, krone(-750));
}

#[test]
#[should_panic(expected = "an entry adds up to zero")]
fn an_entry_that_does_not_add_up_is_never_booked() {
    let mut postings = allocation(93_250);
    postings[0].base_amount = krone(93_251);
    assert_balanced(&postings);
}

fn entry() -> NewEntry {
    let account = |number| id::<AccountId>(number);
    NewEntry {
        id: id::<EntryId>(9),
        entry_type: "CUSTOMER_INVOICE",
        date: date(2026, 3, 1),
        currency: Currency::DKK,
        description: "Invoice INV-00001".into(),
        reference: Some("INV-00001".into()),
        document_id: None,
        customer_id: None,
        document_sha256: Some("ab".into()),
        reverses: None,
        postings: vec![
            Posting::plain(account(5600), krone(12_500), krone(12_500)),
            Posting::plain(account(1010), krone(-12_500), krone(-12_500)),
        ],
        created_at: Timestamp::UNIX_EPOCH,
    }
}

#[test]
fn any_change_of_an_entry_or_its_place_changes_its_hash() {
    let company: CompanyId = id(3);
    let of = |sequence, entry: &NewEntry, previous: &str| hash(company, sequence, entry, previous);
    let first = of(1, &entry(), FIRST_HASH);
    assert_eq!(first.len(), 64);
    assert_eq!(first, of(1, &entry(), FIRST_HASH), "the same entry in the same place");
    let changes: [fn(&mut NewEntry); 8] = [
        |e| e.postings[0].amount = krone(12_501),
        |e| e.postings[1].base_amount = krone(-12_499),
        |e| e.postings[1].account_id = id(1020),
        |e| e.postings[0].customer_id = Some(id(7)),
        |e| e.postings.swap(0, 1),
        |e| e.description.push('!'),
        |e| e.date = date(2026, 3, 2),
        |e| e.document_sha256 = Some("ac".into()),
    ];
    for (at, change) in changes.iter().enumerate() {
        let mut changed = entry();
        change(&mut changed);
        assert_ne!(of(1, &changed, FIRST_HASH), first, "change {at}");
    }
    assert_ne!(of(2, &entry(), FIRST_HASH), first, "another place");
    assert_ne!(of(1, &entry(), &first), first, "another predecessor");
    assert_ne!(hash(id(4), 1, &entry(), FIRST_HASH), first, "another company");
}

#[test]
fn canonical_json_has_sorted_keys_and_no_blanks() {
    let value = json!({ "b": [1, { "d": null, "c": "x \"y\"" }], "a": true, "å": "æ" });
    assert_eq!(canonical(&value), r#"{"a":true,"b":[1,{"c":"x \"y\"","d":null}],"å":"æ"}"#);
    // FIPS 180-2, appendix B.1: the hash of "abc".
    assert_eq!(sha256(&["a", "bc"]), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

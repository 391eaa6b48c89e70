//! What payments, allocations, refunds and write-offs share: the checks before a posting,
//! the items they move, and how each of them is taken back.

use billing::document::Document;
use billing::ids::{AccountId, CustomerId, DocumentId, EntryId, OpenItemId};
use billing::kind::Kind;
use billing::money::{self, Currency, Money};
use billing::payments::{Cash, ItemPart};
use billing::postings::{self, NewEntry};
use billing::refusal::{Faults, Refusal};
use billing::settlement::Reversal;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::json;
use store::open_items::{self, OpenItem};
use store::{documents, ledger};

use crate::documents::{find, publish};
use crate::{Error, Work, drafting};

/// The invoice of that id, booked.
pub(crate) fn booked(work: &mut Work<'_>, kind: Kind, id: DocumentId) -> Result<Document, Error> {
    let document = find(work.tx, work.company.id, kind, id)?;
    check_booked(&document)?;
    Ok(document)
}

/// Only what is in the books can be settled.
pub(crate) fn check_booked(document: &Document) -> Result<(), Refusal> {
    if document.is_booked() {
        return Ok(());
    }
    let title = document.kind.title();
    let message = format!("The {title} is {}; only a booked one can be settled.", document.status());
    Err(Refusal::new("DOCUMENT_NOT_BOOKED", message).with(json!({ "documentId": document.id })))
}

/// An amount as asked for, in a currency whose decimals it fits.
pub(crate) fn amount(asked: Decimal, of: Money) -> Result<Money, Error> {
    let decimals = of.currency().exponent();
    if asked.normalize().scale() > decimals {
        let mut faults = Faults::default();
        let message = format!("amount must have at most {decimals} decimals in {}", of.currency());
        faults.add("amount", "isDecimal", message);
        return Err(faults.into());
    }
    Ok(money::parse_amount(asked, of.currency()).ok_or_else(Refusal::amount_too_large)?)
}

/// Nobody settles more than is open.
pub(crate) fn check_open(asked: Money, open: Money, whose: &str) -> Result<(), Refusal> {
    if asked.minor() <= open.minor() && !asked.is_zero() {
        return Ok(());
    }
    let message = format!("{asked} {} is asked for, and {open} is open of the {whose}.", asked.currency());
    Err(Refusal::new("AMOUNT_EXCEEDS_OPEN", message)
        .with(json!({ "asked": asked.to_string(), "open": open.to_string(), "of": whose })))
}

/// A day that may be posted on: no further ahead than documents may be, and not locked.
pub(crate) fn check_day(work: &Work<'_>, date: Date) -> Result<(), Refusal> {
    drafting::check_date(work.today(), date)?;
    if is_locked(work, date) {
        let message = format!("The period of {date} is locked.");
        return Err(Refusal::new("PERIOD_LOCKED", message).with(json!({ "property": "date" })));
    }
    Ok(())
}

fn is_locked(work: &Work<'_>, date: Date) -> bool {
    work.company.locked_through.is_some_and(|locked| date <= locked)
}

/// The account that plays a role in the chart.
pub(crate) fn role(work: &mut Work<'_>, role: &str) -> Result<AccountId, Error> {
    ledger::role(work.tx, work.company.id, role)?
        .ok_or_else(|| Error::Broken(format!("the chart has no account with the role {role}")))
}

/// The account for what setting off leaves between two items: where both stand at one rate it
/// comes of rounding. Charts made before there was an account for that have exchange differences only.
pub(crate) fn difference(work: &mut Work<'_>, is_at_one_rate: bool) -> Result<AccountId, Error> {
    let rounding = if is_at_one_rate { ledger::role(work.tx, work.company.id, "Rounding")? } else { None };
    match rounding {
        Some(account) => Ok(account),
        None => role(work, "ExchangeDifference"),
    }
}

/// The rate that what is paid on a day stands at; none in the company's currency.
pub(crate) fn rate_of_day(work: &mut Work<'_>, currency: Currency, date: Date) -> Result<Option<Decimal>, Error> {
    let rate = drafting::rate_on(work, currency, date)?;
    Ok(Some(rate).filter(|_| currency != work.company.currency))
}

/// Money on the bank account at a rate: `carried` is what it settles, in the company's currency, where
/// that stands at the same rate. It then moves as it is carried, so that no difference comes of rounding.
pub(crate) fn cash(
    work: &mut Work<'_>,
    amount: Money,
    rate: Option<Decimal>,
    carried: Option<Money>,
) -> Result<Cash, Error> {
    let day = rate.unwrap_or(Decimal::ONE);
    let converted = money::convert(amount, day, work.company.currency).map_err(Refusal::from)?;
    Ok(Cash { account_id: role(work, "Bank")?, amount, base: carried.unwrap_or(converted) })
}

/// The open item of a document in the books.
pub(crate) fn item_of(work: &mut Work<'_>, document: &Document) -> Result<OpenItem, Error> {
    open_items::of_document(work.tx, work.company.id, document.id)?
        .ok_or_else(|| Error::Broken(format!("document {} has no open item", document.id)))
}

/// A part of an item at its carrying amount: all of it with the last unit, else in proportion.
pub(crate) fn part(work: &Work<'_>, item: &OpenItem, amount: Money) -> ItemPart {
    let base = item.carried().part(amount.minor());
    part_at(work, item, amount, base)
}

/// A part of an item that is known in both currencies.
pub(crate) fn part_at(work: &Work<'_>, item: &OpenItem, amount: Money, base: i64) -> ItemPart {
    ItemPart {
        account_id: item.account_id,
        item_id: item.id,
        customer_id: item.customer_id,
        amount,
        base: Money::new(base, work.company.currency),
    }
}

/// Moves an item towards nothing (a settlement) by a positive amount, or away from it by a negative one.
pub(crate) fn settle(
    work: &mut Work<'_>,
    item: &mut OpenItem,
    is_credit: bool,
    by: Money,
    base: i64,
) -> Result<(), Error> {
    if is_credit {
        item.open += by;
        item.base_open += base;
    } else {
        item.open -= by;
        item.base_open -= base;
    }
    Ok(open_items::set_open(work.tx, work.company.id, item)?)
}

/// What a settlement is called in the books.
pub(crate) struct Named<'a> {
    pub(crate) entry_type: &'static str,
    pub(crate) date: Date,
    pub(crate) description: String,
    pub(crate) reference: Option<String>,
    pub(crate) document: Option<&'a Document>,
    pub(crate) customer_id: CustomerId,
}

/// Posts a settlement; its entry.
pub(crate) fn post(work: &mut Work<'_>, named: Named<'_>, postings: Vec<postings::Posting>) -> Result<EntryId, Error> {
    let Named { entry_type, date, description, reference, document, customer_id } = named;
    let currency = postings.first().map_or(work.company.currency, |posting| posting.amount.currency());
    let entry = NewEntry {
        id: work.new_id(),
        entry_type,
        date,
        currency,
        description,
        reference,
        document_id: document.map(|document| document.id),
        customer_id: Some(customer_id),
        document_sha256: document.and_then(|d| d.pinned.as_ref()).map(|pinned| pinned.snapshot_sha256.clone()),
        reverses: None,
        postings,
        created_at: work.now,
    };
    ledger::append(work.tx, work.company.id, &entry)?;
    Ok(entry.id)
}

/// Takes an entry back by its mirror, on its own day, or today when that is locked.
pub(crate) fn reverse(work: &mut Work<'_>, entry_id: EntryId) -> Result<Reversal, Error> {
    let (company_id, base) = (work.company.id, work.company.currency);
    let entry = ledger::entry(work.tx, company_id, entry_id, base)?
        .ok_or_else(|| Error::Broken(format!("entry {entry_id} is not there")))?;
    let date = if is_locked(work, entry.date) { work.today() } else { entry.date };
    check_day(work, date)?;
    let mirrored = NewEntry {
        id: work.new_id(),
        date,
        description: format!("{}, taken back", entry.description),
        reverses: Some(entry_id),
        postings: postings::mirror(entry.postings),
        created_at: work.now,
        ..entry
    };
    ledger::append(work.tx, company_id, &mirrored)?;
    Ok(Reversal { at: work.now, entry_id: mirrored.id })
}

/// What was taken back once stays so.
pub(crate) fn check_standing(reversal: Option<Reversal>, what: &str, code: &'static str) -> Result<(), Refusal> {
    match reversal {
        None => Ok(()),
        Some(_) => Err(Refusal::new(code, format!("The {what} was taken back already."))),
    }
}

/// Changes the facts of a document and says so.
pub(crate) fn change(
    work: &mut Work<'_>,
    document: &mut Document,
    event: impl FnOnce(&Document) -> &'static str,
    change: impl FnOnce(&mut billing::status::Facts),
) -> Result<(), Error> {
    let before = publish(work.tx, &work.company, work.today, document)?;
    change(&mut document.facts);
    document.updated_at = work.now;
    documents::set_facts(work.tx, work.company.id, document)?;
    work.document_event(event(document), document, Some(crate::work::json(&before)))
}

/// A document's number.
pub(crate) fn number(document: &Document) -> Option<String> {
    document.number.as_ref().map(|number| number.text.clone())
}

/// A credit that can be set off or paid out: that of a booked note, or of a payment that was too much.
pub(crate) struct Credit {
    pub(crate) item: OpenItem,
    pub(crate) note: Option<Document>,
}

impl Credit {
    /// What is open of it, positive.
    pub(crate) fn open(&self) -> Money {
        -self.item.open
    }

    /// Its name in the books, as `credit note CN-00001`.
    pub(crate) fn title(&self) -> String {
        match self.note.as_ref().and_then(number) {
            Some(number) => format!("credit note {number}"),
            None => "overpayment".to_owned(),
        }
    }
}

/// The credit of a booked credit note.
pub(crate) fn credit_of_note(work: &mut Work<'_>, id: DocumentId) -> Result<Credit, Error> {
    let note = booked(work, Kind::CreditNote, id)?;
    Ok(Credit { item: item_of(work, &note)?, note: Some(note) })
}

/// The credit of an open item: whatever it comes from.
pub(crate) fn credit_of_item(work: &mut Work<'_>, id: OpenItemId) -> Result<Credit, Error> {
    let item = item(work.tx, work.company.id, id)?;
    let not_a_credit =
        || Refusal::new("OPEN_ITEM_NOT_A_CREDIT", "The open item is owed: only a credit can be used so.");
    if item.origin.reminder().is_some() {
        return Err(not_a_credit().into());
    }
    let note = match item.origin.document() {
        None => None,
        Some(document) => Some(find(work.tx, work.company.id, Kind::CreditNote, document).map_err(|_| not_a_credit())?),
    };
    Ok(Credit { item, note })
}

/// An open item, or its 404.
pub(crate) fn item(
    tx: &mut dyn store::db::Tx,
    company_id: billing::ids::CompanyId,
    id: OpenItemId,
) -> Result<OpenItem, Error> {
    let missing = || Refusal::missing("OPEN_ITEM_NOT_FOUND", "There is no such open item in this company.");
    Ok(open_items::get(tx, company_id, id)?.ok_or_else(missing)?)
}

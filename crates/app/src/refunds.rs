//! Refunds: a customer's credit paid out outside, of a credit note or of a payment that was too much.

use billing::ids::{DocumentId, OpenItemId, RefundId};
use billing::input::settlement::{PartQuery, RefundInput};
use billing::json::instant_text;
use billing::kind::Kind;
use billing::page::Page;
use billing::payments;
use billing::refusal::Refusal;
use billing::settlement::{PublicRefund, part_of, reversed_text};
use store::open_items;
use store::refunds::{self as shelf, Refund};

use crate::settling::{self, Credit, Named};
use crate::{Error, View, Work};

/// Pays out of a credit note's credit.
///
/// # Errors
/// `CREDIT_NOTE_NOT_FOUND`, `DOCUMENT_NOT_BOOKED`, `AMOUNT_EXCEEDS_OPEN`, `PERIOD_LOCKED`, `EXCHANGE_RATE_MISSING`.
pub fn of_note(work: &mut Work<'_>, note: DocumentId, input: RefundInput) -> Result<PublicRefund, Error> {
    let credit = settling::credit_of_note(work, note)?;
    refund(work, credit, input)
}

/// Pays out of an open item's credit.
///
/// # Errors
/// `OPEN_ITEM_NOT_FOUND`, `OPEN_ITEM_NOT_A_CREDIT`, and as [`of_note`].
pub fn of_item(work: &mut Work<'_>, item: OpenItemId, input: RefundInput) -> Result<PublicRefund, Error> {
    let credit = settling::credit_of_item(work, item)?;
    refund(work, credit, input)
}

/// Takes a refund of a credit note back by its mirror entry.
///
/// # Errors
/// `REFUND_NOT_FOUND`, `REFUND_REVERSED`, `PERIOD_LOCKED` when today is locked too.
pub fn reverse_of_note(work: &mut Work<'_>, (note, id): (DocumentId, RefundId)) -> Result<(), Error> {
    let credit = settling::credit_of_note(work, note)?;
    reverse(work, credit, id)
}

/// Takes a refund of an open item back by its mirror entry.
///
/// # Errors
/// As [`reverse_of_note`].
pub fn reverse_of_item(work: &mut Work<'_>, (item, id): (OpenItemId, RefundId)) -> Result<(), Error> {
    let credit = settling::credit_of_item(work, item)?;
    reverse(work, credit, id)
}

/// The refunds of a credit note, oldest first, those taken back too.
///
/// # Errors
/// `CREDIT_NOTE_NOT_FOUND`.
pub fn list_of_note(view: &mut View<'_>, note: DocumentId, query: PartQuery) -> Result<Page<PublicRefund>, Error> {
    crate::documents::find(view.tx, view.company.id, Kind::CreditNote, note)?;
    let all = match open_items::of_document(view.tx, view.company.id, note)? {
        Some(item) => shelf::of_item(view.tx, view.company.id, item.id)?,
        None => Vec::new(),
    };
    part(all, &query)
}

/// The refunds of an open item, oldest first, those taken back too.
///
/// # Errors
/// `OPEN_ITEM_NOT_FOUND`.
pub fn list_of_item(view: &mut View<'_>, item: OpenItemId, query: PartQuery) -> Result<Page<PublicRefund>, Error> {
    settling::item(view.tx, view.company.id, item)?;
    let all = shelf::of_item(view.tx, view.company.id, item)?;
    part(all, &query)
}

fn part(all: Vec<Refund>, query: &PartQuery) -> Result<Page<PublicRefund>, Error> {
    let page = part_of(all, query.page, query.limit, query.cursor.as_deref(), |refund| refund.id.to_string())?;
    Ok(page.map(|refund| public(&refund)))
}

fn refund(work: &mut Work<'_>, mut credit: Credit, input: RefundInput) -> Result<PublicRefund, Error> {
    let date = input.date.0;
    settling::check_day(work, date)?;
    let amount = settling::amount(input.amount.0, credit.item.open)?;
    settling::check_open(amount, credit.open(), "credit")?;
    let rate = settling::rate_of_day(work, amount.currency(), date)?;
    let part = settling::part(work, &credit.item, amount);
    let carried = credit.item.carried().stands_at(rate).then_some(part.base);
    let paid = settling::cash(work, amount, rate, carried)?;
    let exchange = settling::role(work, "ExchangeDifference")?;
    let named = Named {
        entry_type: "CUSTOMER_PAYMENT",
        date,
        description: format!("{} paid out", credit.title()),
        reference: Some(input.reference.0.clone()),
        document: credit.note.as_ref(),
        customer_id: credit.item.customer_id,
    };
    let entry_id = settling::post(work, named, payments::of_refund(part, paid, exchange))?;
    let refund = Refund {
        id: work.new_id(),
        item_id: credit.item.id,
        document_id: credit.item.origin.document(),
        customer_id: credit.item.customer_id,
        date,
        amount,
        item_base: part.base.minor(),
        reference: input.reference.0,
        entry_id,
        created_at: work.now,
        reversal: None,
    };
    shelf::insert(work.tx, work.company.id, &refund)?;
    settling::settle(work, &mut credit.item, true, amount, part.base.minor())?;
    let published = public(&refund);
    work.event("refund.created", "refund", refund.id, &published, None);
    if let Some(note) = &mut credit.note {
        settling::change(work, note, |_| "credit_note.refunded", |facts| facts.paid += amount.minor())?;
    }
    Ok(published)
}

fn reverse(work: &mut Work<'_>, mut credit: Credit, id: RefundId) -> Result<(), Error> {
    let company_id = work.company.id;
    let missing = || Refusal::missing("REFUND_NOT_FOUND", "There is no such refund of this credit.");
    let refund = shelf::get(work.tx, company_id, credit.item.id, id)?.ok_or_else(missing)?;
    settling::check_standing(refund.reversal, "refund", "REFUND_REVERSED")?;
    let reversal = settling::reverse(work, refund.entry_id)?;
    settling::settle(work, &mut credit.item, true, -refund.amount, -refund.item_base)?;
    shelf::reverse(work.tx, company_id, id, reversal)?;
    let (before, amount) = (crate::work::json(&public(&refund)), refund.amount);
    let published = public(&Refund { reversal: Some(reversal), ..refund });
    work.event("refund.deleted", "refund", id, &published, Some(before));
    match &mut credit.note {
        None => Ok(()),
        Some(note) => settling::change(work, note, |_| "credit_note.updated", |facts| facts.paid -= amount.minor()),
    }
}

fn public(r: &Refund) -> PublicRefund {
    PublicRefund {
        id: r.id,
        open_item_id: r.item_id,
        credit_note_id: r.document_id,
        customer_id: r.customer_id,
        date: r.date.to_string(),
        currency: r.amount.currency().code().to_owned(),
        amount: r.amount.to_string(),
        reference: r.reference.clone(),
        journal_entry_id: r.entry_id,
        created_at: instant_text(r.created_at),
        reversed_at: reversed_text(r.reversal),
    }
}

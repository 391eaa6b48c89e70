//! Setting a credit off against an invoice: both items shrink, at their own carrying amounts.

use billing::carrying::{self, Carried};
use billing::crediting::NoteShare;
use billing::document::Document;
use billing::ids::{AllocationId, DocumentId, OpenItemId};
use billing::input::settlement::{AllocationInput, PartQuery};
use billing::json::instant_text;
use billing::kind::Kind;
use billing::money::Money;
use billing::page::Page;
use billing::postings;
use billing::refusal::Refusal;
use billing::settlement::{PublicAllocation, part_of, reversed_text};
use jiff::civil::Date;
use serde_json::json;
use store::allocations::{self as shelf, Allocation};
use store::open_items::OpenItem;
use store::{credits, documents, open_items, reminders};

use crate::documents::find;
use crate::settling::{self, Credit, Named, number};
use crate::{Error, View, Work};

/// Sets a credit note's credit off against an invoice.
///
/// # Errors
/// `CREDIT_NOTE_NOT_FOUND`, `INVOICE_NOT_FOUND`, `DOCUMENT_NOT_BOOKED`, `ALLOCATION_CUSTOMER_MISMATCH`,
/// `ALLOCATION_CURRENCY_MISMATCH`, `AMOUNT_EXCEEDS_OPEN`, `PERIOD_LOCKED`; `OPEN_ITEM_NOT_FOUND` where an item is
/// named that is not of the invoice.
pub fn of_note(work: &mut Work<'_>, note: DocumentId, input: AllocationInput) -> Result<PublicAllocation, Error> {
    find(work.tx, work.company.id, Kind::CreditNote, note)?;
    let invoice = invoice_meant(work, &input)?;
    let fee = fee_meant(work, &invoice, &input)?;
    let credit = settling::credit_of_note(work, note)?;
    set_off(work, credit, (invoice, fee), input)
}

/// Sets an open item's credit off against an invoice.
///
/// # Errors
/// `OPEN_ITEM_NOT_FOUND`, `OPEN_ITEM_NOT_A_CREDIT`, and as [`of_note`].
pub fn of_item(work: &mut Work<'_>, item: OpenItemId, input: AllocationInput) -> Result<PublicAllocation, Error> {
    let credit = settling::credit_of_item(work, item)?;
    let invoice = invoice_meant(work, &input)?;
    let fee = fee_meant(work, &invoice, &input)?;
    set_off(work, credit, (invoice, fee), input)
}

/// Takes an allocation of a credit note back by its mirror entry.
///
/// # Errors
/// `ALLOCATION_NOT_FOUND`, `ALLOCATION_REVERSED`, `PERIOD_LOCKED` when today is locked too.
pub fn reverse_of_note(work: &mut Work<'_>, (note, id): (DocumentId, AllocationId)) -> Result<(), Error> {
    let credit = settling::credit_of_note(work, note)?;
    reverse(work, credit, id)
}

/// Takes an allocation of an open item back by its mirror entry.
///
/// # Errors
/// As [`reverse_of_note`].
pub fn reverse_of_item(work: &mut Work<'_>, (item, id): (OpenItemId, AllocationId)) -> Result<(), Error> {
    let credit = settling::credit_of_item(work, item)?;
    reverse(work, credit, id)
}

/// The allocations of a credit note, oldest first, those taken back too.
///
/// # Errors
/// `CREDIT_NOTE_NOT_FOUND`.
pub fn list_of_note(view: &mut View<'_>, note: DocumentId, query: PartQuery) -> Result<Page<PublicAllocation>, Error> {
    let note = find(view.tx, view.company.id, Kind::CreditNote, note)?;
    let all = match open_items::of_document(view.tx, view.company.id, note.id)? {
        Some(item) => shelf::of_item(view.tx, view.company.id, item.id)?,
        None => Vec::new(),
    };
    part(all, note.amount, &query)
}

/// The allocations of an open item, oldest first, those taken back too.
///
/// # Errors
/// `OPEN_ITEM_NOT_FOUND`.
pub fn list_of_item(view: &mut View<'_>, id: OpenItemId, query: PartQuery) -> Result<Page<PublicAllocation>, Error> {
    let item = settling::item(view.tx, view.company.id, id)?;
    let all = shelf::of_item(view.tx, view.company.id, id)?;
    part(all, item.open, &query)
}

fn part(all: Vec<(Allocation, Option<String>)>, of: Money, query: &PartQuery) -> Result<Page<PublicAllocation>, Error> {
    let id = |(allocation, _): &(Allocation, Option<String>)| allocation.id.to_string();
    let page = part_of(all, query.page, query.limit, query.cursor.as_deref(), id)?;
    Ok(page.map(|(allocation, invoice)| public(&allocation, invoice, of)))
}

/// The invoice a request names, or the 404 of its field.
fn invoice_meant(work: &mut Work<'_>, input: &AllocationInput) -> Result<Document, Error> {
    find(work.tx, work.company.id, Kind::Invoice, input.invoice_id).map_err(|fault| match fault {
        Error::Refused(refusal) => Error::Refused(refusal.with(json!({ "property": "invoiceId" }))),
        other => other,
    })
}

/// The fee of a reminder that a request names, or the 404 of its field; none where it means the invoice itself.
fn fee_meant(work: &mut Work<'_>, invoice: &Document, input: &AllocationInput) -> Result<Option<OpenItem>, Error> {
    let Some(id) = input.open_item_id else { return Ok(None) };
    let missing = || Refusal::missing_at("OPEN_ITEM_NOT_FOUND", "The invoice has no such open item.", "openItemId");
    let item = open_items::get(work.tx, work.company.id, id)?.ok_or_else(missing)?;
    if item.origin.document() == Some(invoice.id) {
        return Ok(None);
    }
    let reminder = match item.origin.reminder() {
        Some(reminder) => reminders::get(work.tx, work.company.id, reminder)?,
        None => None,
    };
    Ok(Some(reminder.filter(|own| own.invoice_id == invoice.id).map(|_| item).ok_or_else(missing)?))
}

fn set_off(
    work: &mut Work<'_>,
    mut credit: Credit,
    (mut invoice, fee): (Document, Option<OpenItem>),
    input: AllocationInput,
) -> Result<PublicAllocation, Error> {
    settling::check_booked(&invoice)?;
    check_match(&credit, &invoice)?;
    let date = work.today();
    settling::check_day(work, date)?;
    let debit = match fee {
        Some(fee) => fee,
        None => settling::item_of(work, &invoice)?,
    };
    let (of_credit, of_debit) = (credit.open(), debit.open);
    let amount = match input.amount {
        Some(asked) => settling::amount(asked.0, of_credit)?,
        None => of_credit.min(of_debit),
    };
    settling::check_open(amount, of_credit, "credit")?;
    settling::check_open(amount, of_debit, if debit.origin.reminder().is_some() { "fee" } else { "invoice" })?;
    let allocation = allocate(work, &mut credit, (&invoice, debit), amount, None, date)?;
    let published = public(&allocation, number(&invoice), amount);
    work.event("allocation.created", "allocation", allocation.id, &published, None);
    if allocation.reminder.is_none() {
        settling::change(work, &mut invoice, |_| "invoice.updated", |facts| facts.allocated += amount.minor())?;
    }
    if let Some(note) = &mut credit.note {
        settling::change(work, note, |_| "credit_note.allocated", |facts| facts.allocated += amount.minor())?;
    }
    Ok(published)
}

fn reverse(work: &mut Work<'_>, mut credit: Credit, id: AllocationId) -> Result<(), Error> {
    let company_id = work.company.id;
    let missing = || Refusal::missing("ALLOCATION_NOT_FOUND", "There is no such allocation of this credit.");
    let (allocation, _) = shelf::get(work.tx, company_id, credit.item.id, id)?.ok_or_else(missing)?;
    settling::check_standing(allocation.reversal, "allocation", "ALLOCATION_REVERSED")?;
    let reversal = settling::reverse(work, allocation.entry_id)?;
    let mut invoice = find(work.tx, company_id, Kind::Invoice, allocation.debit.1)?;
    let mut debit = settling::item(work.tx, company_id, allocation.debit.0)?;
    let again = Money::new(-allocation.amount, invoice.currency);
    settling::settle(work, &mut credit.item, true, again, -allocation.credit_base)?;
    settling::settle(work, &mut debit, false, again, -allocation.debit_base)?;
    shelf::reverse(work.tx, company_id, id, reversal)?;
    let before = crate::work::json(&public(&allocation, number(&invoice), again));
    let (amount, is_of_fee) = (allocation.amount, allocation.reminder.is_some());
    let published = public(&Allocation { reversal: Some(reversal), ..allocation }, number(&invoice), again);
    work.event("allocation.deleted", "allocation", id, &published, Some(before));
    if !is_of_fee {
        settling::change(work, &mut invoice, |_| "invoice.updated", |facts| facts.allocated -= amount)?;
    }
    match &mut credit.note {
        None => Ok(()),
        Some(note) => settling::change(work, note, |_| "credit_note.unallocated", |facts| facts.allocated -= amount),
    }
}

/// A credit settles what the same customer owes in the same currency.
fn check_match(credit: &Credit, invoice: &Document) -> Result<(), Refusal> {
    let details = json!({ "property": "invoiceId", "invoiceId": invoice.id });
    if credit.item.customer_id != invoice.head.customer_id {
        let message = "The invoice is another customer's.";
        return Err(Refusal::new("ALLOCATION_CUSTOMER_MISMATCH", message).with(details));
    }
    if credit.item.open.currency() != invoice.currency {
        let message = format!("The credit is in {}, the invoice in {}.", credit.item.open.currency(), invoice.currency);
        return Err(Refusal::new("ALLOCATION_CURRENCY_MISMATCH", message).with(details));
    }
    Ok(())
}

/// Allocates a credit note just booked to each invoice it credits, up to what is
/// open there; the rest stays as the customer's credit. Does nothing to other kinds.
pub(crate) fn of_credit_note(work: &mut Work<'_>, note: &mut Document) -> Result<(), Error> {
    if note.kind != Kind::CreditNote {
        return Ok(());
    }
    let company_id = work.company.id;
    let mut credit = Credit { item: settling::item_of(work, note)?, note: Some(note.clone()) };
    let mut is_allocated = false;
    let is_own = note.currency == note.base_currency;
    let shares = if is_own { Vec::new() } else { credits::shares(work.tx, company_id, note.id)? };
    for (invoice_id, _, _, credited) in credits::linked(work.tx, company_id, note)? {
        let mut invoice = find(work.tx, company_id, Kind::Invoice, invoice_id)?;
        let before = crate::documents::publish(work.tx, &work.company, work.today, &invoice)?;
        let debit = settling::item_of(work, &invoice)?;
        let amount = credited.min(debit.open).min(credit.open());
        if amount.minor() > 0 {
            let own = given_back(&shares, &invoice, credited);
            allocate(work, &mut credit, (&invoice, debit), amount, own, note.date)?;
            note.facts.allocated += amount.minor();
            invoice.facts.allocated += amount.minor();
            is_allocated = true;
        }
        invoice.facts.pending_credit -= credited.minor();
        invoice.updated_at = work.now;
        documents::set_facts(work.tx, company_id, &invoice)?;
        work.document_event("invoice.updated", &invoice, Some(crate::work::json(&before)))?;
    }
    if is_allocated {
        documents::set_facts(work.tx, company_id, note)?;
        work.document_event("credit_note.allocated", note, None)?;
    }
    Ok(())
}

/// What [`of_credit_note`] will set off once a note is booked, in minor units: its paper
/// says how it is settled, and is pinned before. 0 for other kinds.
pub(crate) fn foreseen(work: &mut Work<'_>, note: &Document) -> Result<i64, Error> {
    let mut left = note.amount.minor().abs();
    if note.kind != Kind::CreditNote {
        return Ok(0);
    }
    for (invoice_id, _, _, credited) in credits::linked(work.tx, work.company.id, note)? {
        if let Some(debit) = open_items::of_document(work.tx, work.company.id, invoice_id)? {
            left -= credited.min(debit.open).minor().clamp(0, left);
        }
    }
    Ok(note.amount.minor().abs() - left)
}

/// What a note gave back of an invoice in both currencies; none in the company's own.
fn given_back(shares: &[NoteShare], invoice: &Document, credited: Money) -> Option<Carried> {
    if shares.is_empty() {
        return None;
    }
    let own = shares.iter().filter(|taken| taken.invoice_id == invoice.id);
    let base = own.map(|taken| taken.share.base_net + taken.share.base_vat).sum();
    Some(Carried { open: credited.minor(), base, rate: invoice.exchange_rate })
}

/// Posts and shelves an allocation, and moves both items. `own` is what the credit gave back of this very
/// invoice: that stands at its rate, whatever else is credited with it.
fn allocate(
    work: &mut Work<'_>,
    credit: &mut Credit,
    (invoice, mut debit): (&Document, OpenItem),
    amount: Money,
    own: Option<Carried>,
    date: Date,
) -> Result<Allocation, Error> {
    let moved = carrying::set_off(amount.minor(), own.unwrap_or(credit.item.carried()), debit.carried());
    let giving = settling::part_at(work, &credit.item, amount, moved.credit);
    let settled = settling::part_at(work, &debit, amount, moved.debit);
    let difference = settling::difference(work, moved.is_at_one_rate)?;
    let postings = postings::of_allocation(
        (giving.account_id, giving.item_id, giving.base),
        (settled.account_id, settled.item_id, settled.base),
        amount,
        difference,
        credit.item.customer_id,
    );
    let what = if debit.origin.reminder().is_some() { "a fee of invoice" } else { "invoice" };
    let named = Named {
        entry_type: "JOURNAL_ENTRY",
        date,
        description: format!("{} set off against {what} {}", credit.title(), number(invoice).unwrap_or_default()),
        reference: credit.note.as_ref().and_then(number).or_else(|| number(invoice)),
        document: credit.note.as_ref(),
        customer_id: credit.item.customer_id,
    };
    let entry_id = settling::post(work, named, postings)?;
    let allocation = Allocation {
        id: work.new_id(),
        credit: (credit.item.id, credit.item.origin.document()),
        debit: (debit.id, invoice.id),
        reminder: debit.origin.reminder(),
        amount: amount.minor(),
        credit_base: giving.base.minor(),
        debit_base: settled.base.minor(),
        entry_id,
        date,
        created_at: work.now,
        reversal: None,
    };
    shelf::insert(work.tx, work.company.id, &allocation)?;
    settling::settle(work, &mut credit.item, true, amount, allocation.credit_base)?;
    settling::settle(work, &mut debit, false, amount, allocation.debit_base)?;
    Ok(allocation)
}

fn public(a: &Allocation, invoice_number: Option<String>, of: Money) -> PublicAllocation {
    PublicAllocation {
        id: a.id,
        open_item_id: a.credit.0,
        credit_note_id: a.credit.1,
        invoice_id: a.debit.1,
        invoice_number,
        reminder_id: a.reminder,
        currency: of.currency().code().to_owned(),
        amount: Money::new(a.amount, of.currency()).to_string(),
        date: a.date.to_string(),
        journal_entry_id: a.entry_id,
        created_at: instant_text(a.created_at),
        reversed_at: reversed_text(a.reversal),
    }
}

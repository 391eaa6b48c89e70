//! Setting a credit off against an invoice: both items shrink, at their own carrying amounts.

use billing::document::Document;
use billing::ids::{AllocationId, EntryId};
use billing::kind::Kind;
use billing::money::Money;
use billing::postings::{self, NewEntry};
use store::ledger::{self, Allocation};
use store::{credits, documents};

use crate::booking::carry;
use crate::documents::find;
use crate::{Error, Work};

/// Allocates a credit note just booked to each invoice it credits, up to what is
/// open there; the rest stays as the customer's credit. Does nothing to other kinds.
pub(crate) fn of_credit_note(work: &mut Work<'_>, note: &mut Document) -> Result<(), Error> {
    if note.kind != Kind::CreditNote {
        return Ok(());
    }
    let company_id = work.company.id;
    let mut is_allocated = false;
    for (invoice_id, _, _, credited) in credits::linked(work.tx, company_id, note)? {
        let mut invoice = find(work.tx, company_id, Kind::Invoice, invoice_id)?;
        let before = crate::documents::publish(work.tx, &work.company, &invoice)?;
        let allocated = allocate(work, note, &invoice, credited)?;
        note.facts.allocated += allocated.minor();
        invoice.facts.allocated += allocated.minor();
        invoice.facts.pending_credit -= credited.minor();
        invoice.updated_at = work.now;
        documents::set_facts(work.tx, company_id, &invoice)?;
        is_allocated |= !allocated.is_zero();
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
        if let Some(debit) = ledger::item_of(work.tx, work.company.id, invoice_id)? {
            left -= credited.min(debit.open).minor().clamp(0, left);
        }
    }
    Ok(note.amount.minor().abs() - left)
}

/// Sets up to `credited` of a note off against an invoice; what was set off.
fn allocate(work: &mut Work<'_>, note: &Document, invoice: &Document, credited: Money) -> Result<Money, Error> {
    let company_id = work.company.id;
    let missing = |document: &Document| Error::Broken(format!("document {} has no open item", document.id));
    let mut credit = ledger::item_of(work.tx, company_id, note.id)?.ok_or_else(|| missing(note))?;
    let mut debit = ledger::item_of(work.tx, company_id, invoice.id)?.ok_or_else(|| missing(invoice))?;
    let amount = credited.min(debit.open).min(-credit.open);
    if amount.is_zero() || amount.is_negative() {
        return Ok(Money::zero(note.currency));
    }
    let (credit_base, debit_base) = (carry(&credit, amount), carry(&debit, amount));
    let in_base = |minor| Money::new(minor, work.company.currency);
    let exchange = ledger::role(work.tx, company_id, "ExchangeDifference")?
        .ok_or_else(|| Error::Broken("the chart has no account for exchange differences".to_owned()))?;
    let postings = postings::of_allocation(
        (credit.account_id, credit.id, in_base(credit_base)),
        (debit.account_id, debit.id, in_base(debit_base)),
        amount,
        exchange,
        note.head.customer_id,
    );
    let number = |document: &Document| document.number.as_ref().map(|n| n.text.clone()).unwrap_or_default();
    let entry_id: EntryId = work.new_id();
    let entry = NewEntry {
        id: entry_id,
        entry_type: "JOURNAL_ENTRY",
        date: note.date,
        currency: note.currency,
        description: format!("credit note {} set off against invoice {}", number(note), number(invoice)),
        reference: Some(number(note)),
        document_id: Some(note.id),
        customer_id: Some(note.head.customer_id),
        document_sha256: note.booking.as_ref().map(|booking| booking.snapshot_sha256.clone()),
        postings,
        created_at: work.now,
    };
    ledger::append(work.tx, company_id, &entry)?;
    let allocation = Allocation {
        id: work.new_id::<AllocationId>(),
        credit: (credit.id, note.id),
        debit: (debit.id, invoice.id),
        amount: amount.minor(),
        credit_base,
        debit_base,
        entry_id,
        date: note.date,
        created_at: work.now,
    };
    ledger::allocate(work.tx, company_id, &allocation)?;
    credit.open += amount;
    credit.base_open += credit_base;
    debit.open -= amount;
    debit.base_open -= debit_base;
    ledger::set_open(work.tx, company_id, &credit)?;
    ledger::set_open(work.tx, company_id, &debit)?;
    Ok(amount)
}

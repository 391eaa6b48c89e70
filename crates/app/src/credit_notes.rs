//! Credit notes: numbered on creation, negative, never more than was invoiced. Sent, read and listed they are
//! as all [`documents`](crate::documents).

use billing::customers::Customer;
use billing::document::Document;
use billing::ids::{DocumentId, LineId};
use billing::input::documents::{Asked, AskedHead, CreditInput, CreditNoteInput, ReverseInput, VoidInput};
use billing::kind::Kind;
use billing::lines::Line;
use billing::parts;
use billing::public::{self, Detail, PublicCreditNote, PublicInvoice};
use billing::refusal::Refusal;
use billing::status::CreditNoteStatus;
use serde_json::json;
use store::{credits, documents};

use crate::crediting::{self, Meant};
use crate::documents::{CreditNotes, Invoices, around_draft, find, published, search_text};
use crate::{Error, Work, booking, drafting};

/// Makes a credit note, numbers it at once and marks the invoices it credits.
///
/// # Errors
/// `INVOICE_NOT_FOUND`, `INVOICE_LINE_NOT_FOUND`, `CREDIT_NOTE_CUSTOMER_MISMATCH`,
/// `CREDIT_NOTE_CURRENCY_MISMATCH`, `INVOICE_NOT_CREDITABLE`, `CREDIT_NOTE_DATE_BEFORE_INVOICE`,
/// `CREDIT_NOTE_LINE_NOT_ON_INVOICE`, `CREDIT_NOTE_EXCEEDS_INVOICE`, `CREDIT_NOTE_NOT_A_CREDIT`,
/// and what a draft of any kind is refused for.
pub fn create(work: &mut Work<'_>, input: CreditNoteInput) -> Result<PublicCreditNote, Error> {
    let asked = Asked::from(input);
    let customer = drafting::customer(work, Kind::CreditNote, &asked.head)?;
    drafting::check_references(work, Kind::CreditNote, &asked, &customer)?;
    let meant = crediting::meant(work, &asked)?;
    write_new(work, asked, &customer, meant)
}

/// Makes a credit note of an invoice: of the rest of it, or of the lines named.
///
/// # Errors
/// `INVOICE_NOT_FOUND`, `INVOICE_LINE_NOT_FOUND`, `INVOICE_FULLY_CREDITED`, and as [`create`].
pub fn credit_invoice(
    work: &mut Work<'_>,
    invoice_id: DocumentId,
    input: CreditInput,
) -> Result<PublicCreditNote, Error> {
    let CreditInput { lines, date, reason, notes } = input;
    let invoice = find(work.tx, work.company.id, Kind::Invoice, invoice_id)?;
    let faults = parts::faults(lines.as_deref().unwrap_or_default(), invoice.currency);
    if !faults.is_empty() {
        return Err(faults.into());
    }
    let credited = crediting::creditable(work, invoice.head.customer_id, &invoice)?;
    let lines = parts::lines(&credited, lines.as_deref())?;
    let mut head = AskedHead::for_customer(invoice.head.customer_id);
    head.date = date.map(|day| day.0);
    head.head.customer_department_id = invoice.head.customer_department_id;
    head.head.customer_contact_id = invoice.head.customer_contact_id;
    head.head.reference.clone_from(&invoice.head.reference);
    head.head.reason = reason;
    head.head.notes = notes.map(|text| text.0);
    drafting::keep_there(work, &mut head.head)?;
    let customer = drafting::customer(work, Kind::CreditNote, &head)?;
    let meant = Meant { invoices: vec![invoice], credited: vec![credited], named: Some(0) };
    write_new(work, Asked { head, lines }, &customer, meant)
}

fn write_new(
    work: &mut Work<'_>,
    asked: Asked,
    customer: &Customer,
    mut meant: Meant,
) -> Result<PublicCreditNote, Error> {
    let (mut document, shares) = crediting::draft(work, asked, customer, &mut meant)?;
    booking::number(work, &mut document)?;
    documents::insert(work.tx, work.company.id, &document, &search_text(&document, &customer.name))?;
    let linked = crediting::mark(work, &document, meant, &shares, &mut Vec::new())?;
    let around = around_draft(work.tx, &work.company, work.today, &document, customer, linked)?;
    let published = public::credit_note(&document, around, Detail::Whole);
    work.event("credit_note.created", "credit_note", document.id, &published, None);
    Ok(published)
}

/// Writes a draft anew: what it took is given back first. It keeps its number, and with
/// it customer, currency, invoice and fiscal year.
///
/// # Errors
/// `DOCUMENT_NOT_DRAFT`, `CREDIT_NOTE_VOIDED`, `CREDIT_NOTE_NUMBERED`, `DOCUMENT_DATE_OUTSIDE_SERIES`,
/// and as [`create`].
pub fn change(work: &mut Work<'_>, id: DocumentId, input: CreditNoteInput) -> Result<PublicCreditNote, Error> {
    let before = find(work.tx, work.company.id, Kind::CreditNote, id)?;
    check_draft(&before)?;
    let was = published::<CreditNotes>(work.tx, &work.company, work.today, &before)?;
    let asked = Asked::from(input);
    let customer = drafting::customer(work, Kind::CreditNote, &asked.head)?;
    drafting::check_references(work, Kind::CreditNote, &asked, &customer)?;
    let asked = keep_what_is_numbered(&before, asked)?;

    let mut released = crediting::release(work, &before)?;
    credits::delete(work.tx, work.company.id, id)?;
    let mut meant = crediting::meant(work, &asked)?;
    let (draft, shares) = crediting::draft(work, asked, &customer, &mut meant)?;
    check_year(work, &before, &draft)?;
    let Document { number, numbered_at, created_at, origin, facts, .. } = before;
    let document = Document { id, number, numbered_at, created_at, origin, facts, ..draft };
    documents::rewrite(work.tx, work.company.id, &document, &search_text(&document, &customer.name))?;
    let linked = crediting::mark(work, &document, meant, &shares, &mut released)?;
    crediting::told(work, released)?;
    let around = around_draft(work.tx, &work.company, work.today, &document, &customer, linked)?;
    let published = public::credit_note(&document, around, Detail::Whole);
    work.event("credit_note.updated", "credit_note", id, &published, Some(crate::work::json(&was)));
    Ok(published)
}

/// What a numbered note keeps: left out it is as it was, another is refused.
fn keep_what_is_numbered(before: &Document, asked: Asked) -> Result<Asked, Refusal> {
    let head = &asked.head;
    let invoice_number = before.invoice.as_ref().map(|(number, _)| number.clone());
    let changed = if head.head.customer_id != before.head.customer_id {
        Some("customerId")
    } else if head.currency.as_deref().is_some_and(|code| code != before.currency.code()) {
        Some("currency")
    } else if head.invoice_number.is_some() && head.invoice_number != invoice_number {
        Some("invoiceNumber")
    } else {
        None
    };
    if let Some(property) = changed {
        let message = format!("The credit note is numbered: its {property} stays as it is.");
        return Err(Refusal::new("CREDIT_NOTE_NUMBERED", message).with(json!({ "property": property })));
    }
    let head = AskedHead { currency: Some(before.currency.code().to_owned()), invoice_number, ..asked.head };
    Ok(Asked { head, ..asked })
}

/// A number counted in a fiscal year is of that year.
fn check_year(work: &Work<'_>, before: &Document, now: &Document) -> Result<(), Refusal> {
    let Some(number) = before.number.as_ref().filter(|number| number.year != 0) else { return Ok(()) };
    let year = work.company.fiscal_year(now.date);
    if year == number.year {
        return Ok(());
    }
    let message = format!("{} is numbered in fiscal year {}; {} is in {year}.", number.text, number.year, now.date);
    Err(Refusal::new("DOCUMENT_DATE_OUTSIDE_SERIES", message)
        .with(json!({ "property": "date", "fiscalYear": number.year.to_string() })))
}

/// Retires a draft that will not be sent: its number stays, explained, and what it took is given back.
///
/// # Errors
/// `CREDIT_NOTE_VOIDED`, `DOCUMENT_SCHEDULED`, `DOCUMENT_NOT_DRAFT`.
pub fn void(work: &mut Work<'_>, id: DocumentId, input: VoidInput) -> Result<PublicCreditNote, Error> {
    let mut document = find(work.tx, work.company.id, Kind::CreditNote, id)?;
    if document.status() == CreditNoteStatus::Scheduled.as_str() {
        let message = "The credit note is scheduled; take it back first.";
        return Err(Refusal::new("DOCUMENT_SCHEDULED", message).into());
    }
    check_draft(&document)?;
    let was = published::<CreditNotes>(work.tx, &work.company, work.today, &document)?;
    let released = crediting::release(work, &document)?;
    document.facts.voided_at = Some(work.now);
    document.facts.void_reason = Some(input.reason.0);
    document.updated_at = work.now;
    documents::set_facts(work.tx, work.company.id, &document)?;
    crediting::told(work, released)?;
    let published = published::<CreditNotes>(work.tx, &work.company, work.today, &document)?;
    work.event("credit_note.voided", "credit_note", id, &published, Some(crate::work::json(&was)));
    Ok(published)
}

fn check_draft(document: &Document) -> Result<(), Refusal> {
    if document.facts.voided_at.is_some() {
        return Err(Refusal::new("CREDIT_NOTE_VOIDED", "The credit note is voided."));
    }
    if document.status() != CreditNoteStatus::Draft.as_str() {
        let message = format!("The credit note is {}, not a draft.", document.status());
        return Err(Refusal::new("DOCUMENT_NOT_DRAFT", message));
    }
    Ok(())
}

/// Drafts the invoice that undoes a booked note: its lines turned round, to the last unit
/// and at the same rate of exchange, so that both come to nothing on every account.
///
/// # Errors
/// `DOCUMENT_NOT_BOOKED`, `CREDIT_NOTE_ALREADY_REVERSED`, `CUSTOMER_INACTIVE`.
pub fn reverse(work: &mut Work<'_>, id: DocumentId, input: ReverseInput) -> Result<PublicInvoice, Error> {
    let ReverseInput { date, notes } = input;
    let note = find(work.tx, work.company.id, Kind::CreditNote, id)?;
    let number = note.number.as_ref().map(|number| number.text.clone()).unwrap_or_default();
    if !note.is_booked() {
        let message = format!("Credit note {number} is not booked; void it or write it anew.");
        return Err(Refusal::new("DOCUMENT_NOT_BOOKED", message).into());
    }
    if let Some((invoice_id, invoice_number)) = documents::reversing(work.tx, work.company.id, id)? {
        let message = format!("Credit note {number} is reversed already.");
        let details = json!({ "invoiceId": invoice_id, "invoiceNumber": invoice_number });
        return Err(Refusal::new("CREDIT_NOTE_ALREADY_REVERSED", message).with(details).into());
    }
    let mut head = AskedHead::for_customer(note.head.customer_id);
    let customer = drafting::customer(work, Kind::Invoice, &head)?;
    let date = drafting::check_date(work.today(), date.map_or(work.today(), |day| day.0))?;
    head.head = billing::document::Head {
        payment_terms: Some(customer.payment_terms),
        document_template_id: None,
        tax_point_date: None,
        notes: notes.map(|text| text.0),
        external_invoice: None,
        credited_period: None,
        reason: None,
        ..note.head.clone()
    };
    drafting::keep_there(work, &mut head.head)?;
    let lines = note.lines.iter().map(|line| turned(work, line)).collect();
    let assembled = drafting::assemble(work, Kind::Invoice, head, note.currency, date, lines)?;
    let invoice = Document { reverses: Some((number, id)), exchange_rate: note.exchange_rate, ..assembled };
    documents::insert(work.tx, work.company.id, &invoice, &search_text(&invoice, &customer.name))?;
    let published = published::<Invoices>(work.tx, &work.company, work.today, &invoice)?;
    work.event("invoice.created", "invoice", invoice.id, &published, None);
    Ok(published)
}

/// A line of a note as the invoice that undoes it has it.
fn turned(work: &Work<'_>, line: &Line) -> Line {
    let mut turned = Line { id: work.new_id::<LineId>(), body: line.body.clone() };
    if let Some(product) = turned.product_mut() {
        product.total = -product.total;
        product.vat = -product.vat;
        product.base_total = product.base_total.map(|amount| -amount);
        product.base_vat = product.base_vat.map(|amount| -amount);
        product.invoice_line_id = None;
    }
    turned
}

/// A numbered credit note is never deleted: always refused.
///
/// # Errors
/// `DOCUMENT_NUMBERED` for a draft, `DOCUMENT_NOT_DRAFT` for the rest.
pub fn delete(work: &mut Work<'_>, id: DocumentId) -> Result<(), Error> {
    let document = find(work.tx, work.company.id, Kind::CreditNote, id)?;
    let refusal = if document.status() == CreditNoteStatus::Draft.as_str() {
        Refusal::new("DOCUMENT_NUMBERED", "A numbered credit note is never deleted; void it instead.")
    } else {
        Refusal::new("DOCUMENT_NOT_DRAFT", format!("The credit note is {}, not a draft.", document.status()))
    };
    Err(refusal.into())
}

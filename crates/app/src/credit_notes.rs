//! Credit notes: numbered on creation, negative, never more than was invoiced.

use billing::crediting::{self, CreditedInvoice, NoteShare};
use billing::customers::Customer;
use billing::document::{Document, Line, share_vat};
use billing::draft;
use billing::ids::{DocumentId, LineId};
use billing::input::documents::{Asked, CreditNoteInput, CreditNoteQuery, SendInput};
use billing::kind::Kind;
use billing::money::{Currency, Money};
use billing::page::Page;
use billing::public::{self, Detail, Linked, PublicCreditNote, Sent};
use billing::refusal::Refusal;
use billing::status::{CreditNoteStatus, InvoiceStatus};
use jiff::civil::Date;
use serde_json::json;
use store::{credits, documents, lines};

use crate::documents::{around, around_draft, find, publish_credit_note, search_text};
use crate::{Error, View, Work, booking, drafting, lists};

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
    let (found, named) = invoices_meant(work, &asked)?;
    let mut credited = creditable(work, &asked, &found)?;
    let currency = currency(&asked, &customer, &credited)?;
    let date = date(work.today(), &asked, &credited)?;
    let (document, shares) = draft(work, asked, &customer, &mut credited, named, currency, date)?;

    documents::insert(work.tx, work.company.id, &document, &search_text(&document, &customer.name))?;
    credits::insert_shares(work.tx, work.company.id, document.id, &shares)?;
    let mut marked = Vec::with_capacity(found.len());
    for (credited, invoice) in credited.iter().zip(found) {
        marked.push(mark_credited(work, &document, credited, invoice, &shares)?);
    }
    // As they are listed ever after: in the order of their numbers.
    marked.sort_by_key(|(place, _)| *place);
    let linked = marked.into_iter().map(|(_, invoice)| invoice).collect();
    let around = around_draft(work.tx, &work.company, &document, &customer, linked)?;
    let published = public::credit_note(&document, around, Detail::Whole);
    work.event("credit_note.created", "credit_note", document.id, &published, None);
    Ok(published)
}

/// One credit note.
///
/// # Errors
/// `CREDIT_NOTE_NOT_FOUND`.
pub fn get(view: &mut View<'_>, id: DocumentId) -> Result<PublicCreditNote, Error> {
    let document = find(view.tx, view.company.id, Kind::CreditNote, id)?;
    publish_credit_note(view.tx, &view.company, &document, Detail::Whole)
}

/// Credit notes, newest first unless asked otherwise.
///
/// # Errors
/// A cursor that is not one of ours.
pub fn list(view: &mut View<'_>, query: CreditNoteQuery) -> Result<Page<PublicCreditNote>, Error> {
    let CreditNoteQuery {
        page,
        limit,
        cursor,
        sort_by,
        sort_order,
        search,
        status,
        customer_id,
        currency,
        from_date,
        to_date,
        min_amount,
        max_amount,
        invoice_number,
        voided,
        reference,
        metadata,
    } = query;
    let filter = lists::Filter {
        kind: Kind::CreditNote,
        page,
        limit,
        cursor,
        sort_by: sort_by.unwrap_or_default(),
        sort_order: sort_order.unwrap_or_default(),
        search: search.map(|text| text.0),
        statuses: status.unwrap_or_default().into_iter().map(CreditNoteStatus::as_str).collect(),
        customer_id,
        currency: currency.map(|code| code.0),
        from_date: from_date.map(|day| day.0),
        to_date: to_date.map(|day| day.0),
        amounts: (min_amount, max_amount),
        invoice_number: invoice_number.map(|text| text.0),
        settlement: None,
        overdue: None,
        voided,
        reference: reference.map(|text| text.0),
        metadata: metadata.unwrap_or_default(),
    };
    lists::list(view, filter, publish_credit_note)
}

/// Books and sends a credit note; a booked one is delivered anew.
///
/// # Errors
/// See [`booking::send`].
pub fn send(work: &mut Work<'_>, id: DocumentId, input: SendInput) -> Result<Sent, Error> {
    booking::send(work, Kind::CreditNote, id, input)
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

/// The invoices a request names, by number and by lines, and which of them is the one named by number.
fn invoices_meant(work: &mut Work<'_>, asked: &Asked) -> Result<(Vec<Document>, Option<usize>), Error> {
    let company_id = work.company.id;
    let mut found: Vec<Document> = Vec::new();
    let mut named = None;
    if let Some(number) = &asked.head.invoice_number {
        let invoice = documents::by_number(work.tx, company_id, Kind::Invoice, number)?.ok_or_else(|| {
            let message = format!("There is no invoice {number} in this company.");
            Refusal::missing_at("INVOICE_NOT_FOUND", message, "invoiceNumber")
        })?;
        named = Some(0);
        found.push(invoice);
    }
    for (at, line) in asked.lines.iter().enumerate() {
        let Some(id) = line.invoice_line_id else { continue };
        if found.iter().any(|invoice| invoice.lines.iter().any(|line| line.id == id)) {
            continue;
        }
        let missing = || {
            let message = "There is no such invoice line in this company.";
            Refusal::missing_at("INVOICE_LINE_NOT_FOUND", message, format!("lines.{at}.invoiceLineId"))
        };
        let invoice_id = lines::document_of(work.tx, company_id, id)?.ok_or_else(missing)?;
        let invoice = documents::get(work.tx, company_id, invoice_id)?.filter(|d| d.kind == Kind::Invoice);
        found.push(invoice.ok_or_else(missing)?);
    }
    Ok((found, named))
}

/// What may be credited of each invoice.
fn creditable(work: &mut Work<'_>, asked: &Asked, invoices: &[Document]) -> Result<Vec<CreditedInvoice>, Error> {
    let company_id = work.company.id;
    let mut credited = Vec::with_capacity(invoices.len());
    for invoice in invoices {
        check_creditable(invoice, asked)?;
        let lines = credits::invoice_lines(work.tx, company_id, invoice)?;
        credited.push(CreditedInvoice {
            id: invoice.id,
            number: invoice.number.as_ref().map(|number| number.text.clone()).unwrap_or_default(),
            date: invoice.date,
            customer_id: invoice.head.customer_id,
            currency: invoice.currency,
            exchange_rate: invoice.exchange_rate,
            amount: invoice.amount.minor(),
            credited: invoice.facts.credited,
            lines,
            groups: invoice.groups.clone(),
        });
    }
    Ok(credited)
}

fn check_creditable(invoice: &Document, asked: &Asked) -> Result<(), Refusal> {
    let number = invoice.number.as_ref().map_or("(draft)", |number| number.text.as_str());
    let details = json!({ "invoiceId": invoice.id, "invoiceNumber": number });
    if invoice.head.customer_id != asked.head.head.customer_id {
        let message = format!("Invoice {number} is another customer's.");
        return Err(Refusal::new("CREDIT_NOTE_CUSTOMER_MISMATCH", message).with(details));
    }
    if !invoice.is_booked() || invoice.status() == InvoiceStatus::Uncollectible.as_str() {
        let message = format!("Invoice {number} is {} and can't be credited.", invoice.status());
        return Err(Refusal::new("INVOICE_NOT_CREDITABLE", message).with(details));
    }
    Ok(())
}

/// The currency of the note: the invoices', which are all in one.
fn currency(asked: &Asked, customer: &Customer, credited: &[CreditedInvoice]) -> Result<Currency, Refusal> {
    let said = asked.head.currency.as_deref().and_then(Currency::parse);
    let currency = said.or(credited.first().map(|invoice| invoice.currency)).unwrap_or(customer.currency);
    match credited.iter().find(|invoice| invoice.currency != currency) {
        None => Ok(currency),
        Some(invoice) => {
            let message =
                format!("Invoice {} is in {}, the credit note in {currency}.", invoice.number, invoice.currency);
            Err(Refusal::new("CREDIT_NOTE_CURRENCY_MISMATCH", message).with(json!({
                "invoiceNumber": invoice.number, "invoiceCurrency": invoice.currency.code(), "currency": currency.code(),
            })))
        }
    }
}

/// The date of the note: as asked, else the later of today and the invoices' dates.
fn date(today: Date, asked: &Asked, credited: &[CreditedInvoice]) -> Result<Date, Refusal> {
    let latest = credited.iter().max_by_key(|invoice| invoice.date);
    let Some(date) = asked.head.date else {
        return Ok(latest.map_or(today, |invoice| invoice.date.max(today)));
    };
    match latest.filter(|invoice| invoice.date > date) {
        None => drafting::check_date(today, date),
        Some(invoice) => {
            let message = format!("The date {date} is before invoice {}'s, {}.", invoice.number, invoice.date);
            Err(Refusal::new("CREDIT_NOTE_DATE_BEFORE_INVOICE", message)
                .with(json!({ "property": "date", "invoiceNumber": invoice.number })))
        }
    }
}

/// The note as a numbered draft, with what its lines take from the invoices.
fn draft(
    work: &mut Work<'_>,
    asked: Asked,
    customer: &Customer,
    credited: &mut [CreditedInvoice],
    named: Option<usize>,
    currency: Currency,
    date: Date,
) -> Result<(Document, Vec<NoteShare>), Error> {
    let tax_point = asked.head.head.tax_point_date.unwrap_or(date);
    let fetched = drafting::fetch(work, &asked.lines, customer, currency, date, tax_point)?;
    let pricing = fetched.pricing(work, Kind::CreditNote, customer, &asked.head, currency, date);
    let mut new_id = || work.new_id::<LineId>();
    let (lines, shares) = if credited.is_empty() {
        (draft::lines(&pricing, &asked.lines, &mut new_id)?, Vec::new())
    } else {
        let mut noted = crediting::credit(&pricing, &asked.lines, credited, named, &mut new_id)?;
        share_vat(&mut noted.lines, |line| line.base_total.is_none());
        (noted.lines, noted.shares)
    };
    let means_invoice = |line: &Line| line.product().is_none_or(|product| product.invoice_line_id.is_some());
    if !lines.iter().all(means_invoice) {
        drafting::check_zone(work, customer)?;
    }
    let mut document = drafting::assemble(work, Kind::CreditNote, asked.head, currency, date, lines)?;
    if document.amount.minor() > 0 {
        let message = format!("The credit note comes to {}, which is not a credit.", document.amount);
        return Err(Refusal::new("CREDIT_NOTE_NOT_A_CREDIT", message).into());
    }
    if let [invoice] = &credited {
        document.invoice = Some((invoice.number.clone(), invoice.id));
    }
    booking::number(work, &mut document)?;
    Ok((document, shares))
}

/// Counts the note against an invoice, keeps how far its lines are credited and marks it.
/// Answers the link the note has to it, after the year and count of the invoice's number.
fn mark_credited(
    work: &mut Work<'_>,
    note: &Document,
    credited: &CreditedInvoice,
    mut invoice: Document,
    shares: &[NoteShare],
) -> Result<((i64, i64), Linked), Error> {
    let company_id = work.company.id;
    let mine = || shares.iter().filter(|taken| taken.invoice_id == credited.id);
    let gross: i64 = mine().map(|taken| taken.share.net + taken.share.vat).sum();
    if credited.credited + gross > credited.amount {
        let money = |minor| Money::new(minor, credited.currency).to_string();
        let message = format!("The credit note would credit more than invoice {} billed.", credited.number);
        return Err(Refusal::new("CREDIT_NOTE_EXCEEDS_INVOICE", message)
            .with(json!({
                "invoiceNumber": credited.number, "billed": money(credited.amount),
                "credited": money(credited.credited), "asked": money(gross),
            }))
            .into());
    }
    let mut around = around(work.tx, &work.company, &invoice)?;
    let before = public::invoice(&invoice, around.clone(), Detail::Whole);
    for line in &credited.lines {
        if mine().any(|taken| taken.invoice_line_id == line.id) {
            credits::set_state(work.tx, company_id, credited.id, line)?;
        }
    }
    credits::insert(work.tx, company_id, note.id, credited.id, Money::new(gross, credited.currency))?;
    invoice.facts.credited += gross;
    invoice.facts.pending_credit += gross;
    invoice.facts.credit_notes += 1;
    invoice.updated_at = work.now;
    documents::set_facts(work.tx, company_id, &invoice)?;
    let amount = Money::new(gross, credited.currency);
    around.linked.push((note.id, note.number.as_ref().map(|number| number.text.clone()), note.date, amount));
    let after = public::invoice(&invoice, around, Detail::Whole);
    work.event("invoice.credited", "invoice", invoice.id, &after, Some(crate::work::json(&before)));
    let place = invoice.number.as_ref().map_or((-1, -1), |number| (number.year, number.sequence));
    Ok((place, (invoice.id, invoice.number.map(|number| number.text), invoice.date, amount)))
}

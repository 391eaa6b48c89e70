//! What a credit note takes from the invoices it names: found, held against what is left
//! of them, written, and given back when the note is voided or written anew.

use billing::crediting::{self, CreditedInvoice, NoteShare};
use billing::customers::Customer;
use billing::document::Document;
use billing::draft;
use billing::ids::{CustomerId, DocumentId, LineId};
use billing::input::documents::Asked;
use billing::kind::Kind;
use billing::lines::{Line, share_vat};
use billing::money::{Currency, Money};
use billing::public::{self, Detail, Linked};
use billing::refusal::Refusal;
use billing::status::InvoiceStatus;
use jiff::civil::Date;
use serde_json::json;
use store::{credits, documents, lines};

use crate::documents::{around_linked, find, publish};
use crate::{Error, Work, drafting};

/// The invoices a note credits, as they were before, and how far each has been credited.
pub(crate) struct Meant {
    /// The invoices.
    pub(crate) invoices: Vec<Document>,
    /// What may be credited of each, in the same order.
    pub(crate) credited: Vec<CreditedInvoice>,
    /// Which of them is the one named by number.
    pub(crate) named: Option<usize>,
}

/// The invoices a request names, by number and by lines.
pub(crate) fn meant(work: &mut Work<'_>, asked: &Asked) -> Result<Meant, Error> {
    let (invoices, named) = named(work, asked)?;
    let mut credited = Vec::with_capacity(invoices.len());
    for invoice in &invoices {
        credited.push(creditable(work, asked.head.head.customer_id, invoice)?);
    }
    Ok(Meant { invoices, credited, named })
}

fn named(work: &mut Work<'_>, asked: &Asked) -> Result<(Vec<Document>, Option<usize>), Error> {
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

/// What may be credited of an invoice of this customer.
pub(crate) fn creditable(
    work: &mut Work<'_>,
    customer_id: CustomerId,
    invoice: &Document,
) -> Result<CreditedInvoice, Error> {
    check_creditable(invoice, customer_id)?;
    Ok(CreditedInvoice {
        id: invoice.id,
        number: invoice.number.as_ref().map(|number| number.text.clone()).unwrap_or_default(),
        date: invoice.date,
        customer_id: invoice.head.customer_id,
        currency: invoice.currency,
        exchange_rate: invoice.exchange_rate,
        amount: invoice.amount.minor(),
        credited: invoice.facts.credited,
        lines: credits::invoice_lines(work.tx, work.company.id, invoice)?,
        groups: invoice.groups.clone(),
    })
}

fn check_creditable(invoice: &Document, customer_id: CustomerId) -> Result<(), Refusal> {
    let number = invoice.number.as_ref().map_or("(draft)", |number| number.text.as_str());
    let details = json!({ "invoiceId": invoice.id, "invoiceNumber": number });
    if invoice.head.customer_id != customer_id {
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

/// The note as a draft without a number, with what its lines take from the invoices, whose
/// states are moved on.
pub(crate) fn draft(
    work: &mut Work<'_>,
    asked: Asked,
    customer: &Customer,
    meant: &mut Meant,
) -> Result<(Document, Vec<NoteShare>), Error> {
    let Meant { invoices: _, credited, named } = meant;
    let currency = currency(&asked, customer, credited)?;
    let date = date(work.today(), &asked, credited)?;
    let tax_point = asked.head.head.tax_point_date.unwrap_or(date);
    let country = asked.head.head.delivery_country_code.as_deref();
    let fetched = drafting::fetch(work, &asked.lines, customer, currency, (date, tax_point), country)?;
    let pricing = fetched.pricing(work, Kind::CreditNote, customer, &asked.head, currency, date);
    let mut new_id = || work.new_id::<LineId>();
    let (lines, shares) = if credited.is_empty() {
        (draft::lines(&pricing, &asked.lines, &mut new_id)?, Vec::new())
    } else {
        let mut noted = crediting::credit(&pricing, &asked.lines, credited, *named, &mut new_id)?;
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
    if let [invoice] = &credited[..] {
        document.invoice = Some((invoice.number.clone(), invoice.id));
    }
    Ok((document, shares))
}

/// Writes what a note takes: its shares, and of each invoice how far its lines are credited
/// and that it is. `released` are the invoices as they were before the note gave them back.
/// Answers the links of the note, in the order of the invoices' numbers.
pub(crate) fn mark(
    work: &mut Work<'_>,
    note: &Document,
    meant: Meant,
    shares: &[NoteShare],
    released: &mut Vec<Released>,
) -> Result<Vec<Linked>, Error> {
    credits::insert_shares(work.tx, work.company.id, note.id, shares)?;
    let mut marked = Vec::with_capacity(meant.invoices.len());
    for (credited, invoice) in meant.credited.iter().zip(meant.invoices) {
        let at = released.iter().position(|released| released.invoice_id == invoice.id);
        let before = at.map(|at| released.swap_remove(at).before);
        marked.push(mark_one(work, note, credited, invoice, shares, before)?);
    }
    marked.sort_by_key(|(place, _)| *place);
    Ok(marked.into_iter().map(|(_, linked)| linked).collect())
}

fn mark_one(
    work: &mut Work<'_>,
    note: &Document,
    credited: &CreditedInvoice,
    mut invoice: Document,
    shares: &[NoteShare],
    before: Option<String>,
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
    let event = if before.is_some() { "invoice.updated" } else { "invoice.credited" };
    let around = around_linked(work.tx, &work.company, work.today, &invoice, Vec::new())?;
    let before = before
        .unwrap_or_else(|| crate::work::json(&public::invoice(&invoice, around.clone(), Detail::WithoutCreditNotes)));
    for line in &credited.lines {
        if mine().any(|taken| taken.invoice_line_id == line.id) {
            credits::set_state(work.tx, company_id, credited.id, line)?;
        }
    }
    let amount = Money::new(gross, credited.currency);
    credits::insert(work.tx, company_id, note.id, credited.id, amount)?;
    invoice.facts.credited += gross;
    invoice.facts.pending_credit += gross;
    invoice.facts.credit_notes += 1;
    invoice.updated_at = work.now;
    documents::set_facts(work.tx, company_id, &invoice)?;
    let after = public::invoice(&invoice, around, Detail::WithoutCreditNotes);
    work.event(event, "invoice", invoice.id, &after, Some(before));
    let place = invoice.number.as_ref().map_or((-1, -1), |number| (number.year, number.sequence));
    Ok((place, (invoice.id, invoice.number.map(|number| number.text), invoice.date, amount)))
}

/// An invoice that a note gave back, as it was before.
pub(crate) struct Released {
    /// The invoice.
    pub(crate) invoice_id: DocumentId,
    /// As published before, as JSON.
    pub(crate) before: String,
}

/// Gives back to each invoice what an unbooked note took of it. Names no event yet.
pub(crate) fn release(work: &mut Work<'_>, note: &Document) -> Result<Vec<Released>, Error> {
    let company_id = work.company.id;
    let shares = credits::shares(work.tx, company_id, note.id)?;
    let mut released = Vec::new();
    for (invoice_id, _, _, amount) in credits::linked(work.tx, company_id, note)? {
        let mut invoice = find(work.tx, company_id, Kind::Invoice, invoice_id)?;
        let before = crate::work::json(&publish(work.tx, &work.company, work.today, &invoice)?);
        let mine = |line: LineId| {
            shares.iter().filter(move |taken| taken.invoice_id == invoice_id && taken.invoice_line_id == line)
        };
        for mut line in credits::invoice_lines(work.tx, company_id, &invoice)? {
            if mine(line.id).next().is_some() {
                mine(line.id).for_each(|taken| line.state.release(&taken.share));
                credits::set_state(work.tx, company_id, invoice_id, &line)?;
            }
        }
        invoice.facts.credited -= amount.minor();
        invoice.facts.pending_credit -= amount.minor();
        invoice.facts.credit_notes -= 1;
        invoice.updated_at = work.now;
        documents::set_facts(work.tx, company_id, &invoice)?;
        released.push(Released { invoice_id, before });
    }
    Ok(released)
}

/// Names what became of the invoices that were given back and not taken anew.
pub(crate) fn told(work: &mut Work<'_>, released: Vec<Released>) -> Result<(), Error> {
    for Released { invoice_id, before } in released {
        let invoice = find(work.tx, work.company.id, Kind::Invoice, invoice_id)?;
        work.document_event("invoice.updated", &invoice, Some(before))?;
    }
    Ok(())
}

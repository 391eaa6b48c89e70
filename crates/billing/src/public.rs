//! Documents as published: what the HTTP answer, the events, the portal and the
//! printed paper all receive. Decimals are strings; absent values are null.

use jiff::civil::Date;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::Value;

use crate::document::{Buyer, Document, Seller, Source};
use crate::ids::{ContactId, CustomerId, DeliveryId, DepartmentId, DocumentId, EntryId, TemplateId};
use crate::input::Metadata;
use crate::input::document_lists::Settlement;
use crate::json::{decimal_text as text, instant_text as instant};
use crate::kind::Kind;
use crate::lines::PublicLine;
use crate::money::Money;
use crate::status::{CreditNoteStatus, InvoiceStatus, QuoteDisplayStatus, SalesStatus};

/// VAT of one category and rate, as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicVatGroup {
    /// VAT category (EN 16931).
    pub vat_category: String,
    /// Rate in percent.
    pub vat_rate: String,
    /// The country whose VAT it is, where it is not the seller's own (One-Stop-Shop).
    pub vat_country_code: Option<String>,
    /// Sum of its lines, excl. VAT.
    pub taxable_amount: String,
    /// Its VAT.
    pub vat_amount: String,
    /// Why no VAT is charged.
    pub exemption_reason: Option<String>,
    /// The code of that reason (VATEX).
    pub exemption_reason_code: Option<String>,
}

/// What all four kinds have in common.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicDocument {
    /// Its id.
    pub id: DocumentId,
    /// Its date.
    pub date: String,
    /// The currency of its amounts.
    pub currency: String,
    /// Sum of lines, excl. VAT.
    pub subtotal: String,
    /// VAT.
    pub vat: String,
    /// Subtotal and VAT.
    pub amount: String,
    /// Its lines; left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<PublicLine>>,
    /// Who it is for.
    pub customer_id: CustomerId,
    /// A department of the customer.
    pub customer_department_id: Option<DepartmentId>,
    /// A person at the customer.
    pub customer_contact_id: Option<ContactId>,
    /// The buyer's order number.
    pub reference: Option<String>,
    /// Our own reference.
    pub our_reference: Option<String>,
    /// A short description.
    pub description: Option<String>,
    /// Notes printed below the lines.
    pub notes: Option<String>,
    /// The template it is printed with.
    pub document_template_id: Option<TemplateId>,
    /// When it was delivered.
    pub delivery_date: Option<String>,
    /// Where it was delivered.
    pub delivery_country_code: Option<String>,
    /// First day of its period.
    pub period_start: Option<String>,
    /// Last day of its period.
    pub period_end: Option<String>,
    /// The day that decides VAT rates.
    pub tax_point_date: Option<String>,
    /// VAT by category and rate.
    pub vat_breakdown: Vec<PublicVatGroup>,
    /// When it took its number.
    pub numbered_at: Option<String>,
    /// When a channel first took it.
    pub sent_at: Option<String>,
    /// Through which door it came.
    pub origin: String,
    /// Text pairs of your own.
    pub metadata: Metadata,
    /// The seller; pinned when it is booked, or sent where it posts nothing.
    pub seller: Seller,
    /// The buyer; pinned with the seller.
    pub buyer: Buyer,
    /// When it was made.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
}

/// What a document of the books says besides.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicBooking {
    /// Its number; null until it has one.
    pub number: Option<String>,
    /// Company's currency per 1 unit, pinned at booking.
    pub exchange_rate: Option<String>,
    /// The amount in the company's currency.
    pub base_amount: Option<String>,
    /// The VAT in the company's currency.
    pub base_vat: Option<String>,
    /// When it was booked.
    pub booked_at: Option<String>,
    /// The journal entry of its booking.
    pub journal_entry_id: Option<EntryId>,
    /// The subscription it was made for.
    pub subscription_id: Option<String>,
}

/// The document that another was made of, in short.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConvertedFrom {
    /// Its id.
    pub id: DocumentId,
    /// Its kind.
    pub r#type: Kind,
    /// Its number.
    pub number: String,
}

/// A quote or an order confirmation as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicSalesDocument {
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub document: PublicDocument,
    /// `quote` or `orderConfirmation`.
    pub r#type: Kind,
    /// Its number; null until it is sent.
    pub document_number: Option<String>,
    /// How far it has come; only a quote is accepted or rejected.
    pub status: SalesStatus,
    /// The same as of today: `expired` and `converted` too.
    pub display_status: QuoteDisplayStatus,
    /// The last day the offer holds (quotes).
    pub valid_until: Option<String>,
    /// When the buyer took the offer (quotes).
    pub accepted_at: Option<String>,
    /// When the buyer did not (quotes).
    pub rejected_at: Option<String>,
    /// The invoice that was made of it.
    pub converted_to_invoice_id: Option<DocumentId>,
    /// The order confirmation that was made of it (quotes).
    pub converted_to_order_confirmation_id: Option<DocumentId>,
    /// The quote it was made of (order confirmations).
    pub converted_from: Option<ConvertedFrom>,
}

/// A credit note of an invoice, in short.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreditNoteOf {
    /// Its id.
    pub id: DocumentId,
    /// Its number.
    pub number: Option<String>,
    /// What it takes of this invoice, positive.
    pub amount: String,
}

/// An invoice of a credit note, in short.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvoiceOf {
    /// Its id.
    pub id: DocumentId,
    /// Its number.
    pub number: Option<String>,
    /// Its date.
    pub date: String,
    /// What is credited of it, positive.
    pub amount: String,
}

/// Only events leave the credit notes out: in every answer they are there.
fn with_credit_notes(schema: &mut Schema) {
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.push("creditNotes".into());
    }
}

/// A credit note that an invoice reverses, in short.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reversed {
    /// Its id.
    pub id: DocumentId,
    /// Its number.
    pub number: String,
}

/// An invoice as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = with_credit_notes)]
pub struct PublicInvoice {
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub document: PublicDocument,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub booking: PublicBooking,
    /// Its status.
    pub status: InvoiceStatus,
    /// When it is to be paid.
    pub due_date: Option<String>,
    /// Days to pay.
    pub payment_terms: Option<u32>,
    /// Of all credit notes that are not voided, drafts too; positive.
    pub credited_amount: String,
    /// Of those, what is not booked yet; positive.
    pub pending_credit_amount: String,
    /// Paid on it.
    pub paid_amount: String,
    /// What is still to be paid: amount less payments, allocations and what is written off; `0.00` before booking.
    pub open_amount: String,
    /// How far it is settled.
    pub settlement: Settlement,
    /// `none`, `partial` or `full`.
    pub credit_state: &'static str,
    /// The credit notes that name it; left out in events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit_notes: Option<Vec<CreditNoteOf>>,
    /// The credit note it reverses.
    pub reversed_credit_note: Option<Reversed>,
    /// The quote or order confirmation it was made of.
    pub converted_from: Option<ConvertedFrom>,
}

/// An invoice issued elsewhere, as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicExternalInvoice {
    /// Its number.
    pub number: String,
    /// Its date.
    pub date: String,
}

/// A span of days, as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicSpan {
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
}

/// A credit note as published: its totals are negative, quantities and unit prices positive.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicCreditNote {
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub document: PublicDocument,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub booking: PublicBooking,
    /// Its status.
    pub status: CreditNoteStatus,
    /// The invoice it credits; null over several.
    pub invoice_number: Option<String>,
    /// That invoice's id; null over several.
    pub invoice_id: Option<DocumentId>,
    /// Every invoice it credits.
    pub credited_invoices: Vec<InvoiceOf>,
    /// An invoice issued in another system.
    pub external_invoice: Option<PublicExternalInvoice>,
    /// The period a bonus over many invoices is for.
    pub credited_period: Option<PublicSpan>,
    /// Why credit is given.
    pub reason: Option<String>,
    /// What of it is set off against invoices; positive.
    pub allocated_amount: String,
    /// What of it was paid out; positive.
    pub refunded_amount: String,
    /// What of it is still the customer's to use; positive, `0.00` before booking.
    pub remaining_amount: String,
    /// When it was voided.
    pub voided_at: Option<String>,
    /// Why it was voided.
    pub void_reason: Option<String>,
}

/// What a document needs from around it to be published.
#[derive(Clone, Debug)]
pub struct Around {
    /// The seller: pinned, or the company as it is.
    pub seller: Seller,
    /// The buyer: pinned, or the customer as it is.
    pub buyer: Buyer,
    /// The credit notes of an invoice, or the invoices of a credit note.
    pub linked: Vec<Linked>,
    /// The company's day: an offer holds until one.
    pub today: Date,
}

/// A linked document: its id, number, date and what is credited between the two, positive.
pub type Linked = (DocumentId, Option<String>, Date, Money);

/// Whether lines are published with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detail {
    /// Lines too.
    Whole,
    /// As in lists.
    WithoutLines,
    /// As in events: an invoice's credit notes are left out, or each of many would carry all before it.
    WithoutCreditNotes,
}

impl PublicDocument {
    fn new(document: &Document, around: Around, detail: Detail) -> PublicDocument {
        let head = &document.head;
        let day = |day: Date| day.to_string();
        let groups = document.groups.iter().map(|group| PublicVatGroup {
            vat_category: group.category.to_string(),
            vat_rate: text(group.rate),
            vat_country_code: group.country.clone(),
            taxable_amount: group.taxable.to_string(),
            vat_amount: group.vat.to_string(),
            exemption_reason: group.exemption_reason.clone(),
            exemption_reason_code: group.exemption_reason_code.clone(),
        });
        let lines = || document.lines.iter().map(|line| PublicLine::of(line, document)).collect();
        PublicDocument {
            id: document.id,
            date: day(document.date),
            currency: document.currency.code().to_owned(),
            subtotal: document.subtotal.to_string(),
            vat: document.vat.to_string(),
            amount: document.amount.to_string(),
            lines: (detail != Detail::WithoutLines).then(lines),
            customer_id: head.customer_id,
            customer_department_id: head.customer_department_id,
            customer_contact_id: head.customer_contact_id,
            reference: head.reference.clone(),
            our_reference: head.our_reference.clone(),
            description: head.description.clone(),
            notes: head.notes.clone(),
            document_template_id: head.document_template_id,
            delivery_date: head.delivery_date.map(day),
            delivery_country_code: head.delivery_country_code.clone(),
            period_start: head.period_start.map(day),
            period_end: head.period_end.map(day),
            tax_point_date: head.tax_point_date.map(day),
            vat_breakdown: groups.collect(),
            numbered_at: document.numbered_at.map(instant),
            sent_at: document.facts.sent_at.map(instant),
            origin: document.origin.clone(),
            metadata: head.metadata.clone(),
            seller: around.seller,
            buyer: around.buyer,
            created_at: instant(document.created_at),
            updated_at: instant(document.updated_at),
        }
    }
}

impl PublicBooking {
    fn new(document: &Document) -> PublicBooking {
        PublicBooking {
            number: number(document),
            exchange_rate: document.exchange_rate.map(text),
            base_amount: document.base_amount.map(|amount| amount.to_string()),
            base_vat: document.base_vat.map(|amount| amount.to_string()),
            booked_at: document.booking().map(|booking| instant(booking.at)),
            journal_entry_id: document.booking().map(|booking| booking.entry_id),
            subscription_id: None,
        }
    }
}

fn number(document: &Document) -> Option<String> {
    document.number.as_ref().map(|number| number.text.clone())
}

fn converted_from(document: &Document) -> Option<ConvertedFrom> {
    let Source { kind, id, number } = document.converted_from.as_ref()?;
    Some(ConvertedFrom { id: *id, r#type: *kind, number: number.clone() })
}

/// An invoice as published.
pub fn invoice(document: &Document, around: Around, detail: Detail) -> PublicInvoice {
    let facts = &document.facts;
    let amount = document.amount.minor();
    let is_booked = document.is_booked();
    let money = |minor| Money::new(minor, document.currency).to_string();
    let open = if is_booked { facts.open_of(amount) } else { 0 };
    let settlement = match is_booked {
        true if open == 0 => Settlement::Settled,
        true if open != amount => Settlement::PartiallySettled,
        _ => Settlement::Open,
    };
    let credit_state = match facts.credited {
        _ if facts.credit_notes == 0 => "none",
        credited if credited >= amount => "full",
        _ => "partial",
    };
    let credit_notes = || {
        let notes = around.linked.iter().map(|(id, number, _, amount)| CreditNoteOf {
            id: *id,
            number: number.clone(),
            amount: amount.to_string(),
        });
        notes.collect()
    };
    let reversed = document.reverses.as_ref().map(|(number, id)| Reversed { id: *id, number: number.clone() });
    PublicInvoice {
        credit_notes: (detail != Detail::WithoutCreditNotes).then(credit_notes),
        reversed_credit_note: reversed,
        status: facts.invoice_status(is_booked, amount),
        due_date: document.due_date.map(|day| day.to_string()),
        payment_terms: document.head.payment_terms,
        credited_amount: money(facts.credited),
        pending_credit_amount: money(facts.pending_credit),
        paid_amount: money(facts.paid),
        open_amount: money(open),
        settlement,
        credit_state,
        converted_from: converted_from(document),
        booking: PublicBooking::new(document),
        document: PublicDocument::new(document, around, detail),
    }
}

/// A credit note as published.
pub fn credit_note(document: &Document, around: Around, detail: Detail) -> PublicCreditNote {
    let facts = &document.facts;
    let is_booked = document.is_booked();
    let money = |minor| Money::new(minor, document.currency).to_string();
    let invoices = around.linked.iter().map(|(id, number, date, amount)| InvoiceOf {
        id: *id,
        number: number.clone(),
        date: date.to_string(),
        amount: amount.to_string(),
    });
    PublicCreditNote {
        credited_invoices: invoices.collect(),
        status: facts.credit_note_status(is_booked),
        invoice_number: document.invoice.as_ref().map(|(number, _)| number.clone()),
        invoice_id: document.invoice.as_ref().map(|(_, id)| *id),
        external_invoice: document
            .head
            .external_invoice
            .as_ref()
            .map(|(number, date)| PublicExternalInvoice { number: number.clone(), date: date.to_string() }),
        credited_period: document
            .head
            .credited_period
            .map(|(from, to)| PublicSpan { from: from.to_string(), to: to.to_string() }),
        reason: document.head.reason.map(|reason| reason.to_string()),
        allocated_amount: money(facts.allocated),
        refunded_amount: money(facts.paid),
        remaining_amount: money(if is_booked { facts.open_of(document.amount.minor()) } else { 0 }),
        voided_at: facts.voided_at.map(instant),
        void_reason: facts.void_reason.clone(),
        booking: PublicBooking::new(document),
        document: PublicDocument::new(document, around, detail),
    }
}

/// A quote or an order confirmation as published.
pub fn sales_document(document: &Document, around: Around, detail: Detail) -> PublicSalesDocument {
    let facts = &document.facts;
    let (is_pinned, valid_until) = (document.is_pinned(), document.head.valid_until);
    let converted_to = |kind: Kind| facts.converted_to.filter(|(to, _)| *to == kind).map(|(_, id)| id);
    PublicSalesDocument {
        r#type: document.kind,
        document_number: number(document),
        status: facts.sales_status(is_pinned),
        display_status: facts.display_status(is_pinned, valid_until, around.today),
        valid_until: valid_until.map(|day| day.to_string()),
        accepted_at: facts.accepted_at.map(instant),
        rejected_at: facts.rejected_at.map(instant),
        converted_to_invoice_id: converted_to(Kind::Invoice),
        converted_to_order_confirmation_id: converted_to(Kind::OrderConfirmation),
        converted_from: converted_from(document),
        document: PublicDocument::new(document, around, detail),
    }
}

/// What `send` answers.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// Always true: what is not done is an error.
    pub success: bool,
    /// The channel.
    pub delivery_type: crate::customers::DeliveryType,
    /// The id at the access point, once there is one.
    pub sproom_document_id: Option<String>,
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// The document's status now.
    pub status: String,
    /// Its number.
    pub number: Option<String>,
}

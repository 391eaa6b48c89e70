//! What becomes of an offer: it is accepted, rejected, or made into the next document. What is
//! made takes fields and lines as they stand, prices and VAT too: nothing is reckoned anew.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::document::{Document, Head, Source};
use crate::ids::{ContactId, DepartmentId, LineId, TemplateId};
use crate::input::{CountryCode, Day, Metadata, Patch, Text};
use crate::kind::Kind;
use crate::lines::Line;
use crate::public::{PublicInvoice, PublicSalesDocument};
use crate::refusal::{Faults, Refusal};
use crate::status::{QuoteDisplayStatus, SalesStatus};

/// What a quote can be made into.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum QuoteTarget {
    /// An order confirmation.
    OrderConfirmation,
    /// An invoice.
    Invoice,
}

/// What an order confirmation can be made into.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum OrderConfirmationTarget {
    /// An invoice.
    Invoice,
}

/// How a quote is made into the next document.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConvertQuoteInput {
    /// What it is made into.
    pub target: QuoteTarget,
    /// What the new document says otherwise.
    pub document: Option<Overrides>,
}

/// How an order confirmation is made into an invoice.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConvertOrderConfirmationInput {
    /// What it is made into.
    pub target: OrderConfirmationTarget,
    /// What the new document says otherwise.
    pub document: Option<Overrides>,
}

/// What the new document says otherwise than the one it is made of: left out stays, null clears. Customer,
/// currency and lines are copied as they stand.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Overrides {
    /// Its date; default today. At most a year ahead.
    pub date: Option<Day>,
    /// Days to pay (invoices); default the customer's.
    #[schemars(range(max = 3650))]
    pub payment_terms: Option<u32>,
    /// A department of the customer: its address and EAN number.
    pub customer_department_id: Patch<DepartmentId>,
    /// The person it is for.
    pub customer_contact_id: Patch<ContactId>,
    /// The buyer's order number.
    pub reference: Patch<Text<200>>,
    /// Our own reference.
    pub our_reference: Patch<Text<200>>,
    /// A short description.
    pub description: Patch<Text<1000>>,
    /// Notes printed below the lines.
    pub notes: Patch<Text<4000>>,
    /// The template it is printed with; default the customer's, else the company's.
    pub document_template_id: Option<TemplateId>,
    /// When it was or will be delivered.
    pub delivery_date: Patch<Day>,
    /// Where it was or will be delivered.
    pub delivery_country_code: Patch<CountryCode>,
    /// First day of the period it is for.
    pub period_start: Patch<Day>,
    /// Last day of the period it is for.
    pub period_end: Patch<Day>,
    /// The day that decides VAT rates.
    pub tax_point_date: Patch<Day>,
    /// Text pairs of your own, in the place of all there were.
    pub metadata: Option<Metadata>,
}

/// What is answered: the document that was made.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Converted {
    /// Of a quote.
    OrderConfirmation(Box<PublicSalesDocument>),
    /// Of either.
    Invoice(Box<PublicInvoice>),
}

/// Whether another document may be made of it: it is sent, not yet made into one, not rejected, and its
/// last day is not over unless it was accepted.
///
/// # Errors
/// `SALES_DOCUMENT_CONVERT_REQUIRES_SENT`, `SALES_DOCUMENT_ALREADY_CONVERTED`, `SALES_DOCUMENT_REJECTED`,
/// `SALES_DOCUMENT_EXPIRED`.
pub fn check_convertible(document: &Document, today: Date) -> Result<(), Refusal> {
    let title = document.kind.title();
    match display_status(document, today) {
        QuoteDisplayStatus::Sent | QuoteDisplayStatus::Accepted => Ok(()),
        QuoteDisplayStatus::Draft => {
            let message = format!("The {title} is a draft; send it before it is made into another document.");
            Err(Refusal::new("SALES_DOCUMENT_CONVERT_REQUIRES_SENT", message))
        }
        QuoteDisplayStatus::Converted => Err(already_converted(document)),
        QuoteDisplayStatus::Rejected => Err(rejected()),
        QuoteDisplayStatus::Expired => Err(expired(document)),
    }
}

/// Whether an offer can still be taken.
///
/// # Errors
/// `SALES_DOCUMENT_NOT_SENT`, `SALES_DOCUMENT_ALREADY_CONVERTED`, `SALES_DOCUMENT_ACCEPTED`,
/// `SALES_DOCUMENT_REJECTED`, `SALES_DOCUMENT_EXPIRED`.
pub fn check_acceptable(quote: &Document, today: Date) -> Result<(), Refusal> {
    check_open(quote)?;
    if display_status(quote, today) == QuoteDisplayStatus::Expired { Err(expired(quote)) } else { Ok(()) }
}

/// Whether an offer can still be turned down; one whose last day is over can.
///
/// # Errors
/// `SALES_DOCUMENT_NOT_SENT`, `SALES_DOCUMENT_ALREADY_CONVERTED`, `SALES_DOCUMENT_ACCEPTED`,
/// `SALES_DOCUMENT_REJECTED`.
pub fn check_open(quote: &Document) -> Result<(), Refusal> {
    if quote.facts.converted_to.is_some() {
        return Err(already_converted(quote));
    }
    match quote.facts.sales_status(quote.is_pinned()) {
        SalesStatus::Sent => Ok(()),
        SalesStatus::Draft => Err(Refusal::new("SALES_DOCUMENT_NOT_SENT", "The quote is a draft, not yet sent.")),
        SalesStatus::Accepted => Err(Refusal::new("SALES_DOCUMENT_ACCEPTED", "The quote is accepted already.")),
        SalesStatus::Rejected => Err(rejected()),
    }
}

/// An offer that is sent holds for a day at least.
///
/// # Errors
/// `SALES_DOCUMENT_EXPIRED`.
pub fn check_holds(document: &Document, today: Date) -> Result<(), Refusal> {
    if document.head.valid_until.is_some_and(|last| last < today) { Err(expired(document)) } else { Ok(()) }
}

fn display_status(document: &Document, today: Date) -> QuoteDisplayStatus {
    document.facts.display_status(document.is_pinned(), document.head.valid_until, today)
}

fn already_converted(document: &Document) -> Refusal {
    let message = format!("The {} is made into another document already.", document.kind.title());
    let details = document.facts.converted_to.map(|(kind, id)| json!({ "type": kind, "id": id }));
    Refusal::new("SALES_DOCUMENT_ALREADY_CONVERTED", message).with(details.unwrap_or_else(|| json!({})))
}

fn rejected() -> Refusal {
    Refusal::new("SALES_DOCUMENT_REJECTED", "The quote was rejected.")
}

fn expired(document: &Document) -> Refusal {
    let last = document.head.valid_until.map(|day| day.to_string()).unwrap_or_default();
    let message = format!("The quote was valid until {last}.");
    Refusal::new("SALES_DOCUMENT_EXPIRED", message).with(json!({ "validUntil": last }))
}

/// The head of what is made: that of the document it is made of, and what is said otherwise. What only the
/// older one has (its template, its last day) stays with it.
///
/// # Errors
/// Faults where its parts do not fit together.
pub fn head(of: &Document, to: Kind, payment_terms: u32, overrides: Overrides) -> Result<Head, Faults> {
    let Overrides {
        date: _,
        payment_terms: own_terms,
        customer_department_id,
        customer_contact_id,
        reference,
        our_reference,
        description,
        notes,
        document_template_id,
        delivery_date,
        delivery_country_code,
        period_start,
        period_end,
        tax_point_date,
        metadata,
    } = overrides;
    let mut faults = Faults::default();
    if own_terms.is_some() && !to.is_owed() {
        let message = format!("paymentTerms should be empty on an {}", to.title());
        faults.add("document.paymentTerms", "isEmpty", message);
    }
    let from = of.head.clone();
    let head = Head {
        customer_id: from.customer_id,
        payment_terms: to.is_owed().then(|| own_terms.unwrap_or(payment_terms)),
        customer_department_id: customer_department_id.over(from.customer_department_id),
        customer_contact_id: customer_contact_id.over(from.customer_contact_id),
        reference: reference.map(|own| own.0).over(from.reference),
        our_reference: our_reference.map(|own| own.0).over(from.our_reference),
        description: description.map(|own| own.0).over(from.description),
        notes: notes.map(|own| own.0).over(from.notes),
        document_template_id,
        delivery_date: delivery_date.map(|day| day.0).over(from.delivery_date),
        delivery_country_code: delivery_country_code.map(|code| code.0).over(from.delivery_country_code),
        period_start: period_start.map(|day| day.0).over(from.period_start),
        period_end: period_end.map(|day| day.0).over(from.period_end),
        tax_point_date: tax_point_date.map(|day| day.0).over(from.tax_point_date),
        valid_until: None,
        external_invoice: None,
        credited_period: None,
        reason: None,
        metadata: metadata.unwrap_or(from.metadata),
    };
    match (head.period_start, head.period_end) {
        (Some(start), Some(end)) if start > end => {
            faults.add("document.periodEnd", "minDate", "periodEnd must not be before periodStart");
        }
        (Some(_), None) => faults.add("document.periodEnd", "isNotEmpty", "periodEnd should not be empty"),
        (None, Some(_)) => faults.add("document.periodStart", "isNotEmpty", "periodStart should not be empty"),
        _ => {}
    }
    if faults.is_empty() { Ok(head) } else { Err(faults) }
}

/// The lines of what is made: the same to the last unit, under ids of their own.
pub fn lines(of: &Document, new_id: &mut dyn FnMut() -> LineId) -> Vec<Line> {
    of.lines.iter().map(|line| Line { id: new_id(), body: line.body.clone() }).collect()
}

/// The document that another is made of, as that one names it.
pub fn source(of: &Document) -> Option<Source> {
    let number = of.number.as_ref()?.text.clone();
    Some(Source { kind: of.kind, id: of.id, number })
}

impl From<QuoteTarget> for Kind {
    fn from(target: QuoteTarget) -> Kind {
        match target {
            QuoteTarget::OrderConfirmation => Kind::OrderConfirmation,
            QuoteTarget::Invoice => Kind::Invoice,
        }
    }
}

impl From<OrderConfirmationTarget> for Kind {
    fn from(target: OrderConfirmationTarget) -> Kind {
        match target {
            OrderConfirmationTarget::Invoice => Kind::Invoice,
        }
    }
}

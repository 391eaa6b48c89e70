//! What a caller may say of invoices and credit notes.

use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Amount, CountryCode, CreditAmount, CurrencyCode, Day, Metadata, Percent, PositiveUnitPrice, Quantity, Text,
    UnitPrice,
};
use crate::document::{Head, Reason};
use crate::ids::{ContactId, CustomerId, DepartmentId, LineId, PriceId, TagId, TemplateId};
use crate::refusal::Faults;

/// What a line is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LineType {
    /// Something sold, with price and quantity.
    #[default]
    Product,
    /// A line of text.
    Text,
    /// A rule between lines.
    Separator,
}

/// A line of an invoice. A product line takes `priceId` and `quantity`; what it comes to is derived.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(extend("x-rules" = "document-line"))]
pub struct LineInput {
    /// `product` when left out.
    pub line_type: Option<LineType>,
    /// The price that is charged; product lines need it.
    pub price_id: Option<PriceId>,
    /// How many; product lines need it.
    pub quantity: Option<Quantity>,
    /// Instead of the price's own amount, excl. VAT.
    pub unit_price: Option<UnitPrice>,
    /// Instead of the product's name; the text of a text line.
    pub description: Option<Text<4000>>,
    /// Discount in percent; default the customer group's.
    pub discount_percent: Option<Percent>,
    /// First day of the period the line is for.
    pub period_start: Option<Day>,
    /// Last day of the period the line is for.
    pub period_end: Option<Day>,
    /// Values of dimensions.
    #[schemars(length(max = 50))]
    pub tag_ids: Option<Vec<TagId>>,
    /// Text pairs of your own.
    pub metadata: Option<Metadata>,
}

/// A line of a credit note: as on an invoice, positive; the credit sign is applied by the server.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(extend("x-rules" = "document-line"))]
pub struct CreditLineInput {
    /// `product` when left out.
    pub line_type: Option<LineType>,
    /// The price that is credited; product lines need it or `invoiceLineId`.
    pub price_id: Option<PriceId>,
    /// How many; product lines need it.
    pub quantity: Option<Quantity>,
    /// Instead of the price's (or the invoice line's) own amount, positive, excl. VAT.
    pub unit_price: Option<PositiveUnitPrice>,
    /// Instead of the product's name; the text of a text line.
    pub description: Option<Text<4000>>,
    /// Discount in percent.
    pub discount_percent: Option<Percent>,
    /// First day of the period the line is for.
    pub period_start: Option<Day>,
    /// Last day of the period the line is for.
    pub period_end: Option<Day>,
    /// Values of dimensions.
    #[schemars(length(max = 50))]
    pub tag_ids: Option<Vec<TagId>>,
    /// Text pairs of your own.
    pub metadata: Option<Metadata>,
    /// The line of a booked invoice that is credited.
    pub invoice_line_id: Option<LineId>,
}

/// An invoice to be made.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-rules" = "period"))]
pub struct InvoiceInput {
    /// Who is invoiced.
    pub customer_id: CustomerId,
    /// Its date; default today. At most a year ahead.
    pub date: Option<Day>,
    /// Days to pay; default the customer's.
    #[schemars(range(max = 3650))]
    pub payment_terms: Option<u32>,
    /// Default the customer's.
    pub currency: Option<CurrencyCode>,
    /// At least one product line.
    #[schemars(length(min = 1, max = 1000))]
    pub lines: Vec<LineInput>,
    /// A department of the customer: its address and EAN number.
    pub customer_department_id: Option<DepartmentId>,
    /// The person it is for.
    pub customer_contact_id: Option<ContactId>,
    /// The buyer's order number.
    pub reference: Option<Text<200>>,
    /// Our own reference.
    pub our_reference: Option<Text<200>>,
    /// A short description.
    pub description: Option<Text<1000>>,
    /// Notes printed below the lines.
    pub notes: Option<Text<4000>>,
    /// The template it is printed with.
    pub document_template_id: Option<TemplateId>,
    /// When it was delivered.
    pub delivery_date: Option<Day>,
    /// Where it was delivered; default the buyer's country.
    pub delivery_country_code: Option<CountryCode>,
    /// First day of the period it is for.
    pub period_start: Option<Day>,
    /// Last day of the period it is for.
    pub period_end: Option<Day>,
    /// The day that decides VAT rates; default its date.
    pub tax_point_date: Option<Day>,
    /// Text pairs of your own.
    pub metadata: Option<Metadata>,
}

/// An invoice that another system issued.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalInvoiceInput {
    /// Its number.
    pub number: Text<100>,
    /// Its date.
    pub date: Day,
}

/// A period, both days included.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-rules" = "span"))]
pub struct SpanInput {
    /// First day.
    pub from: Day,
    /// Last day.
    pub to: Day,
}

/// A credit note to be made.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-rules" = "period"))]
pub struct CreditNoteInput {
    /// Who is credited.
    pub customer_id: CustomerId,
    /// The invoice that is credited; it is then marked credited.
    pub invoice_number: Option<Text<100>>,
    /// Its date; default the later of today and the invoice's. At most a year ahead.
    pub date: Option<Day>,
    /// Default the invoice's, else the customer's.
    pub currency: Option<CurrencyCode>,
    /// At least one product line; positive: the credit sign is applied by the server.
    #[schemars(length(min = 1, max = 1000))]
    pub lines: Vec<CreditLineInput>,
    /// A department of the customer: its address and EAN number.
    pub customer_department_id: Option<DepartmentId>,
    /// The person it is for.
    pub customer_contact_id: Option<ContactId>,
    /// The buyer's order number.
    pub reference: Option<Text<200>>,
    /// Our own reference.
    pub our_reference: Option<Text<200>>,
    /// A short description.
    pub description: Option<Text<1000>>,
    /// Notes printed below the lines.
    pub notes: Option<Text<4000>>,
    /// The template it is printed with.
    pub document_template_id: Option<TemplateId>,
    /// When it was delivered.
    pub delivery_date: Option<Day>,
    /// Where it was delivered; default the buyer's country.
    pub delivery_country_code: Option<CountryCode>,
    /// First day of the period it is for.
    pub period_start: Option<Day>,
    /// Last day of the period it is for.
    pub period_end: Option<Day>,
    /// The day that decides VAT rates; default its date.
    pub tax_point_date: Option<Day>,
    /// An invoice issued in another system.
    pub external_invoice: Option<ExternalInvoiceInput>,
    /// The period a bonus over many invoices is for.
    pub credited_period: Option<SpanInput>,
    /// Why credit is given.
    pub reason: Option<Reason>,
    /// Text pairs of your own.
    pub metadata: Option<Metadata>,
}

/// A line of an invoice that is credited: so many of it, so much of it, or what is left.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-rules" = "credit-part"))]
pub struct CreditPartInput {
    /// The line.
    pub invoice_line_id: LineId,
    /// How many, at the invoice's price.
    pub quantity: Option<Quantity>,
    /// How much excl. VAT, positive; it takes no quantity off.
    pub amount: Option<CreditAmount>,
}

/// An invoice to be credited: all that is left of it, or the lines named.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CreditInput {
    /// The lines, each once; all that is left of the invoice when left out.
    #[schemars(length(min = 1, max = 1000))]
    pub lines: Option<Vec<CreditPartInput>>,
    /// The credit note's date; default the later of today and the invoice's. At most a year ahead.
    pub date: Option<Day>,
    /// Why credit is given.
    pub reason: Option<Reason>,
    /// Notes printed below the lines.
    pub notes: Option<Text<4000>>,
}

/// Why a credit note will not be sent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VoidInput {
    /// It explains the number for ever.
    pub reason: Text<1000>,
}

/// How a booked credit note is undone.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ReverseInput {
    /// The invoice's date; default today. At most a year ahead.
    pub date: Option<Day>,
    /// Notes printed below the lines.
    pub notes: Option<Text<4000>>,
}

/// One line as asked, of whatever kind of document; what the rules work from.
#[derive(Clone, Debug)]
pub struct AskedLine {
    /// Its place in the request, where lines before it were left out.
    pub place: Option<usize>,
    /// What it is.
    pub line_type: LineType,
    /// The price named.
    pub price_id: Option<PriceId>,
    /// How many; 0 on lines without amounts.
    pub quantity: Decimal,
    /// An amount excl. VAT instead of quantity and price; it takes no quantity off (crediting an invoice).
    pub amount: Option<Decimal>,
    /// An overriding unit price.
    pub unit_price: Option<Decimal>,
    /// An overriding text.
    pub description: Option<String>,
    /// An overriding discount.
    pub discount_percent: Option<Decimal>,
    /// First day of its period.
    pub period_start: Option<Date>,
    /// Last day of its period.
    pub period_end: Option<Date>,
    /// Values of dimensions.
    pub tag_ids: Vec<TagId>,
    /// Text pairs.
    pub metadata: Metadata,
    /// The invoice line that is credited.
    pub invoice_line_id: Option<LineId>,
}

/// A document as asked: its head and its lines, before anything is looked up.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The fields above the lines; defaults not yet filled in.
    pub head: AskedHead,
    /// The lines.
    pub lines: Vec<AskedLine>,
}

/// The head as asked: what is filled in later is optional here.
#[derive(Clone, Debug)]
pub struct AskedHead {
    /// The date asked for.
    pub date: Option<Date>,
    /// The currency asked for.
    pub currency: Option<String>,
    /// The number of the invoice to credit.
    pub invoice_number: Option<String>,
    /// The fields taken as they stand.
    pub head: Head,
}

impl AskedHead {
    /// A head that says who it is for and leaves the rest to its defaults.
    pub fn for_customer(customer_id: CustomerId) -> AskedHead {
        let head = Head {
            customer_id,
            payment_terms: None,
            customer_department_id: None,
            customer_contact_id: None,
            reference: None,
            our_reference: None,
            description: None,
            notes: None,
            document_template_id: None,
            delivery_date: None,
            delivery_country_code: None,
            period_start: None,
            period_end: None,
            tax_point_date: None,
            external_invoice: None,
            credited_period: None,
            reason: None,
            metadata: Metadata::default(),
        };
        AskedHead { date: None, currency: None, invoice_number: None, head }
    }
}

fn text<const MAX: usize>(text: Option<Text<MAX>>) -> Option<String> {
    text.map(|t| t.0)
}

fn day(day: Option<Day>) -> Option<Date> {
    day.map(|d| d.0)
}

impl From<LineInput> for AskedLine {
    fn from(line: LineInput) -> AskedLine {
        let LineInput {
            line_type,
            price_id,
            quantity,
            unit_price,
            description,
            discount_percent,
            period_start,
            period_end,
            tag_ids,
            metadata,
        } = line;
        AskedLine {
            place: None,
            line_type: line_type.unwrap_or_default(),
            price_id,
            quantity: quantity.map(|q| q.0).unwrap_or_default(),
            amount: None,
            unit_price: unit_price.map(|p| p.0),
            description: text(description),
            discount_percent: discount_percent.map(|p| p.0),
            period_start: day(period_start),
            period_end: day(period_end),
            tag_ids: tag_ids.unwrap_or_default(),
            metadata: metadata.unwrap_or_default(),
            invoice_line_id: None,
        }
    }
}

impl From<CreditLineInput> for AskedLine {
    fn from(line: CreditLineInput) -> AskedLine {
        let CreditLineInput {
            line_type,
            price_id,
            quantity,
            unit_price,
            description,
            discount_percent,
            period_start,
            period_end,
            tag_ids,
            metadata,
            invoice_line_id,
        } = line;
        AskedLine {
            place: None,
            line_type: line_type.unwrap_or_default(),
            price_id,
            quantity: quantity.map(|q| q.0).unwrap_or_default(),
            amount: None,
            unit_price: unit_price.map(|p| p.0),
            description: text(description),
            discount_percent: discount_percent.map(|p| p.0),
            period_start: day(period_start),
            period_end: day(period_end),
            tag_ids: tag_ids.unwrap_or_default(),
            metadata: metadata.unwrap_or_default(),
            invoice_line_id,
        }
    }
}

impl From<InvoiceInput> for Asked {
    fn from(input: InvoiceInput) -> Asked {
        let head = Head {
            customer_id: input.customer_id,
            payment_terms: input.payment_terms,
            customer_department_id: input.customer_department_id,
            customer_contact_id: input.customer_contact_id,
            reference: text(input.reference),
            our_reference: text(input.our_reference),
            description: text(input.description),
            notes: text(input.notes),
            document_template_id: input.document_template_id,
            delivery_date: day(input.delivery_date),
            delivery_country_code: input.delivery_country_code.map(|c| c.0),
            period_start: day(input.period_start),
            period_end: day(input.period_end),
            tax_point_date: day(input.tax_point_date),
            external_invoice: None,
            credited_period: None,
            reason: None,
            metadata: input.metadata.unwrap_or_default(),
        };
        Asked {
            head: AskedHead {
                date: day(input.date),
                currency: input.currency.map(|c| c.0),
                invoice_number: None,
                head,
            },
            lines: input.lines.into_iter().map(AskedLine::from).collect(),
        }
    }
}

impl From<CreditNoteInput> for Asked {
    fn from(input: CreditNoteInput) -> Asked {
        let head = Head {
            customer_id: input.customer_id,
            payment_terms: None,
            customer_department_id: input.customer_department_id,
            customer_contact_id: input.customer_contact_id,
            reference: text(input.reference),
            our_reference: text(input.our_reference),
            description: text(input.description),
            notes: text(input.notes),
            document_template_id: input.document_template_id,
            delivery_date: day(input.delivery_date),
            delivery_country_code: input.delivery_country_code.map(|c| c.0),
            period_start: day(input.period_start),
            period_end: day(input.period_end),
            tax_point_date: day(input.tax_point_date),
            external_invoice: input.external_invoice.map(|e| (e.number.0, e.date.0)),
            credited_period: input.credited_period.map(|p| (p.from.0, p.to.0)),
            reason: input.reason,
            metadata: input.metadata.unwrap_or_default(),
        };
        Asked {
            head: AskedHead {
                date: day(input.date),
                currency: input.currency.map(|c| c.0),
                invoice_number: text(input.invoice_number),
                head,
            },
            lines: input.lines.into_iter().map(AskedLine::from).collect(),
        }
    }
}

/// How invoices are listed.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct InvoiceQuery {
    /// The page, from 1.
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
    /// How many a page.
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
    /// Continues a list where `nextCursor` says; empty begins one.
    pub cursor: Option<String>,
    /// What the list is sorted by; `createdAt` when left out.
    pub sort_by: Option<DocumentSort>,
    /// `desc` when left out.
    pub sort_order: Option<SortOrder>,
    /// Found in number, description, customer name or reference.
    pub search: Option<Text<200>>,
    /// Only with one of these statuses.
    pub status: Option<Vec<crate::status::InvoiceStatus>>,
    /// Only of this customer.
    pub customer_id: Option<CustomerId>,
    /// Only in this currency.
    pub currency: Option<CurrencyCode>,
    /// From this date on.
    pub from_date: Option<Day>,
    /// Until this date.
    pub to_date: Option<Day>,
    /// Of at least this amount incl. VAT, positive, in `currency`, which is then the company's when left out.
    pub min_amount: Option<Amount>,
    /// Of at most this amount incl. VAT, positive, in `currency`, which is then the company's when left out.
    pub max_amount: Option<Amount>,
    /// Only the one with this number.
    pub invoice_number: Option<Text<100>>,
    /// Only so far settled.
    pub settlement: Option<Settlement>,
    /// Only what is booked, past its due date and still open; `false`: only the others.
    pub overdue: Option<bool>,
    /// Only with this reference.
    pub reference: Option<Text<200>>,
    /// Only with all these pairs.
    pub metadata: Option<Metadata>,
}

/// How credit notes are listed.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CreditNoteQuery {
    /// The page, from 1.
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
    /// How many a page.
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
    /// Continues a list where `nextCursor` says; empty begins one.
    pub cursor: Option<String>,
    /// What the list is sorted by; `createdAt` when left out.
    pub sort_by: Option<DocumentSort>,
    /// `desc` when left out.
    pub sort_order: Option<SortOrder>,
    /// Found in number, description, customer name or reference.
    pub search: Option<Text<200>>,
    /// Only with one of these statuses.
    pub status: Option<Vec<crate::status::CreditNoteStatus>>,
    /// Only of this customer.
    pub customer_id: Option<CustomerId>,
    /// Only in this currency.
    pub currency: Option<CurrencyCode>,
    /// From this date on.
    pub from_date: Option<Day>,
    /// Until this date.
    pub to_date: Option<Day>,
    /// Of at least this amount incl. VAT, positive, in `currency`, which is then the company's when left out.
    pub min_amount: Option<Amount>,
    /// Of at most this amount incl. VAT, positive, in `currency`, which is then the company's when left out.
    pub max_amount: Option<Amount>,
    /// Only those that credit the invoice of this number.
    pub invoice_number: Option<Text<100>>,
    /// Only voided ones; `false`: only the others.
    pub voided: Option<bool>,
    /// Only with this reference.
    pub reference: Option<Text<200>>,
    /// Only with all these pairs.
    pub metadata: Option<Metadata>,
}

/// A query whose whole list can be read on, part after part.
pub trait Whole: Clone {
    /// The same list from a cursor on (empty: from its first resource), a thousand at once.
    ///
    /// # Errors
    /// `isEmpty` where a part was asked for: a table is whole.
    fn part(&self, cursor: &str) -> Result<Self, Faults>;
}

macro_rules! whole {
    ($($name:ident)*) => {$(
        impl Whole for $name {
            fn part(&self, cursor: &str) -> Result<$name, Faults> {
                let mut faults = Faults::default();
                for (name, is_set) in
                    [("page", self.page.is_some()), ("limit", self.limit.is_some()), ("cursor", self.cursor.is_some())]
                {
                    if is_set {
                        faults.add(name, "isEmpty", format!("{name} should be empty: CSV holds the whole list"));
                    }
                }
                if !faults.is_empty() {
                    return Err(faults);
                }
                Ok($name { limit: Some(1_000), cursor: Some(cursor.to_owned()), ..self.clone() })
            }
        }
    )*};
}

whole! { InvoiceQuery CreditNoteQuery }

/// How far an invoice is settled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Settlement {
    /// Nothing is paid, set off or written off.
    Open,
    /// Some of it is.
    PartiallySettled,
    /// Nothing is left.
    Settled,
}

/// What a list of documents is sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum DocumentSort {
    /// Its date.
    Date,
    /// Its number's count.
    Number,
    /// Its amount incl. VAT.
    Amount,
    /// When it was made.
    #[default]
    CreatedAt,
}

/// Which way a list runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum SortOrder {
    /// Smallest or oldest first.
    Asc,
    /// Largest or newest first.
    #[default]
    Desc,
}

/// How a PDF is asked for.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PdfQuery {
    /// `true` marks a document that is not booked yet as a draft.
    pub draft: Option<bool>,
}

//! What a caller may say of documents.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{CountryCode, CreditAmount, CurrencyCode, Day, Metadata, Quantity, Text};
use crate::document::{Head, Reason};
use crate::ids::{ContactId, CustomerId, DepartmentId, LineId, TemplateId};
use crate::lines::{AskedLine, CreditLineInput, LineInput};

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

/// Writes the inputs of the kinds: what they have in common stands here once, what is a kind's own beside its name.
macro_rules! inputs {
    ($($(#[$doc:meta])* $name:ident of $line:ty, $lines:literal {
        $($(#[$own_doc:meta])* $own:ident: $type:ty,)*
    })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #[schemars(extend("x-rules" = "period"))]
        pub struct $name {
            /// Who it is for.
            pub customer_id: CustomerId,
            $($(#[$own_doc])* pub $own: Option<$type>,)*
            /// Its date; default today, and of a credit note not before its invoice's. At most a year ahead.
            pub date: Option<Day>,
            /// Default the customer's; of a credit note the invoice's.
            pub currency: Option<CurrencyCode>,
            #[doc = $lines]
            #[schemars(length(min = 1, max = 1000))]
            pub lines: Vec<$line>,
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
            /// When it was or will be delivered.
            pub delivery_date: Option<Day>,
            /// Where it was or will be delivered; default the buyer's country.
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

        impl $name {
            /// What all kinds say alike, as asked.
            fn asked(self) -> Asked {
                let $name {
                    customer_id,
                    date,
                    currency,
                    lines,
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
                    $($own: _,)*
                } = self;
                let asked = AskedHead::for_customer(customer_id);
                let head = Head {
                    customer_department_id,
                    customer_contact_id,
                    reference: text(reference),
                    our_reference: text(our_reference),
                    description: text(description),
                    notes: text(notes),
                    document_template_id,
                    delivery_date: day(delivery_date),
                    delivery_country_code: delivery_country_code.map(|code| code.0),
                    period_start: day(period_start),
                    period_end: day(period_end),
                    tax_point_date: day(tax_point_date),
                    metadata: metadata.unwrap_or_default(),
                    ..asked.head
                };
                let (date, currency) = (day(date), currency.map(|code| code.0));
                let lines = lines.into_iter().map(AskedLine::from).collect();
                Asked { head: AskedHead { date, currency, head, ..asked }, lines }
            }
        }
    )*};
}

inputs! {
    /// An invoice to be made.
    InvoiceInput of LineInput, "At least one product line." {
        /// Days to pay; default the customer's.
        #[schemars(range(max = 3650))]
        payment_terms: u32,
    }
    /// A credit note to be made.
    CreditNoteInput of CreditLineInput, "At least one product line; positive: the credit sign is applied by the server." {
        /// The invoice that is credited; it is then marked credited.
        invoice_number: Text<100>,
        /// An invoice issued in another system.
        external_invoice: ExternalInvoiceInput,
        /// The period a bonus over many invoices is for.
        credited_period: SpanInput,
        /// Why credit is given.
        reason: Reason,
    }
    /// A quote to be made.
    QuoteInput of LineInput, "At least one product line." {
        /// The last day the offer holds; not before its date.
        valid_until: Day,
    }
    /// An order confirmation to be made.
    OrderConfirmationInput of LineInput, "At least one product line." {}
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
            valid_until: None,
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

impl From<InvoiceInput> for Asked {
    fn from(input: InvoiceInput) -> Asked {
        let payment_terms = input.payment_terms;
        let mut asked = input.asked();
        asked.head.head.payment_terms = payment_terms;
        asked
    }
}

impl From<CreditNoteInput> for Asked {
    fn from(mut input: CreditNoteInput) -> Asked {
        let (invoice_number, external) = (text(input.invoice_number.take()), input.external_invoice.take());
        let (period, reason) = (input.credited_period.take(), input.reason);
        let mut asked = input.asked();
        asked.head.invoice_number = invoice_number;
        asked.head.head.external_invoice = external.map(|invoice| (invoice.number.0, invoice.date.0));
        asked.head.head.credited_period = period.map(|span| (span.from.0, span.to.0));
        asked.head.head.reason = reason;
        asked
    }
}

impl From<QuoteInput> for Asked {
    fn from(input: QuoteInput) -> Asked {
        let valid_until = day(input.valid_until);
        let mut asked = input.asked();
        asked.head.head.valid_until = valid_until;
        asked
    }
}

impl From<OrderConfirmationInput> for Asked {
    fn from(input: OrderConfirmationInput) -> Asked {
        input.asked()
    }
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

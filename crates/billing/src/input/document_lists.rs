//! How lists of documents are asked for.

use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::SortOrder;
use super::{Amount, CurrencyCode, Day, Metadata, Text};
use crate::ids::CustomerId;
use crate::refusal::Faults;
use crate::status::{CreditNoteStatus, InvoiceStatus, OrderConfirmationDisplayStatus, QuoteDisplayStatus};

/// A query whose whole list can be read on, part after part.
pub trait Whole: Clone {
    /// The same list from a cursor on (empty: from its first resource), a thousand at once.
    ///
    /// # Errors
    /// `isEmpty` where a part was asked for: a table is whole.
    fn part(&self, cursor: &str) -> Result<Self, Faults>;
}

/// Writes the queries of the kinds: what they have in common stands here once, what is a kind's own beside its name.
macro_rules! queries {
    ($($(#[$doc:meta])* $name:ident by $sort:ty, in $status:ty {
        $($(#[$own_doc:meta])* $own:ident: $type:ty,)*
    })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
        pub struct $name {
            /// The page, from 1.
            #[schemars(range(min = 1))]
            pub page: Option<u32>,
            /// How many a page.
            #[schemars(range(min = 1, max = 100))]
            pub limit: Option<u32>,
            /// Continues a list where `nextCursor` says; empty begins one.
            pub cursor: Option<String>,
            /// What the list is sorted by; `createdAt` when left out.
            pub sort_by: Option<$sort>,
            /// `desc` when left out.
            pub sort_order: Option<SortOrder>,
            /// Found in number, description, customer name or reference.
            pub search: Option<Text<200>>,
            /// Only with one of these statuses.
            pub status: Option<Vec<$status>>,
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
            $($(#[$own_doc])* pub $own: Option<$type>,)*
            /// Only with this reference.
            pub reference: Option<Text<200>>,
            /// Only with all these pairs.
            pub metadata: Option<Metadata>,
        }

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

queries! {
    /// How invoices are listed.
    InvoiceQuery by DocumentSort, in InvoiceStatus {
        /// Only the one with this number.
        invoice_number: Text<100>,
        /// Only so far settled.
        settlement: Settlement,
        /// Only what is booked, past its due date and still open; `false`: only the others.
        overdue: bool,
    }
    /// How credit notes are listed.
    CreditNoteQuery by DocumentSort, in CreditNoteStatus {
        /// Only those that credit the invoice of this number.
        invoice_number: Text<100>,
        /// Only voided ones; `false`: only the others.
        voided: bool,
    }
    /// How quotes are listed; `status` is the one they are shown with.
    QuoteQuery by QuoteSort, in QuoteDisplayStatus {}
    /// How order confirmations are listed; `status` is the one they are shown with.
    OrderConfirmationQuery by OrderConfirmationSort, in OrderConfirmationDisplayStatus {}
}

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

/// What a list of invoices or credit notes is sorted by.
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

/// What a list of quotes is sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum QuoteSort {
    /// Its date.
    Date,
    /// Its number's count.
    DocumentNumber,
    /// Its amount incl. VAT.
    Amount,
    /// Its status as it is kept: `accepted draft rejected sent`.
    Status,
    /// The last day it holds; those without one before all others.
    ValidUntil,
    /// When it was made.
    #[default]
    CreatedAt,
}

/// What a list of order confirmations is sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum OrderConfirmationSort {
    /// Its date.
    Date,
    /// Its number's count.
    DocumentNumber,
    /// Its amount incl. VAT.
    Amount,
    /// Its status as it is kept: `draft sent`.
    Status,
    /// When it was made.
    #[default]
    CreatedAt,
}

//! The status of a document is a function of facts: nothing sets it, everything
//! that changes a fact asks for it anew.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::ids::DocumentId;
use crate::kind::Kind;

macro_rules! statuses {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident $text:literal)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[schemars(inline)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            /// The published text.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<$name, String> {
                match text {
                    $($text => Ok($name::$variant),)*
                    _ => Err(format!(concat!("no ", stringify!($name), " {}"), text)),
                }
            }
        }
    };
}
pub(crate) use statuses;

statuses! {
    /// What an invoice may be.
    InvoiceStatus {
        /// Not booked, may be changed.
        Draft "draft"
        /// To be sent at an instant.
        Scheduled "scheduled"
        /// Booked; the channel has not taken it yet.
        Sending "sending"
        /// Booked and taken by the channel.
        Sent "sent"
        /// Nothing is open.
        Paid "paid"
        /// Something is paid or allocated.
        PartiallyPaid "partially_paid"
        /// Never booked, and never will be.
        Cancelled "cancelled"
        /// Something is written off.
        Uncollectible "uncollectible"
        /// A credit note names it, in whole or in part.
        Credited "credited"
    }
}

statuses! {
    /// What a credit note may be.
    CreditNoteStatus {
        /// Numbered, not booked.
        Draft "draft"
        /// To be sent at an instant.
        Scheduled "scheduled"
        /// Booked; the channel has not taken it yet.
        Sending "sending"
        /// Booked and taken by the channel.
        Sent "sent"
    }
}

statuses! {
    /// What a quote or an order confirmation may be; only a quote is accepted or rejected.
    SalesStatus {
        /// Not sent, may be changed.
        Draft "draft"
        /// Numbered and sent.
        Sent "sent"
        /// The buyer took the offer.
        Accepted "accepted"
        /// The buyer did not.
        Rejected "rejected"
    }
}

statuses! {
    /// What a quote is shown as.
    QuoteDisplayStatus {
        /// Not sent, may be changed.
        Draft "draft"
        /// Numbered and sent.
        Sent "sent"
        /// The buyer took the offer.
        Accepted "accepted"
        /// The buyer did not.
        Rejected "rejected"
        /// Sent, and its last day is over.
        Expired "expired"
        /// Another document was made of it.
        Converted "converted"
    }
}

statuses! {
    /// What an order confirmation is shown as.
    OrderConfirmationDisplayStatus {
        /// Not sent, may be changed.
        Draft "draft"
        /// Numbered and sent.
        Sent "sent"
        /// An invoice was made of it.
        Converted "converted"
    }
}

statuses! {
    /// How far the newest delivery of a document has come.
    DeliveryState {
        /// Nothing was to be delivered.
        None "none"
        /// An attempt or a retry is pending.
        Pending "pending"
        /// The channel has taken it.
        Delivered "delivered"
        /// The channel gave up.
        Failed "failed"
    }
}

/// What later deeds change about a document, booked or not. Amounts in minor units, positive.
#[derive(Clone, PartialEq, Debug)]
pub struct Facts {
    /// When a scheduled send is due.
    pub scheduled_at: Option<Timestamp>,
    /// When a channel first took it.
    pub sent_at: Option<Timestamp>,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// When it was voided (credit notes).
    pub voided_at: Option<Timestamp>,
    /// Why it was voided.
    pub void_reason: Option<String>,
    /// Of all credit notes that are not voided, drafts too.
    pub credited: i64,
    /// Of those, what is not booked yet.
    pub pending_credit: i64,
    /// How many credit notes that are not voided name it.
    pub credit_notes: i64,
    /// Paid on it.
    pub paid: i64,
    /// Allocated: on an invoice from credit notes, of a credit note to invoices.
    pub allocated: i64,
    /// Written off.
    pub written_off: i64,
    /// How far its newest delivery has come.
    pub delivery: DeliveryState,
    /// When the buyer took the offer (quotes).
    pub accepted_at: Option<Timestamp>,
    /// When the buyer did not (quotes).
    pub rejected_at: Option<Timestamp>,
    /// What was made of it (quotes and order confirmations).
    pub converted_to: Option<(Kind, DocumentId)>,
}

impl Default for Facts {
    fn default() -> Facts {
        Facts {
            scheduled_at: None,
            sent_at: None,
            cancelled_at: None,
            voided_at: None,
            void_reason: None,
            credited: 0,
            pending_credit: 0,
            credit_notes: 0,
            paid: 0,
            allocated: 0,
            written_off: 0,
            delivery: DeliveryState::None,
            accepted_at: None,
            rejected_at: None,
            converted_to: None,
        }
    }
}

impl Facts {
    /// What is still open of a booked document of this size.
    pub fn open_of(&self, amount: i64) -> i64 {
        amount.abs() - self.paid - self.allocated - self.written_off
    }

    fn is_sent(&self) -> bool {
        self.sent_at.is_some()
    }

    /// An invoice's status: the first that holds. `amount` is its amount incl. VAT.
    pub fn invoice_status(&self, is_booked: bool, amount: i64) -> InvoiceStatus {
        if self.cancelled_at.is_some() {
            InvoiceStatus::Cancelled
        } else if !is_booked {
            if self.scheduled_at.is_some() { InvoiceStatus::Scheduled } else { InvoiceStatus::Draft }
        } else if self.written_off > 0 {
            InvoiceStatus::Uncollectible
        } else if self.credit_notes > 0 {
            InvoiceStatus::Credited
        } else if self.open_of(amount) == 0 {
            InvoiceStatus::Paid
        } else if self.paid + self.allocated > 0 {
            InvoiceStatus::PartiallyPaid
        } else if !self.is_sent() {
            InvoiceStatus::Sending
        } else {
            InvoiceStatus::Sent
        }
    }

    /// A credit note's status; a voided one stays `draft`.
    pub fn credit_note_status(&self, is_booked: bool) -> CreditNoteStatus {
        match (is_booked, self.scheduled_at.is_some(), self.is_sent()) {
            (false, true, _) => CreditNoteStatus::Scheduled,
            (false, false, _) => CreditNoteStatus::Draft,
            (true, _, false) => CreditNoteStatus::Sending,
            (true, _, true) => CreditNoteStatus::Sent,
        }
    }

    /// The status of a quote or an order confirmation: how far it has come, whatever the day.
    pub fn sales_status(&self, is_pinned: bool) -> SalesStatus {
        match (is_pinned, self.rejected_at.is_some(), self.accepted_at.is_some()) {
            (false, _, _) => SalesStatus::Draft,
            (true, true, _) => SalesStatus::Rejected,
            (true, false, true) => SalesStatus::Accepted,
            (true, false, false) => SalesStatus::Sent,
        }
    }

    /// The status it is shown with on a day. What was accepted in time does not expire.
    pub fn display_status(&self, is_pinned: bool, valid_until: Option<Date>, today: Date) -> QuoteDisplayStatus {
        if self.converted_to.is_some() {
            return QuoteDisplayStatus::Converted;
        }
        match self.sales_status(is_pinned) {
            SalesStatus::Draft => QuoteDisplayStatus::Draft,
            SalesStatus::Sent if valid_until.is_some_and(|last| last < today) => QuoteDisplayStatus::Expired,
            SalesStatus::Sent => QuoteDisplayStatus::Sent,
            SalesStatus::Accepted => QuoteDisplayStatus::Accepted,
            SalesStatus::Rejected => QuoteDisplayStatus::Rejected,
        }
    }
}

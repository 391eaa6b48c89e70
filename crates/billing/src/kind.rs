//! What sets the four kinds of document apart, as data in one table.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The four kinds of document.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Asks for money.
    Invoice,
    /// Gives back what an invoice asked for.
    CreditNote,
    /// Offers.
    Quote,
    /// Confirms an order.
    OrderConfirmation,
}

/// When a document takes its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NumberedOn {
    /// In the transaction that makes it.
    Creation,
    /// In the transaction that books or sends it.
    Sending,
}

/// The events that tell what happens to a document of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Topics {
    /// It was made.
    pub created: &'static str,
    /// It was written anew, or something about it changed.
    pub updated: &'static str,
    /// It was deleted.
    pub deleted: &'static str,
    /// It was sent.
    pub sent: &'static str,
    /// The buyer took the offer.
    pub accepted: &'static str,
    /// The buyer did not.
    pub rejected: &'static str,
    /// Another document was made of it.
    pub converted: &'static str,
}

macro_rules! topics {
    ($resource:literal) => {
        Topics {
            created: concat!($resource, ".created"),
            updated: concat!($resource, ".updated"),
            deleted: concat!($resource, ".deleted"),
            sent: concat!($resource, ".sent"),
            accepted: concat!($resource, ".accepted"),
            rejected: concat!($resource, ".rejected"),
            converted: concat!($resource, ".converted"),
        }
    };
}

struct Row {
    kind: Kind,
    name: &'static str,
    resource: &'static str,
    topics: Topics,
    not_found: &'static str,
    title: &'static str,
    template: &'static str,
    sign: i64,
    is_booked: bool,
    is_owed: bool,
    numbered_on: NumberedOn,
    path: &'static str,
}

const ROWS: [Row; 4] = [
    Row {
        kind: Kind::Invoice,
        name: "invoice",
        resource: "invoice",
        topics: topics!("invoice"),
        not_found: "INVOICE_NOT_FOUND",
        title: "invoice",
        template: "invoice-template",
        sign: 1,
        is_booked: true,
        is_owed: true,
        numbered_on: NumberedOn::Sending,
        path: "invoices",
    },
    Row {
        kind: Kind::CreditNote,
        name: "creditNote",
        resource: "credit_note",
        topics: topics!("credit_note"),
        not_found: "CREDIT_NOTE_NOT_FOUND",
        title: "credit note",
        template: "credit-note-template",
        sign: -1,
        is_booked: true,
        is_owed: false,
        numbered_on: NumberedOn::Creation,
        path: "credit-notes",
    },
    Row {
        kind: Kind::Quote,
        name: "quote",
        resource: "quote",
        topics: topics!("quote"),
        not_found: "QUOTE_NOT_FOUND",
        title: "quote",
        template: "quote-template",
        sign: 1,
        is_booked: false,
        is_owed: false,
        numbered_on: NumberedOn::Sending,
        path: "quotes",
    },
    Row {
        kind: Kind::OrderConfirmation,
        name: "orderConfirmation",
        resource: "order_confirmation",
        topics: topics!("order_confirmation"),
        not_found: "ORDER_CONFIRMATION_NOT_FOUND",
        title: "order confirmation",
        template: "order-confirmation-template",
        sign: 1,
        is_booked: false,
        is_owed: false,
        numbered_on: NumberedOn::Sending,
        path: "order-confirmations",
    },
];

impl Kind {
    /// All four.
    pub const ALL: [Kind; 4] = [Kind::Invoice, Kind::CreditNote, Kind::Quote, Kind::OrderConfirmation];

    fn row(self) -> &'static Row {
        ROWS.iter().find(|row| row.kind == self).expect("every kind has its row")
    }

    /// The name in stored rows and papers: `invoice`, `creditNote`, …
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The resource's name in events: `credit_note`, …
    pub fn resource(self) -> &'static str {
        self.row().resource
    }

    /// The events that tell what happens to it.
    pub fn topics(self) -> Topics {
        self.row().topics
    }

    /// The code of its 404.
    pub fn not_found(self) -> &'static str {
        self.row().not_found
    }

    /// The words for people: `credit note`.
    pub fn title(self) -> &'static str {
        self.row().title
    }

    /// The document type of its templates: `credit-note-template`.
    pub fn template_type(self) -> &'static str {
        self.row().template
    }

    /// Its segment in the API's paths.
    pub fn path(self) -> &'static str {
        self.row().path
    }

    /// 1, or −1 for a credit note: applied to the amount once, where quantity meets unit price.
    pub fn sign(self) -> i64 {
        self.row().sign
    }

    /// Whether sending it posts to the books.
    pub fn is_booked(self) -> bool {
        self.row().is_booked
    }

    /// Whether it asks for money: it has payment terms and a day to pay on.
    pub fn is_owed(self) -> bool {
        self.row().is_owed
    }

    /// When it takes its number.
    pub fn numbered_on(self) -> NumberedOn {
        self.row().numbered_on
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = String;
    fn from_str(text: &str) -> Result<Kind, String> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| format!("no document kind {text}"))
    }
}

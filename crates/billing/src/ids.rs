//! Ids: a newtype over UUID v7 for each noun, so that one is never taken for
//! another. Parsed at the door, printed at the shelf.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What all ids share: they are a UUID and nothing else.
pub trait Id: Copy + From<Uuid> + Into<Uuid> + fmt::Display + Send + Sync + 'static {}

/// What a path names: one id, or the id of a thing and that of one below it.
pub trait Key: Copy + Send + 'static {
    /// The ids of a path, in their order; none when there are not as many.
    fn of(ids: &[Uuid]) -> Option<Self>;
}

impl<A: Id, B: Id> Key for (A, B) {
    fn of(ids: &[Uuid]) -> Option<(A, B)> {
        let [a, b] = ids else { return None };
        Some((A::from(*a), B::from(*b)))
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl Id for $name {}

        impl Key for $name {
            fn of(ids: &[Uuid]) -> Option<$name> {
                let [id] = ids else { return None };
                Some($name(*id))
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> $name {
                $name(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Uuid {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<$name, uuid::Error> {
                text.parse().map($name)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                schemars::json_schema!({"type": "string", "format": "uuid"})
            }
        }
    )*};
}

ids! {
    /// A company: the tenant.
    CompanyId
    /// An API key.
    KeyId
    /// An account of the ledger.
    AccountId
    /// A VAT code.
    VatCodeId
    /// A rate of the One-Stop-Shop.
    OssRateId
    /// A series that numbers documents of one kind.
    SeriesId
    /// A customer group.
    CustomerGroupId
    /// A customer.
    CustomerId
    /// A person at a customer.
    ContactId
    /// A department of a customer.
    DepartmentId
    /// A product group.
    ProductGroupId
    /// A product.
    ProductId
    /// A price of a product.
    PriceId
    /// A document template.
    TemplateId
    /// An invoice, credit note, quote or order confirmation.
    DocumentId
    /// A line of a document.
    LineId
    /// A journal entry.
    EntryId
    /// An open item of a customer.
    OpenItemId
    /// An amount of one open item set off against another.
    AllocationId
    /// A payment on an invoice.
    PaymentId
    /// A credit paid out.
    RefundId
    /// An amount of an invoice given up.
    WriteOffId
    /// A reminder of an invoice.
    ReminderId
    /// A sending of a document.
    DeliveryId
    /// One try at a delivery.
    AttemptId
    /// An event of the log.
    EventId
    /// A job of the outbox.
    JobId
    /// A stored exchange rate.
    ExchangeRateId
    /// A value of a dimension, tagged on lines and postings.
    TagId
    /// A journal category.
    JournalCategoryId
    /// A webhook endpoint.
    EndpointId
    /// An event on its way to a webhook endpoint.
    WebhookDeliveryId
}

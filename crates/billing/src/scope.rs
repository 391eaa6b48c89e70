//! Scopes: what a key may do.

use std::fmt;
use std::str::FromStr;

macro_rules! scopes {
    ($($name:ident $text:literal)*) => {
        /// One permission of a key. Read scopes cover list, get and PDF; write scopes create, update, send.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum Scope {
            $(#[doc = $text] $name,)*
        }

        impl Scope {
            /// Every scope, in the published order.
            pub const ALL: &[Scope] = &[$(Scope::$name),*];

            /// The published name.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Scope::$name => $text,)*
                }
            }
        }

        impl FromStr for Scope {
            type Err = UnknownScope;
            fn from_str(text: &str) -> Result<Scope, UnknownScope> {
                match text {
                    $($text => Ok(Scope::$name),)*
                    _ => Err(UnknownScope(text.to_owned())),
                }
            }
        }
    };
}

/// A text that names no scope.
#[derive(Debug, thiserror::Error)]
#[error("there is no scope named {0}")]
pub struct UnknownScope(pub String);

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

scopes! {
    AccountsRead "accounts-read"
    CompanyRead "company-read"
    CustomersRead "customers-read"
    CustomersWrite "customers-write"
    VendorsRead "vendors-read"
    VendorsWrite "vendors-write"
    VatCodesRead "vat-codes-read"
    JournalCategoriesRead "journal-categories-read"
    JournalEntriesRead "journal-entries-read"
    JournalEntriesWrite "journal-entries-write"
    DimensionsRead "dimensions-read"
    DimensionsWrite "dimensions-write"
    ProjectsRead "projects-read"
    ProjectsWrite "projects-write"
    ProductsRead "products-read"
    ProductsWrite "products-write"
    InvoicesRead "invoices-read"
    InvoicesWrite "invoices-write"
    QuotesRead "quotes-read"
    QuotesWrite "quotes-write"
    OrderConfirmationsRead "order-confirmations-read"
    OrderConfirmationsWrite "order-confirmations-write"
    DocumentTemplatesRead "document-templates-read"
    SubscriptionsRead "subscriptions-read"
    SubscriptionsWrite "subscriptions-write"
    MeterReport "meter-report"
    PaymentMethodsRead "payment-methods-read"
    PaymentMethodsWrite "payment-methods-write"
    WebhookEndpointsRead "webhook-endpoints-read"
    WebhookEndpointsWrite "webhook-endpoints-write"
    PortalProvision "portal-provision"
    PortalSsoMint "portal-sso-mint"
    PortalCatalogRead "portal-catalog-read"
    CompanyWrite "company-write"
    AccountsWrite "accounts-write"
    DocumentTemplatesWrite "document-templates-write"
    AuditRead "audit-read"
    EventsRead "events-read"
    ReportsRead "reports-read"
}

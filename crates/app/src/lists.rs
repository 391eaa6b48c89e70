//! Lists of documents: by page with a count, or by cursor without one.

use billing::document::Document;
use billing::ids::CustomerId;
use billing::input::document_lists::{CreditNoteQuery, InvoiceQuery, OrderConfirmationQuery, QuoteQuery, Settlement};
use billing::input::documents::SortOrder;
use billing::input::{Amount, Metadata};
use billing::kind::Kind;
use billing::money::Currency;
use billing::page::{Begin, Page, Part};
use billing::public::{Around, Detail};
use billing::refusal::Faults;
use billing::status::{CreditNoteStatus, InvoiceStatus, OrderConfirmationDisplayStatus, QuoteDisplayStatus};
use jiff::civil::Date;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use store::document_lists as shelf;
use store::vat_groups;

use crate::documents::around_each;
use crate::{Error, View};

/// What a list of documents is asked for.
pub struct Filter {
    pub(crate) kind: Kind,
    pub(crate) page: Option<u32>,
    pub(crate) limit: Option<u32>,
    pub(crate) cursor: Option<String>,
    pub(crate) sort_by: shelf::Order,
    pub(crate) sort_order: SortOrder,
    pub(crate) search: Option<String>,
    pub(crate) statuses: Vec<&'static str>,
    pub(crate) customer_id: Option<CustomerId>,
    pub(crate) currency: Option<String>,
    pub(crate) from_date: Option<Date>,
    pub(crate) to_date: Option<Date>,
    pub(crate) amounts: (Option<Amount>, Option<Amount>),
    pub(crate) invoice_number: Option<String>,
    pub(crate) settlement: Option<Settlement>,
    pub(crate) overdue: Option<bool>,
    pub(crate) voided: Option<bool>,
    pub(crate) reference: Option<String>,
    pub(crate) metadata: Metadata,
}

/// Reads the query of a kind: what is the kind's own stands beside it.
macro_rules! filters {
    ($($query:ident of $kind:expr, $status:ident { $($own:ident: $value:expr,)* })*) => {$(
        impl From<$query> for Filter {
            fn from(query: $query) -> Filter {
                let $query {
                    page,
                    limit,
                    cursor,
                    sort_by,
                    sort_order,
                    search,
                    status,
                    customer_id,
                    currency,
                    from_date,
                    to_date,
                    min_amount,
                    max_amount,
                    $($own,)*
                    reference,
                    metadata,
                } = query;
                let filter = Filter {
                    kind: $kind,
                    page,
                    limit,
                    cursor,
                    sort_by: sort_by.unwrap_or_default().into(),
                    sort_order: sort_order.unwrap_or_default(),
                    search: search.map(|text| text.0),
                    statuses: status.unwrap_or_default().into_iter().map($status::as_str).collect(),
                    customer_id,
                    currency: currency.map(|code| code.0),
                    from_date: from_date.map(|day| day.0),
                    to_date: to_date.map(|day| day.0),
                    amounts: (min_amount, max_amount),
                    invoice_number: None,
                    settlement: None,
                    overdue: None,
                    voided: None,
                    reference: reference.map(|text| text.0),
                    metadata: metadata.unwrap_or_default(),
                };
                Filter { $($own: $value,)* ..filter }
            }
        }
    )*};
}

filters! {
    InvoiceQuery of Kind::Invoice, InvoiceStatus {
        invoice_number: invoice_number.map(|text| text.0),
        settlement: settlement,
        overdue: overdue,
    }
    CreditNoteQuery of Kind::CreditNote, CreditNoteStatus {
        invoice_number: invoice_number.map(|text| text.0),
        voided: voided,
    }
    QuoteQuery of Kind::Quote, QuoteDisplayStatus {}
    OrderConfirmationQuery of Kind::OrderConfirmation, OrderConfirmationDisplayStatus {}
}

type Bounds = (Option<i64>, Option<i64>);

/// Amounts only compare within one currency: that asked for, else the company's.
fn amounts(view: &View<'_>, filter: &Filter) -> (Option<String>, Bounds) {
    let (least, most) = filter.amounts;
    if least.is_none() && most.is_none() {
        return (filter.currency.clone(), (None, None));
    }
    let currency = filter.currency.as_deref().and_then(Currency::parse).unwrap_or(view.company.currency);
    let minor = |amount: Amount| amount.0 * Decimal::from(10_i64.pow(currency.exponent()));
    // Beyond what 64 bits hold no document is either.
    let whole = |amount: Decimal| amount.to_i64().unwrap_or(i64::MAX);
    let bounds = (least.map(|amount| whole(minor(amount).ceil())), most.map(|amount| whole(minor(amount).floor())));
    (Some(currency.code().to_owned()), bounds)
}

type Publish<T> = fn(&Document, Around, Detail) -> T;

/// One page of documents, published without their lines.
pub(crate) fn list<T>(view: &mut View<'_>, filter: Filter, publish: Publish<T>) -> Result<Page<T>, Error> {
    let part = Part::<shelf::Place>::asked(filter.page, filter.limit, filter.cursor.as_deref())?;
    let sort = filter.sort_by;
    let (currency, amounts) = amounts(view, &filter);
    let asked = shelf::Asked {
        company_id: view.company.id,
        kind: filter.kind,
        today: view.today,
        search: filter.search.map(|text| text.to_lowercase()),
        statuses: filter.statuses,
        customer_id: filter.customer_id,
        currency,
        from_date: filter.from_date,
        to_date: filter.to_date,
        amounts,
        invoice_number: filter.invoice_number,
        settlement: filter.settlement,
        overdue: filter.overdue.map(|is| (is, view.today)),
        voided: filter.voided,
        reference: filter.reference,
        metadata: filter.metadata.0,
        sort_by: sort,
        sort_order: filter.sort_order,
    };
    let after = match &part.begin {
        Begin::After(place) if !place.fits(sort) => {
            let mut faults = Faults::default();
            faults.add("cursor", "isCursor", "cursor must be the nextCursor of a list sorted the same way");
            return Err(faults.into());
        }
        Begin::After(place) => Some(place),
        Begin::Page(_) | Begin::First => None,
    };
    let found = shelf::list(view.tx, &asked, after, part.offset(), part.fetch())?;
    let total = match part.begin {
        Begin::Page(_) => Some(shelf::count(view.tx, &asked)?),
        Begin::First | Begin::After(_) => None,
    };
    let page = part.page(found, total, |document| shelf::Place::of(document, sort));
    let Page { mut data, total, page, limit, total_pages, next_cursor } = page;
    vat_groups::fill(view.tx, view.company.id, &mut data)?;
    let around = around_each(view.tx, &view.company, view.today, &data)?;
    let published = data.iter().zip(around).map(|(document, around)| publish(document, around, Detail::WithoutLines));
    Ok(Page { data: published.collect(), total, page, limit, total_pages, next_cursor })
}

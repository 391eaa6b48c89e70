//! Lists of documents: filtered, sorted, by page or after a place.

use std::collections::BTreeMap;

use billing::document::Document;
use billing::ids::{CompanyId, CustomerId};
use billing::input::document_lists::{DocumentSort, OrderConfirmationSort, QuoteSort, Settlement};
use billing::input::documents::SortOrder;
use billing::kind::Kind;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::db::{Error, Select, Tx, Value, params};
use crate::documents::{columns, read};

/// What a list can be sorted by, of whatever kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// The date.
    Date,
    /// The number's year and count.
    Number,
    /// The amount incl. VAT.
    Amount,
    /// The status as it is kept.
    Status,
    /// The last day of an offer.
    ValidUntil,
    /// When it was made.
    #[default]
    CreatedAt,
}

impl From<DocumentSort> for Order {
    fn from(sort: DocumentSort) -> Order {
        match sort {
            DocumentSort::Date => Order::Date,
            DocumentSort::Number => Order::Number,
            DocumentSort::Amount => Order::Amount,
            DocumentSort::CreatedAt => Order::CreatedAt,
        }
    }
}

impl From<QuoteSort> for Order {
    fn from(sort: QuoteSort) -> Order {
        match sort {
            QuoteSort::Date => Order::Date,
            QuoteSort::DocumentNumber => Order::Number,
            QuoteSort::Amount => Order::Amount,
            QuoteSort::Status => Order::Status,
            QuoteSort::ValidUntil => Order::ValidUntil,
            QuoteSort::CreatedAt => Order::CreatedAt,
        }
    }
}

impl From<OrderConfirmationSort> for Order {
    fn from(sort: OrderConfirmationSort) -> Order {
        match sort {
            OrderConfirmationSort::Date => Order::Date,
            OrderConfirmationSort::DocumentNumber => Order::Number,
            OrderConfirmationSort::Amount => Order::Amount,
            OrderConfirmationSort::Status => Order::Status,
            OrderConfirmationSort::CreatedAt => Order::CreatedAt,
        }
    }
}

/// What a list is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Whose.
    pub company_id: CompanyId,
    /// Of what kind.
    pub kind: Kind,
    /// Found in the search text; folded already.
    pub search: Option<String>,
    /// The company's day: an offer holds until one.
    pub today: Date,
    /// With one of these statuses, as they are shown.
    pub statuses: Vec<&'static str>,
    /// Of this customer.
    pub customer_id: Option<CustomerId>,
    /// In this currency.
    pub currency: Option<String>,
    /// From this date.
    pub from_date: Option<Date>,
    /// Until this date.
    pub to_date: Option<Date>,
    /// Of at least and at most so many minor units, whatever the sign.
    pub amounts: (Option<i64>, Option<i64>),
    /// An invoice of this number, a credit note that credits it.
    pub invoice_number: Option<String>,
    /// So far settled.
    pub settlement: Option<Settlement>,
    /// Overdue on a day, or not.
    pub overdue: Option<(bool, Date)>,
    /// Voided or not.
    pub voided: Option<bool>,
    /// With this reference.
    pub reference: Option<String>,
    /// With all these pairs.
    pub metadata: BTreeMap<String, String>,
    /// Sorted by this.
    pub sort_by: Order,
    /// In this direction.
    pub sort_order: SortOrder,
}

/// A place in a list: the sort values of the document it follows, and its id.
/// A document without a number stands at year and count −1.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Place {
    /// By a text: a day, an instant or a status.
    Text(String, String),
    /// By an amount.
    Amount(i64, String),
    /// By year and count of its number.
    Number(i64, i64, String),
}

impl Place {
    /// The place of a document in a list sorted so.
    pub fn of(document: &Document, by: Order) -> Place {
        let id = document.id.to_string();
        match by {
            Order::Date => Place::Text(document.date.to_string(), id),
            Order::CreatedAt => Place::Text(billing::json::instant_text(document.created_at), id),
            Order::Status => Place::Text(document.status().to_owned(), id),
            Order::ValidUntil => {
                let last = document.head.valid_until.map(|day| day.to_string());
                Place::Text(last.unwrap_or_default(), id)
            }
            Order::Amount => Place::Amount(document.amount.minor(), id),
            Order::Number => {
                let number = document.number.as_ref();
                Place::Number(number.map_or(-1, |n| n.year), number.map_or(-1, |n| n.sequence), id)
            }
        }
    }

    /// Whether a list sorted so can be continued here.
    pub fn fits(&self, by: Order) -> bool {
        match self {
            Place::Text(..) => {
                matches!(by, Order::Date | Order::CreatedAt | Order::Status | Order::ValidUntil)
            }
            Place::Amount(..) => by == Order::Amount,
            Place::Number(..) => by == Order::Number,
        }
    }
}

const LIST: &str = columns!("select", "from documents where company_id = ? and kind = ?");
const COUNT: &str = "select count(*) from documents where company_id = ? and kind = ?";

fn filtered(select: Select, asked: &Asked) -> Select {
    let like = asked.search.as_ref().map(|text| {
        let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        format!("%{escaped}%")
    });
    let mut select = select
        .and_if("and search_text like ? escape '\\'", like)
        .and_if("and customer_id = ?", asked.customer_id)
        .and_if("and currency = ?", asked.currency.clone())
        .and_if("and date >= ?", asked.from_date)
        .and_if("and date <= ?", asked.to_date)
        .and_if("and abs(amount) >= ?", asked.amounts.0)
        .and_if("and abs(amount) <= ?", asked.amounts.1)
        .and_if("and reference = ?", asked.reference.clone());
    if !asked.statuses.is_empty() {
        select = match asked.kind {
            Kind::Invoice | Kind::CreditNote => select.and("and status in", &[]),
            // As `Facts::display_status` has it.
            Kind::Quote | Kind::OrderConfirmation => select.and(
                "and case when converted_to_id is not null then 'converted' \
                    when status = 'sent' and valid_until < ? then 'expired' else status end in",
                params![asked.today],
            ),
        };
        select = select.and_any("", asked.statuses.clone());
    }
    if let Some(number) = &asked.invoice_number {
        let fragment = match asked.kind {
            Kind::CreditNote => {
                "and id in (select c.credit_note_id from credits c join documents i on i.company_id = c.company_id \
                    and i.id = c.invoice_id where c.company_id = ? and i.number = ?)"
            }
            _ => "and company_id = ? and number = ?",
        };
        select = select.and(fragment, params![asked.company_id, number]);
    }
    if let Some(settlement) = asked.settlement {
        select = select.and(settled(settlement), &[]);
    }
    if let Some((is_overdue, today)) = asked.overdue {
        let fragment = if is_overdue {
            "and booked_at is not null and due_date < ? \
                and abs(amount) > paid_amount + allocated_amount + written_off_amount"
        } else {
            "and (booked_at is null or due_date is null or due_date >= ? \
                or abs(amount) <= paid_amount + allocated_amount + written_off_amount)"
        };
        select = select.and(fragment, params![today]);
    }
    match asked.voided {
        Some(true) => select = select.and("and voided_at is not null", &[]),
        Some(false) => select = select.and("and voided_at is null", &[]),
        None => {}
    }
    for (key, value) in &asked.metadata {
        select = select.and(
            "and id in (select resource_id from metadata where company_id = ? and resource_type = 'document' \
                and key = ? and value = ?)",
            params![asked.company_id, key, value],
        );
    }
    select
}

/// What is published as `settlement`, as a condition.
fn settled(settlement: Settlement) -> &'static str {
    match settlement {
        Settlement::Settled => {
            "and booked_at is not null and abs(amount) = paid_amount + allocated_amount + written_off_amount"
        }
        Settlement::PartiallySettled => {
            "and booked_at is not null and abs(amount) <> paid_amount + allocated_amount + written_off_amount \
                and paid_amount + allocated_amount + written_off_amount <> 0"
        }
        Settlement::Open => {
            "and (booked_at is null or (amount <> 0 and paid_amount + allocated_amount + written_off_amount = 0))"
        }
    }
}

fn sorted(select: Select, asked: &Asked, after: Option<&Place>) -> Select {
    let (by, descending) = (asked.sort_by, asked.sort_order == SortOrder::Desc);
    let select = match after {
        None => select,
        Some(Place::Text(key, id)) => {
            let fragment = match (by, descending) {
                (Order::Date, true) => "and (date, id) < (?, ?)",
                (Order::Date, false) => "and (date, id) > (?, ?)",
                (Order::Status, true) => "and (status, id) < (?, ?)",
                (Order::Status, false) => "and (status, id) > (?, ?)",
                (Order::ValidUntil, true) => "and (coalesce(valid_until, ''), id) < (?, ?)",
                (Order::ValidUntil, false) => "and (coalesce(valid_until, ''), id) > (?, ?)",
                (_, true) => "and (created_at, id) < (?, ?)",
                (_, false) => "and (created_at, id) > (?, ?)",
            };
            select.and(fragment, params![key, id])
        }
        Some(Place::Amount(amount, id)) => {
            let fragment = if descending { "and (amount, id) < (?, ?)" } else { "and (amount, id) > (?, ?)" };
            select.and(fragment, params![*amount, id])
        }
        Some(Place::Number(year, sequence, id)) => {
            let fragment = if descending {
                "and (coalesce(series_year, -1), coalesce(number_seq, -1), id) < (?, ?, ?)"
            } else {
                "and (coalesce(series_year, -1), coalesce(number_seq, -1), id) > (?, ?, ?)"
            };
            select.and(fragment, params![*year, *sequence, id])
        }
    };
    let order = match (by, descending) {
        (Order::Date, true) => "order by date desc, id desc",
        (Order::Date, false) => "order by date, id",
        (Order::Status, true) => "order by status desc, id desc",
        (Order::Status, false) => "order by status, id",
        (Order::ValidUntil, true) => "order by coalesce(valid_until, '') desc, id desc",
        (Order::ValidUntil, false) => "order by coalesce(valid_until, ''), id",
        (Order::CreatedAt, true) => "order by created_at desc, id desc",
        (Order::CreatedAt, false) => "order by created_at, id",
        (Order::Amount, true) => "order by amount desc, id desc",
        (Order::Amount, false) => "order by amount, id",
        (Order::Number, true) => "order by coalesce(series_year, -1) desc, coalesce(number_seq, -1) desc, id desc",
        (Order::Number, false) => "order by coalesce(series_year, -1), coalesce(number_seq, -1), id",
    };
    select.and(order, &[])
}

/// The statement of a list, for the test that prepares it.
pub fn select(asked: &Asked, after: Option<&Place>, skip: u64, limit: u64) -> Select {
    let begun = Select::new(LIST, params![asked.company_id, asked.kind.as_str()]);
    let bounds =
        [Value::Int(i64::try_from(limit).unwrap_or(i64::MAX)), Value::Int(i64::try_from(skip).unwrap_or(i64::MAX))];
    sorted(filtered(begun, asked), asked, after).and("limit ? offset ?", &bounds)
}

/// Documents without their lines and VAT groups.
///
/// # Errors
/// What the shelves answer.
pub fn list(
    tx: &mut dyn Tx,
    asked: &Asked,
    after: Option<&Place>,
    skip: u64,
    limit: u64,
) -> Result<Vec<Document>, Error> {
    select(asked, after, skip, limit).all(tx)?.iter_mut().map(read).collect()
}

/// How many documents a list holds.
///
/// # Errors
/// What the shelves answer.
pub fn count(tx: &mut dyn Tx, asked: &Asked) -> Result<u64, Error> {
    let counted = filtered(Select::new(COUNT, params![asked.company_id, asked.kind.as_str()]), asked);
    counted.one(tx)?.ok_or(Error::NotFound)?.next()
}

//! Exchange rates by currency and day.

use billing::exchange_rates::ExchangeRate;
use billing::ids::CompanyId;
use billing::money::Currency;
use billing::page::{Begin, Part};
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::db::{Error, Row, Select, Tx, params, statements};

statements! {
    LATEST = "select rate from exchange_rates where company_id = $1 and currency = $2 and date <= $3 \
        order by date desc limit 1";
    ON = "select id, currency, date, rate, source, created_at from exchange_rates \
        where company_id = $1 and currency = $2 and date = $3";
    QUOTED = "select distinct currency from exchange_rates where company_id = $1 and date <= $2 order by currency";
    CLEAR = "delete from exchange_rates where company_id = $1";
    SET = "insert into exchange_rates (company_id, id, currency, date, rate, source, created_at) \
        values ($1, $2, $3, $4, $5, $6, $7) \
        on conflict (company_id, currency, date) do update set rate = excluded.rate, source = excluded.source";
}

/// Sort values of a rate: its day and its currency.
pub type RateKey = (String, String);

/// Which rates a list holds.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only of this currency.
    pub currency: Option<String>,
    /// From this day on.
    pub from_date: Option<Date>,
    /// Until this day.
    pub to_date: Option<Date>,
}

/// The latest rate of a currency on a day or before it: base currency per 1 unit.
///
/// # Errors
/// What the shelves answer.
pub fn latest(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    currency: Currency,
    on_or_before: Date,
) -> Result<Option<Decimal>, Error> {
    let row = tx.one(LATEST, params![company_id, currency.code(), on_or_before])?;
    row.map(|mut row| row.next()).transpose()
}

/// The rate stored for a currency and a day.
///
/// # Errors
/// What the shelves answer.
pub fn on(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    currency: Currency,
    date: Date,
) -> Result<Option<ExchangeRate>, Error> {
    tx.one(ON, params![company_id, currency.code(), date])?.map(read).transpose()
}

/// The currencies that have a rate on a day.
///
/// # Errors
/// What the shelves answer.
pub fn quoted(tx: &mut dyn Tx, company_id: CompanyId, on_or_before: Date) -> Result<Vec<Currency>, Error> {
    tx.all(QUOTED, params![company_id, on_or_before])?.into_iter().map(|mut row| row.parse()).collect()
}

/// Shelves a rate, over the one of its day if there is one.
///
/// # Errors
/// What the shelves answer.
pub fn set(tx: &mut dyn Tx, company_id: CompanyId, rate: &ExchangeRate) -> Result<(), Error> {
    let ExchangeRate { id, currency, date, rate, source, created_at } = rate;
    tx.exec(SET, params![company_id, *id, currency.code(), *date, *rate, source.as_str(), *created_at])
}

/// Takes all rates away: they quote against a currency that is the company's no more.
///
/// # Errors
/// What the shelves answer.
pub fn clear(tx: &mut dyn Tx, company_id: CompanyId) -> Result<(), Error> {
    tx.exec(CLEAR, params![company_id])
}

/// The statement of a list.
pub fn select(company_id: CompanyId, filter: &Filter, part: &Part<RateKey>) -> Select {
    let columns = "select id, currency, date, rate, source, created_at from exchange_rates where company_id = ?";
    let mut select = filtered(Select::new(columns, params![company_id]), filter);
    if let Begin::After((date, currency)) = &part.begin {
        let after = "and (date < ? or date = ? and currency > ?)";
        select = select.and(after, params![date.as_str(), date.as_str(), currency.as_str()]);
    }
    let (fetch, offset) = (part.fetch().cast_signed(), part.offset().cast_signed());
    select.and("order by date desc, currency limit ? offset ?", params![fetch, offset])
}

/// The statement that counts a list.
pub fn select_count(company_id: CompanyId, filter: &Filter) -> Select {
    filtered(Select::new("select count(*) from exchange_rates where company_id = ?", params![company_id]), filter)
}

fn filtered(select: Select, filter: &Filter) -> Select {
    let Filter { currency, from_date, to_date } = filter;
    select
        .and_if("and currency = ?", currency.as_deref())
        .and_if("and date >= ?", *from_date)
        .and_if("and date <= ?", *to_date)
}

/// A part of the list, latest day first, and one more rate where the list goes
/// on; with how many it holds in all, where it is counted.
///
/// # Errors
/// What the shelves answer.
pub fn list(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    filter: &Filter,
    part: &Part<RateKey>,
) -> Result<(Vec<ExchangeRate>, Option<u64>), Error> {
    let total = match part.begin {
        Begin::Page(_) => match select_count(company_id, filter).one(tx)? {
            Some(mut row) => Some(row.next()?),
            None => Some(0),
        },
        Begin::First | Begin::After(_) => None,
    };
    let rows = select(company_id, filter, part).all(tx)?;
    let rates: Result<Vec<ExchangeRate>, Error> = rows.into_iter().map(read).collect();
    Ok((rates?, total))
}

fn read(mut row: Row) -> Result<ExchangeRate, Error> {
    Ok(ExchangeRate {
        id: row.id()?,
        currency: row.parse()?,
        date: row.next()?,
        rate: row.next()?,
        source: row.parse()?,
        created_at: row.next()?,
    })
}

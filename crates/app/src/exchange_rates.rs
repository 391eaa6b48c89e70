//! Exchange rates by currency and day.

use billing::company::currency_of;
use billing::exchange_rates::{ExchangeRate, RateSource};
use billing::input::company::{ExchangeRateInput, ExchangeRateQuery};
use billing::money::Currency;
use billing::page::{Page, Part};
use billing::refusal::Refusal;
use serde_json::json as object;
use store::exchange_rates::{self as shelf, Filter, RateKey};

use crate::work::json;
use crate::{Error, View, Work};

/// Rates, latest day first.
///
/// # Errors
/// A cursor that is none of this list's.
pub fn list(view: &mut View<'_>, query: ExchangeRateQuery) -> Result<Page<ExchangeRate>, Error> {
    let ExchangeRateQuery { page, limit, cursor, currency, from_date, to_date } = query;
    let part: Part<RateKey> = Part::asked(page, limit, cursor.as_deref())?;
    let filter = Filter {
        currency: currency.map(|code| code.0),
        from_date: from_date.map(|day| day.0),
        to_date: to_date.map(|day| day.0),
    };
    let (rates, total) = shelf::list(view.tx, view.company.id, &filter, &part)?;
    Ok(part.page(rates, total, |rate| (rate.date.to_string(), rate.currency.code())))
}

/// Stores the rate of a currency on a day, over the one stored before. Booked documents keep theirs.
///
/// # Errors
/// `CURRENCY_IS_BASE`: the company's own currency has no rate.
pub fn put(work: &mut Work<'_>, input: ExchangeRateInput) -> Result<ExchangeRate, Error> {
    let ExchangeRateInput { currency, date, rate, source } = input;
    let currency = currency_of(&currency, "currency")?;
    check_is_foreign(currency, work.company.currency)?;
    let before = shelf::on(work.tx, work.company.id, currency, date.0)?;
    let after = ExchangeRate {
        id: before.as_ref().map_or_else(|| work.new_id(), |before| before.id),
        currency,
        date: date.0,
        rate: rate.0,
        source: source.unwrap_or(RateSource::Manual),
        created_at: before.as_ref().map_or(work.now, |before| before.created_at),
    };
    if before.as_ref() == Some(&after) {
        work.nothing_happened();
        return Ok(after);
    }
    shelf::set(work.tx, work.company.id, &after)?;
    let kind = if before.is_some() { "exchange_rate.updated" } else { "exchange_rate.created" };
    work.event(kind, "exchange_rate", after.id, &after, before.map(|before| json(&before)));
    Ok(after)
}

fn check_is_foreign(currency: Currency, base: Currency) -> Result<(), Refusal> {
    if currency != base {
        return Ok(());
    }
    let message = format!("{base} is the currency of the company's books; it has no rate.");
    Err(Refusal::new("CURRENCY_IS_BASE", message).with(object!({ "property": "currency" })))
}

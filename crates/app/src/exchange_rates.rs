//! Exchange rates by currency and day.

use std::collections::BTreeMap;

use billing::company::currency_of;
use billing::exchange_rates::{EcbDay, ExchangeRate, RateSource};
use billing::ids::{CompanyId, ExchangeRateId};
use billing::input::company::{ExchangeRateInput, ExchangeRateQuery};
use billing::json::decimal_text;
use billing::money::Currency;
use billing::page::{Page, Part};
use billing::refusal::Refusal;
use serde::Serialize;
use serde_json::json as object;
use store::exchange_rates::{self as shelf, Filter, RateKey};

use crate::work::json;
use crate::{Actor, App, Caller, Error, View, Work};

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

/// What came of an import of rates.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// How many rates were stored, or changed.
    pub stored: u64,
    /// How many were left as they are: the company's own, and those of the customs authority.
    pub kept: u64,
    /// How many days were left out, as the company's currency is not quoted on them.
    pub unquoted_days: u64,
}

/// What an event tells of a day of rates.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImportedDay {
    date: String,
    source: RateSource,
    rates: BTreeMap<&'static str, String>,
}

/// How many days are stored in one go, so that others take their turns between.
const DAYS: usize = 20;

/// Stores what the European Central Bank quotes, crossed into the company's currency; for the operator. A rate
/// that the company set itself, or took from the customs authority, stays.
///
/// # Errors
/// `COMPANY_NOT_FOUND`. Days before a fault are stored.
pub fn import(app: &App, company_id: CompanyId, days: &[EcbDay]) -> Result<Imported, Error> {
    let mut sum = Imported::default();
    for part in days.chunks(DAYS) {
        let part = part.to_vec();
        let by = Caller::inside(company_id, Actor::Operator);
        let Imported { stored, kept, unquoted_days } = app.write(by, move |work| import_days(work, &part)).wait()?;
        sum.stored += stored;
        sum.kept += kept;
        sum.unquoted_days += unquoted_days;
    }
    Ok(sum)
}

fn import_days(work: &mut Work<'_>, days: &[EcbDay]) -> Result<Imported, Error> {
    let company_id = work.company.id;
    let mut sum = Imported::default();
    for day in days {
        let Some(crossed) = day.crossed(work.company.currency) else {
            sum.unquoted_days += 1;
            continue;
        };
        let mut told = BTreeMap::new();
        for (currency, rate) in crossed {
            let before = shelf::on(work.tx, company_id, currency, day.date)?;
            match &before {
                Some(before) if before.source != RateSource::Ecb => sum.kept += 1,
                Some(before) if before.rate == rate => {}
                _ => {
                    let rate = ExchangeRate {
                        id: before.as_ref().map_or_else(|| work.new_id(), |before| before.id),
                        currency,
                        date: day.date,
                        rate,
                        source: RateSource::Ecb,
                        created_at: before.map_or(work.now, |before| before.created_at),
                    };
                    shelf::set(work.tx, company_id, &rate)?;
                    told.insert(currency.code(), decimal_text(rate.rate));
                }
            }
        }
        if !told.is_empty() {
            sum.stored += told.len() as u64;
            let id: ExchangeRateId = work.new_id();
            let told = ImportedDay { date: day.date.to_string(), source: RateSource::Ecb, rates: told };
            work.event("exchange_rates.imported", "exchange_rate", id, &told, None);
        }
    }
    if sum.stored == 0 {
        work.nothing_happened();
    }
    Ok(sum)
}

fn check_is_foreign(currency: Currency, base: Currency) -> Result<(), Refusal> {
    if currency != base {
        return Ok(());
    }
    let message = format!("{base} is the currency of the company's books; it has no rate.");
    Err(Refusal::new("CURRENCY_IS_BASE", message).with(object!({ "property": "currency" })))
}

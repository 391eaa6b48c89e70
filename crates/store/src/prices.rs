//! Prices of products.

use billing::catalogue::{Price, PricingModel, VatRatesByZone, available_currencies};
use billing::company::Company;
use billing::ids::{CompanyId, PriceId, ProductId};
use billing::money::Currency;
use billing::tiers::Tier;
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::db::{Error, Row, Tx, params, statements, yes_no};
use crate::pricing;

/// The rate of a zone's account on a day.
macro_rules! rate {
    ($account:literal, $day:literal) => {
        concat!(
            "(select x.rate from accounts a join vat_rates x on x.company_id = a.company_id ",
            "and x.vat_code_id = a.vat_code_id where a.company_id = g.company_id and a.id = g.",
            $account,
            " and x.valid_from <= ",
            $day,
            " order by x.valid_from desc limit 1)"
        )
    };
}

macro_rules! select {
    ($suffix:literal) => {
        concat!(
            "select p.id, p.product_id, p.billing_period_type, p.pricing_model, p.nickname, p.unit_amount, ",
            "p.billing_interval, p.billing_interval_count, p.currency, p.meter_id, p.status, p.is_default, ",
            "p.is_locked, p.created_at, p.updated_at, ",
            rate!("domestic_account_id", "$1"),
            ", ",
            rate!("eu_account_id", "$2"),
            ", ",
            rate!("abroad_account_id", "$3"),
            ", ",
            rate!("domestic_without_vat_account_id", "$4"),
            " from prices p join products r on r.company_id = p.company_id and r.id = p.product_id ",
            "join product_groups g on g.company_id = r.company_id and g.id = r.product_group_id ",
            "where p.company_id = $5 ",
            $suffix
        )
    };
}

statements! {
    GET = select!("and p.id = $6");
    OF_PRODUCT = select!("and p.product_id = $6 order by p.created_at, p.id");
    QUOTED = "select distinct currency from exchange_rates where company_id = $1 and date <= $2";
    INSERT = "insert into prices (company_id, id, product_id, billing_period_type, pricing_model, nickname, \
        unit_amount, billing_interval, billing_interval_count, currency, meter_id, status, is_default, is_locked, \
        created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    UPDATE = "update prices set billing_period_type = $1, pricing_model = $2, nickname = $3, unit_amount = $4, \
        billing_interval = $5, billing_interval_count = $6, currency = $7, meter_id = $8, status = $9, \
        is_default = $10, updated_at = $11 where company_id = $12 and id = $13";
    INSERT_TIER = "insert into price_tiers (company_id, price_id, position, up_to, unit_amount, flat_amount, \
        package_size) values ($1, $2, $3, $4, $5, $6, $7)";
    CLEAR_TIERS = "delete from price_tiers where company_id = $1 and price_id = $2 and not exists (select 1 from prices p \
        where p.company_id = price_tiers.company_id and p.id = price_tiers.price_id and p.is_locked = 'yes')";
    LOCK = "update prices set is_locked = 'yes' where company_id = $1 and id = $2 and is_locked = 'no'";
    DELETE = "delete from prices where company_id = $1 and id = $2 and is_locked = 'no'";
}

/// A price with the VAT rates and currencies of a day.
///
/// # Errors
/// What the shelves answer.
pub fn get(tx: &mut dyn Tx, company: &Company, today: Date, id: PriceId) -> Result<Option<Price>, Error> {
    let Some(row) = tx.one(GET, params![today, today, today, today, company.id, id])? else {
        return Ok(None);
    };
    let quoted = quoted(tx, company.id, today)?;
    let price = read(row, company, &quoted)?;
    with_tiers(tx, company.id, price).map(Some)
}

/// The prices of a product, oldest first, with the VAT rates and currencies of a day.
///
/// # Errors
/// What the shelves answer.
pub fn of_product(tx: &mut dyn Tx, company: &Company, today: Date, product: ProductId) -> Result<Vec<Price>, Error> {
    let rows = tx.all(OF_PRODUCT, params![today, today, today, today, company.id, product])?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let quoted = quoted(tx, company.id, today)?;
    let prices = rows.into_iter().map(|row| read(row, company, &quoted));
    prices.map(|price| with_tiers(tx, company.id, price?)).collect()
}

fn with_tiers(tx: &mut dyn Tx, company_id: CompanyId, mut price: Price) -> Result<Price, Error> {
    if price.pricing_model != PricingModel::FlatRate {
        price.tiers = pricing::tiers(tx, company_id, price.id)?;
    }
    Ok(price)
}

/// The currencies with an exchange rate on or before a day.
fn quoted(tx: &mut dyn Tx, company_id: CompanyId, today: Date) -> Result<Vec<Currency>, Error> {
    let rows = tx.all(QUOTED, params![company_id, today])?;
    let mut quoted = rows.into_iter().map(|mut row| row.parse()).collect::<Result<Vec<Currency>, Error>>()?;
    quoted.sort();
    Ok(quoted)
}

/// Shelves a new price.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, price: &Price) -> Result<(), Error> {
    tx.exec(
        INSERT,
        params![
            company_id,
            price.id,
            price.product_id,
            price.billing_period_type.as_str(),
            price.pricing_model.as_str(),
            price.nickname.as_deref(),
            price.unit_amount,
            price.billing_interval.map(|interval| interval.as_str()),
            price.billing_interval_count,
            price.currency.code(),
            price.meter_id.as_deref(),
            price.status.as_str(),
            yes_no(price.is_default),
            yes_no(price.is_locked),
            price.created_at,
            price.updated_at,
        ],
    )?;
    insert_tiers(tx, company_id, price)
}

fn insert_tiers(tx: &mut dyn Tx, company_id: CompanyId, price: &Price) -> Result<(), Error> {
    for (position, tier) in (0_i64..).zip(&price.tiers) {
        let Tier { up_to, unit_amount, flat_amount, package_size } = tier;
        let tier = params![company_id, price.id, position, *up_to, *unit_amount, *flat_amount, *package_size];
        tx.exec(INSERT_TIER, tier)?;
    }
    Ok(())
}

/// Writes a price anew, and its tiers unless it is locked; only [`lock`] locks it.
///
/// # Errors
/// What the shelves answer.
pub fn update(tx: &mut dyn Tx, company_id: CompanyId, price: &Price) -> Result<(), Error> {
    tx.exec(
        UPDATE,
        params![
            price.billing_period_type.as_str(),
            price.pricing_model.as_str(),
            price.nickname.as_deref(),
            price.unit_amount,
            price.billing_interval.map(|interval| interval.as_str()),
            price.billing_interval_count,
            price.currency.code(),
            price.meter_id.as_deref(),
            price.status.as_str(),
            yes_no(price.is_default),
            price.updated_at,
            company_id,
            price.id,
        ],
    )?;
    if price.is_locked {
        return Ok(());
    }
    tx.exec(CLEAR_TIERS, params![company_id, price.id])?;
    insert_tiers(tx, company_id, price)
}

/// Locks a price for good: a document line names it.
///
/// # Errors
/// What the shelves answer.
pub fn lock(tx: &mut dyn Tx, company_id: CompanyId, id: PriceId) -> Result<(), Error> {
    tx.exec(LOCK, params![company_id, id])
}

/// Deletes a price that is not locked.
///
/// # Errors
/// What the shelves answer.
pub fn delete(tx: &mut dyn Tx, company_id: CompanyId, id: PriceId) -> Result<(), Error> {
    tx.exec(CLEAR_TIERS, params![company_id, id])?;
    tx.exec(DELETE, params![company_id, id])
}

fn read(mut row: Row, company: &Company, quoted: &[Currency]) -> Result<Price, Error> {
    let (id, product_id) = (row.id()?, row.id()?);
    let (billing_period_type, pricing_model) = (row.parse()?, row.parse()?);
    let (nickname, unit_amount) = (row.next()?, row.next()?);
    let (billing_interval, billing_interval_count) = (row.opt_parse()?, row.next()?);
    let currency = row.parse()?;
    let (meter_id, status) = (row.next()?, row.parse()?);
    let (is_default, is_locked) = (row.next()?, row.next()?);
    let (created_at, updated_at) = (row.next()?, row.next()?);
    let mut rate = || Ok::<_, Error>(row.next::<Option<Decimal>>()?.unwrap_or_default());
    let vat_rates_by_zone =
        VatRatesByZone { domestic: rate()?, eu: rate()?, abroad: rate()?, domestic_without_vat: rate()? };
    Ok(Price {
        id,
        product_id,
        billing_period_type,
        pricing_model,
        nickname,
        unit_amount,
        billing_interval,
        billing_interval_count,
        currency,
        meter_id,
        tiers: Vec::new(),
        base_currency: company.currency,
        status,
        is_default,
        is_locked,
        vat_rates_by_zone: if company.is_vat_registered { vat_rates_by_zone } else { VatRatesByZone::default() },
        available_currencies: available_currencies(currency, company.currency, quoted),
        created_at,
        updated_at,
    })
}

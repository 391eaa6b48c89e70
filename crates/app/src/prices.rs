//! Prices: what a product is sold at, and how a price lives.

use billing::catalogue::{BillingPeriodType, Price, PriceStatus, PricingModel, VatRatesByZone, check_price};
use billing::company::{Company, currency_of};
use billing::ids::PriceId;
use billing::input::catalogue::{PriceInput, PricePatch, TierInput};
use billing::refusal::Refusal;
use billing::tiers::Tier;
use jiff::civil::Date;
use store::db::Tx;
use store::{prices, products};

use crate::work::json;
use crate::{Error, View, Work};

/// One price.
///
/// # Errors
/// `PRICE_NOT_FOUND`.
pub fn get(view: &mut View<'_>, id: PriceId) -> Result<Price, Error> {
    let today = view.today();
    find(view.tx, &view.company, today, id)
}

/// Makes a price, as a draft. The first of a product is its default.
///
/// # Errors
/// `PRODUCT_NOT_FOUND`, `METER_NOT_FOUND`; faults of fields that do not fit together.
pub fn create(work: &mut Work<'_>, input: PriceInput) -> Result<Price, Error> {
    let PriceInput {
        product_id,
        billing_period_type,
        pricing_model,
        nickname,
        unit_amount,
        billing_interval,
        billing_interval_count,
        currency,
        meter_id,
        tiers,
    } = input;
    let today = work.today();
    if products::get(work.tx, work.company.id, product_id)?.is_none() {
        let message = "There is no such product in this company.";
        return Err(Refusal::missing_at("PRODUCT_NOT_FOUND", message, "productId").into());
    }
    let others = prices::of_product(work.tx, &work.company, today, product_id)?;
    let is_once = billing_period_type == BillingPeriodType::OneTime;
    let price = Price {
        id: work.new_id(),
        product_id,
        billing_period_type,
        pricing_model,
        nickname: nickname.map(|text| text.0),
        unit_amount: unit_amount.map(|amount| amount.0),
        billing_interval,
        billing_interval_count: billing_interval_count.or((!is_once).then_some(1)),
        currency: currency.map_or(Ok(work.company.currency), |code| currency_of(&code, "currency"))?,
        meter_id: meter_id.map(|id| id.0),
        tiers: tiers.unwrap_or_default().into_iter().map(tier).collect(),
        base_currency: work.company.currency,
        status: PriceStatus::Draft,
        is_default: others.iter().all(|other| !other.is_default),
        is_locked: false,
        vat_rates_by_zone: VatRatesByZone::default(),
        available_currencies: Vec::new(),
        created_at: work.now,
        updated_at: work.now,
    };
    check(&price)?;
    prices::insert(work.tx, work.company.id, &price)?;
    let price = find(work.tx, &work.company, today, price.id)?;
    work.event("price.created", "price", price.id, &price, None);
    Ok(price)
}

/// Changes a price; a locked one takes a nickname only.
///
/// # Errors
/// `PRICE_NOT_FOUND`, `PRICE_LOCKED` and those of [`create`].
pub fn update(work: &mut Work<'_>, id: PriceId, patch: PricePatch) -> Result<Price, Error> {
    let before = find_for(work, id)?;
    if before.is_locked && !patch.is_nickname_only() {
        return Err(locked().into());
    }
    let PricePatch {
        billing_period_type,
        pricing_model,
        nickname,
        unit_amount,
        billing_interval,
        billing_interval_count,
        currency,
        meter_id,
        tiers,
    } = patch;
    let billing_period_type = billing_period_type.unwrap_or(before.billing_period_type);
    let is_once = billing_period_type == BillingPeriodType::OneTime;
    // What a price had of its former kind goes with it; what is said now is checked.
    let kept_interval = before.billing_interval.filter(|_| !is_once);
    let kept_count = before.billing_interval_count.filter(|_| !is_once);
    let kept_meter = before.meter_id.clone().filter(|_| billing_period_type == BillingPeriodType::Usage);
    let pricing_model = pricing_model.unwrap_or(before.pricing_model);
    let is_flat = pricing_model == PricingModel::FlatRate;
    let kept_amount = before.unit_amount.filter(|_| is_flat);
    let kept_tiers = before.tiers.clone().into_iter().filter(|_| !is_flat).collect();
    let tiers = tiers.map(|tiers| tiers.into_iter().map(tier).collect());
    let mut after = Price {
        billing_period_type,
        pricing_model,
        nickname: nickname.map(|text| text.0).over(before.nickname.clone()),
        unit_amount: unit_amount.map(|amount| amount.0).or(kept_amount),
        tiers: tiers.over(Some(kept_tiers)).unwrap_or_default(),
        billing_interval: billing_interval.over(kept_interval),
        billing_interval_count: billing_interval_count.over(kept_count).or((!is_once).then_some(1)),
        currency: currency.map_or(Ok(before.currency), |code| currency_of(&code, "currency"))?,
        meter_id: meter_id.map(|id| id.0).over(kept_meter),
        ..before.clone()
    };
    if after == before {
        work.nothing_happened();
        return Ok(after);
    }
    check(&after)?;
    after.updated_at = work.now;
    written(work, &before, &after)
}

/// Lets a price be sold at.
///
/// # Errors
/// `PRICE_NOT_FOUND`, `PRICE_STATUS_INVALID`.
pub fn activate(work: &mut Work<'_>, id: PriceId) -> Result<Price, Error> {
    step(work, id, PriceStatus::Active)
}

/// Stops a price from being sold at, for now.
///
/// # Errors
/// `PRICE_NOT_FOUND`, `PRICE_STATUS_INVALID`.
pub fn disable(work: &mut Work<'_>, id: PriceId) -> Result<Price, Error> {
    step(work, id, PriceStatus::Disabled)
}

/// Stops a price from being sold at, for good.
///
/// # Errors
/// `PRICE_NOT_FOUND`, `PRICE_STATUS_INVALID`.
pub fn archive(work: &mut Work<'_>, id: PriceId) -> Result<Price, Error> {
    step(work, id, PriceStatus::Archived)
}

/// Makes a price its product's default, in the place of the one that was.
///
/// # Errors
/// `PRICE_NOT_FOUND`; `PRICE_STATUS_INVALID` for an archived one.
pub fn set_default(work: &mut Work<'_>, id: PriceId) -> Result<Price, Error> {
    let before = find_for(work, id)?;
    if before.status == PriceStatus::Archived {
        let message = "An archived price does not become its product's default.";
        return Err(Refusal::new("PRICE_STATUS_INVALID", message).into());
    }
    if before.is_default {
        work.nothing_happened();
        return Ok(before);
    }
    let today = work.today();
    let others = prices::of_product(work.tx, &work.company, today, before.product_id)?;
    for other in others.into_iter().filter(|price| price.is_default) {
        let former = Price { is_default: false, updated_at: work.now, ..other.clone() };
        written(work, &other, &former)?;
    }
    let after = Price { is_default: true, updated_at: work.now, ..before.clone() };
    written(work, &before, &after)
}

/// Deletes a price that nothing names.
///
/// # Errors
/// `PRICE_NOT_FOUND`, `PRICE_LOCKED`.
pub fn delete(work: &mut Work<'_>, id: PriceId) -> Result<(), Error> {
    let price = find_for(work, id)?;
    if price.is_locked {
        return Err(locked().into());
    }
    prices::delete(work.tx, work.company.id, id)?;
    work.event("price.deleted", "price", id, &price, Some(json(&price)));
    Ok(())
}

fn find(tx: &mut dyn Tx, company: &Company, today: Date, id: PriceId) -> Result<Price, Error> {
    let missing = || Refusal::missing("PRICE_NOT_FOUND", "There is no such price in this company.");
    Ok(prices::get(tx, company, today, id)?.ok_or_else(missing)?)
}

fn find_for(work: &mut Work<'_>, id: PriceId) -> Result<Price, Error> {
    let today = work.today();
    find(work.tx, &work.company, today, id)
}

fn step(work: &mut Work<'_>, id: PriceId, next: PriceStatus) -> Result<Price, Error> {
    let before = find_for(work, id)?;
    let after = Price { status: before.status.becomes(next)?, updated_at: work.now, ..before.clone() };
    written(work, &before, &after)
}

/// Writes a changed price, and reads what follows from the change.
fn written(work: &mut Work<'_>, before: &Price, after: &Price) -> Result<Price, Error> {
    prices::update(work.tx, work.company.id, after)?;
    let after = find_for(work, after.id)?;
    work.event("price.updated", "price", after.id, &after, Some(json(before)));
    Ok(after)
}

fn locked() -> Refusal {
    let message = "A document names this price: only its nickname changes. Make another price instead.";
    Refusal::new("PRICE_LOCKED", message)
}

fn tier(input: TierInput) -> Tier {
    let TierInput { up_to, unit_amount, flat_amount, package_size } = input;
    Tier {
        up_to: up_to.map(|quantity| quantity.0),
        unit_amount: unit_amount.0,
        flat_amount: flat_amount.map(|amount| amount.0),
        package_size: package_size.map(|quantity| quantity.0),
    }
}

fn check(price: &Price) -> Result<(), Error> {
    check_price(price)?;
    if price.meter_id.is_some() {
        // Meters come with metered subscriptions; until then no id names one.
        return Err(Refusal::missing_at("METER_NOT_FOUND", "There is no such meter in this company.", "meterId").into());
    }
    Ok(())
}

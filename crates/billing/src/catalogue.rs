//! The catalogue: product groups, products and their prices, as kept and as
//! published, and the life of a price.

use jiff::Timestamp;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ids::{AccountId, PriceId, ProductGroupId, ProductId};
use crate::input::Metadata;
use crate::json;
use crate::money::Currency;
use crate::refusal::{Faults, Refusal};
use crate::status::statuses;
use crate::tiers::{self, Tier};

statuses! {
    /// When a price is charged.
    BillingPeriodType {
        /// Once.
        OneTime "ONE_TIME"
        /// Again and again, at an interval.
        Recurring "RECURRING"
        /// By what a meter counts.
        Usage "USAGE"
    }
}

statuses! {
    /// How a price is reckoned.
    PricingModel {
        /// Quantity × amount.
        FlatRate "FLAT_RATE"
        /// Whole packages.
        Package "PACKAGE"
        /// The tier that the whole quantity falls into.
        Volume "VOLUME"
        /// Tier by tier.
        Graduated "GRADUATED"
    }
}

statuses! {
    /// The unit of a billing interval.
    BillingInterval {
        /// A day.
        Day "DAY"
        /// A week.
        Week "WEEK"
        /// A month.
        Month "MONTH"
        /// A year.
        Year "YEAR"
    }
}

statuses! {
    /// How far a price has come in its life.
    PriceStatus {
        /// Made, not yet sold at.
        Draft "DRAFT"
        /// May be sold at.
        Active "ACTIVE"
        /// Not sold at for now.
        Disabled "DISABLED"
        /// Never sold at again.
        Archived "ARCHIVED"
    }
}

impl PriceStatus {
    /// The status a price of this one takes on.
    ///
    /// # Errors
    /// `PRICE_STATUS_INVALID` where its life has no such step.
    pub fn becomes(self, next: PriceStatus) -> Result<PriceStatus, Refusal> {
        use PriceStatus::{Active, Archived, Disabled, Draft};
        match (self, next) {
            (Draft | Disabled, Active) | (Active, Disabled) | (Draft | Active | Disabled, Archived) => Ok(next),
            _ => Err(Refusal::new("PRICE_STATUS_INVALID", format!("A price that is {self} does not become {next}."))),
        }
    }
}

/// A product group: the accounts its products are booked to.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductGroup {
    /// Its id.
    pub id: ProductGroupId,
    /// Its number, unique in the company.
    pub number: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Account for domestic sales.
    pub domestic_account_id: AccountId,
    /// That account's number.
    pub domestic_account_number: i64,
    /// That account's name.
    pub domestic_account_name: String,
    /// Account for sales within the EU.
    pub eu_account_id: AccountId,
    /// That account's number.
    pub eu_account_number: i64,
    /// That account's name.
    pub eu_account_name: String,
    /// Account for sales outside the EU.
    pub abroad_account_id: AccountId,
    /// That account's number.
    pub abroad_account_number: i64,
    /// That account's name.
    pub abroad_account_name: String,
    /// Account for domestic sales without VAT.
    pub domestic_without_vat_account_id: AccountId,
    /// That account's number.
    pub domestic_without_vat_account_number: i64,
    /// That account's name.
    pub domestic_without_vat_account_name: String,
    /// How many products are in it.
    pub product_count: i64,
    /// When it was made.
    #[serde(serialize_with = "json::instant")]
    #[schemars(with = "json::Instant")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(serialize_with = "json::instant")]
    #[schemars(with = "json::Instant")]
    pub updated_at: Timestamp,
}

/// A product as kept and published.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Its number, unique in the company.
    pub number: String,
    /// Its name; what a line says when it says nothing else.
    pub name: String,
    /// Its group.
    pub product_group_id: ProductGroupId,
    /// What it is.
    pub description: Option<String>,
    /// What it is counted in.
    pub unit: Option<String>,
    /// Goods, or a service.
    pub is_goods: bool,
    /// Its id in another system, unique in the company.
    pub external_system_id: Option<String>,
    /// Text pairs of your own.
    pub metadata: Metadata,
    /// Whether it may stand in new documents.
    pub is_active: bool,
    /// Its prices; left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prices: Option<Vec<Price>>,
    /// When it was made.
    #[serde(serialize_with = "json::instant")]
    #[schemars(with = "json::Instant")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(serialize_with = "json::instant")]
    #[schemars(with = "json::Instant")]
    pub updated_at: Timestamp,
}

impl Product {
    /// What a search looks through, in lower case.
    pub fn search_text(&self) -> String {
        format!("{}\n{}", self.number, self.name).to_lowercase()
    }
}

/// A price of a product as kept and published.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    /// Its id.
    pub id: PriceId,
    /// The product.
    pub product_id: ProductId,
    /// When it is charged.
    pub billing_period_type: BillingPeriodType,
    /// How it is reckoned.
    pub pricing_model: PricingModel,
    /// What it is called among the product's prices.
    pub nickname: Option<String>,
    /// Amount of one, excl. VAT (flat rate).
    #[serde(serialize_with = "json::opt_decimal")]
    #[schemars(with = "Option<json::DecimalText>")]
    pub unit_amount: Option<Decimal>,
    /// The unit of its interval; null when it is charged once.
    pub billing_interval: Option<BillingInterval>,
    /// How many of that unit; null when it is charged once.
    pub billing_interval_count: Option<u32>,
    /// The currency of its amounts.
    pub currency: Currency,
    /// The meter that counts.
    pub meter_id: Option<String>,
    /// Its tiers; none for a flat rate.
    pub tiers: Vec<Tier>,
    /// The currency of the company's books.
    pub base_currency: Currency,
    /// How far it has come in its life.
    pub status: PriceStatus,
    /// Whether it is the product's default.
    pub is_default: bool,
    /// Whether a document line names it: amounts can't change any more.
    pub is_locked: bool,
    /// Today's VAT rate in percent for each zone.
    pub vat_rates_by_zone: VatRatesByZone,
    /// The currencies documents can take it in today.
    pub available_currencies: Vec<Currency>,
    /// When it was made.
    #[serde(serialize_with = "json::instant")]
    #[schemars(with = "json::Instant")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(serialize_with = "json::instant")]
    #[schemars(with = "json::Instant")]
    pub updated_at: Timestamp,
}

/// VAT rates in percent by zone, under the zones' published names.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, JsonSchema)]
pub struct VatRatesByZone {
    /// In the company's country.
    #[serde(serialize_with = "json::decimal")]
    #[schemars(with = "json::DecimalText")]
    pub domestic: Decimal,
    /// In other countries of the EU.
    #[serde(serialize_with = "json::decimal")]
    #[schemars(with = "json::DecimalText")]
    pub eu: Decimal,
    /// Outside the EU.
    #[serde(serialize_with = "json::decimal")]
    #[schemars(with = "json::DecimalText")]
    pub abroad: Decimal,
    /// In the company's country, without VAT.
    #[serde(serialize_with = "json::decimal")]
    #[schemars(with = "json::DecimalText")]
    pub domestic_without_vat: Decimal,
}

/// The currencies a price can be taken in: its own, and where its own is the
/// base or is quoted against it, the base and all that are quoted.
pub fn available_currencies(own: Currency, base: Currency, quoted: &[Currency]) -> Vec<Currency> {
    let mut available = vec![own];
    if own == base || quoted.contains(&own) {
        let others = std::iter::once(base).chain(quoted.iter().copied()).filter(|currency| *currency != own);
        available.extend(others);
    }
    available
}

/// The fields of a price that must fit together, after a change of any of them.
///
/// # Errors
/// The fields that do not.
pub fn check_price(price: &Price) -> Result<(), Faults> {
    let kind = price.billing_period_type;
    let (interval, interval_count) = (price.billing_interval, price.billing_interval_count);
    let meter_id = price.meter_id.as_deref();
    let mut faults = Faults::default();
    tiers::check(price.pricing_model, price.unit_amount, &price.tiers, &mut faults);
    let mut empty = |name: &str, is_empty: bool| {
        if !is_empty {
            faults.add(name, "isEmpty", format!("{name} should be empty on a {kind} price"));
        }
    };
    if kind == BillingPeriodType::OneTime {
        empty("billingInterval", interval.is_none());
        empty("billingIntervalCount", interval_count.is_none());
    }
    if kind != BillingPeriodType::Usage {
        empty("meterId", meter_id.is_none());
    }
    if kind != BillingPeriodType::OneTime && interval.is_none() {
        faults.add("billingInterval", "isNotEmpty", "billingInterval should not be empty");
    }
    if kind == BillingPeriodType::Usage && meter_id.is_none() {
        faults.add("meterId", "isNotEmpty", "meterId should not be empty on a USAGE price");
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_lives_one_way() {
        use PriceStatus::{Active, Archived, Disabled, Draft};
        let steps = [
            (Draft, Active, true),
            (Disabled, Active, true),
            (Active, Active, false),
            (Archived, Active, false),
            (Active, Disabled, true),
            (Draft, Disabled, false),
            (Disabled, Disabled, false),
            (Archived, Disabled, false),
            (Draft, Archived, true),
            (Active, Archived, true),
            (Disabled, Archived, true),
            (Archived, Archived, false),
        ];
        for (from, to, allowed) in steps {
            let answer = from.becomes(to);
            assert_eq!(answer.is_ok(), allowed, "{from} to {to}");
            if let Err(refusal) = answer {
                assert_eq!(refusal.code, "PRICE_STATUS_INVALID");
            }
        }
    }

    #[test]
    fn a_price_is_taken_in_the_currencies_that_are_quoted() {
        let usd = Currency::parse("USD").unwrap();
        let (dkk, eur) = (Currency::DKK, Currency::EUR);
        for (own, quoted, available) in [
            (dkk, vec![], vec![dkk]),
            (dkk, vec![eur, usd], vec![dkk, eur, usd]),
            (eur, vec![eur, usd], vec![eur, dkk, usd]),
            (usd, vec![eur], vec![usd]),
        ] {
            assert_eq!(available_currencies(own, dkk, &quoted), available);
        }
    }
}

//! Tiers: what a quantity comes to at a price that is not the same for each of it. Exact; it
//! is rounded where the line's total is made, and nowhere here.

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::catalogue::PricingModel;
use crate::json;
use crate::money::{Exact, TooLarge};
use crate::refusal::Faults;

/// A step of a tiered price.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tier {
    /// The last quantity in it; null on the last tier.
    #[serde(serialize_with = "json::opt_decimal")]
    #[schemars(with = "Option<json::DecimalText>")]
    pub up_to: Option<Decimal>,
    /// Amount of one, or of one package.
    #[serde(serialize_with = "json::decimal")]
    #[schemars(with = "json::DecimalText")]
    pub unit_amount: Decimal,
    /// Amount charged once for the tier.
    #[serde(serialize_with = "json::opt_decimal")]
    #[schemars(with = "Option<json::DecimalText>")]
    pub flat_amount: Option<Decimal>,
    /// How many are in a package.
    #[serde(serialize_with = "json::opt_decimal")]
    #[schemars(with = "Option<json::DecimalText>")]
    pub package_size: Option<Decimal>,
}

impl Tier {
    /// So many at its amount, and its flat amount once.
    fn charge(&self, many: Exact) -> Result<Exact, TooLarge> {
        many.times(self.unit_amount)?.plus(self.flat_amount.unwrap_or_default())
    }
}

/// What a quantity comes to by a model's tiers, which [`check`] has let pass; nothing of a quantity
/// is still of the first tier, whose flat amount is due.
///
/// `PACKAGE`: whole packages, a begun one counts. `VOLUME`: all at the tier that the whole quantity
/// falls into. `GRADUATED`: each part at the tier it falls into, with the flat amount of each tier
/// that is reached. A tier reaches to its `up_to` and not beyond.
///
/// # Errors
/// `TooLarge` where even the exact sum does not fit.
pub fn total(model: PricingModel, tiers: &[Tier], quantity: Decimal) -> Result<Exact, TooLarge> {
    let is_in = |tier: &Tier| tier.up_to.is_none_or(|last| quantity <= last);
    match model {
        PricingModel::FlatRate | PricingModel::Package | PricingModel::Volume => {
            let Some(tier) = tiers.iter().find(|tier| is_in(tier)).or(tiers.last()) else {
                return Ok(Exact::from(0_i64));
            };
            match tier.package_size {
                Some(size) if !size.is_zero() => tier.charge(Exact::from(packages(quantity, size))),
                _ => tier.charge(Exact::from(quantity)),
            }
        }
        PricingModel::Graduated => {
            let mut sum = Exact::from(0_i64);
            let mut reached = Decimal::ZERO;
            for tier in tiers {
                let end = tier.up_to.map_or(quantity, |last| last.min(quantity));
                sum = sum.plus(tier.charge(Exact::from(end - reached))?)?;
                if is_in(tier) {
                    break;
                }
                reached = end;
            }
            Ok(sum)
        }
    }
}

/// How many packages hold a quantity: with 7 digits and 6 decimals on both sides there are at most 10^13.
fn packages(quantity: Decimal, size: Decimal) -> i64 {
    const SCALE: u32 = 6;
    let millionths = |number: Decimal| number.mantissa() * 10_i128.pow(SCALE.saturating_sub(number.scale()));
    let (quantity, size) = (millionths(quantity.normalize()), millionths(size.normalize()));
    let begun = quantity / size + i128::from(quantity % size > 0);
    i64::try_from(begun).expect("a quantity has 7 digits and 6 decimals")
}

/// The amount and the tiers of a price fit its model.
pub fn check(model: PricingModel, unit_amount: Option<Decimal>, tiers: &[Tier], faults: &mut Faults) {
    if model == PricingModel::FlatRate {
        if unit_amount.is_none() {
            faults.add("unitAmount", "isNotEmpty", "unitAmount should not be empty on a FLAT_RATE price");
        }
        if !tiers.is_empty() {
            faults.add("tiers", "isEmpty", "tiers should be empty on a FLAT_RATE price");
        }
        return;
    }
    if unit_amount.is_some() {
        faults.add("unitAmount", "isEmpty", format!("unitAmount should be empty on a {model} price"));
    }
    if tiers.is_empty() {
        faults.add("tiers", "arrayMinSize", "tiers must contain at least 1 elements");
    }
    if model == PricingModel::Package && tiers.len() > 1 {
        faults.add("tiers", "arrayMaxSize", "tiers must contain no more than 1 elements on a PACKAGE price");
    }
    for (at, tier) in tiers.iter().enumerate() {
        let mut fault = |field: &str, rule: &'static str, message: String| {
            faults.add(format!("tiers.{at}.{field}"), rule, format!("{field} {message}"));
        };
        let is_last = at + 1 == tiers.len() || model == PricingModel::Package;
        match tier.up_to {
            Some(_) if is_last => fault("upTo", "isEmpty", "should be empty on the last tier".to_owned()),
            None if !is_last => fault("upTo", "isNotEmpty", "should not be empty on a tier before the last".to_owned()),
            Some(up_to) if tiers[..at].iter().filter_map(|before| before.up_to).any(|before| before >= up_to) => {
                fault("upTo", "min", "must be above that of the tier before".to_owned());
            }
            Some(_) | None => {}
        }
        if model == PricingModel::Package && tier.package_size.is_none() {
            fault("packageSize", "isNotEmpty", "should not be empty on a PACKAGE price".to_owned());
        }
        if model != PricingModel::Package && tier.package_size.is_some() {
            fault("packageSize", "isEmpty", format!("should be empty on a {model} price"));
        }
    }
}

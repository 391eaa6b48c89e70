//! Exchange rates: base currency per 1 unit of another, as quoted on a day.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ids::ExchangeRateId;
use crate::json;
use crate::money::Currency;
use crate::status::statuses;

statuses! {
    /// Who quoted a rate.
    RateSource {
        /// The European Central Bank.
        Ecb "ecb"
        /// The customs authority.
        Customs "customs"
        /// The company itself.
        Manual "manual"
    }
}

/// The rate of a currency on a day; a day without one uses the last before it.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExchangeRate {
    /// Its id.
    pub id: ExchangeRateId,
    /// The currency that is quoted.
    pub currency: Currency,
    /// The day it is quoted for.
    #[serde(serialize_with = "json::day")]
    #[schemars(with = "json::Day")]
    pub date: Date,
    /// Base currency per 1 unit of the currency.
    #[serde(serialize_with = "json::decimal")]
    #[schemars(with = "json::DecimalText")]
    pub rate: Decimal,
    /// Who quoted it.
    pub source: RateSource,
    /// When it was stored first.
    #[serde(serialize_with = "json::instant")]
    #[schemars(with = "json::Instant")]
    pub created_at: Timestamp,
}

//! Exchange rates: base currency per 1 unit of another, as quoted on a day.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ids::ExchangeRateId;
use crate::json;
use crate::money::{Currency, Exact};
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

/// What the European Central Bank quotes on a day.
#[derive(Clone, PartialEq, Debug)]
pub struct EcbDay {
    /// The day.
    pub date: Date,
    /// Units of each currency for 1 euro, all above zero; the euro itself is not in it.
    pub per_euro: BTreeMap<Currency, Decimal>,
}

impl EcbDay {
    /// The rates of the day in a base currency, by currency: each quote crossed with the base's and rounded to ten
    /// decimals. None where the base is not quoted on that day; nothing of what would be nothing.
    pub fn crossed(&self, base: Currency) -> Option<Vec<(Currency, Decimal)>> {
        let of = |currency: Currency| match currency {
            Currency::EUR => Some(Decimal::ONE),
            other => self.per_euro.get(&other).copied(),
        };
        let base_per_euro = of(base)?;
        let others = self.per_euro.keys().copied().chain([Currency::EUR]).filter(|currency| *currency != base);
        let crossed = others.filter_map(|currency| {
            let rate = Exact::from(base_per_euro).over(of(currency)?).and_then(|exact| exact.decimal(10)).ok()?;
            (!rate.is_zero()).then(|| (currency, rate.normalize()))
        });
        Some(crossed.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_for_a_euro_are_crossed() {
        let number = |text: &str| text.parse::<Decimal>().unwrap();
        let per_euro = [("DKK", "7.4598"), ("USD", "1.1427"), ("JPY", "165.23"), ("IDR", "18641.33")];
        let per_euro = per_euro.map(|(code, rate)| (code.parse().unwrap(), number(rate)));
        let day = EcbDay { date: jiff::civil::date(2026, 6, 10), per_euro: per_euro.into_iter().collect() };
        let rates = |base: &str| -> Vec<String> {
            let rates = day.crossed(base.parse().unwrap()).unwrap();
            rates.iter().map(|(currency, rate)| format!("{currency} {rate}")).collect()
        };
        // 7.4598 / 18641.33 = 0.000400175309…; / 165.23 = 0.045147975549…; / 1.1427 = 6.528222630611…
        assert_eq!(rates("DKK"), ["IDR 0.0004001753", "JPY 0.0451479755", "USD 6.5282226306", "EUR 7.4598"]);
        // 1 / 7.4598 = 0.134051851256…; 1 / 18641.33 = 0.000053644241…; 1 / 165.23 = 0.006052169702…;
        // 1 / 1.1427 = 0.875120329045…
        assert_eq!(rates("EUR"), ["DKK 0.1340518513", "IDR 0.0000536442", "JPY 0.0060521697", "USD 0.875120329"]);
        assert_eq!(day.crossed("CHF".parse().unwrap()), None);
    }
}

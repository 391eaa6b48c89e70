//! Rates of the One-Stop-Shop: what is charged in other countries of the EU to buyers without a VAT number
//! (VAT Directive 2006/112/EC art. 33 (a), 58, 59c; declared by art. 369a to 369k). Each country and account
//! has a VAT code of its own, so that lines, postings and relief tell the countries apart.

use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::country::is_eu;
use crate::ids::{AccountId, OssRateId, VatCodeId};
use crate::json;
use crate::refusal::{Faults, Refusal};

/// The rate of a country from a day on; it ends where the country's next one begins.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OssRate {
    /// Its id.
    pub id: OssRateId,
    /// The country whose VAT it is.
    pub country: String,
    /// The rate in percent.
    #[serde(serialize_with = "json::decimal")]
    #[schemars(with = "json::DecimalText")]
    pub rate: Decimal,
    /// The account the VAT is owed on.
    pub account_id: AccountId,
    /// That account's number.
    pub account_number: i64,
    /// That account's name.
    pub account_name: String,
    /// The first day.
    #[serde(serialize_with = "json::day")]
    #[schemars(with = "json::Day")]
    pub valid_from: Date,
    /// The VAT code that sales are posted under.
    pub vat_code_id: VatCodeId,
    /// That code, as `OSS-NL`.
    pub vat_code: String,
}

/// What a line takes from the rate of its country on its tax point.
#[derive(Clone, PartialEq, Debug)]
pub struct Charged {
    /// The country.
    pub country: String,
    /// The rate in percent.
    pub rate: Decimal,
    /// The VAT code.
    pub vat_code_id: VatCodeId,
}

/// A rate is of another country of the EU.
///
/// # Errors
/// `isIn`.
pub fn check(country: &str, own_country: &str) -> Result<(), Faults> {
    let mut faults = Faults::default();
    if !is_eu(country) || country == own_country {
        faults.add("country", "isIn", "country must be a country of the EU other than the company's own");
        return Err(faults);
    }
    Ok(())
}

/// What was booked stays as it was: a rate begins after the last document that is taxed in its country.
///
/// # Errors
/// `OSS_RATE_IN_USE`.
pub fn check_is_unused(country: &str, valid_from: Date, last_used_on: Option<Date>) -> Result<(), Refusal> {
    match last_used_on.filter(|last| valid_from <= *last) {
        None => Ok(()),
        Some(last) => {
            let message =
                format!("Documents of {last} are taxed in {country}; a new rate or account begins after that day.");
            let details = json!({ "property": "validFrom", "country": country, "lastUsedOn": last.to_string() });
            Err(Refusal::new("OSS_RATE_IN_USE", message).with(details))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_of_another_country_of_the_eu() {
        for (country, is_good) in [("NL", true), ("GR", true), ("DK", false), ("NO", false), ("GB", false)] {
            assert_eq!(check(country, "DK").is_ok(), is_good, "{country}");
        }
    }

    #[test]
    fn a_rate_begins_after_the_last_use() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        assert!(check_is_unused("NL", day("2020-01-01"), None).is_ok());
        assert!(check_is_unused("NL", day("2026-06-11"), Some(day("2026-06-10"))).is_ok());
        let refused = check_is_unused("NL", day("2026-06-10"), Some(day("2026-06-10"))).unwrap_err();
        assert_eq!(refused.code, "OSS_RATE_IN_USE");
    }
}

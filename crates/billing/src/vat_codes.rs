//! VAT codes: what rate is charged from which day, under what category, and
//! which account it is booked to.

use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::ids::{AccountId, VatCodeId};
use crate::json;
use crate::refusal::{Faults, Refusal};
use crate::status::statuses;
use crate::vat::VatCategory;

statuses! {
    /// On which side of trade a VAT code is used.
    VatType {
        /// What the company sells.
        Sales "SALES"
        /// What it buys.
        Purchase "PURCHASE"
    }
}

statuses! {
    /// What amounts posted under a VAT code hold.
    Principle {
        /// The VAT too.
        Gross "Gross"
        /// The amount before VAT.
        Net "Net"
    }
}

/// A VAT code.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VatCode {
    /// Its id.
    pub id: VatCodeId,
    /// Its code, unique in the company.
    pub vat_code: String,
    /// Its name.
    pub name: String,
    /// Today's rate in percent.
    #[serde(serialize_with = "json::decimal")]
    #[schemars(with = "json::DecimalText")]
    pub vat_rate: Decimal,
    /// On which side of trade it is used.
    #[serde(rename = "type")]
    pub vat_type: VatType,
    /// What amounts posted under it hold.
    pub principle: Principle,
    /// The account its VAT is booked to.
    pub account_to_book_id: Option<AccountId>,
    /// That account's number.
    pub account_to_book_number: Option<i64>,
    /// That account's name.
    pub account_to_book_name: Option<String>,
    /// The account its VAT is booked against (reverse charge).
    pub contra_account_to_book_id: Option<AccountId>,
    /// That account's number.
    pub contra_account_to_book_number: Option<i64>,
    /// That account's name.
    pub contra_account_to_book_name: Option<String>,
    /// The VAT category at 0 % (EN 16931), where the code decides it.
    pub vat_category: Option<VatCategory>,
    /// Why no VAT is charged.
    pub exemption_reason: Option<String>,
    /// The code of that reason (VATEX).
    pub exemption_reason_code: Option<String>,
    /// The country whose VAT it is, where it is another than the company's: the code of an OSS rate.
    pub country_code: Option<String>,
    /// Its rates, oldest first.
    pub rates: Vec<VatRate>,
}

/// A rate and the day it begins on; it ends where the next one begins.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VatRate {
    /// The first day.
    #[serde(serialize_with = "json::day")]
    #[schemars(with = "json::Day")]
    pub valid_from: Date,
    /// The rate in percent.
    #[serde(serialize_with = "json::decimal")]
    #[schemars(with = "json::DecimalText")]
    pub vat_rate: Decimal,
}

/// The day a rate begins on where none is named: before all books.
pub const FROM_THE_BEGINNING: Date = Date::constant(1900, 1, 1);

/// The rate of a day; 0 before the first one.
pub fn rate_on(rates: &[VatRate], day: Date) -> Decimal {
    let begun = rates.iter().filter(|rate| rate.valid_from <= day);
    begun.max_by_key(|rate| rate.valid_from).map_or(Decimal::ZERO, |rate| rate.vat_rate)
}

/// The rates with one more, or with another rate from a day that has one. What was booked stays as it was.
///
/// # Errors
/// `VAT_CODE_IN_USE` when a booked document is taxed under the code on that day or a later one.
pub fn with_rate(rates: &[VatRate], added: VatRate, last_used_on: Option<Date>) -> Result<Vec<VatRate>, Refusal> {
    if let Some(last) = last_used_on
        && added.valid_from <= last
    {
        let message = format!("The VAT code is used by documents of {last}; a new rate begins after that day.");
        return Err(in_use(message, last, "validFrom"));
    }
    let mut rates: Vec<VatRate> =
        rates.iter().copied().filter(|rate| rate.valid_from != added.valid_from).chain([added]).collect();
    rates.sort_by_key(|rate| rate.valid_from);
    Ok(rates)
}

/// The category a code decides is one at 0 %: above that it is S by its rate (EN 16931 BR-S-05).
///
/// # Errors
/// `isIn` when it is S.
pub fn check_is_unrated(category: Option<VatCategory>) -> Result<(), Faults> {
    let mut faults = Faults::default();
    if category == Some(VatCategory::S) {
        faults.add("vatCategory", "isIn", "vatCategory must be one of the following values: Z, E, AE, K, G, O");
        return Err(faults);
    }
    Ok(())
}

/// A code that documents were booked under keeps its category.
///
/// # Errors
/// `VAT_CODE_IN_USE`.
pub fn check_category(
    before: Option<VatCategory>,
    after: Option<VatCategory>,
    last_used_on: Option<Date>,
) -> Result<(), Refusal> {
    match last_used_on {
        Some(last) if before != after => {
            let message =
                format!("The VAT code is used by documents of {last}; its category stays. Make another code.");
            Err(in_use(message, last, "vatCategory"))
        }
        _ => Ok(()),
    }
}

/// The code of an OSS rate changes with that rate, but for its name.
///
/// # Errors
/// `VAT_CODE_OF_OSS_RATE`.
pub fn check_is_own(code: &VatCode) -> Result<(), Refusal> {
    let Some(country) = &code.country_code else { return Ok(()) };
    let message = format!("{} is the code of OSS rates of {country}: they say its rate and account.", code.vat_code);
    Err(Refusal::new("VAT_CODE_OF_OSS_RATE", message))
}

fn in_use(message: String, last: Date, property: &str) -> Refusal {
    let details = json!({ "property": property, "lastUsedOn": last.to_string() });
    Refusal::new("VAT_CODE_IN_USE", message).with(details)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(from: &str, rate: i64) -> VatRate {
        VatRate { valid_from: from.parse().unwrap(), vat_rate: Decimal::from(rate) }
    }

    #[test]
    fn a_rate_holds_until_the_next() {
        let rates = [rate("2000-01-01", 16), rate("2007-01-01", 19), rate("2020-07-01", 16), rate("2021-01-01", 19)];
        for (day, expected) in [
            ("1999-12-31", 0),
            ("2000-01-01", 16),
            ("2006-12-31", 16),
            ("2007-01-01", 19),
            ("2020-12-31", 16),
            ("2026-06-10", 19),
        ] {
            assert_eq!(rate_on(&rates, day.parse().unwrap()), Decimal::from(expected), "{day}");
        }
    }

    #[test]
    fn a_rate_begins_after_the_last_use() {
        let rates = [rate("2000-01-01", 25)];
        let used: Option<Date> = Some("2026-06-10".parse().unwrap());
        let with = |added, used| with_rate(&rates, added, used);
        assert_eq!(with(rate("2026-06-11", 20), used).unwrap(), [rate("2000-01-01", 25), rate("2026-06-11", 20)]);
        assert_eq!(with(rate("2026-06-10", 20), used).unwrap_err().code, "VAT_CODE_IN_USE");
        assert_eq!(with(rate("2000-01-01", 20), None).unwrap(), [rate("2000-01-01", 20)]);
        assert_eq!(with(rate("1990-01-01", 20), None).unwrap(), [rate("1990-01-01", 20), rate("2000-01-01", 25)]);
    }

    #[test]
    fn a_code_in_use_keeps_its_category() {
        let used: Option<Date> = Some("2026-06-10".parse().unwrap());
        let (reverse, exempt) = (Some(VatCategory::AE), Some(VatCategory::E));
        assert!(check_category(reverse, exempt, None).is_ok());
        assert!(check_category(reverse, reverse, used).is_ok());
        assert_eq!(check_category(reverse, exempt, used).unwrap_err().code, "VAT_CODE_IN_USE");
    }
}

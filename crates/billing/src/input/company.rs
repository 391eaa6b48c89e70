//! What a caller may say of the company and its accounts, VAT codes and exchange rates.

use schemars::JsonSchema;
use serde::Deserialize;

use super::customers::Language;
use super::{
    CountryCode, CurrencyCode, Day, Email, Gln, Iban, Patch, Percent, PositivePercent, Rate, Text, TimeZoneName,
    VatNumberText,
};
use crate::accounts::{AccountClassification, ControlAccountType, LedgerType};
use crate::company::CompanyMode;
use crate::exchange_rates::RateSource;
use crate::ids::{AccountId, VatCodeId};
use crate::vat::VatCategory;
use crate::vat_codes::{Principle, VatType};

/// A company to be made, by the operator.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCompany {
    /// Legal name.
    pub name: Text<200>,
    /// ISO 3166 code of the country it is established in.
    pub country_code: CountryCode,
    /// The currency of its books; default the country's.
    pub currency: Option<CurrencyCode>,
    /// Language of its papers; default the country's, `en` where we have no words in it.
    pub preferred_language: Option<Language>,
    /// IANA zone that decides what day it is; default the country's.
    pub time_zone: Option<TimeZoneName>,
    /// Live or test; default `live`.
    pub mode: Option<CompanyMode>,
    /// Whether it charges VAT at all; default true.
    pub is_vat_registered: Option<bool>,
    /// Street and house number.
    pub address: Option<Text<500>>,
    /// Postal code.
    pub postal_code: Option<Text<20>>,
    /// City.
    pub city: Option<Text<100>>,
    /// Address for business mail.
    pub email: Option<Email>,
    /// VAT number with its country's prefix.
    pub vat: Option<VatNumberText>,
    /// IBAN payments are asked to.
    pub iban: Option<Iban>,
    /// The sales VAT rates its chart is made with; default the country's.
    #[schemars(length(max = 20))]
    pub vat_rates: Option<Vec<Percent>>,
}

/// What changes of the company. `currency`, `countryCode` and `mode` stay once something is booked.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CompanyPatch {
    /// Legal name.
    #[schemars(with = "Text<200>")]
    pub name: Option<Text<200>>,
    /// ISO 3166 code of the country it is established in.
    #[schemars(with = "CountryCode")]
    pub country_code: Option<CountryCode>,
    /// The currency of its books.
    #[schemars(with = "CurrencyCode")]
    pub currency: Option<CurrencyCode>,
    /// Language of its papers where the buyer has none.
    #[schemars(with = "Language")]
    pub preferred_language: Option<Language>,
    /// IANA zone that decides what day it is.
    #[schemars(with = "TimeZoneName")]
    pub time_zone: Option<TimeZoneName>,
    /// Live or test.
    #[schemars(with = "CompanyMode")]
    pub mode: Option<CompanyMode>,
    /// Whether it charges VAT at all.
    #[schemars(with = "bool")]
    pub is_vat_registered: Option<bool>,
    /// Street and house number.
    pub address: Patch<Text<500>>,
    /// Postal code.
    pub postal_code: Patch<Text<20>>,
    /// City.
    pub city: Patch<Text<100>>,
    /// Address for business mail.
    pub email: Patch<Email>,
    /// Address for mail about billing.
    pub billing_email: Patch<Email>,
    /// Telephone.
    pub phone: Patch<Text<50>>,
    /// VAT number with its country's prefix.
    pub vat: Patch<VatNumberText>,
    /// Number in the business register (CVR).
    pub registration_number: Patch<Text<50>>,
    /// First name of the contact person.
    pub contact_person_first_name: Patch<Text<100>>,
    /// Last name of the contact person.
    pub contact_person_last_name: Patch<Text<100>>,
    /// IBAN payments are asked to.
    pub iban: Patch<Iban>,
    /// BIC of its bank.
    pub bic: Patch<Text<11>>,
    /// Domestic account number.
    pub bank_account: Patch<Text<50>>,
    /// GLN of the company.
    pub ean_number: Patch<Gln>,
    /// Peppol endpoint as `0184:12345678`.
    pub peppol_endpoint: Patch<Text<100>>,
    /// Month the fiscal year begins in.
    #[schemars(with = "u32", range(min = 1, max = 12))]
    pub fiscal_year_start: Option<u32>,
    /// Nothing is posted on or before this day.
    pub locked_through: Patch<Day>,
    /// The address its mails are from; `billingEmail`, else `email`, where there is none.
    pub sender_email: Patch<Email>,
    /// The address answers to its mails go to.
    pub reply_to_email: Patch<Email>,
}

/// How accounts are listed: all of them, by number.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AccountQuery {
    /// Only with this number in the public chart.
    pub public_account_id: Option<u32>,
    /// Only with this number.
    pub account_number: Option<u32>,
}

/// An account to be made.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountInput {
    /// Its name.
    pub name: Text<200>,
    /// Its number, unique in the company.
    #[schemars(range(min = 1, max = 999_999_999))]
    pub account_number: u32,
    /// Its number in the public chart of accounts; default its own.
    #[schemars(range(min = 1, max = 999_999_999))]
    pub public_account_id: Option<u32>,
    /// What it is in the chart.
    pub ledger_type: LedgerType,
    /// What stands on it.
    pub account_classification: Option<AccountClassification>,
    /// Whose open items it sums up.
    pub control_account_type: Option<ControlAccountType>,
    /// The VAT code of what is posted on it.
    pub vat_code_id: Option<VatCodeId>,
}

/// What changes of an account. Its ledger type and whose items it sums up stay.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AccountPatch {
    /// Its name.
    #[schemars(with = "Text<200>")]
    pub name: Option<Text<200>>,
    /// Its number, unique in the company; stays once something is posted on it.
    #[schemars(with = "u32", range(min = 1, max = 999_999_999))]
    pub account_number: Option<u32>,
    /// Its number in the public chart of accounts.
    #[schemars(with = "u32", range(min = 1, max = 999_999_999))]
    pub public_account_id: Option<u32>,
    /// What stands on it.
    pub account_classification: Patch<AccountClassification>,
    /// The VAT code of what is posted on it.
    pub vat_code_id: Patch<VatCodeId>,
}

/// How the numbering of a kind of document changes, from its next number on.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NumberSeriesPatch {
    /// What a number begins with; `{year}` becomes the fiscal year of the document's date. It never ends in a digit.
    pub prefix: Patch<Text<40>>,
    /// How many digits a number has at least.
    #[schemars(with = "u32", range(min = 1, max = 12))]
    pub padding: Option<u32>,
    /// Whether it begins at 1 again with each fiscal year; the prefix must then hold `{year}`.
    #[schemars(with = "bool")]
    pub per_fiscal_year: Option<bool>,
    /// The number that the next document of today gets, as published: `INV-04712` goes on where another system
    /// ended. Only upward; what is left out is told in the audit.
    #[schemars(with = "Text<60>")]
    pub next_number: Option<Text<60>>,
}

/// A VAT code to be made.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VatCodeInput {
    /// Its code, unique in the company.
    pub vat_code: Text<20>,
    /// Its name.
    pub name: Text<200>,
    /// Its rate in percent.
    pub vat_rate: Percent,
    /// The first day of that rate; it has always held when left out.
    pub valid_from: Option<Day>,
    /// On which side of trade it is used.
    #[serde(rename = "type")]
    pub vat_type: VatType,
    /// What amounts posted under it hold; default `Net`.
    pub principle: Option<Principle>,
    /// The account its VAT is booked to.
    pub account_to_book_id: Option<AccountId>,
    /// The account its VAT is booked against (reverse charge).
    pub contra_account_to_book_id: Option<AccountId>,
    /// The VAT category at 0 % (EN 16931), where the code decides it.
    pub vat_category: Option<VatCategory>,
    /// Why no VAT is charged.
    pub exemption_reason: Option<Text<500>>,
    /// The code of that reason (VATEX).
    pub exemption_reason_code: Option<Text<50>>,
}

/// What changes of a VAT code. A rate is added from a day after the last one documents were booked on.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(extend("x-rules" = "added-rate"))]
pub struct VatCodePatch {
    /// Its name.
    #[schemars(with = "Text<200>")]
    pub name: Option<Text<200>>,
    /// A rate in percent that holds from `validFrom`.
    #[schemars(with = "Percent")]
    pub vat_rate: Option<Percent>,
    /// The first day of that rate.
    #[schemars(with = "Day")]
    pub valid_from: Option<Day>,
    /// The account its VAT is booked to.
    pub account_to_book_id: Patch<AccountId>,
    /// The account its VAT is booked against (reverse charge).
    pub contra_account_to_book_id: Patch<AccountId>,
    /// The VAT category at 0 % (EN 16931); stays once documents are booked under the code.
    pub vat_category: Patch<VatCategory>,
    /// Why no VAT is charged.
    pub exemption_reason: Patch<Text<500>>,
    /// The code of that reason (VATEX).
    pub exemption_reason_code: Patch<Text<50>>,
}

/// The rate of a currency on a day; one stored for that day before is replaced.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExchangeRateInput {
    /// The currency that is quoted.
    pub currency: CurrencyCode,
    /// The day it is quoted for.
    pub date: Day,
    /// Base currency per 1 unit of the currency.
    pub rate: Rate,
    /// Who quoted it; default `manual`.
    pub source: Option<RateSource>,
}

/// The VAT rate of another country of the EU from a day on; one stored for that country and day is replaced.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OssRateInput {
    /// The country whose VAT it is.
    pub country: CountryCode,
    /// The rate in percent, above zero.
    pub rate: PositivePercent,
    /// The account the VAT is owed on; default the chart's own for it.
    pub account_id: Option<AccountId>,
    /// The first day.
    pub valid_from: Day,
}

/// How OSS rates are listed: by country and day.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OssRateQuery {
    /// The page, from 1.
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
    /// How many a page.
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
    /// Continues a list where `nextCursor` says; empty begins one.
    pub cursor: Option<String>,
    /// Only of this country.
    pub country: Option<CountryCode>,
}

/// How exchange rates are listed: latest day first.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ExchangeRateQuery {
    /// The page, from 1.
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
    /// How many a page.
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
    /// Continues a list where `nextCursor` says; empty begins one.
    pub cursor: Option<String>,
    /// Only of this currency.
    pub currency: Option<CurrencyCode>,
    /// From this day on.
    pub from_date: Option<Day>,
    /// Until this day.
    pub to_date: Option<Day>,
}

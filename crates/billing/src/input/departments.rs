//! What a caller may say of the departments of a customer.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{CountryCode, Email, Gln, Patch, Text};

/// A department of a customer to be added.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DepartmentInput {
    /// Name.
    pub name: Text<200>,
    /// Whether it is the one documents usually go to, in the place of the one that was; default false.
    pub is_default: Option<bool>,
    /// Whether new documents may be made for it; default true.
    pub is_active: Option<bool>,
    /// GLN (EAN number); it stands for the customer's.
    pub ean_number: Option<Gln>,
    /// Street and house number; with it the department's whole address stands for the customer's.
    pub address: Option<Text<500>>,
    /// City.
    pub city: Option<Text<100>>,
    /// Postal code.
    pub postal_code: Option<Text<20>>,
    /// ISO 3166 code of its country.
    pub country_code: Option<CountryCode>,
    /// Address for mail.
    pub email: Option<Email>,
}

/// What changes of a department; `null` clears a field.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DepartmentPatch {
    /// Name.
    #[schemars(with = "Text<200>")]
    pub name: Option<Text<200>>,
    /// Whether it is the one documents usually go to, in the place of the one that was.
    #[schemars(with = "bool")]
    pub is_default: Option<bool>,
    /// Whether new documents may be made for it.
    #[schemars(with = "bool")]
    pub is_active: Option<bool>,
    /// GLN (EAN number); it stands for the customer's.
    pub ean_number: Patch<Gln>,
    /// Street and house number; with it the department's whole address stands for the customer's.
    pub address: Patch<Text<500>>,
    /// City.
    pub city: Patch<Text<100>>,
    /// Postal code.
    pub postal_code: Patch<Text<20>>,
    /// ISO 3166 code of its country.
    pub country_code: Patch<CountryCode>,
    /// Address for mail.
    pub email: Patch<Email>,
}

/// How the departments of a customer are listed: all, in the order they were added.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DepartmentQuery {
    /// Only those that new documents may, or may not, be made for.
    pub is_active: Option<bool>,
}

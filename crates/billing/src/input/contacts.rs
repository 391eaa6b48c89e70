//! What a caller may say of the people at a customer.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Email, Patch, Text};

/// A person at a customer to be added.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContactInput {
    /// Name.
    pub name: Text<200>,
    /// Address for mail.
    pub email: Option<Email>,
    /// Telephone.
    pub phone: Option<Text<50>>,
    /// Whether it is the one to turn to, in the place of the one that was; default false.
    pub is_default: Option<bool>,
    /// Whether documents are mailed to it; default false. It needs an `email` for that.
    pub receives_invoices: Option<bool>,
}

/// What changes of a person; `null` clears a field.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ContactPatch {
    /// Name.
    #[schemars(with = "Text<200>")]
    pub name: Option<Text<200>>,
    /// Address for mail.
    pub email: Patch<Email>,
    /// Telephone.
    pub phone: Patch<Text<50>>,
    /// Whether it is the one to turn to, in the place of the one that was.
    #[schemars(with = "bool")]
    pub is_default: Option<bool>,
    /// Whether documents are mailed to it. It needs an `email` for that.
    #[schemars(with = "bool")]
    pub receives_invoices: Option<bool>,
}

/// How the people at a customer are listed: all, in the order they were added.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ContactQuery {}

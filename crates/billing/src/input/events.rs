//! What a caller may ask of the log of events.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Text;

/// Which part of the log is read.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EventQuery {
    /// Only what came after this sequence; from the beginning when left out.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    pub after: Option<i64>,
    /// Only of these types.
    #[serde(rename = "type")]
    pub kind: Option<Vec<Text<100>>>,
    /// How many.
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
}

/// From where the log is followed.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StreamQuery {
    /// What came after this sequence first; `Last-Event-ID` says the same and wins. Only what is new when
    /// neither is given.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    pub after: Option<i64>,
    /// Only of these types.
    #[serde(rename = "type")]
    pub kind: Option<Vec<Text<100>>>,
}

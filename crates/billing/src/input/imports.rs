//! How rows are imported.

use schemars::JsonSchema;
use serde::Deserialize;

/// How rows are imported.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ImportQuery {
    /// All rows or none, at most 5,000; without it each good row is taken, 200 at a time.
    pub atomic: Option<bool>,
    /// `true` shows what would become of each row, at most 5,000, and does nothing.
    pub dry_run: Option<bool>,
}

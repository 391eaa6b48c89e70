//! What a caller may say of webhook endpoints.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Patch, Text};
use crate::webhooks::WebhookStatus;

/// An endpoint to be made.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookEndpointInput {
    /// Where its events are sent: a public HTTPS URL.
    pub url: Text<2_048>,
    /// What it is for.
    pub description: Option<Text<500>>,
    /// Which events it is sent, by type; all when empty or left out.
    #[schemars(length(max = 200))]
    pub topics: Option<Vec<Text<100>>>,
    /// Whether it is sent any; `true` when left out.
    pub enabled: Option<bool>,
}

/// What changes of an endpoint; `null` clears a field.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct WebhookEndpointPatch {
    /// Where its events are sent: a public HTTPS URL.
    #[schemars(with = "Text<2_048>")]
    pub url: Option<Text<2_048>>,
    /// What it is for.
    pub description: Patch<Text<500>>,
    /// Which events it is sent, by type; all when empty.
    #[schemars(with = "Vec<Text<100>>", length(max = 200))]
    pub topics: Option<Vec<Text<100>>>,
    /// Whether it is sent any. Enabled anew it goes on with what happens from then on.
    #[schemars(with = "bool")]
    pub enabled: Option<bool>,
}

/// How endpoints are listed: newest first.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct WebhookEndpointQuery {
    /// The page, from 1.
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
    /// How many a page.
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
    /// Continues a list where `nextCursor` says; empty begins one.
    pub cursor: Option<String>,
}

/// How an endpoint's deliveries are listed: by event, the newest first.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct WebhookDeliveryQuery {
    /// The page, from 1.
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
    /// How many a page.
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
    /// Continues a list where `nextCursor` says; empty begins one.
    pub cursor: Option<String>,
    /// Only those of which this became.
    pub status: Option<WebhookStatus>,
}

/// From where an endpoint is sent everything once more.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplayInput {
    /// The events after this sequence; 0 for all.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    pub after_sequence: i64,
}

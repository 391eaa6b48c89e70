//! Webhook endpoints and what became of the events sent to them, as published; and when a delivery that
//! failed is tried again.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::ids::{EndpointId, EventId, WebhookDeliveryId};
use crate::json;
use crate::status::statuses;

/// How many endpoints a company may have.
pub const MOST_ENDPOINTS: usize = 50;
/// How often a delivery is tried.
pub const ATTEMPTS: u32 = 8;
/// How long a rolled secret signs beside the new one.
pub const OVERLAP: SignedDuration = SignedDuration::from_hours(24);
/// How long an endpoint may fail before it is disabled.
pub const FAILING_AT_MOST: SignedDuration = SignedDuration::from_hours(5 * 24);

/// How long after each attempt the next one is made: 30 s, 2 min, 8 min, 32 min, 2 h, 8.5 h, 10 h.
const WAITS: [SignedDuration; 7] = [
    SignedDuration::from_secs(30),
    SignedDuration::from_mins(2),
    SignedDuration::from_mins(8),
    SignedDuration::from_mins(32),
    SignedDuration::from_hours(2),
    SignedDuration::from_mins(510),
    SignedDuration::from_hours(10),
];

/// The longest of them: no receiver has us wait for longer.
pub const LONGEST_WAIT: SignedDuration = WAITS[WAITS.len() - 1];

/// How long after that many attempts the next is made; none after the last. Not before the receiver `asked` to be
/// left alone for, but for more than the longest wait. `chance` spreads what failed together over a tenth more, so
/// that it does not come back together.
pub fn wait_after(attempts: u32, asked: Option<SignedDuration>, chance: u32) -> Option<SignedDuration> {
    let own = *WAITS.get(usize::try_from(attempts.checked_sub(1)?).ok()?)?;
    let wait = own.max(asked.unwrap_or_default().min(LONGEST_WAIT));
    let tenth = wait.as_millis() / 10;
    let more = tenth * i128::from(chance) / i128::from(u32::MAX);
    Some(wait + SignedDuration::from_millis(i64::try_from(more).unwrap_or(0)))
}

/// An endpoint as kept and published; its secret is neither.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookEndpoint {
    /// Its id.
    pub id: EndpointId,
    /// Where its events are sent.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// Which events it is sent, by type; all when empty.
    pub topics: Vec<String>,
    /// Whether it is sent any.
    pub enabled: bool,
    /// When it was made.
    #[serde(serialize_with = "json::instant")]
    #[schemars(with = "json::Instant")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(serialize_with = "json::instant")]
    #[schemars(with = "json::Instant")]
    pub updated_at: Timestamp,
}

impl WebhookEndpoint {
    /// Whether an event of this type is sent to it.
    pub fn takes(&self, kind: &str) -> bool {
        self.topics.is_empty() || self.topics.iter().any(|topic| topic == kind)
    }
}

/// An endpoint with its secret, right after that was made: the only time it is seen.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookEndpointWithSecret {
    /// The endpoint.
    #[serde(flatten)]
    pub endpoint: WebhookEndpoint,
    /// What its deliveries are signed with (`whsec_…`); null in a preview, and where the answer is given
    /// again under its idempotency key: it is not stored. Roll the secret if it was lost.
    pub secret: Option<String>,
}

statuses! {
    /// What became of an event on its way to an endpoint.
    WebhookStatus {
        /// It is to be tried, again.
        Pending "pending"
        /// It was taken.
        Delivered "delivered"
        /// It was given up.
        Failed "failed"
    }
}

/// An event on its way to an endpoint.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookDelivery {
    /// Its id.
    pub id: WebhookDeliveryId,
    /// To which endpoint.
    pub endpoint_id: EndpointId,
    /// The event's id: the `webhook-id` of every attempt.
    pub event_id: EventId,
    /// The event's place in the company's log.
    pub sequence: i64,
    /// The event's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What became of it.
    pub status: WebhookStatus,
    /// How often it was tried.
    pub attempt_count: u32,
    /// When it was first tried.
    #[serde(serialize_with = "json::opt_instant")]
    #[schemars(with = "Option<json::Instant>")]
    pub first_attempt_at: Option<Timestamp>,
    /// When it was last tried.
    #[serde(serialize_with = "json::opt_instant")]
    #[schemars(with = "Option<json::Instant>")]
    pub last_attempt_at: Option<Timestamp>,
    /// When it is tried next; null when it is not, or waits for an earlier event of the same resource.
    #[serde(serialize_with = "json::opt_instant")]
    #[schemars(with = "Option<json::Instant>")]
    pub next_attempt_at: Option<Timestamp>,
    /// When it was taken.
    #[serde(serialize_with = "json::opt_instant")]
    #[schemars(with = "Option<json::Instant>")]
    pub delivered_at: Option<Timestamp>,
    /// How long the receiver took over the last attempt, in milliseconds.
    pub duration_ms: Option<u32>,
    /// The status that the receiver last answered.
    pub response_status: Option<u32>,
    /// Why the last attempt failed.
    pub last_error: Option<WebhookError>,
}

/// A delivery that is made once more: as it was when that was asked for, which is not for long.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct WebhookRedelivery {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: WebhookDelivery,
}

/// Why an attempt failed.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct WebhookError {
    /// As `TIMEOUT`.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// What a replay begins with.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Replay {
    /// The endpoint.
    pub id: EndpointId,
    /// Events after this one are sent, again.
    pub after_sequence: i64,
    /// The last event there is.
    pub last_sequence: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "8 attempts over about 21 h (30 s, 2 min, 8 min, 32 min, 2 h, 8.5 h, 10 h)".
    #[test]
    fn a_delivery_is_tried_eight_times_over_about_21_hours() {
        let waits: Vec<i64> = (1..).map_while(|n| wait_after(n, None, 0)).map(|wait| wait.as_secs()).collect();
        assert_eq!(waits, [30, 120, 480, 1_920, 7_200, 30_600, 36_000]);
        assert_eq!(waits.len() + 1, ATTEMPTS as usize);
        let hours = waits.iter().sum::<i64>() / 3_600;
        assert_eq!(hours, 21);
        assert_eq!(waits.iter().max(), Some(&LONGEST_WAIT.as_secs()));
        assert_eq!(wait_after(0, None, 0), None);
        // At most a tenth later, never earlier.
        assert_eq!(wait_after(1, None, u32::MAX), Some(SignedDuration::from_secs(33)));
        assert!(wait_after(7, None, 1 << 31).is_some_and(|wait| (36_000..39_600).contains(&wait.as_secs())));
    }

    #[test]
    fn a_receiver_is_left_alone_for_as_long_as_it_asks() {
        let wait = |attempts, asked| wait_after(attempts, Some(SignedDuration::from_secs(asked)), 0);
        for (attempts, asked, seconds) in
            [(1, 29, 30), (1, 600, 600), (3, 600, 600), (4, 600, 1_920), (1, 86_400, 36_000), (2, -5, 120)]
        {
            let expected = Some(SignedDuration::from_secs(seconds));
            assert_eq!(wait(attempts, asked), expected, "asked for {asked} s after attempt {attempts}");
        }
        // What was asked for gives no more attempts than there are.
        assert_eq!(wait(8, 600), None);
    }
}

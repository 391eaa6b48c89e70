//! Events as published: the log of all that happened in a company, what is sent of it, and every type there is.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::ids::{DocumentId, EventId, KeyId};
use crate::json;

/// What is documented of LedgerBee's billing engine (subscriptions) is known here before there is an engine.
/// Each type with what it means; an endpoint's topics are taken from them.
pub const TYPES: &[(&str, &str)] = &[
    ("invoice.created", "An invoice was drafted"),
    ("invoice.updated", "A draft was written anew"),
    ("invoice.deleted", "A draft was deleted"),
    ("invoice.cancelled", "An invoice that was never booked was ended"),
    ("invoice.sent", "An invoice was numbered, booked and sent"),
    ("invoice.credited", "A credit note names the invoice"),
    ("invoice.partially_paid", "Something of an invoice was paid or set off"),
    ("invoice.paid", "Nothing of an invoice is open"),
    ("invoice.overdue", "An invoice is past its due date"),
    ("invoice.written_off", "Something of an invoice was given up"),
    ("credit_note.created", "A credit note was made and numbered"),
    ("credit_note.updated", "A numbered draft was written anew"),
    ("credit_note.sent", "A credit note was booked and sent"),
    ("credit_note.voided", "A credit note that will not be sent was retired"),
    ("credit_note.allocated", "A credit note was set off"),
    ("credit_note.unallocated", "What a credit note was set off against was taken back"),
    ("credit_note.refunded", "A credit note was paid out"),
    ("payment.recorded", "A payment was recorded"),
    ("payment.reversed", "A payment was taken back"),
    ("allocation.created", "Something was set off against an invoice"),
    ("allocation.deleted", "What was set off was taken back"),
    ("refund.created", "A credit was paid out"),
    ("refund.deleted", "A refund was taken back"),
    ("write_off.created", "Something of an invoice was given up"),
    ("write_off.deleted", "A write-off was taken back"),
    ("delivery.created", "A sending of a document was begun"),
    ("delivery.updated", "A sending has come further on its way"),
    ("delivery.deleted", "A sending was taken back before its time"),
    ("delivery.succeeded", "A channel has taken a document"),
    ("delivery.failed", "A channel gave a document up"),
    ("dunning_schedule.updated", "The dunning schedule was changed"),
    ("dunning.paused", "The reminders of an invoice are held back"),
    ("dunning.resumed", "The reminders of an invoice are not held back any more"),
    ("reminder.created", "A reminder of an invoice was made, with its fee"),
    ("reminder.updated", "The mail of a reminder did not leave and is tried again"),
    ("reminder.sent", "The mail server has taken a reminder"),
    ("reminder.failed", "A reminder was given up and its fee taken back"),
    ("reminder.cancelled", "A reminder was not sent, as nothing was to be reminded of any more"),
    ("reminder.fee_reversed", "The fee of a reminder was taken back"),
    ("file.created", "A document's copy was archived"),
    ("quote.created", "A quote was made"),
    ("quote.updated", "A quote was written anew"),
    ("quote.deleted", "A quote was deleted"),
    ("quote.sent", "A quote was sent"),
    ("quote.accepted", "A quote was accepted"),
    ("quote.rejected", "A quote was rejected"),
    ("quote.expired", "A quote has run out"),
    ("quote.converted", "A quote became another document"),
    ("quote.cancelled", "A quote was ended"),
    ("order_confirmation.created", "An order confirmation was made"),
    ("order_confirmation.updated", "An order confirmation was written anew"),
    ("order_confirmation.deleted", "An order confirmation was deleted"),
    ("order_confirmation.sent", "An order confirmation was sent"),
    ("order_confirmation.converted", "An order confirmation became an invoice"),
    ("order_confirmation.cancelled", "An order confirmation was ended"),
    ("company.created", "The company was founded"),
    ("company.updated", "The company was changed"),
    ("customer.created", "A customer was added"),
    ("customer.updated", "A customer was changed"),
    ("customer.deleted", "A customer was deleted"),
    ("customer.erased", "A private person was erased"),
    ("customer_contact.created", "A contact of a customer was added"),
    ("customer_contact.updated", "A contact of a customer was changed"),
    ("customer_contact.deleted", "A contact of a customer was deleted"),
    ("customer_contact.erased", "A contact of a customer was erased"),
    ("customer_department.created", "A department of a customer was added"),
    ("customer_department.updated", "A department of a customer was changed"),
    ("customer_department.deleted", "A department of a customer was deleted"),
    ("customer_group.created", "A customer group was added"),
    ("customer_group.updated", "A customer group was changed"),
    ("customer_group.deleted", "A customer group was deleted"),
    ("product.created", "A product was added"),
    ("product.updated", "A product was changed"),
    ("product.deleted", "A product was deleted"),
    ("product_group.created", "A product group was added"),
    ("product_group.updated", "A product group was changed"),
    ("product_group.deleted", "A product group was deleted"),
    ("price.created", "A price was added"),
    ("price.updated", "A price was changed"),
    ("price.deleted", "A price was deleted"),
    ("account.created", "An account was added"),
    ("account.updated", "An account was changed"),
    ("account.deleted", "An account was deleted"),
    ("vat_code.created", "A VAT code was added"),
    ("vat_code.updated", "A VAT code was changed"),
    ("vat_code.deleted", "A VAT code was deleted"),
    ("exchange_rate.created", "An exchange rate was set"),
    ("exchange_rate.updated", "An exchange rate was changed"),
    ("exchange_rate.deleted", "An exchange rate was taken away"),
    ("exchange_rates.imported", "Exchange rates were imported"),
    ("oss_rate.created", "An OSS rate was set"),
    ("oss_rate.updated", "An OSS rate was changed"),
    ("document_template.created", "A document template was added"),
    ("document_template.updated", "A document template has a new version"),
    ("document_template.deleted", "A document template was retired"),
    ("number_series.created", "A number series was added"),
    ("number_series.updated", "A number series was changed"),
    ("number_series.deleted", "A number series was deleted"),
    ("journal_category.created", "A journal category was added"),
    ("journal_category.updated", "A journal category was changed"),
    ("journal_category.deleted", "A journal category was deleted"),
    ("api_key.created", "An API key was made"),
    ("api_key.updated", "An API key was revoked"),
    ("api_key.deleted", "An API key was deleted"),
    ("webhook_endpoint.created", "A webhook endpoint was added"),
    ("webhook_endpoint.updated", "A webhook endpoint was changed, or its secret rolled"),
    ("webhook_endpoint.deleted", "A webhook endpoint was deleted"),
    ("webhook_endpoint.disabled", "A webhook endpoint failed for too long and is sent nothing any more"),
    ("webhook_endpoint.tested", "A test was asked for; sent to that endpoint alone, whatever its topics"),
    ("webhook_endpoint.redelivered", "A delivery is made once more, as somebody asked"),
    ("webhook_endpoint.replayed", "Events are sent once more from a point on, as somebody asked"),
    ("subscription.assigned", "A subscription was assigned"),
    ("subscription.started", "A subscription began"),
    ("subscription.updated", "A subscription was changed"),
    ("subscription.transitioned", "A subscription moved to another version"),
    ("subscription.paused", "A subscription was paused"),
    ("subscription.resumed", "A subscription goes on"),
    ("subscription.trial_ended", "A trial came to its end"),
    ("subscription.cancellation_scheduled", "A subscription will end"),
    ("subscription.cancellation_cleared", "A subscription will not end after all"),
    ("subscription.churned", "A subscription ended"),
    ("subscription.billed", "A subscription was billed"),
    ("subscription.payment_succeeded", "A subscription was paid"),
    ("subscription.error", "A subscription could not be billed"),
    ("billing.credit_note_sent", "The billing engine sent a credit note"),
    ("billing.invoice_sent", "The billing engine sent an invoice"),
];

/// The event that a test of an endpoint is.
pub const TESTED: &str = "webhook_endpoint.tested";

/// Whether there are events of this type.
pub fn is_type(text: &str) -> bool {
    TYPES.iter().any(|(name, _)| *name == text)
}

/// An event of the log.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicEvent {
    /// Its id: the `webhook-id` of its deliveries.
    pub id: EventId,
    /// Its place in the company's log, from 1 and without gaps.
    pub sequence: i64,
    /// As `credit_note.sent`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When.
    #[serde(serialize_with = "json::instant")]
    #[schemars(with = "json::Instant")]
    pub occurred_at: Timestamp,
    /// What it happened to.
    pub resource: EventResource,
    /// Who did it.
    pub actor: EventActor,
    /// The request, as in `X-Request-Id`; empty where none came over HTTP.
    pub request_id: String,
    /// When what it said of a person was taken out; null where nothing was.
    #[serde(serialize_with = "json::opt_instant")]
    #[schemars(with = "Option<json::Instant>")]
    pub redacted_at: Option<Timestamp>,
    /// The published resource as it was then.
    #[schemars(with = "Map<String, Value>")]
    pub data: Box<RawValue>,
}

/// What an event happened to.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct EventResource {
    /// As `credit_note`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    #[schemars(with = "DocumentId")]
    pub id: Uuid,
}

/// Who did it.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct EventActor {
    /// `api_key`, `operator` or `system`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The API key's id.
    pub id: Option<KeyId>,
}

/// A part of the log.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventLog {
    /// The events, the oldest first.
    pub data: Vec<PublicEvent>,
    /// How many it holds at most.
    pub limit: u32,
    /// What `after` goes on with; null at the end of the log.
    pub next_after: Option<i64>,
    /// The last event there is.
    pub last_sequence: i64,
}

/// What a delivery's body holds beside the event's own JSON.
pub struct Envelope<'e> {
    /// The event's id.
    pub id: EventId,
    /// Its type.
    pub kind: &'e str,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Its place in the log.
    pub sequence: i64,
}

impl Envelope<'_> {
    /// The body: the very bytes that are signed.
    pub fn body(&self, data: &str) -> String {
        let Envelope { id, kind, occurred_at, sequence } = self;
        let timestamp = json::instant_text(*occurred_at);
        format!(r#"{{"id":"{id}","type":"{kind}","timestamp":"{timestamp}","sequence":{sequence},"data":{data}}}"#)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_is_told_once() {
        let mut names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(is_type("billing.credit_note_sent") && is_type(TESTED) && !is_type("credit_note.*"));
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'.')));
    }

    /// Every type has its line in docs/webhooks.md, and no line is of a type that there is not.
    #[test]
    fn each_type_is_documented() {
        let text = include_str!("../../../docs/webhooks.md");
        let told: Vec<(&str, &str)> = text
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "))
            .filter(|(name, _)| name.contains('.'))
            .collect();
        assert_eq!(told, TYPES);
    }
}

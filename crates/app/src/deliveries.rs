//! What became of a sending: summary and every attempt; and the deed of delivering.

use billing::customers::DeliveryType;
use billing::document::Document;
use billing::ids::{AttemptId, DeliveryId, DocumentId};
use billing::json::instant_text;
use billing::kind::Kind;
use billing::status::DeliveryState;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use store::deliveries::{Attempt, Delivery};
use store::{deliveries, documents};

use crate::documents::find;
use crate::{Error, View, Work};

/// Why a delivery failed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PublicDeliveryError {
    /// Stable, for programs.
    pub code: String,
    /// For people.
    pub message: String,
}

/// One delivery, as in events.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// The document.
    pub document_id: DocumentId,
    /// The channel.
    pub delivery_type: DeliveryType,
    /// The address.
    pub recipient: Option<String>,
    /// How far it has come.
    pub status: String,
    /// How often it was tried.
    pub attempt_count: i64,
    /// Why the last try failed.
    pub last_error: Option<PublicDeliveryError>,
    /// When it was asked for.
    pub created_at: String,
}

/// The deliveries of a document in one.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliverySummary {
    /// `none scheduled pending delivered accepted rejected failed`.
    pub status: String,
    /// The channel of the newest delivery.
    pub delivery_type: Option<DeliveryType>,
    /// Its address.
    pub recipient: Option<String>,
    /// How often it was tried.
    pub attempt_count: i64,
    /// When it was first tried.
    pub first_attempt_at: Option<String>,
    /// When it was last tried.
    pub last_attempt_at: Option<String>,
    /// When the channel took it.
    pub delivered_at: Option<String>,
    /// When it is tried next.
    pub next_attempt_at: Option<String>,
    /// Why the last try failed.
    pub last_error: Option<PublicDeliveryError>,
}

/// One attempt.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicAttempt {
    /// Its id.
    pub id: AttemptId,
    /// The delivery it belongs to.
    pub delivery_id: DeliveryId,
    /// Its count in the delivery, from 1.
    pub attempt: i64,
    /// The channel.
    pub delivery_type: DeliveryType,
    /// The address.
    pub recipient: Option<String>,
    /// `delivered` or `failed`.
    pub status: String,
    /// When it began.
    pub started_at: String,
    /// When it ended.
    pub finished_at: Option<String>,
    /// The message's id at the provider.
    pub provider_message_id: Option<String>,
    /// Why it failed.
    pub error: Option<PublicDeliveryError>,
}

/// What became of a document's sending.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryStatus {
    /// The document.
    pub document_id: DocumentId,
    /// Its number.
    pub number: Option<String>,
    /// The newest delivery.
    pub summary: DeliverySummary,
    /// Every attempt of every delivery, oldest first.
    pub attempts: Vec<PublicAttempt>,
}

fn error(error: Option<&(String, String)>) -> Option<PublicDeliveryError> {
    error.map(|(code, message)| PublicDeliveryError { code: code.clone(), message: message.clone() })
}

pub(crate) fn public(delivery: &Delivery) -> PublicDelivery {
    PublicDelivery {
        id: delivery.id,
        document_id: delivery.document_id,
        delivery_type: delivery.delivery_type,
        recipient: delivery.recipient.clone(),
        status: delivery.status.clone(),
        attempt_count: delivery.attempt_count,
        last_error: error(delivery.last_error.as_ref()),
        created_at: instant_text(delivery.created_at),
    }
}

/// What became of an invoice's sending.
///
/// # Errors
/// `INVOICE_NOT_FOUND`.
pub fn of_invoice(view: &mut View<'_>, id: DocumentId) -> Result<DeliveryStatus, Error> {
    status(view, Kind::Invoice, id)
}

/// What became of a credit note's sending.
///
/// # Errors
/// `CREDIT_NOTE_NOT_FOUND`.
pub fn of_credit_note(view: &mut View<'_>, id: DocumentId) -> Result<DeliveryStatus, Error> {
    status(view, Kind::CreditNote, id)
}

fn status(view: &mut View<'_>, kind: Kind, id: DocumentId) -> Result<DeliveryStatus, Error> {
    let document = find(view.tx, view.company.id, kind, id)?;
    let newest = deliveries::of(view.tx, view.company.id, id)?.pop();
    let attempts = deliveries::attempts_of(view.tx, view.company.id, id)?;
    let summary = match &newest {
        Some(delivery) => summary(delivery),
        None => DeliverySummary {
            status: "none".to_owned(),
            delivery_type: None,
            recipient: None,
            attempt_count: 0,
            first_attempt_at: None,
            last_attempt_at: None,
            delivered_at: None,
            next_attempt_at: None,
            last_error: None,
        },
    };
    Ok(DeliveryStatus {
        document_id: id,
        number: document.number.map(|number| number.text),
        summary,
        attempts: attempts.into_iter().map(attempt).collect(),
    })
}

fn summary(delivery: &Delivery) -> DeliverySummary {
    DeliverySummary {
        status: delivery.status.clone(),
        delivery_type: Some(delivery.delivery_type),
        recipient: delivery.recipient.clone(),
        attempt_count: delivery.attempt_count,
        first_attempt_at: delivery.first_attempt_at.map(instant_text),
        last_attempt_at: delivery.last_attempt_at.map(instant_text),
        delivered_at: delivery.delivered_at.map(instant_text),
        next_attempt_at: delivery.next_attempt_at.map(instant_text),
        last_error: error(delivery.last_error.as_ref()),
    }
}

fn attempt(attempt: Attempt) -> PublicAttempt {
    PublicAttempt {
        id: attempt.id,
        delivery_id: attempt.delivery_id,
        attempt: attempt.attempt,
        delivery_type: attempt.delivery_type,
        recipient: attempt.recipient,
        status: attempt.status,
        started_at: instant_text(attempt.started_at),
        finished_at: attempt.finished_at.map(instant_text),
        provider_message_id: attempt.provider_message_id,
        error: error(attempt.error.as_ref()),
    }
}

/// How one try ended.
#[derive(Clone)]
pub(crate) enum Outcome {
    /// The channel took it, under this id.
    Taken(String),
    /// It may work later: code and sentence.
    Passing(&'static str, String),
    /// It never will: code and sentence.
    Permanent(&'static str, String),
}

/// After how many seconds the next try follows the n-th: about 21 hours in all.
const RETRY_AFTER_SECONDS: [i64; 7] = [30, 120, 480, 1_920, 7_200, 30_600, 36_000];

/// Records a try. Answers when the next is due, none when the delivery is at its end.
pub(crate) fn record(
    work: &mut Work<'_>,
    id: DeliveryId,
    started_at: Timestamp,
    outcome: &Outcome,
) -> Result<Option<Timestamp>, Error> {
    let company_id = work.company.id;
    let mut delivery =
        deliveries::get(work.tx, company_id, id)?.ok_or_else(|| Error::Broken(format!("there is no delivery {id}")))?;
    let mut document: Document = documents::get(work.tx, company_id, delivery.document_id)?
        .ok_or_else(|| Error::Broken(format!("delivery {id} has no document")))?;
    delivery.attempt_count += 1;
    delivery.first_attempt_at = delivery.first_attempt_at.or(Some(started_at));
    delivery.last_attempt_at = Some(started_at);
    delivery.next_attempt_at = None;
    delivery.last_error = match outcome {
        Outcome::Taken(_) => None,
        Outcome::Passing(code, message) | Outcome::Permanent(code, message) => {
            Some(((*code).to_owned(), message.clone()))
        }
    };
    let retry = usize::try_from(delivery.attempt_count - 1).ok().and_then(|n| RETRY_AFTER_SECONDS.get(n));
    match (outcome, retry) {
        (Outcome::Taken(_), _) => {
            delivery.status = "delivered".to_owned();
            delivery.delivered_at = Some(work.now);
        }
        (Outcome::Passing(..), Some(seconds)) => {
            delivery.next_attempt_at = Some(work.now + SignedDuration::from_secs(*seconds));
        }
        _ => delivery.status = "failed".to_owned(),
    }
    let provider_message_id = match outcome {
        Outcome::Taken(id) => Some(id.clone()),
        _ => None,
    };
    let attempt = Attempt {
        id: work.new_id(),
        delivery_id: id,
        document_id: document.id,
        attempt: delivery.attempt_count,
        delivery_type: delivery.delivery_type,
        recipient: delivery.recipient.clone(),
        status: if provider_message_id.is_some() { "delivered" } else { "failed" }.to_owned(),
        started_at,
        finished_at: Some(work.now),
        provider_message_id,
        error: delivery.last_error.clone(),
    };
    deliveries::insert_attempt(work.tx, company_id, &attempt)?;
    deliveries::update(work.tx, company_id, &delivery)?;
    let event = match delivery.status.as_str() {
        "delivered" => {
            document.facts.delivery = DeliveryState::Delivered;
            document.facts.sent_at = document.facts.sent_at.or(Some(work.now));
            "delivery.succeeded"
        }
        "failed" => {
            document.facts.delivery = DeliveryState::Failed;
            "delivery.failed"
        }
        _ => "delivery.updated",
    };
    document.updated_at = work.now;
    documents::set_facts(work.tx, company_id, &document)?;
    work.event(event, "delivery", id, &public(&delivery), None);
    Ok(delivery.next_attempt_at)
}

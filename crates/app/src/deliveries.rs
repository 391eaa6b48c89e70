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
use store::jobs::{self, NewJob};
use store::{deliveries, documents};

use crate::access_point::Progress;
use crate::documents::find;
use crate::{Error, View, Work, channel};

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
    /// `scheduled pending delivered accepted rejected failed`.
    pub status: String,
    /// How often it was tried.
    pub attempt_count: i64,
    /// Why the last try failed.
    pub last_error: Option<PublicDeliveryError>,
    /// Its id at the access point.
    pub sproom_document_id: Option<String>,
    /// When a scheduled one is sent.
    pub scheduled_at: Option<String>,
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
    /// `sent` (to an access point that hands it on), `delivered` or `failed`.
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

/// How far a delivery has come, as published: what an access point has is still on its way.
fn told(delivery: &Delivery) -> String {
    if delivery.status == TAKEN { PENDING.to_owned() } else { delivery.status.clone() }
}

pub(crate) fn public(delivery: &Delivery) -> PublicDelivery {
    PublicDelivery {
        id: delivery.id,
        document_id: delivery.document_id,
        delivery_type: delivery.delivery_type,
        recipient: delivery.recipient.clone(),
        status: told(delivery),
        attempt_count: delivery.attempt_count,
        last_error: error(delivery.last_error.as_ref()),
        sproom_document_id: delivery.provider_document_id.clone(),
        scheduled_at: delivery.scheduled_at.map(instant_text),
        created_at: instant_text(delivery.created_at),
    }
}

/// What became of the sending of a document of this kind.
pub(crate) fn status(view: &mut View<'_>, kind: Kind, id: DocumentId) -> Result<DeliveryStatus, Error> {
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
        status: told(delivery),
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

/// To be sent at its instant.
pub(crate) const SCHEDULED: &str = "scheduled";
/// An attempt or a retry is to come.
pub(crate) const PENDING: &str = "pending";
/// The access point has it and hands it on.
pub(crate) const TAKEN: &str = "taken";
/// It arrived.
pub(crate) const DELIVERED: &str = "delivered";
/// Its receiver takes it.
const ACCEPTED: &str = "accepted";
/// Its receiver refuses it.
pub(crate) const REJECTED: &str = "rejected";
/// The channel gave up.
pub(crate) const FAILED: &str = "failed";

/// How one try ended.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// It arrived where the channel ends, under this id.
    Delivered(String),
    /// An access point took it under this id and hands it on.
    Taken(String),
    /// It may work later: code and sentence.
    Passing(&'static str, String),
    /// The same, and it asks to be left alone for so long.
    Busy(&'static str, String, SignedDuration),
    /// It never will: code and sentence.
    Permanent(&'static str, String),
}

/// After how many seconds the next try follows the n-th: about 21 hours in all.
const RETRY_AFTER_SECONDS: [i64; 7] = [30, 120, 480, 1_920, 7_200, 30_600, 36_000];
/// The n-th part by which a retry comes later at most, so that many do not come at once.
const JITTER: i64 = 10;
/// How soon after an e-invoice was taken it is first asked how far it has come, and how often at least.
const FIRST_LOOK: SignedDuration = SignedDuration::from_mins(1);
const LAST_LOOKS: SignedDuration = SignedDuration::from_hours(6);
/// How long after an e-invoice was taken its receiver may still answer.
const ANSWERED_WITHIN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// When the next try follows the n-th, counted from 0; none after the last. Not before the receiver `asked` to be
/// left alone for, but for more than the longest step. Each delivery waits a little longer by bits of its id, which
/// are random.
pub(crate) fn retry_after(id: DeliveryId, n: i64, asked: SignedDuration) -> Option<SignedDuration> {
    let n = usize::try_from(n).ok()?;
    let own = SignedDuration::from_secs(*RETRY_AFTER_SECONDS.get(n)?);
    let longest = SignedDuration::from_secs(RETRY_AFTER_SECONDS[RETRY_AFTER_SECONDS.len() - 1]);
    let millis = i64::try_from(asked.clamp(own, longest).as_millis()).ok()?;
    let spread = i64::from(id.0.as_bytes()[9 + n % 7]);
    Some(SignedDuration::from_millis(millis + millis * spread / (255 * JITTER)))
}

/// How long until an e-invoice of this age is asked for again: as long again as half its age.
fn look_after(age: SignedDuration) -> SignedDuration {
    (age / 2).clamp(FIRST_LOOK, LAST_LOOKS)
}

/// Records a try. Answers when the next is due, none when no more will be made.
pub(crate) fn record(
    work: &mut Work<'_>,
    id: DeliveryId,
    started_at: Timestamp,
    outcome: &Outcome,
) -> Result<Option<Timestamp>, Error> {
    let company_id = work.company.id;
    let (mut delivery, mut document) = find_both(work, id)?;
    let number = delivery.attempt_count;
    delivery.attempt_count += 1;
    delivery.first_attempt_at = delivery.first_attempt_at.or(Some(started_at));
    delivery.last_attempt_at = Some(started_at);
    delivery.next_attempt_at = None;
    delivery.last_error = None;
    let (mut provider_message_id, mut attempt_status) = (None, FAILED);
    match outcome {
        Outcome::Delivered(at) => {
            DELIVERED.clone_into(&mut delivery.status);
            delivery.delivered_at = Some(work.now);
            (provider_message_id, attempt_status) = (Some(at.clone()), DELIVERED);
        }
        Outcome::Taken(at) => {
            TAKEN.clone_into(&mut delivery.status);
            delivery.provider_document_id = Some(at.clone());
            (provider_message_id, attempt_status) = (Some(at.clone()), "sent");
            let queue = channel::queue(delivery.delivery_type, delivery.recipient.as_deref());
            let due_at = work.now + FIRST_LOOK;
            let job = NewJob { id: work.new_id(), kind: "poll", subject_id: id.0, queue: &queue, due_at };
            jobs::add(work.tx, company_id, &job, work.now)?;
        }
        Outcome::Passing(code, message) | Outcome::Busy(code, message, _) | Outcome::Permanent(code, message) => {
            delivery.last_error = Some(((*code).to_owned(), message.clone()));
            let retry = match outcome {
                Outcome::Busy(_, _, asked) => retry_after(id, number, *asked),
                Outcome::Passing(..) => retry_after(id, number, SignedDuration::ZERO),
                _ => None,
            };
            match retry {
                Some(pause) => delivery.next_attempt_at = Some(work.now + pause),
                None => FAILED.clone_into(&mut delivery.status),
            }
        }
    }
    let attempt = Attempt {
        id: work.new_id(),
        delivery_id: id,
        document_id: document.id,
        attempt: delivery.attempt_count,
        delivery_type: delivery.delivery_type,
        recipient: delivery.recipient.clone(),
        status: attempt_status.to_owned(),
        started_at,
        finished_at: Some(work.now),
        provider_message_id,
        error: delivery.last_error.clone(),
    };
    deliveries::insert_attempt(work.tx, company_id, &attempt)?;
    let state = match delivery.status.as_str() {
        // The channel has it: the document is sent.
        DELIVERED | TAKEN => DeliveryState::Delivered,
        FAILED => DeliveryState::Failed,
        _ => DeliveryState::Pending,
    };
    if state == DeliveryState::Delivered {
        document.facts.sent_at = document.facts.sent_at.or(Some(work.now));
    }
    keep(work, &delivery, &mut document, state)?;
    Ok(delivery.next_attempt_at)
}

/// Records how far an e-invoice has come beyond the access point. Answers when to ask again, none when no
/// more is to be known; not before the access point asked to be left alone for.
pub(crate) fn record_progress(
    work: &mut Work<'_>,
    id: DeliveryId,
    progress: &Progress,
) -> Result<Option<Timestamp>, Error> {
    let (mut delivery, mut document) = find_both(work, id)?;
    if delivery.status != TAKEN && delivery.status != DELIVERED {
        work.nothing_happened();
        return Ok(None);
    }
    let before = delivery.clone();
    let refused = |code: &str, why: &String| Some((code.to_owned(), why.clone()));
    match progress {
        Progress::Underway(why) if delivery.status == TAKEN => {
            delivery.last_error = why.as_ref().and_then(|why| refused("ACCESS_POINT_UNDERWAY", why));
        }
        Progress::Underway(_) | Progress::Unheard(_) => {}
        Progress::Delivered => DELIVERED.clone_into(&mut delivery.status),
        Progress::Accepted => ACCEPTED.clone_into(&mut delivery.status),
        Progress::Rejected(why) => {
            REJECTED.clone_into(&mut delivery.status);
            delivery.last_error = refused("RECEIVER_REJECTED", why);
        }
        Progress::Failed(why) => {
            FAILED.clone_into(&mut delivery.status);
            delivery.last_error = refused("ACCESS_POINT_GAVE_UP", why);
        }
    }
    let age = work.now.duration_since(delivery.last_attempt_at.unwrap_or(delivery.created_at));
    if age >= ANSWERED_WITHIN && delivery.status == TAKEN {
        FAILED.clone_into(&mut delivery.status);
        let message = "The access point said for 30 days neither that it arrived nor that it did not.";
        delivery.last_error = delivery.last_error.or(Some(("ACCESS_POINT_SILENT".to_owned(), message.to_owned())));
    }
    if delivery.status == DELIVERED || delivery.status == ACCEPTED {
        delivery.delivered_at = delivery.delivered_at.or(Some(work.now));
        delivery.last_error = None;
    }
    if delivery == before {
        work.nothing_happened();
    } else {
        let state = if delivery.status == FAILED { DeliveryState::Failed } else { DeliveryState::Delivered };
        keep(work, &delivery, &mut document, state)?;
    }
    let is_open = (delivery.status == TAKEN || delivery.status == DELIVERED) && age < ANSWERED_WITHIN;
    let asked = if let Progress::Unheard(asked) = progress { *asked } else { SignedDuration::ZERO };
    Ok(is_open.then(|| work.now + look_after(age).max(asked.min(LAST_LOOKS))))
}

fn find_both(work: &mut Work<'_>, id: DeliveryId) -> Result<(Delivery, Document), Error> {
    let company_id = work.company.id;
    let delivery =
        deliveries::get(work.tx, company_id, id)?.ok_or_else(|| Error::Broken(format!("there is no delivery {id}")))?;
    let document = documents::get(work.tx, company_id, delivery.document_id)?
        .ok_or_else(|| Error::Broken(format!("delivery {id} has no document")))?;
    Ok((delivery, document))
}

/// Shelves how far a delivery has come, with what that means for its document, and tells it. What a document
/// is, its newest delivery decides.
fn keep(work: &mut Work<'_>, delivery: &Delivery, document: &mut Document, state: DeliveryState) -> Result<(), Error> {
    let company_id = work.company.id;
    deliveries::update(work.tx, company_id, delivery)?;
    if deliveries::of(work.tx, company_id, document.id)?.last().is_some_and(|newest| newest.id == delivery.id) {
        document.facts.delivery = state;
    }
    document.updated_at = work.now;
    documents::set_facts(work.tx, company_id, document)?;
    let event = match delivery.status.as_str() {
        DELIVERED => "delivery.succeeded",
        ACCEPTED if delivery.delivered_at == Some(work.now) => "delivery.succeeded",
        FAILED | REJECTED => "delivery.failed",
        _ => "delivery.updated",
    };
    work.event(event, "delivery", delivery.id, &public(delivery), None);
    Ok(())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn retries_come_at_their_time_and_at_most_a_tenth_later() {
        let [soonest, latest] = [0, u128::MAX].map(|id| DeliveryId(Uuid::from_u128(id)));
        let mut whole = SignedDuration::ZERO;
        for (n, seconds) in (0..).zip(RETRY_AFTER_SECONDS) {
            let after = |id| retry_after(id, n, SignedDuration::ZERO);
            assert_eq!(after(soonest), Some(SignedDuration::from_secs(seconds)));
            assert_eq!(after(latest), Some(SignedDuration::from_secs(seconds + seconds / 10)));
            whole += SignedDuration::from_secs(seconds);
        }
        // Eight attempts over about 21 hours.
        assert_eq!(retry_after(latest, 7, SignedDuration::ZERO), None);
        assert_eq!(whole.as_hours(), 21);
        // Who asks to be left alone for longer is, but for more than the longest step.
        for (n, asked, seconds) in [(0, 29, 30), (0, 600, 600), (3, 600, 1_920), (0, i64::MAX, 36_000)] {
            let after = retry_after(soonest, n, SignedDuration::from_secs(asked));
            assert_eq!(after, Some(SignedDuration::from_secs(seconds)), "asked for {asked} s");
        }
        assert_eq!(retry_after(soonest, 7, SignedDuration::from_secs(600)), None);
    }

    #[test]
    fn an_e_invoice_is_asked_for_often_at_first_and_then_four_times_a_day() {
        for (age, pause) in
            [(0, 1), (1, 1), (4, 2), (60, 30), (10 * 60, 5 * 60), (24 * 60, 6 * 60), (29 * 24 * 60, 6 * 60)]
        {
            assert_eq!(look_after(SignedDuration::from_mins(age)), SignedDuration::from_mins(pause), "{age} min");
        }
    }
}

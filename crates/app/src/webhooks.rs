//! Webhook endpoints: where a company's events are sent. The verbs stand here; what sends is in the rooms
//! below: `secrets` seals, `signing` signs, `sending` speaks HTTP, `queue` keeps the order, `courier` works one
//! endpoint and `post` all of them.

mod courier;
pub(crate) mod post;
mod queue;
pub(crate) mod secrets;
mod sending;
mod signing;

use std::net::ToSocketAddrs as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use billing::events::{self, TESTED};
use billing::ids::{EndpointId, EventId, WebhookDeliveryId};
use billing::input::Text;
use billing::input::webhooks::{
    ReplayInput, WebhookDeliveryQuery, WebhookEndpointInput, WebhookEndpointPatch, WebhookEndpointQuery,
};
use billing::page::{Begin, Page, Part};
use billing::refusal::{Faults, Refusal};
use billing::webhook_urls::{Host, NotTaken, PRIVATE_ADDRESS, Reach, Target, is_public};
use billing::webhooks::{
    MOST_ENDPOINTS, OVERLAP, Replay, WebhookDelivery, WebhookEndpoint, WebhookEndpointWithSecret, WebhookRedelivery,
    WebhookStatus,
};
use serde_json::json;
use store::webhook_deliveries::{self as deliveries, Put};
use store::webhooks::{self as shelf, Kept};
use tokio_rustls::rustls::ClientConfig;

use crate::work::json as text_of;
use crate::{App, Caller, Error, View, Work, trust};

/// How long a name may take to be resolved when an endpoint is made.
const RESOLVED_WITHIN: Duration = Duration::from_secs(3);

/// What webhooks are sent with.
#[derive(Clone, Debug)]
pub struct Webhooks {
    /// The file of the key that secrets are sealed with; none where the operator named none and none may be made.
    pub key_file: Option<KeyFile>,
    /// Which receivers are reached.
    pub reach: Reach,
    /// Certificates (PEM) of who vouches for receivers beside the authorities of the world.
    pub authorities: Option<Vec<u8>>,
}

/// A file with the key that secrets are sealed with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeyFile {
    /// It is there: the operator made it.
    Given(PathBuf),
    /// It is made when it is first needed.
    Own(PathBuf),
}

/// What webhooks are sent with, opened.
pub(crate) struct Means {
    pub(crate) keys: secrets::Keys,
    pub(crate) reach: Reach,
    pub(crate) tls: Arc<ClientConfig>,
}

impl Means {
    /// A key that was given must be there and be one, and so must certificates.
    pub(crate) fn new(settings: Webhooks) -> Result<Means, Error> {
        let Webhooks { key_file, reach, authorities } = settings;
        if let Some(KeyFile::Given(path)) = &key_file {
            secrets::check(path)?;
        }
        let tls = trust::trusting(authorities.as_deref());
        let tls = tls.map_err(|why| Error::Broken(format!("the certificates to trust: {why}")))?;
        Ok(Means { keys: secrets::Keys::new(key_file), reach, tls })
    }
}

/// The endpoints, newest first.
///
/// # Errors
/// A cursor that is none of this list's.
pub fn list(view: &mut View<'_>, query: WebhookEndpointQuery) -> Result<Page<WebhookEndpoint>, Error> {
    let WebhookEndpointQuery { page, limit, cursor } = query;
    let part = Part::<EndpointId>::asked(page, limit, cursor.as_deref())?;
    let all = shelf::list(view.tx, view.company.id)?;
    let total = all.len() as u64;
    let skipped = match &part.begin {
        // Few are kept, and their ids are in the order of time.
        Begin::After(last) => all.iter().position(|one| one.id == *last).map_or(all.len(), |at| at + 1),
        Begin::Page(_) | Begin::First => usize::try_from(part.offset()).unwrap_or(usize::MAX),
    };
    let fetched = all.into_iter().skip(skipped).take(usize::try_from(part.fetch()).unwrap_or(usize::MAX)).collect();
    let counted = matches!(part.begin, Begin::Page(_)).then_some(total);
    Ok(part.page(fetched, counted, |endpoint| endpoint.id))
}

/// One endpoint.
///
/// # Errors
/// `WEBHOOK_ENDPOINT_NOT_FOUND`.
pub fn get(view: &mut View<'_>, id: EndpointId) -> Result<WebhookEndpoint, Error> {
    Ok(found(shelf::get(view.tx, view.company.id, id)?)?.endpoint)
}

/// Makes an endpoint, which is sent what happens from now on. Its secret is in the answer and nowhere else.
///
/// # Errors
/// `WEBHOOK_URL_NOT_ALLOWED`, unknown topics, `WEBHOOK_ENDPOINT_LIMIT`, `WEBHOOK_SECRET_KEY_MISSING`.
pub fn create(work: &mut Work<'_>, input: WebhookEndpointInput) -> Result<WebhookEndpointWithSecret, Error> {
    let WebhookEndpointInput { url, description, topics, enabled } = input;
    taken(&url, work.webhooks.reach)?;
    let topics = known(topics.unwrap_or_default())?;
    if shelf::list(work.tx, work.company.id)?.len() >= MOST_ENDPOINTS {
        let message = format!("A company has at most {MOST_ENDPOINTS} webhook endpoints; delete one first.");
        return Err(Refusal::new("WEBHOOK_ENDPOINT_LIMIT", message).into());
    }
    let endpoint = WebhookEndpoint {
        id: work.new_id(),
        url: url.0,
        description: description.map(|text| text.0),
        topics,
        enabled: enabled != Some(false),
        created_at: work.now,
        updated_at: work.now,
    };
    let (secret, sealed) = new_secret(work, endpoint.id)?;
    shelf::insert(work.tx, work.company.id, &endpoint, &sealed)?;
    work.event("webhook_endpoint.created", "webhook_endpoint", endpoint.id, &endpoint, None);
    Ok(WebhookEndpointWithSecret { endpoint, secret: Some(secret) })
}

/// Changes an endpoint. Enabled anew it goes on with what happens from then on, and with what was to be tried
/// again.
///
/// # Errors
/// `WEBHOOK_ENDPOINT_NOT_FOUND` and those of [`create`].
pub fn update(work: &mut Work<'_>, id: EndpointId, patch: WebhookEndpointPatch) -> Result<WebhookEndpoint, Error> {
    let before = found(shelf::get(work.tx, work.company.id, id)?)?.endpoint;
    let WebhookEndpointPatch { url, description, topics, enabled } = patch;
    if let Some(url) = &url {
        taken(url, work.webhooks.reach)?;
    }
    let mut after = WebhookEndpoint {
        url: url.map_or_else(|| before.url.clone(), |url| url.0),
        description: description.map(|text| text.0).over(before.description.clone()),
        topics: topics.map(known).transpose()?.unwrap_or_else(|| before.topics.clone()),
        enabled: enabled.unwrap_or(before.enabled),
        ..before.clone()
    };
    if after == before {
        work.nothing_happened();
        return Ok(after);
    }
    after.updated_at = work.now;
    shelf::update(work.tx, work.company.id, &after)?;
    match (before.enabled, after.enabled) {
        (true, false) => shelf::disable(work.tx, work.company.id, id)?,
        (false, true) => {
            shelf::enable(work.tx, work.company.id, id, work.now)?;
            deliveries::try_now(work.tx, work.company.id, id, work.now)?;
        }
        _ => {}
    }
    work.event("webhook_endpoint.updated", "webhook_endpoint", id, &after, Some(text_of(&before)));
    Ok(after)
}

/// Disables an endpoint that failed for too long, or wants nothing more.
fn disable(work: &mut Work<'_>, id: EndpointId) -> Result<(), Error> {
    let Some(kept) = shelf::get(work.tx, work.company.id, id)?.filter(|kept| kept.endpoint.enabled) else {
        work.nothing_happened();
        return Ok(());
    };
    let before = kept.endpoint;
    let after = WebhookEndpoint { enabled: false, updated_at: work.now, ..before.clone() };
    shelf::update(work.tx, work.company.id, &after)?;
    shelf::disable(work.tx, work.company.id, id)?;
    work.event("webhook_endpoint.disabled", "webhook_endpoint", id, &after, Some(text_of(&before)));
    Ok(())
}

/// Deletes an endpoint with its deliveries.
///
/// # Errors
/// `WEBHOOK_ENDPOINT_NOT_FOUND`.
pub fn delete(work: &mut Work<'_>, id: EndpointId) -> Result<(), Error> {
    let before = found(shelf::get(work.tx, work.company.id, id)?)?.endpoint;
    shelf::delete(work.tx, work.company.id, id)?;
    work.event("webhook_endpoint.deleted", "webhook_endpoint", id, &before, Some(text_of(&before)));
    Ok(())
}

/// Gives an endpoint a new secret; the one it had signs beside it for a day.
///
/// # Errors
/// `WEBHOOK_ENDPOINT_NOT_FOUND`, `WEBHOOK_SECRET_KEY_MISSING`.
pub fn roll_secret(work: &mut Work<'_>, id: EndpointId) -> Result<WebhookEndpointWithSecret, Error> {
    let before = found(shelf::get(work.tx, work.company.id, id)?)?.endpoint;
    let (secret, sealed) = new_secret(work, id)?;
    shelf::roll(work.tx, work.company.id, id, &sealed, work.now + OVERLAP, work.now)?;
    let endpoint = WebhookEndpoint { updated_at: work.now, ..before.clone() };
    work.event("webhook_endpoint.updated", "webhook_endpoint", id, &endpoint, Some(text_of(&before)));
    Ok(WebhookEndpointWithSecret { endpoint, secret: Some(secret) })
}

/// Sends a test event to an endpoint, whatever its topics: the event is in the log, its delivery among the
/// endpoint's.
///
/// # Errors
/// `WEBHOOK_ENDPOINT_NOT_FOUND`, `WEBHOOK_ENDPOINT_DISABLED`.
pub fn test(work: &mut Work<'_>, id: EndpointId) -> Result<WebhookDelivery, Error> {
    let endpoint = enabled(found(shelf::get(work.tx, work.company.id, id)?)?.endpoint)?;
    // Its event is the next of the company, whose lane we hold.
    let sequence = shelf::latest(work.tx, work.company.id)? + 1 + work.events.len() as i64;
    work.event(TESTED, "webhook_endpoint", id, &endpoint, None);
    let event_id = work.events.last().map_or(EventId(id.0), |event| event.id);
    let delivery = WebhookDelivery {
        id: work.new_id(),
        endpoint_id: id,
        event_id,
        sequence,
        kind: TESTED.to_owned(),
        status: WebhookStatus::Pending,
        attempt_count: 0,
        first_attempt_at: None,
        last_attempt_at: None,
        next_attempt_at: Some(work.now),
        delivered_at: None,
        duration_ms: None,
        response_status: None,
        last_error: None,
    };
    deliveries::put(work.tx, work.company.id, &Put { delivery: delivery.clone(), resource_id: delivery.id.0 })?;
    shelf::look_now(work.tx, work.company.id, id, work.now)?;
    work.given.borrow_mut().ids.push(event_id.0);
    Ok(delivery)
}

/// What was sent to an endpoint, the newest event first.
///
/// # Errors
/// `WEBHOOK_ENDPOINT_NOT_FOUND`, a cursor that is none of this list's.
pub fn list_deliveries(
    view: &mut View<'_>,
    id: EndpointId,
    query: WebhookDeliveryQuery,
) -> Result<Page<WebhookDelivery>, Error> {
    let WebhookDeliveryQuery { page, limit, cursor, status } = query;
    let part = Part::<i64>::asked(page, limit, cursor.as_deref())?;
    let company_id = view.company.id;
    found(shelf::get(view.tx, company_id, id)?)?;
    let before = match part.begin {
        Begin::After(sequence) => Some(sequence),
        Begin::Page(_) | Begin::First => None,
    };
    let fetched = deliveries::list(view.tx, company_id, id, status, before, part.offset(), part.fetch())?;
    let total = match part.begin {
        Begin::Page(_) => Some(deliveries::count(view.tx, company_id, id, status)?),
        Begin::First | Begin::After(_) => None,
    };
    Ok(part.page(fetched, total, |delivery| delivery.sequence))
}

/// One delivery.
///
/// # Errors
/// `WEBHOOK_DELIVERY_NOT_FOUND`.
pub fn get_delivery(
    view: &mut View<'_>,
    (endpoint_id, id): (EndpointId, WebhookDeliveryId),
) -> Result<WebhookDelivery, Error> {
    Ok(deliveries::get(view.tx, view.company.id, endpoint_id, id)?.ok_or_else(no_delivery)?)
}

/// Makes a delivery once more, whatever became of it, under the same `webhook-id`.
///
/// # Errors
/// `WEBHOOK_DELIVERY_NOT_FOUND`, `WEBHOOK_ENDPOINT_DISABLED`.
pub fn redeliver(
    work: &mut Work<'_>,
    (endpoint_id, id): (EndpointId, WebhookDeliveryId),
) -> Result<WebhookRedelivery, Error> {
    let company_id = work.company.id;
    let before = deliveries::get(work.tx, company_id, endpoint_id, id)?.ok_or_else(no_delivery)?;
    enabled(found(shelf::get(work.tx, company_id, endpoint_id)?)?.endpoint)?;
    // The place first, as whoever keeps it does: whoever is at it lets go.
    shelf::look_now(work.tx, company_id, endpoint_id, work.now)?;
    deliveries::again(work.tx, company_id, endpoint_id, id, work.now)?;
    let after = WebhookDelivery {
        status: WebhookStatus::Pending,
        attempt_count: 0,
        next_attempt_at: Some(work.now),
        ..before.clone()
    };
    work.event("webhook_endpoint.redelivered", "webhook_endpoint", endpoint_id, &after, Some(text_of(&before)));
    Ok(WebhookRedelivery { delivery: after })
}

/// Has an endpoint sent all events after one, once more, under the same `webhook-id`s.
///
/// # Errors
/// `WEBHOOK_ENDPOINT_NOT_FOUND`, `WEBHOOK_ENDPOINT_DISABLED`, a sequence that is not there yet.
pub fn replay(work: &mut Work<'_>, id: EndpointId, input: ReplayInput) -> Result<Replay, Error> {
    let company_id = work.company.id;
    enabled(found(shelf::get(work.tx, company_id, id)?)?.endpoint)?;
    let (after_sequence, last_sequence) = (input.after_sequence, shelf::latest(work.tx, company_id)?);
    if after_sequence > last_sequence {
        let mut faults = Faults::default();
        let message = format!("afterSequence must not be greater than {last_sequence}, the last event there is");
        faults.add("afterSequence", "max", message);
        return Err(faults.into());
    }
    if shelf::rewind(work.tx, company_id, id, after_sequence)? {
        deliveries::forget_pending(work.tx, company_id, id, after_sequence)?;
    }
    let replay = Replay { id, after_sequence, last_sequence };
    work.event("webhook_endpoint.replayed", "webhook_endpoint", id, &replay, None);
    Ok(replay)
}

/// Whether the URL of an endpoint to be made leads to the public internet by now; before its turn in the lane,
/// as a name may take its time. One that can't be resolved yet is taken: each delivery resolves it anew.
///
/// # Errors
/// `WEBHOOK_URL_NOT_ALLOWED`.
pub fn try_new(app: &Arc<App>, _: &Caller, input: WebhookEndpointInput) -> Result<(), Error> {
    resolves(app, &input.url)
}

/// The same of a change.
///
/// # Errors
/// `WEBHOOK_URL_NOT_ALLOWED`.
pub fn try_change(app: &Arc<App>, _: &Caller, patch: WebhookEndpointPatch) -> Result<(), Error> {
    patch.url.map_or(Ok(()), |url| resolves(app, &url))
}

fn resolves(app: &App, url: &str) -> Result<(), Error> {
    let target = taken(url, app.webhooks.reach)?;
    let (Reach::Public, Host::Name(name)) = (app.webhooks.reach, target.host) else { return Ok(()) };
    let (told, answer) = channel();
    let port = target.port;
    thread::spawn(move || told.send((name.as_str(), port).to_socket_addrs().map(Vec::from_iter)));
    match answer.recv_timeout(RESOLVED_WITHIN) {
        Ok(Ok(addresses)) if addresses.iter().any(|address| !is_public(address.ip())) => {
            Err(not_taken(PRIVATE_ADDRESS).into())
        }
        _ => Ok(()),
    }
}

fn taken(url: &str, reach: Reach) -> Result<Target, Refusal> {
    Target::parse(url, reach).map_err(not_taken)
}

fn not_taken(NotTaken { reason, sentence }: NotTaken) -> Refusal {
    Refusal::new("WEBHOOK_URL_NOT_ALLOWED", format!("The {sentence}."))
        .with(json!({ "property": "url", "reason": reason }))
}

/// Topics, each once, that are types of events.
fn known(topics: Vec<Text<100>>) -> Result<Vec<String>, Faults> {
    let mut faults = Faults::default();
    let mut known: Vec<String> = Vec::with_capacity(topics.len());
    for (at, topic) in topics.into_iter().enumerate() {
        if !events::is_type(&topic) {
            faults.add(
                format!("topics.{at}"),
                "isIn",
                format!("topics.{at} must be a type of event; {} is none", topic.0),
            );
        } else if !known.contains(&topic.0) {
            known.push(topic.0);
        }
    }
    if faults.is_empty() { Ok(known) } else { Err(faults) }
}

fn found(kept: Option<Kept>) -> Result<Kept, Refusal> {
    kept.ok_or_else(|| {
        Refusal::missing("WEBHOOK_ENDPOINT_NOT_FOUND", "There is no such webhook endpoint in this company.")
    })
}

fn enabled(endpoint: WebhookEndpoint) -> Result<WebhookEndpoint, Refusal> {
    if endpoint.enabled {
        return Ok(endpoint);
    }
    Err(Refusal::new("WEBHOOK_ENDPOINT_DISABLED", "The webhook endpoint is disabled; enable it first."))
}

fn no_delivery() -> Refusal {
    Refusal::missing("WEBHOOK_DELIVERY_NOT_FOUND", "There is no such delivery of this webhook endpoint.")
}

/// A new secret for an endpoint, and the same sealed.
fn new_secret(work: &mut Work<'_>, id: EndpointId) -> Result<(String, Vec<u8>), Error> {
    let webhooks = work.webhooks.clone();
    let key = webhooks.keys.key_for_more(|| Ok(shelf::is_any_sealed(work.tx)?))?;
    let secret = signing::new_secret()?;
    let sealed = key.seal(&secrets::of(work.company.id, id), &secret)?;
    let text = signing::secret_text(&secret);
    work.given.borrow_mut().secrets.push(text.clone());
    Ok((text, sealed))
}

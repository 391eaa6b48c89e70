//! The door: one road for every request of the API. Route, key, scope, media type,
//! body, contract, verb; each refusal in the envelope, each answer with its request id.

use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use app::answers::{Answered, Done};
use app::keys::Credential;
use app::{App, Caller, Error};
use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version, header};
use billing::json::instant_text;
use billing::keys::Network;
use billing::refusal::Faults;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tracing::Instrument as _;
use uuid::Uuid;

use super::contract;
use super::error::Fault;
use super::metrics;
use super::route::{Answer, CSV, Call, JSON, LINES, ONE, Route, Takes, id_in};
use super::stream::EVENT_STREAM;
use super::terms;
use crate::traces;

/// What of a body is kept without asking whether there is room.
const SMALL_BODY: usize = 16 * 1024;
/// How much larger bodies may take together, in KiB.
const ROOM_KIB: usize = 256 * 1024;
/// How much those of imports may, which are kept until their last row is done: two of the largest.
const IMPORTS_KIB: usize = 128 * 1024;
/// How many requests are worked at once; more are told to come again.
const AT_ONCE: usize = 1_024;

const JSON_UTF_8: &str = "application/json; charset=utf-8";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const EXPIRES_AT: HeaderName = HeaderName::from_static("x-api-key-expires-at");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What every request is worked with.
pub(crate) struct Door {
    pub(crate) app: Arc<App>,
    pub(crate) proxies: Vec<Network>,
    pub(crate) places: Semaphore,
    pub(crate) room: Arc<Semaphore>,
    /// The room of imports, so that whoever sends one slowly takes none from others.
    pub(crate) imports: Arc<Semaphore>,
}

impl Door {
    pub(crate) fn new(app: Arc<App>, proxies: Vec<Network>) -> Door {
        let of = |kib| Arc::new(Semaphore::new(kib));
        Door { app, proxies, places: Semaphore::new(AT_ONCE), room: of(ROOM_KIB), imports: of(IMPORTS_KIB) }
    }

    /// A place to work a request; none is held while a client is waited for.
    fn place(&self) -> Result<SemaphorePermit<'_>, Error> {
        self.places.try_acquire().map_err(|_| Error::Busy("too many requests at once".to_owned()))
    }

    /// Holds room for so many bytes of a body. It is counted by the whole body: its parts may be smaller than a
    /// KiB each.
    fn hold(&self, takes: &Takes, bytes: usize, held: &mut Option<OwnedSemaphorePermit>) -> Result<(), Error> {
        let has = held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = u32::try_from(bytes.div_ceil(1024).saturating_sub(has)).unwrap_or(u32::MAX);
        let room = if takes.largest > ONE.largest { &self.imports } else { &self.room };
        let busy = |_| Error::Busy("too many large bodies at once".to_owned());
        let more = room.clone().try_acquire_many_owned(more).map_err(busy)?;
        match held {
            Some(held) => held.merge(more),
            None => *held = Some(more),
        }
        Ok(())
    }
}

/// What is known of a request before anything is decided.
struct Seen {
    id: String,
    version: Version,
    method: String,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    address: IpAddr,
    begun: Instant,
}

/// What is remembered of a request for its log line and its answer.
#[derive(Default)]
struct Known {
    company: Option<String>,
    actor: Option<String>,
    expires_at: Option<String>,
    /// Whether its body was not read to its end: too large, too slow, or there was no room for it.
    is_cut: bool,
}

/// Answers one request of one of the routes of a path; none when the path is not ours.
pub(crate) async fn handle(
    door: Arc<Door>,
    routes: Arc<[Route]>,
    peer: SocketAddr,
    request: Request<Body>,
) -> Response<Body> {
    let span = traces::request(request.method(), pattern(&routes), request.headers());
    let answer = answered(door, routes, peer, request).instrument(span.clone()).await;
    traces::answered(&span, answer.status());
    answer
}

fn pattern(routes: &[Route]) -> &'static str {
    routes.first().map_or("-", |route| route.path)
}

async fn answered(door: Arc<Door>, routes: Arc<[Route]>, peer: SocketAddr, request: Request<Body>) -> Response<Body> {
    let _in_flight = metrics::InFlight::begin();
    let (head, body) = request.into_parts();
    let seen = Seen {
        id: request_id(&head.headers),
        version: head.version,
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        address: address(peer.ip(), &head.headers, &door.proxies),
        headers: head.headers,
        begun: Instant::now(),
    };
    let mut known = Known::default();
    let pattern = pattern(&routes);
    let mut body = Some(body);
    let done = answer(&door, &routes, &seen, &mut body, &mut known).await;
    let (mut response, cause) = match done {
        Ok(response) => (response, None),
        Err(fault) => refuse(&door, fault, &seen, &routes),
    };
    let is_whole = match body {
        Some(unread) => take_body(&seen.headers, unread, &ONE, |_| Ok(())).await.is_ok(),
        None => !known.is_cut,
    };
    let headers = response.headers_mut();
    if !is_whole {
        // What is left of the body would be taken for the next request.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if let Ok(id) = HeaderValue::from_str(&seen.id) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(at) = known.expires_at.as_deref().and_then(|at| HeaderValue::from_str(at).ok()) {
        headers.insert(EXPIRES_AT, at);
    }
    let status = response.status().as_u16();
    metrics::answered(pattern, &seen.method, status, seen.begun.elapsed());
    log(&seen, pattern, status, &known, cause.as_deref());
    response
}

fn log(seen: &Seen, pattern: &str, status: u16, known: &Known, cause: Option<&str>) {
    let micros = u64::try_from(seen.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    let company = known.company.as_deref().unwrap_or("-");
    let key = known.actor.as_deref().unwrap_or("-");
    if let Some(cause) = cause {
        tracing::error!(
            request_id = seen.id,
            method = seen.method,
            route = pattern,
            status,
            duration_us = micros,
            company_id = company,
            key_id = key,
            cause,
            "request"
        );
    } else {
        tracing::info!(
            request_id = seen.id,
            method = seen.method,
            route = pattern,
            status,
            duration_us = micros,
            company_id = company,
            key_id = key,
            "request"
        );
    }
}

async fn answer(
    door: &Door,
    routes: &[Route],
    seen: &Seen,
    body: &mut Option<Body>,
    known: &mut Known,
) -> Result<Response<Body>, Fault> {
    if seen.version == Version::HTTP_11 && seen.headers.get_all(header::HOST).iter().count() != 1 {
        // RFC 9112, 3.2; who is in front of us might take another one for the true one.
        return Err(Fault::new(400, "BAD_REQUEST", "A request names its host, and only one."));
    }
    if routes.is_empty() {
        return Err(Fault::new(404, "NOT_FOUND", "There is no such route."));
    }
    let ids = path_ids(routes, &seen.path)?;
    let method = if seen.method == "HEAD" { "GET" } else { &seen.method };
    let route = routes.iter().find(|route| route.method == method);
    let route =
        route.ok_or_else(|| Fault::new(405, "METHOD_NOT_ALLOWED", format!("{} is not allowed here.", seen.method)))?;
    let media = media(route, &seen.headers)?;
    let (key, pairs) = key(seen)?;
    let by = authenticate(door, key, seen).await?;
    known.company = Some(by.company_id.to_string());
    known.actor = by.actor.named().1;
    known.expires_at = by.expires_at.map(instant_text);
    if let Some(scope) = route.scope.filter(|scope| !by.may(*scope)) {
        return Err(Error::Forbidden { required: vec![scope] }.into());
    }
    let mut faults = Faults::default();
    let query = query(route, &pairs, &mut faults);
    let read = read_body(door, route, &seen.headers, (body, &mut known.is_cut), &mut faults).await?;
    let Taken { text: body, media: taken, room } = read;
    if !faults.is_empty() {
        return Err(Error::Invalid(faults).into());
    }
    let terms = terms::of(route, &seen.path, &seen.headers, &ids, (&query, &body))?;
    let _place = door.place()?;
    let last_event_id = seen.headers.get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let call = Call { app: door.app.clone(), by, ids, body, taken, room, query, media, terms, last_event_id };
    let answer = (route.run)(call).await?;
    Ok(respond(route, answer, seen))
}

fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_good = |id: &&str| (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    given.filter(is_good).map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
}

/// The client's address: the peer's, or behind a trusted proxy the last hop outside the trusted ones.
fn address(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    if !is_trusted(peer) {
        return peer;
    }
    let hops = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = hops.flat_map(|value| value.split(',')).map(str::trim).collect();
    for hop in hops.into_iter().rev() {
        match hop.parse::<IpAddr>() {
            Ok(address) if is_trusted(address) => {}
            Ok(address) => return address,
            Err(_) => return peer,
        }
    }
    peer
}

/// The ids in the path, in their order; what is no UUID is not there.
fn path_ids(routes: &[Route], path: &str) -> Result<Vec<Uuid>, Fault> {
    let pattern = routes.first().map_or("", |route| route.path);
    let path = path.strip_prefix("/api").unwrap_or(path);
    let actual = pattern.split('/').zip(path.split('/')).filter(|(part, _)| part.starts_with('{'));
    actual
        .map(|(_, actual)| {
            let id = (actual.len() == 36).then(|| Uuid::try_parse(actual).ok()).flatten();
            id.ok_or_else(|| Fault::new(404, "NOT_FOUND", "There is no such resource."))
        })
        .collect()
}

type Pairs = Vec<(String, String)>;

/// The key, from the header or the query, and the query without it.
fn key(seen: &Seen) -> Result<(String, Pairs), Fault> {
    let pairs: Pairs = match &seen.query {
        None => Vec::new(),
        Some(query) => form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
    };
    let (in_query, rest): (Pairs, Pairs) = pairs.into_iter().partition(|(name, _)| name == "x-api-key");
    let in_headers: Vec<&str> = seen.headers.get_all("x-api-key").iter().filter_map(|v| v.to_str().ok()).collect();
    let mut keys: Vec<&str> = in_headers;
    keys.extend(in_query.iter().map(|(_, key)| key.as_str()));
    keys.dedup();
    match keys[..] {
        [key] => Ok((key.to_owned(), rest)),
        _ => Err(Error::Unauthorized { reason: None }.into()),
    }
}

async fn authenticate(door: &Door, key: String, seen: &Seen) -> Result<Caller, Fault> {
    let agent = seen.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let agent = agent.map(|agent| agent.chars().take(200).collect());
    let _place = door.place()?;
    let credential = Credential { key, address: seen.address, request_id: seen.id.clone(), agent };
    Ok(door.app.authenticate(credential).await?)
}

/// The media type that the client likes best of those the route offers; the first of equal ones.
fn media(route: &Route, headers: &HeaderMap) -> Result<&'static str, Fault> {
    let first = route.offers.first().copied().unwrap_or(JSON);
    let Some(accept) = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()) else { return Ok(first) };
    let mut best: Option<(u32, &'static str)> = None;
    for offer in route.offers {
        let liked = liking(accept, offer);
        if liked > best.map_or(0, |(most, _)| most) {
            best = Some((liked, offer));
        }
    }
    let (_, media) = best.ok_or_else(|| {
        Fault::new(406, "NOT_ACCEPTABLE", format!("This route answers {}.", route.offers.join(" or ")))
    })?;
    Ok(media)
}

/// How much `Accept` likes a media type, in thousandths: by its most exact range that fits.
fn liking(accept: &str, offer: &str) -> u32 {
    let kind = offer.split('/').next().unwrap_or_default();
    let ranges = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let exactness = match name {
            "*/*" => 0,
            name if name.strip_suffix("/*").is_some_and(|own| own.eq_ignore_ascii_case(kind)) => 1,
            name if name.eq_ignore_ascii_case(offer) => 2,
            _ => return None,
        };
        let said = parts.find_map(|part| part.strip_prefix("q=")).and_then(|q| q.parse::<Decimal>().ok());
        let liked = said.and_then(|q| (q * Decimal::ONE_THOUSAND).to_u32()).unwrap_or(1_000);
        Some((exactness, liked))
    });
    ranges.max_by_key(|(exactness, _)| *exactness).map_or(0, |(_, liked)| liked)
}

fn query(route: &Route, pairs: &[(String, String)], faults: &mut Faults) -> String {
    let Some(input) = &route.query else {
        for (name, _) in pairs {
            faults.add(name.as_str(), "whitelistValidation", format!("property {name} should not exist"));
        }
        return String::new();
    };
    let json = contract::query_json(&input.shape, pairs, faults);
    if let Ok(found) = contract::check(&input.shape, &json) {
        faults.0.extend(found.0);
    }
    json
}

/// A body, the one of the route's media types that it is of, and the room it takes.
struct Taken {
    text: String,
    media: &'static str,
    room: Option<OwnedSemaphorePermit>,
}

/// The body, and whether it was cut; one of JSON is checked.
async fn read_body(
    door: &Door,
    route: &Route,
    headers: &HeaderMap,
    (body, is_cut): (&mut Option<Body>, &mut bool),
    faults: &mut Faults,
) -> Result<Taken, Fault> {
    let (mut bytes, mut room) = (Vec::new(), None::<OwnedSemaphorePermit>);
    let is_json = route.takes.media.contains(&JSON);
    if is_json && route.input.is_none() {
        return Ok(Taken { text: String::new(), media: JSON, room });
    }
    if let Some(body) = body.take() {
        let keep = |part: Bytes| {
            bytes.extend_from_slice(&part);
            if bytes.len() > SMALL_BODY {
                door.hold(&route.takes, bytes.len(), &mut room)?;
            }
            Ok(())
        };
        *is_cut = true;
        take_body(headers, body, &route.takes, keep).await?;
        *is_cut = false;
        if room.is_some() {
            // It grew by doubling; what is not used is not kept.
            bytes.shrink_to_fit();
        }
    }
    if bytes.is_empty() {
        if route.input.as_ref().is_some_and(|input| input.shape.allows_nothing()) {
            return Ok(Taken { text: String::new(), media: JSON, room });
        }
        return Err(malformed(&contract::Malformed { line: 1, column: 0, message: "the body is empty".to_owned() }));
    }
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    let Some(media) = route.takes.media.iter().find(|own| media.eq_ignore_ascii_case(own)) else {
        let message = format!("The body must be {}.", route.takes.media.join(" or "));
        return Err(Fault::new(415, "UNSUPPORTED_MEDIA_TYPE", message));
    };
    let text = String::from_utf8(bytes).map_err(|fault| {
        let message = format!("the body is not UTF-8 from byte {}", fault.utf8_error().valid_up_to());
        malformed(&contract::Malformed { line: 1, column: 0, message })
    })?;
    if let Some(input) = route.input.as_ref().filter(|_| is_json) {
        let found = contract::check(&input.shape, &text).map_err(|fault| malformed(&fault))?;
        faults.0.extend(found.0);
    }
    Ok(Taken { text, media, room })
}

/// Reads a body to its end, part by part.
async fn take_body(
    headers: &HeaderMap,
    mut body: Body,
    takes: &Takes,
    mut take: impl FnMut(Bytes) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let largest = takes.largest;
    let too_large = || Fault::new(413, "BODY_TOO_LARGE", format!("A body holds at most {largest} bytes."));
    let said = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if said.and_then(|text| text.parse::<usize>().ok()).is_some_and(|length| length > largest) {
        return Err(too_large());
    }
    let reading = async {
        let mut length = 0;
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            // Wrong chunks, or a client that went away: then nobody reads the answer.
            let broken = |_| Fault::new(400, "SHARED_MALFORMED_JSON", "The body did not arrive whole.");
            let Ok(part) = frame.map_err(broken)?.into_data() else { continue };
            length += part.len();
            if length > largest {
                return Err(too_large());
            }
            take(part)?;
        }
        Ok(())
    };
    let late = |_| Fault::new(408, "REQUEST_TIMEOUT", "The body did not arrive in time.");
    tokio::time::timeout(takes.within, reading).await.map_err(late)?
}

fn malformed(fault: &contract::Malformed) -> Fault {
    let message = format!("The body is not JSON: {}.", fault.message);
    Fault::new(400, "SHARED_MALFORMED_JSON", message).with(json!({ "line": fault.line, "column": fault.column }))
}

fn respond(route: &Route, answer: Answer, seen: &Seen) -> Response<Body> {
    let status = StatusCode::from_u16(route.status).unwrap_or(StatusCode::OK);
    let response = Response::builder().status(status);
    let built = match answer {
        Answer::Read(body) if route.is_tagged => {
            let tag = terms::tag(&body);
            let response = response.header(header::ETAG, &tag);
            if terms::is_known(&seen.headers, &tag) {
                response.status(StatusCode::NOT_MODIFIED).body(Body::empty())
            } else {
                response.header(header::CONTENT_TYPE, JSON_UTF_8).body(Body::from(body))
            }
        }
        Answer::Read(body) => response.header(header::CONTENT_TYPE, JSON_UTF_8).body(Body::from(body)),
        Answer::Written(answered) => written(route, answered, seen, response),
        Answer::Rows(body) => {
            let name = route.path.rsplit('/').next().unwrap_or_default();
            response
                .header(header::CONTENT_TYPE, format!("{CSV}; charset=utf-8"))
                .header(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\""))
                .header(header::CACHE_CONTROL, "no-store")
                .body(body)
        }
        Answer::Lines(body, done) => {
            let response = if done == Done::Before { response.header(REPLAYED, "true") } else { response };
            response.header(header::CONTENT_TYPE, LINES).header(header::CACHE_CONTROL, "no-store").body(body)
        }
        Answer::Stream(body) => response
            .header(header::CONTENT_TYPE, EVENT_STREAM)
            .header(header::CACHE_CONTROL, "no-store")
            // A proxy that gathers what it passes on would hold events back.
            .header("x-accel-buffering", "no")
            .body(body),
        Answer::File(file) => {
            let tag = file.sha256.map(|sha256| format!("\"{sha256}\""));
            let is_known = tag.as_deref().is_some_and(|tag| terms::is_known(&seen.headers, tag));
            let ascii: String = file.name.chars().map(|c| if c.is_ascii_graphic() { c } else { '-' }).collect();
            let response = match tag {
                Some(tag) => response.header(header::ETAG, tag),
                None => response.header(header::CACHE_CONTROL, "no-store"),
            };
            if is_known {
                response.status(StatusCode::NOT_MODIFIED).body(Body::empty())
            } else {
                response
                    .header(header::CONTENT_TYPE, file.content_type)
                    .header(header::CONTENT_DISPOSITION, format!("inline; filename=\"{ascii}\""))
                    .body(Body::from(file.bytes))
            }
        }
    };
    built.unwrap_or_else(|_| Response::new(Body::empty()))
}

fn written(
    route: &Route,
    answered: Answered,
    seen: &Seen,
    mut response: axum::http::response::Builder,
) -> axum::http::Result<Response<Body>> {
    let Answered { status, body, done } = answered;
    response = response.status(status);
    if done == Done::Before {
        response = response.header(REPLAYED, "true");
    }
    let Some(body) = body else { return response.body(Body::empty()) };
    if done != Done::Never {
        if route.is_tagged {
            response = response.header(header::ETAG, terms::tag(&body));
        }
        if let Some(id) = id_in(&body).filter(|_| status == 201) {
            let made_at = route.or_at.and_then(|place| place(&body)).or(route.made_at);
            let place = made_at.map_or_else(|| seen.path.clone(), |place| format!("/api{place}"));
            response = response.header(header::LOCATION, format!("{}/{id}", place.trim_end_matches('/')));
        }
    }
    response.header(header::CONTENT_TYPE, JSON_UTF_8).body(Body::from(body))
}

/// An error in its envelope, and the cause that only the log sees.
fn refuse(door: &Door, mut fault: Fault, seen: &Seen, routes: &[Route]) -> (Response<Body>, Option<String>) {
    let path = seen.path.strip_prefix("/api").unwrap_or(&seen.path);
    let cause = fault.cause.take();
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::new(Body::from(fault.body(door.app.now(), path)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON_UTF_8));
    if fault.status == 503 {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if fault.status == 405 {
        let allowed: Vec<&str> = routes.iter().map(|route| route.method).collect();
        if let Ok(allowed) = HeaderValue::from_str(&allowed.join(", ")) {
            headers.insert(header::ALLOW, allowed);
        }
    }
    (response, cause)
}

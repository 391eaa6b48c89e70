//! Webhook endpoints, and how far each has come in its company's events. Whoever sends to one holds its
//! place by a lease, so that a killed process loses nothing and two never send to the same at once.

use billing::ids::{CompanyId, EndpointId};
use billing::webhooks::WebhookEndpoint;
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{Error, Row, Tx, params, statements, yes_no};

macro_rules! select {
    ($suffix:literal) => {
        concat!(
            "select id, url, description, topics, is_enabled, created_at, updated_at, secret, old_secret, ",
            "old_secret_until from webhook_endpoints where company_id = $1 ",
            $suffix
        )
    };
}

statements! {
    GET = select!("and id = $2");
    LIST = select!("order by created_at desc, id desc");
    // Of whatever company: whether any secret is sealed yet.
    ANY = "select secret from webhook_endpoints limit 1";
    INSERT = "insert into webhook_endpoints (company_id, id, url, description, topics, is_enabled, secret, \
        created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    UPDATE = "update webhook_endpoints set url = $1, description = $2, topics = $3, is_enabled = $4, \
        updated_at = $5 where company_id = $6 and id = $7";
    ROLL = "update webhook_endpoints set old_secret = secret, old_secret_until = $1, secret = $2, updated_at = $3 \
        where company_id = $4 and id = $5";
    DELETE = "delete from webhook_endpoints where company_id = $1 and id = $2";
    INSERT_PLACE = "insert into webhook_places (company_id, endpoint_id, sequence, is_enabled, is_resting) \
        select company_id, $1, event_sequence, $2, 'no' from company_counters where company_id = $3";
    DELETE_PLACE = "delete from webhook_places where company_id = $1 and endpoint_id = $2";
    DISABLE = "update webhook_places set is_enabled = 'no' where company_id = $1 and endpoint_id = $2";
    ENABLE = "update webhook_places set is_enabled = 'yes', is_resting = 'no', due_at = $1, failing_since = null, \
        lease_id = null, leased_until = null, sequence = (select event_sequence from company_counters \
        where company_id = $2) where company_id = $3 and endpoint_id = $4";
    DUE_NOW = "update webhook_places set due_at = $1, lease_id = null, leased_until = null \
        where company_id = $2 and endpoint_id = $3";
    REWIND = "update webhook_places set sequence = $1, is_resting = 'no', due_at = null, lease_id = null, \
        leased_until = null where company_id = $2 and endpoint_id = $3 and sequence > $4";
    LATEST = "select event_sequence from company_counters where company_id = $1";
    // Of whatever company, as what follows.
    COMPANIES = "select distinct company_id from webhook_places where is_enabled = 'yes'";
    DUE = "select p.company_id, p.endpoint_id from webhook_places p join company_counters c \
        on c.company_id = p.company_id where p.is_enabled = 'yes' and (p.leased_until is null \
        or p.leased_until <= $1 or p.leased_until > $2) and (p.due_at <= $3 or p.due_at > $4 \
        or ((p.is_resting = 'no' or p.due_at is null) and p.sequence < c.event_sequence)) limit $5";
    LEASE = "update webhook_places set lease_id = $1, leased_until = $2 where company_id = $3 and endpoint_id = $4 \
        and is_enabled = 'yes' and (leased_until is null or leased_until <= $5 or leased_until > $6) \
        returning sequence, is_resting, failing_since";
    ALL = "select company_id, endpoint_id from webhook_places";
    RELEASE_ALL = "update webhook_places set lease_id = null, leased_until = null where lease_id is not null";
    HELD = "select sequence from webhook_places where company_id = $1 and endpoint_id = $2 and lease_id = $3";
    KEEP = "update webhook_places set sequence = $1, is_resting = $2, due_at = $3, failing_since = $4, \
        leased_until = $5 where company_id = $6 and endpoint_id = $7 and lease_id = $8";
    GIVE_BACK = "update webhook_places set lease_id = null, leased_until = null \
        where company_id = $1 and endpoint_id = $2 and lease_id = $3";
    COUNT = "select count(*) from webhook_endpoints where company_id = $1";
    STANDINGS = "select e.id, e.url, e.is_enabled, e.secret, e.old_secret, p.endpoint_id, coalesce(p.is_enabled, 'no'), \
        coalesce(p.sequence, 0), p.failing_since, case when p.lease_id is null then null else p.leased_until end, \
        c.event_sequence, v.occurred_at, (select min(d.next_attempt_at) from webhook_deliveries d \
        where d.company_id = e.company_id and d.endpoint_id = e.id and d.status = 'pending') \
        from webhook_endpoints e join company_counters c on c.company_id = e.company_id \
        left join webhook_places p on p.company_id = e.company_id and p.endpoint_id = e.id \
        left join events v on v.company_id = e.company_id and v.sequence = p.sequence + 1 \
        where e.company_id = $1 order by e.id";
    STRAYS = "select d.endpoint_id, count(*) from webhook_deliveries d where d.company_id = $1 and not exists \
        (select 1 from webhook_endpoints e where e.company_id = d.company_id and e.id = d.endpoint_id) \
        group by d.endpoint_id order by d.endpoint_id limit 100";
}

/// An endpoint with its sealed secrets.
#[derive(Clone, PartialEq, Debug)]
pub struct Kept {
    /// The endpoint.
    pub endpoint: WebhookEndpoint,
    /// Its secret, sealed.
    pub secret: Vec<u8>,
    /// The one it had before, and until when that signs too.
    pub old_secret: Option<(Vec<u8>, Timestamp)>,
}

/// An endpoint.
///
/// # Errors
/// What the shelves answer.
pub fn get(tx: &mut dyn Tx, company_id: CompanyId, id: EndpointId) -> Result<Option<Kept>, Error> {
    tx.one(GET, params![company_id, id])?.map(read).transpose()
}

/// The endpoints of a company, newest first.
///
/// # Errors
/// What the shelves answer.
pub fn list(tx: &mut dyn Tx, company_id: CompanyId) -> Result<Vec<WebhookEndpoint>, Error> {
    tx.all(LIST, params![company_id])?.into_iter().map(|row| Ok(read(row)?.endpoint)).collect()
}

/// Whether any company has an endpoint, and so a sealed secret.
///
/// # Errors
/// What the shelves answer.
pub fn is_any_sealed(tx: &mut dyn Tx) -> Result<bool, Error> {
    Ok(tx.one(ANY, &[])?.is_some())
}

/// Shelves an endpoint; its place is at the end of the log.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, endpoint: &WebhookEndpoint, secret: &[u8]) -> Result<(), Error> {
    let WebhookEndpoint { id, url, description, topics, enabled, created_at, updated_at } = endpoint;
    tx.exec(
        INSERT,
        params![
            company_id,
            *id,
            url.as_str(),
            description.as_deref(),
            topics.join(" "),
            yes_no(*enabled),
            secret,
            *created_at,
            *updated_at
        ],
    )?;
    tx.exec(INSERT_PLACE, params![*id, yes_no(*enabled), company_id])
}

/// Writes an endpoint anew, but for its secrets.
///
/// # Errors
/// What the shelves answer.
pub fn update(tx: &mut dyn Tx, company_id: CompanyId, endpoint: &WebhookEndpoint) -> Result<(), Error> {
    let WebhookEndpoint { id, url, description, topics, enabled, created_at: _, updated_at } = endpoint;
    tx.exec(
        UPDATE,
        params![url.as_str(), description.as_deref(), topics.join(" "), yes_no(*enabled), *updated_at, company_id, *id],
    )
}

/// Gives an endpoint a new secret; the one it had signs until an instant.
///
/// # Errors
/// What the shelves answer.
pub fn roll(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    id: EndpointId,
    secret: &[u8],
    old_until: Timestamp,
    now: Timestamp,
) -> Result<(), Error> {
    tx.exec(ROLL, params![old_until, secret, now, company_id, id])
}

/// Takes an endpoint away with all that is known of its deliveries. Its place first: whoever is at it waits
/// for that, and then finds it gone.
///
/// # Errors
/// What the shelves answer.
pub fn delete(tx: &mut dyn Tx, company_id: CompanyId, id: EndpointId) -> Result<(), Error> {
    tx.exec(DELETE_PLACE, params![company_id, id])?;
    crate::webhook_deliveries::delete_all(tx, company_id, id)?;
    tx.exec(DELETE, params![company_id, id])
}

/// Has nothing sent to an endpoint any more.
///
/// # Errors
/// What the shelves answer.
pub fn disable(tx: &mut dyn Tx, company_id: CompanyId, id: EndpointId) -> Result<(), Error> {
    tx.exec(DISABLE, params![company_id, id])
}

/// Has an endpoint sent what happens from now on, and what of it is still to be tried.
///
/// # Errors
/// What the shelves answer.
pub fn enable(tx: &mut dyn Tx, company_id: CompanyId, id: EndpointId, now: Timestamp) -> Result<(), Error> {
    tx.exec(ENABLE, params![now, company_id, company_id, id])
}

/// Has an endpoint looked at now, by whoever comes first.
///
/// # Errors
/// What the shelves answer.
pub fn look_now(tx: &mut dyn Tx, company_id: CompanyId, id: EndpointId, now: Timestamp) -> Result<(), Error> {
    tx.exec(DUE_NOW, params![now, company_id, id])
}

/// Puts an endpoint back to where it was after an event, if it has come further; whether it had.
///
/// # Errors
/// What the shelves answer.
pub fn rewind(tx: &mut dyn Tx, company_id: CompanyId, id: EndpointId, after: i64) -> Result<bool, Error> {
    Ok(tx.count(REWIND, params![after, company_id, id, after])? > 0)
}

/// The sequence of a company's last event.
///
/// # Errors
/// `NotFound` when there is no such company.
pub fn latest(tx: &mut dyn Tx, company_id: CompanyId) -> Result<i64, Error> {
    tx.one(LATEST, params![company_id])?.ok_or(Error::NotFound)?.next()
}

/// The companies that have an endpoint which is sent something.
///
/// # Errors
/// What the shelves answer.
pub fn companies(tx: &mut dyn Tx) -> Result<Vec<CompanyId>, Error> {
    tx.all(COMPANIES, &[])?.into_iter().map(|mut row| row.id()).collect()
}

/// An endpoint of a company's.
pub type Which = (CompanyId, EndpointId);

/// Up to `count` endpoints with something to do that nobody is at. A lease that ends later than the first bound,
/// and what is due later than the second, were set by a clock that was ahead.
///
/// # Errors
/// What the shelves answer.
pub fn due(tx: &mut dyn Tx, now: Timestamp, [leased, due]: [Timestamp; 2], count: i64) -> Result<Vec<Which>, Error> {
    let rows = tx.all(DUE, params![now, leased, now, due, count])?;
    rows.into_iter().map(|mut row| Ok((row.id()?, row.id()?))).collect()
}

/// Every endpoint there is.
///
/// # Errors
/// What the shelves answer.
pub fn all(tx: &mut dyn Tx) -> Result<Vec<Which>, Error> {
    tx.all(ALL, &[])?.into_iter().map(|mut row| Ok((row.id()?, row.id()?))).collect()
}

/// How far an endpoint has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// All events up to this one were sent, given up or have a row of their own.
    pub sequence: i64,
    /// Whether it failed so often that new events wait.
    pub is_resting: bool,
    /// Since when every attempt failed.
    pub failing_since: Option<Timestamp>,
}

/// Takes an endpoint for a while; none when somebody else was quicker.
///
/// # Errors
/// What the shelves answer.
pub fn lease(
    tx: &mut dyn Tx,
    (company_id, id): Which,
    lease_id: Uuid,
    [now, until, latest]: [Timestamp; 3],
) -> Result<Option<Place>, Error> {
    let row = tx.one(LEASE, params![lease_id.to_string(), until, company_id, id, now, latest])?;
    let place = |mut row: Row| Ok(Place { sequence: row.next()?, is_resting: row.next()?, failing_since: row.next()? });
    row.map(place).transpose()
}

/// Makes every endpoint free. Only where nobody else can be at one.
///
/// # Errors
/// What the shelves answer.
pub fn release_all(tx: &mut dyn Tx) -> Result<(), Error> {
    tx.exec(RELEASE_ALL, &[])
}

/// Keeps how far an endpoint has come, and the lease for longer; whether the lease was still held.
///
/// # Errors
/// What the shelves answer.
pub fn keep(
    tx: &mut dyn Tx,
    (company_id, id): Which,
    lease_id: Uuid,
    place: Place,
    due_at: Option<Timestamp>,
    until: Timestamp,
) -> Result<bool, Error> {
    let Place { sequence, is_resting, failing_since } = place;
    let values =
        params![sequence, yes_no(is_resting), due_at, failing_since, until, company_id, id, lease_id.to_string()];
    Ok(tx.count(KEEP, values)? == 1)
}

/// Whether an endpoint is still held.
///
/// # Errors
/// What the shelves answer.
pub fn is_held(tx: &mut dyn Tx, (company_id, id): Which, lease_id: Uuid) -> Result<bool, Error> {
    Ok(tx.one(HELD, params![company_id, id, lease_id.to_string()])?.is_some())
}

/// Gives an endpoint back.
///
/// # Errors
/// What the shelves answer.
pub fn give_back(tx: &mut dyn Tx, (company_id, id): Which, lease_id: Uuid) -> Result<(), Error> {
    tx.exec(GIVE_BACK, params![company_id, id, lease_id.to_string()])
}

/// How many endpoints a company has.
///
/// # Errors
/// What the shelves answer.
pub fn count(tx: &mut dyn Tx, company_id: CompanyId) -> Result<u64, Error> {
    tx.one(COUNT, params![company_id])?.ok_or(Error::NotFound)?.next()
}

/// How an endpoint stands, for an examination.
#[derive(Clone, PartialEq, Debug)]
pub struct Standing {
    /// The endpoint.
    pub id: EndpointId,
    /// Where its events are sent.
    pub url: String,
    /// Whether it is sent any.
    pub is_enabled: bool,
    /// Its secrets, sealed: the one it has, and the one it had.
    pub secrets: [Option<Vec<u8>>; 2],
    /// Whether it has a place in the log.
    pub has_place: bool,
    /// Whether its place says that it is sent any.
    pub is_place_enabled: bool,
    /// Its place in the log.
    pub sequence: i64,
    /// Since when every attempt failed.
    pub failing_since: Option<Timestamp>,
    /// When the lease ends by which somebody is at it.
    pub leased_until: Option<Timestamp>,
    /// The last event of the log.
    pub latest: i64,
    /// When the event happened that follows its place.
    pub next_occurred_at: Option<Timestamp>,
    /// When the first is due of what is to be tried again.
    pub due_at: Option<Timestamp>,
}

/// How a company's endpoints stand.
///
/// # Errors
/// What the shelves answer.
pub fn standings(tx: &mut dyn Tx, company_id: CompanyId) -> Result<Vec<Standing>, Error> {
    let standing = |mut row: Row| {
        Ok(Standing {
            id: row.id()?,
            url: row.next()?,
            is_enabled: row.next()?,
            secrets: [row.next()?, row.next()?],
            has_place: row.next::<Option<String>>()?.is_some(),
            is_place_enabled: row.next()?,
            sequence: row.next()?,
            failing_since: row.next()?,
            leased_until: row.next()?,
            latest: row.next()?,
            next_occurred_at: row.next()?,
            due_at: row.next()?,
        })
    };
    tx.all(STANDINGS, params![company_id])?.into_iter().map(standing).collect()
}

/// The endpoints that deliveries name and that are not there, with how many name each; at most 100.
///
/// # Errors
/// What the shelves answer.
pub fn strays(tx: &mut dyn Tx, company_id: CompanyId) -> Result<Vec<(String, i64)>, Error> {
    tx.all(STRAYS, params![company_id])?.into_iter().map(|mut row| Ok((row.next()?, row.next()?))).collect()
}

fn read(mut row: Row) -> Result<Kept, Error> {
    let endpoint = WebhookEndpoint {
        id: row.id()?,
        url: row.next()?,
        description: row.next()?,
        topics: row.next::<String>()?.split_whitespace().map(str::to_owned).collect(),
        enabled: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    };
    let secret = row.next()?;
    let old_secret = row.next::<Option<Vec<u8>>>()?.zip(row.next::<Option<Timestamp>>()?);
    Ok(Kept { endpoint, secret, old_secret })
}

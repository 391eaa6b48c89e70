//! API keys: who a credential is, and how the operator makes, lists and ends them.

use std::net::IpAddr;

use billing::company::CompanyMode;
use billing::ids::{CompanyId, KeyId};
use billing::keys::{ApiKey, Closed, CreatedKey, Network, PublicKey, SECRET_BYTES, hash_of, key_text, prefix_of};
use billing::refusal::Refusal;
use billing::scope::Scope;
use jiff::Timestamp;
use store::keys as shelf;

use crate::work::json;
use crate::{Actor, App, Caller, Error, Origin, Pending, View, Work};

/// What a request shows at the door.
#[derive(Clone)]
pub struct Credential {
    /// The key's text.
    pub key: String,
    /// The client's address.
    pub address: IpAddr,
    /// The request, as in `X-Request-Id`.
    pub request_id: String,
    /// The client's `User-Agent`.
    pub agent: Option<String>,
}

/// A key to be made.
#[derive(Clone, PartialEq, Debug)]
pub struct NewKey {
    /// What the operator calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// Where it may come from; from anywhere when empty.
    pub allowlist: Vec<Network>,
}

impl App {
    /// Who a credential is. It is looked up on every request, so that what another
    /// process revokes is closed at once.
    ///
    /// # Errors
    /// `Unauthorized` when it is unknown, expired or revoked, or used from a wrong address.
    pub fn authenticate(&self, credential: Credential) -> Pending<Caller, Error> {
        let now = self.clock.now();
        self.db.read(move |tx| {
            let Credential { key, address, request_id, agent } = credential;
            let closed = |reason| Error::Unauthorized { reason };
            let (company_id, key) = shelf::by_hash(tx, &hash_of(&key))?.ok_or(closed(None))?;
            key.opens(now, address).map_err(|why| match why {
                Closed::Ended => closed(None),
                Closed::WrongAddress => closed(Some("ip_whitelist_mismatch")),
            })?;
            Ok(Caller {
                company_id,
                actor: Actor::Key(key.id),
                origin: Origin::Api,
                scopes: key.scopes,
                expires_at: key.expires_at,
                request_id,
                remote_address: Some(address.to_canonical().to_string()),
                agent,
            })
        })
    }
}

/// Makes a key for a company; for the operator. Its text is in the answer and nowhere else.
pub fn create(app: &App, company_id: CompanyId, key: NewKey) -> Pending<CreatedKey, Error> {
    app.write(Caller::inside(company_id, Actor::Operator), move |work| add(work, key))
}

/// The keys of a company, ended ones too, oldest first; for the operator.
pub fn list(app: &App, company_id: CompanyId) -> Pending<Vec<ApiKey>, Error> {
    app.read(Caller::inside(company_id, Actor::Operator), move |view| Ok(shelf::list(view.tx, view.company.id)?))
}

/// Ends a key; for the operator. One that is ended already stays as it is.
///
/// # Errors
/// `API_KEY_NOT_FOUND`.
pub fn revoke(app: &App, company_id: CompanyId, id: KeyId) -> Pending<ApiKey, Error> {
    app.write(Caller::inside(company_id, Actor::Operator), move |work| {
        let missing = || Refusal::missing("API_KEY_NOT_FOUND", "There is no such API key in this company.");
        let before = shelf::get(work.tx, work.company.id, id)?.ok_or_else(missing)?;
        if before.revoked_at.is_some() {
            work.nothing_happened();
            return Ok(before);
        }
        shelf::revoke(work.tx, work.company.id, id, work.now)?;
        let after = ApiKey { revoked_at: Some(work.now), ..before.clone() };
        work.event("api_key.updated", "api_key", id, &after, Some(json(&before)));
        Ok(after)
    })
}

/// The key that asks.
///
/// # Errors
/// `Forbidden` when it is not a key that asks.
pub fn show(view: &mut View<'_>) -> Result<PublicKey, Error> {
    let Actor::Key(id) = view.by.actor else { return Err(Error::Forbidden { required: Vec::new() }) };
    let key = shelf::get(view.tx, view.company.id, id)?.ok_or(Error::Unauthorized { reason: None })?;
    Ok(key.into())
}

/// Makes a key in the company at work.
pub(crate) fn add(work: &mut Work<'_>, key: NewKey) -> Result<CreatedKey, Error> {
    let NewKey { name, mut scopes, expires_at, allowlist } = key;
    scopes.sort();
    scopes.dedup();
    let text = new_text(work.company.mode)?;
    let key = ApiKey {
        id: work.new_id(),
        name,
        prefix: prefix_of(&text),
        scopes,
        ip_allowlist: allowlist,
        expires_at,
        revoked_at: None,
        created_at: work.now,
    };
    shelf::insert(work.tx, work.company.id, &key, &hash_of(&text))?;
    work.event("api_key.created", "api_key", key.id, &key, None);
    Ok(CreatedKey { id: key.id, key: text, scopes: key.scopes })
}

fn new_text(mode: CompanyMode) -> Result<String, Error> {
    let mut secret = [0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(|cause| Error::Broken(format!("no random bytes: {cause}")))?;
    Ok(key_text(mode, secret))
}

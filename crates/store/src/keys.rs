//! API keys, and the look-up from a credential's hash to its company.

use std::str::FromStr;

use billing::ids::{CompanyId, KeyId};
use billing::keys::{ApiKey, Network};
use billing::scope::Scope;
use jiff::Timestamp;

use crate::db::{Error, Row, Tx, params, statements};

statements! {
    // One of the few that do not name the company: it finds it.
    BY_HASH = "select k.company_id, k.id, k.name, k.prefix, k.scopes, k.ip_allowlist, k.expires_at, k.revoked_at, \
        k.created_at from credentials c join api_keys k on k.company_id = c.company_id and k.id = c.key_id \
        where c.hash = $1";
    GET = "select id, name, prefix, scopes, ip_allowlist, expires_at, revoked_at, created_at from api_keys \
        where company_id = $1 and id = $2";
    LIST = "select id, name, prefix, scopes, ip_allowlist, expires_at, revoked_at, created_at from api_keys \
        where company_id = $1 order by created_at, id";
    INSERT = "insert into api_keys (company_id, id, name, prefix, scopes, ip_allowlist, expires_at, revoked_at, \
        created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    INSERT_CREDENTIAL = "insert into credentials (hash, company_id, key_id) values ($1, $2, $3)";
    REVOKE = "update api_keys set revoked_at = $1 where company_id = $2 and id = $3";
}

/// The key of a hash and its company, expired and revoked ones too. Runs on every request.
///
/// # Errors
/// What the shelves answer.
pub fn by_hash(tx: &mut dyn Tx, hash: &str) -> Result<Option<(CompanyId, ApiKey)>, Error> {
    let Some(mut row) = tx.one(BY_HASH, params![hash])? else { return Ok(None) };
    let company_id = row.id()?;
    Ok(Some((company_id, read(row)?)))
}

/// A key.
///
/// # Errors
/// What the shelves answer.
pub fn get(tx: &mut dyn Tx, company_id: CompanyId, id: KeyId) -> Result<Option<ApiKey>, Error> {
    tx.one(GET, params![company_id, id])?.map(read).transpose()
}

/// The keys of a company, oldest first.
///
/// # Errors
/// What the shelves answer.
pub fn list(tx: &mut dyn Tx, company_id: CompanyId) -> Result<Vec<ApiKey>, Error> {
    tx.all(LIST, params![company_id])?.into_iter().map(read).collect()
}

/// Shelves a key under the hash it is found by.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, key: &ApiKey, hash: &str) -> Result<(), Error> {
    let ApiKey { id, name, prefix, scopes, ip_allowlist, expires_at, revoked_at, created_at } = key;
    tx.exec(
        INSERT,
        params![
            company_id,
            *id,
            name.as_str(),
            prefix.as_str(),
            words(scopes),
            words(ip_allowlist),
            *expires_at,
            *revoked_at,
            *created_at,
        ],
    )?;
    tx.exec(INSERT_CREDENTIAL, params![hash, company_id, *id])
}

/// Ends a key.
///
/// # Errors
/// What the shelves answer.
pub fn revoke(tx: &mut dyn Tx, company_id: CompanyId, id: KeyId, at: Timestamp) -> Result<(), Error> {
    tx.exec(REVOKE, params![at, company_id, id])
}

fn read(mut row: Row) -> Result<ApiKey, Error> {
    Ok(ApiKey {
        id: row.id()?,
        name: row.next()?,
        prefix: row.next()?,
        scopes: parsed::<Scope>(&row.next::<String>()?)?,
        ip_allowlist: parsed::<Network>(&row.next::<String>()?)?,
        expires_at: row.next()?,
        revoked_at: row.next()?,
        created_at: row.next()?,
    })
}

/// Values as one text, a space between them.
fn words<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<Vec<T>, Error> {
    text.split_whitespace().map(|word| word.parse().map_err(|e: T::Err| Error::Broken(e.to_string()))).collect()
}

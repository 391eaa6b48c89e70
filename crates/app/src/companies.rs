//! The company: founded and set by the operator, seen and changed by its keys.

use billing::company::Company;
use billing::ids::CompanyId;
use billing::input::company::{CompanyPatch, NewCompany};
use billing::keys::scopes;
use billing::scope::Scope;
use serde::Serialize;
use store::{companies as shelf, exchange_rates};
use uuid::Uuid;

use crate::keys::{self, NewKey};
use crate::work::json;
use crate::{Actor, App, Caller, Error, Pending, View, Work, founding};

/// A company just made, with the key that opens it: the only time its text is seen.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedCompany {
    /// Its id.
    pub company_id: CompanyId,
    /// The text of its first key: the secret.
    pub api_key: String,
    /// What that key may do: everything.
    #[serde(serialize_with = "scopes")]
    pub scopes: Vec<Scope>,
}

/// Makes a company with its books set up and a key with all scopes; for the operator.
pub fn create(app: &App, input: NewCompany) -> Pending<CreatedCompany, Error> {
    let rates = input.vat_rates.as_ref().map(|rates| rates.iter().map(|rate| rate.0).collect::<Vec<_>>());
    let company = match Company::founded(CompanyId(Uuid::now_v7()), input, app.clock.now()) {
        Ok(company) => company,
        Err(faults) => return Pending::refused(faults.into()),
    };
    app.found(company.clone(), Caller::inside(company.id, Actor::Operator), move |work| {
        founding::set_up(work, rates.as_deref())?;
        work.event("company.created", "company", company.id, &company, None);
        let first = NewKey {
            name: "First key".to_owned(),
            scopes: Scope::ALL.to_vec(),
            expires_at: None,
            allowlist: Vec::new(),
        };
        let key = keys::add(work, first)?;
        Ok(CreatedCompany { company_id: company.id, api_key: key.key, scopes: key.scopes })
    })
}

/// Changes a company as [`change`] does; for the operator.
pub fn set(app: &App, company_id: CompanyId, patch: CompanyPatch) -> Pending<Company, Error> {
    app.write(Caller::inside(company_id, Actor::Operator), move |work| change(work, patch))
}

/// All companies, oldest first; for the operator.
pub fn list(app: &App) -> Pending<Vec<Company>, Error> {
    app.db.read(|tx| Ok(shelf::list(tx)?))
}

/// The company.
///
/// # Errors
/// None of its own.
pub fn show(view: &mut View<'_>) -> Result<Company, Error> {
    Ok(view.company.clone())
}

/// Changes the company. Another currency takes the exchange rates with it: they quote against the old one.
///
/// # Errors
/// `COMPANY_HAS_BOOKINGS` when `currency`, `countryCode` or `mode` would change under them.
pub fn change(work: &mut Work<'_>, patch: CompanyPatch) -> Result<Company, Error> {
    let before = work.company.clone();
    let after = before.changed(patch, work.now)?;
    if after == before {
        work.nothing_happened();
        return Ok(after);
    }
    if shelf::has_bookings(work.tx, before.id)? {
        before.check_books(&after)?;
    }
    if after.currency != before.currency {
        exchange_rates::clear(work.tx, before.id)?;
    }
    shelf::update(work.tx, &after)?;
    work.company = after.clone();
    work.event("company.updated", "company", after.id, &after, Some(json(&before)));
    Ok(after)
}

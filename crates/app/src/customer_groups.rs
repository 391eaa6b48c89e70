//! Customer groups: whom a discount is given, and on which account their debts stand.

use billing::accounts::ControlAccountType;
use billing::customers::CustomerGroup;
use billing::ids::{AccountId, CustomerGroupId};
use billing::input::customers::{CustomerGroupInput, CustomerGroupPatch, CustomerGroupQuery};
use billing::refusal::Refusal;
use serde_json::json as details;
use store::{accounts, customer_groups};

use crate::work::json;
use crate::{Error, View, Work};

/// All customer groups with the metadata asked for, by number.
///
/// # Errors
/// None of its own.
pub fn list(view: &mut View<'_>, query: CustomerGroupQuery) -> Result<Vec<CustomerGroup>, Error> {
    let mut groups = customer_groups::list(view.tx, view.company.id)?;
    if let Some(asked) = query.metadata {
        groups.retain(|group| asked.0.iter().all(|(key, value)| group.metadata.0.get(key) == Some(value)));
    }
    Ok(groups)
}

/// One customer group.
///
/// # Errors
/// `CUSTOMER_GROUP_NOT_FOUND`.
pub fn get(view: &mut View<'_>, id: CustomerGroupId) -> Result<CustomerGroup, Error> {
    Ok(customer_groups::get(view.tx, view.company.id, id)?.ok_or_else(not_found)?)
}

/// Makes a customer group.
///
/// # Errors
/// `CUSTOMER_GROUP_NUMBER_ALREADY_EXISTS`, `ACCOUNT_NOT_FOUND`, `ACCOUNT_NOT_RECEIVABLE`.
pub fn create(work: &mut Work<'_>, input: CustomerGroupInput) -> Result<CustomerGroup, Error> {
    let CustomerGroupInput { number, name, discount, account_id, metadata } = input;
    let number = match number {
        Some(number) => free_number(work, number.0)?,
        None => next_number(work)?,
    };
    let (account_number, account_name) = receivables(work, account_id)?;
    let group = CustomerGroup {
        id: work.new_id(),
        number,
        name: name.0,
        discount: discount.map(|percent| percent.0),
        account_id,
        account_number,
        account_name,
        metadata: metadata.unwrap_or_default(),
    };
    customer_groups::insert(work.tx, work.company.id, &group, work.now)?;
    work.event("customer_group.created", "customer_group", group.id, &group, None);
    Ok(group)
}

/// Changes a customer group.
///
/// # Errors
/// `CUSTOMER_GROUP_NOT_FOUND` and those of [`create`].
pub fn update(work: &mut Work<'_>, id: CustomerGroupId, patch: CustomerGroupPatch) -> Result<CustomerGroup, Error> {
    let before = customer_groups::get(work.tx, work.company.id, id)?.ok_or_else(not_found)?;
    let CustomerGroupPatch { number, name, discount, account_id, metadata } = patch;
    let number = match number {
        Some(number) if number.0 != before.number => free_number(work, number.0)?,
        _ => before.number.clone(),
    };
    let (account_id, (account_number, account_name)) = match account_id {
        Some(account) if account != before.account_id => (account, receivables(work, account)?),
        _ => (before.account_id, (before.account_number, before.account_name.clone())),
    };
    let after = CustomerGroup {
        id,
        number,
        name: name.map_or_else(|| before.name.clone(), |name| name.0),
        discount: discount.map(|percent| percent.0).over(before.discount),
        account_id,
        account_number,
        account_name,
        metadata: metadata.over(Some(before.metadata.clone())).unwrap_or_default(),
    };
    if after == before {
        work.nothing_happened();
        return Ok(after);
    }
    customer_groups::update(work.tx, work.company.id, &after, work.now)?;
    work.event("customer_group.updated", "customer_group", id, &after, Some(json(&before)));
    Ok(after)
}

fn not_found() -> Refusal {
    Refusal::missing("CUSTOMER_GROUP_NOT_FOUND", "There is no such customer group in this company.")
}

fn free_number(work: &mut Work<'_>, number: String) -> Result<String, Error> {
    match customer_groups::by_number(work.tx, work.company.id, &number)? {
        None => Ok(number),
        Some(_) => {
            let message = format!("There is a customer group with the number {number} already.");
            let refusal = Refusal::new("CUSTOMER_GROUP_NUMBER_ALREADY_EXISTS", message);
            Err(refusal.with(details!({ "property": "number" })).into())
        }
    }
}

/// The first count from 1 that is no group's number.
fn next_number(work: &mut Work<'_>) -> Result<String, Error> {
    let taken = customer_groups::list(work.tx, work.company.id)?;
    let is_free = |number: &String| taken.iter().all(|group| group.number != *number);
    let number = (1_u64..).map(|count| count.to_string()).find(is_free);
    Ok(number.expect("there are more counts than groups"))
}

/// Number and name of an account that is a receivables control account.
fn receivables(work: &mut Work<'_>, id: AccountId) -> Result<(i64, String), Error> {
    let account = accounts::get(work.tx, work.company.id, id)?.ok_or_else(|| {
        Refusal::missing_at("ACCOUNT_NOT_FOUND", "There is no such account in this company.", "accountId")
    })?;
    if account.control_account_type != Some(ControlAccountType::AccountsReceivable) {
        let message = format!("Account {} is no receivables control account.", account.account_number);
        let refusal = Refusal::new("ACCOUNT_NOT_RECEIVABLE", message);
        return Err(refusal.with(details!({ "property": "accountId" })).into());
    }
    Ok((account.account_number, account.name))
}

//! Product groups: which account a sale is booked to in each VAT zone.

use billing::catalogue::ProductGroup;
use billing::ids::{AccountId, ProductGroupId};
use billing::input::catalogue::{ProductGroupInput, ProductGroupPatch, ProductGroupQuery};
use billing::page::{Page, Part};
use billing::refusal::Refusal;
use billing::vat_codes::VatType;
use serde_json::json as details;
use store::product_groups;

use crate::work::json;
use crate::{Error, View, Work};

/// A page of product groups.
///
/// # Errors
/// Faults of `page` and `cursor`.
pub fn list(view: &mut View<'_>, query: ProductGroupQuery) -> Result<Page<ProductGroup>, Error> {
    let ProductGroupQuery { page, limit, cursor, sort_by, sort_order, search } = query;
    let part = Part::asked(page, limit, cursor.as_deref())?;
    let order = (sort_by.unwrap_or_default(), sort_order.unwrap_or_default());
    Ok(product_groups::list(view.tx, view.company.id, search.as_deref(), order, &part)?)
}

/// One product group.
///
/// # Errors
/// `PRODUCT_GROUP_NOT_FOUND`.
pub fn get(view: &mut View<'_>, id: ProductGroupId) -> Result<ProductGroup, Error> {
    Ok(product_groups::get(view.tx, view.company.id, id)?.ok_or_else(not_found)?)
}

/// Makes a product group.
///
/// # Errors
/// `PRODUCT_GROUP_NUMBER_ALREADY_EXISTS`, `ACCOUNT_NOT_FOUND`, `ACCOUNT_VAT_CODE_REQUIRED`.
pub fn create(work: &mut Work<'_>, input: ProductGroupInput) -> Result<ProductGroup, Error> {
    let ProductGroupInput {
        number,
        name,
        domestic_account_id,
        eu_account_id,
        abroad_account_id,
        domestic_without_vat_account_id,
        description,
    } = input;
    check_number(work, &number)?;
    let mut group = ProductGroup {
        id: work.new_id(),
        number: number.0,
        name: name.0,
        description: description.map(|text| text.0),
        domestic_account_id,
        domestic_account_number: 0,
        domestic_account_name: String::new(),
        eu_account_id,
        eu_account_number: 0,
        eu_account_name: String::new(),
        abroad_account_id,
        abroad_account_number: 0,
        abroad_account_name: String::new(),
        domestic_without_vat_account_id,
        domestic_without_vat_account_number: 0,
        domestic_without_vat_account_name: String::new(),
        product_count: 0,
        created_at: work.now,
        updated_at: work.now,
    };
    take_accounts(work, &mut group)?;
    product_groups::insert(work.tx, work.company.id, &group)?;
    work.event("product_group.created", "product_group", group.id, &group, None);
    Ok(group)
}

/// Changes a product group.
///
/// # Errors
/// `PRODUCT_GROUP_NOT_FOUND` and those of [`create`].
pub fn update(work: &mut Work<'_>, id: ProductGroupId, patch: ProductGroupPatch) -> Result<ProductGroup, Error> {
    let before = product_groups::get(work.tx, work.company.id, id)?.ok_or_else(not_found)?;
    let ProductGroupPatch {
        number,
        name,
        domestic_account_id,
        eu_account_id,
        abroad_account_id,
        domestic_without_vat_account_id,
        description,
    } = patch;
    let mut after = before.clone();
    if let Some(number) = number.filter(|number| number.0 != before.number) {
        check_number(work, &number)?;
        after.number = number.0;
    }
    if let Some(name) = name {
        after.name = name.0;
    }
    after.description = description.map(|text| text.0).over(before.description.clone());
    after.domestic_account_id = domestic_account_id.unwrap_or(before.domestic_account_id);
    after.eu_account_id = eu_account_id.unwrap_or(before.eu_account_id);
    after.abroad_account_id = abroad_account_id.unwrap_or(before.abroad_account_id);
    after.domestic_without_vat_account_id =
        domestic_without_vat_account_id.unwrap_or(before.domestic_without_vat_account_id);
    if after == before {
        work.nothing_happened();
        return Ok(after);
    }
    take_accounts(work, &mut after)?;
    after.updated_at = work.now;
    product_groups::update(work.tx, work.company.id, &after)?;
    work.event("product_group.updated", "product_group", id, &after, Some(json(&before)));
    Ok(after)
}

/// Deletes a product group.
///
/// # Errors
/// `PRODUCT_GROUP_NOT_FOUND`, `PRODUCT_GROUP_IN_USE`.
pub fn delete(work: &mut Work<'_>, id: ProductGroupId) -> Result<(), Error> {
    let group = product_groups::get(work.tx, work.company.id, id)?.ok_or_else(not_found)?;
    if group.product_count > 0 {
        let message = format!("{} products are in the group {}.", group.product_count, group.number);
        let refusal = Refusal::new("PRODUCT_GROUP_IN_USE", message);
        return Err(refusal.with(details!({ "productCount": group.product_count })).into());
    }
    product_groups::delete(work.tx, work.company.id, id)?;
    work.event("product_group.deleted", "product_group", id, &group, Some(json(&group)));
    Ok(())
}

fn not_found() -> Refusal {
    Refusal::missing("PRODUCT_GROUP_NOT_FOUND", "There is no such product group in this company.")
}

fn check_number(work: &mut Work<'_>, number: &str) -> Result<(), Error> {
    if product_groups::by_number(work.tx, work.company.id, number)?.is_none() {
        return Ok(());
    }
    let message = format!("There is a product group with the number {number} already.");
    let refusal = Refusal::new("PRODUCT_GROUP_NUMBER_ALREADY_EXISTS", message);
    Err(refusal.with(details!({ "property": "number" })).into())
}

/// Whether an account must have a VAT code for sales.
#[derive(Clone, Copy, PartialEq, Eq)]
enum VatCode {
    Required,
    Optional,
}

/// Checks the four accounts a group names, and takes their numbers and names.
fn take_accounts(work: &mut Work<'_>, group: &mut ProductGroup) -> Result<(), Error> {
    let domestic = account(work, group.domestic_account_id, "domesticAccountId", VatCode::Required)?;
    (group.domestic_account_number, group.domestic_account_name) = domestic;
    let eu = account(work, group.eu_account_id, "euAccountId", VatCode::Required)?;
    (group.eu_account_number, group.eu_account_name) = eu;
    let abroad = account(work, group.abroad_account_id, "abroadAccountId", VatCode::Required)?;
    (group.abroad_account_number, group.abroad_account_name) = abroad;
    let without =
        account(work, group.domestic_without_vat_account_id, "domesticWithoutVatAccountId", VatCode::Optional)?;
    (group.domestic_without_vat_account_number, group.domestic_without_vat_account_name) = without;
    Ok(())
}

/// Number and name of an account sales are booked to.
fn account(work: &mut Work<'_>, id: AccountId, property: &str, code: VatCode) -> Result<(i64, String), Error> {
    let account = product_groups::account(work.tx, work.company.id, id)?.ok_or_else(|| {
        Refusal::missing_at("ACCOUNT_NOT_FOUND", "There is no such account in this company.", property)
    })?;
    if code == VatCode::Required && account.vat_type != Some(VatType::Sales) {
        let message = format!("Account {} has no VAT code for sales.", account.number);
        let refusal = Refusal::new("ACCOUNT_VAT_CODE_REQUIRED", message);
        return Err(refusal.with(details!({ "property": property })).into());
    }
    Ok((account.number, account.name))
}

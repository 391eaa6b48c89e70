//! Products: what is sold.

use billing::catalogue::Product;
use billing::company::Company;
use billing::ids::{ProductGroupId, ProductId};
use billing::input::catalogue::{ProductInput, ProductPatch, ProductQuery};
use billing::page::{Page, Part};
use billing::refusal::Refusal;
use jiff::civil::Date;
use serde_json::json as details;
use store::db::Tx;
use store::{prices, product_groups, products};

use crate::work::json;
use crate::{Error, View, Work};

/// A page of products, without their prices.
///
/// # Errors
/// Faults of `page` and `cursor`.
pub fn list(view: &mut View<'_>, query: ProductQuery) -> Result<Page<Product>, Error> {
    let ProductQuery { page, limit, cursor, sort_by, sort_order, search, is_active, product_group_id, metadata } =
        query;
    let part = Part::asked(page, limit, cursor.as_deref())?;
    let order = (sort_by.unwrap_or_default(), sort_order.unwrap_or_default());
    let filter =
        products::Filter { search: search.as_deref(), is_active, product_group_id, metadata: metadata.as_ref() };
    Ok(products::list(view.tx, view.company.id, &filter, order, &part)?)
}

/// One product with its prices.
///
/// # Errors
/// `PRODUCT_NOT_FOUND`.
pub fn get(view: &mut View<'_>, id: ProductId) -> Result<Product, Error> {
    let today = view.today();
    find(view.tx, &view.company, today, id)
}

/// Makes a product.
///
/// # Errors
/// `PRODUCT_NUMBER_ALREADY_EXISTS`, `EXTERNAL_SYSTEM_ID_ALREADY_EXISTS`, `PRODUCT_GROUP_NOT_FOUND`.
pub fn create(work: &mut Work<'_>, input: ProductInput) -> Result<Product, Error> {
    let ProductInput {
        number,
        name,
        product_group_id,
        description,
        unit,
        is_goods,
        external_system_id,
        metadata,
        is_active,
    } = input;
    let product = Product {
        id: work.new_id(),
        number: number.0,
        name: name.0,
        product_group_id,
        description: description.map(|text| text.0),
        unit: unit.map(|unit| unit.0),
        is_goods: is_goods.unwrap_or(false),
        external_system_id: external_system_id.map(|id| id.0),
        metadata: metadata.unwrap_or_default(),
        is_active: is_active.unwrap_or(true),
        prices: Some(Vec::new()),
        created_at: work.now,
        updated_at: work.now,
    };
    check_group(work, product_group_id)?;
    check_number(work, &product)?;
    check_external_id(work, &product)?;
    products::insert(work.tx, work.company.id, &product)?;
    work.event("product.created", "product", product.id, &product, None);
    Ok(product)
}

/// What an import tells of a product that was made.
pub fn told(made: &Product) -> serde_json::Value {
    details!({ "id": made.id, "number": made.number })
}

/// Changes a product.
///
/// # Errors
/// `PRODUCT_NOT_FOUND` and those of [`create`].
pub fn update(work: &mut Work<'_>, id: ProductId, patch: ProductPatch) -> Result<Product, Error> {
    let today = work.today();
    let before = find(work.tx, &work.company, today, id)?;
    let ProductPatch {
        number,
        name,
        product_group_id,
        description,
        unit,
        is_goods,
        external_system_id,
        metadata,
        is_active,
    } = patch;
    let mut after = Product {
        id,
        number: number.map_or_else(|| before.number.clone(), |number| number.0),
        name: name.map_or_else(|| before.name.clone(), |name| name.0),
        product_group_id: product_group_id.unwrap_or(before.product_group_id),
        description: description.map(|text| text.0).over(before.description.clone()),
        unit: unit.map(|unit| unit.0).over(before.unit.clone()),
        is_goods: is_goods.unwrap_or(before.is_goods),
        external_system_id: external_system_id.map(|id| id.0).over(before.external_system_id.clone()),
        metadata: metadata.over(Some(before.metadata.clone())).unwrap_or_default(),
        is_active: is_active.unwrap_or(before.is_active),
        prices: before.prices.clone(),
        created_at: before.created_at,
        updated_at: before.updated_at,
    };
    if after == before {
        work.nothing_happened();
        return Ok(after);
    }
    if after.number != before.number {
        check_number(work, &after)?;
    }
    if after.external_system_id != before.external_system_id {
        check_external_id(work, &after)?;
    }
    let is_moved = after.product_group_id != before.product_group_id;
    if is_moved {
        check_group(work, after.product_group_id)?;
    }
    after.updated_at = work.now;
    products::update(work.tx, work.company.id, &after)?;
    if is_moved {
        // Another group's accounts may carry other VAT rates.
        after.prices = Some(prices::of_product(work.tx, &work.company, today, id)?);
    }
    work.event("product.updated", "product", id, &after, Some(json(&before)));
    Ok(after)
}

/// Deletes a product and its prices.
///
/// # Errors
/// `PRODUCT_NOT_FOUND`; `PRODUCT_IN_USE` where a price of it is locked.
pub fn delete(work: &mut Work<'_>, id: ProductId) -> Result<(), Error> {
    let today = work.today();
    let product = find(work.tx, &work.company, today, id)?;
    let of_it = product.prices.as_deref().unwrap_or_default();
    if of_it.iter().any(|price| price.is_locked) {
        let message = format!("Documents name prices of the product {}; deactivate it instead.", product.number);
        return Err(Refusal::new("PRODUCT_IN_USE", message).into());
    }
    for price in of_it {
        prices::delete(work.tx, work.company.id, price.id)?;
        work.event("price.deleted", "price", price.id, price, Some(json(price)));
    }
    products::delete(work.tx, work.company.id, id)?;
    work.event("product.deleted", "product", id, &product, Some(json(&product)));
    Ok(())
}

/// A product with its prices.
fn find(tx: &mut dyn Tx, company: &Company, today: Date, id: ProductId) -> Result<Product, Error> {
    let mut product = products::get(tx, company.id, id)?
        .ok_or_else(|| Refusal::missing("PRODUCT_NOT_FOUND", "There is no such product in this company."))?;
    product.prices = Some(prices::of_product(tx, company, today, id)?);
    Ok(product)
}

fn check_group(work: &mut Work<'_>, id: ProductGroupId) -> Result<(), Error> {
    if product_groups::get(work.tx, work.company.id, id)?.is_some() {
        return Ok(());
    }
    let message = "There is no such product group in this company.";
    Err(Refusal::missing_at("PRODUCT_GROUP_NOT_FOUND", message, "productGroupId").into())
}

fn check_number(work: &mut Work<'_>, product: &Product) -> Result<(), Error> {
    if products::by_number(work.tx, work.company.id, &product.number)?.is_none() {
        return Ok(());
    }
    let message = format!("There is a product with the number {} already.", product.number);
    let refusal = Refusal::new("PRODUCT_NUMBER_ALREADY_EXISTS", message);
    Err(refusal.with(details!({ "property": "number" })).into())
}

fn check_external_id(work: &mut Work<'_>, product: &Product) -> Result<(), Error> {
    let Some(id) = &product.external_system_id else {
        return Ok(());
    };
    if products::by_external_id(work.tx, work.company.id, id)?.is_none() {
        return Ok(());
    }
    let message = format!("There is a product with the externalSystemId {id} already.");
    let refusal = Refusal::new("EXTERNAL_SYSTEM_ID_ALREADY_EXISTS", message);
    Err(refusal.with(details!({ "property": "externalSystemId" })).into())
}

//! Products: what is sold.

use std::collections::{BTreeMap, BTreeSet};

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

use crate::imports::Taken;
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
    check_free(work, Some(&product.number), product.external_system_id.as_deref())?;
    work.ahead.products.take(&product);
    products::insert(work.tx, work.company.id, &product)?;
    work.event("product.created", "product", product.id, &product, None);
    Ok(product)
}

/// What the products of a chunk ask for.
#[derive(Default)]
pub(crate) struct Ahead {
    groups: BTreeMap<ProductGroupId, bool>,
    numbers: Taken,
    external_ids: Taken,
}

impl Ahead {
    /// Says that a product has its number and its id in another system now.
    fn take(&mut self, product: &Product) {
        self.numbers.take(&product.number);
        if let Some(external_id) = &product.external_system_id {
            self.external_ids.take(external_id);
        }
    }
}

/// Looks at what the rows of a chunk will ask for.
///
/// # Errors
/// What the shelves answer.
pub fn look_ahead(work: &mut Work<'_>, rows: &[&ProductInput]) -> Result<(), Error> {
    let company_id = work.company.id;
    let numbers: Vec<&str> = rows.iter().map(|row| &*row.number).collect();
    let external_ids: Vec<&str> = rows.iter().filter_map(|row| row.external_system_id.as_deref()).collect();
    let (taken, taken_ids) = products::taken(work.tx, company_id, &numbers, &external_ids)?;
    let group_ids: BTreeSet<ProductGroupId> = rows.iter().map(|row| row.product_group_id).collect();
    let there = product_groups::there(work.tx, company_id, &group_ids)?;
    let groups = group_ids.into_iter().map(|id| (id, there.contains(&id))).collect();
    let (numbers, external_ids) = (Taken::of(&numbers, &taken), Taken::of(&external_ids, &taken_ids));
    work.ahead.products = Ahead { groups, numbers, external_ids };
    Ok(())
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
    let number = (after.number != before.number).then_some(after.number.as_str());
    let external_id =
        after.external_system_id.as_deref().filter(|id| before.external_system_id.as_deref() != Some(*id));
    check_free(work, number, external_id)?;
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
    let is_there = match work.ahead.products.groups.get(&id) {
        Some(known) => *known,
        None => product_groups::there(work.tx, work.company.id, &BTreeSet::from([id]))?.contains(&id),
    };
    if is_there {
        return Ok(());
    }
    let message = "There is no such product group in this company.";
    Err(Refusal::missing_at("PRODUCT_GROUP_NOT_FOUND", message, "productGroupId").into())
}

/// A number and an id in another system, where there are any, are nobody's yet.
fn check_free(work: &mut Work<'_>, number: Option<&str>, external_id: Option<&str>) -> Result<(), Error> {
    let (company_id, ahead) = (work.company.id, &work.ahead.products);
    let known_number = number.map_or(Some(false), |number| ahead.numbers.knows(number));
    let known_id = external_id.map_or(Some(false), |id| ahead.external_ids.knows(id));
    let (number_taken, id_taken) = match (known_number, known_id) {
        (Some(number), Some(id)) => (number, id),
        _ => products::is_taken(work.tx, company_id, number, external_id)?,
    };
    if let Some(number) = number.filter(|_| number_taken) {
        let message = format!("There is a product with the number {number} already.");
        let refusal = Refusal::new("PRODUCT_NUMBER_ALREADY_EXISTS", message);
        return Err(refusal.with(details!({ "property": "number" })).into());
    }
    if let Some(id) = external_id.filter(|_| id_taken) {
        let message = format!("There is a product with the externalSystemId {id} already.");
        let refusal = Refusal::new("EXTERNAL_SYSTEM_ID_ALREADY_EXISTS", message);
        return Err(refusal.with(details!({ "property": "externalSystemId" })).into());
    }
    Ok(())
}

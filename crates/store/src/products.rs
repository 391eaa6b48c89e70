//! Products; their prices stand on a page of their own.

use std::collections::BTreeSet;

use billing::catalogue::Product;
use billing::ids::{CompanyId, ProductGroupId, ProductId};
use billing::input::Metadata;
use billing::input::catalogue::CatalogueSort;
use billing::input::documents::SortOrder;
use billing::json::instant_text;
use billing::page::{Begin, Page, Part};

use crate::db::{Error, Row, Select, Tx, params, statements, yes_no};
use crate::documents::{json, metadata as read_metadata};
use crate::metadata::{self, escaped, has_pair};
use crate::several::{self, Unique};

const RESOURCE: &str = "product";

/// What stands after a place in a list sorted so, and the list's order, for products and their groups.
macro_rules! placed {
    ($sort:expr, $order:expr) => {
        match ($sort, $order) {
            (CatalogueSort::Number, SortOrder::Asc) => placed!(">", "number", "asc"),
            (CatalogueSort::Number, SortOrder::Desc) => placed!("<", "number", "desc"),
            (CatalogueSort::Name, SortOrder::Asc) => placed!(">", "name", "asc"),
            (CatalogueSort::Name, SortOrder::Desc) => placed!("<", "name", "desc"),
            (CatalogueSort::CreatedAt, SortOrder::Asc) => placed!(">", "created_at", "asc"),
            (CatalogueSort::CreatedAt, SortOrder::Desc) => placed!("<", "created_at", "desc"),
        }
    };
    ($is:literal, $column:literal, $way:literal) => {
        (
            concat!("and (p.", $column, ", p.id) ", $is, " (?, ?)"),
            concat!("order by p.", $column, " ", $way, ", p.id ", $way),
        )
    };
}
pub(crate) use placed;

macro_rules! columns {
    ($prefix:literal, $suffix:literal) => {
        concat!(
            $prefix,
            " id, number, name, product_group_id, description, unit, is_goods, external_system_id, metadata, ",
            "is_active, created_at, updated_at",
            $suffix
        )
    };
}

statements! {
    GET = columns!("select", " from products where company_id = $1 and id = $2");
    BY_NUMBER = "select id from products where company_id = $1 and number = $2";
    BY_EXTERNAL_ID = "select id from products where company_id = $1 and external_system_id = $2";
    INSERT = columns!("insert into products (company_id, search_text,", ") values ($1, $2, $3, $4, $5, $6, $7, $8, \
        $9, $10, $11, $12, $13, $14)");
    UPDATE = "update products set search_text = $1, number = $2, name = $3, product_group_id = $4, description = $5, \
        unit = $6, is_goods = $7, external_system_id = $8, metadata = $9, is_active = $10, updated_at = $11 \
        where company_id = $12 and id = $13";
    DELETE = "delete from products where company_id = $1 and id = $2";
}

const NUMBERS: Unique =
    Unique("select (select o.number from products o where o.company_id = ? and o.number = v.column1) from (values");
const EXTERNAL_IDS: Unique = Unique(
    "select (select o.external_system_id from products o where o.company_id = ? \
    and o.external_system_id = v.column1) from (values",
);

/// A product, without its prices.
///
/// # Errors
/// What the shelves answer.
pub fn get(tx: &mut dyn Tx, company_id: CompanyId, id: ProductId) -> Result<Option<Product>, Error> {
    tx.one(GET, params![company_id, id])?.map(read).transpose()
}

/// Which products a list is of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// Those with this in number or name.
    pub search: Option<&'a str>,
    /// Those that may, or may not, stand in new documents.
    pub is_active: Option<bool>,
    /// Those of this group.
    pub product_group_id: Option<ProductGroupId>,
    /// Those with all these pairs.
    pub metadata: Option<&'a Metadata>,
}

fn filtered(select: Select, filter: &Filter<'_>) -> Select {
    let pattern = filter.search.map(|text| format!("%{}%", escaped(&text.to_lowercase())));
    let select = select
        .and_if("and p.search_text like ? escape '\\'", pattern)
        .and_if("and p.is_active = ?", filter.is_active.map(yes_no))
        .and_if("and p.product_group_id = ?", filter.product_group_id);
    metadata::only(select, has_pair!("p", "product"), filter.metadata)
}

/// A page of products, without their prices.
///
/// # Errors
/// What the shelves answer.
pub fn list(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    filter: &Filter<'_>,
    (sort, order): (CatalogueSort, SortOrder),
    part: &Part<(String, ProductId)>,
) -> Result<Page<Product>, Error> {
    let (after, ordered) = placed!(sort, order);
    let all = Select::new(columns!("select", " from products p where company_id = ?"), params![company_id]);
    let mut select = filtered(all, filter);
    if let Begin::After((value, id)) = &part.begin {
        select = select.and(after, params![value, *id]);
    }
    let select = select
        .and(ordered, params![])
        .and("limit ? offset ?", params![part.fetch().cast_signed(), part.offset().cast_signed()]);
    let fetched = select.all(tx)?.into_iter().map(read).collect::<Result<Vec<_>, Error>>()?;
    let total = if let Begin::Page(_) = part.begin {
        let count = Select::new("select count(*) from products p where company_id = ?", params![company_id]);
        filtered(count, filter).one(tx)?.map(|mut row| row.next()).transpose()?
    } else {
        None
    };
    let value = |product: &Product| match sort {
        CatalogueSort::Number => product.number.clone(),
        CatalogueSort::Name => product.name.clone(),
        CatalogueSort::CreatedAt => instant_text(product.created_at),
    };
    Ok(part.page(fetched, total, |product| (value(product), product.id)))
}

/// Whether a product has that number, and one that id in another system: asked for in one go.
///
/// # Errors
/// What the shelves answer.
pub fn is_taken(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    number: Option<&str>,
    external_id: Option<&str>,
) -> Result<(bool, bool), Error> {
    Ok(match (number, external_id) {
        (Some(number), Some(id)) => {
            let (numbered, external) =
                tx.both((BY_NUMBER, params![company_id, number]), (BY_EXTERNAL_ID, params![company_id, id]))?;
            (!numbered.is_empty(), !external.is_empty())
        }
        (Some(number), None) => (tx.one(BY_NUMBER, params![company_id, number])?.is_some(), false),
        (None, Some(id)) => (false, tx.one(BY_EXTERNAL_ID, params![company_id, id])?.is_some()),
        (None, None) => (false, false),
    })
}

/// Those of these numbers and of these ids in another system that products have: asked for in one go.
///
/// # Errors
/// What the shelves answer.
pub fn taken(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    numbers: &[&str],
    external_ids: &[&str],
) -> Result<(BTreeSet<String>, BTreeSet<String>), Error> {
    several::taken(tx, company_id, (&NUMBERS, numbers), (&EXTERNAL_IDS, external_ids))
}

/// Shelves a new product.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, product: &Product) -> Result<(), Error> {
    let p = product;
    tx.exec(
        INSERT,
        params![
            company_id,
            p.search_text(),
            p.id,
            p.number.as_str(),
            p.name.as_str(),
            p.product_group_id,
            p.description.as_deref(),
            p.unit.as_deref(),
            yes_no(p.is_goods),
            p.external_system_id.as_deref(),
            json(&p.metadata),
            yes_no(p.is_active),
            p.created_at,
            p.updated_at,
        ],
    )?;
    metadata::insert(tx, company_id, RESOURCE, p.id.0, &p.metadata.0)
}

/// Writes a product anew.
///
/// # Errors
/// What the shelves answer.
pub fn update(tx: &mut dyn Tx, company_id: CompanyId, product: &Product) -> Result<(), Error> {
    let p = product;
    tx.exec(
        UPDATE,
        params![
            p.search_text(),
            p.number.as_str(),
            p.name.as_str(),
            p.product_group_id,
            p.description.as_deref(),
            p.unit.as_deref(),
            yes_no(p.is_goods),
            p.external_system_id.as_deref(),
            json(&p.metadata),
            yes_no(p.is_active),
            p.updated_at,
            company_id,
            p.id,
        ],
    )?;
    metadata::replace(tx, company_id, RESOURCE, p.id.0, &p.metadata.0)
}

/// Deletes a product that has no prices left.
///
/// # Errors
/// What the shelves answer.
pub fn delete(tx: &mut dyn Tx, company_id: CompanyId, id: ProductId) -> Result<(), Error> {
    metadata::replace(tx, company_id, RESOURCE, id.0, &Default::default())?;
    tx.exec(DELETE, params![company_id, id])
}

fn read(mut row: Row) -> Result<Product, Error> {
    Ok(Product {
        id: row.id()?,
        number: row.next()?,
        name: row.next()?,
        product_group_id: row.id()?,
        description: row.next()?,
        unit: row.next()?,
        is_goods: row.next()?,
        external_system_id: row.next()?,
        metadata: read_metadata(&row.next::<String>()?)?,
        is_active: row.next()?,
        prices: None,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}

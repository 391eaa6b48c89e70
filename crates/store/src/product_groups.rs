//! Product groups and the accounts their products are booked to.

use std::collections::BTreeSet;

use billing::catalogue::ProductGroup;
use billing::ids::{AccountId, CompanyId, ProductGroupId};
use billing::input::catalogue::CatalogueSort;
use billing::input::documents::SortOrder;
use billing::json::instant_text;
use billing::page::{Begin, Page, Part};
use billing::vat_codes::VatType;

use crate::db::{Error, Row, Select, Tx, params, statements};
use crate::metadata::escaped;
use crate::products::placed;
use crate::several::Several;

macro_rules! select {
    ($suffix:literal) => {
        concat!(
            "select p.id, p.number, p.name, p.description, p.domestic_account_id, d.account_number, d.name, ",
            "p.eu_account_id, e.account_number, e.name, p.abroad_account_id, a.account_number, a.name, ",
            "p.domestic_without_vat_account_id, w.account_number, w.name, ",
            "(select count(*) from products r where r.company_id = p.company_id and r.product_group_id = p.id), ",
            "p.created_at, p.updated_at from product_groups p ",
            "join accounts d on d.company_id = p.company_id and d.id = p.domestic_account_id ",
            "join accounts e on e.company_id = p.company_id and e.id = p.eu_account_id ",
            "join accounts a on a.company_id = p.company_id and a.id = p.abroad_account_id ",
            "join accounts w on w.company_id = p.company_id and w.id = p.domestic_without_vat_account_id ",
            $suffix
        )
    };
}

statements! {
    GET = select!("where p.company_id = $1 and p.id = $2");
    BY_NUMBER = "select id from product_groups where company_id = $1 and number = $2";
    INSERT = "insert into product_groups (company_id, id, number, name, description, domestic_account_id, \
        eu_account_id, abroad_account_id, domestic_without_vat_account_id, search_text, created_at, updated_at) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    UPDATE = "update product_groups set number = $1, name = $2, description = $3, domestic_account_id = $4, \
        eu_account_id = $5, abroad_account_id = $6, domestic_without_vat_account_id = $7, search_text = $8, \
        updated_at = $9 where company_id = $10 and id = $11";
    ACCOUNT = "select a.account_number, a.name, v.type from accounts a \
        left join vat_codes v on v.company_id = a.company_id and v.id = a.vat_code_id \
        where a.company_id = $1 and a.id = $2";
    DELETE = "delete from product_groups where company_id = $1 and id = $2";
}

const THERE: Several =
    Several { begin: "select id from product_groups where company_id = ?", among: "and id in", end: "" };

/// A product group.
///
/// # Errors
/// What the shelves answer.
pub fn get(tx: &mut dyn Tx, company_id: CompanyId, id: ProductGroupId) -> Result<Option<ProductGroup>, Error> {
    tx.one(GET, params![company_id, id])?.map(read).transpose()
}

/// Those of these product groups that are there. Nothing is counted, as it is for [`get`].
///
/// # Errors
/// What the shelves answer.
pub fn there(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    ids: &BTreeSet<ProductGroupId>,
) -> Result<BTreeSet<ProductGroupId>, Error> {
    Ok(THERE.rows(tx, company_id, ids)?.into_keys().collect())
}

/// A page of product groups; `search` is what number or name begins with.
///
/// # Errors
/// What the shelves answer.
pub fn list(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    search: Option<&str>,
    (sort, order): (CatalogueSort, SortOrder),
    part: &Part<(String, ProductGroupId)>,
) -> Result<Page<ProductGroup>, Error> {
    const SEARCHED: &str = "and p.search_text like ? escape '\\'";
    let pattern = search.map(|text| format!("%\n{}%", escaped(&text.to_lowercase())));
    let (after, ordered) = placed!(sort, order);
    let mut select =
        Select::new(select!("where p.company_id = ?"), params![company_id]).and_if(SEARCHED, pattern.as_deref());
    if let Begin::After((value, id)) = &part.begin {
        select = select.and(after, params![value, *id]);
    }
    let select = select
        .and(ordered, params![])
        .and("limit ? offset ?", params![part.fetch().cast_signed(), part.offset().cast_signed()]);
    let fetched = select.all(tx)?.into_iter().map(read).collect::<Result<Vec<_>, Error>>()?;
    let total = if let Begin::Page(_) = part.begin {
        let count = Select::new("select count(*) from product_groups p where company_id = ?", params![company_id]);
        count.and_if(SEARCHED, pattern).one(tx)?.map(|mut row| row.next()).transpose()?
    } else {
        None
    };
    let value = |group: &ProductGroup| match sort {
        CatalogueSort::Number => group.number.clone(),
        CatalogueSort::Name => group.name.clone(),
        CatalogueSort::CreatedAt => instant_text(group.created_at),
    };
    Ok(part.page(fetched, total, |group| (value(group), group.id)))
}

/// Number and name in lower case, each after a line break: what one begins with is found after it.
fn search_text(group: &ProductGroup) -> String {
    format!("\n{}\n{}", group.number, group.name).to_lowercase()
}

/// An account sales may be booked to, as a group names it.
#[derive(Clone, PartialEq, Debug)]
pub struct SalesAccount {
    /// Its number.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// On which side of trade its VAT code is used, where it has one.
    pub vat_type: Option<VatType>,
}

/// An account with the side of its VAT code.
///
/// # Errors
/// What the shelves answer.
pub fn account(tx: &mut dyn Tx, company_id: CompanyId, id: AccountId) -> Result<Option<SalesAccount>, Error> {
    let read = |mut row: Row| Ok(SalesAccount { number: row.next()?, name: row.next()?, vat_type: row.opt_parse()? });
    tx.one(ACCOUNT, params![company_id, id])?.map(read).transpose()
}

/// Which group has that number.
///
/// # Errors
/// What the shelves answer.
pub fn by_number(tx: &mut dyn Tx, company_id: CompanyId, number: &str) -> Result<Option<ProductGroupId>, Error> {
    tx.one(BY_NUMBER, params![company_id, number])?.map(|mut row| row.id()).transpose()
}

/// Shelves a new group.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, group: &ProductGroup) -> Result<(), Error> {
    tx.exec(
        INSERT,
        params![
            company_id,
            group.id,
            group.number.as_str(),
            group.name.as_str(),
            group.description.as_deref(),
            group.domestic_account_id,
            group.eu_account_id,
            group.abroad_account_id,
            group.domestic_without_vat_account_id,
            search_text(group),
            group.created_at,
            group.updated_at,
        ],
    )
}

/// Writes a group anew.
///
/// # Errors
/// What the shelves answer.
pub fn update(tx: &mut dyn Tx, company_id: CompanyId, group: &ProductGroup) -> Result<(), Error> {
    tx.exec(
        UPDATE,
        params![
            group.number.as_str(),
            group.name.as_str(),
            group.description.as_deref(),
            group.domestic_account_id,
            group.eu_account_id,
            group.abroad_account_id,
            group.domestic_without_vat_account_id,
            search_text(group),
            group.updated_at,
            company_id,
            group.id,
        ],
    )
}

/// Deletes a group that no product is in.
///
/// # Errors
/// What the shelves answer.
pub fn delete(tx: &mut dyn Tx, company_id: CompanyId, id: ProductGroupId) -> Result<(), Error> {
    tx.exec(DELETE, params![company_id, id])
}

fn read(mut row: Row) -> Result<ProductGroup, Error> {
    Ok(ProductGroup {
        id: row.id()?,
        number: row.next()?,
        name: row.next()?,
        description: row.next()?,
        domestic_account_id: row.id()?,
        domestic_account_number: row.next()?,
        domestic_account_name: row.next()?,
        eu_account_id: row.id()?,
        eu_account_number: row.next()?,
        eu_account_name: row.next()?,
        abroad_account_id: row.id()?,
        abroad_account_number: row.next()?,
        abroad_account_name: row.next()?,
        domestic_without_vat_account_id: row.id()?,
        domestic_without_vat_account_number: row.next()?,
        domestic_without_vat_account_name: row.next()?,
        product_count: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}

//! Customer groups.

use std::collections::{BTreeMap, BTreeSet};

use billing::customers::CustomerGroup;
use billing::ids::{CompanyId, CustomerGroupId};
use jiff::Timestamp;

use crate::db::{Error, Row, Tx, params, statements};
use crate::documents::{json, metadata as read_metadata};
use crate::metadata;
use crate::several::{Several, by_id};

const RESOURCE: &str = "customer_group";

macro_rules! select {
    ($suffix:literal) => {
        select!("select", $suffix)
    };
    ($prefix:literal, $suffix:literal) => {
        concat!(
            $prefix,
            " g.id, g.number, g.name, g.discount, g.account_id, a.account_number, a.name, g.metadata ",
            "from customer_groups g join accounts a on a.company_id = g.company_id and a.id = g.account_id ",
            $suffix
        )
    };
}

const SEVERAL: Several =
    Several { begin: select!("select g.id,", "where g.company_id = ?"), among: "and g.id in", end: "" };

statements! {
    GET = select!("where g.company_id = $1 and g.id = $2");
    LIST = select!("where g.company_id = $1 order by length(g.number), g.number");
    BY_NUMBER = "select id from customer_groups where company_id = $1 and number = $2";
    INSERT = "insert into customer_groups (company_id, id, number, name, discount, account_id, metadata, \
        created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    UPDATE = "update customer_groups set number = $1, name = $2, discount = $3, account_id = $4, metadata = $5, \
        updated_at = $6 where company_id = $7 and id = $8";
}

/// A customer group.
///
/// # Errors
/// What the shelves answer.
pub fn get(tx: &mut dyn Tx, company_id: CompanyId, id: CustomerGroupId) -> Result<Option<CustomerGroup>, Error> {
    tx.one(GET, params![company_id, id])?.map(read).transpose()
}

/// Those of these groups that are there, by id.
///
/// # Errors
/// What the shelves answer.
pub fn several(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    ids: &BTreeSet<CustomerGroupId>,
) -> Result<BTreeMap<CustomerGroupId, CustomerGroup>, Error> {
    by_id(SEVERAL.rows(tx, company_id, ids)?, read)
}

/// All customer groups by number: by its length, then its text.
///
/// # Errors
/// What the shelves answer.
pub fn list(tx: &mut dyn Tx, company_id: CompanyId) -> Result<Vec<CustomerGroup>, Error> {
    tx.all(LIST, params![company_id])?.into_iter().map(read).collect()
}

/// Which group has that number.
///
/// # Errors
/// What the shelves answer.
pub fn by_number(tx: &mut dyn Tx, company_id: CompanyId, number: &str) -> Result<Option<CustomerGroupId>, Error> {
    tx.one(BY_NUMBER, params![company_id, number])?.map(|mut row| row.id()).transpose()
}

/// Shelves a new group.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, group: &CustomerGroup, at: Timestamp) -> Result<(), Error> {
    let CustomerGroup { id, number, name, discount, account_id, account_number: _, account_name: _, metadata } = group;
    tx.exec(
        INSERT,
        params![company_id, *id, number.as_str(), name.as_str(), *discount, *account_id, json(metadata), at, at],
    )?;
    metadata::insert(tx, company_id, RESOURCE, id.0, &metadata.0)
}

/// Writes a group anew.
///
/// # Errors
/// What the shelves answer.
pub fn update(tx: &mut dyn Tx, company_id: CompanyId, group: &CustomerGroup, at: Timestamp) -> Result<(), Error> {
    let CustomerGroup { id, number, name, discount, account_id, account_number: _, account_name: _, metadata } = group;
    tx.exec(
        UPDATE,
        params![number.as_str(), name.as_str(), *discount, *account_id, json(metadata), at, company_id, *id],
    )?;
    metadata::replace(tx, company_id, RESOURCE, id.0, &metadata.0)
}

fn read(mut row: Row) -> Result<CustomerGroup, Error> {
    Ok(CustomerGroup {
        id: row.id()?,
        number: row.next()?,
        name: row.next()?,
        discount: row.next()?,
        account_id: row.id()?,
        account_number: row.next()?,
        account_name: row.next()?,
        metadata: read_metadata(&row.next::<String>()?)?,
    })
}

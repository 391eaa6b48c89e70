//! What a document's lines take from the catalogue: one statement a price.

use billing::customers::VatZone;
use billing::document::{Catalogue, CatalogueItem};
use billing::ids::{AccountId, CompanyId, CustomerGroupId, PriceId};
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::db::{Error, Row, Tx, params, statements};

statements! {
    ITEM = "select p.id, p.status, p.is_locked, p.pricing_model, p.currency, p.unit_amount, r.id, r.number, r.name, r.unit, \
        r.is_goods, r.is_active, a.id, v.id, v.account_to_book_id, \
        (select x.rate from vat_rates x where x.company_id = v.company_id and x.vat_code_id = v.id \
            and x.valid_from <= $1 order by x.valid_from desc limit 1), \
        v.vat_category, v.exemption_reason, v.exemption_reason_code \
        from prices p \
        join products r on r.company_id = p.company_id and r.id = p.product_id \
        join product_groups g on g.company_id = r.company_id and g.id = r.product_group_id \
        join accounts a on a.company_id = g.company_id and a.id = case $2 when 'domestic' then g.domestic_account_id \
            when 'eu' then g.eu_account_id when 'abroad' then g.abroad_account_id \
            else g.domestic_without_vat_account_id end \
        left join vat_codes v on v.company_id = a.company_id and v.id = a.vat_code_id \
        where p.company_id = $3 and p.id = $4";
    RECEIVABLES = "select account_id from customer_groups where company_id = $1 and id = $2";
}

/// The items of the prices named, for a zone, with the VAT rates of a day. A price that is not there is left out.
///
/// # Errors
/// What the shelves answer.
pub fn items(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    prices: impl Iterator<Item = PriceId>,
    zone: VatZone,
    tax_point: Date,
) -> Result<Catalogue, Error> {
    let mut items = Catalogue::new();
    for price in prices {
        if items.contains_key(&price) {
            continue;
        }
        if let Some(mut row) = tx.one(ITEM, params![tax_point, zone.as_str(), company_id, price])? {
            items.insert(price, read(&mut row)?);
        }
    }
    Ok(items)
}

fn read(row: &mut Row) -> Result<CatalogueItem, Error> {
    Ok(CatalogueItem {
        price_id: row.id()?,
        price_status: row.parse()?,
        is_locked: row.next()?,
        pricing_model: row.parse()?,
        currency: row.parse()?,
        unit_amount: row.next()?,
        product_id: row.id()?,
        product_number: row.next()?,
        product_name: row.next()?,
        unit: row.next()?,
        is_goods: row.next()?,
        product_is_active: row.next()?,
        account_id: row.id()?,
        vat_code_id: row.opt_id()?,
        vat_account_id: row.opt_id()?,
        vat_rate: row.next::<Option<Decimal>>()?.unwrap_or_default(),
        vat_category: row.opt_parse()?,
        exemption_reason: row.next()?,
        exemption_reason_code: row.next()?,
    })
}

/// The receivables control account of a customer's group.
///
/// # Errors
/// What the shelves answer.
pub fn receivables(tx: &mut dyn Tx, company_id: CompanyId, group: CustomerGroupId) -> Result<AccountId, Error> {
    tx.one(RECEIVABLES, params![company_id, group])?.ok_or(Error::NotFound)?.id()
}

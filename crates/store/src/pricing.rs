//! What a document's lines take from the catalogue: one statement a price.

use billing::catalogue::PricingModel;
use billing::customers::VatZone;
use billing::document::{Catalogue, CatalogueItem};
use billing::ids::{AccountId, CompanyId, CustomerGroupId, PriceId};
use billing::tiers::Tier;
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
    TIERS = "select up_to, unit_amount, flat_amount, package_size from price_tiers \
        where company_id = $1 and price_id = $2 order by position";
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
            let mut item = read(&mut row)?;
            if item.pricing_model != PricingModel::FlatRate {
                item.tiers = tiers(tx, company_id, price)?;
            }
            items.insert(price, item);
        }
    }
    Ok(items)
}

/// The tiers of a price, in their order.
///
/// # Errors
/// What the shelves answer.
pub fn tiers(tx: &mut dyn Tx, company_id: CompanyId, price: PriceId) -> Result<Vec<Tier>, Error> {
    let tier = |mut row: Row| {
        Ok(Tier { up_to: row.next()?, unit_amount: row.next()?, flat_amount: row.next()?, package_size: row.next()? })
    };
    tx.all(TIERS, params![company_id, price])?.into_iter().map(tier).collect()
}

fn read(row: &mut Row) -> Result<CatalogueItem, Error> {
    Ok(CatalogueItem {
        price_id: row.id()?,
        price_status: row.parse()?,
        is_locked: row.next()?,
        pricing_model: row.parse()?,
        currency: row.parse()?,
        unit_amount: row.next()?,
        tiers: Vec::new(),
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

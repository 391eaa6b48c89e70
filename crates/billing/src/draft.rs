//! From what was asked to a document: lines are priced from the catalogue, taxed,
//! and added up. What is derived here is kept; nothing is priced again at sending.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::json;

use crate::catalogue::{PriceStatus, PricingModel};
use crate::company::Company;
use crate::customers::Customer;
use crate::document::{Catalogue, CatalogueItem};
use crate::ids::LineId;
use crate::kind::Kind;
use crate::lines::{AskedLine, Line, LineBody, LineType, ProductLine};
use crate::money::{Currency, Exact, Money, discounted};
use crate::oss_rates::Charged;
use crate::refusal::Refusal;
use crate::tiers::{self, Tier};
use crate::vat::{self, Supply};

/// What lines are priced with.
pub struct Pricing<'a> {
    /// The kind of document: its sign is applied here and nowhere else.
    pub kind: Kind,
    /// The seller.
    pub company: &'a Company,
    /// The buyer.
    pub customer: &'a Customer,
    /// What the lines name.
    pub catalogue: &'a Catalogue,
    /// Base units per 1 unit of a currency, on the document's date; the company's own is not in it.
    pub rates: &'a BTreeMap<Currency, Decimal>,
    /// The document's currency.
    pub currency: Currency,
    /// The document's date.
    pub date: Date,
    /// The delivery's date, where given.
    pub delivery_date: Option<Date>,
    /// The delivery's country, where given.
    pub delivery_country: Option<&'a str>,
    /// What the company charges in that country by its OSS rates.
    pub oss: Option<&'a Charged>,
}

impl Pricing<'_> {
    /// A product line as the catalogue has it, signed, its VAT not yet shared out.
    /// `at` is its place in the request.
    ///
    /// # Errors
    /// `PRICE_NOT_FOUND`, `PRICE_NOT_ACTIVE`, `PRODUCT_INACTIVE`, `EXCHANGE_RATE_MISSING`,
    /// `AMOUNT_TOO_LARGE`, and what [`vat::treat`] refuses.
    pub fn product(&self, asked: &AskedLine, at: usize) -> Result<ProductLine, Refusal> {
        let property = format!("lines.{at}.priceId");
        let item = asked.price_id.and_then(|id| self.catalogue.get(&id)).ok_or_else(|| {
            Refusal::missing_at("PRICE_NOT_FOUND", "There is no such price in this company.", property.clone())
        })?;
        let refused = |code, message: String| Refusal::new(code, message).with(json!({ "property": property }));
        if item.price_status != PriceStatus::Active {
            return Err(refused("PRICE_NOT_ACTIVE", format!("The price of {} is not active.", item.product_number)));
        }
        if !item.product_is_active {
            return Err(refused("PRODUCT_INACTIVE", format!("The product {} is not active.", item.product_number)));
        }
        let (unit_price, gross) = match asked.unit_price {
            Some(price) => (price, Exact::from(asked.quantity).times(price)?),
            None => self.priced(item, asked.quantity)?,
        };
        let discount_percent = asked.discount_percent.unwrap_or_else(|| {
            if asked.unit_price.is_some() { Decimal::ZERO } else { self.customer.group_discount.unwrap_or_default() }
        });
        let treatment = vat::treat(self.company, self.customer, item, self.supply())?;
        let total = discounted(gross, discount_percent, self.currency)?;
        Ok(ProductLine {
            price_id: Some(item.price_id),
            product_id: Some(item.product_id),
            product_number: Some(item.product_number.clone()),
            description: asked.description.clone().unwrap_or_else(|| item.product_name.clone()),
            quantity: asked.quantity,
            unit: item.unit.clone(),
            unit_price,
            discount_percent,
            total: Money::new(self.kind.sign() * total.minor(), self.currency),
            vat_rate: treatment.rate,
            vat_category: treatment.category,
            vat_country: treatment.abroad.as_ref().map(|charged| charged.country.clone()),
            vat: Money::zero(self.currency),
            exemption_reason: treatment.reason,
            exemption_reason_code: treatment.reason_code,
            account_id: item.account_id,
            vat_code_id: treatment.abroad.map(|charged| charged.vat_code_id).or(item.vat_code_id),
            is_goods: item.is_goods,
            base_total: None,
            base_vat: None,
            particulars: asked.particulars.clone(),
            invoice_line_id: None,
        })
    }

    /// Where and when it is delivered.
    pub fn supply(&self) -> Supply<'_> {
        Supply {
            country: self.delivery_country.unwrap_or(&self.customer.country_code),
            date: self.delivery_date.unwrap_or(self.date),
            oss: self.oss,
        }
    }

    /// The price of one and what the quantity comes to before discount. Tiers give the latter;
    /// the price of one is then what it comes to for each, shown with six decimals.
    fn priced(&self, item: &CatalogueItem, quantity: Decimal) -> Result<(Decimal, Exact), Refusal> {
        if item.pricing_model == PricingModel::FlatRate {
            let price = self.in_currency(item, item.unit_amount.unwrap_or_default())?;
            return Ok((price, Exact::from(quantity).times(price)?));
        }
        let tier = |tier: &Tier| {
            Ok::<_, Refusal>(Tier {
                unit_amount: self.in_currency(item, tier.unit_amount)?,
                flat_amount: tier.flat_amount.map(|amount| self.in_currency(item, amount)).transpose()?,
                ..tier.clone()
            })
        };
        let tiers = item.tiers.iter().map(tier).collect::<Result<Vec<_>, _>>()?;
        let gross = tiers::total(item.pricing_model, &tiers, quantity)?;
        Ok((gross.over(quantity)?.decimal(6)?.normalize(), gross))
    }

    /// An amount of a price in the document's currency: in another currency by the rates of the
    /// day, rounded to the currency's decimals, or to six where the amount itself has more than its
    /// own or would come to nothing.
    fn in_currency(&self, item: &CatalogueItem, amount: Decimal) -> Result<Decimal, Refusal> {
        if item.currency == self.currency {
            return Ok(amount);
        }
        let rate = |currency: Currency| {
            if currency == self.company.currency {
                return Ok(Decimal::ONE);
            }
            self.rates.get(&currency).copied().ok_or_else(|| exchange_rate_missing(currency, self.date))
        };
        let (from, to) = (rate(item.currency)?, rate(self.currency)?);
        let exact = amount.checked_mul(from).and_then(|base| base.checked_div(to));
        let exact = exact.ok_or_else(Refusal::amount_too_large)?;
        let plain = amount.normalize().scale() <= item.currency.exponent();
        let rounded = |decimals| exact.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
        let coarse = Some(rounded(self.currency.exponent())).filter(|price| plain && !price.is_zero());
        Ok(coarse.unwrap_or_else(|| rounded(6)).normalize())
    }
}

/// There is no rate to reckon with.
pub fn exchange_rate_missing(currency: Currency, on: Date) -> Refusal {
    let message = format!("There is no exchange rate for {currency} on or before {on}.");
    Refusal::new("EXCHANGE_RATE_MISSING", message).with(json!({ "currency": currency.code(), "date": on.to_string() }))
}

/// A line without amounts.
pub fn plain(asked: &AskedLine, id: LineId) -> Option<Line> {
    let body = match asked.line_type {
        LineType::Product => return None,
        LineType::Text => LineBody::Text(asked.description.clone().unwrap_or_default()),
        LineType::Separator => LineBody::Separator,
    };
    Some(Line { id, body })
}

/// The lines of a document that credits nothing: priced, taxed, each VAT group shared out.
///
/// # Errors
/// `DOCUMENT_WITHOUT_PRODUCT_LINE`, and what [`Pricing::product`] and [`vat::check_together`] refuse.
pub fn lines(
    pricing: &Pricing<'_>,
    asked: &[AskedLine],
    new_id: &mut dyn FnMut() -> LineId,
) -> Result<Vec<Line>, Refusal> {
    check_has_product(asked)?;
    let mut lines = Vec::with_capacity(asked.len());
    for (at, line) in asked.iter().enumerate() {
        let id = new_id();
        lines.push(match plain(line, id) {
            Some(line) => line,
            None => Line { id, body: LineBody::Product(Box::new(pricing.product(line, at)?)) },
        });
    }
    vat::check_together(lines.iter().filter_map(Line::product).map(|line| line.vat_category))?;
    crate::lines::share_vat(&mut lines, |_| true);
    Ok(lines)
}

/// A document has at least one product line.
///
/// # Errors
/// `DOCUMENT_WITHOUT_PRODUCT_LINE`.
pub fn check_has_product(asked: &[AskedLine]) -> Result<(), Refusal> {
    if asked.iter().any(|line| line.line_type == LineType::Product) {
        return Ok(());
    }
    Err(Refusal::new("DOCUMENT_WITHOUT_PRODUCT_LINE", "A document needs at least one product line."))
}

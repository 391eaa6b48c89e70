//! Lines as published: only a product line has amounts, every other field is null.

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::document::{Document, Line, LineBody, ProductLine};
use crate::ids::{LineId, PriceId, ProductId, TagId};
use crate::input::Metadata;
use crate::input::documents::LineType;
use crate::json::decimal_text as text;
use crate::kind::Kind;

/// A line as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicLine {
    /// Its id.
    pub id: LineId,
    /// What it is.
    pub line_type: LineType,
    /// The price charged.
    pub price_id: Option<PriceId>,
    /// The product sold.
    pub product_id: Option<ProductId>,
    /// The product's number.
    pub product_number: Option<String>,
    /// Its text.
    pub description: Option<String>,
    /// How many, positive.
    pub quantity: Option<String>,
    /// Of what unit.
    pub unit: Option<String>,
    /// Price of one, excl. VAT, positive.
    pub unit_price: Option<String>,
    /// Discount in percent.
    pub discount_percent: Option<String>,
    /// Quantity × unit price less discount, excl. VAT; negative on a credit note.
    pub total_price: Option<String>,
    /// VAT rate in percent.
    pub vat_rate: Option<String>,
    /// VAT category (EN 16931).
    pub vat_category: Option<String>,
    /// The country whose VAT it is, where it is not the seller's own (One-Stop-Shop).
    pub vat_country_code: Option<String>,
    /// Its share of its group's VAT; negative on a credit note.
    pub vat_amount: Option<String>,
    /// First day of its period.
    pub period_start: Option<String>,
    /// Last day of its period.
    pub period_end: Option<String>,
    /// Values of dimensions.
    pub tag_ids: Vec<TagId>,
    /// Text pairs of your own.
    pub metadata: Metadata,
    /// The invoice line it credits (credit notes).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice_line_id: Option<Option<LineId>>,
}

impl PublicLine {
    /// A line of a document as published.
    pub(crate) fn of(line: &Line, document: &Document) -> PublicLine {
        let of_credit_note = document.kind == Kind::CreditNote;
        let empty = PublicLine {
            id: line.id,
            line_type: LineType::Product,
            price_id: None,
            product_id: None,
            product_number: None,
            description: None,
            quantity: None,
            unit: None,
            unit_price: None,
            discount_percent: None,
            total_price: None,
            vat_rate: None,
            vat_category: None,
            vat_country_code: None,
            vat_amount: None,
            period_start: None,
            period_end: None,
            tag_ids: Vec::new(),
            metadata: Metadata::default(),
            invoice_line_id: of_credit_note.then_some(None),
        };
        match &line.body {
            LineBody::Text(text) => PublicLine { line_type: LineType::Text, description: Some(text.clone()), ..empty },
            LineBody::Separator => PublicLine { line_type: LineType::Separator, ..empty },
            LineBody::Product(product) => {
                let ProductLine { quantity, unit_price: price, discount_percent, vat_rate, .. } = **product;
                PublicLine {
                    price_id: product.price_id,
                    product_id: product.product_id,
                    product_number: product.product_number.clone(),
                    description: Some(product.description.clone()),
                    quantity: Some(text(quantity)),
                    unit: product.unit.clone(),
                    unit_price: Some(unit_price(price, document.currency.exponent())),
                    discount_percent: Some(text(discount_percent)),
                    total_price: Some(product.total.to_string()),
                    vat_rate: Some(text(vat_rate)),
                    vat_category: Some(product.vat_category.to_string()),
                    vat_country_code: product.vat_country.clone(),
                    vat_amount: Some(product.vat.to_string()),
                    period_start: product.period_start.map(|day| day.to_string()),
                    period_end: product.period_end.map(|day| day.to_string()),
                    tag_ids: product.tag_ids.clone(),
                    metadata: product.metadata.clone(),
                    invoice_line_id: of_credit_note.then_some(product.invoice_line_id),
                    ..empty
                }
            }
        }
    }
}

/// A unit price with at least the currency's decimals: `300.00`, `0.0125`.
pub fn unit_price(price: Decimal, exponent: u32) -> String {
    let mut price = price.normalize();
    if price.scale() < exponent {
        price.rescale(exponent);
    }
    price.to_string()
}

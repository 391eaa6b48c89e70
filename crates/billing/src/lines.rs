//! A line: as it is asked for, as it stands on a document, and as it is published. A field that no rule reckons
//! with is told here alone, and stored by the shelves' lines; nothing on the way between them hears of it.

use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::document::Document;
use crate::ids::{AccountId, LineId, PriceId, ProductId, TagId, VatCodeId};
use crate::input::rules::{Fields, period};
use crate::input::{Day, Metadata, Percent, PositiveUnitPrice, Quantity, Text, UnitPrice};
use crate::json::decimal_text as text;
use crate::kind::Kind;
use crate::money::Money;
use crate::refusal::Faults;
use crate::shares;
use crate::vat::VatCategory;

/// What a line is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LineType {
    /// Something sold, with price and quantity.
    #[default]
    Product,
    /// A line of text.
    Text,
    /// A rule between lines.
    Separator,
}

/// What is said of a product line and reckoned with by nobody: it goes as it stands from what is asked to what is
/// published.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Particulars {
    /// First day of its period.
    pub period_start: Option<Date>,
    /// Last day of its period.
    pub period_end: Option<Date>,
    /// Values of dimensions.
    pub tag_ids: Vec<TagId>,
    /// Text pairs.
    pub metadata: Metadata,
}

impl Particulars {
    /// Those of a line that credits: its own, else those of the invoice's line; the dimensions are the invoice's,
    /// as the books are, and metadata is each line's own.
    #[must_use]
    pub fn crediting(&self, original: &Particulars) -> Particulars {
        Particulars {
            period_start: self.period_start.or(original.period_start),
            period_end: self.period_end.or(original.period_end),
            tag_ids: original.tag_ids.clone(),
            metadata: self.metadata.clone(),
        }
    }
}

/// Inputs of lines: the fields of their own, and those that both have.
macro_rules! inputs {
    ($($(#[$doc:meta])* $name:ident { $($(#[$own_doc:meta])* $own:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
        #[schemars(extend("x-rules" = "document-line"))]
        pub struct $name {
            /// `product` when left out.
            pub line_type: Option<LineType>,
            $($(#[$own_doc])* pub $own: Option<$type>,)*
            /// How many; product lines need it.
            pub quantity: Option<Quantity>,
            /// Instead of the product's name; the text of a text line.
            pub description: Option<Text<4000>>,
            /// Discount in percent; default the customer group's, and on a line that credits one the invoice's.
            pub discount_percent: Option<Percent>,
            /// First day of the period the line is for.
            pub period_start: Option<Day>,
            /// Last day of the period the line is for.
            pub period_end: Option<Day>,
            /// Values of dimensions.
            #[schemars(length(max = 50))]
            pub tag_ids: Option<Vec<TagId>>,
            /// Text pairs of your own.
            pub metadata: Option<Metadata>,
        }

        impl $name {
            /// What both say alike, as asked.
            fn asked(self) -> AskedLine {
                AskedLine {
                    place: None,
                    line_type: self.line_type.unwrap_or_default(),
                    price_id: self.price_id,
                    quantity: self.quantity.map(|quantity| quantity.0).unwrap_or_default(),
                    amount: None,
                    unit_price: self.unit_price.map(|price| price.0),
                    description: self.description.map(|text| text.0),
                    discount_percent: self.discount_percent.map(|percent| percent.0),
                    particulars: Particulars {
                        period_start: self.period_start.map(|day| day.0),
                        period_end: self.period_end.map(|day| day.0),
                        tag_ids: self.tag_ids.unwrap_or_default(),
                        metadata: self.metadata.unwrap_or_default(),
                    },
                    invoice_line_id: None,
                }
            }
        }
    )*};
}

inputs! {
    /// A line of an invoice, a quote or an order confirmation. A product line takes `priceId` and `quantity`; what it comes to is derived.
    LineInput {
        /// The price that is charged; product lines need it.
        price_id: PriceId,
        /// Instead of the price's own amount, excl. VAT.
        unit_price: UnitPrice,
    }
    /// A line of a credit note: as on an invoice, positive; the credit sign is applied by the server.
    CreditLineInput {
        /// The price that is credited; product lines need it or `invoiceLineId`.
        price_id: PriceId,
        /// Instead of the price's (or the invoice line's) own amount, positive, excl. VAT.
        unit_price: PositiveUnitPrice,
        /// The line of a booked invoice that is credited.
        invoice_line_id: LineId,
    }
}

impl From<LineInput> for AskedLine {
    fn from(line: LineInput) -> AskedLine {
        line.asked()
    }
}

impl From<CreditLineInput> for AskedLine {
    fn from(line: CreditLineInput) -> AskedLine {
        let invoice_line_id = line.invoice_line_id;
        AskedLine { invoice_line_id, ..line.asked() }
    }
}

/// A product line carries a price and a quantity, a text line a text, a separator nothing.
pub(crate) fn rule(line: &dyn Fields, path: &str, faults: &mut Faults) {
    const AMOUNTS: [&str; 9] = [
        "priceId",
        "quantity",
        "unitPrice",
        "discountPercent",
        "periodStart",
        "periodEnd",
        "tagIds",
        "metadata",
        "invoiceLineId",
    ];
    let kind = line.text("lineType");
    match kind.as_deref().unwrap_or("product") {
        "product" => {
            if !line.has("priceId") && !line.has("invoiceLineId") {
                faults.add(format!("{path}priceId"), "isNotEmpty", "priceId should not be empty");
            }
            if !line.has("quantity") {
                faults.add(format!("{path}quantity"), "isNotEmpty", "quantity should not be empty");
            }
            period(line, path, faults);
        }
        other @ ("text" | "separator") => {
            for name in AMOUNTS {
                if line.has(name) {
                    let message = format!("{name} should be empty on a {other} line");
                    faults.add(format!("{path}{name}"), "isEmpty", message);
                }
            }
            if other == "text" && !line.has("description") {
                faults.add(format!("{path}description"), "isNotEmpty", "description should not be empty");
            }
            if other == "separator" && line.has("description") {
                faults.add(format!("{path}description"), "isEmpty", "description should be empty on a separator line");
            }
        }
        _ => {}
    }
}

/// One line as asked, of whatever kind of document; what the rules work from.
#[derive(Clone, Debug)]
pub struct AskedLine {
    /// Its place in the request, where lines before it were left out.
    pub place: Option<usize>,
    /// What it is.
    pub line_type: LineType,
    /// The price named.
    pub price_id: Option<PriceId>,
    /// How many; 0 on lines without amounts.
    pub quantity: Decimal,
    /// An amount excl. VAT instead of quantity and price; it takes no quantity off (crediting an invoice).
    pub amount: Option<Decimal>,
    /// An overriding unit price.
    pub unit_price: Option<Decimal>,
    /// An overriding text.
    pub description: Option<String>,
    /// An overriding discount.
    pub discount_percent: Option<Decimal>,
    /// What is said of it besides.
    pub particulars: Particulars,
    /// The invoice line that is credited.
    pub invoice_line_id: Option<LineId>,
}

/// One line.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// Its id.
    pub id: LineId,
    /// What it says.
    pub body: LineBody,
}

/// What a line says: only a product line has amounts.
#[derive(Clone, PartialEq, Debug)]
pub enum LineBody {
    /// Something sold or credited.
    Product(Box<ProductLine>),
    /// A text.
    Text(String),
    /// A rule between lines.
    Separator,
}

/// A line with amounts. Quantity and unit price are positive; the amounts bear the document's sign.
#[derive(Clone, PartialEq, Debug)]
pub struct ProductLine {
    /// The price charged.
    pub price_id: Option<PriceId>,
    /// The product sold.
    pub product_id: Option<ProductId>,
    /// The product's number when the line was written.
    pub product_number: Option<String>,
    /// What it is.
    pub description: String,
    /// How many.
    pub quantity: Decimal,
    /// Of what unit.
    pub unit: Option<String>,
    /// Price of one, excl. VAT.
    pub unit_price: Decimal,
    /// Discount in percent.
    pub discount_percent: Decimal,
    /// Quantity × unit price less discount, excl. VAT.
    pub total: Money,
    /// VAT rate in percent.
    pub vat_rate: Decimal,
    /// VAT category.
    pub vat_category: VatCategory,
    /// The country whose VAT it is, where it is not the seller's own.
    pub vat_country: Option<String>,
    /// Its share of its group's VAT.
    pub vat: Money,
    /// Why no VAT is charged.
    pub exemption_reason: Option<String>,
    /// The code of that reason.
    pub exemption_reason_code: Option<String>,
    /// The revenue account it is posted to.
    pub account_id: AccountId,
    /// The VAT code it is posted under.
    pub vat_code_id: Option<VatCodeId>,
    /// Goods or a service.
    pub is_goods: bool,
    /// Its total in the company's currency, once that is known.
    pub base_total: Option<Money>,
    /// Its VAT in the company's currency, once that is known.
    pub base_vat: Option<Money>,
    /// What is said of it besides.
    pub particulars: Particulars,
    /// The invoice line it credits (credit notes).
    pub invoice_line_id: Option<LineId>,
}

impl Line {
    /// The line with amounts, if it is one.
    pub fn product(&self) -> Option<&ProductLine> {
        match &self.body {
            LineBody::Product(line) => Some(line),
            LineBody::Text(_) | LineBody::Separator => None,
        }
    }

    /// The same, to be changed.
    pub fn product_mut(&mut self) -> Option<&mut ProductLine> {
        match &mut self.body {
            LineBody::Product(line) => Some(line),
            LineBody::Text(_) | LineBody::Separator => None,
        }
    }
}

/// What lines of one VAT group have in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Taxation {
    /// Category.
    pub category: VatCategory,
    /// Rate in percent.
    pub rate: Decimal,
    /// The country whose VAT it is, where it is not the seller's own.
    pub country: Option<String>,
}

impl ProductLine {
    /// The VAT group it belongs to.
    pub fn taxation(&self) -> Taxation {
        Taxation { category: self.vat_category, rate: self.vat_rate, country: self.vat_country.clone() }
    }
}

/// Groups the lines that are there by VAT category, rate and country, in order of first
/// appearance: for each group the positions of its lines among `lines`.
pub fn group_lines<'a>(lines: impl Iterator<Item = &'a ProductLine>) -> Vec<(Taxation, Vec<usize>)> {
    let mut groups: Vec<(Taxation, Vec<usize>)> = Vec::new();
    for (at, line) in lines.enumerate() {
        let taxed = line.taxation();
        match groups.iter_mut().find(|(group, _)| *group == taxed) {
            Some((_, members)) => members.push(at),
            None => groups.push((taxed, vec![at])),
        }
    }
    groups
}

/// Shares each VAT group's VAT out to the lines of `lines` that `is_free` says are
/// not settled otherwise (EN 16931 BR-CO-17: VAT is computed on the group's sum).
pub fn share_vat(lines: &mut [Line], is_free: impl Fn(&ProductLine) -> bool) {
    let free: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].product().is_some_and(&is_free)).collect();
    let groups = group_lines(free.iter().filter_map(|at| lines[*at].product()));
    for (Taxation { rate, .. }, members) in groups {
        let totals: Vec<i64> =
            members.iter().filter_map(|m| lines[free[*m]].product()).map(|line| line.total.minor()).collect();
        for (member, vat) in members.iter().zip(shares::share_vat(rate, &totals)) {
            if let Some(line) = lines[free[*member]].product_mut() {
                line.vat = Money::new(vat, line.total.currency());
            }
        }
    }
}

/// A line as published.
#[derive(Clone, Debug, serde::Serialize, JsonSchema)]
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
                let said = &product.particulars;
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
                    period_start: said.period_start.map(|day| day.to_string()),
                    period_end: said.period_end.map(|day| day.to_string()),
                    tag_ids: said.tag_ids.clone(),
                    metadata: said.metadata.clone(),
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

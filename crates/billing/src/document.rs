//! The document: one value for invoice, credit note, quote and order confirmation.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalogue::{PriceStatus, PricingModel};
use crate::ids::{
    AccountId, ContactId, CustomerId, DepartmentId, DocumentId, EntryId, PriceId, ProductId, SeriesId, TemplateId,
    VatCodeId,
};
use crate::input::Metadata;
use crate::kind::Kind;
use crate::lines::{Line, ProductLine, Taxation, group_lines};
use crate::money::{Currency, Money};
use crate::status::{Facts, statuses};
use crate::tiers::Tier;
use crate::vat::VatCategory;

statuses! {
    /// Why credit is given.
    Reason {
        /// The order was changed.
        OrderChange "order_change"
        /// Goods came back.
        Return "return"
        /// It was invoiced twice.
        Duplicate "duplicate"
        /// The product was not as agreed.
        ProductUnsatisfactory "product_unsatisfactory"
        /// Fraud.
        Fraud "fraud"
        /// The price is lowered after the fact.
        PriceAdjustment "price_adjustment"
        /// The order was cancelled.
        Cancellation "cancellation"
        /// A discount for paying early.
        EarlyPaymentDiscount "early_payment_discount"
        /// A bonus over many purchases.
        VolumeBonus "volume_bonus"
        /// Something else.
        Other "other"
    }
}

/// The fields above the lines that a caller may set and that are taken as they stand.
#[derive(Clone, PartialEq, Debug)]
pub struct Head {
    /// Who it is for.
    pub customer_id: CustomerId,
    /// Days to pay (invoices).
    pub payment_terms: Option<u32>,
    /// A department of the customer.
    pub customer_department_id: Option<DepartmentId>,
    /// A person at the customer.
    pub customer_contact_id: Option<ContactId>,
    /// The buyer's order number.
    pub reference: Option<String>,
    /// Our own reference.
    pub our_reference: Option<String>,
    /// A short description.
    pub description: Option<String>,
    /// Notes printed below the lines.
    pub notes: Option<String>,
    /// The template it is printed with.
    pub document_template_id: Option<TemplateId>,
    /// When it was delivered.
    pub delivery_date: Option<Date>,
    /// Where it was delivered.
    pub delivery_country_code: Option<String>,
    /// First day of its period.
    pub period_start: Option<Date>,
    /// Last day of its period.
    pub period_end: Option<Date>,
    /// The day that decides VAT rates.
    pub tax_point_date: Option<Date>,
    /// The last day the offer holds (quotes).
    pub valid_until: Option<Date>,
    /// Number and date of an invoice issued elsewhere (credit notes).
    pub external_invoice: Option<(String, Date)>,
    /// The period a bonus is for (credit notes).
    pub credited_period: Option<(Date, Date)>,
    /// Why credit is given (credit notes).
    pub reason: Option<Reason>,
    /// Text pairs.
    pub metadata: Metadata,
}

/// A number given out by a series.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Number {
    /// The series.
    pub series_id: SeriesId,
    /// The fiscal year the series counts in, 0 where it never restarts.
    pub year: i64,
    /// Its count, from 1.
    pub sequence: i64,
    /// As printed.
    pub text: String,
}

/// The VAT of one category, rate and country.
#[derive(Clone, PartialEq, Debug)]
pub struct VatGroup {
    /// Category.
    pub category: VatCategory,
    /// Rate in percent.
    pub rate: Decimal,
    /// The country whose VAT it is, where it is not the seller's own.
    pub country: Option<String>,
    /// Sum of its lines' totals.
    pub taxable: Money,
    /// Its VAT.
    pub vat: Money,
    /// Why no VAT is charged.
    pub exemption_reason: Option<String>,
    /// The code of that reason.
    pub exemption_reason_code: Option<String>,
    /// Which figure wins when it is credited in parts.
    pub mode: crate::credit::Mode,
}

/// When it came into the books, and by which entry.
#[derive(Clone, PartialEq, Debug)]
pub struct Booking {
    /// When.
    pub at: Timestamp,
    /// The journal entry.
    pub entry_id: EntryId,
}

/// What was pinned when the document was booked, or sent where it posts nothing: what is printed for ever after.
#[derive(Clone, PartialEq, Debug)]
pub struct Pinned {
    /// Its booking; none of what posts nothing.
    pub booking: Option<Booking>,
    /// Who sold.
    pub seller: Seller,
    /// Who bought.
    pub buyer: Buyer,
    /// The version of the template it is printed with.
    pub template_version: i64,
    /// SHA-256 of its snapshot.
    pub snapshot_sha256: String,
}

/// The document another was made of.
#[derive(Clone, PartialEq, Debug)]
pub struct Source {
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub id: DocumentId,
    /// Its number.
    pub number: String,
}

/// A document of any kind.
#[derive(Clone, PartialEq, Debug)]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// Its kind.
    pub kind: Kind,
    /// Its number, once it has one.
    pub number: Option<Number>,
    /// When the number was given.
    pub numbered_at: Option<Timestamp>,
    /// Its date.
    pub date: Date,
    /// When it is to be paid (invoices).
    pub due_date: Option<Date>,
    /// The currency of its amounts.
    pub currency: Currency,
    /// What the caller said.
    pub head: Head,
    /// The one invoice a credit note credits: its number and id, null over several.
    pub invoice: Option<(String, DocumentId)>,
    /// The credit note an invoice reverses: its number and id.
    pub reverses: Option<(String, DocumentId)>,
    /// The quote or order confirmation it was made of.
    pub converted_from: Option<Source>,
    /// Its lines in order.
    pub lines: Vec<Line>,
    /// Its VAT by category, rate and country, in order of first appearance.
    pub groups: Vec<VatGroup>,
    /// Sum of lines, excl. VAT.
    pub subtotal: Money,
    /// Sum of VAT.
    pub vat: Money,
    /// Subtotal and VAT.
    pub amount: Money,
    /// The company's currency.
    pub base_currency: Currency,
    /// Base units per 1 unit, pinned at booking; null in the company's currency and over several rates.
    pub exchange_rate: Option<Decimal>,
    /// The amount in the company's currency, once that is known.
    pub base_amount: Option<Money>,
    /// The VAT in the company's currency, once that is known.
    pub base_vat: Option<Money>,
    /// `api console mcp subscription`.
    pub origin: String,
    /// The language it is printed in, pinned with the rest.
    pub language: Option<String>,
    /// What was pinned when it was booked or sent.
    pub pinned: Option<Pinned>,
    /// What later deeds change.
    pub facts: Facts,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Document {
    /// Its booking, once it is in the books.
    pub fn booking(&self) -> Option<&Booking> {
        self.pinned.as_ref()?.booking.as_ref()
    }

    /// Whether it is in the books.
    pub fn is_booked(&self) -> bool {
        self.booking().is_some()
    }

    /// Whether it is out of the house for good: booked, or sent where it posts nothing.
    pub fn is_pinned(&self) -> bool {
        self.pinned.is_some()
    }

    /// The status as published.
    pub fn status(&self) -> &'static str {
        match self.kind {
            Kind::Invoice => self.facts.invoice_status(self.is_booked(), self.amount.minor()).as_str(),
            Kind::CreditNote => self.facts.credit_note_status(self.is_booked()).as_str(),
            Kind::Quote | Kind::OrderConfirmation => self.facts.sales_status(self.is_pinned()).as_str(),
        }
    }

    /// The lines with amounts.
    pub fn products(&self) -> impl Iterator<Item = &ProductLine> {
        self.lines.iter().filter_map(Line::product)
    }

    /// The day that decides VAT and exchange rates.
    pub fn tax_point(&self) -> Date {
        self.head.tax_point_date.unwrap_or(self.date)
    }
}

impl VatGroup {
    /// Whether lines so taxed belong to it.
    pub fn is_of(&self, taxation: &Taxation) -> bool {
        let Taxation { category, rate, country } = taxation;
        self.category == *category && self.rate == *rate && self.country == *country
    }
}

/// What the groups and the whole come to, from the lines as they stand.
pub fn total(lines: &[Line], currency: Currency) -> (Vec<VatGroup>, Money, Money, Money) {
    let products: Vec<&ProductLine> = lines.iter().filter_map(Line::product).collect();
    let groups: Vec<VatGroup> = group_lines(products.iter().copied())
        .into_iter()
        .map(|(Taxation { category, rate, country }, members)| {
            let of = |f: fn(&ProductLine) -> Money| Money::sum(currency, members.iter().map(|m| f(products[*m])));
            let texts = |f: fn(&ProductLine) -> Option<&String>| joined(members.iter().filter_map(|m| f(products[*m])));
            VatGroup {
                category,
                rate,
                country,
                taxable: of(|line| line.total),
                vat: of(|line| line.vat),
                exemption_reason: texts(|line| line.exemption_reason.as_ref()),
                exemption_reason_code: members.iter().find_map(|m| products[*m].exemption_reason_code.clone()),
                mode: crate::credit::Mode::of(currency, members.len()),
            }
        })
        .collect();
    let subtotal = Money::sum(currency, groups.iter().map(|g| g.taxable));
    let vat = Money::sum(currency, groups.iter().map(|g| g.vat));
    (groups, subtotal, vat, subtotal + vat)
}

fn joined<'a>(texts: impl Iterator<Item = &'a String>) -> Option<String> {
    let mut distinct: Vec<&str> = Vec::new();
    for text in texts {
        if !distinct.contains(&text.as_str()) {
            distinct.push(text);
        }
    }
    (!distinct.is_empty()).then(|| distinct.join("; "))
}

/// What the catalogue says of one price for one zone on one day: everything a line takes from it.
#[derive(Clone, PartialEq, Debug)]
pub struct CatalogueItem {
    /// The price.
    pub price_id: PriceId,
    /// Its state.
    pub price_status: PriceStatus,
    /// Whether a line has named it before.
    pub is_locked: bool,
    /// How the price is reckoned.
    pub pricing_model: PricingModel,
    /// Currency of the price.
    pub currency: Currency,
    /// Amount of one, excl. VAT (flat rate).
    pub unit_amount: Option<Decimal>,
    /// Its tiers; none for a flat rate.
    pub tiers: Vec<Tier>,
    /// The product.
    pub product_id: ProductId,
    /// Its number.
    pub product_number: String,
    /// Its name.
    pub product_name: String,
    /// Its unit.
    pub unit: Option<String>,
    /// Goods or a service.
    pub is_goods: bool,
    /// Whether it may be sold.
    pub product_is_active: bool,
    /// Revenue account for the customer's zone.
    pub account_id: AccountId,
    /// That account's VAT code.
    pub vat_code_id: Option<VatCodeId>,
    /// The account the VAT code books to.
    pub vat_account_id: Option<AccountId>,
    /// The code's rate on the tax point, 0 without a code.
    pub vat_rate: Decimal,
    /// The code's own category.
    pub vat_category: Option<VatCategory>,
    /// The code's reason.
    pub exemption_reason: Option<String>,
    /// The code's reason code.
    pub exemption_reason_code: Option<String>,
}

/// The items a document's lines name, by price.
pub type Catalogue = BTreeMap<PriceId, CatalogueItem>;

/// The seller as printed: the company, pinned when the document is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Seller {
    /// Legal name.
    pub name: String,
    /// Street and house number.
    pub address: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Country.
    pub country_code: String,
    /// VAT number.
    pub vat_number: Option<String>,
    /// Number in the business register.
    pub registration_number: Option<String>,
    /// Address for mail.
    pub email: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// IBAN.
    pub iban: Option<String>,
    /// BIC.
    pub bic: Option<String>,
    /// Domestic account number.
    pub bank_account: Option<String>,
    /// GLN.
    pub ean_number: Option<String>,
    /// Peppol endpoint.
    pub peppol_endpoint: Option<String>,
}

/// The buyer as printed: the customer, pinned when the document is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Buyer {
    /// Customer number.
    pub customer_number: String,
    /// Name.
    pub name: String,
    /// Department.
    pub department_name: Option<String>,
    /// Person it is for.
    pub contact_name: Option<String>,
    /// Street and house number.
    pub address: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Country.
    pub country_code: String,
    /// VAT number.
    pub vat_number: Option<String>,
    /// Number in the business register.
    pub registration_number: Option<String>,
    /// GLN.
    pub ean_number: Option<String>,
    /// Peppol endpoint.
    pub peppol_endpoint: Option<String>,
    /// Address for mail.
    pub email: Option<String>,
}

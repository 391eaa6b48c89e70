//! What documents are made with in tests: a company, a customer, a catalogue of prices at a few VAT
//! rates, and drafts and notes put together as the verbs do it.

use std::collections::BTreeMap;

use billing::base;
use billing::catalogue::{PriceStatus, PricingModel};
use billing::company::{Company, CompanyMode};
use billing::credit::LineState;
use billing::crediting::{CreditedInvoice, InvoiceLine};
use billing::customers::{BillingRelationship, Customer, CustomerType, InvoicingMode, VatZone};
use billing::document::{Catalogue, CatalogueItem, Document, total};
use billing::draft::{self, Pricing};
use billing::ids::{LineId, PriceId};
use billing::input::Metadata;
use billing::input::documents::AskedHead;
use billing::kind::Kind;
use billing::lines::{AskedLine, Line, LineType, Particulars, share_vat};
use billing::money::Currency;
use billing::status::Facts;
use billing::tiers::Tier;
use jiff::Timestamp;
use jiff::civil::{Date, date};
use rust_decimal::Decimal;
use uuid::Uuid;

/// The VAT rates of its prices, in percent.
pub const RATES: [&str; 4] = ["25", "21", "5.5", "0"];

const TODAY: Date = date(2026, 6, 10);

fn id<T: From<Uuid>>(number: u128) -> T {
    Uuid::from_u128(number).into()
}

/// The price of a product at a rate: of each rate there are several.
pub fn price(rate: usize, which: usize) -> PriceId {
    id(1_000 + 100 * rate as u128 + which as u128)
}

/// How many prices each rate has. The last of them is on no invoice.
pub const PRICES: usize = 4;

/// A company that sells in one currency and keeps its books in another, or the same.
pub struct Shop {
    company: Company,
    customer: Customer,
    catalogue: Catalogue,
    rates: BTreeMap<Currency, Decimal>,
    currency: Currency,
    /// Base units for one unit of the currency it sells in.
    pub rate: Decimal,
    ids: u128,
}

impl Shop {
    pub fn new(currency: Currency, base: Currency, rate: Decimal) -> Shop {
        let all = (0..RATES.len()).flat_map(|rate| (0..PRICES).map(move |which| (rate, which)));
        let catalogue = all.map(|(rate, which)| (price(rate, which), item(rate, which, currency))).collect();
        Shop {
            company: company(base),
            customer: customer(currency),
            catalogue,
            rates: BTreeMap::new(),
            currency,
            rate,
            ids: 1_000_000,
        }
    }

    fn pricing(&self, kind: Kind) -> Pricing<'_> {
        Pricing {
            kind,
            company: &self.company,
            customer: &self.customer,
            catalogue: &self.catalogue,
            rates: &self.rates,
            currency: self.currency,
            date: TODAY,
            delivery_date: None,
            delivery_country: None,
            oss: None,
        }
    }

    /// Works with the prices of a kind of document, and ids that never come twice.
    pub fn with<T>(&mut self, kind: Kind, work: impl FnOnce(&Pricing<'_>, &mut dyn FnMut() -> LineId) -> T) -> T {
        let mut ids = self.ids;
        let mut new_id = || {
            ids += 1;
            id(ids)
        };
        let worked = work(&self.pricing(kind), &mut new_id);
        self.ids = ids;
        worked
    }

    /// A booked invoice over these lines. Those at `below` are turned below zero, as the billing
    /// engine makes them.
    pub fn invoice(&mut self, asked: &[AskedLine], below: &[bool]) -> (Document, CreditedInvoice) {
        let mut lines = self.with(Kind::Invoice, |pricing, ids| draft::lines(pricing, asked, ids)).unwrap();
        for (line, is_below) in lines.iter_mut().zip(below) {
            if let Some(product) = line.product_mut().filter(|_| *is_below) {
                product.total = -product.total;
            }
        }
        share_vat(&mut lines, |_| true);
        let invoice = self.document(Kind::Invoice, lines);
        let state = |line: &Line| {
            let product = line.product().unwrap().clone();
            let base = |amount: Option<billing::money::Money>| amount.unwrap().minor();
            let (base_net, base_vat) = (base(product.base_total), base(product.base_vat));
            let state =
                LineState::fresh(product.total.minor(), product.vat.minor(), base_net, base_vat, product.quantity);
            InvoiceLine { id: line.id, line: product, state }
        };
        self.ids += 1;
        let credited = CreditedInvoice {
            id: id(self.ids),
            number: "INV-00001".to_owned(),
            date: TODAY,
            customer_id: self.customer.id,
            currency: self.currency,
            exchange_rate: Some(self.rate),
            amount: invoice.amount.minor(),
            credited: 0,
            lines: invoice.lines.iter().map(state).collect(),
            groups: invoice.groups.clone(),
        };
        (invoice, credited)
    }

    /// A document of these lines, added up and with its base amounts.
    pub fn document(&self, kind: Kind, lines: Vec<Line>) -> Document {
        let (groups, subtotal, vat, amount) = total(&lines, self.currency);
        let mut document = Document {
            id: id(7),
            kind,
            number: None,
            numbered_at: None,
            date: TODAY,
            due_date: None,
            currency: self.currency,
            head: AskedHead::for_customer(self.customer.id).head,
            invoice: None,
            reverses: None,
            lines,
            groups,
            subtotal,
            vat,
            amount,
            base_currency: self.company.currency,
            exchange_rate: None,
            base_amount: None,
            base_vat: None,
            origin: "api".to_owned(),
            language: None,
            pinned: None,
            converted_from: None,
            facts: Facts::default(),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        base::pin(&mut document, self.rate).unwrap();
        document
    }
}

/// A line that asks for so many of a price.
pub fn asked(price: Option<PriceId>, quantity: Decimal) -> AskedLine {
    AskedLine {
        line_type: LineType::Product,
        price_id: price,
        quantity,
        amount: None,
        unit_price: None,
        description: None,
        discount_percent: None,
        particulars: Particulars::default(),
        invoice_line_id: None,
        place: None,
    }
}

fn item(rate: usize, which: usize, currency: Currency) -> CatalogueItem {
    CatalogueItem {
        price_id: price(rate, which),
        price_status: PriceStatus::Active,
        is_locked: true,
        pricing_model: [PricingModel::FlatRate, PricingModel::Volume, PricingModel::Graduated, PricingModel::Package]
            [which],
        currency,
        unit_amount: (which == 0).then_some(Decimal::ONE_HUNDRED),
        tiers: tiers(which),
        product_id: id(2_000),
        product_number: "1".to_owned(),
        product_name: "Honey".to_owned(),
        unit: None,
        is_goods: true,
        product_is_active: true,
        account_id: id(1_010),
        vat_code_id: Some(id(25)),
        vat_account_id: Some(id(6_902)),
        vat_rate: RATES[rate].parse().unwrap(),
        vat_category: None,
        exemption_reason: None,
        exemption_reason_code: None,
    }
}

/// Steps of prices that meet no multiple of each other.
fn tiers(which: usize) -> Vec<Tier> {
    let number = |text: &str| text.parse::<Decimal>().unwrap();
    let tier = |up_to: Option<&str>, unit_amount: &str, flat_amount: Option<&str>, package_size: Option<&str>| Tier {
        up_to: up_to.map(number),
        unit_amount: number(unit_amount),
        flat_amount: flat_amount.map(number),
        package_size: package_size.map(number),
    };
    match which {
        0 => Vec::new(),
        3 => vec![tier(None, "25", Some("0.5"), Some("0.7"))],
        _ => vec![
            tier(Some("0.3"), "7.123456", None, None),
            tier(Some("11"), "6.5", Some("3.33"), None),
            tier(None, "0.01", Some("12"), None),
        ],
    }
}

fn company(currency: Currency) -> Company {
    Company {
        id: id(1),
        name: "Bi ApS".to_owned(),
        country_code: "DK".to_owned(),
        currency,
        preferred_language: "da".to_owned(),
        time_zone: "Europe/Copenhagen".to_owned(),
        mode: CompanyMode::Live,
        is_vat_registered: true,
        address: None,
        postal_code: None,
        city: None,
        email: None,
        billing_email: None,
        phone: None,
        vat: None,
        registration_number: None,
        contact_person_first_name: None,
        contact_person_last_name: None,
        iban: None,
        bic: None,
        bank_account: None,
        ean_number: None,
        peppol_endpoint: None,
        fiscal_year_start: 1,
        locked_through: None,
        sender_email: None,
        reply_to_email: None,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

fn customer(currency: Currency) -> Customer {
    Customer {
        id: id(2),
        customer_number: "1".to_owned(),
        customer_type: CustomerType::Business,
        name: "Lindeblomst ApS".to_owned(),
        vat_zone: VatZone::Domestic,
        customer_group_id: id(3),
        is_active: true,
        billing_relationship: BillingRelationship::SelfPays,
        parent_customer_id: None,
        invoicing_mode: InvoicingMode::SingleInvoice,
        include_child_details_pdf: false,
        customer_group_number: "1".to_owned(),
        customer_group_name: "Customers".to_owned(),
        group_discount: None,
        email: None,
        phone: None,
        address: None,
        city: None,
        postal_code: None,
        country_code: "DK".to_owned(),
        vat_number: None,
        registration_number: None,
        website: None,
        external_system_id: None,
        ean_number: None,
        peppol_endpoint: None,
        currency,
        payment_terms: 30,
        language: "da".to_owned(),
        delivery_type: None,
        document_template_ids: Vec::new(),
        metadata: Metadata::default(),
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        erased_at: None,
    }
}

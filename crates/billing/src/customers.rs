//! Customers and their groups, as kept and as published, and the rule that
//! zone, country and VAT number must not contradict each other.

use jiff::Timestamp;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::company::Company;
use crate::country;
use crate::ids::{AccountId, ContactId, CustomerGroupId, CustomerId, DepartmentId, TemplateId};
use crate::input::Metadata;
use crate::json;
use crate::money::Currency;
use crate::page::Page;
use crate::status::statuses;

statuses! {
    /// Where a customer stands for VAT.
    VatZone {
        /// In the seller's country.
        Domestic "domestic"
        /// In another country of the EU.
        Eu "eu"
        /// Outside the EU.
        Abroad "abroad"
        /// In the seller's country, sold to without VAT.
        DomesticWithoutVat "domestic_without_vat"
    }
}

statuses! {
    /// What a customer is.
    CustomerType {
        /// A company.
        Business "business"
        /// A private person.
        Private "private"
        /// A public body.
        Public "public"
    }
}

statuses! {
    /// How a customer receives documents.
    DeliveryType {
        /// By e-mail.
        Email "Email"
        /// Through Sproom, to an EAN number or a Peppol endpoint.
        Sproom "Sproom"
        /// By hand: the document is only marked as sent.
        Manual "Manual"
    }
}

statuses! {
    /// Who is billed for a customer.
    BillingRelationship {
        /// The customer itself.
        SelfPays "self"
        /// Its parent customer.
        ParentPays "parent_pays"
    }
}

statuses! {
    /// How a parent that pays is invoiced.
    InvoicingMode {
        /// One invoice over all its children.
        SingleInvoice "single_invoice"
        /// An invoice a child.
        PerChild "per_child"
    }
}

/// A customer as kept and published.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// Its number, unique in the company.
    pub customer_number: String,
    /// Business, private or public.
    pub customer_type: CustomerType,
    /// Its name.
    pub name: String,
    /// Where it stands for VAT.
    pub vat_zone: VatZone,
    /// Its group.
    pub customer_group_id: CustomerGroupId,
    /// Whether new documents may be made for it.
    pub is_active: bool,
    /// Who is billed.
    pub billing_relationship: BillingRelationship,
    /// The customer above it.
    pub parent_customer_id: Option<CustomerId>,
    /// How its children are invoiced.
    pub invoicing_mode: InvoicingMode,
    /// Whether details of each child go with a consolidated invoice.
    pub include_child_details_pdf: bool,
    /// Its group's number.
    pub customer_group_number: String,
    /// Its group's name.
    pub customer_group_name: String,
    /// The discount its group gives on lines that say none, in percent; published with the group.
    #[serde(skip)]
    pub group_discount: Option<Decimal>,
    /// Address for mail.
    pub email: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// Street and house number.
    pub address: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// ISO 3166 code of its country.
    pub country_code: String,
    /// VAT number with its country's prefix.
    pub vat_number: Option<String>,
    /// Number in the business register (CVR).
    pub registration_number: Option<String>,
    /// Web site.
    pub website: Option<String>,
    /// Its id in another system, unique in the company.
    pub external_system_id: Option<String>,
    /// GLN (EAN number).
    pub ean_number: Option<String>,
    /// Peppol endpoint as `0184:12345678`.
    pub peppol_endpoint: Option<String>,
    /// The currency of its documents.
    pub currency: Currency,
    /// Days to pay.
    pub payment_terms: u32,
    /// Language of its papers.
    pub language: String,
    /// How it receives documents; null leaves it to each sending.
    pub delivery_type: Option<DeliveryType>,
    /// Templates its documents are printed with.
    pub document_template_ids: Vec<TemplateId>,
    /// Text pairs of your own.
    pub metadata: Metadata,
    /// When it was made.
    #[serde(serialize_with = "json::instant")]
    #[schemars(with = "json::Instant")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(serialize_with = "json::instant")]
    #[schemars(with = "json::Instant")]
    pub updated_at: Timestamp,
    /// When the person was erased: what is left is what the books need.
    #[serde(serialize_with = "json::opt_instant")]
    #[schemars(with = "Option<json::Instant>")]
    pub erased_at: Option<Timestamp>,
}

impl Customer {
    /// What a search for customers and their documents looks through, in lower case.
    pub fn search_text(&self) -> String {
        let parts = [Some(&self.customer_number), Some(&self.name), self.email.as_ref(), self.vat_number.as_ref()];
        parts.into_iter().flatten().map(|part| part.to_lowercase()).collect::<Vec<_>>().join("\n")
    }
}

/// Customers as listed: all of them, or a page.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Customers {
    /// All that were asked for, as a plain array.
    All(Vec<Customer>),
    /// A page of them, in the envelope of lists.
    Page(Page<Customer>),
}

/// A resource just saved, with what about it should be looked at again.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Saved{T}")]
pub struct Saved<T> {
    /// The resource.
    #[serde(flatten)]
    pub resource: T,
    /// What was saved and will be in the way later; empty when all is well.
    pub warnings: Vec<Warning>,
}

/// Something that was saved but will be in the way later.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// The code of the later refusal.
    pub code: String,
    /// The field.
    pub property: String,
    /// A sentence for people.
    pub message: String,
}

/// A customer group as kept and published.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerGroup {
    /// Its id.
    pub id: CustomerGroupId,
    /// Its number, unique in the company.
    pub number: String,
    /// Its name.
    pub name: String,
    /// Default discount in percent on lines that name neither discount nor price.
    #[serde(serialize_with = "json::opt_decimal")]
    #[schemars(with = "Option<json::DecimalText>")]
    pub discount: Option<Decimal>,
    /// Its receivables control account.
    pub account_id: AccountId,
    /// That account's number.
    pub account_number: i64,
    /// That account's name.
    pub account_name: String,
    /// Text pairs of your own.
    pub metadata: Metadata,
}

/// A person at a customer.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// The customer.
    pub customer_id: CustomerId,
    /// Name.
    pub name: String,
    /// Address for mail.
    pub email: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// Whether it is the one to turn to.
    pub is_default: bool,
    /// Whether documents are mailed to it.
    pub receives_invoices: bool,
}

/// A department of a customer: its address and EAN number stand for the customer's.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Department {
    /// Its id.
    pub id: DepartmentId,
    /// The customer.
    pub customer_id: CustomerId,
    /// Name.
    pub name: String,
    /// Whether it is the one documents go to.
    pub is_default: bool,
    /// Whether new documents may be made for it.
    pub is_active: bool,
    /// GLN (EAN number).
    pub ean_number: Option<String>,
    /// Street and house number.
    pub address: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// ISO 3166 code of its country.
    pub country_code: Option<String>,
    /// Address for mail.
    pub email: Option<String>,
}

/// The field that contradicts the others and why, where zone, country and VAT
/// number of a customer do not fit together. A document is refused for it, a
/// customer saved with it only warned of.
pub fn zone_conflict(company: &Company, customer: &Customer) -> Option<(&'static str, String)> {
    let country = customer.country_code.as_str();
    let prefix = customer.vat_number.as_deref().and_then(prefix_of);
    // Northern Ireland belongs to the EU for goods, under numbers that begin XI.
    let is_northern_irish = country == "GB" && prefix == Some("XI");
    if let Some(prefix) = prefix
        && !is_northern_irish
        && country_of_prefix(prefix) != country
    {
        let message = format!("The VAT number begins {prefix}, the customer is in {country}.");
        return Some(("vatNumber", message));
    }
    match customer.vat_zone {
        VatZone::Eu if country == company.country_code => {
            Some(("vatZone", format!("Zone eu is for other countries of the EU, and {country} is the company's own.")))
        }
        VatZone::Eu if !country::is_eu(country) && !is_northern_irish => {
            Some(("vatZone", format!("Zone eu is for countries of the EU, and {country} is none.")))
        }
        VatZone::Abroad if country::is_eu(country) => {
            Some(("vatZone", format!("Zone abroad is for countries outside the EU, and {country} is in it.")))
        }
        VatZone::Domestic | VatZone::DomesticWithoutVat | VatZone::Eu | VatZone::Abroad => None,
    }
}

/// The two letters a VAT number begins with, where it does.
fn prefix_of(vat_number: &str) -> Option<&str> {
    vat_number.get(..2).filter(|prefix| prefix.bytes().all(|b| b.is_ascii_uppercase()))
}

/// The country whose VAT numbers begin so: Greece writes EL.
fn country_of_prefix(prefix: &str) -> &str {
    if prefix == "EL" { "GR" } else { prefix }
}

/// The registration number a Danish VAT number holds: its eight digits.
pub fn registration_number_of(country_code: &str, vat_number: Option<&str>) -> Option<String> {
    let digits = vat_number?.strip_prefix("DK")?;
    (country_code == "DK").then(|| digits.to_owned())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::company::CompanyMode;

    fn company(country_code: &str) -> Company {
        Company {
            id: Uuid::nil().into(),
            name: "Seller".to_owned(),
            country_code: country_code.to_owned(),
            currency: Currency::DKK,
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

    fn customer(vat_zone: VatZone, country_code: &str, vat_number: Option<&str>) -> Customer {
        Customer {
            id: Uuid::nil().into(),
            customer_number: "1".to_owned(),
            customer_type: CustomerType::Business,
            name: "Buyer".to_owned(),
            vat_zone,
            customer_group_id: Uuid::nil().into(),
            is_active: true,
            billing_relationship: BillingRelationship::SelfPays,
            parent_customer_id: None,
            invoicing_mode: InvoicingMode::SingleInvoice,
            include_child_details_pdf: false,
            customer_group_number: "1".to_owned(),
            customer_group_name: "All".to_owned(),
            group_discount: None,
            email: None,
            phone: None,
            address: None,
            city: None,
            postal_code: None,
            country_code: country_code.to_owned(),
            vat_number: vat_number.map(str::to_owned),
            registration_number: None,
            website: None,
            external_system_id: None,
            ean_number: None,
            peppol_endpoint: None,
            currency: Currency::DKK,
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

    #[test]
    fn zone_country_and_vat_number_fit_together() {
        use VatZone::{Abroad, Domestic, DomesticWithoutVat, Eu};
        for (zone, country, vat_number, conflict) in [
            (Domestic, "DK", Some("DK13585628"), None),
            (Domestic, "DE", None, None),
            (DomesticWithoutVat, "DK", None, None),
            (Eu, "DE", Some("DE136695976"), None),
            (Eu, "GR", Some("EL094014201"), None),
            (Eu, "GR", Some("GR094014201"), None),
            (Eu, "GB", Some("XI123456789"), None),
            (Eu, "GB", Some("GB123456789"), Some("vatZone")),
            (Eu, "DK", Some("DK13585628"), Some("vatZone")),
            (Eu, "NO", None, Some("vatZone")),
            (Eu, "DE", Some("SE556188840401"), Some("vatNumber")),
            (Domestic, "DK", Some("DE136695976"), Some("vatNumber")),
            (Abroad, "NO", Some("NO974760673MVA"), None),
            (Abroad, "CH", Some("CHE116281710"), None),
            (Abroad, "US", Some("12-3456789"), None),
            (Abroad, "SE", None, Some("vatZone")),
        ] {
            let found = zone_conflict(&company("DK"), &customer(zone, country, vat_number));
            assert_eq!(found.map(|(property, _)| property), conflict, "{zone} {country} {vat_number:?}");
        }
    }

    #[test]
    fn a_danish_vat_number_holds_the_registration_number() {
        for (country, vat_number, number) in [
            ("DK", Some("DK13585628"), Some("13585628")),
            ("DK", None, None),
            ("DE", Some("DE136695976"), None),
            ("SE", Some("DK13585628"), None),
        ] {
            assert_eq!(registration_number_of(country, vat_number).as_deref(), number);
        }
    }
}

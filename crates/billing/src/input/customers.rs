//! What a caller may say of customers and customer groups.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{CountryCode, CurrencyCode, Email, Gln, Metadata, Patch, Percent, Text, VatNumberText};
use crate::customers::{BillingRelationship, CustomerType, DeliveryType, InvoicingMode, VatZone};
use crate::ids::{AccountId, CustomerGroupId, CustomerId, TemplateId};
use crate::status::statuses;

statuses! {
    /// A language papers are printed in.
    Language {
        /// Danish.
        Da "da"
        /// English.
        En "en"
        /// German.
        De "de"
        /// Swedish.
        Sv "sv"
        /// Norwegian.
        Nb "nb"
    }
}

/// A customer to be made.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomerInput {
    /// Unique in the company; the next free number when left out.
    pub customer_number: Option<Text<50>>,
    /// Business, private or public.
    pub customer_type: CustomerType,
    /// Its name.
    pub name: Text<200>,
    /// Where it stands for VAT.
    pub vat_zone: VatZone,
    /// Its group.
    pub customer_group_id: CustomerGroupId,
    /// Whether new documents may be made for it; default true.
    pub is_active: Option<bool>,
    /// Who is billed; default `self`. `parent_pays` needs `parentCustomerId`.
    pub billing_relationship: Option<BillingRelationship>,
    /// The customer above it.
    pub parent_customer_id: Option<CustomerId>,
    /// How its children are invoiced; default `single_invoice`.
    pub invoicing_mode: Option<InvoicingMode>,
    /// Whether details of each child go with a consolidated invoice; default false.
    pub include_child_details_pdf: Option<bool>,
    /// Address for mail.
    pub email: Option<Email>,
    /// Telephone.
    pub phone: Option<Text<50>>,
    /// Street and house number.
    pub address: Option<Text<500>>,
    /// City.
    pub city: Option<Text<100>>,
    /// Postal code.
    pub postal_code: Option<Text<20>>,
    /// ISO 3166 code of its country.
    pub country_code: CountryCode,
    /// VAT number with its country's prefix.
    pub vat_number: Option<VatNumberText>,
    /// Number in the business register; in Denmark the CVR number, taken from `vatNumber` when left out.
    pub registration_number: Option<Text<50>>,
    /// Web site.
    pub website: Option<Text<500>>,
    /// Its id in another system, unique in the company.
    pub external_system_id: Option<Text<255>>,
    /// GLN (EAN number).
    pub ean_number: Option<Gln>,
    /// Peppol endpoint as `0184:12345678`.
    pub peppol_endpoint: Option<Text<100>>,
    /// The currency of its documents; default the company's.
    pub currency: Option<CurrencyCode>,
    /// Days to pay; default 30.
    #[schemars(range(max = 3650))]
    pub payment_terms: Option<u32>,
    /// Language of its papers; default the company's.
    pub language: Option<Language>,
    /// How it receives documents.
    pub delivery_type: Option<DeliveryType>,
    /// Templates its documents are printed with.
    #[schemars(length(max = 20))]
    pub document_template_ids: Option<Vec<TemplateId>>,
    /// Text pairs of your own.
    pub metadata: Option<Metadata>,
}

/// What changes of a customer. `null` clears a field; currency, payment terms and language go back to their default.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CustomerPatch {
    /// Unique in the company.
    #[schemars(with = "Text<50>")]
    pub customer_number: Option<Text<50>>,
    /// Business, private or public.
    #[schemars(with = "CustomerType")]
    pub customer_type: Option<CustomerType>,
    /// Its name.
    #[schemars(with = "Text<200>")]
    pub name: Option<Text<200>>,
    /// Where it stands for VAT.
    #[schemars(with = "VatZone")]
    pub vat_zone: Option<VatZone>,
    /// Its group.
    #[schemars(with = "CustomerGroupId")]
    pub customer_group_id: Option<CustomerGroupId>,
    /// Whether new documents may be made for it.
    #[schemars(with = "bool")]
    pub is_active: Option<bool>,
    /// Who is billed. `parent_pays` needs `parentCustomerId`.
    #[schemars(with = "BillingRelationship")]
    pub billing_relationship: Option<BillingRelationship>,
    /// The customer above it.
    pub parent_customer_id: Patch<CustomerId>,
    /// How its children are invoiced.
    #[schemars(with = "InvoicingMode")]
    pub invoicing_mode: Option<InvoicingMode>,
    /// Whether details of each child go with a consolidated invoice.
    #[schemars(with = "bool")]
    pub include_child_details_pdf: Option<bool>,
    /// Address for mail.
    pub email: Patch<Email>,
    /// Telephone.
    pub phone: Patch<Text<50>>,
    /// Street and house number.
    pub address: Patch<Text<500>>,
    /// City.
    pub city: Patch<Text<100>>,
    /// Postal code.
    pub postal_code: Patch<Text<20>>,
    /// ISO 3166 code of its country.
    #[schemars(with = "CountryCode")]
    pub country_code: Option<CountryCode>,
    /// VAT number with its country's prefix.
    pub vat_number: Patch<VatNumberText>,
    /// Number in the business register (CVR).
    pub registration_number: Patch<Text<50>>,
    /// Web site.
    pub website: Patch<Text<500>>,
    /// Its id in another system, unique in the company.
    pub external_system_id: Patch<Text<255>>,
    /// GLN (EAN number).
    pub ean_number: Patch<Gln>,
    /// Peppol endpoint as `0184:12345678`.
    pub peppol_endpoint: Patch<Text<100>>,
    /// The currency of its documents.
    pub currency: Patch<CurrencyCode>,
    /// Days to pay.
    #[schemars(range(max = 3650))]
    pub payment_terms: Patch<u32>,
    /// Language of its papers.
    pub language: Patch<Language>,
    /// How it receives documents.
    pub delivery_type: Patch<DeliveryType>,
    /// Templates its documents are printed with; replaced whole.
    #[schemars(length(max = 20))]
    pub document_template_ids: Patch<Vec<TemplateId>>,
    /// Text pairs of your own; replaced whole.
    pub metadata: Patch<Metadata>,
}

/// How customers are listed: all as a plain array, or with `page` or `cursor` page by page.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(extend("x-rules" = "part-of-a-list"))]
pub struct CustomerQuery {
    /// The page, from 1.
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
    /// How many a page; with `page` or `cursor` only.
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
    /// Continues a list where `nextCursor` says; empty begins one.
    pub cursor: Option<String>,
    /// Only the customer with this number.
    pub customer_number: Option<Text<50>>,
    /// Only the customer with this id in another system.
    pub external_system_id: Option<Text<255>>,
    /// Only with all these pairs.
    pub metadata: Option<Metadata>,
}

/// A customer group to be made.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomerGroupInput {
    /// Unique in the company; the next free number when left out.
    pub number: Option<Text<50>>,
    /// Its name.
    pub name: Text<200>,
    /// Default discount in percent.
    pub discount: Option<Percent>,
    /// Its receivables control account.
    pub account_id: AccountId,
    /// Text pairs of your own.
    pub metadata: Option<Metadata>,
}

/// What changes of a customer group; `null` clears a field.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CustomerGroupPatch {
    /// Unique in the company.
    #[schemars(with = "Text<50>")]
    pub number: Option<Text<50>>,
    /// Its name.
    #[schemars(with = "Text<200>")]
    pub name: Option<Text<200>>,
    /// Default discount in percent.
    pub discount: Patch<Percent>,
    /// Its receivables control account.
    #[schemars(with = "AccountId")]
    pub account_id: Option<AccountId>,
    /// Text pairs of your own; replaced whole.
    pub metadata: Patch<Metadata>,
}

/// How customer groups are listed: all, by number.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CustomerGroupQuery {
    /// Only with all these pairs.
    pub metadata: Option<Metadata>,
}

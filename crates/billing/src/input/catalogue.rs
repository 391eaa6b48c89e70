//! What a caller may say of product groups, products and prices.

use schemars::JsonSchema;
use serde::Deserialize;

use super::documents::SortOrder;
use super::{CurrencyCode, Metadata, Patch, Quantity, Text, UnitPrice};
use crate::catalogue::{BillingInterval, BillingPeriodType, PricingModel};
use crate::ids::{AccountId, ProductGroupId, ProductId};

/// A product group to be made.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProductGroupInput {
    /// Unique in the company.
    pub number: Text<50>,
    /// Its name.
    pub name: Text<200>,
    /// Account for domestic sales; has a VAT code for sales.
    pub domestic_account_id: AccountId,
    /// Account for sales within the EU; has a VAT code for sales.
    pub eu_account_id: AccountId,
    /// Account for sales outside the EU; has a VAT code for sales.
    pub abroad_account_id: AccountId,
    /// Account for domestic sales without VAT.
    pub domestic_without_vat_account_id: AccountId,
    /// What it is for.
    pub description: Option<Text<1000>>,
}

/// What changes of a product group; `null` clears a field.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ProductGroupPatch {
    /// Unique in the company.
    #[schemars(with = "Text<50>")]
    pub number: Option<Text<50>>,
    /// Its name.
    #[schemars(with = "Text<200>")]
    pub name: Option<Text<200>>,
    /// Account for domestic sales; has a VAT code for sales.
    #[schemars(with = "AccountId")]
    pub domestic_account_id: Option<AccountId>,
    /// Account for sales within the EU; has a VAT code for sales.
    #[schemars(with = "AccountId")]
    pub eu_account_id: Option<AccountId>,
    /// Account for sales outside the EU; has a VAT code for sales.
    #[schemars(with = "AccountId")]
    pub abroad_account_id: Option<AccountId>,
    /// Account for domestic sales without VAT.
    #[schemars(with = "AccountId")]
    pub domestic_without_vat_account_id: Option<AccountId>,
    /// What it is for.
    pub description: Patch<Text<1000>>,
}

/// What products and their groups are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum CatalogueSort {
    /// Its number.
    Number,
    /// Its name.
    Name,
    /// When it was made.
    #[default]
    CreatedAt,
}

/// How product groups are listed.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ProductGroupQuery {
    /// The page, from 1.
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
    /// How many a page.
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
    /// Continues a list where `nextCursor` says; empty begins one.
    pub cursor: Option<String>,
    /// What the list is sorted by; `createdAt` when left out.
    pub sort_by: Option<CatalogueSort>,
    /// `desc` when left out.
    pub sort_order: Option<SortOrder>,
    /// What number or name begins with.
    pub search: Option<Text<200>>,
}

/// A product to be made.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProductInput {
    /// Unique in the company.
    pub number: Text<50>,
    /// Its name; what a line says when it says nothing else.
    pub name: Text<200>,
    /// Its group: the accounts it is booked to.
    pub product_group_id: ProductGroupId,
    /// What it is.
    pub description: Option<Text<4000>>,
    /// What it is counted in: a UN/ECE Rec 20 code or a plain word.
    pub unit: Option<Text<20>>,
    /// Goods, or a service; default false.
    pub is_goods: Option<bool>,
    /// Its id in another system, unique in the company.
    pub external_system_id: Option<Text<255>>,
    /// Text pairs of your own.
    pub metadata: Option<Metadata>,
    /// Whether it may stand in new documents; default true.
    pub is_active: Option<bool>,
}

/// What changes of a product; `null` clears a field.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ProductPatch {
    /// Unique in the company.
    #[schemars(with = "Text<50>")]
    pub number: Option<Text<50>>,
    /// Its name.
    #[schemars(with = "Text<200>")]
    pub name: Option<Text<200>>,
    /// Its group: the accounts it is booked to.
    #[schemars(with = "ProductGroupId")]
    pub product_group_id: Option<ProductGroupId>,
    /// What it is.
    pub description: Patch<Text<4000>>,
    /// What it is counted in: a UN/ECE Rec 20 code or a plain word.
    pub unit: Patch<Text<20>>,
    /// Goods, or a service.
    #[schemars(with = "bool")]
    pub is_goods: Option<bool>,
    /// Its id in another system, unique in the company.
    pub external_system_id: Patch<Text<255>>,
    /// Text pairs of your own; replaced whole.
    pub metadata: Patch<Metadata>,
    /// Whether it may stand in new documents.
    #[schemars(with = "bool")]
    pub is_active: Option<bool>,
}

/// How products are listed.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ProductQuery {
    /// The page, from 1.
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
    /// How many a page.
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
    /// Continues a list where `nextCursor` says; empty begins one.
    pub cursor: Option<String>,
    /// What the list is sorted by; `createdAt` when left out.
    pub sort_by: Option<CatalogueSort>,
    /// `desc` when left out.
    pub sort_order: Option<SortOrder>,
    /// Found in number or name.
    pub search: Option<Text<200>>,
    /// Only those that may, or may not, stand in new documents.
    pub is_active: Option<bool>,
    /// Only of this group.
    pub product_group_id: Option<ProductGroupId>,
    /// Only with all these pairs.
    pub metadata: Option<Metadata>,
}

/// A step of a tiered price.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TierInput {
    /// The last quantity in it; null on the last tier.
    pub up_to: Option<Quantity>,
    /// Amount of one, or of one package.
    pub unit_amount: UnitPrice,
    /// Amount charged once for the tier.
    pub flat_amount: Option<UnitPrice>,
    /// How many are in a package.
    pub package_size: Option<Quantity>,
}

/// A price to be made.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-rules" = "price"))]
pub struct PriceInput {
    /// The product it is of.
    pub product_id: ProductId,
    /// When it is charged.
    pub billing_period_type: BillingPeriodType,
    /// How it is reckoned.
    pub pricing_model: PricingModel,
    /// What it is called among the product's prices.
    pub nickname: Option<Text<200>>,
    /// Amount of one, excl. VAT; a flat rate needs it.
    pub unit_amount: Option<UnitPrice>,
    /// The unit of its interval; needed unless it is charged once.
    pub billing_interval: Option<BillingInterval>,
    /// How many of that unit; default 1.
    #[schemars(range(min = 1, max = 365))]
    pub billing_interval_count: Option<u32>,
    /// The currency of its amounts; default the company's.
    pub currency: Option<CurrencyCode>,
    /// The meter that counts; a USAGE price needs it.
    pub meter_id: Option<Text<50>>,
    /// Its tiers; none for a flat rate.
    #[schemars(length(max = 100))]
    pub tiers: Option<Vec<TierInput>>,
}

/// What changes of a price; `null` clears a field. A locked price takes a nickname only.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PricePatch {
    /// When it is charged.
    #[schemars(with = "BillingPeriodType")]
    pub billing_period_type: Option<BillingPeriodType>,
    /// How it is reckoned.
    #[schemars(with = "PricingModel")]
    pub pricing_model: Option<PricingModel>,
    /// What it is called among the product's prices.
    pub nickname: Patch<Text<200>>,
    /// Amount of one, excl. VAT.
    #[schemars(with = "UnitPrice")]
    pub unit_amount: Option<UnitPrice>,
    /// The unit of its interval.
    pub billing_interval: Patch<BillingInterval>,
    /// How many of that unit.
    #[schemars(range(min = 1, max = 365))]
    pub billing_interval_count: Patch<u32>,
    /// The currency of its amounts.
    #[schemars(with = "CurrencyCode")]
    pub currency: Option<CurrencyCode>,
    /// The meter that counts.
    pub meter_id: Patch<Text<50>>,
    /// Its tiers; none for a flat rate.
    #[schemars(length(max = 100))]
    pub tiers: Patch<Vec<TierInput>>,
}

impl PricePatch {
    /// Whether it says nothing but a nickname.
    pub fn is_nickname_only(&self) -> bool {
        let PricePatch {
            billing_period_type,
            pricing_model,
            nickname: _,
            unit_amount,
            billing_interval,
            billing_interval_count,
            currency,
            meter_id,
            tiers,
        } = self;
        billing_period_type.is_none()
            && pricing_model.is_none()
            && unit_amount.is_none()
            && matches!(billing_interval, Patch::Keep)
            && matches!(billing_interval_count, Patch::Keep)
            && currency.is_none()
            && matches!(meter_id, Patch::Keep)
            && matches!(tiers, Patch::Keep)
    }
}

//! What a caller may say of payments, allocations, refunds and write-offs, and how
//! open items and statements are asked for.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::ids::{DocumentId, OpenItemId};
use crate::input::{CurrencyCode, Day, PositiveAmount, Text};

/// A payment received on an invoice.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PaymentInput {
    /// What was received, in the invoice's currency. More than is open stays as the customer's credit.
    pub amount: PositiveAmount,
    /// The day it was received; decides the exchange rate.
    pub date: Day,
    /// What the payer or the bank wrote on it.
    pub reference: Option<Text<200>>,
    /// How it was paid, as `bank_transfer`.
    pub method: Option<Text<50>>,
}

/// A credit set off against an invoice.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AllocationInput {
    /// The invoice, of the same customer and currency.
    pub invoice_id: DocumentId,
    /// Which of its open items: the fee of one of its reminders; the invoice itself when left out.
    pub open_item_id: Option<OpenItemId>,
    /// How much; as much as both sides have open when left out.
    pub amount: Option<PositiveAmount>,
}

/// A credit paid out outside.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefundInput {
    /// What was paid out, in the credit's currency.
    pub amount: PositiveAmount,
    /// The day it was paid out; decides the exchange rate.
    pub date: Day,
    /// What it is known by at the bank.
    pub reference: Text<200>,
}

/// What is open of an invoice given up.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-rules" = "write-off"))]
pub struct WriteOffInput {
    /// The day it is given up.
    pub date: Day,
    /// Why.
    pub reason: Text<500>,
    /// How much; all that is open when left out.
    pub amount: Option<PositiveAmount>,
    /// Whether its VAT comes off output VAT; `evidence` is then required.
    pub vat_relief: Option<bool>,
    /// What establishes the loss, as the number of a bankruptcy case.
    pub evidence: Option<Text<500>>,
}

/// How a short list is asked for.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PartQuery {
    /// The page, from 1.
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
    /// How many a page.
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
    /// Continues a list where `nextCursor` says; empty begins one.
    pub cursor: Option<String>,
}

/// How open items are asked for.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OpenItemQuery {
    /// Only in this currency.
    pub currency: Option<CurrencyCode>,
}

/// How a statement is asked for.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(extend("x-rules" = "span"))]
pub struct StatementQuery {
    /// The first day; the first of the books when left out.
    pub from: Option<Day>,
    /// The last day; today when left out.
    pub to: Option<Day>,
    /// `json`, `csv` or `pdf`; else what `Accept` asks for.
    pub format: Option<StatementFormat>,
}

/// In what form a statement is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum StatementFormat {
    /// `application/json`.
    Json,
    /// `text/csv`.
    Csv,
    /// `application/pdf`.
    Pdf,
}

//! What settles invoices and credits, as published: payments, allocations, refunds,
//! write-offs, open items. Every amount is positive.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ids::{
    AllocationId, CustomerId, DocumentId, EntryId, OpenItemId, PaymentId, RefundId, ReminderId, WriteOffId,
};
use crate::json::instant_text;
use crate::page::{Begin, Page, Part};
use crate::refusal::Faults;
use crate::status::statuses;

/// When and by which entry a deed was taken back.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Reversal {
    /// When.
    pub at: Timestamp,
    /// The mirrored entry.
    pub entry_id: EntryId,
}

/// A payment as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicPayment {
    /// Its id.
    pub id: PaymentId,
    /// The invoice it was received on.
    pub invoice_id: DocumentId,
    /// Who paid.
    pub customer_id: CustomerId,
    /// The day it was received.
    pub date: String,
    /// The currency of its amounts.
    pub currency: String,
    /// What was received.
    pub amount: String,
    /// What of it settles the invoice.
    pub settled_amount: String,
    /// What of it recovers what was written off.
    pub recovered_amount: String,
    /// What of it settles fees of the invoice's reminders.
    pub fee_amount: String,
    /// What of it was too much: the customer's credit.
    pub overpaid_amount: String,
    /// The open item of that credit, to be set off or paid out; null without one.
    pub open_item_id: Option<OpenItemId>,
    /// What the payer or the bank wrote on it.
    pub reference: Option<String>,
    /// How it was paid.
    pub method: Option<String>,
    /// The journal entry that posts it.
    pub journal_entry_id: EntryId,
    /// When it was recorded.
    pub created_at: String,
    /// When it was taken back.
    pub reversed_at: Option<String>,
}

/// An allocation as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicAllocation {
    /// Its id.
    pub id: AllocationId,
    /// The open item that gives.
    pub open_item_id: OpenItemId,
    /// The credit note that gives; null when it is an overpayment.
    pub credit_note_id: Option<DocumentId>,
    /// The invoice that is settled.
    pub invoice_id: DocumentId,
    /// Its number.
    pub invoice_number: Option<String>,
    /// The reminder of the invoice whose fee is settled; null where the invoice is.
    pub reminder_id: Option<ReminderId>,
    /// The currency of the amount.
    pub currency: String,
    /// How much is set off.
    pub amount: String,
    /// Its day.
    pub date: String,
    /// The journal entry that posts it.
    pub journal_entry_id: EntryId,
    /// When it was made.
    pub created_at: String,
    /// When it was taken back.
    pub reversed_at: Option<String>,
}

/// A refund as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicRefund {
    /// Its id.
    pub id: RefundId,
    /// The open item that was paid out.
    pub open_item_id: OpenItemId,
    /// The credit note that was paid out; null when it is an overpayment.
    pub credit_note_id: Option<DocumentId>,
    /// Who was paid.
    pub customer_id: CustomerId,
    /// The day it was paid out.
    pub date: String,
    /// The currency of the amount.
    pub currency: String,
    /// What was paid out.
    pub amount: String,
    /// What it is known by at the bank.
    pub reference: String,
    /// The journal entry that posts it.
    pub journal_entry_id: EntryId,
    /// When it was recorded.
    pub created_at: String,
    /// When it was taken back.
    pub reversed_at: Option<String>,
}

/// VAT that comes off output VAT, as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicRelief {
    /// VAT category (EN 16931).
    pub vat_category: String,
    /// Rate in percent.
    pub vat_rate: String,
    /// How much of it.
    pub vat_amount: String,
}

/// A write-off as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicWriteOff {
    /// Its id.
    pub id: WriteOffId,
    /// The invoice.
    pub invoice_id: DocumentId,
    /// Who does not pay.
    pub customer_id: CustomerId,
    /// The day it was given up.
    pub date: String,
    /// The currency of its amounts.
    pub currency: String,
    /// What was given up.
    pub amount: String,
    /// What of it is bad debt.
    pub bad_debt_amount: String,
    /// What of it comes off output VAT.
    pub vat_amount: String,
    /// That VAT by category and rate.
    pub vat_breakdown: Vec<PublicRelief>,
    /// What of it was paid after all.
    pub recovered_amount: String,
    /// Why.
    pub reason: String,
    /// Whether its VAT comes off output VAT.
    pub vat_relief: bool,
    /// What establishes the loss.
    pub evidence: Option<String>,
    /// The journal entry that posts it.
    pub journal_entry_id: EntryId,
    /// When it was written.
    pub created_at: String,
    /// When it was taken back.
    pub reversed_at: Option<String>,
}

statuses! {
    /// What an open item comes from.
    OpenItemType {
        /// An invoice.
        Invoice "invoice"
        /// A credit note.
        CreditNote "credit_note"
        /// What was paid too much.
        Overpayment "overpayment"
        /// The fee of a reminder.
        ReminderFee "reminder_fee"
    }
}

statuses! {
    /// On which side of the customer's account an item stands.
    Side {
        /// The customer owes it.
        Debit "debit"
        /// The customer has it to its credit.
        Credit "credit"
    }
}

/// An open item as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicOpenItem {
    /// Its id.
    pub id: OpenItemId,
    /// What it comes from.
    #[serde(rename = "type")]
    pub item_type: OpenItemType,
    /// Whether the customer owes it or has it to its credit.
    pub side: Side,
    /// Whose.
    pub customer_id: CustomerId,
    /// The invoice or credit note, of a fee the invoice that was reminded of; null for an overpayment.
    pub document_id: Option<DocumentId>,
    /// The payment that was too much; null for what is none.
    pub payment_id: Option<PaymentId>,
    /// The reminder that costs it; null for what is no fee.
    pub reminder_id: Option<ReminderId>,
    /// The document's number, or the payment's reference.
    pub number: Option<String>,
    /// Its day.
    pub date: String,
    /// When it is to be paid (invoices).
    pub due_date: Option<String>,
    /// The currency of its amounts.
    pub currency: String,
    /// What it was.
    pub amount: String,
    /// What is open of it.
    pub open_amount: String,
    /// What is open of it in the company's currency, as it is carried.
    pub base_open_amount: String,
}

/// What a customer owes in one currency; below zero what it has to its credit.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicBalance {
    /// The currency.
    pub currency: String,
    /// In that currency.
    pub balance: String,
    /// What of it is past its due date; never below zero.
    pub overdue: String,
    /// In the company's currency, as it is carried.
    pub base_balance: String,
}

/// A customer's open items as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicOpenItems {
    /// The customer.
    pub customer_id: CustomerId,
    /// The day that decides what is overdue.
    pub date: String,
    /// What is open, oldest first.
    pub data: Vec<PublicOpenItem>,
    /// What it comes to, by currency.
    pub balances: Vec<PublicBalance>,
}

/// A reversal's time as published.
pub fn reversed_text(reversal: Option<Reversal>) -> Option<String> {
    reversal.map(|reversal| instant_text(reversal.at))
}

/// A part of a short list that is held whole, in its order; `id` is its cursor.
///
/// # Errors
/// As [`Part::asked`].
pub fn part_of<T>(
    all: Vec<T>,
    page: Option<u32>,
    limit: Option<u32>,
    cursor: Option<&str>,
    id: impl Fn(&T) -> String,
) -> Result<Page<T>, Faults> {
    let part = Part::<String>::asked(page, limit, cursor)?;
    let count = all.len() as u64;
    let (total, rest): (Option<u64>, Vec<T>) = match &part.begin {
        Begin::Page(_) => {
            let skipped = usize::try_from(part.offset()).unwrap_or(usize::MAX);
            (Some(count), all.into_iter().skip(skipped).collect())
        }
        Begin::First => (None, all),
        Begin::After(last) => (None, all.into_iter().skip_while(|item| id(item) <= *last).collect()),
    };
    Ok(part.page(rest, total, id))
}

//! A customer's statement: in each currency what was owed before, what happened since,
//! and what is owed now. Read from the ledger, so that it says what the books say.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use crate::csv;
use crate::ids::{CustomerId, DocumentId, EntryId};
use crate::kind::Kind;
use crate::money::{Currency, Money};
use crate::status::statuses;

statuses! {
    /// What moved what a customer owes.
    MovementType {
        /// An invoice was booked.
        Invoice "invoice"
        /// A credit note was booked.
        CreditNote "credit_note"
        /// The customer paid.
        Payment "payment"
        /// A payment was taken back.
        PaymentReversed "payment_reversed"
        /// A credit was paid out.
        Refund "refund"
        /// A refund was taken back.
        RefundReversed "refund_reversed"
        /// An invoice was given up.
        WriteOff "write_off"
        /// A write-off was taken back.
        WriteOffReversed "write_off_reversed"
        /// A reminder cost a fee.
        ReminderFee "reminder_fee"
        /// The fee was taken back.
        ReminderFeeReversed "reminder_fee_reversed"
        /// Something else.
        Other "other"
    }
}

impl MovementType {
    /// What an entry is to the customer whose account it moves.
    pub fn of(entry_type: &str, document: Option<Kind>, is_reversal: bool, is_more: bool) -> MovementType {
        match (entry_type, document, is_reversal, is_more) {
            ("CUSTOMER_INVOICE", Some(Kind::Invoice), ..) => MovementType::Invoice,
            ("CUSTOMER_INVOICE", Some(Kind::CreditNote), ..) => MovementType::CreditNote,
            ("CUSTOMER_PAYMENT", _, false, false) => MovementType::Payment,
            ("CUSTOMER_PAYMENT", _, true, true) => MovementType::PaymentReversed,
            ("CUSTOMER_PAYMENT", _, false, true) => MovementType::Refund,
            ("CUSTOMER_PAYMENT", _, true, false) => MovementType::RefundReversed,
            ("JOURNAL_ENTRY", Some(Kind::Invoice), false, false) => MovementType::WriteOff,
            ("JOURNAL_ENTRY", Some(Kind::Invoice), true, true) => MovementType::WriteOffReversed,
            ("JOURNAL_ENTRY", Some(Kind::Invoice), false, true) => MovementType::ReminderFee,
            ("JOURNAL_ENTRY", Some(Kind::Invoice), true, false) => MovementType::ReminderFeeReversed,
            _ => MovementType::Other,
        }
    }
}

/// What one entry moves of what a customer owes.
#[derive(Clone, PartialEq, Debug)]
pub struct Moved {
    /// The entry.
    pub entry_id: EntryId,
    /// Its day.
    pub date: Date,
    /// What it is.
    pub movement: MovementType,
    /// What it says.
    pub description: String,
    /// Its reference.
    pub reference: Option<String>,
    /// The document behind it.
    pub document_id: Option<DocumentId>,
    /// How much more (or, below zero, less) is owed.
    pub amount: Money,
}

/// A line of a statement, as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicStatementLine {
    /// The day.
    pub date: String,
    /// What happened.
    #[serde(rename = "type")]
    pub movement: MovementType,
    /// The same in words.
    pub description: String,
    /// The number or the reference it is known by.
    pub reference: Option<String>,
    /// The document behind it.
    pub document_id: Option<DocumentId>,
    /// The journal entry.
    pub journal_entry_id: EntryId,
    /// How much more is owed; null when it is less.
    pub debit: Option<String>,
    /// How much less is owed; null when it is more.
    pub credit: Option<String>,
    /// What is owed then; below zero what the customer has to its credit.
    pub balance: String,
}

/// The statement of one currency, as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicAccountStatement {
    /// The currency of its amounts.
    pub currency: String,
    /// What was owed before the first day.
    pub opening_balance: String,
    /// What happened, in order.
    pub lines: Vec<PublicStatementLine>,
    /// What is owed at the end of the last day.
    pub closing_balance: String,
}

/// A statement as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicStatement {
    /// The customer.
    pub customer_id: CustomerId,
    /// Its number.
    pub customer_number: String,
    /// Its name.
    pub customer_name: String,
    /// The first day; null from the first of the books.
    pub from: Option<String>,
    /// The last day.
    pub to: String,
    /// By currency.
    pub accounts: Vec<PublicAccountStatement>,
}

/// The statement of each currency, from what was owed before and what happened since.
pub fn accounts(before: &[Money], since: &[Moved]) -> Vec<PublicAccountStatement> {
    let mut currencies: Vec<Currency> = before.iter().map(|money| money.currency()).collect();
    for moved in since {
        if !currencies.contains(&moved.amount.currency()) {
            currencies.push(moved.amount.currency());
        }
    }
    currencies.sort_by_key(|currency| currency.code());
    currencies.into_iter().map(|currency| account(currency, before, since)).collect()
}

fn account(currency: Currency, before: &[Money], since: &[Moved]) -> PublicAccountStatement {
    let opening = Money::sum(currency, before.iter().copied().filter(|money| money.currency() == currency));
    let mut balance = opening;
    let own = since.iter().filter(|moved| moved.amount.currency() == currency);
    let lines = own.map(|moved| {
        balance += moved.amount;
        let text = moved.amount.abs().to_string();
        let (debit, credit) = if moved.amount.is_negative() { (None, Some(text)) } else { (Some(text), None) };
        PublicStatementLine {
            date: moved.date.to_string(),
            movement: moved.movement,
            description: moved.description.clone(),
            reference: moved.reference.clone(),
            document_id: moved.document_id,
            journal_entry_id: moved.entry_id,
            debit,
            credit,
            balance: balance.to_string(),
        }
    });
    let lines = lines.collect();
    PublicAccountStatement {
        currency: currency.code().to_owned(),
        opening_balance: opening.to_string(),
        lines,
        closing_balance: balance.to_string(),
    }
}

/// A statement as CSV: a row for what was owed before, one for each line, one for what is owed now.
pub fn to_csv(statement: &PublicStatement) -> String {
    let mut text = String::new();
    csv::row(&mut text, ["currency", "date", "type", "description", "reference", "debit", "credit", "balance"]);
    for account in &statement.accounts {
        let bound = |date: Option<&String>, balance: &str, what: &str, text: &mut String| {
            let date = date.map_or("", String::as_str);
            csv::row(text, [account.currency.as_str(), date, what, "", "", "", "", balance]);
        };
        bound(statement.from.as_ref(), &account.opening_balance, "opening_balance", &mut text);
        for line in &account.lines {
            let or_empty = |value: &Option<String>| value.clone().unwrap_or_default();
            let (reference, debit, credit) = (or_empty(&line.reference), or_empty(&line.debit), or_empty(&line.credit));
            csv::row(
                &mut text,
                [
                    account.currency.as_str(),
                    &line.date,
                    line.movement.as_str(),
                    &line.description,
                    &reference,
                    &debit,
                    &credit,
                    &line.balance,
                ],
            );
        }
        bound(Some(&statement.to), &account.closing_balance, "closing_balance", &mut text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_runs_through_each_currency() {
        let id = |n: u128| EntryId(uuid::Uuid::from_u128(n));
        let moved = |n: u128, minor, currency| Moved {
            entry_id: id(n),
            date: Date::constant(2026, 6, 10),
            movement: MovementType::Invoice,
            description: "invoice".to_owned(),
            reference: None,
            document_id: None,
            amount: Money::new(minor, currency),
        };
        let (dkk, eur) = (Currency::DKK, Currency::EUR);
        let since = [moved(1, 37_500, dkk), moved(2, 10_000, eur), moved(3, -40_000, dkk)];
        let found = accounts(&[Money::new(1_000, dkk)], &since);
        let figures = |account: &PublicAccountStatement| {
            let lines = account.lines.iter();
            let lines: Vec<(Option<String>, Option<String>, String)> =
                lines.map(|line| (line.debit.clone(), line.credit.clone(), line.balance.clone())).collect();
            (account.opening_balance.clone(), lines, account.closing_balance.clone())
        };
        let text = |text: &str| text.to_owned();
        let some = |value: &str| Some(text(value));
        assert_eq!(
            figures(&found[0]),
            (
                text("10.00"),
                vec![(some("375.00"), None, text("385.00")), (None, some("400.00"), text("-15.00"))],
                text("-15.00")
            )
        );
        assert_eq!(figures(&found[1]), (text("0.00"), vec![(some("100.00"), None, text("100.00"))], text("100.00")));
    }
}

//! Accounts of the ledger, as kept and as published.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ids::{AccountId, VatCodeId};
use crate::refusal::Faults;
use crate::status::statuses;

statuses! {
    /// What an account is in the chart.
    LedgerType {
        /// Carries its balance over the years.
        BalanceSheet "BALANCE_SHEET"
        /// A heading on a new page.
        HeadingBreak "HEADING_BREAK"
        /// A heading.
        Heading "HEADING"
        /// Begins at nought each year.
        ProfitAndLoss "PROFIT_AND_LOSS"
        /// Adds up from an account to itself.
        TotalFrom "TOTAL_FROM"
        /// Adds up intervals of accounts.
        TotalIntervals "TOTAL_INTERVALS"
    }
}

impl LedgerType {
    /// Whether anything can be posted on it.
    pub fn takes_postings(self) -> bool {
        matches!(self, LedgerType::BalanceSheet | LedgerType::ProfitAndLoss)
    }
}

statuses! {
    /// What stands on an account.
    AccountClassification {
        /// What the company has.
        Asset "ASSET"
        /// What it owes.
        Liability "LIABILITY"
        /// What is its owners'.
        Equity "EQUITY"
        /// What it earns.
        Revenue "REVENUE"
        /// What it spends.
        Expense "EXPENSE"
    }
}

statuses! {
    /// Whose open items an account sums up.
    ControlAccountType {
        /// Customers'.
        AccountsReceivable "ACCOUNTS_RECEIVABLE"
        /// Vendors'.
        AccountsPayable "ACCOUNTS_PAYABLE"
    }
}

/// An account.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Its number, unique in the company.
    pub account_number: i64,
    /// Its number in the public chart of accounts.
    pub public_account_id: i64,
    /// What it is in the chart.
    pub ledger_type: LedgerType,
    /// What stands on it.
    pub account_classification: Option<AccountClassification>,
    /// Whose open items it sums up.
    pub control_account_type: Option<ControlAccountType>,
    /// The VAT code of what is posted on it.
    pub vat_code_id: Option<VatCodeId>,
    /// What the program itself posts on it, where it does.
    #[serde(skip)]
    pub role: Option<String>,
}

/// A heading or a sum carries nothing that speaks of postings.
///
/// # Errors
/// `isEmpty` on each field it carries all the same.
pub fn check(account: &Account) -> Result<(), Faults> {
    let mut faults = Faults::default();
    if account.ledger_type.takes_postings() {
        return Ok(());
    }
    for (name, is_set) in [
        ("accountClassification", account.account_classification.is_some()),
        ("controlAccountType", account.control_account_type.is_some()),
        ("vatCodeId", account.vat_code_id.is_some()),
    ] {
        if is_set {
            faults.add(name, "isEmpty", format!("{name} should be empty on a {} account", account.ledger_type));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_carries_nothing_of_postings() {
        let account = |ledger_type| Account {
            id: AccountId(uuid::Uuid::nil()),
            name: "Sales".to_owned(),
            account_number: 1000,
            public_account_id: 1000,
            ledger_type,
            account_classification: Some(AccountClassification::Revenue),
            control_account_type: None,
            vat_code_id: Some(VatCodeId(uuid::Uuid::nil())),
            role: None,
        };
        assert_eq!(check(&account(LedgerType::ProfitAndLoss)), Ok(()));
        let faults = check(&account(LedgerType::Heading)).unwrap_err();
        let named: Vec<&str> = faults.0.iter().map(|fault| fault.property.as_str()).collect();
        assert_eq!(named, ["accountClassification", "vatCodeId"]);
    }
}

//! What a new company's books begin with: a chart of accounts and VAT codes, Danish
//! for Denmark, generic elsewhere with the country's rates.

use rust_decimal::Decimal;

use crate::accounts::{AccountClassification as Class, ControlAccountType, LedgerType};
use crate::country::Country;
use crate::vat::VatCategory;
use crate::vat_codes::{Principle, VatType};

/// An account of a chart.
#[derive(Clone, PartialEq, Debug)]
pub struct ChartAccount {
    /// Its number; the public chart's too.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// What it is in the chart.
    pub ledger_type: LedgerType,
    /// What stands on it.
    pub classification: Option<Class>,
    /// Whose open items it sums up.
    pub control: Option<ControlAccountType>,
    /// What the program itself posts on it: `Receivables Bank ExchangeDifference Rounding BadDebt FeeIncome
    /// OssVat`.
    pub role: Option<&'static str>,
    /// The VAT code of what is posted on it.
    pub vat_code: Option<String>,
}

/// A VAT code of a chart.
#[derive(Clone, PartialEq, Debug)]
pub struct ChartVatCode {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its rate in percent.
    pub rate: Decimal,
    /// Sales or purchases.
    pub vat_type: VatType,
    /// Whether amounts are taken with or without VAT.
    pub principle: Principle,
    /// Its category, where the code decides it.
    pub category: Option<VatCategory>,
    /// Why no VAT is charged.
    pub reason: Option<String>,
    /// The code of that reason (VATEX).
    pub reason_code: Option<String>,
    /// The number of the account its VAT is booked to.
    pub book_to: Option<i64>,
    /// The number of the account its VAT is booked against (purchases with reverse charge).
    pub contra: Option<i64>,
}

/// The product group a company begins with, by account numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChartProductGroup {
    /// Revenue at home.
    pub domestic: i64,
    /// Revenue in the EU.
    pub eu: i64,
    /// Revenue outside the EU.
    pub abroad: i64,
    /// Revenue at home without VAT.
    pub domestic_without_vat: i64,
}

/// A whole chart.
#[derive(Clone, PartialEq, Debug)]
pub struct Chart {
    /// Its accounts by number.
    pub accounts: Vec<ChartAccount>,
    /// Its VAT codes.
    pub vat_codes: Vec<ChartVatCode>,
    /// Where the first product group posts.
    pub product_group: ChartProductGroup,
    /// The receivables control account.
    pub receivables: i64,
}

/// The chart for a country; `vat_rates` stand for the country's own, the standard one first.
pub fn chart(country: &str, vat_rates: Option<&[Decimal]>) -> Chart {
    match vat_rates {
        None if country == "DK" => danish(),
        Some(rates) => generic(rates),
        None => {
            let rates = Country::parse(country).map_or(&[][..], |country| country.vat_rates);
            let rates: Vec<Decimal> = rates.iter().filter_map(|rate| rate.parse().ok()).collect();
            generic(&rates)
        }
    }
}

use LedgerType::{BalanceSheet, Heading, ProfitAndLoss, TotalFrom};

fn account(number: i64, name: &str, ledger_type: LedgerType, classification: Option<Class>) -> ChartAccount {
    ChartAccount {
        number,
        name: name.to_owned(),
        ledger_type,
        classification,
        control: None,
        role: None,
        vat_code: None,
    }
}

impl ChartAccount {
    fn role(self, role: &'static str) -> ChartAccount {
        ChartAccount { role: Some(role), ..self }
    }

    fn taxed(self, code: impl Into<String>) -> ChartAccount {
        ChartAccount { vat_code: Some(code.into()), ..self }
    }

    fn controls(self, control: ControlAccountType) -> ChartAccount {
        ChartAccount { control: Some(control), ..self }
    }
}

fn code(code: &str, name: &str, rate: Decimal, vat_type: VatType, book_to: Option<i64>) -> ChartVatCode {
    ChartVatCode {
        code: code.to_owned(),
        name: name.to_owned(),
        rate,
        vat_type,
        principle: Principle::Net,
        category: None,
        reason: None,
        reason_code: None,
        book_to,
        contra: None,
    }
}

impl ChartVatCode {
    fn because(self, category: Option<VatCategory>, reason: &str, reason_code: Option<&str>) -> ChartVatCode {
        let (reason, reason_code) = (Some(reason.to_owned()), reason_code.map(str::to_owned));
        ChartVatCode { category, reason, reason_code, ..self }
    }
}

/// A chart as Danish small companies know it. Momsloven § 13 lists what is exempt, § 46
/// where the buyer accounts for the VAT, § 34 what is sold across the border without.
fn danish() -> Chart {
    let (asset, liability, revenue) = (Some(Class::Asset), Some(Class::Liability), Some(Class::Revenue));
    let (expense, equity) = (Some(Class::Expense), Some(Class::Equity));
    let accounts = vec![
        account(1000, "RESULTATOPGØRELSE", Heading, None),
        account(1010, "Salg af varer og ydelser m/moms", ProfitAndLoss, revenue).taxed("U25"),
        account(1020, "Salg med omvendt betalingspligt", ProfitAndLoss, revenue).taxed("UOB"),
        account(1050, "Salg til EU", ProfitAndLoss, revenue).taxed("UEU"),
        account(1060, "Salg til lande uden for EU", ProfitAndLoss, revenue).taxed("UEKS"),
        account(1070, "Salg uden moms", ProfitAndLoss, revenue).taxed("UFRI"),
        account(1090, "Gebyrer", ProfitAndLoss, revenue).role("FeeIncome"),
        account(1099, "Omsætning i alt", TotalFrom, None),
        account(2010, "Varekøb", ProfitAndLoss, expense).taxed("I25"),
        account(3010, "Tab på debitorer", ProfitAndLoss, expense).role("BadDebt"),
        account(4010, "Valutakursdifferencer", ProfitAndLoss, expense).role("ExchangeDifference"),
        account(4020, "Øredifferencer", ProfitAndLoss, expense).role("Rounding"),
        account(4090, "Resultat", TotalFrom, None),
        account(5000, "AKTIVER", Heading, None),
        account(5600, "Debitorer", BalanceSheet, asset)
            .role("Receivables")
            .controls(ControlAccountType::AccountsReceivable),
        account(5820, "Bank", BalanceSheet, asset).role("Bank"),
        account(5990, "Aktiver i alt", TotalFrom, None),
        account(6000, "PASSIVER", Heading, None),
        account(6110, "Egenkapital", BalanceSheet, equity),
        account(6800, "Kreditorer", BalanceSheet, liability).controls(ControlAccountType::AccountsPayable),
        account(6902, "Udgående moms", BalanceSheet, liability),
        account(6903, "Indgående moms", BalanceSheet, liability),
        account(6904, "Moms af varekøb i udlandet", BalanceSheet, liability),
        account(6905, "Moms af ydelseskøb i udlandet", BalanceSheet, liability),
        account(6906, "Moms i andre EU-lande (One Stop Shop)", BalanceSheet, liability).role("OssVat"),
        account(6910, "Skyldig moms", BalanceSheet, liability),
        account(6990, "Passiver i alt", TotalFrom, None),
    ];
    let (none, full) = (Decimal::ZERO, Decimal::from(25));
    let (sales, purchase) = (VatType::Sales, VatType::Purchase);
    let abroad = |name, text, book_to| ChartVatCode { contra: Some(6903), ..code(name, text, full, purchase, book_to) };
    let vat_codes = vec![
        code("U25", "Udgående moms 25 %", full, sales, Some(6902)),
        code("UOB", "Omvendt betalingspligt, indenlandsk", none, sales, None).because(
            Some(VatCategory::AE),
            "Omvendt betalingspligt (momslovens § 46)",
            Some("VATEX-EU-AE"),
        ),
        code("UEU", "Salg til EU uden moms", none, sales, None),
        code("UEKS", "Salg til lande uden for EU", none, sales, None),
        code("UFRI", "Momsfrit salg", none, sales, None).because(
            Some(VatCategory::E),
            "Fritaget for moms (momslovens § 13)",
            Some("VATEX-EU-132"),
        ),
        code("I25", "Indgående moms 25 %", full, purchase, Some(6903)),
        abroad("IVV", "Varekøb i udlandet", Some(6904)),
        abroad("IVY", "Ydelseskøb i udlandet", Some(6905)),
    ];
    let product_group = ChartProductGroup { domestic: 1010, eu: 1050, abroad: 1060, domestic_without_vat: 1070 };
    Chart { accounts, vat_codes, product_group, receivables: 5600 }
}

/// A chart in English: a revenue account and a VAT code for each rate.
fn generic(rates: &[Decimal]) -> Chart {
    let (asset, liability, revenue) = (Some(Class::Asset), Some(Class::Liability), Some(Class::Revenue));
    let (expense, equity) = (Some(Class::Expense), Some(Class::Equity));
    let none = [Decimal::ZERO];
    let rates = if rates.is_empty() { &none[..] } else { rates };
    let name = |rate: &Decimal| format!("S{}", rate.normalize());
    let mut accounts = vec![account(1000, "PROFIT AND LOSS", Heading, None)];
    let mut vat_codes = Vec::new();
    for (number, rate) in (1010..).zip(rates) {
        let title = format!("Sales, VAT {} %", rate.normalize());
        accounts.push(account(number, &title, ProfitAndLoss, revenue).taxed(name(rate)));
        let book_to = (!rate.is_zero()).then_some(6902);
        let title = format!("Sales VAT {} %", rate.normalize());
        vat_codes.push(code(&name(rate), &title, *rate, VatType::Sales, book_to));
    }
    vat_codes.extend([
        code("EU", "Sales within the EU without VAT", Decimal::ZERO, VatType::Sales, None),
        code("EXPORT", "Sales outside the EU", Decimal::ZERO, VatType::Sales, None),
        code("EXEMPT", "Exempt sales", Decimal::ZERO, VatType::Sales, None).because(
            Some(VatCategory::E),
            "Exempt from VAT",
            Some("VATEX-EU-132"),
        ),
        code("RC", "Domestic reverse charge", Decimal::ZERO, VatType::Sales, None).because(
            Some(VatCategory::AE),
            "Reverse charge",
            Some("VATEX-EU-AE"),
        ),
    ]);
    accounts.extend([
        account(1048, "Sales, domestic reverse charge", ProfitAndLoss, revenue).taxed("RC"),
        account(1050, "Sales within the EU", ProfitAndLoss, revenue).taxed("EU"),
        account(1060, "Sales outside the EU", ProfitAndLoss, revenue).taxed("EXPORT"),
        account(1070, "Sales without VAT", ProfitAndLoss, revenue).taxed("EXEMPT"),
        account(1090, "Fees", ProfitAndLoss, revenue).role("FeeIncome"),
        account(1099, "Total sales", TotalFrom, None),
        account(2010, "Purchases", ProfitAndLoss, expense),
        account(3010, "Bad debt", ProfitAndLoss, expense).role("BadDebt"),
        account(4010, "Exchange differences", ProfitAndLoss, expense).role("ExchangeDifference"),
        account(4020, "Rounding differences", ProfitAndLoss, expense).role("Rounding"),
        account(4090, "Result", TotalFrom, None),
        account(5000, "ASSETS", Heading, None),
        account(5600, "Receivables", BalanceSheet, asset)
            .role("Receivables")
            .controls(ControlAccountType::AccountsReceivable),
        account(5820, "Bank", BalanceSheet, asset).role("Bank"),
        account(5990, "Total assets", TotalFrom, None),
        account(6000, "LIABILITIES", Heading, None),
        account(6110, "Equity", BalanceSheet, equity),
        account(6800, "Payables", BalanceSheet, liability).controls(ControlAccountType::AccountsPayable),
        account(6902, "Output VAT", BalanceSheet, liability),
        account(6903, "Input VAT", BalanceSheet, liability),
        account(6906, "VAT of other EU countries (One-Stop-Shop)", BalanceSheet, liability).role("OssVat"),
        account(6910, "VAT payable", BalanceSheet, liability),
        account(6990, "Total liabilities", TotalFrom, None),
    ]);
    let product_group = ChartProductGroup { domestic: 1010, eu: 1050, abroad: 1060, domestic_without_vat: 1070 };
    Chart { accounts, vat_codes, product_group, receivables: 5600 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chart_hangs_together() {
        let rates = [Decimal::from(19), Decimal::from(7)];
        for chart in [chart("DK", None), chart("DE", None), chart("US", None), chart("DK", Some(&rates))] {
            let has = |number: i64| chart.accounts.iter().any(|account| account.number == number);
            let mut numbers: Vec<i64> = chart.accounts.iter().map(|account| account.number).collect();
            numbers.dedup();
            assert_eq!(numbers.len(), chart.accounts.len());
            for account in &chart.accounts {
                let known = |code: &String| chart.vat_codes.iter().any(|other| other.code == *code);
                assert!(account.vat_code.as_ref().is_none_or(known), "{}", account.name);
            }
            for code in &chart.vat_codes {
                assert!(code.book_to.is_none_or(has) && code.contra.is_none_or(has), "{}", code.code);
                assert_eq!(code.book_to.is_some(), !code.rate.is_zero(), "{}", code.code);
            }
            let group = chart.product_group;
            for number in [group.domestic, group.eu, group.abroad, group.domestic_without_vat, chart.receivables] {
                assert!(has(number));
            }
            for role in ["Receivables", "Bank", "ExchangeDifference", "Rounding", "BadDebt", "FeeIncome", "OssVat"] {
                assert_eq!(chart.accounts.iter().filter(|account| account.role == Some(role)).count(), 1, "{role}");
            }
        }
    }
}

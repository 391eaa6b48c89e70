//! What a new company begins with: its chart of accounts and VAT codes, its number
//! series, templates, groups and journal category.

use std::collections::BTreeMap;

use billing::accounts::Account;
use billing::catalogue::ProductGroup;
use billing::chart::{Chart, ChartAccount, ChartVatCode, chart};
use billing::customers::CustomerGroup;
use billing::ids::VatCodeId;
use billing::input::Metadata;
use billing::kind::Kind;
use billing::series::Series;
use billing::templates::{Look, Template, TemplateType};
use billing::vat_codes::{FROM_THE_BEGINNING, VatCode, VatRate, rate_on};
use rust_decimal::Decimal;
use store::journal_categories::JournalCategory;
use store::{accounts, customer_groups, days, journal_categories, product_groups, series, templates, vat_codes};

use crate::{Error, Work};

/// How the four kinds are numbered until the company says otherwise: five digits, never restarting.
const PREFIXES: [(Kind, &str); 4] =
    [(Kind::Invoice, "INV-"), (Kind::CreditNote, "CN-"), (Kind::Quote, "Q-"), (Kind::OrderConfirmation, "OC-")];

/// What is posted under the one journal category there is.
const JOURNAL_TYPES: [&str; 5] =
    ["JOURNAL_ENTRY", "SUPPLIER_INVOICE", "SUPPLIER_PAYMENT", "CUSTOMER_INVOICE", "CUSTOMER_PAYMENT"];

/// Sets up the books of the company at work; `vat_rates` stand for its country's own.
pub(crate) fn set_up(work: &mut Work<'_>, vat_rates: Option<&[Decimal]>) -> Result<(), Error> {
    let chart = chart(&work.company.country_code, vat_rates);
    let words = Words::of(&work.company.preferred_language);
    let accounts = chart_of_accounts(work, &chart)?;
    number_series(work)?;
    default_templates(work)?;
    default_groups(work, &chart, &accounts, &words)?;
    // Nothing can have run out yet: its first day's work is tomorrow's.
    days::mark(work.tx, work.company.id, work.today)?;
    let category = JournalCategory {
        id: work.new_id(),
        name: words.journal.to_owned(),
        is_default: true,
        allowed_journal_types: JOURNAL_TYPES.to_vec(),
    };
    Ok(journal_categories::insert(work.tx, work.company.id, &category)?)
}

/// Accounts by their numbers, as a chart names them.
type Accounts = BTreeMap<i64, Account>;

/// VAT codes and accounts name each other: both get their ids first; then the codes are
/// shelved, since the shelves hold accounts to the codes they name.
fn chart_of_accounts(work: &mut Work<'_>, chart: &Chart) -> Result<Accounts, Error> {
    let codes: BTreeMap<&str, VatCodeId> =
        chart.vat_codes.iter().map(|code| (code.code.as_str(), work.new_id())).collect();
    let mut accounts = Accounts::new();
    for ChartAccount { number, name, ledger_type, classification, control, role, vat_code } in &chart.accounts {
        let account = Account {
            id: work.new_id(),
            name: name.clone(),
            account_number: *number,
            public_account_id: *number,
            ledger_type: *ledger_type,
            account_classification: *classification,
            control_account_type: *control,
            vat_code_id: vat_code.as_deref().map(|code| codes[code]),
            role: role.map(str::to_owned),
        };
        accounts.insert(*number, account);
    }
    for code in &chart.vat_codes {
        let code = vat_code(code, codes[code.code.as_str()], &accounts, work);
        vat_codes::insert(work.tx, work.company.id, &code, work.now)?;
    }
    for account in accounts.values() {
        accounts::insert(work.tx, work.company.id, account, work.now)?;
    }
    Ok(accounts)
}

fn vat_code(of_chart: &ChartVatCode, id: VatCodeId, accounts: &Accounts, work: &Work<'_>) -> VatCode {
    let ChartVatCode { code, name, rate, vat_type, principle, category, reason, reason_code, book_to, contra } =
        of_chart;
    let (account, contra) = (book_to.map(|number| &accounts[&number]), contra.map(|number| &accounts[&number]));
    let rates = vec![VatRate { valid_from: FROM_THE_BEGINNING, vat_rate: *rate }];
    VatCode {
        id,
        vat_code: code.clone(),
        name: name.clone(),
        vat_rate: rate_on(&rates, work.today()),
        vat_type: *vat_type,
        principle: *principle,
        account_to_book_id: account.map(|account| account.id),
        account_to_book_number: account.map(|account| account.account_number),
        account_to_book_name: account.map(|account| account.name.clone()),
        contra_account_to_book_id: contra.map(|account| account.id),
        contra_account_to_book_number: contra.map(|account| account.account_number),
        contra_account_to_book_name: contra.map(|account| account.name.clone()),
        vat_category: *category,
        exemption_reason: reason.clone(),
        exemption_reason_code: reason_code.clone(),
        country_code: None,
        rates,
    }
}

fn default_groups(work: &mut Work<'_>, chart: &Chart, accounts: &Accounts, words: &Words) -> Result<(), Error> {
    let receivables = &accounts[&chart.receivables];
    let customers = CustomerGroup {
        id: work.new_id(),
        number: "1".to_owned(),
        name: words.customers.to_owned(),
        discount: None,
        account_id: receivables.id,
        account_number: receivables.account_number,
        account_name: receivables.name.clone(),
        metadata: Metadata::default(),
    };
    customer_groups::insert(work.tx, work.company.id, &customers, work.now)?;
    let of = |number: i64| &accounts[&number];
    let group = chart.product_group;
    let (domestic, eu, abroad) = (of(group.domestic), of(group.eu), of(group.abroad));
    let domestic_without_vat = of(group.domestic_without_vat);
    let products = ProductGroup {
        id: work.new_id(),
        number: "1".to_owned(),
        name: words.products.to_owned(),
        description: None,
        domestic_account_id: domestic.id,
        domestic_account_number: domestic.account_number,
        domestic_account_name: domestic.name.clone(),
        eu_account_id: eu.id,
        eu_account_number: eu.account_number,
        eu_account_name: eu.name.clone(),
        abroad_account_id: abroad.id,
        abroad_account_number: abroad.account_number,
        abroad_account_name: abroad.name.clone(),
        domestic_without_vat_account_id: domestic_without_vat.id,
        domestic_without_vat_account_number: domestic_without_vat.account_number,
        domestic_without_vat_account_name: domestic_without_vat.name.clone(),
        product_count: 0,
        created_at: work.now,
        updated_at: work.now,
    };
    Ok(product_groups::insert(work.tx, work.company.id, &products)?)
}

fn number_series(work: &mut Work<'_>) -> Result<(), Error> {
    for (kind, prefix) in PREFIXES {
        let new = Series {
            id: work.new_id(),
            document_kind: kind.as_str().to_owned(),
            prefix: prefix.to_owned(),
            padding: 5,
            per_fiscal_year: false,
        };
        series::insert(work.tx, work.company.id, &new, work.now)?;
    }
    Ok(())
}

/// One template a kind: the one built in, under the company's own name for it.
fn default_templates(work: &mut Work<'_>) -> Result<(), Error> {
    let kinds = [TemplateType::Invoice, TemplateType::CreditNote, TemplateType::Quote, TemplateType::OrderConfirmation];
    for document_type in kinds {
        let template = Template {
            id: work.new_id(),
            name: "Standard".to_owned(),
            document_type,
            is_default: true,
            created_at: work.now,
            updated_at: work.now,
            version: 1,
        };
        templates::insert(work.tx, work.company.id, &template, &Look::default())?;
    }
    Ok(())
}

/// Names a company begins with, in its language.
struct Words {
    customers: &'static str,
    products: &'static str,
    journal: &'static str,
}

impl Words {
    fn of(language: &str) -> Words {
        match language {
            "da" => Words { customers: "Kunder", products: "Varer og ydelser", journal: "Daglig" },
            _ => Words { customers: "Customers", products: "Goods and services", journal: "General" },
        }
    }
}

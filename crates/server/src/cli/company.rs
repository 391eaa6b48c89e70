//! `ledgerbee company …`: made and set by the operator, checked as the API checks.

use app::companies;
use billing::ids::CompanyId;
use billing::input::company::{CompanyPatch, NewCompany};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::{Failed, Place};
use crate::http::route::checked;

#[derive(Subcommand)]
pub(super) enum Company {
    /// Make a company with its books set up, and its first API key
    Create(Box<Create>),
    /// Change a company
    Set(Box<Set>),
    /// List the companies
    List {
        /// Print JSON
        #[arg(long, env = "LEDGERBEE_JSON")]
        json: bool,
    },
}

#[derive(Args)]
pub(super) struct Create {
    /// Legal name
    #[arg(long, env = "LEDGERBEE_NAME")]
    name: String,
    /// Country it is established in, as DK
    #[arg(long, env = "LEDGERBEE_COUNTRY")]
    country: String,
    /// Rates of the sales VAT codes, as 19,7; default the country's
    #[arg(long, env = "LEDGERBEE_VAT_RATES", value_delimiter = ',', value_name = "RATES")]
    vat_rates: Vec<String>,
    /// A company to try things out with: keys lb_test_…, papers marked TEST
    #[arg(long, env = "LEDGERBEE_TEST")]
    test: bool,
    /// It charges no VAT
    #[arg(long, env = "LEDGERBEE_NOT_VAT_REGISTERED")]
    not_vat_registered: bool,
    #[command(flatten)]
    facts: Facts,
    /// Print JSON
    #[arg(long, env = "LEDGERBEE_JSON")]
    json: bool,
}

/// What is known of a company, made or set.
#[derive(Args)]
struct Facts {
    /// Currency of its books; default the country's
    #[arg(long, env = "LEDGERBEE_CURRENCY")]
    currency: Option<String>,
    /// Language of its papers: da, en, de, sv or nb; default the country's
    #[arg(long, env = "LEDGERBEE_LANGUAGE")]
    language: Option<String>,
    /// IANA zone that decides what day it is; default the country's
    #[arg(long, env = "LEDGERBEE_TIME_ZONE", value_name = "ZONE")]
    time_zone: Option<String>,
    /// Street and house number
    #[arg(long, env = "LEDGERBEE_ADDRESS")]
    address: Option<String>,
    /// Postal code
    #[arg(long, env = "LEDGERBEE_POSTAL_CODE", value_name = "CODE")]
    postal_code: Option<String>,
    /// City
    #[arg(long, env = "LEDGERBEE_CITY")]
    city: Option<String>,
    /// VAT number with its country's prefix
    #[arg(long, env = "LEDGERBEE_VAT", value_name = "NUMBER")]
    vat: Option<String>,
    /// E-mail address
    #[arg(long, env = "LEDGERBEE_EMAIL")]
    email: Option<String>,
    /// IBAN payments are asked to
    #[arg(long, env = "LEDGERBEE_IBAN")]
    iban: Option<String>,
}

impl Facts {
    fn json(self) -> Map<String, Value> {
        let Facts { currency, language, time_zone, address, postal_code, city, vat, email, iban } = self;
        let known = [
            ("currency", currency),
            ("preferredLanguage", language),
            ("timeZone", time_zone),
            ("address", address),
            ("postalCode", postal_code),
            ("city", city),
            ("vat", vat),
            ("email", email),
            ("iban", iban),
        ];
        known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))).collect()
    }
}

#[derive(Args)]
pub(super) struct Set {
    /// The company's id
    #[arg(long, env = "LEDGERBEE_COMPANY", value_name = "ID")]
    company: CompanyId,
    /// Legal name
    #[arg(long, env = "LEDGERBEE_NAME")]
    name: Option<String>,
    /// Country it is established in; not once something is booked
    #[arg(long, env = "LEDGERBEE_COUNTRY")]
    country: Option<String>,
    #[command(flatten)]
    facts: Facts,
    /// Address for mail about billing
    #[arg(long, env = "LEDGERBEE_BILLING_EMAIL", value_name = "EMAIL")]
    billing_email: Option<String>,
    /// Telephone
    #[arg(long, env = "LEDGERBEE_PHONE")]
    phone: Option<String>,
    /// Number in the business register (CVR)
    #[arg(long, env = "LEDGERBEE_REGISTRATION_NUMBER", value_name = "NUMBER")]
    registration_number: Option<String>,
    /// BIC of its bank
    #[arg(long, env = "LEDGERBEE_BIC")]
    bic: Option<String>,
    /// Domestic account number
    #[arg(long, env = "LEDGERBEE_BANK_ACCOUNT", value_name = "NUMBER")]
    bank_account: Option<String>,
    /// Whether it charges VAT
    #[arg(long, env = "LEDGERBEE_VAT_REGISTERED", value_name = "true|false")]
    vat_registered: Option<bool>,
    /// live or test; not once something is booked
    #[arg(long, env = "LEDGERBEE_MODE")]
    mode: Option<String>,
    /// Month the fiscal year begins in
    #[arg(long, env = "LEDGERBEE_FISCAL_YEAR_START", value_name = "1-12")]
    fiscal_year_start: Option<u32>,
    /// Nothing is posted on or before this day
    #[arg(long, env = "LEDGERBEE_LOCKED_THROUGH", value_name = "YYYY-MM-DD")]
    locked_through: Option<String>,
}

impl Company {
    pub(super) fn run(self, place: &Place) -> Result<(), Failed> {
        match self {
            Company::Create(create) => create.run(place),
            Company::Set(set) => set.run(place),
            Company::List { json } => list(place, json),
        }
    }
}

impl Create {
    fn run(self, place: &Place) -> Result<(), Failed> {
        let as_json = self.json;
        let made = companies::create(&*place.open_quietly()?, self.input()?).wait()?;
        if as_json {
            println!("{:#}", json!(made));
        } else {
            println!("company  {}", made.company_id);
            println!("API key  {}", made.api_key);
            println!("It may do everything. It is shown this once only: keep it safe.");
        }
        Ok(())
    }

    fn input(self) -> Result<NewCompany, Failed> {
        let Create { name, country, vat_rates, test, not_vat_registered, facts, .. } = self;
        let mut input = facts.json();
        input.insert("name".to_owned(), json!(name));
        input.insert("countryCode".to_owned(), json!(country));
        if !vat_rates.is_empty() {
            input.insert("vatRates".to_owned(), json!(vat_rates));
        }
        if test {
            input.insert("mode".to_owned(), json!("test"));
        }
        if not_vat_registered {
            input.insert("isVatRegistered".to_owned(), json!(false));
        }
        Ok(checked(&Value::Object(input))?)
    }
}

impl Set {
    fn run(self, place: &Place) -> Result<(), Failed> {
        let company = self.company;
        let after = companies::set(&*place.open_quietly()?, company, self.input()?).wait()?;
        println!("{:#}", json!(after));
        Ok(())
    }

    fn input(self) -> Result<CompanyPatch, Failed> {
        let mut input = self.facts.json();
        let more = [
            ("name", self.name),
            ("countryCode", self.country),
            ("billingEmail", self.billing_email),
            ("phone", self.phone),
            ("registrationNumber", self.registration_number),
            ("bic", self.bic),
            ("bankAccount", self.bank_account),
            ("mode", self.mode),
            ("lockedThrough", self.locked_through),
        ];
        input.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))));
        if let Some(is) = self.vat_registered {
            input.insert("isVatRegistered".to_owned(), json!(is));
        }
        if let Some(month) = self.fiscal_year_start {
            input.insert("fiscalYearStart".to_owned(), json!(month));
        }
        if input.is_empty() {
            return Err(Failed::of("nothing to set: name at least one option, see --help"));
        }
        Ok(checked(&Value::Object(input))?)
    }
}

fn list(place: &Place, as_json: bool) -> Result<(), Failed> {
    let companies = companies::list(&*place.open_quietly()?).wait()?;
    if as_json {
        println!("{:#}", json!(companies));
        return Ok(());
    }
    for company in companies {
        let mode = company.mode.as_str();
        println!("{}  {}  {}  {mode}  {}", company.id, company.country_code, company.currency.code(), company.name);
    }
    Ok(())
}

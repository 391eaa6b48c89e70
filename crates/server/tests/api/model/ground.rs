//! The company a run is played in: the same in the program and in the model.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::calls::Dice;
use super::ratio::Ratio;
use super::world::{CURRENCIES, Customer, Price, Tax, World, decimals};
use testkit::house::Company;

use crate::house::{House, text};

/// The day it is for a company in Copenhagen.
pub fn today() -> Date {
    TimeZone::get("Europe/Copenhagen").expect("a zone").to_datetime(jiff::Timestamp::now()).date()
}

/// A company with customers of every zone, products of every tax and prices in every currency.
pub fn lay<'h>(house: &'h House, seed: u64) -> (Company<'h>, World) {
    let mut dice = Dice::new(seed);
    let base = CURRENCIES[dice.below(4) as usize].0;
    let today = today();
    let company = house.company_with(&[
        "--country",
        "DK",
        "--currency",
        base,
        "--address",
        "Lyngvej 7",
        "--postal-code",
        "8600",
        "--city",
        "Silkeborg",
        "--vat",
        "DK12345674",
        "--time-zone",
        "Europe/Copenhagen",
    ]);
    let locked_through = today - 200.days();
    company.api.patch("/v1/company", &json!({ "lockedThrough": locked_through.to_string() })).is(200);
    let customers = customers(&company, base);
    let (taxes, groups) = taxes(&company, today);
    let prices = prices(&company, base, &groups, &mut dice);
    let mut rates = BTreeMap::new();
    for (code, _) in CURRENCIES.iter().filter(|(code, _)| *code != base) {
        // The last of the currencies has no rate before a while ago.
        let days: &[i64] = if *code == "USD" { &[25, 3] } else { &[500, 30, 1] };
        for ago in days {
            rates.insert((*code, today - ago.days()), dice.rate(code, base));
        }
    }
    for ((currency, date), rate) in &rates {
        let body = json!({ "currency": currency, "date": date.to_string(), "rate": rate.text(0) });
        company.api.send("PUT", "/v1/exchange-rates", &body).is(200);
    }
    let world = World {
        base,
        today,
        locked_through,
        customers,
        taxes,
        prices,
        rates,
        documents: Vec::new(),
        items: Vec::new(),
        payments: Vec::new(),
        allocations: Vec::new(),
        refunds: Vec::new(),
        write_offs: Vec::new(),
        numbers: (0, 0),
        keys: 0,
        balances: BTreeMap::new(),
    };
    (company, world)
}

fn customers(company: &Company<'_>, base: &'static str) -> Vec<Customer> {
    let groups = company.api.get("/v1/customer-groups").is(200);
    let group = json!({ "name": "Resellers", "discount": "7.5", "accountId": groups[0]["accountId"] });
    let resellers = company.api.post("/v1/customer-groups", &group).is(201)["id"].clone();
    let usual = || Customer {
        id: String::new(),
        currency: base,
        terms: 30,
        discount: Ratio::ZERO,
        is_active: true,
        is_private: false,
        is_contradictory: false,
        is_unnumbered: false,
        is_unknown_abroad: false,
    };
    let discount = Ratio::new(15, 2);
    [
        (json!({}), usual()),
        (json!({ "customerGroupId": resellers, "paymentTerms": 8 }), Customer { terms: 8, discount, ..usual() }),
        (
            json!({ "countryCode": "DE", "vatZone": "eu", "vatNumber": "DE136695976", "currency": "EUR" }),
            Customer { currency: "EUR", ..usual() },
        ),
        (
            json!({ "countryCode": "JP", "vatZone": "abroad", "vatNumber": null, "currency": "JPY" }),
            Customer { currency: "JPY", is_unknown_abroad: true, ..usual() },
        ),
        (
            json!({ "countryCode": "KW", "vatZone": "abroad", "vatNumber": null, "currency": "KWD" }),
            Customer { currency: "KWD", is_unknown_abroad: true, ..usual() },
        ),
        (json!({ "customerType": "private", "vatNumber": null }), Customer { is_private: true, ..usual() }),
        (
            json!({ "countryCode": "FR", "vatZone": "eu", "vatNumber": null }),
            Customer { is_unnumbered: true, ..usual() },
        ),
        (
            json!({ "countryCode": "FR", "vatZone": "abroad", "vatNumber": null }),
            Customer { is_contradictory: true, ..usual() },
        ),
    ]
    .map(|(changes, customer)| Customer { id: text(&company.customer(changes)).to_owned(), ..customer })
    .into()
}

/// Groups of products, each with an account and a VAT code of its own for every zone.
fn taxes(company: &Company<'_>, today: Date) -> (Vec<Tax>, Vec<Value>) {
    let output = company.api.get("/v1/accounts?accountNumber=6902").is(200)[0]["id"].clone();
    let later = today + 5.days();
    let mut taxes = Vec::new();
    let mut groups = Vec::new();
    for (number, category, rate, changed) in [
        ("1901", "S", "25", None),
        ("1902", "S", "6.5", None),
        ("1903", "S", "21", Some("19.6")),
        ("1904", "E", "0", None),
        ("1905", "Z", "0", None),
        ("1906", "AE", "0", None),
        ("1907", "S", "12.375", None),
    ] {
        let code = company.api.post(
            "/v1/vat-codes",
            &json!({
                "vatCode": format!("M{number}"), "name": "Model", "vatRate": rate, "type": "SALES", "accountToBookId": output,
                "vatCategory": if category == "S" { Value::Null } else { json!(category) },
                "exemptionReason": if category == "S" { Value::Null } else { json!("As the model says") },
            }),
        );
        let code = code.is(201)["id"].clone();
        let mut rates = vec![(Date::MIN, Ratio::parse(rate).unwrap())];
        if let Some(changed) = changed {
            let added = json!({ "vatRate": changed, "validFrom": later.to_string() });
            company.api.patch(&format!("/v1/vat-codes/{}", text(&code)), &added).is(200);
            rates.push((later, Ratio::parse(changed).unwrap()));
        }
        let account = json!({
            "name": "Model", "accountNumber": number.parse::<u32>().unwrap(), "ledgerType": "PROFIT_AND_LOSS",
            "accountClassification": "REVENUE", "vatCodeId": code,
        });
        let account = company.api.post("/v1/accounts", &account).is(201)["id"].clone();
        let group = json!({
            "number": number, "name": "Model", "domesticAccountId": account, "euAccountId": account,
            "abroadAccountId": account, "domesticWithoutVatAccountId": account,
        });
        groups.push(company.api.post("/v1/product-groups", &group).is(201)["id"].clone());
        taxes.push(Tax { category, rates, account: number });
    }
    (taxes, groups)
}

fn prices(company: &Company<'_>, base: &'static str, groups: &[Value], dice: &mut Dice) -> Vec<Price> {
    let mut prices = Vec::new();
    for at in 0..18 {
        let tax = if at < groups.len() { at } else { dice.below(groups.len() as u64) as usize };
        let currency = if dice.below(3) > 0 { base } else { CURRENCIES[dice.below(4) as usize].0 };
        let places = if dice.below(4) == 0 { 6 } else { decimals(currency) };
        let amount = dice.decimal(5, places);
        let name = format!("Honey {at}");
        let product = json!({ "productGroupId": groups[tax], "name": name });
        let price = company.price_with(product, json!({ "unitAmount": amount, "currency": currency }));
        let (id, amount) = (text(&price).to_owned(), Ratio::parse(&amount).unwrap());
        prices.push(Price { id, name, currency, amount, tax, is_active: true });
    }
    prices
}

//! The documents of `tests/cases`: what others published must come out the same here,
//! and credited in full leave nothing behind.

use std::path::Path;

use serde_json::{Value, json};

use crate::house::{Company, House, text};

/// The cases by name.
fn cases() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<(String, Value)> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let case = serde_json::from_str(&std::fs::read_to_string(&path).unwrap());
            (name.clone(), case.unwrap_or_else(|fault| panic!("{name}: {fault}")))
        })
        .collect();
    cases.sort_by(|(a, _), (b, _)| a.cmp(b));
    cases
}

/// A company of the case's country and currency.
fn company(house: &'static House, case: &Value) -> Company {
    house.company_with(&["--country", text(&case["country"]), "--currency", text(&case["currency"]), "--test"])
}

/// A product group for each VAT category and rate of the case, each with its own VAT code and account.
fn groups(company: &Company, case: &Value) -> Vec<(Value, Value, Value)> {
    let accounts = company.api.get("/v1/accounts?accountNumber=6902").is(200);
    let group = |(at, vat): (usize, &Value)| {
        // A code says a category only where it is another than its rate makes it.
        let category = Some(&vat["vatCategory"]).filter(|category| *category != "S");
        let code = company.api.post(
            "/v1/vat-codes",
            &json!({
                "vatCode": format!("CASE{at}"), "name": "As in the case", "vatRate": vat["vatRate"], "type": "SALES",
                "vatCategory": category, "accountToBookId": accounts[0]["id"],
                "exemptionReason": category.map(|_| "As in the case"),
            }),
        );
        let account = company.api.post(
            "/v1/accounts",
            &json!({
                "name": "As in the case", "accountNumber": 1900 + at, "ledgerType": "PROFIT_AND_LOSS",
                "accountClassification": "REVENUE", "vatCodeId": code.is(201)["id"],
            }),
        );
        let account = account.is(201)["id"].clone();
        let group = json!({
            "number": format!("CASE{at}"), "name": "As in the case", "domesticAccountId": account,
            "euAccountId": account, "abroadAccountId": account, "domesticWithoutVatAccountId": account,
        });
        let group = company.api.post("/v1/product-groups", &group).is(201)["id"].clone();
        (vat["vatCategory"].clone(), vat["vatRate"].clone(), group)
    };
    case["vat"].as_array().unwrap().iter().enumerate().map(group).collect()
}

/// The case's lines, each a product of its own.
fn lines(company: &Company, case: &Value) -> Value {
    let groups = groups(company, case);
    let line = |line: &Value| {
        let belongs = |group: &&(Value, Value, Value)| group.0 == line["vatCategory"] && group.1 == line["vatRate"];
        let group = &groups.iter().find(belongs).expect("each line has its VAT group").2;
        let product = json!({ "productGroupId": group, "unit": line["unit"] });
        let price = company.price_with(product, json!({ "unitAmount": line["unitPrice"] }));
        let discount = line.get("discountPercent").cloned().unwrap_or(json!("0"));
        json!({ "priceId": price, "quantity": line["quantity"], "discountPercent": discount })
    };
    case["lines"].as_array().unwrap().iter().map(line).collect()
}

/// An amount of the case, as a document of this sign gives it.
fn signed(amount: &Value, is_credit: bool) -> Value {
    let amount = text(amount);
    let is_nought = amount.chars().all(|c| matches!(c, '0' | '.'));
    json!(if is_credit && !is_nought { format!("-{amount}") } else { amount.to_owned() })
}

/// Compares every figure.
fn check(name: &str, case: &Value, document: &Value, is_credit: bool) {
    let signed = |amount: &Value| signed(amount, is_credit);
    for (ours, theirs) in [("subtotal", "subtotal"), ("vat", "vatTotal"), ("amount", "amount")] {
        assert_eq!(document[ours], signed(&case[theirs]), "{name}: {ours} of {document}");
    }
    assert_eq!((&document["currency"], &document["date"]), (&case["currency"], &case["date"]), "{name}");
    let expected = case["lines"].as_array().unwrap();
    let lines = document["lines"].as_array().unwrap();
    assert_eq!(lines.len(), expected.len(), "{name}: {document}");
    for (line, expected) in lines.iter().zip(expected) {
        assert_eq!(line["totalPrice"], signed(&expected["total"]), "{name}: {line}");
        for field in ["quantity", "unit", "unitPrice", "vatCategory", "vatRate"] {
            assert_eq!(line[field], expected[field], "{name}: {field} of {line}");
        }
    }
    let mut found = document["vatBreakdown"].as_array().unwrap().clone();
    let mut expected = case["vat"].as_array().unwrap().clone();
    let key = |group: &Value| (text(&group["vatCategory"]).to_owned(), text(&group["vatRate"]).to_owned());
    found.sort_by_key(key);
    expected.sort_by_key(key);
    assert_eq!(found.len(), expected.len(), "{name}: {document}");
    for (group, expected) in found.iter().zip(&expected) {
        assert_eq!(key(group), key(expected), "{name}");
        for field in ["taxableAmount", "vatAmount"] {
            assert_eq!(group[field], signed(&expected[field]), "{name}: {field} of {group}");
        }
    }
}

on_both_engines! {
    /// Each case to the last unit, and credited in full every account at zero.
    fn every_sample_comes_out_to_the_last_unit_and_is_credited_to_nought(house) {
        let cases = cases();
        assert_eq!(cases.len(), 16, "fifteen documents, one of them told twice");
        for (name, case) in &cases {
            let company = company(house, case);
            let customer = company.customer(json!({ "countryCode": case["country"], "vatNumber": null }));
            let lines = lines(&company, case);
            let body = json!({ "customerId": customer, "date": case["date"], "lines": lines });
            let draft = company.api.post("/v1/invoices", &body).is(201);
            check(name, case, &draft, false);
            let invoice = company.sent("invoices", &draft);
            check(name, case, &invoice, false);
            assert!(!company.balances().is_empty(), "{name}: the invoice was posted");

            let dated = json!({ "date": case["date"] });
            let note = company.credit(&customer, Some(&invoice), body["lines"].clone(), dated).is(201);
            check(name, case, &note, true);
            let note = company.sent("credit-notes", &note);
            check(name, case, &note, true);
            let invoice = company.now("invoices", &invoice);
            assert_eq!(invoice["status"], "credited", "{name}");
            assert_eq!(company.balances(), Vec::<Vec<String>>::new(), "{name}");
            company.check_books();
        }
    }
}

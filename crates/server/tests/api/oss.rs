//! VAT of other countries of the EU (One-Stop-Shop): who is charged it, where it is posted, and that it stays.

use serde_json::{Value, json};

use crate::house::{Answer, Company, line, merge, text};

fn put(company: &Company, country: &str, rate: &str, valid_from: &str, more: Value) -> Answer {
    let mut body = json!({ "country": country, "rate": rate, "validFrom": valid_from });
    merge(&mut body, more);
    company.api.send("PUT", "/v1/oss-rates", &body)
}

/// A private customer abroad.
fn consumer(company: &Company, country: &str) -> Value {
    company.customer(json!({
        "customerType": "private", "name": "Sanne de Vries", "countryCode": country, "vatZone": "eu", "vatNumber": null,
        "address": "Keizersgracht 1", "postalCode": "1015 CJ", "city": "Amsterdam",
    }))
}

/// Tries to draft an invoice of one piece.
fn ask(company: &Company, customer: &Value, price: &Value, more: Value) -> Answer {
    let mut body = json!({ "customerId": customer, "lines": [line(price, "1")] });
    merge(&mut body, more);
    company.api.post("/v1/invoices", &body)
}

/// VAT, rate, category and country of the one line, which are those of the one group.
fn taxed(document: &Value) -> [String; 4] {
    let (own, group) = (&document["lines"][0], &document["vatBreakdown"][0]);
    assert_eq!(document["vatBreakdown"].as_array().unwrap().len(), 1);
    for field in ["vatRate", "vatCategory", "vatAmount", "vatCountryCode"] {
        assert_eq!(own[field], group[field], "{field}");
    }
    ["vatAmount", "vatRate", "vatCategory", "vatCountryCode"].map(|field| own[field].as_str().unwrap_or("-").to_owned())
}

/// Account, VAT code and amount of each posting of a document's entry, in base minor units.
fn posted(company: &Company, document: &Value) -> Vec<String> {
    let sql = format!(
        "select a.account_number || ' ' || coalesce(v.code, '-') || ' ' || p.base_amount from journal_entries e \
         join postings p on p.company_id = e.company_id and p.entry_id = e.id \
         join accounts a on a.company_id = p.company_id and a.id = p.account_id \
         left join vat_codes v on v.company_id = p.company_id and v.id = p.vat_code_id \
         where e.company_id = '{}' and e.document_id = '{}' order by e.sequence, p.position",
        company.id,
        text(&document["id"])
    );
    company.house.books.rows(&sql).into_iter().flatten().collect()
}

fn account(company: &Company, number: u32) -> Value {
    let body = json!({ "accountNumber": number, "name": "OSS", "ledgerType": "BALANCE_SHEET" });
    company.api.post("/v1/accounts", &body).is(201)["id"].clone()
}

on_both_engines! {
    /// Who has no VAT number is charged the VAT of where it is delivered; at home it is our own.
    fn a_buyer_without_a_vat_number_is_charged_the_rate_of_its_country(house) {
        let company = house.company();
        let price = company.price("100");
        let sanne = consumer(&company, "NL");
        let details = ask(&company, &sanne, &price, json!({})).refused(400, "CUSTOMER_VAT_NUMBER_REQUIRED");
        assert_eq!((&details["property"], &details["country"]), (&json!("customer.vatNumber"), &json!("NL")));
        let rate = put(&company, "NL", "21", "2026-01-01", json!({})).is(200);
        assert_eq!((&rate["accountNumber"], &rate["vatCode"], &rate["rate"]), (&json!(6906), &json!("OSS-NL"), &json!("21")));
        put(&company, "DE", "19", "2026-01-01", json!({})).is(200);
        let vat = |customer: &Value, more: Value| taxed(&ask(&company, customer, &price, more).is(201));
        let home = ["25.00", "25", "S", "-"];
        assert_eq!(vat(&sanne, json!({})), ["21.00", "21", "S", "NL"]);
        assert_eq!(vat(&sanne, json!({ "deliveryCountryCode": "DE" })), ["19.00", "19", "S", "DE"]);
        assert_eq!(vat(&sanne, json!({ "deliveryCountryCode": "DK" })), home);
        let details = ask(&company, &sanne, &price, json!({ "deliveryCountryCode": "FR" })).refused(400, "CUSTOMER_VAT_NUMBER_REQUIRED");
        assert_eq!(details["country"], "FR");
        // The tax point decides, and before the first rate there is none.
        ask(&company, &sanne, &price, json!({ "taxPointDate": "2025-12-31" })).refused(400, "CUSTOMER_VAT_NUMBER_REQUIRED");
        assert_eq!(vat(&sanne, json!({ "taxPointDate": "2026-01-01" })), ["21.00", "21", "S", "NL"]);
        // A business without a VAT number is charged as a consumer; one with, or at home, is not.
        let business = |more: Value| {
            let mut body = json!({ "countryCode": "NL", "vatZone": "eu", "vatNumber": null });
            merge(&mut body, more);
            company.customer(body)
        };
        assert_eq!(vat(&business(json!({})), json!({})), ["21.00", "21", "S", "NL"]);
        assert_eq!(vat(&business(json!({ "vatNumber": "NL004495445B01" })), json!({})), ["0.00", "0", "AE", "-"]);
        assert_eq!(vat(&company.customer(json!({})), json!({})), home);
        // Goods as services, and every kind of document.
        let goods = company.price_with(json!({ "isGoods": true }), json!({ "unitAmount": "100" }));
        assert_eq!(taxed(&ask(&company, &sanne, &goods, json!({})).is(201)), ["21.00", "21", "S", "NL"]);
        let body = json!({ "customerId": sanne, "lines": [line(&price, "1")] });
        let quote = company.api.post("/v1/quotes", &body).is(201);
        let quote = company.sent("quotes", &quote);
        let place = format!("/v1/quotes/{}/convert", text(&quote["id"]));
        let converted = company.api.post(&place, &json!({ "target": "invoice" })).is(201);
        assert_eq!(taxed(&company.sent("invoices", &converted)), ["21.00", "21", "S", "NL"]);
        company.check_books();
    }

    /// Revenue stays on the account of sales to the EU, the VAT is owed on the rate's; a sale at home is one.
    fn the_vat_is_owed_on_the_account_of_the_rate(house) {
        let company = house.company();
        let (price, sanne) = (company.price("100"), consumer(&company, "NL"));
        let own = account(&company, 6_907);
        put(&company, "NL", "21", "2026-01-01", json!({ "accountId": own })).is(200);
        put(&company, "SE", "25", "2026-01-01", json!({})).is(200);
        let sent = |more: Value| company.sent("invoices", &ask(&company, &sanne, &price, more).is(201));
        assert_eq!(posted(&company, &sent(json!({}))), ["5600 - 12100", "1050 OSS-NL -10000", "6907 OSS-NL -2100"]);
        let swedish = sent(json!({ "deliveryCountryCode": "SE" }));
        assert_eq!(posted(&company, &swedish), ["5600 - 12500", "1050 OSS-SE -10000", "6906 OSS-SE -2500"]);
        let at_home = sent(json!({ "deliveryCountryCode": "DK" }));
        assert_eq!(posted(&company, &at_home), ["5600 - 12500", "1010 U25 -10000", "6902 U25 -2500"]);

        // Its base amounts, in another currency.
        let rate = json!({ "currency": "EUR", "date": "2026-01-01", "rate": "7.46" });
        company.api.send("PUT", "/v1/exchange-rates", &rate).is(200);
        let euros = company.price_with(json!({}), json!({ "unitAmount": "10", "currency": "EUR" }));
        let mut body = json!({ "customerId": sanne, "currency": "EUR", "lines": [line(&euros, "1")] });
        let invoice = company.sent("invoices", &company.api.post("/v1/invoices", &body).is(201));
        // 2.10 at 7.46.
        assert_eq!((&invoice["vat"], &invoice["baseVat"]), (&json!("2.10"), &json!("15.67")));
        assert_eq!(posted(&company, &invoice), ["5600 - 9027", "1050 OSS-NL -7460", "6907 OSS-NL -1567"]);

        // Relief of a loss comes off the VAT of that country.
        let place = format!("/v1/invoices/{}/write-off", text(&swedish["id"]));
        body = json!({ "date": swedish["date"], "reason": "Gone", "vatRelief": true, "evidence": "Court" });
        let lost = company.api.post(&place, &body).is(200);
        assert_eq!((&lost["badDebtAmount"], &lost["vatAmount"]), (&json!("100.00"), &json!("25.00")));
        assert!(posted(&company, &swedish).contains(&"6906 OSS-SE 2500".to_owned()), "{:?}", posted(&company, &swedish));
        company.check_books();
    }

    /// What two countries charge at one rate are two groups, and one in an e-invoice, which knows no country.
    fn two_countries_of_one_rate_are_told_apart(house) {
        let company = house.company();
        let (price, sanne) = (company.price("100"), consumer(&company, "SE"));
        let own = account(&company, 6_907);
        put(&company, "SE", "25", "2026-01-01", json!({})).is(200);
        put(&company, "HR", "25", "2026-01-01", json!({ "accountId": own })).is(200);
        let sold = ["SE", "HR", "DK"].map(|country| {
            company.sent("invoices", &ask(&company, &sanne, &price, json!({ "deliveryCountryCode": country })).is(201))
        });
        let lines: Vec<Value> =
            sold.iter().map(|invoice| json!({ "invoiceLineId": invoice["lines"][0]["id"], "quantity": "0.5" })).collect();
        let note = company.credit(&sanne, None, json!(lines), json!({})).is(201);
        let note = company.sent("credit-notes", &note);
        let groups: Vec<[&Value; 3]> =
            note["vatBreakdown"].as_array().unwrap().iter().map(|group| ["vatCountryCode", "vatRate", "vatAmount"].map(|field| &group[field])).collect();
        let (rate, vat) = (json!("25"), json!("-12.50"));
        assert_eq!(groups, [[&json!("SE"), &rate, &vat], [&json!("HR"), &rate, &vat], [&Value::Null, &rate, &vat]]);
        let posted = posted(&company, &note);
        for posting in ["6906 OSS-SE 1250", "6907 OSS-HR 1250", "6902 U25 1250"] {
            assert!(posted.contains(&posting.to_owned()), "{posting}: {posted:?}");
        }
        for format in ["en16931-ubl", "en16931-cii"] {
            let xml = company.api.get(&format!("/v1/credit-notes/{}/xml?format={format}", text(&note["id"])));
            assert_eq!(xml.status, 200, "{}", xml.text());
            let groups = if format == "en16931-cii" { "<ram:BasisAmount>150.00<" } else { ">150.00</cbc:TaxableAmount>" };
            assert_eq!(xml.text().matches(groups).count(), 1, "{}", xml.text());
        }
        // Whose VAT it is, is told by where it goes.
        let xml = company.api.get(&format!("/v1/invoices/{}/xml?format=en16931-ubl", text(&sold[1]["id"]))).text();
        let delivery = xml.split_once("<cac:Delivery>").unwrap().1.split_once("</cac:Delivery>").unwrap().0;
        assert!(delivery.contains(">HR<"), "{delivery}");
        company.settle();
        company.check_books();
        crate::doctor::check_sound(&company);
    }

    /// Rate and account come from the invoice, whatever has become of both; all of it given back leaves nothing.
    fn credit_takes_rate_and_account_of_the_invoice(house) {
        let company = house.company();
        let (price, sanne) = (company.price("100"), consumer(&company, "NL"));
        put(&company, "NL", "21", "2020-01-01", json!({})).is(200);
        let body = json!({ "date": "2026-03-01" });
        let invoice = company.sent("invoices", &ask(&company, &sanne, &price, body).is(201));
        let other = account(&company, 6_907);
        let refused = put(&company, "NL", "22", "2026-03-01", json!({})).refused(400, "OSS_RATE_IN_USE");
        assert_eq!((&refused["lastUsedOn"], &refused["property"]), (&json!("2026-03-01"), &json!("validFrom")));
        put(&company, "NL", "21", "2020-01-01", json!({ "accountId": other })).refused(400, "OSS_RATE_IN_USE");
        let next = put(&company, "NL", "22", "2026-03-02", json!({ "accountId": other })).is(200);
        assert_eq!(next["vatCode"], "OSS-NL-2");
        // A draft of before is told of it.
        let draft = ask(&company, &sanne, &price, json!({ "date": "2026-03-02" })).is(201);
        assert_eq!(taxed(&draft), ["22.00", "22", "S", "NL"]);
        put(&company, "NL", "23", "2026-03-02", json!({ "accountId": other })).is(200);
        let send = format!("/v1/invoices/{}/send", text(&draft["id"]));
        let details = company.api.post(&send, &json!({ "deliveryType": "Manual" })).refused(400, "DOCUMENT_VAT_CHANGED");
        let change = ["vatRate", "vatRateNow", "vatCountryCode", "vatCountryCodeNow"].map(|field| details["lines"][0][field].clone());
        assert_eq!(change, ["22", "23", "NL", "NL"].map(|own| json!(own)));
        // So is one whose customer has moved: the country is another at the same rate.
        put(&company, "BE", "23", "2026-03-02", json!({})).is(200);
        let place = format!("/v1/invoices/{}", text(&draft["id"]));
        let body = json!({ "customerId": sanne, "date": "2026-03-02", "lines": [line(&price, "1")] });
        company.api.patch(&place, &body).is(200);
        company.api.patch(&format!("/v1/customers/{}", text(&sanne)), &json!({ "countryCode": "BE" })).is(200);
        company.api.post(&send, &json!({ "deliveryType": "Manual" })).refused(400, "DOCUMENT_VAT_CHANGED");

        let note = company.api.post(&format!("/v1/invoices/{}/credit", text(&invoice["id"])), &json!({})).is(201);
        assert_eq!(taxed(&note), ["-21.00", "21", "S", "NL"]);
        company.sent("credit-notes", &note);
        assert_eq!(company.balances(), Vec::<Vec<String>>::new());
        // That note is no use of the rate: it may change from the day after the invoice.
        put(&company, "NL", "24", "2026-03-02", json!({})).is(200);
        company.check_books();
    }

    /// Rates are put by country and day, each with a VAT code of its country and account, and told.
    fn rates_are_put_and_listed(house) {
        let company = house.company();
        let codes = || -> Vec<String> {
            let all = company.api.get("/v1/vat-codes").is(200);
            let oss = all.as_array().unwrap().iter().filter(|code| code["countryCode"].is_string());
            oss.map(|code| format!("{} {} {}", text(&code["vatCode"]), text(&code["countryCode"]), code["rates"].as_array().unwrap().len())).collect()
        };
        let made = put(&company, "NL", "21", "2026-01-01", json!({})).is(200);
        assert_eq!(put(&company, "NL", "21", "2026-01-01", json!({})).is(200), made);
        put(&company, "NL", "22", "2027-01-01", json!({})).is(200);
        put(&company, "AT", "20", "2026-01-01", json!({})).is(200);
        assert_eq!(codes(), ["OSS-AT AT 1", "OSS-NL NL 2"]);
        // Another account: another code, and the rate is its alone.
        let other = account(&company, 6_907);
        let moved = put(&company, "NL", "22", "2027-01-01", json!({ "accountId": other })).is(200);
        assert_eq!(moved["vatCode"], "OSS-NL-2");
        assert_eq!(codes(), ["OSS-AT AT 1", "OSS-NL NL 1", "OSS-NL-2 NL 1"]);
        let listed = company.api.get("/v1/oss-rates?country=NL").is(200);
        assert_eq!(listed["data"], json!([made, moved]));
        let types: Vec<String> = company.house.books.rows(&format!(
            "select type from events where company_id = '{}' and (type like 'oss%' or type like 'vat_code%') order by sequence", company.id
        )).into_iter().flatten().collect();
        let expected = [
            "vat_code.created", "oss_rate.created", "vat_code.updated", "oss_rate.created", "vat_code.created",
            "oss_rate.created", "vat_code.updated", "vat_code.created", "oss_rate.updated",
        ];
        assert_eq!(types, expected);

        for country in ["DK", "NO", "GB"] {
            put(&company, country, "25", "2026-01-01", json!({})).faulty("country", "isIn");
        }
        put(&company, "NL", "0", "2026-01-01", json!({})).faulty("rate", "isPositive");
        let heading = company.api.get("/v1/accounts?accountNumber=6000").is(200)[0]["id"].clone();
        put(&company, "NL", "21", "2026-01-01", json!({ "accountId": heading })).refused(400, "ACCOUNT_TAKES_NO_POSTINGS");
        // The code is the rate's: it has its name only, and no account sells under it.
        let code = format!("/v1/vat-codes/{}", text(&made["vatCodeId"]));
        company.api.patch(&code, &json!({ "vatRate": "23", "validFrom": "2028-01-01" })).refused(400, "VAT_CODE_OF_OSS_RATE");
        company.api.patch(&code, &json!({ "accountToBookId": other })).refused(400, "VAT_CODE_OF_OSS_RATE");
        assert_eq!(company.api.patch(&code, &json!({ "name": "Nederland" })).is(200)["name"], "Nederland");
        let revenue = company.api.get("/v1/accounts?accountNumber=1010").is(200)[0]["id"].clone();
        let place = format!("/v1/accounts/{}", text(&revenue));
        company.api.patch(&place, &json!({ "vatCodeId": made["vatCodeId"] })).refused(400, "VAT_CODE_OF_OSS_RATE");
    }
}

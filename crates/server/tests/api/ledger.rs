//! What the books stand on: the company, accounts, VAT codes, exchange rates, templates, the key.

use serde_json::{Value, json};

use crate::house::{line, text};

on_both_engines! {
    /// The company as set up, changed, and what can't be changed once something is booked.
    fn the_company_is_read_and_changed(house) {
        let company = house.company();
        let now = company.api.get("/v1/company").is(200);
        for (field, value) in [
            ("id", json!(company.id)), ("name", json!("Bikuben ApS")), ("address", json!("Lyngvej 7")), ("postalCode", json!("8600")),
            ("city", json!("Silkeborg")), ("countryCode", json!("DK")), ("vat", json!("DK12345674")), ("preferredLanguage", json!("da")),
            ("currency", json!("DKK")), ("timeZone", json!("Europe/Copenhagen")), ("isVatRegistered", json!(true)),
            ("mode", json!("live")), ("phone", json!(null)), ("lockedThrough", json!(null)),
        ] {
            assert_eq!(now[field], value, "{field}");
        }
        let changes = json!({
            "phone": "+45 86 80 00 00", "contactPersonFirstName": "Bodil", "contactPersonLastName": "Bi", "iban": "DK5000400440116243",
            "preferredLanguage": "en", "billingEmail": "bog@bikuben.example", "fiscalYearStart": 7, "lockedThrough": "2025-06-30",
        });
        let changed = company.api.patch("/v1/company", &changes).is(200);
        for (field, value) in changes.as_object().unwrap() {
            assert_eq!(&changed[field], value, "{field}");
        }
        assert_eq!(changed["name"], now["name"]);
        company.api.patch("/v1/company", &json!({ "iban": "DK5000400440116244" })).faulty("iban", "isIBAN");
        company.api.patch("/v1/company", &json!({ "id": "x" })).faulty("id", "whitelistValidation");
        company.api.patch("/v1/company", &json!({ "currency": "EUR" })).is(200);
        company.api.patch("/v1/company", &json!({ "currency": "DKK" })).is(200);
        let (customer, price) = (company.customer(json!({})), company.price("1"));
        company.invoice(&customer, json!([line(&price, "1")]));
        for change in [json!({ "currency": "EUR" }), json!({ "mode": "test" })] {
            company.api.patch("/v1/company", &change).refused(400, "COMPANY_HAS_BOOKINGS");
        }
        company.api.patch("/v1/company", &json!({ "currency": "DKK", "city": "Gudenå" })).is(200);
    }

    /// The Danish chart at hand, an account of one's own, and what posting does to it.
    fn accounts_are_listed_made_and_changed(house) {
        let company = house.company();
        let all = company.api.get("/v1/accounts").is(200);
        let numbers: Vec<i64> = all.as_array().unwrap().iter().map(|account| account["accountNumber"].as_i64().unwrap()).collect();
        assert!(numbers.is_sorted() && numbers.contains(&1010) && numbers.contains(&5600) && numbers.contains(&6902));
        let code = company.api.get("/v1/vat-codes").is(200)[0]["id"].clone();
        let body = json!({
            "name": "Salg af voks", "accountNumber": 1015, "publicAccountId": 1015, "ledgerType": "PROFIT_AND_LOSS",
            "accountClassification": "REVENUE", "vatCodeId": code,
        });
        let made = company.api.post("/v1/accounts", &body).is(201);
        for (field, value) in body.as_object().unwrap() {
            assert_eq!(&made[field], value, "{field}");
        }
        company.api.post("/v1/accounts", &body).refused(400, "ACCOUNT_NUMBER_ALREADY_EXISTS");
        assert_eq!(company.api.get("/v1/accounts?publicAccountId=1015").is(200)[0]["id"], made["id"]);
        let place = format!("/v1/accounts/{}", text(&made["id"]));
        let changed = company.api.patch(&place, &json!({ "name": "Voks", "accountNumber": 1016 })).is(200);
        assert_eq!((&changed["name"], &changed["accountNumber"]), (&json!("Voks"), &json!(1016)));
        assert_eq!(company.api.get(&place).is(200), changed);
        company.api.patch(&place, &json!({ "accountNumber": 1010 })).refused(400, "ACCOUNT_NUMBER_ALREADY_EXISTS");
    }

    /// A VAT code has a rate for each time; a new one begins after what was booked.
    fn a_vat_code_keeps_its_rates_in_time(house) {
        let company = house.company();
        let output = company.api.get("/v1/accounts?accountNumber=6902").is(200)[0]["id"].clone();
        let body = json!({ "vatCode": "U12", "name": "Reduced", "vatRate": "12", "type": "SALES", "accountToBookId": output });
        let made = company.api.post("/v1/vat-codes", &body).is(201);
        assert_eq!((&made["vatCode"], &made["vatRate"], &made["type"], &made["principle"]), (&json!("U12"), &json!("12"), &json!("SALES"), &json!("Net")));
        assert_eq!(company.api.get(&format!("/v1/vat-codes/{}", text(&made["id"]))).is(200), made);
        company.api.post("/v1/vat-codes", &body).refused(400, "VAT_CODE_ALREADY_EXISTS");
        let codes = company.api.get("/v1/vat-codes").is(200);
        let full = codes.as_array().unwrap().iter().find(|code| code["vatCode"] == "U25").unwrap();
        let place = format!("/v1/vat-codes/{}", text(&full["id"]));
        company.api.patch(&place, &json!({ "vatRate": "26" })).faulty("validFrom", "isNotEmpty");
        company.api.patch(&place, &json!({ "vatRate": "26", "validFrom": "2026-07-01" })).is(200);
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        let vat = |more: Value| {
            let mut body = json!({ "customerId": customer, "lines": [line(&price, "1")] });
            crate::house::merge(&mut body, more);
            company.api.post("/v1/invoices", &body).is(201)["vat"].clone()
        };
        assert_eq!(vat(json!({ "date": "2026-06-30" })), "25.00");
        assert_eq!(vat(json!({ "date": "2026-07-01" })), "26.00");
        // The tax point decides, not the date.
        assert_eq!(vat(json!({ "date": "2026-07-01", "taxPointDate": "2026-06-30" })), "25.00");
        // A draft binds nothing: it is told of another rate when it is sent. What is booked does.
        let body = json!({ "customerId": customer, "date": "2026-07-01", "lines": [line(&price, "1")] });
        let draft = company.api.post("/v1/invoices", &body).is(201);
        company.api.patch(&place, &json!({ "vatRate": "27", "validFrom": "2026-07-01" })).is(200);
        let send = format!("/v1/invoices/{}/send", text(&draft["id"]));
        let manual = json!({ "deliveryType": "Manual" });
        company.api.post(&send, &manual).refused(400, "DOCUMENT_VAT_CHANGED");
        let taken = company.api.patch(&format!("/v1/invoices/{}", text(&draft["id"])), &body).is(200);
        assert_eq!(taken["vat"], "27.00");
        company.api.post(&send, &manual).is(200);
        let details = company.api.patch(&place, &json!({ "vatRate": "28", "validFrom": "2026-05-01" })).refused(400, "VAT_CODE_IN_USE");
        assert_eq!(details["lastUsedOn"], "2026-07-01");
    }

    /// Rates by day: the latest on or before it counts; a rate is put again to correct it.
    fn exchange_rates_are_put_and_listed(house) {
        let company = house.company();
        let put = |currency: &str, date: &str, rate: &str| {
            company.api.send("PUT", "/v1/exchange-rates", &json!({ "currency": currency, "date": date, "rate": rate }))
        };
        for (currency, date, rate) in [("EUR", "2026-03-02", "7.46"), ("EUR", "2026-03-05", "7.47"), ("SEK", "2026-03-02", "0.6789012345")] {
            let made = put(currency, date, rate).is(200);
            assert_eq!((&made["rate"], &made["source"]), (&json!(rate), &json!("manual")));
        }
        put("EUR", "2026-03-05", "7.48").is(200);
        put("DKK", "2026-03-05", "1").refused(400, "CURRENCY_IS_BASE");
        put("EUR", "2026-03-05", "0").faulty("rate", "isPositive");
        put("EUR", "2026-03-05", "7.12345678901").faulty("rate", "isDecimal");
        let rates = |query: &str| -> Vec<String> {
            let list = company.api.get(&format!("/v1/exchange-rates?{query}")).is(200);
            list["data"].as_array().unwrap().iter().map(|rate| text(&rate["rate"]).to_owned()).collect()
        };
        assert_eq!(rates("currency=EUR"), ["7.48", "7.46"]);
        assert_eq!(rates("fromDate=2026-03-03"), ["7.48"]);
        let customer = company.customer(json!({ "currency": "EUR" }));
        let price = company.price_with(json!({}), json!({ "unitAmount": "100", "currency": "EUR" }));
        for (date, base) in [("2026-03-04", "932.50"), ("2026-03-05", "935.00")] {
            let body = json!({ "customerId": customer, "date": date, "lines": [line(&price, "1")] });
            let invoice = company.api.post("/v1/invoices", &body).is(201);
            // 125.00 at 7.46 on the 4th (the 2nd's rate), at 7.48 on the 5th.
            assert_eq!(company.sent("invoices", &invoice)["baseAmount"], base, "{date}");
        }
        company.check_books();
    }

    /// Every kind of document has its template from the start.
    fn there_is_a_template_for_each_kind(house) {
        let company = house.company();
        let list = company.api.get("/v1/document-templates").is(200);
        let kinds: Vec<&str> = list["data"].as_array().unwrap().iter().map(|t| text(&t["documentType"])).collect();
        for kind in ["invoice-template", "credit-note-template", "quote-template", "order-confirmation-template"] {
            assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
            let only = company.api.get(&format!("/v1/document-templates?documentType={kind}")).is(200);
            assert!(only["data"].as_array().unwrap().iter().all(|t| t["documentType"] == kind), "{only}");
        }
    }

    /// What a key says of itself.
    fn a_key_reads_what_it_may_do(house) {
        let company = house.company();
        let (_, api) = company.key(&["--scopes", "invoices-read,customers-read", "--expires", "2030-01-01T00:00:00Z", "--allow", "127.0.0.0/8"]);
        let answer = api.get("/v1/api-key");
        assert_eq!(answer.header("x-api-key-expires-at"), Some("2030-01-01T00:00:00.000Z"));
        let said = answer.is(200);
        assert_eq!(said["expiresAt"], "2030-01-01T00:00:00.000Z");
        assert_eq!((&said["ipWhitelist"], &said["rateLimitTiers"]), (&json!(["127.0.0.0/8"]), &json!([])));
        let mut scopes: Vec<&str> = said["scopes"].as_array().unwrap().iter().map(text).collect();
        scopes.sort_unstable();
        assert_eq!(scopes, ["customers-read", "invoices-read"]);
        let details = api.get("/v1/company").refused(403, "INSUFFICIENT_PERMISSIONS");
        assert_eq!(details["requiredScopes"], json!(["company-read"]));
    }
}

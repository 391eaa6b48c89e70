//! Customers and their groups: every field, the numbers that are checked, and the warnings.

use serde_json::{Value, json};

use crate::house::{Company, text};

fn at(customer: &Value) -> String {
    format!("/v1/customers/{}", text(&customer["id"]))
}

/// The least a customer needs.
fn least(company: &Company) -> Value {
    let groups = company.api.get("/v1/customer-groups").is(200);
    json!({
        "customerType": "business", "name": "Café Lindeblomst", "countryCode": "DK", "vatZone": "domestic",
        "customerGroupId": groups[0]["id"],
    })
}

fn with(company: &Company, changes: Value) -> crate::house::Answer {
    let mut body = least(company);
    crate::house::merge(&mut body, changes);
    company.api.post("/v1/customers", &body)
}

on_both_engines! {
    /// What is left out gets the documented defaults, a number among them.
    fn a_customer_needs_five_fields(house) {
        let company = house.company();
        let made = with(&company, json!({})).is(201);
        for (field, value) in [
            ("customerNumber", json!("1")), ("isActive", json!(true)), ("billingRelationship", json!("self")),
            ("invoicingMode", json!("single_invoice")), ("includeChildDetailsPdf", json!(false)), ("currency", json!("DKK")),
            ("paymentTerms", json!(30)), ("language", json!("da")), ("deliveryType", json!(null)), ("email", json!(null)),
            ("documentTemplateIds", json!([])), ("metadata", json!({})), ("parentCustomerId", json!(null)),
        ] {
            assert_eq!(made[field], value, "{field}");
        }
        assert_eq!(with(&company, json!({})).is(201)["customerNumber"], "2");
        for field in ["customerType", "name", "countryCode", "vatZone", "customerGroupId"] {
            with(&company, json!({ field: null })).faulty(field, "isNotEmpty");
        }
    }

    /// Every field is kept, shown again, changed and cleared.
    fn every_field_is_kept(house) {
        let company = house.company();
        let parent = with(&company, json!({})).is(201);
        let template = company.api.get("/v1/document-templates").is(200)["data"][0]["id"].clone();
        let fields = json!({
            "customerNumber": "K-77", "customerType": "public", "name": "Silkeborg Kommune", "isActive": true,
            "billingRelationship": "parent_pays", "parentCustomerId": parent["id"], "invoicingMode": "per_child",
            "includeChildDetailsPdf": true, "email": "faktura@silkeborg.example", "phone": "+45 89 70 10 00",
            "address": "Søvej 1", "city": "Silkeborg", "postalCode": "8600", "vatNumber": "DK87654370",
            "registrationNumber": "87654370", "website": "https://silkeborg.example", "externalSystemId": "erp-9",
            "eanNumber": "5790000436057", "peppolEndpoint": "0184:87654370", "currency": "EUR", "paymentTerms": 14,
            "language": "en", "deliveryType": "Email", "documentTemplateIds": [template], "metadata": { "segment": "public" },
        });
        let made = with(&company, fields.clone()).is(201);
        assert_eq!(made["warnings"], json!([]));
        let read = company.api.get(&at(&made)).is(200);
        assert!(read.as_object().unwrap().iter().all(|(field, value)| made[field] == *value), "{read}");
        for (field, value) in fields.as_object().unwrap() {
            assert_eq!(&made[field], value, "{field}");
        }
        assert!(made["customerGroupNumber"].is_string() && made["customerGroupName"].is_string());
        let cleared = json!({
            "email": null, "phone": null, "website": null, "eanNumber": null, "deliveryType": null, "metadata": null,
            "documentTemplateIds": null, "currency": null, "paymentTerms": null,
        });
        let changed = company.api.patch(&at(&made), &cleared).is(200);
        for field in ["email", "phone", "website", "eanNumber", "deliveryType"] {
            assert_eq!(changed[field], json!(null), "{field}");
        }
        // What has a default goes back to it.
        assert_eq!((&changed["currency"], &changed["paymentTerms"], &changed["metadata"]), (&json!("DKK"), &json!(30), &json!({})));
        assert_eq!(changed["name"], "Silkeborg Kommune");
        company.api.patch(&at(&made), &json!({ "name": null })).faulty("name", "isNotEmpty");
        assert_eq!(company.api.delete(&at(&made)).status, 405, "a customer is deactivated, never deleted");
    }

    /// VAT, CVR, GLN and country are checked for form and check digit, all at once.
    fn numbers_of_the_world_are_checked(house) {
        let company = house.company();
        for (field, wrong) in [
            ("vatNumber", "DK12345678"), ("vatNumber", "12345674"), ("eanNumber", "5790000436058"), ("registrationNumber", "12345678"),
            ("countryCode", "XX"), ("currency", "XXX"), ("email", "kontor(at)lind.example"), ("parentCustomerId", "7"),
            ("language", "fr"), ("customerType", "club"), ("vatZone", "moon"), ("paymentTerms", "soon"),
        ] {
            let answer = with(&company, json!({ field: wrong }));
            assert_eq!(answer.status, 400, "{field} {wrong}: {}", answer.text());
            let found = crate::house::faults(&answer.json()["details"]);
            assert!(found.iter().any(|(property, _)| property == field), "{field} not in {found:?}");
        }
        let answer = with(&company, json!({ "vatNumber": "DK1", "email": "no", "countryCode": "XX" }));
        assert_eq!(crate::house::faults(&answer.json()["details"]).len(), 3, "every fault at once");
        // The CVR number of a Danish customer is in the VAT number.
        let made = with(&company, json!({ "vatNumber": "DK87654370" })).is(201);
        assert_eq!(made["registrationNumber"], "87654370");
    }

    /// Numbers and ids of other systems are unique, and find their customer.
    fn a_customer_is_found_by_its_numbers(house) {
        let company = house.company();
        let made = with(&company, json!({ "customerNumber": "7", "externalSystemId": "crm-7", "metadata": { "tier": "gold" } })).is(201);
        with(&company, json!({ "customerNumber": "8" })).is(201);
        with(&company, json!({ "customerNumber": "7" })).refused(400, "CUSTOMER_NUMBER_ALREADY_EXISTS");
        with(&company, json!({ "externalSystemId": "crm-7" })).refused(400, "EXTERNAL_SYSTEM_ID_ALREADY_EXISTS");
        // One of its own steps past numbers that are taken.
        with(&company, json!({ "customerNumber": "1" })).is(201);
        assert_eq!(with(&company, json!({})).is(201)["customerNumber"], "2");
        for query in ["customerNumber=7", "externalSystemId=crm-7", "metadata[tier]=gold"] {
            let found = company.api.get(&format!("/v1/customers?{query}")).is(200);
            assert_eq!((found.as_array().unwrap().len(), &found[0]["id"]), (1, &made["id"]), "{query}");
        }
        assert_eq!(company.api.get("/v1/customers?customerNumber=0").is(200), json!([]));
    }

    /// Zone, country and VAT number that contradict each other: saved with a warning, refused in a document.
    fn a_contradicting_zone_is_saved_with_a_warning_and_never_billed(house) {
        let company = house.company();
        let price = company.price("10");
        for (changes, field) in [
            (json!({ "vatZone": "eu" }), "vatZone"),
            (json!({ "vatZone": "abroad", "countryCode": "DE" }), "vatZone"),
            (json!({ "vatZone": "eu", "countryCode": "NO" }), "vatZone"),
        ] {
            let made = with(&company, changes.clone()).is(201);
            assert_eq!(made["warnings"].as_array().unwrap().len(), 1, "{changes}: {made}");
            let body = json!({ "customerId": made["id"], "lines": [crate::house::line(&price, "1")] });
            let details = company.api.post("/v1/invoices", &body).refused(400, "VAT_ZONE_CONFLICT");
            assert_eq!(details["property"], format!("customer.{field}"), "{changes}");
        }
        let made = with(&company, json!({ "vatZone": "eu", "countryCode": "SE" })).is(201);
        let body = json!({ "customerId": made["id"], "lines": [crate::house::line(&price, "1")] });
        company.api.post("/v1/invoices", &body).refused(400, "CUSTOMER_VAT_NUMBER_REQUIRED");
    }

    /// A group names the receivables account its customers are posted on.
    fn a_group_posts_on_its_own_receivables_account(house) {
        let company = house.company();
        let account = json!({
            "name": "Debitorer, udland", "accountNumber": 5610, "ledgerType": "BALANCE_SHEET", "accountClassification": "ASSET",
            "controlAccountType": "ACCOUNTS_RECEIVABLE",
        });
        let account = company.api.post("/v1/accounts", &account).is(201);
        let group = json!({ "name": "Abroad", "accountId": account["id"], "discount": "5", "metadata": { "a": "b" } });
        let group = company.api.post("/v1/customer-groups", &group).is(201);
        assert_eq!((&group["accountNumber"], &group["accountName"], &group["discount"]), (&json!(5610), &json!("Debitorer, udland"), &json!("5")));
        assert_eq!(company.api.get(&format!("/v1/customer-groups/{}", text(&group["id"]))).is(200), group);
        let bank = company.api.get("/v1/accounts?accountNumber=5820").is(200)[0]["id"].clone();
        let refused = company.api.post("/v1/customer-groups", &json!({ "name": "Bank", "accountId": bank }));
        assert_eq!(refused.status, 400, "no receivables account: {}", refused.text());
        let customer = company.customer(json!({ "customerGroupId": group["id"] }));
        let price = company.price("100");
        company.invoice(&customer, json!([crate::house::line(&price, "1")]));
        // 100.00 less 5 % and VAT.
        let balances = company.balances();
        assert!(balances.iter().any(|row| row[0] == "5610" && row[2] == "11875"), "{balances:?}");
        company.check_books();
    }
}

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
            ("language", "fr"), ("customerType", "club"), ("vatZone", "moon"), ("paymentTerms", "soon"), ("peppolEndpoint", "87654370"),
            ("billingRelationship", "aunt_pays"), ("invoicingMode", "never"), ("deliveryType", "Pigeon"), ("documentTemplateIds", "7"),
            ("website", ""), ("customerNumber", ""), ("metadata", "gold"), ("isActive", "maybe"), ("includeChildDetailsPdf", "no"),
        ] {
            let answer = with(&company, json!({ field: wrong }));
            assert_eq!(answer.status, 400, "{field} {wrong}: {}", answer.text());
            let found = crate::house::faults(&answer.json()["details"]);
            assert!(found.iter().any(|(property, _)| property == field), "{field} not in {found:?}");
        }
        let answer = with(&company, json!({ "vatNumber": "DK1", "email": "no", "countryCode": "XX" }));
        assert_eq!(crate::house::faults(&answer.json()["details"]).len(), 3, "every fault at once");
        // The CVR number of a Danish customer is in the VAT number, and follows it until it is said itself.
        let made = with(&company, json!({ "vatNumber": "DK87654370" })).is(201);
        assert_eq!(made["registrationNumber"], "87654370");
        let number = |change: Value| company.api.patch(&at(&made), &change).is(200)["registrationNumber"].clone();
        assert_eq!(number(json!({ "vatNumber": "DK12345674" })), "12345674");
        assert_eq!(number(json!({ "registrationNumber": "19552101" })), "19552101");
        assert_eq!(number(json!({ "vatNumber": null })), "19552101");
        assert_eq!(number(json!({ "registrationNumber": null })), json!(null));
        // Elsewhere there is no such rule for the number.
        let foreign = json!({ "countryCode": "SE", "vatZone": "eu", "vatNumber": "SE556188840401", "registrationNumber": "556188-8404" });
        assert_eq!(with(&company, foreign).is(201)["registrationNumber"], "556188-8404");
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

    /// A change meets what others have, and not what it has itself.
    fn a_change_takes_no_number_of_anothers(house) {
        let company = house.company();
        let first = with(&company, json!({ "customerNumber": "7", "externalSystemId": "crm-7" })).is(201);
        let second = with(&company, json!({ "customerNumber": "8" })).is(201);
        let patch = |change: Value| company.api.patch(&at(&second), &change);
        let details = patch(json!({ "customerNumber": "7" })).refused(400, "CUSTOMER_NUMBER_ALREADY_EXISTS");
        assert_eq!(details["property"], "customerNumber");
        let details = patch(json!({ "externalSystemId": "crm-7" })).refused(400, "EXTERNAL_SYSTEM_ID_ALREADY_EXISTS");
        assert_eq!(details["property"], "externalSystemId");
        assert_eq!(company.api.get(&at(&second)).is(200)["customerNumber"], "8");
        let same = json!({ "customerNumber": "7", "externalSystemId": "crm-7" });
        assert_eq!(company.api.patch(&at(&first), &same).is(200)["updatedAt"], first["updatedAt"], "nothing changed");
        // What one gives up another may take.
        company.api.patch(&at(&first), &json!({ "customerNumber": "9", "externalSystemId": null })).is(200);
        patch(json!({ "customerNumber": "7", "externalSystemId": "crm-7" })).is(200);
        let foreign = "0190a1b2-0000-7000-8000-000000000001";
        for (field, code) in [("customerGroupId", "CUSTOMER_GROUP_NOT_FOUND"), ("parentCustomerId", "CUSTOMER_NOT_FOUND")] {
            assert_eq!(patch(json!({ field: foreign })).refused(404, code)["property"], field);
        }
        let details = patch(json!({ "documentTemplateIds": [foreign] })).refused(404, "TEMPLATE_NOT_FOUND");
        assert_eq!(details["property"], "documentTemplateIds.0");
    }

    /// A parent is a customer of the company, and nobody stands above themselves.
    fn nobody_is_their_own_parent(house) {
        let company = house.company();
        let made = |parent: &Value| with(&company, json!({ "parentCustomerId": parent })).is(201);
        let top = with(&company, json!({})).is(201);
        let middle = made(&top["id"]);
        let low = made(&middle["id"]);
        for (customer, parent) in [(&top, &top), (&top, &middle), (&top, &low), (&middle, &low)] {
            let details = company.api.patch(&at(customer), &json!({ "parentCustomerId": parent["id"] })).refused(400, "CUSTOMER_PARENT_CYCLE");
            assert_eq!(details["property"], "parentCustomerId");
        }
        company.api.patch(&at(&low), &json!({ "parentCustomerId": top["id"] })).is(200);
        let theirs = house.company().customer(json!({}));
        with(&company, json!({ "parentCustomerId": theirs })).refused(404, "CUSTOMER_NOT_FOUND");
        // Where the parent pays there is one.
        with(&company, json!({ "billingRelationship": "parent_pays" })).faulty("parentCustomerId", "isNotEmpty");
        company.api.patch(&at(&top), &json!({ "billingRelationship": "parent_pays" })).faulty("parentCustomerId", "isNotEmpty");
        company.api.patch(&at(&low), &json!({ "billingRelationship": "parent_pays" })).is(200);
        company.api.patch(&at(&low), &json!({ "parentCustomerId": null })).faulty("parentCustomerId", "isNotEmpty");
        let freed = company.api.patch(&at(&low), &json!({ "parentCustomerId": null, "billingRelationship": "self" })).is(200);
        assert_eq!(freed["parentCustomerId"], json!(null));
    }

    /// All of them as a plain array; a page where one is asked for. A limit alone would leave some out without a word.
    fn a_list_of_customers_is_whole_or_a_page(house) {
        let company = house.company();
        for number in ["10", "9", "A"] {
            with(&company, json!({ "customerNumber": number })).is(201);
        }
        let numbers = |list: &Value| list.as_array().unwrap().iter().map(|one| text(&one["customerNumber"]).to_owned()).collect::<Vec<_>>();
        assert_eq!(numbers(&company.api.get("/v1/customers").is(200)), ["9", "A", "10"], "by length, then text");
        company.api.get("/v1/customers?limit=2").faulty("limit", "isEmpty");
        company.api.get("/v1/customers?limit=2&customerNumber=9").faulty("limit", "isEmpty");
        let page = company.api.get("/v1/customers?page=1&limit=2").is(200);
        assert_eq!((numbers(&page["data"]), &page["total"], &page["totalPages"]), (vec!["9".to_owned(), "A".to_owned()], &json!(3), &json!(2)));
        let begun = company.api.get("/v1/customers?cursor=&limit=2").is(200);
        let rest = company.api.get(&format!("/v1/customers?limit=2&cursor={}", text(&begun["nextCursor"]))).is(200);
        assert_eq!((numbers(&rest["data"]), &rest["total"]), (vec!["10".to_owned()], &json!(null)));
        assert_eq!(company.api.get("/v1/customers?page=1").is(200)["limit"], 25);
    }

    /// Whoever is closed is sold nothing and offered nothing, and is credited all the same.
    fn an_inactive_customer_takes_credit_only(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        let invoice = company.invoice(&customer, json!([crate::house::line(&price, "1")]));
        company.api.patch(&format!("/v1/customers/{}", text(&customer)), &json!({ "isActive": false })).is(200);
        let body = json!({ "customerId": customer, "lines": [crate::house::line(&price, "1")] });
        for path in ["invoices", "quotes", "order-confirmations"] {
            company.api.post(&format!("/v1/{path}"), &body).refused(400, "CUSTOMER_INACTIVE");
        }
        company.credit(&customer, Some(&invoice), body["lines"].clone(), json!({})).is(201);
        company.credit(&customer, None, body["lines"].clone(), json!({})).is(201);
    }

    /// Each field of a group, changed and cleared; its number is its own.
    fn a_group_is_made_and_changed(house) {
        let company = house.company();
        let first = company.api.get("/v1/customer-groups").is(200)[0].clone();
        let body = json!({ "number": "20", "name": "Resellers", "discount": "12.5", "accountId": first["accountId"], "metadata": { "a": "b" } });
        let made = company.api.post("/v1/customer-groups", &body).is(201);
        for (field, value) in body.as_object().unwrap() {
            assert_eq!(&made[field], value, "{field}");
        }
        let details = company.api.post("/v1/customer-groups", &body).refused(400, "CUSTOMER_GROUP_NUMBER_ALREADY_EXISTS");
        assert_eq!(details["property"], "number");
        for field in ["name", "accountId"] {
            let mut without = body.clone();
            without.as_object_mut().unwrap().remove(field);
            company.api.post("/v1/customer-groups", &without).faulty(field, "isNotEmpty");
        }
        let unnamed = company.api.post("/v1/customer-groups", &json!({ "name": "Others", "accountId": first["accountId"] })).is(201);
        assert_eq!((&unnamed["number"], &unnamed["discount"]), (&json!("2"), &json!(null)), "the first number that is free");
        let place = format!("/v1/customer-groups/{}", text(&made["id"]));
        let patch = |change: Value| company.api.patch(&place, &change);
        patch(json!({ "number": "2" })).refused(400, "CUSTOMER_GROUP_NUMBER_ALREADY_EXISTS");
        patch(json!({ "discount": "100.5" })).faulty("discount", "max");
        patch(json!({ "name": null })).faulty("name", "isNotEmpty");
        let bank = company.api.get("/v1/accounts?accountNumber=5820").is(200)[0]["id"].clone();
        assert_eq!(patch(json!({ "accountId": bank })).refused(400, "ACCOUNT_NOT_RECEIVABLE")["property"], "accountId");
        let foreign = "0190a1b2-0000-7000-8000-000000000001";
        assert_eq!(patch(json!({ "accountId": foreign })).refused(404, "ACCOUNT_NOT_FOUND")["property"], "accountId");
        assert_eq!(patch(json!({})).is(200), made);
        let changed = patch(json!({ "number": "3", "name": "Dealers", "discount": null, "metadata": null })).is(200);
        let told = ["number", "name", "discount", "metadata", "accountNumber"].map(|field| changed[field].clone());
        assert_eq!(told, [json!("3"), json!("Dealers"), json!(null), json!({}), json!(5600)]);
        let numbers: Vec<Value> = company.api.get("/v1/customer-groups").is(200).as_array().unwrap().iter().map(|group| group["number"].clone()).collect();
        assert_eq!(numbers, ["1", "2", "3"]);
        // Its customers tell of it what is true now.
        let customer = company.customer(json!({ "customerGroupId": made["id"] }));
        patch(json!({ "name": "Shops" })).is(200);
        let told = company.api.get(&format!("/v1/customers/{}", text(&customer))).is(200);
        assert_eq!((&told["customerGroupNumber"], &told["customerGroupName"]), (&json!("3"), &json!("Shops")));
        with(&company, json!({ "customerGroupId": foreign })).refused(404, "CUSTOMER_GROUP_NOT_FOUND");
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

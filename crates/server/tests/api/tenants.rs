//! Whose key it is and what it may do: other companies, scopes, ended keys, addresses.

use serde_json::{Value, json};

use crate::house::{Api, line, text};

on_both_engines! {
    /// Another company's documents are not there, whatever is done with their id.
    fn another_companys_ids_are_404_on_every_route(house) {
        let (mine, theirs) = (house.company(), house.company());
        let (customer, price) = (theirs.customer(json!({})), theirs.price("300"));
        let invoice = theirs.invoice(&customer, json!([line(&price, "1")]));
        let draft = theirs.draft(&customer, json!([line(&price, "1")]));
        let note = theirs.credit(&customer, Some(&invoice), json!([line(&price, "1")]), json!({})).is(201);
        theirs.settle();
        let before = house.books.state(&theirs.id);
        let product = theirs.api.get(&format!("/v1/product-prices/{}", text(&price))).is(200)["productId"].clone();
        let first = |path: &str| {
            let list = theirs.api.get(path).is(200);
            list.get(0).or_else(|| list["data"].get(0)).unwrap()["id"].clone()
        };
        let contract = mine.api.get("/openapi.json").is(200);
        let mut count = 0;
        for (path, operations) in contract["paths"].as_object().unwrap() {
            if !path.contains("{id}") {
                continue;
            }
            let id = match path.split('/').nth(2).unwrap() {
                "invoices" if path.ends_with("/{id}") => draft["id"].clone(),
                "invoices" => invoice["id"].clone(),
                "credit-notes" => note["id"].clone(),
                "customers" => customer.clone(),
                "customer-groups" => first("/v1/customer-groups"),
                "products" => product.clone(),
                "product-groups" => first("/v1/product-groups"),
                "product-prices" => price.clone(),
                "accounts" => first("/v1/accounts"),
                "vat-codes" => first("/v1/vat-codes"),
                other => panic!("{other} is not known to this test"),
            };
            let place = path.replace("{id}", text(&id));
            for method in operations.as_object().unwrap().keys() {
                let body = match (method.as_str(), path.as_str()) {
                    ("patch", "/v1/invoices/{id}") => json!({ "customerId": customer, "lines": [line(&price, "1")] }),
                    _ => json!({}),
                };
                let answer = mine.api.send(&method.to_uppercase(), &place, &body);
                assert_eq!(answer.status, 404, "{method} {place}: {}", answer.text());
                assert!(!answer.text().contains("Lindeblomst"), "{method} {place}: {}", answer.text());
                count += 1;
            }
        }
        assert!(count >= 25, "{count} routes have an id");
        assert_eq!(house.books.state(&theirs.id), before);
        // Nor are they in lists, nor can their numbers be named.
        for path in ["/v1/invoices", "/v1/credit-notes", "/v1/products"] {
            assert_eq!(mine.api.get(path).is(200)["total"], 0);
        }
        assert_eq!(mine.api.get("/v1/customers").is(200), json!([]));
        let (customer, price) = (mine.customer(json!({})), mine.price("300"));
        mine.credit(&customer, Some(&invoice), json!([line(&price, "1")]), json!({})).refused(404, "INVOICE_NOT_FOUND");
    }

    /// Each route asks for its scope, and for no other.
    fn each_route_is_open_to_its_scope_only(house) {
        let company = house.company();
        let contract = company.api.get("/openapi.json").is(200);
        let mut count = 0;
        for (path, operations) in contract["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let Some(scope) = operation["x-scope"].as_str() else {
                    assert_eq!(path, "/v1/api-key", "every other route has a scope");
                    continue;
                };
                count += 1;
                // All scopes but this one; keys are made once a scope.
                let place = path.replace("{id}", "0190a1b2-0000-7000-8000-000000000001");
                let answer = without(&company, scope).send(&method.to_uppercase(), &place, &json!({}));
                let details = answer.refused(403, "INSUFFICIENT_PERMISSIONS");
                assert_eq!(details, json!({ "requiredScopes": [scope] }), "{method} {path}");
            }
        }
        assert!(count > 45, "{count} routes have a scope");
    }

    /// No key, a wrong one, two, a bearer, a revoked and an expired one.
    fn a_credential_that_is_not_good_is_401(house) {
        let company = house.company();
        let anonymous = Api::new(&house.server.root, "");
        let before = house.books.state(&company.id);
        let details = anonymous.get("/v1/company").refused(401, "UNAUTHORIZED");
        assert_eq!(details, json!({}));
        let body = anonymous.get("/v1/company").json();
        assert_eq!(body["message"], "Invalid API key");
        let bearer = format!("Bearer {}", company.api.key);
        anonymous.raw("GET", "/v1/company", &[("authorization", &bearer)], b"").refused(401, "UNAUTHORIZED");
        for key in ["x", "lb_live_", "lb_live_0000000000000000000000000000000000000000000", "' or 1=1 --"] {
            Api::new(&house.server.root, key).get("/v1/company").refused(401, "UNAUTHORIZED");
        }
        // The key works in the query too; two different ones do not.
        let key = &company.api.key;
        anonymous.get(&format!("/v1/company?x-api-key={key}")).is(200);
        company.api.get("/v1/company?x-api-key=other").refused(401, "UNAUTHORIZED");

        let (id, revoked) = company.key(&["--scopes", "all"]);
        revoked.get("/v1/company").is(200);
        house.command(&["key", "revoke", "--company", &company.id, &id]);
        revoked.get("/v1/company").refused(401, "UNAUTHORIZED");
        let (_, expired) = company.key(&["--scopes", "all", "--expires", "2020-01-01T00:00:00Z"]);
        expired.get("/v1/company").refused(401, "UNAUTHORIZED");
        let (_, expiring) = company.key(&["--scopes", "all", "--expires", "2099-01-01T00:00:00Z"]);
        let answer = expiring.get("/v1/api-key");
        assert_eq!(answer.header("x-api-key-expires-at"), Some("2099-01-01T00:00:00.000Z"));
        assert_eq!(answer.is(200)["expiresAt"], "2099-01-01T00:00:00.000Z");
        company.customer(json!({}));
        for dead in [&revoked, &expired] {
            dead.post("/v1/credit-notes", &json!({})).refused(401, "UNAUTHORIZED");
        }
        assert_eq!(house.books.state(&company.id)[0], before[0]);
    }

    /// A key with an allowlist opens from there only.
    fn a_key_is_held_to_its_addresses(house) {
        let company = house.company();
        let (_, elsewhere) = company.key(&["--scopes", "all", "--allow", "203.0.113.0/24"]);
        let details = elsewhere.get("/v1/company").refused(401, "UNAUTHORIZED");
        assert_eq!(details, json!({ "reason": "ip_whitelist_mismatch" }));
        // A forwarded address is not believed: nobody said that the peer is a proxy.
        elsewhere.raw("GET", "/v1/company", &[("x-forwarded-for", "203.0.113.7")], b"").refused(401, "UNAUTHORIZED");
        let (_, here) = company.key(&["--scopes", "company-read", "--allow", "127.0.0.0/8", "--allow", "::1"]);
        here.get("/v1/company").is(200);
        let key = here.get("/v1/api-key").is(200);
        assert_eq!((&key["ipWhitelist"], &key["scopes"]), (&json!(["127.0.0.0/8", "::1"]), &json!(["company-read"])));
    }
}

/// A key that may do all but this.
fn without(company: &crate::house::Company, scope: &str) -> Api {
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    static KEYS: Mutex<BTreeMap<(String, String), String>> = Mutex::new(BTreeMap::new());
    let mut keys = KEYS.lock().unwrap();
    let key = keys.entry((company.id.clone(), scope.to_owned())).or_insert_with(|| {
        let all = company.api.get("/v1/api-key").is(200)["scopes"].clone();
        let others: Vec<&str> =
            all.as_array().unwrap().iter().filter_map(Value::as_str).filter(|own| *own != scope).collect();
        company.key(&["--scopes", &others.join(",")]).1.key
    });
    Api::new(&company.house.server.root, key)
}

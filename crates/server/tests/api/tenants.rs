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
        let settled = Settled::of(&theirs, &invoice);
        let body = json!({ "customerId": customer, "lines": [line(&price, "1")] });
        let offers = ["quotes", "order-confirmations"].map(|path| theirs.api.post(&format!("/v1/{path}"), &body).is(201));
        let sent = ["quotes", "order-confirmations"].map(|path| {
            let draft = theirs.api.post(&format!("/v1/{path}"), &body).is(201);
            theirs.sent(path, &draft)
        });
        let hooks = json!({ "url": "https://hooks.invalid/", "topics": ["subscription.churned"] });
        let endpoint = theirs.api.post("/v1/webhook-endpoints", &hooks).is(201);
        theirs.settle();
        let before = house.books.whole(&theirs.id);
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
                "quotes" if path.ends_with("/{id}") => offers[0]["id"].clone(),
                "quotes" => sent[0]["id"].clone(),
                "order-confirmations" if path.ends_with("/{id}") => offers[1]["id"].clone(),
                "order-confirmations" => sent[1]["id"].clone(),
                "open-items" => settled.open_item.clone(),
                "customers" => customer.clone(),
                "customer-groups" => first("/v1/customer-groups"),
                "products" => product.clone(),
                "product-groups" => first("/v1/product-groups"),
                "product-prices" => price.clone(),
                "accounts" => first("/v1/accounts"),
                "number-series" => first("/v1/number-series"),
                "webhook-endpoints" => endpoint["id"].clone(),
                "vat-codes" => first("/v1/vat-codes"),
                "document-templates" => first("/v1/document-templates"),
                other => panic!("{other} is not known to this test"),
            };
            let place = settled.below(&path.replace("{id}", text(&id)));
            assert!(!place.contains('{'), "{place}: its second id is not known to this test");
            for method in operations.as_object().unwrap().keys() {
                let body = match (method.as_str(), path.as_str()) {
                    ("patch", "/v1/invoices/{id}" | "/v1/credit-notes/{id}" | "/v1/quotes/{id}" | "/v1/order-confirmations/{id}") => json!({ "customerId": customer, "lines": [line(&price, "1")] }),
                    ("put", "/v1/invoices/{id}/dunning") => json!({ "paused": true }),
                    ("put", _) => json!({ "name": "Mine", "documentType": "invoice-template" }),
                    ("post", path) if path.ends_with("/convert") => json!({ "target": "invoice" }),
                    (_, "/v1/credit-notes/{id}/void") => json!({ "reason": "Not mine" }),
                    ("post", path) => settled.body(path, &invoice),
                    _ => json!({}),
                };
                let answer = mine.api.send(&method.to_uppercase(), &place, &body);
                assert_eq!(answer.status, 404, "{method} {place}: {}", answer.text());
                assert!(!answer.text().contains("Lindeblomst"), "{method} {place}: {}", answer.text());
                count += 1;
            }
        }
        assert!(count >= 25, "{count} routes have an id");
        assert!(house.books.whole(&theirs.id) == before, "something was written");
        // Nor are they in lists, nor can their numbers be named.
        for path in ["/v1/invoices", "/v1/credit-notes", "/v1/quotes", "/v1/order-confirmations", "/v1/products"] {
            assert_eq!(mine.api.get(path).is(200)["total"], 0);
        }
        assert_eq!(mine.api.get("/v1/customers").is(200), json!([]));
        let (customer, price) = (mine.customer(json!({})), mine.price("300"));
        mine.credit(&customer, Some(&invoice), json!([line(&price, "1")]), json!({})).refused(404, "INVOICE_NOT_FOUND");
    }

    /// Another company's ids are not there either where a body or a query names them: each field of each
    /// route that takes an id, as the contract has them.
    fn another_companys_ids_in_a_body_name_nothing(house) {
        let (mine, theirs) = (house.company(), house.company());
        let (mine_has, theirs_has) = (Things::of(&mine), Things::of(&theirs));
        let contract = mine.api.get("/openapi.json").is(200);
        let before = [house.books.whole(&mine.id), house.books.whole(&theirs.id)];
        let (mut count, mut wrong) = (0, Vec::new());
        for (path, operations) in contract["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    if path.contains('{') || parameter["in"] != "query" || id_fields(&contract, &parameter["schema"]).is_empty() {
                        continue;
                    }
                    let name = text(&parameter["name"]);
                    let list = mine.api.get(&format!("{path}?{name}={}", text(&theirs_has.id(name)))).is(200);
                    assert_eq!(list.get("data").unwrap_or(&list), &json!([]), "{path} by {name}");
                    count += 1;
                }
                let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema") else { continue };
                for field in id_fields(&contract, schema) {
                    let (place, mut body) = mine_has.request(method, path);
                    let foreign = theirs_has.id(field.last().unwrap());
                    set(&mut body, &field, &foreign);
                    let answer = mine.api.send(&method.to_uppercase(), &place, &body);
                    let (asked, said) = (answer.asked.clone(), answer.text());
                    assert!([400, 404].contains(&answer.status), "{asked}: {} {said}", answer.status);
                    let code = text(&answer.json()["code"]).to_owned();
                    if !code.ends_with("NOT_FOUND") {
                        wrong.push(format!("{field:?} of {asked}: {said}"));
                    }
                    assert!(!said.contains("Lindeblomst"), "{asked}: {said}");
                    count += 1;
                }
            }
        }
        assert!(wrong.is_empty(), "not said to be missing: {wrong:#?}");
        assert!(count >= 30, "{count} fields name an id");
        assert!([house.books.whole(&mine.id), house.books.whole(&theirs.id)] == before, "something was written");
    }

    /// Each route asks for its scope, and for no other.
    fn each_route_is_open_to_its_scope_only(house) {
        let company = house.company();
        let contract = company.api.get("/openapi.json").is(200);
        let mut guarded = Vec::new();
        for (path, operations) in contract["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap().iter().filter(|(name, _)| *name != "servers") {
                let Some(scope) = operation["x-scope"].as_str() else {
                    let is_open = path == "/v1/api-key" || !path.starts_with("/v1/");
                    assert!(is_open, "{path}: every route of the API but that of the key has a scope");
                    continue;
                };
                // All scopes but this one; keys are made once a scope.
                guarded.push((method.to_uppercase(), path, scope, without(&company, scope)));
            }
        }
        let before = house.books.whole(&company.id);
        for (method, path, scope, key) in &guarded {
            let parts = path.split('/');
            let some = "0190a1b2-0000-7000-8000-000000000001";
            let place: Vec<&str> = parts.map(|part| if part.starts_with('{') { some } else { part }).collect();
            let place = place.join("/");
            let details = key.send(method, &place, &json!({})).refused(403, "INSUFFICIENT_PERMISSIONS");
            assert_eq!(details, json!({ "requiredScopes": [scope] }), "{method} {path}");
        }
        assert!(house.books.whole(&company.id) == before, "something was written");
        assert!(guarded.len() > 45, "{} routes have a scope", guarded.len());
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

/// What settles an invoice, to be named below it.
struct Settled {
    payment: Value,
    open_item: Value,
}

impl Settled {
    /// An invoice paid too much: a payment and the open item of the credit.
    fn of(company: &crate::house::Company, invoice: &Value) -> Settled {
        let place = format!("/v1/invoices/{}/payments", text(&invoice["id"]));
        let payment = company.api.post(&place, &json!({ "amount": "1000", "date": "2026-06-10" })).is(201);
        Settled { open_item: payment["openItemId"].clone(), payment: payment["id"].clone() }
    }

    /// A path with its second id filled in: the payment's, which is no other thing's either.
    fn below(&self, path: &str) -> String {
        let parts = path.split('/');
        let parts: Vec<&str> =
            parts.map(|part| if part.starts_with('{') { text(&self.payment) } else { part }).collect();
        parts.join("/")
    }

    /// A good body of a route that settles.
    fn body(&self, path: &str, invoice: &Value) -> Value {
        match path.rsplit('/').next().unwrap() {
            "payments" => json!({ "amount": "1", "date": "2026-06-10" }),
            "refunds" => json!({ "amount": "1", "date": "2026-06-10", "reference": "4711" }),
            "allocations" => json!({ "invoiceId": invoice["id"] }),
            "replay" => json!({ "afterSequence": 0 }),
            "write-off" => json!({ "date": "2026-06-10", "reason": "Bankruptcy" }),
            "contacts" | "departments" => json!({ "name": "Mine" }),
            _ => json!({}),
        }
    }
}

/// One of everything that can be named by its id.
struct Things {
    customer: Value,
    contact: Value,
    department: Value,
    price: Value,
    product: Value,
    invoice: Value,
    draft: Value,
    note: Value,
    booked_note: Value,
    open_item: Value,
    quotes: [Value; 2],
    confirmations: [Value; 2],
    account: Value,
    vat_code: Value,
    template: Value,
    customer_group: Value,
    product_group: Value,
}

impl Things {
    fn of(company: &crate::house::Company) -> Things {
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let invoice = company.invoice(&customer, json!([line(&price, "1")]));
        let draft = company.draft(&customer, json!([line(&price, "1")]))["id"].clone();
        let note = company.credit(&customer, Some(&invoice), json!([line(&price, "0.5")]), json!({})).is(201);
        let booked_note = company.credit(&customer, None, json!([line(&price, "0.5")]), json!({})).is(201);
        let booked_note = company.sent("credit-notes", &booked_note);
        let product = company.api.get(&format!("/v1/product-prices/{}", text(&price))).is(200)["productId"].clone();
        let first = |path: &str| {
            let list = company.api.get(path).is(200);
            list.get(0).or_else(|| list["data"].get(0)).unwrap_or_else(|| panic!("{path} has one"))["id"].clone()
        };
        let accounts = company.api.get("/v1/accounts").is(200);
        let accounts = accounts.get("data").unwrap_or(&accounts);
        let person = |what: &str| {
            let place = format!("/v1/customers/{}/{what}", text(&customer));
            company.api.post(&place, &json!({ "name": "Mette Holm" })).is(201)["id"].clone()
        };
        let (contact, department) = (person("contacts"), person("departments"));
        let body = json!({ "customerId": customer, "lines": [line(&price, "1")] });
        // A draft, and one that is sent.
        let offers = |path: &str| {
            let [draft, other] = [0, 1].map(|_| company.api.post(&format!("/v1/{path}"), &body).is(201));
            [draft["id"].clone(), company.sent(path, &other)["id"].clone()]
        };
        let (quotes, confirmations) = (offers("quotes"), offers("order-confirmations"));
        company.settle();
        Things {
            contact,
            department,
            quotes,
            confirmations,
            // One that may carry a VAT code: no heading.
            account: accounts
                .as_array()
                .and_then(|all| all.iter().find(|account| account["ledgerType"] == "PROFIT_AND_LOSS"))
                .unwrap()["id"]
                .clone(),
            vat_code: first("/v1/vat-codes"),
            template: first("/v1/document-templates?documentType=invoice-template"),
            customer_group: first("/v1/customer-groups"),
            product_group: first("/v1/product-groups"),
            note: note["id"].clone(),
            booked_note: booked_note["id"].clone(),
            open_item: Settled::of(company, &invoice).open_item,
            customer,
            price,
            product,
            invoice,
            draft,
        }
    }

    /// What a field of this name takes. A tag's id never is that of a customer.
    fn id(&self, field: &str) -> Value {
        match field {
            "customerId" | "parentCustomerId" | "tagIds" => &self.customer,
            "customerContactId" => &self.contact,
            "customerDepartmentId" => &self.department,
            "priceId" => &self.price,
            "productId" => &self.product,
            "openItemId" => &self.open_item,
            "invoiceId" | "documentId" => &self.invoice["id"],
            "invoiceLineId" => &self.invoice["lines"][0]["id"],
            "documentTemplateId" | "documentTemplateIds" => &self.template,
            "customerGroupId" => &self.customer_group,
            "productGroupId" => &self.product_group,
            "vatCodeId" => &self.vat_code,
            name if name.ends_with("ccountId") || name.ends_with("ccountToBookId") => &self.account,
            other => panic!("{other} is not known to this test"),
        }
        .clone()
    }

    /// A good request of a route that takes ids: its path and body.
    fn request(&self, method: &str, path: &str) -> (String, Value) {
        let lines = json!([{ "priceId": self.price, "quantity": "0.1" }]);
        let (id, body) = match path.strip_prefix("/v1/").unwrap() {
            "accounts" => {
                (&Value::Null, json!({ "accountNumber": 9_871, "name": "Other", "ledgerType": "PROFIT_AND_LOSS" }))
            }
            "accounts/{id}" => (&self.account, json!({})),
            "vat-codes" => {
                (&Value::Null, json!({ "vatCode": "X9", "name": "Other", "type": "SALES", "vatRate": "10" }))
            }
            "vat-codes/{id}" => (&self.vat_code, json!({})),
            "oss-rates" => (&Value::Null, json!({ "country": "NL", "rate": "21", "validFrom": "2026-01-01" })),
            "customer-groups" => (&Value::Null, json!({ "number": "77", "name": "Other", "accountId": self.account })),
            "customer-groups/{id}" => (&self.customer_group, json!({})),
            "customers" => {
                let group = &self.customer_group;
                (
                    &Value::Null,
                    json!({ "customerType": "business", "name": "Other", "countryCode": "DK", "vatZone": "domestic", "customerGroupId": group }),
                )
            }
            "customers/{id}" => (&self.customer, json!({})),
            "products" => {
                (&Value::Null, json!({ "number": "X-1", "name": "Other", "productGroupId": self.product_group }))
            }
            "products/{id}" => (&self.product, json!({})),
            "product-groups" => {
                let own = &self.account;
                (
                    &Value::Null,
                    json!({ "number": "77", "name": "Other", "domesticAccountId": own, "euAccountId": own, "abroadAccountId": own, "domesticWithoutVatAccountId": own }),
                )
            }
            "product-groups/{id}" => (&self.product_group, json!({})),
            "product-prices" => {
                let product = &self.product;
                (
                    &Value::Null,
                    json!({ "productId": product, "billingPeriodType": "ONE_TIME", "pricingModel": "FLAT_RATE", "unitAmount": "1" }),
                )
            }
            "invoices" => (&Value::Null, json!({ "customerId": self.customer, "lines": lines })),
            "invoices/{id}" => (&self.draft, json!({ "customerId": self.customer, "lines": lines })),
            "invoices/{id}/send" => (&self.draft, json!({ "deliveryType": "Manual" })),
            "credit-notes" => {
                let number = &self.invoice["number"];
                (&Value::Null, json!({ "customerId": self.customer, "invoiceNumber": number, "lines": lines }))
            }
            "invoices/{id}/credit" => {
                let line = &self.invoice["lines"][0]["id"];
                (&self.invoice["id"], json!({ "lines": [{ "invoiceLineId": line, "quantity": "0.1" }] }))
            }
            "credit-notes/{id}" => (&self.note, json!({ "customerId": self.customer, "lines": lines })),
            "credit-notes/{id}/allocations" => (&self.booked_note, json!({ "invoiceId": self.invoice["id"] })),
            "document-templates/{id}/preview" => (&self.template, json!({})),
            "open-items/{id}/allocations" => (&self.open_item, json!({ "invoiceId": self.invoice["id"] })),
            "credit-notes/{id}/send" => (&self.note, json!({ "deliveryType": "Manual" })),
            "quotes" | "order-confirmations" => (&Value::Null, json!({ "customerId": self.customer, "lines": lines })),
            "quotes/{id}" => (&self.quotes[0], json!({ "customerId": self.customer, "lines": lines })),
            "quotes/{id}/send" => (&self.quotes[0], json!({ "deliveryType": "Manual" })),
            "quotes/{id}/convert" => (&self.quotes[1], json!({ "target": "orderConfirmation", "document": {} })),
            "order-confirmations/{id}" => {
                (&self.confirmations[0], json!({ "customerId": self.customer, "lines": lines }))
            }
            "order-confirmations/{id}/send" => (&self.confirmations[0], json!({ "deliveryType": "Manual" })),
            "order-confirmations/{id}/convert" => {
                (&self.confirmations[1], json!({ "target": "invoice", "document": {} }))
            }
            other => panic!("{method} {other} takes an id and is not known to this test"),
        };
        (path.replace("{id}", id.as_str().unwrap_or_default()), body)
    }
}

/// The path of each field below a schema that takes an id, or several.
fn id_fields(contract: &Value, schema: &Value) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    if let Some(place) = schema["$ref"].as_str() {
        let schema = contract.pointer(place.trim_start_matches('#')).unwrap_or_else(|| panic!("{place} is there"));
        found.extend(id_fields(contract, schema));
    }
    if schema["format"] == "uuid" {
        found.push(Vec::new());
    }
    for part in ["anyOf", "oneOf", "allOf"].iter().flat_map(|name| schema[*name].as_array().into_iter().flatten()) {
        found.extend(id_fields(contract, part));
    }
    if schema["items"].is_object() {
        found.extend(id_fields(contract, &schema["items"]));
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        found.extend(id_fields(contract, field).into_iter().map(|mut path| {
            path.insert(0, name.clone());
            path
        }));
    }
    found
}

/// Sets a field of a body; the first element where it stands in a list.
fn set(body: &mut Value, field: &[String], id: &Value) {
    let mut place = body;
    for name in field {
        if place.is_array() {
            place = &mut place[0];
        }
        place = &mut place[name.as_str()];
    }
    *place = if field.last().unwrap().ends_with("Ids") { json!([id]) } else { id.clone() };
}

//! Bad input: every field of every write, wrong in kind, range, length and reference,
//! as the published contract lists them; and requests that are wrong as a whole.
//! Each answers its 4xx with the path and the rule, and nothing is written.

use serde_json::{Value, json};

use crate::house::{Api, Company, faults, line, text};

/// A wrong value for a field, and what must be said about it.
struct Wrong {
    path: String,
    value: Option<Value>,
    rule: &'static str,
}

/// The published contract.
pub struct Contract(pub Value);

impl Contract {
    pub fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.resolved(self.0.pointer(reference.trim_start_matches('#')).unwrap());
        }
        match schema["anyOf"].as_array() {
            Some(options) => self.resolved(options.iter().find(|option| option["type"] != "null").unwrap()),
            None => schema,
        }
    }

    fn is_nullable(schema: &Value) -> bool {
        let null = json!("null");
        schema["type"] == null
            || schema["type"].as_array().is_some_and(|types| types.contains(&null))
            || schema["anyOf"].as_array().is_some_and(|options| options.iter().any(|option| option["type"] == null))
    }

    /// Every wrong value of every field of an object.
    fn wrongs_of_object(&self, path: &str, schema: &Value, wrongs: &mut Vec<Wrong>) {
        let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        assert_eq!(schema["additionalProperties"], false, "{path}: unknown fields must be refused");
        wrongs.push(Wrong { path: at("nonsense"), value: Some(json!(1)), rule: "whitelistValidation" });
        for name in schema["required"].as_array().into_iter().flatten() {
            wrongs.push(Wrong { path: at(text(name)), value: None, rule: "isNotEmpty" });
        }
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            self.wrongs_of(&at(name), field, wrongs);
        }
    }

    fn wrongs_of(&self, path: &str, field: &Value, wrongs: &mut Vec<Wrong>) {
        let mut add = |value: Value, rule| wrongs.push(Wrong { path: path.to_owned(), value: Some(value), rule });
        if !Contract::is_nullable(field) {
            add(Value::Null, "isNotEmpty");
        }
        let schema = self.resolved(field);
        let is = |kind: &str| {
            schema["type"] == kind || schema["type"].as_array().is_some_and(|all| all.contains(&json!(kind)))
        };
        if schema["x-decimal"].is_object() {
            let bounds = &schema["x-decimal"];
            for kind in [json!(true), json!({}), json!([]), json!("abc"), json!("1,5"), json!("")] {
                add(kind, "isDecimal");
            }
            let scale = usize::try_from(bounds["scale"].as_u64().unwrap()).unwrap();
            add(json!(format!("0.{}1", "0".repeat(scale))), "isDecimal");
            let most: u64 = text(&bounds["max"]).split('.').next().unwrap().parse().unwrap();
            add(json!((most + 1).to_string()), "max");
            if bounds["above"] == "0" {
                add(json!("0"), "isPositive");
                add(json!(-1), "isPositive");
            } else {
                assert_eq!(bounds["min"], "0", "{path} is bounded below");
                add(json!("-0.01"), "min");
            }
        } else if schema["oneOf"].is_array() || schema["enum"].is_array() {
            for kind in [json!("nonsense"), json!(7), json!({}), json!("")] {
                add(kind, "isIn");
            }
        } else if is("integer") {
            for kind in [json!("x"), json!(1.5), json!({}), json!(true)] {
                add(kind, "isInt");
            }
            add(json!(schema["maximum"].as_i64().unwrap_or_else(|| panic!("{path} has no maximum")) + 1), "max");
            add(json!(schema["minimum"].as_i64().unwrap_or_else(|| panic!("{path} has no minimum")) - 1), "min");
        } else if is("boolean") {
            for kind in [json!("true"), json!(1), json!({})] {
                add(kind, "isBoolean");
            }
        } else if is("array") {
            for kind in [json!({}), json!("x"), json!(7)] {
                add(kind, "isArray");
            }
            let most = usize::try_from(schema["maxItems"].as_u64().unwrap_or_else(|| panic!("{path} has no maximum")))
                .unwrap();
            add(json!(vec![json!({}); most + 1]), "arrayMaxSize");
            if schema["minItems"].as_u64() > Some(0) {
                add(json!([]), "arrayMinSize");
            }
            let item = self.resolved(&schema["items"]);
            self.wrongs_of(&format!("{path}.0"), item, wrongs);
        } else if is("object") {
            for kind in [json!([]), json!("x"), json!(7)] {
                add(kind, "isObject");
            }
            if schema["properties"].is_object() {
                self.wrongs_of_object(path, schema, wrongs);
            } else {
                let key = format!("{path}.key");
                wrongs.push(Wrong { path: key.clone(), value: Some(json!(7)), rule: "isString" });
                wrongs.push(Wrong { path: key, value: Some(json!("x".repeat(501))), rule: "maxLength" });
                wrongs.push(Wrong {
                    path: format!("{path}.{}", "k".repeat(41)),
                    value: Some(json!("x")),
                    rule: "maxLength",
                });
            }
        } else {
            for kind in [json!(7), json!(true), json!({}), json!([]), json!("nul \u{0} inside")] {
                add(kind, "isString");
            }
            match schema["format"].as_str() {
                Some("uuid") => add(json!("CN-00001"), "isUuid"),
                Some("date") => {
                    for date in ["2026-02-30", "01-02-2026", "2026-1-1", "tomorrow", "9999-01-01"] {
                        add(json!(date), "isDateString");
                    }
                }
                Some("date-time") => {
                    for instant in ["2026-06-10", "tomorrow", "2026-06-10T25:00:00Z", "2026-06-10T12:00:00"] {
                        add(json!(instant), "isDateString");
                    }
                }
                Some("email") => add(json!("no address"), "isEmail"),
                Some("country") => add(json!("QQ"), "isISO31661Alpha2"),
                Some("currency") => add(json!("QQQ"), "isISO4217CurrencyCode"),
                Some("time-zone") => add(json!("Mars/Base"), "isTimeZone"),
                Some("vat-number") => add(json!("DK12345678"), "isVatNumber"),
                Some("gln") => add(json!("5790000000001"), "isGln"),
                Some("colour") => add(json!("red"), "isHexColor"),
                Some("iban") => add(json!("DK5000400440116244"), "isIBAN"),
                Some(other) => panic!("{path}: no wrong value is known for the format {other}"),
                None => {
                    let most = schema["maxLength"].as_u64().unwrap_or_else(|| panic!("{path} has no maximal length"));
                    add(json!("x".repeat(usize::try_from(most).unwrap() + 1)), "maxLength");
                    if schema["minLength"].as_u64() > Some(0) {
                        add(json!("  "), "isNotEmpty");
                    }
                }
            }
        }
    }
}

/// Puts a value (or, without one, nothing) at a path of a body, making what leads there.
fn put(body: &mut Value, path: &str, value: Option<Value>) {
    let mut parts = path.split('.').peekable();
    let mut place = body;
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        if let Ok(at) = part.parse::<usize>() {
            if !place.is_array() {
                *place = json!([]);
            }
            let list = place.as_array_mut().unwrap();
            while list.len() <= at {
                list.push(Value::Null);
            }
            place = &mut list[at];
        } else {
            if !place.is_object() {
                *place = json!({});
            }
            let fields = place.as_object_mut().unwrap();
            if is_last && value.is_none() {
                fields.remove(part);
                return;
            }
            place = fields.entry(part.to_owned()).or_insert(Value::Null);
        }
    }
    *place = value.unwrap_or(Value::Null);
}

/// A company with one of everything, and a good body for every write.
pub struct Stage {
    pub company: Company,
    ids: Value,
}

impl Stage {
    pub fn new(company: Company) -> Stage {
        let customer = company.customer(json!({ "email": "kontor@lindeblomst.example" }));
        let price = company.price("300");
        let draft_price = company.price_with(json!({}), json!({}));
        let draft = company.draft(&customer, json!([line(&price, "2")]));
        let invoice = company.invoice(&customer, json!([line(&price, "2")]));
        let note = company.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
        let body = json!({ "customerId": customer, "lines": [line(&price, "1")] });
        let [quote, confirmation] =
            ["/v1/quotes", "/v1/order-confirmations"].map(|path| company.api.post(path, &body).is(201));
        let [sent, confirmed] = ["quotes", "order-confirmations"].map(|path| {
            let draft = company.api.post(&format!("/v1/{path}"), &body).is(201);
            company.sent(path, &draft)
        });
        let place = format!("/v1/invoices/{}/payments", text(&invoice["id"]));
        let paid = company.api.post(&place, &json!({ "amount": "1000", "date": "2026-06-10" })).is(201);
        let first = |path: &str| {
            let list = company.api.get(path).is(200);
            list.get(0).or_else(|| list["data"].get(0)).unwrap()["id"].clone()
        };
        let below = |what: &str| {
            let place = format!("/v1/customers/{}/{what}", text(&customer));
            company.api.post(&place, &json!({ "name": "Mette Holm" })).is(201)["id"].clone()
        };
        let hooks = json!({ "url": "https://hooks.invalid/", "enabled": false });
        let endpoint = company.api.post("/v1/webhook-endpoints", &hooks).is(201);
        let accounts = company.api.get("/v1/accounts").is(200);
        let sales = accounts.as_array().unwrap().iter().find(|account| account["vatCodeId"].is_string()).unwrap();
        let ids = json!({
            "customer": customer, "price": price, "draftPrice": draft_price, "draft": draft["id"], "note": note["id"],
            "invoice": invoice["id"], "invoiceNumber": invoice["number"], "invoiceLine": invoice["lines"][0]["id"],
            "account": sales["id"], "vatCode": first("/v1/vat-codes"), "series": first("/v1/number-series"), "customerGroup": first("/v1/customer-groups"),
            "productGroup": first("/v1/product-groups"), "product": first("/v1/products"),
            "template": first("/v1/document-templates?documentType=credit-note-template"),
            "openItem": paid["openItemId"], "contact": below("contacts"), "department": below("departments"),
            "quote": quote["id"], "sentQuote": sent["id"],
            "confirmation": confirmation["id"], "sentConfirmation": confirmed["id"], "endpoint": endpoint["id"],
        });
        company.settle();
        Stage { company, ids }
    }

    /// The path of a write with the id of something that is there.
    pub fn place(&self, path: &str) -> String {
        let id = match path.split('/').nth(2).unwrap() {
            "invoices" if path.ends_with("/credit") => "invoice",
            "invoices" => "draft",
            "credit-notes" => "note",
            "quotes" if path.ends_with("/convert") => "sentQuote",
            "quotes" => "quote",
            "order-confirmations" if path.ends_with("/convert") => "sentConfirmation",
            "order-confirmations" => "confirmation",
            "customers" => "customer",
            "customer-groups" => "customerGroup",
            "products" => "product",
            "product-groups" => "productGroup",
            "product-prices" => "draftPrice",
            "accounts" => "account",
            "vat-codes" => "vatCode",
            "number-series" => "series",
            "open-items" => "openItem",
            "document-templates" => "template",
            "webhook-endpoints" => "endpoint",
            _ => return path.to_owned(),
        };
        let path = path.replace("{id}", text(&self.ids[id])).replace("{contactId}", text(&self.ids["contact"]));
        // Nothing was sent to the endpoint: what is wrong is told before its delivery is looked for.
        let path = path.replace("{deliveryId}", text(&self.ids["endpoint"]));
        path.replace("{departmentId}", text(&self.ids["department"]))
    }

    /// A body that would be taken.
    pub fn good(&self, path: &str) -> Value {
        let ids = &self.ids;
        let group = |field: &str| self.company.api.get("/v1/product-groups").is(200)["data"][0][field].clone();
        match path {
            path if path.ends_with("/convert") => json!({ "target": "invoice" }),
            "/v1/invoices"
            | "/v1/invoices/{id}"
            | "/v1/quotes"
            | "/v1/quotes/{id}"
            | "/v1/order-confirmations"
            | "/v1/order-confirmations/{id}" => {
                json!({ "customerId": ids["customer"], "lines": [line(&ids["price"], "1")] })
            }
            "/v1/invoices/{id}/credit" => {
                json!({ "lines": [{ "invoiceLineId": ids["invoiceLine"], "quantity": "1" }] })
            }
            "/v1/credit-notes/{id}/void" => json!({ "reason": "Made by mistake" }),
            "/v1/credit-notes" | "/v1/credit-notes/{id}" => {
                json!({ "customerId": ids["customer"], "lines": [line(&ids["price"], "1")] })
            }
            "/v1/customers" => json!({
                "customerType": "business", "name": "Another", "countryCode": "DK", "vatZone": "domestic",
                "customerGroupId": ids["customerGroup"],
            }),
            "/v1/customer-groups" => {
                json!({ "number": "7", "name": "Seven", "accountId": group_account(&self.company.api) })
            }
            "/v1/product-groups" => json!({
                "number": "7", "name": "Seven", "domesticAccountId": group("domesticAccountId"),
                "euAccountId": group("euAccountId"), "abroadAccountId": group("abroadAccountId"),
                "domesticWithoutVatAccountId": group("domesticWithoutVatAccountId"),
            }),
            "/v1/products" => json!({ "number": "B-1", "name": "Another", "productGroupId": ids["productGroup"] }),
            "/v1/product-prices" => json!({
                "productId": ids["product"], "billingPeriodType": "ONE_TIME", "pricingModel": "FLAT_RATE", "unitAmount": "1",
            }),
            "/v1/accounts" => json!({ "name": "Another", "accountNumber": 998_877, "ledgerType": "BALANCE_SHEET" }),
            "/v1/vat-codes" => {
                json!({ "vatCode": "X9", "name": "Another", "type": "SALES", "vatRate": "9", "validFrom": "2026-01-01" })
            }
            path if path.ends_with("/contacts") || path.ends_with("/departments") => json!({ "name": "Another" }),
            path if path.ends_with("/allocations") => json!({ "invoiceId": ids["invoice"] }),
            "/v1/document-templates" | "/v1/document-templates/{id}" => {
                json!({ "name": "Another", "documentType": "credit-note-template" })
            }
            "/v1/webhook-endpoints" => json!({ "url": "https://hooks.invalid/", "enabled": false }),
            "/v1/dunning-schedule" => json!({ "enabled": false, "steps": [] }),
            "/v1/invoices/{id}/dunning" => json!({ "paused": true }),
            "/v1/webhook-endpoints/{id}/replay" => json!({ "afterSequence": 0 }),
            "/v1/oss-rates" => json!({ "country": "NL", "rate": "21", "validFrom": "2026-01-01" }),
            "/v1/exchange-rates" => json!({ "currency": "EUR", "date": "2026-01-01", "rate": "7.46" }),
            _ => json!({}),
        }
    }
}

fn group_account(api: &Api) -> Value {
    api.get("/v1/customer-groups").is(200)[0]["accountId"].clone()
}

/// Every write of the contract with the schema of its body.
pub fn writes(contract: &Contract) -> Vec<(String, String, Value)> {
    let mut writes = Vec::new();
    for (path, operations) in contract.0["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            if !schema.is_null() {
                writes.push((method.to_uppercase(), path.clone(), contract.resolved(schema).clone()));
            }
        }
    }
    assert!(writes.len() >= 25, "{} writes", writes.len());
    writes
}

on_both_engines! {
    /// One wrong field at a time, of every write.
    fn each_wrong_field_of_each_write_is_named_with_its_rule_and_nothing_is_written(house) {
        let stage = Stage::new(house.company());
        let contract = Contract(stage.company.api.get("/openapi.json").is(200));
        let before = house.books.state(&stage.company.id);
        let mut count = 0;
        for (method, path, schema) in writes(&contract) {
            let (place, good) = (stage.place(&path), stage.good(&path));
            let mut wrongs = Vec::new();
            contract.wrongs_of_object("", &schema, &mut wrongs);
            for wrong in wrongs {
                let mut body = good.clone();
                put(&mut body, &wrong.path, wrong.value);
                let details = stage.company.api.send(&method, &place, &body).refused(400, "SHARED_VALIDATION_FAILED");
                let wanted = (wrong.path, wrong.rule.to_owned());
                let found = faults(&details);
                assert!(found.contains(&wanted), "{method} {path} {body}: {wanted:?} is not in {found:?}");
                count += 1;
            }
            assert_eq!(house.books.state(&stage.company.id), before, "{method} {path} wrote something");
        }
        assert!(count > 1_000, "{count} wrong bodies were sent");
    }

    /// Every id in a body, of nobody and of another company.
    fn each_id_that_is_not_in_the_company_is_a_404_that_names_the_field(house) {
        let (stage, other) = (Stage::new(house.company()), Stage::new(house.company()));
        let contract = Contract(stage.company.api.get("/openapi.json").is(200));
        let before = house.books.state(&stage.company.id);
        let foreign_of = |field: &str| {
            let name = match field {
                "customerId" | "parentCustomerId" => "customer",
                "priceId" => "price",
                "invoiceLineId" => "invoiceLine",
                "documentTemplateId" | "documentTemplateIds" => "template",
                "documentId" => "note",
                "customerGroupId" => "customerGroup",
                "productGroupId" => "productGroup",
                "productId" => "product",
                "vatCodeId" => "vatCode",
                _ if field.ends_with("ccountId") || field.ends_with("BookId") => "account",
                _ => return json!("0190a1b2-0000-7000-8000-00000000000f"),
            };
            other.ids[name].clone()
        };
        let mut count = 0;
        for (method, path, schema) in writes(&contract) {
            let (place, good) = (stage.place(&path), stage.good(&path));
            let mut wrongs = Vec::new();
            contract.wrongs_of_object("", &schema, &mut wrongs);
            for wrong in wrongs.into_iter().filter(|wrong| wrong.rule == "isUuid") {
                let field = wrong.path.split('.').rfind(|part| part.parse::<u32>().is_err()).unwrap().to_owned();
                for id in [json!("0190a1b2-0000-7000-8000-000000000001"), foreign_of(&field)] {
                    let mut body = good.clone();
                    put(&mut body, &wrong.path, Some(id));
                    if field == "parentCustomerId" {
                        body["billingRelationship"] = json!("parent_pays");
                    }
                    let answer = stage.company.api.send(&method, &place, &body);
                    assert_eq!(answer.status, 404, "{method} {path} {body}: {}", answer.text());
                    assert_eq!(answer.json()["details"]["property"], wrong.path, "{method} {path} {body}: {}", answer.text());
                    count += 1;
                }
            }
        }
        assert_eq!(house.books.state(&stage.company.id), before);
        assert!(count > 40, "{count} wrong ids were sent");
    }

    /// All faults at once, each under its own path.
    fn all_faults_are_told_at_once(house) {
        let company = house.company();
        let body = json!({
            "customerId": 7, "date": "2026-02-30", "currency": "QQQ", "surprise": 1,
            "lines": [{ "quantity": "0", "unitPrice": -1 }, { "lineType": "text" }, { "lineType": "separator", "quantity": "1" }],
        });
        let found = faults(&company.api.post("/v1/credit-notes", &body).refused(400, "SHARED_VALIDATION_FAILED"));
        let wanted = [
            ("customerId", "isString"), ("date", "isDateString"), ("currency", "isISO4217CurrencyCode"),
            ("surprise", "whitelistValidation"), ("lines.0.priceId", "isNotEmpty"), ("lines.0.quantity", "isPositive"),
            ("lines.0.unitPrice", "isPositive"), ("lines.1.description", "isNotEmpty"), ("lines.2.quantity", "isEmpty"),
        ];
        for (property, rule) in wanted {
            assert!(found.contains(&(property.to_owned(), rule.to_owned())), "{property} {rule} is not in {found:?}");
        }
        assert_eq!(found.len(), wanted.len(), "{found:?}");
    }

    /// A body that is no JSON object, or none, or too much of one.
    fn a_request_that_is_wrong_as_a_whole_is_refused_and_nothing_is_written(house) {
        let stage = Stage::new(house.company());
        let api = &stage.company.api;
        let contract = Contract(api.get("/openapi.json").is(200));
        let before = house.books.state(&stage.company.id);
        let json = [("content-type", "application/json")];
        for (method, path, schema) in writes(&contract) {
            let place = stage.place(&path);
            let raw = |headers: &[(&str, &str)], body: &[u8]| api.raw(&method, &place, headers, body);
            let details = raw(&json, b"{\"a\": 1,\n  }").refused(400, "SHARED_MALFORMED_JSON");
            assert_eq!((&details["line"], &details["column"]), (&json!(2), &json!(3)));
            raw(&json, b"{\"a\": \"\xff\"}").refused(400, "SHARED_MALFORMED_JSON");
            raw(&json, b"[]").faulty("body", "isObject");
            raw(&json, b"\"text\"").faulty("body", "isObject");
            raw(&json, "[".repeat(100_000).as_bytes()).refused(400, "SHARED_MALFORMED_JSON");
            if schema["required"].is_array() {
                raw(&json, b"").refused(400, "SHARED_MALFORMED_JSON");
            }
            for media in ["text/plain", "application/xml", "application/x-www-form-urlencoded"] {
                raw(&[("content-type", media)], b"{}").refused(415, "UNSUPPORTED_MEDIA_TYPE");
            }
            raw(&[], b"{}").refused(415, "UNSUPPORTED_MEDIA_TYPE");
            raw(&[("content-type", "application/json"), ("accept", "text/html")], b"{}").refused(406, "NOT_ACCEPTABLE");
            api.raw(&method, &format!("{place}?nonsense=1"), &json, b"{}").faulty("nonsense", "whitelistValidation");
        }
        assert_eq!(house.books.state(&stage.company.id), before);
    }

    /// 20 MB are not read to the end; what the client hears depends on how it sends.
    fn a_body_of_20_megabytes_is_refused_and_nothing_is_written(house) {
        let stage = Stage::new(house.company());
        let before = house.books.state(&stage.company.id);
        let mut body = stage.good("/v1/credit-notes");
        body["notes"] = json!("x".repeat(20_000_000));
        let headers = [("content-type", "application/json")];
        // The server answers and closes while the client still writes: it may find the connection broken instead.
        if let Some(answer) = stage.company.api.try_raw("POST", "/v1/credit-notes", &headers, body.to_string().as_bytes()) {
            answer.refused(413, "BODY_TOO_LARGE");
        }
        body["notes"] = json!("x".repeat(1_100_000));
        if let Some(answer) = stage.company.api.try_raw("POST", "/v1/credit-notes", &headers, body.to_string().as_bytes()) {
            answer.refused(413, "BODY_TOO_LARGE");
        }
        assert_eq!(house.books.state(&stage.company.id), before);
    }

    /// A name that comes twice would be read one way here and another way there.
    fn a_field_that_comes_twice_is_refused(house) {
        let company = house.company();
        let body = br#"{"name":"a","name":"b","number":"1","accountId":"0190a1b2-0000-7000-8000-000000000001"}"#;
        company.api.raw("POST", "/v1/customer-groups", &[("content-type", "application/json")], body).faulty("name", "isDuplicate");
    }

    /// Queries are checked as bodies are.
    fn a_wrong_query_is_refused_with_the_parameter_and_its_rule(house) {
        let company = house.company();
        for (query, property, rule) in [
            ("page=0", "page", "min"), ("page=x", "page", "isInt"), ("limit=0", "limit", "min"), ("limit=101", "limit", "max"),
            ("sortBy=colour", "sortBy", "isIn"), ("sortOrder=up", "sortOrder", "isIn"), ("dryrun=true", "dryrun", "whitelistValidation"),
            ("fromDate=2026-13-01", "fromDate", "isDateString"), ("customerId=7", "customerId", "isUuid"),
            ("page=1&page=2", "page", "isDuplicate"), ("minAmount=x", "minAmount", "isDecimal"), ("voided=1", "voided", "isBoolean"),
        ] {
            company.api.get(&format!("/v1/credit-notes?{query}")).faulty(property, rule);
        }
        company.api.get("/v1/credit-notes?cursor=nonsense").refused(400, "SHARED_VALIDATION_FAILED");
    }

    /// A route that is not there, and a method a route does not have.
    fn unknown_routes_are_404_and_wrong_methods_405(house) {
        let company = house.company();
        company.api.get("/v1/nonsense").refused(404, "NOT_FOUND");
        company.api.get("/v2/credit-notes").refused(404, "NOT_FOUND");
        let answer = company.api.raw("PUT", "/v1/credit-notes", &[], b"");
        assert_eq!(answer.header("allow"), Some("GET, POST"));
        answer.refused(405, "METHOD_NOT_ALLOWED");
    }
}

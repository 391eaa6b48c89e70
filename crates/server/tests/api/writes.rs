//! A good request of every write the contract has: what holds for all of them is tested on each.

use serde_json::{Value, json};

use crate::house::{Answer, Company, line, text};

/// A day in the past.
const DAY: &str = "2026-05-01";

/// A write that is done when it is asked.
pub struct Write {
    pub method: String,
    /// As the contract names it.
    pub path: String,
    /// With its id.
    pub place: String,
    /// Null where it takes none.
    pub body: Value,
}

impl Write {
    /// Asks for it with these headers.
    pub fn ask(&self, company: &Company, headers: &[(&str, &str)]) -> Answer {
        company.api.send_with(&self.method, &self.place, headers, &self.body)
    }

    /// The same with another query.
    pub fn with_query(&self, query: &str) -> Write {
        let Write { method, path, place, body } = self;
        Write { method: method.clone(), path: path.clone(), place: format!("{place}?{query}"), body: body.clone() }
    }
}

/// What the requests are made of.
pub struct Grounds {
    pub customer: Value,
    pub price: Value,
    pub invoice: Value,
    product: Value,
    account: Value,
    vat_code: Value,
    customer_group: Value,
    receivables: Value,
    product_group: Value,
}

impl Grounds {
    pub fn of(company: &Company) -> Grounds {
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let first = |path: &str| {
            let list = company.api.get(path).is(200);
            list.get(0).or_else(|| list["data"].get(0)).unwrap()["id"].clone()
        };
        let accounts = company.api.get("/v1/accounts").is(200);
        let account = accounts.as_array().unwrap().iter().find(|one| one["ledgerType"] == "PROFIT_AND_LOSS").unwrap();
        company.settle();
        Grounds {
            invoice: company.invoice(&customer, json!([line(&price, "1000")])),
            product: company.api.get(&format!("/v1/product-prices/{}", text(&price))).is(200)["productId"].clone(),
            account: account["id"].clone(),
            vat_code: first("/v1/vat-codes"),
            receivables: company.api.get("/v1/customer-groups").is(200)[0]["accountId"].clone(),
            customer_group: first("/v1/customer-groups"),
            product_group: first("/v1/product-groups"),
            customer,
            price,
        }
    }

    /// A request of each write of the contract, each about something of its own; `each` is given one after
    /// the other. What is always refused is left out.
    pub fn each(&self, company: &Company, mut each: impl FnMut(Write)) {
        let contract = company.api.get("/openapi.json").is(200);
        let mut count = 0;
        let paths = contract["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/v1/"));
        for (path, operations) in paths {
            for method in operations.as_object().unwrap().keys().filter(|method| *method != "get") {
                count += 1;
                let Some((ids, body)) = self.request(company, method, path, count) else { continue };
                let ids = ids.as_array().cloned().unwrap_or_else(|| vec![ids]);
                let mut ids = ids.iter().filter_map(Value::as_str);
                let part = |part: &str| match part.starts_with('{') {
                    true => ids.next().expect("each part in braces has an id").to_owned(),
                    false => part.to_owned(),
                };
                let place = path.split('/').map(part).collect::<Vec<_>>().join("/");
                each(Write { method: method.to_uppercase(), path: path.clone(), place, body });
            }
        }
        assert!(count >= 29, "{count} routes write");
    }

    /// The ids of the path, or the only one, and the body.
    fn request(&self, company: &Company, method: &str, path: &str, n: usize) -> Option<(Value, Value)> {
        let Grounds {
            customer,
            price,
            invoice,
            product,
            account,
            vat_code,
            customer_group,
            receivables,
            product_group,
        } = self;
        let lines = json!([line(price, "0.1")]);
        let document = json!({ "customerId": customer, "lines": lines });
        let by_hand = json!({ "deliveryType": "Manual" });
        let name = json!({ "name": format!("Name {n}") });
        let numbered = |more: Value| {
            let mut body = json!({ "number": format!("W-{n}"), "name": "Other" });
            crate::house::merge(&mut body, more);
            body
        };
        let accounts = json!({
            "domesticAccountId": account, "euAccountId": account, "abroadAccountId": account,
            "domesticWithoutVatAccountId": account,
        });
        let a_price = json!({
            "productId": product, "billingPeriodType": "ONE_TIME", "pricingModel": "FLAT_RATE", "unitAmount": "12",
        });
        let template = |kind: &str| json!({ "name": format!("Name {n}"), "documentType": kind });
        let make = |path: &str, body: &Value| company.api.post(path, body).is(201)["id"].clone();
        let made_price = || make("/v1/product-prices", &a_price);
        let active_price = || {
            let id = made_price();
            company.api.post(&format!("/v1/product-prices/{}/activate", text(&id)), &json!({})).is(200);
            id
        };
        let none = Value::Null;
        // Nothing is sent there: a name that nobody has (RFC 6761), and no topic that comes up here.
        let hooks =
            |n: usize| json!({ "url": format!("https://hooks-{n}.invalid/"), "topics": ["subscription.churned"] });
        // An invoice, a credit note that is set off against nothing, and an open item of what was paid too much.
        let sold = || company.invoice(customer, lines.clone())["id"].clone();
        let owed = || {
            let note = company.api.post("/v1/credit-notes", &document).is(201);
            company.sent("credit-notes", &note)["id"].clone()
        };
        let overpaid = || {
            let place = format!("/v1/invoices/{}/payments", text(&sold()));
            company.api.post(&place, &json!({ "amount": "1000", "date": DAY })).is(201)["openItemId"].clone()
        };
        let scheduled = |path: &str| {
            let id = make(&format!("/v1/{path}"), &document);
            let send = json!({ "deliveryType": "Manual", "scheduledAt": "2126-06-10T08:00:00Z" });
            company.api.post(&format!("/v1/{path}/{}/send", text(&id)), &send).is(200);
            id
        };
        let below = |path: &str, of: Value, what: &str, body: Value| {
            let made = make(&format!("/v1/{path}/{}/{what}", text(&of)), &body);
            (json!([of, made]), Value::Null)
        };
        let (paid, refund) =
            (json!({ "amount": "1", "date": DAY }), json!({ "amount": "1", "date": DAY, "reference": "4711" }));
        // A quote and an order confirmation that are sent.
        let offered = |path: &str| {
            let draft = company.api.post(&format!("/v1/{path}"), &document).is(201);
            company.sent(path, &draft)["id"].clone()
        };
        let series = company.api.get("/v1/number-series").is(200)[0]["id"].clone();
        // An invoice that may be reminded of, by a schedule that sends nothing by itself.
        let overdue = || {
            let address = json!({ "email": format!("kontor{n}@lindeblomst.example"), "vatNumber": null });
            let steps = json!([{ "daysAfterDue": 8, "fee": "100" }]);
            company.api.send("PUT", "/v1/dunning-schedule", &json!({ "enabled": false, "steps": steps })).is(200);
            let body = json!({ "customerId": company.customer(address), "date": DAY, "lines": lines });
            let draft = company.api.post("/v1/invoices", &body).is(201);
            company.sent("invoices", &draft)["id"].clone()
        };
        Some(match (method, path.strip_prefix("/v1/").unwrap()) {
            ("put", "dunning-schedule") => {
                (none, json!({ "enabled": false, "steps": [{ "daysAfterDue": 9 + n, "fee": "50" }] }))
            }
            ("put", "invoices/{id}/dunning") => (sold(), json!({ "paused": true, "notes": "A dispute" })),
            ("post", "invoices/{id}/reminders") => (overdue(), none),
            ("delete", "invoices/{id}/reminders/{reminderId}/fee") => {
                let made = below("invoices", overdue(), "reminders", json!({}));
                company.settle();
                made
            }
            ("patch", "company") => (none, name),
            ("post", "accounts") => {
                (none, json!({ "accountNumber": 9_000 + n, "name": "Other", "ledgerType": "PROFIT_AND_LOSS" }))
            }
            ("patch", "accounts/{id}") => (account.clone(), name),
            ("post", "vat-codes") => {
                (none, json!({ "vatCode": format!("W{n}"), "name": "Other", "type": "SALES", "vatRate": "10" }))
            }
            ("patch", "vat-codes/{id}") => (vat_code.clone(), name),
            ("put", "exchange-rates") => (none, json!({ "currency": "EUR", "date": "2026-01-01", "rate": "7.46" })),
            ("put", "oss-rates") => (none, json!({ "country": "NL", "rate": 21 + n % 2, "validFrom": "2026-01-01" })),
            ("post", "document-templates") => (none, template("invoice-template")),
            ("put", "document-templates/{id}") => {
                let compact =
                    json!({ "name": "Other", "documentType": "quote-template", "settings": { "design": "compact" } });
                (make("/v1/document-templates", &template("quote-template")), compact)
            }
            ("delete", "document-templates/{id}") => {
                (make("/v1/document-templates", &template("quote-template")), none)
            }
            // It shows something and writes nothing.
            ("post", "document-templates/{id}/preview") => return None,
            ("post", "customer-groups") => (none, numbered(json!({ "accountId": receivables }))),
            ("patch", "customer-groups/{id}") => (customer_group.clone(), name),
            ("post", "customers") => (
                none,
                json!({
                    "customerType": "business", "name": "Other", "countryCode": "DK", "vatZone": "domestic",
                    "customerGroupId": customer_group,
                }),
            ),
            ("patch", "customers/{id}") => (customer.clone(), name),
            ("post", "customers/{id}/erase") => (company.customer(json!({ "customerType": "private" })), none),
            // They take no JSON: `imports` asks for them.
            ("post", "customers/import" | "products/import") => return None,
            ("post", "customers/{id}/contacts") => (customer.clone(), name),
            ("patch", "customers/{id}/contacts/{contactId}") => {
                (below("customers", customer.clone(), "contacts", name).0, json!({ "name": "Other" }))
            }
            ("delete", "customers/{id}/contacts/{contactId}")
            | ("post", "customers/{id}/contacts/{contactId}/erase") => {
                below("customers", customer.clone(), "contacts", name)
            }
            ("post", "customers/{id}/departments") => (customer.clone(), name),
            ("patch", "customers/{id}/departments/{departmentId}") => {
                (below("customers", customer.clone(), "departments", name).0, json!({ "isActive": false }))
            }
            ("delete", "customers/{id}/departments/{departmentId}") => {
                below("customers", customer.clone(), "departments", name)
            }
            ("post", "product-groups") => (none, numbered(accounts)),
            ("patch", "product-groups/{id}") => (product_group.clone(), name),
            ("delete", "product-groups/{id}") => (make("/v1/product-groups", &numbered(accounts)), none),
            ("post", "products") => (none, numbered(json!({ "productGroupId": product_group }))),
            ("patch", "products/{id}") => (product.clone(), name),
            ("delete", "products/{id}") => {
                (make("/v1/products", &numbered(json!({ "productGroupId": product_group }))), none)
            }
            ("post", "product-prices") => (none, a_price),
            ("patch", "product-prices/{id}") => (made_price(), json!({ "nickname": "Other" })),
            ("delete", "product-prices/{id}") => (made_price(), none),
            ("post", "product-prices/{id}/activate") => (made_price(), none),
            (
                "post",
                "product-prices/{id}/disable" | "product-prices/{id}/archive" | "product-prices/{id}/set-default",
            ) => (active_price(), none),
            ("post", "invoices") => (none, document),
            ("patch", "invoices/{id}") => {
                let mut changed = document.clone();
                changed["lines"] = json!([line(price, "2"), line(price, "3.5")]);
                (make("/v1/invoices", &document), changed)
            }
            ("delete", "invoices/{id}") => (make("/v1/invoices", &document), none),
            ("post", "invoices/{id}/send") => (make("/v1/invoices", &document), by_hand),
            ("post", "credit-notes") => {
                (none, json!({ "customerId": customer, "invoiceNumber": invoice["number"], "lines": lines }))
            }
            ("delete", "credit-notes/{id}") => return None,
            ("delete", "invoices/{id}/send") => (scheduled("invoices"), none),
            ("delete", "credit-notes/{id}/send") => (scheduled("credit-notes"), none),
            ("post", "invoices/{id}/payments") => (sold(), paid),
            ("delete", "invoices/{id}/payments/{paymentId}") => below("invoices", sold(), "payments", paid),
            ("post", "invoices/{id}/write-off") => (sold(), json!({ "date": DAY, "reason": "Bankruptcy" })),
            ("delete", "invoices/{id}/write-offs/{writeOffId}") => {
                let invoice = sold();
                let place = format!("/v1/invoices/{}/write-off", text(&invoice));
                company.api.post(&place, &json!({ "date": DAY, "reason": "Bankruptcy" })).is(200);
                let all = company.api.get(&format!("{place}s")).is(200);
                (json!([invoice, all["data"][0]["id"]]), none)
            }
            ("post", "credit-notes/{id}/allocations") => (owed(), json!({ "invoiceId": sold() })),
            ("delete", "credit-notes/{id}/allocations/{allocationId}") => {
                below("credit-notes", owed(), "allocations", json!({ "invoiceId": sold() }))
            }
            ("post", "credit-notes/{id}/refunds") => (owed(), refund),
            ("delete", "credit-notes/{id}/refunds/{refundId}") => below("credit-notes", owed(), "refunds", refund),
            ("post", "open-items/{id}/allocations") => (overpaid(), json!({ "invoiceId": sold() })),
            ("delete", "open-items/{id}/allocations/{allocationId}") => {
                below("open-items", overpaid(), "allocations", json!({ "invoiceId": sold() }))
            }
            ("post", "open-items/{id}/refunds") => (overpaid(), refund),
            ("delete", "open-items/{id}/refunds/{refundId}") => below("open-items", overpaid(), "refunds", refund),
            ("post", "quotes" | "order-confirmations") => (none, document),
            ("patch", "quotes/{id}" | "order-confirmations/{id}") => {
                let mut changed = document.clone();
                changed["lines"] = json!([line(price, "2"), line(price, "3.5")]);
                (make(path.strip_suffix("/{id}").unwrap(), &document), changed)
            }
            ("delete", "quotes/{id}" | "order-confirmations/{id}") => {
                (make(path.strip_suffix("/{id}").unwrap(), &document), none)
            }
            ("post", "quotes/{id}/send" | "order-confirmations/{id}/send") => {
                (make(path.strip_suffix("/{id}/send").unwrap(), &document), by_hand)
            }
            ("post", "quotes/{id}/accept" | "quotes/{id}/reject") => (offered("quotes"), none),
            ("post", "quotes/{id}/convert") => {
                let target = if n.is_multiple_of(2) { "invoice" } else { "orderConfirmation" };
                (offered("quotes"), json!({ "target": target }))
            }
            ("post", "order-confirmations/{id}/convert") => {
                (offered("order-confirmations"), json!({ "target": "invoice" }))
            }
            ("post", "webhook-endpoints") => (none, hooks(n)),
            ("patch", "webhook-endpoints/{id}") => (make("/v1/webhook-endpoints", &hooks(n)), json!({ "topics": [] })),
            (
                "delete" | "post",
                "webhook-endpoints/{id}" | "webhook-endpoints/{id}/roll-secret" | "webhook-endpoints/{id}/test",
            ) => (make("/v1/webhook-endpoints", &hooks(n)), none),
            ("post", "webhook-endpoints/{id}/replay") => {
                (make("/v1/webhook-endpoints", &hooks(n)), json!({ "afterSequence": 1 }))
            }
            ("post", "webhook-endpoints/{id}/deliveries/{deliveryId}/redeliver") => {
                let endpoint = make("/v1/webhook-endpoints", &hooks(n));
                let place = format!("/v1/webhook-endpoints/{}/test", text(&endpoint));
                let delivery = company.api.post(&place, &json!({})).is(200)["id"].clone();
                // It fails at once, and is then let be for half a minute.
                let place = format!("/v1/webhook-endpoints/{}/deliveries/{}", text(&endpoint), text(&delivery));
                testkit::wait_for("the first try", || {
                    (company.api.get(&place).is(200)["attemptCount"] == 1).then_some(())
                });
                (json!([endpoint, delivery]), none)
            }
            ("patch", "number-series/{id}") => (series, json!({ "padding": 6 + n % 2 })),
            ("post", "invoices/{id}/credit") => (company.invoice(customer, lines)["id"].clone(), json!({})),
            ("post", "invoices/{id}/cancel") => (make("/v1/invoices", &document), none),
            ("patch", "credit-notes/{id}") => (make("/v1/credit-notes", &document), document),
            ("post", "credit-notes/{id}/void") => {
                (make("/v1/credit-notes", &document), json!({ "reason": "Made by mistake" }))
            }
            ("post", "credit-notes/{id}/reverse") => {
                let note = company.api.post("/v1/credit-notes", &document).is(201);
                (company.sent("credit-notes", &note)["id"].clone(), json!({}))
            }
            ("post", "credit-notes/{id}/send") => {
                let note = json!({ "customerId": customer, "invoiceNumber": invoice["number"], "lines": lines });
                (make("/v1/credit-notes", &note), by_hand)
            }
            other => panic!("{other:?} writes and is not known to this test"),
        })
    }
}

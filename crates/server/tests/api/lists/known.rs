//! A company of which everything that is listed is known, resource by resource.

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::house::{Company, House, line, merge, text};

/// A list of the contract and what it is known to hold.
pub struct Known {
    /// As the contract names it.
    pub path: &'static str,
    /// With its ids.
    pub place: String,
    /// Every resource as it is read alone, in the order the list has when it is asked for none.
    pub all: Vec<Value>,
    /// The one field that a list leaves out.
    pub without: Option<&'static str>,
}

impl Known {
    fn new(path: &'static str, all: Vec<Value>) -> Known {
        Known { path, place: path.to_owned(), all, without: None }
    }

    /// A resource as the list shows it.
    pub fn row(&self, resource: &Value) -> Value {
        let mut row = resource.clone();
        if let Some(field) = self.without {
            row.as_object_mut().unwrap().remove(field).expect("it is there where the resource is read alone");
        }
        row
    }
}

/// All that is known.
pub struct Ground {
    pub company: Company,
    pub lists: Vec<Known>,
}

/// The ground of a house, laid once for the tests that only read.
pub fn ground(house: &'static House) -> &'static Ground {
    static SQLITE: OnceLock<Ground> = OnceLock::new();
    static POSTGRES: OnceLock<Ground> = OnceLock::new();
    let one = if house.database_url.is_some() { &POSTGRES } else { &SQLITE };
    one.get_or_init(|| Ground::of(house))
}

/// The rows of an answer, whatever they come in.
pub fn rows(answer: &Value) -> &[Value] {
    answer.as_array().or_else(|| answer["data"].as_array()).expect("a list answers rows")
}

/// A number as an integer of its last decimals, as money is kept.
pub fn minor(amount: &Value) -> i64 {
    text(amount).replace('.', "").parse().unwrap()
}

const DAYS: [&str; 4] = ["2026-02-01", "2026-03-01", "2026-03-15", "2026-04-01"];
const DAY: &str = "2026-05-01";

struct Laying {
    company: Company,
    customers: Vec<Value>,
    price: Value,
}

impl Ground {
    /// Lays one of its own.
    pub fn of(house: &'static House) -> Ground {
        let company = house.company();
        let rates = lay_rates(&company);
        let oss_rates = lay_oss_rates(&company);
        lay_catalogue(&company);
        let customers = lay_customers(&company);
        let price = company.price("100");
        let laying = Laying { company, customers, price };
        let invoices = laying.lay_invoices();
        let notes = laying.lay_notes(&invoices);
        let offers = laying.lay_offers();
        let mut lists = laying.lay_settlement();
        lists.push(laying.lay_departments());
        lists.push(laying.lay_reminders());
        let hooks: Vec<Value> = (0..5)
            .map(|n| {
                let body = json!({ "url": format!("https://hooks-{n}.invalid/"), "enabled": false });
                laying.company.api.post("/v1/webhook-endpoints", &body).is(201)["id"].clone()
            })
            .collect();
        laying.company.settle();

        let company = laying.company;
        let alone = |path: &str, ids: &[Value]| -> Vec<Value> {
            ids.iter().map(|id| company.api.get(&format!("/v1/{path}/{}", text(id))).is(200)).collect()
        };
        // The ids of a list are no more than where to look: its resources are read alone.
        let ids = |path: &str| -> Vec<Value> {
            let all = company.api.get(&format!("/v1/{path}")).is(200);
            rows(&all).iter().map(|row| row["id"].clone()).collect()
        };
        let sorted = |mut all: Vec<Value>, by: fn(&Value) -> (u64, String)| {
            all.sort_by_key(by);
            all
        };
        let mut newest = |path: &'static str, more: &[Value], without| {
            let mut all = alone(path.trim_start_matches("/v1/"), more);
            all.sort_by_key(|own| (text(&own["createdAt"]).to_owned(), text(&own["id"]).to_owned()));
            all.reverse();
            lists.push(Known { without, ..Known::new(path, all) });
        };
        // With those that were made on the way to something else.
        let every = |path: &str, made: Vec<Value>| -> Vec<Value> {
            let mut all = made;
            let listed = company.api.get(&format!("/v1/{path}?limit=100")).is(200);
            all.extend(rows(&listed).iter().map(|row| row["id"].clone()));
            all.sort_by_key(|id| text(id).to_owned());
            all.dedup();
            assert_eq!(Some(all.len() as u64), listed["total"].as_u64(), "{path} lists each once");
            all
        };
        newest("/v1/invoices", &every("invoices", invoices), Some("lines"));
        newest("/v1/credit-notes", &every("credit-notes", notes), Some("lines"));
        newest("/v1/quotes", &every("quotes", offers), Some("lines"));
        newest("/v1/order-confirmations", &every("order-confirmations", Vec::new()), Some("lines"));
        newest("/v1/products", &ids("products"), Some("prices"));
        newest("/v1/product-groups", &ids("product-groups"), None);
        newest("/v1/webhook-endpoints", &hooks, None);
        let by_number =
            |field: &'static str| move |own: &Value| (text(&own[field]).len() as u64, text(&own[field]).to_owned());
        let mut customers = alone("customers", &laying.customers);
        customers.sort_by_key(by_number("customerNumber"));
        lists.push(Known::new("/v1/customers", customers));
        let mut groups = alone("customer-groups", &ids("customer-groups"));
        groups.sort_by_key(by_number("number"));
        lists.push(Known::new("/v1/customer-groups", groups));
        let number = |own: &Value| (own["accountNumber"].as_u64().unwrap(), String::new());
        lists.push(Known::new("/v1/accounts", sorted(alone("accounts", &ids("accounts")), number)));
        lists.push(Known::new("/v1/exchange-rates", rates));
        lists.push(Known::new("/v1/oss-rates", oss_rates));
        // Templates are read nowhere else; what is known of them is that list.
        let mut templates = rows(&company.api.get("/v1/document-templates").is(200)).to_vec();
        templates.sort_by_key(|own| (text(&own["createdAt"]).to_owned(), text(&own["id"]).to_owned()));
        templates.reverse();
        lists.push(Known::new("/v1/document-templates", templates));
        let open = open_items(&company, &lists, &laying.customers[0]);
        lists.push(open);
        Ground { company, lists }
    }
}

/// Rates, the latest day first, then by currency.
fn lay_rates(company: &Company) -> Vec<Value> {
    let mut rates = Vec::new();
    for (at, date) in DAYS.iter().rev().enumerate() {
        for (currency, rate) in [("EUR", format!("7.4{at}")), ("JPY", format!("0.04{at}1"))] {
            let body = json!({ "currency": currency, "date": date, "rate": rate });
            rates.push(company.api.send("PUT", "/v1/exchange-rates", &body).is(200));
        }
    }
    rates
}

/// OSS rates, by country and then by day.
fn lay_oss_rates(company: &Company) -> Vec<Value> {
    let countries = [("DE", "19"), ("FR", "20"), ("NL", "21")];
    let of = |(country, rate): (&str, &str)| {
        DAYS.map(|day| {
            let body = json!({ "country": country, "rate": rate, "validFrom": day });
            company.api.send("PUT", "/v1/oss-rates", &body).is(200)
        })
    };
    countries.into_iter().flat_map(of).collect()
}

fn lay_catalogue(company: &Company) {
    let first = company.api.get("/v1/product-groups").is(200)["data"][0].clone();
    let groups = [("20", "Courses"), ("3", "honey & wax"), ("X_3", "Æbler 100 %")].map(|(number, name)| {
        let mut body = json!({ "number": number, "name": name });
        for field in ["domesticAccountId", "euAccountId", "abroadAccountId", "domesticWithoutVatAccountId"] {
            body[field] = first[field].clone();
        }
        company.api.post("/v1/product-groups", &body).is(201)["id"].clone()
    });
    let names = ["Æblehonning", "Honey, 100 %", "honey_jar", "Bee\\Wax", "Honeycomb", "Æblehonning", "queen", "蜂蜜"];
    for (at, name) in names.iter().enumerate() {
        let body = json!({
            "number": format!("H{}-{at}", at % 3), "name": name, "productGroupId": groups[at % 2],
            "isActive": at % 3 != 1, "metadata": pairs(at),
        });
        company.api.post("/v1/products", &body).is(201);
    }
}

/// Pairs of the n-th of something: each is shared by some.
fn pairs(at: usize) -> Value {
    let parity = if at.is_multiple_of(2) { "even" } else { "odd" };
    if at % 4 == 3 { json!({}) } else { json!({ "parity": parity, "third": format!("{} %_", at % 3) }) }
}

fn lay_customers(company: &Company) -> Vec<Value> {
    let receivables = company.api.get("/v1/customer-groups").is(200)[0]["accountId"].clone();
    for (number, at) in [("12", 0), ("7", 1)] {
        let body = json!({ "number": number, "name": "Others", "accountId": receivables, "metadata": pairs(at) });
        company.api.post("/v1/customer-groups", &body).is(201);
    }
    let named = [
        ("9", "Café Lindeblomst"),
        ("10", "Ærø Brød"),
        ("100", "100 % Bi_er \\ Søn"),
        ("K-1", "Fru Hansen"),
        ("2", "蜂蜜"),
    ];
    let customers = named.iter().enumerate().map(|(at, (number, name))| {
        let mut body = json!({ "customerNumber": number, "name": name, "vatNumber": null, "metadata": pairs(at) });
        if at % 2 == 0 {
            body["externalSystemId"] = json!(format!("crm {at}"));
        }
        company.customer(body)
    });
    customers.collect()
}

impl Laying {
    fn document(&self, at: usize, more: Value) -> Value {
        let currency = ["DKK", "DKK", "EUR", "DKK", "JPY"][at % 5];
        let mut body = json!({
            "customerId": self.customers[at % 4], "date": DAYS[1 + at % 3], "currency": currency,
            "lines": [line(&self.price, ["1", "2.5", "3", "10"][at % 4])], "metadata": pairs(at),
        });
        if !at.is_multiple_of(3) {
            body["reference"] = json!(format!("PO-{}", at % 4));
        }
        if let Some(text) = ["Skæve Æbler", "100 % pærer", "under_streg"].get(at % 4) {
            body["description"] = json!(text);
        }
        merge(&mut body, more);
        body
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.company.api.post(path, body).is(201)
    }

    fn below(&self, path: &str, of: &Value, what: &str, body: Value) -> Value {
        let answer = self.company.api.post(&format!("/v1/{path}/{}/{what}", text(&of["id"])), &body);
        assert!(answer.status == 200 || answer.status == 201, "{} answered {}", answer.asked, answer.text());
        answer.json()
    }

    /// Invoices with everything that may become of one; half of them are to be paid in ten years.
    fn lay_invoices(&self) -> Vec<Value> {
        let made = (0..22).map(|at| {
            let terms = if at % 4 == 1 { 3_650 } else { 14 };
            let draft = self.post("/v1/invoices", &self.document(at, json!({ "paymentTerms": terms })));
            let sent = || self.company.sent("invoices", &draft);
            match at % 11 {
                0 | 1 => {}
                2 => drop(self.below("invoices", &draft, "cancel", json!({}))),
                3..=5 => drop(sent()),
                6 => {
                    let amount = sent()["amount"].clone();
                    self.below("invoices", &draft, "payments", json!({ "amount": amount, "date": DAY }));
                }
                7 => {
                    sent();
                    self.below("invoices", &draft, "payments", json!({ "amount": "1", "date": DAY }));
                }
                8 => {
                    sent();
                    self.below("invoices", &draft, "credit", json!({}));
                }
                9 => {
                    let note = sent()["lines"][0]["id"].clone();
                    let part = json!({ "lines": [{ "invoiceLineId": note, "quantity": "0.5" }] });
                    self.below("invoices", &draft, "credit", part);
                }
                _ => {
                    sent();
                    self.below("invoices", &draft, "write-off", json!({ "date": DAY, "reason": "Bankruptcy" }));
                }
            }
            draft["id"].clone()
        });
        made.collect()
    }

    /// Credit notes that stand for themselves and that credit invoices; drafts, voided, sent.
    fn lay_notes(&self, invoices: &[Value]) -> Vec<Value> {
        let invoices: Vec<Value> =
            invoices.iter().map(|id| self.company.now("invoices", &json!({ "id": id }))).collect();
        let open = invoices.iter().filter(|invoice| invoice["status"] == "sent");
        let mut made: Vec<Value> = Vec::new();
        for (at, invoice) in open.enumerate() {
            let body = json!({
                "customerId": invoice["customerId"], "currency": invoice["currency"], "date": invoice["date"],
                "invoiceNumber": invoice["number"], "lines": [line(&self.price, "0.5")],
            });
            let mut whole = self.document(at, json!({}));
            merge(&mut whole, body);
            made.push(self.post("/v1/credit-notes", &whole));
        }
        made.extend((0..9).map(|at| self.post("/v1/credit-notes", &self.document(at, json!({})))));
        for (at, note) in made.iter().enumerate() {
            match at % 4 {
                0 => {}
                1 => drop(self.below("credit-notes", note, "void", json!({ "reason": "Made by mistake" }))),
                _ => drop(self.company.sent("credit-notes", note)),
            }
        }
        made.into_iter().map(|note| note["id"].clone()).collect()
    }

    /// Departments of a customer, in the order they were added; some are closed.
    fn lay_departments(&self) -> Known {
        let path = "/v1/customers/{id}/departments";
        let place = path.replace("{id}", text(&self.customers[1]));
        let made = ["Skole", "Arkiv", "Park"].iter().enumerate();
        let all = made.map(|(at, name)| self.post(&place, &json!({ "name": name, "isActive": at != 1 }))).collect();
        Known { place, ..Known::new(path, all) }
    }

    /// Quotes with everything that may become of one, order confirmations that were made of some and others.
    fn lay_offers(&self) -> Vec<Value> {
        let send = |path: &str, draft: &Value| self.below(path, draft, "send", json!({}));
        let last = |at: usize| ["2199-12-31", "2198-01-01"][at % 2];
        let made = (0..16).map(|at| {
            let mut more = json!({});
            if at % 3 != 1 {
                more["validUntil"] = json!(last(at));
            }
            let draft = self.post("/v1/quotes", &self.document(at, more));
            match at % 8 {
                0 | 1 => {}
                2 => {
                    send("quotes", &draft);
                    // Time goes by.
                    let id = text(&draft["id"]);
                    let sql = format!("update documents set valid_until = '{}' where id = '{id}'", DAYS[3]);
                    let _ = self.company.house.books.rows(&sql);
                }
                3 => drop(send("quotes", &draft)),
                4 => {
                    send("quotes", &draft);
                    self.below("quotes", &draft, "accept", json!({}));
                }
                5 => {
                    send("quotes", &draft);
                    self.below("quotes", &draft, "reject", json!({}));
                }
                6 => {
                    send("quotes", &draft);
                    self.below("quotes", &draft, "convert", json!({ "target": "orderConfirmation" }));
                }
                _ => {
                    send("quotes", &draft);
                    let target = json!({ "target": "orderConfirmation" });
                    let made = self.below("quotes", &draft, "convert", target);
                    send("order-confirmations", &made);
                    self.below("order-confirmations", &made, "convert", json!({ "target": "invoice" }));
                }
            }
            draft["id"].clone()
        });
        let made = made.collect();
        for at in 0..8 {
            let draft = self.post("/v1/order-confirmations", &self.document(at, json!({})));
            if at % 2 == 0 {
                send("order-confirmations", &draft);
            }
        }
        made
    }

    /// The reminders of one invoice, which cost nothing: what is open stays what the documents say.
    fn lay_reminders(&self) -> Known {
        let steps: Vec<Value> = (1..=10).map(|days| json!({ "daysAfterDue": days })).collect();
        self.company.api.send("PUT", "/v1/dunning-schedule", &json!({ "enabled": false, "steps": steps })).is(200);
        let customer = &self.customers[4];
        let address = json!({ "email": "kontor@lindeblomst.example" });
        self.company.api.patch(&format!("/v1/customers/{}", text(customer)), &address).is(200);
        let body = json!({ "customerId": customer, "date": DAYS[0], "lines": [line(&self.price, "1")] });
        let invoice = self.company.sent("invoices", &self.post("/v1/invoices", &body));
        let place = format!("/v1/invoices/{}/reminders", text(&invoice["id"]));
        let reminders = (0..5).map(|_| {
            let made = self.company.api.post(&place, &json!({})).is(201);
            let own = format!("{place}/{}", text(&made["id"]));
            testkit::wait_for("its mail", || {
                Some(self.company.api.get(&own).is(200)).filter(|reminder| reminder["status"] == "sent")
            })
        });
        Known { place: place.clone(), ..Known::new("/v1/invoices/{id}/reminders", reminders.collect()) }
    }

    /// The short lists below one resource: oldest first.
    fn lay_settlement(&self) -> Vec<Known> {
        let (customer, price) = (&self.customers[0], &self.price);
        let invoice = || self.company.invoice(customer, json!([line(price, "1")]));
        let list = |path: &'static str, id: &Value, all: Vec<Value>| Known {
            place: path.replace("{id}", text(id)),
            ..Known::new(path, all)
        };
        let paid = invoice();
        let payment = |at: usize| json!({ "amount": format!("{at}.50"), "date": DAY });
        let payments = (1..=5).map(|at| self.below("invoices", &paid, "payments", payment(at))).collect();
        let lost = invoice();
        let loss = |at: usize| json!({ "amount": format!("{at}.50"), "date": DAY, "reason": "Bankruptcy" });
        let write_offs = (1..=4).map(|at| self.below("invoices", &lost, "write-off", loss(at))).collect();
        let note = self.company.credit(customer, None, json!([line(price, "5")]), json!({})).is(201);
        let note = self.company.sent("credit-notes", &note);
        let over = self.below("invoices", &invoice(), "payments", json!({ "amount": "1000", "date": DAY }));
        let item = json!({ "id": over["openItemId"] });
        let used = |path: &str, of: &Value| -> (Vec<Value>, Vec<Value>) {
            let set_off =
                |_| self.below(path, of, "allocations", json!({ "invoiceId": invoice()["id"], "amount": "7" }));
            let refund = |at: usize| json!({ "amount": format!("{at}.50"), "date": DAY, "reference": "4711" });
            ((0..4).map(set_off).collect(), (1..=4).map(|at| self.below(path, of, "refunds", refund(at))).collect())
        };
        let (of_note, of_item) = (used("credit-notes", &note), used("open-items", &item));
        vec![
            list("/v1/invoices/{id}/payments", &paid["id"], payments),
            list("/v1/invoices/{id}/write-offs", &lost["id"], write_offs),
            list("/v1/credit-notes/{id}/allocations", &note["id"], of_note.0),
            list("/v1/credit-notes/{id}/refunds", &note["id"], of_note.1),
            list("/v1/open-items/{id}/allocations", &item["id"], of_item.0),
            list("/v1/open-items/{id}/refunds", &item["id"], of_item.1),
        ]
    }
}

/// The open items of a customer: what is open of each document is what the document says.
fn open_items(company: &Company, lists: &[Known], customer: &Value) -> Known {
    let path = "/v1/customers/{id}/open-items";
    let place = path.replace("{id}", text(customer));
    let all = rows(&company.api.get(&place).is(200)).to_vec();
    let mut found: Vec<(String, String)> = all
        .iter()
        .filter(|item| item["documentId"].is_string())
        .map(|item| (text(&item["documentId"]).to_owned(), text(&item["openAmount"]).to_owned()))
        .collect();
    let of = |path: &str, field: &str| -> Vec<(String, String)> {
        let list = lists.iter().find(|list| list.path == path).unwrap();
        let own = list.all.iter().filter(|own| own["customerId"] == *customer && minor(&own[field]) != 0);
        own.filter(|own| own["bookedAt"].is_string())
            .map(|own| (text(&own["id"]).to_owned(), text(&own[field]).to_owned()))
            .collect()
    };
    let mut expected = [of("/v1/invoices", "openAmount"), of("/v1/credit-notes", "remainingAmount")].concat();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "what is open is what the documents say");
    assert!(all.iter().any(|item| item["paymentId"].is_string()), "an overpayment is an open item");
    let dates: Vec<&str> = all.iter().map(|item| text(&item["date"])).collect();
    assert!(dates.is_sorted(), "{dates:?}");
    Known { place, ..Known::new(path, all) }
}

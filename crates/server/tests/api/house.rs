//! A served house on each engine, companies in it, and a client that reads as the tests speak.

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::{Value, json};
use testkit::{Books, Folder, Server, shared_postgres, wait_for};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_ledgerbee");

/// Writes each test twice: on the embedded database and on PostgreSQL.
macro_rules! on_both_engines {
    ($($(#[doc = $doc:literal])* fn $name:ident($house:ident) $body:block)+) => {
        $($(#[doc = $doc])* fn $name($house: &'static crate::house::House) $body)+
        mod on_sqlite { $(#[test] fn $name() { super::$name(crate::house::sqlite()); })+ }
        mod on_postgres { $(#[test] fn $name() { super::$name(crate::house::postgres()); })+ }
    };
}

/// One running server.
pub struct House {
    pub server: Server,
    pub folder: PathBuf,
    pub database_url: Option<String>,
    pub books: Books,
}

impl House {
    fn start(database_url: Option<String>) -> House {
        let folder = Folder::new();
        let path = folder.path().to_owned();
        let server = Server::shared(PROGRAM, folder, database_url.as_deref());
        let books = Books::of(&path, database_url.as_deref());
        House { server, folder: path, database_url, books }
    }

    /// Runs another command beside the server.
    pub fn command(&self, arguments: &[&str]) -> String {
        Server::command(PROGRAM, &self.folder, self.database_url.as_deref(), arguments)
    }

    /// A company made with these options; `name` and `--json` are added.
    pub fn company_with(&'static self, options: &[&str]) -> Company {
        let mut arguments = vec!["company", "create", "--json", "--name", "Bikuben ApS"];
        arguments.extend(options);
        let made: Value = serde_json::from_str(&self.command(&arguments)).unwrap();
        let api = Api::new(&self.server.root, text(&made["apiKey"]));
        Company { house: self, id: text(&made["companyId"]).to_owned(), api }
    }

    /// A Danish company with all that booking needs.
    pub fn company(&'static self) -> Company {
        self.company_with(&[
            "--country",
            "DK",
            "--address",
            "Lyngvej 7",
            "--postal-code",
            "8600",
            "--city",
            "Silkeborg",
            "--vat",
            "DK12345674",
            "--email",
            "faktura@bikuben.example",
        ])
    }
}

/// The house on the embedded database, shared by the tests of this process.
pub fn sqlite() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    HOUSE.get_or_init(|| House::start(None))
}

/// The house on PostgreSQL, shared by the tests of this process.
pub fn postgres() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    HOUSE.get_or_init(|| House::start(Some(shared_postgres().fresh_database())))
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub asked: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|fault| panic!("{}: {fault}: {}", self.asked, self.text()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{} answered {}", self.asked, self.text());
        if self.bytes.is_empty() { Value::Null } else { self.json() }
    }

    /// A refusal with this status and code, in the envelope; answers its details.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{} answered {}", self.asked, self.text());
        let body = self.json();
        assert_eq!(body["code"], code, "{} answered {}", self.asked, self.text());
        assert_eq!(body["statusCode"], status);
        assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
        assert!(body["timestamp"].as_str().is_some_and(|at| at.len() == 24 && at.ends_with('Z')), "{body}");
        assert!(body["path"].as_str().is_some_and(|path| !path.starts_with("/api")), "{body}");
        assert!(self.header("x-request-id").is_some_and(|id| !id.is_empty()));
        body["details"].clone()
    }

    /// A validation fault at this property by this rule.
    #[track_caller]
    pub fn faulty(self, property: &str, rule: &str) {
        let asked = self.asked.clone();
        let details = self.refused(400, "SHARED_VALIDATION_FAILED");
        let found = faults(&details);
        assert!(found.iter().any(|(p, r)| p == property && r == rule), "{asked}: {property} {rule} not in {found:?}");
    }
}

/// Property and rule of every validation fault.
pub fn faults(details: &Value) -> Vec<(String, String)> {
    let all = details["validationErrors"].as_array().into_iter().flatten();
    all.flat_map(|fault| {
        let property = text(&fault["property"]).to_owned();
        let rules = fault["constraints"].as_object().into_iter().flatten();
        rules.map(move |(rule, _)| (property.clone(), rule.clone())).collect::<Vec<_>>()
    })
    .collect()
}

/// A client with one key.
#[derive(Clone)]
pub struct Api {
    agent: ureq::Agent,
    root: String,
    pub key: String,
}

impl Api {
    pub fn new(root: &str, key: &str) -> Api {
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
        Api { agent: config.build().new_agent(), root: root.to_owned(), key: key.to_owned() }
    }

    /// A request with these headers besides the key, and this body as it stands; none when the
    /// connection broke.
    pub fn try_raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}/api{path}", self.root));
        if !self.key.is_empty() {
            request = request.header("x-api-key", &self.key);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let asked = format!("{method} {path} {}", String::from_utf8_lossy(&body[..body.len().min(300)]));
        let mut answer = self.agent.run(request.body(body).ok()?).ok()?;
        let headers = answer.headers().iter();
        let headers = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap_or_default().to_owned())).collect();
        let bytes = answer.body_mut().read_to_vec().ok()?;
        Some(Answer { asked, status: answer.status().as_u16(), headers, bytes })
    }

    pub fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_raw(method, path, headers, body).unwrap_or_else(|| panic!("{method} {path} got no answer"))
    }

    pub fn try_post(&self, path: &str, body: &Value) -> Option<Answer> {
        self.try_raw("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    pub fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.raw(method, path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, body)
    }

    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, body)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.raw("GET", path, &[], b"")
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.raw("DELETE", path, &[], b"")
    }
}

/// One company, and what tests do with it.
pub struct Company {
    pub house: &'static House,
    pub id: String,
    pub api: Api,
}

impl Company {
    /// A client with another key of the company's.
    pub fn key(&self, options: &[&str]) -> (String, Api) {
        let mut arguments = vec!["key", "create", "--json", "--company", &self.id];
        arguments.extend(options);
        let made: Value = serde_json::from_str(&self.house.command(&arguments)).unwrap();
        (text(&made["id"]).to_owned(), Api::new(&self.house.server.root, text(&made["key"])))
    }

    /// Waits until its queue is empty.
    pub fn settle(&self) {
        let sql = format!("select count(*) from jobs where company_id = '{}'", self.id);
        wait_for("an empty outbox", || (self.house.books.value(&sql) == "0").then_some(()));
    }

    /// A customer: a Danish business, but where `changes` says otherwise.
    pub fn customer(&self, changes: Value) -> Value {
        let groups = self.api.get("/v1/customer-groups").is(200);
        let mut customer = json!({
            "customerType": "business", "name": "Café Lindeblomst", "countryCode": "DK", "vatZone": "domestic",
            "customerGroupId": groups[0]["id"], "vatNumber": "DK87654370", "address": "Torvet 3", "postalCode": "8000",
            "city": "Aarhus C",
        });
        merge(&mut customer, changes);
        self.api.post("/v1/customers", &customer).is(201)["id"].clone()
    }

    /// A product of the default group with one active price; answers the price's id.
    pub fn price(&self, unit_amount: &str) -> Value {
        self.price_with(json!({}), json!({ "unitAmount": unit_amount }))
    }

    /// A product and its active price, with changes to both.
    pub fn price_with(&self, product: Value, price: Value) -> Value {
        let number = format!("P-{}", self.api.get("/v1/products?limit=1").is(200)["total"]);
        let groups = self.api.get("/v1/product-groups").is(200);
        let mut input = json!({ "number": number, "name": "Honey", "productGroupId": groups["data"][0]["id"] });
        merge(&mut input, product);
        let product = self.api.post("/v1/products", &input).is(201);
        let mut input = json!({
            "productId": product["id"], "billingPeriodType": "ONE_TIME", "pricingModel": "FLAT_RATE", "unitAmount": "100",
        });
        merge(&mut input, price);
        let price = self.api.post("/v1/product-prices", &input).is(201);
        self.api.post(&format!("/v1/product-prices/{}/activate", text(&price["id"])), &json!({})).is(200);
        price["id"].clone()
    }

    /// A draft.
    pub fn draft(&self, customer: &Value, lines: Value) -> Value {
        self.api.post("/v1/invoices", &json!({ "customerId": customer, "lines": lines })).is(201)
    }

    /// An invoice, sent by hand.
    pub fn invoice(&self, customer: &Value, lines: Value) -> Value {
        let draft = self.draft(customer, lines);
        self.sent("invoices", &draft)
    }

    /// A document, sent by hand, as it is then.
    pub fn sent(&self, path: &str, document: &Value) -> Value {
        let place = format!("/v1/{path}/{}", text(&document["id"]));
        self.api.post(&format!("{place}/send"), &json!({ "deliveryType": "Manual" })).is(200);
        self.api.get(&place).is(200)
    }

    /// Tries to make a credit note; `more` is added to its body.
    pub fn credit(&self, customer: &Value, invoice: Option<&Value>, lines: Value, more: Value) -> Answer {
        let mut body = json!({ "customerId": customer, "lines": lines });
        if let Some(invoice) = invoice {
            body["invoiceNumber"] = invoice["number"].clone();
        }
        merge(&mut body, more);
        self.api.post("/v1/credit-notes", &body)
    }

    /// A document as it is now.
    pub fn now(&self, path: &str, document: &Value) -> Value {
        self.api.get(&format!("/v1/{path}/{}", text(&document["id"]))).is(200)
    }

    /// Checks that the books hold together: each entry balances in its own and in the
    /// base currency, open items are what was posted on them, and the numbers of each
    /// series are 1 to n without a gap.
    pub fn check_books(&self) {
        let (books, id) = (&self.house.books, &self.id);
        let unbalanced = books.rows(&format!(
            "select e.sequence, sum(p.amount), sum(p.base_amount) from journal_entries e \
             join postings p on p.company_id = e.company_id and p.entry_id = e.id where e.company_id = '{id}' \
             group by e.sequence having sum(p.base_amount) <> 0 or sum(p.amount) <> 0"
        ));
        assert!(unbalanced.is_empty(), "entries that don't balance: {unbalanced:?}");
        let wrong = books.rows(&format!(
            "select i.id, i.open_amount, sum(p.amount), i.base_open_amount, sum(p.base_amount) from open_items i \
             join postings p on p.company_id = i.company_id and p.open_item_id = i.id where i.company_id = '{id}' \
             group by i.id, i.open_amount, i.base_open_amount \
             having i.open_amount <> sum(p.amount) or i.base_open_amount <> sum(p.base_amount)"
        ));
        assert!(wrong.is_empty(), "open items that differ from their postings: {wrong:?}");
        let gaps = books.rows(&format!(
            "select series_id, series_year, count(*), min(number_seq), max(number_seq), count(distinct number_seq) \
             from documents where company_id = '{id}' and number_seq is not null group by series_id, series_year \
             having min(number_seq) <> 1 or max(number_seq) <> count(*) or count(distinct number_seq) <> count(*)"
        ));
        assert!(gaps.is_empty(), "series with gaps or doubles: {gaps:?}");
        let next = books.rows(&format!(
            "select s.series_id from number_series_years s where s.company_id = '{id}' and s.next_number <> 1 + \
             (select count(*) from documents d where d.company_id = s.company_id and d.series_id = s.series_id \
              and d.series_year = s.year)"
        ));
        assert!(next.is_empty(), "series whose next number is not the next: {next:?}");
        let events = books.rows(&format!(
            "select count(*), max(sequence) from events where company_id = '{id}' having count(*) <> max(sequence)"
        ));
        assert!(events.is_empty(), "events with a gap: {events:?}");
        let order = books.rows(&format!(
            "select a.number, b.number from documents a join documents b on a.company_id = b.company_id \
             and a.series_id = b.series_id and a.series_year = b.series_year and b.number_seq = a.number_seq + 1 \
             where a.company_id = '{id}' and b.numbered_at < a.numbered_at"
        ));
        assert!(order.is_empty(), "later numbers that were given earlier: {order:?}");
    }

    /// What stands on each account that is not at zero, in base minor units.
    pub fn balances(&self) -> Vec<Vec<String>> {
        self.house.books.rows(&format!(
            "select a.account_number, a.name, sum(p.base_amount) from postings p \
             join accounts a on a.company_id = p.company_id and a.id = p.account_id where p.company_id = '{}' \
             group by a.account_number, a.name having sum(p.base_amount) <> 0 order by 1",
            self.id
        ))
    }
}

/// Lays the fields of `changes` over `value`; null takes a field away.
pub fn merge(value: &mut Value, changes: Value) {
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    for (name, change) in changes {
        if change.is_null() {
            value.as_object_mut().unwrap().remove(&name);
        } else {
            value[name] = change;
        }
    }
}

/// A JSON string's text.
#[track_caller]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// One product line.
pub fn line(price: &Value, quantity: &str) -> Value {
    json!({ "priceId": price, "quantity": quantity })
}

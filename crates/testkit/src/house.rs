//! A served house, companies in it, and what their books must hold to.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::api::{Answer, Api, merge, text};
use crate::{Books, Faults, Folder, Server, wait_for};

/// One running server.
pub struct House {
    /// The server.
    pub server: Server,
    /// The program it runs.
    pub program: String,
    /// Its data folder.
    pub folder: PathBuf,
    /// Its PostgreSQL, if it has one.
    pub database_url: Option<String>,
    /// Its books, past the program.
    pub books: Books,
    /// Whether all tests of a process share it.
    is_shared: bool,
}

impl House {
    /// Serves a folder that stays as it is when the server ends; `more` are further arguments of `serve`.
    pub fn serve(program: &str, folder: &Path, database_url: Option<&str>, more: &[&str]) -> House {
        House::of(Server::start(program, folder, database_url, more), program, folder, database_url, false)
    }

    /// The same with faults, which see [`Server::with_faults`].
    pub fn serve_with_faults(
        program: &str,
        folder: &Path,
        database_url: Option<&str>,
        more: &[&str],
        faults: &Faults,
    ) -> House {
        let server = Server::with_faults(program, folder, database_url, more, faults);
        House::of(server, program, folder, database_url, false)
    }

    /// Serves a fresh folder for all tests of a process, with which both end.
    pub fn shared(program: &str, database_url: Option<&str>) -> House {
        let folder = Folder::new();
        let path = folder.path().to_owned();
        House::of(Server::shared(program, folder, database_url), program, &path, database_url, true)
    }

    fn of(server: Server, program: &str, folder: &Path, database_url: Option<&str>, is_shared: bool) -> House {
        House {
            server,
            program: program.to_owned(),
            folder: folder.to_owned(),
            database_url: database_url.map(str::to_owned),
            books: Books::of(folder, database_url),
            is_shared,
        }
    }

    /// Runs another command beside the server.
    pub fn command(&self, arguments: &[&str]) -> String {
        Server::command(&self.program, &self.folder, self.database_url.as_deref(), arguments)
    }

    /// A company made with these options; `name` and `--json` are added.
    pub fn company_with(&self, options: &[&str]) -> Company<'_> {
        let mut arguments = vec!["company", "create", "--json", "--name", "Bikuben ApS"];
        arguments.extend(options);
        let made: Value = serde_json::from_str(&self.command(&arguments)).unwrap();
        let api = Api::new(&self.server.root, text(&made["apiKey"]));
        Company { house: self, id: text(&made["companyId"]).to_owned(), api }
    }

    /// A Danish company with all that booking needs.
    pub fn company(&self) -> Company<'_> {
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

/// One company, and what tests do with it.
pub struct Company<'h> {
    /// Where it is.
    pub house: &'h House,
    /// Its id.
    pub id: String,
    /// A client with a key that may do all.
    pub api: Api,
}

impl Company<'_> {
    /// A client with another key of the company's.
    pub fn key(&self, options: &[&str]) -> (String, Api) {
        let mut arguments = vec!["key", "create", "--json", "--company", &self.id];
        arguments.extend(options);
        let made: Value = serde_json::from_str(&self.house.command(&arguments)).unwrap();
        (text(&made["id"]).to_owned(), Api::new(&self.house.server.root, text(&made["key"])))
    }

    /// Waits until its queue is empty, but for what is scheduled.
    pub fn settle(&self) {
        let sql = format!("select count(*) from jobs where company_id = '{}' and kind <> 'scheduled'", self.id);
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
             having count(distinct number_seq) <> count(*)"
        ));
        assert!(gaps.is_empty(), "numbers given twice: {gaps:?}");
        let next = books.rows(&format!(
            "select s.series_id from number_series_years s where s.company_id = '{id}' and (s.next_number <> 1 + \
             (select count(*) from documents d where d.company_id = s.company_id and d.series_id = s.series_id \
              and d.series_year = s.year) + (select coalesce(sum(k.to_number - k.from_number + 1), 0) from \
              number_series_skips k where k.company_id = s.company_id and k.series_id = s.series_id \
              and k.year = s.year) or exists (select 1 from documents d where d.company_id = s.company_id \
              and d.series_id = s.series_id and d.series_year = s.year and (d.number_seq >= s.next_number \
              or d.number_seq < 1 or exists (select 1 from number_series_skips k where k.company_id = s.company_id \
              and k.series_id = s.series_id and k.year = s.year \
              and d.number_seq between k.from_number and k.to_number))))"
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

impl Drop for Company<'_> {
    /// Keeps the e-invoices of what was booked for the official validators, where `LEDGERBEE_KEEP_XML`
    /// names a folder for them (`./test`). At the end, as it archives them: a test may have compared its books.
    fn drop(&mut self) {
        let folder = std::env::var_os("LEDGERBEE_KEEP_XML").map(PathBuf::from);
        let Some(folder) = folder.filter(|_| self.house.is_shared && !std::thread::panicking()) else { return };
        let booked = self.house.books.rows(&format!(
            "select kind, id from documents where company_id = '{}' and booked_at is not null \
             and kind in ('invoice', 'creditNote')",
            self.id
        ));
        for (kind, id) in booked.iter().map(|row| (&row[0], &row[1])) {
            let path = if kind == "invoice" { "invoices" } else { "credit-notes" };
            for format in ["en16931-ubl", "en16931-cii"] {
                let answer = self.api.get(&format!("/v1/{path}/{id}/xml?format={format}"));
                if answer.status == 200 {
                    std::fs::write(folder.join(format!("{id}-{format}.xml")), answer.bytes).unwrap();
                } else {
                    answer.refused(400, "EINVOICE_NOT_VALID");
                }
            }
        }
    }
}

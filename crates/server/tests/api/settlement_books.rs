//! Random deeds that settle, in two currencies with rates that move: after any sequence the
//! receivables account is what is open, customer by customer, and what is undone leaves nothing.

use serde_json::{Value, json};

use crate::house::{Company, House, line, text};
use crate::model::Dice;

/// What was made and may be settled or undone, by its place in the API.
struct Played<'c> {
    company: &'c Company,
    customers: Vec<(Value, Value)>,
    invoices: Vec<Value>,
    notes: Vec<Value>,
    credits: Vec<String>,
    undoable: Vec<String>,
    done: usize,
}

const DAYS: [&str; 4] = ["2026-03-01", "2026-04-01", "2026-05-01", "2026-06-01"];

fn day(dice: &mut Dice) -> &'static str {
    DAYS[usize::try_from(dice.below(4)).unwrap()]
}

fn one<'l, T>(dice: &mut Dice, list: &'l [T]) -> Option<&'l T> {
    let count = u64::try_from(list.len()).unwrap();
    (count > 0).then(|| &list[usize::try_from(dice.below(count)).unwrap()])
}

/// An amount up to 200.00.
fn amount(dice: &mut Dice) -> String {
    let most = if dice.one_in(3) { 20_000 } else { 3_000 };
    let minor = 1 + dice.below(most);
    format!("{}.{:02}", minor / 100, minor % 100)
}

impl Played<'_> {
    /// Something may be refused (nothing is open, a credit is in use), but nothing may break.
    fn post(&mut self, path: &str, body: &Value) -> Option<Value> {
        let answer = self.company.api.post(path, body);
        assert!([200, 201, 400].contains(&answer.status), "{}: {}", answer.asked, answer.text());
        if answer.status == 400 {
            return None;
        }
        self.done += 1;
        Some(answer.json())
    }

    fn step(&mut self, dice: &mut Dice) {
        match dice.below(12) {
            0 | 1 => {
                let (customer, price) = one(dice, &self.customers).unwrap().clone();
                let lines = json!([line(&price, &format!("{}.{}", dice.below(2), 1 + dice.below(9)))]);
                let body = json!({ "customerId": customer, "date": day(dice), "lines": lines });
                let draft = self.post("/v1/invoices", &body).unwrap();
                self.invoices.push(self.company.sent("invoices", &draft));
            }
            2 => {
                let (customer, price) = one(dice, &self.customers).unwrap().clone();
                let lines = json!([line(&price, &format!("0.{}", 1 + dice.below(9)))]);
                let body = json!({ "customerId": customer, "date": day(dice), "lines": lines });
                let note = self.post("/v1/credit-notes", &body).unwrap();
                self.sent_note(&note);
            }
            3 => {
                let Some(invoice) = one(dice, &self.invoices).cloned() else { return };
                let of = json!([{ "invoiceLineId": invoice["lines"][0]["id"], "quantity": format!("0.{}", 1 + dice.below(9)) }]);
                let body =
                    json!({ "customerId": invoice["customerId"], "invoiceNumber": invoice["number"], "lines": of });
                if let Some(note) = self.post("/v1/credit-notes", &body) {
                    self.sent_note(&note);
                }
            }
            4..=6 => {
                let Some(invoice) = one(dice, &self.invoices) else { return };
                let path = format!("/v1/invoices/{}/payments", text(&invoice["id"]));
                let body = json!({ "amount": amount(dice), "date": day(dice) });
                let paid = self.post(&path, &body).unwrap();
                if let Some(item) = paid["openItemId"].as_str() {
                    self.credits.push(format!("/v1/open-items/{item}"));
                }
                self.undoable.push(format!("{path}/{}", text(&paid["id"])));
            }
            7 => {
                let (Some(credit), Some(invoice)) = (one(dice, &self.credits), one(dice, &self.invoices)) else {
                    return;
                };
                let path = format!("{credit}/allocations");
                let mut body = json!({ "invoiceId": invoice["id"] });
                if dice.one_in(2) {
                    body["amount"] = json!(amount(dice));
                }
                self.make(&path, &body);
            }
            8 => {
                let Some(credit) = one(dice, &self.credits) else { return };
                let path = format!("{credit}/refunds");
                self.make(&path, &json!({ "amount": amount(dice), "date": day(dice), "reference": "4711" }));
            }
            9 => {
                let Some(invoice) = one(dice, &self.invoices) else { return };
                let place = format!("/v1/invoices/{}", text(&invoice["id"]));
                let mut body = json!({ "date": day(dice), "reason": "Bankruptcy" });
                if dice.one_in(2) {
                    body["amount"] = json!(amount(dice));
                }
                if dice.one_in(2) {
                    crate::house::merge(&mut body, json!({ "vatRelief": true, "evidence": "SKS 1-234/2026" }));
                }
                if let Some(lost) = self.post(&format!("{place}/write-off"), &body) {
                    self.undoable.push(format!("{place}/write-offs/{}", text(&lost["id"])));
                }
            }
            _ => {
                let Some(path) = one(dice, &self.undoable).cloned() else { return };
                let answer = self.company.api.delete(&path);
                assert!([204, 400].contains(&answer.status), "{}: {}", answer.asked, answer.text());
                self.done += usize::from(answer.status == 204);
            }
        }
    }

    fn sent_note(&mut self, note: &Value) {
        let note = self.company.sent("credit-notes", note);
        let place = format!("/v1/credit-notes/{}", text(&note["id"]));
        let list = self.company.api.get(&format!("{place}/allocations")).is(200);
        for allocation in list["data"].as_array().unwrap() {
            self.undoable.push(format!("{place}/allocations/{}", text(&allocation["id"])));
        }
        self.credits.push(place);
        self.notes.push(note);
    }

    fn make(&mut self, path: &str, body: &Value) {
        if let Some(made) = self.post(path, body) {
            self.undoable.push(format!("{path}/{}", text(&made["id"])));
        }
    }

    /// Control account and open items, customer by customer, in both currencies.
    fn check(&self) {
        let id = &self.company.id;
        let books = &self.company.house.books;
        let posted = books.rows(&format!(
            "select p.customer_id, p.currency, sum(p.amount), sum(p.base_amount) from postings p join accounts a \
             on a.company_id = p.company_id and a.id = p.account_id where p.company_id = '{id}' \
             and a.control_type = 'ACCOUNTS_RECEIVABLE' group by p.customer_id, p.currency order by 1, 2"
        ));
        let open = books.rows(&format!(
            "select customer_id, currency, sum(open_amount), sum(base_open_amount) from open_items \
             where company_id = '{id}' group by customer_id, currency order by 1, 2"
        ));
        assert_eq!(posted, open);
        let stray = books.rows(&format!(
            "select id from open_items where company_id = '{id}' and open_amount = 0 and base_open_amount <> 0"
        ));
        assert!(stray.is_empty(), "settled items that still carry something: {stray:?}");
        self.company.check_books();
    }

    /// Each document says of itself what its item says, and each statement ends where the items stand.
    fn check_documents(&self) {
        for invoice in &self.invoices {
            let now = self.company.now("invoices", invoice);
            let sql = format!("select open_amount from open_items where document_id = '{}'", text(&invoice["id"]));
            let open = text(&now["openAmount"]).replace('.', "").parse::<i64>().unwrap();
            assert_eq!(open.to_string(), self.company.house.books.value(&sql), "{now}");
        }
        for (customer, _) in &self.customers {
            let place = format!("/v1/customers/{}", text(customer));
            let items = self.company.api.get(&format!("{place}/open-items")).is(200);
            let statement = self.company.api.get(&format!("{place}/statement?to=2099-12-31")).is(200);
            for account in statement["accounts"].as_array().unwrap() {
                let balances = items["balances"].as_array().unwrap();
                let own = balances.iter().find(|balance| balance["currency"] == account["currency"]);
                let balance = own.map_or("0.00", |balance| text(&balance["balance"]));
                assert_eq!(account["closingBalance"], balance, "{statement}");
            }
        }
    }
}

/// Rates that move, as on four days of a year.
const RATES: [&str; 4] = ["7.4371", "7.5", "7.6129", "7.391"];

fn play(house: &'static House, steps: usize, rates: [&str; 4]) -> Company {
    let seed = std::env::var("LEDGERBEE_SETTLEMENT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124);
    let steps = std::env::var("LEDGERBEE_SETTLEMENT_STEPS").ok().and_then(|steps| steps.parse().ok()).unwrap_or(steps);
    println!("LEDGERBEE_SETTLEMENT_SEED={seed}");
    let company = house.company();
    for (date, rate) in DAYS.iter().zip(rates) {
        company
            .api
            .send("PUT", "/v1/exchange-rates", &json!({ "currency": "EUR", "date": date, "rate": rate }))
            .is(200);
    }
    let euro = company.price_with(json!({}), json!({ "unitAmount": "99.99", "currency": "EUR" }));
    let krone = company.price("33.33");
    let customers = [("EUR", &euro), ("EUR", &euro), ("DKK", &krone)];
    let customers =
        customers.map(|(currency, price)| (company.customer(json!({ "currency": currency })), price.clone()));
    let mut played = Played {
        company: &company,
        customers: customers.to_vec(),
        invoices: Vec::new(),
        notes: Vec::new(),
        credits: Vec::new(),
        undoable: Vec::new(),
        done: 0,
    };
    let mut dice = Dice::new(seed);
    for step in 1..=steps {
        played.step(&mut dice);
        if step % 100 == 0 {
            played.check();
        }
    }
    assert!(played.done > steps / 3, "only {} of {steps} steps were done", played.done);
    played.check();
    played.check_documents();
    crate::doctor::check_sound(&company);
    company
}

/// Every posting on the account that plays a role, in minor units of the company's currency.
fn posted(company: &Company, role: &str) -> Vec<i64> {
    let sql = format!(
        "select p.base_amount from postings p join accounts a on a.company_id = p.company_id and a.id = p.account_id \
         where p.company_id = '{}' and a.role = '{role}'",
        company.id
    );
    company.house.books.rows(&sql).concat().iter().map(|amount| amount.parse().unwrap()).collect()
}

/// With one rate on every day nothing is gained or lost by exchange, whatever is done; what rounding leaves
/// where two items close each other is a few minor units each.
fn play_at_one_rate(house: &'static House, steps: usize) {
    let company = play(house, steps, ["7.4567"; 4]);
    assert_eq!(posted(&company, "ExchangeDifference"), Vec::<i64>::new());
    let rounding = posted(&company, "Rounding");
    assert!(rounding.iter().all(|minor| minor.abs() <= 5), "{rounding:?}");
}

#[test]
fn one_rate_makes_no_exchange_difference_on_sqlite() {
    play_at_one_rate(crate::house::sqlite(), 1_000);
}

#[test]
fn one_rate_makes_no_exchange_difference_on_postgres() {
    play_at_one_rate(crate::house::postgres(), 200);
}

#[test]
fn what_is_open_is_what_the_receivables_account_says_on_sqlite() {
    let company = play(crate::house::sqlite(), 2_000, RATES);
    assert_ne!(posted(&company, "ExchangeDifference"), Vec::<i64>::new());
}

#[test]
fn what_is_open_is_what_the_receivables_account_says_on_postgres() {
    play(crate::house::postgres(), 300, RATES);
}

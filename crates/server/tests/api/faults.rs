//! Faults around a server that goes on: its disk, its clock, its PostgreSQL, its mail server.
//! While one lasts, requests are answered 503 with `Retry-After` or wait, and the log says why;
//! nothing that was answered is lost, nothing is done that was not; once it ends, all goes on
//! by itself. `LEDGERBEE_FAULT_ROUNDS` says how often each comes; once by default.

mod clock;
mod disk;
mod mail;
mod postgres;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Faults, Folder, wait_within};

use crate::house::{Answer, Api, Company, House, PROGRAM, line, text};

const CLIENTS: usize = 8;

/// How often each fault comes.
fn rounds() -> usize {
    std::env::var("LEDGERBEE_FAULT_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1)
}

/// A server with faults in a folder of its own; both end with this value.
pub struct Place {
    pub house: &'static House,
    pub faults: Faults,
    _folder: Folder,
}

impl Place {
    pub fn serve(database_url: Option<&str>, more: &[&str]) -> Place {
        let folder = Folder::new();
        let faults = Faults::of(folder.path());
        let house = House::serve_with_faults(PROGRAM, folder.path(), database_url, more, &faults);
        Place { house: Box::leak(Box::new(house)), faults, _folder: folder }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.house.server.signal("KILL");
    }
}

/// A document as it was last answered.
struct Told {
    path: &'static str,
    document: Value,
}

/// What all clients of a load were told.
#[derive(Default)]
struct Counts {
    done: AtomicUsize,
    refused: AtomicUsize,
    is_over: AtomicBool,
}

impl Counts {
    /// As long as it takes on a machine that does much else.
    fn wait_for_more(&self, what: &str, of: &AtomicUsize, more: usize) {
        let now = of.load(Ordering::Relaxed);
        wait_within(Duration::from_secs(600), what, || (of.load(Ordering::Relaxed) >= now + more).then_some(()));
    }
}

/// Ends a load also when what happens meanwhile panics: its clients would go on for ever.
struct Ends<'a>(&'a Counts);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }
}

/// How a client repeats what was refused for now.
#[derive(Clone, Copy, PartialEq)]
enum Repeating {
    /// As it was: "nothing was done" is taken at its word.
    Plainly,
    /// Under the same idempotency key, for where a commit may be lost on its way to us.
    ByKey,
}

/// One client of a load: it repeats what was refused with 503, as its users do.
struct Client<'a> {
    name: usize,
    repeating: Repeating,
    api: &'a Api,
    customer: &'a Value,
    price: &'a Value,
    invoice: &'a Value,
    counts: &'a Counts,
    asked: usize,
    told: Vec<Told>,
}

impl Client<'_> {
    /// Asks until it is done. None when the load is over before.
    fn ask(&mut self, method: &str, path: &str, body: &Value, status: u16) -> Option<Value> {
        self.asked += 1;
        // Each load credits an invoice of its own.
        let key = format!("{} client {} request {}", text(&self.invoice["number"]), self.name, self.asked);
        let mut headers = vec![("content-type", "application/json")];
        if self.repeating == Repeating::ByKey {
            headers.push(("x-api-idempotency-key", &key));
        }
        let body = body.to_string();
        loop {
            let answer = self.api.raw(method, path, &headers, body.as_bytes());
            if answer.status != 503 {
                self.counts.done.fetch_add(1, Ordering::Relaxed);
                return Some(answer.is(status));
            }
            refused(answer);
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
            if self.counts.is_over.load(Ordering::Relaxed) {
                return None;
            }
            // Not at once again, as Retry-After says; sooner than it says, so that tests are quick.
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn make(&mut self, path: &'static str, body: &Value) -> Option<String> {
        let document = self.ask("POST", &format!("/v1/{path}"), body, 201)?;
        let place = format!("/v1/{path}/{}", text(&document["id"]));
        self.told.push(Told { path, document });
        Some(place)
    }

    fn change(&mut self, place: &str, body: &Value) -> Option<()> {
        let changed = self.ask("PATCH", place, body, 200)?;
        self.told.last_mut()?.document = changed;
        Some(())
    }

    fn send(&mut self, place: &str) -> Option<()> {
        // What a document is once sent is read as it is compared: by its number and status.
        let sent = self.ask("POST", &format!("{place}/send"), &json!({ "deliveryType": "Manual" }), 200)?;
        let document = &mut self.told.last_mut()?.document;
        *document = json!({ "id": document["id"], "number": sent["number"], "status": sent["status"] });
        Some(())
    }

    fn work(&mut self) -> Option<()> {
        while !self.counts.is_over.load(Ordering::Relaxed) {
            let mut body = json!({ "customerId": self.customer, "lines": [line(self.price, "1")] });
            let place = self.make("invoices", &body)?;
            let changed = json!({ "customerId": self.customer, "lines": [line(self.price, "2")], "notes": "Tak" });
            self.change(&place, &changed)?;
            self.send(&place)?;
            body["invoiceNumber"] = self.invoice["number"].clone();
            body["lines"][0]["quantity"] = json!("0.001");
            let place = self.make("credit-notes", &body)?;
            self.send(&place)?;
        }
        Some(())
    }
}

/// A refusal for now, as it must be told.
fn refused(answer: Answer) {
    assert!(answer.header("retry-after").is_some(), "{} was refused without Retry-After", answer.asked);
    answer.refused(503, "UNAVAILABLE");
}

/// Runs a load, and within it what happens to the server. Then compares: each document is as it
/// was answered, there is none that was not, and the books hold.
fn under_load(company: &Company, happens: impl FnOnce(&Counts)) {
    under_load_of(company, Repeating::Plainly, happens);
}

fn under_load_of(company: &Company, repeating: Repeating, happens: impl FnOnce(&Counts)) {
    let (customer, price) = (company.customer(json!({})), company.price("1000"));
    let invoice = company.invoice(&customer, json!([line(&price, "9999")]));
    let count_of =
        || company.house.books.value(&format!("select count(*) from documents where company_id = '{}'", company.id));
    let before: usize = count_of().parse().unwrap();
    let counts = Counts::default();
    let told: Vec<Told> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|name| {
                let (api, customer, price, invoice, counts) = (&company.api, &customer, &price, &invoice, &counts);
                let (asked, told) = (0, Vec::new());
                let mut client = Client { name, repeating, api, customer, price, invoice, counts, asked, told };
                scope.spawn(move || {
                    client.work();
                    client.told
                })
            })
            .collect();
        let ends = Ends(&counts);
        counts.wait_for_more("a load", &counts.done, 40);
        happens(&counts);
        counts.wait_for_more("the load to go on", &counts.done, 40);
        drop(ends);
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    for Told { path, document } in &told {
        let now = company.now(path, document);
        for (field, value) in document.as_object().unwrap() {
            assert_eq!(now[field], *value, "{field} of {path} {}", document["id"]);
        }
    }
    assert_eq!(count_of(), (before + told.len()).to_string(), "documents that nobody was told of");
    company.check_books();
    company.settle();
    println!(
        "| {} answered | {} refused | {} documents |",
        counts.done.into_inner(),
        counts.refused.into_inner(),
        told.len()
    );
}

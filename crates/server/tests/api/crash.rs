//! `kill -9` in the middle of the load, of the server or of PostgreSQL under it, start again, and
//! look: what was answered is there as it was answered, what was not is there whole or not at all,
//! no number is missing, the books balance, no paper that is owed is forgotten.
//! `LEDGERBEE_CRASH_ROUNDS` says how often; 3 by default, 200 (50 on PostgreSQL) in the long form.
//! The drill on a cluster needs Patroni and etcd, and is run on demand.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Blow, Cluster, Faults, Folder, MailServer, Manner, Postgres, shared_postgres, wait_for};

use crate::house::{Answer, Api, Company, House, PROGRAM, line, text};

const CLIENTS: usize = 16;

fn rounds() -> usize {
    std::env::var("LEDGERBEE_CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3)
}

/// What a client was told of one document.
struct Told {
    path: &'static str,
    id: String,
    /// As it was last answered.
    document: Value,
    number: Option<String>,
    /// What was asked of it and not answered, if anything.
    asked: Option<&'static str>,
    is_deleted: bool,
}

/// A document's number, of whatever kind it is.
fn number_of(document: &Value) -> Option<String> {
    document.get("number").unwrap_or(&document["documentNumber"]).as_str().map(str::to_owned)
}

/// One client's part of the load.
struct Client<'a> {
    api: &'a Api,
    customer: &'a Value,
    price: &'a Value,
    invoice: &'a Value,
    told: Vec<Told>,
    /// How much all clients were told.
    count: &'a AtomicUsize,
    /// Whether the round is over.
    is_over: &'a AtomicBool,
}

impl Client<'_> {
    /// The answer's body; none when there was none, or when it says that the books are away.
    fn answered(&self, answer: Option<Answer>, status: u16) -> Option<Value> {
        let answer = answer.filter(|answer| answer.status != 503)?;
        let body = answer.is(status);
        self.count.fetch_add(1, Ordering::Relaxed);
        Some(body)
    }

    fn make(&mut self, path: &'static str, body: &Value) -> Option<()> {
        let document = self.answered(self.api.try_post(&format!("/v1/{path}"), body), 201)?;
        let (id, number) = (text(&document["id"]).to_owned(), number_of(&document));
        self.told.push(Told { path, id, document, number, asked: None, is_deleted: false });
        Some(())
    }

    /// Asks something of the last document made, and keeps that it was asked until it is answered.
    fn ask(&mut self, what: &'static str, method: &str, action: &str, body: &Value, status: u16) -> Option<Value> {
        let told = self.told.last_mut()?;
        told.asked = Some(what);
        let place = format!("/v1/{}/{}{action}", told.path, told.id);
        let json = [("content-type", "application/json")];
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let headers = if body.is_null() { &[][..] } else { &json };
        let body = self.answered(self.api.try_raw(method, &place, headers, text.as_bytes()), status)?;
        self.told.last_mut()?.asked = None;
        Some(body)
    }

    /// Sends the last document made and reads it as it is then.
    fn send(&mut self) -> Option<()> {
        let sent = self.ask("send", "POST", "/send", &json!({ "deliveryType": "Manual" }), 200)?;
        self.told.last_mut()?.number = sent["number"].as_str().map(str::to_owned);
        self.read()
    }

    /// Makes an invoice of the last document made and reads it as it is then.
    fn convert(&mut self) -> Option<()> {
        self.ask("convert", "POST", "/convert", &json!({ "target": "invoice" }), 201)?;
        self.read()
    }

    fn read(&mut self) -> Option<()> {
        let document = self.ask("read", "GET", "", &Value::Null, 200)?;
        self.told.last_mut()?.document = document;
        Some(())
    }

    /// Works until the round is over; what is not answered is let be.
    fn work_on(&mut self) {
        while !self.is_over.load(Ordering::Relaxed) {
            self.work();
        }
    }

    /// Drafts, changes, deletes some, sends, credits and makes invoices of quotes, until nobody answers or the round is over.
    fn work(&mut self) -> Option<()> {
        for turn in 0.. {
            (!self.is_over.load(Ordering::Relaxed)).then_some(())?;
            let mut body = json!({ "customerId": self.customer, "lines": [line(self.price, "1")] });
            self.make("invoices", &body)?;
            let change =
                json!({ "customerId": self.customer, "lines": [line(self.price, "2"), line(self.price, "0.5")] });
            let changed = self.ask("change", "PATCH", "", &change, 200)?;
            self.told.last_mut()?.document = changed;
            if turn % 3 == 2 {
                self.ask("delete", "DELETE", "", &Value::Null, 204)?;
                self.told.last_mut()?.is_deleted = true;
                continue;
            }
            self.send()?;
            body["invoiceNumber"] = self.invoice["number"].clone();
            body["lines"][0]["quantity"] = json!("0.001");
            self.make("credit-notes", &body)?;
            self.send()?;
            self.make("quotes", &json!({ "customerId": self.customer, "lines": [line(self.price, "1")] }))?;
            self.send()?;
            self.convert()?;
        }
        Some(())
    }
}

/// Compares one document with what was told of it.
fn compare(company: &Company, told: &Told) {
    let Told { path, id, document, number, asked, is_deleted } = told;
    let now = company.api.get(&format!("/v1/{path}/{id}"));
    if *is_deleted || (*asked == Some("delete") && now.status == 404) {
        assert_eq!(now.status, 404, "{path} {id} was deleted");
        return;
    }
    let now = now.is(200);
    if let Some(number) = number {
        assert_eq!(number_of(&now).as_ref(), Some(number), "{path} {id} was answered with its number");
    }
    if asked.is_none() {
        assert_eq!(now, *document, "{path} {id} was answered");
    }
}

/// Checks that every document is whole: with lines, its event, and once booked its entry and its
/// PDF or the job that will print it; and that an offer and what was made of it name each other.
fn check_whole(company: &Company) {
    let missing = |what: &str, of: &str, there: &str| {
        let id = &company.id;
        // A list of its own, so that the check stays quick as the rounds add up.
        let rows = company.house.books.rows(&format!(
            "select id from documents where company_id = '{id}' and {of} not in ({})",
            there.replace("$1", &format!("'{id}'"))
        ));
        assert!(rows.is_empty(), "documents without {what}: {rows:?}");
    };
    missing("lines", "id", "select document_id from document_lines where company_id = $1");
    missing("an event", "id", "select resource_id from events where company_id = $1");
    missing(
        "an entry",
        "booked_at is not null and journal_entry_id",
        "select id from journal_entries where company_id = $1",
    );
    missing(
        "a PDF and the job for it",
        "snapshot_sha256 is not null and id",
        "select document_id from files where company_id = $1 union all select subject_id from jobs where company_id = $1",
    );
    missing(
        "what was made of them",
        "converted_to_id is not null and converted_to_id",
        "select id from documents where company_id = $1 and converted_from_id is not null",
    );
    missing(
        "what they were made of",
        "converted_from_id is not null and id",
        "select converted_to_id from documents where company_id = $1 and converted_to_id is not null",
    );
}

/// What is killed, and how it is started again.
enum Victim {
    Server,
    Postgres(Postgres),
    Cluster(Cluster),
}

/// Waits until a document can be made again.
fn wait_for_writes(api: &Api, draft: &Value) {
    wait_for("writes to come back", || {
        api.try_post("/v1/invoices", draft).filter(|answer| answer.status == 201).map(drop)
    });
}

fn survives(mut victim: Victim, database_url: Option<String>, rounds: usize) {
    let folder = Folder::new();
    let serve = || &*Box::leak(Box::new(House::serve(PROGRAM, folder.path(), database_url.as_deref(), &[])));
    let mut house = serve();
    let company = house.company();
    let (id, key) = (company.id.clone(), company.api.key.clone());
    let (customer, price) = (company.customer(json!({})), company.price("1000"));
    let invoice = company.invoice(&customer, json!([line(&price, "9999")]));
    let draft = json!({ "customerId": customer, "lines": [line(&price, "1")] });
    let mut all: Vec<Told> = Vec::new();
    for round in 0..rounds {
        let (api, count) = (Api::new(&house.server.root, &key), AtomicUsize::new(0));
        let (first, is_over) = (all.len(), AtomicBool::new(false));
        let mut what = String::new();
        thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|_| {
                    let (customer, price, invoice) = (&customer, &price, &invoice);
                    let (told, count, is_over) = (Vec::new(), &count, &is_over);
                    let mut client = Client { api: &api, customer, price, invoice, told, count, is_over };
                    scope.spawn(move || {
                        client.work_on();
                        client.told
                    })
                })
                .collect();
            // In the middle of it: each round after so many answers more, and at another moment of a commit.
            wait_for("some load", || (count.load(Ordering::Relaxed) >= 60 + 37 * round % 150).then_some(()));
            thread::sleep(Duration::from_micros(7_919 * round as u64 % 5_000));
            match &mut victim {
                Victim::Server => house.server.signal("KILL"),
                Victim::Postgres(postgres) => postgres.crash(),
                Victim::Cluster(cluster) => {
                    // The load goes on meanwhile, and tries whoever leads by then.
                    let blow = Blow::ALL[round % Blow::ALL.len()];
                    let begun = Instant::now();
                    cluster.strike(blow);
                    wait_for_writes(&api, &draft);
                    what = format!("{blow:?} | {:.1} s | ", begun.elapsed().as_secs_f32());
                    let back = count.load(Ordering::Relaxed);
                    wait_for("load on the new primary", || (count.load(Ordering::Relaxed) >= back + 60).then_some(()));
                }
            }
            is_over.store(true, Ordering::Relaxed);
            all.extend(clients.into_iter().flat_map(|client| client.join().unwrap()));
        });
        match &mut victim {
            Victim::Server => {
                // Its locks end with the last of its threads.
                house.server.end_by("KILL");
                house = serve();
            }
            Victim::Postgres(postgres) => {
                postgres.run(&[]);
                wait_for_writes(&api, &draft);
            }
            Victim::Cluster(cluster) => cluster.mend(),
        }
        let company = Company { house, id: id.clone(), api: Api::new(&house.server.root, &key) };
        check_whole(&company);
        company.check_books();
        if matches!((&victim, &database_url), (Victim::Server, None)) {
            // What the killed server was at is taken up at once, not when its lease ends.
            company.settle();
        }
        all[first..].iter().for_each(|told| compare(&company, told));
        let asked = all[first..].iter().filter(|told| told.asked.is_some()).count();
        println!("| {} | {what}{} | {} | {asked} |", round + 1, count.into_inner(), all.len() - first);
    }
    let company = Company { house, id, api: Api::new(&house.server.root, &key) };
    all.iter().for_each(|told| compare(&company, told));
    crate::doctor::check_sound(&company);
    println!("{rounds} rounds: {} documents as they were answered", all.len());
    house.server.signal("KILL");
}

#[test]
fn a_killed_server_has_everything_it_answered_on_sqlite() {
    survives(Victim::Server, None, rounds());
}

#[test]
fn a_killed_server_has_everything_it_answered_on_postgres() {
    survives(Victim::Server, Some(shared_postgres().fresh_database()), rounds().min(50));
}

#[test]
fn a_server_has_everything_it_answered_when_postgres_is_killed() {
    let postgres = Postgres::start(&["fsync=on", "synchronous_commit=on"]);
    let url = postgres.fresh_database();
    survives(Victim::Postgres(postgres), Some(url), rounds().min(50));
}

/// The machine of the primary of three is struck down under load; `LEDGERBEE_CRASH_ROUNDS` times.
#[test]
#[ignore = "needs Debian's patroni and etcd-server: cargo test --workspace --test api -- --ignored cluster --nocapture"]
fn a_server_has_everything_it_answered_when_a_cluster_loses_its_primary() {
    let cluster = Cluster::start();
    let url = cluster.url();
    survives(Victim::Cluster(cluster), Some(url), rounds());
}

/// A mail server has the mail and the server is killed before it hears so: the mail goes once more,
/// under the same id, and is delivered.
fn repeats_a_mail_under_its_id(database_url: Option<&str>) {
    let folder = Folder::new();
    let faults = Faults::of(folder.path());
    let mail = MailServer::start(Manner::KeepsQuiet);
    let serve = || {
        let arguments = ["--smtp-url", &mail.url()];
        let house = House::serve_with_faults(PROGRAM, folder.path(), database_url, &arguments, &faults);
        &*Box::leak(Box::new(house))
    };
    let house = serve();
    let company = house.company();
    let customer = company.customer(json!({ "email": "kontor@lindeblomst.example" }));
    let draft = company.draft(&customer, json!([line(&company.price("300"), "1")]));
    let place = format!("/v1/invoices/{}", text(&draft["id"]));
    let sent = company.api.post(&format!("{place}/send"), &json!({ "deliveryType": "Email" })).is(200);
    wait_for("the mail server to have the mail", || (mail.message_ids().len() == 1).then_some(()));
    house.server.end_by("KILL");
    mail.treat(Manner::Takes);
    // On PostgreSQL, which others may share, the claim of the killed server ends first.
    faults.clock_ahead(181);
    let house = serve();
    let company = Company { house, id: company.id.clone(), api: Api::new(&house.server.root, &company.api.key) };
    let summary = wait_for("the delivery", || {
        let status = company.api.get(&format!("{place}/delivery-status")).is(200);
        (status["summary"]["status"] == "delivered").then(|| status["summary"].clone())
    });
    assert_eq!(summary["attemptCount"], 1, "of the first try nothing was recorded");
    let id = format!("<{}@ledgerbee>", text(&sent["deliveryId"]));
    assert_eq!(mail.message_ids(), [id.clone(), id]);
    company.settle();
    check_whole(&company);
    company.check_books();
    house.server.signal("KILL");
}

#[test]
fn a_mail_repeated_after_a_kill_carries_the_same_id_on_sqlite() {
    repeats_a_mail_under_its_id(None);
}

#[test]
fn a_mail_repeated_after_a_kill_carries_the_same_id_on_postgres() {
    repeats_a_mail_under_its_id(Some(&shared_postgres().fresh_database()));
}

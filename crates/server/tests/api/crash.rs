//! `kill -9` in the middle of the load, start again, and look: what was answered is
//! there, nothing is there twice, no number is missing, the books balance.
//! `LEDGERBEE_CRASH_ROUNDS` says how often; 3 by default, 20 in the long form.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use serde_json::{Value, json};
use testkit::{Folder, shared_postgres};

use crate::house::{Api, Company, House, PROGRAM, line, text};

fn rounds() -> usize {
    std::env::var("LEDGERBEE_CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3)
}

fn serve(folder: &Path, database_url: Option<&str>) -> &'static House {
    Box::leak(Box::new(House::serve(PROGRAM, folder, database_url, &[])))
}

/// What a client was told: the number of a document made or sent.
type Told = Mutex<BTreeSet<(&'static str, String, String)>>;

/// Makes and sends until the server is gone.
fn load(api: &Api, customer: &Value, price: &Value, invoice: &Value, told: &Told) {
    let tell = |kind, document: &Value| {
        told.lock().unwrap().insert((kind, text(&document["id"]).to_owned(), text(&document["number"]).to_owned()));
    };
    let manual = json!({ "deliveryType": "Manual" });
    loop {
        let mut body = json!({ "customerId": customer, "lines": [line(price, "1")] });
        let Some(draft) = api.try_post("/v1/invoices", &body) else { return };
        let draft = draft.is(201);
        let Some(sent) = api.try_post(&format!("/v1/invoices/{}/send", text(&draft["id"])), &manual) else { return };
        tell("invoices", &json!({ "id": draft["id"], "number": sent.is(200)["number"] }));
        body["invoiceNumber"] = invoice["number"].clone();
        body["lines"][0]["quantity"] = json!("0.001");
        let Some(note) = api.try_post("/v1/credit-notes", &body) else { return };
        let note = note.is(201);
        tell("credit-notes", &note);
        let Some(sent) = api.try_post(&format!("/v1/credit-notes/{}/send", text(&note["id"])), &manual) else { return };
        sent.is(200);
    }
}

fn survives(database_url: Option<String>) {
    let folder = Folder::new();
    let mut house = serve(folder.path(), database_url.as_deref());
    let company = house.company();
    let (id, key) = (company.id.clone(), company.api.key.clone());
    let (customer, price) = (company.customer(json!({})), company.price("1000"));
    let invoice = company.invoice(&customer, json!([line(&price, "9999")]));
    let told = Told::default();
    for round in 0..rounds() {
        let before = told.lock().unwrap().len();
        let api = Api::new(&house.server.root, &key);
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| load(&api, &customer, &price, &invoice, &told));
            }
            // In the middle of it: so many more were told, each round at another moment.
            testkit::wait_for("some load", || (told.lock().unwrap().len() >= before + 40 + 7 * round).then_some(()));
            house.server.signal("KILL");
        });
        house = serve(folder.path(), database_url.as_deref());
        let company = Company { house, id: id.clone(), api: Api::new(&house.server.root, &key) };
        company.check_books();
        for (kind, id, number) in told.lock().unwrap().iter() {
            let document = company.now(kind, &json!({ "id": id }));
            assert_eq!(document["number"], *number, "round {round}: {kind} {id} was answered");
        }
    }
    house.server.signal("KILL");
}

#[test]
fn a_killed_server_has_everything_it_answered_on_sqlite() {
    survives(None);
}

#[test]
fn a_killed_server_has_everything_it_answered_on_postgres() {
    survives(Some(shared_postgres().fresh_database()));
}

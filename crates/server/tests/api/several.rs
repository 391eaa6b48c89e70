//! Three servers on one PostgreSQL, all written to at once, one killed in the middle.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};
use testkit::house::Company;
use testkit::{Folder, shared_postgres, wait_for};

use crate::house::{Api, House, PROGRAM, line, text};
use crate::post::Post;

/// What one client was told: numbers that are its for good.
fn work(api: &Api, customer: &Value, price: &Value, count: &AtomicUsize, is_over: &AtomicUsize) -> Option<Vec<String>> {
    let mut told = Vec::new();
    let answered = |answer: Option<crate::house::Answer>, status| Some(answer?.is(status));
    while is_over.load(Ordering::Relaxed) == 0 {
        let body = json!({ "customerId": customer, "lines": [line(price, "1")] });
        let Some(note) = answered(api.try_post("/v1/credit-notes", &body), 201) else { break };
        told.push(text(&note["number"]).to_owned());
        let Some(draft) = answered(api.try_post("/v1/invoices", &body), 201) else { break };
        let place = format!("/v1/invoices/{}/send", text(&draft["id"]));
        let body = json!({ "deliveryType": "Email", "overrideEmail": "kontor@lindeblomst.example" });
        let Some(sent) = answered(api.try_post(&place, &body), 200) else { break };
        told.push(text(&sent["number"]).to_owned());
        count.fetch_add(1, Ordering::Relaxed);
    }
    Some(told)
}

/// One key through two servers at once: done by one of them, and answered alike by both.
#[test]
fn two_servers_do_one_key_once() {
    let url = shared_postgres().fresh_database();
    let folders = [Folder::new(), Folder::new()];
    let houses = [0, 1].map(|at: usize| House::serve(PROGRAM, folders[at].path(), Some(&url), &[]));
    let company = houses[0].company();
    let (customer, price) = (company.customer(json!({})), company.price("100"));
    let invoice = company.invoice(&customer, json!([line(&price, "8")]));
    let place = format!("/v1/invoices/{}/credit", text(&invoice["id"]));
    let part = json!({ "lines": [{ "invoiceLineId": invoice["lines"][0]["id"], "quantity": "1" }] });
    let apis = [0, 1].map(|at: usize| Api::new(&houses[at].server.root, &company.api.key));
    for round in 1..=8 {
        let key = format!("order {round}");
        let answers: Vec<crate::house::Answer> = thread::scope(|scope| {
            let ask = |at: usize| apis[at % 2].send_with("POST", &place, &[("x-api-idempotency-key", &key)], &part);
            let threads: Vec<_> = (0..16).map(|at| scope.spawn(move || ask(at))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(answers.iter().all(|answer| answer.status == 201), "{}", answers[0].text());
        assert!(answers.iter().all(|answer| answer.bytes == answers[0].bytes));
        for header in ["location", "etag"] {
            let first = answers[0].header(header).expect("it is told");
            assert!(answers.iter().all(|answer| answer.header(header) == Some(first)), "{header}");
        }
        let replayed = answers.iter().filter(|answer| answer.header("idempotent-replayed") == Some("true"));
        assert_eq!(replayed.count(), 15);
        assert_eq!(company.api.get("/v1/credit-notes").is(200)["total"], round);
    }
    // All eight pieces are credited, and a ninth key finds nothing left, whichever server it asks.
    for api in &apis {
        let answer = api.send_with("POST", &place, &[("x-api-idempotency-key", "order 9")], &part);
        answer.refused(400, "CREDIT_NOTE_EXCEEDS_INVOICE");
    }
    company.check_books();
}

/// Numbers stay gapless and each job is done once, whoever serves, also when one is no more.
#[test]
fn three_servers_share_the_books_and_one_is_killed() {
    let url = shared_postgres().fresh_database();
    let (folders, mails) = ([Folder::new(), Folder::new(), Folder::new()], Folder::new());
    let mail_folder = mails.path().to_str().unwrap();
    // The one that will be killed hangs on its first mails: it has claimed some then.
    let post = Post::open();
    let smtp_url = format!("smtp://127.0.0.1:{}", post.port);
    let more: [&[&str]; 3] =
        [&["--mail-folder", mail_folder], &["--mail-folder", mail_folder], &["--smtp-url", &smtp_url]];
    let houses: Vec<House> =
        folders.iter().zip(more).map(|(folder, more)| House::serve(PROGRAM, folder.path(), Some(&url), more)).collect();
    let company = houses[0].company();
    let (customer, price) = (company.customer(json!({})), company.price("100"));
    let counts = [(); 3].map(|()| AtomicUsize::new(0));
    let is_over = AtomicUsize::new(0);
    let told = thread::scope(|scope| {
        let clients: Vec<_> = (0..9)
            .map(|at| {
                let (house, count) = (&houses[at % 3], &counts[at % 3]);
                let api = Api::new(&house.server.root, &company.api.key);
                let (customer, price, is_over) = (&customer, &price, &is_over);
                scope.spawn(move || work(&api, customer, price, count, is_over).unwrap())
            })
            .collect();
        let done = |at: usize| counts[at].load(Ordering::Relaxed);
        wait_for("all three to work", || (0..3).all(|at| done(at) >= 20).then_some(()));
        post.arrived.recv().unwrap();
        houses[2].server.signal("KILL");
        let then = [done(0), done(1)];
        wait_for("the others to go on", || (0..2).all(|at| done(at) >= then[at] + 20).then_some(()));
        is_over.store(1, Ordering::Relaxed);
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect::<Vec<String>>()
    });
    let mut unique = told.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), told.len(), "a number was given twice");
    // The others end what they are at: what is claimed then was claimed by the one that is no more.
    let running = |house: &House| std::fs::read_link(format!("/proc/{}/exe", house.server.pid())).is_ok();
    houses[..2].iter().for_each(|house| house.server.signal("TERM"));
    wait_for("their end", || (!houses[..2].iter().any(running)).then_some(()));
    let claimed = "select count(*) from jobs where lease_id is not null";
    assert_ne!(houses[0].books.value(claimed), "0");
    // As if the three minutes of its leases had passed.
    let _ = houses[0].books.rows("update jobs set due_at = '2026-01-01T00:00:00.000Z' where lease_id is not null");
    let houses = [0, 1].map(|at| House::serve(PROGRAM, folders[at].path(), Some(&url), more[at]));
    let books = &houses[0].books;
    let api = Api::new(&houses[0].server.root, &company.api.key);
    let company = Company { house: &houses[0], id: company.id.clone(), api };
    company.settle();
    company.check_books();
    crate::doctor::check_sound(&company);
    let id = &company.id;
    let count = |sql: &str| books.value(&sql.replace("{id}", id)).parse::<usize>().unwrap();
    let sent = count(
        "select count(*) from documents where company_id = '{id}' and kind = 'invoice' and booked_at is not null",
    );
    let numbers = count("select count(*) from documents where company_id = '{id}' and number is not null");
    assert!(sent >= 100 && numbers >= told.len(), "{sent} sent, {numbers} numbered, {} told", told.len());
    // One try each, one paper each.
    let tries = "select count(*) from delivery_attempts where company_id = '{id}' and status = 'delivered'";
    assert_eq!((count(tries), count("select count(*) from deliveries where company_id = '{id}'")), (sent, sent));
    assert_eq!(count("select count(distinct delivery_id) from delivery_attempts where company_id = '{id}'"), sent);
    assert_eq!(count("select count(*) from events where company_id = '{id}' and type = 'file.created'"), sent);
    assert_eq!(std::fs::read_dir(mails.path()).unwrap().count(), sent, "a mail for each");
    // What is there is seen by both, and a key revoked through one is closed at the other.
    let (key, api) = company.key(&["--scopes", "all"]);
    let other = Company { house: &houses[1], id: id.clone(), api: Api::new(&houses[1].server.root, &api.key) };
    assert_eq!(other.api.get("/v1/invoices?limit=1").is(200), company.api.get("/v1/invoices?limit=1").is(200));
    houses[0].command(&["key", "revoke", "--company", id, &key]);
    other.api.get("/v1/company").refused(401, "UNAUTHORIZED");
}

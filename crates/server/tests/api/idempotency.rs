//! Idempotency keys: one request is done once, however often it comes, and answered alike.

use std::thread;

use serde_json::{Value, json};
use testkit::{Folder, shared_postgres, wait_for};

use crate::house::{Answer, Api, Company, House, PROGRAM, line, text};
use crate::writes::Grounds;

const KEY: &str = "x-api-idempotency-key";

fn with_key(company: &Company, key: &str, path: &str, body: &Value) -> Answer {
    company.api.send_with("POST", path, &[(KEY, key)], body)
}

fn is_replayed(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == Some("true")
}

/// An answer as it is kept: a secret is shown once.
fn without_secret(text: String) -> String {
    let Some((before, rest)) = text.split_once("\"whsec_") else { return text };
    let (_, after) = rest.split_once('"').unwrap();
    format!("{before}null{after}")
}

on_both_engines! {
    /// 32 at once with one key: one credit note, one number, 32 equal answers, of which 31 are replayed.
    fn one_key_from_32_threads_is_done_once(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        let body = json!({ "customerId": customer, "lines": [line(&price, "1")] });
        let answers: Vec<Answer> = thread::scope(|scope| {
            let ask = || with_key(&company, "order 1", "/v1/credit-notes", &body);
            let threads: Vec<_> = (0..32).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(answers.iter().all(|answer| answer.status == 201), "{}", answers[0].text());
        assert!(answers.iter().all(|answer| answer.bytes == answers[0].bytes));
        for header in ["location", "etag"] {
            let first = answers[0].header(header).expect("it is told");
            assert!(answers.iter().all(|answer| answer.header(header) == Some(first)), "{header}");
        }
        assert_eq!(answers.iter().filter(|answer| is_replayed(answer)).count(), 31);
        assert_eq!(company.api.get("/v1/credit-notes").is(200)["total"], 1);
        company.check_books();
    }

    /// Every write of the contract: done once, answered again as it was, and nothing is written by that.
    fn every_write_takes_a_key(house) {
        let company = house.company();
        let grounds = Grounds::of(&company);
        grounds.each(&company, |write| {
            let key = format!("{} {}", write.method, write.path);
            let first = write.ask(&company, &[(KEY, &key)]);
            assert!((200..300).contains(&first.status), "{}: {}", first.asked, first.text());
            assert!(!is_replayed(&first), "{key}");
            company.settle();
            let before = house.books.state(&company.id);
            // By its other name, too.
            let again = write.ask(&company, &[("Idempotency-Key", &key)]);
            assert!(is_replayed(&again), "{key}: {}", again.text());
            assert_eq!((again.status, again.text()), (first.status, without_secret(first.text())), "{key}");
            for header in ["location", "etag", "content-type"] {
                assert_eq!(again.header(header), first.header(header), "{key}");
            }
            assert_eq!(house.books.state(&company.id), before, "{key}");
        });
        company.check_books();
    }

    /// The event of a creation tells what was answered: the answer is read there, and not stored twice. An
    /// answer that no event tells is stored itself. Both come again to the byte, whatever has happened since.
    fn what_an_event_tells_is_stored_once(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        let draft = json!({ "customerId": customer, "lines": [line(&price, "1")] });
        let stored = |key: &str| house.books.rows(&format!(
            "select length(coalesce(a.body, '')), coalesce(e.type, '') from stored_answers a \
             left join events e on e.company_id = a.company_id and e.sequence = a.event_sequence \
             where a.company_id = '{}' and a.key = '{key}'", company.id
        ))[0].clone();
        let note = with_key(&company, "note", "/v1/credit-notes", &draft);
        let invoice = with_key(&company, "invoice", "/v1/invoices", &draft);
        let place = format!("/v1/invoices/{}", text(&invoice.json()["id"]));
        let sent = with_key(&company, "send", &format!("{place}/send"), &json!({ "deliveryType": "Manual" }));
        // A credit tells of two: of its invoice, and of the note that is answered.
        let credited = with_key(&company, "credit", &format!("{place}/credit"), &json!({}));
        assert_eq!(stored("note"), ["0", "credit_note.created"]);
        assert_eq!(stored("invoice"), ["0", "invoice.created"]);
        assert_eq!(stored("credit"), ["0", "credit_note.created"]);
        assert_eq!(stored("send"), [sent.text().chars().count().to_string(), String::new()]);
        let again = |key: &str, path: &str, body: &Value, first: &Answer| {
            let again = with_key(&company, key, path, body);
            assert!(is_replayed(&again), "{key}: {}", again.text());
            assert_eq!((again.status, again.text()), (first.status, first.text()), "{key}");
        };
        again("note", "/v1/credit-notes", &draft, &note);
        again("invoice", "/v1/invoices", &draft, &invoice);
        again("send", &format!("{place}/send"), &json!({ "deliveryType": "Manual" }), &sent);
        again("credit", &format!("{place}/credit"), &json!({}), &credited);
    }

    /// Another method, path, query or body is another request: refused, and nothing is done.
    fn a_key_is_for_one_request(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        let body = json!({ "customerId": customer, "lines": [line(&price, "1")] });
        let draft = with_key(&company, "k", "/v1/invoices", &body).is(201);
        let before = house.books.state(&company.id);
        let place = format!("/v1/invoices/{}", text(&draft["id"]));
        let other = json!({ "customerId": customer, "lines": [line(&price, "2")] });
        let refused = |method: &str, path: &str, body: &Value| {
            let answer = company.api.send_with(method, path, &[(KEY, "k")], body);
            answer.refused(400, "IDEMPOTENCY_KEY_REUSED");
        };
        refused("POST", "/v1/invoices", &other);
        refused("POST", "/v1/credit-notes", &body);
        refused("POST", "/v1/invoices?dryRun=false", &body);
        refused("PATCH", &place, &body);
        refused("DELETE", &place, &Value::Null);
        assert_eq!(house.books.state(&company.id), before);
        with_key(&company, "k", "/v1/invoices", &body).is(201);
        // Another company has keys of its own.
        let stranger = house.company();
        let (customer, price) = (stranger.customer(json!({})), stranger.price("100"));
        let answer = with_key(&stranger, "k", "/v1/invoices", &json!({ "customerId": customer, "lines": [line(&price, "1")] }));
        assert!(!is_replayed(&answer));
        assert_ne!(answer.is(201)["id"], draft["id"]);
        // And another key of this company meets the same ones.
        let (_, second) = company.key(&["--scopes", "invoices-write"]);
        let again = second.send_with("POST", "/v1/invoices", &[(KEY, "k")], &body);
        assert!(is_replayed(&again));
        assert_eq!(again.is(201), draft);
        // Whoever lacks the scope is not told what was answered.
        let (_, reader) = company.key(&["--scopes", "invoices-read"]);
        reader.send_with("POST", "/v1/invoices", &[(KEY, "k")], &body).refused(403, "INSUFFICIENT_PERMISSIONS");
    }

    /// What is refused changed nothing: its key may come again, with the same request or another.
    fn a_refusal_stores_nothing(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        let number = json!({ "number": "INV-00001" });
        let body = json!({ "customerId": customer, "invoiceNumber": number["number"], "lines": [line(&price, "1")] });
        with_key(&company, "k", "/v1/credit-notes", &body).refused(404, "INVOICE_NOT_FOUND");
        with_key(&company, "k", "/v1/credit-notes", &json!({})).faulty("customerId", "isNotEmpty");
        assert_eq!(house.books.value(&format!("select count(*) from stored_answers where company_id = '{}'", company.id)), "0");
        company.invoice(&customer, json!([line(&price, "1")]));
        let answer = with_key(&company, "k", "/v1/credit-notes", &body);
        assert!(!is_replayed(&answer));
        let note = answer.is(201);
        let answer = with_key(&company, "k", "/v1/credit-notes", &body);
        assert!(is_replayed(&answer));
        assert_eq!(answer.is(201), note);
    }

    /// 1 to 255 printable characters, and one of them; on a read the header says nothing.
    fn a_key_that_is_none_is_refused(house) {
        let company = house.company();
        let body = json!({ "name": "Bikuben ApS" });
        let ask = |headers: &[(&str, &str)]| company.api.send_with("PATCH", "/v1/company", headers, &body);
        let longest = "k".repeat(255);
        ask(&[(KEY, &longest)]).is(200);
        ask(&[(KEY, "k"), ("idempotency-key", "k")]).is(200);
        ask(&[(KEY, &format!("{longest}k"))]).faulty(KEY, "isLength");
        ask(&[(KEY, "")]).faulty(KEY, "isLength");
        ask(&[(KEY, "a"), ("idempotency-key", "b")]).faulty(KEY, "isDuplicate");
        company.api.raw("GET", "/v1/company", &[(KEY, "")], b"").is(200);
    }

    /// After a week a key is new again, whether or not its answer was swept yet.
    fn a_key_is_kept_for_a_week(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        let body = json!({ "customerId": customer, "lines": [line(&price, "1")] });
        let first = with_key(&company, "k", "/v1/invoices", &body).is(201);
        let _none = house.books.rows(&format!(
            "update stored_answers set stored_at = '2020-01-01T00:00:00.000Z' where company_id = '{}'", company.id
        ));
        let second = with_key(&company, "k", "/v1/invoices", &body);
        assert!(!is_replayed(&second));
        let second = second.is(201);
        assert_ne!(first["id"], second["id"]);
        let third = with_key(&company, "k", "/v1/invoices", &body);
        assert!(is_replayed(&third));
        assert_eq!(third.is(201), second);
    }
}

/// What was answered before `kill -9` is answered again after, and old answers are swept by the next server.
fn survives_a_kill(database_url: Option<&str>) {
    let folder = Folder::new();
    let serve = || &*Box::leak(Box::new(House::serve(PROGRAM, folder.path(), database_url, &[])));
    let house = serve();
    let company = house.company();
    let (customer, price) = (company.customer(json!({})), company.price("100"));
    let body = json!({ "customerId": customer, "lines": [line(&price, "1")] });
    let note = with_key(&company, "k", "/v1/credit-notes", &body).is(201);
    for n in 0..3 {
        with_key(&company, &format!("old {n}"), "/v1/credit-notes", &body).is(201);
    }
    house.server.end_by("KILL");
    let (id, key) = (company.id.clone(), company.api.key.clone());
    let _none =
        house.books.rows("update stored_answers set stored_at = '2020-01-01T00:00:00.000Z' where key like 'old %'");

    let house = serve();
    let company = Company { house, id, api: Api::new(&house.server.root, &key) };
    let again = with_key(&company, "k", "/v1/credit-notes", &body);
    assert!(is_replayed(&again));
    assert_eq!(again.is(201), note);
    wait_for("old answers to be swept", || {
        (house.books.value("select count(*) from stored_answers") == "1").then_some(())
    });
    assert_eq!(company.api.get("/v1/credit-notes").is(200)["total"], 4);
    company.check_books();
    house.server.signal("KILL");
}

#[test]
fn a_key_survives_a_kill_on_sqlite() {
    survives_a_kill(None);
}

#[test]
fn a_key_survives_a_kill_on_postgres() {
    survives_a_kill(Some(&shared_postgres().fresh_database()));
}

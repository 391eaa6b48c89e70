//! Endpoints: what is taken, what is shown once, and what becomes of secrets.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use testkit::{Folder, Receiver, Reception, shared_postgres, wait_for};

use super::{change, endpoint, on_each, open_house, place, wait_for_delivery};
use crate::house::{Answer, Api, House, PROGRAM, line, text};

const PATH: &str = "/v1/webhook-endpoints";

on_both_engines! {
    /// Made, read, changed, listed and deleted; each tells its event, and none the secret.
    fn an_endpoint_lives_and_ends(house) {
        let company = house.company();
        let api = &company.api;
        let body = json!({ "url": "https://hooks.invalid/a?b=c", "topics": ["invoice.sent", "invoice.sent"], "enabled": false });
        let mut made = api.post(PATH, &body).is(201);
        let secret = made.as_object_mut().unwrap().remove("secret").unwrap();
        // 32 bytes in base64.
        assert!(text(&secret).starts_with("whsec_") && text(&secret).len() == 6 + 44, "{secret}");
        assert_eq!(
            [&made["url"], &made["topics"], &made["enabled"], &made["description"]],
            [&body["url"], &json!(["invoice.sent"]), &json!(false), &json!(null)]
        );
        let place = place(&made);
        assert_eq!(api.get(&place).is(200), made);
        let changed = api.patch(&place, &json!({ "description": "Our shop", "enabled": true, "topics": [] })).is(200);
        assert_eq!([&changed["description"], &changed["enabled"], &changed["topics"]], [&json!("Our shop"), &json!(true), &json!([])]);
        assert_eq!(api.patch(&place, &json!({ "description": null })).is(200)["description"], json!(null));
        assert_eq!(api.patch(&place, &json!({})).is(200)["enabled"], json!(true));
        let rolled = super::whsec(api.post(&format!("{place}/roll-secret"), &json!({})));
        assert_ne!(rolled, text(&secret));
        let others: Vec<Value> = (0..3).map(|_| api.post(PATH, &body).is(201)["id"].clone()).collect();
        let first = api.get(&format!("{PATH}?limit=2")).is(200);
        assert_eq!((&first["total"], &first["data"][0]["id"], &first["data"][1]["id"]), (&json!(4), &others[2], &others[1]));
        let rest = api.get(&format!("{PATH}?limit=2&cursor={}", text(&first["nextCursor"]))).is(200);
        assert_eq!((&rest["data"][0]["id"], &rest["data"][1]["id"], &rest["nextCursor"]), (&others[0], &made["id"], &json!(null)));
        assert_eq!(api.get(&format!("{PATH}?page=2&limit=3")).is(200)["data"][0]["id"], made["id"]);
        assert_eq!(api.delete(&place).status, 204);
        api.get(&place).refused(404, "WEBHOOK_ENDPOINT_NOT_FOUND");
        api.get(&format!("{place}/deliveries")).refused(404, "WEBHOOK_ENDPOINT_NOT_FOUND");
        let events = api.get("/v1/events?limit=100&type=webhook_endpoint.created&type=webhook_endpoint.updated&type=webhook_endpoint.deleted").is(200);
        let own: Vec<&str> = events["data"].as_array().unwrap().iter().filter(|event| event["resource"]["id"] == made["id"]).map(|event| text(&event["type"]).split('.').next_back().unwrap()).collect();
        assert_eq!(own, ["created", "updated", "updated", "updated", "deleted"]);
        // Neither secret stands anywhere: not in events, not in the books.
        for table in house.books.company_tables() {
            let rows = house.books.rows(&format!("select * from {table} where company_id = '{}'", company.id));
            assert!(rows.iter().flatten().all(|cell| !cell.contains("whsec_") && !cell.contains(&rolled[6..])), "{table}");
        }
    }

    fn what_is_no_endpoint_is_refused(house) {
        let company = house.company();
        let api = &company.api;
        for (url, reason) in [
            ("http://hooks.example.com/", "not_https"), ("https://localhost/", "private_name"),
            ("https://127.0.0.1/", "private_address"), ("https://[::ffff:10.0.0.1]/", "private_address"),
            ("https://169.254.169.254/latest", "private_address"), ("https://a@b.example/", "userinfo"),
            ("https://0x7f000001/", "malformed"), ("https://hooks.example.com:25/", "port"),
        ] {
            let details = api.post(PATH, &json!({ "url": url })).refused(400, "WEBHOOK_URL_NOT_ALLOWED");
            assert_eq!(details, json!({ "property": "url", "reason": reason }), "{url}");
        }
        let good = json!({ "url": "https://hooks.invalid/", "enabled": false });
        let made = api.post(PATH, &good).is(201);
        api.patch(&place(&made), &json!({ "url": "http://127.0.0.1/" })).refused(400, "WEBHOOK_URL_NOT_ALLOWED");
        for topic in ["invoice", "invoice.*", "*", "invoice.sent ", "Invoice.Sent"] {
            api.post(PATH, &json!({ "url": good["url"], "topics": ["invoice.sent", topic] })).faulty("topics.1", "isIn");
        }
        api.post(PATH, &json!({})).faulty("url", "isNotEmpty");
        api.patch(&place(&made), &json!({ "url": null })).faulty("url", "isNotEmpty");
        for action in ["test", "replay"] {
            let body = if action == "replay" { json!({ "afterSequence": 0 }) } else { json!({}) };
            api.post(&format!("{}/{action}", place(&made)), &body).refused(400, "WEBHOOK_ENDPOINT_DISABLED");
        }
        api.patch(&place(&made), &json!({ "enabled": true })).is(200);
        api.post(&format!("{}/replay", place(&made)), &json!({ "afterSequence": 1_000_000 })).faulty("afterSequence", "max");
        api.get(&format!("{}/deliveries/{}", place(&made), text(&made["id"]))).refused(404, "WEBHOOK_DELIVERY_NOT_FOUND");
        while api.get(PATH).is(200)["total"].as_u64().unwrap() < 50 {
            api.post(PATH, &good).is(201);
        }
        api.post(PATH, &good).refused(400, "WEBHOOK_ENDPOINT_LIMIT");
    }

    /// A kept answer has no secret: what comes again under the key says so.
    fn a_secret_is_shown_once(house) {
        let company = house.company();
        let body = json!({ "url": "https://hooks.invalid/", "enabled": false });
        let ask = |path: &str, body: &Value| -> Answer { company.api.send_with("POST", path, &[("x-api-idempotency-key", path)], body) };
        let mut first = ask(PATH, &body).is(201);
        let roll = format!("{}/roll-secret", place(&first));
        let rolled = ask(&roll, &Value::Null).is(200);
        for (path, body, first) in [(PATH, &body, &mut first), (roll.as_str(), &Value::Null, &mut rolled.clone())] {
            let again = ask(path, body);
            assert_eq!(again.header("idempotent-replayed"), Some("true"));
            assert!(first["secret"].is_string());
            first["secret"] = json!(null);
            assert_eq!(again.json(), *first, "{path}");
        }
        let preview = company.api.post(&format!("{PATH}?dryRun=true"), &body).is(200);
        assert_eq!((&preview["id"], &preview["secret"]), (&json!(null), &json!(null)));
    }
}

/// The key of secrets is a file of the data folder, for its owner only; without it nothing is sent, and no
/// other key takes its place.
#[test]
fn secrets_are_sealed_with_a_key_beside_the_books() {
    let folder = Folder::new();
    let house = open_house(&folder, None);
    let key = folder.path().join("secret.key");
    assert!(!key.exists(), "it is made when it is needed");
    let company = house.company();
    let receiver = Receiver::start(Reception::Answers(200));
    let made = endpoint(&company, &receiver, &["company.updated"]);
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let id = company.id.clone();
    let api_key = company.api.key.clone();
    drop(company);
    house.server.terminate();
    let away = folder.path().join("away");
    std::fs::rename(&key, &away).unwrap();
    let house = open_house(&folder, None);
    let company = testkit::house::Company { house: &house, id, api: Api::new(&house.server.root, &api_key) };
    company.api.post(PATH, &json!({ "url": receiver.url() })).refused(400, "WEBHOOK_SECRET_KEY_MISSING");
    company.api.post(&format!("{}/roll-secret", place(&made)), &json!({})).refused(400, "WEBHOOK_SECRET_KEY_MISSING");
    change(&company, 1);
    assert!(!key.exists());
    std::fs::rename(&away, &key).unwrap();
    wait_for_delivery(&company, &made, |one| one["status"] == "delivered");
}

/// With PostgreSQL the key is the operator's to give: without one no endpoint is made, and one that is not
/// there stops the start.
#[test]
fn with_postgresql_the_key_is_given() {
    let url = shared_postgres().fresh_database();
    let folder = Folder::new();
    let house = House::serve(PROGRAM, folder.path(), Some(&url), &[]);
    house.company().api.post(PATH, &json!({ "url": "https://hooks.invalid/", "enabled": false })).is(201);
    house.server.terminate();
    let serve = |key: Option<&str>| {
        let mut command = testkit::ledgerbee(PROGRAM, folder.path(), Some(&url));
        command.env_remove("LEDGERBEE_SECRET_KEY_FILE").args(["company", "list"]);
        if let Some(key) = key {
            command.args(["--secret-key-file", key]);
        }
        command.output().unwrap()
    };
    assert!(serve(None).status.success(), "what needs no key runs without one");
    let gone = folder.path().join("gone");
    let refused = serve(gone.to_str());
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("gone"), "{refused:?}");
}

/// "Only documents that the billing engine sends emit `billing.*`": a note sent over the API is
/// `credit_note.*` to whoever asked for everything.
#[test]
fn notes_sent_over_the_api_are_no_billing_events() {
    on_each(|house| {
        let company = house.company();
        let receiver = Receiver::start(Reception::Answers(200));
        endpoint(&company, &receiver, &[]);
        let only = Receiver::start(Reception::Answers(200));
        endpoint(&company, &only, &["billing.credit_note_sent", "billing.invoice_sent"]);
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let note = company.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
        company.sent("credit-notes", &note);
        let kinds =
            || -> Vec<String> { receiver.received().iter().map(|one| text(&one.json()["type"]).to_owned()).collect() };
        wait_for("the note's events", || kinds().contains(&"credit_note.sent".to_owned()).then_some(()));
        assert!(kinds().iter().all(|kind| !kind.starts_with("billing.")), "{:?}", kinds());
        assert_eq!(only.count(), 0);
    });
}

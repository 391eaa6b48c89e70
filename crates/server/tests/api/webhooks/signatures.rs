//! Signatures, verified by the official libraries as they are: of Rust here, of PyPI and npm by `./test`.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;
use testkit::{Received, Receiver, Reception, wait_for};

use super::{change, endpoint, on_each, place, whsec};
use crate::house::text;

/// What a library is asked: the secret, the headers and the body.
fn question(secret: &str, received: &Received) -> String {
    json!({ "secret": secret, "headers": received.headers, "body": received.body }).to_string()
}

/// Runs a library's program: whether it takes what was received for ours. None where it is not installed.
fn verified(program: &Path, script: &str, secret: &str, received: &Received) -> Option<bool> {
    if !program.exists() {
        // ./test installs it, and says so where it can't.
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/webhooks").join(script);
    let mut child =
        Command::new(program).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().unwrap().write_all(question(secret, received).as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    match String::from_utf8_lossy(&output.stdout).trim() {
        "good" => Some(true),
        "bad" => Some(false),
        other => panic!("{} said {other:?}", program.display()),
    }
}

/// By whom what was received is taken for ours, by each library that is there.
fn by_all(secret: &str, received: &Received) -> Vec<bool> {
    let mut headers = axum::http::HeaderMap::new();
    for (name, value) in &received.headers {
        headers.insert(axum::http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
    }
    let library = standardwebhooks::Webhook::new(secret).expect("a secret of the standard");
    let mut found = vec![library.verify(received.body.as_bytes(), &headers).is_ok()];
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/standardwebhooks");
    found.extend(verified(&target.join("bin/python"), "verify.py", secret, received));
    let node = target.join("node_modules/standardwebhooks").exists().then(|| Path::new("/usr/bin/node"));
    found.extend(node.and_then(|node| verified(node, "verify.cjs", secret, received)));
    found
}

#[test]
fn the_official_libraries_take_our_signatures() {
    on_each(|house| {
        let company = house.company();
        let receiver = Receiver::start(Reception::Answers(200));
        let made = endpoint(&company, &receiver, &["company.updated"]);
        let secret = text(&made["secret"]).to_owned();
        company.api.patch("/v1/company", &json!({ "name": "Bikuben \u{1f41d} \"Ærø\" ApS" })).is(200);
        let first = wait_for("a webhook", || receiver.received().into_iter().next());
        let found = by_all(&secret, &first);
        assert!(found.iter().all(|is_good| *is_good), "{found:?}");
        println!("{} libraries", found.len());
        // Another body, id, time or secret is not ours.
        let bent = Received { body: first.body.replace("Bikuben", "bikuben"), ..first.clone() };
        let mut other_id = first.clone();
        other_id.headers.insert("webhook-id".to_owned(), "0190a1b2-0000-7000-8000-000000000001".to_owned());
        for wrong in [&bent, &other_id] {
            assert!(by_all(&secret, wrong).iter().all(|is_good| !is_good));
        }
        // Rolled: for a day both sign.
        let rolled = whsec(company.api.post(&format!("{}/roll-secret", place(&made)), &json!({})));
        change(&company, 1);
        let second = wait_for("another", || receiver.received().into_iter().nth(1));
        assert_eq!(second.headers["webhook-signature"].split(' ').count(), 2);
        for secret in [&secret, &rolled] {
            assert!(by_all(secret, &second).iter().all(|is_good| *is_good));
        }
        assert!(by_all(&rolled, &first).iter().all(|is_good| !is_good));
    });
}

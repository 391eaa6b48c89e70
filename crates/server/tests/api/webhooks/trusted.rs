//! Receivers over TLS: whose certificate is taken, and what is said of one that is not.

use serde_json::Value;
use testkit::{Authority, Certificate, Folder, Receiver, Reception};

use super::{change, endpoint, wait_for_delivery};
use crate::faults::Place;
use crate::house::{Company, PROGRAM, text};

/// Has a receiver with this certificate told of a change: what became of that.
fn told(company: &Company, certificate: &Certificate) -> (Receiver, Value) {
    let receiver = Receiver::start_secure(Reception::Answers(200), certificate);
    let made = endpoint(company, &receiver, &["company.updated"]);
    let others = company.api.get("/v1/webhook-endpoints").is(200)["total"].as_u64().unwrap();
    change(company, others as usize);
    (receiver, wait_for_delivery(company, &made, |one| one["attemptCount"] == 1))
}

/// With `--webhook-ca-file` a receiver is vouched for by an authority of the operator's own, for its name and its
/// time; no other is sent a byte.
#[test]
fn a_receiver_shows_who_it_is() {
    let (own, stranger) = (Authority::new(), Authority::new());
    let file = own.path();
    let place = Place::serve(None, &["--allow-insecure-webhooks", "--webhook-ca-file", file.to_str().unwrap()]);
    let company = place.house.company();
    let (receiver, delivery) = told(&company, &own.vouch("DNS:localhost"));
    assert_eq!((&delivery["status"], receiver.received()[0].id()), (&"delivered".into(), text(&delivery["eventId"])));
    let refused = |certificate: &Certificate, says: &str| {
        let (receiver, delivery) = told(&company, certificate);
        let error = &delivery["lastError"];
        assert_eq!((&delivery["status"], &error["code"]), (&"pending".into(), &"TLS".into()), "{delivery}");
        assert!(text(&error["message"]).contains(says), "{error}");
        assert_eq!((receiver.count(), &delivery["responseStatus"]), (0, &Value::Null));
    };
    refused(&own.vouch("DNS:hooks.example.com"), "the receiver's certificate is not for localhost:");
    refused(
        &stranger.vouch("DNS:localhost"),
        "no authority that is trusted here vouches for the receiver's certificate",
    );
    let short = own.vouch("DNS:localhost,DNS:short.example");
    place.faults.clock_ahead(3 * 86_400);
    refused(&short, "the receiver's certificate has expired on 20");
    place.faults.clock_ahead(-3 * 86_400);
    refused(&short, "the receiver's certificate is not valid before 20");
}

/// Without the file the same authority is nobody's; a file without certificates stops the start and says so.
#[test]
fn whom_nobody_named_is_not_trusted() {
    let own = Authority::new();
    let place = Place::serve(None, &["--allow-insecure-webhooks"]);
    let company = place.house.company();
    let (receiver, delivery) = told(&company, &own.vouch("DNS:localhost"));
    assert_eq!((&delivery["lastError"]["code"], receiver.count()), (&"TLS".into(), 0));
    let folder = Folder::new();
    let file = folder.path().join("empty.pem");
    std::fs::write(&file, "no certificate").unwrap();
    let mut command = testkit::ledgerbee(PROGRAM, folder.path(), None);
    let output = command.args(["serve", "--listen", "127.0.0.1:0", "--webhook-ca-file"]).arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("there is no certificate (PEM) in it"), "{said}");
}

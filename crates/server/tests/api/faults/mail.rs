//! The mail server: it refuses, stalls, hangs up. A send is answered at once, and what
//! comes of it later stands in its delivery.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testkit::{MailServer, Manner, wait_for};

use super::Place;
use crate::house::{Company, line, text};

/// A server that sends through this mail server.
fn place_by(mail: &MailServer) -> Place {
    Place::serve(None, &["--smtp-url", &mail.url(), "--smtp-timeout", "2"])
}

/// Sends a new invoice by mail; answers its place. The answer never waits for the mail server.
pub(super) fn send(company: &Company) -> String {
    let customer = company.customer(json!({ "email": "kontor@lindeblomst.example" }));
    let draft = company.draft(&customer, json!([line(&company.price("300"), "1")]));
    let place = format!("/v1/invoices/{}", text(&draft["id"]));
    let sent = company.api.post(&format!("{place}/send"), &json!({ "deliveryType": "Email" })).is(200);
    assert_eq!(sent["status"], "sending");
    place
}

/// The delivery of an invoice, once it has been tried so often.
pub(super) fn tried(company: &Company, place: &str, times: usize) -> Value {
    wait_for("a try", || {
        let status = company.api.get(&format!("{place}/delivery-status")).is(200);
        (status["attempts"].as_array().unwrap().len() >= times).then_some(status)
    })
}

fn instant(value: &Value) -> Timestamp {
    text(value).parse().unwrap()
}

/// 30 s, 2 min, 8 min, 32 min, 2 h, 8.5 h, 10 h, as the specification has it.
const RETRIES: [i64; 7] = [30, 120, 480, 1_920, 7_200, 30_600, 36_000];

#[test]
fn a_mail_that_is_refused_for_now_is_tried_eight_times_and_then_given_up() {
    let mail = MailServer::start(Manner::Refuses("451 4.3.2 Greylisted, come again"));
    let server = place_by(&mail);
    let (company, faults) = (server.house.company(), &server.faults);
    let place = send(&company);
    let mut ahead = 0;
    for (tries, seconds) in (1..).zip(RETRIES) {
        let status = tried(&company, &place, tries);
        let (summary, last) = (&status["summary"], &status["attempts"][tries - 1]);
        assert_eq!((&summary["status"], &summary["attemptCount"]), (&json!("pending"), &json!(tries)));
        assert_eq!(summary["lastError"]["code"], "SMTP_FAILED");
        assert!(text(&summary["lastError"]["message"]).contains("Greylisted"), "{summary}");
        let pause = instant(&summary["nextAttemptAt"]).duration_since(instant(&last["finishedAt"]));
        // At its time, and up to a tenth later: not all at once.
        let (soonest, latest) = (SignedDuration::from_secs(seconds), SignedDuration::from_secs(seconds + seconds / 10));
        assert!((soonest..=latest).contains(&pause), "{pause} after try {tries}");
        ahead += seconds + seconds / 10 + 1;
        faults.clock_ahead(ahead);
    }
    let status = tried(&company, &place, 8);
    let summary = &status["summary"];
    assert_eq!((&summary["status"], &summary["nextAttemptAt"]), (&json!("failed"), &Value::Null));
    assert_eq!(company.api.get(&place).is(200)["status"], "sending", "nothing is unbooked");
    company.settle();
    assert!(faults.log().contains("Greylisted"), "the log says why");
    // Sent again by its user, it goes the same way anew.
    mail.treat(Manner::Takes);
    company.api.post(&format!("{place}/send"), &json!({ "deliveryType": "Email" })).is(200);
    assert_eq!(tried(&company, &place, 9)["summary"]["status"], "delivered");
    assert_eq!(mail.message_ids().len(), 1);
    company.check_books();
}

#[test]
fn a_mail_that_is_refused_for_good_is_given_up_at_once() {
    let mail = MailServer::start(Manner::Refuses("550 5.1.1 No such mailbox"));
    let server = place_by(&mail);
    let (company, faults) = (server.house.company(), &server.faults);
    let place = send(&company);
    let summary = tried(&company, &place, 1)["summary"].clone();
    assert_eq!((&summary["status"], &summary["nextAttemptAt"]), (&json!("failed"), &Value::Null));
    assert_eq!(summary["lastError"]["code"], "SMTP_REFUSED");
    assert!(text(&summary["lastError"]["message"]).contains("No such mailbox"), "{summary}");
    assert!(faults.log().contains("No such mailbox"), "the log says why");
    company.settle();
    assert_eq!(mail.visits(), 1);
    company.check_books();
}

/// Hung up on in the middle, nobody knows what arrived: it goes once more, under the same id.
#[test]
fn a_mail_server_that_hangs_up_is_tried_again() {
    let mail = MailServer::start(Manner::HangsUp);
    let server = place_by(&mail);
    let (company, faults) = (server.house.company(), &server.faults);
    let place = send(&company);
    assert_eq!(tried(&company, &place, 1)["summary"]["status"], "pending");
    mail.treat(Manner::Takes);
    faults.clock_ahead(34);
    let status = tried(&company, &place, 2);
    assert_eq!((&status["summary"]["status"], &status["summary"]["lastError"]), (&json!("delivered"), &Value::Null));
    let id = format!("<{}@ledgerbee>", text(&status["attempts"][0]["deliveryId"]));
    assert_eq!(mail.message_ids(), [id]);
    company.settle();
}

/// It never says a word: the mail is given back after the time that is allowed.
#[test]
fn a_mail_server_that_says_nothing_is_left_after_a_while() {
    let mail = MailServer::start(Manner::Stalls);
    let server = place_by(&mail);
    let (company, faults) = (server.house.company(), &server.faults);
    let place = send(&company);
    let status = tried(&company, &place, 1);
    assert_eq!(status["summary"]["status"], "pending");
    assert_eq!(status["summary"]["lastError"]["code"], "SMTP_FAILED");
    assert!(faults.log().contains("SMTP_FAILED"), "the log says why");
    mail.treat(Manner::Takes);
    faults.clock_ahead(34);
    assert_eq!(tried(&company, &place, 2)["summary"]["status"], "delivered");
}

/// More mails than are on their way at once to a receiver hang; what is not mail goes on, and later all arrive once.
#[test]
fn while_mails_hang_papers_are_printed() {
    let mail = MailServer::start(Manner::Stalls);
    let place = Place::serve(None, &["--smtp-url", &mail.url(), "--smtp-timeout", "30"]);
    let (company, faults) = (place.house.company(), &place.faults);
    let places: Vec<String> = (0..10).map(|_| send(&company)).collect();
    wait_for("as many visits as are allowed", || (mail.visits() >= 1).then_some(()));
    let customer = company.customer(json!({}));
    let invoice = company.invoice(&customer, json!([line(&company.price("300"), "1")]));
    let printed = format!("select sha256 from files where document_id = '{}'", text(&invoice["id"]));
    wait_for("the print", || (!company.house.books.value(&printed).is_empty()).then_some(()));
    assert_eq!(mail.visits(), 1, "the others wait their turn");
    mail.treat(Manner::Takes);
    // Those that hung were hung up on, and are due again.
    faults.clock_ahead(34);
    for place in &places {
        wait_for("the mail", || {
            let status = company.api.get(&format!("{place}/delivery-status")).is(200);
            (status["summary"]["status"] == "delivered").then_some(())
        });
    }
    let mut ids = mail.message_ids();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), mail.message_ids().len()), (10, 10), "each arrives once");
    company.settle();
    company.check_books();
}

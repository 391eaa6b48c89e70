//! Sends at an instant: what may be done meanwhile, what becomes of them when it comes.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testkit::{Faults, Folder, shared_postgres, wait_for};

use super::{comes_to, draft, status, told};
use crate::faults::Place;
use crate::house::{Api, Company, House, PROGRAM, line, text};

const DAY: i64 = 86_400;

/// An instant of tomorrow, by the machine's clock.
fn tomorrow() -> String {
    format!("{:.3}", Timestamp::now() + SignedDuration::from_secs(DAY))
}

/// How many sends of a company wait.
fn waiting(company: &Company) -> String {
    company
        .house
        .books
        .value(&format!("select count(*) from jobs where company_id = '{}' and kind = 'scheduled'", company.id))
}

/// Schedules a document; what is answered.
fn schedule(company: &Company, place: &str, more: Value) -> Value {
    let mut body = json!({ "deliveryType": "Manual", "scheduledAt": tomorrow() });
    crate::house::merge(&mut body, more);
    company.api.post(&format!("{place}/send"), &body).is(200)
}

on_both_engines! {
    /// The row "scheduled" of the specification's table, for both kinds.
    fn what_may_be_done_with_what_is_scheduled(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let body = json!({ "customerId": customer, "lines": [line(&price, "1")] });
        for path in ["invoices", "credit-notes"] {
            let made = company.api.post(&format!("/v1/{path}"), &body).is(201);
            let place = format!("/v1/{path}/{}", text(&made["id"]));
            let at = tomorrow();
            let asked = json!({ "deliveryType": "Manual", "scheduledAt": at });
            let preview = company.api.post(&format!("{place}/send?dryRun=true"), &asked).is(200);
            assert_eq!((&preview["status"], &company.now(path, &made)["status"]), (&json!("scheduled"), &json!("draft")));
            let sent = company.api.post(&format!("{place}/send"), &asked).is(200);
            assert_eq!((&sent["status"], &sent["deliveryType"], &sent["number"]), (&json!("scheduled"), &json!("Manual"), &made["number"]));
            assert_eq!(company.now(path, &made)["status"], "scheduled");
            assert_eq!(company.api.get(&format!("/v1/{path}?status=scheduled")).is(200)["total"], 1);
            let summary = status(&company, &place)["summary"].clone();
            assert_eq!((&summary["status"], &summary["nextAttemptAt"], &summary["attemptCount"]), (&json!("scheduled"), &json!(at), &json!(0)));
            company.api.patch(&place, &body).refused(400, "DOCUMENT_NOT_DRAFT");
            company.api.delete(&place).refused(400, "DOCUMENT_NOT_DRAFT");
            company.api.post(&format!("{place}/send"), &json!({ "deliveryType": "Manual" })).refused(400, "DOCUMENT_SCHEDULED");
            company.api.post(&format!("{place}/send"), &asked).refused(400, "DOCUMENT_SCHEDULED");
            if path == "credit-notes" {
                company.api.post(&format!("{place}/void"), &json!({ "reason": "No" })).refused(400, "DOCUMENT_SCHEDULED");
            } else {
                company.api.post(&format!("{place}/credit"), &json!({})).refused(400, "INVOICE_NOT_CREDITABLE");
            }
            // Taken back it is a draft like any other.
            let back = company.api.delete(&format!("{place}/send"));
            assert_eq!((back.status, back.bytes.len()), (204, 0));
            assert_eq!(status(&company, &place)["summary"]["status"], "none");
            company.api.delete(&format!("{place}/send")).refused(400, "DOCUMENT_NOT_SCHEDULED");
            company.api.patch(&place, &body).is(200);
            company.sent(path, &made);
            company.api.delete(&format!("{place}/send")).refused(400, "DOCUMENT_NOT_SCHEDULED");
            company.api.post(&format!("{place}/send"), &asked).refused(400, "DOCUMENT_NOT_DRAFT");
            company.api.delete(&format!("/v1/{path}/0190a1b2-0000-7000-8000-000000000001/send")).refused(404, if path == "invoices" { "INVOICE_NOT_FOUND" } else { "CREDIT_NOTE_NOT_FOUND" });
        }
        assert_eq!(waiting(&company), "0");
        company.check_books();
    }

    /// "cancel (invoice): takes it back and cancels"; nothing waits any more.
    fn a_scheduled_invoice_that_is_cancelled_is_not_sent(house) {
        let company = house.company();
        let (invoice, place) = draft(&company, json!({}));
        schedule(&company, &place, json!({}));
        assert_eq!(waiting(&company), "1");
        assert_eq!(company.api.post(&format!("{place}/cancel"), &json!({})).is(200)["status"], "cancelled");
        assert_eq!(status(&company, &place)["summary"]["status"], "none");
        assert_eq!(waiting(&company), "0");
        company.api.delete(&format!("{place}/send")).refused(400, "DOCUMENT_NOT_SCHEDULED");
        assert_eq!(company.now("invoices", &invoice)["number"], json!(null));
    }

    /// What is known to be wrong is told when it is scheduled, not when it is too late.
    fn what_is_wrong_is_told_when_it_is_scheduled(house) {
        let company = house.company();
        let (invoice, place) = draft(&company, json!({}));
        let send = |body: Value| company.api.post(&format!("{place}/send"), &body);
        send(json!({ "scheduledAt": "2026-01-01T00:00:00Z" })).faulty("scheduledAt", "minDate");
        send(json!({ "deliveryType": "Email", "scheduledAt": tomorrow() })).refused(400, "DELIVERY_RECIPIENT_MISSING");
        send(json!({ "deliveryType": "Sproom", "scheduledAt": tomorrow() })).refused(400, "DELIVERY_CHANNEL_NOT_CONFIGURED");
        let today = company.now("invoices", &invoice)["date"].clone();
        company.api.patch("/v1/company", &json!({ "lockedThrough": today })).is(200);
        send(json!({ "deliveryType": "Manual", "scheduledAt": tomorrow() })).refused(400, "PERIOD_LOCKED");
        assert_eq!(company.now("invoices", &invoice)["status"], "draft");
        assert_eq!((told(&company, "delivery.created"), status(&company, &place)["summary"]["status"].clone()), (0, json!("none")));
    }
}

/// At its instant it is booked and sent as it was asked, to the address of that time.
fn is_sent_at_its_instant(database_url: Option<&str>) {
    let mails = Folder::new();
    let path = mails.path().to_str().unwrap();
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let place = Place::serve(database_url, &["--mail-folder", path]);
    let company = place.house.company();
    let (invoice, at) = draft(&company, json!({ "email": "old@lindeblomst.example" }));
    let asked = json!({ "deliveryType": "Email", "message": "God fornøjelse.", "attachXml": true });
    let sent = schedule(&company, &at, asked);
    let customer = format!("/v1/customers/{}", text(&invoice["customerId"]));
    company.api.patch(&customer, &json!({ "email": "new@lindeblomst.example" })).is(200);
    // Another one stays where it is.
    let (later, _) = draft(&company, json!({}));
    schedule(
        &company,
        &format!("/v1/invoices/{}", text(&later["id"])),
        json!({ "scheduledAt": "2126-06-10T08:00:00Z" }),
    );
    place.faults.clock_ahead(DAY + 1);
    let done = comes_to(&company, &at, "delivered");
    assert_eq!(done["summary"]["recipient"], "new@lindeblomst.example");
    assert_eq!((&done["attempts"][0]["deliveryId"], &done["number"]), (&sent["deliveryId"], &json!("INV-00001")));
    let now = company.now("invoices", &invoice);
    assert_eq!((&now["status"], &now["number"]), (&json!("sent"), &json!("INV-00001")));
    let mail = std::fs::read_to_string(mails.path().join(format!("{}.eml", text(&sent["deliveryId"])))).unwrap();
    for words in ["To: new@lindeblomst.example", "INV-00001.pdf", "INV-00001-en16931-ubl.xml"] {
        assert!(mail.contains(words), "{words} is not in {mail}");
    }
    assert_eq!(company.now("invoices", &later)["status"], "scheduled");
    assert_eq!((told(&company, "invoice.sent"), told(&company, "delivery.succeeded")), (1, 1));
    company.check_books();
}

#[test]
fn what_is_scheduled_is_sent_at_its_instant_on_sqlite() {
    is_sent_at_its_instant(None);
}

#[test]
fn what_is_scheduled_is_sent_at_its_instant_on_postgres() {
    is_sent_at_its_instant(Some(&shared_postgres().fresh_database()));
}

/// "A scheduled send that is refused when its time comes goes back to draft; the refusal is the delivery's
/// lastError and the event delivery.failed."
fn is_a_draft_again_when_refused(database_url: Option<&str>) {
    let place = Place::serve(database_url, &[]);
    let company = place.house.company();
    let (invoice, at) = draft(&company, json!({}));
    schedule(&company, &at, json!({}));
    company.api.patch("/v1/company", &json!({ "lockedThrough": invoice["date"] })).is(200);
    place.faults.clock_ahead(DAY + 1);
    let failed = comes_to(&company, &at, "failed");
    let summary = &failed["summary"];
    assert_eq!((&summary["lastError"]["code"], &summary["attemptCount"]), (&json!("PERIOD_LOCKED"), &json!(0)));
    assert_eq!((&summary["nextAttemptAt"], &failed["attempts"]), (&Value::Null, &json!([])));
    let now = company.now("invoices", &invoice);
    assert_eq!((&now["status"], &now["number"]), (&json!("draft"), &Value::Null));
    assert_eq!((told(&company, "delivery.failed"), told(&company, "invoice.sent")), (1, 0));
    assert_eq!(waiting(&company), "0");
    // It is a draft like any other: mended it is sent, another one is deleted.
    company.api.patch("/v1/company", &json!({ "lockedThrough": null })).is(200);
    assert_eq!(company.sent("invoices", &invoice)["number"], "INV-00001");
    let (_, at) = draft(&company, json!({}));
    let asked = json!({ "scheduledAt": format!("{:.3}", Timestamp::now() + SignedDuration::from_secs(3 * DAY)) });
    schedule(&company, &at, asked);
    company.api.patch("/v1/company", &json!({ "address": null })).is(200);
    place.faults.clock_ahead(4 * DAY);
    assert_eq!(comes_to(&company, &at, "failed")["summary"]["lastError"]["code"], "COMPANY_INCOMPLETE");
    assert_eq!(company.api.delete(&at).status, 204);
    company.check_books();
}

#[test]
fn what_is_refused_at_its_instant_is_a_draft_again_on_sqlite() {
    is_a_draft_again_when_refused(None);
}

#[test]
fn what_is_refused_at_its_instant_is_a_draft_again_on_postgres() {
    is_a_draft_again_when_refused(Some(&shared_postgres().fresh_database()));
}

/// The server is killed before the instant, and is away when it comes: it is sent once, at the next start.
fn survives_a_kill(database_url: Option<&str>) {
    let folder = Folder::new();
    let faults = Faults::of(folder.path());
    let serve = || {
        let house = House::serve_with_faults(PROGRAM, folder.path(), database_url, &[], &faults);
        &*Box::leak(Box::new(house))
    };
    let house = serve();
    let company = house.company();
    let (invoice, at) = draft(&company, json!({}));
    schedule(&company, &at, json!({}));
    house.server.end_by("KILL");
    faults.clock_ahead(2 * DAY);
    let house = serve();
    let company = Company { house, id: company.id.clone(), api: Api::new(&house.server.root, &company.api.key) };
    wait_for("the send", || (company.now("invoices", &invoice)["status"] == "sent").then_some(()));
    assert_eq!(waiting(&company), "0");
    assert_eq!((told(&company, "invoice.sent"), status(&company, &at)["attempts"].as_array().unwrap().len()), (1, 1));
    company.check_books();
    house.server.signal("KILL");
}

#[test]
fn what_is_scheduled_survives_a_kill_on_sqlite() {
    survives_a_kill(None);
}

#[test]
fn what_is_scheduled_survives_a_kill_on_postgres() {
    survives_a_kill(Some(&shared_postgres().fresh_database()));
}

/// A send that waits is sound; one that nothing waits for any more is found by the doctor.
#[test]
fn the_doctor_misses_what_no_job_sees_to() {
    let folder = Folder::new();
    let house: &'static House = Box::leak(Box::new(House::serve(PROGRAM, folder.path(), None, &[])));
    let company = house.company();
    let (invoice, place) = draft(&company, json!({}));
    schedule(&company, &place, json!({}));
    crate::doctor::check_sound(&company);
    let name = format!("invoice {}", text(&invoice["id"]));
    let _ = house.books.rows("delete from jobs");
    let found = crate::doctor::wrong(&company, "deliveries");
    assert_eq!(found, [format!("{name}: its delivery is scheduled, and no job sees to it")]);
    let _ = house.books.rows("delete from deliveries");
    let found = crate::doctor::wrong(&company, "deliveries");
    assert_eq!(found, [format!("{name}: it is scheduled, and no delivery waits")]);
    house.server.signal("KILL");
}

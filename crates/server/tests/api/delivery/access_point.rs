//! The channel Sproom: an access point over HTTP, as documented and at its worst, and a folder.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testkit::{AccessPoint, Faults, Folder, MailServer, Manner, Welcome, shared_postgres, wait_for};

use super::{comes_to, draft, status, told, tried};
use crate::faults::Place;
use crate::house::{Api, Company, House, PROGRAM, text};

const EAN: &str = "5790000000005";
const OTHER_EAN: &str = "5798009811578";

fn by(point: &AccessPoint) -> Vec<String> {
    let words = ["--sproom-api-url", &point.url(), "--sproom-token", "secret", "--sproom-timeout", "2"];
    words.map(str::to_owned).to_vec()
}

/// A server that sends e-invoices through this access point.
fn place_by(point: &AccessPoint, database_url: Option<&str>) -> Place {
    let arguments = by(point);
    Place::serve(database_url, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Sends a new invoice to a customer with an EAN number; its place and what was answered.
fn send(company: &Company, ean: &str) -> (String, Value) {
    let (_, place) = draft(company, json!({ "eanNumber": ean }));
    let sent = company.api.post(&format!("{place}/send"), &json!({ "deliveryType": "Sproom" })).is(200);
    assert_eq!((&sent["status"], &sent["sproomDocumentId"]), (&json!("sending"), &Value::Null));
    (place, sent)
}

on_both_engines! {
    /// Nothing is booked and no number taken for a channel that is not there.
    fn a_channel_that_is_not_set_up_is_refused(house) {
        let company = house.company();
        let (invoice, place) = draft(&company, json!({ "eanNumber": EAN }));
        let details = company.api.post(&format!("{place}/send"), &json!({ "deliveryType": "Sproom" }));
        assert_eq!(details.refused(400, "DELIVERY_CHANNEL_NOT_CONFIGURED")["deliveryType"], "Sproom");
        assert_eq!(company.now("invoices", &invoice), invoice);
    }
}

/// Uploaded under the delivery's id, addressed to the EAN number, and followed to its end: delivered, accepted,
/// rejected, failed.
fn is_followed_to_its_end(database_url: Option<&str>) {
    let point = AccessPoint::start(Welcome::Takes);
    let place = place_by(&point, database_url);
    let company = place.house.company();
    let (at, sent) = send(&company, EAN);
    let taken = tried(&company, &at, 1);
    let upload = point.uploads().pop().unwrap();
    assert_eq!(
        (&upload.request_id, &upload.authorization),
        (&text(&sent["deliveryId"]).to_owned(), &"Bearer secret".to_owned())
    );
    assert!(upload.xml.contains("OIOUBL-2.1") && upload.xml.contains(EAN), "{}", upload.xml);
    // The access point has it: the document is sent, its delivery still on its way.
    let (summary, attempt) = (&taken["summary"], &taken["attempts"][0]);
    assert_eq!((&summary["status"], &summary["recipient"]), (&json!("pending"), &json!(EAN)));
    assert_eq!((&attempt["status"], &attempt["providerMessageId"]), (&json!("sent"), &json!(upload.id)));
    assert_eq!(company.api.get(&at).is(200)["status"], "sent");
    // What is archived is what was sent.
    assert_eq!(company.api.get(&format!("{at}/xml?format=oioubl-2.1")).text(), upload.xml);

    let (rejected, _) = send(&company, EAN);
    let (failed, _) = send(&company, EAN);
    let (silent, _) = send(&company, EAN);
    for place in [&rejected, &failed, &silent] {
        tried(&company, place, 1);
    }
    let id_of = |place: &str| text(&status(&company, place)["attempts"][0]["providerMessageId"]).to_owned();
    point.say(&id_of(&at), "Sent", None);
    point.say(&id_of(&rejected), "ApplicationReponseBusinessReject", Some("The order number is not ours."));
    point.say(&id_of(&failed), "SchematronValidationError", None);
    point.say(&id_of(&silent), "EndpointNotFound", None);
    place.faults.clock_ahead(62);
    let delivered = comes_to(&company, &at, "delivered");
    assert!(delivered["summary"]["deliveredAt"].is_string());
    let rejection = comes_to(&company, &rejected, "rejected")["summary"]["lastError"].clone();
    assert_eq!(rejection["code"], "RECEIVER_REJECTED");
    assert!(text(&rejection["message"]).contains("The order number is not ours."), "{rejection}");
    assert_eq!(comes_to(&company, &failed, "failed")["summary"]["lastError"]["code"], "ACCESS_POINT_GAVE_UP");
    assert_eq!(company.api.get(&failed).is(200)["status"], "sent", "nothing is unbooked");
    let underway = || status(&company, &silent)["summary"].clone();
    wait_for("what holds it up", || (underway()["lastError"]["code"] == "ACCESS_POINT_UNDERWAY").then_some(()));
    assert_eq!(underway()["status"], "pending");
    // An access point that forgot a document, or does not answer, changes nothing.
    point.forget(&id_of(&silent));
    point.say(&id_of(&at), "Approved", None);
    place.faults.clock_ahead(600);
    comes_to(&company, &at, "accepted");
    assert_eq!((told(&company, "delivery.succeeded"), told(&company, "delivery.failed")), (1, 2));
    // What the access point never speaks of again is given up after a month.
    place.faults.clock_ahead(31 * 86_400);
    let last = comes_to(&company, &silent, "failed")["summary"]["lastError"].clone();
    assert_eq!((&last["code"], &last["message"]), (&json!("ACCESS_POINT_UNDERWAY"), &json!("EndpointNotFound")));
    company.settle();
    company.check_books();
}

#[test]
fn an_e_invoice_is_followed_to_its_end_on_sqlite() {
    is_followed_to_its_end(None);
}

#[test]
fn an_e_invoice_is_followed_to_its_end_on_postgres() {
    is_followed_to_its_end(Some(&shared_postgres().fresh_database()));
}

/// What may pass is tried again, what will not is given up at once; an answer without an end does no harm.
#[test]
fn passing_and_permanent_refusals_are_told_apart() {
    let point = AccessPoint::start(Welcome::Takes);
    let place = place_by(&point, None);
    let company = place.house.company();
    for (welcome, code, is_passing) in [
        (Welcome::Answers(500), "ACCESS_POINT_FAILED", true),
        (Welcome::Answers(503), "ACCESS_POINT_FAILED", true),
        (Welcome::Answers(429), "ACCESS_POINT_FAILED", true),
        (Welcome::Answers(408), "ACCESS_POINT_FAILED", true),
        (Welcome::Answers(302), "ACCESS_POINT_FAILED", true),
        (Welcome::Answers(201), "ACCESS_POINT_FAILED", true),
        (Welcome::HangsUp, "ACCESS_POINT_FAILED", true),
        (Welcome::Stalls, "ACCESS_POINT_FAILED", true),
        (Welcome::AnswersAtLength(500), "ACCESS_POINT_FAILED", true),
        (Welcome::Answers(400), "ACCESS_POINT_REFUSED", false),
        (Welcome::Answers(401), "ACCESS_POINT_REFUSED", false),
        (Welcome::AsksToWait(404, "600"), "ACCESS_POINT_REFUSED", false),
        (Welcome::AnswersAtLength(422), "ACCESS_POINT_REFUSED", false),
    ] {
        point.treat(welcome);
        let (at, _) = send(&company, EAN);
        let summary = tried(&company, &at, 1)["summary"].clone();
        assert_eq!(summary["lastError"]["code"], code, "{welcome:?}: {summary}");
        assert_eq!(summary["status"], if is_passing { "pending" } else { "failed" }, "{welcome:?}");
        assert_eq!(summary["nextAttemptAt"].is_string(), is_passing, "{welcome:?}");
        if let Welcome::Answers(status) = welcome {
            let said = format!("{status}: <p>No, not this one.</p>");
            assert!(text(&summary["lastError"]["message"]).contains(&said), "{summary}");
        }
        let again = company.api.post(&format!("{at}/send"), &json!({ "deliveryType": "Sproom" }));
        if is_passing {
            again.refused(400, "DOCUMENT_ALREADY_SENDING");
        } else {
            // Given up, its user sends it anew; this time it is taken.
            point.treat(Welcome::Takes);
            again.is(200);
            assert_eq!(tried(&company, &at, 2)["attempts"][1]["status"], "sent");
        }
    }
    point.treat(Welcome::Takes);
    place.faults.clock_ahead(34);
    wait_for("all of them", || (point.uploads().len() == 13).then_some(()));
    company.check_books();
}

/// An access point that asks to be left alone is: never tried earlier, and not later than the longest step.
#[test]
fn an_access_point_is_left_alone_for_as_long_as_it_asks() {
    let point = AccessPoint::start(Welcome::Takes);
    let place = place_by(&point, None);
    let company = place.house.company();
    let in_twenty_minutes =
        (Timestamp::now() + SignedDuration::from_mins(20)).strftime("%a, %d %b %Y %T GMT").to_string();
    for (status, asks, at_least, at_most) in [
        (429, "600", 600, 660),
        (503, "1", 30, 33),
        (503, "9999999", 36_000, 39_600),
        // Its second began up to a second earlier.
        (503, in_twenty_minutes.leak(), 1_140, 1_320),
    ] {
        point.treat(Welcome::AsksToWait(status, asks));
        let (at, _) = send(&company, EAN);
        let told = tried(&company, &at, 1);
        let (summary, last) = (&told["summary"], &told["attempts"][0]);
        assert_eq!(
            (&summary["status"], &summary["lastError"]["code"]),
            (&json!("pending"), &json!("ACCESS_POINT_FAILED"))
        );
        let instant = |value: &Value| text(value).parse::<Timestamp>().unwrap();
        let pause = instant(&summary["nextAttemptAt"]).duration_since(instant(&last["finishedAt"]));
        let bounds = [at_least, at_most].map(SignedDuration::from_secs);
        assert!(bounds[0] <= pause && pause <= bounds[1], "{status} {asks}: {pause}");
    }
    // So it is with the question after one that it took.
    point.treat(Welcome::Takes);
    let (at, _) = send(&company, EAN);
    tried(&company, &at, 1);
    point.treat(Welcome::AsksToWait(503, "7200"));
    place.faults.clock_ahead(62);
    let soonest = Timestamp::now() + SignedDuration::from_secs(7_200);
    wait_for("the question to be put off", || {
        let due_at = company.house.books.value("select due_at from jobs where kind = 'poll' and lease_id is null");
        due_at.parse::<Timestamp>().ok().filter(|due_at| *due_at >= soonest)
    });
    point.treat(Welcome::Takes);
}

/// Killed after the access point had the document and before it was recorded: it goes once more under the same
/// id, is told to be there already, and is recorded once.
fn is_recognised_after_a_kill(database_url: Option<&str>) {
    let folder = Folder::new();
    let faults = Faults::of(folder.path());
    let point = AccessPoint::start(Welcome::KeepsQuiet);
    let serve = || {
        let arguments = ["--sproom-api-url", &point.url(), "--sproom-token", "secret", "--sproom-timeout", "60"];
        let house = House::serve_with_faults(PROGRAM, folder.path(), database_url, &arguments, &faults);
        &*Box::leak(Box::new(house))
    };
    let house = serve();
    let company = house.company();
    let (at, sent) = send(&company, EAN);
    wait_for("the access point to have it", || (point.uploads().len() == 1).then_some(()));
    house.server.end_by("KILL");
    point.treat(Welcome::Takes);
    // On PostgreSQL, which others may share, the claim of the killed server ends first.
    faults.clock_ahead(181);
    let house = serve();
    let company = Company { house, id: company.id.clone(), api: Api::new(&house.server.root, &company.api.key) };
    let status = tried(&company, &at, 1);
    let upload = point.uploads().pop().unwrap();
    assert_eq!(upload.request_id, text(&sent["deliveryId"]));
    assert_eq!((point.uploads().len(), point.visits()), (1, 2), "the same id came twice");
    assert_eq!(status["attempts"].as_array().unwrap().len(), 1, "of the first try nothing was recorded");
    assert_eq!(status["attempts"][0]["providerMessageId"], upload.id);
    company.check_books();
    house.server.signal("KILL");
}

#[test]
fn an_upload_repeated_after_a_kill_carries_the_same_id_on_sqlite() {
    is_recognised_after_a_kill(None);
}

#[test]
fn an_upload_repeated_after_a_kill_carries_the_same_id_on_postgres() {
    is_recognised_after_a_kill(Some(&shared_postgres().fresh_database()));
}

/// Known before the booking: who has no address, and what its network would refuse.
#[test]
fn what_can_not_be_addressed_or_breaks_a_rule_is_not_booked() {
    let point = AccessPoint::start(Welcome::Takes);
    let place = place_by(&point, None);
    let company = place.house.company();
    let sproom = json!({ "deliveryType": "Sproom" });
    let foreign =
        json!({ "countryCode": "NO", "vatZone": "abroad", "vatNumber": null, "registrationNumber": "987654325" });
    let (invoice, at) = draft(&company, foreign);
    let details = company.api.post(&format!("{at}/send"), &sproom).refused(400, "DELIVERY_RECIPIENT_MISSING");
    assert_eq!(details["property"], "overrideEanNumber");
    assert_eq!(company.now("invoices", &invoice), invoice);
    // Peppol wants the buyer's reference (PEPPOL-EN16931-R003); the draft has none.
    let customer = company.customer(json!({ "peppolEndpoint": "0184:87654370" }));
    let invoice = company.draft(&customer, json!([crate::house::line(&company.price("300"), "1")]));
    let at = format!("/v1/invoices/{}", text(&invoice["id"]));
    let details = company.api.post(&format!("{at}/send"), &sproom).refused(400, "EINVOICE_NOT_VALID");
    assert_eq!((&details["format"], &details["rule"]), (&json!("peppol-bis-3"), &json!("PEPPOL-EN16931-R003")));
    assert_eq!(company.now("invoices", &invoice), invoice);
    // By hand it may go, and with a reference through the access point.
    let (_, at) = draft(&company, json!({ "peppolEndpoint": "0184:87654370" }));
    company.api.post(&format!("{at}/send"), &sproom).is(200);
    tried(&company, &at, 1);
    assert!(point.uploads()[0].xml.contains("urn:fdc:peppol.eu:2017:poacc:billing:3.0"));
    assert_eq!(company.api.get(&at).is(200)["number"], "INV-00001", "no number was taken before");
}

/// An EAN number given for a send is pinned with the booking; one given for a later send readdresses that only.
#[test]
fn an_overriding_ean_number_is_for_one_send() {
    let point = AccessPoint::start(Welcome::Takes);
    let place = place_by(&point, None);
    let company = place.house.company();
    let (invoice, at) = draft(&company, json!({}));
    let send = |more: Value| {
        let mut body = json!({ "deliveryType": "Sproom" });
        crate::house::merge(&mut body, more);
        company.api.post(&format!("{at}/send"), &body).is(200);
    };
    send(json!({ "overrideEanNumber": EAN }));
    tried(&company, &at, 1);
    assert_eq!(company.api.get(&at).is(200)["buyer"]["eanNumber"], EAN);
    send(json!({ "overrideEanNumber": OTHER_EAN }));
    assert_eq!(tried(&company, &at, 2)["summary"]["recipient"], OTHER_EAN);
    send(json!({}));
    tried(&company, &at, 3);
    let sent: Vec<String> = point.uploads().into_iter().map(|upload| upload.xml).collect();
    assert!(sent[1].contains(OTHER_EAN) && !sent[1].contains(EAN), "{}", sent[1]);
    assert_eq!(sent[0].replace(EAN, OTHER_EAN), sent[1], "nothing else is another");
    assert_eq!(sent[0], sent[2], "the archived copy");
    let customer = company.api.get(&format!("/v1/customers/{}", text(&invoice["customerId"]))).is(200);
    assert_eq!(customer["eanNumber"], Value::Null);
}

/// Another program empties the folder: what is there is whole, and delivered.
#[test]
fn a_folder_takes_the_same_xml() {
    let folder = Folder::new();
    let files = folder.path().join("out");
    let house: &'static House = {
        let place = folder.path().join("books");
        let house = House::serve(PROGRAM, &place, None, &["--sproom-folder", files.to_str().unwrap()]);
        Box::leak(Box::new(house))
    };
    let company = house.company();
    let (at, sent) = send(&company, EAN);
    let status = comes_to(&company, &at, "delivered");
    let name = format!("INV-00001-{}.xml", text(&sent["deliveryId"]));
    assert_eq!(status["attempts"][0]["providerMessageId"], name);
    let xml = std::fs::read_to_string(files.join(&name)).unwrap();
    assert_eq!(xml, company.api.get(&format!("{at}/xml?format=oioubl-2.1")).text());
    assert_eq!(std::fs::read_dir(&files).unwrap().count(), 1, "nothing half is left");
    company.settle();
    house.server.signal("KILL");
}

/// A company's own token says whose document it is; a company without one has no such channel.
#[test]
fn each_company_has_its_token() {
    let point = AccessPoint::start(Welcome::Takes);
    let folder = Folder::new();
    let tokens = folder.path().join("tokens");
    std::fs::write(&tokens, "0190a1b2-0000-7000-8000-000000000001 nobodys\n").unwrap();
    let serve = || {
        let arguments = ["--sproom-api-url", &point.url(), "--sproom-token-file", tokens.to_str().unwrap()];
        &*Box::leak(Box::new(House::serve(PROGRAM, &folder.path().join("books"), None, &arguments)))
    };
    let house = serve();
    let company = house.company();
    let (_, at) = draft(&company, json!({ "eanNumber": EAN }));
    let sproom = json!({ "deliveryType": "Sproom" });
    company.api.post(&format!("{at}/send"), &sproom).refused(400, "DELIVERY_CHANNEL_NOT_CONFIGURED");
    house.server.end_by("KILL");
    std::fs::write(&tokens, format!("{} own\n", company.id)).unwrap();
    let house = serve();
    let company = Company { house, id: company.id.clone(), api: Api::new(&house.server.root, &company.api.key) };
    company.api.post(&format!("{at}/send"), &sproom).is(200);
    tried(&company, &at, 1);
    assert_eq!(point.uploads()[0].authorization, "Bearer own");
    house.server.signal("KILL");
}

/// Ten e-invoices to a dead receiver, ten mails to a dead domain, a mail server that then stalls wholly: what
/// goes elsewhere goes at once.
#[test]
fn a_dead_receiver_or_channel_delays_no_other() {
    let point = AccessPoint::start(Welcome::StallsFor(EAN));
    let mail = MailServer::start(Manner::StallsFor("@dead.example"));
    let (url, smtp_url) = (point.url(), mail.url());
    let arguments = ["--sproom-api-url", &url, "--sproom-token", "secret", "--sproom-timeout", "60"];
    let place = Place::serve(None, &[&arguments[..], &["--smtp-url", &smtp_url, "--smtp-timeout", "30"]].concat());
    let company = place.house.company();
    let by_mail = |address: &str| {
        let (_, at) = draft(&company, json!({ "email": address }));
        company.api.post(&format!("{at}/send"), &json!({ "deliveryType": "Email" })).is(200);
        at
    };
    for _ in 0..10 {
        send(&company, EAN);
        by_mail("kontor@dead.example");
    }
    wait_for("the dead to take their places", || (point.visits() == 1 && mail.visits() == 1).then_some(()));
    let (other, _) = send(&company, OTHER_EAN);
    assert_eq!(tried(&company, &other, 1)["attempts"][0]["status"], "sent");
    comes_to(&company, &by_mail("kontor@live.example"), "delivered");
    assert_eq!((point.visits(), mail.visits()), (2, 2), "of who has not answered yet one hangs at each");
    // The whole mail server stalls: the other channel does not mind.
    mail.treat(Manner::Stalls);
    for domain in 0..20 {
        by_mail(&format!("kontor@{domain}.example"));
    }
    let (other, _) = send(&company, OTHER_EAN);
    assert_eq!(tried(&company, &other, 1)["attempts"][0]["status"], "sent");
}

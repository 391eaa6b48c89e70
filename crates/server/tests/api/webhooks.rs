//! Webhooks: endpoints, secrets, and what a receiver sees: signed, in order, at least once, from an endpoint
//! that nobody else's failing delays.

mod endpoints;
mod examined;
mod failing;
mod signatures;
mod traffic;
mod trusted;

use serde_json::{Value, json};
use testkit::house::Company;
use testkit::{Folder, Receiver, Reception, shared_postgres, wait_for};

use crate::house::{Answer, House, PROGRAM, text};

/// A house that may send to this machine, on a folder of its own.
fn open_house(folder: &Folder, database_url: Option<&str>) -> House {
    House::serve(PROGRAM, folder.path(), database_url, &["--allow-insecure-webhooks"])
}

/// Runs a test on each engine, in a house of its own.
fn on_each(test: impl Fn(&House)) {
    for url in [None, Some(shared_postgres().fresh_database())] {
        let folder = Folder::new();
        test(&open_house(&folder, url.as_deref()));
    }
}

fn endpoint(company: &Company<'_>, receiver: &Receiver, topics: &[&str]) -> Value {
    company.api.post("/v1/webhook-endpoints", &json!({ "url": receiver.url(), "topics": topics })).is(201)
}

fn place(endpoint: &Value) -> String {
    format!("/v1/webhook-endpoints/{}", text(&endpoint["id"]))
}

/// A change that tells `company.updated`, once for each.
fn change(company: &Company<'_>, n: usize) {
    company.api.patch("/v1/company", &json!({ "phone": format!("+45 {n}") })).is(200);
}

fn deliveries(company: &Company<'_>, endpoint: &Value) -> Vec<Value> {
    let list = company.api.get(&format!("{}/deliveries?limit=100", place(endpoint))).is(200);
    list["data"].as_array().unwrap().clone()
}

/// Waits until an endpoint's newest delivery is as it is wanted.
fn wait_for_delivery(company: &Company<'_>, endpoint: &Value, is: impl Fn(&Value) -> bool) -> Value {
    wait_for("a delivery", || deliveries(company, endpoint).into_iter().next().filter(&is))
}

#[test]
fn a_receiver_hears_of_what_it_asked_for() {
    on_each(|house| {
        let company = house.company();
        let receiver = Receiver::start(Reception::Answers(204));
        let made = endpoint(&company, &receiver, &["company.updated"]);
        let customer = company.customer(json!({}));
        change(&company, 1);
        let [received] = &wait_for("a webhook", || Some(receiver.received()).filter(|all| !all.is_empty()))[..] else {
            panic!("more than was asked for")
        };
        let body = received.json();
        let event = company.api.get("/v1/events?type=company.updated").is(200)["data"][0].clone();
        assert_eq!(received.id(), text(&event["id"]));
        assert_eq!(
            body,
            json!({
                "id": event["id"], "type": "company.updated", "timestamp": event["occurredAt"],
                "sequence": event["sequence"], "data": event["data"],
            })
        );
        let delivery = wait_for_delivery(&company, &made, |delivery| delivery["status"] == "delivered");
        assert_eq!(
            (&delivery["eventId"], &delivery["attemptCount"], &delivery["responseStatus"]),
            (&event["id"], &json!(1), &json!(204))
        );
        let one = company.api.get(&format!("{}/deliveries/{}", place(&made), text(&delivery["id"]))).is(200);
        assert_eq!(one, delivery);
        assert_eq!(
            (&one["nextAttemptAt"], &one["lastError"], &one["endpointId"]),
            (&json!(null), &json!(null), &made["id"])
        );

        // By what became of them, and page by page.
        let list = |query: &str| company.api.get(&format!("{}/deliveries?{query}", place(&made))).is(200);
        assert_eq!((&list("status=delivered")["total"], &list("status=failed")["total"]), (&json!(1), &json!(0)));
        assert_eq!((&list("limit=1&cursor=")["data"][0], &list("page=2")["data"]), (&delivery, &json!([])));

        // Once more, as asked: the same id, signed anew.
        let again =
            company.api.post(&format!("{}/deliveries/{}/redeliver", place(&made), text(&one["id"])), &json!({}));
        assert_eq!(again.is(200)["status"], "pending");
        let all = wait_for("it once more", || Some(receiver.received()).filter(|all| all.len() == 2));
        assert_eq!((all[1].id(), &all[1].body), (received.id(), &received.body));
        // Everything from the beginning: what there is of this topic.
        company.api.patch(&place(&made), &json!({ "topics": ["company.updated", "customer.created"] })).is(200);
        let replay = company.api.post(&format!("{}/replay", place(&made)), &json!({ "afterSequence": 0 })).is(200);
        assert_eq!((&replay["id"], &replay["afterSequence"]), (&made["id"], &json!(0)));
        let all = wait_for("the replay", || Some(receiver.received()).filter(|all| all.len() >= 4));
        let ids = |kind: &str| all[2..].iter().filter(|one| one.json()["type"] == kind).count();
        assert_eq!((ids("customer.created"), ids("company.updated")), (1, 1));
        assert!(all[2..].iter().any(|one| one.json()["data"]["id"] == customer));
    });
}

/// A test goes to the endpoint that is tested, whatever its topics, and to no other.
#[test]
fn a_test_goes_to_whom_it_tests() {
    on_each(|house| {
        let company = house.company();
        let receivers = [Receiver::start(Reception::Answers(200)), Receiver::start(Reception::Answers(200))];
        let tested = endpoint(&company, &receivers[0], &["subscription.churned"]);
        let other = endpoint(&company, &receivers[1], &[]);
        let told = company.api.post(&format!("{}/test", place(&tested)), &json!({})).is(200);
        let delivery = wait_for_delivery(&company, &tested, |delivery| delivery["status"] == "delivered");
        assert_eq!(delivery["id"], told["id"]);
        let [received] = &receivers[0].received()[..] else { panic!("one test") };
        let body = received.json();
        assert_eq!((&body["type"], received.id()), (&json!("webhook_endpoint.tested"), text(&told["eventId"])));
        assert_eq!((&body["data"]["id"], &body["data"]["secret"]), (&tested["id"], &json!(null)));
        change(&company, 1);
        wait_for("what it is sent else", || {
            receivers[1].received().iter().any(|one| one.json()["type"] == "company.updated").then_some(())
        });
        assert!(receivers[1].received().iter().all(|one| one.json()["type"] != "webhook_endpoint.tested"));
        assert!(deliveries(&company, &other).iter().all(|one| one["type"] != "webhook_endpoint.tested"));
    });
}

/// What fails is tried again under its id, and holds up the events of its resource and no others.
#[test]
fn a_failure_is_tried_again_and_holds_up_its_own_resource_only() {
    on_each(|house| {
        let company = house.company();
        let receiver = Receiver::start(Reception::Answers(500));
        let made = endpoint(&company, &receiver, &["company.updated", "customer.created"]);
        change(&company, 1);
        let failed = wait_for_delivery(&company, &made, |delivery| delivery["attemptCount"] == 1);
        assert_eq!((&failed["status"], &failed["responseStatus"]), (&json!("pending"), &json!(500)));
        assert_eq!(failed["lastError"]["code"], "HTTP_STATUS");
        receiver.treat(Reception::Answers(200));
        change(&company, 2);
        company.customer(json!({}));
        // The customer's event is taken; the company's second waits behind its first.
        wait_for("the customer", || {
            receiver.received().iter().any(|one| one.json()["type"] == "customer.created").then_some(())
        });
        let waits = wait_for("the second", || {
            deliveries(&company, &made)
                .into_iter()
                .find(|one| one["type"] == "company.updated" && one["attemptCount"] == 0)
        });
        assert_eq!((&waits["status"], &waits["nextAttemptAt"]), (&json!("pending"), &json!(null)));
        // 30 s later it would come by itself; its time is set forward instead.
        let sql = format!("{}/deliveries/{}/redeliver", place(&made), text(&failed["id"]));
        company.api.post(&sql, &json!({})).is(200);
        let all = wait_for("both", || {
            Some(receiver.received())
                .filter(|all| all.iter().filter(|one| one.json()["type"] == "company.updated").count() == 3)
        });
        let phones: Vec<String> = all
            .iter()
            .filter(|one| one.json()["type"] == "company.updated")
            .map(|one| text(&one.json()["data"]["phone"]).to_owned())
            .collect();
        assert_eq!(phones, ["+45 1", "+45 1", "+45 2"]);
        assert_eq!(all[0].id(), text(&failed["eventId"]));
        wait_for("the records", || {
            deliveries(&company, &made).iter().all(|one| one["status"] == "delivered").then_some(())
        });
    });
}

/// A receiver that says nothing, hangs up, or is not there: no other endpoint waits for it.
#[test]
fn bad_receivers_delay_no_other() {
    on_each(|house| {
        let company = house.company();
        let good = Receiver::start(Reception::Answers(200));
        let bad = [Receiver::start(Reception::Stalls), Receiver::start(Reception::HangsUp)];
        let mut made: Vec<Value> = bad.iter().map(|bad| endpoint(&company, bad, &["company.updated"])).collect();
        let nobody = json!({ "url": "http://127.0.0.1:9/", "topics": ["company.updated"] });
        made.push(company.api.post("/v1/webhook-endpoints", &nobody).is(201));
        endpoint(&company, &good, &["company.updated"]);
        for n in 1..=30 {
            change(&company, n);
        }
        wait_for("all of them", || (good.count() == 30).then_some(()));
        // Nothing of it is given up, and what waits behind a failure has its row or its place.
        let failed = wait_for_delivery(&company, &made[1], |one| one["attemptCount"] == 1 || one["attemptCount"] == 0);
        assert_eq!(failed["status"], "pending");
        let tried = wait_for("the first try", || {
            deliveries(&company, &made[2]).into_iter().find(|one| one["attemptCount"] == 1)
        });
        assert_eq!(tried["lastError"]["code"], "CONNECT");
        bad[0].treat(Reception::Answers(200));
    });
}

/// The secret of an answer.
fn whsec(answer: Answer) -> String {
    let body = answer.is(200);
    text(&body["secret"]).to_owned()
}

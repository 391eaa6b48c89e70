//! A day's traffic over many endpoints, some of which fail; and a server that is killed between a send and
//! its record. Nothing is lost, and nothing of a resource is out of order.
//! `LEDGERBEE_WEBHOOK_EVENTS` says how many events the day has; 400 by default, 100,000 in the long form.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Folder, Received, Receiver, Reception, shared_postgres, wait_for, wait_within};

use super::{change, deliveries, endpoint, on_each, open_house};
use crate::house::{Api, text};

fn count(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|count| count.parse().ok()).unwrap_or(otherwise)
}

/// How long all that happened in a day may be on its way, on whatever machine.
const DAY: Duration = Duration::from_secs(1_800);
/// How long a killed server's endpoints may wait for another, whose lease of 45 s ends first on PostgreSQL.
const TAKEN_OVER: Duration = Duration::from_secs(180);

/// The sequences of each resource, in the order they were first heard.
fn by_resource(received: &[Received], resources: &BTreeMap<String, (i64, String)>) -> BTreeMap<String, Vec<i64>> {
    let mut seen = BTreeSet::new();
    let mut found: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for one in received.iter().filter(|one| seen.insert(one.id().to_owned())) {
        let (sequence, resource) = &resources[one.id()];
        found.entry(resource.clone()).or_default().push(*sequence);
    }
    found
}

/// Every event of a company's by its id, with its place and its resource.
fn log(api: &Api) -> BTreeMap<String, (i64, String)> {
    let (mut events, mut after) = (BTreeMap::new(), Some(0));
    while let Some(from) = after {
        let page = api.get(&format!("/v1/events?limit=100&after={from}")).is(200);
        for event in page["data"].as_array().unwrap() {
            let place = (event["sequence"].as_i64().unwrap(), text(&event["resource"]["id"]).to_owned());
            events.insert(text(&event["id"]).to_owned(), place);
        }
        after = page["nextAfter"].as_i64();
    }
    events
}

#[test]
fn a_day_of_traffic_loses_nothing_and_keeps_the_order() {
    on_each(|house| {
        let company = house.company();
        let receivers: Vec<Receiver> = (0..20)
            .map(|n| Receiver::start(if n < 3 { Reception::Answers(503) } else { Reception::Answers(200) }))
            .collect();
        let made: Vec<Value> =
            receivers.iter().map(|receiver| endpoint(&company, receiver, &["customer.updated"])).collect();
        let customers: Vec<Value> = (0..8).map(|_| company.customer(json!({ "vatNumber": null }))).collect();
        let each = count("LEDGERBEE_WEBHOOK_EVENTS", 400) / customers.len();
        thread::scope(|scope| {
            for customer in &customers {
                let api = &company.api;
                scope.spawn(move || {
                    for n in 1..=each {
                        api.patch(&format!("/v1/customers/{}", text(customer)), &json!({ "phone": n.to_string() }))
                            .is(200);
                    }
                });
            }
        });
        let total = each * customers.len();
        let ids = |receiver: &Receiver| {
            receiver.received().iter().map(|one| one.id().to_owned()).collect::<BTreeSet<String>>()
        };
        for receiver in &receivers[3..] {
            wait_within(DAY, "a receiver that is well", || (receiver.count() >= total).then_some(()));
        }
        // Those that failed are well again: asked to begin anew they have all of it, in order.
        for (receiver, endpoint) in receivers[..3].iter().zip(&made) {
            receiver.treat(Reception::Answers(200));
            company.api.post(&format!("{}/replay", super::place(endpoint)), &json!({ "afterSequence": 0 })).is(200);
            let has_all = || receiver.count() >= total && ids(receiver).len() >= total;
            wait_within(DAY, "a receiver that was ill", || has_all().then_some(()));
        }
        let log = log(&company.api);
        for receiver in &receivers {
            let received = receiver.received();
            let found = by_resource(&received, &log);
            assert_eq!(found.values().map(Vec::len).sum::<usize>(), total, "nothing is lost");
            assert!(found.values().all(|sequences| sequences.is_sorted()), "nothing is out of order");
        }
        for receiver in &receivers[3..] {
            assert_eq!(receiver.count(), total, "nothing comes twice where nothing fails");
        }
    });
}

/// Killed when the receiver has it and nobody has written that down: the next server sends it again, under
/// the same id; and what came after it follows.
#[test]
fn killed_between_send_and_record_it_is_sent_again_under_its_id() {
    for url in [None, Some(shared_postgres().fresh_database())] {
        let folder = Folder::new();
        let receiver = Receiver::start(Reception::Stalls);
        let house = open_house(&folder, url.as_deref());
        let company = house.company();
        let made = endpoint(&company, &receiver, &["company.updated"]);
        change(&company, 1);
        change(&company, 2);
        let first = wait_for("the first", || receiver.received().into_iter().next());
        assert!(deliveries(&company, &made).is_empty(), "it is not answered, so nothing is known of it");
        let (id, key) = (company.id.clone(), company.api.key.clone());
        drop(company);
        house.server.signal("KILL");
        drop(house);
        receiver.treat(Reception::Answers(200));
        let house = open_house(&folder, url.as_deref());
        let company = testkit::house::Company { house: &house, id, api: Api::new(&house.server.root, &key) };
        let all = wait_within(TAKEN_OVER, "all of it", || Some(receiver.received()).filter(|all| all.len() >= 3));
        let phones: Vec<String> = all.iter().map(|one| text(&one.json()["data"]["phone"]).to_owned()).collect();
        assert_eq!(phones, ["+45 1", "+45 1", "+45 2"]);
        assert_eq!(all[1].id(), first.id());
        let done = wait_for("its record", || {
            Some(deliveries(&company, &made))
                .filter(|all| all.len() == 2 && all.iter().all(|one| one["status"] == "delivered"))
        });
        assert!(done.iter().all(|one| one["attemptCount"] == 1), "{done:?}");
    }
}

/// Two servers share the endpoints of one PostgreSQL; when one is killed the other takes over.
#[test]
fn a_killed_servers_endpoints_are_taken_over() {
    let url = shared_postgres().fresh_database();
    let folders = [Folder::new(), Folder::new()];
    let receiver = Receiver::start(Reception::Answers(200));
    let first = open_house(&folders[0], Some(&url));
    let company = first.company();
    let made = endpoint(&company, &receiver, &["company.updated"]);
    let (id, key) = (company.id.clone(), company.api.key.clone());
    change(&company, 1);
    wait_for("the first", || (receiver.count() == 1).then_some(()));
    // The second server needs the same key.
    std::fs::copy(folders[0].path().join("secret.key"), folders[1].path().join("secret.key")).unwrap();
    let second = open_house(&folders[1], Some(&url));
    drop(company);
    first.server.signal("KILL");
    drop(first);
    let company = testkit::house::Company { house: &second, id, api: Api::new(&second.server.root, &key) };
    for n in 2..=10 {
        change(&company, n);
    }
    wait_within(TAKEN_OVER, "the rest", || {
        (receiver.received().iter().map(|one| one.id().to_owned()).collect::<BTreeSet<String>>().len() == 10)
            .then_some(())
    });
    let phones: Vec<String> =
        receiver.received().iter().map(|one| text(&one.json()["data"]["phone"]).to_owned()).collect();
    assert_eq!(phones.last().map(String::as_str), Some("+45 10"));
    wait_for("its record", || deliveries(&company, &made).iter().all(|one| one["status"] == "delivered").then_some(()));
}

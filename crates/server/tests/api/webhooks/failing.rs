//! Endpoints that fail: when they are given up, how long they are left alone, what a wrong clock does to them; and
//! for how long it is kept what became of deliveries.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testkit::house::Company;
use testkit::{Faults, Folder, Receiver, Reception, shared_postgres, wait_for};

use super::{change, deliveries, endpoint, on_each, place, wait_for_delivery};
use crate::faults::Place;
use crate::house::{Api, House, PROGRAM, text};

const DAY: i64 = 86_400;
const INSECURE: [&str; 1] = ["--allow-insecure-webhooks"];

fn is_enabled(company: &Company<'_>, endpoint: &Value) -> bool {
    company.api.get(&place(endpoint)).is(200)["enabled"] == true
}

/// The changes that a receiver was told of, in the order they came.
fn changes(receiver: &Receiver) -> Vec<String> {
    let told = receiver.received().into_iter().map(|one| one.json());
    told.filter(|one| one["type"] == "company.updated").map(|one| text(&one["data"]["phone"]).to_owned()).collect()
}

/// Waits until an endpoint's n-th delivery is as it is wanted.
fn nth_delivery(company: &Company<'_>, endpoint: &Value, nth: usize, is: impl Fn(&Value) -> bool) -> Value {
    wait_for("a delivery", || deliveries(company, endpoint).into_iter().rev().nth(nth - 1).filter(&is))
}

/// "An endpoint that fails for 5 days is disabled and `webhook_endpoint.disabled` is emitted": one that answers once
/// in between is not; what happens meanwhile stays in the log, and enabled again it goes on.
fn is_given_up_after_five_days(database_url: Option<&str>) {
    let server = Place::serve(database_url, &INSECURE);
    let (company, faults) = (server.house.company(), &server.faults);
    let [dead, moody] = [0, 1].map(|_| Receiver::start(Reception::Answers(500)));
    let witness = Receiver::start(Reception::Answers(200));
    let [dead_end, moody_end] = [&dead, &moody].map(|one| endpoint(&company, one, &["company.updated"]));
    endpoint(&company, &witness, &["company.updated", "webhook_endpoint.disabled"]);
    let tried = |endpoint: &Value, nth: usize, attempts: u64| {
        nth_delivery(&company, endpoint, nth, |one| one["attemptCount"].as_u64() >= Some(attempts));
    };
    change(&company, 1);
    tried(&dead_end, 1, 1);
    tried(&moody_end, 1, 1);
    moody.treat(Reception::Answers(200));
    faults.clock_ahead(4 * DAY);
    tried(&dead_end, 1, 2);
    wait_for_delivery(&company, &moody_end, |one| one["status"] == "delivered");
    moody.treat(Reception::Answers(500));
    change(&company, 2);
    tried(&moody_end, 2, 1);
    assert!(is_enabled(&company, &dead_end), "four days are not five");

    faults.clock_ahead(5 * DAY + 60);
    wait_for("its end", || (!is_enabled(&company, &dead_end)).then_some(()));
    tried(&moody_end, 2, 2);
    assert!(is_enabled(&company, &moody_end), "it answered a day ago");
    let disabled = wait_for("the event", || {
        witness.received().into_iter().map(|one| one.json()).find(|one| one["type"] == "webhook_endpoint.disabled")
    });
    assert_eq!((&disabled["data"]["id"], &disabled["data"]["enabled"]), (&dead_end["id"], &json!(false)));
    let told = company.api.get("/v1/events?type=webhook_endpoint.disabled").is(200)["data"].clone();
    assert_eq!(told.as_array().unwrap().len(), 1, "{told}");

    // Well again it is sent nothing before somebody says so; what happens stays in the log.
    dead.treat(Reception::Answers(200));
    let before = dead.count();
    change(&company, 3);
    wait_for("the third change elsewhere", || changes(&witness).contains(&"+45 3".to_owned()).then_some(()));
    assert_eq!(dead.count(), before);
    let log = company.api.get("/v1/events?type=company.updated").is(200)["data"].clone();
    let phones: Vec<&str> = log.as_array().unwrap().iter().map(|one| text(&one["data"]["phone"])).collect();
    assert_eq!(phones, ["+45 1", "+45 2", "+45 3"]);
    company.api.post(&format!("{}/test", place(&dead_end)), &json!({})).refused(400, "WEBHOOK_ENDPOINT_DISABLED");

    // Enabled again: what was to be tried again, and what happens from now on; the rest by a replay.
    company.api.patch(&place(&dead_end), &json!({ "enabled": true })).is(200);
    change(&company, 4);
    let since = || changes(&dead)[before..].to_vec();
    wait_for("what was to be tried, and what is new", || (since() == ["+45 1", "+45 2", "+45 4"]).then_some(()));
    // What is not recorded yet would come once more.
    wait_for("their records", || {
        let all = deliveries(&company, &dead_end);
        (all.len() == 3 && all.iter().all(|one| one["status"] == "delivered")).then_some(())
    });
    let replay = json!({ "afterSequence": log[1]["sequence"] });
    company.api.post(&format!("{}/replay", place(&dead_end)), &replay).is(200);
    wait_for("the rest", || (since()[3..] == ["+45 3", "+45 4"]).then_some(()));
}

#[test]
fn an_endpoint_is_given_up_after_five_days_on_sqlite() {
    is_given_up_after_five_days(None);
}

#[test]
fn an_endpoint_is_given_up_after_five_days_on_postgres() {
    is_given_up_after_five_days(Some(&shared_postgres().fresh_database()));
}

/// Sixteen failures in a row give its events rest, and each delivery is given up after eight: with nothing left to be
/// tried it still hears of what happens next.
fn hears_again_when_all_was_given_up(database_url: Option<&str>) {
    let server = Place::serve(database_url, &INSECURE);
    let (company, faults) = (server.house.company(), &server.faults);
    let receiver = Receiver::start(Reception::Answers(500));
    let made = endpoint(&company, &receiver, &["company.updated"]);
    change(&company, 1);
    change(&company, 2);
    let mut ahead = 0;
    for nth in [1, 2] {
        for (attempts, seconds) in (1..).zip([30, 120, 480, 1_920, 7_200, 30_600, 36_000]) {
            nth_delivery(&company, &made, nth, |one| one["attemptCount"] == attempts);
            ahead += seconds + seconds / 10 + 1;
            faults.clock_ahead(ahead);
        }
        nth_delivery(&company, &made, nth, |one| one["status"] == "failed");
    }
    let place = "select is_resting, lease_id, due_at from webhook_places";
    wait_for("it to be left alone", || {
        (company.house.books.rows(place) == [["yes", "", ""].map(str::to_owned)]).then_some(())
    });
    receiver.treat(Reception::Answers(200));
    change(&company, 3);
    nth_delivery(&company, &made, 3, |one| one["status"] == "delivered");
}

#[test]
fn an_endpoint_hears_again_when_all_was_given_up_on_sqlite() {
    hears_again_when_all_was_given_up(None);
}

#[test]
fn an_endpoint_hears_again_when_all_was_given_up_on_postgres() {
    hears_again_when_all_was_given_up(Some(&shared_postgres().fresh_database()));
}

/// 410 says that nobody is there any more, and never will be: it is not asked again.
#[test]
fn a_receiver_that_is_gone_is_sent_nothing_more() {
    on_each(|house| {
        let company = house.company();
        let (gone, witness) = (Receiver::start(Reception::Answers(410)), Receiver::start(Reception::Answers(200)));
        let made = endpoint(&company, &gone, &["company.updated"]);
        endpoint(&company, &witness, &["company.updated", "webhook_endpoint.disabled"]);
        change(&company, 1);
        wait_for("its end", || (!is_enabled(&company, &made)).then_some(()));
        let [delivery] = &deliveries(&company, &made)[..] else { panic!("one delivery") };
        assert_eq!((&delivery["status"], &delivery["responseStatus"]), (&json!("pending"), &json!(410)));
        wait_for("the event", || {
            witness.received().iter().any(|one| one.json()["type"] == "webhook_endpoint.disabled").then_some(())
        });
        change(&company, 2);
        wait_for("the second change elsewhere", || (changes(&witness).len() == 2).then_some(()));
        assert_eq!(gone.count(), 1);
    });
}

/// "Deliveries are kept 30 days": those at their end, by when they were last tried.
fn is_kept_for_thirty_days(database_url: Option<&str>) {
    let folder = Folder::new();
    let faults = Faults::of(folder.path());
    let serve =
        || &*Box::leak(Box::new(House::serve_with_faults(PROGRAM, folder.path(), database_url, &INSECURE, &faults)));
    let house = serve();
    let company = house.company();
    let [well, ill] = [200, 500].map(|status| Receiver::start(Reception::Answers(status)));
    let [well_end, ill_end] = [&well, &ill].map(|one| endpoint(&company, one, &["company.updated"]));
    change(&company, 1);
    wait_for_delivery(&company, &well_end, |one| one["status"] == "delivered");
    wait_for_delivery(&company, &ill_end, |one| one["attemptCount"] == 1);
    company.api.patch(&place(&ill_end), &json!({ "enabled": false })).is(200);
    faults.clock_ahead(2 * DAY);
    change(&company, 2);
    let second = nth_delivery(&company, &well_end, 2, |one| one["status"] == "delivered");
    house.server.end_by("TERM");
    // More of it than is looked at in one go stands before what is at its end.
    let row = |from: &str| {
        let sql = format!(
            "insert into webhook_deliveries (company_id, endpoint_id, event_sequence, id, event_id, event_type, \
             resource_id, status, attempt_count, last_attempt_at) {from}"
        );
        let _ = house.books.rows(&sql);
    };
    let whose = format!("'{}', '{}'", company.id, text(&ill_end["id"]));
    row(&format!(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < 600) \
         select {whose}, -i, 'old-' || i, 'none', 'company.updated', 'none', 'pending', 0, null from n"
    ));
    row(&format!(
        "values ({whose}, 1000000, 'old', 'none', 'company.updated', 'none', 'failed', 8, '2020-01-01T00:00:00.000Z')"
    ));
    faults.clock_ahead(31 * DAY);
    // It is looked at when a server begins, and once an hour.
    let house = serve();
    let company = Company { house, id: company.id.clone(), api: Api::new(&house.server.root, &company.api.key) };
    wait_for("the sweep", || (deliveries(&company, &well_end) == [second.clone()]).then_some(()));
    let left =
        format!("select count(*), max(status) from webhook_deliveries where endpoint_id = '{}'", text(&ill_end["id"]));
    wait_for("the sweep of the other", || {
        // What is to be tried again is kept.
        (house.books.rows(&left) == [["601", "pending"].map(str::to_owned)]).then_some(())
    });
    house.server.end_by("KILL");
}

#[test]
fn deliveries_are_kept_for_thirty_days_on_sqlite() {
    is_kept_for_thirty_days(None);
}

#[test]
fn deliveries_are_kept_for_thirty_days_on_postgres() {
    is_kept_for_thirty_days(Some(&shared_postgres().fresh_database()));
}

/// Put off on a clock that was a year ahead, a webhook does not wait for that year.
fn does_not_wait_for_a_wrong_clock(database_url: Option<&str>) {
    let server = Place::serve(database_url, &INSECURE);
    let (company, faults) = (server.house.company(), &server.faults);
    let receiver = Receiver::start(Reception::Answers(500));
    let made = endpoint(&company, &receiver, &["company.updated"]);
    faults.clock_ahead(365 * DAY);
    change(&company, 1);
    wait_for_delivery(&company, &made, |one| one["attemptCount"] == 1);
    receiver.treat(Reception::Answers(200));
    faults.clock_ahead(0);
    wait_for_delivery(&company, &made, |one| one["status"] == "delivered");
    assert!(faults.log().contains("the clock has gone back: webhooks"), "the log says why");
}

#[test]
fn a_retry_does_not_wait_for_a_wrong_clock_on_sqlite() {
    does_not_wait_for_a_wrong_clock(None);
}

#[test]
fn a_retry_does_not_wait_for_a_wrong_clock_on_postgres() {
    does_not_wait_for_a_wrong_clock(Some(&shared_postgres().fresh_database()));
}

/// It is sent nothing else meanwhile either, and all of it afterwards.
fn is_sent_nothing_while_it_asks_for_that(database_url: Option<&str>) {
    let server = Place::serve(database_url, &INSECURE);
    let (company, faults) = (server.house.company(), &server.faults);
    let asks = Receiver::start(Reception::AsksToWait(429, "3600"));
    let witness = Receiver::start(Reception::Answers(200));
    let topics = ["company.updated", "customer.created"];
    let made = endpoint(&company, &asks, &topics);
    endpoint(&company, &witness, &topics);
    change(&company, 1);
    wait_for_delivery(&company, &made, |one| one["attemptCount"] == 1);
    let given_back = format!(
        "select count(*) from webhook_places where endpoint_id = '{}' and lease_id is null and due_at is not null",
        text(&made["id"])
    );
    wait_for("it to be left alone", || (company.house.books.value(&given_back) == "1").then_some(()));
    asks.treat(Reception::Answers(200));
    for n in 2..=4 {
        company.customer(json!({ "vatNumber": null }));
        wait_for("a customer elsewhere", || (witness.count() == n).then_some(()));
    }
    assert_eq!((asks.count(), company.house.books.value(&given_back)), (1, "1".to_owned()));
    // The hour, and the tenth by which what failed together is spread.
    faults.clock_ahead(3_600 + 360 + 1);
    wait_for("all of it", || (asks.count() == 5).then_some(()));
    wait_for("its records", || {
        let all = deliveries(&company, &made);
        (all.len() == 4 && all.iter().all(|one| one["status"] == "delivered")).then_some(())
    });
}

#[test]
fn a_receiver_is_sent_nothing_while_it_asks_for_that_on_sqlite() {
    is_sent_nothing_while_it_asks_for_that(None);
}

#[test]
fn a_receiver_is_sent_nothing_while_it_asks_for_that_on_postgres() {
    is_sent_nothing_while_it_asks_for_that(Some(&shared_postgres().fresh_database()));
}

/// A receiver that asks to be left alone is: never tried earlier, and not later than the longest step.
#[test]
fn a_receiver_is_left_alone_for_as_long_as_it_asks() {
    on_each(|house| {
        let company = house.company();
        let date = Timestamp::now() + SignedDuration::from_mins(20);
        let date = date.strftime("%a, %d %b %Y %T GMT").to_string();
        for (n, (status, asks, at_least, at_most)) in (1..).zip([
            (429, "600", 600, 660),
            (503, "1", 30, 33),
            (503, "9999999", 36_000, 39_600),
            (500, "600", 30, 33),
            // Its second began up to a second earlier, and the cases before this one take their time.
            (503, &*date.leak(), 1_080, 1_320),
        ]) {
            let receiver = Receiver::start(Reception::AsksToWait(status, asks));
            let made = endpoint(&company, &receiver, &["company.updated"]);
            change(&company, n);
            let told = wait_for_delivery(&company, &made, |one| one["attemptCount"] == 1);
            let instant = |name: &str| text(&told[name]).parse::<Timestamp>().unwrap();
            let took = SignedDuration::from_millis(told["durationMs"].as_i64().unwrap());
            // From its answer on; what it takes to note that is no more than the answer may.
            let pause = instant("nextAttemptAt").duration_since(instant("lastAttemptAt") + took);
            let bounds = [at_least, at_most + 15].map(SignedDuration::from_secs);
            assert!(bounds[0] <= pause && pause <= bounds[1], "{status} {asks}: {pause}");
            company.api.delete(&place(&made));
        }
    });
}

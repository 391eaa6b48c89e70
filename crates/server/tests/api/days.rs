//! The day's work: what has run out is told once, whatever the clock does, whoever is killed, however many serve.

use std::thread;

use jiff::civil::{Date, time};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::{Value, json};
use testkit::{Faults, Folder, shared_postgres, wait_for};

use crate::faults::Place;
use crate::house::{Api, Company, House, PROGRAM, line, text};

pub const DAY: i64 = 86_400;

/// Of which documents an event of this type was told, in order.
pub fn told(company: &Company, kind: &str) -> Vec<String> {
    let sql = format!(
        "select resource_id from events where company_id = '{}' and type = '{kind}' order by sequence",
        company.id
    );
    company.house.books.rows(&sql).concat()
}

/// The day whose work is done.
fn done_on(company: &Company) -> String {
    company.house.books.value(&format!("select done_on from company_days where company_id = '{}'", company.id))
}

/// Waits until a company's day of so many seconds from now is done.
pub fn day_is_done(company: &Company, ahead: i64) {
    let zone = company.api.get("/v1/company").is(200)["timeZone"].clone();
    let day = (Timestamp::now() + SignedDuration::from_secs(ahead)).in_tz(text(&zone)).unwrap().date().to_string();
    wait_for(&format!("the work of {day}"), || (done_on(company) == day).then_some(()));
}

/// An invoice that is due in so many days.
fn invoice(company: &Company, days: u32) -> Value {
    let customer = company.customer(json!({ "paymentTerms": days, "vatNumber": null }));
    company.invoice(&customer, json!([line(&company.price("100"), "1")]))
}

fn id(of: &Value) -> String {
    text(&of["id"]).to_owned()
}

fn pay(company: &Company, invoice: &Value) -> Value {
    let place = format!("/v1/invoices/{}/payments", id(invoice));
    company.api.post(&place, &json!({ "amount": invoice["amount"], "date": invoice["date"] })).is(201)
}

/// Each thing that runs out is told on its day, and not again while the clock goes on, back and far ahead. What
/// was paid in time is told when its payment is taken back.
fn is_told_once(database_url: Option<&str>) {
    let place = Place::serve(database_url, &[]);
    let company = place.house.company();
    let [late, paid, later] = [5, 5, 40].map(|days| invoice(&company, days));
    let payment = pay(&company, &paid);
    let customer = company.customer(json!({}));
    let last = Timestamp::now().in_tz("UTC").unwrap().date() + 5.days();
    let quotes = ["", "accept", "reject"].map(|answer| {
        let body = json!({ "customerId": customer, "validUntil": last, "lines": [line(&company.price("100"), "1")] });
        let quote = company.api.post("/v1/quotes", &body).is(201);
        let quote = company.sent("quotes", &quote);
        if !answer.is_empty() {
            company.api.post(&format!("/v1/quotes/{}/{answer}", id(&quote)), &json!({})).is(200);
        }
        quote
    });
    let check = |ahead: i64, overdue: &[&Value], expired: &[&Value]| {
        place.faults.clock_ahead(ahead);
        day_is_done(&company, ahead);
        let ids = |all: &[&Value]| all.iter().map(|one| id(one)).collect::<Vec<_>>();
        assert_eq!(told(&company, "invoice.overdue"), ids(overdue), "{ahead}");
        assert_eq!(told(&company, "quote.expired"), ids(expired), "{ahead}");
    };
    check(3 * DAY, &[], &[]);
    // Two days were missed.
    check(8 * DAY, &[&late], &[&quotes[0]]);
    check(9 * DAY, &[&late], &[&quotes[0]]);
    check(2 * DAY, &[&late], &[&quotes[0]]);
    check(10 * DAY, &[&late], &[&quotes[0]]);
    let path = format!("/v1/invoices/{}/payments/{}", id(&paid), id(&payment));
    assert_eq!(company.api.delete(&path).status, 204);
    check(11 * DAY, &[&late, &paid], &[&quotes[0]]);
    check(41 * DAY, &[&late, &paid, &later], &[&quotes[0]]);
    // What is told is the document as it is published.
    let events = company.api.get("/v1/events?type=invoice.overdue").is(200);
    let data = &events["data"][0]["data"];
    assert_eq!((&data["number"], &data["openAmount"]), (&late["number"], &json!("125.00")));
    assert_eq!(events["data"][0]["actor"]["type"], "system");
    company.check_books();
}

#[test]
fn what_has_run_out_is_told_once_on_sqlite() {
    is_told_once(None);
}

#[test]
fn what_has_run_out_is_told_once_on_postgres() {
    is_told_once(Some(&shared_postgres().fresh_database()));
}

/// Invoices made beside each other.
fn many(company: &Company, count: usize) -> Vec<String> {
    let (customer, price) = (company.customer(json!({ "paymentTerms": 1 })), company.price("100"));
    thread::scope(|scope| {
        let make = || (0..count / 4).map(|_| id(&company.invoice(&customer, json!([line(&price, "1")])))).collect();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(make)).collect();
        threads.into_iter().flat_map(|thread| -> Vec<String> { thread.join().unwrap() }).collect()
    })
}

fn check_each_once(company: &Company, invoices: &[String]) {
    let mut told = told(company, "invoice.overdue");
    told.sort();
    let mut expected = invoices.to_vec();
    expected.sort();
    assert_eq!(told, expected);
    company.check_books();
}

/// Killed in the middle of the day's work, a server goes on with the rest.
fn survives_a_kill(database_url: Option<&str>) {
    let folder = Folder::new();
    let faults = Faults::of(folder.path());
    let serve = || -> &'static House {
        Box::leak(Box::new(House::serve_with_faults(PROGRAM, folder.path(), database_url, &[], &faults)))
    };
    let mut house = serve();
    let mut company = house.company();
    let invoices = many(&company, 120);
    company.settle();
    faults.clock_ahead(3 * DAY);
    for at_least in [1, 60] {
        wait_for("some are told", || (told(&company, "invoice.overdue").len() >= at_least).then_some(()));
        house.server.end_by("KILL");
        house = serve();
        company = Company { house, id: company.id.clone(), api: Api::new(&house.server.root, &company.api.key) };
    }
    day_is_done(&company, 3 * DAY);
    check_each_once(&company, &invoices);
    house.server.signal("KILL");
}

#[test]
fn a_killed_server_goes_on_with_the_day_on_sqlite() {
    survives_a_kill(None);
}

#[test]
fn a_killed_server_goes_on_with_the_day_on_postgres() {
    survives_a_kill(Some(&shared_postgres().fresh_database()));
}

/// Two servers on one PostgreSQL, whose clocks pass midnight at once.
#[test]
fn two_servers_tell_each_once() {
    let url = shared_postgres().fresh_database();
    let folders = [Folder::new(), Folder::new()];
    let faults = folders.each_ref().map(|folder| Faults::of(folder.path()));
    let houses = [0, 1].map(|at: usize| -> &'static House {
        Box::leak(Box::new(House::serve_with_faults(PROGRAM, folders[at].path(), Some(&url), &[], &faults[at])))
    });
    let company = houses[0].company();
    let invoices = many(&company, 120);
    company.settle();
    faults.iter().for_each(|faults| faults.clock_ahead(3 * DAY));
    day_is_done(&company, 3 * DAY);
    check_each_once(&company, &invoices);
    houses.iter().for_each(|house| house.server.signal("KILL"));
}

/// At one instant it is the day after in Kiritimati and still the day before in Pago Pago.
#[test]
fn the_day_is_the_companys() {
    let place = Place::serve(None, &[]);
    let companies = ["Pacific/Kiritimati", "Pacific/Pago_Pago"].map(|zone| {
        let company = place.house.company();
        company.api.patch("/v1/company", &json!({ "timeZone": zone })).is(200);
        company
    });
    let now = Timestamp::now();
    let today: Date = now.in_tz("UTC").unwrap().date();
    let noon = (today + 2.days()).to_datetime(time(12, 0, 0, 0)).in_tz("UTC").unwrap().timestamp();
    let due = [0, 1].map(|at: usize| {
        let customer = companies[at].customer(json!({ "paymentTerms": 2 }));
        let body = json!({ "customerId": customer, "date": today, "lines": [line(&companies[at].price("100"), "1")] });
        let draft = companies[at].api.post("/v1/invoices", &body).is(201);
        companies[at].sent("invoices", &draft)
    });
    assert!(due.iter().all(|invoice| invoice["dueDate"] == (today + 2.days()).to_string()), "{due:?}");
    let ahead = noon.duration_since(now).as_secs();
    place.faults.clock_ahead(ahead);
    for (company, day) in companies.iter().zip([today + 3.days(), today + 2.days()]) {
        wait_for("the day's work", || (done_on(company) == day.to_string()).then_some(()));
    }
    assert_eq!(companies.each_ref().map(|company| told(company, "invoice.overdue").len()), [1, 0]);
    place.faults.clock_ahead(ahead + DAY);
    wait_for("the next day", || (told(&companies[1], "invoice.overdue").len() == 1).then_some(()));
    assert_eq!(told(&companies[0], "invoice.overdue").len(), 1);
}

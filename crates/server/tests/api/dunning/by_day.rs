//! Reminders by the day: one step at a time, each once, whatever the clock does, whoever is killed, however many serve.

use serde_json::{Value, json};
use testkit::{Faults, Folder, shared_postgres, wait_for};

use super::{ADDRESS, check_all_but_the_clock, dunning, overdue, reminded, reminders, schedule, with_mails};
use crate::days::{DAY, day_is_done};
use crate::house::{Api, Company, House, PROGRAM, line, text};
use crate::settlement::{check, place};

/// How many reminders of an invoice there are when the work of a day is done.
fn count_on(place: &crate::faults::Place, company: &Company, invoice: &Value, ahead: i64) -> usize {
    place.faults.clock_ahead(ahead * DAY);
    day_is_done(company, ahead * DAY);
    company.settle();
    reminders(company, invoice).len()
}

/// An old invoice begins with the first step on the day the schedule is turned on, and goes on as far apart as
/// the schedule has it; days that are missed or come again change nothing of that.
fn catches_up(database_url: Option<&str>) {
    let (house, mails) = with_mails(database_url);
    let company = house.house.company();
    let old = overdue(&company, json!({}));
    let customer = company.customer(json!({ "email": ADDRESS, "vatNumber": null, "paymentTerms": 5 }));
    let young = company.invoice(&customer, json!([line(&company.price("1000"), "1")]));
    schedule(&company, true, &[(3, "0"), (13, "100"), (23, "100")]).is(200);
    let first = reminded(&company, &old, 1, "sent").remove(0);
    assert_eq!((&first["step"], &first["feeAmount"]), (&json!(1), &json!("0.00")));
    let told = dunning(&company, &old);
    let on = first["date"].as_str().unwrap().parse::<jiff::civil::Date>().unwrap() + jiff::Span::new().days(10);
    assert_eq!((&told["nextStep"], &told["nextOn"]), (&json!(2), &json!(on.to_string())));
    let counts = |ahead: i64, of: [usize; 2]| {
        let found = [&old, &young].map(|invoice| count_on(&house, &company, invoice, ahead));
        assert_eq!(found, of, "{ahead} days ahead");
    };
    // Due in five days, the young one is reminded of after 8, 18 and 28.
    counts(7, [1, 0]);
    counts(8, [1, 1]);
    counts(10, [2, 1]);
    counts(4, [2, 1]);
    counts(10, [2, 1]);
    counts(17, [2, 1]);
    counts(18, [2, 2]);
    // Two days after its day.
    counts(22, [3, 2]);
    counts(60, [3, 3]);
    counts(90, [3, 3]);
    let all = reminded(&company, &old, 3, "sent");
    assert_eq!(all.iter().map(|own| text(&own["feeAmount"])).collect::<Vec<_>>(), ["0.00", "100.00", "100.00"]);
    let mail = |own: &Value| std::fs::read_to_string(mails.path().join(format!("{}.eml", text(&own["id"])))).unwrap();
    assert!(mail(&all[2]).contains("INV-00001.pdf"));
    assert_eq!(std::fs::read_dir(mails.path()).unwrap().count(), 6);
    check(&company);
    house.faults.clock_ahead(0);
    check_all_but_the_clock(&company);
}

#[test]
fn old_invoices_are_reminded_of_step_by_step_on_sqlite() {
    catches_up(None);
}

#[test]
fn old_invoices_are_reminded_of_step_by_step_on_postgres() {
    catches_up(Some(&shared_postgres().fresh_database()));
}

/// What is paid, held back, small or switched off is not reminded of; resumed it is, the next day.
#[test]
fn what_stops_reminders_by_the_day() {
    let (house, _mails) = with_mails(None);
    let company = house.house.company();
    let [paid, held, small, plain] = [0; 4].map(|_| overdue(&company, json!({})));
    crate::settlement::pay(&company, &paid, "1250", "2026-05-01").is(201);
    crate::settlement::pay(&company, &small, "1150.01", "2026-05-01").is(201);
    let until = |days: i64| {
        let day = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(days * DAY);
        day.in_tz("Europe/Copenhagen").unwrap().date().to_string()
    };
    let pause = json!({ "paused": true, "until": until(2) });
    company.api.send("PUT", &place("invoices", &held, "dunning"), &pause).is(200);
    let asked = json!({ "enabled": true, "minimumAmount": "100", "steps": [{ "daysAfterDue": 8, "fee": "100" }, { "daysAfterDue": 400 }] });
    company.api.send("PUT", "/v1/dunning-schedule", &asked).is(200);
    reminded(&company, &plain, 1, "sent");
    day_is_done(&company, 0);
    let counts = || [&paid, &held, &small, &plain].map(|invoice| reminders(&company, invoice).len());
    assert_eq!(counts(), [0, 0, 0, 1]);
    assert_eq!(dunning(&company, &held)["nextOn"], until(3));
    assert_eq!(count_on(&house, &company, &held, 2), 0);
    assert_eq!(count_on(&house, &company, &held, 3), 1);
    // Taken back, the payment leaves something to remind of.
    let payment = company.api.get(&place("invoices", &paid, "payments")).is(200)["data"][0]["id"].clone();
    assert_eq!(company.api.delete(&format!("{}/{}", place("invoices", &paid, "payments"), text(&payment))).status, 204);
    assert_eq!(count_on(&house, &company, &paid, 4), 1);
    schedule(&company, false, &[(8, "0"), (9, "0")]).is(200);
    count_on(&house, &company, &paid, 6);
    assert_eq!(counts(), [1, 1, 0, 1]);
    check(&company);
}

fn many(company: &Company, count: usize) -> Vec<Value> {
    let customer = company.customer(json!({ "email": ADDRESS, "vatNumber": null }));
    let price = company.price("1000");
    let body = json!({ "customerId": customer, "date": "2026-05-01", "lines": [line(&price, "1")] });
    let make = || company.sent("invoices", &company.api.post("/v1/invoices", &body).is(201));
    let invoices = (0..count).map(|_| make()).collect();
    company.settle();
    invoices
}

/// Each invoice has one reminder, one fee, one mail.
fn check_each_once(company: &Company, invoices: &[Value]) {
    let all = wait_for("each to be reminded of", || {
        let all: Vec<Vec<Value>> = invoices.iter().map(|invoice| reminders(company, invoice)).collect();
        all.iter().all(|own| own.len() == 1 && own[0]["status"] == "sent").then_some(all)
    });
    assert_eq!(all.len(), invoices.len());
    let posted = "select count(*) from postings p join accounts a on a.company_id = p.company_id and a.id = p.account_id \
                  where a.role = 'FeeIncome' and p.company_id = ";
    assert_eq!(company.house.books.value(&format!("{posted}'{}'", company.id)), invoices.len().to_string());
    for kind in ["reminder.created", "reminder.sent", "invoice.overdue"] {
        assert_eq!(crate::days::told(company, kind).len(), invoices.len(), "{kind}");
    }
    check(company);
}

/// Killed in the middle of the day's reminders, a server goes on with the rest.
fn survives_a_kill(database_url: Option<&str>) {
    let folder = Folder::new();
    let faults = Faults::of(folder.path());
    let serve = || -> &'static House {
        Box::leak(Box::new(House::serve_with_faults(PROGRAM, folder.path(), database_url, &[], &faults)))
    };
    let mut house = serve();
    let mut company = house.company();
    let invoices = many(&company, 40);
    schedule(&company, true, &[(8, "100")]).is(200);
    for at_least in [3, 20] {
        wait_for("some reminders", || {
            (crate::days::told(&company, "reminder.created").len() >= at_least).then_some(())
        });
        house.server.signal("KILL");
        house = serve();
        company = Company { house, id: company.id.clone(), api: Api::new(&house.server.root, &company.api.key) };
    }
    // On PostgreSQL what the killed ones had claimed is theirs until the lease ends.
    faults.clock_ahead(600);
    check_each_once(&company, &invoices);
    faults.clock_ahead(0);
    check_all_but_the_clock(&company);
    house.server.signal("KILL");
}

#[test]
fn a_killed_server_goes_on_with_the_reminders_on_sqlite() {
    survives_a_kill(None);
}

#[test]
fn a_killed_server_goes_on_with_the_reminders_on_postgres() {
    survives_a_kill(Some(&shared_postgres().fresh_database()));
}

/// Two servers on one PostgreSQL find the same invoices due.
#[test]
fn two_servers_remind_once() {
    let url = shared_postgres().fresh_database();
    let folders = [Folder::new(), Folder::new()];
    let houses = [0, 1].map(|at: usize| -> &'static House {
        Box::leak(Box::new(House::serve(PROGRAM, folders[at].path(), Some(&url), &[])))
    });
    let company = houses[0].company();
    let invoices = many(&company, 40);
    schedule(&company, true, &[(8, "100")]).is(200);
    check_each_once(&company, &invoices);
    crate::doctor::check_sound(&company);
    houses.iter().for_each(|house| house.server.signal("KILL"));
}

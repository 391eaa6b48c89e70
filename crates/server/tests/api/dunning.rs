//! Dunning: the schedule and the law, reminders by hand and by the day with their fees and mails, what stops
//! them, what pays a fee, and that the books hold.

mod by_day;
mod fees;
mod mails;
mod played;

use serde_json::{Value, json};
use testkit::wait_for;

use crate::house::{Answer, Company, line, text};
use crate::settlement::{check, entry, place};

/// Long ago: an invoice of this day is overdue.
const LONG_AGO: &str = "2026-05-01";
const ADDRESS: &str = "kontor@lindeblomst.example";

/// Puts a schedule in place: days after due and fee of each step.
pub fn schedule(company: &Company, enabled: bool, steps: &[(u32, &str)]) -> Answer {
    let step = |(days, fee): &(u32, &str)| json!({ "daysAfterDue": days, "fee": fee });
    let steps: Vec<Value> = steps.iter().map(step).collect();
    company.api.send("PUT", "/v1/dunning-schedule", &json!({ "enabled": enabled, "steps": steps }))
}

/// An invoice over 1,000.00 and VAT of long ago, sent by hand to a customer with an address.
pub fn overdue(company: &Company, customer: Value) -> Value {
    let mut more = json!({ "email": ADDRESS, "vatNumber": null });
    crate::house::merge(&mut more, customer);
    let customer = company.customer(more);
    let body = json!({ "customerId": customer, "date": LONG_AGO, "lines": [line(&company.price("1000"), "1")] });
    let draft = company.api.post("/v1/invoices", &body).is(201);
    company.sent("invoices", &draft)
}

pub fn remind(company: &Company, invoice: &Value) -> Answer {
    company.api.post(&place("invoices", invoice, "reminders"), &json!({}))
}

/// The reminders of an invoice.
pub fn reminders(company: &Company, invoice: &Value) -> Vec<Value> {
    let page = company.api.get(&place("invoices", invoice, "reminders")).is(200);
    page["data"].as_array().unwrap().clone()
}

/// The same once there are so many, all in this state.
pub fn reminded(company: &Company, invoice: &Value, times: usize, state: &str) -> Vec<Value> {
    wait_for(&format!("{times} reminders {state}"), || {
        let all = reminders(company, invoice);
        (all.len() == times && all.iter().all(|own| own["status"] == state)).then_some(all)
    })
}

pub fn dunning(company: &Company, invoice: &Value) -> Value {
    company.api.get(&place("invoices", invoice, "dunning")).is(200)
}

/// What the doctor finds where the clock was ahead: nothing but that.
pub fn check_all_but_the_clock(company: &Company) {
    for name in ["entries", "events", "totals", "settlement", "open items", "receivables", "deliveries"] {
        assert_eq!(crate::doctor::wrong(company, name), Vec::<String>::new(), "{name}");
    }
}

/// A house of our own whose mails lie in a folder.
pub fn with_mails(database_url: Option<&str>) -> (crate::faults::Place, testkit::Folder) {
    let mails = testkit::Folder::new();
    let path = mails.path().to_str().unwrap();
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    (crate::faults::Place::serve(database_url, &["--mail-folder", path]), mails)
}

on_both_engines! {
    /// Off until it is put, whole each time; what is wrong of it is told at once.
    fn the_schedule_is_put_and_read(house) {
        let company = house.company();
        let read = || company.api.get("/v1/dunning-schedule").is(200);
        let off = json!({ "enabled": false, "currency": "DKK", "minimumAmount": "0.00", "steps": [] });
        assert_eq!(read(), off);
        let asked = json!({
            "enabled": false, "minimumAmount": "25.5",
            "steps": [{ "daysAfterDue": 8 }, { "daysAfterDue": 18, "fee": 100, "text": { "da": "Rykker for {number}: {total}." } }],
        });
        let answer = company.api.send("PUT", "/v1/dunning-schedule", &asked);
        let tag = answer.header("etag").unwrap().to_owned();
        let put = answer.is(200);
        assert_eq!(put, json!({
            "enabled": false, "currency": "DKK", "minimumAmount": "25.50", "steps": [
                { "daysAfterDue": 8, "fee": "0.00", "text": null },
                { "daysAfterDue": 18, "fee": "100.00",
                  "text": { "da": "Rykker for {number}: {total}.", "en": null, "de": null, "sv": null, "nb": null } },
            ],
        }));
        assert_eq!(read(), put);
        // The same once more is no change.
        let told = || company.api.get("/v1/events?type=dunning_schedule.updated").is(200)["data"].as_array().unwrap().len();
        company.api.send("PUT", "/v1/dunning-schedule", &asked).is(200);
        assert_eq!(told(), 1);
        let stale = company.api.send_with("PUT", "/v1/dunning-schedule", &[("if-match", "\"other\"")], &off_again());
        stale.refused(412, "PRECONDITION_FAILED");
        company.api.send_with("PUT", "/v1/dunning-schedule", &[("if-match", &tag)], &off_again()).is(200);
        assert_eq!((read(), told()), (off, 2));

        let wrong = json!({
            "enabled": true, "minimumAmount": "0.001", "steps": [
                { "daysAfterDue": 8, "fee": "1.001" },
                { "daysAfterDue": 8, "text": { "da": "{amount}", "de": "{number}" } },
            ],
        });
        let found = crate::house::faults(&company.api.send("PUT", "/v1/dunning-schedule", &wrong).refused(400, "SHARED_VALIDATION_FAILED"));
        let wanted = [
            ("minimumAmount", "isDecimal"), ("steps.0.fee", "isDecimal"), ("steps.1.daysAfterDue", "min"), ("steps.1.text.da", "isIn"),
        ];
        assert_eq!(found, wanted.map(|(property, rule)| (property.to_owned(), rule.to_owned())));
        schedule(&company, true, &[]).faulty("steps", "arrayMinSize");
    }

    /// Renteloven § 9 b binds a Danish company, and no other; in euro by the day's rate.
    fn the_law_on_fees_is_held_and_named(house) {
        let company = house.company();
        for (steps, property) in [
            (&[(8, "100.01")][..], "steps.0.fee"),
            (&[(8, "100"), (17, "100")], "steps.1.daysAfterDue"),
            (&[(8, "1"), (18, "1"), (28, "1"), (38, "1")], "steps.3.fee"),
        ] {
            let details = schedule(&company, false, steps).refused(400, "DUNNING_FEE_UNLAWFUL");
            assert_eq!(details, json!({ "property": property, "law": "renteloven § 9 b" }));
        }
        schedule(&company, false, &[(8, "100"), (9, "0"), (18, "100"), (28, "100"), (30, "0")]).is(200);
        let foreign = ["--country", "DE", "--address", "Weg 7", "--postal-code", "24937", "--city", "Flensburg"];
        let german = house.company_with(&[&foreign[..], &["--vat", "DE136695976"]].concat());
        schedule(&german, false, &[(8, "250"), (9, "250")]).is(200);
        let euro = house.company_with(&["--country", "DK", "--currency", "EUR", "--address", "Torvet 3", "--postal-code", "8000", "--city", "Aarhus C", "--vat", "DK87654370"]);
        schedule(&euro, false, &[(8, "13")]).refused(400, "EXCHANGE_RATE_MISSING");
        let rate = json!({ "currency": "DKK", "date": "2026-01-01", "rate": "0.134" });
        euro.api.send("PUT", "/v1/exchange-rates", &rate).is(200);
        schedule(&euro, false, &[(8, "13.40")]).is(200);
        schedule(&euro, false, &[(8, "13.41")]).refused(400, "DUNNING_FEE_UNLAWFUL");
    }

    /// One reminder: its entry, its item, what is open, what the statement says; openAmount stays the invoice's.
    fn a_reminder_posts_its_fee_and_opens_its_item(house) {
        let company = house.company();
        schedule(&company, false, &[(8, "100"), (18, "100")]).is(200);
        let invoice = overdue(&company, json!({}));
        let answer = remind(&company, &invoice);
        let location = answer.header("location").unwrap().to_owned();
        let made = answer.is(201);
        assert_eq!(company.api.get(location.strip_prefix("/api").unwrap_or(&location)).is(200)["id"], made["id"]);
        for (field, value) in [
            ("invoiceNumber", json!("INV-00001")), ("step", json!(1)), ("status", json!("pending")), ("recipient", json!(ADDRESS)),
            ("currency", json!("DKK")), ("feeAmount", json!("100.00")), ("feeReversedAt", Value::Null), ("attemptCount", json!(0)),
        ] {
            assert_eq!(made[field], value, "{field} of {made}");
        }
        // Receivables to fee income, without VAT.
        assert_eq!(entry(&company, &made["journalEntryId"]), ["5600 10000 10000", "1090 -10000 -10000"]);
        let now = company.now("invoices", &invoice);
        assert_eq!((&now["openAmount"], &now["status"]), (&json!("1250.00"), &json!("sent")));
        let customer = format!("/v1/customers/{}", text(&invoice["customerId"]));
        let open = company.api.get(&format!("{customer}/open-items")).is(200);
        let fee = open["data"].as_array().unwrap().iter().find(|item| item["type"] == "reminder_fee").unwrap();
        for (field, value) in [
            ("id", &made["feeOpenItemId"]), ("side", &json!("debit")), ("documentId", &invoice["id"]), ("reminderId", &made["id"]),
            ("number", &invoice["number"]), ("openAmount", &json!("100.00")), ("paymentId", &Value::Null), ("dueDate", &made["date"]),
        ] {
            assert_eq!(fee[field], *value, "{field} of {fee}");
        }
        assert_eq!((&open["balances"][0]["balance"], &open["balances"][0]["overdue"]), (&json!("1350.00"), &json!("1250.00")));
        let statement = company.api.get(&format!("{customer}/statement")).is(200);
        let last = statement["accounts"][0]["lines"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["type"], &last["debit"], &last["balance"]), (&json!("reminder_fee"), &json!("100.00"), &json!("1350.00")));
        let csv = company.api.get(&format!("{customer}/statement?format=csv")).text();
        assert!(csv.contains("reminder_fee,\"fee of reminder 1 of invoice INV-00001\"") || csv.contains("reminder_fee,fee of reminder 1 of invoice INV-00001,"), "{csv}");
        assert_eq!(company.api.get(&format!("{customer}/statement?format=pdf")).status, 200);
        let told = dunning(&company, &invoice);
        for (field, value) in [
            ("openAmount", "1250.00"), ("openFeeAmount", "100.00"), ("totalAmount", "1350.00"),
        ] {
            assert_eq!(told[field], value, "{told}");
        }
        assert_eq!((&told["nextStep"], &told["nextOn"], &told["paused"]), (&json!(2), &Value::Null, &json!(false)));
        // The second waits for the first to leave, and costs nothing within ten days (renteloven § 9 b).
        reminded(&company, &invoice, 1, "sent");
        let second = remind(&company, &invoice).is(201);
        assert_eq!((&second["step"], &second["feeAmount"], &second["journalEntryId"]), (&json!(2), &json!("0.00"), &Value::Null));
        reminded(&company, &invoice, 2, "sent");
        remind(&company, &invoice).refused(400, "DUNNING_NO_STEP_LEFT");
        check(&company);
        crate::doctor::check_sound(&company);
        for kind in ["reminder.created", "reminder.sent"] {
            assert_eq!(crate::days::told(&company, kind).len(), 2, "{kind}");
        }
    }

    /// What is not owed, not overdue, not delivered or held back is not reminded of, and costs nothing.
    fn what_is_not_to_be_reminded_of_is_refused(house) {
        let company = house.company();
        let invoice = overdue(&company, json!({}));
        remind(&company, &invoice).refused(400, "DUNNING_NO_STEP_LEFT");
        schedule(&company, false, &[(8, "100")]).is(200);
        let customer = company.customer(json!({ "email": ADDRESS, "vatNumber": null }));
        let price = company.price("1000");
        let draft = company.draft(&customer, json!([line(&price, "1")]));
        remind(&company, &draft).refused(400, "DOCUMENT_NOT_BOOKED");
        let young = company.sent("invoices", &draft);
        remind(&company, &young).refused(400, "INVOICE_NOT_OVERDUE");
        remind(&company, &overdue(&company, json!({ "email": null }))).refused(400, "DELIVERY_RECIPIENT_MISSING");

        let paid = overdue(&company, json!({}));
        crate::settlement::pay(&company, &paid, "1250", LONG_AGO).is(201);
        remind(&company, &paid).refused(400, "INVOICE_NOT_OPEN");
        let lost = overdue(&company, json!({}));
        let loss = json!({ "date": LONG_AGO, "reason": "Bankruptcy", "amount": "10" });
        company.api.post(&place("invoices", &lost, "write-off"), &loss).is(200);
        remind(&company, &lost).refused(400, "INVOICE_WRITTEN_OFF");
        let noted = overdue(&company, json!({}));
        let part = json!({ "lines": [{ "invoiceLineId": noted["lines"][0]["id"], "quantity": "0.5" }] });
        let note = company.api.post(&place("invoices", &noted, "credit"), &part).is(201);
        remind(&company, &noted).refused(400, "INVOICE_HAS_UNBOOKED_CREDIT");
        company.sent("credit-notes", &note);
        remind(&company, &noted).is(201);

        // Held back, with and without an end.
        let hold = |body: Value| company.api.send("PUT", &place("invoices", &invoice, "dunning"), &body);
        hold(json!({ "paused": false, "until": "2026-01-01" })).faulty("until", "isEmpty");
        let held = hold(json!({ "paused": true, "notes": "A dispute" })).is(200);
        assert_eq!((&held["paused"], &held["until"], &held["notes"]), (&json!(true), &Value::Null, &json!("A dispute")));
        remind(&company, &invoice).refused(400, "REMINDERS_PAUSED");
        let over = hold(json!({ "paused": true, "until": LONG_AGO })).is(200);
        assert_eq!(over["paused"], false, "its last day is over: {over}");
        hold(json!({ "paused": true, "until": "2099-01-01" })).is(200);
        remind(&company, &invoice).refused(400, "REMINDERS_PAUSED");
        hold(json!({ "paused": false })).is(200);
        remind(&company, &invoice).is(201);

        let locked = overdue(&company, json!({}));
        let today = company.now("invoices", &young)["date"].clone();
        company.api.patch("/v1/company", &json!({ "lockedThrough": today })).is(200);
        remind(&company, &locked).refused(400, "PERIOD_LOCKED");
        let free = company.api.post(&place("invoices", &locked, "reminders"), &json!({ "withoutFee": true })).is(201);
        assert_eq!(free["feeAmount"], "0.00");
        company.settle();
        check(&company);
        crate::doctor::check_sound(&company);
    }

    /// A preview is the deed itself, undone.
    fn a_preview_shows_what_a_reminder_would_post(house) {
        let company = house.company();
        schedule(&company, false, &[(8, "100")]).is(200);
        let invoice = overdue(&company, json!({}));
        company.settle();
        let before = house.books.state(&company.id);
        let preview = company.api.post(&format!("{}?dryRun=true", place("invoices", &invoice, "reminders")), &json!({})).is(200);
        assert_eq!((&preview["preview"], &preview["feeAmount"], &preview["id"]), (&json!(true), &json!("100.00"), &Value::Null));
        assert_eq!(preview["postings"].as_array().unwrap().len(), 2);
        assert_eq!(preview["events"][0]["type"], "reminder.created");
        assert_eq!(house.books.state(&company.id), before);
    }
}

fn off_again() -> Value {
    json!({ "enabled": false, "steps": [] })
}

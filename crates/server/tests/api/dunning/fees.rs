//! What pays a fee, what takes it back, and what that posts, in two currencies.

use serde_json::{Value, json};

use super::{LONG_AGO, dunning, overdue, remind, reminded, schedule};
use crate::house::{Company, line, text};
use crate::settlement::{check, entry, mirrored, pay, place, reversal};

/// An invoice of 1,250.00 that was reminded of for 100.00.
fn with_fee(company: &Company) -> (Value, Value) {
    schedule(company, false, &[(8, "100"), (18, "100")]).is(200);
    let invoice = overdue(company, json!({}));
    remind(company, &invoice).is(201);
    let reminder = reminded(company, &invoice, 1, "sent").remove(0);
    (invoice, reminder)
}

fn waive(company: &Company, invoice: &Value, reminder: &Value) -> crate::house::Answer {
    company.api.delete(&format!("{}/{}/fee", place("invoices", invoice, "reminders"), text(&reminder["id"])))
}

fn open_fee(company: &Company, invoice: &Value) -> String {
    text(&dunning(company, invoice)["openFeeAmount"]).to_owned()
}

fn take_back(company: &Company, invoice: &Value, payment: &Value) {
    let path = format!("{}/{}", place("invoices", invoice, "payments"), text(&payment["id"]));
    assert_eq!(company.api.delete(&path).status, 204);
}

on_both_engines! {
    /// The invoice first, then its fee, then credit; taken back, all of it is open again.
    fn a_payment_settles_the_invoice_then_its_fee_then_is_credit(house) {
        let company = house.company();
        let (invoice, _) = with_fee(&company);
        let parts = |payment: &Value| ["settledAmount", "feeAmount", "overpaidAmount"].map(|name| text(&payment[name]).to_owned());
        let first = pay(&company, &invoice, "1250", LONG_AGO).is(201);
        assert_eq!(parts(&first), ["1250.00", "0.00", "0.00"]);
        assert_eq!((company.now("invoices", &invoice)["status"].clone(), open_fee(&company, &invoice)), (json!("paid"), "100.00".to_owned()));
        let second = pay(&company, &invoice, "30", LONG_AGO).is(201);
        assert_eq!((parts(&second), open_fee(&company, &invoice)), (["0.00", "30.00", "0.00"].map(str::to_owned), "70.00".to_owned()));
        assert_eq!(entry(&company, &second["journalEntryId"]), ["5820 3000 3000", "5600 -3000 -3000"]);
        take_back(&company, &invoice, &first);
        take_back(&company, &invoice, &second);
        assert_eq!((company.now("invoices", &invoice)["openAmount"].clone(), open_fee(&company, &invoice)), (json!("1250.00"), "100.00".to_owned()));
        let all = pay(&company, &invoice, "1400", LONG_AGO).is(201);
        assert_eq!(parts(&all), ["1250.00", "100.00", "50.00"]);
        let lines = ["5820 140000 140000", "5600 -125000 -125000", "5600 -10000 -10000", "5600 -5000 -5000"];
        assert_eq!(entry(&company, &all["journalEntryId"]), lines);
        assert_eq!(company.now("invoices", &invoice)["paidAmount"], "1250.00", "without fees");
        take_back(&company, &invoice, &all);
        assert_eq!(reversal(&company, &all["journalEntryId"]), mirrored(&lines));
        assert_eq!(open_fee(&company, &invoice), "100.00");
        check(&company);
        crate::doctor::check_sound(&company);
    }

    /// What was given up is recovered before the fee is paid.
    fn what_was_written_off_comes_before_the_fee(house) {
        let company = house.company();
        let (invoice, _) = with_fee(&company);
        let loss = json!({ "date": LONG_AGO, "reason": "Bankruptcy" });
        company.api.post(&place("invoices", &invoice, "write-off"), &loss).is(200);
        let paid = pay(&company, &invoice, "1300", LONG_AGO).is(201);
        for (field, value) in [("settledAmount", "0.00"), ("recoveredAmount", "1250.00"), ("feeAmount", "50.00"), ("overpaidAmount", "0.00")] {
            assert_eq!(paid[field], value, "{field} of {paid}");
        }
        let lines = ["5820 130000 130000", "3010 -125000 -125000", "5600 -5000 -5000"];
        assert_eq!(entry(&company, &paid["journalEntryId"]), lines);
        take_back(&company, &invoice, &paid);
        assert_eq!(open_fee(&company, &invoice), "100.00");
        check(&company);
        crate::doctor::check_sound(&company);
    }

    /// Its mirror entry; not while something of it is paid, and not twice.
    fn a_fee_is_waived_by_its_mirror_entry(house) {
        let company = house.company();
        let (invoice, reminder) = with_fee(&company);
        let paid = pay(&company, &invoice, "1251", LONG_AGO).is(201);
        waive(&company, &invoice, &reminder).refused(400, "REMINDER_FEE_SETTLED");
        take_back(&company, &invoice, &paid);
        assert_eq!(waive(&company, &invoice, &reminder).status, 204);
        assert_eq!(reversal(&company, &reminder["journalEntryId"]), mirrored(&["5600 10000 10000", "1090 -10000 -10000"]));
        assert_eq!(open_fee(&company, &invoice), "0.00");
        waive(&company, &invoice, &reminder).refused(400, "REMINDER_FEE_REVERSED");
        let now = company.api.get(&format!("{}/{}", place("invoices", &invoice, "reminders"), text(&reminder["id"]))).is(200);
        assert_eq!((&now["status"], &now["feeAmount"], now["feeReversedAt"].is_string()), (&json!("sent"), &json!("100.00"), true));
        // The whole of the next payment beyond the invoice is credit.
        assert_eq!(pay(&company, &invoice, "1350", LONG_AGO).is(201)["overpaidAmount"], "100.00");
        let customer = format!("/v1/customers/{}/statement", text(&invoice["customerId"]));
        let lines = company.api.get(&customer).is(200)["accounts"][0]["lines"].clone();
        let types: Vec<&str> = lines.as_array().unwrap().iter().map(|line| text(&line["type"])).collect();
        assert!(types.contains(&"reminder_fee") && types.contains(&"reminder_fee_reversed"), "{types:?}");
        // A reminder without a fee has none to waive.
        let free = company.api.post(&place("invoices", &overdue(&company, json!({})), "reminders"), &json!({ "withoutFee": true })).is(201);
        let place = format!("/v1/invoices/{}/reminders/{}/fee", text(&free["invoiceId"]), text(&free["id"]));
        company.api.delete(&place).refused(400, "REMINDER_HAS_NO_FEE");
        company.settle();
        check(&company);
        crate::doctor::check_sound(&company);
    }

    /// A fee of 100.00 kroner on an invoice in euro: at the day's rate of 7.60 it is 13.16 euro (13.1578…), and
    /// carries 100.00. Paid at that rate it moves by that; nothing is gained or lost.
    fn a_fee_in_another_currency_carries_what_it_is_in_kroner(house) {
        let company = house.company();
        for (date, rate) in [("2026-04-01", "7.50"), ("2026-06-01", "7.60")] {
            company.api.send("PUT", "/v1/exchange-rates", &json!({ "currency": "EUR", "date": date, "rate": rate })).is(200);
        }
        schedule(&company, false, &[(8, "100")]).is(200);
        let customer = company.customer(json!({ "email": super::ADDRESS, "vatNumber": null, "currency": "EUR" }));
        let price = company.price_with(json!({}), json!({ "unitAmount": "100", "currency": "EUR" }));
        let body = json!({ "customerId": customer, "date": LONG_AGO, "lines": [line(&price, "1")] });
        let invoice = company.sent("invoices", &company.api.post("/v1/invoices", &body).is(201));
        let made = remind(&company, &invoice).is(201);
        assert_eq!((&made["feeAmount"], &made["currency"]), (&json!("13.16"), &json!("EUR")));
        assert_eq!(entry(&company, &made["journalEntryId"]), ["5600 1316 10000", "1090 -1316 -10000"]);
        reminded(&company, &invoice, 1, "sent");
        // 125.00 at 7.50 (937.50) and 13.16 (100.00), paid at 7.60: 950.00 and 100.00; a gain of 12.50.
        let paid = pay(&company, &invoice, "138.16", "2026-06-10").is(201);
        let lines = ["5820 13816 105000", "5600 -12500 -93750", "5600 -1316 -10000", "4010 0 -1250"];
        assert_eq!(entry(&company, &paid["journalEntryId"]), lines);
        check(&company);
        crate::doctor::check_sound(&company);
    }

    /// Credit is set off against a fee by the fee's item; an item of another invoice's is not found.
    fn a_credit_is_set_off_against_a_fee(house) {
        let company = house.company();
        let (invoice, reminder) = with_fee(&company);
        let (other, _) = with_fee(&company);
        let body = json!({ "customerId": invoice["customerId"], "date": LONG_AGO, "lines": [line(&company.price("64"), "1")] });
        let note = company.sent("credit-notes", &company.api.post("/v1/credit-notes", &body).is(201));
        let allocations = place("credit-notes", &note, "allocations");
        let ask = |of: &Value, item: &Value| company.api.post(&allocations, &json!({ "invoiceId": of["id"], "openItemId": item }));
        let details = ask(&other, &reminder["feeOpenItemId"]).refused(404, "OPEN_ITEM_NOT_FOUND");
        assert_eq!(details["property"], "openItemId");
        let made = ask(&invoice, &reminder["feeOpenItemId"]).is(201);
        assert_eq!((&made["amount"], &made["reminderId"], &made["invoiceNumber"]), (&json!("80.00"), &reminder["id"], &invoice["number"]));
        assert_eq!(entry(&company, &made["journalEntryId"]), ["5600 8000 8000", "5600 -8000 -8000"]);
        assert_eq!((open_fee(&company, &invoice), company.now("invoices", &invoice)["openAmount"].clone()), ("20.00".to_owned(), json!("1250.00")));
        waive(&company, &invoice, &reminder).refused(400, "REMINDER_FEE_SETTLED");
        check(&company);
        crate::doctor::check_sound(&company);
        assert_eq!(company.api.delete(&format!("{allocations}/{}", text(&made["id"]))).status, 204);
        assert_eq!(open_fee(&company, &invoice), "100.00");
        assert_eq!(company.now("credit-notes", &note)["remainingAmount"], "80.00");
        check(&company);
        crate::doctor::check_sound(&company);
    }

    /// Erased, a person's address and what was noted stand in no reminder, no pause and no event.
    fn an_erased_person_is_in_no_reminder(house) {
        let company = house.company();
        schedule(&company, false, &[(8, "100")]).is(200);
        let invoice = overdue(&company, json!({ "customerType": "private", "email": "zqx@example.com" }));
        remind(&company, &invoice).is(201);
        reminded(&company, &invoice, 1, "sent");
        let notes = json!({ "paused": true, "notes": "Asked for by zqx" });
        company.api.send("PUT", &place("invoices", &invoice, "dunning"), &notes).is(200);
        pay(&company, &invoice, "1350", LONG_AGO).is(201);
        company.api.post(&format!("/v1/customers/{}/erase", text(&invoice["customerId"])), &json!({})).is(200);
        company.settle();
        for (table, columns) in [
            ("reminders", "recipient || coalesce(last_error_message, '')"), ("dunning_pauses", "notes"),
            ("events", "case when type like 'reminder%' or type like 'dunning%' then data || coalesce(before, '') end"),
        ] {
            let sql = format!("select count(*) from {table} where company_id = '{}' and {columns} like '%zqx%'", company.id);
            assert_eq!(company.house.books.value(&sql), "0", "{table}");
        }
        check(&company);
        crate::doctor::check_sound(&company);
    }

    /// A fee is owed: it can be neither set off nor paid out.
    fn a_fee_is_no_credit(house) {
        let company = house.company();
        let (invoice, _) = with_fee(&company);
        let items = company.api.get(&format!("/v1/customers/{}/open-items", text(&invoice["customerId"]))).is(200);
        let fee = items["data"].as_array().unwrap().iter().find(|item| item["type"] == "reminder_fee").unwrap();
        let place = format!("/v1/open-items/{}", text(&fee["id"]));
        let refund = json!({ "amount": "1", "date": LONG_AGO, "reference": "4711" });
        company.api.post(&format!("{place}/refunds"), &refund).refused(400, "OPEN_ITEM_NOT_A_CREDIT");
        company.api.post(&format!("{place}/allocations"), &json!({ "invoiceId": invoice["id"] })).refused(400, "OPEN_ITEM_NOT_A_CREDIT");
        check(&company);
    }
}

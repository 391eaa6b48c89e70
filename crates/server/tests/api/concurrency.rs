//! Many at once: 64 threads make credit notes and send invoices for one company.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use crate::house::{line, text};

on_both_engines! {
    /// Numbers are unique, gapless and increasing, the books balance, and nobody hears a 5xx.
    fn sixty_four_threads_leave_no_gap_no_double_and_balanced_books(house) {
        const THREADS: usize = 64;
        const ROUNDS: usize = 6;
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        // One invoice that all of them credit: of 200 pieces exactly 200 can be given back.
        let shared = company.invoice(&customer, json!([line(&price, "200")]));
        let credited = AtomicUsize::new(0);
        let refused = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    let mut last = String::new();
                    for _ in 0..ROUNDS {
                        let note = company.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
                        let number = text(&note["number"]).to_owned();
                        assert!(number > last, "{number} came after {last}");
                        last = number;
                        let draft = company.draft(&customer, json!([line(&price, "2")]));
                        company.sent("invoices", &draft);
                        let answer = company.credit(&customer, Some(&shared), json!([line(&price, "1")]), json!({}));
                        if answer.status == 201 {
                            credited.fetch_add(1, Ordering::Relaxed);
                            company.sent("credit-notes", &answer.is(201));
                        } else {
                            answer.refused(400, "CREDIT_NOTE_EXCEEDS_INVOICE");
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        let (credited, refused) = (credited.into_inner(), refused.into_inner());
        assert_eq!((credited, refused), (200, THREADS * ROUNDS - 200));
        let after = company.now("invoices", &shared);
        // 200 × 100.00 and 25 % VAT.
        assert_eq!((&after["creditedAmount"], &after["openAmount"]), (&json!("25000.00"), &json!("0.00")));
        let total = |path: &str| company.api.get(path).is(200)["total"].clone();
        assert_eq!(total("/v1/credit-notes"), THREADS * ROUNDS + 200);
        assert_eq!(total("/v1/invoices?status=sent"), THREADS * ROUNDS);
        company.check_books();
        crate::doctor::check_sound(&company);
    }

    /// By quantity, by amount, voided and written anew all at once: never more than was invoiced,
    /// and what is left afterwards comes to the last unit.
    fn sixty_four_threads_never_credit_more_than_was_invoiced(house) {
        const THREADS: usize = 64;
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("33.33"));
        let invoice = company.invoice(&customer, json!([line(&price, "30")]));
        let (place, of) = (format!("/v1/invoices/{}/credit", text(&invoice["id"])), &invoice["lines"][0]["id"]);
        let by = |what: &str, much: &str| json!({ "lines": [{ "invoiceLineId": of, what: much }] });
        let refused = AtomicUsize::new(0);
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (company, place, by, refused, customer, price) = (&company, &place, &by, &refused, &customer, &price);
                scope.spawn(move || {
                    for round in 0..4 {
                        let asked = if (thread + round) % 2 == 0 { by("quantity", "0.75") } else { by("amount", "17.01") };
                        let answer = company.api.post(place, &asked);
                        if answer.status != 201 {
                            let details = answer.refused(400, "CREDIT_NOTE_EXCEEDS_INVOICE");
                            for field in ["invoiceLineId", "billed", "credited", "asked"] {
                                assert!(details[field].is_string(), "{field} of {details}");
                            }
                            refused.fetch_add(1, Ordering::Relaxed);
                            continue;
                        }
                        let note = format!("/v1/credit-notes/{}", text(&answer.is(201)["id"]));
                        match thread % 3 {
                            0 => drop(company.api.post(&format!("{note}/void"), &json!({ "reason": "Raced" })).is(200)),
                            1 => {
                                let body = json!({ "customerId": customer, "lines": [line(price, "2.5")] });
                                let answer = company.api.patch(&note, &body);
                                if answer.status != 200 {
                                    answer.refused(400, "CREDIT_NOTE_EXCEEDS_INVOICE");
                                }
                            }
                            _ => {}
                        }
                    }
                });
            }
        });
        assert!(refused.into_inner() > 0, "there was more asked than there is");
        // What is left, if anything is, and then it is all.
        let rest = company.api.post(&place, &json!({}));
        if rest.status != 201 {
            rest.refused(400, "INVOICE_FULLY_CREDITED");
        }
        let now = company.now("invoices", &invoice);
        assert_eq!((&now["creditedAmount"], &now["creditState"]), (&invoice["amount"], &json!("full")));
        for note in now["creditNotes"].as_array().unwrap() {
            company.sent("credit-notes", note);
        }
        assert_eq!(company.balances(), Vec::<Vec<String>>::new());
        company.check_books();
    }
}

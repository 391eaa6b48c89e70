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
}

//! `ETag`, `If-None-Match` and `If-Match`: who has what there is, and who changes what he knows.

use std::thread;

use serde_json::{Value, json};

use crate::house::{Answer, line, text};
use crate::writes::Grounds;

fn tag(answer: &Answer) -> String {
    answer.header("etag").unwrap_or_else(|| panic!("{} has no tag", answer.asked)).to_owned()
}

on_both_engines! {
    /// A read of one resource is tagged, and 304 to whoever has it; a list is not.
    fn a_resource_is_known_by_its_tag(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        let draft = company.draft(&customer, json!([line(&price, "1")]));
        let place = format!("/v1/invoices/{}", text(&draft["id"]));
        let first = company.api.get(&place);
        let own = tag(&first);
        assert!(own.starts_with('"') && own.ends_with('"') && own.len() == 66, "{own}");
        let ask = |known: &str| company.api.raw("GET", &place, &[("if-none-match", known)], b"");
        for known in [own.clone(), format!("W/{own}"), format!("\"x\", {own}"), "*".to_owned()] {
            let answer = ask(&known);
            assert_eq!((answer.status, answer.bytes.len(), answer.header("etag")), (304, 0, Some(own.as_str())), "{known}");
            assert!(answer.header("x-request-id").is_some());
        }
        for known in ["\"x\"", own.trim_matches('"'), ""] {
            assert_eq!(ask(known).is(200), draft, "{known}");
        }
        let changed = company.api.patch(&place, &json!({ "customerId": customer, "lines": [line(&price, "2")] }));
        let then = tag(&changed);
        assert_ne!(then, own);
        assert_eq!(tag(&ask(&own)), then);
        assert_eq!(ask(&then).status, 304);
        assert_eq!(company.api.get("/v1/invoices").header("etag"), None);
        tag(&company.api.get("/v1/company"));
        company.api.get(&format!("{place}x")).refused(404, "NOT_FOUND");
    }

    /// What a write answers with a tag has that tag when it is read.
    fn a_tag_that_is_answered_is_the_resources(house) {
        let company = house.company();
        let mut count = 0;
        Grounds::of(&company).each(&company, |write| {
            let answer = write.ask(&company, &[]);
            let Some(told) = answer.header("etag").map(str::to_owned) else { return };
            count += 1;
            let location = answer.header("location").map(|place| place.trim_start_matches("/api").to_owned());
            let above = write.place.rsplit_once('/').unwrap().0.to_owned();
            let is_action = write.method == "POST" && write.path.rsplit_once('/').unwrap().0.ends_with("{id}");
            let place = location.unwrap_or(if is_action { above } else { write.place.clone() });
            let read = company.api.get(&place);
            assert_eq!(tag(&read), told, "{} answered {}, then {}", write.place, answer.text(), read.text());
        });
        assert!(count > 15, "{count} writes answer a tag");
    }

    /// Every write about one resource: 412 for a tag it has not, and nothing is done; done for its own.
    fn every_write_holds_to_if_match(house) {
        let company = house.company();
        let mut count = 0;
        Grounds::of(&company).each(&company, |write| {
            company.settle();
            let before = house.books.state(&company.id);
            for other in ["\"x\"", "x", ""] {
                write.ask(&company, &[("if-match", other)]).refused(412, "PRECONDITION_FAILED");
            }
            assert_eq!(house.books.state(&company.id), before);
            // What is at its path, or above it.
            let above = write.place.rsplit_once('/').unwrap().0;
            let reads = [&write.place, above].map(|place| company.api.get(place));
            let Some(own) = reads.iter().find_map(|read| read.header("etag")) else {
                // It makes something: there is no tag to know yet, but anything will do.
                let answer = write.ask(&company, &[("if-match", "*")]);
                assert!((200..300).contains(&answer.status), "{}: {}", answer.asked, answer.text());
                return;
            };
            count += 1;
            write.ask(&company, &[("if-match", &format!("W/{own}"))]).refused(412, "PRECONDITION_FAILED");
            let answer = write.ask(&company, &[("if-match", &format!("\"x\", {own}"))]);
            assert!((200..300).contains(&answer.status), "{}: {}", answer.asked, answer.text());
        });
        assert!(count >= 18, "{count} writes are about a resource");
        company.check_books();
    }

    /// Many that know the same: one is done, the others are told to read again; and its retry is replayed.
    fn of_many_with_one_tag_one_is_done(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        let draft = company.draft(&customer, json!([line(&price, "1")]));
        let place = format!("/v1/invoices/{}", text(&draft["id"]));
        let own = tag(&company.api.get(&place));
        let ask = |n: usize| {
            let body = json!({ "customerId": customer, "lines": [line(&price, &(n + 2).to_string())] });
            let key = format!("change {n}");
            let headers = [("if-match", own.as_str()), ("x-api-idempotency-key", &key)];
            company.api.send_with("PATCH", &place, &headers, &body)
        };
        let answers: Vec<Answer> = thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|n| scope.spawn(move || ask(n))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let mut done = None;
        for (n, answer) in answers.into_iter().enumerate() {
            if answer.status == 200 {
                assert!(done.replace((n, answer.json())).is_none(), "two were done");
            } else {
                answer.refused(412, "PRECONDITION_FAILED");
            }
        }
        let (n, changed): (usize, Value) = done.expect("one was done");
        assert_eq!(company.now("invoices", &draft), changed);
        assert_eq!(ask(n).is(200), changed);
    }
}

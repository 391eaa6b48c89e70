//! `?dryRun=true`: what a write would answer, post and tell is what it then does answer, post and
//! tell, but for ids, numbers and times; and nothing of it stays.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::house::{Answer, Company, line, text};
use crate::writes::{Grounds, Write};

/// Asks for a preview, then does it, and compares the two.
fn preview_and_do(company: &Company, write: &Write) -> Answer {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    company.settle();
    let before = company.house.books.state(&company.id);
    let preview = write.with_query("dryRun=true").ask(company, &[]);
    let asked = preview.asked.clone();
    for header in ["location", "etag", "idempotent-replayed"] {
        assert_eq!(preview.header(header), None, "{asked}");
    }
    let mut preview = preview.is(200);
    assert_eq!(company.house.books.state(&company.id), before, "{asked}");

    let request = format!("after preview {}", COUNT.fetch_add(1, Ordering::Relaxed));
    let request = request.replace(' ', "-");
    let done = write.ask(company, &[("x-request-id", &request)]);
    assert!((200..300).contains(&done.status), "{asked}: {}", done.text());

    let told = preview.as_object_mut().unwrap();
    assert_eq!(told.remove("preview"), Some(json!(true)));
    let (events, postings) = (told.remove("events").unwrap(), told.remove("postings").unwrap());
    let body = if done.bytes.is_empty() { json!({}) } else { done.json() };
    same(&preview, &body, &asked);
    assert_eq!(events, told_by(company, &request, &events, &asked), "{asked}");
    assert_eq!(postings, posted_by(company, &request), "{asked}");
    done
}

/// Whether a preview is what was then done: null stands for an id or a number newly given.
fn same(preview: &Value, done: &Value, place: &str) {
    match (preview, done) {
        (Value::Object(a), Value::Object(b)) => {
            assert!(a.keys().eq(b.keys()), "{place}: {preview} and {done}");
            a.iter().for_each(|(name, value)| same(value, &b[name], &format!("{place} {name}")));
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{place}");
            a.iter().zip(b).enumerate().for_each(|(at, (a, b))| same(a, b, &format!("{place} {at}")));
        }
        (Value::Null, Value::String(text)) => {
            let name = place.rsplit(' ').next().unwrap();
            let is_id = text.len() == 36 && text.as_bytes()[14] == b'7';
            let is_number = name == "number" || name.ends_with("Number");
            // What is shown once is shown by what is done.
            let is_secret = name == "secret" && text.starts_with("whsec_");
            assert!(is_id || is_number || is_secret, "{place}: null and {text}");
        }
        (Value::String(a), Value::String(b)) if place.ends_with("At") => {
            assert!(a.len() == 24 && b.len() == 24 && a <= b, "{place}: {a} and {b}");
        }
        _ => assert_eq!(preview, done, "{place}"),
    }
}

/// The events of a request, in the form of a preview; compared with it on the way.
fn told_by(company: &Company, request: &str, preview: &Value, asked: &str) -> Value {
    let rows = company.house.books.rows(&format!(
        "select type, data from events where company_id = '{}' and request_id = '{request}' order by sequence",
        company.id
    ));
    let previews = preview.as_array().unwrap();
    assert_eq!(rows.len(), previews.len(), "{asked}: {rows:?} and {preview}");
    let event = |(row, preview): (Vec<String>, &Value)| {
        same(&preview["data"], &serde_json::from_str(&row[1]).unwrap(), &format!("{asked} {}", row[0]));
        json!({ "type": row[0], "data": preview["data"] })
    };
    rows.into_iter().zip(previews).map(event).collect()
}

/// The postings that a request made, in the form of a preview: those of entries its documents' events are
/// of, made at the same instant.
fn posted_by(company: &Company, request: &str) -> Value {
    let rows = company.house.books.rows(&format!(
        "select a.account_number, a.name, p.amount, p.currency, v.code from journal_entries e \
         join postings p on p.company_id = e.company_id and p.entry_id = e.id \
         join accounts a on a.company_id = p.company_id and a.id = p.account_id \
         left join vat_codes v on v.company_id = p.company_id and v.id = p.vat_code_id \
         where e.company_id = '{}' and e.created_at in (select occurred_at from events where \
         company_id = e.company_id and request_id = '{request}') order by e.sequence, p.position",
        company.id
    ));
    let posting = |row: Vec<String>| {
        json!({
            "accountNumber": row[0].parse::<u32>().unwrap(), "accountName": row[1], "amount": decimal(&row[2], &row[3]),
            "currency": row[3], "vatCode": if row[4].is_empty() { Value::Null } else { json!(row[4]) },
        })
    };
    rows.into_iter().map(posting).collect()
}

/// Minor units as published.
fn decimal(minor: &str, currency: &str) -> String {
    let places = match currency {
        "JPY" => return minor.to_owned(),
        "KWD" => 3,
        _ => 2,
    };
    let (sign, digits) = minor.strip_prefix('-').map_or(("", minor), |digits| ("-", digits));
    let digits = format!("{digits:0>width$}", width = places + 1);
    let (whole, part) = digits.split_at(digits.len() - places);
    format!("{sign}{whole}.{part}")
}

fn post(place: &str, body: Value) -> Write {
    Write { method: "POST".to_owned(), path: place.to_owned(), place: place.to_owned(), body }
}

/// Numbers as they come from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// Lines of these prices, some with a price of their own or a discount.
    fn lines(&mut self, prices: &[Value]) -> Value {
        let mut line = || {
            let price = &prices[self.below(prices.len() as u64) as usize];
            let mut line =
                json!({ "priceId": price, "quantity": format!("{}.{}", self.below(9), 1 + self.below(999)) });
            if self.below(3) == 0 {
                line["unitPrice"] = json!(format!("{}.{:02}", self.below(500), 1 + self.below(99)));
            }
            if self.below(3) == 0 {
                line["discountPercent"] = json!(self.below(100).to_string());
            }
            line
        };
        let lines: Vec<Value> = (0..3).map(|_| line()).collect();
        let count = 1 + self.below(3) as usize;
        lines[..count].into()
    }
}

on_both_engines! {
    /// Each write of the contract once.
    fn every_write_can_be_previewed(house) {
        let company = house.company();
        let grounds = Grounds::of(&company);
        grounds.each(&company, |write| drop(preview_and_do(&company, &write)));
        company.check_books();
    }

    /// Documents of every kind through all that is done to them: random lines, customers of each VAT zone,
    /// currencies with 0, 2 and 3 decimals.
    fn a_preview_is_what_is_then_done(house) {
        let company = house.company();
        let seed = u64::from(std::process::id());
        println!("seed {seed}");
        let mut dice = Dice(seed);
        for (currency, rate) in [("EUR", "7.46"), ("JPY", "0.0436"), ("KWD", "22.4")] {
            let rate = json!({ "currency": currency, "date": "2026-01-01", "rate": rate });
            company.api.send("PUT", "/v1/exchange-rates", &rate).is(200);
        }
        let prices: Vec<Value> = ["300", "89.95", "0.37"].into_iter().map(|amount| company.price(amount)).collect();
        let eu = json!({ "countryCode": "DE", "vatZone": "eu", "vatNumber": "DE136695976" });
        let abroad = json!({ "countryCode": "US", "vatZone": "abroad", "vatNumber": null });
        let customers = [json!({}), eu, abroad].map(|changes| company.customer(changes));
        for round in 0..12 {
            let customer = &customers[round % 3];
            let currency = ["DKK", "EUR", "JPY", "KWD"][dice.below(4) as usize];
            let body = |lines: Value| json!({ "customerId": customer, "currency": currency, "lines": lines });
            let draft = preview_and_do(&company, &post("/v1/invoices", body(dice.lines(&prices)))).is(201);
            let place = format!("/v1/invoices/{}", text(&draft["id"]));
            let change = Write { method: "PATCH".to_owned(), ..post(&place, body(dice.lines(&prices))) };
            preview_and_do(&company, &change).is(200);
            if dice.below(4) == 0 {
                let deletion = Write { method: "DELETE".to_owned(), ..post(&place, Value::Null) };
                preview_and_do(&company, &deletion).is(204);
                continue;
            }
            let by_hand = json!({ "deliveryType": "Manual" });
            preview_and_do(&company, &post(&format!("{place}/send"), by_hand.clone())).is(200);
            let invoice = company.now("invoices", &draft);
            let own = &invoice["lines"][0];
            let part = json!([{ "invoiceLineId": own["id"], "priceId": own["priceId"], "quantity": "0.1" }]);
            for lines in [part, dice.lines(&prices)] {
                let mut note = body(lines);
                if note["lines"][0]["invoiceLineId"].is_string() {
                    note["invoiceNumber"] = invoice["number"].clone();
                }
                let note = preview_and_do(&company, &post("/v1/credit-notes", note)).is(201);
                let send = format!("/v1/credit-notes/{}/send", text(&note["id"]));
                preview_and_do(&company, &post(&send, by_hand.clone())).is(200);
            }
        }
        company.check_books();
    }

    /// A preview takes no number, keeps no key, and is refused as the deed is.
    fn a_preview_leaves_nothing_behind(house) {
        let company = house.company();
        let grounds = Grounds::of(&company);
        let Grounds { customer, price, invoice, .. } = &grounds;
        let body = json!({ "customerId": customer, "invoiceNumber": invoice["number"], "lines": [line(price, "1")] });
        let keyed = [("x-api-idempotency-key", "k")];
        let preview = || company.api.send_with("POST", "/v1/credit-notes?dryRun=true", &keyed, &body).is(200);
        for _ in 0..3 {
            let preview = preview();
            assert_eq!((&preview["number"], &preview["preview"], &preview["id"]), (&Value::Null, &json!(true), &Value::Null));
            assert_eq!((&preview["amount"], &preview["postings"]), (&json!("-375.00"), &json!([])));
            let told = preview["events"].as_array().unwrap().iter().map(|event| text(&event["type"]));
            assert_eq!(told.collect::<Vec<_>>(), ["invoice.credited", "credit_note.created"]);
        }
        let note = company.api.send_with("POST", "/v1/credit-notes", &keyed, &body).is(201);
        assert_eq!(note["number"], "CN-00001");
        // The key is taken now; a preview does not look at it.
        assert_eq!(preview()["number"], Value::Null);
        let send = format!("/v1/credit-notes/{}/send?dryRun=true", text(&note["id"]));
        let sending = company.api.post(&send, &json!({ "deliveryType": "Manual" })).is(200);
        assert_eq!((&sending["number"], &sending["deliveryId"]), (&note["number"], &Value::Null));
        let posted: Vec<_> = sending["postings"].as_array().unwrap().iter().take(3).map(|one| {
            (one["accountNumber"].as_u64().unwrap(), text(&one["amount"]), one["vatCode"].as_str())
        }).collect();
        assert_eq!(posted.iter().map(|posting| posting.1).collect::<Vec<_>>(), ["-375.00", "300.00", "75.00"]);

        let before = house.books.state(&company.id);
        let dry = |path: &str, body: &Value| company.api.post(&format!("{path}?dryRun=true"), body);
        let mut too_much = body.clone();
        too_much["lines"][0]["quantity"] = json!("1001");
        dry("/v1/credit-notes", &too_much).refused(400, "CREDIT_NOTE_EXCEEDS_INVOICE");
        dry("/v1/credit-notes", &json!({})).faulty("customerId", "isNotEmpty");
        let (_, reader) = company.key(&["--scopes", "invoices-read"]);
        reader.post("/v1/credit-notes?dryRun=true", &body).refused(403, "INSUFFICIENT_PERMISSIONS");
        let other = [("if-match", "\"x\"")];
        company.api.send_with("PATCH", "/v1/company?dryRun=true", &other, &json!({})).refused(412, "PRECONDITION_FAILED");
        for (query, rule) in [("dryRun=yes", "isBoolean"), ("dryrun=true", "whitelistValidation")] {
            let (property, _) = query.split_once('=').unwrap();
            company.api.post(&format!("/v1/credit-notes?{query}"), &body).faulty(property, rule);
        }
        company.api.get("/v1/company?dryRun=true").faulty("dryRun", "whitelistValidation");
        let mut after = house.books.state(&company.id);
        // The key made meanwhile.
        let count = |state: &[Vec<String>], table: &str| state.iter().find(|row| row[0] == table).cloned();
        assert_eq!(count(&before, "documents"), count(&after, "documents"));
        after.retain(|row| !["api_keys", "credentials", "events"].contains(&row[0].as_str()));
        assert!(after.iter().all(|row| before.contains(row)), "{before:?} and {after:?}");
    }
}

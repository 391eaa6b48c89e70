//! Lists read on: in every order, by page and by cursor, to their edges, and while more is added.

use serde_json::{Value, json};

use super::filters::{fields, named};
use super::known::{Known, ground, minor, rows};
use crate::house::{Company, line, merge, text};

/// What a list is sorted by: numbers before texts, then the id.
type Place = (Vec<i64>, String, String);

/// Where a resource stands in a list sorted so.
fn place(path: &str, sort: &str, own: &Value) -> Place {
    let id = text(&own["id"]).to_owned();
    match (path, sort) {
        ("/v1/invoices" | "/v1/credit-notes", "number") => {
            // What has no number yet stands before the first.
            let count = own["number"].as_str().map_or(-1, |number| number.rsplit('-').next().unwrap().parse().unwrap());
            (vec![count], String::new(), id)
        }
        ("/v1/quotes" | "/v1/order-confirmations", "documentNumber") => {
            let number = own["documentNumber"].as_str();
            let count = number.map_or(-1, |number| number.rsplit('-').next().unwrap().parse().unwrap());
            (vec![count], String::new(), id)
        }
        // What holds for ever stands before what holds until a day.
        ("/v1/quotes", "validUntil") => (vec![], own[sort].as_str().unwrap_or_default().to_owned(), id),
        ("/v1/quotes" | "/v1/order-confirmations", "status") => (vec![], text(&own[sort]).to_owned(), id),
        // In minor units, whatever the currency.
        ("/v1/invoices" | "/v1/credit-notes" | "/v1/quotes" | "/v1/order-confirmations", "amount") => {
            (vec![minor(&own["amount"])], String::new(), id)
        }
        (_, "date" | "createdAt" | "name" | "number" | "documentType") => (vec![], text(&own[sort]).to_owned(), id),
        other => panic!("{other:?} is an order of the contract that no test knows: say here what decides it"),
    }
}

fn is_paged(contract: &Value, path: &str) -> bool {
    fields(contract, path).iter().any(|field| field.name == "cursor")
}

/// Reads a list on by cursor to its end; each page holds `limit` but the last.
fn by_cursor(company: &Company, place: &str, asked: &str, limit: usize) -> Vec<Value> {
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = company.api.get(&format!("{place}?{asked}limit={limit}&cursor={cursor}")).is(200);
        let nothing = json!(null);
        assert_eq!((&page["total"], &page["page"], &page["totalPages"]), (&nothing, &nothing, &nothing), "{place}");
        assert_eq!(page["limit"], limit);
        seen.extend(rows(&page).iter().cloned());
        match page["nextCursor"].as_str() {
            Some(next) => {
                assert_eq!(rows(&page).len(), limit, "{place}: only the last page is short");
                cursor = next.to_owned();
            }
            None => return seen,
        }
    }
}

/// Reads a list on by numbered pages to its end, and looks one page past it.
fn by_page(company: &Company, place: &str, asked: &str, limit: usize, total: usize) -> Vec<Value> {
    let pages = total.div_ceil(limit);
    let mut seen = Vec::new();
    for number in 1..=pages + 1 {
        let page = company.api.get(&format!("{place}?{asked}limit={limit}&page={number}")).is(200);
        let envelope = ["total", "page", "limit", "totalPages"].map(|field| page[field].as_u64().unwrap() as usize);
        assert_eq!(envelope, [total, number, limit, pages], "{place}");
        assert_eq!(page["nextCursor"].is_string(), number < pages, "{place}: page {number} of {pages}");
        assert!(number <= pages || rows(&page).is_empty(), "{place}: a page past the end is empty");
        seen.extend(rows(&page).iter().cloned());
    }
    seen
}

#[track_caller]
fn check(known: &Known, asked: &str, found: &[Value], expected: &[&Value]) {
    let ids = |rows: Vec<&Value>| rows.into_iter().map(|row| text(&row["id"]).to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(found.iter().collect()), ids(expected.to_vec()), "{} {asked}", known.path);
    assert!(found.iter().zip(expected).all(|(row, own)| *row == known.row(own)), "{} {asked}: {found:?}", known.path);
}

/// More of what a list holds, made while it is read; the n-th is the last by every text.
fn more(company: &Company, known: &Known, n: usize) -> Value {
    let like = &known.all[n % known.all.len()];
    let post = |path: &str, body: Value| company.api.post(path, &body).is(201);
    let kept = |fields: &[&str]| -> Value {
        Value::Object(fields.iter().map(|field| ((*field).to_owned(), like[*field].clone())).collect())
    };
    match known.path {
        "/v1/invoices" | "/v1/credit-notes" | "/v1/quotes" | "/v1/order-confirmations" => {
            let price = company.price("100");
            let mut body = kept(&["customerId", "date"]);
            merge(&mut body, json!({ "lines": [line(&price, "2.5")] }));
            post(known.path, body)
        }
        "/v1/customers" => company.customer(json!({ "customerNumber": format!("5{n}"), "vatNumber": null })),
        "/v1/products" => {
            let mut body = kept(&["productGroupId", "name"]);
            body["number"] = json!(format!("H1-5{n}"));
            post(known.path, body)
        }
        "/v1/product-groups" => {
            let accounts =
                ["domesticAccountId", "euAccountId", "abroadAccountId", "domesticWithoutVatAccountId", "name"];
            let mut body = kept(&accounts);
            body["number"] = json!(format!("8{n}"));
            post(known.path, body)
        }
        "/v1/exchange-rates" => {
            let body = json!({ "currency": (["SEK", "CHF", "USD"][n % 3]), "date": like["date"], "rate": "1.1" });
            company.api.send("PUT", known.path, &body).is(200)
        }
        "/v1/oss-rates" => {
            let body = json!({ "country": (["SE", "HR", "PL"][n % 3]), "rate": "25", "validFrom": like["validFrom"] });
            company.api.send("PUT", known.path, &body).is(200)
        }
        "/v1/invoices/{id}/payments" => post(&known.place, json!({ "amount": "0.25", "date": "2026-05-02" })),
        "/v1/invoices/{id}/write-offs" => {
            let place = known.place.replace("write-offs", "write-off");
            company.api.post(&place, &json!({ "amount": "0.25", "date": "2026-05-02", "reason": "x" })).is(200)
        }
        "/v1/invoices/{id}/reminders" => {
            let made = post(&known.place, json!({}));
            let own = format!("{}/{}", known.place, text(&made["id"]));
            testkit::wait_for("its mail", || {
                Some(company.api.get(&own).is(200)).filter(|reminder| reminder["status"] == "sent")
            })
        }
        "/v1/credit-notes/{id}/refunds" | "/v1/open-items/{id}/refunds" => {
            post(&known.place, json!({ "amount": "0.25", "date": "2026-05-02", "reference": "x" }))
        }
        "/v1/credit-notes/{id}/allocations" | "/v1/open-items/{id}/allocations" => {
            post(&known.place, json!({ "amount": "0.25", "invoiceId": like["invoiceId"] }))
        }
        "/v1/webhook-endpoints" => post(known.path, json!({ "url": like["url"], "enabled": false })),
        // Templates come with the company.
        "/v1/document-templates" => Value::Null,
        other => panic!("{other} is a list that no test knows how to add to"),
    }
}

on_both_engines! {
    /// What a list shows of a resource is what the resource shows when it is read alone, to the byte.
    fn a_row_is_the_resource_to_the_byte(house) {
        let ground = ground(house);
        for known in &ground.lists {
            let path = known.path.trim_start_matches("/v1/");
            if !["invoices", "credit-notes", "quotes", "order-confirmations", "products", "product-groups", "customers"].contains(&path) {
                continue;
            }
            let list = ground.company.api.get(&format!("{}?page=1&limit=100", known.place)).text();
            let mut length = 0;
            for own in &known.all {
                let mut alone = ground.company.api.get(&format!("/v1/{path}/{}", text(&own["id"]))).text();
                if let Some(field) = known.without {
                    let value = serde_json::to_string(&own[field]).unwrap();
                    let whole = alone.len();
                    alone = cut(&alone, field);
                    assert_eq!(alone.len(), whole - value.len() - field.len() - 4, "only {field} is cut out");
                }
                assert!(list.contains(&alone), "{}: {alone} is not in {list}", known.path);
                length += alone.len() + 1;
            }
            let envelope = list.len() - length;
            assert!(envelope < 120, "{}: {envelope} bytes are no resource", known.path);
        }
    }

    /// Every order of the contract, either way, by page and by cursor.
    fn every_order_is_kept_from_page_to_page(house) {
        let ground = ground(house);
        let contract = ground.company.api.get("/openapi.json").is(200);
        let mut count = 0;
        for known in &ground.lists {
            let orders = fields(&contract, known.path).into_iter().find(|field| field.name == "sortBy");
            for sort in orders.map_or(Vec::new(), |field| named(&field.schema)) {
                let mut expected: Vec<&Value> = known.all.iter().collect();
                expected.sort_by_key(|own| place(known.path, &sort, own));
                for order in ["asc", "desc"] {
                    let asked = format!("sortBy={sort}&sortOrder={order}&");
                    let found = by_page(&ground.company, &known.place, &asked, 7, expected.len());
                    check(known, &asked, &found, &expected);
                    let found = by_cursor(&ground.company, &known.place, &asked, 4);
                    check(known, &asked, &found, &expected);
                    expected.reverse();
                    count += 1;
                }
            }
        }
        assert!(count >= 2 * (2 * 4 + 3 * 3), "{count} orders");
    }

    /// Every list that comes in pages, by pages of all sizes around its length; what is no part is refused.
    fn every_list_is_read_to_its_edges(house) {
        let ground = ground(house);
        let contract = ground.company.api.get("/openapi.json").is(200);
        let company = &ground.company;
        for known in ground.lists.iter().filter(|known| is_paged(&contract, known.path)) {
            let expected: Vec<&Value> = known.all.iter().collect();
            let count = expected.len();
            for limit in [1, 2, count - 1, count, count + 1, 100] {
                check(known, "by page", &by_page(company, &known.place, "", limit, count), &expected);
                check(known, "by cursor", &by_cursor(company, &known.place, "", limit), &expected);
            }
            // A numbered page goes on by cursor too.
            let first = company.api.get(&format!("{}?limit=1&page=1", known.place)).is(200);
            let rest = company.api.get(&format!("{}?limit=100&cursor={}", known.place, text(&first["nextCursor"]))).is(200);
            check(known, "after a page", rows(&rest), &expected[1..]);
            for (query, property, rule) in [
                ("page=0", "page", "min"), ("limit=0", "limit", "min"), ("limit=101", "limit", "max"),
                ("page=-1", "page", "min"), ("limit=1.5", "limit", "isInt"), ("page=4294967296", "page", "max"),
                ("page=1&cursor=", "page", "isEmpty"), ("cursor=7b7d", "cursor", "isCursor"), ("cursor=x", "cursor", "isCursor"),
                ("limit=1&limit=2", "limit", "isDuplicate"), ("colour=red", "colour", "whitelistValidation"),
            ] {
                company.api.get(&format!("{}?{query}", known.place)).faulty(property, rule);
            }
            let past = company.api.get(&format!("{}?page=4294967295&limit=100", known.place)).is(200);
            assert_eq!((rows(&past).len(), past["total"].as_u64()), (0, Some(count as u64)), "{}", known.path);
        }
    }

    /// While a list is read by cursor and more is added to it, in every order: each that was there is seen
    /// once and in its place; what is added is seen once or not at all.
    fn a_cursor_is_not_moved_by_what_is_added(house) {
        let ground = super::known::Ground::of(house);
        let contract = ground.company.api.get("/openapi.json").is(200);
        let company = &ground.company;
        for known in ground.lists.iter().filter(|known| is_paged(&contract, known.path)) {
            let orders = fields(&contract, known.path).into_iter().find(|field| field.name == "sortBy");
            let orders = orders.map_or(Vec::new(), |field| named(&field.schema));
            let mut asked = vec![String::new()];
            asked.extend(orders.iter().flat_map(|sort| ["asc", "desc"].map(|way| format!("sortBy={sort}&sortOrder={way}&"))));
            for (turn, asked) in asked.iter().enumerate() {
                let there = by_cursor(company, &known.place, asked, 100);
                let (mut seen, mut cursor, mut added): (Vec<Value>, _, usize) = (Vec::new(), String::new(), 0);
                loop {
                    let page = company.api.get(&format!("{}?{asked}limit=2&cursor={cursor}", known.place)).is(200);
                    seen.extend(rows(&page).iter().cloned());
                    let Some(next) = page["nextCursor"].as_str() else { break };
                    cursor = next.to_owned();
                    if added < 2 {
                        more(company, known, 10 * turn + added);
                        added += 1;
                    }
                }
                let ids = |rows: &[Value]| rows.iter().map(|row| text(&row["id"]).to_owned()).collect::<Vec<_>>();
                let (there, seen) = (ids(&there), ids(&seen));
                let kept: Vec<&String> = seen.iter().filter(|id| there.contains(id)).collect();
                assert_eq!(kept, there.iter().collect::<Vec<_>>(), "{} {asked}", known.path);
                let now = ids(&by_cursor(company, &known.place, asked, 100));
                let of_now: Vec<&String> = now.iter().filter(|id| seen.contains(id)).collect();
                assert_eq!(of_now, seen.iter().collect::<Vec<_>>(), "{} {asked}: in order, and each once", known.path);
            }
        }
    }
}

/// A JSON text without one of its outer fields.
fn cut(json: &str, field: &str) -> String {
    let fields: std::collections::HashMap<&str, &serde_json::value::RawValue> = serde_json::from_str(json).unwrap();
    let whole = format!("\"{field}\":{}", fields[field].get());
    let at = json.find(&whole).unwrap();
    let (before, after) = (&json[..at], &json[at + whole.len()..]);
    match after.strip_prefix(',') {
        Some(after) => format!("{before}{after}"),
        None => format!("{}{after}", before.strip_suffix(',').unwrap()),
    }
}

//! Lists: pages, cursors, order and filters, over HTTP.

mod filters;
mod known;
mod walks;

use serde_json::{Value, json};

use crate::house::{Company, House, line, text};

/// A company with seven drafts over 100.00 to 700.00 (125.00 to 875.00 incl. VAT), one a day.
fn seven(house: &'static House) -> (Company, Value) {
    let company = house.company();
    let (customer, price) = (company.customer(json!({})), company.price("100"));
    for count in 1..=7 {
        let body = json!({
            "customerId": customer, "date": format!("2026-03-0{count}"), "lines": [line(&price, &count.to_string())],
            "reference": format!("PO-{count}"), "description": if count == 4 { "Skæve Æbler" } else { "Pærer" },
            "metadata": { "parity": if count % 2 == 0 { "even" } else { "odd" } },
        });
        company.api.post("/v1/invoices", &body).is(201);
    }
    (company, customer)
}

/// The references of a page, and the page.
fn page(company: &Company, query: &str) -> (Vec<String>, Value) {
    let page = company.api.get(&format!("/v1/invoices?{query}")).is(200);
    let data = page["data"].as_array().unwrap();
    (data.iter().map(|document| text(&document["reference"]).replace("PO-", "")).collect(), page)
}

/// The references a query finds, put together.
fn found(company: &Company, query: &str) -> String {
    page(company, query).0.concat()
}

on_both_engines! {
    /// The envelope says what there is; a page past the end is empty; documents leave their lines out.
    fn a_list_comes_in_numbered_pages_newest_first(house) {
        let (company, _) = seven(house);
        let (numbers, first) = page(&company, "limit=3");
        assert_eq!(numbers.concat(), "765");
        assert_eq!((&first["total"], &first["page"], &first["limit"], &first["totalPages"]), (&json!(7), &json!(1), &json!(3), &json!(3)));
        assert!(first["nextCursor"].is_string() && first["data"][0].get("lines").is_none(), "{first}");
        let (numbers, last) = page(&company, "limit=3&page=3");
        assert_eq!((numbers.concat().as_str(), &last["nextCursor"]), ("1", &json!(null)));
        let (numbers, past) = page(&company, "limit=3&page=9");
        assert_eq!((numbers.len(), &past["total"], &past["page"]), (0, &json!(7), &json!(9)));
        let (numbers, all) = page(&company, "");
        assert_eq!((numbers.concat().as_str(), &all["limit"]), ("7654321", &json!(25)));
        for (query, property, rule) in [
            ("page=0", "page", "min"), ("limit=0", "limit", "min"), ("limit=101", "limit", "max"),
            ("limit=ten", "limit", "isInt"), ("sortBy=colour", "sortBy", "isIn"), ("sortOrder=up", "sortOrder", "isIn"),
            ("dryrun=true", "dryrun", "whitelistValidation"), ("cursor=%22nonsense%22", "cursor", "isCursor"),
        ] {
            company.api.get(&format!("/v1/invoices?{query}")).faulty(property, rule);
        }
    }

    /// A cursor goes on after the last one seen, whatever is added meanwhile, and counts nothing.
    fn a_cursor_goes_on_where_the_last_page_ended(house) {
        let (company, customer) = seven(house);
        let price = company.price("1");
        for (sort, order, expected) in [
            ("date", "asc", "1234567"), ("date", "desc", "7654321"), ("amount", "asc", "1234567"),
            ("createdAt", "desc", "7654321"), ("number", "desc", "7654321"),
        ] {
            let mut seen = String::new();
            let mut query = format!("sortBy={sort}&sortOrder={order}&limit=2&cursor=");
            loop {
                let (numbers, answer) = page(&company, &query);
                assert!(numbers.len() <= 2);
                assert_eq!((&answer["total"], &answer["page"], &answer["totalPages"]), (&json!(null), &json!(null), &json!(null)));
                seen += &numbers.concat();
                let Some(cursor) = answer["nextCursor"].as_str() else { break };
                query = format!("sortBy={sort}&sortOrder={order}&limit=2&cursor={cursor}");
            }
            assert_eq!(seen, expected, "by {sort} {order}");
        }
        // One that is added at the front while a reader goes on is not seen twice, nor is one lost.
        let (_, first) = page(&company, "limit=4");
        let body = json!({ "customerId": customer, "lines": [line(&price, "1")], "reference": "PO-8" });
        company.api.post("/v1/invoices", &body).is(201);
        assert_eq!(found(&company, &format!("limit=4&cursor={}", text(&first["nextCursor"]))), "321");
        assert_eq!(found(&company, "limit=4&page=2"), "4321", "a numbered page shifts");
    }

    /// Each filter alone and together.
    fn filters_find_what_they_say(house) {
        let (company, customer) = seven(house);
        let other = company.customer(json!({ "name": "Ærø Brød", "vatNumber": null }));
        let price = company.price("1");
        let body = json!({ "customerId": other, "date": "2026-03-08", "lines": [line(&price, "1")], "reference": "PO-8" });
        let sent = company.api.post("/v1/invoices", &body).is(201);
        let sent = company.sent("invoices", &sent);
        let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        for (query, expected) in [
            ("fromDate=2026-03-03&toDate=2026-03-05", "543"),
            // Incl. VAT: 250.00 to 500.00.
            ("minAmount=250&maxAmount=500", "432"),
            ("minAmount=250.01", "76543"),
            ("currency=EUR", ""),
            ("currency=DKK&minAmount=875", "7"),
            ("reference=PO-3", "3"),
            ("metadata[parity]=even", "642"),
            ("metadata[parity]=even&metadata[colour]=red", ""),
            ("status=sent", "8"),
            ("status=draft&status=sent", "87654321"),
            ("settlement=open&status=sent", "8"),
            ("settlement=settled", ""),
            ("overdue=true", "8"), // 30 days after 2026-03-08
            (&format!("customerId={}", text(&other)), "8"),
            (&format!("customerId={}&metadata[parity]=odd&toDate=2026-03-05", text(&customer)), "531"),
            (&format!("invoiceNumber={}", text(&sent["number"])), "8"),
            // Text is found in number, description, customer name and reference, however it is written.
            (&format!("search={}", encoded("æbler")), "4"),
            (&format!("search={}", encoded("ÆRØ")), "8"),
            ("search=po-2", "2"),
            (&format!("search={}", text(&sent["number"]).to_lowercase()), "8"),
            ("search=100%25", ""),
            ("search=_", ""),
        ] {
            assert_eq!(found(&company, query), expected, "{query}");
        }
        for (query, property, rule) in [
            ("fromDate=yesterday", "fromDate", "isDateString"), ("customerId=7", "customerId", "isUuid"),
            ("minAmount=-1", "minAmount", "min"), ("currency=XXX", "currency", "isISO4217CurrencyCode"),
            ("overdue=maybe", "overdue", "isBoolean"), ("settlement=none", "settlement", "isIn"),
        ] {
            let answer = company.api.get(&format!("/v1/invoices?{query}"));
            assert_eq!(answer.status, 400, "{query}");
            let found = crate::house::faults(&answer.json()["details"]);
            assert!(found.iter().any(|(p, _)| p == property), "{query}: {property} {rule} not in {found:?}");
        }
    }

    /// Credit notes by the invoice they credit, whether voided, and by their amounts without the sign; one order only.
    fn credit_notes_are_found_by_their_invoice(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        let invoices: Vec<Value> = (0..2).map(|_| company.invoice(&customer, json!([line(&price, "3")]))).collect();
        for (invoice, quantity) in [(0, "1"), (1, "2"), (0, "2")] {
            company.credit(&customer, Some(&invoices[invoice]), json!([line(&price, quantity)]), json!({})).is(201);
        }
        company.credit(&customer, None, json!([line(&price, "9")]), json!({})).is(201);
        let found = |query: &str| -> Vec<String> {
            let list = company.api.get(&format!("/v1/credit-notes?sortBy=number&sortOrder=asc&{query}")).is(200);
            list["data"].as_array().unwrap().iter().map(|note| text(&note["number"]).to_owned()).collect()
        };
        assert_eq!(found(&format!("invoiceNumber={}", text(&invoices[0]["number"]))), ["CN-00001", "CN-00003"]);
        assert_eq!(found("minAmount=200&maxAmount=300"), ["CN-00002", "CN-00003"]);
        assert_eq!(found("voided=false").len(), 4);
        assert_eq!(found("voided=true").len(), 0);
        company.api.get("/v1/credit-notes?sortBy=number&sortBy=amount").faulty("sortBy", "isDuplicate");
    }

    /// What LedgerBee answers as a plain array is one; customers come in pages on demand.
    fn plain_arrays_stay_plain(house) {
        let company = house.company();
        for number in ["10", "9", "K-1", "100"] {
            company.customer(json!({ "customerNumber": number, "vatNumber": null }));
        }
        for path in ["accounts", "customers", "customer-groups", "vat-codes"] {
            assert!(company.api.get(&format!("/v1/{path}")).is(200).is_array(), "{path}");
        }
        let numbers = |list: &Value| -> Vec<String> {
            list.as_array().unwrap().iter().map(|customer| text(&customer["customerNumber"]).to_owned()).collect()
        };
        // By the length of the number, then the number.
        assert_eq!(numbers(&company.api.get("/v1/customers").is(200)), ["9", "10", "100", "K-1"]);
        let page = company.api.get("/v1/customers?page=1&limit=3").is(200);
        assert_eq!((numbers(&page["data"]).len(), &page["total"]), (3, &json!(4)));
        let rest = company.api.get(&format!("/v1/customers?limit=3&cursor={}", text(&page["nextCursor"]))).is(200);
        assert_eq!(numbers(&rest["data"]), ["K-1"]);
    }
}

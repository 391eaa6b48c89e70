//! Number series: changed without a number coming twice or a count going back, told to go on with
//! a higher number, and audited.

use serde_json::{Value, json};

use crate::house::{Company, House, line, text};

/// A company with a customer and a price.
struct Shop {
    company: Company,
    customer: Value,
    price: Value,
}

fn shop(house: &'static House) -> Shop {
    let company = house.company();
    let (customer, price) = (company.customer(json!({})), company.price("100"));
    Shop { company, customer, price }
}

impl Shop {
    fn series(&self, kind: &str) -> Value {
        let all = self.company.api.get("/v1/number-series").is(200);
        all.as_array().unwrap().iter().find(|series| series["documentType"] == kind).unwrap().clone()
    }

    fn place(&self, kind: &str) -> String {
        format!("/v1/number-series/{}", text(&self.series(kind)["id"]))
    }

    fn audit(&self, kind: &str) -> Value {
        self.company.api.get(&format!("{}/audit", self.place(kind))).is(200)
    }

    fn note(&self, more: Value) -> Value {
        self.company.credit(&self.customer, None, json!([line(&self.price, "1")]), more).is(201)
    }

    fn number(&self, date: &str) -> String {
        text(&self.note(json!({ "date": date }))["number"]).to_owned()
    }
}

on_both_engines! {
    /// Prefix and padding hold from the next number on; the count goes on.
    fn a_series_is_changed_from_its_next_number_on(house) {
        let shop = shop(house);
        let all = shop.company.api.get("/v1/number-series").is(200);
        let kinds: Vec<&Value> = all.as_array().unwrap().iter().map(|series| &series["documentType"]).collect();
        assert_eq!(kinds, ["invoice", "creditNote", "quote", "orderConfirmation"]);
        let place = shop.place("creditNote");
        let patch = |body: Value| shop.company.api.patch(&place, &body);
        assert_eq!(shop.number("2026-03-01"), "CN-00001");
        assert_eq!(shop.series("creditNote")["nextNumber"], "CN-00002");
        let changed = patch(json!({ "prefix": "KN/", "padding": 3 })).is(200);
        assert_eq!((&changed["prefix"], &changed["padding"], &changed["nextNumber"]), (&json!("KN/"), &json!(3), &json!("KN/002")));
        assert_eq!(shop.company.api.get(&place).is(200), changed);
        assert_eq!(shop.number("2026-03-01"), "KN/002");
        patch(json!({ "prefix": null, "padding": 1 })).is(200);
        assert_eq!(shop.number("2026-03-01"), "3");
        patch(json!({ "prefix": "CN-", "padding": 5 })).is(200);
        assert_eq!(shop.number("2026-03-01"), "CN-00004");
        assert_eq!(patch(json!({})).is(200), shop.series("creditNote"));
        for (body, rule) in [
            (json!({ "prefix": "CN1" }), "matches"),
            (json!({ "prefix": "CN-{year}" }), "matches"),
            (json!({ "prefix": "CN-{month}-" }), "matches"),
            (json!({ "perFiscalYear": true }), "contains"),
        ] {
            patch(body).faulty("prefix", rule);
        }
        patch(json!({ "padding": 13 })).faulty("padding", "max");
        assert_eq!(shop.audit("creditNote")["isComplete"], true);
        shop.company.check_books();
    }

    /// Each fiscal year counts from 1, by the document's date; a draft stays in its year.
    fn a_series_begins_anew_with_each_fiscal_year(house) {
        let shop = shop(house);
        let place = shop.place("creditNote");
        let patch = |body: Value| shop.company.api.patch(&place, &body);
        patch(json!({ "prefix": "CN-{year}-", "padding": 3 })).is(200);
        assert_eq!(shop.number("2026-03-01"), "CN-2026-001");
        // Begun anew with this prefix, CN-2026-001 would come again.
        let details = patch(json!({ "perFiscalYear": true })).refused(400, "NUMBER_SERIES_PREFIX_USED");
        assert_eq!(details["property"], "prefix");
        patch(json!({ "prefix": "K{year}/", "perFiscalYear": true })).is(200);
        let numbers: Vec<String> =
            ["2026-03-01", "2025-12-31", "2026-12-31", "2025-01-01"].into_iter().map(|date| shop.number(date)).collect();
        assert_eq!(numbers, ["K2026/001", "K2025/001", "K2026/002", "K2025/002"]);
        patch(json!({ "prefix": "K2026/", "perFiscalYear": false })).refused(400, "NUMBER_SERIES_PREFIX_USED");

        let note = shop.note(json!({ "date": "2026-12-31" }));
        let body = |date: &str| json!({ "customerId": shop.customer, "date": date, "lines": [line(&shop.price, "2")] });
        let place = format!("/v1/credit-notes/{}", text(&note["id"]));
        let details = shop.company.api.patch(&place, &body("2027-01-01")).refused(400, "DOCUMENT_DATE_OUTSIDE_SERIES");
        assert_eq!(details, json!({ "property": "date", "fiscalYear": "2026" }));
        let changed = shop.company.api.patch(&place, &body("2026-01-01")).is(200);
        assert_eq!((&changed["number"], &changed["date"]), (&note["number"], &json!("2026-01-01")));

        let audit = shop.audit("creditNote");
        let years: Vec<[&Value; 4]> = audit["years"].as_array().unwrap().iter()
            .map(|year| [&year["fiscalYear"], &year["count"], &year["firstNumber"], &year["lastNumber"]]).collect();
        assert_eq!(years, [
            [&json!(null), &json!(1), &json!("CN-2026-001"), &json!("CN-2026-001")],
            [&json!("2025"), &json!(2), &json!("K2025/001"), &json!("K2025/002")],
            [&json!("2026"), &json!(3), &json!("K2026/001"), &json!("K2026/003")],
        ]);
        assert_eq!(audit["isComplete"], true);
        shop.company.check_books();
    }

    /// Whoever comes from another system goes on where that ended: only upward, and the audit says who left
    /// out what and when.
    fn a_series_goes_on_with_a_higher_number(house) {
        let shop = shop(house);
        let (id, api) = shop.company.key(&["--scopes", "all", "--name", "Move"]);
        let place = shop.place("creditNote");
        let patch = |body: Value| api.patch(&place, &body);
        let before = shop.series("creditNote");
        let preview = api.patch(&format!("{place}?dryRun=true"), &json!({ "nextNumber": "CN-00101" })).is(200);
        assert_eq!(preview["nextNumber"], "CN-00101");
        assert_eq!(shop.series("creditNote"), before, "a preview changes nothing");
        let moved = patch(json!({ "nextNumber": "CN-00101" })).is(200);
        assert_eq!(moved["nextNumber"], "CN-00101");
        // What is published may be sent back: nothing happens.
        assert_eq!(patch(json!({ "nextNumber": "CN-00101" })).is(200), moved);
        assert_eq!((shop.number("2026-03-01"), shop.number("2026-03-01")), ("CN-00101".to_owned(), "CN-00102".to_owned()));
        // Never back: not to what was given, nor to what was left out.
        for lower in ["CN-00102", "CN-1", "CN-00100"] {
            let details = patch(json!({ "nextNumber": lower })).refused(400, "NUMBER_SERIES_NUMBER_GIVEN");
            assert_eq!(details, json!({ "property": "nextNumber", "lowest": "CN-00103" }));
        }
        for other in ["103", "INV-00103", "CN-", "CN-1000000000000", "CN--5"] {
            patch(json!({ "nextNumber": other })).faulty("nextNumber", "matches");
        }
        patch(json!({ "nextNumber": 103 })).faulty("nextNumber", "isString");
        // With another prefix at once, the number is one of that prefix; twice makes two gaps.
        patch(json!({ "prefix": "K-", "padding": 3, "nextNumber": "K-200" })).is(200);
        patch(json!({ "nextNumber": "K-0300" })).is(200);
        assert_eq!(shop.number("2026-03-01"), "K-300");
        let audit = shop.audit("creditNote");
        let year = &audit["years"][0];
        let skipped: Vec<[&Value; 5]> = year["skipped"].as_array().unwrap().iter()
            .map(|skip| ["from", "to", "actorType", "actorId", "actorName"].map(|field| &skip[field])).collect();
        let by = [&json!("api_key"), &json!(id), &json!("Move")];
        let spans = [[1, 100], [103, 199], [200, 299]].map(|span| span.map(|count| json!(count)));
        let expected: Vec<[&Value; 5]> = spans.iter().map(|[from, to]| [from, to, by[0], by[1], by[2]]).collect();
        assert_eq!(skipped, expected);
        assert!(year["skipped"].as_array().unwrap().iter().all(|skip| text(&skip["skippedAt"]).ends_with('Z')));
        assert_eq!((&audit["isComplete"], &year["missing"], &year["count"]), (&json!(true), &json!([]), &json!(3)));
        assert_eq!((&year["first"], &year["last"], &year["next"]), (&json!(101), &json!(300), &json!(301)));
        shop.company.check_books();
        crate::doctor::check_sound(&shop.company);
        // A number taken away past the program is still found, inside the range that was given.
        let _none = house.books.rows(&format!(
            "update documents set number_seq = null where company_id = '{}' and number = 'CN-00102' returning id", shop.company.id
        ));
        let audit = shop.audit("creditNote");
        assert_eq!((&audit["isComplete"], &audit["years"][0]["missing"]), (&json!(false), &json!([{ "from": 102, "to": 102 }])));
    }

    /// Where each fiscal year counts for itself, it is today's that goes on with a higher number.
    fn a_fiscal_year_goes_on_with_a_higher_number(house) {
        let shop = shop(house);
        let place = shop.place("creditNote");
        shop.company.api.patch(&place, &json!({ "prefix": "K{year}/", "perFiscalYear": true })).is(200);
        let next = text(&shop.series("creditNote")["nextNumber"]).to_owned();
        let year = next.strip_prefix('K').and_then(|rest| rest.split_once('/')).unwrap().0.to_owned();
        shop.company.api.patch(&place, &json!({ "nextNumber": format!("K{year}/40") })).is(200);
        assert_eq!(shop.number(&format!("{year}-01-01")), format!("K{year}/00040"));
        let earlier = year.parse::<i64>().unwrap() - 1;
        assert_eq!(shop.number(&format!("{earlier}-12-31")), format!("K{earlier}/00001"));
        let other = json!({ "nextNumber": format!("K{earlier}/50") });
        shop.company.api.patch(&place, &other).faulty("nextNumber", "matches");
        assert_eq!(shop.audit("creditNote")["isComplete"], true);
        shop.company.check_books();
    }

    /// The audit tells each void, and finds what is missing or out of its time.
    fn the_audit_of_a_series_proves_that_nothing_is_missing(house) {
        let shop = shop(house);
        let (id, api) = shop.company.key(&["--scopes", "all", "--name", "Assistant"]);
        let notes: Vec<Value> = (0..4).map(|_| shop.note(json!({}))).collect();
        let voided = api.post(&format!("/v1/credit-notes/{}/void", text(&notes[1]["id"])), &json!({ "reason": "Twice" })).is(200);
        let audit = shop.audit("creditNote");
        let year = &audit["years"][0];
        let expected = json!({
            "fiscalYear": null, "count": 4, "first": 1, "last": 4, "next": 5, "firstNumber": "CN-00001",
            "lastNumber": "CN-00004", "missing": [], "skipped": [], "outOfOrder": [], "isComplete": true,
            "voids": [{
                "id": voided["id"], "number": "CN-00002", "voidedAt": voided["voidedAt"], "reason": "Twice",
                "actorType": "api_key", "actorId": id, "actorName": "Assistant",
            }],
        });
        assert_eq!(year, &expected);
        assert_eq!(shop.audit("invoice")["years"], json!([]));

        // Past the program: a number taken away, and one that came before the one below it.
        let series = shop.series("creditNote")["id"].clone();
        let spoil = |change: &str, at: i64| house.books.rows(&format!(
            "update documents set {change} where company_id = '{}' and series_id = '{}' and number_seq = {at} returning id",
            shop.company.id, text(&series)
        ));
        spoil("numbered_at = '2020-01-01T00:00:00.000Z'", 4);
        spoil("number_seq = null", 3);
        let audit = shop.audit("creditNote");
        let year = &audit["years"][0];
        assert_eq!((&audit["isComplete"], &year["missing"]), (&json!(false), &json!([{ "from": 3, "to": 3 }])));
        assert_eq!((&year["outOfOrder"], &year["count"]), (&json!(["CN-00004"]), &json!(3)));
    }
}

//! Erasing a private person: nothing of it is left but what the books keep, whatever table it stood in.

use serde_json::{Value, json};
use testkit::Books;

use crate::house::{Company, line, merge, text};

/// In every text of the person, and in nothing else.
const MARK: &str = "zqx";

fn place(what: &str, own: &Value) -> String {
    format!("/v1/{what}/{}", text(own.get("id").unwrap_or(own)))
}

/// A private person, all of whose texts are marked.
fn person(company: &Company, more: Value) -> Value {
    let mut body = json!({
        "customerType": "private", "vatNumber": null, "name": "Zqx Hansen", "email": "zqx.hansen@example.com",
        "phone": "+45 zqx", "address": "Zqxvej 1", "postalCode": "8zqx", "city": "Zqxby", "website": "https://zqx.example",
        "externalSystemId": "crm-zqx", "metadata": { "zqx-key": "zqx value" },
    });
    merge(&mut body, more);
    company.customer(body)
}

fn body(customer: &Value, price: &Value) -> Value {
    let mut own = line(price, "1");
    own["description"] = json!("A portrait of Zqx");
    own["metadata"] = json!({ "zqx": "line" });
    let lines = json!([own, { "lineType": "text", "description": "Dear Zqx" }]);
    json!({
        "customerId": customer, "lines": lines, "reference": "zqx-1", "notes": "For Zqx", "description": "Of Zqx",
        "metadata": { "zqx": "document" },
    })
}

/// How many rows of each table have a marked text, but for rows that name one of these ids: every table and
/// column there is.
fn marked(company: &Company, but: &[&Value]) -> Vec<(String, String)> {
    let books = &company.house.books;
    let count = |table: String| {
        let columns = match books {
            Books::Sqlite(_) => format!("select name from pragma_table_info('{table}')"),
            Books::Postgres(_) => format!(
                "select column_name from information_schema.columns where table_name = '{table}' and table_schema = 'public'"
            ),
        };
        let columns = books.rows(&columns).into_iter().flatten();
        let row: Vec<String> = columns.map(|name| format!("coalesce(cast(\"{name}\" as text), '')")).collect();
        let row = format!("lower({})", row.join(" || ' ' || "));
        let but: String = but.iter().map(|id| format!(" and {row} not like '%{}%'", text(id))).collect();
        let sql =
            format!("select count(*) from {table} where company_id = '{}' and {row} like '%{MARK}%'{but}", company.id);
        let found = books.value(&sql);
        (found != "0").then_some((table, found))
    };
    books.company_tables().into_iter().filter_map(count).collect()
}

fn erase(company: &Company, customer: &Value) -> Value {
    let erased = company.api.post(&format!("{}/erase", place("customers", customer)), &json!({})).is(200);
    company.settle();
    erased
}

on_both_engines! {
    /// Unique texts in every field that takes one, then a look at every row of every table.
    fn nothing_of_a_person_is_left_but_the_books(house) {
        let company = house.company();
        let price = company.price("100");
        let key = [("x-api-idempotency-key", "made-once")];
        let groups = company.api.get("/v1/customer-groups").is(200);
        let input = json!({
            "customerType": "private", "name": "Zqx Hansen", "countryCode": "DK", "vatZone": "domestic",
            "customerGroupId": groups[0]["id"], "email": "zqx.hansen@example.com", "city": "Zqxby",
        });
        let made = || company.api.send_with("POST", "/v1/customers", &key, &input);
        let customer = made().is(201)["id"].clone();
        let own = place("customers", &customer);
        let patch = json!({ "phone": "+45 zqx", "externalSystemId": "crm-zqx", "metadata": { "zqx-key": "zqx value" } });
        let patched = || company.api.send_with("PATCH", &own, &[("x-api-idempotency-key", "changed-once")], &patch);
        patched().is(200);
        let contact = json!({ "name": "Zqx Junior", "email": "zqx.junior@example.com", "receivesInvoices": true });
        company.api.post(&format!("{own}/contacts"), &contact).is(201);
        let gone = company.api.post(&format!("{own}/contacts"), &json!({ "name": "Zqx Senior" })).is(201);
        assert_eq!(company.api.delete(&format!("{own}/contacts/{}", text(&gone["id"]))).status, 204);
        company.api.post(&format!("{own}/departments"), &json!({ "name": "Zqx's barn", "address": "Zqxvej 2" })).is(201);

        // Never booked: a draft that was deleted, an invoice that was cancelled, a note that was voided, offers by mail.
        let sold = body(&customer, &price);
        let make = |path: &str| company.api.post(&format!("/v1/{path}"), &sold).is(201);
        assert_eq!(company.api.delete(&place("invoices", &make("invoices"))).status, 204);
        company.api.post(&format!("{}/cancel", place("invoices", &make("invoices"))), &json!({})).is(200);
        let void = json!({ "reason": "Zqx said no" });
        company.api.post(&format!("{}/void", place("credit-notes", &make("credit-notes"))), &void).is(200);
        let quote = make("quotes");
        let mail = json!({ "deliveryType": "Email", "message": "Dear Zqx" });
        company.api.post(&format!("{}/send", place("quotes", &quote)), &mail).is(200);
        let order = company.sent("order-confirmations", &make("order-confirmations"));
        // Booked, mailed and paid.
        let invoice = make("invoices");
        company.api.post(&format!("{}/send", place("invoices", &invoice)), &mail).is(200);
        company.settle();
        let invoice = company.now("invoices", &invoice);
        let paid = json!({ "amount": invoice["amount"], "date": invoice["date"], "reference": "From Zqx" });
        let payment = company.api.post(&format!("{}/payments", place("invoices", &invoice)), &paid).is(201);
        company.settle();
        let all: Vec<String> = marked(&company, &[]).into_iter().map(|(table, _)| table).collect();
        for table in ["customers", "customer_contacts", "customer_departments", "metadata", "documents", "document_lines", "snapshots", "deliveries", "events", "stored_answers", "payments"] {
            assert!(all.iter().any(|own| own == table), "{table} is not looked at: {all:?}");
        }
        let pdf = company.api.get(&format!("{}/pdf", place("invoices", &invoice))).bytes;
        let offered = company.api.get(&format!("{}/pdf", place("quotes", &quote))).bytes;

        let erased = erase(&company, &customer);
        assert_eq!((&erased["name"], &erased["isActive"], &erased["email"]), (&json!("[erased]"), &json!(false), &Value::Null));
        assert!(erased["erasedAt"].is_string());
        assert_eq!(marked(&company, &[&invoice["id"], &payment["id"]]), []);
        // What is left is the invoice itself and its payment with their entries: the log, deliveries and kept answers say nothing.
        for (table, count) in marked(&company, &[]) {
            let is_of_books = ["documents", "document_lines", "snapshots", "metadata", "files", "payments", "journal_entries"].contains(&table.as_str());
            assert!(is_of_books, "{table}: {count}");
        }
        // The books are as they were.
        let now = company.now("invoices", &invoice);
        assert_eq!((&now["buyer"], &now["notes"], &now["lines"]), (&invoice["buyer"], &invoice["notes"], &invoice["lines"]));
        assert_eq!(company.api.get(&format!("{}/pdf", place("invoices", &invoice))).bytes, pdf);
        let reprinted = company.api.get(&format!("{}/pdf", place("quotes", &quote)));
        assert!(reprinted.status == 200 && reprinted.bytes != offered);
        assert_eq!(company.now("order-confirmations", &order)["buyer"]["name"], "[erased]");
        crate::doctor::check_sound(&company);
        company.check_books();

        // The same under the same keys: the answers of then without the person, and nothing is made again.
        let again = made();
        assert_eq!((again.status, &again.json()["id"], &again.json()["name"]), (201, &customer, &json!("[erased]")));
        let again = patched();
        assert_eq!((again.status, &again.json()["externalSystemId"]), (200, &Value::Null));
        assert_eq!(company.api.get("/v1/customers").is(200).as_array().unwrap().len(), 1);
        // The log is whole, and says what was taken out of it.
        let log = company.api.get("/v1/events?limit=100&type=customer.created&type=customer.erased").is(200);
        let told: Vec<(&Value, bool)> =
            log["data"].as_array().unwrap().iter().map(|event| (&event["type"], event["redactedAt"].is_string())).collect();
        assert_eq!(told, [(&json!("customer.created"), true), (&json!("customer.erased"), false)]);
        // Done again it is the same, and no event.
        let last = company.api.get("/v1/events").is(200)["lastSequence"].clone();
        assert_eq!(erase(&company, &customer), erased);
        assert_eq!(company.api.get("/v1/events").is(200)["lastSequence"], last);
    }

    /// Nothing more is written of the person, but what belongs to its booked documents.
    fn an_erased_customer_is_only_credited(house) {
        let company = house.company();
        let (customer, price) = (person(&company, json!({})), company.price("100"));
        let invoice = company.invoice(&customer, json!([line(&price, "1")]));
        let paid = json!({ "amount": invoice["amount"], "date": invoice["date"] });
        company.api.post(&format!("{}/payments", place("invoices", &invoice)), &paid).is(201);
        let quote = company.api.post("/v1/quotes", &body(&customer, &price)).is(201);
        let quote = company.sent("quotes", &quote);
        erase(&company, &customer);
        let own = place("customers", &customer);
        company.api.patch(&own, &json!({ "name": "Zqx" })).refused(400, "CUSTOMER_ERASED");
        for what in ["contacts", "departments"] {
            company.api.post(&format!("{own}/{what}"), &json!({ "name": "Zqx" })).refused(400, "CUSTOMER_ERASED");
        }
        for path in ["invoices", "quotes", "order-confirmations"] {
            company.api.post(&format!("/v1/{path}"), &body(&customer, &price)).refused(400, "CUSTOMER_ERASED");
        }
        let convert = json!({ "target": "invoice" });
        company.api.post(&format!("{}/convert", place("quotes", &quote)), &convert).refused(400, "CUSTOMER_ERASED");
        let note = company.api.post(&format!("{}/credit", place("invoices", &invoice)), &json!({})).is(201);
        let note = company.sent("credit-notes", &note);
        assert_eq!((&note["amount"], &note["buyer"]["name"]), (&json!("-125.00"), &json!("[erased]")));
        let refund = json!({ "amount": "125", "date": note["date"], "reference": "4711" });
        company.api.post(&format!("{}/refunds", place("credit-notes", &note)), &refund).is(201);
        let again = json!({ "deliveryType": "Email", "overrideEmail": "zqx@example.com", "updateCustomerRecord": true });
        company.api.post(&format!("{}/send", place("credit-notes", &note)), &again).refused(400, "CUSTOMER_ERASED");
        company.check_books();
    }

    /// What hinders it is named; a company is not erased.
    fn what_hinders_an_erasure_is_named(house) {
        let company = house.company();
        let (customer, price) = (person(&company, json!({})), company.price("100"));
        let place_of = format!("{}/erase", place("customers", &customer));
        let refused = |code: &str| company.api.post(&place_of, &json!({})).refused(400, code)["documents"].clone();
        let business = company.customer(json!({}));
        company.api.post(&format!("{}/erase", place("customers", &business)), &json!({})).refused(400, "CUSTOMER_NOT_PRIVATE");
        let draft = company.draft(&customer, json!([line(&price, "1")]));
        assert_eq!(refused("CUSTOMER_HAS_UNSENT_DOCUMENTS"), json!([format!("invoice {}", text(&draft["id"]))]));
        let invoice = company.sent("invoices", &draft);
        assert_eq!(refused("CUSTOMER_HAS_OPEN_ITEMS"), json!([invoice["number"]]));
        let offset = company.credit(&customer, Some(&invoice), json!([line(&price, "1")]), json!({})).is(201);
        assert_eq!(refused("CUSTOMER_HAS_UNSENT_DOCUMENTS"), json!([offset["number"]]));
        company.sent("credit-notes", &offset);
        company.api.post(&place_of, &json!({})).is(200);
        assert!(company.now("customers", &json!({ "id": customer }))["erasedAt"].is_string());
    }

    /// A person at a company: what is said of it goes, and of the company nothing.
    fn a_contact_is_erased_and_its_company_stays(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({ "email": "info@lindeblomst.example" })), company.price("100"));
        let own = place("customers", &customer);
        let input = json!({ "name": "Zqx Holm", "email": "zqx@lindeblomst.example", "phone": "+45 zqx" });
        let key = [("x-api-idempotency-key", "made-once")];
        let made = || company.api.send_with("POST", &format!("{own}/contacts"), &key, &input);
        let contact = made().is(201);
        let colleague = company.api.post(&format!("{own}/contacts"), &json!({ "name": "Mette" })).is(201);
        let own_place = format!("{own}/contacts/{}", text(&contact["id"]));
        company.api.patch(&own_place, &json!({ "phone": "+45 zqx 2" })).is(200);
        let sold = |contact: &Value| json!({
            "customerId": customer, "customerContactId": contact["id"], "lines": [line(&price, "1")], "notes": "Thanks",
        });
        let mailed = |path: &str, contact: &Value| {
            let draft = company.api.post(&format!("/v1/{path}"), &sold(contact)).is(201);
            company.api.post(&format!("{}/send", place(path, &draft)), &json!({ "deliveryType": "Email" })).is(200);
            company.settle();
            company.now(path, &draft)
        };
        let (quote, invoice, other) = (mailed("quotes", &contact), mailed("invoices", &contact), mailed("quotes", &colleague));
        let draft = company.api.post("/v1/invoices", &sold(&contact)).is(201);
        let erase = format!("{own_place}/erase");
        company.api.post(&erase, &json!({})).refused(400, "CUSTOMER_CONTACT_IN_USE");
        assert_eq!(company.api.delete(&place("invoices", &draft)).status, 204);

        assert_eq!(company.api.post(&erase, &json!({})).status, 204);
        company.settle();
        assert_eq!(marked(&company, &[&invoice["id"]]), []);
        for (table, count) in marked(&company, &[]) {
            assert!(["documents", "snapshots", "files"].contains(&table.as_str()), "{table}: {count}");
        }
        company.api.get(&own_place).refused(404, "CUSTOMER_CONTACT_NOT_FOUND");
        company.api.post(&erase, &json!({})).refused(404, "CUSTOMER_CONTACT_NOT_FOUND");
        assert_eq!(made().is(201)["name"], "[erased]");
        assert_eq!(company.now("invoices", &invoice)["buyer"]["contactName"], "Zqx Holm");
        let now = company.now("quotes", &quote);
        assert_eq!([&now["buyer"]["contactName"], &now["buyer"]["name"], &now["notes"]], [&Value::Null, &quote["buyer"]["name"], &json!("Thanks")]);
        assert_eq!(company.now("quotes", &other), other);
        assert_eq!(company.api.get(&own).is(200)["name"], "Café Lindeblomst");
        crate::doctor::check_sound(&company);
    }

    /// Of two customers whose documents stand side by side only the one is erased.
    fn others_are_left_as_they_are(house) {
        let company = house.company();
        let price = company.price("100");
        let other = person(&company, json!({ "externalSystemId": "other", "name": "Zqx Olsen" }));
        let gone = person(&company, json!({ "externalSystemId": "gone" }));
        let child = person(&company, json!({ "externalSystemId": "child", "parentCustomerId": gone }));
        let rename = || {
            let key = [("x-api-idempotency-key", "renamed-once")];
            company.api.send_with("PATCH", &place("customers", &child), &key, &json!({ "phone": "+45 zqx 2" })).is(200)
        };
        let renamed = rename();
        let quotes = [&other, &gone, &child].map(|own| {
            let draft = company.api.post("/v1/quotes", &body(own, &price)).is(201);
            company.sent("quotes", &draft)
        });
        company.settle();
        let of = |id: &Value| -> Vec<Vec<String>> {
            house.books.rows(&format!(
                "select sequence, data, before, redacted_at from events where company_id = '{}' and data like '%\"{}\"%' \
                 and resource_id <> '{}' order by sequence",
                company.id, text(id), text(&gone)
            ))
        };
        let (before, pdf) = ([of(&other), of(&child)], company.api.get(&format!("{}/pdf", place("quotes", &quotes[0]))).bytes);
        erase(&company, &gone);
        assert_eq!([of(&other), of(&child)], before);
        assert_eq!(company.api.get(&format!("{}/pdf", place("quotes", &quotes[0]))).bytes, pdf);
        assert_eq!(company.now("quotes", &quotes[0]), quotes[0]);
        assert_eq!(company.now("quotes", &quotes[2]), quotes[2]);
        // Its own answer names the parent, and says nothing of it.
        assert_eq!(rename(), renamed);
        assert_eq!(company.now("customers", &json!({ "id": other }))["name"], "Zqx Olsen");
    }
}

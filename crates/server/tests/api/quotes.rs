//! Quotes and order confirmations: drafted, sent, answered, and made into the next document to the last unit.

use std::collections::BTreeSet;
use std::thread;

use serde_json::{Value, json};

use crate::house::{Company, House, line, merge, text};

/// Both kinds by their paths, with what is theirs.
const KINDS: [(&str, &str, &str, &str); 2] = [
    ("quotes", "quote", "Q-00001", "QUOTE_NOT_FOUND"),
    ("order-confirmations", "orderConfirmation", "OC-00001", "ORDER_CONFIRMATION_NOT_FOUND"),
];

/// A company with a customer and a price of 300.00.
fn shop(house: &'static House) -> (Company, Value, Value) {
    let company = house.company();
    let (customer, price) = (company.customer(json!({})), company.price("300"));
    (company, customer, price)
}

fn draft(company: &Company, path: &str, customer: &Value, lines: Value, more: Value) -> Value {
    let mut body = json!({ "customerId": customer, "lines": lines });
    merge(&mut body, more);
    company.api.post(&format!("/v1/{path}"), &body).is(201)
}

fn place(path: &str, document: &Value) -> String {
    format!("/v1/{path}/{}", text(&document["id"]))
}

fn convert(company: &Company, path: &str, document: &Value, body: &Value) -> crate::house::Answer {
    company.api.post(&format!("{}/convert", place(path, document)), body)
}

/// Lets the last day of a quote go by.
fn let_pass(company: &Company, quote: &Value) {
    let id = text(&quote["id"]);
    let _ = company.house.books.rows(&format!("update documents set valid_until = '2026-01-01' where id = '{id}'"));
}

/// What an event of a document says it is, newest last.
fn told(company: &Company, document: &Value) -> Vec<String> {
    let id = text(&document["id"]);
    let sql =
        format!("select type from events where resource_id = '{id}' and resource_type <> 'file' order by sequence");
    company.house.books.rows(&sql).into_iter().flatten().collect()
}

/// The lines without what is each document's own: their ids.
fn figures(document: &Value) -> Value {
    let mut lines = document["lines"].clone();
    for line in lines.as_array_mut().unwrap() {
        line.as_object_mut().unwrap().remove("id").unwrap();
    }
    let fields = ["subtotal", "vat", "amount", "currency", "vatBreakdown", "customerId"];
    json!([lines, fields.map(|field| document[field].clone())])
}

on_both_engines! {
    /// All fields, as the specification names them, from the draft to the sent document.
    fn a_draft_says_what_it_was_told_and_takes_its_number_when_it_is_sent(house) {
        let (company, customer, price) = shop(house);
        for (path, kind, number, _) in KINDS {
            let own = json!({
                "date": "2026-06-10", "currency": "DKK", "reference": "PO-4711", "ourReference": "BB",
                "description": "Honey for June", "notes": "Thank you", "deliveryDate": "2026-06-12",
                "deliveryCountryCode": "SE", "periodStart": "2026-06-01", "periodEnd": "2026-06-30",
                "taxPointDate": "2026-06-11", "metadata": { "colour": "red" },
            });
            let lines = json!([
                line(&price, "2"), { "lineType": "text", "description": "Delivered on Tuesday" }, { "lineType": "separator" },
                // Zero is a price of an offer; credit notes alone have none.
                { "priceId": price, "quantity": "1", "unitPrice": "0", "description": "A jar on top" },
            ]);
            let made = draft(&company, path, &customer, lines, own.clone());
            for (field, value) in own.as_object().unwrap() {
                assert_eq!(&made[field], value, "{path} {field}");
            }
            let expected = json!({
                "type": kind, "status": "draft", "displayStatus": "draft", "documentNumber": null, "validUntil": null,
                // 2 × 300.00, and 25 % of it.
                "subtotal": "600.00", "vat": "150.00", "amount": "750.00", "customerId": customer,
                "convertedToInvoiceId": null, "convertedToOrderConfirmationId": null, "convertedFrom": null,
                "acceptedAt": null, "rejectedAt": null, "numberedAt": null, "sentAt": null, "origin": "api",
            });
            for (field, value) in expected.as_object().unwrap() {
                assert_eq!(&made[field], value, "{path} {field}");
            }
            for field in ["number", "journalEntryId", "bookedAt", "openAmount", "dueDate", "exchangeRate", "baseAmount"] {
                assert!(made.get(field).is_none(), "{field} is of documents of the books");
            }
            assert_eq!(made["lines"][3]["totalPrice"], "0.00");
            assert_eq!(company.now(path, &made), made);
            // PATCH replaces the fields and the lines.
            let patched = company.api.patch(&place(path, &made), &json!({ "customerId": customer, "lines": [line(&price, "1")] })).is(200);
            assert_eq!((&patched["subtotal"], &patched["reference"], &patched["metadata"]), (&json!("300.00"), &json!(null), &json!({})));
            let sent = company.api.post(&format!("{}/send", place(path, &made)), &json!({})).is(200);
            let told_by_send = ["success", "deliveryType", "status", "number", "sproomDocumentId"].map(|field| sent[field].clone());
            assert_eq!(told_by_send, [json!(true), json!("Manual"), json!("sent"), json!(number), json!(null)]);
            let now = company.now(path, &made);
            let shown = ["status", "displayStatus", "documentNumber"].map(|field| now[field].clone());
            assert_eq!(shown, [json!("sent"), json!("sent"), json!(number)]);
            assert!(now["sentAt"].is_string() && now["numberedAt"].is_string());
            let resource = kind.replace('C', "_c");
            let topics = ["created", "updated", "sent"].map(|what| format!("{resource}.{what}"));
            assert_eq!(told(&company, &made), topics);
        }
        // Nothing of it is in the books.
        for table in ["journal_entries", "postings", "open_items"] {
            let sql = format!("select count(*) from {table} where company_id = '{}'", company.id);
            assert_eq!(house.books.value(&sql), "0", "{table}");
        }
        company.check_books();
    }

    /// What is pinned when it is sent, the archive, and deliveries.
    fn a_sent_one_stays_as_it_was_sent(house) {
        let (company, customer, price) = shop(house);
        for (path, _, number, _) in KINDS {
            let until = if path == "quotes" { json!({ "validUntil": "2199-12-31" }) } else { json!({}) };
            let made = draft(&company, path, &customer, json!([line(&price, "1")]), until);
            let shown = company.api.get(&format!("{}/pdf?draft=true", place(path, &made)));
            assert_eq!((shown.status, shown.header("etag")), (200, None));
            let sent = company.sent(path, &made);
            company.settle();
            let paper = company.api.get(&format!("{}/pdf", place(path, &made)));
            let words = crate::papers::words(&paper.bytes);
            let title = if path == "quotes" { "Tilbud" } else { "Ordrebekræftelse" };
            for wanted in [&format!("{title} {number}"), "375,00 DKK", "Café Lindeblomst"] {
                assert!(words.contains(wanted), "{wanted:?} is not in: {words}");
            }
            assert_eq!(words.contains("31. december 2199"), path == "quotes", "{words}");
            company.api.patch(&format!("/v1/customers/{}", text(&customer)), &json!({ "name": "New name" })).is(200);
            assert_eq!(company.now(path, &made), sent, "its parties are pinned");
            let again = company.api.get(&format!("{}/pdf?draft=true", place(path, &made)));
            assert!(again.bytes == paper.bytes && again.header("etag").is_some(), "the archived copy is served, not a draft");
            // Neither changed nor deleted; delivered anew.
            let body = json!({ "customerId": customer, "lines": [line(&price, "2")] });
            company.api.patch(&place(path, &made), &body).refused(400, "DOCUMENT_NOT_DRAFT");
            company.api.delete(&place(path, &made)).refused(400, "DOCUMENT_NOT_DRAFT");
            company.api.post(&format!("{}/send", place(path, &made)), &json!({})).is(200);
            let status = company.api.get(&format!("{}/delivery-status", place(path, &made))).is(200);
            assert_eq!((&status["number"], status["attempts"].as_array().unwrap().len()), (&json!(number), 2));
            assert_eq!(company.now(path, &made)["documentNumber"], number);
            company.api.patch(&format!("/v1/customers/{}", text(&customer)), &json!({ "name": "Café Lindeblomst" })).is(200);
        }
    }

    /// The customer's template of the kind, else the default; what it was sent with it keeps.
    fn an_offer_is_printed_with_the_template_of_its_kind(house) {
        let company = house.company();
        let price = company.price("300");
        let template = |words: &str| json!({
            "name": "Ours", "documentType": "quote-template",
            "source": format!("{words} #json(\"data.json\").document.documentNumber"),
        });
        let ours = company.api.post("/v1/document-templates", &template("Offered as")).is(201);
        let customer = company.customer(json!({ "documentTemplateIds": [ours["id"]] }));
        let [quote, confirmation] = ["quotes", "order-confirmations"].map(|path| {
            company.sent(path, &draft(&company, path, &customer, json!([line(&price, "1")]), json!({})))
        });
        assert_eq!((&quote["documentTemplateId"], confirmation["documentTemplateId"] == ours["id"]), (&ours["id"], false));
        let put = format!("/v1/document-templates/{}", text(&ours["id"]));
        company.api.send("PUT", &put, &template("Now offered as")).is(200);
        let paper = |path: &str, document: &Value| {
            crate::papers::words(&company.api.get(&format!("{}/pdf", place(path, document))).bytes)
        };
        company.settle();
        let _ = house.books.rows(&format!("delete from files where document_id = '{}'", text(&quote["id"])));
        assert_eq!(paper("quotes", &quote).trim(), "Offered as Q-00001", "the version it was sent with, printed anew");
        assert!(paper("order-confirmations", &confirmation).contains("Ordrebekræftelse OC-00001"));
        // What is made of it has a template of its own kind.
        assert_eq!(convert(&company, "quotes", &quote, &json!({ "target": "invoice" })).is(201)["documentTemplateId"], json!(null));
        // Who may not read quotes does not see them in a preview either.
        let (_, key) = company.key(&["--scopes", "document-templates-write,invoices-read"]);
        let asked = key.post(&format!("{put}/preview"), &json!({ "documentId": quote["id"] }));
        assert_eq!(asked.refused(403, "INSUFFICIENT_PERMISSIONS")["requiredScopes"], json!(["quotes-read"]));
    }

    /// By mail to whom it is told, and not as an e-invoice.
    fn it_goes_by_hand_or_by_mail(house) {
        let (company, customer, price) = shop(house);
        for (path, _, number, _) in KINDS {
            let made = draft(&company, path, &customer, json!([line(&price, "1")]), json!({}));
            let send = format!("{}/send", place(path, &made));
            company.api.post(&send, &json!({ "deliveryType": "Sproom" })).faulty("deliveryType", "isIn");
            company.api.post(&send, &json!({ "deliveryType": "Email" })).refused(400, "DELIVERY_RECIPIENT_MISSING");
            company.api.post(&send, &json!({ "recipientEmail": "nobody" })).faulty("recipientEmail", "isEmail");
            company.api.post(&send, &json!({ "overrideEmail": "a@b.example" })).faulty("overrideEmail", "whitelistValidation");
            assert_eq!(company.now(path, &made)["documentNumber"], json!(null), "a refused send takes no number");
            let body = json!({ "deliveryType": "Email", "recipientEmail": "jonna@lindeblomst.example", "message": "Som aftalt." });
            let sent = company.api.post(&send, &body).is(200);
            assert_eq!((&sent["deliveryType"], &sent["status"], &sent["number"]), (&json!("Email"), &json!("sent"), &json!(number)));
            let status = testkit::wait_for("the mail", || {
                let status = company.api.get(&format!("{}/delivery-status", place(path, &made))).is(200);
                (status["summary"]["status"] == "delivered").then_some(status)
            });
            assert_eq!(status["summary"]["recipient"], "jonna@lindeblomst.example");
            let mail = std::fs::read_dir(house.folder.join("mail")).unwrap().flatten()
                .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
                .find(|mail| mail.contains(text(&sent["deliveryId"])));
            let mail = mail.expect("a mail with the delivery's id as its own");
            assert!(mail.contains("To: jonna@lindeblomst.example") && mail.contains(number) && mail.contains("Som aftalt."));
            assert!(company.now(path, &made)["sentAt"].is_string());
        }
        // The address is a contact from now on, once; the customer's own stays as it was.
        let place = format!("/v1/customers/{}", text(&customer));
        let contacts = company.api.get(&format!("{place}/contacts")).is(200);
        let known: Vec<[&Value; 3]> = contacts.as_array().unwrap().iter()
            .map(|contact| ["name", "email", "receivesInvoices"].map(|field| &contact[field])).collect();
        let address = json!("jonna@lindeblomst.example");
        assert_eq!(known, [[&address, &address, &json!(false)]]);
        assert_eq!(company.api.get(&place).is(200)["email"], json!(null));
        company.api.patch(&place, &json!({ "email": "kontor@lindeblomst.example" })).is(200);
        let own = draft(&company, "quotes", &customer, json!([line(&price, "1")]), json!({}));
        let body = json!({ "deliveryType": "Email", "recipientEmail": "Kontor@lindeblomst.example" });
        company.api.post(&format!("/v1/quotes/{}/send", text(&own["id"])), &body).is(200);
        assert_eq!(company.api.get(&format!("{place}/contacts")).is(200).as_array().unwrap().len(), 1);
    }

    /// Accepted or rejected once, while it holds.
    fn a_quote_is_answered_once(house) {
        let (company, customer, price) = shop(house);
        let made = |more: Value| draft(&company, "quotes", &customer, json!([line(&price, "1")]), more);
        let ask = |quote: &Value, what: &str| company.api.post(&format!("{}/{what}", place("quotes", quote)), &json!({}));
        let unsent = made(json!({}));
        for what in ["accept", "reject"] {
            ask(&unsent, what).refused(400, "SALES_DOCUMENT_NOT_SENT");
        }
        let [accepted, rejected] = [0, 1].map(|_| company.sent("quotes", &made(json!({}))));
        let now = ask(&accepted, "accept").is(200);
        assert_eq!((&now["status"], &now["displayStatus"]), (&json!("accepted"), &json!("accepted")));
        assert!(now["acceptedAt"].is_string() && now["rejectedAt"].is_null());
        let now = ask(&rejected, "reject").is(200);
        assert_eq!((&now["status"], &now["displayStatus"]), (&json!("rejected"), &json!("rejected")));
        assert!(now["rejectedAt"].is_string() && now["acceptedAt"].is_null());
        for what in ["accept", "reject"] {
            ask(&accepted, what).refused(400, "SALES_DOCUMENT_ACCEPTED");
            ask(&rejected, what).refused(400, "SALES_DOCUMENT_REJECTED");
        }
        let last = |quote: &Value| told(&company, quote).pop().unwrap();
        assert_eq!((last(&accepted).as_str(), last(&rejected).as_str()), ("quote.accepted", "quote.rejected"));
        company.api.post(&format!("{}/accept", place("order-confirmations", &accepted)), &json!({})).refused(404, "NOT_FOUND");
    }

    /// Expiry is read against the day, no job makes it; the last day itself still holds.
    fn a_quote_holds_until_its_last_day(house) {
        let (company, customer, price) = shop(house);
        let made = |more: Value| draft(&company, "quotes", &customer, json!([line(&price, "1")]), more);
        let body = json!({ "customerId": customer, "lines": [line(&price, "1")], "date": "2026-06-10", "validUntil": "2026-06-09" });
        company.api.post("/v1/quotes", &body).faulty("validUntil", "minDate");
        let body = json!({ "customerId": customer, "lines": [line(&price, "1")], "validUntil": "2199-01-01" });
        company.api.post("/v1/order-confirmations", &body).faulty("validUntil", "whitelistValidation");
        // A draft whose last day is over is not sent, and takes no number.
        let late = made(json!({ "date": "2026-01-01", "validUntil": "2026-01-31" }));
        let details = company.api.post(&format!("{}/send", place("quotes", &late)), &json!({})).refused(400, "SALES_DOCUMENT_EXPIRED");
        assert_eq!(details["validUntil"], "2026-01-31");
        assert_eq!((&late["displayStatus"], &company.now("quotes", &late)["documentNumber"]), (&json!("draft"), &json!(null)));
        let today = jiff::Timestamp::now().in_tz("Europe/Copenhagen").unwrap().date();
        let still = company.sent("quotes", &made(json!({ "validUntil": today.to_string() })));
        assert!(["sent", "expired"].contains(&text(&still["displayStatus"])), "midnight may have passed");

        let [open, accepted, rejected] = [0, 1, 2].map(|_| company.sent("quotes", &made(json!({ "validUntil": "2199-12-31" }))));
        company.api.post(&format!("{}/accept", place("quotes", &accepted)), &json!({})).is(200);
        company.api.post(&format!("{}/reject", place("quotes", &rejected)), &json!({})).is(200);
        for quote in [&open, &accepted, &rejected] {
            let_pass(&company, quote);
        }
        let shown = |quote: &Value| {
            let now = company.now("quotes", quote);
            (text(&now["status"]).to_owned(), text(&now["displayStatus"]).to_owned())
        };
        let pair = |status: &str, display: &str| (status.to_owned(), display.to_owned());
        assert_eq!(shown(&open), pair("sent", "expired"));
        assert_eq!(shown(&accepted), pair("accepted", "accepted"));
        assert_eq!(shown(&rejected), pair("rejected", "rejected"));
        let found = |status: &str| -> Vec<Value> {
            let list = company.api.get(&format!("/v1/quotes?status={status}")).is(200);
            list["data"].as_array().unwrap().iter().map(|quote| quote["id"].clone()).collect()
        };
        assert_eq!(found("expired"), [open["id"].clone()]);
        assert!(!found("sent").contains(&open["id"]));
        company.api.post(&format!("{}/accept", place("quotes", &open)), &json!({})).refused(400, "SALES_DOCUMENT_EXPIRED");
        let target = json!({ "target": "invoice" });
        convert(&company, "quotes", &open, &target).refused(400, "SALES_DOCUMENT_EXPIRED");
        convert(&company, "quotes", &rejected, &target).refused(400, "SALES_DOCUMENT_REJECTED");
        // What was accepted in time is still made into an invoice; what was not can still be turned down.
        convert(&company, "quotes", &accepted, &target).is(201);
        company.api.post(&format!("{}/reject", place("quotes", &open)), &json!({})).is(200);
    }

    /// Quote, order confirmation, invoice: each figure and field is carried, whatever has changed since.
    fn a_chain_of_conversions_keeps_every_figure(house) {
        let (company, customer, price) = shop(house);
        let odd = company.price("0.0125");
        let lines = json!([
            { "priceId": odd, "quantity": "333.333", "discountPercent": "12.5", "periodStart": "2026-06-01",
              "periodEnd": "2026-06-30", "metadata": { "row": "1" }, "description": "Wax" },
            { "lineType": "text", "description": "By the way" }, { "lineType": "separator" },
            { "priceId": price, "quantity": "7", "unitPrice": "19.99" }, line(&price, "0.000001"),
        ]);
        let own = json!({
            "validUntil": "2199-12-31", "reference": "PO-1", "ourReference": "BB", "description": "Wax and honey", "notes": "Thanks",
            "deliveryDate": "2026-06-12", "periodStart": "2026-06-01", "periodEnd": "2026-06-30", "metadata": { "a": "1" },
        });
        let quote = company.sent("quotes", &draft(&company, "quotes", &customer, lines, own.clone()));
        // The world goes on: another price, another name, no product any more, another customer.
        let product = company.api.get(&format!("/v1/product-prices/{}", text(&price))).is(200)["productId"].clone();
        company.api.patch(&format!("/v1/products/{}", text(&product)), &json!({ "name": "Gone", "isActive": false })).is(200);
        company.api.post(&format!("/v1/product-prices/{}/disable", text(&odd)), &json!({})).is(200);
        company.api.patch(&format!("/v1/customers/{}", text(&customer)), &json!({ "name": "New name", "paymentTerms": 14 })).is(200);

        let answer = convert(&company, "quotes", &quote, &json!({ "target": "orderConfirmation" }));
        let location = answer.header("location").unwrap().to_owned();
        let confirmation = answer.is(201);
        assert_eq!(location, format!("/api/v1/order-confirmations/{}", text(&confirmation["id"])));
        assert_eq!(company.now("order-confirmations", &confirmation), confirmation);
        assert_eq!((&confirmation["type"], &confirmation["status"], &confirmation["documentNumber"]), (&json!("orderConfirmation"), &json!("draft"), &json!(null)));
        let from = |document: &Value, kind: &str, number: &str| json!({ "id": document["id"], "type": kind, "number": number });
        assert_eq!(confirmation["convertedFrom"], from(&quote, "quote", "Q-00001"));
        assert_eq!(figures(&confirmation), figures(&quote));
        let confirmation = company.sent("order-confirmations", &confirmation);
        let answer = convert(&company, "order-confirmations", &confirmation, &json!({ "target": "invoice" }));
        let location = answer.header("location").unwrap().to_owned();
        let invoice = answer.is(201);
        assert_eq!(location, format!("/api/v1/invoices/{}", text(&invoice["id"])));
        assert_eq!(figures(&invoice), figures(&quote));
        assert_eq!(invoice["convertedFrom"], from(&confirmation, "orderConfirmation", "OC-00001"));
        for (field, value) in own.as_object().unwrap().iter().filter(|(field, _)| *field != "validUntil") {
            assert_eq!((&confirmation[field], &invoice[field]), (value, value), "{field}");
        }
        assert_eq!((&invoice["status"], &invoice["paymentTerms"], &invoice["number"]), (&json!("draft"), &json!(14), &json!(null)));
        // What they were made into, and that it is said.
        let quote_now = company.now("quotes", &quote);
        assert_eq!((&quote_now["status"], &quote_now["displayStatus"]), (&json!("sent"), &json!("converted")));
        assert_eq!(quote_now["convertedToOrderConfirmationId"], confirmation["id"]);
        assert_eq!(quote_now["convertedToInvoiceId"], json!(null));
        let confirmed_now = company.now("order-confirmations", &confirmation);
        assert_eq!((&confirmed_now["displayStatus"], &confirmed_now["convertedToInvoiceId"]), (&json!("converted"), &invoice["id"]));
        assert_eq!(told(&company, &quote), ["quote.created", "quote.sent", "quote.converted"]);
        assert_eq!(told(&company, &confirmation), ["order_confirmation.created", "order_confirmation.sent", "order_confirmation.converted"]);
        assert_eq!(told(&company, &invoice), ["invoice.created"]);
        // And so it is booked: nothing is priced anew at sending.
        let booked = company.sent("invoices", &invoice);
        assert_eq!(figures(&booked), figures(&quote));
        company.check_books();
    }

    /// Random lines in three currencies: the invoice is the quote to the last unit.
    fn what_is_made_is_the_same_to_the_last_unit(house) {
        let company = house.company();
        for (currency, rate) in [("EUR", "7.4604"), ("JPY", "0.0463"), ("KWD", "22.4")] {
            let body = json!({ "currency": currency, "date": "2026-01-01", "rate": rate });
            company.api.send("PUT", "/v1/exchange-rates", &body).is(200);
        }
        let customer = company.customer(json!({}));
        let prices = ["100", "0.0125", "19.99", "12345.678901"].map(|amount| company.price(amount));
        let mut seed = 0x5eed_u64;
        let mut random = |below: u64| {
            // The seed is fixed: each run asks for the same documents.
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for turn in 0..24 {
            let currency = ["DKK", "EUR", "JPY", "KWD"][turn % 4];
            let lines: Vec<Value> = (0..=random(7)).map(|_| {
                let mut line = line(&prices[random(4) as usize], &format!("{}.{:06}", random(40), 1 + random(999_999)));
                if random(2) == 0 {
                    line["discountPercent"] = json!(format!("{}.{:04}", random(100), random(10_000)));
                }
                if random(3) == 0 {
                    line["unitPrice"] = json!(format!("{}.{:06}", random(500), random(1_000_000)));
                }
                line
            }).collect();
            let quote = draft(&company, "quotes", &customer, json!(lines), json!({ "currency": currency }));
            let quote = company.sent("quotes", &quote);
            let made = if turn % 2 == 0 {
                let target = json!({ "target": "orderConfirmation" });
                let confirmation = convert(&company, "quotes", &quote, &target).is(201);
                let confirmation = company.sent("order-confirmations", &confirmation);
                convert(&company, "order-confirmations", &confirmation, &json!({ "target": "invoice" })).is(201)
            } else {
                convert(&company, "quotes", &quote, &json!({ "target": "invoice" })).is(201)
            };
            assert_eq!(figures(&made), figures(&quote), "turn {turn}");
            assert_eq!(figures(&company.sent("invoices", &made)), figures(&quote), "turn {turn}");
        }
        company.check_books();
    }

    /// What the new document says otherwise, and what it can't say.
    fn a_new_document_may_say_otherwise(house) {
        let (company, customer, price) = shop(house);
        let sent = |more: Value| company.sent("quotes", &draft(&company, "quotes", &customer, json!([line(&price, "1")]), more));
        let quote = sent(json!({ "reference": "PO-1", "notes": "Thanks", "description": "Honey", "metadata": { "a": "1" } }));
        let convert = |body: Value| convert(&company, "quotes", &quote, &body);
        let template = company.api.get("/v1/document-templates?documentType=quote-template").is(200)["data"][0]["id"].clone();
        for (document, property, rule) in [
            (json!({ "customerId": customer }), "document.customerId", "whitelistValidation"),
            (json!({ "lines": [] }), "document.lines", "whitelistValidation"),
            (json!({ "currency": "EUR" }), "document.currency", "whitelistValidation"),
            (json!({ "periodStart": "2026-06-01" }), "document.periodEnd", "isNotEmpty"),
            (json!({ "periodStart": "2026-06-01", "periodEnd": "2026-05-01" }), "document.periodEnd", "minDate"),
        ] {
            convert(json!({ "target": "invoice", "document": document })).faulty(property, rule);
        }
        convert(json!({ "target": "orderConfirmation", "document": { "paymentTerms": 8 } })).faulty("document.paymentTerms", "isEmpty");
        convert(json!({ "target": "creditNote" })).faulty("target", "isIn");
        convert(json!({})).faulty("target", "isNotEmpty");
        let far = convert(json!({ "target": "invoice", "document": { "date": "2199-01-01" } })).refused(400, "DOCUMENT_DATE_TOO_FAR_AHEAD");
        assert_eq!(far["property"], "document.date");
        let wrong = convert(json!({ "target": "invoice", "document": { "documentTemplateId": template } })).refused(404, "DOCUMENT_TEMPLATE_NOT_FOUND");
        assert_eq!(wrong["property"], "document.documentTemplateId");
        assert_eq!(company.now("quotes", &quote), quote, "a refused conversion changes nothing");
        let body = json!({ "target": "invoice", "document": {
            "date": "2026-06-15", "paymentTerms": 8, "reference": null, "description": "Honey as agreed", "metadata": { "b": "2" },
        } });
        let preview = company.api.post(&format!("{}/convert?dryRun=true", place("quotes", &quote)), &body).is(200);
        assert_eq!((&preview["id"], &preview["preview"], &preview["dueDate"]), (&json!(null), &json!(true), &json!("2026-06-23")));
        let types: Vec<&str> = preview["events"].as_array().unwrap().iter().map(|event| text(&event["type"])).collect();
        assert_eq!((types, &preview["postings"]), (vec!["invoice.created", "quote.converted"], &json!([])));
        assert_eq!(company.now("quotes", &quote), quote);
        let invoice = convert(body).is(201);
        let own = ["date", "dueDate", "paymentTerms", "reference", "description", "notes", "metadata"].map(|field| invoice[field].clone());
        assert_eq!(own, [json!("2026-06-15"), json!("2026-06-23"), json!(8), json!(null), json!("Honey as agreed"), json!("Thanks"), json!({ "b": "2" })]);
    }

    /// By status, and once: what is made of it ends all changes, unless that is deleted or cancelled.
    fn a_document_is_made_of_another_once(house) {
        let (company, customer, price) = shop(house);
        for (path, ..) in KINDS {
            let made = draft(&company, path, &customer, json!([line(&price, "1")]), json!({}));
            let target = json!({ "target": "invoice" });
            convert(&company, path, &made, &target).refused(400, "SALES_DOCUMENT_CONVERT_REQUIRES_SENT");
            company.sent(path, &made);
            let invoice = convert(&company, path, &made, &target).is(201);
            let details = convert(&company, path, &made, &target).refused(400, "SALES_DOCUMENT_ALREADY_CONVERTED");
            assert_eq!(details, json!({ "type": "invoice", "id": invoice["id"] }));
            if path == "quotes" {
                for what in ["accept", "reject"] {
                    let answer = company.api.post(&format!("{}/{what}", place(path, &made)), &json!({}));
                    answer.refused(400, "SALES_DOCUMENT_ALREADY_CONVERTED");
                }
            }
            let body = json!({ "customerId": customer, "lines": [line(&price, "2")] });
            company.api.patch(&place(path, &made), &body).refused(400, "DOCUMENT_NOT_DRAFT");
            company.api.delete(&place(path, &made)).refused(400, "DOCUMENT_NOT_DRAFT");
            // A draft may be written anew, and stays what was made of it.
            let patched = company.api.patch(&place("invoices", &invoice), &body).is(200);
            assert_eq!((&patched["convertedFrom"], &patched["subtotal"]), (&invoice["convertedFrom"], &json!("600.00")));
            // Deleted or cancelled, it can be made anew; the cancelled one still says where it came from.
            company.api.delete(&place("invoices", &invoice)).is(204);
            assert_eq!(company.now(path, &made)["convertedToInvoiceId"], json!(null));
            assert!(told(&company, &made).pop().unwrap().ends_with(".updated"));
            let second = convert(&company, path, &made, &target).is(201);
            let cancelled = company.api.post(&format!("{}/cancel", place("invoices", &second)), &json!({})).is(200);
            assert_eq!(cancelled["convertedFrom"], second["convertedFrom"]);
            let third = company.sent("invoices", &convert(&company, path, &made, &target).is(201));
            assert_eq!(company.now(path, &made)["convertedToInvoiceId"], third["id"]);
            convert(&company, path, &made, &target).refused(400, "SALES_DOCUMENT_ALREADY_CONVERTED");
        }
        company.check_books();
    }

    /// Of many who convert at once one makes the document; numbers of both kinds have no gap.
    fn many_at_once_make_one_document_and_gapless_numbers(house) {
        const THREADS: usize = 24;
        let (company, customer, price) = shop(house);
        let shared = company.sent("quotes", &draft(&company, "quotes", &customer, json!([line(&price, "1")]), json!({})));
        let made: Vec<Option<Value>> = thread::scope(|scope| {
            let asked = |n: usize| {
                let (company, customer, price, shared) = (&company, &customer, &price, &shared);
                scope.spawn(move || {
                    for (path, ..) in KINDS {
                        let own = draft(company, path, customer, json!([line(price, "1")]), json!({}));
                        company.sent(path, &own);
                    }
                    let target = if n.is_multiple_of(2) { "invoice" } else { "orderConfirmation" };
                    let answer = convert(company, "quotes", shared, &json!({ "target": target }));
                    if answer.status == 201 {
                        return Some(answer.is(201));
                    }
                    answer.refused(400, "SALES_DOCUMENT_ALREADY_CONVERTED");
                    None
                })
            };
            let running: Vec<_> = (0..THREADS).map(asked).collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let made: Vec<&Value> = made.iter().flatten().collect();
        assert_eq!(made.len(), 1, "one of them made a document");
        let now = company.now("quotes", &shared);
        let named = [&now["convertedToInvoiceId"], &now["convertedToOrderConfirmationId"]];
        assert_eq!(named.into_iter().filter(|id| **id == made[0]["id"]).count(), 1, "{now}");
        for (path, prefix, count) in [("quotes", "Q-", THREADS + 1), ("order-confirmations", "OC-", THREADS)] {
            let list = company.api.get(&format!("/v1/{path}?limit=100&status=sent&status=converted")).is(200);
            let numbers: BTreeSet<&str> = list["data"].as_array().unwrap().iter().map(|one| text(&one["documentNumber"])).collect();
            let expected: Vec<String> = (1..=count).map(|n| format!("{prefix}{n:05}")).collect();
            assert_eq!(numbers.into_iter().collect::<Vec<_>>(), expected, "{path}");
        }
        for series in company.api.get("/v1/number-series").is(200).as_array().unwrap() {
            let audit = company.api.get(&format!("/v1/number-series/{}/audit", text(&series["id"]))).is(200);
            assert_eq!(audit["isComplete"], true, "{audit}");
        }
        company.settle();
        company.check_books();
    }

    /// What an invoice is refused for, an offer is too; what only the books want, it is not.
    fn the_rules_of_drafts_hold_for_both_kinds(house) {
        let (company, customer, price) = shop(house);
        let german = json!({ "countryCode": "DE", "vatZone": "eu", "vatNumber": null });
        let stranger = company.customer(german);
        let inactive = company.customer(json!({ "vatNumber": null, "isActive": false }));
        for (path, _, _, missing) in KINDS {
            let post = |customer: &Value, lines: Value| company.api.post(&format!("/v1/{path}"), &json!({ "customerId": customer, "lines": lines }));
            post(&inactive, json!([line(&price, "1")])).refused(400, "CUSTOMER_INACTIVE");
            post(&stranger, json!([line(&price, "1")])).refused(400, "CUSTOMER_VAT_NUMBER_REQUIRED");
            post(&customer, json!([{ "lineType": "text", "description": "Nothing" }])).refused(400, "DOCUMENT_WITHOUT_PRODUCT_LINE");
            post(&customer, json!([])).faulty("lines", "arrayMinSize");
            post(&customer, json!([{ "priceId": price, "quantity": "1", "unitPrice": "-1" }])).faulty("lines.0.unitPrice", "min");
            post(&customer, json!([{ "priceId": price, "quantity": "1", "totalPrice": "1" }])).faulty("lines.0.totalPrice", "whitelistValidation");
            // An id of another kind is none of this.
            let invoice = company.draft(&customer, json!([line(&price, "1")]));
            company.api.get(&place(path, &invoice)).refused(404, missing);
            let own = draft(&company, path, &customer, json!([line(&price, "1")]), json!({}));
            company.api.get(&place("invoices", &own)).refused(404, "INVOICE_NOT_FOUND");
            assert_eq!(company.api.delete(&place(path, &own)).status, 204);
            company.api.get(&place(path, &own)).refused(404, missing);
        }
        // A quote of a customer who has gone is not made into anything.
        let quote = company.sent("quotes", &draft(&company, "quotes", &customer, json!([line(&price, "1")]), json!({})));
        company.api.patch(&format!("/v1/customers/{}", text(&customer)), &json!({ "isActive": false })).is(200);
        convert(&company, "quotes", &quote, &json!({ "target": "invoice" })).refused(400, "CUSTOMER_INACTIVE");
        // The VAT of a draft is held against the present one when it is sent.
        company.api.patch(&format!("/v1/customers/{}", text(&customer)), &json!({ "isActive": true })).is(200);
        let written = draft(&company, "quotes", &customer, json!([line(&price, "1")]), json!({}));
        let codes = company.api.get("/v1/vat-codes").is(200);
        let sales = codes.as_array().unwrap().iter().find(|code| code["type"] == "SALES" && code["vatRate"] == "25").unwrap();
        let rate = json!({ "vatRate": "24", "validFrom": "2026-01-01" });
        company.api.patch(&format!("/v1/vat-codes/{}", text(&sales["id"])), &rate).is(200);
        let details = company.api.post(&format!("{}/send", place("quotes", &written)), &json!({})).refused(400, "DOCUMENT_VAT_CHANGED");
        assert_eq!((&details["lines"][0]["vatRate"], &details["lines"][0]["vatRateNow"]), (&json!("25"), &json!("24")));

        // A company that may book nothing yet, and a locked period: an offer is in no books.
        let company = house.company_with(&["--country", "DK"]);
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        company.api.patch("/v1/company", &json!({ "lockedThrough": "2026-06-30" })).is(200);
        for (path, ..) in KINDS {
            company.sent(path, &draft(&company, path, &customer, json!([line(&price, "1")]), json!({ "date": "2026-06-01" })));
        }
        assert_eq!(company.api.get("/v1/company").is(200)["currency"], "DKK");
        company.api.patch("/v1/company", &json!({ "currency": "EUR" })).is(200);
    }
}

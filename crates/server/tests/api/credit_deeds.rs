//! What is done with credit notes and invoices beside making and sending them: crediting the
//! rest or named lines, writing a numbered draft anew, voiding, reversing, cancelling.

use serde_json::{Value, json};

use crate::house::{Answer, Company, House, line, text};

/// A company with a customer and an invoice of 3 × 100.00 and 1 × 40.00, with 25 % VAT 425.00.
struct Sold {
    company: Company,
    customer: Value,
    honey: Value,
    wax: Value,
    invoice: Value,
}

fn sold(house: &'static House) -> Sold {
    let company = house.company();
    let customer = company.customer(json!({}));
    let (honey, wax) = (company.price("100"), company.price("40"));
    let invoice = company.invoice(&customer, json!([line(&honey, "3"), line(&wax, "1")]));
    Sold { company, customer, honey, wax, invoice }
}

impl Sold {
    /// Tries to credit the invoice by its own route.
    fn credit(&self, body: Value) -> Answer {
        self.company.api.post(&format!("/v1/invoices/{}/credit", text(&self.invoice["id"])), &body)
    }

    /// One part of it: its line at `at`, with what else is said.
    fn part(&self, at: usize, more: Value) -> Value {
        let mut part = json!({ "invoiceLineId": self.invoice["lines"][at]["id"] });
        testkit::api::merge(&mut part, more);
        json!({ "lines": [part] })
    }

    fn note(&self, quantity: &str) -> Value {
        self.credit(self.part(0, json!({ "quantity": quantity }))).is(201)
    }

    fn now(&self) -> Value {
        self.company.now("invoices", &self.invoice)
    }

    /// What is credited of the invoice, how much of that is not booked, and its status.
    fn state(&self) -> (String, String, String) {
        let now = self.now();
        let of = |field: &str| text(&now[field]).to_owned();
        (of("creditedAmount"), of("pendingCreditAmount"), of("status"))
    }

    /// The events about the invoice, in order.
    fn events(&self) -> Vec<String> {
        let sql = format!(
            "select type from events where company_id = '{}' and resource_type = 'invoice' and resource_id = '{}' \
             order by sequence",
            self.company.id,
            text(&self.invoice["id"])
        );
        self.company.house.books.rows(&sql).into_iter().flatten().collect()
    }
}

fn deed(company: &Company, path: &str, document: &Value, deed: &str, body: Value) -> Answer {
    company.api.post(&format!("/v1/{path}/{}/{deed}", text(&document["id"])), &body)
}

fn void(company: &Company, note: &Value) -> Answer {
    deed(company, "credit-notes", note, "void", json!({ "reason": "Made by mistake" }))
}

/// Description, quantity, unit price and total of each line.
fn lines(document: &Value) -> Vec<[&str; 3]> {
    let lines = document["lines"].as_array().unwrap().iter();
    lines.map(|line| [text(&line["quantity"]), text(&line["unitPrice"]), text(&line["totalPrice"])]).collect()
}

on_both_engines! {
    /// Nothing said, all that is left is credited; then there is nothing left.
    fn an_invoice_is_credited_by_its_id(house) {
        let sold = sold(house);
        let part = sold.credit(sold.part(0, json!({ "quantity": "1" })));
        let (place, part) = (part.header("location").unwrap().to_owned(), part.is(201));
        assert_eq!(place, format!("/api/v1/credit-notes/{}", text(&part["id"])));
        assert_eq!(lines(&part), [["1", "100.00", "-100.00"]]);
        assert_eq!((&part["status"], &part["invoiceNumber"]), (&json!("draft"), &sold.invoice["number"]));
        let rest = json!({ "date": "2026-12-24", "reason": "cancellation", "notes": "As agreed" });
        let rest = sold.credit(rest).is(201);
        assert_eq!(lines(&rest), [["2", "100.00", "-200.00"], ["1", "40.00", "-40.00"]]);
        assert_eq!((&rest["date"], &rest["reason"], &rest["notes"]), (&json!("2026-12-24"), &json!("cancellation"), &json!("As agreed")));
        assert_eq!(rest["lines"][1]["invoiceLineId"], sold.invoice["lines"][1]["id"]);
        let details = sold.credit(json!({})).refused(400, "INVOICE_FULLY_CREDITED");
        assert_eq!(details, json!({ "invoiceNumber": sold.invoice["number"], "billed": "425.00", "credited": "425.00" }));
        for note in [&part, &rest] {
            sold.company.sent("credit-notes", note);
        }
        assert_eq!(sold.company.balances(), Vec::<Vec<String>>::new());
        sold.company.check_books();
    }

    /// By amount a line is one piece at that price; its quantity stays for later.
    fn a_line_is_credited_by_amount(house) {
        let sold = sold(house);
        let note = sold.credit(sold.part(0, json!({ "amount": "30.5" }))).is(201);
        assert_eq!(lines(&note), [["1", "30.50", "-30.50"]]);
        assert_eq!((&note["lines"][0]["discountPercent"], &note["vat"]), (&json!("0"), &json!("-7.63")));
        // 269.50 are left for three: 89.83 for one.
        assert_eq!(lines(&sold.note("1")), [["1", "100.00", "-89.83"]]);
        // The quantity used up, what is left of another credit at a lower price goes by amount.
        let cheap = json!([{ "invoiceLineId": sold.invoice["lines"][0]["id"], "quantity": "2", "unitPrice": "50" }]);
        sold.company.credit(&sold.customer, Some(&sold.invoice), cheap, json!({})).is(201);
        let rest = sold.credit(sold.part(0, json!({}))).is(201);
        assert_eq!(lines(&rest), [["1", "79.67", "-79.67"]]);
        let rest = sold.credit(json!({})).is(201);
        assert_eq!(lines(&rest), [["1", "40.00", "-40.00"]], "a line with nothing left is skipped");
        assert_eq!(sold.state(), ("425.00".to_owned(), "425.00".to_owned(), "credited".to_owned()));
        sold.credit(sold.part(0, json!({}))).refused(400, "INVOICE_FULLY_CREDITED");
    }

    /// Each way of asking wrongly says why and changes nothing.
    fn a_part_that_can_not_be_credited_says_why(house) {
        let sold = sold(house);
        sold.note("1");
        sold.company.settle();
        let before = house.books.state(&sold.company.id);
        let expected = |what: &str, billed: &str, credited: &str, asked: &str| json!({
            "property": "lines.0", "line": 0, "invoiceNumber": sold.invoice["number"],
            "invoiceLineId": sold.invoice["lines"][0]["id"], "what": what,
            "billed": billed, "credited": credited, "asked": asked,
        });
        let details = sold.credit(sold.part(0, json!({ "quantity": "2.5" }))).refused(400, "CREDIT_NOTE_EXCEEDS_INVOICE");
        assert_eq!(details, expected("quantity", "3", "1", "2.5"));
        let details = sold.credit(sold.part(0, json!({ "amount": "200.01" }))).refused(400, "CREDIT_NOTE_EXCEEDS_INVOICE");
        assert_eq!(details, expected("amount", "300.00", "100.00", "200.01"));
        sold.credit(sold.part(0, json!({ "quantity": "1", "amount": "1" }))).faulty("lines.0.amount", "isEmpty");
        sold.credit(sold.part(0, json!({ "amount": "0" }))).faulty("lines.0.amount", "isPositive");
        sold.credit(sold.part(0, json!({ "amount": "0.001" }))).faulty("lines.0.amount", "isDecimal");
        sold.credit(json!({ "lines": [] })).faulty("lines", "arrayMinSize");
        let mut twice = sold.part(0, json!({ "quantity": "1" }));
        twice["lines"] = json!([twice["lines"][0], twice["lines"][0]]);
        sold.credit(twice).faulty("lines.1.invoiceLineId", "arrayUnique");
        sold.credit(json!({ "date": "2020-01-01" })).refused(400, "CREDIT_NOTE_DATE_BEFORE_INVOICE");
        let unknown = json!({ "lines": [{ "invoiceLineId": "01930000-0000-7000-8000-000000000000" }] });
        sold.credit(unknown).refused(404, "INVOICE_LINE_NOT_FOUND");
        assert_eq!(house.books.state(&sold.company.id), before);
        let draft = sold.company.draft(&sold.customer, json!([line(&sold.wax, "1")]));
        deed(&sold.company, "invoices", &draft, "credit", json!({})).refused(400, "INVOICE_NOT_CREDITABLE");
    }

    /// What is paid already can't be set off: that much of a note stays as the customer's credit, and a payment
    /// that comes after it leaves the invoice credited.
    fn a_note_on_a_paid_invoice_stays_as_credit(house) {
        let sold = sold(house);
        let company = &sold.company;
        let pay = |amount: &str| {
            deed(company, "invoices", &sold.invoice, "payments", json!({ "amount": amount, "date": "2026-06-10" })).is(201)
        };
        pay("400");
        let note = company.sent("credit-notes", &sold.note("1"));
        // 125.00, of which 25.00 were open.
        let amounts = ["allocatedAmount", "refundedAmount", "remainingAmount"].map(|field| text(&note[field]).to_owned());
        assert_eq!(amounts, ["25.00", "0.00", "100.00"]);
        let now = sold.now();
        let facts = ["status", "creditState", "settlement", "openAmount"].map(|field| text(&now[field]).to_owned());
        assert_eq!(facts, ["credited", "partial", "settled", "0.00"]);
        pay("10");
        let rest = company.sent("credit-notes", &sold.credit(json!({})).is(201));
        assert_eq!((&rest["allocatedAmount"], &rest["remainingAmount"]), (&json!("0.00"), &json!("300.00")));
        let now = sold.now();
        assert_eq!((&now["status"], &now["creditState"], &now["paidAmount"]), (&json!("credited"), &json!("full"), &json!("400.00")));
        company.check_books();
        crate::doctor::check_sound(company);
    }

    /// An invoice that was given up is not credited, unless that is taken back or it is paid after all.
    fn an_uncollectible_invoice_is_not_credited(house) {
        let sold = sold(house);
        let company = &sold.company;
        let lost = json!({ "date": "2026-06-10", "reason": "Bankruptcy", "amount": "100" });
        let write_off = deed(company, "invoices", &sold.invoice, "write-off", lost).is(200);
        company.settle();
        let before = house.books.state(&company.id);
        sold.credit(json!({})).refused(400, "INVOICE_NOT_CREDITABLE");
        let lines = json!([line(&sold.honey, "1")]);
        let by_number = company.credit(&sold.customer, Some(&sold.invoice), lines, json!({}));
        by_number.refused(400, "INVOICE_NOT_CREDITABLE");
        let of = json!([{ "invoiceLineId": sold.invoice["lines"][0]["id"], "quantity": "1" }]);
        company.credit(&sold.customer, None, of, json!({})).refused(400, "INVOICE_NOT_CREDITABLE");
        assert_eq!(house.books.state(&company.id), before);
        let place = format!("/v1/invoices/{}/write-offs/{}", text(&sold.invoice["id"]), text(&write_off["id"]));
        assert_eq!(company.api.delete(&place).status, 204);
        assert_eq!(sold.credit(json!({})).is(201)["amount"], "-425.00");
        company.check_books();
    }

    /// A note over a free line comes to nothing, and is a credit note all the same.
    fn a_free_line_is_credited_for_nothing(house) {
        let sold = sold(house);
        let company = &sold.company;
        let free = json!({ "priceId": sold.wax, "quantity": "2", "unitPrice": "0" });
        let invoice = company.invoice(&sold.customer, json!([free, line(&sold.honey, "1")]));
        let part = json!({ "lines": [{ "invoiceLineId": invoice["lines"][0]["id"], "quantity": "2" }] });
        let note = deed(company, "invoices", &invoice, "credit", part.clone()).is(201);
        let amounts = ["subtotal", "vat", "amount"].map(|field| text(&note[field]).to_owned());
        assert_eq!((amounts, lines(&note)), (["0.00"; 3].map(str::to_owned), vec![["2", "0.00", "0.00"]]));
        deed(company, "invoices", &invoice, "credit", part).refused(400, "CREDIT_NOTE_EXCEEDS_INVOICE");
        let note = company.sent("credit-notes", &note);
        assert_eq!((&note["status"], &note["remainingAmount"]), (&json!("sent"), &json!("0.00")));
        let now = company.now("invoices", &invoice);
        assert_eq!((&now["status"], &now["openAmount"]), (&json!("credited"), &json!("125.00")));
        // The rest of the invoice is its other line.
        let rest = deed(company, "invoices", &invoice, "credit", json!({})).is(201);
        assert_eq!(lines(&rest), [["1", "100.00", "-100.00"]]);
        company.check_books();
    }

    /// A voided note keeps its number, explained; what it took can be credited again.
    fn a_voided_note_gives_back_what_it_took(house) {
        let sold = sold(house);
        let (first, second) = (sold.note("1"), sold.note("2"));
        let nothing = ("0.00".to_owned(), "0.00".to_owned(), "sent".to_owned());
        assert_eq!(sold.state(), ("375.00".to_owned(), "375.00".to_owned(), "credited".to_owned()));
        deed(&sold.company, "credit-notes", &second, "void", json!({})).faulty("reason", "isNotEmpty");
        let voided = void(&sold.company, &second).is(200);
        assert_eq!((&voided["status"], &voided["number"]), (&json!("draft"), &second["number"]));
        assert_eq!((&voided["voidReason"], &voided["amount"]), (&json!("Made by mistake"), &second["amount"]));
        assert!(voided["voidedAt"].is_string());
        assert_eq!(voided["creditedInvoices"], second["creditedInvoices"], "it says what it was for");
        assert_eq!(sold.state(), ("125.00".to_owned(), "125.00".to_owned(), "credited".to_owned()));
        let listed: Vec<Value> = sold.now()["creditNotes"].as_array().unwrap().iter().map(|n| n["number"].clone()).collect();
        assert_eq!(listed, [first["number"].clone()]);
        void(&sold.company, &first).is(200);
        assert_eq!(sold.state(), nothing);
        // All of it once more, to the last unit.
        let whole = sold.credit(json!({})).is(201);
        assert_eq!((&whole["amount"], lines(&whole)[0]), (&json!("-425.00"), ["3", "100.00", "-300.00"]));
        assert_ne!(whole["number"], second["number"], "a number is not given twice");
        sold.company.sent("credit-notes", &whole);
        assert_eq!(sold.company.balances(), Vec::<Vec<String>>::new());
        assert_eq!(
            sold.events()[2..],
            ["invoice.credited", "invoice.credited", "invoice.updated", "invoice.updated", "invoice.credited", "invoice.updated"],
        );
        sold.company.check_books();
    }

    /// A note that credited two invoices gives back to both.
    fn a_voided_note_over_several_invoices_gives_back_to_each(house) {
        let sold = sold(house);
        let other = sold.company.invoice(&sold.customer, json!([line(&sold.honey, "1")]));
        let of = |invoice: &Value| json!({ "invoiceLineId": invoice["lines"][0]["id"], "quantity": "1" });
        let note = sold.company.credit(&sold.customer, None, json!([of(&sold.invoice), of(&other)]), json!({})).is(201);
        void(&sold.company, &note).is(200);
        for invoice in [&sold.invoice, &other] {
            let now = sold.company.now("invoices", invoice);
            assert_eq!((&now["status"], &now["creditedAmount"], &now["creditNotes"]), (&json!("sent"), &json!("0.00"), &json!([])));
        }
        sold.company.check_books();
    }

    /// What may be done with a note in which state.
    fn each_state_of_a_note_allows_what_it_should(house) {
        let sold = sold(house);
        let (company, customer) = (&sold.company, &sold.customer);
        let body = json!({ "customerId": customer, "lines": [line(&sold.honey, "1")] });
        let patch = |note: &Value| company.api.patch(&format!("/v1/credit-notes/{}", text(&note["id"])), &body);
        let delete = |note: &Value| company.api.delete(&format!("/v1/credit-notes/{}", text(&note["id"])));
        let send = |note: &Value| deed(company, "credit-notes", note, "send", json!({ "deliveryType": "Manual" }));
        let reverse = |note: &Value| deed(company, "credit-notes", note, "reverse", json!({}));

        let draft = sold.note("1");
        delete(&draft).refused(400, "DOCUMENT_NUMBERED");
        reverse(&draft).refused(400, "DOCUMENT_NOT_BOOKED");
        patch(&draft).is(200);
        void(company, &draft).is(200);
        company.settle();
        let before = house.books.state(&company.id);
        patch(&draft).refused(400, "CREDIT_NOTE_VOIDED");
        delete(&draft).refused(400, "DOCUMENT_NUMBERED");
        send(&draft).refused(400, "CREDIT_NOTE_VOIDED");
        void(company, &draft).refused(400, "CREDIT_NOTE_VOIDED");
        reverse(&draft).refused(400, "DOCUMENT_NOT_BOOKED");
        assert_eq!(house.books.state(&company.id), before);

        let sent = company.sent("credit-notes", &sold.note("1"));
        company.settle();
        let before = house.books.state(&company.id);
        patch(&sent).refused(400, "DOCUMENT_NOT_DRAFT");
        delete(&sent).refused(400, "DOCUMENT_NOT_DRAFT");
        void(company, &sent).refused(400, "DOCUMENT_NOT_DRAFT");
        assert_eq!(house.books.state(&company.id), before);
        send(&sent).is(200);
    }

    /// What may be done with an invoice that was cancelled, and which can be.
    fn an_invoice_that_was_not_booked_is_cancelled(house) {
        let sold = sold(house);
        let company = &sold.company;
        let draft = company.draft(&sold.customer, json!([line(&sold.wax, "1")]));
        let cancel = |invoice: &Value| deed(company, "invoices", invoice, "cancel", json!({}));
        let cancelled = cancel(&draft).is(200);
        assert_eq!((&cancelled["status"], &cancelled["number"]), (&json!("cancelled"), &json!(null)));
        company.settle();
        let before = house.books.state(&company.id);
        cancel(&draft).refused(400, "DOCUMENT_CANCELLED");
        deed(company, "invoices", &draft, "send", json!({})).refused(400, "DOCUMENT_CANCELLED");
        let place = format!("/v1/invoices/{}", text(&draft["id"]));
        let body = json!({ "customerId": sold.customer, "lines": [line(&sold.wax, "2")] });
        company.api.patch(&place, &body).refused(400, "DOCUMENT_NOT_DRAFT");
        company.api.delete(&place).refused(400, "DOCUMENT_NOT_DRAFT");
        deed(company, "invoices", &draft, "credit", json!({})).refused(400, "INVOICE_NOT_CREDITABLE");
        cancel(&sold.invoice).refused(400, "DOCUMENT_NOT_DRAFT");
        assert_eq!(house.books.state(&company.id), before);
        assert_eq!(company.api.get("/v1/invoices?status=cancelled").is(200)["total"], 1);
    }

    /// A numbered draft is written anew: first what it took is given back, then the new lines count.
    fn a_numbered_draft_is_written_anew(house) {
        let sold = sold(house);
        let company = &sold.company;
        let note = sold.credit(json!({ "reason": "return" })).is(201);
        let place = format!("/v1/credit-notes/{}", text(&note["id"]));
        let patch = |body: Value| company.api.patch(&place, &body);
        let mut body = json!({
            "customerId": sold.customer, "lines": [line(&sold.honey, "3")], "notes": "Only the honey",
            "externalInvoice": { "number": "7", "date": "2026-01-02" }, "reason": "duplicate",
            "creditedPeriod": { "from": "2026-01-01", "to": "2026-01-31" }, "metadata": { "case": "4711" },
        });
        // All of the invoice was taken: without the release, three would be too many.
        let changed = patch(body.clone()).is(200);
        assert_eq!(lines(&changed), [["3", "100.00", "-300.00"]]);
        for field in ["id", "number", "numberedAt", "createdAt", "invoiceNumber", "invoiceId", "status", "origin"] {
            assert_eq!(changed[field], note[field], "{field}");
        }
        for field in ["notes", "externalInvoice", "reason", "creditedPeriod", "metadata"] {
            assert_eq!(changed[field], body[field], "{field}");
        }
        assert_eq!(company.now("credit-notes", &note), changed);
        assert_eq!(sold.state(), ("375.00".to_owned(), "375.00".to_owned(), "credited".to_owned()));
        assert_eq!(sold.now()["creditNotes"], json!([{ "id": note["id"], "number": note["number"], "amount": "375.00" }]));

        let stranger = company.customer(json!({ "name": "Fru Hansen", "customerType": "private", "vatNumber": null }));
        let other = company.invoice(&sold.customer, json!([line(&sold.honey, "1")]));
        company.settle();
        let seen = house.books.state(&company.id);
        for (field, value) in [("customerId", stranger), ("currency", json!("EUR")), ("invoiceNumber", other["number"].clone())] {
            let mut body = body.clone();
            body[field] = value;
            let details = patch(body).refused(400, "CREDIT_NOTE_NUMBERED");
            assert_eq!(details["property"], field);
        }
        body["lines"] = json!([line(&sold.honey, "3.5")]);
        let details = patch(body.clone()).refused(400, "CREDIT_NOTE_EXCEEDS_INVOICE");
        assert_eq!((&details["billed"], &details["credited"], &details["asked"]), (&json!("3"), &json!("0"), &json!("3.5")));
        body["lines"] = json!([]);
        patch(body).faulty("lines", "arrayMinSize");
        assert_eq!(house.books.state(&company.id), seen, "what is refused changes nothing");
        assert_eq!(company.now("credit-notes", &note), changed);

        // What it keeps may be said; and it is sent as it is then.
        let body = json!({
            "customerId": sold.customer, "currency": "DKK", "invoiceNumber": note["invoiceNumber"], "lines": [line(&sold.wax, "1")],
        });
        patch(body).is(200);
        let rest = sold.credit(json!({})).is(201);
        assert_eq!(lines(&rest), [["3", "100.00", "-300.00"]]);
        company.sent("credit-notes", &note);
        company.sent("credit-notes", &rest);
        company.sent("credit-notes", &company.api.post(&format!("/v1/invoices/{}/credit", text(&other["id"])), &json!({})).is(201));
        assert_eq!(company.balances(), Vec::<Vec<String>>::new());
        company.check_books();
    }

    /// A note whose lines name their invoices may come to name others.
    fn a_draft_may_come_to_credit_other_invoices(house) {
        let sold = sold(house);
        let company = &sold.company;
        let invoices: Vec<Value> =
            (0..2).map(|_| company.invoice(&sold.customer, json!([line(&sold.honey, "1")]))).collect();
        let of = |invoice: &Value| json!({ "invoiceLineId": invoice["lines"][0]["id"], "quantity": "1" });
        let lines = json!([of(&sold.invoice), of(&invoices[0])]);
        let note = company.credit(&sold.customer, None, lines, json!({})).is(201);
        let body = json!({ "customerId": sold.customer, "lines": [of(&sold.invoice), of(&invoices[1])] });
        let changed = company.api.patch(&format!("/v1/credit-notes/{}", text(&note["id"])), &body).is(200);
        let listed: Vec<&Value> = changed["creditedInvoices"].as_array().unwrap().iter().map(|i| &i["id"]).collect();
        assert_eq!(listed, [&sold.invoice["id"], &invoices[1]["id"]]);
        let status = |invoice: &Value| company.now("invoices", invoice)["status"].clone();
        assert_eq!([status(&sold.invoice), status(&invoices[0]), status(&invoices[1])], ["credited", "sent", "credited"]);
        company.check_books();
    }

    /// The invoice that undoes a note is the note turned round, and both together are nothing.
    fn a_booked_note_is_reversed_by_an_invoice(house) {
        let sold = sold(house);
        let company = &sold.company;
        sold.credit(sold.part(0, json!({ "amount": "30.50" }))).is(201);
        let note = company.sent("credit-notes", &sold.note("1"));
        assert_eq!(lines(&note), [["1", "100.00", "-89.83"]]);
        let answer = deed(company, "credit-notes", &note, "reverse", json!({ "notes": "It was right after all" }));
        let place = answer.header("location").unwrap().to_owned();
        let invoice = answer.is(201);
        assert_eq!(place, format!("/api/v1/invoices/{}", text(&invoice["id"])));
        assert_eq!((&invoice["status"], &invoice["notes"]), (&json!("draft"), &json!("It was right after all")));
        assert_eq!(invoice["reversedCreditNote"], json!({ "id": note["id"], "number": note["number"] }));
        assert_eq!(lines(&invoice), [["1", "100.00", "89.83"]]);
        let unsigned = |field: &str| text(&note[field]).trim_start_matches('-').to_owned();
        for field in ["subtotal", "vat", "amount"] {
            assert_eq!(invoice[field], unsigned(field), "{field}");
        }
        let details = deed(company, "credit-notes", &note, "reverse", json!({})).refused(400, "CREDIT_NOTE_ALREADY_REVERSED");
        assert_eq!(details["invoiceId"], invoice["id"]);
        // A draft that is thrown away reverses nothing.
        deed(company, "invoices", &invoice, "cancel", json!({})).is(200);
        let invoice = deed(company, "credit-notes", &note, "reverse", json!({})).is(201);
        company.api.delete(&format!("/v1/invoices/{}", text(&invoice["id"]))).is(204);
        let invoice = deed(company, "credit-notes", &note, "reverse", json!({})).is(201);
        let invoice = company.sent("invoices", &invoice);
        assert_eq!(invoice["reversedCreditNote"]["number"], note["number"]);
        // It can be credited like any other; then all that is left is the first invoice less 89.83 and VAT.
        let again = deed(company, "invoices", &invoice, "credit", json!({})).is(201);
        assert_eq!(again["amount"], note["amount"]);
        company.check_books();
    }

    /// In another currency the reversal has the note's rate, whatever the rate is by then.
    fn a_note_in_another_currency_is_reversed_at_its_own_rate(house) {
        let sold = sold(house);
        let company = &sold.company;
        let rate = |date: &str, rate: &str| {
            company.api.send("PUT", "/v1/exchange-rates", &json!({ "currency": "EUR", "date": date, "rate": rate })).is(200)
        };
        rate("2026-01-01", "7.4567");
        let price = company.price_with(json!({}), json!({ "unitAmount": "33.33", "currency": "EUR" }));
        let body = json!({ "customerId": sold.customer, "currency": "EUR", "date": "2026-01-05", "lines": [line(&price, "3")] });
        let invoice = company.api.post("/v1/invoices", &body).is(201);
        let invoice = company.sent("invoices", &invoice);
        let note = deed(company, "invoices", &invoice, "credit", json!({
            "lines": [{ "invoiceLineId": invoice["lines"][0]["id"], "quantity": "1" }]
        })).is(201);
        let note = company.sent("credit-notes", &note);
        rate("2026-02-01", "8");
        let reversal = deed(company, "credit-notes", &note, "reverse", json!({})).is(201);
        let reversal = company.sent("invoices", &reversal);
        assert_eq!(reversal["exchangeRate"], note["exchangeRate"]);
        for field in ["baseAmount", "baseVat"] {
            assert_eq!(reversal[field], text(&note[field]).trim_start_matches('-'), "{field}");
        }
        let left = house.books.rows(&format!(
            "select account_id, sum(amount), sum(base_amount) from postings where company_id = '{}' \
             and entry_id in ('{}', '{}') group by account_id having sum(amount) <> 0 or sum(base_amount) <> 0",
            company.id, text(&note["journalEntryId"]), text(&reversal["journalEntryId"]),
        ));
        assert_eq!(left, Vec::<Vec<String>>::new(), "note and reversal are nothing together");
        company.check_books();
    }
}

//! Faults that were found once, by the model or by hand, each kept from coming back by its smallest case.

use serde_json::{Value, json};

use crate::house::{Answer, Company, House, line, text};

/// A company in kroner, with a customer billed in euro at a rate that moves.
struct Abroad {
    company: Company,
    customer: Value,
    price: Value,
}

fn abroad(house: &'static House, rates: &[(&str, &str)]) -> Abroad {
    let company = house.company();
    for (date, rate) in rates {
        let body = json!({ "currency": "EUR", "date": date, "rate": rate });
        company.api.send("PUT", "/v1/exchange-rates", &body).is(200);
    }
    let customer = company.customer(json!({ "currency": "EUR" }));
    let price = company.price_with(json!({}), json!({ "unitAmount": "100", "currency": "EUR" }));
    Abroad { company, customer, price }
}

impl Abroad {
    /// An invoice over 100.00 and VAT in euro, on a day.
    fn invoice(&self, date: &str) -> Value {
        let body = json!({ "customerId": self.customer, "date": date, "lines": [line(&self.price, "1")] });
        let draft = self.company.api.post("/v1/invoices", &body).is(201);
        self.company.sent("invoices", &draft)
    }
}

fn post(company: &Company, path: &str, document: &Value, deed: &str, body: Value) -> Answer {
    company.api.post(&format!("/v1/{path}/{}/{deed}", text(&document["id"])), &body)
}

/// The whole of an invoice line.
fn whole(invoice: &Value) -> Value {
    json!({ "invoiceLineId": invoice["lines"][0]["id"], "quantity": "1" })
}

on_both_engines! {
    /// The draft that undoes a note begins at the note's rate. Written anew in the company's own currency it has
    /// none, also where it is booked: there the rate it had was used.
    fn a_reversing_draft_written_anew_forgets_its_rate(house) {
        let abroad = abroad(house, &[("2026-03-01", "7.50")]);
        let company = &abroad.company;
        let invoice = abroad.invoice("2026-03-01");
        let note = post(company, "invoices", &invoice, "credit", json!({})).is(201);
        let note = company.sent("credit-notes", &note);
        let draft = post(company, "credit-notes", &note, "reverse", json!({})).is(201);
        let krone = company.price("100");
        let body = json!({ "customerId": abroad.customer, "currency": "DKK", "lines": [line(&krone, "1")] });
        company.api.patch(&format!("/v1/invoices/{}", text(&draft["id"])), &body).is(200);
        let booked = company.sent("invoices", &draft);
        assert_eq!((&booked["exchangeRate"], &booked["amount"]), (&json!(null), &json!("125.00")));
        assert_eq!((&booked["baseAmount"], &booked["baseVat"]), (&json!("125.00"), &json!("25.00")));
        company.check_books();
    }

    /// More than 10^15 minor units is too large, not too finely written.
    fn an_amount_beyond_all_bounds_is_called_too_large(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        let invoice = company.invoice(&customer, json!([line(&price, "1")]));
        let amount = "10000000000000.01";
        let part = json!({ "lines": [{ "invoiceLineId": invoice["lines"][0]["id"], "amount": amount }] });
        post(&company, "invoices", &invoice, "credit", part).refused(400, "AMOUNT_TOO_LARGE");
        let paid = json!({ "amount": amount, "date": "2026-06-10" });
        post(&company, "invoices", &invoice, "payments", paid).refused(400, "AMOUNT_TOO_LARGE");
        let lost = json!({ "amount": amount, "date": "2026-06-10", "reason": "Bankruptcy" });
        post(&company, "invoices", &invoice, "write-off", lost).refused(400, "AMOUNT_TOO_LARGE");
    }

    /// Two lines of 6 × 10^14 øre each fit, their sum does not: it is refused before anything is booked.
    fn what_is_too_large_in_the_companys_currency_as_a_whole_is_refused(house) {
        let abroad = abroad(house, &[("2026-03-01", "1000")]);
        let company = &abroad.company;
        let dear = json!({ "priceId": abroad.price, "quantity": "10", "unitPrice": "600000000" });
        let body = json!({ "customerId": abroad.customer, "date": "2026-03-01", "lines": [dear, dear] });
        let draft = company.api.post("/v1/invoices", &body).is(201);
        company.settle();
        let before = house.books.state(&company.id);
        post(company, "invoices", &draft, "send", json!({ "deliveryType": "Manual" })).refused(400, "AMOUNT_TOO_LARGE");
        assert_eq!(house.books.state(&company.id), before);
        let body = json!({ "customerId": abroad.customer, "date": "2026-03-01", "lines": [dear] });
        company.api.patch(&format!("/v1/invoices/{}", text(&draft["id"])), &body).is(200);
        // 6,000,000,000.00 and a quarter, at 1000.
        assert_eq!(company.sent("invoices", &draft)["baseAmount"], "7500000000000.00");
    }

    /// A note over a free line adds nothing to what is not booked yet, and an invoice it names is not given up.
    fn a_note_of_nothing_keeps_its_invoice_from_being_written_off(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        let free = json!({ "priceId": company.price("40"), "quantity": "1", "unitPrice": "0" });
        let invoice = company.invoice(&customer, json!([free, line(&price, "1")]));
        let note = company.credit(&customer, None, json!([whole(&invoice)]), json!({})).is(201);
        assert_eq!(note["amount"], "0.00");
        let lost = json!({ "date": "2026-06-10", "reason": "Bankruptcy" });
        let details = post(&company, "invoices", &invoice, "write-off", lost.clone()).refused(400, "INVOICE_HAS_UNBOOKED_CREDIT");
        assert_eq!(details["pendingCreditAmount"], "0.00");
        post(&company, "credit-notes", &note, "void", json!({ "reason": "Not needed" })).is(200);
        post(&company, "invoices", &invoice, "write-off", lost).is(200);
        company.check_books();
    }

    /// The invoice that undoes a note over invoices of two rates has none itself; what is relieved of its VAT is
    /// what that VAT came to: 25.00 at 7.50 and 25.00 at 7.40 are 372.50.
    fn vat_billed_at_two_rates_is_relieved_at_both(house) {
        let abroad = abroad(house, &[("2026-03-01", "7.50"), ("2026-04-01", "7.40")]);
        let company = &abroad.company;
        let invoices = ["2026-03-01", "2026-04-01"].map(|date| abroad.invoice(date));
        let note = company.credit(&abroad.customer, None, json!([whole(&invoices[0]), whole(&invoices[1])]), json!({}));
        let note = company.sent("credit-notes", &note.is(201));
        let reversal = post(company, "credit-notes", &note, "reverse", json!({})).is(201);
        let reversal = company.sent("invoices", &reversal);
        assert_eq!((&reversal["exchangeRate"], &reversal["baseVat"]), (&json!(null), &json!("372.50")));
        let lost = json!({ "date": "2026-06-10", "reason": "Bankruptcy", "vatRelief": true, "evidence": "SKS 1-234/2026" });
        let lost = post(company, "invoices", &reversal, "write-off", lost).is(200);
        let posted = house.books.rows(&format!(
            "select sum(p.amount), sum(p.base_amount) from postings p join accounts a on a.company_id = p.company_id \
             and a.id = p.account_id where p.company_id = '{}' and p.entry_id = '{}' and a.account_number = '6902'",
            company.id, text(&lost["journalEntryId"]),
        ));
        assert_eq!(posted, [["5000", "37250"]]);
        company.check_books();
    }

    /// A line that is left out because nothing of it is left does not change which line of the request is named.
    fn a_refused_part_is_named_by_its_place_in_the_request(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        let invoice = company.invoice(&customer, json!([line(&price, "1"), line(&price, "2")]));
        company.credit(&customer, None, json!([whole(&invoice)]), json!({})).is(201);
        let (used_up, asked) = (&invoice["lines"][0]["id"], &invoice["lines"][1]["id"]);
        let parts = json!({ "lines": [{ "invoiceLineId": used_up }, { "invoiceLineId": asked, "quantity": "2.5" }] });
        let answer = post(&company, "invoices", &invoice, "credit", parts);
        let details = answer.refused(400, "CREDIT_NOTE_EXCEEDS_INVOICE");
        assert_eq!((&details["line"], &details["property"]), (&json!(1), &json!("lines.1")));
        assert_eq!(&details["invoiceLineId"], asked);
    }
}

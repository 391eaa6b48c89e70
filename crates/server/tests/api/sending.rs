//! Sending: what is pinned, what is posted, where the mail goes, and in which status what may be done.

use serde_json::json;

use crate::house::{line, text};

on_both_engines! {
    /// What is booked stays as it was, whatever becomes of customer and company.
    fn a_booked_document_keeps_its_parties_and_a_draft_shows_the_present_ones(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let invoice = company.invoice(&customer, json!([line(&price, "1")]));
        let draft = company.draft(&customer, json!([line(&price, "1")]));
        company.api.patch(&format!("/v1/customers/{}", text(&customer)), &json!({ "name": "New name", "city": "Odense" })).is(200);
        company.api.patch("/v1/company", &json!({ "name": "Bikuben A/S" })).is(200);
        let (booked, open) = (company.now("invoices", &invoice), company.now("invoices", &draft));
        assert_eq!((&booked["buyer"]["name"], &booked["seller"]["name"]), (&json!("Café Lindeblomst"), &json!("Bikuben ApS")));
        assert_eq!((&open["buyer"]["name"], &open["seller"]["name"]), (&json!("New name"), &json!("Bikuben A/S")));
        assert_eq!(open["buyer"]["city"], "Odense");
    }

    /// The table of the specification, for the routes there are.
    fn what_may_be_done_in_which_status(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let body = json!({ "customerId": customer, "lines": [line(&price, "1")] });
        let manual = json!({ "deliveryType": "Manual" });
        let draft = company.draft(&customer, json!([line(&price, "1")]));
        let place = format!("/v1/invoices/{}", text(&draft["id"]));
        // Draft: PATCH, then DELETE.
        let patched = company.api.patch(&place, &json!({ "customerId": customer, "lines": [line(&price, "3")], "notes": "Tak" })).is(200);
        assert_eq!((&patched["subtotal"], &patched["notes"], &patched["id"]), (&json!("900.00"), &json!("Tak"), &draft["id"]));
        let deleted = company.api.delete(&place);
        assert_eq!((deleted.status, deleted.bytes.len()), (204, 0));
        company.api.get(&place).refused(404, "INVOICE_NOT_FOUND");
        company.api.delete(&place).refused(404, "INVOICE_NOT_FOUND");
        // Sent: neither; sending again delivers anew.
        let invoice = company.invoice(&customer, json!([line(&price, "1")]));
        let place = format!("/v1/invoices/{}", text(&invoice["id"]));
        company.api.patch(&place, &body).refused(400, "DOCUMENT_NOT_DRAFT");
        company.api.delete(&place).refused(400, "DOCUMENT_NOT_DRAFT");
        company.api.post(&format!("{place}/send"), &manual).is(200);
        let status = company.api.get(&format!("{place}/delivery-status")).is(200);
        assert_eq!(status["attempts"].as_array().unwrap().len(), 2);
        assert_eq!(company.now("invoices", &invoice)["number"], invoice["number"]);
        // A credit note has its number from the start: it is never deleted.
        let note = company.credit(&customer, Some(&invoice), json!([line(&price, "1")]), json!({})).is(201);
        let place = format!("/v1/credit-notes/{}", text(&note["id"]));
        company.api.delete(&place).refused(400, "DOCUMENT_NUMBERED");
        company.sent("credit-notes", &note);
        company.api.delete(&place).refused(400, "DOCUMENT_NOT_DRAFT");
        // A credited invoice is still sent and later.
        let place = format!("/v1/invoices/{}", text(&invoice["id"]));
        company.api.patch(&place, &body).refused(400, "DOCUMENT_NOT_DRAFT");
        company.check_books();
    }

    /// Without a mail server mail is written to a folder, and the status tells it.
    fn an_e_mail_is_written_to_the_folder_with_the_pdf_in_it(house) {
        let company = house.company();
        let customer = company.customer(json!({ "email": "kontor@lindeblomst.example" }));
        let price = company.price("300");
        let note = company.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
        let place = format!("/v1/credit-notes/{}", text(&note["id"]));
        let sent = company.api.post(&format!("{place}/send"), &json!({ "message": "Hermed kreditnotaen." })).is(200);
        assert_eq!((&sent["deliveryType"], &sent["status"], &sent["number"]), (&json!("Email"), &json!("sending"), &note["number"]));
        let status = testkit::wait_for("the mail", || {
            let status = company.api.get(&format!("{place}/delivery-status")).is(200);
            (status["summary"]["status"] == "delivered").then_some(status)
        });
        assert_eq!((&status["summary"]["recipient"], &status["summary"]["attemptCount"]), (&json!("kontor@lindeblomst.example"), &json!(1)));
        assert_eq!(company.now("credit-notes", &note)["status"], "sent");
        let mails: Vec<String> = std::fs::read_dir(house.folder.join("mail")).unwrap().flatten()
            .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
            .filter(|mail| mail.contains(text(&sent["deliveryId"])))
            .collect();
        assert_eq!(mails.len(), 1, "one mail with the delivery's id as its own");
        for words in ["To: kontor@lindeblomst.example", "CN-00001", "application/pdf", "Hermed kreditnotaen."] {
            assert!(mails[0].contains(words), "{words} is not in {}", &mails[0][..mails[0].len().min(2_000)]);
        }
        // While an attempt is pending it is not sent again; afterwards it is.
        company.api.post(&format!("{place}/send"), &json!({})).is(200);
    }

    /// All the fields of a send.
    fn overrides_are_for_one_send_or_kept_on_the_customer(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let read = || company.api.get(&format!("/v1/customers/{}", text(&customer))).is(200);
        let send = |body| {
            let draft = company.draft(&customer, json!([line(&price, "1")]));
            company.api.post(&format!("/v1/invoices/{}/send", text(&draft["id"])), &body).is(200)
        };
        send(json!({ "deliveryType": "Email", "overrideEmail": "once@lindeblomst.example" }));
        assert_eq!(read()["email"], json!(null));
        send(json!({
            "deliveryType": "Email", "overrideEmail": "kept@lindeblomst.example", "overrideEanNumber": "5790000000005",
            "updateCustomerRecord": true,
        }));
        assert_eq!((&read()["email"], &read()["eanNumber"]), (&json!("kept@lindeblomst.example"), &json!("5790000000005")));
        let templates = company.api.get("/v1/document-templates?documentType=invoice-template").is(200);
        let sent = send(json!({ "deliveryType": "Manual", "documentTemplateId": templates["data"][0]["id"] }));
        assert_eq!(sent["success"], true);
        let wrong = company.api.get("/v1/document-templates?documentType=quote-template").is(200)["data"][0]["id"].clone();
        let draft = company.draft(&customer, json!([line(&price, "1")]));
        let place = format!("/v1/invoices/{}/send", text(&draft["id"]));
        let refused = company.api.post(&place, &json!({ "deliveryType": "Manual", "documentTemplateId": wrong }));
        assert!([400, 404].contains(&refused.status), "{}", refused.text());
        assert_eq!(company.now("invoices", &draft)["number"], json!(null), "a refused send takes no number");
        company.check_books();
    }

    /// What a company must say of itself before it books.
    fn an_incomplete_live_company_books_nothing(house) {
        let company = house.company_with(&["--country", "DK"]);
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let draft = company.draft(&customer, json!([line(&price, "1")]));
        let place = format!("/v1/invoices/{}/send", text(&draft["id"]));
        let details = company.api.post(&place, &json!({ "deliveryType": "Manual" })).refused(400, "COMPANY_INCOMPLETE");
        assert_eq!(details["missing"], json!(["address", "postalCode", "city", "vat"]));
        let changes = json!({ "address": "Lyngvej 7", "postalCode": "8600", "city": "Silkeborg", "vat": "DK12345674" });
        company.api.patch("/v1/company", &changes).is(200);
        assert_eq!(company.sent("invoices", &draft)["number"], "INV-00001");
        company.api.patch("/v1/company", &json!({ "currency": "EUR" })).refused(400, "COMPANY_HAS_BOOKINGS");
        company.api.patch("/v1/company", &json!({ "mode": "test" })).refused(400, "COMPANY_HAS_BOOKINGS");
    }

    /// Closed periods stay closed.
    fn nothing_is_booked_in_a_locked_period(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let body = json!({ "customerId": customer, "date": "2026-03-31", "lines": [line(&price, "1")] });
        let draft = company.api.post("/v1/invoices", &body).is(201);
        company.api.patch("/v1/company", &json!({ "lockedThrough": "2026-03-31" })).is(200);
        let place = format!("/v1/invoices/{}/send", text(&draft["id"]));
        company.api.post(&place, &json!({ "deliveryType": "Manual" })).refused(400, "PERIOD_LOCKED");
        company.api.patch("/v1/company", &json!({ "lockedThrough": "2026-03-30" })).is(200);
        company.api.post(&place, &json!({ "deliveryType": "Manual" })).is(200);
    }

    /// The statuses an invoice goes through with credit notes.
    fn sending_a_credit_note_sets_it_off_against_the_invoice(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        let invoice = company.invoice(&customer, json!([line(&price, "3")]));
        let note = company.credit(&customer, Some(&invoice), json!([line(&price, "1")]), json!({})).is(201);
        let after_draft = company.now("invoices", &invoice);
        // 3 × 100 + 25 % = 375.00; one third of it is 125.00.
        let of = |value: &serde_json::Value| ["creditedAmount", "pendingCreditAmount", "openAmount", "settlement", "status"].map(|f| value[f].clone());
        assert_eq!(of(&after_draft), [json!("125.00"), json!("125.00"), json!("375.00"), json!("open"), json!("credited")]);
        let sent = company.sent("credit-notes", &note);
        assert_eq!((&sent["allocatedAmount"], &sent["remainingAmount"]), (&json!("125.00"), &json!("0.00")));
        let after_send = company.now("invoices", &invoice);
        assert_eq!(of(&after_send), [json!("125.00"), json!("0.00"), json!("250.00"), json!("partially_settled"), json!("credited")]);
        let rest = company.credit(&customer, Some(&invoice), json!([line(&price, "2")]), json!({})).is(201);
        company.sent("credit-notes", &rest);
        let settled = company.now("invoices", &invoice);
        assert_eq!(of(&settled), [json!("375.00"), json!("0.00"), json!("0.00"), json!("settled"), json!("credited")]);
        assert_eq!(settled["creditState"], "full");
        for (query, total) in [
            ("settlement=settled", 1), ("settlement=open", 0), ("overdue=true", 0), ("overdue=false", 1), ("minAmount=375", 1),
            ("minAmount=375.01", 0), ("maxAmount=375.00&currency=DKK", 1), ("maxAmount=374.99", 0), ("invoiceNumber=INV-00001", 1),
        ] {
            assert_eq!(company.api.get(&format!("/v1/invoices?{query}")).is(200)["total"], total, "{query}");
        }
        for (query, total) in [("invoiceNumber=INV-00001", 2), ("invoiceNumber=INV-00002", 0), ("minAmount=125.01", 1), ("voided=false", 2), ("voided=true", 0)] {
            assert_eq!(company.api.get(&format!("/v1/credit-notes?{query}")).is(200)["total"], total, "{query}");
        }
        assert_eq!(company.balances(), Vec::<Vec<String>>::new(), "an invoice credited in full leaves nothing");
        company.check_books();
    }
}

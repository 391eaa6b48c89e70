//! A test for every sentence of the page this project starts from
//! (`seed-credit-notes.txt`), in its order and named after it.

use serde_json::json;

use crate::house::{line, text};

on_both_engines! {
    /// "A credit note is a booked accounting document, like an invoice,"
    fn a_credit_note_is_a_booked_accounting_document_like_an_invoice(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let note = company.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
        let invoice = company.draft(&customer, json!([line(&price, "1")]));
        for (path, document) in [("credit-notes", &note), ("invoices", &invoice)] {
            assert_eq!((&document["bookedAt"], &document["journalEntryId"]), (&json!(null), &json!(null)));
            let booked = company.sent(path, document);
            assert!(booked["bookedAt"].is_string() && booked["journalEntryId"].is_string(), "{booked}");
            let postings = house.books.rows(&format!(
                "select a.role, p.amount from postings p join accounts a on a.company_id = p.company_id and a.id = p.account_id \
                 where p.company_id = '{}' and p.entry_id = '{}' order by p.amount",
                company.id, text(&booked["journalEntryId"])
            ));
            let amounts: Vec<&str> = postings.iter().map(|row| row[1].as_str()).collect();
            // 300.00 and 25 % VAT: the credit note's entry is the mirror of the invoice's.
            let expected = if path == "invoices" { ["-30000", "-7500", "37500"] } else { ["-37500", "7500", "30000"] };
            assert_eq!(amounts, expected, "{path}: {postings:?}");
        }
        company.check_books();
    }

    /// "and shares the same scope pair (invoices-read / invoices-write)."
    fn it_shares_the_same_scope_pair_invoices_read_and_invoices_write(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let body = json!({ "customerId": customer, "lines": [line(&price, "1")] });
        let (_, reader) = company.key(&["--scopes", "invoices-read"]);
        let (_, writer) = company.key(&["--scopes", "invoices-write"]);
        for path in ["/v1/invoices", "/v1/credit-notes"] {
            let made = writer.post(path, &body).is(201);
            let place = format!("{path}/{}", text(&made["id"]));
            for read in [path.to_owned(), place.clone(), format!("{place}/delivery-status")] {
                reader.get(&read).is(200);
                let details = writer.get(&read).refused(403, "INSUFFICIENT_PERMISSIONS");
                assert_eq!(details, json!({ "requiredScopes": ["invoices-read"] }));
            }
            assert_eq!(reader.get(&format!("{place}/pdf")).status, 200);
            writer.get(&format!("{place}/pdf")).refused(403, "INSUFFICIENT_PERMISSIONS");
            let manual = json!({ "deliveryType": "Manual" });
            for (place, body) in [(path.to_owned(), &body), (format!("{place}/send"), &manual)] {
                let details = reader.post(&place, body).refused(403, "INSUFFICIENT_PERMISSIONS");
                assert_eq!(details, json!({ "requiredScopes": ["invoices-write"] }));
            }
            writer.post(&format!("{place}/send"), &manual).is(200);
        }
    }

    /// "It differs in two ways: it is numbered on creation (an invoice is numbered on send),"
    fn it_is_numbered_on_creation_an_invoice_is_numbered_on_send(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let note = company.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
        assert_eq!((&note["number"], &note["status"]), (&json!("CN-00001"), &json!("draft")));
        assert!(note["numberedAt"].is_string());
        let draft = company.draft(&customer, json!([line(&price, "1")]));
        assert_eq!((&draft["number"], &draft["numberedAt"]), (&json!(null), &json!(null)));
        let sent = company.sent("invoices", &draft);
        assert_eq!(sent["number"], "INV-00001");
        let booked = company.sent("credit-notes", &note);
        assert_eq!((&booked["number"], &booked["numberedAt"]), (&note["number"], &note["numberedAt"]));
    }

    /// "and its totals are negative."
    fn its_totals_are_negative(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let note = company.credit(&customer, None, json!([line(&price, "2")]), json!({})).is(201);
        // 2 × 300.00 = 600.00; 25 % of it is 150.00.
        let totals = (&note["subtotal"], &note["vat"], &note["amount"]);
        assert_eq!(totals, (&json!("-600.00"), &json!("-150.00"), &json!("-750.00")));
        let invoice = company.draft(&customer, json!([line(&price, "2")]));
        let totals = (&invoice["subtotal"], &invoice["vat"], &invoice["amount"]);
        assert_eq!(totals, (&json!("600.00"), &json!("150.00"), &json!("750.00")));
    }

    /// "The shared line model, reads, and send channels are in Billing documents."
    fn the_line_model_reads_and_send_channels_are_shared(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let body = json!({ "customerId": customer, "lines": [line(&price, "1")] });
        let invoice = company.api.post("/v1/invoices", &body).is(201);
        let note = company.api.post("/v1/credit-notes", &body).is(201);
        let fields = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let mut of_note = fields(&note["lines"][0]);
        of_note.retain(|field| field != "invoiceLineId");
        assert_eq!(fields(&invoice["lines"][0]), of_note);
        let sproom = json!({ "deliveryType": "Sproom" });
        for (path, document) in [("invoices", &invoice), ("credit-notes", &note)] {
            let place = format!("/v1/{path}/{}", text(&document["id"]));
            company.api.post(&format!("{place}/send"), &sproom).refused(400, "DELIVERY_CHANNEL_NOT_CONFIGURED");
            assert_eq!(company.api.get(&format!("/v1/{path}")).is(200)["total"], 1);
        }
    }

    /// "POST /v1/credit-notes returns the credit note as PublicCreditNote."
    fn post_credit_notes_returns_the_credit_note_as_public_credit_note(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let answer = company.credit(&customer, None, json!([line(&price, "1")]), json!({}));
        let place = answer.header("location").unwrap().to_owned();
        let note = answer.is(201);
        assert_eq!(place, format!("/api/v1/credit-notes/{}", text(&note["id"])));
        assert_eq!(company.api.get(place.trim_start_matches("/api")).is(200), note);
        let named = [
            "id", "number", "status", "date", "currency", "subtotal", "vat", "amount", "lines", "createdAt", "updatedAt",
            "customerId", "invoiceNumber", "customerDepartmentId", "customerContactId", "reference", "ourReference",
            "description", "notes", "documentTemplateId", "vatBreakdown", "exchangeRate", "baseAmount", "baseVat",
            "numberedAt", "bookedAt", "sentAt", "journalEntryId", "origin", "subscriptionId", "metadata", "seller", "buyer",
            "invoiceId", "creditedInvoices", "reason", "allocatedAmount", "refundedAmount", "remainingAmount", "voidedAt", "voidReason",
            "deliveryDate", "deliveryCountryCode", "periodStart", "periodEnd", "taxPointDate", "externalInvoice", "creditedPeriod",
        ];
        for field in named {
            assert!(note.get(field).is_some(), "{field} is missing in {note}");
        }
    }

    /// "customerId is required."
    fn customer_id_is_required(house) {
        let company = house.company();
        let price = company.price("300");
        company.api.post("/v1/credit-notes", &json!({ "lines": [line(&price, "1")] })).faulty("customerId", "isNotEmpty");
    }

    /// "Pass the optional invoiceNumber to credit an existing invoice;"
    fn pass_the_optional_invoice_number_to_credit_an_existing_invoice(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let invoice = company.invoice(&customer, json!([line(&price, "2")]));
        let without = company.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
        assert_eq!((&without["invoiceNumber"], &without["creditedInvoices"]), (&json!(null), &json!([])));
        let note = company.credit(&customer, Some(&invoice), json!([line(&price, "1")]), json!({})).is(201);
        assert_eq!((&note["invoiceNumber"], &note["invoiceId"]), (&invoice["number"], &invoice["id"]));
        assert_eq!(note["creditedInvoices"][0]["number"], invoice["number"]);
        company.credit(&customer, None, json!([line(&price, "1")]), json!({ "invoiceNumber": "INV-99999" }))
            .refused(404, "INVOICE_NOT_FOUND");
    }

    /// "the referenced invoice is then marked credited."
    fn the_referenced_invoice_is_then_marked_credited(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let invoice = company.invoice(&customer, json!([line(&price, "2")]));
        assert_eq!((&invoice["status"], &invoice["creditState"]), (&json!("sent"), &json!("none")));
        let note = company.credit(&customer, Some(&invoice), json!([line(&price, "1")]), json!({})).is(201);
        let credited = company.now("invoices", &invoice);
        assert_eq!((&credited["status"], &credited["creditState"]), (&json!("credited"), &json!("partial")));
        assert_eq!(credited["creditNotes"], json!([{ "id": note["id"], "number": note["number"], "amount": "375.00" }]));
    }

    /// "A credit note is numbered on creation."
    fn a_credit_note_is_numbered_on_creation(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        for count in 1..=3 {
            let note = company.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
            assert_eq!(note["number"], format!("CN-{count:05}"));
            // One that is refused takes none.
            company.credit(&customer, None, json!([line(&price, "0")]), json!({})).faulty("lines.0.quantity", "isPositive");
            company.credit(&customer, None, json!([line(&price, "1")]), json!({ "invoiceNumber": "INV-99999" }))
                .refused(404, "INVOICE_NOT_FOUND");
        }
        company.check_books();
    }

    /// "Lines follow the same rules as an invoice (see Document lines): send priceId + quantity,"
    fn lines_follow_the_same_rules_send_price_id_and_quantity(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("19.95"));
        for path in ["/v1/invoices", "/v1/credit-notes"] {
            let post = |line| company.api.post(path, &json!({ "customerId": customer, "lines": [line] }));
            let made = post(json!({ "priceId": price, "quantity": "3" })).is(201);
            let of = |field: &str| made["lines"][0][field].clone();
            // 3 × 19.95 = 59.85, and 25 % of it is 14.9625, so 14.96.
            let sign = if path == "/v1/invoices" { "" } else { "-" };
            assert_eq!((of("quantity"), of("unitPrice")), (json!("3"), json!("19.95")));
            assert_eq!((of("totalPrice"), of("vatRate")), (json!(format!("{sign}59.85")), json!("25")));
            assert_eq!(of("vatAmount"), json!(format!("{sign}14.96")));
            post(json!({ "quantity": "3" })).faulty("lines.0.priceId", "isNotEmpty");
            post(json!({ "priceId": price })).faulty("lines.0.quantity", "isNotEmpty");
            for derived in ["totalPrice", "vatRate", "vatAmount"] {
                let mut line = json!({ "priceId": price, "quantity": "3" });
                line[derived] = json!("1");
                post(line).faulty(&format!("lines.0.{derived}"), "whitelistValidation");
            }
        }
    }

    /// "with an optional positive unitPrice override."
    fn with_an_optional_positive_unit_price_override(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let with = |unit_price: &str| {
            let line = json!({ "priceId": price, "quantity": "2", "unitPrice": unit_price });
            company.credit(&customer, None, json!([line]), json!({}))
        };
        let note = with("12.5").is(201);
        assert_eq!((&note["lines"][0]["unitPrice"], &note["subtotal"]), (&json!("12.50"), &json!("-25.00")));
        with("0").faulty("lines.0.unitPrice", "isPositive");
        with("-12.5").faulty("lines.0.unitPrice", "isPositive");
    }

    /// "The credit (negative) sign is applied server-side — a line that derives 300.00 from its
    /// price is recorded as -300.00 on the credit note, so the totals are negative."
    fn a_line_that_derives_300_00_from_its_price_is_recorded_as_minus_300_00(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300.00"));
        let note = company.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
        let recorded = &note["lines"][0];
        assert_eq!((&recorded["totalPrice"], &recorded["vatAmount"]), (&json!("-300.00"), &json!("-75.00")));
        assert_eq!((&recorded["quantity"], &recorded["unitPrice"]), (&json!("1"), &json!("300.00")));
        assert_eq!((&note["subtotal"], &note["amount"]), (&json!("-300.00"), &json!("-375.00")));
    }

    /// "Credit note status is one of draft, scheduled, sending, sent."
    fn credit_note_status_is_one_of_draft_scheduled_sending_sent(house) {
        let company = house.company();
        let customer = company.customer(json!({ "email": "kontor@lindeblomst.example" }));
        let price = company.price("300");
        let make = || company.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
        let note = make();
        assert_eq!(note["status"], "draft");
        // Taken by the outbox, then by the mail folder.
        let place = format!("/v1/credit-notes/{}", text(&note["id"]));
        let sent = company.api.post(&format!("{place}/send"), &json!({ "deliveryType": "Email" })).is(200);
        assert_eq!(sent["status"], "sending");
        testkit::wait_for("the mail to be taken", || (company.now("credit-notes", &note)["status"] == "sent").then_some(()));
        assert_eq!(company.sent("credit-notes", &make())["status"], "sent");
        for status in ["draft", "scheduled", "sending", "sent"] {
            company.api.get(&format!("/v1/credit-notes?status={status}")).is(200);
        }
        for other in ["paid", "credited", "booked", ""] {
            company.api.get(&format!("/v1/credit-notes?status={other}")).faulty("status.0", "isIn");
        }
    }

    /// "These work identically to invoices — swap /invoices/ for /credit-notes/ in the path:"
    fn list_get_download_send_and_track_work_identically_to_invoices(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let shape = |path: &str| {
            let body = json!({ "customerId": customer, "lines": [line(&price, "1")] });
            let made = company.api.post(path, &body).is(201);
            let place = format!("{path}/{}", text(&made["id"]));
            let keys = |value: serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            let sent = keys(company.api.post(&format!("{place}/send"), &json!({ "deliveryType": "Manual" })).is(200));
            let status = company.api.get(&format!("{place}/delivery-status")).is(200);
            let attempt = keys(status["attempts"][0].clone());
            let pdf = company.api.get(&format!("{place}/pdf"));
            let media = pdf.header("content-type").map(str::to_owned);
            let list = keys(company.api.get(path).is(200));
            (sent, keys(status["summary"].clone()), attempt, keys(status), pdf.status, media, list)
        };
        assert_eq!(shape("/v1/credit-notes"), shape("/v1/invoices"));
    }

    /// "GET /v1/credit-notes and GET /v1/credit-notes/{id} — see Reading documents."
    fn get_credit_notes_lists_and_get_by_id_reads(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let make = || company.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
        let notes: Vec<_> = (0..3).map(|_| make()).collect();
        let list = company.api.get("/v1/credit-notes?limit=2").is(200);
        assert_eq!((&list["total"], &list["page"], &list["limit"], &list["totalPages"]), (&json!(3), &json!(1), &json!(2), &json!(2)));
        let numbers: Vec<_> = list["data"].as_array().unwrap().iter().map(|note| text(&note["number"])).collect();
        assert_eq!(numbers, ["CN-00003", "CN-00002"]);
        assert!(list["data"][0].get("lines").is_none(), "lists leave the lines out");
        for note in &notes {
            assert_eq!(company.now("credit-notes", note), *note);
        }
        company.api.get("/v1/credit-notes/0190a1b2-0000-7000-8000-000000000001").refused(404, "CREDIT_NOTE_NOT_FOUND");
        company.api.get("/v1/credit-notes/CN-00001").refused(404, "NOT_FOUND");
    }

    /// "GET /v1/credit-notes/{id}/pdf (?draft=true for a preview)."
    fn get_pdf_and_with_draft_true_a_preview(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let note = company.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
        let place = format!("/v1/credit-notes/{}/pdf", text(&note["id"]));
        let (plain, preview) = (company.api.get(&place), company.api.get(&format!("{place}?draft=true")));
        for answer in [&plain, &preview] {
            assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/pdf")));
            assert!(answer.bytes.starts_with(b"%PDF-"), "{}", answer.text());
        }
        let words = |answer: &crate::house::Answer| crate::papers::words(&answer.bytes);
        assert!(words(&plain).contains("Kreditnota CN-00001"), "{}", words(&plain));
        assert!(words(&preview).contains("U D K A S T") && !words(&plain).contains("U D K A S T"), "{}", words(&preview));
    }

    /// "POST /v1/credit-notes/{id}/send — same channels and recipient fields as the invoice send."
    fn post_send_takes_the_same_channels_and_recipient_fields_as_the_invoice_send(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let body = json!({ "customerId": customer, "lines": [line(&price, "1")] });
        for path in ["/v1/invoices", "/v1/credit-notes"] {
            let made = company.api.post(path, &body).is(201);
            let place = format!("{path}/{}", text(&made["id"]));
            let send = |body| company.api.post(&format!("{place}/send"), &body);
            send(json!({ "deliveryType": "Pigeon" })).faulty("deliveryType", "isIn");
            send(json!({ "deliveryType": "Email" })).refused(400, "DELIVERY_RECIPIENT_MISSING");
            send(json!({ "overrideEmail": "no address" })).faulty("overrideEmail", "isEmail");
            send(json!({ "overrideEanNumber": "123" })).faulty("overrideEanNumber", "isGln");
            let sent = send(json!({
                "deliveryType": "Email", "overrideEmail": "regnskab@lindeblomst.example", "message": "Med venlig hilsen",
            })).is(200);
            assert_eq!((&sent["success"], &sent["deliveryType"]), (&json!(true), &json!("Email")));
            assert_eq!(company.api.get(&format!("{place}/delivery-status")).is(200)["summary"]["recipient"], "regnskab@lindeblomst.example");
        }
    }

    /// "GET /v1/credit-notes/{id}/delivery-status — same summary + per-attempt log as the invoice delivery status."
    fn get_delivery_status_has_the_same_summary_and_per_attempt_log(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let note = company.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
        let place = format!("/v1/credit-notes/{}/delivery-status", text(&note["id"]));
        let before = company.api.get(&place).is(200);
        assert_eq!((&before["summary"]["status"], &before["attempts"]), (&json!("none"), &json!([])));
        company.sent("credit-notes", &note);
        let after = company.api.get(&place).is(200);
        assert_eq!((&after["documentId"], &after["number"]), (&note["id"], &note["number"]));
        assert_eq!((&after["summary"]["status"], &after["summary"]["attemptCount"]), (&json!("delivered"), &json!(1)));
        let attempts = after["attempts"].as_array().unwrap();
        assert_eq!((attempts.len(), &attempts[0]["attempt"], &attempts[0]["status"]), (1, &json!(1), &json!("delivered")));
    }

    /// "Subscription-driven credit notes (those the billing engine sends) emit the billing.credit_note_sent
    /// topic. Credit notes you create and send directly over this API are booked the same way but are not
    /// subscription events." The engine comes later: what is sent here must not emit its topic.
    fn credit_notes_sent_over_this_api_are_booked_the_same_way_but_are_not_subscription_events(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let note = company.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
        let sent = company.sent("credit-notes", &note);
        assert_eq!((&sent["origin"], &sent["subscriptionId"]), (&json!("api"), &json!(null)));
        let types = house.books.rows(&format!("select type from events where company_id = '{}' order by sequence", company.id));
        let types: Vec<String> = types.into_iter().flatten().collect();
        for wanted in ["credit_note.created", "credit_note.sent"] {
            assert_eq!(types.iter().filter(|kind| *kind == wanted).count(), 1, "{wanted} in {types:?}");
        }
        assert!(!types.iter().any(|kind| kind.starts_with("billing.") || kind.starts_with("subscription.")), "{types:?}");
    }
}

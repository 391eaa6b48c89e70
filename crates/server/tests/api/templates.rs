//! Document templates: made, tried out, versioned, chosen, shown.

use serde_json::{Value, json};

use crate::house::{Company, line, text};
use crate::papers::words;

/// An SVG of one square, 60 by 16.
const LOGO: &str = "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSI2MCIgaGVpZ2h0PSIxNiI+PHJlY3Qgd2lkdGg9IjYwIiBoZWlnaHQ9IjE2Ii8+PC9zdmc+";

fn template(kind: &str, more: Value) -> Value {
    let mut body = json!({ "name": "Ours", "documentType": format!("{kind}-template") });
    crate::house::merge(&mut body, more);
    body
}

fn make(company: &Company, kind: &str, more: Value) -> Value {
    company.api.post("/v1/document-templates", &template(kind, more)).is(201)
}

fn paper(company: &Company, path: &str, document: &Value) -> String {
    let answer = company.api.get(&format!("/v1/{path}/{}/pdf", text(&document["id"])));
    assert_eq!(answer.status, 200, "{}", answer.text());
    words(&answer.bytes)
}

fn place(template: &Value) -> String {
    format!("/v1/document-templates/{}", text(&template["id"]))
}

on_both_engines! {
    fn a_template_is_made_read_changed_and_retired(house) {
        let company = house.company();
        let settings = json!({ "design": "classic", "accentColour": "#7a4a00", "paymentText": "Thank you." });
        let made = make(&company, "invoice", json!({ "settings": settings }));
        assert_eq!((&made["version"], &made["isDefault"], &made["source"]), (&json!(1), &json!(false), &Value::Null));
        assert_eq!((&made["settings"]["design"], &made["settings"]["font"]), (&json!("classic"), &Value::Null));
        assert_eq!(company.api.get(&place(&made)).is(200), made);
        // A list tells neither source nor settings.
        let list = company.api.get("/v1/document-templates?search=ours").is(200);
        assert_eq!((&list["total"], list["data"][0].get("settings")), (&json!(1), None));

        let changed = template("invoice", json!({ "name": "Other", "source": "Hello" }));
        let changed = company.api.send("PUT", &place(&made), &changed).is(200);
        assert_eq!((&changed["version"], &changed["source"], &changed["name"]), (&json!(2), &json!("Hello"), &json!("Other")));
        assert_eq!(changed["settings"]["design"], Value::Null, "what is left out is as the layout has it");
        // Another name is no other version; nothing at all is nothing.
        let renamed = template("invoice", json!({ "name": "Third", "source": "Hello" }));
        let named = company.api.send("PUT", &place(&made), &renamed).is(200);
        assert_eq!((&named["version"], &named["name"]), (&json!(2), &json!("Third")));
        let events = || house.books.value(&format!("select count(*) from events where resource_id = '{}'", text(&made["id"])));
        let before = events();
        assert_eq!(company.api.send("PUT", &place(&made), &renamed).is(200), named);
        assert_eq!(events(), before);
        company.api.send("PUT", &place(&made), &template("quote", json!({}))).refused(400, "TEMPLATE_TYPE_FIXED");

        company.api.delete(&place(&made)).is(204);
        company.api.get(&place(&made)).refused(404, "DOCUMENT_TEMPLATE_NOT_FOUND");
        company.api.delete(&place(&made)).refused(404, "DOCUMENT_TEMPLATE_NOT_FOUND");
        assert_eq!(company.api.get("/v1/document-templates?search=third").is(200)["total"], 0);
    }

    /// One is the default of its kind, always.
    fn the_default_moves_and_never_goes(house) {
        let company = house.company();
        let of_kind = "/v1/document-templates?documentType=invoice-template&sortBy=name&sortOrder=asc";
        let standard = company.api.get(of_kind).is(200)["data"][0].clone();
        assert_eq!(standard["isDefault"], true);
        let no = template("invoice", json!({ "isDefault": false }));
        company.api.send("PUT", &place(&standard), &no).refused(400, "TEMPLATE_IS_DEFAULT");
        company.api.delete(&place(&standard)).refused(400, "TEMPLATE_IS_DEFAULT");
        let ours = make(&company, "invoice", json!({ "isDefault": true }));
        let flags = || {
            let list = company.api.get(of_kind).is(200);
            list["data"].as_array().unwrap().iter().map(|one| (one["name"].clone(), one["isDefault"].clone())).collect::<Vec<_>>()
        };
        assert_eq!(flags(), [(json!("Ours"), json!(true)), (json!("Standard"), json!(false))]);
        let yes = template("invoice", json!({ "name": "Standard", "isDefault": true }));
        company.api.send("PUT", &place(&standard), &yes).is(200);
        assert_eq!(flags(), [(json!("Ours"), json!(false)), (json!("Standard"), json!(true))]);
        company.api.delete(&place(&ours)).is(204);
        // Those of other kinds are defaults as before.
        assert_eq!(company.api.get("/v1/document-templates?documentType=quote-template").is(200)["data"][0]["isDefault"], true);
    }

    /// What does not print is not saved, and says where.
    fn a_template_that_does_not_print_is_refused_with_line_and_column(house) {
        let company = house.company();
        let refused = |source: &str| {
            let body = template("credit-note", json!({ "source": source }));
            company.api.post("/v1/document-templates", &body).refused(400, "TEMPLATE_NOT_VALID")
        };
        let details = refused("= Hello\n  #nothing");
        assert_eq!(details, json!({ "property": "source", "line": 2, "column": 4 }));
        // A field that no document of the kind has; a file; a package; the network.
        assert_eq!(refused("\n#json(\"data.json\").document.dueDate")["line"], 2);
        refused("#read(\"/etc/passwd\")");
        refused("#import \"@preview/cetz:0.3.0\"");
        refused("#image(\"https://example.com/logo.png\")");
        let greedy = refused("#let s = \"aaaaaaaaaaaaaaaa\"\n#for i in range(40) { s = s + s }");
        assert_eq!(greedy, json!({ "property": "source" }));
        // It prints three lines, not forty-five: both are tried.
        assert_eq!(refused("#assert(json(\"data.json\").document.lines.len() < 40)")["line"], 1);
        let logo = |media: &str, data: &str| {
            let settings = json!({ "logo": { "mediaType": media, "data": data } });
            company.api.post("/v1/document-templates", &template("invoice", json!({ "settings": settings })))
        };
        logo("image/png", "no base64").faulty("settings.logo.data", "isBase64");
        logo("image/png", "Tm8gcGljdHVyZS4=").refused(400, "TEMPLATE_NOT_VALID");
        let large = "A".repeat(4 * (256 * 1024 / 3 + 1));
        logo("image/svg+xml", &large).faulty("settings.logo.data", "maxLength");
        logo("image/svg+xml", LOGO).is(201);
        let font = |name: &str| {
            let body = template("quote", json!({ "settings": { "font": name } }));
            company.api.post("/v1/document-templates", &body)
        };
        let details = font("Comic Sans MS").refused(400, "TEMPLATE_NOT_VALID");
        assert_eq!(details, json!({ "property": "settings.font", "fonts": ["Inter", "Literata"] }));
        let plain = font("literata").is(201);
        company.api.delete(&place(&plain)).is(204);
        assert_eq!(company.api.get("/v1/document-templates?search=ours").is(200)["total"], 1);
    }

    /// A booked document keeps the version it was booked with, also when it is printed only later,
    /// and when the template is retired.
    fn a_booked_document_is_printed_with_the_version_it_was_booked_with(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let says = |words: &str| json!({ "source": format!("#set document(title: \"T\")\n{words} #json(\"data.json\").document.number") });
        let ours = make(&company, "invoice", says("First"));
        let mut draft = json!({ "customerId": customer, "lines": [line(&price, "1")], "documentTemplateId": ours["id"] });
        let book = |body: &Value| company.sent("invoices", &company.api.post("/v1/invoices", body).is(201));
        let first = book(&draft);
        company.api.send("PUT", &place(&ours), &template("invoice", says("Second"))).is(200);
        let second = book(&draft);
        // Printed anew from the snapshot, as on the first day.
        let _ = house.books.rows(&format!("delete from files where document_id = '{}'", text(&first["id"])));
        assert_eq!(paper(&company, "invoices", &first), "First INV-00001");
        assert_eq!(paper(&company, "invoices", &second), "Second INV-00002");
        company.api.delete(&place(&ours)).is(204);
        let _ = house.books.rows(&format!("delete from files where document_id = '{}'", text(&second["id"])));
        assert_eq!(paper(&company, "invoices", &second), "Second INV-00002");
        // New documents don't find it.
        let refusal = company.api.post("/v1/invoices", &draft).refused(404, "DOCUMENT_TEMPLATE_NOT_FOUND");
        assert_eq!(refusal["property"], "documentTemplateId");
        draft["documentTemplateId"] = Value::Null;
        assert!(paper(&company, "invoices", &book(&draft)).contains("Faktura INV-00003"));
    }

    /// Its own, else the customer's, else the company's default; for a draft's PDF too.
    fn a_document_takes_its_own_template_else_the_customers_else_the_default(house) {
        let company = house.company();
        let price = company.price("300");
        let named = |name: &str, kind: &str, more: Value| {
            let mut body = json!({ "source": format!("Printed with {name}") });
            crate::house::merge(&mut body, more);
            make(&company, kind, body)["id"].clone()
        };
        let own = named("its own", "invoice", json!({}));
        let (of_notes, of_customer) = (named("another", "credit-note", json!({})), named("that of the customer", "invoice", json!({})));
        named("the default", "invoice", json!({ "isDefault": true }));
        let plain = company.customer(json!({}));
        let choosy = company.customer(json!({ "documentTemplateIds": [of_notes, of_customer] }));
        for (customer, template, wanted) in
            [(&choosy, &own, "its own"), (&choosy, &Value::Null, "that of the customer"), (&plain, &Value::Null, "the default")]
        {
            let body = json!({ "customerId": customer, "lines": [line(&price, "1")], "documentTemplateId": template });
            let draft = company.api.post("/v1/invoices", &body).is(201);
            assert_eq!(paper(&company, "invoices", &draft), format!("Printed with {wanted}"));
            assert_eq!(paper(&company, "invoices", &company.sent("invoices", &draft)), format!("Printed with {wanted}"));
        }
        let path = format!("/v1/document-templates/{}", text(&of_customer));
        assert_eq!(company.api.delete(&path).refused(400, "TEMPLATE_IN_USE"), json!({ "customerCount": 1 }));
    }

    /// A template may fail on what no sample shows: the document is printed all the same.
    fn a_template_that_fails_on_a_document_does_not_cost_it_its_paper(house) {
        let company = house.company();
        let source = "#assert(json(\"data.json\").document.buyer.name != \"Odd one\")\nFine.";
        let ours = make(&company, "invoice", json!({ "source": source }));
        let (customer, price) = (company.customer(json!({ "name": "Odd one" })), company.price("300"));
        let body = json!({ "customerId": customer, "lines": [line(&price, "1")], "documentTemplateId": ours["id"] });
        let invoice = company.sent("invoices", &company.api.post("/v1/invoices", &body).is(201));
        assert!(paper(&company, "invoices", &invoice).contains("Faktura INV-00001"));
        let preview = json!({ "documentId": invoice["id"] });
        let refusal = company.api.post(&format!("{}/preview", place(&ours)), &preview).refused(400, "TEMPLATE_NOT_VALID");
        assert_eq!(refusal["line"], 1);
    }

    fn a_preview_is_a_pdf_or_a_picture_of_a_sample_or_of_a_document(house) {
        let company = house.company();
        let settings = json!({ "design": "compact", "logo": { "mediaType": "image/svg+xml", "data": LOGO }, "language": "de",
            "paymentText": "Bitte die Nummer nennen.", "footer": "Amtsgericht Sonstwo" });
        let ours = make(&company, "invoice", json!({ "settings": settings }));
        let place = format!("{}/preview", place(&ours));
        let ask = |headers: &[(&str, &str)], body: Value| company.api.send_with("POST", &place, headers, &body);
        let pdf = ask(&[], json!({}));
        assert_eq!((pdf.status, pdf.header("content-type")), (200, Some("application/pdf")), "{}", pdf.text());
        let said = words(&pdf.bytes);
        for wanted in ["Rechnung 2026-00042", "4.400,00 DKK", "Bitte die Nummer nennen.", "Amtsgericht Sonstwo", "Seite 1 von 1"] {
            assert!(said.contains(wanted), "{wanted:?} is not in: {said}");
        }
        let is_picture = |answer: &crate::house::Answer| {
            assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/png")), "{}", answer.text());
            assert!(answer.bytes.starts_with(b"\x89PNG"));
        };
        is_picture(&ask(&[("accept", "image/png")], json!({})));
        is_picture(&ask(&[], json!({ "format": "png", "page": 1 })));
        ask(&[], json!({ "format": "png", "page": 2 })).refused(404, "PAGE_NOT_FOUND");

        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let draft = company.draft(&customer, json!([line(&price, "1")]));
        let shown = words(&ask(&[], json!({ "documentId": draft["id"] })).bytes);
        assert!(shown.contains("Rechnung Entwurf") && shown.contains("375,00 DKK"), "{shown}");
        let note = company.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
        ask(&[], json!({ "documentId": note["id"] })).refused(404, "INVOICE_NOT_FOUND");
        // Who may not read the document does not see it here either.
        let (_, key) = company.key(&["--scopes", "document-templates-write"]);
        let details = key.post(&place, &json!({ "documentId": draft["id"] })).refused(403, "INSUFFICIENT_PERMISSIONS");
        assert_eq!(details["requiredScopes"], json!(["invoices-read"]));
        assert_eq!(key.post(&place, &json!({})).status, 200);
    }
}

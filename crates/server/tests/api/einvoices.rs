//! E-invoices as they are asked for: archived once, refused with our field, checked before the booking.

use std::process::Command;

use serde_json::{Value, json};

use crate::house::{Company, PROGRAM, line, text};

const FORMATS: [&str; 5] = ["peppol-bis-3", "oioubl-2.1", "en16931-ubl", "en16931-cii", "xrechnung"];

fn place(path: &str, document: &Value) -> String {
    format!("/v1/{path}/{}/xml", text(&document["id"]))
}

fn xml(company: &Company, path: &str, document: &Value, format: &str) -> String {
    let answer = company.api.get(&format!("{}?format={format}", place(path, document)));
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/xml")), "{}", answer.text());
    answer.text()
}

/// The text of the first element of that name.
fn of<'a>(xml: &'a str, name: &str) -> &'a str {
    let after = xml.split_once(&format!("<{name}")).unwrap_or_else(|| panic!("no {name} in {xml}")).1;
    after.split_once('>').unwrap().1.split_once("</").unwrap().0
}

on_both_engines! {
    /// Written once, then served byte for byte under its SHA-256, whatever the customer is called by then.
    fn an_e_invoice_is_archived_and_served_byte_for_byte(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let invoice = company.invoice(&customer, json!([line(&price, "2")]));
        for format in ["en16931-ubl", "en16931-cii"] {
            let at = format!("{}?format={format}", place("invoices", &invoice));
            let first = company.api.get(&at);
            assert!(first.header("content-disposition").unwrap().contains(&format!("INV-00001-{format}.xml")));
            let tag = first.header("etag").unwrap().to_owned();
            let name = json!({ "name": format!("Renamed {format}") });
            company.api.patch(&format!("/v1/customers/{}", text(&customer)), &name).is(200);
            assert_eq!(company.api.get(&at).bytes, first.bytes);
            let known = company.api.raw("GET", &at, &[("if-none-match", &tag)], b"");
            assert_eq!((known.status, known.bytes.len()), (304, 0));
            let sql = format!("select sha256 from files where document_id = '{}' and kind = '{format}'", text(&invoice["id"]));
            assert_eq!(tag, format!("\"{}\"", house.books.value(&sql)));
        }
        company.api.get(&format!("{}?format=pdf", place("invoices", &invoice))).is(400);
    }

    /// Positive, with the number and the date of the invoice, and the VAT of the books' currency.
    fn a_credit_note_is_positive_and_names_its_invoice(house) {
        let company = house.company();
        let rate = json!({ "currency": "EUR", "date": "2026-01-01", "rate": "7.46" });
        company.api.send("PUT", "/v1/exchange-rates", &rate).is(200);
        let customer = company.customer(json!({ "currency": "EUR" }));
        let price = company.price_with(json!({ "unit": "GB" }), json!({ "unitAmount": "100", "currency": "EUR" }));
        let invoice = company.invoice(&customer, json!([line(&price, "3")]));
        let note = company.credit(&customer, Some(&invoice), json!([line(&price, "1")]), json!({ "reference": "PO-7" })).is(201);
        let note = company.sent("credit-notes", &note);
        assert_eq!((&note["amount"], &note["baseVat"]), (&json!("-125.00"), &json!("-186.50")));
        for format in ["peppol-bis-3", "en16931-ubl", "oioubl-2.1"] {
            let xml = xml(&company, "credit-notes", &note, format);
            assert!(!xml.contains(">-"), "{xml}");
            assert_eq!(of(&xml, "cbc:PayableAmount"), "125.00");
            assert_eq!(of(&xml, "cbc:CreditedQuantity"), "1");
            // GB is gallons (US) a day; a gigabyte is E34, which OIOUBL's list lacks.
            let unit = if format == "oioubl-2.1" { "C62" } else { "E34" };
            assert!(xml.contains(&format!("<cbc:CreditedQuantity unitCode=\"{unit}\">")), "{xml}");
            let reference = xml.split_once("<cac:InvoiceDocumentReference>").unwrap().1;
            assert_eq!((of(reference, "cbc:ID"), of(reference, "cbc:IssueDate")), ("INV-00001", text(&invoice["date"])));
            assert!(xml.contains("currencyID=\"DKK\">186.50</"), "{xml}");
        }
        let xml = xml(&company, "credit-notes", &note, "oioubl-2.1");
        assert_eq!(of(&xml, "cbc:TaxExclusiveAmount"), "25.00");
        let drafted = company.api.post(&format!("/v1/credit-notes/{}/reverse", text(&note["id"])), &json!({})).is(201);
        let reversal = company.sent("invoices", &drafted);
        let xml = self::xml(&company, "invoices", &reversal, "en16931-ubl");
        let reference = xml.split_once("<cac:InvoiceDocumentReference>").unwrap().1;
        assert_eq!((of(reference, "cbc:ID"), of(reference, "cbc:IssueDate")), ("CN-00001", text(&note["date"])));
    }

    /// The PDF carries the CII, as Factur-X: the very file that is handed out.
    fn the_pdf_carries_the_same_xml(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let invoice = company.invoice(&customer, json!([line(&price, "2")]));
        let note = company.credit(&customer, Some(&invoice), json!([line(&price, "1")]), json!({})).is(201);
        let note = company.sent("credit-notes", &note);
        let folder = testkit::Folder::new();
        for (path, document) in [("invoices", &invoice), ("credit-notes", &note)] {
            let paper = company.api.get(&format!("/v1/{path}/{}/pdf", text(&document["id"])));
            assert_eq!(paper.status, 200, "{}", paper.text());
            let (pdf, found) = (folder.path().join("paper.pdf"), folder.path().join(format!("{path}.xml")));
            std::fs::write(&pdf, paper.bytes).unwrap();
            let detach = Command::new("pdfdetach").args(["-savefile", "factur-x.xml", "-o"]).arg(&found).arg(&pdf).output();
            let detach = detach.expect("pdfdetach (apt-get install poppler-utils)");
            assert!(detach.status.success(), "{}", String::from_utf8_lossy(&detach.stderr));
            assert_eq!(std::fs::read_to_string(&found).unwrap(), xml(&company, path, document, "en16931-cii"));
        }
        let draft = company.draft(&customer, json!([line(&price, "1")]));
        let paper = company.api.get(&format!("/v1/invoices/{}/pdf", text(&draft["id"])));
        let pdf = folder.path().join("draft.pdf");
        std::fs::write(&pdf, paper.bytes).unwrap();
        let list = Command::new("pdfdetach").arg("-list").arg(&pdf).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&list.stdout).trim(), "0 embedded files");
    }

    /// What a format can't say of a document is refused with the rule, its sentence and our field.
    fn a_refusal_names_the_missing_field(house) {
        let company = house.company();
        let private = json!({ "customerType": "private", "vatNumber": null });
        let (customer, price) = (company.customer(private), company.price("300"));
        let draft = company.draft(&customer, json!([line(&price, "1")]));
        company.api.get(&place("invoices", &draft)).refused(400, "DOCUMENT_NOT_BOOKED");
        let invoice = company.sent("invoices", &draft);
        let details = company.api.get(&place("invoices", &invoice)).refused(400, "EINVOICE_NOT_VALID");
        assert_eq!(details["format"], "peppol-bis-3");
        let told = |details: &Value| -> Vec<(String, String)> {
            let findings = details["findings"].as_array().unwrap().iter();
            let mut told: Vec<_> =
                findings.map(|one| (text(&one["rule"]).to_owned(), text(&one["property"]).to_owned())).collect();
            told.sort();
            told
        };
        let missing = |rule: &str, field: &str| (rule.to_owned(), field.to_owned());
        assert_eq!(
            told(&details),
            [missing("PEPPOL-EN16931-R003", "reference"), missing("PEPPOL-EN16931-R010", "customer.eanNumber")]
        );
        let details = company.api.get(&format!("{}?format=oioubl-2.1", place("invoices", &invoice))).refused(400, "EINVOICE_NOT_VALID");
        assert_eq!((&details["rule"], &details["property"]), (&json!("F-INV044"), &json!("customer.eanNumber")));
        // What asks for no network has it.
        xml(&company, "invoices", &invoice, "en16931-ubl");
    }

    /// What the law wants of every e-invoice holds before a number is taken.
    fn what_breaks_a_rule_is_not_booked(house) {
        let company = house.company();
        // Reverse charge is for who has a number; the VAT code says so of all sales abroad.
        let codes = company.api.get("/v1/vat-codes").is(200);
        for code in codes.as_array().unwrap().iter().filter(|code| code["type"] == "SALES" && code["vatRate"] == "0") {
            let place = format!("/v1/vat-codes/{}", text(&code["id"]));
            company.api.patch(&place, &json!({ "vatCategory": "AE" })).is(200);
        }
        let abroad = json!({ "countryCode": "NO", "vatZone": "abroad", "vatNumber": null, "name": "Kunde AS" });
        let (customer, price) = (company.customer(abroad), company.price("300"));
        let draft = company.draft(&customer, json!([line(&price, "1")]));
        let send = format!("/v1/invoices/{}/send", text(&draft["id"]));
        let details = company.api.post(&send, &json!({ "deliveryType": "Manual" })).refused(400, "EINVOICE_NOT_VALID");
        assert_eq!((&details["rule"], &details["property"]), (&json!("BR-AE-02"), &json!("customer.vatNumber")));
        assert_eq!(company.now("invoices", &draft)["number"], Value::Null);
        company.api.patch(&format!("/v1/customers/{}", text(&customer)), &json!({ "vatNumber": "NO974760673MVA" })).is(200);
        assert_eq!(company.sent("invoices", &draft)["number"], "INV-00001");
    }

    /// Many who ask at once for what nobody asked for before get the same bytes, and one copy is kept.
    fn asked_for_by_many_at_once_it_is_archived_once(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let body = json!({ "customerId": customer, "lines": [line(&price, "2")], "reference": "PO-7" });
        let invoice = company.sent("invoices", &company.api.post("/v1/invoices", &body).is(201));
        let at = |format: &str| format!("{}?format={format}", place("invoices", &invoice));
        let answers: Vec<(String, u16, Vec<u8>)> = std::thread::scope(|scope| {
            let ask = |format: &'static str| {
                let (at, api) = (at(format), &company.api);
                scope.spawn(move || {
                    let answer = api.get(&at);
                    (format.to_owned(), answer.status, answer.bytes)
                })
            };
            let asked: Vec<_> = FORMATS.iter().flat_map(|format| std::iter::repeat_n(*format, 8)).map(ask).collect();
            asked.into_iter().map(|asked| asked.join().unwrap()).collect()
        });
        for format in ["peppol-bis-3", "oioubl-2.1", "en16931-ubl", "en16931-cii"] {
            let own: Vec<_> = answers.iter().filter(|(name, ..)| name == format).collect();
            assert!(own.len() == 8 && own.iter().all(|(_, status, bytes)| *status == 200 && *bytes == own[0].2), "{format}");
            let sql = format!("select count(*) from files where document_id = '{}' and kind = '{format}'", text(&invoice["id"]));
            assert_eq!(house.books.value(&sql), "1", "{format}");
        }
    }

    /// The command checks anyone's files, with the same engine and no books.
    fn the_command_examines_files(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let invoice = company.invoice(&customer, json!([line(&price, "1")]));
        let folder = testkit::Folder::new();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let good: Vec<_> = FORMATS[2..4].iter().map(|format| file(format, &xml(&company, "invoices", &invoice, format))).collect();
        let wrong = xml(&company, "invoices", &invoice, "en16931-ubl").replace(">375.00</cbc:TaxInclusiveAmount>", ">376.00</cbc:TaxInclusiveAmount>");
        let wrong = file("wrong", &wrong);
        let none = file("none", "no XML at all");
        // An amount that is left out is none, not 0: the price in UBL, what is due in CII.
        let without = |format: &str, element: &str, sum: &str| {
            let xml = xml(&company, "invoices", &invoice, format);
            let (before, rest) = xml.split_once(&format!("<{element}")).unwrap();
            let after = rest.split_once(&format!("</{element}>")).unwrap().1;
            file(sum, &format!("{before}{after}"))
        };
        let unpriced = without("en16931-ubl", "cac:Price", "unpriced");
        let unsummed = without("en16931-cii", "ram:DuePayableAmount", "unsummed");
        let run = |files: &[&std::path::PathBuf], more: &[&str]| {
            let output = Command::new(PROGRAM).args(["einvoice", "check"]).args(more).args(files).output().unwrap();
            (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
        };
        let (code, said) = run(&[&good[0], &good[1]], &[]);
        assert_eq!((code, said.matches(": valid by EN 16931").count()), (0, 2), "{said}");
        let (code, said) = run(&[&good[0], &wrong], &[]);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("NOT VALID") && said.contains("fatal BR-CO-15 BG-22/BT-112: "), "{said}");
        let (code, said) = run(&[&unpriced, &unsummed], &[]);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("fatal BR-26 BG-25[0]/BT-146: ") && said.contains("fatal BR-15 BG-22[0]/BT-115: "), "{said}");
        let (code, said) = run(&[&wrong, &none, &folder.path().join("missing")], &["--json"]);
        let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let verdicts: Vec<&Value> = lines.iter().map(|line| &line["valid"]).collect();
        assert_eq!((code, verdicts), (2, vec![&json!(false), &Value::Null, &Value::Null]), "{said}");
    }
}

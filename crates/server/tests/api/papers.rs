//! The PDFs: what they say, and that the archived copy is the truth.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// A PDF's text with single spaces.
pub fn words(pdf: &[u8]) -> String {
    let tool = Command::new("pdftotext").args(["-raw", "-", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut tool = tool.expect("pdftotext (apt-get install poppler-utils)");
    tool.stdin.take().unwrap().write_all(pdf).unwrap();
    let output = tool.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ")
}

use serde_json::{Value, json};

use crate::house::{Company, line, text};

fn pdf(company: &Company, path: &str, document: &Value) -> Vec<u8> {
    let answer = company.api.get(&format!("/v1/{path}/{}/pdf", text(&document["id"])));
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/pdf")), "{}", answer.text());
    answer.bytes
}

#[track_caller]
fn says(paper: &str, wanted: &[&str]) {
    for words in wanted {
        assert!(paper.contains(words), "{words:?} is not in: {paper}");
    }
}

on_both_engines! {
    /// The archive is the truth: printed once, then served byte for byte.
    fn a_booked_documents_pdf_is_archived_and_served_byte_for_byte(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let invoice = company.invoice(&customer, json!([line(&price, "1")]));
        let place = format!("/v1/invoices/{}/pdf", text(&invoice["id"]));
        let first = company.api.get(&place);
        let tag = first.header("etag").unwrap().to_owned();
        company.api.patch(&format!("/v1/customers/{}", text(&customer)), &json!({ "name": "New name" })).is(200);
        let again = company.api.get(&place);
        assert_eq!(again.bytes, first.bytes);
        // As a draft there is nothing to preview: what is booked is what is served.
        assert_eq!(company.api.get(&format!("{place}?draft=true")).bytes, first.bytes);
        let known = company.api.raw("GET", &place, &[("if-none-match", &tag)], b"");
        assert_eq!((known.status, known.bytes.len()), (304, 0));
        let kept = house.books.value(&format!("select sha256 from files where document_id = '{}'", text(&invoice["id"])));
        assert_eq!(tag, format!("\"{kept}\""));
        assert!(again.header("content-disposition").unwrap().contains("INV-00001.pdf"));
    }

    /// A credit note says what it credits, why, and how it is settled.
    fn a_credit_note_names_the_invoice_the_reason_and_the_settlement(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("1299.5"));
        let invoice = company.invoice(&customer, json!([line(&price, "2")]));
        let more = json!({ "reason": "return", "date": invoice["date"] });
        let note = company.credit(&customer, Some(&invoice), json!([line(&price, "1")]), more).is(201);
        company.sent("credit-notes", &note);
        let paper = words(&pdf(&company, "credit-notes", &note));
        says(&paper, &["Kreditnota CN-00001", "Krediterer faktura INV-00001", "Årsag: Returnering", "−1.299,50", "−324,88"]);
        says(&paper, &["−1.624,38 DKK", "Modregnet i faktura INV-00001", "1.624,38 DKK", "CVR-nr. 12345674", "Side 1 af 1"]);
    }

    /// In the buyer's language, with the law's words where no VAT is charged.
    fn an_english_reverse_charge_invoice_says_so(house) {
        let company = house.company();
        let customer = company.customer(json!({
            "name": "Müller & Söhne GmbH", "countryCode": "DE", "vatZone": "eu", "vatNumber": "DE136695976", "language": "en",
            "address": "Unter den Linden 5", "postalCode": "10117", "city": "Berlin",
        }));
        let price = company.price_with(json!({ "name": "Consulting", "unit": "HUR" }), json!({ "unitAmount": "950" }));
        let invoice = company.invoice(&customer, json!([line(&price, "7.5")]));
        assert_eq!((&invoice["vatBreakdown"][0]["vatCategory"], &invoice["vat"]), (&json!("AE"), &json!("0.00")));
        let paper = words(&pdf(&company, "invoices", &invoice));
        says(&paper, &["Invoice INV-00001", "Consulting", "7.5 hours", "7,125.00 DKK", "Reverse charge", "DE136695976", "Germany"]);
    }

    /// A company that tries things out can't mistake its papers for real ones.
    fn a_test_companys_papers_are_marked_test(house) {
        let company = house.company_with(&["--country", "DK", "--test"]);
        assert!(company.api.key.starts_with("lb_test_"));
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let invoice = company.invoice(&customer, json!([line(&price, "1")]));
        says(&words(&pdf(&company, "invoices", &invoice)), &["T E S T", "INV-00001"]);
    }

    /// Another currency prints the VAT in that of the books (EN 16931 BT-111).
    fn a_foreign_currency_prints_the_rate_and_the_vat_in_the_books_currency(house) {
        let company = house.company();
        let rate = json!({ "currency": "EUR", "date": "2026-01-01", "rate": "7.46" });
        company.api.send("PUT", "/v1/exchange-rates", &rate).is(200);
        let customer = company.customer(json!({ "currency": "EUR", "language": "en" }));
        let price = company.price_with(json!({}), json!({ "unitAmount": "100", "currency": "EUR" }));
        let invoice = company.invoice(&customer, json!([line(&price, "1")]));
        // 100.00 EUR and 25.00 VAT; at 7.46 the VAT is 186.50 and the whole 932.50 DKK.
        assert_eq!((&invoice["exchangeRate"], &invoice["baseVat"], &invoice["baseAmount"]), (&json!("7.46"), &json!("186.50"), &json!("932.50")));
        let paper = words(&pdf(&company, "invoices", &invoice));
        says(&paper, &["125.00 EUR", "VAT in DKK 186.50", "Exchange rate: 1 EUR = 7.46 DKK"]);
        let note = company.credit(&customer, Some(&invoice), json!([line(&price, "1")]), json!({})).is(201);
        let note = company.sent("credit-notes", &note);
        assert_eq!((&note["baseVat"], &note["baseAmount"]), (&json!("-186.50"), &json!("-932.50")));
        assert_eq!(company.balances(), Vec::<Vec<String>>::new());
        company.check_books();
    }
}

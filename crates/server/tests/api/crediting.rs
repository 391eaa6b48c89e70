//! Crediting through the API: what a line means, what is refused, and what is left.

use serde_json::{Value, json};

use crate::house::{Company, House, line, text};

/// A company with a customer and an invoice of 2 × 300.00 and 1 × 200.00, of two products.
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
    let honey = company.price_with(json!({ "name": "Honey" }), json!({ "unitAmount": "300" }));
    let wax = company.price_with(json!({ "name": "Wax" }), json!({ "unitAmount": "200" }));
    let invoice = company.invoice(&customer, json!([line(&honey, "2"), line(&wax, "1")]));
    Sold { company, customer, honey, wax, invoice }
}

impl Sold {
    fn credit(&self, lines: Value) -> crate::house::Answer {
        self.company.credit(&self.customer, Some(&self.invoice), lines, json!({}))
    }

    /// Total price and VAT of each line of a note, and which invoice line it credits.
    fn lines(note: &Value) -> Vec<(&str, &str, &Value)> {
        let lines = note["lines"].as_array().unwrap().iter();
        lines.map(|line| (text(&line["totalPrice"]), text(&line["vatAmount"]), &line["invoiceLineId"])).collect()
    }
}

/// A price of a product that is sold exempt from VAT.
fn exempt(company: &Company) -> Value {
    let group = exempt_group(company);
    company.price_with(json!({ "name": "Course", "productGroupId": group }), json!({ "unitAmount": "50" }))
}

fn exempt_group(company: &Company) -> Value {
    let account = company.api.get("/v1/accounts?accountNumber=1070").is(200)[0]["id"].clone();
    let group = json!({
        "number": "EXEMPT", "name": "Exempt", "domesticAccountId": account, "euAccountId": account,
        "abroadAccountId": account, "domesticWithoutVatAccountId": account,
    });
    company.api.post("/v1/product-groups", &group).is(201)["id"].clone()
}

on_both_engines! {
    /// Price, discount, VAT and text are the invoice line's, whatever became of them since.
    fn a_line_is_credited_as_it_was_invoiced_not_as_the_catalogue_is_now(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let sold = json!({ "priceId": price, "quantity": "2", "description": "Heather honey", "discountPercent": "10" });
        let body = json!({ "customerId": customer, "date": "2026-01-05", "lines": [sold] });
        let invoice = company.api.post("/v1/invoices", &body).is(201);
        let invoice = company.sent("invoices", &invoice);
        assert_eq!((&invoice["subtotal"], &invoice["vat"]), (&json!("540.00"), &json!("135.00")));

        let product = format!("/v1/products/{}", text(&invoice["lines"][0]["productId"]));
        company.api.patch(&product, &json!({ "name": "Sugar", "isActive": false })).is(200);
        company.api.post(&format!("/v1/product-prices/{}/archive", text(&price)), &json!({})).is(200);
        let codes = company.api.get("/v1/vat-codes").is(200);
        let code = codes.as_array().unwrap().iter().find(|code| code["vatCode"] == "U25").unwrap();
        company.api.patch(&format!("/v1/vat-codes/{}", text(&code["id"])), &json!({ "vatRate": "20", "validFrom": "2026-01-06" })).is(200);
        let place = format!("/v1/customers/{}", text(&customer));
        company.api.patch(&place, &json!({ "isActive": false, "name": "Café Lukket" })).is(200);
        company.api.post("/v1/invoices", &json!({ "customerId": customer, "lines": [line(&price, "1")] }))
            .refused(400, "CUSTOMER_INACTIVE");

        let note = company.credit(&customer, Some(&invoice), json!([line(&price, "1")]), json!({})).is(201);
        let credited = &note["lines"][0];
        assert_eq!((&credited["description"], &credited["unitPrice"]), (&json!("Heather honey"), &json!("300.00")));
        assert_eq!((&credited["discountPercent"], &credited["vatRate"]), (&json!("10"), &json!("25")));
        assert_eq!((&note["subtotal"], &note["vat"]), (&json!("-270.00"), &json!("-67.50")));
        company.sent("credit-notes", &note);
        let rest = company.credit(&customer, Some(&invoice), json!([line(&price, "1")]), json!({})).is(201);
        company.sent("credit-notes", &rest);
        assert_eq!(company.balances(), Vec::<Vec<String>>::new());
        company.check_books();
    }

    /// Each thing a line was made of changes by itself: the credit is still the invoice line's.
    fn a_credit_follows_the_invoice_whatever_changed(house) {
        type Change = fn(&Company, &Value, &Value);
        let changes: [(&str, Change); 5] = [
            ("product", |company, invoice, _| {
                let product = format!("/v1/products/{}", text(&invoice["lines"][0]["productId"]));
                company.api.patch(&product, &json!({ "name": "Sugar", "unit": "KGM", "isActive": false })).is(200);
            }),
            ("group of the product", |company, invoice, _| {
                let group = exempt_group(company);
                let product = format!("/v1/products/{}", text(&invoice["lines"][0]["productId"]));
                company.api.patch(&product, &json!({ "productGroupId": group })).is(200);
            }),
            ("price", |company, invoice, _| {
                let price = text(&invoice["lines"][0]["priceId"]).to_owned();
                company.api.post(&format!("/v1/product-prices/{price}/disable"), &json!({})).is(200);
            }),
            ("VAT rate", |company, _, _| {
                let codes = company.api.get("/v1/vat-codes").is(200);
                let code = codes.as_array().unwrap().iter().find(|code| code["vatCode"] == "U25").unwrap();
                let rate = json!({ "vatRate": "20", "validFrom": "2026-01-06" });
                company.api.patch(&format!("/v1/vat-codes/{}", text(&code["id"])), &rate).is(200);
            }),
            ("customer", |company, _, customer| {
                let changes = json!({ "vatZone": "eu", "countryCode": "DE", "vatNumber": "DE136695976", "currency": "EUR" });
                company.api.patch(&format!("/v1/customers/{}", text(customer)), &changes).is(200);
            }),
        ];
        for (what, change) in changes {
            let company = house.company();
            let (customer, price) = (company.customer(json!({})), company.price("300"));
            let sold = json!({ "priceId": price, "quantity": "2", "discountPercent": "10" });
            let body = json!({ "customerId": customer, "date": "2026-01-05", "lines": [sold] });
            let invoice = company.sent("invoices", &company.api.post("/v1/invoices", &body).is(201));
            change(&company, &invoice, &customer);
            let (first, part) = (&invoice["lines"][0], json!({ "lines": [{ "invoiceLineId": invoice["lines"][0]["id"], "quantity": "1" }] }));
            let note = company.api.post(&format!("/v1/invoices/{}/credit", text(&invoice["id"])), &part).is(201);
            let credited = &note["lines"][0];
            for field in ["description", "unit", "unitPrice", "discountPercent", "vatRate", "vatCategory", "priceId", "productId"] {
                assert_eq!(credited[field], first[field], "{what}: {field}");
            }
            assert_eq!((&note["subtotal"], &note["vat"], &note["currency"]), (&json!("-270.00"), &json!("-67.50"), &json!("DKK")), "{what}");
            let rest = company.api.post(&format!("/v1/invoices/{}/credit", text(&invoice["id"])), &json!({})).is(201);
            company.sent("credit-notes", &note);
            company.sent("credit-notes", &rest);
            assert_eq!(company.balances(), Vec::<Vec<String>>::new(), "{what}");
        }
    }

    /// A price of the caller's credits so much less; the rest gives back what is left.
    fn a_unit_price_of_the_callers_leaves_the_rest_for_later(house) {
        let sold = sold(house);
        let cheaper = json!([{ "priceId": sold.honey, "quantity": "1", "unitPrice": "100" }]);
        let note = sold.credit(cheaper).is(201);
        assert_eq!((&note["subtotal"], &note["vat"]), (&json!("-100.00"), &json!("-25.00")));
        // 500.00 of the line are left for one.
        let note = sold.credit(json!([line(&sold.honey, "1")])).is(201);
        assert_eq!((&note["subtotal"], &note["vat"]), (&json!("-500.00"), &json!("-125.00")));
        sold.credit(json!([line(&sold.honey, "1")])).refused(400, "CREDIT_NOTE_EXCEEDS_INVOICE");
    }

    /// A price on several lines means them in their order, and the note's line is split.
    fn a_price_on_several_lines_is_credited_in_line_order(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let cheaper = json!({ "priceId": price, "quantity": "3", "unitPrice": "100" });
        let invoice = company.invoice(&customer, json!([line(&price, "2"), cheaper]));
        let (first, second) = (&invoice["lines"][0]["id"], &invoice["lines"][1]["id"]);
        let credit = |quantity| company.credit(&customer, Some(&invoice), json!([line(&price, quantity)]), json!({}));
        let details = credit("5.5").refused(400, "CREDIT_NOTE_EXCEEDS_INVOICE");
        assert_eq!((&details["invoiceLineId"], &details["billed"], &details["asked"]), (second, &json!("3"), &json!("3.5")));
        let note = credit("4").is(201);
        assert_eq!(Sold::lines(&note), [("-600.00", "-150.00", first), ("-200.00", "-50.00", second)]);
        assert_eq!((&note["lines"][0]["quantity"], &note["lines"][1]["quantity"]), (&json!("2"), &json!("2")));
        let note = credit("1").is(201);
        assert_eq!(Sold::lines(&note), [("-100.00", "-25.00", second)]);
        credit("0.000001").refused(400, "CREDIT_NOTE_EXCEEDS_INVOICE");
    }

    /// A line of another price counts against the VAT group of its rate, over what is left of each line.
    fn a_line_that_is_not_on_the_invoice_is_spread_over_its_vat_group(house) {
        let sold = sold(house);
        let bonus = sold.company.price("400");
        let note = sold.credit(json!([line(&bonus, "1")])).is(201);
        assert_eq!(Sold::lines(&note), [("-400.00", "-100.00", &json!(null))]);
        // 600.00 and 200.00 stand open: three quarters and one quarter of 400.00.
        let shares = sold.company.house.books.rows(&format!(
            "select net, vat from credit_shares where company_id = '{}' order by net", sold.company.id
        ));
        let expected = [["10000", "2500"], ["30000", "7500"]];
        assert_eq!(shares, expected.map(|row| row.map(str::to_owned).to_vec()));
        let details = sold.credit(json!([line(&bonus, "2")])).refused(400, "CREDIT_NOTE_EXCEEDS_INVOICE");
        assert_eq!((&details["billed"], &details["credited"], &details["asked"]), (&json!("800.00"), &json!("400.00"), &json!("800.00")));
        // What is left of the honey's 600.00 goes with its two pieces.
        let note = sold.credit(json!([line(&sold.honey, "2"), line(&sold.wax, "1")])).is(201);
        assert_eq!((&note["subtotal"], &note["vat"]), (&json!("-400.00"), &json!("-100.00")));
        let invoice = sold.company.now("invoices", &sold.invoice);
        assert_eq!((&invoice["creditState"], &invoice["creditedAmount"]), (&json!("full"), &invoice["amount"]));
        // A rate the invoice has no group of.
        let details = sold.credit(json!([line(&exempt(&sold.company), "1")])).refused(400, "CREDIT_NOTE_LINE_NOT_ON_INVOICE");
        assert_eq!(details["property"], "lines.0.priceId");
    }

    /// Lines of several invoices in one note: each is marked, each is listed, and each is set off.
    fn one_note_credits_lines_of_several_invoices(house) {
        let sold = sold(house);
        let company = &sold.company;
        let other = company.invoice(&sold.customer, json!([line(&sold.honey, "1")]));
        let of = |invoice: &Value| json!({ "invoiceLineId": invoice["lines"][0]["id"], "quantity": "1" });
        let lines = json!([of(&sold.invoice), of(&other)]);
        // Named by number, a note stays with that invoice.
        let details = sold.credit(lines.clone()).refused(400, "CREDIT_NOTE_LINE_NOT_ON_INVOICE");
        assert_eq!(details["property"], "lines.1.invoiceLineId");
        let note = company.credit(&sold.customer, None, lines, json!({})).is(201);
        assert_eq!((&note["invoiceNumber"], &note["invoiceId"], &note["amount"]), (&json!(null), &json!(null), &json!("-750.00")));
        let listed: Vec<&Value> = note["creditedInvoices"].as_array().unwrap().iter().map(|i| &i["number"]).collect();
        assert_eq!(listed, [&sold.invoice["number"], &other["number"]]);
        for invoice in [&sold.invoice, &other] {
            let now = company.now("invoices", invoice);
            assert_eq!((&now["status"], &now["pendingCreditAmount"]), (&json!("credited"), &json!("375.00")));
            assert_eq!(now["openAmount"], invoice["amount"], "a draft settles nothing");
        }
        let note = company.sent("credit-notes", &note);
        assert_eq!((&note["allocatedAmount"], &note["remainingAmount"]), (&json!("750.00"), &json!("0.00")));
        // 1,000.00 less 375.00, and 375.00 less 375.00.
        assert_eq!(company.now("invoices", &sold.invoice)["openAmount"], "625.00");
        let now = company.now("invoices", &other);
        assert_eq!((&now["openAmount"], &now["settlement"], &now["creditState"]), (&json!("0.00"), &json!("settled"), &json!("full")));
        company.check_books();
    }

    /// What can't be credited says why, and changes nothing.
    fn what_can_not_be_credited_says_why(house) {
        let sold = sold(house);
        let company = &sold.company;
        let before = company.house.books.state(&company.id);
        let stranger = company.customer(json!({ "name": "Fru Hansen", "customerType": "private", "vatNumber": null }));
        let euro = company.price_with(json!({}), json!({ "unitAmount": "10", "currency": "EUR" }));
        let draft = company.draft(&sold.customer, json!([line(&sold.honey, "1")]));
        let seen = company.house.books.state(&company.id);
        assert_ne!(before, seen, "the state is told by what is in the tables");
        let honey = || json!([line(&sold.honey, "1")]);
        let refused = |customer: &Value, invoice: Option<&Value>, lines: Value, more: Value, code: &str| {
            company.credit(customer, invoice, lines, more).refused(400, code)
        };
        let invoice = Some(&sold.invoice);
        refused(&stranger, invoice, honey(), json!({}), "CREDIT_NOTE_CUSTOMER_MISMATCH");
        let details = refused(&sold.customer, invoice, json!([line(&euro, "1")]), json!({ "currency": "EUR" }), "CREDIT_NOTE_CURRENCY_MISMATCH");
        assert_eq!((&details["invoiceCurrency"], &details["currency"]), (&json!("DKK"), &json!("EUR")));
        let of_draft = json!([{ "invoiceLineId": draft["lines"][0]["id"], "quantity": "1" }]);
        refused(&sold.customer, None, of_draft, json!({}), "INVOICE_NOT_CREDITABLE");
        refused(&sold.customer, invoice, honey(), json!({ "date": "2020-01-01" }), "CREDIT_NOTE_DATE_BEFORE_INVOICE");
        let other_price = json!([{ "invoiceLineId": sold.invoice["lines"][0]["id"], "priceId": sold.wax, "quantity": "1" }]);
        refused(&sold.customer, invoice, other_price, json!({}), "CREDIT_NOTE_LINE_NOT_ON_INVOICE");
        let unknown = json!([{ "invoiceLineId": "01930000-0000-7000-8000-000000000000", "quantity": "1" }]);
        company.credit(&sold.customer, None, unknown, json!({})).refused(404, "INVOICE_LINE_NOT_FOUND");
        company.credit(&sold.customer, None, honey(), json!({ "invoiceNumber": draft["id"] })).refused(404, "INVOICE_NOT_FOUND");
        // One line that would do beside one that would not.
        let lines = json!([line(&sold.wax, "1"), line(&sold.honey, "2.5")]);
        let details = refused(&sold.customer, invoice, lines, json!({}), "CREDIT_NOTE_EXCEEDS_INVOICE");
        let expected = json!({
            "property": "lines.1", "line": 1, "invoiceNumber": sold.invoice["number"], "what": "quantity",
            "invoiceLineId": sold.invoice["lines"][0]["id"], "billed": "2", "credited": "0", "asked": "2.5",
        });
        assert_eq!(details, expected);
        // The second of two lines that mean the same goes too far.
        let lines = json!([line(&sold.honey, "2"), line(&sold.honey, "0.5")]);
        let details = refused(&sold.customer, invoice, lines, json!({}), "CREDIT_NOTE_EXCEEDS_INVOICE");
        assert_eq!((&details["line"], &details["property"], &details["credited"]), (&json!(1), &json!("lines.1"), &json!("2")));
        let dear = json!([{ "priceId": sold.honey, "quantity": "1", "unitPrice": "600.01" }]);
        let details = refused(&sold.customer, invoice, dear, json!({}), "CREDIT_NOTE_EXCEEDS_INVOICE");
        assert_eq!((&details["what"], &details["billed"], &details["asked"]), (&json!("amount"), &json!("600.00"), &json!("600.01")));
        assert_eq!(company.house.books.state(&company.id), seen, "nothing was written");
    }

    /// The date of a note is the invoice's where that is later than today.
    fn a_note_is_dated_no_earlier_than_its_invoice(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let body = json!({ "customerId": customer, "date": "2027-06-01", "lines": [line(&price, "1")] });
        let invoice = company.api.post("/v1/invoices", &body).is(201);
        let invoice = company.sent("invoices", &invoice);
        let note = company.credit(&customer, Some(&invoice), json!([line(&price, "1")]), json!({})).is(201);
        assert_eq!(note["date"], "2027-06-01");
    }

    /// An invoice of another system, a bonus over a period, and the reason are kept and printed.
    fn a_note_may_refer_to_an_invoice_of_another_system(house) {
        let sold = sold(house);
        let more = json!({
            "externalInvoice": { "number": "2019-4711", "date": "2019-12-30" }, "reason": "volume_bonus",
            "creditedPeriod": { "from": "2019-01-01", "to": "2019-12-31" },
        });
        let made = |more: Value| sold.company.credit(&sold.customer, None, json!([line(&sold.honey, "9")]), more);
        let note = made(more.clone()).is(201);
        for field in ["externalInvoice", "reason", "creditedPeriod"] {
            assert_eq!(note[field], more[field], "{field}");
        }
        assert_eq!((&note["amount"], &note["creditedInvoices"]), (&json!("-3375.00"), &json!([])));
        made(json!({ "reason": "because" })).faulty("reason", "isIn");
        made(json!({ "externalInvoice": { "number": "1" } })).faulty("externalInvoice.date", "isNotEmpty");
        // Sent, it stays as the customer's credit: there is nothing to set it off against.
        let note = sold.company.sent("credit-notes", &note);
        assert_eq!((&note["allocatedAmount"], &note["remainingAmount"]), (&json!("0.00"), &json!("3375.00")));
        sold.company.check_books();
    }

    /// 3 × 89.33 and VAT is 334.99: line by line, in any order, 334.99 comes back, and not 335.00.
    fn three_partial_credits_of_334_99_come_to_334_99(house) {
        let company = house.company();
        let customer = company.customer(json!({}));
        let prices: Vec<Value> = (0..3).map(|_| company.price("89.33")).collect();
        let lines: Vec<Value> = prices.iter().map(|price| line(price, "1")).collect();
        let invoice = company.invoice(&customer, json!(lines));
        assert_eq!(invoice["amount"], "334.99");
        for (at, price) in prices.iter().enumerate().rev() {
            let note = company.credit(&customer, Some(&invoice), json!([line(price, "1")]), json!({})).is(201);
            let billed = text(&invoice["lines"][at]["vatAmount"]);
            assert_eq!(note["vat"], format!("-{billed}"), "the VAT of the line it credits");
            company.sent("credit-notes", &note);
        }
        let invoice = company.now("invoices", &invoice);
        assert_eq!((&invoice["creditedAmount"], &invoice["openAmount"]), (&json!("334.99"), &json!("0.00")));
        assert_eq!(company.balances(), Vec::<Vec<String>>::new());
    }

    /// Lines of text are no money; a note of text alone credits nothing and is refused.
    fn text_and_separators_stand_between_the_lines(house) {
        let sold = sold(house);
        let words = json!({ "lineType": "text", "description": "As agreed by telephone" });
        let lines = json!([words, { "lineType": "separator" }, line(&sold.wax, "1")]);
        let note = sold.credit(lines).is(201);
        let kinds: Vec<&Value> = note["lines"].as_array().unwrap().iter().map(|line| &line["lineType"]).collect();
        assert_eq!(kinds, ["text", "separator", "product"]);
        assert_eq!((&note["lines"][0]["totalPrice"], &note["amount"]), (&json!(null), &json!("-250.00")));
        let answer = sold.credit(json!([words]));
        assert_eq!(answer.status, 400, "{}", answer.text());
    }

    /// The discount of the customer's group is the default of lines that say none.
    fn a_groups_discount_is_taken_and_given_back(house) {
        let company = house.company();
        let groups = company.api.get("/v1/customer-groups").is(200);
        let group = json!({ "name": "Resellers", "discount": "12.5", "accountId": groups[0]["accountId"] });
        let group = company.api.post("/v1/customer-groups", &group).is(201)["id"].clone();
        let (customer, price) = (company.customer(json!({ "customerGroupId": group })), company.price("80"));
        let own = json!({ "priceId": price, "quantity": "1", "unitPrice": "80" });
        let invoice = company.invoice(&customer, json!([line(&price, "1"), own]));
        assert_eq!((&invoice["lines"][0]["discountPercent"], &invoice["lines"][0]["totalPrice"]), (&json!("12.5"), &json!("70.00")));
        assert_eq!((&invoice["lines"][1]["discountPercent"], &invoice["lines"][1]["totalPrice"]), (&json!("0"), &json!("80.00")));
        company.api.patch(&format!("/v1/customer-groups/{}", text(&group)), &json!({ "discount": "50" })).is(200);
        let note = company.credit(&customer, Some(&invoice), json!([line(&price, "2")]), json!({})).is(201);
        assert_eq!(Sold::lines(&note).iter().map(|l| l.0).collect::<Vec<_>>(), ["-70.00", "-80.00"]);
    }
}

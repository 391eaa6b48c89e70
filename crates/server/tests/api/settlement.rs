//! Settling through the API: payments, allocations, refunds, write-offs, and what they post.

use std::thread;

use serde_json::{Value, json};

use crate::house::{Answer, Company, House, line, text};

const DAY: &str = "2026-06-10";

/// A company in Danish kroner with a customer billed in euro, and the rates of three days.
struct Abroad {
    company: Company,
    customer: Value,
    price: Value,
}

fn abroad(house: &'static House) -> Abroad {
    let company = house.company();
    let rates = [("2026-03-01", "7.50"), ("2026-04-01", "7.40"), ("2026-05-01", "7.60")];
    for (date, rate) in rates {
        let body = json!({ "currency": "EUR", "date": date, "rate": rate });
        company.api.send("PUT", "/v1/exchange-rates", &body).is(200);
    }
    let customer = company.customer(json!({ "currency": "EUR" }));
    let price = company.price_with(json!({}), json!({ "unitAmount": "100", "currency": "EUR" }));
    Abroad { company, customer, price }
}

impl Abroad {
    /// An invoice over 100.00 and VAT in euro, at 7.50.
    fn invoice(&self) -> Value {
        let body = json!({ "customerId": self.customer, "date": "2026-03-01", "lines": [line(&self.price, "1")] });
        let draft = self.company.api.post("/v1/invoices", &body).is(201);
        self.company.sent("invoices", &draft)
    }

    /// A credit note over 40.00 and VAT in euro that stands for itself, at 7.40.
    fn note(&self) -> Value {
        let lines = json!([line(&self.price, "0.4")]);
        let note = self.company.credit(&self.customer, None, lines, json!({ "date": "2026-04-01" })).is(201);
        self.company.sent("credit-notes", &note)
    }
}

pub fn place(path: &str, resource: &Value, below: &str) -> String {
    format!("/v1/{path}/{}/{below}", text(&resource["id"]))
}

pub fn pay(company: &Company, invoice: &Value, amount: &str, date: &str) -> Answer {
    company.api.post(&place("invoices", invoice, "payments"), &json!({ "amount": amount, "date": date }))
}

/// The lines of an entry as an accountant writes them: account, amount, base amount; debit is above zero.
pub fn entry(company: &Company, id: &Value) -> Vec<String> {
    let rows = company.house.books.rows(&format!(
        "select a.account_number, p.amount, p.base_amount from postings p join accounts a \
         on a.company_id = p.company_id and a.id = p.account_id where p.company_id = '{}' and p.entry_id = '{}' \
         order by p.position",
        company.id,
        text(id)
    ));
    rows.into_iter().map(|row| row.join(" ")).collect()
}

/// The entry that takes another back.
pub fn reversal(company: &Company, id: &Value) -> Vec<String> {
    let sql = format!(
        "select id from journal_entries where company_id = '{}' and reverses_entry_id = '{}'",
        company.id,
        text(id)
    );
    entry(company, &json!(company.house.books.value(&sql)))
}

/// The same lines on the other side.
pub fn mirrored(lines: &[&str]) -> Vec<String> {
    let other = |number: &str| match number.strip_prefix('-') {
        Some(digits) => digits.to_owned(),
        None if number == "0" => number.to_owned(),
        None => format!("-{number}"),
    };
    let mirror = |line: &&str| {
        let parts: Vec<&str> = line.split(' ').collect();
        format!("{} {} {}", parts[0], other(parts[1]), other(parts[2]))
    };
    lines.iter().map(mirror).collect()
}

/// What is open of a customer is what stands on the receivables accounts, and the books hold together.
pub fn check(company: &Company) {
    company.check_books();
    let sql = "select coalesce(sum(p.base_amount), 0) from postings p join accounts a on a.company_id = p.company_id \
               and a.id = p.account_id where a.control_type = 'ACCOUNTS_RECEIVABLE' and p.company_id = ";
    let control = company.house.books.value(&format!("{sql}'{}'", company.id));
    let items = "select coalesce(sum(base_open_amount), 0) from open_items where company_id = ";
    assert_eq!(control, company.house.books.value(&format!("{items}'{}'", company.id)));
}

on_both_engines! {
    /// The table of postings of the specification, row by row: 100.00 EUR and 25.00 VAT at 7.50
    /// (750.00 and 187.50 DKK), paid at 7.40 or 7.60. Accounts: 5600 receivables, 5820 bank,
    /// 3010 bad debt, 4010 exchange differences, 6902 output VAT.
    fn each_row_of_the_postings_table_in_both_currencies(house) {
        let abroad = abroad(house);
        let company = &abroad.company;

        // Invoice: receivable 125.00 (937.50) to revenue 100.00 (750.00) and VAT 25.00 (187.50).
        let invoice = abroad.invoice();
        let booked = entry(company, &invoice["journalEntryId"]);
        assert_eq!((booked[0].as_str(), booked[2].as_str()), ("5600 12500 93750", "6902 -2500 -18750"));
        assert!(booked[1].ends_with(" -10000 -75000"), "{booked:?}");

        // Credit note on the invoice, a fifth of it: the mirror at the invoice's rate, then set off at par.
        let note = company.credit(&abroad.customer, Some(&invoice), json!([line(&abroad.price, "0.2")]), json!({})).is(201);
        let note = company.sent("credit-notes", &note);
        let booked = entry(company, &note["journalEntryId"]);
        assert_eq!((booked[0].as_str(), booked[2].as_str()), ("5600 -2500 -18750", "6902 500 3750"));
        let set_off = company.api.get(&place("credit-notes", &note, "allocations")).is(200)["data"][0].clone();
        let lines = ["5600 2500 18750", "5600 -2500 -18750"];
        assert_eq!(entry(company, &set_off["journalEntryId"]), lines);
        let path = format!("{}/{}", place("credit-notes", &note, "allocations"), text(&set_off["id"]));
        assert_eq!(company.api.delete(&path).status, 204);
        assert_eq!(reversal(company, &set_off["journalEntryId"]), mirrored(&lines));
        assert_eq!(company.now("invoices", &invoice)["openAmount"], "125.00");

        // Payment of 50.00 at 7.40 (370.00): 375.00 leave the receivable, a loss of 5.00.
        let paid = pay(company, &invoice, "50", "2026-04-01").is(201);
        let lines = ["5820 5000 37000", "5600 -5000 -37500", "4010 0 500"];
        assert_eq!(entry(company, &paid["journalEntryId"]), lines);
        assert_eq!(company.api.delete(&format!("{}/{}", place("invoices", &invoice, "payments"), text(&paid["id"]))).status, 204);
        assert_eq!(reversal(company, &paid["journalEntryId"]), mirrored(&lines));

        // Overpayment: 200.00 at 7.60 (1,520.00); 75.00 of it (570.00) are too much; a gain of 12.50.
        let over = pay(company, &invoice, "200", "2026-05-01").is(201);
        assert_eq!((&over["settledAmount"], &over["overpaidAmount"]), (&json!("125.00"), &json!("75.00")));
        let lines = ["5820 20000 152000", "5600 -12500 -93750", "5600 -7500 -57000", "4010 0 -1250"];
        assert_eq!(entry(company, &over["journalEntryId"]), lines);

        // Allocation across items: 25.00 of the overpayment (7.60: 190.00) on another invoice (7.50: 187.50).
        let other = abroad.invoice();
        let item = json!({ "id": over["openItemId"] });
        let body = json!({ "invoiceId": other["id"], "amount": "25" });
        let set_off = company.api.post(&place("open-items", &item, "allocations"), &body).is(201);
        let lines = ["5600 2500 19000", "5600 -2500 -18750", "4010 0 -250"];
        assert_eq!(entry(company, &set_off["journalEntryId"]), lines);
        company.api.delete(&format!("{}/{}", place("invoices", &invoice, "payments"), text(&over["id"]))).refused(400, "PAYMENT_CREDIT_IN_USE");
        assert_eq!(company.api.delete(&format!("{}/{}", place("open-items", &item, "allocations"), text(&set_off["id"]))).status, 204);
        assert_eq!(reversal(company, &set_off["journalEntryId"]), mirrored(&lines));

        // Standalone credit note of 50.00 at its own day's 7.40; refund of 20.00 at 7.60:
        // 148.00 leave the item, 152.00 the bank, a loss of 4.00.
        let alone = abroad.note();
        assert_eq!(entry(company, &alone["journalEntryId"])[0], "5600 -5000 -37000");
        let body = json!({ "amount": "20", "date": "2026-05-01", "reference": "4711" });
        let refund = company.api.post(&place("credit-notes", &alone, "refunds"), &body).is(201);
        let lines = ["5600 2000 14800", "5820 -2000 -15200", "4010 0 400"];
        assert_eq!(entry(company, &refund["journalEntryId"]), lines);
        assert_eq!(company.now("credit-notes", &alone)["remainingAmount"], "30.00");
        assert_eq!(company.api.delete(&format!("{}/{}", place("credit-notes", &alone, "refunds"), text(&refund["id"]))).status, 204);
        assert_eq!(reversal(company, &refund["journalEntryId"]), mirrored(&lines));

        // Write-off of all 125.00 without relief: bad debt at carry.
        let write_off = place("invoices", &other, "write-off");
        let lost = company.api.post(&write_off, &json!({ "date": "2026-05-01", "reason": "Bankruptcy" })).is(200);
        let lines = ["3010 12500 93750", "5600 -12500 -93750"];
        assert_eq!(entry(company, &lost["journalEntryId"]), lines);
        assert_eq!(company.now("invoices", &other)["status"], "uncollectible");
        assert_eq!(company.api.delete(&format!("{}/{}", place("invoices", &other, "write-offs"), text(&lost["id"]))).status, 204);
        assert_eq!(reversal(company, &lost["journalEntryId"]), mirrored(&lines));
        assert_eq!(company.now("invoices", &other)["status"], "sent");

        // With relief: 25.00 of it (187.50) off output VAT.
        let body = json!({ "date": "2026-05-01", "reason": "Bankruptcy", "vatRelief": true, "evidence": "SKS 1-234/2026" });
        let lost = company.api.post(&write_off, &body).is(200);
        let lines = ["3010 10000 75000", "6902 2500 18750", "5600 -12500 -93750"];
        assert_eq!(entry(company, &lost["journalEntryId"]), lines);
        assert_eq!((&lost["badDebtAmount"], &lost["vatAmount"]), (&json!("100.00"), &json!("25.00")));

        // Recovery of 50.00 at 7.60 (380.00): 40.00 (300.00) of bad debt and 10.00 (75.00) of VAT come back, a gain of 5.00.
        let recovered = pay(company, &other, "50", "2026-05-01").is(201);
        let lines = ["5820 5000 38000", "3010 -4000 -30000", "6902 -1000 -7500", "4010 0 -500"];
        assert_eq!(entry(company, &recovered["journalEntryId"]), lines);
        company.api.delete(&format!("{}/{}", place("invoices", &other, "write-offs"), text(&lost["id"]))).refused(400, "WRITE_OFF_RECOVERED");
        assert_eq!(company.api.delete(&format!("{}/{}", place("invoices", &other, "payments"), text(&recovered["id"]))).status, 204);
        assert_eq!(reversal(company, &recovered["journalEntryId"]), mirrored(&lines));
        // Undone, all of it can be recovered: the last unit takes all that is left.
        let recovered = pay(company, &other, "125", "2026-03-01").is(201);
        let lines = ["5820 12500 93750", "3010 -10000 -75000", "6902 -2500 -18750"];
        assert_eq!(entry(company, &recovered["journalEntryId"]), lines);
        assert_eq!(company.now("invoices", &other)["status"], "paid");
        check(company);
        crate::doctor::check_sound(company);
    }

    /// At one rate nothing is gained or lost by exchange: 3 × 33.33 EUR and 25.00 VAT at 7.4567 are 745.60 and
    /// 186.42 DKK, where 124.99 EUR by themselves would be 932.01.
    fn at_one_rate_there_is_no_exchange_difference(house) {
        let company = house.company();
        let day = "2026-03-01";
        company.api.send("PUT", "/v1/exchange-rates", &json!({ "currency": "EUR", "date": day, "rate": "7.4567" })).is(200);
        let customer = company.customer(json!({ "currency": "EUR" }));
        let price = company.price_with(json!({}), json!({ "unitAmount": "33.33", "currency": "EUR" }));
        let sold = |quantity: &str| {
            let body = json!({ "customerId": customer, "date": day, "lines": [line(&price, quantity)] });
            company.sent("invoices", &company.api.post("/v1/invoices", &body).is(201))
        };
        let invoice = sold("3");
        assert_eq!((&invoice["amount"], &invoice["baseAmount"]), (&json!("124.99"), &json!("932.02")));

        // One of three: a third of 745.60 (248.53) and of 186.42 (62.14), in all 41.66 EUR and 310.67 DKK.
        // So much leaves the invoice, of which 41.66 EUR by themselves carry 310.65.
        let part = json!({ "lines": [{ "invoiceLineId": invoice["lines"][0]["id"], "quantity": "1" }], "date": day });
        let note = company.api.post(&place("invoices", &invoice, "credit"), &part).is(201);
        let note = company.sent("credit-notes", &note);
        assert_eq!((&note["amount"], &note["baseAmount"]), (&json!("-41.66"), &json!("-310.67")));
        let set_off = company.api.get(&place("credit-notes", &note, "allocations")).is(200)["data"][0].clone();
        assert_eq!(entry(&company, &set_off["journalEntryId"]), ["5600 4166 31067", "5600 -4166 -31067"]);

        // 83.33 are left, and 10.00 are paid too much (74.57 at the rate): the bank gets what is carried.
        let paid = pay(&company, &invoice, "93.33", day).is(201);
        assert_eq!(entry(&company, &paid["journalEntryId"]), ["5820 9333 69592", "5600 -8333 -62135", "5600 -1000 -7457"]);
        // Paid out at that rate, it leaves as it came.
        let item = json!({ "id": paid["openItemId"] });
        let body = json!({ "amount": "10", "date": day, "reference": "4711" });
        let refund = company.api.post(&place("open-items", &item, "refunds"), &body).is(201);
        assert_eq!(entry(&company, &refund["journalEntryId"]), ["5600 1000 7457", "5820 -1000 -7457"]);
        let items = company.api.get(&place("customers", &json!({ "id": customer }), "open-items")).is(200);
        assert_eq!(items["data"], json!([]));

        // Only where two items close each other that were rounded each in its own way, a unit or three are left:
        // 33.33 and 8.33 by themselves are 248.53 and 62.11 DKK.
        let other = sold("1");
        assert_eq!((&other["amount"], &other["baseAmount"]), (&json!("41.66"), &json!("310.64")));
        let at = place("credit-notes", &note, "allocations");
        assert_eq!(company.api.delete(&format!("{at}/{}", text(&set_off["id"]))).status, 204);
        let set_off = company.api.post(&at, &json!({ "invoiceId": other["id"] })).is(201);
        let lines = ["5600 4166 31067", "5600 -4166 -31064", "4020 0 -3"];
        assert_eq!(entry(&company, &set_off["journalEntryId"]), lines);
        check(&company);
        crate::doctor::check_sound(&company);
    }

    /// What was paid too much is taken back with the payment, also after it was used and that was undone.
    fn an_overpayment_is_taken_back(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let invoice = company.invoice(&customer, json!([line(&price, "1")]));
        let other = company.invoice(&customer, json!([line(&price, "1")]));
        let items = || {
            let list = company.api.get(&place("customers", &json!({ "id": customer }), "open-items")).is(200);
            let open = |item: &Value| [text(&item["type"]).to_owned(), text(&item["openAmount"]).to_owned()];
            let mut open: Vec<[String; 2]> = list["data"].as_array().unwrap().iter().map(open).collect();
            open.sort();
            open
        };
        let before = items();
        assert_eq!(before, [["invoice", "375.00"], ["invoice", "375.00"]]);
        let take_back = |paid: &Value| company.api.delete(&format!("{}/{}", place("invoices", &invoice, "payments"), text(&paid["id"])));

        let paid = pay(&company, &invoice, "500", DAY).is(201);
        assert_eq!((&paid["settledAmount"], &paid["overpaidAmount"]), (&json!("375.00"), &json!("125.00")));
        assert_eq!(items(), [["invoice", "375.00"], ["overpayment", "125.00"]]);
        let lines = ["5820 50000 50000", "5600 -37500 -37500", "5600 -12500 -12500"];
        assert_eq!(entry(&company, &paid["journalEntryId"]), lines);
        assert_eq!(take_back(&paid).status, 204);
        assert_eq!(reversal(&company, &paid["journalEntryId"]), mirrored(&lines));
        assert_eq!(items(), before);
        assert_eq!(company.now("invoices", &invoice)["status"], "sent");
        take_back(&paid).refused(400, "PAYMENT_REVERSED");

        // Paid anew, set off against the other invoice and paid out in part: first that is taken back.
        let paid = pay(&company, &invoice, "500", DAY).is(201);
        let item = json!({ "id": paid["openItemId"] });
        let (set_offs, refunds) = (place("open-items", &item, "allocations"), place("open-items", &item, "refunds"));
        let set_off = company.api.post(&set_offs, &json!({ "invoiceId": other["id"], "amount": "100" })).is(201);
        let refund = company.api.post(&refunds, &json!({ "amount": "25", "date": DAY, "reference": "4711" })).is(201);
        let details = take_back(&paid).refused(400, "PAYMENT_CREDIT_IN_USE");
        assert_eq!(details["openItemId"], paid["openItemId"]);
        assert_eq!(company.api.delete(&format!("{set_offs}/{}", text(&set_off["id"]))).status, 204);
        take_back(&paid).refused(400, "PAYMENT_CREDIT_IN_USE");
        assert_eq!(company.api.delete(&format!("{refunds}/{}", text(&refund["id"]))).status, 204);
        assert_eq!(items(), [["invoice", "375.00"], ["overpayment", "125.00"]]);
        assert_eq!(take_back(&paid).status, 204);
        assert_eq!(items(), before);
        // What is gone is no credit any more.
        company.api.post(&set_offs, &json!({ "invoiceId": other["id"] })).refused(400, "AMOUNT_EXCEEDS_OPEN");
        assert_eq!(company.now("invoices", &other)["openAmount"], "375.00");
        check(&company);
        crate::doctor::check_sound(&company);
    }

    /// A payment in parts: status, facts, the list of payments; what is wrong says why and changes nothing.
    fn an_invoice_is_paid_in_parts_and_payments_are_taken_back(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let invoice = company.invoice(&customer, json!([line(&price, "1")]));
        let payments = place("invoices", &invoice, "payments");
        let answer = company.api.post(&payments, &json!({ "amount": "100", "date": DAY, "reference": "+71<", "method": "cash" }));
        let at = answer.header("location").unwrap().to_owned();
        let first = answer.is(201);
        assert_eq!(at, format!("/api{payments}/{}", text(&first["id"])));
        assert_eq!(company.api.get(at.strip_prefix("/api").unwrap()).is(200), first);
        let now = company.now("invoices", &invoice);
        assert_eq!((&now["status"], &now["openAmount"], &now["paidAmount"]), (&json!("partially_paid"), &json!("275.00"), &json!("100.00")));
        assert_eq!(now["settlement"], "partially_settled");
        let second = pay(&company, &invoice, "275.00", DAY).is(201);
        let now = company.now("invoices", &invoice);
        assert_eq!((&now["status"], &now["openAmount"], &now["settlement"]), (&json!("paid"), &json!("0.00"), &json!("settled")));
        let list = company.api.get(&format!("{payments}?limit=1")).is(200);
        assert_eq!((&list["total"], &list["data"][0]["id"]), (&json!(2), &first["id"]));
        let next = company.api.get(&format!("{payments}?cursor={}", text(&list["nextCursor"]))).is(200);
        assert_eq!((&next["data"][0]["id"], &next["nextCursor"]), (&second["id"], &json!(null)));

        assert_eq!(company.api.delete(&format!("{payments}/{}", text(&second["id"]))).status, 204);
        company.api.delete(&format!("{payments}/{}", text(&second["id"]))).refused(400, "PAYMENT_REVERSED");
        assert_eq!(company.now("invoices", &invoice)["openAmount"], "275.00");
        assert!(company.api.get(&payments).is(200)["data"][1]["reversedAt"].is_string());

        let draft = company.draft(&customer, json!([line(&price, "1")]));
        company.settle();
        let before = house.books.state(&company.id);
        pay(&company, &draft, "1", DAY).refused(400, "DOCUMENT_NOT_BOOKED");
        pay(&company, &invoice, "0", DAY).faulty("amount", "isPositive");
        pay(&company, &invoice, "1.005", DAY).faulty("amount", "isDecimal");
        pay(&company, &invoice, "1", "2099-01-01").refused(400, "DOCUMENT_DATE_TOO_FAR_AHEAD");
        let write_off = |body: Value| company.api.post(&place("invoices", &invoice, "write-off"), &body);
        write_off(json!({ "date": DAY, "reason": "x", "vatRelief": true })).faulty("evidence", "isNotEmpty");
        let details = write_off(json!({ "date": DAY, "reason": "x", "amount": "275.01" })).refused(400, "AMOUNT_EXCEEDS_OPEN");
        assert_eq!((&details["asked"], &details["open"]), (&json!("275.01"), &json!("275.00")));
        assert_eq!(house.books.state(&company.id), before);
        let events = house.books.rows(&format!(
            "select type from events where company_id = '{}' and (type like 'payment%' or type like 'invoice.pa%') order by sequence", company.id
        ));
        let expected = ["payment.recorded", "invoice.partially_paid", "payment.recorded", "invoice.paid"];
        assert_eq!(events.concat()[..4], expected);
        check(&company);
    }

    /// A credit is set off and paid out up to what is open on each side, of one customer and one currency.
    fn a_credit_is_used_up_to_what_is_open(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let invoice = company.invoice(&customer, json!([line(&price, "1")]));
        let draft = company.credit(&customer, None, json!([line(&price, "0.5")]), json!({})).is(201);
        let set_off = |note: &Value, invoice: &Value, amount: Value| {
            let mut body = json!({ "invoiceId": invoice["id"] });
            if !amount.is_null() { body["amount"] = amount; }
            company.api.post(&place("credit-notes", note, "allocations"), &body)
        };
        set_off(&draft, &invoice, json!(null)).refused(400, "DOCUMENT_NOT_BOOKED");
        let note = company.sent("credit-notes", &draft);
        let stranger = company.customer(json!({ "name": "Fru Hansen", "customerType": "private", "vatNumber": null }));
        let theirs = company.invoice(&stranger, json!([line(&price, "1")]));
        set_off(&note, &theirs, json!(null)).refused(400, "ALLOCATION_CUSTOMER_MISMATCH");
        set_off(&note, &invoice, json!("187.51")).refused(400, "AMOUNT_EXCEEDS_OPEN");
        let first = set_off(&note, &invoice, json!("87.50")).is(201);
        assert_eq!((&first["amount"], &first["invoiceNumber"]), (&json!("87.50"), &invoice["number"]));
        let body = json!({ "amount": "60", "date": DAY, "reference": "4711" });
        company.api.post(&place("credit-notes", &note, "refunds"), &body).is(201);
        let now = company.now("credit-notes", &note);
        assert_eq!((&now["allocatedAmount"], &now["remainingAmount"]), (&json!("87.50"), &json!("40.00")));
        assert_eq!(now["refundedAmount"], "60.00");
        // Left out, the amount is all that both have open.
        assert_eq!(set_off(&note, &invoice, json!(null)).is(201)["amount"], "40.00");
        set_off(&note, &invoice, json!(null)).refused(400, "AMOUNT_EXCEEDS_OPEN");
        assert_eq!(company.now("invoices", &invoice)["openAmount"], "247.50");
        let items = company.api.get(&place("customers", &json!({ "id": customer }), "open-items")).is(200);
        assert_eq!((items["data"].as_array().unwrap().len(), &items["data"][0]["openAmount"]), (1, &json!("247.50")));
        assert_eq!(items["balances"], json!([{ "currency": "DKK", "balance": "247.50", "overdue": "0.00", "baseBalance": "247.50" }]));
        let item = json!({ "id": items["data"][0]["id"] });
        company.api.post(&place("open-items", &item, "refunds"), &body).refused(400, "OPEN_ITEM_NOT_A_CREDIT");
        check(&company);
    }

    /// A locked period takes nothing; what lies in it is taken back today.
    fn what_lies_in_a_locked_period_is_taken_back_today(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let invoice = company.invoice(&customer, json!([line(&price, "1")]));
        let paid = pay(&company, &invoice, "100", "2026-01-31").is(201);
        company.api.patch("/v1/company", &json!({ "lockedThrough": "2026-01-31" })).is(200);
        pay(&company, &invoice, "100", "2026-01-31").refused(400, "PERIOD_LOCKED");
        let today = text(&invoice["date"]);
        assert_eq!(company.api.delete(&format!("{}/{}", place("invoices", &invoice, "payments"), text(&paid["id"]))).status, 204);
        let sql = "select date from journal_entries where reverses_entry_id is not null and company_id = ";
        assert_eq!(house.books.value(&format!("{sql}'{}'", company.id)), today);
        check(&company);
    }

    /// While a credit note that is not booked names it, an invoice is not written off.
    fn an_invoice_with_unbooked_credit_is_not_written_off(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let invoice = company.invoice(&customer, json!([line(&price, "1")]));
        let note = company.credit(&customer, Some(&invoice), json!([line(&price, "0.5")]), json!({})).is(201);
        let write_off = |more: Value| {
            let mut body = json!({ "date": DAY, "reason": "Bankruptcy", "vatRelief": true, "evidence": "SKS" });
            crate::house::merge(&mut body, more);
            company.api.post(&place("invoices", &invoice, "write-off"), &body)
        };
        let details = write_off(json!({})).refused(400, "INVOICE_HAS_UNBOOKED_CREDIT");
        assert_eq!(details["pendingCreditAmount"], "187.50");
        company.sent("credit-notes", &note);
        // 187.50 are left, 37.50 of them VAT; in three parts they add up to it.
        let parts = ["62.49", "62.51", "62.50"].map(|amount| write_off(json!({ "amount": amount })).is(200));
        let vat: Vec<&str> = parts.iter().map(|part| text(&part["vatAmount"])).collect();
        assert_eq!(vat, ["12.50", "12.50", "12.50"]);
        assert_eq!(company.now("invoices", &invoice)["openAmount"], "0.00");
        check(&company);
    }

    /// Thirty-two at once set one credit off: nobody sets off more than there is.
    fn many_at_once_set_off_no_more_than_there_is(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        let invoice = company.invoice(&customer, json!([line(&price, "4")]));
        let note = company.credit(&customer, None, json!([line(&price, "2")]), json!({})).is(201);
        let note = company.sent("credit-notes", &note);
        let done: usize = thread::scope(|scope| {
            let one = || {
                let body = json!({ "invoiceId": invoice["id"], "amount": "25" });
                let answer = company.api.post(&place("credit-notes", &note, "allocations"), &body);
                if answer.status == 201 { return 1; }
                answer.refused(400, "AMOUNT_EXCEEDS_OPEN");
                0
            };
            let threads: Vec<_> = (0..32).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        // 250.00 in steps of 25.00.
        assert_eq!(done, 10);
        assert_eq!(company.now("credit-notes", &note)["remainingAmount"], "0.00");
        assert_eq!(company.now("invoices", &invoice)["openAmount"], "250.00");
        check(&company);
    }

    /// A statement runs from what was owed before to what is owed now, and says what the open items say.
    fn a_statement_says_what_the_open_items_say(house) {
        let abroad = abroad(house);
        let company = &abroad.company;
        let invoice = abroad.invoice();
        abroad.note();
        pay(company, &invoice, "150", "2026-05-01").is(201);
        let customer = json!({ "id": abroad.customer });
        let at = place("customers", &customer, "statement");
        let all = company.api.get(&at).is(200);
        let account = &all["accounts"][0];
        assert_eq!((&account["currency"], &account["openingBalance"], &account["closingBalance"]), (&json!("EUR"), &json!("0.00"), &json!("-75.00")));
        let lines: Vec<[&Value; 4]> = account["lines"].as_array().unwrap().iter()
            .map(|line| [&line["type"], &line["debit"], &line["credit"], &line["balance"]]).collect();
        assert_eq!(lines, [
            [&json!("invoice"), &json!("125.00"), &json!(null), &json!("125.00")],
            [&json!("credit_note"), &json!(null), &json!("50.00"), &json!("75.00")],
            [&json!("payment"), &json!(null), &json!("150.00"), &json!("-75.00")],
        ]);
        let items = company.api.get(&place("customers", &customer, "open-items")).is(200);
        assert_eq!(items["balances"][0]["balance"], account["closingBalance"]);
        let part = company.api.get(&format!("{at}?from=2026-04-01&to=2026-04-30")).is(200);
        let account = &part["accounts"][0];
        assert_eq!((&account["openingBalance"], &account["closingBalance"]), (&json!("125.00"), &json!("75.00")));
        company.api.get(&format!("{at}?from=2026-04-01&to=2026-03-01")).faulty("to", "minDate");

        let csv = company.api.get(&format!("{at}?from=2026-04-01&to=2026-04-30&format=csv"));
        assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
        let accepted = company.api.raw("GET", &format!("{at}?from=2026-04-01&to=2026-04-30"), &[("accept", "text/csv")], b"");
        assert_eq!(accepted.text(), csv.text());
        let rows: Vec<String> = csv.text().lines().map(str::to_owned).collect();
        assert_eq!(rows[0], "currency,date,type,description,reference,debit,credit,balance");
        assert_eq!(rows[1], "EUR,2026-04-01,opening_balance,,,,,125.00");
        assert!(rows[2].starts_with("EUR,2026-04-01,credit_note,") && rows[2].ends_with(",,50.00,75.00"), "{rows:?}");
        assert_eq!(rows[3], "EUR,2026-04-30,closing_balance,,,,,75.00");
        let pdf = company.api.raw("GET", &at, &[("accept", "application/pdf")], b"");
        assert_eq!((pdf.status, pdf.header("content-type")), (200, Some("application/pdf")), "{}", pdf.text());
        assert!(pdf.bytes.starts_with(b"%PDF-"));
        let other = company.api.raw("GET", &at, &[("accept", "image/png")], b"");
        other.refused(406, "NOT_ACCEPTABLE");
    }
}

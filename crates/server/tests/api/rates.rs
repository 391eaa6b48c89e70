//! Exchange rates from a file of the European Central Bank, by the command line, and documents that use them.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use testkit::{Folder, ledgerbee};

use crate::house::{Company, House, PROGRAM, line, text};

/// As the bank writes it: days without a quote are left out.
fn file(folder: &Folder, days: &[(&str, &[(&str, &str)])]) -> PathBuf {
    let day = |(date, quotes): &(&str, &[(&str, &str)])| {
        let quotes: String =
            quotes.iter().map(|(code, rate)| format!("<Cube currency='{code}' rate='{rate}'/>")).collect();
        format!("<Cube time='{date}'>{quotes}</Cube>")
    };
    let days: String = days.iter().map(day).collect();
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gesmes:Envelope xmlns:gesmes=\"http://www.gesmes.org/xml/2002-08-01\" \
         xmlns=\"http://www.ecb.int/vocabulary/2002-08-01/eurofxref\"><gesmes:subject>Reference rates</gesmes:subject>\
         <gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender><Cube>{days}</Cube></gesmes:Envelope>"
    );
    let path = folder.path().join("eurofxref-daily.xml");
    std::fs::write(&path, xml).unwrap();
    path
}

fn import(house: &House, company: &Company, file: &std::path::Path) -> Value {
    let file = file.to_str().unwrap();
    serde_json::from_str(&house.command(&["rates", "import", file, "--company", &company.id, "--json"])).unwrap()
}

/// Currency, day, rate and source of each stored rate.
fn stored(company: &Company) -> Vec<String> {
    let all = company.api.get("/v1/exchange-rates?limit=100").is(200);
    let rate = |own: &Value| ["currency", "date", "rate", "source"].map(|field| text(&own[field]).to_owned()).join(" ");
    all["data"].as_array().unwrap().iter().map(rate).collect()
}

on_both_engines! {
    /// Quotes for a euro become rates of the krone; what the company set itself stays; a day without quotes uses
    /// the last before it.
    fn the_banks_file_is_crossed_into_the_companys_currency(house) {
        let (company, folder) = (house.company(), Folder::new());
        let own = json!({ "currency": "USD", "date": "2026-06-09", "rate": "6.6" });
        company.api.send("PUT", "/v1/exchange-rates", &own).is(200);
        let days: [(&str, &[(&str, &str)]); 2] = [
            ("2026-06-10", &[("DKK", "7.4598"), ("USD", "1.1427"), ("JPY", "165.23"), ("ROL", "26000")]),
            ("2026-06-09", &[("DKK", "7.46"), ("USD", "1.1")]),
        ];
        let path = file(&folder, &days);
        let told = import(house, &company, &path);
        assert_eq!(told, json!({ "stored": 4, "kept": 1, "unquotedDays": 0, "from": "2026-06-09", "to": "2026-06-10" }));
        // 7.4598 / 165.23 = 0.045147975549…, 7.4598 / 1.1427 = 6.528222630611…
        let expected = [
            "EUR 2026-06-10 7.4598 ecb", "JPY 2026-06-10 0.0451479755 ecb", "USD 2026-06-10 6.5282226306 ecb",
            "EUR 2026-06-09 7.46 ecb", "USD 2026-06-09 6.6 manual",
        ];
        assert_eq!(stored(&company), expected);
        // The same again is nothing new.
        assert_eq!(import(house, &company, &path)["stored"], 0);
        let (customer, price) = (company.customer(json!({})), company.price("100"));
        for (date, rate) in [("2026-06-10", "7.4598"), ("2026-06-14", "7.4598"), ("2026-06-09", "7.46")] {
            let body = json!({ "customerId": customer, "date": date, "currency": "EUR", "lines": [line(&price, "1")] });
            let draft = company.api.post("/v1/invoices", &body).is(201);
            assert_eq!(company.sent("invoices", &draft)["exchangeRate"], rate, "{date}");
        }
        company.check_books();
    }

    /// A file that is none, a rate that is none, and a currency that is not quoted.
    fn what_is_no_file_of_the_bank_is_refused(house) {
        let (company, folder) = (house.company_with(&["--country", "DK", "--currency", "UAH"]), Folder::new());
        let path = file(&folder, &[("2026-06-10", &[("DKK", "7.4598")])]);
        assert_eq!(import(house, &company, &path)["unquotedDays"], 1);
        assert_eq!(stored(&company), [""; 0]);
        let refused = |why: &str| {
            let arguments = ["rates", "import", path.to_str().unwrap(), "--company", &company.id];
            let mut command: Command = ledgerbee(PROGRAM, &house.folder, house.database_url.as_deref());
            let output = command.args(arguments).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(said.contains(why), "{said}");
        };
        file(&folder, &[("2026-06-10", &[("DKK", "-1")])]);
        refused("the rate -1 of DKK on 2026-06-10 is none");
        file(&folder, &[("yesterday", &[("DKK", "1")])]);
        refused("yesterday is no day");
        file(&folder, &[]);
        refused("holds no rates");
        std::fs::write(&path, "currency,rate").unwrap();
        refused("not XML");
    }
}

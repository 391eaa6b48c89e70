//! Lists as tables: CSV says what the JSON list says, whole, and whoever reads it slowly holds nobody up.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::house::{line, text};

const CSV: [(&str, &str); 1] = [("accept", "text/csv")];

on_both_engines! {
    /// More than two parts of a thousand: the same documents in the same order as the JSON list by cursor.
    fn a_table_is_the_whole_list(house) {
        const COUNT: usize = 2_100;
        let company = house.company();
        let (customer, price) = (company.customer(json!({ "name": "=Café, \"Lindeblomst\"" })), company.price("100"));
        std::thread::scope(|scope| {
            for part in 0..20 {
                let (company, customer, price) = (&company, &customer, &price);
                scope.spawn(move || {
                    for n in 0..COUNT / 20 {
                        let reference = format!("+{part}-{n}");
                        let body = json!({ "customerId": customer, "lines": [line(price, "1")], "reference": reference });
                        company.api.post("/v1/invoices", &body).is(201);
                    }
                });
            }
        });
        let mut listed: Vec<(String, String, String)> = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = company.api.get(&format!("/v1/invoices?limit=100&status=draft&cursor={cursor}")).is(200);
            let data = page["data"].as_array().unwrap().iter();
            let own = |document: &Value, name: &str| text(&document[name]).to_owned();
            listed.extend(data.map(|d| (own(d, "id"), own(d, "reference"), own(d, "amount"))));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        let answer = company.api.raw("GET", "/v1/invoices?status=draft", &CSV, b"");
        assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
        let text = answer.text();
        let mut rows = text.split("\r\n");
        let names: Vec<&str> = rows.next().unwrap().split(',').collect();
        let at = |name: &str| names.iter().position(|own| *own == name).unwrap();
        let (id, reference, amount) = (at("id"), at("reference"), at("amount"));
        // The customer's name holds a comma: a neutral word in its place keeps the cells countable.
        let name = "\"'=Café, \"\"Lindeblomst\"\"\"";
        let found: Vec<(String, String, String)> = rows.filter(|row| !row.is_empty()).map(|row| {
            assert!(row.contains(name), "{row}");
            let row = row.replace(name, "name");
            let cells: Vec<&str> = row.split(',').collect();
            assert_eq!(cells.len(), names.len(), "{row}");
            let reference = cells[reference].strip_prefix('\'').unwrap();
            (cells[id].to_owned(), reference.to_owned(), cells[amount].to_owned())
        }).collect();
        assert_eq!(found.len(), COUNT);
        assert!(found == listed, "the table and the list differ");

        let none = company.api.raw("GET", "/v1/invoices?status=sent", &CSV, b"").text();
        assert_eq!(none.lines().count(), 1, "only the names of the columns");
        company.api.raw("GET", "/v1/invoices?page=2", &CSV, b"").faulty("page", "isEmpty");

        // Forty who ask for the table and read nothing of it: others are served all the same.
        let address = house.server.root.strip_prefix("http://").unwrap().to_owned();
        let mut slow: Vec<TcpStream> = (0..40).map(|_| {
            let mut stream = TcpStream::connect(&address).unwrap();
            let request = format!(
                "GET /api/v1/invoices HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\naccept: text/csv\r\nconnection: close\r\n\r\n",
                company.api.key
            );
            stream.write_all(request.as_bytes()).unwrap();
            stream
        }).collect();
        let mut first = [0; 1];
        for stream in &mut slow {
            stream.read_exact(&mut first).unwrap();
        }
        for _ in 0..20 {
            company.api.get("/v1/invoices?limit=1").is(200);
            company.draft(&customer, json!([line(&price, "1")]));
        }
        // Who reads on gets the rest.
        let mut rest = String::new();
        slow[0].read_to_string(&mut rest).unwrap();
        assert!(rest.matches("\r\n").count() > COUNT, "{}", rest.len());
    }
}

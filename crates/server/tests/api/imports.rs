//! Imports: tables and lines of JSON, what is told of each row, chunks between which others take their
//! turns, all or nothing, and what comes again under its key.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Folder, wait_within};

use crate::house::{Answer, Company, House, PROGRAM, text};

const CUSTOMERS: &str = "/v1/customers/import";
const PRODUCTS: &str = "/v1/products/import";
const LINES: &str = "application/x-ndjson";

fn import(company: &Company, place: &str, media: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut all = vec![("content-type", media)];
    all.extend_from_slice(headers);
    company.api.raw("POST", place, &all, body.as_bytes())
}

/// The report: its rows, and the last line.
fn report(answer: &Answer) -> (Vec<Value>, Value) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut lines: Vec<Value> = answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.pop().expect("a report has a last line");
    (lines, last)
}

fn group(company: &Company) -> String {
    text(&company.api.get("/v1/customer-groups").is(200)[0]["id"]).to_owned()
}

/// Lines of customers, each with a number where `numbered` says so.
fn lines(company: &Company, count: usize, numbered: bool) -> String {
    let group = group(company);
    let line = |n: usize| {
        let mut row = json!({ "customerType": "business", "name": format!("Nr. {n}"), "countryCode": "DK", "vatZone": "domestic", "customerGroupId": group });
        if numbered {
            row["customerNumber"] = json!(format!("I-{n}"));
        }
        format!("{row}\n")
    };
    (1..=count).map(line).collect()
}

fn count(company: &Company, path: &str) -> u64 {
    company.api.get(&format!("{path}?page=1&limit=1")).is(200)["total"].as_u64().unwrap()
}

on_both_engines! {
    /// A table as a Danish spreadsheet writes it; what is wrong with a row is told as one request would be told.
    fn a_table_is_imported_row_by_row(house) {
        let company = house.company();
        let group = group(&company);
        let foreign = "0190a1b2-0000-7000-8000-000000000001";
        let table = format!(
            "\u{feff}customerNumber;customerType;name;countryCode;vatZone;customerGroupId;paymentTerms;isActive;phone;vatNumber;metadata.segment\r\n\
             7;business;\"Bageri \"\"Bi\"\"; Silkeborg\";DK;domestic;{group};14;false;'+45 86 80 00 00;DK87654370;gold\r\n\
             ;private;Fru Hansen;DK;domestic;{group};;;;;\r\n\
             \r\n\
             7;business;Again;DK;domestic;{group};;;;;\r\n\
             9;club;;XX;domestic;{group};soon;maybe;;DK12345678;\r\n\
             10;business;Group;DK;domestic;{foreign};;;;;\r\n\
             11;business;Short;DK\r\n\
             12;business;Warned;DE;domestic;{group};;;;SE556188840401;\r\n"
        );
        let (rows, last) = report(&import(&company, CUSTOMERS, "text/csv; charset=utf-8", &[], &table));
        assert_eq!(last, json!({ "done": true, "rows": 7, "created": 3, "failed": 4 }));
        let told: Vec<(u64, &str)> = rows.iter().map(|row| (row["row"].as_u64().unwrap(), text(&row["status"]))).collect();
        let expected = [(1, "created"), (2, "created"), (3, "failed"), (4, "failed"), (5, "failed"), (6, "failed"), (7, "created")];
        assert_eq!(told, expected);
        assert_eq!((&rows[1]["customerNumber"], &rows[1]["warnings"]), (&json!("1"), &json!([])));
        assert_eq!(rows[6]["warnings"][0]["code"], "VAT_ZONE_CONFLICT");
        assert_eq!((&rows[2]["code"], &rows[2]["details"]["property"]), (&json!("CUSTOMER_NUMBER_ALREADY_EXISTS"), &json!("customerNumber")));
        let found = crate::house::faults(&rows[3]["details"]);
        for field in ["customerType", "name", "countryCode", "paymentTerms", "isActive", "vatNumber"] {
            assert!(found.iter().any(|(property, _)| property == field), "{field} is not in {found:?}");
        }
        assert_eq!((&rows[4]["code"], &rows[4]["details"]["property"]), (&json!("CUSTOMER_GROUP_NOT_FOUND"), &json!("customerGroupId")));
        assert_eq!(rows[5]["code"], "IMPORT_ROW_MALFORMED");
        let made = company.api.get(&format!("/v1/customers/{}", text(&rows[0]["id"]))).is(200);
        let expected = json!({
            "customerNumber": "7", "name": "Bageri \"Bi\"; Silkeborg", "paymentTerms": 14, "isActive": false,
            "phone": "+45 86 80 00 00", "vatNumber": "DK87654370", "registrationNumber": "87654370", "metadata": { "segment": "gold" },
        });
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&made[field], value, "{field}");
        }
        assert_eq!(count(&company, "/v1/customers"), 3);
        company.check_books();
        // What is wrong with the table as a whole is refused, and nothing is done.
        let wrong = "name;colour;name\nx;y;z\n";
        let details = import(&company, CUSTOMERS, "text/csv", &[], wrong).refused(400, "SHARED_VALIDATION_FAILED");
        let found = crate::house::faults(&details);
        assert_eq!(found, [("colour".to_owned(), "whitelistValidation".to_owned()), ("name".to_owned(), "isDuplicate".to_owned())]);
        import(&company, CUSTOMERS, "application/json", &[], "{}").refused(415, "UNSUPPORTED_MEDIA_TYPE");
        import(&company, &format!("{CUSTOMERS}?colour=red"), LINES, &[], "{}").faulty("colour", "whitelistValidation");
        let (rows, last) = report(&import(&company, CUSTOMERS, "text/csv", &[], "name\n"));
        assert_eq!((rows.len(), last["rows"].as_u64()), (0, Some(0)));
    }

    /// Within a chunk a row meets what those before it have taken: a number given to one that named none, too.
    fn rows_of_a_chunk_see_each_other(house) {
        let company = house.company();
        let group = group(&company);
        let row = |more: Value| {
            let mut row = json!({ "customerType": "business", "name": "Bi", "countryCode": "DK", "vatZone": "domestic", "customerGroupId": group });
            crate::house::merge(&mut row, more);
            format!("{row}\n")
        };
        let body = [
            row(json!({})), row(json!({ "customerNumber": "1" })), row(json!({ "customerNumber": "2" })), row(json!({})),
            row(json!({ "customerNumber": "9", "externalSystemId": "x" })), row(json!({ "customerNumber": "10", "externalSystemId": "x" })),
            row(json!({ "externalSystemId": "x" })), row(json!({ "customerNumber": "10", "externalSystemId": "y" })),
        ];
        let (rows, last) = report(&import(&company, CUSTOMERS, LINES, &[], &body.concat()));
        let became: Vec<&str> = rows.iter().map(|row| text(row.get("customerNumber").unwrap_or(&row["code"]))).collect();
        let expected = [
            "1", "CUSTOMER_NUMBER_ALREADY_EXISTS", "2", "3", "9", "EXTERNAL_SYSTEM_ID_ALREADY_EXISTS",
            "EXTERNAL_SYSTEM_ID_ALREADY_EXISTS", "10",
        ];
        assert_eq!(became, expected);
        assert_eq!(last, json!({ "done": true, "rows": 8, "created": 5, "failed": 3 }));
        // Once more, in another chunk, each meets what is there.
        let (_, last) = report(&import(&company, CUSTOMERS, LINES, &[], &body[4..].concat()));
        assert_eq!(last["created"], 0);
    }

    /// Who names no number gets the next that is free, past those that customers have and rows before took; a
    /// refused row takes none, and who is made alone afterwards goes on from there.
    fn numbers_are_given_past_those_that_are_taken(house) {
        let company = house.company();
        let group = group(&company);
        let row = |more: Value| {
            let mut row = json!({ "customerType": "business", "name": "Bi", "countryCode": "DK", "vatZone": "domestic", "customerGroupId": group });
            crate::house::merge(&mut row, more);
            format!("{row}\n")
        };
        let given = |rows: &[String]| -> String {
            let (rows, _) = report(&import(&company, CUSTOMERS, LINES, &[], &rows.concat()));
            let became = rows.iter().map(|row| text(row.get("customerNumber").unwrap_or(&row["code"])).to_owned());
            became.collect::<Vec<_>>().join(" ")
        };
        let none = || row(json!({}));
        let foreign = || row(json!({ "customerGroupId": "0190a1b2-0000-7000-8000-000000000001" }));
        company.customer(json!({ "customerNumber": "2" }));
        let asked = [none(), row(json!({ "customerNumber": "4" })), none(), foreign(), none(), row(json!({ "customerNumber": "6" })), none()];
        assert_eq!(given(&asked), "1 4 3 CUSTOMER_GROUP_NOT_FOUND 5 6 7");
        let alone = || company.api.get(&format!("/v1/customers/{}", text(&company.customer(json!({}))))).is(200)["customerNumber"].clone();
        assert_eq!(alone(), "8");
        // More are taken than a chunk looks ahead.
        let taken: Vec<String> = (9..40).map(|n: u32| row(json!({ "customerNumber": n.to_string() }))).collect();
        given(&taken);
        assert_eq!(given(&[none(), foreign(), none(), row(json!({ "customerNumber": "42" })), none()]), "40 CUSTOMER_GROUP_NOT_FOUND 41 42 43");
        assert_eq!(alone(), "44");
        // A preview gives none away.
        let place = format!("{CUSTOMERS}?dryRun=true");
        import(&company, &place, LINES, &[], &[none(), none()].concat()).is(200);
        assert_eq!(alone(), "45");
        company.check_books();
    }

    /// What rows name is looked up for all of them, and each is told of its own.
    fn a_row_is_told_what_it_names_and_is_not_there(house) {
        let company = house.company();
        let top = company.customer(json!({ "vatNumber": null }));
        let below = company.customer(json!({ "vatNumber": null, "parentCustomerId": top }));
        let template = company.api.get("/v1/document-templates").is(200)["data"][0]["id"].clone();
        let foreign = "0190a1b2-0000-7000-8000-000000000001";
        let of_others = house.company();
        let theirs = of_others.customer(json!({}));
        let group = group(&company);
        let row = |more: Value| {
            let mut row = json!({ "customerType": "business", "name": "Bi", "countryCode": "DK", "vatZone": "domestic", "customerGroupId": group });
            crate::house::merge(&mut row, more);
            format!("{row}\n")
        };
        let body = [
            row(json!({ "parentCustomerId": below, "documentTemplateIds": [template] })), row(json!({ "parentCustomerId": foreign })),
            row(json!({ "parentCustomerId": theirs })), row(json!({ "documentTemplateIds": [template, foreign] })),
            row(json!({ "customerGroupId": foreign })), row(json!({ "billingRelationship": "parent_pays" })),
            row(json!({ "parentCustomerId": top })),
        ];
        let (rows, last) = report(&import(&company, CUSTOMERS, LINES, &[], &body.concat()));
        let codes: Vec<&Value> = rows.iter().map(|row| &row["code"]).collect();
        let expected = [
            json!(null), json!("CUSTOMER_NOT_FOUND"), json!("CUSTOMER_NOT_FOUND"), json!("TEMPLATE_NOT_FOUND"),
            json!("CUSTOMER_GROUP_NOT_FOUND"), json!("SHARED_VALIDATION_FAILED"), json!(null),
        ];
        assert_eq!(codes, expected.iter().collect::<Vec<_>>());
        assert_eq!(rows[3]["details"]["property"], "documentTemplateIds.1");
        assert_eq!(last["created"], 2);
        let made = company.api.get(&format!("/v1/customers/{}", text(&rows[0]["id"]))).is(200);
        assert_eq!((&made["parentCustomerId"], &made["documentTemplateIds"]), (&below, &json!([template])));
        assert_eq!(made["customerGroupNumber"], "1");
        company.check_books();
    }

    /// Products of a chunk see each other too.
    fn products_of_a_chunk_see_each_other(house) {
        let company = house.company();
        let group = company.api.get("/v1/product-groups").is(200)["data"][0]["id"].clone();
        let row = |number: &str, id: Value, group: &Value| {
            format!("{}\n", json!({ "number": number, "name": "Honey", "productGroupId": group, "externalSystemId": id, "metadata": { "n": number } }))
        };
        let foreign = json!("0190a1b2-0000-7000-8000-000000000001");
        let body = [
            row("1", json!("x"), &group), row("2", json!("x"), &group), row("2", json!("y"), &foreign), row("2", json!("y"), &group),
            row("1", json!(null), &group), row("3", json!(null), &group),
        ];
        let told = |body: &str| -> Vec<String> {
            let (rows, _) = report(&import(&company, PRODUCTS, LINES, &[], body));
            rows.iter().map(|row| text(row.get("number").unwrap_or(&row["code"])).to_owned()).collect()
        };
        let (number, id) = ("PRODUCT_NUMBER_ALREADY_EXISTS", "EXTERNAL_SYSTEM_ID_ALREADY_EXISTS");
        assert_eq!(told(&body.concat()), ["1", id, "PRODUCT_GROUP_NOT_FOUND", "2", number, "3"]);
        assert_eq!(told(&body.concat()), [number, number, "PRODUCT_GROUP_NOT_FOUND", number, number, number]);
        assert_eq!(told(&row("4", json!("y"), &group)), [id]);
        for number in ["1", "2", "3"] {
            let found = company.api.get(&format!("/v1/products?metadata[n]={number}")).is(200);
            assert_eq!((found["total"].as_u64(), &found["data"][0]["number"]), (Some(1), &json!(number)));
        }
        company.check_books();
    }

    /// Products too, as lines of JSON.
    fn products_are_imported_as_lines_of_json(house) {
        let company = house.company();
        let group = company.api.get("/v1/product-groups").is(200)["data"][0]["id"].clone();
        let good = json!({ "number": "H-1", "name": "Honey", "productGroupId": group, "isGoods": true, "metadata": { "a": "b" } });
        let body = format!("{good}\n\n{{\"number\": 7}}\nnonsense\n{good}\n{}", json!({ "number": "H-2", "name": "Wax", "productGroupId": group }));
        let (rows, last) = report(&import(&company, PRODUCTS, LINES, &[], &body));
        assert_eq!(last, json!({ "done": true, "rows": 5, "created": 2, "failed": 3 }));
        let codes: Vec<&Value> = rows.iter().map(|row| &row["code"]).collect();
        let expected = [json!(null), json!("SHARED_VALIDATION_FAILED"), json!("IMPORT_ROW_MALFORMED"), json!("PRODUCT_NUMBER_ALREADY_EXISTS"), json!(null)];
        assert_eq!(codes, expected.iter().collect::<Vec<_>>());
        let made = company.api.get(&format!("/v1/products/{}", text(&rows[0]["id"]))).is(200);
        assert_eq!((&made["number"], &made["isGoods"], &made["metadata"]), (&json!("H-1"), &json!(true), &json!({ "a": "b" })));
        assert_eq!(rows[4]["number"], "H-2");
    }

    /// All or none: the refusal names the rows, and the numbers stay free.
    fn an_atomic_import_is_done_whole_or_not_at_all(house) {
        let company = house.company();
        let good = lines(&company, 300, true);
        let bad = format!("{good}{{\"name\": \"x\"}}\n{}", good.lines().next().unwrap());
        let place = format!("{CUSTOMERS}?atomic=true");
        let before = house.books.whole(&company.id);
        let details = import(&company, &place, LINES, &[], &bad).refused(400, "IMPORT_REFUSED");
        let rows = details["rows"].as_array().unwrap();
        let told: Vec<(u64, &str)> = rows.iter().map(|row| (row["row"].as_u64().unwrap(), text(&row["code"]))).collect();
        assert_eq!(told, [(301, "SHARED_VALIDATION_FAILED"), (302, "CUSTOMER_NUMBER_ALREADY_EXISTS")]);
        assert!(house.books.whole(&company.id) == before, "something was written");
        // 5,000 are taken as one, one more is not; without `atomic` there is no such end.
        let many = "{}\n".repeat(5_001);
        let details = import(&company, &place, LINES, &[], &many).refused(400, "IMPORT_TOO_LARGE_FOR_ATOMIC");
        assert_eq!(details, json!({ "most": 5000 }));
        import(&company, &place, LINES, &[], &"{}\n".repeat(5_000)).refused(400, "IMPORT_REFUSED");
        let (rows, last) = report(&import(&company, CUSTOMERS, LINES, &[], &many));
        assert_eq!((rows.len(), &last["failed"]), (5_001, &json!(5_001)));
        assert!(house.books.whole(&company.id) == before, "something was written");

        let (rows, last) = report(&import(&company, &place, LINES, &[], &good));
        assert_eq!((rows.len(), &last["created"]), (300, &json!(300)));
        assert_eq!(count(&company, "/v1/customers"), 300);
    }

    /// A preview shows what would become of each row, and does nothing.
    fn an_import_is_previewed(house) {
        let company = house.company();
        let body = format!("{}{{}}\n", lines(&company, 2, false));
        let before = house.books.whole(&company.id);
        let shown = import(&company, &format!("{CUSTOMERS}?dryRun=true"), LINES, &[], &body).is(200);
        assert_eq!((&shown["preview"], shown["rows"].as_array().unwrap().len()), (&json!(true), 3));
        let row = &shown["rows"][0];
        assert_eq!((&row["status"], &row["id"], &row["customerNumber"]), (&json!("created"), &json!(null), &json!(null)));
        assert_eq!(shown["rows"][2]["status"], "failed");
        let events: Vec<&str> = shown["events"].as_array().unwrap().iter().map(|event| text(&event["type"])).collect();
        assert_eq!(events, ["customer.created", "customer.created"]);
        let place = format!("{CUSTOMERS}?dryRun=true&atomic=true");
        import(&company, &place, LINES, &[], &body).refused(400, "IMPORT_REFUSED");
        assert!(house.books.whole(&company.id) == before, "something was written");
    }

    /// Others are served between the chunks of an import.
    fn others_take_their_turns_between_chunks(house) {
        let company = house.company();
        let body = lines(&company, 3_000, true);
        let done = std::sync::atomic::AtomicBool::new(false);
        let others = std::thread::scope(|scope| {
            let (company, done) = (&company, &done);
            let other = scope.spawn(move || {
                let mut made = 0;
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    company.customer(json!({ "customerNumber": format!("O-{made}"), "vatNumber": null }));
                    made += 1;
                }
                made
            });
            let (rows, last) = report(&import(company, CUSTOMERS, LINES, &[], &body));
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert_eq!((rows.len(), &last["created"]), (3_000, &json!(3_000)));
            other.join().unwrap()
        });
        let between = format!(
            "select count(*) from events e where e.company_id = '{id}' and e.data like '%\"customerNumber\":\"O-%' \
             and e.sequence > (select min(f.sequence) from events f where f.company_id = '{id}' and f.data like '%\"I-1\"%') \
             and e.sequence < (select max(f.sequence) from events f where f.company_id = '{id}' and f.data like '%\"I-3000\"%')",
            id = company.id
        );
        let between: u64 = house.books.value(&between).parse().unwrap();
        assert!(between > 0, "none of {others} others came between");
        company.check_books();
    }

    /// Under a key the same report comes again and nothing is done twice, also where the import was broken off.
    fn an_import_that_comes_again_goes_on(house) {
        let company = house.company();
        let body = lines(&company, 1_500, false);
        let key = [("x-api-idempotency-key", "spring")];
        // A client that hangs up after the first words of the report.
        let address = house.server.root.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /api{CUSTOMERS} HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\nx-api-idempotency-key: spring\r\n\
             content-type: {LINES}\r\ncontent-length: {}\r\n\r\n",
            company.api.key,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        stream.read_exact(&mut [0; 16]).unwrap();
        drop(stream);
        let first = import(&company, CUSTOMERS, LINES, &key, &body);
        let (rows, last) = report(&first);
        assert_eq!((rows.len(), &last["created"]), (1_500, &json!(1_500)));
        assert_eq!(count(&company, "/v1/customers"), 1_500, "each row once");
        let again = import(&company, CUSTOMERS, LINES, &key, &body);
        assert_eq!((again.header("idempotent-replayed"), again.text()), (Some("true"), first.text()));
        assert_eq!(count(&company, "/v1/customers"), 1_500);
        import(&company, CUSTOMERS, LINES, &key, "{}").refused(400, "IDEMPOTENCY_KEY_REUSED");
        // All or nothing is stored whole.
        let atomic = format!("{CUSTOMERS}?atomic=true");
        let few = lines(&company, 3, false);
        let key = [("x-api-idempotency-key", "summer")];
        let first = import(&company, &atomic, LINES, &key, &few);
        assert_eq!(first.header("idempotent-replayed"), None);
        assert_eq!(import(&company, &atomic, LINES, &key, &few).text(), first.text());
        assert_eq!(count(&company, "/v1/customers"), 1_503);
    }

    /// Larger than other bodies, and not without end.
    fn an_import_has_a_limit_of_its_own(house) {
        let company = house.company();
        let wide = format!("{{\"number\": \"{}\"}}\n", "x".repeat(1_000));
        let (rows, _) = report(&import(&company, PRODUCTS, LINES, &[], &wide.repeat(2_200)));
        assert_eq!(rows.len(), 2_200, "two MiB and more");
        let address = house.server.root.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /api{PRODUCTS} HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\ncontent-type: {LINES}\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            company.api.key,
            64 * 1024 * 1024 + 1
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("BODY_TOO_LARGE"), "{answer}");
    }
}

/// Imports that come slowly have room of their own, hold up nothing, and leave it when they hang up.
#[test]
fn slow_imports_take_no_room_from_others() {
    const PART: usize = 63 * 1024 * 1024;
    /// 126 MiB go through a machine that does much else.
    const LONG: Duration = Duration::from_secs(300);
    let folder = Folder::new();
    let house = House::serve(PROGRAM, folder.path(), None, &[]);
    let company = house.company();
    let address = house.server.root.strip_prefix("http://").unwrap();
    // Of the 128 MiB there are, two bodies that are not whole yet leave two.
    let begin = || {
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /api{CUSTOMERS} HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\ncontent-type: {LINES}\r\ncontent-length: {}\r\n\r\n",
            company.api.key,
            PART + 1
        );
        stream.write_all(head.as_bytes()).unwrap();
        // One that is told to come again is hung up on.
        let _ = stream.write_all(&vec![b'\n'; PART]);
        stream.set_nonblocking(true).unwrap();
        stream
    };
    let mut slow = [begin(), begin()];
    let row = format!("{}\n", json!({ "name": "x".repeat(3 * 1024 * 1024) }));
    let try_import = || company.api.raw("POST", CUSTOMERS, &[("content-type", LINES)], row.as_bytes());
    wait_within(LONG, "a full room", || {
        // While one is still on its way, another import may take the room it needs: then it is answered.
        let is_held =
            |stream: &TcpStream| matches!(stream.peek(&mut [0]), Err(fault) if fault.kind() == ErrorKind::WouldBlock);
        for stream in slow.iter_mut().filter(|stream| !is_held(stream)) {
            *stream = begin();
        }
        (try_import().status == 503 && slow.iter().all(is_held)).then_some(())
    });
    // Others have theirs.
    let metadata: serde_json::Map<String, Value> = (0..45).map(|n| (format!("k{n}"), json!("x".repeat(450)))).collect();
    company.customer(json!({ "customerNumber": "O-1", "metadata": metadata }));
    drop(slow);
    let told = wait_within(LONG, "room again", || Some(try_import()).filter(|answer| answer.status == 200));
    assert_eq!(report(&told).1["failed"], 1);
}

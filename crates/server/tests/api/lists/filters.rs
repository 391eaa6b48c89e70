//! Every field of every list's query, as the contract names them: what is found is what the resources,
//! read alone, say of themselves. A field that is not known here fails.

use std::collections::BTreeSet;

use serde_json::Value;

use super::known::{Ground, Known, ground, rows};
use crate::house::text;

/// What a list is asked, by field.
type Asked = Vec<(String, String)>;

/// Whether a resource is meant by the value of a field; the whole query is at hand.
type Means = fn(&Value, &str, &Asked) -> bool;

/// The fields that say which part is asked for, and in what order.
const PART: [&str; 5] = ["page", "limit", "cursor", "sortBy", "sortOrder"];

/// A field of a query.
pub struct Field {
    pub name: String,
    pub schema: Value,
}

/// The fields of a list's query, from the contract.
pub fn fields(contract: &Value, path: &str) -> Vec<Field> {
    let parameters = contract["paths"][path]["get"]["parameters"].as_array().into_iter().flatten();
    parameters
        .filter(|parameter| parameter["in"] == "query")
        .map(|parameter| Field { name: text(&parameter["name"]).to_owned(), schema: parameter["schema"].clone() })
        .collect()
}

/// Whether a list is also a table.
fn is_table(contract: &Value, path: &str) -> bool {
    contract["paths"][path]["get"]["responses"]["200"]["content"].get("text/csv").is_some()
}

/// The values of a field that names its own.
pub fn named(schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    fn walk(schema: &Value, found: &mut Vec<String>) {
        match schema {
            Value::Object(fields) => {
                found.extend(fields.get("const").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| walk(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    walk(schema, &mut found);
    found
}

/// A query as it is sent; `field[key]` for a field of pairs.
pub fn query(asked: &[(String, String)]) -> String {
    let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pair = |(name, value): &(String, String)| match (name.as_str(), value.split_once('=')) {
        ("metadata", Some((key, value))) => format!("metadata[{key}]={}", encoded(value)),
        _ => format!("{name}={}", encoded(value)),
    };
    asked.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// A decimal in millionths.
fn exact(decimal: &str) -> i128 {
    let (sign, digits) = decimal.strip_prefix('-').map_or((1, decimal), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    sign * format!("{whole}{part:0<6}").parse::<i128>().unwrap()
}

/// What an amount is compared with: in the currency asked for, else the company's.
fn is_amount(own: &Value, asked: &Asked, fits: impl Fn(i128) -> bool) -> bool {
    let currency = asked.iter().find(|(name, _)| name == "currency").map_or("DKK", |(_, currency)| currency);
    own["currency"] == currency && fits(exact(text(&own["amount"])).abs())
}

fn today() -> String {
    jiff::Timestamp::now().in_tz("Europe/Copenhagen").unwrap().date().to_string()
}

fn is_overdue(own: &Value) -> bool {
    let is_late = own["dueDate"].as_str().is_some_and(|due| due < today().as_str());
    own["bookedAt"].is_string() && is_late && exact(text(&own["openAmount"])) > 0
}

fn has_pair(own: &Value, pair: &str) -> bool {
    let (key, value) = pair.split_once('=').unwrap();
    own["metadata"][key] == value
}

/// Whether one of these texts holds what is sought, however it is written.
fn is_in(texts: &[&Value], sought: &str) -> bool {
    texts.iter().filter_map(|text| text.as_str()).any(|text| text.to_lowercase().contains(&sought.to_lowercase()))
}

/// How a field decides.
fn means(path: &str, field: &str) -> Means {
    match (path, field) {
        ("/v1/invoices" | "/v1/credit-notes", "status") => |own, asked, _| own["status"] == asked,
        ("/v1/invoices" | "/v1/credit-notes" | "/v1/quotes" | "/v1/order-confirmations", "customerId") => {
            |own, asked, _| own["customerId"] == asked
        }
        ("/v1/invoices" | "/v1/credit-notes" | "/v1/quotes" | "/v1/order-confirmations", "reference") => {
            |own, asked, _| own["reference"] == asked
        }
        ("/v1/invoices" | "/v1/credit-notes" | "/v1/quotes" | "/v1/order-confirmations", "minAmount") => {
            |own, least, asked| is_amount(own, asked, |amount| amount >= exact(least))
        }
        ("/v1/invoices" | "/v1/credit-notes" | "/v1/quotes" | "/v1/order-confirmations", "maxAmount") => {
            |own, most, asked| is_amount(own, asked, |amount| amount <= exact(most))
        }
        ("/v1/invoices" | "/v1/credit-notes", "search") => |own, sought, _| {
            is_in(&[&own["number"], &own["description"], &own["buyer"]["name"], &own["reference"]], sought)
        },
        ("/v1/quotes" | "/v1/order-confirmations", "status") => |own, asked, _| own["displayStatus"] == asked,
        ("/v1/quotes" | "/v1/order-confirmations", "search") => |own, sought, _| {
            is_in(&[&own["documentNumber"], &own["description"], &own["buyer"]["name"], &own["reference"]], sought)
        },
        ("/v1/invoices", "invoiceNumber") => |own, asked, _| own["number"] == asked,
        ("/v1/credit-notes", "invoiceNumber") => {
            |own, asked, _| rows(&own["creditedInvoices"]).iter().any(|invoice| invoice["number"] == asked)
        }
        ("/v1/invoices", "settlement") => |own, asked, _| own["settlement"] == asked,
        ("/v1/invoices", "overdue") => |own, asked, _| is_overdue(own).to_string() == asked,
        ("/v1/credit-notes", "voided") => |own, asked, _| own["voidedAt"].is_string().to_string() == asked,
        (
            "/v1/invoices" | "/v1/credit-notes" | "/v1/quotes" | "/v1/order-confirmations" | "/v1/exchange-rates",
            "fromDate",
        ) => |own, from, _| text(&own["date"]) >= from,
        (
            "/v1/invoices" | "/v1/credit-notes" | "/v1/quotes" | "/v1/order-confirmations" | "/v1/exchange-rates",
            "toDate",
        ) => |own, to, _| text(&own["date"]) <= to,
        (
            "/v1/invoices"
            | "/v1/credit-notes"
            | "/v1/quotes"
            | "/v1/order-confirmations"
            | "/v1/exchange-rates"
            | "/v1/customers/{id}/open-items",
            "currency",
        ) => |own, asked, _| own["currency"] == asked,
        (
            "/v1/invoices"
            | "/v1/credit-notes"
            | "/v1/quotes"
            | "/v1/order-confirmations"
            | "/v1/customers"
            | "/v1/customer-groups"
            | "/v1/products",
            "metadata",
        ) => |own, pair, _| has_pair(own, pair),
        ("/v1/oss-rates", "country") => |own, asked, _| own["country"] == asked,
        ("/v1/customers", "customerNumber") => |own, asked, _| own["customerNumber"] == asked,
        ("/v1/customers", "externalSystemId") => |own, asked, _| own["externalSystemId"] == asked,
        ("/v1/customers/{id}/departments", "isActive") => {
            |own, asked, _| own["isActive"].as_bool() == asked.parse().ok()
        }
        ("/v1/products", "search") => |own, sought, _| is_in(&[&own["number"], &own["name"]], sought),
        ("/v1/products", "isActive") => |own, asked, _| own["isActive"].as_bool() == asked.parse().ok(),
        ("/v1/products", "productGroupId") => |own, asked, _| own["productGroupId"] == asked,
        ("/v1/product-groups", "search") => |own, begun, _| {
            let begins = |own: &Value| text(own).to_lowercase().starts_with(&begun.to_lowercase());
            begins(&own["number"]) || begins(&own["name"])
        },
        ("/v1/accounts", "accountNumber") => |own, asked, _| own["accountNumber"].as_u64() == asked.parse().ok(),
        ("/v1/accounts", "publicAccountId") => |own, asked, _| own["publicAccountId"].as_u64() == asked.parse().ok(),
        ("/v1/document-templates", "search") => |own, sought, _| is_in(&[&own["name"]], sought),
        ("/v1/document-templates", "documentType") => |own, asked, _| own["documentType"] == asked,
        other => panic!("{other:?} is a field of the contract that no test knows: say here how it decides"),
    }
}

/// What a field is asked for: what it names itself, else what the resources have, and what none has.
fn values(known: &Known, field: &Field) -> Vec<String> {
    let named = named(&field.schema);
    if !named.is_empty() {
        return named;
    }
    let of = |place: &str| -> BTreeSet<String> {
        let each = known.all.iter().filter_map(|own| own.pointer(place));
        each.filter(|value| !value.is_null())
            .map(|value| value.as_str().map_or(value.to_string(), str::to_owned))
            .collect()
    };
    let with = |mut found: BTreeSet<String>, more: &[&str]| -> Vec<String> {
        found.extend(more.iter().map(|&text| text.to_owned()));
        found.into_iter().collect()
    };
    match field.name.as_str() {
        "voided" | "overdue" | "isActive" => vec!["true".to_owned(), "false".to_owned()],
        "customerId" => with(of("/customerId"), &["019ed7dc-5b6a-7c21-b3a7-5f2f6f5b8c01"]),
        "productGroupId" => with(of("/productGroupId"), &["019ed7dc-5b6a-7c21-b3a7-5f2f6f5b8c01"]),
        "fromDate" | "toDate" => with(of("/date"), &["2025-12-31", "2026-03-02", "2099-01-01"]),
        "minAmount" | "maxAmount" => {
            let amounts = of("/amount").into_iter().map(|amount| amount.trim_start_matches('-').to_owned()).collect();
            with(amounts, &["0", "125.01", "312.49", "99999999"])
        }
        "currency" => with(of("/currency"), &["USD"]),
        "country" => with(of("/country"), &["IT"]),
        "invoiceNumber" => with(of("/number"), &["INV-00001", "INV-00003", "INV-00008", "INV-99999", "INV-0000_"]),
        "metadata" => {
            ["parity=even", "parity=odd", "third=1 %_", "third=1 %", "third=", "colour=red"].map(str::to_owned).to_vec()
        }
        "search" => {
            let words = [
                "æbler",
                "ÆRØ",
                "100 %",
                "100 % b",
                "_",
                "\\",
                "er \\ s",
                "po-2",
                "%",
                "蜂",
                "honey",
                "H1",
                "h1-4",
                "3",
                "2",
                "x_",
                "inv-0000",
                "cn-00003",
                "q-0000",
                "oc-00002",
                "invoice",
                "café lindeblomst",
                "nothing of the kind",
            ];
            // And what names begin with, written otherwise.
            let begun =
                of("/name").iter().map(|name| name.chars().take(4).collect::<String>().to_uppercase()).collect();
            with(begun, &words)
        }
        name => with(of(&format!("/{name}")), &["4711"]),
    }
}

/// The rows that are expected of a query, in the list's own order.
fn expected(known: &Known, asked: &Asked) -> Vec<Value> {
    let fits = |own: &&Value| asked.iter().all(|(name, value)| means(known.path, name)(own, value, asked));
    known.all.iter().filter(fits).map(|own| known.row(own)).collect()
}

/// Asks a list, in every form it has, for what is expected; how many that were.
fn check(ground: &Ground, contract: &Value, known: &Known, asked: &Asked) -> usize {
    let expected = expected(known, asked);
    let is_paged = fields(contract, known.path).iter().any(|field| field.name == "limit");
    let get = |more: &str| ground.company.api.get(&format!("{}?{}{more}", known.place, query(asked))).is(200);
    let compare = |answer: &Value| {
        let found = rows(answer);
        let ids = |rows: &[Value]| rows.iter().map(|row| row["id"].to_string()).collect::<Vec<_>>();
        assert_eq!(ids(found), ids(&expected), "{} asked for {asked:?}", known.path);
        assert!(found == expected, "{} asked for {asked:?}: {found:?} and alone {expected:?}", known.path);
    };
    if is_paged {
        let page = get("&page=1&limit=100");
        compare(&page);
        assert_eq!(page["total"], expected.len(), "{} asked for {asked:?}", known.path);
        compare(&get("&limit=100&cursor="));
    } else {
        compare(&get(""));
    }
    if is_table(contract, known.path) {
        let place = format!("{}?{}", known.place, query(asked));
        let answer = ground.company.api.raw("GET", &place, &[("accept", "text/csv")], b"");
        assert_eq!(answer.status, 200, "{}", answer.text());
        check_table(&answer.text(), &expected);
    }
    expected.len()
}

/// A table says what the resources say: a cell for each column, by its name.
fn check_table(table: &str, expected: &[Value]) {
    let mut rows = cells(table).into_iter();
    let names = rows.next().expect("a table names its columns");
    let rows: Vec<Vec<String>> = rows.collect();
    let cell = |resource: &Value, name: &str| {
        let value = if name == "customerName" { &resource["buyer"]["name"] } else { &resource[name] };
        let text = value.as_str().unwrap_or_default();
        // A number is none that a spreadsheet would run.
        let is_number = text.bytes().skip(1).all(|byte| byte.is_ascii_digit() || byte == b'.') && text.len() > 1;
        let runs = text.starts_with(['=', '+', '-', '@']) && !is_number;
        format!("{}{text}", if runs { "'" } else { "" })
    };
    let own: Vec<Vec<String>> =
        expected.iter().map(|resource| names.iter().map(|name| cell(resource, name)).collect()).collect();
    assert_eq!(rows, own);
}

/// The cells of a table (RFC 4180).
fn cells(table: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut letters = table.chars().peekable();
    let mut is_quoted = false;
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => cell.extend(letters.next()),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !is_quoted && letters.peek() == Some(&'\n') => {
                letters.next();
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    assert!(cell.is_empty() && row.is_empty(), "a row ends with a line");
    rows
}

/// The filters of a list with the values they are asked for.
fn filters(contract: &Value, known: &Known) -> Vec<(String, Vec<String>)> {
    let filters = fields(contract, known.path).into_iter().filter(|field| !PART.contains(&field.name.as_str()));
    filters.map(|field| (field.name.clone(), values(known, &field))).collect()
}

on_both_engines! {
    /// The lists of the contract are those that are known here, but for what is no list.
    fn every_list_of_the_contract_is_known(house) {
        let ground = ground(house);
        let contract = ground.company.api.get("/openapi.json").is(200);
        let paths = contract["paths"].as_object().unwrap().keys();
        let asked = paths.filter(|path| !fields(&contract, path).is_empty());
        // One document on paper or as an e-invoice, and a customer's statement: `papers`, `einvoices` and
        // `settlement` ask for those.
        // The log, and what was sent of it, goes on while it is read: `events` and `webhooks` ask for those.
        let others = ["pdf", "xml", "statement", "events", "stream", "deliveries"];
        let is_list = |path: &&str| !others.iter().any(|last| path.rsplit('/').next() == Some(last));
        let lists: BTreeSet<&str> = asked.map(String::as_str).filter(is_list).collect();
        let known: BTreeSet<&str> = ground.lists.iter().map(|known| known.path).collect();
        assert_eq!(lists, known);
        for known in &ground.lists {
            assert!(known.all.len() >= 2, "{} holds {}", known.path, known.all.len());
        }
    }

    /// Each filter alone: as a page, by cursor, and as a table where there is one.
    fn every_filter_finds_what_it_says(house) {
        let ground = ground(house);
        let contract = ground.company.api.get("/openapi.json").is(200);
        let mut count = 0;
        for known in &ground.lists {
            for (name, values) in filters(&contract, known) {
                let found: Vec<usize> =
                    values.iter().map(|value| check(ground, &contract, known, &vec![(name.clone(), value.clone())])).collect();
                let all = known.all.len();
                assert!(found.iter().any(|&n| n > 0), "{} {name} never finds anything: {values:?}", known.path);
                assert!(found.iter().any(|&n| n < all), "{} {name} never leaves anything out: {values:?}", known.path);
                count += 1;
            }
        }
        assert!(count >= 30, "{count} filters");
    }

    /// Each two filters together find what both say.
    fn filters_find_what_they_say_together(house) {
        let ground = ground(house);
        let contract = ground.company.api.get("/openapi.json").is(200);
        let mut found = 0;
        for known in &ground.lists {
            let filters = filters(&contract, known);
            for (at, (first, one)) in filters.iter().enumerate() {
                for (after, (second, other)) in filters.iter().enumerate().skip(at + 1) {
                    for turn in 0..2 {
                        let pick = |values: &[String], n: usize| values[n % values.len()].clone();
                        let asked = vec![
                            (first.clone(), pick(one, 3 * at + after + turn)),
                            (second.clone(), pick(other, at + 2 * after + 5 * turn)),
                        ];
                        found += check(ground, &contract, known, &asked);
                    }
                }
            }
        }
        assert!(found > 100, "{found} are found by two filters");
    }

    /// A status that comes again adds to what is found; pairs narrow it down.
    fn a_filter_that_comes_again_says_more(house) {
        let ground = ground(house);
        for path in ["/v1/invoices", "/v1/credit-notes", "/v1/quotes", "/v1/order-confirmations"] {
            let known = ground.lists.iter().find(|known| known.path == path).unwrap();
            let count = |fits: &dyn Fn(&Value) -> bool| known.all.iter().filter(|own| fits(own)).count();
            let total = |query: &str| ground.company.api.get(&format!("{path}?{query}")).is(200)["total"].clone();
            let both = count(&|own| {
                let status = own.get("displayStatus").unwrap_or(&own["status"]);
                status == "draft" || status == "sent"
            });
            assert_eq!(total("status=draft&status=sent"), both);
            let pairs = count(&|own| own["metadata"]["parity"] == "even" && own["metadata"]["third"] == "2 %_");
            assert_eq!(total("metadata[parity]=even&metadata[third]=2%20%25_"), pairs);
            assert!(both > 0 && pairs > 0);
        }
    }
}

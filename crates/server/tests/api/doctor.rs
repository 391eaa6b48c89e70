//! The doctor: what is sound is found sound, each kind of damage is found, named and in its place.

use std::process::Output;

use serde_json::{Value, json};
use testkit::house::Company;
use testkit::{Books, Folder, ledgerbee, shared_postgres};

use crate::house::{House, PROGRAM, line, text};

/// Runs the doctor on a company's books: its exit code and what it said.
fn doctor(company: &Company, arguments: &[&str]) -> (i32, String) {
    let house = company.house;
    let mut command = ledgerbee(PROGRAM, &house.folder, house.database_url.as_deref());
    let Output { status, stdout, stderr } = command.arg("doctor").args(arguments).output().unwrap();
    (status.code().unwrap(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

/// Checks that a company's books are sound by the doctor.
#[track_caller]
pub fn check_sound(company: &Company) {
    let (code, said) = doctor(company, &["--company", &company.id]);
    assert_eq!(code, 0, "{said}");
}

/// What a check said was wrong.
pub fn wrong(company: &Company, check: &str) -> Vec<String> {
    let (code, said) = doctor(company, &["--json"]);
    let report: Value = serde_json::from_str(&said).unwrap_or_else(|fault| panic!("{fault}: {said}"));
    assert_eq!((code, &report["sound"]), (1, &json!(false)), "{said}");
    let checks = report["checks"].as_array().unwrap().iter().filter(|found| found["check"] == check);
    let wrong = checks.flat_map(|found| found["wrong"].as_array().unwrap());
    wrong.map(|what| text(what).to_owned()).collect()
}

/// A figure written over by hand: the table, the column, what it becomes, in which rows;
/// and the check that finds it with what it says.
type Damage = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

/// `INV-00001` of 1,000.00 and 250.00 VAT is credited by `CN-00001` of 300.00 and 75.00 VAT, which is
/// sent, and `CN-00002` of 100.00 and 25.00, which is not; `INV-00002` and
/// `INV-00003` stand for themselves; `INV-00004` was made of `Q-00001`.
#[rustfmt::skip]
const DAMAGES: &[Damage] = &[
    ("documents", "number_seq", "900", "number = 'INV-00002'", "numbers", "invoice number 2 is missing"),
    ("documents", "number_seq", "900", "number = 'INV-00003'", "numbers", "invoice number 900 is there, but 4 is said"),
    ("documents", "numbered_at", "'2020-01-01T00:00:00.000Z'", "number = 'INV-00002'", "numbers", "INV-00002 was given before"),
    ("number_series_years", "next_number", "next_number + 2", "series_id in (select id from number_series where document_kind = 'invoice')", "numbers", "invoice number 5 is missing, and all up to 6"),
    ("documents", "subtotal", "subtotal + 1", "number = 'INV-00001'", "totals", "INV-00001: the subtotal is 1000.01 DKK, its lines come to 1000.00 DKK"),
    ("documents", "vat", "vat - 1", "number = 'INV-00001'", "totals", "INV-00001: the VAT is 249.99 DKK, its VAT groups' VAT comes to 250.00 DKK"),
    ("documents", "amount", "0", "number = 'CN-00001'", "totals", "CN-00001: the amount is 0.00 DKK, subtotal and VAT come to -375.00 DKK"),
    ("documents", "base_amount", "1", "number = 'INV-00003'", "totals", "INV-00003: the base amount is 0.01 EUR, its lines come to"),
    ("documents", "base_vat", "base_vat + 1", "number = 'INV-00002'", "totals", "INV-00002: the base VAT is"),
    ("document_lines", "total_price", "total_price + 1", "document_id = '{invoice}'", "totals", "INV-00001: the subtotal is 1000.00 DKK, its lines come to 1000.01 DKK"),
    ("document_lines", "vat_amount", "1", "document_id = '{invoice}'", "totals", "INV-00001, S 25 %: the group's VAT is 250.00 DKK, its lines' VAT comes to 0.01 DKK"),
    ("document_lines", "base_total", "1", "document_id = '{invoice}'", "totals", "INV-00001: the base amount is"),
    ("document_vat_groups", "taxable_amount", "7", "document_id = '{invoice}'", "totals", "INV-00001, S 25 %: the group's taxable amount is 0.07 DKK"),
    ("document_vat_groups", "vat_amount", "7", "document_id = '{invoice}'", "totals", "INV-00001: the VAT is 250.00 DKK, its VAT groups' VAT comes to 0.07 DKK"),
    ("documents", "credited_amount", "125001", "number = 'INV-00001'", "credit", "INV-00001: the amount is 1250.00 DKK, credited is more: 1250.01 DKK"),
    ("documents", "credited_amount", "1", "number = 'INV-00001'", "credit", "INV-00001: the credited amount is 0.01 DKK, its credit notes take 500.00 DKK"),
    ("documents", "pending_credit_amount", "0", "number = 'INV-00001'", "credit", "INV-00001: the pending credit is 0.00 DKK, its credit notes that are not booked take 125.00 DKK"),
    ("documents", "credit_note_count", "1", "number = 'INV-00001'", "credit", "INV-00001, credit notes: counted are 1, there are 2"),
    ("credits", "amount", "1", "credit_note_id = '{note}'", "credit", "CN-00001 on INV-00001: the note takes 0.01 DKK, its lines' shares come to 375.00 DKK"),
    ("credit_shares", "net", "net + 1", "credit_note_id = '{note}'", "credit", "INV-00001, line 0: credited of its net is 400.00 DKK, the shares come to 400.01 DKK"),
    ("credit_states", "credited_net", "100001", "invoice_id = '{invoice}'", "credit", "INV-00001, line 0: its net is 1000.00 DKK, credited is more: 1000.01 DKK"),
    ("credit_states", "credited_vat", "0", "invoice_id = '{invoice}'", "credit", "INV-00001, line 0: credited of its VAT is 0.00 DKK"),
    ("credit_states", "credited_base_net", "0", "invoice_id = '{invoice}'", "credit", "INV-00001, line 0: credited of its base net is"),
    ("credit_states", "credited_base_vat", "0", "invoice_id = '{invoice}'", "credit", "INV-00001, line 0: credited of its base VAT is"),
    ("documents", "converted_to_id", "null", "number = 'Q-00001'", "conversions", "INV-00004: made of documents is 1, of these are there and name it: 0"),
    ("documents", "converted_to_id", "'none'", "number = 'Q-00001'", "conversions", "Q-00001: made into documents is 1, of these are there and name it: 0"),
    ("documents", "converted_to_kind", "'orderConfirmation'", "number = 'Q-00001'", "conversions", "Q-00001: made into documents is 1, of these are there and name it: 0"),
    ("documents", "converted_from_id", "'none'", "number = 'INV-00004'", "conversions", "Q-00001: made into documents is 1, of these are there and name it: 0"),
    ("documents", "allocated_amount", "1", "number = 'CN-00001'", "settlement", "CN-00001: the allocated amount is 0.01 DKK, its allocations come to 375.00 DKK"),
    ("documents", "paid_amount", "paid_amount + 1", "number = 'INV-00002'", "settlement", "INV-00002: open is 249.99 DKK, of its item is open 250.00 DKK"),
    ("allocations", "amount", "1", "credit_document_id = '{note}'", "settlement", "CN-00001: the allocated amount is 375.00 DKK, its allocations come to 0.01 DKK"),
    ("open_items", "open_amount", "1", "document_id = '{invoice}'", "open items", "INV-00001: open is 0.01 DKK, the postings come to 875.00 DKK"),
    ("open_items", "base_open_amount", "1", "document_id = '{invoice}'", "open items", "INV-00001: open in the base currency is 0.01 EUR"),
    ("open_items", "base_open_amount", "1", "document_id = '{invoice}'", "receivables", "account 5600: the balance is"),
    ("postings", "amount", "amount + 1", "document_id = '{invoice}' and position = 0", "entries", "entry 1 (invoice INV-00001): its postings do not balance, they come to 1 minor units"),
    ("postings", "base_amount", "base_amount - 3", "document_id = '{invoice}' and position = 0", "entries", "entry 1 (invoice INV-00001): its base amounts do not balance, they come to -3 minor units"),
    ("postings", "vat_rate", "'24'", "document_id = '{invoice}' and position = 1", "entries", "entry 1 (invoice INV-00001): it is not what was written"),
    ("postings", "entry_id", "'00000000-0000-7000-8000-000000000000'", "document_id = '{invoice}' and position = 0", "entries", "there are postings of entry 00000000-0000-7000-8000-000000000000"),
    ("journal_entries", "description", "'another'", "document_id = '{invoice}'", "entries", "entry 1 (another): it is not what was written"),
    ("journal_entries", "hash", "'00'", "document_id = '{invoice}'", "entries", "entry 2 (credit note CN-00001): it names another predecessor"),
    ("journal_entries", "sequence", "900", "document_id = '{invoice}'", "entries", "entry 1 is missing"),
    ("company_counters", "entry_sequence", "entry_sequence + 1", "true", "entries", "entry 7 is missing"),
    ("company_counters", "last_entry_hash", "'00'", "true", "entries", "the last entry's hash is not the one"),
    ("events", "sequence", "9000", "type = 'invoice.sent' and resource_id = '{invoice}'", "events", "is missing"),
    ("events", "occurred_at", "'2999-01-01T00:00:00.000Z'", "sequence = {events}", "clock", "the clock has gone back"),
    ("snapshots", "json", "'{}'", "document_id = '{invoice}'", "snapshots", "INV-00001: its snapshot is not what was booked"),
    ("snapshots", "sha256", "'00'", "document_id = '{invoice}'", "snapshots", "INV-00001: it names another snapshot than it has"),
    ("documents", "snapshot_sha256", "'00'", "number = 'INV-00001'", "snapshots", "INV-00001: its journal entry is missing or names another snapshot"),
    ("documents", "journal_entry_id", "'none'", "number = 'INV-00001'", "snapshots", "INV-00001: its journal entry is missing"),
    ("snapshots", "json", "'{}'", "document_id = '{quote}'", "snapshots", "Q-00001: its snapshot is not what was booked"),
    ("documents", "snapshot_sha256", "'00'", "number = 'Q-00001'", "snapshots", "Q-00001: it names another snapshot than it has"),
    ("documents", "number_seq", "7", "number = 'Q-00001'", "numbers", "quote number 1 is missing"),
    ("files", "document_id", "'none'", "document_id = '{quote}'", "papers", "Q-00001: it has neither its PDF nor the job that prints it"),
    ("files", "document_id", "'none'", "document_id = '{invoice}'", "papers", "INV-00001: it has neither its PDF nor the job that prints it"),
    ("files", "sha256", "'00'", "document_id = '{invoice}'", "files", "INV-00001: its pdf is not what was archived"),
    ("migrations", "name", "'0001_others'", "number = 1", "migrations", "migration 1 of the database is 0001_others, of this program 0001_the_books"),
    ("deliveries", "status", "'pending'", "document_id = '{invoice}'", "deliveries", "INV-00001: its delivery is pending, and no job sees to it"),
];

fn finds_each_damage(database_url: Option<&str>) {
    let folder = Folder::new();
    let house: &House = Box::leak(Box::new(House::serve(PROGRAM, folder.path(), database_url, &[])));
    let company = house.company_with(&[
        "--country",
        "DE",
        "--currency",
        "EUR",
        "--address",
        "Weg 7",
        "--postal-code",
        "24937",
        "--city",
        "Flensburg",
        "--vat",
        "DE136695976",
        "--vat-rates",
        "25",
    ]);
    let rate = json!({ "currency": "DKK", "date": "2026-01-01", "rate": "0.1341" });
    company.api.send("PUT", "/v1/exchange-rates", &rate).is(200);
    let abroad = json!({ "customerType": "business", "countryCode": "DE", "vatNumber": null });
    let customer = company.customer(abroad);
    let krone = company.price_with(json!({}), json!({ "unitAmount": "100", "currency": "DKK" }));
    let invoice = |quantity: &str| {
        let body = json!({ "customerId": customer, "currency": "DKK", "lines": [line(&krone, quantity)] });
        let draft = company.api.post("/v1/invoices", &body).is(201);
        company.sent("invoices", &draft)
    };
    let first = invoice("10");
    let credit = |quantity: &str| {
        company.credit(&customer, Some(&first), json!([line(&krone, quantity)]), json!({ "currency": "DKK" })).is(201)
    };
    let note = company.sent("credit-notes", &credit("3"));
    credit("1");
    invoice("2");
    invoice("5");
    let body = json!({ "customerId": customer, "currency": "DKK", "lines": [line(&krone, "1")] });
    let quote = company.sent("quotes", &company.api.post("/v1/quotes", &body).is(201));
    let place = format!("/v1/quotes/{}/convert", text(&quote["id"]));
    let made = company.api.post(&place, &json!({ "target": "invoice" })).is(201);
    company.sent("invoices", &made);
    company.settle();
    check_sound(&company);

    let events = house.books.value("select max(sequence) from events");
    let fill = |text: &str| {
        let ids = [("{invoice}", &first["id"]), ("{note}", &note["id"]), ("{quote}", &quote["id"])];
        let text = ids.iter().fold(text.to_owned(), |filled, (name, id)| filled.replace(name, self::text(id)));
        text.replace("{events}", &events)
    };
    for (table, column, value, rows, check, says) in DAMAGES {
        let rows = fill(rows);
        let before = house.books.rows(&format!("select {column} from {table} where {rows}"));
        let [before] = &before[..] else { panic!("{table} {rows}: {before:?}") };
        // Only this row, also once the column that it was found by has changed.
        let key = match house.books {
            Books::Sqlite(_) => {
                format!("rowid = {}", house.books.value(&format!("select rowid from {table} where {rows}")))
            }
            Books::Postgres(_) => rows.clone(),
        };
        let set = |value: &str, rows: &str| {
            let _ = house.books.rows(&format!("update {table} set {column} = {value} where {rows}"));
        };
        set(value, &key);
        let found = wrong(&company, check);
        assert!(found.iter().any(|what| what.contains(&fill(says))), "{table}.{column}: {check} said {found:#?}");
        let after = if rows.contains(&format!("{column} =")) { format!("{column} = {value}") } else { key };
        set(&format!("'{}'", before[0]), &after);
    }
    check_sound(&company);

    // A job that has failed too often, and one that nobody takes.
    for (attempts, due_at, says) in [(50, "2999-01-01", "was tried 50 times"), (0, "2999-01-01", "")] {
        let _ = house.books.rows(&format!(
            "insert into jobs (company_id, id, kind, subject_id, due_at, attempts, created_at) values ('{}', \
             'stuck', 'archive', 'none', '{due_at}T00:00:00.000Z', {attempts}, '{due_at}T00:00:00.000Z')",
            company.id
        ));
        if says.is_empty() {
            check_sound(&company);
        } else {
            let found = wrong(&company, "jobs");
            assert!(found.iter().any(|what| what.contains(says)), "{found:?}");
        }
        let _ = house.books.rows("delete from jobs where id = 'stuck'");
    }
    // Bytes that rot, and the file that is gone with its document unharmed.
    let nothing = if database_url.is_none() { "x'00'" } else { "'\\x00'" };
    let _ =
        house.books.rows(&format!("update files set bytes = {nothing} where document_id = '{}'", text(&note["id"])));
    assert_eq!(wrong(&company, "files"), ["CN-00001: its pdf is not what was archived: its hash is another"]);
    let (code, said) = doctor(&company, &[]);
    assert!(code == 1 && said.contains("WRONG  files") && said.ends_with("1 wrong\n"), "{said}");
    house.server.signal("KILL");
}

#[test]
fn each_damage_is_found_on_sqlite() {
    finds_each_damage(None);
}

#[test]
fn each_damage_is_found_on_postgres() {
    finds_each_damage(Some(&shared_postgres().fresh_database()));
}

on_both_engines! {
    /// Nothing of another company is looked at, and what can't be examined is neither sound nor wrong.
    fn one_company_is_examined_alone(house) {
        let company = house.company();
        let (code, said) = doctor(&company, &["--company", &company.id]);
        assert!(code == 0 && said.matches("\ncompany ").count() == 1 && said.ends_with("\nsound\n"), "{said}");
        let (code, said) = doctor(&company, &["--company", "00000000-0000-7000-8000-000000000000"]);
        assert!(code == 2 && said.contains("There is no company"), "{said}");
        let (code, said) = doctor(&company, &["--company", "mine"]);
        assert!(code == 2 && said.contains("invalid value 'mine'"), "{said}");
    }
}

#[test]
fn books_that_are_not_there_are_not_made() {
    let folder = Folder::new();
    let output = ledgerbee(PROGRAM, folder.path(), None).arg("doctor").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there are no books"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let url = "postgres://postgres@127.0.0.1:1/none";
    let output = ledgerbee(PROGRAM, folder.path(), Some(url)).arg("doctor").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// A page of the file that is lost is named by the engine's own check.
#[test]
fn a_damaged_file_is_found() {
    let folder = Folder::new();
    let house = House::serve(PROGRAM, folder.path(), None, &[]);
    house.company();
    let number = |sql: &str| house.books.value(sql).parse::<usize>().unwrap();
    let size = number("pragma page_size");
    let page = number("select rootpage from sqlite_master where name = 'postings_by_account'");
    let _ = house.books.rows("pragma wal_checkpoint(truncate)");
    house.server.terminate();
    let path = folder.path().join("ledgerbee.db");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[(page - 1) * size..page * size].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let output = ledgerbee(PROGRAM, folder.path(), None).arg("doctor").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("WRONG  storage"), "{said}");
}

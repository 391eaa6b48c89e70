//! A backup under load, its way back, and what is refused.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;
use testkit::{Folder, ledgerbee, shared_postgres, wait_for};

use testkit::house::Company;

use crate::house::{Api, House, PROGRAM, line, text};

/// Runs a command on a folder's books: whether it succeeded, and what it said.
fn command(folder: &Path, arguments: &[&str]) -> (bool, String) {
    command_on(folder, None, arguments)
}

/// The same, on books that may be in PostgreSQL.
fn command_on(folder: &Path, database_url: Option<&str>, arguments: &[&str]) -> (bool, String) {
    let output = ledgerbee(PROGRAM, folder, database_url).args(arguments).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn refused(folder: &Path, arguments: &[&str], why: &str) {
    let (is_done, said) = command(folder, arguments);
    assert!(!is_done && said.starts_with("error: ") && said.contains(why), "{arguments:?} said {said}");
}

/// Backs books up while they are written to, and puts the copy back into `elsewhere`.
fn comes_back(database_url: Option<&str>, other_url: Option<&str>) {
    let (folder, elsewhere, copies) = (Folder::new(), Folder::new(), Folder::new());
    let house = House::serve(PROGRAM, folder.path(), database_url, &[]);
    let company = house.company();
    let (customer, price) = (company.customer(json!({})), company.price("100"));
    let invoice = company.invoice(&customer, json!([line(&price, "9")]));
    company.settle();
    let file = copies.path().join("books.backup");
    let file = file.to_str().unwrap();
    let (made, is_over) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let before = thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let note = company.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
                    made.lock().unwrap().push(note);
                }
            });
        }
        wait_for("some notes", || (made.lock().unwrap().len() >= 50).then_some(()));
        let before = made.lock().unwrap().clone();
        let (is_done, said) = command_on(folder.path(), database_url, &["backup", file]);
        wait_for("more notes", || (made.lock().unwrap().len() >= before.len() + 20).then_some(()));
        is_over.store(true, Ordering::Relaxed);
        assert!(is_done, "{said}");
        before
    });
    let (is_done, said) = command_on(elsewhere.path(), other_url, &["restore", file]);
    assert!(is_done, "{said}");
    let (is_sound, said) = command_on(elsewhere.path(), other_url, &["doctor"]);
    assert!(is_sound && said.contains("company "), "{said}");
    let restored = House::serve(PROGRAM, elsewhere.path(), other_url, &[]);
    let (id, api) = (company.id.clone(), Api::new(&restored.server.root, &company.api.key));
    let there = Company { house: &restored, id, api };
    there.check_books();
    assert_eq!(there.now("invoices", &invoice), company.now("invoices", &invoice));
    let pdf = format!("/v1/invoices/{}/pdf", text(&invoice["id"]));
    assert!(there.api.get(&pdf).bytes == company.api.get(&pdf).bytes, "the archived copy came along");
    for note in before {
        assert_eq!(there.now("credit-notes", &note), note, "made before the backup");
    }
    // It goes on where it was: the next number follows.
    let count: u64 = there.api.get("/v1/credit-notes?limit=1").is(200)["total"].as_u64().unwrap();
    let note = there.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
    assert_eq!(text(&note["number"]), format!("CN-{:05}", count + 1));

    let refused = |folder: &Path, url, arguments: &[&str], why: &str| {
        let (is_done, said) = command_on(folder, url, arguments);
        assert!(!is_done && said.starts_with("error: ") && said.contains(why), "{arguments:?} said {said}");
    };
    refused(folder.path(), database_url, &["backup", file], "there already");
    refused(elsewhere.path(), other_url, &["restore", file], "already");
}

#[test]
fn a_backup_under_load_holds_all_that_was_answered_before_on_sqlite() {
    comes_back(None, None);
}

#[test]
fn a_backup_under_load_holds_all_that_was_answered_before_on_postgres() {
    let postgres = shared_postgres();
    comes_back(Some(&postgres.fresh_database()), Some(&postgres.fresh_database()));
}

#[test]
fn what_is_no_copy_of_books_is_not_put_into_postgres() {
    let (folder, url) = (Folder::new(), shared_postgres().fresh_database());
    let file = folder.path().join("copy");
    let file = file.to_str().unwrap();
    // The embedded database's copy is none of PostgreSQL's.
    command(folder.path(), &["company", "create", "--name", "Bikuben ApS", "--country", "DK"]);
    assert!(command(folder.path(), &["backup", file]).0);
    let (is_done, said) = command_on(folder.path(), Some(&url), &["restore", file]);
    assert!(!is_done && said.contains("pg_restore: error"), "{said}");
    // A database of somebody else's is no copy of books, and nothing of it stays.
    let other = folder.path().join("other");
    let (is_done, said) = command_on(folder.path(), Some(&url), &["backup", other.to_str().unwrap()]);
    assert!(!is_done && said.contains("no books of ledgerbee") && !other.exists(), "{said}");
}

/// Without the tools it says how to run them, and not the password.
#[test]
fn without_postgres_tools_it_says_how() {
    let folder = Folder::new();
    let url = "postgres://bee:sting@db.example:6432/books";
    for (command, tool) in [("backup", "pg_dump --format=custom"), ("restore", "pg_restore --exit-on-error")] {
        let mut run = ledgerbee(PROGRAM, folder.path(), Some(url));
        let output = run.args([command, "copy"]).env("PATH", "").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let place = "postgres://bee@db.example:6432/books";
        assert!(said.contains(tool) && said.contains(place) && !said.contains("sting"), "{said}");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn what_is_no_backup_is_not_put_back() {
    let (folder, empty) = (Folder::new(), Folder::new());
    refused(empty.path(), &["backup", "nowhere.backup"], "there are no books");
    let file = folder.path().join("other");
    std::fs::write(&file, "no database at all, whatever its name").unwrap();
    refused(empty.path(), &["restore", file.to_str().unwrap()], "not a database");
    let foreign = folder.path().join("foreign.db");
    let books = testkit::Books::Sqlite(foreign.clone());
    let _ = books.rows("create table cats (name text)");
    refused(empty.path(), &["restore", foreign.to_str().unwrap()], "no books of ledgerbee");

    command(folder.path(), &["company", "create", "--name", "Bikuben ApS", "--country", "DK"]);
    let copy = folder.path().join("copy");
    let (is_done, said) = command(folder.path(), &["backup", copy.to_str().unwrap()]);
    assert!(is_done, "{said}");
    // A page in the middle is lost on the way.
    let mut bytes = std::fs::read(&copy).unwrap();
    let middle = bytes.len() / 2 / 4_096 * 4_096;
    bytes[middle..middle + 4_096].fill(0xff);
    std::fs::write(&copy, bytes).unwrap();
    refused(empty.path(), &["restore", copy.to_str().unwrap()], "");
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0, "nothing was put there");
    let url = ["--database-url", "postgres://postgres@127.0.0.1:1/none"];
    refused(empty.path(), &["backup", "x", url[0], url[1]], "pg_dump");
}

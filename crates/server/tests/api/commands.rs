//! The command line as operators use it: what it prints, what it refuses, how it ends.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use testkit::{Folder, ledgerbee, shared_postgres};

use crate::house::{Api, PROGRAM, text};

/// Where the books of one test are.
struct Place {
    folder: Folder,
    database_url: Option<String>,
}

impl Place {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = ledgerbee(PROGRAM, self.folder.path(), self.database_url.as_deref());
        command.args(arguments);
        command
    }

    /// Runs it: exit code, standard output, standard error.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let (code, out, err) = self.run(arguments);
        assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
        serde_json::from_str(&out).unwrap()
    }

    /// Serves, and tells where.
    fn serve(&self, more: &[&str]) -> (Child, String) {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.args(more).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let root = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("it said {line:?}"));
        (child, root.to_owned())
    }
}

/// Asks it to end: its exit code and its log.
fn end(mut child: Child) -> (Option<i32>, String) {
    Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap();
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    (child.wait().unwrap().code(), log)
}

/// A test on each engine, with books of its own.
fn on_each(test: impl Fn(&Place)) {
    for database_url in [None, Some(shared_postgres().fresh_database())] {
        test(&Place { folder: Folder::new(), database_url });
    }
}

#[test]
fn a_company_is_made_set_and_listed() {
    on_each(|place| {
        let made = place.json(&["company", "create", "--name", "Bikuben ApS", "--country", "DK", "--json"]);
        let (id, key) = (text(&made["companyId"]), text(&made["apiKey"]));
        assert!(
            key.starts_with("lb_live_") && made["scopes"].as_array().is_some_and(|scopes| scopes.len() > 10),
            "{made}"
        );
        let (code, out, _) = place.run(&["company", "set", "--company", id, "--city", "Silkeborg", "--language", "en"]);
        assert_eq!(code, 0, "{out}");
        let list = place.json(&["company", "list", "--json"]);
        let company = &list[0];
        assert_eq!(
            (&company["id"], &company["name"], &company["currency"]),
            (&json!(id), &json!("Bikuben ApS"), &json!("DKK"))
        );
        // For people: a table with the same in it, and the key nowhere.
        let (_, out, _) = place.run(&["company", "list"]);
        assert!(out.contains(id) && out.contains("Bikuben ApS") && !out.contains(key), "{out}");
        // A country without a chart of its own, in another currency, to try things out.
        let made = place.json(&[
            "company",
            "create",
            "--name",
            "Biene",
            "--country",
            "DE",
            "--vat-rates",
            "19,7",
            "--test",
            "--json",
        ]);
        assert!(text(&made["apiKey"]).starts_with("lb_test_"));
        assert_eq!(place.json(&["company", "list", "--json"]).as_array().unwrap().len(), 2);
    });
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_made() {
    on_each(|place| {
        let refused = |arguments: &[&str], code: i32, words: &str| {
            let (found, out, err) = place.run(arguments);
            assert_eq!((found, out.as_str()), (code, ""), "{arguments:?}: {err}");
            assert!(err.contains(words), "{arguments:?}: {words:?} not in {err:?}");
        };
        refused(&["company", "create", "--name", "X", "--country", "XX"], 1, "country");
        refused(&["company", "create", "--name", "X", "--country", "DK", "--vat", "DK12345678"], 1, "VAT");
        refused(&["company", "create", "--name", "X", "--country", "DK", "--vat-rates", "101"], 1, "100");
        refused(&["company", "create", "--country", "DK"], 2, "--name");
        refused(&["company", "set", "--company", "7", "--city", "Y"], 2, "7");
        refused(&["company", "set", "--company", "01930000-0000-7000-8000-000000000000", "--city", "Y"], 1, "company");
        refused(
            &["key", "create", "--company", "01930000-0000-7000-8000-000000000000", "--scopes", "all"],
            1,
            "company",
        );
        refused(&["serve", "--listen", "nowhere"], 2, "nowhere");
        refused(&["fly"], 2, "fly");
        assert_eq!(place.json(&["company", "list", "--json"]), json!([]));
    });
}

#[test]
fn keys_are_made_listed_and_revoked_beside_a_running_server() {
    on_each(|place| {
        let (server, root) = place.serve(&["--log", "off"]);
        let made = place.json(&["company", "create", "--name", "Bikuben ApS", "--country", "DK", "--json"]);
        let company = text(&made["companyId"]);
        let key = ["key", "create", "--company", company, "--name", "Webshop", "--scopes", "company-read", "--json"];
        let key = place.json(&key);
        let api = Api::new(&root, text(&key["key"]));
        assert_eq!(api.get("/v1/company").is(200)["id"], json!(company));
        api.get("/v1/customers").refused(403, "INSUFFICIENT_PERMISSIONS");
        let list = place.json(&["key", "list", "--company", company, "--json"]);
        let names: Vec<&str> = list.as_array().unwrap().iter().map(|key| text(&key["name"])).collect();
        assert!(names.len() == 2 && names.contains(&"Webshop"), "{list}");
        assert!(!list.to_string().contains(text(&key["key"])), "a key is shown once");
        let (code, out, _) = place.run(&["key", "revoke", "--company", company, text(&key["id"])]);
        assert!(code == 0 && out.contains("Webshop"), "{out}");
        // At once, though another process did it.
        api.get("/v1/company").refused(401, "UNAUTHORIZED");
        let (code, _, err) = place.run(&["key", "create", "--company", company, "--scopes", "fly"]);
        assert!(code == 1 && err.contains("fly"), "{err}");
        assert_eq!(end(server).0, Some(0));
    });
}

#[test]
fn it_logs_one_line_a_request_and_ends_well() {
    on_each(|place| {
        let made = place.json(&["company", "create", "--name", "Bikuben ApS", "--country", "DK", "--json"]);
        let (server, root) = place.serve(&[]);
        let api = Api::new(&root, text(&made["apiKey"]));
        let answer = api.get("/v1/company");
        let id = answer.header("x-request-id").unwrap().to_owned();
        let nobody = Api::new(&root, "");
        nobody.get("/v1/company?x-api-key=secret-in-the-query").refused(401, "UNAUTHORIZED");
        api.get("/v1/nothing").refused(404, "NOT_FOUND");
        let (code, log) = end(server);
        assert_eq!(code, Some(0), "{log}");
        let lines: Vec<Value> =
            log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
        let requests: Vec<&Value> = lines.iter().filter(|line| line["message"] == "request").collect();
        assert_eq!(requests.len(), 3, "{log}");
        assert_eq!((&requests[0]["request_id"], &requests[0]["company_id"]), (&json!(id), &made["companyId"]));
        let seen: Vec<_> = requests.iter().map(|line| (&line["method"], &line["route"], &line["status"])).collect();
        let (get, company, none) = (&json!("GET"), &json!("/v1/company"), &json!("-"));
        assert_eq!(seen, [(get, company, &json!(200)), (get, company, &json!(401)), (get, none, &json!(404))]);
        assert!(
            !log.contains(text(&made["apiKey"])) && !log.contains("secret-in-the-query"),
            "keys are never logged: {log}"
        );
    });
}

#[test]
fn a_second_server_on_the_same_books_ends_with_1() {
    let place = Place { folder: Folder::new(), database_url: None };
    let (server, _) = place.serve(&["--log", "off"]);
    let (code, out, err) = place.run(&["serve", "--listen", "127.0.0.1:0", "--log", "off"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("another server") && err.contains(&place.folder.path().display().to_string()), "{err}");
    assert_eq!(end(server).0, Some(0));
    // The folder is free again.
    let (server, _) = place.serve(&["--log", "off"]);
    assert_eq!(end(server).0, Some(0));
}

#[test]
fn a_place_that_can_not_be_used_is_named() {
    let folder = Folder::new();
    let file = folder.path().join("a-file");
    std::fs::write(&file, "not a folder").unwrap();
    let said = |data: &Path, url: Option<&str>| {
        let Output { status, stderr, .. } = ledgerbee(PROGRAM, data, url).args(["company", "list"]).output().unwrap();
        (status.code(), String::from_utf8(stderr).unwrap())
    };
    let (code, err) = said(&file, None);
    assert!(code == Some(1) && err.contains("a-file"), "{err}");
    let (code, err) = said(folder.path(), Some("postgres://nobody:secret@127.0.0.1:1/none"));
    assert!(code == Some(1) && !err.contains("secret") && err.contains("127.0.0.1"), "{err}");
}

#[test]
fn an_address_with_a_password_is_read_from_a_file() {
    let folder = Folder::new();
    let file = folder.path().join("database_url").display().to_string();
    let said = |more: &[&str]| {
        let mut command = ledgerbee(PROGRAM, folder.path(), None);
        let Output { status, stdout, stderr } =
            command.args(["company", "list", "--json", "--database-url-file", &file]).args(more).output().unwrap();
        (status.code().unwrap(), String::from_utf8([stdout, stderr].concat()).unwrap())
    };
    let (code, words) = said(&[]);
    assert!(code == 2 && words.contains("database_url"), "{words}");
    std::fs::write(&file, "\n").unwrap();
    assert_eq!(said(&[]).0, 2);
    std::fs::write(&file, shared_postgres().fresh_database() + "\n").unwrap();
    assert_eq!(said(&[]), (0, "[]\n".to_owned()));
    let (code, words) = said(&["--database-url", "postgres://elsewhere"]);
    assert!(code == 2 && words.contains("--database-url"), "{words}");
}

/// What can be set is written down, under both its names.
#[test]
fn every_option_of_serve_stands_in_the_documents() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operate.md");
    let page = std::fs::read_to_string(path).unwrap();
    let help = Command::new(PROGRAM).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let options = help.lines().filter_map(|line| line.trim_start().strip_prefix("--")?.split(' ').next());
    let names = help.lines().filter_map(|line| line.trim_start().strip_prefix("[env: ")?.split(['=', ']']).next());
    let (options, names): (Vec<&str>, Vec<&str>) = (options.collect(), names.collect());
    assert!(options.len() >= 15 && names.len() >= 15, "{help}");
    for option in options {
        assert!(page.contains(&format!("`--{option}")), "--{option}");
    }
    for name in names {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}

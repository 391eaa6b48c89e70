//! Whether the server is alive, and whether it is ready.

use std::net::TcpListener;
use std::process::Command;

use serde_json::json;
use testkit::{Folder, Postgres, shared_postgres, wait_for};

use crate::house::{Api, House, PROGRAM};

/// A client of what stands beside the API.
fn beside(house: &House) -> Api {
    Api::new(&house.server.root, "").at("")
}

/// What the command says that asks a server: its exit code and its words.
fn health(house: &House, more: &[&str]) -> (Option<i32>, String) {
    let address = house.server.root.strip_prefix("http://").unwrap();
    let output = Command::new(PROGRAM).args(["health", "--listen", address]).args(more).output().unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

on_both_engines! {
    /// Without a key, and with nothing of any company.
    fn a_server_is_alive_and_ready(house) {
        for path in ["/healthz", "/readyz"] {
            assert_eq!(beside(house).get(path).is(200), json!({ "status": "ok" }));
        }
    }
}

/// It lives without its books, is not ready, and is again by itself.
#[test]
fn a_server_without_postgres_lives_and_is_not_ready() {
    let mut postgres = Postgres::start(&["fsync=off"]);
    let (url, folder) = (postgres.fresh_database(), Folder::new());
    let house = House::serve(PROGRAM, folder.path(), Some(&url), &[]);
    let (beside, company) = (beside(&house), house.company());
    beside.get("/readyz").is(200);
    assert_eq!(health(&house, &[]), (Some(0), "ok\n".to_owned()));
    assert_eq!(health(&house, &["--ready"]), (Some(0), "ok\n".to_owned()));
    postgres.crash();
    assert_eq!(beside.get("/readyz").is(503), json!({ "status": "the books do not answer" }));
    beside.get("/healthz").is(200);
    assert_eq!(health(&house, &[]), (Some(0), "ok\n".to_owned()));
    let (code, said) = health(&house, &["--ready"]);
    assert!(code == Some(1) && said.contains("the books do not answer"), "{said}");
    let answer = company.api.get("/v1/company");
    assert!(answer.header("retry-after").is_some(), "it says when to come again");
    answer.refused(503, "UNAVAILABLE");
    postgres.run(&[]);
    wait_for("readiness", || (beside.get("/readyz").status == 200).then_some(()));
    company.api.get("/v1/company").is(200);
}

#[test]
fn a_server_that_is_not_there_is_not_well() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let output = Command::new(PROGRAM).args(["health", "--listen", &address]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains(&address), "{said}");
}

/// Of a cluster the host is found that lets us in: one is off, one takes the connection and says nothing.
#[test]
fn a_server_finds_its_books_among_several_hosts() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let others = format!("127.0.0.1:1,127.0.0.1:{},127.0.0.1:", silent.local_addr().unwrap().port());
    let url = shared_postgres().fresh_database().replace("127.0.0.1:", &others) + "?connect_timeout=1";
    let folder = Folder::new();
    let house = House::serve(PROGRAM, folder.path(), Some(&url), &[]);
    house.company().api.get("/v1/company").is(200);
}

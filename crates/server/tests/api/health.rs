//! Whether the server is alive, and whether it is ready.

use serde_json::json;
use testkit::{Folder, Postgres, wait_for};

use crate::house::{Api, House, PROGRAM};

/// A client of what stands beside the API.
fn beside(house: &House) -> Api {
    Api::new(&house.server.root, "").at("")
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
    postgres.crash();
    assert_eq!(beside.get("/readyz").is(503), json!({ "status": "the books do not answer" }));
    beside.get("/healthz").is(200);
    let answer = company.api.get("/v1/company");
    assert!(answer.header("retry-after").is_some(), "it says when to come again");
    answer.refused(503, "UNAVAILABLE");
    postgres.run(&[]);
    wait_for("readiness", || (beside.get("/readyz").status == 200).then_some(()));
    company.api.get("/v1/company").is(200);
}

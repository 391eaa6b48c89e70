//! PostgreSQL goes away under load and comes back.

use std::thread;
use std::time::Duration;

use testkit::{Postgres, wait_for};

use super::{Place, Repeating, refused, rounds, under_load_of};
use crate::house::Api;

/// How long it stays away in the long form, in seconds; as long as it takes to be refused often by default.
fn away() -> Duration {
    let seconds = std::env::var("LEDGERBEE_POSTGRES_AWAY").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(0))
}

#[test]
fn postgres_goes_away_and_what_was_answered_is_there() {
    let mut postgres = Postgres::start(&["fsync=on", "synchronous_commit=on"]);
    let url = postgres.fresh_database();
    let place = Place::serve(Some(&url), &[]);
    let company = place.house.company();
    let beside = Api::new(&company.house.server.root, "").at("");
    for _ in 0..rounds() {
        under_load_of(&company, Repeating::ByKey, |counts| {
            postgres.crash();
            counts.wait_for_more("refusals", &counts.refused, 40);
            refused(company.api.get("/v1/company"));
            assert_eq!(beside.get("/readyz").status, 503);
            assert_eq!(beside.get("/healthz").status, 200);
            thread::sleep(away());
            postgres.run(&[]);
            wait_for("readiness", || (beside.get("/readyz").status == 200).then_some(()));
        });
    }
    let log = place.faults.log();
    for words in ["not ready: the books do not answer", "the outbox can't be worked", "\"cause\":"] {
        assert!(log.contains(words), "{words:?} is not in the log: {}", &log[log.len().saturating_sub(2_000)..]);
    }
}

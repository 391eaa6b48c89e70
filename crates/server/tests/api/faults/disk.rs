//! The disk under the embedded books: full, read-only, failing, slow, stalled.

use std::fs::{Permissions, create_dir, set_permissions};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use testkit::{Disk, wait_for};

use super::mail::{send, tried};
use super::{Place, refused, rounds, under_load};
use crate::house::{Company, House, PROGRAM, line};

/// The fault comes under load and goes again; meanwhile books can be read, and the log has these words. Each
/// round has books of its own: a log that earlier rounds made long has room on a full disk.
fn comes_and_goes(disk: Disk, words: &str) {
    for _ in 0..rounds() {
        let place = Place::serve(None, &[]);
        let (company, faults) = (place.house.company(), &place.faults);
        under_load(&company, |counts| {
            faults.disk(disk);
            counts.wait_for_more("refusals", &counts.refused, 40);
            company.api.get("/v1/company").is(200);
            faults.disk(Disk::Sound);
        });
        assert!(faults.met() > 0);
        let log = faults.log();
        assert!(log.contains(words), "{words:?} is not in the log: {}", &log[log.len().saturating_sub(2_000)..]);
    }
}

#[test]
fn a_full_disk_refuses_and_loses_nothing() {
    comes_and_goes(Disk::Full, "database or disk is full");
}

#[test]
fn a_disk_that_became_read_only_refuses_and_loses_nothing() {
    comes_and_goes(Disk::ReadOnly, "disk I/O error");
}

#[test]
fn a_disk_that_can_not_sync_refuses_and_loses_nothing() {
    comes_and_goes(Disk::SyncFails, "disk I/O error");
}

/// What could not be made durable was answered with "nothing was done": then that holds also
/// when the server is killed before it writes anything else.
#[test]
fn what_was_refused_as_it_could_not_be_synced_is_not_there_after_a_kill() {
    let place = Place::serve(None, &[]);
    let (company, faults) = (place.house.company(), &place.faults);
    let (customer, price) = (company.customer(json!({})), company.price("1000"));
    let kept = company.draft(&customer, json!([line(&price, "1")]));
    faults.disk(Disk::SyncFails);
    let met = faults.met();
    for _ in 0..3 {
        refused(company.api.post("/v1/invoices", &json!({ "customerId": customer, "lines": [line(&price, "1")] })));
    }
    assert!(faults.met() > met);
    company.house.server.signal("KILL");
    let house: &'static House = Box::leak(Box::new(House::serve(PROGRAM, &company.house.folder, None, &[])));
    let api = crate::house::Api::new(&house.server.root, &company.api.key);
    let company = Company { house, id: company.id.clone(), api };
    let invoices = company.api.get("/v1/invoices").is(200);
    assert_eq!(invoices["total"], 1, "{invoices}");
    assert_eq!(company.now("invoices", &kept), kept);
    company.draft(&customer, json!([line(&price, "1")]));
    company.check_books();
}

#[test]
fn on_a_slow_disk_nothing_is_refused() {
    let place = Place::serve(None, &[]);
    let (company, faults) = (place.house.company(), &place.faults);
    faults.slow_syncs(20);
    under_load(&company, |counts| {
        counts.wait_for_more("answers", &counts.done, 100);
        assert_eq!(counts.refused.load(std::sync::atomic::Ordering::Relaxed), 0);
    });
    assert!(faults.met() > 0);
}

/// Writes wait for a disk that hangs; reads do not, and what waited is done.
#[test]
fn while_the_disk_hangs_reads_are_answered_and_writes_wait() {
    let place = Place::serve(None, &[]);
    let (company, faults) = (place.house.company(), &place.faults);
    let (customer, price) = (company.customer(json!({})), company.price("1000"));
    let before = faults.met();
    faults.disk(Disk::SyncStalls);
    std::thread::scope(|scope| {
        let draft = || company.draft(&customer, json!([line(&price, "1")]));
        let writers: Vec<_> = (0..8).map(|_| scope.spawn(draft)).collect();
        wait_for("a sync that hangs", || (faults.met() > before).then_some(()));
        assert_eq!(company.api.get("/v1/invoices").is(200)["total"], 0, "what is not durable is not shown");
        assert!(writers.iter().all(|writer| !writer.is_finished()), "nobody is answered before it is durable");
        faults.disk(Disk::Sound);
        for writer in writers {
            let draft = writer.join().unwrap();
            assert_eq!(company.now("invoices", &draft), draft);
        }
    });
    company.check_books();
}

/// The user that the server runs as may not write into the folder for mails: they wait. What of the
/// books is open stays so, whatever becomes of the folder around them.
#[test]
fn in_a_read_only_directory_mails_wait_and_books_go_on() {
    let place = Place::serve(None, &[]);
    let (company, faults) = (place.house.company(), &place.faults);
    let mails = place.house.folder.join("mail");
    let allow = |path: &std::path::Path, mode| set_permissions(path, Permissions::from_mode(mode)).unwrap();
    create_dir(&mails).unwrap();
    allow(&mails, 0o555);
    allow(&place.house.folder, 0o555);
    let invoice = send(&company);
    let status = tried(&company, &invoice, 1);
    assert_eq!(
        (&status["summary"]["status"], &status["summary"]["lastError"]["code"]),
        (&json!("pending"), &json!("MAIL_FOLDER"))
    );
    assert!(faults.log().contains("Permission denied"), "the log says why");
    allow(&mails, 0o777);
    faults.clock_ahead(34);
    assert_eq!(tried(&company, &invoice, 2)["summary"]["status"], "delivered");
    allow(&place.house.folder, 0o755);
    company.settle();
    company.check_books();
}

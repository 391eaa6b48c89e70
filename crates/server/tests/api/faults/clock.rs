//! The clock: it jumps ahead and back under the server.

use jiff::{SignedDuration, Timestamp};
use testkit::{MailServer, Manner, shared_postgres, wait_for};

use super::mail::{send, tried};
use super::{Place, rounds, under_load};
use crate::house::Api;

const DAY: i64 = 86_400;

/// Numbers go on, later ones are never earlier, and no paper waits for a day that was not yet.
fn jumps(database_url: Option<&str>) {
    let place = Place::serve(database_url, &[]);
    let company = place.house.company();
    for _ in 0..rounds() {
        under_load(&company, |counts| {
            for ahead in [DAY, -3_600, 400 * DAY, -2 * DAY, 0] {
                place.faults.clock_ahead(ahead);
                counts.wait_for_more("answers", &counts.done, 30);
            }
        });
    }
}

#[test]
fn numbers_and_papers_go_on_while_the_clock_jumps_on_sqlite() {
    jumps(None);
}

#[test]
fn numbers_and_papers_go_on_while_the_clock_jumps_on_postgres() {
    jumps(Some(&shared_postgres().fresh_database()));
}

/// Set forward, the clock ends every claim; what this server is at is not begun once more.
#[test]
fn a_mail_on_its_way_is_not_sent_again_when_the_clock_is_set_forward() {
    let mail = MailServer::start(Manner::Takes);
    let place = Place::serve(None, &["--smtp-url", &mail.url()]);
    let company = place.house.company();
    // Who has taken one has places for more.
    assert_eq!(tried(&company, &send(&company), 1)["summary"]["status"], "delivered");
    company.settle();
    mail.treat(Manner::KeepsQuiet);
    let first = send(&company);
    wait_for("the first mail", || (mail.message_ids().len() == 2).then_some(()));
    place.faults.clock_ahead(3_600);
    // The look that finds the second finds the first before it.
    let second = send(&company);
    wait_for("the second mail", || (mail.message_ids().len() >= 3).then_some(()));
    mail.treat(Manner::Takes);
    for invoice in [first, second] {
        assert_eq!(tried(&company, &invoice, 1)["summary"]["status"], "delivered");
    }
    company.settle();
    let mut ids = mail.message_ids();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), mail.visits()), (3, 3));
}

/// Put off on a clock that was a year ahead, a mail does not wait for that year.
#[test]
fn a_mail_that_was_put_off_ahead_of_time_goes_out_when_the_clock_is_right_again() {
    let mail = MailServer::start(Manner::Refuses("451 4.3.2 Come again"));
    let place = Place::serve(None, &["--smtp-url", &mail.url()]);
    let company = place.house.company();
    place.faults.clock_ahead(365 * DAY);
    let invoice = send(&company);
    tried(&company, &invoice, 1);
    mail.treat(Manner::Takes);
    place.faults.clock_ahead(0);
    assert_eq!(tried(&company, &invoice, 2)["summary"]["status"], "delivered");
    company.settle();
    assert!(place.faults.log().contains("the clock has gone back"), "the log says why");
}

/// A key ends when the clock says so, and is good again when the clock was wrong.
#[test]
fn a_key_that_expires_follows_the_clock() {
    let place = Place::serve(None, &[]);
    let company = place.house.company();
    let expires = (Timestamp::now() + SignedDuration::from_hours(1)).to_string();
    let (_, api): (String, Api) =
        company.key(&["--name", "Webshop", "--scopes", "company-read", "--expires", &expires]);
    api.get("/v1/company").is(200);
    place.faults.clock_ahead(7_200);
    api.get("/v1/company").refused(401, "UNAUTHORIZED");
    place.faults.clock_ahead(-7_200);
    api.get("/v1/company").is(200);
}

//! What the doctor says of webhooks: each damage is found and named, and what is sound is not.

use testkit::{Folder, Receiver, Reception, shared_postgres};

use super::{change, endpoint, open_house, wait_for_delivery};
use crate::doctor::{check_sound, wrong};
use crate::house::{House, text};

/// What is done to the books, how it is undone, and what is said of it.
type Damage = (&'static [&'static str], &'static [&'static str], &'static str);

const LONG_AGO: &str = "'2020-01-01T00:00:00.000Z'";

#[rustfmt::skip]
const DAMAGES: &[Damage] = &[
    (&["update webhook_places set sequence = 9999"], &["update webhook_places set sequence = {latest}"],
     "its place is after event 9999, and the last there is is {latest}"),
    (&["update webhook_places set sequence = 0"], &["update webhook_places set sequence = {latest}"],
     "event 1 of 2020-01-01T00:00:00.000Z waits for it, and nothing failed: is a server running"),
    (&["update webhook_places set sequence = 0, lease_id = 'x', leased_until = {long_ago}"],
     &["update webhook_places set sequence = {latest}, lease_id = null, leased_until = null"],
     "whoever was at it has not been since 2020-01-01T00:00:00.000Z, and nobody took over"),
    (&["update webhook_deliveries set status = 'pending', next_attempt_at = {long_ago}"],
     &["update webhook_deliveries set status = 'delivered', next_attempt_at = null"],
     "what is to be tried again is due since 2020-01-01T00:00:00.000Z"),
    (&["update webhook_places set is_enabled = 'no'"], &["update webhook_places set is_enabled = 'yes'"],
     "it says that it is enabled, but it is sent nothing"),
    (&["update webhook_endpoints set is_enabled = 'no'"], &["update webhook_endpoints set is_enabled = 'yes'"],
     "it says that it is disabled, but it is sent events"),
    (&["update webhook_deliveries set endpoint_id = 'none'"], &["update webhook_deliveries set endpoint_id = '{endpoint}'"],
     "there are 1 webhook deliveries to endpoint none, which is not there"),
    (&["update webhook_endpoints set old_secret = {nothing}, old_secret_until = {long_ago}"],
     &["update webhook_endpoints set old_secret = null, old_secret_until = null"],
     "the key at hand does not open the secret it had before: put the right key file back"),
    (&["update webhook_endpoints set secret = {nothing}"], &[], "the key at hand does not open its secret"),
    (&["delete from webhook_places"], &[], "it has no place in the log, so it is sent nothing"),
];

fn finds_each_damage(database_url: Option<&str>) {
    let folder = Folder::new();
    let house: &House = Box::leak(Box::new(open_house(&folder, database_url)));
    let company = house.company();
    let receiver = Receiver::start(Reception::Answers(200));
    let made = endpoint(&company, &receiver, &["company.updated"]);
    change(&company, 1);
    wait_for_delivery(&company, &made, |one| one["status"] == "delivered");
    house.server.end_by("TERM");
    let latest = house.books.value("select event_sequence from company_counters");
    let nothing = if database_url.is_none() { "x'00'" } else { "'\\x00'" };
    let fill = |text: &str| {
        let text = text.replace("{latest}", &latest).replace("{long_ago}", LONG_AGO).replace("{nothing}", nothing);
        text.replace("{endpoint}", self::text(&made["id"]))
    };
    let run = |sql: &str| drop(house.books.rows(&fill(sql)));
    // Behind for a while, but who is behind fails, or is not sent anything: that is as it should be.
    run("update events set occurred_at = {long_ago} where sequence = 1");
    check_sound(&company);
    run("update webhook_places set sequence = 0, failing_since = {long_ago}, is_resting = 'yes'");
    check_sound(&company);
    // Somebody is at it.
    let long_from_now = "'2999-01-01T00:00:00.000Z'";
    run(&format!("update webhook_places set failing_since = null, lease_id = 'x', leased_until = {long_from_now}"));
    check_sound(&company);
    run("update webhook_places set sequence = {latest}, is_resting = 'no', lease_id = null, leased_until = null");
    for (damage, undo, says) in DAMAGES {
        damage.iter().for_each(|sql| run(sql));
        let found = wrong(&company, "webhooks");
        assert!(found.iter().any(|what| what.contains(&fill(says))), "{damage:?} said {found:#?}");
        undo.iter().for_each(|sql| run(sql));
    }
}

#[test]
fn each_damage_to_webhooks_is_found_on_sqlite() {
    finds_each_damage(None);
}

#[test]
fn each_damage_to_webhooks_is_found_on_postgres() {
    finds_each_damage(Some(&shared_postgres().fresh_database()));
}

/// A key that is not there is elsewhere, as at a drill; one that is no key is told of.
#[test]
fn a_key_is_looked_at_where_it_is() {
    let folder = Folder::new();
    let house: &House = Box::leak(Box::new(open_house(&folder, None)));
    let company = house.company();
    let receiver = Receiver::start(Reception::Answers(200));
    endpoint(&company, &receiver, &["company.updated"]);
    house.server.end_by("TERM");
    let key = folder.path().join("secret.key");
    std::fs::write(&key, "no key").unwrap();
    let found: Vec<String> = wrong(&company, "secret key");
    assert!(found[0].contains("secret.key: it must hold 32 random bytes"), "{found:?}");
    std::fs::remove_file(&key).unwrap();
    check_sound(&company);
}

//! What the doctor sees of webhooks: endpoints that nobody sends to, places that can't be, secrets that no key opens.

use billing::company::Company;
use billing::json::instant_text;
use jiff::Timestamp;
use store::db::Tx;
use store::webhooks::{self as shelf, Standing};

use super::{DUE_TOO_LONG, Tell, Told};
use crate::webhooks::secrets::{self, SealingKey};

/// What webhooks are examined with.
pub(super) struct Means {
    pub(super) now: Timestamp,
    /// The key that secrets are sealed with, where it is at hand.
    pub(super) key: Option<SealingKey>,
}

/// Looks at a company's endpoints and their deliveries.
pub(super) fn look(tx: &mut dyn Tx, company: &Company, means: &Means, tell: Tell<'_>) -> Result<(), store::Error> {
    let standings = shelf::standings(tx, company.id)?;
    tell(Told::Walked(standings.len() as u64));
    for standing in standings {
        let name = format!("endpoint {} ({})", standing.id, standing.url);
        let secrets_wrong = unopened(company, means, &standing);
        for what in secrets_wrong.into_iter().chain(misplaced(means.now, &standing)) {
            tell(Told::Wrong(format!("{name}: {what}")));
        }
    }
    for (endpoint_id, count) in shelf::strays(tx, company.id)? {
        tell(Told::Wrong(format!(
            "there are {count} webhook deliveries to endpoint {endpoint_id}, which is not there: nobody sees them, \
             and nothing sweeps them away; delete these rows"
        )));
    }
    Ok(())
}

/// Which of an endpoint's secrets the key at hand does not open.
fn unopened(company: &Company, means: &Means, standing: &Standing) -> Vec<String> {
    let Some(key) = &means.key else { return Vec::new() };
    let whose = secrets::of(company.id, standing.id);
    let which = ["its secret", "the secret it had before"];
    let closed = which.into_iter().zip(&standing.secrets);
    let closed = closed.filter(|(_, sealed)| sealed.as_ref().is_some_and(|sealed| key.open(&whose, sealed).is_err()));
    let what_to_do = "put the right key file back, or roll the secret and tell the receiver the new one";
    closed.map(|(which, _)| format!("the key at hand does not open {which}: {what_to_do}")).collect()
}

/// What is wrong with an endpoint's place in the log.
fn misplaced(now: Timestamp, standing: &Standing) -> Vec<String> {
    let Standing { is_enabled, is_place_enabled, sequence, latest, .. } = *standing;
    if !standing.has_place {
        return vec!["it has no place in the log, so it is sent nothing: delete it and make it anew".to_owned()];
    }
    let mut wrong = Vec::new();
    if is_enabled != is_place_enabled {
        let (says, but) = if is_enabled { ("enabled", "is sent nothing") } else { ("disabled", "is sent events") };
        wrong.push(format!("it says that it is {says}, but it {but}: disable it and enable it again"));
    }
    if sequence > latest {
        wrong.push(format!(
            "its place is after event {sequence}, and the last there is is {latest}: what happens now is not sent; \
             replay it from the last event that the receiver has"
        ));
    }
    // Who is at it may have much to do, as after a replay.
    if !is_place_enabled || standing.leased_until.is_some_and(|until| until > now) {
        return wrong;
    }
    let is_long_ago = |at: &Timestamp| now.duration_since(*at) > DUE_TOO_LONG;
    let behind = standing.next_occurred_at.filter(is_long_ago);
    let due = standing.due_at.filter(is_long_ago);
    let lease = standing.leased_until.filter(is_long_ago);
    let is_failing = standing.failing_since.is_some();
    let see_to_it = "is a server running, and does its log say that webhooks can't be sent?";
    if let Some(at) = behind.filter(|_| !is_failing) {
        let next = sequence + 1;
        wrong.push(format!("event {next} of {} waits for it, and nothing failed: {see_to_it}", instant_text(at)));
    }
    if let Some(at) = due {
        wrong.push(format!("what is to be tried again is due since {}: {see_to_it}", instant_text(at)));
    }
    if let Some(at) = lease.filter(|_| behind.or(due).is_some()) {
        wrong.push(format!(
            "whoever was at it has not been since {}, and nobody took over: {see_to_it}",
            instant_text(at)
        ));
    }
    wrong
}

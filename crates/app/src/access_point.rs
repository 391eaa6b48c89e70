//! E-invoices on their way to an access point, which hands them on to NemHandel or Peppol: over HTTP as
//! Sproom has it (docs/delivery.md), or as files into a folder that another program empties.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use billing::ids::{CompanyId, DeliveryId};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use ureq::Agent;
use ureq::http::{Request, Response};

use crate::deliveries::Outcome;
use crate::retry_after;
use crate::workers::LONGEST_SEND;

/// How much of an answer is read.
const MOST_READ: u64 = 256 * 1024;
/// How much of an answer is told to people.
const MOST_TOLD: usize = 300;

/// How e-invoices leave the house.
#[derive(Clone, Debug)]
pub enum AccessPoint {
    /// Over HTTP.
    Http {
        /// Where its API begins, as `https://sproom.net/api`.
        url: String,
        /// Who we are there.
        tokens: Tokens,
        /// How long it may take to answer.
        within: Duration,
    },
    /// As files into a folder.
    Folder(PathBuf),
}

/// The tokens that say at an access point whose document it is.
#[derive(Clone, Default)]
pub struct Tokens {
    of: Vec<(CompanyId, String)>,
    of_all: Option<String>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokens of {} companies", self.of.len())
    }
}

impl Tokens {
    /// Reads them: each line has a company's id and its token, or one token alone, for all others.
    ///
    /// # Errors
    /// What is wrong with which line; no token is ever told.
    pub fn parse(text: &str) -> Result<Tokens, String> {
        let mut tokens = Tokens::default();
        for (at, line) in (1..).zip(text.lines()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                [] => {}
                [token] if tokens.of_all.is_none() => tokens.of_all = Some(token.to_owned()),
                [_] => return Err(format!("line {at}: a second token for all companies")),
                [id, token] => {
                    let id = id.parse().map_err(|_| format!("line {at}: it begins with no company's id"))?;
                    tokens.of.push((CompanyId(id), token.to_owned()));
                }
                _ => return Err(format!("line {at}: it is neither a token nor a company's id and its token")),
            }
        }
        if tokens.of.is_empty() && tokens.of_all.is_none() {
            return Err("there is no token in it".to_owned());
        }
        Ok(tokens)
    }

    fn get(&self, company_id: CompanyId) -> Option<&str> {
        let own = self.of.iter().find(|(id, _)| *id == company_id).map(|(_, token)| token);
        own.or(self.of_all.as_ref()).map(String::as_str)
    }
}

/// An e-invoice to be handed over.
pub(crate) struct Parcel<'a> {
    pub(crate) company_id: CompanyId,
    /// Told to the access point, so that a repeat after a crash is recognised.
    pub(crate) delivery_id: DeliveryId,
    /// The document's number.
    pub(crate) number: &'a str,
    pub(crate) xml: &'a [u8],
    /// When it is handed over.
    pub(crate) at: Timestamp,
}

/// How far an e-invoice has come beyond the access point.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Progress {
    /// Nothing is known: it could not be asked, and asks to be left alone for so long.
    Unheard(SignedDuration),
    /// On its way; what was last said of it that is no good news.
    Underway(Option<String>),
    /// The receiver has it.
    Delivered,
    /// The receiver takes it.
    Accepted,
    /// The receiver refuses it, for this reason.
    Rejected(String),
    /// It will not arrive, for this reason.
    Failed(String),
}

impl AccessPoint {
    /// Whether a company's documents may go by it.
    pub(crate) fn serves(&self, company_id: CompanyId) -> bool {
        match self {
            AccessPoint::Http { tokens, .. } => tokens.get(company_id).is_some(),
            AccessPoint::Folder(_) => true,
        }
    }

    /// Hands an e-invoice over.
    pub(crate) fn hand_over(&self, parcel: &Parcel<'_>) -> Outcome {
        match self {
            AccessPoint::Http { url, tokens, within } => upload(url, tokens, *within, parcel),
            AccessPoint::Folder(folder) => {
                let name = format!("{}-{}", crate::archive::file_name(parcel.number), parcel.delivery_id);
                match write(folder, &name, parcel.xml) {
                    Ok(()) => Outcome::Delivered(format!("{name}.xml")),
                    Err(fault) => Outcome::Passing("ACCESS_POINT_FOLDER", format!("{}: {fault}", folder.display())),
                }
            }
        }
    }

    /// Asks how far an e-invoice has come.
    ///
    /// # Errors
    /// Why it could not be found out; it is asked again later.
    pub(crate) fn progress(
        &self,
        company_id: CompanyId,
        document_id: &str,
        now: Timestamp,
    ) -> Result<Progress, Silence> {
        let AccessPoint::Http { url, tokens, within } = self else { return Ok(Progress::Delivered) };
        let token = tokens.get(company_id).ok_or_else(|| "there is no token for the company".to_owned())?;
        let request = Request::get(format!("{}/documents/{document_id}/state", url.trim_end_matches('/')))
            .header("authorization", format!("Bearer {token}"))
            .header("accept", "application/json");
        let request = request.body(()).map_err(|fault| fault.to_string())?;
        let mut answer = agent(*within).run(request).map_err(|fault| fault.to_string())?;
        let asks = asks_for(&answer, now);
        let (status, body) = (answer.status().as_u16(), body(&mut answer));
        if status != 200 {
            return Err(Silence { why: format!("{status}: {}", told(&body)), asks: asks.unwrap_or_default() });
        }
        let states: Vec<State> = serde_json::from_str(&body).map_err(|fault| fault.to_string())?;
        Ok(progress_of(states))
    }
}

/// Why it could not be found out how far an e-invoice has come, and how long the access point asks to be left
/// alone for.
pub(crate) struct Silence {
    pub(crate) why: String,
    pub(crate) asks: SignedDuration,
}

impl From<String> for Silence {
    fn from(why: String) -> Silence {
        Silence { why, asks: SignedDuration::ZERO }
    }
}

/// How long an answer asks us to leave the access point alone for.
fn asks_for(answer: &Response<ureq::Body>, now: Timestamp) -> Option<SignedDuration> {
    let value = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
    retry_after::asked(answer.status().as_u16(), value, now)
}

fn agent(within: Duration) -> Agent {
    let within = within.min(LONGEST_SEND);
    let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).timeout_global(Some(within));
    config.user_agent("ledgerbee").build().new_agent()
}

/// Uploads an e-invoice: `POST …/documents` with the XML as it stands. The id that it has there comes back in
/// a header; 409 is the answer to a repeat, with the same id.
fn upload(url: &str, tokens: &Tokens, within: Duration, parcel: &Parcel<'_>) -> Outcome {
    let Some(token) = tokens.get(parcel.company_id) else {
        return Outcome::Passing("ACCESS_POINT_NOT_CONFIGURED", "There is no token for the company.".to_owned());
    };
    let request = Request::post(format!("{}/documents", url.trim_end_matches('/')))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/octet-stream")
        .header("x-request-id", parcel.delivery_id.to_string());
    let request = match request.body(parcel.xml) {
        Ok(request) => request,
        Err(fault) => return Outcome::Passing("ACCESS_POINT_NOT_CONFIGURED", fault.to_string()),
    };
    let mut answer = match agent(within).run(request) {
        Ok(answer) => answer,
        Err(fault) => return Outcome::Passing("ACCESS_POINT_FAILED", fault.to_string()),
    };
    let id = answer.headers().get("x-sproom-documentid").and_then(|id| id.to_str().ok());
    let id = id.filter(|id| is_plain(id)).map(str::to_owned);
    let asks = asks_for(&answer, parcel.at);
    let (status, body) = (answer.status().as_u16(), body(&mut answer));
    let said = format!("{status}: {}", told(&body));
    match (status, id, asks) {
        (200..=299 | 409, Some(id), _) => Outcome::Taken(id),
        (_, _, Some(asks)) => Outcome::Busy("ACCESS_POINT_FAILED", said, asks),
        // Taken, perhaps; the repeat is answered with the id.
        (200..=299, ..) => Outcome::Passing("ACCESS_POINT_FAILED", format!("It told no document id. {said}")),
        (400..=499, ..) if status != 408 && status != 429 => Outcome::Permanent("ACCESS_POINT_REFUSED", said),
        _ => Outcome::Passing("ACCESS_POINT_FAILED", said),
    }
}

/// Whether an id can stand in a path as it is.
fn is_plain(id: &str) -> bool {
    (1..=100).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// What was answered, as far as it is read: an answer of any size does no harm.
fn body(answer: &mut Response<ureq::Body>) -> String {
    let bytes = answer.body_mut().with_config().limit(MOST_READ).read_to_vec().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What of an answer is told to people: the beginning, in one line.
fn told(body: &str) -> String {
    let line = body.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(MOST_TOLD).collect()
}

/// One state an e-invoice went through.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    date_time: Option<String>,
    state: Option<String>,
    message: Option<String>,
}

/// The newest state that means something to us.
fn progress_of(mut states: Vec<State>) -> Progress {
    states.sort_by(|a, b| a.date_time.cmp(&b.date_time));
    let mut progress = Progress::Underway(None);
    for State { state, message, .. } in states {
        let name = state.unwrap_or_default();
        let why = || message.as_deref().map_or_else(|| name.clone(), |message| format!("{name}: {}", told(message)));
        progress = match name.to_lowercase().as_str() {
            "sent" | "received" | "transmissioncompleted" | "pendingapproval" => Progress::Delivered,
            "approved" => Progress::Accepted,
            // Sproom's own spelling.
            "rejected"
            | "applicationreponseprofilereject"
            | "applicationreponsetechnicalreject"
            | "applicationreponsebusinessreject" => Progress::Rejected(why()),
            "canceled" | "deleted" => Progress::Failed(why()),
            "endpointnotfound" | "sendlimitexceeded" | "timeout" => Progress::Underway(Some(why())),
            other if other.contains("error") => Progress::Failed(why()),
            _ => progress,
        };
    }
    progress
}

/// Writes a file under its name, durable, whole or not at all; a repeat writes the same file again.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let partial = folder.join(format!("{name}.partial"));
    let mut file = File::create(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&partial, folder.join(format!("{name}.xml")))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_of_a_company_or_of_all() {
        let (own, other) = ("01970000-0000-7000-8000-000000000001", "01970000-0000-7000-8000-000000000002");
        let company = |id: &str| CompanyId(id.parse().unwrap());
        let tokens = Tokens::parse(&format!("all\n\n{own} own\n")).unwrap();
        assert_eq!((tokens.get(company(own)), tokens.get(company(other))), (Some("own"), Some("all")));
        let tokens = Tokens::parse(&format!("{own} own")).unwrap();
        assert_eq!((tokens.get(company(own)), tokens.get(company(other))), (Some("own"), None));
        assert!(!format!("{tokens:?}").contains("own"));
        for wrong in ["", "\n", "one\ntwo", "1 token", "a b c"] {
            assert!(Tokens::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    /// The states of Sproom's documentation, and what they come to.
    #[test]
    fn the_newest_state_that_means_something_counts() {
        let why = |why: &str| why.to_owned();
        for (states, progress) in [
            (vec![], Progress::Underway(None)),
            (vec!["Created", "TransmissionStarted"], Progress::Underway(None)),
            (vec!["Created", "EndpointNotFound"], Progress::Underway(Some(why("EndpointNotFound")))),
            (vec!["Created", "Sent"], Progress::Delivered),
            (vec!["created", "sent", "internal"], Progress::Delivered),
            (vec!["Sent", "PendingApproval", "Approved"], Progress::Accepted),
            (vec!["Sent", "Rejected"], Progress::Rejected(why("Rejected"))),
            (vec!["ApplicationReponseBusinessReject"], Progress::Rejected(why("ApplicationReponseBusinessReject"))),
            (vec!["SchematronValidationError"], Progress::Failed(why("SchematronValidationError"))),
            (vec!["SendNemHandelError", "TransmissionStarted", "Sent"], Progress::Delivered),
            (vec!["Canceled"], Progress::Failed(why("Canceled"))),
        ] {
            let entry = |(at, state): (usize, &&str)| State {
                date_time: Some(format!("2026-06-10T08:00:{at:02}Z")),
                state: Some((*state).to_owned()),
                message: None,
            };
            let mut entries: Vec<State> = states.iter().enumerate().map(entry).collect();
            entries.reverse();
            assert_eq!(progress_of(entries), progress, "{states:?}");
        }
    }

    #[test]
    fn what_is_told_of_an_answer_is_short_and_one_line() {
        assert_eq!(told("<html>\n\t<b>No</b>\u{7}</html>"), "<html> <b>No</b></html>");
        assert_eq!(told(&"x".repeat(10_000)).len(), MOST_TOLD);
    }
}

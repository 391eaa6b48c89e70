//! The log of events: read from any point, and followed as it goes on. Many who follow one company share one
//! look at the shelves.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use billing::events::{EventLog, PublicEvent, is_type};
use billing::ids::CompanyId;
use billing::input::Text;
use billing::input::events::{EventQuery, StreamQuery};
use billing::page::DEFAULT_LIMIT;
use billing::refusal::Faults;
use store::events::{self as shelf, Asked};
use store::webhooks::latest;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch};
use tokio::time::timeout;

use crate::work::json;
use crate::{Actor, App, Caller, Error, View};

/// How much of the log is looked through for one answer: a type that is rare must not cost a look at all of it.
const LOOKED_THROUGH: i64 = 10_000;
/// How many may follow at once: in all, and one company.
const FOLLOWERS: usize = 1_000;
const FOLLOWERS_OF_ONE: usize = 50;
/// How many events are read at once for who follows.
const PART: i64 = 100;
/// How many parts who follows may be behind before it reads for itself.
const BEHIND: usize = 16;
/// How often who follows hears that the line is alive.
const BEAT: Duration = Duration::from_secs(15);

/// A part of the log, the oldest first.
///
/// # Errors
/// A type that there is not.
pub fn list(view: &mut View<'_>, query: EventQuery) -> Result<EventLog, Error> {
    let EventQuery { after, kind, limit } = query;
    let (after, limit) = (after.unwrap_or(0), limit.unwrap_or(DEFAULT_LIMIT));
    let kinds = kind.unwrap_or_default();
    check(&kinds)?;
    let last_sequence = latest(view.tx, view.company.id)?;
    let up_to = last_sequence.min(after.saturating_add(LOOKED_THROUGH));
    let kinds = kinds.iter().map(|kind| kind.0.as_str()).collect();
    let asked = Asked { after, up_to, kinds, count: i64::from(limit) };
    let data = shelf::log(view.tx, view.company.id, &asked)?;
    // A full answer goes on after its last event, another after all that was looked through.
    let is_full = data.len() >= limit as usize;
    let looked = data.last().filter(|_| is_full).map_or(up_to, |event| event.sequence);
    Ok(EventLog { data, limit, next_after: (looked < last_sequence).then_some(looked), last_sequence })
}

fn check(kinds: &[Text<100>]) -> Result<(), Faults> {
    let mut faults = Faults::default();
    for kind in kinds.iter().filter(|kind| !is_type(kind)) {
        faults.add("type", "isIn", format!("type must be a type of event; {} is none", kind.0));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// Who follows what, and how all of it ends.
pub(crate) struct Streams {
    by_company: Mutex<HashMap<CompanyId, broadcast::Sender<Arc<Part>>>>,
    places: Arc<Semaphore>,
    is_over: watch::Sender<bool>,
}

impl Default for Streams {
    fn default() -> Streams {
        let (places, is_over) = (Arc::new(Semaphore::new(FOLLOWERS)), watch::Sender::new(false));
        Streams { by_company: Mutex::default(), places, is_over }
    }
}

/// A part of the log, read once for all who follow it.
struct Part {
    /// What came after this.
    after: i64,
    /// Up to this.
    up_to: i64,
    events: Vec<Told>,
}

#[derive(Clone)]
struct Told {
    sequence: i64,
    kind: String,
    json: String,
}

impl Told {
    fn of(event: &PublicEvent) -> Told {
        Told { sequence: event.sequence, kind: event.kind.clone(), json: json(event) }
    }
}

/// One who follows a company's log.
pub struct Follower {
    app: Arc<App>,
    by: Caller,
    kinds: Vec<String>,
    last: i64,
    ready: VecDeque<Told>,
    parts: broadcast::Receiver<Arc<Part>>,
    is_over: watch::Receiver<bool>,
    /// Whether the shelves are to be read for what is missing.
    is_behind: bool,
    /// When it was last seen that the key is still good.
    seen_good: Instant,
    _place: OwnedSemaphorePermit,
}

impl App {
    /// Follows the log of a company: what came after an event, or only what is new.
    ///
    /// # Errors
    /// A type that there is not; `Busy` when too many follow already.
    pub async fn follow(self: &Arc<App>, by: Caller, query: StreamQuery) -> Result<Follower, Error> {
        let StreamQuery { after, kind } = query;
        let kinds = kind.unwrap_or_default();
        check(&kinds)?;
        let busy = || Error::Busy("too many follow the log".to_owned());
        let place = self.streams.places.clone().try_acquire_owned().map_err(|_| busy())?;
        let parts = self.parts(by.company_id).ok_or_else(busy)?;
        let company_id = by.company_id;
        let (last, is_behind) = match after {
            Some(after) => (after, true),
            None => (self.db.read(move |tx| Ok::<_, Error>(latest(tx, company_id)?)).await?, false),
        };
        Ok(Follower {
            app: self.clone(),
            by,
            kinds: kinds.into_iter().map(|kind| kind.0).collect(),
            last,
            ready: VecDeque::new(),
            parts,
            is_over: self.streams.is_over.subscribe(),
            is_behind,
            seen_good: Instant::now(),
            _place: place,
        })
    }

    /// Ends all streams: who follows comes again, to another server.
    pub fn end_streams(&self) {
        self.streams.is_over.send_replace(true);
    }

    /// What is read of a company's log for all who follow it; none when too many do.
    fn parts(self: &Arc<App>, company_id: CompanyId) -> Option<broadcast::Receiver<Arc<Part>>> {
        let mut by_company = self.streams.by_company.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = by_company.get(&company_id) {
            return (sender.receiver_count() < FOLLOWERS_OF_ONE).then(|| sender.subscribe());
        }
        let (sender, receiver) = broadcast::channel(BEHIND);
        by_company.insert(company_id, sender.clone());
        let app = self.clone();
        tokio::spawn(async move { app.read_for_all(company_id, sender).await });
        Some(receiver)
    }

    /// Reads on whenever there is news, as long as anybody follows.
    async fn read_for_all(self: Arc<App>, company_id: CompanyId, sender: broadcast::Sender<Arc<Part>>) {
        let mut news = self.news.of(company_id);
        let mut is_over = self.streams.is_over.subscribe();
        let mut last: Option<i64> = None;
        loop {
            let after = last;
            let read = self.db.read(move |tx| {
                let end = latest(tx, company_id)?;
                // The first look only finds out where the log ends; who came before it reads what it lacks.
                let after = after.unwrap_or(end);
                let up_to = end.min(after + PART);
                let asked = Asked { after, up_to, kinds: Vec::new(), count: PART };
                let events = if up_to > after { shelf::log(tx, company_id, &asked)? } else { Vec::new() };
                Ok::<_, Error>((Part { after, up_to, events: events.iter().map(Told::of).collect() }, end))
            });
            match read.await {
                Ok((part, end)) => {
                    let (is_new, up_to) = (last.is_none() || !part.events.is_empty(), part.up_to);
                    last = Some(up_to);
                    if is_new {
                        let _ = sender.send(Arc::new(part));
                    }
                    if up_to < end {
                        continue;
                    }
                }
                Err(fault) => tracing::warn!(%fault, %company_id, "the log can't be read for who follows it"),
            }
            let is_ended = tokio::select! {
                waited = timeout(BEAT, news.changed()) => waited.is_ok_and(|heard| heard.is_err()),
                _ = is_over.changed() => true,
            };
            let mut by_company = self.streams.by_company.lock().unwrap_or_else(PoisonError::into_inner);
            if is_ended || sender.receiver_count() == 0 {
                by_company.remove(&company_id);
                return;
            }
        }
    }
}

impl Follower {
    /// What is next on the line, as a server-sent event; none when it ends.
    ///
    /// # Errors
    /// When the shelves can't be read; when the credential has ended.
    pub async fn next(&mut self) -> Result<Option<String>, Error> {
        loop {
            if *self.is_over.borrow() || self.by.expires_at.is_some_and(|at| at <= self.app.now()) {
                return Ok(None);
            }
            if self.seen_good.elapsed() >= BEAT {
                self.still_may().await?;
                self.seen_good = Instant::now();
            }
            if let Some(told) = self.ready.pop_front() {
                let Told { sequence, kind, json } = told;
                return Ok(Some(format!("id: {sequence}\nevent: {kind}\ndata: {json}\n\n")));
            }
            if self.is_behind {
                self.catch_up().await?;
                continue;
            }
            tokio::select! {
                part = timeout(BEAT, self.parts.recv()) => match part {
                    Err(_) => return Ok(Some(": \n\n".to_owned())),
                    Ok(Ok(part)) => self.take(&part),
                    Ok(Err(broadcast::error::RecvError::Lagged(_))) => self.is_behind = true,
                    Ok(Err(broadcast::error::RecvError::Closed)) => return Ok(None),
                },
                _ = self.is_over.changed() => {}
            }
        }
    }

    /// Takes what was read for all, where nothing is missing before it.
    fn take(&mut self, part: &Part) {
        if part.after > self.last {
            self.is_behind = true;
        } else {
            let new = part.events.iter().filter(|told| told.sequence > self.last && self.wants(&told.kind));
            let new: Vec<Told> = new.cloned().collect();
            self.ready.extend(new);
            self.last = self.last.max(part.up_to);
        }
    }

    fn wants(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|own| own == kind)
    }

    /// Reads the next part of what is missing for itself.
    async fn catch_up(&mut self) -> Result<(), Error> {
        let (after, kinds, company_id) = (self.last, self.kinds.clone(), self.by.company_id);
        let read = self.app.db.read(move |tx| {
            let end = latest(tx, company_id)?;
            let up_to = end.min(after.saturating_add(LOOKED_THROUGH));
            let kinds = kinds.iter().map(String::as_str).collect();
            let events = shelf::log(tx, company_id, &Asked { after, up_to, kinds, count: PART })?;
            Ok::<_, Error>((events.iter().map(Told::of).collect::<Vec<Told>>(), up_to, end))
        });
        let (told, up_to, end) = read.await?;
        let is_full = i64::try_from(told.len()) == Ok(PART);
        let looked = told.last().filter(|_| is_full).map_or(up_to, |told| told.sequence);
        // What is asked for after the end of the log comes when the log gets there.
        self.last = self.last.max(looked);
        self.is_behind = self.last < end;
        self.ready.extend(told);
        Ok(())
    }

    /// Whether the key still opens: one that was revoked hears nothing more.
    async fn still_may(&self) -> Result<(), Error> {
        let Actor::Key(id) = self.by.actor else { return Ok(()) };
        let company_id = self.by.company_id;
        let key = self.app.db.read(move |tx| Ok::<_, Error>(store::keys::get(tx, company_id, id)?)).await?;
        match key {
            Some(key) if key.revoked_at.is_none() => Ok(()),
            _ => Err(Error::Unauthorized { reason: None }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, found);
            } else {
                found.push(path);
            }
        }
    }

    /// Each type that a verb names is one that can be asked for, and is documented.
    #[test]
    fn every_event_that_is_named_is_of_a_known_type() {
        let mut files = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        let mut count = 0;
        for path in files {
            let text = fs::read_to_string(&path).unwrap();
            for rest in text.split(concat!(".event", "(")).skip(1) {
                let Some(kind) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                    continue;
                };
                assert!(is_type(kind), "{}: {kind} is not in billing::events::TYPES", path.display());
                count += 1;
            }
        }
        assert!(count > 40, "{count} events are named");
    }
}

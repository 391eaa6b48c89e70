//! Lanes: threads that own a connection each. What waits is written in one
//! transaction, each request in its own savepoint, and answered after the commit.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Instant;

use billing::ids::CompanyId;
use jiff::Timestamp;
use metrics::Gauge;
use tokio::sync::oneshot;
use tracing::Span;

use crate::db::{Error, Question, Row, Tx, Value};
use crate::turn::ServeLock;
use crate::{Written, postgres, sqlite, sqlite_lane};

/// How many requests wait at most before a lane says it is busy.
const QUEUE: usize = 1_024;

/// How many requests share a commit on PostgreSQL at most: past 64 savepoints other sessions' snapshots get slow.
pub const LARGEST_GROUP: usize = 50;

/// What a request is to a lane; the name of its span.
const READ: &str = "read";
const WRITE: &str = "write";
/// A write of which nothing stays, whatever it answers.
const REHEARSE: &str = "rehearse";
const CLAIM: &str = "claim";

/// Where the shelves are.
#[derive(Clone, Debug)]
pub enum Config {
    /// Embedded: a folder with one file.
    Sqlite {
        /// The folder, made when absent.
        folder: PathBuf,
    },
    /// A PostgreSQL server.
    Postgres {
        /// As `postgres://user@host:5432/name`.
        url: String,
        /// How many writing connections.
        lanes: usize,
        /// How many reading connections.
        readers: usize,
        /// How many requests of a company share a commit at most, 1 to [`LARGEST_GROUP`](crate::lanes::LARGEST_GROUP).
        group: usize,
    },
}

/// One request in a queue: it runs, then is answered.
pub(crate) trait Job: Send {
    /// Runs it; whether what it did is to be kept.
    fn run(&mut self, tx: &mut dyn Tx) -> bool;
    /// Says that what it did failed after all, in a statement that was put off.
    fn fail(&mut self, fault: Error);
    /// Answers it, once it is known what became of its transaction.
    fn answer(self: Box<Self>, outcome: Result<(), Error>);
}

/// Counts a request among those that wait in a queue, until it runs or is dropped.
struct Waiting(Gauge);

impl Waiting {
    fn begin(queue: &Gauge) -> Waiting {
        queue.increment(1);
        Waiting(queue.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

/// The gauge of those that wait in a queue.
fn gauge_of(queue: impl Into<String>) -> Gauge {
    metrics::gauge!("ledgerbee_lane_waiting", "lane" => queue.into())
}

/// The spans of a request on its way through a lane, below that of whoever asked: waiting, the
/// deed, and for a write the rest of its group with the commit. Off, and then free, unless traced.
struct Trace {
    asked_by: Span,
    what: &'static str,
    now: Span,
}

impl Trace {
    fn begin(what: &'static str) -> Trace {
        let mut trace = Trace { asked_by: Span::current(), what, now: Span::none() };
        trace.enter("wait");
        trace
    }

    /// Ends the present span and begins the next.
    fn enter(&mut self, name: &'static str) {
        // What nobody asked for on a trace, as the look for due jobs, is no trace of its own.
        if !self.asked_by.is_none() {
            self.now = tracing::trace_span!(target: "spans", parent: &self.asked_by, "lane", otel.name = name);
        }
    }
}

struct Task<T, E, F> {
    deed: Option<F>,
    trace: Trace,
    waiting: Option<Waiting>,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
    /// Who is told of a write that stays, and whose it is.
    told: Option<(CompanyId, Arc<Written>)>,
}

impl<T, E, F> Job for Task<T, E, F>
where
    T: Send,
    E: From<Error> + Send,
    F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send,
{
    fn run(&mut self, tx: &mut dyn Tx) -> bool {
        let Some(deed) = self.deed.take() else { return false };
        drop(self.waiting.take());
        self.trace.enter(self.trace.what);
        let here = self.trace.now.clone();
        let mut watched = Watched { tx, fault: None };
        let mut result =
            catch_unwind(AssertUnwindSafe(|| here.in_scope(|| deed(&mut watched)))).unwrap_or_else(|panic| {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
                Err(Error::Broken(format!("panicked: {text}")).into())
            });
        if let (true, Some(fault)) = (result.is_ok(), watched.fault) {
            result = Err(fault.into());
        }
        let keep = result.is_ok() && self.trace.what != REHEARSE;
        self.result = Some(result);
        if self.trace.what != READ {
            self.trace.enter("commit");
        }
        keep
    }

    fn fail(&mut self, fault: Error) {
        // Its own refusal tells more than the statement behind it.
        if !matches!(self.result, Some(Err(_))) {
            self.result = Some(Err(fault.into()));
        }
    }

    fn answer(self: Box<Self>, outcome: Result<(), Error>) {
        if let (Some((company_id, written)), Some(Ok(_)), Ok(())) = (&self.told, &self.result, &outcome) {
            written.tell(*company_id);
        }
        let answer = match (self.result, outcome) {
            // A request that refused or was rehearsed did nothing that a commit could lose.
            (Some(Err(refusal)), _) => Err(refusal),
            (Some(Ok(value)), Err(_)) if self.trace.what == REHEARSE => Ok(value),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (_, Err(fault)) => Err(fault.into()),
            (None, Ok(())) => Err(Error::Busy("the request was not run".to_owned()).into()),
        };
        // Whoever asked may have gone away; the deed is done all the same.
        let _ = self.answer.send(answer);
    }
}

/// Remembers the first statement that failed: a deed that goes on after it all the same is not
/// done. PostgreSQL would drop its work without a word, and that of its neighbours in the group.
struct Watched<'t> {
    tx: &'t mut dyn Tx,
    fault: Option<Error>,
}

impl Watched<'_> {
    fn watch<T>(&mut self, answer: Result<T, Error>) -> Result<T, Error> {
        if let (None, Err(fault)) = (&self.fault, &answer) {
            self.fault = Some(fault.clone());
        }
        answer
    }
}

impl Tx for Watched<'_> {
    fn one(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Option<Row>, Error> {
        let answer = self.tx.one(sql, params);
        self.watch(answer)
    }

    fn all(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Vec<Row>, Error> {
        let answer = self.tx.all(sql, params);
        self.watch(answer)
    }

    fn both(&mut self, first: Question<'_>, second: Question<'_>) -> Result<(Vec<Row>, Vec<Row>), Error> {
        let answer = self.tx.both(first, second);
        self.watch(answer)
    }

    fn exec(&mut self, sql: &str, params: &[Value<'_>]) -> Result<(), Error> {
        let answer = self.tx.exec(sql, params);
        self.watch(answer)
    }

    fn later(&mut self, sql: &str, params: &[Value<'_>]) -> Result<(), Error> {
        let answer = self.tx.later(sql, params);
        self.watch(answer)
    }

    fn count(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, Error> {
        let answer = self.tx.count(sql, params);
        self.watch(answer)
    }

    fn newest_answers(&mut self, key_hash: i64) -> Result<Vec<i64>, Error> {
        let answer = self.tx.newest_answers(key_hash);
        self.watch(answer)
    }

    fn answer_stored(&mut self, key_hash: i64) {
        self.tx.answer_stored(key_hash);
    }
}

/// A request with the company it holds, none for claims of jobs.
pub(crate) type Queued = (Option<CompanyId>, Box<dyn Job>);

/// An answer to come: await it, or [`wait`](Pending::wait) for it on a thread that may.
pub struct Pending<T, E> {
    answer: Result<oneshot::Receiver<Result<T, E>>, Option<E>>,
}

impl<T, E: From<Error>> Pending<T, E> {
    /// An answer that is no already.
    pub fn refused(error: E) -> Pending<T, E> {
        Pending { answer: Err(Some(error)) }
    }

    /// Waits for the answer. Never inside a runtime's thread: there, await it.
    ///
    /// # Errors
    /// What the deed answers.
    pub fn wait(self) -> Result<T, E> {
        match self.answer {
            Ok(receiver) => receiver.blocking_recv().unwrap_or_else(|_| Err(gone().into())),
            Err(error) => Err(error.unwrap_or_else(|| gone().into())),
        }
    }
}

impl<T, E: From<Error> + Unpin> Future for Pending<T, E> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T, E>> {
        match &mut self.answer {
            Ok(receiver) => {
                Pin::new(receiver).poll(context).map(|answer| answer.unwrap_or_else(|_| Err(gone().into())))
            }
            Err(error) => Poll::Ready(Err(error.take().unwrap_or_else(|| gone().into()))),
        }
    }
}

fn gone() -> Error {
    Error::Busy("the lane has closed".to_owned())
}

/// The shelves, opened.
pub struct Database {
    config: Config,
    lanes: Vec<(SyncSender<Queued>, Gauge)>,
    readers: Option<(SyncSender<Box<dyn Job>>, Gauge)>,
    threads: Vec<JoinHandle<()>>,
    written: Arc<Written>,
}

impl Database {
    fn closed(config: &Config) -> Database {
        let (config, written) = (config.clone(), Arc::default());
        Database { config, lanes: Vec::new(), readers: None, threads: Vec::new(), written }
    }

    /// Tells whose books were written to in this process.
    pub fn written(&self) -> Arc<Written> {
        self.written.clone()
    }

    /// Opens the shelves and brings them up to date.
    ///
    /// # Errors
    /// `Busy` when they can't be reached, `Broken` when they are newer than the program.
    pub fn open(config: &Config) -> Result<Database, Error> {
        let mut database = Database::closed(config);
        let (readers, queue) = sync_channel::<Box<dyn Job>>(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        database.readers = Some((readers, gauge_of("read")));
        match config {
            Config::Sqlite { folder } => {
                let lane = sqlite_lane::Writer::open(folder)?;
                database.lane(move |queue| lane.work(&queue));
                for _ in 0..2 {
                    let (reader, queue) = (sqlite_lane::Reader::open(folder)?, queue.clone());
                    database.threads.push(std::thread::spawn(move || reader.work(&queue)));
                }
            }
            Config::Postgres { url, lanes, readers, group } => {
                postgres::migrate(url)?;
                for _ in 0..(*lanes).max(1) {
                    let (lane, group) = (postgres::Lane::open(url)?, (*group).clamp(1, LARGEST_GROUP));
                    database.lane(move |queue| lane.write(&queue, group));
                }
                for _ in 0..(*readers).max(1) {
                    let (lane, queue) = (postgres::Lane::open(url)?, queue.clone());
                    database.threads.push(std::thread::spawn(move || lane.read(&queue)));
                }
            }
        }
        Ok(database)
    }

    /// Opens the shelves to look at them only: nothing is made or brought up to date, no write is taken.
    ///
    /// # Errors
    /// `Busy` when they can't be reached, `Broken` when there are none.
    pub fn open_to_read(config: &Config) -> Result<Database, Error> {
        let mut database = Database::closed(config);
        let (readers, queue) = sync_channel::<Box<dyn Job>>(QUEUE);
        let queue = Mutex::new(queue);
        database.readers = Some((readers, gauge_of("read")));
        let thread = match config {
            Config::Sqlite { folder } => {
                let reader = sqlite_lane::Reader::open_existing(folder)?;
                std::thread::spawn(move || reader.work(&queue))
            }
            Config::Postgres { url, .. } => {
                let lane = postgres::Lane::open_to_examine(url)?;
                std::thread::spawn(move || lane.read(&queue))
            }
        };
        database.threads.push(thread);
        Ok(database)
    }

    /// What the clock of the database's own server says; none of the embedded database, which has no clock.
    ///
    /// # Errors
    /// What the server answers.
    pub fn server_clock(&self) -> Result<Option<Timestamp>, Error> {
        match &self.config {
            Config::Sqlite { .. } => Ok(None),
            Config::Postgres { .. } => self.read(|tx| postgres::server_clock(tx).map(Some)).wait(),
        }
    }

    /// What is damaged in the embedded database's file; nothing of PostgreSQL, which looks after its own.
    ///
    /// # Errors
    /// What the file answers.
    pub fn damage(&self) -> Result<Vec<String>, Error> {
        match &self.config {
            Config::Sqlite { .. } => self.read(sqlite::damage).wait(),
            Config::Postgres { .. } => Ok(Vec::new()),
        }
    }

    fn lane(&mut self, work: impl FnOnce(Receiver<Queued>) + Send + 'static) {
        let (sender, queue) = sync_channel(QUEUE);
        self.lanes.push((sender, gauge_of(self.lanes.len().to_string())));
        self.threads.push(std::thread::spawn(move || work(queue)));
    }

    /// Runs a deed that writes, alone with its company; answered after the commit.
    pub fn write<T, E, F>(&self, company_id: CompanyId, deed: F) -> Pending<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        self.in_lane(company_id, WRITE, deed)
    }

    /// Runs a deed as [`write`](Database::write) does, answers what it would, and undoes it.
    pub fn rehearse<T, E, F>(&self, company_id: CompanyId, deed: F) -> Pending<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        self.in_lane(company_id, REHEARSE, deed)
    }

    fn in_lane<T, E, F>(&self, company_id: CompanyId, what: &'static str, deed: F) -> Pending<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        if self.lanes.is_empty() {
            return Pending::refused(Error::Broken("opened to read only".to_owned()).into());
        }
        // A company keeps to its lane, so that its requests meet in one group.
        let lane = (company_id.0.as_u128() as u64 as usize) % self.lanes.len();
        let told = (what == WRITE).then(|| (company_id, self.written.clone()));
        self.send(&self.lanes[lane], what, told, |job| (Some(company_id), job), deed)
    }

    /// Runs a deed that claims jobs, of whatever company.
    pub fn claim<T, E, F>(&self, deed: F) -> Pending<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        match self.lanes.first() {
            Some(lane) => self.send(lane, CLAIM, None, |job| (None, job), deed),
            None => Pending::refused(Error::Broken("opened to read only".to_owned()).into()),
        }
    }

    /// Runs a deed that reads, on a connection of its own, which sees one moment.
    pub fn read<T, E, F>(&self, deed: F) -> Pending<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        match &self.readers {
            Some(readers) => self.send(readers, READ, None, |job| job, deed),
            None => Pending::refused(gone().into()),
        }
    }

    fn send<T, E, F, Q>(
        &self,
        queue: &(SyncSender<Q>, Gauge),
        what: &'static str,
        told: Option<(CompanyId, Arc<Written>)>,
        put: impl FnOnce(Box<dyn Job>) -> Q,
        deed: F,
    ) -> Pending<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    {
        let (answer, receiver) = oneshot::channel();
        let (queue, gauge) = queue;
        let waiting = Some(Waiting::begin(gauge));
        let task = Task { deed: Some(deed), trace: Trace::begin(what), waiting, result: None, answer, told };
        match queue.try_send(put(Box::new(task))) {
            Ok(()) => Pending { answer: Ok(receiver) },
            Err(TrySendError::Full(_)) => Pending::refused(Error::Busy("the queue is full".to_owned()).into()),
            Err(TrySendError::Disconnected(_)) => Pending::refused(gone().into()),
        }
    }

    /// Says that this process serves the folder; a second server is refused. Any number may share a PostgreSQL.
    ///
    /// # Errors
    /// `Busy` when another server holds it.
    pub fn hold_serve_lock(&self) -> Result<ServeLock, Error> {
        match &self.config {
            Config::Sqlite { folder } => ServeLock::of(folder),
            Config::Postgres { .. } => Ok(ServeLock::none()),
        }
    }
}

impl Drop for Database {
    /// Lanes finish what is queued; then their threads end.
    fn drop(&mut self) {
        self.lanes.clear();
        self.readers = None;
        for thread in self.threads.drain(..) {
            // A lane that panicked has nothing left to finish.
            let _ = thread.join();
        }
    }
}

/// Says how large a group was and how long its commit took.
pub(crate) fn count_commit(size: usize, begun: Instant) {
    metrics::histogram!("ledgerbee_group_size").record(u32::try_from(size).unwrap_or(u32::MAX));
    metrics::histogram!("ledgerbee_commit_duration_seconds").record(begun.elapsed());
}

/// The next request of a queue and what waits behind it, up to `most` and as long as
/// `fits`; a request that does not fit comes back as the second. None when the queue has closed.
pub(crate) fn gather<Q>(
    queue: &Receiver<Q>,
    first: Option<Q>,
    most: usize,
    fits: impl Fn(&Q, &Q) -> bool,
) -> Option<(Vec<Q>, Option<Q>)> {
    let first = match first {
        Some(first) => first,
        None => queue.recv().ok()?,
    };
    let mut group = vec![first];
    while group.len() < most {
        match queue.try_recv() {
            Ok(next) if fits(&group[0], &next) => group.push(next),
            Ok(next) => return Some((group, Some(next))),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
        }
    }
    Some((group, None))
}

/// The next request of a queue that several threads share.
pub(crate) fn next(queue: &Mutex<Receiver<Box<dyn Job>>>) -> Option<Box<dyn Job>> {
    queue.lock().ok()?.recv().ok()
}

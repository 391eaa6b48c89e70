//! The pool of child processes: started on demand, kept warm, ended when idle,
//! killed when they take too long.

use std::io::{self, Read, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::{Job, RenderError, wire};

/// A child is replaced after so many jobs: Typst keeps every name it has ever
/// met, so that a template with endless names would fill it slowly.
const JOBS_PER_CHILD: u32 = 10_000;

/// Sets the address-space limit, then becomes the program. Where the limit
/// can't be set (it is not Linux) only the time limit holds.
const LIMITED: &str = r#"ulimit -v "$0" 2>/dev/null; exec "$@""#;

/// How a press works.
#[derive(Clone, Debug)]
pub struct PressConfig {
    /// The binary whose command calls [`crate::serve_stdio`]: as a rule this very one.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How many children may run at once.
    pub workers: usize,
    /// How long one job may take.
    pub time_limit: Duration,
    /// How long a child is kept without a job.
    pub idle_after: Duration,
    /// How much address space a child may take, in MiB.
    pub memory_limit_mib: u64,
}

impl PressConfig {
    /// The usual: `program press`, a child per core, ten seconds, a GiB, a minute idle.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        Self {
            program,
            arguments: vec!["press".into()],
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            time_limit: Duration::from_secs(10),
            idle_after: Duration::from_secs(60),
            memory_limit_mib: 1024,
        }
    }
}

/// Renders jobs in child processes. Shared by all threads; a call blocks until
/// its PDF is there, the callers beyond `workers` wait their turn.
pub struct Press {
    pool: Arc<Pool>,
    /// Held so that the reaper ends when the press does.
    _alive: Sender<()>,
}

struct Pool {
    config: PressConfig,
    state: Mutex<State>,
    turn: Condvar,
}

#[derive(Default)]
struct State {
    /// The most recently used last, so that those not needed grow old.
    idle: Vec<(Worker, Instant)>,
    busy: usize,
}

impl Press {
    /// A press; no child is started yet.
    #[must_use]
    pub fn new(config: PressConfig) -> Self {
        let idle_after = config.idle_after.max(Duration::from_millis(10));
        let pool = Arc::new(Pool { config, state: Mutex::default(), turn: Condvar::new() });
        let (alive, press) = mpsc::channel::<()>();
        let reaped = Arc::downgrade(&pool);
        std::thread::spawn(move || {
            while press.recv_timeout(idle_after / 2) == Err(RecvTimeoutError::Timeout) {
                let Some(pool) = reaped.upgrade() else { return };
                pool.reap(idle_after);
            }
        });
        Self { pool, _alive: alive }
    }

    /// Renders a job in a child.
    ///
    /// # Errors
    /// Those of [`crate::render`], and [`RenderError::TooSlow`] and
    /// [`RenderError::TooMuchMemory`] when it crossed a limit.
    pub fn render(&self, job: &Job) -> Result<Vec<u8>, RenderError> {
        let request = wire::request(job).map_err(|error| RenderError::Broken(error.to_string()))?;
        let turn = self.pool.take_turn();
        let (mut worker, waited) = match turn.warm() {
            Some(worker) => (worker, true),
            None => (Worker::start(&self.pool.config)?, false),
        };
        let mut outcome = worker.work(&request, self.pool.config.time_limit);
        if waited && matches!(outcome, Outcome::Died(_)) {
            // It may have died while it waited; a fresh one tells whether it was the job.
            worker = Worker::start(&self.pool.config)?;
            outcome = worker.work(&request, self.pool.config.time_limit);
        }
        match outcome {
            Outcome::Answered(answer) => {
                if worker.jobs < JOBS_PER_CHILD && !matches!(answer, Err(RenderError::Broken(_))) {
                    turn.keep_warm(worker);
                }
                answer
            }
            Outcome::Died(error) | Outcome::Ended(error) => Err(error),
        }
    }

    /// How many children live now, at work or warm.
    #[must_use]
    pub fn children(&self) -> usize {
        let state = self.pool.state();
        state.busy + state.idle.len()
    }
}

impl Pool {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_turn(&self) -> Turn<'_> {
        let mut state = self.state();
        while state.busy >= self.config.workers.max(1) {
            state = self.turn.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.busy += 1;
        Turn { pool: self }
    }

    fn reap(&self, idle_after: Duration) {
        let mut state = self.state();
        let young = state.idle.partition_point(|(_, since)| since.elapsed() >= idle_after);
        let old: Vec<_> = state.idle.drain(..young).collect();
        drop(state);
        drop(old);
    }
}

/// One of the `workers` places, given back when dropped.
struct Turn<'a> {
    pool: &'a Pool,
}

impl Turn<'_> {
    fn warm(&self) -> Option<Worker> {
        self.pool.state().idle.pop().map(|(worker, _)| worker)
    }

    fn keep_warm(&self, worker: Worker) {
        self.pool.state().idle.push((worker, Instant::now()));
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.pool.state().busy -= 1;
        self.pool.turn.notify_one();
    }
}

/// What came of a request.
enum Outcome {
    Answered(Result<Vec<u8>, RenderError>),
    /// The child is gone, for no reason that is the job's as far as we know.
    Died(RenderError),
    /// The child crossed a limit.
    Ended(RenderError),
}

/// A child and the socket to it; killed when dropped.
struct Worker {
    child: Child,
    line: UnixStream,
    jobs: u32,
}

impl Worker {
    fn start(config: &PressConfig) -> Result<Self, RenderError> {
        let broken = |error: io::Error| RenderError::Broken(format!("no child: {error}"));
        let (line, end) = UnixStream::pair().map_err(broken)?;
        let mut command = Command::new("sh");
        command
            .args(["-c", LIMITED, &(config.memory_limit_mib * 1024).to_string()])
            .arg(&config.program)
            .args(&config.arguments)
            // A template has no business with our secrets.
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            // A child is one core's; and arenas are address space that nobody uses.
            .env("RAYON_NUM_THREADS", "1")
            .env("MALLOC_ARENA_MAX", "1")
            .stdin(Stdio::from(OwnedFd::from(end)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let child = command.spawn().map_err(broken)?;
        Ok(Self { child, line, jobs: 0 })
    }

    fn work(&mut self, request: &[u8], time_limit: Duration) -> Outcome {
        self.jobs += 1;
        let _ = self.line.set_write_timeout(Some(time_limit));
        let until = Instant::now() + time_limit;
        let answer = match self.line.write_all(request) {
            Ok(()) => wire::read_answer(&mut Until { line: &self.line, until }),
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => Outcome::Answered(answer),
            Err(error) if is_late(&error) => Outcome::Ended(RenderError::TooSlow),
            Err(error) => self.post_mortem(&error),
        }
    }

    /// Why the child hung up: its last words tell.
    fn post_mortem(&mut self, error: &io::Error) -> Outcome {
        let _ = self.child.kill();
        let status = self.child.wait();
        let mut words = Vec::new();
        if let Some(stderr) = self.child.stderr.take() {
            let _ = stderr.take(4096).read_to_end(&mut words);
        }
        let words = String::from_utf8_lossy(&words);
        if words.contains("memory allocation of") {
            return Outcome::Ended(RenderError::TooMuchMemory);
        }
        let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        Outcome::Died(RenderError::Broken(format!("{error}; {status}; {}", words.trim())))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads until a moment, then fails as late.
struct Until<'a> {
    line: &'a UnixStream,
    until: Instant,
}

impl Read for Until<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.line.set_read_timeout(Some(left))?;
        self.line.read(bytes)
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

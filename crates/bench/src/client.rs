//! A cheap client: it shares the machine with the server, so it sends bytes that
//! are ready and reads no more of an answer than its status and its length.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failed;

/// One connection, kept open.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What the server said.
pub struct Answer<'a> {
    /// As 201.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// The same, when it is a 2xx.
    ///
    /// # Errors
    /// The answer's words, when it is another.
    pub fn good(self) -> Result<Self, Failed> {
        match self.status {
            200..=299 => Ok(self),
            status => Err(format!("answered {status}: {}", String::from_utf8_lossy(self.body)).into()),
        }
    }
}

impl Client {
    /// Connects to `127.0.0.1:12345`.
    pub fn connect(address: &str) -> io::Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, buffer: vec![0; 16 * 1024] })
    }

    /// Sends a whole request and reads its whole answer.
    pub fn ask(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request)?;
        let mut filled = 0;
        let mut head = None;
        loop {
            if let Some((_, end)) = head
                && filled >= end
            {
                break;
            }
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..])?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += read;
            head = head.or_else(|| body_of(&self.buffer[..filled]));
        }
        let (start, end) = head.ok_or(io::ErrorKind::InvalidData)?;
        let status = std::str::from_utf8(&self.buffer[9..12]).ok().and_then(|digits| digits.parse().ok());
        Ok(Answer { status: status.ok_or(io::ErrorKind::InvalidData)?, body: &self.buffer[start..end] })
    }
}

/// Where an answer's body begins and ends, once its head is there.
fn body_of(bytes: &[u8]) -> Option<(usize, usize)> {
    let start = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..start]).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some((start, start + length.unwrap_or(0)))
}

/// What came of a load: how long each request took, the shortest first.
#[derive(Default)]
pub struct Load {
    latencies: Vec<Duration>,
    elapsed: Duration,
}

impl Load {
    /// How many requests were answered.
    pub fn count(&self) -> f64 {
        self.latencies.len() as f64
    }

    /// How many requests were answered in a second.
    pub fn per_second(&self) -> f64 {
        self.count() / self.elapsed.as_secs_f64()
    }

    /// The latency, in seconds, that a part of the requests stayed under; 0.5 is the median.
    pub fn quantile(&self, part: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let at = (self.latencies.len() as f64 * part) as usize;
        self.latencies.get(at.min(last)).map_or(0.0, Duration::as_secs_f64)
    }

    /// This load and a later one as one.
    #[must_use]
    pub fn and(mut self, other: Load) -> Load {
        self.latencies.extend(other.latencies);
        self.latencies.sort_unstable();
        self.elapsed += other.elapsed;
        self
    }
}

/// What one client asks, one request after the other.
pub type Script = Vec<Vec<u8>>;

/// Each request from a client of its own, again and again: a client asks when it has been answered.
pub fn closed_loop(address: &str, requests: &[Vec<u8>], time: Duration) -> Result<Load, Failed> {
    let scripts: Vec<Script> = requests.iter().map(|request| vec![request.clone()]).collect();
    closed_loop_of(address, &scripts, time)
}

/// Each script from a client of its own, again and again.
pub fn closed_loop_of(address: &str, scripts: &[Script], time: Duration) -> Result<Load, Failed> {
    drive(address, scripts, |start, _| {
        let now = Instant::now();
        (now < start + time).then_some(now)
    })
}

/// Each script from a client of its own, once.
pub fn once(address: &str, scripts: &[Script]) -> Result<Load, Failed> {
    drive(address, scripts, |_, is_again| (!is_again).then(Instant::now))
}

/// Requests on a fixed schedule, whatever the answers do; a latency counts from the moment its
/// request was due.
pub fn open_loop(address: &str, requests: &[Vec<u8>], rate: f64, time: Duration) -> Result<Load, Failed> {
    let ticket = AtomicU32::new(0);
    let interval = Duration::from_secs_f64(1.0 / rate);
    let scripts: Vec<Script> = requests.iter().map(|request| vec![request.clone()]).collect();
    drive(address, &scripts, |start, _| {
        let due = start + interval * ticket.fetch_add(1, Ordering::Relaxed);
        if due >= start + time {
            return None;
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        Some(due)
    })
}

/// Drives a client per script on a thread of its own. `next` is told when all began and whether
/// the script's last request was asked already; it waits until the next one is due, and says when
/// that was, or that it is over.
fn drive(
    address: &str,
    scripts: &[Script],
    next: impl Fn(Instant, bool) -> Option<Instant> + Sync,
) -> Result<Load, Failed> {
    let ready = Barrier::new(scripts.len() + 1);
    let is_over = AtomicBool::new(false);
    let client = |script: &Script| -> Result<Vec<Duration>, Failed> {
        let client = Client::connect(address);
        ready.wait();
        let mut client = client?;
        let start = Instant::now();
        let mut latencies = Vec::with_capacity(4_096);
        for (at, request) in script.iter().cycle().enumerate() {
            let due = next(start, at >= script.len()).filter(|_| !is_over.load(Ordering::Relaxed));
            let Some(due) = due else { break };
            if let Err(fault) = client.ask(request).map_err(Failed::from).and_then(Answer::good) {
                is_over.store(true, Ordering::Relaxed);
                return Err(fault);
            }
            latencies.push(due.elapsed());
        }
        Ok(latencies)
    };
    let client = &client;
    thread::scope(|scope| {
        let threads: Vec<_> = scripts.iter().map(|script| scope.spawn(move || client(script))).collect();
        ready.wait();
        let start = Instant::now();
        let mut load = Load::default();
        for thread in threads {
            load.latencies.extend(thread.join().map_err(|_| "a client panicked")??);
        }
        load.elapsed = start.elapsed();
        load.latencies.sort_unstable();
        Ok(load)
    })
}

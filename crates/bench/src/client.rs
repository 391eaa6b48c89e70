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

/// Each request from a client of its own, again and again: a client asks when it has been answered.
pub fn closed_loop(address: &str, requests: &[Vec<u8>], time: Duration) -> Result<Load, Failed> {
    drive(address, requests, |start| {
        let now = Instant::now();
        (now < start + time).then_some(now)
    })
}

/// Requests on a fixed schedule, whatever the answers do; a latency counts from the moment its
/// request was due.
pub fn open_loop(address: &str, requests: &[Vec<u8>], rate: f64, time: Duration) -> Result<Load, Failed> {
    let ticket = AtomicU32::new(0);
    let interval = Duration::from_secs_f64(1.0 / rate);
    drive(address, requests, |start| {
        let due = start + interval * ticket.fetch_add(1, Ordering::Relaxed);
        if due >= start + time {
            return None;
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        Some(due)
    })
}

/// Drives a client per request on a thread of its own. `next` waits until the next one is due,
/// and says when that was, or that it is over.
fn drive(
    address: &str,
    requests: &[Vec<u8>],
    next: impl Fn(Instant) -> Option<Instant> + Sync,
) -> Result<Load, Failed> {
    let ready = Barrier::new(requests.len() + 1);
    let is_over = AtomicBool::new(false);
    let client = |request: &[u8]| -> Result<Vec<Duration>, Failed> {
        let client = Client::connect(address);
        ready.wait();
        let mut client = client?;
        let start = Instant::now();
        let mut latencies = Vec::with_capacity(4_096);
        while let Some(due) = next(start).filter(|_| !is_over.load(Ordering::Relaxed)) {
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
        let threads: Vec<_> = requests.iter().map(|request| scope.spawn(move || client(request))).collect();
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

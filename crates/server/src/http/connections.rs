//! Who may be connected, and for how long without a word: a limit in all and one for each
//! client address, so that no one shuts out the rest; and a stream that ends when its
//! client keeps it waiting. Knows nothing of requests but when one begins and ends.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use billing::keys::Network;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, timeout};

/// How long a client may take to send the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection stays open between two requests; longer than proxies keep theirs.
const IDLE_AT_MOST: Duration = Duration::from_secs(75);
/// How long a client may leave an answer untaken.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);
/// How many of those who are turned away are told so at once; the others find the line closed.
const TOLD_AT_ONCE: usize = 64;
/// How long one of them may take to hear it.
const TOLD_WITHIN: Duration = Duration::from_secs(1);
/// How often the log says that some are turned away.
const LOGGED_EVERY: Duration = Duration::from_secs(10);
/// File descriptors that are not for clients: books, papers, mail, webhooks.
const KEPT_FILES: u64 = 1_280;

/// All that are connected.
pub(super) struct Connections {
    most: usize,
    most_of_one: usize,
    proxies: Vec<Network>,
    open: Mutex<Open>,
    told: Arc<tokio::sync::Semaphore>,
    logged: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Open {
    count: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place, given back when dropped.
pub(super) struct Admitted {
    connections: Arc<Connections>,
    address: IpAddr,
}

impl Connections {
    /// At most so many, half of them from one address; a trusted proxy may hold all.
    pub(super) fn new(most: usize, proxies: Vec<Network>) -> Arc<Connections> {
        let told = Arc::new(tokio::sync::Semaphore::new(TOLD_AT_ONCE));
        let (open, logged) = (Mutex::default(), Mutex::default());
        Arc::new(Connections { most, most_of_one: most.div_ceil(2), proxies, open, told, logged })
    }

    /// A place for one more from this address; none when there is none.
    pub(super) fn admit(self: &Arc<Connections>, peer: IpAddr) -> Option<Admitted> {
        let address = network_of(peer);
        let is_proxy = self.proxies.iter().any(|network| network.contains(peer));
        let most_of_one = if is_proxy { self.most } else { self.most_of_one };
        let mut open = self.open();
        let count = open.count;
        let own = open.by_address.entry(address).or_default();
        if count >= self.most || *own >= most_of_one {
            if *own == 0 {
                open.by_address.remove(&address);
            }
            return None;
        }
        *own += 1;
        open.count += 1;
        Some(Admitted { connections: self.clone(), address })
    }

    /// Answers one who is turned away, and hangs up.
    pub(super) fn turn_away(&self, mut stream: TcpStream, peer: IpAddr, answer: String) {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.is_none_or(|at| at.elapsed() >= LOGGED_EVERY) {
            *logged = Some(Instant::now());
            tracing::warn!(connections = self.open().count, %peer, "too many connections: some are turned away");
        }
        drop(logged);
        let Ok(place) = self.told.clone().try_acquire_owned() else { return };
        tokio::spawn(async move {
            let _ = timeout(TOLD_WITHIN, async {
                stream.write_all(answer.as_bytes()).await?;
                stream.shutdown().await?;
                // What is unread when a stream is closed would take the answer with it.
                let mut unread = [0; 1024];
                while stream.read(&mut unread).await? > 0 {}
                io::Result::Ok(())
            })
            .await;
            drop(place);
        });
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        open.count -= 1;
        if let Some(own) = open.by_address.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

/// What counts as one client: an IPv4 address, or the 64 bits of IPv6 that one customer of a provider has.
fn network_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        address => address,
    }
}

/// Allows this process as many open files as it may have, and answers how many clients that
/// leaves room for, at most as many as asked for.
pub(crate) fn make_room(asked: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    if let Err(fault) = raised {
        tracing::warn!(%fault, "the limit of open files can't be raised");
    }
    // None is no limit.
    let files = if raised.is_ok() { maximum } else { current }.unwrap_or(u64::MAX);
    let room = files.saturating_sub(KEPT_FILES).max(files / 2);
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if room < asked {
        tracing::warn!(
            open_files = files,
            max_connections = room,
            "few files may be open: fewer connections are taken"
        );
    }
    asked.min(room)
}

/// How many requests of a connection have begun and have ended.
#[derive(Default)]
pub(super) struct Turns {
    begun: AtomicU64,
    ended: AtomicU64,
}

impl Turns {
    /// Counts a request while it is worked.
    pub(super) async fn count<T>(&self, work: impl Future<Output = T>) -> T {
        self.begun.fetch_add(1, Ordering::Relaxed);
        let done = work.await;
        self.ended.fetch_add(1, Ordering::Relaxed);
        done
    }
}

/// A client's stream that ends when the client sends no head, no further request, or takes no
/// answer in time. While a request is worked only the server is waited for.
pub(super) struct Patient {
    stream: TcpStream,
    turns: Arc<Turns>,
    /// The request whose head is awaited, from 1.
    awaited: u64,
    read_by: Option<Instant>,
    has_begun: bool,
    written_by: Option<Instant>,
    alarm: Pin<Box<Sleep>>,
}

impl Patient {
    pub(super) fn new(stream: TcpStream, turns: Arc<Turns>) -> Patient {
        let by = Instant::now() + HEAD_WITHIN;
        let alarm = Box::pin(tokio::time::sleep_until(by));
        Patient { stream, turns, awaited: 1, read_by: Some(by), has_begun: true, written_by: None, alarm }
    }

    /// Whether the client is late; if not, the task is woken when it is.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(by) = [self.read_by, self.written_by].into_iter().flatten().min() else { return false };
        if self.alarm.deadline() != by {
            self.alarm.as_mut().reset(by);
        }
        self.alarm.as_mut().poll(cx).is_ready()
    }

    /// Notes which request is at hand, and until when its head must come.
    fn look(&mut self) {
        let (begun, ended) = (self.turns.begun.load(Ordering::Relaxed), self.turns.ended.load(Ordering::Relaxed));
        if begun >= self.awaited {
            (self.awaited, self.read_by, self.has_begun) = (begun + 1, None, false);
        }
        if begun == ended && self.read_by.is_none() {
            self.read_by = Some(Instant::now() + IDLE_AT_MOST);
        }
    }

    /// Whether what was written went out; not for ever may it wait.
    fn written(&mut self, written: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.look();
        if written.is_ready() {
            self.written_by = None;
            if !self.has_begun {
                // Who takes a long answer is not idle.
                self.read_by = None;
            }
            return written;
        }
        self.written_by.get_or_insert_with(|| Instant::now() + TAKEN_WITHIN);
        if self.is_late(cx) { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { Poll::Pending }
    }
}

impl AsyncRead for Patient {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.look();
        let before = into.filled().len();
        if Pin::new(&mut this.stream).poll_read(cx, into)?.is_pending() {
            return if this.is_late(cx) { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { Poll::Pending };
        }
        if this.read_by.is_some() && !this.has_begun && into.filled().len() > before {
            this.has_begun = true;
            this.read_by = Some(Instant::now() + HEAD_WITHIN);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.written(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_takes_half_and_all_take_no_more_than_there_is() {
        let connections = Connections::new(4, Vec::new());
        let mut held: Vec<_> = (0..2).map(|_| connections.admit(address("192.0.2.1")).unwrap()).collect();
        assert!(connections.admit(address("192.0.2.1")).is_none());
        assert!(connections.admit(address("::ffff:192.0.2.1")).is_none(), "the same address, as IPv6 writes it");
        held.push(connections.admit(address("2001:db8::1")).unwrap());
        held.push(connections.admit(address("2001:db8::2")).unwrap());
        assert!(connections.admit(address("192.0.2.2")).is_none(), "all places are taken");
        held.remove(0);
        assert!(connections.admit(address("2001:db8::3")).is_none(), "one network of IPv6 is one client");
        assert!(connections.admit(address("192.0.2.2")).is_some());
        drop(held);
        assert!(connections.open().by_address.is_empty());
    }

    #[test]
    fn a_trusted_proxy_may_take_all() {
        let connections = Connections::new(4, vec!["192.0.2.0/24".parse().unwrap()]);
        let held: Vec<_> = (0..4).filter_map(|_| connections.admit(address("192.0.2.1"))).collect();
        assert_eq!(held.len(), 4);
    }
}

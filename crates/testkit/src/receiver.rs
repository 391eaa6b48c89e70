//! A receiver of webhooks of the test's own, with the manners of bad ones.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

/// How it treats what comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reception {
    /// Answers with this status.
    Answers(u16),
    /// Takes it and says nothing, until it is told to treat them otherwise.
    Stalls,
    /// Takes it and hangs up.
    HangsUp,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Received {
    /// By name, in lower case.
    pub headers: BTreeMap<String, String>,
    /// Its body, as it came.
    pub body: String,
}

impl Received {
    /// Its `webhook-id`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.headers.get("webhook-id").map_or("", String::as_str)
    }

    /// Its body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("a webhook's body is JSON")
    }
}

struct State {
    reception: Reception,
    received: Vec<Received>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// A running receiver.
pub struct Receiver {
    port: u16,
    shared: Arc<Shared>,
}

impl Receiver {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn start(reception: Reception) -> Receiver {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let state = Mutex::new(State { reception, received: Vec::new() });
        let shared = Arc::new(Shared { state, changed: Condvar::new() });
        let own = shared.clone();
        thread::spawn(move || {
            for visitor in listener.incoming().flatten() {
                let shared = own.clone();
                // Who hangs up on us has been answered all it wanted.
                thread::spawn(move || shared.talk(visitor).ok());
            }
        });
        Receiver { port, shared }
    }

    /// As `http://127.0.0.1:12345/hooks`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks", self.port)
    }

    /// From now on it treats them so; who waits for an answer gets one.
    pub fn treat(&self, reception: Reception) {
        self.shared.lock().reception = reception;
        self.shared.changed.notify_all();
    }

    /// All it had whole, in order.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.lock().received.clone()
    }

    /// How many it had.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.lock().received.len()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with the state")
    }

    fn talk(&self, visitor: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(visitor.try_clone()?);
        let mut visitor = visitor;
        visitor.set_nodelay(true)?;
        loop {
            let mut first = String::new();
            if lines.read_line(&mut first)? == 0 {
                return Ok(());
            }
            let mut headers = BTreeMap::new();
            loop {
                let mut line = String::new();
                lines.read_line(&mut line)?;
                let Some((name, value)) = line.trim_end().split_once(": ") else { break };
                headers.insert(name.to_ascii_lowercase(), value.to_owned());
            }
            let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            let mut body = vec![0; length];
            lines.read_exact(&mut body)?;
            let mut state = self.lock();
            state.received.push(Received { headers, body: String::from_utf8_lossy(&body).into_owned() });
            let stalls = |state: &mut State| state.reception == Reception::Stalls;
            let state = self.changed.wait_while(state, stalls).expect("nobody panics with the state");
            let reception = state.reception;
            drop(state);
            match reception {
                Reception::Answers(status) => {
                    write!(visitor, "HTTP/1.1 {status} Said\r\ncontent-length: 0\r\n\r\n")?;
                }
                Reception::Stalls | Reception::HangsUp => return Ok(()),
            }
        }
    }
}

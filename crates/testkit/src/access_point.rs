//! An access point of the test's own: it takes e-invoices over HTTP as Sproom does, tells how far they have
//! come, and has the manners of bad ones.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use serde_json::{Value, json};

/// How it treats who comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Welcome {
    /// Takes every document.
    Takes,
    /// Says nothing.
    Stalls,
    /// Says nothing to documents with these words in them, and takes the others.
    StallsFor(&'static str),
    /// Closes the connection without an answer.
    HangsUp,
    /// Answers with this status.
    Answers(u16),
    /// Answers with this status, and this in `Retry-After`.
    AsksToWait(u16, &'static str),
    /// Answers with this status and no end of a body.
    AnswersAtLength(u16),
    /// Has the whole document, and does not say so.
    KeepsQuiet,
}

/// A document that came whole.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The id it was given.
    pub id: String,
    /// Its `X-Request-Id`.
    pub request_id: String,
    /// Its `Authorization`.
    pub authorization: String,
    /// The e-invoice.
    pub xml: String,
}

struct State {
    welcome: Welcome,
    visits: usize,
    uploads: Vec<Upload>,
    states: BTreeMap<String, Vec<Value>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// A running access point.
pub struct AccessPoint {
    port: u16,
    shared: Arc<Shared>,
}

impl AccessPoint {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn start(welcome: Welcome) -> AccessPoint {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let state = State { welcome, visits: 0, uploads: Vec::new(), states: BTreeMap::new() };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let own = shared.clone();
        thread::spawn(move || {
            for visitor in listener.incoming().flatten() {
                let shared = own.clone();
                // Who hangs up on us has been answered all it wanted.
                thread::spawn(move || shared.answer(&visitor));
            }
        });
        AccessPoint { port, shared }
    }

    /// Where its API begins, as `http://127.0.0.1:8080/api`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/api", self.port)
    }

    /// From now on it treats them so. Who waited for an answer is hung up on.
    pub fn treat(&self, welcome: Welcome) {
        self.shared.lock().welcome = welcome;
        self.shared.changed.notify_all();
    }

    /// How many documents have come, whole or not, each time that they came.
    #[must_use]
    pub fn visits(&self) -> usize {
        self.shared.lock().visits
    }

    /// The documents it had whole, in order; a repeat is none.
    #[must_use]
    pub fn uploads(&self) -> Vec<Upload> {
        self.shared.lock().uploads.clone()
    }

    /// Knows nothing of a document any more.
    pub fn forget(&self, id: &str) {
        self.shared.lock().states.remove(id);
    }

    /// Tells of a document that it has come to this state.
    pub fn say(&self, id: &str, state: &str, message: Option<&str>) {
        let mut own = self.shared.lock();
        let states = own.states.entry(id.to_owned()).or_default();
        let at = format!("2026-06-10T08:00:{:02}Z", states.len());
        states.push(json!({ "dateTime": at, "state": state, "message": message }));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with the state")
    }

    /// Waits while it has this manner.
    fn wait_while(&self, welcome: Welcome) {
        drop(self.changed.wait_while(self.lock(), |state| state.welcome == welcome));
    }

    /// Answers one request.
    fn answer(&self, mut visitor: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(visitor);
        let mut first = String::new();
        reader.read_line(&mut first).ok()?;
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
        let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
        reader.read_exact(&mut body).ok()?;
        let xml = String::from_utf8(body).ok()?;
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut reply = |status: u16, header: &str, body: &str| {
            let length = body.len();
            let head = format!("HTTP/1.1 {status} X\r\n{header}content-length: {length}\r\nconnection: close\r\n\r\n");
            visitor.write_all(format!("{head}{body}").as_bytes()).ok()
        };
        if first.starts_with("GET ") {
            let id = path.strip_suffix("/state").and_then(|path| path.rsplit('/').next()).unwrap_or_default();
            let states = self.lock().states.get(id).cloned();
            let welcome = self.lock().welcome;
            if let Welcome::AsksToWait(status, how_long) = welcome {
                return reply(status, &format!("retry-after: {how_long}\r\n"), "");
            }
            return match states {
                Some(states) => reply(200, "content-type: application/json\r\n", &Value::from(states).to_string()),
                None => reply(404, "", ""),
            };
        }
        let mut state = self.lock();
        state.visits += 1;
        let welcome = state.welcome;
        match welcome {
            Welcome::StallsFor(words) if xml.contains(words) => {
                drop(state);
                self.wait_while(welcome);
                return None;
            }
            Welcome::Stalls => {
                drop(state);
                self.wait_while(welcome);
                return None;
            }
            Welcome::HangsUp => return None,
            Welcome::Answers(status) => return reply(status, "", "<p>No, not\n this one.</p>"),
            Welcome::AsksToWait(status, how_long) => {
                return reply(status, &format!("retry-after: {how_long}\r\n"), "");
            }
            Welcome::AnswersAtLength(status) => {
                drop(state);
                visitor.write_all(format!("HTTP/1.1 {status} X\r\nconnection: close\r\n\r\n").as_bytes()).ok()?;
                // Until the other side has enough.
                while visitor.write_all(&[b'x'; 65_536]).is_ok() {}
                return None;
            }
            Welcome::Takes | Welcome::StallsFor(_) | Welcome::KeepsQuiet => {}
        }
        let request_id = header("x-request-id");
        if let Some(known) = state.uploads.iter().find(|upload| upload.request_id == request_id) {
            return reply(409, &format!("x-sproom-documentid: {}\r\n", known.id), "");
        }
        let id = format!("document-{}", state.uploads.len() + 1);
        state.uploads.push(Upload { id: id.clone(), request_id, authorization: header("authorization"), xml });
        state.states.insert(id.clone(), vec![json!({ "dateTime": "2026-06-10T07:59:59Z", "state": "Created" })]);
        drop(state);
        if welcome == Welcome::KeepsQuiet {
            self.wait_while(welcome);
            return None;
        }
        reply(201, &format!("x-sproom-documentid: {id}\r\n"), "")
    }
}

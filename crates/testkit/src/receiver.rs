//! A receiver of webhooks of the test's own, over HTTP or TLS, with the manners of bad ones.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::Certificate;

/// How it treats what comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reception {
    /// Answers with this status.
    Answers(u16),
    /// Answers with this status, and this in `Retry-After`.
    AsksToWait(u16, &'static str),
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
    root: String,
    shared: Arc<Shared>,
}

impl Receiver {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn start(reception: Reception) -> Receiver {
        Receiver::listen(reception, None)
    }

    /// Starts one that speaks TLS and shows this certificate.
    ///
    /// # Panics
    /// When the certificate can't be read, or no port is free.
    #[must_use]
    pub fn start_secure(reception: Reception, certificate: &Certificate) -> Receiver {
        let chain = CertificateDer::pem_file_iter(&certificate.path).expect("the certificate is there");
        let chain = chain.map(|one| one.expect("it is PEM")).collect();
        let key = PrivateKeyDer::from_pem_file(&certificate.key).expect("its key is there");
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has all versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("the key is the certificate's");
        Receiver::listen(reception, Some(Arc::new(config)))
    }

    fn listen(reception: Reception, tls: Option<Arc<ServerConfig>>) -> Receiver {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let root = match &tls {
            Some(_) => format!("https://localhost:{port}"),
            None => format!("http://127.0.0.1:{port}"),
        };
        let state = Mutex::new(State { reception, received: Vec::new() });
        let shared = Arc::new(Shared { state, changed: Condvar::new() });
        let own = shared.clone();
        thread::spawn(move || {
            for visitor in listener.incoming().flatten() {
                let (shared, tls) = (own.clone(), tls.clone());
                // Who hangs up on us has been answered all it wanted.
                thread::spawn(move || {
                    let _ = visitor.set_nodelay(true);
                    match tls {
                        Some(tls) => {
                            let connection = ServerConnection::new(tls).map_err(std::io::Error::other)?;
                            shared.talk(StreamOwned::new(connection, visitor))
                        }
                        None => shared.talk(visitor),
                    }
                });
            }
        });
        Receiver { root, shared }
    }

    /// As `http://127.0.0.1:12345/hooks`; with a certificate as `https://localhost:12345/hooks`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/hooks", self.root)
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

    fn talk(&self, visitor: impl Read + Write) -> std::io::Result<()> {
        let mut lines = BufReader::new(visitor);
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
            let answer = match reception {
                Reception::Answers(status) => format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\n\r\n"),
                Reception::AsksToWait(status, how_long) => {
                    format!("HTTP/1.1 {status} Said\r\nretry-after: {how_long}\r\ncontent-length: 0\r\n\r\n")
                }
                Reception::Stalls | Reception::HangsUp => return Ok(()),
            };
            lines.get_mut().write_all(answer.as_bytes())?;
            lines.get_mut().flush()?;
        }
    }
}

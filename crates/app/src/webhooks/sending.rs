//! One request to a receiver, over HTTP/1.1: the name is resolved and every address checked for each new
//! connection, and the address that was checked is the one connected to. Redirects are not followed, and of
//! an answer no more is read than its head and a little of its body.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use billing::webhook_urls::{Host, NotTaken, PRIVATE_ADDRESS, Reach, Target, is_public};
use billing::webhooks::WebhookError;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::retry_after;
use crate::trust::{self, Greeted};

/// How long a receiver may take to answer.
pub(super) const ANSWERED_WITHIN: Duration = Duration::from_secs(15);
/// How long what follows the head of an answer is read for, and how much of it: then the connection is closed.
pub(super) const READ_WITHIN: Duration = Duration::from_secs(1);
const MOST_READ: usize = 16 * 1024;
/// The largest head of an answer.
const LARGEST_HEAD: usize = 64 * 1024;
/// How long a connection is used: then the name is resolved anew.
const USED_FOR: Duration = Duration::from_secs(60);

/// Resolves a name; a test has its own.
pub(super) type Resolve =
    Arc<dyn Fn(String, u16) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>> + Send + Sync>;

/// The machine's resolver.
pub(super) fn resolver() -> Resolve {
    Arc::new(|name, port| {
        Box::pin(async move { Ok(lookup_host((name, port)).await?.map(|address| address.ip()).collect()) })
    })
}

/// What became of an attempt.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Outcome {
    /// The status that was answered.
    pub(super) status: Option<u16>,
    /// Why it failed; none where it was taken.
    pub(super) error: Option<WebhookError>,
    /// How long it asked to be left alone for.
    pub(super) asks: Option<SignedDuration>,
    /// How long it took.
    pub(super) took: Duration,
}

/// What is sent.
pub(super) struct Message {
    pub(super) id: String,
    pub(super) at: Timestamp,
    pub(super) signature: String,
    pub(super) body: Bytes,
}

/// Sends to one target, over connections that are kept between requests.
pub(super) struct Sender {
    target: Result<Target, NotTaken>,
    reach: Reach,
    resolve: Resolve,
    tls: Arc<ClientConfig>,
    within: Duration,
    kept: Mutex<Vec<Connection>>,
}

struct Connection {
    requests: SendRequest<Full<Bytes>>,
    made: Instant,
}

fn failed(code: &str, message: impl Into<String>) -> WebhookError {
    WebhookError { code: code.to_owned(), message: message.into() }
}

fn not_allowed(not_taken: NotTaken) -> WebhookError {
    failed("URL_NOT_ALLOWED", format!("the {}", not_taken.sentence))
}

impl Sender {
    pub(super) fn new(
        target: Result<Target, NotTaken>,
        reach: Reach,
        resolve: Resolve,
        tls: Arc<ClientConfig>,
    ) -> Sender {
        Sender { target, reach, resolve, tls, within: ANSWERED_WITHIN, kept: Mutex::default() }
    }

    /// Sends a message; whatever happens is told in time.
    pub(super) async fn send(&self, message: Message) -> Outcome {
        let (begun, at) = (Instant::now(), message.at);
        let late = || failed("TIMEOUT", format!("no answer within {} s", self.within.as_secs()));
        let asked = timeout(self.within, self.ask(message)).await.unwrap_or_else(|_| Err(late()));
        let took = begun.elapsed();
        let (answer, connection) = match asked {
            Err(error) => return Outcome { status: None, error: Some(error), asks: None, took },
            Ok(answered) => answered,
        };
        let status = answer.status();
        let asks = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let asks = retry_after::asked(status.as_u16(), asks, at);
        if timeout(READ_WITHIN, read_out(answer)).await == Ok(true) {
            self.keep(connection);
        }
        let error = (!status.is_success()).then(|| {
            let more = if status.is_redirection() { "; redirects are not followed" } else { "" };
            failed("HTTP_STATUS", format!("the receiver answered {}{more}", status.as_u16()))
        });
        Outcome { status: Some(status.as_u16()), error, asks, took }
    }

    async fn ask(&self, message: Message) -> Result<(Response<Incoming>, Connection), WebhookError> {
        if let Some(mut connection) = self.one_kept() {
            // A kept connection may have been closed meanwhile. Then nothing of the request was taken, and
            // where something was, the receiver knows the repeat by its id.
            if connection.requests.ready().await.is_ok() {
                match connection.requests.send_request(self.request(&message)?).await {
                    Ok(answer) => return Ok((answer, connection)),
                    Err(fault) if fault.is_canceled() || fault.is_closed() || fault.is_incomplete_message() => {}
                    Err(fault) => return Err(of(&fault)),
                }
            }
        }
        let mut connection = self.connect().await?;
        let answer = connection.requests.send_request(self.request(&message)?).await.map_err(|fault| of(&fault))?;
        Ok((answer, connection))
    }

    fn target(&self) -> Result<&Target, WebhookError> {
        self.target.as_ref().map_err(|not_taken| not_allowed(*not_taken))
    }

    fn request(&self, message: &Message) -> Result<Request<Full<Bytes>>, WebhookError> {
        let target = self.target()?;
        Request::post(&target.path)
            .header(HOST, target.authority())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("ledgerbee/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", message.at.as_second())
            .header("webhook-signature", &message.signature)
            .body(Full::new(message.body.clone()))
            .map_err(|fault| failed("URL", fault.to_string()))
    }

    fn one_kept(&self) -> Option<Connection> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|connection| connection.made.elapsed() < USED_FOR && !connection.requests.is_closed());
        kept.pop()
    }

    fn keep(&self, connection: Connection) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    async fn connect(&self) -> Result<Connection, WebhookError> {
        let addresses = self.addresses().await?;
        let mut last = failed("RESOLVE", "the host has no address");
        for address in addresses {
            match TcpStream::connect(SocketAddr::new(address, self.target()?.port)).await {
                Ok(stream) => return self.greet(stream).await,
                Err(fault) => last = failed("CONNECT", fault.to_string()),
            }
        }
        Err(last)
    }

    /// The addresses to connect to: none where one of them is not public, for another look might find that one.
    async fn addresses(&self) -> Result<Vec<IpAddr>, WebhookError> {
        let target = self.target()?;
        let found = match &target.host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => {
                (self.resolve)(name.clone(), target.port).await.map_err(|fault| failed("RESOLVE", fault.to_string()))?
            }
        };
        if self.reach == Reach::Public && found.iter().any(|address| !is_public(*address)) {
            return Err(not_allowed(PRIVATE_ADDRESS));
        }
        Ok(found)
    }

    async fn greet(&self, stream: TcpStream) -> Result<Connection, WebhookError> {
        // A small request must not wait for the next packet.
        let _ = stream.set_nodelay(true);
        let target = self.target()?;
        if !target.is_secure {
            return shake_hands(stream).await;
        }
        let tls = |fault: &dyn std::fmt::Display| failed("TLS", fault.to_string());
        let name = match &target.host {
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|fault| tls(&fault))?,
            Host::Address(address) => ServerName::IpAddress((*address).into()),
        };
        let stream = TlsConnector::from(self.tls.clone()).connect(name, stream).await.map_err(|fault| {
            let greeted = Greeted { who: "receiver", name: &target.authority(), option: "--webhook-ca-file" };
            failed("TLS", trust::told(&fault, greeted).unwrap_or_else(|| fault.to_string()))
        });
        shake_hands(stream?).await
    }
}

async fn shake_hands<S>(stream: S) -> Result<Connection, WebhookError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let made = Builder::new().max_buf_size(LARGEST_HEAD).handshake(TokioIo::new(stream)).await;
    let (requests, connection) = made.map_err(|fault| of(&fault))?;
    // It ends when its requests are dropped, or the receiver hangs up; whoever sends next sees that.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(Connection { requests, made: Instant::now() })
}

/// Reads the rest of an answer; whether it came to its end before it was too much.
async fn read_out(answer: Response<Incoming>) -> bool {
    let mut body = answer.into_body();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        length += frame.data_ref().map_or(0, Bytes::len);
        if length > MOST_READ {
            return false;
        }
    }
    true
}

fn of(fault: &hyper::Error) -> WebhookError {
    let code = if fault.is_parse() || fault.is_parse_too_large() { "PROTOCOL" } else { "CONNECTION" };
    let cause = std::error::Error::source(fault).map_or_else(String::new, |cause| format!(": {cause}"));
    failed(code, format!("{fault}{cause}"))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{Shutdown, TcpListener};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn message() -> Message {
        Message {
            id: "e1".to_owned(),
            at: Timestamp::from_second(1_781_094_896).unwrap(),
            signature: "v1,x".to_owned(),
            body: Bytes::from_static(b"{}"),
        }
    }

    /// Resolves every name to these.
    fn always(addresses: &[&str]) -> Resolve {
        let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(move |_, _| {
            let addresses = addresses.clone();
            Box::pin(async move { Ok(addresses) })
        })
    }

    fn sender(url: &str, reach: Reach, resolve: Resolve) -> Sender {
        Sender::new(Ok(Target::parse(url, reach).unwrap()), reach, resolve, trust::trusting(None).unwrap())
    }

    fn code(outcome: &Outcome) -> &str {
        outcome.error.as_ref().map_or("none", |error| &error.code)
    }

    /// A receiver that treats each connection so; how many came is counted.
    fn receiver(treat: impl Fn(std::net::TcpStream, usize) + Send + Sync + 'static) -> (u16, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, count) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let (own, treat) = (count.clone(), Arc::new(treat));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (n, treat) = (own.fetch_add(1, Ordering::SeqCst), treat.clone());
                std::thread::spawn(move || treat(stream, n));
            }
        });
        (port, count)
    }

    /// Reads one request: its head and a body of two bytes.
    fn take(stream: &mut std::net::TcpStream) -> Option<String> {
        let mut text = Vec::new();
        let mut byte = [0];
        while !text.ends_with(b"\r\n\r\n{}") {
            if stream.read(&mut byte).ok()? == 0 {
                return None;
            }
            text.push(byte[0]);
        }
        String::from_utf8(text).ok()
    }

    const OK: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_connected_to() {
        let (port, count) = receiver(|_, _| {});
        for address in
            ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "64:ff9b::7f00:1", "0.0.0.0"]
        {
            let sender = sender(&format!("https://hooks.example.com:{port}/"), Reach::Public, always(&[address]));
            assert_eq!(code(&sender.send(message()).await), "URL_NOT_ALLOWED", "{address}");
        }
        // One that is public does not cover for one that is not, in either order.
        for both in [["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"]] {
            let sender = sender(&format!("https://hooks.example.com:{port}/"), Reach::Public, always(&both));
            assert_eq!(code(&sender.send(message()).await), "URL_NOT_ALLOWED", "{both:?}");
        }
        assert_eq!(count.load(Ordering::SeqCst), 0);
    }

    /// A name that is public when it is first looked up and leads home then: what is connected to is what
    /// was checked, and a new connection looks again.
    #[tokio::test]
    async fn a_name_is_resolved_once_for_each_connection() {
        let (port, _) = receiver(|mut stream, _| {
            take(&mut stream);
            // Hangs up after its answer.
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        });
        let looks = Arc::new(AtomicUsize::new(0));
        let own = looks.clone();
        let resolve: Resolve = Arc::new(move |_, _| {
            let first = own.fetch_add(1, Ordering::SeqCst) == 0;
            let address: IpAddr = if first { "127.0.0.1" } else { "10.0.0.1" }.parse().unwrap();
            Box::pin(async move { Ok(vec![address]) })
        });
        let mut sender = sender(&format!("http://hooks.example.com:{port}/"), Reach::Anywhere, resolve);
        let first = sender.send(message()).await;
        assert_eq!((first.status, code(&first), looks.load(Ordering::SeqCst)), (Some(200), "none", 1));
        sender.reach = Reach::Public;
        assert_eq!(code(&sender.send(message()).await), "URL_NOT_ALLOWED");
        assert_eq!(looks.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_request_is_what_the_standard_says_and_connections_are_kept() {
        let (told, heard) = std::sync::mpsc::channel();
        let (port, count) = receiver(move |mut stream, _| {
            while let Some(request) = take(&mut stream) {
                told.send(request).unwrap();
                let _ = stream.write_all(OK);
            }
        });
        let sender = sender(&format!("http://127.0.0.1:{port}/in?a=b"), Reach::Anywhere, resolver());
        for _ in 0..3 {
            let outcome = sender.send(message()).await;
            assert_eq!((outcome.status, outcome.error), (Some(204), None));
            let request = heard.recv().unwrap();
            assert!(request.starts_with("POST /in?a=b HTTP/1.1\r\n"), "{request}");
            for line in [
                &format!("host: 127.0.0.1:{port}"),
                "content-type: application/json",
                "webhook-id: e1",
                "webhook-timestamp: 1781094896",
                "webhook-signature: v1,x",
                "content-length: 2",
            ] {
                assert!(request.contains(&format!("{line}\r\n")), "{line} in {request}");
            }
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let (home, visits) = receiver(|_, _| {});
        let (port, _) = receiver(move |mut stream, _| {
            take(&mut stream);
            let answer =
                format!("HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:{home}/\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes());
        });
        let outcome = sender(&format!("http://127.0.0.1:{port}/"), Reach::Anywhere, resolver()).send(message()).await;
        assert_eq!((outcome.status, code(&outcome)), (Some(307), "HTTP_STATUS"));
        assert_eq!(visits.load(Ordering::SeqCst), 0);
    }

    /// Answers of 1 GB, without end, of nonsense or none at all: the status counts, and little is read.
    #[tokio::test(flavor = "multi_thread")]
    async fn bad_manners_cost_little() {
        let (told, heard) = std::sync::mpsc::channel();
        let (port, _) = receiver(move |mut stream, _| {
            take(&mut stream);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n");
            let part = [b'x'; 64 * 1024];
            let mut written = 0_usize;
            while stream.write_all(&part).is_ok() {
                written += part.len();
            }
            let _ = told.send(written);
        });
        let outcome = sender(&format!("http://127.0.0.1:{port}/"), Reach::Anywhere, resolver()).send(message()).await;
        assert_eq!((outcome.status, outcome.error), (Some(200), None));
        // What the system keeps on its way is all that was taken beyond our bound.
        assert!(heard.recv().unwrap() < 64 << 20);

        for (answer, expected) in [
            (&b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n"[..], "HTTP_STATUS"),
            (b"HTTP/1.1 99999 Oh\r\n\r\n", "PROTOCOL"),
            (b"SSH-2.0-OpenSSH_9.6\r\n", "PROTOCOL"),
            (b"", "CONNECTION"),
            (b"HTTP/1.1 200 O", "CONNECTION"),
        ] {
            let (port, _) = receiver(move |mut stream, _| {
                take(&mut stream);
                let _ = stream.write_all(answer);
                let _ = stream.shutdown(Shutdown::Both);
            });
            let url = format!("http://127.0.0.1:{port}/");
            let outcome = sender(&url, Reach::Anywhere, resolver()).send(message()).await;
            assert_eq!(code(&outcome), expected, "{answer:?}: {outcome:?}");
        }
        let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
        head.extend(std::iter::repeat_n(b"x-long: ", 1).flatten().chain([b'y'; 128 * 1024].iter()));
        let (port, _) = receiver(move |mut stream, _| {
            take(&mut stream);
            let _ = stream.write_all(&head);
        });
        let outcome = sender(&format!("http://127.0.0.1:{port}/"), Reach::Anywhere, resolver()).send(message()).await;
        assert_eq!(code(&outcome), "PROTOCOL", "{outcome:?}");
    }

    /// A name that is not resolved, one that says nothing, and one that lets its answer drip.
    #[tokio::test]
    async fn a_silent_receiver_is_given_up() {
        let silent: Resolve = Arc::new(|_, _| Box::pin(std::future::pending()));
        let mut sender = sender("https://hooks.example.com/", Reach::Public, silent);
        sender.within = Duration::from_millis(50);
        assert_eq!(code(&sender.send(message()).await), "TIMEOUT");
        // And one whose answer begins and never ends.
        for begun in [&b""[..], b"HTTP/1.1 200 OK\r\nx-drip: "] {
            let (port, _) = receiver(move |mut stream, _| {
                take(&mut stream);
                let _ = stream.write_all(begun);
                let _ = stream.read(&mut [0]);
            });
            let mut sender = super::tests::sender(&format!("http://127.0.0.1:{port}/"), Reach::Anywhere, resolver());
            sender.within = Duration::from_millis(200);
            assert_eq!(code(&sender.send(message()).await), "TIMEOUT");
        }
    }

    #[tokio::test]
    async fn what_is_no_tls_is_said_to_be_none() {
        let (port, _) = receiver(|mut stream, _| {
            let _ = stream.write_all(OK);
        });
        let sender = sender(&format!("https://127.0.0.1:{port}/"), Reach::Anywhere, resolver());
        assert_eq!(code(&sender.send(message()).await), "TLS");
    }
}

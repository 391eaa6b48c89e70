//! A mail server of the test's own, with the manners of bad ones.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

/// How it treats who comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// Takes every mail.
    Takes,
    /// Lets them in and says nothing.
    Stalls,
    /// Says nothing any more when it is told of a recipient with this in its address, and takes the others' mails.
    StallsFor(&'static str),
    /// Refuses every recipient with this line.
    Refuses(&'static str),
    /// Hangs up in the middle of the mail.
    HangsUp,
    /// Has the whole mail, and does not say so.
    KeepsQuiet,
}

struct State {
    manner: Manner,
    visits: usize,
    message_ids: Vec<String>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// A running mail server.
pub struct MailServer {
    port: u16,
    shared: Arc<Shared>,
}

impl MailServer {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn start(manner: Manner) -> MailServer {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let state = Mutex::new(State { manner, visits: 0, message_ids: Vec::new() });
        let shared = Arc::new(Shared { state, changed: Condvar::new() });
        let own = shared.clone();
        thread::spawn(move || {
            for visitor in listener.incoming().flatten() {
                let shared = own.clone();
                // Who hangs up on us has been answered all it wanted.
                thread::spawn(move || shared.talk(&visitor).ok());
            }
        });
        MailServer { port, shared }
    }

    /// As `smtp://127.0.0.1:2525`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// From now on it treats them so. Who waited for an answer gets one, or is hung up on.
    pub fn treat(&self, manner: Manner) {
        self.shared.lock().manner = manner;
        self.shared.changed.notify_all();
    }

    /// How many have come.
    #[must_use]
    pub fn visits(&self) -> usize {
        self.shared.lock().visits
    }

    /// The `Message-ID` of each mail it had whole, in order.
    #[must_use]
    pub fn message_ids(&self) -> Vec<String> {
        self.shared.lock().message_ids.clone()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with the state")
    }

    /// Waits while it has this manner.
    fn wait_while(&self, manner: Manner) {
        drop(self.changed.wait_while(self.lock(), |state| state.manner == manner));
    }

    fn talk(&self, mut visitor: &TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(visitor).lines();
        let mut state = self.lock();
        state.visits += 1;
        let manner = state.manner;
        drop(state);
        if manner == Manner::Stalls {
            self.wait_while(Manner::Stalls);
            return Ok(());
        }
        visitor.write_all(b"220 mail.example\r\n")?;
        while let Some(line) = lines.next().transpose()? {
            let answer = match (line.get(..4).unwrap_or_default(), manner) {
                ("RCPT", Manner::StallsFor(dead)) if line.contains(dead) => {
                    self.wait_while(manner);
                    return Ok(());
                }
                ("RCPT", Manner::Refuses(answer)) => answer,
                ("DATA", _) => {
                    visitor.write_all(b"354 Go on\r\n")?;
                    let mut message_id = String::new();
                    while let Some(line) = lines.next().transpose()?.filter(|line| line != ".") {
                        if manner == Manner::HangsUp {
                            return Ok(());
                        }
                        if let Some(id) = line.strip_prefix("Message-ID: ") {
                            id.clone_into(&mut message_id);
                        }
                    }
                    self.lock().message_ids.push(message_id);
                    if manner == Manner::KeepsQuiet {
                        self.wait_while(Manner::KeepsQuiet);
                    }
                    "250 Taken"
                }
                ("QUIT", _) => "221 Bye",
                _ => "250 mail.example",
            };
            visitor.write_all(format!("{answer}\r\n").as_bytes())?;
        }
        Ok(())
    }
}

//! A mail server that takes one mail at a time: it says when it has one, and takes it when told to.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// An open post.
pub struct Post {
    pub port: u16,
    /// The `Message-ID` of each mail that has come, whole.
    pub arrived: Receiver<String>,
    /// Each message takes one of them.
    pub take: Sender<()>,
}

impl Post {
    pub fn open() -> Post {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let ((say, arrived), (take, told)) = (channel(), channel());
        thread::spawn(move || {
            for stream in listener.incoming() {
                // None when the client or the test has ended meanwhile.
                let _ = serve(stream.unwrap(), &say, &told);
            }
        });
        Post { port, arrived, take }
    }
}

/// Serves one client to its end.
fn serve(mut stream: TcpStream, say: &Sender<String>, told: &Receiver<()>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let mut answer = |text: &str| write!(stream, "{text}\r\n").ok();
    answer("220 post")?;
    loop {
        match lines.next()?.ok()?.get(..4)? {
            "DATA" => {
                answer("354 go on")?;
                let mut id = String::new();
                loop {
                    let line = lines.next()?.ok()?;
                    if let Some(found) = line.strip_prefix("Message-ID: <") {
                        found.trim_end_matches('>').clone_into(&mut id);
                    } else if line == "." {
                        break;
                    }
                }
                say.send(id).ok()?;
                told.recv().ok()?;
                answer("250 taken")?;
            }
            "QUIT" => return Some(()),
            _ => answer("250 well")?,
        }
    }
}

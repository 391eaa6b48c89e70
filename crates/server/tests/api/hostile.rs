//! Input that means harm: what is no HTTP, who is slow, who comes in crowds,
//! who writes nonsense; the server goes on for all the others. The long forms, by environment,
//! are in docs/hostile.md.

mod conformance;
mod crowd;
mod mutation;
mod wire;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// How often, or how many: by environment in the long form.
fn count(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).ok().and_then(|count| count.parse().ok()).unwrap_or(otherwise)
}

/// A connection on which anything may be written.
struct Wire(TcpStream);

impl Wire {
    fn open(root: &str) -> Wire {
        let stream = TcpStream::connect(root.trim_start_matches("http://")).unwrap();
        // No answer and no end for so long is a hang.
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Wire(stream)
    }

    /// Writes, as far as the server takes it: it may have hung up.
    fn write(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_ok()
    }

    /// All that comes until the server closes.
    fn rest(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        if let Err(fault) = self.0.read_to_end(&mut all) {
            assert!(fault.kind() != std::io::ErrorKind::WouldBlock, "the server hangs");
        }
        all
    }

    /// What comes up to these bytes.
    fn until(&mut self, wanted: &str) -> String {
        let mut all = Vec::new();
        while !all.ends_with(wanted.as_bytes()) {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap_or_else(|fault| panic!("{fault}: {}", String::from_utf8_lossy(&all)));
            all.push(byte[0]);
        }
        String::from_utf8_lossy(&all).into_owned()
    }
}

/// Status and body of each answer on a connection.
fn answers(bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let (mut rest, mut found) = (bytes, Vec::new());
    while let Some(end) = rest.windows(4).position(|four| four == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&rest[..end]).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status: {head}"));
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
        let body = rest[end + 4..].iter().copied().take(length).collect::<Vec<u8>>();
        rest = &rest[end + 4 + body.len()..];
        found.push((status, body));
    }
    found
}

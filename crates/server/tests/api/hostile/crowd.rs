//! Those who are slow and those who are many: they are held or cut off, and the others
//! never notice. On one engine: none of it comes to the books.

use std::collections::VecDeque;
use std::io::Read as _;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use testkit::{Folder, Minded, wait_for};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::{Wire, answers, count};
use crate::house::{Api, House, PROGRAM};

/// How many one process of clients holds.
const EACH: usize = 5_000;

const ASKED: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

async fn connect(from: &str, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(from.parse().expect("an address"), 0))?;
    socket.connect(to).await
}

/// A connection that was used once and is kept.
async fn idle(from: &str, to: SocketAddr) -> TcpStream {
    let mut stream = connect(from, to).await.expect("the server takes one more");
    stream.write_all(ASKED.as_bytes()).await.unwrap();
    let mut answer = [0; 1024];
    let length = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer:?}");
    stream
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A process of clients: connects, says so, and holds on until it is ended.
#[test]
#[ignore = "what a crowd starts as its part"]
fn clients() {
    let set = |name: &str| std::env::var(name).unwrap();
    let (from, count) = (set("CROWD_FROM"), set("CROWD_COUNT").parse::<usize>().unwrap());
    let to: SocketAddr = set("CROWD_TO").parse().unwrap();
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    runtime().block_on(async {
        let mut held = Vec::with_capacity(count);
        for _ in 0..count {
            held.push(idle(&from, to).await);
        }
        println!("\nheld {count}");
        std::future::pending::<()>().await;
    });
}

/// Starts a process of clients that come from one address, and waits until all are connected.
fn crowd(house: &House, from: &str, count: usize) -> Minded {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["hostile::crowd::clients", "--exact", "--ignored", "--nocapture"]);
    let to = house.server.root.trim_start_matches("http://");
    command.env("CROWD_FROM", from).env("CROWD_COUNT", count.to_string()).env("CROWD_TO", to);
    let mut crowd = Minded::start(&command, "KILL", None, None);
    crowd.wait_for("all were connected", |line| line.starts_with("held ").then_some(()));
    crowd
}

fn resident_kib(house: &House) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", house.server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Crowds of idle clients, as many as their addresses may hold: one more of theirs is turned
/// away, all others are served as ever.
#[test]
fn a_crowd_of_idle_connections_is_held_and_shuts_nobody_out() {
    let most = count("LEDGERBEE_IDLE_CONNECTIONS", EACH);
    let folder = Folder::new();
    // Half of all places for one address: that half is taken, to the last.
    let house =
        House::serve(PROGRAM, folder.path(), None, &["--max-connections", &(2 * EACH).max(most + 200).to_string()]);
    let company = house.company();
    company.api.get("/v1/company").is(200);
    let before = resident_kib(&house);
    let crowds: Vec<Minded> = (0..most / EACH).map(|at| crowd(&house, &format!("127.0.0.{}", at + 2), EACH)).collect();
    assert!(!crowds.is_empty(), "a crowd is {EACH} at least");
    let each = (resident_kib(&house) - before) * 1024 / (crowds.len() * EACH);
    println!(
        "{} idle connections: {} MiB before, {} MiB with them, {each} bytes each",
        crowds.len() * EACH,
        before / 1024,
        resident_kib(&house) / 1024
    );
    assert!(each < 32 * 1024, "an idle connection takes {each} bytes");
    for _ in 0..200 {
        // A client of its own each time: a new connection.
        Api::new(&house.server.root, &company.api.key).get("/v1/company").is(200);
    }
    company.customer(serde_json::json!({}));
    if most == EACH {
        let to: SocketAddr = house.server.root.trim_start_matches("http://").parse().unwrap();
        let told = runtime().block_on(async {
            let (mut stream, mut told) = (connect("127.0.0.2", to).await.unwrap(), Vec::new());
            stream.read_to_end(&mut told).await.unwrap();
            told
        });
        let head = String::from_utf8_lossy(&told).into_owned();
        assert!(head.contains("\r\nretry-after: ") && head.contains("\r\nconnection: close\r\n"), "{head}");
        let [(503, body)] = &answers(&told)[..] else { panic!("one more is turned away: {head}") };
        let body: serde_json::Value = serde_json::from_slice(body).unwrap();
        assert_eq!((&body["code"], &body["statusCode"]), (&"UNAVAILABLE".into(), &503.into()));
        drop(crowds);
        wait_for("the places are given back", || {
            runtime().block_on(async {
                let mut stream = connect("127.0.0.2", to).await.unwrap();
                // Who is turned away may find the line closed already.
                let _ = stream.write_all(ASKED.as_bytes()).await;
                let mut answer = [0; 12];
                let read = stream.read_exact(&mut answer).await;
                (read.is_ok() && answer.ends_with(b"200")).then_some(())
            })
        });
    }
    company.api.get("/v1/company").is(200);
}

/// Heads and bodies that come byte by byte, and answers that nobody takes: each is cut off, and others
/// are answered meanwhile.
#[test]
fn slow_clients_are_cut_off_and_others_are_served() {
    let folder = Folder::new();
    let house = House::serve(PROGRAM, folder.path(), None, &[]);
    let company = house.company();
    let body = format!(
        "POST /api/v1/credit-notes HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\ncontent-type: application/json\r\n\
         content-length: 1000000\r\n\r\n{{",
        company.api.key
    );
    // Without a key the body is read too, so that the connection stays good: no longer than others.
    let stranger = body.replace(&company.api.key, "nobody");
    let slow = count("LEDGERBEE_SLOW_CLIENTS", 300);
    let mut trickling: VecDeque<(Wire, bool)> = VecDeque::new();
    for at in 0..slow {
        let mut wire = Wire::open(&house.server.root);
        let begun = [ASKED.trim_end(), &body, &stranger][at % 3];
        assert!(wire.write(begun.as_bytes()));
        wire.0.set_nonblocking(true).unwrap();
        trickling.push_back((wire, at % 3 > 0));
    }
    let (mut served, mut late) = (0, 0);
    wait_for("all slow clients were cut off", || {
        for _ in 0..trickling.len() {
            let Some((mut wire, has_head)) = trickling.pop_front() else { break };
            let (is_taken, mut told) = (wire.write(b" "), [0; 4096]);
            match wire.0.read(&mut told) {
                Ok(0) => {}
                Ok(length) => {
                    let told = String::from_utf8_lossy(&told[..length]);
                    assert!(
                        has_head && (told.starts_with("HTTP/1.1 408 ") || told.starts_with("HTTP/1.1 401 ")),
                        "{told}"
                    );
                    late += 1;
                }
                Err(fault) if is_taken && fault.kind() == std::io::ErrorKind::WouldBlock => {
                    trickling.push_back((wire, has_head))
                }
                Err(_) => {}
            }
        }
        Api::new(&house.server.root, &company.api.key).get("/v1/company").is(200);
        served += 1;
        std::thread::sleep(Duration::from_millis(100));
        trickling.is_empty().then_some(())
    });
    println!("{slow} slow clients cut off, {late} of them told so; {served} requests answered meanwhile");
    assert!(late > 0, "a body that is late is told so");
}

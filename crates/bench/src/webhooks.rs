//! Webhooks: how many a second, how soon after the commit, and what a dead endpoint costs a live one.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::json;
use testkit::wait_for;

use crate::client::{Client, closed_loop, open_loop};
use crate::company::{Company, Place, address};
use crate::process::resident;
use crate::table::{Table, mebibytes, milliseconds, per_second};
use crate::{Bench, Failed};

/// How many deliveries a second are promised.
const PER_SECOND: f64 = 2_000.0;
/// At which rate of events it is measured how soon they arrive, and how soon 99 of 100 are to.
const RATE: f64 = 200.0;
const WITHIN: f64 = 0.25;
/// How many events wait for the dead endpoint.
const QUEUED: usize = 10_000;

/// When each event arrived, and how long after it had happened, in seconds.
type Arrivals = Arc<Mutex<Vec<(Instant, f64)>>>;

/// A receiver that takes everything, and costs little: it shares the machine.
struct Receiver {
    port: u16,
    arrivals: Arrivals,
}

impl Receiver {
    fn start() -> Result<Receiver, Failed> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (port, arrivals) = (listener.local_addr()?.port(), Arrivals::default());
        let own = arrivals.clone();
        thread::spawn(move || {
            for visitor in listener.incoming().flatten() {
                let arrivals = own.clone();
                thread::spawn(move || take(visitor, &arrivals));
            }
        });
        Ok(Receiver { port, arrivals })
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    fn count(&self) -> usize {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// What has arrived since this was last asked.
    fn taken(&self) -> Vec<(Instant, f64)> {
        std::mem::take(&mut *self.arrivals.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Takes requests of one connection until it ends.
fn take(mut visitor: TcpStream, arrivals: &Arrivals) -> io::Result<()> {
    visitor.set_nodelay(true)?;
    let (mut buffer, mut filled) = (vec![0; 64 * 1024], 0);
    loop {
        let end = loop {
            let text = String::from_utf8_lossy(&buffer[..filled]);
            let head = text.find("\r\n\r\n").map(|at| at + 4);
            let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
            match head.zip(length).map(|(head, length): (usize, usize)| head + length) {
                Some(end) if filled >= end => break end,
                _ => {}
            }
            if filled == buffer.len() {
                buffer.resize(2 * filled, 0);
            }
            let read = visitor.read(&mut buffer[filled..])?;
            if read == 0 {
                return Ok(());
            }
            filled += read;
        };
        let text = String::from_utf8_lossy(&buffer[..end]);
        let happened = text.split("\"timestamp\":\"").nth(1).and_then(|rest| rest.get(..24)?.parse::<Timestamp>().ok());
        let late = happened.map_or(0.0, |at| Timestamp::now().duration_since(at).as_secs_f64());
        arrivals.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), late));
        buffer.copy_within(end..filled, 0);
        filled -= end;
        visitor.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
    }
}

fn p99(taken: Vec<(Instant, f64)>) -> f64 {
    let mut late: Vec<f64> = taken.into_iter().map(|(_, late)| late).collect();
    late.sort_unstable_by(f64::total_cmp);
    late.get(late.len() * 99 / 100).copied().unwrap_or(0.0)
}

/// Measures on the embedded database.
pub fn measure(bench: &Bench, table: &mut Table) -> Result<(), Failed> {
    let place = Place::new(&bench.program()?, None);
    let server = place.serve_with(&["--allow-insecure-webhooks"]);
    let (company, address) = (Company::found(&place, &server)?, address(&server));
    let topics = ["credit_note.created"];
    let endpoint = |url: &str| -> Result<String, Failed> {
        company.add(&mut Client::connect(address)?, "/v1/webhook-endpoints", json!({ "url": url, "topics": topics }))
    };

    // Enough to send for the time of a load, all of it there before the first is sent.
    let wanted = (PER_SECOND * bench.time().as_secs_f64()) as usize;
    let mut made = 0;
    while made < wanted.max(QUEUED) {
        made += closed_loop(address, &vec![company.credit_note(); bench.clients()], Duration::from_secs(1))?.count()
            as usize;
    }
    for (count, name) in [(1, "one endpoint"), (10, "ten endpoints")] {
        let receiver = Receiver::start()?;
        let ids = (0..count).map(|_| endpoint(&receiver.url())).collect::<Result<Vec<String>, Failed>>()?;
        let mut asking = Client::connect(address)?;
        let begun = Instant::now();
        for id in &ids {
            company.ask(&mut asking, &format!("/v1/webhook-endpoints/{id}/replay"), json!({ "afterSequence": 0 }))?;
        }
        let all = made * count;
        let mut last = (0, Instant::now());
        while receiver.count() < all {
            thread::sleep(Duration::from_millis(5));
            let now = receiver.count();
            if now > last.0 {
                last = (now, Instant::now());
            }
            if last.1.elapsed() > Duration::from_secs(60) {
                return Err(format!("{now} of {all} webhooks arrived").into());
            }
        }
        // Each is recorded, and durably: only then it counts.
        for id in &ids {
            let path = format!("/v1/webhook-endpoints/{id}/deliveries?limit=1&status=delivered");
            wait_for("the records", || {
                let read = company.read(&mut asking, &path).ok()?;
                (read["total"].as_u64() == Some(made as u64)).then_some(())
            });
        }
        let rate = all as f64 / begun.elapsed().as_secs_f64();
        table.at_least(format!("webhooks delivered, signed and recorded, {name}"), rate, PER_SECOND, per_second);
        for id in ids {
            company.drop_endpoint(&mut asking, &id)?;
        }
    }

    let receiver = Receiver::start()?;
    endpoint(&receiver.url())?;
    let alone = arrive(bench, &company, address, &receiver)?;
    let name = format!("from an event to its receipt, {RATE} events a second, p99");
    table.at_most(&name, alone, WITHIN, milliseconds);
    // Nobody listens there, and one that never answers.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    for url in ["http://127.0.0.1:9/".to_owned(), format!("http://127.0.0.1:{}/", silent.local_addr()?.port())] {
        let id = endpoint(&url)?;
        let mut asking = Client::connect(address)?;
        company.ask(&mut asking, &format!("/v1/webhook-endpoints/{id}/replay"), json!({ "afterSequence": 0 }))?;
    }
    let beside = arrive(bench, &company, address, &receiver)?;
    table.at_most(format!("… while {made} wait for two dead endpoints, p99"), beside, WITHIN, milliseconds);
    table.note(format!("p99 alone {}, beside the dead endpoints {}", milliseconds(alone), milliseconds(beside)));
    table.shown("memory of the server after it", resident(server.pid())?, mebibytes);
    server.terminate();
    Ok(())
}

/// How soon 99 of 100 events arrive at a steady rate.
fn arrive(bench: &Bench, company: &Company, address: &str, receiver: &Receiver) -> Result<f64, Failed> {
    receiver.taken();
    let load = open_loop(address, &vec![company.credit_note(); bench.clients()], RATE, bench.time())?;
    let all = load.count() as usize;
    wait_for("all of them", || (receiver.count() >= all).then_some(()));
    Ok(p99(receiver.taken()))
}

//! What an idempotency key costs: the same credit notes with a key of their own each and without, in turns.

use testkit::Postgres;

use crate::client::{Load, Script, once};
use crate::company::{Company, Place, address};
use crate::table::{Table, bytes, microseconds, per_second, percent};
use crate::{Bench, Failed, process};

/// With and without take turns this often, so that neither has the better moment.
const ROUNDS: usize = 4;
/// How many credit notes each client makes to warm up, which also tells how many fit the time.
const WARM_UP: usize = 30;

/// Measures the cost on each engine, for one company.
pub fn measure(bench: &Bench, table: &mut Table) -> Result<(), Failed> {
    let program = bench.program()?;
    let postgres = Postgres::start(&["fsync=on", "synchronous_commit=on", "wal_sync_method=fdatasync"]);
    let places =
        [("SQLite", Place::new(&program, None)), ("PostgreSQL", Place::new(&program, Some(postgres.fresh_database())))];
    for (engine, place) in places {
        let server = place.serve();
        let company = Company::found(&place, &server)?;
        let plain = |count| vec![vec![company.credit_note(); count]; bench.clients()];
        let warm = once(address(&server), &plain(WARM_UP))?.per_second();
        let turn = bench.time().as_secs_f64() / (2 * ROUNDS) as f64;
        let count = ((warm * turn) as usize / bench.clients()).max(1);
        let (mut with, mut without) = (Part::default(), Part::default());
        for round in 0..ROUNDS {
            let keyed = |client: usize| -> Script {
                (0..count).map(|n| company.keyed_credit_note(&format!("{round} {client} {n}"))).collect()
            };
            let keyed: Vec<Script> = (0..bench.clients()).map(keyed).collect();
            let mut turns = [(&mut without, plain(count)), (&mut with, keyed)];
            // What one turn leaves to be written falls on the next.
            if round % 2 == 1 {
                turns.reverse();
            }
            for (part, scripts) in turns {
                let before = (process::cpu(server.pid())?, process::written(server.pid())?);
                part.load = std::mem::take(&mut part.load).and(once(address(&server), &scripts)?);
                part.cpu += process::cpu(server.pid())? - before.0;
                part.written += process::written(server.pid())? - before.1;
            }
        }
        let of = |part: &Part| {
            let count = part.load.count();
            format!("{} of the server's CPU, {} written", microseconds(part.cpu / count), bytes(part.written / count))
        };
        let each = (of(&without), of(&with));
        let (with, without) = (with.load, without.load);
        let (with, without) = (with.per_second(), without.per_second());
        let clients = bench.clients();
        let name = format!("{engine}, one company, {clients} clients: what an idempotency key costs");
        table.at_most(name, 1.0 - with / without, 0.1, percent);
        table.note(format!(
            "{engine}: {} credit notes without a key ({}), {} with one ({})",
            per_second(without),
            each.0,
            per_second(with),
            each.1,
        ));
    }
    Ok(())
}

/// What came of the turns with a key, or of those without.
#[derive(Default)]
struct Part {
    load: Load,
    /// The server's, in seconds.
    cpu: f64,
    /// To the disk, by the server, in bytes.
    written: f64,
}

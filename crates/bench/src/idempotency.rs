//! What an idempotency key costs: the same credit notes with a key of their own each and without, in turns.

use testkit::Postgres;

use crate::client::{Load, Script, once};
use crate::company::{Company, Place, address};
use crate::table::{Table, bytes, microseconds, per_second, percent};
use crate::{Bench, Failed, process};

/// How long one turn of either takes. They are short and many, so that neither has the better moment of the machine.
const TURN: f64 = 1.0;
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
        let rounds = (bench.time().as_secs_f64() / (2.0 * TURN)).ceil() as usize;
        let count = ((warm * TURN) as usize / bench.clients()).max(1);
        let (mut with, mut without) = (Part::default(), Part::default());
        let mut costs = Vec::with_capacity(rounds);
        for round in 0..rounds {
            let keyed = |client: usize| -> Script {
                (0..count).map(|n| company.keyed_credit_note(&format!("{round} {client} {n}"))).collect()
            };
            let keyed: Vec<Script> = (0..bench.clients()).map(keyed).collect();
            let mut turns = [(&mut without, plain(count)), (&mut with, keyed)];
            // What one turn leaves to be written falls on the next.
            if round % 2 == 1 {
                turns.reverse();
            }
            let mut took = [0.0; 2];
            for (at, (part, scripts)) in turns.into_iter().enumerate() {
                let before = (process::cpu(server.pid())?, process::written(server.pid())?);
                let load = once(address(&server), &scripts)?;
                took[(at + round) % 2] = load.per_second();
                part.load = std::mem::take(&mut part.load).and(load);
                part.cpu += process::cpu(server.pid())? - before.0;
                part.written += process::written(server.pid())? - before.1;
            }
            costs.push(1.0 - took[1] / took[0]);
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
            "{engine}: {} credit notes without a key ({}), {} with one ({}); {}",
            per_second(without),
            each.0,
            per_second(with),
            each.1,
            spread(costs),
        ));
    }
    Ok(())
}

/// What a key cost in each pair of turns, in words.
fn spread(mut costs: Vec<f64>) -> String {
    costs.sort_by(f64::total_cmp);
    let at = |part: f64| percent(costs[((costs.len() - 1) as f64 * part).round() as usize]);
    let [quarter, half, three] = [0.25, 0.5, 0.75].map(at);
    format!("of {} pairs of turns a quarter under {quarter}, half under {half}, a quarter over {three}", costs.len())
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

//! Making credit notes, by ever more clients, for one company and for a hundred, on both engines.

use std::time::Duration;

use testkit::Postgres;

use crate::client::closed_loop;
use crate::company::{Company, Place, address};
use crate::table::{Table, milliseconds, per_second};
use crate::{Bench, Failed};

const CLIENTS: [usize; 4] = [1, 16, 64, 256];
const COMPANIES: usize = 100;
/// There are sixteen cases.
const PART: u32 = 4;

/// Measures each case.
pub fn measure(bench: &Bench, table: &mut Table) -> Result<(), Failed> {
    let program = bench.program()?;
    let postgres = Postgres::start(&["fsync=on", "synchronous_commit=on", "wal_sync_method=fdatasync"]);
    let places =
        [("SQLite", Place::new(&program, None)), ("PostgreSQL", Place::new(&program, Some(postgres.fresh_database())))];
    for (engine, place) in places {
        let server = place.serve();
        let companies = (0..COMPANIES).map(|_| Company::found(&place, &server)).collect::<Result<Vec<_>, _>>()?;
        for (companies, words) in [(&companies[..1], "one company"), (&companies[..], "100 companies")] {
            for clients in CLIENTS {
                let requests: Vec<Vec<u8>> = companies.iter().cycle().take(clients).map(Company::credit_note).collect();
                closed_loop(address(&server), &requests, Duration::from_millis(500))?;
                let load = closed_loop(address(&server), &requests, bench.time() / PART)?;
                let name = format!("{engine}, credit notes, {words}, {clients} clients");
                table.shown(&name, load.per_second(), per_second);
                table.shown(format!("{name}, p99"), load.quantile(0.99), milliseconds);
            }
        }
    }
    Ok(())
}

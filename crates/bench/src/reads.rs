//! Reading one credit note: as fast as it goes, and at half of that.

use std::time::Duration;

use crate::client::{Client, closed_loop, open_loop};
use crate::company::{Company, Place, address};
use crate::table::{Table, microseconds, milliseconds, per_second};
use crate::{Bench, Failed, process};

/// Measures the median in both loads.
pub fn measure(bench: &Bench, table: &mut Table) -> Result<(), Failed> {
    let place = Place::new(&bench.program()?, None);
    let server = place.serve();
    let company = Company::found(&place, &server)?;
    let mut client = Client::connect(address(&server))?;
    let requests = (0..bench.clients())
        .map(|_| Ok(company.get(&format!("/v1/credit-notes/{}", company.make_credit_note(&mut client)?))))
        .collect::<Result<Vec<_>, Failed>>()?;
    closed_loop(address(&server), &requests, Duration::from_secs(1))?;
    let before = (process::cpu(server.pid())?, process::cpu("self")?);
    let full = closed_loop(address(&server), &requests, bench.time())?;
    let cpu = (process::cpu(server.pid())? - before.0, process::cpu("self")? - before.1);
    let half = open_loop(address(&server), &requests, full.per_second() / 2.0, bench.time())?;
    let clients = bench.clients();
    let name = format!("one document read, {clients} clients at half the most load, median");
    table.at_most(name, half.quantile(0.5), 0.002, milliseconds);
    let name = format!("one document read, {clients} clients that never rest, median");
    table.at_most(name, full.quantile(0.5), 0.002, milliseconds);
    table.note(format!(
        "reads: {} at most; p99 {} then and {} at half; CPU for each, server {}, clients {}",
        per_second(full.per_second()),
        milliseconds(full.quantile(0.99)),
        milliseconds(half.quantile(0.99)),
        microseconds(cpu.0 / full.count()),
        microseconds(cpu.1 / full.count()),
    ));
    Ok(())
}

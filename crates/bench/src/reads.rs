//! Reading one credit note: as fast as it goes, and at half of that, and beside it the bare loop
//! that reads the same rows.

use std::time::Duration;

use crate::client::{Client, closed_loop, open_loop};
use crate::company::{Company, Place, address};
use crate::table::{Table, microseconds, milliseconds, per_second, percent};
use crate::{Bench, Failed, bare_sqlite, process};

/// Measures the median in both loads.
pub fn measure(bench: &Bench, table: &mut Table) -> Result<(), Failed> {
    let place = Place::new(&bench.program()?, None);
    let server = place.serve();
    let company = Company::found(&place, &server)?;
    let mut client = Client::connect(address(&server))?;
    let notes =
        (0..bench.clients()).map(|_| company.make_credit_note(&mut client)).collect::<Result<Vec<String>, Failed>>()?;
    let requests: Vec<Vec<u8>> = notes.iter().map(|id| company.get(&format!("/v1/credit-notes/{id}"))).collect();
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
    let file = place.folder().join(bare_sqlite::FILE);
    let alone = bare_sqlite::reads_per_second(&file, &rows_of_a_note(&company.id), &notes, bench.time() / 2)?;
    table.shown("… reads at most, as part of a bare loop of the same rows", full.per_second() / alone, percent);
    table.note(format!(
        "reads: {} at most, bare {}; p99 {} then and {} at half; CPU for each, server {}, clients {}",
        per_second(full.per_second()),
        per_second(alone),
        milliseconds(full.quantile(0.99)),
        milliseconds(half.quantile(0.99)),
        microseconds(cpu.0 / full.count()),
        microseconds(cpu.1 / full.count()),
    ));
    Ok(())
}

/// The rows that a published credit note is made of, by its id.
fn rows_of_a_note(company: &str) -> Vec<String> {
    let own = |table: &str, key: &str| format!("select * from {table} where company_id = '{company}' and {key}");
    vec![
        format!("select * from companies where id = '{company}' and $1 is not null"),
        own("documents", "id = $1"),
        own("document_lines", "document_id = $1 order by position"),
        own("document_vat_groups", "document_id = $1 order by position"),
        own("credits", "credit_note_id = $1"),
        own(
            "customers",
            &format!("id = (select customer_id from documents where company_id = '{company}' and id = $1)"),
        ),
    ]
}

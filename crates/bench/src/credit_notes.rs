//! Credit notes for one busy company on the embedded database: over HTTP, and
//! beside it the bare loop that writes the same rows.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use testkit::Server;

use crate::bare_sqlite::{self, Makings};
use crate::client::{Client, Load, closed_loop, open_loop};
use crate::company::{Company, Place, address};
use crate::recipe::Recipe;
use crate::table::{Table, bytes, microseconds, milliseconds, per_second, percent};
use crate::{Bench, Failed, disk, process};

/// HTTP and bare loop take turns this often, so that neither has the better moment.
const ROUNDS: u32 = 2;

/// Measures throughput, its share of the bare loop's, and latency at half of it.
pub fn measure(bench: &Bench, table: &mut Table) -> Result<(), Failed> {
    let program = bench.program()?;
    let place = Place::new(&program, None);
    let server = place.serve();
    let company = Company::found(&place, &server)?;
    let mut client = Client::connect(address(&server))?;
    let recipe = Recipe::learn(&place.shelves(), &company.id, || company.make_credit_note(&mut client).map(drop))?;
    let mut makings = Makings::of(vec![recipe]);
    server.terminate();

    let file = place.folder().join(bare_sqlite::FILE);
    let bare = bare_sqlite::copy(place.folder())?;
    let requests = vec![company.credit_note(); bench.clients()];
    let time = bench.time() / ROUNDS;
    let server = place.serve();
    closed_loop(address(&server), &requests, Duration::from_secs(1))?;
    let (mut http, mut alone, mut commits) = (Load::default(), 0.0, 0);
    let (mut server_cpu, mut client_cpu, mut disk) = (0.0, 0.0, 0.0);
    for _ in 0..ROUNDS {
        let before = (process::cpu(server.pid())?, process::cpu("self")?, bare_sqlite::commits(&file)?);
        let written_before = process::written(server.pid())?;
        let load = closed_loop(address(&server), &requests, time)?;
        server_cpu += process::cpu(server.pid())? - before.0;
        client_cpu += process::cpu("self")? - before.1;
        disk += process::written(server.pid())? - written_before;
        let committed = bare_sqlite::commits(&file)? - before.2;
        // The bare loop commits groups of the size that the server's had.
        let group = (load.count() / f64::from(committed.max(1))).round().max(1.0);
        commits += committed;
        http = http.and(load);
        alone += makings.per_second(&bare, 1, group as usize, time)? / f64::from(ROUNDS);
    }
    let clients = bench.clients();
    table.at_least(format!("credit notes, one company, {clients} clients"), http.per_second(), 5_000.0, per_second);
    table.at_least("… as part of a bare loop of the same rows", http.per_second() / alone, 0.5, percent);
    let load = open_loop(address(&server), &requests, http.per_second() / 2.0, bench.time())?;
    table.at_most("… p99 at half of that load", load.quantile(0.99), 0.050, milliseconds);
    table.note(format!(
        "credit notes: bare loop {}; {:.1} to a commit; p50 {}, p99 {} at full load and p50 {} at half",
        per_second(alone),
        http.count() / f64::from(commits.max(1)),
        milliseconds(http.quantile(0.5)),
        milliseconds(http.quantile(0.99)),
        milliseconds(load.quantile(0.5)),
    ));
    let syncs = disk::syncs_per_second(place.folder(), bench.time() / 4)?;
    table.note(format!(
        "credit notes: {} written to disk for each; this disk makes {} fsyncs after 4 KiB each, so that a commit for each \
         credit note could not pass that, and groups can pass it by their size",
        bytes(disk / http.count()),
        per_second(syncs),
    ));
    let [server_cpu, client_cpu] = [server_cpu, client_cpu].map(|cpu| microseconds(cpu / http.count()));
    table.note(format!("credit notes: CPU for each, server {server_cpu}, clients {client_cpu}"));
    server.terminate();

    let server = logging(&place, &program)?;
    closed_loop(address(&server), &requests, Duration::from_secs(1))?;
    let logged = closed_loop(address(&server), &requests, time)?.per_second();
    table.note(format!("credit notes: with the JSON log written to /dev/null {}", per_second(logged)));
    Ok(())
}

/// A server that writes its log, to nowhere.
fn logging(place: &Place, program: &str) -> Result<Server, Failed> {
    let script: PathBuf = place.folder().join("logging.sh");
    fs::write(&script, format!("#!/bin/sh\nexec '{program}' \"$@\" 2>/dev/null\n"))?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    Ok(place.serve_by(&path(&script), &["--log", "json"]))
}

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

//! Making credit notes, by ever more clients, for one company and for a hundred, on both engines,
//! and beside each case the bare loop that writes the same rows.

use std::sync::Arc;
use std::time::Duration;

use testkit::{Postgres, Server};

use crate::bare_postgres::{self, Sending};
use crate::bare_sqlite::{self, Makings};
use crate::client::{Client, Load, closed_loop};
use crate::company::{Company, Place, address};
use crate::recipe::Recipe;
use crate::table::{Table, milliseconds, per_second, percent};
use crate::{Bench, Failed};

const CLIENTS: [usize; 4] = [1, 16, 64, 256];
const COMPANIES: usize = 100;
const CASES: [(usize, &str); 2] = [(1, "one company"), (COMPANIES, "100 companies")];
/// How many connections the bare transactions on PostgreSQL take at most.
const MOST_CONNECTIONS: usize = 100;
/// There are sixteen cases, each with its bare loop.
const PART: u32 = 5;

/// Measures each case.
pub fn measure(bench: &Bench, table: &mut Table) -> Result<(), Failed> {
    sqlite(bench, table)?;
    postgres(bench, table)
}

fn sqlite(bench: &Bench, table: &mut Table) -> Result<(), Failed> {
    let place = Place::new(&bench.program()?, None);
    let server = place.serve();
    let (companies, recipes) = found(&place, &server)?;
    server.terminate();
    // The bare loop has a copy of its own of the books.
    let file = place.folder().join(bare_sqlite::FILE);
    let bare = bare_sqlite::copy(place.folder())?;
    let server = place.serve();
    let mut makings = Makings::of(recipes);
    for (count, words) in CASES {
        for clients in CLIENTS {
            let commits = bare_sqlite::commits(&file)?;
            let load = load(bench, &server, &companies[..count], clients)?;
            let commits = f64::from(bare_sqlite::commits(&file)? - commits);
            // The bare loop commits groups of the size that the server's had.
            let group = (load.count() / commits.max(1.0)).round().max(1.0);
            let alone = makings.per_second(&bare, count.min(clients), group as usize, bench.time() / PART)?;
            let name = format!("SQLite, credit notes, {words}, {clients} clients");
            show(table, &name, &load, alone, &format!("a bare loop, {group:.0} to a commit"));
        }
    }
    Ok(())
}

fn postgres(bench: &Bench, table: &mut Table) -> Result<(), Failed> {
    let postgres = Postgres::start(&["fsync=on", "synchronous_commit=on", "wal_sync_method=fdatasync"]);
    let url = postgres.fresh_database();
    let place = Place::new(&bench.program()?, Some(url.clone()));
    let server = place.serve();
    let (companies, recipes) = found(&place, &server)?;
    let recipes: Vec<Arc<Recipe>> = recipes.into_iter().map(Arc::new).collect();
    for (count, words) in CASES {
        for clients in CLIENTS {
            let load = load(bench, &server, &companies[..count], clients)?;
            // A connection for each client, as many as PostgreSQL takes.
            let connected = recipes[..count].iter().cycle().take(clients.min(MOST_CONNECTIONS)).cloned();
            let connected: Vec<Arc<Recipe>> = connected.collect();
            let alone = bare_postgres::per_second(&url, &connected, Sending::Pipelined, bench.time() / PART)?;
            let name = format!("PostgreSQL, credit notes, {words}, {clients} clients");
            let beside = format!("bare transactions of {} clients", connected.len());
            show(table, &name, &load, alone, &beside);
        }
    }
    Ok(())
}

/// A hundred companies, each with the recipe of its credit notes.
fn found(place: &Place, server: &Server) -> Result<(Vec<Company>, Vec<Recipe>), Failed> {
    let mut client = Client::connect(address(server))?;
    let mut found = || -> Result<(Company, Recipe), Failed> {
        let company = Company::found(place, server)?;
        let make = || company.make_credit_note(&mut client).map(drop);
        let recipe = Recipe::learn(&place.shelves(), &company.id, make)?;
        Ok((company, recipe))
    };
    Ok((0..COMPANIES).map(|_| found()).collect::<Result<Vec<_>, _>>()?.into_iter().unzip())
}

fn load(bench: &Bench, server: &Server, companies: &[Company], clients: usize) -> Result<Load, Failed> {
    let requests: Vec<Vec<u8>> = companies.iter().cycle().take(clients).map(Company::credit_note).collect();
    closed_loop(address(server), &requests, Duration::from_millis(300))?;
    closed_loop(address(server), &requests, bench.time() / PART)
}

fn show(table: &mut Table, name: &str, load: &Load, alone: f64, beside: &str) {
    table.shown(name, load.per_second(), per_second);
    table.shown(format!("{name}, p99"), load.quantile(0.99), milliseconds);
    table.shown(format!("{name}, part of {beside}"), load.per_second() / alone, percent);
}

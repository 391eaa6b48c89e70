//! Credit notes on PostgreSQL, over HTTP, and beside it the same server with a transaction for
//! each request, and the bare writes without reads, rules and HTTP: one busy company and as many
//! as clients, on this disk and on a slow one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use testkit::{Faults, Postgres, Server};

use crate::bare_postgres::{self, Sending};
use crate::client::{Client, Load, closed_loop};
use crate::company::{Company, Place, address};
use crate::recipe::Recipe;
use crate::table::{Table, microseconds, milliseconds, per_second, times};
use crate::{Bench, Failed, process};

/// The contenders take turns this often, so that none has the better moment.
const ROUNDS: u32 = 2;

/// Measures the three cases.
pub fn measure(bench: &Bench, table: &mut Table) -> Result<(), Failed> {
    let program = bench.program()?;
    let mut postgres =
        Postgres::start(&["fsync=on", "synchronous_commit=on", "wal_sync_method=fdatasync", "max_connections=300"]);
    let url = postgres.fresh_database();
    let place = Place::new(&program, Some(url.clone()));
    let servers = serve(&place);
    let companies: Vec<(Company, Arc<Recipe>)> =
        (0..bench.clients()).map(|_| found(&place, &servers.0)).collect::<Result<_, _>>()?;
    let busy: Vec<&(Company, Arc<Recipe>)> = vec![&companies[0]; bench.clients()];
    let each: Vec<&(Company, Arc<Recipe>)> = companies.iter().collect();

    compare(bench, table, &servers, &url, &busy, "one company", 1.0)?;
    compare(bench, table, &servers, &url, &each, "a company for each client", 1.0)?;
    drop(servers);

    let faults = Faults::of(Path::new("/"));
    faults.slow_syncs(5);
    let env = faults.env();
    let env = env.each_ref().map(|(name, value)| (*name, value.as_str()));
    postgres.crash();
    postgres.run(&env);
    let servers = serve(&place);
    compare(bench, table, &servers, &url, &busy, "one company, each fsync 5 ms longer", 1.5)
}

/// The server as it is, and the same that gives each request a connection and a transaction of its own.
fn serve(place: &Place) -> (Server, Server) {
    let alone = ["--database-lanes", "64", "--database-group", "1"];
    (place.serve(), place.serve_with(&alone))
}

fn found(place: &Place, server: &Server) -> Result<(Company, Arc<Recipe>), Failed> {
    let company = Company::found(place, server)?;
    let mut client = Client::connect(address(server))?;
    let recipe = Recipe::learn(&place.shelves(), &company.id, || company.make_credit_note(&mut client).map(drop))?;
    Ok((company, Arc::new(recipe)))
}

fn compare(
    bench: &Bench,
    table: &mut Table,
    (server, alone): &(Server, Server),
    url: &str,
    clients: &[&(Company, Arc<Recipe>)],
    case: &str,
    target: f64,
) -> Result<(), Failed> {
    let requests: Vec<Vec<u8>> = clients.iter().map(|(company, _)| company.credit_note()).collect();
    let recipes: Vec<Arc<Recipe>> = clients.iter().map(|(_, recipe)| recipe.clone()).collect();
    let time = bench.time() / ROUNDS;
    closed_loop(address(server), &requests, Duration::from_secs(1))?;
    closed_loop(address(alone), &requests, Duration::from_secs(1))?;
    let (mut http, mut each_alone) = (Load::default(), Load::default());
    let (mut one_by_one, mut pipelined, mut cpu) = (0.0, 0.0, 0.0);
    for _ in 0..ROUNDS {
        let before = process::cpu(server.pid())?;
        http = http.and(closed_loop(address(server), &requests, time)?);
        cpu += process::cpu(server.pid())? - before;
        each_alone = each_alone.and(closed_loop(address(alone), &requests, time)?);
        one_by_one += bare_postgres::per_second(url, &recipes, Sending::OneByOne, time)? / f64::from(ROUNDS);
        pipelined += bare_postgres::per_second(url, &recipes, Sending::Pipelined, time)? / f64::from(ROUNDS);
    }
    let name = format!("PostgreSQL, {case}: over HTTP to a transaction per request");
    table.at_least(name, http.per_second() / each_alone.per_second(), target, times);
    table.note(format!(
        "PostgreSQL, {case}: HTTP {}, p50 {}, p99 {}; a transaction per request {}; without the server, its writes \
         alone and a transaction for each {}, pipelined {}; the server's CPU for each {}",
        per_second(http.per_second()),
        milliseconds(http.quantile(0.5)),
        milliseconds(http.quantile(0.99)),
        per_second(each_alone.per_second()),
        per_second(one_by_one),
        per_second(pipelined),
        microseconds(cpu / http.count()),
    ));
    Ok(())
}

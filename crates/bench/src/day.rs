//! Sending, deep pages, and a day of seven reads to three writes.

use std::path::Path;
use std::time::Instant;

use serde_json::Value;
use testkit::{Books, wait_for};

use crate::bare_sqlite::{self, Makings};
use crate::client::{Client, Script, closed_loop, closed_loop_of, once};
use crate::company::{Company, Place, address};
use crate::recipe::Recipe;
use crate::table::{Table, milliseconds, per_second, percent};
use crate::{Bench, Failed};

/// How many invoices are sent.
const SENT: usize = 4_000;

/// How many invoices the server's rate of drafting, sending and printing is taken from.
const PRINTED: usize = 1_000;

/// Measures on a place that holds as many credit notes as can be made in the time of a load.
pub fn measure(bench: &Bench, table: &mut Table) -> Result<(), Failed> {
    let place = Place::new(&bench.program()?, None);
    let server = place.serve();
    let (company, address) = (Company::found(&place, &server)?, address(&server));
    closed_loop(address, &vec![company.credit_note(); bench.clients()], bench.time())?;
    let mut client = Client::connect(address)?;
    let note = company.make_credit_note(&mut client)?;
    lists(bench, table, &company, &mut client, (address, &place.folder().join(bare_sqlite::FILE)))?;

    let drafts = company.make_drafts(address, SENT)?;
    let read = |path: &str| company.get(path);
    let script: Script = vec![
        read(&format!("/v1/credit-notes/{note}")),
        read("/v1/invoices?limit=20"),
        company.credit_note(),
        read(&format!("/v1/invoices/{}", drafts[0])),
        read("/v1/credit-notes?limit=20&cursor="),
        company.draft(),
        read("/v1/company"),
        read("/v1/customers"),
        company.credit_note(),
        read(&format!("/v1/credit-notes/{note}")),
    ];
    let load = closed_loop_of(address, &vec![script; bench.clients()], bench.time())?;
    table.shown("a day: 70 % reads, 20 % credit notes, 10 % drafts", load.per_second(), per_second);
    table.shown("… p50", load.quantile(0.5), milliseconds);
    table.shown("… p99", load.quantile(0.99), milliseconds);

    let load = once(address, &sends(&company, &drafts, bench.clients()))?;
    table.shown(
        format!("invoices sent, {} at once, PDFs printed meanwhile", bench.clients()),
        load.per_second(),
        per_second,
    );
    table.shown("… p99", load.quantile(0.99), milliseconds);
    drop(client);
    server.terminate();
    printed(bench, table)
}

/// Invoices drafted, sent and printed, and the bare loop of the rows that this leaves.
fn printed(bench: &Bench, table: &mut Table) -> Result<(), Failed> {
    let place = Place::new(&bench.program()?, None);
    let server = place.serve();
    let company = Company::found(&place, &server)?;
    let books = Books::of(place.folder(), None);
    let rest =
        || wait_for("the PDFs of what was sent", || (books.value("select count(*) from jobs") == "0").then_some(()));
    let mut client = Client::connect(address(&server))?;
    let recipe = Recipe::learn(&place.shelves(), &company.id, || {
        let draft = company.make_draft(&mut client)?;
        client.ask(&company.send(&draft))?.good()?;
        rest();
        Ok(())
    })?;
    server.terminate();
    let file = place.folder().join(bare_sqlite::FILE);
    let bare = bare_sqlite::copy(place.folder())?;
    let server = place.serve();
    let (commits, start) = (bare_sqlite::commits(&file)?, Instant::now());
    let drafts = company.make_drafts(address(&server), PRINTED)?;
    once(address(&server), &sends(&company, &drafts, bench.clients()))?;
    rest();
    let rate = drafts.len() as f64 / start.elapsed().as_secs_f64();
    let group = drafts.len() as f64 / f64::from(bare_sqlite::commits(&file)? - commits).max(1.0);
    let group = group.round().max(1.0) as usize;
    let alone = Makings::of(vec![recipe]).per_second(&bare, 1, group, bench.time() / 4)?;
    table.shown("invoices drafted, sent and their PDFs printed and archived", rate, per_second);
    table.shown("… as part of a bare loop of the same rows", rate / alone, percent);
    Ok(())
}

/// A script for each client, that together send every draft once.
pub fn sends(company: &Company, drafts: &[String], clients: usize) -> Vec<Script> {
    drafts.chunks(drafts.len().div_ceil(clients)).map(|own| own.iter().map(|id| company.send(id)).collect()).collect()
}

/// The cursor of a page that lies about `depth` documents deep.
pub fn deep_cursor(company: &Company, client: &mut Client, depth: usize) -> Result<String, Failed> {
    let mut cursor = String::new();
    for _ in 0..depth.div_ceil(100) {
        let page = company.read(client, &format!("/v1/credit-notes?limit=100&cursor={cursor}"))?;
        match &page["nextCursor"] {
            Value::String(next) => cursor.clone_from(next),
            _ => break,
        }
    }
    Ok(cursor)
}

fn lists(
    bench: &Bench,
    table: &mut Table,
    company: &Company,
    client: &mut Client,
    (address, file): (&str, &Path),
) -> Result<(), Failed> {
    let count = company.read(client, "/v1/credit-notes?limit=1")?["total"].as_u64().unwrap_or(0);
    let cursor = deep_cursor(company, client, 10_000)?;
    let places = [
        ("the first page, by number", "page=1".to_owned()),
        ("a page 10,000 documents deep, by number", "page=501".to_owned()),
        ("the first page, by cursor", "cursor=".to_owned()),
        ("a page 10,000 documents deep, by cursor", format!("cursor={cursor}")),
    ];
    for (name, place) in places {
        let request = company.get(&format!("/v1/credit-notes?limit=20&{place}"));
        let load = closed_loop(address, &[request], bench.time() / 4)?;
        table.shown(format!("list, 1 client, {name}, median"), load.quantile(0.5), milliseconds);
    }
    let deep = company.read(client, &format!("/v1/credit-notes?limit=1&cursor={cursor}"))?;
    let since = deep["data"][0]["createdAt"].as_str().unwrap_or_default().to_owned();
    let pages = vec![company.get(&format!("/v1/credit-notes?limit=20&cursor={cursor}")); bench.clients()];
    let rate = closed_loop(address, &pages, bench.time() / 4)?.per_second();
    let rows = format!(
        "select * from documents where company_id = '{}' and kind = 'creditNote' and created_at <= $1 \
         order by created_at desc, id desc limit 20",
        company.id
    );
    let alone = bare_sqlite::reads_per_second(file, &[rows], &[since], bench.time() / 4)?;
    table.shown(format!("list, {} clients, pages by cursor", bench.clients()), rate, per_second);
    table.shown("… as part of a bare loop of the same rows", rate / alone, percent);
    table.note(format!("lists: {count} credit notes stored; pages of 20"));
    Ok(())
}

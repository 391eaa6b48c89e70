//! How cost grows with what is stored: the same loads with ten thousand documents and with many.
//! What is stored is written in bulk, row for row as the server writes it.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::bare_sqlite::{self, Makings};
use crate::client::{Client, closed_loop, once};
use crate::company::{Company, Place, address};
use crate::day::{deep_cursor, sends};
use crate::recipe::Recipe;
use crate::table::{Table, bytes, milliseconds, per_second, percent};
use crate::{Bench, Failed};

const FEW: u32 = 10_000;
const SENT: usize = 1_500;
const GROUP: usize = 500;

/// What was measured with so many documents stored; all a second.
struct Stage {
    create: f64,
    send: f64,
    get: f64,
    page: f64,
}

/// Measures with few documents, then with as many as asked for.
pub fn measure(bench: &Bench, table: &mut Table) -> Result<(), Failed> {
    let place = Place::new(&bench.program()?, None);
    let server = place.serve();
    let company = Company::found(&place, &server)?;
    let first = stage(bench, table, &place, &company, server, FEW)?;
    let server = place.serve();
    let last = stage(bench, table, &place, &company, server, bench.documents)?;
    let parts = [
        ("credit notes made", last.create / first.create),
        ("invoices sent", last.send / first.send),
        ("documents read", last.get / first.get),
        ("pages by cursor read", last.page / first.page),
    ];
    for (name, part) in parts {
        table.at_least(format!("{name}, with {} stored to with {FEW}", bench.documents), part, 0.8, percent);
    }
    Ok(())
}

/// Fills the books up to `count` documents, then measures.
fn stage(
    bench: &Bench,
    table: &mut Table,
    place: &Place,
    company: &Company,
    server: testkit::Server,
    count: u32,
) -> Result<Stage, Failed> {
    let mut client = Client::connect(address(&server))?;
    let recipe = Recipe::learn(&place.shelves(), &company.id, || company.make_credit_note(&mut client).map(drop))?;
    let stored = company.read(&mut client, "/v1/credit-notes?limit=1")?["total"].as_i64().unwrap_or(0);
    drop(client);
    server.terminate();
    let file = place.folder().join(bare_sqlite::FILE);
    fill(&file, recipe, i64::from(count) - stored)?;
    let size = std::fs::metadata(&file)?.len() as f64 / f64::from(count);

    let server = place.serve();
    let (address, time) = (address(&server), bench.time());
    let mut client = Client::connect(address)?;
    let notes = vec![company.credit_note(); bench.clients()];
    closed_loop(address, &notes, Duration::from_secs(1))?;
    let cursor = deep_cursor(company, &mut client, 5_000)?;
    let page = company.read(&mut client, &format!("/v1/credit-notes?limit=100&cursor={cursor}"))?;
    let ids = page["data"].as_array().into_iter().flatten().filter_map(|note| note["id"].as_str());
    let gets: Vec<Vec<u8>> =
        ids.take(bench.clients()).map(|id| company.get(&format!("/v1/credit-notes/{id}"))).collect();
    let pages = vec![company.get(&format!("/v1/credit-notes?limit=20&cursor={cursor}")); bench.clients()];
    let get = closed_loop(address, &gets, time)?.per_second();
    let page = closed_loop(address, &pages, time)?.per_second();
    let numbered = closed_loop(address, &[company.get("/v1/credit-notes?limit=20&page=400")], time / 4)?.quantile(0.5);
    let create = closed_loop(address, &notes, time)?.per_second();
    let drafts = company.make_drafts(address, SENT)?;
    let send = once(address, &sends(company, &drafts, bench.clients()))?.per_second();
    for (name, rate) in [
        ("credit notes made", create),
        ("invoices sent", send),
        ("documents read", get),
        ("pages by cursor read", page),
    ] {
        table.shown(format!("{count} stored: {name}"), rate, per_second);
    }
    table.shown(format!("{count} stored: a page by number with its total, median"), numbered, milliseconds);
    table.shown(format!("{count} stored: size of the books for each"), size, bytes);
    // The sent invoices are printed meanwhile: the next stage learns from books that rest.
    let books = testkit::Books::of(place.folder(), None);
    testkit::wait_for("the PDFs of what was sent", || (books.value("select count(*) from jobs") == "0").then_some(()));
    server.terminate();
    Ok(Stage { create, send, get, page })
}

fn fill(file: &std::path::Path, recipe: Recipe, count: i64) -> Result<(), Failed> {
    let database = bare_sqlite::open(file)?;
    let bar = ProgressBar::new(count.max(0).unsigned_abs());
    bar.set_style(ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} documents stored, {eta} left")?);
    let count = count.max(0).unsigned_abs();
    Makings::of(vec![recipe]).write(&database, 1, GROUP, |done| {
        bar.set_position(done);
        done < count
    })?;
    bar.finish_and_clear();
    // As the server finds it after a usual end.
    database.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))?;
    Ok(())
}

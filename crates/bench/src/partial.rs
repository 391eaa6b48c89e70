//! Crediting a part of an invoice that has a thousand partial credits already, beside one that has none.

use std::time::{Duration, Instant};

use crate::client::Client;
use crate::company::{Company, Place, address};
use crate::table::{Table, milliseconds, percent};
use crate::{Bench, Failed};

const CREDITS: usize = 1_000;
const ROUNDS: usize = 400;

/// Measures both in turn, so that what else the machine does falls on both alike.
pub fn measure(bench: &Bench, table: &mut Table) -> Result<(), Failed> {
    let place = Place::new(&bench.program()?, None);
    let server = place.serve();
    let company = Company::found(&place, &server)?;
    let mut client = Client::connect(address(&server))?;
    let old = company.book_large_invoice(&mut client)?;
    for _ in 0..CREDITS {
        client.ask(&old)?.good()?;
    }
    let fresh = (0..ROUNDS).map(|_| company.book_large_invoice(&mut client)).collect::<Result<Vec<_>, Failed>>()?;
    // The papers of what was booked are printed meanwhile.
    let books = testkit::Books::of(place.folder(), None);
    testkit::wait_for("the papers of the invoices", || (books.value("select count(*) from jobs") == "0").then_some(()));
    let mut client = Client::connect(address(&server))?;
    let (mut first, mut later) = (Vec::with_capacity(ROUNDS), Vec::with_capacity(ROUNDS));
    for invoice in &fresh {
        for (invoice, times) in [(invoice, &mut first), (&old, &mut later)] {
            let begun = Instant::now();
            client.ask(invoice)?.good()?;
            times.push(begun.elapsed());
        }
    }
    let (first, later) = (median(first), median(later));
    table.shown("a part credited of an invoice that has no credit, median", first.as_secs_f64(), milliseconds);
    let part = later.as_secs_f64() / first.as_secs_f64();
    table.at_most(format!("… of one that has {CREDITS} partial credits, as part of that"), part, 2.0, percent);
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

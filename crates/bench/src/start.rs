//! Starting on a database that is there, and the memory held when idle.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::client::{Answer, Client, closed_loop};
use crate::company::{Company, Place, address};
use crate::table::{Table, mebibytes, milliseconds};
use crate::{Bench, Failed, process};

const STARTS: usize = 10;

/// Measures from the start of the process to the first answer, then memory before and after a load.
pub fn measure(bench: &Bench, table: &mut Table) -> Result<(), Failed> {
    let place = Place::new(&bench.program()?, None);
    let server = place.serve();
    let company = Company::found(&place, &server)?;
    let requests = vec![company.credit_note(); bench.clients()];
    closed_loop(address(&server), &requests, Duration::from_secs(1))?;
    let note = company.make_credit_note(&mut Client::connect(address(&server))?)?;
    let read = company.get(&format!("/v1/credit-notes/{note}"));
    server.terminate();
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let begun = Instant::now();
        let server = place.serve();
        Client::connect(address(&server))?.ask(&read).map_err(Failed::from).and_then(Answer::good)?;
        times.push(begun.elapsed());
        server.terminate();
    }
    times.sort_unstable();
    let median = times[STARTS / 2].as_secs_f64();
    table.at_most("start to first answer, median of 10", median, 0.300, milliseconds);

    let most = 100.0 * 1024.0 * 1024.0;
    let server = place.serve();
    sleep(Duration::from_secs(2));
    table.at_most("memory when idle, after the start", process::resident(server.pid())?, most, mebibytes);
    closed_loop(address(&server), &requests, bench.time())?;
    sleep(Duration::from_secs(2));
    table.at_most("memory when idle, after a load", process::resident(server.pid())?, most, mebibytes);
    Ok(())
}

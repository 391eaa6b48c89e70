//! Printing one page: the CPU that the server and its presses take for it.

use std::time::Instant;

use crate::client::{Answer, Client};
use crate::company::{Company, Place, address};
use crate::table::{Table, milliseconds};
use crate::{Bench, Failed, process};

const PAGES: u32 = 200;

/// Measures pages printed one after the other by a warm press.
pub fn measure(bench: &Bench, table: &mut Table) -> Result<(), Failed> {
    let place = Place::new(&bench.program()?, None);
    let server = place.serve();
    let company = Company::found(&place, &server)?;
    let mut client = Client::connect(address(&server))?;
    let note = company.make_credit_note(&mut client)?;
    let request = company.get(&format!("/v1/credit-notes/{note}/pdf?draft=true"));
    let mut print = |pages: u32| {
        for _ in 0..pages {
            let answer = client.ask(&request).map_err(Failed::from).and_then(Answer::good)?;
            if !answer.body.starts_with(b"%PDF") {
                return Err(Failed::from("no PDF was answered"));
            }
        }
        Ok(())
    };
    print(10)?;
    let presses = process::children(server.pid())?;
    let (cpu, start) = (process::cpu_with_children(server.pid())?, Instant::now());
    print(PAGES)?;
    let elapsed = start.elapsed().as_secs_f64() / f64::from(PAGES);
    let cpu = (process::cpu_with_children(server.pid())? - cpu) / f64::from(PAGES);
    if process::children(server.pid())? != presses {
        return Err("a press was replaced: its CPU is not known".into());
    }
    table.at_most("one-page PDF, warm, CPU of server and press", cpu, 0.010, milliseconds);
    let memory = presses.iter().map(|press| process::resident(press)).sum::<Result<f64, _>>()?;
    table.note(format!(
        "PDF: answered in {}; a press holds {} and ends after a minute without work",
        milliseconds(elapsed),
        crate::table::mebibytes(memory / presses.len() as f64),
    ));
    Ok(())
}

//! Printing: a page by a cold and by a warm press, with the CPU that server and press take, and forty lines.

use std::time::Instant;

use crate::client::{Answer, Client};
use crate::company::{Company, Place, address};
use crate::table::{Table, milliseconds};
use crate::{Bench, Failed, process};

const PAGES: u32 = 200;
const LINES: usize = 40;

/// Measures pages printed one after the other by a warm press.
pub fn measure(bench: &Bench, table: &mut Table) -> Result<(), Failed> {
    let place = Place::new(&bench.program()?, None);
    let server = place.serve();
    let company = Company::found(&place, &server)?;
    let mut client = Client::connect(address(&server))?;
    let note = company.make_credit_note(&mut client)?;
    let pdf_of = |note: &str| company.get(&format!("/v1/credit-notes/{note}/pdf?draft=true"));
    let request = pdf_of(&note);
    let long = pdf_of(&company.make_long_credit_note(&mut client, LINES)?);
    let mut print = |request: &[u8], pages: u32| {
        for _ in 0..pages {
            let answer = client.ask(request).map_err(Failed::from).and_then(Answer::good)?;
            if !answer.body.starts_with(b"%PDF") {
                return Err(Failed::from("no PDF was answered"));
            }
        }
        Ok(())
    };
    let start = Instant::now();
    print(&request, 1)?;
    table.shown("one-page PDF, cold: the press is started for it", start.elapsed().as_secs_f64(), milliseconds);
    print(&request, 10)?;
    let presses = process::children(server.pid())?;
    let (cpu, start) = (process::cpu_with_children(server.pid())?, Instant::now());
    print(&request, PAGES)?;
    let elapsed = start.elapsed().as_secs_f64() / f64::from(PAGES);
    let cpu = (process::cpu_with_children(server.pid())? - cpu) / f64::from(PAGES);
    if process::children(server.pid())? != presses {
        return Err("a press was replaced: its CPU is not known".into());
    }
    table.at_most("one-page PDF, warm, CPU of server and press", cpu, 0.010, milliseconds);
    let start = Instant::now();
    print(&long, PAGES / 4)?;
    let elapsed_long = start.elapsed().as_secs_f64() / f64::from(PAGES / 4);
    table.shown(format!("PDF of {LINES} lines, warm, answered in"), elapsed_long, milliseconds);
    let memory = presses.iter().map(|press| process::resident(press)).sum::<Result<f64, _>>()?;
    table.note(format!(
        "PDF: answered in {}; a press holds {} and ends after a minute without work",
        milliseconds(elapsed),
        crate::table::mebibytes(memory / presses.len() as f64),
    ));
    Ok(())
}

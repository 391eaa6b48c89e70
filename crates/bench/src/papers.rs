//! Papers of what is booked: a thousand invoices printed side by side with their e-invoices inside, on one core
//! and on all, the CPU of one, and the same page by other printers.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use testkit::{Books, Server, wait_for};

use crate::client::once;
use crate::company::{Company, Place, address};
use crate::day::sends;
use crate::table::{Table, milliseconds, per_second, percent};
use crate::{Bench, Failed, process};

const PAPERS: usize = 1_000;
/// What is sent before, so that every press is warm.
const WARM_UP: usize = 20;
/// What prints the same page by other means, where a Python that has them is named.
const PEERS: &str = include_str!("../peers/papers.py");

/// Measures the server on one core, then on all there are; its clients take little and are not bound.
pub fn measure(bench: &Bench, table: &mut Table) -> Result<(), Failed> {
    let cores = sched_getaffinity(None)?;
    let count = f64::from(cores.count());
    let mut first = CpuSet::new();
    first.set((0..CpuSet::MAX_CPU).find(|core| cores.is_set(*core)).ok_or("there is no core")?);
    let alone = printed(bench, &first, &cores)?;
    let together = printed(bench, &cores, &cores)?;
    table.shown("Factur-X papers a second, server on one core", alone.rate, per_second);
    table.shown(format!("… on {count}"), together.rate, per_second);
    table.at_least("… as part of that many times one core", together.rate / alone.rate / count, 0.8, percent);
    let name = "Factur-X paper, warm: CPU of booking, e-invoice, printing and archiving";
    table.at_most(name, together.cpu, 0.015, milliseconds);
    match &bench.python {
        Some(python) => peers(python, table),
        None => {
            table.note("papers: other printers are measured with --python, a Python that has weasyprint and reportlab");
            Ok(())
        }
    }
}

struct Printed {
    rate: f64,
    /// Seconds for each.
    cpu: f64,
}

/// What printing a thousand comes to on a server that runs on some of all cores.
fn printed(bench: &Bench, some: &CpuSet, all: &CpuSet) -> Result<Printed, Failed> {
    let place = Place::new(&bench.program()?, None);
    // What a thread starts runs where it does itself.
    sched_setaffinity(None, some)?;
    let server = place.serve();
    sched_setaffinity(None, all)?;
    let company = Company::found(&place, &server)?;
    let books = Books::of(place.folder(), None);
    send_all(bench, &company, &server, &books, WARM_UP)?;
    let presses = process::children(server.pid())?;
    let drafts = company.make_drafts(address(&server), PAPERS)?;
    let (cpu, start) = (process::cpu_with_children(server.pid())?, Instant::now());
    send(bench, &company, &server, &books, &drafts)?;
    let elapsed = start.elapsed().as_secs_f64();
    let cpu = process::cpu_with_children(server.pid())? - cpu;
    if process::children(server.pid())? != presses {
        return Err("a press was replaced: its CPU is not known".into());
    }
    let count = drafts.len() as f64;
    let archived = "select count(*) from files where kind = 'pdf'";
    if books.value(archived).parse::<f64>()? < count {
        return Err("not every paper is archived".into());
    }
    Ok(Printed { rate: count / elapsed, cpu: cpu / count })
}

fn send_all(bench: &Bench, company: &Company, server: &Server, books: &Books, count: usize) -> Result<(), Failed> {
    let drafts = company.make_drafts(address(server), count)?;
    send(bench, company, server, books, &drafts)
}

/// Sends drafts and waits for the last paper.
fn send(bench: &Bench, company: &Company, server: &Server, books: &Books, drafts: &[String]) -> Result<(), Failed> {
    once(address(server), &sends(company, drafts, bench.clients()))?;
    wait_for("the papers of what was sent", || (books.value("select count(*) from jobs") == "0").then_some(()));
    Ok(())
}

/// The page as other printers make it, each warm and in one process.
fn peers(python: &Path, table: &mut Table) -> Result<(), Failed> {
    let printed = Command::new(python).args(["-c", PEERS]).output()?;
    if !printed.status.success() {
        return Err(String::from_utf8_lossy(&printed.stderr).into_owned().into());
    }
    for line in String::from_utf8(printed.stdout)?.lines() {
        let (name, seconds) = line.split_once(' ').ok_or("a line of the peers has no figure")?;
        table.shown(format!("a page by {name}, plain, warm, CPU"), seconds.parse()?, milliseconds);
    }
    Ok(())
}

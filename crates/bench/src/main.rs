//! Measurements: what the program promises, as a table. A ratio always compares
//! two loops of one run on one machine.

mod bare_postgres;
mod bare_sqlite;
mod client;
mod company;
mod creates;
mod credit_notes;
mod day;
mod disk;
mod einvoices;
mod growth;
mod idempotency;
mod import;
mod machine;
mod papers;
mod partial;
mod pdf;
mod postgres;
mod process;
mod reads;
mod recipe;
mod start;
mod table;
mod webhooks;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use table::Table;

/// Why there is no figure.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Measures a built ledgerbee and prints a table of figures.
#[derive(Parser)]
#[command(name = "bench", about, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    bench: Bench,
    #[command(subcommand)]
    what: What,
}

/// What every measurement is told.
#[derive(clap::Args)]
struct Bench {
    /// The program under test; default the ledgerbee beside this program
    #[arg(long, global = true, value_name = "FILE")]
    program: Option<PathBuf>,
    /// How long each load lasts
    #[arg(long, global = true, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// How many clients ask at once
    #[arg(long, global = true, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=200))]
    clients: u16,
    /// Also write the figures as JSON into this file
    #[arg(long, global = true, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Up to how many stored documents `growth` goes
    #[arg(long, global = true, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(20_000..=10_000_000))]
    documents: u32,
    /// How many customers `import` imports
    #[arg(long, global = true, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    rows: u32,
    /// A Python that has weasyprint and reportlab, for `papers` to measure beside
    #[arg(long, global = true, value_name = "FILE")]
    python: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Subcommand, ValueEnum)]
enum What {
    /// Every figure
    All,
    /// Making credit notes: 1, 16, 64 and 256 clients, 1 and 100 companies, both engines
    Creates,
    /// Sending, lists by page and by cursor, and a day of reads and writes
    Day,
    /// The same with few and with a million documents stored; not part of `all`
    Growth,
    /// Making credit notes for one company on the embedded database
    CreditNotes,
    /// What an idempotency key costs on both engines
    Idempotency,
    /// Importing customers beside others
    Import,
    /// Crediting a part of an invoice that has a thousand partial credits
    Partial,
    /// Making credit notes on PostgreSQL, on a usual and on a slow disk
    Postgres,
    /// Reading one credit note
    Reads,
    /// Printing a page
    Pdf,
    /// Printing what is booked with its e-invoice inside, on one core and on all, beside other printers
    Papers,
    /// Writing and checking an e-invoice
    Einvoice,
    /// Starting, and memory when idle
    Start,
    /// Sending webhooks: how many, how soon, and beside dead endpoints
    Webhooks,
}

type Measure = fn(&Bench, &mut Table) -> Result<(), Failed>;

const MEASUREMENTS: [(What, Measure); 14] = [
    (What::CreditNotes, credit_notes::measure),
    (What::Idempotency, idempotency::measure),
    (What::Import, import::measure),
    (What::Partial, partial::measure),
    (What::Reads, reads::measure),
    (What::Postgres, postgres::measure),
    (What::Creates, creates::measure),
    (What::Day, day::measure),
    (What::Growth, growth::measure),
    (What::Pdf, pdf::measure),
    (What::Papers, papers::measure),
    (What::Einvoice, einvoices::measure),
    (What::Start, start::measure),
    (What::Webhooks, webhooks::measure),
];

impl Bench {
    fn program(&self) -> Result<String, Failed> {
        let program = match &self.program {
            Some(program) => program.clone(),
            None => std::env::current_exe()?.with_file_name("ledgerbee"),
        };
        if !program.is_file() {
            return Err(format!("{} is not there; build it first: cargo build --release", program.display()).into());
        }
        Ok(program.canonicalize()?.to_string_lossy().into_owned())
    }

    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn clients(&self) -> usize {
        usize::from(self.clients)
    }
}

/// How far a run is, on a terminal.
fn progress(measurements: usize) -> ProgressBar {
    let bar = ProgressBar::new(measurements as u64);
    let style = ProgressStyle::with_template("{pos} of {len} measured, {elapsed} gone, now {msg} {wide_bar}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

fn main() -> ExitCode {
    let Cli { bench, what } = Cli::parse();
    let is_asked = |name: &What| what == *name || (what == What::All && *name != What::Growth);
    let asked: Vec<(What, Measure)> = MEASUREMENTS.into_iter().filter(|(name, _)| is_asked(name)).collect();
    let progress = progress(asked.len());
    let mut table = Table::new(progress.clone());
    let begun = Instant::now();
    for (name, measure) in asked {
        progress.set_message(name.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned()));
        if let Err(fault) = measure(&bench, &mut table) {
            progress.finish_and_clear();
            eprintln!("error: {fault}");
            return ExitCode::FAILURE;
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    table.note(format!("measured in {} s", begun.elapsed().as_secs()));
    if let Ok(load) = std::fs::read_to_string("/proc/loadavg") {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        table.note(format!("{cores} cores, shared by server and clients; load average at the end {}", load.trim()));
    }
    print!("{table}");
    if let Some(path) = &bench.json {
        let mut whole = machine::described();
        whole["results"] = table.json();
        if let Err(fault) = std::fs::write(path, format!("{whole:#}\n")) {
            eprintln!("error: {}: {fault}", path.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

//! `ledgerbee doctor`: reads the books from end to end and says what does not hold.

use std::io::{IsTerminal as _, stderr};
use std::process::ExitCode;

use app::Clock;
use app::doctor::{Told, examine};
use billing::ids::CompanyId;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{Failed, Place};

/// How many findings of a check are printed; more are counted.
const PRINTED: usize = 50;

#[derive(Args)]
pub(super) struct Doctor {
    /// Only this company's books
    #[arg(long, env = "LEDGERBEE_COMPANY", value_name = "ID")]
    company: Option<CompanyId>,
    /// Print JSON
    #[arg(long, env = "LEDGERBEE_JSON")]
    json: bool,
}

/// What one check came to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    company_id: Option<CompanyId>,
    check: &'static str,
    about: &'static str,
    looked_at: u64,
    wrong_count: usize,
    /// The first of them.
    wrong: Vec<String>,
}

#[derive(Serialize)]
struct Report {
    sound: bool,
    checks: Vec<Checked>,
}

/// Hears what is told, and prints it as it comes unless it is wanted as JSON.
struct Listener {
    as_json: bool,
    bar: ProgressBar,
    company_id: Option<CompanyId>,
    checks: Vec<Checked>,
}

impl Doctor {
    /// 0 when all is sound, 1 when something is wrong; what could not be examined is an error.
    pub(super) fn run(self, place: &Place) -> Result<ExitCode, Failed> {
        let bar = ProgressBar::hidden();
        let mut listener = Listener { as_json: self.json, bar, company_id: None, checks: Vec::new() };
        let mut hear = |told| listener.hear(told);
        examine(&place.config(), &place.data, place.key_file().as_ref(), self.company, &Clock::Real, &mut hear)?;
        let sound = listener.checks.iter().all(|checked| checked.wrong_count == 0);
        if self.json {
            let report = Report { sound, checks: listener.checks };
            println!("{}", serde_json::to_string_pretty(&report).map_err(Failed::of)?);
        } else {
            let wrong: usize = listener.checks.iter().map(|checked| checked.wrong_count).sum();
            println!("{}", if sound { "sound".to_owned() } else { format!("{wrong} wrong") });
        }
        Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Listener {
    fn hear(&mut self, told: Told) {
        match told {
            Told::Begun { company_id, check, about, of } => {
                if let Some(id) = company_id.filter(|_| company_id != self.company_id && !self.as_json) {
                    println!("company {id}");
                }
                self.company_id = company_id;
                self.bar = bar(check, of);
                let wrong = Vec::new();
                self.checks.push(Checked { company_id, check, about, looked_at: 0, wrong_count: 0, wrong });
            }
            Told::Walked(count) => {
                self.bar.inc(count);
                self.with_last(|checked| checked.looked_at += count);
            }
            Told::Wrong(what) => self.with_last(|checked| {
                checked.wrong_count += 1;
                if checked.wrong.len() < PRINTED {
                    checked.wrong.push(what);
                }
            }),
            Told::Ended => {
                self.bar.finish_and_clear();
                if let Some(checked) = self.checks.last().filter(|_| !self.as_json) {
                    print(checked);
                }
            }
        }
    }

    fn with_last(&mut self, change: impl FnOnce(&mut Checked)) {
        if let Some(last) = self.checks.last_mut() {
            change(last);
        }
    }
}

/// A bar on a terminal, nothing elsewhere.
fn bar(check: &'static str, of: Option<u64>) -> ProgressBar {
    let Some(of) = of.filter(|_| stderr().is_terminal()) else { return ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}, {eta} left");
    let bar = ProgressBar::new(of).with_message(check);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn print(checked: &Checked) {
    let Checked { check, about, looked_at, wrong_count, wrong, .. } = checked;
    let verdict = if *wrong_count == 0 { "ok" } else { "WRONG" };
    let count = if *looked_at == 0 { String::new() } else { format!(" ({looked_at} looked at)") };
    println!("{verdict:<5}  {check:<12} {about}{count}");
    for what in wrong {
        println!("       - {what}");
    }
    if *wrong_count > wrong.len() {
        println!("       - and {} more", wrong_count - wrong.len());
    }
}

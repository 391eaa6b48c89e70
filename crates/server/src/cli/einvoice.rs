//! `ledgerbee einvoice`: e-invoices of anyone's, without books.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use app::einvoices::{self, Severity};
use clap::{Args, Subcommand};
use serde_json::json;

#[derive(Subcommand)]
pub(super) enum Einvoice {
    /// Check UBL and CII files by the rules they say they follow: exits with 0 when nothing fatal is found,
    /// 1 when something is, 2 when a file can't be checked
    Check(Check),
}

#[derive(Args)]
pub(super) struct Check {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print a JSON object a file
    #[arg(long)]
    json: bool,
}

impl Einvoice {
    pub(super) fn run(self) -> ExitCode {
        let Einvoice::Check(check) = self;
        check.run()
    }
}

impl Check {
    fn run(self) -> ExitCode {
        let mut out = std::io::stdout().lock();
        let mut worst = 0;
        for file in &self.files {
            let name = file.display();
            let examined =
                std::fs::read(file).map_err(|fault| fault.to_string()).and_then(|bytes| einvoices::examine(&bytes));
            // Who has closed the other end of the pipe has seen enough.
            let written = match examined {
                Err(why) => {
                    worst = worst.max(2);
                    if self.json {
                        writeln!(out, "{}", json!({ "file": name.to_string(), "valid": null, "error": why }))
                    } else {
                        writeln!(out, "{name}: not checked: {why}")
                    }
                }
                Ok(report) => {
                    worst = worst.max(u8::from(!report.is_valid()));
                    if self.json {
                        print_json(&mut out, &name.to_string(), &report)
                    } else {
                        print(&mut out, &name.to_string(), &report)
                    }
                }
            };
            if written.is_err() {
                break;
            }
        }
        ExitCode::from(worst)
    }
}

fn print(out: &mut impl Write, name: &str, report: &einvoices::Report) -> std::io::Result<()> {
    let fatal = report.findings.iter().filter(|finding| finding.severity == Severity::Fatal).count();
    let verdict = if report.is_valid() { "valid" } else { "NOT VALID" };
    writeln!(out, "{name}: {verdict} by {}; fatal {fatal}, others {}", report.rules, report.findings.len() - fatal)?;
    if let Some(why) = &report.not_checked {
        writeln!(out, "  not checked: {why}")?;
    }
    for finding in &report.findings {
        writeln!(out, "  {finding}")?;
    }
    Ok(())
}

fn print_json(out: &mut impl Write, name: &str, report: &einvoices::Report) -> std::io::Result<()> {
    let findings = report.findings.iter().map(|finding| {
        json!({
            "rule": finding.rule, "severity": finding.severity.as_str(), "path": finding.path, "message": finding.message,
        })
    });
    writeln!(
        out,
        "{}",
        json!({
            "file": name, "specification": report.specification, "rules": report.rules, "valid": report.is_valid(),
            "notChecked": report.not_checked, "findings": findings.collect::<Vec<_>>(),
        })
    )
}

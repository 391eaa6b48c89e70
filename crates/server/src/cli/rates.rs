//! `ledgerbee rates …`: exchange rates from a file, as the European Central Bank publishes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use app::exchange_rates;
use billing::exchange_rates::EcbDay;
use billing::ids::CompanyId;
use billing::input::decimal;
use billing::money::Currency;
use clap::Subcommand;
use roxmltree::{Document, Node};
use rust_decimal::Decimal;
use serde_json::json;

use super::{Failed, Place};

#[derive(Subcommand)]
pub(super) enum Rates {
    /// Store the rates of a file of the European Central Bank (eurofxref-daily.xml, -hist-90d.xml or -hist.xml),
    /// crossed into the company's currency; what the company set itself stays
    Import {
        /// The file
        file: PathBuf,
        /// The company's id
        #[arg(long, env = "LEDGERBEE_COMPANY", value_name = "ID")]
        company: CompanyId,
        /// Print JSON
        #[arg(long, env = "LEDGERBEE_JSON")]
        json: bool,
    },
}

impl Rates {
    pub(super) fn run(self, place: &Place) -> Result<(), Failed> {
        let Rates::Import { file, company, json: as_json } = self;
        let days = days(&file)?;
        let done = exchange_rates::import(&*place.open_quietly()?, company, &days)?;
        let (first, last) = (days.first().map(|day| day.date), days.last().map(|day| day.date));
        if as_json {
            let mut told = json!(done);
            told["from"] = json!(first);
            told["to"] = json!(last);
            println!("{told:#}");
        } else {
            let exchange_rates::Imported { stored, kept, unquoted_days } = done;
            let span = first.zip(last).map_or_else(String::new, |(first, last)| format!(" of {first} to {last}"));
            println!(
                "{stored} rates{span} stored, {kept} of your own kept, {unquoted_days} days without your currency"
            );
        }
        Ok(())
    }
}

/// The days of a file, oldest first. Currencies that are no more are left out.
fn days(file: &Path) -> Result<Vec<EcbDay>, Failed> {
    let wrong = |why: String| Failed(format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|fault| wrong(fault.to_string()))?;
    let document = Document::parse(&text).map_err(|fault| wrong(format!("it is not XML: {fault}")))?;
    let mut days = BTreeMap::new();
    for day in document.descendants().filter(Node::is_element) {
        let Some(time) = day.attribute("time") else { continue };
        let date = time.parse().map_err(|_| wrong(format!("{time} is no day")))?;
        let mut per_euro = BTreeMap::new();
        for quote in day.children().filter(Node::is_element) {
            let (Some(code), Some(rate)) = (quote.attribute("currency"), quote.attribute("rate")) else { continue };
            let read = decimal(rate).filter(|rate| *rate > Decimal::ZERO);
            let rate = read.ok_or_else(|| wrong(format!("the rate {rate} of {code} on {time} is none")))?;
            if let Some(currency) = Currency::parse(code) {
                per_euro.insert(currency, rate);
            }
        }
        days.insert(date, EcbDay { date, per_euro });
    }
    if days.is_empty() {
        return Err(wrong("it holds no rates of the European Central Bank".to_owned()));
    }
    Ok(days.into_values().collect())
}

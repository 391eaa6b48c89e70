//! The answer: one Markdown table, the sentences that explain it, and the same as JSON.

use std::fmt;

use indicatif::ProgressBar;
use serde_json::{Value, json};

/// One measured figure with its target.
pub struct Figure {
    name: String,
    value: f64,
    measured: String,
    target: Option<Target>,
}

/// What a figure is to be.
struct Target {
    text: String,
    is_met: bool,
}

/// All that one run found.
pub struct Table {
    figures: Vec<Figure>,
    notes: Vec<String>,
    /// What tells how far the run is; each figure is printed above it as it is found.
    progress: ProgressBar,
}

impl Table {
    /// Nothing is found yet.
    pub fn new(progress: ProgressBar) -> Table {
        Table { figures: Vec::new(), notes: Vec::new(), progress }
    }

    fn say(&self, words: &str) {
        self.progress.suspend(|| eprintln!("  {words}"));
    }

    /// A figure that is to be `most` at most; `shown` is how a number of it reads.
    pub fn at_most(&mut self, name: impl Into<String>, measured: f64, most: f64, shown: fn(f64) -> String) {
        let target = Target { text: format!("< {}", shown(most)), is_met: measured < most };
        self.figure(name, measured, Some(target), shown);
    }

    /// A figure that is to be `least` at least.
    pub fn at_least(&mut self, name: impl Into<String>, measured: f64, least: f64, shown: fn(f64) -> String) {
        let target = Target { text: format!("≥ {}", shown(least)), is_met: measured >= least };
        self.figure(name, measured, Some(target), shown);
    }

    /// A figure that is shown and not bounded.
    pub fn shown(&mut self, name: impl Into<String>, measured: f64, shown: fn(f64) -> String) {
        self.figure(name, measured, None, shown);
    }

    fn figure(&mut self, name: impl Into<String>, value: f64, target: Option<Target>, shown: fn(f64) -> String) {
        let figure = Figure { name: name.into(), value, measured: shown(value), target };
        self.say(&format!("{}: {}", figure.name, figure.measured));
        self.figures.push(figure);
    }

    /// A sentence that explains a figure.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        self.say(&note);
        self.notes.push(note);
    }

    /// All of it for programs: `value` in the unit's base (seconds, bytes, a second, a part of one).
    pub fn json(&self) -> Value {
        let figures = self.figures.iter().map(|Figure { name, value, measured, target }| {
            let (text, is_met) = target.as_ref().map(|target| (&target.text, target.is_met)).unzip();
            json!({ "name": name, "value": value, "measured": measured, "target": text, "isMet": is_met })
        });
        json!({ "figures": figures.collect::<Vec<_>>(), "notes": self.notes })
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| figure | measured | target | met |\n|---|---|---|---|")?;
        for Figure { name, measured, target, .. } in &self.figures {
            match target {
                Some(Target { text, is_met: true }) => writeln!(f, "| {name} | {measured} | {text} | yes |")?,
                Some(Target { text, is_met: false }) => writeln!(f, "| {name} | {measured} | {text} | no |")?,
                None => writeln!(f, "| {name} | {measured} | | |")?,
            }
        }
        if !self.notes.is_empty() {
            writeln!(f)?;
        }
        for note in &self.notes {
            writeln!(f, "- {note}")?;
        }
        Ok(())
    }
}

/// As `5,120/s`.
pub fn per_second(rate: f64) -> String {
    let digits = format!("{rate:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text.push_str("/s");
    text
}

/// As `62 %`.
pub fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

/// As `1.52×`.
pub fn times(ratio: f64) -> String {
    format!("{ratio:.2}×")
}

/// As `41.3 s`.
pub fn seconds(seconds: f64) -> String {
    format!("{seconds:.1} s")
}

/// As `4.13 ms`, from seconds.
pub fn milliseconds(seconds: f64) -> String {
    format!("{:.2} ms", seconds * 1_000.0)
}

/// As `48 µs`, from seconds.
pub fn microseconds(seconds: f64) -> String {
    format!("{:.0} µs", seconds * 1_000_000.0)
}

/// As `41.0 MiB`, from bytes.
pub fn mebibytes(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / (1024.0 * 1024.0))
}

/// As `5,120 B`.
pub fn bytes(count: f64) -> String {
    per_second(count).replace("/s", " B")
}

//! The house's own page layout on paper: every sample is rendered, checked by
//! other people's tools and left in `target/tmp` to be looked at.

use std::path::{Path, PathBuf};
use std::process::Command;

use pdf::{Job, RenderError};
use serde_json::{Value, json};

const SAMPLES: [&str; 7] = [
    "invoice.da",
    "invoice.en",
    "invoice.jpy",
    "invoice.bare",
    "invoice.long-texts",
    "credit-note.da",
    "credit-note.en",
];

fn template(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../app/templates").join(name);
    std::fs::read_to_string(path).unwrap()
}

fn sample(name: &str) -> Value {
    let mut paper: Value = serde_json::from_str(&template(&format!("samples/{name}.json"))).unwrap();
    let words = format!("words.{}.json", paper["language"].as_str().unwrap());
    paper["words"] = serde_json::from_str(&template(&words)).unwrap();
    paper["settings"] = Value::Null;
    paper
}

/// The Danish invoice with `count` lines.
fn of_lines(count: usize) -> Value {
    let mut paper = sample("invoice.da");
    let lines = paper["document"]["lines"].as_array().unwrap().clone();
    paper["document"]["lines"] = (0..count)
        .map(|at| {
            let mut line = lines[at % lines.len()].clone();
            line["productNumber"] = json!(format!("NR-{}", at + 1));
            line
        })
        .collect();
    paper
}

fn render(data: Value) -> Result<Vec<u8>, RenderError> {
    let identifier = data["document"]["number"].to_string();
    pdf::render(&Job { source: template("document.typ"), data, date: (2026, 6, 15), identifier, ..Job::default() })
}

/// Renders, and leaves the file where it can be looked at.
fn print(name: &str, data: Value) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pdf"));
    std::fs::write(&path, render(data).unwrap_or_else(|error| panic!("{name}: {error}"))).unwrap();
    path
}

fn tool(program: &str, arguments: &[&str], file: &Path) -> String {
    let output = Command::new(program).args(arguments).arg(file).arg("-").output();
    let output = output.unwrap_or_else(|error| panic!("{program} (poppler-utils, qpdf): {error}"));
    String::from_utf8(output.stdout).unwrap()
}

/// Each page's text.
fn pages(file: &Path) -> Vec<String> {
    let text = tool("pdftotext", &["-layout"], file);
    text.trim_end_matches('\u{c}').split('\u{c}').map(ToOwned::to_owned).collect()
}

#[test]
fn every_sample_is_archivable_and_sound() {
    for name in SAMPLES {
        let file = print(name, sample(name));
        let check = Command::new("qpdf").arg("--check").arg(&file).output().unwrap();
        assert!(check.status.success(), "{name}: {}", String::from_utf8_lossy(&check.stdout));
        let raw = std::fs::read(&file).unwrap();
        let says = |words: &[u8]| raw.windows(words.len()).any(|window| window == words);
        assert!(says(b"<pdfaid:part>3</pdfaid:part>"), "{name} is no PDF/A-3");
        assert!(says(b"<pdfaid:conformance>A</pdfaid:conformance>"), "{name} is not A-3a");
    }
}

#[test]
fn what_the_law_wants_is_printed() {
    let says = |name: &str, wanted: &[&str]| {
        let text = pages(&print(name, sample(name))).concat().split_whitespace().collect::<Vec<_>>().join(" ");
        for words in wanted {
            assert!(text.contains(words), "{name} does not say {words:?}:\n{text}");
        }
    };
    says(
        "invoice.da",
        &["Faktura", "F-2026-000123", "15. juni 2026", "15. juli 2026", "12. juni 2026", "CVR-nr. 12345674"],
    );
    says(
        "invoice.da",
        &["7,5 timer", "6.412,50", "10 %", "Moms 25 % af 14.193,70", "17.742,13 DKK", "DK50 0040 0440 1162 43"],
    );
    says(
        "invoice.en",
        &["Invoice", "Germany", "DE123456789", "Reverse charge", "0.0125", "Exchange rate: 1 EUR = 7.4601 DKK"],
    );
    says("invoice.jpy", &["1,250,000 JPY", "Invoice Draft", "Due on receipt"]);
    says("credit-note.da", &["Kreditnota", "Krediterer faktura F-2026-000123 af 15. juni 2026", "Prisregulering"]);
    says(
        "credit-note.da",
        &["−3.296,75 DKK", "Modregnet i faktura F-2026-000123", "3.296,75 DKK", "Moms 25 % af −2.637,40"],
    );
    says(
        "credit-note.en",
        &["Credit note", "OLD/2025-77", "Volume bonus", "VAT in DKK", "In your favour", "175.00 EUR"],
    );
}

#[test]
fn long_documents_break_well() {
    for count in [1, 12, 13, 14, 15, 16, 17, 18, 40, 200, 1000] {
        let pages = pages(&print(&format!("lines-{count}"), of_lines(count)));
        let total = pages.len();
        for (at, page) in pages.iter().enumerate() {
            let has = |words: &str| page.contains(words);
            assert!(has(&format!("Side {} af {total}", at + 1)), "{count} lines, page {}:\n{page}", at + 1);
            assert!(!has("I alt inkl. moms") || has("NR-"), "{count} lines: the totals stand alone");
            assert!(!has("NR-") || has("Beskrivelse"), "{count} lines: no header on page {}", at + 1);
        }
        assert!(
            (1..=count).all(|line| pages
                .iter()
                .any(|page| page.contains(&format!("NR-{line}\n")) || page.contains(&format!("NR-{line} ")))),
            "{count} lines: one is missing"
        );
    }
}

#[test]
fn a_description_longer_than_a_page_is_printed_whole() {
    let mut paper = sample("invoice.da");
    paper["document"]["lines"][1]["description"] = json!("Lang tekst. ".repeat(800) + "Slut.");
    let text = pages(&print("endless-text", paper)).concat();
    assert_eq!(text.matches("Slut.").count(), 1);
    assert!(text.contains("I alt inkl. moms"));
}

#[test]
fn the_same_paper_gives_the_same_bytes() {
    assert_eq!(render(sample("credit-note.en")), render(sample("credit-note.en")));
}

#[test]
fn both_languages_have_the_same_words() {
    let keys = |language: &str| -> Vec<String> {
        let mut keys = Vec::new();
        let words: Value = serde_json::from_str(&template(&format!("words.{language}.json"))).unwrap();
        collect("", &words, &mut keys);
        keys
    };
    assert_eq!(keys("da"), keys("en"));
}

fn collect(path: &str, value: &Value, keys: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| collect(&format!("{path}.{name}"), value, keys))
        }
        _ => keys.push(path.to_owned()),
    }
}

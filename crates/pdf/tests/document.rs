//! The house's own page layout on paper: every sample is rendered, checked by
//! other people's tools and left in `target/tmp` to be looked at.

use std::path::{Path, PathBuf};
use std::process::Command;

use pdf::{Job, RenderError};
use serde_json::{Value, json};

const DESIGNS: [&str; 3] = ["classic", "modern", "compact"];
const LANGUAGES: [&str; 5] = ["da", "en", "de", "sv", "nb"];

const SAMPLES: [&str; 9] = [
    "invoice.da",
    "invoice.en",
    "invoice.jpy",
    "invoice.bare",
    "invoice.long-texts",
    "credit-note.da",
    "credit-note.en",
    "quote.de",
    "order-confirmation.nb",
];

fn template(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../app/templates").join(name);
    std::fs::read_to_string(path).unwrap()
}

fn read(name: &str) -> Value {
    serde_json::from_str(&template(name)).unwrap()
}

/// A sample in its own language and the usual design.
fn sample(name: &str) -> Value {
    let paper = read(&format!("samples/{name}.json"));
    let language = paper["language"].as_str().unwrap().to_owned();
    dressed(paper, &language, "modern")
}

/// A paper as it is given to the press: in this language and this design.
fn dressed(mut paper: Value, language: &str, design: &str) -> Value {
    paper["words"] = read(&format!("words.{language}.json"));
    paper["language"] = json!(language);
    paper["design"] = read("designs.json")[design].clone();
    paper["settings"] = json!({
        "design": design, "logo": null, "accentColour": null, "textColour": null, "font": null,
        "paymentText": null, "footer": null,
    });
    paper
}

/// A sample with `count` lines, in Danish.
fn of_lines(name: &str, count: usize, design: &str) -> Value {
    let mut paper = dressed(read(&format!("samples/{name}.json")), "da", design);
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
        assert!(says(b"<pdfuaid:part>1</pdfuaid:part>"), "{name} is no PDF/UA-1");
    }
}

/// What a screen reader finds: a title, a language, a heading that reads as one, a table whose heads are heads.
#[test]
fn papers_are_read_aloud_well() {
    for design in DESIGNS {
        let data = dressed(read("samples/invoice.da.json"), "da", design);
        let file = print(&format!("aloud.{design}"), data);
        let said = |argument: &str| {
            let output = Command::new("pdfinfo").arg(argument).arg(&file).output().unwrap();
            // It writes letters of titles as they stand in the file, in whatever encoding.
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let structure = said("-struct");
        for wanted in ["H1 \"Faktura F-2026-000123\"", "Table (block)", "THead", "/Scope /Column"] {
            assert!(structure.contains(wanted), "{design}: {wanted:?} is not in {structure}");
        }
        // Heads of description, quantity, unit, price, discount, VAT and amount; none of a row is one.
        assert_eq!(structure.lines().filter(|line| line.trim_start().starts_with("TH ")).count(), 7, "{design}");
        let metadata = said("-meta");
        assert!(metadata.contains("<dc:language><rdf:Bag><rdf:li>da</rdf:li>"), "{design}: {metadata}");
        assert!(metadata.contains("Faktura F-2026-000123 – Havnens Bogholderi ApS"), "{design}: {metadata}");
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
    let counts = [1, 12, 13, 14, 15, 16, 17, 18, 40, 200].map(|count| (count, "modern"));
    let others = [1, 11, 12, 13, 14, 15, 40].map(|count| (count, "classic"));
    let dense = [1, 28, 29, 30, 31, 32, 33, 34, 35, 36, 1000].map(|count| (count, "compact"));
    for (count, design) in counts.into_iter().chain(others).chain(dense) {
        let pages = pages(&print(&format!("lines-{count}.{design}"), of_lines("invoice.da", count, design)));
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

/// Separators that end a document show nothing: the line before them stays with the totals.
#[test]
fn totals_stay_with_a_line_also_after_separators() {
    for count in 8..24 {
        let mut paper = of_lines("invoice.da", count, "classic");
        let lines = paper["document"]["lines"].as_array_mut().unwrap();
        lines.extend([json!({ "lineType": "separator" }), json!({ "lineType": "separator" })]);
        for (at, page) in pages(&print(&format!("separators-{count}"), paper)).iter().enumerate() {
            assert!(
                !page.contains("I alt inkl. moms") || page.contains("NR-"),
                "{count} lines: the totals stand alone"
            );
            assert!(
                !page.contains("Beskrivelse") || page.contains("NR-"),
                "{count} lines: a head alone on page {}",
                at + 1
            );
        }
    }
}

/// The other kinds break as invoices do: heads on every page of lines, totals never alone, and where the buyer
/// signs stands with the totals.
#[test]
fn long_documents_of_every_kind_break_well() {
    for name in ["credit-note.da", "quote.de", "order-confirmation.nb"] {
        for (count, design) in [
            (10, "modern"),
            (11, "modern"),
            (12, "modern"),
            (40, "modern"),
            (9, "classic"),
            (10, "classic"),
            (11, "classic"),
            (40, "classic"),
            (24, "compact"),
            (26, "compact"),
            (28, "compact"),
            (30, "compact"),
            (70, "compact"),
        ] {
            let pages = pages(&print(&format!("{name}.lines-{count}.{design}"), of_lines(name, count, design)));
            let total = pages.len();
            for (at, page) in pages.iter().enumerate() {
                let (has, what) = (|words: &str| page.contains(words), format!("{name}, {count} lines, {design}"));
                assert!(has(&format!("Side {} af {total}", at + 1)), "{what}, page {}:\n{page}", at + 1);
                assert!(!has("I alt inkl. moms") || has("NR-"), "{what}: the totals stand alone");
                assert!(!has("NR-") || has("Beskrivelse"), "{what}: no header on page {}", at + 1);
                assert_eq!(has("Navn og underskrift"), name == "quote.de" && has("I alt inkl. moms"), "{what}");
            }
            assert_eq!(pages.concat().matches("NR-").count(), count, "{name}, {count} lines, {design}");
        }
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

/// Each kind in each design and each language: printed, archivable, in its own words.
#[test]
fn every_kind_is_printed_in_every_design_and_language() {
    for (name, title) in [
        ("invoice.da", "invoice"),
        ("credit-note.da", "creditNote"),
        ("quote.de", "quote"),
        ("order-confirmation.nb", "orderConfirmation"),
    ] {
        for design in DESIGNS {
            for language in LANGUAGES {
                let data = dressed(read(&format!("samples/{name}.json")), language, design);
                let words = data["words"].clone();
                let file = print(&format!("{title}.{design}.{language}"), data);
                let raw = std::fs::read(&file).unwrap();
                let archivable = b"<pdfuaid:part>1</pdfuaid:part>";
                assert!(
                    raw.windows(archivable.len()).any(|window| window == archivable),
                    "{title} {design} {language}"
                );
                let text = pages(&file).concat();
                for wanted in [&words["title"][title], &words["lineDescription"], &words["total"]] {
                    let wanted = wanted.as_str().unwrap();
                    assert!(text.contains(wanted), "{title} {design} {language} does not say {wanted:?}:\n{text}");
                }
            }
        }
    }
}

#[test]
fn statements_are_printed_in_every_language() {
    let line = |kind: &str, debit: Value, credit: Value| {
        json!({ "date": "2026-06-02", "type": kind, "description": kind, "reference": "F-2026-000123",
            "debit": debit, "credit": credit, "balance": "1250.00" })
    };
    for language in LANGUAGES {
        let mut data = dressed(json!({ "kind": "statement", "document": {}, "watermark": null }), language, "classic");
        data["seller"] = read("samples/invoice.da.json")["document"]["seller"].clone();
        data["buyer"] = read("samples/invoice.da.json")["document"]["buyer"].clone();
        let lines = [line("invoice", json!("1250.00"), Value::Null), line("write_off", Value::Null, json!("1.00"))];
        data["statement"] = json!({
            "customerNumber": "10042", "customerName": "Kunde", "from": "2026-06-01", "to": "2026-06-30",
            "accounts": [{ "currency": "DKK", "openingBalance": "0.00", "closingBalance": "1250.00", "lines": lines }],
        });
        let own = data["words"]["statement"].clone();
        let job = Job { source: template("statement.typ"), data, date: (2026, 6, 30), ..Job::default() };
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("statement.{language}.pdf"));
        std::fs::write(&file, pdf::render(&job).unwrap()).unwrap();
        let text = pages(&file).concat();
        for wanted in [&own["title"], &own["opening"], &own["closing"], &own["types"]["write_off"]] {
            assert!(text.contains(wanted.as_str().unwrap()), "{language} does not say {wanted}:\n{text}");
        }
    }
}

/// What a template sets: colours, a font, a logo with its alternative text, a text below the payment, a footer.
#[test]
fn settings_are_printed() {
    for design in DESIGNS {
        let mut data = dressed(read("samples/invoice.en.json"), "en", design);
        let footer = "Registered in Aalborg.\nManaging director: Kim Holm";
        data["settings"] = json!({
            "design": design, "logo": "logo.svg", "accentColour": "#ffcc00", "textColour": "#202020", "font": "Literata",
            "paymentText": "Please name the payment reference.", "footer": footer,
        });
        let logo = r#"<svg xmlns="http://www.w3.org/2000/svg" width="60" height="16"><rect width="60" height="16" fill="red"/></svg>"#;
        let mut job = Job {
            source: template("document.typ"),
            data,
            date: (2026, 6, 15),
            identifier: "1".into(),
            ..Job::default()
        };
        job.assets.insert("logo.svg".into(), logo.into());
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("settings.{design}.pdf"));
        std::fs::write(&file, pdf::render(&job).unwrap()).unwrap();
        let text = pages(&file).concat();
        for wanted in ["Please name the payment reference.", "Registered in Aalborg.", "Managing director: Kim Holm"] {
            assert!(text.contains(wanted), "{design} does not say {wanted:?}:\n{text}");
        }
        let fonts = Command::new("pdffonts").arg(&file).output().unwrap().stdout;
        let fonts = String::from_utf8_lossy(&fonts).into_owned();
        assert!(fonts.contains("Literata-Regular") && !fonts.contains("Inter-Regular"), "{fonts}");
        let raw = std::fs::read(&file).unwrap();
        let ua = b"<pdfuaid:part>1</pdfuaid:part>";
        assert!(raw.windows(ua.len()).any(|window| window == ua), "the logo has its alternative text");
    }
}

#[test]
fn all_languages_have_the_same_words() {
    let keys = |language: &str| -> Vec<String> {
        let mut keys = Vec::new();
        collect("", &read(&format!("words.{language}.json")), &mut keys);
        keys.sort();
        keys
    };
    for language in LANGUAGES {
        assert_eq!(keys(language), keys("en"), "{language}");
    }
}

/// The places of a sentence are those of the same sentence in English.
#[test]
fn all_languages_fill_in_the_same_places() {
    fn places(path: &str, value: &Value, found: &mut Vec<(String, Vec<String>)>) {
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| places(&format!("{path}.{name}"), value, found))
            }
            Value::String(sentence) => {
                let mut own: Vec<String> =
                    sentence.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned())).collect();
                own.sort();
                found.push((path.to_owned(), own));
            }
            _ => {}
        }
    }
    let of = |language: &str| {
        let mut found = Vec::new();
        places("", &read(&format!("words.{language}.json")), &mut found);
        found.sort();
        found
    };
    for language in LANGUAGES {
        assert_eq!(of(language), of("en"), "{language}");
    }
}

fn collect(path: &str, value: &Value, keys: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| collect(&format!("{path}.{name}"), value, keys))
        }
        _ => keys.push(path.to_owned()),
    }
}

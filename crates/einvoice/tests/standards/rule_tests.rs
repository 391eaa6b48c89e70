//! The rules of the engine against the official tests of each rule (EN 16931, UBL): a
//! document that must break it breaks it, one that must not does not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use en16931::validation::rules::CORE;
use en16931_formats::report::Kind;

/// The folder beside the repository, where the session has it.
pub fn shared() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/einvoice");
    folder.join("validate.py").is_file().then_some(folder)
}

/// One expectation: the rule, whether it must fire, and on what.
struct Expectation {
    rule: String,
    must_fire: bool,
    xml: String,
}

/// The expectations of one file. The tests are plain: no comment holds a tag, and no text one.
fn expectations(text: &str) -> Vec<Expectation> {
    let mut found = Vec::new();
    let tests = text.split("<test").skip(1).filter(|test| test.starts_with(['>', ' ']));
    for test in tests {
        let Some((test, _)) = test.split_once("</test>") else { continue };
        let Some((assert, document)) = test.split_once("</assert>") else { continue };
        let Some(begins) = document.find("<Invoice").or_else(|| document.find("<CreditNote")) else { continue };
        for (tag, must_fire) in [("error", true), ("fatal", true), ("success", false)] {
            let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
            for rule in assert.split(&open).skip(1).filter_map(|rest| rest.split_once(&close)) {
                let xml = document[begins..].trim().to_owned();
                found.push(Expectation { rule: rule.0.trim().to_owned(), must_fire, xml });
            }
        }
    }
    found
}

#[test]
fn the_rules_agree_with_the_official_tests_of_each() {
    let Some(shared) = shared() else {
        println!("left out: the official tests of each rule are not beside the repository");
        return;
    };
    let (mut agreed, mut fired, mut not_comparable) = (0, 0, 0);
    let mut different: BTreeMap<String, usize> = BTreeMap::new();
    for folder in ["en16931-creditnote", "en16931-invoice"] {
        let mut files: Vec<PathBuf> = std::fs::read_dir(shared.join("testsets").join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        for file in files {
            for expectation in expectations(&std::fs::read_to_string(&file).unwrap()) {
                let Some(rule) = CORE.iter().find(|rule| rule.id.matches(&expectation.rule)) else {
                    not_comparable += 1;
                    continue;
                };
                let Ok(read) = en16931_formats::read(expectation.xml.as_bytes()) else {
                    not_comparable += 1;
                    continue;
                };
                // A value that no model holds is refused on reading, whatever the rule says. Fragments
                // without a ChargeIndicator are read as discounts.
                let is_malformed = |entry: &en16931_formats::report::Entry| {
                    entry.kind == Kind::Malformed
                        && !(entry.value.is_none() && entry.path.ends_with("/ChargeIndicator"))
                };
                if read.entries.iter().any(is_malformed) {
                    not_comparable += 1;
                    continue;
                }
                let report = einvoice::examine(expectation.xml.as_bytes()).unwrap();
                let has_fired = report.findings.iter().any(|found| found.rule == rule.id.as_str());
                if has_fired == expectation.must_fire {
                    agreed += 1;
                    fired += usize::from(has_fired);
                } else {
                    *different.entry(rule.id.as_str().to_owned()).or_default() += 1;
                }
            }
        }
    }
    println!("agreed {agreed} (fired {fired}), not comparable {not_comparable}, different {different:?}");
    assert!(different.is_empty(), "{different:?}");
    assert!(agreed > 1_000 && fired > 500, "agreed {agreed}, fired {fired}");
}

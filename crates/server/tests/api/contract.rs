//! The published contract: the checked-in copy is the code's, and every reference leads somewhere.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::house::PROGRAM;

fn contract() -> String {
    let output = Command::new(PROGRAM).arg("openapi").output().expect("the program starts");
    String::from_utf8(output.stdout).expect("the contract is UTF-8")
}

#[test]
fn the_checked_in_contract_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let kept = std::fs::read_to_string(path).expect("docs/openapi.json is there");
    assert!(kept == contract(), "docs/openapi.json differs; write it anew: cargo run -- openapi > docs/openapi.json");
}

#[test]
fn every_reference_of_the_contract_leads_somewhere() {
    fn check(value: &Value, root: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                    assert!(root.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
                }
                fields.values().for_each(|value| check(value, root));
            }
            Value::Array(items) => items.iter().for_each(|value| check(value, root)),
            _ => {}
        }
    }
    let root: Value = serde_json::from_str(&contract()).unwrap();
    check(&root, &root);
    assert_eq!(root["openapi"], "3.1.0");
}

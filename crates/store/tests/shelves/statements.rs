//! Every statement of every table module is one that both engines understand.

use std::fs;
use std::path::Path;

use store::db::{Value, check_placeholders};

use crate::house::{TestHouse, on_both};

macro_rules! modules {
    ($($name:ident)*) => {
        /// The modules that list their statements.
        const MODULES: &[(&str, &[(&str, &str)])] = &[$((stringify!($name), store::$name::STATEMENTS)),*];
    };
}

modules! {
    accounts allocations companies contacts credits customer_groups customers days deliveries departments documents
    dunning erasure events examination exchange_rates files jobs journal_categories keys ledger lines metadata open_items oss_rates payments prices pricing
    product_groups products refunds reminders series statements stored_answers templates vat_codes vat_groups webhook_deliveries
    webhooks write_offs
}

fn all() -> impl Iterator<Item = (String, &'static str)> {
    MODULES.iter().flat_map(|(module, statements)| {
        statements.iter().map(move |(name, text)| (format!("{module}::{name}"), *text))
    })
}

on_both! {
    fn every_statement_can_be_prepared(house: &TestHouse) {
        house
            .read(|tx| {
                for (name, text) in all() {
                    // Explaining prepares and plans a statement and does not run it.
                    let nulls = vec![Value::Null; text.matches('$').count()];
                    let plan = tx.all(&format!("explain {text}"), &nulls);
                    assert!(plan.as_ref().is_ok_and(|rows| !rows.is_empty()), "{name}: {:?}", plan.err());
                }
                Ok(())
            })
            .unwrap();
    }
}

#[test]
fn placeholders_stand_once_and_in_order() {
    for (name, text) in all() {
        assert_eq!(check_placeholders(text), Ok(()), "{name}");
    }
    assert!(check_placeholders("select $2, $1").is_err());
    assert!(check_placeholders("select $1, $1").is_err());
}

#[test]
fn no_module_with_statements_is_left_out() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for file in fs::read_dir(source).unwrap() {
        let path = file.unwrap().path();
        if fs::read_to_string(&path).unwrap().contains("\nstatements! {") {
            found.push(path.file_stem().unwrap().to_str().unwrap().to_owned());
        }
    }
    found.sort();
    assert_eq!(found, MODULES.iter().map(|(module, _)| *module).collect::<Vec<_>>());
}

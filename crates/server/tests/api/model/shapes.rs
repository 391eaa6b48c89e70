//! What the model finds wrong with the shape of a body, by property.

use std::collections::BTreeSet;

use serde_json::Value;

use super::ratio::Ratio;
use super::world::{Kind, Refusal, World, refuse_faults};

impl World {
    /// All that is wrong with a body that asks for a document.
    pub fn check_document(&self, kind: Kind, body: &Value) -> Result<(), Refusal> {
        let mut faults = BTreeSet::new();
        let mut fault = |path: String| faults.insert(path);
        const HEAD: [&str; 8] =
            ["customerId", "date", "currency", "lines", "taxPointDate", "paymentTerms", "invoiceNumber", "reference"];
        const LINE: [&str; 7] =
            ["lineType", "priceId", "quantity", "unitPrice", "description", "discountPercent", "invoiceLineId"];
        let is_note = kind == Kind::Note;
        for (name, _) in body.as_object().unwrap() {
            let is_known =
                HEAD.contains(&name.as_str()) && name != if is_note { "paymentTerms" } else { "invoiceNumber" };
            if !is_known {
                fault(name.clone());
            }
        }
        if body["customerId"].is_null() {
            fault("customerId".to_owned());
        }
        let lines = body["lines"].as_array().unwrap();
        if lines.is_empty() || lines.len() > 1000 {
            fault("lines".to_owned());
        }
        for (at, line) in lines.iter().enumerate() {
            let mut fault = |name: &str| fault(format!("lines.{at}.{name}"));
            for (name, _) in line.as_object().unwrap() {
                if !LINE.contains(&name.as_str()) || (name == "invoiceLineId" && !is_note) {
                    fault(name);
                }
            }
            let mut decimal = |name: &str, from: &str, to: &str, places: u32| {
                if !line[name].as_str().is_none_or(|text| is_within(text, from, to, places)) {
                    fault(name);
                }
            };
            decimal("quantity", LEAST, "9999999.999999", 6);
            decimal("unitPrice", if is_note { LEAST } else { "0" }, "999999999.999999", 6);
            decimal("discountPercent", "0", "100", 4);
            if line["lineType"].is_null() {
                if line["quantity"].is_null() {
                    fault("quantity");
                }
                if line["priceId"].is_null() && line["invoiceLineId"].is_null() {
                    fault("priceId");
                }
            } else {
                for name in ["priceId", "quantity", "unitPrice", "discountPercent", "invoiceLineId"] {
                    if !line[name].is_null() {
                        fault(name);
                    }
                }
                if line["description"].is_null() == (line["lineType"] == "text") {
                    fault("description");
                }
            }
        }
        refuse_faults(faults)
    }

    /// All that is wrong with a body that asks for credit of an invoice.
    pub fn check_parts_shape(&self, body: &Value) -> Result<(), Refusal> {
        let mut faults = unknown(body, &["lines", "date", "reason", "notes"], "");
        let Some(parts) = body["lines"].as_array() else { return refuse_faults(faults) };
        if parts.is_empty() {
            faults.push("lines".to_owned());
        }
        for (at, part) in parts.iter().enumerate() {
            let place = format!("lines.{at}.");
            faults.extend(unknown(part, &["invoiceLineId", "quantity", "amount"], &place));
            if part["invoiceLineId"].is_null() {
                faults.push(format!("{place}invoiceLineId"));
            }
            if part["quantity"].as_str().is_some_and(|text| !is_within(text, LEAST, "9999999.999999", 6)) {
                faults.push(format!("{place}quantity"));
            }
            let is_wrong = |text: &str| !is_within(text, LEAST, "1000000000000000", 6);
            if part["amount"].as_str().is_some_and(|text| is_wrong(text) || !part["quantity"].is_null()) {
                faults.push(format!("{place}amount"));
            }
        }
        refuse_faults(faults)
    }

    /// All that is wrong with a body that settles something: what it may say, and what it has to.
    pub fn check_settling(&self, body: &Value, may: &[&str], must: &[&str]) -> Result<(), Refusal> {
        let mut faults = unknown(body, may, "");
        faults.extend(must.iter().filter(|name| body[**name].is_null()).map(|name| (*name).to_owned()));
        if body["amount"].as_str().is_some_and(|text| !is_within(text, LEAST, "1000000000000000", 6)) {
            faults.push("amount".to_owned());
        }
        if body["vatRelief"] == true && body["evidence"].is_null() {
            faults.push("evidence".to_owned());
        }
        refuse_faults(faults)
    }
}

/// The least decimal above zero.
const LEAST: &str = "0.000000000000000001";

/// Whether a decimal is within bounds, with at most so many places.
fn is_within(text: &str, from: &str, to: &str, places: u32) -> bool {
    let [number, from, to] = [text, from, to].map(|text| Ratio::parse(text).unwrap());
    from <= number && number <= to && number.decimals().unwrap() <= places
}

/// Fields that nobody knows.
fn unknown(body: &Value, known: &[&str], place: &str) -> Vec<String> {
    let names = body.as_object().unwrap().keys().filter(|name| !known.contains(&name.as_str()));
    names.map(|name| format!("{place}{name}")).collect()
}

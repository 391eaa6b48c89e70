//! What was written, read by a reader that is not ours.

use std::collections::BTreeMap;

use billing::money::Money;
use einvoice::{Format, check, terms, write};
use en16931::Invoice;
use en16931_formats::report::Kind as Entry;

use crate::documents::{Made, all};
use crate::refusals::expected;

/// An amount as the standard writes it, by way of its text: no program figure is the measure of itself.
pub fn positive(amount: Money) -> String {
    let text = amount.to_string();
    let text = text.trim_start_matches('-');
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let kept = decimals.get(..2).unwrap_or(decimals);
    assert!(decimals.get(2..).unwrap_or("").bytes().all(|b| b == b'0'), "{text}");
    format!("{whole}.{kept:0<2}")
}

fn read(name: &str, xml: &str) -> Invoice {
    let read = en16931_formats::read(xml.as_bytes()).unwrap_or_else(|fault| panic!("{name}: {fault}\n{xml}"));
    let faults: Vec<String> = read.entries.iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{name}: {faults:?}\n{xml}");
    read.invoice
}

#[test]
fn every_document_is_read_back_as_it_was_meant() {
    let documents = all();
    assert!(documents.len() >= 200, "{}", documents.len());
    let mut written: BTreeMap<&str, usize> = BTreeMap::new();
    for made in &documents {
        for format in [Format::PeppolBis3, Format::En16931Ubl, Format::En16931Cii, Format::Xrechnung] {
            let name = format!("{} {format}", made.name);
            let xml = match (write(made.source(), format), expected(made, format)) {
                (Ok(xml), None) => xml,
                (Err(findings), Some(rule)) => {
                    assert!(findings.iter().any(|finding| finding.rule == rule), "{name}: {findings:?}");
                    continue;
                }
                (Ok(_), Some(rule)) => panic!("{name} breaks {rule} and was written"),
                (Err(findings), None) => panic!("{name}: {findings:?}"),
            };
            *written.entry(format.as_str()).or_default() += 1;
            let mut meant = terms(made.source(), format).unwrap();
            let found = read(&name, &xml);
            if format == Format::En16931Cii && meant.preceding_invoices.len() > 1 {
                // CII names one document that is amended; the others stand in a note.
                let note = found.notes.last().and_then(|note| note.note.clone()).unwrap();
                for further in meant.preceding_invoices.drain(1..) {
                    assert!(note.contains(further.reference.as_str()), "{name}: {note}");
                }
                meant.notes.push(note.into());
            }
            assert_eq!(found, meant, "{name}\n{xml}");
            has_the_figures(&name, made, &found);
        }
    }
    println!("written and read back: {written:?}");
    assert_eq!(written.values().filter(|count| **count >= 100).count(), 4, "{written:?}");
}

/// Figures and signs are those of the books, turned positive.
fn has_the_figures(name: &str, made: &Made, found: &Invoice) {
    let document = &made.document;
    assert_eq!(found.type_code.as_ref().unwrap().as_str(), if made.is_note() { "381" } else { "380" }, "{name}");
    let totals = &found.totals;
    for (figure, expected) in [
        (totals.line_total, document.subtotal),
        (totals.taxable_total, document.subtotal),
        (totals.vat_total.unwrap(), document.vat),
        (totals.gross_total, document.amount),
        (totals.due, document.amount),
    ] {
        assert_eq!(figure.to_string(), positive(expected), "{name}");
    }
    match totals.vat_total_accounting {
        Some(accounting) => {
            assert_ne!(document.currency, document.base_currency, "{name}");
            assert_eq!(accounting.to_string(), positive(document.base_vat.unwrap()), "{name}");
        }
        None => assert!(document.currency == document.base_currency || document.vat.is_zero(), "{name}"),
    }
    assert_eq!(found.vat_breakdown.len(), document.groups.len(), "{name}");
    for (found, group) in found.vat_breakdown.iter().zip(&document.groups) {
        assert_eq!(found.category.as_str(), group.category.as_str(), "{name}");
        assert_eq!(found.taxable_amount.to_string(), positive(group.taxable), "{name}");
        assert_eq!(found.tax_amount.to_string(), positive(group.vat), "{name}");
    }
    let products: Vec<_> = document.products().collect();
    assert_eq!(found.lines.len(), products.len(), "{name}");
    for (line, product) in found.lines.iter().zip(products) {
        assert_eq!(line.net_amount.to_string(), positive(product.total), "{name}");
        assert_eq!(line.quantity.into_decimal(), product.quantity, "{name}");
        assert!(!line.price.net_price.is_negative(), "{name}");
        assert_eq!(line.item.name.as_deref(), Some(product.description.as_str()), "{name}");
    }
    let named: Vec<(&str, Option<String>)> = found
        .preceding_invoices
        .iter()
        .map(|preceding| (preceding.reference.as_str(), preceding.issue_date.map(|day| day.to_string())))
        .collect();
    if made.is_note() {
        let own = made.preceding.iter().map(|one| (one.number.as_str(), one.date.map(|day| day.to_string())));
        let external =
            made.document.head.external_invoice.iter().map(|(number, day)| (number.as_str(), Some(day.to_string())));
        let expected: Vec<_> = own.chain(external).take(named.len()).collect();
        assert!(!named.is_empty(), "{name}");
        assert_eq!(named, expected, "{name}");
    }
}

/// OIOUBL means other things by the same names, so the reader's terms are read with care.
#[test]
fn oioubl_has_the_same_figures() {
    let mut written = 0;
    for made in &all() {
        let xml = match (write(made.source(), Format::Oioubl21), expected(made, Format::Oioubl21)) {
            (Ok(xml), None) => xml,
            (Err(findings), Some(rule)) => {
                assert!(findings.iter().any(|finding| finding.rule == rule), "{}: {findings:?}", made.name);
                continue;
            }
            (Ok(_), Some(rule)) => panic!("{} breaks {rule} and was written", made.name),
            (Err(findings), None) => panic!("{}: {findings:?}", made.name),
        };
        written += 1;
        let read = en16931_formats::read(xml.as_bytes()).unwrap();
        assert!(!read.entries.iter().any(|entry| entry.kind == Entry::Malformed), "{:?}\n{xml}", read.entries);
        let found = read.invoice;
        let document = &made.document;
        assert_eq!(found.totals.line_total.to_string(), positive(document.subtotal), "{}", made.name);
        // The VAT total, whatever the element is called.
        assert_eq!(found.totals.taxable_total.to_string(), positive(document.vat), "{}", made.name);
        assert_eq!(found.totals.gross_total.to_string(), positive(document.amount), "{}", made.name);
        assert_eq!(found.totals.due.to_string(), positive(document.amount), "{}", made.name);
        let meant = terms(made.source(), Format::Oioubl21).unwrap();
        assert_eq!(found.number, meant.number, "{}", made.name);
        assert_eq!(found.preceding_invoices, meant.preceding_invoices, "{}", made.name);
        for (line, product) in found.lines.iter().zip(document.products()) {
            assert_eq!(line.net_amount.to_string(), positive(product.total), "{}", made.name);
            assert_eq!(line.quantity.into_decimal(), product.quantity, "{}", made.name);
        }
        // Every line with its own share of the VAT.
        let shares = xml.matches("<cbc:OrderableUnitFactorRate>").count();
        assert_eq!(xml.matches("<cac:TaxTotal>").count(), shares + 1, "{}", made.name);
    }
    println!("written as OIOUBL 2.1: {written}");
    assert!(written >= 100, "{written}");
}

#[test]
fn nothing_is_warned_of_that_is_ours_to_avoid() {
    let mut warnings: BTreeMap<(String, &str), usize> = BTreeMap::new();
    for made in &all() {
        for format in Format::ALL {
            for finding in check(made.source(), format) {
                if expected(made, format).is_none() {
                    *warnings.entry((finding.rule, format.as_str())).or_default() += 1;
                }
            }
        }
    }
    assert!(warnings.is_empty(), "{warnings:?}");
}

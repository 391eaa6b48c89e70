//! The stamp: what a document says, once more in the words of EN 16931, as UBL
//! (Peppol BIS Billing 3, XRechnung, OIOUBL 2.1) and as CII. Offline, without IO or
//! clock; it knows `billing` alone. A document is made one [`en16931::Invoice`], that
//! is checked, and each writer reads it. Credit notes are turned positive here and
//! nowhere else: the standard wants their figures so.

mod checking;
mod cii;
mod examine;
mod fields;
mod finding;
mod lines;
mod model;
mod oioubl;
mod parties;
mod presence;
mod profiles;
mod rules;
mod ubl;
mod units;
mod xml;

use billing::document::{Buyer, Document, Seller};
use jiff::civil::Date;

pub use billing::formats::Format;
pub use examine::{Report, examine};
pub use finding::{Finding, Severity};

/// What an e-invoice is made from: a document and what stands around it.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The document, its base amounts pinned. One without a number is checked as if it had one.
    pub document: &'a Document,
    /// Who sells, pinned or as it is.
    pub seller: &'a Seller,
    /// Who buys, pinned or as it is.
    pub buyer: &'a Buyer,
    /// The invoices a credit note credits, or the credit note an invoice reverses.
    pub preceding: &'a [Preceding],
}

/// A document that another amends (BG-3).
#[derive(Clone, PartialEq, Debug)]
pub struct Preceding {
    /// Its number.
    pub number: String,
    /// Its date, where that is known.
    pub date: Option<Date>,
}

/// A document in the business terms of EN 16931: what the writers write and the rules read.
///
/// # Errors
/// What the standard has no form for.
pub fn terms(source: Source<'_>, format: Format) -> Result<en16931::Invoice, Vec<Finding>> {
    model::model(source, format).map(|model| model.invoice)
}

/// What the rules of a format say of a document, worst first; empty when all is well.
pub fn check(source: Source<'_>, format: Format) -> Vec<Finding> {
    match model::model(source, format) {
        Ok(model) => checking::check(&model, format),
        Err(findings) => findings,
    }
}

/// What plain EN 16931 and the law say against booking a document: what is fatal and can be
/// mended on it or its customer. What a receiver's network asks for besides (endpoints,
/// references) is no part of it, nor what the company must say of itself, which is asked
/// elsewhere. Nothing is said of documents and books in a currency with three decimals, which no
/// e-invoice can hold: whether one is booked must not hang on its last digit. Nor is the VAT held
/// against its rate (BR-CO-17, BR-S-08, BR-S-09 and their like): what closes a credited invoice in a
/// currency without decimals may be a unit off, and nobody could mend it.
pub fn check_booking(source: Source<'_>) -> Vec<Finding> {
    if [source.document.currency, source.document.base_currency].iter().any(|currency| currency.exponent() > 2) {
        return Vec::new();
    }
    let is_ours = |finding: &Finding| finding.field.as_ref().is_some_and(|field| field.starts_with("company."));
    let binds =
        |finding: &Finding| finding.severity == Severity::Fatal && !is_ours(finding) && !is_reckoned(&finding.rule);
    check(source, Format::En16931Ubl).into_iter().filter(binds).collect()
}

/// Whether a rule holds a VAT group's figures against its lines and its rate.
fn is_reckoned(rule: &str) -> bool {
    let of_category = rule.starts_with("BR-") && !rule.starts_with("BR-C") && !rule.starts_with("BR-D");
    rule == "BR-CO-17"
        || (of_category && rule.matches('-').count() == 2 && (rule.ends_with("-08") || rule.ends_with("-09")))
}

/// A document as an e-invoice: XML in UTF-8, checked first.
///
/// # Errors
/// All findings, when one of them is fatal.
pub fn write(source: Source<'_>, format: Format) -> Result<String, Vec<Finding>> {
    let model = model::model(source, format)?;
    let findings = checking::check(&model, format);
    if findings.iter().any(|finding| finding.severity == Severity::Fatal) {
        return Err(findings);
    }
    Ok(match format {
        Format::PeppolBis3 | Format::En16931Ubl | Format::Xrechnung => ubl::write(&model.invoice),
        Format::En16931Cii => cii::write(&model.invoice),
        Format::Oioubl21 => oioubl::write(&model),
    })
}

#[cfg(test)]
mod tests {
    use super::is_reckoned;

    #[test]
    fn a_groups_figures_are_told_from_what_can_be_mended() {
        for rule in ["BR-CO-17", "BR-S-08", "BR-S-09", "BR-AE-09", "BR-IC-08"] {
            assert!(is_reckoned(rule), "{rule}");
        }
        for rule in ["BR-08", "BR-09", "BR-CO-09", "BR-CO-15", "BR-AE-02", "BR-S-02", "BR-DEC-19", "LAW-DK-62"] {
            assert!(!is_reckoned(rule), "{rule}");
        }
    }
}

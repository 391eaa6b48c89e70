//! Sample documents: what a template is tried out and shown with. Exactly the fields of the published
//! JSON, and sums that add up.

use std::sync::LazyLock;

use billing::company::Company;
use billing::kind::Kind;
use billing::parties;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::Error;

/// The day samples are of.
pub(crate) const DATE: Date = Date::constant(2026, 6, 15);

/// How long a sample is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Length {
    /// Three lines, one page.
    Short,
    /// Forty-five lines, several pages.
    Long,
}

/// How often the long sample has the lines of the short one.
const TIMES: u32 = 15;

/// What of an invoice no offer has.
const OF_INVOICES: [&str; 18] = [
    "number",
    "exchangeRate",
    "baseAmount",
    "baseVat",
    "bookedAt",
    "journalEntryId",
    "subscriptionId",
    "dueDate",
    "paymentTerms",
    "creditedAmount",
    "pendingCreditAmount",
    "paidAmount",
    "openAmount",
    "settlement",
    "creditState",
    "creditNotes",
    "reversedCreditNote",
    "convertedFrom",
];

static INVOICE: LazyLock<Value> = LazyLock::new(|| read(include_str!("../templates/samples/preview.invoice.json")));
static CREDIT_NOTE: LazyLock<Value> =
    LazyLock::new(|| read(include_str!("../templates/samples/preview.credit-note.json")));

fn read(text: &str) -> Value {
    serde_json::from_str(text).expect("the samples are part of the program and are read by its tests")
}

/// A sample of a kind, sold by this company.
pub(crate) fn document(kind: Kind, company: &Company, length: Length) -> Result<Value, Error> {
    let mut document = match kind {
        Kind::CreditNote => CREDIT_NOTE.clone(),
        Kind::Invoice => INVOICE.clone(),
        Kind::Quote | Kind::OrderConfirmation => offer(kind),
    };
    if length == Length::Long {
        lengthen(&mut document)?;
    }
    // The samples' amounts have two decimals.
    if company.currency.exponent() == 2 {
        document["currency"] = json!(company.currency.code());
    }
    document["buyer"]["countryCode"] = json!(company.country_code);
    document["seller"] =
        serde_json::to_value(parties::seller(company)).map_err(|fault| Error::Broken(fault.to_string()))?;
    Ok(document)
}

/// The sample of a kind that posts nothing: the invoice's without what only documents of the books have.
fn offer(kind: Kind) -> Value {
    let mut document = INVOICE.clone();
    let number = document["number"].clone();
    if let Some(fields) = document.as_object_mut() {
        fields.retain(|name, _| !OF_INVOICES.contains(&name.as_str()));
    }
    let valid_until = (kind == Kind::Quote).then_some("2026-07-15");
    let own = json!({
        "type": kind, "documentNumber": number, "status": "sent", "displayStatus": "sent", "validUntil": valid_until,
        "acceptedAt": null, "rejectedAt": null, "convertedToInvoiceId": null, "convertedToOrderConfirmationId": null,
        "convertedFrom": null,
    });
    for (name, value) in own.as_object().into_iter().flatten() {
        document[name] = value.clone();
    }
    document
}

/// The same with its lines, and so its sums, that many times.
fn lengthen(document: &mut Value) -> Result<(), Error> {
    let lines = document["lines"].as_array().cloned().unwrap_or_default();
    document["lines"] = (0..TIMES).flat_map(|_| lines.clone()).collect();
    let sums = ["/subtotal", "/vat", "/amount", "/baseAmount", "/baseVat", "/openAmount", "/allocatedAmount"];
    let groups = ["/vatBreakdown/0/taxableAmount", "/vatBreakdown/0/vatAmount", "/creditedInvoices/0/amount"];
    for place in sums.iter().chain(&groups) {
        let Some(sum) = document.pointer_mut(place) else { continue };
        let one: Decimal =
            sum.as_str().unwrap_or_default().parse().map_err(|fault| Error::Broken(format!("{fault}")))?;
        *sum = json!((one * Decimal::from(TIMES)).to_string());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use billing::public::{PublicCreditNote, PublicInvoice, PublicSalesDocument};
    use schemars::generate::SchemaSettings;

    use super::*;

    fn names(of: &Value) -> BTreeSet<&String> {
        of.as_object().unwrap().keys().collect()
    }

    /// What a template is tried out with has the fields it will be given, no more and no fewer.
    #[test]
    fn samples_have_the_fields_of_what_is_published() {
        let settings = || SchemaSettings::draft2020_12().for_serialize().into_generator();
        let invoice = settings().into_root_schema_for::<PublicInvoice>().to_value();
        let credit_note = settings().into_root_schema_for::<PublicCreditNote>().to_value();
        let offers = settings().into_root_schema_for::<PublicSalesDocument>().to_value();
        let (quote, confirmation) = (offer(Kind::Quote), offer(Kind::OrderConfirmation));
        for (sample, schema) in
            [(&*INVOICE, invoice), (&*CREDIT_NOTE, credit_note), (&quote, offers.clone()), (&confirmation, offers)]
        {
            assert_eq!(names(sample), names(&schema["properties"]));
            let line = &schema["$defs"]["PublicLine"]["properties"];
            let mut of_line = names(line);
            if sample["creditedInvoices"].is_null() {
                of_line.retain(|name| *name != "invoiceLineId");
            }
            assert_eq!(names(&sample["lines"][0]), of_line);
            assert_eq!(names(&sample["buyer"]), names(&schema["$defs"]["Buyer"]["properties"]));
            assert_eq!(names(&sample["vatBreakdown"][0]), names(&schema["$defs"]["PublicVatGroup"]["properties"]));
        }
    }

    #[test]
    fn samples_add_up() {
        let number = |value: &Value| value.as_str().unwrap().parse::<Decimal>().unwrap();
        for sample in [&*INVOICE, &*CREDIT_NOTE, &offer(Kind::Quote)] {
            let mut long = sample.clone();
            lengthen(&mut long).unwrap();
            for document in [sample, &long] {
                let lines = document["lines"].as_array().unwrap();
                let sum = |field: &str| lines.iter().map(|line| number(&line[field])).sum::<Decimal>();
                assert_eq!(sum("totalPrice"), number(&document["subtotal"]));
                assert_eq!(sum("vatAmount"), number(&document["vat"]));
                assert_eq!(number(&document["subtotal"]) + number(&document["vat"]), number(&document["amount"]));
                assert_eq!(document["vatBreakdown"][0]["taxableAmount"], document["subtotal"]);
            }
        }
    }
}

//! Our field behind a business term: what a caller would have to change.

use en16931::bt::{Group, Path};

use crate::model::Model;

/// What rules mean that name a group, or a term that several of our fields could fill.
const BY_RULE: &[(&str, &str)] = &[
    ("BR-CO-26", "company.registrationNumber"),
    ("BR-S-02", "company.vat"),
    ("BR-Z-02", "company.vat"),
    ("BR-E-02", "company.vat"),
    ("BR-G-02", "company.vat"),
    ("BR-AE-02", "customer.vatNumber"),
    ("BR-IC-02", "customer.vatNumber"),
    ("BR-CO-25", "paymentTerms"),
    ("PEPPOL-EN16931-R003", "reference"),
    ("PEPPOL-EN16931-R020", "company.peppolEndpoint"),
    ("BR-DE-1", "company.iban"),
    ("BR-DE-2", "company.phone"),
    ("BR-DE-16", "company.vat"),
];

/// The field behind a finding of the engine, where it is one of ours.
pub(crate) fn of(rule: &str, path: Path, model: &Model) -> Option<String> {
    // A Danish buyer is reached by its GLN, if it has one.
    if rule == "PEPPOL-EN16931-R010" {
        return Some(buyer_endpoint(model).to_owned());
    }
    if let Some((_, field)) = BY_RULE.iter().find(|(id, _)| *id == rule) {
        return Some((*field).to_owned());
    }
    let term = path.term.map(|term| term.0);
    if path.group == Group::Line {
        let place = model.places.get(path.index?)?;
        return Some(format!("lines.{place}.{}", of_line(term)));
    }
    by_term(term?, model).map(str::to_owned)
}

/// The field that says where a buyer receives e-invoices.
pub(crate) fn buyer_endpoint(model: &Model) -> &'static str {
    let country = model.invoice.buyer.address.country.as_ref();
    if country.is_some_and(|country| country.as_str() == "DK") {
        "customer.eanNumber"
    } else {
        "customer.peppolEndpoint"
    }
}

fn of_line(term: Option<u16>) -> &'static str {
    match term {
        Some(129) => "quantity",
        Some(130 | 150) => "unit",
        Some(134) => "periodStart",
        Some(135) => "periodEnd",
        Some(136..=140) => "discountPercent",
        Some(146..=149) => "unitPrice",
        Some(151) => "vatCategory",
        Some(152) => "vatRate",
        Some(153 | 154) => "description",
        Some(155) => "productNumber",
        _ => "totalPrice",
    }
}

fn by_term(term: u16, model: &Model) -> Option<&'static str> {
    Some(match term {
        1 => "number",
        2 => "date",
        5 => "currency",
        6 => "company.currency",
        7 => "taxPointDate",
        9 | 20 => "paymentTerms",
        10 | 13 => "reference",
        22 => "notes",
        25 => "invoiceNumber",
        26 => "externalInvoice.date",
        27 => "company.name",
        29 | 30 => "company.registrationNumber",
        31 | 32 => "company.vat",
        34 => "company.peppolEndpoint",
        35 => "company.address",
        37 => "company.city",
        38 => "company.postalCode",
        40 => "company.countryCode",
        41 => "ourReference",
        42 => "company.phone",
        43 => "company.email",
        44 => "customer.name",
        46 | 48 => "customer.vatNumber",
        47 => "customer.registrationNumber",
        49 => buyer_endpoint(model),
        50 => "customer.address",
        52 => "customer.city",
        53 => "customer.postalCode",
        55 => "customer.countryCode",
        56 => "customerContactId",
        58 => "customer.email",
        72 => "deliveryDate",
        80 => "deliveryCountryCode",
        73 => "periodStart",
        74 => "periodEnd",
        81..=85 => "company.iban",
        86 => "company.bic",
        106 | 109 => "subtotal",
        110 => "vat",
        111 => "baseVat",
        112 | 115 => "amount",
        116..=119 => "vatBreakdown",
        120 | 121 => "vatCode.exemptionReason",
        _ => return None,
    })
}

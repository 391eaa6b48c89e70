//! Our own rules, beside those of the engine: what Danish rules ask of a Danish seller
//! (Peppol's DK-R-*), what OIOUBL 2.1 asks (F-*), and what the law asks though no validator
//! does (LAW-*). Only rules that can fire for what we write are here.

use billing::country;
use en16931::invoice::{DocumentKind, Party, PaymentMeans};
use en16931::{Identifier, Invoice};

use crate::fields;
use crate::finding::{Finding, Severity};
use crate::model::Model;
use crate::{Format, oioubl};

/// A rule of ours.
struct Rule {
    /// As its authors call it.
    id: &'static str,
    /// The formats it belongs to.
    formats: &'static [Format],
    severity: Severity,
    /// What it says.
    sentence: &'static str,
    /// Where it is broken: business term and our field.
    broken: fn(&Model) -> Vec<(String, String)>,
}

const PEPPOL: &[Format] = &[Format::PeppolBis3];
const OIOUBL: &[Format] = &[Format::Oioubl21];

/// What our rules find.
pub(crate) fn findings(model: &Model, format: Format) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in RULES.iter().filter(|rule| rule.formats.contains(&format)) {
        findings.extend((rule.broken)(model).into_iter().map(|(path, field)| Finding {
            rule: rule.id.to_owned(),
            severity: rule.severity,
            path,
            message: rule.sentence.to_owned(),
            field: Some(field),
        }));
    }
    findings
}

fn at(path: &str, field: &str) -> Vec<(String, String)> {
    vec![(path.to_owned(), field.to_owned())]
}

/// Where a condition holds.
fn at_if(is_broken: bool, path: &str, field: &str) -> Vec<(String, String)> {
    if is_broken { at(path, field) } else { Vec::new() }
}

fn country_of(party: &Party) -> &str {
    party.address.country.as_ref().map_or("", |country| country.as_str())
}

fn is_danish(invoice: &Invoice) -> bool {
    country_of(&invoice.seller) == "DK"
}

fn is_domestic(invoice: &Invoice) -> bool {
    is_danish(invoice) && country_of(&invoice.buyer) == "DK"
}

fn is_credit_note(invoice: &Invoice) -> bool {
    invoice.kind == DocumentKind::CreditNote
}

fn scheme(identifier: &Option<Identifier>) -> Option<&str> {
    identifier.as_ref().and_then(Identifier::scheme)
}

fn has_category(invoice: &Invoice, category: &str) -> bool {
    invoice.vat_breakdown.iter().any(|group| group.category.as_str() == category)
}

fn means_code(invoice: &Invoice) -> Option<&str> {
    invoice.payment.as_ref().and_then(|payment| payment.means_code.as_ref()).map(|code| code.as_str())
}

const RULES: &[Rule] = &[
    Rule {
        id: "DK-R-002",
        formats: PEPPOL,
        severity: Severity::Fatal,
        sentence: "Danish suppliers MUST provide legal entity (CVR-number).",
        broken: |model| {
            let seller = &model.invoice.seller;
            let is_missing = is_danish(&model.invoice) && seller.legal_registration.is_none();
            at_if(is_missing, "BG-4/BT-30", "company.registrationNumber")
        },
    },
    Rule {
        id: "DK-R-014",
        formats: PEPPOL,
        severity: Severity::Fatal,
        sentence: "A Danish supplier's registration number is a CVR number (scheme 0184).",
        broken: |model| {
            let number = &model.invoice.seller.legal_registration;
            let is_other = number.is_some() && scheme(number) != Some("0184");
            at_if(is_danish(&model.invoice) && is_other, "BG-4/BT-30", "company.registrationNumber")
        },
    },
    Rule {
        id: "DK-R-017",
        formats: PEPPOL,
        severity: Severity::Fatal,
        sentence: "A Danish customer's registration number is a CVR number (scheme 0184).",
        broken: |model| {
            let number = &model.invoice.buyer.legal_registration;
            let is_other = number.is_some() && scheme(number) != Some("0184");
            at_if(is_domestic(&model.invoice) && is_other, "BG-7/BT-47", "customer.registrationNumber")
        },
    },
    Rule {
        id: "DK-R-016",
        formats: PEPPOL,
        severity: Severity::Fatal,
        sentence: "For Danish Suppliers, a Credit note cannot have a negative total (PayableAmount).",
        broken: |model| {
            let invoice = &model.invoice;
            let is_negative = is_credit_note(invoice) && invoice.totals.due.is_negative();
            at_if(is_domestic(invoice) && is_negative, "BG-22/BT-115", "amount")
        },
    },
    Rule {
        id: "DK-R-005",
        formats: PEPPOL,
        severity: Severity::Fatal,
        sentence: "For Danish suppliers the following Payment means codes are allowed: 1, 10, 31, 42, 48, 49, 50, 58, 59, \
                   93 and 97.",
        broken: |model| {
            let allowed = ["1", "10", "31", "42", "48", "49", "50", "58", "59", "93", "97"];
            let is_other = means_code(&model.invoice).is_some_and(|code| !allowed.contains(&code));
            let is_invoice = !is_credit_note(&model.invoice);
            at_if(is_domestic(&model.invoice) && is_invoice && is_other, "BG-16/BT-81", "company.iban")
        },
    },
    Rule {
        id: "DK-R-006",
        formats: PEPPOL,
        severity: Severity::Fatal,
        sentence: "For Danish suppliers bank account and registration account is mandatory if payment means is 31 or 42.",
        broken: |model| {
            let asks = is_domestic(&model.invoice) && matches!(means_code(&model.invoice), Some("31" | "42"));
            let means = model.invoice.payment.as_ref().and_then(|payment| payment.means.as_ref());
            let is_whole = matches!(means, Some(PaymentMeans::CreditTransfer(accounts)) if accounts.iter().all(|account| {
                account.account_identifier.is_some() && account.provider_identifier.is_some()
            }));
            at_if(asks && !is_whole && !is_credit_note(&model.invoice), "BG-16/BT-86", "company.bankAccount")
        },
    },
    Rule {
        id: "LAW-DK-62",
        formats: &Format::ALL,
        severity: Severity::Fatal,
        sentence: "An invoice with reverse charge to another country of the EU names the buyer's VAT number \
                   (momsbekendtgørelsen § 62, VAT Directive art. 226 (4)).",
        broken: |model| {
            let invoice = &model.invoice;
            let (seller, buyer) = (country_of(&invoice.seller), country_of(&invoice.buyer));
            let is_abroad = seller != buyer && country::is_eu(seller) && country::is_eu(buyer);
            let is_missing = has_category(invoice, "AE") && is_abroad && invoice.buyer.vat_identifier.is_none();
            at_if(is_missing, "BG-7/BT-48", "customer.vatNumber")
        },
    },
    Rule {
        id: "LAW-DK-58",
        formats: &Format::ALL,
        severity: Severity::Warning,
        sentence: "A credit note refers to the invoice it amends (momsbekendtgørelsen § 58 (2), VAT Directive art. 219): \
                   name the invoice, one issued elsewhere, or the period.",
        broken: |model| {
            let invoice = &model.invoice;
            let refers = !invoice.preceding_invoices.is_empty() || invoice.invoicing_period.is_some();
            at_if(is_credit_note(invoice) && !refers, "BG-3/BT-25", "invoiceNumber")
        },
    },
    Rule {
        id: "F-INV031",
        formats: OIOUBL,
        severity: Severity::Fatal,
        sentence: "Invalid EndpointID of the supplier. Must contain a value.",
        broken: |model| {
            at_if(model.invoice.seller.electronic_address.is_none(), "BG-4/BT-34", "company.peppolEndpoint")
        },
    },
    Rule {
        id: "F-INV044",
        formats: OIOUBL,
        severity: Severity::Fatal,
        sentence: "Invalid EndpointID of the customer. Must contain a value.",
        broken: |model| {
            let is_missing = model.invoice.buyer.electronic_address.is_none();
            at_if(is_missing, "BG-7/BT-49", fields::buyer_endpoint(model))
        },
    },
    Rule {
        id: "F-LIB179",
        formats: OIOUBL,
        severity: Severity::Fatal,
        sentence: "Invalid schemeID of an EndpointID: NemHandel knows GLN, CVR, P and SE numbers and a few of other \
                   countries.",
        broken: |model| {
            let parties = [
                (&model.invoice.seller, "BG-4/BT-34", "company.peppolEndpoint"),
                (&model.invoice.buyer, "BG-7/BT-49", "customer.peppolEndpoint"),
            ];
            let is_unknown = |party: &Party| {
                party.electronic_address.as_ref().is_some_and(|address| oioubl::endpoint_scheme(address).is_none())
            };
            parties
                .iter()
                .filter(|(party, ..)| is_unknown(party))
                .flat_map(|(_, path, field)| at(path, field))
                .collect()
        },
    },
    Rule {
        id: "F-LIB187",
        formats: OIOUBL,
        severity: Severity::Fatal,
        sentence: "Invalid CompanyID of the supplier's PartyLegalEntity. Must contain a value.",
        broken: |model| {
            let is_missing = model.invoice.seller.legal_registration.is_none();
            at_if(is_missing, "BG-4/BT-30", "company.registrationNumber")
        },
    },
    Rule {
        id: "F-LIB315",
        formats: OIOUBL,
        severity: Severity::Fatal,
        sentence: "OIOUBL 2.1 takes one rate of VAT above zero in a document.",
        broken: |model| {
            let rated = model.invoice.vat_breakdown.iter().filter(|group| group.category.as_str() == "S").count();
            at_if(rated > 1, "BG-23", "vatBreakdown")
        },
    },
    Rule {
        id: "F-LIB016",
        formats: OIOUBL,
        severity: Severity::Fatal,
        sentence: "Invalid LineExtensionAmount or PayableAmount. Must not be negative.",
        broken: |model| {
            let totals = &model.invoice.totals;
            let is_negative = totals.line_total.is_negative() || totals.due.is_negative();
            at_if(is_negative, "BG-22/BT-115", "amount")
        },
    },
];

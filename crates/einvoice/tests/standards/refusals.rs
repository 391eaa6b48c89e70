//! What can't be an e-invoice, and why: the rule, and our field.

use billing::kind::Kind;
use billing::vat::VatCategory;
use einvoice::{Format, Severity, check_booking, write};

use crate::documents::{Made, document};

/// The rule that a made document breaks in a format, if it does.
pub fn expected(made: &Made, format: Format) -> Option<&'static str> {
    let buyer = &made.buyer;
    let reachable =
        buyer.ean_number.is_some() || buyer.peppol_endpoint.is_some() || buyer.registration_number.is_some();
    let rates = made.document.groups.iter().filter(|group| group.category == VatCategory::S).count();
    match format {
        Format::En16931Ubl | Format::En16931Cii => None,
        Format::PeppolBis3 if !reachable => Some("PEPPOL-EN16931-R010"),
        Format::PeppolBis3 => None,
        Format::Xrechnung if !reachable && buyer.email.is_none() => Some("PEPPOL-EN16931-R010"),
        Format::Xrechnung => None,
        Format::Oioubl21 if !reachable => Some("F-INV044"),
        // The German Leitweg-ID is no scheme of NemHandel.
        Format::Oioubl21 if buyer.peppol_endpoint.as_deref().is_some_and(|id| id.starts_with("0204")) => {
            Some("F-LIB179")
        }
        Format::Oioubl21 if rates > 1 => Some("F-LIB315"),
        Format::Oioubl21 => None,
    }
}

fn made(buyer: &str, categories: &str) -> Made {
    document(7, Kind::Invoice, "danish", buyer, categories, "DKK")
}

/// A change to a good document, the format, the rule it breaks, and the field that is named.
type Case = (Made, fn(&mut Made), Format, &'static str, &'static str);

#[test]
fn a_refusal_names_the_rule_and_our_field() {
    let cases: Vec<Case> = vec![
        (
            made("danish-public", "S"),
            |made| made.buyer.ean_number = None,
            Format::PeppolBis3,
            "PEPPOL-EN16931-R010",
            "customer.eanNumber",
        ),
        (
            made("german-company", "S"),
            |made| made.buyer.peppol_endpoint = None,
            Format::PeppolBis3,
            "PEPPOL-EN16931-R010",
            "customer.peppolEndpoint",
        ),
        (
            made("danish-company", "S"),
            |made| made.document.head.reference = None,
            Format::PeppolBis3,
            "PEPPOL-EN16931-R003",
            "reference",
        ),
        (
            made("danish-company", "S"),
            |made| made.seller.registration_number = Some("Aps 1".to_owned()),
            Format::PeppolBis3,
            "DK-R-014",
            "company.registrationNumber",
        ),
        (
            made("danish-company", "S"),
            |made| made.buyer.registration_number = Some("1".to_owned()),
            Format::PeppolBis3,
            "DK-R-017",
            "customer.registrationNumber",
        ),
        (
            made("danish-company", "S"),
            |made| (made.seller.registration_number, made.seller.vat_number) = (None, None),
            Format::PeppolBis3,
            "DK-R-002",
            "company.registrationNumber",
        ),
        (
            made("danish-company", "S"),
            |made| (made.seller.registration_number, made.seller.vat_number) = (None, None),
            Format::En16931Ubl,
            "BR-S-02",
            "company.vat",
        ),
        (
            made("german-company", "AE"),
            |made| made.buyer.vat_number = None,
            Format::En16931Cii,
            "LAW-DK-62",
            "customer.vatNumber",
        ),
        (
            made("german-company", "AE"),
            |made| made.document.groups[0].exemption_reason = None,
            Format::En16931Ubl,
            "none",
            "",
        ),
        (
            made("german-company", "K"),
            |made| made.buyer.vat_number = None,
            Format::En16931Ubl,
            "BR-IC-02",
            "customer.vatNumber",
        ),
        (
            made("danish-company", "E"),
            |made| {
                made.document.groups[0].exemption_reason = None;
                made.document.groups[0].exemption_reason_code = None;
            },
            Format::En16931Ubl,
            "BR-E-10",
            "vatCode.exemptionReason",
        ),
        (
            made("danish-company", "S"),
            |made| made.buyer.country_code = "XX".to_owned(),
            Format::En16931Ubl,
            "BR-CL-14",
            "customer.countryCode",
        ),
        (made("german-public", "S"), |made| made.seller.city = None, Format::Xrechnung, "BR-DE-3", "company.city"),
        (
            made("danish-public", "S"),
            |made| made.buyer.ean_number = None,
            Format::Oioubl21,
            "F-INV044",
            "customer.eanNumber",
        ),
    ];
    for (mut made, change, format, rule, field) in cases {
        assert!(write(made.source(), format).is_ok(), "{rule}");
        change(&mut made);
        if rule == "none" {
            // The code alone gives the reason.
            assert!(write(made.source(), format).is_ok());
            continue;
        }
        let findings = write(made.source(), format).unwrap_err();
        let found = findings.iter().find(|finding| finding.rule == rule);
        let found = found.unwrap_or_else(|| panic!("{rule}: {findings:?}"));
        assert_eq!(found.field.as_deref(), Some(field), "{rule}");
        assert!(!found.message.is_empty() && found.severity == Severity::Fatal, "{rule}");
    }
}

#[test]
fn a_third_decimal_has_no_form_unless_it_is_zero() {
    let mut made = document(3, Kind::CreditNote, "danish", "danish-company", "Z", "KWD");
    made.document.amount = billing::money::Money::new(-4_001, made.document.currency);
    let findings = write(made.source(), Format::En16931Ubl).unwrap_err();
    assert_eq!(findings[0].rule, "BR-DEC-14");
    assert_eq!(findings[0].field.as_deref(), Some("amount"));
    // It may be booked for all that.
    assert_eq!(check_booking(made.source()), []);
}

#[test]
fn a_booking_asks_for_no_network() {
    // Nobody can send this over Peppol: no endpoint, no reference. It may be booked.
    let mut made = made("danish-private", "S");
    made.document.head.reference = None;
    made.document.number = None;
    assert_eq!(check_booking(made.source()), []);
    assert!(write(made.source(), Format::PeppolBis3).is_err());
    // What a company must say of itself is asked by the booking, and not of one that tries things out.
    (made.seller.vat_number, made.seller.registration_number) = (None, None);
    assert_eq!(check_booking(made.source()), []);
    // What the law wants of the document binds.
    made.document.groups[0].exemption_reason = Some("none for a rate".to_owned());
    assert_eq!(
        check_booking(made.source()).iter().map(|finding| finding.rule.as_str()).collect::<Vec<_>>(),
        ["BR-S-10"]
    );
}

#[test]
fn a_credit_note_without_its_invoice_is_warned_of() {
    let mut made = document(11, Kind::CreditNote, "danish", "danish-company", "S", "DKK");
    made.preceding.clear();
    made.document.head.external_invoice = None;
    (made.document.head.period_start, made.document.head.period_end) = (None, None);
    let rules = |made: &Made| -> Vec<String> {
        einvoice::check(made.source(), Format::PeppolBis3).into_iter().map(|finding| finding.rule).collect()
    };
    assert_eq!(rules(&made), ["LAW-DK-58"]);
    made.document.head.credited_period =
        Some((crate::documents::day("2026-01-01"), crate::documents::day("2026-03-31")));
    assert_eq!(rules(&made), Vec::<String>::new());
}

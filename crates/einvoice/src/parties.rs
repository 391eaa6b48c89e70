//! Seller, buyer and how it is paid (BG-4 to BG-9, BG-16 to BG-17), and the
//! schemes of their identifiers.

use billing::country::Country;
use billing::document::{Buyer, Document, Seller};
use en16931::Identifier;
use en16931::invoice::{Code, Contact, CreditTransfer, Party, PaymentInstructions, PaymentMeans, PostalAddress};

use crate::Format;
use crate::xml::plain;

/// BG-4. `contact` is our own reference: the person or desk that answers for the document.
pub(crate) fn seller(seller: &Seller, contact: Option<&str>, is_outside_vat: bool) -> Party {
    let name = plain(&seller.name);
    let country = seller.country_code.as_str();
    let vat = seller.vat_number.as_deref().and_then(vat_identifier);
    let registration = registration(country, seller.registration_number.as_deref(), vat.as_deref());
    let (phone, email) = (maybe(&seller.phone), maybe(&seller.email));
    let contact = contact.and_then(plain);
    let answers = contact.is_some() || phone.is_some() || email.is_some();
    Party {
        contact: if answers {
            Contact { name: contact.or_else(|| name.clone()), phone, email }
        } else {
            Contact::default()
        },
        name,
        electronic_address: endpoint(
            seller.ean_number.as_deref().filter(|_| seller.peppol_endpoint.is_none()),
            seller.peppol_endpoint.as_deref(),
            registration.as_ref(),
        ),
        legal_registration: registration,
        // EN 16931 BR-O-02: a document outside the scope of VAT names no VAT number.
        vat_identifier: vat.filter(|_| !is_outside_vat),
        address: address(&seller.address, None, &seller.city, &seller.postal_code, country),
        ..Party::default()
    }
}

/// BG-7.
pub(crate) fn buyer(buyer: &Buyer, is_outside_vat: bool, format: Format) -> Party {
    let country = buyer.country_code.as_str();
    let number = buyer.vat_number.as_deref();
    let vat = number.and_then(vat_identifier);
    let registration = registration(country, buyer.registration_number.as_deref(), vat.as_deref());
    // A number without its country's prefix is no VAT identifier (BR-CO-09); it still says who it is.
    let other = number.filter(|_| vat.is_none()).and_then(plain).map(Identifier::new);
    let email = maybe(&buyer.email);
    // German practice: a receiver without an address of its own is reached by mail (EAS code EM).
    let by_mail = email.clone().filter(|_| format == Format::Xrechnung).map(|email| Identifier::schemed(email, "EM"));
    let contact_name = maybe(&buyer.contact_name);
    Party {
        name: plain(&buyer.name),
        identifiers: other.into_iter().collect(),
        electronic_address: endpoint(
            buyer.ean_number.as_deref(),
            buyer.peppol_endpoint.as_deref(),
            registration.as_ref(),
        )
        .or(by_mail),
        legal_registration: registration,
        vat_identifier: vat.filter(|_| !is_outside_vat),
        address: address(&buyer.address, buyer.department_name.as_ref(), &buyer.city, &buyer.postal_code, country),
        contact: Contact { name: contact_name, phone: None, email },
        ..Party::default()
    }
}

fn maybe(text: &Option<String>) -> Option<String> {
    text.as_deref().and_then(plain)
}

fn address(
    street: &Option<String>,
    second: Option<&String>,
    city: &Option<String>,
    postal_code: &Option<String>,
    country: &str,
) -> PostalAddress {
    PostalAddress {
        line1: maybe(street),
        line2: second.and_then(|text| plain(text)),
        city: maybe(city),
        post_code: maybe(postal_code),
        country: Some(Code::new(country)),
        ..PostalAddress::default()
    }
}

/// A VAT number as BT-31 and BT-48 want it: its country's prefix and no signs between; `None` without a prefix.
fn vat_identifier(number: &str) -> Option<String> {
    let number: String = number.chars().filter(char::is_ascii_alphanumeric).collect();
    let prefix = number.get(..2)?;
    let is_prefix = prefix.bytes().all(|b| b.is_ascii_uppercase());
    // Greece writes EL; Northern Ireland trades goods in the EU as XI.
    let is_known = is_prefix && (matches!(prefix, "EL" | "XI") || Country::parse(prefix).is_some());
    (is_known && number.len() > 2).then_some(number)
}

/// BT-30 and BT-47 with the scheme of the country's register (ISO 6523), where it is one we know.
fn registration(country: &str, number: Option<&str>, vat: Option<&str>) -> Option<Identifier> {
    let number = number.and_then(plain);
    // A Danish VAT number is the CVR number behind DK.
    let number = number.or_else(|| Some(vat.filter(|_| country == "DK")?.strip_prefix("DK")?.to_owned()))?;
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let is_bare = |length| digits.len() == length && number.chars().all(|c| c.is_ascii_digit() || " -.".contains(c));
    Some(match country {
        // Peppol DK-R-014 and DK-R-017.
        "DK" if digits.len() == 8
            && number.trim_start_matches("DK").chars().all(|c| c.is_ascii_digit() || c == ' ') =>
        {
            Identifier::schemed(digits, "0184")
        }
        "NO" if is_bare(9) => Identifier::schemed(digits, "0192"),
        "SE" if is_bare(10) => Identifier::schemed(digits, "0007"),
        _ => Identifier::new(number),
    })
}

/// BT-34 and BT-49: the GLN, else the Peppol endpoint, else the number in the Danish register,
/// under which NemHandel knows every company.
fn endpoint(gln: Option<&str>, peppol: Option<&str>, registration: Option<&Identifier>) -> Option<Identifier> {
    let gln = gln.and_then(plain).map(|gln| Identifier::schemed(gln, "0088"));
    let peppol = || peppol?.split_once(':').map(|(scheme, number)| Identifier::schemed(number, scheme));
    let cvr = || registration.filter(|registration| registration.scheme() == Some("0184")).cloned();
    gln.or_else(peppol).or_else(cvr)
}

/// BG-16 of an invoice; a credit note asks for no payment. Between Danish parties the codes are
/// those of DK-R-005: 42 to a domestic account, 31 to an IBAN with its bank, else 58.
pub(crate) fn payment(
    seller: &Seller,
    buyer: &Buyer,
    document: &Document,
    format: Format,
) -> Option<PaymentInstructions> {
    let plainly = |code: &str| PaymentInstructions { means_code: Some(Code::new(code)), ..Default::default() };
    if document.kind.sign() < 0 {
        // German rules want instructions always (BR-DE-1, Peppol DE-R-001): clearing between partners.
        let is_german = seller.country_code == "DE" && buyer.country_code == "DE";
        let asks = format == Format::Xrechnung || format == Format::PeppolBis3 && is_german;
        return asks.then(|| plainly("97"));
    }
    let is_danish = seller.country_code == "DK" && buyer.country_code == "DK";
    let iban = seller.iban.as_deref().map(|iban| iban.replace(' ', "")).and_then(|iban| plain(&iban));
    let bic = maybe(&seller.bic);
    let domestic = seller.bank_account.as_deref().and_then(danish_account).filter(|_| seller.country_code == "DK");
    let (code, account, bank) = match (domestic, iban) {
        (Some((bank, account)), iban) if is_danish || iban.is_none() => {
            (if is_danish { "42" } else { "30" }, account, Some(bank))
        }
        (_, Some(iban)) if is_danish => (if bic.is_some() { "31" } else { "58" }, iban, bic),
        (_, Some(iban)) => (if document.currency.code() == "EUR" { "58" } else { "30" }, iban, bic),
        (_, None) => {
            let account = maybe(&seller.bank_account).filter(|_| !is_danish)?;
            ("30", account, bic)
        }
    };
    let number = document.number.as_ref().map(|number| number.text.clone());
    Some(PaymentInstructions {
        means_code: Some(Code::new(code)),
        means_text: None,
        remittance_information: number.as_deref().and_then(plain),
        means: Some(PaymentMeans::CreditTransfer(vec![CreditTransfer {
            account_identifier: Some(account),
            account_name: None,
            provider_identifier: bank,
        }])),
    })
}

/// Registration number of the bank (four digits) and account (ten) of a Danish account number.
fn danish_account(text: &str) -> Option<(String, String)> {
    let is_account = text.chars().all(|c| c.is_ascii_digit() || " -.".contains(c));
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if !is_account || !(5..=14).contains(&digits.len()) {
        return None;
    }
    let (bank, account) = digits.split_at(4);
    Some((bank.to_owned(), format!("{account:0>10}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_take_the_form_of_their_scheme() {
        for (number, expected) in [
            ("DK 24 25 67 90", Some("DK24256790")),
            ("CHE-116.281.710 MWST", Some("CHE116281710MWST")),
            ("EL094014201", Some("EL094014201")),
            ("12-3456789", None),
            ("ZZ1", None),
            ("DK", None),
        ] {
            assert_eq!(vat_identifier(number).as_deref(), expected, "{number}");
        }
        for (country, number, vat, expected) in [
            ("DK", Some("24256790"), None, Some(Identifier::schemed("24256790", "0184"))),
            ("DK", None, Some("DK24256790"), Some(Identifier::schemed("24256790", "0184"))),
            ("DK", Some("A/S 1"), None, Some(Identifier::new("A/S 1"))),
            ("NO", Some("974 760 673"), None, Some(Identifier::schemed("974760673", "0192"))),
            ("SE", Some("556188-8404"), None, Some(Identifier::schemed("5561888404", "0007"))),
            ("DE", Some("HRB 123"), Some("DE136695976"), Some(Identifier::new("HRB 123"))),
            ("DE", None, Some("DE136695976"), None),
        ] {
            assert_eq!(registration(country, number, vat), expected, "{country} {number:?}");
        }
    }

    #[test]
    fn a_danish_account_has_a_bank_and_ten_digits() {
        let account = |bank: &str, account: &str| Some((bank.to_owned(), account.to_owned()));
        assert_eq!(danish_account("0400 0440116243"), account("0400", "0440116243"));
        assert_eq!(danish_account("0400-116243"), account("0400", "0000116243"));
        assert_eq!(danish_account("DK5000400440116243"), None);
    }
}

//! Numbers that identify companies, places and accounts: their form and, where the
//! rule is public, their check digit. Nothing is looked up.

use crate::country::Country;

fn digits(text: &str) -> Option<Vec<u32>> {
    text.chars().map(|c| c.to_digit(10)).collect()
}

/// A Danish CVR number: 8 digits, modulus 11 with weights 2 7 6 5 4 3 2 1 (Erhvervsstyrelsen).
pub fn is_cvr(text: &str) -> bool {
    const WEIGHTS: [u32; 8] = [2, 7, 6, 5, 4, 3, 2, 1];
    match digits(text) {
        Some(digits) if digits.len() == 8 && digits[0] != 0 => {
            digits.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum::<u32>() % 11 == 0
        }
        _ => false,
    }
}

/// A GLN (EAN location number): 13 digits, the last a GS1 check digit.
pub fn is_gln(text: &str) -> bool {
    match digits(text) {
        Some(digits) if digits.len() == 13 => {
            let sum: u32 = digits.iter().enumerate().map(|(at, digit)| digit * if at % 2 == 0 { 1 } else { 3 }).sum();
            sum.is_multiple_of(10)
        }
        _ => false,
    }
}

/// A Peppol endpoint as `0184:12345678`: a scheme of four digits and a number; GLN and CVR are checked.
pub fn is_peppol_endpoint(text: &str) -> bool {
    let Some((scheme, number)) = text.split_once(':') else { return false };
    let has_form = scheme.len() == 4
        && scheme.bytes().all(|b| b.is_ascii_digit())
        && (1..=50).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    match scheme {
        _ if !has_form => false,
        "0088" => is_gln(number),
        "0184" => is_cvr(number.strip_prefix("DK").unwrap_or(number)),
        _ => true,
    }
}

/// An IBAN: country, check digits and the country's length (ISO 13616), modulus 97 (ISO 7064).
pub fn is_iban(text: &str) -> bool {
    let text: String = text.chars().filter(|c| *c != ' ').collect();
    let has_form = (15..=34).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        && text.as_bytes()[..2].iter().all(u8::is_ascii_uppercase)
        && text.as_bytes()[2..4].iter().all(u8::is_ascii_digit);
    if !has_form || iban_length(&text[..2]).is_some_and(|length| length != text.len()) {
        return false;
    }
    let turned = text[4..].chars().chain(text[..4].chars());
    let rest = turned.fold(0_u32, |rest, c| match c.to_digit(36) {
        Some(value) if value > 9 => (rest * 100 + value) % 97,
        Some(value) => (rest * 10 + value) % 97,
        None => rest,
    });
    rest == 1
}

fn iban_length(country: &str) -> Option<usize> {
    const LENGTHS: [(&str, usize); 34] = [
        ("AT", 20),
        ("BE", 16),
        ("BG", 22),
        ("CH", 21),
        ("CY", 28),
        ("CZ", 24),
        ("DE", 22),
        ("DK", 18),
        ("EE", 20),
        ("ES", 24),
        ("FI", 18),
        ("FO", 18),
        ("FR", 27),
        ("GB", 22),
        ("GL", 18),
        ("GR", 27),
        ("HR", 21),
        ("HU", 28),
        ("IE", 22),
        ("IS", 26),
        ("IT", 27),
        ("LI", 21),
        ("LT", 20),
        ("LU", 20),
        ("LV", 21),
        ("MT", 31),
        ("NL", 18),
        ("NO", 15),
        ("PL", 28),
        ("PT", 25),
        ("RO", 24),
        ("SE", 24),
        ("SI", 19),
        ("SK", 24),
    ];
    LENGTHS.iter().find(|(code, _)| *code == country).map(|(_, length)| *length)
}

/// An e-mail address: one `@`, a local part without blanks, a domain with a point. Whether anyone reads it, mail tells.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_local = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (1..=64).contains(&local.len())
        && local.bytes().all(is_local)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.len() <= 253
        && domain.contains('.')
        && domain.split('.').all(is_label)
}

/// A VAT number, its country's prefix apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VatNumber {
    /// The country's code, `GR` where the number begins with `EL`.
    pub country: String,
    /// What follows the prefix.
    pub number: String,
}

/// A text that is no VAT number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoVatNumber {
    /// It begins with no country that numbers so.
    #[error("a VAT number begins with its country, as DK")]
    Country,
    /// It has not its country's form.
    #[error("the number has not its country's form")]
    Form,
    /// Its check digit is wrong.
    #[error("the number's check digit is wrong")]
    CheckDigit,
}

/// Reads a VAT number: its form for all countries of the EU and a few more (Commission,
/// VIES, "VAT number structure"), its check digit where the rule is public and short.
///
/// # Errors
/// What is wrong with it.
pub fn vat_number(text: &str) -> Result<VatNumber, NoVatNumber> {
    let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '.' | '-')).collect();
    if !plain.is_ascii() || plain.len() < 4 {
        return Err(NoVatNumber::Country);
    }
    let (prefix, number) = plain.split_at(2);
    let forms = FORMS.iter().find(|(code, _)| *code == prefix).map(|(_, forms)| *forms).ok_or(NoVatNumber::Country)?;
    if !forms.iter().any(|form| fits(number, form)) {
        return Err(NoVatNumber::Form);
    }
    if !has_check_digit(prefix, number) {
        return Err(NoVatNumber::CheckDigit);
    }
    let country = if prefix == "EL" { "GR" } else { prefix };
    Ok(VatNumber { country: country.to_owned(), number: number.to_owned() })
}

/// `9` a digit, `A` a letter, `X` either, `*` a letter, digit, `+` or `*`; anything else is itself.
fn fits(number: &str, form: &str) -> bool {
    number.len() == form.len()
        && number.bytes().zip(form.bytes()).all(|(b, form)| match form {
            b'9' => b.is_ascii_digit(),
            b'A' => b.is_ascii_uppercase(),
            b'X' => b.is_ascii_digit() || b.is_ascii_uppercase(),
            b'*' => b.is_ascii_digit() || b.is_ascii_uppercase() || b == b'+' || b == b'*',
            _ => b == form,
        })
}

const FORMS: &[(&str, &[&str])] = &[
    ("AT", &["U99999999"]),
    ("BE", &["0999999999", "1999999999"]),
    ("BG", &["999999999", "9999999999"]),
    ("CH", &["E999999999", "E999999999MWST", "E999999999TVA", "E999999999IVA"]),
    ("CY", &["99999999A"]),
    ("CZ", &["99999999", "999999999", "9999999999"]),
    ("DE", &["999999999"]),
    ("DK", &["99999999"]),
    ("EE", &["999999999"]),
    ("EL", &["999999999"]),
    ("ES", &["X9999999X"]),
    ("FI", &["99999999"]),
    ("FR", &["XX999999999"]),
    ("GB", &["999999999", "999999999999", "GD999", "HA999"]),
    ("HR", &["99999999999"]),
    ("HU", &["99999999"]),
    ("IE", &["9*99999A", "9999999A", "9999999AA"]),
    ("IT", &["99999999999"]),
    ("LT", &["999999999", "999999999999"]),
    ("LU", &["99999999"]),
    ("LV", &["99999999999"]),
    ("MT", &["99999999"]),
    ("NL", &["************"]),
    ("NO", &["999999999", "999999999MVA"]),
    ("PL", &["9999999999"]),
    ("PT", &["999999999"]),
    ("RO", &["99", "999", "9999", "99999", "999999", "9999999", "99999999", "999999999", "9999999999"]),
    ("SE", &["999999999999"]),
    ("SI", &["99999999"]),
    ("SK", &["9999999999"]),
    ("XI", &["999999999", "999999999999", "GD999", "HA999"]),
];

/// The check digit where the rule is public: DK (modulus 11), DE and HR (ISO 7064, 11,10),
/// BE (97), FI, PL, PT (modulus 11), IT, SE (Luhn), LU (89). Elsewhere the form decides.
fn has_check_digit(prefix: &str, number: &str) -> bool {
    let Some(d) = digits(number) else { return true };
    let weighted = |weights: &[u32]| d.iter().zip(weights).map(|(digit, weight)| digit * weight).sum::<u32>();
    let value = || number.parse::<u64>().unwrap_or_default();
    match prefix {
        "DK" => is_cvr(number),
        "DE" | "HR" => {
            let (last, first) = d.split_last().unwrap_or((&0, &[]));
            let product = first.iter().fold(10, |product, digit| {
                let sum = (digit + product) % 10;
                (if sum == 0 { 10 } else { sum }) * 2 % 11
            });
            (11 - product) % 10 == *last
        }
        "BE" => 97 - (value() / 100) % 97 == value() % 100,
        "LU" => (value() / 100) % 89 == value() % 100,
        "FI" => match weighted(&[7, 9, 10, 5, 8, 4, 2]) % 11 {
            0 => d[7] == 0,
            1 => false,
            rest => d[7] == 11 - rest,
        },
        "PL" => weighted(&[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == d[9],
        "PT" => {
            let check = 11 - weighted(&[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
            d[8] == if check > 9 { 0 } else { check }
        }
        "IT" => luhn(&d),
        "SE" => luhn(&d[..10]),
        _ => true,
    }
}

fn luhn(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(at, digit)| if at % 2 == 1 { doubled(*digit) } else { *digit }).sum();
    sum.is_multiple_of(10)
}

/// What VAT numbers of a country begin with, where it has any.
pub fn vat_prefix(country: &str) -> Option<&'static str> {
    Country::parse(country).and_then(|country| country.vat_prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_a_wrong_digit_are_refused() {
        // The tax authority's and known companies' published numbers; then one digit moved.
        for (check, good, bad) in [
            (is_cvr as fn(&str) -> bool, "19552101", "19552102"),
            (is_cvr, "24256790", "24256970"),
            (is_gln, "5790000435975", "5790000435976"),
            (is_iban, "DK5000400440116243", "DK5000400440116244"),
            (is_iban, "GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 33"),
            (is_email, "a.b+c@example.dk", "a b@example.dk"),
            (is_email, "x@y.dk", "x@y"),
            (is_peppol_endpoint, "0184:24256790", "0184:24256791"),
        ] {
            assert!(check(good), "{good}");
            assert!(!check(bad), "{bad}");
        }
    }

    #[test]
    fn vat_numbers_are_checked_by_their_country() {
        for good in [
            "DK24256790",
            "DE136695976",
            "BE0428759497",
            "IT00743110157",
            "SE556188840401",
            "EL123456789",
            "NL004495445B01",
            "FI20774740",
            "PL8567346215",
            "LU15027442",
            "PT501964843",
        ] {
            assert!(vat_number(good).is_ok(), "{good}: {:?}", vat_number(good));
        }
        assert_eq!(vat_number("DK 24 25 67 90").map(|n| n.number), Ok("24256790".to_owned()));
        assert_eq!(vat_number("EL123456789").map(|n| n.country), Ok("GR".to_owned()));
        assert_eq!(vat_number("DE136695978"), Err(NoVatNumber::CheckDigit));
        assert_eq!(vat_number("24256790"), Err(NoVatNumber::Country));
        assert_eq!(vat_number("DK2425679"), Err(NoVatNumber::Form));
    }
}

//! Numbers that identify companies, places and accounts: their form and, where the
//! rule is public, their check digit. Nothing is looked up. VAT numbers stand in
//! [`vat_numbers`](crate::vat_numbers).

pub(crate) fn digits(text: &str) -> Option<Vec<u32>> {
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

/// A BIC: four letters of the bank, two of the country, two letters or digits of the place, and of the
/// branch three or none (ISO 9362).
pub fn is_bic(text: &str) -> bool {
    let bytes = text.as_bytes();
    (bytes.len() == 8 || bytes.len() == 11)
        && bytes[..6].iter().all(u8::is_ascii_uppercase)
        && bytes[6..].iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
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
            (is_bic, "DABADKKK", "DABADKK"),
            (is_bic, "NDEAFIHHXXX", "NDEA1IHHXXX"),
        ] {
            assert!(check(good), "{good}");
            assert!(!check(bad), "{bad}");
        }
    }
}

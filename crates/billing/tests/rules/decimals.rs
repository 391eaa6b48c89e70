//! Decimals from their literal digits, against arithmetic on the digits themselves.

use billing::input::{Quantity, decimal};
use proptest::prelude::*;
use rust_decimal::Decimal;

/// Sign, significant digits and the power of ten of the last one; nothing rounded.
fn exact(text: &str) -> (bool, String, i64) {
    let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (base, power) = text.split_once(['e', 'E']).map_or((text, 0), |(base, power)| (base, power.parse().unwrap()));
    let (whole, part) = base.split_once('.').unwrap_or((base, ""));
    reduced(is_negative, &format!("{whole}{part}"), power - part.len() as i64)
}

fn reduced(is_negative: bool, digits: &str, power: i64) -> (bool, String, i64) {
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return (false, String::new(), 0);
    }
    (is_negative, significant.to_owned(), power + (digits.len() - significant.len()) as i64)
}

fn of(value: Decimal) -> (bool, String, i64) {
    reduced(value.is_sign_negative(), &value.mantissa().unsigned_abs().to_string(), -i64::from(value.scale()))
}

fn cases() -> u32 {
    std::env::var("LEDGERBEE_FUZZ_DECIMALS").ok().and_then(|count| count.parse().ok()).unwrap_or(20_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// What is read is what was written, to the last digit; what can't be kept is not read at all.
    #[test]
    fn no_digit_is_rounded_away(text in "-?[0-9]{1,30}(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?") {
        let wanted = exact(&text);
        match decimal(&text) {
            Some(value) => {
                prop_assert_eq!(of(value), wanted.clone());
                // And printed and read again it is the same.
                prop_assert_eq!(decimal(&value.to_string()), Some(value));
            }
            None => {
                let (_, digits, power) = wanted;
                let fits = digits.len() <= 28 && power >= -28 && digits.len() as i64 + power <= 28;
                prop_assert!(!fits || text.len() > 40, "{} was refused", text);
            }
        }
    }

    /// Whatever it is: it is a decimal or none, and what is one here is one in a body, also written with escapes.
    #[test]
    fn nothing_breaks_it(text in "\\PC{0,12}|[-+.0-9eE_ ]{0,12}") {
        let in_body = |json: String| serde_json::from_str::<Quantity>(&json).ok().map(|quantity| quantity.0);
        let read = decimal(&text).map(|value| value.normalize());
        prop_assert_eq!(in_body(serde_json::to_string(&text).unwrap()), read);
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        prop_assert_eq!(in_body(format!("\"{escaped}\"")), read);
    }
}

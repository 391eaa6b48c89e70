//! Money: exact products, one rounding, as many decimals as the currency has.

use billing::money::{Currency, Exact, LARGEST, Money, TooLarge};
use billing::money::{convert, line_total, parse_amount, percent_of};
use rust_decimal::Decimal;

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn currency(code: &str) -> Currency {
    code.parse().unwrap()
}

fn money(minor: i64, code: &str) -> Money {
    Money::new(minor, currency(code))
}

#[test]
fn a_line_total_is_rounded_once_from_the_exact_product() {
    let cases = [
        // quantity, unit price, discount %, currency, total
        ("1", "12.345", "0", "DKK", "12.35"),     // half goes away from zero
        ("1", "12.344999", "0", "DKK", "12.34"),  // a hair below half does not
        ("3", "33.333333", "0", "DKK", "100.00"), // 99.999999
        ("0.5", "0.01", "0", "DKK", "0.01"),      // half a cent
        ("0.1", "0.01", "0", "DKK", "0.00"),      // a tenth of one
        ("3", "0.05", "50", "DKK", "0.08"),       // 0.075; rounding the discounted price first gives 0.09
        ("7", "19.99", "12.5", "DKK", "122.44"),  // 139.93 × 0.875 = 122.43875
        ("1", "0.01", "100", "DKK", "0.00"),      // all of it off
        ("1.5", "333", "0", "JPY", "500"),        // 499.5 in a currency without decimals
        ("3", "1.0005", "0", "KWD", "3.002"),     // 3.0015 in one with three
        // The largest quantity, discount kept to four decimals, four decimals of currency:
        // 9999999.999999 × 0.5 × 0.999999 = 4999994.9999995… → the fourth decimal is whole.
        ("9999999.999999", "0.5", "0.0001", "CLF", "4999995.0000"),
    ];
    for (quantity, price, discount, code, total) in cases {
        let found = line_total(number(quantity), number(price), number(discount), currency(code));
        assert_eq!(found.unwrap().to_string(), total, "{quantity} × {price} less {discount} %");
    }
}

#[test]
fn a_credited_amount_mirrors_the_billed_one() {
    let exact = |text: &str| Money::round(Exact::from(number(text)), Currency::DKK).unwrap();
    assert_eq!(exact("12.345").to_string(), "12.35");
    assert_eq!(exact("-12.345").to_string(), "-12.35");
    assert!((exact("12.345") + exact("-12.345")).is_zero());
    // Bankers' rounding or half-up would leave a cent between them here too.
    assert_eq!(exact("-12.335").to_string(), "-12.34");
}

#[test]
fn the_largest_input_is_refused_not_wrapped() {
    let (quantity, price) = (number("9999999.999999"), number("999999999.999999"));
    for code in ["JPY", "DKK", "KWD", "CLF"] {
        // 10^16 whole units are beyond 10^15 minor units of any currency.
        let total = line_total(quantity, price, number("0.0001"), currency(code));
        assert_eq!(total, Err(TooLarge), "{code}");
    }
    let whole = number("10000000000000");
    let at_the_limit = line_total(number("1"), whole, number("0"), Currency::DKK);
    assert_eq!(at_the_limit, Ok(money(LARGEST, "DKK")));
    let beyond = line_total(number("1"), whole + number("0.01"), number("0"), Currency::DKK);
    assert_eq!(beyond, Err(TooLarge));
}

#[test]
fn vat_is_a_percentage_of_the_sum() {
    let cases = [
        // rate, base, VAT
        ("25", 26_800, 6_700),
        ("25", 2, 1),   // half a cent goes away from zero
        ("25", -2, -1), // on both sides
        ("5.5", 1_000, 55),
        ("8.1", 999, 81), // 80.919
        ("0", 12_345, 0),
        ("100", LARGEST, LARGEST),
    ];
    for (rate, base, vat) in cases {
        assert_eq!(percent_of(number(rate), money(base, "DKK")).minor(), vat, "{rate} % of {base}");
    }
}

#[test]
fn conversion_crosses_decimals_and_rounds_once() {
    let cases = [
        // amount, rate, in
        (money(10_000, "EUR"), "7.4604", "DKK", "746.04"),
        (money(-10_000, "EUR"), "7.4604", "DKK", "-746.04"),
        (money(5_000, "JPY"), "0.0435", "DKK", "217.50"), // ¥5000, no decimals of its own
        (money(1_001, "KWD"), "22.5", "DKK", "22.52"),    // 1.001 × 22.5 = 22.5225
        (money(10_000, "DKK"), "22.9885057471", "JPY", "2299"), // 2298.85…
        // A rate of ten decimals on the largest amount: the products stay exact.
        (money(LARGEST, "DKK"), "0.1340482575", "EUR", "1340482575000.00"),
    ];
    for (amount, rate, to, expected) in cases {
        let found = convert(amount, number(rate), currency(to)).unwrap();
        assert_eq!(found.to_string(), expected, "{amount} at {rate}");
    }
    assert_eq!(convert(money(LARGEST, "EUR"), number("7.46"), Currency::DKK), Err(TooLarge));
}

#[test]
fn an_amount_has_at_most_the_decimals_of_its_currency() {
    let cases = [
        ("1", "DKK", Some("1.00")),
        ("1.50", "DKK", Some("1.50")),
        ("1.505", "DKK", None),
        ("1.500", "DKK", Some("1.50")), // a trailing zero says nothing
        ("-0.00", "DKK", Some("0.00")),
        ("150", "JPY", Some("150")),
        ("150.5", "JPY", None),
        ("1.505", "KWD", Some("1.505")),
        ("10000000000000.00", "DKK", Some("10000000000000.00")),
        ("10000000000000.01", "DKK", None), // beyond 10^15 minor units
    ];
    for (text, code, expected) in cases {
        let found = parse_amount(number(text), currency(code)).map(|amount| amount.to_string());
        assert_eq!(found.as_deref(), expected, "{text} {code}");
    }
}

#[test]
fn money_prints_exactly_its_decimals_and_never_a_negative_zero() {
    let cases =
        [(-30_000, "DKK", "-300.00"), (-5, "DKK", "-0.05"), (-0, "DKK", "0.00"), (7, "JPY", "7"), (7, "KWD", "0.007")];
    for (minor, code, text) in cases {
        assert_eq!(money(minor, code).to_string(), text);
        assert_eq!((-money(-minor, code)).to_string(), text);
    }
}

#[test]
fn amounts_of_one_currency_add_up_and_compare() {
    let sum = Money::sum(Currency::DKK, [money(100, "DKK"), money(-30, "DKK")]);
    assert_eq!(sum, money(70, "DKK"));
    assert_eq!(Money::sum(Currency::DKK, []), Money::zero(Currency::DKK));
    assert!(money(1, "DKK") < money(2, "DKK"));
    assert_eq!(money(1, "DKK").partial_cmp(&money(2, "EUR")), None);
    assert_eq!(money(5, "DKK").min(money(3, "DKK")), money(3, "DKK"));
}

#[test]
#[should_panic(expected = "two currencies")]
fn adding_two_currencies_is_a_bug() {
    let _ = money(1, "DKK") + money(1, "EUR");
}

#[test]
fn only_money_is_a_currency() {
    // Metals, the IMF's drawing rights, the test code, no currency, a unit of account, no code.
    for code in ["XAU", "XDR", "XTS", "XXX", "XAD", "dkk", "DK", "DKKK", "ABC", ""] {
        assert_eq!(Currency::parse(code), None, "{code}");
    }
    let exponents = [("DKK", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)];
    for (code, exponent) in exponents {
        assert_eq!(currency(code).exponent(), exponent, "{code}");
        assert_eq!(serde_json::to_string(&currency(code)).unwrap(), format!("\"{code}\""));
        assert_eq!(serde_json::from_str::<Currency>(&format!("\"{code}\"")).unwrap(), currency(code));
    }
    // By code, though the list of ISO 4217 is kept in another order.
    assert!(currency("AOA") < currency("XCG"));
    assert!(serde_json::from_str::<Currency>("\"XXX\"").is_err());
}

#[test]
fn an_exact_number_survives_proration() {
    // 299.00 for 17 of 31 days, then a third of it: 54.655…, rounded once at the end.
    let exact = Exact::from(money(29_900, "DKK")).times(17).unwrap().over(31).unwrap().over(3).unwrap();
    assert_eq!(Money::round(exact, Currency::DKK).unwrap().to_string(), "54.66");
    // 1/3 + 1/6 = 1/2, exactly: half a krone is 0.50 and rounds nothing.
    let half = Exact::from(1).over(3).unwrap().plus(Exact::from(1).over(6).unwrap()).unwrap();
    assert_eq!(Money::round(half, Currency::DKK).unwrap().to_string(), "0.50");
    // What cancels is exact, though the products on the way would be too large for i128.
    let long = number("1.2345678901234567890123456789");
    let back = Exact::from(long).over(long).unwrap().times(long).unwrap().over(long).unwrap();
    assert_eq!(Money::round(back, Currency::DKK).unwrap().to_string(), "1.00");
    // What does not even fit in lowest terms is refused, never wrong.
    assert!(Exact::from(long).times(long).is_err());
}

//! Money: whole minor units of one currency, and the only road from exact
//! products to them (`Money::round`, half away from zero, so that a credit
//! note cancels its invoice to the last unit). Never a float, and never two
//! currencies in one sum.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The largest amount there is, in minor units. A line, total or balance beyond it is refused.
pub const LARGEST: i64 = 1_000_000_000_000_000;

/// An exact amount in the minor units of its currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// So many minor units.
    pub const fn new(minor: i64, currency: Currency) -> Money {
        Money { minor, currency }
    }

    /// Nothing, of a currency.
    pub const fn zero(currency: Currency) -> Money {
        Money { minor: 0, currency }
    }

    /// An exact number of whole units made money: rounded once, half away from zero.
    ///
    /// # Errors
    /// `TooLarge` beyond `LARGEST` minor units.
    pub fn round(exact: Exact, currency: Currency) -> Result<Money, TooLarge> {
        let minor = exact.times(minor_units(currency))?.rounded();
        match i64::try_from(minor) {
            Ok(minor) if minor.abs() <= LARGEST => Ok(Money { minor, currency }),
            _ => Err(TooLarge),
        }
    }

    /// The sum of amounts, all of this currency.
    pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Money>) -> Money {
        amounts.into_iter().fold(Money::zero(currency), Add::add)
    }

    /// How many minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// Of which currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The amount in whole units, with exactly the currency's decimals.
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.exponent())
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Whether it is below zero.
    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// The amount without its sign.
    #[must_use]
    pub const fn abs(self) -> Money {
        Money { minor: self.minor.abs(), currency: self.currency }
    }

    /// The smaller of two amounts of one currency.
    #[must_use]
    pub fn min(self, other: Money) -> Money {
        assert_eq!(self.currency, other.currency, "amounts of two currencies are never compared");
        Money { minor: self.minor.min(other.minor), currency: self.currency }
    }
}

/// Decimal text with exactly the currency's decimals: `-300.00`, and `0.00` never `-0.00`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.decimal().fmt(f)
    }
}

/// Amounts of two currencies have no order.
impl PartialOrd for Money {
    fn partial_cmp(&self, other: &Money) -> Option<Ordering> {
        (self.currency == other.currency).then(|| self.minor.cmp(&other.minor))
    }
}

impl Add for Money {
    type Output = Money;
    fn add(self, other: Money) -> Money {
        assert_eq!(self.currency, other.currency, "amounts of two currencies are never added");
        let minor = self.minor.checked_add(other.minor).expect("amounts are bounded far below i64");
        Money { minor, currency: self.currency }
    }
}

impl Sub for Money {
    type Output = Money;
    fn sub(self, other: Money) -> Money {
        self + -other
    }
}

impl Neg for Money {
    type Output = Money;
    fn neg(self) -> Money {
        Money { minor: -self.minor, currency: self.currency }
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Money) {
        *self = *self + other;
    }
}

impl SubAssign for Money {
    fn sub_assign(&mut self, other: Money) {
        *self = *self - other;
    }
}

/// Quantity × unit price × (1 − discount), exactly, and rounded once.
///
/// With the bounds of the input (quantity 7 + 6 digits, unit price 9 + 6, discount
/// at most 100 with 4 decimals) the product stays below 10^38 and fits `i128`.
///
/// # Errors
/// `TooLarge` beyond `LARGEST` minor units.
pub fn line_total(
    quantity: Decimal,
    unit_price: Decimal,
    discount_percent: Decimal,
    currency: Currency,
) -> Result<Money, TooLarge> {
    discounted(Exact::from(quantity).times(unit_price)?, discount_percent, currency)
}

/// What a quantity comes to less discount, rounded once.
///
/// # Errors
/// `TooLarge` beyond `LARGEST` minor units.
pub fn discounted(gross: Exact, discount_percent: Decimal, currency: Currency) -> Result<Money, TooLarge> {
    let kept = Decimal::ONE_HUNDRED - discount_percent;
    Money::round(gross.times(kept)?.over(100)?, currency)
}

/// So many percent of an amount, rounded half away from zero: the VAT of a group.
pub fn percent_of(rate: Decimal, base: Money) -> Money {
    Money { minor: percent_of_minor(rate, base.minor), currency: base.currency }
}

/// The same on bare minor units. The rate is at most 100 with 4 decimals, so that
/// the product fits `i128` and the result `i64`.
pub(crate) fn percent_of_minor(rate: Decimal, minor: i64) -> i64 {
    let exact = Exact::from(rate).times(minor).and_then(|product| product.over(100));
    let rounded = exact.expect("a rate is at most 100 with 4 decimals").rounded();
    i64::try_from(rounded).expect("a rate is at most 100")
}

/// An amount in another currency at so many units of it for 1 unit of its own, rounded once.
///
/// # Errors
/// `TooLarge` beyond `LARGEST` minor units.
pub fn convert(amount: Money, rate: Decimal, to: Currency) -> Result<Money, TooLarge> {
    Money::round(Exact::from(amount).times(rate)?, to)
}

/// A decimal as an amount; `None` if it has more decimals than the currency (trailing
/// zeros do not count) or is beyond `LARGEST` minor units.
pub fn parse_amount(amount: Decimal, currency: Currency) -> Option<Money> {
    if amount.normalize().scale() > currency.exponent() {
        return None;
    }
    Money::round(Exact::from(amount), currency).ok()
}

/// An exact number on its way to money: a ratio of two integers, in whole units of
/// the currency. It only becomes an amount through `Money::round`.
#[derive(Clone, Copy, Debug)]
pub struct Exact {
    numerator: i128,
    /// Always above zero.
    denominator: i128,
}

impl Exact {
    /// The product.
    ///
    /// # Errors
    /// `TooLarge` if even in lowest terms it does not fit `i128`.
    pub fn times(self, by: impl Into<Exact>) -> Result<Exact, TooLarge> {
        let by = by.into();
        let direct = |a: Exact, b: Exact| {
            let numerator = a.numerator.checked_mul(b.numerator)?;
            let denominator = a.denominator.checked_mul(b.denominator)?;
            Some(Exact { numerator, denominator })
        };
        // Crossing the denominators first cancels what the two have in common.
        let lowest = || {
            let left = Exact { denominator: by.denominator, ..self }.lowest();
            let right = Exact { denominator: self.denominator, ..by }.lowest();
            let left_own = Exact { denominator: right.denominator, ..left }.lowest();
            let right_own = Exact { denominator: left.denominator, ..right }.lowest();
            direct(left_own, right_own)
        };
        direct(self, by).or_else(lowest).ok_or(TooLarge)
    }

    /// The quotient by a number above zero.
    ///
    /// # Errors
    /// `TooLarge` if even in lowest terms it does not fit `i128`.
    pub fn over(self, by: impl Into<Exact>) -> Result<Exact, TooLarge> {
        let by = by.into();
        assert!(by.numerator > 0, "only numbers above zero divide");
        self.times(Exact { numerator: by.denominator, denominator: by.numerator })
    }

    /// The sum.
    ///
    /// # Errors
    /// `TooLarge` if it does not fit `i128`.
    pub fn plus(self, other: impl Into<Exact>) -> Result<Exact, TooLarge> {
        let (a, b) = (self.lowest(), other.into().lowest());
        let common = greatest_common_divisor(a.denominator, b.denominator);
        let (by_a, by_b) = (b.denominator / common, a.denominator / common);
        let left = a.numerator.checked_mul(by_a);
        let right = b.numerator.checked_mul(by_b);
        let numerator = left.zip(right).and_then(|(left, right)| left.checked_add(right));
        let denominator = a.denominator.checked_mul(by_a);
        let sum = numerator.zip(denominator).ok_or(TooLarge)?;
        Ok(Exact { numerator: sum.0, denominator: sum.1 })
    }

    /// With so many decimals, rounded half away from zero: a price that is shown, never an amount.
    ///
    /// # Errors
    /// `TooLarge` if it does not fit a decimal.
    pub fn decimal(self, decimals: u32) -> Result<Decimal, TooLarge> {
        let rounded = self.times(10_i64.pow(decimals))?.rounded();
        Decimal::try_from_i128_with_scale(rounded, decimals).map_err(|_| TooLarge)
    }

    fn lowest(self) -> Exact {
        let common = greatest_common_divisor(self.numerator, self.denominator);
        Exact { numerator: self.numerator / common, denominator: self.denominator / common }
    }

    fn rounded(self) -> i128 {
        round_ratio(self.numerator, self.denominator)
    }
}

impl From<Decimal> for Exact {
    fn from(number: Decimal) -> Exact {
        // A scale is at most 28, so the power fits.
        Exact { numerator: number.mantissa(), denominator: 10_i128.pow(number.scale()) }
    }
}

impl From<i64> for Exact {
    fn from(number: i64) -> Exact {
        Exact { numerator: i128::from(number), denominator: 1 }
    }
}

/// In whole units, as everywhere in `Exact`.
impl From<Money> for Exact {
    fn from(amount: Money) -> Exact {
        let denominator = i128::from(minor_units(amount.currency));
        Exact { numerator: i128::from(amount.minor), denominator }
    }
}

/// A ratio rounded half away from zero; the denominator is above zero.
pub(crate) fn round_ratio(numerator: i128, denominator: i128) -> i128 {
    let (whole, rest) = (numerator / denominator, numerator % denominator);
    let rest = rest.unsigned_abs();
    // The rest is below the denominator, so twice the rest fits u128.
    if 2 * rest >= denominator.unsigned_abs() { whole + numerator.signum() } else { whole }
}

fn minor_units(currency: Currency) -> i64 {
    10_i64.pow(currency.exponent())
}

fn greatest_common_divisor(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.abs()
}

/// An amount beyond `LARGEST` minor units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an amount is larger than 10^15 minor units")]
pub struct TooLarge;

/// An ISO 4217 currency people pay in: none of the metals, test codes and units of account.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The Danish krone.
    pub const DKK: Currency = Currency(iso_currency::Currency::DKK);
    /// The euro.
    pub const EUR: Currency = Currency(iso_currency::Currency::EUR);

    /// The currency of a code, as `DKK`; `None` if the code means no money.
    pub fn parse(code: &str) -> Option<Currency> {
        let currency = iso_currency::Currency::from_code(code)?;
        let is_money = currency.exponent().is_some() && !currency.is_special();
        is_money.then_some(Currency(currency))
    }

    /// Its code, as `DKK`.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimals its amounts have: 2 for most, 0 for JPY, 3 for KWD, at most 4.
    pub fn exponent(self) -> u32 {
        u32::from(self.0.exponent().expect("only currencies with an exponent are parsed"))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Currency) -> Ordering {
        self.code().cmp(other.code())
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Currency) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A code that is no currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not the ISO 4217 code of a currency")]
pub struct NoCurrency;

impl FromStr for Currency {
    type Err = NoCurrency;
    fn from_str(code: &str) -> Result<Currency, NoCurrency> {
        Currency::parse(code).ok_or(NoCurrency)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
        let code = Cow::<str>::deserialize(deserializer)?;
        code.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Currency {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Currency".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "string", "format": "currency", "maxLength": 3})
    }
}

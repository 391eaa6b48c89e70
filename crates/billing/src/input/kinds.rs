//! The kinds of fields: decimals with bounds, dates, texts that are codes, and
//! the three states of a field in a PATCH.

use std::borrow::Cow;
use std::ops::Deref;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::{Timestamp, Unit};
use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A decimal from its literal digits: a sign, digits, a point, an exponent. Nothing is rounded
/// away: what can't be kept to its last digit is none.
pub fn decimal(text: &str) -> Option<Decimal> {
    if text.len() > 40 {
        return None;
    }
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (base, power) = match unsigned.split_once(['e', 'E']) {
        Some((base, power)) => (base, power.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, part) = match base.split_once('.') {
        Some((_, "")) => return None,
        Some((whole, part)) => (whole, part),
        None => (base, ""),
    };
    if whole.is_empty() || !whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = format!("{whole}{part}");
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some(Decimal::ZERO);
    }
    let mantissa: i128 = significant.parse().ok()?;
    let power = i64::from(power) + whole.len() as i64 - significant.len() as i64;
    let (mantissa, scale) = match u32::try_from(power) {
        Ok(power) => (mantissa.checked_mul(10_i128.checked_pow(power)?)?, 0),
        Err(_) => (mantissa, u32::try_from(-power).ok()?),
    };
    let value = Decimal::try_from_i128_with_scale(mantissa, scale).ok()?;
    Some(if unsigned.len() < text.len() { -value } else { value })
}

/// Reads a decimal from a JSON string or from a number's own digits, never through a float.
fn read_decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?.get();
    // A string may be written with escapes.
    let text = if raw.starts_with('"') { serde_json::from_str(raw).map_err(D::Error::custom)? } else { raw.to_owned() };
    decimal(&text).ok_or_else(|| D::Error::custom("not a decimal"))
}

macro_rules! decimals {
    ($($(#[$doc:meta])* $name:ident $bounds:tt)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Debug)]
        pub struct $name(pub Decimal);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                read_decimal(deserializer).map($name)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": ["string", "number"], "x-decimal": $bounds})
            }
        }

        impl Deref for $name {
            type Target = Decimal;
            fn deref(&self) -> &Decimal {
                &self.0
            }
        }
    )*};
}

decimals! {
    /// How many: above 0, at most 9999999.999999.
    Quantity {"above": "0", "max": "9999999.999999", "scale": 6}
    /// A price of one, excl. VAT: 0 to 999999999.999999.
    UnitPrice {"min": "0", "max": "999999999.999999", "scale": 6}
    /// A price of one, excl. VAT, that is not zero (credit notes).
    PositiveUnitPrice {"above": "0", "max": "999999999.999999", "scale": 6}
    /// An amount of a document: 0 to 10^15.
    Amount {"min": "0", "max": "1000000000000000", "scale": 6}
    /// An amount excl. VAT that is credited: above 0, to 10^15.
    CreditAmount {"above": "0", "max": "1000000000000000", "scale": 6}
    /// An amount that is paid, set off or given up: above 0, to 10^15.
    PositiveAmount {"above": "0", "max": "1000000000000000", "scale": 6}
    /// A percentage, 0 to 100.
    Percent {"min": "0", "max": "100", "scale": 4}
    /// A percentage above 0, to 100.
    PositivePercent {"above": "0", "max": "100", "scale": 4}
    /// An exchange rate: base units per 1 unit, above 0, up to 10 decimals.
    Rate {"above": "0", "max": "999999999", "scale": 10}
}

/// A day as `YYYY-MM-DD`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Day(pub Date);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Day, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        Date::from_str(&text).map(Day).map_err(|_| D::Error::custom("not a date"))
    }
}

/// An instant as ISO 8601.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Moment(pub Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        let at = Timestamp::from_str(&text).map_err(|_| D::Error::custom("not an instant"))?;
        at.round(Unit::Millisecond).map(Moment).map_err(|_| D::Error::custom("not an instant"))
    }
}

macro_rules! coded_texts {
    ($($(#[$doc:meta])* $name:ident($inner:ty) $schema:tt;)*) => {$(
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

/// A text that is not empty, at most `MAX` characters.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(pub String);

impl<const MAX: usize> JsonSchema for Text<MAX> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Text{MAX}").into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "minLength": 1, "maxLength": MAX})
    }
}

impl<const MAX: usize> Deref for Text<MAX> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

macro_rules! formatted {
    ($($(#[$doc:meta])* $name:ident $format:literal $max:literal)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }
    )*
    coded_texts! { $($name(String) {"type": "string", "format": $format, "maxLength": $max};)* }
    };
}

formatted! {
    /// An e-mail address.
    Email "email" 254
    /// An ISO 3166 country code, as `DK`.
    CountryCode "country" 2
    /// An ISO 4217 currency code, as `DKK`.
    CurrencyCode "currency" 3
    /// An IANA time zone, as `Europe/Copenhagen`.
    TimeZoneName "time-zone" 64
    /// A VAT number with its country's prefix.
    VatNumberText "vat-number" 20
    /// A GLN (EAN location number): 13 digits with check digit.
    Gln "gln" 13
    /// An IBAN.
    Iban "iban" 42
}

coded_texts! {
    Day(Date) {"type": "string", "format": "date"};
    Moment(Timestamp) {"type": "string", "format": "date-time"};
}

/// A field of a PATCH: left out, cleared, or given.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Patch<T> {
    /// Not in the body: stays as it is.
    #[default]
    Keep,
    /// `null`: cleared.
    Clear,
    /// A new value.
    Set(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Patch<T>, D::Error> {
        Ok(match Option::<T>::deserialize(deserializer)? {
            Some(value) => Patch::Set(value),
            None => Patch::Clear,
        })
    }
}

impl<T: JsonSchema> JsonSchema for Patch<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Patch{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}

impl<T> Patch<T> {
    /// What then holds, given what held before.
    pub fn over(self, before: Option<T>) -> Option<T> {
        match self {
            Patch::Keep => before,
            Patch::Clear => None,
            Patch::Set(value) => Some(value),
        }
    }

    /// The given value turned into another kind.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Patch::Keep => Patch::Keep,
            Patch::Clear => Patch::Clear,
            Patch::Set(value) => Patch::Set(f(value)),
        }
    }
}

/// Up to 50 pairs of text, kept and filtered by, never read by a rule.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, serde::Serialize)]
#[serde(transparent)]
pub struct Metadata(pub std::collections::BTreeMap<String, String>);

impl JsonSchema for Metadata {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Metadata".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object", "maxProperties": 50,
            "propertyNames": {"minLength": 1, "maxLength": 40},
            "additionalProperties": {"type": "string", "maxLength": 500}
        })
    }
}

//! How values are published: decimals as strings without needless zeros,
//! instants with exactly milliseconds and `Z`. A field takes the function by
//! `serialize_with` and the schema of the same name by `schemars(with = …)`.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// The published text of a decimal: `25`, `0.5`, never `25.00`.
pub fn decimal_text(value: Decimal) -> String {
    value.normalize().to_string()
}

/// The published text of an instant: `2026-06-10T12:34:56.789Z`.
pub fn instant_text(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// A decimal as a string.
///
/// # Errors
/// What the serializer says.
pub fn decimal<S: Serializer>(value: &Decimal, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&decimal_text(*value))
}

/// A decimal as a string, or null.
///
/// # Errors
/// What the serializer says.
pub fn opt_decimal<S: Serializer>(value: &Option<Decimal>, to: S) -> Result<S::Ok, S::Error> {
    value.map(decimal_text).serialize(to)
}

/// An instant with milliseconds.
///
/// # Errors
/// What the serializer says.
pub fn instant<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&instant_text(*at))
}

/// An instant with milliseconds, or null.
///
/// # Errors
/// What the serializer says.
pub fn opt_instant<S: Serializer>(at: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
    at.map(instant_text).serialize(to)
}

/// A day as `YYYY-MM-DD`.
///
/// # Errors
/// What the serializer says.
pub fn day<S: Serializer>(day: &Date, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(day)
}

/// A day as `YYYY-MM-DD`, or null.
///
/// # Errors
/// What the serializer says.
pub fn opt_day<S: Serializer>(day: &Option<Date>, to: S) -> Result<S::Ok, S::Error> {
    day.map(|d| d.to_string()).serialize(to)
}

macro_rules! published {
    ($($(#[$doc:meta])* $name:ident $schema:tt)*) => {$(
        $(#[$doc])*
        pub enum $name {}

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

published! {
    /// The schema of a published decimal: `#[schemars(with = "json::DecimalText")]`.
    DecimalText {"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$"}
    /// The schema of a published instant.
    Instant {"type": "string", "format": "date-time"}
    /// The schema of a published day.
    Day {"type": "string", "format": "date"}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_and_instants_have_one_text() {
        for (value, text) in [("25.00", "25"), ("0.50", "0.5"), ("0", "0"), ("0.000", "0"), ("100", "100")] {
            assert_eq!(decimal_text(value.parse().unwrap()), text);
        }
        for (at, text) in [
            ("2026-06-10T12:34:56Z", "2026-06-10T12:34:56.000Z"),
            ("2026-06-10T12:34:56.7891Z", "2026-06-10T12:34:56.789Z"),
        ] {
            assert_eq!(instant_text(at.parse().unwrap()), text);
        }
    }
}

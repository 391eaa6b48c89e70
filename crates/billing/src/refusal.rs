//! What a rule answers when it says no: a refusal for a business rule, faults
//! for input that is not of the asked shape.

use serde_json::{Value, json};

/// A business rule saying no: one stable code, one English sentence, and the
/// details a program can act on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// Stable; clients branch on it.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
    /// An object with the facts, `{}` when the sentence says it all.
    pub details: Value,
    /// Whether the thing asked for is not there (404) rather than not allowed (400).
    pub is_missing: bool,
}

impl Refusal {
    /// A rule broken, without further details.
    pub fn new(code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { code, message: message.into(), details: json!({}), is_missing: false }
    }

    /// The same with details.
    #[must_use]
    pub fn with(mut self, details: Value) -> Refusal {
        self.details = details;
        self
    }

    /// A thing named by the request is not in this company.
    pub fn missing(code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { is_missing: true, ..Refusal::new(code, message) }
    }

    /// A thing named in a body's field is not in this company: `details.property` names the field.
    pub fn missing_at(code: &'static str, message: impl Into<String>, property: impl Into<String>) -> Refusal {
        Refusal::missing(code, message).with(json!({ "property": property.into() }))
    }

    /// An amount is beyond what the program holds (10^15 minor units).
    pub fn amount_too_large() -> Refusal {
        Refusal::new("AMOUNT_TOO_LARGE", "An amount is larger than 10^15 minor units of the currency.")
    }
}

impl From<crate::money::TooLarge> for Refusal {
    fn from(_: crate::money::TooLarge) -> Refusal {
        Refusal::amount_too_large()
    }
}

/// One field of the input that is not as asked, under class-validator's rule name.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Where, as `lines.0.quantity`.
    pub property: String,
    /// The rule broken, as `isPositive`.
    pub rule: &'static str,
    /// A sentence, as `quantity must be a positive number`.
    pub message: String,
}

/// All the faults of one input, collected before anything is answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// Notes one fault.
    pub fn add(&mut self, property: impl Into<String>, rule: &'static str, message: impl Into<String>) {
        self.0.push(Fault { property: property.into(), rule, message: message.into() });
    }

    /// Whether nothing was found wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

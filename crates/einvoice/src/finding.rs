//! What a rule has to say of a document.

use std::fmt;

use crate::fields;
use crate::model::Model;

/// How much a finding matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// The document is not valid.
    Fatal,
    /// It is, and a receiver may frown.
    Warning,
    /// Good to know.
    Information,
}

impl Severity {
    /// `fatal`, `warning` or `information`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Fatal => "fatal",
            Severity::Warning => "warning",
            Severity::Information => "information",
        }
    }
}

/// A rule and what it found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The rule as its authors call it, as `BR-CO-15` or `DK-R-002`.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// Where: the business term, as `BG-25[2]/BT-151` (counted from 0).
    pub path: String,
    /// The rule's sentence.
    pub message: String,
    /// Our field behind the term, as `customer.vatNumber`.
    pub field: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}: {}", self.severity.as_str(), self.rule, self.path, self.message)
    }
}

impl Finding {
    /// A fatal finding of ours, with our field.
    pub(crate) fn fatal(rule: &str, path: &str, message: &str, field: impl Into<String>) -> Finding {
        Finding {
            rule: rule.to_owned(),
            severity: Severity::Fatal,
            path: path.to_owned(),
            message: message.to_owned(),
            field: Some(field.into()),
        }
    }

    /// A finding of the engine; a model that is ours tells which field is meant.
    pub(crate) fn of(found: &en16931::Finding, model: Option<&Model>) -> Finding {
        let mut message = found.message.clone();
        if let Some(detail) = &found.detail {
            message = format!("{message} (expected {}, found {})", detail.expected, detail.actual);
        }
        Finding {
            rule: found.rule.clone(),
            severity: match found.severity {
                en16931::Severity::Fatal => Severity::Fatal,
                en16931::Severity::Warning => Severity::Warning,
                en16931::Severity::Info => Severity::Information,
            },
            path: found.path.to_string(),
            message,
            field: model.and_then(|model| fields::of(&found.rule, found.path, model)),
        }
    }
}

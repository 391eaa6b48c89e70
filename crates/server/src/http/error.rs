//! The envelope of every error, and the one place that knows status codes.

use app::Error;
use billing::json::instant_text;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::contract;

/// An error as it is answered.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) details: Value,
    /// What is logged and never shown.
    pub(crate) cause: Option<String>,
}

impl Fault {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Fault {
        Fault { status, code, message: message.into(), details: json!({}), cause: None }
    }

    pub(crate) fn with(self, details: Value) -> Fault {
        Fault { details, ..self }
    }

    /// The body; `path` is relative to `/api`.
    pub(crate) fn body(&self, at: Timestamp, path: &str) -> String {
        json!({
            "statusCode": self.status, "timestamp": instant_text(at), "path": path,
            "message": self.message, "code": self.code, "details": self.details,
        })
        .to_string()
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        match error {
            Error::Refused(refusal) => {
                let status = if refusal.is_missing { 404 } else { 400 };
                Fault::new(status, refusal.code, refusal.message).with(refusal.details)
            }
            Error::Invalid(faults) => Fault::new(400, "SHARED_VALIDATION_FAILED", contract::sentence(&faults))
                .with(json!({ "validationErrors": contract::published(&faults) })),
            Error::Unauthorized { reason } => {
                let details = reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
                Fault::new(401, "UNAUTHORIZED", "Invalid API key").with(details)
            }
            Error::Forbidden { required } => {
                let scopes: Vec<&str> = required.iter().map(|scope| scope.as_str()).collect();
                let message = format!("The API key lacks the scope {}.", scopes.join(" or "));
                Fault::new(403, "INSUFFICIENT_PERMISSIONS", message).with(json!({ "requiredScopes": scopes }))
            }
            Error::Precondition => Fault::new(
                412,
                "PRECONDITION_FAILED",
                "The resource is not (or no longer) the one that If-Match names; nothing was done. Read it again.",
            ),
            Error::Busy(cause) => Fault {
                cause: Some(cause),
                ..Fault::new(503, "UNAVAILABLE", "The server can't do this right now; nothing was done. Try again.")
            },
            Error::Broken(cause) => Fault {
                cause: Some(cause),
                ..Fault::new(500, "INTERNAL", "Something went wrong on our side; nothing was done.")
            },
        }
    }
}

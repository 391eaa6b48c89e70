//! What a deed answers when it is not done. Only the doors know status codes.

use billing::refusal::{Faults, Refusal};
use billing::scope::Scope;

/// Why a deed was not done; nothing of it is left behind.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A business rule says no, or a thing named is not there.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The input is not as asked; all faults at once.
    #[error("the input is not valid")]
    Invalid(Faults),
    /// No credential, or one that is not (or no longer) good.
    #[error("Invalid API key")]
    Unauthorized {
        /// `ip_whitelist_mismatch` when only the address is wrong.
        reason: Option<&'static str>,
    },
    /// The credential lacks scopes.
    #[error("the key lacks a scope")]
    Forbidden {
        /// What the route asks for.
        required: Vec<Scope>,
    },
    /// The resource is not (or no longer) as the caller knows it.
    #[error("the resource is not as the caller knows it")]
    Precondition,
    /// Too much to do, or the shelves are away; nothing was done, come again.
    #[error("busy: {0}")]
    Busy(String),
    /// A fault of ours; the cause is for the log only.
    #[error("broken: {0}")]
    Broken(String),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Error {
        match error {
            store::Error::NotFound => Refusal::missing("NOT_FOUND", "There is no such resource.").into(),
            store::Error::Conflict(cause) => Error::Broken(format!("conflict: {cause}")),
            store::Error::Busy(cause) => Error::Busy(cause),
            store::Error::Broken(cause) => Error::Broken(cause),
        }
    }
}

impl From<Faults> for Error {
    fn from(faults: Faults) -> Error {
        Error::Invalid(faults)
    }
}

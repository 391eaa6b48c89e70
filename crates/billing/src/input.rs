//! What a caller may say. Each struct derives the JSON Schema that is published
//! and that the request is checked against; the kinds below carry their bounds
//! in their type, so that a field says all its rules by its type alone.

pub mod catalogue;
pub mod company;
pub mod contacts;
pub mod customers;
pub mod departments;
pub mod document_lists;
pub mod documents;
pub mod dunning;
pub mod events;
pub mod imports;
mod kinds;
pub(crate) mod rules;
pub mod sending;
pub mod settlement;
pub mod templates;
pub mod webhooks;

pub use kinds::*;
pub use rules::{Fields, Rule, rules};

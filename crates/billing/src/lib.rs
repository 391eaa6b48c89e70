//! The rules of billing documents: money, lines, totals, documents, crediting,
//! postings, and the JSON that is published. No async, no IO, no clock, no SQL,
//! no HTTP: every function takes what it needs and returns what is then true.

pub mod accounts;
pub mod base;
pub mod carrying;
pub mod catalogue;
pub mod chart;
pub mod company;
pub mod convert;
pub mod country;
pub mod credit;
pub mod crediting;
pub mod csv;
pub mod customers;
pub mod document;
pub mod draft;
pub mod exchange_rates;
pub mod formats;
pub mod identifiers;
pub mod ids;
pub mod input;
pub mod json;
pub mod keys;
pub mod kind;
pub mod money;
pub mod page;
pub mod parties;
pub mod parts;
pub mod payments;
pub mod postings;
pub mod public;
pub mod refusal;
pub mod scope;
pub mod series;
pub mod settlement;
pub mod shares;
pub mod statement;
pub mod status;
pub mod templates;
pub mod tiers;
pub mod vat;
pub mod vat_codes;
pub mod vat_numbers;
pub mod write_offs;

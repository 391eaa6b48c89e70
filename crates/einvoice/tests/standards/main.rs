//! E-invoices against the standards: every kind of document made and read back by an
//! independent reader, the official rules over the same files, our rules against the
//! official tests of each rule, and what is refused.

mod documents;
mod official;
mod reading;
mod refusals;
mod rule_tests;

//! The rules as tables and properties, one module a subject.

mod aims;
mod cases;
mod complement;
mod credit;
mod decimals;
mod money;
mod partitions;
mod postings;
mod shares;
mod shop;
mod status;
mod tiers;

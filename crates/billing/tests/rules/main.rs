//! The rules as tables and properties, one module a subject.

mod credit;
mod money;
mod shares;

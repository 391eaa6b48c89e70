//! The rules as tables and properties, one module a subject.

mod money;
mod shares;

//! A served house on each engine, shared by the tests of this process.

use std::sync::OnceLock;

pub use testkit::api::{Answer, Api, faults, line, merge, text};
pub use testkit::house::House;
use testkit::shared_postgres;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_ledgerbee");

/// A company of a house that lives as long as the process.
pub type Company = testkit::house::Company<'static>;

/// Writes each test twice: on the embedded database and on PostgreSQL.
macro_rules! on_both_engines {
    ($($(#[doc = $doc:literal])* fn $name:ident($house:ident) $body:block)+) => {
        $($(#[doc = $doc])* fn $name($house: &'static crate::house::House) $body)+
        mod on_sqlite { $(#[test] fn $name() { super::$name(crate::house::sqlite()); })+ }
        mod on_postgres { $(#[test] fn $name() { super::$name(crate::house::postgres()); })+ }
    };
}

/// The house on the embedded database, shared by the tests of this process.
pub fn sqlite() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    HOUSE.get_or_init(|| House::shared(PROGRAM, None))
}

/// The house on PostgreSQL, shared by the tests of this process.
pub fn postgres() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    HOUSE.get_or_init(|| House::shared(PROGRAM, Some(&shared_postgres().fresh_database())))
}

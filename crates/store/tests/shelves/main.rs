//! The shelves, tested as they are used: every test runs on SQLite and on a real
//! PostgreSQL, from the one SQL text. A machine without PostgreSQL fails the run.

mod commits;
mod days;
mod documents;
mod failures;
mod house;
mod ledger;
mod lists;
mod opening;
mod rows;
mod settlement;
mod statements;
mod stock;
mod stored_answers;
mod tenants;

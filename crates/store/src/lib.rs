//! The shelves: SQL and rows on SQLite and PostgreSQL from one SQL text. A write
//! goes to a lane, which commits what waits in one group; a read has its own
//! connection. Never decides: the rules stand in `billing`, the deeds in `app`.

pub mod accounts;
pub mod allocations;
pub mod backup;
pub mod companies;
mod connection;
pub mod contacts;
pub mod credits;
pub mod customer_groups;
pub mod customers;
pub mod days;
pub mod db;
pub mod deliveries;
pub mod departments;
pub mod document_lists;
pub mod documents;
pub mod events;
pub mod examination;
pub mod exchange_rates;
pub mod files;
pub mod jobs;
pub mod journal_categories;
pub mod keys;
mod lanes;
pub mod ledger;
pub mod lines;
pub mod metadata;
pub mod migrate;
pub mod open_items;
pub mod payments;
mod postgres;
pub mod postgres_backup;
pub mod prices;
pub mod pricing;
pub mod product_groups;
pub mod products;
pub mod refunds;
pub mod series;
mod several;
mod sqlite;
mod sqlite_lane;
pub mod statements;
pub mod stored_answers;
pub mod templates;
mod turn;
pub mod vat_codes;
pub mod vat_groups;
pub mod webhook_deliveries;
pub mod webhooks;
pub mod write_offs;
mod written;

pub use db::Error;
pub use lanes::{Config, Database, Pending};
pub use turn::ServeLock;
pub use written::Written;

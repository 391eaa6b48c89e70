//! The API as its callers meet it: the built program over HTTP, on both engines.

#[macro_use]
mod house;

mod backups;
mod bad_input;
mod cases;
mod catalogue;
mod commands;
mod concurrency;
mod contacts;
mod contract;
mod crash;
mod credit_deeds;
mod crediting;
mod customers;
mod delivery;
mod docs_page;
mod doctor;
mod drain;
mod einvoices;
mod faults;
mod health;
mod hostile;
mod idempotency;
mod imports;
mod ledger;
mod lists;
mod metrics;
mod model;
mod number_series;
mod papers;
mod post;
mod previews;
mod remembered;
mod seed;
mod sending;
mod settlement;
mod settlement_books;
mod several;
mod tables;
mod tags;
mod templates;
mod tenants;
mod tiers;
mod traces;
mod writes;

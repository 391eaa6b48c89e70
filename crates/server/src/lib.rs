//! The doors: HTTP and the command line. Knows `app` and what it publishes, never `store`.

pub mod cli;
pub mod http;
mod press;
mod traces;

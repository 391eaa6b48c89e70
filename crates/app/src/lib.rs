//! The verbs: one function is one deed is one transaction. Here the clock is
//! read, mail is sent and jobs are worked. Knows a trait [`Press`], not Typst.

pub mod accounts;
pub mod allocations;
pub mod answers;
pub mod archive;
pub mod backup;
mod booking;
mod caller;
mod clock;
pub mod companies;
pub mod contacts;
pub mod credit_notes;
mod crediting;
pub mod customer_groups;
pub mod customers;
pub mod deliveries;
pub mod departments;
pub mod doctor;
mod documents;
mod drafting;
pub mod einvoices;
mod error;
pub mod exchange_rates;
mod founding;
pub mod invoices;
pub mod keys;
mod lists;
mod mail;
pub mod number_series;
pub mod open_items;
pub mod paper;
pub mod payments;
mod press;
pub mod previews;
pub mod prices;
pub mod product_groups;
pub mod products;
pub mod refunds;
mod samples;
mod settling;
pub mod statements;
pub mod templates;
pub mod vat_codes;
mod work;
mod workers;
pub mod write_offs;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use caller::{Actor, Caller, Origin};
pub use clock::Clock;
pub use error::Error;
pub use press::{Attachment, Claim, Press, PressError, Print, Relationship};
pub use store::{Config, Pending, ServeLock};
pub use work::{View, Work};
pub use workers::Workers;

/// How mail leaves the house.
#[derive(Clone, Debug)]
pub enum Mail {
    /// Over SMTP: `smtp://user:password@host:587` (STARTTLS) or `smtps://…` (implicit TLS).
    Smtp {
        /// Where, and who we are there.
        url: String,
        /// How long it may keep us waiting each time; for a whole mail, twice as long.
        within: Duration,
    },
    /// As `.eml` files into a folder, for a company that has not set up a mail server yet.
    Folder(PathBuf),
}

/// What the house is opened with.
pub struct Settings {
    /// Where the shelves are.
    pub database: store::Config,
    /// How mail leaves.
    pub mail: Mail,
    /// The clock; real but in tests.
    pub clock: Clock,
    /// The press.
    pub press: Arc<dyn Press>,
}

/// The house with its doors closed: everything a door or a worker needs.
pub struct App {
    db: store::Database,
    clock: Clock,
    mail: Mail,
    press: Arc<dyn Press>,
    printing: archive::Printing,
}

impl App {
    /// Opens the house: the shelves are brought up to date.
    ///
    /// # Errors
    /// `Busy` when the shelves can't be reached, `Broken` when they are newer than the program.
    pub fn open(settings: Settings) -> Result<Arc<App>, Error> {
        let Settings { database, mail, clock, press } = settings;
        let db = store::Database::open(&database)?;
        Ok(Arc::new(App { db, clock, mail, press, printing: archive::Printing::default() }))
    }

    /// Now, by the house's clock.
    pub fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// Asks the shelves something small: whether they answer.
    pub fn look(&self) -> Pending<(), Error> {
        let now = self.now();
        self.db.read(move |tx| Ok(store::jobs::any_due(tx, now).map(drop)?))
    }

    /// Says that this process serves the folder; a second is refused. What a killed one had claimed
    /// is then due at once: nobody else can be at it. On PostgreSQL, which many may share, its lease ends first.
    ///
    /// # Errors
    /// `Busy` when another server holds it.
    pub fn hold_serve_lock(&self) -> Result<store::ServeLock, Error> {
        let lock = self.db.hold_serve_lock()?;
        if lock.is_alone() {
            let now = self.now();
            self.db.claim(move |tx| store::jobs::release_all(tx, now)).wait()?;
        }
        Ok(lock)
    }
}

//! The verbs: one function is one deed is one transaction. Here the clock is
//! read, mail is sent and jobs are worked. Knows a trait [`Press`], not Typst.

mod access_point;
pub mod accounts;
pub mod allocations;
pub mod answers;
pub mod archive;
pub mod backup;
mod booking;
mod caller;
mod channel;
mod clock;
pub mod companies;
pub mod contacts;
pub mod convert;
mod couriers;
pub mod credit_notes;
mod crediting;
pub mod customer_groups;
pub mod customers;
mod days;
pub mod deliveries;
pub mod departments;
pub mod doctor;
pub mod documents;
mod drafting;
pub mod dunning;
pub mod einvoices;
pub mod erasure;
mod error;
pub mod events;
pub mod exchange_rates;
mod founding;
pub mod imports;
pub mod invoices;
pub mod keys;
mod lists;
mod mail;
mod news;
pub mod number_series;
pub mod open_items;
pub mod oss_rates;
pub mod paper;
pub mod payments;
mod press;
pub mod previews;
pub mod prices;
pub mod product_groups;
pub mod products;
pub mod refunds;
pub mod reminders;
mod retry_after;
mod samples;
mod sending;
mod settling;
pub mod statements;
pub mod templates;
mod trust;
pub mod vat_codes;
pub mod webhooks;
mod work;
mod workers;
pub mod write_offs;

use std::sync::Arc;

pub use access_point::{AccessPoint, Tokens};
pub use caller::{Actor, Caller, Origin};
pub use channel::Channels;
pub use clock::Clock;
pub use error::Error;
pub use mail::{Mail, Post};
pub use press::{Attachment, Claim, Press, PressError, Print, Relationship};
pub use store::{Config, Pending, ServeLock};
pub use webhooks::{KeyFile, Webhooks};
pub use work::{View, Work};
pub use workers::{JOB_KINDS, Workers};

/// What the house is opened with.
pub struct Settings {
    /// Where the shelves are.
    pub database: store::Config,
    /// How documents leave.
    pub channels: Channels,
    /// The clock; real but in tests.
    pub clock: Clock,
    /// The press.
    pub press: Arc<dyn Press>,
    /// What webhooks are sent with.
    pub webhooks: Webhooks,
}

/// The house with its doors closed: everything a door or a worker needs.
pub struct App {
    db: store::Database,
    clock: Clock,
    channels: Arc<Channels>,
    press: Arc<dyn Press>,
    pub(crate) printing: archive::Printing,
    webhooks: Arc<webhooks::Means>,
    news: news::News,
    streams: events::Streams,
}

impl App {
    /// Opens the house: the shelves are brought up to date.
    ///
    /// # Errors
    /// `Busy` when the shelves can't be reached, `Broken` when they are newer than the program.
    pub fn open(settings: Settings) -> Result<Arc<App>, Error> {
        let Settings { database, channels, clock, press, webhooks } = settings;
        let webhooks = Arc::new(webhooks::Means::new(webhooks)?);
        let db = store::Database::open(&database)?;
        let (channels, printing) = (Arc::new(channels), archive::Printing::default());
        let (news, streams) = (Default::default(), Default::default());
        Ok(Arc::new(App { db, clock, channels, press, printing, webhooks, news, streams }))
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
            let release = move |tx: &mut dyn store::db::Tx| {
                store::jobs::release_all(tx, now)?;
                store::webhooks::release_all(tx)
            };
            self.db.claim(release).wait()?;
        }
        Ok(lock)
    }
}

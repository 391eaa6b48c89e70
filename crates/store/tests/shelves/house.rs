//! Shelves of one test's own, on either engine, and the gate that lets writes queue up.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use billing::ids::{CompanyId, Id};
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use store::db::{Row, Tx};
use store::{Config, Database, Error, Pending};
use testkit::{Folder, shared_postgres};
use uuid::Uuid;

/// Runs each test on fresh shelves of both engines: `sqlite::name` and `postgres::name`.
macro_rules! on_both {
    ($($(#[$doc:meta])* fn $name:ident($house:ident: &TestHouse) $body:block)*) => {
        $($(#[$doc])* fn $name($house: &TestHouse) $body)*

        mod sqlite {
            $(#[test] fn $name() { super::$name(&super::TestHouse::sqlite()) })*
        }

        mod postgres {
            $(#[test] fn $name() { super::$name(&super::TestHouse::postgres()) })*
        }
    };
}
pub(crate) use on_both;

/// Open shelves in a folder or a PostgreSQL database of their own.
pub struct TestHouse {
    pub database: Arc<Database>,
    pub config: Config,
    _folder: Option<Folder>,
}

impl TestHouse {
    pub fn sqlite() -> TestHouse {
        let (config, folder) = empty_sqlite();
        TestHouse { database: open(&config), config, _folder: Some(folder) }
    }

    pub fn postgres() -> TestHouse {
        let config = empty_postgres();
        TestHouse { database: open(&config), config, _folder: None }
    }

    /// An empty place on the same engine, not opened yet.
    pub fn empty(&self) -> (Config, Option<Folder>) {
        match self.config {
            Config::Sqlite { .. } => {
                let (config, folder) = empty_sqlite();
                (config, Some(folder))
            }
            Config::Postgres { .. } => (empty_postgres(), None),
        }
    }

    /// A second server's shelves on the same books.
    pub fn another(&self) -> Arc<Database> {
        open(&self.config)
    }

    /// Writes and waits for the answer.
    pub fn write<T: Send + 'static>(
        &self,
        company_id: CompanyId,
        deed: impl FnOnce(&mut dyn Tx) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.database.write(company_id, deed).wait()
    }

    /// Reads and waits for the answer.
    pub fn read<T: Send + 'static>(
        &self,
        deed: impl FnOnce(&mut dyn Tx) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.database.read(deed).wait()
    }

    /// Holds the company's lane busy until the gate opens: what is written meanwhile meets in one group.
    pub fn gate(&self, company_id: CompanyId) -> Gate {
        let (open, opened) = channel::<()>();
        let (reached, is_reached) = channel::<()>();
        let pending = self.database.write(company_id, move |_| {
            reached.send(()).expect("the test waits for it");
            // It opens too when the test ends early.
            let _ = opened.recv();
            Ok(())
        });
        is_reached.recv().expect("the lane runs the gate");
        Gate { open, pending }
    }
}

fn empty_sqlite() -> (Config, Folder) {
    let folder = Folder::new();
    (Config::Sqlite { folder: folder.path().to_owned() }, folder)
}

fn empty_postgres() -> Config {
    Config::Postgres { url: shared_postgres().fresh_database(), lanes: 2, readers: 2, group: 50 }
}

fn open(config: &Config) -> Arc<Database> {
    Arc::new(Database::open(config).expect("the shelves open"))
}

/// A lane kept busy.
pub struct Gate {
    open: Sender<()>,
    pending: Pending<(), Error>,
}

impl Gate {
    /// Lets the lane go on.
    pub fn open(self) {
        drop(self.open);
        self.pending.wait().unwrap();
    }
}

/// A new id of any kind, later than those before it.
pub fn new_id<T: Id>() -> T {
    T::from(Uuid::now_v7())
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// The first cell of each row, as text.
pub fn texts(rows: Vec<Row>) -> Vec<String> {
    rows.into_iter().map(|mut row| row.next().unwrap()).collect()
}

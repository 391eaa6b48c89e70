//! What the shelves share, and every difference between the two engines by name.
//!
//! Verbs speak to a [`Tx`] in one SQL text: `$1` placeholders, each used once and
//! in order; `text`, `bigint` and `bytes` columns. Which engine answers stands in
//! `sqlite.rs` and `postgres.rs` and nowhere else.

use std::borrow::Cow;
use std::str::FromStr;

use billing::ids::Id;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use uuid::Uuid;

/// Why the shelves did not do it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// What a statement needs is not there.
    #[error("not found")]
    NotFound,
    /// A unique or foreign key said no; asked first where it is to be expected.
    #[error("conflict: {0}")]
    Conflict(String),
    /// Full disk, lost connection, full queue: nothing was done, it may work later.
    #[error("busy: {0}")]
    Busy(String),
    /// A fault of the program or the database.
    #[error("broken: {0}")]
    Broken(String),
}

/// What a statement is given for one placeholder.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// A count or minor units.
    Int(i64),
    /// Text, and ids, dates, decimals as text.
    Text(Cow<'a, str>),
    /// A file.
    Bytes(Cow<'a, [u8]>),
}

impl Value<'_> {
    /// The same, owning what it holds.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Int(n) => Value::Int(n),
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
        }
    }
}

/// A flag as it is stored.
pub fn yes_no(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}

/// An instant as it is stored: milliseconds and `Z`, so that texts sort as instants.
fn instant(at: Timestamp) -> String {
    billing::json::instant_text(at)
}

macro_rules! values {
    ($($type:ty: $name:ident => $value:expr;)*) => {$(
        impl<'a> From<$type> for Value<'a> {
            fn from($name: $type) -> Value<'a> {
                $value
            }
        }
    )*};
}

values! {
    i64: n => Value::Int(n);
    u32: n => Value::Int(i64::from(n));
    i32: n => Value::Int(i64::from(n));
    &'a str: text => Value::Text(Cow::Borrowed(text));
    &'a String: text => Value::Text(Cow::Borrowed(text));
    String: text => Value::Text(Cow::Owned(text));
    &'a [u8]: bytes => Value::Bytes(Cow::Borrowed(bytes));
    Vec<u8>: bytes => Value::Bytes(Cow::Owned(bytes));
    Date: day => Value::Text(Cow::Owned(day.to_string()));
    Timestamp: at => Value::Text(Cow::Owned(instant(at)));
    Decimal: number => Value::Text(Cow::Owned(number.normalize().to_string()));
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Value<'a> {
        value.map_or(Value::Null, Into::into)
    }
}

macro_rules! id_values {
    ($($name:ident)*) => {$(
        impl From<billing::ids::$name> for Value<'_> {
            fn from(id: billing::ids::$name) -> Self {
                Value::Text(Cow::Owned(id.to_string()))
            }
        }
    )*};
}

id_values! {
    CompanyId KeyId AccountId VatCodeId SeriesId CustomerGroupId CustomerId ContactId DepartmentId ProductGroupId
    ProductId PriceId TemplateId DocumentId LineId EntryId OpenItemId OssRateId AllocationId PaymentId RefundId WriteOffId
    ReminderId DeliveryId AttemptId EventId JobId ExchangeRateId TagId JournalCategoryId EndpointId WebhookDeliveryId
}

/// The values of a statement, each turned into a [`Value`].
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Value::from($value)),*] };
}
pub use crate::params;

/// Declares a module's statements, and lists them for the test that prepares each on both engines.
#[macro_export]
macro_rules! statements {
    ($($name:ident = $text:expr;)*) => {
        $(pub(crate) const $name: &str = $text;)*
        /// This module's statements, by name.
        pub const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}
pub use crate::statements;

/// One cell of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A count or minor units.
    Int(i64),
    /// Text.
    Text(String),
    /// A file.
    Bytes(Vec<u8>),
}

/// One row of an answer, read cell after cell in the order of its columns.
#[derive(Debug)]
pub struct Row {
    cells: std::vec::IntoIter<Cell>,
}

/// What a cell can be read as.
pub trait Column: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// `Broken` when it holds something else.
    fn read(cell: Cell) -> Result<Self, Error>;
}

fn wrong<T>(cell: &Cell) -> Error {
    Error::Broken(format!("a cell {cell:?} is no {}", std::any::type_name::<T>()))
}

impl Row {
    /// A row of these cells.
    pub fn new(cells: Vec<Cell>) -> Row {
        Row { cells: cells.into_iter() }
    }

    /// Whether the next cell is this number.
    pub(crate) fn starts_with(&self, number: i64) -> bool {
        self.cells.as_slice().first() == Some(&Cell::Int(number))
    }

    fn cell(&mut self) -> Result<Cell, Error> {
        self.cells.next().ok_or_else(|| Error::Broken("a row has fewer columns than are read".to_owned()))
    }

    /// The next cell.
    ///
    /// # Errors
    /// `Broken` when it holds something else, or there is none.
    #[allow(clippy::should_implement_trait, reason = "a row is read column by column, each of its own type")]
    pub fn next<T: Column>(&mut self) -> Result<T, Error> {
        T::read(self.cell()?)
    }

    /// The next cell as text that parses.
    ///
    /// # Errors
    /// `Broken` when it does not.
    pub fn parse<T: FromStr>(&mut self) -> Result<T, Error> {
        let cell = self.cell()?;
        parsed(cell)
    }

    /// The next cell as text that parses, or nothing.
    ///
    /// # Errors
    /// `Broken` when it does not parse.
    pub fn opt_parse<T: FromStr>(&mut self) -> Result<Option<T>, Error> {
        match self.cell()? {
            Cell::Null => Ok(None),
            cell => parsed(cell).map(Some),
        }
    }

    /// The next cell as an id.
    ///
    /// # Errors
    /// `Broken` when it is none.
    pub fn id<T: Id>(&mut self) -> Result<T, Error> {
        self.parse::<Uuid>().map(T::from)
    }

    /// The next cell as an id, or nothing.
    ///
    /// # Errors
    /// `Broken` when it is something else.
    pub fn opt_id<T: Id>(&mut self) -> Result<Option<T>, Error> {
        Ok(self.opt_parse::<Uuid>()?.map(T::from))
    }
}

fn parsed<T: FromStr>(cell: Cell) -> Result<T, Error> {
    match &cell {
        Cell::Text(text) => text.parse().map_err(|_| wrong::<T>(&cell)),
        _ => Err(wrong::<T>(&cell)),
    }
}

impl Column for String {
    fn read(cell: Cell) -> Result<String, Error> {
        match cell {
            Cell::Text(text) => Ok(text),
            other => Err(wrong::<String>(&other)),
        }
    }
}

impl Column for i64 {
    fn read(cell: Cell) -> Result<i64, Error> {
        match cell {
            Cell::Int(n) => Ok(n),
            other => Err(wrong::<i64>(&other)),
        }
    }
}

impl Column for u32 {
    fn read(cell: Cell) -> Result<u32, Error> {
        match cell {
            Cell::Int(n) => u32::try_from(n).map_err(|_| wrong::<u32>(&Cell::Int(n))),
            other => Err(wrong::<u32>(&other)),
        }
    }
}

impl Column for u64 {
    fn read(cell: Cell) -> Result<u64, Error> {
        match cell {
            Cell::Int(n) => u64::try_from(n).map_err(|_| wrong::<u64>(&Cell::Int(n))),
            other => Err(wrong::<u64>(&other)),
        }
    }
}

impl Column for Vec<u8> {
    fn read(cell: Cell) -> Result<Vec<u8>, Error> {
        match cell {
            Cell::Bytes(bytes) => Ok(bytes),
            other => Err(wrong::<Vec<u8>>(&other)),
        }
    }
}

impl Column for bool {
    fn read(cell: Cell) -> Result<bool, Error> {
        match &cell {
            Cell::Text(text) if text == "yes" => Ok(true),
            Cell::Text(text) if text == "no" => Ok(false),
            other => Err(wrong::<bool>(other)),
        }
    }
}

impl Column for Date {
    fn read(cell: Cell) -> Result<Date, Error> {
        parsed(cell)
    }
}

impl Column for Timestamp {
    fn read(cell: Cell) -> Result<Timestamp, Error> {
        parsed(cell)
    }
}

impl Column for Decimal {
    fn read(cell: Cell) -> Result<Decimal, Error> {
        parsed(cell)
    }
}

impl<T: Column> Column for Option<T> {
    fn read(cell: Cell) -> Result<Option<T>, Error> {
        match cell {
            Cell::Null => Ok(None),
            cell => T::read(cell).map(Some),
        }
    }
}

/// A statement that is read, and its values.
pub type Question<'a> = (&'a str, &'a [Value<'a>]);

/// A transaction. After a failed statement the request is over: nothing of it stays.
pub trait Tx {
    /// The first row of an answer.
    ///
    /// # Errors
    /// What the engine says.
    fn one(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Option<Row>, Error>;

    /// All rows of an answer.
    ///
    /// # Errors
    /// What the engine says.
    fn all(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Vec<Row>, Error>;

    /// All rows of two answers that do not depend on each other (PostgreSQL is asked for both in one go).
    ///
    /// # Errors
    /// What the engine says.
    fn both(&mut self, first: Question<'_>, second: Question<'_>) -> Result<(Vec<Row>, Vec<Row>), Error> {
        Ok((self.all(first.0, first.1)?, self.all(second.0, second.1)?))
    }

    /// A statement whose answer is not needed. It may be put off (PostgreSQL sends
    /// many in one go) until the next read or the end of the request; its fault then shows there.
    ///
    /// # Errors
    /// What the engine says, of this statement or of one put off.
    fn exec(&mut self, sql: &str, params: &[Value<'_>]) -> Result<(), Error>;

    /// A statement as of [`exec`](Tx::exec) on rows that no other statement which is put off touches or
    /// needs: it may go after them, so that inserts into one table follow each other and go as one.
    ///
    /// # Errors
    /// What the engine says, of this statement or of one put off.
    fn later(&mut self, sql: &str, params: &[Value<'_>]) -> Result<(), Error> {
        self.exec(sql, params)
    }

    /// A statement run at once; how many rows it touched.
    ///
    /// # Errors
    /// What the engine says.
    fn count(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, Error>;

    /// Where answers under a hash may stand that the engine has not put in the order of hashes yet: SQLite's
    /// newest (`answer_places`).
    ///
    /// # Errors
    /// What the engine says.
    fn newest_answers(&mut self, key_hash: i64) -> Result<Vec<i64>, Error> {
        let _ = key_hash;
        Ok(Vec::new())
    }

    /// Says that the last statement stored an answer under a hash.
    fn answer_stored(&mut self, key_hash: i64) {
        let _ = key_hash;
    }
}

/// A list put together from constant fragments: `?` in each becomes the next `$n`.
#[derive(Clone, Debug)]
pub struct Select {
    sql: String,
    params: Vec<Value<'static>>,
}

impl Select {
    /// Begins with a whole statement up to its conditions.
    pub fn new(sql: &'static str, params: &[Value<'_>]) -> Select {
        let mut select = Select { sql: String::with_capacity(1_024), params: Vec::new() };
        select.push(sql, params);
        select
    }

    fn push(&mut self, fragment: &'static str, params: &[Value<'_>]) {
        let mut values = params.iter();
        for part in fragment.split_inclusive('?') {
            match part.strip_suffix('?') {
                Some(text) => {
                    let value = values.next().expect("each ? of a fragment has its value");
                    self.params.push(value.clone().into_owned());
                    self.sql.push_str(text);
                    self.sql.push('$');
                    self.sql.push_str(&self.params.len().to_string());
                }
                None => self.sql.push_str(part),
            }
        }
        assert!(values.next().is_none(), "each value of a fragment has its ?");
        self.sql.push(' ');
    }

    /// Adds a fragment with its values.
    #[must_use]
    pub fn and(mut self, fragment: &'static str, params: &[Value<'_>]) -> Select {
        self.push(fragment, params);
        self
    }

    /// Adds a fragment when there is a value for it.
    #[must_use]
    pub fn and_if<'a, T: Into<Value<'a>>>(self, fragment: &'static str, value: Option<T>) -> Select {
        match value {
            Some(value) => self.and(fragment, &[value.into()]),
            None => self,
        }
    }

    /// Adds `fragment (…)` over several values, nothing for none.
    #[must_use]
    pub fn and_any<'a, T: Into<Value<'a>>>(mut self, fragment: &'static str, values: Vec<T>) -> Select {
        if values.is_empty() {
            return self;
        }
        self.push(fragment, &[]);
        for (at, value) in values.into_iter().enumerate() {
            self.push(if at == 0 { "(?" } else { ", ?" }, &[value.into()]);
        }
        self.push(")", &[]);
        self
    }

    /// The statement and its values.
    pub fn parts(&self) -> (&str, &[Value<'static>]) {
        (&self.sql, &self.params)
    }

    /// Runs it.
    ///
    /// # Errors
    /// What the engine says.
    pub fn all(&self, tx: &mut dyn Tx) -> Result<Vec<Row>, Error> {
        tx.all(&self.sql, &self.params)
    }

    /// Runs it for its first row.
    ///
    /// # Errors
    /// What the engine says.
    pub fn one(&self, tx: &mut dyn Tx) -> Result<Option<Row>, Error> {
        tx.one(&self.sql, &self.params)
    }
}

/// Whether a statement uses `$1` to `$n` each once and in order, as both engines number them alike then.
pub fn check_placeholders(sql: &str) -> Result<(), String> {
    for (expected, part) in (1..).zip(sql.split('$').skip(1)) {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        if digits.parse() != Ok::<usize, std::num::ParseIntError>(expected) {
            return Err(format!("${digits} stands where ${expected} is expected"));
        }
    }
    Ok(())
}

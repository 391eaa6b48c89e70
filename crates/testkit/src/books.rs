//! A look at the books past the program: plain SQL on either engine.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::wait_for;

/// Where to look.
#[derive(Clone, Debug)]
pub enum Books {
    /// The embedded database's file.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(String),
}

impl Books {
    /// The books of a folder, or of a PostgreSQL database.
    #[must_use]
    pub fn of(folder: &Path, database_url: Option<&str>) -> Books {
        match database_url {
            Some(url) => Books::Postgres(url.to_owned()),
            None => Books::Sqlite(folder.join("ledgerbee.db")),
        }
    }

    /// The rows of a query, every value as text, null as the empty text.
    ///
    /// # Panics
    /// When the query fails.
    #[must_use]
    pub fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        match self {
            Books::Sqlite(path) => sqlite(path, sql),
            Books::Postgres(url) => postgres(url, sql),
        }
    }

    /// The one value of a query.
    #[must_use]
    pub fn value(&self, sql: &str) -> String {
        self.rows(sql).into_iter().flatten().next().unwrap_or_default()
    }

    /// Every table that holds rows of companies.
    #[must_use]
    pub fn company_tables(&self) -> Vec<String> {
        let sql = match self {
            Books::Sqlite(_) => {
                "select m.name from sqlite_master m join pragma_table_info(m.name) c on c.name = 'company_id' \
                 where m.type = 'table' order by 1"
            }
            Books::Postgres(_) => {
                "select table_name from information_schema.columns \
                 where column_name = 'company_id' and table_schema = 'public' order by 1"
            }
        };
        self.rows(sql).into_iter().flatten().collect()
    }

    /// Every row of a company's, but for its keys, which remember their last use: what is the same
    /// before and after was not touched. Taken when the workers have tried every job of the company.
    ///
    /// # Panics
    /// When they take longer than a minute.
    #[must_use]
    pub fn whole(&self, company: &str) -> Vec<(String, Vec<Vec<String>>)> {
        self.wait_for_workers(company);
        let tables = self.company_tables().into_iter().filter(|table| table != "api_keys" && !is_the_posts(table));
        tables
            .map(|table| {
                let mut rows = self.rows(&format!("select * from {table} where company_id = '{company}'"));
                rows.sort();
                (table, rows)
            })
            .collect()
    }

    /// How much a company has, by table: what is the same before and after was not written.
    /// Taken when the workers have tried every job of the company.
    ///
    /// # Panics
    /// When they take longer than a minute.
    #[must_use]
    pub fn state(&self, company: &str) -> Vec<Vec<String>> {
        self.wait_for_workers(company);
        let parts: Vec<String> = self
            .company_tables()
            .into_iter()
            .filter(|table| !is_the_posts(table))
            .map(|table| format!("select '{table}', count(*) from {table} where company_id = '{company}'"))
            .collect();
        let mut state = self.rows(&parts.join(" union all "));
        state.extend(self.rows(&format!("select * from companies where id = '{company}'")));
        let numbers = "select series_id, year, next_number from number_series_years";
        state.extend(self.rows(&format!("{numbers} where company_id = '{company}' order by 1, 2")));
        state
    }

    /// What a worker writes between two looks would pass for what the test wrote.
    fn wait_for_workers(&self, company: &str) {
        let untried = format!(
            "select count(*) from jobs where company_id = '{company}' \
             and ((attempts = 0 and due_at = created_at) or lease_id is not null)"
        );
        wait_for("the workers to come to rest", || (self.value(&untried) == "0").then_some(()));
    }
}

/// Whether a table is written to whenever a webhook is sent, which nobody waits for.
fn is_the_posts(table: &str) -> bool {
    ["webhook_places", "webhook_deliveries"].contains(&table)
}

fn sqlite(path: &Path, sql: &str) -> Vec<Vec<String>> {
    use rusqlite::types::ValueRef;
    let database = rusqlite::Connection::open(path).expect("the database opens");
    database.busy_timeout(std::time::Duration::from_secs(30)).expect("a time-out can be set");
    let mut statement = database.prepare(sql).unwrap_or_else(|fault| panic!("{sql}: {fault}"));
    let width = statement.column_count();
    let mut rows = statement.query([]).expect("the query runs");
    let mut found = Vec::new();
    while let Some(row) = rows.next().expect("a row is read") {
        let text = |at| match row.get_ref(at).expect("a column is there") {
            ValueRef::Null => String::new(),
            ValueRef::Integer(number) => number.to_string(),
            ValueRef::Real(number) => number.to_string(),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        };
        found.push((0..width).map(text).collect());
    }
    found
}

fn postgres(url: &str, sql: &str) -> Vec<Vec<String>> {
    let psql =
        Command::new("psql").args(["-X", "-A", "-t", "-F", "\u{1f}", "-v", "ON_ERROR_STOP=1", "-c", sql, url]).output();
    let psql = psql.expect("psql (apt-get install postgresql-client)");
    assert!(psql.status.success(), "{sql}: {}", String::from_utf8_lossy(&psql.stderr));
    let text = String::from_utf8(psql.stdout).expect("psql writes UTF-8");
    text.lines().map(|line| line.split('\u{1f}').map(str::to_owned).collect()).collect()
}

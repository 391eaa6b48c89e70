//! PostgreSQL: many lanes, each transaction alone with one company. Statements
//! whose answers nobody waits for are sent in one go with the next that is read; inserts into one
//! table that follow each other are one statement then, for the server answers each it is sent.

use std::future::Future;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config};

use crate::connection::{Connection, Prepared, config, connect, error, writable};
use crate::db::{Cell, Error, Question, Row, Tx, Value};
use crate::lanes::{Job, Queued, count_commit, gather, next};
use crate::migrate::{self, Dialect, MIGRATIONS};

/// The number of the advisory lock that migrations run under.
const MIGRATION_LOCK: &str = "select pg_advisory_lock(7305541)";

/// How long a statement of a request may take. A server that stands still says nothing, and no
/// `statement_timeout` ends a commit that waits for its synchronous standby: only who waits can tell.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// From how many rows on inserts that follow each other go as one statement, and how many at most do.
const MANY: usize = 4;
const MOST: usize = 1_000;

/// After how many rows that came so many at a time (an import's) a table is analysed, and again after as many more.
/// The server does so by itself, up to a minute later; until then it takes a company to have few rows of it, and
/// any index of the company's for as good as any other.
const ANALYSE_AFTER: usize = 2_000;
const BULK: usize = 100;

/// How long a statement of an examination may take, which sums up whole tables.
const EXAMINE_WITHIN: Duration = Duration::from_secs(3_600);

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(n) => n.to_sql(ty, out),
            Value::Text(text) => text.as_ref().to_sql(ty, out),
            Value::Bytes(bytes) => bytes.as_ref().to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// What a statement is given for a placeholder: a value, or those of many rows.
#[derive(Debug)]
enum Param<'v> {
    Value(&'v Value<'v>),
    Column(Vec<&'v Value<'v>>),
}

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Param::Value(value) => value.to_sql(ty, out),
            Param::Column(values) => values.to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The statement that inserts many rows as this one inserts one; none where it does anything besides.
fn of_many(sql: &str, types: &[Type]) -> Option<String> {
    let (head, values) = sql.split_once(" values (")?;
    let places: Vec<String> = (1..=types.len()).map(|place| format!("${place}")).collect();
    if !head.starts_with("insert into ") || values != format!("{})", places.join(", ")) {
        return None;
    }
    let column = |(place, ty): (&String, &Type)| match *ty {
        Type::TEXT => Some(format!("{place}::text[]")),
        Type::INT8 => Some(format!("{place}::bigint[]")),
        Type::BYTEA => Some(format!("{place}::bytea[]")),
        _ => None,
    };
    let columns: Option<Vec<String>> = places.iter().zip(types).map(column).collect();
    Some(format!("{head} select * from unnest({})", columns?.join(", ")))
}

/// The table that a statement inserts into.
fn table(sql: &str) -> Option<&str> {
    sql.strip_prefix("insert into ")?.split([' ', '(']).next()
}

/// What the server's clock says.
pub(crate) fn server_clock(tx: &mut dyn Tx) -> Result<Timestamp, Error> {
    let sql = "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')";
    tx.one(sql, &[])?.ok_or(Error::NotFound)?.next()
}

/// Whether a database has tables of ours.
pub(crate) fn has_books(url: &str) -> Result<bool, Error> {
    let runtime = runtime()?;
    runtime.block_on(async {
        let connection = connect(&writable(url)?).await?;
        let row = connection.client.query_one("select to_regclass('migrations') is not null", &[]).await;
        Ok(row.map_err(|fault| error(&fault))?.get(0))
    })
}

/// One connection with the thread's own runtime that drives it.
pub(crate) struct Lane {
    config: Config,
    within: Duration,
    runtime: Runtime,
    connection: Option<Connection>,
    transactions: u64,
}

impl Lane {
    pub(crate) fn open(url: &str) -> Result<Lane, Error> {
        Lane::of(writable(url)?, ANSWER_WITHIN)
    }

    /// A lane for an examination, of a standby too.
    pub(crate) fn open_to_examine(url: &str) -> Result<Lane, Error> {
        Lane::of(config(url)?, EXAMINE_WITHIN)
    }

    fn of(config: Config, within: Duration) -> Result<Lane, Error> {
        let runtime = runtime()?;
        let connection = Some(runtime.block_on(connect(&config))?);
        Ok(Lane { config, within, runtime, connection, transactions: 0 })
    }

    /// Has plans made anew at each power of two transactions. On empty tables any index will do
    /// for PostgreSQL, also one that later reads all of a company's rows to find one of them by
    /// its id: for a foreign key too. A plan is kept until the table is analysed, a minute or more. The
    /// tables that an import fills are analysed here, for of those any plan made meanwhile may be so.
    fn renew_plans(&mut self) {
        self.transactions += 1;
        let Some(connection) = &mut self.connection else { return };
        let mut sql = if self.transactions.is_power_of_two() { "discard plans;".to_owned() } else { String::new() };
        for (table, grown) in &mut connection.grown {
            if grown.rows >= ANALYSE_AFTER.max(2 * grown.analysed) {
                grown.analysed = grown.rows;
                // Which makes the plans anew that read it, on every connection.
                sql.push_str(&format!("analyze (skip_locked) {table};"));
            }
        }
        if !sql.is_empty() {
            // Where it fails, the connection is gone, as who uses it next will see.
            let _ = connection.answer(&self.runtime, self.within, connection.client.batch_execute(&sql));
        }
    }

    /// The connection, made anew when it was lost.
    fn tx(&mut self) -> Result<PostgresTx<'_>, Error> {
        // What drives the connection runs only while this thread waits: let it see whether the
        // server has gone since, so that the next request does not have to find out. One turn
        // looks at the socket, the next reads what is there.
        self.runtime.block_on(async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
        });
        if self.connection.as_ref().is_none_or(Connection::is_lost) {
            self.connection = None;
            self.connection = Some(self.runtime.block_on(connect(&self.config))?);
        }
        let connection = self.connection.as_mut().ok_or_else(|| Error::Busy("no connection".to_owned()))?;
        let (waiting, last) = (Vec::new(), Vec::new());
        Ok(PostgresTx { runtime: &self.runtime, within: self.within, connection, waiting, last })
    }

    pub(crate) fn write(mut self, queue: &Receiver<Queued>, largest: usize) {
        let mut first = None;
        while let Some((mut group, rest)) = gather(queue, first.take(), largest, |a, b| a.0.is_some() && a.0 == b.0) {
            first = rest;
            let outcome = self.commit(&mut group);
            for (_, job) in group {
                job.answer(outcome.clone());
            }
            self.renew_plans();
        }
    }

    fn commit(&mut self, group: &mut [Queued]) -> Result<(), Error> {
        let company = group[0].0;
        let mut tx = self.tx()?;
        let done = tx.run_group(company.map(|id| id.to_string()), group);
        if done.is_err() {
            // A connection in an unknown state is not used again.
            self.connection = None;
        }
        done
    }

    pub(crate) fn read(mut self, queue: &Mutex<Receiver<Box<dyn Job>>>) {
        while let Some(mut job) = next(queue) {
            let outcome = self.tx().and_then(|mut tx| tx.read(job.as_mut()));
            if outcome.is_err() {
                self.connection = None;
            }
            job.answer(outcome);
            self.renew_plans();
        }
    }
}

fn runtime() -> Result<Runtime, Error> {
    Builder::new_current_thread().enable_all().build().map_err(|fault| Error::Busy(fault.to_string()))
}

struct PostgresTx<'c> {
    runtime: &'c Runtime,
    within: Duration,
    connection: &'c mut Connection,
    /// What was put off.
    waiting: Vec<PutOff>,
    /// What may go after that.
    last: Vec<PutOff>,
}

/// A statement that was put off, and its values.
type PutOff = (Arc<Prepared>, Vec<Value<'static>>);

/// A statement as it goes, and what it is given.
type Sent<'w> = (Arc<Prepared>, Vec<Param<'w>>);

impl PostgresTx<'_> {
    /// One transaction for a group of one company's requests. Its first statement locks the
    /// company: that orders numbers, events, hash chain and credit caps on every engine alike.
    fn run_group(&mut self, company: Option<String>, group: &mut [Queued]) -> Result<(), Error> {
        self.exec("begin", &[])?;
        if let Some(id) = company {
            self.exec("select id from companies where id = $1 for update", &[Value::from(id)])?;
        }
        let size = group.len();
        let is_lone = size == 1;
        for (_, job) in group {
            if !is_lone {
                self.exec("savepoint request", &[])?;
            }
            // A statement that was put off shows its fault here at the latest.
            let mut keep = job.run(self);
            let flushed = self.flush();
            if let Err(fault) = flushed {
                if self.connection.is_lost() || matches!(fault, Error::Busy(_)) {
                    return Err(fault);
                }
                keep = false;
                job.fail(fault);
            }
            match (keep, is_lone) {
                (true, true) => {}
                (false, true) => return self.batch("rollback"),
                (true, false) => self.exec("release savepoint request", &[])?,
                (false, false) => self.batch("rollback to savepoint request; release savepoint request")?,
            }
        }
        let begun = Instant::now();
        self.exec("commit", &[])?;
        self.flush()?;
        count_commit(size, begun);
        Ok(())
    }

    fn read(&mut self, job: &mut dyn Job) -> Result<(), Error> {
        self.exec("begin isolation level repeatable read, read only", &[])?;
        job.run(self);
        self.batch("rollback")
    }

    fn batch(&mut self, sql: &str) -> Result<(), Error> {
        self.waiting.clear();
        self.last.clear();
        self.answer(self.connection.client.batch_execute(sql))
    }

    fn answer<T>(&self, asked: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Error> {
        self.connection.answer(self.runtime, self.within, asked)
    }

    fn prepared(&mut self, sql: &str) -> Result<Arc<Prepared>, Error> {
        if let Some(prepared) = self.connection.prepared.get(sql) {
            return Ok(prepared.clone());
        }
        // Preparing waits for an answer: what was put off goes first, in its order.
        self.flush()?;
        let statement = self.answer(self.connection.client.prepare(sql))?;
        let of_many = of_many(sql, statement.params());
        let prepared = Arc::new(Prepared { statement, of_many });
        self.connection.prepared.insert(sql.to_owned(), prepared.clone());
        Ok(prepared)
    }

    /// Takes what was put off, in the order it goes in.
    fn take(&mut self) -> Vec<PutOff> {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.append(&mut self.last);
        waiting
    }

    /// The statements that do what was put off: one for many inserts of one kind that follow each other.
    fn sent<'w>(&mut self, waiting: &'w [PutOff]) -> Result<Vec<Sent<'w>>, Error> {
        let mut sent = Vec::new();
        for run in waiting.chunk_by(|(one, _), (next, _)| Arc::ptr_eq(one, next)) {
            match run[0].0.of_many.as_deref().filter(|_| run.len() >= MANY) {
                Some(sql) => {
                    let many = self.prepared(sql)?;
                    if let (true, Some(table)) = (run.len() >= BULK, table(sql)) {
                        self.connection.grown.entry(table.to_owned()).or_default().rows += run.len();
                    }
                    for rows in run.chunks(MOST) {
                        let column = |at| Param::Column(rows.iter().map(|(_, values)| &values[at]).collect());
                        sent.push((many.clone(), (0..rows[0].1.len()).map(column).collect()));
                    }
                }
                None => sent
                    .extend(run.iter().map(|(one, values)| (one.clone(), values.iter().map(Param::Value).collect()))),
            }
        }
        Ok(sent)
    }

    /// Sends what was put off in one go; the first fault counts.
    fn flush(&mut self) -> Result<(), Error> {
        let waiting = self.take();
        if waiting.is_empty() {
            return Ok(());
        }
        let sent = self.sent(&waiting)?;
        let answers = join_all(sent.iter().map(|one| run(&self.connection.client, one)));
        self.answer(async { first_fault(answers.await) })
    }

    /// Sends what was put off and one statement that is read, in one go.
    fn query(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Vec<Row>, Error> {
        let asked = self.prepared(sql)?;
        let waiting = self.take();
        let sent = self.sent(&waiting)?;
        let client = &self.connection.client;
        let references = references(params);
        let rows = self.answer(async {
            let before = join_all(sent.iter().map(|one| run(client, one)));
            // Polled in order: join polls its first part first, and that puts its messages on the wire.
            let (answers, rows) = tokio::join!(biased; before, client.query(&asked.statement, &references));
            first_fault(answers)?;
            rows
        })?;
        rows.iter().map(read_row).collect()
    }
}

async fn run(client: &Client, (prepared, params): &Sent<'_>) -> Result<u64, tokio_postgres::Error> {
    client.execute_raw(&prepared.statement, params).await
}

fn first_fault<T>(answers: Vec<Result<T, tokio_postgres::Error>>) -> Result<(), tokio_postgres::Error> {
    answers.into_iter().find_map(Result::err).map_or(Ok(()), Err)
}

fn references<'v>(params: &'v [Value<'v>]) -> Vec<&'v (dyn ToSql + Sync)> {
    params.iter().map(|value| value as _).collect()
}

fn read_row(row: &tokio_postgres::Row) -> Result<Row, Error> {
    let mut cells = Vec::with_capacity(row.len());
    for (at, column) in row.columns().iter().enumerate() {
        let cell = match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(at).map(|n| n.map(Cell::Int)),
            Type::INT4 => row.try_get::<_, Option<i32>>(at).map(|n| n.map(|n| Cell::Int(i64::from(n)))),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(at).map(|bytes| bytes.map(Cell::Bytes)),
            _ => row.try_get::<_, Option<String>>(at).map(|text| text.map(Cell::Text)),
        };
        cells.push(cell.map_err(|fault| Error::Broken(fault.to_string()))?.unwrap_or(Cell::Null));
    }
    Ok(Row::new(cells))
}

impl Tx for PostgresTx<'_> {
    fn one(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    fn all(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Vec<Row>, Error> {
        self.query(sql, params)
    }

    fn both(&mut self, first: Question<'_>, second: Question<'_>) -> Result<(Vec<Row>, Vec<Row>), Error> {
        let asked = (self.prepared(first.0)?, self.prepared(second.0)?);
        let waiting = self.take();
        let sent = self.sent(&waiting)?;
        let client = &self.connection.client;
        let (first, second) = (references(first.1), references(second.1));
        let (first, second) = self.answer(async {
            let before = join_all(sent.iter().map(|one| run(client, one)));
            let asked = (client.query(&asked.0.statement, &first), client.query(&asked.1.statement, &second));
            let (answers, first, second) = tokio::join!(biased; before, asked.0, asked.1);
            first_fault(answers)?;
            Ok((first?, second?))
        })?;
        let rows = |rows: Vec<tokio_postgres::Row>| rows.iter().map(read_row).collect::<Result<Vec<Row>, Error>>();
        Ok((rows(first)?, rows(second)?))
    }

    fn exec(&mut self, sql: &str, params: &[Value<'_>]) -> Result<(), Error> {
        let prepared = self.prepared(sql)?;
        self.waiting.push((prepared, params.iter().cloned().map(Value::into_owned).collect()));
        Ok(())
    }

    fn later(&mut self, sql: &str, params: &[Value<'_>]) -> Result<(), Error> {
        let prepared = self.prepared(sql)?;
        self.last.push((prepared, params.iter().cloned().map(Value::into_owned).collect()));
        Ok(())
    }

    fn count(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, Error> {
        let prepared = self.prepared(sql)?;
        self.flush()?;
        let client = &self.connection.client;
        self.answer(client.execute_raw(&prepared.statement, params))
    }
}

/// Brings a database up to date, one process at a time.
pub(crate) fn migrate(url: &str) -> Result<(), Error> {
    let runtime = runtime()?;
    runtime.block_on(async {
        let connection = connect(&writable(url)?).await?;
        let client = &connection.client;
        let run = async |sql: &str| client.batch_execute(sql).await.map_err(|fault| error(&fault));
        run(MIGRATION_LOCK).await?;
        run(migrate::TABLE).await?;
        let rows = client
            .query("select number, name from migrations order by number", &[])
            .await
            .map_err(|fault| error(&fault))?;
        let applied: Vec<(i64, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        for (number, (name, text)) in (applied.len() as i64 + 1..).zip(migrate::pending(&applied, MIGRATIONS)?) {
            let mut whole = String::from("begin;\n");
            for statement in migrate::statements(text, Dialect::Postgres) {
                whole.push_str(&statement);
                whole.push_str(";\n");
            }
            whole.push_str(&format!("insert into migrations (number, name) values ({number}, '{name}');\ncommit;"));
            run(&whole).await?;
        }
        // The lock falls with the connection.
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::params;

    /// Inserts that follow each other are one statement: the same rows in the same order, and what is put
    /// off to the end goes to the end.
    #[test]
    fn many_inserts_that_follow_each_other_go_as_one() {
        let url = testkit::shared_postgres().fresh_database();
        let mut lane = Lane::of(writable(&url).unwrap(), ANSWER_WITHIN).unwrap();
        let mut tx = lane.tx().unwrap();
        tx.batch("create temp table things (at bigint generated always as identity, n bigint, t text, b bytea)")
            .unwrap();
        const INSERT: &str = "insert into things (n, t, b) values ($1, $2, $3)";
        const TAGGED: &str = "insert into things (n, t) values ($1, 'last ' || $2)";
        // What is new to the connection sends off what was put off before it.
        tx.prepared(INSERT).unwrap();
        tx.prepared(TAGGED).unwrap();
        for n in 0..MOST as i64 + 2 {
            let text = (n % 3 != 0).then(|| format!("a \"{n}\", {{}} \\ 'ø'"));
            tx.later(TAGGED, params![n, "tag"]).unwrap();
            tx.exec(INSERT, params![n, text, vec![n as u8, 0]]).unwrap();
        }
        let waiting = tx.take();
        let sent: Vec<usize> = tx.sent(&waiting).unwrap().iter().map(|(_, params)| params.len()).collect();
        assert_eq!(sent[..2], [3, 3], "two statements of three columns each");
        assert_eq!(sent.len(), 2 + MOST + 2, "what does more than insert its values goes one by one");
        assert_eq!(tx.connection.grown["things"].rows, MOST + 2);
        tx.waiting = waiting;
        let rows = tx.all("select n, t, b from things order by at", &[]).unwrap();
        assert_eq!(rows.len(), 2 * (MOST + 2));
        for (at, mut row) in rows.into_iter().enumerate() {
            let (is_first, n) = (at < MOST + 2, (at % (MOST + 2)) as i64);
            let text = if is_first {
                (n % 3 != 0).then(|| format!("a \"{n}\", {{}} \\ 'ø'"))
            } else {
                Some("last tag".to_owned())
            };
            let bytes = is_first.then(|| vec![n as u8, 0]);
            assert_eq!((row.next::<i64>(), row.next(), row.next()), (Ok(n), Ok(text), Ok(bytes)), "{at}");
        }
    }

    /// A table that rows come to many at a time is analysed each time it has doubled. Nothing but us analyses
    /// a temporary table.
    #[test]
    fn a_table_that_an_import_fills_is_analysed() {
        let url = testkit::shared_postgres().fresh_database();
        let mut lane = Lane::of(writable(&url).unwrap(), ANSWER_WITHIN).unwrap();
        lane.tx().unwrap().batch("create temp table things (n bigint)").unwrap();
        let mut known = Vec::new();
        for begin in (0..5_i64).map(|round| round * 1_000) {
            let mut tx = lane.tx().unwrap();
            for n in begin..begin + 1_000 {
                tx.exec("insert into things (n) values ($1)", params![n]).unwrap();
            }
            tx.flush().unwrap();
            lane.renew_plans();
            let sql = "select cast(reltuples as bigint) from pg_class where oid = cast('things' as regclass)";
            known.push(lane.tx().unwrap().one(sql, &[]).unwrap().unwrap().next::<i64>().unwrap());
        }
        assert_eq!(known, [-1, 2_000, 2_000, 4_000, 4_000]);
    }

    /// Only what inserts a row of values and does nothing besides has a statement for many.
    #[test]
    fn statements_that_do_more_stay_alone() {
        let types = [Type::TEXT, Type::INT8];
        let many = of_many("insert into t (a, b) values ($1, $2)", &types);
        assert_eq!(many.as_deref(), Some("insert into t (a, b) select * from unnest($1::text[], $2::bigint[])"));
        for sql in [
            "insert into t (a, b) values ($1, $2) on conflict do nothing",
            "insert into t (a, b) values ($1, $2) returning a",
            "insert into t (a, b, c) values ($1, $2, 'x')",
            "insert into t (a, b) values ($1, $2 + 1)",
            "insert into t (a, b) select $1, $2",
            "update t set a = $1 where b = $2",
        ] {
            assert_eq!(of_many(sql, &types), None, "{sql}");
        }
        assert_eq!(of_many("insert into t (a) values ($1)", &[Type::NUMERIC]), None, "a type we do not keep");
    }

    #[test]
    fn a_server_that_does_not_answer_is_given_up() {
        let url = testkit::shared_postgres().fresh_database();
        let mut lane = Lane::of(writable(&url).unwrap(), Duration::from_millis(1)).unwrap();
        let mut tx = lane.tx().unwrap();
        let fault = tx.one("select pg_sleep(600)::text", &[]).unwrap_err();
        assert!(matches!(&fault, Error::Busy(why) if why.contains("did not answer")), "{fault}");
        // Nobody knows what that connection is at: nothing more is asked of it, and there is another.
        let fault = tx.one("select 'more'", &[]).unwrap_err();
        assert!(matches!(&fault, Error::Busy(why) if why.contains("given up")), "{fault}");
        lane.within = ANSWER_WITHIN;
        let word: String = lane.tx().unwrap().one("select 'again'", &[]).unwrap().unwrap().next().unwrap();
        assert_eq!(word, "again");
    }
}

//! When commits fail, disks fill and servers die: nobody is told "done" about what
//! is not there, and afterwards the lanes work again.

use std::sync::{Arc, Mutex};

use billing::ids::CompanyId;
use store::db::{Tx, params};
use store::{Config, Database, Error, Pending, companies, jobs};
use testkit::Postgres;
use uuid::Uuid;

use crate::house::{TestHouse, at, new_id, on_both};
use crate::stock::{BARE, Stock};

/// A company whose writes go to the first of two lanes, or to the second.
fn founded(database: &Database, lane: u128) -> CompanyId {
    let id: Uuid = new_id::<CompanyId>().0;
    let company = Stock::new(CompanyId(Uuid::from_u128(id.as_u128() & !1 | lane)), BARE).company;
    let id = company.id;
    database.write(id, move |tx| companies::insert(tx, &company)).wait().unwrap();
    id
}

/// One row with a word on it.
fn note(tx: &mut dyn Tx, company_id: CompanyId, word: &str) -> Result<(), Error> {
    jobs::insert(tx, company_id, new_id(), word, company_id.0, at("2026-06-10T08:00:00Z"))
}

/// The words of a company's rows.
fn noted(database: &Database, company_id: CompanyId) -> Result<Vec<String>, Error> {
    let sql = "select kind from jobs where company_id = $1 order by kind";
    let rows = database.read(move |tx| tx.all(sql, params![company_id])).wait()?;
    Ok(crate::house::texts(rows))
}

fn is_busy<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Busy(_)))
}

on_both! {
    /// A constraint that is checked at the commit: what no engine of ours has, but commits fail.
    fn a_commit_that_fails_is_told_to_all_in_it(house: &TestHouse) {
        let own = founded(&house.database, 0);
        house
            .write(own, |tx| {
                tx.exec(
                    "create table promises (id text primary key, kept_by text references promises (id) \
                        deferrable initially deferred)",
                    params![],
                )
            })
            .unwrap();
        let promise = |tx: &mut dyn Tx| tx.exec("insert into promises (id, kept_by) values ('a', 'b')", params![]);
        let alone = house.write(own, move |tx| note(tx, own, "alone").and_then(|()| promise(tx)));
        assert!(alone.is_err());
        let gate = house.gate(own);
        let pending: Vec<Pending<(), Error>> = vec![
            house.database.write(own, move |tx| note(tx, own, "before")),
            house.database.write(own, move |tx| promise(tx)),
            house.database.write(own, |_| Err(Error::NotFound)),
            house.database.write(own, move |tx| note(tx, own, "after")),
        ];
        gate.open();
        let answers: Vec<_> = pending.into_iter().map(Pending::wait).collect();
        assert!(answers.iter().all(Result::is_err), "{answers:?}");
        assert_eq!(answers[2], Err(Error::NotFound), "a refusal stays what it was");
        assert_eq!(noted(&house.database, own), Ok(vec![]));
        house.write(own, move |tx| note(tx, own, "again")).unwrap();
        assert_eq!(noted(&house.database, own), Ok(vec!["again".to_owned()]));
    }
}

/// The database may grow by one page and no more, as on a disk that is almost full.
#[test]
fn on_a_full_disk_what_is_answered_is_what_is_there() {
    let house = TestHouse::sqlite();
    let own = founded(&house.database, 0);
    let limit = |pages: &'static str| {
        house
            .write(own, move |tx| {
                let mut row = tx.one("pragma page_count", params![])?.expect("a count");
                let most = if pages.is_empty() { row.next::<i64>()? + 1 } else { 1 << 30 };
                tx.all(&format!("pragma max_page_count = {most}"), params![]).map(|_| ())
            })
            .unwrap();
    };
    limit("");
    let large = "x".repeat(100_000);
    let huge = large.clone();
    let alone = house.write(own, move |tx| note(tx, own, &huge));
    assert!(is_busy(&alone), "{alone:?}");
    let gate = house.gate(own);
    let pending: Vec<(String, Pending<(), Error>)> = (0..40)
        .map(|n| {
            let word = if n % 4 == 3 { large.clone() } else { format!("{n:02}") };
            let written = word.clone();
            (word, house.database.write(own, move |tx| note(tx, own, &written)))
        })
        .collect();
    gate.open();
    let mut kept = Vec::new();
    for (word, answer) in pending {
        let answer = answer.wait();
        assert!(answer.is_ok() || is_busy(&answer), "{answer:?}");
        if answer.is_ok() {
            kept.push(word);
        }
    }
    assert_eq!(noted(&house.database, own).unwrap(), kept);
    limit("many");
    house.write(own, move |tx| note(tx, own, &large)).unwrap();
    assert_eq!(noted(&house.database, own).unwrap().len(), kept.len() + 1);
}

/// A backup tool or another program that holds the file.
#[test]
fn while_another_program_holds_the_file_the_lane_is_busy() {
    let house = TestHouse::sqlite();
    let own = founded(&house.database, 0);
    // Not to wait here for what the test itself holds.
    house.write(own, |tx| tx.all("pragma busy_timeout = 0", params![]).map(|_| ())).unwrap();
    let Config::Sqlite { folder } = &house.config else { unreachable!("it is SQLite") };
    let other = rusqlite::Connection::open(folder.join("ledgerbee.db")).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let answers = [1, 2].map(|_| house.write(own, move |tx| note(tx, own, "held")));
    assert!(answers.iter().all(is_busy), "{answers:?}");
    assert_eq!(noted(&house.database, own), Ok(vec![]), "reads go on");
    other.execute_batch("rollback").unwrap();
    house.write(own, move |tx| note(tx, own, "free")).unwrap();
    assert_eq!(noted(&house.database, own), Ok(vec!["free".to_owned()]));
}

/// Ends this transaction's connection on the server, and waits until it has ended.
fn end_connection(tx: &mut dyn Tx, database: &Database) -> Result<(), Error> {
    let mut row = tx.one("select cast(pg_backend_pid() as bigint)", params![])?.expect("a row");
    let pid: i64 = row.next()?;
    end_backend(database, pid);
    Ok(())
}

fn end_backend(database: &Database, pid: i64) {
    let sql = "select cast(pg_terminate_backend(cast(cast($1 as bigint) as int), 60000) as text)";
    let mut row = database.read(move |tx| tx.one(sql, params![pid])).wait().unwrap().expect("a row");
    assert_eq!(row.next::<String>().unwrap(), "true");
}

#[test]
fn a_connection_lost_in_a_request_takes_its_group_with_it() {
    let house = TestHouse::postgres();
    let own = founded(&house.database, 0);
    house.write(own, move |tx| note(tx, own, "durable")).unwrap();
    for lost_in in 0..3 {
        let gate = house.gate(own);
        let pending: Vec<Pending<(), Error>> = (0..3)
            .map(|n| {
                let database = house.database.clone();
                house.database.write(own, move |tx| {
                    note(tx, own, "lost")?;
                    if n == lost_in { end_connection(tx, &database) } else { Ok(()) }
                })
            })
            .collect();
        gate.open();
        let answers: Vec<_> = pending.into_iter().map(Pending::wait).collect();
        assert!(answers.iter().all(is_busy), "{answers:?}");
        // The lane has a new connection.
        house.write(own, move |tx| note(tx, own, "again")).unwrap();
    }
    assert_eq!(noted(&house.database, own).unwrap(), ["again", "again", "again", "durable"]);
}

/// An idle connection may be found lost by the next request: that one is told, the one after is not.
#[test]
fn a_connection_lost_between_requests_is_made_anew() {
    let house = TestHouse::postgres();
    let own = founded(&house.database, 0);
    for round in ["1", "2", "3"] {
        let sql = "select cast(pg_backend_pid() as bigint)";
        let pid = house.write(own, move |tx| tx.one(sql, params![])?.expect("a row").next::<i64>()).unwrap();
        end_backend(&house.database, pid);
        let before = noted(&house.database, own).unwrap();
        let first = house.write(own, move |tx| note(tx, own, round));
        assert!(first.is_ok() || is_busy(&first), "{first:?}");
        let expected = before.len() + usize::from(first.is_ok());
        assert_eq!(noted(&house.database, own).unwrap().len(), expected);
        house.write(own, move |tx| note(tx, own, round)).unwrap();
    }
}

#[test]
fn a_lost_connection_fails_one_read_at_most() {
    let house = TestHouse::postgres();
    let own = founded(&house.database, 0);
    let database = house.database.clone();
    // The write's connection ends the reader's, in the middle of its request.
    let lost = house.read(move |tx| {
        let mut row = tx.one("select cast(pg_backend_pid() as bigint)", params![])?.expect("a row");
        let pid: i64 = row.next()?;
        let sql = "select cast(pg_terminate_backend(cast(cast($1 as bigint) as int), 60000) as text)";
        database.write(own, move |tx| tx.one(sql, params![pid]).map(|_| ())).wait()?;
        tx.one("select 1", params![]).map(|_| ())
    });
    assert!(is_busy(&lost), "{lost:?}");
    for _ in 0..4 {
        assert_eq!(noted(&house.database, own), Ok(vec![]));
    }
}

/// A server that dies in the middle of a group, is away for a while and comes back.
#[test]
fn a_server_that_comes_back_is_used_again() {
    let server = Arc::new(Mutex::new(Postgres::start(&[])));
    let url = server.lock().unwrap().fresh_database();
    let config = Config::Postgres { url, lanes: 2, readers: 2, group: 50 };
    let database = Database::open(&config).unwrap();
    let companies = [founded(&database, 0), founded(&database, 1)];
    for own in companies {
        database.write(own, move |tx| note(tx, own, "durable")).wait().unwrap();
    }

    let own = companies[0];
    let pending: Vec<Pending<(), Error>> = (0..3)
        .map(|n| {
            let server = server.clone();
            database.write(own, move |tx| {
                note(tx, own, "lost")?;
                if n == 1 {
                    server.lock().unwrap().crash();
                }
                Ok(())
            })
        })
        .collect();
    let mut durable = vec!["durable".to_owned()];
    for (n, answer) in pending.into_iter().map(Pending::wait).enumerate() {
        // The first may have been committed alone, before the others were queued.
        assert!(is_busy(&answer) || n == 0, "{n}: {answer:?}");
        durable.extend(answer.is_ok().then(|| "lost".to_owned()));
    }
    for own in companies {
        let away = database.write(own, move |tx| note(tx, own, "away")).wait();
        assert!(is_busy(&away), "{away:?}");
        let claimed = database.claim(|tx| jobs::any_due(tx, at("2026-06-10T09:00:00Z"))).wait();
        assert!(is_busy(&claimed), "{claimed:?}");
    }
    let refused = Database::open(&config).err();
    assert!(matches!(refused, Some(Error::Busy(_))), "{refused:?}");

    server.lock().unwrap().run(&[]);
    // A connection that was idle all the while finds out at its next request.
    let read = |own| (0..3).find_map(|_| noted(&database, own).ok()).expect("one of two readers fails once each");
    assert_eq!(read(companies[0]), durable);
    assert_eq!(read(companies[1]), ["durable"]);
    for own in companies {
        database.write(own, move |tx| note(tx, own, "zurück")).wait().unwrap();
        assert_eq!(read(own).last().map(String::as_str), Some("zurück"));
    }
    Database::open(&config).unwrap();
}

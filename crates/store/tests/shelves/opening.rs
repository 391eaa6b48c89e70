//! Opening the shelves: migrations run once, a newer database is refused, and one
//! server holds a folder.

use std::sync::{Arc, Barrier};
use std::thread;

use store::db::params;
use store::migrate::MIGRATIONS;
use store::{Config, Database, Error, companies};
use testkit::Folder;

use crate::house::{TestHouse, new_id, on_both, texts};
use crate::stock::{BARE, FULL, Stock};

fn fault(config: &Config) -> Option<Error> {
    Database::open(config).err()
}

on_both! {
    fn what_was_shelved_is_there_when_opened_again(house: &TestHouse) {
        let (config, _folder) = house.empty();
        let stock = Stock::new(new_id(), FULL);
        for opening in 0..3 {
            let database = Database::open(&config).unwrap();
            if opening == 0 {
                let shelved = stock.clone();
                database.write(stock.company.id, move |tx| shelved.shelve(tx)).wait().unwrap();
            }
            let shelved = stock.clone();
            database.read(move |tx| shelved.check(tx)).wait().unwrap();
        }
    }

    fn a_newer_database_is_refused(house: &TestHouse) {
        let next = i64::try_from(MIGRATIONS.len()).unwrap() + 1;
        house
            .write(new_id(), move |tx| {
                tx.exec("insert into migrations (number, name) values ($1, 'the_future')", params![next])
            })
            .unwrap();
        let refused = fault(&house.config).expect("it is newer");
        assert!(matches!(&refused, Error::Broken(why) if why.contains("newer than this program")), "{refused:?}");
        house.write(new_id(), move |tx| tx.exec("delete from migrations where number = $1", params![next])).unwrap();
        assert_eq!(fault(&house.config), None);
    }

    fn a_database_of_other_migrations_is_refused(house: &TestHouse) {
        house.write(new_id(), |tx| tx.exec("update migrations set name = 'another' where number = 1", params![])).unwrap();
        assert!(matches!(fault(&house.config), Some(Error::Broken(_))));
    }

    fn many_open_a_fresh_database_at_once(house: &TestHouse) {
        let (config, _folder) = house.empty();
        let start = Arc::new(Barrier::new(6));
        let opening: Vec<_> = (0..6)
            .map(|_| {
                let (config, start) = (config.clone(), start.clone());
                thread::spawn(move || {
                    start.wait();
                    Database::open(&config)
                })
            })
            .collect();
        let opened: Vec<Database> = opening.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect();
        for database in &opened {
            let company = Stock::new(new_id(), BARE).company;
            database.write(company.id, move |tx| companies::insert(tx, &company)).wait().unwrap();
        }
        assert_eq!(opened[0].read(|tx| Ok::<_, Error>(companies::list(tx)?.len())).wait(), Ok(6));
        let applied = opened[0].read(|tx| tx.all("select name from migrations order by number", params![])).wait();
        assert_eq!(texts(applied.unwrap()), MIGRATIONS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }
}

#[test]
fn one_server_holds_a_folder() {
    let house = TestHouse::sqlite();
    let (first, second) = (house.another(), house.another());
    let held = first.hold_serve_lock().unwrap();
    for other in [&first, &second] {
        let refused = other.hold_serve_lock().err();
        assert!(matches!(&refused, Some(Error::Busy(why)) if why.contains("another server")), "{refused:?}");
    }
    drop(held);
    let held = second.hold_serve_lock().unwrap();
    // It is held by its own value, not by the shelves.
    drop(second);
    assert!(first.hold_serve_lock().is_err());
    drop(held);
    first.hold_serve_lock().unwrap();
    let elsewhere = TestHouse::sqlite();
    let _held = first.hold_serve_lock().unwrap();
    elsewhere.database.hold_serve_lock().unwrap();
}

#[test]
fn any_number_of_servers_share_a_postgres() {
    let house = TestHouse::postgres();
    let other = house.another();
    let _held = house.database.hold_serve_lock().unwrap();
    let _held_too = other.hold_serve_lock().unwrap();
}

#[test]
fn a_folder_is_made_where_there_is_none_and_a_file_is_none() {
    let folder = Folder::new();
    let inner = folder.path().join("of").join("books");
    Database::open(&Config::Sqlite { folder: inner.clone() }).unwrap();
    assert!(inner.join("ledgerbee.db").exists());
    let refused = fault(&Config::Sqlite { folder: inner.join("ledgerbee.db") });
    assert!(matches!(refused, Some(Error::Busy(_))), "{refused:?}");
}

#[test]
fn a_postgres_that_is_not_there_is_busy() {
    // Port 9 discards; nothing listens on it here.
    let url = "postgres://postgres@127.0.0.1:9/books".to_owned();
    let refused = fault(&Config::Postgres { url, lanes: 1, readers: 1, group: 50 });
    assert!(matches!(refused, Some(Error::Busy(_))), "{refused:?}");
}

#[test]
fn both_engines_have_the_same_columns() {
    let columns = |house: &TestHouse, sql: &'static str| texts(house.read(move |tx| tx.all(sql, params![])).unwrap());
    let sqlite = columns(
        &TestHouse::sqlite(),
        "select t.name || '.' || c.name || ' ' || case c.type when 'INTEGER' then 'bigint' when 'BLOB' then 'bytea' \
            else lower(c.type) end from sqlite_master t join pragma_table_info(t.name) c \
            where t.type = 'table' and t.name <> 'migrations' order by 1",
    );
    // How SQLite finds stored answers is its own.
    let own = [
        "answer_places.key_hash bigint",
        "answer_places.place bigint",
        "answers_placed.through bigint",
        "stored_answers.place bigint",
    ];
    let sqlite: Vec<String> = sqlite.into_iter().filter(|column| !own.contains(&column.as_str())).collect();
    let postgres = columns(
        &TestHouse::postgres(),
        "select cast(table_name || '.' || column_name || ' ' || data_type as text) collate \"C\" \
            from information_schema.columns join information_schema.tables using (table_schema, table_name) \
            where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> 'migrations' order by 1",
    );
    assert!(sqlite.len() > 300, "{}", sqlite.len());
    assert_eq!(sqlite, postgres);
}

#[test]
fn text_sorts_by_bytes_and_tables_are_strict() {
    let loose =
        "select name from sqlite_master where type = 'table' and name <> 'migrations' and sql not like '%strict'";
    let sqlite = TestHouse::sqlite().read(move |tx| tx.all(loose, params![])).unwrap();
    assert!(texts(sqlite).is_empty());
    let collated = "select cast(table_name || '.' || column_name as text) from information_schema.columns \
        where table_schema = 'public' and data_type = 'text' and collation_name is distinct from 'C' \
        and table_name <> 'migrations'";
    let postgres = TestHouse::postgres().read(move |tx| tx.all(collated, params![])).unwrap();
    assert!(texts(postgres).is_empty());
}

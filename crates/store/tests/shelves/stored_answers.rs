//! Stored answers: each company's own, kept for a while, swept in parts. And what is rehearsed.

use billing::ids::CompanyId;
use store::db::{Tx, params};
use store::stored_answers::{self, BEGIN, Body, Place, StoredAnswer};
use store::{Database, Error, companies};

use crate::house::{TestHouse, at, new_id, on_both};
use crate::stock::{BARE, FULL, Stock};

fn answer(body: &str) -> StoredAnswer {
    StoredAnswer { request_sha256: "sha".to_owned(), status: 201, body: Body::Own(body.to_owned()) }
}

fn found(house: &TestHouse, company: CompanyId, key: &'static str, since: &'static str) -> Option<StoredAnswer> {
    house
        .read(move |tx| {
            let (found, answer) = stored_answers::get_with_company(tx, company, key, at(since))?;
            assert_eq!(found.id, company);
            Ok(answer)
        })
        .unwrap()
}

fn found_company(house: &TestHouse) -> CompanyId {
    let company = Stock::new(new_id(), BARE).company;
    let founded = company.clone();
    house.write(company.id, move |tx| companies::insert(tx, &founded)).unwrap();
    company.id
}

fn store(house: &TestHouse, company: CompanyId, key: &'static str, answer: &StoredAnswer, now: &'static str) {
    let answer = answer.clone();
    house.write(company, move |tx| stored_answers::insert(tx, company, key, &answer, at(now))).unwrap();
}

fn count(tx: &mut dyn Tx, company: CompanyId) -> Result<usize, Error> {
    Ok(tx.all("select key from stored_answers where company_id = $1", params![company])?.len())
}

on_both! {
    fn an_answer_is_its_companys_and_comes_back_equal(house: &TestHouse) {
        let (own, other) = (found_company(house), found_company(house));
        let odd = StoredAnswer { body: Body::Own(format!("{{\"x\":\"{}\"}}", FULL.mark)), ..answer("") };
        let nothing = StoredAnswer { request_sha256: "sha".to_owned(), status: 204, body: Body::None };
        let told = StoredAnswer { body: Body::OfEvent(7), ..answer("") };
        store(house, own, "told", &told, "2026-06-10T10:00:00Z");
        assert_eq!(found(house, own, "told", "2026-06-10T10:00:00Z"), Some(told));
        store(house, own, "k", &odd, "2026-06-10T10:00:00Z");
        store(house, other, "k", &nothing, "2026-06-10T10:00:00Z");
        assert_eq!(found(house, own, "k", "2026-06-10T10:00:00Z"), Some(odd));
        assert_eq!(found(house, other, "k", "2026-06-03T10:00:00Z"), Some(nothing));
        assert_eq!(found(house, own, "k", "2026-06-10T10:00:00.001Z"), None);
        assert_eq!(found(house, own, "K", "2026-06-10T10:00:00Z"), None);
        let nobody: CompanyId = new_id();
        let missing = house.read(move |tx| stored_answers::get_with_company(tx, nobody, "k", at("2026-06-10T10:00:00Z")));
        assert_eq!(missing, Err(Error::NotFound));
    }

    fn what_is_too_old_is_not_found_and_swept_in_parts(house: &TestHouse) {
        let own = found_company(house);
        for key in ["a", "b", "c", "k"] {
            store(house, own, key, &answer("old"), "2026-06-01T00:00:00Z");
        }
        store(house, own, "k", &answer("new"), "2026-06-10T00:00:00Z");
        assert_eq!(found(house, own, "k", "2026-06-03T00:00:00Z"), Some(answer("new")));
        let walk = |after: Place, count| house.read(move |tx| stored_answers::walk(tx, after, count)).unwrap();
        let sweep = |after: Place, last: Place, before: &'static str| {
            let before_it = walk(BEGIN, 9).len();
            house.database.claim(move |tx| stored_answers::sweep(tx, after, last, at(before))).wait().unwrap();
            before_it - walk(BEGIN, 9).len()
        };
        // PostgreSQL has them in the order of their hashes, of which the key used twice has one.
        let all = walk(BEGIN, 9);
        let places: Vec<Place> = all.iter().map(|(place, _)| *place).collect();
        assert!(places.is_sorted() && places.len() == 5, "{places:?}");
        let one_by_one: Vec<Place> = places.iter().copied().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
        let [first, last] = [places[0], places[4]];
        assert_eq!((walk(BEGIN, 1), walk(last, 9)), (all[..1].to_vec(), Vec::new()));
        assert_eq!(sweep(BEGIN, last, "2026-06-01T00:00:00Z"), 0);
        // After the one place, and up to the other: the middle two.
        assert_eq!(sweep(first, one_by_one[2], "2026-06-02T00:00:00Z"), 2);
        assert_eq!(sweep(BEGIN, last, "2026-06-02T00:00:00Z"), 2);
        let left: Vec<_> = all.iter().filter(|(_, stored_at)| *stored_at == at("2026-06-10T00:00:00Z")).copied().collect();
        assert_eq!((walk(BEGIN, 9), left.len()), (left.clone(), 1));
        assert_eq!(found(house, own, "k", "2026-06-10T00:00:00Z"), Some(answer("new")));
    }

    /// Alone or among others of its group: it answers what it did, which is gone after.
    fn what_is_rehearsed_leaves_nothing_and_takes_nothing_with_it(house: &TestHouse) {
        let own = found_company(house);
        let rehearse = || {
            house.database.rehearse(own, move |tx| {
                stored_answers::insert(tx, own, "rehearsed", &answer("x"), at("2026-06-10T00:00:00Z"))?;
                count(tx, own)
            })
        };
        assert_eq!(rehearse().wait(), Ok::<usize, Error>(1));
        let gate = house.gate(own);
        let write = |key: &'static str| {
            house.database.write(own, move |tx| {
                stored_answers::insert(tx, own, key, &answer("x"), at("2026-06-10T00:00:00Z"))?;
                count(tx, own)
            })
        };
        let (before, between, after) = (write("a"), rehearse(), write("b"));
        gate.open();
        assert_eq!((before.wait(), between.wait(), after.wait()), (Ok::<usize, Error>(1), Ok::<usize, Error>(2), Ok::<usize, Error>(2)));
        assert_eq!(house.read(move |tx| count(tx, own)).unwrap(), 2);
        // What it does that can't be done shows, as it would if it were to stay.
        let twice = house.database.rehearse(own, move |tx| {
            for _ in 0..2 {
                tx.exec("insert into migrations (number, name) values ($1, $2)", params![99_i64, "x"])?;
            }
            Ok::<(), Error>(())
        });
        assert!(matches!(twice.wait(), Err(Error::Conflict(_))));
    }
}

/// How many answers make a batch, and a few more.
const MANY: usize = 66_000;

/// Which of the first `count` answers, a few of many, are not found: by who writes and by who reads.
fn lost(database: &Database, own: CompanyId, count: usize) -> Vec<String> {
    let look = move |tx: &mut dyn Tx| {
        let mut lost = Vec::new();
        for n in (0..count).step_by(97).chain([count - 1]) {
            let key = format!("key {n}");
            let (_, stored) = stored_answers::get_with_company(tx, own, &key, at("2026-06-01T00:00:00Z"))?;
            if stored != Some(answer(&key)) {
                lost.push(key);
            }
        }
        Ok::<_, Error>(lost)
    };
    let mut all = database.write(own, look).wait().unwrap();
    all.extend(database.read(look).wait().unwrap());
    all
}

fn store_many(tx: &mut dyn Tx, own: CompanyId, numbers: std::ops::Range<usize>) -> Result<(), Error> {
    for n in numbers {
        let key = format!("key {n}");
        stored_answers::insert(tx, own, &key, &answer(&key), at("2026-06-10T00:00:00Z"))?;
    }
    Ok(())
}

fn number(house: &TestHouse, sql: &'static str) -> i64 {
    house.read(move |tx| tx.one(sql, &[])?.ok_or(Error::NotFound)?.next()).unwrap()
}

/// SQLite's places are put in order in batches: before, while and after that, beside what is refused and what is
/// written meanwhile, over another start and a sweep, each answer is found.
#[test]
fn sqlites_answers_are_found_while_their_places_are_put_in_order() {
    let house = TestHouse::sqlite();
    let own = found_company(&house);
    house.write(own, move |tx| store_many(tx, own, 0..MANY)).unwrap();
    let mut count = MANY;
    let placed = "select count(*) from answer_places";
    let mut halfway = false;
    while number(&house, "select through from answers_placed") == 0 {
        house.write(own, move |tx| store_many(tx, own, count..count + 1)).unwrap();
        count += 1;
        // What is refused takes its answer with it, and not the places that were moved beside it.
        let refused = house.write(own, move |tx| {
            stored_answers::insert(tx, own, "refused", &answer("x"), at("2026-06-10T00:00:00Z"))?;
            Err::<(), _>(Error::NotFound)
        });
        assert_eq!(refused, Err(Error::NotFound));
        if !halfway && number(&house, placed) > MANY as i64 / 2 {
            halfway = true;
            assert_eq!(lost(&house.database, own, count), [""; 0]);
            assert_eq!(lost(&house.another(), own, count), [""; 0]);
        }
        assert!(count < 2 * MANY, "a batch comes to its end");
    }
    assert!(halfway);
    // All that were there when the batch was begun.
    let through = number(&house, "select through from answers_placed");
    assert!(through >= MANY as i64 && through < count as i64, "{through}");
    assert!(number(&house, placed) >= MANY as i64);
    assert_eq!(lost(&house.database, own, count), [""; 0]);
    assert_eq!(found(&house, own, "refused", "2026-06-01T00:00:00Z"), None);

    // Another start reads what lies after the batch.
    let again = house.another();
    assert_eq!(lost(&again, own, count), [""; 0]);

    // Once all are dropped, new ones begin where the first did, and are found after a start too.
    house.database.claim(|tx| stored_answers::sweep(tx, BEGIN, i64::MAX, at("2026-07-01T00:00:00Z"))).wait().unwrap();
    assert_eq!((number(&house, "select count(*) from stored_answers"), number(&house, placed)), (0, 0));
    house.write(own, move |tx| store_many(tx, own, 0..5)).unwrap();
    assert_eq!(lost(&house.database, own, 5), [""; 0]);
    assert_eq!(lost(&house.another(), own, 5), [""; 0]);
}

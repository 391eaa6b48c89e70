//! Writes that wait together are committed together, each as if it were alone.

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::sync::{Arc, Barrier};
use std::thread;

use billing::ids::CompanyId;
use jiff::Timestamp;
use store::db::{Tx, Value, params};
use store::deliveries::{self, Delivery};
use store::events::{EventOrigin, NewEvent};
use store::jobs::{Job, NewJob, Room};
use store::{Config, Database, Error, Pending, companies, events, jobs, series};

use crate::house::{TestHouse, at, new_id, on_both};
use crate::stock::{BARE, FULL, Stock};

const NOW: &str = "2026-06-10T08:00:00Z";

/// A company with nothing but its series.
fn founded(house: &TestHouse) -> (CompanyId, Stock) {
    let stock = Stock::new(new_id(), BARE);
    let shelved = stock.clone();
    house
        .write(stock.company.id, move |tx| {
            companies::insert(tx, &shelved.company)?;
            series::insert(tx, shelved.company.id, &shelved.series[0], at(NOW))
        })
        .unwrap();
    (stock.company.id, stock)
}

/// One row with a number on it.
fn note(tx: &mut dyn Tx, company_id: CompanyId, number: u32) -> Result<(), Error> {
    jobs::insert(tx, company_id, new_id(), &number.to_string(), new_id::<CompanyId>().0, at(NOW))
}

/// The numbers of the rows that are there.
fn noted(house: &TestHouse, company_id: CompanyId) -> Vec<u32> {
    let rows = house.read(move |tx| tx.all("select kind from jobs where company_id = $1", params![company_id]));
    let mut numbers: Vec<u32> = rows.unwrap().into_iter().map(|mut row| row.parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

/// A statement that fails: there is a row of that key.
fn conflict(tx: &mut dyn Tx, company_id: CompanyId) -> Result<(), Error> {
    tx.exec("insert into company_counters select * from company_counters where company_id = $1", params![company_id])
}

on_both! {
    fn a_write_that_fails_takes_only_its_own_rows_with_it(house: &TestHouse) {
        let (own, _) = founded(house);
        let gate = house.gate(own);
        let pending: Vec<(u32, Pending<(), Error>)> = (0..100)
            .map(|n| {
                let deed = move |tx: &mut dyn Tx| {
                    note(tx, own, n)?;
                    match n % 10 {
                        1 => Err(Error::NotFound),
                        3 => resume_unwind(Box::new("a fault of the program")),
                        5 => conflict(tx, own),
                        7 => conflict(tx, own).and_then(|()| note(tx, own, 1_000 + n)),
                        8 => tx.one("select 1 from no_such_table", params![]).map(|_| ()),
                        _ => Ok(()),
                    }
                };
                (n, house.database.write(own, deed))
            })
            .collect();
        gate.open();
        for (n, answer) in pending {
            let answer = answer.wait();
            match n % 10 {
                1 => assert_eq!(answer, Err(Error::NotFound)),
                3 => assert_eq!(answer, Err(Error::Broken("panicked: a fault of the program".to_owned()))),
                5 | 7 => assert!(matches!(answer, Err(Error::Conflict(_))), "{n}: {answer:?}"),
                8 => assert!(matches!(answer, Err(Error::Broken(_))), "{n}: {answer:?}"),
                _ => assert_eq!(answer, Ok(())),
            }
        }
        let kept: Vec<u32> = (0..100).filter(|n| ![1, 3, 5, 7, 8].contains(&(n % 10))).collect();
        assert_eq!(noted(house, own), kept);
    }

    fn a_write_alone_that_fails_leaves_nothing(house: &TestHouse) {
        let (own, _) = founded(house);
        assert_eq!(house.write(own, move |tx| note(tx, own, 1).and(Err::<(), _>(Error::NotFound))), Err(Error::NotFound));
        let panicked: Result<(), Error> = house.write(own, move |tx| {
            note(tx, own, 2)?;
            resume_unwind(Box::new(format!("fault {}", 2)))
        });
        assert_eq!(panicked, Err(Error::Broken("panicked: fault 2".to_owned())));
        let refused = house.write(own, move |tx| note(tx, own, 3).and_then(|()| conflict(tx, own)));
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
        house.write(own, move |tx| note(tx, own, 4)).unwrap();
        assert_eq!(noted(house, own), [4]);
    }

    /// After a failed statement the request is over, whatever the deed makes of it.
    fn a_deed_that_goes_on_after_a_failed_statement_is_not_done(house: &TestHouse) {
        let (own, _) = founded(house);
        let careless = move |n: u32| {
            move |tx: &mut dyn Tx| {
                note(tx, own, n)?;
                // The statement is run at once, so that its fault is told here.
                let refused = tx.count("insert into companies select * from companies", params![]);
                assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
                Ok::<(), Error>(())
            }
        };
        let alone = house.write(own, careless(1));
        let gate = house.gate(own);
        let before = house.database.write(own, move |tx| note(tx, own, 2));
        let between = house.database.write(own, careless(3));
        let after = house.database.write(own, move |tx| note(tx, own, 4));
        gate.open();
        assert_eq!((before.wait(), after.wait()), (Ok(()), Ok(())));
        for answer in [alone, between.wait()] {
            assert!(matches!(answer, Err(Error::Conflict(_))), "{answer:?}");
        }
        assert_eq!(noted(house, own), [2, 4]);
    }

    fn a_write_is_seen_by_the_next_read(house: &TestHouse) {
        let (own, _) = founded(house);
        for n in 0..50 {
            house.write(own, move |tx| note(tx, own, n)).unwrap();
            assert_eq!(noted(house, own).last(), Some(&n));
        }
    }

    fn a_write_is_not_seen_before_it_is_answered(house: &TestHouse) {
        let (own, _) = founded(house);
        let database = house.database.clone();
        let seen = house.write(own, move |tx| {
            note(tx, own, 1)?;
            let others = database.read(move |tx| tx.all("select id from jobs", params![]).map(|rows| rows.len()));
            let own = tx.all("select id from jobs", params![])?.len();
            Ok((own, others.wait()?))
        });
        assert_eq!(seen, Ok((1, 0)));
        assert_eq!(noted(house, own), [1]);
    }

    fn a_read_sees_one_moment(house: &TestHouse) {
        let (own, _) = founded(house);
        let database = house.database.clone();
        let counts = house.read(move |tx| {
            let mut count = || tx.all("select id from jobs", params![]).map(|rows| rows.len());
            let before = count()?;
            database.write(own, move |tx| note(tx, own, 1)).wait()?;
            Ok((before, count()?))
        });
        assert_eq!(counts, Ok((0, 0)));
        assert_eq!(noted(house, own), [1]);
    }

    fn a_read_writes_nothing(house: &TestHouse) {
        let (own, _) = founded(house);
        let refused = house.read(move |tx| note(tx, own, 1).and_then(|()| tx.all("select id from jobs", params![])));
        assert!(matches!(refused, Err(Error::Busy(_))), "{refused:?}");
        assert!(noted(house, own).is_empty());
        house.write(own, move |tx| note(tx, own, 2)).unwrap();
        assert_eq!(noted(house, own), [2]);
    }

    /// 64 threads on two servers of the same books; every third request fails after taking its number.
    fn numbers_taken_by_many_have_no_gap_and_no_double(house: &TestHouse) {
        let (own, stock) = founded(house);
        let series_id = stock.series[0].id;
        let servers = [house.database.clone(), house.another()];
        let start = Arc::new(Barrier::new(64));
        let threads: Vec<_> = (0..64_usize)
            .map(|thread| {
                let (server, start): (Arc<Database>, _) = (servers[thread % 2].clone(), start.clone());
                thread::spawn(move || {
                    start.wait();
                    let write = |turn: usize| {
                        let fails = (thread + turn).is_multiple_of(3);
                        let deed = move |tx: &mut dyn Tx| {
                            let taken = series::next(tx, own, series_id, 2026, at(NOW))?.0;
                            match (fails, turn % 2) {
                                (false, _) => Ok(taken),
                                (true, 0) => Err(Error::NotFound),
                                (true, _) => conflict(tx, own).map(|()| taken),
                            }
                        };
                        let answer = server.write(own, deed).wait();
                        assert_eq!(answer.is_err(), fails, "{answer:?}");
                        answer.ok()
                    };
                    (0..6).filter_map(write).collect::<Vec<i64>>()
                })
            })
            .collect();
        let mut taken: Vec<i64> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        taken.sort_unstable();
        assert_eq!(taken, (1..=256).collect::<Vec<i64>>());
        assert_eq!(house.write(own, move |tx| series::next(tx, own, series_id, 2026, at(NOW))).unwrap().0, 257);
        assert_eq!(house.write(own, move |tx| series::next(tx, own, series_id, 2027, at(NOW))).unwrap().0, 1);
    }

    fn a_number_never_counts_from_before_the_last_one(house: &TestHouse) {
        let (own, stock) = founded(house);
        let series_id = stock.series[0].id;
        let next = |now: &'static str| {
            house.write(own, move |tx| series::next(tx, own, series_id, 0, at(now))).unwrap()
        };
        assert_eq!(next("2026-06-10T08:00:00.500Z"), (1, at("2026-06-10T08:00:00.500Z")));
        assert_eq!(next("2026-06-10T08:00:00.499Z"), (2, at("2026-06-10T08:00:00.500Z")));
        assert_eq!(next("2026-06-10T08:00:00.501Z"), (3, at("2026-06-10T08:00:00.501Z")));
    }

    /// Requests of many companies, some failing: each company's events count from 1 without a gap.
    fn events_of_many_writers_have_no_gap(house: &TestHouse) {
        let companies: Vec<CompanyId> = (0..3).map(|_| founded(house).0).collect();
        let servers = [house.database.clone(), house.another()];
        let pending: Vec<(CompanyId, usize, Pending<(), Error>)> = (0..120)
            .map(|n| {
                let own = companies[n % 3];
                let deed = move |tx: &mut dyn Tx| {
                    append(tx, own, n % 4 + 1)?;
                    if n % 5 == 0 { Err(Error::NotFound) } else { Ok(()) }
                };
                (own, n, servers[n % 2].write(own, deed))
            })
            .collect();
        let mut expected = vec![0_i64; 3];
        for (own, n, answer) in pending {
            let at = companies.iter().position(|id| *id == own).unwrap();
            assert_eq!(answer.wait().is_ok(), n % 5 != 0);
            expected[at] += if n % 5 == 0 { 0 } else { (n % 4 + 1) as i64 };
        }
        for (own, expected) in companies.into_iter().zip(expected) {
            let sql = "select sequence from events where company_id = $1 order by sequence";
            let rows = house.read(move |tx| tx.all(sql, params![own])).unwrap();
            let sequence: Vec<i64> = rows.into_iter().map(|mut row| row.next().unwrap()).collect();
            assert_eq!(sequence, (1..=expected).collect::<Vec<i64>>());
        }
    }

    /// Two servers claim at once: each job is had by one of them.
    fn a_job_is_claimed_once(house: &TestHouse) {
        let (own, _) = founded(house);
        let insert = |tx: &mut dyn Tx, own, kind| jobs::insert(tx, own, new_id(), kind, new_id::<CompanyId>().0, at(NOW));
        house.write(own, move |tx| (0..100).try_for_each(|_| insert(tx, own, "archive"))).unwrap();
        let servers = [house.database.clone(), house.another()];
        let now = at("2026-06-10T08:00:01Z");
        let claim = move |tx: &mut dyn Tx| jobs::claim(tx, "archive", new_id::<CompanyId>().0, now, at("2026-06-10T09:00:00Z"), &Room::of(10));
        let pending: Vec<Pending<Vec<jobs::Job>, Error>> = (0..10).map(|n: usize| servers[n % 2].claim(claim)).collect();
        let mut claimed: Vec<jobs::Job> = pending.into_iter().flat_map(|answer| answer.wait().unwrap()).collect();
        // Two that looked at once share what they saw: the rest is claimed after them.
        while let Some(more) = Some(house.database.claim(claim).wait().unwrap()).filter(|more| !more.is_empty()) {
            claimed.extend(more);
        }
        let distinct: BTreeSet<String> = claimed.iter().map(|job| job.id.to_string()).collect();
        assert_eq!((claimed.len(), distinct.len()), (100, 100));
        assert!(claimed.iter().all(|job| job.attempts == 0 && job.company_id == own));
        let any_due = move |now: Timestamp| house.read(move |tx| jobs::any_due(tx, now)).unwrap();
        assert!(!any_due(now));
        assert!(any_due(at("2026-06-10T09:00:00Z")), "a lease ends");
        let (first, second) = (claimed[0].id, claimed[1].id);
        house
            .write(own, move |tx| {
                jobs::later(tx, own, first, at("2026-06-10T08:00:00Z"))?;
                jobs::delete(tx, own, second)
            })
            .unwrap();
        let again = house.database.claim(claim).wait().unwrap();
        assert_eq!(again.iter().map(|job| (job.id, job.attempts)).collect::<Vec<_>>(), [(first, 1)]);
        let rows = house.read(move |tx| tx.all("select id from jobs", params![])).unwrap();
        assert_eq!(rows.len(), 99);
    }

    /// What can only be meant for a clock that was ahead is due now, and nothing else.
    fn jobs_do_not_wait_for_a_clock_that_was_ahead(house: &TestHouse) {
        let (own, _) = founded(house);
        let (now, soon, ahead) = (at("2026-06-10T09:00:00Z"), at("2026-06-10T09:01:00Z"), at("2036-06-10T09:00:00Z"));
        let insert = |made_at| {
            let id = new_id();
            house.write(own, move |tx| jobs::insert(tx, own, id, "archive", new_id::<CompanyId>().0, made_at)).unwrap();
            id
        };
        let claim = |at, until| {
            let claim = move |tx: &mut dyn Tx| jobs::claim(tx, "archive", new_id::<CompanyId>().0, at, until, &Room::of(1));
            house.database.claim(claim).wait().unwrap()[0].id
        };
        let later = |id, due| house.write(own, move |tx| jobs::later(tx, own, id, due)).unwrap();
        let long_ago = at("2026-06-10T08:00:00Z");
        insert(long_ago);
        let mut wrong = vec![claim(long_ago, ahead)];
        insert(long_ago);
        let mut right = vec![claim(long_ago, soon)];
        wrong.push(insert(ahead));
        for (due, jobs) in [(ahead, &mut wrong), (soon, &mut right)] {
            jobs.push(insert(long_ago));
            later(jobs[jobs.len() - 1], due);
        }
        let bounds = [soon, at("2026-06-10T09:10:00Z"), at("2026-06-10T20:00:00Z")];
        let righted = house.database.claim(move |tx| jobs::set_right(tx, now, bounds)).wait();
        assert_eq!(righted, Ok::<u64, Error>(3));
        let due = house.read(move |tx| tx.all("select id from jobs where due_at <= $1", params![now])).unwrap();
        let due: BTreeSet<String> = crate::house::texts(due).into_iter().collect();
        assert_eq!(due, wrong.iter().map(ToString::to_string).collect());
    }

    /// However many jobs wait, a look for those that are due and a claim read the first of them by an index. PostgreSQL
    /// chooses by what the table holds.
    fn a_claim_is_looked_up_by_an_index(house: &TestHouse) {
        if !matches!(house.config, Config::Sqlite { .. }) {
            return;
        }
        for name in ["DUE", "IS_DUE"] {
            let (_, text) = jobs::STATEMENTS.iter().find(|(own, _)| *own == name).unwrap();
            let nulls = vec![Value::Null; text.matches('$').count()];
            let plan = house.read(move |tx| tx.all(&format!("explain query plan {text}"), &nulls)).unwrap();
            let steps: Vec<String> = plan.into_iter().map(|mut row| {
                let (_, _, _): (i64, i64, i64) = (row.next().unwrap(), row.next().unwrap(), row.next().unwrap());
                row.next().unwrap()
            }).collect();
            assert!(steps[0].contains("INDEX jobs_by_kind (kind=? AND due_at<?)"), "{name}: {steps:?}");
        }
    }

    /// Whoever claimed a job may hold it for longer, until somebody else has claimed it.
    fn a_claim_is_held_until_another_has_it(house: &TestHouse) {
        let (own, _) = founded(house);
        let id = new_id();
        house.write(own, move |tx| jobs::insert(tx, own, id, "archive", new_id::<CompanyId>().0, at(NOW))).unwrap();
        let claim = |now: &str, until: &str| {
            let [now, until] = [now, until].map(at);
            let claim = move |tx: &mut dyn Tx| jobs::claim(tx, "archive", new_id::<CompanyId>().0, now, until, &Room::of(1));
            house.database.claim(claim).wait().unwrap()
        };
        let hold = |job: &Job, until: &str| {
            let (job, until) = (job.clone(), at(until));
            house.database.claim(move |tx| jobs::hold(tx, &job, until)).wait()
        };
        let first = claim("2026-06-10T08:00:00Z", "2026-06-10T08:03:00Z").remove(0);
        assert_eq!(hold(&first, "2026-06-10T08:05:00Z"), Ok::<bool, Error>(true));
        assert_eq!(claim("2026-06-10T08:04:00Z", "2026-06-10T08:07:00Z"), []);
        let second = claim("2026-06-10T08:06:00Z", "2026-06-10T08:09:00Z").remove(0);
        assert_eq!(hold(&first, "2026-06-10T09:00:00Z"), Ok::<bool, Error>(false));
        assert_eq!(hold(&second, "2026-06-10T08:10:00Z"), Ok::<bool, Error>(true));
    }

    /// Of two hundred due jobs of one receiver two are at work at once, and those of others are claimed before the rest.
    fn a_queue_takes_no_more_places_than_its_own(house: &TestHouse) {
        let (own, _) = founded(house);
        let add = |queue: &'static str, count: usize| {
            let add = move |tx: &mut dyn Tx| {
                let job = |id| NewJob { id, kind: "deliver", subject_id: new_id::<CompanyId>().0, queue, due_at: at(NOW) };
                (0..count).try_for_each(|_| jobs::add(tx, own, &job(new_id()), at(NOW)))
            };
            house.write(own, add).unwrap();
        };
        let well = Arc::new(BTreeSet::from(["dead", "live", "other"].map(str::to_owned)));
        let mut room = Room { free: 7, first: 1, each: 2, well, ..Room::of(7) };
        let mut claim = || {
            let asked = room.clone();
            let now = at("2026-06-10T08:00:01Z");
            let claim = move |tx: &mut dyn Tx| {
                let is_due = jobs::is_due(tx, "deliver", now, &asked)?;
                let claimed = jobs::claim(tx, "deliver", new_id::<CompanyId>().0, now, at("2026-06-10T09:00:00Z"), &asked)?;
                Ok::<_, Error>((is_due, claimed))
            };
            let (is_due, claimed) = house.database.claim(claim).wait().unwrap();
            assert_eq!(is_due, !claimed.is_empty());
            for job in &claimed {
                *room.taken.entry(job.queue.clone()).or_default() += 1;
                room.free -= 1;
            }
            claimed.into_iter().map(|job| job.queue).collect::<Vec<String>>()
        };
        add("dead", 200);
        assert_eq!(claim(), ["dead", "dead"]);
        assert_eq!(claim(), Vec::<String>::new(), "what is due has no place");
        add("live", 3);
        add("unheard", 3);
        add("other", 1);
        assert_eq!(claim(), ["live", "live", "unheard", "other"]);
        assert_eq!(claim(), Vec::<String>::new());
    }

    /// A send of next year waits for its instant, whatever the clock did; one that was claimed on a clock
    /// that was ahead goes back to it.
    fn a_scheduled_send_keeps_its_instant(house: &TestHouse) {
        let stock = Stock::new(new_id(), FULL);
        let (own, delivery, ahead) = (stock.company.id, stock.delivery.id, at("2036-06-10T09:00:00Z"));
        let instant = at("2027-01-01T08:00:00Z");
        let scheduled = Delivery { scheduled_at: Some(instant), ..stock.delivery.clone() };
        let id = new_id();
        house
            .write(own, move |tx| {
                stock.shelve(tx)?;
                deliveries::update(tx, own, &scheduled)?;
                let job = NewJob { id, kind: "scheduled", subject_id: delivery.0, queue: "", due_at: instant };
                jobs::add(tx, own, &job, at(NOW))
            })
            .unwrap();
        let righted = || {
            let (now, bounds) = (at(NOW), [at("2026-06-10T08:00:05Z"), at("2026-06-10T08:12:00Z"), at("2026-06-10T20:00:00Z")]);
            house.database.claim(move |tx| jobs::set_right(tx, now, bounds)).wait()
        };
        let due = || house.read(move |tx| tx.all("select due_at from jobs where kind = 'scheduled'", params![])).unwrap();
        assert_eq!(righted(), Ok::<u64, Error>(0));
        let claim = move |tx: &mut dyn Tx| jobs::claim(tx, "scheduled", new_id::<CompanyId>().0, ahead, ahead, &Room::of(1));
        assert_eq!(house.database.claim(claim).wait().unwrap()[0].id, id);
        assert_eq!(righted(), Ok::<u64, Error>(1));
        assert_eq!(crate::house::texts(due()), ["2027-01-01T08:00:00.000Z"]);
    }

    fn a_copy_is_archived_once(house: &TestHouse) {
        let stock = Stock::new(new_id(), FULL);
        let (own, invoice, made_at) = (stock.company.id, stock.invoice.id, stock.company.created_at);
        house.write(own, move |tx| stock.shelve(tx)).unwrap();
        let archive = |kind: &'static str, bytes: &'static [u8]| {
            house.write(own, move |tx| store::files::archive(tx, own, invoice, kind, "sha", bytes, made_at)).unwrap()
        };
        assert!(archive("xml", b"first"));
        assert!(!archive("xml", b"second"));
        let kept = house.read(move |tx| store::files::get(tx, own, invoice, "xml")).unwrap();
        assert_eq!(kept, Some(("sha".to_owned(), b"first".to_vec())));
    }

    fn a_full_queue_says_it_is_busy(house: &TestHouse) {
        let (own, _) = founded(house);
        let gate = house.gate(own);
        let pending: Vec<_> = (0..1_100).map(|n| (n, house.database.write(own, move |tx| note(tx, own, n)))).collect();
        gate.open();
        let mut kept = Vec::new();
        for (n, answer) in pending {
            match answer.wait() {
                Ok(()) => kept.push(n),
                Err(fault) => assert_eq!(fault, Error::Busy("the queue is full".to_owned())),
            }
        }
        assert_eq!(kept, (0..1_024).collect::<Vec<u32>>());
        assert_eq!(noted(house, own), kept);
    }

    fn what_is_queued_is_finished_before_the_shelves_close(house: &TestHouse) {
        let (own, _) = founded(house);
        let other = house.another();
        let pending: Vec<_> = (0..20).map(|n| other.write(own, move |tx| note(tx, own, n))).collect();
        drop(other);
        for answer in pending {
            answer.wait().unwrap();
        }
        assert_eq!(noted(house, own), (0..20).collect::<Vec<u32>>());
    }
}

fn append(tx: &mut dyn Tx, company_id: CompanyId, count: usize) -> Result<(), Error> {
    let origin = EventOrigin {
        occurred_at: at(NOW),
        actor_type: "system",
        actor_id: None,
        request_id: "r",
        remote_address: None,
        agent: None,
    };
    let event = || NewEvent {
        id: new_id(),
        kind: "invoice.created",
        resource_type: "invoice",
        resource_id: company_id.0,
        data: "{}".to_owned(),
        before: None,
    };
    events::append(tx, company_id, &origin, &(0..count).map(|_| event()).collect::<Vec<_>>()).map(drop)
}

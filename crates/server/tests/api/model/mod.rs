//! The program against a model of it: random calls, and every answer and every balance as the model
//! says. The model is slow, plain, in memory, and shares no code with the program.
//!
//! `LEDGERBEE_MODEL_STEPS` says how many steps, by default 2,000 on SQLite and 500 on PostgreSQL;
//! `LEDGERBEE_MODEL_SEED` repeats a run. On a disagreement the steps are thinned out, each time in a
//! fresh company, until none can be left out, and what is left is printed as calls.

mod answer;
mod bodies;
mod books;
mod calls;
mod drafts;
mod ground;
mod left;
mod notes;
mod play;
mod published;
mod ratio;
mod settled;
mod settlement;
mod shapes;
mod world;
mod write_offs;

pub use calls::Dice;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use testkit::{Folder, shared_postgres};

use crate::house::{House, PROGRAM};
use play::{Tally, play, steps, thin_out};

/// Steps of one company.
const RUN: usize = 250;
/// Steps of one house in the long form: what is left in its outbox then goes with its folder.
const HOUSE: usize = 50_000;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// So many steps, a company for each run of them, a few companies at once.
fn run_all(house: &House, seed: u64, count: usize, run: usize, tally: &Tally) {
    let runs = count.div_ceil(run);
    let next = AtomicUsize::new(0);
    let failed = std::sync::Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while failed.lock().unwrap().is_none() {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= runs {
                        break;
                    }
                    // A run of its own for each seed, so that one seed repeats it alone.
                    let own = seed.wrapping_add(at as u64);
                    if let Err(disagreement) = play(house, own, &steps(own, run.min(count - at * run)), Some(tally)) {
                        failed.lock().unwrap().get_or_insert((own, run.min(count - at * run), disagreement));
                    }
                }
            });
        }
    });
    if let Some((own, run, disagreement)) = failed.into_inner().unwrap() {
        let played = &disagreement;
        eprintln!(
            "\nmodel: seed {own} of {run} steps disagrees at step {}\n{}\nthinning out",
            played.step, played.what
        );
        let (least, last) = thin_out(house, own, steps(own, run), &disagreement);
        panic!(
            "the program and the model disagree.\nRepeat with LEDGERBEE_MODEL_SEED={own} LEDGERBEE_MODEL_STEPS={run}\n\
             {} of {run} steps are enough:\n{}\n{}",
            least.len(),
            last.script,
            last.what
        );
    }
}

fn run(shared: &'static House, usual: usize, fresh: fn(&Folder) -> House) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = setting("LEDGERBEE_MODEL_SEED").unwrap_or(now);
    let tally = Tally::default();
    let begun = Instant::now();
    match setting("LEDGERBEE_MODEL_STEPS").map(|steps| steps as usize) {
        None => run_all(shared, seed, usual, RUN, &tally),
        Some(count) if count <= HOUSE => run_all(shared, seed, count, count.min(4 * RUN), &tally),
        Some(count) => {
            for (at, begin) in (0..count).step_by(HOUSE).enumerate() {
                let folder = Folder::new();
                let house = fresh(&folder);
                run_all(&house, seed.wrapping_add(at as u64 * 1_000_000), HOUSE.min(count - begin), 4 * RUN, &tally);
                println!("{} steps in {} s", begin + HOUSE.min(count - begin), begun.elapsed().as_secs());
            }
        }
    }
    println!("model: seed {seed}\n{tally}{} s", begun.elapsed().as_secs());
    tally.check_spread();
}

mod on_sqlite {
    #[test]
    fn every_answer_is_as_the_model_says() {
        super::run(crate::house::sqlite(), 2000, |folder| {
            super::House::serve(super::PROGRAM, folder.path(), None, &[])
        });
    }
}

mod on_postgres {
    #[test]
    fn every_answer_is_as_the_model_says() {
        super::run(crate::house::postgres(), 500, |folder| {
            let database = super::shared_postgres().fresh_database();
            super::House::serve(super::PROGRAM, folder.path(), Some(&database), &[])
        });
    }
}

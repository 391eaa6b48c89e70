//! Many random cases over all cores: plain seeded loops, of which each case can be played again
//! by its seed. `LEDGERBEE_CREDIT_SEED` says with which they begin.

use std::io::Write;
use std::ops::Range;
use std::thread;

/// A sequence that looks random, by splitmix64: the same for the same seed.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn within(&mut self, range: Range<i64>) -> i64 {
        range.start + (self.next() % (range.end - range.start).unsigned_abs()).cast_signed()
    }

    pub fn place(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count as u64).unwrap()
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.place(from.len())]
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}

/// A number from the environment.
pub fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Runs all cases over all cores and merges what each found by `merge`.
pub fn over_all<T: Send>(cases: u64, one: impl Fn(u64) -> T + Sync, merge: impl Fn(T, T) -> T + Sync) -> T {
    let first = setting("LEDGERBEE_CREDIT_SEED", 1);
    let threads = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    thread::scope(|scope| {
        let (one, merge) = (&one, &merge);
        let running: Vec<_> = (0..threads.min(cases))
            .map(|thread| {
                let step = usize::try_from(threads).unwrap();
                scope.spawn(move || (first + thread..first + cases).step_by(step).map(one).reduce(merge))
            })
            .collect();
        let found = running
            .into_iter()
            .filter_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        found.reduce(merge).expect("there is a case")
    })
}

/// Prints past the capture of tests: the figure is to be seen.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

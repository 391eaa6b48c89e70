//! Waiting for what another process does.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Asks again and again until `found` answers something.
///
/// # Panics
/// When it takes longer than a minute.
pub fn wait_for<T>(what: &str, found: impl FnMut() -> Option<T>) -> T {
    wait_within(Duration::from_secs(60), what, found)
}

/// The same with a bound of its own, for what takes as long as the machine does.
///
/// # Panics
/// When it takes longer than the bound.
pub fn wait_within<T>(bound: Duration, what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(begun.elapsed() < bound, "waited {} s for {what}", bound.as_secs());
        sleep(Duration::from_millis(5));
    }
}

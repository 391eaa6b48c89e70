//! Waiting for what another process does.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Asks again and again until `found` answers something.
///
/// # Panics
/// When it takes longer than a minute.
pub fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "waited a minute for {what}");
        sleep(Duration::from_millis(5));
    }
}

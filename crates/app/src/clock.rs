//! The clock: the only place where the time is read.

use std::sync::{Arc, Mutex};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};

/// Tells the time, in UTC and whole milliseconds.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's.
    Real,
    /// Stands where it was set; tests move it.
    Fixed(Arc<Mutex<Timestamp>>),
}

impl Clock {
    /// A clock that stands at an instant.
    pub fn fixed(at: Timestamp) -> Clock {
        Clock::Fixed(Arc::new(Mutex::new(at)))
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        let now = match self {
            Clock::Real => Timestamp::now(),
            Clock::Fixed(at) => *at.lock().expect("nobody panics while setting the clock"),
        };
        now.round(Unit::Millisecond).expect("an instant rounds to milliseconds")
    }
}

/// The day it is in a zone. An unknown zone reads as UTC: it was checked when it was saved.
pub fn day(at: Timestamp, zone: &str) -> Date {
    at.to_zoned_datetime(TimeZone::get(zone).unwrap_or(TimeZone::UTC)).date()
}

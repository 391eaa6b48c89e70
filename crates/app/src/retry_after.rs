//! `Retry-After`: how long a receiver that has no room asks to be left alone for. Pure.

use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};

/// What an answer asks for: RFC 9110, 10.2.3 (503) and RFC 6585, 4 (429), in seconds or as a date. Nothing where
/// it says what nobody understands.
pub(crate) fn asked(status: u16, value: Option<&str>, now: Timestamp) -> Option<SignedDuration> {
    let value = value.filter(|_| status == 429 || status == 503)?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than fits is more than anyone waits.
        return Some(SignedDuration::from_secs(value.parse().unwrap_or(i64::MAX)));
    }
    let at = DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(at.duration_since(now).max(SignedDuration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_in_seconds_and_as_a_date() {
        let now: Timestamp = "2026-06-10T08:00:00Z".parse().unwrap();
        for (status, value, seconds) in [
            (503, "120", Some(120)),
            (429, " 0 ", Some(0)),
            (503, "99999999999999999999", Some(i64::MAX)),
            (429, "Wed, 10 Jun 2026 08:05:00 GMT", Some(300)),
            // In the past: at once, which the schedule puts off.
            (429, "Wed, 10 Jun 2026 07:00:00 GMT", Some(0)),
            (500, "120", None),
            (302, "120", None),
            (503, "", None),
            (503, "-5", None),
            (503, "1.5", None),
            (503, "soon", None),
            (503, "2026-06-10T08:05:00Z", None),
        ] {
            assert_eq!(asked(status, Some(value), now), seconds.map(SignedDuration::from_secs), "{status} {value:?}");
        }
        assert_eq!(asked(503, None, now), None);
    }
}

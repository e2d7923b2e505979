//! Time as the engine sees it: a wall clock for people, a monotonic one for timers. Formats dates only through jiff.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

impl Timestamp {
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(since.as_millis() as i64)
    }

    /// RFC 3339 in UTC with milliseconds, as written in events: `2026-11-21T01:34:30.125Z`.
    pub fn rfc3339(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
            Err(_) => self.0.to_string(),
        }
    }

    /// Local date and time for a person: `2026-11-21 01:34:30`.
    pub fn local(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
            Err(_) => self.0.to_string(),
        }
    }
}

/// One reading of both clocks. Timers compare `mono`; only people and approvals see `wall`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Moment {
    pub wall: Timestamp,
    /// Milliseconds since this process started; never goes back.
    pub mono: i64,
}

/// Where the time comes from; a test gives a fake one.
pub trait Clock: Send + Sync {
    fn now(&self) -> Moment;
}

/// The machine's own clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        Moment { wall: Timestamp::now(), mono: self.started.elapsed().as_millis() as i64 }
    }
}

/// `90s`, `1h30m`, `250ms`: the shortest exact way to write a number of milliseconds in the language.
pub fn format_duration(ms: i64) -> String {
    if ms == 0 {
        return "0s".into();
    }
    let mut left = ms.unsigned_abs();
    let mut text = String::from(if ms < 0 { "-" } else { "" });
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        if left >= size {
            text.push_str(&format!("{}{unit}", left / size));
            left %= size;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_the_language_reads_them() {
        assert_eq!(format_duration(0), "0s");
        assert_eq!(format_duration(60_000), "1m");
        assert_eq!(format_duration(3_661_000), "1h1m1s");
        assert_eq!(format_duration(250), "250ms");
    }

    #[test]
    fn timestamps_are_rfc3339() {
        assert_eq!(Timestamp(0).rfc3339(), "1970-01-01T00:00:00.000Z");
    }
}

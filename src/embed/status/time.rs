//! The times that status files hold: with and without a zone, and seconds since 1970. Reads no clock.

use jiff::{Timestamp as Moment, civil, tz::TimeZone};

use crate::base::Timestamp;

/// The moment a text stands for. Where it has no zone, as in all files of the Python tools, UTC is taken.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let moment = match text.parse::<Moment>() {
        Ok(moment) => moment,
        Err(_) => civil_of(text)?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
    };
    Some(Timestamp(moment.as_millisecond()))
}

fn civil_of(text: &str) -> Option<civil::DateTime> {
    let starts = text.starts_with(|c: char| c.is_ascii_digit());
    starts.then(|| text.parse::<civil::DateTime>().ok()).flatten()
}

/// Seconds, or milliseconds where they would lie after the year 5000, as text.
pub(super) fn of_epoch(number: f64) -> Option<String> {
    let seconds = if number.abs() >= 1e11 { number / 1000.0 } else { number };
    let plausible = (1e8..1e11).contains(&seconds);
    let moment = Moment::from_microsecond((seconds * 1e6).round() as i64).ok().filter(|_| plausible)?;
    Some(moment.to_string())
}

//! A point in time as people write it: how long ago, or a date, a time of day or both. Parses only through jiff.

use jiff::civil::{Date, DateTime, Time};
use jiff::{Span, Timestamp, Zoned};

/// Milliseconds since 1970. `now` also says in which time zone dates are meant.
pub fn parse(text: &str, now: &Zoned) -> Option<i64> {
    let text = text.trim();
    let zone = now.time_zone();
    let local = |at: DateTime| at.to_zoned(zone.clone()).ok();
    let zoned = || text.parse::<Zoned>().ok().map(|at| at.timestamp());
    let instant = || text.parse::<Timestamp>().ok();
    let day = || local(text.parse::<Date>().ok()?.at(0, 0, 0, 0)).map(|at| at.timestamp());
    let date_time = || local(text.parse::<DateTime>().ok()?).map(|at| at.timestamp());
    let today = || local(now.date().to_datetime(text.parse::<Time>().ok()?)).map(|at| at.timestamp());
    let found = span_ago(text, now).or_else(zoned).or_else(instant);
    let found =
        found.or_else(|| if text.contains([' ', 'T', 't']) { date_time() } else { day().or_else(today) });
    found.map(Timestamp::as_millisecond)
}

/// `5m`, `1h30m`, `2 days`: so long before now.
fn span_ago(text: &str, now: &Zoned) -> Option<Timestamp> {
    let span: Span = text.parse().ok()?;
    let span = if span.is_negative() { -span } else { span };
    now.checked_sub(span).ok().map(|at| at.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<String> {
        let now: Zoned = "2026-11-21T12:00:00+01:00[Europe/Berlin]".parse().unwrap();
        parse(text, &now).and_then(|ms| Timestamp::from_millisecond(ms).ok()).map(|at| at.to_string())
    }

    #[test]
    fn spans_dates_and_times_are_understood() {
        let is = |text: &str, wanted: &str| assert_eq!(at(text).as_deref(), Some(wanted), "{text}");
        is("5m", "2026-11-21T10:55:00Z");
        is("1h30m", "2026-11-21T09:30:00Z");
        is("2 days", "2026-11-19T11:00:00Z");
        is("2026-11-21T01:02:03.5Z", "2026-11-21T01:02:03.5Z");
        is("2026-11-21T01:02:03+02:00", "2026-11-20T23:02:03Z");
        is("2026-11-21 08:00", "2026-11-21T07:00:00Z");
        is("2026-11-20", "2026-11-19T23:00:00Z");
        is("08:15", "2026-11-21T07:15:00Z");
        for wrong in ["", "yesterday", "5", "25:00", "2026-13-01"] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }
}

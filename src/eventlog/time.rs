//! Times as event logs write them, read by hand since a log has millions. Says where a time names no zone, and does not
//! guess which of two numbers before a slash is the day.

use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;

/// What `11/5/2011` means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slashes {
    /// Only dates are read that can mean one thing.
    #[default]
    Unknown,
    DayFirst,
    MonthFirst,
}

/// Whether the text says which zone it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    Named,
    /// UTC is taken.
    None,
    /// Seconds or milliseconds since 1970 need none.
    Epoch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Since 1970.
    pub ms: i64,
    pub zone: Zone,
}

/// What can be said of a text that should be a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    Time(Moment),
    /// Day and month might be exchanged: neither number is above 12.
    Ambiguous,
    Wrong,
}

/// Rarer forms, with the names of months.
const WORDS: &[&str] = &[
    "%d-%b-%Y %H:%M:%S",
    "%d-%b-%Y %H:%M",
    "%d %b %Y %H:%M:%S",
    "%d %b %Y %H:%M",
    "%b %d, %Y %H:%M:%S",
    "%b %d, %Y %I:%M:%S %p",
    "%d-%b-%Y",
    "%d %b %Y",
];

impl Parsed {
    pub fn ms(self) -> Option<i64> {
        match self {
            Parsed::Time(moment) => Some(moment.ms),
            Parsed::Ambiguous | Parsed::Wrong => None,
        }
    }
}

pub fn parse(text: &str, slashes: Slashes) -> Parsed {
    let text = text.trim();
    if let Some(moment) = epoch(text) {
        return moment.map_or(Parsed::Wrong, Parsed::Time);
    }
    let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
    match scan.date(slashes) {
        Some(Ok(date)) => scan.rest(date).map_or_else(|| by_words(text), Parsed::Time),
        Some(Err(())) => Parsed::Ambiguous,
        None => by_words(text),
    }
}

/// Which order the dates of a column with slashes have, from one of them that can mean one thing.
pub fn slashes(text: &str) -> Slashes {
    let mut scan = Scan { bytes: text.trim().as_bytes(), at: 0 };
    let two = || -> Option<(i64, i64)> {
        let (one, digits) = scan.number()?;
        let separator = scan.next_of(b"/-")?;
        let (other, _) = scan.number()?;
        (digits <= 2 && scan.take(separator)).then_some((one, other))
    };
    let mut two = two;
    match two() {
        Some((13..=31, 1..=12)) => Slashes::DayFirst,
        Some((1..=12, 13..=31)) => Slashes::MonthFirst,
        _ => Slashes::Unknown,
    }
}

/// Seconds, milliseconds, micro- or nanoseconds since 1970, told apart by their size; or digits that are a date. None: no
/// number at all.
fn epoch(text: &str) -> Option<Option<Moment>> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let dots = text.bytes().filter(|byte| *byte == b'.').count();
    let sign = usize::from(text.starts_with('-'));
    if digits == 0 || dots > 1 || digits + dots + sign != text.len() {
        return None;
    }
    let dated = matches!(text.len(), 8 | 14) && (text.starts_with("19") || text.starts_with("20"));
    if let Some(ms) = compact(text).filter(|_| dots == 0 && dated) {
        return Some(Some(Moment { ms, zone: Zone::None }));
    }
    let number: f64 = text.parse().ok()?;
    let ms = match number.abs() {
        seconds if seconds < 1e11 => number * 1e3,
        ms if ms < 1e14 => number,
        us if us < 1e17 => number / 1e3,
        _ => number / 1e6,
    };
    let plausible = (-1e15..1e15).contains(&ms);
    Some(plausible.then_some(Moment { ms: ms.round() as i64, zone: Zone::Epoch }))
}

fn compact(text: &str) -> Option<i64> {
    let part = |from: usize, to: usize| text.get(from..to).map_or(Some(0), |part| part.parse::<i64>().ok());
    let time = if text.len() == 14 { (part(8, 10)?, part(10, 12)?, part(12, 14)?) } else { (0, 0, 0) };
    civil((part(0, 4)?, part(4, 6)?, part(6, 8)?), time, 0)
}

fn by_words(text: &str) -> Parsed {
    if !text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return Parsed::Wrong;
    }
    if let Ok(zoned) = jiff::fmt::rfc2822::parse(text) {
        return Parsed::Time(Moment { ms: zoned.timestamp().as_millisecond(), zone: Zone::Named });
    }
    if let Ok(zoned) = text.parse::<jiff::Zoned>() {
        return Parsed::Time(Moment { ms: zoned.timestamp().as_millisecond(), zone: Zone::Named });
    }
    let read = |form: &&str| {
        let broken = strtime::parse(form, text).ok()?;
        broken
            .to_datetime()
            .ok()
            .or_else(|| Some(broken.to_date().ok()?.to_datetime(jiff::civil::Time::midnight())))
    };
    match WORDS.iter().find_map(read) {
        Some(civil) => Parsed::Time(Moment { ms: ms_of(civil), zone: Zone::None }),
        None => Parsed::Wrong,
    }
}

fn ms_of(civil: DateTime) -> i64 {
    let days = days(i64::from(civil.year()), i64::from(civil.month()), i64::from(civil.day()));
    let seconds = i64::from(civil.hour()) * 3600 + i64::from(civil.minute()) * 60 + i64::from(civil.second());
    days * 86_400_000 + seconds * 1000 + i64::from(civil.subsec_nanosecond()) / 1_000_000
}

/// Days since 1970 of a date of the Gregorian calendar; the year is counted from March, so that the leap day is its last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil(
    (year, month, day): (i64, i64, i64),
    (hour, minute, second): (i64, i64, i64),
    ms: i64,
) -> Option<i64> {
    // A leap second is the last one of its minute twice.
    let second = if second == 60 { 59 } else { second };
    let valid = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let of_day = (hour * 3600 + minute * 60 + second) * 1000 + ms;
    valid.then(|| days(year, month, day) * 86_400_000 + of_day)
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

type YearMonthDay = (i64, i64, i64);

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn next_of(&mut self, wanted: &[u8]) -> Option<u8> {
        let byte = self.peek().filter(|byte| wanted.contains(byte))?;
        self.at += 1;
        Some(byte)
    }

    fn blanks(&mut self) {
        while self.take(b' ') {}
    }

    /// A number of nine digits at most, and how many it had.
    fn number(&mut self) -> Option<(i64, usize)> {
        let (mut number, from) = (0, self.at);
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit).filter(|_| self.at - from < 9) {
            number = number * 10 + i64::from(digit - b'0');
            self.at += 1;
        }
        (self.at > from).then_some((number, self.at - from))
    }

    /// The inner error: it may be two dates.
    fn date(&mut self, slashes: Slashes) -> Option<Result<YearMonthDay, ()>> {
        let (one, digits) = self.number()?;
        let separator = self.next_of(b"-/.")?;
        let (two, _) = self.number()?;
        if !self.take(separator) {
            return None;
        }
        let (three, last) = self.number()?;
        if digits == 4 {
            return Some(Ok((one, two, three)));
        }
        if last != 4 || digits > 2 {
            return None;
        }
        let day_first = match (slashes, separator) {
            (_, b'.') | (Slashes::DayFirst, _) => true,
            (Slashes::MonthFirst, _) => false,
            (Slashes::Unknown, _) if one > 12 => true,
            (Slashes::Unknown, _) if two > 12 || one == two => false,
            (Slashes::Unknown, _) => return Some(Err(())),
        };
        Some(Ok(if day_first { (three, two, one) } else { (three, one, two) }))
    }

    fn rest(&mut self, date: YearMonthDay) -> Option<Moment> {
        let _ = self.next_of(b"Tt,");
        self.blanks();
        let (time, ms) =
            if self.peek().is_some_and(|byte| byte.is_ascii_digit()) { self.time()? } else { ((0, 0, 0), 0) };
        self.blanks();
        let offset = self.zone()?;
        let ms = civil(date, time, ms)?;
        (self.at == self.bytes.len()).then_some(match offset {
            Some(minutes) => Moment { ms: ms - minutes * 60_000, zone: Zone::Named },
            None => Moment { ms, zone: Zone::None },
        })
    }

    fn time(&mut self) -> Option<(YearMonthDay, i64)> {
        let (mut hour, _) = self.number()?;
        if !self.take(b':') {
            return None;
        }
        let (minute, _) = self.number()?;
        let second = if self.take(b':') { self.number()?.0 } else { 0 };
        let mut ms = 0;
        if self.next_of(b".,").is_some() {
            let (fraction, digits) = self.number()?;
            // More digits than nine are finer than anything kept here.
            while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                self.at += 1;
            }
            ms = fraction * 1000 / 10_i64.pow(digits as u32);
        }
        self.blanks();
        if let Some(half) = self.half_day() {
            if !(1..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + half;
        }
        Some(((hour, minute, second), ms))
    }

    /// 0 for am and 12 for pm.
    fn half_day(&mut self) -> Option<i64> {
        let rest = self.bytes.get(self.at..self.at + 2)?;
        let hours = match rest.to_ascii_lowercase().as_slice() {
            b"am" => 0,
            b"pm" => 12,
            _ => return None,
        };
        self.at += 2;
        Some(hours)
    }

    /// Minutes east of Greenwich; the inner none where nothing is said.
    fn zone(&mut self) -> Option<Option<i64>> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if matches!(rest, b"Z" | b"z" | b"UTC" | b"GMT") {
            self.at = self.bytes.len();
            return Some(Some(0));
        }
        let sign = match self.next_of(b"+-") {
            Some(b'-') => -1,
            Some(_) => 1,
            None => return Some(None),
        };
        let (hours, digits) = self.number()?;
        let (hours, minutes) = match digits {
            1 | 2 => (hours, if self.take(b':') { self.number()?.0 } else { 0 }),
            4 => (hours / 100, hours % 100),
            _ => return None,
        };
        (hours <= 18 && minutes < 60).then_some(Some(sign * (hours * 60 + minutes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> Option<i64> {
        parse(text, Slashes::Unknown).ms()
    }

    #[test]
    fn the_same_moment_in_many_hands() {
        let wanted = Some(1_320_455_101_000);
        for text in [
            "2011-11-05T01:05:01Z",
            "2011-11-05 01:05:01",
            "2011-11-05 1:05:01",
            "2011/11/05 01:05:01.000",
            "2011-11-05T02:05:01+01:00",
            "2011-11-05 02:05:01 +0100",
            "2011-11-04T20:05:01-05",
            "05.11.2011 01:05:01",
            "20111105010501",
            "1320455101",
            "1320455101000",
            "1320455101000000",
            "1320455101.0",
            "2011-11-05T01:05:01,000Z",
            "05-Nov-2011 01:05:01",
            "Nov 05, 2011 01:05:01",
            "Sat, 05 Nov 2011 01:05:01 GMT",
            "2011-11-05T02:05:01+01:00[Europe/Berlin]",
            " 2011-11-05T01:05:01.0000000000Z ",
        ] {
            assert_eq!(ms(text), wanted, "{text}");
        }
        assert_eq!(ms("2011-08-29 0:13"), Some(1_314_576_780_000));
        assert_eq!(ms("2011-08-29"), Some(1_314_576_000_000));
        assert_eq!(ms("12/25/2011 1:05:01 PM"), Some(1_324_818_301_000));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "x",
            "2011",
            "2011-13-05",
            "2011-02-30",
            "2011-11-05 25:00",
            "2011-11-05x",
            "nan",
            "1e400",
            "--",
            "5/",
        ] {
            let parsed = parse(text, Slashes::Unknown);
            assert!(parsed == Parsed::Wrong || text == "2011", "{text}: {parsed:?}");
        }
    }

    #[test]
    fn slashes_are_not_guessed() {
        assert_eq!(parse("5/11/2011", Slashes::Unknown), Parsed::Ambiguous);
        assert_eq!(parse("5/11/2011", Slashes::DayFirst).ms(), ms("2011-11-05"));
        assert_eq!(parse("5/11/2011", Slashes::MonthFirst).ms(), ms("2011-05-11"));
        assert_eq!((slashes("25/11/2011 1:00"), slashes("11/25/2011"), slashes("5/11/2011")), {
            (Slashes::DayFirst, Slashes::MonthFirst, Slashes::Unknown)
        });
    }

    #[test]
    fn days_agree_with_the_calendar_of_jiff() {
        for day in (-60_000..60_000).step_by(37) {
            let date = Date::constant(1970, 1, 1).checked_add(jiff::Span::new().days(day)).unwrap();
            let (year, month) = (i64::from(date.year()), i64::from(date.month()));
            assert_eq!(days(year, month, i64::from(date.day())), day);
        }
    }
}

//! Event logs as tables: any separator, quotation marks, and what usual columns are called. Knows no XML.

use std::hash::Hasher;

use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};
use rustc_hash::FxHasher;

use super::assemble::{Assembly, Event, Part};
use super::column::{Growing, number};
use super::names::{self, Places};
use super::source::{self, Opened, Row, Source};
use super::time::{Slashes, slashes};
use super::{Names, ROW, Read, Refused};

const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Columns a log may have.
const MOST_COLUMNS: usize = 2000;

type Table<'a> = Reader<Box<dyn std::io::Read + 'a>>;

pub(super) fn read(source: &Source<'_>, opened: Opened<'_>, names: &Names) -> Result<Read, Refused> {
    let file = source.name();
    let separator = separator(&opened.head);
    let row = opened.row.clone();
    let mut table = table(opened, separator);
    let header = header(&file, &mut table)?;
    row.begins();
    let places = names::find(&file, &header, names)?;
    let order = date_order(source, separator, &places)?;
    let mut all = Assembly::new(names, order);
    if order != Slashes::Unknown {
        let first = if order == Slashes::DayFirst { "day" } else { "month" };
        all.notes.push(format!(
            "dates with slashes are read with the {first} first: other rows can mean nothing else"
        ));
    }
    let mut left_out = Vec::new();
    let columns = columns(&header, &places, names, &mut left_out);
    all.columns = columns.iter().map(|place| Growing::new(&header[*place])).collect();
    if places.timestamp.is_none() {
        all.notes.push("no column is known as the time (--timestamp): the file's order is the order".into());
    }
    let mut sheet = Sheet { file: &file, header: &header, places: &places, columns, all };
    sheet.take(table, &row)?;
    sheet.all.done(&file, places.roles(&header), left_out)
}

/// The names in the first line of a table.
pub(super) fn names(head: &[u8]) -> Vec<String> {
    let mut table =
        ReaderBuilder::new().delimiter(separator(head)).flexible(true).has_headers(false).from_reader(head);
    let mut record = ByteRecord::new();
    match table.read_byte_record(&mut record) {
        Ok(true) => record.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect(),
        _ => Vec::new(),
    }
}

fn table<'a>(opened: Opened<'a>, separator: u8) -> Table<'a> {
    ReaderBuilder::new().delimiter(separator).flexible(true).has_headers(false).from_reader(opened.read)
}

/// The separator that the first line has most of, outside of quotation marks.
fn separator(head: &[u8]) -> u8 {
    let mut counts = [0usize; SEPARATORS.len()];
    let mut quoted = false;
    for byte in head {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted && counts.iter().any(|count| *count > 0) => break,
            byte if !quoted => {
                if let Some(place) = SEPARATORS.iter().position(|separator| separator == byte) {
                    counts[place] += 1;
                }
            }
            _ => {}
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    counts.iter().position(|count| *count == most).map_or(b',', |place| SEPARATORS[place])
}

fn header(file: &str, table: &mut Table<'_>) -> Result<Vec<String>, Refused> {
    let mut record = ByteRecord::new();
    table.read_byte_record(&mut record).map_err(|e| torn(file, &e))?;
    if record.len() > MOST_COLUMNS {
        return Err(Refused::new(
            format!("{file} has {} columns", record.len()),
            format!("a log has {MOST_COLUMNS} at most: is this a table of events?"),
        ));
    }
    Ok(record.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect())
}

fn torn(file: &str, error: &csv::Error) -> Refused {
    let line = error.position().map_or(String::new(), |position| format!(" at line {}", position.line()));
    let why = match error.kind() {
        ErrorKind::Io(error) => source::plain(error),
        _ => error.to_string(),
    };
    Refused::new(format!("{file} cannot be read{line}: {why}"), "nothing of it was taken")
}

/// Where dates have slashes, their order is looked for in the whole file first: one row above 12 tells.
fn date_order(source: &Source<'_>, separator: u8, places: &Places) -> Result<Slashes, Refused> {
    let Some(place) = places.timestamp else { return Ok(Slashes::Unknown) };
    let file = source.name();
    let opened = source::open(source)?;
    let row = opened.row.clone();
    let mut table = table(opened, separator);
    header(&file, &mut table)?;
    let mut record = ByteRecord::new();
    let mut looked = 0;
    while table.read_byte_record(&mut record).map_err(|e| torn(&file, &e))? {
        row.begins();
        let text =
            record.get(place).and_then(|cell| std::str::from_utf8(cell).ok()).unwrap_or_default().trim();
        let order = slashes(text);
        let two = text.bytes().take(3).any(|byte| byte == b'/' || byte == b'-');
        looked += usize::from(!text.is_empty());
        // A file without such dates in its first rows has none.
        if order != Slashes::Unknown || (!two && looked > 20) {
            return Ok(order);
        }
    }
    Ok(Slashes::Unknown)
}

/// Places of the columns that are properties.
fn columns(
    header: &[String],
    places: &Places,
    names: &Names,
    left_out: &mut Vec<(String, String)>,
) -> Vec<usize> {
    let mut found = Vec::new();
    for (place, name) in header.iter().enumerate() {
        if places.taken(place) && !(names.all_columns && Some(place) == places.lane) {
            continue;
        }
        if name.is_empty() {
            left_out.push((format!("column {}", place + 1), "it has no name".into()));
        } else if header[..place].contains(name) {
            left_out.push((name.clone(), "another column has the same name".into()));
        } else {
            found.push(place);
        }
    }
    found
}

/// A table being read.
struct Sheet<'a> {
    file: &'a str,
    header: &'a [String],
    places: &'a Places,
    columns: Vec<usize>,
    all: Assembly,
}

impl Sheet<'_> {
    fn take(&mut self, mut table: Table<'_>, row: &Row) -> Result<(), Refused> {
        let mut record = ByteRecord::new();
        let mut strange = 0usize;
        while table.read_byte_record(&mut record).map_err(|e| torn(self.file, &e))? {
            row.begins();
            let line = record.position().map_or(0, |position| position.line());
            if record.iter().all(<[u8]>::is_empty) && record.len() <= 1 {
                continue;
            }
            if record.len() != self.header.len() {
                self.all.rows += 1;
                let text = format!("{} columns instead of {}", record.len(), self.header.len());
                self.all.complaints.bad("the number of columns is wrong", line, &text);
                continue;
            }
            let mut hasher = FxHasher::default();
            hasher.write(record.as_slice());
            let texts: Vec<std::borrow::Cow<'_, str>> = record.iter().map(String::from_utf8_lossy).collect();
            strange += usize::from(texts.iter().any(|text| matches!(text, std::borrow::Cow::Owned(_))));
            self.row(line, &texts, hasher.finish())?;
        }
        if strange > 0 {
            self.all.notes.push(format!("{strange} rows hold bytes that are not UTF-8; they stand as �"));
        }
        Ok(())
    }

    fn row(&mut self, line: u64, texts: &[std::borrow::Cow<'_, str>], hash: u64) -> Result<(), Refused> {
        let text = |place: Option<usize>| place.and_then(|place| texts.get(place)).map(|text| text.as_ref());
        let own = self.places.case.is_none().then(|| line.to_string());
        let duration = text(self.places.duration).map(|text| (text, self.duration(text)));
        let event = Event {
            line,
            case: own.as_deref().or_else(|| text(self.places.case)).unwrap_or_default().trim(),
            activity: if own.is_some() { ROW } else { text(self.places.activity).unwrap_or_default() },
            time: text(self.places.timestamp),
            start: text(self.places.start),
            duration,
            part: text(self.places.transition).map_or(Part::Unsaid, part),
            hash,
        };
        let Some((place, case)) = self.all.event(&event)? else { return Ok(()) };
        if let Some(outcome) = text(self.places.outcome) {
            self.all.outcome(case, line, outcome);
        }
        for (column, at) in self.columns.iter().enumerate() {
            if let Some(text) = texts.get(*at) {
                self.all.columns[column].set(place, text);
            }
        }
        Ok(())
    }

    fn duration(&self, text: &str) -> Option<i64> {
        let name = self.places.duration.and_then(|place| self.header.get(place)).map_or("", String::as_str);
        duration(text, name)
    }
}

pub(super) fn part(text: &str) -> Part {
    match text.trim().to_lowercase().as_str() {
        "" => Part::Unsaid,
        "start" | "started" | "begin" => Part::Start,
        "complete" | "completed" | "end" => Part::Complete,
        _ => Part::Other,
    }
}

/// Milliseconds. A plain number is in the unit that the column's name ends with, and else in seconds.
pub(super) fn duration(text: &str, name: &str) -> Option<i64> {
    let text = text.trim();
    if let Some((hours, rest)) = text.split_once(':') {
        let (minutes, seconds) = rest.split_once(':').unwrap_or((rest, "0"));
        let (hours, minutes, seconds) = (number(hours)?, number_led(minutes)?, number_led(seconds)?);
        return Some(((hours * 60.0 + minutes) * 60_000.0 + seconds * 1000.0).round() as i64);
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim_end();
    let unit = text[digits.len()..].trim();
    let low = name.to_lowercase();
    let named = [
        ("ms", 1.0),
        ("us", 1e-3),
        ("ns", 1e-6),
        ("min", 6e4),
        ("minutes", 6e4),
        ("hours", 3.6e6),
        ("h", 3.6e6),
    ];
    let of_name = named.iter().find(|(end, _)| {
        low.strip_suffix(end).is_some_and(|before| before.ends_with(['_', '-', ' ', ':', '.', '(']))
    });
    let factor = match unit.to_lowercase().as_str() {
        "" => of_name.map_or(1000.0, |(_, factor)| *factor),
        "ms" => 1.0,
        "s" | "sec" | "secs" | "seconds" => 1000.0,
        "m" | "min" | "mins" | "minutes" => 6e4,
        "h" | "hours" => 3.6e6,
        "d" | "days" => 8.64e7,
        _ => return None,
    };
    let ms = number_led(digits)? * factor;
    (ms.abs() < 1e15).then(|| ms.round() as i64)
}

/// A number that may have zeros before it.
fn number_led(text: &str) -> Option<f64> {
    let begins = text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.');
    text.parse().ok().filter(|number: &f64| begins && number.is_finite())
}

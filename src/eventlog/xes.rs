//! XES, the XML of event logs: traces, events, and their typed properties. A document that defines entities is refused,
//! a torn one too. Knows no table.

use std::hash::{Hash, Hasher};
use std::io::BufReader;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event as Xml};
use rustc_hash::{FxHashMap, FxHasher};

use super::assemble::{Assembly, Event, Part};
use super::column::Growing;
use super::names::{Roles, is_outcome};
use super::rows::{duration, part};
use super::source::Opened;
use super::time::Slashes;
use super::{Names, Read, Refused};

const NAME: &str = "concept:name";
const TIME: &str = "time:timestamp";
const TRANSITION: &str = "lifecycle:transition";
/// Elements inside one another.
const DEEPEST: usize = 100;
/// Different properties of one kind.
const MOST_COLUMNS: usize = 2000;

pub(super) fn read(file: &str, opened: Opened<'_>, names: &Names) -> Result<Read, Refused> {
    let row = opened.row.clone();
    let mut reader = Reader::from_reader(BufReader::with_capacity(1 << 16, opened.read));
    let mut walk = Walk::new(file, names);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        row.begins();
        let at = reader.buffer_position();
        let torn =
            |what: &str| Refused::new(format!("{file} at byte {at}: {what}"), "nothing of it was taken");
        match reader.read_event_into(&mut buffer) {
            Err(quick_xml::Error::Io(error)) => return Err(torn(&error.to_string())),
            Err(error) => return Err(torn(&format!("not XML ({error})"))),
            Ok(Xml::DocType(kind)) if kind.to_lowercase().contains("<!entity") => {
                return Err(torn("it defines entities, which an event log has no use for"));
            }
            Ok(Xml::Eof) if walk.open.is_empty() && walk.is_log => break,
            Ok(Xml::Eof) if walk.open.is_empty() => {
                return Err(Refused::new(
                    format!("{file} is XML, but no XES: it has no `log`"),
                    "name an event log",
                ));
            }
            Ok(Xml::Eof) => return Err(torn("the XML ends too early")),
            Ok(Xml::Start(start)) => walk.opened(&start, at, false).map_err(|what| torn(&what))?,
            Ok(Xml::Empty(start)) => walk.opened(&start, at, true).map_err(|what| torn(&what))?,
            Ok(Xml::End(_)) => walk.closed(at)?,
            Ok(_) => {}
        }
    }
    walk.done()
}

/// What is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Log,
    Trace,
    Event,
    /// A property, or what is no part of any trace.
    Other,
}

struct Walk<'a> {
    file: &'a str,
    names: &'a Names,
    open: Vec<Level>,
    is_log: bool,
    all: Assembly,
    columns: FxHashMap<String, usize>,
    traits: FxHashMap<String, usize>,
    /// Of the trace, and of the event.
    trace: Vec<(String, String)>,
    event: Vec<(String, String)>,
    /// Place of the case, once its name is known.
    case: Option<String>,
    traces: usize,
}

impl<'a> Walk<'a> {
    fn new(file: &'a str, names: &'a Names) -> Self {
        Walk {
            file,
            names,
            open: Vec::new(),
            is_log: false,
            all: Assembly::new(names, Slashes::Unknown),
            columns: FxHashMap::default(),
            traits: FxHashMap::default(),
            trace: Vec::new(),
            event: Vec::new(),
            case: None,
            traces: 0,
        }
    }

    fn opened(&mut self, start: &BytesStart<'_>, at: u64, empty: bool) -> Result<(), String> {
        let name = start.local_name().as_ref().to_string();
        let inside = self.open.last().copied();
        let level = match (name.as_str(), inside) {
            ("log", None) => Level::Log,
            ("trace", Some(Level::Log)) => Level::Trace,
            ("event", Some(Level::Trace)) => Level::Event,
            _ => Level::Other,
        };
        match level {
            Level::Log => self.is_log = true,
            Level::Trace => {
                self.traces += 1;
                self.trace.clear();
                self.case = None;
            }
            Level::Event => self.event.clear(),
            Level::Other if matches!(inside, Some(Level::Trace | Level::Event)) => {
                self.property(start, inside)?
            }
            Level::Other => {}
        }
        if self.open.len() >= DEEPEST {
            return Err(format!("elements stand more than {DEEPEST} deep inside one another"));
        }
        self.open.push(level);
        if empty { self.closed(at).map_err(|refused| refused.message) } else { Ok(()) }
    }

    fn property(&mut self, start: &BytesStart<'_>, inside: Option<Level>) -> Result<(), String> {
        let text = |name: &str| -> Result<Option<String>, String> {
            let attribute =
                start.try_get_attribute(name).map_err(|e| format!("an attribute cannot be read ({e})"))?;
            let value = attribute.map(|found| found.normalized_value(quick_xml::XmlVersion::Implicit1_0));
            let value = value.transpose().map_err(|e| format!("an attribute cannot be read ({e})"))?;
            Ok(value.map(std::borrow::Cow::into_owned))
        };
        let (Some(key), Some(value)) = (text("key")?, text("value")?) else { return Ok(()) };
        match inside {
            Some(Level::Trace) => self.trace.push((key, value)),
            _ => self.event.push((key, value)),
        }
        Ok(())
    }

    fn closed(&mut self, at: u64) -> Result<(), Refused> {
        match self.open.pop() {
            Some(Level::Event) => self.take_event(at),
            Some(Level::Trace) => {
                self.take_trace(at);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn take_event(&mut self, at: u64) -> Result<(), Refused> {
        let case = self.case_name();
        let event = std::mem::take(&mut self.event);
        let named = |wanted: &Option<String>, usual: &str| wanted.as_deref().unwrap_or(usual).to_owned();
        let get = |key: &str| event.iter().find(|(other, _)| other == key).map(|(_, value)| value.as_str());
        let key = self.names.duration.as_deref().unwrap_or(super::DURATION);
        let took = get(key).map(|text| (text, key));
        let mut hasher = FxHasher::default();
        (&case, &event).hash(&mut hasher);
        let taken = self.all.event(&Event {
            line: at,
            case: &case,
            activity: get(&named(&self.names.activity, NAME)).unwrap_or_default(),
            time: Some(get(&named(&self.names.timestamp, TIME)).unwrap_or_default()),
            start: self.names.start.as_deref().and_then(get),
            duration: took.map(|(text, key)| (text, duration(text, key))),
            part: get(TRANSITION).map_or(Part::Unsaid, part),
            hash: hasher.finish(),
        })?;
        if let Some((place, case)) = taken {
            for (key, value) in &event {
                self.event_value(key, value, (place, case), at);
            }
        }
        self.event = event;
        Ok(())
    }

    fn event_value(&mut self, key: &str, value: &str, (place, case): (usize, usize), at: u64) {
        let names = self.names;
        let is = |name: &Option<String>| name.as_deref() == Some(key);
        if is_outcome(names, key) {
            self.all.outcome(case, at, value);
            return;
        }
        let known = names.activity.as_deref().unwrap_or(NAME) == key
            || names.timestamp.as_deref().unwrap_or(TIME) == key;
        if known
            || key == TRANSITION
            || is(&names.start)
            || key == names.duration.as_deref().unwrap_or(super::DURATION)
        {
            return;
        }
        if let Some(column) = column(&mut self.columns, &mut self.all.columns, key) {
            self.all.columns[column].set(place, value);
        }
    }

    /// Its traces may come before its name: that is looked at when the first event ends.
    fn case_name(&mut self) -> String {
        let key = self.names.case.as_deref().unwrap_or(NAME);
        let named = self.trace.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
        let known =
            self.case.get_or_insert_with(|| named.unwrap_or_else(|| format!("trace {}", self.traces)));
        known.clone()
    }

    fn take_trace(&mut self, at: u64) {
        let name = self.case_name();
        let key = self.names.case.as_deref().unwrap_or(NAME).to_owned();
        let case = self.all.case_of(&name);
        for (name, value) in std::mem::take(&mut self.trace) {
            if is_outcome(self.names, &name) {
                self.all.outcome(case, at, &value);
            } else if name != key
                && let Some(column) = column(&mut self.traits, &mut self.all.traits, &name)
            {
                self.all.traits[column].set(case, &value);
            }
        }
    }

    fn done(self) -> Result<Read, Refused> {
        let names = self.names;
        let or = |name: &Option<String>, usual: &str| Some(name.clone().unwrap_or_else(|| usual.into()));
        let roles = Roles {
            case: or(&names.case, NAME),
            activity: or(&names.activity, NAME),
            timestamp: or(&names.timestamp, TIME),
            start: names.start.clone(),
            duration: names.duration.clone(),
            outcome: names.outcome.clone(),
            lane: names.lane.clone(),
        };
        self.all.done(self.file, roles, Vec::new())
    }
}

/// None where there are too many.
fn column(known: &mut FxHashMap<String, usize>, columns: &mut Vec<Growing>, key: &str) -> Option<usize> {
    if let Some(place) = known.get(key) {
        return Some(*place);
    }
    let place = columns.len();
    (place < MOST_COLUMNS).then(|| {
        known.insert(key.to_owned(), place);
        columns.push(Growing::new(key));
        place
    })
}

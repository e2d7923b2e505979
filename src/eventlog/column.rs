//! One property while its values come: numbers as long as they are, else words; and whether there is anything to learn
//! from it. Knows no row.

use rustc_hash::FxHashMap;

use super::time::{Parsed, Slashes, Zone, parse};
use crate::learn::log::NO_WORD;
use crate::learn::{Column, Values};

/// Different words from which on a column is a name of each row, whatever it is called.
const MOST_WORDS: usize = 200_000;
/// Fewer than these are a vocabulary, however few the rows are.
const FEW_WORDS: usize = 30;
/// Words that are looked at to tell whether a column holds times.
const LOOKED_AT: usize = 20;
/// Parts of names of columns whose numbers are names.
const NAMES: &[&str] =
    &["resource", "user", "role", "group", "type", "class", "code", "activity", "lane", "org:"];

/// A value by row.
#[derive(Clone, Debug, Default)]
pub(super) struct Growing {
    name: String,
    /// Numbers in it are names.
    worded: bool,
    state: State,
}

#[derive(Clone, Debug, Default)]
enum State {
    #[default]
    Empty,
    Numbers(Vec<f32>),
    Words(Words),
    TooMany,
}

/// Words of one column, as they come: each different one is kept once.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// Places in `names`, or `NO_WORD`.
    pub codes: Vec<u32>,
    pub names: Vec<String>,
    seen: FxHashMap<Box<str>, u32>,
}

impl Words {
    fn code(&mut self, word: &str) -> u32 {
        if let Some(code) = self.seen.get(word) {
            return *code;
        }
        let code = self.names.len() as u32;
        self.names.push(word.to_owned());
        self.seen.insert(word.into(), code);
        code
    }

    /// One value more; an empty one is none.
    pub fn push(&mut self, word: &str) {
        let code = if word.is_empty() { NO_WORD } else { self.code(word) };
        self.codes.push(code);
    }

    pub fn column(self, name: &str) -> Column {
        Column { name: name.into(), values: Values::Words { codes: self.codes, names: self.names } }
    }
}

/// Texts that say that there is nothing.
fn is_missing(text: &str) -> bool {
    matches!(text, "" | "NaN" | "nan" | "null" | "NULL" | "None" | "NA" | "N/A" | "n/a" | "MISSING")
}

/// The number in a text. With a zero before it, it is a name.
pub(super) fn number(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let begins = digits.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.');
    let led = digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit();
    if !begins || led {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

impl Growing {
    pub fn new(name: &str) -> Growing {
        let low = name.to_lowercase();
        Growing {
            name: name.to_owned(),
            worded: NAMES.iter().any(|part| low.contains(part)),
            state: State::Empty,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value of the row at `at`; rows that were passed over have none.
    pub fn set(&mut self, at: usize, text: &str) {
        let text = text.trim();
        if is_missing(text) {
            return;
        }
        let number = if self.worded { None } else { number(text) };
        if let State::Empty = self.state {
            self.state = match number {
                Some(_) => State::Numbers(Vec::new()),
                None => State::Words(Words::default()),
            };
        }
        match (&mut self.state, number) {
            (State::Numbers(numbers), Some(number)) => {
                numbers.resize(at, f32::NAN);
                numbers.push(number as f32);
                return;
            }
            (State::Numbers(numbers), None) => self.state = State::Words(as_words(numbers)),
            _ => {}
        }
        if let State::Words(words) = &mut self.state {
            let code = words.code(text);
            words.codes.resize(at, NO_WORD);
            words.codes.push(code);
            if words.names.len() > MOST_WORDS {
                self.state = State::TooMany;
            }
        }
    }

    /// The values of `rows` rows; else why there is nothing to learn from.
    pub fn done(self, rows: usize, all: bool) -> Result<Column, (String, String)> {
        let name = self.name;
        let values = match self.state {
            State::Empty => return Err((name, "it is empty".into())),
            State::TooMany => return Err((name, format!("more than {MOST_WORDS} different values"))),
            State::Numbers(mut numbers) => {
                numbers.resize(rows, f32::NAN);
                Values::Numbers(numbers)
            }
            State::Words(mut words) => {
                words.codes.resize(rows, NO_WORD);
                Values::Words { codes: words.codes, names: words.names }
            }
        };
        match useless(&values).filter(|_| !all) {
            Some(why) => Err((name, why)),
            None => Ok(Column { name, values }),
        }
    }
}

fn as_words(numbers: &[f32]) -> Words {
    let mut words = Words::default();
    for number in numbers {
        let code = if number.is_nan() { NO_WORD } else { words.code(&number.to_string()) };
        words.codes.push(code);
    }
    words
}

/// Why nothing can be learned from the values.
pub(super) fn useless(values: &Values) -> Option<String> {
    match values {
        Values::Numbers(numbers) => {
            let first = numbers.first()?;
            numbers.iter().all(|number| number == first).then(|| "one value only".into())
        }
        Values::Words { codes, names } => {
            let present = codes.iter().filter(|code| **code != NO_WORD).count();
            if names.len() < 2 && present == codes.len() {
                return Some("one value only".into());
            }
            if names.len() > FEW_WORDS && names.len() * 2 > present {
                return Some(format!("{} different values in {present} rows", names.len()));
            }
            let is_time = |name: &String| matches!(parse(name, Slashes::DayFirst), Parsed::Time(moment) if moment.zone != Zone::Epoch);
            (!names.is_empty() && names.iter().take(LOOKED_AT).all(is_time))
                .then(|| "times other than the event's own".into())
        }
    }
}

/// The values at these places, in this order; the words that are left, in the order in which they come.
pub(super) fn picked(values: &Values, places: &[u32]) -> Values {
    match values {
        Values::Numbers(numbers) => Values::Numbers(
            places.iter().map(|place| numbers.get(*place as usize).copied().unwrap_or(f32::NAN)).collect(),
        ),
        Values::Words { codes, names } => {
            let code = |place: &u32| codes.get(*place as usize).copied().unwrap_or(NO_WORD);
            compact(places.iter().map(code).collect(), names)
        }
    }
}

/// Without the words that no code stands for.
pub(super) fn compact(mut codes: Vec<u32>, names: &[String]) -> Values {
    let mut places = vec![NO_WORD; names.len()];
    let mut used = Vec::new();
    for code in codes.iter_mut().filter(|code| **code != NO_WORD) {
        let place = &mut places[*code as usize];
        if *place == NO_WORD {
            *place = used.len() as u32;
            used.push(names[*code as usize].clone());
        }
        *code = *place;
    }
    Values::Words { codes, names: used }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, texts: &[&str], all: bool) -> Result<Values, String> {
        let mut column = Growing::new(name);
        texts.iter().enumerate().for_each(|(at, text)| column.set(at, text));
        column.done(texts.len(), all).map(|column| column.values).map_err(|(_, why)| why)
    }

    fn words(codes: &[u32], names: &[&str]) -> Values {
        Values::Words { codes: codes.to_vec(), names: names.iter().map(|name| name.to_string()).collect() }
    }

    #[test]
    fn numbers_stay_numbers_until_a_word_comes() {
        let Ok(Values::Numbers(numbers)) = of("x", &["1", "", "2.5"], false) else { panic!("no numbers") };
        assert!(numbers[0] == 1.0 && numbers[1].is_nan() && numbers[2] == 2.5);
        assert_eq!(of("x", &["1", "", "b", "1"], false), Ok(words(&[0, NO_WORD, 1, 0], &["1", "b"])));
        assert_eq!(of("org:resource", &["1", "2"], false), Ok(words(&[0, 1], &["1", "2"])));
        assert_eq!(of("x", &["007", "8"], false), Ok(words(&[0, 1], &["007", "8"])));
    }

    #[test]
    fn what_teaches_nothing_says_why() {
        assert_eq!(of("x", &["", "NaN"], false), Err("it is empty".into()));
        assert_eq!(of("x", &["a", "a"], false), Err("one value only".into()));
        assert_eq!(
            of("x", &["a", ""], false),
            Ok(words(&[0, NO_WORD], &["a"])),
            "that it is there may say something"
        );
        let ids: Vec<String> = (0..40).map(|n| format!("task-{n}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        assert!(of("x", &ids, false).is_err() && of("x", &ids, true).is_ok());
        assert!(of("x", &["2011-11-05T01:00:00Z", "2012-11-05"], false).unwrap_err().contains("times"));
    }

    #[test]
    fn picking_forgets_words_that_are_gone() {
        assert_eq!(picked(&words(&[0, 1, 2, 1], &["a", "b", "c"]), &[3, 2]), words(&[0, 1], &["b", "c"]));
    }
}

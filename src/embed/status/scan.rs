//! JSON that is damaged, read as far as it can be: every member that is complete is taken, what is cut or makes no sense
//! is kept as it stands. Valid JSON is read as any JSON reader reads it. Knows no status; never goes deeper than a limit.

use serde_json::{Map, Value};

use super::literal::{string, word};

/// What lies deeper is kept as text.
const DEEPEST: usize = 64;

/// What came of a text.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// The values at the top; one in any healthy file.
    pub roots: Vec<Value>,
    /// What is wrong with the text, each kind once, in the order met.
    pub wrong: Vec<&'static str>,
    /// Pieces that belong to no member.
    pub unread: Vec<String>,
}

pub(super) fn scan(text: &str) -> Scanned {
    let mut scanner = Scanner { text, at: 0, open: Vec::new(), comma: false, found: Scanned::default() };
    while scanner.step() {}
    scanner.end();
    scanner.found
}

enum Open {
    Map {
        map: Map<String, Value>,
        name: Option<Name>,
        /// No bracket stands in the text for it.
        implied: bool,
    },
    List(Vec<Value>),
}

/// A member's name, and where it begins.
struct Name {
    text: String,
    from: usize,
    colon: bool,
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    open: Vec<Open>,
    /// The last token was a comma.
    comma: bool,
    found: Scanned,
}

impl Scanner<'_> {
    fn wrong(&mut self, what: &'static str) {
        if !self.found.wrong.contains(&what) {
            self.found.wrong.push(what);
        }
    }

    fn unread(&mut self, from: usize, to: usize) {
        if let Some(piece) = self.text.get(from..to).map(str::trim).filter(|piece| !piece.is_empty()) {
            self.found.unread.push(piece.to_owned());
        }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().find(|c| !c.is_whitespace())
    }

    /// Takes one token; false at the end.
    fn step(&mut self) -> bool {
        let rest = &self.text[self.at..];
        let blank = rest.len() - rest.trim_start().len();
        self.at += blank;
        let Some(c) = self.text[self.at..].chars().next() else { return false };
        let from = self.at;
        match c {
            '{' | '[' => self.opens(c),
            '}' | ']' => self.closes(c),
            ':' => self.colon(),
            ',' => self.commas(),
            '"' | '\'' => self.quoted(from, c),
            _ => self.bare(from),
        }
        true
    }

    fn opens(&mut self, c: char) {
        self.begin_value();
        if self.open.len() >= DEEPEST {
            let from = self.at;
            self.at = self.past_brackets();
            self.wrong("it is nested too deeply");
            let text = self.text[from..self.at].to_owned();
            return self.value(Value::String(text), from);
        }
        self.at += 1;
        self.comma = false;
        self.open.push(match c {
            '{' => Open::Map { map: Map::new(), name: None, implied: false },
            _ => Open::List(Vec::new()),
        });
    }

    /// Where the bracket that stands here is closed again, or the end.
    fn past_brackets(&self) -> usize {
        let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
        for (at, c) in self.text[self.at..].char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                '{' | '[' if !quoted => depth += 1,
                '}' | ']' if !quoted => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return self.at + at + c.len_utf8();
            }
        }
        self.text.len()
    }

    fn closes(&mut self, c: char) {
        self.at += 1;
        if self.comma {
            self.wrong("a comma stands before a closing bracket");
        }
        self.comma = false;
        let fits = |open: &Open| matches!((open, c), (Open::Map { .. }, '}') | (Open::List(_), ']'));
        if !self.open.iter().any(fits) {
            return self.wrong("a closing bracket has no opening one");
        }
        while let Some(last) = self.open.last() {
            let last_fits = fits(last);
            if !last_fits {
                self.wrong("a closing bracket is missing");
            }
            self.close();
            if last_fits {
                break;
            }
        }
    }

    /// Ends the innermost map or list, which becomes a value of the next.
    fn close(&mut self) {
        let at = self.at;
        match self.open.pop() {
            Some(Open::List(items)) => self.value(Value::Array(items), at),
            Some(Open::Map { map, name, implied }) => {
                if let Some(name) = name {
                    self.wrong("a name has no value");
                    self.found.unread.push(name.text);
                }
                match (implied, self.found.roots.last_mut()) {
                    // Members behind the end belong to what ended too early.
                    (true, Some(Value::Object(first))) => {
                        for (name, value) in map {
                            first.entry(name).or_insert(value);
                        }
                    }
                    _ => self.value(Value::Object(map), at),
                }
            }
            None => {}
        }
    }

    fn colon(&mut self) {
        self.at += 1;
        match self.open.last_mut() {
            Some(Open::Map { name: Some(name), .. }) if !name.colon => name.colon = true,
            None if matches!(self.found.roots.last(), Some(Value::String(_))) => {
                if let Some(Value::String(text)) = self.found.roots.pop() {
                    self.wrong("an opening bracket is missing");
                    let from = self.text[..self.at].rfind(&text).unwrap_or(self.at);
                    let name = Some(Name { text, from, colon: true });
                    self.open.push(Open::Map { map: Map::new(), name, implied: true });
                }
            }
            _ => self.wrong("a colon stands where none can"),
        }
    }

    fn commas(&mut self) {
        self.at += 1;
        if self.comma {
            self.wrong("two commas stand together");
        }
        self.comma = true;
        let dangling = match self.open.last_mut() {
            Some(Open::Map { name, .. }) => name.take(),
            _ => None,
        };
        if let Some(name) = dangling {
            self.wrong("a name has no value");
            self.unread(name.from, self.at - 1);
        }
    }

    fn quoted(&mut self, from: usize, quote: char) {
        let read = string(&self.text[from..], quote);
        self.at = from + read.length;
        if let Some(wrong) = read.wrong {
            self.wrong(wrong);
        }
        if !read.complete {
            return self.cut(from);
        }
        self.begin_value();
        self.value(Value::String(read.text), from);
    }

    fn bare(&mut self, from: usize) {
        let rest = &self.text[from..];
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ':' | '{' | '}' | '[' | ']' | '"');
        self.at = from + rest.find(ends).unwrap_or(rest.len());
        if self.at == self.text.len() && !self.open.is_empty() {
            // The rest of it may be missing: 1 may have been 12.
            return self.cut(from);
        }
        let (value, wrong) = word(&self.text[from..self.at]);
        if let Some(wrong) = wrong {
            self.wrong(wrong);
        }
        self.begin_value();
        self.value(value, from);
    }

    /// The text ends inside a token: that member is not taken.
    fn cut(&mut self, from: usize) {
        let from = match self.open.last_mut() {
            Some(Open::Map { name, .. }) => name.take().map_or(from, |name| name.from),
            _ => from,
        };
        self.unread(from, self.text.len());
        self.at = self.text.len();
    }

    /// Two values in a row lack a comma.
    fn begin_value(&mut self) {
        let lacks = !self.comma
            && match self.open.last() {
                Some(Open::List(items)) => !items.is_empty(),
                Some(Open::Map { map, name: None, .. }) => !map.is_empty(),
                _ => false,
            };
        if lacks {
            self.wrong("a comma is missing");
        }
        self.comma = false;
    }

    fn value(&mut self, value: Value, from: usize) {
        let named = self.peek() == Some(':');
        match self.open.last_mut() {
            None => self.found.roots.push(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Map { map, name, .. }) => match (name.take(), value) {
                (None, Value::String(text)) => *name = Some(Name { text, from, colon: false }),
                (None, value) => {
                    self.wrong("a value has no name");
                    self.found.unread.push(value.to_string());
                }
                (Some(before), Value::String(text)) if !before.colon && named => {
                    *name = Some(Name { text, from, colon: false });
                    self.wrong("a name has no value");
                    self.found.unread.push(before.text);
                }
                (Some(before), value) => {
                    let earlier = map.insert(before.text.clone(), value);
                    let same = earlier.as_ref() == map.get(&before.text);
                    if !before.colon {
                        self.wrong("a colon is missing");
                    }
                    if let Some(earlier) = earlier {
                        self.wrong("a name stands twice");
                        if !same {
                            self.found.unread.push(format!("{:?}: {earlier}", before.text));
                        }
                    }
                }
            },
        }
    }

    fn end(&mut self) {
        let written = self.open.iter().any(|open| !matches!(open, Open::Map { implied: true, .. }));
        if written {
            self.wrong("it is cut off");
        }
        while !self.open.is_empty() {
            self.close();
        }
    }
}

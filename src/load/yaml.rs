//! YAML text as a tree in which every key, value and comment has its place. Knows nothing of what it means. YAML is only
//! ever read to be imported: nothing of `wfl` itself is written in it.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

/// Bytes a file may have.
pub const LARGEST: usize = 1 << 20;
/// Levels of lists and maps within each other.
const DEEPEST: usize = 32;
/// Nodes in all, those that aliases repeat included: a small file could stand for a huge one.
const MOST_NODES: usize = 20_000;

/// From 1; columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    pub line: usize,
    pub column: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub at: At,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Scalar {
        text: String,
        /// Written without quotes, so that it may be a number or a truth value.
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<Pair>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    pub key: String,
    pub at: At,
    pub value: Node,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    pub at: At,
    /// Without the `#`.
    pub text: String,
}

/// The one document of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// None where the text holds nothing but comments.
    pub root: Option<Node>,
    pub comments: Vec<Comment>,
}

/// Why a text has no tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrong {
    pub at: At,
    pub message: String,
}

/// Reads a text; the first thing wrong with it ends the reading.
pub fn read(text: &str) -> Result<Document, Wrong> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| scanned(&error))?;
        reader.event(event, span)?;
    }
    let comments = comments(text, &reader.scalars);
    Ok(Document { root: reader.root, comments })
}

fn scanned(error: &ScanError) -> Wrong {
    let marker = error.marker();
    let at = At { line: marker.line().max(1), column: marker.col() + 1 };
    Wrong { at, message: format!("this is not YAML: {}", error.info()) }
}

/// A list or map that is still open.
#[derive(Debug)]
struct Open {
    at: At,
    anchor: usize,
    /// The key whose value comes next; none in a list, and before a key.
    key: Option<(String, At)>,
    value: Value,
}

#[derive(Debug, Default)]
struct Reader {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    documents: usize,
    /// Where scalars stand, by character, and how they are written.
    scalars: Vec<(usize, usize, ScalarStyle)>,
}

impl Reader {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Wrong> {
        let at = At { line: span.start.line().max(1), column: span.start.col() + 1 };
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return wrong(at, "a second document begins here; one file holds one");
                }
            }
            Event::Scalar(text, style, anchor, _) => {
                self.scalars.push((span.start.index(), span.end.index(), style));
                let plain = style == ScalarStyle::Plain;
                let node = Node { at, value: Value::Scalar { text: text.into_owned(), plain } };
                self.finished(node, anchor)?;
            }
            Event::SequenceStart(anchor, _) => self.begin(at, anchor, Value::List(Vec::new()))?,
            Event::MappingStart(anchor, _) => self.begin(at, anchor, Value::Map(Vec::new()))?,
            Event::SequenceEnd | Event::MappingEnd => self.end()?,
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(node) => self.finished(Node { at, ..node }, 0)?,
                None => return wrong(at, "this alias stands inside what it names"),
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn begin(&mut self, at: At, anchor: usize, value: Value) -> Result<(), Wrong> {
        if self.open.len() >= DEEPEST {
            return wrong(at, &format!("lists and maps are nested more than {DEEPEST} deep here"));
        }
        self.open.push(Open { at, anchor, key: None, value });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Wrong> {
        let Some(Open { at, anchor, value, .. }) = self.open.pop() else { return Ok(()) };
        let value = match value {
            Value::Map(pairs) => Value::Map(merged(pairs)),
            other => other,
        };
        self.finished(Node { at, value }, anchor)
    }

    /// Puts a whole node where it belongs.
    fn finished(&mut self, node: Node, anchor: usize) -> Result<(), Wrong> {
        self.nodes += if anchor == 0 { size(&node) } else { 1 };
        if self.nodes > MOST_NODES {
            return wrong(node.at, &format!("the file holds more than {MOST_NODES} values"));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node).filter(|node| !is_null(node));
            return Ok(());
        };
        match (&mut open.value, open.key.take()) {
            (Value::List(items), _) => items.push(node),
            (Value::Map(pairs), Some((key, at))) => pairs.push(Pair { key, at, value: node }),
            (Value::Map(pairs), None) => {
                let Value::Scalar { text, .. } = node.value else {
                    return wrong(node.at, "a key must be a word");
                };
                if let Some(before) = pairs.iter().find(|pair| pair.key == text) {
                    let line = before.at.line;
                    return wrong(node.at, &format!("`{text}` stands twice; the first is in line {line}"));
                }
                open.key = Some((text, node.at));
            }
            (Value::Scalar { .. }, _) => {}
        }
        Ok(())
    }
}

fn wrong<T>(at: At, message: &str) -> Result<T, Wrong> {
    Err(Wrong { at, message: message.to_owned() })
}

/// Nodes below and with this one, counted without recursion.
fn size(node: &Node) -> usize {
    let mut open = vec![node];
    let mut count = 0;
    while let Some(node) = open.pop() {
        count += 1;
        match &node.value {
            Value::Scalar { .. } => {}
            Value::List(items) => open.extend(items),
            Value::Map(pairs) => open.extend(pairs.iter().map(|pair| &pair.value)),
        }
    }
    count
}

/// `<<: *base` gives the keys that the map does not give itself.
fn merged(pairs: Vec<Pair>) -> Vec<Pair> {
    let (bases, mut own): (Vec<Pair>, Vec<Pair>) = pairs.into_iter().partition(|pair| pair.key == "<<");
    for base in bases {
        let maps = match base.value.value {
            Value::List(items) => items,
            _ => vec![base.value],
        };
        for pair in maps
            .into_iter()
            .flat_map(|map| if let Value::Map(pairs) = map.value { pairs } else { Vec::new() })
        {
            if own.iter().all(|known| known.key != pair.key) {
                own.push(pair);
            }
        }
    }
    own
}

/// Nothing, `~` or `null`.
pub fn is_null(node: &Node) -> bool {
    matches!(&node.value, Value::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
}

/// The parser's end of a quoted scalar lies behind what follows it on the line.
fn written_end(letters: &[char], from: usize, to: usize, style: ScalarStyle) -> usize {
    let quote = match style {
        ScalarStyle::SingleQuoted => '\'',
        ScalarStyle::DoubleQuoted => '"',
        _ => return to,
    };
    let mut at = from + 1;
    while let Some(letter) = letters.get(at) {
        match letter {
            '\\' if quote == '"' => at += 1,
            letter if *letter == quote && quote == '\'' && letters.get(at + 1) == Some(&quote) => at += 1,
            letter if *letter == quote => return at + 1,
            _ => {}
        }
        at += 1;
    }
    to
}

/// A `#` at the start of a line or after a space, outside of scalars.
fn comments(text: &str, scalars: &[(usize, usize, ScalarStyle)]) -> Vec<Comment> {
    let letters: Vec<char> = text.chars().collect();
    let scalars: Vec<(usize, usize)> =
        scalars.iter().map(|&(from, to, style)| (from, written_end(&letters, from, to, style))).collect();
    let mut found = Vec::new();
    let mut begin = 0;
    for (line, content) in (1..).zip(text.split('\n')) {
        let inside = |index: usize| scalars.iter().any(|(from, to)| (*from..*to).contains(&(begin + index)));
        let mut before = ' ';
        for (index, letter) in content.chars().enumerate() {
            if letter == '#' && before.is_whitespace() && !inside(index) {
                let text: String = content.chars().skip(index + 1).collect();
                found.push(Comment { at: At { line, column: index + 1 }, text: text.trim().to_owned() });
                break;
            }
            before = letter;
        }
        begin += content.chars().count() + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(text: &str) -> Node {
        read(text).unwrap().root.unwrap()
    }

    fn map(node: &Node) -> Vec<(&str, At, &Node)> {
        let Value::Map(pairs) = &node.value else { panic!("no map: {node:?}") };
        pairs.iter().map(|pair| (pair.key.as_str(), pair.at, &pair.value)).collect()
    }

    #[test]
    fn keys_and_values_have_their_places() {
        let root = root("# first\na:\n  b: [1, 'x # y']  # last\n");
        let (key, at, inner) = map(&root)[0];
        assert_eq!((key, at), ("a", At { line: 2, column: 1 }));
        let (_, at, list) = map(inner)[0];
        assert_eq!(at, At { line: 3, column: 3 });
        let Value::List(items) = &list.value else { panic!("{list:?}") };
        assert_eq!(items[1].at, At { line: 3, column: 10 });
        assert_eq!(items[0].value, Value::Scalar { text: "1".into(), plain: true });
        assert_eq!(items[1].value, Value::Scalar { text: "x # y".into(), plain: false });
    }

    #[test]
    fn comments_are_kept_and_what_looks_like_one_is_not() {
        let found = read("# one\na: 'b # c'  # two\nd: e#f\ng: |\n  # text\nh: 1\n").unwrap().comments;
        let texts: Vec<(usize, &str)> =
            found.iter().map(|found| (found.at.line, found.text.as_str())).collect();
        assert_eq!(texts, [(1, "one"), (2, "two")]);
    }

    #[test]
    fn nothing_is_nothing() {
        for text in ["", "# only words\n", "---\n", "~\n"] {
            assert_eq!(read(text).unwrap().root, None, "{text:?}");
        }
    }

    #[test]
    fn what_is_wrong_has_a_place() {
        let at = |text: &str| {
            let wrong = read(text).unwrap_err();
            (wrong.at.line, wrong.message)
        };
        assert_eq!(at("invalid: [yaml: syntax:").0, 1);
        let (line, message) = at("a: 1\nb: 2\na: 3\n");
        assert_eq!((line, message.as_str()), (3, "`a` stands twice; the first is in line 1"));
        assert!(at("a: 1\n---\nb: 1\n").1.contains("second document"));
        assert!(at("? [a]\n: b\n").1.contains("key"));
        assert!(at(&"[".repeat(100)).1.contains("deep"));
        assert!(at("&a [*a]").1.contains("inside"));
    }

    #[test]
    fn aliases_repeat_and_merge_within_limits() {
        let root = root("base: &b {x: 1, y: 2}\nlane:\n  <<: *b\n  y: 3\n");
        let lane = map(&root)[1].2;
        let texts: Vec<(&str, &Value)> = map(lane).iter().map(|(key, _, node)| (*key, &node.value)).collect();
        assert_eq!(texts.len(), 2);
        assert_eq!(texts[0].1, &Value::Scalar { text: "3".into(), plain: true });
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let below = format!("*a{}, ", level - 1).repeat(9);
            bomb.push_str(&format!("a{level}: &a{level} [{}]\n", below.trim_end_matches(", ")));
        }
        assert!(read(&bomb).unwrap_err().message.contains("values"));
    }
}

//! Why the grammar refused a statement, in people's words: the place, what stands there, what could. Parses nothing.

use pest::error::{Error, ErrorVariant, InputLocation};

use crate::base::Span;
use crate::base::suggest::{did_you_mean, nearest};
use crate::diag::{Code, Diagnostic, codes};

use super::grammar::{Rule, words};
use super::head::Head;

const CLAUSE_WORDS: [&str; 8] = ["if", "from", "by", "on", "as", "with", "before", "because"];
const OPERATOR_WORDS: [&str; 8] = ["and", "or", "not", "in", "matches", "like", "else", "for"];

const UNITS: [&str; 12] = ["ms", "s", "m", "h", "d", "B", "KB", "MB", "GB", "KiB", "MiB", "GiB"];

/// What stands where reading stopped.
struct Found<'a> {
    text: &'a str,
    /// The text before it, without space at its end.
    before: &'a str,
    expected: Vec<&'static str>,
}

/// The diagnostic for a refused head.
pub(super) fn explain(head: &Head<'_>, error: &Error<Rule>) -> Diagnostic {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at.min(head.text.len()),
    };
    // Space before the culprit is not the culprit.
    let at = head.text.len() - head.text[at..].trim_start().len();
    let text = next_token(&head.text[at..]);
    let found = Found { text, before: head.text[..at].trim_end(), expected: expected(error) };
    if let Some(word) = reserved_name(&found) {
        let span = head.span(found.before.len() - word.len()..found.before.len());
        let message = format!("`{word}` is reserved and cannot be a name");
        return Diagnostic::new(&codes::E119, span, message).help("choose another name");
    }
    if let Some(bare) = bare_function(&head.text) {
        let help = "write `fn NAME(a: string) = VALUE`: each parameter has a type, and the value follows `=`";
        return Diagnostic::new(&codes::E011, head.span(bare), "this is not the form of a function")
            .help(help);
    }
    let span = if text.is_empty() {
        head.span(found.before.len()..found.before.len())
    } else {
        head.span(at..at + text.len())
    };
    describe(span, &found)
}

/// What follows `fn`, where nothing else could have been meant but a parameter without its type or a block.
fn bare_function(text: &str) -> Option<std::ops::Range<usize>> {
    let rest = text.strip_prefix("fn ")?;
    let (inside, after) = rest.split_once('(')?.1.split_once(')')?;
    let untyped = !inside.trim().is_empty() && !inside.contains(':');
    (untyped || after.trim().is_empty()).then(|| 3..text.trim_end().len())
}

/// The reserved word that a statement tries to bind: what stands behind it is where the grammar stopped.
fn reserved_name<'a>(found: &Found<'a>) -> Option<&'a str> {
    let mut words = found.before.split_whitespace();
    let (_, name) = (words.next()?, words.next()?);
    (words.next().is_none() && matches!(found.text, "=" | ":") && is_reserved(name)).then_some(name)
}

fn expected(error: &Error<Rule>) -> Vec<&'static str> {
    let ErrorVariant::ParsingError { positives, .. } = &error.variant else { return Vec::new() };
    let mut list: Vec<&str> = positives.iter().filter_map(|&rule| words(rule)).collect();
    list.sort();
    list.dedup();
    list
}

fn describe(span: Span, found: &Found<'_>) -> Diagnostic {
    let (code, message, help) = reason(found);
    // Where the help knows what was meant, a list of what could stand there only distracts.
    let guessed = help.is_some() && !found.expected.contains(&"the end of the statement");
    let diagnostic = Diagnostic::new(code, span, message).help_if(help);
    match expectation(found).filter(|_| !guessed) {
        Some(expectation) => diagnostic.label(expectation),
        None => diagnostic,
    }
}

type Reason = (&'static Code, String, Option<String>);

fn reason(found: &Found<'_>) -> Reason {
    let text = shown(found.text);
    if found.text.is_empty() {
        let message = match (found.expected.contains(&"a value"), found.expected.first()) {
            _ if found.before.ends_with(':') => "the statement ends where a type is expected".to_owned(),
            (true, _) => "the statement ends where a value is expected".to_owned(),
            (false, Some(what)) => format!("the statement ends where {what} is expected"),
            (false, None) => "the statement ends too early".to_owned(),
        };
        return (&codes::E011, message, None);
    }
    if found.before.is_empty() && !found.text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        let help = "a statement is `keyword values, ... clause ...`".to_owned();
        return (&codes::E011, format!("a statement begins with a keyword, not with {text}"), Some(help));
    }
    if found.before.ends_with(':') && found.text.starts_with('"') {
        let help = "a type stands here; fixed words are `enum(\"eu\", \"us\")`".to_owned();
        return (&codes::E011, format!("unexpected {text}"), Some(help));
    }
    if let Some(help) = mistaken_sign(found) {
        return (&codes::E011, format!("unexpected {text}"), Some(help));
    }
    if found.before.is_empty() && OPERATOR_WORDS.contains(&found.text) {
        let help = format!("end the line before with {text}, and indent this one deeper");
        return (&codes::E011, format!("a statement cannot begin with {text}"), Some(help));
    }
    if is_reserved(found.text) {
        return reserved_word(found, &text);
    }
    if found.before.is_empty() {
        let help = "a statement is `keyword values, ... clause ...`".to_owned();
        return (&codes::E011, format!("a statement begins with a keyword, not with {text}"), Some(help));
    }
    (&codes::E011, format!("unexpected {text}"), after_value(found))
}

fn reserved_word(found: &Found<'_>, text: &str) -> Reason {
    if found.text == "not" {
        let help = "`not` stands before the whole comparison: `not a in b`".to_owned();
        return (&codes::E011, format!("unexpected {text}"), Some(help));
    }
    if !found.before.contains([' ', '\t', '\n']) && found.expected.contains(&"a value") {
        let help = Some("choose another name".to_owned());
        return (&codes::E119, format!("{text} is reserved and cannot be a name or a value"), help);
    }
    (&codes::E011, format!("unexpected {text}: the word is reserved inside values"), None)
}

fn mistaken_sign(found: &Found<'_>) -> Option<String> {
    let help = match found.text {
        "{" | "}" if found.expected.contains(&"a value") || found.before.contains("f\"") => {
            "`{` opens a block at the end of a head, and a value inside f\"…\"; there are no brace literals. \
             In an f-string write a brace as `\\{`"
        }
        "{" | "}" => "there are no brace literals: `{` only opens a block",
        "," => "one value stands there: several are a list, `[a, b]`; statements are separated by `;`",
        "?" => {
            "a choice is written `if CONDITION then a else b`; a default for what may be absent is `a ?? b`"
        }
        ":" => {
            "a `:` stands only before a type (`param x: int`); a setting is `keyword value`, a binding `name = value`"
        }
        "“" | "”" | "„" | "‘" | "’" | "'" | "`" => "strings stand in straight double quotes: \"…\"",
        "–" | "—" | "−" => "write an ordinary minus sign: `-`",
        "-" if !found.before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == ')') => {
            "an argument or any other text stands in quotes: `\"-x\"`"
        }
        "-" | "+" => "an operator `-` or `+` needs a space on both sides",
        "[" if in_type(found.before) => "a list's type is `list<string>`",
        "=" => "`=` binds a name; to compare, write `==`",
        "$" => "`$NAME` exists only in scripts; here a name is written alone",
        "(" | "[" if found.before.ends_with(|c: char| c.is_ascii_alphanumeric()) => {
            "a call or an index follows its name without a space; two values are separated by `,`"
        }
        "<" | ">" | "<=" | ">=" | "==" | "!=" => return None,
        "%" => "a percent sign follows its number without a space: `70%`",
        "&" | "|" | "^" | "~" => "there are no bit operators; conditions use `and`, `or`, `not`",
        _ => return None,
    };
    Some(help.to_owned())
}

fn after_value(found: &Found<'_>) -> Option<String> {
    let first = found.text.chars().next()?;
    let value_like = first.is_ascii_alphanumeric() || matches!(first, '_' | '"');
    if !found.expected.contains(&"the end of the statement") || !value_like {
        return None;
    }
    if UNITS.contains(&found.text) && found.before.ends_with(|c: char| c.is_ascii_digit()) {
        return Some("a unit follows its number without a space: `5m`".to_owned());
    }
    if let Some(help) = foreign_word(found) {
        return Some(help);
    }
    if first == '"' && found.before.split_whitespace().next() == Some("run") {
        return Some("a script stands between `\"\"\"`, each on a line of its own, also a short one".to_owned());
    }
    if first.is_ascii_alphabetic()
        && let Some(near) = did_you_mean(&nearest(found.text, CLAUSE_WORDS.into_iter().chain(["and", "or"])))
    {
        return Some(near);
    }
    let clauses = CLAUSE_WORDS.join(", ");
    Some(format!("separate values with `,`; a clause begins with one of: {clauses}"))
}

/// Between two values: a word, a unit or a prefix of another language.
fn foreign_word(found: &Found<'_>) -> Option<String> {
    let (keyword, last) = (found.before.split_whitespace().next()?, found.before.split_whitespace().last()?);
    let unit = |word: &str| ["s", "m", "h", "d"].contains(&word.get(..1).unwrap_or_default());
    let number = last.ends_with(|c: char| c.is_ascii_digit());
    let duration = last.starts_with(|c: char| c.is_ascii_digit()) && last.ends_with(['h', 'm', 'd', 's']);
    Some(match found.text {
        "is" | "equals" | "eq" => "to compare, write `==`".to_owned(),
        "isnt" | "ne" => "to compare, write `!=`".to_owned(),
        "contains" | "includes" | "has" => {
            "write `x in list`, or for strings `text matches \"…\"`".to_owned()
        }
        "r" | "b" | "u" | "raw" => "only `f` stands before a string; write a backslash as `\\\\`".to_owned(),
        "then" | "do" => "a condition ends here, and what depends on it stands in a block".to_owned(),
        text if number && unit(text) => {
            format!("a unit is one letter behind its number, without a space: `{last}{}`", &text[..1])
        }
        text if duration && text.starts_with(|c: char| c.is_ascii_digit()) => {
            format!("a duration is written without spaces: `{last}{text}`")
        }
        text if text.starts_with('"') && keyword == "notify" => format!("write `notify {last}({text})`"),
        _ if last == "exec" || keyword == "exec" && !last.ends_with('"') => {
            "arguments stand in quotes and are separated by `,`: `exec \"program\", \"argument\"`".to_owned()
        }
        _ => return None,
    })
}

/// Between a name's `:` and the end of its type.
fn in_type(before: &str) -> bool {
    before.rsplit_once(": ").is_some_and(|(_, kind)| !kind.contains([' ', '=', '(']))
}

fn expectation(found: &Found<'_>) -> Option<String> {
    if found.expected.contains(&"a value") {
        return Some("a value is expected here".into());
    }
    let (last, rest) = found.expected.split_last()?;
    Some(match rest {
        [] => format!("{last} is expected here"),
        _ => format!("{} or {last} could stand here", rest.join(", ")),
    })
}

/// A word that no statement begins with.
pub(super) fn is_operator(word: &str) -> bool {
    OPERATOR_WORDS.contains(&word)
}

pub(super) fn is_reserved(word: &str) -> bool {
    CLAUSE_WORDS.contains(&word) || OPERATOR_WORDS.contains(&word) || word == "then"
}

/// One word, one quoted string's quote, or one sign.
fn next_token(text: &str) -> &str {
    let word =
        text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(text.len());
    if word > 0 && !text.starts_with('-') {
        return &text[..word];
    }
    if let Some(rest) = text.strip_prefix('"') {
        return rest.find('"').map_or(text, |end| &text[..end + 2]);
    }
    let two =
        ["==", "!=", "<=", ">=", "??", "..", "->", "=>", "::"].iter().find(|sign| text.starts_with(**sign));
    let length = two.map_or_else(|| text.chars().next().map_or(0, char::len_utf8), |sign| sign.len());
    &text[..length]
}

/// For a message: quoted, short, and with nothing a terminal would obey.
fn shown(text: &str) -> String {
    let clean: String = text.chars().take(30).flat_map(char::escape_debug).collect();
    let clean = clean.replace("\\\"", "\"").replace("\\'", "'");
    if text.chars().count() > 30 { format!("`{clean}…`") } else { format!("`{clean}`") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_cut_for_messages() {
        assert_eq!(next_token("ab-c d"), "ab-c");
        assert_eq!(next_token("\"x y\" z"), "\"x y\"");
        assert_eq!(next_token("->x"), "->");
        assert_eq!(next_token(""), "");
        assert_eq!(shown("“"), "`“`");
    }
}

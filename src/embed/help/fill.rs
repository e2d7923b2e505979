//! `<name>` in the words of a rule, filled with what its pattern matched. What a program wrote may be anything: in a
//! command it is quoted for the shell, and it never becomes an option.

use std::collections::BTreeMap;

use crate::model::placeholders;
use crate::observe::sanitise::sanitise;
use crate::observe::style::one_line;

/// Longest value filled in, in characters.
const LONGEST: usize = 120;

pub(super) type Groups = BTreeMap<String, String>;

/// For reading.
pub(super) fn words(text: &str, groups: &Groups) -> String {
    filled(text, groups, |_, value| Some(shown(value)))
}

/// For typing.
pub(super) fn command(text: &str, groups: &Groups) -> String {
    filled(text, groups, |before, value| {
        let (value, plain) = (shown(value), is_plain(value));
        // Quotes within quotes would end them.
        let inside = ['\'', '"'].iter().any(|quote| before.matches(*quote).count() % 2 == 1);
        let fits = !value.starts_with('-') && (plain || !inside);
        fits.then(|| quoted(&value))
    })
}

fn shown(value: &str) -> String {
    one_line(&sanitise(value.trim()), LONGEST)
}

/// No shell takes any of it for more than a letter.
fn is_plain(word: &str) -> bool {
    word.chars().all(|c| c.is_alphanumeric() || "-_./=,:@+%".contains(c))
}

fn quoted(word: &str) -> String {
    if is_plain(word) { word.to_string() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// Names that stand in a row are alternatives: the first that matched is taken. Where none did, the first name stays for
/// a person to fill in.
fn filled(text: &str, groups: &Groups, write: impl Fn(&str, &str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = 0;
    let mut places = placeholders(text).peekable();
    while let Some((at, name)) = places.next() {
        out.push_str(&text[rest..at]);
        rest = at + name.len() + 2;
        let mut row = vec![name];
        while let Some((_, name)) = places.next_if(|(next, _)| *next == rest) {
            row.push(name);
            rest += name.len() + 2;
        }
        let value = row.iter().find_map(|name| groups.get(*name)).and_then(|value| write(&text[..at], value));
        out.push_str(&value.unwrap_or_else(|| format!("<{name}>")));
    }
    out.push_str(&text[rest..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(pairs: &[(&str, &str)]) -> Groups {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn names_are_filled_and_alternatives_taken_in_order() {
        let known = groups(&[("b", "two")]);
        assert_eq!(words("`<a><b>` of <c>, <b>.", &known), "`two` of <c>, two.");
        assert_eq!(words("<a><x>: a < b", &known), "<a>: a < b");
    }

    #[test]
    fn what_a_log_says_is_neither_run_by_the_shell_nor_an_option() {
        let known = groups(&[("m", "x; rm -rf ~"), ("o", "--upgrade"), ("q", "it's\u{1b}[31m")]);
        assert_eq!(command("pip install <m>", &known), "pip install 'x; rm -rf ~'");
        assert_eq!(command("pip install <o>", &known), "pip install <o>");
        assert_eq!(command("python -c 'import <m>'", &known), "python -c 'import <m>'");
        assert_eq!(command("cat <q>", &known), "cat 'it'\\''s'");
    }
}

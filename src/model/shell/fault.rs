//! What a shell would refuse, in our words: where it is, what it is, what to do. Finds nothing itself.

use std::ops::Range;

use shuck_parser::parser::ParseDiagnostic;

use super::open::Unfinished;

/// One refusal, by bytes of the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub at: Range<usize>,
    pub message: String,
    pub help: String,
}

impl From<Unfinished> for Fault {
    fn from(open: Unfinished) -> Self {
        Fault {
            at: open.at..open.at + open.opener.len(),
            message: format!("the script's `{}` is never closed", open.opener),
            help: format!("add the missing `{}`", open.closer),
        }
    }
}

impl Fault {
    /// Of what the parser says; nothing where it is known to refuse what shells accept.
    pub(super) fn new(script: &str, said: ParseDiagnostic) -> Option<Fault> {
        let start = said.span.start.offset().min(script.len());
        let rest = script.get(start..)?;
        // It reads `\{}` and some operands of `[[ ]]` more strictly than bash does.
        if said.message.contains("conditional") || script[..start].ends_with("\\{") {
            return None;
        }
        let word = token(rest);
        let at = start..start + word.len();
        let said = said.message.trim_start_matches("syntax error: ");
        let (message, help) = if let Some(operator) = said.strip_prefix("expected command after ") {
            (
                format!("nothing follows `{operator}`"),
                "write the command it leads to, or remove it".to_owned(),
            )
        } else if let Some(clause) = said.strip_prefix("empty ") {
            (format!("the {clause} is empty"), "write `:` where nothing should happen".to_owned())
        } else if said == "expected command" && !word.is_empty() {
            (format!("`{word}` is not expected here"), unexpected(word).to_owned())
        } else {
            let said = said.replace('\'', "`");
            (format!("the shell would refuse this: {said}"), String::new())
        };
        Some(Fault { at, message, help })
    }
}

/// The operator or word that the text begins with.
fn token(rest: &str) -> &str {
    let operator = [";;", "&&", "||", "|&"].iter().find(|operator| rest.starts_with(**operator));
    let ends = |c: char| c.is_whitespace() || ";&|<>()\"'`$".contains(c);
    let word = rest.find(ends).unwrap_or(rest.len());
    let first = rest.chars().next().filter(|c| !c.is_whitespace()).map_or(0, char::len_utf8);
    &rest[..operator.map_or(word.max(first), |operator| operator.len())]
}

fn unexpected(word: &str) -> &'static str {
    match word {
        "then" | "elif" | "else" | "fi" => {
            "an `if` reads `if COMMAND; then … fi`: `;` or a new line stands before `then`"
        }
        "do" | "done" => "a loop reads `while COMMAND; do … done`: `;` or a new line stands before `do`",
        "esac" | ";;" => "a `case` reads `case WORD in PATTERN) … ;; esac`",
        "}" => "`{ COMMAND; }` needs a space behind `{` and `;` or a new line before `}`",
        ")" => "no `(` is open here: remove it, or quote it",
        "&&" | "||" | "|" | "|&" | "&" | ";" => "a command stands before it",
        _ => "a command should stand here",
    }
}

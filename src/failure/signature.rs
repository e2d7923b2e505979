//! From one failed attempt to what it shares with others of its kind. The same failure with other numbers, paths, times or
//! names of temporary files has the same signature. Bounded, linear, for any text.

use crate::event::{AttemptStatus, FailureClass, Lasting, Outcome};

use super::lasting::{self, Words};
use super::normal::normalised;
use super::pick;

/// Characters of a signature's text.
const LONGEST: usize = 512;
/// Bytes of a message that are looked at.
const MESSAGE: usize = 4096;

/// A failed attempt, as far as its signature depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'a> {
    pub outcome: &'a Outcome,
    /// What the stage runs first; empty when that is not known.
    pub program: &'a str,
    /// The stage's name without its matrix: failures without words of their own are told apart by it.
    pub stage: &'a str,
}

/// What a failure has in common with others of its kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// 16 hex digits over class, program and text.
    pub id: String,
    pub class: Option<FailureClass>,
    pub program: String,
    /// The message without what differs from one time to the next; holds no secret.
    pub text: String,
    /// How lasting the failure is by its class and its words.
    pub lasting: Lasting,
    /// What the words say, for a person.
    pub because: Option<&'static str>,
}

/// The signature of a failed attempt.
pub fn signature(failed: &Failed<'_>) -> Signature {
    let class = class_of(failed.outcome);
    let program = program_of(failed.program);
    let message = message(failed, class);
    let text = match message {
        Some(message) => normalised(&message),
        // The stage's name tells it from others, numbers in it included.
        None => format!("stage `{}`: {}", failed.stage, normalised(&without_words(failed, class))),
    };
    let text = cut(&text, LONGEST);
    let said = said(class, &text);
    let word = class.map_or("", FailureClass::word);
    let hash = blake3::hash(format!("1\n{word}\n{program}\n{text}").as_bytes()).to_hex();
    Signature {
        id: hash.as_str().chars().take(16).collect(),
        class,
        program,
        text,
        lasting: said.map_or(Lasting::Unknown, |(lasting, _)| lasting),
        because: said.and_then(|(_, because)| because),
    }
}

/// Old records have no class.
fn class_of(outcome: &Outcome) -> Option<FailureClass> {
    outcome.class.or(match outcome.status {
        AttemptStatus::TimedOut => Some(FailureClass::Timeout),
        AttemptStatus::Failed if outcome.exit.is_some() => Some(FailureClass::Exit),
        _ => None,
    })
}

/// What the program said of its failure. A stage that was cut off had no chance to say something.
fn message(failed: &Failed<'_>, class: Option<FailureClass>) -> Option<String> {
    let outcome = failed.outcome;
    let spoke = matches!(class, None | Some(FailureClass::Exit | FailureClass::Signal));
    let own = || spoke.then(|| pick::message(&outcome.stderr, &outcome.stdout)).flatten();
    let named = || match class {
        // These words name the program, the file or the template: they say what failed.
        Some(FailureClass::NotStarted | FailureClass::Render | FailureClass::NeedLost) => {
            outcome.error.clone()
        }
        _ => None,
    };
    own().or_else(named).map(|text| head(&text, MESSAGE).to_owned()).filter(|text| !text.trim().is_empty())
}

/// What is known of a failure whose program said nothing.
fn without_words(failed: &Failed<'_>, class: Option<FailureClass>) -> String {
    let outcome = failed.outcome;
    match (class, &outcome.error, outcome.signal, outcome.exit) {
        // How long it had is no part of what failed.
        (Some(FailureClass::Timeout), ..) => "timed out".to_owned(),
        (_, Some(error), ..) => head(error, MESSAGE).to_owned(),
        (_, None, Some(signal), _) => format!("signal {signal}"),
        (_, None, None, Some(exit)) => format!("exit code {exit}"),
        _ => class.map_or("it failed", FailureClass::word).to_owned(),
    }
}

/// The class says it, or else the words without their numbers and paths, which could be taken for codes and states.
fn said(class: Option<FailureClass>, text: &str) -> Option<Words> {
    match class.map(FailureClass::lasting) {
        Some(lasting) if lasting != Lasting::Unknown => Some((lasting, None)),
        _ => lasting::by_words(text),
    }
}

/// A program's name without folder and version: `/usr/bin/python3.12` is `python`.
pub fn program_of(word: &str) -> String {
    let base = word.trim().rsplit(['/', '\\']).next().unwrap_or_default();
    let bare = base.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    let name = if bare.is_empty() { base } else { bare };
    cut(&normalised(name), 64)
}

fn cut(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect::<String>().trim().to_owned()
}

/// The first bytes, whole characters.
fn head(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

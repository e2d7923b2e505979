//! What a script does, flat: its commands, the variables it reads and binds, what only bash understands.
//! Holds; `walk` finds.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// All places are bytes of the script.
#[derive(Debug, Default)]
pub struct Facts {
    /// Those of substitutions stand before the command they are part of.
    pub commands: Vec<Command>,
    pub uses: Vec<Use>,
    /// Every name that something in the script gives a value, with its values where they are plain text.
    pub bound: HashMap<String, Vec<Option<String>>>,
    /// Names whose absence the script provides for: `${X:-}`, `[[ -v X ]]`.
    pub guarded: HashSet<String>,
    pub functions: HashSet<String>,
    /// It reads other scripts or builds commands, which may bind or use any name.
    pub opaque: bool,
    /// What a plain `sh` does not understand.
    pub features: Vec<Feature>,
}

/// A simple command, or a declaration such as `local x=1`.
#[derive(Debug, Default)]
pub struct Command {
    /// Its name and arguments; empty for assignments alone.
    pub words: Vec<Word>,
    pub assigned: Vec<Assign>,
    pub at: Range<usize>,
    /// The pipeline it is an element of, and its place there.
    pub pipe: Option<(u32, u32)>,
    /// `export`, `local` and their like.
    pub declares: bool,
    /// Its failure is looked at or shrugged off: a condition, `!`, before `&&` or `||`.
    pub tested: bool,
}

#[derive(Debug, Default)]
pub struct Word {
    /// Quotes taken off; expansions as they are written.
    pub text: String,
    /// Nothing in it is expanded.
    pub fixed: bool,
    pub at: Range<usize>,
    /// Expansions that the shell splits at spaces.
    pub bare: Vec<Bare>,
    /// Names it reads, quoted or not, not counting what its substitutions read.
    pub names: Vec<String>,
    /// The commands within its substitutions, by index.
    pub inner: Range<usize>,
}

#[derive(Debug)]
pub struct Bare {
    pub at: Range<usize>,
    /// Of a plain variable.
    pub name: Option<String>,
}

#[derive(Debug)]
pub struct Use {
    pub name: String,
    pub at: Range<usize>,
}

#[derive(Debug)]
pub struct Assign {
    pub name: String,
    /// Where it is plain text.
    pub value: Option<String>,
    /// The value holds a `$( … )`.
    pub substitution: bool,
    pub at: Range<usize>,
}

#[derive(Debug)]
pub struct Feature {
    pub at: Range<usize>,
    pub what: &'static str,
    pub instead: &'static str,
}

/// Programs that only start another, with how many operands come before its name.
const WRAPPERS: &[(&str, usize)] = &[
    ("sudo", 0),
    ("doas", 0),
    ("env", 0),
    ("command", 0),
    ("exec", 0),
    ("nohup", 0),
    ("time", 0),
    ("nice", 0),
    ("ionice", 0),
    ("setsid", 0),
    ("timeout", 1),
    ("retry", 0),
];

/// Options of those that take the next word.
const TAKING: &[&str] = &["-u", "-g", "-n", "-k", "-s", "-c", "-S", "--user", "--group"];

impl Command {
    /// The program's name without its folder, and its arguments; wrappers such as `sudo` taken off.
    pub fn program(&self) -> Option<(&str, &[Word])> {
        let mut words = &self.words[..];
        loop {
            let (first, rest) = words.split_first()?;
            let name = first.text.rsplit('/').next().unwrap_or_default();
            let wrapper = WRAPPERS.iter().find(|(wrapper, _)| *wrapper == name && first.fixed);
            let Some((_, operands)) = wrapper else { return Some((name, rest)) };
            words = behind(rest, *operands);
            if words.is_empty() {
                return Some((name, rest));
            }
        }
    }
}

/// What follows a wrapper's own options, assignments and operands.
fn behind(mut words: &[Word], operands: usize) -> &[Word] {
    while let Some((word, rest)) = words.split_first() {
        let assigns = word.text.split_once('=').is_some_and(|(name, _)| is_name(name));
        words = match word.text.starts_with('-') {
            true if TAKING.contains(&word.text.as_str()) => rest.get(1..).unwrap_or_default(),
            true => rest,
            false if assigns => rest,
            false => return words.get(operands..).unwrap_or_default(),
        };
    }
    words
}

/// Whether a shell accepts it as the name of a variable.
pub fn is_name(text: &str) -> bool {
    let word = |c: char| c == '_' || c.is_ascii_alphanumeric();
    !text.starts_with(|c: char| c.is_ascii_digit()) && !text.is_empty() && text.chars().all(word)
}

impl Facts {
    /// The command whose word or substitution holds this one's output: none for the script's own.
    pub fn in_pipe_before(&self, command: &Command) -> impl Iterator<Item = &Command> {
        let pipe = command.pipe;
        self.commands.iter().filter(move |other| match (other.pipe, pipe) {
            (Some(other), Some(own)) => other.0 == own.0 && other.1 < own.1,
            _ => false,
        })
    }
}

//! Shell scripts as the checks see them: what a shell would refuse, and the facts of what is left. Runs nothing and
//! knows no statement of a lane file.
//!
//! Two readers work together. The parser crate decides whether a script is right and gives its tree. It notices an
//! unfinished construct where the text ends, though, and looks into `$( … )` leniently; [`open`] finds where such a
//! construct opened, which is the place to mend.

mod facts;
mod fault;
mod open;
mod places;
mod walk;

use std::panic::{AssertUnwindSafe, catch_unwind};

use shuck_ast::File;
use shuck_parser::parser::{ParseDiagnostic, Parser, ShellDialect};
use shuck_parser::{Error, ShellProfile};

pub use facts::{Bare, Command, Facts, Use, Word};
pub use fault::Fault;
pub use places::Places;

/// A script that was read: its fault, else its facts; neither when it is beyond what is looked at.
#[derive(Debug, Default)]
pub struct Reading {
    pub fault: Option<Fault>,
    pub facts: Option<Facts>,
}

/// Longer scripts are only looked through for what is left open.
const LONGEST: usize = 64 * 1024;
/// Brackets open at once.
const DEEPEST: usize = 32;
/// `${ … ${ … } }`: the parser reads each level more than once.
const DEEPEST_EXPANSION: usize = 5;
/// Substitutions times length: the parser goes back to the start of a string for each.
const MOST_WORK: usize = 1 << 24;

/// Reads a script of bash, or of `sh`, whose grammar bash's includes.
pub fn read(script: &str) -> Reading {
    let open = open::unfinished(script);
    if !is_tame(script) {
        return Reading { fault: open.filter(|open| !open.nested).map(Fault::from), facts: None };
    }
    // The parser is a young crate and scripts are strangers' text: a bug in it must not end the check.
    let Ok(parsed) = catch_unwind(AssertUnwindSafe(|| parse(script))) else { return Reading::default() };
    match (parsed, open) {
        (Err(_), Some(open)) => Reading { fault: Some(open.into()), facts: None },
        (Err(refused), None) => Reading { fault: refused.and_then(|at| Fault::new(script, at)), facts: None },
        (Ok(_), Some(open)) if open.nested => Reading { fault: Some(open.into()), facts: None },
        (Ok(file), _) => Reading { fault: None, facts: Some(walk::facts(script, &file)) },
    }
}

/// The tree, or the first complaint; none when the parser only gave up.
fn parse(script: &str) -> Result<File, Option<ParseDiagnostic>> {
    let profile = ShellProfile::native(ShellDialect::Bash);
    let fuel = script.len().max(10_000);
    let result = Parser::with_limits_and_profile(script, DEEPEST + 16, fuel, profile).parse();
    if result.is_ok() {
        return Ok(result.file);
    }
    let gave_up = |Error::Parse { message, .. }: &Error| {
        ["too deep", "fuel", "too long", "too large"].iter().any(|word| message.contains(word))
    };
    match result.terminal_error.as_ref().is_some_and(gave_up) {
        true => Err(None),
        false => Err(result.diagnostics.into_iter().next()),
    }
}

/// Whether the parser reads the script in time that grows with its length. Counts brackets wherever they stand.
fn is_tame(script: &str) -> bool {
    let (mut parens, mut braces) = (0usize, Vec::new());
    let (mut expansions, mut substitutions) = (0usize, 0usize);
    let mut before = 0u8;
    for byte in script.bytes() {
        match byte {
            b'(' => {
                parens += 1;
                substitutions += usize::from(before == b'$');
            }
            b')' => parens = parens.saturating_sub(1),
            b'{' => {
                braces.push(before == b'$');
                expansions += usize::from(before == b'$');
            }
            b'}' => expansions -= usize::from(braces.pop() == Some(true)),
            b'`' => substitutions += 1,
            b'<' => substitutions += usize::from(before == b'<'),
            _ => {}
        }
        if parens > DEEPEST || braces.len() > DEEPEST || expansions > DEEPEST_EXPANSION {
            return false;
        }
        before = byte;
    }
    script.len() <= LONGEST && substitutions.saturating_mul(script.len()) <= MOST_WORK
}

#[cfg(test)]
mod tests;

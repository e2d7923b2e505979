//! Words that are no command: those of later versions say so, others get the nearest. Runs nothing.

use std::ffi::OsString;

use clap::CommandFactory;

use crate::base::suggest::{did_you_mean, nearest};
use crate::cli::args::Args;
use crate::cli::exit::Code;
use crate::embed::Error;

/// Commands of the language's contract that this version does not have.
const LATER: &[&str] = &["metrics", "report", "profile"];

pub fn run(words: &[OsString]) -> Result<Code, Error> {
    let word = words.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    if LATER.contains(&word.as_str()) {
        return Err(Error::refused(
            format!("`wfl {word}` is not in this version yet"),
            "`wfl --help` lists what is",
        ));
    }
    let command = Args::command();
    let known: Vec<&str> = command.get_subcommands().map(|known| known.get_name()).collect();
    let help =
        did_you_mean(&nearest(&word, known)).unwrap_or_else(|| "`wfl --help` lists the commands".into());
    Err(Error::refused(format!("there is no command `{word}`"), help))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(word: &str) -> Error {
        run(&[word.into()]).unwrap_err()
    }

    #[test]
    fn later_commands_say_so_and_misspelt_ones_get_the_nearest() {
        assert!(
            matches!(said("metrics"), Error::Refused { message, .. } if message.contains("not in this version"))
        );
        assert!(matches!(said("chekc"), Error::Refused { help, .. } if help.contains("`check`")));
    }
}

//! Arguments of the commands that take back and mend. Words only.

use clap::{Args as ClapArgs, Command, FromArgMatches};

use super::{Format, Going};

#[derive(Debug, ClapArgs)]
pub struct Rollback {
    /// The run's id, its beginning, or `last`.
    pub run: String,
    /// Take back only what came after this stage had ended.
    #[arg(long, value_name = "STAGE")]
    pub to: Option<String>,
    /// Show what would be done; change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

impl Going {
    /// As if none of its words were given.
    pub fn plain(format: Format) -> Going {
        let command = Going::augment_args(Command::new("wfl").no_binary_name(true));
        let nothing: [&str; 0] = [];
        let parsed = command.try_get_matches_from(nothing).and_then(|found| Going::from_arg_matches(&found));
        match parsed {
            Ok(going) => Going { format, ..going },
            // Every word has a default: `the_words_of_a_run_all_have_defaults` holds that.
            Err(error) => error.exit(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_run_all_have_defaults() {
        let going = Going::plain(Format::Json);
        assert_eq!(going.format, Format::Json);
        assert!(!going.yes && !going.fresh && !going.no_snapshot);
    }
}

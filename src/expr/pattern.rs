//! Regular expressions and globs, compiled within limits and with errors a person can read. Matches text only; reads
//! no files.

use globset::{GlobBuilder, GlobMatcher};
use regex::{Regex, RegexBuilder};

/// Longest pattern accepted, in bytes.
const LONGEST: usize = 4096;
/// Bytes a compiled regular expression may take.
const COMPILED: usize = 1 << 20;

/// A regular expression that searches anywhere in a text.
pub fn regex(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    RegexBuilder::new(pattern)
        .size_limit(COMPILED)
        .dfa_size_limit(COMPILED)
        .build()
        .map_err(|error| readable(&error))
}

/// A regular expression that must match the whole text.
pub fn whole(pattern: &str) -> Result<Regex, String> {
    // Compiled alone first: `a)(b` must not become valid inside the group.
    regex(pattern)?;
    regex(&format!("^(?:{pattern})$"))
}

/// A glob that must match the whole text; `*` stops at `/`, `**` does not.
pub fn glob(pattern: &str) -> Result<GlobMatcher, String> {
    if pattern.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| error.kind().to_string())
}

fn readable(error: &regex::Error) -> String {
    match error {
        regex::Error::Syntax(text) => text
            .lines()
            .rev()
            .find_map(|line| line.trim().strip_prefix("error: "))
            .unwrap_or("it is not a regular expression")
            .to_owned(),
        regex::Error::CompiledTooBig(_) => "it would take too much memory".to_owned(),
        _ => "it is not a regular expression".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_pattern_does_not_match_a_part() {
        let pattern = whole("HOT-[0-9]+|X").unwrap();
        assert!(pattern.is_match("HOT-12") && pattern.is_match("X"));
        assert!(!pattern.is_match("HOT-12b") && !pattern.is_match("aX"));
        assert!(whole("a)(b").is_err());
    }

    #[test]
    fn a_bad_or_huge_pattern_is_refused_in_words() {
        assert!(regex("(?=a)").unwrap_err().contains("look-around"));
        assert!(regex("(?:a{1000}){1000}").unwrap_err().contains("memory"));
        assert!(glob("a[").is_err() && regex(&"a".repeat(5000)).is_err());
    }

    #[test]
    fn a_star_stops_at_a_slash() {
        assert!(glob("src/*.rs").unwrap().is_match("src/a.rs"));
        assert!(!glob("src/*.rs").unwrap().is_match("src/a/b.rs"));
        assert!(glob("src/**").unwrap().is_match("src/a/b.rs"));
    }
}

//! Which of the lines that a program wrote say what failed: its first error, the last line of a Python traceback, else its
//! last words. Does not change them but for terminal colours; one pass over the text.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

/// Bytes of one line that are looked at.
const LINE: usize = 2048;
/// A message shorter than this takes the next line with it.
const SHORT: usize = 8;

/// How much a line says of what failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Nothing,
    /// Somebody reports how something else ended.
    Summary,
    /// A word of failure is in it.
    Hint,
    /// Written to say what failed.
    Error,
}

/// Lines of tools that are no failure, whatever words they hold.
const QUIET: &[&str] = &[
    r"(?i)^\W*(?:warn(?:ing)?|note|help|hint|info|debug|trace|tip|suggestion)\b\s*[:\]|(\[]",
    r"(?i)\b(?:0|no) (?:errors?|failures?|failed)\b",
    r"(?i)^\s*(?:at |\^|\||-->|File \x22|from \S+:\d+)",
    r"(?i)complete log of this run|npm (?:ERR!|error)\s*$|for more information|run with `?RUST_BACKTRACE",
];

/// Reports of how something else ended.
const SUMMARIES: &[&str] = &[
    r"could not compile|aborting due to|build failed, waiting|test failed, to rerun|process didn't exit success",
    r"(?i)^(?:g?make|ninja)(?:\[\d+\])?: (?:\*\*\*|build stopped)|collect2: error",
    r"(?i)process completed with exit code|command failed with exit code|ELIFECYCLE|exited with (?:code|status)",
    r"(?i)^\W*(?:test result: )?FAILED\W*(?:\(|\.|$)|^=+ .*(?:failed|passed).*=+$|^failures?:\s*$|^\d+ (?:tests? )?failed",
    r"^Traceback \(most recent call last\)|^During handling of the above",
];

/// Lines written to say what failed.
const ERRORS: &[&str] = &[
    r"(?i)(?:^|[\s\]:)])(?:error|fatal|fatal error|panic|critical|E|err!)(?:\[[A-Z]*\d+\]|\s+[A-Z]+\d+)?\s*:",
    r"(?i)^npm (?:ERR!|error) code|\bpanicked at\b|^\s*-+ FAIL\b|^FAIL(?:ED)?\s+\S|\[(?:ERROR|FATAL)\]|^<?\S*>? ?(?:ERROR|FATAL)\b",
    r"^E\s{2,}\S",
    r"(?:^|\s)(?:[\w.]*[a-z_])?(?:Error|Exception|Panic)(?::\s|$)",
    r"(?i)command not found|no such file or directory|permission denied|no space left on device|segmentation fault",
    r"(?i)connection (?:refused|reset)|timed out|could not resolve|address already in use|out of memory|core dumped",
    r"(?i)^curl: \(\d+\)|authentication failed|undefined reference|assertion .*failed|: not found$",
];

const HINTS: &str = r"(?i)\b(?:errors?|fail(?:ed|ure|s)?|cannot|can't|could not|couldn't|unable|denied|refused|rejected|not found|no such|fatal|exception|panic|invalid|undefined|missing|unexpected|killed|abort(?:ed)?|conflict|broken|mismatch|unknown|expected|exceeded|locked|timeout)\b";

struct Rules {
    quiet: RegexSet,
    summaries: RegexSet,
    errors: RegexSet,
    hints: Regex,
    colours: Regex,
    /// What ends a Python traceback.
    raised: Regex,
}

static RULES: LazyLock<Option<Rules>> = LazyLock::new(|| {
    Some(Rules {
        quiet: RegexSet::new(QUIET).ok()?,
        summaries: RegexSet::new(SUMMARIES).ok()?,
        errors: RegexSet::new(ERRORS).ok()?,
        hints: Regex::new(HINTS).ok()?,
        colours: Regex::new(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])").ok()?,
        raised: Regex::new(r"^[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Warning|Timeout)(?::|$)")
            .ok()?,
    })
});

/// The lines that say what failed, as one; none when nothing was said.
pub fn message(stderr: &str, stdout: &str) -> Option<String> {
    let rules = RULES.as_ref()?;
    let (err, out) = (lines(rules, stderr), lines(rules, stdout));
    let best = |lines: &[String]| chosen(rules, lines);
    let (err_at, out_at) = (best(&err), best(&out));
    // What both say is taken from where errors belong; a summary there gives way to the error itself.
    let from_out = match (err_at, out_at) {
        (Some((_, weight)), Some((_, other))) => other > weight && weight <= Weight::Summary,
        (None, Some(_)) => true,
        _ => false,
    };
    let (lines, at) = if from_out { (&out, out_at?.0) } else { (&err, err_at?.0) };
    Some(with_next(lines, at))
}

/// Lines without colours; of one that was written over, what stood there last. No empty ones.
fn lines(rules: &Rules, text: &str) -> Vec<String> {
    let clean = |line: &str| {
        let last = line.trim_end().rsplit('\r').next().unwrap_or_default();
        let cut = &last[..last.floor_char_boundary(LINE)];
        let plain = rules.colours.replace_all(cut, "");
        plain.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim_end().to_owned()
    };
    text.lines().map(clean).filter(|line| !line.trim().is_empty()).collect()
}

/// The line that says most; of equals the first, but the last where none says more than a hint or nothing.
fn chosen(rules: &Rules, lines: &[String]) -> Option<(usize, Weight)> {
    let traceback =
        lines.iter().position(|line| line.trim_start().starts_with("Traceback (most recent call"));
    if let Some(from) = traceback {
        let raised = lines.iter().rposition(|line| rules.raised.is_match(line)).filter(|at| *at > from);
        if let Some(at) = raised {
            return Some((at, Weight::Error));
        }
    }
    let mut best: Option<(usize, Weight)> = None;
    for (at, line) in lines.iter().enumerate() {
        let weight = weight(rules, line);
        let better = match best {
            None => true,
            Some((_, Weight::Nothing)) => true,
            Some((_, known)) => weight > known,
        };
        if better {
            best = Some((at, weight));
        }
    }
    best
}

fn weight(rules: &Rules, line: &str) -> Weight {
    if rules.quiet.is_match(line) {
        Weight::Nothing
    } else if rules.summaries.is_match(line) {
        Weight::Summary
    } else if rules.errors.is_match(line) {
        Weight::Error
    } else if rules.hints.is_match(line) {
        Weight::Hint
    } else {
        Weight::Nothing
    }
}

/// A line that announces what comes is taken with it.
fn with_next(lines: &[String], at: usize) -> String {
    let line = lines[at].trim();
    let announces = line.ends_with(':')
        || line.chars().count() < SHORT
        || line.starts_with("npm ERR! code")
        || line.starts_with("npm error code");
    match lines.get(at + 1).filter(|_| announces) {
        Some(next) => format!("{line} {}", next.trim()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(stderr: &str) -> String {
        message(stderr, "").unwrap_or_default()
    }

    #[test]
    fn every_pattern_is_one() {
        assert!(RULES.is_some());
    }

    #[test]
    fn the_first_error_is_taken_and_not_the_reports_of_it() {
        let rustc = "   Compiling app v0.1.0\nwarning: unused variable: `x`\nerror[E0308]: mismatched types\n --> src/main.rs:3:5\nerror: aborting due to 1 previous error\nerror: could not compile `app`\n";
        assert_eq!(said(rustc), "error[E0308]: mismatched types");
        let make =
            "gcc -c a.c\na.c:3:1: error: unknown type name 'foo'\nmake: *** [Makefile:2: a.o] Error 1\n";
        assert_eq!(said(make), "a.c:3:1: error: unknown type name 'foo'");
        assert_eq!(said("make: *** [Makefile:2: a] Error 1\n"), "make: *** [Makefile:2: a] Error 1");
    }

    #[test]
    fn a_traceback_says_it_last() {
        let python = "Traceback (most recent call last):\n  File \"/a/x.py\", line 3, in <module>\n    raise ValueError('no')\nValueError: no\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"/a/x.py\", line 5, in <module>\nKeyError: 'user'\n";
        assert_eq!(said(python), "KeyError: 'user'");
    }

    #[test]
    fn what_announces_is_taken_with_what_follows() {
        let rust = "thread 'main' panicked at src/main.rs:2:5:\nassertion failed: ok\nnote: run with `RUST_BACKTRACE=1`\n";
        assert_eq!(said(rust), "thread 'main' panicked at src/main.rs:2:5: assertion failed: ok");
        let npm = "npm ERR! code E404\nnpm ERR! 404 Not Found - GET https://registry.npmjs.org/x\n";
        assert_eq!(said(npm), "npm ERR! code E404 npm ERR! 404 Not Found - GET https://registry.npmjs.org/x");
    }

    #[test]
    fn standard_output_is_heard_where_standard_error_only_reports_or_is_silent() {
        let pytest = "=== FAILURES ===\n    def test_a():\n>       assert f() == 2\nE       assert 1 == 2\n=== 1 failed in 0.03s ===\n";
        assert_eq!(message("", pytest).unwrap(), "E       assert 1 == 2");
        assert_eq!(
            message("error: test failed, to rerun pass `--lib`\n", pytest).unwrap(),
            "E       assert 1 == 2"
        );
        assert_eq!(message("fatal: bad\n", pytest).unwrap(), "fatal: bad");
    }

    #[test]
    fn without_an_error_the_last_words_count_and_colours_do_not() {
        assert_eq!(said("starting\nit is over\n"), "it is over");
        assert_eq!(said("10%\r50%\r\x1b[31mit broke down\x1b[0m\n"), "it broke down");
        assert_eq!(message("", " \n"), None);
    }
}

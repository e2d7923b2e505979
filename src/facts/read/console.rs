//! Test results as programs print them: Rust's test harness, and TAP. A program that ended before its result is torn,
//! never passed. Knows no threshold.

use std::sync::LazyLock;

use regex::Regex;

use super::typed;
use crate::base::Value;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) tests: i64,
    pub(super) failed: i64,
    pub(super) skipped: i64,
}

impl Counts {
    /// `tests`, `failed`, `skipped`, `pass-rate`.
    pub(super) fn field(&self, path: &str, field: &str) -> Result<Value, String> {
        let ran = self.tests - self.skipped;
        match field {
            "tests" => Ok(Value::Int(self.tests)),
            "failed" => Ok(Value::Int(self.failed)),
            "skipped" => Ok(Value::Int(self.skipped)),
            _ if ran <= 0 => Err(format!("no test ran in {path}")),
            _ => typed::percent(100.0 * (ran - self.failed) as f64 / ran as f64),
        }
    }
}

static RESULT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^test result: \S+ ([0-9]{1,9}) passed; ([0-9]{1,9}) failed; ([0-9]{1,9}) ignored;").ok()
});
static COLOUR: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("\x1b\\[[0-9;]*m").ok());

/// What `cargo test` prints: one `running N tests` and one `test result:` a test program, added up.
pub(super) fn libtest(path: &str, bytes: &[u8]) -> Result<Counts, String> {
    let mut all = Counts::default();
    let (mut open, mut results) = (0u64, 0u64);
    for line in bytes.split(|byte| *byte == b'\n') {
        if !line.starts_with(b"running ") && !line.starts_with(b"test result: ") {
            continue;
        }
        let line = String::from_utf8_lossy(line.trim_ascii_end());
        let line =
            COLOUR.as_ref().map_or(line.clone(), |colour| colour.replace_all(&line, "").into_owned().into());
        if line.starts_with("running ") {
            open += u64::from(line.ends_with(" tests") || line.ends_with(" test"));
            continue;
        }
        let Some(counted) = RESULT.as_ref().and_then(|result| result.captures(&line)) else {
            return Err(format!("{path}: `{line}` is not a result of Rust's test harness"));
        };
        let number = |group: usize| counted[group].parse::<i64>().unwrap_or_default();
        all.tests += number(1) + number(2) + number(3);
        all.failed += number(2);
        all.skipped += number(3);
        results += 1;
    }
    match results {
        0 => Err(format!("{path} holds no `test result:`: no test program came to its end")),
        results if open > results => {
            Err(format!("{path}: {} of {open} test programs ended before their result", open - results))
        }
        _ => Ok(all),
    }
}

/// The Test Anything Protocol: top-level points against the plan.
pub(super) fn tap(path: &str, bytes: &[u8]) -> Result<Counts, String> {
    let text = String::from_utf8_lossy(bytes);
    let (mut all, mut planned) = (Counts::default(), None);
    for line in text.lines().map(str::trim_end) {
        if let Some(why) = line.strip_prefix("Bail out!") {
            return Err(format!("{path}: the tests gave up:{why}"));
        }
        if let Some(plan) = line.strip_prefix("1..") {
            let count = plan.split([' ', '#']).next().unwrap_or_default();
            let count = count.parse::<i64>().map_err(|_| format!("{path}: `{line}` is not a TAP plan"))?;
            if planned.replace(count).is_some() {
                return Err(format!("{path} has more than one TAP plan"));
            }
        }
        let Some((ok, point)) = point(line) else { continue };
        let directive =
            point.rsplit_once(" # ").map(|(_, told)| told.to_ascii_lowercase()).unwrap_or_default();
        all.tests += 1;
        all.skipped += i64::from(directive.starts_with("skip"));
        all.failed += i64::from(!ok && !directive.starts_with("skip") && !directive.starts_with("todo"));
    }
    match planned {
        None => Err(format!("{path} has no TAP plan (`1..N`): the tests did not come to their end")),
        Some(count) if count != all.tests => {
            Err(format!("{path} plans {count} tests and tells of {}", all.tests))
        }
        Some(_) => Ok(all),
    }
}

/// `ok 1 - name`, `not ok 2`.
fn point(line: &str) -> Option<(bool, &str)> {
    let (ok, rest) = match line.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("ok")?),
    };
    (rest.is_empty() || rest.starts_with(' ')).then_some((ok, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(tests: i64, failed: i64, skipped: i64) -> Result<Counts, String> {
        Ok(Counts { tests, failed, skipped })
    }

    const UNIT: &str = "\nrunning 3 tests\ntest a ... ok\ntest b ... FAILED\ntest c ... ignored\n\ntest result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
    const DOC: &str = "   Doc-tests words\n\nrunning 1 test\ntest src/lib.rs - words (line 3) ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.30s\n";

    #[test]
    fn rust_tests_of_all_programs_are_added_up() {
        assert_eq!(libtest("t", format!("{UNIT}{DOC}").as_bytes()), like(4, 1, 1));
        let coloured = DOC.replace(" ok. ", " \x1b[32mok\x1b[m. ");
        assert_eq!(libtest("t", coloured.as_bytes()), like(1, 0, 0));
        let none = "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        assert_eq!(libtest("t", none.as_bytes()), like(0, 0, 0));
        assert!(libtest("t", none.as_bytes()).unwrap().field("t", "pass-rate").is_err());
    }

    #[test]
    fn a_rust_test_program_that_died_is_not_passed() {
        let died =
            format!("{DOC}running 2 tests\ntest a ... ok\nerror: test failed, to rerun pass `--lib`\n");
        assert!(libtest("t", died.as_bytes()).unwrap_err().contains("1 of 2"));
        for text in
            ["", "error: could not compile", "test result: fine", "test result: ok. many passed; 0 failed;"]
        {
            assert!(libtest("t", text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn tap_points_are_counted_against_the_plan() {
        let text = "TAP version 13\n# Subtest: a\n    ok 1 - inner\n    1..1\nok 1 - a\n  ---\n  duration_ms: 1\n  ...\nnot ok 2 - b\nok 3 - c # SKIP no network\nnot ok 4 - d # TODO later\n1..4\n# tests 4\n";
        assert_eq!(tap("t", text.as_bytes()), like(4, 1, 1));
        assert_eq!(tap("t", b"1..0 # skipped\n"), like(0, 0, 0));
        assert_eq!(tap("t", text.as_bytes()).unwrap().field("t", "failed"), Ok(Value::Int(1)));
    }

    #[test]
    fn torn_tap_is_not_passed() {
        for text in [
            "",
            "ok 1\nok 2\n",
            "1..3\nok 1\n",
            "ok 1\n1..x\n",
            "1..1\nok 1\nBail out! no database\n",
            "1..1\nok 1\n1..1\n",
        ] {
            assert!(tap("t", text.as_bytes()).is_err(), "{text}");
        }
    }
}

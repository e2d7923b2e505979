//! JUnit XML in all its dialects (surefire, pytest, nextest, jest, gtest): counts of test cases. Retried tests that
//! passed in the end are passed. Knows no threshold.

use std::path::Path;

use super::super::file;
use super::{typed, xml};
use crate::base::Value;
use crate::workspace::tree;

/// Files of one glob read together.
const MOST_FILES: usize = 10_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    tests: u64,
    failed: u64,
    skipped: u64,
}

pub(super) fn read(root: &Path, what: &str, globs: &[&str]) -> Result<Value, String> {
    let patterns: Vec<String> = globs.iter().map(|glob| glob.to_string()).collect();
    let files = tree::matching(root, &patterns)?;
    if files.is_empty() {
        return Err(format!("no file matches {}", globs.join(", ")));
    }
    if files.len() > MOST_FILES {
        return Err(format!("{} files match {}: more than {MOST_FILES}", files.len(), globs.join(", ")));
    }
    let mut all = Counts::default();
    for path in &files {
        let one = counts(path, &file::bytes(root, path)?)?;
        all.tests += one.tests;
        all.failed += one.failed;
        all.skipped += one.skipped;
    }
    let ran = all.tests.saturating_sub(all.skipped);
    match what {
        "tests" => Ok(Value::Int(all.tests as i64)),
        "failed" => Ok(Value::Int(all.failed as i64)),
        "skipped" => Ok(Value::Int(all.skipped as i64)),
        "pass-rate" if ran == 0 => Err(format!("no test ran in {}", globs.join(", "))),
        "pass-rate" => typed::percent(100.0 * ran.saturating_sub(all.failed) as f64 / ran as f64),
        _ => Err(super::unknown(&format!("junit.{what}"))),
    }
}

/// What the walk has seen so far.
#[derive(Default)]
struct Walk {
    counted: Counts,
    /// Sums of the outermost suites' own attributes.
    stated: Counts,
    /// How many are open.
    suites: u64,
    rooted: bool,
    case: Option<Case>,
    known: bool,
}

#[derive(Default)]
struct Case {
    failed: bool,
    skipped: bool,
}

fn counts(path: &str, bytes: &[u8]) -> Result<Counts, String> {
    let mut walk = Walk::default();
    xml::walk(path, bytes, &mut |step| match step {
        xml::Step::Open(element) => walk.open(&element),
        xml::Step::Close(name) => walk.close(&name),
    })?;
    if !walk.known {
        return Err(format!("{path} is not JUnit XML: it has no `testsuite`"));
    }
    Ok(walk.result())
}

impl Walk {
    fn open(&mut self, element: &xml::Element<'_>) {
        match (element.name.as_str(), &mut self.case) {
            ("testsuites" | "testsuite", _) => self.suite(element),
            ("testcase", _) => {
                let state = |name: &str| element.attribute(name).unwrap_or_default();
                let skipped = matches!(state("status").as_str(), "notrun" | "skipped" | "disabled")
                    || matches!(state("result").as_str(), "skipped" | "suppressed");
                self.known = true;
                self.case = Some(Case { failed: false, skipped });
            }
            ("failure" | "error", Some(case)) => case.failed = true,
            ("skipped", Some(case)) => case.skipped = true,
            _ => {}
        }
    }

    /// Only outermost suites are summed: an outer one counts its inner ones again.
    fn suite(&mut self, element: &xml::Element<'_>) {
        self.known = true;
        let number = |name: &str| element.number(name);
        let states = number("tests").is_some();
        if self.suites == 0 || (self.suites == 1 && !self.rooted) {
            let sum = |names: &[&str]| names.iter().filter_map(|name| number(name)).sum::<u64>();
            self.stated.tests += sum(&["tests"]);
            self.stated.failed += sum(&["failures", "errors"]);
            self.stated.skipped += sum(&["skipped", "disabled"]);
        }
        if self.suites == 0 {
            // A root without numbers leaves them to the suites right below it.
            self.rooted = states || element.name == "testsuite";
        }
        self.suites += 1;
    }

    fn close(&mut self, name: &str) {
        match name {
            "testsuites" | "testsuite" => self.suites = self.suites.saturating_sub(1),
            "testcase" => {
                let case = self.case.take().unwrap_or_default();
                self.counted.tests += 1;
                self.counted.failed += u64::from(case.failed);
                self.counted.skipped += u64::from(case.skipped && !case.failed);
            }
            _ => {}
        }
    }

    /// Cases count; where a suite states more failures than its cases show, a gate must see them.
    fn result(&self) -> Counts {
        if self.counted.tests == 0 {
            return self.stated;
        }
        Counts { failed: self.counted.failed.max(self.stated.failed), ..self.counted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Counts {
        counts("r.xml", text.as_bytes()).unwrap()
    }

    fn like(tests: u64, failed: u64, skipped: u64) -> Counts {
        Counts { tests, failed, skipped }
    }

    #[test]
    fn pytest() {
        let text = r#"<?xml version="1.0"?><testsuites><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4">
            <testcase name="a"/><testcase name="b"><failure message="&lt;x&gt;">t</failure></testcase>
            <testcase name="c"><error/></testcase><testcase name="d"><skipped/></testcase></testsuite></testsuites>"#;
        assert_eq!(of(text), like(4, 2, 1));
    }

    #[test]
    fn nextest_and_surefire_retries_that_passed_are_passed() {
        let text = r#"<testsuites tests="2" failures="1" errors="0"><testsuite tests="2" failures="1">
            <testcase name="flaky"><flakyFailure/></testcase>
            <testcase name="bad"><failure/><rerunFailure/></testcase></testsuite></testsuites>"#;
        assert_eq!(of(text), like(2, 1, 0));
    }

    #[test]
    fn jest_gtest_and_nested_suites() {
        let text = r#"<testsuites name="jest" tests="3" failures="0"><testsuite tests="2" failures="0">
            <testcase/><testsuite><testcase><skipped/></testcase></testsuite></testsuite>
            <testsuite tests="1"><testcase status="notrun"/></testsuite></testsuites>"#;
        assert_eq!(of(text), like(3, 0, 2));
    }

    #[test]
    fn a_failure_outside_any_case_is_not_lost() {
        let text =
            r#"<testsuite tests="1" errors="1"><testcase name="a"/><error>setup failed</error></testsuite>"#;
        assert_eq!(of(text), like(1, 1, 0));
        let summary = r#"<testsuites><testsuite tests="5" failures="2" skipped="1"/><testsuite tests="1"/></testsuites>"#;
        assert_eq!(of(summary), like(6, 2, 1));
    }

    #[test]
    fn what_is_not_junit_is_refused() {
        for text in ["", "no xml", "<html></html>", "<testsuites><testsuite>", "<testsuite></other>"] {
            assert!(counts("r.xml", text.as_bytes()).is_err(), "{text}");
        }
    }
}

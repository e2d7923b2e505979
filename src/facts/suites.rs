//! The suites of a JUnit report, each with its counts and how long it took. Knows no threshold and no stage.

use super::read::xml;

/// One `testsuite` that holds test cases of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suite {
    pub name: String,
    pub tests: u64,
    pub failed: u64,
    pub skipped: u64,
    pub seconds: Option<f64>,
    pub timestamp: Option<String>,
}

#[derive(Debug, Default)]
struct Walk {
    open: Vec<Suite>,
    done: Vec<Suite>,
    case: Option<(bool, bool)>,
    known: bool,
}

/// All suites with test cases, in the order of their ends; two of one name are told apart by number.
pub fn read(path: &str, bytes: &[u8]) -> Result<Vec<Suite>, String> {
    let mut walk = Walk::default();
    xml::walk(path, bytes, &mut |step| match step {
        xml::Step::Open(element) => walk.open(&element),
        xml::Step::Close(name) => walk.close(&name),
    })?;
    if !walk.known {
        return Err(format!("{path} is not JUnit XML: it has no `testsuite`"));
    }
    let mut seen = std::collections::BTreeMap::new();
    for suite in &mut walk.done {
        let times = seen.entry(suite.name.clone()).or_insert(0u32);
        *times += 1;
        if *times > 1 {
            suite.name = format!("{} {times}", suite.name);
        }
    }
    Ok(walk.done)
}

impl Walk {
    fn open(&mut self, element: &xml::Element<'_>) {
        match element.name.as_str() {
            "testsuite" => {
                self.known = true;
                let name = element.attribute("name").filter(|name| !name.trim().is_empty());
                let seconds =
                    element.attribute("time").and_then(|text| text.trim().replace(',', "").parse().ok());
                self.open.push(Suite {
                    name: name.unwrap_or_else(|| "tests".into()),
                    seconds,
                    timestamp: element.attribute("timestamp"),
                    ..Suite::default()
                });
            }
            "testcase" => self.case = Some((false, false)),
            "failure" | "error" => self.case = self.case.map(|(_, skipped)| (true, skipped)),
            "skipped" => self.case = self.case.map(|(failed, _)| (failed, true)),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "testcase" => {
                if let (Some((failed, skipped)), Some(suite)) = (self.case.take(), self.open.last_mut()) {
                    suite.tests += 1;
                    suite.failed += u64::from(failed);
                    suite.skipped += u64::from(skipped && !failed);
                }
            }
            // An outer suite holds others and no cases.
            "testsuite" => self.done.extend(self.open.pop().filter(|suite| suite.tests > 0)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_of_suites_and_names_that_come_twice() {
        let text = r#"<testsuites><testsuite name="all"><testsuite name="a" time="1.5" timestamp="2026-11-21T08:00:00">
            <testcase name="x"/><testcase name="y"><failure/></testcase></testsuite>
            <testsuite name="a" time="0.5"><testcase name="z"><skipped/></testcase></testsuite></testsuite></testsuites>"#;
        let suites = read("r.xml", text.as_bytes()).unwrap();
        let short: Vec<_> =
            suites.iter().map(|s| (s.name.as_str(), s.tests, s.failed, s.skipped, s.seconds)).collect();
        assert_eq!(short, [("a", 2, 1, 0, Some(1.5)), ("a 2", 1, 0, 1, Some(0.5))]);
        assert!(read("r.xml", b"<html/>").unwrap_err().contains("no `testsuite`"));
        assert!(read("r.xml", b"<!DOCTYPE x [<!ENTITY a 'b'>]><testsuite/>").is_err());
    }
}

//! Coverage from LCOV and Cobertura files. Knows no threshold.

use super::{typed, xml};
use crate::base::Value;

/// Covered of all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Share {
    covered: f64,
    all: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Coverage {
    lines: Share,
    branches: Share,
}

impl Coverage {
    pub(super) fn lines(&self, path: &str) -> Result<Value, String> {
        self.lines.percent(path, "line")
    }

    pub(super) fn branches(&self, path: &str) -> Result<Value, String> {
        self.branches.percent(path, "branch")
    }
}

impl Share {
    /// Nothing to cover is no measure: an empty report would pass every gate.
    fn percent(self, path: &str, what: &str) -> Result<Value, String> {
        if self.all > 0.0 {
            return typed::percent(100.0 * self.covered / self.all).map_err(|e| format!("{path}: {e}"));
        }
        Err(format!("{path} counts no {what}"))
    }
}

/// One file's record while it is read.
#[derive(Default)]
struct Record {
    /// Counted from `DA` and `BRDA`.
    counted: Coverage,
    /// Stated by `LF`/`LH` and `BRF`/`BRH`, which win.
    lines: Option<Share>,
    branches: Option<Share>,
}

pub(super) fn lcov(path: &str, bytes: &[u8]) -> Result<Coverage, String> {
    let mut total = Coverage::default();
    let (mut open, mut files) = (None::<Record>, 0);
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        // Names of files may be in any encoding; numbers are not.
        let line = String::from_utf8_lossy(line.trim_ascii());
        let wrong = |why: String| format!("{path}:{number}: {why}");
        match (&*line, &mut open) {
            ("end_of_record", _) => {
                let record = open.take().ok_or_else(|| wrong("a record ends that never began".into()))?;
                record.add_to(&mut total).map_err(wrong)?;
                files += 1;
            }
            (line, None) if line.starts_with("SF:") => open = Some(Record::default()),
            (line, Some(_)) if line.starts_with("SF:") => {
                return Err(wrong("a record begins inside another".into()));
            }
            (line, Some(record)) => record.line(line).map_err(wrong)?,
            _ => {}
        }
    }
    match (open, files) {
        (Some(_), _) => Err(format!("{path} ends in the middle of a record")),
        (None, 0) => Err(format!("{path} is not LCOV, or covers no file")),
        (None, _) => Ok(total),
    }
}

impl Record {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let Some((key, rest)) = line.split_once(':') else {
            return Ok(());
        };
        let wrong = || format!("`{key}` needs a number, and this is no number");
        let number = || {
            let number = rest.trim().parse::<u32>().map_err(|_| wrong())?;
            Ok::<f64, String>(number.into())
        };
        match key {
            "LF" => self.lines.get_or_insert_default().all = number()?,
            "LH" => self.lines.get_or_insert_default().covered = number()?,
            "BRF" => self.branches.get_or_insert_default().all = number()?,
            "BRH" => self.branches.get_or_insert_default().covered = number()?,
            // line,count[,checksum]
            "DA" => count(&mut self.counted.lines, rest.split(',').nth(1)).ok_or_else(wrong)?,
            // line,block,branch,taken; the block may be an exception's: `e0`
            "BRDA" => count(&mut self.counted.branches, rest.rsplit(',').next()).ok_or_else(wrong)?,
            _ => {}
        }
        Ok(())
    }

    /// More covered than there is in one file would make up for another.
    fn add_to(self, total: &mut Coverage) -> Result<(), String> {
        let lines = self.lines.unwrap_or(self.counted.lines);
        let branches = self.branches.unwrap_or(self.counted.branches);
        if lines.covered > lines.all || branches.covered > branches.all {
            return Err("the record covers more than it holds".into());
        }
        add(&mut total.lines, lines);
        add(&mut total.branches, branches);
        Ok(())
    }
}

fn count(share: &mut Share, hits: Option<&str>) -> Option<()> {
    // `-` means never reached; a count below zero, which some compilers write, is one too.
    let hit = match hits?.trim() {
        "-" => false,
        hits => hits.parse::<f64>().ok().filter(|hits| hits.is_finite())? > 0.0,
    };
    share.all += 1.0;
    share.covered += f64::from(u8::from(hit));
    Some(())
}

fn add(total: &mut Share, more: Share) {
    total.all += more.all;
    total.covered += more.covered;
}

pub(super) fn cobertura(path: &str, bytes: &[u8]) -> Result<Coverage, String> {
    let (mut found, mut lines) = (None::<Coverage>, 0u64);
    xml::walk(path, bytes, &mut |step| {
        let xml::Step::Open(element) = step else { return };
        lines += u64::from(element.name == "line");
        if element.name == "coverage" && found.is_none() {
            found = Some(Coverage {
                lines: share(&element, "line", "lines"),
                branches: share(&element, "branch", "branches"),
            });
        }
    })?;
    let found = found.ok_or_else(|| format!("{path} is not Cobertura XML: it has no `coverage`"))?;
    // Some tools write a rate of 1 when they counted nothing.
    if lines == 0 && (found.lines.all == 1.0 || found.branches.all == 1.0) {
        return Err(format!("{path} covers no line"));
    }
    Ok(found)
}

/// `lines-covered` of `lines-valid` where they are given, else `line-rate`, which is rounded.
fn share(element: &xml::Element<'_>, rate: &str, counts: &str) -> Share {
    let number =
        |name: String| element.attribute(&name)?.trim().parse::<f64>().ok().filter(|n| n.is_finite());
    match (number(format!("{counts}-covered")), number(format!("{counts}-valid"))) {
        (Some(covered), Some(all)) => Share { covered, all },
        (None, None) => {
            number(format!("{rate}-rate")).map_or(Share::default(), |rate| Share { covered: rate, all: 1.0 })
        }
        _ => Share::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lcov_sums_its_records() {
        let text = b"TN:\nSF:a.rs\nDA:1,5\nDA:2,0\nBRDA:1,0,0,-\nBRDA:1,0,1,3\nLF:2\nLH:1\nend_of_record\nSF:b.rs\nDA:1,1\nDA:2,1\nend_of_record\n";
        let coverage = lcov("l", text).unwrap();
        assert_eq!(coverage.lines("l"), Ok(Value::Percent(75.0)));
        assert_eq!(coverage.branches("l"), Ok(Value::Percent(50.0)));
    }

    #[test]
    fn torn_and_empty_lcov_is_refused() {
        for text in ["", "nonsense", "SF:a\nDA:1,1\n", "end_of_record"] {
            assert!(lcov("l", text.as_bytes()).is_err(), "{text}");
        }
        let none = lcov("l", b"SF:a\nend_of_record\n").unwrap();
        assert_eq!(none.lines("l"), Err("l counts no line".into()));
        for wrong in ["LF:1\nLH:2", "LF:many\nLH:1", "LF:-1\nLH:0", "DA:1,x", "DA:1", "BRDA:1,0,0,x", "SF:b"]
        {
            let text = format!("SF:a\n{wrong}\nend_of_record\n");
            assert!(lcov("l", text.as_bytes()).is_err(), "{wrong}");
        }
        assert!(lcov("l", b"SF:\xff.c\nDA:1,1\nend_of_record\n").is_ok());
    }

    #[test]
    fn cobertura_prefers_counts_to_rates() {
        let text = br#"<?xml version="1.0"?><!DOCTYPE coverage SYSTEM "x.dtd"><coverage line-rate="0.8" branch-rate="0.5"
            lines-covered="817" lines-valid="1000"><line number="1" hits="1"/></coverage>"#;
        let coverage = cobertura("c", text).unwrap();
        assert_eq!(coverage.lines("c"), Ok(Value::Percent(81.7)));
        assert_eq!(coverage.branches("c"), Ok(Value::Percent(50.0)));
        assert!(cobertura("c", b"<coverage").is_err() && cobertura("c", b"<other/>").is_err());
        assert!(cobertura("c", b"<coverage/>").unwrap().lines("c").is_err());
        assert!(
            cobertura("c", br#"<coverage line-rate="1" branch-rate="1"><packages/></coverage>"#).is_err()
        );
    }
}

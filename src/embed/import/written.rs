//! Lanes as plain data to the text of a `.wfl` file, which the formatter lays out. Reads nothing.

use std::fmt::Write as _;

use crate::base::clock::format_duration;

use super::definition::{Definition, Meta, STAGES, approved};
use super::gates::{COVERAGE, Gates, Tool};
use super::words::{comment, quoted};

const IS_PYTHON: &str = "let is_python = project.has(\"pyproject.toml\", \"setup.py\", \"setup.cfg\", \"requirements*.txt\", \"*.py\")\n";

// Nothing here has a timeout of its own: every imported lane has one, and it may be short.

/// `std.python` has no gate of coverage that a lane could set a threshold of by this measure.
const COVERAGE_GATE: &str = r#"
## Line coverage of the tests, by coverage.py.
tool coverage {
  env     { REPORT = out.report }
  out     report = ".wfl/out/imported-coverage.info"
  run sh """
    python3 -m coverage run -m pytest -q
    python3 -m coverage lcov -q -o "$REPORT"
    """
  measure lines: percent = lcov(out.report).lines
}
## Enough of the code is tested; each lane says how much is enough.
gate coverage {
  tool    coverage
  follows std.lanes.setup
  when    is_python
  require lines >= 70%
  strict  lines >= 85%
}
"#;

const BANDIT_GATE: &str = r#"
## Security findings, by bandit.
tool bandit {
  exec    "bandit", "-q", "-r", ".", "-f", "json", "-o", out.report
  out     report = ".wfl/out/imported-bandit.json"
  exit-ok 0, 1
  measure high: int = json(out.report, "/metrics/_totals/SEVERITY.HIGH")
}
## No finding of high severity.
gate bandit {
  tool    bandit
  follows std.lanes.setup
  when    is_python
  require high == 0
}
"#;

/// The whole file.
pub(super) fn file(source: &str, lanes: &[Definition]) -> String {
    let source = comment(source);
    let mut text = format!(
        "# Imported from {source} by `wfl import lanes`. The stages are those of std.lanes, by their numbers.\nwfl 1\n\n"
    );
    let uses = |tool: Tool| lanes.iter().any(|lane| lane.gates.advised.contains(&tool));
    let bandit = lanes.iter().any(|lane| lane.gates.required.contains(&Tool::Bandit));
    let coverage = lanes.iter().any(|lane| lane.gates.coverage.is_some());
    if bandit || coverage || Tool::ALL.into_iter().any(uses) {
        text.push_str(IS_PYTHON);
    }
    if coverage {
        text.push_str(COVERAGE_GATE);
    }
    if bandit {
        text.push_str(BANDIT_GATE);
    }
    Tool::ALL.into_iter().filter(|tool| uses(*tool)).for_each(|tool| advice(&mut text, tool));
    lanes.iter().for_each(|each| lane(&mut text, each));
    text
}

/// A tool whose findings only warn.
fn advice(text: &mut String, tool: Tool) {
    let (name, word, command) = (tool.advice(), tool.word(), tool.command());
    let _ = write!(
        text,
        "\n## {word}, whose findings only warn.\nstage {name} {{\n  follows std.lanes.setup\n  when is_python\n  \
         exec {command}\n  allow-failure because \"not among the lane's required_passes\"\n}}\n"
    );
}

fn lane(text: &mut String, lane: &Definition) {
    text.push('\n');
    lane.above.iter().for_each(|line| line_of_comment(text, line));
    let _ = writeln!(text, "lane {} {{", lane.name);
    if let Some(about) = &lane.about {
        let _ = writeln!(text, "about {}", quoted(about));
    }
    let stages: Vec<String> =
        lane.stages.iter().map(|stage| format!("std.lanes.{}", STAGES[usize::from(*stage)])).collect();
    let _ = writeln!(text, "include {}", stages.join(", "));
    gates(text, &lane.gates);
    let _ = writeln!(text, "parallel {}", if lane.parallel { "auto" } else { "off" });
    let _ = writeln!(text, "timeout {}", format_duration(lane.timeout));
    people(text, lane);
    meta(text, &lane.meta);
    lane.kept.iter().for_each(|line| line_of_comment(text, line));
    text.push_str("}\n");
}

fn line_of_comment(text: &mut String, line: &str) {
    let _ = writeln!(text, "# {}", comment(line));
}

fn gates(text: &mut String, gates: &Gates) {
    let mut held: Vec<&str> = gates.required.iter().map(|tool| tool.gate()).collect();
    held.extend(gates.advised.iter().map(|tool| tool.advice()));
    held.extend(gates.coverage.map(|_| COVERAGE));
    if !held.is_empty() {
        let _ = writeln!(text, "include {}", held.join(", "));
    }
    let strict = if gates.strict { " strict" } else { "" };
    if !gates.skipped.is_empty() {
        let skipped = gates.skipped.join(", ");
        let _ = writeln!(text, "gates{strict} {{ skip {skipped} because \"the lane file skips it\" }}");
    } else if gates.strict {
        text.push_str("gates strict\n");
    }
    // The file says that they run, whether or not the project has settings for them.
    for tool in gates.required.iter().filter(|tool| tool.gate().starts_with("std.")) {
        let _ = writeln!(text, "override gate.{} {{ when true }}", tool.gate());
    }
    if let Some(least) = gates.coverage.filter(|least| *least != Gates::LEAST) {
        let higher = least.max(Gates::STRICT_LEAST);
        let strict = if gates.strict { format!("; strict lines >= {higher}%") } else { String::new() };
        let _ = writeln!(text, "override gate.{COVERAGE} {{ require lines >= {least}%{strict} }}");
    }
}

fn people(text: &mut String, lane: &Definition) {
    let before = approved(&lane.stages).unwrap_or("git");
    for group in &lane.reviewers {
        let group = quoted(group);
        let _ = writeln!(text, "approve 1 from {group} before std.lanes.{before}");
        let told = format!(
            "who that is stands in .wfl/project.wfl: project {{ group {group} {{ member \"NAME@example.org\" }} }}"
        );
        line_of_comment(text, &told);
    }
    if lane.notify.events.is_empty() {
        return;
    }
    let mut targets: Vec<String> =
        lane.notify.recipients.iter().map(|address| format!("email({})", quoted(address))).collect();
    if targets.is_empty() {
        targets.push("desktop".to_owned());
    }
    line_of_comment(text, "Not in this version yet:");
    line_of_comment(text, &format!("notify {} on {}", targets.join(", "), lane.notify.events.join(", ")));
}

fn meta(text: &mut String, meta: &[(String, Meta)]) {
    if meta.is_empty() {
        return;
    }
    text.push_str("meta {\n");
    for (name, value) in meta {
        let value = match value {
            Meta::Text(value) => quoted(value),
            Meta::Int(value) => value.to_string(),
            Meta::Float(value) => format!("{value:?}"),
            Meta::Bool(value) => value.to_string(),
            Meta::Texts(values) => {
                format!("[{}]", values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(", "))
            }
        };
        let _ = writeln!(text, "{name} = {value}");
    }
    text.push_str("}\n");
}

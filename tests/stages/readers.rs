//! Readers on reports as real tools write them, and on files that are wrong, torn, huge or hostile: those are gate
//! errors, never a pass.

use std::fs;

use crate::faults::subject::Subject;

/// A gate over `given`, copied into the report's place as a tool would write it.
fn gate(report: &str, measures: &[(&str, &str, &str)], require: &str) -> Subject {
    let measured: String =
        measures.iter().map(|(name, ty, reader)| format!("  measure {name}: {ty} = {reader}\n")).collect();
    Subject::with(&format!(
        "gate g {{\n  exec \"cp\", \"given\", out.r\n  out r = \".wfl/out/{report}\"\n{measured}  require {require}\n}}\n"
    ))
}

fn reported(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stages/reports").join(name);
    fs::read(path).expect("a report")
}

#[track_caller]
fn reads(report: &str, measures: &[(&str, &str, &str)], require: &str) {
    let subject = gate(report, measures, require);
    subject.write("given", reported(report));
    subject.end(&["run", "all.wfl"]).expect_code(0);
}

const SARIF: &[(&str, &str, &str)] =
    &[("errors", "int", "sarif(out.r).errors"), ("warnings", "int", "sarif(out.r).warnings")];
const LCOV: &[(&str, &str, &str)] =
    &[("lines", "percent", "lcov(out.r).lines"), ("branches", "percent", "lcov(out.r).branches")];
const COBERTURA: &[(&str, &str, &str)] =
    &[("lines", "percent", "cobertura(out.r).lines"), ("branches", "percent", "cobertura(out.r).branches")];

#[test]
fn reports_of_real_tools_are_read() {
    reads("clippy.sarif", SARIF, "errors == 1 and warnings == 2");
    reads("semgrep.sarif", SARIF, "errors == 1 and warnings == 1");
    reads("grcov.info", LCOV, "lines > 66.6% and lines < 66.7% and branches == 50%");
    reads("geninfo.info", LCOV, "lines == 50% and branches > 66.6% and branches < 66.7%");
    reads("coverage_py.xml", COBERTURA, "lines == 77.5% and branches == 62.5%");
}

/// Every reader with a condition that holds of nothing found, and what it must not take for a report.
fn readers() -> Vec<(Subject, &'static str)> {
    let zero = |report: &str, reader: &str| gate(report, &[("n", "int", reader)], "n == 0");
    let full = |report: &str, reader: &str| gate(report, &[("n", "percent", reader)], "n >= 0%");
    vec![
        (zero("a.sarif", "sarif(out.r).errors"), "sarif"),
        (full("a.info", "lcov(out.r).lines"), "lcov"),
        (full("a.xml", "cobertura(out.r).lines"), "cobertura"),
        (zero("j.xml", "junit(\".wfl/out/j.xml\").failed"), "junit"),
        (zero("a.json", "json(out.r, \"/failed\")"), "json"),
        (zero("a.txt", "regex(out.r, \"failed: ([0-9]+)\")"), "regex"),
        (zero("b.txt", "text(out.r)"), "text"),
    ]
}

#[test]
fn no_reader_passes_what_is_no_report() {
    let wrong: &[&[u8]] = &[
        b"",
        b"\n",
        b"not a report",
        b"\0\0\0\0",
        b"\xff\xfe\x00",
        b"{\"runs\":[{\"results\":[{\"level\":\"err",
        b"SF:a\nDA:1,1\n",
        b"<coverage lines-valid=\"1\" lines-covered=\"1\"><packages>",
        b"<testsuite><testcase>",
        b"{\"failed\": null}",
        b"{\"failed\": 0",
        b"[]",
        b"{}",
    ];
    for (subject, reader) in readers() {
        for bytes in wrong {
            subject.write("given", bytes);
            let ended = subject.end(&["run", "all.wfl"]);
            assert_eq!(
                ended.code,
                Some(3),
                "{reader} of {:?}: {}",
                String::from_utf8_lossy(bytes),
                ended.err
            );
            assert!(ended.err.contains("could not be judged"), "{reader}: {}", ended.err);
        }
    }
}

#[test]
fn an_absent_report_is_no_pass() {
    for (subject, reader) in readers() {
        let text = subject.read("all.wfl").replace("exec \"cp\", \"given\", out.r", "exec \"true\"");
        subject.write("all.wfl", text);
        let ended = subject.end(&["run", "all.wfl"]);
        assert_eq!(ended.code, Some(3), "{reader}: {}", ended.err);
    }
}

/// The most memory of a `wfl run` that must end with a gate error, in KiB, as the kernel counted it.
fn peak(subject: &Subject) -> u64 {
    let script = "ulimit -v 1500000; \"$@\" & pid=$!; peak=0; while kill -0 $pid 2>/dev/null; do \
                  now=$(awk '/VmHWM/ {print $2}' /proc/$pid/status 2>/dev/null); peak=${now:-$peak}; sleep 0.005; done; \
                  wait $pid; code=$?; echo \"peak $peak\"; exit $code";
    let mut command = std::process::Command::new("bash");
    command.args(["-c", script, "bash", env!("CARGO_BIN_EXE_wfl"), "run", "all.wfl"]);
    command.current_dir(&subject.root).env("WFL_STATE_DIR", &subject.state).env("NO_COLOR", "1");
    let ended = subject.end_of(command).expect_code(3);
    assert!(ended.err.contains("could not be judged"), "{}", ended.err);
    ended.out.lines().find_map(|line| line.strip_prefix("peak ")?.parse().ok()).expect("a peak")
}

#[test]
fn hostile_reports_end_in_bounded_memory() {
    let sized = |head: &str, piece: &str, tail: &str| {
        let mut text = String::from(head);
        text.push_str(&piece.repeat((12 << 20) / piece.len()));
        text.push_str(tail);
        text
    };
    let laughs = "<?xml version=\"1.0\"?><!DOCTYPE c [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]><coverage lines-valid=\"&b;\" lines-covered=\"1\"><line/></coverage>";
    let deep = "<a>".repeat(1_000_000);
    let mut gates: Vec<(Subject, String, &str)> = Vec::new();
    for (reader, text) in [
        ("sarif(out.r).errors", sized("{\"runs\":[{\"results\":[", "{},", "{}]}")),
        ("sarif(out.r).errors", sized("{\"runs\":[{\"results\":[{\"suppressions\":[", "{},", "{}]}]}]}")),
        ("sarif(out.r).errors", sized("{\"runs\":[", "{},", "{}]}")),
        ("sarif(out.r).errors", sized("", "[", "")),
        ("json(out.r, \"/none\")", sized("{\"a\":[", "1,", "1]}")),
        ("json(out.r, \"/a\")", sized("{\"a\":[", "1,", "1]}")),
    ] {
        gates.push((gate("a.json", &[("n", "int", reader)], "n == 0"), text, reader));
    }
    for text in [laughs.to_string(), deep, sized("<coverage a=\"", "&amp;", "\"/>")] {
        gates.push((
            gate("a.xml", &[("n", "percent", "cobertura(out.r).lines")], "n >= 0%"),
            text,
            "cobertura",
        ));
    }
    for (subject, text, reader) in gates {
        subject.write("given", text);
        let peak = peak(&subject);
        assert!(peak < 150_000, "{reader}: {} MiB", peak >> 10);
    }
}

#[test]
fn a_file_beyond_the_limit_is_not_read() {
    for (subject, reader) in readers() {
        let file = fs::File::create(subject.root.join("given")).expect("a file");
        file.set_len(100 << 20).expect("a sparse file");
        let text = subject.read("all.wfl").replace("\"cp\",", "\"cp\", \"--sparse=always\",");
        subject.write("all.wfl", text);
        let ended = subject.end(&["run", "all.wfl"]);
        assert_eq!(ended.code, Some(3), "{reader}: {}", ended.err);
        assert!(ended.err.contains("larger than 64 MiB"), "{reader}: {}", ended.err);
    }
}

#[test]
fn a_pattern_that_would_take_the_memory_is_refused() {
    let huge = "(?:x{1000}){1000}(y)";
    let subject = gate("a.txt", &[("n", "int", &format!("regex(out.r, \"{huge}\")"))], "n == 0");
    subject.end(&["check", "all.wfl"]).expect_code(1).says("too much memory");
    // Exponential for engines that go back; here the time grows with the text alone.
    let slow = "^(a+)+$|failed: ([0-9])";
    let subject = gate("a.txt", &[("n", "int", &format!("regex(out.r, \"{slow}\")"))], "n == 0");
    subject.write("given", "a".repeat(1 << 20) + "!");
    subject.end(&["run", "all.wfl"]).expect_code(3).says("nothing in");
    let subject = Subject::with(&format!("gate g {{ require file.grep(\"t\", \"{huge}\") == 0 }}\n"));
    subject.end(&["check", "all.wfl"]).expect_code(1).says("too much memory");
}

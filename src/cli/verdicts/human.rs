//! Test results for a person: a line a test, what failed with its place, a line that counts.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::base::clock::format_duration;
use crate::base::{FileId, SourceMap};
use crate::cli::output::{Terminal, table};
use crate::diag::{self, Diagnostic};
use crate::embed::Trial;
use crate::observe::sanitise::sanitise;
use crate::observe::style::{Ink, counted};
use crate::trial::{Coverage, LaneCoverage, Tested, Verdict};

pub struct Report<'a> {
    pub sources: &'a SourceMap,
    pub terminal: &'a Terminal,
    pub verbose: bool,
}

impl Report<'_> {
    pub fn text(&self, trial: &Trial, coverage: Option<&Coverage>) -> String {
        let mut text = String::new();
        let mut file: Option<FileId> = None;
        for tested in &trial.tested {
            if file.replace(tested.span.file) != Some(tested.span.file) {
                let _ = writeln!(text, "{}", self.sources.get(tested.span.file).path);
            }
            self.line(&mut text, tested);
        }
        self.findings(&mut text, trial);
        if let Some(coverage) = coverage {
            self.coverage(&mut text, coverage);
        }
        if !trial.tested.is_empty() {
            text.push_str(&self.summary(trial));
        }
        text
    }

    fn line(&self, text: &mut String, tested: &Tested) {
        let style = self.terminal.out;
        let word = match tested.verdict {
            Verdict::Passed => style.paint(Ink::Good, "ok"),
            Verdict::Failed(_) => style.paint(Ink::Bad, "FAILED"),
            Verdict::Unplayable(_) => style.paint(Ink::Bad, "ERROR"),
        };
        let _ = writeln!(text, "test {} ... {word}", sanitise(&tested.name));
        for step in tested.trail.iter().filter(|_| self.verbose) {
            let at = format_duration(step.at_ms as i64);
            let line = format!("    {at:>6}  {}", sanitise(&step.text));
            let _ = writeln!(text, "{}", style.paint(Ink::Dim, line.trim_end()));
        }
    }

    /// Each finding once, also when several tests rest on the same wrong file.
    fn findings(&self, text: &mut String, trial: &Trial) {
        let all = trial.tested.iter().flat_map(super::findings).chain(&trial.errors);
        let mut seen = HashSet::new();
        let mut found: Vec<Diagnostic> = all
            .filter(|found| seen.insert((found.code.id, found.span, found.message.as_str())))
            .cloned()
            .collect();
        if found.is_empty() {
            return;
        }
        diag::sort(&mut found);
        let color = self.terminal.out.color;
        let shown = diag::render(diag::Format::Human, self.sources, &found, color, self.terminal.width);
        // Its last line counts findings; here tests are counted.
        let body = shown.trim_end().rsplit_once('\n').map_or("", |(body, _)| body);
        let _ = writeln!(text, "\n{}\n", body.trim_end());
    }

    fn summary(&self, trial: &Trial) -> String {
        let style = self.terminal.out;
        let good = trial.passed() == trial.tested.len() && trial.errors.is_empty();
        let word = if good { style.paint(Ink::Good, "ok") } else { style.paint(Ink::Bad, "FAILED") };
        let left_out = trial.known - trial.tested.len();
        let filtered = if left_out > 0 { format!(", {left_out} filtered out") } else { String::new() };
        format!(
            "test result: {word}. {} passed, {} failed, {} not playable{filtered}\n",
            trial.passed(),
            trial.failed(),
            trial.unplayable()
        )
    }

    fn coverage(&self, text: &mut String, coverage: &Coverage) {
        for file in &coverage.files {
            let _ = writeln!(text, "\ncoverage of {}", file.file);
            for lane in &file.lanes {
                lane_text(text, lane);
            }
        }
        text.push('\n');
    }
}

fn lane_text(text: &mut String, lane: &LaneCoverage) {
    let _ = writeln!(
        text,
        "lane {}: {}, {} of {} carried out, {} of {} taken",
        lane.name,
        counted(lane.tests, "test"),
        lane.stages_carried_out(),
        counted(lane.stages.len(), "stage"),
        lane.branches_taken(),
        if lane.branches.len() == 1 {
            "1 branch".into()
        } else {
            format!("{} branches", lane.branches.len())
        },
    );
    let mut rows = Vec::new();
    for stage in &lane.stages {
        let how = match (stage.carried_out, stage.skipped) {
            (true, true) => "carried out, skipped",
            (true, false) => "carried out",
            (false, true) => "skipped",
            (false, false) => "never carried out",
        };
        rows.push(vec![format!("  {}", stage.name), how.into(), branches(lane, Some(&stage.name))]);
    }
    rows.push(vec!["  (lane)".into(), String::new(), branches(lane, None)]);
    text.push_str(&table(&rows));
}

/// The branches of a stage, or of the lane itself; what no test took is said to be missing.
fn branches(lane: &LaneCoverage, stage: Option<&str>) -> String {
    let own = lane.branches.iter().filter(|(branch, _)| branch.stage() == stage);
    let words = |wanted: bool| -> Vec<&str> {
        own.clone().filter(|(_, taken)| *taken == wanted).map(|(branch, _)| branch.words()).collect()
    };
    let (taken, missing) = (words(true), words(false));
    let missing = if missing.is_empty() { String::new() } else { format!("missing: {}", missing.join(", ")) };
    [taken.join(", "), missing].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

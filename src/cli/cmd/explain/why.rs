//! Everything about one stage, for a person. Works nothing out.

use crate::cli::output::{Terminal, table};
use crate::insight::Why;
use crate::insight::why::{Counted, Evidence, Near};
use crate::observe::style::{Ink, counted};

use super::text::{interval, percent, time, wrapped};

pub fn text(why: &Why, terminal: &Terminal) -> String {
    let width = terminal.width.clamp(40, 100);
    let stage = &why.stage;
    let word = if stage.keep { "kept" } else { "left out" };
    let mut out = format!("{} in lane {}: {word}\n", terminal.out.paint(Ink::Bold, &stage.name), why.lane);
    out.extend(stage.reasons.iter().map(|reason| wrapped(reason, "  ", "    ", width)));
    out.push('\n');
    out.push_str(&table(&[
        row("needed", stage.probability, interval(stage.interval), why.needed, "executed"),
        row("fails", stage.risk, interval(stage.risk_interval), why.failed, "failed"),
    ]));
    out.extend(stage.seconds.map(|seconds| format!("takes {}, the median of the newest\n", time(seconds))));
    if why.needed_later > 0 {
        out.push_str(&format!(
            "skipped {}, and failed in a later run of the same change\n",
            times(why.needed_later)
        ));
    }
    out.push_str(&evidence(&why.evidence));
    out.push_str(&nearest(&why.nearest, why.history));
    out
}

fn row(name: &str, share: f64, interval: String, counted: Counted, word: &str) -> Vec<String> {
    let Counted { yes, of } = counted;
    let runs = if of == 1 { "run" } else { "runs" };
    let from = if of == 0 { "no run says".into() } else { format!("{word} in {yes} of {of} {runs}") };
    vec![name.into(), percent(share), format!("(80 %: {interval})"), from]
}

fn times(count: u32) -> String {
    if count == 1 { "once".into() } else { format!("{count} times") }
}

fn evidence(all: &[Evidence]) -> String {
    if all.is_empty() {
        return "\nno evidence: it always went the same way, or nothing of this change was seen before\n"
            .into();
    }
    let mut rows = vec![["says", "of", "seen", "weight", "about"].map(str::to_string).to_vec()];
    rows.extend(all.iter().map(|found| {
        let seen = format!("{} of {}", found.yes, found.of);
        let said = match (found.question, found.speaks) {
            ("fails", "for") => "fails",
            ("fails", _) => "passes",
            (_, "for") => "needed",
            _ => "not needed",
        };
        vec![said.into(), found.question.into(), seen, format!("{:+.2}", found.weight), found.about.clone()]
    }));
    format!("\nevidence, strongest first:\n{}", table(&rows))
}

fn nearest(all: &[Near], runs: usize) -> String {
    if all.is_empty() {
        return format!("\nnone of the newest of {} has it\n", counted(runs, "run"));
    }
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|near| {
            let more = if near.files.len() == 3 { ", …" } else { "" };
            let files = near.files.join(", ") + more;
            vec![
                near.run.clone(),
                format!("{} alike", percent(near.alike)),
                near.status.into(),
                near.kind.clone(),
                files,
            ]
        })
        .collect();
    format!("\nnearest past runs, and how it went there:\n{}", table(&rows))
}

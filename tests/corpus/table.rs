//! The corpus as a table: what was declared, what came of it, and the figures. The page of it is compared with
//! `docs/fault-corpus.md`; times stand only in what is printed.

use super::case::{Case, Healable};
use super::verdict::Verdict;

pub struct Figures {
    pub declared: usize,
    pub healed: usize,
    pub healed_without: usize,
    pub false_heals: Vec<String>,
    pub lossy: Vec<String>,
    pub people: usize,
    pub right_message: usize,
    pub left_out: Vec<String>,
}

pub fn figures(played: &[(&Case, Verdict)]) -> Figures {
    let of = |healable: &[Healable]| -> Vec<&(&Case, Verdict)> {
        let held =
            |(case, verdict): &&(&Case, Verdict)| healable.contains(&case.healable) && !verdict.left_out;
        played.iter().filter(held).collect()
    };
    let names = |held: &dyn Fn(&Case, &Verdict) -> bool| -> Vec<String> {
        played
            .iter()
            .filter(|(case, verdict)| held(case, verdict))
            .map(|(case, _)| case.name.clone())
            .collect()
    };
    let declared = of(&[Healable::Yes]);
    let without = |verdict: &Verdict| verdict.healed_without.unwrap_or(verdict.healed);
    let people = of(&[Healable::No]);
    Figures {
        declared: declared.len(),
        healed: declared.iter().filter(|(_, verdict)| verdict.healed).count(),
        healed_without: declared.iter().filter(|(_, verdict)| without(verdict)).count(),
        false_heals: names(&|case, verdict| case.healable != Healable::Yes && verdict.healed),
        lossy: names(&|_, verdict| !verdict.lost.is_empty()),
        right_message: people.iter().filter(|(_, verdict)| verdict.wrong.is_empty()).count(),
        people: people.len(),
        left_out: names(&|_, verdict| verdict.left_out),
    }
}

impl Figures {
    pub fn share(&self) -> f64 {
        100.0 * self.healed as f64 / self.declared.max(1) as f64
    }
}

/// The figures as a person reads them, times included.
pub fn printed(played: &[(&Case, Verdict)]) -> String {
    let figures = figures(played);
    let mut times: Vec<i64> = played.iter().filter_map(|(_, verdict)| verdict.recovery).collect();
    times.sort_unstable();
    let time = |at: usize| times.get(at).copied().unwrap_or_default();
    format!(
        "healed {} of {} declared healable ({:.1} %), without repair {}\nfalse heals {}, lossy {}\nleft to a person: {} of {} with the right message and resumable\nrecovery: median {} ms, longest {} ms\nleft out here: {:?}\n",
        figures.healed,
        figures.declared,
        figures.share(),
        figures.healed_without,
        figures.false_heals.len(),
        figures.lossy.len(),
        figures.right_message,
        figures.people,
        time(times.len() / 2),
        time(times.len().saturating_sub(1)),
        figures.left_out,
    )
}

/// The part of the page that follows from the corpus.
pub fn page(played: &[(&Case, Verdict)]) -> String {
    let figures = figures(played);
    let mut text = format!(
        "| | |\n|---|---|\n| declared healable | {} |\n| healed | {} ({:.1} %) |\n| the same with `--no-repair` | {} |\n| false heals | {} |\n| lossy | {} |\n| left to a person, right message, resumable | {} of {} |\n",
        figures.declared,
        figures.healed,
        figures.share(),
        figures.healed_without,
        figures.false_heals.len(),
        figures.lossy.len(),
        figures.right_message,
        figures.people,
    );
    let headings = [
        (Healable::Yes, "Declared healable", "healed by"),
        (Healable::No, "Left to a person", "what the run says"),
        (Healable::Never, "Near misses", "what the run says"),
    ];
    for (healable, heading, what) in headings {
        text.push_str(&format!("\n## {heading}\n\n| case | what is broken | {what} |\n|---|---|---|\n"));
        for (case, verdict) in played.iter().filter(|(case, _)| case.healable == healable) {
            text.push_str(&format!("| {} | {} | {} |\n", case.name, case.about(), end(case, verdict)));
        }
    }
    text
}

fn end(case: &Case, verdict: &Verdict) -> String {
    match case.healable {
        Healable::Yes if !verdict.healed => "not healed".into(),
        Healable::Yes if verdict.rules.is_empty() => case.by().into(),
        Healable::Yes => {
            let mut rules = verdict.rules.clone();
            rules.sort();
            rules.dedup();
            rules.join(", ")
        }
        _ => format!(
            "`{}`",
            case.field("says").unwrap_or_default().trim_start_matches("(?i)").replace('|', "\\|")
        ),
    }
}

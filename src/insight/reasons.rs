//! What evidence says, in words with counts: the strongest few pieces of it. Decides nothing.

use crate::learn::labels::{Answer, Because, Tally};

use super::dataset::{Kind, Said};
use super::explain::Rule;

/// Runs below which a reason says that it rests on few.
const FEW: u32 = 5;
/// Reasons given of each stage, besides what decided.
const REASONS: usize = 3;
/// Evidence that changes the odds by less is none.
const SLIGHT: f64 = 0.05;

/// The two questions that are asked of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    Fails,
    Needed,
}

impl Question {
    pub fn word(self) -> &'static str {
        match self {
            Question::Fails => "fails",
            Question::Needed => "needed",
        }
    }
}

/// What a word is about: "`docs/` only", "type `fix`".
pub fn subject(said: &Said) -> String {
    let text = &said.text;
    match said.kind {
        Kind::Type => format!("type `{text}`"),
        Kind::Folder => format!("files in `{text}`"),
        Kind::Ending => format!("`{text}` files"),
        Kind::File => format!("`{text}`"),
        Kind::OnlyFolder if text == "./" => "only files at the top".into(),
        Kind::OnlyFolder => format!("`{text}` only"),
        Kind::OnlyEnding => format!("`{text}` files only"),
        Kind::Count | Kind::Churn => text.clone(),
        Kind::Branch if text.ends_with('/') => format!("branches `{text}…`"),
        Kind::Branch => format!("branch `{text}`"),
        Kind::Author => "this author".into(),
        Kind::Day => format!("on a {text}"),
        Kind::Hour => format!("{text} o'clock UTC"),
    }
}

/// The strongest evidence on both questions, and how often it was at all.
pub fn evidence(need: &Answer, risk: &Answer, words: &[Said], stage: &str) -> Vec<String> {
    if need.base.seen == 0 && risk.base.seen == 0 {
        return vec!["no past run says anything of it".into()];
    }
    let of = |question: Question, answer: &Answer| -> Vec<(f64, String)> {
        let told = answer.because.iter().filter(|because| because.weight.abs() >= SLIGHT);
        distinct(told, words)
            .into_iter()
            .filter_map(|because| Some((because.weight.abs(), sentence(question, because, words, stage)?)))
            .collect()
    };
    let (fails, needed) = (of(Question::Fails, risk), of(Question::Needed, need));
    let mut said = strongest(fails, needed);
    let counts = [(Question::Needed, need.base), (Question::Fails, risk.base)];
    let counts = counts.into_iter().filter(|(_, tally)| tally.seen > 0);
    said.extend(counts.map(|(question, tally)| plain(question, tally)));
    said.truncate(REASONS);
    said
}

/// The strongest of each question, then whatever is strongest; all in order of their strength.
fn strongest(fails: Vec<(f64, String)>, needed: Vec<(f64, String)>) -> Vec<String> {
    let (mut fails, mut needed) = (fails.into_iter(), needed.into_iter());
    let mut found: Vec<(f64, String)> = fails.next().into_iter().chain(needed.next()).collect();
    let mut rest: Vec<(f64, String)> = fails.chain(needed).collect();
    rest.sort_by(|a, b| b.0.total_cmp(&a.0));
    rest.truncate(REASONS - found.len());
    found.extend(rest);
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().map(|(_, sentence)| sentence).collect()
}

/// Of evidence with the same counts, which mostly means the same runs, only what tells people most; strongest first still.
fn distinct<'a>(all: impl Iterator<Item = &'a Because>, words: &[Said]) -> Vec<&'a Because> {
    let telling = |because: &Because| {
        let kind = because.word.and_then(|place| words.get(place)).map(|said| said.kind);
        TELLING.iter().position(|one| Some(*one) == kind).unwrap_or(TELLING.len())
    };
    let mut kept: Vec<&Because> = Vec::new();
    for because in all {
        match kept.iter_mut().find(|other| other.tally == because.tally) {
            Some(other) if telling(because) < telling(other) => *other = because,
            Some(_) => {}
            None => kept.push(because),
        }
    }
    kept
}

/// Kinds by how much they tell a person.
const TELLING: [Kind; 8] = [
    Kind::OnlyFolder,
    Kind::File,
    Kind::OnlyEnding,
    Kind::Type,
    Kind::Folder,
    Kind::Ending,
    Kind::Author,
    Kind::Branch,
];

/// One piece of evidence as a sentence.
fn sentence(question: Question, because: &Because, words: &[Said], stage: &str) -> Option<String> {
    let tally = because.tally;
    let Some(place) = because.word else { return Some(of_late(question, tally)) };
    let subject = subject(words.get(place)?);
    let more = because.weight > 0.0;
    let said = match question {
        Question::Fails => failed(tally, more, stage),
        Question::Needed => needed(tally, more),
    };
    let few = if tally.seen < FEW { ", which is few" } else { "" };
    Some(format!("{subject}: {said}{few}"))
}

fn failed(tally: Tally, more: bool, stage: &str) -> String {
    let Tally { yes, seen } = tally;
    match (seen, yes, more) {
        (1, 0, _) => format!("the one such change did not fail `{stage}`"),
        (1, ..) => format!("the one such change failed `{stage}`"),
        (_, _, true) => format!("{yes} of {seen} such changes failed `{stage}`"),
        (..) => format!("{} of {seen} such changes never failed `{stage}`", seen - yes.min(seen)),
    }
}

fn needed(tally: Tally, more: bool) -> String {
    let Tally { yes, seen } = tally;
    match (seen, yes, more) {
        (1, 0, _) => "the one such change did not need it".into(),
        (1, ..) => "the one such change needed it".into(),
        (_, _, true) => format!("{yes} of {seen} such changes needed it"),
        (..) => format!("{} of {seen} such changes did not need it", seen - yes.min(seen)),
    }
}

fn of_late(question: Question, tally: Tally) -> String {
    let Tally { yes, seen } = tally;
    match question {
        Question::Fails => format!("of late it failed in about {yes} of {}", runs(seen)),
        Question::Needed => format!("of late it was needed in about {yes} of {}", runs(seen)),
    }
}

/// How often it was at all.
fn plain(question: Question, tally: Tally) -> String {
    let Tally { yes, seen } = tally;
    match (question, seen) {
        (_, 0) => "no past run says anything of it".into(),
        (Question::Fails, 1) if yes == 0 => "it passed in its only run".into(),
        (Question::Fails, 1) => "it failed in its only run".into(),
        (Question::Fails, _) if yes == 0 => format!("it never failed in {}", runs(seen)),
        (Question::Fails, _) => format!("it failed in {yes} of {}", runs(seen)),
        (Question::Needed, _) => format!("executed in {yes} of {}", runs(seen)),
    }
}

/// `1 run`, `3 runs`.
pub fn runs(count: u32) -> String {
    if count == 1 { "1 run".into() } else { format!("{count} runs") }
}

/// The lane's own rule for the stage.
pub fn rule(rule: &Rule) -> String {
    match rule {
        Rule::Always => "the lane always runs it".into(),
        Rule::When { text, holds: true } => format!("its condition holds: {text}"),
        Rule::When { text, holds: false } => format!("its condition does not hold: {text}"),
        Rule::Later { text } => format!("its condition is not decided yet: {text}"),
        Rule::Waived(reason) => format!("the lane waives it: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::dataset::spoken;
    use super::*;
    use crate::history::PastChange;

    fn docs() -> Vec<Said> {
        let change = PastChange { files: vec!["docs/a.md".into()], ..PastChange::default() };
        spoken(&change, None).into_iter().filter(|said| said.kind == Kind::OnlyFolder).collect()
    }

    fn says(yes: u32, seen: u32, weight: f64) -> String {
        let because = Because { word: Some(0), weight, tally: Tally { yes, seen } };
        sentence(Question::Fails, &because, &docs(), "types").unwrap()
    }

    #[test]
    fn counts_speak_for_what_they_speak_for() {
        assert_eq!(says(1, 42, -1.0), "`docs/` only: 41 of 42 such changes never failed `types`");
        assert_eq!(says(9, 42, 1.0), "`docs/` only: 9 of 42 such changes failed `types`");
    }

    #[test]
    fn one_is_said_as_one_and_few_as_few() {
        assert_eq!(says(0, 1, -1.0), "`docs/` only: the one such change did not fail `types`, which is few");
        assert!(!says(0, 5, -1.0).contains("few"));
        assert_eq!(plain(Question::Fails, Tally { yes: 1, seen: 1 }), "it failed in its only run");
        assert_eq!(plain(Question::Needed, Tally::default()), "no past run says anything of it");
    }
}

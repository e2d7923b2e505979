//! What came of one wrong token, and the table of many. Does not make the texts.

use std::collections::BTreeMap;
use std::fmt;

use wfl::base::Span;
use wfl::diag::{Diagnostic, Severity};
use wfl::syntax::ast::Statement;

use super::mutants::{KINDS, Mutant, Mutated, Original, PLANTS, check};
use super::support::Checked;

/// Where an error stands, seen from the edit; what is nearer is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// On its line.
    At,
    /// On the line before or after, or on a line of its statement's own head or brackets.
    Next,
    /// Further away, and speaks of a name that the edited statement holds.
    Name,
    Elsewhere,
}

pub struct Verdict {
    pub kind: &'static str,
    pub errors: usize,
    pub nearest: Place,
    pub farthest: Place,
    /// Warnings that stand beside errors.
    pub warnings: usize,
    /// Whether the mistakes far away were reported too, where that was tried.
    pub rest: Option<bool>,
    /// Code and place of every error, code of every warning beside one.
    pub codes: Vec<String>,
    pub class: String,
    pub shown: String,
}

impl Verdict {
    pub fn of(originals: &[Original], mutant: &Mutant, planted: bool) -> Verdict {
        let original = &originals[mutant.file];
        let mutated = mutant.text(originals);
        let checked = check(&original.path, &mutated.text);
        let near = Near::of(original, &mutated);
        let places: Vec<Place> = errors(&checked).map(|error| near.place(&checked, error)).collect();
        let codes: Vec<String> = errors(&checked)
            .zip(&places)
            .map(|(error, place)| format!("{}:{place:?}", error.code.id))
            .collect();
        let rest = planted.then(|| rest_is_checked(original, &mutated));
        let class = format!("{:?} {}", mutant.edit, codes.join(" "));
        let warnings = checked.diagnostics.iter().filter(|found| found.severity == Severity::Warning);
        let beside = warnings.map(|found| found.code.id.to_owned()).filter(|_| !places.is_empty());
        let beside: Vec<String> = beside.collect();
        Verdict {
            kind: mutant.edit.kind(),
            errors: places.len(),
            nearest: places.iter().copied().min().unwrap_or(Place::At),
            farthest: places.iter().copied().max().unwrap_or(Place::At),
            warnings: beside.len(),
            rest,
            codes: codes.into_iter().chain(beside).collect(),
            class,
            shown: shown(original, mutant, &mutated, &checked),
        }
    }
}

fn errors(checked: &Checked) -> impl Iterator<Item = &Diagnostic> {
    checked.diagnostics.iter().filter(|found| found.is_error())
}

fn shown(original: &Original, mutant: &Mutant, mutated: &Mutated, checked: &Checked) -> String {
    let name = original.path.file_name().unwrap_or_default().to_string_lossy();
    let line = line_of(&mutated.text, mutated.at.start);
    let was = original.text[original.tokens[mutant.token].clone()].lines().next().unwrap_or("end of line");
    let text = mutated.text.lines().nth(line - 1).unwrap_or_default().trim();
    let mut shown = format!("{name}:{line} {:?} at `{was}`: {text}", mutant.edit);
    for found in checked.diagnostics.iter().take(8) {
        let at = checked.sources.position(found.span);
        shown += &format!("\n        {}:{} {} {}", at.line, at.column, found.code.id, found.message);
    }
    shown
}

/// Both mistakes as far away as can be are still reported.
fn rest_is_checked(original: &Original, mutated: &Mutated) -> bool {
    let Mutated { text, was, .. } = mutated;
    let longer = text.len() as isize - original.text.len() as isize;
    let moved = |place: usize| if place >= was.end { place.saturating_add_signed(longer) } else { place };
    let mut places: Vec<(usize, &str)> = Vec::new();
    for (plant, (_, line)) in original.plants.iter().zip(PLANTS) {
        let far = plant.iter().copied().max_by_key(|place| place.abs_diff(was.start));
        places.extend(far.map(|place| (moved(place), line)));
    }
    places.sort_by(|a, b| b.cmp(a));
    let mut text = text.clone();
    for (place, line) in &places {
        text.insert_str(*place, line);
    }
    let checked = check(&original.path, &text);
    let names = PLANTS.iter().filter(|(_, line)| places.iter().any(|(_, planted)| planted == line));
    names.into_iter().all(|(name, _)| errors(&checked).any(|error| error.message.contains(name)))
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// What counts as near one edit; lines are those of the mutated text.
struct Near {
    line: usize,
    lines: Vec<usize>,
    words: Vec<String>,
}

impl Near {
    fn of(original: &Original, mutated: &Mutated) -> Near {
        let line = line_of(&mutated.text, mutated.at.start);
        let all: Vec<&str> = mutated.text.lines().collect();
        let counts = |line: &usize| {
            let text = all[line - 1].trim_start();
            !text.is_empty() && !text.starts_with('#')
        };
        let mut lines: Vec<usize> = (1..line).rev().find(counts).into_iter().collect();
        lines.extend((line + 1..=all.len()).find(counts));
        let statement = innermost(&original.tree.statements, mutated.was.start);
        let mut words = words(&mutated.text[mutated.at.clone()]);
        words.extend(self::words(&original.text[mutated.was.clone()]));
        if let Some(statement) = statement {
            let whole = statement.span.range();
            let block = statement.block.as_ref().map(|block| block.span.range());
            let head = whole.start..block.as_ref().map_or(whole.end, |block| block.start);
            let moved = mutated.text.lines().count() as isize - original.text.lines().count() as isize;
            let first = line_of(&original.text, head.start);
            let last = line_of(&original.text, head.end);
            lines.extend(first..=last.saturating_add_signed(moved).max(first));
            let close = block.map(|block| line_of(&original.text, block.end.saturating_sub(1)));
            lines.extend(close.map(|close| close.saturating_add_signed(moved)));
            words.extend(self::words(&original.text[head]));
        }
        Near { line, lines, words }
    }

    fn place(&self, checked: &Checked, error: &Diagnostic) -> Place {
        let first = checked.sources.position(error.span).line as usize;
        let end = Span { start: error.span.end.max(error.span.start + 1) - 1, ..error.span };
        let last = checked.sources.position(end).line as usize;
        // A place that goes on for long is near only where it begins.
        let here = |line: usize| line == first || (line == last && last <= first + 1);
        if here(self.line) {
            Place::At
        } else if self.lines.iter().any(|line| here(*line)) {
            Place::Next
        } else if quoted(&error.message).any(|name| self.words.iter().any(|word| word == name)) {
            Place::Name
        } else {
            Place::Elsewhere
        }
    }
}

fn innermost(statements: &[Statement], at: usize) -> Option<&Statement> {
    let around = statements.iter().find(|statement| {
        let range = statement.span.range();
        range.start <= at && at <= range.end
    })?;
    Some(innermost(around.body(), at).unwrap_or(around))
}

fn words(text: &str) -> Vec<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.split(|c: char| !word(c)).filter(|word| word.len() > 1).map(str::to_owned).collect()
}

/// The words of what a message puts between backquotes.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    let parts = message.split('`').skip(1).step_by(2);
    parts.flat_map(|part| part.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')))
}

#[derive(Default)]
struct Row {
    all: usize,
    valid: usize,
    nearest: [usize; 4],
    /// Mutations with at least one error elsewhere.
    astray: usize,
    followers: [usize; 4],
    warnings: usize,
    rest: usize,
    rest_of: usize,
}

/// One row a kind, and one for all.
pub struct Table {
    rows: Vec<(&'static str, Row)>,
}

impl Table {
    pub fn of(verdicts: &[Verdict]) -> Table {
        let mut rows: Vec<(&'static str, Row)> = Vec::new();
        for kind in KINDS.into_iter().chain(["all"]) {
            let mut row = Row::default();
            for verdict in verdicts.iter().filter(|verdict| kind == "all" || verdict.kind == kind) {
                row.add(verdict);
            }
            rows.push((kind, row));
        }
        Table { rows }
    }

    /// What is furthest from the promise, most frequent first.
    pub fn worst(&self, verdicts: &[Verdict]) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for code in
            verdicts.iter().filter(|verdict| verdict.codes.len() > 1).flat_map(|verdict| &verdict.codes)
        {
            *counts.entry(code).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let mut text = format!("\ncodes that do not stand alone: {counts:?}\n");
        type Kind = (&'static str, fn(&Verdict) -> bool);
        let kinds: [Kind; 4] = [
            ("an error elsewhere", |verdict| verdict.errors > 0 && verdict.farthest == Place::Elsewhere),
            ("three or more follow", |verdict| verdict.errors > 3),
            ("warnings beside errors", |verdict| verdict.warnings > 0),
            ("the rest is not checked", |verdict| verdict.rest == Some(false)),
        ];
        for (name, is) in kinds {
            let mut classes: BTreeMap<&str, Vec<&Verdict>> = BTreeMap::new();
            for verdict in verdicts.iter().filter(|verdict| is(verdict)) {
                classes.entry(&verdict.class).or_default().push(verdict);
            }
            let mut classes: Vec<_> = classes.into_iter().collect();
            classes.sort_by_key(|(_, verdicts)| std::cmp::Reverse(verdicts.len()));
            text += &format!("\n{name}: {} classes\n", classes.len());
            for (class, verdicts) in classes.iter().take(25) {
                text += &format!("{:5} {class}\n      {}\n", verdicts.len(), verdicts[0].shown);
            }
        }
        text
    }
}

impl Row {
    fn add(&mut self, verdict: &Verdict) {
        self.all += 1;
        if let Some(rest) = verdict.rest {
            self.rest_of += 1;
            self.rest += usize::from(rest);
        }
        if verdict.errors == 0 {
            self.valid += 1;
            return;
        }
        self.nearest[verdict.nearest as usize] += 1;
        self.astray += usize::from(verdict.farthest == Place::Elsewhere);
        self.followers[(verdict.errors - 1).min(3)] += 1;
        self.warnings += usize::from(verdict.warnings > 0);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "| | tried | valid | at | next | by name | elsewhere | astray | 0 follow | 1 | 2 | 3+ | warnings | rest checked |"
        )?;
        writeln!(out, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
        for (kind, row) in &self.rows {
            let share = |count: usize, of: usize| format!("{:.1} %", count as f64 * 100.0 / of.max(1) as f64);
            let wrong = row.all - row.valid;
            write!(out, "| {kind} | {} | {} |", row.all, share(row.valid, row.all))?;
            for count in row.nearest.iter().chain([&row.astray]).chain(&row.followers).chain([&row.warnings])
            {
                write!(out, " {} |", share(*count, wrong))?;
            }
            writeln!(out, " {} |", share(row.rest, row.rest_of))?;
        }
        Ok(())
    }
}

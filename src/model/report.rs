//! Collects what the checker finds: one finding for one lost name however often it is used, sorted and without
//! repeats. Does not find anything itself.

use std::collections::HashMap;

use crate::base::{Name, Span, suggest};
use crate::diag::{Diagnostic, Related, codes, sort};

use super::ModuleId;

/// For so many lost names it is said what may be meant.
const ENOUGH: usize = 100;

/// The diagnostics of one check.
#[derive(Debug, Default)]
pub struct Report {
    diagnostics: Vec<Diagnostic>,
    lost: HashMap<(ModuleId, String, String), Lost>,
    /// Message of a missing output → its finding.
    outputs: HashMap<String, usize>,
}

/// A name that nothing defines, with every place that uses it.
#[derive(Debug)]
struct Lost {
    uses: Vec<Span>,
    help: Option<String>,
    meant: Vec<(String, Span)>,
}

impl Report {
    /// A second use of an output that was already found missing becomes a related place of the first.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if diagnostic.code == &codes::E401 {
            let index = *self.outputs.entry(diagnostic.message.clone()).or_insert(self.diagnostics.len());
            if let Some(first) = self.diagnostics.get_mut(index) {
                let (early, late) = (first.span.min(diagnostic.span), first.span.max(diagnostic.span));
                first.span = early;
                if early != late {
                    first.related.push(Related { span: late, message: "also read here".into() });
                }
                return;
            }
        }
        self.diagnostics.push(diagnostic);
    }

    /// Whether what may be meant by a lost name is worth looking for: not again for the same name, and not in a file
    /// that has lost its way, where every name would be compared with every other.
    pub fn wants_suggestions(&self, module: ModuleId, namespace: &str, name: &str) -> bool {
        !self.is_crowded() && !self.lost.contains_key(&(module, namespace.to_owned(), name.to_owned()))
    }

    /// Whether so much is wrong that looking for what may be meant would take longer than it helps.
    pub fn is_crowded(&self) -> bool {
        self.lost.len() >= ENOUGH || self.diagnostics.len() >= 4 * ENOUGH
    }

    /// A use of a name that nothing in `namespace` ("stage", "lane", "name", …) defines. `suggestions` are the names
    /// that can be meant, with the place of their definition where they have one.
    pub fn unknown(
        &mut self,
        module: ModuleId,
        namespace: &str,
        name: &str,
        span: Span,
        suggestions: Vec<(Name, Option<Span>)>,
    ) {
        // A single letter is near to every other one.
        let enough = name.chars().count() > 1;
        let words = suggestions.iter().map(|(known, _)| known.as_str()).filter(|_| enough);
        let near = suggest::nearest(name, words);
        let help = suggest::did_you_mean(&near);
        let place =
            |word: &str| suggestions.iter().find(|(known, _)| *known == word).and_then(|(_, span)| *span);
        let meant = near.iter().filter_map(|word| Some(((*word).to_owned(), place(word)?))).collect();
        self.lose((module, namespace.to_owned(), name.to_owned()), span, help, meant);
    }

    /// Like [`Report::unknown`], where what to do is already known.
    pub fn unknown_with(&mut self, module: ModuleId, namespace: &str, name: &str, span: Span, help: String) {
        self.lose((module, namespace.to_owned(), name.to_owned()), span, Some(help), Vec::new());
    }

    fn lose(
        &mut self,
        key: (ModuleId, String, String),
        span: Span,
        help: Option<String>,
        meant: Vec<(String, Span)>,
    ) {
        let lost = self.lost.entry(key).or_insert(Lost { uses: Vec::new(), help, meant });
        if !lost.uses.contains(&span) {
            lost.uses.push(span);
        }
    }

    /// Whether an error was reported.
    pub fn has_errors(&self) -> bool {
        !self.lost.is_empty() || self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// Everything found, in the order of the text, each once.
    pub fn finish(self) -> Vec<Diagnostic> {
        let mut all = self.diagnostics;
        for ((_, namespace, name), lost) in self.lost {
            all.extend(lost.diagnostic(&namespace, &name));
        }
        sort(&mut all);
        // Equal findings need not be neighbours, but they share their place.
        let mut kept: Vec<Diagnostic> = Vec::with_capacity(all.len());
        for found in all {
            let same_place = |other: &&Diagnostic| {
                (other.span.file, other.span.start) == (found.span.file, found.span.start)
            };
            let mut before = kept.iter().rev().take_while(same_place);
            if !before.any(|other| other.code.id == found.code.id && other.message == found.message) {
                kept.push(found);
            }
        }
        kept
    }
}

impl Lost {
    fn diagnostic(mut self, namespace: &str, name: &str) -> Option<Diagnostic> {
        self.uses.sort();
        let (first, later) = self.uses.split_first()?;
        let code = if namespace == "stage" { &codes::E202 } else { &codes::E102 };
        let mut found = Diagnostic::new(code, *first, format!("there is no {namespace} `{name}`"))
            .label("not defined")
            .help_if(self.help);
        for (word, span) in self.meant {
            found = found.related(span, format!("`{word}` is defined here"));
        }
        for span in later {
            found = found.related(*span, "also used here");
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileId;

    fn span(start: usize) -> Span {
        Span::new(FileId(0), start, start + 3)
    }

    #[test]
    fn uses_of_one_lost_name_are_one_finding_at_the_first() {
        let mut report = Report::default();
        let known = || vec![("build".into(), Some(span(1))), ("test".into(), None)];
        report.unknown(0, "stage", "biuld", span(50), known());
        report.unknown(0, "stage", "biuld", span(20), known());
        report.unknown(0, "name", "biuld", span(70), vec![]);
        assert!(report.has_errors());
        let found = report.finish();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].code.id, found[0].span), ("E202", span(20)));
        assert_eq!(found[0].help.as_deref(), Some("did you mean `build`?"));
        let places: Vec<Span> = found[0].related.iter().map(|related| related.span).collect();
        assert_eq!(places, [span(1), span(50)]);
        assert_eq!(found[1].code.id, "E102");
    }

    #[test]
    fn what_may_be_meant_is_looked_for_once_a_name_and_not_for_ever() {
        let mut report = Report::default();
        for index in 0..ENOUGH {
            let name = format!("lost{index}");
            assert!(report.wants_suggestions(0, "stage", &name), "{name}");
            report.unknown(0, "stage", &name, span(index), vec![]);
            assert!(!report.wants_suggestions(0, "stage", &name), "{name}");
        }
        assert!(report.is_crowded() && !report.wants_suggestions(0, "stage", "another"));
    }

    #[test]
    fn findings_are_sorted_and_said_once() {
        let mut report = Report::default();
        for (at, text) in [(9, "b"), (3, "a"), (9, "c"), (9, "b")] {
            report.push(Diagnostic::new(&codes::E104, span(at), text));
        }
        let said: Vec<String> = report.finish().into_iter().map(|found| found.message).collect();
        assert_eq!(said, ["a", "b", "c"]);
    }
}

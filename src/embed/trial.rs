//! The `test` blocks of a project, played. Shows nothing.

use std::collections::BTreeSet;

use crate::diag::Diagnostic;
use crate::model::ModuleId;
use crate::trial::{self, Coverage, Tested, Theatre, Verdict};

use super::Project;

/// What came of the tests of a project's files.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    pub tested: Vec<Tested>,
    /// Errors of the files, each once: tests that rest on them were not played.
    pub errors: Vec<Diagnostic>,
    /// Tests that there are, whether they were asked for or not.
    pub known: usize,
}

impl Trial {
    pub fn passed(&self) -> usize {
        self.count(|verdict| *verdict == Verdict::Passed)
    }

    pub fn failed(&self) -> usize {
        self.count(|verdict| matches!(verdict, Verdict::Failed(_)))
    }

    pub fn unplayable(&self) -> usize {
        self.count(|verdict| matches!(verdict, Verdict::Unplayable(_)))
    }

    fn count(&self, wanted: impl Fn(&Verdict) -> bool) -> usize {
        self.tested.iter().filter(|tested| wanted(&tested.verdict)).count()
    }
}

impl Project {
    /// Plays the tests of the project's own files whose name holds `filter`. Nothing of any lane is run.
    pub fn test(&self, filter: Option<&str>) -> Trial {
        let own: BTreeSet<ModuleId> = self.own_modules().into_iter().collect();
        let tests: Vec<_> = self.model.tests.iter().filter(|test| own.contains(&test.module)).collect();
        let errors: Vec<Diagnostic> =
            self.diagnostics().iter().filter(|found| found.is_error()).cloned().collect();
        let mut theatre = Theatre::new(&self.model, &self.sources);
        let mut trial = Trial { known: tests.len(), ..Trial::default() };
        for test in tests.into_iter().filter(|test| filter.is_none_or(|text| test.name.contains(text))) {
            let in_the_way = match errors.is_empty() {
                true => Vec::new(),
                false => self.errors_behind(test.module, &errors),
            };
            trial.tested.push(match in_the_way.is_empty() {
                true => theatre.play(test),
                false => theatre.refuse(test, in_the_way),
            });
        }
        trial.errors = errors;
        trial
    }

    /// Which stages and branches the tests went through.
    pub fn coverage(&self, trial: &Trial) -> Coverage {
        let mut theatre = Theatre::new(&self.model, &self.sources);
        trial::coverage(&mut theatre, &self.sources, &self.own_modules(), &trial.tested)
    }

    /// Errors of the file, of what it imports and of the project's settings.
    fn errors_behind(&self, module: ModuleId, errors: &[Diagnostic]) -> Vec<Diagnostic> {
        let settings = self.model.project.span.map(|span| span.file);
        let mut open: Vec<usize> = vec![module as usize];
        open.extend(self.units.iter().position(|unit| Some(unit.tree.id) == settings));
        let mut behind = BTreeSet::new();
        while let Some(at) = open.pop() {
            let Some(unit) = self.units.get(at).filter(|_| behind.insert(at)) else { continue };
            open.extend(unit.imports.iter().filter_map(|import| import.unit));
        }
        let files: BTreeSet<_> =
            behind.iter().filter_map(|at| self.units.get(*at)).map(|u| u.tree.id).collect();
        errors.iter().filter(|found| files.contains(&found.span.file)).cloned().collect()
    }
}

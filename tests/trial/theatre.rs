//! The one door through which these tests play a text: checked and played in memory, no file anywhere.

use wfl::base::SourceMap;
use wfl::diag::Diagnostic;
use wfl::load::{Loaded, Memory, Request, load};
use wfl::model::Model;
use wfl::trial::{Coverage, Tested, Theatre, Verdict, coverage};

pub struct Stage {
    pub sources: SourceMap,
    pub model: Model,
    pub errors: Vec<Diagnostic>,
}

/// Checks a text as the only file of a project.
pub fn stage(text: &str) -> Stage {
    let text = format!("wfl 1\n{text}");
    let files = Memory::default().with("/project/case.wfl", text);
    let request = Request { root: "/project".into(), cwd: "/project".into(), paths: vec!["case.wfl".into()] };
    let Loaded { sources, units, diagnostics, .. } = load(&request, &files);
    let checked = wfl::model::check(&sources, &units);
    let all = diagnostics.into_iter().chain(checked.diagnostics);
    Stage { sources, errors: all.filter(Diagnostic::is_error).collect(), model: checked.model }
}

impl Stage {
    #[track_caller]
    pub fn play(&self) -> Vec<Tested> {
        let messages: Vec<&str> = self.errors.iter().map(|found| found.message.as_str()).collect();
        assert!(messages.is_empty(), "the text has errors: {messages:#?}");
        let mut theatre = Theatre::new(&self.model, &self.sources);
        self.model.tests.iter().map(|test| theatre.play(test)).collect()
    }

    pub fn coverage(&self) -> Coverage {
        let tested = self.play();
        coverage(&mut Theatre::new(&self.model, &self.sources), &self.sources, &[0], &tested)
    }
}

/// Plays every test of a text.
#[track_caller]
pub fn play(text: &str) -> Vec<Tested> {
    stage(text).play()
}

/// Message and help of everything found in one test; empty when it passed.
pub fn found(tested: &Tested) -> Vec<String> {
    let line = |found: &Diagnostic| {
        let help = found.help.as_ref().map(|help| format!(" | {help}")).unwrap_or_default();
        format!("{} {}{help}", found.code.id, found.message)
    };
    match &tested.verdict {
        Verdict::Passed => Vec::new(),
        Verdict::Failed(all) | Verdict::Unplayable(all) => all.iter().map(line).collect(),
    }
}

/// A file with a lane `l`, a scenario, what holds of it, and what does not with the exact words said of it.
pub struct Case<'a> {
    pub file: &'a str,
    pub scenario: &'a str,
    pub holds: &'a [&'a str],
    pub fails: &'a [(&'a str, &'a str)],
}

impl Case<'_> {
    #[track_caller]
    pub fn play(&self) {
        let test = |name: &str, expects: &[&str]| {
            let expects: Vec<String> = expects.iter().map(|text| format!("expect {text}")).collect();
            format!("test \"{name}\" {{\n  lane l\n  {}\n  {}\n}}\n", self.scenario, expects.join("\n  "))
        };
        let mut text = format!("{}\n{}", self.file, test("holds", self.holds));
        for (expect, _) in self.fails {
            text.push_str(&test("fails", &[expect]));
        }
        let tested = play(&text);
        let trail: Vec<&str> = tested[0].trail.iter().map(|step| step.text.as_str()).collect();
        assert_eq!(tested[0].verdict, Verdict::Passed, "{:#?}\n{trail:#?}", found(&tested[0]));
        for (tested, (expect, says)) in tested[1..].iter().zip(self.fails) {
            assert!(matches!(tested.verdict, Verdict::Failed(_)), "{expect}");
            let says = format!("E957 expected `{expect}`, but {says}");
            assert_eq!(found(tested), [says]);
        }
    }
}

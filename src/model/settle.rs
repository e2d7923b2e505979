//! What remains of the findings: levels of the `project` block, `# wfl: allow(name) reason` comments, files that
//! were only imported. Finds nothing itself but comments that allow nothing.

use std::collections::{HashMap, HashSet};

use crate::base::suggest::{did_you_mean, nearest};
use crate::base::{FileId, SourceMap, Span};
use crate::diag::codes::{self, Code};
use crate::diag::{self, Diagnostic, Severity};
use crate::syntax::ast::{Comment, File, Statement};
use crate::syntax::module::Unit;

use super::{Level, follow};

/// The findings of all stages as they are shown: merged, at their level, without what was allowed. Warnings of files
/// that were not asked about are left out: they are somebody else's to mend.
pub fn settle(
    sources: &SourceMap,
    units: &[Unit],
    levels: &[(&'static Code, Level)],
    mut found: Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    follow::drop_consequences(sources, units, &mut found);
    let broken: HashSet<FileId> = found
        .iter()
        .filter(|found| found.is_error() && !found.code.allowable)
        .map(|found| found.span.file)
        .collect();
    let asked: HashSet<FileId> = units.iter().filter(|unit| unit.given).map(|unit| unit.tree.id).collect();
    let mut all = Vec::with_capacity(found.len());
    for mut finding in found {
        if finding.code.allowable && !asked.contains(&finding.span.file) && !units.is_empty() {
            continue;
        }
        match levels.iter().rev().find(|(code, _)| code.id == finding.code.id).map(|(_, level)| level) {
            Some(Level::Allow) => continue,
            Some(Level::Warn) => finding.severity = Severity::Warning,
            Some(Level::Deny) => finding.severity = Severity::Error,
            None => {}
        }
        all.push(finding);
    }
    let mut allows: HashMap<FileId, Vec<Allow>> = HashMap::new();
    for unit in units.iter().filter(|unit| unit.given) {
        let found = allows_of(&unit.tree);
        if !found.is_empty() {
            allows.insert(unit.tree.id, found);
        }
    }
    let lines = |span: Span| sources.position(span).line;
    all.retain(|finding| match allows.get_mut(&finding.span.file) {
        Some(allows) if finding.code.allowable => !allowed(allows, finding, &lines),
        _ => true,
    });
    for (file, allows) in allows {
        for allow in allows {
            allow.judge(broken.contains(&file), &mut all);
        }
    }
    diag::merge(all)
}

/// One comment that allows something.
struct Allow {
    span: Span,
    names: Vec<Named>,
    reason: bool,
    scope: Scope,
}

struct Named {
    text: String,
    code: Option<&'static Code>,
    used: bool,
}

enum Scope {
    /// Of the statement that follows.
    Within(Span),
    /// Findings that begin on the comment's own line.
    Line,
    /// Nothing follows.
    Nothing,
}

fn allows_of(tree: &File) -> Vec<Allow> {
    tree.comments
        .iter()
        .filter_map(|comment| {
            let (names, reason) = parse(&comment.text)?;
            let scope = match comment.own_line {
                false => Scope::Line,
                true => next_statement(&tree.statements, comment).map_or(Scope::Nothing, Scope::Within),
            };
            Some(Allow { span: comment.span, names, reason, scope })
        })
        .collect()
}

/// `# wfl: allow(write-race, W404) both write the same bytes`.
fn parse(comment: &str) -> Option<(Vec<Named>, bool)> {
    let rest = comment.trim_start_matches('#').trim_start().strip_prefix("wfl:")?;
    let rest = rest.trim_start().strip_prefix("allow")?.trim_start().strip_prefix('(')?;
    let (names, reason) = rest.split_once(')').unwrap_or((rest, ""));
    let named = |name: &str| Named { text: name.to_owned(), code: codes::find(name), used: false };
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(named).collect();
    Some((names, !reason.trim().is_empty()))
}

/// The first statement that begins behind the comment, in the innermost block around it.
fn next_statement(statements: &[Statement], comment: &Comment) -> Option<Span> {
    let mut statements = statements;
    loop {
        let next = statements.partition_point(|statement| statement.span.start < comment.span.start);
        let around = next.checked_sub(1).map(|before| &statements[before]);
        match around.filter(|around| around.span.end > comment.span.end) {
            Some(around) => statements = around.body(),
            None => return statements.get(next).map(|statement| statement.span),
        }
    }
}

fn allowed(allows: &mut [Allow], finding: &Diagnostic, line: &dyn Fn(Span) -> u32) -> bool {
    for allow in allows {
        let inside = match allow.scope {
            Scope::Within(span) => span.start <= finding.span.start && finding.span.start <= span.end,
            Scope::Line => line(allow.span) == line(finding.span),
            Scope::Nothing => false,
        };
        let named = allow.names.iter_mut().find(|named| named.code.is_some_and(|code| code == finding.code));
        if let (true, Some(named)) = (inside, named) {
            named.used = true;
            return true;
        }
    }
    false
}

impl Allow {
    /// What is odd about the comment; a `broken` file may hide what it allows.
    fn judge(&self, broken: bool, found: &mut Vec<Diagnostic>) {
        for named in self.names.iter().filter(|named| !named.used) {
            let finding = |message: String| Diagnostic::new(&codes::W906, self.span, message);
            match named.code {
                None => {
                    let near = nearest(&named.text, codes::ALL.iter().map(|code| code.name));
                    found.push(
                        finding(format!("there is no check `{}`", named.text)).help_if(did_you_mean(&near)),
                    );
                }
                Some(code) if !code.allowable => found.push(
                    finding(format!("`{}` cannot be allowed", named.text))
                        .help("what could not run is always an error: mend it, and remove the comment"),
                ),
                Some(_) if broken => {}
                Some(_) => {
                    let finding = finding(format!("nothing here needs `{}` to be allowed", named.text))
                        .help("remove it from the comment");
                    let alone = self.names.len() == 1;
                    found.push(if alone { finding.fix(true, self.span, "") } else { finding });
                }
            }
        }
        if !self.reason {
            found.push(
                Diagnostic::new(&codes::W907, self.span, "a check is silenced and nobody says why")
                    .help("put the reason behind the bracket: `# wfl: allow(name) because of this`"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SourceFile;

    fn settled(text: &str, levels: &[(&'static Code, Level)], at: &[(&'static Code, &str)]) -> Vec<String> {
        let mut sources = SourceMap::default();
        let file = sources.add(SourceFile::new("a.wfl", text));
        let tree = crate::syntax::parse(file, text).0;
        let unit = Unit { name: "a.wfl".into(), std: false, given: true, tree, imports: vec![] };
        let found = at
            .iter()
            .map(|(code, word)| {
                let start = text.find(word).expect("a word of the text");
                Diagnostic::new(code, Span::new(file, start, start + word.len()), "x")
            })
            .collect();
        let line = |found: &Diagnostic| format!("{}:{}", sources.position(found.span).line, found.code.id);
        settle(&sources, &[unit], levels, found).iter().map(line).collect()
    }

    const STAGE: &str = "wfl 1\n# wfl: allow(unused-let) kept for later\nstage a {\n  exec \"x\"\n  exec \"y\" # wfl: allow(W110) z\n}\nstage b { exec \"w\" }\n";

    #[test]
    fn a_comment_allows_within_the_next_statement_or_on_its_line() {
        let at = [(&codes::W111, "\"x\""), (&codes::W110, "\"y\""), (&codes::W111, "\"w\"")];
        assert_eq!(settled(STAGE, &[], &at), ["7:W111"]);
    }

    #[test]
    fn what_allows_nothing_or_gives_no_reason_is_reported() {
        assert_eq!(settled(STAGE, &[], &[]), ["2:W906", "5:W906"]);
        let text =
            "# wfl: allow(unused-let)\nlet a = 1\n# wfl: allow(no-such) x\n# wfl: allow(E102) x\nlet b = 1\n";
        assert_eq!(settled(text, &[], &[(&codes::W111, "a =")]), ["1:W907", "3:W906", "4:W906"]);
        // Errors are not silenced, and while there are some, nobody knows what a comment is for.
        assert_eq!(settled(STAGE, &[], &[(&codes::E102, "\"x\"")]), ["4:E102"]);
    }

    #[test]
    fn levels_of_the_project_drop_and_raise() {
        let at = [(&codes::W111, "\"w\""), (&codes::W110, "stage b")];
        let levels = [(&codes::W111, Level::Allow), (&codes::W110, Level::Deny)];
        let text = "stage b { exec \"w\" }";
        assert_eq!(settled(text, &levels, &at), ["1:W110"]);
    }
}

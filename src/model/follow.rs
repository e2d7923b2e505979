//! Findings that only follow from another one: a statement that cannot be read takes its line and its names along.
//! Finds nothing itself, and leaves files alone in which everything could be read.

use std::collections::{HashMap, HashSet};

use crate::base::{FileId, Name, SourceMap, Span};
use crate::diag::{self, Diagnostic, Severity};
use crate::syntax::ast::Statement;
use crate::syntax::module::Unit;

/// A bracket or a quote without its partner: what else its line seems to say is a guess.
const TORN: &[&str] = &["E001", "E002", "E005"];
/// A name that something in the file may have defined.
const LOST_NAME: &[&str] = &["E102", "E202", "E216", "E401"];
/// What judges by what is missing from a statement that holds something unreadable.
const OF_STATEMENT: &[&str] = &["E216", "E611", "W802", "W803"];
/// What judges by which stages a lane holds.
const OF_LANES: &[&str] = &["W204", "W207", "W310", "W601", "W609", "W611", "W614"];
/// What judges by what nothing in the file uses or says.
const OF_FILE: &[&str] = &["E216", "W008", "W110", "W111", "W112", "W128"];

/// Something that could not be read, so that nobody knows what it would have defined or used.
fn is_unread(found: &Diagnostic) -> bool {
    found.is_error() && (found.code.id == "E120" || is_unreadable(found))
}

/// The same, but for a statement that only lacks its value.
fn is_unreadable(found: &Diagnostic) -> bool {
    (found.code.id == "E101" || found.code.id.starts_with("E0")) && !diag::is_spelling(found)
}

/// What is unreadable in one file.
#[derive(Default)]
struct Damage {
    /// Lines with a bracket or quote that has no partner.
    torn: HashSet<u32>,
    /// Where something could not be read, sorted, and with what code first.
    places: Vec<(u32, &'static str)>,
    /// What the unreadable lines may have defined.
    names: HashSet<String>,
    /// Whether more than a value is missing somewhere.
    unreadable: bool,
    /// The statements of the file that hold something unreadable.
    statements: Vec<Damaged>,
}

struct Damaged {
    span: Span,
    /// What it defines, if that can be seen.
    name: Option<Name>,
    /// What is measured, and by what, decides which names there are.
    is_gate: bool,
}

/// The findings without those that are nothing but consequences.
pub(super) fn drop_consequences(sources: &SourceMap, units: &[Unit], found: &mut Vec<Diagnostic>) {
    let mut files: HashMap<FileId, Damage> = HashMap::new();
    for unread in found.iter().filter(|found| is_unread(found)) {
        files.entry(unread.span.file).or_default().add(sources, unread);
    }
    if files.is_empty() {
        return;
    }
    for unit in units {
        if let Some(damage) = files.get_mut(&unit.tree.id) {
            damage.places.sort_unstable();
            damage.statements = unit.tree.statements.iter().filter_map(|at| damage.within(at)).collect();
        }
    }
    found.retain(|found| !files.get(&found.span.file).is_some_and(|damage| damage.explains(sources, found)));
}

impl Damage {
    fn add(&mut self, sources: &SourceMap, unread: &Diagnostic) {
        let line = sources.position(unread.span).line;
        if TORN.contains(&unread.code.id) {
            self.torn.insert(line);
        }
        self.unreadable |= is_unreadable(unread);
        self.places.push((unread.span.start, unread.code.id));
        let text = &sources.get(unread.span.file).text;
        self.names.extend(may_define(line_around(text, unread.span.start as usize)));
    }

    fn within(&self, statement: &Statement) -> Option<Damaged> {
        let first = self.places.partition_point(|(place, _)| *place < statement.span.start);
        let place = self.places.get(first)?.0;
        let name = match statement.binding() {
            Some(binding) => Some(binding.name.text.clone()),
            None => statement.operands().first().and_then(|first| first.word()).map(Name::from),
        };
        let is_gate = statement.head.text == "gate";
        (place <= statement.span.end).then_some(Damaged { span: statement.span, name, is_gate })
    }

    fn explains(&self, sources: &SourceMap, found: &Diagnostic) -> bool {
        let (id, start) = (found.code.id, found.span.start);
        if found.severity == Severity::Info {
            return false;
        }
        if !TORN.contains(&id) && self.torn.contains(&sources.position(found.span).line) {
            return true;
        }
        if OF_LANES.contains(&id) || (OF_FILE.contains(&id) && self.unreadable) {
            return true;
        }
        if LOST_NAME.contains(&id) && self.has_lost(found) {
            return true;
        }
        if self.statements.iter().any(|damaged| damaged.explains(found)) {
            return true;
        }
        // Two stages that stumble over the same place: the one that reads first knows best.
        let first = self.places.partition_point(|(place, _)| *place < start);
        let reads_first = |(place, code): &(u32, &str)| *place == start && *code < id;
        (id == "E101" || id == "E107" || id.starts_with("E01"))
            && self.places.get(first).is_some_and(reads_first)
    }

    /// Whether what the finding misses may stand in a line that could not be read.
    fn has_lost(&self, found: &Diagnostic) -> bool {
        let named = found.message.split('`').skip(1).step_by(2);
        let mut named = named.map(|name| name.rsplit('.').next().unwrap_or(name));
        named.any(|name| self.names.contains(name))
    }
}

impl Damaged {
    fn explains(&self, found: &Diagnostic) -> bool {
        let (id, start) = (found.code.id, found.span.start);
        if id == "E401" {
            let named = self.name.as_ref();
            return named.is_some_and(|name| found.message.starts_with(&format!("`{name}` has no")));
        }
        let by_what_is_missing = OF_STATEMENT.contains(&id)
            || (self.is_gate && (id == "E102" || found.message.contains("left over from before")));
        by_what_is_missing && self.span.start <= start && start <= self.span.end
    }
}

fn line_around(text: &str, at: usize) -> &str {
    let at = at.min(text.len());
    let start = text[..at].rfind('\n').map_or(0, |before| before + 1);
    let end = text[at..].find('\n').map_or(text.len(), |far| at + far);
    &text[start..end]
}

/// The words of a line that stand where a definition has its name: in front, or before `=`, `:`, `(` or `{`.
fn may_define(line: &str) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut names = Vec::new();
    let (mut at, mut index) = (0, 0);
    while let Some(far) = line[at..].find(is_word) {
        if line[at..at + far].contains([';', '{']) {
            index = 0;
        }
        let start = at + far;
        at = line[start..].find(|c| !is_word(c)).map_or(line.len(), |end| start + end);
        let after = line[at..].trim_start();
        let named =
            after.starts_with([':', '(', '{']) || (after.starts_with('=') && !after.starts_with("=="));
        if index < 2 || named {
            names.push(line[start..at].to_owned());
        }
        index += 1;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::may_define;

    #[test]
    fn a_name_stands_in_front_or_before_what_it_is_given() {
        assert_eq!(may_define("  semver {"), ["semver"]);
        assert_eq!(may_define("gate semver ) needs other"), ["gate", "semver"]);
        assert_eq!(may_define("timeout 5m measure failed: int = exit"), ["timeout", "5m", "failed", "int"]);
        assert_eq!(may_define("when a == b"), ["when", "a"]);
    }
}

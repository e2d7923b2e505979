//! The keyword table: which keyword may stand in which block, what it takes, and what it means. The checker,
//! completion, formatter and reference all read it. Knows nothing of names or types of values.

pub mod check;
mod foreign;
mod lanes;
mod project;
mod stages;

use std::sync::OnceLock;

/// A kind of block, or the file itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    File,
    Param,
    Defaults,
    Stage,
    Tool,
    Gate,
    Out,
    /// `before` and `after`.
    Checks,
    /// `finally` and `do`.
    Actions,
    Lane,
    Gates,
    Approve,
    Override,
    Retry,
    Breaker,
    Repair,
    Help,
    Pool,
    Project,
    Group,
    Environment,
    Keep,
    Principle,
    Test,
    Mock,
    Attempt,
    Answer,
    /// The template's values, `NAME = value`, beside a few keywords.
    Render,
    /// `NAME = value` lines only: `env`, `matrix`, `meta`, `given`, and the values of `call`.
    Assignments,
    /// What takes an effect back, with limits of its own.
    Undo,
}

impl Context {
    /// The block in a sentence: "in a stage", "at the top of a file".
    pub fn place(self) -> &'static str {
        match self {
            Context::File => "at the top of a file",
            Context::Param => "in a `param` block",
            Context::Defaults => "in `defaults`",
            Context::Stage => "in a stage",
            Context::Tool => "in a tool",
            Context::Gate => "in a gate",
            Context::Out => "in an `out` block",
            Context::Checks => "in `before` or `after`",
            Context::Actions => "in `finally` or `do`",
            Context::Lane => "in a lane",
            Context::Gates => "in a lane's `gates`",
            Context::Approve => "in an `approve` block",
            Context::Override => "in an `override`",
            Context::Retry => "in a retry policy",
            Context::Breaker => "in a breaker",
            Context::Repair => "in a repair rule",
            Context::Help => "in a `help`",
            Context::Pool => "in a pool",
            Context::Project => "in `project`",
            Context::Group => "in a group",
            Context::Environment => "in `environment`",
            Context::Keep => "in the project's `keep`",
            Context::Principle => "in a principle",
            Context::Test => "in a test",
            Context::Mock => "in a `mock`",
            Context::Attempt => "in an `attempt`",
            Context::Answer => "in a test's `approve` or `reject`",
            Context::Render => "in a `render` block",
            Context::Assignments => "in a block of `NAME = value` lines",
            Context::Undo => "in `undo`",
        }
    }
}

/// What operands a keyword takes; `ty` names what stands there, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// No operand.
    Nothing,
    /// Declares a name: `stage build`.
    Name,
    /// A quoted title: `test "…"`.
    Title,
    /// `keyword NAME: type = value`; `value` says whether the value must be there.
    Binding { value: bool },
    /// Values, each of the type named.
    Values { min: usize, max: usize, ty: &'static str },
    /// Names of things defined elsewhere.
    References { min: usize, max: usize, to: &'static str },
    /// One of fixed words.
    Words { min: usize, words: &'static [&'static str] },
    /// A condition.
    Condition,
    /// `"""…"""`.
    Script,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClauseRow {
    pub word: &'static str,
    pub required: bool,
    pub min: usize,
    pub max: usize,
    /// What its operands are, for people.
    pub ty: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockRule {
    None,
    Optional(Context),
    Required(Context),
}

impl BlockRule {
    pub fn context(self) -> Option<Context> {
        match self {
            BlockRule::None => None,
            BlockRule::Optional(context) | BlockRule::Required(context) => Some(context),
        }
    }
}

/// One keyword in the contexts where it means the same.
#[derive(Debug)]
pub struct Row {
    pub keyword: &'static str,
    pub contexts: &'static [Context],
    pub shape: Shape,
    pub clauses: &'static [ClauseRow],
    pub block: BlockRule,
    /// May stand more than once in one block.
    pub many: bool,
    /// The block lacks something without it.
    pub required: bool,
    pub default: Option<&'static str>,
    /// Edition of the language it came with.
    pub since: u32,
    /// What to write instead.
    pub deprecated: Option<&'static str>,
    pub doc: &'static str,
}

impl Row {
    const fn new(
        keyword: &'static str,
        contexts: &'static [Context],
        shape: Shape,
        doc: &'static str,
    ) -> Row {
        Row {
            keyword,
            contexts,
            shape,
            clauses: &[],
            block: BlockRule::None,
            many: false,
            required: false,
            default: None,
            since: 1,
            deprecated: None,
            doc,
        }
    }

    const fn many(mut self) -> Row {
        self.many = true;
        self
    }

    const fn required(mut self) -> Row {
        self.required = true;
        self
    }

    const fn clauses(mut self, clauses: &'static [ClauseRow]) -> Row {
        self.clauses = clauses;
        self
    }

    const fn block(mut self, context: Context) -> Row {
        self.block = BlockRule::Required(context);
        self
    }

    const fn may_block(mut self, context: Context) -> Row {
        self.block = BlockRule::Optional(context);
        self
    }

    const fn default(mut self, value: &'static str) -> Row {
        self.default = Some(value);
        self
    }

    /// How the keyword is written, for help texts: `timeout DURATION`.
    pub fn usage(&self) -> String {
        let mut text = self.keyword.to_string();
        match self.shape {
            Shape::Nothing => {}
            Shape::Name => text.push_str(" NAME"),
            Shape::Title => text.push_str(" \"TITLE\""),
            Shape::Binding { value: true } => text.push_str(" NAME = VALUE"),
            Shape::Binding { value: false } => text.push_str(" NAME: TYPE"),
            Shape::Values { min, max, ty } | Shape::References { min, max, to: ty } => {
                text.push_str(&operand_usage(min, max, ty));
            }
            Shape::Words { min, words } => text.push_str(&operand_usage(min, 1, &words.join("|"))),
            Shape::Condition => text.push_str(" CONDITION"),
            Shape::Script => text.push_str(" \"\"\"…\"\"\""),
        }
        for clause in self.clauses.iter().filter(|clause| clause.required) {
            text.push_str(&format!(" {} {}", clause.word, clause.ty.to_uppercase()));
        }
        if matches!(self.block, BlockRule::Required(_)) {
            text.push_str(" { … }");
        }
        text
    }
}

fn operand_usage(min: usize, max: usize, ty: &str) -> String {
    let name = ty.to_uppercase();
    match (min, max) {
        (0, 0) => String::new(),
        (0, _) => format!(" [{name}]"),
        (_, 1) => format!(" {name}"),
        _ => format!(" {name}, …"),
    }
}

const ANY: usize = usize::MAX;

const fn values(min: usize, max: usize, ty: &'static str) -> Shape {
    Shape::Values { min, max, ty }
}

const fn references(min: usize, max: usize, to: &'static str) -> Shape {
    Shape::References { min, max, to }
}

const fn words(words: &'static [&'static str]) -> Shape {
    Shape::Words { min: 1, words }
}

const fn clause(word: &'static str, min: usize, max: usize, ty: &'static str) -> ClauseRow {
    ClauseRow { word, required: true, min, max, ty }
}

const fn may_clause(word: &'static str, min: usize, max: usize, ty: &'static str) -> ClauseRow {
    ClauseRow { word, required: false, min, max, ty }
}

/// Why something is weakened or allowed; the same everywhere.
const BECAUSE: ClauseRow = may_clause("because", 1, 1, "string");

/// Every row of the table, file level first.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    stages::ROWS.iter().chain(lanes::ROWS).chain(project::ROWS)
}

/// The rows of each context, by its number.
fn index() -> &'static [Vec<&'static Row>] {
    static INDEX: OnceLock<Vec<Vec<&'static Row>>> = OnceLock::new();
    INDEX.get_or_init(|| {
        let last = contexts().iter().map(|context| *context as usize).max().unwrap_or(0);
        let mut index = vec![Vec::new(); last + 1];
        for row in rows() {
            row.contexts.iter().for_each(|context| index[*context as usize].push(row));
        }
        index
    })
}

/// The row of a keyword in a context.
pub fn row(context: Context, word: &str) -> Option<&'static Row> {
    rows_of(context).iter().find(|row| row.keyword == word).copied()
}

/// The keywords that may stand in a context, in the table's order.
pub fn keywords(context: Context) -> impl Iterator<Item = &'static Row> {
    rows_of(context).iter().copied()
}

fn rows_of(context: Context) -> &'static [&'static Row] {
    index().get(context as usize).map_or(&[], |rows| rows)
}

/// Every context there is, the file first.
pub fn contexts() -> &'static [Context] {
    use Context::{
        Actions, Answer, Approve, Assignments, Attempt, Breaker, Checks, Defaults, Environment, File, Gate,
        Gates, Group, Help, Keep, Lane, Mock, Out, Override, Param, Pool, Principle, Project, Render, Repair,
        Retry, Stage, Test, Tool, Undo,
    };
    &[
        File,
        Param,
        Defaults,
        Stage,
        Tool,
        Gate,
        Out,
        Checks,
        Actions,
        Lane,
        Gates,
        Approve,
        Override,
        Retry,
        Breaker,
        Repair,
        Help,
        Pool,
        Project,
        Group,
        Environment,
        Keep,
        Principle,
        Test,
        Mock,
        Attempt,
        Answer,
        Render,
        Assignments,
        Undo,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_means_one_thing_in_one_context() {
        let mut seen = std::collections::HashSet::new();
        for row in rows() {
            for context in row.contexts {
                assert!(seen.insert((*context, row.keyword)), "{} twice {}", row.keyword, context.place());
            }
            assert!(row.doc.ends_with('.'), "{} has no sentence", row.keyword);
        }
    }

    #[test]
    fn every_context_but_assignments_has_keywords_and_a_block_that_opens_it() {
        for context in contexts() {
            let opened = rows().any(|row| row.block.context() == Some(*context));
            assert!(opened || *context == Context::File, "nothing opens {}", context.place());
            assert_eq!(keywords(*context).next().is_some(), *context != Context::Assignments);
        }
    }

    #[test]
    fn the_usage_of_a_keyword_shows_what_it_takes() {
        let usage = |context, word| row(context, word).map(Row::usage).unwrap_or_default();
        assert_eq!(usage(Context::Stage, "timeout"), "timeout DURATION");
        assert_eq!(usage(Context::Lane, "replace"), "replace STAGE with STAGE");
        assert_eq!(usage(Context::Lane, "on-failure"), "on-failure STOP|KEEP-GOING|ROLLBACK");
        assert_eq!(usage(Context::File, "stage"), "stage NAME { … }");
    }
}

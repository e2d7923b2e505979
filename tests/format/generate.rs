//! Random programs from the keyword table: every row, clause and block, with types that mostly fit. Knows nothing of
//! lines and spaces, which `layout` chooses.

use std::collections::{BTreeSet, HashMap};

use wfl::model::schema::{self, BlockRule, ClauseRow, Context, Row, Shape};

use super::dice::Dice;
use super::expressions::{ALL, Expressions, Space, Token, Ty};

/// A statement as tokens; each attribute apart.
#[derive(Debug, Default)]
pub struct Statement {
    pub attributes: Vec<Vec<Token>>,
    pub head: Vec<Token>,
    pub block: Option<Vec<Statement>>,
}

pub struct Program {
    pub statements: Vec<Statement>,
    /// The rows it uses.
    pub rows: Vec<(Context, &'static str)>,
}

/// A program of the seed.
pub fn program(dice: &mut Dice) -> Program {
    let names = dice.percent(30);
    let mut maker = Maker {
        dice,
        rows: vec![(Context::File, "wfl")],
        names,
        wanted: BTreeSet::new(),
        counts: HashMap::new(),
    };
    let mut statements = vec![maker.simple(&["wfl", "1"])];
    statements.extend(maker.preamble());
    let kinds: Vec<&Row> = schema::keywords(Context::File).filter(|row| row.keyword != "wfl").collect();
    for _ in 0..maker.dice.between(1, 4) {
        let row = *maker.dice.pick(&kinds);
        statements.push(maker.statement(Context::File, row));
    }
    statements.extend(maker.missing());
    Program { statements, rows: maker.rows }
}

struct Maker<'d> {
    dice: &'d mut Dice,
    rows: Vec<(Context, &'static str)>,
    /// Whether the file declares what expressions may refer to.
    names: bool,
    /// Kinds of which one is referred to that no statement has declared yet.
    wanted: BTreeSet<&'static str>,
    /// How many names of each kind are taken.
    counts: HashMap<&'static str, usize>,
}

impl Maker<'_> {
    fn tokens(&mut self, make: impl FnOnce(&mut Expressions<'_>)) -> Vec<Token> {
        let mut expressions = Expressions::new(self.dice);
        expressions.names = self.names;
        make(&mut expressions);
        expressions.out
    }

    fn simple(&mut self, words: &[&str]) -> Statement {
        let head = self.tokens(|out| words.iter().for_each(|word| out.word(word)));
        Statement { head, ..Statement::default() }
    }

    /// What expressions refer to, in most programs.
    fn preamble(&mut self) -> Vec<Statement> {
        if !self.names {
            return vec![self.base()];
        }
        let mut all: Vec<Statement> = ALL.iter().map(|ty| self.declare("let", ty.param(), *ty)).collect();
        let functions: [&[(&str, Space)]; 2] = [
            &[
                ("shout", Space::Must),
                ("(", Space::Never),
                ("s", Space::May),
                (":", Space::May),
                ("string", Space::May),
                (")", Space::May),
                ("=", Space::May),
                ("s", Space::May),
            ],
            &[
                ("fits", Space::Must),
                ("(", Space::Never),
                ("n", Space::May),
                (":", Space::May),
                ("int", Space::May),
                (",", Space::May),
                ("s", Space::May),
                (":", Space::May),
                ("string", Space::May),
                (")", Space::May),
                ("=", Space::May),
                ("n", Space::May),
                (">", Space::Must),
                ("1", Space::May),
                ("and", Space::Must),
                ("s", Space::Must),
                ("!=", Space::May),
                ("\"\"", Space::May),
            ],
        ];
        for function in functions {
            let head = self.tokens(|out| {
                out.word("fn");
                function.iter().for_each(|(text, space)| out.push(*text, *space));
            });
            all.push(Statement { head, ..Statement::default() });
        }
        all.push(self.base());
        all
    }

    /// A stage that others may refer to.
    fn base(&mut self) -> Statement {
        let exec = self.simple(&["exec", "\"true\""]);
        Statement { block: Some(vec![exec]), ..self.simple(&["stage", "base"]) }
    }

    fn declare(&mut self, keyword: &str, name: &str, ty: Ty) -> Statement {
        let typed = self.dice.percent(70);
        let head = self.tokens(|out| {
            out.word(keyword);
            out.word(name);
            if typed {
                type_of(out, ty, true);
            }
            out.push("=", Space::May);
            out.names = false;
            out.literal(ty);
        });
        Statement { head, ..Statement::default() }
    }

    /// A new name of a kind: `stage-3`.
    fn fresh(&mut self, kind: &'static str) -> String {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        format!("{kind}-{count}")
    }

    /// A name of a kind: of one further up, or of one that is declared at the end.
    fn known(&mut self, kind: &'static str) -> String {
        let above = self.counts.get(kind).map_or(0, |count| count - 1);
        if above > 0 && self.dice.percent(40) {
            return format!("{kind}-{}", self.dice.between(1, above));
        }
        match kind {
            "stage" => "base".into(),
            _ => {
                self.wanted.insert(kind);
                format!("{kind}-0")
            }
        }
    }

    /// The plainest definition of everything that is referred to and not there.
    fn missing(&mut self) -> Vec<Statement> {
        let wanted = std::mem::take(&mut self.wanted);
        let define = |kind: &'static str| {
            let inner: &[&[&str]] = match kind {
                "lane" => &[&["include", "base"]],
                "tool" => &[&["exec", "\"true\""]],
                "gate" => &[&["exec", "\"true\""], &["require", "exit", "==", "0"]],
                "retry" => &[&["attempts", "2"]],
                "breaker" => &[&["failures", "3"]],
                _ => &[&["slots", "2"]],
            };
            let block = inner.iter().map(|words| self.simple(words)).collect();
            Statement { block: Some(block), ..self.simple(&[kind, &format!("{kind}-0")]) }
        };
        wanted.into_iter().map(define).collect()
    }

    fn statement(&mut self, context: Context, row: &'static Row) -> Statement {
        self.rows.push((context, row.keyword));
        let mut statement = Statement { attributes: self.attributes(context), ..Statement::default() };
        statement.head = self.head(context, row);
        for clause in row.clauses {
            if clause.required || self.dice.percent(30) {
                let mut tokens = self.clause(clause);
                statement.head.append(&mut tokens);
            }
        }
        statement.block = match row.block {
            BlockRule::None => None,
            BlockRule::Optional(_) if self.dice.percent(60) => None,
            BlockRule::Optional(inner) | BlockRule::Required(inner) => Some(self.block(row.keyword, inner)),
        };
        statement
    }

    fn attributes(&mut self, context: Context) -> Vec<Vec<Token>> {
        let file = context == Context::File;
        if !self.dice.percent(if file { 15 } else { 2 }) {
            return Vec::new();
        }
        vec![self.tokens(|out| {
            out.push("@", Space::May);
            out.push("deprecated", Space::Never);
            out.push("(", Space::Never);
            for (index, (name, text)) in [("since", "\"1.4\""), ("use", "\"x\"")].into_iter().enumerate() {
                if index > 0 {
                    out.push(",", Space::May);
                }
                out.push(name, Space::May);
                out.push("=", Space::May);
                out.push(text, Space::May);
            }
            out.push(")", Space::May);
        })]
    }

    fn block(&mut self, keyword: &str, context: Context) -> Vec<Statement> {
        if context == Context::Assignments {
            return self.assignments(keyword);
        }
        let rows: Vec<&'static Row> = schema::keywords(context).collect();
        // Of the longest list of rows, those of an `override`, which few programs have, more at once.
        let most = if context == Context::Override { 12 } else { rows.len().min(5) };
        let wanted = self.dice.between(0, most);
        let mut chosen: Vec<&'static Row> = rows.iter().copied().filter(|row| row.required).collect();
        for _ in 0..wanted {
            let row = *self.dice.pick(&rows);
            if row.many || !chosen.iter().any(|other| other.keyword == row.keyword) {
                chosen.push(row);
            }
        }
        let needed: &[&str] = match context {
            Context::Stage => &["run"],
            Context::Tool => &["exec"],
            Context::Gate => &["exec", "require"],
            Context::Lane => &["include"],
            Context::Retry => &["attempts"],
            _ => &[],
        };
        for keyword in needed {
            if !chosen.iter().any(|row| row.keyword == *keyword) && self.dice.percent(95) {
                chosen.extend(rows.iter().copied().find(|row| row.keyword == *keyword));
            }
        }
        chosen.into_iter().map(|row| self.statement(context, row)).collect()
    }

    fn assignments(&mut self, keyword: &str) -> Vec<Statement> {
        let names: &[&str] = match keyword {
            "env" => &["OUT", "A_LONG_NAME_OF_A_VARIABLE", "x", "HOME2"],
            "given" => &["git.branch", "a-text", "change.type"],
            _ => &["shard", "profile", "a", "long-name"],
        };
        let count = self.dice.between(0, names.len());
        let mut all = Vec::new();
        for name in &names[..count] {
            let list = keyword == "matrix";
            let tokens = self.tokens(|out| {
                let mut parts = name.split('.');
                out.word(parts.next().unwrap_or_default());
                parts.for_each(|part| {
                    out.push(".", Space::Never);
                    out.push(part, Space::Never);
                });
                out.push("=", Space::May);
                match list {
                    true => out.literal(Ty::Texts),
                    false => out.value(Ty::Text, 2),
                }
            });
            all.push(Statement { head: tokens, ..Statement::default() });
        }
        all
    }

    fn clause(&mut self, clause: &ClauseRow) -> Vec<Token> {
        let count = self.dice.between(clause.min, clause.max.min(clause.min + 2));
        let names: Vec<String> = (0..count).map(|_| self.known("stage")).collect();
        let alias = self.fresh("alias");
        self.tokens(|out| {
            out.word(clause.word);
            for (index, name) in names.iter().enumerate() {
                if index > 0 {
                    out.push(",", Space::May);
                }
                match clause.ty {
                    "string" | "path" => out.string(),
                    "condition" => out.value(Ty::Bool, 2),
                    "name" => out.word(&alias),
                    "event" => out.word("failure"),
                    _ => out.word(name),
                }
            }
        })
    }

    fn head(&mut self, context: Context, row: &'static Row) -> Vec<Token> {
        let keyword = row.keyword;
        match row.shape {
            Shape::Nothing => self.tokens(|out| out.word(keyword)),
            Shape::Name => {
                let name = self.fresh(keyword);
                self.tokens(|out| {
                    out.word(keyword);
                    out.word(&name);
                })
            }
            Shape::Title => {
                let title = self.fresh("title");
                self.tokens(|out| {
                    out.word(keyword);
                    out.word(&format!("\"{title}\""));
                })
            }
            Shape::Binding { value } => self.binding(keyword, value),
            Shape::Values { min, max, ty } => self.values(keyword, (min, max), ty),
            Shape::References { min, max, to } => self.references(keyword, (min, max), to),
            Shape::Words { words, .. } => {
                let word = *self.dice.pick(words);
                self.tokens(|out| {
                    out.word(keyword);
                    out.word(word);
                })
            }
            Shape::Condition => {
                let judging = !matches!(context, Context::Stage | Context::Override);
                self.tokens(|out| {
                    out.word(keyword);
                    out.judging = judging;
                    out.value(Ty::Bool, 3);
                })
            }
            Shape::Script => self.script(),
        }
    }

    fn binding(&mut self, keyword: &'static str, value: bool) -> Vec<Token> {
        let name = self.fresh(keyword);
        let ty = if keyword == "secret" { Ty::Text } else { *self.dice.pick(&ALL) };
        let (typed, valued) = (!value || self.dice.percent(50), value || self.dice.percent(50));
        let optional = typed && self.dice.percent(10);
        self.tokens(|out| {
            out.word(keyword);
            out.word(&name);
            if keyword == "fn" {
                out.push("(", Space::Never);
                out.push("b", Space::May);
                out.push(":", Space::May);
                out.push("int", Space::May);
                out.push(")", Space::May);
            }
            match (typed, keyword, ty) {
                (true, "param", Ty::Text) => words(out),
                (true, ..) => type_of(out, ty, valued && !optional),
                _ => {}
            }
            if optional {
                out.push("?", Space::Never);
            }
            if valued {
                out.push("=", Space::May);
                out.value(ty, if keyword == "param" { 0 } else { 3 });
            }
        })
    }

    fn values(&mut self, keyword: &'static str, (min, max): (usize, usize), ty: &str) -> Vec<Token> {
        let most = if self.dice.percent(10) { 12 } else { 3 };
        let count = self.dice.between(min, max.min(most));
        let auto = self.dice.percent(50);
        self.tokens(|out| {
            out.word(keyword);
            for index in 0..count {
                if index > 0 {
                    out.push(",", Space::May);
                }
                match ty {
                    "int" => {
                        let number = *out.dice.pick(&["1", "2", "42", "1_00"]);
                        out.word(number);
                    }
                    "glob" | "path" => {
                        let path = *out.dice.pick(&["\"src/**\"", "\"Cargo.*\"", "\"a b\"", "\"dist\""]);
                        out.word(path);
                    }
                    _ if keyword == "import" => out.word("\"shared/smoke.wfl\""),
                    "duration" => out.value(Ty::Duration, 2),
                    "string" if max > 1 => out.value(Ty::Text, 2),
                    "int|auto|off" if auto => out.word("auto"),
                    "int|auto|off" => out.word("4"),
                    ty if ty.starts_with("exponential") => backoff(out),
                    _ => out.string(),
                }
            }
            if keyword == "exec" && auto {
                out.push(",", Space::May);
                out.push("...", Space::May);
                out.push("texts", Space::Never);
            }
        })
    }

    fn references(&mut self, keyword: &'static str, (min, max): (usize, usize), to: &str) -> Vec<Token> {
        let count = self.dice.between(min, max.min(3));
        let kind = ["stage", "gate", "tool", "lane", "retry", "breaker", "pool"]
            .into_iter()
            .find(|kind| *kind == to);
        let names: Vec<String> = (0..count).map(|_| self.known(kind.unwrap_or("stage"))).collect();
        let (optional, range) = (keyword == "needs" && self.dice.percent(30), self.dice.percent(20));
        self.tokens(|out| {
            out.word(keyword);
            for (index, name) in names.iter().enumerate() {
                if index > 0 {
                    out.push(",", Space::May);
                }
                match to {
                    "repairs" => out.member("std", "repair"),
                    "target" => out.word("desktop"),
                    "stage" if keyword == "include" && range => {
                        out.word("0");
                        out.push("..", Space::May);
                        out.push("6", Space::May);
                    }
                    _ => out.word(name),
                }
                if optional {
                    out.push("?", Space::Never);
                }
            }
        })
    }

    fn script(&mut self) -> Vec<Token> {
        const LINES: &[&str] = &[
            "echo a",
            "  echo indented",
            "",
            "echo \"$HOME\" # no comment of ours",
            "\techo tab",
            "true \\",
            "",
            "echo '{' '}'",
            "echo \"\"",
            "if true; then echo y; fi",
            "# a line of the shell's",
            "   ",
        ];
        let lines: Vec<String> = (0..self.dice.below(6))
            .map(|_| (*self.dice.pick(LINES)).to_owned())
            .chain(["true".into()])
            .collect();
        let interpreter = *self.dice.pick(&["", "", "sh", "python"]);
        self.tokens(|out| {
            out.word("run");
            if !interpreter.is_empty() {
                out.word(interpreter);
            }
            out.word("\"\"\"");
            if let Some(script) = out.out.last_mut() {
                script.script = Some(lines);
            }
        })
    }
}

/// `loose`: a value follows, so that even a `>` that stands apart is read well.
fn type_of(out: &mut Expressions<'_>, ty: Ty, loose: bool) {
    out.push(":", Space::May);
    match ty.name().split_once('<') {
        Some((list, inner)) => {
            out.push(list, Space::May);
            out.push("<", Space::Never);
            out.push(inner.trim_end_matches('>'), Space::May);
            let apart = loose && out.dice.percent(20);
            out.push(">", if apart { Space::Must } else { Space::Never });
            if let Some(bracket) = out.out.last_mut() {
                bracket.waits = apart;
            }
        }
        None => out.push(ty.name(), Space::May),
    }
}

/// `: enum("a", "b",)`.
fn words(out: &mut Expressions<'_>) {
    out.push(":", Space::May);
    out.push("enum", Space::May);
    out.push("(", Space::Never);
    for word in ["\"a\"", "\"b\""] {
        out.push(word, Space::May);
        out.push(",", Space::May);
    }
    out.push(")", Space::May);
}

fn backoff(out: &mut Expressions<'_>) {
    out.word("exponential");
    out.push("(", Space::Never);
    out.push("2s", Space::May);
    out.push("..", Space::May);
    out.push("30s", Space::May);
    for (name, value) in [("factor", "2"), ("jitter", "50%")] {
        out.push(",", Space::May);
        out.push(name, Space::May);
        out.push("=", Space::May);
        out.push(value, Space::May);
    }
    out.push(")", Space::May);
}

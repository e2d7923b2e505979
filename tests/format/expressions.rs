//! Random expressions as tokens, of a wanted type so that most of them mean something. Knows no statements.

use super::dice::Dice;

/// What must stand between a token and the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Nothing: they belong together.
    Never,
    May,
    Must,
}

#[derive(Clone, Debug)]
pub struct Token {
    pub text: String,
    pub before: Space,
    /// A line may end behind it outside of brackets too.
    pub waits: bool,
    /// `"""`, the text's lines, and what is shown behind the opening quotes.
    pub script: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ty {
    Text,
    Int,
    Float,
    Bool,
    Duration,
    Percent,
    Size,
    Texts,
    Ints,
}

pub const ALL: [Ty; 9] =
    [Ty::Text, Ty::Int, Ty::Float, Ty::Bool, Ty::Duration, Ty::Percent, Ty::Size, Ty::Texts, Ty::Ints];

impl Ty {
    pub fn name(self) -> &'static str {
        match self {
            Ty::Text => "string",
            Ty::Int => "int",
            Ty::Float => "float",
            Ty::Bool => "bool",
            Ty::Duration => "duration",
            Ty::Percent => "percent",
            Ty::Size => "size",
            Ty::Texts => "list<string>",
            Ty::Ints => "list<int>",
        }
    }

    /// The parameter of that type that every program declares.
    pub fn param(self) -> &'static str {
        match self {
            Ty::Text => "a-text",
            Ty::Int => "a_number",
            Ty::Float => "a-float",
            Ty::Bool => "flag",
            Ty::Duration => "wait",
            Ty::Percent => "share",
            Ty::Size => "limit",
            Ty::Texts => "texts",
            Ty::Ints => "numbers",
        }
    }
}

pub struct Expressions<'d> {
    pub dice: &'d mut Dice,
    pub out: Vec<Token>,
    /// `exit` and `stderr` may be read.
    pub judging: bool,
    /// Names of the file may be read.
    pub names: bool,
}

const STRINGS: &[&str] = &[
    "",
    "a",
    "src/**",
    "a b",
    "# no comment",
    "x;y",
    "{",
    "}}",
    "//",
    "a, b",
    "\\\"",
    "\\\\",
    "\\n",
    "\\{x\\}",
    "\\u{e9}",
    "ünïcode",
    "if a then b",
    "==",
    "'",
    "--flag=value",
    "very-long-argument-that-takes-up-space",
];

impl<'d> Expressions<'d> {
    pub fn new(dice: &'d mut Dice) -> Self {
        Expressions { dice, out: Vec::new(), judging: false, names: true }
    }

    pub fn push(&mut self, text: impl Into<String>, before: Space) {
        let text = text.into();
        let joining = ["and", "or", "not", "in", "matches", "like", "if", "then", "else"];
        let operators = [",", "=", "==", "!=", "<", "<=", ">=", ">", "??", "..", "+", "-", "*", "/"];
        let waits = joining.contains(&text.as_str()) || operators.contains(&text.as_str());
        self.out.push(Token { text, before, waits, script: None });
    }

    pub fn word(&mut self, text: &str) {
        self.push(text, Space::Must);
    }

    /// Spaces are the author's choice, but for what would be read as another word.
    fn operator(&mut self, text: &str) {
        let is_word = text.starts_with(|c: char| c.is_alphabetic());
        let sign = ["+", "-"].contains(&text);
        // A `>` that touches what is before it does not make a line go on.
        self.push(text, if is_word || sign || text == ">" { Space::Must } else { Space::May });
        if !is_word {
            self.after(if sign { Space::Must } else { Space::May });
        }
    }

    /// What the next token needs before it, whatever it says itself, but for what belongs to this one.
    fn after(&mut self, space: Space) {
        self.out.push(Token { text: String::new(), before: space, waits: false, script: None });
    }

    fn open(&mut self, bracket: &str, before: Space) {
        self.push(bracket, before);
        self.after(Space::May);
    }

    fn close(&mut self, bracket: &str) {
        self.push(bracket, Space::May);
    }

    fn comma(&mut self) {
        self.push(",", Space::May);
        self.after(Space::May);
    }

    pub fn string(&mut self) {
        let text = *self.dice.pick(STRINGS);
        self.push(format!("\"{text}\""), Space::Must);
    }

    pub fn literal(&mut self, ty: Ty) {
        let words: &[&str] = match ty {
            Ty::Text => return self.string(),
            Ty::Int => &["0", "1", "42", "1_000", "-5"],
            Ty::Float => &["1.5", "-0.25", "10.0"],
            Ty::Bool => &["true", "false"],
            Ty::Duration => &["90s", "1h30m", "250ms", "2d", "1.5h"],
            Ty::Percent => &["70%", "99.5%", "0%"],
            Ty::Size => &["512MB", "2GiB", "10B", "1.5KB"],
            Ty::Texts => return self.list(Ty::Text, 0, true),
            Ty::Ints => return self.list(Ty::Int, 0, true),
        };
        let word = *self.dice.pick(words);
        self.word(word);
    }

    /// `depth` bounds how deep it nests.
    pub fn value(&mut self, ty: Ty, depth: usize) {
        if depth == 0 || self.dice.percent(25) {
            return self.literal(ty);
        }
        match self.dice.below(8) {
            0 if self.names => self.word(ty.param()),
            1 => self.choice(ty, depth),
            2 => self.group(ty, depth),
            _ => self.special(ty, depth),
        }
    }

    fn choice(&mut self, ty: Ty, depth: usize) {
        self.word("if");
        self.value(Ty::Bool, depth - 1);
        self.word("then");
        self.value(ty, depth - 1);
        self.word("else");
        self.value(ty, depth - 1);
    }

    fn group(&mut self, ty: Ty, depth: usize) {
        self.open("(", Space::May);
        self.value(ty, depth - 1);
        self.close(")");
    }

    /// An operand that binds tighter than what stands around it.
    fn operand(&mut self, ty: Ty, depth: usize) {
        match (depth, self.dice.below(3)) {
            (1.., 0) => self.group(ty, depth),
            (_, 1) if self.names => self.word(ty.param()),
            _ => self.literal(ty),
        }
    }

    fn special(&mut self, ty: Ty, depth: usize) {
        match ty {
            Ty::Text => self.text(depth),
            Ty::Int | Ty::Float | Ty::Duration | Ty::Size => self.calculation(ty, depth),
            Ty::Bool => self.condition(depth),
            Ty::Percent => self.literal(ty),
            Ty::Texts => self.list(Ty::Text, depth, false),
            Ty::Ints => self.list(Ty::Int, depth, false),
        }
    }

    fn calculation(&mut self, ty: Ty, depth: usize) {
        self.operand(ty, depth - 1);
        for _ in 0..self.dice.between(1, 3) {
            let factor = self.dice.percent(30);
            let operators: &[&str] = if factor { &["*", "/"] } else { &["+", "-"] };
            let operator = *self.dice.pick(operators);
            self.operator(operator);
            let right = if factor { Ty::Int } else { ty };
            self.operand(right, depth - 1);
        }
    }

    fn text(&mut self, depth: usize) {
        match self.dice.below(5) {
            0 => self.format(),
            1 if self.names => {
                self.word("shout");
                self.open("(", Space::Never);
                self.value(Ty::Text, depth - 1);
                self.close(")");
            }
            2 => {
                self.word("env");
                self.open("(", Space::Never);
                self.push("\"HOME\"", Space::May);
                self.close(")");
                self.operator("??");
                self.operand(Ty::Text, depth - 1);
            }
            3 => self.member("git", "branch"),
            _ => self.member("change", "id"),
        }
    }

    pub fn member(&mut self, base: &str, name: &str) {
        self.word(base);
        self.push(".", Space::Never);
        self.push(name, Space::Never);
    }

    /// One token: what stands in it is the author's.
    fn format(&mut self) {
        let inner = *self.dice.pick(&["a-text", " a_number ", "git.branch", "shout(\"}\")", "f\"{flag}\""]);
        let inner = if self.names { inner } else { "os" };
        let text = *self.dice.pick(&["x", "", "a b", "\\{", "#"]);
        self.push(format!("f\"{text}{{{inner}}}\""), Space::Must);
    }

    fn condition(&mut self, depth: usize) {
        match self.dice.below(8) {
            0 | 1 => {
                let word = *self.dice.pick(&["and", "or"]);
                self.comparison(depth - 1);
                for _ in 0..self.dice.between(1, 3) {
                    self.operator(word);
                    self.comparison(depth - 1);
                }
            }
            2 => {
                self.word("not");
                self.comparison(depth - 1);
            }
            3 => self.calls(),
            4 if self.names => {
                self.word("fits");
                self.open("(", Space::Never);
                self.value(Ty::Int, depth - 1);
                self.comma();
                self.value(Ty::Text, depth - 1);
                self.maybe_comma();
                self.close(")");
            }
            5 if self.judging => {
                let word = *self.dice.pick(&["exit", "stderr"]);
                match word {
                    "exit" => self.within("exit"),
                    _ => {
                        self.word("stderr");
                        self.operator("matches");
                        self.word("\"a|b\"");
                    }
                }
            }
            _ => self.comparison(depth),
        }
    }

    fn calls(&mut self) {
        let (base, name) = *self.dice.pick(&[("change", "only"), ("change", "touches"), ("project", "has")]);
        self.member(base, name);
        self.open("(", Space::Never);
        for index in 0..self.dice.between(1, 4) {
            if index > 0 {
                self.comma();
            }
            self.string();
        }
        self.maybe_comma();
        self.close(")");
    }

    fn within(&mut self, name: &str) {
        self.word(name);
        self.operator("in");
        self.list(Ty::Int, 0, true);
    }

    fn comparison(&mut self, depth: usize) {
        match self.dice.below(6) {
            0 => self.literal(Ty::Bool),
            1 if self.names => self.within("a_number"),
            2 if self.names => {
                self.word("a-text");
                let (word, pattern) = *self.dice.pick(&[("like", "\"src/**\""), ("matches", "\"^a+$\"")]);
                self.operator(word);
                self.word(pattern);
            }
            _ => {
                let ty =
                    *self.dice.pick(&[Ty::Int, Ty::Duration, Ty::Size, Ty::Percent, Ty::Text, Ty::Float]);
                let equal: &[&str] = &["==", "!="];
                let operators = if ty == Ty::Text { equal } else { &["==", "!=", "<", "<=", ">", ">="] };
                self.operand(ty, depth);
                let operator = *self.dice.pick(operators);
                self.operator(operator);
                self.operand(ty, depth);
            }
        }
    }

    fn maybe_comma(&mut self) {
        if self.dice.percent(25) {
            self.comma();
        }
    }

    pub fn list(&mut self, ty: Ty, depth: usize, literal: bool) {
        if !literal && ty == Ty::Text && depth > 0 && self.dice.percent(40) {
            return self.comprehension(depth);
        }
        self.open("[", Space::May);
        let most = if self.dice.percent(10) { 14 } else { 4 };
        let count = self.dice.between(usize::from(literal), most);
        for index in 0..count {
            if index > 0 {
                self.comma();
            }
            match literal || depth == 0 {
                true => self.literal(ty),
                false => self.value(ty, depth - 1),
            }
        }
        if count > 0 {
            self.maybe_comma();
        }
        self.close("]");
    }

    fn comprehension(&mut self, depth: usize) {
        self.open("[", Space::May);
        self.word("shout");
        self.open("(", Space::Never);
        self.word("each-one");
        self.close(")");
        self.word("for");
        self.word("each-one");
        self.word("in");
        match self.names && self.dice.percent(50) {
            true => self.word("texts"),
            false => self.member("change", "files"),
        }
        if self.dice.percent(50) {
            self.word("if");
            self.word("each-one");
            self.operator("!=");
            self.operand(Ty::Text, depth - 1);
        }
        self.close("]");
    }
}

//! From the parser's tree to [`Facts`]. Depth is bounded by the limits the tree was parsed under; chains of `&&`, `|`
//! and `;` are walked without recursion.

mod expand;
mod names;

use shuck_ast::{
    Assignment, AssignmentValue, BinaryCommand, BinaryOp, BuiltinCommand, CompoundCommand, ConditionalExpr,
    ConditionalUnaryOp, DeclClause, DeclOperand, File, FunctionDef, Redirect, RedirectKind, Span, Stmt,
    StmtSeq,
};

use super::facts::{Assign, Command, Facts, Feature, Use, Word};

pub(super) fn facts(source: &str, file: &File) -> Facts {
    let mut walk = Walk { source, facts: Facts::default(), pipes: 0, pipe: None, tested: false };
    walk.sequence(&file.body);
    walk.facts
}

struct Walk<'a> {
    source: &'a str,
    facts: Facts,
    /// How many pipelines there were.
    pipes: u32,
    pipe: Option<(u32, u32)>,
    tested: bool,
}

fn range(span: Span) -> std::ops::Range<usize> {
    span.start.offset()..span.end.offset()
}

impl Walk<'_> {
    fn slice(&self, span: Span) -> &str {
        self.source.get(range(span)).unwrap_or_default()
    }

    fn feature(&mut self, span: Span, what: &'static str, instead: &'static str) {
        self.facts.features.push(Feature { at: range(span), what, instead });
    }

    fn uses(&mut self, name: &str, span: Span) {
        // In broken text the parser's places may lie outside of it.
        if super::facts::is_name(name) && !self.slice(span).is_empty() {
            self.facts.uses.push(Use { name: name.to_owned(), at: range(span) });
        }
    }

    fn binds(&mut self, name: &str, value: Option<String>) {
        self.facts.bound.entry(name.to_owned()).or_default().push(value);
    }

    fn sequence(&mut self, statements: &StmtSeq) {
        for statement in statements.iter() {
            self.statement(statement);
        }
    }

    /// A part whose failure does not end the script.
    fn condition(&mut self, statements: &StmtSeq) {
        let outer = std::mem::replace(&mut self.tested, true);
        self.sequence(statements);
        self.tested = outer;
    }

    fn statement(&mut self, statement: &Stmt) {
        let outer = (self.tested, self.pipe.take());
        self.tested |= statement.negated;
        self.redirects(&statement.redirects);
        match &statement.command {
            shuck_ast::Command::Binary(_) => self.chain(statement),
            _ => {
                self.pipe = outer.1;
                self.command(statement);
            }
        }
        (self.tested, self.pipe) = outer;
    }

    /// `a && b | c || d`: the operators bind to the left, so the tree leans there and is walked by a loop.
    fn chain(&mut self, statement: &Stmt) {
        let mut links: Vec<&BinaryCommand> = Vec::new();
        let mut first = statement;
        while let shuck_ast::Command::Binary(binary) = &first.command {
            if !links.is_empty() {
                self.redirects(&first.redirects);
            }
            links.push(binary);
            first = &binary.left;
        }
        links.reverse();
        let outer = self.tested;
        let piped = |link: &BinaryCommand| matches!(link.op, BinaryOp::Pipe | BinaryOp::PipeAll);
        let last_choice = links.iter().rposition(|link| !piped(link));
        let mut place = 0;
        for index in 0..=links.len() {
            let joins = index > 0 && piped(links[index - 1]);
            let opens = links.get(index).is_some_and(|link| piped(link));
            if let Some(link) = links.get(index).filter(|link| link.op == BinaryOp::PipeAll) {
                self.feature(link.op_span, "`|&`", "write `2>&1 |`");
            }
            if !joins {
                place = 0;
                self.pipes += u32::from(opens);
            }
            self.pipe = (joins || opens).then_some((self.pipes, place));
            place += 1;
            self.tested = outer || last_choice.is_some_and(|last| index <= last);
            let element = if index == 0 { first } else { &links[index - 1].right };
            self.element(element);
        }
        self.tested = outer;
    }

    /// The right side of an operator may be a chain of its own, of operators that bind closer.
    fn element(&mut self, statement: &Stmt) {
        let pipe = self.pipe;
        self.statement(statement);
        self.pipe = pipe;
    }

    fn command(&mut self, statement: &Stmt) {
        match &statement.command {
            shuck_ast::Command::Simple(simple) => {
                let assigned =
                    self.assignments(&simple.assignments, simple.name.span.start == simple.name.span.end);
                let mut words = vec![self.word(&simple.name)];
                words.extend(simple.args.iter().map(|word| self.word(word)));
                if words[0].at.is_empty() && words.len() == 1 {
                    words.clear();
                }
                self.simple(words, assigned, range(simple.span), false);
            }
            shuck_ast::Command::Builtin(builtin) => self.builtin(builtin),
            shuck_ast::Command::Decl(declaration) => self.declaration(declaration),
            shuck_ast::Command::Compound(compound) => {
                let pipe = self.pipe.take();
                self.compound(compound);
                self.pipe = pipe;
            }
            shuck_ast::Command::Function(function) => self.function(function),
            shuck_ast::Command::AnonymousFunction(function) => self.statement(&function.body),
            shuck_ast::Command::Binary(_) => self.chain(statement),
        }
    }

    fn simple(
        &mut self,
        words: Vec<Word>,
        assigned: Vec<Assign>,
        at: std::ops::Range<usize>,
        declares: bool,
    ) {
        let command = Command { words, assigned, at, pipe: self.pipe, declares, tested: self.tested };
        self.bound_by(&command);
        self.facts.commands.push(command);
    }

    fn builtin(&mut self, builtin: &BuiltinCommand) {
        let (name, operand, assignments, span) = match builtin {
            BuiltinCommand::Break(inner) => ("break", &inner.depth, &inner.assignments, inner.span),
            BuiltinCommand::Continue(inner) => ("continue", &inner.depth, &inner.assignments, inner.span),
            BuiltinCommand::Return(inner) => ("return", &inner.code, &inner.assignments, inner.span),
            BuiltinCommand::Exit(inner) => ("exit", &inner.code, &inner.assignments, inner.span),
        };
        let assigned = self.assignments(assignments, false);
        let mut words = vec![plain(name, range(span).start)];
        words.extend(operand.as_ref().map(|word| self.word(word)));
        self.simple(words, assigned, range(span), false);
    }

    fn declaration(&mut self, declaration: &DeclClause) {
        let mut assigned = self.assignments(&declaration.assignments, false);
        let variant = declaration.variant.as_str();
        if matches!(variant, "declare" | "typeset") {
            self.feature(
                declaration.variant_span,
                "`declare`",
                "assign directly; `local` works in functions",
            );
        }
        let mut words = vec![plain(variant, range(declaration.variant_span).start)];
        for operand in &declaration.operands {
            match operand {
                DeclOperand::Flag(word) | DeclOperand::Dynamic(word) => words.push(self.word(word)),
                DeclOperand::Name(reference) => {
                    // `export X` passes on what is there, any other declaration makes the name.
                    match variant {
                        "export" | "readonly" => self.uses(reference.name.as_str(), reference.span),
                        _ => self.binds(reference.name.as_str(), None),
                    }
                    words.push(plain(reference.name.as_str(), range(reference.span).start));
                }
                DeclOperand::Assignment(assignment) => {
                    assigned.extend(self.assignments(std::slice::from_ref(assignment), true));
                }
            }
        }
        self.simple(words, assigned, range(declaration.span), true);
    }

    /// `lasting` assignments bind the name for what follows; those before a command only for it.
    fn assignments(&mut self, assignments: &[Assignment], lasting: bool) -> Vec<Assign> {
        let mut found = Vec::new();
        for assignment in assignments {
            let name = assignment.target.name.as_str().to_owned();
            if assignment.target.subscript.is_some() {
                self.feature(
                    assignment.span,
                    "an array",
                    "use positional parameters (`set -- a b`) or lines of text",
                );
            }
            if assignment.append {
                self.feature(assignment.span, "`+=`", "write `x=\"${x}more\"`");
            }
            self.subscript(&assignment.target);
            let before = self.facts.commands.len();
            let value = match &assignment.value {
                AssignmentValue::Scalar(word) => {
                    let word = self.word(word);
                    word.fixed.then_some(word.text)
                }
                AssignmentValue::Compound(array) => {
                    self.feature(
                        array.span,
                        "an array",
                        "use positional parameters (`set -- a b`) or lines of text",
                    );
                    array.elements.iter().for_each(|element| drop(self.word(element.value())));
                    None
                }
            };
            let substitution = self.facts.commands.len() > before;
            if lasting {
                self.binds(&name, value.clone().filter(|_| !assignment.append));
            } else {
                // Seen by the command alone, but a name the script knows.
                self.facts.guarded.insert(name.clone());
            }
            found.push(Assign { name, value, substitution, at: range(assignment.span) });
        }
        found
    }

    fn redirects(&mut self, redirects: &[Redirect]) {
        for redirect in redirects {
            if let Some(name) = &redirect.fd_var {
                self.binds(name.as_str(), None);
                self.feature(redirect.span, "`{name}>`", "use a descriptor's number");
            }
            match redirect.kind {
                RedirectKind::OutputBoth => self.feature(redirect.span, "`&>`", "write `>file 2>&1`"),
                RedirectKind::HereString => {
                    self.feature(
                        redirect.span,
                        "`<<<`",
                        "write `printf '%s\\n' \"$x\" | …`, or a here-document",
                    );
                }
                _ => {}
            }
            if let Some(word) = redirect.word_target() {
                self.word(word);
            }
            if let Some(heredoc) = redirect.heredoc() {
                self.heredoc(&heredoc.body);
            }
        }
    }

    fn function(&mut self, function: &FunctionDef) {
        if let Some(span) = function.header.function_keyword_span {
            self.feature(span, "`function`", "write `name() { …; }`");
        }
        self.facts.functions.extend(function.static_names().map(|name| name.as_str().to_owned()));
        let outer = (std::mem::take(&mut self.tested), self.pipe.take());
        self.statement(&function.body);
        (self.tested, self.pipe) = outer;
    }

    fn compound(&mut self, compound: &CompoundCommand) {
        match compound {
            CompoundCommand::If(inner) => {
                self.condition(&inner.condition);
                self.sequence(&inner.then_branch);
                for (condition, branch) in &inner.elif_branches {
                    self.condition(condition);
                    self.sequence(branch);
                }
                inner.else_branch.iter().for_each(|branch| self.sequence(branch));
            }
            CompoundCommand::While(inner) => {
                self.condition(&inner.condition);
                self.sequence(&inner.body);
            }
            CompoundCommand::Until(inner) => {
                self.condition(&inner.condition);
                self.sequence(&inner.body);
            }
            CompoundCommand::Subshell(body) | CompoundCommand::BraceGroup(body) => self.sequence(body),
            CompoundCommand::Time(inner) => inner.command.iter().for_each(|command| self.statement(command)),
            CompoundCommand::Case(inner) => {
                self.word(&inner.word);
                for case in &inner.cases {
                    case.patterns.iter().for_each(|pattern| self.pattern(pattern));
                    self.sequence(&case.body);
                }
            }
            CompoundCommand::Conditional(inner) => {
                self.feature(inner.span, "`[[ … ]]`", "write `[ … ]`, with quotes, or `case`");
                self.conditional(&inner.expression);
            }
            CompoundCommand::Coproc(inner) => {
                self.feature(inner.span, "`coproc`", "use a pipe or a named pipe");
                self.binds(inner.name.as_str(), None);
                self.statement(&inner.body);
            }
            other => self.loops(other),
        }
    }

    fn loops(&mut self, compound: &CompoundCommand) {
        match compound {
            CompoundCommand::For(inner) => {
                let words: Vec<Word> = inner.words.iter().flatten().map(|word| self.word(word)).collect();
                for target in &inner.targets {
                    let Some(name) = &target.name else { continue };
                    for word in &words {
                        self.binds(name.as_str(), word.fixed.then(|| word.text.clone()));
                    }
                    if words.is_empty() {
                        self.binds(name.as_str(), None);
                    }
                }
                self.sequence(&inner.body);
            }
            CompoundCommand::Select(inner) => {
                self.feature(inner.span, "`select`", "read an answer with `read`");
                self.binds(inner.variable.as_str(), None);
                inner.words.iter().for_each(|word| drop(self.word(word)));
                self.sequence(&inner.body);
            }
            CompoundCommand::Arithmetic(inner) => {
                self.feature(inner.span, "`(( … ))`", "write `[ \"$x\" -gt 1 ]` or `x=$((x + 1))`");
                inner.expr_ast.iter().for_each(|expression| self.arithmetic(expression));
            }
            CompoundCommand::ArithmeticFor(inner) => {
                self.feature(inner.left_paren_span, "`for ((…))`", "count with `while [ \"$i\" -lt 3 ]`");
                for part in [&inner.init_ast, &inner.condition_ast, &inner.step_ast].into_iter().flatten() {
                    self.arithmetic(part);
                }
                self.sequence(&inner.body);
            }
            _ => {}
        }
    }

    fn conditional(&mut self, expression: &ConditionalExpr) {
        match expression {
            ConditionalExpr::Binary(inner) => {
                self.conditional(&inner.left);
                self.conditional(&inner.right);
            }
            ConditionalExpr::Unary(inner) => {
                if inner.op == ConditionalUnaryOp::VariableSet {
                    let name = self.slice(inner.expr.span()).to_owned();
                    self.facts.guarded.insert(name);
                }
                self.conditional(&inner.expr);
            }
            ConditionalExpr::Parenthesized(inner) => self.conditional(&inner.expr),
            ConditionalExpr::Word(word) | ConditionalExpr::Regex(word) => drop(self.word(word)),
            ConditionalExpr::Pattern(pattern) => self.pattern(pattern),
            ConditionalExpr::VarRef(reference) => {
                self.facts.guarded.insert(reference.name.as_str().to_owned());
            }
        }
    }
}

fn plain(text: &str, at: usize) -> Word {
    Word { text: text.to_owned(), fixed: true, at: at..at + text.len(), ..Word::default() }
}

//! Words and what is expanded in them. Knows no command.

use shuck_ast::{
    ArithmeticExpr, ArithmeticExprNode, ArithmeticLvalue, BourneParameterExpansion, BraceSyntaxKind,
    HeredocBody, HeredocBodyPart, ParameterExpansion, ParameterExpansionSyntax, ParameterOp, Pattern,
    PatternPart, Span, VarRef, WordPart, WordPartNode,
};

use super::super::facts::{Bare, Word, is_name};
use super::{Walk, range};

impl Walk<'_> {
    pub(super) fn word(&mut self, word: &shuck_ast::Word) -> Word {
        let first = self.facts.commands.len();
        let mut found = Word { fixed: true, at: range(word.span), ..Word::default() };
        self.parts(&word.parts, false, &mut found);
        for brace in &word.brace_syntax {
            if let (BraceSyntaxKind::Expansion(_), true) =
                (brace.kind, brace.quote_context == shuck_ast::BraceQuoteContext::Unquoted)
            {
                self.feature(brace.span, "`{a,b}` as several words", "write the words out");
                found.fixed = false;
            }
        }
        found.inner = first..self.facts.commands.len();
        found
    }

    fn parts(&mut self, parts: &[WordPartNode], quoted: bool, word: &mut Word) {
        for part in parts {
            match &part.kind {
                WordPart::Literal(text) => word.text.push_str(text.as_str(self.source, part.span)),
                WordPart::SingleQuoted { value, dollar } => {
                    if *dollar {
                        self.feature(part.span, "`$'…'`", "use `printf`");
                    }
                    word.text.push_str(value.slice(self.source));
                }
                WordPart::DoubleQuoted { parts, .. } => self.parts(parts, true, word),
                _ => self.expansion(part, quoted, word),
            }
        }
    }

    fn expansion(&mut self, part: &WordPartNode, quoted: bool, word: &mut Word) {
        word.fixed = false;
        let source = self.source.get(range(part.span)).unwrap_or_default();
        word.text.push_str(source);
        let before = self.facts.uses.len();
        let outer = (self.pipe.take(), std::mem::take(&mut self.tested));
        self.expanded(&part.kind, part.span);
        (self.pipe, self.tested) = outer;
        let substitutes =
            matches!(part.kind, WordPart::CommandSubstitution { .. } | WordPart::ProcessSubstitution { .. });
        let plain = match &part.kind {
            WordPart::Variable(name) => Some(name.as_str().to_owned()),
            _ => None,
        };
        if !substitutes {
            word.names.extend(self.facts.uses[before..].iter().map(|found| found.name.clone()));
        }
        // Numbers are never split.
        let numeric = matches!(
            part.kind,
            WordPart::ArithmeticExpansion { .. }
                | WordPart::Length(_)
                | WordPart::ArrayLength(_)
                | WordPart::ProcessSubstitution { .. }
        ) || plain.as_deref().is_some_and(|name| matches!(name, "#" | "?" | "$" | "!" | "-"))
            || source.starts_with("${#");
        if !quoted && !numeric {
            word.bare.push(Bare { at: range(part.span), name: plain.filter(|name| is_name(name)) });
        }
    }

    fn expanded(&mut self, part: &WordPart, span: Span) {
        match part {
            WordPart::Variable(name) => self.uses(name.as_str(), span),
            WordPart::CommandSubstitution { body, .. } => self.sequence(body),
            WordPart::ProcessSubstitution { body, .. } => {
                self.feature(span, "`<( … )`", "use a pipe or a temporary file");
                self.sequence(body);
            }
            WordPart::ArithmeticExpansion { expression_ast, expression_word_ast, .. } => match expression_ast
            {
                Some(expression) => self.arithmetic(expression),
                None => drop(self.word(expression_word_ast)),
            },
            WordPart::Parameter(parameter) => self.parameter(parameter, span),
            WordPart::ParameterExpansion { reference, operator, operand_word_ast, .. } => {
                self.operation(reference, operator, operand_word_ast.as_deref(), span);
            }
            WordPart::Length(reference) => self.read(reference, span),
            WordPart::ArrayAccess(reference)
            | WordPart::ArrayLength(reference)
            | WordPart::ArrayIndices(reference) => {
                self.array(span);
                self.read(reference, span);
            }
            WordPart::Substring { reference, .. } | WordPart::ArraySlice { reference, .. } => {
                self.feature(span, "`${x:0:1}`", "use `cut`, or `${x%…}` and `${x#…}`");
                self.read(reference, span);
            }
            WordPart::IndirectExpansion { reference, .. } => {
                self.indirect(span);
                self.read(reference, span);
            }
            WordPart::PrefixMatch { .. } => self.indirect(span),
            WordPart::Transformation { reference, .. } => {
                self.feature(span, "`${x@Q}`", "use `printf`");
                self.read(reference, span);
            }
            WordPart::Literal(_) | WordPart::SingleQuoted { .. } | WordPart::ZshQualifiedGlob(_) => {}
            WordPart::DoubleQuoted { parts, .. } => self.parts(parts, true, &mut Word::default()),
        }
    }

    fn array(&mut self, span: Span) {
        self.feature(span, "an array", "use positional parameters (`set -- a b`) or lines of text");
    }

    fn indirect(&mut self, span: Span) {
        self.facts.opaque = true;
        self.feature(span, "`${!x}`", "name the variable, or use `case`");
    }

    fn read(&mut self, reference: &VarRef, span: Span) {
        self.subscript(reference);
        self.uses(reference.name.as_str(), span);
    }

    pub(super) fn subscript(&mut self, reference: &VarRef) {
        let Some(subscript) = &reference.subscript else { return };
        if let Some(word) = subscript.word_ast() {
            // A key may be a bare word, which arithmetic would take for a name.
            self.word(word);
        }
    }

    fn parameter(&mut self, parameter: &ParameterExpansion, span: Span) {
        let ParameterExpansionSyntax::Bourne(parameter) = &parameter.syntax else { return };
        match parameter {
            BourneParameterExpansion::Access { reference } => {
                if reference.subscript.is_some() {
                    self.array(span);
                }
                self.read(reference, span);
            }
            BourneParameterExpansion::Length { reference } => {
                if reference.subscript.is_some() {
                    self.array(span);
                }
                self.read(reference, span);
            }
            BourneParameterExpansion::Indices { reference } => {
                self.array(span);
                self.read(reference, span);
            }
            BourneParameterExpansion::Indirect { .. } | BourneParameterExpansion::PrefixMatch { .. } => {
                self.indirect(span);
            }
            BourneParameterExpansion::Slice { reference, offset_word_ast, length_word_ast, .. } => {
                self.feature(span, "`${x:0:1}`", "use `cut`, or `${x%…}` and `${x#…}`");
                self.word(offset_word_ast);
                length_word_ast.iter().for_each(|word| drop(self.word(word)));
                self.read(reference, span);
            }
            BourneParameterExpansion::Operation { reference, operator, operand_word_ast, .. } => {
                self.operation(reference, operator, operand_word_ast.as_deref(), span);
            }
            BourneParameterExpansion::Transformation { reference, .. } => {
                self.feature(span, "`${x@Q}`", "use `printf`");
                self.read(reference, span);
            }
        }
    }

    fn operation(
        &mut self,
        reference: &VarRef,
        operator: &ParameterOp,
        operand: Option<&shuck_ast::Word>,
        span: Span,
    ) {
        let name = reference.name.as_str().to_owned();
        if reference.subscript.is_some() {
            self.array(span);
        }
        operand.into_iter().for_each(|word| drop(self.word(word)));
        match operator {
            ParameterOp::UseDefault | ParameterOp::UseReplacement | ParameterOp::Error => {
                self.facts.guarded.insert(name);
                return;
            }
            ParameterOp::AssignDefault => {
                self.binds(&name, None);
                return;
            }
            ParameterOp::RemovePrefixShort { pattern }
            | ParameterOp::RemovePrefixLong { pattern }
            | ParameterOp::RemoveSuffixShort { pattern }
            | ParameterOp::RemoveSuffixLong { pattern } => self.pattern(pattern),
            ParameterOp::ReplaceFirst { pattern, replacement_word_ast, .. }
            | ParameterOp::ReplaceAll { pattern, replacement_word_ast, .. } => {
                self.feature(span, "`${x/a/b}`", "use `sed` or `tr`");
                self.pattern(pattern);
                self.word(replacement_word_ast);
            }
            ParameterOp::UpperFirst
            | ParameterOp::UpperAll
            | ParameterOp::LowerFirst
            | ParameterOp::LowerAll => {
                self.feature(span, "`${x^^}`", "use `tr a-z A-Z`");
            }
        }
        self.read(reference, span);
    }

    pub(super) fn pattern(&mut self, pattern: &Pattern) {
        for part in &pattern.parts {
            match &part.kind {
                PatternPart::Word(word) => drop(self.word(word)),
                PatternPart::Group { patterns, .. } => {
                    self.feature(part.span, "`@(a|b)`", "use `case` with `a|b`");
                    patterns.iter().for_each(|inner| self.pattern(inner));
                }
                _ => {}
            }
        }
    }

    pub(super) fn heredoc(&mut self, body: &HeredocBody) {
        for part in &body.parts {
            match &part.kind {
                HeredocBodyPart::Literal(_) => {}
                HeredocBodyPart::Variable(name) => self.uses(name.as_str(), part.span),
                HeredocBodyPart::CommandSubstitution { body, .. } => self.sequence(body),
                HeredocBodyPart::ArithmeticExpansion { expression_ast, .. } => {
                    expression_ast.iter().for_each(|expression| self.arithmetic(expression));
                }
                HeredocBodyPart::Parameter(parameter) => self.parameter(parameter, part.span),
            }
        }
    }

    pub(super) fn arithmetic(&mut self, node: &ArithmeticExprNode) {
        match &node.kind {
            ArithmeticExpr::Number(_) => {}
            ArithmeticExpr::Variable(name) => self.uses(name.as_str(), node.span),
            ArithmeticExpr::Indexed { name, index } => {
                self.uses(name.as_str(), node.span);
                self.arithmetic(index);
            }
            ArithmeticExpr::ShellWord(word) => drop(self.word(word)),
            ArithmeticExpr::Parenthesized { expression } => self.arithmetic(expression),
            ArithmeticExpr::Unary { expr, .. } | ArithmeticExpr::Postfix { expr, .. } => {
                self.arithmetic(expr)
            }
            ArithmeticExpr::Binary { left, right, .. } => {
                self.arithmetic(left);
                self.arithmetic(right);
            }
            ArithmeticExpr::Conditional { condition, then_expr, else_expr } => {
                [condition, then_expr, else_expr].into_iter().for_each(|part| self.arithmetic(part));
            }
            ArithmeticExpr::Assignment { target, value, .. } => {
                let (ArithmeticLvalue::Variable(name) | ArithmeticLvalue::Indexed { name, .. }) = target;
                self.binds(name.as_str(), None);
                self.arithmetic(value);
            }
        }
    }
}

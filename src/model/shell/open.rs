//! What a shell script leaves open: a quote, an `if`, a loop, a `case`, a `$(`, and where it opened, which a parser
//! does not tell. Not a parser itself: where it is not sure what it reads it says nothing.

/// Something that opens at byte `at` and that nothing closes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    pub at: usize,
    pub opener: &'static str,
    pub closer: &'static str,
    /// Inside a `$( … )` or a subshell.
    pub nested: bool,
}

/// The first construct that is certainly unfinished.
pub fn unfinished(script: &str) -> Option<Unfinished> {
    let mut reader = Reader { text: script, at: 0, command: true, open: Vec::new(), heredocs: Vec::new() };
    match reader.read() {
        Ok(()) => reader.open.last().and_then(Open::unfinished).map(|found| reader.placed(found)),
        Err(Stop::Unfinished(found)) => Some(reader.placed(found)),
        Err(Stop::Unsure) => None,
    }
}

enum Stop {
    Unfinished(Unfinished),
    Unsure,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    If,
    Loop,
    /// `case`, and whether a pattern comes next.
    Case {
        opened: bool,
        pattern: bool,
    },
    Brace,
    /// `(`, and whether a command word may follow its end.
    Paren {
        then_command: bool,
    },
    Quote,
}

struct Open {
    kind: Kind,
    at: usize,
    opener: &'static str,
}

impl Open {
    fn unfinished(&self) -> Option<Unfinished> {
        let closer = match self.kind {
            Kind::If => "fi",
            Kind::Loop => "done",
            Kind::Case { .. } => "esac",
            Kind::Brace => "}",
            Kind::Paren { .. } => ")",
            Kind::Quote => "\"",
        };
        Some(Unfinished { at: self.at, opener: self.opener, closer, nested: false })
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// A command word may stand here, so `if` and its like mean something.
    command: bool,
    open: Vec<Open>,
    /// Delimiters of the here-documents that begin in the next line, and whether tabs before them count.
    heredocs: Vec<(String, bool)>,
}

impl<'a> Reader<'a> {
    /// With what is open around it.
    fn placed(&self, found: Unfinished) -> Unfinished {
        let around = |open: &&Open| open.at < found.at && matches!(open.kind, Kind::Paren { .. });
        Unfinished { nested: self.open.iter().any(|open| around(&open)), ..found }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn top(&self) -> Option<Kind> {
        self.open.last().map(|open| open.kind)
    }

    fn push(&mut self, kind: Kind, opener: &'static str, length: usize) {
        self.open.push(Open { kind, at: self.at, opener });
        self.at += length;
        self.command = true;
    }

    fn read(&mut self) -> Result<(), Stop> {
        while let Some(first) = self.rest().chars().next() {
            if self.top() == Some(Kind::Quote) {
                self.quoted(first)?;
            } else {
                self.plain(first)?;
            }
        }
        Ok(())
    }

    fn quoted(&mut self, first: char) -> Result<(), Stop> {
        match first {
            '"' => {
                self.open.pop();
                self.at += 1;
                self.command = false;
            }
            '\\' => self.skip(2),
            '$' => self.dollar()?,
            '`' => self.until('`')?,
            _ => self.at += first.len_utf8(),
        }
        Ok(())
    }

    fn plain(&mut self, first: char) -> Result<(), Stop> {
        match first {
            '\n' => self.line_end()?,
            ' ' | '\t' | '\r' => self.at += 1,
            '\\' => self.skip(2),
            '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
            '\'' => self.single()?,
            '"' => self.push(Kind::Quote, "\"", 1),
            '$' => self.dollar()?,
            '`' => self.until('`')?,
            ';' | '&' | '|' => self.separator(),
            '<' => self.redirect()?,
            '(' if matches!(self.top(), Some(Kind::Case { pattern: true, .. })) => self.at += 1,
            '(' if self.rest().starts_with("((") => self.arithmetic(0)?,
            '(' => self.push(Kind::Paren { then_command: true }, "(", 1),
            ')' => self.close_paren()?,
            _ => self.word()?,
        }
        Ok(())
    }

    fn skip(&mut self, characters: usize) {
        self.at += self.rest().chars().take(characters).map(char::len_utf8).sum::<usize>();
        self.command &= self.text[..self.at].ends_with('\n');
    }

    fn separator(&mut self) {
        if self.rest().starts_with(";;") || self.rest().starts_with(";&") {
            self.at += 1;
            if let Some(Open { kind: Kind::Case { pattern, .. }, .. }) = self.open.last_mut() {
                *pattern = true;
            }
        }
        self.at += 1;
        self.command = true;
    }

    fn single(&mut self) -> Result<(), Stop> {
        let open = self.at;
        let Some(length) = self.rest()[1..].find('\'') else {
            return Err(Stop::Unfinished(Unfinished { at: open, opener: "'", closer: "'", nested: false }));
        };
        self.at += length + 2;
        self.command = false;
        Ok(())
    }

    /// Behind a backtick: to the next that is not escaped.
    fn until(&mut self, mark: char) -> Result<(), Stop> {
        let mut escaped = true;
        for (index, c) in self.rest().char_indices() {
            if c == mark && !escaped {
                self.at += index + 1;
                self.command = false;
                return Ok(());
            }
            escaped = c == '\\' && !escaped;
        }
        Err(Stop::Unsure)
    }

    fn dollar(&mut self) -> Result<(), Stop> {
        let rest = self.rest();
        if rest.starts_with("$((") {
            return self.arithmetic(1);
        }
        if rest.starts_with("$(") {
            self.push(Kind::Paren { then_command: false }, "$(", 2);
            return Ok(());
        }
        if rest.starts_with("${") {
            let end = balanced(&rest[1..], '{', '}').ok_or(Stop::Unsure)?;
            self.at += 1 + end;
        } else if rest.starts_with("$'") && self.top() != Some(Kind::Quote) {
            self.at += 1;
            return self.until('\'');
        } else if rest.starts_with("$\"") && self.top() != Some(Kind::Quote) {
            self.at += 1;
        } else {
            let named = |c: char| c.is_ascii_alphanumeric() || "_#?$!@*-".contains(c);
            self.at += if rest[1..].starts_with(named) { 2 } else { 1 };
        }
        self.command = false;
        Ok(())
    }

    fn arithmetic(&mut self, prefix: usize) -> Result<(), Stop> {
        self.at += prefix + balanced(&self.rest()[prefix..], '(', ')').ok_or(Stop::Unsure)?;
        self.command = false;
        Ok(())
    }

    fn redirect(&mut self) -> Result<(), Stop> {
        let rest = self.rest();
        if rest.starts_with("<<<") || !rest.starts_with("<<") {
            self.at += if rest.starts_with("<<<") { 3 } else { 1 };
            return Ok(());
        }
        let tabs = rest[2..].starts_with('-');
        let word = rest[2 + usize::from(tabs)..].trim_start_matches([' ', '\t']);
        let end = word.find([' ', '\t', '\n', ';', '&', '|', ')', '<', '>']).unwrap_or(word.len());
        let delimiter: String = word[..end].chars().filter(|c| !matches!(c, '"' | '\'' | '\\')).collect();
        if delimiter.is_empty() {
            return Err(Stop::Unsure);
        }
        self.heredocs.push((delimiter, tabs));
        self.at += rest.len() - word.len() + end;
        Ok(())
    }

    fn line_end(&mut self) -> Result<(), Stop> {
        self.at += 1;
        self.command = true;
        for (delimiter, tabs) in std::mem::take(&mut self.heredocs) {
            loop {
                let rest = self.rest();
                if rest.is_empty() {
                    return Err(Stop::Unsure);
                }
                let line = rest.split('\n').next().unwrap_or_default();
                self.at += (line.len() + 1).min(rest.len());
                let line = if tabs { line.trim_start_matches('\t') } else { line };
                if line.trim_end_matches('\r') == delimiter {
                    break;
                }
            }
        }
        Ok(())
    }

    fn close_paren(&mut self) -> Result<(), Stop> {
        match self.open.last_mut() {
            Some(Open { kind: Kind::Case { pattern, .. }, .. }) if *pattern => {
                *pattern = false;
                self.command = true;
            }
            Some(Open { kind: Kind::Paren { then_command }, .. }) => {
                self.command = *then_command;
                self.open.pop();
            }
            Some(open) if open.kind != Kind::Brace => {
                return open.unfinished().map_or(Ok(()), |found| Err(Stop::Unfinished(found)));
            }
            _ => return Err(Stop::Unsure),
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self) -> Result<(), Stop> {
        let rest = self.rest();
        let ends = |c: char| c.is_whitespace() || ";&|<()\"'`$\\".contains(c);
        let length = rest.find(ends).unwrap_or(rest.len()).max(rest.chars().next().map_or(1, char::len_utf8));
        let word = &rest[..length];
        let whole = !rest[length..].starts_with(['"', '\'', '`', '$', '\\']);
        if word == "[[" {
            let end = rest.find("]]").ok_or(Stop::Unsure)?;
            self.at += end + 2;
            self.command = false;
            return Ok(());
        }
        if word.ends_with("=") && rest[length..].starts_with('(') {
            self.at += length + balanced(&rest[length..], '(', ')').ok_or(Stop::Unsure)?;
            return Ok(());
        }
        if let Some(Open { kind: Kind::Case { opened, pattern }, .. }) = self.open.last_mut() {
            if !*opened {
                (*opened, *pattern) = (word == "in", word == "in");
                self.at += length;
                return Ok(());
            }
            if *pattern && word != "esac" {
                self.at += length;
                return Ok(());
            }
        }
        match self.command && whole {
            true => self.keyword(word, length),
            false => {
                self.at += length;
                self.command = false;
                Ok(())
            }
        }
    }

    fn keyword(&mut self, word: &str, length: usize) -> Result<(), Stop> {
        match word {
            "if" => self.push(Kind::If, "if", length),
            "while" => self.push(Kind::Loop, "while", length),
            "until" => self.push(Kind::Loop, "until", length),
            "for" => self.push(Kind::Loop, "for", length),
            "select" => self.push(Kind::Loop, "select", length),
            "case" => self.push(Kind::Case { opened: false, pattern: false }, "case", length),
            "{" => self.push(Kind::Brace, "{", length),
            "fi" => self.close(length, |kind| kind == Kind::If)?,
            "done" => self.close(length, |kind| kind == Kind::Loop)?,
            "esac" => self.close(length, |kind| matches!(kind, Kind::Case { .. }))?,
            "}" => self.close(length, |kind| kind == Kind::Brace)?,
            "then" | "else" | "elif" | "do" | "!" | "time" => self.at += length,
            _ => {
                self.at += length;
                self.command = false;
            }
        }
        self.command &= !matches!(word, "for" | "select" | "case" | "fi" | "done" | "esac" | "}");
        Ok(())
    }

    /// Closes what is innermost; another construct there was never finished.
    fn close(&mut self, length: usize, fits: impl Fn(Kind) -> bool) -> Result<(), Stop> {
        match self.open.pop() {
            Some(open) if fits(open.kind) => {
                self.at += length;
                Ok(())
            }
            Some(open) if matches!(open.kind, Kind::If | Kind::Loop | Kind::Case { .. }) => {
                Err(open.unfinished().map_or(Stop::Unsure, Stop::Unfinished))
            }
            _ => Err(Stop::Unsure),
        }
    }
}

/// How long the bracketed text at the start of `text` is; quotes and escapes in it hide brackets.
fn balanced(text: &str, open: char, close: char) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0usize, None, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != Some('\'') => escaped = true,
            _ if quote == Some(c) => quote = None,
            '\'' | '"' if quote.is_none() => quote = Some(c),
            _ if quote.is_some() => {}
            _ if c == open => depth += 1,
            _ if c == close => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return Some(at + c.len_utf8());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opener(script: &str) -> Option<(&'static str, usize)> {
        unfinished(script).map(|found| (found.opener, found.at))
    }

    #[test]
    fn what_is_left_open_is_named_where_it_opened() {
        for (script, expected) in [
            ("if true; then\n  echo a\n", ("if", 0)),
            ("echo a\nif true; then echo b; fi\nfor x in a b; do\n echo", ("for", 32)),
            ("while read -r x; do if y; then z; done", ("if", 20)),
            ("case $x in\n a) echo ;;\n", ("case", 0)),
            ("echo 'a\n", ("'", 5)),
            ("echo \"a\nb", ("\"", 5)),
            ("x=$(cat y\necho", ("$(", 2)),
            ("x=$(if a; then b)", ("if", 4)),
        ] {
            assert_eq!(opener(script), Some(expected), "{script}");
        }
    }

    #[test]
    fn whole_scripts_and_doubtful_ones_are_left_alone() {
        for script in [
            "",
            "echo if; echo done fi # it's\n",
            "if [[ $a == (x|y) ]] && [ -f \"$(ls \"a b\")\" ]; then echo \"it's\"; elif b; then c; else d; fi",
            "for i in 1 2; do while x; do y; done; done\ncase $state in done) a;; (if|fi) b ;; *) c; esac",
            "cat <<EOF\nif 'unbalanced \"\nEOF\ncat <<-'X' | sort\n\tfor (\n\tX\n",
            "x=$((1 << 2)); ((x++)); y=${z:-\"}\"}; a=(if \"b c\" done); echo $# ${#a[@]}",
            "f() {\n  local x='a'\n  if x; then return; fi\n}\nfunction g { echo; }\nf",
            "echo $'it\\'s' `echo \"` \\\" \\' {a,b} a#b",
            "cmd \\\n  --if x \\\n  done\nmake && { echo; } || (exit 1)",
            "case $x in (*\\'*) a;; (b | c) d;; esac; echo \"a$\\\" b\"",
            "fi",
            "echo )",
            "grep -c 'x' < <(cat y) <<< \"$z\"",
        ] {
            assert_eq!(opener(script), None, "{script}");
        }
    }
}

//! Stages and comments as the text of a lane file. Knows the language's form and no tool.

/// A stage to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stage {
    pub name: String,
    /// One line of `##` each.
    pub docs: Vec<String>,
    pub timeout: &'static str,
    pub needs: Vec<String>,
    pub follows: Vec<String>,
    /// A condition, as it stands in the file.
    pub when: Option<String>,
    pub cwd: String,
    pub env: Vec<(String, String)>,
    pub action: Action,
    /// More settings, as they stand in the file.
    pub settings: Vec<String>,
    /// It only warns, and why.
    pub allow_failure: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Exec(Vec<String>),
    /// For `sh`; lines without indentation.
    Script(String),
}

impl Default for Action {
    fn default() -> Self {
        Action::Exec(Vec::new())
    }
}

impl Stage {
    pub fn exec(name: &str, timeout: &'static str, command: &[&str]) -> Stage {
        let command = command.iter().map(|word| word.to_string()).collect();
        Stage::of_words(name, timeout, command)
    }

    pub fn of_words(name: &str, timeout: &'static str, command: Vec<String>) -> Stage {
        Stage { name: name.into(), timeout, action: Action::Exec(command), ..Stage::default() }
    }

    pub fn script(name: &str, timeout: &'static str, script: &str) -> Stage {
        let action = Action::Script(script.trim_end().to_string());
        Stage { name: name.into(), timeout, action, ..Stage::default() }
    }

    pub fn doc(mut self, line: impl Into<String>) -> Stage {
        self.docs.push(line.into());
        self
    }

    pub fn needing(mut self, names: &[String]) -> Stage {
        self.needs.extend(names.iter().cloned());
        self
    }

    pub fn following(mut self, name: &str) -> Stage {
        self.follows.push(name.into());
        self
    }

    pub fn setting(mut self, line: impl Into<String>) -> Stage {
        self.settings.push(line.into());
        self
    }

    /// Its failure is a warning until somebody has seen it green.
    pub fn warning(mut self) -> Stage {
        self.allow_failure = Some("nobody has seen it green here yet: delete this line once it is".into());
        self
    }

    /// The command lines it runs.
    pub fn commands(&self) -> Vec<String> {
        match &self.action {
            Action::Exec(words) => vec![words.join(" ")],
            Action::Script(script) => crate::embed::survey::step::simple_commands(script),
        }
    }

    pub fn write(&self) -> String {
        let mut text = String::new();
        for line in &self.docs {
            text += &format!("## {line}\n");
        }
        text += &format!("stage {} {{\n", self.name);
        let mut line = |line: String| text += &format!("  {line}\n");
        if !self.needs.is_empty() {
            line(format!("needs {}", self.needs.join(", ")));
        }
        if !self.follows.is_empty() {
            line(format!("follows {}", self.follows.join(", ")));
        }
        if let Some(when) = &self.when {
            line(format!("when {when}"));
        }
        line(format!("timeout {}", self.timeout));
        if !self.cwd.is_empty() {
            line(format!("cwd {}", quoted(&self.cwd)));
        }
        if !self.env.is_empty() {
            let pairs: Vec<String> =
                self.env.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            line(format!("env {{ {} }}", pairs.join("; ")));
        }
        match &self.action {
            Action::Exec(words) => {
                let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
                line(format!("exec {}", words.join(", ")));
            }
            Action::Script(script) => {
                line("run sh \"\"\"".into());
                for of_script in script.lines() {
                    line(if of_script.is_empty() { String::new() } else { format!("  {of_script}") });
                }
                line("  \"\"\"".into());
            }
        }
        self.settings.iter().for_each(|setting| line(setting.clone()));
        if let Some(reason) = &self.allow_failure {
            line(format!("allow-failure because {}", quoted(reason)));
        }
        text + "}\n"
    }
}

/// A text as a value of the language.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            _ if letter.is_control() => {}
            _ => out.push(letter),
        }
    }
    out.push('"');
    out
}

/// A name that the language takes: letters, digits and dashes, none reserved.
pub fn name(text: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '-' };
    let name: String = text.chars().map(kept).collect();
    let name = name.trim_matches('-').to_string();
    match name.chars().next() {
        Some(first) if first.is_ascii_lowercase() || first == '_' => name,
        _ => format!("x{name}"),
    }
}

/// Lines of comment, broken at words.
pub fn comment(text: &str) -> String {
    let mut out = String::new();
    for paragraph in text.lines() {
        let mut line = String::from("#");
        for word in paragraph.split_inclusive(' ') {
            if line.len() + word.trim_end().len() > 108 && line.len() > 1 {
                out += line.trim_end();
                out += "\n";
                line = String::from("#");
            }
            if line == "#" {
                line.push(' ');
            }
            line += word;
        }
        out += line.trim_end();
        out += "\n";
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_names_can_be_read_back() {
        assert_eq!(quoted("a \"b\" \\ \u{7}"), "\"a \\\"b\\\" \\\\ \"");
        assert_eq!(name("My App.2"), "my-app-2");
        assert_eq!(name("2nd"), "x2nd");
        assert_eq!(comment("one\n\ntwo"), "# one\n#\n# two\n");
        assert!(comment(&"word ".repeat(60)).lines().all(|line| line.len() <= 110));
    }
}

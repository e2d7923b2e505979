//! Names that a command gives a value: `read`, `printf -v`, `getopts`. Knows no other effect of a command.

use super::super::facts::{Command, is_name};
use super::Walk;

impl Walk<'_> {
    pub(super) fn bound_by(&mut self, command: &Command) {
        let Some((name, arguments)) = command.program() else { return };
        let texts: Vec<&str> = arguments.iter().map(|word| word.text.as_str()).collect();
        let at = command.at.clone();
        let feature = |walk: &mut Self, what, instead| {
            walk.facts.features.push(super::Feature { at: at.clone(), what, instead });
        };
        match name {
            "source" | "." | "eval" => self.facts.opaque = true,
            "read" => {
                let names = operands(&texts, &["-d", "-i", "-n", "-N", "-p", "-t", "-u"]);
                names.iter().for_each(|name| self.bind(name));
                self.bind("REPLY");
            }
            "mapfile" | "readarray" => {
                feature(self, "`mapfile`", "use `while read -r line`");
                let names = operands(&texts, &["-d", "-n", "-O", "-s", "-u", "-C", "-c"]);
                names.iter().for_each(|name| self.bind(name));
                self.bind("MAPFILE");
            }
            "printf" | "wait" => {
                let flag = if name == "printf" { "-v" } else { "-p" };
                let at = texts.iter().position(|text| *text == flag);
                at.and_then(|at| texts.get(at + 1)).into_iter().for_each(|name| self.bind(name));
            }
            "getopts" => {
                texts.get(1).into_iter().for_each(|name| self.bind(name));
                ["OPTARG", "OPTIND"].iter().for_each(|name| self.bind(name));
            }
            "let" => {
                feature(self, "`let`", "write `x=$((x + 1))`");
                let target = |text: &&str| text.split(['=', '+', '-', '*', '/']).next().map(str::to_owned);
                texts.iter().filter_map(target).for_each(|name| self.bind(&name));
            }
            "shopt" | "pushd" | "popd" | "disown" => feature(self, "a command of bash", "use what POSIX has"),
            "set" if texts.contains(&"pipefail") => {
                feature(self, "`pipefail`", "write the output to a file, then read it");
            }
            "[" | "test" if texts.contains(&"==") => feature(self, "`==` in `[ … ]`", "write `=`"),
            _ => {}
        }
        if matches!(name, "[" | "test")
            && let Some(at) = texts.iter().position(|text| *text == "-v")
            && let Some(name) = texts.get(at + 1)
        {
            self.facts.guarded.insert((*name).to_owned());
        }
        if name == "source" {
            feature(self, "`source`", "write `.`");
        }
    }

    fn bind(&mut self, name: &str) {
        // `read -r "line"`, `read x[0]`: the name before the bracket.
        let name = name.split('[').next().unwrap_or_default();
        if is_name(name) {
            self.binds(name, None);
        }
    }
}

/// What is no option, nor the value of one that takes a value.
fn operands<'t>(texts: &[&'t str], taking: &[&str]) -> Vec<&'t str> {
    let mut found = Vec::new();
    let mut skip = false;
    for text in texts {
        if std::mem::take(&mut skip) {
            continue;
        }
        // In `-rp` the last letter may take the next word.
        let last = text.chars().last().unwrap_or_default();
        match text.starts_with('-') && !text.starts_with("--") {
            true => skip = taking.iter().any(|flag| flag.ends_with(last)),
            false => found.push(*text),
        }
    }
    found
}

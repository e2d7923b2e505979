//! Security: text from the network that is run, checks of identity that are switched off, credentials in the file,
//! secrets handed to more than need them. Knows no run.

use std::collections::HashMap;

use crate::base::Span;
use crate::diag::{Diagnostic, codes};
use crate::expr::{Expr, Kind as ExprKind};
use crate::model::shell::{Command, Facts, Word};
use crate::model::{GlobalKind, Model};

use super::Context;
use super::shell::{Script, known_text};

const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh"];
const INTERPRETERS: &[&str] = &["python", "python3", "perl", "ruby", "node", "php"];
const FETCHERS: &[&str] = &["curl", "wget", "fetch"];

/// W507: whoever answers the request decides what runs.
pub(super) fn fetched_and_run(_: &Context<'_>, scripts: &[Script<'_>], found: &mut Vec<Diagnostic>) {
    for script in scripts {
        let Some(facts) = &script.facts else { continue };
        for command in facts.commands.iter().filter(|command| runs_fetched(facts, command)) {
            let (program, _) = command.program().unwrap_or(("it", &[]));
            let message = format!("`{program}` runs whatever the network answers");
            found.push(
                Diagnostic::new(&codes::W507, script.place_of(command), message)
                    .label("nothing checks what was fetched")
                    .help("fetch it to a file, compare its checksum (`sha256sum --check`), then run it"),
            );
        }
    }
}

fn runs_fetched(facts: &Facts, command: &Command) -> bool {
    let Some((program, words)) = command.program() else { return false };
    let fetches = |command: &Command| command.program().is_some_and(|(name, _)| FETCHERS.contains(&name));
    let within = |word: &Word| facts.commands[word.inner.clone()].iter().any(fetches);
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let shell = SHELLS.contains(&program);
    let reads_stdin = match texts.first() {
        None => shell || INTERPRETERS.contains(&program),
        Some(&("-" | "/dev/stdin")) => true,
        Some(_) if shell => {
            let flags = texts.iter().take_while(|text| text.starts_with('-'));
            let all_flags = flags.clone().count() == texts.len();
            !flags.clone().any(|flag| flag.ends_with('c'))
                && (all_flags || flags.clone().any(|flag| *flag == "-s"))
        }
        Some(_) => false,
    };
    let piped = (shell || INTERPRETERS.contains(&program)) && reads_stdin;
    let evaluates = shell || matches!(program, "eval" | "source" | ".") || INTERPRETERS.contains(&program);
    piped && facts.in_pipe_before(command).any(fetches) || evaluates && words.iter().any(within)
}

/// W510: variables and options that switch off what protects, or change what other programs are.
pub(super) fn dangerous(context: &Context<'_>, scripts: &[Script<'_>], found: &mut Vec<Diagnostic>) {
    let stages = context.model.stages.iter().map(|stage| (stage.module, &stage.env[..]));
    let tools = context.model.tools.iter().map(|tool| (tool.module, &tool.env[..]));
    let mut seen = std::collections::HashSet::new();
    for (module, env) in stages.chain(tools) {
        for (name, value) in env.iter().filter(|_| context.asked(module)) {
            let text = known_text(context.model, value);
            if let Some(why) = dangerous_variable(name, &text).filter(|_| seen.insert(value.span)) {
                found.push(report(value.span, name, why));
            }
        }
    }
    for script in scripts {
        for command in script.commands() {
            for assign in &command.assigned {
                let text = assign.value.as_deref().unwrap_or("$");
                if let Some(why) = dangerous_variable(&assign.name, text) {
                    found.push(report(script.places.span(&assign.at), &assign.name, why));
                }
            }
            if let Some((option, why)) = dangerous_option(command) {
                found.push(report(script.place_of(command), option, why));
            }
        }
    }
}

fn report(span: Span, what: &str, why: &str) -> Diagnostic {
    Diagnostic::new(&codes::W510, span, format!("`{what}` {why}"))
        .help("remove it; for a certificate or key of your own, add that to what is trusted")
}

fn dangerous_variable(name: &str, value: &str) -> Option<&'static str> {
    let off = matches!(value, "0" | "false" | "no");
    match name {
        "LD_PRELOAD" | "LD_AUDIT" | "DYLD_INSERT_LIBRARIES" => {
            Some("puts a library into every program that is started")
        }
        "BASH_ENV" => Some("runs a file before every script of bash"),
        "GIT_SSL_NO_VERIFY" if !off && !value.is_empty() => Some("lets anybody answer for the server of git"),
        "NODE_TLS_REJECT_UNAUTHORIZED"
        | "PYTHONHTTPSVERIFY"
        | "npm_config_strict_ssl"
        | "NPM_CONFIG_STRICT_SSL"
            if off =>
        {
            Some("lets anybody answer for the server")
        }
        "GIT_SSH_COMMAND" | "RSYNC_RSH" if value.contains("StrictHostKeyChecking=no") => {
            Some("lets anybody answer for the host")
        }
        "PATH" => unsafe_path(value),
        _ => None,
    }
}

/// A folder that depends on where one stands, or that everybody can write to.
fn unsafe_path(value: &str) -> Option<&'static str> {
    for folder in value.split(':') {
        if matches!(folder, "." | "") || !folder.starts_with(['/', '$', '~']) {
            return Some("looks for programs in a folder that depends on where the command runs");
        }
        if folder.starts_with("/tmp") || folder.starts_with("/var/tmp") || folder.starts_with("/dev/shm") {
            return Some("looks for programs where everybody may put them");
        }
    }
    None
}

fn dangerous_option(command: &Command) -> Option<(&'static str, &'static str)> {
    let (program, words) = command.program()?;
    let texts = || words.iter().map(|word| word.text.as_str());
    // `-fsSk`: a cluster of letters.
    let cluster = |text: &str| {
        text.starts_with('-')
            && text[1..].chars().all(|c| c.is_ascii_alphabetic())
            && text.len() <= 7
            && text.ends_with('k')
    };
    let server = "lets anybody answer for the server";
    match program {
        "curl" if texts().any(|text| text == "--insecure" || cluster(text)) => {
            Some(("curl --insecure", server))
        }
        "wget" if texts().any(|text| text == "--no-check-certificate") => {
            Some(("wget --no-check-certificate", server))
        }
        "git" if texts().any(|text| text.eq_ignore_ascii_case("http.sslVerify=false")) => {
            Some(("http.sslVerify=false", server))
        }
        "pip" | "pip3" if texts().any(|text| text.starts_with("--trusted-host")) => {
            Some(("pip --trusted-host", server))
        }
        "ssh" | "scp" | "sftp" | "rsync" if texts().any(|text| text.contains("StrictHostKeyChecking=no")) => {
            Some(("StrictHostKeyChecking=no", "lets anybody answer for the host"))
        }
        _ => None,
    }
}

/// I508: a secret in `defaults` goes to every stage, those that never need it included.
pub(super) fn overbroad(context: &Context<'_>, _: &[Script<'_>], found: &mut Vec<Diagnostic>) {
    let mut given: HashMap<Span, (&str, usize)> = HashMap::new();
    for stage in &context.model.stages {
        let Some(defaults) = context.declared.defaults.get(&stage.module) else { continue };
        for (name, value) in stage.env.iter().filter(|_| context.asked(stage.module)) {
            if defaults.span.covers(value.span) && is_secret(context.model, value) {
                given.entry(value.span).or_insert((name, 0)).1 += 1;
            }
        }
    }
    for (span, (name, stages)) in given.into_iter().filter(|(_, (_, stages))| *stages > 1) {
        let message =
            format!("the secret `{name}` goes to all {stages} stages that have no `env` of their own");
        found.push(
            Diagnostic::new(&codes::I508, span, message)
                .help("hand it only to the stage that needs it, in that stage's `env`"),
        );
    }
}

fn is_secret(model: &Model, value: &Expr) -> bool {
    let mut secret = false;
    value.walk(&mut |expr| {
        if let ExprKind::Global(index) = &expr.kind {
            let global = model.globals.get(*index as usize);
            secret |=
                global.is_some_and(|global| global.secret || matches!(global.kind, GlobalKind::Secret(_)));
        }
    });
    secret
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::shell;

    fn runs(script: &str) -> bool {
        let facts = shell::read(script).facts.unwrap_or_default();
        facts.commands.iter().any(|command| runs_fetched(&facts, command))
    }

    #[test]
    fn text_from_the_network_that_is_run_is_seen() {
        for script in [
            "curl u | sh",
            "curl u | sudo bash -s -- --yes",
            "wget -qO- u | tar x | python3 -",
            "bash <(curl u)",
            "source <(curl u)",
            "sh -c \"$(curl u)\"",
            "eval \"$(wget -O - u)\"",
        ] {
            assert!(runs(script), "{script}");
        }
        for script in [
            "curl u | jq .",
            "curl u | python3 -m json.tool",
            "curl u > x; sh x",
            "curl u | bash check.sh",
            "x=$(curl u)",
            "echo \"curl u | sh\"",
            "cat x | sh",
            "sh -c 'curl u'",
        ] {
            assert!(!runs(script), "{script}");
        }
    }

    #[test]
    fn a_path_is_safe_when_every_folder_is_written_in_full() {
        for value in [".:$PATH", "bin:/usr/bin", "/usr/bin:", "/tmp/x:/bin"] {
            assert!(unsafe_path(value).is_some(), "{value}");
        }
        for value in ["$PWD/bin:$PATH", "/opt/x/bin:/usr/bin", "~/bin:$"] {
            assert!(unsafe_path(value).is_none(), "{value}");
        }
    }
}

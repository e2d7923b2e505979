//! W802 and W803: variables that nothing binds, and `env` entries that nothing reads.

use std::collections::{HashMap, HashSet};

use crate::base::Span;
use crate::base::suggest::{did_you_mean, nearest};
use crate::diag::{Diagnostic, codes};
use crate::model::declare::declared_name;
use crate::model::shell::{Facts, Use};
use crate::model::{Action, Stage, StageId};
use crate::syntax::ast::{Statement, Tail};

use super::{Context, Owner, Script};

/// What every machine or shell sets, and what programs of the trade agree on.
const KNOWN: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "PWD",
    "OLDPWD",
    "TMPDIR",
    "TMP",
    "TEMP",
    "LANG",
    "LANGUAGE",
    "TERM",
    "TZ",
    "HOSTNAME",
    "HOST",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "DISPLAY",
    "COLUMNS",
    "LINES",
    "CI",
    "NO_COLOR",
    "IFS",
    "UID",
    "EUID",
    "PPID",
    "RANDOM",
    "SECONDS",
    "LINENO",
    "FUNCNAME",
    "PIPESTATUS",
    "OPTARG",
    "OPTIND",
    "OPTERR",
    "REPLY",
    "SHLVL",
    "SHELLOPTS",
    "PS1",
    "PS4",
    "EPOCHSECONDS",
    "EPOCHREALTIME",
    "SRANDOM",
    "OSTYPE",
    "MACHTYPE",
    "HOSTTYPE",
    "GROUPS",
    "DIRSTACK",
    "COMP_WORDS",
    "MANPATH",
    "VIRTUAL_ENV",
    "JAVA_HOME",
    "GOPATH",
    "GOROOT",
    "DOCKER_HOST",
    "KUBECONFIG",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "NO_PROXY",
    "WORKSPACE",
    "SUDO_USER",
];
const KNOWN_PREFIXES: &[&str] = &[
    "WFL_",
    "GITHUB_",
    "GITLAB_",
    "CI_",
    "RUNNER_",
    "BUILDKITE_",
    "JENKINS_",
    "CARGO_",
    "RUST",
    "XDG_",
    "LC_",
    "BASH",
    "SSH_",
    "NPM_",
    "npm_",
    "PYTHON",
    "NIX_",
    "HOMEBREW_",
    "ANDROID_",
    "DBUS_",
];

/// Commands that read no variable but those of [`KNOWN`].
const NEED_NOTHING: &[&str] = &[
    "[",
    "test",
    "echo",
    "printf",
    "true",
    "false",
    ":",
    "cd",
    "set",
    "shift",
    "exit",
    "return",
    "break",
    "continue",
    "read",
    "local",
    "export",
    "readonly",
    "unset",
    "declare",
    "typeset",
    "trap",
    "wait",
    "cp",
    "mv",
    "rm",
    "mkdir",
    "rmdir",
    "touch",
    "ln",
    "ls",
    "cat",
    "head",
    "tail",
    "sort",
    "uniq",
    "cut",
    "tr",
    "wc",
    "tee",
    "grep",
    "sed",
    "find",
    "dirname",
    "basename",
    "chmod",
    "chown",
    "diff",
    "cmp",
    "sleep",
    "date",
    "mktemp",
    "seq",
    "pwd",
    "expr",
    "sha256sum",
    "md5sum",
    "realpath",
    "readlink",
    "stat",
    "getopts",
    "umask",
    "kill",
    "type",
    "hash",
];

pub(super) fn unbound(context: &Context<'_>, scripts: &[Script<'_>], found: &mut Vec<Diagnostic>) {
    for script in scripts.iter().filter(|script| script.is_shell()) {
        let Some(facts) = script.facts.as_ref().filter(|facts| !facts.opaque) else { continue };
        if matches!(script.owner, Owner::Loose) {
            continue;
        }
        let mut seen = HashSet::new();
        for used in &facts.uses {
            if is_bound(context, script, facts, &used.name) || !seen.insert(&used.name) {
                continue;
            }
            found.push(report(script, facts, used));
        }
    }
}

fn is_bound(context: &Context<'_>, script: &Script<'_>, facts: &Facts, name: &str) -> bool {
    let passed = |glob: &String| match glob.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => glob == name,
    };
    let clean = &context.model.project.clean_environment;
    script.env.iter().any(|(bound, _)| bound == name)
        || facts.bound.contains_key(name)
        || facts.guarded.contains(name)
        || KNOWN.contains(&name)
        || KNOWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || clean.as_ref().is_some_and(|passes| passes.iter().any(passed))
}

fn report(script: &Script<'_>, facts: &Facts, used: &Use) -> Diagnostic {
    let (name, span) = (&used.name, script.places.span(&used.at));
    let own = script.env.iter().map(|(bound, _)| bound.as_str());
    let near = nearest(name, own.chain(facts.bound.keys().map(String::as_str)));
    let finding = Diagnostic::new(&codes::W802, span, format!("nothing binds `{name}` for this script"))
        .label("not in `env`, and not assigned here");
    if let Some(meant) = near.first() {
        let written = script.text.get(used.at.clone()).unwrap_or_default();
        return finding.help_if(did_you_mean(&near)).fix(false, span, written.replacen(name, meant, 1));
    }
    finding.help(format!(
        "bind it: `env {{ {name} = … }}`; if the caller's environment gives it, say so there: \
         `{name} = env(\"{name}\") ?? \"\"`"
    ))
}

/// Only where it is certain: all that runs is the shell and programs that read no variable.
pub(super) fn unused(context: &Context<'_>, scripts: &[Script<'_>], found: &mut Vec<Diagnostic>) {
    let mut by_stage: HashMap<StageId, Vec<&Script<'_>>> = HashMap::new();
    for script in scripts {
        if let Owner::Stage(stage) = script.owner {
            by_stage.entry(stage.id).or_default().push(script);
        }
    }
    for stage in &context.model.stages {
        let Some(own) = by_stage.get(&stage.id).filter(|_| context.asked(stage.module)) else { continue };
        let body = context.declared.stages[stage.id as usize].statement.body();
        let Some(env) = body.iter().find(|inner| inner.head.text == "env") else { continue };
        if !only_scripts(stage) || !own.iter().all(|script| needs_nothing(script)) {
            continue;
        }
        for (index, entry) in env.body().iter().enumerate() {
            if let Some(name) = unread(entry, own) {
                found.push(unread_entry(&name, env, index));
            }
        }
    }
}

fn only_scripts(stage: &Stage) -> bool {
    let all = [&stage.actions[..], &stage.undo[..], &stage.finally[..]];
    all.into_iter().flatten().all(|action| matches!(action, Action::Script { .. }))
}

fn needs_nothing(script: &Script<'_>) -> bool {
    let Some(facts) = script.facts.as_ref().filter(|facts| !facts.opaque && script.is_shell()) else {
        return false;
    };
    facts.commands.iter().all(|command| match command.program() {
        None => true,
        Some((name, arguments)) => {
            // `find -exec` and `sort --compress-program` start others.
            let starts =
                arguments.iter().any(|word| word.text.starts_with("-exec") || word.text.contains("program"));
            (NEED_NOTHING.contains(&name) || facts.functions.contains(name)) && !starts
        }
    })
}

fn unread(entry: &Statement, scripts: &[&Script<'_>]) -> Option<String> {
    let Tail::Assign(_) = entry.tail else { return None };
    let name = declared_name(entry).map_or_else(|| entry.head.text.to_string(), |name| name.text.to_string());
    let shell_reads =
        KNOWN.contains(&name.as_str()) || KNOWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    let mentioned = scripts.iter().any(|script| script.text.contains(&name));
    (!shell_reads && !mentioned && !entry.broken).then_some(name)
}

fn unread_entry(name: &str, env: &Statement, index: usize) -> Diagnostic {
    let entries = env.body();
    let entry = &entries[index];
    let cut = match (entries.get(index + 1), index.checked_sub(1)) {
        (Some(next), _) => Span { end: next.span.start, ..entry.span },
        (None, Some(before)) => Span { start: entries[before].span.end, ..entry.span },
        (None, None) => env.span,
    };
    Diagnostic::new(&codes::W803, entry.head.span, format!("nothing in the scripts reads `{name}`"))
        .help("remove it, or use it")
        .fix(true, cut, "")
}

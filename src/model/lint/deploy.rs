//! What leaves the machine: outside effects that a crash would repeat, deployments that nothing judges, gates that
//! come too late. Knows programs by name.

use std::collections::{HashMap, HashSet};

use crate::base::Span;
use crate::diag::{Diagnostic, codes};
use crate::expr::Expr;
use crate::model::shell::Command;
use crate::model::{Effect, ResolvedLane, Stage, StageId, StageKind, visit};

use super::Context;
use super::shell::{Owner, Part, Script};

/// W512: a command with an effect outside, in a stage that runs again after a crash.
pub(super) fn repeated(context: &Context<'_>, scripts: &[Script<'_>], found: &mut Vec<Diagnostic>) {
    for script in scripts {
        let Owner::Stage(stage) = script.owner else { continue };
        let stated = context.model.stated_effects.get(stage.id as usize).copied().unwrap_or(true);
        let repeatable = matches!(stage.effect, Effect::Repeatable) && !stated;
        if script.part != Part::Action || !repeatable || stage.kind != StageKind::Stage {
            continue;
        }
        for command in script.commands() {
            let Some(effect) = outside_effect(command) else { continue };
            let span = script.place_of(command);
            found.push(
                Diagnostic::new(
                    &codes::W512,
                    span,
                    format!("`{}` {effect}, and after a crash it would run again", stage.name),
                )
                .label("an effect outside")
                .related(stage.span, "nothing here says what a crash means for it")
                .help("say `once`, or `idempotent by KEY` if a second time with the same key does nothing; `repeatable` if twice is as good as once"),
            );
            break;
        }
    }
}

type Words = &'static [&'static str];

/// Programs with their subcommands (any where none are named), and what they change.
static OUTSIDE: &[(Words, Words, Words, &str)] = &[
    (
        &["npm", "pnpm", "yarn", "cargo", "poetry", "flit", "uv", "hatch"],
        &["publish"],
        &[],
        "publishes a package",
    ),
    (&["twine"], &["upload"], &[], "publishes a package"),
    (&["gem"], &["push"], &[], "publishes a package"),
    (&["docker", "podman"], &["push"], &[], "pushes an image"),
    (&["skopeo"], &["copy"], &[], "pushes an image"),
    (&["helm"], &["install", "upgrade", "uninstall", "rollback", "push"], &[], "changes a cluster"),
    (
        &["kubectl", "oc"],
        &["apply", "delete", "create", "patch", "scale", "set", "replace", "drain", "cordon"],
        &[],
        "changes a cluster",
    ),
    (&["terraform", "tofu", "pulumi"], &["apply", "destroy", "up"], &[], "changes infrastructure"),
    (
        &["gh", "glab"],
        &["release", "pr", "issue", "mr"],
        &["create", "edit", "delete", "merge", "close", "comment", "upload"],
        "writes to the forge",
    ),
    (
        &["http", "https", "xh"],
        &["POST", "PUT", "PATCH", "DELETE"],
        &[],
        "sends a request that changes something",
    ),
    (&["mail", "mailx", "sendmail", "mutt"], &[], &[], "sends mail"),
];

/// Options with which a command only says what it would do.
const PRETENDS: &[&str] = &["--dry-run", "--dry-run=client", "--dry-run=server", "--help"];

/// What a command changes outside of this machine, in words.
pub(super) fn outside_effect(command: &Command) -> Option<&'static str> {
    let (program, words) = command.program()?;
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    if texts.iter().any(|text| PRETENDS.contains(text)) {
        return None;
    }
    let mut verbs = texts.iter().filter(|text| !text.starts_with('-'));
    let (first, second) = (verbs.next().copied(), verbs.next().copied());
    let among = |words: &[&str], verb: Option<&str>| {
        words.is_empty() || verb.is_some_and(|verb| words.contains(&verb))
    };
    let row = OUTSIDE.iter().find(|(programs, firsts, seconds, _)| {
        programs.contains(&program) && among(firsts, first) && among(seconds, second)
    });
    let changes = match program {
        "curl" => sends(&texts).then_some("sends a request that changes something"),
        "wget" => {
            let posts = |text: &&str| text.starts_with("--post") || text.starts_with("--method=P");
            texts.iter().any(posts).then_some("sends a request that changes something")
        }
        "git" => (git_verb(&texts) == Some("push")).then_some("pushes to a remote"),
        "aws" => {
            let writes = first == Some("s3") && among(&["cp", "mv", "rm", "sync"], second);
            (writes && to_bucket(&texts)).then_some("changes a bucket")
        }
        "scp" | "rsync" => {
            let sends = texts.last().is_some_and(|target| is_remote(target)) && !texts.contains(&"-n");
            sends.then_some("copies to another machine")
        }
        _ => None,
    };
    changes.or(row.map(|(_, _, _, effect)| *effect))
}

/// Something that stays: news and requests go out without being a deployment.
fn deploys(command: &Command) -> bool {
    outside_effect(command)
        .is_some_and(|effect| !effect.starts_with("sends") && !effect.starts_with("writes"))
}

fn sends(texts: &[&str]) -> bool {
    let methods = ["POST", "PUT", "PATCH", "DELETE"];
    let named =
        texts.windows(2).any(|pair| matches!(pair[0], "-X" | "--request") && methods.contains(&pair[1]));
    let joined = methods.iter().any(|method| {
        texts.iter().any(|text| *text == format!("-X{method}") || *text == format!("--request={method}"))
    });
    let gets = texts.iter().any(|text| matches!(*text, "-G" | "--get"))
        || texts.windows(2).any(|pair| matches!(pair[0], "-X" | "--request") && pair[1] == "GET");
    let data = |text: &&str| {
        text.starts_with("--data")
            || matches!(*text, "-d" | "-F" | "--form" | "-T" | "--upload-file" | "--json")
    };
    named || joined || !gets && texts.iter().any(data)
}

/// The subcommand, behind git's own options.
fn git_verb<'t>(texts: &[&'t str]) -> Option<&'t str> {
    let mut rest = texts.iter();
    while let Some(text) = rest.next() {
        match *text {
            "-c" | "-C" => drop(rest.next()),
            text if text.starts_with('-') => {}
            text => return Some(text),
        }
    }
    None
}

fn to_bucket(texts: &[&str]) -> bool {
    let places: Vec<&&str> = texts.iter().skip(2).filter(|text| !text.starts_with('-')).collect();
    texts.contains(&"rm")
        || places.get(1).is_some_and(|target| target.starts_with("s3://") || target.starts_with('$'))
}

/// `host:path`, not a path with a colon somewhere.
fn is_remote(target: &str) -> bool {
    let Some((host, _)) = target.split_once(':') else { return false };
    target.starts_with("rsync://") || !host.is_empty() && !host.contains('/')
}

/// Words in a stage's name that say it goes out.
const DEPLOYS: &[&str] = &["deploy", "release", "publish", "ship", "rollout", "promote", "upload", "push"];
/// Words in a stage's name that say it judges what came before, or watches what went out.
const JUDGES: &[&str] = &[
    "test", "tests", "check", "checks", "lint", "verify", "unit", "suite", "review", "validate", "audit",
    "scan",
];
const WATCHES: &[&str] = &[
    "smoke", "health", "verify", "canary", "slo", "probe", "live", "post", "error", "errors", "latency",
    "traffic", "after",
];

fn says(name: &str, words: &[&str]) -> bool {
    name.split(['-', '_']).any(|part| words.contains(&part))
}

/// W609 and W610: by each lane's own order.
pub(super) fn unjudged(context: &Context<'_>, scripts: &[Script<'_>], found: &mut Vec<Diagnostic>) {
    let outside: HashSet<StageId> = scripts
        .iter()
        .filter(|script| script.part == Part::Action && script.commands().iter().any(deploys))
        .filter_map(|script| match script.owner {
            Owner::Stage(stage) => Some(stage.id),
            _ => None,
        })
        .collect();
    let mut seen: HashSet<(Span, &str)> = HashSet::new();
    let mut lanes: Vec<&ResolvedLane> = context.resolved.values().collect();
    lanes.sort_by_key(|lane| lane.id);
    for lane in lanes {
        let mut order = Order::new(lane);
        for (at, stage) in lane.stages.iter().enumerate() {
            if !context.asked(stage.module) || !goes_out(stage, &outside) || order.is_judged(at) {
                continue;
            }
            let late = order.late_gate(at);
            let finding = match late {
                Some(gate) if seen.insert((gate.span, "W610")) => too_late(stage, gate, lane),
                None if seen.insert((stage.span, "W609")) => without_gate(stage, lane),
                _ => continue,
            };
            found.push(finding);
        }
    }
}

/// Once or locked or undone, and named or known as something that leaves the machine.
fn goes_out(stage: &Stage, outside: &HashSet<StageId>) -> bool {
    let careful =
        !matches!(stage.effect, Effect::Repeatable) || stage.lock.is_some() || !stage.undo.is_empty();
    stage.kind == StageKind::Stage && careful && (outside.contains(&stage.id) || says(&stage.name, DEPLOYS))
}

fn without_gate(stage: &Stage, lane: &ResolvedLane) -> Diagnostic {
    let message = format!("in lane `{}` nothing judges what `{}` sends out", lane.name, stage.name);
    Diagnostic::new(&codes::W609, stage.span, message)
        .help("let it `need` a gate or a test, `approve … before` it, or ask with `confirm`")
}

fn too_late(stage: &Stage, gate: &Stage, lane: &ResolvedLane) -> Diagnostic {
    let message =
        format!("gate `{}` judges after `{}` has happened in lane `{}`", gate.name, stage.name, lane.name);
    Diagnostic::new(&codes::W610, gate.span, message).related(stage.span, "what it should guard").help(
        format!("write `needs {}` in `{}`, and let the gate follow what it measures", gate.name, stage.name),
    )
}

struct Order<'a> {
    lane: &'a ResolvedLane,
    /// Of each stage, whether it is judged before it starts; found when first asked.
    judged: Vec<Option<bool>>,
    approved: HashSet<u32>,
    /// The gates that wait for a stage.
    behind: HashMap<u32, Vec<&'a Stage>>,
}

impl<'a> Order<'a> {
    fn new(lane: &'a ResolvedLane) -> Self {
        let mut behind: HashMap<u32, Vec<&'a Stage>> = HashMap::new();
        for (stage, edges) in lane.stages.iter().zip(&lane.edges) {
            for edge in edges.iter().filter(|_| stage.kind == StageKind::Gate) {
                behind.entry(edge.to).or_default().push(stage);
            }
        }
        let approved = lane.approvals.iter().map(|approval| approval.before).collect();
        Order { lane, judged: vec![None; lane.stages.len()], approved, behind }
    }

    /// A gate, a person or a test stands before it. Each stage is looked at once a lane; no recursion over its length.
    fn is_judged(&mut self, at: usize) -> bool {
        let mut waiting = vec![at];
        // Also ends where stages wait in a circle, which was reported.
        let mut expanded = HashSet::new();
        while let Some(node) = waiting.last().copied() {
            let before: Vec<usize> = self.lane.edges[node].iter().map(|edge| edge.to as usize).collect();
            if self.judged[node].is_none() && expanded.insert(node) {
                let open = before.into_iter().filter(|need| self.judged[*need].is_none());
                waiting.extend(open.filter(|need| !expanded.contains(need)));
                continue;
            }
            waiting.pop();
            if self.judged[node].is_none() {
                let own = self.asks(node) || before.iter().any(|need| self.judges(*need));
                self.judged[node] = Some(own || before.iter().any(|need| self.judged[*need] == Some(true)));
            }
        }
        self.judged[at] == Some(true)
    }

    fn asks(&self, at: usize) -> bool {
        let stage = &self.lane.stages[at];
        stage.confirm.is_some() || self.approved.contains(&(at as u32)) || !stage.before.is_empty()
    }

    fn judges(&self, at: usize) -> bool {
        let stage = &self.lane.stages[at];
        stage.kind == StageKind::Gate || says(&stage.name, JUDGES) || !stage.after.is_empty()
    }

    /// A gate that waits for the stage itself and reads nothing of it.
    fn late_gate(&self, at: usize) -> Option<&'a Stage> {
        let id = self.lane.stages[at].id;
        let reads = |gate: &Stage| visit::expressions(gate).into_iter().any(|expr| reads_output(expr, id));
        let gates = self.behind.get(&(at as u32))?;
        gates.iter().copied().find(|gate| !reads(gate) && !says(&gate.name, WATCHES))
    }
}

fn reads_output(expr: &Expr, of: StageId) -> bool {
    let mut reads = false;
    expr.walk(&mut |inner| {
        reads |= matches!(&inner.kind, crate::expr::Kind::Output { stage, .. } if *stage == of);
    });
    reads
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::shell;

    fn effect(script: &str) -> Option<&'static str> {
        shell::read(script).facts?.commands.iter().find_map(outside_effect)
    }

    #[test]
    fn commands_that_change_something_elsewhere_are_known() {
        for script in [
            "curl -X POST u",
            "curl -fsS --data @x u",
            "sudo -u ci curl -XDELETE u",
            "git -C x push origin main",
            "cargo publish --locked",
            "npm publish",
            "python3 x || twine upload dist/*",
            "docker push \"$IMAGE\"",
            "gh release create v1",
            "kubectl apply -f y",
            "terraform apply -auto-approve",
            "aws s3 sync dist s3://bucket",
            "rsync -a dist/ host:/srv",
            "scp a user@host:b",
            "echo x | mail -s y z@example.org",
        ] {
            assert!(effect(script).is_some(), "{script}");
        }
    }

    #[test]
    fn commands_that_only_ask_or_stay_here_are_not() {
        for script in [
            "curl -fsS u -o x",
            "curl -G -d q=1 u",
            "git fetch; git commit -m push; git stash push",
            "cargo publish --dry-run",
            "npm run publish-docs",
            "docker build .",
            "gh release view v1",
            "kubectl get pods",
            "terraform plan",
            "aws s3 cp s3://bucket/x .",
            "aws s3 ls",
            "rsync -a a/ b/",
            "scp host:a b",
            "cp a:b c",
        ] {
            assert_eq!(effect(script), None, "{script}");
        }
    }
}

//! Works out what an attempt is, in full: argv, environment, folders, limits. Paths become absolute here and nothing
//! leaves the root. Starts nothing.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::base::Value;
use crate::event::NodeIndex;
use crate::expr::eval::{eval_argv_with, eval_text};
use crate::expr::facts::{Fact, FactKey};
use crate::expr::{Expr, Function, Scope, eval};
use crate::plan::{Action, Node, Plan, StageKind};
use crate::port::{self, AttemptSpec};

use super::input::{Mend, Outputs};
use super::judge::reason;
use super::scope::{NodeScope, declared_path};

/// What is the same for all attempts of a run.
#[derive(Clone, Debug)]
pub struct Context {
    pub run: String,
    pub secrets: BTreeMap<u32, Value>,
    pub log_dir: Option<PathBuf>,
    pub grace: Duration,
}

/// One attempt to work out.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    pub node: NodeIndex,
    pub attempt: u32,
    pub timeout: Option<u64>,
    pub key: Option<&'a str>,
    pub outputs: &'a Outputs,
}

/// What of a stage is carried out.
#[derive(Default)]
struct What<'a> {
    actions: &'a [Action],
    /// Each of its files must be known.
    all_paths: bool,
    /// What it gave out when it ended.
    own: Option<&'a BTreeMap<String, Value>>,
}

/// The stage's actions.
pub fn attempt(plan: &Plan, context: &Context, wanted: &Wanted<'_>) -> Result<AttemptSpec, String> {
    let log = format!("{}-{}.log", wanted.node, wanted.attempt);
    let actions = &plan.nodes[wanted.node as usize].actions;
    stage(plan, context, wanted, &What { actions, all_paths: true, ..What::default() }, log)
}

/// The stage's `undo`, with its own folder and environment, and what it gave out.
pub fn stage_undo(
    plan: &Plan,
    context: &Context,
    wanted: &Wanted<'_>,
    own: &BTreeMap<String, Value>,
) -> Result<AttemptSpec, String> {
    let log = undo_log(wanted.node, wanted.attempt);
    let undo = plan.nodes[wanted.node as usize].undo.as_ref();
    let actions = undo.map_or(&[][..], |undo| &undo.actions);
    let mut spec = stage(plan, context, wanted, &What { actions, all_paths: false, own: Some(own) }, log)?;
    spec.fresh_outputs = false;
    spec.outputs.clear();
    spec.exit_ok.clear();
    Ok(spec)
}

/// The name of the log of an undo's attempt.
pub fn undo_log(node: NodeIndex, attempt: u32) -> String {
    format!("{node}-undo-{attempt}.log")
}

/// The actions of an undo in words, one line each, as they would be carried out.
pub fn undo_in_words(
    plan: &Plan,
    node: NodeIndex,
    outputs: &Outputs,
    own: &BTreeMap<String, Value>,
) -> Vec<String> {
    let mut scope = NodeScope::new(plan, node, outputs);
    let spec = &plan.nodes[node as usize];
    let mut paths = own_paths(&plan.root, &scope, spec, false).unwrap_or_default();
    for (name, value) in own {
        paths.entry(name.clone()).or_insert_with(|| value.clone());
    }
    scope.own = Some(&paths);
    let mut made = Made { root: &plan.root, scope: &scope, targets: Vec::new() };
    let actions = spec.undo.as_ref().map_or(&[][..], |undo| &undo.actions);
    let worded = actions.iter().map(|action| match made.action(action) {
        Ok(port::Action::Exec { argv }) => argv.join(" "),
        Ok(port::Action::Script { interpreter, text }) => {
            let first = text.trim().lines().next().unwrap_or_default().to_owned();
            let more = text.trim().lines().count().saturating_sub(1);
            let more = if more > 0 { format!(" … and {more} more lines") } else { String::new() };
            format!("{interpreter}: {first}{more}")
        }
        Ok(port::Action::Render { target, .. }) => format!("render {}", target.display()),
        Err(why) => format!("(cannot be worked out: {why})"),
    });
    worded.collect()
}

/// The stage's `finally`, with its own folder and environment.
pub fn stage_finally(plan: &Plan, context: &Context, wanted: &Wanted<'_>) -> Result<AttemptSpec, String> {
    let log = format!("{}-finally.log", wanted.node);
    let actions = &plan.nodes[wanted.node as usize].finally;
    let mut spec = stage(plan, context, wanted, &What { actions, ..What::default() }, log)?;
    spec.fresh_outputs = false;
    spec.outputs.clear();
    spec.exit_ok.clear();
    Ok(spec)
}

/// The lane's `finally`: at the root; its node is [`lane_node`].
pub fn lane_finally(plan: &Plan, context: &Context) -> Result<AttemptSpec, String> {
    let scope = LaneScope { plan };
    let mut made = Made { root: &plan.root, scope: &scope, targets: Vec::new() };
    let actions = made.actions(&plan.finally)?;
    Ok(AttemptSpec {
        node: lane_node(plan),
        key: "finally".into(),
        actions,
        cwd: plan.root.clone(),
        env: vec![("WFL_RUN".into(), context.run.clone())],
        outputs: made.targets,
        log: context.log_dir.as_ref().map(|dir| dir.join("lane-finally.log")),
        ..common(plan, context)
    })
}

/// `do` of a repair rule: at the root, as the lane's `finally`. It is told what failed and where.
pub fn repair(plan: &Plan, context: &Context, mend: &Mend) -> Result<AttemptSpec, String> {
    let scope = LaneScope { plan };
    let mut made = Made { root: &plan.root, scope: &scope, targets: Vec::new() };
    let actions = made.actions(&mend.rule.actions)?;
    let node = &plan.nodes[mend.node as usize];
    let log = format!("{}-repair-{}.log", mend.node, mend.number);
    // Below it lie the logs of each run: a `wfl` that the rule calls works on the same state.
    let state = context.log_dir.as_ref().and_then(|logs| logs.parent()?.parent());
    let state = state.map(|state| ("WFL_STATE_DIR", state.to_string_lossy().into_owned()));
    let env = [
        ("WFL_RUN", context.run.clone()),
        ("WFL_STAGE", node.key.clone()),
        ("WFL_ATTEMPT", mend.attempt.to_string()),
        ("WFL_REPAIR", mend.rule.name.clone()),
        ("WFL_STAGE_DIR", folder(plan, mend)),
        ("WFL_STDERR", last(&mend.said, SAID).replace('\0', "")),
    ];
    Ok(AttemptSpec {
        node: mend.node,
        key: format!("repair of {}", node.key),
        attempt: mend.attempt,
        actions,
        env: env.into_iter().chain(state).map(|(name, value)| (name.to_owned(), value)).collect(),
        outputs: made.targets,
        timeout: Some(Duration::from_millis(mend.timeout)),
        log: context.log_dir.as_ref().map(|dir| dir.join(log)),
        ..common(plan, context)
    })
}

/// Bytes of what a failed attempt said that its repair is given.
const SAID: usize = 16 << 10;

/// The folder the stage runs in; the root where that cannot be known.
fn folder(plan: &Plan, mend: &Mend) -> String {
    let scope = NodeScope::new(plan, mend.node, &mend.outputs);
    let made = Made { root: &plan.root, scope: &scope, targets: Vec::new() };
    let cwd = made.cwd(plan.nodes[mend.node as usize].cwd.as_ref());
    cwd.unwrap_or_else(|_| plan.root.clone()).to_string_lossy().into_owned()
}

/// The end of a text, at most so many bytes.
fn last(text: &str, most: usize) -> &str {
    let from = text.ceil_char_boundary(text.len().saturating_sub(most));
    &text[from..]
}

/// The number by which the executor knows the lane's `finally`: one past the last stage.
pub fn lane_node(plan: &Plan) -> NodeIndex {
    plan.nodes.len() as NodeIndex
}

fn common(plan: &Plan, context: &Context) -> AttemptSpec {
    AttemptSpec {
        run: context.run.clone(),
        node: 0,
        key: String::new(),
        attempt: 0,
        actions: Vec::new(),
        root: plan.root.clone(),
        cwd: plan.root.clone(),
        env: Vec::new(),
        env_remove: plan.secrets.iter().flat_map(|secret| secret.sources.iter().cloned()).collect(),
        clean_env: plan.clean_env.clone(),
        mask: context.secrets.values().map(Value::to_string).filter(|text| !text.is_empty()).collect(),
        outputs: Vec::new(),
        fresh_outputs: false,
        timeout: None,
        grace: context.grace,
        exit_ok: Vec::new(),
        log: None,
    }
}

fn stage(
    plan: &Plan,
    context: &Context,
    wanted: &Wanted<'_>,
    what: &What<'_>,
    log: String,
) -> Result<AttemptSpec, String> {
    let node = &plan.nodes[wanted.node as usize];
    let mut scope = NodeScope::new(plan, wanted.node, wanted.outputs);
    let mut own = own_paths(&plan.root, &scope, node, what.all_paths)?;
    let files: Vec<PathBuf> = own.values().map(|path| PathBuf::from(path.to_string())).collect();
    for (name, value) in what.own.into_iter().flatten() {
        own.entry(name.clone()).or_insert_with(|| value.clone());
    }
    scope.own = Some(&own);
    let mut made = Made { root: &plan.root, scope: &scope, targets: Vec::new() };
    let actions = made.actions(what.actions)?;
    let cwd = made.cwd(node.cwd.as_ref())?;
    let mut targets = made.targets;
    // Secrets may stand in `env` alone.
    scope.secrets = Some(&context.secrets);
    let env = environment(&plan.root, &scope, node, context, wanted)?;
    targets.extend(files);
    Ok(AttemptSpec {
        node: wanted.node,
        key: node.key.clone(),
        attempt: wanted.attempt,
        actions,
        cwd,
        env,
        outputs: targets,
        fresh_outputs: node.kind == StageKind::Gate,
        timeout: wanted.timeout.map(Duration::from_millis),
        exit_ok: node.gate.as_ref().map(|gate| gate.exit_ok.clone()).unwrap_or_default(),
        log: context.log_dir.as_ref().map(|dir| dir.join(log)),
        ..common(plan, context)
    })
}

/// With `all`, each of them must be known; without, as for the `finally` of a stage that did not get so far, those
/// that are not are left out.
fn own_paths(
    root: &Path,
    scope: &NodeScope<'_>,
    node: &Node,
    all: bool,
) -> Result<BTreeMap<String, Value>, String> {
    let mut paths = BTreeMap::new();
    for output in &node.outputs {
        let path = match declared_path(scope, output) {
            Ok(Some(Value::Path(path))) => path,
            Err(stop) if all => return Err(reason(stop)),
            Ok(_) | Err(_) => continue,
        };
        let path = inside(root, &path).map_err(|why| format!("output `{}`: {why}", output.name))?;
        paths.insert(output.name.clone(), Value::Path(path.to_string_lossy().into_owned()));
    }
    Ok(paths)
}

fn environment(
    root: &Path,
    scope: &NodeScope<'_>,
    node: &Node,
    context: &Context,
    wanted: &Wanted<'_>,
) -> Result<Vec<(String, String)>, String> {
    let mut env = Vec::new();
    for (name, expr) in &node.env {
        let text = eval_text(expr, scope, &absolute(root))
            .map_err(|stop| format!("env {name}: {}", reason(stop)))?;
        if text.contains('\0') {
            return Err(format!("env {name}: its value holds a NUL byte"));
        }
        env.push((name.clone(), text));
    }
    env.push(("WFL_RUN".into(), context.run.clone()));
    env.push(("WFL_STAGE".into(), node.key.clone()));
    env.push(("WFL_ATTEMPT".into(), wanted.attempt.to_string()));
    env.extend(wanted.key.map(|key| ("WFL_KEY".to_owned(), key.to_owned())));
    Ok(env)
}

/// Evaluates what actions are made of.
struct Made<'a> {
    root: &'a Path,
    scope: &'a dyn Scope,
    /// Files that actions render: their folders must exist.
    targets: Vec<PathBuf>,
}

impl Made<'_> {
    fn actions(&mut self, actions: &[Action]) -> Result<Vec<port::Action>, String> {
        actions.iter().map(|action| self.action(action)).collect()
    }

    fn action(&mut self, action: &Action) -> Result<port::Action, String> {
        Ok(match action {
            Action::Script { interpreter, text } => {
                port::Action::Script { interpreter: interpreter.clone(), text: text.clone() }
            }
            Action::Exec { argv } => port::Action::Exec { argv: self.argv(argv)? },
            Action::Render { target, template, context, schema } => {
                let target = inside(self.root, &self.text(target)?)?;
                let template = self.source(template)?;
                let schema = schema.as_ref().map(|schema| self.source(schema)).transpose()?;
                let mut values = serde_json::Map::new();
                for (name, expr) in context {
                    values.insert(name.clone(), eval(expr, self.scope).map_err(reason)?.to_json());
                }
                self.targets.push(target.clone());
                port::Action::Render { target, template, schema, context: values.into() }
            }
        })
    }

    fn argv(&self, operands: &[Expr]) -> Result<Vec<String>, String> {
        let argv = eval_argv_with(operands, self.scope, &absolute(self.root)).map_err(reason)?;
        match argv.iter().find(|argument| argument.contains('\0')) {
            Some(_) => Err("an argument holds a NUL byte".into()),
            None => Ok(argv),
        }
    }

    fn cwd(&self, cwd: Option<&Expr>) -> Result<PathBuf, String> {
        match cwd {
            None => Ok(self.root.to_owned()),
            Some(expr) => inside(self.root, &self.text(expr)?).map_err(|why| format!("cwd: {why}")),
        }
    }

    /// A file that is read, as it is written in the definition.
    fn source(&self, path: &Expr) -> Result<PathBuf, String> {
        let path = self.text(path)?;
        inside(self.root, &path)?;
        Ok(PathBuf::from(path))
    }

    fn text(&self, expr: &Expr) -> Result<String, String> {
        match eval(expr, self.scope).map_err(reason)? {
            Value::Absent => Err("a path has no value".into()),
            value => Ok(value.to_string()),
        }
    }
}

/// How paths are written for processes, inside f-strings too.
fn absolute(root: &Path) -> impl Fn(&str) -> String + '_ {
    |path| root.join(path).to_string_lossy().into_owned()
}

/// The absolute path of `path` beneath `root`; an error when it would lie outside. Looks at the text alone.
pub fn inside(root: &Path, path: &str) -> Result<PathBuf, String> {
    let outside = || Err(format!("the path {path:?} leaves the project"));
    if path.contains('\0') {
        return Err(format!("the path {path:?} holds a NUL byte"));
    }
    let relative = match Path::new(path).strip_prefix(root) {
        Ok(relative) => relative,
        Err(_) if Path::new(path).is_absolute() => return outside(),
        Err(_) => Path::new(path),
    };
    let mut depth = Vec::new();
    for component in relative.components() {
        match component {
            Component::Normal(name) => depth.push(name),
            Component::CurDir => {}
            Component::ParentDir if depth.pop().is_some() => {}
            _ => return outside(),
        }
    }
    Ok(depth.into_iter().fold(root.to_owned(), |path, name| path.join(name)))
}

/// The lane's `finally` sees nothing of any stage.
struct LaneScope<'a> {
    plan: &'a Plan,
}

impl Scope for LaneScope<'_> {
    fn function(&self, index: u32) -> Option<&Function> {
        self.plan.functions.get(index as usize)
    }

    fn fact(&self, key: &FactKey) -> Option<Fact> {
        self.plan.facts.get(&key.id()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_the_root() {
        let root = Path::new("/project");
        assert_eq!(inside(root, "a/./b/../c"), Ok(PathBuf::from("/project/a/c")));
        assert_eq!(inside(root, "/project/x"), Ok(PathBuf::from("/project/x")));
        for escape in ["../x", "a/../../x", "/etc/passwd", "/projectile", "a\0b"] {
            assert!(inside(root, escape).is_err(), "{escape:?}");
        }
    }

    struct Nothing;

    impl Scope for Nothing {}

    #[test]
    fn paths_reach_processes_absolute_and_strings_as_they_are() {
        let span = crate::base::Span::default();
        let argv = ["a/b", "c"].map(|text| Expr::value(Value::Path(text.into()), span));
        let made = Made { root: Path::new("/project"), scope: &Nothing, targets: Vec::new() };
        assert_eq!(made.argv(&argv), Ok(vec!["/project/a/b".to_owned(), "/project/c".to_owned()]));
        let plain = Expr::value(Value::String("a/b".into()), span);
        assert_eq!(made.argv(&[plain]), Ok(vec!["a/b".to_owned()]));
    }
}

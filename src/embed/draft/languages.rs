//! What each language's project runs, as stages.

use super::super::survey::step::{canonical, words};
use super::super::survey::{Node, Other, Part, Purpose, Python, Rust, Step, Survey, Tests, What};
use super::Plan;
use super::native;
use super::text::{Stage, quoted};

pub fn stages(survey: &Survey, part: &Part) -> Plan {
    let mut plan = match &part.what {
        What::Rust(rust) => of_rust(survey, rust),
        What::Python(python) => of_python(python, &part.folder),
        What::Node(node) => of_node(node, &part.folder),
        What::Native(made) => native::stages(made),
        What::Other(other) => of_other(other),
    };
    for stage in &mut plan.stages {
        stage.cwd = part.folder.clone();
    }
    plan
}

fn shown(at: &impl std::fmt::Display) -> String {
    format!("Shown by {at}.")
}

fn of_rust(survey: &Survey, rust: &Rust) -> Plan {
    let mut plan = Plan::default();
    let what = if rust.workspace { "a Cargo workspace" } else { "a Cargo package" };
    plan.found.push(format!("{what} ({})", rust.at.file));
    if !rust.cargo {
        plan.notes.push("cargo is not installed here (https://rustup.rs). Then: stage test { timeout 30m; exec \"cargo\", \"test\" }".into());
        return plan;
    }
    plan.stages.push(rust_test(survey));
    let ci = |verb: &str| survey.runs(&["cargo", verb]);
    let by =
        |file: &Option<String>, verb: &str| ci(verb).map(|step| step.at.to_string()).or_else(|| file.clone());
    if let Some(by) = by(&rust.fmt_file, "fmt") {
        let stage = Stage::exec("format", "5m", &["cargo", "fmt", "--all", "--check"]);
        let stage =
            stage.doc("Every file is as rustfmt would write it; `cargo fmt` mends it.").doc(shown(&by));
        plan.offer(
            stage.warning(),
            rust.rustfmt,
            "rustfmt is not installed here: `rustup component add rustfmt`",
        );
    }
    if let Some(by) = by(&rust.clippy_file, "clippy") {
        let command = ci("clippy").map_or_else(|| vec!["cargo".into(), "clippy".into()], plain_cargo);
        let stage = Stage::of_words("lint", "20m", command);
        let stage = stage.doc("What clippy says.").doc(shown(&by)).following("test");
        plan.offer(
            stage.warning(),
            rust.clippy,
            "clippy is not installed here: `rustup component add clippy`",
        );
    }
    plan
}

/// The command without a toolchain of its own, which need not be installed.
fn plain_cargo(step: &Step) -> Vec<String> {
    let canonical = canonical(&step.command);
    canonical.into_iter().filter(|word| !word.starts_with('+')).collect()
}

/// As CI runs it where it runs the whole without switches.
fn rust_test(survey: &Survey) -> Stage {
    let whole = |step: &&Step| {
        let words = canonical(&step.command);
        words.starts_with(&["cargo".into(), "test".into()])
            && words[2..]
                .iter()
                .all(|word| ["--workspace", "--all", "--all-targets"].contains(&word.as_str()))
    };
    let ci = survey.steps.iter().find(whole);
    let command = ci.map_or_else(|| vec!["cargo".into(), "test".into()], plain_cargo);
    let stage = Stage::of_words("test", "30m", command).doc("Unit, integration and documentation tests.");
    match ci {
        Some(ci) => stage.doc(shown(&ci.at)),
        None => stage,
    }
}

impl Plan {
    /// A stage where its tool is there, else a comment.
    fn offer(&mut self, stage: Stage, installed: bool, otherwise: &str) {
        match installed {
            true => self.stages.push(stage),
            false => self.notes.push(format!("{otherwise}. Then: {}", stage.commands().join("; "))),
        }
    }
}

fn of_python(python: &Python, folder: &str) -> Plan {
    let mut plan = Plan::default();
    plan.found.push(format!("a Python project ({})", python.file));
    if !python.installed {
        plan.notes.push(
            "no Python starts here. Then: stage test { timeout 15m; exec \"python3\", \"-m\", \"pytest\" }"
                .into(),
        );
        return plan;
    }
    let mut start: Vec<String> = python.start.clone();
    let mut needs: Vec<String> = Vec::new();
    if let Some(environment) = &python.environment {
        let (stage, python) = environment_stage(&environment.lacks, &environment.installs, folder, &start);
        plan.stages.push(stage);
        (start, needs) = (vec![python], vec!["environment?".into()]);
    } else if let (Some(program), false) = (start.first_mut(), folder.is_empty()) {
        // A stage's programs are looked for from its own folder.
        if let Some(below) = program.strip_prefix(folder) {
            *program = below.trim_start_matches('/').to_string();
        }
    }
    let started = |rest: &[&str]| -> Vec<String> {
        start.iter().cloned().chain(rest.iter().map(|word| word.to_string())).collect()
    };
    let mut test = match (python.tests, &python.session) {
        (Tests::None, _) => {
            plan.stages.push(compile_stage(python, &started(&["-m", "compileall", "-q"])));
            None
        }
        (_, Some(session)) => Some(
            Stage::of_words("test", "30m", session.clone())
                .doc("The tests, in the project's own environment."),
        ),
        (Tests::Pytest, None) => {
            Some(Stage::of_words("test", "20m", started(&["-m", "pytest", "-q"])).doc("The tests."))
        }
        (Tests::Unittest, None) => Some(unittest_stage(python, &started(&["-m", "unittest"]))),
    };
    if let (Some(stage), Some(at)) = (&mut test, &python.shown_by) {
        stage.docs.push(shown(at));
    }
    if let Some(stage) = &mut test
        && python.source_path
        && python.environment.is_none()
        && python.session.is_none()
    {
        stage.docs.push("The package is not installed: it is found in src/.".into());
        stage.env.push(("PYTHONPATH".into(), quoted("src")));
    }
    plan.stages.extend(test.map(|stage| stage.needing(&needs)));
    for (name, command, file) in &python.linters {
        let stage =
            Stage::of_words(name, "10m", command.clone()).doc(format!("What {name} says.")).doc(shown(file));
        plan.stages.push(stage.warning());
    }
    plan
}

fn unittest_stage(python: &Python, command: &[String]) -> Stage {
    let mut command = command.to_vec();
    if let Some(folder) = &python.unittest_folder {
        command.extend(["discover".into(), "--start-directory".into(), folder.clone()]);
    }
    Stage::of_words("test", "20m", command).doc("The tests.")
}

fn compile_stage(python: &Python, command: &[String]) -> Stage {
    let words = command.iter().chain(&python.sources).map(|word| shell_quoted(word));
    // The mark has the engine make the folder, which git then ignores.
    let script = format!("{}\ntouch .wfl/out/pycache/made", words.collect::<Vec<_>>().join(" "));
    let stage =
        Stage::script("compile", "5m", &script).doc("Every file compiles. There are no tests to run yet.");
    let mut stage = stage.setting(format!("out made = {}", quoted(".wfl/out/pycache/made")));
    stage.env.push(("PYTHONPYCACHEPREFIX".into(), quoted(".wfl/out/pycache")));
    stage
}

/// Made once, below the folder that git ignores; gone, it is made again.
fn environment_stage(
    lacks: &[String],
    installs: &[String],
    folder: &str,
    start: &[String],
) -> (Stage, String) {
    let name =
        if folder.is_empty() { "venv".to_string() } else { format!("venv-{}", super::text::name(folder)) };
    let up = "../".repeat(if folder.is_empty() { 0 } else { folder.split('/').count() });
    let venv = format!(".wfl/out/{name}");
    let python = start.first().map_or("python3", String::as_str);
    let installs: Vec<String> = installs.iter().map(|word| shell_quoted(word)).collect();
    let script = format!(
        "{python} -m venv {up}{venv}\n{up}{venv}/bin/python -m pip install --quiet --disable-pip-version-check {}\ntouch {up}{venv}/ready",
        installs.join(" ")
    );
    let few: Vec<&str> = lacks.iter().take(4).map(String::as_str).collect();
    let more = if lacks.len() > few.len() { ", …" } else { "" };
    let mut stage = Stage::script("environment", "15m", &script)
        .doc(format!(
            "The Python at hand lacks {}{more}: the tests get an environment of their own.",
            few.join(", ")
        ))
        .doc(format!("Made once; delete {venv} to make it anew."))
        .setting(format!("out ready = {}", quoted(&format!("{venv}/ready"))))
        .setting("retry std.retry.network");
    stage.when = Some(format!("not project.has({})", quoted(&format!("{venv}/ready"))));
    (stage, format!("{up}{venv}/bin/python"))
}

fn shell_quoted(word: &str) -> String {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=,".contains(c));
    if plain { word.to_string() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

fn of_node(node: &Node, folder: &str) -> Plan {
    let mut plan = Plan::default();
    plan.found.push(format!("an npm package ({})", node.at.file));
    let program = if node.installed { node.manager.program() } else { "npm" };
    if !node.installed && !node.npm {
        plan.notes.push(format!(
            "{} is not installed here. Then: stage test {{ timeout 20m; exec \"{0}\", \"test\" }}",
            node.manager.program()
        ));
        return plan;
    }
    let mut needs: Vec<String> = Vec::new();
    if node.depends && node.installed {
        plan.stages.push(install_stage(node, folder));
        needs.push("install?".into());
    }
    let scripts = [
        (Purpose::Format, "format", "5m", "Every file is as the project's formatter would write it."),
        (Purpose::Lint, "lint", "10m", "What the project's linter says."),
        (Purpose::Types, "types", "10m", "The types agree."),
        (Purpose::Build, "build", "15m", "It builds."),
    ];
    let of_purpose = |(purpose, name, timeout, doc): (Purpose, &str, &'static str, &str)| {
        let step = node.script_for(purpose)?;
        let command: Vec<String> =
            std::iter::once(program.to_string()).chain(words(&step.command).into_iter().skip(1)).collect();
        Some(Stage::of_words(name, timeout, command).doc(doc).doc(shown(&step.at)).needing(&needs).warning())
    };
    let mut others: Vec<Stage> = scripts.into_iter().filter_map(of_purpose).collect();
    let build = others.iter().position(|stage| stage.name == "build").map(|at| others.remove(at));
    let test = node_test(node, program).map(|test| test.needing(&needs));
    let test =
        test.map(|test| if build.is_some() && test.name == "test" { test.following("build") } else { test });
    plan.stages.extend(build.into_iter().chain(test).chain(others));
    plan
}

fn node_test(node: &Node, program: &str) -> Option<Stage> {
    if node.tested {
        let command: &[&str] = if program == "bun" { &["bun", "run", "test"] } else { &[program, "test"] };
        let at = node.steps.iter().find(|step| step.command == "npm test").map(|step| &step.at);
        let stage = Stage::exec("test", "20m", command).doc("The project's own tests.");
        return Some(at.map_or(stage.clone(), |at| stage.doc(shown(at))));
    }
    if !node.node {
        return None;
    }
    if let Some(first) = node.node_tests.first() {
        let stage = Stage::exec("test", "20m", &["node", "--test"]).doc("The tests, by node's own runner.");
        return Some(stage.doc(shown(first)));
    }
    let entry = node.entries.first()?;
    Some(
        Stage::exec("parse", "1m", &["node", "--check", entry])
            .doc("It parses. There are no tests to run yet."),
    )
}

/// Only where nothing is installed yet: whoever works here has it already.
fn install_stage(node: &Node, folder: &str) -> Stage {
    use super::super::survey::Manager;
    let command: &[&str] = match (node.manager, &node.lock) {
        (Manager::Npm, Some(_)) => &["npm", "ci", "--no-audit", "--no-fund"],
        (Manager::Npm, None) => &["npm", "install", "--no-package-lock", "--no-audit", "--no-fund"],
        (Manager::Yarn, _) => &["yarn", "install", "--immutable"],
        (Manager::Pnpm, Some(_)) => &["pnpm", "install", "--frozen-lockfile"],
        (Manager::Pnpm, None) => &["pnpm", "install"],
        (Manager::Bun, _) => &["bun", "install"],
    };
    let what = match &node.lock {
        Some(lock) => format!("What {lock} names, where it is not installed yet."),
        None => "What the package depends on, where it is not installed yet.".to_string(),
    };
    let marker =
        if folder.is_empty() { node.marker.to_string() } else { format!("{folder}/{}", node.marker) };
    let mut stage = Stage::exec("install", "15m", command).doc(what).setting("retry std.retry.network");
    stage.when = Some(format!("not project.has({})", quoted(&marker)));
    stage
}

fn of_other(other: &Other) -> Plan {
    let mut plan = Plan::default();
    plan.found.push(format!("a {} project ({})", other.language, other.file));
    let test = Stage::of_words("test", "30m", other.test.clone()).doc("The tests.");
    let missing = format!("{} is not installed here", other.language);
    plan.offer(test, other.installed, &missing);
    for (name, command) in other.besides.iter().filter(|_| other.installed) {
        let words = command.join(" ");
        let stage = Stage::of_words(name, "10m", command.clone()).doc(format!("What `{words}` says."));
        plan.stages.push(stage.warning());
    }
    plan
}

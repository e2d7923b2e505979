//! Stages for what make, CMake, Meson, just or a script of the project builds and tests.

use super::super::survey::{Build, Native, Runner, Survey};
use super::Plan;
use super::text::{Stage, quoted};

pub fn stages(native: &Native) -> Plan {
    let mut plan = Plan::default();
    plan.found.push(format!("{} ({})", native.build.word(), native.file));
    if !native.installed {
        plan.notes.push(format!("{} or the compiler it needs is not installed here", native.build.word()));
        return plan;
    }
    match native.build {
        Build::Make => of_make(native, &mut plan),
        Build::Cmake => cmake(&mut plan),
        Build::Meson => meson(&mut plan),
    }
    plan
}

fn cmake(plan: &mut Plan) {
    let configure = Stage::exec("configure", "10m", &["cmake", "-S", ".", "-B", ".wfl/out/build"]);
    out_of_tree(
        plan,
        configure,
        "CMakeCache.txt",
        &["cmake", "--build", ".wfl/out/build"],
        &["ctest", "--test-dir", ".wfl/out/build", "--output-on-failure"],
    );
}

fn meson(plan: &mut Plan) {
    let mut configure = Stage::exec("configure", "10m", &["meson", "setup", ".wfl/out/build"]);
    configure.when = Some("not project.has(\".wfl/out/build/build.ninja\")".into());
    out_of_tree(
        plan,
        configure,
        "build.ninja",
        &["meson", "compile", "-C", ".wfl/out/build"],
        &["meson", "test", "-C", ".wfl/out/build"],
    );
}

/// Nothing of it lands among the sources.
fn out_of_tree(plan: &mut Plan, configure: Stage, made: &str, build: &[&str], test: &[&str]) {
    let needs = vec![if configure.when.is_some() { "configure?".to_string() } else { "configure".into() }];
    let configure = configure.doc("Sets up a build below .wfl/out, which git ignores.");
    let build = Stage::exec("build", "30m", build).doc("Compiles.").needing(&needs);
    let test = Stage::exec("test", "30m", test).doc("The tests.").needing(&["build".to_string()]);
    plan.stages.extend([
        configure.setting(format!("out made = {}", quoted(&format!(".wfl/out/build/{made}")))),
        build,
        test,
    ]);
}

fn of_make(native: &Native, plan: &mut Plan) {
    let mut needs: Vec<String> = Vec::new();
    if let Some(configure) = &native.configure {
        if let Some(made_by) = &configure.made_by {
            let mut stage =
                Stage::of_words("bootstrap", "10m", made_by.clone()).doc("Makes the configure script.");
            stage.when = Some(format!("not project.has({})", quoted("configure")));
            plan.stages.push(stage);
            needs.push("bootstrap?".into());
        }
        let mut stage = Stage::exec("configure", "15m", &["./configure"]).needing(&needs);
        stage = match &configure.marker {
            Some(marker) => {
                stage.when = Some(format!("not project.has({})", quoted(marker)));
                stage.doc(format!("Once; delete {marker} to do it again."))
            }
            None => stage.doc("Writes the makefile for this machine."),
        };
        if configure.refuses_root {
            stage
                .docs
                .push("It refuses root, as in containers, unless it is told that this is meant.".into());
            stage.env.push(("FORCE_UNSAFE_CONFIGURE".into(), quoted("1")));
        }
        plan.stages.push(stage);
        needs = vec![if configure.marker.is_some() { "configure?".into() } else { "configure".into() }];
    }
    if let Some(target) = &native.target {
        plan.stages.push(Stage::exec("build", "30m", &["make", target]).doc("Compiles.").needing(&needs));
        needs = vec!["build".into()];
    }
    match &native.test {
        Some(test) => {
            let stage = Stage::exec("test", "30m", &["make", test]).doc("The tests.");
            plan.stages.push(stage.doc(format!("Shown by {}.", native.file)).needing(&needs));
        }
        None if native.target.is_none() => {
            plan.stages.push(
                Stage::exec("plan", "2m", &["make", "--dry-run"])
                    .doc("The makefile can be read.")
                    .needing(&needs),
            );
        }
        None => {}
    }
}

/// What stands beside the languages: recipes and scripts, as far as nothing else tests.
pub fn besides(survey: &Survey, tested: bool) -> Plan {
    let mut plan = Plan::default();
    if !tested {
        recipes(survey, &mut plan);
    }
    let shell = &survey.shell;
    if !tested && plan.stages.is_empty() {
        if let Some(test) = &shell.test {
            plan.found.push(format!("a test script ({test})"));
            plan.stages.push(Stage::exec("test", "20m", &[test]).doc("The project's own tests."));
        } else if let Some(folder) = &shell.bats {
            plan.found.push(format!("tests for bats ({folder})"));
            let stage = Stage::exec("test", "20m", &["bats", folder]).doc("The tests.");
            match shell.bats_installed {
                true => plan.stages.push(stage),
                false => plan.notes.push(
                    "bats is not installed here. Then: stage test { timeout 20m; exec \"bats\", \"test\" }"
                        .into(),
                ),
            }
        }
    }
    if survey.parts.is_empty() && !shell.scripts.is_empty() {
        plan.found.push(format!("{} of the shell", counted(shell.scripts.len(), "script")));
        plan.stages.push(syntax(survey));
    }
    shellcheck(survey, &mut plan);
    plan
}

fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("one {thing}") } else { format!("{count} {thing}s") }
}

fn recipes(survey: &Survey, plan: &mut Plan) {
    for recipes in &survey.recipes {
        let Some(test) = recipes.first(&["test", "check", "tests", "ci"]) else { continue };
        let program = recipes.runner.program();
        let name = test.command.split(' ').nth(1).unwrap_or("test");
        plan.found.push(format!(
            "{} ({})",
            if recipes.runner == Runner::Just { "a justfile" } else { "a makefile" },
            recipes.file
        ));
        if !recipes.installed {
            plan.notes.push(format!("{program} is not installed here. Then: stage test {{ timeout 20m; exec \"{program}\", \"{name}\" }}"));
            continue;
        }
        plan.stages.push(
            Stage::exec("test", "20m", &[program, name])
                .doc("The project's own tests.")
                .doc(format!("Shown by {}.", test.at)),
        );
        if let Some(lint) = recipes.find("lint") {
            let stage = Stage::exec("lint", "10m", &[program, "lint"])
                .doc("What the linter says.")
                .doc(format!("Shown by {}.", lint.at));
            plan.stages.push(stage.warning());
        }
        return;
    }
}

/// Each script by the shell that its first line names.
fn syntax(survey: &Survey) -> Stage {
    let list = if survey.git {
        "git ls-files --cached --others --exclude-standard '*.sh' '*.bash'"
    } else {
        "find . -name '*.sh' -o -name '*.bash'"
    };
    let bash = if survey.shell.bash { "bash" } else { "sh" };
    let script = format!(
        "{list} | {{\n  bad=0\n  while IFS= read -r script; do\n    case $(head -n 1 \"$script\") in\n      *zsh*|*fish*|*ksh*) continue ;;\n      *bash*) {bash} -n \"$script\" || bad=1 ;;\n      *) sh -n \"$script\" || {bash} -n \"$script\" || bad=1 ;;\n    esac\n  done\n  exit \"$bad\"\n}}"
    );
    Stage::script("syntax", "2m", &script).doc("Every script of the shell parses.")
}

fn shellcheck(survey: &Survey, plan: &mut Plan) {
    let shell = &survey.shell;
    let by = survey
        .runs(&["shellcheck"])
        .map(|step| step.at.to_string())
        .or_else(|| shell.shellcheck_file.clone());
    let (Some(by), false) = (by, shell.scripts.is_empty()) else { return };
    if !shell.shellcheck {
        plan.notes.push(format!("shellcheck is not installed here ({by} runs it)"));
        return;
    }
    let command =
        std::iter::once("shellcheck").chain(shell.scripts.iter().map(String::as_str)).collect::<Vec<_>>();
    let stage =
        Stage::exec("shellcheck", "5m", &command).doc("What shellcheck says.").doc(format!("Shown by {by}."));
    plan.stages.push(stage.warning());
}

//! What people bring from other tools' keywords, and how it is said here. Knows nothing of single files.

use super::Context;

/// What to write instead of a keyword of another tool.
pub(super) fn keyword(context: Context, word: &str) -> Option<&'static str> {
    let plain = word.to_ascii_lowercase().replace(['-', '_'], "");
    match context {
        Context::File => at_top(&plain),
        Context::Lane => in_lane(&plain),
        Context::Help => in_help(&plain),
        Context::Stage
        | Context::Gate
        | Context::Tool
        | Context::Defaults
        | Context::Retry
        | Context::Override => in_block(&plain),
        _ => None,
    }
}

fn at_top(word: &str) -> Option<&'static str> {
    Some(match word {
        "variable" | "input" | "inputs" | "parameter" | "parameters" | "arg" => {
            "a value given from outside is `param NAME: TYPE`"
        }
        "var" | "const" | "locals" | "local" | "vars" | "env" => "a value is bound by `let NAME = VALUE`",
        "function" | "def" | "func" => "write `fn NAME(a: string) = VALUE`",
        "job" | "jobs" | "step" | "task" | "target" | "stages" | "rule" => "write `stage NAME { … }`",
        "workflow" | "pipeline" | "flow" | "plan" | "workflows" => "write `lane NAME { include STAGE }`",
        "include" | "use" | "require" | "load" | "from" => "write `import \"file.wfl\" as NAME`",
        "version" => "the language's edition is `wfl 1`; the project's version stands in `project { … }`",
        "hint" | "hints" | "advice" | "troubleshoot" | "suggestion" => {
            "write `help \"TITLE\" { when …; cause \"…\"; try \"…\" }`"
        }
        "secrets" => "write `secret NAME = env(\"NAME\")`",
        _ => return None,
    })
}

fn in_lane(word: &str) -> Option<&'static str> {
    Some(match word {
        "stages" | "stage" | "steps" | "jobs" | "needs" | "run" => "a lane names its stages: `include a, b`",
        "description" | "desc" | "title" | "name" => "write `about \"…\"`, or `##` lines above the lane",
        "onerror" | "onfail" => "write `on-failure stop`, `keep-going` or `rollback`",
        "approval" | "approvals" | "approvers" | "reviewers" => {
            "write `approve 1 from \"GROUP\" before STAGE`"
        }
        "concurrency" | "jobscount" | "maxparallel" => "write `parallel 4`",
        "when" | "if" | "on" | "trigger" => "a lane is chosen by `select if CONDITION`",
        "notifications" | "alert" | "notifies" => "write `notify desktop on failure`",
        "skip" => "write `exclude STAGE`, or for a gate `gates strict { skip GATE because \"…\" }`",
        _ => return None,
    })
}

fn in_help(word: &str) -> Option<&'static str> {
    Some(match word {
        "match" | "matches" | "pattern" | "if" | "on" => "write `when stderr matches \"…\"`",
        "reason" | "because" | "about" | "why" | "description" => "write `cause \"…\"`",
        "fix" | "solution" | "suggest" | "next" | "run" | "exec" | "do" => {
            "write `try \"…\"`: it is shown, never carried out"
        }
        _ => return None,
    })
}

fn in_block(word: &str) -> Option<&'static str> {
    Some(match word {
        "dependson" | "depends" | "deps" | "dependencies" | "requires" => {
            "write `needs STAGE, …`; to order only, `follows STAGE`"
        }
        "command" | "cmd" | "commands" | "shell" | "script" | "scripts" | "steps" | "sh" | "bash" => {
            "write `exec \"program\", \"argument\"`, or `run` and a `\"\"\"` script"
        }
        "description" | "desc" | "title" | "name" => "write `about \"…\"`, or `##` lines above it",
        "if" | "only" | "unless" | "condition" | "onlyif" => "write `when CONDITION`",
        "retries" | "attempts" | "maxattempts" | "retrycount" => "write `retry { attempts 3 }`",
        "delay" | "wait" | "jitter" | "factor" | "interval" => {
            "waits are one setting: `backoff exponential(2s..30s, factor = 2, jitter = 50%)`"
        }
        "continueonerror" | "ignoreerrors" | "allowfail" | "optional" => {
            "write `allow-failure because \"…\"`"
        }
        "outputs" | "output" | "artifact" | "artifacts" | "produces" => "write `out NAME = \"path\"`",
        "input" | "sources" | "source" | "cache" => "write `inputs \"src/**\"`",
        "environment" | "vars" | "variables" | "export" => "write `env { NAME = value }`",
        "workdir" | "workingdirectory" | "workingdir" | "dir" | "directory" | "chdir" => {
            "write `cwd \"path\"`"
        }
        "teardown" | "cleanup" | "always" => "write `finally { exec \"…\" }`",
        "rollback" | "revert" => "write `undo { exec \"…\" }`",
        "mutex" | "concurrency" | "resourcegroup" => "write `lock \"NAME\"`, or `pool NAME`",
        "threshold" | "assert" | "min" | "max" | "expect" | "check" => "write `require CONDITION`",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_keyword_is_known_however_it_is_spelt() {
        for word in ["depends_on", "dependsOn", "depends-on"] {
            assert!(keyword(Context::Stage, word).is_some_and(|help| help.contains("needs")), "{word}");
        }
        assert_eq!(keyword(Context::File, "nonsense"), None);
    }
}

//! The table of diagnostic codes: id, stable name, severity and a page that explains it. Does not find anything.

use super::Severity;

/// One row. `page` is the text of `wfl explain CODE`: what it means, why it matters, what to do.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    pub id: &'static str,
    pub name: &'static str,
    pub severity: Severity,
    pub page: &'static str,
}

macro_rules! codes {
    ($($id:ident $name:literal $severity:ident $page:literal)*) => {
        $(pub static $id: Code = Code { id: stringify!($id), name: $name, severity: Severity::$severity, page: $page };)*
        /// Every code, in the order of the table.
        pub static ALL: &[&Code] = &[$(&$id),*];
    };
}

codes! {
    // Syntax
    E001 "unclosed-block" Error "A `{`, `(` or `[` has no partner. The place shown is where it opened; indentation decides which opener is blamed. Add the missing close."
    E002 "unclosed-string" Error "A string or `\"\"\"` script is not closed. A `\"…\"` string ends on its own line; a script ends at a line that holds only `\"\"\"`."
    E003 "bad-dedent" Error "A line of a script is indented less than its closing `\"\"\"`, whose indentation is removed from every line. Indent the line, or move the closing quotes left."
    E004 "foreign-operator" Error "`&&`, `||`, `!`, `===` and the like belong to other languages. Here the words are `and`, `or`, `not`, `==`."
    E005 "stray-close" Error "A `}`, `)` or `]` closes nothing. Remove it, or add the opener it was meant for."
    E006 "interpolated-script" Error "Scripts are never interpolated: a value put into a script's text is how script injection happens. Pass it through `env` and use \"$NAME\" in the script."
    E007 "mixed-tabs" Error "A script's lines mix tabs and spaces in the indentation that is removed. Use one of them."
    W008 "missing-edition" Warning "The file does not say which edition of the language it is written in. Put `wfl 1` on the first line."
    E009 "bidi-control-char" Error "The file holds a control character that changes how text is shown, or cannot be seen at all. What a reviewer sees would not be what runs. Remove it."
    E010 "nesting-too-deep" Error "Brackets, blocks or conditions are nested more than 64 deep. Split the expression with `let`, or the block into stages."
    E011 "syntax" Error "The statement does not have the form `keyword values, ... clause ... { block }`. The place shown is where reading stopped, and what could stand there."
    E012 "not-text" Error "The file is not UTF-8 text, or holds NUL bytes, or is larger than 16 MiB. A `.wfl` file is text a person can read."
    E013 "bad-escape" Error "Only `\\n \\t \\\" \\\\ \\{ \\}` and `\\u{…}` are escapes in a string. Write a backslash as `\\\\`."
    E014 "bad-number" Error "A number, or its unit, cannot be read: it is too large, or the unit is not one of ms s m h d, %, B KB MB GB KiB MiB GiB."
    // Names and types
    E101 "unknown-keyword" Error "The statement's keyword is not known here. Each block has its own keywords; the help names the nearest."
    E102 "unknown-name" Error "Nothing of that name is defined in this file, its imports or `std`. Undefined is an error everywhere."
    E103 "duplicate-definition" Error "The name is defined twice. There is no silent override: rename one, or use `override` in a lane."
    E104 "type-mismatch" Error "Two types meet that do not fit. Nothing is converted silently, so that a number never passes for a duration."
    E105 "unit-missing" Error "A bare number stands where a duration, size or percent is needed. Write the unit: `10m`, `200MB`, `70%`."
    E106 "unit-mismatch" Error "Two different units meet, such as a duration and a size. They cannot be compared or added."
    E107 "wrong-arity" Error "A keyword or function got too many values, too few, or one it does not take."
    E108 "condition-not-bool" Error "A condition must be true or false. There is no truthiness: compare with something."
    E109 "version-as-number" Error "A version is a string: 1.10 as a number would be 1.1. Put it in quotes."
    W110 "unused-param" Warning "The parameter is never read. Remove it, or use it."
    W111 "unused-let" Warning "The value is never read. Remove it, or use it."
    W112 "unused-import" Warning "Nothing of the imported file is used. Remove the import."
    W113 "shadowed-name" Warning "A local name hides one of the file. Rename it, so that a reader need not guess."
    E114 "recursive-fn" Error "Functions and values may not refer to themselves, directly or through others: everything here ends."
    W115 "forgotten-f-prefix" Warning "The string holds `{name}` of something that exists, but is not an f-string. Write f\"…\"."
    W116 "hyphen-or-minus" Warning "`a-b` is one name. A minus needs spaces: `a - b`."
    E117 "bad-pattern" Error "The regular expression or glob cannot be read. Regular expressions are of the linear-time kind: no look-around, no back-references."
    E118 "default-violates-pattern" Error "The parameter's own default is refused by its `pattern` or `enum`."
    E119 "reserved-name" Error "The word is reserved and cannot name a value."
    E120 "missing-operand" Error "The statement or the block lacks something it needs, such as a stage without an action."
    E121 "duplicate-setting" Error "A setting that can be given once is given twice in one block. Keep one."
    E122 "bad-value" Error "The value is outside what the setting takes."
    E123 "import-not-found" Error "The imported file cannot be read. The path is relative to the importing file."
    E124 "import-cycle" Error "Files import each other in a circle. Move what they share into a third file."
    E125 "bad-edition" Error "The edition is not one this program knows, or is not the first statement."
    E126 "not-exported" Error "The imported module does not define that name; imports are not passed on."
    W127 "command-line-in-one-string" Warning "`exec` takes a program and its arguments, one operand each. A string with spaces as the only operand is looked for as one program of that name."
    // Graph
    E201 "dependency-cycle" Error "Stages wait for each other in a circle, so none could ever start. Remove one of the edges shown."
    E202 "unknown-stage" Error "No stage or gate of that name or number."
    E203 "self-dependency" Error "A stage cannot wait for itself."
    W204 "unreachable-stage" Warning "No lane of this file holds the stage."
    E206 "number-clash" Error "Two stages of one lane have the same number. Numbers name stages, so they must be unique in a lane."
    E208 "excluded-but-needed" Error "The lane excludes a stage that another of its stages still needs. Exclude both, or neither."
    W209 "skip-spreads" Warning "A stage that always runs needs one that may be skipped; it is then skipped too. Write `needs x?` if it can do without."
    E212 "empty-lane" Error "The lane holds no stage."
    E215 "value-unavailable-here" Error "The value is not known at this point: outputs need the stage in `needs`; files, processes and exit codes are read only in conditions judged while running."
    E216 "not-in-lane" Error "The lane does not hold the stage it excludes, replaces, overrides or skips."
    E217 "matrix-too-large" Error "The matrix makes more than 1,000 instances of the stage."
    // Time and retry
    E301 "timeout-over-lane" Error "A stage may take longer than its whole lane."
    E305 "backoff-cap-below-start" Error "The backoff's longest wait is shorter than its first."
    E308 "zero-attempts" Error "Counts are at least 1."
    // Data
    E401 "output-not-produced" Error "The stage has no output of that name, or is not among the `needs` of the stage that reads it."
    E405 "output-outside-workspace" Error "The path leaves the project. Nothing a stage declares may lie outside the project root."
    // Security
    E501 "secret-in-argv" Error "A secret may only be used in `env` and notification settings. Arguments are visible to every process of the machine."
    E506 "secret-escapes" Error "A secret would be stored or shown. Pass it to the stage through `env`."
    E509 "import-path-escape" Error "An import leaves the project."
    // Gates and lanes
    E602 "impossible-threshold" Error "The gate's condition can never be met."
    E604 "conflicting-override" Error "Two statements of the lane change the same thing in different ways."
    E607 "extends-cycle" Error "Lanes extend each other in a circle."
    E608 "approval-unsatisfiable" Error "The approval asks for more people than the group has."
    E610 "weakened-without-because" Error "A lane that drops an approval or weakens a gate of the lane it extends must say `because`."
    E611 "gate-without-check" Error "A gate without `require` judges nothing: it could only ever pass."
    // Scripts
    E801 "shell-syntax" Error "A script leaves a quote, an `if`, a loop, a `case` or a `$(` unfinished, so the shell would refuse it. The place shown is where it opened."
    // Running
    E950 "not-yet-run" Error "The language knows this, `wfl check` judges it, but this version's engine cannot do it yet. Nothing was started."
    E951 "no-such-lane" Error "No lane of that name in this project or in `std.lanes`."
    E952 "no-select-matches" Error "Several lanes, and the `select` rule of none fits this change. Name one with --lane."
    E953 "parameter" Error "A parameter is missing, unknown, or refused by its type or pattern. Give it with --set name=value."
    E954 "secret-missing" Error "The environment variable that a secret is read from is not set."
    E955 "no-git" Error "The lane reads git's state, and this folder is not in a git repository."
    E956 "bad-value-at-start" Error "A value could not be worked out when the run was about to start."
    // Style
    W901 "deprecated" Warning "The definition or keyword is marked as deprecated: it still works and will go. Use what its mark names instead; `--fix` puts it in where it can stand in the same place."
}

/// The row of a code or stable name: `E401` or `output-not-produced`, in any case.
pub fn find(word: &str) -> Option<&'static Code> {
    ALL.iter()
        .find(|code| code.id.eq_ignore_ascii_case(word) || code.name.eq_ignore_ascii_case(word))
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_are_unique_and_say_their_severity() {
        for (index, code) in ALL.iter().enumerate() {
            assert!(
                ALL[..index].iter().all(|other| other.id != code.id && other.name != code.name),
                "{}",
                code.id
            );
            let letter = match code.severity {
                Severity::Error => 'E',
                Severity::Warning => 'W',
                Severity::Info => 'I',
            };
            assert!(code.id.starts_with(letter), "{}", code.id);
        }
    }
}

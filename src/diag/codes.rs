//! The table of diagnostic codes: id, stable name, severity and a page that explains it. Does not find anything.
//!
//! A page is `docs/checks/CODE.md`: what the code means, why it matters, what to do, an example that is reported and a
//! near one that is not. The tests try every example.

use super::Severity;

/// One row. `Info` codes are pedantic: shown only when asked for, or when the project's levels raise them.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    pub id: &'static str,
    pub name: &'static str,
    pub severity: Severity,
    /// Whether a comment or the project may silence it. What the engine could not run is never silenced.
    pub allowable: bool,
    /// Markdown; see [`super::page`].
    pub page: &'static str,
}

/// `Error` is final; `Deny` is an error that can be allowed; `Warning` and `Info` can be as well.
macro_rules! codes {
    (@severity Error) => { (Severity::Error, false) };
    (@severity Deny) => { (Severity::Error, true) };
    (@severity Warning) => { (Severity::Warning, true) };
    (@severity Info) => { (Severity::Info, true) };
    ($($id:ident $name:literal $severity:ident)*) => {
        $(pub static $id: Code = Code {
            id: stringify!($id),
            name: $name,
            severity: codes!(@severity $severity).0,
            allowable: codes!(@severity $severity).1,
            page: include_str!(concat!("../../docs/checks/", stringify!($id), ".md")),
        };)*
        /// Every code, in the order of the table.
        pub static ALL: &[&Code] = &[$(&$id),*];
    };
}

codes! {
    // Syntax
    E001 "unclosed-block" Error
    E002 "unclosed-string" Error
    E003 "bad-dedent" Error
    E004 "foreign-operator" Error
    E005 "stray-close" Error
    E006 "interpolated-script" Error
    E007 "mixed-tabs" Error
    W008 "missing-edition" Warning
    E009 "bidi-control-char" Error
    E010 "nesting-too-deep" Error
    E011 "syntax" Error
    E012 "not-text" Error
    E013 "bad-escape" Error
    E014 "bad-number" Error
    // Names and types
    E101 "unknown-keyword" Error
    E102 "unknown-name" Error
    E103 "duplicate-definition" Error
    E104 "type-mismatch" Error
    E105 "unit-missing" Error
    E106 "unit-mismatch" Error
    E107 "wrong-arity" Error
    E108 "condition-not-bool" Error
    E109 "version-as-number" Error
    W110 "unused-param" Warning
    W111 "unused-let" Warning
    W112 "unused-import" Warning
    W113 "shadowed-name" Warning
    E114 "recursive-fn" Error
    W115 "forgotten-f-prefix" Warning
    W116 "hyphen-or-minus" Warning
    E117 "bad-pattern" Error
    E118 "default-violates-pattern" Error
    E119 "reserved-name" Error
    E120 "missing-operand" Error
    E121 "duplicate-setting" Error
    E122 "bad-value" Error
    E123 "import-not-found" Error
    E124 "import-cycle" Error
    E125 "bad-edition" Error
    E126 "not-exported" Error
    W127 "command-line-in-one-string" Warning
    W128 "unused-definition" Warning
    W129 "unanchored-match" Warning
    E131 "setting-of-caller" Error
    // Graph
    E201 "dependency-cycle" Error
    E202 "unknown-stage" Error
    E203 "self-dependency" Error
    W204 "unreachable-stage" Warning
    I205 "redundant-edge" Info
    E206 "number-clash" Error
    W207 "loose-range" Warning
    E208 "excluded-but-needed" Error
    W209 "skip-spreads" Warning
    W210 "matrix-explosion" Warning
    E212 "empty-lane" Error
    W213 "always-true" Warning
    W214 "never-true" Warning
    E215 "value-unavailable-here" Error
    E216 "not-in-lane" Error
    E217 "matrix-too-large" Error
    I218 "dropped-without-reason" Info
    W219 "lost-safeguard" Warning
    // Time and retry
    E301 "timeout-over-lane" Deny
    W303 "retry-budget-over-timeout" Warning
    I304 "no-timeout" Info
    E305 "backoff-cap-below-start" Error
    W307 "retry-non-idempotent" Warning
    E308 "zero-attempts" Error
    I309 "no-jitter" Info
    W310 "useless-parallel" Warning
    W311 "sla-over-timeout" Warning
    W312 "deadline-under-timeout" Warning
    W313 "pointless-retry" Warning
    // Data
    E401 "output-not-produced" Error
    E402 "consumed-before-produced" Deny
    E403 "write-race" Deny
    E405 "output-outside-workspace" Error
    E406 "matrix-output-collision" Deny
    I408 "undeclared-input" Info
    // Security
    E501 "secret-in-argv" Error
    E502 "shell-injection" Deny
    E506 "secret-escapes" Error
    W507 "curl-pipe-shell" Warning
    I508 "overbroad-secret" Info
    E509 "import-path-escape" Error
    W510 "dangerous-env" Warning
    E511 "hardcoded-credential" Deny
    W512 "outside-effect-repeatable" Warning
    // Gates and lanes
    W601 "gate-never-evaluated" Warning
    E602 "impossible-threshold" Deny
    W603 "strict-gate-skippable" Warning
    E604 "conflicting-override" Error
    W606 "no-op-override" Warning
    E607 "extends-cycle" Error
    E608 "approval-unsatisfiable" Error
    W609 "deploy-without-gate" Warning
    E610 "weakened-without-because" Error
    W610 "gate-after-deploy" Warning
    E611 "gate-without-check" Error
    W611 "notify-unreachable-event" Warning
    E612 "principle-broken" Deny
    W613 "gate-reads-unneeded" Warning
    W614 "principle-undecided" Warning
    // Repair and breaker
    W701 "repair-shadowed" Warning
    W702 "repair-never-matches" Warning
    E703 "repair-loop" Deny
    W704 "destructive-without-confirm" Warning
    W705 "breaker-never-closes" Warning
    W706 "breaker-never-opens" Warning
    I707 "repair-without-limit" Info
    W708 "repair-without-verify" Warning
    E720 "help-fits-everything" Error
    W721 "help-shadowed" Warning
    W722 "help-never-matches" Warning
    W723 "help-placeholder" Warning
    // Scripts
    E801 "shell-syntax" Error
    W802 "script-variable-unbound" Warning
    W803 "env-unused" Warning
    W805 "unquoted-expansion" Warning
    I806 "no-strict-mode" Info
    W807 "bashism-in-sh" Warning
    W808 "masked-exit-status" Warning
    // Style
    W901 "deprecated" Warning
    I903 "missing-doc" Info
    I904 "naming" Info
    I905 "unformatted" Info
    W906 "unused-allow" Warning
    W907 "allow-without-reason" Warning
    I908 "script-too-long" Info
    W910 "said-twice" Warning
    // Running
    E950 "not-yet-run" Error
    E951 "no-such-lane" Error
    E952 "no-select-matches" Error
    E953 "parameter" Error
    E954 "secret-missing" Error
    E955 "no-git" Error
    E956 "bad-value-at-start" Error
    // Testing
    E957 "expectation-failed" Error
    E958 "not-playable" Error
    // Injecting failures
    E960 "injection" Error
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

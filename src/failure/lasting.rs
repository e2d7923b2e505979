//! What a message says about another try: that the cause passes, or that it stays until somebody mends it. A small table;
//! what is in neither part is unknown. Where both speak, it passes: in doubt something is tried again.

use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};

use crate::event::Lasting;

/// How lasting, and what the words mean.
pub type Words = (Lasting, Option<&'static str>);

/// What goes away by itself.
const TRANSIENT: &[(&str, &str)] = &[
    (r"\b429\b|too many requests|rate.?limit|throttl", "a limit of requests was reached"),
    (
        r"\b50[0234]\b|bad gateway|gateway time-?out|service unavailable|internal server error",
        "a server had trouble",
    ),
    (r"time-?d?[ -]?out|deadline exceeded|ETIMEDOUT", "it took too long"),
    (
        r"connection (?:was )?(?:reset|refused|closed|aborted|lost)|ECONNRESET|ECONNREFUSED|broken pipe|EPIPE|unexpected EOF|early EOF|hung up unexpectedly|network is unreachable|no route to host|EHOSTUNREACH",
        "a connection broke",
    ),
    (
        r"temporar|try again|retry later|EAGAIN|could not resolve|name resolution|EAI_AGAIN|getaddrinfo|ENOTFOUND",
        "it is said to be temporary",
    ),
    (
        r"\block(?:ed)?\b|could not get lock|another process|already running|in use by|\bbusy\b|EBUSY|deadlock",
        "something is held by another",
    ),
    (r"unavailable|overloaded|not ready|TLS handshake", "something is not there yet"),
];

/// What stays as it is.
const PERMANENT: &[(&str, &str)] = &[
    (
        r"no space left|disk (?:is )?full|out of (?:disk )?space|ENOSPC|disk quota exceeded",
        "the disk is full",
    ),
    (
        r"permission denied|EACCES|EPERM|operation not permitted|access (?:is )?denied|read-only file system",
        "a permission is missing",
    ),
    (
        r"command not found|not recognized as an internal|executable file not found|no such command",
        "a program is missing",
    ),
    (
        r"no such file or directory|ENOENT|cannot find the (?:file|path)|file not found|does not exist",
        "a file is missing",
    ),
    (
        r"ModuleNotFoundError|No module named|Cannot find module|ImportError|ERR_MODULE_NOT_FOUND|unresolved import|package .* is not in|no matching distribution|no matching package",
        "a module is missing",
    ),
    (
        r"SyntaxError|IndentationError|syntax error|parse error|unexpected token|invalid syntax|unterminated",
        "the text is not well-formed",
    ),
    (
        r"error\[E\d{4}\]|error TS\d{3,5}|error: cannot find symbol|error C\d{4}|mismatched types|cannot find (?:value|function|type|macro)|undefined reference|undefined symbol|undeclared identifier|\bE\d{4}\b",
        "it does not compile",
    ),
    (
        r"authentication failed|invalid (?:credentials|username or password)|could not read username|bad credentials|\b401\b|\b403\b|unauthorized|forbidden|not logged in|publickey",
        "access was refused",
    ),
    (
        r"\b404\b|repository not found|not found in registry|unknown revision|pathspec .* did not match|unknown option|unrecognized (?:option|arguments?)|invalid option|unknown command|unknown flag",
        "what was asked for is not there",
    ),
    (r"corrupt|checksum mismatch|bad object|bad signature", "something is damaged"),
];

type Table = Vec<(Regex, Lasting, &'static str)>;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let rows = |rows: &'static [(&'static str, &'static str)], lasting: Lasting| {
        rows.iter().filter_map(move |(pattern, because)| {
            let built = RegexBuilder::new(pattern).case_insensitive(true).build();
            built.ok().map(|regex| (regex, lasting, *because))
        })
    };
    rows(TRANSIENT, Lasting::Transient).chain(rows(PERMANENT, Lasting::Permanent)).collect()
});

/// What the words of one message say; none when they say nothing.
pub fn by_words(message: &str) -> Option<Words> {
    let found = TABLE.iter().find(|(regex, _, _)| regex.is_match(message));
    found.map(|(_, lasting, because)| (*lasting, Some(*because)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lasting(message: &str) -> Lasting {
        by_words(message).map_or(Lasting::Unknown, |(lasting, _)| lasting)
    }

    #[test]
    fn every_row_is_a_pattern() {
        assert_eq!(TABLE.len(), TRANSIENT.len() + PERMANENT.len());
    }

    /// Case RT: the words that the peer's classes are known by.
    #[test]
    fn the_words_of_the_peer_keep_their_class() {
        for text in ["database is locked", "device or resource busy", "request timeout", "temporary failure"]
        {
            assert_eq!(lasting(text), Lasting::Transient, "{text}");
        }
        for text in ["service unavailable", "please try again"] {
            assert_eq!(lasting(text), Lasting::Transient, "{text}");
        }
        for text in
            ["out of space", "disk full", "Permission denied", "no such file or directory", "corrupted"]
        {
            assert_eq!(lasting(text), Lasting::Permanent, "{text}");
        }
        for text in ["assertion failed: left == right", "3 tests failed", "", "exit code 1"] {
            assert_eq!(lasting(text), Lasting::Unknown, "{text}");
        }
    }

    #[test]
    fn where_both_speak_it_passes() {
        assert_eq!(lasting("cannot open lock file: permission denied, try again"), Lasting::Transient);
        assert_eq!(lasting("HTTP 429 Too Many Requests"), Lasting::Transient);
        assert_eq!(lasting("HTTP 403 Forbidden"), Lasting::Permanent);
    }
}

//! What credentials look like: marks that their issuers give them, and how generated text differs from words. Knows no
//! file and no pattern engine.

/// Credentials whose issuer marks them: a regular expression, and what it is.
pub const MARKED: &[(&str, &str)] = &[
    (r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b", "an AWS access key"),
    (r"\bgh[pousr]_[A-Za-z0-9]{36,}", "a GitHub token"),
    (r"\bgithub_pat_[A-Za-z0-9_]{40,}", "a GitHub token"),
    (r"\bglpat-[A-Za-z0-9_-]{20,}", "a GitLab token"),
    (r"\bxox[abprs]-[A-Za-z0-9-]{10,}", "a Slack token"),
    (r"\bnpm_[A-Za-z0-9]{36}", "an npm token"),
    (r"\bpypi-[A-Za-z0-9_-]{50,}", "a PyPI token"),
    (r"\b(?:sk|rk)_live_[A-Za-z0-9]{20,}", "a Stripe key"),
    (r"\bAIza[A-Za-z0-9_-]{35}", "a Google API key"),
    (r"-----BEGIN [A-Z ]*PRIVATE KEY-----", "a private key"),
];

/// Words by which people mark what is none.
const EXAMPLES: &[&str] =
    &["example", "changeme", "change-me", "dummy", "fake", "xxxx", "test", "sample", "todo", "redacted"];

/// Whether people say that it is none.
pub fn is_example(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    EXAMPLES.iter().any(|word| lower.contains(word))
}

/// Digits and letters enough for a generated value.
pub fn has_both(text: &str) -> bool {
    let count = |kind: fn(&u8) -> bool| text.bytes().filter(kind).count();
    count(u8::is_ascii_digit) >= 3 && count(u8::is_ascii_alphabetic) >= 3
}

/// Letters and digits as a generator mixes them, not words with a number behind.
pub fn is_random(text: &str) -> bool {
    let words = text.contains('_') || text.contains('-');
    // A hash pinned on purpose is hex of a known length and no credential by itself, but its name says token here.
    has_both(text) && !words && entropy(text) >= 3.2
}

/// Bits a character, by how often each one stands in the text.
fn entropy(text: &str) -> f64 {
    let mut counts = [0u32; 128];
    text.bytes().filter(u8::is_ascii).for_each(|byte| counts[usize::from(byte)] += 1);
    let length = text.len() as f64;
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / length);
    shares.map(|share| -share * share.log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_values_are_told_from_words() {
        for random in ["9f86d081884c7d659a2feaa0c55ad015", "Zx81kQp92LmN7vTb", "aGVsbG8gd29ybGQgMTIz"] {
            assert!(is_random(random), "{random}");
        }
        for plain in
            ["ship_token_version_2", "aaaaaaaaaaaaaaaa111", "registry-password-2024", "production2server"]
        {
            assert!(!is_random(plain), "{plain}");
        }
    }
}

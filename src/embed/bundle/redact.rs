//! Takes out of a text what belongs to nobody else: secrets by their value, their shape and their name, mail addresses,
//! the user's name, home and host. Rather too much than too little; knows no file.

use regex::{Captures, Regex};

use crate::base::credential::{MARKED, has_both};
use crate::capture::mask::Mask;

/// What stands in the place of a secret.
pub const REDACTED: &str = "<redacted>";
/// Shorter values of variables would be found in ordinary words.
const SHORTEST: usize = 6;
/// Words of letters and digits at least so long may be generated.
const GENERATED: usize = 24;

/// Parts of names whose values are secret.
const SECRET_NAMES: &str = "(?i)pass(?:wd|word|phrase|code)?$|passw|secret|token|api_?key|access_?key|private|credential|auth|cookie|session|signing|_key$|_pat$|dsn|webhook|license_?key|connection_?string|database_url";
/// `password = value`, `"token": "value"`, `--api-key value`.
const NAMED: &str = r#"(?i)([a-z0-9_.-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|authorization)[a-z0-9_-]*\\?["']?(?:\s*(?:=>|:=|=|:)\s*|\s+))(\\?["']?)([^\s"'\\,;&]{4,})"#;
const SHAPES: &[&str] = &[
    r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
    r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    r"(?i)\b(?:bearer|basic)\s+[A-Za-z0-9+/_.=~-]{8,}",
    r"\bhooks\.slack\.com/services/\S+",
    r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"\bsk-[A-Za-z0-9_-]{20,}",
    r"\bhf_[A-Za-z0-9]{20,}",
    r"\b(?:dop_v1_|dckr_pat_|AGE-SECRET-KEY-1)[A-Za-z0-9_-]{16,}",
    r"\bAccountKey=[A-Za-z0-9+/=]{20,}",
];
const IN_URL: &str = r#"\b([a-z][a-z0-9+.-]*://)[^/\s@"']+@"#;
const MAIL: &str = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+";
const WORD: &str = r"[A-Za-z0-9+/_=]{24,}";

/// Whose machine it is.
#[derive(Clone, Debug, Default)]
pub struct Person {
    pub home: Option<String>,
    pub user: Option<String>,
    pub host: Option<String>,
}

pub struct Redactor {
    mask: Mask,
    secret_name: Option<Regex>,
    shapes: Vec<Regex>,
    named: Option<Regex>,
    in_url: Option<Regex>,
    mail: Option<Regex>,
    word: Option<Regex>,
    person: Vec<(Regex, &'static str)>,
}

impl Redactor {
    /// `secrets` are values known to be secret, whatever they look like.
    pub fn new(secrets: &[String], person: &Person) -> Self {
        let known: Vec<String> =
            secrets.iter().filter(|value| value.trim().len() >= SHORTEST).cloned().collect();
        let compiled = |pattern: &str| Regex::new(pattern).ok();
        let shapes = MARKED.iter().map(|(pattern, _)| *pattern).filter(|pattern| !pattern.contains("BEGIN"));
        Redactor {
            mask: Mask::new(&known),
            secret_name: compiled(SECRET_NAMES),
            shapes: SHAPES.iter().copied().chain(shapes).filter_map(compiled).collect(),
            named: compiled(NAMED),
            in_url: compiled(IN_URL),
            mail: compiled(MAIL),
            word: compiled(WORD),
            person: words_of(person),
        }
    }

    /// Whether the value of a variable of this name is nobody's business.
    pub fn is_secret_name(&self, name: &str) -> bool {
        self.secret_name.as_ref().is_none_or(|regex| regex.is_match(name))
    }

    /// The text without what is private.
    pub fn text(&self, text: &str) -> String {
        let mut text = self.mask.text(text);
        for shape in &self.shapes {
            text = shape.replace_all(&text, REDACTED).into_owned();
        }
        if let Some(regex) = &self.in_url {
            text = regex.replace_all(&text, format!("${{1}}{REDACTED}@")).into_owned();
        }
        if let Some(regex) = &self.named {
            text = regex.replace_all(&text, format!("${{1}}${{2}}{REDACTED}")).into_owned();
        }
        if let Some(regex) = &self.word {
            text = regex.replace_all(&text, |found: &Captures<'_>| generated(&found[0])).into_owned();
        }
        if let Some(regex) = &self.mail {
            let mail = |found: &Captures<'_>| match found[0].starts_with("git@") {
                true => found[0].to_string(),
                false => "<mail>".to_string(),
            };
            text = regex.replace_all(&text, mail).into_owned();
        }
        for (regex, word) in &self.person {
            text = regex.replace_all(&text, *word).into_owned();
        }
        text
    }

    /// Every text in a value, names of fields included.
    pub fn value(&self, value: &serde_json::Value) -> serde_json::Value {
        use serde_json::Value;
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.value(item)).collect()),
            Value::Object(fields) => {
                let field = |(name, value): (&String, &Value)| {
                    let secret = value.is_string() && self.is_secret_field(name);
                    let value = if secret { Value::String(REDACTED.into()) } else { self.value(value) };
                    (self.text(name), value)
                };
                Value::Object(fields.iter().map(field).collect())
            }
            other => other.clone(),
        }
    }

    /// Fields of ours are known; those of a program's output are not.
    fn is_secret_field(&self, name: &str) -> bool {
        let lower = name.to_ascii_lowercase();
        ["password", "passwd", "secret", "token", "api_key", "apikey", "authorization"]
            .iter()
            .any(|word| lower.ends_with(word))
    }
}

/// What a generator may have made. Hashes tell what was run, and are no secret.
fn generated(word: &str) -> String {
    let hex = word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let path = word.matches('/').count() > 1;
    let mixed = word.bytes().any(|byte| byte.is_ascii_uppercase())
        && word.bytes().any(|byte| byte.is_ascii_lowercase());
    let random = word.len() >= GENERATED && has_both(word) && mixed && !hex && !path;
    if random { REDACTED.to_string() } else { word.to_string() }
}

/// Home first, for the user's name stands in it.
fn words_of(person: &Person) -> Vec<(Regex, &'static str)> {
    let whole = |word: &str, tail: &str| Regex::new(&format!("{}{tail}", regex::escape(word))).ok();
    let mut words = Vec::new();
    let home = person.home.as_deref().map(|home| home.trim_end_matches('/')).filter(|home| home.len() > 1);
    words.extend(home.and_then(|home| whole(home, r"\b")).map(|regex| (regex, "~")));
    let user = person.user.as_deref().filter(|user| user.len() >= 3 && *user != "root");
    let user = user.and_then(|user| Regex::new(&format!(r"(?i)\b{}\b", regex::escape(user))).ok());
    words.extend(user.map(|regex| (regex, "<user>")));
    let host = person.host.as_deref().filter(|host| host.len() >= 4 && *host != "localhost");
    let host = host.and_then(|host| Regex::new(&format!(r"(?i)\b{}\b", regex::escape(host))).ok());
    words.extend(host.map(|regex| (regex, "<host>")));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        let person = Person {
            home: Some("/home/ada".into()),
            user: Some("ada".into()),
            host: Some("lovelace".into()),
        };
        Redactor::new(&["correct horse".to_string()], &person)
    }

    #[test]
    fn secrets_go_by_value_shape_and_name() {
        let redactor = redactor();
        for (text, gone) in [
            ("said correct horse twice", "horse"),
            ("ghp_0123456789abcdefghijABCDEFGHIJ012345 x", "ghp_"),
            ("https://bot:hunter22@git.example/x.git", "hunter22"),
            ("curl -H 'Authorization: Bearer abcdefgh12345678'", "abcdefgh12345678"),
            ("{\\\"password\\\": \\\"s3cr3tvalue\\\"}", "s3cr3tvalue"),
            ("mysql --password hunter2222 db", "hunter2222"),
            ("API_KEY=plainwords", "plainwords"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc", "MIIEow"),
            ("id Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5 ok", "Zm9vYmFy"),
            ("mail ada.l@team.example", "team.example"),
            ("Y29ycmVjdCBob3JzZQ==", "Y29ycmVj"),
        ] {
            let shown = redactor.text(text);
            assert!(!shown.contains(gone), "{shown}");
        }
    }

    #[test]
    fn who_and_where_go_and_the_rest_stays() {
        let redactor = redactor();
        let text = "/home/ada/shop/src/lib.rs:3 by ADA on lovelace; adapter; git@github.com:x/y; 4f2a1bc0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4";
        assert_eq!(
            redactor.text(text),
            "~/shop/src/lib.rs:3 by <user> on <host>; adapter; git@github.com:x/y; 4f2a1bc0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4"
        );
        let plain = "error[E0308]: mismatched types in crates/shop/src/billing_rounds_half_up.rs";
        assert_eq!(redactor.text(plain), plain);
    }

    #[test]
    fn values_of_named_fields_go_too() {
        let value = serde_json::json!({ "api_token": "x1", "n": 3, "list": ["by ada"] });
        let shown = redactor().value(&value);
        assert_eq!(shown, serde_json::json!({ "api_token": REDACTED, "n": 3, "list": ["by <user>"] }));
        assert!(redactor().is_secret_name("DB_PASSWORD") && redactor().is_secret_name("GH_TOKEN"));
        assert!(!redactor().is_secret_name("PATH") && !redactor().is_secret_name("LANG"));
    }
}

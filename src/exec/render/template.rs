//! Fills one template: strict about what is undefined, bounded in work and in what it produces. Reads and writes no
//! file; how much memory it may take is bounded by who calls it.

use std::io::{self, Write};

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};

use super::filters;

/// Instructions a template may take.
const FUEL: u64 = 5_000_000;
/// What a template may produce.
pub(super) const LARGEST: usize = 16 << 20;

/// The template's text with the values of `context`; the error is one line for a person.
pub(in crate::exec) fn fill(
    name: &str,
    source: &str,
    context: &serde_json::Value,
    html: bool,
) -> Result<Vec<u8>, String> {
    let mut environment = Environment::new();
    if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
        environment.set_syntax(syntax);
    }
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(move |_| if html { AutoEscape::Html } else { AutoEscape::None });
    environment.set_fuel(Some(FUEL));
    // With it a loop could grow a value without end.
    environment.add_function("namespace", no_namespace);
    filters::add(&mut environment);
    let template = environment.template_from_named_str(name, source).map_err(|e| words(name, &e))?;
    let mut output = Capped::default();
    let rendered = template.render_captured_to(minijinja::value::Serde(context), &mut output).map(|_| ());
    if output.over {
        return Err(format!("the template {name} produces more than 16 MiB"));
    }
    rendered.map_err(|e| words(name, &e))?;
    Ok(output.bytes)
}

fn no_namespace() -> Result<minijinja::Value, minijinja::Error> {
    Err(minijinja::Error::new(ErrorKind::InvalidOperation, "`namespace` is not available here"))
}

fn words(name: &str, error: &minijinja::Error) -> String {
    let place = error.line().map_or(name.to_string(), |line| format!("{name}:{line}"));
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    match error.kind() {
        ErrorKind::OutOfFuel => format!("{place}: the template takes too long"),
        ErrorKind::UndefinedError => {
            format!("{place}: the template reads a value that is not in its block{detail}")
        }
        kind => format!("{place}: {kind}{detail}"),
    }
}

#[derive(Default)]
struct Capped {
    bytes: Vec<u8>,
    over: bool,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > LARGEST {
            self.over = true;
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "too large"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Powers of two by which `set` statements of the text can multiply what they read.
pub(super) fn doublings(source: &str) -> f64 {
    let mut names: Vec<&str> = Vec::new();
    let mut power = 0.0;
    let tags = source.split("{%").skip(1);
    for tag in tags {
        let (head, body) = tag.split_once("%}").unwrap_or((tag, ""));
        let head = head.trim_start_matches('-').trim_start();
        let Some(rest) = head.strip_prefix("set ") else {
            continue;
        };
        // A block `set` takes what stands up to the next tag.
        let (name, value) = rest.split_once('=').unwrap_or((rest, body));
        let words = value.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        let reads = words.filter(|word| names.contains(word)).count();
        power += (reads.max(1) as f64).log2();
        names.push(name.trim().trim_end_matches('-').trim());
    }
    power
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(source: &str) -> Result<String, String> {
        let context = json!({ "title": "<b>", "files": ["a", "b"] });
        fill("t.jinja", source, &context, false).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn values_are_filled_in_and_undefined_ones_refused() {
        assert_eq!(
            filled("{{ title }}: {% for f in files %}{{ f }} {% endfor %}\n").as_deref(),
            Ok("<b>: a b \n")
        );
        let error = filled("one\n{{ nothing }}").unwrap_err();
        assert!(error.starts_with("t.jinja:2: "), "{error}");
        assert!(filled("{% if %}").unwrap_err().starts_with("t.jinja:1: "));
    }

    #[test]
    fn html_targets_are_escaped() {
        let text = fill("t", "{{ title }}", &json!({ "title": "<b>" }), true).unwrap();
        assert_eq!(text, b"&lt;b&gt;");
    }

    #[test]
    fn long_work_ends() {
        let long = "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}";
        assert!(filled(long).is_err());
        assert!(filled("{% set ns = namespace(x='a') %}").is_err());
        let wide = "{% for a in range(10000) %}{{ 'x' * 10000 }}{% endfor %}";
        assert!(filled(wide).unwrap_err().contains("16 MiB"));
    }

    #[test]
    fn doublings_are_counted() {
        let doubling = format!("{{% set x = 'ab' %}}{}{{{{ x }}}}", "{% set x = x ~ x %}".repeat(40));
        assert!(doublings(&doubling) >= 40.0);
        assert!(doublings("{% set a = 1 %}{% set b = a %}{{ b }}") < 1.0);
    }
}

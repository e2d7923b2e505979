//! Renders a template to a file, in this process: strict about what is undefined, bounded in work and size, replaced
//! in one step. Knows no stage; the only place beside insight that names minijinja.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};

/// Instructions a template may take.
const FUEL: u64 = 5_000_000;
/// What a template may produce.
const LARGEST: usize = 16 << 20;
/// What a template may be.
const LARGEST_TEMPLATE: u64 = 1 << 20;
/// How many doublings of a variable a template's text may hold: fuel does not bound memory.
const DOUBLINGS: f64 = 12.0;

/// Renders `template` (relative to `root`) into `target` with `context`; the error is one line for a person.
pub(super) fn render(
    root: &Path,
    target: &Path,
    template: &Path,
    context: &serde_json::Value,
) -> Result<(), String> {
    let target = beneath(root, target)?;
    let shown = template.display().to_string();
    let source = read(&beneath(root, template)?, &shown)?;
    let html = target.extension().is_some_and(|end| end == "html" || end == "htm");
    let text = fill(&shown, &source, context, html)?;
    write(root, &target, &text).map_err(|e| format!("cannot write {}: {e}", target.display()))
}

fn read(path: &Path, shown: &str) -> Result<String, String> {
    let size = fs::metadata(path).map_err(|e| format!("template not found: {shown} ({})", e.kind()))?.len();
    if size > LARGEST_TEMPLATE {
        return Err(format!("the template {shown} is larger than 1 MiB"));
    }
    fs::read_to_string(path).map_err(|e| format!("cannot read the template {shown}: {e}"))
}

pub(super) fn fill(
    name: &str,
    source: &str,
    context: &serde_json::Value,
    html: bool,
) -> Result<Vec<u8>, String> {
    if doublings(source) > DOUBLINGS {
        return Err(format!("the template {name} doubles its own variables too often"));
    }
    let mut environment = Environment::new();
    if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
        environment.set_syntax(syntax);
    }
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(move |_| if html { AutoEscape::Html } else { AutoEscape::None });
    environment.set_fuel(Some(FUEL));
    // With it a loop could grow a value without end.
    environment.add_function("namespace", no_namespace);
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

/// Powers of two by which `set` statements of the text can multiply what they read.
fn doublings(source: &str) -> f64 {
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

/// The absolute path of `path` under `root`; an error if it leaves, also through a link.
fn beneath(root: &Path, path: &Path) -> Result<PathBuf, String> {
    crate::workspace::resolve_inside(root, path).map_err(|escape| escape.to_string())
}

/// The new file takes the old one's place at once, or not at all.
fn write(root: &Path, target: &Path, text: &[u8]) -> io::Result<()> {
    let folder = target.parent().unwrap_or(root);
    fs::create_dir_all(folder)?;
    // A link on the way may lead out where the path does not.
    if !folder.canonicalize()?.starts_with(root.canonicalize()?) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "a link on the way leaves the project"));
    }
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let fresh = folder.join(format!(".{name}.{}.wfl", std::process::id()));
    let put = fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, target));
    if put.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    put
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
    fn bombs_end() {
        let long = "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}";
        assert!(filled(long).is_err());
        let doubling = format!("{{% set x = 'ab' %}}{}{{{{ x }}}}", "{% set x = x ~ x %}".repeat(40));
        assert!(filled(&doubling).unwrap_err().contains("doubles"));
        assert!(filled("{% set ns = namespace(x='a') %}").is_err());
    }

    #[test]
    fn nothing_is_written_outside_the_root() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("project");
        fs::create_dir_all(&root).unwrap();
        fs::write(root.join("t"), "x").unwrap();
        assert!(render(&root, Path::new("../out"), Path::new("t"), &json!({})).is_err());
        std::os::unix::fs::symlink(dir.path(), root.join("link")).unwrap();
        assert!(render(&root, Path::new("link/out"), Path::new("t"), &json!({})).is_err());
        assert_eq!(render(&root, Path::new("a/b/out"), Path::new("t"), &json!({})), Ok(()));
        assert_eq!(fs::read_to_string(root.join("a/b/out")).unwrap(), "x");
        assert_eq!(fs::read_dir(root.join("a/b")).unwrap().count(), 1);
    }
}

//! Findings as SARIF 2.1.0, for code-scanning pages and editors. Knows no tool that reads it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::base::{SourceMap, Span};

use super::{Code, Diagnostic, Severity, page};

/// One run of one tool, indented, with a newline at its end. Columns count Unicode characters.
pub(super) fn render(sources: &SourceMap, diagnostics: &[Diagnostic]) -> String {
    let codes: BTreeMap<&str, &Code> =
        diagnostics.iter().map(|finding| (finding.code.id, finding.code)).collect();
    let index: BTreeMap<&str, usize> = codes.keys().enumerate().map(|(index, id)| (*id, index)).collect();
    let results: Vec<Value> =
        diagnostics.iter().map(|finding| result(sources, finding, index[finding.code.id])).collect();
    let log = json!({
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [{
            "tool": { "driver": {
                "name": "wfl",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": codes.values().map(|code| rule(code)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

fn rule(code: &Code) -> Value {
    json!({
        "id": code.id,
        "name": code.name,
        "shortDescription": { "text": page::summary(code.page) },
        "help": { "text": page::plain(code.page), "markdown": code.page },
        "defaultConfiguration": { "level": level(code.severity) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn result(sources: &SourceMap, finding: &Diagnostic, rule: usize) -> Value {
    let help = finding.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    let mut result = json!({
        "ruleId": finding.code.id,
        "ruleIndex": rule,
        "level": level(finding.severity),
        "message": { "text": format!("{}{help}", finding.message) },
        "locations": [{ "physicalLocation": place(sources, finding.span) }],
    });
    if !finding.related.is_empty() {
        let related = finding.related.iter().enumerate().map(|(id, related)| {
            json!({
                "id": id,
                "physicalLocation": place(sources, related.span),
                "message": { "text": related.message },
            })
        });
        result["relatedLocations"] = related.collect();
    }
    if let Some(fix) = &finding.fix {
        result["fixes"] = json!([{
            "description": { "text": finding.help.as_deref().unwrap_or("apply the fix") },
            "artifactChanges": changes(sources, fix),
        }]);
    }
    result
}

fn changes(sources: &SourceMap, fix: &super::Fix) -> Value {
    let mut files: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for edit in &fix.edits {
        let path = sources.get(edit.span.file).path.as_str();
        files.entry(path).or_default().push(json!({
            "deletedRegion": region(sources, edit.span),
            "insertedContent": { "text": edit.text },
        }));
    }
    let change = |(path, replacements)| json!({ "artifactLocation": { "uri": uri(path) }, "replacements": replacements });
    files.into_iter().map(change).collect()
}

fn place(sources: &SourceMap, span: Span) -> Value {
    let path = &sources.get(span.file).path;
    json!({ "artifactLocation": { "uri": uri(path) }, "region": region(sources, span) })
}

fn region(sources: &SourceMap, span: Span) -> Value {
    let (start, end) = (sources.position(span), sources.position(span.at_end()));
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}

/// A relative reference: what RFC 3986 does not allow in a path is percent-encoded.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let encode = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    path.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SourceFile;
    use crate::diag::codes;

    #[test]
    fn a_finding_has_rule_place_relation_and_fix() {
        let mut sources = SourceMap::default();
        let file = sources.add(SourceFile::new("a b.wfl", "é && x\n"));
        let (at, other) = (Span::new(file, 3, 5), Span::new(file, 0, 2));
        let found = Diagnostic::new(&codes::E004, at, "no").related(other, "here").fix(true, at, "and");
        let log: Value = serde_json::from_str(&render(&sources, &[found])).unwrap();
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "E004");
        let result = &run["results"][0];
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b.wfl");
        assert_eq!((&place["region"]["startColumn"], &place["region"]["endColumn"]), (&json!(3), &json!(5)));
        assert_eq!(result["relatedLocations"][0]["message"]["text"], "here");
        let change = &result["fixes"][0]["artifactChanges"][0]["replacements"][0];
        assert_eq!(change["insertedContent"]["text"], "and");
    }
}

//! The tree as an indented outline: one line a node, with its place. For people who look for what was understood.

use std::fmt::Write as _;

use serde_json::Value;

use crate::base::SourceFile;
use crate::syntax::ast::File;

use super::json;

/// The tree of a file, a line for each statement, value, clause and comment.
pub fn outline(file: &File, source: &SourceFile) -> String {
    let tree = json(file, source);
    let mut out = String::new();
    for statement in list(&tree, "statements") {
        statement_lines(statement, 0, &mut out);
    }
    for comment in list(&tree, "comments") {
        line(0, &format!("comment {}", text(&comment["text"])), comment, &mut out);
    }
    out
}

fn list<'a>(node: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    node[key].as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn line(depth: usize, words: &str, node: &Value, out: &mut String) {
    let range = &node["range"];
    let (line, column) = (&range["line"], &range["column"]);
    let _ = writeln!(out, "{:>9}  {}{words}", format!("{line}:{column}"), "  ".repeat(depth));
}

fn statement_lines(node: &Value, depth: usize, out: &mut String) {
    let broken = if node["broken"] == true { " (broken)" } else { "" };
    let keyword = text(&node["keyword"]["text"]);
    for attribute in list(node, "attributes") {
        line(depth, &format!("@{}", text(&attribute["name"]["text"])), attribute, out);
    }
    line(depth, &format!("{keyword}{broken}"), node, out);
    if let Some(binding) = node.get("binding") {
        line(depth + 1, &format!("name {}", text(&binding["name"]["text"])), &binding["name"], out);
        if !binding["type"].is_null() {
            line(
                depth + 1,
                &format!("type {}", text(&binding["type"]["name"]["text"])),
                &binding["type"],
                out,
            );
        }
        value_lines("= ", &binding["value"], depth + 1, out);
    }
    value_lines("= ", &node["assigned"], depth + 1, out);
    for operand in list(node, "operands") {
        value_lines("", operand, depth + 1, out);
    }
    for clause in list(node, "clauses") {
        line(depth + 1, &text(&clause["word"]), clause, out);
        for operand in list(clause, "operands") {
            value_lines("", operand, depth + 2, out);
        }
    }
    for inner in list(&node["block"], "statements") {
        statement_lines(inner, depth + 1, out);
    }
}

/// A value and what it is made of; arguments and steps of an access are its parts.
fn value_lines(label: &str, node: &Value, depth: usize, out: &mut String) {
    let Some(kind) = node["kind"].as_str() else { return };
    line(depth, &format!("{label}{kind}{}", plain(node)), node, out);
    for key in [
        "base",
        "first",
        "body",
        "source",
        "condition",
        "then",
        "else",
        "left",
        "right",
        "from",
        "to",
        "index",
    ] {
        value_lines(&format!("{key} "), &node[key], depth + 1, out);
    }
    value_lines("", &node["value"], depth + 1, out);
    for key in ["values", "segments", "steps", "rest", "arguments"] {
        for part in list(node, key) {
            part_lines(part, depth + 1, out);
        }
    }
}

fn part_lines(part: &Value, depth: usize, out: &mut String) {
    if part["kind"].is_string() {
        return value_lines("", part, depth, out);
    }
    let label = match (part["operator"].as_str(), part["name"]["text"].as_str()) {
        (Some(operator), _) => format!("{operator} "),
        (_, Some(name)) => format!("{name} = "),
        _ => String::new(),
    };
    value_lines(&label, &part["value"], depth, out);
}

/// What a node without parts says.
fn plain(node: &Value) -> String {
    for key in ["text", "value", "milliseconds", "bytes", "operator", "name"] {
        let value = &node[key];
        if value.is_string() || value.is_number() || value.is_boolean() {
            return format!(" {value}");
        }
    }
    String::new()
}

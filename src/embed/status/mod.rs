//! Status and checkpoint files of the original systems, in any of their shapes and however damaged, as one record each:
//! docs/status-import.md describes it. Nothing readable is lost, nothing is made up, and what was imported once does not
//! change by being imported again. Writes only where it is told to.

mod checkpoints;
mod entries;
mod fields;
mod find;
mod finding;
mod gzip;
mod lines;
mod literal;
mod reader;
mod record;
mod resume;
mod scan;
mod settle;
mod shape;
mod text;
mod time;
mod words;
mod write;

use std::path::Path;

use serde_json::{Map, Value};

pub use find::{read, search};
pub use finding::{Class, Finding, Severity};
pub use record::{Checkpoint, Checkpoints, Document, ErrorNote, FORMAT, Record, Stage, VERSION};
pub use resume::{Plan, resumable};
pub use shape::Shape;
pub use words::State;
pub use write::{Written, beside, in_place};

/// What came of one file.
#[derive(Clone, Debug)]
pub struct Imported {
    /// As it was named.
    pub path: String,
    pub shape: Shape,
    /// None where the file could not be read at all, or is no status file.
    pub document: Option<Document>,
    /// What was found this time.
    pub findings: Vec<Finding>,
    /// Hash of the bytes that were read; none where there is no file.
    digest: Option<blake3::Hash>,
}

impl Imported {
    /// There is a record, and it is one that can be written and read again.
    pub fn is_valid(&self) -> bool {
        self.document.is_some()
    }

    pub fn repairs(&self) -> usize {
        self.findings.iter().filter(|finding| finding.is_repair()).count()
    }

    /// Neither repaired nor wrong in any way.
    pub fn is_clean(&self) -> bool {
        self.is_valid()
            && self
                .findings
                .iter()
                .all(|finding| finding.severity == Severity::Warning && !finding.is_repair())
    }

    fn failed(path: &str, finding: Finding) -> Imported {
        Imported {
            path: path.to_owned(),
            shape: Shape::Unknown,
            document: None,
            findings: vec![finding],
            digest: None,
        }
    }
}

/// The bytes of a file as records. `folder` is the name a change has when nothing else names it.
pub fn of_bytes(path: &str, folder: Option<&str>, bytes: &[u8]) -> Imported {
    let mut first = Imported { digest: Some(blake3::hash(bytes)), ..imported(path, folder, bytes) };
    // Read once more as ours: what makes no sense in its new place is seen now, not at the next import.
    for _ in 0..ROUNDS {
        let Some(text) = first.document.as_ref().map(Document::text) else { break };
        let again = imported(path, folder, text.as_bytes());
        let same = again.document.as_ref().is_none_or(|document| document.text() == text);
        if same {
            break;
        }
        first.document = again.document;
        first.findings.extend(again.findings);
    }
    first
}

/// How often a record is read again at most; one that is right is right at once.
const ROUNDS: usize = 4;

fn imported(path: &str, folder: Option<&str>, bytes: &[u8]) -> Imported {
    let mut findings = Vec::new();
    let unpacked = gzip::is_packed(bytes).then(|| gzip::unpack(bytes));
    if let Some(wrong) = unpacked.as_ref().and_then(|unpacked| unpacked.wrong) {
        let what = format!("the compressed file is damaged: {wrong}");
        let did = "read what comes before";
        findings.push(Finding::mended(Class::ReadError, Severity::Error, "", what, did));
    }
    let bytes = unpacked.as_ref().map_or(bytes, |unpacked| &unpacked.bytes);
    let text = text::text_of(bytes, &mut findings);
    if text.trim().is_empty() {
        let what = if bytes.is_empty() { "the file is empty" } else { "there is no text in the file" };
        let did = "made a record that says so";
        findings.push(Finding::mended(Class::InvalidJson, Severity::Critical, "", what, did));
        return nothing(path, folder, Vec::new(), findings);
    }
    let mut unread = Vec::new();
    if let Some((kind, lines)) = lines::objects(&text, &mut unread) {
        return log(path, kind, lines, unread, findings);
    }
    let scanned = scan::scan(&text);
    if !scanned.wrong.is_empty() {
        let did = match scanned.unread.is_empty() {
            true => "read every member",
            false => "read every complete member, the other pieces are in `unread`",
        };
        let what = format!("this is not JSON as it stands: {}", scanned.wrong.join("; "));
        findings.push(Finding::mended(Class::InvalidJson, Severity::Error, "", what, did));
    }
    let mut others = scanned.roots;
    let first = others.iter().position(|root| root.is_object() || root.is_array());
    match first.map(|at| others.remove(at)) {
        Some(Value::Object(map)) => object(path, folder, map, others, scanned.unread, findings),
        Some(Value::Array(items)) => list(path, folder, items, others, scanned.unread, findings),
        _ => {
            let what = "nothing in the file is a JSON object";
            findings.push(Finding::told(Class::InvalidJson, Severity::Critical, "", what));
            Imported { path: path.to_owned(), shape: Shape::Unknown, document: None, findings, digest: None }
        }
    }
}

/// A record that holds only what the folder says.
fn nothing(path: &str, folder: Option<&str>, unread: Vec<String>, findings: Vec<Finding>) -> Imported {
    let mut document = Document::new(Shape::Unknown, Some(path.to_owned()));
    document.unread = unread;
    document.records.push(Record::default());
    done(path, folder, document, findings)
}

/// A file that is not there, as a record of what its folder says.
fn absent(path: &str, folder: Option<&str>) -> Imported {
    let did = "made a record that says so";
    let what = "there is no such file";
    nothing(
        path,
        folder,
        Vec::new(),
        vec![Finding::mended(Class::MissingFile, Severity::Critical, "", what, did)],
    )
}

fn log(
    path: &str,
    kind: Shape,
    lines: Vec<Map<String, Value>>,
    unread: Vec<String>,
    mut findings: Vec<Finding>,
) -> Imported {
    let mut document = Document::new(kind, Some(path.to_owned()));
    if !unread.is_empty() {
        let what = format!("lines that are not JSON: {}", unread.len());
        let did = "read their complete members, the lines are in `unread`";
        findings.push(Finding::mended(Class::InvalidJson, Severity::Error, "", what, did));
    }
    document.unread = unread;
    match kind {
        Shape::ErrorLog => document.records = lines::errors(lines, &mut findings),
        _ => lines::metrics(lines, &mut document, &mut findings),
    }
    done(path, None, document, findings)
}

fn object(
    path: &str,
    folder: Option<&str>,
    mut map: Map<String, Value>,
    others: Vec<Value>,
    unread: Vec<String>,
    mut findings: Vec<Finding>,
) -> Imported {
    let kind = shape::shape(&map);
    if kind == Shape::Record {
        return ours(path, folder, map, others, unread, findings);
    }
    if kind == Shape::Unknown && !map.is_empty() {
        let names: Vec<&str> = map.keys().take(4).map(String::as_str).collect();
        let what = format!("no known status file has this shape; its members: {}", names.join(", "));
        findings.push(Finding::told(Class::UnknownShape, Severity::Error, "", what));
        return Imported { path: path.to_owned(), shape: kind, document: None, findings, digest: None };
    }
    let mut document = Document::new(kind, Some(path.to_owned()));
    document.unread = unread;
    if let (Shape::Resumption, Some(Value::Object(runs))) = (kind, map.get("workflows").cloned()) {
        map.shift_remove("workflows");
        for (id, value) in runs {
            let place = format!("workflows.{id}");
            let mut run = match value {
                Value::Object(run) => run,
                value => Map::from_iter([("value".to_owned(), value)]),
            };
            run.entry("workflow_id").or_insert(Value::String(id));
            document.records.push(reader::record(run, kind, false, &place, &mut findings));
        }
        document.other = map;
    } else {
        document.records.push(reader::record(map, kind, false, "", &mut findings));
    }
    also(&mut document, others);
    done(path, folder, document, findings)
}

/// Values that stand beside the one that was read.
fn also(document: &mut Document, others: Vec<Value>) {
    if !others.is_empty() {
        fields::insert(&mut document.other, "also", Value::Array(others));
    }
}

fn list(
    path: &str,
    folder: Option<&str>,
    items: Vec<Value>,
    others: Vec<Value>,
    unread: Vec<String>,
    mut findings: Vec<Finding>,
) -> Imported {
    let kind = items.iter().find_map(Value::as_object).map_or(Shape::Unknown, shape::shape);
    if matches!(kind, Shape::Unknown | Shape::Record) {
        let what = "no known status file is a list of this";
        findings.push(Finding::told(Class::UnknownShape, Severity::Error, "", what));
        return Imported {
            path: path.to_owned(),
            shape: Shape::Unknown,
            document: None,
            findings,
            digest: None,
        };
    }
    let mut document = Document::new(kind, Some(path.to_owned()));
    document.unread = unread;
    let mut rest = others;
    for (index, item) in items.into_iter().enumerate() {
        let place = format!("[{index}]");
        match item {
            Value::Object(map) => {
                document.records.push(reader::record(map, kind, false, &place, &mut findings))
            }
            item => rest.push(item),
        }
    }
    also(&mut document, rest);
    done(path, folder, document, findings)
}

/// A record file of ours, which may be damaged as any other.
fn ours(
    path: &str,
    folder: Option<&str>,
    map: Map<String, Value>,
    others: Vec<Value>,
    unread: Vec<String>,
    mut findings: Vec<Finding>,
) -> Imported {
    let mut fields = fields::Fields::new(map, "", &mut findings);
    let version = fields.whole(&["version"]).unwrap_or(VERSION.into());
    if version > VERSION.into() {
        let what = format!("a newer wfl wrote it: version {version}, this one knows {VERSION}");
        return Imported::failed(path, Finding::told(Class::ReadError, Severity::Critical, "version", what));
    }
    fields.take(&["format"]);
    let kind = fields.name(&["shape"]).and_then(|word| Shape::of_word(&word)).unwrap_or(Shape::Unknown);
    let mut document = Document::new(kind, fields.name(&["source"]));
    let records = fields.list(&["records"]);
    document.metrics = fields.list(&["metrics"]);
    document.findings = fields.list(&["findings"]);
    let before = fields.list(&["unread"]).into_iter().map(|piece| match piece {
        Value::String(piece) => piece,
        piece => piece.to_string(),
    });
    document.unread = before.chain(unread).collect();
    if let Some((_, Value::Object(other))) = fields.take(&["other"]) {
        document.other = other;
    }
    for (name, value) in fields.rest() {
        fields::insert(&mut document.other, &name, value);
    }
    for (index, value) in records.into_iter().enumerate() {
        let place = format!("records[{index}]");
        match value {
            Value::Object(map) => {
                document.records.push(reader::record(map, kind, true, &place, &mut findings))
            }
            value => fields::insert(&mut document.other, "records", value),
        }
    }
    also(&mut document, others);
    let mut imported = done(path, folder, document, findings);
    imported.shape = Shape::Record;
    imported
}

fn done(path: &str, folder: Option<&str>, mut document: Document, mut findings: Vec<Finding>) -> Imported {
    let shape = document.shape;
    let many = document.records.len() > 1;
    for (index, record) in document.records.iter_mut().enumerate() {
        let place = if many { format!("records[{index}]") } else { String::new() };
        // Several runs of one file are not all the folder's.
        settle::settle(record, shape, folder.filter(|_| !many), &place, &mut findings);
    }
    let findings = document.note(findings);
    Imported { path: path.to_owned(), shape, document: Some(document), findings, digest: None }
}

/// The name of the folder a status file belongs to, past the folders that only hold such files.
fn folder_of(path: &Path) -> Option<String> {
    let path = std::path::absolute(path).ok()?;
    let holds_state = |name: &str| {
        matches!(
            name,
            ".checkpoints" | ".workflow_state" | ".claude" | "checkpoints" | "state" | "data" | "archive"
        )
    };
    path.ancestors()
        .skip(1)
        .filter_map(|folder| Some(folder.file_name()?.to_string_lossy().into_owned()))
        .find(|name| !holds_state(name))
}

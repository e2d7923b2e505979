//! Test results as JUnit XML: one suite a file. Times are left out: a played test takes none that means anything.

use std::io::Cursor;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::base::{FileId, SourceMap};
use crate::diag::Diagnostic;
use crate::embed::Trial;
use crate::trial::{Tested, Verdict};

type Xml = Writer<Cursor<Vec<u8>>>;

pub fn render(sources: &SourceMap, trial: &Trial) -> String {
    let mut xml = Writer::new_with_indent(Cursor::new(Vec::new()), b' ', 2);
    // Writing into memory does not fail.
    let _ = document(&mut xml, sources, trial);
    let mut text = String::from_utf8_lossy(&xml.into_inner().into_inner()).into_owned();
    text.push('\n');
    text
}

fn document(xml: &mut Xml, sources: &SourceMap, trial: &Trial) -> std::io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all: Vec<&Tested> = trial.tested.iter().collect();
    let counts = counts(&all);
    let suites = xml.create_element("testsuites").with_attribute(("name", "wfl test"));
    let suites = suites.with_attributes(counts.iter().map(|(name, count)| (*name, count.as_str())));
    suites.write_inner_content(|xml| {
        let mut files: Vec<FileId> = Vec::new();
        for tested in &trial.tested {
            if !files.contains(&tested.span.file) {
                files.push(tested.span.file);
            }
        }
        files.into_iter().try_for_each(|file| suite(xml, sources, file, trial))
    })?;
    Ok(())
}

fn counts(tested: &[&Tested]) -> [(&'static str, String); 3] {
    let count = |wanted: fn(&Verdict) -> bool| {
        tested.iter().filter(|tested| wanted(&tested.verdict)).count().to_string()
    };
    [
        ("tests", tested.len().to_string()),
        ("failures", count(|verdict| matches!(verdict, Verdict::Failed(_)))),
        ("errors", count(|verdict| matches!(verdict, Verdict::Unplayable(_)))),
    ]
}

fn suite(xml: &mut Xml, sources: &SourceMap, file: FileId, trial: &Trial) -> std::io::Result<()> {
    let tested: Vec<&Tested> = trial.tested.iter().filter(|tested| tested.span.file == file).collect();
    let counts = counts(&tested);
    let name = clean(&sources.get(file).path);
    let suite = xml.create_element("testsuite").with_attribute(("name", name.as_str()));
    let suite = suite.with_attributes(counts.iter().map(|(name, count)| (*name, count.as_str())));
    suite.write_inner_content(|xml| tested.iter().try_for_each(|tested| case(xml, sources, tested)))?;
    Ok(())
}

fn case(xml: &mut Xml, sources: &SourceMap, tested: &Tested) -> std::io::Result<()> {
    let line = sources.position(tested.span).line.to_string();
    let (name, lane) = (clean(&tested.name), clean(&tested.lane));
    let file = clean(&sources.get(tested.span.file).path);
    let case = xml.create_element("testcase").with_attributes([
        ("name", name.as_str()),
        ("classname", lane.as_str()),
        ("file", file.as_str()),
        ("line", line.as_str()),
    ]);
    let element = match tested.verdict {
        Verdict::Passed => return case.write_empty().map(|_| ()),
        Verdict::Failed(_) => "failure",
        Verdict::Unplayable(_) => "error",
    };
    case.write_inner_content(|xml| {
        super::findings(tested).iter().try_for_each(|found| finding(xml, sources, element, found))
    })?;
    Ok(())
}

fn finding(xml: &mut Xml, sources: &SourceMap, element: &str, found: &Diagnostic) -> std::io::Result<()> {
    let message = clean(&found.message);
    let help = found.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    let text = clean(&format!("{}: {}{help}", sources.place(found.span), found.message));
    xml.create_element(element)
        .with_attributes([("message", message.as_str()), ("type", found.code.name)])
        .write_text_content(BytesText::new(&text))?;
    Ok(())
}

/// XML 1.0 cannot hold most control characters, not even escaped.
fn clean(text: &str) -> String {
    let allowed = |c: char| !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    text.chars().map(|c| if allowed(c) { c } else { '\u{fffd}' }).collect()
}

//! Documents of a change: what they link to is there, images too, every fence is closed, nothing is left as a draft; and
//! no other document links to what the change removes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::markdown::{self, Document, Link};
use super::{Finding, scripts};
use crate::facts::details::{Details, Mention};
use crate::workspace::kind::{self, Kind};

/// A larger file was not written by a person.
const LARGEST: u64 = 2 << 20;
/// As many documents are looked through for links to what is removed.
const MOST: usize = 5000;

pub(super) fn judge(details: &Details, root: &Path, tracked: &dyn Fn() -> Vec<String>) -> Vec<Finding> {
    let mut review = Review { root, read: BTreeMap::new() };
    let touched: Vec<&str> = details.present(&[Kind::Docs]).filter(|path| is_markdown(path)).collect();
    let removed: BTreeSet<&str> = details.removed().collect();
    let mut found: Vec<Finding> =
        touched.iter().flat_map(|path| review.document(path, details, &removed)).collect();
    found.extend(review.drafts(details));
    if !removed.is_empty() {
        let others =
            tracked().into_iter().filter(|path| is_markdown(path) && !touched.contains(&path.as_str()));
        let others = others.filter(|path| kind::of(path) != Kind::Generated).take(MOST);
        found.extend(others.flat_map(|path| review.leads_to(&path, &removed)));
    }
    let calls = |mention: &&Mention| kind::of(&mention.path) == Kind::Docs && mention.tool != "make";
    let mentions: Vec<&Mention> = details.mentions.iter().filter(calls).collect();
    found.extend(scripts::missing(root, &mentions, tracked));
    found
}

fn is_markdown(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    lower.ends_with(".md") || lower.ends_with(".markdown")
}

/// A link that leads nowhere.
struct Broken {
    message: String,
    /// The file that is not there, or the document that lacks the anchor.
    place: String,
    file: bool,
}

impl Broken {
    fn anchor(place: &str, message: String) -> Broken {
        Broken { message, place: place.to_owned(), file: false }
    }
}

/// Whether the change may have brought it about: it wrote the line, or took marks from the document `other` that the
/// line may rest on. Of a document of which no line is known to have changed, everything counts: it was asked for by name.
fn news(details: &Details, path: &str, line: u32, other: &str) -> bool {
    let lost = |path: &str| details.documents.get(path).is_some_and(|touched| touched.lost);
    details.documents.get(path).is_none_or(|touched| touched.added.contains(&line)) || lost(other)
}

/// Whether a link to `place` may have led to the file.
fn stands_for(file: &str, place: &str) -> bool {
    let place = place.trim_end_matches('/');
    let stem = place.strip_suffix(".html").unwrap_or(place);
    file.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/']))
}

struct Review<'a> {
    root: &'a Path,
    read: BTreeMap<String, Option<Document>>,
}

impl Review<'_> {
    fn get(&mut self, path: &str) -> Option<&Document> {
        let root = self.root;
        let read = self.read.entry(path.to_owned()).or_insert_with(|| {
            let full = root.join(path);
            let fits = fs::metadata(&full).is_ok_and(|meta| meta.is_file() && meta.len() <= LARGEST);
            let bytes = if fits { fs::read(&full).ok()? } else { return None };
            Some(markdown::read(&String::from_utf8_lossy(&bytes)))
        });
        read.as_ref()
    }

    /// What the change brings about in a document it touches. What was wrong before it is not its fault.
    fn document(&mut self, path: &str, details: &Details, removed: &BTreeSet<&str>) -> Vec<Finding> {
        let Some(document) = self.get(path) else { return Vec::new() };
        let unclosed = document.unclosed.iter().filter(|line| news(details, path, **line, path));
        let mut found: Vec<Finding> = unclosed
            .map(|line| Finding::at(path, *line, "the code block that opens here is never closed"))
            .collect();
        let targets: Vec<(u32, String, bool)> =
            document.links.iter().map(|link| (link.line, link.target.clone(), link.image)).collect();
        for (line, target, image) in targets {
            let Some(broken) = self.broken(path, &target, image) else { continue };
            let gone = broken.file && removed.iter().any(|gone| stands_for(gone, &broken.place));
            if gone || news(details, path, line, &broken.place) {
                found.push(Finding::at(path, line, broken.message));
            }
        }
        found
    }

    /// Why a link leads nowhere.
    fn broken(&mut self, from: &str, target: &str, image: bool) -> Option<Broken> {
        let (place, anchor) = target.split_once('#').unwrap_or((target, ""));
        if place.is_empty() {
            return self.lost(from, anchor, "this document").map(|message| Broken::anchor(from, message));
        }
        let path = local(from, place)?;
        let what = if image { "the image" } else { "the link" };
        match self.standing_for(&path) {
            None => {
                let message = format!("{what} leads to {place:?}, and {path} is not there");
                Some(Broken { message, place: path, file: true })
            }
            Some(found) if is_markdown(&found) => {
                let lost = self.lost(&found, anchor, &found);
                lost.map(|message| Broken::anchor(&found, message))
            }
            Some(_) => None,
        }
    }

    /// Why an anchor is not found in a document of the project.
    fn lost(&mut self, path: &str, anchor: &str, shown: &str) -> Option<String> {
        let wanted = decoded(anchor)?.to_lowercase();
        // Line numbers, the top, and texts to look for are the viewer's.
        let by_viewer = wanted.is_empty() || wanted == "top" || wanted.contains(":~:") || is_line(&wanted);
        let document = self.get(path)?;
        let there = by_viewer || document.anchors.contains(&wanted);
        (!there).then(|| format!("no heading of {shown} has the anchor `#{anchor}`"))
    }

    /// The file that a site would show for the path: itself, its source, or the page of its folder.
    fn standing_for(&self, path: &str) -> Option<String> {
        let bare = path.trim_end_matches('/');
        let stem = bare.strip_suffix(".html").unwrap_or(bare);
        let there = |path: &String| self.root.join(path).exists();
        if there(&bare.to_owned()) {
            return Some(bare.to_owned());
        }
        [format!("{stem}.md"), format!("{stem}/index.md"), format!("{stem}/README.md")]
            .into_iter()
            .find(there)
    }

    /// Links of a document that the change does not touch to files that it removes.
    fn leads_to(&mut self, path: &str, removed: &BTreeSet<&str>) -> Vec<Finding> {
        let Some(document) = self.get(path) else { return Vec::new() };
        let target = |link: &Link| local(path, link.target.split('#').next().unwrap_or_default());
        let links: Vec<(u32, String)> =
            document.links.iter().filter_map(|link| Some((link.line, target(link)?))).collect();
        let gone = links.into_iter().filter(|(_, target)| removed.contains(target.as_str()));
        let message = |target: &str| format!("it links to {target}, which the change removes");
        gone.map(|(line, target)| Finding::at(path, line, message(&target))).collect()
    }

    /// Added lines that say that something is still to be written, unless they are code.
    fn drafts(&mut self, details: &Details) -> Vec<Finding> {
        let mut found = Vec::new();
        for draft in &details.drafts {
            let code = self.get(&draft.path).is_some_and(|document| document.is_code(draft.line));
            if !code && !draft.text.contains('`') {
                let message = format!("the change leaves a note to write this later: {:?}", draft.text);
                found.push(Finding::at(&draft.path, draft.line, message));
            }
        }
        found
    }
}

/// `l12`, `l12-l20`.
fn is_line(anchor: &str) -> bool {
    let number = |part: &str| {
        part.strip_prefix('l').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    anchor.split('-').all(number)
}

/// The path in the project that a link of `from` names; none when it leads out of it, or is made by a template.
fn local(from: &str, target: &str) -> Option<String> {
    let target = target.split('?').next().unwrap_or_default();
    let scheme = target.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c))
    });
    if target.is_empty() || scheme || target.starts_with("//") || target.contains(['{', '<', '$']) {
        return None;
    }
    let target = decoded(target)?;
    let (base, rest) = match target.strip_prefix('/') {
        // What begins at a site's root is a page of ours only if it is written as one.
        Some(rest) if is_markdown(rest) => ("", rest),
        Some(_) => return None,
        None => (from.rsplit_once('/').map_or("", |(folder, _)| folder), target.as_str()),
    };
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// With `%20` and the like read; none where that is no text.
fn decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match code.filter(|_| *byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                plain.push(code);
                at += 3;
            }
            None => {
                plain.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_from_where_they_stand() {
        for (from, target, path) in [
            ("docs/a.md", "b.md", Some("docs/b.md")),
            ("docs/a.md", "../R%C3%A9.md?x=1", Some("Ré.md")),
            ("a.md", "../../issues", None),
            ("a.md", "https://example.org/x", None),
            ("a.md", "mailto:ada@team.example", None),
            ("docs/a.md", "/docs/b.md", Some("docs/b.md")),
            ("docs/a.md", "/api/", None),
            ("a.md", "{{ site.url }}/x", None),
            ("a.md", "%zz", Some("%zz")),
        ] {
            assert_eq!(local(from, target).as_deref(), path, "{target}");
        }
    }

    fn found(files: &[(&str, &str)], path: &str) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let full = dir.path().join(path);
            fs::create_dir_all(full.parent().unwrap()).unwrap();
            fs::write(full, text).unwrap();
        }
        let mut review = Review { root: dir.path(), read: BTreeMap::new() };
        review.document(path, &Details::default(), &BTreeSet::new()).iter().map(Finding::text).collect()
    }

    #[test]
    fn what_leads_somewhere_is_not_found() {
        let text = "# Top\n\n[a](docs/b.md#the-end) [b](docs/) [c](docs/b.html) [d](#top) [e](src/a.rs#L3-L9) ![i](i.png)\n";
        let files = [("r.md", text), ("docs/b.md", "## The end!\n"), ("src/a.rs", ""), ("i.png", "")];
        assert_eq!(found(&files, "r.md"), Vec::<String>::new());
    }

    #[test]
    fn what_leads_nowhere_is_found_with_its_line() {
        let text = "[a](no.md)\n[b](b.md#gone)\n![i](no.png)\n[c](#lost)\n";
        assert_eq!(
            found(&[("r.md", text), ("b.md", "# B\n")], "r.md"),
            [
                "r.md:1: the link leads to \"no.md\", and no.md is not there",
                "r.md:2: no heading of b.md has the anchor `#gone`",
                "r.md:3: the image leads to \"no.png\", and no.png is not there",
                "r.md:4: no heading of this document has the anchor `#lost`",
            ]
        );
    }
}

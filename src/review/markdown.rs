//! Reads a Markdown document as its readers' sites do: where links and images lead, the anchors of its headings, fences
//! that nothing closes, and which lines are code. Judges nothing and opens no other file.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use regex::Regex;

/// A document taken apart; lines count from 1.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) links: Vec<Link>,
    /// In small letters, as sites make them.
    pub(super) anchors: BTreeSet<String>,
    /// Lines at which a fence opens that is never closed.
    pub(super) unclosed: Vec<u32>,
    code: Vec<Range<u32>>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Link {
    pub(super) line: u32,
    pub(super) target: String,
    pub(super) image: bool,
}

impl Document {
    /// Whether the line is part of a code block.
    pub(super) fn is_code(&self, line: u32) -> bool {
        self.code.iter().any(|lines| lines.contains(&line))
    }
}

pub(super) fn read(text: &str) -> Document {
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut reader = Reader {
        text,
        starts,
        document: Document::default(),
        heading: None,
        slugs: BTreeMap::new(),
        source: Regex::new(r#"(?i)<(img|a)\b[^>]*?\s(?:src|href)\s*=\s*["']([^"']*)["']"#).ok(),
        name: Regex::new(r#"(?i)\b(?:id|name)\s*=\s*["']([^"']+)["']"#).ok(),
    };
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        reader.event(event, range);
    }
    reader.document
}

struct Reader<'a> {
    text: &'a str,
    starts: Vec<usize>,
    document: Document,
    /// The words of the heading that is read.
    heading: Option<String>,
    slugs: BTreeMap<String, u32>,
    source: Option<Regex>,
    name: Option<Regex>,
}

impl Reader<'_> {
    fn line(&self, at: usize) -> u32 {
        self.starts.partition_point(|start| *start <= at) as u32
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => self.link(&dest_url, range.start, false),
            Event::Start(Tag::Image { dest_url, .. }) => self.link(&dest_url, range.start, true),
            Event::Start(Tag::CodeBlock(kind)) => self.code_block(&kind, range),
            Event::Start(Tag::Heading { id, .. }) => {
                self.document.anchors.extend(id.map(|id| id.to_lowercase()));
                self.heading = Some(String::new());
            }
            Event::End(TagEnd::Heading(_)) => {
                let words = self.heading.take().unwrap_or_default();
                self.anchor(&words);
            }
            Event::Html(html) | Event::InlineHtml(html) => self.html(&html, range.start),
            Event::Text(words) | Event::Code(words) => {
                if let Some(heading) = &mut self.heading {
                    heading.push_str(&words);
                }
            }
            _ => {}
        }
    }

    fn link(&mut self, target: &str, at: usize, image: bool) {
        let line = self.line(at);
        self.document.links.push(Link { line, target: target.to_owned(), image });
    }

    fn html(&mut self, html: &str, at: usize) {
        let found: Vec<(usize, bool, String)> = self
            .source
            .iter()
            .flat_map(|source| {
                source.captures_iter(html).map(|found| {
                    let place = found.get(0).map_or(0, |found| found.start());
                    (place, found[1].eq_ignore_ascii_case("img"), found[2].to_owned())
                })
            })
            .collect();
        for (place, image, target) in found {
            self.link(&target, at + place, image);
        }
        let names = self.name.iter().flat_map(|name| name.captures_iter(html));
        self.document.anchors.extend(names.map(|found| found[1].to_lowercase()));
    }

    /// As GitHub names it: small letters, no punctuation, hyphens for spaces, a number behind what was there already.
    fn anchor(&mut self, words: &str) {
        let slug: String = words
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let count = self.slugs.entry(slug.clone()).or_insert(0);
        let numbered = if *count == 0 { slug } else { format!("{slug}-{count}") };
        *count += 1;
        self.document.anchors.insert(numbered);
    }

    fn code_block(&mut self, kind: &CodeBlockKind<'_>, range: Range<usize>) {
        let first = self.line(range.start);
        let end = self.line(range.end.saturating_sub(1).max(range.start)) + 1;
        self.document.code.push(first..end);
        if !matches!(kind, CodeBlockKind::Fenced(_)) {
            return;
        }
        let block = &self.text[range];
        let mark = if block.starts_with('~') { '~' } else { '`' };
        let length = |line: &str| line.chars().take_while(|c| *c == mark).count();
        let open = length(block);
        // In a quote or a list the closing line stands behind their marks.
        let last =
            block.trim_end().lines().skip(1).last().map(|line| line.trim_start_matches([' ', '>', '\t']));
        let closed = last.is_some_and(|line| length(line) >= open && line[length(line)..].trim().is_empty());
        if !closed {
            self.document.unclosed.push(first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_images_and_anchors_have_their_lines() {
        let text = "# The *Title* & `code`\n\nSee [a](b.md) and ![i](i.png \"t\"), `[no](x)`.\n\n<img alt=\"x\" src='h.png'>\n\n[ref]: <c d.md>\n\nA [ref].\n\n## Same\n## Same\n\n    [code](y)\n";
        let document = read(text);
        let links: Vec<(u32, &str, bool)> =
            document.links.iter().map(|link| (link.line, link.target.as_str(), link.image)).collect();
        assert_eq!(links, [(3, "b.md", false), (3, "i.png", true), (5, "h.png", true), (9, "c d.md", false)]);
        let anchors: Vec<&str> = document.anchors.iter().map(String::as_str).collect();
        assert_eq!(anchors, ["same", "same-1", "the-title--code"]);
        assert!(document.is_code(14) && !document.is_code(3));
    }

    #[test]
    fn a_fence_that_nothing_closes_is_found() {
        for closed in [
            "```\na\n```\n",
            "~~~~\n```\n~~~~\n",
            "> ```\n> a\n> ```\n",
            "- x\n\n  ```sh\n  a\n  ```\n",
            "```\n```",
            "    ```\n",
        ] {
            assert_eq!(read(closed).unclosed, Vec::<u32>::new(), "{closed}");
        }
        assert_eq!(read("a\n\n```sh\nb\n").unclosed, [3]);
        assert_eq!(read("````\n```\n").unclosed, [1]);
        assert_eq!(read("```").unclosed, [1]);
    }
}

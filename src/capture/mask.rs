//! Masks secrets in a stream of bytes, also when one is cut by the border of two reads. Does not know where the bytes
//! come from or go to.

use regex::bytes::{Regex, RegexBuilder};

use super::forms::forms;

const MASK: &[u8] = b"***";

/// The secrets of an attempt, ready to search for in all their forms.
#[derive(Debug, Default)]
pub struct Mask {
    search: Option<Search>,
}

#[derive(Debug)]
struct Search {
    /// Alternatives, longest first. `None` if the engine refused them (gigabytes of secrets): then all is masked.
    regex: Option<Regex>,
    forms: Vec<Vec<u8>>,
    longest: usize,
}

impl Mask {
    pub fn new(secrets: &[String]) -> Self {
        if secrets.iter().all(|secret| secret.trim().is_empty()) {
            return Mask::default();
        }
        let mut all: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| forms(secret)).collect();
        all.retain(|form| !form.trim_ascii().is_empty());
        all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        all.dedup();
        Mask { search: Some(Search::new(all)) }
    }

    /// Nothing to mask.
    pub fn is_empty(&self) -> bool {
        self.search.is_none()
    }

    /// The state for one stream; `None` when there is nothing to mask.
    pub fn streaming(&self) -> Option<Streaming<'_>> {
        self.search.as_ref().map(|search| Streaming {
            search,
            held: Vec::new(),
            covered: 0,
            shown: Vec::new(),
        })
    }

    /// Masks a whole text.
    pub fn text(&self, text: &str) -> String {
        let Some(mut stream) = self.streaming() else {
            return text.to_string();
        };
        let mut shown = stream.push(text.as_bytes()).to_vec();
        shown.extend_from_slice(stream.flush());
        String::from_utf8_lossy(&shown).into_owned()
    }
}

impl Search {
    fn new(forms: Vec<Vec<u8>>) -> Self {
        let pattern = forms.iter().map(|form| literal(form)).collect::<Vec<_>>().join("|");
        let regex = RegexBuilder::new(&pattern).unicode(false).size_limit(256 << 20).build().ok();
        let longest = forms.iter().map(Vec::len).max().unwrap_or(0);
        Search { regex, forms, longest }
    }

    /// The first place from `from` at which a secret may begin whose end is not there yet.
    fn open_from(&self, bytes: &[u8], from: usize) -> usize {
        let start = from.max((bytes.len() + 1).saturating_sub(self.longest));
        (start..bytes.len())
            .find(|&at| {
                let rest = &bytes[at..];
                self.forms.iter().any(|form| form.len() > rest.len() && form.starts_with(rest))
            })
            .unwrap_or(bytes.len())
    }
}

fn literal(form: &[u8]) -> String {
    form.iter().map(|byte| format!("\\x{byte:02x}")).collect()
}

/// The masking of one stream.
#[derive(Debug)]
pub struct Streaming<'a> {
    search: &'a Search,
    /// Bytes that may be the beginning of a secret.
    held: Vec<u8>,
    /// How many of them belong to a secret that was masked already: two secrets may overlap.
    covered: usize,
    shown: Vec<u8>,
}

impl Streaming<'_> {
    /// What can be shown of all that was pushed so far; valid until the next call.
    pub fn push(&mut self, bytes: &[u8]) -> &[u8] {
        self.held.extend_from_slice(bytes);
        self.advance(false)
    }

    /// What was held back: no more bytes will come.
    pub fn flush(&mut self) -> &[u8] {
        self.advance(true)
    }

    fn advance(&mut self, last: bool) -> &[u8] {
        self.shown.clear();
        match &self.search.regex {
            Some(regex) => self.search(regex, last),
            None => {
                self.shown.extend_from_slice(if self.held.is_empty() { b"" } else { MASK });
                self.held.clear();
            }
        }
        &self.shown
    }

    fn search(&mut self, regex: &Regex, last: bool) {
        let (mut done, mut open) = (0, self.held.len());
        let mut masked = overlapping(regex, &self.held, 0, self.covered);
        let mut known = last;
        loop {
            if !known || open < done {
                open = if last { self.held.len() } else { self.search.open_from(&self.held, done) };
                known = true;
            }
            if open < masked {
                return self.hold(open, masked - open);
            }
            done = done.max(masked);
            let found = regex.find_at(&self.held, done).filter(|found| found.start() < open);
            let shown_to = found.map_or(open, |found| found.start());
            self.shown.extend_from_slice(&self.held[done.min(shown_to)..shown_to]);
            let Some(found) = found else {
                return self.hold(open, 0);
            };
            self.shown.extend_from_slice(MASK);
            masked = overlapping(regex, &self.held, found.start(), found.end());
            done = found.start() + 1;
        }
    }

    fn hold(&mut self, from: usize, covered: usize) {
        self.held.drain(..from);
        self.covered = covered;
    }
}

/// The end of a masked stretch: secrets that overlap are masked as one.
fn overlapping(regex: &Regex, bytes: &[u8], start: usize, mut end: usize) -> usize {
    let mut at = start;
    while at < end {
        match regex.find_at(bytes, at) {
            Some(next) if next.start() < end => {
                end = end.max(next.end());
                at = next.start() + 1;
            }
            _ => break,
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(secrets: &[&str], chunks: &[&str]) -> String {
        let mask = Mask::new(&secrets.iter().map(|secret| secret.to_string()).collect::<Vec<_>>());
        let mut stream = mask.streaming().unwrap();
        let mut all = Vec::new();
        for chunk in chunks {
            all.extend_from_slice(stream.push(chunk.as_bytes()));
        }
        all.extend_from_slice(stream.flush());
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn a_secret_is_found_across_any_border() {
        let text = "before hunter2-long after";
        for cut in 0..text.len() {
            assert_eq!(masked(&["hunter2-long"], &[&text[..cut], &text[cut..]]), "before *** after");
        }
        let single: Vec<String> = text.chars().map(String::from).collect();
        let single: Vec<&str> = single.iter().map(String::as_str).collect();
        assert_eq!(masked(&["hunter2-long"], &single), "before *** after");
    }

    #[test]
    fn what_only_looked_like_a_secret_is_shown() {
        assert_eq!(masked(&["hunter2-long"], &["hunter2", "-lo", "st"]), "hunter2-lost");
        assert_eq!(masked(&["hunter2-long"], &["hunter2-lon"]), "hunter2-lon");
    }

    #[test]
    fn overlapping_and_nested_secrets_leave_no_rest() {
        assert_eq!(masked(&["abcdeX", "Xfghij"], &["-abcdeXfghij-"]), "-***-");
        assert_eq!(masked(&["token", "token-extended"], &["token-ext", "ended token!"]), "*** ***!");
        assert_eq!(masked(&["aaaa"], &["aaaaaa"]), "***");
        assert_eq!(masked(&["aaaa"], &["aaaa", "aa", "a", "b"]), "***b");
        let text = "-abcdeXfghij-abcdeX-";
        for cut in 0..text.len() {
            assert_eq!(masked(&["abcdeX", "Xfghij"], &[&text[..cut], &text[cut..]]), "-***-***-");
        }
    }

    #[test]
    fn what_is_held_back_stays_small() {
        let mask = Mask::new(&["aaaaaaaa".into()]);
        let mut stream = mask.streaming().unwrap();
        let shown: usize = (0..100).map(|_| stream.push(&[b'a'; 1000]).len()).sum();
        assert!(stream.held.len() < 8 && shown == 3, "{} {shown}", stream.held.len());
    }

    #[test]
    fn encoded_forms_are_masked_too() {
        let secret = "p4ss/w&rd \"quoted\" ümlaut";
        let json = serde_json::to_string(secret).unwrap();
        assert_eq!(masked(&[secret], &[&json]), "\"***\"");
        let url = "x=p4ss%2Fw%26rd%20%22quoted%22%20%C3%BCmlaut&y";
        assert_eq!(masked(&[secret], &[url]), "x=***&y");
        // printf '%s' "$SECRET" | base64
        let base64 = "cDRzcy93JnJkICJxdW90ZWQiIMO8bWxhdXQ=";
        assert!(!masked(&[secret], &[base64]).contains("cDRzcy93"));
    }

    #[test]
    fn without_masking_the_same_bytes_pass() {
        // The twin of the tests above: were nothing masked, they would see the secret.
        let mask = Mask::new(&[]);
        assert!(mask.is_empty() && mask.text("hunter2-long") == "hunter2-long");
    }
}

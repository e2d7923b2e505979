//! Texts → trees, by two threads when there is enough to read. Reads no file and looks at no tree.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

use crate::base::FileId;
use crate::diag::Diagnostic;
use crate::syntax;
use crate::syntax::ast::File;

/// Less text than this is read before another thread has begun.
const MUCH: usize = 64 * 1024;

type Parsed = (File, Vec<Diagnostic>);

/// A tree of an earlier time, with the text it was read from.
pub(super) struct Known {
    pub text: Arc<str>,
    pub tree: File,
    pub found: Vec<Diagnostic>,
}

/// What each text is, in order; those that are `known` under their number are taken from there.
pub(super) fn with_known(texts: &[(FileId, Arc<str>)], known: &mut HashMap<FileId, Known>) -> Vec<Parsed> {
    let same = |file: &FileId, text: &Arc<str>, known: &mut HashMap<FileId, Known>| {
        known.remove(file).filter(|known| known.text == *text).map(|known| (known.tree, known.found))
    };
    let old: Vec<Option<Parsed>> = texts.iter().map(|(file, text)| same(file, text, known)).collect();
    let new: Vec<(FileId, &str)> = texts
        .iter()
        .zip(&old)
        .filter(|(_, old)| old.is_none())
        .map(|((file, text), _)| (*file, &**text))
        .collect();
    let mut new = parse(&new).into_iter();
    old.into_iter().filter_map(|old| old.or_else(|| new.next())).collect()
}

/// What each text is, in order.
fn parse(texts: &[(FileId, &str)]) -> Vec<Parsed> {
    let bytes: usize = texts.iter().map(|(_, text)| text.len()).sum();
    if texts.len() < 2 || bytes < MUCH || available_parallelism().is_ok_and(|threads| threads.get() < 2) {
        return texts.iter().map(|(file, text)| syntax::parse(*file, text)).collect();
    }
    let next = AtomicUsize::new(0);
    let some = || {
        let mut done: Vec<(usize, Parsed)> = Vec::with_capacity(texts.len());
        while let index = next.fetch_add(1, Ordering::Relaxed)
            && let Some((file, text)) = texts.get(index)
        {
            done.push((index, syntax::parse(*file, text)));
        }
        done
    };
    let mut all = std::thread::scope(|scope| {
        let other = scope.spawn(some);
        let mut all = some();
        // A thread ends without a result only by a bug, which then goes on here.
        all.extend(other.join().unwrap_or_else(|bug| std::panic::resume_unwind(bug)));
        all
    });
    all.sort_unstable_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, parsed)| parsed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_not_read_again_unless_its_text_changed() {
        let known = |file, text: &str| {
            // Empty, as no reading of these texts would leave it.
            (FileId(file), Known { text: text.into(), tree: File::default(), found: Vec::new() })
        };
        let mut all = HashMap::from([known(0, "a 1"), known(1, "b 1"), known(3, "d 1")]);
        let texts: Vec<(FileId, Arc<str>)> = [(0, "a 1"), (1, "b 2"), (2, "c 1"), (3, "d 1")]
            .map(|(file, text)| (FileId(file), text.into()))
            .into();
        let parsed: Vec<usize> = with_known(&texts, &mut all).iter().map(|(tree, _)| tree.parsed).collect();
        assert_eq!(parsed, [0, 1, 1, 0]);
    }

    #[test]
    fn trees_come_in_the_order_of_their_texts_whoever_read_them() {
        let texts: Vec<String> = (0..60)
            .map(|file| {
                format!("stage s{file} {{ exec \"x\" }}\n").repeat(if file % 7 == 0 { 400 } else { 20 })
            })
            .collect();
        assert!(texts.iter().map(String::len).sum::<usize>() > MUCH);
        let given: Vec<(FileId, &str)> = (0..).map(FileId).zip(texts.iter().map(String::as_str)).collect();
        let alone: Vec<Parsed> = given.iter().map(|(file, text)| syntax::parse(*file, text)).collect();
        assert_eq!(parse(&given), alone);
    }
}

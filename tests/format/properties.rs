//! What formatting may never change, as functions of a text and what was made of it; and 2,000 programs that prove it.
//! `WFL_PROGRAMS=N` runs more, `WFL_SEED=N` begins elsewhere; a failure names its seed.

use std::collections::{BTreeMap, BTreeSet};

use wfl::base::FileId;
use wfl::load::{Loaded, Memory, Request, load};
use wfl::model::schema;
use wfl::syntax::{self, ast};

use super::dice::Dice;
use super::{generate, layout};

pub type Property = fn(&str, &str) -> Result<(), String>;

pub const ALL: [(&str, Property); 6] = [
    ("it has no errors of form", parses),
    ("formatting it again changes nothing", is_stable),
    ("the comments are the same, in order", comments),
    ("the tree is the same", tree),
    ("the checked model and its findings are the same", model),
    ("it is tidy", tidy),
];

pub fn format(text: &str) -> Result<String, String> {
    wfl::format::text(FileId(0), text).map_err(|found| format!("{:?}", found.first().map(|one| &one.message)))
}

fn equal(before: &str, after: &str) -> Result<(), String> {
    if before == after {
        return Ok(());
    }
    let at = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    let around = |text: &str| {
        let from = (0..=at.saturating_sub(60)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text[from..].chars().take(160).collect::<String>()
    };
    Err(format!("before: …{}…\nafter:  …{}…", around(before), around(after)))
}

pub fn parses(_: &str, after: &str) -> Result<(), String> {
    let (tree, found) = syntax::parse(FileId(0), after);
    match (found.first(), tree.refused) {
        (None, 0) => Ok(()),
        (found, _) => {
            Err(format!("{:?}", found.map(|found| (found.code.id, &found.message, found.span.start))))
        }
    }
}

pub fn is_stable(_: &str, after: &str) -> Result<(), String> {
    equal(after, &format(after)?)
}

fn read(text: &str) -> ast::File {
    syntax::parse(FileId(0), text.trim_start_matches('\u{feff}')).0
}

pub fn comments(before: &str, after: &str) -> Result<(), String> {
    // `##` lines that document a statement are in the tree; here all stand together.
    let texts = |text: &str| {
        let text = text.trim_start_matches('\u{feff}');
        let scan = syntax::scan(FileId(0), text);
        let mut found: BTreeMap<usize, String> = BTreeMap::new();
        for comment in &scan.file.comments {
            found.insert(comment.span.range().start, comment.text.clone());
        }
        for piece in &scan.pieces {
            if let syntax::pieces::PieceKind::Comment { .. } = piece.kind {
                found.insert(piece.start, piece.text.to_owned());
            }
        }
        found.into_values().map(|text| text + "\n").collect::<String>()
    };
    equal(&texts(before), &texts(after))
}

/// The tree as text without its places, and without the counts and comments that other properties look at.
pub fn tree(before: &str, after: &str) -> Result<(), String> {
    let shown = |text: &str| placeless(&format!("{:?}", read(text).statements));
    equal(&shown(before), &shown(after))
}

pub fn model(before: &str, after: &str) -> Result<(), String> {
    let (before, after) = (checked(before), checked(after));
    equal(&before.1, &after.1)?;
    equal(&before.0, &after.0)
}

/// The model without its places, and the findings by code and message.
fn checked(text: &str) -> (String, String) {
    let smoke = include_str!("../lang/shared/smoke.wfl");
    let files = Memory::default().with("/project/case.wfl", text).with("/project/shared/smoke.wfl", smoke);
    let request = Request { root: "/project".into(), cwd: "/project".into(), paths: vec!["case.wfl".into()] };
    let Loaded { sources, units, mut diagnostics, .. } = load(&request, &files);
    let checked = wfl::model::check(&sources, &units);
    diagnostics.extend(checked.diagnostics);
    let found = wfl::diag::merge(diagnostics);
    let found = found.iter().map(|found| format!("{} {}\n", found.code.id, found.message)).collect();
    (placeless(&format!("{:?}", checked.model)), found)
}

/// A debug text without spans and offsets.
fn placeless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = ["Span {", "line_offsets: ["].iter().filter_map(|mark| rest.find(mark)).min() {
        out.push_str(&rest[..at]);
        let end = if rest[at..].starts_with('S') { " }" } else { "]" };
        let skipped = match rest[at..].starts_with("Span { file") {
            true => rest[at..].find("end: ").and_then(|from| rest[at + from..].find(end).map(|to| from + to)),
            false => rest[at..].find(end),
        };
        rest = &rest[at + skipped.map_or(1, |skipped| skipped + end.len())..];
    }
    out.push_str(rest);
    out
}

pub fn tidy(_: &str, after: &str) -> Result<(), String> {
    let ends_well = after.is_empty() || (after.ends_with('\n') && !after.ends_with("\n\n"));
    if after.contains('\r') || after.starts_with(['\u{feff}', '\n']) || !ends_well {
        return Err("line ends, marks, or empty lines at the ends".into());
    }
    let mut script = false;
    let mut previous = "";
    for line in after.lines() {
        let closes = line.trim_start().starts_with("\"\"\"");
        if script && !closes {
            continue;
        }
        let code = line.split(" #").next().unwrap_or_default();
        script = !closes && code.trim_end().ends_with("\"\"\"");
        let indent = line.len() - line.trim_start().len();
        let opened = previous.trim_end().ends_with('{') && !previous.contains('#');
        let bad = line != line.trim_end()
            || line[..indent].contains('\t')
            || (line.is_empty() && (previous.is_empty() || opened))
            || (line.trim() == "}" && previous.is_empty());
        if bad {
            return Err(format!("{line:?} after {previous:?}"));
        }
        previous = line;
    }
    Ok(())
}

/// Everything wrong with what formatting made of a text.
pub fn broken(before: &str, after: &str) -> Vec<String> {
    let wrong = |(name, property): &(&str, Property)| {
        property(before, after).err().map(|why| format!("not so: {name}\n{why}"))
    };
    ALL.iter().filter_map(wrong).collect()
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

/// The program of a seed, and the rows it uses.
pub fn sample(seed: u64) -> (String, Vec<(schema::Context, &'static str)>) {
    let mut dice = Dice::new(seed);
    let program = generate::program(&mut dice);
    (layout::ugly(&program, &mut dice), program.rows)
}

#[derive(Default)]
struct Seen {
    rows: BTreeSet<(schema::Context, &'static str)>,
    kinds: BTreeSet<String>,
    without_errors: u64,
    bytes: usize,
}

/// Formats the program of a seed and holds the result against every property.
fn prove(seed: u64, seen: &mut Seen) {
    let (text, rows) = sample(seed);
    let after = match format(&text) {
        Ok(after) => after,
        Err(why) => panic!("seed {seed}: the program is refused: {why}\n{text}"),
    };
    let wrong = broken(&text, &after);
    assert!(wrong.is_empty(), "seed {seed}: {}\n--- text\n{text}\n--- formatted\n{after}", wrong.join("\n"));
    seen.rows.extend(rows);
    seen.bytes += text.len();
    seen.without_errors += u64::from(!checked(&after).1.lines().any(|line| line.starts_with('E')));
    let shown = format!("{:?}", read(&text).statements);
    for (at, _) in shown.match_indices("kind: ") {
        let word: String = shown[at + 6..].chars().take_while(|c| c.is_alphanumeric()).collect();
        seen.kinds.insert(word);
    }
}

#[test]
fn generated_programs_keep_all_that_they_say() {
    let (count, first) = (number("WFL_PROGRAMS", 2_000), number("WFL_SEED", 1));
    let parts = 2;
    let part = |part: u64| {
        let mut seen = Seen::default();
        (first..first + count).filter(|seed| seed % parts == part).for_each(|seed| prove(seed, &mut seen));
        seen
    };
    let seen: Vec<Seen> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..parts).map(|index| scope.spawn(move || part(index))).collect();
        all.into_iter()
            .map(|one| one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let clean: u64 = seen.iter().map(|seen| seen.without_errors).sum();
    let bytes: usize = seen.iter().map(|seen| seen.bytes).sum();
    println!(
        "{count} programs of {} bytes on average, {clean} without a finding of severity error",
        bytes as u64 / count.max(1)
    );
    if count < 2_000 {
        return;
    }
    assert!(clean * 5 >= count, "only {clean} of {count} programs mean something");
    let rows: BTreeSet<_> = seen.iter().flat_map(|seen| seen.rows.iter().copied()).collect();
    for row in schema::rows() {
        for context in row.contexts {
            assert!(
                rows.contains(&(*context, row.keyword)),
                "no program has `{}` {}",
                row.keyword,
                context.place()
            );
        }
    }
    let kinds: BTreeSet<&str> = seen.iter().flat_map(|seen| seen.kinds.iter().map(String::as_str)).collect();
    for kind in [
        "Word",
        "Literal",
        "Format",
        "Script",
        "List",
        "Comprehension",
        "Access",
        "Optional",
        "Spread",
        "And",
        "Or",
        "Not",
        "Compare",
        "Range",
        "Coalesce",
        "Arithmetic",
        "If",
    ] {
        assert!(kinds.contains(kind), "no program has an expression of kind {kind}: {kinds:?}");
    }
}

//! What formatting may never change, as functions of a text and what was made of it; and 2,000 programs that prove it.
//! `WFL_PROGRAMS=N` runs more, `WFL_SEED=N` begins elsewhere; a failure names its seed.

use std::collections::BTreeSet;

use wfl::base::FileId;
use wfl::load::{Loaded, Memory, Request, load};
use wfl::model::schema;
use wfl::syntax::pieces::{self, Piece, PieceKind};

use super::dice::Dice;
use super::{generate, layout};

/// A text with all that the properties compare, worked out once.
pub struct Side {
    pub text: String,
    /// What formatting makes of it.
    formatted: Result<String, String>,
    errors: Option<String>,
    comments: String,
    /// The statements without places.
    pub tree: String,
    /// The checked model without places, and the findings by code and message.
    model: String,
    pub findings: String,
}

impl Side {
    pub fn new(text: String) -> Side {
        let (tree, errors, model, findings) = checked(&text);
        let (comments, formatted) = (comments_of(&text), format(&text));
        Side { text, formatted, errors, comments, tree, model, findings }
    }
}

pub type Property = fn(&Side, &Side) -> Result<(), String>;

pub const PARSES: (&str, Property) = ("it has no errors of form", |_, after| match &after.errors {
    None => Ok(()),
    Some(error) => Err(error.clone()),
});
pub const STABLE: (&str, Property) = ("formatting it again changes nothing", |_, after| {
    equal(&after.text, after.formatted.as_ref().map_err(Clone::clone)?)
});
pub const COMMENTS: (&str, Property) =
    ("the comments are the same, in order", |before, after| equal(&before.comments, &after.comments));
pub const TREE: (&str, Property) = ("the tree is the same", |before, after| equal(&before.tree, &after.tree));
pub const MODEL: (&str, Property) = ("the checked model is the same", |before, after| {
    equal(&before.findings, &after.findings)?;
    equal(&before.model, &after.model)
});
pub const TIDY: (&str, Property) = ("it is tidy", |_, after| tidy(&after.text));

pub const ALL: [(&str, Property); 6] = [PARSES, STABLE, COMMENTS, TREE, MODEL, TIDY];

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

/// All comments, `##` lines that document a statement and those behind a script's quotes included.
fn comments_of(text: &str) -> String {
    let pieces = pieces::read(text.trim_start_matches('\u{feff}'));
    let comment = |piece: &Piece<'_>| match piece.kind {
        PieceKind::Comment { .. } => Some(format!("{}\n", piece.text)),
        PieceKind::Script => pieces::script(piece.text).comment.map(|text| format!("{text}\n")),
        _ => None,
    };
    pieces.iter().filter_map(comment).collect()
}

/// Tree, first error of form, model and findings.
fn checked(text: &str) -> (String, Option<String>, String, String) {
    let smoke = include_str!("../lang/shared/smoke.wfl");
    let files = Memory::default().with("/project/case.wfl", text).with("/project/shared/smoke.wfl", smoke);
    let request = Request { root: "/project".into(), cwd: "/project".into(), paths: vec!["case.wfl".into()] };
    let Loaded { sources, units, mut diagnostics, .. } = load(&request, &files);
    let tree = &units[0].tree;
    let error = diagnostics.iter().find(|found| found.span.file == tree.id && found.code.id < "E100");
    let error = error.map(|found| format!("{} {}", found.code.id, found.message));
    let shown = placeless(&format!("{:?}", tree.statements));
    let checked = wfl::model::check(&sources, &units);
    diagnostics.extend(checked.diagnostics);
    let found = wfl::diag::merge(diagnostics);
    let found = found.iter().map(|found| format!("{} {}\n", found.code.id, found.message)).collect();
    (shown, error, placeless(&format!("{:?}", checked.model)), found)
}

/// A debug text without spans and offsets.
fn placeless(text: &str) -> String {
    let text = without(&without(text, "Span { file: ", " }"), "line_offsets: [", "]");
    // Where each line of a script stands.
    without(&text, " lines: [", "]")
}

/// The text without all that stands from `open` to the next `close`; a nested pair does not occur but in `FileId(0)`.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut pieces = text.split(open);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str(piece.split_once(close).map_or("", |(_, rest)| rest));
    }
    out
}

fn tidy(after: &str) -> Result<(), String> {
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
pub fn broken(before: &Side, after: &Side) -> Vec<String> {
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
    let before = Side::new(text);
    let after = match &before.formatted {
        Ok(after) => Side::new(after.clone()),
        Err(why) => panic!("seed {seed}: the program is refused: {why}\n{}", before.text),
    };
    let wrong = broken(&before, &after);
    let (from, to) = (&before.text, &after.text);
    assert!(wrong.is_empty(), "seed {seed}: {}\n--- text\n{from}\n--- formatted\n{to}", wrong.join("\n"));
    seen.rows.extend(rows);
    seen.bytes += from.len();
    seen.without_errors += u64::from(!after.findings.lines().any(|line| line.starts_with('E')));
    for (at, _) in after.tree.match_indices("kind: ") {
        let word: String = after.tree[at + 6..].chars().take_while(|c| c.is_alphanumeric()).collect();
        if !seen.kinds.contains(&word) {
            seen.kinds.insert(word);
        }
    }
}

#[test]
fn generated_programs_keep_all_that_they_say() {
    let (count, first) = (number("WFL_PROGRAMS", 3_000), number("WFL_SEED", 1));
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

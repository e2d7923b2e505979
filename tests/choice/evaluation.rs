//! The rules against the three that the original system had, on its 575 real commits. The data is not part of this
//! repository: without it (`WFL_COMMITS`, else `../shared/data/commits.csv`) nothing is compared. With `WFL_BLESS=1` the
//! table in docs/lane-choice.md is written anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use wfl::embed::{Asked, Change, Project};

const ORIGINALS: [(&str, &str); 3] = [
    ("lane_detect_sh", "detect_lane.sh"),
    ("lane_autodetector", "LaneAutoDetector"),
    ("lane_recommender", "LaneRecommender"),
];
const LANES: [&str; 3] = ["docs", "standard", "heavy"];
const MARKS: (&str, &str) = ("<!-- evaluation -->\n", "<!-- end of evaluation -->\n");

type Row = BTreeMap<String, String>;

fn data() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/commits.csv");
    let path = std::env::var_os("WFL_COMMITS").map_or(beside, PathBuf::from);
    path.is_file().then_some(path)
}

/// One line's fields: quotes enclose commas, doubled they stand for themselves.
fn fields(line: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => found.push(String::new()),
            letter => found.last_mut().into_iter().for_each(|field| field.push(letter)),
        }
    }
    found
}

fn rows(text: &str) -> Vec<Row> {
    let mut lines = text.lines();
    let names = fields(lines.next().unwrap_or_default());
    lines.map(|line| names.iter().cloned().zip(fields(line)).collect()).collect()
}

/// Files of the kinds that the commit had: the data tells only how many.
fn files(row: &Row) -> Vec<String> {
    let kinds = [
        ("n_docs", "docs/guide{}.md"),
        ("n_code", "agent/part{}.py"),
        ("n_tests", "tests/test_part{}.py"),
        ("n_config", "config/part{}.toml"),
        ("n_infra", ".github/workflows/part{}.yml"),
        ("n_security", "agent/security/part{}.py"),
        ("n_other", "other/part{}.bin"),
    ];
    let count = |name: &str| row[name].parse::<usize>().unwrap_or(0);
    let named = |(name, form): (&str, &str)| -> Vec<String> {
        (0..count(name)).map(|index| form.replace("{}", &index.to_string())).collect()
    };
    kinds.into_iter().flat_map(named).collect()
}

fn chosen(project: &Project, row: &Row) -> String {
    let change = Change {
        files: Some(files(row)),
        message: Some(row["subject"].clone()),
        added: row["adds"].parse().ok(),
        deleted: row["dels"].parse().ok(),
        ..Change::default()
    };
    let asked = Asked { change, ..Asked::default() };
    project.choose(&asked).map_or("none".into(), |chosen| chosen.lane.name)
}

fn majority(row: &Row) -> Option<String> {
    let votes: Vec<&String> = ORIGINALS.iter().map(|(column, _)| &row[*column]).collect();
    let twice = |vote: &&&String| votes.iter().filter(|other| *other == *vote).count() > 1;
    votes.iter().find(twice).map(|vote| vote.to_string())
}

/// Ours against theirs, commit by commit.
struct Table {
    name: String,
    pairs: Vec<(String, String)>,
}

impl Table {
    fn count(&self, theirs: &str, ours: &str) -> usize {
        self.pairs.iter().filter(|(their, our)| their == theirs && our == ours).count()
    }

    fn agreed(&self) -> usize {
        self.pairs.iter().filter(|(their, our)| their == our).count()
    }

    fn show(&self, text: &mut String) {
        let (agreed, all) = (self.agreed(), self.pairs.len());
        let share = 100.0 * agreed as f64 / all.max(1) as f64;
        let _ = writeln!(text, "\n**{}**: {agreed} of {all} agree ({share:.1} %).\n", self.name);
        let _ = writeln!(
            text,
            "| it says ↓, wfl says → | docs | standard | heavy | no change |\n|---|---|---|---|---|"
        );
        for theirs in LANES {
            let cells =
                ["docs", "standard", "heavy", "none"].map(|ours| self.count(theirs, ours).to_string());
            let _ = writeln!(text, "| {theirs} | {} |", cells.join(" | "));
        }
    }
}

fn tables(rows: &[Row], ours: &[String]) -> Vec<Table> {
    let pairs = |theirs: &dyn Fn(&Row) -> Option<String>| -> Vec<(String, String)> {
        rows.iter().zip(ours).filter_map(|(row, our)| Some((theirs(row)?, our.clone()))).collect()
    };
    let mut tables: Vec<Table> = ORIGINALS
        .iter()
        .map(|(column, name)| Table { name: (*name).into(), pairs: pairs(&|row| Some(row[*column].clone())) })
        .collect();
    tables.push(Table { name: "their majority, where there is one".into(), pairs: pairs(&majority) });
    tables
}

fn report(rows: &[Row], ours: &[String]) -> String {
    let count = |lane: &str| ours.iter().filter(|our| *our == lane).count();
    let any = |(row, our): &(&Row, &String)| ORIGINALS.iter().any(|(column, _)| row[*column] == **our);
    let mut text = format!(
        "{} commits: {} docs, {} standard, {} heavy, {} without a change.\n\
         At least one of the three says the same for {} of them.\n",
        rows.len(),
        count("docs"),
        count("standard"),
        count("heavy"),
        count("none"),
        rows.iter().zip(ours).filter(any).count(),
    );
    tables(rows, ours).iter().for_each(|table| table.show(&mut text));
    disagreements(rows, ours, &mut text);
    text
}

/// What a commit may have about it.
type Mark<'a> = (&'a str, &'a dyn Fn(&Row) -> bool);

/// What the commits have in common on which the majority says something else.
fn disagreements(rows: &[Row], ours: &[String], text: &mut String) {
    let count = |row: &Row, names: &[&str]| -> usize {
        names.iter().map(|name| row[*name].parse::<usize>().unwrap_or(0)).sum()
    };
    let marks: [Mark<'_>; 5] = [
        ("> 20 files", &|row| count(row, &["files"]) > 20),
        ("> 500 lines added", &|row| count(row, &["adds"]) > 500),
        ("> 5 code or > 3 test files", &|row| count(row, &["n_code"]) > 5 || count(row, &["n_tests"]) > 3),
        ("pipeline and code", &|row| count(row, &["n_infra"]) > 0 && count(row, &["n_code", "n_tests"]) > 0),
        ("no file", &|row| count(row, &["files"]) == 0),
    ];
    let heads: Vec<&str> = marks.iter().map(|(name, _)| *name).collect();
    let _ = writeln!(
        text,
        "\n| wfl | majority | commits | {} |\n|---|---|---|{}",
        heads.join(" | "),
        "---|".repeat(marks.len())
    );
    let mut cells: BTreeMap<(String, String), Vec<&Row>> = BTreeMap::new();
    for (row, our) in rows.iter().zip(ours) {
        if let Some(their) = majority(row).filter(|their| their != our) {
            cells.entry((our.clone(), their)).or_default().push(row);
        }
    }
    for ((our, their), rows) in cells {
        let counts: Vec<String> =
            marks.iter().map(|(_, holds)| rows.iter().filter(|row| holds(row)).count().to_string()).collect();
        let _ = writeln!(text, "| {our} | {their} | {} | {} |", rows.len(), counts.join(" | "));
    }
}

#[test]
fn the_rules_agree_with_the_originals_as_the_page_says() {
    let Some(path) = data() else { return };
    let rows = rows(&fs::read_to_string(path).expect("the commits"));
    assert_eq!(rows.len(), 575);
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join(".wfl")).expect("a folder");
    fs::write(folder.path().join(".wfl/lanes.wfl"), super::LANES).expect("the lanes");
    let project = Project::open(folder.path()).expect("a project");
    let ours: Vec<String> = rows.iter().map(|row| chosen(&project, row)).collect();
    let found = report(&rows, &ours);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/lane-choice.md");
    let text = fs::read_to_string(&page).expect("the page");
    let (before, rest) = text.split_once(MARKS.0).expect("where the table begins");
    let (told, after) = rest.split_once(MARKS.1).expect("where the table ends");
    if std::env::var_os("WFL_BLESS").is_some() {
        fs::write(&page, format!("{before}{}{found}{}{after}", MARKS.0, MARKS.1)).expect("the page");
    } else {
        assert_eq!(told, found, "WFL_BLESS=1 writes docs/lane-choice.md anew");
    }
    let agreed = tables(&rows, &ours)[3].agreed();
    assert!(agreed * 100 >= 85 * 562, "{agreed} of 562 agree with the majority");
}

/// A rule set that says `standard` to all would agree with the majority in a fifth of the commits only.
#[test]
fn the_comparison_tells_good_rules_from_bad_ones() {
    let Some(path) = data() else { return };
    let rows = rows(&fs::read_to_string(path).expect("the commits"));
    let blind: Vec<String> = rows.iter().map(|_| "standard".to_string()).collect();
    let agreed = tables(&rows, &blind)[3].agreed();
    assert!(agreed * 100 < 30 * 562, "{agreed}");
}

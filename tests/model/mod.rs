//! `wfl model` as its users meet it: logs of other systems, the project's own history, and files that say little.

mod bad;
mod card;
mod logs;
mod own;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::faults::subject::Subject;

/// Rows `case,activity,timestamp,kind`: what comes depends on the kind and on the two steps before, one time in twenty it
/// is chance.
fn process(cases: usize, seed: u64) -> String {
    let mut draw = StdRng::seed_from_u64(seed);
    let mut text = String::from("case,activity,timestamp,kind\n");
    for case in 0..cases {
        let kind = ["small", "large"][usize::from(draw.random_bool(0.5))];
        let way: &[&str] = match kind {
            "small" => &["plan", "build", "test", "ship"],
            _ => &["plan", "review", "build", "review", "test", "sign", "ship"],
        };
        for (at, step) in way.iter().enumerate() {
            let step = if draw.random_bool(0.05) { "wait" } else { step };
            let minute = case * 30 + at * 7;
            let (day, hour, minute) = (1 + minute / 1440, minute / 60 % 24, minute % 60);
            let (month, day) = (1 + day / 28, 1 + day % 28);
            text.push_str(&format!(
                "c{case},{step},2025-{month:02}-{day:02}T{hour:02}:{minute:02}:00Z,{kind}\n"
            ));
        }
    }
    text
}

/// Builds that fail more often when they are large, `failed` at the end; shuffled, `failed` has nothing to do with them.
fn builds(rows: usize, shuffled: bool) -> String {
    let mut draw = StdRng::seed_from_u64(7);
    let mut text = String::from("build,started_at,churn,kind,failed\n");
    for row in 0..rows {
        let (large, code) = (draw.random_bool(0.4), draw.random_bool(0.6));
        let churn = if large { draw.random_range(500..900) } else { draw.random_range(0..90) };
        let chance =
            if shuffled { 0.25 } else { 0.03 + 0.35 * f64::from(large) + 0.3 * f64::from(large && code) };
        let failed = u8::from(draw.random_bool(chance));
        let (day, hour) = (1 + row / 24 % 28, row % 24);
        let month = 1 + row / 24 / 28;
        let kind = if code { "code" } else { "docs" };
        text.push_str(&format!("{row},2025-{month:02}-{day:02}T{hour:02}:00:00Z,{churn},{kind},{failed}\n"));
    }
    text
}

fn with_log(text: &str) -> Subject {
    let subject = Subject::new();
    subject.write("log.csv", text);
    subject
}

//! `wfl explain`: which stages a change needs, or what a diagnostic code means.

use serde_json::json;

use crate::cli::args::{Explain, Format};
use crate::cli::cmd::run::{change, settings};
use crate::cli::exit::Code;
use crate::cli::ledger;
use crate::cli::output::{Terminal, table};
use crate::diag::codes::{self, Code as Row};
use crate::diag::page;
use crate::embed::{self, Asked, Error, LaneVerdict, Project};
use crate::history::History;
use crate::insight::Advice;
use crate::observe::style::elapsed;

pub fn run(args: &Explain, terminal: &Terminal) -> Result<Code, Error> {
    if let Some(word) = args.target.as_deref().filter(|word| is_code(word)) {
        return page(word, args.format, terminal);
    }
    let project = Project::for_target(args.target.as_deref())?;
    let asked = Asked {
        target: args.target.clone(),
        lane: None,
        set: settings(&args.set)?,
        change: change(&args.change),
    };
    let planned = project.outline(&asked)?;
    let store = project.history()?;
    let advice = embed::advise(
        &planned,
        store.as_ref().map(|store| store as &dyn History),
        crate::insight::Effort::Usual,
    )?;
    let rules = project.verdicts(&asked)?;
    match args.format {
        Format::Json => {
            let mut json = json_of(&advice, &rules);
            json["ledger"] = json!(project.ledger(Some(&advice.lane))?);
            terminal.json(&json);
        }
        Format::Human => {
            let named = args.target.as_deref().is_some_and(|target| !target.ends_with(".wfl"));
            let rules = if named { String::new() } else { rules_text(&rules, &advice.lane) };
            let so_far = ledger::lines(&project.ledger(Some(&advice.lane))?);
            terminal.data(&format!("{}{so_far}{rules}", text(&advice)));
        }
    }
    Ok(Code::Ok)
}

/// `E401`, `w110`; a lane may be named anything else. The name of a code counts too.
fn is_code(word: &str) -> bool {
    let mut chars = word.chars();
    let letter = chars.next().is_some_and(|first| "EWIewi".contains(first));
    let digits = chars.as_str();
    (letter && digits.len() == 3 && digits.chars().all(|c| c.is_ascii_digit())) || codes::find(word).is_some()
}

fn page(word: &str, format: Format, terminal: &Terminal) -> Result<Code, Error> {
    let Some(row) = codes::find(word) else {
        return Err(Error::refused(
            format!("there is no code {word}"),
            "codes are shown by `wfl check`, as in error[E401]",
        ));
    };
    match format {
        Format::Json => terminal.json(&code_json(row)),
        Format::Human => {
            terminal.data(&format!("{}[{}] {}\n\n{}", row.severity, row.id, row.name, page::plain(row.page)))
        }
    }
    Ok(Code::Ok)
}

fn code_json(row: &Row) -> serde_json::Value {
    json!({ "code": row.id, "name": row.name, "severity": row.severity.to_string(), "page": row.page })
}

fn json_of(advice: &Advice, rules: &[LaneVerdict]) -> serde_json::Value {
    let mut advice = json!(advice);
    advice["rules"] = json!(rules);
    advice
}

/// Each rule of the lanes that were chosen among, and what it says.
fn rules_text(rules: &[LaneVerdict], chosen: &str) -> String {
    if rules.is_empty() {
        return String::new();
    }
    // What stands after the chosen lane was not asked any more.
    let decided = rules.iter().rposition(|rule| rule.lane == chosen).unwrap_or(rules.len());
    let rows: Vec<Vec<String>> = (0..)
        .zip(rules)
        .map(|(place, rule): (usize, &LaneVerdict)| {
            let word = match rule.holds {
                Some(true) if place > decided => "yes, too late",
                Some(true) => "yes",
                Some(false) => "no",
                None => "unknown",
            };
            vec![rule.lane.clone(), word.into(), rule.words()]
        })
        .collect();
    format!("rules, the first lane with a yes is chosen:\n{}", table(&rows))
}

fn text(advice: &Advice) -> String {
    let rows: Vec<Vec<String>> = advice
        .stages
        .iter()
        .map(|stage| {
            let word = if stage.keep { "keep" } else { "leave" };
            let chance = format!("{:.0} %", stage.probability * 100.0);
            vec![word.into(), stage.name.clone(), chance, stage.reasons.join("; ")]
        })
        .collect();
    format!(
        "lane {}: {}\n{}\n{}confidence {:.2}: {}\nestimate: {}\n",
        advice.lane,
        advice.chosen_by,
        format_args!("recommended: {}", advice.recommended.join(", ")),
        table(&rows),
        advice.confidence,
        advice.basis,
        estimate(advice)
    )
}

fn estimate(advice: &Advice) -> String {
    let time = |seconds: f64| elapsed((seconds * 1000.0) as u64);
    match (advice.estimate.seconds, advice.estimate.low, advice.estimate.high) {
        (Some(about), Some(low), Some(high)) => {
            format!("{} (80 %: {} to {})", time(about), time(low), time(high))
        }
        (Some(about), ..) => format!("{} (too few runs for an interval)", time(about)),
        _ => "no history yet".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_their_names_are_told_from_lanes() {
        assert!(is_code("E401") && is_code("w110") && is_code("output-not-produced"));
        assert!(!is_code("hotfix") && !is_code("E4") && !is_code("e4x1"));
    }
}

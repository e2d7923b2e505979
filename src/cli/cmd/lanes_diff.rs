//! `wfl lanes diff A B`: which gates and stages did B drop?

use serde_json::{Value, json};

use crate::cli::args::Format;
use crate::cli::exit::Code;
use crate::cli::output::{Terminal, table};
use crate::embed::{Difference, Error, LaneChange, Member, Project, Setting};
use crate::observe::style::one_line;

pub fn run(
    project: &Project,
    (from, to): (&str, &str),
    format: Format,
    terminal: &Terminal,
) -> Result<Code, Error> {
    let difference = project.lanes_differ(from, to)?;
    match format {
        Format::Json => terminal.json(&json_of(&difference)),
        Format::Human => terminal.data(&text(&difference)),
    }
    Ok(Code::Ok)
}

fn json_of(difference: &Difference) -> Value {
    let member = |member: &Member| json!({ "name": member.name, "gate": member.gate, "place": member.place });
    let members = |list: &[Member]| list.iter().map(member).collect::<Vec<_>>();
    let side = |setting: &Option<Setting>| {
        setting.as_ref().map(|setting| json!({ "value": setting.value, "place": setting.place }))
    };
    let changed = difference.changed.iter().map(|change| {
        json!({
            "member": (!change.member.is_empty()).then_some(&change.member),
            "keyword": change.keyword,
            "from": side(&change.from),
            "to": side(&change.to),
        })
    });
    let waived = difference.waived.iter().map(|(gate, reason)| {
        json!({ "name": gate.name, "gate": gate.gate, "place": gate.place, "reason": reason })
    });
    json!({
        "from": difference.from,
        "to": difference.to,
        "dropped": members(&difference.dropped),
        "added": members(&difference.added),
        "waived": waived.collect::<Vec<_>>(),
        "changed": changed.collect::<Vec<_>>(),
    })
}

fn text(difference: &Difference) -> String {
    let Difference { from, to, dropped, added, waived, changed } = difference;
    let nothing = dropped.is_empty() && added.is_empty() && waived.is_empty() && changed.is_empty();
    if nothing {
        return format!("{from} and {to} hold the same\n");
    }
    let row = |mark: &str, member: &Member, word: String| {
        vec![mark.to_string(), kind(member), member.name.clone(), word, member.place.clone()]
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    rows.extend(dropped.iter().map(|member| row("-", member, "dropped".into())));
    rows.extend(
        waived.iter().map(|(gate, reason)| row("~", gate, format!("skipped: {}", one_line(reason, 60)))),
    );
    rows.extend(added.iter().map(|member| row("+", member, "added".into())));
    // Gates first: they are what the question is about.
    rows.sort_by_key(|row| (row[0] == "+", row[1] != "gate"));
    let mut out = format!("{from} -> {to}\n{}", table(&rows));
    out.extend(changed.iter().map(line));
    out
}

fn kind(member: &Member) -> String {
    if member.gate { "gate" } else { "stage" }.to_string()
}

fn line(change: &LaneChange) -> String {
    let whose = if change.member.is_empty() { String::new() } else { format!("{} ", change.member) };
    let value = |setting: &Option<Setting>| match setting {
        Some(setting) => one_line(&setting.value, 60),
        None => "not set".to_string(),
    };
    let place = change.to.as_ref().or(change.from.as_ref()).map(|setting| setting.place.as_str());
    let (from, to) = (value(&change.from), value(&change.to));
    format!("~ {whose}{}: {from} -> {to}  ({})\n", change.keyword, place.unwrap_or_default())
}

//! `wfl show LANE --resolved`: what a lane holds, and with `--origin` which line set each value.

use serde_json::{Value, json};

use crate::cli::args::{Format, Show};
use crate::cli::exit::Code;
use crate::cli::output::{Terminal, table};
use crate::embed::{Error, Member, Origin, Project, Setting};
use crate::observe::style::one_line;

pub fn run(args: &Show, terminal: &Terminal) -> Result<Code, Error> {
    let origin = Project::for_target(Some(&args.run))?.origin(&args.run)?;
    match args.format {
        Format::Json => terminal.json(&json_of(&origin)),
        Format::Human => terminal.data(&text(&origin, args.origin)),
    }
    Ok(Code::Ok)
}

fn json_of(origin: &Origin) -> Value {
    let setting = |setting: &Setting| json!({ "keyword": setting.keyword, "value": setting.value, "place": setting.place, "by": setting.by });
    let settings = |list: &[Setting]| list.iter().map(setting).collect::<Vec<_>>();
    let member = |member: &Member| {
        json!({
            "name": member.name,
            "gate": member.gate,
            "place": member.place,
            "waived": member.waived,
            "settings": settings(&member.settings),
        })
    };
    json!({
        "lane": origin.lane,
        "place": origin.place,
        "settings": settings(&origin.settings),
        "stages": origin.members.iter().map(member).collect::<Vec<_>>(),
    })
}

fn text(origin: &Origin, places: bool) -> String {
    let mut out = head("lane", &origin.lane, &origin.place, places);
    out.push_str(&table(&rows(&origin.settings, places)));
    for member in &origin.members {
        let kind = if member.gate { "gate" } else { "stage" };
        out.push('\n');
        out.push_str(&head(kind, &member.name, &member.place, places));
        if let Some(reason) = &member.waived {
            out.push_str(&format!("  skipped in this lane: {reason}\n"));
        }
        out.push_str(&table(&rows(&member.settings, places)));
    }
    out
}

fn head(kind: &str, name: &str, place: &str, places: bool) -> String {
    if places { format!("{kind} {name}  ({place})\n") } else { format!("{kind} {name}\n") }
}

fn rows(settings: &[Setting], places: bool) -> Vec<Vec<String>> {
    let row = |setting: &Setting| {
        let mut row = vec![format!("  {}", setting.keyword), one_line(&setting.value, 70)];
        if places {
            row.push(setting.place.clone());
            row.push(setting.by.clone().unwrap_or_default());
        }
        row
    };
    settings.iter().map(row).collect()
}

//! `wfl errors`: failures by what they have in common, how often each was seen, what helped, and what people know of it.

use jiff::Zoned;
use serde_json::{Value, json};

use crate::base::Timestamp;
use crate::cli::args::{Errors, ErrorsAction, Format, Note};
use crate::cli::exit::Code;
use crate::cli::output::{Terminal, table};
use crate::cli::since;
use crate::embed::Error;
use crate::embed::errors::{self, Failures, Known, SeenIn};
use crate::failure::odds::Odds;
use crate::failure::{Remedy, Tally, Verdict};
use crate::observe::failures::{LEVEL, share};
use crate::observe::style::{counted, one_line};

/// Failures listed to a person unless asked for more.
const LISTED: usize = 50;

pub fn run(args: &Errors, terminal: &Terminal) -> Result<Code, Error> {
    match &args.action {
        None => list(args, terminal),
        Some(ErrorsAction::Show { signature }) => show(signature, args.format, terminal),
        Some(ErrorsAction::Note(note)) => write(note, args.format, terminal),
        Some(ErrorsAction::Forget { signature, .. }) => forget(signature.as_deref(), args.format, terminal),
    }
}

fn list(args: &Errors, terminal: &Terminal) -> Result<Code, Error> {
    let human = args.format == Format::Human;
    let wanted = Failures {
        since: args.since.as_deref().map(time).transpose()?,
        lane: args.lane.clone(),
        limit: args.limit.or(human.then_some(LISTED)),
    };
    let found = errors::failures(&wanted)?;
    if !human {
        terminal.json(&json!(
            found.iter().map(|(tally, remedies)| one_json(tally, remedies)).collect::<Vec<_>>()
        ));
    } else if found.is_empty() {
        terminal.say("no failures were seen yet");
    } else {
        let rows: Vec<Vec<String>> = found.iter().map(|(tally, remedies)| row(tally, remedies)).collect();
        terminal.data(&table(&rows));
    }
    Ok(Code::Ok)
}

fn time(text: &str) -> Result<Timestamp, Error> {
    since::parse(text, &Zoned::now()).map(Timestamp).ok_or_else(|| {
        Error::refused(
            format!("`{text}` is no time"),
            "write `7d` for so long ago, a date such as `2026-11-21`, or a time of day such as `08:00`",
        )
    })
}

fn row(tally: &Tally, remedies: &[Remedy]) -> Vec<String> {
    let helped: Vec<String> = remedies
        .iter()
        .map(|remedy| match remedy.name.as_str() {
            "retry" => format!("retry {}", share(&tally.odds(tally.lasting()))),
            name => format!("{name} {} of {}", remedy.helped, remedy.tried),
        })
        .collect();
    vec![
        tally.signature.clone(),
        format!("{}x", tally.seen),
        counted(tally.runs as usize, "run"),
        tally.last.local(),
        tally.verdict.map_or_else(|| tally.lasting().word(), Verdict::word).to_owned(),
        tally.program.clone(),
        if helped.is_empty() { "never retried".to_owned() } else { helped.join(", ") },
        one_line(&tally.text, 80),
    ]
}

fn show(word: &str, format: Format, terminal: &Terminal) -> Result<Code, Error> {
    let known = errors::failure(word)?;
    match format {
        Format::Json => {
            let mut shown = one_json(&known.tally, &known.remedies);
            shown["seen_in"] = json!(known.seen_in.iter().map(seen_json).collect::<Vec<_>>());
            terminal.json(&shown);
        }
        Format::Human => terminal.data(&text(&known)),
    }
    Ok(Code::Ok)
}

fn text(known: &Known) -> String {
    let tally = &known.tally;
    let line = |name: &str, value: String| vec![name.to_owned(), value];
    let mut head = vec![
        line("signature", tally.signature.clone()),
        line("failure", tally.text.clone()),
        line("program", tally.program.clone()),
        line("class", tally.class.map_or("", |class| class.word()).to_owned()),
        line("lasting", tally.lasting().word().to_owned()),
        line("seen", format!("{}x in {}", tally.seen, counted(tally.runs as usize, "run"))),
        line("first", tally.first.local()),
        line("last", tally.last.local()),
    ];
    head.retain(|line| !line[1].is_empty());
    let odds = tally.odds(tally.lasting());
    if tally.retried > 0 {
        let next = format!("{:.0} % expected of the next", odds.mean() * 100.0);
        let stop = if odds.is_hopeless() { "; not worth its time" } else { "" };
        head.push(line("retry", format!("helped {}; {next}{stop}", share(&odds))));
    }
    for remedy in known.remedies.iter().filter(|remedy| remedy.name != "retry") {
        let odds = Odds::new(remedy.tried, remedy.helped, crate::event::Lasting::Unknown);
        head.push(line(&remedy.name, format!("helped {}", share(&odds))));
    }
    head.extend(tally.verdict.map(|verdict| line("marked", verdict.word().to_owned())));
    head.extend(tally.note.clone().map(|note| line("note", note)));
    let seen = |seen: &SeenIn| {
        vec![
            seen.run.clone(),
            seen.lane.clone(),
            seen.stage.clone(),
            seen.started.local(),
            format!("{}x", seen.seen),
        ]
    };
    format!("{}\n{}", table(&head), table(&known.seen_in.iter().map(seen).collect::<Vec<_>>()))
}

fn write(note: &Note, format: Format, terminal: &Terminal) -> Result<Code, Error> {
    let verdict = match (note.permanent, note.transient) {
        (true, _) => Some(Verdict::Permanent),
        (_, true) => Some(Verdict::Transient),
        _ => None,
    };
    let tally = match note.clear {
        true => errors::clear(&note.signature)?,
        false => errors::note(&note.signature, note.text.as_deref(), verdict)?,
    };
    match format {
        Format::Json => terminal.json(&one_json(&tally, &[])),
        Format::Human => {
            let marked = tally.verdict.map(|verdict| format!(" as {}", verdict.word())).unwrap_or_default();
            let note = tally.note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
            terminal.say(&format!("{} is noted{marked}{note}", tally.signature));
        }
    }
    Ok(Code::Ok)
}

fn forget(word: Option<&str>, format: Format, terminal: &Terminal) -> Result<Code, Error> {
    let count = errors::forget(word)?;
    match format {
        Format::Json => terminal.json(&json!({ "forgotten": count })),
        Format::Human => terminal.say(&format!("forgot {}", counted(count, "failure"))),
    }
    Ok(Code::Ok)
}

fn one_json(tally: &Tally, remedies: &[Remedy]) -> Value {
    json!({
        "signature": tally.signature,
        "class": tally.class,
        "lasting": tally.lasting(),
        "program": tally.program,
        "text": tally.text,
        "seen": tally.seen,
        "runs": tally.runs,
        "first": tally.first.rfc3339(),
        "last": tally.last.rfc3339(),
        "retry": odds_json(&tally.odds(tally.lasting())),
        "remedies": remedies.iter().map(remedy_json).collect::<Vec<_>>(),
        "verdict": tally.verdict.map(Verdict::word),
        "note": tally.note,
    })
}

fn odds_json(odds: &Odds) -> Value {
    let (low, high) = odds.interval(LEVEL);
    json!({
        "tried": odds.tried,
        "helped": odds.helped,
        "expected": odds.mean(),
        "low": low,
        "high": high,
        "hopeless": odds.is_hopeless(),
    })
}

fn remedy_json(remedy: &Remedy) -> Value {
    json!({ "remedy": remedy.name, "tried": remedy.tried, "helped": remedy.helped })
}

fn seen_json(seen: &SeenIn) -> Value {
    json!({
        "run": seen.run,
        "lane": seen.lane,
        "stage": seen.stage,
        "started": seen.started.rfc3339(),
        "seen": seen.seen,
    })
}

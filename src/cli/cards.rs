//! Model cards as text: what advice on a lane rests on, how it did, what it cannot know. Works no figure out.

use crate::embed::model::{Cards, LaneCard};
use crate::insight::card::{Bin, Card, ENOUGH, Judged};
use crate::insight::ledger::Ledger;
use crate::observe::Style;
use crate::observe::style::{Ink, counted};

use super::ledger;
use super::output::table;
use super::scores::{grouped, percent};

/// Characters of the longest bar.
const BAR: f64 = 24.0;

pub fn text(cards: &Cards, style: Style) -> String {
    let all: Vec<String> = cards.lanes.iter().map(|card| one(card, style)).collect();
    all.join("\n")
}

fn one(lane: &LaneCard, style: Style) -> String {
    let card = &lane.card;
    let mut out = format!("{}\n", style.paint(Ink::Bold, &format!("lane {}", card.lane)));
    for (head, lines) in [
        ("learned from", trained(card)),
        ("kept", kept(card)),
        ("how it did", scores(card)),
        ("what was promised, and what came", calibration(&card.calibration, style)),
        ("advice taken so far", taken(&lane.ledger)),
        ("what it cannot know", card.limits.clone()),
    ] {
        out.push_str(&format!("{head}\n"));
        lines.iter().for_each(|line| out.push_str(&format!("  {line}\n")));
    }
    if let Some(needs) = &card.needs {
        out.push_str(&format!("what it needs\n  {needs}.\n"));
    }
    out
}

fn trained(card: &Card) -> Vec<String> {
    let on = &card.trained_on;
    let day =
        |time: &Option<String>| time.as_deref().unwrap_or_default().chars().take(10).collect::<String>();
    let mut lines = vec![format!(
        "{}, {} to {}: {} of {} ended, {} found something",
        counted(on.runs, "run"),
        day(&on.since),
        day(&on.until),
        counted(on.stage_ends, "execution"),
        counted(on.stages, "stage"),
        grouped(on.failures as u64)
    )];
    if on.imported > 0 {
        lines.push(format!("{} of the runs came from other machines or programs", on.imported));
    }
    if on.projects > 1 {
        lines.push(format!(
            "they are of {} projects: what is true of one need not be of another",
            on.projects
        ));
    }
    lines.extend(on.left_out.iter().map(|left| format!("of {}, {}", counted(left.runs, "run"), left.why)));
    lines
}

fn kept(card: &Card) -> Vec<String> {
    let mut lines = match &card.stored {
        None => vec!["nothing yet: it is worked out when advice is first asked for".to_string()],
        Some(stored) => vec![format!(
            "version {}, worked out at {} from {} ({} bytes), {} learned since{}",
            stored.version,
            stored.fitted,
            counted(stored.runs as usize, "run"),
            grouped(stored.bytes as u64),
            counted(stored.updates as usize, "run"),
            if stored.old { "; it is old and will be worked out again" } else { "" }
        )],
    };
    lines.push(card.refit.clone());
    lines
}

fn scores(card: &Card) -> Vec<String> {
    let rows: Vec<Vec<String>> = [("held out", card.held_out), ("run by run", card.prequential)]
        .into_iter()
        .filter_map(|(name, judged)| Some(judged_rows(name, &judged?)))
        .flatten()
        .collect();
    let head = ["risk that a stage finds something", "AUC", "Brier", "ECE", "n", "failures"];
    let mut lines = match rows.is_empty() {
        true => vec![format!("no figure: at least {ENOUGH} runs are needed to hold some back")],
        false => {
            let rows = [vec![head.map(str::to_string).to_vec()], rows].concat();
            table(&rows).lines().map(str::to_string).collect()
        }
    };
    lines.extend(card.held_out.or(card.prequential).map(|judged| verdict(&judged)));
    lines.extend(card.needed.map(|needed| {
        format!(
            "which stages a change needs: right in {}; always the usual answer: {} ({} answers). {}",
            percent(needed.model),
            percent(needed.constant),
            grouped(needed.n as u64),
            if needed.model <= needed.constant + 0.005 {
                "It knows no more than the usual answer."
            } else {
                ""
            }
        )
        .trim_end()
        .to_string()
    }));
    lines
}

fn taken(ledger: &Ledger) -> Vec<String> {
    match ledger.offered() {
        0 => {
            vec!["none: no run was started with `--recommended` where advice left something out".to_string()]
        }
        _ => ledger::lines(ledger).lines().map(|line| line.trim().to_string()).collect(),
    }
}

fn judged_rows(name: &str, judged: &Judged) -> [Vec<String>; 2] {
    let row = |name: String, score: &crate::learn::measure::ChanceScore, failures: String| {
        let auc = score.auc.map_or_else(|| "none".to_string(), |auc| format!("{auc:.3}"));
        vec![
            name,
            auc,
            format!("{:.3}", score.brier),
            format!("{:.3}", score.ece),
            grouped(score.n),
            failures,
        ]
    };
    [
        row(format!("{name}: model"), &judged.model, grouped(judged.failures)),
        row(format!("{name}: each stage's own rate"), &judged.rate, String::new()),
    ]
}

fn verdict(judged: &Judged) -> String {
    let less = (1.0 - judged.model.brier / judged.rate.brier.max(1e-9)) * 100.0;
    match judged.failures {
        0 => "nothing failed where it was judged: how well it foresees failures is not known".to_string(),
        _ if less > 1.0 => format!("its squared error is {less:.0} % below that of each stage's own rate"),
        _ => "knowing the change makes it no better than each stage's own rate".to_string(),
    }
}

fn calibration(bins: &[Bin], style: Style) -> Vec<String> {
    let (full, empty) = if style.unicode { ('█', '·') } else { ('#', '.') };
    let bar = |share: f64| {
        let filled = (share * BAR).round() as usize;
        (0..BAR as usize).map(|place| if place < filled { full } else { empty }).collect::<String>()
    };
    let row = |bin: &Bin| {
        vec![
            format!("{:.0} to {:.0} %", bin.from * 100.0, bin.to * 100.0),
            format!("promised {}", percent(bin.promised)),
            format!("came {}", percent(bin.came)),
            bar(bin.came),
            format!("{} times", grouped(bin.count)),
        ]
    };
    if bins.is_empty() {
        return vec!["no prediction was made yet".to_string()];
    }
    table(&bins.iter().map(row).collect::<Vec<_>>()).lines().map(str::to_string).collect()
}

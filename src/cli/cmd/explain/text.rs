//! Advice for a person: what is recommended, what it saves and risks, and of each stage why. Works nothing out.

use crate::cli::output::Terminal;
use crate::insight::explain::{Interval, StageAdvice};
use crate::insight::{Advice, Effort, Validation};
use crate::observe::style::{Ink, counted, elapsed};

/// A constant answer that is right so often leaves a model nothing to show.
const CONSTANT: f64 = 0.99;

/// All of it, without the lane's rules.
pub fn text(advice: &Advice, terminal: &Terminal) -> String {
    let width = terminal.width.clamp(40, 100);
    let mut lines = vec![format!("lane {}: {}", advice.lane, advice.chosen_by), recommended(advice)];
    lines.push(format!("confidence {:.2}: {}", advice.confidence, advice.basis));
    lines.push(format!("estimate: {}", estimate(advice)));
    lines.extend(risk(advice));
    lines.extend(advice.validation.as_ref().map(|found| threshold(found, advice.effort)));
    lines.extend(quality(advice));
    lines.extend(needed_later(advice));
    lines.extend(advice.regressions.iter().map(|one| one.words(&|ms| elapsed(ms))));
    let head: String = lines.iter().map(|line| wrapped(line, "", "  ", width)).collect();
    let body: String = stages(advice, terminal, width);
    format!("{head}\n{body}")
}

fn recommended(advice: &Advice) -> String {
    let all = advice.stages.len();
    match advice.recommended.len() {
        0 => "recommended: nothing".into(),
        kept if kept == all => format!("recommended: all {}", counted(all, "stage")),
        _ => format!("recommended: {}", advice.recommended.join(", ")),
    }
}

fn estimate(advice: &Advice) -> String {
    let own = about(advice.estimate.seconds, advice.estimate.low, advice.estimate.high);
    match advice.saved_seconds.filter(|saved| *saved >= 0.001) {
        Some(saved) => format!("{own}, {} less than all that the lane's rules keep", time(saved)),
        None => own,
    }
}

fn about(seconds: Option<f64>, low: Option<f64>, high: Option<f64>) -> String {
    match (seconds, low, high) {
        (Some(about), Some(low), Some(high)) => {
            format!("{} (80 %: {} to {})", time(about), time(low), time(high))
        }
        (Some(about), ..) => format!("{} (too few runs for an interval)", time(about)),
        _ => "no history yet".into(),
    }
}

pub fn time(seconds: f64) -> String {
    elapsed((seconds * 1000.0) as u64)
}

fn risk(advice: &Advice) -> Option<String> {
    let left = advice.stages.iter().filter(|stage| stage.decided.by_history());
    let count = left.count();
    let which = if count == 1 { "the stage" } else { "one of the stages" };
    (count > 0).then(|| {
        format!("risked: {} that {which} left out by history would have failed", percent(advice.risked))
    })
}

fn threshold(found: &Validation, effort: Effort) -> String {
    let name = if effort == Effort::Safe { "--safe" } else { "--fast" };
    if let Some(refused) = &found.refused {
        return format!("{name} leaves nothing more out: {refused}");
    }
    let (Some(limit), Some(recall)) = (found.threshold, found.recall) else { return String::new() };
    let range = (found.recall_low.unwrap_or_default(), found.recall_high.unwrap_or_default());
    format!(
        "{name} leaves checks below {} out: chosen by {}, it would have found {} of the {} after them ({}, 80 %: {}), \
         running {} of {}",
        percent(limit),
        counted(found.chosen_by, "failure"),
        found.caught,
        found.failures,
        percent(recall),
        span(range.0, range.1),
        percent(found.share_run.unwrap_or(1.0)),
        counted(found.executions, "execution")
    )
}

/// How good the model was beside the constant answer.
fn quality(advice: &Advice) -> Option<String> {
    let score = &advice.baseline.score;
    let (model, constant) = (score.model?, score.constant?);
    let share = |share: f64| format!("{:.1} %", share * 100.0);
    let constantly = if constant >= CONSTANT { ", so there is next to nothing to predict" } else { "" };
    Some(format!(
        "so far: right about {} of {}, each before it was seen; the usual answer alone {}{constantly}",
        share(model),
        counted(score.n, "stage"),
        share(constant)
    ))
}

fn needed_later(advice: &Advice) -> Option<String> {
    let count = advice.history.needed_later as usize;
    let were = if count == 1 { "stage was" } else { "stages were" };
    (count > 0).then(|| format!("{count} {were} skipped and failed in a later run of the same change"))
}

fn stages(advice: &Advice, terminal: &Terminal, width: usize) -> String {
    let longest = advice.stages.iter().map(|stage| stage.name.chars().count()).max().unwrap_or(0);
    advice.stages.iter().map(|stage| one(stage, longest, terminal, width)).collect()
}

fn one(stage: &StageAdvice, longest: usize, terminal: &Terminal, width: usize) -> String {
    let (word, ink) = if stage.keep { ("keep ", Ink::Good) } else { ("leave", Ink::Care) };
    let mut line = format!("{}  {:longest$}", terminal.out.paint(ink, word), stage.name);
    line.push_str(&format!("  needed {:>6}", percent(stage.probability)));
    if stage.executions > 0 {
        line.push_str(&format!("  fails {:>6} ({})", percent(stage.risk), interval(stage.risk_interval)));
    }
    line.extend(stage.seconds.map(|seconds| format!("  takes {}", time(seconds))));
    let reasons: String =
        stage.reasons.iter().map(|reason| wrapped(reason, "       ", "         ", width)).collect();
    format!("{}\n{reasons}", line.trim_end())
}

pub fn interval(interval: Interval) -> String {
    span(interval.low, interval.high)
}

/// "2 to 9 %".
fn span(low: f64, high: f64) -> String {
    let low = percent(low);
    format!("{} to {}", low.trim_end_matches(" %"), percent(high))
}

/// Whole percents, and tenths where a whole one would hide what it is.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if (percent < 9.95 && percent > 0.0) || (percent > 99.0 && percent < 100.0) {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.0} %")
    }
}

/// The text in lines of at most so many characters.
pub fn wrapped(text: &str, first: &str, rest: &str, width: usize) -> String {
    let (mut out, mut line) = (String::new(), first.to_string());
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > width {
            out.push_str(&line);
            out.push('\n');
            line = rest.to_string();
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    if !empty {
        out.push_str(&line);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_never_longer_unless_a_word_is() {
        let text = wrapped("one two three four", "", "  ", 9);
        assert_eq!(text, "one two\n  three\n  four\n");
        assert_eq!(wrapped("immeasurable", "", "", 4), "immeasurable\n");
    }

    #[test]
    fn small_shares_keep_a_tenth() {
        assert_eq!(
            (percent(0.0), percent(0.004), percent(0.5), percent(1.0)),
            ("0 %".into(), "0.4 %".into(), "50 %".into(), "100 %".into())
        );
        assert_eq!(span(0.004, 0.12), "0.4 to 12 %");
    }
}

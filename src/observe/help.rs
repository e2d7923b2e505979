//! Advice on a failure as people see it: the likely cause, the line of output that points to it, what to type next. Finds
//! no advice itself, and carries none out.

use serde::Serialize;

use super::style::{Ink, Style, one_line};

/// Longest line of output that is quoted, in characters.
const QUOTED: usize = 200;

/// What is likely wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// Of the rule that matched.
    pub title: String,
    pub cause: String,
    #[serde(rename = "try")]
    pub attempt: String,
    /// The line of output it was found by; none where the exit code alone spoke.
    pub line: Option<String>,
    /// Its number in the attempt's log as `wfl logs` shows it, from 1.
    pub log_line: Option<u64>,
    /// Where the line was: `stderr`, `stdout`, or `wfl` for words of wfl itself.
    pub stream: &'static str,
    /// Where the rule is written.
    pub from: String,
}

/// Two or three lines for each, indented as what belongs to a stage.
pub fn lines(advice: &[Advice], style: Style) -> Vec<String> {
    advice.iter().flat_map(|one| of_one(one, style)).collect()
}

fn of_one(advice: &Advice, style: Style) -> Vec<String> {
    let mut lines = vec![format!("  {} {}", style.paint(Ink::Care, "likely:"), one_line(&advice.cause, 400))];
    if let Some(line) = &advice.line {
        let place = match (advice.log_line, advice.stream) {
            (Some(number), "stdout") => format!("log line {number}, standard output"),
            (Some(number), _) => format!("log line {number}"),
            (None, "wfl") => "wfl".into(),
            (None, stream) => stream.into(),
        };
        lines.push(format!("    {} {}", style.paint(Ink::Dim, &format!("{place}:")), one_line(line, QUOTED)));
    }
    lines.push(format!("    {} {}", style.paint(Ink::Bold, "try:"), one_line(&advice.attempt, 400)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cause_line_and_next_command_stand_together() {
        let mut advice = Advice {
            title: "a module".into(),
            cause: "it is missing".into(),
            attempt: "pip install x".into(),
            line: Some("No module named 'x'".into()),
            log_line: Some(7),
            stream: "stdout",
            from: "std/help.wfl:5".into(),
        };
        let text = lines(std::slice::from_ref(&advice), Style::default()).join("\n");
        assert_eq!(
            text,
            "  likely: it is missing\n    log line 7, standard output: No module named 'x'\n    try: pip install x"
        );
        let json = serde_json::to_value(&advice).unwrap();
        assert_eq!((json["try"].as_str(), json["log_line"].as_u64()), (Some("pip install x"), Some(7)));
        advice.line = None;
        assert_eq!(lines(&[advice], Style::default()).len(), 2);
    }
}

//! The ledger of advice in words: how often it was followed, what that saved, and what it missed. Works nothing out.

use crate::insight::ledger::{Checked, Ledger};
use crate::observe::advised::percent;
use crate::observe::style::{counted, elapsed};

/// Misses that are named.
const NAMED: usize = 3;

/// A few lines, each with its newline; nothing where nothing was ever advised.
pub fn lines(ledger: &Ledger) -> String {
    if ledger.offered() == 0 {
        return String::new();
    }
    let mut lines = vec![format!(
        "advice so far: followed {}, control runs {}, declined {}; {} left out, about {} of stage time saved",
        ledger.followed,
        ledger.control,
        ledger.declined,
        counted(ledger.left_out, "stage"),
        elapsed(ledger.saved_ms)
    )];
    let each = [
        ("missed by control runs, which are drawn", &ledger.drawn),
        ("missed by runs that a person had run in full", &ledger.told),
        ("missed by later runs of the same change", &ledger.later),
    ];
    lines.extend(each.into_iter().filter_map(|(whose, checked)| of(whose, checked)));
    if ledger.drawn.stages + ledger.told.stages + ledger.later.stages == 0 {
        lines.push("  what it missed is not known yet: no run has carried out what was left out".into());
    }
    let named = ledger.misses.iter().take(NAMED);
    lines.extend(
        named.map(|miss| {
            format!("  missed: {} of run {}, found by run {}", miss.stage, miss.run, miss.found_by)
        }),
    );
    lines.push(String::new());
    lines.join("\n")
}

fn of(whose: &str, checked: &Checked) -> Option<String> {
    let rate = checked.rate()?;
    Some(format!(
        "  {whose}: {} of {} (80 %: {} to {}); {:.1} were predicted",
        checked.missed,
        counted(checked.stages, "stage"),
        percent(rate.low),
        percent(rate.high),
        checked.expected
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_where_nothing_was_advised() {
        assert_eq!(lines(&Ledger::default()), "");
    }

    #[test]
    fn misses_stand_beside_what_was_predicted_with_an_interval() {
        let drawn = Checked { stages: 40, missed: 2, expected: 0.8 };
        let ledger =
            Ledger { followed: 19, control: 1, left_out: 44, saved_ms: 90_000, drawn, ..Ledger::default() };
        let text = lines(&ledger);
        assert!(text.contains("followed 19, control runs 1, declined 0; 44 stages left out"), "{text}");
        assert!(text.contains("2 of 40 stages (80 %:") && text.contains("0.8 were predicted"), "{text}");
        let unknown = lines(&Ledger { drawn: Checked::default(), ..ledger });
        assert!(unknown.contains("not known yet"), "{unknown}");
    }
}

//! What is known of a failure, in words. Pure.

use crate::failure::odds::Odds;
use crate::failure::{Remedy, Tally};

/// How sure the intervals that people are shown are.
pub const LEVEL: f64 = 0.9;

/// `seen 3 times before, last in run R (2026-11-20 10:00:00); what helped: retry 2 of 3`.
pub fn earlier(tally: &Tally, before: u64, last: Option<(&str, String)>, remedies: &[Remedy]) -> String {
    let mut text = match before {
        1 => "seen once before".to_owned(),
        many => format!("seen {many} times before"),
    };
    if let Some((run, at)) = last {
        text.push_str(&format!(", last in run {run} ({at})"));
    }
    let tried: Vec<String> =
        remedies.iter().map(|one| format!("{} {} of {}", one.name, one.helped, one.tried)).collect();
    if !tried.is_empty() {
        text.push_str(&format!("; what helped: {}", tried.join(", ")));
    }
    if let Some(verdict) = tally.verdict {
        text.push_str(&format!("; marked {}", verdict.word()));
    }
    if let Some(note) = tally.note.as_deref().filter(|note| !note.is_empty()) {
        text.push_str(&format!("; note: {note}"));
    }
    text
}

/// `2 of 3 (12–98 %)`.
pub fn share(odds: &Odds) -> String {
    let (low, high) = odds.interval(LEVEL);
    format!("{} of {} ({:.0}–{:.0} %)", odds.helped, odds.tried, low * 100.0, high * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::event::Lasting;
    use crate::failure::Verdict;

    #[test]
    fn what_is_known_is_one_line() {
        let tally = Tally {
            signature: "0123456789abcdef".into(),
            class: None,
            program: "make".into(),
            text: "it broke".into(),
            seen: 4,
            runs: 2,
            first: Timestamp(0),
            last: Timestamp(0),
            retried: 3,
            retry_helped: 2,
            told: None,
            verdict: Some(Verdict::Transient),
            note: Some("ask Ada".into()),
        };
        let remedies = [Remedy { name: "retry".into(), tried: 3, helped: 2 }];
        let text = earlier(&tally, 3, Some(("r1", "2026-11-20 10:00:00".into())), &remedies);
        assert_eq!(
            text,
            "seen 3 times before, last in run r1 (2026-11-20 10:00:00); what helped: retry 2 of 3; marked transient; \
             note: ask Ada"
        );
        assert_eq!(share(&Odds::new(0, 0, Lasting::Unknown)), "0 of 0 (1–99 %)");
    }
}

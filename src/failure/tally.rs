//! What is known of a signature from earlier runs, and what follows for the next try: go on as the policy says, or stop.
//! Only ever takes tries away from a policy; it never adds any.

use std::collections::BTreeMap;

use crate::base::Timestamp;
use crate::event::{FailureClass, Lasting};

use super::Signature;
use super::odds::{Odds, SURE};

/// Evidence from fewer runs may be one bad hour.
const RUNS: u64 = 3;
/// Evidence older than this is asked again by a retry, so that no stop is for ever.
const STALE_MS: i64 = 7 * 86_400_000;

/// What a person said of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Never tried again.
    Permanent,
    /// Tried again as often as the policy allows.
    Transient,
}

impl Verdict {
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Permanent => "permanent",
            Verdict::Transient => "transient",
        }
    }

    pub fn of(word: &str) -> Option<Verdict> {
        [Verdict::Permanent, Verdict::Transient].into_iter().find(|verdict| verdict.word() == word)
    }
}

/// All runs together.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    pub signature: String,
    pub class: Option<FailureClass>,
    pub program: String,
    pub text: String,
    /// Failed attempts.
    pub seen: u64,
    /// Runs with one.
    pub runs: u64,
    pub first: Timestamp,
    pub last: Timestamp,
    /// Retries that were told of, and how many of them got past it.
    pub retried: u64,
    pub retry_helped: u64,
    /// When a retry was last told of.
    pub told: Option<Timestamp>,
    pub verdict: Option<Verdict>,
    pub note: Option<String>,
}

/// What was done about a failure, how often, and how often that helped: `retry`, `repair RULE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    pub name: String,
    pub tried: u64,
    pub helped: u64,
}

/// Those of which enough is known to decide by, by signature.
pub type Known = BTreeMap<String, Tally>;

/// What follows for a retry.
#[derive(Clone, Debug, PartialEq)]
pub enum Advice {
    /// As the policy says.
    Policy,
    /// Not again, and why.
    Stop(String),
}

impl Tally {
    /// The odds of a retry, class and words weighed in.
    pub fn odds(&self, lasting: Lasting) -> Odds {
        Odds::new(self.retried, self.retry_helped, lasting)
    }

    /// How lasting the class and the words say it is.
    pub fn lasting(&self) -> Lasting {
        match self.class.map(FailureClass::lasting) {
            Some(lasting) if lasting != Lasting::Unknown => lasting,
            _ => super::by_words(&self.text).map_or(Lasting::Unknown, |(lasting, _)| lasting),
        }
    }

    fn evidence(&self, odds: &Odds) -> String {
        let helped = match self.retry_helped {
            0 => "a retry never helped".to_owned(),
            n => format!("a retry helped {n} of {} times", self.retried),
        };
        let count = if self.retry_helped == 0 { format!("0 of {}; ", self.retried) } else { String::new() };
        format!(
            "seen {} times in {} runs, {helped} ({count}{:.0} % sure below {:.0} %)",
            self.seen,
            self.runs,
            SURE * 100.0,
            (odds.at_most(SURE) * 100.0).ceil()
        )
    }
}

/// Whether a failure is worth another try. `judged`: the policy has a condition of its own and it holds, so that what the
/// words alone say does not count against it.
pub fn advise(signature: &Signature, known: Option<&Tally>, judged: bool, now: Timestamp) -> Advice {
    match known.and_then(|known| known.verdict) {
        Some(Verdict::Transient) => return Advice::Policy,
        Some(Verdict::Permanent) => return Advice::Stop(marked(signature, known)),
        None => {}
    }
    let helped = known.is_some_and(|known| known.retry_helped > 0);
    if let Some(because) = signature.because.filter(|_| signature.lasting == Lasting::Permanent)
        && !judged
        && !helped
    {
        return Advice::Stop(format!("{because}, which another try does not change"));
    }
    let Some(known) = known else { return Advice::Policy };
    let stale = known.told.is_none_or(|told| now.0.saturating_sub(told.0) > STALE_MS);
    let odds = known.odds(signature.lasting);
    if known.runs >= RUNS && !stale && odds.is_hopeless() {
        return Advice::Stop(known.evidence(&odds));
    }
    Advice::Policy
}

fn marked(signature: &Signature, known: Option<&Tally>) -> String {
    let note = known.and_then(|known| known.note.as_deref()).filter(|note| !note.is_empty());
    let note = note.map(|note| format!(": {note}")).unwrap_or_default();
    format!("{} is marked permanent{note}", signature.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(lasting: Lasting) -> Signature {
        Signature {
            id: "0123456789abcdef".into(),
            class: Some(FailureClass::Exit),
            program: "make".into(),
            text: "it broke".into(),
            lasting,
            because: (lasting == Lasting::Permanent).then_some("the disk is full"),
        }
    }

    fn tally(retried: u64, retry_helped: u64) -> Tally {
        Tally {
            signature: "0123456789abcdef".into(),
            class: Some(FailureClass::Exit),
            program: "make".into(),
            text: "it broke".into(),
            seen: 14,
            runs: 6,
            first: Timestamp(0),
            last: Timestamp(1_000),
            retried,
            retry_helped,
            told: Some(Timestamp(1_000)),
            verdict: None,
            note: None,
        }
    }

    fn stops(signature: &Signature, tally: &Tally, judged: bool) -> bool {
        advise(signature, Some(tally), judged, Timestamp(2_000)) != Advice::Policy
    }

    #[test]
    fn strong_evidence_stops_and_says_what_it_is() {
        let Advice::Stop(why) =
            advise(&signature(Lasting::Unknown), Some(&tally(9, 0)), false, Timestamp(2_000))
        else {
            panic!("it goes on")
        };
        assert_eq!(why, "seen 14 times in 6 runs, a retry never helped (0 of 9; 95 % sure below 19 %)");
        assert!(!stops(&signature(Lasting::Unknown), &tally(8, 0), false));
        assert!(!stops(&signature(Lasting::Unknown), &tally(9, 1), false));
        assert!(!stops(&signature(Lasting::Transient), &tally(9, 0), false));
    }

    #[test]
    fn one_bad_hour_and_old_evidence_stop_nothing() {
        assert!(!stops(&signature(Lasting::Unknown), &Tally { runs: 2, ..tally(90, 0) }, false));
        let later = Timestamp(1_000 + STALE_MS + 1);
        assert_eq!(advise(&signature(Lasting::Unknown), Some(&tally(90, 0)), false, later), Advice::Policy);
        // A clock that was set back makes nothing stale.
        assert!(matches!(
            advise(&signature(Lasting::Unknown), Some(&tally(90, 0)), false, Timestamp(-9)),
            Advice::Stop(_)
        ));
    }

    #[test]
    fn words_that_say_permanent_stop_unless_the_policy_judged_or_a_retry_once_helped() {
        let permanent = signature(Lasting::Permanent);
        assert!(matches!(advise(&permanent, None, false, Timestamp(0)), Advice::Stop(_)));
        assert_eq!(advise(&permanent, None, true, Timestamp(0)), Advice::Policy);
        assert!(!stops(&permanent, &tally(2, 1), false));
    }

    #[test]
    fn what_a_person_said_comes_first() {
        let said = |verdict| Tally { verdict: Some(verdict), note: Some("ask Ada".into()), ..tally(90, 0) };
        assert!(!stops(&signature(Lasting::Permanent), &said(Verdict::Transient), false));
        let loved = Tally { verdict: Some(Verdict::Permanent), ..tally(9, 9) };
        assert!(stops(&signature(Lasting::Transient), &loved, true));
        let Advice::Stop(why) =
            advise(&signature(Lasting::Unknown), Some(&said(Verdict::Permanent)), true, Timestamp(0))
        else {
            panic!("it goes on")
        };
        assert_eq!(why, "0123456789abcdef is marked permanent: ask Ada");
    }
}

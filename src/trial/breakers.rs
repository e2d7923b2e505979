//! Breakers in a test: closed when it begins, and in virtual time. Locks and pools hold within the run, which is alone.

use std::collections::BTreeMap;

use crate::base::Timestamp;
use crate::coord::breaker::{Admission, Breaker, State};
use crate::coord::lease::Who;
use crate::event::{BreakerRule, Event, Record, WaitFor};
use crate::port::{Claim, Claimed, Obstacle, Standing};

/// By key.
#[derive(Clone, Debug, Default)]
pub(super) struct Breakers {
    known: BTreeMap<String, Breaker>,
}

impl Breakers {
    pub fn claim(&mut self, now: Timestamp, claim: &Claim) -> Claimed {
        let mut probe = None;
        if let Some(rule) = &claim.breaker {
            let who = Who { run: 0, node: claim.node };
            let until = match self.of(rule).admit(rule, now, who) {
                Admission::Go => None,
                Admission::Probe(number) => {
                    probe = Some(number);
                    None
                }
                Admission::Open(until) => Some(Some(until)),
                Admission::Probed(_) => Some(None),
            };
            if let Some(until) = until {
                let (on, name) = (WaitFor::Breaker, rule.name.clone());
                return Claimed::Waits(Obstacle { on, name, holders: Vec::new(), ahead: Vec::new(), until });
            }
        }
        Claimed::Granted { probe, killed: 0 }
    }

    /// Hears what the ends of stages tell.
    pub fn hear(&mut self, records: &[Record]) {
        for record in records {
            if let Event::BreakerCounted { rule, told, probe, .. } = &record.event {
                self.of(rule).tell(rule, record.at, *told, *probe);
            }
        }
    }

    pub fn standing(&mut self, rule: &BreakerRule) -> Standing {
        let breaker = self.of(rule);
        match (breaker.open_until(rule), &breaker.state) {
            (Some(until), _) => Standing::Open(until),
            (None, State::HalfOpen { .. }) => Standing::HalfOpen,
            _ => Standing::Closed,
        }
    }

    fn of(&mut self, rule: &BreakerRule) -> &mut Breaker {
        self.known.entry(rule.key.clone()).or_default()
    }
}

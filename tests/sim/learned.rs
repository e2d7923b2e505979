//! What the journal may say of failures: each failed attempt once, and of a retry only after its attempt has ended, as it
//! ended. Knows no signature's meaning.

use wfl::event::{AttemptStatus, Event, NodeIndex, Record};

use super::book::{Book, Checked, need};

impl Book<'_> {
    pub fn of_failure(&mut self, record: &Record) -> Checked {
        match &record.event {
            Event::FailureSeen { node, attempt, signature, .. } => {
                self.failure_seen(*node, *attempt, signature)
            }
            Event::FailureTold { node, signature, helped, .. } => {
                self.failure_told(*node, signature, *helped)
            }
            other => Err(format!("{other:?} says nothing of a failure")),
        }
    }

    fn failure_seen(&mut self, node: NodeIndex, attempt: u32, signature: &str) -> Checked {
        let stage = self.stage(node);
        let failed = stage.outcome.as_ref().is_some_and(|outcome| {
            matches!(outcome.status, AttemptStatus::Failed | AttemptStatus::TimedOut) || stage.refused
        });
        need(!stage.open && attempt == stage.attempt && failed, || {
            format!("attempt {attempt} of {node} did not fail, and its failure is seen")
        })?;
        let again = stage.failure.as_ref().is_some_and(|(of, _)| *of == attempt);
        need(!again, || format!("the failure of attempt {attempt} of {node} is seen twice"))?;
        stage.failure = Some((attempt, signature.to_owned()));
        Ok(())
    }

    fn failure_told(&mut self, node: NodeIndex, signature: &str, helped: bool) -> Checked {
        let stage = self.stage(node);
        let Some((attempt, of)) = stage.failure.clone() else {
            return Err(format!("a retry of {node} is told of, and no failure was seen"));
        };
        need(of == signature && stage.attempt > attempt && !stage.open, || {
            format!("a retry of {node} is told of before it ended, or for another failure")
        })?;
        need(stage.told < stage.attempt, || format!("attempt {} of {node} is told of twice", stage.attempt))?;
        let well = stage.outcome.as_ref().is_some_and(|outcome| outcome.status == AttemptStatus::Succeeded);
        need(helped == (well && !stage.refused), || {
            format!("a retry of {node} is told of as it did not end")
        })?;
        stage.told = stage.attempt;
        Ok(())
    }
}

//! Asks the person at the terminal. Used only where one sits; decides nothing.

use std::io::{BufRead, BufReader, Write};
use std::sync::Mutex;

use crate::observe::progress::Screen;
use crate::port::{Answer, People, Question};

/// Asks on the controlling terminal, never through a redirected stream.
pub struct AtTerminal {
    who: String,
    screen: Option<Screen>,
    /// One question at a time.
    turn: Mutex<()>,
}

impl AtTerminal {
    pub fn new(who: String, screen: Option<Screen>) -> Self {
        AtTerminal { who, screen, turn: Mutex::new(()) }
    }
}

impl People for AtTerminal {
    fn ask(&self, question: &Question) -> Option<Answer> {
        let _turn = self.turn.lock().ok()?;
        let text = words(question);
        let reply = match &self.screen {
            Some(screen) => screen.pause(|| prompt(&text)),
            None => prompt(&text),
        }?;
        let yes = matches!(reply.trim().to_ascii_lowercase().as_str(), "y" | "yes");
        Some(Answer { yes, by: self.who.clone(), comment: None })
    }
}

fn words(question: &Question) -> String {
    match question {
        Question::Approve { key, count, group, .. } => {
            format!("Approve {key}? ({count} of {group} needed) [y/N] ")
        }
        Question::Confirm { key, text, .. } => {
            format!("{key}: {} [y/N] ", crate::observe::sanitise::sanitise(text))
        }
    }
}

/// None at end of file: nobody answered, which is neither yes nor no.
fn prompt(text: &str) -> Option<String> {
    let terminal = std::fs::OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
    (&terminal).write_all(text.as_bytes()).ok()?;
    let mut line = String::new();
    let read = BufReader::new(&terminal).read_line(&mut line).ok()?;
    (read > 0).then_some(line)
}

/// Answers every `confirm` with yes and leaves approvals to others (`--yes`).
pub struct AlwaysYes<P>(pub P, pub String);

impl<P: People> People for AlwaysYes<P> {
    fn ask(&self, question: &Question) -> Option<Answer> {
        match question {
            Question::Confirm { .. } => {
                Some(Answer { yes: true, by: self.1.clone(), comment: Some("--yes".into()) })
            }
            Question::Approve { .. } => self.0.ask(question),
        }
    }
}

/// Nobody is there.
pub struct Nobody;

impl People for Nobody {
    fn ask(&self, _: &Question) -> Option<Answer> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_confirms_and_never_approves() {
        let people = AlwaysYes(Nobody, "ada@team.example".into());
        let confirm = Question::Confirm { node: 0, key: "ship".into(), text: "Really?".into() };
        let approve = Question::Approve { node: 0, key: "ship".into(), count: 1, group: "managers".into() };
        assert!(people.ask(&confirm).is_some_and(|answer| answer.yes));
        assert_eq!(people.ask(&approve), None);
    }
}

//! Asks the person at the terminal. Used only where one sits; decides nothing.

use std::io::{BufRead, BufReader, Write};
use std::sync::Mutex;

use crate::observe::live::Screen;
use crate::plan::Group;
use crate::port::{Answer, People, Question};

/// Asks on the controlling terminal, never through a redirected stream.
pub struct AtTerminal {
    who: String,
    groups: Vec<Group>,
    screen: Option<Screen>,
    /// One question at a time.
    turn: Mutex<()>,
}

impl AtTerminal {
    pub fn new(who: String, groups: Vec<Group>, screen: Option<Screen>) -> Self {
        AtTerminal { who, groups, screen, turn: Mutex::new(()) }
    }
}

impl People for AtTerminal {
    fn ask(&self, question: &Question) -> Option<Answer> {
        if let Question::Approve { group, .. } = question
            && !may_approve(&self.groups, group, &self.who)
        {
            return None;
        }
        let _turn = self.turn.lock().ok()?;
        let text = words(question);
        let reply = match &self.screen {
            Some(screen) => screen.pause(|| prompt(&text)),
            None => prompt(&text),
        }?;
        Some(Answer { yes: is_yes(&reply), by: self.who.clone(), comment: None })
    }
}

/// A group without members stands for anybody.
pub fn may_approve(groups: &[Group], name: &str, who: &str) -> bool {
    groups.iter().find(|group| group.name == name).is_none_or(|group| {
        group.members.is_empty() || group.members.iter().any(|member| member.eq_ignore_ascii_case(who))
    })
}

fn words(question: &Question) -> String {
    match question {
        Question::Approve { key, count, group, .. } => {
            format!("Approve {key}? ({count} of {group} needed) [y/N] ")
        }
        Question::Confirm { key, text, .. } => {
            format!("{key}: {} [y/N] ", crate::observe::sanitise::sanitise(text))
        }
        Question::Repair { key, text, .. } => {
            let text = crate::observe::sanitise::sanitise(text);
            format!("{key} failed: {text}\nThis repair is destructive. Carry it out? [y/N] ")
        }
    }
}

/// Whether the person at the terminal says yes; none when nobody answers.
pub fn agrees(text: &str) -> Option<bool> {
    let reply = prompt(text)?;
    Some(is_yes(&reply))
}

/// What a person says to advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Yes,
    /// Not this part: all of it.
    All,
    No,
}

/// Yes, all, or no; none when nobody answers.
pub fn choose(text: &str) -> Option<Said> {
    prompt(text).map(|reply| said(&reply))
}

fn said(reply: &str) -> Said {
    match reply.trim().to_ascii_lowercase().as_str() {
        "a" | "all" => Said::All,
        _ if is_yes(reply) => Said::Yes,
        _ => Said::No,
    }
}

fn is_yes(reply: &str) -> bool {
    matches!(reply.trim().to_ascii_lowercase().as_str(), "y" | "yes")
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
            Question::Approve { .. } | Question::Repair { .. } => self.0.ask(question),
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
    fn only_members_approve_where_there_are_any() {
        let groups = [
            Group { name: "managers".into(), members: vec!["ada@team.example".into()] },
            Group { name: "anybody".into(), members: Vec::new() },
        ];
        assert!(may_approve(&groups, "managers", "Ada@team.example"));
        assert!(!may_approve(&groups, "managers", "bob@team.example"));
        assert!(may_approve(&groups, "anybody", "bob@team.example"));
        assert!(may_approve(&groups, "undeclared", "bob"));
    }

    #[test]
    fn only_a_clear_word_runs_anything() {
        let each = [("y\n", Said::Yes), (" ALL \n", Said::All), ("\n", Said::No), ("maybe\n", Said::No)];
        each.into_iter().for_each(|(reply, meant)| assert_eq!(said(reply), meant, "{reply:?}"));
    }

    #[test]
    fn yes_confirms_and_never_approves() {
        let people = AlwaysYes(Nobody, "ada@team.example".into());
        let confirm = Question::Confirm { node: 0, key: "ship".into(), text: "Really?".into() };
        let approve = Question::Approve { node: 0, key: "ship".into(), count: 1, group: "managers".into() };
        assert!(people.ask(&confirm).is_some_and(|answer| answer.yes));
        assert_eq!(people.ask(&approve), None);
        let (key, rule, text) = ("ship".into(), "clean".into(), "would run: rm x".into());
        assert_eq!(people.ask(&Question::Repair { node: 0, key, rule, text }), None);
    }
}

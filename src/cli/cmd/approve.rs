//! `wfl approve`: records a yes or no for a stage that waits for it. Drives nothing: the run's engine takes it up.

use crate::cli::args::Approve;
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::embed::{Error, StoredRun, identity};
use crate::event::{NodeIndex, Status};
use crate::observe::Board;
use crate::plan::Group;
use crate::port::{Answer, Message};

pub fn run(args: &Approve, terminal: &Terminal) -> Result<Code, Error> {
    let stored = StoredRun::find_for_writing(&args.run)?;
    let board = Board::from_records(stored.plan.nodes.len(), &stored.records()?);
    let who = identity(&stored.plan.root);
    let nodes = stored.nodes(&args.stage)?;
    let waiting: Vec<NodeIndex> = nodes.into_iter().filter(|&node| waits(&board, node)).collect();
    if waiting.is_empty() {
        return Err(not_waiting(args, &stored, &board));
    }
    for node in waiting {
        let group = board.rows[node as usize].approval.as_ref().map(|(_, group)| group.as_str());
        require_member(&stored.plan.groups, group.unwrap_or_default(), &who)?;
        let answer = Answer { yes: !args.reject, by: who.clone(), comment: args.comment.clone() };
        let stage = stored.key(node).to_string();
        let word = if args.reject { "rejected" } else { "approved" };
        stored.store.post_message(&stored.id, &Message::Approval { stage: stage.clone(), answer })?;
        terminal.say(&format!("{stage} {word} by {who}"));
    }
    if !stored.store.is_live(&stored.id) {
        terminal.say(&format!("  next: wfl resume {}", stored.id));
    }
    Ok(Code::Ok)
}

fn waits(board: &Board, node: NodeIndex) -> bool {
    board.status(node) == Status::Waiting && board.rows[node as usize].approval.is_some()
}

fn not_waiting(args: &Approve, stored: &StoredRun, board: &Board) -> Error {
    let waiting: Vec<&str> = (0..board.rows.len() as NodeIndex)
        .filter(|&node| waits(board, node))
        .map(|node| stored.key(node))
        .collect();
    let help = match waiting.as_slice() {
        [] => "no stage of this run waits for one".into(),
        all => format!("waiting for approval: {}", all.join(", ")),
    };
    Error::refused(format!("`{}` does not wait for an approval", args.stage), help)
}

/// A group without members stands for anybody.
fn require_member(groups: &[Group], name: &str, who: &str) -> Result<(), Error> {
    let Some(group) = groups.iter().find(|group| group.name == name) else { return Ok(()) };
    if group.members.is_empty() || group.members.iter().any(|member| member.eq_ignore_ascii_case(who)) {
        return Ok(());
    }
    Err(Error::refused(
        format!("{who} is not a member of `{name}`"),
        format!("its members are {}; the name is git's user.email", group.members.join(", ")),
    ))
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
        assert!(require_member(&groups, "managers", "Ada@team.example").is_ok());
        assert!(require_member(&groups, "managers", "bob@team.example").is_err());
        assert!(require_member(&groups, "anybody", "bob@team.example").is_ok());
        assert!(require_member(&groups, "undeclared", "bob").is_ok());
    }
}

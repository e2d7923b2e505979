//! `wfl approve`: records a yes or no for a stage that waits for it. Drives nothing: the run's engine takes it up.

use crate::base::Timestamp;
use crate::cli::args::Approve;
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::cli::people::may_approve;
use crate::embed::{Error, StoredRun, identity};
use crate::event::{NodeIndex, Status};
use crate::observe::Board;
use crate::plan::Group;
use crate::port::{Answer, Message};

pub fn run(args: &Approve, terminal: &Terminal) -> Result<Code, Error> {
    let stored = StoredRun::find_for_writing(&args.run)?;
    let board = Board::from_records(stored.plan.nodes.len(), &stored.records()?);
    let who = identity(&stored.plan.root);
    let nodes = stored.nodes_with_beginnings(&args.stage)?;
    let waiting: Vec<NodeIndex> = nodes.into_iter().filter(|&node| waits(&board, node)).collect();
    if waiting.is_empty() {
        return Err(not_waiting(args, &stored, &board));
    }
    for node in waiting {
        let row = &board.rows[node as usize];
        require_in_time(row.expires, stored.key(node), &stored.id.0)?;
        let group = row.approval.as_ref().map(|(_, group)| group.as_str());
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

fn require_member(groups: &[Group], name: &str, who: &str) -> Result<(), Error> {
    if may_approve(groups, name, who) {
        return Ok(());
    }
    let members = groups.iter().find(|group| group.name == name).map(|group| group.members.join(", "));
    Err(Error::refused(
        format!("{who} is not a member of `{name}`"),
        format!("its members are {}; the name is git's user.email", members.unwrap_or_default()),
    ))
}

/// Time limits are judged by whatever command comes next: an answer that is late is none.
fn require_in_time(expires: Option<Timestamp>, stage: &str, run: &str) -> Result<(), Error> {
    if expires.is_none_or(|expires| Timestamp::now() < expires) {
        return Ok(());
    }
    Err(Error::refused(
        format!("the time to approve `{stage}` is over"),
        format!("`wfl resume {run}` ends the run; a new run asks again"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_late_is_refused() {
        assert!(require_in_time(None, "ship", "r").is_ok());
        assert!(require_in_time(Some(Timestamp(i64::MAX)), "ship", "r").is_ok());
        let late = require_in_time(Some(Timestamp(1)), "ship", "r").unwrap_err();
        assert!(late.to_string().contains("the time to approve `ship` is over"), "{late}");
    }
}

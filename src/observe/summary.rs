//! The end of a run in words: counts, the slowest stages, what was not run and why, and last of all the first failure
//! with the command to type next. Pure text from a [`Board`].

use crate::event::{NodeIndex, RunStatus, Status};
use crate::plan::{Effect, Plan, StageKind};

use super::help::{self, Advice};
use super::style::{Ink, counted, elapsed, one_line};
use super::{Board, Style, advised, undoing};

/// Stages named on one line.
const NAMED: usize = 8;

/// What the summary is made from.
pub struct Ended<'a> {
    /// How the program is called to reach this run: `wfl`, or `wfl -C FOLDER` from elsewhere.
    pub program: &'a str,
    pub run: &'a str,
    pub plan: &'a Plan,
    pub board: &'a Board,
    /// What is known from earlier runs of the failures of stages.
    pub known: &'a [(NodeIndex, String)],
    pub style: Style,
    /// On the stage to which a bad end goes back.
    pub advice: &'a [Advice],
    /// What the tool of a gate wrote last.
    pub said: &'a [String],
}

impl Ended<'_> {
    /// The whole text; ends with a newline.
    pub fn text(&self) -> String {
        let mut lines = vec![String::new(), self.headline()];
        lines.extend(self.slowest());
        lines.extend(self.healed());
        lines.extend(self.not_run());
        lines.extend(advised::summary(self.plan, self.board, self.program));
        lines.extend(self.board.notes.iter().map(|note| format!("note: {note}")));
        let of_run = (self.program, self.run);
        match self.board.ending.as_ref().map(|ending| ending.status) {
            // Nobody is asked about what was taken back.
            Some(RunStatus::RolledBack) => {}
            _ => lines.extend(self.waits()),
        }
        lines.extend(self.cause());
        lines.extend(undoing::summary(self.plan, self.board, self.style, of_run));
        lines.push(String::new());
        lines.join("\n")
    }

    fn headline(&self) -> String {
        let ending = self.board.ending.as_ref();
        let status = ending.map_or(RunStatus::Running, |ending| ending.status);
        let all_undone = status == RunStatus::RolledBack && ending.is_some_and(|ending| ending.exit == 0);
        let ink = match status {
            _ if all_undone => Ink::Good,
            RunStatus::Succeeded => Ink::Good,
            RunStatus::Waiting | RunStatus::Running => Ink::Care,
            _ => Ink::Bad,
        };
        let took = ending.map_or(String::new(), |ending| format!(" in {}", elapsed(ending.duration_ms)));
        let counts: Vec<String> =
            self.board.counts().iter().map(|(status, count)| format!("{count} {}", status.word())).collect();
        let word = self.style.paint(ink, status.word());
        let lane = self.style.paint(Ink::Bold, &self.plan.lane);
        format!(
            "{lane} {word}{took} {dash} {} {dash} run {}",
            counts.join(", "),
            self.run,
            dash = self.style.dash()
        )
    }

    fn slowest(&self) -> Vec<String> {
        let mut rows: Vec<(u64, NodeIndex)> = (0..self.board.rows.len() as NodeIndex)
            .map(|node| (self.board.rows[node as usize].duration_ms, node))
            .filter(|(ms, _)| *ms >= 1_000)
            .collect();
        rows.sort_by_key(|(ms, node)| (std::cmp::Reverse(*ms), *node));
        if rows.len() < 2 {
            return Vec::new();
        }
        let named: Vec<String> =
            rows.iter().take(3).map(|(ms, node)| format!("{} {}", self.key(*node), elapsed(*ms))).collect();
        vec![self.style.paint(Ink::Dim, &format!("slowest: {}", named.join(", ")))]
    }

    /// Stages that got past a failure because a repair rule acted, a line each.
    fn healed(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (node, row) in (0..).zip(&self.board.rows) {
            let helped = row.repairs.iter().filter(|repair| repair.helped == Some(true));
            let rules: Vec<String> = helped.map(|repair| format!("`{}`", repair.rule)).collect();
            if !rules.is_empty() {
                lines.push(format!("healed: {} by {}", self.key(node), rules.join(", ")));
            }
        }
        lines
    }

    fn not_run(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for status in [Status::Skipped, Status::Waived, Status::Warned, Status::Cancelled] {
            lines.extend(self.by_reason(status));
        }
        for (root, count) in self.blocked() {
            let mark = self.style.mark(Status::Blocked);
            lines.push(format!("{mark} {} blocked by {}", counted(count, "stage"), self.key(root)));
        }
        lines
    }

    /// Stages that share a reason share a line.
    fn by_reason(&self, status: Status) -> Vec<String> {
        let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
        for node in self.board.nodes_in(&[status]) {
            let reason = self.board.rows[node as usize].reason.as_deref().unwrap_or("no reason recorded");
            match groups.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, keys)) => keys.push(self.key(node)),
                None => groups.push((reason, vec![self.key(node)])),
            }
        }
        let mark = self.style.mark(status);
        let own = format!("{} by ", status.word());
        let line = |(reason, keys): &(&str, Vec<&str>)| match reason.starts_with(&own) {
            true => format!("{mark} {}: {reason}", listed(keys)),
            false => format!("{mark} {} {}: {reason}", listed(keys), status.word()),
        };
        groups.iter().map(line).collect()
    }

    fn blocked(&self) -> Vec<(NodeIndex, usize)> {
        let mut roots = std::collections::BTreeMap::new();
        for root in self.board.rows.iter().filter_map(|row| row.root) {
            *roots.entry(root).or_insert(0) += 1;
        }
        roots.into_iter().collect()
    }

    /// Who must do what before it can go on.
    fn waits(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for node in self.board.nodes_in(&[Status::Waiting]) {
            let row = &self.board.rows[node as usize];
            if row.approval.is_none() {
                continue;
            }
            let mark = self.style.mark(Status::Waiting);
            lines.push(format!("{mark} {} waits for {}", self.key(node), approvals(row)));
            lines.push(self.next(&format!("approve {} {}", self.run, self.key(node))));
        }
        for node in self.board.nodes_in(&[Status::Unknown]) {
            let reason = self.board.rows[node as usize].reason.as_deref().unwrap_or("it was interrupted");
            lines.push(format!("{} {}: {reason}", self.style.mark(Status::Unknown), self.key(node)));
            lines.push(self.next(&format!("resume {} --rerun {}", self.run, self.key(node))));
            lines.push(self.next(&format!("resume {} --mark-done {}", self.run, self.key(node))));
        }
        if !lines.is_empty() && !self.board.nodes_in(&[Status::Waiting]).is_empty() {
            lines.push(self.next(&format!("resume {}", self.run)));
        }
        lines
    }

    fn cause(&self) -> Vec<String> {
        let Some(ending) = &self.board.ending else { return Vec::new() };
        if matches!(ending.status, RunStatus::Succeeded | RunStatus::Waiting | RunStatus::Running) {
            return Vec::new();
        }
        match self.board.culprit() {
            Some(node) => self.failure(node, ending.cause.as_deref()),
            None => {
                // The headline has said the bare word already.
                let cause = ending.cause.as_deref().filter(|cause| *cause != ending.status.word());
                let mut lines: Vec<String> =
                    cause.map(|cause| self.style.paint(Ink::Bad, cause)).into_iter().collect();
                if ending.status != RunStatus::RolledBack {
                    lines.push(self.next(&format!("resume {}", self.run)));
                }
                lines
            }
        }
    }

    fn failure(&self, node: NodeIndex, cause: Option<&str>) -> Vec<String> {
        let Some(row) = self.board.rows.get(node as usize) else { return Vec::new() };
        let words = row.reason.as_deref().or(cause).unwrap_or("it failed");
        let head = format!("{} {}: {words}", self.style.symbol(Status::Failed), self.key(node));
        let mut lines = vec![String::new(), self.style.paint(Ink::Bad, &head)];
        if let Some(error) =
            row.gate_error.as_deref().or(row.error.as_deref()).filter(|text| !words.contains(text))
        {
            lines.push(format!("  {}", one_line(error, 200)));
        }
        let told = |text: &str| words.contains(&format!("`{text}`"));
        for check in row.checks.iter().filter(|check| !check.held && !told(&check.text)) {
            lines.push(format!("  {} did not hold: {} ({})", check.text, check.values, check.place));
        }
        let words = if self.said.is_empty() { &row.tail } else { self.said };
        lines.extend(words.iter().map(|line| format!("  {line}")));
        let known = self.known.iter().filter(|(of, _)| *of == node);
        lines.extend(known.map(|(_, words)| format!("  {words}")));
        if let Some(place) = self.plan.nodes.get(node as usize).map(|node| node.place.as_str()) {
            lines.push(format!("  defined at {place}"));
        }
        lines.extend(help::lines(self.advice, self.style));
        lines.push(self.next(&format!("logs {} {}", self.run, self.key(node))));
        lines.push(self.next(&format!("why {} {}", self.run, self.key(node))));
        if self.board.rollback.is_none() {
            lines.extend(self.ways_on(node, row.attempts > 0));
        } else if self.board.rollback.as_ref().is_some_and(|rollback| rollback.finished.is_none()) {
            lines.push(self.next(&format!("resume {}", self.run)));
        }
        lines
    }

    /// A `once` stage that began is never simply run again: a person says what is true of it.
    fn ways_on(&self, node: NodeIndex, began: bool) -> Vec<String> {
        let once = self.plan.nodes.get(node as usize).is_some_and(|node| node.effect == Effect::Once);
        match once && began {
            true => ["--rerun", "--mark-done"]
                .map(|way| self.next(&format!("resume {} {way} {}", self.run, self.key(node))))
                .into(),
            false => vec![self.next(&format!("resume {}", self.run))],
        }
    }

    fn next(&self, command: &str) -> String {
        format!("  next: {} {command}", self.program)
    }

    fn key(&self, node: NodeIndex) -> &str {
        self.plan.nodes.get(node as usize).map_or("?", |node| node.key.as_str())
    }
}

/// `2 approvals from managers, 1 given`.
pub(super) fn approvals(row: &super::board::Row) -> String {
    let (count, group) = row.approval.as_ref().map_or((1, ""), |(count, group)| (*count, group.as_str()));
    let given = if row.approved > 0 { format!(", {} given", row.approved) } else { String::new() };
    format!("{} from {group}{given}", counted(count as usize, "approval"))
}

/// The first names, and how many more there are.
fn listed(keys: &[&str]) -> String {
    match keys.len() {
        0..=NAMED => keys.join(", "),
        many => format!("{} and {} more", keys[..NAMED].join(", "), many - NAMED),
    }
}

/// `stage` or `gate`, for a person.
pub fn kind(kind: StageKind) -> &'static str {
    match kind {
        StageKind::Stage => "stage",
        StageKind::Gate => "gate",
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::base::Timestamp;
    use crate::event::{AttemptStatus, Event, Outcome, Record, Usage};

    fn text(events: Vec<Event>) -> String {
        let plan = fixture::plan();
        let records: Vec<Record> =
            (1..).zip(events).map(|(seq, event)| Record { seq, at: Timestamp(0), event }).collect();
        let board = Board::from_records(plan.nodes.len(), &records);
        let ended = Ended {
            program: "wfl",
            run: "r1",
            plan: &plan,
            board: &board,
            known: &[],
            style: Style::default(),
            advice: &[],
            said: &[],
        };
        ended.text()
    }

    fn failed() -> Vec<Event> {
        let outcome = Outcome {
            status: AttemptStatus::Failed,
            exit: Some(1),
            signal: None,
            duration_ms: 2,
            error: None,
            stderr: "line one\nassertion failed: x\n".into(),
            stdout: String::new(),
            usage: Usage::default(),
            log_cut: false,
            class: None,
            injected: false,
        };
        vec![
            Event::AttemptFinished { node: 1, attempt: 1, outcome },
            Event::StageFinished {
                node: 1,
                status: Status::Failed,
                reason: Some("exit 1".into()),
                outputs: Default::default(),
                duration_ms: 2,
            },
            Event::StagesBlocked { root: 1, nodes: vec![2] },
            Event::RunFinished {
                status: RunStatus::Failed,
                exit: 1,
                cause: Some("unit failed".into()),
                node: Some(1),
                duration_ms: 9,
            },
        ]
    }

    #[test]
    fn the_root_cause_stands_last_with_its_output_and_the_next_commands() {
        let text = text(failed());
        let at = |needle: &str| text.find(needle).unwrap_or_else(|| panic!("{needle} is missing in {text}"));
        assert!(at("1 stage blocked by unit") < at("unit: exit 1"));
        assert!(at("unit: exit 1") < at("assertion failed: x"));
        assert!(at("assertion failed: x") < at("next: wfl logs r1 unit"));
        assert!(text.ends_with("next: wfl resume r1\n"), "{text}");
    }

    #[test]
    fn stages_that_share_a_reason_share_a_line() {
        let skipped = |node, reason: &str| Event::StageFinished {
            node,
            status: Status::Skipped,
            reason: Some(reason.into()),
            outputs: Default::default(),
            duration_ms: 0,
        };
        let text = text(vec![skipped(0, "no docs"), skipped(1, "when is false"), skipped(2, "no docs")]);
        assert!(text.contains("- build, deploy skipped: no docs\n- unit skipped: when is false"), "{text}");
    }

    #[test]
    fn approvals_given_so_far_are_counted() {
        let asked = Event::ApprovalRequested { node: 2, count: 2, group: "managers".into(), expires: None };
        let given = Event::ApprovalGiven { node: 2, by: "ada".into(), approved: true, comment: None };
        let text = text(vec![asked, given]);
        assert!(text.contains("waits for 2 approvals from managers, 1 given"), "{text}");
    }

    #[test]
    fn a_waiting_run_says_who_must_do_what() {
        let text = text(vec![
            Event::ApprovalRequested { node: 2, count: 1, group: "managers".into(), expires: None },
            Event::RunFinished {
                status: RunStatus::Waiting,
                exit: 4,
                cause: None,
                node: None,
                duration_ms: 9,
            },
        ]);
        assert!(text.contains("deploy waits for 1 approval from managers"), "{text}");
        assert!(text.contains("wfl approve r1 deploy"), "{text}");
    }

    #[test]
    fn an_interrupted_once_stage_offers_both_ways_on() {
        let text = text(vec![Event::StageUnknown { node: 2, reason: "the program was killed".into() }]);
        assert!(text.contains("--rerun deploy") && text.contains("--mark-done deploy"), "{text}");
    }
}

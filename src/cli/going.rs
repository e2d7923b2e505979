//! A run on its way, seen from the command line: what shows it, who is asked, what stops it, and how it ended.

use std::io::Write;
use std::sync::{Arc, Mutex};

use crate::capture::LineSink;
use crate::embed::{self, Error, Foretold, Going, Session, identity};
use crate::engine::drive::{Control, Mode};
use crate::engine::input::Reuse;
use crate::event::NodeIndex;
use crate::observe::actions::Workflow;
use crate::observe::ahead::{DRAWN, Outlook, WRITTEN};
use crate::observe::board::{Board, Shared};
use crate::observe::json::JsonLines;
use crate::observe::live::{Live, Screen};
use crate::observe::plain::{Lines, PlainLines, Show, shown};
use crate::port::{Observer, People};

use super::args::{self, Durability, Format};
use super::ending::Ending;
use super::exit::{self, Code};
use super::output::Terminal;
use super::people::{AlwaysYes, AtTerminal, Nobody};
use super::signals::Watch;

/// Drives the run to its end, or until it waits for people.
pub fn drive(session: Session, args: &args::Going, terminal: &Terminal) -> Result<Code, Error> {
    session.mended.iter().for_each(|line| terminal.say(&format!("note: {line}")));
    let board = Arc::new(Mutex::new(Board::from_records(session.plan.nodes.len(), &session.past)));
    let screen = (args.format == Format::Human && terminal.live()).then(Screen::default);
    let control = Arc::new(Control::default());
    let watch = Watch::start(control.clone(), screen.clone());
    let workflow = workflow(args);
    let ending = Ending::watch(&session);
    let foretold = if args.format == Format::Human { session.foretold() } else { None };
    if let Some(foretold) = foretold.as_ref().filter(|_| session.past.is_empty()) {
        terminal.say(&foretold.words());
    }
    let screen_for_lines = screen.clone();
    let going = Going {
        yes: args.yes,
        keep_going: false,
        durability: durability(args.durability),
        observers: vec![
            Box::new(Shared(board.clone())),
            ending.observer(),
            observer(&session, args, terminal, (screen.clone(), foretold), &workflow),
        ],
        people: people(&session, args, terminal, screen),
        control,
        lines: sink(&session, args, terminal, screen_for_lines),
        renderer: itself(),
        adopts_orphans: true,
        reuse: Reuse { fresh: args.fresh, verify: args.verify_reuse },
        no_repair: args.no_repair,
        yes_destructive: args.yes_destructive,
        unrecorded: args.no_snapshot,
    };
    // Output shown as it comes is there before any event.
    let live = workflow.as_ref().filter(|_| shows_live(args));
    live.into_iter().for_each(|workflow| terminal.say(&workflow.stop()));
    let ended = session.drive(going);
    live.into_iter().for_each(|workflow| terminal.say(&workflow.go_on()));
    drop(watch);
    let ended = ended?;
    if let Ok(board) = board.lock()
        && args.format == Format::Human
    {
        terminal.say(&guarded(&ending.text(&board, &ended.earlier, terminal.err), workflow.as_ref()));
    }
    ended.outdated.iter().for_each(|line| terminal.say(&format!("note: {line}")));
    ended.isolated.iter().for_each(|line| terminal.say(line));
    if let Some(warning) = &ended.warning {
        terminal.error(&format!("the run is recorded, but {}", warning.message), &warning.help);
    }
    Ok(if ended.exit == Code::Bug as i32 {
        engine_bug(&ended, terminal)
    } else {
        exit::of_ended(ended.status, ended.exit)
    })
}

/// This program, even when its file was replaced meanwhile.
fn itself() -> Option<std::path::PathBuf> {
    let running = std::path::PathBuf::from("/proc/self/exe");
    if running.exists() { Some(running) } else { std::env::current_exe().ok() }
}

fn engine_bug(ended: &embed::Ended, terminal: &Terminal) -> Code {
    let what = ended.cause.as_deref().unwrap_or("the engine contradicted itself");
    terminal.error(&format!("this is a bug in wfl: {what}"), "what was recorded is safe; please report it");
    Code::Bug
}

fn durability(chosen: Durability) -> Mode {
    match chosen {
        Durability::Every => Mode::Every,
        Durability::Barrier => Mode::Barrier,
        Durability::Process => Mode::Process,
    }
}

/// On GitHub Actions, with a token that no stage can guess.
fn workflow(args: &args::Going) -> Option<Workflow> {
    let there = std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true");
    (there && args.format == Format::Human).then(|| Workflow::new(format!("{:032x}", rand::random::<u128>())))
}

/// The end of a failed stage's output stands in the summary too.
fn guarded(text: &str, workflow: Option<&Workflow>) -> String {
    match workflow {
        Some(workflow) => format!("{}\n{}\n{}", workflow.stop(), text.trim_end(), workflow.go_on()),
        None => text.to_string(),
    }
}

fn shows_live(args: &args::Going) -> bool {
    matches!(args.output, args::Output::Prefixed | args::Output::Interleaved) && args.format == Format::Human
}

/// Shows output as it comes where that was asked for, and on a live view each stage's last line.
fn sink(
    session: &Session,
    args: &args::Going,
    terminal: &Terminal,
    screen: Option<Screen>,
) -> Option<LineSink> {
    let prefixed = args.output == args::Output::Prefixed;
    let whole = shows_live(args);
    if !whole && (screen.is_none() || args.output == args::Output::None) {
        return None;
    }
    let (plan, style) = (session.plan.clone(), terminal.err);
    let key = move |node: NodeIndex| {
        plan.nodes.get(node as usize).map_or("finally".into(), |node| node.key.clone())
    };
    Some(Arc::new(move |node, _, line| {
        if whole {
            let key = prefixed.then(|| key(node));
            let text = shown(key.as_deref(), line, style);
            match &screen {
                Some(screen) => screen.line(&text),
                None => write_whole(text),
            }
        }
        if let Some(screen) = &screen {
            screen.wrote(node, line);
        }
    }))
}

/// In one write: many stages write at once, and a line is never torn. A reader that is slow holds the stage up, one that
/// is gone does not.
fn write_whole(mut line: String) {
    line.push('\n');
    let _ = std::io::stderr().write_all(line.as_bytes());
}

fn observer(
    session: &Session,
    args: &args::Going,
    terminal: &Terminal,
    (screen, foretold): (Option<Screen>, Option<Foretold>),
    workflow: &Option<Workflow>,
) -> Box<dyn Observer> {
    if args.format == Format::Json {
        let names = session.plan.nodes.iter().map(|node| node.key.clone()).collect();
        return Box::new(JsonLines::new(session.run.0.clone(), names, std::io::stdout()));
    }
    let show = match args.output {
        args::Output::Failed => Show::Failed,
        args::Output::Grouped => Show::Grouped,
        args::Output::Prefixed | args::Output::Interleaved => Show::Live,
        args::Output::None => Show::None,
    };
    let mut lines = Lines::new(session.plan.clone(), terminal.err, show, session.output())
        .with_workflow(workflow.clone());
    session.past.iter().for_each(|record| lines.remember(record));
    let forecast = foretold.map(|foretold| foretold.watch());
    match screen {
        Some(screen) => Box::new(Live::new(lines, screen).with_outlook(Outlook::of(forecast, DRAWN))),
        None => {
            let outlook = Outlook::of(forecast, WRITTEN);
            Box::new(PlainLines::new(lines, std::io::stderr()).with_outlook(outlook))
        }
    }
}

fn people(
    session: &Session,
    args: &args::Going,
    terminal: &Terminal,
    screen: Option<Screen>,
) -> Option<Arc<dyn People>> {
    if !terminal.can_ask() && !args.yes {
        return None;
    }
    // Git is asked for the name: only where somebody answers.
    let (who, groups) = (identity(&session.plan.root), session.plan.groups.clone());
    Some(match (terminal.can_ask(), args.yes) {
        (false, _) => Arc::new(AlwaysYes(Nobody, who)),
        (true, false) => Arc::new(AtTerminal::new(who, groups, screen)),
        (true, true) => Arc::new(AlwaysYes(AtTerminal::new(who.clone(), groups, screen), who)),
    })
}

//! What people are told when a stage fails: every message of the library against ones it has not seen, ordinary output
//! against all of them, and the whole way from a log to the screen.

mod bundle;
mod ordinary;
mod shown;

use std::collections::BTreeMap;

use wfl::embed::help::advise_on;
use wfl::observe::help::Advice;

const MESSAGES: &str = include_str!("messages.txt");

/// A failure of the collection: which help it should be shown, and what the attempt ended with.
struct Message {
    title: &'static str,
    exit: i32,
    timed_out: bool,
    text: String,
}

fn messages() -> Vec<Message> {
    let mut title = "";
    let mut all = Vec::new();
    for line in MESSAGES.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")) {
        if let Some(next) = line.strip_prefix("== ") {
            title = next;
            continue;
        }
        let (how, text) = match line.split_once(" | ") {
            Some((how, text)) if how == "timeout" || how.starts_with("exit=") => (how, text),
            _ => ("exit=1", line),
        };
        let exit = how.strip_prefix("exit=").map_or(143, |exit| exit.parse().unwrap());
        let text = text.replace("\\n", "\n");
        all.push(Message { title, exit, timed_out: how == "timeout", text });
    }
    all
}

fn titles() -> Vec<&'static str> {
    let (_, text) = wfl::load::std_modules().iter().find(|(name, _)| *name == "help").unwrap();
    let titles = text.lines().filter_map(|line| line.strip_prefix("help \"")?.strip_suffix("\" {"));
    titles.collect()
}

fn told(message: &Message, before: &str) -> Vec<Advice> {
    let stderr = format!("{before}{}\n", message.text);
    advise_on(Some(message.exit), message.timed_out, &stderr, "")
}

#[test]
fn every_message_of_the_library_is_found_in_words_it_has_not_seen() {
    let mut wrong = String::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for message in messages() {
        *seen.entry(message.title).or_default() += 1;
        let advice = told(&message, "Compiling app\nwarning: unused variable: `x`\n");
        let first = advice.first().map_or("nothing", |advice| advice.title.as_str());
        if first != message.title {
            wrong.push_str(&format!("{:?}\n   should be `{}`, is `{first}`\n", message.text, message.title));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    let titles = titles();
    assert!(titles.len() >= 60, "{} messages", titles.len());
    let unseen: Vec<&&str> = titles.iter().filter(|title| !seen.contains_key(*title)).collect();
    assert!(unseen.is_empty(), "nothing tries {unseen:?}");
    println!("{} helps, {} unseen messages", titles.len(), seen.values().sum::<usize>());
}

/// The ten of the original system, of which it knew three.
#[test]
fn the_originals_own_messages_are_all_explained() {
    let all = [
        "ModuleNotFoundError: No module named 'x'",
        "Permission denied: /a",
        "timed out",
        "fatal: not a git repository",
        "gh: command not found",
        "network_error",
        "git_error",
    ];
    for message in all {
        assert!(!advise_on(Some(1), false, message, "").is_empty(), "{message}");
    }
}

#[test]
fn the_line_is_quoted_and_the_words_are_filled_in() {
    for message in messages() {
        let Some(advice) = told(&message, "first\n").into_iter().next() else { continue };
        let line = advice.line.clone().unwrap_or_default();
        assert!(message.text.contains(line.trim()), "{line:?} is not in {:?}", message.text);
        assert!(!advice.title.is_empty() && !advice.cause.is_empty() && !advice.attempt.is_empty());
        assert!(!advice.attempt.starts_with('-'), "{}", advice.attempt);
    }
    let module = advise_on(Some(1), false, "ModuleNotFoundError: No module named 'yaml'", "");
    assert_eq!(module[0].attempt, "python3 -m pip install yaml");
    let evil =
        advise_on(Some(1), false, "bash: line 1: a;rm: command not found\nerror: no such command: `--x`", "");
    assert!(
        evil.iter().all(|advice| !advice.attempt.contains("a;rm") && !advice.attempt.contains("--x")),
        "{evil:?}"
    );
}

#[test]
fn a_message_on_standard_output_is_found_too_and_it_is_said() {
    let advice = advise_on(
        Some(2),
        false,
        "make: *** [Makefile:3: test] Error 1",
        "E   ModuleNotFoundError: No module named 'a'",
    );
    assert_eq!((advice[0].stream, advice.len()), ("stdout", 1));
}

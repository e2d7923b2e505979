//! What learning costs: seconds to train for 100,000 events, microseconds a prediction and an update, memory at a million
//! events, bytes of what would be stored. Prints a table; judges nothing.
//!
//! `cargo bench --bench learning --profile bench-fast [-- EVENTS…]`

use std::process::Command;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use wfl::learn::next::Model;
use wfl::learn::split::{Order, Split};
use wfl::learn::{Case, Column, Log, Values};

const ACTIVITIES: u32 = 24;

fn main() {
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    if let (Ok(_), [events]) = (std::env::var("WFL_BENCH_ALONE"), asked.as_slice()) {
        return row(*events);
    }
    println!("| events | train | per 100,000 | prediction p50 | p99 | update | snapshot | memory |");
    println!("|---|---|---|---|---|---|---|---|");
    for events in if asked.is_empty() { vec![10_000, 100_000, 1_000_000] } else { asked } {
        // A process each: the most memory it ever had is that of this size.
        let program = std::env::current_exe().expect("this program");
        let status = Command::new(program).arg(events.to_string()).env("WFL_BENCH_ALONE", "1").status();
        assert!(status.is_ok_and(|status| status.success()), "the row of {events} events failed");
    }
}

fn row(events: usize) {
    let log = synthetic(events, 1);
    let split = Split::of(&log, Order::Start);
    let began = Instant::now();
    let mut model = Model::train(&log, &split.train, 1);
    let train = began.elapsed().as_secs_f64();
    let learned: usize = split.train.iter().map(|&case| log.cases[case].events.len()).sum();
    let memory = peak();
    let mut said = Vec::new();
    let mut predicted = Vec::new();
    for &case in split.test.iter().take(20_000) {
        for length in 2..=log.cases[case].events.len() {
            let began = Instant::now();
            model.predict(&log, case, length, &mut said);
            predicted.push(began.elapsed().as_nanos() as f64 / 1e3);
        }
    }
    let bytes = model.bytes().len();
    let began = Instant::now();
    let mut updates = 0;
    for &case in split.test.iter().take(20_000) {
        (0..=log.cases[case].events.len()).for_each(|length| model.update(&log, case, length));
        updates += log.cases[case].events.len() + 1;
    }
    let update = began.elapsed().as_secs_f64() * 1e6 / updates as f64;
    predicted.sort_by(f64::total_cmp);
    let at = |share: f64| predicted[(predicted.len() as f64 * share) as usize];
    println!(
        "| {events} | {train:.3} s | {:.3} s | {:.1} µs | {:.1} µs | {update:.1} µs | {:.2} MB | {memory} |",
        train * 1e5 / learned as f64,
        at(0.5),
        at(0.99),
        bytes as f64 / 1e6
    );
}

/// The most memory that this process ever had.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.map_or_else(|| "unknown".to_string(), |kilobytes| format!("{:.0} MB", kilobytes / 1024.0))
}

/// Cases of about sixteen events whose next step depends on the two before, on an attribute and on chance.
fn synthetic(events: usize, seed: u64) -> Log {
    let mut draw = StdRng::seed_from_u64(seed);
    let mut log =
        Log { activities: (0..ACTIVITIES).map(|name| format!("stage {name}")).collect(), ..Log::default() };
    let (mut resource, mut amount) = (Vec::with_capacity(events), Vec::with_capacity(events));
    while log.activity.len() < events {
        let (from, kind) = (log.activity.len(), draw.random_range(0..4u32));
        let (mut last, mut before) = (0, 0);
        let mut at = 1_600_000_000_000 + log.cases.len() as i64 * 60_000;
        for _ in 0..draw.random_range(4..28) {
            let next = if draw.random_bool(0.3) {
                draw.random_range(0..ACTIVITIES)
            } else {
                (last + before + kind) % ACTIVITIES
            };
            (before, last) = (last, next);
            at += draw.random_range(1_000..900_000);
            log.activity.push(next);
            log.at.push(at);
            resource.push((next * 7 + draw.random_range(0..3)) % 40);
            amount.push(draw.random_range(0.0..1000.0f32));
        }
        let id = format!("case {}", log.cases.len()).into();
        log.cases.push(Case { id, events: from..log.activity.len(), failed: None });
    }
    let names = (0..40).map(|name| format!("resource {name}")).collect();
    log.columns = vec![
        Column { name: "resource".into(), values: Values::Words { codes: resource, names } },
        Column { name: "amount".into(), values: Values::Numbers(amount) },
    ];
    log
}

//! Which events stay, in which order: by case and time, one of each beginning and end, and no file pasted twice.

use rustc_hash::FxHashMap;

use super::{Assembly, Part};

/// Of the rows, how many must be repeated for the file to be one that holds them twice: fewer are events that came twice.
const TWICE: usize = 5;

/// Places of events, those of a case together.
#[derive(Debug, Default)]
pub(super) struct Order {
    pub events: Vec<u32>,
    /// By case: how many events it has.
    pub counts: Vec<u32>,
}

pub(super) fn of(all: &mut Assembly) -> Order {
    let stays = transitions(all);
    let mut order = grouped(all, stays.as_deref());
    by_time(all, &mut order);
    repeated(all, &mut order);
    order
}

/// Where both beginnings and ends are told, the ends stay and know how long it took. None: all stay.
fn transitions(all: &mut Assembly) -> Option<Vec<bool>> {
    let count = |part: Part| all.part.iter().filter(|other| **other == part).count();
    let (ends, told) = (count(Part::Complete), all.part.len() - count(Part::Unsaid));
    if ends == 0 || ends == told {
        return None;
    }
    let mut begun: FxHashMap<(u32, u32), Vec<i64>> = FxHashMap::default();
    for event in 0..all.part.len() {
        let what = (all.case[event], all.activity[event]);
        match all.part[event] {
            Part::Start => begun.entry(what).or_default().push(all.at[event]),
            Part::Complete => {
                let starts = begun.get_mut(&what).filter(|starts| !starts.is_empty());
                let known = all.took.get(event).is_some_and(|took| !took.is_nan());
                if let Some(start) =
                    starts.map(|starts| starts.remove(0)).filter(|start| *start <= all.at[event] && !known)
                {
                    if all.took.len() <= event {
                        all.took.resize(event + 1, f32::NAN);
                    }
                    all.took[event] = (all.at[event] - start) as f32;
                }
            }
            Part::Other | Part::Unsaid => {}
        }
    }
    all.notes.push(format!("of {told} events with a transition, the {ends} that complete were taken"));
    Some(all.part.iter().map(|part| matches!(part, Part::Complete | Part::Unsaid)).collect())
}

fn grouped(all: &Assembly, stays: Option<&[bool]>) -> Order {
    let stays = |event: usize| stays.is_none_or(|stays| stays[event]);
    let mut counts = vec![0u32; all.cases.len()];
    (0..all.case.len()).filter(|event| stays(*event)).for_each(|event| counts[all.case[event] as usize] += 1);
    let mut next = Vec::with_capacity(counts.len());
    let mut total = 0u32;
    for count in &counts {
        next.push(total as usize);
        total += count;
    }
    let mut events = vec![0u32; total as usize];
    for event in (0..all.case.len()).filter(|event| stays(*event)) {
        let place = &mut next[all.case[event] as usize];
        events[*place] = event as u32;
        *place += 1;
    }
    Order { events, counts }
}

fn by_time(all: &Assembly, order: &mut Order) {
    each_case(order, |events| {
        let at = |event: &u32| all.at[*event as usize];
        if !events.is_sorted_by_key(at) {
            events.sort_by_key(at);
        }
    });
}

fn each_case(order: &mut Order, mut work: impl FnMut(&mut [u32])) {
    let mut rest = order.events.as_mut_slice();
    for count in &order.counts {
        let (events, after) = rest.split_at_mut(*count as usize);
        work(events);
        rest = after;
    }
}

/// A row that is there twice may be two events; a file in which many are holds them twice.
fn repeated(all: &mut Assembly, order: &mut Order) {
    let mut again = vec![false; all.case.len()];
    each_case(order, |events| {
        for moment in
            events.chunk_by(|a, b| all.at[*a as usize] == all.at[*b as usize]).filter(|same| same.len() > 1)
        {
            let mut rows: Vec<(u64, u32)> =
                moment.iter().map(|event| (all.hash[*event as usize], *event)).collect();
            rows.sort_unstable();
            rows.windows(2)
                .filter(|two| two[0].0 == two[1].0)
                .for_each(|two| again[two[1].1 as usize] = true);
        }
    });
    let count = again.iter().filter(|again| **again).count();
    if count == 0 {
        return;
    }
    if count * TWICE < order.events.len() {
        all.notes.push(format!(
            "{count} rows repeat another one in every column; they were taken as events of their own"
        ));
        return;
    }
    all.notes.push(format!(
        "{count} rows repeat another one in every column: the file holds them twice, and they count once"
    ));
    let mut from = 0;
    for count in &mut order.counts {
        let to = from + *count as usize;
        *count = order.events[from..to].iter().filter(|event| !again[**event as usize]).count() as u32;
        from = to;
    }
    order.events.retain(|event| !again[*event as usize]);
}

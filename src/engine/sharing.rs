//! What each node asks for of locks, pools and tools, worked out once a process. A call holds what its stage asks for
//! from its opening to its closing; inside it the same name is a share of what the call holds, which the called stages
//! take in turns. So that no two calls can wait for each other, a call that holds anything takes at its opening also
//! what the stages inside it ask for. Takes and gives back nothing itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::coord::{ResourceId, Shares};
use crate::event::{NodeIndex, WaitFor};
use crate::plan::Plan;
use crate::port::Want;

type Name = (WaitFor, String);

/// What each node asks for.
pub(super) struct Wants {
    /// Of the run's own shares, for every node.
    pub inside: Vec<Vec<ResourceId>>,
    /// Of what other runs may hold, for those nodes that ask for any.
    pub beyond: BTreeMap<NodeIndex, Vec<Want>>,
}

/// The resources of each node.
pub(super) fn wants(plan: &Plan, shares: &mut Shares) -> Wants {
    let held = held(plan);
    let mut beyond: BTreeMap<NodeIndex, Vec<Want>> = BTreeMap::new();
    let inside = (0..plan.nodes.len() as NodeIndex)
        .map(|node| {
            let tool = plan.nodes[node as usize].gate.as_ref().and_then(|gate| gate.tool.as_ref());
            let mut found: Vec<ResourceId> =
                tool.map(|name| shares.resource(None, name, 1)).into_iter().collect();
            let opens = plan.opened_by(node);
            let asked = match opens {
                Some(call) => held[call as usize].clone(),
                None => own(plan, node),
            };
            for (kind, name) in asked {
                let around = plan.around(node).filter(|call| Some(*call) != opens);
                let holder =
                    around.into_iter().find(|call| held[*call as usize].contains(&(kind, name.clone())));
                let slots = match kind {
                    WaitFor::Pool => plan.pools.get(&name).copied().unwrap_or(1),
                    _ => 1,
                };
                found.push(match holder {
                    Some(call) => {
                        let key = &plan.nodes[plan.calls[call as usize].closing as usize].key;
                        shares.resource(Some(kind), &format!("{name} within {key}"), 1)
                    }
                    None => {
                        let want = Want { on: kind, name: name.clone(), slots };
                        beyond.entry(node).or_default().push(want);
                        shares.resource(Some(kind), &name, slots)
                    }
                });
            }
            found
        })
        .collect();
    Wants { inside, beyond }
}

fn own(plan: &Plan, node: NodeIndex) -> BTreeSet<Name> {
    let spec = &plan.nodes[node as usize];
    let lock = spec.lock.iter().map(|name| (WaitFor::Lock, name.clone()));
    lock.chain(spec.pool.iter().map(|name| (WaitFor::Pool, name.clone()))).collect()
}

/// What each call holds: nothing, or its own and all that is asked for inside it.
fn held(plan: &Plan) -> Vec<BTreeSet<Name>> {
    let mut held: Vec<BTreeSet<Name>> = plan.calls.iter().map(|call| own(plan, call.opening)).collect();
    let holds: Vec<bool> = held.iter().map(|names| !names.is_empty()).collect();
    for node in 0..plan.nodes.len() as NodeIndex {
        let asked = own(plan, node);
        if asked.is_empty() {
            continue;
        }
        for call in plan.around(node).filter(|call| holds[*call as usize]) {
            held[call as usize].extend(asked.iter().cloned());
        }
    }
    held
}

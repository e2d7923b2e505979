//! Pure steps of what the stages of one run share: named locks (one holder) and pools (so many). Does no IO, knows no
//! plan and no events; what runs share with each other is in `lease` and `breaker`.

pub mod breaker;
pub mod lease;

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::event::{NodeIndex, WaitFor};

/// Who goes first: highest priority, then lowest number, then plan order.
pub type Rank = (Reverse<u32>, u32, NodeIndex);

/// Index of a resource in its [`Shares`].
pub type ResourceId = usize;

#[derive(Clone, Debug)]
struct Resource {
    name: String,
    /// How waiting for it is called; none for what nobody needs to be told of.
    kind: Option<WaitFor>,
    capacity: u32,
    holders: BTreeSet<NodeIndex>,
    parked: BTreeSet<Rank>,
}

/// Everything the stages of a run share, who holds it and who waits.
#[derive(Clone, Debug, Default)]
pub struct Shares {
    resources: Vec<Resource>,
}

/// Why a stage cannot have what it asks for now.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    pub resource: ResourceId,
    pub kind: Option<WaitFor>,
    pub name: String,
    pub holders: Vec<NodeIndex>,
}

impl Shares {
    /// The resource of that kind and name; made with `capacity` when it is new.
    pub fn resource(&mut self, kind: Option<WaitFor>, name: &str, capacity: u32) -> ResourceId {
        let known = self.resources.iter().position(|other| other.kind == kind && other.name == name);
        known.unwrap_or_else(|| {
            self.resources.push(Resource {
                name: name.to_owned(),
                kind,
                capacity: capacity.max(1),
                holders: BTreeSet::new(),
                parked: BTreeSet::new(),
            });
            self.resources.len() - 1
        })
    }

    /// Takes all of `wants` or none. What the node holds already it may hold again.
    /// When one is taken, the node is parked there and comes back from [`Shares::release`].
    pub fn take(&mut self, rank: Rank, wants: &[ResourceId]) -> Result<(), Taken> {
        let node = rank.2;
        let full = wants.iter().copied().find(|&id| !self.has_room(id, node));
        let Some(id) = full else {
            for &want in wants {
                self.resources[want].parked.remove(&rank);
                self.resources[want].holders.insert(node);
            }
            return Ok(());
        };
        let resource = &mut self.resources[id];
        resource.parked.insert(rank);
        Err(Taken {
            resource: id,
            kind: resource.kind,
            name: resource.name.clone(),
            holders: resource.holders.iter().copied().collect(),
        })
    }

    /// Gives back what the node holds of `wants`; returns the waiting stages that may try again.
    pub fn release(&mut self, node: NodeIndex, wants: &[ResourceId]) -> Vec<Rank> {
        let mut woken = Vec::new();
        for &id in wants {
            if self.resources[id].holders.remove(&node) {
                woken.extend(self.wake(id));
            }
        }
        woken
    }

    /// The next stages that wait for any of `wants` with room in it: for when a woken stage turned elsewhere.
    pub fn pass_on(&mut self, wants: &[ResourceId]) -> Vec<Rank> {
        wants.iter().filter_map(|&id| self.wake(id)).collect()
    }

    /// Stages parked on a resource that one of `holders` keeps.
    pub fn parked_behind(&self, holders: &BTreeSet<NodeIndex>) -> Vec<(NodeIndex, NodeIndex, String)> {
        let mut parked = Vec::new();
        for resource in &self.resources {
            if let Some(&holder) = resource.holders.iter().find(|holder| holders.contains(holder)) {
                parked.extend(resource.parked.iter().map(|rank| (rank.2, holder, resource.name.clone())));
            }
        }
        parked
    }

    /// The node waits no more, for whatever reason.
    pub fn forget(&mut self, rank: Rank, wants: &[ResourceId]) {
        for &id in wants {
            self.resources[id].parked.remove(&rank);
        }
    }

    fn has_room(&self, id: ResourceId, node: NodeIndex) -> bool {
        let resource = &self.resources[id];
        resource.holders.contains(&node) || (resource.holders.len() as u32) < resource.capacity
    }

    fn wake(&mut self, id: ResourceId) -> Option<Rank> {
        let resource = &mut self.resources[id];
        if resource.holders.len() as u32 >= resource.capacity {
            return None;
        }
        resource.parked.pop_first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(node: NodeIndex) -> Rank {
        (Reverse(1), node, node)
    }

    #[test]
    fn a_lock_has_one_holder_and_wakes_the_first_in_rank() {
        let mut shares = Shares::default();
        let lock = shares.resource(Some(WaitFor::Lock), "production", 1);
        assert_eq!(shares.take(rank(0), &[lock]), Ok(()));
        assert_eq!(shares.take(rank(0), &[lock]), Ok(()), "re-entrant for its holder");
        assert_eq!(shares.take(rank(2), &[lock]).map_err(|taken| taken.holders), Err(vec![0]));
        assert!(shares.take(rank(1), &[lock]).is_err());
        assert_eq!(shares.release(0, &[lock]), vec![rank(1)]);
        assert_eq!(shares.take(rank(1), &[lock]), Ok(()));
    }

    #[test]
    fn a_pool_has_slots_and_taking_is_all_or_nothing() {
        let mut shares = Shares::default();
        let pool = shares.resource(Some(WaitFor::Pool), "browsers", 2);
        let lock = shares.resource(Some(WaitFor::Lock), "db", 1);
        assert!(shares.take(rank(0), &[pool]).is_ok());
        assert!(shares.take(rank(1), &[lock, pool]).is_ok());
        assert_eq!(shares.take(rank(2), &[lock, pool]).map_err(|taken| taken.name), Err("db".into()));
        assert!(shares.take(rank(3), &[pool]).is_err(), "both slots are held");
        assert_eq!(shares.release(1, &[lock, pool]), vec![rank(2), rank(3)]);
    }

    #[test]
    fn a_woken_stage_that_turns_elsewhere_passes_the_place_on() {
        let mut shares = Shares::default();
        let lock = shares.resource(Some(WaitFor::Lock), "a", 1);
        shares.take(rank(0), &[lock]).ok();
        assert!(shares.take(rank(1), &[lock]).is_err() && shares.take(rank(2), &[lock]).is_err());
        assert_eq!(shares.release(0, &[lock]), vec![rank(1)]);
        assert_eq!(shares.pass_on(&[lock]), vec![rank(2)]);
    }
}

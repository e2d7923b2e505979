//! Claims of one run on what the project's runs share: breaker, locks and pools in one transaction, all or nothing. Only
//! whoever has proved a run dead by its lock takes away what it held. Decides nothing; see `coord`.

use std::path::PathBuf;

use rusqlite::Connection;

use super::error::StoreError;
use super::{Db, Store, breaker, lease, lock, locked};
use crate::base::Timestamp;
use crate::coord::breaker::Admission;
use crate::coord::lease::{self as steps, Verdict, Want, Who};
use crate::event::{BreakerRule, NodeIndex, RunId, WaitFor};
use crate::port::{Claim, Claimed, Commons, Holder, Obstacle, Standing, StateUnsafe};

/// One in line need not say again that it asks before so long.
const FRESH_MS: i64 = 1_000;
/// Dead runs that are cleared away for one claim; the next claim does the rest.
const ROUNDS: usize = 16;

/// The shared things, as one run reaches them.
pub struct StoreCommons {
    db: Db,
    dir: PathBuf,
    run: i64,
}

/// What stands in the way.
enum Way {
    Free { probe: Option<u64> },
    Breaker { until: Option<Timestamp>, prober: Option<Who> },
    Lease(steps::Obstacle),
}

impl Way {
    fn holders(&self) -> Vec<Who> {
        match self {
            Way::Free { .. } => Vec::new(),
            Way::Breaker { prober, .. } => prober.iter().copied().collect(),
            Way::Lease(obstacle) => obstacle.holders.clone(),
        }
    }
}

impl Store {
    /// What the run shares with others. Only the holder of the run's lock may claim.
    pub fn commons(&self, run: &RunId) -> Result<StoreCommons, StoreError> {
        Ok(StoreCommons { db: self.db.clone(), dir: self.dir.clone(), run: self.run_row(run)? })
    }
}

impl Commons for StoreCommons {
    fn claim(
        &self,
        at: Timestamp,
        claim: &Claim,
        fence: &dyn Fn(&str) -> usize,
    ) -> Result<Claimed, StateUnsafe> {
        let wants = wants(claim);
        let who = Who { run: self.run, node: claim.node };
        let mut killed = 0;
        for _ in 0..ROUNDS {
            let conn = locked(&self.db);
            let way = self.look(&conn, at, who, claim, &wants).map_err(|e| self.unsafe_state(&e))?;
            if let Some(done) =
                self.settled(&conn, at, who, claim, &way).map_err(|e| self.unsafe_state(&e))?
            {
                return Ok(done);
            }
            drop(conn);
            let again = |conn: &Connection| self.look(conn, at, who, claim, &wants);
            match self.clear_dead(&way, &again, fence)? {
                None => break,
                Some(more) => killed += more,
            }
        }
        let conn = locked(&self.db);
        let taken = self.take(&conn, at, who, claim, &wants, killed);
        if taken.is_err() {
            let _ = conn.execute_batch("ROLLBACK");
        }
        taken.map_err(|e| self.unsafe_state(&e))
    }

    fn still_holds(&self, node: NodeIndex) -> Result<(), String> {
        let who = Who { run: self.run, node };
        match lease::holds(&locked(&self.db), who) {
            Ok(true) => Ok(()),
            Ok(false) => Err("the lock or pool that it holds was taken away from it".into()),
            Err(e) => Err(format!(
                "whether it still holds its lock cannot be read: {}",
                self.unsafe_state(&e).message
            )),
        }
    }

    fn standing(&self, rule: &BreakerRule) -> Result<Standing, StateUnsafe> {
        let breaker = breaker::load(&locked(&self.db), &rule.key).map_err(|e| self.unsafe_state(&e))?;
        Ok(breaker::standing(&breaker, rule))
    }
}

impl StoreCommons {
    /// What stands in the way, without changing anything.
    fn look(
        &self,
        conn: &Connection,
        at: Timestamp,
        who: Who,
        claim: &Claim,
        wants: &[Want],
    ) -> rusqlite::Result<Way> {
        let mut probe = None;
        if let Some(rule) = &claim.breaker {
            match breaker::load(conn, &rule.key)?.admit(rule, at, who) {
                Admission::Go => {}
                Admission::Probe(number) => probe = Some(number),
                Admission::Open(until) => return Ok(Way::Breaker { until: Some(until), prober: None }),
                Admission::Probed(prober) => return Ok(Way::Breaker { until: None, prober: Some(prober) }),
            }
        }
        if wants.is_empty() {
            return Ok(Way::Free { probe });
        }
        Ok(match lease::book(conn, at)?.judge(who, wants) {
            Verdict::Granted => Way::Free { probe },
            Verdict::Waits(obstacle) => Way::Lease(obstacle),
        })
    }

    /// The answer where nothing has to be written for it.
    fn settled(
        &self,
        conn: &Connection,
        at: Timestamp,
        who: Who,
        claim: &Claim,
        way: &Way,
    ) -> rusqlite::Result<Option<Claimed>> {
        match way {
            Way::Free { probe: None } if claim.wants.is_empty() => {
                Ok(Some(Claimed::Granted { probe: None, killed: 0 }))
            }
            Way::Lease(obstacle) if self.dead(conn, obstacle.holders.iter())?.is_empty() => {
                let asked = lease::asked(conn, who)?;
                let fresh = asked.is_some_and(|asked| at.0.abs_diff(asked.0) < FRESH_MS.unsigned_abs());
                if fresh { self.waits(conn, claim, way).map(Some) } else { Ok(None) }
            }
            _ => Ok(None),
        }
    }

    fn take(
        &self,
        conn: &Connection,
        at: Timestamp,
        who: Who,
        claim: &Claim,
        wants: &[Want],
        killed: usize,
    ) -> rusqlite::Result<Claimed> {
        conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let way = self.look(conn, at, who, claim, wants)?;
        let answer = match &way {
            Way::Free { probe } => {
                self.admit(conn, at, who, claim)?;
                if !wants.is_empty() {
                    lease::grant(conn, at, who, wants, &claim.keepers)?;
                }
                Claimed::Granted { probe: *probe, killed }
            }
            Way::Lease(_) => {
                lease::queue(conn, at, who, wants)?;
                self.waits(conn, claim, &way)?
            }
            Way::Breaker { .. } => {
                self.admit(conn, at, who, claim)?;
                self.waits(conn, claim, &way)?
            }
        };
        conn.prepare_cached("COMMIT")?.execute([])?;
        Ok(answer)
    }

    /// Asks the breaker and keeps what asking changed.
    fn admit(&self, conn: &Connection, at: Timestamp, who: Who, claim: &Claim) -> rusqlite::Result<()> {
        let Some(rule) = &claim.breaker else { return Ok(()) };
        let before = breaker::load(conn, &rule.key)?;
        let mut breaker = before.clone();
        breaker.admit(rule, at, who);
        if breaker == before { Ok(()) } else { breaker::save(conn, &rule.key, &breaker) }
    }

    fn waits(&self, conn: &Connection, claim: &Claim, way: &Way) -> rusqlite::Result<Claimed> {
        let stage = |who: &Who| -> rusqlite::Result<Option<Holder>> {
            let named = lease::name(conn, *who)?;
            Ok(named.map(|(run, stage)| Holder { run, stage, keeps: false }))
        };
        let stages = |all: &[Who]| -> rusqlite::Result<Vec<Holder>> {
            all.iter().filter_map(|who| stage(who).transpose()).collect()
        };
        Ok(Claimed::Waits(match way {
            Way::Lease(obstacle) => {
                let mut holders = Vec::new();
                for who in &obstacle.holders {
                    let held = lease::holder(conn, &self.dir, &obstacle.thing, *who)?;
                    holders.extend(held.map(|held| Holder {
                        run: held.run,
                        stage: held.stage,
                        keeps: held.keeps,
                    }));
                }
                let (on, name) = obstacle.thing.clone();
                Obstacle { on, name, holders, ahead: stages(&obstacle.ahead)?, until: None }
            }
            Way::Breaker { until, prober } => Obstacle {
                on: WaitFor::Breaker,
                name: claim.breaker.as_ref().map(|rule| rule.name.clone()).unwrap_or_default(),
                holders: stages(prober.as_slice())?,
                ahead: Vec::new(),
                until: *until,
            },
            Way::Free { .. } => return Ok(Claimed::Granted { probe: None, killed: 0 }),
        }))
    }

    /// Clears the dead among those in the way: how many processes they had left, or nothing when all live.
    fn clear_dead(
        &self,
        way: &Way,
        again: &dyn Fn(&Connection) -> rusqlite::Result<Way>,
        fence: &dyn Fn(&str) -> usize,
    ) -> Result<Option<usize>, StateUnsafe> {
        let conn = locked(&self.db);
        let dead = self.dead(&conn, way.holders().iter()).map_err(|e| self.unsafe_state(&e))?;
        drop(conn);
        let mut killed = None;
        for (run, id) in dead {
            // Held until its things are given away, so that nobody goes on with the run meanwhile.
            let Some(_proof) = lock::prove_dead(&self.dir, &id) else { continue };
            // It may have ended well meanwhile: what it left running then is not ours to kill.
            let now = again(&locked(&self.db)).map_err(|e| self.unsafe_state(&e))?;
            let more = if now.holders().iter().any(|who| who.run == run) { fence(&id) } else { 0 };
            let cleared = self.clear(run);
            cleared.map_err(|e| self.unsafe_state(&e))?;
            killed = Some(killed.unwrap_or(0) + more);
        }
        Ok(killed)
    }

    fn clear(&self, run: i64) -> rusqlite::Result<()> {
        let mut conn = locked(&self.db);
        let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        lease::clear(&tx, run)?;
        breaker::clear(&tx, run)?;
        tx.commit()
    }

    /// Other runs among these that no engine has and that have something to clear away.
    fn dead<'a>(
        &self,
        conn: &Connection,
        of: impl Iterator<Item = &'a Who>,
    ) -> rusqlite::Result<Vec<(i64, String)>> {
        let mut dead = Vec::new();
        for who in of.filter(|who| who.run != self.run) {
            let Some((id, _)) = lease::name(conn, *who)? else { continue };
            let known = dead.iter().any(|(run, _)| *run == who.run);
            if !known && !lock::is_live(&self.dir, &id) && lease::clearable(conn, *who)? {
                dead.push((who.run, id));
            }
        }
        Ok(dead)
    }

    fn unsafe_state(&self, error: &rusqlite::Error) -> StateUnsafe {
        StoreError::sqlite(error, &self.dir.join(super::DATABASE)).into()
    }
}

fn wants(claim: &Claim) -> Vec<Want> {
    claim.wants.iter().map(|want| Want { thing: (want.on, want.name.clone()), slots: want.slots }).collect()
}

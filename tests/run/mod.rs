//! Tests of running: the kernel and its fold over a scripted world, the driver's threads, resume after crashes.

mod called;
mod calls;
mod cancel;
mod claims;
mod driver;
mod fail_first;
mod failure;
pub(crate) mod fakes;
mod found;
mod gates;
pub(crate) mod lanes;
mod order;
mod people;
mod repairs;
mod resume;
mod retry;
mod reuse_keys;
mod rollback;
mod rollback_kills;
mod room;
mod shares;
mod simulation;

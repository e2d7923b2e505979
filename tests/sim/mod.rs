//! The kernel in a simulated world: `decide` itself and its core, driven by seeds through process deaths, full disks,
//! power cuts, killed engines, a second engine, late results, clock steps and people. `WFL_SEEDS=N` plays more seeds,
//! `WFL_SEED=N` one alone and prints all that happened in it.

mod book;
mod bugs;
mod completion;
mod deeds;
mod dice;
mod ended;
mod judge;
mod learned;
mod life;
mod play;
mod repaired;
mod resumed;
mod story;
mod world;

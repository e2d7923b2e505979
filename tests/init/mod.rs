//! `wfl init` and `wfl analyse`: what they draw up from repositories of many kinds, and that it runs.

mod analyse;
mod drafts;
mod repositories;
mod runs;

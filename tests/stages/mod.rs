//! Stages, gates and lanes as their users meet them: the built program on small real projects.

mod baselines;
mod commits;
mod gates;
mod kinds;
mod lane_files;
mod planted;
mod readers;
mod rendering;
mod tools;
mod values;

//! Stages, gates and lanes as their users meet them: the built program on small real projects.

mod baselines;
mod commits;
mod documents;
mod gates;
mod kinds;
mod lane_files;
mod lanes;
mod methods;
mod planted;
mod projects;
mod promote;
mod readers;
mod rendering;
mod tools;
mod values;

//! The formatter: what it makes of ugly texts, and what it may never change, on thousands of generated programs.

mod commands;
mod dice;
mod expressions;
mod generate;
mod golden;
mod layout;
mod properties;
mod sabotage;

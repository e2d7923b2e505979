//! All integration tests, one binary. Each folder tests one side of the product as its users meet it.

mod book;
mod cases;
mod choice;
mod cli;
mod corpus;
mod docs;
mod failure;
mod faults;
mod format;
mod help;
mod history;
mod import;
mod init;
mod lang;
mod reference;
mod run;
mod sim;
mod stages;
mod store;
mod tidy;
mod trial;
mod tutorial;

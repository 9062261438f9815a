//! `up --demo`: a volume's whole life over HTTP, with every byte compared.
//!
//! [`steps`] is the list; each step is a function in the file of its subject. [`content`] knows what a volume must
//! hold, [`stage`] does what steps have in common, [`run`] runs them and [`report`] shows what came of them.

pub mod content;
pub mod report;
pub mod run;
pub mod stage;
pub mod steps;

mod crash;
mod data;
mod growth;
mod images;
mod refusals;
mod removal;

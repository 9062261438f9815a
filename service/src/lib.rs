//! The parts of the `ashlar` program that tests drive too. The program itself is `main.rs`.

pub mod api;

//! The whole service as its users meet it: real processes, a real backend, real clients.

mod clients;
mod data;
mod harness;
mod kills;
mod service;
mod several;
mod takeover;

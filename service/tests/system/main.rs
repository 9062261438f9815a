//! The whole service as its users meet it: real processes, a real backend, real clients.

mod attach;
mod clients;
mod data;
mod deaths;
mod harness;
mod kills;
mod reconcile;
mod service;
mod several;
mod takeover;

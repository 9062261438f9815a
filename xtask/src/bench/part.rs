//! What is measured, and how much of it.

use std::time::Duration;

use clap::ValueEnum;

/// A part of the run, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Part {
    /// What the machine can do without a service: synced writes
    Floor,
    /// From starting the program to its first good answer
    Start,
    /// From asking for a volume until it is available, by 1, 16 and 64 clients
    Create,
    /// One volume, by 1 and 16 connections
    Get,
    /// Pages of 1,000 volumes
    List,
    /// From asking for a connection to its answer, which the service gives when its host has made it
    Attach,
    /// From asking until the volume is gone
    Delete,
    /// Memory of the service and its host: at rest, under load, after it, and through --soak
    Memory,
    /// Start, last page and creation with 100,000 volumes
    Many,
    /// Operations in flight when everything is killed, until all have ended
    Recovery,
    /// The scheduler over 10,000 pools
    Place,
}

/// How much of everything is measured.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Starts of the service.
    pub starts: usize,
    /// Volumes made, attached or removed one after another.
    pub alone: usize,
    /// Volumes made or removed by several clients.
    pub together: usize,
    /// Requests for one volume, one after another.
    pub gets: usize,
    /// How long several connections ask for one volume, each time.
    pub spell: Duration,
    /// Lists.
    pub lists: usize,
    /// Volumes on a page.
    pub page: usize,
    /// Volumes where there are many.
    pub many: usize,
    /// Operations in flight when everything is killed.
    pub in_flight: usize,
    /// Synced writes without a service.
    pub syncs: usize,
}

impl Size {
    /// For documents.
    pub const FULL: Self = Self {
        starts: 9,
        alone: 300,
        together: 4000,
        gets: 5000,
        spell: Duration::from_secs(2),
        lists: 60,
        page: 1000,
        many: 100_000,
        in_flight: 10_000,
        syncs: 1000,
    };
    /// For a first look.
    pub const QUICK: Self = Self {
        starts: 3,
        alone: 50,
        together: 300,
        gets: 500,
        spell: Duration::from_millis(300),
        lists: 10,
        page: 200,
        many: 2000,
        in_flight: 300,
        syncs: 200,
    };
}

/// Service and floor are measured in turns, so that what else the machine does falls on both alike.
pub const ROUNDS: usize = 5;

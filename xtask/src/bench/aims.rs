//! What the figures should be, and what Cinder's are.
//!
//! Cinder's were measured with release 29 on a machine of this size, with PostgreSQL and a driver that does nothing.

use serde::Serialize;

/// What a figure is held against, in its unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Goal {
    /// Times and sizes should be below it, rates above.
    pub aim: Option<f64>,
    /// What Cinder takes or reaches.
    pub cinder: Option<f64>,
}

impl Goal {
    /// Nothing is asked.
    pub const NONE: Self = Self { aim: None, cinder: None };

    const fn new(aim: f64, cinder: f64) -> Self {
        Self { aim: Some(aim), cinder: Some(cinder) }
    }

    const fn aim(aim: f64) -> Self {
        Self { aim: Some(aim), cinder: None }
    }
}

/// Milliseconds from the request to `available`, one client.
pub const CREATE: Goal = Goal::new(15.0, 354.0);
/// Volumes a second, 16 clients.
pub const CREATES_16: Goal = Goal { aim: None, cinder: Some(5.6) };
/// Volumes a second, 64 clients.
pub const CREATES_64: Goal = Goal::new(500.0, 5.6);
/// Milliseconds for one volume.
pub const GET: Goal = Goal::new(0.5, 27.5);
/// Answers a second, one volume each.
pub const GETS: Goal = Goal::new(10_000.0, 65.0);
/// Milliseconds for a detailed page of 1,000.
pub const PAGE: Goal = Goal::new(15.0, 850.0);
/// The same, for the last page of 100,000.
pub const LAST_PAGE: Goal = Goal::aim(15.0);
/// Milliseconds from the start to the first good answer, with 100,000 volumes; Cinder's without.
pub const START: Goal = Goal::new(300.0, 7_000.0);
/// Megabytes of the API and one host together; Cinder's 660 MiB.
pub const MEMORY: Goal = Goal::new(60.0, 692.0);
/// Flat: not a mebibyte more in an hour, in KiB a minute.
pub const GROWTH: Goal = Goal::aim(1024.0 / 60.0);
/// Seconds for 10,000 operations in flight.
pub const RECOVERY: Goal = Goal::aim(10.0);
/// Milliseconds over 10,000 pools; Cinder's over 5,000.
pub const PLACE: Goal = Goal::new(2.0, 554.0);

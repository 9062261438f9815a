//! The driver contract.
//!
//! [`Driver`] is what every backend must do; the traits of [`capability`] are what some can do besides, reached
//! through accessors that answer `None` where they cannot. [`Capabilities::of`](capability::Capabilities::of) is the
//! only place that turns those answers into a report.

pub mod capability;
pub mod connection;
pub mod context;
pub mod contract;
pub mod error;
pub mod lease;
pub mod spec;

pub use capability::Capabilities;
pub use connection::{ConnectionInfo, Connector};
pub use context::{OpCtx, Progress};
pub use contract::Driver;
pub use error::{Classified, Error, Kind, Result};
pub use lease::Lease;
pub use spec::{
    AccessMode, AttachmentSpec, Detach, DriverInfo, ImageFile, Inventory, Outcome, Snapshot, SnapshotRef, Volume,
    VolumeRef, VolumeSpec,
};

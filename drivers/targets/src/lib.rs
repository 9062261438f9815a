//! Block devices of this machine as targets for others: iSCSI by LIO ([`Lio`]), NVMe over TCP by nvmet ([`Nvmet`]),
//! both by writing into configfs; no tool is started.
//!
//! A driver gives each attachment an export of its own, with a target, one logical unit and one client that may connect.
//! So attachments are independent of one another, and each can be cut off alone.
//!
//! What was met: [`Lio`] runs on the real kernel in this crate's tests, with a real initiator. [`Nvmet`] has **not**
//! met a real kernel, since the lab's has no nvmet: its tests hold its plan of operations, in its order, and nothing else.

pub mod configfs;
pub mod error;
pub mod export;
pub mod lio;
pub mod naming;
pub mod nvmet;
pub mod secret;
pub mod target;

pub use error::Error;
pub use export::{ClientName, Export, ExportName};
pub use lio::Lio;
pub use naming::Naming;
pub use nvmet::Nvmet;
pub use secret::{Credentials, Secret};
pub use target::Target;

//! A driver whose backend is the memory of this process. It has every capability, obeys every clause, and passes every
//! case: what the cases ask can be done, and a case that refuses it is wrong.
//!
//! It is built as the real ones are, so that it can be broken as they break: bytes lie in pages that snapshots and clones
//! share until they are written; things are staged before they are put in their place; several hosts may be open on one
//! backend, and a host may die between any two effects ([`steps`](crate::steps)). Clients reach a volume with a token
//! that the backend looks up on every read and write.

mod attachments;
mod backend;
mod bucket;
mod call;
mod capabilities;
mod client;
mod disk;
mod driver;
mod error;
mod faults;
mod images;
mod room;
mod settings;
mod site;
mod snapshots;
mod state;
mod stats;
mod volumes;

pub use backend::Backend;
pub use driver::MemoryDriver;
pub use faults::Fault;
pub use settings::Settings;
pub use site::{MemorySite, MemorySubject};

//! Drivers that are broken on purpose, at least one for each behaviour. The suite is worth what it finds in them: each
//! must be caught by the case of the behaviour that it breaks, or that case proves nothing.

mod all;
mod attach;
mod concurrency;
mod data;
mod declared;
mod images;
mod life_cycle;
mod mutant;
mod stats;
mod table;
mod twist;
mod twisted;

pub use all::all;
pub use mutant::{Base, How, Mutant};
pub use table::{Cell, Row, Table, caught, table};
pub use twist::Twist;
pub use twisted::{Twisted, twisted};

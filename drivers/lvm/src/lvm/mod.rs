//! The tools of LVM, spoken to through their shell.
//!
//! [`Lvm`] is one volume group: what is there is read on a lane of its own, how full it is on another where that one is
//! taken, and who changes something takes a [`Turn`]. Nothing outside of this folder writes a command of LVM.

mod command;
mod document;
mod group;
mod known;
mod lane;
mod queries;
mod report;
mod settings;
mod shell;
mod turn;

pub use group::{Lvm, Options};
pub use report::{Lv, Pool, ReportError, Vg};
pub use settings::{AutoExtend, Extras};
pub use shell::ShellError;
pub use turn::{Turn, Use};

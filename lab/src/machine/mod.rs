//! Machines: user-mode Linux kernels that run as processes, for tests that need what the host's kernel does not have.
//!
//! A machine boots on the host's own file tree in a second, so that what was built on the host runs in it as it is; what it writes
//! stays in its memory, but for the folders of the workspace. A keeper has a [`Pool`] of them and a socket; [`exec`] has a
//! program run there as if it ran here; [`serve`] is what runs it, inside.

mod adopted;
mod agent;
mod boot;
pub mod exec;
mod frame;
mod kernel;
mod line;
#[expect(clippy::module_inception, reason = "the machine among what is about machines")]
mod machine;
mod pool;
mod processor;
mod pty;
mod relay;
mod standing;

pub use agent::serve;
pub use boot::Config;
pub use kernel::{Choice, Kernel, PACKAGES, missing};
pub use pool::Pool;
pub use standing::{Lvm, Standing};

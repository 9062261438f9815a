//! The one place that starts outside programs.
//!
//! Find a [`Program`] once, when the driver opens; then each call is `program.run(args).output(ctx).await`. No shell
//! is ever involved, the environment is empty but for a fixed `PATH` and `LC_ALL=C`, the working directory is `/` (so
//! paths must be absolute), and every bound (time, output, pipes held by a daemon) is kept here, so that callers have
//! only arguments to think about. Secrets go in by [`Run::stdin`]: arguments can be read by every user of the
//! machine, and are part of error texts.

mod conversation;
mod daemon;
mod error;
mod limits;
mod pipes;
mod program;
mod run;
#[cfg(test)]
mod tests;

pub use conversation::Conversation;
pub use daemon::Daemon;
pub use error::{ExecError, Invocation};
pub use limits::Limits;
pub use program::{Lookup, Program};
pub use run::{Output, Run};

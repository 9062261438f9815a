//! What takes time on thick volumes: copies, and going back to a snapshot.
//!
//! None of it holds the volume group's turn while bytes move. What is half made bears a name of its own (`new-`), or an
//! intent is in the volume's tags: whoever opens the volume group next removes the one and finishes the other.

mod copies;
mod making;
mod revert;

pub use copies::{Frozen, clone_volume, create_from_snapshot};
pub(crate) use making::undo;
pub use making::{Home, New, make};
pub use revert::{Reverts, refuse_reverting, reverting_to};

//! What a call changed, and for whom.

use ashlar_common::ids::OpId;

use crate::fabric::Place;

/// A change of a backend.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    /// The step of the world in which it happened.
    pub(crate) step: u64,
    /// The operation it happened for.
    pub(crate) op: OpId,
    /// The host that called.
    pub(crate) place: Place,
    pub(crate) call: &'static str,
    /// What was changed.
    pub(crate) wrote: String,
    /// What was read for it.
    pub(crate) read: Option<String>,
}

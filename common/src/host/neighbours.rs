//! Other members of the same backend on the same machine: one whose process has ended has let go of its lock, which tells
//! at once what its lease would tell seconds later.

use std::{path::Path, time::Duration};

use super::lock::{SEATS, Seat, occupant};
use crate::{
    manager::{Membership, rivals},
    store::members::Gone,
};

/// Between two looks at the locks.
const PAUSE: Duration = Duration::from_millis(500);

/// Looks until stopped, and fences members whose processes have ended.
pub(super) async fn watch(membership: &Membership, run_directory: &Path, own: u32) {
    loop {
        tokio::select! {
            () = membership.stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
        for number in (0..SEATS).filter(|number| *number != own) {
            if let Some(epoch) = ended(membership, run_directory, number) {
                fence(membership, epoch).await;
            }
        }
    }
}

/// The member that had a seat which nobody has now.
fn ended(membership: &Membership, run_directory: &Path, number: u32) -> Option<u64> {
    // Read first: taking the seat is writing there.
    occupant(run_directory, &membership.backend, number)?;
    Seat::take(run_directory, &membership.backend, number).ok().flatten()?.before()
}

async fn fence(membership: &Membership, epoch: u64) {
    let members = rivals::members(&membership.store, &membership.backend).await;
    if members.is_ok_and(|members| members.iter().any(|member| member.epoch == epoch)) {
        membership.fence(Gone::Ended { epoch }).await;
    }
}

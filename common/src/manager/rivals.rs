//! The other processes that serve a backend, or want to: who watches them, and when one of them is gone.
//!
//! A member that could not renew its lease stops by itself. Who watches it waits for that and a margin longer, by its own
//! clock from the last renewal that it saw, so clocks that run a little differently do no harm, and those that show
//! different times do none at all.

use std::{collections::BTreeSet, time::Duration};

use super::watch::Watch;
use crate::{
    ids::BackendName,
    store::{
        self, Store,
        members::{Gone, Joining, MemberRecord},
    },
};

/// How much longer than its lease a member is waited for: this part of the lease. What it had begun ends meanwhile, or its
/// process does.
#[must_use]
pub fn margin(lease: Duration) -> Duration {
    lease / 2
}

/// Between two looks at others, or two renewals of one's own.
#[must_use]
pub fn interval(lease: Duration) -> Duration {
    lease / 3
}

/// The members of a backend as one process sees them.
#[derive(Clone, Debug, Default)]
pub struct Rivals {
    watch: Watch<u64>,
}

impl Rivals {
    /// Those that have not renewed for so long that they have stopped.
    pub fn lapsed(&mut self, members: &[MemberRecord], uptime: Duration) -> Vec<Gone> {
        let there: BTreeSet<u64> = members.iter().map(|member| member.epoch).collect();
        self.watch.keep(|epoch| there.contains(epoch));
        let mut lapsed = Vec::new();
        for member in members {
            let silent = self.watch.unchanged(&member.epoch, member.renewals, uptime);
            if silent > member.lease.saturating_add(margin(member.lease)) {
                lapsed.push(Gone::Lapsed { epoch: member.epoch, renewals: member.renewals });
            }
        }
        lapsed
    }
}

/// Whether a process that knows these to be gone would find a seat.
#[must_use]
pub fn has_seat(members: &[MemberRecord], gone: &[Gone]) -> bool {
    let others: Vec<&MemberRecord> =
        members.iter().filter(|member| !gone.iter().any(|gone| gone.epoch() == member.epoch)).collect();
    others.iter().map(|member| member.seats as usize).min().is_none_or(|seats| others.len() < seats)
}

/// The members of a backend.
///
/// # Errors
/// When the store does not answer.
pub async fn members(store: &Store, backend: &BackendName) -> Result<Vec<MemberRecord>, store::Error> {
    store.look().await?.members_of(backend).await
}

/// Joins, if there still is a seat. Gives the epoch back.
///
/// # Errors
/// When the store does not answer.
pub async fn join(store: &Store, joining: &Joining<'_>) -> Result<Option<u64>, store::Error> {
    let mut tx = store.write().await?;
    let Some(epoch) = tx.join(joining).await? else { return Ok(None) };
    tx.commit().await?;
    Ok(Some(epoch))
}

/// Fences a member that is gone; says whether it was what it was taken for.
///
/// # Errors
/// When the store does not answer.
pub async fn fence(store: &Store, backend: &BackendName, gone: Gone) -> Result<bool, store::Error> {
    let mut tx = store.write().await?;
    let fenced = tx.fence(backend, gone).await?;
    tx.commit().await?;
    Ok(fenced)
}

#[cfg(test)]
mod tests;

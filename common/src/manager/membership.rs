//! Being one of the processes that serve a backend: keeping the lease, noticing when it is lost, and watching the others.

use tokio_util::sync::CancellationToken;

use super::rivals;
use crate::{
    chain::chain,
    driver::Lease,
    ids::BackendName,
    store::{self, Store, members::Gone},
};

/// The membership of this process.
#[derive(Clone, Debug)]
pub struct Membership {
    /// The store.
    pub store: Store,
    /// The backend.
    pub backend: BackendName,
    /// The epoch under which it joined.
    pub epoch: u64,
    /// Its right to touch the backend.
    pub lease: Lease,
    /// Fired when it is no member any more: whatever it does on the backend must end.
    pub stop: CancellationToken,
}

impl Membership {
    /// Renews the lease until `ended` fires, which is after the last driver call has ended. When it cannot be renewed in
    /// time, `stop` fires: another process may have the backend soon.
    pub async fn keep(&self, ended: &CancellationToken) {
        let interval = rivals::interval(self.lease.length());
        let mut pause = interval;
        loop {
            tokio::select! {
                biased;
                () = ended.cancelled() => return,
                () = tokio::time::sleep(pause.min(self.lease.left())) => {}
            }
            let renewed = tokio::select! {
                biased;
                renewed = self.renew() => renewed,
                () = self.lapse() => Ok(false),
            };
            match renewed {
                Ok(true) => pause = interval,
                Err(error @ store::Error::Fenced { .. }) => {
                    tracing::error!(%error, "stopping");
                    self.lease.end();
                    return self.stop.cancel();
                }
                Err(error) if self.lease.holds() => {
                    tracing::warn!(error = chain(&error), "cannot renew the lease; trying again");
                    pause = interval / 4;
                }
                // Also where the store refuses at once, each time, so that time is never seen to be up while it is asked.
                Ok(false) | Err(_) => {
                    tracing::error!(backend = %self.backend, "the lease is over and could not be renewed; stopping");
                    return self.stop.cancel();
                }
            }
        }
    }

    /// Renews the lease; says whether it holds.
    ///
    /// # Errors
    /// When the store does not answer, or another process has fenced this one.
    pub async fn renew(&self) -> Result<bool, store::Error> {
        // Before the transaction: who watches may see the new count from then on.
        let asked = self.lease.uptime();
        let mut tx = self.store.write().await?;
        tx.renew(&self.backend, self.epoch, self.store.now()).await?;
        tx.commit().await?;
        Ok(self.lease.renewed(asked))
    }

    /// Returns when the lease is over.
    async fn lapse(&self) {
        while self.lease.holds() {
            tokio::time::sleep(self.lease.left()).await;
        }
    }

    /// Watches the other members of a backend that bears several, until stopped: one that has lapsed is fenced, so that
    /// its operations are finished by those that are there.
    pub async fn watch_others(&self) {
        let mut others = rivals::Rivals::default();
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(rivals::interval(self.lease.length())) => {}
            }
            let members = match rivals::members(&self.store, &self.backend).await {
                Ok(members) => members,
                Err(error) => {
                    tracing::warn!(error = chain(&error), "cannot look at the other members; trying again");
                    continue;
                }
            };
            let uptime = self.store.clock().uptime;
            for gone in others.lapsed(&members, uptime).into_iter().filter(|gone| gone.epoch() != self.epoch) {
                self.fence(gone).await;
            }
        }
    }

    /// Says how many members the driver bears. `false` where there are more already.
    ///
    /// # Errors
    /// When the store does not answer, or another process has fenced this one.
    pub async fn offer_seats(&self, seats: u32) -> Result<bool, store::Error> {
        let mut tx = self.store.write().await?;
        let enough = tx.offer_seats(&self.backend, self.epoch, seats).await?;
        tx.commit().await?;
        Ok(enough)
    }

    /// Fences another member. Its operations are due from then on.
    pub async fn fence(&self, gone: Gone) {
        match rivals::fence(&self.store, &self.backend, gone).await {
            Ok(true) => tracing::warn!(backend = %self.backend, ?gone, "a member is gone; finishing what it began"),
            Ok(false) => {}
            Err(error) => tracing::warn!(error = chain(&error), "cannot fence a member; trying again"),
        }
    }

    /// Ends the membership, after the last driver call has: others need not wait then.
    ///
    /// # Errors
    /// When the store does not answer; the lease runs out by itself.
    pub async fn leave(&self) -> Result<(), store::Error> {
        self.lease.end();
        let mut tx = self.store.write().await?;
        tx.leave(&self.backend, self.epoch).await?;
        tx.commit().await
    }
}

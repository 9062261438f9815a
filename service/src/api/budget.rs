//! Memory that is lent: so many bytes, and no more.

use std::{sync::Arc, time::Duration};

use axum::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many bytes for one purpose.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    free: Arc<Semaphore>,
    bytes: usize,
}

/// Bytes taken from a budget, and given back when dropped.
#[derive(Debug)]
pub(crate) struct Loan(OwnedSemaphorePermit);

impl Loan {
    /// Makes one of two.
    pub(crate) fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
    }
}

/// Bytes with the loan they stand on: both go together, whoever drops them last.
struct Held {
    bytes: Bytes,
    _loan: Loan,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Budget {
    pub(crate) fn of_mib(mib: u32) -> Self {
        let bytes = (mib as usize) << 20;
        Self { free: Arc::new(Semaphore::new(bytes)), bytes }
    }

    /// Bytes that are lent now.
    pub(crate) fn lent(&self) -> usize {
        self.bytes.saturating_sub(self.free.available_permits())
    }

    /// So many, if they are free. What is larger than all there is takes all of it.
    pub(crate) fn take(&self, bytes: usize) -> Option<Loan> {
        Arc::clone(&self.free).try_acquire_many_owned(self.measured(bytes)).ok().map(Loan)
    }

    /// So many, if they get free within that time.
    pub(crate) async fn wait(&self, bytes: usize, patience: Duration) -> Option<Loan> {
        let free = Arc::clone(&self.free).acquire_many_owned(self.measured(bytes));
        tokio::time::timeout(patience, free).await.ok()?.ok().map(Loan)
    }

    fn measured(&self, bytes: usize) -> u32 {
        u32::try_from(bytes.min(self.bytes)).unwrap_or(u32::MAX)
    }
}

/// The same bytes, which give the loan back when the last of them is written or thrown away.
pub(crate) fn hold(bytes: Bytes, loan: Loan) -> Bytes {
    Bytes::from_owner(Held { bytes, _loan: loan })
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;

    use super::{Budget, hold};

    #[test]
    fn what_is_lent_comes_back_with_the_last_of_the_bytes() {
        let budget = Budget::of_mib(1);
        let held = hold(Bytes::from_static(b"abc"), budget.take(1 << 19).expect("free"));
        let part = held.slice(1..);
        drop(held);
        assert_eq!((part.as_ref(), budget.lent()), (b"bc".as_ref(), 1 << 19));
        assert!(budget.take((1 << 19) + 1).is_none());
        drop(part);
        assert_eq!(budget.lent(), 0);
        assert!(budget.take(1 << 30).is_some(), "as much as there is");
    }
}

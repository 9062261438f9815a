//! Room that can be taken and is given back by being dropped, so that no path can forget it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// So much of something: bytes of a pool, entries of its metadata.
#[derive(Debug)]
pub(super) struct Room {
    limit: u64,
    taken: AtomicU64,
}

/// A part of a [`Room`].
#[derive(Debug)]
pub(super) struct Taken {
    room: Arc<Room>,
    amount: u64,
}

/// There is not so much left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Room {
    pub(super) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self { limit, taken: AtomicU64::new(0) })
    }

    pub(super) fn take(self: &Arc<Self>, amount: u64) -> Result<Taken, Full> {
        let more = |taken: u64| taken.checked_add(amount).filter(|taken| *taken <= self.limit);
        match self.taken.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more) {
            Ok(_) => Ok(Taken { room: Arc::clone(self), amount }),
            Err(_) => Err(Full),
        }
    }

    /// Takes it whether it is there or not.
    pub(super) fn take_unchecked(self: &Arc<Self>, amount: u64) -> Taken {
        self.taken.fetch_add(amount, Ordering::SeqCst);
        Taken { room: Arc::clone(self), amount }
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::SeqCst)
    }

    pub(super) fn left(&self) -> u64 {
        self.limit.saturating_sub(self.taken())
    }
}

impl Taken {
    /// Takes more from the same room.
    pub(super) fn grow(&mut self, by: u64) -> Result<(), Full> {
        let mut more = self.room.take(by)?;
        self.amount += more.amount;
        more.amount = 0;
        Ok(())
    }

    /// Gives some of it back.
    pub(super) fn shrink(&mut self, by: u64) {
        let by = by.min(self.amount);
        self.amount -= by;
        self.room.taken.fetch_sub(by, Ordering::SeqCst);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(self.amount, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::{Full, Room};

    #[test]
    fn what_is_dropped_is_free_again() {
        let room = Room::new(10);
        let mut part = room.take(4).expect("empty");
        part.grow(6).expect("it fits");
        assert_eq!(part.grow(1), Err(Full));
        part.shrink(3);
        assert_eq!((room.taken(), room.left()), (7, 3));
        drop(part);
        assert_eq!(room.taken(), 0);
    }
}

//! Bytes in pages that several disks may share until one of them writes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::room::{Full, Room, Taken};

/// Bytes in a page: what a thin pool gives out at a time.
pub(super) const PAGE_BYTES: u64 = PAGE as u64;
const PAGE: usize = 64 << 10;

/// Where a disk takes its room from.
#[derive(Clone, Debug)]
pub(super) enum Home {
    /// Its whole size at once.
    Thick(Arc<Room>),
    /// Its pages as they are written, and an entry of metadata for each and for itself.
    Thin {
        /// Room for pages, in bytes.
        data: Arc<Room>,
        /// Room for entries.
        metadata: Arc<Room>,
    },
}

/// No volume has more times the bytes of its thin pool.
const MOST_PROMISED: u64 = 64;

/// A page, and the room that it takes.
#[derive(Debug)]
struct Page {
    bytes: Box<[u8]>,
    _taken: Option<Taken>,
}

/// The bytes of a volume or a snapshot.
#[derive(Debug)]
pub(super) struct Disk {
    home: Home,
    size: u64,
    pages: BTreeMap<u64, Arc<Page>>,
    /// Its size on a thick pool, its entries on a thin one.
    taken: Taken,
    /// Grows with every change of the bytes.
    version: u64,
    last_written: u64,
}

/// A disk that can be held at several places at once, which is how volumes come to share bytes that they should not.
pub(super) type SharedDisk = Arc<Mutex<Disk>>;

/// Locks a disk; a reader that panicked cannot have left it half changed.
pub(super) fn lock(disk: &SharedDisk) -> MutexGuard<'_, Disk> {
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Home {
    /// An empty disk.
    pub(super) fn disk(&self, size: u64) -> Result<Disk, Full> {
        let taken = match self {
            Self::Thick(room) => room.take(rounded(size))?,
            Self::Thin { data, .. } if size / MOST_PROMISED > data.limit() => return Err(Full),
            // A pool without a free page would break the promise of the first byte.
            Self::Thin { data, metadata } => {
                drop(data.take(PAGE_BYTES)?);
                metadata.take(1)?
            }
        };
        Ok(Disk { home: self.clone(), size, pages: BTreeMap::new(), taken, version: 0, last_written: 0 })
    }

    /// An empty disk, whether there is room or not.
    pub(super) fn disk_unchecked(&self, size: u64) -> Result<Disk, Full> {
        match self {
            Self::Thick(room) => {
                let taken = room.take_unchecked(rounded(size));
                Ok(Disk { home: self.clone(), size, pages: BTreeMap::new(), taken, version: 0, last_written: 0 })
            }
            Self::Thin { .. } => self.disk(size),
        }
    }

    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Thick(one), Self::Thick(other)) => Arc::ptr_eq(one, other),
            (Self::Thin { data: one, .. }, Self::Thin { data: other, .. }) => Arc::ptr_eq(one, other),
            (Self::Thick(_), Self::Thin { .. }) | (Self::Thin { .. }, Self::Thick(_)) => false,
        }
    }

    fn page(&self, bytes: Box<[u8]>) -> Result<Arc<Page>, Full> {
        let taken = match self {
            Self::Thick(_) => None,
            Self::Thin { data, .. } => Some(data.take(PAGE_BYTES)?),
        };
        Ok(Arc::new(Page { bytes, _taken: taken }))
    }
}

impl Disk {
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Changes whenever the bytes do.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Bytes that it takes: all on a thick pool, its pages on a thin one, shared or not.
    pub(super) fn allocated(&self) -> u64 {
        match self.home {
            Home::Thick(_) => rounded(self.size),
            Home::Thin { .. } => self.pages.len() as u64 * PAGE_BYTES,
        }
    }

    pub(super) fn into_shared(self) -> SharedDisk {
        Arc::new(Mutex::new(self))
    }

    /// Gives it so many bytes; new ones read zero, since no page ever holds anything behind the end.
    pub(super) fn grow(&mut self, size: u64) -> Result<(), Full> {
        match &self.home {
            Home::Thick(_) => self.taken.grow(rounded(size) - rounded(self.size))?,
            Home::Thin { data, .. } if size / MOST_PROMISED > data.limit() => return Err(Full),
            Home::Thin { .. } => {}
        }
        self.size = size;
        self.version += 1;
        Ok(())
    }

    /// Another disk with the same bytes, and zeros up to `size`. Pages are shared within a pool.
    pub(super) fn copy_to(&self, home: &Home, size: u64) -> Result<Self, Full> {
        let mut copy = home.disk(size)?;
        copy.map(home, self.pages.len())?;
        for (index, page) in &self.pages {
            let page = if self.home.is(home) { Arc::clone(page) } else { home.page(page.bytes.clone())? };
            copy.pages.insert(*index, page);
        }
        Ok(copy)
    }

    /// Copies the pages of `source` from `from` on, so many at most. The next place, or `None` at the end.
    pub(super) fn pull(&mut self, source: &Self, from: u64, pages: usize) -> Result<Option<u64>, Full> {
        let mut rest = source.pages.range(from..);
        let home = self.home.clone();
        for (index, page) in rest.by_ref().take(pages) {
            self.map(&home, 1)?;
            self.pages.insert(*index, home.page(page.bytes.clone())?);
        }
        Ok(rest.next().map(|(index, _)| *index))
    }

    /// Pages that hold anything.
    pub(super) fn len(&self) -> usize {
        self.pages.len()
    }

    pub(super) fn read_at(&self, mut into: &mut [u8], mut offset: u64) {
        while !into.is_empty() {
            let (index, start, length) = part(offset, into.len());
            let (now, rest) = into.split_at_mut(length);
            match self.pages.get(&index) {
                Some(page) => now.copy_from_slice(&page.bytes[start..start + length]),
                None => now.fill(0),
            }
            into = rest;
            offset += length as u64;
        }
    }

    /// Writes, page by page: where the room ends on the way, the pages before it are written.
    pub(super) fn write_at(&mut self, mut bytes: &[u8], mut offset: u64) -> Result<(), Full> {
        self.version += 1;
        self.last_written = offset;
        while !bytes.is_empty() {
            let (index, start, length) = part(offset, bytes.len());
            let (now, rest) = bytes.split_at(length);
            self.page_mut(index)?[start..start + length].copy_from_slice(now);
            bytes = rest;
            offset += length as u64;
        }
        Ok(())
    }

    /// Gives back the pages that lie in the range as a whole.
    pub(super) fn discard(&mut self, offset: u64, length: u64) {
        self.version += 1;
        let end = offset.saturating_add(length).min(self.size) / PAGE_BYTES;
        let indexes: Vec<u64> = self.pages.range(offset.div_ceil(PAGE_BYTES)..).map(|(index, _)| *index).collect();
        for index in indexes.into_iter().take_while(|index| *index < end) {
            self.pages.remove(&index);
            if let Home::Thin { .. } = self.home {
                self.taken.shrink(1);
            }
        }
    }

    /// Gives up the pages that `other` has, too. For [`Fault`](super::faults::Fault)s, as all below.
    pub(super) fn forget_shared(&mut self, other: &Self) {
        let shared = |index: &u64, page: &Arc<Page>| other.pages.get(index).is_some_and(|it| Arc::ptr_eq(it, page));
        self.pages.retain(|index, page| !shared(index, page));
    }

    /// The same pages, without room of its own for them.
    pub(super) fn without_room(&self) -> Result<Self, Full> {
        let mut copy = Home::Thick(Room::new(u64::MAX)).disk(self.size)?;
        copy.pages.clone_from(&self.pages);
        Ok(copy)
    }

    /// Whether it shares a page with `other`.
    pub(super) fn shares_with(&self, other: &Self) -> bool {
        self.pages.iter().any(|(index, page)| other.pages.get(index).is_some_and(|it| Arc::ptr_eq(it, page)))
    }

    /// Loses the page that holds the byte at `offset`.
    pub(super) fn lose(&mut self, offset: u64) {
        self.pages.remove(&(offset / PAGE_BYTES));
    }

    /// Where the last page that was written begins.
    pub(super) fn last_written(&self) -> u64 {
        self.last_written
    }

    /// Junk from `from` on, a little of it.
    pub(super) fn soil(&mut self, from: u64) -> Result<(), Full> {
        let length = usize::try_from(self.size.saturating_sub(from)).unwrap_or(PAGE).min(512);
        self.write_at(&vec![0xA5; length], from)
    }

    /// Calls `each` with every page that holds anything, and where it lies.
    pub(super) fn for_each_page<E>(&self, mut each: impl FnMut(&[u8], u64) -> Result<(), E>) -> Result<(), E> {
        for (index, page) in &self.pages {
            let offset = index * PAGE_BYTES;
            let length = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(PAGE).min(PAGE);
            each(&page.bytes[..length], offset)?;
        }
        Ok(())
    }

    /// A page of its own to write to.
    fn page_mut(&mut self, index: u64) -> Result<&mut [u8], Full> {
        let home = self.home.clone();
        let shared = match self.pages.get_mut(&index).map(|page| (Arc::get_mut(page).is_some(), page)) {
            None => {
                let page = home.page(vec![0; PAGE].into())?;
                self.map(&home, 1)?;
                Some(page)
            }
            Some((true, _)) => None,
            Some((false, page)) => Some(home.page(page.bytes.clone())?),
        };
        if let Some(page) = shared {
            self.pages.insert(index, page);
        }
        let page = self.pages.get_mut(&index).and_then(Arc::get_mut);
        Ok(&mut page.expect("it was there alone or was just made").bytes)
    }

    fn map(&mut self, home: &Home, entries: usize) -> Result<(), Full> {
        match home {
            Home::Thick(_) => Ok(()),
            Home::Thin { .. } => self.taken.grow(entries as u64),
        }
    }
}

/// Whole pages.
fn rounded(size: u64) -> u64 {
    size.next_multiple_of(PAGE_BYTES)
}

/// The page at `offset`, where in it, and how many of `length` bytes lie there.
fn part(offset: u64, length: usize) -> (u64, usize, usize) {
    let start = usize::try_from(offset % PAGE_BYTES).expect("a page is small");
    (offset / PAGE_BYTES, start, length.min(PAGE - start))
}

#[cfg(test)]
mod tests {
    use super::{Home, PAGE_BYTES, Room};

    fn thin() -> Home {
        Home::Thin { data: Room::new(4 * PAGE_BYTES), metadata: Room::new(100) }
    }

    #[test]
    fn a_copy_shares_until_it_is_written() {
        let home = thin();
        let mut disk = home.disk(3 * PAGE_BYTES).expect("room");
        disk.write_at(&[1; 10], PAGE_BYTES - 5).expect("room");
        let mut copy = disk.copy_to(&home, 3 * PAGE_BYTES).expect("room");
        let Home::Thin { data, .. } = &home else { panic!("thin") };
        assert_eq!(data.taken(), 2 * PAGE_BYTES);
        copy.write_at(&[2; 10], 0).expect("room");
        assert_eq!(data.taken(), 3 * PAGE_BYTES);
        let mut seen = [9; 12];
        disk.read_at(&mut seen, PAGE_BYTES - 6);
        assert_eq!(seen, [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
        disk.read_at(&mut seen, 0);
        assert_eq!(seen, [0; 12]);
        drop((disk, copy));
        assert_eq!(data.taken(), 0);
    }

    #[test]
    fn a_full_pool_refuses_and_keeps_what_was_there() {
        let home = thin();
        let mut disk = home.disk(100 * PAGE_BYTES).expect("room");
        let pages = usize::try_from(PAGE_BYTES).expect("small") * 5;
        assert!(disk.write_at(&vec![1; pages], 0).is_err());
        assert_eq!(disk.len(), 4);
        assert!(home.disk(1).is_err());
        disk.discard(0, PAGE_BYTES + 1);
        assert_eq!(disk.len(), 3);
        assert!(home.disk(1).is_ok());
    }
}

//! What can be broken on purpose below the driver, where no wrapper around its calls reaches.

/// One thing that the backend does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A clone is another name for its source's bytes.
    CloneShares,
    /// A snapshot is another name for its volume's bytes.
    SnapshotFollows,
    /// A new volume shows pages of volumes that were removed.
    OldPagesReappear,
    /// The bytes that a volume grows by are not zero.
    GrownBytesAreNotZero,
}

//! What can be broken on purpose below the driver, where no wrapper around its calls reaches.

/// One thing that the backend does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A new volume does not read zero.
    FreshIsNotZero,
    /// A new volume shows pages of volumes that were removed.
    OldPagesReappear,
    /// The bytes that a volume grows by are not zero.
    GrownBytesAreNotZero,
    /// Growing a volume rounds its old end down, and loses the bytes behind.
    GrowingLosesTheOldEnd,
    /// A snapshot is another name for its volume's bytes.
    SnapshotFollows,
    /// Removing a snapshot gives back the pages that its volume still shares with it.
    SnapshotTakesSharedPages,
    /// Removing a snapshot moves its bytes into the snapshots that are left.
    SnapshotMergesIntoOthers,
    /// A clone is another name for its source's bytes.
    CloneShares,
    /// Removing a volume takes the pages that its clones share with it.
    DeleteTakesSharedPages,
    /// What a copy is larger than its source does not read zero.
    LargerCopyEndsInJunk,
    /// Going back to a snapshot gives the volume the size of that time.
    RevertBringsTheOldSize,
    /// What a client wrote last is lost when the host dies, though it was told to be durable.
    SyncIsNotDurable,
    /// Giving back a range gives it back in the disks that share it, too.
    DiscardReachesSharers,
    /// A volume is there before the image is in it.
    ImageVolumeIsThereTooEarly,
    /// The connection of an attachment that has ended still opens the volume.
    OldTokensOpen,
    /// An attachment that has ended leaves its export, though nothing opens it.
    ExportsStay,
    /// How many attachments there are is looked at some time before one more is made.
    AttachmentsAreCountedTooEarly,
    /// What a dead host left is not swept up.
    NothingIsSwept,
    /// Room that was taken for what then failed is not given back.
    FailureKeepsRoom,
    /// How much room there is is looked at some time before it is taken.
    RoomIsCountedTooEarly,
    /// A volume that is taken over is made anew.
    ManageWipes,
    /// A volume arrives on its new pool without its last page.
    MigrateLosesTheEnd,
}

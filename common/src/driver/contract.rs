//! The trait every driver implements.

use async_trait::async_trait;

use super::{
    capability::{ActiveActive, GroupSnapshots, Manage, Migrate, MultiAttach, OnlineExtend, Qos, Revert},
    connection::ConnectionInfo,
    context::OpCtx,
    error::Result,
    spec::{
        AttachmentSpec, Detach, DriverInfo, ImageFile, Inventory, Outcome, Snapshot, SnapshotRef, Volume, VolumeRef,
        VolumeSpec,
    },
};
use crate::{stats::BackendStats, units::ByteCount};

/// One backend.
///
/// Clauses that hold for every call:
/// - \[call.1\] It may be repeated: after an answer, after an error, and after a crash at any instant in between.
///   Asked for what is so already, it answers `Unchanged`; asked to make what exists otherwise, `Conflict`.
/// - \[call.2\] It ends within `ctx`: at the deadline or soon after cancellation it answers `Indeterminate`, unless
///   it knows that nothing changed.
/// - \[call.3\] An error of a kind other than `Indeterminate` and `Fatal` means that nothing was changed and nothing
///   was left behind.
/// - \[call.4\] An answer means durable: what it says is still so after a power loss.
/// - \[call.5\] Calls may run at once, on the same object too. `stats` is never blocked by the others.
/// - \[call.6\] Of calls at once on the same object, each acts as if it came wholly before or wholly after the others,
///   or is refused as `Busy`; not all of them are refused.
/// - \[call.7\] A host may come up while one before it still lives, as after a failover from a host that was only slow.
///   Without [`ActiveActive`], one of the two may refuse to open, or answer `Unavailable` from then on; what either
///   does answer keeps these clauses, as if both were one.
/// - \[call.8\] What needs a volume or snapshot that is not there is `NotFound`, and leaves nothing behind.
/// - \[name.1\] A pool that the backend does not have is `Invalid` or `NotFound` to every call, never an empty answer:
///   "no such volume" would make the caller forget volumes that are there.
/// - \[name.2\] Text from outside (connectors, extra specs, paths of images, names of foreign volumes) is never taken for
///   a path, an option or a command. A call works as without it, or is `Invalid` or `Unsupported`.
#[async_trait]
pub trait Driver: Send + Sync + 'static {
    /// Who this driver is.
    fn info(&self) -> DriverInfo;

    /// Room, per pool.
    ///
    /// - \[stats.1\] A size that cannot be had is `Unknown`, one without a limit `Infinite`; neither is a number.
    /// - \[stats.2\] No walk over volumes: its cost does not grow with their number or size.
    /// - \[stats.3\] Every configured pool once, by the name that volumes are placed with; sizes in bytes, and neither
    ///   `free` nor `allocated` above `total`; `reserved_percentage` at most 100, `max_over_subscription_ratio` at
    ///   least 1.
    /// - \[stats.4\] The numbers follow: a thick volume counts when it is made, a thin one as it is written, and what
    ///   was removed, or what failed half-way, soon counts no more.
    /// - \[stats.5\] A backend that does not answer is `Unavailable`, within `ctx`: numbers of an earlier answer are
    ///   never given as new.
    /// - \[stats.6\] A thin pool that can run out of metadata says how much is left. When there is none, what needs
    ///   more is `OutOfSpace`, and what is there can still be read and removed.
    async fn stats(&self, ctx: &OpCtx) -> Result<BackendStats>;

    /// What the backend really holds of a volume; `None` if nothing.
    ///
    /// - \[inspect.1\] A volume whose making has not ended is not there.
    /// - \[inspect.2\] A backend that cannot be asked is `Unavailable`, never `None`; nor does [`Driver::list`] leave out
    ///   what it could not ask for. Recovery would act on it.
    async fn inspect(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Option<Volume>>;

    /// What the backend really holds of a snapshot; `None` if nothing.
    async fn inspect_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Option<Snapshot>>;

    /// All that the backend holds under Ashlar's names.
    ///
    /// - \[list.1\] Equals reality: each volume and snapshot once, nothing else.
    async fn list(&self, ctx: &OpCtx) -> Result<Inventory>;

    /// Makes an empty volume.
    ///
    /// - \[create.1\] Exactly `spec.size` bytes, and every byte reads zero.
    /// - \[create.2\] Same id and spec: `Unchanged`. Same id, other spec: `Conflict`.
    /// - \[create.3\] No room: `OutOfSpace`, and nothing is left behind.
    /// - \[create.4\] In a thick pool, what was made can be filled to its last byte, whatever was made at the same time.
    /// - \[create.5\] No bytes at all: `Invalid`. More than the backend can make: `Invalid` or `OutOfSpace`. What it can only
    ///   round (a block device has whole sectors): `Invalid`.
    async fn create(&self, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>>;

    /// Removes a volume.
    ///
    /// - \[delete.1\] Absent: `Unchanged`.
    /// - \[delete.2\] Attached: `Busy`, untouched.
    /// - \[delete.3\] With snapshots that need it: `Busy` or handled, never loss.
    async fn delete(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<()>>;

    /// Grows a volume that nobody is attached to.
    ///
    /// - \[extend.1\] Smaller than it is: `Invalid`. The size it has: `Unchanged`.
    /// - \[extend.2\] The old bytes stay; the new ones read zero.
    /// - \[extend.3\] Attached, and no [`OnlineExtend`]: `Busy`.
    async fn extend(&self, ctx: &OpCtx, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>>;

    /// Freezes the volume's bytes of one instant. The volume may be attached and written to.
    ///
    /// - \[snapshot.1\] Crash-consistent, and unchanged by later writes.
    /// - \[snapshot.2\] Same id again: `Unchanged`, with the bytes of the first time.
    async fn create_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Snapshot>>;

    /// Removes a snapshot.
    ///
    /// - \[snapshot.3\] Absent: `Unchanged`. Volumes made from it, its volume and other snapshots keep their bytes.
    async fn delete_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<()>>;

    /// Makes a volume that holds a snapshot's bytes.
    ///
    /// - \[copy.1\] Bytes equal the source's; a larger target's tail reads zero; a smaller target is `Invalid`.
    /// - \[copy.2\] Independent from then on, both ways; either may be deleted first.
    /// - \[copy.3\] Stopped at any instant, the target is whole or not there.
    /// - \[copy.4\] Copies of copies, a hundred deep, are volumes like any other.
    async fn create_from_snapshot(
        &self,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        source: &SnapshotRef,
    ) -> Result<Outcome<Volume>>;

    /// Makes a volume that holds another volume's bytes of one instant, with the clauses of
    /// [`Driver::create_from_snapshot`].
    async fn clone_volume(&self, ctx: &OpCtx, spec: &VolumeSpec, source: &VolumeRef) -> Result<Outcome<Volume>>;

    /// Lets one client reach the volume.
    ///
    /// - \[attach.1\] Same attachment again: `Unchanged`, with the same connection.
    /// - \[attach.2\] Without [`MultiAttach`], a second attachment is `Busy`, and of two at once one wins.
    /// - \[attach.3\] A client whose attachment is [`AccessMode::ReadOnly`](super::spec::AccessMode::ReadOnly) cannot
    ///   change a byte. Where that cannot be kept up beside a client that may write, the later of the two is `Busy`.
    /// - \[attach.4\] No such volume: `NotFound`. Same attachment, other mode: `Conflict`.
    async fn attach(
        &self,
        ctx: &OpCtx,
        volume: &VolumeRef,
        attachment: &AttachmentSpec,
    ) -> Result<Outcome<ConnectionInfo>>;

    /// Ends what [`Driver::attach`] began.
    ///
    /// - \[detach.1\] Unknown attachment or volume: `Unchanged`.
    /// - \[detach.2\] Afterwards the old connection information opens nothing, and no export is left.
    /// - \[detach.3\] Other attachments of the volume go on.
    /// - \[detach.4\] A client that still has the volume open is cut off where the backend can do that. Elsewhere it may
    ///   go on until it lets go; it never reaches the bytes of another volume.
    async fn detach(&self, ctx: &OpCtx, volume: &VolumeRef, which: Detach) -> Result<Outcome<()>>;

    /// Makes a volume that holds an image.
    ///
    /// - \[image.1\] Formats raw and qcow2 at least; bytes equal the image's, the tail reads zero.
    /// - \[image.2\] A file that is not what it is said to be, or that refers to another file: `Invalid`.
    /// - \[image.3\] An image larger than the volume: `Invalid`.
    /// - \[image.4\] Progress is reported, and \[copy.3\] holds.
    /// - \[image.6\] An image that is cut off, also while it is read: never `Ok` for a volume that lacks bytes of it.
    /// - \[image.7\] What an image takes is bounded by the volume, whatever size it claims and however it is packed.
    async fn copy_image_to_volume(&self, ctx: &OpCtx, spec: &VolumeSpec, image: &ImageFile) -> Result<Outcome<Volume>>;

    /// Writes a volume's bytes to a new file at `image.path`, in `image.format`.
    ///
    /// - \[image.5\] The file appears whole or not at all; one that is there already is replaced.
    async fn copy_volume_to_image(&self, ctx: &OpCtx, volume: &VolumeRef, image: &ImageFile) -> Result<Outcome<()>>;

    /// Several attachments at a time, where the backend can.
    fn multi_attach(&self) -> Option<&dyn MultiAttach> {
        None
    }

    /// Growing while attached, where the backend can.
    fn online_extend(&self) -> Option<&dyn OnlineExtend> {
        None
    }

    /// Going back to a snapshot, where the backend can.
    fn revert(&self) -> Option<&dyn Revert> {
        None
    }

    /// Taking over what is there already, where the backend can.
    fn manage(&self) -> Option<&dyn Manage> {
        None
    }

    /// Snapshots of several volumes at one instant, where the backend can.
    fn group_snapshots(&self) -> Option<&dyn GroupSnapshots> {
        None
    }

    /// Limits that the backend enforces, where it can.
    fn qos(&self) -> Option<&dyn Qos> {
        None
    }

    /// Moving volumes between its pools, where the backend can.
    fn migrate(&self) -> Option<&dyn Migrate> {
        None
    }

    /// Several hosts at a time, where the backend can.
    fn active_active(&self) -> Option<&dyn ActiveActive> {
        None
    }
}

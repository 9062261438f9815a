//! What recovery does, as data: for every request and every point of death, what is true then and what comes next.
//!
//! [`can_tell`](super::can_tell) reads it, docs/recovery.md is written from it, and `manager/tests/deaths.rs` kills a process
//! at each point of each request and holds what then happens against it. So none of the three can say something else.

use crate::{points::Point, store::records::Work};

/// What clients ask for, as far as recovery tells it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of the operations")]
pub enum Request {
    Create,
    CreateFromSnapshot,
    Clone,
    ImageIn,
    ImageOut,
    Delete,
    /// With the snapshots that go first.
    DeleteWithSnapshots,
    Extend,
    ExtendAttached,
    Revert,
    CreateSnapshot,
    DeleteSnapshot,
    Attach,
    Detach,
    /// What changes records alone: a status that is set, a volume that is reserved, a client that says it is connected.
    Note,
}

/// How a request is carried out, and how its end shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// In documents.
    pub name: &'static str,
    /// The driver calls, in order.
    pub calls: &'static [&'static str],
    /// What the backend shows once they have taken effect; `None` where nothing tells.
    pub shown: Option<&'static str>,
    /// What the calls do where they had taken effect before.
    pub again: &'static str,
    /// How it ends.
    pub end: &'static str,
}

/// What comes after a death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing was recorded, so nothing happens; the client heard no answer.
    Nothing,
    /// The next host claims it for the first time and makes the calls, without a look.
    Call,
    /// The next host looks, does not find it done, and makes the calls.
    LookAndCall,
    /// The next host looks, finds it done, and commits that.
    LookAndFinish,
    /// There is nothing to look at: the next host makes the calls again.
    CallAgain,
    /// It is done; who waits looks for itself.
    Ended,
}

impl Request {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Create,
        Self::CreateFromSnapshot,
        Self::Clone,
        Self::ImageIn,
        Self::ImageOut,
        Self::Delete,
        Self::DeleteWithSnapshots,
        Self::Extend,
        Self::ExtendAttached,
        Self::Revert,
        Self::CreateSnapshot,
        Self::DeleteSnapshot,
        Self::Attach,
        Self::Detach,
        Self::Note,
    ];

    /// The request that an operation came from.
    #[must_use]
    pub fn of(work: &Work) -> Self {
        match work {
            Work::CreateVolume { .. } => Self::Create,
            Work::CreateFromSnapshot { .. } => Self::CreateFromSnapshot,
            Work::CloneVolume { .. } => Self::Clone,
            Work::ImageIn { .. } => Self::ImageIn,
            Work::ImageOut { .. } => Self::ImageOut,
            Work::DeleteVolume { snapshots, .. } if snapshots.is_empty() => Self::Delete,
            Work::DeleteVolume { .. } => Self::DeleteWithSnapshots,
            Work::ExtendVolume { attached: false, .. } => Self::Extend,
            Work::ExtendVolume { attached: true, .. } => Self::ExtendAttached,
            Work::RevertVolume { .. } => Self::Revert,
            Work::CreateSnapshot { .. } => Self::CreateSnapshot,
            Work::DeleteSnapshot { .. } => Self::DeleteSnapshot,
            Work::Attach { .. } => Self::Attach,
            Work::Detach { .. } => Self::Detach,
        }
    }

    /// How it is carried out.
    #[must_use]
    pub const fn rule(self) -> Rule {
        const THERE: Option<&str> = Some("the volume, in the size asked for");
        const GROWN: Option<&str> = Some("the volume, in the new size or more");
        const UNCHANGED: &str = "nothing, and say so";
        const fn rule(
            name: &'static str,
            calls: &'static [&'static str],
            shown: Option<&'static str>,
            again: &'static str,
            end: &'static str,
        ) -> Rule {
            Rule { name, calls, shown, again, end }
        }
        match self {
            Self::Create => rule("create", &["create"], THERE, UNCHANGED, "`available`"),
            Self::CreateFromSnapshot => {
                rule("create from snapshot", &["create_from_snapshot"], THERE, UNCHANGED, "`available`")
            }
            Self::Clone => rule("clone", &["clone_volume"], THERE, UNCHANGED, "`available`"),
            Self::ImageIn => rule("image to volume", &["copy_image_to_volume"], THERE, UNCHANGED, "`available`"),
            Self::ImageOut => rule(
                "volume to image",
                &["copy_volume_to_image"],
                None,
                "replace the file",
                "as before; the image is whole",
            ),
            Self::Delete => rule("delete", &["delete"], Some("no such volume"), UNCHANGED, "gone"),
            Self::DeleteWithSnapshots => rule(
                "delete with snapshots",
                &["delete_snapshot", "delete_snapshot", "delete"],
                Some("neither the volume nor any of the snapshots"),
                "skip what is gone",
                "gone, and the snapshots with it",
            ),
            Self::Extend => rule("extend", &["extend"], GROWN, UNCHANGED, "`available`, larger"),
            Self::ExtendAttached => rule("extend in use", &["extend_attached"], GROWN, UNCHANGED, "`in-use`, larger"),
            Self::Revert => rule("revert", &["revert"], None, "write the same bytes", "`available`"),
            Self::CreateSnapshot => {
                rule("create snapshot", &["create_snapshot"], Some("the snapshot"), UNCHANGED, "`available`")
            }
            Self::DeleteSnapshot => {
                rule("delete snapshot", &["delete_snapshot"], Some("no such snapshot"), UNCHANGED, "gone")
            }
            Self::Attach => rule("attach", &["attach"], None, "give the same connection", "`attaching`, exported"),
            Self::Detach => rule("detach", &["detach"], None, UNCHANGED, "gone, and the export with it"),
            Self::Note => rule("records only", &[], None, UNCHANGED, "as asked"),
        }
    }

    /// What comes after a death at `point`; `None` where the request never comes to it.
    #[must_use]
    pub fn after(self, point: Point) -> Option<Next> {
        let rule = self.rule();
        if let (Self::Note, true) = (self, !matches!(point, Point::Logged | Point::TakenIn)) {
            return None;
        }
        let undone = if rule.shown.is_some() { Next::LookAndCall } else { Next::CallAgain };
        Some(match point {
            Point::Logged => Next::Nothing,
            Point::TakenIn if self == Self::Note => Next::Ended,
            Point::TakenIn | Point::Rung | Point::Due | Point::Marked => Next::Call,
            Point::Between if rule.calls.len() < 2 => return None,
            Point::Claimed | Point::Inspected | Point::Between | Point::Deferring | Point::Deferred => undone,
            Point::Performed | Point::Concluded if rule.shown.is_some() => Next::LookAndFinish,
            Point::Performed | Point::Concluded => Next::CallAgain,
            Point::Committed | Point::Told => Next::Ended,
        })
    }
}

/// What is true when a process dies at `point`.
#[must_use]
pub const fn truth(point: Point) -> &'static str {
    match point {
        Point::Logged => "nothing is recorded: the transaction was not committed",
        Point::TakenIn | Point::Rung => "the operation is durable, `pending`; the client heard no answer",
        Point::Due | Point::Marked => "the operation is `pending`: no claim was committed",
        Point::Claimed => "it is `running` under the dead host's epoch; the backend is untouched",
        Point::Inspected => "the same; this host had claimed it after another, and had looked",
        Point::Between => "`running`; some of its driver calls have taken effect",
        Point::Performed => "`running`; the backend has all of it",
        Point::Deferring => "`running`; a call could not be made, and that is not recorded",
        Point::Deferred => "`pending` again, due after a pause",
        Point::Concluded => "`running`; the outcome was written and not committed",
        Point::Committed | Point::Told => "record, log entry and message are committed",
    }
}

//! Taking over volumes that are there already, and letting go of them.

use ashlar_common::{
    driver::{
        AccessMode, Detach, Kind, VolumeRef, VolumeSpec,
        capability::{Foreign, Manage},
    },
    ids::VolumeId,
};

use crate::{
    answers::{changed, done, refuses, unchanged},
    behaviour::{Behaviour, Group},
    claims::Need,
    contents::{pattern, with_zero_tail},
    outcome::{Held, Stop, ensure},
    stage::{Stage, refused},
};

use super::Case;

/// Whole extents: what is let go has the size that the backend gave it.
const SIZE: usize = 4 << 20;
/// Names that could be a path, an option, a command or nothing at all to some tool below.
const HOSTILE: [&str; 14] = [
    "",
    ".",
    "..",
    "/",
    "/etc/passwd",
    "../outside",
    "inside/../../outside",
    "-rf",
    "--help",
    "two words",
    "line\nbreak",
    "nul\0byte",
    "back\\slash",
    "$(id)/x",
];

/// Behaviour 61.
pub const CASES: &[Case] = &[Case {
    behaviour: Behaviour {
        number: 61,
        group: Group::Declared,
        name: "taking_over_and_letting_go_keep_every_byte",
        clauses: &["manage.1", "manage.2", "manage.3", "manage.4"],
        need: Need::Manage,
    },
    run: |stage| Box::pin(out_and_in(stage)),
}];

async fn foreign(stage: &Stage, manage: &dyn Manage) -> Held<Vec<Foreign>> {
    let found = manage.foreign(&stage.ctx(), &stage.site.pool()).await;
    found.map_err(|error| refused("foreign", &error))
}

async fn out_and_in(stage: &Stage) -> Held {
    let content = pattern(stage.seed, SIZE);
    let old = stage.create_holding(&content).await?;
    let other = stage.create(SIZE as u64).await?;
    let driver = stage.driver().await;
    let manage = driver.manage().ok_or_else(|| Stop::failed("the driver cannot take over any more"))?;
    let before = foreign(stage, manage).await?;
    ensure(before.is_empty(), || format!("volumes of Ashlar are told to be foreign: {before:?}"))?;
    stays_while_in_use(stage, manage, &old).await?;
    let name = changed("unmanage", manage.unmanage(&stage.ctx(), &old).await)?;
    ensure(stage.inspect(&old).await?.is_none(), || "a volume that was let go is there".to_owned())?;
    is_told_as_foreign(stage, manage, &name).await?;
    refuses_nonsense(stage, manage, &name).await?;
    let spec = stage.spec(SIZE as u64)?;
    changed("manage", manage.manage(&stage.ctx(), &spec, &name).await)?;
    unchanged("the same manage again", manage.manage(&stage.ctx(), &spec, &name).await)?;
    let taken = VolumeSpec { volume: VolumeRef { id: VolumeId::new(), ..spec.volume.clone() }, ..spec.clone() };
    // Where taking over gives another name, there is nothing of the old one any more.
    let answer = manage.manage(&stage.ctx(), &taken, &name).await;
    refuses("manage of what another volume is", answer, &[Kind::Conflict, Kind::NotFound])?;
    let left = foreign(stage, manage).await?;
    ensure(left.is_empty(), || format!("a volume that was taken over is told to be foreign: {left:?}"))?;
    stage.holds("a volume that was let go and taken over", &spec.volume, &content).await?;
    is_like_any_other(stage, &spec.volume, &content).await?;
    stage.delete(&other).await
}

async fn stays_while_in_use(stage: &Stage, manage: &dyn Manage, volume: &VolumeRef) -> Held {
    let driver = stage.driver().await;
    let spec = stage.attachment(AccessMode::ReadWrite);
    changed("attach", driver.attach(&stage.ctx(), volume, &spec).await)?;
    refuses("unmanage of an attached volume", manage.unmanage(&stage.ctx(), volume).await, &[Kind::Busy])?;
    changed("detach", driver.detach(&stage.ctx(), volume, Detach::All).await)?;
    let snapshot = stage.snapshot(volume).await?;
    refuses("unmanage of a volume with a snapshot", manage.unmanage(&stage.ctx(), volume).await, &[Kind::Busy])?;
    changed("delete_snapshot", driver.delete_snapshot(&stage.ctx(), &snapshot).await)
}

async fn is_told_as_foreign(stage: &Stage, manage: &dyn Manage, name: &str) -> Held {
    let told = foreign(stage, manage).await?;
    let [only] = told.as_slice() else {
        return Err(Stop::failed(format!("one volume was let go, and these are told to be foreign: {told:?}")));
    };
    ensure(only.name == name && only.size.bytes() == SIZE as u64 && only.refused.is_none(), || {
        format!("{name:?} of {SIZE} bytes was let go, and {only:?} is told to be foreign")
    })
}

/// Nothing of this is taken over, nor anything made.
async fn refuses_nonsense(stage: &Stage, manage: &dyn Manage, name: &str) -> Held {
    let spec = stage.spec(SIZE as u64)?;
    let too_long = "x".repeat(5000);
    for hostile in HOSTILE.into_iter().chain([too_long.as_str()]) {
        let shown: String = hostile.chars().take(20).collect();
        let answer = manage.manage(&stage.ctx(), &spec, hostile).await;
        refuses(&format!("manage of {shown:?}"), answer, &[Kind::Invalid])?;
    }
    let larger = stage.spec(2 * SIZE as u64)?;
    let answer = manage.manage(&stage.ctx(), &larger, name).await;
    refuses("manage as a larger volume than it is", answer, &[Kind::Invalid])?;
    let answer = manage.manage(&stage.ctx(), &spec, "nothing-of-this-name").await;
    refuses("manage of what is not there", answer, &[Kind::NotFound])?;
    for spec in [&spec, &larger] {
        ensure(stage.inspect(&spec.volume).await?.is_none(), || "a refused volume is there".to_owned())?;
    }
    is_told_as_foreign(stage, manage, name).await
}

async fn is_like_any_other(stage: &Stage, volume: &VolumeRef, content: &[u8]) -> Held {
    let driver = stage.driver().await;
    let snapshot = stage.snapshot(volume).await?;
    let size = stage.spec(2 * SIZE as u64)?.size;
    changed("extend", driver.extend(&stage.ctx(), volume, size).await)?;
    stage.restart().await?;
    stage.holds("a volume that was taken over and grew", volume, &with_zero_tail(content, 2 * SIZE)).await?;
    stage.snapshot_holds("the snapshot of a volume that was taken over", &snapshot, content).await?;
    let driver = stage.driver().await;
    done("delete_snapshot", driver.delete_snapshot(&stage.ctx(), &snapshot).await)?;
    stage.delete(volume).await
}

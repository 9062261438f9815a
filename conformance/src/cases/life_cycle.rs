//! Making, removing and listing volumes.

use ashlar_common::{
    driver::{AccessMode, Detach, ImageFile, Kind, SnapshotRef, VolumeSpec},
    ids::SnapshotId,
    image::ImageFormat,
    units::ByteCount,
};

use crate::{
    answers::{changed, equal, refuses, unchanged},
    behaviour::{Behaviour, Group},
    claims::Need,
    contents::{pattern, same},
    outcome::{Held, Stop, ensure},
    stage::Stage,
};

use super::Case;

/// The size of volumes here; no multiple of a block, since sizes are exact.
const SIZE: usize = (1 << 20) + 512;

/// Behaviours 1 to 6 and 10.
pub const CASES: &[Case] = &[
    Case {
        behaviour: Behaviour {
            number: 1,
            group: Group::LifeCycle,
            name: "volume_has_exactly_the_size_that_was_asked_for",
            clauses: &["create.1"],
            need: Need::Core,
        },
        run: |stage| Box::pin(exact_size(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 2,
            group: Group::LifeCycle,
            name: "creating_again_changes_nothing",
            clauses: &["create.2", "call.1"],
            need: Need::Core,
        },
        run: |stage| Box::pin(create_again(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 3,
            group: Group::LifeCycle,
            name: "creating_what_is_there_otherwise_is_a_conflict",
            clauses: &["create.2", "call.1", "call.3"],
            need: Need::Core,
        },
        run: |stage| Box::pin(conflicts(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 4,
            group: Group::LifeCycle,
            name: "deleting_again_changes_nothing",
            clauses: &["delete.1", "snapshot.3", "call.1"],
            need: Need::Core,
        },
        run: |stage| Box::pin(delete_again(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 5,
            group: Group::LifeCycle,
            name: "what_is_not_there_can_be_deleted_and_nothing_else",
            clauses: &["delete.1", "snapshot.3", "call.8"],
            need: Need::Core,
        },
        run: |stage| Box::pin(unknown(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 6,
            group: Group::LifeCycle,
            name: "attached_volume_is_not_deleted",
            clauses: &["delete.2"],
            need: Need::Core,
        },
        run: |stage| Box::pin(delete_attached(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 10,
            group: Group::LifeCycle,
            name: "list_equals_reality",
            clauses: &["list.1", "inspect.1", "call.4"],
            need: Need::Core,
        },
        run: |stage| Box::pin(list(stage)),
    },
];

/// Sizes around every rounding that a backend may do: one byte, a sector, a block, an extent.
async fn exact_size(stage: &Stage) -> Held {
    let mut sizes = [1, 511, 512, 513, (4 << 20) - 1, 4 << 20, (4 << 20) + 1].map(|size| stage.whole(size)).to_vec();
    sizes.dedup();
    for size in sizes.into_iter().map(|size| size as u64) {
        let volume = stage.create(size).await?;
        stage.has_size("when it is made", &volume, size).await?;
        let disk = stage.attach(&volume).await?;
        let seen = disk.size().await?;
        ensure(seen == size, || format!("a client of a volume of {size} bytes sees {seen}"))?;
        disk.write(size - 1, &[0xA5]).await?;
        let beyond = disk.on_thread(move |disk| disk.write_at(&[0xA5], size)).await;
        ensure(beyond.is_err(), || format!("a client of a volume of {size} bytes can write behind its end"))?;
        disk.detach().await?;
        stage.delete(&volume).await?;
    }
    Ok(())
}

async fn create_again(stage: &Stage) -> Held {
    let spec = stage.spec(SIZE as u64)?;
    let made = changed("create", stage.driver().await.create(&stage.ctx(), &spec).await)?;
    let content = pattern(stage.seed, SIZE);
    stage.write(&spec.volume, 0, &content).await?;
    for when in ["right away", "once more", "after a restart of the host"] {
        let answer = stage.driver().await.create(&stage.ctx(), &spec).await;
        let again = unchanged(&format!("the same create again, {when}"), answer)?;
        equal("what both creates answer", &(&again.volume, again.size), &(&made.volume, made.size))?;
        stage.has_just(when, &[&spec.volume], &[]).await?;
        stage.restart().await?;
    }
    stage.holds("a volume that was created again", &spec.volume, &content).await
}

async fn conflicts(stage: &Stage) -> Held {
    let content = pattern(stage.seed, SIZE);
    let volume = stage.create_holding(&content).await?;
    let same_id =
        |size: usize| -> Held<VolumeSpec> { Ok(VolumeSpec { volume: volume.clone(), ..stage.spec(size as u64)? }) };
    let unit = stage.unit();
    for size in [SIZE - unit, SIZE + unit, SIZE * 2, unit] {
        let answer = stage.driver().await.create(&stage.ctx(), &same_id(size)?).await;
        refuses(&format!("create by the same id with {size} bytes, not {SIZE}"), answer, &[Kind::Conflict])?;
    }
    let other = stage.create(SIZE as u64).await?;
    let answer = stage.driver().await.clone_volume(&stage.ctx(), &same_id(SIZE)?, &other).await;
    refuses("a clone by the id of an empty volume", answer, &[Kind::Conflict])?;
    let snapshot = stage.snapshot(&other).await?;
    let answer = stage.driver().await.create_from_snapshot(&stage.ctx(), &same_id(SIZE)?, &snapshot).await;
    refuses("a volume of a snapshot by the id of an empty volume", answer, &[Kind::Conflict])?;
    let clone = stage.spec(SIZE as u64)?;
    changed("clone_volume", stage.driver().await.clone_volume(&stage.ctx(), &clone, &volume).await)?;
    let answer = stage.driver().await.create(&stage.ctx(), &clone).await;
    refuses("create by the id of a clone", answer, &[Kind::Conflict])?;
    let answer = stage.driver().await.clone_volume(&stage.ctx(), &clone, &other).await;
    refuses("a clone of another volume by the id of a clone", answer, &[Kind::Conflict])?;
    let elsewhere = SnapshotRef { id: snapshot.id, volume: volume.clone() };
    let answer = stage.driver().await.create_snapshot(&stage.ctx(), &elsewhere).await;
    refuses("a snapshot by the id of another volume's", answer, &[Kind::Conflict])?;

    stage.has_size("after the conflicts", &volume, SIZE as u64).await?;
    stage.has_just("after the conflicts", &[&volume, &other, &clone.volume], &[&snapshot]).await?;
    stage.holds("a volume after the conflicts", &volume, &content).await?;
    stage.holds("a clone after the conflicts", &clone.volume, &content).await
}

async fn delete_again(stage: &Stage) -> Held {
    let spec = stage.spec(SIZE as u64)?;
    let kept = stage.create(SIZE as u64).await?;
    changed("create", stage.driver().await.create(&stage.ctx(), &spec).await)?;
    let snapshot = stage.snapshot(&spec.volume).await?;
    changed("delete_snapshot", stage.driver().await.delete_snapshot(&stage.ctx(), &snapshot).await)?;
    stage.delete(&spec.volume).await?;
    for when in ["right away", "once more", "after a restart of the host"] {
        let answer = stage.driver().await.delete_snapshot(&stage.ctx(), &snapshot).await;
        unchanged(&format!("the same delete of a snapshot again, {when}"), answer)?;
        let answer = stage.driver().await.delete(&stage.ctx(), &spec.volume).await;
        unchanged(&format!("the same delete again, {when}"), answer)?;
        stage.has_just(when, &[&kept], &[]).await?;
        stage.restart().await?;
    }
    // Nothing of the deleted one is in the way of a new one.
    changed("create by the id of a deleted volume", stage.driver().await.create(&stage.ctx(), &spec).await)?;
    stage.delete(&spec.volume).await?;
    stage.is_absent("after the last delete", &spec.volume).await
}

/// Nothing comes into being by asking for what is not there.
async fn unknown(stage: &Stage) -> Held {
    let there = stage.create(SIZE as u64).await?;
    let absent = stage.spec(SIZE as u64)?.volume;
    let driver = stage.driver().await;
    unchanged("delete of an unknown volume", driver.delete(&stage.ctx(), &absent).await)?;
    for of in [&there, &absent] {
        let snapshot = SnapshotRef { id: SnapshotId::new(), volume: of.clone() };
        unchanged("delete of an unknown snapshot", driver.delete_snapshot(&stage.ctx(), &snapshot).await)?;
        let answer = driver.create_from_snapshot(&stage.ctx(), &stage.spec(SIZE as u64)?, &snapshot).await;
        refuses("a volume of an unknown snapshot", answer, &[Kind::NotFound])?;
        if let Some(revert) = driver.revert() {
            refuses("revert to an unknown snapshot", revert.revert(&stage.ctx(), &snapshot).await, &[Kind::NotFound])?;
        }
    }
    let snapshot = SnapshotRef { id: SnapshotId::new(), volume: absent.clone() };
    let not_found = &[Kind::NotFound];
    refuses("a snapshot of an unknown volume", driver.create_snapshot(&stage.ctx(), &snapshot).await, not_found)?;
    let answer = driver.clone_volume(&stage.ctx(), &stage.spec(SIZE as u64)?, &absent).await;
    refuses("a clone of an unknown volume", answer, not_found)?;
    let answer = driver.extend(&stage.ctx(), &absent, ByteCount::new(2 * SIZE as u64).map_err(Stop::failed)?).await;
    refuses("extend of an unknown volume", answer, not_found)?;
    let answer = driver.attach(&stage.ctx(), &absent, &stage.attachment(AccessMode::ReadWrite)).await;
    refuses("attach of an unknown volume", answer, not_found)?;
    let folder = tempfile::tempdir().map_err(Stop::failed)?;
    let image = ImageFile { path: folder.path().join("image"), format: ImageFormat::Raw };
    let answer = driver.copy_volume_to_image(&stage.ctx(), &absent, &image).await;
    refuses("an image of an unknown volume", answer, not_found)?;
    ensure(!image.path.exists(), || "an image of an unknown volume was made".to_owned())?;
    stage.is_absent("after it was asked for", &absent).await?;
    stage.has_just("after the unknown was asked for", &[&there], &[]).await
}

async fn delete_attached(stage: &Stage) -> Held {
    let content = pattern(stage.seed, SIZE);
    let volume = stage.create_holding(&content).await?;
    for mode in [AccessMode::ReadWrite, AccessMode::ReadOnly] {
        let disk = stage.attach_as(&volume, mode).await?;
        for when in ["", ", again", ", after a restart of the host"] {
            let answer = stage.driver().await.delete(&stage.ctx(), &volume).await;
            refuses(&format!("delete of an attached volume ({mode:?}){when}"), answer, &[Kind::Busy])?;
            stage.restart().await?;
        }
        let seen = stage.inspect(&volume).await?.map(|seen| seen.attachments);
        equal("attachments after the refused delete", &seen, &Some(vec![disk.attachment]))?;
        same("what the client reads after the refused delete", &disk.read_all().await?, &content)?;
        disk.detach().await?;
    }
    stage.holds("a volume after the refused delete", &volume, &content).await?;
    stage.delete(&volume).await?;
    stage.is_absent("after it was detached and deleted", &volume).await
}

async fn list(stage: &Stage) -> Held {
    stage.has_just("at the start", &[], &[]).await?;
    let (first, second, third) =
        (stage.create(SIZE as u64).await?, stage.create(stage.unit() as u64).await?, stage.create(SIZE as u64).await?);
    let (one, two) = (stage.snapshot(&first).await?, stage.snapshot(&first).await?);
    let other = stage.snapshot(&third).await?;
    let (clone, copy) = (stage.spec(2 * SIZE as u64)?, stage.spec(SIZE as u64)?);
    changed("clone_volume", stage.driver().await.clone_volume(&stage.ctx(), &clone, &first).await)?;
    changed("create_from_snapshot", stage.driver().await.create_from_snapshot(&stage.ctx(), &copy, &one).await)?;
    stage
        .has_just("when all is made", &[&first, &second, &third, &clone.volume, &copy.volume], &[&one, &two, &other])
        .await?;

    // What is refused is not there.
    let refused = stage.spec(stage.unit() as u64)?;
    let answer = stage.driver().await.clone_volume(&stage.ctx(), &refused, &first).await;
    refuses("a clone smaller than its source", answer, &[Kind::Invalid])?;
    stage.is_absent("after it was refused", &refused.volume).await?;

    let disk = stage.attach(&second).await?;
    stage
        .has_just(
            "while one is attached",
            &[&first, &second, &third, &clone.volume, &copy.volume],
            &[&one, &two, &other],
        )
        .await?;
    disk.detach().await?;
    changed("delete_snapshot", stage.driver().await.delete_snapshot(&stage.ctx(), &two).await)?;
    stage.delete(&second).await?;
    stage.delete(&copy.volume).await?;
    stage.restart().await?;
    stage
        .has_just("after deletes and a restart of the host", &[&first, &third, &clone.volume], &[&one, &other])
        .await?;
    for snapshot in [&one, &other] {
        changed("delete_snapshot", stage.driver().await.delete_snapshot(&stage.ctx(), snapshot).await)?;
    }
    for volume in [&first, &third, &clone.volume] {
        let answer = stage.driver().await.detach(&stage.ctx(), volume, Detach::All).await;
        unchanged("detach of what is not attached", answer)?;
        stage.delete(volume).await?;
    }
    stage.has_just("when all is deleted", &[], &[]).await
}

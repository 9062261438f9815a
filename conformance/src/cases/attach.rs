//! Beginning and ending attachments.

use ashlar_common::{
    driver::{AccessMode, AttachmentSpec, ConnectionInfo, Detach, Kind, Outcome, VolumeRef},
    ids::AttachmentId,
};

use crate::{
    answers::{changed, equal, refuses, unchanged},
    behaviour::{Behaviour, Group},
    claims::Need,
    contents::{pattern, same},
    outcome::{Held, Stop, ensure},
    race,
    stage::Stage,
};

use super::Case;

/// The size of volumes here; no multiple of a block, since sizes are exact.
const SIZE: usize = (1 << 20) + 512;
/// How many clients try at once.
const CLIENTS: usize = 8;

/// Behaviours 34, 35, 36, 39 and 40.
pub const CASES: &[Case] = &[
    Case {
        behaviour: Behaviour {
            number: 34,
            group: Group::Attach,
            name: "attaching_again_gives_the_same_connection",
            clauses: &["attach.1", "attach.4", "call.1", "call.4"],
            need: Need::Core,
        },
        run: |stage| Box::pin(again(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 35,
            group: Group::Attach,
            name: "detaching_the_unknown_changes_nothing",
            clauses: &["detach.1"],
            need: Need::Core,
        },
        run: |stage| Box::pin(detach_unknown(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 36,
            group: Group::Attach,
            name: "detaching_all_ends_every_attachment",
            clauses: &["detach.1", "detach.2"],
            need: Need::Core,
        },
        run: |stage| Box::pin(detach_all(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 39,
            group: Group::Attach,
            name: "of_attachments_at_once_one_wins_unless_several_are_allowed",
            clauses: &["attach.1", "attach.2", "call.5"],
            need: Need::Core,
        },
        run: |stage| Box::pin(at_once(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 40,
            group: Group::Attach,
            name: "nothing_is_exported_after_tear_down",
            clauses: &["detach.2", "delete.2", "call.3"],
            need: Need::Core,
        },
        run: |stage| Box::pin(tear_down(stage)),
    },
];

/// An attachment without a client on it, and how a client would reach it.
pub(super) struct Grant {
    pub(super) spec: AttachmentSpec,
    pub(super) connection: ConnectionInfo,
}

/// Attaches for a client that does not come yet.
pub(super) async fn grant(stage: &Stage, volume: &VolumeRef, mode: AccessMode) -> Held<Grant> {
    let spec = stage.attachment(mode);
    let answer = stage.driver().await.attach(&stage.ctx(), volume, &spec).await;
    Ok(Grant { connection: changed("a first attach", answer)?, spec })
}

/// What can be reached, from the backend itself.
pub(super) async fn exports(stage: &Stage) -> Held<Vec<String>> {
    let exports = stage.site.exports().await;
    exports.map_err(|error| Stop::failed(format!("the backend cannot be asked for exports: {error}")))
}

/// No client gets in by this, whatever it wants to do.
pub(super) async fn opens_nothing(stage: &Stage, when: &str, connection: &ConnectionInfo) -> Held {
    for mode in [AccessMode::ReadOnly, AccessMode::ReadWrite] {
        let opened = stage.site.connect(connection, mode).await;
        ensure(opened.is_err(), || format!("{when}, the old connection still opens ({mode:?})"))?;
    }
    Ok(())
}

/// Who is attached, as the driver tells it.
pub(super) async fn attached_to(stage: &Stage, volume: &VolumeRef) -> Held<Vec<AttachmentId>> {
    let found = stage.inspect(volume).await?;
    let mut ids = found.ok_or_else(|| Stop::failed("a volume is gone"))?.attachments;
    ids.sort_unstable();
    Ok(ids)
}

async fn again(stage: &Stage) -> Held {
    let content = pattern(stage.seed, SIZE);
    let volume = stage.create_holding(&content).await?;
    let Grant { spec, connection } = grant(stage, &volume, AccessMode::ReadWrite).await?;
    for when in ["right away", "after a restart of the host"] {
        let answer = stage.driver().await.attach(&stage.ctx(), &volume, &spec).await;
        let repeated = unchanged(&format!("the same attach again, {when}"), answer)?;
        ensure(repeated == connection, || format!("the same attach again, {when}, gives another connection"))?;
        equal(&format!("attachments {when}"), &attached_to(stage, &volume).await?, &vec![spec.id])?;
        stage.restart().await?;
    }
    let disk = stage.site.connect(&connection, AccessMode::ReadWrite).await;
    let disk = disk.map_err(|error| Stop::failed(format!("the connection of both attaches does not open: {error}")))?;
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = vec![0; SIZE];
        disk.read_at(&mut bytes, 0).map(|()| bytes)
    });
    let read = read.await.map_err(Stop::failed)?;
    same("a client of both attaches", &read.map_err(Stop::failed)?, &content)?;
    let other_mode = AttachmentSpec { mode: AccessMode::ReadOnly, ..spec.clone() };
    let answer = stage.driver().await.attach(&stage.ctx(), &volume, &other_mode).await;
    refuses("the same attachment in another mode", answer, &[Kind::Conflict])?;
    let absent = stage.spec(SIZE as u64)?.volume;
    let answer = stage.driver().await.attach(&stage.ctx(), &absent, &stage.attachment(AccessMode::ReadWrite)).await;
    refuses("attach of a volume that is not there", answer, &[Kind::NotFound])?;
    let answer = stage.driver().await.detach(&stage.ctx(), &volume, Detach::One(spec.id)).await;
    changed("detach", answer)?;
    let answer = stage.driver().await.attach(&stage.ctx(), &volume, &spec).await;
    changed("attach after detach, by the same id", answer)?;
    let answer = stage.driver().await.detach(&stage.ctx(), &volume, Detach::All).await;
    changed("detach of all", answer)
}

async fn detach_unknown(stage: &Stage) -> Held {
    let volume = stage.create(SIZE as u64).await?;
    let disk = stage.attach(&volume).await?;
    let absent = stage.spec(SIZE as u64)?.volume;
    let unknown = [
        ("an unknown attachment of a volume", &volume, Detach::One(AttachmentId::new())),
        ("an unknown attachment of an unknown volume", &absent, Detach::One(AttachmentId::new())),
        ("all attachments of an unknown volume", &absent, Detach::All),
        ("a volume's attachment, named with an unknown volume,", &absent, Detach::One(disk.attachment)),
    ];
    for (what, of, which) in unknown {
        let answer = stage.driver().await.detach(&stage.ctx(), of, which).await;
        unchanged(&format!("detach of {what}"), answer)?;
    }
    equal("attachments", &attached_to(stage, &volume).await?, &vec![disk.attachment])?;
    disk.write(0, b"still attached").await?;
    let attachment = disk.attachment;
    disk.detach().await?;
    for which in [Detach::One(attachment), Detach::All] {
        let answer = stage.driver().await.detach(&stage.ctx(), &volume, which).await;
        unchanged("detach of what is detached", answer)?;
    }
    Ok(())
}

async fn detach_all(stage: &Stage) -> Held {
    let volume = stage.create(SIZE as u64).await?;
    let clients = if stage.claims.capabilities.multi_attach { 3 } else { 1 };
    let mut grants = Vec::new();
    for _ in 0..clients {
        grants.push(grant(stage, &volume, AccessMode::ReadWrite).await?);
    }
    let answer = stage.driver().await.detach(&stage.ctx(), &volume, Detach::All).await;
    changed("detach of all", answer)?;
    equal("attachments after detach of all", &attached_to(stage, &volume).await?, &Vec::new())?;
    for grant in &grants {
        opens_nothing(stage, "after detach of all", &grant.connection).await?;
    }
    equal("exports after detach of all", &exports(stage).await?, &Vec::new())?;
    let answer = stage.driver().await.detach(&stage.ctx(), &volume, Detach::All).await;
    unchanged("detach of all again", answer)?;
    stage.delete(&volume).await
}

async fn at_once(stage: &Stage) -> Held {
    same_attachment_at_once(stage).await?;
    let volume = stage.create(SIZE as u64).await?;
    let most = stage.driver().await.multi_attach().map_or(1, |multi| multi.max_attachments());
    let winners = CLIENTS.min(usize::try_from(most).unwrap_or(CLIENTS));
    let mut ids = Vec::new();
    let mut calls: Vec<race::Call<_>> = Vec::new();
    for _ in 0..CLIENTS {
        let (driver, ctx, volume) = (stage.driver().await, stage.ctx(), volume.clone());
        let spec = stage.attachment(AccessMode::ReadWrite);
        ids.push(spec.id);
        calls.push(Box::pin(async move { driver.attach(&ctx, &volume, &spec).await }));
    }
    let mut won = Vec::new();
    for (answer, id) in race::all(calls).await?.into_iter().zip(ids) {
        match answer {
            Ok(Outcome::Changed(_)) => won.push(id),
            other => refuses("attach while another client attaches", other, &[Kind::Busy])?,
        }
    }
    won.sort_unstable();
    ensure(won.len() == winners, || format!("{CLIENTS} attach at once, {winners} may, {} did", won.len()))?;
    equal("attachments after the race", &attached_to(stage, &volume).await?, &won)?;
    let answer = stage.driver().await.detach(&stage.ctx(), &volume, Detach::All).await;
    changed("detach of all", answer)
}

/// A call that was repeated before its first answer came.
async fn same_attachment_at_once(stage: &Stage) -> Held {
    let volume = stage.create(SIZE as u64).await?;
    let spec = stage.attachment(AccessMode::ReadWrite);
    let mut calls: Vec<race::Call<_>> = Vec::new();
    for _ in 0..CLIENTS {
        let (driver, ctx, volume, spec) = (stage.driver().await, stage.ctx(), volume.clone(), spec.clone());
        calls.push(Box::pin(async move { driver.attach(&ctx, &volume, &spec).await }));
    }
    let mut changes = 0;
    for answer in race::all(calls).await? {
        match answer {
            Ok(Outcome::Changed(_)) => changes += 1,
            other => unchanged("the same attach at once", other).map(drop)?,
        }
    }
    ensure(changes == 1, || {
        format!("the same attach {CLIENTS} times at once: {changes} say that they changed something")
    })?;
    equal("attachments", &attached_to(stage, &volume).await?, &vec![spec.id])?;
    let answer = stage.driver().await.detach(&stage.ctx(), &volume, Detach::One(spec.id)).await;
    changed("detach", answer)
}

async fn tear_down(stage: &Stage) -> Held {
    equal("exports of an empty backend", &exports(stage).await?, &Vec::new())?;
    let (one, other) = (stage.create(SIZE as u64).await?, stage.create(SIZE as u64).await?);
    let first = grant(stage, &one, AccessMode::ReadWrite).await?;
    grant(stage, &other, AccessMode::ReadOnly).await?;
    let answer = stage.driver().await.delete(&stage.ctx(), &one).await;
    refuses("delete of an attached volume", answer, &[Kind::Busy])?;
    ensure(exports(stage).await?.len() >= 2, || "two volumes are attached, and less than two are exported".to_owned())?;
    let absent = stage.spec(SIZE as u64)?.volume;
    let answer = stage.driver().await.attach(&stage.ctx(), &absent, &stage.attachment(AccessMode::ReadWrite)).await;
    refuses("attach of a volume that is not there", answer, &[Kind::NotFound])?;
    let answer = stage.driver().await.detach(&stage.ctx(), &one, Detach::One(first.spec.id)).await;
    changed("detach", answer)?;
    let left = exports(stage).await?;
    ensure(!left.is_empty(), || "a volume that is still attached is not exported any more".to_owned())?;
    let answer = stage.driver().await.detach(&stage.ctx(), &other, Detach::All).await;
    changed("detach of all", answer)?;
    equal("exports after the last detach", &exports(stage).await?, &Vec::new())?;
    stage.restart().await?;
    equal("exports after a restart", &exports(stage).await?, &Vec::new())?;
    stage.delete(&one).await?;
    stage.delete(&other).await?;
    equal("exports of no volumes", &exports(stage).await?, &Vec::new())
}

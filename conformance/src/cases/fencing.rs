//! What clients cannot do: come back after their attachment has ended, or write when they may only read.

use std::io;

use ashlar_common::driver::{AccessMode, ConnectionInfo, Detach, Kind, VolumeRef};

use crate::{
    answers::{changed, done, equal, refuses},
    behaviour::{Behaviour, Group},
    claims::Need,
    contents::{pattern, same, with_zero_tail},
    outcome::{Held, Stop, ensure},
    stage::Stage,
    subject::Disk,
};

use super::{
    Case,
    attach::{Grant, attached_to, exports, grant, opens_nothing},
};

/// The size of volumes here.
const SIZE: usize = 2 << 20;

/// Behaviours 37, 38 and 41.
pub const CASES: &[Case] = &[
    Case {
        behaviour: Behaviour {
            number: 37,
            group: Group::Attach,
            name: "old_connection_opens_nothing_after_detach",
            clauses: &["detach.2", "detach.4"],
            need: Need::Core,
        },
        run: |stage| Box::pin(old_connection(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 38,
            group: Group::Attach,
            name: "one_attachment_of_a_host_goes_and_the_other_stays",
            clauses: &["detach.3"],
            need: Need::MultiAttach,
        },
        run: |stage| Box::pin(one_of_two(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 41,
            group: Group::Attach,
            name: "read_only_client_changes_no_byte",
            clauses: &["attach.3"],
            need: Need::Core,
        },
        run: |stage| Box::pin(read_only(stage)),
    },
];

async fn connect(stage: &Stage, connection: &ConnectionInfo, mode: AccessMode) -> Held<Box<dyn Disk>> {
    let disk = stage.site.connect(connection, mode).await;
    disk.map_err(|error| Stop::failed(format!("a client cannot reach what was attached: {error}")))
}

/// What a client does, where it may block. The disk comes back, still open.
async fn client<T: Send + 'static>(
    disk: Box<dyn Disk>,
    work: impl FnOnce(&dyn Disk) -> io::Result<T> + Send + 'static,
) -> Held<(Box<dyn Disk>, io::Result<T>)> {
    let worked = tokio::task::spawn_blocking(move || {
        let seen = work(disk.as_ref());
        (disk, seen)
    });
    worked.await.map_err(|error| Stop::failed(format!("a client did not end well: {error}")))
}

fn write_all(bytes: Vec<u8>) -> impl FnOnce(&dyn Disk) -> io::Result<()> + Send {
    move |disk| disk.write_at(&bytes, 0).and_then(|()| disk.sync())
}

fn read_all(disk: &dyn Disk) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; SIZE];
    disk.read_at(&mut bytes, 0).map(|()| bytes)
}

/// A client that does not let go when its attachment ends.
async fn old_connection(stage: &Stage) -> Held {
    let volume = stage.create(SIZE as u64).await?;
    let Grant { spec, connection } = grant(stage, &volume, AccessMode::ReadWrite).await?;
    let stale = connect(stage, &connection, AccessMode::ReadWrite).await?;
    let (stale, written) = client(stale, write_all(pattern(stage.seed, SIZE))).await?;
    written.map_err(Stop::failed)?;
    let answer = stage.driver().await.detach(&stage.ctx(), &volume, Detach::One(spec.id)).await;
    changed("detach", answer)?;
    opens_nothing(stage, "after detach", &connection).await?;
    equal("exports after detach", &exports(stage).await?, &Vec::new())?;
    let stale = if stage.claims.cuts_off_open_clients { cut_off(stage, stale).await? } else { stale };
    grant(stage, &volume, AccessMode::ReadWrite).await?;
    opens_nothing(stage, "while another client is attached", &connection).await?;
    let answer = stage.driver().await.detach(&stage.ctx(), &volume, Detach::All).await;
    changed("detach of all", answer)?;
    stage.restart().await?;
    opens_nothing(stage, "after a restart", &connection).await?;
    reaches_no_other(stage, &volume, &connection, stale).await
}

async fn cut_off(stage: &Stage, stale: Box<dyn Disk>) -> Held<Box<dyn Disk>> {
    let (stale, written) = client(stale, write_all(pattern(stage.seed + 1, SIZE))).await?;
    ensure(written.is_err(), || "a client that is said to be cut off still writes".to_owned())?;
    let (stale, read) = client(stale, read_all).await?;
    ensure(read.is_err(), || "a client that is said to be cut off still reads".to_owned())?;
    Ok(stale)
}

/// Its volume is removed and another made, maybe of the same blocks: it does not reach that one.
async fn reaches_no_other(stage: &Stage, old: &VolumeRef, connection: &ConnectionInfo, stale: Box<dyn Disk>) -> Held {
    match stage.driver().await.delete(&stage.ctx(), old).await {
        // Some backends see that the device is still open.
        Err(error) if error.kind() == Kind::Busy && !stage.claims.cuts_off_open_clients => {}
        other => changed("delete of a volume that nobody is attached to", other)?,
    }
    let new = stage.create(SIZE as u64).await?;
    let disk = stage.attach(&new).await?;
    // Whether the client is told that it writes to nothing is left to the backend.
    let (stale, _told) = client(stale, write_all(pattern(stage.seed + 2, SIZE))).await?;
    same("a new volume, under a client of an old one", &disk.read_all().await?, &vec![0; SIZE])?;
    opens_nothing(stage, "while another volume is attached", connection).await?;
    drop(stale);
    disk.detach().await?;
    done("delete when the client has let go", stage.driver().await.delete(&stage.ctx(), old).await)
}

async fn one_of_two(stage: &Stage) -> Held {
    let volume = stage.create(SIZE as u64).await?;
    let (going, staying) =
        (grant(stage, &volume, AccessMode::ReadWrite).await?, grant(stage, &volume, AccessMode::ReadWrite).await?);
    let first = connect(stage, &going.connection, AccessMode::ReadWrite).await?;
    let second = connect(stage, &staying.connection, AccessMode::ReadWrite).await?;
    let content = pattern(stage.seed, SIZE);
    let (first, written) = client(first, write_all(content.clone())).await?;
    written.map_err(Stop::failed)?;
    let (second, seen) = client(second, read_all).await?;
    same("what one client wrote and the other reads", &seen.map_err(Stop::failed)?, &content)?;
    drop(first);
    let answer = stage.driver().await.detach(&stage.ctx(), &volume, Detach::One(going.spec.id)).await;
    changed("detach of one of two", answer)?;
    opens_nothing(stage, "after detach of one of two", &going.connection).await?;
    equal("attachments left", &attached_to(stage, &volume).await?, &vec![staying.spec.id])?;
    let content = pattern(stage.seed + 1, SIZE);
    let (second, written) = client(second, write_all(content.clone())).await?;
    written.map_err(|error| Stop::failed(format!("the other client cannot write any more: {error}")))?;
    drop(second);
    stage.restart().await?;
    let anew = connect(stage, &staying.connection, AccessMode::ReadWrite).await?;
    let (anew, seen) = client(anew, read_all).await?;
    same("what the other client reads", &seen.map_err(Stop::failed)?, &content)?;
    drop(anew);
    let answer = stage.driver().await.delete(&stage.ctx(), &volume).await;
    refuses("delete of a volume with one attachment left", answer, &[Kind::Busy])?;
    let answer = stage.driver().await.detach(&stage.ctx(), &volume, Detach::One(staying.spec.id)).await;
    changed("detach of the other", answer)?;
    equal("exports after both", &exports(stage).await?, &Vec::new())
}

async fn read_only(stage: &Stage) -> Held {
    let content = pattern(stage.seed, SIZE);
    let volume = stage.create_holding(&content).await?;
    let Grant { spec, connection } = grant(stage, &volume, AccessMode::ReadOnly).await?;
    changes_nothing(stage, "a read-only client", &connection, &content).await?;
    stage.restart().await?;
    changes_nothing(stage, "a read-only client after a restart", &connection, &content).await?;
    let driver = stage.driver().await;
    let mut expected = content.clone();
    if let Some(online) = driver.online_extend() {
        expected = with_zero_tail(&content, 2 * SIZE);
        let size = stage.spec(expected.len() as u64)?.size;
        changed("online extend", online.extend_attached(&stage.ctx(), &volume, size).await)?;
        changes_nothing(stage, "a read-only client of a volume that grew", &connection, &content).await?;
    }
    if stage.claims.capabilities.multi_attach {
        beside_a_writer(stage, &volume, &connection, &content).await?;
    }
    let answer = driver.detach(&stage.ctx(), &volume, Detach::One(spec.id)).await;
    changed("detach", answer)?;
    stage.holds("the volume after its read-only client", &volume, &expected).await?;
    // The right comes back with the next attachment.
    stage.write(&volume, 0, b"written").await
}

/// Both ways that the client may open what it was given: as it should, and as it should not.
async fn changes_nothing(stage: &Stage, who: &str, connection: &ConnectionInfo, content: &[u8]) -> Held {
    let disk = connect(stage, connection, AccessMode::ReadOnly).await?;
    let disk = tries_to_write(who, disk, stage.seed + 1).await?;
    let (_disk, seen) = client(disk, read_all).await?;
    same(&format!("what {who} reads"), &seen.map_err(Stop::failed)?, content)?;
    if let Ok(disk) = stage.site.connect(connection, AccessMode::ReadWrite).await {
        tries_to_write(who, disk, stage.seed + 2).await?;
    }
    let disk = connect(stage, connection, AccessMode::ReadOnly).await?;
    let (_disk, seen) = client(disk, read_all).await?;
    same(&format!("what is left by {who}"), &seen.map_err(Stop::failed)?, content)
}

async fn tries_to_write(who: &str, disk: Box<dyn Disk>, seed: u64) -> Held<Box<dyn Disk>> {
    let (disk, written) = client(disk, write_all(pattern(seed, SIZE))).await?;
    ensure(written.is_err(), || format!("{who} wrote, and was not told off"))?;
    // What the answer is does not matter here, only what it does.
    let (disk, _told) = client(disk, |disk| disk.discard(0, SIZE as u64)).await?;
    Ok(disk)
}

async fn beside_a_writer(stage: &Stage, volume: &VolumeRef, connection: &ConnectionInfo, content: &[u8]) -> Held {
    let writer = stage.attachment(AccessMode::ReadWrite);
    match stage.driver().await.attach(&stage.ctx(), volume, &writer).await {
        Err(error) if error.kind() == Kind::Busy => Ok(()),
        other => {
            changed("attach of a writer beside a reader", other)?;
            changes_nothing(stage, "a read-only client beside one that may write", connection, content).await?;
            let answer = stage.driver().await.detach(&stage.ctx(), volume, Detach::One(writer.id)).await;
            changed("detach of the writer", answer)?;
            changes_nothing(stage, "a read-only client after one that could write", connection, content).await
        }
    }
}

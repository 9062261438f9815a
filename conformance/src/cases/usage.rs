//! How full a pool is said to be, as volumes come, are written, fail and go.

use ashlar_common::{
    driver::{Error, ImageFile, Kind, OpCtx, Outcome, VolumeRef},
    ids::OpId,
    image::ImageFormat,
    stats::Capacity,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::{
    answers::{done, refuses},
    behaviour::{Behaviour, Group},
    claims::Need,
    contents::pattern,
    outcome::{Held, Stop, ensure},
    race,
    stage::{SETTLE_LIMIT, Stage, eventually, refused},
};

use super::{Case, stats::pool};

/// Creates at once, each for a quarter of the pool.
const RACERS: usize = 6;
/// Copies are given up after so many steps of the runtime, in this many tries.
const TRIES: u32 = 6;

/// Behaviours 52, 53, 57 and 58.
pub const CASES: &[Case] = &[
    Case {
        behaviour: Behaviour {
            number: 52,
            group: Group::Stats,
            name: "thick_volume_counts_from_the_start_and_a_removed_one_no_more",
            clauses: &["stats.4"],
            need: Need::UsageKnown,
        },
        run: |stage| Box::pin(create_and_delete(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 53,
            group: Group::Stats,
            name: "thin_volume_counts_as_it_is_written",
            clauses: &["stats.4"],
            need: Need::UsageKnown,
        },
        run: |stage| Box::pin(written(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 57,
            group: Group::Stats,
            name: "what_failed_counts_no_more",
            clauses: &["stats.4", "call.3", "create.3"],
            need: Need::UsageKnown,
        },
        run: |stage| Box::pin(failures(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 58,
            group: Group::Stats,
            name: "creates_at_once_never_take_more_room_than_a_thick_pool_has",
            clauses: &["create.3", "create.4"],
            need: Need::Thick,
        },
        run: |stage| Box::pin(racing_creates(stage)),
    },
];

/// Bytes that the pool is said to have given out.
async fn used(stage: &Stage) -> Held<u64> {
    let told = pool(stage).await?;
    let known = |size: Capacity| size.known().map(ashlar_common::units::ByteCount::bytes);
    let by_free = known(told.total).zip(known(told.free)).map(|(total, free)| total.saturating_sub(free));
    known(told.allocated).or(by_free).ok_or_else(|| Stop::failed("it is not told how full the pool is"))
}

/// What the backend may need for itself beside so many bytes: extents, maps, records.
fn margin(stage: &Stage, bytes: u64) -> u64 {
    bytes / 8 + (8 << 20).max(stage.site.room() / 16)
}

/// The pool comes to say that about so many bytes more than `before` are taken.
async fn comes_to_use(stage: &Stage, when: &str, before: u64, bytes: u64) -> Held {
    let expected = before + bytes;
    eventually(stage.site.settles_within(), || async {
        let now = used(stage).await?;
        ensure(now.abs_diff(expected) <= margin(stage, bytes), || {
            format!("{when}: about {bytes} bytes more than {before} should be taken, and {now} are said to be")
        })
    })
    .await
}

fn length(bytes: u64) -> Held<usize> {
    usize::try_from(bytes).map_err(Stop::failed)
}

async fn create_and_delete(stage: &Stage) -> Held {
    let (before, size) = (used(stage).await?, stage.whole_bytes(stage.site.room() / 4));
    let spec = stage.spec(size)?;
    let driver = stage.driver().await;
    done("create", driver.create(&stage.ctx(), &spec).await)?;
    let counts = if stage.claims.thick { size } else { 0 };
    comes_to_use(stage, "after a create", before, counts).await?;
    done("create again", driver.create(&stage.ctx(), &spec).await)?;
    comes_to_use(stage, "after the same create again", before, counts).await?;
    stage.delete(&spec.volume).await?;
    comes_to_use(stage, "after the delete", before, 0).await
}

async fn written(stage: &Stage) -> Held {
    let size = stage.whole_bytes(stage.site.room() / 2);
    let volume = stage.create(size).await?;
    let before = used(stage).await?;
    let bytes = size / 2;
    stage.write(&volume, 0, &pattern(stage.seed, length(bytes)?)).await?;
    let counts = if stage.claims.thick { 0 } else { bytes };
    comes_to_use(stage, "after half of a volume was written", before, counts).await?;
    stage.write(&volume, 0, &pattern(stage.seed + 1, length(bytes)?)).await?;
    comes_to_use(stage, "after the same half was written again", before, counts).await?;
    let held = if stage.claims.thick { size } else { bytes };
    stage.delete(&volume).await?;
    comes_to_use(stage, "after the delete", (before + counts).saturating_sub(held), 0).await
}

/// Everything that fails while it takes room: refused, given up, out of room.
async fn failures(stage: &Stage) -> Held {
    let size = stage.whole_bytes(stage.site.room() * 2 / 5);
    let source = stage.create_holding(&pattern(stage.seed, length(size)?)).await?;
    let before = used(stage).await?;
    hostile_image(stage).await?;
    comes_to_use(stage, "after images that were refused", before, 0).await?;
    given_up_copies(stage, &source, size).await?;
    comes_to_use(stage, "after copies that were given up", before, 0).await?;
    copies_until_full(stage, &source, size).await?;
    comes_to_use(stage, "after copies that found no room", before, 0).await?;
    if stage.claims.thick {
        let spec = stage.spec(stage.site.room() * 2)?;
        let answer = stage.driver().await.create(&stage.ctx(), &spec).await;
        refuses("create of more than the pool has", answer, &[Kind::OutOfSpace])?;
        comes_to_use(stage, "after a create that found no room", before, 0).await?;
    }
    stage.becomes_tidy().await
}

async fn hostile_image(stage: &Stage) -> Held {
    let size = stage.whole_bytes(stage.site.room() / 4);
    let folder = TempDir::new().map_err(|error| Stop::NotRun(format!("no temporary directory: {error}")))?;
    let image = ImageFile { path: folder.path().join("image"), format: ImageFormat::Qcow2 };
    std::fs::write(&image.path, pattern(stage.seed, 1 << 20)).map_err(Stop::failed)?;
    let larger = ImageFile { path: folder.path().join("larger"), format: ImageFormat::Raw };
    let file = std::fs::File::create(&larger.path).map_err(Stop::failed)?;
    file.set_len(size + 1).map_err(Stop::failed)?;
    for image in [image, larger] {
        let spec = stage.spec(size)?;
        let answer = stage.driver().await.copy_image_to_volume(&stage.ctx(), &spec, &image).await;
        refuses("a hostile image", answer, &[Kind::Invalid])?;
    }
    Ok(())
}

async fn given_up_copies(stage: &Stage, source: &VolumeRef, size: u64) -> Held {
    for tries in 0..TRIES {
        let cancel = CancellationToken::new();
        let ctx = OpCtx::new(OpId::new(), SETTLE_LIMIT, cancel.clone());
        let (driver, from, spec) = (stage.driver().await, source.clone(), stage.spec(size)?);
        let wanted = spec.clone();
        let copy = tokio::spawn(async move { driver.clone_volume(&ctx, &wanted, &from).await });
        for _ in 0..1 << (2 * tries) {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
        match copy.await.map_err(Stop::failed)? {
            Ok(_) => stage.delete(&spec.volume).await?,
            Err(error) if error.kind() == Kind::OutOfSpace => {}
            Err(error) => {
                // Unavailable: given up before it was begun.
                refuses(
                    "a copy that was given up",
                    Err::<(), Error>(error),
                    &[Kind::Indeterminate, Kind::Unavailable],
                )?;
                done("delete", stage.driver().await.delete(&stage.ctx(), &spec.volume).await)?;
            }
        }
    }
    Ok(())
}

/// Where copies share blocks with their source, there is always room for them.
async fn copies_until_full(stage: &Stage, source: &VolumeRef, size: u64) -> Held {
    let mut made = Vec::new();
    for _ in 0..3 {
        let spec = stage.spec(size)?;
        match stage.driver().await.clone_volume(&stage.ctx(), &spec, source).await {
            Ok(_) => made.push(spec.volume),
            Err(error) if error.kind() == Kind::OutOfSpace => {
                ensure(stage.inspect(&spec.volume).await?.is_none(), || {
                    "a copy that found no room is there".to_owned()
                })?;
                break;
            }
            Err(error) => return Err(refused("clone", &error)),
        }
    }
    for volume in made {
        stage.delete(&volume).await?;
    }
    Ok(())
}

/// As if several schedulers had each seen the same free room.
async fn racing_creates(stage: &Stage) -> Held {
    let size = stage.whole_bytes(stage.site.room() / 4);
    let (mut calls, mut volumes): (Vec<race::Call<_>>, Vec<_>) = (Vec::new(), Vec::new());
    for _ in 0..RACERS {
        let (driver, ctx, spec) = (stage.driver().await, stage.ctx(), stage.spec(size)?);
        volumes.push(spec.volume.clone());
        calls.push(Box::pin(async move { driver.create(&ctx, &spec).await }));
    }
    let mut made = Vec::new();
    for (answer, volume) in race::all(calls).await?.into_iter().zip(volumes) {
        match answer {
            Ok(Outcome::Changed(_)) => made.push(volume),
            other => {
                refuses("create while others create", other, &[Kind::OutOfSpace])?;
                ensure(stage.inspect(&volume).await?.is_none(), || "a volume that was refused is there".to_owned())?;
            }
        }
    }
    let room = stage.site.room();
    ensure(!made.is_empty(), || format!("of {RACERS} creates at once none found room in an empty pool"))?;
    ensure(made.len() as u64 * size <= room, || {
        format!("{} volumes of {size} bytes were made in a pool of {room}", made.len())
    })?;
    for (number, volume) in (0..).zip(&made) {
        stage.write(volume, 0, &pattern(stage.seed + number, length(size)?)).await?;
    }
    for (number, volume) in (0..).zip(&made) {
        stage.holds("a volume made beside others", volume, &pattern(stage.seed + number, length(size)?)).await?;
        stage.delete(volume).await?;
    }
    Ok(())
}

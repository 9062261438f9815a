//! Copies, reverts and images of volumes on a real volume group, all of which is full of somebody's old bytes.

use std::{
    fs::File,
    num::NonZeroU64,
    os::unix::fs::FileExt,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use ashlar_common::{
    bytes::Throttle,
    driver::{Classified, ImageFile, Kind, OpCtx},
    ids::{OpId, SnapshotId, VolumeId},
    image::ImageFormat,
    units::ByteCount,
};
use ashlar_driver_lvm::{
    Error, data, images,
    locks::{Locked, Locks},
    lvm::{Extras, Lv, Lvm, Options},
    names::{LvName, Tag},
    thick::{self, Home, New, Reverts, refuse_reverting},
};
use ashlar_lab::lvm::{Shape, ThinPool, VolumeGroup};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

const MIB: usize = 1 << 20;
/// No whole number of extents, nor of blocks.
const SOURCE: usize = 20 * MIB + 3 * 512;
const LARGER: usize = 26 * MIB + 512;
const THICK: Shape = Shape { size_mib: 160, extent_kib: 4096, thin: None };
const THIN: Shape =
    Shape { size_mib: 160, extent_kib: 4096, thin: Some(ThinPool { size_mib: 96, metadata_kib: 4096 }) };

struct Lab {
    lvm: Lvm,
    scratch: TempDir,
    group: VolumeGroup,
}

impl Lab {
    /// Every free extent holds bytes of somebody else.
    async fn new(shape: &Shape) -> Result<Self> {
        let (group, scratch) = (VolumeGroup::standing(shape)?, TempDir::new()?);
        let options = Options {
            vg: group.name().parse()?,
            program: None,
            state: scratch.path().to_owned(),
            command_timeout: Duration::from_secs(60),
            extras: Extras { issue_discards: false, monitoring: None },
        };
        let (lvm, _) = Lvm::open(&ctx(), options).await?;
        let (free, name) = (lvm.vg(&ctx()).await?.free, "filler".parse()?);
        let lv = lvm.turn(&ctx()).await?.create_thick(&ctx(), &name, free, &[]).await?;
        let device = data::open_to_change(&lv.device)?;
        for at in (0..free.bytes()).step_by(MIB) {
            device.write_all_at(&[0xEE; MIB], at)?;
        }
        device.sync_all()?;
        drop(device);
        lvm.turn(&ctx()).await?.remove(&ctx(), &name).await?;
        Ok(Self { lvm, scratch, group })
    }

    async fn make(&self, home: Home, content: &[u8]) -> Result<Lv> {
        let new = New { home, ..new(content.len()) };
        let path = self.scratch.path().join("content");
        std::fs::write(&path, content)?;
        let from = data::Room { device: path, size: new.size };
        let fill = |to| async move { data::copy_whole(&ctx(), &from, &to, None).await };
        Ok(thick::make(&self.lvm, &ctx(), &new, fill).await?)
    }

    async fn snapshot(&self, volume: &Lv, id: SnapshotId) -> Result<Lv> {
        let tags = [Tag::ours(), Tag::size(volume.size)];
        Ok(self.lvm.turn(&ctx()).await?.snapshot(&ctx(), &volume.name, &LvName::snapshot(id), &tags).await?)
    }

    async fn look(&self, lv: &Lv) -> Result<Lv> {
        Ok(self.lvm.lv(&ctx(), &lv.name).await?.ok_or("it is there")?)
    }

    /// Removes these, and looks that nothing else was left of the test.
    async fn end(&self, lvs: &[&Lv]) -> Result {
        self.remove(lvs).await?;
        let residue = self.group.residue()?;
        ensure(residue.is_empty(), &format!("nothing is left: {residue:?}"))
    }

    async fn remove(&self, lvs: &[&Lv]) -> Result {
        for lv in lvs {
            self.lvm.turn(&ctx()).await?.remove(&ctx(), &lv.name).await?;
        }
        Ok(())
    }

    /// There is nothing but these, and the pool.
    async fn only(&self, lvs: &[&Lv]) -> Result {
        let mut names: Vec<_> = self.lvm.lvs(&ctx()).await?.into_iter().map(|lv| lv.name).collect();
        names.retain(|name| name.as_str() != "pool");
        let mut expected: Vec<_> = lvs.iter().map(|lv| lv.name.clone()).collect();
        names.sort();
        expected.sort();
        ensure(names == expected, &format!("only {expected:?} are there: {names:?}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_holds_its_source_and_zeros_and_nothing_else_is_left() -> Result {
    let lab = Lab::new(&THICK).await?;
    let content = varied(SOURCE, 1);
    let source = lab.make(Home::Thick, &content).await?;
    holds(&source, &content)?;
    let target = new(LARGER);
    let running = ctx();
    let made = thick::clone_volume(&lab.lvm, &running, &source.name, &target, None).await?;
    let mut expected = content.clone();
    expected.resize(LARGER, 0);
    holds(&made, &expected)?;
    slack_is_zero(&made)?;
    let progress = *running.watch_progress().borrow();
    ensure(progress.done == LARGER as u64 && progress.total == LARGER as u64, "progress reaches the end")?;
    lab.only(&[&source, &made]).await?;
    let small = thick::clone_volume(&lab.lvm, &ctx(), &source.name, &new(MIB), None).await;
    is(small, Kind::Invalid)?;
    let huge = thick::clone_volume(&lab.lvm, &ctx(), &source.name, &new(1 << 40), None).await;
    is(huge, Kind::OutOfSpace)?;
    let nobody = thick::clone_volume(&lab.lvm, &ctx(), &LvName::volume(VolumeId::new()), &new(MIB), None).await;
    is(nobody, Kind::NotFound)?;
    lab.only(&[&source, &made]).await?;
    lab.end(&[&source, &made]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_of_a_busy_volume_is_of_one_instant() -> Result {
    let lab = Lab::new(&THICK).await?;
    let source = lab.make(Home::Thick, &vec![0; SOURCE]).await?;
    let stop = AtomicBool::new(false);
    let made = std::thread::scope(|scope| {
        scope.spawn(|| -> std::io::Result<()> {
            // Round after round, block by block, each written before the next.
            let device = File::options().write(true).open(&source.device)?;
            for round in 1_u8.. {
                for at in (0..SOURCE).step_by(64 << 10) {
                    device.write_all_at(&vec![round; (64 << 10).min(SOURCE - at)], at as u64)?;
                    if at % MIB == 0 {
                        device.sync_data()?;
                    }
                    if stop.load(Ordering::Relaxed) {
                        return Ok(());
                    }
                }
            }
            Ok(())
        });
        let made = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                tokio::time::sleep(Duration::from_millis(500)).await;
                thick::clone_volume(&lab.lvm, &ctx(), &source.name, &new(SOURCE), None).await
            })
        });
        stop.store(true, Ordering::Relaxed);
        made
    })?;
    // Each MiB was flushed before the next: rounds never rise by the way, and fall once and by one.
    let bytes = read(&made)?;
    let rounds: Vec<u8> = bytes.iter().step_by(MIB).copied().collect();
    let (first, last) = (rounds[0], *rounds.last().ok_or("it has bytes")?);
    ensure(rounds.is_sorted_by(|a, b| a >= b) && first - last <= 1, &format!("of one instant: {rounds:?}"))?;
    lab.only(&[&source, &made]).await?;
    lab.end(&[&source, &made]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_clone_leaves_nothing() -> Result {
    let lab = Lab::new(&THICK).await?;
    let source = lab.make(Home::Thick, &varied(SOURCE, 2)).await?;
    let slow = NonZeroU64::new(1 << 20).map(Throttle::new);
    let running = ctx();
    let target = new(LARGER);
    let copy = thick::clone_volume(&lab.lvm, &running, &source.name, &target, slow);
    let (came, stopped) = tokio::join!(copy, cancel_midway(&running));
    stopped?;
    is(came, Kind::Indeterminate)?;
    lab.only(&[&source]).await?;
    lab.end(&[&source]).await
}

/// A volume and two of its snapshots, of which it differs in half.
struct Reverted {
    id: VolumeId,
    volume: Lv,
    snapshots: [(SnapshotId, Lv, Vec<u8>); 2],
}

impl Lab {
    async fn reverted(&self) -> Result<Reverted> {
        let (old, newer) = (varied(SOURCE, 3), varied(SOURCE, 4));
        let volume = self.make(Home::Thick, &old).await?;
        let (first, second) = (SnapshotId::new(), SnapshotId::new());
        let one = self.snapshot(&volume, first).await?;
        write(&volume, &newer)?;
        let two = self.snapshot(&volume, second).await?;
        write(&volume, &varied(SOURCE, 5)[..SOURCE / 1024 * 512])?;
        let id = volume.name.as_str().trim_start_matches("volume-").parse()?;
        let all = Reverted { id, volume, snapshots: [(first, one, old), (second, two, newer)] };
        all.snapshots_are_as_they_were()?;
        Ok(all)
    }
}

impl Reverted {
    fn snapshots_are_as_they_were(&self) -> Result {
        self.snapshots.iter().try_for_each(|(_, snapshot, bytes)| holds(snapshot, bytes))
    }

    fn lvs(&self) -> [&Lv; 3] {
        [&self.snapshots[0].1, &self.snapshots[1].1, &self.volume]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_from_a_snapshot_holds_its_bytes_and_zeros() -> Result {
    let lab = Lab::new(&THICK).await?;
    let all = lab.reverted().await?;
    for (_, snapshot, bytes) in &all.snapshots {
        let copy = thick::create_from_snapshot(&lab.lvm, &ctx(), &snapshot.name, &new(LARGER), None).await?;
        let mut expected = bytes.clone();
        expected.resize(LARGER, 0);
        holds(&copy, &expected)?;
        slack_is_zero(&copy)?;
        lab.remove(&[&copy]).await?;
    }
    lab.end(&all.lvs()).await
}

/// Nobody else is there who could attach the volume.
async fn unlocked() -> Result<Locked> {
    Ok(Locks::default().lock(&ctx(), []).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_goes_back_and_forth_between_its_snapshots_which_stay() -> Result {
    let lab = Lab::new(&THICK).await?;
    let all = lab.reverted().await?;
    let reverts = Reverts::new(lab.lvm.clone(), None);
    for (snapshot, _, bytes) in [&all.snapshots[0], &all.snapshots[1], &all.snapshots[0]] {
        reverts.revert(&ctx(), all.id, *snapshot, unlocked().await?).await?;
        holds(&all.volume, bytes)?;
        all.snapshots_are_as_they_were()?;
    }
    lab.only(&all.lvs()).await?;
    lab.end(&all.lvs()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_in_use_and_a_snapshot_of_nothing_are_refused_without_a_trace() -> Result {
    let lab = Lab::new(&THICK).await?;
    let all = lab.reverted().await?;
    let (reverts, before) = (Reverts::new(lab.lvm.clone(), None), read(&all.volume)?);
    let open = File::open(&all.volume.device)?;
    is(reverts.revert(&ctx(), all.id, all.snapshots[0].0, unlocked().await?).await, Kind::Busy)?;
    drop(open);
    is(reverts.revert(&ctx(), all.id, SnapshotId::new(), unlocked().await?).await, Kind::NotFound)?;
    is(reverts.revert(&ctx(), VolumeId::new(), all.snapshots[0].0, unlocked().await?).await, Kind::NotFound)?;
    ensure(lab.look(&all.volume).await?.intent().is_none(), "nothing is to be finished")?;
    holds(&all.volume, &before)?;
    lab.end(&all.lvs()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_revert_keeps_its_volume_to_itself_until_the_next_process_has_ended_it() -> Result {
    let lab = Lab::new(&THICK).await?;
    let all = lab.reverted().await?;
    let [(other, ..), (snapshot, _, bytes)] = &all.snapshots;
    // So slow that it is still under way when it is stopped.
    let slow = Reverts::new(lab.lvm.clone(), NonZeroU64::new(1 << 20).map(Throttle::new));
    let running = ctx();
    let revert = slow.revert(&running, all.id, *snapshot, unlocked().await?);
    let (came, stopped) = tokio::join!(revert, cancel_midway(&running));
    stopped?;
    is(came, Kind::Indeterminate)?;
    let now = lab.look(&all.volume).await?;
    ensure(matches!(refuse_reverting(&now), Err(Error::InUse { .. })), "it is in use meanwhile")?;
    is(slow.revert(&ctx(), all.id, *other, unlocked().await?).await, Kind::Busy)?;
    is(thick::clone_volume(&lab.lvm, &ctx(), &all.volume.name, &new(SOURCE), None).await, Kind::Busy)?;
    slow.close().await;
    ensure(read(&all.volume)? != *bytes, "it was in the middle")?;

    let next = Reverts::new(lab.lvm.clone(), None);
    next.resume(&lab.lvm.lvs(&ctx()).await?);
    next.revert(&ctx(), all.id, *snapshot, unlocked().await?).await?;
    holds(&all.volume, bytes)?;
    all.snapshots_are_as_they_were()?;
    ensure(lab.look(&all.volume).await?.intent().is_none(), "nothing is left to do")?;
    lab.end(&all.lvs()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_a_volume_in_use_comes_back_byte_for_byte() -> Result {
    let lab = Lab::new(&THIN).await?;
    let content = varied(SOURCE, 6);
    let mut larger = content.clone();
    larger.resize(LARGER, 0);
    for home in [Home::Thick, Home::Thin("pool".parse()?)] {
        let volume = lab.make(home.clone(), &content).await?;
        for format in [ImageFormat::Raw, ImageFormat::Qcow2] {
            let image = ImageFile { path: lab.scratch.path().join(format!("image.{format}")), format };
            let open = File::open(&volume.device)?;
            images::copy_volume_to_image(&lab.lvm, &ctx(), &volume.name, &image, None).await?;
            drop(open);
            lab.only(&[&volume]).await?;
            let target = New { home: home.clone(), ..new(LARGER) };
            let made = images::copy_image_to_volume(&lab.lvm, &ctx(), &target, &image, None).await?;
            holds(&made, &larger)?;
            slack_is_zero(&made)?;
            lab.remove(&[&made]).await?;
            let small = New { home: home.clone(), ..new(MIB) };
            is(images::copy_image_to_volume(&lab.lvm, &ctx(), &small, &image, None).await, Kind::Invalid)?;
            lab.only(&[&volume]).await?;
        }
        lab.remove(&[&volume]).await?;
    }
    lab.end(&[]).await
}

fn ctx() -> OpCtx {
    OpCtx::new(OpId::new(), Duration::from_secs(120), CancellationToken::new())
}

async fn cancel_midway(running: &OpCtx) -> Result {
    running.watch_progress().wait_for(|progress| progress.done > 0).await.map(drop)?;
    running.cancel().cancel();
    Ok(())
}

fn new(size: usize) -> New {
    let size = ByteCount::new(size as u64).expect("a small size");
    New { id: VolumeId::new(), size, home: Home::Thick, tags: Vec::new() }
}

/// Data, holes of many sizes, and no two seeds alike.
fn varied(len: usize, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bytes = vec![0; len];
    for chunk in bytes.chunks_mut(300_000) {
        let from = random.usize(..chunk.len());
        random.fill(&mut chunk[from..]);
    }
    bytes
}

fn read(lv: &Lv) -> Result<Vec<u8>> {
    read_range(lv, 0, lv.size.bytes())
}

fn read_range(lv: &Lv, from: u64, to: u64) -> Result<Vec<u8>> {
    let device = File::open(&lv.device)?;
    // What is cached may be of before.
    rustix::fs::fadvise(&device, 0, None, rustix::fs::Advice::DontNeed)?;
    let mut bytes = vec![0; usize::try_from(to - from)?];
    device.read_exact_at(&mut bytes, from)?;
    Ok(bytes)
}

/// A volume may grow into it, and nobody looks at it then.
fn slack_is_zero(lv: &Lv) -> Result {
    let slack = read_range(lv, lv.size.bytes(), lv.extents.bytes())?;
    ensure(!slack.is_empty() && slack == vec![0; slack.len()], "what is behind the volume's end is zero")
}

fn write(lv: &Lv, bytes: &[u8]) -> Result {
    let device = data::open_to_change(&lv.device)?;
    device.write_all_at(bytes, 0)?;
    Ok(device.sync_all()?)
}

fn holds(lv: &Lv, expected: &[u8]) -> Result {
    let found = read(lv)?;
    if found == expected {
        return Ok(());
    }
    let first = found.iter().zip(expected).position(|(found, expected)| found != expected);
    ensure(false, &format!("{} of {} bytes holds its {}: {first:?}", lv.name, found.len(), expected.len()))
}

fn is<T>(came: std::result::Result<T, Error>, kind: Kind) -> Result {
    match came {
        Err(error) if error.kind() == kind => Ok(()),
        Err(error) => Err(format!("{kind} was expected, not {}: {error}", error.kind()).into()),
        Ok(_) => Err(format!("{kind} was expected").into()),
    }
}

#[track_caller]
fn ensure(holds: bool, what: &str) -> Result {
    if holds { Ok(()) } else { Err(format!("{}: not so: {what}", std::panic::Location::caller()).into()) }
}

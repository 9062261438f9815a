//! Copies, reverts and images on a real volume group: `thick VG STATE SCRATCH`. The volume group must be empty but for a
//! thin pool `pool`; it is filled with old bytes first. Says what holds, and fails at the first thing that does not.

use std::{
    fs::File,
    io::Write,
    num::NonZeroU64,
    os::unix::fs::FileExt,
    path::PathBuf,
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
    lvm::{Extras, Lv, Lvm, Options},
    names::{LvName, Tag},
    thick::{self, Home, New, Reverts, refuse_reverting},
};
use tokio_util::sync::CancellationToken;

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

const MIB: usize = 1 << 20;
/// No whole number of extents, nor of blocks.
const SOURCE: usize = 20 * MIB + 3 * 512;
const LARGER: usize = 26 * MIB + 512;

#[tokio::main]
async fn main() -> Result {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [vg, state, scratch] = &args[..] else { return Err("give VG STATE SCRATCH".into()) };
    let options = Options {
        vg: vg.parse()?,
        state: state.into(),
        command_timeout: Duration::from_secs(60),
        extras: Extras { issue_discards: false, monitoring: None },
    };
    let lvm = Lvm::open(&ctx(), options).await?;
    let check = Check { lvm, scratch: scratch.into() };
    check.dirty().await?;
    check.clones().await?;
    check.a_clone_of_a_busy_volume_is_of_one_instant().await?;
    check.stopped_copies_leave_nothing().await?;
    check.reverts().await?;
    check.images().await
}

struct Check {
    lvm: Lvm,
    scratch: PathBuf,
}

impl Check {
    /// Every free extent holds bytes of somebody else.
    async fn dirty(&self) -> Result {
        let free = self.lvm.vg(&ctx()).await?.free;
        let name: LvName = "filler".parse()?;
        let lv = self.lvm.turn(&ctx()).await?.create_thick(&ctx(), &name, free, &[]).await?;
        let device = data::open_to_change(&lv.device)?;
        for at in (0..free.bytes()).step_by(MIB) {
            device.write_all_at(&vec![0xEE; MIB], at)?;
        }
        device.sync_all()?;
        drop(device);
        self.lvm.turn(&ctx()).await?.remove(&ctx(), &name).await?;
        say("the volume group is full of old bytes")
    }

    async fn make(&self, home: Home, content: &[u8]) -> Result<Lv> {
        let new = New { home, ..new(content.len()) };
        let path = self.scratch.join("content");
        std::fs::write(&path, content)?;
        let from = data::Room { device: path, size: new.size };
        let fill = |to| async move { data::copy_whole(&ctx(), &from, &to, None).await };
        Ok(thick::make(&self.lvm, &ctx(), &new, fill).await?)
    }

    async fn clones(&self) -> Result {
        let content = varied(SOURCE, 1);
        let source = self.make(Home::Thick, &content).await?;
        holds(&source, &content)?;
        let target = new(LARGER);
        let running = ctx();
        let made = thick::clone_volume(&self.lvm, &running, &source.name, &target, None).await?;
        let mut expected = content.clone();
        expected.resize(LARGER, 0);
        holds(&made, &expected)?;
        let progress = *running.watch_progress().borrow();
        ensure(progress.done == LARGER as u64 && progress.total == LARGER as u64, "progress reaches the end")?;
        self.only(&[&source, &made]).await?;
        say("a clone holds its source and zeros, and nothing else is left")?;
        let small = thick::clone_volume(&self.lvm, &ctx(), &source.name, &new(MIB), None).await;
        is(small, Kind::Invalid)?;
        let huge = thick::clone_volume(&self.lvm, &ctx(), &source.name, &new(1 << 40), None).await;
        is(huge, Kind::OutOfSpace)?;
        let nobody = thick::clone_volume(&self.lvm, &ctx(), &LvName::volume(VolumeId::new()), &new(MIB), None).await;
        is(nobody, Kind::NotFound)?;
        self.only(&[&source, &made]).await?;
        say("a smaller one, one without room and one of nothing are refused, and leave nothing")?;
        self.remove(&[&source, &made]).await
    }

    async fn a_clone_of_a_busy_volume_is_of_one_instant(&self) -> Result {
        let source = self.make(Home::Thick, &vec![0; SOURCE]).await?;
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
                    thick::clone_volume(&self.lvm, &ctx(), &source.name, &new(SOURCE), None).await
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
        self.only(&[&source, &made]).await?;
        say(&format!("a clone of a volume that is written to is of one instant (rounds {first} and {last})"))?;
        self.remove(&[&source, &made]).await
    }

    async fn stopped_copies_leave_nothing(&self) -> Result {
        let source = self.make(Home::Thick, &varied(SOURCE, 2)).await?;
        let slow = NonZeroU64::new(1 << 20).map(Throttle::new);
        let running = ctx();
        let (mut progress, cancel) = (running.watch_progress(), running.cancel().clone());
        let stop = async {
            progress.wait_for(|progress| progress.done > 0).await.map(drop)?;
            cancel.cancel();
            Result::Ok(())
        };
        let target = new(LARGER);
        let copy = thick::clone_volume(&self.lvm, &running, &source.name, &target, slow);
        let (came, stopped): (_, Result) = tokio::join!(copy, stop);
        stopped?;
        is(came, Kind::Indeterminate)?;
        self.only(&[&source]).await?;
        say("a clone that is cancelled in the middle leaves nothing")?;
        self.remove(&[&source]).await
    }

    async fn reverts(&self) -> Result {
        let (old, newer) = (varied(SOURCE, 3), varied(SOURCE, 4));
        let volume = self.make(Home::Thick, &old).await?;
        let (first, second) = (SnapshotId::new(), SnapshotId::new());
        let one = self.snapshot(&volume, first).await?;
        write(&volume, &newer)?;
        let two = self.snapshot(&volume, second).await?;
        write(&volume, &varied(SOURCE, 5)[..SOURCE / 2 / 512 * 512])?;
        holds(&one, &old)?;
        holds(&two, &newer)?;

        let copy = thick::create_from_snapshot(&self.lvm, &ctx(), &one.name, &new(LARGER), None).await?;
        let mut expected = old.clone();
        expected.resize(LARGER, 0);
        holds(&copy, &expected)?;
        self.remove(&[&copy]).await?;
        say("a volume from a snapshot holds its bytes and zeros")?;

        let id = volume.name.as_str().trim_start_matches("volume-").parse()?;
        let reverts = Reverts::new(self.lvm.clone(), None);
        let open = File::open(&volume.device)?;
        is(reverts.revert(&ctx(), id, first).await, Kind::Busy)?;
        drop(open);
        is(reverts.revert(&ctx(), id, SnapshotId::new()).await, Kind::NotFound)?;
        ensure(self.look(&volume).await?.intent().is_none(), "refused without a trace")?;
        for (snapshot, expected) in [(first, &old), (second, &newer), (first, &old)] {
            reverts.revert(&ctx(), id, snapshot).await?;
            holds(&volume, expected)?;
            holds(&one, &old)?;
            holds(&two, &newer)?;
        }
        self.only(&[&volume, &one, &two]).await?;
        say("a volume goes back and forth between two snapshots, which stay as they are")?;

        // So slow that it is still under way when it is stopped.
        let slow = Reverts::new(self.lvm.clone(), NonZeroU64::new(1 << 20).map(Throttle::new));
        let short = OpCtx::new(OpId::new(), Duration::from_secs(4), CancellationToken::new());
        is(slow.revert(&short, id, second).await, Kind::Indeterminate)?;
        let now = self.look(&volume).await?;
        ensure(matches!(refuse_reverting(&now), Err(Error::InUse { .. })), "it is in use meanwhile")?;
        is(slow.revert(&ctx(), id, first).await, Kind::Busy)?;
        is(thick::clone_volume(&self.lvm, &ctx(), &volume.name, &new(SOURCE), None).await, Kind::Busy)?;
        slow.close().await;
        ensure(read(&volume)? != newer, "it was in the middle")?;
        say("a revert that is stopped keeps its volume to itself")?;
        let next = Reverts::new(self.lvm.clone(), None);
        next.resume(&ctx()).await?;
        next.revert(&ctx(), id, second).await?;
        holds(&volume, &newer)?;
        holds(&one, &old)?;
        ensure(self.look(&volume).await?.intent().is_none(), "nothing is left to do")?;
        say("the next one to open the volume group goes on with it")?;
        self.remove(&[&one, &two, &volume]).await
    }

    async fn images(&self) -> Result {
        let content = varied(SOURCE, 6);
        let mut larger = content.clone();
        larger.resize(LARGER, 0);
        for home in [Home::Thick, Home::Thin("pool".parse()?)] {
            let volume = self.make(home.clone(), &content).await?;
            for format in [ImageFormat::Raw, ImageFormat::Qcow2] {
                let image = ImageFile { path: self.scratch.join(format!("image.{format}")), format };
                let open = File::open(&volume.device)?;
                images::copy_volume_to_image(&self.lvm, &ctx(), &volume.name, &image, None).await?;
                drop(open);
                self.only(&[&volume]).await?;
                let target = New { home: home.clone(), ..new(LARGER) };
                let made = images::copy_image_to_volume(&self.lvm, &ctx(), &target, &image, None).await?;
                holds(&made, &larger)?;
                self.remove(&[&made]).await?;
                let small = New { home: home.clone(), ..new(MIB) };
                is(images::copy_image_to_volume(&self.lvm, &ctx(), &small, &image, None).await, Kind::Invalid)?;
                self.only(&[&volume]).await?;
                say(&format!("{home:?}: an {format} image of a volume in use comes back byte for byte"))?;
            }
            self.remove(&[&volume]).await?;
        }
        Ok(())
    }

    async fn snapshot(&self, volume: &Lv, id: SnapshotId) -> Result<Lv> {
        let tags = [Tag::ours(), Tag::size(volume.size)];
        Ok(self.lvm.turn(&ctx()).await?.snapshot(&ctx(), &volume.name, &LvName::snapshot(id), &tags).await?)
    }

    async fn look(&self, lv: &Lv) -> Result<Lv> {
        Ok(self.lvm.lv(&ctx(), &lv.name).await?.ok_or("it is there")?)
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

fn ctx() -> OpCtx {
    OpCtx::new(OpId::new(), Duration::from_secs(120), CancellationToken::new())
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
    // A description of its own, so that nothing is cached from before.
    let device = File::open(&lv.device)?;
    rustix::fs::fadvise(&device, 0, None, rustix::fs::Advice::DontNeed)?;
    let mut bytes = vec![0; usize::try_from(lv.size.bytes())?];
    device.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

fn write(lv: &Lv, bytes: &[u8]) -> Result {
    let device = data::open_to_change(&lv.device)?;
    device.write_all_at(bytes, 0)?;
    Ok(device.sync_all()?)
}

fn holds(lv: &Lv, expected: &[u8]) -> Result {
    let found = read(lv)?;
    let first = found.iter().zip(expected).position(|(found, expected)| found != expected);
    ensure(found.len() == expected.len() && first.is_none(), &format!("{} holds its bytes: {first:?}", lv.name))
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

fn say(what: &str) -> Result {
    Ok(writeln!(std::io::stdout(), "{what}")?)
}

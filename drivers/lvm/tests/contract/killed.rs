//! A process that is killed in the middle of moving bytes: the next one to open the volume group leaves nothing half
//! done, and nobody's old bytes.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use ashlar_common::{
    driver::{Driver, SnapshotRef, VolumeRef, VolumeSpec, capability::Revert},
    exec::Program,
    ids::{SnapshotId, VolumeId},
};
use ashlar_driver_lvm::{Config, LvmDriver};
use rustix::fs::FlockOperation;
use serde_json::json;

use crate::bench::{Bench, clear, create, ctx, ensure, fill, holds, snapshot_of, spec};
use crate::failure::{Failure, Result};

const CHILD: &str = "killed::life_of_the_killed";
/// The child takes its work from an argument that looks to the test harness like one more filter.
const ROLE: &str = "works-on:";
/// Large enough that moving it takes several steps.
const SIZE: u64 = 16 << 20;
/// Zeros are written in larger pieces.
const WIPED: u64 = 80 << 20;
/// What is taken by each write: so the work is not done before the kill.
const SLOW: Duration = Duration::from_millis(100);

/// What a process dies of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Clone,
    Revert,
    Wipe,
}

struct Scene {
    bench: Bench,
    source: VolumeRef,
    frozen: SnapshotRef,
    target: VolumeSpec,
}

impl Scene {
    async fn new(size: u64) -> Result<Self> {
        let bench = Bench::new(false)?;
        let driver = bench.open(&json!({ "wipe_on_delete": true })).await?;
        let source = create(&driver, size).await?;
        let frozen = snapshot_of(&source);
        fill(&driver, &source, 0x66, size).await?;
        Ok(Self { bench, source, frozen, target: spec(SIZE)? })
    }

    async fn open(&self) -> Result<LvmDriver> {
        self.bench.open(&json!({ "wipe_on_delete": true })).await
    }

    /// Has a process begin, and kills it when it says that bytes have been moved.
    async fn kill_amid(&self, work: Work) -> Result {
        let file = |name: &str| self.bench.state.path().join(name);
        File::create(file("alive"))?;
        std::fs::write(file("config"), serde_json::to_vec(&self.bench.config(&json!({ "wipe_on_delete": true }))?)?)?;
        Program::find("mkfifo")?.run([file("begun")]).output(&ctx()).await?;
        self.bench.group.slow_down(SLOW)?;
        let words = [
            format!("{work:?}"),
            self.bench.state.path().display().to_string(),
            self.source.id.to_string(),
            self.frozen.id.to_string(),
            self.target.volume.id.to_string(),
        ];
        let role = format!("{ROLE}{}", words.join(","));
        let this = Program::at("the test program", std::env::current_exe()?)?;
        let limit = ctx();
        let run = this.run(["--exact", CHILD, role.as_str()]).dies_with_host();
        let begun = tokio::task::spawn_blocking({
            let fifo = file("begun");
            move || std::fs::read(fifo)
        });
        tokio::select! {
            // Dropping the run kills the process at once.
            begun = begun => drop(begun??),
            ended = run.output(&limit) => return Err(format!("it ended before it was killed: {ended:?}").into()),
        }
        // The dead are dead when their lock is free.
        let alive = File::open(file("alive"))?;
        tokio::task::spawn_blocking(move || rustix::fs::flock(&alive, FlockOperation::LockExclusive)).await??;
        std::fs::remove_file(file("begun"))?;
        Ok(self.bench.group.well_again()?)
    }

    /// How many blocks of the physical volume hold nothing but this byte.
    fn blocks_of(&self, byte: u8) -> Result<usize> {
        let mut disk = File::open(self.bench.group.physical_volume())?;
        rustix::fs::fadvise(&disk, 0, None, rustix::fs::Advice::DontNeed)?;
        let (mut found, mut block) = (0, vec![0; 64 << 10]);
        while disk.read(&mut block)? == block.len() {
            found += usize::from(block.iter().all(|is| *is == byte));
        }
        Ok(found)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn amid_a_clone() -> Result {
    let scene = Scene::new(SIZE).await?;
    scene.kill_amid(Work::Clone).await?;
    ensure(scene.bench.is_tidy().is_err(), "it was killed in the middle")?;
    let driver = scene.open().await?;
    scene.bench.is_tidy()?;
    ensure(driver.inspect(&ctx(), &scene.target.volume).await?.is_none(), "half a clone is no volume")?;
    driver.clone_volume(&ctx(), &scene.target, &scene.source).await?;
    holds(&driver, &scene.target.volume, 0x66, SIZE).await?;
    clear(&driver).await?;
    scene.bench.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn amid_a_revert() -> Result {
    let scene = Scene::new(SIZE).await?;
    let driver = scene.open().await?;
    driver.create_snapshot(&ctx(), &scene.frozen).await?;
    fill(&driver, &scene.source, 0x77, SIZE).await?;
    drop(driver);
    scene.kill_amid(Work::Revert).await?;
    let driver = scene.open().await?;
    Revert::revert(&driver, &ctx(), &scene.frozen).await?;
    holds(&driver, &scene.source, 0x66, SIZE).await?;
    clear(&driver).await?;
    scene.bench.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn amid_a_wipe() -> Result {
    let scene = Scene::new(WIPED).await?;
    ensure(scene.blocks_of(0x66)? > 0, "its bytes are on the disk")?;
    scene.kill_amid(Work::Wipe).await?;
    ensure(scene.bench.is_tidy().is_err(), "it was killed in the middle")?;
    ensure(scene.blocks_of(0x66)? > 0, "and before all was wiped")?;
    let driver = scene.open().await?;
    ensure(driver.inspect(&ctx(), &scene.source).await?.is_none(), "what is dead is no volume")?;
    driver.delete(&ctx(), &scene.source).await?;
    scene.bench.is_empty()?;
    ensure(scene.blocks_of(0x66)? == 0, "old bytes are left on the disk")
}

/// What the processes do that the others kill. As a test of its own it has no work, and looks that it would find it.
#[tokio::test(flavor = "multi_thread")]
async fn life_of_the_killed() -> Result {
    let Some(role) = std::env::args().find_map(|word| word.strip_prefix(ROLE).map(str::to_owned)) else {
        let words = format!("{:?},/,{},{}", Work::Wipe, VolumeId::new(), SnapshotId::new());
        return ensure(Role::from_str(&words).is_err(), "a role that lacks a word is none");
    };
    let role = Role::from_str(&role)?;
    let alive = File::open(role.state.join("alive"))?;
    rustix::fs::flock(&alive, FlockOperation::NonBlockingLockExclusive)?;
    let config: Config = serde_json::from_slice(&std::fs::read(role.state.join("config"))?)?;
    let driver = LvmDriver::open(&ctx(), config).await?;
    role.play(&driver).await
}

struct Role {
    work: String,
    state: PathBuf,
    source: VolumeRef,
    frozen: SnapshotRef,
    target: VolumeSpec,
}

impl FromStr for Role {
    type Err = Failure;

    fn from_str(words: &str) -> Result<Self> {
        let [work, state, source, frozen, target] = words.split(',').collect::<Vec<_>>()[..] else {
            return Err("five words".into());
        };
        let mut wanted = spec(SIZE)?;
        wanted.volume.id = target.parse()?;
        let source = VolumeRef { id: source.parse()?, pool: wanted.volume.pool.clone() };
        let frozen = SnapshotRef { id: frozen.parse()?, volume: source.clone() };
        Ok(Self { work: work.to_owned(), state: Path::new(state).to_owned(), source, frozen, target: wanted })
    }
}

impl Role {
    async fn play(&self, driver: &LvmDriver) -> Result {
        let ctx = ctx();
        let (mut progress, begun) = (ctx.watch_progress(), self.state.join("begun"));
        tokio::spawn(async move {
            progress.wait_for(|progress| progress.done > 0).await.map(drop)?;
            tokio::fs::write(begun, "").await?;
            Result::Ok(())
        });
        match self.work.as_str() {
            "Clone" => driver.clone_volume(&ctx, &self.target, &self.source).await.map(drop)?,
            "Revert" => Revert::revert(driver, &ctx, &self.frozen).await.map(drop)?,
            _ => driver.delete(&ctx, &self.source).await.map(drop)?,
        }
        Ok(())
    }
}

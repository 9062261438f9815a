//! A process that is killed while it works, again and again, at instants that a seed picks.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use ashlar_common::{
    driver::{AccessMode, Detach, Driver, OpCtx, SnapshotRef, VolumeRef},
    exec::{Lookup, Program},
    ids::OpId,
};
use ashlar_driver_local::{Config, LocalDriver};
use rustix::fs::FlockOperation;
use tokio_util::sync::CancellationToken;

use crate::bench::{
    Bench, SIZE, assert_same, attachment, bytes, config, create, create_full, ctx, listed, names, pattern, read,
    snapshot_of, spec, write,
};

const KILLS: u64 = 8;
const CHILD: &str = "life_of_the_killed";
/// The child takes its directory from an argument that looks to the test harness like one more filter.
const ROLE: &str = "works-in:";

/// call.1, copy.3, inspect.1: whatever the instant.
pub(crate) async fn store_is_whole_after_each_kill(bench: &Bench) {
    let (source, content) = create_full(bench.driver(), 1).await;
    let frozen = snapshot_of(&source);
    bench.driver().create_snapshot(&ctx(), &frozen).await.expect("taken");
    let alive = bench.lab.beside("alive");
    File::create(&alive).expect("a file");
    for seed in 1..=KILLS {
        let instant = u64::from(pattern(seed, 1)[0]);
        work_for(bench.root(), Duration::from_millis(30 + instant)).await;
        // The dead are dead when their lock is free.
        let lock = File::open(&alive).expect("there");
        rustix::fs::flock(&lock, FlockOperation::LockExclusive).expect("free at last");
        drop(lock);

        let driver = bench.open_again(|_| {});
        bench.assert_tidy();
        let inventory = driver.list(&ctx()).await.expect("listed");
        assert_eq!(inventory.volumes.len(), names(&bench.root().join("volumes")).len(), "seed {seed}");
        assert_eq!(inventory.snapshots.len(), names(&bench.root().join("snapshots")).len(), "seed {seed}");
        for volume in inventory.volumes.into_iter().filter(|volume| volume.volume != source) {
            driver.detach(&ctx(), &volume.volume, Detach::All).await.expect("detached");
            assert_whole(&read(&driver, &volume.volume).await, &content);
            driver.delete(&ctx(), &volume.volume).await.expect("deleted");
        }
        for snapshot in inventory.snapshots.into_iter().filter(|snapshot| snapshot.snapshot != frozen) {
            driver.delete_snapshot(&ctx(), &snapshot.snapshot).await.expect("deleted");
        }
        assert_eq!(listed(&driver).await, (vec![source.id], vec![frozen.id]));
        assert_eq!(names(&bench.root().join("attachments")), Vec::<String>::new());
        assert_same(&read(&driver, &source).await, &content);
    }
}

/// Empty, or the source's bytes and then zeros: nothing in between.
fn assert_whole(found: &[u8], content: &[u8]) {
    assert!([content.len(), 2 * content.len()].contains(&found.len()), "{} bytes", found.len());
    let (head, tail) = found.split_at(content.len());
    assert!(tail.iter().all(|byte| *byte == 0), "the tail is not zero");
    assert!(head == content || head.iter().all(|byte| *byte == 0), "neither empty nor whole");
}

/// Lets a process work in the store, and kills it.
async fn work_for(store: &Path, time: Duration) {
    let this = std::env::current_exe().expect("this program has a path");
    let name: &'static str = this.file_name().and_then(|name| name.to_str()).expect("a name").to_owned().leak();
    let lookup = Lookup { package: None, path: this.parent().map(Path::as_os_str) };
    let program = Program::find_with(name, lookup).expect("this program is there");
    let role = format!("{ROLE}{}", store.display());
    let context = OpCtx::new(OpId::new(), Duration::from_secs(60), CancellationToken::new());
    let run = program.run(["--exact", CHILD, role.as_str()]).dies_with_host();
    // Dropping the run kills the process at once.
    if let Ok(ended) = tokio::time::timeout(time, run.output(&context)).await {
        panic!("the worker ended before it was killed: {ended:?}");
    }
}

/// Works in the directory of the argument until killed. Without one, in a directory of its own, once around.
pub(crate) async fn live() {
    let role = std::env::args().find_map(|word| word.strip_prefix(ROLE).map(PathBuf::from));
    let Some(store) = role else {
        let directory = tempfile::tempdir().expect("a directory");
        let driver = LocalDriver::open(config(directory.path())).expect("opened");
        let (source, _) = create_full(&driver, 1).await;
        let frozen = snapshot_of(&source);
        driver.create_snapshot(&ctx(), &frozen).await.expect("taken");
        return once_around(&driver, &source, &frozen).await;
    };
    let alive = File::open(store.with_file_name("alive")).expect("made by the parent");
    rustix::fs::flock(&alive, FlockOperation::NonBlockingLockExclusive).expect("the one before is dead");
    let config: Config = config(&store);
    let driver = LocalDriver::open(config).expect("opened");
    let inventory = driver.list(&ctx()).await.expect("listed");
    let frozen = inventory.snapshots.first().expect("made by the parent").snapshot.clone();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while tokio::time::Instant::now() < deadline {
        once_around(&driver, &frozen.volume, &frozen).await;
    }
}

/// Every operation that changes the store.
async fn once_around(driver: &LocalDriver, source: &VolumeRef, frozen: &SnapshotRef) {
    let empty = create(driver, SIZE).await;
    driver.extend(&ctx(), &empty, bytes(SIZE * 2)).await.expect("grown");
    let (clone, copy) = (spec(SIZE), spec(SIZE * 2));
    driver.clone_volume(&ctx(), &clone, source).await.expect("cloned");
    driver.create_from_snapshot(&ctx(), &copy, frozen).await.expect("made");
    driver.attach(&ctx(), &clone.volume, &attachment(AccessMode::ReadWrite)).await.expect("attached");
    driver.detach(&ctx(), &clone.volume, Detach::All).await.expect("detached");
    let taken = snapshot_of(&copy.volume);
    driver.create_snapshot(&ctx(), &taken).await.expect("taken");
    driver.revert().expect("a capability").revert(&ctx(), &taken).await.expect("reverted");
    driver.delete_snapshot(&ctx(), &taken).await.expect("deleted");
    write(driver, &empty, 0, &[0]).await;
    for volume in [&empty, &clone.volume, &copy.volume] {
        driver.delete(&ctx(), volume).await.expect("deleted");
    }
}

//! Goes through the contract on a volume group that is there: group, state directory, thin or thick. Prints what each
//! call takes.

use std::{
    fmt::Debug,
    future::Future,
    time::{Duration, Instant},
};

use ashlar_common::{
    driver::{Driver, OpCtx, SnapshotRef, VolumeRef, VolumeSpec},
    ids::{OpId, SnapshotId, VolumeId},
    units::ByteCount,
};
use ashlar_driver_lvm::{Config, LvmDriver};
use tokio_util::sync::CancellationToken;

fn ctx() -> OpCtx {
    OpCtx::new(OpId::new(), Duration::from_secs(100), CancellationToken::new())
}

fn spec(mib: u64) -> VolumeSpec {
    let volume = VolumeRef { id: VolumeId::new(), pool: "pool".parse().expect("a name") };
    VolumeSpec { volume, size: mebi(mib), extra_specs: Default::default() }
}

fn mebi(mib: u64) -> ByteCount {
    ByteCount::new(mib << 20).expect("small")
}

fn snapshot(spec: &VolumeSpec) -> SnapshotRef {
    SnapshotRef { id: SnapshotId::new(), volume: spec.volume.clone() }
}

async fn timed<T: Debug, E: Debug>(name: &str, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let began = Instant::now();
    let result = call.await;
    let text: String = format!("{result:?}").chars().take(330).collect();
    println!("{:6} ms {name}: {text}", began.elapsed().as_millis());
    result
}

fn write(path: &std::path::Path, text: &str) {
    std::fs::OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|mut file| {
            std::io::Write::write_all(&mut file, text.as_bytes())?;
            file.sync_all()
        })
        .expect("written");
}

fn read(path: &std::path::Path) -> String {
    let mut bytes = [0; 5];
    std::fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut bytes)).expect("read");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::main]
async fn main() {
    let args: Vec<_> = std::env::args().collect();
    let text = format!("volume_group = '{}'\nstate_path = '{}'\nprovisioning = '{}'", args[1], args[2], args[3]);
    let config: Config = toml::from_str(&text).expect("a configuration");
    let driver = timed("open", LvmDriver::open(&ctx(), config.clone())).await.expect("opened");
    let ctx = ctx();
    let c = &ctx;
    let _ = timed("stats", driver.stats(c)).await;
    let _ = timed("stats", driver.stats(c)).await;
    let one = spec(64);
    let _ = timed("create", driver.create(c, &one)).await;
    let _ = timed("create again", driver.create(c, &one)).await;
    let other = VolumeSpec { size: mebi(65), ..one.clone() };
    let _ = timed("create otherwise", driver.create(c, &other)).await;
    let _ = timed("inspect", driver.inspect(c, &one.volume)).await;
    let device = std::path::PathBuf::from(format!("/dev/{}/volume-{}", args[1], one.volume.id));
    write(&device, "first");
    for _ in 0..5 {
        let other = spec(64);
        let _ = timed("create", driver.create(c, &other)).await;
        let _ = timed("delete", driver.delete(c, &other.volume)).await;
    }
    let snap = snapshot(&one);
    let _ = timed("snapshot", driver.create_snapshot(c, &snap)).await;
    let _ = timed("snapshot again", driver.create_snapshot(c, &snap)).await;
    let _ = timed("inspect snapshot", driver.inspect_snapshot(c, &snap)).await;
    write(&device, "later");
    let _ = timed("delete with snapshot", driver.delete(c, &one.volume)).await;
    let _ = timed("extend", driver.extend(c, &one.volume, mebi(70))).await;
    let _ = timed("extend again", driver.extend(c, &one.volume, mebi(70))).await;
    let _ = timed("shrink", driver.extend(c, &one.volume, mebi(7))).await;
    let copy = spec(70);
    let _ = timed("from snapshot", driver.create_from_snapshot(c, &copy, &snap)).await;
    let copy_device = std::path::PathBuf::from(format!("/dev/{}/volume-{}", args[1], copy.volume.id));
    if copy_device.exists() {
        println!("from snapshot reads {:?}", read(&copy_device));
    }
    let clone = spec(80);
    let _ = timed("clone", driver.clone_volume(c, &clone, &one.volume)).await;
    let _ = timed("revert", driver.revert().expect("can").revert(c, &snap)).await;
    println!("reverted reads {:?}", read(&device));
    let _ = timed("inspect", driver.inspect(c, &one.volume)).await;
    if let Some(group) = driver.group_snapshots() {
        let both = [snapshot(&one), snapshot(&copy)];
        let _ = timed("group", group.create_group_snapshot(c, &both)).await;
        let _ = timed("group again", group.create_group_snapshot(c, &both)).await;
        for one in &both {
            let _ = timed("delete snapshot", driver.delete_snapshot(c, one)).await;
        }
        let bad = [snapshot(&one), snapshot(&spec(1))];
        let _ = timed("group with none", group.create_group_snapshot(c, &bad)).await;
    }
    let _ = timed("too large", driver.create(c, &VolumeSpec { size: ByteCount::MAX, ..spec(1) })).await;
    let _ = timed("large", driver.create(c, &spec(1 << 22))).await;
    let manage = driver.manage().expect("can");
    let _ = timed("unmanage busy", manage.unmanage(c, &one.volume)).await;
    let _ = timed("delete snapshot", driver.delete_snapshot(c, &snap)).await;
    let name = timed("unmanage", manage.unmanage(c, &one.volume)).await.expect("let go").into_inner();
    let _ = timed("unmanage again", manage.unmanage(c, &one.volume)).await;
    let _ = timed("foreign", manage.foreign(c, &one.volume.pool)).await;
    let taken = VolumeSpec { size: mebi(72), ..spec(1) };
    let _ = timed("manage", manage.manage(c, &taken, &name)).await;
    let _ = timed("manage again", manage.manage(c, &taken, &name)).await;
    let _ = timed("manage hostile", manage.manage(c, &spec(64), "--yes x")).await;
    let _ = timed("list", driver.list(c)).await;
    let looker = timed("open beside", LvmDriver::open(c, config)).await.expect("looks");
    let _ = timed("list", looker.list(c)).await.map(|list| println!("{} volumes", list.volumes.len()));
    let _ = timed("create", looker.create(c, &spec(1))).await;
    let specs: Vec<_> = (0..32).map(|_| spec(4)).collect();
    let began = Instant::now();
    let mut set = tokio::task::JoinSet::new();
    for spec in specs.clone() {
        let driver = driver.clone();
        set.spawn(async move { driver.create(&self::ctx(), &spec).await.map(|_| ()) });
    }
    while let Some(done) = set.join_next().await {
        done.expect("no panic").expect("made");
    }
    println!("{:6} ms 32 at once", began.elapsed().as_millis());
    for volume in driver.list(c).await.expect("listed").volumes {
        driver.delete(c, &volume.volume).await.expect("deleted");
    }
    let _ = timed("list", driver.list(c)).await;
}

//! Tries the tool layer on a volume group that is there (argument 1), with a state directory (argument 2).
use std::time::{Duration, Instant};

use ashlar_common::{
    driver::OpCtx,
    ids::{OpId, SnapshotId, VolumeId},
    units::ByteCount,
};
use ashlar_driver_lvm::{
    lvm::{Extras, Lvm, Options, Use},
    names::{LvName, Tag},
};

#[tokio::main]
async fn main() {
    let args: Vec<_> = std::env::args().collect();
    let ctx = OpCtx::new(OpId::new(), Duration::from_secs(100), tokio_util::sync::CancellationToken::new());
    std::fs::create_dir_all(&args[2]).unwrap();
    let t = Instant::now();
    let lvm = Lvm::open(
        &ctx,
        Options {
            vg: args[1].parse().unwrap(),
            state: args[2].clone().into(),
            command_timeout: Duration::from_secs(30),
            extras: Extras { issue_discards: false, monitoring: None },
        },
    )
    .await
    .unwrap();
    println!("open {:?}", t.elapsed());
    macro_rules! timed {
        ($name:expr, $e:expr) => {{
            let t = Instant::now();
            let r = $e;
            println!("{:6} ms {}: {:?}", t.elapsed().as_millis(), $name, r);
            r
        }};
    }
    let _ = timed!("vg", lvm.vg(&ctx).await);
    let _ = timed!("vg again", lvm.vg(&ctx).await);
    let _ = timed!("lv absent", lvm.lv(&ctx, &"nothing".parse().unwrap()).await);
    let pool: LvName = "pool".parse().unwrap();
    let mib = |n: u64| ByteCount::new(n << 20).unwrap();
    {
        let mut turn = lvm.turn(&ctx).await.unwrap();
        let _ = timed!("create_pool", turn.create_pool(&ctx, &pool, mib(512), mib(8)).await);
    }
    let _ = timed!("pools", lvm.pools(&ctx).await);
    let id = VolumeId::new();
    let name = LvName::volume(id);
    let tags = [Tag::ours(), Tag::size(mib(100))];
    let mut turn = lvm.turn(&ctx).await.unwrap();
    let lv = timed!("create thin", turn.create_thin(&ctx, &pool, &name, mib(100), &tags).await);
    let _ = timed!("create thin again", turn.create_thin(&ctx, &pool, &name, mib(100), &tags).await);
    for i in 0..5 {
        let n = LvName::volume(VolumeId::new());
        let t = Instant::now();
        turn.create_thin(&ctx, &pool, &n, mib(100), &tags).await.unwrap();
        println!("   create {i} {:?}", t.elapsed());
    }
    let lv = lv.unwrap();
    let snap = LvName::snapshot(SnapshotId::new());
    let _ = timed!("snapshot", turn.snapshot(&ctx, &name, &snap, &[Tag::ours(), Tag::of(id)]).await);
    let clone = LvName::volume(VolumeId::new());
    let _ = timed!("clone", turn.snapshot_of(&ctx, &lv, &clone, &tags, Use::Volume).await);
    let _ = timed!("extend", turn.extend(&ctx, &clone, mib(133)).await);
    let _ = timed!("retag", turn.retag(&ctx, &clone, &[Tag::size(mib(133))], &[Tag::size(mib(100))]).await);
    let _ = timed!("deactivate", turn.deactivate(&ctx, &clone).await);
    let _ = timed!("activate", turn.activate(&ctx, &clone).await);
    let _ = timed!("rename", turn.rename(&ctx, &clone, &"other".parse().unwrap()).await);
    let _ = timed!("rename again", turn.rename(&ctx, &clone, &"other".parse().unwrap()).await);
    let _ = timed!("remove", turn.remove(&ctx, &"other".parse().unwrap()).await);
    let _ = timed!("remove again", turn.remove(&ctx, &"other".parse().unwrap()).await);
    let thick: LvName = "thick".parse().unwrap();
    let _ = timed!("thick", turn.create_thick(&ctx, &thick, mib(101), &tags).await);
    let _ = timed!("thick snap", turn.snapshot(&ctx, &thick, &"tsnap".parse().unwrap(), &[Tag::ours()]).await);
    let _ = timed!("thick extend", turn.extend(&ctx, &thick, mib(120)).await);
    let _ = timed!("deactivate", turn.deactivate(&ctx, &thick).await);
    let _ = timed!("look", turn.look(&ctx, &[&thick, &"tsnap".parse().unwrap()]).await);
    let _ = timed!("thick extend", turn.extend(&ctx, &thick, mib(120)).await);
    let _ = timed!("snap extend", turn.extend(&ctx, &"tsnap".parse().unwrap(), mib(121)).await);
    let _ = timed!("activate", turn.activate(&ctx, &thick).await);
    let _ = timed!("look", turn.look(&ctx, &[&thick, &"tsnap".parse().unwrap()]).await);
    let _ = timed!("too big", turn.create_thick(&ctx, &"big".parse().unwrap(), mib(100_000), &tags).await);
    drop(turn);
    let _ = timed!("lvs", lvm.lvs(&ctx).await.map(|l| l.len()));
    let _ = timed!("pool", lvm.pool(&ctx, &pool).await);
    let _ = timed!("pool", lvm.pool(&ctx, &"nopool".parse().unwrap()).await);
}

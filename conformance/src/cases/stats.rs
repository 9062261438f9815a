//! What the scheduler is told, and when it is told nothing.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use ashlar_common::{
    driver::{self, Kind, OpCtx},
    ids::OpId,
    stats::{BackendStats, Capacity, PoolStats, Provisioning},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    answers::{done, equal, refuses},
    behaviour::{Behaviour, Group},
    claims::Need,
    contents::pattern,
    outcome::{Held, Stop, ensure},
    race,
    stage::{Stage, eventually, refused},
};

use super::Case;

const SIZE: usize = 4 << 20;
/// Enough volumes for a walk over them to be seen.
const MANY: usize = 64;
/// How many times longer statistics may take beside so many volumes; what is quicker than that anyway is well.
const SLOWER: u32 = 8;
const QUICK: Duration = Duration::from_millis(10);
/// The limit of a call to a backend that does not answer, and how much later its answer may come.
const PATIENCE: Duration = Duration::from_secs(2);
const GRACE: Duration = Duration::from_secs(10);

/// Behaviours 51, 54, 55 and 56.
pub const CASES: &[Case] = &[
    Case {
        behaviour: Behaviour {
            number: 51,
            group: Group::Stats,
            name: "every_pool_is_told_in_bytes_by_its_name",
            clauses: &["stats.1", "stats.2", "stats.3"],
            need: Need::Core,
        },
        run: |stage| Box::pin(schema(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 54,
            group: Group::Stats,
            name: "unknown_is_not_zero",
            clauses: &["stats.1"],
            need: Need::Core,
        },
        run: |stage| Box::pin(unknown_is_not_zero(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 55,
            group: Group::Stats,
            name: "backend_out_of_reach_gives_no_numbers",
            clauses: &["stats.5", "inspect.2"],
            need: Need::ReachedApart,
        },
        run: |stage| Box::pin(outage(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 56,
            group: Group::Stats,
            name: "thin_metadata_that_runs_out_is_told_and_harms_nothing",
            clauses: &["stats.6", "create.3"],
            need: Need::ThinMetadata,
        },
        run: |stage| Box::pin(thin_metadata(stage)),
    },
];

async fn stats(stage: &Stage) -> Held<BackendStats> {
    stage.driver().await.stats(&stage.ctx()).await.map_err(|error| refused("stats", &error))
}

/// What is told of the pool that the cases use.
pub(super) async fn pool(stage: &Stage) -> Held<PoolStats> {
    let name = stage.site.pool();
    let found = stats(stage).await?.pools.into_iter().find(|pool| pool.name == name);
    found.ok_or_else(|| Stop::failed(format!("the statistics tell nothing of pool {name}")))
}

async fn schema(stage: &Stage) -> Held {
    let info = stage.driver().await.info();
    for (what, text) in [
        ("name", &info.name),
        ("version", &info.version),
        ("vendor", &info.vendor_name),
        ("protocol", &info.storage_protocol),
    ] {
        ensure(!text.trim().is_empty(), || format!("the driver does not tell its {what}"))?;
    }
    let told = stats(stage).await?;
    let names: BTreeSet<_> = told.pools.iter().map(|pool| pool.name.clone()).collect();
    equal("pools of different names", &names.len(), &told.pools.len())?;
    for name in [Some(stage.site.pool()), stage.site.other_pool()].into_iter().flatten() {
        ensure(names.contains(&name), || format!("the statistics tell nothing of pool {name}"))?;
    }
    told.pools.iter().try_for_each(makes_sense)?;
    let pool = pool(stage).await?;
    as_claimed(stage, &pool)?;
    in_bytes(stage.site.room(), &pool)?;
    does_not_walk(stage).await
}

fn makes_sense(pool: &PoolStats) -> Held {
    let name = &pool.name;
    ensure(pool.reserved_percentage <= 100, || format!("{} % of pool {name} are reserved", pool.reserved_percentage))?;
    let ratio = pool.max_over_subscription_ratio;
    ensure(ratio.is_finite() && ratio >= 1.0, || format!("pool {name} may promise {ratio} times its bytes"))?;
    let left = pool.thin_metadata_free_percentage.unwrap_or_default();
    ensure(left <= 100, || format!("{left} % of the metadata of pool {name} are free"))?;
    for (what, part) in [("free", pool.free), ("allocated", pool.allocated)] {
        if let (Some(part), Some(total)) = (part.known(), pool.total.known()) {
            ensure(part <= total, || format!("{} of pool {name} are {what}, of {}", part.bytes(), total.bytes()))?;
        }
    }
    Ok(())
}

/// What is claimed is told, no less and no more: a number that goes missing is a failure, not silence.
fn as_claimed(stage: &Stage, pool: &PoolStats) -> Held {
    let claims = &stage.claims;
    equal("whether the pool is thick", &(pool.provisioning == Provisioning::Thick), &claims.thick)?;
    equal("whether it has metadata", &pool.thin_metadata_free_percentage.is_some(), &claims.thin_metadata)?;
    equal("whether allocated bytes are known", &pool.allocated.known().is_some(), &claims.allocated_known)?;
    let by_free = pool.total.known().is_some() && pool.free.known().is_some();
    let known = by_free || pool.allocated.known().is_some();
    equal("whether it is known how full the pool is", &known, &claims.usage_known)
}

/// The site knows about how much there is, so that another unit shows.
fn in_bytes(room: u64, pool: &PoolStats) -> Held {
    let Some(total) = pool.total.known() else { return Ok(()) };
    ensure((room / 2..=room.saturating_mul(4)).contains(&total.bytes()), || {
        format!("pool {} holds about {room} bytes, and is said to have {}", pool.name, total.bytes())
    })
}

/// The quickest of some answers, so that what else goes on in the machine does not count.
async fn quickest(stage: &Stage) -> Held<Duration> {
    let mut quickest = Duration::MAX;
    for _ in 0..10 {
        let asked = Instant::now();
        stats(stage).await?;
        quickest = quickest.min(asked.elapsed());
    }
    Ok(quickest)
}

async fn does_not_walk(stage: &Stage) -> Held {
    let before = quickest(stage).await?;
    let mut calls: Vec<race::Call<driver::Result<_>>> = Vec::new();
    for _ in 0..MANY {
        let (driver, ctx, spec) = (stage.driver().await, stage.ctx(), stage.spec(4096)?);
        calls.push(Box::pin(async move { driver.create(&ctx, &spec).await }));
    }
    for answer in race::all(calls).await? {
        done("create", answer)?;
    }
    let after = quickest(stage).await?;
    ensure(after < QUICK.max(before * SLOWER), || {
        format!("statistics took {before:?} beside no volume and {after:?} beside {MANY}: they walk")
    })
}

async fn unknown_is_not_zero(stage: &Stage) -> Held {
    let content = pattern(stage.seed, SIZE);
    let volume = stage.create_holding(&content).await?;
    let told = eventually(stage.site.settles_within(), || async {
        let told = pool(stage).await?;
        let nothing = |size: Capacity| size.known().is_some_and(|size| size.bytes() == 0);
        ensure(!nothing(told.total), || "a pool that holds a volume is said to have no bytes at all".to_owned())?;
        ensure(!nothing(told.allocated), || "a pool that holds a volume is said to hold no bytes".to_owned())?;
        Ok(told)
    });
    let told = told.await?;
    for (what, size) in [("total", told.total), ("free", told.free), ("allocated", told.allocated)] {
        ensure(size != Capacity::Infinite, || format!("{what}: a pool that ends somewhere is said to be infinite"))?;
    }
    let allocated = stage.inspect(&volume).await?.and_then(|volume| volume.allocated);
    ensure(allocated.is_none_or(|size| size.bytes() > 0), || "a full volume is said to take no bytes".to_owned())?;
    // There is room, as this shows; so none of what is needed for it may have been said to be zero.
    let another = stage.create_holding(&content).await?;
    ensure(told.free.known().is_none_or(|free| free.bytes() > 0), || {
        "nothing was said to be free, and another volume could be filled".to_owned()
    })?;
    ensure(told.thin_metadata_free_percentage != Some(0), || {
        "no metadata was said to be free, and another volume could be filled".to_owned()
    })?;
    stage.delete(&volume).await?;
    stage.delete(&another).await
}

/// A call to a backend that does not answer: it ends as it should, and in time.
async fn without_backend<T>(what: &str, call: impl Future<Output = driver::Result<T>>) -> Held {
    match timeout(PATIENCE + GRACE, call).await {
        Ok(answer) => refuses(
            &format!("{what} while the backend is out of reach"),
            answer,
            &[Kind::Unavailable, Kind::Indeterminate],
        ),
        Err(_late) => Err(Stop::failed(format!("{what} does not end while the backend is out of reach"))),
    }
}

async fn outage(stage: &Stage) -> Held {
    let Some(outage) = stage.site.outage() else {
        return Err(Stop::NotRun("this site has no way to cut the driver off from its backend".to_owned()));
    };
    let content = pattern(stage.seed, SIZE);
    let volume = stage.create_holding(&content).await?;
    let spec = stage.spec(SIZE as u64)?;
    let before = stats(stage).await?;
    let ctx = || OpCtx::new(OpId::new(), PATIENCE, CancellationToken::new());
    let driver = stage.driver().await;
    outage.begin().await;
    let refused = async {
        without_backend("stats", driver.stats(&ctx())).await?;
        without_backend("inspect", driver.inspect(&ctx(), &volume)).await?;
        without_backend("list", driver.list(&ctx())).await?;
        without_backend("create", driver.create(&ctx(), &spec)).await?;
        without_backend("delete", driver.delete(&ctx(), &volume)).await
    };
    let refused = refused.await;
    outage.end().await;
    refused?;
    let after = eventually(stage.site.settles_within(), || stats(stage)).await?;
    equal("pools after the outage", &after.pools.len(), &before.pools.len())?;
    // What was refused as unavailable was not done; what was left open can be ended by the same call.
    done("create after the outage", driver.create(&stage.ctx(), &spec).await)?;
    if stage.inspect(&volume).await?.is_some() {
        stage.holds("a volume after the outage", &volume, &content).await?;
    }
    for volume in [&volume, &spec.volume] {
        done("delete after the outage", driver.delete(&stage.ctx(), volume).await)?;
    }
    Ok(())
}

async fn thin_metadata(stage: &Stage) -> Held {
    let Some(metadata) = stage.site.thin_metadata() else {
        return Err(Stop::NotRun("this site has no way to use up the pool's metadata".to_owned()));
    };
    let left = async || pool(stage).await.map(|pool| pool.thin_metadata_free_percentage);
    let content = pattern(stage.seed, SIZE);
    let (volume, going) = (stage.create_holding(&content).await?, stage.create_holding(&content).await?);
    ensure(left().await?.is_some_and(|left| left > 0), || "metadata is said to have run out at the start".to_owned())?;
    metadata.fill().await;
    equal("percent of metadata free when there is none", &left().await?, &Some(0))?;
    let spec = stage.spec(SIZE as u64)?;
    let answer = stage.driver().await.create(&stage.ctx(), &spec).await;
    refuses("create without metadata", answer, &[Kind::OutOfSpace])?;
    ensure(stage.inspect(&spec.volume).await?.is_none(), || "a volume that was refused is there".to_owned())?;
    stage.is_tidy().await?;
    stage.holds("a volume in a pool without metadata", &volume, &content).await?;
    stage.delete(&going).await?;
    metadata.release().await;
    ensure(left().await?.is_some_and(|left| left > 0), || "metadata is there again, and not told".to_owned())?;
    done("create with metadata again", stage.driver().await.create(&stage.ctx(), &spec).await)?;
    stage.holds("a volume in a pool that had no metadata", &volume, &content).await
}

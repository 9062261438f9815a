//! Puts records into the store of a configuration, for measurements that need more of them than a host could make in the
//! time: `fill CONFIG volumes|operations COUNT`. A service must have run over the store before, and none may run now.
//!
//! `volumes` are available, though the backend has none of them; `operations` are creations that were taken in, each with
//! its volume, and that no host has claimed.

use std::{path::Path, process::ExitCode, time::Duration};

use ashlar_common::{
    config::Config,
    driver::{VolumeRef, VolumeSpec},
    ids::{OpId, VolumeId},
    state::VolumeState,
    store::{
        Store, Tx,
        records::{Metadata, Moment, Operation, Phase, Place, PoolRecord, TypeRecord, VolumeRecord, Work},
    },
    units::ByteCount,
};
use jiff::{SignedDuration, Timestamp};

/// Rows of one transaction.
const BATCH: u32 = 1000;

#[derive(Clone, Copy)]
enum What {
    Volumes,
    Operations,
}

/// What all records have in common.
struct Common {
    config: Config,
    pool: PoolRecord,
    kind: Option<TypeRecord>,
    now: Timestamp,
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let read = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [config, "volumes", count] => count.parse().map(|count| (config, What::Volumes, count)),
        [config, "operations", count] => count.parse().map(|count| (config, What::Operations, count)),
        _ => "usage".parse().map(|count| ("", What::Volumes, count)),
    };
    let Ok((config, what, count)) = read else {
        return fail("usage: fill CONFIG volumes|operations COUNT");
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    match runtime.block_on(fill(Path::new(config), what, count)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(text: &str) -> ExitCode {
    use std::io::Write;
    // Standard error may be closed; the exit code says it all the same.
    let _ = writeln!(std::io::stderr(), "error: {text}");
    ExitCode::FAILURE
}

async fn fill(config: &Path, what: What, count: u32) -> Outcome {
    let config = Config::load(config)?;
    let store = Store::open(&config.store_location()).await?;
    let mut tx = store.read().await?;
    let pool =
        tx.hosts_and_pools().await?.1.into_iter().next().ok_or("no host has reported a pool: run the service first")?;
    let kind = tx.volume_type_named(&config.api.default_volume_type).await?;
    drop(tx);
    let common = Common { config, pool, kind, now: Timestamp::now() };
    for first in (0..count).step_by(usize::try_from(BATCH)?) {
        let mut tx = store.write().await?;
        for number in first..count.min(first + BATCH) {
            record(&mut tx, &common, what, number, count - number).await?;
        }
        tx.commit().await?;
    }
    store.close().await;
    Ok(())
}

/// One of them, older than those that come after it.
async fn record(tx: &mut Tx, common: &Common, what: What, number: u32, left: u32) -> Outcome {
    let (id, op) = (VolumeId::new(), OpId::new());
    let made = common.now - SignedDuration::from_micros(i64::from(left));
    let state = match what {
        What::Volumes => VolumeState::Available,
        What::Operations => VolumeState::Creating(op),
    };
    let volume = volume(common, id, state, made, number)?;
    tx.insert_volume(&volume).await?;
    if let What::Operations = what {
        let (backend, pool) = (common.pool.backend.clone(), common.pool.stats.name.clone());
        let spec = VolumeSpec { volume: VolumeRef { id, pool }, size: volume.size, extra_specs: Metadata::new() };
        let operation = Operation {
            id: op,
            backend,
            request_id: format!("req-fill-{number}"),
            work: Work::CreateVolume { spec },
            phase: Phase::Pending,
            epoch: 0,
            attempts: 0,
            not_before: Duration::ZERO,
            percent: 0,
            error: None,
            created_at: made,
            updated_at: made,
        };
        tx.log_operation(&operation).await?;
    }
    Ok(())
}

fn volume(
    common: &Common,
    id: VolumeId,
    state: VolumeState,
    made: Timestamp,
    number: u32,
) -> Result<VolumeRecord, Box<dyn std::error::Error>> {
    let size = ByteCount::from_gib(1)?;
    let promised_moment = if state.op().is_some() { Moment::Open } else { Moment::Past(0) };
    Ok(VolumeRecord {
        id,
        project_id: "demo".to_owned(),
        user_id: "admin".to_owned(),
        name: Some(format!("fill-{number}")),
        description: None,
        size,
        provisioned: size,
        status: state.status(),
        state,
        place: Some(Place { backend: common.pool.backend.clone(), pool: common.pool.stats.name.clone() }),
        availability_zone: common.config.api.availability_zone.clone(),
        type_id: common.kind.as_ref().map(|kind| kind.id),
        multi_attach: false,
        bootable: false,
        source_volume_id: None,
        source_snapshot_id: None,
        image_id: None,
        metadata: Metadata::new(),
        created_at: made,
        updated_at: Some(made),
        promised: size,
        promised_moment,
    })
}

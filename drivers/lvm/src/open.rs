//! From a configuration to a backend.

use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt, path::Path};

use ashlar_common::{
    driver::OpCtx,
    exec::{Lookup, Program},
    units::ByteCount,
};

use crate::{
    backend::{Backend, Kind},
    config::{Config, Provisioning},
    error::Error,
    exports::Exports,
    lvm::{Lvm, Options, Pool, Vg},
    names::{LvName, VgName},
};

/// Metadata for so many bytes of data: twice what `thin_metadata_size` gives for the smallest chunks, since a pool that
/// runs out of metadata is worse off than one that runs out of data.
const DATA_PER_METADATA: u64 = 512;
/// The kernel uses no more metadata than this (`DM_THIN_MAX_METADATA_SIZE`: 15.8 GiB).
const MOST_METADATA: u64 = 16_192 << 20;
/// The least that is worth having.
const LEAST_METADATA: u64 = 8 << 20;

/// Opens the volume group, and serves it where no other process does.
pub(crate) async fn open(ctx: &OpCtx, config: Config) -> Result<Backend, Error> {
    config.check()?;
    let (vg, named) = (config.vg()?, config.thin_pool()?);
    Program::find_with("dmsetup", Lookup { package: Some("dmsetup"), path: None })?;
    let state = config.state_path.join(vg.as_str());
    let made = state.clone();
    ctx.blocking(move |_| Ok(directory(&made))).await??;
    let (command_timeout, extras) = (config.command_timeout(), config.extras());
    let program = config.lvm_program.clone();
    let options = Options { vg, program, state: state.clone(), command_timeout, extras };
    let (lvm, group) = Lvm::open(ctx, options).await?;
    let pools = lvm.pools(ctx).await?;
    let kind = kind(config.provisioning, lvm.name(), named, &group, &pools)?;
    if let Kind::Thin(name) = &kind {
        Program::find_with("thin_check", Lookup { package: Some("thin-provisioning-tools"), path: None })?;
        if let Some(pool) = pools.iter().find(|pool| pool.name == *name) {
            check_zeroing(lvm.name(), pool)?;
        }
    }
    let exports = Exports::open(ctx, &config.target, &state, lvm.name().as_str()).await?;
    let backend = Backend::new(lvm, kind, config, group.extent, exports);
    match backend.serve(ctx).await {
        Ok(()) => {}
        Err(error @ Error::OtherHost { .. }) => tracing::info!(%error, "this process only looks"),
        Err(error) => return Err(error),
    }
    Ok(backend)
}

fn directory(path: &Path) -> Result<(), Error> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| Error::io(format!("make {}; is `state_path` right?", path.display()), source))
}

/// What Cinder decides, too: an empty volume group is to be thin, and one with the thin pool is.
fn kind(asked: Provisioning, vg: &VgName, named: Option<LvName>, group: &Vg, pools: &[Pool]) -> Result<Kind, Error> {
    let thin = match asked {
        Provisioning::Thick => false,
        Provisioning::Thin => true,
        Provisioning::Auto => match &named {
            Some(name) => group.volumes == 0 || pools.iter().any(|pool| pool.name == *name),
            None => group.volumes == 0 || !pools.is_empty(),
        },
    };
    if !thin {
        return Ok(Kind::Thick);
    }
    match (named, pools) {
        (Some(name), _) => Ok(Kind::Thin(name)),
        (None, []) => {
            let name = format!("{vg}-pool").parse();
            name.map(Kind::Thin)
                .map_err(|_| Error::Setup(format!("give the thin pool of {vg} a name: set `thin_pool`")))
        }
        (None, [pool]) => Ok(Kind::Thin(pool.name.clone())),
        (None, many) => {
            let names = many.iter().map(|pool| pool.name.as_str()).collect::<Vec<_>>().join(", ");
            Err(Error::Setup(format!("volume group {vg} has several thin pools ({names}): set `thin_pool` to one")))
        }
    }
}

/// Without zeroing, a new volume shows what was deleted before.
fn check_zeroing(vg: &VgName, pool: &Pool) -> Result<(), Error> {
    if pool.zeroing {
        return Ok(());
    }
    let name = &pool.name;
    Err(Error::Setup(format!(
        "thin pool {name} does not zero new blocks, so that tenants would read each other's: `lvchange --zero y {vg}/{name}`"
    )))
}

/// Makes the thin pool where there is none yet.
pub(crate) async fn ensure_pool(backend: &Backend, ctx: &OpCtx) -> Result<(), Error> {
    let Kind::Thin(name) = &backend.kind else { return Ok(()) };
    if let Some(pool) = backend.lvm.pool(ctx, name).await? {
        return check_zeroing(backend.lvm.name(), &pool);
    }
    let mut turn = backend.lvm.turn(ctx).await?;
    let group = turn.vg(ctx).await?;
    let (data, metadata) = sizes(&group, backend.config.thin_pool_percent)?;
    tracing::info!(pool = %name, %data, %metadata, "making the thin pool");
    turn.create_pool(ctx, name, data, metadata).await?;
    Ok(())
}

/// Data and metadata, which LVM keeps room for twice.
fn sizes(group: &Vg, percent: u8) -> Result<(ByteCount, ByteCount), Error> {
    let extent = group.extent.bytes().max(1);
    let room = group.free.bytes() / 100 * u64::from(percent) / extent * extent;
    let metadata = (room / DATA_PER_METADATA).clamp(LEAST_METADATA, MOST_METADATA).next_multiple_of(extent);
    let data = room.saturating_sub(2 * metadata);
    let fits = |bytes| ByteCount::new(bytes).map_err(|error| Error::Invalid(error.to_string()));
    if data < extent {
        let vg = group.name.parse().map_err(|error| Error::Invalid(format!("{error}")))?;
        return Err(Error::NoRoom { vg, need: fits(2 * metadata + extent)?, free: group.free });
    }
    Ok((fits(data)?, fits(metadata)?))
}

#[cfg(test)]
mod tests {
    use ashlar_common::units::ByteCount;

    use super::{Kind, Provisioning, kind, sizes};
    use crate::lvm::{Pool, Vg};

    fn group(volumes: u32) -> Vg {
        let bytes = |bytes| ByteCount::new(bytes).expect("small");
        let (size, free, extent) = (bytes(1 << 40), bytes(1 << 40), bytes(4 << 20));
        Vg { name: "vg0".to_owned(), uuid: String::new(), size, free, extent, missing: 0, volumes, exported: false }
    }

    fn pool(name: &str) -> Pool {
        Pool {
            name: name.parse().expect("a name"),
            size: ByteCount::ZERO,
            metadata: ByteCount::ZERO,
            data_percent: None,
            metadata_percent: None,
            active: true,
            zeroing: true,
            missing: 0,
            health: String::new(),
        }
    }

    fn check(asked: Provisioning, named: Option<&str>, volumes: u32, pools: &[&str], expected: Option<&str>) {
        let pools: Vec<_> = pools.iter().map(|name| pool(name)).collect();
        let named = named.map(|name| name.parse().expect("a name"));
        let got = kind(asked, &"vg0".parse().expect("a name"), named, &group(volumes), &pools).ok();
        let got = got.map(|kind| match kind {
            Kind::Thin(pool) => pool.to_string(),
            Kind::Thick => "thick".to_owned(),
        });
        assert_eq!(got.as_deref(), expected);
    }

    #[test]
    fn an_empty_group_and_one_with_the_pool_are_thin() {
        check(Provisioning::Auto, None, 0, &[], Some("vg0-pool"));
        check(Provisioning::Auto, None, 3, &["fast"], Some("fast"));
        check(Provisioning::Auto, Some("fast"), 3, &["fast", "slow"], Some("fast"));
    }

    #[test]
    fn a_group_with_other_volumes_is_thick() {
        check(Provisioning::Auto, None, 3, &[], Some("thick"));
        check(Provisioning::Auto, Some("fast"), 3, &["slow"], Some("thick"));
    }

    #[test]
    fn one_of_several_pools_has_to_be_named() {
        check(Provisioning::Thin, None, 3, &["fast", "slow"], None);
        check(Provisioning::Thin, Some("slow"), 3, &["fast", "slow"], Some("slow"));
        check(Provisioning::Thick, None, 3, &["fast", "slow"], Some("thick"));
    }

    #[test]
    fn a_pool_has_room_for_its_metadata_and_the_spare() {
        let (data, metadata) = sizes(&group(0), 95).expect("fits");
        assert!(data.bytes() + 2 * metadata.bytes() <= (1_u64 << 40) / 100 * 95);
        assert!(metadata.bytes() >= data.bytes() / 1024, "less than thin_metadata_size says");
        let tiny = Vg { free: ByteCount::new(8 << 20).expect("small"), ..group(0) };
        assert!(sizes(&tiny, 100).is_err());
    }
}

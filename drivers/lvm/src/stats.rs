//! Room, from the volume group's own numbers: nothing here counts volumes.

use ashlar_common::{
    driver::OpCtx,
    stats::{BackendStats, Capacity, PoolStats, Provisioning},
    units::ByteCount,
};

use crate::{
    backend::{Backend, Kind},
    error::Error,
    fill::no_pool,
    lvm::{Pool, Vg},
};

/// What the scheduler is told. Waits for no other call.
pub(crate) async fn stats(backend: &Backend, ctx: &OpCtx) -> Result<BackendStats, Error> {
    let room = match room(backend, ctx).await {
        // The devices may have other names since it was away.
        Err(Error::Away { .. }) => {
            backend.lvm.find_devices(ctx).await?;
            room(backend, ctx).await?
        }
        other => other?,
    };
    let config = &backend.config;
    let pool = PoolStats {
        name: config.pool.clone(),
        total: room.total,
        free: room.free,
        allocated: room.allocated,
        reserved_percentage: config.reserved_percentage,
        max_over_subscription_ratio: config.max_over_subscription_ratio,
        provisioning: room.provisioning,
        thin_metadata_free_percentage: room.metadata_free,
        filter_function: None,
        goodness_function: None,
    };
    Ok(BackendStats { pools: vec![pool] })
}

#[derive(Debug, PartialEq, Eq)]
struct Room {
    total: Capacity,
    free: Capacity,
    allocated: Capacity,
    provisioning: Provisioning,
    metadata_free: Option<u8>,
}

async fn room(backend: &Backend, ctx: &OpCtx) -> Result<Room, Error> {
    let lvm = &backend.lvm;
    let (room, missing) = match &backend.kind {
        Kind::Thick => {
            let vg = lvm.vg(ctx).await?;
            (thick(&vg), vg.missing)
        }
        Kind::Thin(name) => {
            let pool = lvm.pool(ctx, name).await?.ok_or_else(|| no_pool(lvm, name))?;
            (thin(&pool), pool.missing)
        }
    };
    if missing == 0 { Ok(room) } else { Err(lvm.not_whole(missing)) }
}

fn thick(vg: &Vg) -> Room {
    Room {
        total: Capacity::Known(vg.size),
        free: Capacity::Known(vg.free),
        allocated: Capacity::Known(vg.size.saturating_sub(vg.free)),
        provisioning: Provisioning::Thick,
        metadata_free: None,
    }
}

fn thin(pool: &Pool) -> Room {
    let taken = pool.data_percent.map(|percent| part(pool.size, percent));
    let metadata_free = pool.metadata_percent.map(|percent| 100.0 - percent.clamp(0.0, 100.0));
    Room {
        total: Capacity::Known(pool.size),
        free: taken.map_or(Capacity::Unknown, |taken| Capacity::Known(pool.size.saturating_sub(taken))),
        allocated: taken.map_or(Capacity::Unknown, Capacity::Known),
        provisioning: Provisioning::Thin,
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "percent are 0 to 100")]
        metadata_free: metadata_free.map(|percent| percent as u8),
    }
}

/// So many percent of a size, rounded up: what is in use is never said to be less.
#[expect(clippy::cast_precision_loss, reason = "LVM gives two digits of percent")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "percent are 0 to 100")]
fn part(size: ByteCount, percent: f64) -> ByteCount {
    let bytes = (size.bytes() as f64 * percent.clamp(0.0, 100.0) / 100.0).ceil() as u64;
    ByteCount::new(bytes.min(size.bytes())).unwrap_or(size)
}

#[cfg(test)]
mod tests {
    use ashlar_common::{stats::Capacity, units::ByteCount};

    use super::{part, thin};
    use crate::lvm::Pool;

    fn pool(data_percent: Option<f64>, metadata_percent: Option<f64>) -> Pool {
        Pool {
            name: "pool".parse().expect("a name"),
            size: ByteCount::new(1000).expect("small"),
            metadata: ByteCount::ZERO,
            data_percent,
            metadata_percent,
            active: true,
            zeroing: true,
            missing: 0,
            health: String::new(),
        }
    }

    #[test]
    fn what_a_thin_pool_has_left_follows_its_percent() {
        let room = thin(&pool(Some(12.5), Some(10.69)));
        assert_eq!(room.free, Capacity::Known(ByteCount::new(875).expect("small")));
        assert_eq!(room.metadata_free, Some(89));
    }

    #[test]
    fn a_pool_that_is_not_active_has_no_numbers() {
        let room = thin(&pool(None, None));
        assert_eq!((room.free, room.allocated, room.metadata_free), (Capacity::Unknown, Capacity::Unknown, None));
    }

    #[test]
    fn a_part_is_never_more_than_all() {
        let size = ByteCount::MAX;
        assert_eq!(part(size, 100.0), size);
        assert_eq!(part(size, 0.0), ByteCount::ZERO);
    }
}

//! The table `pool_use`: what the volumes of each pool count for.
//!
//! It is written by [`Tx::insert_volume`], [`Tx::reserve`], [`Tx::remove_volume`] and [`Tx::report_pools`], each in the
//! transaction of what it counts, so it cannot drift from the records without one of the four being wrong; reconciling
//! looks all the same, and has [`Tx::recount`].
//!
//! A volume counts with all of its provisioned bytes. What was promised to it counts beside, until a report shows it:
//! until one that was asked for after the operation had ended ([`Moment`](super::records::Moment)).

use super::{
    engine::{Row, query, query::Query, row},
    error::Result,
    records::{Moment, Place, VolumeRecord},
    tx::Tx,
};
use crate::{
    ids::{BackendName, PoolName, VolumeId},
    units::ByteCount,
};

/// What is promised on one pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// The backend.
    pub backend: BackendName,
    /// The pool.
    pub pool: PoolName,
    /// What its volumes count for, added up.
    pub provisioned: ByteCount,
    /// Its volumes.
    pub volumes: u64,
    /// What of it no report shows yet.
    pub promised: ByteCount,
}

/// The promise to the volume with the id `$1`, or 0 where a report shows it.
const PROMISE: &str = "COALESCE((SELECT v.promised_bytes FROM volumes AS v LEFT JOIN pools AS p \
    ON p.backend = v.backend AND p.pool = v.pool WHERE v.id = $1 AND v.promised_moment >= COALESCE(p.moment, 0)), 0)";

/// What each pool counts, from the records.
const BY_RECORDS: &str = "SELECT v.backend AS backend, v.pool AS pool, \
    CAST(SUM(v.provisioned_bytes) AS BIGINT) AS provisioned, COUNT(*) AS volumes, \
    CAST(SUM(CASE WHEN v.promised_moment >= COALESCE(p.moment, 0) THEN v.promised_bytes ELSE 0 END) AS BIGINT) AS promised \
    FROM volumes AS v LEFT JOIN pools AS p ON p.backend = v.backend AND p.pool = v.pool";

fn from_row(row: &Row<'_>) -> Result<PoolUse> {
    Ok(PoolUse {
        backend: row::parsed(row, "backend")?,
        pool: row::parsed(row, "pool")?,
        provisioned: row::bytes(row, "provisioned")?,
        volumes: row::count(row, "volumes")?,
        promised: row::bytes(row, "promised")?,
    })
}

impl Tx {
    /// What the volumes of each pool count for. Pools that have none are absent.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn pool_use(&mut self) -> Result<Vec<PoolUse>> {
        query(
            "SELECT backend, pool, provisioned_bytes AS provisioned, volumes, promised_bytes AS promised FROM pool_use \
             WHERE volumes > 0 ORDER BY backend, pool",
        )
        .fetch_all(self, from_row)
        .await
    }

    /// The same, added up from the records: what [`Tx::pool_use`] must say. Reads every volume.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn pool_use_by_records(&mut self) -> Result<Vec<PoolUse>> {
        query(format!("{BY_RECORDS} WHERE v.backend IS NOT NULL GROUP BY v.backend, v.pool ORDER BY v.backend, v.pool"))
            .fetch_all(self, from_row)
            .await
    }

    /// Has a volume that an operation makes, grows or gives back count for `provisioned` bytes on its pool from now on,
    /// `promised` of them in no report until after the operation has ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn reserve(
        &mut self,
        volume: &mut VolumeRecord,
        provisioned: ByteCount,
        promised: ByteCount,
    ) -> Result<()> {
        of_volume(format!(
            "UPDATE pool_use SET provisioned_bytes = provisioned_bytes + $2 - \
             (SELECT provisioned_bytes FROM volumes WHERE id = $1), promised_bytes = promised_bytes + $3 - {PROMISE}"
        ))
        .bind(volume.id.to_string())
        .bind(provisioned.as_i64())
        .bind(promised.as_i64())
        .run(self)
        .await?;
        query("UPDATE volumes SET provisioned_bytes = $2, promised_bytes = $3, promised_moment = $4 WHERE id = $1")
            .bind(volume.id.to_string())
            .bind(provisioned.as_i64())
            .bind(promised.as_i64())
            .bind(Moment::Open.stored())
            .execute(self)
            .await?;
        (volume.provisioned, volume.promised, volume.promised_moment) = (provisioned, promised, Moment::Open);
        Ok(())
    }

    /// Counts a pool's volumes anew.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn recount(&mut self, backend: &BackendName, pool: &PoolName) -> Result<()> {
        query("DELETE FROM pool_use WHERE backend = $1 AND pool = $2")
            .bind(backend.to_string())
            .bind(pool.to_string())
            .execute(self)
            .await?;
        query(format!(
            "INSERT INTO pool_use (backend, pool, provisioned_bytes, volumes, promised_bytes) \
             {BY_RECORDS} WHERE v.backend = $1 AND v.pool = $2 GROUP BY v.backend, v.pool"
        ))
        .bind(backend.to_string())
        .bind(pool.to_string())
        .execute(self)
        .await?;
        Ok(())
    }

    /// Has the pools of a backend that has just reported count only what the report does not show.
    pub(super) async fn count_promises(&mut self, backend: &BackendName) -> Result<()> {
        query(
            "UPDATE pool_use SET promised_bytes = COALESCE((SELECT CAST(SUM(v.promised_bytes) AS BIGINT) \
             FROM volumes AS v WHERE v.backend = pool_use.backend AND v.pool = pool_use.pool \
             AND v.promised_moment >= COALESCE((SELECT p.moment FROM pools AS p \
             WHERE p.backend = pool_use.backend AND p.pool = pool_use.pool), 0)), 0) WHERE backend = $1",
        )
        .bind(backend.to_string())
        .execute(self)
        .await?;
        Ok(())
    }

    /// Counts a volume that was just recorded.
    pub(super) async fn count_in(&mut self, id: VolumeId, place: &Place, provisioned: ByteCount) -> Result<()> {
        query(format!(
            "INSERT INTO pool_use (backend, pool, provisioned_bytes, volumes, promised_bytes) \
             VALUES ($2, $3, $4, 1, {PROMISE}) \
             ON CONFLICT (backend, pool) DO UPDATE SET volumes = pool_use.volumes + 1, \
             provisioned_bytes = pool_use.provisioned_bytes + excluded.provisioned_bytes, \
             promised_bytes = pool_use.promised_bytes + excluded.promised_bytes"
        ))
        .bind(id.to_string())
        .bind(place.backend.to_string())
        .bind(place.pool.to_string())
        .bind(provisioned.as_i64())
        .run(self)
        .await?;
        Ok(())
    }

    /// No longer counts a volume whose record is about to go.
    pub(super) async fn count_out(&mut self, id: VolumeId) -> Result<()> {
        of_volume(format!(
            "UPDATE pool_use SET volumes = volumes - 1, provisioned_bytes = provisioned_bytes - \
             (SELECT provisioned_bytes FROM volumes WHERE id = $1), promised_bytes = promised_bytes - {PROMISE}"
        ))
        .bind(id.to_string())
        .run(self)
        .await?;
        Ok(())
    }
}

/// An update of the pool where the volume with the id `$1` is.
fn of_volume(update: String) -> Query {
    query(
        update
            + " WHERE EXISTS (SELECT 1 FROM volumes WHERE volumes.id = $1 AND volumes.backend = pool_use.backend \
               AND volumes.pool = pool_use.pool)",
    )
}

#[cfg(test)]
impl Tx {
    /// Counts a volume that is not there, as a fault of the three would.
    pub(crate) async fn spoil_pool_use(&mut self, backend: &BackendName, pool: &PoolName) -> Result<()> {
        let place = Place { backend: backend.clone(), pool: pool.clone() };
        self.count_in(VolumeId::new(), &place, ByteCount::ZERO).await
    }
}

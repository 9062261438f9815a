//! The table `pool_use`: what the volumes of each pool count for.
//!
//! It is written by [`Tx::insert_volume`], [`Tx::provision`] and [`Tx::remove_volume`] and by nothing else, each in the
//! transaction of its volume, so it cannot drift from the records without one of the three being wrong.

use super::{
    engine::{Row, query, row},
    error::Result,
    records::{Place, VolumeRecord},
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
}

/// What was promised on a pool and is not in its report's free bytes yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promised {
    /// The backend.
    pub backend: BackendName,
    /// The pool.
    pub pool: PoolName,
    /// All of it.
    pub bytes: ByteCount,
}

fn from_row(row: &Row<'_>) -> Result<PoolUse> {
    Ok(PoolUse {
        backend: row::parsed(row, "backend")?,
        pool: row::parsed(row, "pool")?,
        provisioned: row::bytes(row, "provisioned")?,
        volumes: row::count(row, "volumes")?,
    })
}

impl Tx {
    /// What the volumes of each pool count for. Pools that never had one are absent.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn pool_use(&mut self) -> Result<Vec<PoolUse>> {
        query(
            "SELECT backend, pool, provisioned_bytes AS provisioned, volumes FROM pool_use WHERE volumes > 0 \
             ORDER BY backend, pool",
        )
        .fetch_all(self, from_row)
        .await
    }

    /// The same, added up from the records: what [`Tx::pool_use`] must say. Reads every volume.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn pool_use_by_records(&mut self) -> Result<Vec<PoolUse>> {
        query(
            "SELECT backend, pool, CAST(SUM(provisioned_bytes) AS BIGINT) AS provisioned, COUNT(*) AS volumes \
             FROM volumes WHERE backend IS NOT NULL GROUP BY backend, pool ORDER BY backend, pool",
        )
        .fetch_all(self, from_row)
        .await
    }

    /// What was promised since each pool's report or is still being made. Pools without any are absent.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn promised(&mut self) -> Result<Vec<Promised>> {
        // CROSS JOIN has SQLite go from the pools to the few volumes of each, and not the other way.
        query(
            "SELECT backend, pool, CAST(SUM(bytes) AS BIGINT) AS promised FROM (\
             SELECT v.backend AS backend, v.pool AS pool, v.promised_bytes AS bytes \
             FROM pools AS p CROSS JOIN volumes AS v \
             WHERE v.backend = p.backend AND v.pool = p.pool AND v.promised_moment >= p.moment \
             UNION ALL SELECT v.backend, v.pool, v.promised_bytes FROM pools AS p CROSS JOIN volumes AS v \
             WHERE v.backend = p.backend AND v.pool = p.pool \
             AND v.status IN ('creating', 'downloading', 'extending') AND v.promised_moment < p.moment\
             ) AS unsettled GROUP BY backend, pool",
        )
        .fetch_all(self, |row| {
            Ok(Promised {
                backend: row::parsed(row, "backend")?,
                pool: row::parsed(row, "pool")?,
                bytes: row::bytes(row, "promised")?,
            })
        })
        .await
    }

    /// Has a volume count for `bytes` on its pool from now on.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn provision(&mut self, volume: &mut VolumeRecord, bytes: ByteCount) -> Result<()> {
        query(
            "UPDATE pool_use SET provisioned_bytes = provisioned_bytes + $2 - \
             (SELECT provisioned_bytes FROM volumes WHERE id = $1) \
             WHERE EXISTS (SELECT 1 FROM volumes WHERE volumes.id = $1 AND volumes.backend = pool_use.backend \
             AND volumes.pool = pool_use.pool)",
        )
        .bind(volume.id.to_string())
        .bind(bytes.as_i64())
        .execute(self)
        .await?;
        query("UPDATE volumes SET provisioned_bytes = $2 WHERE id = $1")
            .bind(volume.id.to_string())
            .bind(bytes.as_i64())
            .execute(self)
            .await?;
        volume.provisioned = bytes;
        Ok(())
    }

    /// Counts a volume that is being recorded.
    pub(super) async fn count_in(&mut self, place: &Place, provisioned: ByteCount) -> Result<()> {
        query(
            "INSERT INTO pool_use (backend, pool, provisioned_bytes, volumes) VALUES ($1, $2, $3, 1) \
             ON CONFLICT (backend, pool) DO UPDATE SET provisioned_bytes = pool_use.provisioned_bytes + $3, \
             volumes = pool_use.volumes + 1",
        )
        .bind(place.backend.to_string())
        .bind(place.pool.to_string())
        .bind(provisioned.as_i64())
        .execute(self)
        .await?;
        Ok(())
    }

    /// No longer counts a volume whose record is about to go.
    pub(super) async fn count_out(&mut self, id: VolumeId) -> Result<()> {
        query(
            "UPDATE pool_use SET volumes = volumes - 1, provisioned_bytes = provisioned_bytes - \
             (SELECT provisioned_bytes FROM volumes WHERE id = $1) \
             WHERE EXISTS (SELECT 1 FROM volumes WHERE volumes.id = $1 AND volumes.backend = pool_use.backend \
             AND volumes.pool = pool_use.pool)",
        )
        .bind(id.to_string())
        .execute(self)
        .await?;
        Ok(())
    }
}

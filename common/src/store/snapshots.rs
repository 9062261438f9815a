//! The table `snapshots`.

use super::{
    engine::{Row, query, row},
    error::Result,
    records::{Place, SnapshotRecord},
    tx::Tx,
};
use crate::{
    ids::{BackendName, SnapshotId, VolumeId},
    units::ByteCount,
};
use jiff::Timestamp;

pub(super) const COLUMNS: &str = "id, volume_id, project_id, user_id, name, description, size_bytes, state, status, \
    backend, pool, metadata, created_at, updated_at";

pub(super) fn from_row(row: &Row<'_>) -> Result<SnapshotRecord> {
    Ok(SnapshotRecord {
        id: row::parsed(row, "id")?,
        volume_id: row::parsed(row, "volume_id")?,
        project_id: row::text(row, "project_id")?,
        user_id: row::text(row, "user_id")?,
        name: row::text_or_null(row, "name")?,
        description: row::text_or_null(row, "description")?,
        size: row::bytes(row, "size_bytes")?,
        state: row::json(row, "state")?,
        status: row::parsed(row, "status")?,
        place: Place { backend: row::parsed(row, "backend")?, pool: row::parsed(row, "pool")? },
        metadata: row::json(row, "metadata")?,
        created_at: row::time(row, "created_at")?,
        updated_at: row::time_or_null(row, "updated_at")?,
    })
}

impl Tx {
    /// Adds a snapshot.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn insert_snapshot(&mut self, snapshot: &SnapshotRecord) -> Result<()> {
        query(
            "INSERT INTO snapshots (id, volume_id, project_id, user_id, name, description, size_bytes, state, status, \
             backend, pool, metadata, created_at, updated_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)",
        )
        .bind(snapshot.id.to_string())
        .bind(snapshot.volume_id.to_string())
        .bind(&snapshot.project_id)
        .bind(&snapshot.user_id)
        .bind(&snapshot.name)
        .bind(&snapshot.description)
        .bind(snapshot.size.as_i64())
        .bind(row::to_json(&snapshot.state))
        .bind(snapshot.status.as_str())
        .bind(snapshot.place.backend.to_string())
        .bind(snapshot.place.pool.to_string())
        .bind(row::to_json(&snapshot.metadata))
        .bind(row::micros(snapshot.created_at))
        .bind(snapshot.updated_at.map(row::micros))
        .run(self)
        .await?;
        Ok(())
    }

    /// Writes back what may change in a snapshot, its status derived anew from its state.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn update_snapshot(&mut self, snapshot: &mut SnapshotRecord, now: Timestamp) -> Result<()> {
        snapshot.status = snapshot.state.status();
        snapshot.updated_at = Some(now);
        query(
            "UPDATE snapshots SET name = $2, description = $3, state = $4, status = $5, metadata = $6, updated_at = $7 \
             WHERE id = $1",
        )
        .bind(snapshot.id.to_string())
        .bind(&snapshot.name)
        .bind(&snapshot.description)
        .bind(row::to_json(&snapshot.state))
        .bind(snapshot.status.as_str())
        .bind(row::to_json(&snapshot.metadata))
        .bind(row::micros(now))
        .run(self)
        .await?;
        Ok(())
    }

    /// Removes a snapshot's record.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove_snapshot(&mut self, id: SnapshotId) -> Result<()> {
        query("DELETE FROM snapshots WHERE id = $1").bind(id.to_string()).execute(self).await?;
        Ok(())
    }

    /// One snapshot.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn snapshot(&mut self, id: SnapshotId) -> Result<Option<SnapshotRecord>> {
        query(format!("SELECT {COLUMNS} FROM snapshots WHERE id = $1"))
            .bind(id.to_string())
            .fetch_optional(self, from_row)
            .await
    }

    /// The snapshots of a volume, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn snapshots_of(&mut self, volume: VolumeId) -> Result<Vec<SnapshotRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM snapshots WHERE volume_id = $1 ORDER BY created_at, id");
        query(sql).bind(volume.to_string()).fetch_all(self, from_row).await
    }

    /// All snapshots of a backend, for comparing with what the backend holds.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn snapshots_on(&mut self, backend: &BackendName) -> Result<Vec<SnapshotRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM snapshots WHERE backend = $1 ORDER BY id");
        query(sql).bind(backend.to_string()).fetch_all(self, from_row).await
    }

    /// How many snapshots a project has, and their sizes added up.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn snapshot_totals(&mut self, project_id: &str) -> Result<(u64, ByteCount)> {
        query(
            "SELECT COUNT(*) AS snapshots, CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) AS bytes FROM snapshots \
             WHERE project_id = $1",
        )
        .bind(project_id)
        .fetch_one(self, |row| Ok((row::count(row, "snapshots")?, row::bytes(row, "bytes")?)))
        .await
    }
}

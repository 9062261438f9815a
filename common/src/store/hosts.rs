//! The tables `hosts` and `pools`: who serves a backend, and what it reports.

use super::{
    engine::{Row, query, row},
    error::{Error, Result},
    records::{HostRecord, PoolRecord},
    tx::Tx,
};
use crate::{
    driver::{Capabilities, DriverInfo},
    ids::BackendName,
    stats::BackendStats,
};
use jiff::Timestamp;

const HOST_COLUMNS: &str = "backend, epoch, holder, driver, capabilities, volume_backend_name, availability_zone, \
    disabled, disabled_reason, started_at, heartbeat_at";

fn host_from_row(row: &Row<'_>) -> Result<HostRecord> {
    Ok(HostRecord {
        backend: row::parsed(row, "backend")?,
        epoch: row::count(row, "epoch")?,
        holder: row::text(row, "holder")?,
        driver: row::json_or_null(row, "driver")?,
        capabilities: row::json_or_null(row, "capabilities")?.unwrap_or_default(),
        volume_backend_name: row::text(row, "volume_backend_name")?,
        availability_zone: row::text(row, "availability_zone")?,
        disabled: row::flag(row, "disabled")?,
        disabled_reason: row::text_or_null(row, "disabled_reason")?,
        started_at: row::time(row, "started_at")?,
        heartbeat_at: row::time(row, "heartbeat_at")?,
    })
}

/// A host that takes over a backend.
#[derive(Clone, Debug)]
pub struct Takeover<'a> {
    /// The backend.
    pub backend: &'a BackendName,
    /// Host name and process id.
    pub holder: &'a str,
    /// The operator's name for the backend.
    pub volume_backend_name: &'a str,
    /// Its availability zone.
    pub availability_zone: &'a str,
    /// Now.
    pub now: Timestamp,
}

impl Tx {
    /// Makes the caller the backend's host, under a new epoch that fences every host before it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn take_over(&mut self, takeover: &Takeover<'_>) -> Result<u64> {
        query(
            "INSERT INTO hosts (backend, epoch, holder, volume_backend_name, availability_zone, disabled, started_at, \
             heartbeat_at) VALUES ($1, 1, $2, $3, $4, 0, $5, $5) \
             ON CONFLICT (backend) DO UPDATE SET epoch = hosts.epoch + 1, holder = $2, volume_backend_name = $3, \
             availability_zone = $4, started_at = $5, heartbeat_at = $5 RETURNING epoch",
        )
        .bind(takeover.backend.to_string())
        .bind(takeover.holder)
        .bind(takeover.volume_backend_name)
        .bind(takeover.availability_zone)
        .bind(row::micros(takeover.now))
        .fetch_one(self, |row| row::count(row, "epoch"))
        .await
    }

    /// Fails unless the caller still is the backend's host. Every commit of a host begins with it.
    ///
    /// # Errors
    /// [`Error::Fenced`] when another host has taken over.
    pub async fn still_host(&mut self, backend: &BackendName, epoch: u64) -> Result<()> {
        let current = query("SELECT epoch FROM hosts WHERE backend = $1")
            .bind(backend.to_string())
            .fetch_optional(self, |row| row::count(row, "epoch"))
            .await?;
        if current == Some(epoch) { Ok(()) } else { Err(Error::Fenced { backend: backend.to_string() }) }
    }

    /// Notes that the host is alive, who its driver is and what it can do.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn heartbeat(
        &mut self,
        backend: &BackendName,
        driver: &DriverInfo,
        capabilities: Capabilities,
        now: Timestamp,
    ) -> Result<()> {
        query("UPDATE hosts SET driver = $2, capabilities = $3, heartbeat_at = $4 WHERE backend = $1")
            .bind(backend.to_string())
            .bind(row::to_json(driver))
            .bind(row::to_json(&capabilities))
            .bind(row::micros(now))
            .execute(self)
            .await?;
        Ok(())
    }

    /// Takes a backend out of scheduling, or back in.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_host_disabled(
        &mut self,
        backend: &BackendName,
        disabled: bool,
        reason: Option<&str>,
    ) -> Result<bool> {
        let done = query("UPDATE hosts SET disabled = $2, disabled_reason = $3 WHERE backend = $1")
            .bind(backend.to_string())
            .bind(i64::from(disabled))
            .bind(reason)
            .execute(self)
            .await?;
        Ok(done > 0)
    }

    /// Every backend's host, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn hosts(&mut self) -> Result<Vec<HostRecord>> {
        let sql = format!("SELECT {HOST_COLUMNS} FROM hosts ORDER BY backend");
        query(sql).fetch_all(self, host_from_row).await
    }

    /// One backend's host.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn host(&mut self, backend: &BackendName) -> Result<Option<HostRecord>> {
        let sql = format!("SELECT {HOST_COLUMNS} FROM hosts WHERE backend = $1");
        query(sql).bind(backend.to_string()).fetch_optional(self, host_from_row).await
    }

    /// Replaces a backend's report.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn report_pools(
        &mut self,
        backend: &BackendName,
        stats: &BackendStats,
        asked_at: Timestamp,
    ) -> Result<()> {
        query("DELETE FROM pools WHERE backend = $1").bind(backend.to_string()).execute(self).await?;
        for pool in &stats.pools {
            query("INSERT INTO pools (backend, pool, stats, reported_at) VALUES ($1, $2, $3, $4)")
                .bind(backend.to_string())
                .bind(pool.name.to_string())
                .bind(row::to_json(pool))
                .bind(row::micros(asked_at))
                .execute(self)
                .await?;
        }
        Ok(())
    }

    /// Every pool's last report.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn pools(&mut self) -> Result<Vec<PoolRecord>> {
        query("SELECT backend, pool, stats, reported_at FROM pools ORDER BY backend, pool")
            .fetch_all(self, |row| {
                Ok(PoolRecord {
                    backend: row::parsed(row, "backend")?,
                    stats: row::json(row, "stats")?,
                    reported_at: row::time(row, "reported_at")?,
                })
            })
            .await
    }
}

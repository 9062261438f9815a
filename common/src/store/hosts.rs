//! The tables `hosts` and `pools`: who serves a backend, and what it reports.

use std::sync::LazyLock;

use super::{
    engine::{Row, query, query::columns_of, row},
    error::Result,
    records::{HostRecord, PoolRecord},
    tx::Tx,
};
use crate::{
    driver::{Capabilities, DriverInfo},
    ids::{BackendName, PoolName},
    stats::BackendStats,
};
use jiff::Timestamp;

const HOST_COLUMNS: &str = "backend, epoch, holder, driver, capabilities, volume_backend_name, availability_zone, \
    disabled, disabled_reason, started_at, heartbeat_at, moment";

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
        moment: row::count(row, "moment")?,
    })
}

/// When a backend was asked for a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// In the order of what its hosts and the API do.
    pub moment: u64,
    /// By the clock of who asked, for people.
    pub at: Timestamp,
}

impl Tx {
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

    /// Replaces a backend's report, unless it has a later one: members that share a backend all report.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn report_pools(&mut self, backend: &BackendName, stats: &BackendStats, asked: Asked) -> Result<()> {
        let later = query("SELECT pool FROM pools WHERE backend = $1 AND moment > $2 LIMIT 1")
            .bind(backend.to_string())
            .bind(asked.moment.cast_signed())
            .fetch_optional(self, |_| Ok(()))
            .await?;
        if later.is_some() {
            return Ok(());
        }
        query("DELETE FROM pools WHERE backend = $1").bind(backend.to_string()).execute(self).await?;
        for pool in &stats.pools {
            query("INSERT INTO pools (backend, pool, stats, reported_at, moment) VALUES ($1, $2, $3, $4, $5)")
                .bind(backend.to_string())
                .bind(pool.name.to_string())
                .bind(row::to_json(pool))
                .bind(row::micros(asked.at))
                .bind(asked.moment.cast_signed())
                .execute(self)
                .await?;
        }
        self.count_promises(backend).await
    }

    /// When the last report of a pool was asked for.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn report_moment(&mut self, backend: &BackendName, pool: &PoolName) -> Result<Option<u64>> {
        query("SELECT moment FROM pools WHERE backend = $1 AND pool = $2")
            .bind(backend.to_string())
            .bind(pool.to_string())
            .fetch_optional(self, |row| row::count(row, "moment"))
            .await
    }

    /// Every backend's host, and every pool's last report with what the records say of the pool beside it; both by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn hosts_and_pools(&mut self) -> Result<(Vec<HostRecord>, Vec<PoolRecord>)> {
        let mut hosts: Vec<HostRecord> = Vec::new();
        let of_host = HOST_COLUMNS.split(", ").count();
        let pools = query(WITH_POOLS.as_str())
            .fetch_all(self, |row| {
                let backend: BackendName = row::parsed(row, "backend")?;
                if hosts.last().is_none_or(|last| last.backend != backend) {
                    hosts.push(host_from_row(&row.from(0))?);
                }
                let pool = row.from(of_host);
                row::is_there(&pool, "stats")?.then(|| pool_from_row(backend, &pool)).transpose()
            })
            .await?;
        Ok((hosts, pools.into_iter().flatten().collect()))
    }
}

static WITH_POOLS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, p.stats, p.reported_at, p.moment, COALESCE(u.provisioned_bytes, 0) AS provisioned, \
         COALESCE(u.volumes, 0) AS volumes, COALESCE(u.promised_bytes, 0) AS promised FROM hosts AS h \
         LEFT JOIN pools AS p ON p.backend = h.backend LEFT JOIN pool_use AS u ON u.backend = p.backend \
         AND u.pool = p.pool ORDER BY h.backend, p.pool",
        columns_of("h", HOST_COLUMNS)
    )
});

fn pool_from_row(backend: BackendName, row: &Row<'_>) -> Result<PoolRecord> {
    Ok(PoolRecord {
        backend,
        stats: row::json(row, "stats")?,
        reported_at: row::time(row, "reported_at")?,
        moment: row::count(row, "moment")?,
        provisioned: row::bytes(row, "provisioned")?,
        volumes: row::count(row, "volumes")?,
        promised: row::bytes(row, "promised")?,
    })
}

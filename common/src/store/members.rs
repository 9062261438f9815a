//! The table `members`: the processes that serve a backend.
//!
//! A row is the right to commit: [`Tx::still_member`] begins every commit of a host, so a process whose row was removed
//! is fenced from that moment on. A member renews its row by counting up. Nobody compares times of two processes here:
//! who watches a row sees by its own clock how long it has not changed.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    engine::{Row, query, row},
    error::{Error, Result},
    tx::Tx,
};
use crate::ids::BackendName;

const COLUMNS: &str = "backend, epoch, holder, seats, lease_millis, renewals, started_at, renewed_at";

/// A process that serves a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRecord {
    /// The backend.
    pub backend: BackendName,
    /// Its own; grows with each process that joins.
    pub epoch: u64,
    /// Host name and process id, for people.
    pub holder: String,
    /// How many members it bears, itself included: more than one where its driver is active-active.
    pub seats: u32,
    /// How long it goes on after a renewal.
    pub lease: Duration,
    /// Counts up while it is alive.
    pub renewals: u64,
    /// When it joined, by its own clock, for people.
    pub started_at: Timestamp,
    /// When it last renewed, by its own clock, for people.
    pub renewed_at: Timestamp,
}

/// A process that wants to serve a backend.
#[derive(Clone, Debug)]
pub struct Joining<'a> {
    /// The backend.
    pub backend: &'a BackendName,
    /// Host name and process id.
    pub holder: &'a str,
    /// The operator's name for the backend.
    pub volume_backend_name: &'a str,
    /// Its availability zone.
    pub availability_zone: &'a str,
    /// How long it goes on after a renewal.
    pub lease: Duration,
    /// The members that it knows to be gone: they are fenced by its joining.
    pub gone: &'a [Gone],
    /// Now.
    pub now: Timestamp,
}

/// A member that does not serve any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Its process has ended: whoever says so holds the lock that it held.
    Ended {
        /// The member.
        epoch: u64,
    },
    /// It has not renewed for longer than its lease lasts, and is gone unless it has renewed since.
    Lapsed {
        /// The member.
        epoch: u64,
        /// What its count stood at.
        renewals: u64,
    },
}

impl Gone {
    /// The member.
    #[must_use]
    pub const fn epoch(self) -> u64 {
        match self {
            Self::Ended { epoch } | Self::Lapsed { epoch, .. } => epoch,
        }
    }
}

fn from_row(row: &Row<'_>) -> Result<MemberRecord> {
    Ok(MemberRecord {
        backend: row::parsed(row, "backend")?,
        epoch: row::count(row, "epoch")?,
        holder: row::text(row, "holder")?,
        seats: u32::try_from(row::count(row, "seats")?).unwrap_or(u32::MAX),
        lease: Duration::from_millis(row::count(row, "lease_millis")?),
        renewals: row::count(row, "renewals")?,
        started_at: row::time(row, "started_at")?,
        renewed_at: row::time(row, "renewed_at")?,
    })
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Tx {
    /// Fences those that are gone, and makes the caller a member under a new epoch. `None` where others have all the seats
    /// that they bear: one, unless their driver is active-active.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn join(&mut self, joining: &Joining<'_>) -> Result<Option<u64>> {
        for gone in joining.gone {
            self.fence(joining.backend, *gone).await?;
        }
        let others = self.members_of(joining.backend).await?;
        let seats = others.iter().map(|member| member.seats).min().unwrap_or(1);
        if others.len() >= seats as usize && !others.is_empty() {
            return Ok(None);
        }
        let epoch = query(
            "INSERT INTO hosts (backend, epoch, holder, volume_backend_name, availability_zone, disabled, started_at, \
             heartbeat_at, moment) VALUES ($1, 1, $2, $3, $4, 0, $5, $5, 1) \
             ON CONFLICT (backend) DO UPDATE SET epoch = hosts.epoch + 1, holder = $2, volume_backend_name = $3, \
             availability_zone = $4, started_at = $5, heartbeat_at = $5, moment = hosts.moment + 1 RETURNING epoch",
        )
        .bind(joining.backend.to_string())
        .bind(joining.holder)
        .bind(joining.volume_backend_name)
        .bind(joining.availability_zone)
        .bind(row::micros(joining.now))
        .fetch_one(self, |row| row::count(row, "epoch"))
        .await?;
        query(format!("INSERT INTO members ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, 0, $6, $6)"))
            .bind(joining.backend.to_string())
            .bind(epoch.cast_signed())
            .bind(joining.holder)
            .bind(i64::from(seats))
            .bind(millis(joining.lease))
            .bind(row::micros(joining.now))
            .execute(self)
            .await?;
        Ok(Some(epoch))
    }

    /// Fences a member that is gone; says whether it was there and still is what it was taken for.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn fence(&mut self, backend: &BackendName, gone: Gone) -> Result<bool> {
        let removed = match gone {
            Gone::Ended { epoch } => {
                query("DELETE FROM members WHERE backend = $1 AND epoch = $2")
                    .bind(backend.to_string())
                    .bind(epoch.cast_signed())
                    .execute(self)
                    .await?
            }
            Gone::Lapsed { epoch, renewals } => {
                query("DELETE FROM members WHERE backend = $1 AND epoch = $2 AND renewals = $3")
                    .bind(backend.to_string())
                    .bind(epoch.cast_signed())
                    .bind(renewals.cast_signed())
                    .execute(self)
                    .await?
            }
        };
        Ok(removed > 0)
    }

    /// Fails unless the caller still is a member. Every commit of a host begins with it.
    ///
    /// # Errors
    /// [`Error::Fenced`] when it is not.
    pub async fn still_member(&mut self, backend: &BackendName, epoch: u64) -> Result<()> {
        let found = query("SELECT epoch FROM members WHERE backend = $1 AND epoch = $2")
            .bind(backend.to_string())
            .bind(epoch.cast_signed())
            .fetch_optional(self, |_| Ok(()))
            .await?;
        found.ok_or_else(|| Error::Fenced { backend: backend.to_string() })
    }

    /// Gives a sign of life; gives the backend's moment back, later than all before. What is asked of the backend after
    /// this is committed shows all that was done at earlier moments.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the caller is no member any more.
    pub async fn renew(&mut self, backend: &BackendName, epoch: u64, now: Timestamp) -> Result<u64> {
        let renewed =
            query("UPDATE members SET renewals = renewals + 1, renewed_at = $3 WHERE backend = $1 AND epoch = $2")
                .bind(backend.to_string())
                .bind(epoch.cast_signed())
                .bind(row::micros(now))
                .execute(self)
                .await?;
        if renewed == 0 {
            return Err(Error::Fenced { backend: backend.to_string() });
        }
        query("UPDATE hosts SET moment = moment + 1, heartbeat_at = $2 WHERE backend = $1 RETURNING moment")
            .bind(backend.to_string())
            .bind(row::micros(now))
            .fetch_one(self, |row| row::count(row, "moment"))
            .await
    }

    /// Says how many members one that has opened its backend bears. Fails when there are more already.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the caller is no member any more.
    pub async fn offer_seats(&mut self, backend: &BackendName, epoch: u64, seats: u32) -> Result<bool> {
        self.still_member(backend, epoch).await?;
        query("UPDATE members SET seats = $3 WHERE backend = $1 AND epoch = $2")
            .bind(backend.to_string())
            .bind(epoch.cast_signed())
            .bind(i64::from(seats))
            .execute(self)
            .await?;
        Ok(self.members_of(backend).await?.len() <= seats as usize)
    }

    /// Ends a membership that is over: the next need not wait then.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn leave(&mut self, backend: &BackendName, epoch: u64) -> Result<()> {
        self.fence(backend, Gone::Ended { epoch }).await?;
        Ok(())
    }

    /// The members of one backend, the longest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn members_of(&mut self, backend: &BackendName) -> Result<Vec<MemberRecord>> {
        query(format!("SELECT {COLUMNS} FROM members WHERE backend = $1 ORDER BY epoch"))
            .bind(backend.to_string())
            .fetch_all(self, from_row)
            .await
    }

    /// All members, by backend.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn members(&mut self) -> Result<Vec<MemberRecord>> {
        query(format!("SELECT {COLUMNS} FROM members ORDER BY backend, epoch")).fetch_all(self, from_row).await
    }
}

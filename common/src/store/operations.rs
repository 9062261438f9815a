//! The operation log.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use super::{
    engine::{Row, query, query::Query, row},
    error::{Error, Result},
    records::{Operation, OperationError, Phase},
    surroundings::Clock,
    tx::Tx,
};
use crate::{
    driver::Kind,
    ids::{BackendName, OpId},
};

const COLUMNS: &str = "id, backend, request_id, work, phase, epoch, attempts, not_before, percent, error_kind, \
    error_message, created_at, updated_at";

/// What a member may claim: it is no other member's, which one is that runs it or will try it again; it is due; and
/// nothing logged earlier is still open on what it changes or reads, so that operations on one thing take effect in the
/// order in which clients asked for them.
///
/// The phases are named as the index `operations_waiting` names them, which is walked in the order of the log. One
/// subquery a question, since each then is one look into an index.
const DUE: &str = "backend = $1 AND phase IN ('pending', 'running') \
    AND ((phase = 'pending' AND epoch = $3 AND not_before <= $2) OR NOT EXISTS (SELECT 1 FROM members \
    WHERE members.backend = operations.backend AND members.epoch = operations.epoch)) \
    AND NOT EXISTS (SELECT 1 FROM operations AS earlier WHERE earlier.subject_id = operations.subject_id \
    AND earlier.phase IN ('pending', 'running') AND earlier.sequence < operations.sequence) \
    AND NOT EXISTS (SELECT 1 FROM operations AS reader WHERE reader.source_id = operations.subject_id \
    AND reader.phase IN ('pending', 'running') AND reader.sequence < operations.sequence) \
    AND NOT EXISTS (SELECT 1 FROM operations AS maker WHERE maker.subject_id = operations.source_id \
    AND maker.phase IN ('pending', 'running') AND maker.sequence < operations.sequence)";

const END: &str = "UPDATE operations SET phase = $2, percent = CASE WHEN $2 = 'done' THEN 100 ELSE percent END, \
    error_kind = $3, error_message = $4, updated_at = $5 WHERE id = $1";

fn ending(text: String, id: OpId, error: Option<&OperationError>, now: Timestamp) -> Query {
    let phase = if error.is_some() { Phase::Failed } else { Phase::Done };
    query(text)
        .bind(id.to_string())
        .bind(phase.as_str())
        .bind(error.map(|error| kind_word(error.kind)))
        .bind(error.map(|error| error.message.clone()))
        .bind(row::micros(now))
}

fn from_row(row: &Row<'_>) -> Result<Operation> {
    let kind: Option<Kind> = row::text_or_null(row, "error_kind")?
        .map(|word| serde_json::from_value(serde_json::Value::String(word)))
        .transpose()
        .map_err(|error| Error::Damaged { what: "error_kind", why: error.to_string() })?;
    let phase = match row::text(row, "phase")?.as_str() {
        "pending" => Phase::Pending,
        "running" => Phase::Running,
        "done" => Phase::Done,
        "failed" => Phase::Failed,
        other => return Err(Error::Damaged { what: "phase", why: format!("unknown phase {other:?}") }),
    };
    Ok(Operation {
        id: row::parsed(row, "id")?,
        backend: row::parsed(row, "backend")?,
        request_id: row::text(row, "request_id")?,
        work: row::json(row, "work")?,
        phase,
        epoch: row::count(row, "epoch")?,
        attempts: u32::try_from(row::count(row, "attempts")?).unwrap_or(u32::MAX),
        not_before: Duration::from_micros(row::count(row, "not_before")?),
        percent: u8::try_from(row::count(row, "percent")?).unwrap_or(100),
        error: kind
            .zip(row::text_or_null(row, "error_message")?)
            .map(|(kind, message)| OperationError { kind, message }),
        created_at: row::time(row, "created_at")?,
        updated_at: row::time(row, "updated_at")?,
    })
}

fn micros(uptime: Duration) -> i64 {
    i64::try_from(uptime.as_micros()).unwrap_or(i64::MAX)
}

fn kind_word(kind: Kind) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(word)) => word,
        _ => unreachable!("a unit variant is a string"),
    }
}

impl Tx {
    /// Logs an operation as pending, after all that were logged before.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn log_operation(&mut self, operation: &Operation) -> Result<()> {
        query(
            "INSERT INTO operations (id, sequence, backend, request_id, work, source_id, subject_id, phase, epoch, \
             attempts, not_before, percent, created_at, updated_at) \
             VALUES ($1, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM operations), $2, $3, $4, $5, $6, 'pending', 0, 0, \
             $7, 0, $8, $8)",
        )
        .bind(operation.id.to_string())
        .bind(operation.backend.to_string())
        .bind(&operation.request_id)
        .bind(row::to_json(&operation.work))
        .bind(operation.work.source())
        .bind(operation.work.subject().id())
        .bind(micros(operation.not_before))
        .bind(row::micros(operation.created_at))
        .run(self)
        .await
    }

    /// Claims up to `limit` operations that are due: new ones, those that the caller deferred, and those that a process left
    /// behind which is no member any more. Each with the attempts that were made before.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the caller is no member any more.
    pub async fn claim_operations(
        &mut self,
        backend: &BackendName,
        epoch: u64,
        limit: u32,
        clock: Clock,
    ) -> Result<Vec<Operation>> {
        let mut operations = query(format!(
            "UPDATE operations SET phase = 'running', epoch = $3, attempts = attempts + 1, updated_at = $5 WHERE id IN \
             (SELECT id FROM operations WHERE {DUE} ORDER BY sequence LIMIT $4) \
             AND EXISTS (SELECT 1 FROM members AS own WHERE own.epoch = $3 AND own.backend = $1) \
             RETURNING sequence, {COLUMNS}"
        ))
        .bind(backend.to_string())
        .bind(micros(clock.uptime))
        .bind(epoch.cast_signed())
        .bind(i64::from(limit))
        .bind(row::micros(clock.now))
        .fetch_all(self, |row| Ok((row::count(row, "sequence")?, from_row(row)?)))
        .await?;
        if operations.is_empty() {
            self.still_member(backend, epoch).await?;
        }
        operations.sort_by_key(|(sequence, _)| *sequence);
        let before =
            |(_, claimed): (u64, Operation)| Operation { attempts: claimed.attempts.saturating_sub(1), ..claimed };
        Ok(operations.into_iter().map(before).collect())
    }

    /// Whether [`Tx::claim_operations`] would find anything.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn any_due(&mut self, backend: &BackendName, epoch: u64, clock: Clock) -> Result<bool> {
        let sql = format!("SELECT id FROM operations WHERE {DUE} LIMIT 1");
        let row = query(sql)
            .bind(backend.to_string())
            .bind(micros(clock.uptime))
            .bind(epoch.cast_signed())
            .fetch_optional(self, |_| Ok(()))
            .await?;
        Ok(row.is_some())
    }

    /// Ends an operation.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_operation(&mut self, id: OpId, error: Option<&OperationError>, now: Timestamp) -> Result<()> {
        ending(END.to_owned(), id, error, now).execute(self).await?;
        Ok(())
    }

    /// Ends an operation that this member runs. Says whether it did: where somebody else has ended or put it back, it stays
    /// as it is.
    ///
    /// # Errors
    /// [`Error::Fenced`] when the caller is no member any more.
    pub async fn end_own_operation(
        &mut self,
        id: OpId,
        backend: &BackendName,
        epoch: u64,
        error: Option<&OperationError>,
        now: Timestamp,
    ) -> Result<bool> {
        let own = " AND phase = 'running' AND epoch = $6 \
             AND EXISTS (SELECT 1 FROM members WHERE members.backend = $7 AND members.epoch = $6)";
        let ended = ending(format!("{END}{own}"), id, error, now)
            .bind(epoch.cast_signed())
            .bind(backend.to_string())
            .execute(self)
            .await?;
        if ended == 0 {
            self.still_member(backend, epoch).await?;
        }
        Ok(ended > 0)
    }

    /// Puts an operation back, to be claimed again by the same member when its uptime is `due`, and by others once that one
    /// is no member any more. Where it is no longer as this member claimed it, it was put back before, and stays.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn defer_operation(
        &mut self,
        claimed: &Operation,
        epoch: u64,
        why: &OperationError,
        due: Duration,
        now: Timestamp,
    ) -> Result<()> {
        query(
            "UPDATE operations SET phase = 'pending', not_before = $2, error_kind = $3, error_message = $4, \
             updated_at = $5 WHERE id = $1 AND phase = 'running' AND epoch = $6 AND attempts = $7",
        )
        .bind(claimed.id.to_string())
        .bind(micros(due))
        .bind(kind_word(why.kind))
        .bind(&why.message)
        .bind(row::micros(now))
        .bind(epoch.cast_signed())
        .bind(i64::from(claimed.attempts) + 1)
        .execute(self)
        .await?;
        Ok(())
    }

    /// Notes how far a running operation is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn note_progress(&mut self, id: OpId, epoch: u64, percent: u8, now: Timestamp) -> Result<()> {
        query("UPDATE operations SET percent = $2, updated_at = $3 WHERE id = $1 AND phase = 'running' AND epoch = $4")
            .bind(id.to_string())
            .bind(i64::from(percent))
            .bind(row::micros(now))
            .bind(epoch.cast_signed())
            .execute(self)
            .await?;
        Ok(())
    }

    /// One operation.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn operation(&mut self, id: OpId) -> Result<Option<Operation>> {
        let sql = format!("SELECT {COLUMNS} FROM operations WHERE id = $1");
        query(sql).bind(id.to_string()).fetch_optional(self, from_row).await
    }

    /// The whole log, each entry with its place in it. For simulations: on a service in use it is long.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn whole_log(&mut self) -> Result<Vec<(u64, Operation)>> {
        query(format!("SELECT sequence, {COLUMNS} FROM operations ORDER BY sequence"))
            .fetch_all(self, |row| Ok((row::count(row, "sequence")?, from_row(row)?)))
            .await
    }

    /// The operations of a backend that have not ended, oldest first, up to `limit`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open_operations(&mut self, backend: &BackendName, limit: u32) -> Result<Vec<Operation>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM operations WHERE backend = $1 AND phase IN ('pending', 'running') \
             ORDER BY sequence LIMIT $2"
        );
        query(sql).bind(backend.to_string()).bind(i64::from(limit)).fetch_all(self, from_row).await
    }

    /// The ids of all operations of a backend that have not ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open_operation_ids(&mut self, backend: &BackendName) -> Result<BTreeSet<OpId>> {
        let ids = query("SELECT id FROM operations WHERE backend = $1 AND phase IN ('pending', 'running')")
            .bind(backend.to_string())
            .fetch_all(self, |row| row::parsed(row, "id"))
            .await?;
        Ok(ids.into_iter().collect())
    }

    /// Whether an operation is at this thing, or waits to be.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn any_open_on(&mut self, subject_id: &str) -> Result<bool> {
        query("SELECT id FROM operations WHERE subject_id = $1 AND phase IN ('pending', 'running') LIMIT 1")
            .bind(subject_id)
            .fetch_optional(self, |_| Ok(()))
            .await
            .map(|found| found.is_some())
    }

    /// Whether the log has ever known this thing: its id was given by this store then.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ever_logged(&mut self, subject_id: &str) -> Result<bool> {
        query("SELECT id FROM operations WHERE subject_id = $1 LIMIT 1")
            .bind(subject_id)
            .fetch_optional(self, |_| Ok(()))
            .await
            .map(|found| found.is_some())
    }

    /// How many operations there are in each phase, per backend.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn operation_counts(&mut self) -> Result<Vec<(String, String, u64)>> {
        query("SELECT backend, phase, COUNT(*) AS operations FROM operations GROUP BY backend, phase")
            .fetch_all(self, |row| {
                Ok((row::text(row, "backend")?, row::text(row, "phase")?, row::count(row, "operations")?))
            })
            .await
    }

    /// Forgets operations that ended before `before`, so that the log stays bounded.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_operations(&mut self, before: Timestamp) -> Result<u64> {
        let done = query("DELETE FROM operations WHERE phase IN ('done', 'failed') AND updated_at < $1")
            .bind(row::micros(before))
            .execute(self)
            .await?;
        Ok(done)
    }
}

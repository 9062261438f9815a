//! The table `messages`.

use super::{
    engine::{Row, query, row},
    error::Result,
    records::MessageRecord,
    tx::Tx,
};
use jiff::Timestamp;

pub(super) const COLUMNS: &str = "id, project_id, request_id, resource_type, resource_id, event_id, user_message, \
    created_at, expires_at";

pub(super) fn from_row(row: &Row<'_>) -> Result<MessageRecord> {
    Ok(MessageRecord {
        id: row::text(row, "id")?,
        project_id: row::text(row, "project_id")?,
        request_id: row::text(row, "request_id")?,
        resource_type: row::text(row, "resource_type")?,
        resource_id: row::text(row, "resource_id")?,
        event_id: row::text(row, "event_id")?,
        user_message: row::text(row, "user_message")?,
        created_at: row::time(row, "created_at")?,
        expires_at: row::time(row, "expires_at")?,
    })
}

impl Tx {
    /// Adds a message.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn insert_message(&mut self, message: &MessageRecord) -> Result<()> {
        query(
            "INSERT INTO messages (id, project_id, request_id, resource_type, resource_id, event_id, user_message, \
             created_at, expires_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)",
        )
        .bind(&message.id)
        .bind(&message.project_id)
        .bind(&message.request_id)
        .bind(&message.resource_type)
        .bind(&message.resource_id)
        .bind(&message.event_id)
        .bind(&message.user_message)
        .bind(row::micros(message.created_at))
        .bind(row::micros(message.expires_at))
        .run(self)
        .await?;
        Ok(())
    }

    /// One message of a project.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn message(&mut self, project_id: &str, id: &str) -> Result<Option<MessageRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE project_id = $1 AND id = $2");
        query(sql).bind(project_id).bind(id).fetch_optional(self, from_row).await
    }

    /// Removes a message; says whether it was there.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove_message(&mut self, project_id: &str, id: &str) -> Result<bool> {
        let done = query("DELETE FROM messages WHERE project_id = $1 AND id = $2")
            .bind(project_id)
            .bind(id)
            .execute(self)
            .await?;
        Ok(done > 0)
    }

    /// Removes messages that have expired.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove_expired_messages(&mut self, now: Timestamp) -> Result<u64> {
        let done = query("DELETE FROM messages WHERE expires_at < $1").bind(row::micros(now)).execute(self).await?;
        Ok(done)
    }
}

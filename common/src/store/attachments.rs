//! The table `attachments`.

use super::{
    engine::{Row, query, row},
    error::Result,
    records::AttachmentRecord,
    tx::Tx,
};
use crate::{
    driver::AccessMode,
    ids::{AttachmentId, VolumeId},
};

pub(super) const COLUMNS: &str = "id, volume_id, project_id, instance_id, state, mode, connector, connection, \
    mountpoint, created_at, attached_at";

pub(super) fn from_row(row: &Row<'_>) -> Result<AttachmentRecord> {
    Ok(AttachmentRecord {
        id: row::parsed(row, "id")?,
        volume_id: row::parsed(row, "volume_id")?,
        project_id: row::text(row, "project_id")?,
        instance_id: row::text_or_null(row, "instance_id")?,
        state: row::json(row, "state")?,
        mode: if row::text(row, "mode")? == "ro" { AccessMode::ReadOnly } else { AccessMode::ReadWrite },
        connector: row::json_or_null(row, "connector")?,
        connection: row::json_or_null(row, "connection")?,
        mountpoint: row::text_or_null(row, "mountpoint")?,
        created_at: row::time(row, "created_at")?,
        attached_at: row::time_or_null(row, "attached_at")?,
    })
}

fn mode(attachment: &AttachmentRecord) -> &'static str {
    match attachment.mode {
        AccessMode::ReadWrite => "rw",
        AccessMode::ReadOnly => "ro",
    }
}

impl Tx {
    /// Adds an attachment.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn insert_attachment(&mut self, attachment: &AttachmentRecord) -> Result<()> {
        query(
            "INSERT INTO attachments (id, volume_id, project_id, instance_id, state, mode, connector, connection, \
             mountpoint, created_at, attached_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)",
        )
        .bind(attachment.id.to_string())
        .bind(attachment.volume_id.to_string())
        .bind(&attachment.project_id)
        .bind(&attachment.instance_id)
        .bind(row::to_json(&attachment.state))
        .bind(mode(attachment))
        .bind(attachment.connector.as_ref().map(row::to_json))
        .bind(attachment.connection.as_ref().map(row::to_json))
        .bind(&attachment.mountpoint)
        .bind(row::micros(attachment.created_at))
        .bind(attachment.attached_at.map(row::micros))
        .run(self)
        .await?;
        Ok(())
    }

    /// Writes back what may change in an attachment. The volume's status follows with [`Tx::update_volume`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn update_attachment(&mut self, attachment: &AttachmentRecord) -> Result<()> {
        query(
            "UPDATE attachments SET instance_id = $2, state = $3, mode = $4, connector = $5, connection = $6, \
             mountpoint = $7, attached_at = $8 WHERE id = $1",
        )
        .bind(attachment.id.to_string())
        .bind(&attachment.instance_id)
        .bind(row::to_json(&attachment.state))
        .bind(mode(attachment))
        .bind(attachment.connector.as_ref().map(row::to_json))
        .bind(attachment.connection.as_ref().map(row::to_json))
        .bind(&attachment.mountpoint)
        .bind(attachment.attached_at.map(row::micros))
        .run(self)
        .await?;
        Ok(())
    }

    /// Removes an attachment's record.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove_attachment(&mut self, id: AttachmentId) -> Result<()> {
        query("DELETE FROM attachments WHERE id = $1").bind(id.to_string()).execute(self).await?;
        Ok(())
    }

    /// One attachment.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn attachment(&mut self, id: AttachmentId) -> Result<Option<AttachmentRecord>> {
        query(format!("SELECT {COLUMNS} FROM attachments WHERE id = $1"))
            .bind(id.to_string())
            .fetch_optional(self, from_row)
            .await
    }

    /// The attachments of these volumes, oldest first within each volume.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn attachments_of(&mut self, volumes: &[VolumeId]) -> Result<Vec<AttachmentRecord>> {
        let mut found = Vec::new();
        // In slices, since engines bound the number of parameters.
        for slice in volumes.chunks(500) {
            let mut asked = query(format!("SELECT {COLUMNS} FROM attachments WHERE volume_id IN ("));
            asked.push_list(slice.iter().map(VolumeId::to_string)).push(") ORDER BY volume_id, created_at, id");
            found.append(&mut asked.fetch_all(self, from_row).await?);
        }
        Ok(found)
    }
}

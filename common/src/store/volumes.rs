//! The table `volumes`.

use std::sync::LazyLock;

use super::{
    attachments,
    engine::{Row, query, query::columns_of, row},
    error::Result,
    records::{AttachmentRecord, Moment, Place, TypeRecord, VolumeRecord},
    tx::Tx,
    types,
};
use crate::{
    ids::{BackendName, TypeId, VolumeId},
    state::{AttachmentState, Status, VolumeState},
    units::ByteCount,
};
use jiff::Timestamp;

pub(super) const COLUMNS: &str = "id, project_id, user_id, name, description, size_bytes, provisioned_bytes, state, status, \
    backend, pool, availability_zone, type_id, multi_attach, bootable, source_volume_id, source_snapshot_id, image_id, metadata, \
    created_at, updated_at, promised_bytes, promised_moment";

pub(super) fn from_row(row: &Row<'_>) -> Result<VolumeRecord> {
    let (backend, pool) = (row::parsed_or_null(row, "backend")?, row::parsed_or_null(row, "pool")?);
    Ok(VolumeRecord {
        id: row::parsed(row, "id")?,
        project_id: row::text(row, "project_id")?,
        user_id: row::text(row, "user_id")?,
        name: row::text_or_null(row, "name")?,
        description: row::text_or_null(row, "description")?,
        size: row::bytes(row, "size_bytes")?,
        provisioned: row::bytes(row, "provisioned_bytes")?,
        state: row::json(row, "state")?,
        status: row::parsed(row, "status")?,
        place: backend.zip(pool).map(|(backend, pool)| Place { backend, pool }),
        availability_zone: row::text(row, "availability_zone")?,
        type_id: row::parsed_or_null(row, "type_id")?,
        multi_attach: row::flag(row, "multi_attach")?,
        bootable: row::flag(row, "bootable")?,
        source_volume_id: row::parsed_or_null(row, "source_volume_id")?,
        source_snapshot_id: row::parsed_or_null(row, "source_snapshot_id")?,
        image_id: row::parsed_or_null(row, "image_id")?,
        metadata: row::json(row, "metadata")?,
        created_at: row::time(row, "created_at")?,
        updated_at: row::time_or_null(row, "updated_at")?,
        promised: row::bytes(row, "promised_bytes")?,
        promised_moment: Moment::read(row::count(row, "promised_moment")?),
    })
}

/// A volume with what clients are shown beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct WholeVolume {
    /// The volume.
    pub volume: VolumeRecord,
    /// Its type, if it has one.
    pub kind: Option<TypeRecord>,
    /// Its attachments, oldest first.
    pub attachments: Vec<AttachmentRecord>,
}

/// The statement for it: a row an attachment, or one row where there is none.
struct Whole {
    text: String,
    /// Where the columns of the type and of the attachment begin.
    kind: usize,
    attachment: usize,
}

static WHOLE: LazyLock<Whole> = LazyLock::new(|| {
    let columns = [("v", COLUMNS), ("t", types::COLUMNS), ("a", attachments::COLUMNS)];
    let [of_volume, of_type, _] = columns.map(|(_, columns)| columns.split(", ").count());
    let columns = columns.map(|(table, columns)| columns_of(table, columns));
    let text = format!(
        "SELECT {} FROM volumes AS v LEFT JOIN volume_types AS t ON t.id = v.type_id \
         LEFT JOIN attachments AS a ON a.volume_id = v.id WHERE v.id = $1 ORDER BY a.created_at, a.id",
        columns.join(", ")
    );
    Whole { text, kind: of_volume, attachment: of_volume + of_type }
});

impl Whole {
    fn read(&self, row: &Row<'_>) -> Result<(VolumeRecord, Option<TypeRecord>, Option<AttachmentRecord>)> {
        let (kind, attachment) = (row.from(self.kind), row.from(self.attachment));
        let kind = row::is_there(&kind, "id")?.then(|| types::from_row(&kind));
        let attachment = row::is_there(&attachment, "id")?.then(|| attachments::from_row(&attachment));
        Ok((from_row(row)?, kind.transpose()?, attachment.transpose()?))
    }
}

impl Tx {
    /// Adds a volume.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn insert_volume(&mut self, volume: &VolumeRecord) -> Result<()> {
        query(
            "INSERT INTO volumes (id, project_id, user_id, name, description, size_bytes, provisioned_bytes, state, status, \
             backend, pool, availability_zone, type_id, multi_attach, bootable, source_volume_id, source_snapshot_id, \
             image_id, metadata, created_at, updated_at, promised_bytes, promised_moment) \
             VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22, \
             COALESCE($23, (SELECT moment FROM hosts WHERE hosts.backend = $10), 0))",
        )
        .bind(volume.id.to_string())
        .bind(&volume.project_id)
        .bind(&volume.user_id)
        .bind(&volume.name)
        .bind(&volume.description)
        .bind(volume.size.as_i64())
        .bind(volume.provisioned.as_i64())
        .bind(row::to_json(&volume.state))
        .bind(volume.status.as_str())
        .bind(volume.place.as_ref().map(|place| place.backend.to_string()))
        .bind(volume.place.as_ref().map(|place| place.pool.to_string()))
        .bind(&volume.availability_zone)
        .bind(volume.type_id.map(|id| id.to_string()))
        .bind(i64::from(volume.multi_attach))
        .bind(i64::from(volume.bootable))
        .bind(volume.source_volume_id.map(|id| id.to_string()))
        .bind(volume.source_snapshot_id.map(|id| id.to_string()))
        .bind(volume.image_id.map(|id| id.to_string()))
        .bind(row::to_json(&volume.metadata))
        .bind(row::micros(volume.created_at))
        .bind(volume.updated_at.map(row::micros))
        .bind(volume.promised.as_i64())
        .bind(volume.promised_moment.stored())
        .run(self)
        .await?;
        match &volume.place {
            Some(place) => self.count_in(volume.id, place, volume.provisioned).await,
            None => Ok(()),
        }
    }

    /// Writes back what may change in a volume, its status derived anew from its state and attachments. What it counts
    /// for changes with [`Tx::reserve`] only; a volume that no operation makes or grows any more has all its room from now
    /// on, and the next report shows it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn update_volume(&mut self, volume: &mut VolumeRecord, now: Timestamp) -> Result<()> {
        let attachments = match volume.state {
            VolumeState::Available => self.attachments_of(&[volume.id]).await?,
            _ => Vec::new(),
        };
        self.update_volume_with(volume, &attachments, now).await
    }

    /// The same where all of its attachments are known.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn update_volume_with(
        &mut self,
        volume: &mut VolumeRecord,
        attachments: &[AttachmentRecord],
        now: Timestamp,
    ) -> Result<()> {
        let held: Vec<AttachmentState> = attachments.iter().map(|attachment| attachment.state.clone()).collect();
        volume.status = Status::of_volume(&volume.state, &held);
        volume.updated_at = Some(now);
        if volume.promised_moment == Moment::Open && volume.state.op().is_none() {
            volume.promised_moment = Moment::Now;
        }
        query(
            "UPDATE volumes SET name = $2, description = $3, size_bytes = $4, state = $5, status = $6, type_id = $7, \
             multi_attach = $8, bootable = $9, metadata = $10, updated_at = $11, promised_moment = \
             COALESCE($12, (SELECT moment FROM hosts WHERE hosts.backend = volumes.backend), 0) WHERE id = $1",
        )
        .bind(volume.id.to_string())
        .bind(&volume.name)
        .bind(&volume.description)
        .bind(volume.size.as_i64())
        .bind(row::to_json(&volume.state))
        .bind(volume.status.as_str())
        .bind(volume.type_id.map(|id| id.to_string()))
        .bind(i64::from(volume.multi_attach))
        .bind(i64::from(volume.bootable))
        .bind(row::to_json(&volume.metadata))
        .bind(row::micros(now))
        .bind(volume.promised_moment.stored())
        .run(self)
        .await?;
        Ok(())
    }

    /// Removes a volume's record.
    ///
    /// # Errors
    /// When the database does not answer, or attachments or snapshots still name the volume.
    pub async fn remove_volume(&mut self, id: VolumeId) -> Result<()> {
        self.count_out(id).await?;
        query("DELETE FROM volumes WHERE id = $1").bind(id.to_string()).execute(self).await?;
        Ok(())
    }

    /// One volume.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn volume(&mut self, id: VolumeId) -> Result<Option<VolumeRecord>> {
        query(format!("SELECT {COLUMNS} FROM volumes WHERE id = $1"))
            .bind(id.to_string())
            .fetch_optional(self, from_row)
            .await
    }

    /// One volume with its type and its attachments, oldest first; in one statement.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn whole_volume(&mut self, id: VolumeId) -> Result<Option<WholeVolume>> {
        let whole = LazyLock::force(&WHOLE);
        let rows = query(whole.text.as_str()).bind(id.to_string()).fetch_all(self, |row| whole.read(row)).await?;
        let mut rows = rows.into_iter();
        let Some((volume, kind, first)) = rows.next() else { return Ok(None) };
        let others = rows.filter_map(|(_, _, attachment)| attachment);
        Ok(Some(WholeVolume { volume, kind, attachments: first.into_iter().chain(others).collect() }))
    }

    /// All volumes of a backend, for comparing with what the backend holds.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn volumes_on(&mut self, backend: &BackendName) -> Result<Vec<VolumeRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM volumes WHERE backend = $1 ORDER BY id");
        query(sql).bind(backend.to_string()).fetch_all(self, from_row).await
    }

    /// How many volumes are of a type.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn volumes_of_type(&mut self, id: TypeId) -> Result<u64> {
        query("SELECT COUNT(*) AS volumes FROM volumes WHERE type_id = $1")
            .bind(id.to_string())
            .fetch_one(self, |row| row::count(row, "volumes"))
            .await
    }

    /// How many volumes a project has, and their sizes added up.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn volume_totals(&mut self, project_id: &str) -> Result<(u64, ByteCount)> {
        query(
            "SELECT COUNT(*) AS volumes, CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) AS bytes FROM volumes \
             WHERE project_id = $1",
        )
        .bind(project_id)
        .fetch_one(self, |row| Ok((row::count(row, "volumes")?, row::bytes(row, "bytes")?)))
        .await
    }
}

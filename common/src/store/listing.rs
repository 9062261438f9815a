//! Lists as clients ask for them: filtered, sorted and paged in the database.

use super::{
    attachments,
    engine::{Row, query, query::Query, row},
    error::Result,
    messages,
    records::{AttachmentRecord, MessageRecord, SnapshotRecord, VolumeRecord},
    snapshots,
    tx::Tx,
    volumes,
};

/// Which entries, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Of this project; of all where `None`.
    pub project_id: Option<String>,
    /// All of these must hold.
    pub filters: Vec<Filter>,
    /// Most significant first. Age and id, newest first, follow where they are not named.
    pub sort: Vec<Sort>,
    /// Only entries after the one with this id; it must exist.
    pub marker: Option<String>,
    /// Entries to leave out at the beginning.
    pub offset: u32,
    /// At most so many entries.
    pub limit: u32,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// The column has one of these values. Never empty.
    Is(Column, Vec<String>),
    /// The column contains this text.
    Like(Column, String),
    /// The flag is so.
    Flag(Column, bool),
    /// The number is this.
    Number(Column, i64),
    /// The metadata holds this key with this value.
    Metadata(String, String),
    /// The time in this column compares so, in microseconds.
    Time(Column, Compare, i64),
}

/// How a time compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words are the API's own: gt, gte, lt, lte, eq, neq")]
pub enum Compare {
    Gt,
    Gte,
    Lt,
    Lte,
    Eq,
    Neq,
}

/// A column that clients may filter or sort by. The only words that reach the SQL besides parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the column of that name")]
pub enum Column {
    Id,
    Name,
    Description,
    Status,
    SizeBytes,
    AvailabilityZone,
    Bootable,
    MultiAttach,
    Backend,
    TypeId,
    ProjectId,
    UserId,
    VolumeId,
    InstanceId,
    CreatedAt,
    UpdatedAt,
    ResourceId,
    ResourceType,
    EventId,
    RequestId,
    SourceVolumeId,
    SourceSnapshotId,
}

/// A column and a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The column.
    pub column: Column,
    /// Smallest first.
    pub ascending: bool,
}

impl Column {
    const fn sql(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::Description => "description",
            Self::Status => "status",
            Self::SizeBytes => "size_bytes",
            Self::AvailabilityZone => "availability_zone",
            Self::Bootable => "bootable",
            Self::MultiAttach => "multi_attach",
            Self::Backend => "backend",
            Self::TypeId => "type_id",
            Self::ProjectId => "project_id",
            Self::UserId => "user_id",
            Self::VolumeId => "volume_id",
            Self::InstanceId => "instance_id",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::ResourceId => "resource_id",
            Self::ResourceType => "resource_type",
            Self::EventId => "event_id",
            Self::RequestId => "request_id",
            Self::SourceVolumeId => "source_volume_id",
            Self::SourceSnapshotId => "source_snapshot_id",
        }
    }

    /// The column as it is sorted by: absent values as empty ones, so that a marker compares with every row.
    const fn sort_sql(self) -> &'static str {
        match self {
            Self::Name => "COALESCE(name, '')",
            Self::Description => "COALESCE(description, '')",
            Self::Backend => "COALESCE(backend, '')",
            Self::TypeId => "COALESCE(type_id, '')",
            Self::InstanceId => "COALESCE(instance_id, '')",
            Self::UpdatedAt => "COALESCE(updated_at, 0)",
            Self::SourceVolumeId => "COALESCE(source_volume_id, '')",
            Self::SourceSnapshotId => "COALESCE(source_snapshot_id, '')",
            other => other.sql(),
        }
    }
}

impl Compare {
    const fn sql(self) -> &'static str {
        match self {
            Self::Gt => " > ",
            Self::Gte => " >= ",
            Self::Lt => " < ",
            Self::Lte => " <= ",
            Self::Eq => " = ",
            Self::Neq => " <> ",
        }
    }
}

impl Listing {
    fn order(&self) -> Vec<Sort> {
        let mut order = self.sort.clone();
        for column in [Column::CreatedAt, Column::Id] {
            if !order.iter().any(|sort| sort.column == column) {
                order.push(Sort { column, ascending: false });
            }
        }
        order
    }

    fn query(&self, columns: &'static str, table: &'static str) -> Query {
        let mut sql = query("SELECT ");
        sql.push(columns).push(" FROM ").push(table).push(" WHERE 1 = 1");
        self.conditions(&mut sql);
        if let Some(marker) = &self.marker {
            self.after(marker, table, &mut sql);
        }
        sql.push(" ORDER BY ");
        for (index, sort) in self.order().iter().enumerate() {
            sql.push(if index == 0 { "" } else { ", " });
            sql.push(sort.column.sort_sql()).push(if sort.ascending { " ASC" } else { " DESC" });
        }
        sql.push(" LIMIT ").push_bind(i64::from(self.limit)).push(" OFFSET ").push_bind(i64::from(self.offset));
        sql
    }

    fn conditions(&self, sql: &mut Query) {
        if let Some(project) = &self.project_id {
            sql.push(" AND project_id = ").push_bind(project.clone());
        }
        for filter in &self.filters {
            sql.push(" AND ");
            match filter {
                Filter::Is(column, values) => {
                    sql.push(column.sql()).push(" IN (").push_list(values).push(")");
                }
                Filter::Like(column, part) => {
                    let escaped = part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
                    sql.push(column.sql()).push(" LIKE ").push_bind(format!("%{escaped}%")).push(" ESCAPE '\\'");
                }
                Filter::Flag(column, so) => {
                    sql.push(column.sql()).push(" = ").push_bind(i64::from(*so));
                }
                Filter::Number(column, number) => {
                    sql.push(column.sql()).push(" = ").push_bind(*number);
                }
                Filter::Metadata(key, value) => {
                    // Metadata is stored as compact JSON, and a quote inside a text is escaped there: this text stands
                    // in it only as that very entry. REPLACE is what both dialects have and compares case.
                    let entry = format!("{}:{}", row::to_json(key), row::to_json(value));
                    sql.push("REPLACE(metadata, ").push_bind(entry).push(", '') <> metadata");
                }
                Filter::Time(column, compare, micros) => {
                    sql.push(column.sql()).push(compare.sql()).push_bind(*micros);
                }
            }
        }
    }

    /// Rows that come after the marker: greater in the first column, or equal in it and greater in the next, ...
    fn after(&self, marker: &str, table: &'static str, sql: &mut Query) {
        let order = self.order();
        let ascending = order[0].ascending;
        if order.iter().all(|sort| sort.ascending == ascending) {
            // As one comparison an index serves it: the last page of many is as quick as the first.
            sql.push(" AND (");
            columns_of(&order, sql);
            sql.push(if ascending { ") > (SELECT " } else { ") < (SELECT " });
            columns_of(&order, sql);
            sql.push(" FROM ").push(table).push(" WHERE id = ").push_bind(marker.to_owned()).push(")");
            return;
        }
        let of_marker = |sql: &mut Query, column: Column| {
            sql.push("(SELECT ").push(column.sort_sql()).push(" FROM ").push(table).push(" WHERE id = ");
            sql.push_bind(marker.to_owned()).push(")");
        };
        sql.push(" AND (");
        for (index, sort) in order.iter().enumerate() {
            sql.push(if index == 0 { "(" } else { " OR (" });
            for equal in &order[..index] {
                sql.push(equal.column.sort_sql()).push(" = ");
                of_marker(sql, equal.column);
                sql.push(" AND ");
            }
            sql.push(sort.column.sort_sql()).push(if sort.ascending { " > " } else { " < " });
            of_marker(sql, sort.column);
            sql.push(")");
        }
        sql.push(")");
    }

    async fn fetch<T>(
        &self,
        tx: &mut Tx,
        columns: &'static str,
        table: &'static str,
        from_row: fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.query(columns, table).fetch_all(tx, from_row).await
    }

    async fn count(&self, tx: &mut Tx, table: &'static str) -> Result<u64> {
        let mut sql = query("SELECT COUNT(*) AS entries FROM ");
        sql.push(table).push(" WHERE 1 = 1");
        self.conditions(&mut sql);
        sql.fetch_one(tx, |row| row::count(row, "entries")).await
    }
}

fn columns_of(order: &[Sort], sql: &mut Query) {
    for (index, sort) in order.iter().enumerate() {
        sql.push(if index == 0 { "" } else { ", " }).push(sort.column.sort_sql());
    }
}

impl Tx {
    /// Volumes.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_volumes(&mut self, listing: &Listing) -> Result<Vec<VolumeRecord>> {
        listing.fetch(self, volumes::COLUMNS, "volumes", volumes::from_row).await
    }

    /// How many volumes the filters of a listing leave, paging aside.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_volumes(&mut self, listing: &Listing) -> Result<u64> {
        listing.count(self, "volumes").await
    }

    /// Snapshots.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_snapshots(&mut self, listing: &Listing) -> Result<Vec<SnapshotRecord>> {
        listing.fetch(self, snapshots::COLUMNS, "snapshots", snapshots::from_row).await
    }

    /// How many snapshots the filters of a listing leave, paging aside.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_snapshots(&mut self, listing: &Listing) -> Result<u64> {
        listing.count(self, "snapshots").await
    }

    /// Attachments. They have no `status` or `metadata` column.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_attachments(&mut self, listing: &Listing) -> Result<Vec<AttachmentRecord>> {
        listing.fetch(self, attachments::COLUMNS, "attachments", attachments::from_row).await
    }

    /// Messages.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list_messages(&mut self, listing: &Listing) -> Result<Vec<MessageRecord>> {
        listing.fetch(self, messages::COLUMNS, "messages", messages::from_row).await
    }
}

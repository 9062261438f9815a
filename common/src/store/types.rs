//! The table `volume_types`.

use super::{
    engine::{Row, query, row},
    error::Result,
    records::TypeRecord,
    tx::Tx,
};
use crate::ids::TypeId;

pub(super) const COLUMNS: &str = "id, name, description, is_public, extra_specs, created_at, updated_at";

pub(super) fn from_row(row: &Row<'_>) -> Result<TypeRecord> {
    Ok(TypeRecord {
        id: row::parsed(row, "id")?,
        name: row::text(row, "name")?,
        description: row::text_or_null(row, "description")?,
        is_public: row::flag(row, "is_public")?,
        extra_specs: row::json(row, "extra_specs")?,
        created_at: row::time(row, "created_at")?,
        updated_at: row::time_or_null(row, "updated_at")?,
    })
}

impl Tx {
    /// Adds a type.
    ///
    /// # Errors
    /// When the database does not answer, or the name is taken.
    pub async fn insert_type(&mut self, kind: &TypeRecord) -> Result<()> {
        query(
            "INSERT INTO volume_types (id, name, description, is_public, extra_specs, created_at, updated_at) \
             VALUES ($1,$2,$3,$4,$5,$6,$7)",
        )
        .bind(kind.id.to_string())
        .bind(&kind.name)
        .bind(&kind.description)
        .bind(i64::from(kind.is_public))
        .bind(row::to_json(&kind.extra_specs))
        .bind(row::micros(kind.created_at))
        .bind(kind.updated_at.map(row::micros))
        .execute(self)
        .await?;
        Ok(())
    }

    /// Writes back what may change in a type.
    ///
    /// # Errors
    /// When the database does not answer, or the name is taken.
    pub async fn update_type(&mut self, kind: &TypeRecord) -> Result<()> {
        query(
            "UPDATE volume_types SET name = $2, description = $3, is_public = $4, extra_specs = $5, updated_at = $6 \
             WHERE id = $1",
        )
        .bind(kind.id.to_string())
        .bind(&kind.name)
        .bind(&kind.description)
        .bind(i64::from(kind.is_public))
        .bind(row::to_json(&kind.extra_specs))
        .bind(kind.updated_at.map(row::micros))
        .execute(self)
        .await?;
        Ok(())
    }

    /// Removes a type.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove_type(&mut self, id: TypeId) -> Result<()> {
        query("DELETE FROM volume_types WHERE id = $1").bind(id.to_string()).execute(self).await?;
        Ok(())
    }

    /// One type.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn volume_type(&mut self, id: TypeId) -> Result<Option<TypeRecord>> {
        query(format!("SELECT {COLUMNS} FROM volume_types WHERE id = $1"))
            .bind(id.to_string())
            .fetch_optional(self, from_row)
            .await
    }

    /// The type of that name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn volume_type_named(&mut self, name: &str) -> Result<Option<TypeRecord>> {
        query(format!("SELECT {COLUMNS} FROM volume_types WHERE name = $1"))
            .bind(name)
            .fetch_optional(self, from_row)
            .await
    }

    /// Every type, by age. There are never many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn volume_types(&mut self) -> Result<Vec<TypeRecord>> {
        let sql = format!("SELECT {COLUMNS} FROM volume_types ORDER BY created_at DESC, id DESC");
        query(sql).fetch_all(self, from_row).await
    }
}

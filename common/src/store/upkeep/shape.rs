//! The tables as the migrations make them.

use uuid::Uuid;

use crate::store::{
    Location,
    engine::{query, row},
    error::{Error, Result},
    schema,
};

/// What belongs to one store and is not copied: its version, whose turn it is, and the marks of its commits.
const OWN: [&str; 3] = ["schema_changes", "turn", "commits"];

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// It holds numbers; otherwise text.
    pub(super) number: bool,
    /// Part of the primary key.
    pub(super) key: bool,
}

/// The tables of a version: those that others refer to come first.
pub(super) async fn tables(version: i64) -> Result<Vec<Table>> {
    let memory = Location::Memory(format!("shape-{}", Uuid::new_v4().simple()));
    let mut connection = schema::change_to(&memory, version).await?;
    let columns = query(
        "SELECT m.name AS owner, c.name AS name, c.type AS type, c.pk AS key \
         FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table' ORDER BY m.rowid, c.cid",
    );
    let columns = connection.fetch(&columns, |found| {
        let number = match row::text(found, "type")?.as_str() {
            "TEXT" => false,
            "BIGINT" => true,
            other => return Err(Error::Schema(format!("a column has the type {other}, which nobody can copy"))),
        };
        let column = Column { name: row::text(found, "name")?, number, key: row::number(found, "key")? > 0 };
        Ok((row::text(found, "owner")?, column))
    });
    let mut tables: Vec<Table> = Vec::new();
    for (owner, column) in columns.await?.into_iter().filter(|(owner, _)| !OWN.contains(&owner.as_str())) {
        match tables.last_mut().filter(|table| table.name == owner) {
            Some(table) => table.columns.push(column),
            None => tables.push(Table { name: owner, columns: vec![column] }),
        }
    }
    let references = query(
        "SELECT m.name AS name, f.\"table\" AS other FROM sqlite_master AS m, pragma_foreign_key_list(m.name) AS f \
         WHERE m.type = 'table'",
    );
    let references = connection.fetch(&references, |found| Ok((row::text(found, "name")?, row::text(found, "other")?)));
    sorted(tables, &references.await?)
}

/// Puts each table behind those that it refers to.
fn sorted(mut left: Vec<Table>, references: &[(String, String)]) -> Result<Vec<Table>> {
    let mut sorted: Vec<Table> = Vec::new();
    while !left.is_empty() {
        let waits = |table: &Table| {
            references.iter().any(|(name, other)| *name == table.name && left.iter().any(|left| left.name == *other))
        };
        let Some(next) = left.iter().position(|table| !waits(table)) else {
            return Err(Error::Schema("tables refer to each other in a circle".to_owned()));
        };
        sorted.push(left.remove(next));
    }
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::{Table, sorted};

    fn names(tables: &[&str], references: &[(&str, &str)]) -> Option<Vec<String>> {
        let tables = tables.iter().map(|name| Table { name: (*name).to_owned(), columns: Vec::new() }).collect();
        let references: Vec<_> = references.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        sorted(tables, &references).ok().map(|tables| tables.into_iter().map(|table| table.name).collect())
    }

    #[test]
    fn what_others_refer_to_comes_first() {
        assert_eq!(names(&["b", "c", "a"], &[("b", "a"), ("c", "b")]).expect("no circle"), ["a", "b", "c"]);
    }

    #[test]
    fn a_circle_is_refused() {
        assert_eq!(names(&["a", "b"], &[("a", "b"), ("b", "a")]), None);
    }
}

//! What operators do with a store as a whole: look at it, copy it to the other engine, take its schema up and down.
//!
//! Nothing here knows the tables by name. They are read from an empty database in memory that the same migrations made
//! ([`shape`]), so a table that a later version adds is counted and copied without a thought for it.

mod copy;
mod error;
mod rows;
mod shape;
mod status;
mod users;

pub use copy::{Copied, Progress, copy};
pub use error::Error;
pub use status::{Status, TableStatus, status};

use super::{Location, engine::query, schema, tx::Tx};

/// Takes the schema to a version, up or down, while nobody uses the store. Gives the version before.
///
/// # Errors
/// [`Error::InUse`] when somebody does; [`Error::Store`] when the version is not known.
pub async fn change_schema(location: &Location, to: i64) -> Result<i64, Error> {
    let store = opened(location).await?;
    // A view: the first version had no turns on a server.
    let mut tx = store.read().await?;
    users::nobody(location, &mut tx).await?;
    let before = version(&mut tx).await?;
    drop(tx);
    store.close().await;
    schema::change_to(location, to).await?;
    Ok(before)
}

/// The store as it is. One that is missing is not made.
async fn opened(location: &Location) -> Result<super::Store, super::Error> {
    if let Location::File(path) = location {
        let missing =
            |source| super::Error::File { path: path.display().to_string(), source: std::sync::Arc::new(source) };
        path.metadata().map_err(missing)?;
    }
    super::Store::unchecked(location)
}

async fn version(tx: &mut Tx) -> Result<i64, super::Error> {
    let asked = query("SELECT MAX(number) AS number FROM schema_changes");
    let none = |error| match error {
        super::Error::Database(_) => super::Error::Schema(
            "there is none that this program knows; a store of a first version is brought up to date by `ashlar serve`"
                .to_owned(),
        ),
        other => other,
    };
    asked.fetch_one(tx, |row| super::engine::row::number(row, "number")).await.map_err(none)
}

//! A client's side of an attachment.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use ashlar_common::{
    connector::Connectors,
    driver::{ConnectionInfo, OpCtx},
    ids::OpId,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const LIMIT: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(5);

/// A volume that this process reaches.
#[derive(Debug)]
pub struct Reached {
    path: PathBuf,
    connection: ConnectionInfo,
}

/// What clients say of themselves: this machine, under a name of their own.
///
/// # Errors
/// It cannot say who it is.
pub fn connector() -> Result<Value> {
    let mut connector = connectors().properties()?;
    connector.0.insert("host".to_owned(), json!("storm"));
    Ok(Value::Object(connector.0))
}

impl Reached {
    /// Attaches by the words of an attachment's `connection_info`.
    ///
    /// # Errors
    /// It cannot be reached.
    pub fn by(info: &Value) -> Result<Self> {
        let kind = info.get("driver_volume_type").and_then(Value::as_str).context("a connection has a protocol")?;
        let data = info.as_object().context("a connection is an object")?.clone();
        let connection = ConnectionInfo { driver_volume_type: kind.to_owned(), data };
        let attached = wait(async { connectors().attach(&ctx(), &connection).await })??;
        Ok(Self { path: attached.path, connection })
    }

    /// Where its bytes are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lets go of it. What was written is on the volume then.
    ///
    /// # Errors
    /// It is not.
    pub fn leave(self) -> Result<Left> {
        let detached = wait(async { connectors().detach(&ctx(), &self.connection).await })??;
        match detached.unflushed {
            Some(error) => Err(error.into()),
            // Names of the kernel's own devices are given again to others.
            None => Ok(Left(Some(self.path).filter(|_| self.connection.driver_volume_type == "local"))),
        }
    }
}

/// Where a volume was.
#[derive(Debug)]
pub struct Left(Option<PathBuf>);

impl Left {
    /// Its path, if that still leads somewhere, which it must not once the attachment is ended.
    pub fn still_there(&self) -> Option<&Path> {
        self.0.as_deref().filter(|path| path.exists())
    }
}

fn connectors() -> Connectors {
    Connectors::default().patience(PATIENCE)
}

fn ctx() -> OpCtx {
    OpCtx::new(OpId::new(), LIMIT, CancellationToken::new())
}

/// Clients are threads.
fn wait<T>(work: impl Future<Output = T>) -> io::Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work))
}

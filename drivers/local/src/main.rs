//! `ashlar-driver-local`: the host of one backend of files in a directory.

use std::{path::Path, process::ExitCode, sync::Arc};

use ashlar_common::{
    driver::{Driver, DriverInfo, Error, Kind, Result},
    host,
};
use ashlar_driver_local::{Config, LocalDriver};
use async_trait::async_trait;
use serde_json::json;

struct Local;

#[async_trait]
impl host::DriverProgram for Local {
    type Config = Config;

    fn info() -> DriverInfo {
        LocalDriver::identity()
    }

    async fn open(config: Config) -> Result<Arc<dyn Driver>> {
        let opened = tokio::task::spawn_blocking(|| LocalDriver::open(config)).await;
        let driver = opened.map_err(|panic| Error::new(Kind::Fatal, format!("the driver panicked: {panic}")))??;
        Ok(Arc::new(driver))
    }

    fn scratch(directory: &Path) -> Option<Config> {
        serde_json::from_value(json!({ "path": directory })).ok()
    }
}

fn main() -> ExitCode {
    host::main::<Local>()
}

//! `ashlar-driver-lvm`: the host of one backend of logical volumes.

use std::{process::ExitCode, sync::Arc, time::Duration};

use ashlar_common::{
    driver::{Driver, DriverInfo, OpCtx, Result},
    host,
    ids::OpId,
};
use ashlar_driver_lvm::{Config, LvmDriver};
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

/// Opening goes over every volume once, and waits for what a host before this one is still at.
const OPEN_LIMIT: Duration = Duration::from_secs(110);

struct Lvm;

#[async_trait]
impl host::DriverProgram for Lvm {
    type Config = Config;

    fn info() -> DriverInfo {
        LvmDriver::identity()
    }

    async fn open(config: Config) -> Result<Arc<dyn Driver>> {
        let ctx = OpCtx::new(OpId::new(), OPEN_LIMIT, CancellationToken::new());
        Ok(Arc::new(LvmDriver::open(&ctx, config).await?))
    }
}

fn main() -> ExitCode {
    host::main::<Lvm>()
}

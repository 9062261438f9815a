//! A call of the protocol, made on the driver.

use serde::Serialize;
use serde_json::Value;

use super::protocol::Call;
use crate::driver::{Driver, Error, Kind, OpCtx, Result};

/// Makes the call; its answer as it is written.
pub(super) async fn perform(driver: &dyn Driver, ctx: &OpCtx, call: &Call) -> Result<Value> {
    match call {
        Call::Stats {} => written(driver.stats(ctx).await),
        Call::Inspect { volume } => written(driver.inspect(ctx, volume).await),
        Call::InspectSnapshot { snapshot } => written(driver.inspect_snapshot(ctx, snapshot).await),
        Call::List {} => written(driver.list(ctx).await),
        Call::Create { spec } => written(driver.create(ctx, spec).await),
        Call::Delete { volume } => written(driver.delete(ctx, volume).await),
        Call::Extend { volume, size } => written(driver.extend(ctx, volume, *size).await),
        Call::CreateSnapshot { snapshot } => written(driver.create_snapshot(ctx, snapshot).await),
        Call::DeleteSnapshot { snapshot } => written(driver.delete_snapshot(ctx, snapshot).await),
        Call::CreateFromSnapshot { spec, source } => written(driver.create_from_snapshot(ctx, spec, source).await),
        Call::CloneVolume { spec, source } => written(driver.clone_volume(ctx, spec, source).await),
        Call::Attach { volume, attachment } => written(driver.attach(ctx, volume, attachment).await),
        Call::Detach { volume, which } => written(driver.detach(ctx, volume, *which).await),
        Call::CopyImageToVolume { spec, image } => written(driver.copy_image_to_volume(ctx, spec, image).await),
        Call::CopyVolumeToImage { volume, image } => written(driver.copy_volume_to_image(ctx, volume, image).await),
        Call::ExtendAttached { .. }
        | Call::Revert { .. }
        | Call::Foreign { .. }
        | Call::Manage { .. }
        | Call::Unmanage { .. }
        | Call::CreateGroupSnapshot { .. }
        | Call::Limit { .. }
        | Call::Migrate { .. } => perform_optional(driver, ctx, call).await,
    }
}

/// The calls of capabilities.
async fn perform_optional(driver: &dyn Driver, ctx: &OpCtx, call: &Call) -> Result<Value> {
    match call {
        Call::ExtendAttached { volume, size } => {
            written(present(driver.online_extend(), "online_extend")?.extend_attached(ctx, volume, *size).await)
        }
        Call::Revert { snapshot } => written(present(driver.revert(), "revert")?.revert(ctx, snapshot).await),
        Call::Foreign { pool } => written(present(driver.manage(), "manage")?.foreign(ctx, pool).await),
        Call::Manage { spec, name } => written(present(driver.manage(), "manage")?.manage(ctx, spec, name).await),
        Call::Unmanage { volume } => written(present(driver.manage(), "manage")?.unmanage(ctx, volume).await),
        Call::CreateGroupSnapshot { snapshots } => {
            let groups = present(driver.group_snapshots(), "group_snapshots")?;
            written(groups.create_group_snapshot(ctx, snapshots).await)
        }
        Call::Limit { volume, limits } => written(present(driver.qos(), "qos")?.limit(ctx, volume, limits).await),
        Call::Migrate { volume, pool } => {
            written(present(driver.migrate(), "migrate")?.migrate(ctx, volume, pool).await)
        }
        core => Err(Error::new(Kind::Fatal, format!("{core:?} is no call of a capability"))),
    }
}

fn present<'d, T: ?Sized>(capability: Option<&'d T>, name: &str) -> Result<&'d T> {
    let absent = || Error::new(Kind::Unsupported, format!("this driver has no `{name}`"));
    capability.ok_or_else(absent)
}

fn written<T: Serialize>(answer: Result<T>) -> Result<Value> {
    let told = serde_json::to_value(answer?);
    told.map_err(|error| Error::new(Kind::Fatal, format!("the answer cannot be written: {error}")))
}

//! What an operation needs whose end nobody saw: its host died, or a call ended with its outcome unknown.
//!
//! The backend is asked first. Where it shows the effect, the operation is finished from that; else the call is made
//! again, which the contract allows at any time.
//! What each needs, at each point of death, is said once, in [`table`]: the document, this code and the tests are held to it.

#[cfg(test)]
mod page;
pub mod table;

use self::table::Request;
use super::perform::Effect;
use crate::{
    driver::{Driver, OpCtx, Result},
    store::records::Work,
};

/// Whether the backend can show whether the operation took effect.
pub(super) fn can_tell(work: &Work) -> bool {
    Request::of(work).rule().shown.is_some()
}

/// The effect, if the backend shows it already.
pub(super) async fn settled(driver: &dyn Driver, ctx: &OpCtx, work: &Work) -> Result<Option<Effect>> {
    let done = match work {
        Work::CreateVolume { spec }
        | Work::CreateFromSnapshot { spec, .. }
        | Work::CloneVolume { spec, .. }
        | Work::ImageIn { spec, .. } => {
            driver.inspect(ctx, &spec.volume).await?.is_some_and(|volume| volume.size == spec.size)
        }
        Work::DeleteVolume { volume, snapshots } => {
            let mut gone = driver.inspect(ctx, volume).await?.is_none();
            for snapshot in snapshots {
                gone = gone && driver.inspect_snapshot(ctx, snapshot).await?.is_none();
            }
            gone
        }
        Work::ExtendVolume { volume, to, .. } => {
            driver.inspect(ctx, volume).await?.is_some_and(|volume| volume.size >= *to)
        }
        Work::CreateSnapshot { snapshot } => driver.inspect_snapshot(ctx, snapshot).await?.is_some(),
        Work::DeleteSnapshot { snapshot } => driver.inspect_snapshot(ctx, snapshot).await?.is_none(),
        Work::RevertVolume { .. } | Work::ImageOut { .. } | Work::Attach { .. } | Work::Detach { .. } => false,
    };
    Ok(done.then_some(Effect::Done))
}

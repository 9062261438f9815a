//! Volumes that take several steps to make: they bear another name until they are whole.

use std::time::Duration;

use ashlar_common::{
    driver::{OpCtx, context::Stopped},
    units::ByteCount,
};
use tokio_util::sync::CancellationToken;

use crate::{
    backend::Backend,
    error::Error,
    lvm::Lv,
    names::{LvName, Tag},
};

/// How long undoing may take: the call's own time may be over.
const UNDO: Duration = Duration::from_secs(30);

/// Removes what a failed call began, and answers its error, or one that says that something was left.
pub(crate) async fn undo(backend: &Backend, ctx: &OpCtx, name: &LvName, error: Error) -> Error {
    if ctx.check() == Err(Stopped::Lapsed) {
        // The volume group may be another host's by now, who sweeps it.
        return error;
    }
    let after = OpCtx::new(ctx.op(), UNDO, CancellationToken::new());
    let gone = async { backend.lvm.turn(&after).await?.remove(&after, name).await };
    match gone.await {
        Ok(()) => error,
        Err(left) => {
            let reason = ashlar_common::chain::chain(&left);
            tracing::warn!(%name, reason, "what was begun is left until it is asked for again");
            error.midway(format!("making {name}"))
        }
    }
}

/// The volume that is there already, if it is what was asked for.
pub(crate) fn there(lv: &Lv, size: ByteCount, from: Option<&Tag>) -> Result<Lv, Error> {
    let has = lv.tags.iter().find(|tag| tag.is_from());
    if lv.is_ours() && lv.size == size && has == from {
        return Ok(lv.clone());
    }
    let words = |size: ByteCount, from: Option<&Tag>| {
        let from = from.map_or("made empty", Tag::as_str);
        format!("{} bytes, {from}", size.bytes())
    };
    let has = if lv.is_ours() { words(lv.size, has) } else { "no tag of Ashlar's".to_owned() };
    Err(Error::Differs { name: lv.name.to_string(), has, asked: words(size, from) })
}

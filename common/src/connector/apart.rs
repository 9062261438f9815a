//! Calls into the kernel that may hang: on a device whose target is gone, even opening it waits for the target.

use std::{path::Path, time::Duration};

use tokio::{sync::oneshot, time::timeout};

use super::error::Error;
use crate::driver::OpCtx;

/// Runs `work` on a thread of its own and awaits it for at most `limit`, within `ctx`. What hangs stays behind on its
/// thread. Not one of the runtime's: those are waited for when a program ends, however long they hang.
pub(super) async fn apart<T, F>(
    ctx: &OpCtx,
    limit: Duration,
    doing: &'static str,
    path: &Path,
    work: F,
) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    let (tell, told) = oneshot::channel();
    let start = std::thread::Builder::new().name("ashlar-connector".to_owned()).spawn(move || {
        // Nobody may be waiting any more.
        let _ = tell.send(work());
    });
    start.map_err(|source| Error::Io { doing, path: path.into(), source })?;
    match ctx.bounded(timeout(limit, told)).await? {
        Ok(Ok(result)) => result,
        Ok(Err(_panicked)) => {
            Err(Error::Io { doing, path: path.into(), source: std::io::Error::other("the thread panicked") })
        }
        Err(_elapsed) => Err(Error::Slow { doing, path: path.into(), seconds: limit.as_secs() }),
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use tokio_util::sync::CancellationToken;

    use super::apart;
    use crate::{
        driver::{Kind, OpCtx},
        ids::OpId,
    };

    #[tokio::test]
    async fn what_hangs_is_left_behind() {
        let ctx = OpCtx::new(OpId::new(), Duration::from_secs(60), CancellationToken::new());
        let (keep, hang) = std::sync::mpsc::channel::<()>();
        let work = move || {
            let _never = hang.recv();
            Ok(())
        };
        let error = apart(&ctx, Duration::from_millis(10), "open", Path::new("/dev/x"), work).await;
        let error = error.expect_err("it hangs");
        assert_eq!(error.kind(), Kind::Indeterminate);
        assert!(error.to_string().starts_with("open \"/dev/x\" took"), "{error}");
        drop(keep);
    }
}

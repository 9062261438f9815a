//! The bytes of logical volumes.

use std::{ops::Range, path::Path};

use ashlar_common::driver::OpCtx;

use crate::error::Error;

/// Makes a range of bytes read zero.
pub async fn zero(ctx: &OpCtx, device: &Path, range: Range<u64>) -> Result<(), Error> {
    let device = device.to_owned();
    let work = move |ctx: &OpCtx| {
        let fail = |source: std::io::Error| Error::io("zero", source);
        let file = std::fs::OpenOptions::new().write(true).open(&device).map_err(fail)?;
        let zeroes = vec![0; 1 << 20];
        let mut at = range.start;
        while at < range.end {
            ctx.check()?;
            let most = zeroes.len().min(usize::try_from(range.end - at).unwrap_or(usize::MAX));
            at += std::os::unix::fs::FileExt::write_at(&file, &zeroes[..most], at).map_err(fail)? as u64;
        }
        Ok(file.sync_data().map_err(fail)?)
    };
    Ok(ctx.blocking(work).await?)
}

//! How full a thin pool may be for new work.
//!
//! A volume whose pool is full cannot write any more, and a pool whose metadata is full may need repair. So what would
//! need more of either is refused early, and what is there keeps the rest.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use ashlar_common::driver::OpCtx;
use tokio::time::Instant;

use crate::{
    error::Error,
    lvm::{Lvm, Pool},
    names::LvName,
};

/// How long an answer holds: many volumes that are made at once need not all ask.
const FRESH: Duration = Duration::from_millis(1500);

/// From about here on LVM itself makes nothing new in a thin pool: it keeps a quarter of the metadata free, or 4 MiB where
/// that is less.
const LVMS_DATA_MARK: u8 = 95;
const LVMS_METADATA_MARK: u8 = 75;

/// The marks, and when the pool was last found below them.
#[derive(Debug)]
pub struct Fill {
    data_mark: u8,
    metadata_mark: u8,
    low: Mutex<Option<Instant>>,
    /// Held by who asks. The others wait for the answer: thirty-two that each asked took longer than what they came for.
    asking: tokio::sync::Mutex<()>,
}

impl Fill {
    pub(crate) fn new(data_mark: u8, metadata_mark: u8) -> Self {
        Self { data_mark, metadata_mark, low: Mutex::default(), asking: tokio::sync::Mutex::default() }
    }

    /// Asks LVM, unless it was asked a moment ago.
    pub(crate) async fn check(&self, ctx: &OpCtx, lvm: &Lvm, name: &LvName) -> Result<(), Error> {
        if self.is_fresh() {
            return Ok(());
        }
        let asking = ctx.bounded(self.asking.lock()).await;
        let _asking =
            asking.map_err(|source| Error::NotBegun { doing: "looking how full the pool is".to_owned(), source })?;
        if self.is_fresh() {
            return Ok(());
        }
        let asked = Instant::now();
        let Some(pool) = lvm.pool(ctx, name).await? else { return Err(no_pool(lvm, name)) };
        self.judge(&pool)?;
        *self.low.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked);
        Ok(())
    }

    fn is_fresh(&self) -> bool {
        let low = *self.low.lock().unwrap_or_else(PoisonError::into_inner);
        low.is_some_and(|asked| asked.elapsed() < FRESH)
    }

    /// Why LVM refused new work: most often the pool has become full since it was looked at, and LVM's own marks for
    /// that may be lower than the configured ones.
    pub(crate) async fn explain(&self, ctx: &OpCtx, lvm: &Lvm, name: &LvName, error: Error) -> Error {
        if !matches!(error, Error::Refused { .. }) {
            return error;
        }
        *self.low.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let marks = Self::new(self.data_mark.min(LVMS_DATA_MARK), self.metadata_mark.min(LVMS_METADATA_MARK));
        match lvm.pool(ctx, name).await {
            Ok(Some(pool)) => marks.judge(&pool).err().unwrap_or(error),
            Ok(None) | Err(_) => error,
        }
    }

    fn judge(&self, pool: &Pool) -> Result<(), Error> {
        let marks =
            [("data", pool.data_percent, self.data_mark), ("metadata", pool.metadata_percent, self.metadata_mark)];
        for (what, percent, limit) in marks {
            // Not known while the pool is not active: LVM says what is wrong when it is asked for more.
            if let Some(percent) = percent.filter(|percent| *percent >= f64::from(limit)) {
                return Err(Error::PoolFull { pool: pool.name.clone(), what, percent, limit });
            }
        }
        Ok(())
    }
}

/// The configured pool is not there.
pub(crate) fn no_pool(lvm: &Lvm, name: &LvName) -> Error {
    let why = format!("it has no thin pool {name}; `lvs {}` shows what it has", lvm.name());
    Error::Away { vg: lvm.name().clone(), why }
}

#[cfg(test)]
mod tests {
    use ashlar_common::{
        driver::{Classified, Kind},
        units::ByteCount,
    };

    use super::Fill;
    use crate::lvm::Pool;

    fn check(data: Option<f64>, metadata: Option<f64>, refused: bool) {
        let pool = Pool {
            name: "pool".parse().expect("a name"),
            size: ByteCount::ZERO,
            metadata: ByteCount::ZERO,
            data_percent: data,
            metadata_percent: metadata,
            active: true,
            zeroing: true,
            missing: 0,
            health: String::new(),
        };
        let kind = Fill::new(95, 90).judge(&pool).err().map(|error| error.kind());
        assert_eq!(kind, refused.then_some(Kind::OutOfSpace), "{data:?} {metadata:?}");
    }

    #[test]
    fn new_work_is_refused_from_either_mark_on() {
        check(Some(0.0), Some(10.0), false);
        check(Some(94.99), Some(89.99), false);
        check(Some(95.0), Some(10.0), true);
        check(Some(10.0), Some(90.0), true);
        check(None, None, false);
    }
}

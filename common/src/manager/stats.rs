//! Publishing what the backend reports, on a lane of its own: a slow operation never delays it.

use std::time::Duration;

use jiff::SignedDuration;

use super::worker::Worker;
use crate::{
    chain::chain,
    config,
    driver::{Capabilities, OpCtx},
    scheduler::Function,
    stats::BackendStats,
    store::{self, hosts::Asked},
};

/// A report that takes longer says more about the backend than its numbers would.
const REPORT_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two clean-ups of what has ended or expired.
const CLEANUP_INTERVAL: Duration = Duration::from_secs(3600);

/// The functions that the operator gave a backend.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OperatorFunctions {
    /// Which volumes its pools take.
    pub filter: Option<Function>,
    /// How gladly.
    pub goodness: Option<Function>,
}

impl OperatorFunctions {
    /// Those of a section of the configuration.
    #[must_use]
    pub fn of(backend: &config::Backend) -> Self {
        Self { filter: backend.filter_function.clone(), goodness: backend.goodness_function.clone() }
    }

    /// A report in which the operator's functions stand in place of the driver's, as in Cinder.
    fn over(&self, mut stats: BackendStats) -> BackendStats {
        let text = |function: &Option<Function>| function.as_ref().map(|function| function.text().to_owned());
        for pool in &mut stats.pools {
            pool.filter_function = text(&self.filter).or(pool.filter_function.take());
            pool.goodness_function = text(&self.goodness).or(pool.goodness_function.take());
        }
        stats
    }
}

impl Worker {
    /// Reports now and then at each interval, until stopped.
    pub async fn publish_stats(&self) {
        let mut ticks = tokio::time::interval(Duration::from_secs(self.settings.stats_interval_seconds));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            match self.report_once().await {
                Ok(()) => {}
                Err(error @ store::Error::Fenced { .. }) => {
                    tracing::error!(%error, "stopping");
                    return self.stop.cancel();
                }
                Err(error) => tracing::error!(error = chain(&error), "cannot publish a report"),
            }
        }
    }

    /// Asks the driver and stores its answer. When the backend does not answer, only the heartbeat is stored: the last
    /// report ages, and the scheduler leaves the backend out once it is stale.
    ///
    /// # Errors
    /// When the store does not answer, or another host has taken over.
    pub async fn report_once(&self) -> Result<(), store::Error> {
        let asked = self.ask().await?;
        let ctx = OpCtx::new(self.store.id(), REPORT_TIMEOUT, self.stop.child_token()).under(self.lease.clone());
        let report = self.driver.stats(&ctx).await;
        let mut tx = self.store.write().await?;
        tx.still_member(&self.backend, self.epoch).await?;
        let capabilities = Capabilities::of(self.driver.as_ref());
        tx.heartbeat(&self.backend, &self.driver.info(), capabilities, self.store.now()).await?;
        match report {
            Ok(stats) => tx.report_pools(&self.backend, &self.functions.over(stats), asked).await?,
            Err(error) => tracing::warn!(kind = %error.kind(), error = error.chain(), "the backend gives no report"),
        }
        tx.commit().await
    }

    /// Puts the question in order with what others do: the answer shows all that was done before.
    async fn ask(&self) -> Result<Asked, store::Error> {
        let at = self.store.now();
        let mut tx = self.store.write().await?;
        let moment = tx.renew(&self.backend, self.epoch, at).await?;
        tx.commit().await?;
        Ok(Asked { moment, at })
    }

    /// Forgets what ended or expired long ago, now and then at each interval, until stopped.
    pub async fn clean_up(&self) {
        let kept = SignedDuration::from_hours(24 * i64::from(self.settings.keep_operations_days));
        let mut ticks = tokio::time::interval(CLEANUP_INTERVAL);
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let cleaned = async {
                let now = self.store.now();
                let mut tx = self.store.write().await?;
                let operations = tx.forget_operations(now - kept).await?;
                let messages = tx.remove_expired_messages(now).await?;
                tx.forget_commits().await?;
                tx.commit().await.map(|()| (operations, messages))
            };
            match cleaned.await {
                Ok((0, 0)) => {}
                Ok((operations, messages)) => tracing::info!(operations, messages, "forgot what ended long ago"),
                Err(error) => tracing::warn!(error = chain(&error), "cannot forget what ended long ago"),
            }
        }
    }
}

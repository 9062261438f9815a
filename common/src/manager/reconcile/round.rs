//! The host's part: a look when it starts and at each interval, noted in the store, and what the policy says done about it.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use super::{Error, Look, apply};
use crate::{
    chain::chain,
    driver::OpCtx,
    findings::{Decision, Finding, Kind, decide},
    manager::Worker,
    store,
    wakeup::Sleeper,
};

/// A look may take no longer.
pub const TIMEOUT: Duration = Duration::from_secs(300);

/// Since when this host knows of what it found: by its own clock that only goes on, not by the time in records, which other
/// hosts with other clocks wrote.
#[derive(Clone, Debug, Default)]
pub struct Watch(BTreeMap<(Kind, String), Instant>);

/// What a round came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// All that does not fit.
    pub found: Vec<Finding>,
    /// What was mended.
    pub cleaned: usize,
    /// What will be mended if the next look finds it too.
    pub waiting: usize,
}

impl Worker {
    /// Looks, now and then at each interval, until stopped.
    pub async fn reconcile(&self) {
        let mut watch = Watch::default();
        loop {
            let settings = &self.settings.reconcile;
            let pause = match self.reconcile_once(&mut watch).await {
                Ok(round) if round.waiting > 0 => settings.grace().clamp(Duration::from_secs(1), settings.interval()),
                Ok(_) => settings.interval(),
                Err(Error::Store(error @ store::Error::Fenced { .. })) => {
                    tracing::error!(%error, "stopping");
                    return self.stop.cancel();
                }
                Err(error) => {
                    tracing::warn!(backend = %self.backend, error = chain(&error), "records and backend not compared");
                    settings.interval()
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One look, and what follows from it.
    ///
    /// # Errors
    /// When store or backend do not answer, or another host has taken over.
    pub async fn reconcile_once(&self, watch: &mut Watch) -> Result<Round, Error> {
        let ctx = OpCtx::new(self.store.id(), TIMEOUT, self.stop.child_token()).under(self.lease.clone());
        let look = Look {
            store: &self.store,
            driver: self.driver.as_ref(),
            backend: &self.backend,
            images: self.images.as_ref(),
            ctx: &ctx,
        };
        let found = look.findings().await?;
        let found = self.note(found).await?;
        watch.0.retain(|key, _| found.iter().any(|finding| *key == (finding.kind, finding.about.id())));
        let mut round = Round::default();
        for finding in &found {
            match self.decide(watch, finding) {
                Decision::Report => {}
                Decision::Wait => round.waiting += 1,
                Decision::Clean => match apply::apply(&look, apply::By::Host(self.epoch), finding).await? {
                    apply::Applied::Stale => {}
                    applied => {
                        tracing::warn!(kind = %finding.kind, id = finding.about.id(), ?applied, "mended");
                        round.cleaned += 1;
                    }
                },
            }
        }
        self.tell(&found);
        if round.cleaned > 0 {
            self.bell.ring(&Sleeper::Host(self.backend.clone()));
        }
        Ok(Round { found, ..round })
    }

    /// Keeps the findings for people, and adds to each what was known of it before.
    async fn note(&self, found: Vec<Finding>) -> Result<Vec<Finding>, store::Error> {
        let now = self.store.now();
        let mut tx = self.store.write().await?;
        tx.still_member(&self.backend, self.epoch).await?;
        tx.note_findings(&self.backend, &found, now).await?;
        let noted = tx.findings(&self.backend).await?;
        tx.commit().await?;
        Ok(noted.into_iter().map(|noted| noted.finding).collect())
    }

    fn decide(&self, watch: &mut Watch, finding: &Finding) -> Decision {
        let settings = &self.settings.reconcile;
        let key = (finding.kind, finding.about.id());
        let known = watch.0.get(&key).copied();
        let since = known.map_or(Duration::ZERO, |first| first.elapsed());
        watch.0.entry(key).or_insert_with(Instant::now);
        decide(finding, settings.policy(finding.kind), known.is_some(), since, settings.grace())
    }

    fn tell(&self, found: &[Finding]) {
        if found.is_empty() {
            return tracing::info!(backend = %self.backend, "records and backend agree");
        }
        let mut counts = BTreeMap::<Kind, usize>::new();
        for finding in found {
            *counts.entry(finding.kind).or_default() += 1;
        }
        let counts: Vec<String> = counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        tracing::warn!(backend = %self.backend, found = counts.join(", "), "run `ashlar reconcile` to see them");
    }
}

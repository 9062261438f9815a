//! Which hosts an API process has heard of, and when, by its own clock: that of another process may be wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use super::watch::Watch;
use crate::{
    ids::BackendName,
    store::records::{HostRecord, PoolRecord},
};

/// Which hosts were heard of and how old reports are, as this process has seen it by its own clock. One that has just
/// started gives everybody the benefit of the doubt.
#[derive(Clone, Debug, Default)]
pub struct Sightings(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    hosts: Watch<BackendName>,
    reports: Watch<BackendName>,
}

/// How long ago something was heard of a backend.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Silence {
    /// Of its host.
    pub(super) host: Duration,
    /// Since its last report.
    pub(super) report: Duration,
}

impl Sightings {
    /// For how long each host has not been heard of.
    #[must_use]
    pub fn silent(&self, hosts: &[HostRecord], uptime: Duration) -> BTreeMap<BackendName, Duration> {
        let seen = self.see(hosts, &[], uptime);
        seen.into_iter().map(|(backend, silence)| (backend, silence.host)).collect()
    }

    /// Nothing could be seen, since the store does not answer: once it does, everybody has the benefit of the doubt again.
    pub(super) fn blind(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Seen::default();
    }

    /// Takes in what the store says now.
    pub(super) fn see(
        &self,
        hosts: &[HostRecord],
        pools: &[PoolRecord],
        uptime: Duration,
    ) -> BTreeMap<BackendName, Silence> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let there: BTreeSet<_> = hosts.iter().map(|host| &host.backend).collect();
        seen.hosts.keep(|backend| there.contains(backend));
        seen.reports.keep(|backend| there.contains(backend));
        let mut silences = BTreeMap::new();
        for host in hosts {
            let silence: &mut Silence = silences.entry(host.backend.clone()).or_default();
            silence.host = seen.hosts.unchanged(&host.backend, host.moment, uptime);
        }
        // All pools of a backend are reported at once.
        for pool in pools {
            let silence: &mut Silence = silences.entry(pool.backend.clone()).or_default();
            silence.report = seen.reports.unchanged(&pool.backend, pool.moment, uptime);
        }
        silences
    }
}

/// The same by the dates that the hosts have written themselves.
pub(super) fn by_dates(hosts: &[HostRecord], pools: &[PoolRecord], now: Timestamp) -> BTreeMap<BackendName, Silence> {
    let age = |then| Duration::try_from(now.duration_since(then)).unwrap_or(Duration::ZERO);
    let mut silences: BTreeMap<BackendName, Silence> = BTreeMap::new();
    for host in hosts {
        silences.entry(host.backend.clone()).or_default().host = age(host.heartbeat_at);
    }
    for pool in pools {
        silences.entry(pool.backend.clone()).or_default().report = age(pool.reported_at);
    }
    silences
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::Sightings;
    use crate::{driver::Capabilities, store::records::HostRecord};

    #[test]
    fn hosts_are_not_blamed_for_the_time_when_the_store_was_away() {
        let host = HostRecord {
            backend: "b".parse().expect("a name"),
            epoch: 1,
            holder: "machine:1".to_owned(),
            driver: None,
            capabilities: Capabilities::default(),
            volume_backend_name: "b".to_owned(),
            availability_zone: "nova".to_owned(),
            disabled: false,
            disabled_reason: None,
            started_at: Timestamp::UNIX_EPOCH,
            heartbeat_at: Timestamp::UNIX_EPOCH,
            moment: 7,
        };
        let hosts = std::slice::from_ref(&host);
        let silence = |sightings: &Sightings, uptime| {
            sightings.silent(hosts, Duration::from_secs(uptime)).get(&host.backend).copied()
        };
        let sightings = Sightings::default();
        assert_eq!(silence(&sightings, 10), Some(Duration::ZERO));
        assert_eq!(silence(&sightings, 40), Some(Duration::from_secs(30)), "it is silent while others are heard");
        sightings.blind();
        assert_eq!(silence(&sightings, 100), Some(Duration::ZERO), "nobody was heard");
        assert_eq!(silence(&sightings, 130), Some(Duration::from_secs(30)), "and silent it stays");
    }
}

//! What every handler can reach.

use std::{sync::Arc, time::Duration};

use ashlar_common::{
    config::{Config, limits::Limits},
    ids::{BackendName, PoolName},
    manager::Intake,
    store::{Store, records::Place},
};

use super::{admission::Admission, budget::Budget, lack::Lacks, metrics::Metrics};
use crate::http::{self, Connections};

/// What the operator decides about the API.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// The first part of `host@backend#pool`.
    pub host: String,
    /// The name of the volume type of volumes made without one.
    pub default_type: String,
    /// Entries in one answer to a list, at most; clients page through the rest.
    pub page_limit: u32,
    /// What clients may take of this process.
    pub limits: Limits,
    /// How long a request may take. Longer than the intake waits for a host, or its answer is never heard.
    pub request_timeout: Duration,
    /// A host unheard of for longer is down.
    pub host_down_after: Duration,
}

impl ApiSettings {
    /// As the configuration has it.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let attach_timeout = Duration::from_secs(config.api.attach_timeout_seconds);
        Self {
            // A client that waits for a connection must hear from the intake how it ended.
            request_timeout: attach_timeout.saturating_add(Duration::from_secs(60)),
            limits: config.api.limits.clone(),
            host_down_after: Duration::from_secs(config.scheduler.stale_after_seconds),
            ..Self::new(&config.api.host, &config.api.default_volume_type)
        }
    }

    /// The defaults, which are Cinder's where it has them.
    #[must_use]
    pub fn new(host: impl Into<String>, default_type: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            default_type: default_type.into(),
            page_limit: 1000,
            limits: Limits::default(),
            request_timeout: Duration::from_secs(120),
            host_down_after: Duration::from_secs(60),
        }
    }

    /// `host@backend`: a service.
    pub(crate) fn service(&self, backend: &BackendName) -> String {
        format!("{}@{backend}", self.host)
    }

    /// `host@backend#pool`.
    pub(crate) fn pool(&self, backend: &BackendName, pool: &PoolName) -> String {
        format!("{}@{backend}#{pool}", self.host)
    }

    /// `host@backend#pool` of a place.
    pub(crate) fn place(&self, place: &Place) -> String {
        self.pool(&place.backend, &place.pool)
    }
}

/// The state of the API. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct ApiState {
    inner: Arc<Inner>,
}

struct Inner {
    intake: Intake,
    settings: ApiSettings,
    metrics: Metrics,
    connections: Connections,
    admission: Admission,
    bodies: Budget,
    answers: Budget,
    lacks: Lacks,
}

impl ApiState {
    /// The API in front of `intake`.
    #[must_use]
    pub fn new(intake: Intake, settings: ApiSettings) -> Self {
        let inner = Inner {
            metrics: Metrics::new(),
            connections: Connections::new(http::Limits::from(&settings.limits)),
            admission: Admission::new(&settings.limits),
            bodies: Budget::of_mib(settings.limits.body_mib),
            answers: Budget::of_mib(settings.limits.answer_mib),
            lacks: Lacks::default(),
            intake,
            settings,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The connections that requests come by, for who accepts them.
    #[must_use]
    pub fn connections(&self) -> &Connections {
        &self.inner.connections
    }

    pub(crate) fn admission(&self) -> &Admission {
        &self.inner.admission
    }

    /// Memory for bodies of requests.
    pub(crate) fn bodies(&self) -> &Budget {
        &self.inner.bodies
    }

    /// Memory for answers that are not read yet.
    pub(crate) fn answers(&self) -> &Budget {
        &self.inner.answers
    }

    pub(crate) fn lacks(&self) -> &Lacks {
        &self.inner.lacks
    }

    pub(crate) fn intake(&self) -> &Intake {
        &self.inner.intake
    }

    pub(crate) fn store(&self) -> &Store {
        self.inner.intake.store()
    }

    pub(crate) fn settings(&self) -> &ApiSettings {
        &self.inner.settings
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }
}

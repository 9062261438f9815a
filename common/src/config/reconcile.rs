//! `[host.reconcile]`: what a host does where records and backend do not fit together.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::findings::{Kind, Policy};

/// `[host.reconcile]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reconcile {
    /// Between two looks. The first is made when a host starts.
    pub interval_seconds: u64,
    /// A finding is acted upon only when it is still there so long after it was first seen.
    pub grace_seconds: u64,
    /// What to do about each kind of finding; a kind that is not named is reported.
    pub policy: BTreeMap<Kind, Policy>,
}

impl Default for Reconcile {
    fn default() -> Self {
        Self { interval_seconds: 3600, grace_seconds: 900, policy: BTreeMap::new() }
    }
}

impl Reconcile {
    /// What to do about a kind.
    #[must_use]
    pub fn policy(&self, kind: Kind) -> Policy {
        self.policy.get(&kind).copied().unwrap_or(kind.default_policy())
    }

    /// How long a finding has to stay before it is acted upon.
    #[must_use]
    pub fn grace(&self) -> Duration {
        Duration::from_secs(self.grace_seconds)
    }

    /// Between two looks.
    #[must_use]
    pub fn interval(&self) -> Duration {
        Duration::from_secs(self.interval_seconds)
    }

    pub(super) fn complaint(&self) -> Option<(String, String)> {
        let wanted = |kind: &&Kind| self.policy(**kind) == Policy::Clean && kind.cleaned().is_none();
        let kind = Kind::ALL.iter().find(wanted)?;
        let why = "cannot be \"clean\": only people can know what is right there; use \"report\"";
        Some((format!("host.reconcile.policy.{kind}"), why.to_owned()))
    }
}

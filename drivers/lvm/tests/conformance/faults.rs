//! What can happen to a volume group.

use std::{sync::Arc, time::Duration};

use ashlar_conformance::subject::{Outage, Slowness, ThinMetadata};
use ashlar_lab::lvm::VolumeGroup;
use async_trait::async_trait;

/// Breaks a volume group and mends it.
#[derive(Clone, Debug)]
pub(crate) struct Faults(pub(crate) Arc<VolumeGroup>);

impl Faults {
    /// Programs are waited for where that holds up nobody.
    async fn on(&self, what: &'static str, work: impl FnOnce(&VolumeGroup) -> ashlar_lab::Result<()> + Send + 'static) {
        let group = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&group)).await.expect("it ends");
        done.unwrap_or_else(|error| panic!("{what}: {error}: {:?}", std::error::Error::source(&error)));
    }
}

#[async_trait]
impl Outage for Faults {
    async fn begin(&self) {
        self.on("the physical volume fails", VolumeGroup::begin_outage).await;
    }

    async fn end(&self) {
        self.on("the physical volume is well again", VolumeGroup::well_again).await;
    }
}

#[async_trait]
impl Slowness for Faults {
    async fn begin(&self, by: Duration) {
        self.on("the physical volume is slow", move |group| group.slow_down(by)).await;
    }

    async fn end(&self) {
        self.on("the physical volume is quick again", VolumeGroup::well_again).await;
    }
}

#[async_trait]
impl ThinMetadata for Faults {
    async fn fill(&self) {
        self.on("metadata is used up", VolumeGroup::fill_metadata).await;
    }

    async fn release(&self) {
        self.on("metadata is given back", VolumeGroup::release_metadata).await;
    }
}

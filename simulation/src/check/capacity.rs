//! Pools are never promised to more than they hold.

use ashlar_common::{ids::BackendName, store::records::VolumeRecord, units::ByteCount};

use super::Broken;
use crate::{backend::content::Content, observer::View};

pub(crate) fn check<'a>(
    view: &View,
    backends: impl Iterator<Item = (&'a BackendName, &'a Content)>,
    broken: &mut Broken,
) {
    for (name, content) in backends {
        let promised = promised(view, name);
        let limit = limit(content);
        if promised > limit {
            broken.push(format!("{promised} are promised on {name}, which has {limit} to promise"));
        }
    }
}

/// What the volumes of a backend count for.
pub(crate) fn promised(view: &View, backend: &BackendName) -> ByteCount {
    on(view, backend).map(|volume| volume.provisioned).sum()
}

fn on<'a>(view: &'a View, backend: &BackendName) -> impl Iterator<Item = &'a VolumeRecord> {
    view.volumes.iter().filter(move |volume| volume.place.as_ref().is_some_and(|place| place.backend == *backend))
}

/// What may be promised: every byte once that others did not take, or twice the bytes of a thin pool.
pub(crate) fn limit(content: &Content) -> ByteCount {
    if content.plan.thin {
        return content.plan.total.saturating_add(content.plan.total);
    }
    content.plan.total.saturating_sub(content.plan.foreign)
}

/// Whole GiB that a backend at rest still has for a new volume, by what was promised and by what is free.
pub(crate) fn room(view: &View, name: &BackendName, content: &Content) -> u64 {
    let logical = if content.plan.thin {
        limit(content).saturating_sub(promised(view, name))
    } else {
        content.plan.total.saturating_sub(promised(view, name))
    };
    let free = content.free();
    let physical = if content.plan.thin { free.saturating_add(free) } else { free };
    logical.min(physical).bytes() >> 30
}

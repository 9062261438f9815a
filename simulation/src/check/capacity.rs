//! Pools are never promised to more than they hold.

use ashlar_common::{ids::BackendName, state::VolumeState, store::records::VolumeRecord, units::ByteCount};

use super::Broken;
use crate::{backend::content::Content, observer::View};

pub(crate) fn check<'a>(
    view: &View,
    backends: impl Iterator<Item = (&'a BackendName, &'a Content)>,
    broken: &mut Broken,
) {
    if view.counted != view.added_up {
        broken
            .push(format!("pools are counted as {:?}, and their records add up to {:?}", view.counted, view.added_up));
    }
    for (name, content) in backends {
        let (promised, limit) = (promised(view, name), limit(content));
        if promised > limit {
            broken.push(format!("{promised} are promised on {name}, which has {limit} to promise"));
        }
        let (needed, total) = (needed(view, name, content), content.plan.total);
        if !content.plan.thin && needed > total {
            broken
                .push(format!("{name} would need {needed} for what is promised and what others took, and has {total}"));
        }
    }
}

/// The bytes that a thick backend must have. What is being made or grown takes what it was promised; anything else, what it
/// holds: the room of what failed may have been given to others, also while its record is removed.
fn needed(view: &View, name: &BackendName, content: &Content) -> ByteCount {
    let takes = |volume: &VolumeRecord| match volume.state {
        VolumeState::Creating(_) | VolumeState::Downloading(_) | VolumeState::Extending(_) => volume.provisioned,
        _ => content.volumes.get(&volume.id).map_or(ByteCount::ZERO, |held| held.size),
    };
    content.plan.foreign.saturating_add(on(view, name).map(takes).sum())
}

/// What the volumes of a backend count for.
fn promised(view: &View, backend: &BackendName) -> ByteCount {
    on(view, backend).map(|volume| volume.provisioned).sum()
}

fn on<'a>(view: &'a View, backend: &BackendName) -> impl Iterator<Item = &'a VolumeRecord> {
    view.volumes.iter().filter(move |volume| volume.place.as_ref().is_some_and(|place| place.backend == *backend))
}

/// What may be promised: every byte once, or twice the bytes of a thin pool.
fn limit(content: &Content) -> ByteCount {
    let total = content.plan.total;
    if content.plan.thin { total.saturating_add(total) } else { total }
}

/// Whole GiB that a backend at rest still has for a new volume, by what was promised and by what is free.
pub(crate) fn room(view: &View, name: &BackendName, content: &Content) -> u64 {
    let logical = limit(content).saturating_sub(promised(view, name));
    let free = content.free();
    let physical = if content.plan.thin { free.saturating_add(free) } else { free };
    logical.min(physical).bytes() >> 30
}

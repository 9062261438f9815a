//! Growing volumes.

use super::{
    intake::{Intake, Requester, own_volume},
    refusal::{Refusal, Result},
};
use crate::{
    ids::VolumeId,
    scheduler::room,
    state::{Status, VolumeEvent},
    store::records::Work,
    units::ByteCount,
};

impl Intake {
    /// Takes in the growth of a volume. `online_allowed` is whether the client speaks an API version in which a volume
    /// in use may grow; the backend must be able to as well.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub async fn extend_volume(
        &self,
        who: &Requester,
        id: VolumeId,
        size: ByteCount,
        online_allowed: bool,
    ) -> Result<()> {
        let (now, op) = (self.store.now(), self.store.id());
        let mut tx = self.store.write().await?;
        let mut volume = own_volume(&mut tx, who, id).await?;
        if size <= volume.size {
            let why = format!("new size {size} for extend must be greater than current size {}", volume.size);
            return Err(Refusal::Invalid(why));
        }
        let (backend, reference) =
            volume.placed().ok_or_else(|| Refusal::state("volume", id, "was never made on a backend"))?;
        let views = self.views(&mut tx).await?;
        let pool = views.iter().find(|view| view.backend == backend && view.stats.name == reference.pool);
        let attached = match volume.status {
            Status::Available => false,
            Status::InUse if online_allowed && pool.is_some_and(|pool| pool.capabilities.online_extend) => true,
            status => {
                let message =
                    format!("is {status}: it must be available, or in use on a backend that can extend online");
                return Err(Refusal::state("volume", id, message));
            }
        };
        let pool =
            pool.ok_or_else(|| Refusal::Conflict(format!("backend {backend} has not reported yet; try again")))?;
        let added = size.saturating_sub(volume.size);
        room(pool).admit(added).map_err(|shortage| {
            Refusal::NoRoom(format!(
                "no room to extend volume {id} by {added} on {backend}#{}: {shortage}",
                reference.pool
            ))
        })?;
        let event = VolumeEvent::Extend(op);
        volume.state = volume.state.on(&event).map_err(|refused| Refusal::event("volume", id, &refused))?;
        // What was promised to it before adds up until a report shows it.
        let report = tx.report_moment(&backend, &reference.pool).await?;
        let reported = report.is_some_and(|report| volume.promised_moment.is_before(report));
        let promised = if reported { added } else { volume.promised.saturating_add(added) };
        tx.reserve(&mut volume, size, promised).await?;
        let work = Work::ExtendVolume { volume: reference, from: volume.size, to: size, attached };
        tx.update_volume(&mut volume, now).await?;
        self.submit(tx, op, backend, who, work, now).await
    }
}

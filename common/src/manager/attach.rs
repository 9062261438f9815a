//! Attachments, as the attachments API makes them.

use jiff::Timestamp;

use super::{
    intake::{Intake, Requester, own_attachment, own_volume},
    refusal::{Refusal, Result},
};
use crate::{
    driver::{AccessMode, AttachmentSpec, Connector},
    ids::{AttachmentId, BackendName, VolumeId},
    state::{AttachmentEvent, AttachmentState, VolumeState},
    store::{
        self, Tx,
        records::{AttachmentRecord, VolumeRecord, Work},
    },
};

/// An attachment to be made.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the Block Storage API")]
pub struct NewAttachment {
    pub volume: VolumeId,
    pub instance_id: Option<String>,
    pub mode: AccessMode,
    /// With it, the export is made at once; without, the volume is reserved.
    pub connector: Option<Connector>,
}

impl Intake {
    /// Makes an attachment. With a connector, waits for the export.
    ///
    /// # Errors
    /// [`Refusal`]. When the export failed, the attachment is there, in `reserved` or `error_attaching`.
    pub async fn create_attachment(&self, who: &Requester, new: NewAttachment) -> Result<AttachmentRecord> {
        let now = self.store.now();
        let mut tx = self.store.write().await?;
        let mut volume = own_volume(&mut tx, who, new.volume).await?;
        let mut attachment = claim(&mut tx, self.store.id(), who, &volume, AttachmentState::Reserved, now).await?;
        attachment.instance_id = new.instance_id;
        attachment.mode = new.mode;
        tx.insert_attachment(&attachment).await?;
        let Some(connector) = new.connector else {
            tx.update_volume(&mut volume, now).await?;
            self.record(tx).await?;
            return Ok(attachment);
        };
        self.export(tx, who, volume, attachment, connector, now).await
    }

    /// Gives an attachment its connector, and waits for the export.
    ///
    /// # Errors
    /// [`Refusal`]. When the export failed, the attachment stands in `reserved` or `error_attaching`.
    pub async fn connect_attachment(
        &self,
        who: &Requester,
        id: AttachmentId,
        connector: Connector,
    ) -> Result<AttachmentRecord> {
        let now = self.store.now();
        let mut tx = self.store.write().await?;
        let attachment = own_attachment(&mut tx, who, id).await?;
        let volume = own_volume(&mut tx, who, attachment.volume_id).await?;
        self.export(tx, who, volume, attachment, connector, now).await
    }

    /// Notes that the client is connected.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub async fn complete_attachment(&self, who: &Requester, id: AttachmentId) -> Result<()> {
        let now = self.store.now();
        let mut tx = self.store.write().await?;
        let mut attachment = own_attachment(&mut tx, who, id).await?;
        attachment.attached_at = Some(now);
        advance(&mut tx, &mut attachment, &AttachmentEvent::Complete, now).await?;
        self.record(tx).await
    }

    /// Logs the making of an export, commits, and waits for it. The attachment's record must exist.
    pub(super) async fn export(
        &self,
        mut tx: Tx,
        who: &Requester,
        mut volume: VolumeRecord,
        mut attachment: AttachmentRecord,
        connector: Connector,
        now: Timestamp,
    ) -> Result<AttachmentRecord> {
        let op = self.store.id();
        let (backend, reference) = at_rest(&volume)?;
        let event = AttachmentEvent::Export(op);
        let refused = |refused| Refusal::event("attachment", attachment.id, &refused);
        attachment.state = attachment.state.on(&event).map_err(refused)?;
        attachment.connector = Some(connector.clone());
        tx.update_attachment(&attachment).await?;
        tx.update_volume(&mut volume, now).await?;
        let spec = AttachmentSpec { id: attachment.id, connector, mode: attachment.mode };
        self.submit(tx, op, backend, who, Work::Attach { volume: reference, attachment: spec }, now).await?;
        self.wait_for(op).await?;
        let id = attachment.id;
        self.store.look().await?.attachment(id).await?.ok_or_else(|| Refusal::not_found("attachment", id))
    }
}

/// A new attachment of a volume that can take one more. Its record is not inserted yet.
pub(super) async fn claim(
    tx: &mut Tx,
    id: AttachmentId,
    who: &Requester,
    volume: &VolumeRecord,
    state: AttachmentState,
    now: Timestamp,
) -> Result<AttachmentRecord> {
    let (backend, _) = at_rest(volume)?;
    if !tx.attachments_of(&[volume.id]).await?.is_empty() {
        let can = tx.host(&backend).await?.is_some_and(|host| host.capabilities.multi_attach);
        if !(volume.multi_attach && can) {
            let message = format!("is {}: it must be available, or a multiattach volume", volume.status);
            return Err(Refusal::state("volume", volume.id, message));
        }
    }
    Ok(AttachmentRecord {
        id,
        volume_id: volume.id,
        project_id: who.project_id.clone(),
        instance_id: None,
        state,
        mode: AccessMode::ReadWrite,
        connector: None,
        connection: None,
        mountpoint: None,
        created_at: now,
        attached_at: None,
    })
}

/// The volume's place, if no operation is at work on it.
pub(super) fn at_rest(volume: &VolumeRecord) -> Result<(BackendName, crate::driver::VolumeRef)> {
    volume.placed().filter(|_| volume.state == VolumeState::Available).ok_or_else(|| {
        Refusal::state("volume", volume.id, format!("is {}: it must be available or in use", volume.status))
    })
}

/// Moves an attachment on and lets the volume's status follow.
pub(super) async fn advance(
    tx: &mut Tx,
    attachment: &mut AttachmentRecord,
    event: &AttachmentEvent,
    now: Timestamp,
) -> Result<()> {
    attachment.state =
        attachment.state.on(event).map_err(|refused| Refusal::event("attachment", attachment.id, &refused))?;
    Ok(keep(tx, attachment, now).await?)
}

/// Writes an attachment back, or removes its record once it is gone, and lets the volume's status follow.
pub(super) async fn keep(tx: &mut Tx, attachment: &AttachmentRecord, now: Timestamp) -> store::error::Result<()> {
    if attachment.state == AttachmentState::Deleted {
        tx.remove_attachment(attachment.id).await?;
    } else {
        tx.update_attachment(attachment).await?;
    }
    if let Some(mut volume) = tx.volume(attachment.volume_id).await? {
        tx.update_volume(&mut volume, now).await?;
    }
    Ok(())
}

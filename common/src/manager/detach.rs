//! Ending attachments.

use super::{
    attach::advance,
    intake::{Intake, Requester, own_attachment},
    refusal::{Refusal, Result},
};
use crate::{
    ids::AttachmentId,
    state::AttachmentEvent,
    store::{
        Tx,
        records::{AttachmentRecord, Work},
    },
};

impl Intake {
    /// Ends an attachment: the export is removed, then the record. Waits, and answers with the volume's others.
    ///
    /// # Errors
    /// [`Refusal`]. When the backend failed, the attachment is there, in its old state or `error_detaching`.
    pub async fn delete_attachment(&self, who: &Requester, id: AttachmentId) -> Result<Vec<AttachmentRecord>> {
        let mut tx = self.store.write().await?;
        let attachment = own_attachment(&mut tx, who, id).await?;
        let volume = attachment.volume_id;
        self.end(tx, who, attachment).await?;
        Ok(self.store.look().await?.attachments_of(&[volume]).await?)
    }

    /// Ends an attachment in a transaction that has read it, commits, and waits for the backend where it has to act.
    pub(super) async fn end(&self, mut tx: Tx, who: &Requester, mut attachment: AttachmentRecord) -> Result<()> {
        let now = self.store.now();
        // Without a connector, no backend was ever asked for anything.
        if attachment.connector.is_none() && attachment.state.on(&AttachmentEvent::Forget).is_ok() {
            advance(&mut tx, &mut attachment, &AttachmentEvent::Forget, now).await?;
            return self.record(tx).await;
        }
        let volume = tx.volume(attachment.volume_id).await?;
        let (backend, reference) = volume
            .and_then(|volume| volume.placed())
            .ok_or_else(|| Refusal::not_found("volume", attachment.volume_id))?;
        let op = self.store.id();
        advance(&mut tx, &mut attachment, &AttachmentEvent::Remove(op), now).await?;
        self.submit(tx, op, backend, who, Work::Detach { volume: reference, attachment: attachment.id }, now).await?;
        self.wait_for(op).await
    }
}

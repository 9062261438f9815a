//! Attaching the older way, by actions on the volume: reserve, connect, attach; begin, disconnect, detach.
//!
//! Each is a step of the attachment that the newer way would make, so both can be mixed, and no state exists twice.

use super::{
    attach::{advance, claim},
    intake::{Intake, Requester, own_volume},
    refusal::{Refusal, Result},
};
use crate::{
    driver::{AccessMode, ConnectionInfo, Connector},
    ids::{AttachmentId, VolumeId},
    state::{AttachmentEvent, AttachmentState, Status},
    store::{
        Tx,
        records::{AttachmentRecord, VolumeRecord},
    },
};

impl Intake {
    /// `os-reserve`: keeps the volume for one client.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub async fn reserve(&self, who: &Requester, id: VolumeId) -> Result<()> {
        let now = self.store.now();
        let mut tx = self.store.write().await?;
        let mut volume = own_volume(&mut tx, who, id).await?;
        let attachment = claim(&mut tx, self.store.id(), who, &volume, AttachmentState::Claimed, now).await?;
        tx.insert_attachment(&attachment).await?;
        tx.update_volume(&mut volume, now).await?;
        self.record(tx).await
    }

    /// `os-unreserve`: gives up a claim that led to nothing. Without one, nothing happens.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub async fn unreserve(&self, who: &Requester, id: VolumeId) -> Result<()> {
        let mut tx = self.store.write().await?;
        let (_, attachments) = held(&mut tx, who, id).await?;
        match attachments.into_iter().find(|one| one.state == AttachmentState::Claimed) {
            Some(claimed) => self.end(tx, who, claimed).await,
            None => Ok(()),
        }
    }

    /// `os-initialize_connection`: makes the export for a client, and waits for it.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn initialize_connection(
        &self,
        who: &Requester,
        id: VolumeId,
        connector: Connector,
    ) -> Result<ConnectionInfo> {
        let now = self.store.now();
        let mut tx = self.store.write().await?;
        let (volume, attachments) = held(&mut tx, who, id).await?;
        let mine = attachments.into_iter().find(|one| {
            let open =
                matches!(one.state, AttachmentState::Claimed | AttachmentState::Reserved | AttachmentState::Exported);
            open && one.connector.as_ref().is_none_or(|known| same_client(known, &connector))
        });
        let attachment = match mine {
            Some(attachment) => attachment,
            None => {
                let attachment = claim(&mut tx, self.store.id(), who, &volume, AttachmentState::Claimed, now).await?;
                tx.insert_attachment(&attachment).await?;
                attachment
            }
        };
        let attachment = self.export(tx, who, volume, attachment, connector, now).await?;
        attachment.connection.ok_or_else(|| {
            Refusal::Conflict(format!("volume {id} was disconnected while it was being connected; try again"))
        })
    }

    /// `os-attach`: notes that the client is connected.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub async fn attach(
        &self,
        who: &Requester,
        id: VolumeId,
        instance_id: Option<String>,
        host_name: Option<String>,
        mountpoint: Option<String>,
        mode: AccessMode,
    ) -> Result<()> {
        let now = self.store.now();
        let mut tx = self.store.write().await?;
        let (volume, attachments) = held(&mut tx, who, id).await?;
        let open = attachments.into_iter().find(|one| one.state.on(&AttachmentEvent::Complete).is_ok());
        let mut attachment = match open {
            Some(attachment) => attachment,
            None => {
                let attachment = claim(&mut tx, self.store.id(), who, &volume, AttachmentState::Claimed, now).await?;
                tx.insert_attachment(&attachment).await?;
                attachment
            }
        };
        attachment.instance_id = instance_id;
        attachment.mountpoint = mountpoint;
        attachment.mode = mode;
        attachment.attached_at = Some(now);
        if let (None, Some(host)) = (&attachment.connector, host_name) {
            let mut connector = Connector::default();
            connector.0.insert("host".to_owned(), host.into());
            attachment.connector = Some(connector);
        }
        advance(&mut tx, &mut attachment, &AttachmentEvent::Complete, now).await?;
        self.record(tx).await
    }

    /// `os-begin_detaching`: says that the client is about to leave.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub async fn begin_detaching(&self, who: &Requester, id: VolumeId) -> Result<()> {
        self.step(who, id, &AttachmentEvent::BeginLeaving, Status::InUse).await
    }

    /// `os-roll_detaching`: the client stays after all.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub async fn roll_detaching(&self, who: &Requester, id: VolumeId) -> Result<()> {
        self.step(who, id, &AttachmentEvent::Stay, Status::Detaching).await
    }

    /// `os-terminate_connection`: removes the export of a client. Without one, nothing happens.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn terminate_connection(&self, who: &Requester, id: VolumeId, connector: &Connector) -> Result<()> {
        let mut tx = self.store.write().await?;
        let (_, attachments) = held(&mut tx, who, id).await?;
        let mine = attachments.into_iter().find(|one| {
            one.connection.is_some() && one.connector.as_ref().is_some_and(|known| same_client(known, connector))
        });
        match mine {
            Some(attachment) => self.end(tx, who, attachment).await,
            None => Ok(()),
        }
    }

    /// `os-detach`: ends an attachment; which one need not be said where there is but one. Without any, nothing happens.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn detach(&self, who: &Requester, id: VolumeId, attachment: Option<AttachmentId>) -> Result<()> {
        let mut tx = self.store.write().await?;
        let (_, mut attachments) = held(&mut tx, who, id).await?;
        if let Some(wanted) = attachment {
            attachments.retain(|one| one.id == wanted);
        }
        match attachments.len() {
            0 => Ok(()),
            1 => self.end(tx, who, attachments.remove(0)).await,
            several => {
                Err(Refusal::Invalid(format!("volume {id} has {several} attachments: say which by attachment_id")))
            }
        }
    }

    async fn step(&self, who: &Requester, id: VolumeId, event: &AttachmentEvent, needed: Status) -> Result<()> {
        let mut tx = self.store.write().await?;
        let (volume, attachments) = held(&mut tx, who, id).await?;
        let Some(mut attachment) = attachments.into_iter().find(|one| one.state.on(event).is_ok()) else {
            return Err(Refusal::state("volume", id, format!("is {}: it must be {needed}", volume.status)));
        };
        advance(&mut tx, &mut attachment, event, self.store.now()).await?;
        self.record(tx).await
    }
}

async fn held(tx: &mut Tx, who: &Requester, id: VolumeId) -> Result<(VolumeRecord, Vec<AttachmentRecord>)> {
    let volume = own_volume(tx, who, id).await?;
    let attachments = tx.attachments_of(&[id]).await?;
    Ok((volume, attachments))
}

/// The same client, as far as connectors tell: the same host, or where neither names one, the same in all.
fn same_client(one: &Connector, other: &Connector) -> bool {
    match (one.host(), other.host()) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

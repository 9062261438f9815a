//! Attachments: tokens that the backend honours until they are withdrawn.

use ashlar_common::{
    driver::{AccessMode, AttachmentSpec, ConnectionInfo, Detach, Outcome, VolumeRef},
    ids::OpId,
};
use serde_json::{Map, Value};

use super::{
    call::Call,
    error::Error,
    faults::Fault,
    state::Export,
    volumes::{BETWEEN, outcome},
};

/// How many attachments a volume may have where it may have several.
pub(super) const MAX_ATTACHMENTS: u32 = 4;
/// The protocol, and the key of the token in the connection information.
pub(super) const PROTOCOL: &str = "memory";
pub(super) const TOKEN: &str = "token";

impl Call<'_> {
    pub(super) async fn attach(
        &self,
        volume: &VolumeRef,
        wanted: &AttachmentSpec,
    ) -> Result<Outcome<ConnectionInfo>, Error> {
        let max = if self.backend.settings.capable { MAX_ATTACHMENTS } else { 1 };
        let early = self.broken(Fault::AttachmentsAreCountedTooEarly);
        let counted = self.look(|state| Ok(state.exports_of(volume.id).count())).await?;
        if early {
            tokio::time::sleep(BETWEEN).await;
        }
        let exported = self.step("export", |state| {
            state.volume(volume)?;
            if let Some(export) = state.exports.values().find(|export| export.attachment == wanted.id) {
                let conflict = |differs| Error::Conflict { what: format!("attachment {}", wanted.id), differs };
                return match export {
                    export if export.volume != volume.id => Err(conflict("is to another volume")),
                    export if export.mode != wanted.mode => Err(conflict("has the other access mode")),
                    export => Ok((export.clone(), false)),
                };
            }
            let count = if early { counted } else { state.exports_of(volume.id).count() };
            if count >= usize::try_from(max).unwrap_or(usize::MAX) {
                return Err(if max == 1 { Error::Attached(volume.id) } else { Error::TooManyAttachments(volume.id) });
            }
            // Random, so that nobody guesses it, and never given before: an old token stays without effect.
            let token = OpId::new().to_string();
            let (attachment, mode) = (wanted.id, wanted.mode);
            let export = Export { token: token.clone(), attachment, volume: volume.id, mode };
            state.exports.insert(token, export.clone());
            Ok((export, true))
        });
        let (export, changed) = exported.await?;
        Ok(outcome((connection(&export), changed)))
    }

    pub(super) async fn detach(&self, volume: &VolumeRef, which: Detach) -> Result<Outcome<()>, Error> {
        let withdrawn = self.step("withdraw", |state| {
            state.pool(&volume.pool)?;
            let meant = |_: &String, export: &mut Export| match which {
                Detach::One(attachment) => export.volume == volume.id && export.attachment == attachment,
                Detach::All => export.volume == volume.id,
            };
            let ended: Vec<_> = state.exports.extract_if(.., meant).collect();
            let changed = !ended.is_empty();
            if self.broken(Fault::OldTokensOpen) || self.broken(Fault::ExportsStay) {
                state.ended.extend(ended);
            }
            Ok(((), changed))
        });
        Ok(outcome(withdrawn.await?))
    }
}

fn connection(export: &Export) -> ConnectionInfo {
    let mode = match export.mode {
        AccessMode::ReadWrite => "rw",
        AccessMode::ReadOnly => "ro",
    };
    let data = [
        (TOKEN, export.token.clone()),
        ("access_mode", mode.to_owned()),
        ("attachment_id", export.attachment.to_string()),
        ("volume_id", export.volume.to_string()),
    ];
    let data: Map<_, _> = data.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect();
    ConnectionInfo { driver_volume_type: PROTOCOL.to_owned(), data }
}

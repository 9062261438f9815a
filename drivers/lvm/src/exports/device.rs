//! The device-mapper device of an attachment.

use ashlar_common::{driver::OpCtx, ids::AttachmentId};

use crate::{
    dm::{Device, Dm, Linear},
    error::Error,
};

/// How a device ends whose attachment is gone while a program has it open.
const GONE: &str = ".gone";
/// The longest name of a volume group: with what is put around it, a device's name has at most 127 bytes.
const MAX_VG: usize = 60;

/// The devices of one volume group.
#[derive(Clone, Debug)]
pub(super) struct Devices {
    dm: Dm,
    start: String,
}

impl Devices {
    pub(super) fn of(vg: &str) -> Result<Self, Error> {
        if vg.len() > MAX_VG {
            let rule = "its name may have at most 60 bytes, since names of devices are made of it";
            return Err(Error::Setting { key: "volume_group", value: vg.to_owned(), rule });
        }
        Ok(Self { dm: Dm::find()?, start: format!("ashlar-{vg}-") })
    }

    pub(super) fn dm(&self) -> &Dm {
        &self.dm
    }

    pub(super) fn name(&self, attachment: AttachmentId) -> String {
        format!("{}{attachment}", self.start)
    }

    /// What is there under our names: attachments', and those that wait for being closed (`None`).
    pub(super) async fn all(&self, ctx: &OpCtx) -> Result<Vec<(Device, Option<AttachmentId>)>, Error> {
        let found = self.dm.devices(ctx, &self.start).await?;
        let ours = found.into_iter().filter_map(|device| {
            let rest = device.name.strip_prefix(&self.start)?;
            let attachment = rest.parse().ok();
            // Of a volume group whose name goes on after a dash, the rest is no id.
            let gone = rest
                .strip_suffix(GONE)
                .is_some_and(|rest| rest.get(..36).is_some_and(|id| id.parse::<AttachmentId>().is_ok()));
            (attachment.is_some() || gone).then_some((device, attachment))
        });
        Ok(ours.collect())
    }

    /// Makes the device or finds it made; with whether anything was changed.
    pub(super) async fn ensure(
        &self,
        ctx: &OpCtx,
        attachment: AttachmentId,
        linear: &Linear,
    ) -> Result<(Device, bool), Error> {
        let name = self.name(attachment);
        let changed = match self.dm.device(ctx, &name).await? {
            Some(device) if device.on != [linear.on.as_str()] || device.read_only != linear.read_only => {
                self.remove(ctx, attachment).await?;
                self.dm.create(ctx, &name, linear).await?;
                true
            }
            Some(device) if device.sectors != linear.sectors => {
                self.dm.reload(ctx, &name, linear).await?;
                true
            }
            Some(device) if device.suspended => {
                self.dm.resume(ctx, std::slice::from_ref(&name)).await?;
                true
            }
            Some(_) => false,
            None => {
                self.dm.create(ctx, &name, linear).await?;
                true
            }
        };
        // A tool's word is not enough.
        let made = self.dm.device(ctx, &name).await?.filter(|device| {
            device.on == [linear.on.as_str()] && device.sectors == linear.sectors && !device.suspended
        });
        let made = made.ok_or_else(|| Error::Untrue {
            doing: format!("dmsetup create {name}"),
            found: "the device is not there, or otherwise".to_owned(),
        })?;
        self.dm.ensure_node(ctx, &made).await?;
        Ok((made, changed))
    }

    /// Cuts off whoever has the device open, and removes it, at the latest when they close it.
    pub(super) async fn remove(&self, ctx: &OpCtx, attachment: AttachmentId) -> Result<bool, Error> {
        let name = self.name(attachment);
        if self.dm.device(ctx, &name).await?.is_none() {
            return Ok(false);
        }
        if self.dm.remove(ctx, &name).await? {
            if self.dm.device(ctx, &name).await?.is_some() {
                let found = "the device is still there".to_owned();
                return Err(Error::Untrue { doing: format!("dmsetup remove {name}"), found });
            }
            return Ok(true);
        }
        self.dm.fence(ctx, &name).await?;
        // Under another name, so that the same attachment can be made again.
        let mark = ctx.op().to_string();
        let gone = format!("{name}.{}{GONE}", mark.get(..8).unwrap_or_default());
        self.dm.remove_later(ctx, &name, &gone).await?;
        Ok(true)
    }
}

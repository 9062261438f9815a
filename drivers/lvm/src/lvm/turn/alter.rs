//! Volumes that stay, with other tags or another state.

use ashlar_common::{driver::OpCtx, units::ByteCount};

use super::{Done, Turn, unseen};
use crate::{
    error::Error,
    lvm::{command::Command, report::Lv},
    names::{LvName, Tag},
};

impl Turn<'_> {
    /// Changes a volume's tags in one step.
    ///
    /// # Errors
    /// [`Error::NoLv`], and those of every command.
    pub async fn retag(&mut self, ctx: &OpCtx, name: &LvName, add: &[Tag], del: &[Tag]) -> Result<Lv, Error> {
        let command = Command::changes("lvchange").tags("--addtag", add).tags("--deltag", del);
        self.alter(ctx, command, name, "its tags are as they were", |lv| {
            add.iter().all(|tag| lv.tags.contains(tag)) && !del.iter().any(|tag| lv.tags.contains(tag))
        })
        .await
    }

    /// Has the kernel know a volume.
    ///
    /// # Errors
    /// [`Error::NoLv`], and those of every command.
    pub async fn activate(&mut self, ctx: &OpCtx, name: &LvName) -> Result<Lv, Error> {
        let command = Command::changes("lvchange").word("--activate").word("y").word("--ignoreactivationskip");
        self.alter(ctx, command, name, "it is not active", |lv| lv.active).await
    }

    /// Has the kernel forget a volume.
    ///
    /// # Errors
    /// [`Error::NoLv`], and those of every command.
    pub async fn deactivate(&mut self, ctx: &OpCtx, name: &LvName) -> Result<Lv, Error> {
        let command = Command::changes("lvchange").word("--activate").word("n");
        self.alter(ctx, command, name, "it is still active", |lv| !lv.active).await
    }

    /// Has the kernel know all of these volumes. Those that it cannot know are logged.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::NotBegun`].
    pub async fn activate_all(&mut self, ctx: &OpCtx, names: &[LvName]) -> Result<(), Error> {
        // Lines are kept short: the shell takes a bounded number of words.
        for some in names.chunks(32) {
            let command = Command::changes("lvchange").word("--activate").word("y").word("--ignoreactivationskip");
            let command = some.iter().fold(command, |command, name| command.lv(self.lvm.name(), name));
            if let Done::Refused(answer) = self.change(ctx, command).await? {
                tracing::error!(words = answer.words, "not all volumes can be activated");
            }
        }
        Ok(())
    }

    /// Runs a command that alters `name`, and looks whether it `is_so`.
    async fn alter(
        &mut self,
        ctx: &OpCtx,
        command: Command,
        name: &LvName,
        otherwise: &str,
        is_so: impl Fn(&Lv) -> bool + Send,
    ) -> Result<Lv, Error> {
        let command = command.lv(self.lvm.name(), name);
        let doing = command.to_string();
        let done = self.change(ctx, command).await?;
        let lv = self.need(ctx, name).await.map_err(|error| unseen(error, &doing))?;
        if is_so(&lv) { Ok(lv) } else { Err(self.explain(ctx, doing, done, ByteCount::ZERO, otherwise).await) }
    }
}

//! Volumes and thin pools that begin, grow, and go.

use ashlar_common::{
    driver::{OpCtx, Outcome},
    units::ByteCount,
};

use super::{Done, Turn, unseen};
use crate::{
    error::Error,
    lvm::{
        command::Command,
        report::{Lv, Pool},
    },
    names::{LvName, Tag},
};

/// What a snapshot is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// To be kept as it is.
    Kept,
    /// To be written to, as a volume.
    Volume,
}

impl Turn<'_> {
    /// Makes a thick volume. Its bytes are whatever was there before.
    ///
    /// # Errors
    /// [`Error::NoRoom`], [`Error::Differs`] where there is another of that name, and those of every command.
    pub async fn create_thick(
        &mut self,
        ctx: &OpCtx,
        name: &LvName,
        size: ByteCount,
        tags: &[Tag],
    ) -> Result<Lv, Error> {
        // LVM rounds up to whole extents. Signatures are not looked for: all of it is zeroed anyway, before anybody may
        // read it.
        let command = Command::changes("lvcreate").word("--type").word("linear").number("--size", size.bytes(), "b");
        let command = command.name("--name", name).tags("--addtag", tags);
        let command = command.word("--wipesignatures").word("n").word("--zero").word("n").vg(self.lvm.name());
        Ok(self.make(ctx, command, name, tags, size).await?.into_inner())
    }

    /// Makes a thin volume in `pool`; all its bytes read zero. There already with these tags: fine.
    ///
    /// # Errors
    /// [`Error::Differs`] where there is another of that name, and those of every command.
    pub async fn create_thin(
        &mut self,
        ctx: &OpCtx,
        pool: &LvName,
        name: &LvName,
        size: ByteCount,
        tags: &[Tag],
    ) -> Result<Lv, Error> {
        Ok(self.ensure_thin(ctx, pool, name, size, tags).await?.into_inner())
    }

    /// The same, saying whether it was there already.
    ///
    /// # Errors
    /// As [`Turn::create_thin`].
    pub async fn ensure_thin(
        &mut self,
        ctx: &OpCtx,
        pool: &LvName,
        name: &LvName,
        size: ByteCount,
        tags: &[Tag],
    ) -> Result<Outcome<Lv>, Error> {
        let command =
            Command::changes("lvcreate").word("--type").word("thin").number("--virtualsize", size.bytes(), "b");
        let command = command.name("--thinpool", pool).name("--name", name).tags("--addtag", tags);
        let command = command.word("--wipesignatures").word("n").vg(self.lvm.name());
        self.make(ctx, command, name, tags, ByteCount::ZERO).await
    }

    /// Makes a thin pool of `percent` of the free room, with zeroing.
    ///
    /// # Errors
    /// Those of every command.
    pub async fn create_pool(
        &mut self,
        ctx: &OpCtx,
        name: &LvName,
        size: ByteCount,
        metadata: ByteCount,
    ) -> Result<Pool, Error> {
        let command = Command::changes("lvcreate").word("--type").word("thin-pool").number("--size", size.bytes(), "b");
        let command = command.number("--poolmetadatasize", metadata.bytes(), "b").word("--zero").word("y");
        let command = command.name("--name", name).vg(self.lvm.name());
        let doing = command.to_string();
        let done = self.change(ctx, command).await?;
        let found = self.pool(ctx, name).await.map_err(|error| unseen(error, &doing))?;
        match (done, found) {
            (_, Some(pool)) => Ok(pool),
            (done, None) => {
                Err(self.explain(ctx, doing, done, size.saturating_add(metadata), "there is no such pool").await)
            }
        }
    }

    /// Makes a snapshot: of a thin volume by sharing its blocks, of a thick one with room for all its bytes, so that
    /// it cannot overflow. It is not activated where it need not be.
    ///
    /// # Errors
    /// [`Error::NoLv`] without `origin`, [`Error::NoRoom`], and those of every command.
    pub async fn snapshot(&mut self, ctx: &OpCtx, origin: &LvName, name: &LvName, tags: &[Tag]) -> Result<Lv, Error> {
        let origin = self.need(ctx, origin).await?;
        self.snapshot_of(ctx, &origin, name, tags, Use::Kept).await
    }

    /// The same of a volume that was looked at, for keeping or for use as a volume.
    ///
    /// # Errors
    /// As [`Turn::snapshot`].
    pub async fn snapshot_of(
        &mut self,
        ctx: &OpCtx,
        origin: &Lv,
        name: &LvName,
        tags: &[Tag],
        use_: Use,
    ) -> Result<Lv, Error> {
        Ok(self.ensure_snapshot(ctx, origin, name, tags, use_).await?.into_inner())
    }

    /// The same, saying whether it was there already.
    ///
    /// # Errors
    /// As [`Turn::snapshot`].
    pub async fn ensure_snapshot(
        &mut self,
        ctx: &OpCtx,
        origin: &Lv,
        name: &LvName,
        tags: &[Tag],
        use_: Use,
    ) -> Result<Outcome<Lv>, Error> {
        let command = Command::changes("lvcreate").word("--snapshot").name("--name", name).tags("--addtag", tags);
        let command = match (origin.thin, use_) {
            (true, Use::Kept) => command.word("--setactivationskip").word("y").word("--activate").word("n"),
            (true, Use::Volume) => command.word("--setactivationskip").word("n").word("--activate").word("y"),
            (false, _) => command.word("--extents").word("100%ORIGIN"),
        };
        let need = if origin.thin { ByteCount::ZERO } else { origin.extents };
        self.make(ctx, command.lv(self.lvm.name(), &origin.name), name, tags, need).await
    }

    /// Renames a volume. Done already: fine.
    ///
    /// # Errors
    /// [`Error::NoLv`] where there is neither, and those of every command.
    pub async fn rename(&mut self, ctx: &OpCtx, from: &LvName, to: &LvName) -> Result<Lv, Error> {
        let command = Command::changes("lvrename").vg(self.lvm.name()).name("", from).name("", to);
        let doing = command.to_string();
        let done = self.change(ctx, command).await?;
        if matches!(done, Done::Said)
            && let Some(lv) = self.look_one(ctx, to).await.map_err(|error| unseen(error, &doing))?
        {
            return Ok(lv);
        }
        let found = self.look(ctx, &[from, to]).await.map_err(|error| unseen(error, &doing))?;
        let is = |name: &LvName| found.iter().any(|lv| lv.name == *name);
        if is(to) && !is(from) {
            return found.into_iter().next().ok_or_else(|| self.no_lv(to));
        }
        if !is(to) && !is(from) {
            return Err(self.no_lv(from));
        }
        Err(self.explain(ctx, doing, done, ByteCount::ZERO, "the name is as it was").await)
    }

    /// Removes a volume, and deactivates it before. Gone already: fine.
    ///
    /// # Errors
    /// [`Error::InUse`] where somebody has it open, and those of every command.
    pub async fn remove(&mut self, ctx: &OpCtx, name: &LvName) -> Result<(), Error> {
        let command = Command::changes("lvremove").lv(self.lvm.name(), name);
        let doing = command.to_string();
        let done = self.change(ctx, command).await?;
        if !self.is_listed(ctx, &[name]).await.map_err(|error| unseen(error, &doing))? {
            return Ok(());
        }
        let left = self.look_one(ctx, name).await.map_err(|error| unseen(error, &doing))?;
        if left.is_some_and(|left| left.open) {
            let by = "a process of this machine has its device open: see `lsof` or `dmsetup ls --tree`".to_owned();
            return Err(Error::InUse { name: name.to_string(), by });
        }
        Err(self.explain(ctx, doing, done, ByteCount::ZERO, "it is still there").await)
    }

    /// Grows a volume to at least `size`; the size that its tag says stays. Large enough already: fine.
    ///
    /// # Errors
    /// [`Error::NoLv`], [`Error::NoRoom`], and those of every command.
    pub async fn extend(&mut self, ctx: &OpCtx, name: &LvName, size: ByteCount) -> Result<Lv, Error> {
        let is = self.need(ctx, name).await?;
        if is.extents >= size {
            return Ok(is);
        }
        let command = Command::changes("lvextend").number("--size", size.bytes(), "b").lv(self.lvm.name(), name);
        let doing = command.to_string();
        let done = self.change(ctx, command).await?;
        let now = self.need(ctx, name).await.map_err(|error| unseen(error, &doing))?;
        if now.extents >= size {
            return Ok(now);
        }
        let need = if is.thin { ByteCount::ZERO } else { size.saturating_sub(is.extents) };
        Err(self.explain(ctx, doing, done, need, "it is as small as it was").await)
    }

    /// Runs a command that makes `name`, and looks.
    async fn make(
        &mut self,
        ctx: &OpCtx,
        command: Command,
        name: &LvName,
        tags: &[Tag],
        need: ByteCount,
    ) -> Result<Outcome<Lv>, Error> {
        let doing = command.to_string();
        let done = self.change(ctx, command).await?;
        match self.look_one(ctx, name).await.map_err(|error| unseen(error, &doing))? {
            Some(lv) if tags.iter().all(|tag| lv.tags.contains(tag)) => Ok(match done {
                Done::Refused(_) => Outcome::Unchanged(lv),
                Done::Said | Done::Lost(_) => Outcome::Changed(lv),
            }),
            Some(lv) => {
                let join = |tags: &[Tag]| tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(",");
                Err(Error::Differs { name: name.to_string(), has: join(&lv.tags), asked: join(tags) })
            }
            None => Err(self.explain(ctx, doing, done, need, "there is no such volume").await),
        }
    }
}

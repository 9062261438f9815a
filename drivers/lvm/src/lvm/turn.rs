//! Changes of a volume group, one after another.
//!
//! Each command is looked at afterwards: what LVM says of it is one thing, what is there another. So each may also be
//! repeated, and a command whose answer was lost is settled by the look where the shell can be had again.

use ashlar_common::{
    chain::chain,
    driver::{Classified, Kind, OpCtx, Outcome, context::Stopped},
    units::ByteCount,
};

use super::{
    command::Command,
    group::{self, Lvm, group, listed, look, pool, seen, unreadable},
    lane::Held,
    report::{Answer, LV_FIELDS, Lv, Pool, ReportError, Vg},
};
use crate::{
    error::Error,
    names::{LvName, Tag, VgName},
};

/// The right to change the volume group. It ends when this is dropped, or when a call's time is over in the middle of
/// a command: then the command goes on, and nobody else begins before it has ended.
#[derive(Debug)]
pub struct Turn<'a> {
    lvm: &'a Lvm,
    held: Option<Held>,
}

/// What became of a command that changes something.
enum Done {
    /// LVM says so.
    Said,
    /// LVM says that it did not.
    Refused(Answer),
    /// The answer was lost.
    Lost(Error),
}

impl<'a> Turn<'a> {
    pub(super) async fn begin(lvm: &'a Lvm, ctx: &OpCtx, mut held: Held) -> Result<Self, Error> {
        let hurt = held.take_hurt();
        let mut turn = Self { lvm, held: Some(held) };
        if hurt {
            turn.mend(ctx).await?;
        }
        Ok(turn)
    }

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

    /// What there is of these names, in no order.
    ///
    /// # Errors
    /// [`Error::Away`], [`Error::Unanswered`].
    pub async fn look(&mut self, ctx: &OpCtx, names: &[&LvName]) -> Result<Vec<Lv>, Error> {
        self.look_with(ctx, names, None).await
    }

    /// The same, and what has `tag`.
    ///
    /// # Errors
    /// As [`Turn::look`].
    pub async fn look_with(&mut self, ctx: &OpCtx, names: &[&LvName], tag: Option<&Tag>) -> Result<Vec<Lv>, Error> {
        let command = look(self.lvm.name(), names);
        let command = tag.into_iter().fold(command, Command::tagged);
        let doing = command.line().to_owned();
        let answer = self.ask(ctx, command).await?;
        let found = seen(&answer, self.lvm.name(), names).map_err(|source| unreadable(doing, source))?;
        if !answer.done {
            // LVM fails for a volume that is not there, as it does for much else.
            let absent = group::absent(names, &found);
            if !absent.is_empty() && self.is_listed(ctx, &absent).await? {
                return Err(self.away(ctx, &answer).await);
            }
        }
        Ok(found)
    }

    /// All volumes, without LVM's hidden ones.
    ///
    /// # Errors
    /// As [`Turn::look`].
    pub async fn all(&mut self, ctx: &OpCtx) -> Result<Vec<Lv>, Error> {
        let command = Command::reads("lvs").word("--options").word(LV_FIELDS).vg(self.lvm.name());
        let doing = command.line().to_owned();
        let answer = self.ask(ctx, command).await?;
        if !answer.done {
            return Err(self.away(ctx, &answer).await);
        }
        let found = answer.volumes(self.lvm.name()).map_err(|source| unreadable(doing.clone(), source))?;
        if found.is_empty() && self.vg(ctx).await?.volumes > 0 {
            return Err(unreadable(doing, ReportError::Incomplete));
        }
        Ok(found)
    }

    /// The volume of that name; `None` where there is none.
    ///
    /// # Errors
    /// As [`Turn::look`].
    pub async fn look_one(&mut self, ctx: &OpCtx, name: &LvName) -> Result<Option<Lv>, Error> {
        Ok(self.look(ctx, &[name]).await?.into_iter().find(|lv| lv.name == *name))
    }

    async fn need(&mut self, ctx: &OpCtx, name: &LvName) -> Result<Lv, Error> {
        self.look_one(ctx, name).await?.ok_or_else(|| self.no_lv(name))
    }

    /// The volume group's own numbers.
    ///
    /// # Errors
    /// As [`Turn::look`].
    pub async fn vg(&mut self, ctx: &OpCtx) -> Result<Vg, Error> {
        let command = group(self.lvm.name());
        let doing = command.line().to_owned();
        let answer = self.ask(ctx, command).await?;
        match answer.vgs.first().map(Vg::of) {
            Some(vg) => self.lvm.check_used(vg.map_err(|source| unreadable(doing, source))?),
            None => Err(self.lvm.missing(&answer)),
        }
    }

    async fn pool(&mut self, ctx: &OpCtx, name: &LvName) -> Result<Option<Pool>, Error> {
        let command = pool(self.lvm.name(), name);
        let doing = command.line().to_owned();
        let answer = self.ask(ctx, command).await?;
        match answer.lvs.first() {
            Some(row) => Pool::of(row).map_err(|source| unreadable(doing, source)),
            None => Ok(None),
        }
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

    /// Gives LVM a command that changes something. An error means that there is no looking at it now.
    async fn change(&mut self, ctx: &OpCtx, command: Command) -> Result<Done, Error> {
        match self.ask(ctx, command).await {
            Ok(answer) if answer.done => Ok(Done::Said),
            Ok(answer) => Ok(Done::Refused(answer)),
            Err(lost @ Error::Unknown { .. }) if self.held.is_some() && ctx.check().is_ok() => {
                self.mend(ctx).await.map_err(|_| lost_again(&lost))?;
                Ok(Done::Lost(lost))
            }
            Err(error) => Err(error),
        }
    }

    async fn ask(&mut self, ctx: &OpCtx, command: Command) -> Result<Answer, Error> {
        let Some(held) = self.held.take() else {
            let source = ctx.check().err().unwrap_or(Stopped::Deadline);
            return Err(Error::NotBegun { doing: command.line().to_owned(), source });
        };
        let (held, answer) = held.ask(ctx, command).await;
        self.held = held;
        answer
    }

    /// Why what should be so is not.
    async fn explain(&mut self, ctx: &OpCtx, doing: String, done: Done, need: ByteCount, found: &str) -> Error {
        let answer = match done {
            Done::Said => return Error::Untrue { doing, found: found.to_owned() },
            Done::Lost(error) => return error,
            Done::Refused(answer) => answer,
        };
        match self.vg(ctx).await {
            Ok(vg) if vg.missing > 0 => self.lvm.not_whole(vg.missing),
            Ok(vg) if need > vg.free => Error::NoRoom { vg: self.lvm.name().clone(), need, free: vg.free },
            Ok(_) => Error::Refused { doing, words: answer.words },
            Err(error) => error,
        }
    }

    async fn away(&mut self, ctx: &OpCtx, answer: &Answer) -> Error {
        match self.vg(ctx).await {
            Ok(vg) if vg.missing > 0 => self.lvm.not_whole(vg.missing),
            Ok(_) => Error::Away { vg: self.lvm.name().clone(), why: answer.words.clone() },
            Err(error) => error,
        }
    }

    /// Whether there is any of these names.
    async fn is_listed(&mut self, ctx: &OpCtx, names: &[&LvName]) -> Result<bool, Error> {
        let answer = self.ask(ctx, listed(self.lvm.name(), names)).await?;
        if answer.done { Ok(!answer.lvs.is_empty()) } else { Err(self.away(ctx, &answer).await) }
    }

    /// Resumes what a killed LVM left suspended, and returns all volumes.
    ///
    /// # Errors
    /// As [`Turn::look`].
    pub async fn mend(&mut self, ctx: &OpCtx) -> Result<Vec<Lv>, Error> {
        let vg: VgName = self.lvm.name().clone();
        let mut all = self.all(ctx).await?;
        for lv in all.iter_mut().filter(|lv| lv.suspended) {
            tracing::warn!(volume = %lv.name, "LVM left it suspended: it is resumed");
            let command = Command::changes("lvchange").word("--refresh").lv(&vg, &lv.name);
            lv.suspended = !self.ask(ctx, command).await?.done;
        }
        Ok(all)
    }

    fn no_lv(&self, name: &LvName) -> Error {
        Error::NoLv { vg: self.lvm.name().clone(), name: name.clone() }
    }
}

/// What a snapshot is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// To be kept as it is.
    Kept,
    /// To be written to, as a volume.
    Volume,
}

/// What was given to LVM is done or not: nobody could look.
fn unseen(error: Error, doing: &str) -> Error {
    if error.kind() == Kind::Unavailable { error.midway(doing) } else { error }
}

fn lost_again(lost: &Error) -> Error {
    let text = chain(lost);
    Error::Other { kind: Kind::Indeterminate, text }
}

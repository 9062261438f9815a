//! What is there, as who may change it sees it: nothing changes behind it.

use ashlar_common::driver::OpCtx;

use super::Turn;
use crate::{
    error::Error,
    lvm::{
        command::Command,
        queries,
        report::{Answer, Lv, Pool, ReportError, Vg},
    },
    names::{LvName, Tag},
};

impl Turn<'_> {
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
        let command = queries::look(self.lvm.name(), names);
        let command = tag.into_iter().fold(command, Command::tagged);
        let doing = command.line().to_owned();
        let answer = self.ask(ctx, command).await?;
        let found =
            queries::seen(&answer, self.lvm.name(), names).map_err(|source| queries::unreadable(doing, source))?;
        if !answer.done {
            // LVM fails for a volume that is not there, as it does for much else.
            let absent = queries::absent(names, &found);
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
        let command = queries::all(self.lvm.name());
        let doing = command.line().to_owned();
        let answer = self.ask(ctx, command).await?;
        if !answer.done {
            return Err(self.away(ctx, &answer).await);
        }
        let found = answer.volumes(self.lvm.name()).map_err(|source| queries::unreadable(doing.clone(), source))?;
        if found.is_empty() && self.vg(ctx).await?.volumes > 0 {
            return Err(queries::unreadable(doing, ReportError::Incomplete));
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

    pub(super) async fn need(&mut self, ctx: &OpCtx, name: &LvName) -> Result<Lv, Error> {
        self.look_one(ctx, name).await?.ok_or_else(|| self.no_lv(name))
    }

    /// The volume group's own numbers.
    ///
    /// # Errors
    /// As [`Turn::look`].
    pub async fn vg(&mut self, ctx: &OpCtx) -> Result<Vg, Error> {
        let command = queries::group(self.lvm.name());
        let doing = command.line().to_owned();
        let answer = self.ask(ctx, command).await?;
        match answer.vgs.first().map(Vg::of) {
            Some(vg) => self.lvm.check_used(vg.map_err(|source| queries::unreadable(doing, source))?),
            None => Err(self.lvm.missing(&answer)),
        }
    }

    pub(super) async fn pool(&mut self, ctx: &OpCtx, name: &LvName) -> Result<Option<Pool>, Error> {
        let command = queries::pool(self.lvm.name(), name);
        let doing = command.line().to_owned();
        let answer = self.ask(ctx, command).await?;
        match answer.lvs.first() {
            Some(row) => Pool::of(row).map_err(|source| queries::unreadable(doing, source)),
            None => Ok(None),
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
    pub(super) async fn is_listed(&mut self, ctx: &OpCtx, names: &[&LvName]) -> Result<bool, Error> {
        let answer = self.ask(ctx, queries::listed(self.lvm.name(), names)).await?;
        if answer.done { Ok(!answer.lvs.is_empty()) } else { Err(self.away(ctx, &answer).await) }
    }
}

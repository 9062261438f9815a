//! Changes of a volume group, one after another.
//!
//! Each command is looked at afterwards: what LVM says of it is one thing, what is there another. So each may also be
//! repeated, and a command whose answer was lost is settled by the look where the shell can be had again.

mod alter;
mod look;
mod make;

use ashlar_common::{
    chain::chain,
    driver::{Classified, Kind, OpCtx, context::Stopped},
    units::ByteCount,
};

use super::{
    command::Command,
    group::Lvm,
    lane::Held,
    report::{Answer, Lv},
};
use crate::{
    error::Error,
    names::{LvName, VgName},
};

pub use make::Use;

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

/// What was given to LVM is done or not: nobody could look.
fn unseen(error: Error, doing: &str) -> Error {
    if error.kind() == Kind::Unavailable { error.midway(doing) } else { error }
}

fn lost_again(lost: &Error) -> Error {
    let text = chain(lost);
    Error::Other { kind: Kind::Indeterminate, text }
}

//! Snapshots of several volumes at one instant.
//!
//! The writes of all attachments wait while the snapshots are made, so that they are of one instant for whoever writes
//! through Ashlar. Each snapshot has a tag that hides it; one tag on the first of them says that all are there. It is
//! set in one step, so that all of them count from then on or none: what a crash leaves before is removed, after is
//! shown.

use ashlar_common::driver::{OpCtx, Outcome, Snapshot, SnapshotRef};

use crate::{
    backend::Backend,
    error::Error,
    locks::{Hold, Key},
    lvm::{Lv, Turn, Use},
    names::{LvName, Tag},
    snapshots::{GROUP, snapshot, snapshot_tags, there},
    volumes::{hidden, need},
};

/// All of a group are there.
const WHOLE: &str = "whole";

/// The contract's `create_group_snapshot`, of thin volumes.
pub(crate) async fn create(
    backend: &Backend,
    ctx: &OpCtx,
    all: &[SnapshotRef],
) -> Result<Outcome<Vec<Snapshot>>, Error> {
    let Some(first) = all.first() else { return Ok(Outcome::Unchanged(Vec::new())) };
    backend.serve(ctx).await?;
    let volumes = all.iter().map(|one| (Key::Volume(one.volume.id), Hold::Alone));
    let snapshots = all.iter().map(|one| (Key::Snapshot(one.id), Hold::Alone));
    let _locked = backend.locks.lock(ctx, volumes.chain(snapshots)).await?;
    if let Some(found) = already(backend, ctx, all).await? {
        return Ok(Outcome::Unchanged(found));
    }
    backend.check_fill(ctx).await?;
    let mut turn = backend.lvm.turn(ctx).await?;
    let mut origins = Vec::new();
    for one in all {
        origins.push(need(&mut turn, ctx, one.volume.id).await?);
    }
    let intent = words(&[GROUP, &first.id.to_string()])?;
    let ids: Vec<_> = all.iter().map(|one| one.volume.id).collect();
    let hold = backend.exports().await.hold(ctx, &ids).await?;
    let made = make(&mut turn, ctx, all, &origins, &intent).await;
    let released = hold.release().await;
    let made = match made.and_then(|made| released.map(|()| made)) {
        Ok(made) => made,
        Err(error) => {
            drop(turn);
            return Err(undo(backend, ctx, all, error).await);
        }
    };
    let midway = |error: Error| error.midway("a group of snapshots");
    show(&mut turn, ctx, &made, &intent).await.map_err(midway)?;
    Ok(Outcome::Changed(all.iter().zip(&made).map(|(one, lv)| snapshot(one.clone(), lv)).collect()))
}

async fn already(backend: &Backend, ctx: &OpCtx, all: &[SnapshotRef]) -> Result<Option<Vec<Snapshot>>, Error> {
    let names: Vec<_> = all.iter().map(|one| LvName::snapshot(one.id)).collect();
    let found = backend.lvm.look(ctx, &names.iter().collect::<Vec<_>>()).await?;
    if found.is_empty() {
        return Ok(None);
    }
    let mut shown = Vec::new();
    for (one, name) in all.iter().zip(&names) {
        match found.iter().find(|lv| lv.name == *name) {
            Some(lv) if !hidden(lv) => shown.push(snapshot(one.clone(), &there(lv, one)?)),
            _ => {}
        }
    }
    if shown.len() == all.len() {
        return Ok(Some(shown));
    }
    // What an earlier try left, whether it came to the word that all are there or not.
    let mut turn = backend.lvm.turn(ctx).await?;
    if shown.is_empty() {
        finish(&mut turn, ctx, &found).await?;
        let left = turn.look(ctx, &names.iter().collect::<Vec<_>>()).await?;
        return match left.len() {
            0 => Ok(None),
            many if many == all.len() => all
                .iter()
                .map(|one| {
                    let lv = left.iter().find(|lv| lv.name == LvName::snapshot(one.id));
                    lv.map(|lv| snapshot(one.clone(), lv)).ok_or(Error::NoSnapshot(one.id))
                })
                .collect::<Result<_, _>>()
                .map(Some),
            _ => Err(differs(all.len(), left.len())),
        };
    }
    Err(differs(all.len(), shown.len()))
}

fn differs(asked: usize, has: usize) -> Error {
    let (has, asked) = (format!("{has} of its snapshots"), format!("{asked} new ones"));
    Error::Differs { name: "the group".to_owned(), has, asked }
}

async fn make(
    turn: &mut Turn<'_>,
    ctx: &OpCtx,
    all: &[SnapshotRef],
    origins: &[Lv],
    intent: &Tag,
) -> Result<Vec<Lv>, Error> {
    let mut made = Vec::new();
    for (one, origin) in all.iter().zip(origins) {
        let mut tags = snapshot_tags(one, origin.size);
        tags.push(intent.clone());
        let name = LvName::snapshot(one.id);
        made.push(turn.snapshot_of(ctx, origin, &name, &tags, Use::Kept).await?);
    }
    Ok(made)
}

async fn undo(backend: &Backend, ctx: &OpCtx, all: &[SnapshotRef], error: Error) -> Error {
    let undone = async {
        let mut turn = backend.lvm.turn(ctx).await?;
        for one in all {
            turn.remove(ctx, &LvName::snapshot(one.id)).await?;
        }
        Ok::<_, Error>(())
    };
    match undone.await {
        Ok(()) => error,
        Err(_) => error.midway("a group of snapshots"),
    }
}

/// Says that all are there, and then takes the tags off; the first, which says it, last.
async fn show(turn: &mut Turn<'_>, ctx: &OpCtx, made: &[Lv], intent: &Tag) -> Result<(), Error> {
    let Some((first, others)) = made.split_first() else { return Ok(()) };
    let whole: Tag = format!("{intent}.{WHOLE}").parse().map_err(|_| Error::Damaged("a word is no tag".to_owned()))?;
    let hides = std::slice::from_ref(intent);
    turn.retag(ctx, &first.name, std::slice::from_ref(&whole), hides).await?;
    for lv in others {
        turn.retag(ctx, &lv.name, &[], hides).await?;
    }
    turn.retag(ctx, &first.name, &[], &[whole]).await?;
    Ok(())
}

/// Shows the groups that are whole, and removes what there is of the others.
pub(crate) async fn finish(turn: &mut Turn<'_>, ctx: &OpCtx, found: &[Lv]) -> Result<(), Error> {
    for lv in found.iter().filter(|lv| lv.is_ours() && hidden(lv)) {
        let Some(tag) = lv.tags.iter().find(|tag| tag.as_intent().is_some()) else { continue };
        let group = tag.as_str().trim_end_matches(WHOLE).trim_end_matches('.');
        let whole = format!("{group}.{WHOLE}");
        let is_whole = found.iter().flat_map(|lv| &lv.tags).any(|tag| tag.as_str() == whole);
        if !is_whole {
            turn.remove(ctx, &lv.name).await?;
        } else if tag.as_str() != whole {
            turn.retag(ctx, &lv.name, &[], std::slice::from_ref(tag)).await?;
        }
    }
    for lv in found.iter().filter(|lv| lv.is_ours() && hidden(lv)) {
        let said = lv.tags.iter().find(|tag| tag.as_str().ends_with(WHOLE));
        if let Some(said) = said {
            turn.retag(ctx, &lv.name, &[], std::slice::from_ref(said)).await?;
        }
    }
    Ok(())
}

fn words(parts: &[&str]) -> Result<Tag, Error> {
    Tag::intent(&parts.join(".")).ok_or_else(|| Error::Damaged("a word is no tag".to_owned()))
}

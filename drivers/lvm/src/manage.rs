//! Volumes that were there before Ashlar, and those that it lets go of.

use ashlar_common::{
    driver::{OpCtx, Outcome, VolumeSpec, capability::Foreign},
    ids::VolumeId,
};

use crate::{
    backend::{Backend, Kind, volume_tags},
    error::Error,
    locks::{Hold, Key},
    lvm::Lv,
    names::{LvName, Tag},
    volumes::check_no_snapshots,
};

/// The intent of a volume that is being taken over.
const MANAGE: &str = "manage";

/// The contract's `foreign`.
pub(crate) async fn foreign(backend: &Backend, ctx: &OpCtx) -> Result<Vec<Foreign>, Error> {
    let found = backend.lvm.lvs(ctx).await?;
    let pool = match &backend.kind {
        Kind::Thin(pool) => Some(pool),
        Kind::Thick => None,
    };
    let theirs = found.iter().filter(|lv| !is_ours(lv) && pool != Some(&lv.name));
    let mut foreign: Vec<_> = theirs
        .map(|lv| Foreign {
            name: lv.name.to_string(),
            size: lv.extents,
            refused: refused(backend, lv).or_else(|| needed(&found, lv)).map(|error| error.to_string()),
        })
        .collect();
    foreign.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(foreign)
}

/// Ours is what has both our name and our tag.
fn is_ours(lv: &Lv) -> bool {
    lv.is_ours() && lv.name.ours().is_some()
}

/// Why it cannot be taken over.
fn refused(backend: &Backend, lv: &Lv) -> Option<Error> {
    let unsupported = |why: &str| Some(Error::Unsupported(format!("{} cannot be taken over: {why}", lv.name)));
    if !lv.plain || lv.thick_snapshot {
        return unsupported("it is no plain volume, but a snapshot, a pool, or a part of another");
    }
    match &backend.kind {
        Kind::Thin(pool) if lv.pool.as_ref() != Some(pool) => return unsupported("it is not in the thin pool"),
        Kind::Thick if lv.thin => return unsupported("it is thin, and this backend is thick"),
        Kind::Thin(_) | Kind::Thick => {}
    }
    if lv.read_only {
        return unsupported("it is read-only: see `lvchange --permission rw`");
    }
    if !lv.health.is_empty() {
        return unsupported("LVM finds it damaged");
    }
    if lv.open {
        return Some(Error::InUse { name: lv.name.to_string(), by: "its device is open on this machine".to_owned() });
    }
    None
}

/// A thick volume that has snapshots cannot leave them.
fn needed(found: &[Lv], lv: &Lv) -> Option<Error> {
    let needs = found.iter().any(|other| other.thick_snapshot && other.origin.as_ref() == Some(&lv.name));
    needs.then(|| Error::InUse { name: lv.name.to_string(), by: "its snapshots".to_owned() })
}

/// The contract's `manage`: the volume gets a tag that says whose it is to be, then its name, then the tags of a whole
/// one. It counts as ours when it has both.
pub(crate) async fn manage(
    backend: &Backend,
    ctx: &OpCtx,
    spec: &VolumeSpec,
    name: &str,
) -> Result<Outcome<Lv>, Error> {
    let from: LvName = name.parse().map_err(|error| Error::Invalid(format!("{error}")))?;
    backend.check_size(spec.size)?;
    backend.serve(ctx).await?;
    let id = spec.volume.id;
    let _locked = backend.locks.lock(ctx, [(Key::Volume(id), Hold::Alone)]).await?;
    let whole = LvName::volume(id);
    let found = backend.lvm.lvs(ctx).await?;
    let intent = Tag::intent(&format!("{MANAGE}.{id}")).ok_or_else(|| Error::Damaged("an id is no tag".to_owned()))?;
    let is = |name: &LvName| found.iter().find(|lv| lv.name == *name);
    if let Some(there) = is(&whole).filter(|lv| lv.tags.contains(&Tag::ours()) && *name != *whole.as_str()) {
        if is(&from).is_none() && there.size == spec.size {
            return Ok(Outcome::Unchanged(there.clone()));
        }
        let (has, asked) = (format!("{} bytes", there.size.bytes()), format!("the bytes of {from}"));
        return Err(Error::Differs { name: whole.to_string(), has, asked });
    }
    let begun = is(&whole).filter(|lv| lv.tags.contains(&intent));
    let Some(lv) = begun.or_else(|| is(&from)) else {
        return Err(Error::NoLv { vg: backend.lvm.name().clone(), name: from });
    };
    if is_ours(lv) {
        if lv.name == whole && lv.size == spec.size {
            return Ok(Outcome::Unchanged(lv.clone()));
        }
        let (has, asked) = ("another volume's bytes".to_owned(), format!("those of volume {id}"));
        return Err(Error::Differs { name: lv.name.to_string(), has, asked });
    }
    if let Some(error) = refused(backend, lv).or_else(|| needed(&found, lv)) {
        return Err(error);
    }
    if lv.extents != spec.size {
        return Err(Error::Invalid(format!("{from} has {} bytes, not {}", lv.extents.bytes(), spec.size.bytes())));
    }
    let mut old: Vec<_> =
        lv.tags.iter().filter(|tag| tag.as_size().is_some() || tag.as_intent().is_some()).cloned().collect();
    let tags = volume_tags(spec.size, None);
    old.retain(|tag| !tags.contains(tag) && *tag != intent);
    let mut turn = backend.lvm.turn(ctx).await?;
    turn.retag(ctx, &lv.name, std::slice::from_ref(&intent), &old).await?;
    let midway = |error: Error| error.midway(format!("taking over {from}"));
    if lv.name != whole {
        turn.rename(ctx, &lv.name, &whole).await.map_err(midway)?;
    }
    turn.retag(ctx, &whole, &tags, &[intent]).await.map_err(midway)?;
    let lv = turn.activate(ctx, &whole).await.map_err(midway)?;
    Ok(Outcome::Changed(lv))
}

/// The contract's `unmanage`.
pub(crate) async fn unmanage(backend: &Backend, ctx: &OpCtx, id: VolumeId) -> Result<Outcome<String>, Error> {
    backend.serve(ctx).await?;
    let _locked = backend.locks.lock(ctx, [(Key::Volume(id), Hold::Alone)]).await?;
    let (name, free) = (LvName::volume(id), LvName::unmanaged(id));
    let mut turn = backend.lvm.turn(ctx).await?;
    let lv = match check_no_snapshots(&mut turn, ctx, id).await {
        Ok(lv) => lv,
        Err(Error::NoVolume(_)) => {
            let gone = turn.look_one(ctx, &free).await?.ok_or(Error::NoVolume(id))?;
            strip(&mut turn, ctx, &gone).await?;
            return Ok(Outcome::Unchanged(free.to_string()));
        }
        Err(error) => return Err(error),
    };
    backend.check_detached(id).await?;
    let freed = turn.rename(ctx, &name, &free).await?;
    strip(&mut turn, ctx, &Lv { tags: lv.tags, ..freed })
        .await
        .map_err(|error| error.midway(format!("unmanaging {id}")))?;
    Ok(Outcome::Changed(free.to_string()))
}

/// Takes our tags off.
async fn strip(turn: &mut crate::lvm::Turn<'_>, ctx: &OpCtx, lv: &Lv) -> Result<(), Error> {
    let ours: Vec<_> = lv.tags.iter().filter(|tag| tag.as_str().starts_with("ashlar")).cloned().collect();
    if !ours.is_empty() {
        turn.retag(ctx, &lv.name, &[], &ours).await?;
    }
    Ok(())
}

//! What the driver can do besides the required core.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use ashlar_common::{
    driver::{
        Outcome, Progress, Volume, VolumeRef, VolumeSpec,
        capability::{Foreign, Limits},
    },
    ids::PoolName,
};

use super::{
    call::Call,
    client::Buckets,
    disk::lock,
    error::Error,
    faults::Fault,
    state::{Origin, State, bytes},
    volumes::outcome,
};

/// Pages that one step of a migration copies.
const STEP_PAGES: usize = 16;
/// What a volume is called that was let go of, before its id.
const LET_GO: &str = "was-volume-";
/// The longest name that the backend gives.
const MAX_NAME: usize = 255;

impl Call<'_> {
    pub(super) async fn limit(&self, volume: &VolumeRef, limits: &Limits) -> Result<Outcome<()>, Error> {
        let limited = self.step("limit", |state| {
            if state.volume(volume)?.limits == *limits {
                return Ok(((), false));
            }
            if let Some(held) = state.volumes.get_mut(&volume.id) {
                held.limits = *limits;
                held.buckets = Arc::new(Mutex::new(Buckets::new(limits, Instant::now())));
            }
            Ok(((), true))
        });
        Ok(outcome(limited.await?))
    }

    pub(super) async fn foreign(&self, pool: &PoolName) -> Result<Vec<Foreign>, Error> {
        self.look(|state| {
            state.pool(pool)?;
            let here = state.foreign.iter().filter(|((at, _), _)| at == pool);
            let shown = |((_, name), disk): (&(_, String), &_)| Foreign {
                name: name.clone(),
                size: bytes(lock(disk).size()),
                refused: None,
            };
            Ok(here.map(shown).collect())
        })
        .await
    }

    pub(super) async fn manage(&self, spec: &VolumeSpec, name: &str) -> Result<Outcome<Volume>, Error> {
        check_name(name)?;
        let origin = Origin::Foreign(name.to_owned());
        if let Some(volume) = self.found(spec, &origin).await? {
            return Ok(Outcome::Unchanged(volume));
        }
        let place = (spec.volume.pool.clone(), name.to_owned());
        let taken = self.step("adopt", |state| {
            let Some(disk) = state.foreign.get(&place) else { return Err(missing(state, &spec.volume, name)) };
            let size = lock(disk).size();
            if size != spec.size.bytes() {
                return Err(Error::Invalid(format!("{name:?} has {size} bytes, not {}", spec.size.bytes())));
            }
            let mut disk = Arc::clone(disk);
            if self.broken(Fault::ManageWipes) {
                disk = state.pool(&spec.volume.pool)?.home.disk(size)?.into_shared();
            }
            let placed = state.place(spec, &origin, disk)?;
            state.foreign.remove(&place);
            Ok(placed)
        });
        Ok(outcome(taken.await?))
    }

    pub(super) async fn unmanage(&self, volume: &VolumeRef) -> Result<Outcome<String>, Error> {
        let name = format!("{LET_GO}{}", volume.id);
        let place = (volume.pool.clone(), name.clone());
        let released = self.step("release", |state| {
            if state.find(volume)?.is_none() && state.foreign.contains_key(&place) {
                return Ok(false);
            }
            state.volume(volume)?;
            state.refuse_attached(volume.id)?;
            state.refuse_with_snapshots(volume.id)?;
            if let Some(held) = state.volumes.remove(&volume.id) {
                state.foreign.insert(place, held.disk);
            }
            Ok(true)
        });
        let changed = released.await?;
        Ok(outcome((name, changed)))
    }

    pub(super) async fn migrate(&self, volume: &VolumeRef, pool: &PoolName) -> Result<Outcome<Volume>, Error> {
        let there = VolumeRef { id: volume.id, pool: pool.clone() };
        let found = self.look(|state| {
            state.pool(pool).map_err(|_| Error::NoTarget(pool.clone()))?;
            state.look(&there)
        });
        if let Some(found) = found.await? {
            return Ok(Outcome::Unchanged(found));
        }
        let begun = self.step("reserve", |state| {
            may_move(state, volume)?;
            let source = &state.volume(volume)?.disk;
            let (size, version) = (lock(source).size(), lock(source).version());
            let disk = state.pool(pool)?.home.disk(size)?;
            Ok((self.stage(state, format!("volume {} on its way to pool {pool}", volume.id), disk), version))
        });
        let (staging, version) = begun.await?;
        let mut next = Some(0);
        while let Some(from) = next {
            let copied = self.step("copy", |state| {
                let source = lock(&state.volume(volume)?.disk);
                let mut target = lock(&staging.disk);
                let next = target.pull(&source, from, STEP_PAGES)?;
                Ok((next, target.len() as u64, source.len() as u64))
            });
            let (rest, done, total) = copied.await?;
            self.ctx.report(Progress { done, total });
            next = rest;
        }
        let switched = self.step("switch", |state| {
            may_move(state, volume)?;
            if lock(&state.volume(volume)?.disk).version() != version {
                return Err(Error::Changed(volume.id));
            }
            let disk = staging.take(state);
            if self.broken(Fault::MigrateLosesTheEnd) {
                let mut disk = lock(&disk);
                let last = disk.size() - 1;
                disk.lose(last);
            }
            if let Some(held) = state.volumes.get_mut(&volume.id) {
                held.disk = disk;
                held.pool = pool.clone();
            }
            state.look_at(&there)
        });
        Ok(Outcome::Changed(switched.await?))
    }
}

fn may_move(state: &State, volume: &VolumeRef) -> Result<(), Error> {
    state.volume(volume)?;
    state.refuse_attached(volume.id)?;
    state.refuse_with_snapshots(volume.id)
}

/// Names that no backend would take, or that would be a path or an option for its tools.
fn check_name(name: &str) -> Result<(), Error> {
    let odd = |letter: char| letter == '/' || letter == '\\' || letter.is_control() || letter.is_whitespace();
    let bad = name.is_empty() || name.len() > MAX_NAME || name.starts_with(['-', '.']) || name.contains(odd);
    if bad { Err(Error::Invalid(format!("{name:?} is not a name of the backend"))) } else { Ok(()) }
}

/// Why there is nothing of that name: another volume may have it.
fn missing(state: &State, volume: &VolumeRef, name: &str) -> Error {
    let owned = |(id, held): (_, &super::state::Held)| {
        let own = format!("volume-{id}");
        held.pool == volume.pool && (name == own || held.origin == Origin::Foreign(name.to_owned()))
    };
    if state.volumes.iter().any(owned) {
        return Error::Conflict { what: format!("{name:?}"), differs: "is another volume" };
    }
    Error::NoForeign(volume.pool.clone(), name.to_owned())
}

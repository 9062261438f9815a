//! One volume group, as it is.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ashlar_common::{
    driver::OpCtx,
    exec::{Lookup, Program},
};

use super::{
    command::Command,
    known,
    lane::Lane,
    queries,
    report::{Answer, Lv, Pool, ReportError, Vg},
    settings::{self, Devices, Extras},
    shell::Tools,
    turn::Turn,
};
use crate::{
    error::Error,
    names::{LvName, VgName},
};

/// What a volume group is opened with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The volume group.
    pub vg: VgName,
    /// LVM's program, where it is not the system's.
    pub program: Option<PathBuf>,
    /// The driver's own directory for it, which exists.
    pub state: PathBuf,
    /// Longest time for one command.
    pub command_timeout: Duration,
    /// What is asked of LVM besides.
    pub extras: Extras,
}

/// One volume group. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Lvm(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    /// Finds physical volumes: sees what the machine's settings let it.
    finder: Lane,
    work: Lane,
    reads: Lane,
    stats: Lane,
    /// Counts how often the devices were looked for.
    settings: Arc<AtomicU64>,
}

impl Lvm {
    /// Looks for the tools and the volume group, which must be whole.
    ///
    /// # Errors
    /// [`Error::Tool`] for a missing tool, [`Error::Io`] where the directory cannot be written, [`Error::Away`], and
    /// what [`Lvm::find_devices`] answers.
    pub async fn open(ctx: &OpCtx, options: Options) -> Result<(Self, Vg), Error> {
        let lvm = match &options.program {
            Some(path) => Program::at("lvm", path.clone())?,
            None => Program::find_with("lvm", Lookup { package: Some("lvm2"), path: None })?,
        };
        let flock = Program::find_with("flock", Lookup { package: Some("util-linux"), path: None })?;
        let settings = Arc::new(AtomicU64::new(1));
        let lane = |use_: &str, lock| {
            let system_dir = settings::directory(&options.state, use_);
            let tools = Tools { lvm: lvm.clone(), flock: flock.clone(), system_dir, lock };
            Lane::new(options.vg.clone(), tools, options.command_timeout, Arc::clone(&settings))
        };
        let lvm = Self(Arc::new(Inner {
            finder: lane("finder", None),
            work: lane("work", Some(options.state.join("commands.lock"))),
            reads: lane("work", None),
            stats: lane("work", None),
            settings: Arc::clone(&settings),
            options,
        }));
        let vg = lvm.found(ctx).await?;
        Ok((lvm, vg))
    }

    async fn found(&self, ctx: &OpCtx) -> Result<Vg, Error> {
        let state = self.0.options.state.clone();
        if let Some(devices) = ctx.blocking(move |_| Ok(known::read(&state))).await? {
            self.look_at(ctx, Devices::These(devices)).await?;
            match self.vg(ctx).await {
                Ok(vg) if vg.missing == 0 => return Ok(vg),
                Ok(_) | Err(Error::Away { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        self.find_devices(ctx).await?;
        let vg = self.vg(ctx).await?;
        if vg.missing > 0 { Err(self.not_whole(vg.missing)) } else { Ok(vg) }
    }

    /// Looks for the volume group's devices again, and has LVM see no other from then on. At open, and when the volume
    /// group was away: its devices may have other names since.
    ///
    /// # Errors
    /// [`Error::Io`] where the settings cannot be written, [`Error::Unanswered`] from LVM.
    pub async fn find_devices(&self, ctx: &OpCtx) -> Result<(), Error> {
        let inner = &self.0;
        self.write_settings(ctx, &inner.finder, Devices::Machine).await?;
        let command = queries::devices().word("--nolocking");
        // Devices that cannot be read make it fail beside a report of the others.
        let answer = inner.finder.ask(ctx, command).await?;
        let ours = answer.pvs.iter().filter(|pv| pv.vg_name == inner.options.vg.as_str() && !pv.is_missing());
        let found: Vec<_> = ours.map(|pv| pv.pv_name.clone()).collect();
        if found.is_empty() {
            return self.look_at(ctx, Devices::Machine).await;
        }
        let (state, devices) = (inner.options.state.clone(), found.clone());
        let written = ctx.blocking(move |_| Ok(known::write(&state, &devices))).await?;
        written.map_err(|source| Error::io("remember the volume group's devices", source))?;
        self.look_at(ctx, Devices::These(found)).await
    }

    /// Has LVM see these devices from now on.
    async fn look_at(&self, ctx: &OpCtx, devices: Devices) -> Result<(), Error> {
        self.write_settings(ctx, &self.0.work, devices).await?;
        self.0.settings.fetch_add(1, Ordering::Release);
        Ok(())
    }

    async fn write_settings(&self, ctx: &OpCtx, lane: &Lane, devices: Devices) -> Result<(), Error> {
        let (directory, extras) = (lane.system_dir().to_owned(), self.0.options.extras);
        ctx.blocking(move |_| Ok(settings::write(&directory, &devices, extras))).await?
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &VgName {
        &self.0.options.vg
    }

    /// The driver's own directory for it.
    #[must_use]
    pub fn state(&self) -> &std::path::Path {
        &self.0.options.state
    }

    /// All its volumes, without LVM's hidden ones, from one report.
    ///
    /// # Errors
    /// [`Error::Away`], [`Error::Unanswered`], [`Error::NotBegun`], [`Error::QueueFull`].
    pub async fn lvs(&self, ctx: &OpCtx) -> Result<Vec<Lv>, Error> {
        let command = queries::all(self.name()).word("--nolocking");
        let doing = command.line().to_owned();
        let answer = self.0.reads.ask(ctx, command).await?;
        if !answer.done {
            return Err(self.away(ctx, &answer).await);
        }
        let found = answer.volumes(self.name()).map_err(|source| queries::unreadable(doing.clone(), source))?;
        if found.is_empty() && self.vg(ctx).await?.volumes > 0 {
            return Err(queries::unreadable(doing, ReportError::Incomplete));
        }
        Ok(found)
    }

    /// One volume; `None` where there is none of that name.
    ///
    /// # Errors
    /// As [`Lvm::lvs`].
    pub async fn lv(&self, ctx: &OpCtx, name: &LvName) -> Result<Option<Lv>, Error> {
        Ok(self.look(ctx, &[name]).await?.pop())
    }

    /// What there is of these names, at one instant.
    ///
    /// # Errors
    /// As [`Lvm::lvs`].
    pub async fn look(&self, ctx: &OpCtx, names: &[&LvName]) -> Result<Vec<Lv>, Error> {
        let command = queries::look(self.name(), names).word("--nolocking");
        let doing = command.line().to_owned();
        let answer = self.0.reads.ask(ctx, command).await?;
        let found = queries::seen(&answer, self.name(), names).map_err(|source| queries::unreadable(doing, source))?;
        if answer.done || found.len() == names.len() {
            return Ok(found);
        }
        // LVM fails for a volume that is not there, as it does for much else.
        let listed = self
            .0
            .reads
            .ask(ctx, queries::listed(self.name(), &queries::absent(names, &found)).word("--nolocking"))
            .await?;
        if listed.done && listed.lvs.is_empty() { Ok(found) } else { Err(self.away(ctx, &answer).await) }
    }

    /// Asks beside all that waits for reports. A shell of its own is needed only while one is under way.
    async fn glance(&self, ctx: &OpCtx, command: Command) -> Result<Answer, Error> {
        match self.0.reads.try_hold() {
            Some(held) => held.ask(ctx, command).await.1,
            None => self.0.stats.ask(ctx, command).await,
        }
    }

    /// The volume group's own numbers, whatever else goes on.
    ///
    /// # Errors
    /// As [`Lvm::lvs`].
    pub async fn vg(&self, ctx: &OpCtx) -> Result<Vg, Error> {
        let command = queries::group(self.name()).word("--nolocking");
        let doing = command.line().to_owned();
        let answer = self.glance(ctx, command).await?;
        match answer.vgs.first().map(Vg::of) {
            Some(vg) => self.check_used(vg.map_err(|source| queries::unreadable(doing, source))?),
            None => Err(self.missing(&answer)),
        }
    }

    /// A thin pool's numbers, whatever else goes on; `None` where there is no thin pool of that name.
    ///
    /// # Errors
    /// As [`Lvm::lvs`].
    pub async fn pool(&self, ctx: &OpCtx, name: &LvName) -> Result<Option<Pool>, Error> {
        let command = queries::pool(self.name(), name).word("--nolocking");
        let doing = command.line().to_owned();
        let answer = self.glance(ctx, command).await?;
        if let Some(row) = answer.lvs.first() {
            return Pool::of(row).map_err(|source| queries::unreadable(doing, source));
        }
        // No such volume, or no volume group.
        let vg = self.vg(ctx).await?;
        if vg.missing > 0 { Err(self.not_whole(vg.missing)) } else { Ok(None) }
    }

    /// All thin pools.
    ///
    /// # Errors
    /// As [`Lvm::lvs`].
    pub async fn pools(&self, ctx: &OpCtx) -> Result<Vec<Pool>, Error> {
        let command = queries::pools(self.name()).word("--nolocking");
        let doing = command.line().to_owned();
        let answer = self.glance(ctx, command).await?;
        if !answer.done {
            return Err(self.away(ctx, &answer).await);
        }
        let pools: Result<Vec<_>, _> = answer.lvs.iter().filter_map(|row| Pool::of(row).transpose()).collect();
        pools.map_err(|source| queries::unreadable(doing, source))
    }

    /// The right to change the volume group, one at a time.
    ///
    /// # Errors
    /// Nothing was begun: [`Error::QueueFull`], [`Error::NotBegun`].
    pub async fn turn(&self, ctx: &OpCtx) -> Result<Turn<'_>, Error> {
        let held = self.0.work.hold(ctx, "a change of the volume group").await?;
        Turn::begin(self, ctx, held).await
    }

    /// Why a report failed: the volume group is gone, or lacks devices.
    async fn away(&self, ctx: &OpCtx, answer: &Answer) -> Error {
        match self.vg(ctx).await {
            Ok(vg) if vg.missing > 0 => self.not_whole(vg.missing),
            Ok(_) => self.because(answer),
            Err(error) => error,
        }
    }

    pub(super) fn missing(&self, answer: &Answer) -> Error {
        let said = if answer.words.is_empty() { String::new() } else { format!(" ({})", answer.words) };
        let why = format!(
            "it is not found on this machine{said}: bring its disks back, make it by `vgcreate`, or mend `volume_group`; \
             `vgs` and `pvs -a` show what there is"
        );
        Error::Away { vg: self.name().clone(), why }
    }

    /// An error for a volume group that LVM knows and does not use.
    pub(super) fn check_used(&self, vg: Vg) -> Result<Vg, Error> {
        if !vg.exported {
            return Ok(vg);
        }
        let why = format!("it is exported, for another machine: `vgimport {}` if it is to be this one's", vg.name);
        Err(Error::Away { vg: self.name().clone(), why })
    }

    /// The volume group lacks that many physical volumes.
    pub(crate) fn not_whole(&self, missing: u32) -> Error {
        let plural = if missing == 1 { "" } else { "s" };
        let why =
            format!("{missing} of its physical volume{plural} cannot be found: bring it back, or see `vgreduce(8)`");
        Error::Away { vg: self.name().clone(), why }
    }

    fn because(&self, answer: &Answer) -> Error {
        Error::Away { vg: self.name().clone(), why: answer.words.clone() }
    }
}

//! One storm, from the first process to the last comparison.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use ashlar_common::{ids::BackendName, store::Store};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    api::{Answer, Api},
    check,
    client::{Base, Client, World},
    content,
    ground::{Directory, Ground, Group},
    keep::Keeper,
    options::{Driver, Options, StoreKind},
    reach::{self, Reached},
    report::{Report, Times},
    site::{Backend, Site},
    strike::{Blow, Struck},
    truth::{Truth, text},
};

/// Volumes that all make copies of.
const BASES: u64 = 3;
/// Volumes of each client whose bytes are looked at when a round has settled.
const LOOKED_AT: usize = 1;

/// Runs one storm of `kills` kills, and says how it went as it goes on.
///
/// # Errors
/// The storm could not be run; what the service did wrong is in the report.
pub fn storm(
    options: &Options,
    kind: StoreKind,
    kills: u64,
    seed: u64,
    stop: &AtomicBool,
    say: &mut dyn FnMut(&str),
) -> Result<Report> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let directory = options.directory.clone().unwrap_or_else(std::env::temp_dir);
    let backends = options.backends;
    let mut site = Site::make(kind, &directory, &programs(options)?, options.apis, |folder| {
        let named = |number| {
            let name: BackendName = format!("disk{number}").parse().context("a name")?;
            let path = folder.join(format!("volumes{number}"));
            std::fs::create_dir(&path)?;
            let ground: Arc<dyn Ground> = match options.driver {
                Driver::Local => Arc::new(Directory { path, more: String::new() }),
                Driver::Lvm => Arc::new(Group::raise(options.provisioning, options.protocol, path)?),
            };
            Ok(Backend { name, ground })
        };
        (1..=backends).map(named).collect()
    })?;
    let keeper = Keeper::start(runtime.handle(), site.commands(), &site.path(""));
    let mut storm = Storm::new(&runtime, &keeper, &site, options, kind, seed)?;
    let ended = storm.run(&mut site, options, kills, stop, say);
    let mut report = storm.report();
    runtime.block_on(keeper.stop());
    if let Err(error) = ended {
        report.faults.push(format!("{error:#}"));
    }
    for pid in check::processes(&site)? {
        report.faults.push(format!("process {pid} is left over"));
    }
    report.interrupted = stop.load(Ordering::Relaxed);
    if !report.faults.is_empty() {
        say(&format!("what there is, for a look: {}", site.keep_folder().display()));
    }
    Ok(report)
}

/// Where the programs of the service are: beside this one, or for its tests a folder above.
fn programs(options: &Options) -> Result<PathBuf> {
    if let Some(given) = &options.programs {
        return Ok(given.canonicalize()?);
    }
    let own = std::env::current_exe()?;
    let folder = own.ancestors().skip(1).find(|folder| folder.join("ashlar").is_file());
    folder.map(Path::to_owned).context("`ashlar` is not beside this program: build the workspace, or say --programs")
}

struct Storm<'a> {
    runtime: &'a Runtime,
    keeper: &'a Keeper,
    store: Store,
    world: Arc<World>,
    clients: Vec<Client>,
    random: fastrand::Rng,
    started: Instant,
    report: Report,
    /// Backends without the host that served them, and since when.
    orphaned: BTreeMap<BackendName, (Instant, String)>,
}

impl<'a> Storm<'a> {
    fn new(
        runtime: &'a Runtime,
        keeper: &'a Keeper,
        site: &Site,
        options: &Options,
        kind: StoreKind,
        seed: u64,
    ) -> Result<Self> {
        let store = runtime.block_on(site.store())?;
        let api = Api::new(site.apis().to_vec());
        let (image, connector) = (site.image()?, reach::connector()?);
        let world = Arc::new(World { api, bases: Vec::new(), image, connector, stop: AtomicBool::new(false) });
        let report = Report {
            store: kind,
            seed,
            clients: options.clients,
            kills: 0,
            blows: BTreeMap::new(),
            met_work: 0,
            met_operations: 0,
            answers: world.api.tally().read(),
            settling: Times::default(),
            host_recovery: Times::default(),
            database_recovery: Times::default(),
            ended_by_themselves: BTreeMap::new(),
            verified: 0,
            volumes: 0,
            seconds: 0.0,
            faults: Vec::new(),
            interrupted: false,
        };
        let clients = (0..options.clients).map(|number| Client::new(number, seed)).collect();
        let random = fastrand::Rng::with_seed(seed);
        Ok(Self {
            runtime,
            keeper,
            store,
            world,
            clients,
            random,
            started: Instant::now(),
            report,
            orphaned: BTreeMap::new(),
        })
    }

    fn run(
        &mut self,
        site: &mut Site,
        options: &Options,
        kills: u64,
        stop: &AtomicBool,
        say: &mut dyn FnMut(&str),
    ) -> Result<()> {
        let bases = (0..BASES).map(|number| self.base(number)).collect::<Result<_>>()?;
        Arc::get_mut(&mut self.world).context("a client is at work already")?.bases = bases;
        self.started = Instant::now();
        while self.report.kills < kills && self.report.faults.is_empty() && !stop.load(Ordering::Relaxed) {
            let until = kills.min(self.report.kills + options.round);
            self.round(site, until, options.pause, stop)?;
            let last = self.report.kills >= kills;
            self.settle(site, if last { usize::MAX } else { LOOKED_AT })?;
            say(&format!(
                "{:?}: {} of {kills} kills, {} operations met, {} volumes, {} faults, {:.0} s",
                self.report.store,
                self.report.kills,
                self.report.met_operations,
                self.report.volumes,
                self.report.faults.len(),
                self.started.elapsed().as_secs_f64()
            ));
        }
        Ok(())
    }

    /// Load and kills, until so many were killed.
    fn round(&mut self, site: &mut Site, until: u64, pause: u64, stop: &AtomicBool) -> Result<()> {
        self.world.stop.store(false, Ordering::Relaxed);
        let (mut clients, world) = (std::mem::take(&mut self.clients), Arc::clone(&self.world));
        let struck = std::thread::scope(|scope| {
            for client in &mut clients {
                scope.spawn(|| client.work(&world));
            }
            let struck = self.blows(site, until, pause, stop);
            world.stop.store(true, Ordering::Relaxed);
            struck
        });
        self.clients = clients;
        struck
    }

    fn blows(&mut self, site: &mut Site, until: u64, pause: u64, stop: &AtomicBool) -> Result<()> {
        while self.report.kills < until && !stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(self.random.u64(1..=pause)));
            self.look_for_hosts();
            let blow = Blow::draw(&mut self.random, site.server().is_some());
            // The database may be starting, and not answer: then nobody knows.
            let met = self.runtime.block_on(check::open_operations(&self.store)).unwrap_or_default();
            self.report.met_operations += met;
            self.report.met_work += u64::from(met > 0);
            let struck = blow.strike(&mut self.random, self.keeper, site)?;
            *self.report.blows.entry(blow).or_default() += 1;
            self.report.kills += struck.killed;
            self.note(blow, &struck);
        }
        Ok(())
    }

    fn note(&mut self, blow: Blow, struck: &Struck) {
        if let Some(time) = struck.database {
            self.report.database_recovery.push(time);
        }
        if matches!(blow, Blow::EndApi | Blow::EndHost | Blow::HoldHost) {
            return;
        }
        let Ok(serving) = self.runtime.block_on(holders(&self.store)) else { return };
        for (backend, pid) in &struck.hosts {
            if let Some(holder) = serving.get(backend).filter(|holder| holder.ends_with(&format!(":{pid}"))) {
                self.orphaned.entry(backend.clone()).or_insert((Instant::now(), holder.clone()));
            }
        }
    }

    /// Looks which backends have a host again.
    fn look_for_hosts(&mut self) {
        if self.orphaned.is_empty() {
            return;
        }
        let Ok(serving) = self.runtime.block_on(holders(&self.store)) else { return };
        self.orphaned.retain(|backend, (since, holder)| {
            let still = serving.get(backend).is_none_or(|now| now == holder);
            if !still {
                self.report.host_recovery.push(since.elapsed());
            }
            still
        });
    }

    /// Lets all come to its end, and holds it against what was told.
    fn settle(&mut self, site: &Site, looked_at: usize) -> Result<()> {
        let took = self.runtime.block_on(check::settle(&self.store, &self.world.api, self.keeper))?;
        self.report.settling.push(took);
        self.look_for_hosts();
        self.orphaned.clear();
        let truth = Truth::read(&self.world.api)?;
        self.unclaimed(&truth);
        self.report.volumes = truth.volumes.len() as u64;
        for client in &mut self.clients {
            client.settle(&truth);
        }
        self.report.verified += self.verify(looked_at)?;
        self.runtime.block_on(check::settle(&self.store, &self.world.api, self.keeper))?;
        let faults = self.runtime.block_on(check::sound(&self.store, site))?;
        self.report.faults.extend(faults);
        for client in &mut self.clients {
            self.report.faults.append(&mut client.faults);
        }
        let (running, kept) = (check::processes(site)?.len(), self.keeper.all().len());
        if running != kept {
            self.report.faults.push(format!("{running} processes are there, not {kept}"));
        }
        Ok(())
    }

    /// What nobody asked for must not be there.
    fn unclaimed(&mut self, truth: &Truth) {
        let claimed: BTreeSet<&str> = self.clients.iter().flat_map(Client::names).collect();
        let all = truth.volumes.iter().chain(&truth.snapshots);
        for (name, shown) in all.filter(|(name, _)| !claimed.contains(name.as_str()) && !name.starts_with("base")) {
            self.report.faults.push(format!("nobody has {name}: {shown:?}"));
        }
    }

    fn verify(&mut self, most: usize) -> Result<u64> {
        self.world.stop.store(false, Ordering::Relaxed);
        let world = &self.world;
        let looked_at = std::thread::scope(|scope| {
            let threads: Vec<_> =
                self.clients.iter_mut().map(|client| scope.spawn(|| client.verify(world, most))).collect();
            threads.into_iter().map(|thread| thread.join().map_err(|_| ())).sum::<Result<usize, ()>>()
        });
        looked_at.map(|count| count as u64).map_err(|()| anyhow::anyhow!("a client panicked"))
    }

    /// Makes a volume with bytes that are known.
    fn base(&self, number: u64) -> Result<Base> {
        let body = json!({ "volume": { "size": 1, "name": format!("base{number}") } });
        let id = text(&self.sent("POST", "/volumes", &body)?, "/volume/id")?.to_owned();
        let path = format!("/volumes/{id}");
        self.runtime.block_on(check::until("a volume", || match self.world.api.send(0, "GET", &path, None) {
            Answer::Done(body) if body["volume"]["status"] == "error" => bail!("a volume fails: {body}"),
            Answer::Done(body) => Ok(body["volume"]["status"] == "available"),
            _ => Ok(false),
        }))?;
        let body = json!({ "attachment": { "volume_uuid": id, "connector": self.world.connector, "mode": "rw" } });
        let attachment = self.sent("POST", "/attachments", &body)?;
        let reached = Reached::by(&attachment["attachment"]["connection_info"])?;
        content::write(reached.path(), number)?;
        let sum = content::checksum(reached.path())?;
        let left = reached.leave()?;
        self.sent("DELETE", &format!("/attachments/{}", text(&attachment, "/attachment/id")?), &Value::Null)?;
        ensure!(left.still_there().is_none(), "a volume is detached and still there: {left:?}");
        Ok(Base { id, sum })
    }

    /// Before the first kill, everything is answered as soon as the processes have started and the pools reported.
    fn sent(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        self.runtime.block_on(check::until("the service", || {
            Ok(match self.world.api.send(0, "GET", "/scheduler-stats/get_pools", None) {
                Answer::Done(body) => body["pools"].as_array().is_some_and(|pools| !pools.is_empty()),
                _ => false,
            })
        }))?;
        match self.world.api.send(0, method, path, Some(body)) {
            Answer::Done(body) => Ok(body),
            other => bail!("{method} {path}: {other:?}"),
        }
    }

    fn report(&self) -> Report {
        let mut report = self.report.clone();
        report.answers = self.world.api.tally().read();
        report.seconds = self.started.elapsed().as_secs_f64();
        for how in self.keeper.all().iter().flat_map(|kept| kept.by_themselves()) {
            *report.ended_by_themselves.entry(how).or_default() += 1;
        }
        report
    }
}

/// Who serves each backend.
async fn holders(store: &Store) -> Result<BTreeMap<BackendName, String>> {
    let hosts = store.read().await?.hosts().await?;
    Ok(hosts.into_iter().map(|host| (host.backend, host.holder)).collect())
}

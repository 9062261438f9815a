//! How quick the driver's calls are, against bare commands of LVM of the same shape in the same run.
//!
//! `commands [--rounds N] [--many N] [--json]`, in the lab `lvm`: `cargo xtask lab exec lvm -- target/debug/examples/commands`.
//! Each figure is the median of its rounds; a bare command is a process of `lvcreate`, `lvremove` or `lvs`.

use std::{
    future::Future,
    io::Write,
    time::{Duration, Instant},
};

use ashlar_common::{
    driver::{Driver, OpCtx, VolumeRef, VolumeSpec},
    exec::Program,
    ids::{OpId, VolumeId},
    units::ByteCount,
};
use ashlar_driver_lvm::{Config, LvmDriver};
use ashlar_lab::lvm::{Shape, ThinPool, VolumeGroup};
use serde_json::json;
use tokio_util::sync::CancellationToken;

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

const MIB: u64 = 1 << 20;
const AT_ONCE: usize = 32;
const SHAPE: Shape =
    Shape { size_mib: 900, extent_kib: 4096, thin: Some(ThinPool { size_mib: 640, metadata_kib: 64 << 10 }) };

struct Bench {
    driver: LvmDriver,
    group: VolumeGroup,
    rounds: usize,
    json: bool,
}

#[tokio::main]
async fn main() -> Result {
    let (mut rounds, mut many, mut json) = (7, 1000, false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--rounds" => rounds = value()?.parse()?,
            "--many" => many = value()?.parse()?,
            "--json" => json = true,
            _ => return Err(format!("no such option: {arg}").into()),
        }
    }
    let group = VolumeGroup::standing(&SHAPE)?;
    let state = tempfile::tempdir()?;
    let config: Config = serde_json::from_value(json!({
        "volume_group": group.name(),
        "provisioning": "thin",
        "state_path": state.path(),
        "max_over_subscription_ratio": 10_000.0,
        "target": { "protocol": "local" },
    }))?;
    let driver = LvmDriver::open(&ctx(), config).await?;
    let bench = Bench { driver, group, rounds, json };
    bench.one_by_one().await?;
    bench.at_once().await?;
    bench.stats_of_many(many).await
}

impl Bench {
    /// Creates and deletes, in turn with bare ones, so that both meet the same machine.
    async fn one_by_one(&self) -> Result {
        let (mut made, mut bare_made, mut removed, mut bare_removed) = (vec![], vec![], vec![], vec![]);
        for round in 0..=self.rounds {
            let spec = spec()?;
            let create = timed(self.driver.create(&ctx(), &spec)).await?;
            let name = format!("bare{round}");
            let vg = self.group.name().to_owned();
            let bare_create =
                self.bare("lvcreate", &["--thin", "-V", "64m", "--thinpool", "pool", "-n", &name, &vg]).await?;
            let delete = timed(self.driver.delete(&ctx(), &spec.volume)).await?;
            let bare_delete = self.bare("lvremove", &["--yes", &format!("{vg}/{name}")]).await?;
            // The first pays for what is not in memory yet.
            if round > 0 {
                made.push(create);
                bare_made.push(bare_create);
                removed.push(delete);
                bare_removed.push(bare_delete);
            }
        }
        self.told("create thin", median(made), "lvcreate", median(bare_made))?;
        self.told("delete thin", median(removed), "lvremove", median(bare_removed))
    }

    /// For each volume, against one at a time.
    async fn at_once(&self) -> Result {
        let specs = (0..AT_ONCE).map(|_| spec()).collect::<Result<Vec<_>>>()?;
        let mut alone = Vec::new();
        for spec in &specs {
            alone.push(timed(self.driver.create(&ctx(), spec)).await?);
        }
        // Both ways begin with none and end with 32: LVM's metadata grows with each.
        for spec in &specs {
            timed(self.driver.delete(&ctx(), &spec.volume)).await?;
        }
        let begun = Instant::now();
        let mut tasks = Vec::new();
        for spec in specs.clone() {
            let driver = self.driver.clone();
            tasks.push(tokio::spawn(async move {
                timed(driver.create(&ctx(), &spec)).await.map_err(|error| error.to_string())
            }));
        }
        for task in tasks {
            task.await??;
        }
        let each = begun.elapsed() / u32::try_from(AT_ONCE)?;
        let alone = alone.iter().sum::<Duration>() / u32::try_from(AT_ONCE)?;
        self.told("create thin, each of 32 at once", each, "one at a time", alone)?;
        for spec in &specs {
            timed(self.driver.delete(&ctx(), &spec.volume)).await?;
        }
        Ok(())
    }

    async fn stats_of_many(&self, many: usize) -> Result {
        let commands: Vec<String> = (0..many)
            .map(|number| {
                format!("lvcreate --activate n --type thin -V 8m --thinpool pool -n many{number} {}", self.group.name())
            })
            .collect();
        for part in commands.chunks(50) {
            self.group.lvm(&part.iter().map(String::as_str).collect::<Vec<_>>())?;
        }
        let (mut stats, mut bare) = (vec![], vec![]);
        for round in 0..=self.rounds {
            let took = timed(self.driver.stats(&ctx())).await?;
            let report = self.bare("lvs", &["--reportformat", "json", self.group.name()]).await?;
            if round > 0 {
                stats.push(took);
                bare.push(report);
            }
        }
        self.told(&format!("stats with {many} volumes"), median(stats), "lvs", median(bare))
    }

    async fn bare(&self, name: &'static str, arguments: &[&str]) -> Result<Duration> {
        let program = Program::find(name)?;
        let run = program.run(arguments.iter().copied()).env("LVM_SYSTEM_DIR", self.group.settings());
        let run =
            if std::path::Path::new("/run/udev/control").exists() { run } else { run.env("DM_DISABLE_UDEV", "1") };
        timed(run.output(&ctx())).await
    }

    fn told(&self, what: &str, ours: Duration, floor: &str, bare: Duration) -> Result {
        let ratio = ours.as_secs_f64() / bare.as_secs_f64();
        let (ours, bare) = (ours.as_secs_f64() * 1e3, bare.as_secs_f64() * 1e3);
        let mut out = std::io::stdout();
        if self.json {
            writeln!(out, "{}", json!({ "what": what, "ms": ours, "floor": floor, "floor_ms": bare, "ratio": ratio }))?;
        } else {
            writeln!(out, "{what:34} {ours:9.1} ms   {floor:14} {bare:9.1} ms   {ratio:5.2} x")?;
        }
        Ok(())
    }
}

fn spec() -> Result<VolumeSpec> {
    let volume = VolumeRef { id: VolumeId::new(), pool: "pool".parse()? };
    Ok(VolumeSpec { volume, size: ByteCount::new(64 * MIB)?, extra_specs: std::collections::BTreeMap::new() })
}

async fn timed<T, E: std::fmt::Display>(work: impl Future<Output = std::result::Result<T, E>>) -> Result<Duration> {
    let begun = Instant::now();
    work.await.map_err(|error| error.to_string())?;
    Ok(begun.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ctx() -> OpCtx {
    OpCtx::new(OpId::new(), Duration::from_secs(120), CancellationToken::new())
}

//! A whole service in a directory of its own: its configuration, its database, its backends.

use std::{
    fmt::Write,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use ashlar_common::{
    config::Config,
    driver::OpCtx,
    exec::Program,
    ids::{BackendName, OpId},
    store::Store,
};
use ashlar_lab::postgres::{Database, Server};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    content::{self, Sum},
    ground::Ground,
    keep::{Command, Role},
    options::StoreKind,
};

const SERVICE: &str = "ashlar";
const COMPARE_LIMIT: Duration = Duration::from_secs(300);
/// The one image, and the seed of its bytes.
const IMAGE: (&str, u64) = ("5a5a5a5a-0000-4000-8000-000000000001", 77);
/// Calls that wait for a host give up after so long, since some wait for one that is held still.
const ATTACH_SECONDS: u32 = 15;

/// A backend of the site.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Its name.
    pub name: BackendName,
    /// What it is made on.
    pub ground: Arc<dyn Ground>,
}

/// Where a service has everything.
#[derive(Debug)]
pub struct Site {
    folder: tempfile::TempDir,
    programs: PathBuf,
    backends: Vec<Backend>,
    apis: Vec<SocketAddr>,
    /// Dropped before its server.
    database: Option<Database>,
    server: Option<Server>,
}

impl Site {
    /// Makes one below `directory`; `backends` says what each is to be, given the site's folder.
    ///
    /// # Errors
    /// Programs are missing, the disk is full, PostgreSQL is not installed.
    pub fn make(
        kind: StoreKind,
        directory: &Path,
        programs: &Path,
        apis: u32,
        backends: impl FnOnce(&Path) -> Result<Vec<Backend>>,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("storm-").tempdir_in(directory)?;
        let server = match kind {
            StoreKind::Sqlite => None,
            StoreKind::Postgres => Some(Server::start_quick(folder.path())?),
        };
        let database = server.as_ref().map(Server::database).transpose()?;
        let backends = backends(folder.path())?;
        for program in backends.iter().map(driver).chain([SERVICE.to_owned()]) {
            ensure!(programs.join(&program).is_file(), "no {program} in {}: build the workspace", programs.display());
        }
        let apis = (0..apis).map(|_| free_port()).collect::<Result<_>>()?;
        let site = Self { folder, programs: programs.to_owned(), backends, apis, database, server };
        fs::create_dir(site.path("images"))?;
        content::write_image(&site.path("images").join(format!("{}.raw", IMAGE.0)), IMAGE.1)?;
        fs::write(site.config(), site.text()?)?;
        Ok(site)
    }

    /// Something in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The configuration file, which is in the arguments of each of its processes and of no others.
    pub fn config(&self) -> PathBuf {
        self.path("ashlar.toml")
    }

    /// Where its API processes listen.
    pub fn apis(&self) -> &[SocketAddr] {
        &self.apis
    }

    /// Its backends.
    pub fn backends(&self) -> &[Backend] {
        &self.backends
    }

    /// Its database server, where it has one.
    pub fn server(&mut self) -> Option<&mut Server> {
        self.server.as_mut()
    }

    /// Keeps its folder for people to look into; says where it is.
    pub fn keep_folder(&mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }

    /// The image's id, and what a volume made of it holds.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn image(&self) -> Result<(String, Sum)> {
        let path = self.path("images").join(format!("{}.raw", IMAGE.0));
        Ok((IMAGE.0.to_owned(), content::checksum(&path)?))
    }

    /// Opens the store, beside the processes that have it open.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn store(&self) -> Result<Store> {
        let config = Config::load(&self.config())?;
        config.make_directories()?;
        Ok(Store::open(&config.store_location()).await?)
    }

    /// The commands of all its processes: each API process, and two hosts a backend.
    pub fn commands(&self) -> Vec<Command> {
        let config = self.config().into_os_string();
        let mut commands = Vec::new();
        for address in &self.apis {
            let mut words = vec![self.programs.join(SERVICE).into_os_string()];
            words.extend(["serve", "--no-hosts", "--log", "warn", "--listen"].map(Into::into));
            words.extend([address.to_string().into(), "--config".into(), config.clone()]);
            commands.push(Command { role: Role::Api(*address), words });
        }
        for backend in self.backends.iter().flat_map(|backend| [backend, backend]) {
            let mut words = vec![self.programs.join(driver(backend)).into_os_string()];
            words.extend(["run", "--until-stdin-closes", "--log", "warn", "--backend"].map(Into::into));
            words.extend([backend.name.as_str().into(), "--config".into(), config.clone()]);
            commands.push(Command { role: Role::Host(backend.name.clone()), words });
        }
        commands
    }

    /// Where records and backend differ, by the driver's own word.
    ///
    /// # Errors
    /// It does not say.
    pub async fn differences(&self, backend: &Backend) -> Result<Value> {
        let program = Program::at("the driver", self.programs.join(driver(backend)))?;
        let ctx = OpCtx::new(OpId::new(), COMPARE_LIMIT, CancellationToken::new());
        let run = program.run(["compare", "--backend", backend.name.as_str(), "--config"]).arg(self.config());
        let output = run.accept([0, 1]).output(&ctx).await?;
        serde_json::from_slice(&output.stdout).context("`compare` prints JSON")
    }

    fn text(&self) -> Result<String> {
        let mut text = format!(
            "state_directory = {:?}\n\
             api = {{ attach_timeout_seconds = {ATTACH_SECONDS} }}\n\
             host = {{ stats_interval_seconds = 1 }}\n\
             images = {{ directory = {:?} }}\n",
            self.path("state"),
            self.path("images"),
        );
        if let Some(database) = &self.database {
            let password = database.address().password_file();
            writeln!(text, "store = {{ url = {:?}, password_file = {password:?} }}", database.url())?;
        }
        for Backend { name, ground } in &self.backends {
            let (driver, options) = (ground.driver(), ground.options());
            writeln!(text, "[backends.{name}]\ndriver = '{driver}'\n[backends.{name}.options]\n{options}")?;
        }
        Ok(text)
    }
}

fn driver(backend: &Backend) -> String {
    format!("ashlar-driver-{}", backend.ground.driver())
}

/// A port that was free a moment ago, below those that the system gives to clients: while a process is down, none of its
/// clients gets its port.
fn free_port() -> Result<SocketAddr> {
    let mut random = fastrand::Rng::new();
    let mut drawn = std::iter::repeat_with(|| SocketAddr::from((Ipv4Addr::LOCALHOST, random.u16(12_000..20_000))));
    drawn.by_ref().take(1000).find(|address| TcpListener::bind(address).is_ok()).context("there is no free port")
}

//! A service in a temporary directory: started, asked, killed and started again.

use std::{
    ffi::OsString,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use ashlar_common::{
    driver::OpCtx,
    exec::{Daemon, Program},
    ids::OpId,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// Nothing here takes a tenth of this; a case that waits longer has found a fault.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct Service {
    folder: Arc<tempfile::TempDir>,
    port: u16,
    /// More words of its command line.
    words: Vec<String>,
    agent: ureq::Agent,
    running: Option<Daemon>,
}

/// A status code and a body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Service {
    /// A service with one local backend, started and with room reported.
    pub(crate) async fn start() -> Self {
        let mut service = Self::prepared("", &[]);
        service.run().await;
        service
    }

    /// The same, not started yet: with more lines of configuration, and more words on the command line.
    pub(crate) fn prepared(more: &str, words: &[&str]) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a temporary directory"));
        let port = free_port();
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let service = Self { folder, port, words, agent: agent(), running: None };
        std::fs::create_dir(service.path("volumes")).expect("a directory");
        let text = format!(
            "state_directory = {:?}\n\
             api = {{ listen = '127.0.0.1:{port}' }}\n\
             images = {{ directory = {:?} }}\n\
             host.stats_interval_seconds = 1\n\
             {more}\n\
             [backends.disk]\n\
             driver = 'local'\n\
             options = {{ path = {:?} }}\n",
            service.path("state"),
            service.path("images"),
            service.path("volumes"),
        );
        std::fs::write(service.config(), text).expect("written");
        service
    }

    /// One more API process over the same store, on a port of its own and without hosts.
    pub(crate) async fn beside(&self) -> Self {
        let port = free_port();
        let words = vec!["--no-hosts".to_owned(), "--listen".to_owned(), format!("127.0.0.1:{port}")];
        let mut other = Self { folder: Arc::clone(&self.folder), port, words, agent: agent(), running: None };
        other.run().await;
        other
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("ashlar.toml")
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}/v3/demo", self.port)
    }

    /// Starts the program and waits until it can place volumes.
    pub(crate) async fn run(&mut self) {
        let program = Path::new(env!("CARGO_BIN_EXE_ashlar"));
        let driver = driver_program();
        assert!(driver.exists(), "{} is missing: build the workspace first", driver.display());
        let args = ["serve", "--log", "warn", "--config"].map(OsString::from).into_iter().chain([self.config().into()]);
        let args = args.chain(self.words.iter().map(Into::into));
        self.running = Some(Daemon::start(program, args).expect("started"));
        self.until("the service answers and its pool has reported", |service| {
            let answer = service.try_ask("GET", "/scheduler-stats/get_pools?detail=true", None, "3.0")?;
            (answer.status == 200 && answer.body["pools"].as_array().is_some_and(|pools| !pools.is_empty()))
                .then_some(())
        })
        .await;
    }

    /// Kills the API process as a power cut would.
    pub(crate) async fn kill(&mut self) {
        let mut daemon = self.running.take().expect("it runs");
        if let Some(pid) = daemon.pid() {
            kill(pid);
        }
        daemon.ended().await.expect("it ended");
    }

    /// Kills the API process, and leaves its burial to [`Service::kill`].
    pub(crate) fn signal_kill(&self) {
        kill(self.running.as_ref().and_then(Daemon::pid).expect("it runs"));
    }

    /// Kills the host of the backend, whose process id is in the store. Its supervisor starts another.
    pub(crate) async fn kill_host(&self) {
        if let Some(pid) = self.host_pid().await {
            kill(pid);
        }
    }

    async fn host_pid(&self) -> Option<u32> {
        let store = ashlar_common::store::Store::open_file(&self.path("state/store.sqlite")).await.expect("a store");
        let host = store.read().await.expect("a view").hosts().await.expect("hosts").pop()?;
        store.close().await;
        let pid: u32 = host.holder.rsplit(':').next()?.parse().ok()?;
        // Only a process that is our host: the id may have been given to another since.
        let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
        command.contains(&*self.config().to_string_lossy()).then_some(pid)
    }

    /// Ends the service as an operator would.
    pub(crate) async fn stop(&mut self) {
        let mut daemon = self.running.take().expect("it runs");
        let pid = i32::try_from(daemon.pid().expect("it runs")).expect("a process id");
        kill_process(Pid::from_raw(pid).expect("not zero"), Signal::TERM).expect("it can be told");
        let status = tokio::time::timeout(PATIENCE, daemon.ended()).await.expect("in time").expect("it ended");
        assert!(status.success(), "{status}");
    }

    /// One request; panics when the service is not there.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<Value>, version: &str) -> Answer {
        self.try_ask(method, path, body, version).unwrap_or_else(|| panic!("no answer to {method} {path}"))
    }

    /// One request; `None` when the service is not there or goes away meanwhile.
    pub(crate) fn try_ask(&self, method: &str, path: &str, body: Option<Value>, version: &str) -> Option<Answer> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.endpoint()))
            .header("X-Auth-Token", "admin:demo")
            .header("OpenStack-API-Version", format!("volume {version}"))
            .header("Content-Type", "application/json");
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = request.body(bytes).expect("a request");
        let mut response = self.agent.run(request).ok()?;
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string().ok()?;
        Some(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) })
    }

    /// A figure of its metrics.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let url = format!("http://127.0.0.1:{}/metrics", self.port);
        let mut response = self.agent.get(url).call().expect("an answer");
        let text = response.body_mut().read_to_string().expect("text");
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}: {text}"));
        line.rsplit(' ').next().and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{line}"))
    }

    /// Waits until `look` finds something.
    pub(crate) async fn until<T>(&self, what: &str, look: impl Fn(&Self) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(Instant::now() < deadline, "not in time: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a volume has one of these statuses; fails at once when it ends in another that stays.
    pub(crate) async fn volume_is(&self, id: &str, wanted: &str) {
        self.until(&format!("volume {id} is {wanted}"), |service| {
            let answer = service.ask("GET", &format!("/volumes/{id}"), None, "3.0");
            let status = answer.body["volume"]["status"].as_str().unwrap_or("gone").to_owned();
            if status.starts_with("error") && wanted != status {
                let told = service.ask("GET", "/messages", None, "3.3").body;
                panic!("volume {id} is {status}, not {wanted}: {told}");
            }
            (status == wanted).then_some(())
        })
        .await;
    }

    /// Makes a volume of 1 GiB and waits for it.
    pub(crate) async fn volume(&self, body: Value) -> String {
        let answer = self.ask("POST", "/volumes", Some(serde_json::json!({ "volume": body })), "3.0");
        assert_eq!(answer.status, 202, "{}", answer.body);
        let id = answer.body["volume"]["id"].as_str().expect("an id").to_owned();
        self.volume_is(&id, "available").await;
        id
    }

    /// Attaches a volume, hands its path to `with`, and detaches it.
    pub(crate) async fn attached<T>(&self, volume: &str, with: impl FnOnce(&Path) -> T) -> T {
        let body = serde_json::json!({ "attachment": {
            "volume_uuid": volume, "connector": { "host": "test" }, "instance_uuid": uuid::Uuid::new_v4(),
        } });
        let answer = self.ask("POST", "/attachments", Some(body), "3.44");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let attachment = &answer.body["attachment"];
        let path = attachment["connection_info"]["device_path"].as_str().expect("a path");
        let result = with(Path::new(path));
        let id = attachment["id"].as_str().expect("an id");
        assert_eq!(self.ask("DELETE", &format!("/attachments/{id}"), None, "3.44").status, 200);
        assert!(!Path::new(path).exists(), "the path is gone with the attachment");
        result
    }

    /// What differs between the store's records and the backend, by the driver's own word.
    pub(crate) async fn differences(&self) -> Value {
        let program = Program::at("the local driver", driver_program()).expect("built");
        let ctx = OpCtx::new(OpId::new(), PATIENCE, CancellationToken::new());
        let run = program.run(["compare", "--backend", "disk", "--config"]).arg(self.config()).accept([0, 1]);
        let output = run.output(&ctx).await.expect("it compares");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE));
    config.build().new_agent()
}

/// Where the workspace build puts the driver: beside the service.
pub(crate) fn driver_program() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_ashlar")).with_file_name("ashlar-driver-local")
}

fn kill(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).expect("a process id")).expect("not zero");
    // It may have died by itself just now, which is as good.
    let _ = kill_process(pid, Signal::KILL);
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

//! Hosts that stand by take over from those that are killed, stopped or told to end, on one machine and on two.

use std::{ffi::OsString, path::PathBuf};

use ashlar_common::{
    config::Config,
    exec::Daemon,
    store::{Store, members::MemberRecord},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::harness::{PATIENCE, Service, driver_program};

/// Long enough for a machine that has much else to do, short enough to be waited for.
const LEASE: &str = "host.lease_seconds = 4\n";
/// Killed, as the exit status tells it.
const KILLED: Option<i32> = Some(9);
/// The exit code of a host that was fenced.
const FENCED: Option<i32> = Some(4);

/// A host that was started by hand, as on a machine of its own.
struct Host {
    daemon: Daemon,
    pid: u32,
}

impl Host {
    fn start(config: &std::path::Path) -> Self {
        let args = ["run", "--until-stdin-closes", "--backend", "disk", "--config"].map(OsString::from);
        let daemon = Daemon::start(&driver_program(), args.into_iter().chain([config.into()])).expect("started");
        let pid = daemon.pid().expect("it runs");
        Self { daemon, pid }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid).expect("a process id")).expect("not zero");
        kill_process(pid, signal).expect("it is there");
    }

    /// Its exit code, or the signal that killed it.
    async fn ended(mut self) -> (Option<i32>, Option<i32>) {
        let status = tokio::time::timeout(PATIENCE, self.daemon.ended()).await.expect("in time").expect("it ended");
        (status.code(), std::os::unix::process::ExitStatusExt::signal(&status))
    }

    /// Tells it to end as a service does.
    async fn stop(self) {
        let status = self.daemon.stop(PATIENCE).await.expect("it ended");
        assert!(status.success(), "{status}");
    }
}

async fn members(config: &std::path::Path) -> Vec<MemberRecord> {
    let config = Config::load(config).expect("a configuration");
    let store = Store::open(&config.store_location()).await.expect("a store");
    let members = store.read().await.expect("a view").members().await.expect("members");
    store.close().await;
    members
}

/// Waits until this host and no other serves.
async fn serves(config: &std::path::Path, host: &Host) {
    let serving = async {
        loop {
            let members = members(config).await;
            if let [one] = &members[..]
                && one.holder.ends_with(&format!(":{}", host.pid))
            {
                return;
            }
            assert!(members.len() <= 1, "one at a time: {members:?}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, serving).await.expect("in time");
}

/// A service without hosts, and the first of those that the case starts.
async fn service(more: &str) -> (Service, Host) {
    let mut service = Service::prepared(&format!("{LEASE}{more}"), &["--no-hosts"]);
    let host = Host::start(&service.config());
    service.run().await;
    serves(&service.config(), &host).await;
    (service, host)
}

/// The configuration of another machine: with a state directory of its own, on the same store and backend.
fn elsewhere(service: &Service) -> PathBuf {
    let text = std::fs::read_to_string(service.config()).expect("a configuration");
    let (here, there) = (format!("{:?}", service.path("state")), format!("{:?}", service.path("state-elsewhere")));
    assert!(text.contains(&here), "{text}");
    let path = service.path("elsewhere.toml");
    std::fs::write(&path, text.replace(&here, &there)).expect("written");
    path
}

fn on(database: &ashlar_lab::postgres::Database) -> String {
    let password = database.address().password_file();
    format!("store = {{ url = {:?}, password_file = {password:?} }}\n", database.url())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_stand_bys_one_follows_a_killed_host_and_the_other_that_one() {
    let (mut service, first) = service("").await;
    let kept = service.volume(json!({ "size": 1 })).await;
    let (second, third) = (Host::start(&service.config()), Host::start(&service.config()));
    first.signal(Signal::KILL);
    assert_eq!(first.ended().await, (None, KILLED));
    service.volume(json!({ "size": 1 })).await;
    let serving = members(&service.config()).await;
    assert_eq!(serving.len(), 1, "{serving:?}");
    let (serving, other) =
        if serving[0].holder.ends_with(&format!(":{}", second.pid)) { (second, third) } else { (third, second) };
    serving.stop().await;
    serves(&service.config(), &other).await;
    service.volume(json!({ "size": 1 })).await;
    service.volume_is(&kept, "available").await;
    other.stop().await;
    assert_eq!(members(&service.config()).await, [], "who ends says so");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_hangs_is_killed_before_another_of_its_machine_takes_over() {
    let (mut service, first) = service("").await;
    let second = Host::start(&service.config());
    first.signal(Signal::STOP);
    service.volume(json!({ "size": 1 })).await;
    serves(&service.config(), &second).await;
    assert_eq!(first.ended().await, (None, KILLED), "stopped processes end only when they are killed");
    second.stop().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_of_another_machine_that_hung_and_goes_on_finds_that_it_is_fenced() {
    let database = ashlar_lab::postgres::database().expect("a server");
    let (mut service, first) = service(&on(&database)).await;
    let elsewhere = elsewhere(&service);
    let second = Host::start(&elsewhere);
    first.signal(Signal::STOP);
    let id = service.volume(json!({ "size": 1 })).await;
    serves(&elsewhere, &second).await;
    first.signal(Signal::CONT);
    assert_eq!(first.ended().await, (FENCED, None));
    service.volume_is(&id, "available").await;
    assert!(service.differences().await.as_object().expect("lists").values().all(|list| list == &json!([])));
    second.stop().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_of_another_machine_follows_a_killed_one_and_is_woken_by_the_server() {
    let database = ashlar_lab::postgres::database().expect("a server");
    let (mut service, first) = service(&on(&database)).await;
    let elsewhere = elsewhere(&service);
    let second = Host::start(&elsewhere);
    first.signal(Signal::KILL);
    assert_eq!(first.ended().await, (None, KILLED));
    let id = service.volume(json!({ "size": 1 })).await;
    serves(&elsewhere, &second).await;
    // Attaching waits for the host of the other machine, which has no socket here.
    service.attached(&id, |path| assert!(path.exists(), "{}", path.display())).await;
    assert!(service.metric("ashlar_wakeups_total") > 0, "woken by way of the server");
    second.stop().await;
    service.stop().await;
}

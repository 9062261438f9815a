//! Several API processes over one store and one host.

use serde_json::json;

use crate::harness::Service;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_makes_the_other_attaches() {
    let mut service = Service::start().await;
    let mut other = service.beside().await;
    let id = service.volume(json!({ "size": 1, "name": "shared" })).await;
    other.volume_is(&id, "available").await;
    // Attaching waits for the host, which wakes both processes; each through its own socket.
    other.attached(&id, |path| assert!(path.exists(), "{}", path.display())).await;
    service.attached(&id, |path| assert!(path.exists(), "{}", path.display())).await;
    for process in [&service, &other] {
        assert!(process.metric("ashlar_wakeups_total") > 0, "calls were answered by polling alone");
    }
    other.stop().await;
    service.volume_is(&id, "available").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_one_leaves_nothing_behind() {
    let mut service = Service::start().await;
    let mut other = service.beside().await;
    service.until("both listen", |service| (sockets(service) == 2).then_some(())).await;
    other.kill().await;
    let heard = service.metric("ashlar_wakeups_total");
    let id = service.volume(json!({ "size": 1 })).await;
    // Whoever rang for that found that nobody is there.
    service.until("its socket is gone", |service| (sockets(service) == 1).then_some(())).await;
    service.attached(&id, |_| ()).await;
    assert!(service.metric("ashlar_wakeups_total") > heard);
    service.stop().await;
    assert_eq!(sockets(&service), 0);
}

/// The sockets of API processes.
fn sockets(service: &Service) -> usize {
    let entries = std::fs::read_dir(service.path("state/run")).expect("a run directory");
    let names = entries.map(|entry| entry.expect("read").file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("api-")).count()
}

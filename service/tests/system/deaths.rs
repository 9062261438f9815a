//! Real processes that kill themselves at each point of death, in turn: what was asked for is done once, whole.
//!
//! The manager's own tests kill at each point of each request, on a backend in memory; this shows that processes die there
//! as those suppose, with locks, sockets and files.

use std::os::unix::process::ExitStatusExt;

use ashlar_common::points::Point;
use serde_json::{Value, json};

use crate::{
    data,
    harness::{PATIENCE, Service},
};

/// A local backend is never away, so no operation on it is ever deferred.
const NOT_REACHED: [Point; 2] = [Point::Deferring, Point::Deferred];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_for_is_done_once_wherever_a_process_dies() {
    let mut service = Service::start().await;
    let base = service.volume(json!({ "size": 1, "name": "base" })).await;
    let sum = service
        .attached(&base, |path| {
            data::write(path, 1);
            data::checksum(path)
        })
        .await;
    service.stop().await;
    service.words(&["--no-hosts"]);
    service.run().await;
    for point in Point::ALL.iter().filter(|point| !NOT_REACHED.contains(point)) {
        let name = point.name();
        match *point {
            Point::Logged | Point::TakenIn | Point::Rung => {
                api_dies(&mut service, *point, &base).await;
                let host = service.host(&[]);
                // A transaction that was not committed left nothing; the client, who heard nothing, asks again.
                if *point == Point::Logged {
                    assert!(service.named(name).is_empty(), "{point}");
                    clone(&service, &base, name).expect("an answer");
                }
                assert_clone(&service, name, sum).await;
                host.stop(PATIENCE).await.expect("it stops");
            }
            Point::Between => cascade_dies(&service, &base, *point).await,
            _ => {
                clone(&service, &base, name).expect("an answer");
                // A host looks at the backend only where one before it had claimed the operation.
                if *point == Point::Inspected {
                    host_dies(&service, Point::Claimed).await;
                }
                host_dies(&service, *point).await;
                let host = service.host(&[]);
                assert_clone(&service, name, sum).await;
                host.stop(PATIENCE).await.expect("it stops");
            }
        }
        assert_eq!(service.reconciled().await, json!([{ "backend": "disk", "findings": [] }]), "{point}");
    }
    service.stop().await;
}

fn clone(service: &Service, base: &str, name: &str) -> Option<String> {
    let body = json!({ "volume": { "source_volid": base, "name": name } });
    let answer = service.try_ask("POST", "/volumes", Some(body), "3.0")?;
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.body["volume"]["id"].as_str().map(str::to_owned)
}

/// The one volume of that name is there, with the bytes of what it was made from.
async fn assert_clone(service: &Service, name: &str, sum: u64) {
    let found = service.named(name);
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    service.volume_is(&found[0], "available").await;
    assert_eq!(service.attached(&found[0], data::checksum).await, sum, "{name}");
}

/// The API dies while it takes a request in, and comes again.
async fn api_dies(service: &mut Service, point: Point, base: &str) {
    service.stop().await;
    service.words(&["--no-hosts", "--die-at", point.name()]);
    service.run().await;
    assert_eq!(clone(service, base, point.name()), None, "{point}: the client hears no answer");
    service.kill().await;
    service.words(&["--no-hosts"]);
    service.run().await;
}

/// A host starts, and comes to `point`.
async fn host_dies(service: &Service, point: Point) {
    let mut host = service.host(&["--die-at", point.name()]);
    let ended = tokio::time::timeout(PATIENCE, host.ended()).await;
    let status = ended.unwrap_or_else(|_| panic!("it never came to {point}")).expect("it ended");
    assert_eq!(status.signal(), Some(9), "{point}: {status}");
}

/// A host dies between the removal of a volume's snapshots.
async fn cascade_dies(service: &Service, base: &str, point: Point) {
    let host = service.host(&[]);
    let id = clone(service, base, point.name()).expect("an answer");
    service.volume_is(&id, "available").await;
    for _ in 0..2 {
        let body = json!({ "snapshot": { "volume_id": id } });
        assert_eq!(service.ask("POST", "/snapshots", Some(body), "3.0").status, 202);
    }
    let settled = |service: &Service| {
        let snapshots = service.ask("GET", "/snapshots/detail", None, "3.0").body;
        let all =
            snapshots["snapshots"].as_array().is_some_and(|all| all.iter().all(|one| one["status"] == "available"));
        all.then_some(())
    };
    service.until("both are taken", settled).await;
    host.stop(PATIENCE).await.expect("it stops");

    assert_eq!(service.ask("DELETE", &format!("/volumes/{id}?cascade=true"), None, "3.0").status, 202);
    host_dies(service, point).await;
    let host = service.host(&[]);
    let gone = |service: &Service| service.named(point.name()).is_empty().then_some(());
    service.until("the volume is gone", gone).await;
    assert_eq!(service.ask("GET", "/snapshots/detail", None, "3.0").body["snapshots"], Value::Array(Vec::new()));
    host.stop(PATIENCE).await.expect("it stops");
}

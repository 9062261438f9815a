//! The service and its host killed in the middle of work: nothing is lost, nothing is stuck, nothing is left over.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use crate::{
    data,
    harness::{Answer, Service},
};

const KILLS: u64 = 20;
/// Volumes with known bytes, from which the others are made.
const BASES: u64 = 3;
/// A round that finds more volumes removes some.
const PLENTY: usize = 20;

/// Clients at once in a round, and requests of each.
const CLIENTS: usize = 6;
const STEPS: usize = 6;

/// Who dies.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Api,
    Host,
    Both,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_kills_in_the_middle_of_work_lose_nothing() {
    let mut service = Service::start().await;
    let mut expected = BTreeMap::new();
    let mut bases = Vec::new();
    for base in 0..BASES {
        let id = service.volume(json!({ "size": 1, "name": "base", "metadata": { "bytes": base.to_string() } })).await;
        let sum = service
            .attached(&id, |path| {
                data::write(path, base);
                data::checksum(path)
            })
            .await;
        expected.insert(base.to_string(), sum);
        bases.push(id);
    }
    let mut interrupted = 0;
    for seed in 0..KILLS {
        let mut random = fastrand::Rng::with_seed(seed);
        let victim = random.choice([Victim::Api, Victim::Host, Victim::Both]).expect("one of three");
        let after = Duration::from_millis(random.u64(5..120));
        interrupted += u64::from(work_and_kill(&mut service, &bases, &mut random, victim, after).await > 0);
        settle(&service, seed).await;
        let context = format!("seed {seed}: {victim:?} killed after {after:?}");
        assert_sound(&service, &context).await;
    }
    let volumes = list(&service);
    println!("{} volumes after {KILLS} kills, of which {interrupted} met operations under way", volumes.len());
    assert!(interrupted >= KILLS / 4, "kills that meet no work prove nothing: {interrupted} of {KILLS}");
    for volume in volumes {
        let bytes = volume["metadata"]["bytes"].as_str().expect("each says what it holds");
        let id = volume["id"].as_str().expect("an id");
        let sum = service.attached(id, data::checksum).await;
        assert_eq!(Some(&sum), expected.get(bytes), "volume {volume}");
    }
    service.stop().await;
}

/// Sends requests from several threads, and kills in their midst. A request that gets no answer may have been taken in
/// or not; what is there afterwards says which, since every volume carries in its metadata what it must hold.
async fn work_and_kill(
    service: &mut Service,
    bases: &[String],
    random: &mut fastrand::Rng,
    victim: Victim,
    after: Duration,
) -> u64 {
    let existing = list(service);
    let plans: Vec<Vec<Step>> = (0..CLIENTS).map(|_| plan(bases, &existing, random)).collect();
    let shared = &*service;
    let open = std::thread::scope(|scope| {
        for steps in &plans {
            scope.spawn(move || {
                for step in steps {
                    step.send(shared);
                }
            });
        }
        let killer = scope.spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            std::thread::sleep(after);
            if let Victim::Host | Victim::Both = victim {
                runtime.block_on(shared.kill_host());
            }
            if let Victim::Api | Victim::Both = victim {
                shared.signal_kill();
            }
            runtime.block_on(open_operations(shared))
        });
        killer.join().expect("the killer ends")
    });
    if let Victim::Api | Victim::Both = victim {
        service.kill().await;
        service.run().await;
    }
    open
}

/// Operations that are logged and have not ended.
async fn open_operations(service: &Service) -> u64 {
    let store = ashlar_common::store::Store::open_file(&service.path("state/store.sqlite")).await.expect("a store");
    let counts = store.read().await.expect("a view").operation_counts().await.expect("counts");
    store.close().await;
    counts.iter().filter(|(_, phase, _)| phase == "pending" || phase == "running").map(|row| row.2).sum()
}

/// One request of a client.
#[derive(Debug)]
enum Step {
    Clone { base: usize, id: String },
    Snapshot { volume: String },
    Extend { volume: String },
    Delete { volume: String },
    AttachAndDetach { volume: String },
}

fn plan(bases: &[String], existing: &[Value], random: &mut fastrand::Rng) -> Vec<Step> {
    let others: Vec<String> = existing
        .iter()
        .filter(|volume| volume["name"] != "base")
        .filter_map(|volume| volume["id"].as_str().map(str::to_owned))
        .collect();
    let mut steps = Vec::new();
    for _ in 0..STEPS {
        let base = random.usize(0..bases.len());
        let clone = Step::Clone { base, id: bases[base].clone() };
        let step = match (random.choice(&others).cloned(), random.u8(0..6)) {
            // This file system cannot freeze a volume that a client holds, so no volume has both.
            (Some(volume), 0) if !for_clients(&volume) => Step::Snapshot { volume },
            (Some(volume), 1) => Step::Extend { volume },
            (Some(volume), 2) => Step::Delete { volume },
            (Some(volume), 3) if for_clients(&volume) => Step::AttachAndDetach { volume },
            (Some(volume), _) if others.len() > PLENTY => Step::Delete { volume },
            _ => clone,
        };
        steps.push(step);
    }
    steps
}

/// Half of the volumes: those that clients attach. The others have snapshots.
fn for_clients(volume: &str) -> bool {
    volume.as_bytes()[0].is_ascii_digit()
}

impl Step {
    /// Sends it. Refusals are fine: others are at work on the same volumes.
    fn send(&self, service: &Service) -> Option<Answer> {
        match self {
            Self::Clone { base, id } => {
                let body = json!({ "volume": { "source_volid": id, "metadata": { "bytes": base.to_string() } } });
                service.try_ask("POST", "/volumes", Some(body), "3.0")
            }
            Self::Snapshot { volume } => {
                service.try_ask("POST", "/snapshots", Some(json!({ "snapshot": { "volume_id": volume } })), "3.0")
            }
            Self::Extend { volume } => {
                let body = json!({ "os-extend": { "new_size": 2 } });
                service.try_ask("POST", &format!("/volumes/{volume}/action"), Some(body), "3.0")
            }
            Self::Delete { volume } => {
                service.try_ask("DELETE", &format!("/volumes/{volume}?cascade=true"), None, "3.0")
            }
            Self::AttachAndDetach { volume } => {
                let body = json!({ "attachment": { "volume_uuid": volume, "connector": { "host": "test" } } });
                let answer = service.try_ask("POST", "/attachments", Some(body), "3.44")?;
                let id = answer.body["attachment"]["id"].as_str()?.to_owned();
                service.try_ask("DELETE", &format!("/attachments/{id}"), None, "3.44")
            }
        }
    }
}

fn list(service: &Service) -> Vec<Value> {
    let answer = service.ask("GET", "/volumes/detail", None, "3.0");
    answer.body["volumes"].as_array().expect("a list").clone()
}

/// Waits until every operation has ended, then ends the attachments whose clients were cut off.
async fn settle(service: &Service, seed: u64) {
    let deadline = std::time::Instant::now() + crate::harness::PATIENCE;
    while open_operations(service).await > 0 {
        assert!(std::time::Instant::now() < deadline, "seed {seed}: operations that never end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let attachments = service.ask("GET", "/attachments/detail", None, "3.44").body;
    for attachment in attachments["attachments"].as_array().expect("a list") {
        let id = attachment["id"].as_str().expect("an id");
        assert_eq!(service.ask("DELETE", &format!("/attachments/{id}"), None, "3.44").status, 200, "seed {seed}");
    }
}

/// No volume or snapshot is at work, in error or lost, and the backend holds what the store says.
async fn assert_sound(service: &Service, context: &str) {
    for volume in list(service) {
        assert_eq!(volume["status"], "available", "{context}: {volume}");
    }
    let snapshots = service.ask("GET", "/snapshots/detail", None, "3.0").body;
    for snapshot in snapshots["snapshots"].as_array().expect("a list") {
        assert_eq!(snapshot["status"], "available", "{context}: {snapshot}");
    }
    let differences = service.differences().await;
    let none = differences.as_object().expect("lists").values().all(|list| list.as_array().is_some_and(Vec::is_empty));
    assert!(none, "{context}: {differences}");
}

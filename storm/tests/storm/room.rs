//! Three API processes and two hosts at the end of the room: never too much is promised, and nothing is refused that fits.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ashlar_common::{ids::BackendName, store::Store};
use ashlar_conformance::lab::{FileSystem, Lab};
use ashlar_storm::{
    api::{Answer, Api},
    check,
    ground::Directory,
    keep::Keeper,
    options::StoreKind,
    site::{Backend, Site},
    truth::{list, text},
};
use serde_json::json;
use tokio::runtime::Runtime;

const GIB: u64 = 1 << 30;
/// What a pool may promise for each byte of its file system: 20.5 GiB, so that what its own records take makes no
/// difference to how many volumes fit.
const RATIO: u64 = 164;
const UNITS: u64 = 20;
const BACKENDS: [&str; 2] = ["left", "right"];
const CLIENTS: u64 = 8;
/// How often each client gives room back and takes it again.
const ROUNDS: u64 = 8;

/// What a pool may promise.
fn room() -> u64 {
    FileSystem::Tmpfs.bytes() * RATIO
}

struct Pools {
    runtime: Runtime,
    api: Api,
    store: Store,
    keeper: Keeper,
    site: Site,
    /// Last, so that nothing in them is in use when they go.
    _labs: Vec<Lab>,
}

impl Pools {
    fn raise(kind: StoreKind) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("one");
        let raised = BACKENDS.map(|_| runtime.block_on(Lab::new(Some(FileSystem::Tmpfs))).expect("a file system"));
        let labs: Vec<Lab> = raised.into();
        let own = std::env::current_exe().expect("a program");
        let programs = own.ancestors().nth(2).expect("test programs are a folder below the others");
        let backends = |_: &Path| {
            let name = |name: &str| name.parse::<BackendName>();
            let options = format!("max_over_subscription_ratio = {RATIO}.0\n");
            let of = BACKENDS.iter().zip(&labs);
            let ground = |lab: &Lab| Arc::new(Directory { path: lab.path(), more: options.clone() });
            let of = of.map(|(at, lab)| Ok(Backend { name: name(at)?, ground: ground(lab) }));
            of.collect()
        };
        let site = Site::make(kind, &std::env::temp_dir(), programs, 3, backends).expect("a site");
        let keeper = Keeper::start(runtime.handle(), site.commands(), &site.path(""));
        let store = runtime.block_on(site.store()).expect("a store");
        let api = Api::new(site.apis().to_vec());
        let pools = Self { runtime, api, store, keeper, site, _labs: labs };
        pools.runtime.block_on(check::settle(&pools.store, &pools.api, &pools.keeper)).expect("it answers");
        let reported = || match pools.api.send(0, "GET", "/scheduler-stats/get_pools", None) {
            Answer::Done(body) => Ok(body["pools"].as_array().is_some_and(|pools| pools.len() == BACKENDS.len())),
            _ => Ok(false),
        };
        pools.runtime.block_on(check::until("both pools to report", reported)).expect("in time");
        pools
    }

    /// Asks for a volume; its id, and whether a place was found for it.
    fn create(&self, which: u64, size: u64) -> (String, bool) {
        let body = json!({ "volume": { "size": size } });
        let which = usize::try_from(which).expect("small");
        let answer = self.api.send(which, "POST", "/volumes", Some(&body));
        let Answer::Done(body) = answer else { panic!("POST /volumes: {answer:?}") };
        let id = text(&body, "/volume/id").expect("an id").to_owned();
        let Answer::Done(shown) = self.api.send(which, "GET", &format!("/volumes/{id}"), None) else {
            panic!("volume {id} cannot be shown")
        };
        (id, shown["volume"]["status"] != "error")
    }

    /// Removes a volume, and waits until it is gone.
    fn remove(&self, which: u64, id: &str) {
        let which = usize::try_from(which).expect("small");
        let path = format!("/volumes/{id}");
        let available = || match self.api.send(which, "GET", &path, None) {
            Answer::Done(body) => Ok(body["volume"]["status"] != "creating"),
            other => panic!("{other:?}"),
        };
        self.runtime.block_on(check::until("a volume", available)).expect("in time");
        let answer = self.api.send(which, "DELETE", &path, None);
        assert!(matches!(answer, Answer::Done(_)), "{answer:?}");
        let gone = || Ok(matches!(self.api.send(which, "GET", &path, None), Answer::Refused(404, _)));
        self.runtime.block_on(check::until("a volume to go", gone)).expect("in time");
    }

    /// What is promised on each pool, in bytes, as the store has it now.
    fn promised(&self) -> Vec<u64> {
        let read = async { self.store.read().await?.pool_use().await };
        let pools = self.runtime.block_on(read).expect("the store answers");
        pools.iter().map(|pool| pool.provisioned.bytes()).collect()
    }

    /// The most that is left on one of the pools.
    fn left(&self) -> u64 {
        let promised = self.promised();
        let empty = BACKENDS.len() - promised.len();
        let left = promised.into_iter().map(|bytes| room() - bytes).chain(std::iter::repeat_n(room(), empty));
        left.max().expect("there are pools")
    }

    /// Runs clients at once, while somebody watches that no pool ever promises more than it may.
    fn watched<T: Send>(&self, client: impl Fn(u64) -> T + Sync) -> Vec<T> {
        let over = AtomicBool::new(false);
        let client = &client;
        std::thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let promised = self.promised();
                    assert!(promised.iter().all(|bytes| *bytes <= room()), "over-committed: {promised:?}");
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            let threads: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || client(number))).collect();
            let done: Vec<_> = threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
            over.store(true, Ordering::Relaxed);
            watcher.join().expect("never over-committed");
            done.into_iter().map(|done| done.expect("a client ends well")).collect()
        })
    }

    fn remove_all(&self) {
        let ids: Vec<String> = list(&self.api, "volumes").expect("a list").iter().map(id_of).collect();
        let left = Mutex::new(ids);
        self.watched(|client| {
            while let Some(id) = next(&left) {
                self.remove(client, &id);
            }
        });
        assert_eq!(self.promised(), Vec::<u64>::new(), "all room is given back");
    }

    fn end(self) {
        self.runtime.block_on(check::settle(&self.store, &self.api, &self.keeper)).expect("all ends");
        let faults = self.runtime.block_on(check::sound(&self.store, &self.site)).expect("it can be asked");
        assert_eq!(faults, Vec::<String>::new());
        self.runtime.block_on(self.keeper.stop());
        self.runtime.block_on(self.store.close());
        assert_eq!(check::processes(&self.site).expect("a list"), Vec::<u32>::new());
    }
}

fn next<T>(list: &Mutex<Vec<T>>) -> Option<T> {
    list.lock().expect("nobody panicked with it").pop()
}

fn id_of(volume: &serde_json::Value) -> String {
    text(volume, "/id").expect("an id").to_owned()
}

/// As much as there is, to the last GiB, all at once: nobody may be refused. After it everybody must be. Then each gives a
/// volume back and takes one again: as many are asked for as are free, so again nobody may be refused.
fn to_the_last_gib(pools: &Pools) {
    let all = BACKENDS.len() as u64 * UNITS;
    let made: Vec<(String, bool)> = pools
        .watched(|client| (0..all / CLIENTS).map(|_| pools.create(client, 1)).collect::<Vec<_>>())
        .into_iter()
        .flatten()
        .collect();
    let refused = made.iter().filter(|(_, placed)| !placed).count();
    assert_eq!((made.len() as u64, refused), (all, 0), "refused while room was left");
    assert_eq!(pools.promised(), vec![UNITS * GIB; BACKENDS.len()], "all room is promised");

    let more = pools.watched(|client| pools.create(client, 1).1);
    assert_eq!(more, vec![false; more.len()], "nothing is left");

    let held = Mutex::new(made.into_iter().map(|(id, _)| id).collect::<Vec<_>>());
    let refused: u64 = pools
        .watched(|client| {
            let mut refused = 0;
            for round in 0..ROUNDS {
                let id = next(&held).expect("more volumes than clients");
                pools.remove(client, &id);
                let (id, placed) = pools.create(client + round, 1);
                refused += u64::from(!placed);
                held.lock().expect("nobody panicked with it").push(id);
            }
            refused
        })
        .into_iter()
        .sum();
    assert_eq!(refused, 0, "room that was given back was refused");
}

/// Sizes of all kinds at once, until each client was refused; then one by one, where it is plain what fits.
fn of_all_sizes(pools: &Pools) {
    pools.watched(|client| {
        let mut random = fastrand::Rng::with_seed(client);
        while pools.create(random.u64(..), random.u64(2..6)).1 {}
    });
    for size in [5, 4, 3, 2, 1] {
        loop {
            let left = pools.left();
            let (_, placed) = pools.create(size, size);
            assert_eq!(placed, left >= size * GIB, "{size} GiB, with at most {left} B left on one pool");
            if !placed {
                break;
            }
        }
    }
    assert!(pools.left() < GIB, "filled to the last");
}

fn fill(kind: StoreKind) {
    let pools = Pools::raise(kind);
    to_the_last_gib(&pools);
    pools.remove_all();
    of_all_sizes(&pools);
    pools.end();
}

#[test]
fn pools_are_filled_and_never_over_committed_over_a_file() {
    fill(StoreKind::Sqlite);
}

#[test]
fn pools_are_filled_and_never_over_committed_over_a_server() {
    fill(StoreKind::Postgres);
}

//! A client: draws what to ask, asks it, and notes what it was told.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    api::{Answer, Api},
    belief::Belief,
    content::{self, EMPTY, Sum},
    model::{Snapshot, Volume},
    reach::Reached,
    truth::{NOTE, Truth},
};

/// A client with so many volumes removes some.
const PLENTY: usize = 4;
/// A volume with so many snapshots gets no more.
const SNAPSHOTS: usize = 2;
/// Before a client asks again that found nobody there, or a thing not ready.
const PAUSE: Duration = Duration::from_millis(15);
/// How often it looks whether a thing is ready.
const LOOKS: u32 = 100;

/// A volume that all clients make copies of, and nobody changes.
#[derive(Clone, Debug)]
pub struct Base {
    /// Its id.
    pub id: String,
    /// What it holds.
    pub sum: Sum,
}

/// What all clients share.
#[derive(Debug)]
pub struct World {
    /// The service.
    pub api: Api,
    /// Volumes to clone.
    pub bases: Vec<Base>,
    /// The image's id and what it holds.
    pub image: (String, Sum),
    /// What clients say of themselves.
    pub connector: Value,
    /// The round is over.
    pub stop: AtomicBool,
}

/// One client.
#[derive(Debug)]
pub struct Client {
    number: u32,
    random: fastrand::Rng,
    made: u64,
    volumes: Vec<Volume>,
    /// What was not as it must be.
    pub faults: Vec<String>,
}

/// What a client takes from an answer.
enum Told {
    Done(Value),
    Nothing,
    Unknown,
}

impl Client {
    /// Client `number` of the storm with that seed.
    pub fn new(number: u32, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed ^ (u64::from(number) << 32));
        Self { number, random, made: 0, volumes: Vec::new(), faults: Vec::new() }
    }

    /// Asks one thing after the other until the round is over.
    pub fn work(&mut self, world: &World) {
        while !world.stop.load(Ordering::Relaxed) {
            self.step(world);
        }
    }

    /// Names of all that it may have.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.volumes.iter().flat_map(|volume| {
            std::iter::once(volume.name.as_str()).chain(volume.snapshots.iter().map(|snapshot| snapshot.name.as_str()))
        })
    }

    /// Holds all that it was told against what there is.
    pub fn settle(&mut self, truth: &Truth) {
        for volume in &mut self.volumes {
            let faults = volume.settle(truth);
            self.faults.extend(faults);
        }
        self.volumes.retain(|volume| volume.id.is_some());
    }

    /// Looks at the bytes of up to `most` of its volumes, those in doubt first; says at how many.
    pub fn verify(&mut self, world: &World, most: usize) -> usize {
        let mut order: Vec<usize> = (0..self.volumes.len()).collect();
        self.random.shuffle(&mut order);
        order.sort_by_key(|at| self.volumes[*at].sum.certain().is_some());
        order.truncate(most);
        for at in &order {
            self.attached(world, *at, |_| None);
        }
        order.len()
    }

    fn step(&mut self, world: &World) {
        let usable: Vec<usize> = (0..self.volumes.len())
            .filter(|at| !self.volumes[*at].is_doubtful() && self.volumes[*at].there.admits(&true))
            .collect();
        let Some(at) = self.random.choice(usable.iter().copied()) else {
            return self.create(world);
        };
        match self.random.u8(0..100) {
            _ if self.volumes.len() > 2 * PLENTY => self.list(world),
            0..20 if self.volumes.len() <= PLENTY => self.create(world),
            0..26 => self.delete(world, at),
            26..40 => self.snapshot(world, at),
            40..48 => self.extend(world, at),
            48..62 => self.write(world, at),
            62..70 => self.revert(world, at),
            70..78 => self.delete_snapshot(world, at),
            78..90 => self.note(world, at),
            _ => self.list(world),
        }
    }

    fn create(&mut self, world: &World) {
        let (source, size, sum) = self.source(world);
        let name = self.name("v");
        let mut body = json!({ "name": name, "size": size, "metadata": { NOTE: "" } });
        if let Some((key, id)) = source {
            body[key] = json!(id);
        }
        let told = self.ask(world, "POST", "/volumes", Some(json!({ "volume": body })));
        let (there, id) = made(&told, "/volume/id");
        let Some(there) = there else { return };
        self.volumes.push(Volume {
            name,
            id,
            there,
            size: Belief::known(size),
            sum: Belief::known(sum),
            note: Belief::known(String::new()),
            held: Belief::known(false),
            snapshots: Vec::new(),
        });
    }

    /// What a new volume is made from, how large it is at least, and what it will hold.
    fn source(&mut self, world: &World) -> (Option<(&'static str, String)>, u64, Sum) {
        let own = self.volumes.iter().filter(|volume| !volume.is_doubtful() && volume.there.admits(&true));
        let volumes: Vec<_> = own
            .clone()
            .filter_map(|volume| Some((volume.id.clone()?, *volume.size.certain()?, *volume.sum.certain()?)))
            .collect();
        let snapshots: Vec<_> = own
            .flat_map(|volume| &volume.snapshots)
            .filter(|snapshot| snapshot.there.admits(&true))
            .filter_map(|snapshot| Some((snapshot.id.clone()?, snapshot.size, snapshot.sum)))
            .collect();
        match self.random.u8(0..10) {
            0..3 => (None, self.random.u64(1..3), EMPTY),
            3 => (Some(("imageRef", world.image.0.clone())), 1, world.image.1),
            4..6 if !volumes.is_empty() => {
                let (id, size, sum) = volumes[self.random.usize(0..volumes.len())].clone();
                (Some(("source_volid", id)), size, sum)
            }
            6..8 if !snapshots.is_empty() => {
                let (id, size, sum) = snapshots[self.random.usize(0..snapshots.len())].clone();
                (Some(("snapshot_id", id)), size, sum)
            }
            _ => {
                let base = &world.bases[self.random.usize(0..world.bases.len())];
                (Some(("source_volid", base.id.clone())), 1, base.sum)
            }
        }
    }

    fn snapshot(&mut self, world: &World, at: usize) {
        let volume = &self.volumes[at];
        let (Some(sum), Some(size)) = (volume.sum.certain().copied(), volume.size.certain().copied()) else { return };
        let there = volume.snapshots.iter().filter(|snapshot| snapshot.there.admits(&true)).count();
        if there >= SNAPSHOTS {
            return self.delete_snapshot(world, at);
        }
        let body = json!({ "volume_id": volume.id });
        let name = self.name("s");
        let body = json!({ "snapshot": { "name": name, "volume_id": body["volume_id"] } });
        let told = self.ask(world, "POST", "/snapshots", Some(body));
        let (there, id) = made(&told, "/snapshot/id");
        if let Some(there) = there {
            self.volumes[at].snapshots.push(Snapshot { name, id, there, sum, size });
        }
    }

    fn delete_snapshot(&mut self, world: &World, at: usize) {
        let live = self.volumes[at].snapshots.iter().enumerate().filter(|(_, snapshot)| snapshot.there.admits(&true));
        let Some((which, id)) = live.filter_map(|(which, snapshot)| Some((which, snapshot.id.clone()?))).next() else {
            return;
        };
        let told = self.ask(world, "DELETE", &format!("/snapshots/{id}"), None);
        change(&mut self.volumes[at].snapshots[which].there, false, &told);
    }

    fn delete(&mut self, world: &World, at: usize) {
        let cascade = if self.random.bool() { "?cascade=true" } else { "" };
        let told = self.ask(world, "DELETE", &format!("{}{cascade}", self.path(at)), None);
        change(&mut self.volumes[at].there, false, &told);
        if let Told::Done(_) = told {
            // Without cascade it is refused where there are any.
            for snapshot in &mut self.volumes[at].snapshots {
                snapshot.there.is_now(false);
            }
        }
    }

    fn extend(&mut self, world: &World, at: usize) {
        let Some(size) = self.volumes[at].size.certain().map(|size| size + 1) else { return };
        let told = self.act(world, at, json!({ "os-extend": { "new_size": size } }));
        change(&mut self.volumes[at].size, size, &told);
    }

    fn revert(&mut self, world: &World, at: usize) {
        let latest = self.volumes[at].snapshots.iter().rfind(|snapshot| snapshot.there.admits(&true)).cloned();
        let Some(Snapshot { id: Some(id), sum, size, .. }) = latest else { return self.snapshot(world, at) };
        if self.volumes[at].size.certain() != Some(&size) {
            return;
        }
        let told = self.act(world, at, json!({ "revert": { "snapshot_id": id } }));
        change(&mut self.volumes[at].sum, sum, &told);
    }

    fn note(&mut self, world: &World, at: usize) {
        self.made += 1;
        let note = self.made.to_string();
        let body = json!({ "metadata": { NOTE: note } });
        let told = self.ask(world, "POST", &format!("{}/metadata", self.path(at)), Some(body));
        change(&mut self.volumes[at].note, note, &told);
    }

    fn list(&mut self, world: &World) {
        let path = self.random.choice(["/volumes/detail?limit=20", "/volumes?limit=100", "/snapshots/detail?limit=20"]);
        self.ask(world, "GET", path.unwrap_or("/volumes"), None);
    }

    fn write(&mut self, world: &World, at: usize) {
        // Where blocks cannot be shared, a copy of an attached volume is refused: copies come first.
        if !self.at_rest(world) {
            return;
        }
        let seed = self.random.u64(..);
        self.attached(world, at, |path| Some(content::write(path, seed).and_then(|()| content::checksum(path))));
    }

    /// Attaches a volume, holds its bytes against what they may be, lets `with` change them, and detaches it.
    fn attached(&mut self, world: &World, at: usize, with: impl FnOnce(&Path) -> Option<std::io::Result<Sum>>) {
        let body = json!({ "volume_uuid": self.volumes[at].id, "connector": world.connector, "mode": "rw" });
        let told = self.ask(world, "POST", "/attachments", Some(json!({ "attachment": body })));
        let Told::Done(body) = told else {
            // Also where it is refused: an attachment that could not be made may be left to be ended.
            return self.volumes[at].held.may_become(true);
        };
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let Some(id) = text("/attachment/id") else {
            self.volumes[at].held.may_become(true);
            return self.fault(format!("an attachment was made that says not which: {body}"));
        };
        let reached = match Reached::by(&body["attachment"]["connection_info"]) {
            Ok(reached) => reached,
            Err(error) => {
                self.volumes[at].held.may_become(true);
                return self.fault(format!("attachment {id} cannot be reached: {error:#}"));
            }
        };
        let path = reached.path();
        match content::checksum(path) {
            Ok(sum) => self.faults.extend(self.volumes[at].settle_bytes(sum)),
            Err(error) => self.fault(format!("an attached volume cannot be read at {}: {error}", path.display())),
        }
        match with(path) {
            Some(Ok(sum)) => self.volumes[at].sum.is_now(sum),
            Some(Err(error)) => self.fault(format!("an attached volume cannot be written: {error}")),
            None => {}
        }
        let left = reached.leave();
        let told = self.ask(world, "DELETE", &format!("/attachments/{id}"), None);
        if !matches!(told, Told::Done(_)) {
            self.volumes[at].held.may_become(true);
        }
        match left {
            Err(error) => self.fault(format!("attachment {id} cannot be left in order: {error:#}")),
            Ok(left) if matches!(told, Told::Done(_)) => {
                if let Some(path) = left.still_there() {
                    self.fault(format!("{} is detached and still there", path.display()));
                }
            }
            Ok(_) => {}
        }
    }

    /// Waits a while until nothing that it has is at work.
    fn at_rest(&mut self, world: &World) -> bool {
        let usable = self.volumes.iter().filter(|volume| volume.there.admits(&true));
        let volumes = usable.clone().filter_map(|volume| Some(format!("/volumes/{}", volume.id.as_ref()?)));
        let snapshots = usable.flat_map(|volume| &volume.snapshots).filter(|snapshot| snapshot.there.admits(&true));
        let snapshots = snapshots.filter_map(|snapshot| Some(format!("/snapshots/{}", snapshot.id.as_ref()?)));
        let mut waiting: Vec<String> = volumes.chain(snapshots).collect();
        for _ in 0..LOOKS {
            let Some(path) = waiting.last().cloned() else { return true };
            if world.stop.load(Ordering::Relaxed) {
                return false;
            }
            let ready = match self.send(world, "GET", &path, None) {
                Answer::Done(body) => ["volume", "snapshot"].iter().any(|kind| body[kind]["status"] == "available"),
                // Its deletion was asked for, and not answered.
                Answer::Refused(404, _) => true,
                _ => false,
            };
            if ready {
                waiting.pop();
            } else {
                std::thread::sleep(PAUSE);
            }
        }
        false
    }

    fn act(&mut self, world: &World, at: usize, action: Value) -> Told {
        let path = format!("{}/action", self.path(at));
        self.ask(world, "POST", &path, Some(action))
    }

    fn path(&self, at: usize) -> String {
        format!("/volumes/{}", self.volumes[at].id.as_deref().unwrap_or_default())
    }

    /// Asks, and says what it was told. What it asks for is its own and there, so "not found" is a fault.
    fn ask(&mut self, world: &World, method: &str, path: &str, body: Option<Value>) -> Told {
        match self.send(world, method, path, body.as_ref()) {
            Answer::Done(body) => Told::Done(body),
            Answer::Refused(404, text) => {
                self.fault(format!("{method} {path} finds nothing: {text}"));
                Told::Nothing
            }
            Answer::Refused(429, _) => {
                std::thread::sleep(PAUSE);
                Told::Nothing
            }
            Answer::Refused(..) | Answer::NotSent => Told::Nothing,
            Answer::Unknown(why) => {
                if why.starts_with("500") {
                    self.fault(format!("{method} {path}: {why}"));
                }
                std::thread::sleep(PAUSE);
                Told::Unknown
            }
        }
    }

    /// Sends it to whichever process is there; to none where the round ends before.
    fn send(&mut self, world: &World, method: &str, path: &str, body: Option<&Value>) -> Answer {
        loop {
            let which = self.random.usize(0..world.api.count());
            match world.api.send(which, method, path, body) {
                Answer::NotSent if !world.stop.load(Ordering::Relaxed) => std::thread::sleep(PAUSE),
                answer => return answer,
            }
        }
    }

    fn fault(&mut self, what: String) {
        self.faults.push(format!("client {}: {what}", self.number));
    }

    fn name(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("{kind}{}-{}", self.number, self.made)
    }
}

/// What is believed of a thing that was asked for, with its id; nothing where it was refused.
fn made(told: &Told, pointer: &str) -> (Option<Belief<bool>>, Option<String>) {
    match told {
        Told::Done(body) => {
            (Some(Belief::known(true)), body.pointer(pointer).and_then(Value::as_str).map(str::to_owned))
        }
        Told::Nothing => (None, None),
        Told::Unknown => {
            let mut there = Belief::known(false);
            there.may_become(true);
            (Some(there), None)
        }
    }
}

fn change<T: PartialEq>(belief: &mut Belief<T>, value: T, told: &Told) {
    match told {
        Told::Done(_) => belief.is_now(value),
        Told::Nothing => {}
        Told::Unknown => belief.may_become(value),
    }
}

//! What the steps act on, and what they have in common.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::content::Content;
use crate::{
    stop::{Polled, Stop},
    up::{
        api::{Api, text},
        place::Place,
        programs::Programs,
        service::Service,
    },
};

const POLL: Duration = Duration::from_millis(20);
/// A volume that has not settled by then never will.
const LIMIT: Duration = Duration::from_secs(60);
/// The machine that attaches, as the attachments API wants to know it.
const INSTANCE: &str = "5f0b1c9e-4f6a-4a0e-9d57-3c1c9a3a7d10";

/// What a thing must hold.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its id.
    pub id: String,
    /// Its bytes.
    pub content: Content,
}

/// The service, and what the steps made in it so far.
pub struct Stage {
    /// The client.
    pub api: Api,
    /// The process.
    pub service: Service,
    /// What is started again after a crash.
    pub programs: Programs,
    /// Where it all is.
    pub place: Place,
    /// Ends it early.
    pub stop: Stop,
    /// The volumes, by what they are for.
    pub volumes: BTreeMap<String, Known>,
    /// The snapshot.
    pub snapshot: Option<Known>,
    /// The image.
    pub image: Option<Known>,
}

impl Stage {
    /// A stage with nothing on it.
    #[must_use]
    pub fn new(api: Api, service: Service, programs: Programs, place: Place, stop: Stop) -> Self {
        Self { api, service, programs, place, stop, volumes: BTreeMap::new(), snapshot: None, image: None }
    }

    /// A volume that an earlier step made.
    ///
    /// # Errors
    /// None did.
    pub fn volume(&self, name: &str) -> Result<Known> {
        self.volumes.get(name).cloned().with_context(|| format!("no earlier step made the volume {name}"))
    }

    /// The snapshot that an earlier step made.
    ///
    /// # Errors
    /// None did.
    pub fn snapshot(&self) -> Result<Known> {
        self.snapshot.clone().context("no earlier step made the snapshot")
    }

    /// Asks for a volume of `content`'s size with `source`, such as `{"snapshot_id": ...}`; it is then on its way.
    ///
    /// # Errors
    /// The API refuses.
    pub fn ask_for_volume(&mut self, name: &str, source: &Value, content: Content) -> Result<String> {
        let gib = content.size().div_ceil(super::content::GIB);
        let mut volume = json!({ "name": name, "size": gib });
        if let (Some(volume), Some(source)) = (volume.as_object_mut(), source.as_object()) {
            volume.extend(source.clone());
        }
        let answer = self.api.post("volumes", &json!({ "volume": volume }))?;
        let id = text(&answer, "/volume/id")?.to_owned();
        self.volumes.insert(name.to_owned(), Known { id: id.clone(), content });
        Ok(id)
    }

    /// The same, and waits until it is available, and compares all of it.
    ///
    /// # Errors
    /// The API refuses, the volume does not become available, or it holds something else.
    pub fn make_volume(&mut self, name: &str, source: &Value, content: Content) -> Result<()> {
        let id = self.ask_for_volume(name, source, content)?;
        self.wait("volume", &id, "available")?;
        self.compare(name)
    }

    /// Compares all bytes of a volume, through an attachment.
    ///
    /// # Errors
    /// It cannot be attached, or holds something else.
    pub fn compare(&self, name: &str) -> Result<()> {
        let known = self.volume(name)?;
        self.attached(&known.id, |path| known.content.compare(path))
            .with_context(|| format!("volume {name} ({})", known.id))
    }

    /// Attaches a volume as a client does, acts on its path, and detaches it: the path must then open nothing.
    ///
    /// # Errors
    /// Any of it fails.
    pub fn attached(&self, id: &str, act: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let connector = json!({
            "host": "demo", "ip": "127.0.0.1", "platform": "x86_64", "os_type": "linux", "multipath": false,
            "do_local_attach": true, "mountpoint": "/dev/vdb",
        });
        let wanted = json!({ "volume_uuid": id, "instance_uuid": INSTANCE, "connector": connector, "mode": "rw" });
        let answer = self.api.post("attachments", &json!({ "attachment": wanted }))?;
        let attachment = text(&answer, "/attachment/id")?;
        let kind = text(&answer, "/attachment/connection_info/driver_volume_type")?;
        ensure!(kind == "local", "expected a connection of type local, got {kind}");
        let path = PathBuf::from(text(&answer, "/attachment/connection_info/device_path")?);
        self.api.post(&format!("attachments/{attachment}/action"), &json!({ "os-complete": {} }))?;
        self.wait("volume", id, "in-use")?;
        let acted = act(&path);
        // Detached whatever happened: the first error is the one to hear about.
        let detached = self.api.delete(&format!("attachments/{attachment}"));
        acted?;
        detached?;
        self.wait("volume", id, "available")?;
        ensure!(std::fs::File::open(&path).is_err(), "detached, but {} still opens", path.display());
        Ok(())
    }

    /// Waits until the `volume` or `snapshot` has a status.
    ///
    /// # Errors
    /// It gets an error status, or does not get there in time.
    pub fn wait(&self, kind: &str, id: &str, wanted: &str) -> Result<()> {
        let mut last = String::new();
        let polled = self.stop.poll(POLL, LIMIT, || {
            let answer = self.api.get(&format!("{kind}s/{id}"))?;
            last = text(&answer, &format!("/{kind}/status"))?.to_owned();
            if last != wanted && last.starts_with("error") {
                bail!("{kind} {id}: expected {wanted}, got {last}{}", self.told_about(id));
            }
            Ok((last == wanted).then_some(()))
        })?;
        match polled {
            Polled::Found(()) => Ok(()),
            Polled::TooLate => bail!("{kind} {id}: expected {wanted} within {} s, got {last}", LIMIT.as_secs()),
        }
    }

    /// Waits until something is gone.
    ///
    /// # Errors
    /// It stays.
    pub fn wait_gone(&self, kind: &str, id: &str) -> Result<()> {
        let mut last = String::new();
        let polled = self.stop.poll(POLL, LIMIT, || {
            let answer = self.api.call("GET", &format!("{kind}s/{id}"), None)?;
            last = answer.json().pointer(&format!("/{kind}/status")).map(Value::to_string).unwrap_or_default();
            if last.contains("error") {
                bail!("{kind} {id}: expected it to be deleted, got {last}{}", self.told_about(id));
            }
            Ok((answer.status == 404).then_some(()))
        })?;
        match polled {
            Polled::Found(()) => Ok(()),
            Polled::TooLate => bail!("{kind} {id}: expected 404 within {} s, got status {last}", LIMIT.as_secs()),
        }
    }

    /// What the service has to say to users about a resource.
    fn told_about(&self, id: &str) -> String {
        let Ok(answer) = self.api.get("messages") else { return String::new() };
        let messages = answer["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let about = messages.iter().filter(|message| message["resource_uuid"] == id);
        about.filter_map(|message| message["user_message"].as_str()).map(|message| format!("; {message}")).collect()
    }
}

//! Attachments: a device-mapper device each, and what leads to it.
//!
//! An attachment is a record on disk, then a device over the logical volume, then, for iSCSI, a target on the device. It is
//! made in this order and taken down in the other, so that at any instant the record speaks of all that there is, and
//! [`Exports::restore`] makes the rest of it after a crash or a start of the machine.

mod attachments;
mod device;
mod hold;
mod options;
mod record;
mod way;

use ashlar_common::{
    driver::{AttachmentSpec, ConnectionInfo, Detach, OpCtx, Outcome},
    ids::{AttachmentId, VolumeId},
    units::ByteCount,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How volumes are handed to clients.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportOptions {
    /// How.
    #[serde(default)]
    pub protocol: String,
    /// Where.
    #[serde(default)]
    pub portals: Vec<String>,
}

/// What an attachment leads to.
#[derive(Clone, Debug)]
pub struct Backing {
    /// The logical volume's device.
    pub device: PathBuf,
    /// Its exact size.
    pub size: ByteCount,
}

/// The exports of one volume group.
#[derive(Debug)]
pub struct Exports {
    vg: String,
    path: PathBuf,
    all: std::sync::Mutex<BTreeMap<String, (VolumeId, String)>>,
}

/// Writes wait.
#[derive(Debug)]
pub struct Hold;

impl Hold {
    /// Writes go on.
    pub async fn release(self) -> Result<(), Error> {
        Ok(())
    }
}

fn dm(words: &[&str], table: &str) {
    let program = ashlar_common::exec::Program::find("dmsetup").expect("there");
    let mut run = program.run(words.iter().copied()).stdin(table.as_bytes().to_vec());
    if !Path::new("/run/udev/control").exists() {
        run = run.env("DM_DISABLE_UDEV", "1");
    }
    let ctx = OpCtx::new(ashlar_common::ids::OpId::new(), std::time::Duration::from_secs(20), Default::default());
    let done = std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("rt")
            .block_on(run.output(&ctx))
            .map(drop)
    });
    if let Err(error) = done.join().expect("no panic") {
        tracing::warn!(%error, "dmsetup");
    }
}

impl Exports {
    fn device(&self, id: &str) -> String {
        format!("ashlar-{}-{id}", self.vg)
    }
    fn save(&self) {
        let all = self.all.lock().expect("not poisoned");
        std::fs::write(&self.path, serde_json::to_vec(&*all).expect("json")).expect("written");
    }
    pub async fn open(_: &OpCtx, _: &ExportOptions, state: &Path, vg: &str) -> Result<Self, Error> {
        let path = state.join("stub.json");
        let all = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Ok(Self { vg: vg.to_owned(), path, all: std::sync::Mutex::new(all) })
    }
    pub async fn restore(&self, _: &OpCtx, _: &BTreeMap<VolumeId, Backing>) -> Result<(), Error> {
        Ok(())
    }
    pub async fn attach(
        &self,
        _: &OpCtx,
        volume: VolumeId,
        backing: &Backing,
        spec: &AttachmentSpec,
        most: u32,
    ) -> Result<Outcome<ConnectionInfo>, Error> {
        let mode = serde_json::to_string(&spec.mode).expect("json");
        let id = spec.id.to_string();
        let fresh = {
            let mut all = self.all.lock().expect("not poisoned");
            match all.get(&id) {
                Some((_, was)) if *was != mode => {
                    return Err(Error::Differs { name: id, has: was.clone(), asked: mode });
                }
                Some(_) => false,
                None => {
                    if all.values().filter(|(of, _)| *of == volume).count() >= most as usize {
                        return Err(Error::InUse { name: volume.to_string(), by: "another attachment".to_owned() });
                    }
                    all.insert(id.clone(), (volume, mode.clone()));
                    true
                }
            }
        };
        self.save();
        let name = self.device(&id);
        if fresh {
            let table = format!("0 {} linear {} 0", backing.size.bytes() / 512, backing.device.display());
            let mut words = vec!["create", name.as_str()];
            if mode.contains("ro") {
                words.push("--readonly");
            }
            dm(&words, &table);
        }
        let data = [("device_path".to_owned(), format!("/dev/mapper/{name}").into())].into_iter().collect();
        let info = ConnectionInfo { driver_volume_type: "local".to_owned(), data };
        Ok(if fresh { Outcome::Changed(info) } else { Outcome::Unchanged(info) })
    }
    pub async fn detach(&self, _: &OpCtx, volume: VolumeId, which: Detach) -> Result<Outcome<()>, Error> {
        let gone: Vec<_> = {
            let mut all = self.all.lock().expect("not poisoned");
            let is = |id: &String, of: VolumeId| {
                of == volume
                    && match which {
                        Detach::One(one) => *id == one.to_string(),
                        Detach::All => true,
                    }
            };
            let gone: Vec<_> = all.iter().filter(|(id, (of, _))| is(id, *of)).map(|(id, _)| id.clone()).collect();
            all.retain(|id, _| !gone.contains(id));
            gone
        };
        self.save();
        for id in &gone {
            dm(&["remove", "--force", &self.device(id)], "");
        }
        Ok(if gone.is_empty() { Outcome::Unchanged(()) } else { Outcome::Changed(()) })
    }
    pub async fn resize(&self, _: &OpCtx, volume: VolumeId, backing: &Backing) -> Result<(), Error> {
        for id in self.attachments(volume) {
            let name = self.device(&id.to_string());
            dm(&["reload", &name], &format!("0 {} linear {} 0", backing.size.bytes() / 512, backing.device.display()));
            dm(&["resume", &name], "");
        }
        Ok(())
    }
    pub fn attachments(&self, volume: VolumeId) -> Vec<AttachmentId> {
        let all = self.all.lock().expect("not poisoned");
        all.iter().filter(|(_, (of, _))| *of == volume).filter_map(|(id, _)| id.parse().ok()).collect()
    }
    pub async fn hold(&self, _: &OpCtx, volumes: &[VolumeId]) -> Result<Hold, Error> {
        let _ = volumes;
        Ok(Hold)
    }
}

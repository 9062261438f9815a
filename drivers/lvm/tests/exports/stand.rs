//! Exports of a volume group that needs not exist: all they see of a volume is its device, here a loop device.

use std::{
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

use ashlar_common::{
    driver::{AccessMode, AttachmentSpec, Connector, OpCtx},
    exec::Program,
    ids::{AttachmentId, OpId, VolumeId},
    units::ByteCount,
};
use ashlar_driver_lvm::{
    dm::{Dm, Linear},
    exports::{Backing, ExportOptions, Exports, Protocol},
};
use ashlar_targets::{Lio, Naming, Target};
use tokio_util::sync::CancellationToken;

/// Bytes of the device.
pub(crate) const SIZE: u64 = 8 << 20;
const PREFIX: &str = "iqn.2026-11.org.ashlar";

pub(crate) fn ctx() -> OpCtx {
    OpCtx::new(OpId::new(), Duration::from_secs(60), CancellationToken::new())
}

pub(crate) fn spec(mode: AccessMode) -> AttachmentSpec {
    let words = [("host", "client"), ("initiator", "iqn.2026-11.org.example:client")];
    let connector = Connector(words.map(|(key, text)| (key.to_owned(), text.into())).into_iter().collect());
    AttachmentSpec { id: AttachmentId::new(), connector, mode }
}

async fn run(program: &'static str, arguments: &[&str]) -> String {
    let program = Program::find(program).expect("a machine with the lab's programs");
    let output =
        program.run(arguments.iter().copied()).output(&ctx()).await.expect("root, device-mapper, loop devices");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub(crate) struct Stand {
    pub(crate) exports: Exports,
    options: ExportOptions,
    vg: String,
    device: PathBuf,
    memory: ashlar_lab::disk::Disk,
}

impl Stand {
    pub(crate) async fn new(protocol: Protocol) -> Self {
        Self::of(ExportOptions { protocol, ..Self::options("127.0.0.1:3260") }).await
    }

    pub(crate) async fn at(portal: &str) -> Self {
        Self::of(Self::options(portal)).await
    }

    pub(crate) fn options(portal: &str) -> ExportOptions {
        ExportOptions { portals: vec![portal.parse().expect("an address")], ..ExportOptions::default() }
    }

    pub(crate) async fn of(options: ExportOptions) -> Self {
        let memory = ashlar_lab::disk::Disk::of_mib(16).expect("a small disk in memory");
        let file = memory.path().join("bytes");
        fs::write(&file, vec![7; usize::try_from(SIZE).expect("small")]).expect("bytes");
        let device = run("losetup", &["--find", "--show", file.to_str().expect("UTF-8")]).await.into();
        let vg = format!("vg{}", &VolumeId::new().to_string()[..8]);
        let exports = Exports::open(&ctx(), &options, memory.path(), &vg).await.expect("opens");
        Self { exports, options, vg, device, memory }
    }

    /// Only opens, with a state of its own.
    pub(crate) async fn open(options: &ExportOptions) -> Result<Exports, ashlar_driver_lvm::Error> {
        let state = tempfile::tempdir().expect("a directory");
        Exports::open(&ctx(), options, state.path(), "vg").await
    }

    /// As another process would.
    pub(crate) async fn reopen(&mut self) {
        self.exports = Exports::open(&ctx(), &self.options, self.memory.path(), &self.vg).await.expect("opens");
    }

    pub(crate) fn backing(&self, size: u64) -> Backing {
        Backing { device: self.device.clone(), size: ByteCount::new(size).expect("small") }
    }

    /// What really lies at the start of the volume.
    pub(crate) fn byte(&self) -> u8 {
        let mut byte = [0];
        let file = fs::File::open(self.memory.path().join("bytes")).expect("opens");
        file.read_exact_at(&mut byte, 0).expect("reads");
        byte[0]
    }

    fn lio(&self) -> Lio {
        let naming = Naming::new(PREFIX, &self.vg).expect("names");
        Lio::new(Path::new("/sys/kernel/config"), naming, vec!["127.0.0.1:3260".parse().expect("an address")])
            .expect("LIO")
    }

    /// Records, devices and targets that are there.
    pub(crate) async fn left(&self) -> Vec<String> {
        let devices =
            Dm::find().expect("dmsetup").devices(&ctx(), &format!("ashlar-{}-", self.vg)).await.expect("asked");
        let mut left: Vec<_> = devices.into_iter().map(|device| device.name).collect();
        left.extend(self.lio().list().expect("asked").iter().map(|name| format!("target {name}")));
        let records = fs::read_dir(self.memory.path().join("attachments")).expect("lists").flatten();
        left.extend(records.map(|record| record.file_name().to_string_lossy().into_owned()));
        left
    }

    /// Takes away what the kernel has of an attachment, not its record.
    pub(crate) async fn forget(&self, spec: &AttachmentSpec) {
        self.lio().withdraw(ashlar_targets::ExportName(spec.id)).expect("withdrawn");
        let name = format!("ashlar-{}-{}", self.vg, spec.id);
        assert!(Dm::find().expect("dmsetup").remove(&ctx(), &name).await.expect("removed"));
    }

    /// A device and half a target of an attachment that nobody recorded.
    pub(crate) async fn stray(&self, backing: &Backing, attachment: AttachmentId) {
        let linear = Linear::over(&backing.device, backing.size, false).expect("a table");
        let name = format!("ashlar-{}-{attachment}", self.vg);
        Dm::find().expect("dmsetup").create(&ctx(), &name, &linear).await.expect("made");
        let target = format!("/sys/kernel/config/target/iscsi/{PREFIX}:{}:{attachment}/tpgt_1", self.vg);
        fs::create_dir_all(target).expect("made");
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        for name in self.lio().list().into_iter().flatten() {
            let _told_by_the_test = self.lio().withdraw(name);
        }
        let (vg, device) = (self.vg.clone(), self.device.clone());
        // A runtime of its own: this may be dropped in one that is ending.
        let ends = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let dm = Dm::find().expect("dmsetup");
                for left in dm.devices(&ctx(), &format!("ashlar-{vg}-")).await.into_iter().flatten() {
                    let _told_by_the_test = dm.remove(&ctx(), &left.name).await;
                }
                run("losetup", &["--detach", device.to_str().expect("UTF-8")]).await;
            });
        });
        let _told_by_the_test = ends.join();
    }
}

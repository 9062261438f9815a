//! Device-mapper devices, by `dmsetup` for what changes something and by sysfs for what is there: a process takes
//! hundreds of times what reading some files does, and its answers would be prose.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use ashlar_common::{
    driver::OpCtx,
    exec::{ExecError, Program},
    units::ByteCount,
};
use rustix::{
    fs::{major, minor},
    io::Errno,
};

use crate::error::Error;

/// What device-mapper counts in.
pub const SECTOR: u64 = 512;
/// Where devices appear by name.
const MAPPER: &str = "/dev/mapper";
/// Where the kernel tells of block devices.
const BLOCK: &str = "/sys/block";
/// There while udev runs. Without it, libdm has to be told to make the nodes itself.
const UDEV: &str = "/run/udev/control";
/// Devices that are looked at, at most.
const MAX_DEVICES: usize = 100_000;

/// The `dmsetup` of this machine.
#[derive(Clone, Debug)]
pub struct Dm {
    dmsetup: Program,
    /// Whether libdm has to be told that no udev is there.
    alone: bool,
}

/// A device as the kernel has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// `major:minor`.
    pub number: String,
    /// Its size; none while it has no table.
    pub sectors: u64,
    /// Whether it takes writes.
    pub read_only: bool,
    /// Whether its requests wait.
    pub suspended: bool,
    /// The devices that it is on, as `major:minor`.
    pub on: Vec<String>,
}

/// A device over the first bytes of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linear {
    /// `major:minor` of the other.
    pub on: String,
    /// How many sectors of it.
    pub sectors: u64,
    /// Whether writes are refused.
    pub read_only: bool,
}

impl Linear {
    /// Over `device`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a size that is not of whole sectors, [`Error::Io`] without the device.
    pub fn over(device: &Path, size: ByteCount, read_only: bool) -> Result<Self, Error> {
        let bytes = size.bytes();
        if bytes == 0 || !bytes.is_multiple_of(SECTOR) {
            return Err(Error::Invalid(format!("a volume of {bytes} bytes is not of whole sectors of {SECTOR} bytes")));
        }
        Ok(Self { on: number(device)?, sectors: bytes / SECTOR, read_only })
    }

    fn table(&self) -> String {
        format!("0 {} linear {} 0", self.sectors, self.on)
    }
}

impl Dm {
    /// Finds the program.
    ///
    /// # Errors
    /// [`Error::Tool`] if it is missing.
    pub fn find() -> Result<Self, Error> {
        Ok(Self { dmsetup: Program::find("dmsetup")?, alone: !Path::new(UDEV).exists() })
    }

    /// Where a device of that name is.
    #[must_use]
    pub fn path(name: &str) -> PathBuf {
        Path::new(MAPPER).join(name)
    }

    /// Makes a device.
    ///
    /// # Errors
    /// [`Error::Tool`].
    pub async fn create(&self, ctx: &OpCtx, name: &str, linear: &Linear) -> Result<(), Error> {
        let table = linear.table();
        let mut arguments = vec!["create", name, "--table", &table];
        arguments.extend(linear.read_only.then_some("--readonly"));
        self.run(ctx, &arguments).await?;
        Ok(())
    }

    /// Gives a device another table, between two of its requests.
    ///
    /// # Errors
    /// [`Error::Tool`].
    pub async fn reload(&self, ctx: &OpCtx, name: &str, linear: &Linear) -> Result<(), Error> {
        let table = linear.table();
        let mut arguments = vec!["load", name, "--table", &table];
        arguments.extend(linear.read_only.then_some("--readonly"));
        self.run(ctx, &arguments).await?;
        self.resume(ctx, &[name.to_owned()]).await
    }

    /// Has the requests of devices wait, from when those under way have ended.
    ///
    /// # Errors
    /// [`Error::Tool`]; some may be suspended then.
    pub async fn suspend(&self, ctx: &OpCtx, names: &[String]) -> Result<(), Error> {
        self.each(ctx, &["suspend"], names).await
    }

    /// Lets the requests of devices go on.
    ///
    /// # Errors
    /// [`Error::Tool`].
    pub async fn resume(&self, ctx: &OpCtx, names: &[String]) -> Result<(), Error> {
        self.each(ctx, &["resume"], names).await
    }

    /// From now on every request fails, also those of programs that have the device open, and it holds no other device.
    ///
    /// # Errors
    /// [`Error::Tool`].
    pub async fn fence(&self, ctx: &OpCtx, name: &str) -> Result<(), Error> {
        // Without a flush, which would wait for a device below that is broken.
        self.run(ctx, &["wipe_table", "--noflush", "--nolockfs", name]).await?;
        Ok(())
    }

    /// Removes a device; `false` if a program has it open.
    ///
    /// # Errors
    /// [`Error::Tool`] other than that.
    pub async fn remove(&self, ctx: &OpCtx, name: &str) -> Result<bool, Error> {
        match self.run(ctx, &["remove", name]).await {
            Ok(()) => Ok(true),
            Err(ExecError::Status { .. }) if self.device(ctx, name).await?.is_some() => Ok(false),
            // Gone meanwhile, which is what was wanted.
            Err(ExecError::Status { .. }) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a device another name, and removes it when the last program closes it.
    ///
    /// # Errors
    /// [`Error::Tool`].
    pub async fn remove_later(&self, ctx: &OpCtx, name: &str, as_name: &str) -> Result<(), Error> {
        self.run(ctx, &["rename", name, as_name]).await?;
        match self.run(ctx, &["remove", "--deferred", as_name]).await {
            Err(ExecError::Status { .. }) if self.device(ctx, as_name).await?.is_none() => Ok(()),
            other => Ok(other?),
        }
    }

    /// Makes the node of a device, where there is none or a wrong one.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is not there then either.
    pub async fn ensure_node(&self, ctx: &OpCtx, device: &Device) -> Result<(), Error> {
        let path = Self::path(&device.name);
        let is_it = || number(&path).is_ok_and(|number| number == device.number);
        if !is_it() {
            self.run(ctx, &["mknodes", &device.name]).await?;
        }
        if is_it() {
            return Ok(());
        }
        Err(Error::Damaged(format!("{} is not the device that was made: is /dev a devtmpfs?", path.display())))
    }

    /// The device of that name.
    ///
    /// # Errors
    /// [`Error::Io`] when the kernel cannot be asked.
    pub async fn device(&self, ctx: &OpCtx, name: &str) -> Result<Option<Device>, Error> {
        Ok(self.devices(ctx, name).await?.into_iter().find(|device| device.name == name))
    }

    /// The devices whose names start so, by name.
    ///
    /// # Errors
    /// [`Error::Io`] when the kernel cannot be asked.
    pub async fn devices(&self, ctx: &OpCtx, start: &str) -> Result<Vec<Device>, Error> {
        let start = start.to_owned();
        let found = ctx.blocking(move |_| {
            devices(&start).map_err(|error| Error::io("list the devices of device-mapper in /sys/block", error).into())
        });
        Ok(found.await?)
    }

    async fn each(&self, ctx: &OpCtx, command: &[&str], names: &[String]) -> Result<(), Error> {
        if names.is_empty() {
            return Ok(());
        }
        let names = names.iter().map(String::as_str);
        self.run(ctx, &command.iter().copied().chain(names).collect::<Vec<_>>()).await?;
        Ok(())
    }

    async fn run(&self, ctx: &OpCtx, arguments: &[&str]) -> Result<(), ExecError> {
        let run = self.dmsetup.run(arguments.iter().copied());
        let run = if self.alone { run.env("DM_DISABLE_UDEV", "1") } else { run };
        run.output(ctx).await.map(drop)
    }
}

/// `major:minor` of a block device.
///
/// # Errors
/// [`Error::Io`] without it.
pub fn number(device: &Path) -> Result<String, Error> {
    let found = rustix::fs::stat(device).map_err(|errno| Error::io(format!("look at {}", device.display()), errno))?;
    Ok(format!("{}:{}", major(found.st_rdev), minor(found.st_rdev)))
}

/// Whether a device, by `major:minor`, takes discards.
#[must_use]
pub fn discards(number: &str) -> bool {
    let limit = fs::read_to_string(Path::new("/sys/dev/block").join(number).join("queue/discard_max_bytes"));
    limit.is_ok_and(|limit| limit.trim() != "0")
}

fn devices(start: &str) -> io::Result<Vec<Device>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(BLOCK)?.take(MAX_DEVICES) {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(b"dm-") {
            continue;
        }
        // Devices come and go while they are looked at.
        match device(&entry.path(), start) {
            Ok(device) => found.extend(device),
            Err(error) if is_going(&error) => {}
            Err(error) => return Err(error),
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// The kernel answers "invalid" for attributes of a device that is being removed, until its directory is gone.
fn is_going(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOENT | Errno::INVAL | Errno::NODEV))
}

fn device(at: &Path, start: &str) -> io::Result<Option<Device>> {
    let read = |name: &str| fs::read_to_string(at.join(name)).map(|text| text.trim().to_owned());
    let name = read("dm/name")?;
    if !name.starts_with(start) {
        return Ok(None);
    }
    let mut on = Vec::new();
    for below in fs::read_dir(at.join("slaves"))? {
        on.push(fs::read_to_string(below?.path().join("dev"))?.trim().to_owned());
    }
    let sectors = read("size")?.parse().map_err(io::Error::other)?;
    let flag = |name| read(name).map(|text| text == "1");
    let (read_only, suspended) = (flag("ro")?, flag("dm/suspended")?);
    Ok(Some(Device { name, number: read("dev")?, sectors, read_only, suspended, on }))
}

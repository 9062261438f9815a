//! How quick bytes come into volumes and out of them, against `qemu-img convert` and `dd` with `O_DIRECT` on the same
//! device in the same run.
//!
//! `copying --from DEVICE --to DEVICE --scratch DIRECTORY [--mib N] [--rounds N] [--json]`
//!
//! Both devices are overwritten. The floors end as the driver's own work does: with the bytes on disk.

use std::{
    fs::File,
    future::Future,
    io::Write,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ashlar_common::{
    bytes::Target,
    driver::{ImageFile, OpCtx},
    exec::Program,
    ids::OpId,
    image::{self, ImageFormat},
    units::ByteCount,
};
use ashlar_driver_lvm::data;
use serde_json::json;
use tokio_util::sync::CancellationToken;

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

const MIB: u64 = 1 << 20;
/// Data and holes take turns of this many bytes.
const STRIPE: u64 = 8 * MIB;

struct Bench {
    from: PathBuf,
    to: PathBuf,
    scratch: PathBuf,
    size: ByteCount,
    rounds: u32,
    json: bool,
}

#[tokio::main]
async fn main() -> Result {
    let bench = Bench::parse(std::env::args().skip(1))?;
    bench.prepare().await?;
    bench.images_in().await?;
    bench.images_out().await?;
    bench.copies().await?;
    bench.zeroes().await
}

impl Bench {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self> {
        let (mut from, mut to, mut scratch, mut mib, mut rounds, mut json) = (None, None, None, 256, 3, false);
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--from" => from = Some(value()?.into()),
                "--to" => to = Some(value()?.into()),
                "--scratch" => scratch = Some(value()?.into()),
                "--mib" => mib = value()?.parse()?,
                "--rounds" => rounds = value()?.parse()?,
                "--json" => json = true,
                _ => return Err(format!("no such option: {arg}").into()),
            }
        }
        let missing = "give --from DEVICE, --to DEVICE and --scratch DIRECTORY";
        let (from, to, scratch) = (from.ok_or(missing)?, to.ok_or(missing)?, scratch.ok_or(missing)?);
        Ok(Self { from, to, scratch, size: ByteCount::new(mib * MIB)?, rounds, json })
    }

    fn image(&self, name: &str, format: ImageFormat) -> ImageFile {
        ImageFile { path: self.scratch.join(name), format }
    }

    fn full(&self) -> ImageFile {
        self.image("full.raw", ImageFormat::Raw)
    }

    fn holey(&self) -> ImageFile {
        self.image("holey.raw", ImageFormat::Raw)
    }

    fn qcow2(&self) -> ImageFile {
        self.image("holey.qcow2", ImageFormat::Qcow2)
    }

    /// One image without a zero, one with as many holes as data, and that one as qcow2; the source holds the second.
    async fn prepare(&self) -> Result {
        for (image, stride) in [(self.full(), STRIPE), (self.holey(), 2 * STRIPE)] {
            let file = File::create_new(&image.path)?;
            file.set_len(self.size.bytes())?;
            let mut random = fastrand::Rng::with_seed(1);
            let mut chunk = vec![0; usize::try_from(MIB)?];
            random.fill(&mut chunk);
            for at in (0..self.size.bytes() / MIB).map(|number| number * MIB).filter(|at| at % stride < STRIPE) {
                chunk[..8].copy_from_slice(&at.to_le_bytes());
                file.write_all_at(&chunk, at)?;
            }
            file.sync_all()?;
        }
        let (raw, qcow2) = (self.holey().path, self.qcow2().path);
        tool("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", text(&raw)?, text(&qcow2)?]).await?;
        self.image_in(&self.holey(), &self.from, Target::ReadsAnything).await
    }

    async fn image_in(&self, image: &ImageFile, device: &Path, target: Target) -> Result {
        let device = data::open_to_change(device)?;
        Ok(image::copy_onto(&ctx(), image, &device, self.size, target, None).await?)
    }

    async fn images_in(&self) -> Result {
        for (name, image, target) in [
            ("image in, raw without zeros", self.full(), Target::ReadsAnything),
            ("image in, raw half zeros", self.holey(), Target::ReadsAnything),
            ("image in, raw half zeros, onto zeros", self.holey(), Target::ReadsZero),
            ("image in, qcow2 half zeros", self.qcow2(), Target::ReadsAnything),
            ("image in, qcow2 half zeros, onto zeros", self.qcow2(), Target::ReadsZero),
        ] {
            let (path, device, format) = (text(&image.path)?, text(&self.to)?, image.format.to_string());
            let mut convert = vec!["convert", "-n", "-t", "none", "-f", &format, "-O", "raw"];
            convert.extend((target == Target::ReadsZero).then_some("--target-is-zero"));
            convert.extend([path, device]);
            let ours = || self.image_in(&image, &self.to, target);
            let qemu = || async {
                tool("qemu-img", convert.clone()).await?;
                flush(&self.to)
            };
            self.compare(name, ours, "qemu-img convert", qemu).await?;
            if image.path == self.full().path {
                let args = [&format!("if={path}"), &format!("of={device}"), "oflag=direct", "conv=fsync,notrunc"];
                self.compare(name, ours, "dd oflag=direct", || dd(args)).await?;
            }
        }
        Ok(())
    }

    async fn images_out(&self) -> Result {
        for format in [ImageFormat::Raw, ImageFormat::Qcow2] {
            let (mine, its) = (self.image("mine", format), self.image("its", format));
            let ours = || async {
                let source = data::open_to_read(&self.from)?;
                Ok(image::copy_out_of(&ctx(), &source, self.size, &mine, None).await?)
            };
            let qemu = || async {
                let (from, to, format) = (text(&self.from)?, text(&its.path)?, format.to_string());
                tool("qemu-img", ["convert", "-T", "none", "-f", "raw", "-O", &format, from, to]).await?;
                flush(&its.path)
            };
            self.compare(&format!("image out, {format} half zeros"), ours, "qemu-img convert", qemu).await?;
        }
        Ok(())
    }

    async fn copies(&self) -> Result {
        let from = data::Room { device: self.from.clone(), size: self.size };
        let to = data::Room { device: self.to.clone(), size: self.size };
        let (source, target) = (text(&self.from)?, text(&self.to)?);
        let ours = || async { Ok(data::copy_whole(&ctx(), &from, &to, None).await?) };
        let qemu = || async {
            let past_the_cache = ["convert", "-n", "-t", "none", "-T", "none", "-f", "raw", "-O", "raw"];
            tool("qemu-img", past_the_cache.into_iter().chain([source, target])).await?;
            flush(&self.to)
        };
        self.compare("copy, half zeros", ours, "qemu-img convert", qemu).await?;
        let count = format!("count={}", self.size.bytes() / MIB);
        let (input, output) = (format!("if={source}"), format!("of={target}"));
        let plain = || dd([&input, &output, &count, "iflag=direct", "oflag=direct", "conv=fsync"]);
        self.compare("copy, half zeros", ours, "dd iflag=direct oflag=direct", plain).await?;
        // Nothing differs any more, so that this is reading alone: of both.
        let same = || async { Ok(data::copy_differences(&ctx(), &from.device, &to.device, self.size, None).await?) };
        let twin = format!("if={target}");
        let read = || async {
            dd([&input, "of=/dev/null", &count, "iflag=direct"]).await?;
            dd([&twin, "of=/dev/null", &count, "iflag=direct"]).await
        };
        self.compare("difference copy, nothing differs", same, "dd iflag=direct of both", read).await
    }

    async fn zeroes(&self) -> Result {
        let (length, device) = (self.size.bytes().to_string(), text(&self.to)?);
        let ours = || async { Ok(data::zero(&ctx(), &self.to, 0..self.size.bytes()).await?) };
        let theirs = || tool("blkdiscard", ["-z", "-l", &length, device]);
        self.compare("zero", ours, "blkdiscard -z", theirs).await
    }

    /// Runs both in turns and prints the best of each: others on the machine only ever slow them down.
    async fn compare<A, B>(&self, name: &str, ours: impl Fn() -> A, floor: &str, theirs: impl Fn() -> B) -> Result
    where
        A: Future<Output = Result>,
        B: Future<Output = Result>,
    {
        let (mut best, mut least) = (f64::MAX, f64::MAX);
        for _ in 0..self.rounds {
            least = least.min(milliseconds(&theirs).await?);
            best = best.min(milliseconds(&ours).await?);
        }
        let (ratio, mut out) = (best / least, std::io::stdout());
        if self.json {
            let times = json!({ "name": name, "ms": best, "floor": floor, "floor_ms": least, "ratio": ratio });
            writeln!(out, "{times}")?;
        } else {
            writeln!(out, "{name}: {best:.0} ms, {ratio:.2} x {floor} ({least:.0} ms)")?;
        }
        Ok(())
    }
}

fn ctx() -> OpCtx {
    OpCtx::new(OpId::new(), Duration::from_secs(600), CancellationToken::new())
}

async fn milliseconds<A: Future<Output = Result>>(work: impl Fn() -> A) -> Result<f64> {
    let begin = Instant::now();
    work().await?;
    Ok(begin.elapsed().as_secs_f64() * 1000.0)
}

async fn tool<'a>(name: &'static str, args: impl IntoIterator<Item = &'a str>) -> Result {
    Program::find(name)?.run(args.into_iter().map(str::to_owned)).output(&ctx()).await?;
    Ok(())
}

async fn dd(args: impl IntoIterator<Item = &str>) -> Result {
    tool("dd", args.into_iter().chain(["bs=1M"])).await
}

fn flush(path: &Path) -> Result {
    Ok(File::options().write(true).open(path)?.sync_all()?)
}

fn text(path: &Path) -> Result<&str> {
    Ok(path.to_str().ok_or("paths are UTF-8 here")?)
}

//! `qemu-img convert`, given only descriptors that were inspected.

use std::{
    fs::File,
    os::{fd::AsRawFd, unix::fs::FileTypeExt},
};

use serde_json::json;

use super::error::ImageError;
use crate::{
    bytes::{Target, Throttle},
    driver::{OpCtx, Progress},
    exec::{ExecError, Limits, Lookup, Program, Run},
    units::{ByteCount, GIB},
};

/// Threads' stacks and allocator arenas take most of it on machines with many cores; the work itself needs some 100
/// MiB. Enough to convert any image, too little to harm the machine.
const ADDRESS_SPACE: u64 = 2 * GIB;
/// Requests in flight. QEMU's own 8 take twice the memory, and that costs more time than it saves: 4 of up to 2 MiB each
/// keep a device busy.
const REQUESTS: &str = "4";
/// CPU time that any conversion may take.
const CPU_SECONDS: u64 = 120;
/// CPU time that it may take besides for each GiB; unpacking takes about 10 s on a slow machine.
const CPU_SECONDS_PER_GIB: u64 = 60;

/// The program that reads and writes formats other than raw; for drivers that want to know at start.
///
/// # Errors
/// [`ExecError::Missing`], which names the package.
pub fn qemu_img() -> Result<Program, ExecError> {
    Program::find_with("qemu-img", Lookup { package: Some("qemu-utils"), path: None })
}

/// Writes the disk in `image`, of `filled` bytes, to `target`, which is at least as large. Where that read something
/// before, the image's zeros are made zeros in it. Progress is of `total` bytes.
pub(super) async fn qcow2_into(
    ctx: &OpCtx,
    image: &File,
    target: &File,
    (filled, total): (ByteCount, ByteCount),
    before: Target,
    throttle: Option<Throttle>,
) -> Result<(), ImageError> {
    // The backing file that inspection refused is refused again here, in case somebody writes to the file meanwhile.
    let source = json!({
        "driver": "qcow2",
        "backing": null,
        "file": { "driver": "file", "filename": descriptor_path(image) },
    });
    let run = convert(ctx, filled, total, throttle)?
        .args(["-f", "qcow2", "-O", "raw", "-n", "-S", "4k"])
        .args((before == Target::ReadsZero).then_some("--target-is-zero"))
        .args(["-t", cache_mode(target)?])
        .arg(format!("json:{source}"))
        .arg(descriptor_path(target));
    match run.output(ctx).await {
        Ok(_) => Ok(()),
        Err(error) if error.stderr().contains("error while reading") => Err(ImageError::Unreadable(error)),
        Err(error) => Err(error.into()),
    }
}

/// Writes the first `size` bytes of `source` (`whole`: all it has) to the empty file `target` as qcow2.
pub(super) async fn raw_out_to_qcow2(
    ctx: &OpCtx,
    source: &File,
    size: ByteCount,
    whole: bool,
    target: &File,
    throttle: Option<Throttle>,
) -> Result<(), ImageError> {
    let driver = if is_block_device(source)? { "host_device" } else { "file" };
    let mut disk = json!({
        "driver": "raw",
        "file": { "driver": driver, "filename": descriptor_path(source) },
    });
    if !whole {
        disk["size"] = size.bytes().into();
    }
    // Whether a volume that is in use may be copied is for the driver to say, not for QEMU's locks (-U).
    let run = convert(ctx, size, size, throttle)?
        .args(["-U", "-f", "raw", "-O", "qcow2", "-o", "compat=1.1", "-S", "4k"])
        .args(["-T", cache_mode(source)?])
        .arg(format!("json:{disk}"))
        .arg(descriptor_path(target));
    run.output(ctx).await?;
    Ok(())
}

fn convert(ctx: &OpCtx, size: ByteCount, total: ByteCount, throttle: Option<Throttle>) -> Result<Run, ImageError> {
    let limits = Limits {
        address_space: ByteCount::new(ADDRESS_SPACE).expect("2 GiB is a size"),
        cpu_seconds: CPU_SECONDS.saturating_add(CPU_SECONDS_PER_GIB.saturating_mul(size.gib_ceil())),
    };
    let ctx = ctx.clone();
    let report = move |line: &str| {
        if let Some(done) = done_bytes(line, size.bytes()) {
            ctx.report(Progress { done, total: total.bytes() });
        }
    };
    let rate = throttle.map(|throttle| format!("-r{}", throttle.bytes_per_second()));
    Ok(qemu_img()?.run(["convert", "-p", "-m", REQUESTS]).args(rate).limits(limits).dies_with_host().on_line(report))
}

/// Block devices are read and written past the page cache, which knows one device node alone and only slows it down.
/// Files may be where that is not possible.
fn cache_mode(file: &File) -> Result<&'static str, ImageError> {
    Ok(if is_block_device(file)? { "none" } else { "writeback" })
}

fn is_block_device(file: &File) -> Result<bool, ImageError> {
    let metadata = file.metadata().map_err(ImageError::io("look at the volume"))?;
    Ok(metadata.file_type().is_block_device())
}

/// The file that is open here, by a name that no rename or symbolic link can turn into another's.
fn descriptor_path(file: &File) -> String {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd())
}

/// Reads `    (12.34/100%)`.
fn done_bytes(line: &str, total: u64) -> Option<u64> {
    let (percent, _) = line.trim().strip_prefix('(')?.split_once("/100%)")?;
    let (whole, hundredths) = percent.split_once('.')?;
    let share = whole.parse::<u64>().ok()?.checked_mul(100)?.checked_add(hundredths.parse().ok()?)?;
    let done = u128::from(total) * u128::from(share.min(10_000)) / 10_000;
    u64::try_from(done).ok()
}

#[cfg(test)]
mod tests {
    use super::done_bytes;

    #[test]
    fn progress_lines_become_bytes() {
        assert_eq!(done_bytes("    (12.34/100%)", 10_000), Some(1234));
        assert_eq!(done_bytes("    (100.00/100%)", u64::MAX), Some(u64::MAX));
        for other in ["", "()", "(x.y/100%)", "(12/100%)", "12.34"] {
            assert_eq!(done_bytes(other, 10_000), None, "{other}");
        }
    }
}

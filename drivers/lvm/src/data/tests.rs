//! On files: what paths, sizes and rates are made of. The engine's own tests are beside it.

use std::{num::NonZeroU64, time::Duration};

use ashlar_common::{
    bytes::{Target, Throttle},
    driver::{Classified, Kind, OpCtx, Progress},
    ids::OpId,
    units::ByteCount,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{Room, copy, copy_differences, copy_whole, zero};

const KIB: usize = 1024;

fn ctx() -> OpCtx {
    OpCtx::new(OpId::new(), Duration::from_secs(60), CancellationToken::new())
}

fn size(bytes: usize) -> ByteCount {
    ByteCount::new(bytes as u64).expect("a small size")
}

fn room(lab: &TempDir, name: &str, bytes: &[u8]) -> Room {
    let device = lab.path().join(name);
    std::fs::write(&device, bytes).expect("room");
    Room { device, size: size(bytes.len()) }
}

fn bytes(room: &Room) -> Vec<u8> {
    std::fs::read(&room.device).expect("readable")
}

#[tokio::test]
async fn a_larger_copy_holds_the_source_and_zeros() {
    let lab = TempDir::new().expect("a directory");
    let (from, to) = (room(&lab, "from", &[7; 700 * KIB]), room(&lab, "to", &[9; 900 * KIB]));
    let (ctx, to) = (ctx(), Room { size: size(801 * KIB), ..to });
    copy_whole(&ctx, &from, &to, None).await.expect("copied");
    let expected = [vec![7; 700 * KIB], vec![0; 101 * KIB], vec![9; 99 * KIB]].concat();
    assert!(bytes(&to) == expected);
    assert_eq!(*ctx.watch_progress().borrow(), Progress { done: 801 * 1024, total: 801 * 1024 });
}

#[tokio::test]
async fn ranges_are_zeroed_and_copied_and_made_the_same() {
    let lab = TempDir::new().expect("a directory");
    let (from, to) = (room(&lab, "from", &[7; 300 * KIB]), room(&lab, "to", &[9; 300 * KIB]));
    zero(&ctx(), &to.device, 1000..2000).await.expect("zeroed");
    assert!(bytes(&to) == [vec![9; 1000], vec![0; 1000], vec![9; 300 * KIB - 2000]].concat());
    copy(&ctx(), &from.device, &to.device, size(100 * KIB), Target::ReadsAnything, None).await.expect("copied");
    assert!(bytes(&to) == [vec![7; 100 * KIB], vec![9; 200 * KIB]].concat());
    copy_differences(&ctx(), &from.device, &to.device, from.size, None).await.expect("copied");
    assert!(bytes(&to) == bytes(&from));
}

#[tokio::test]
async fn a_device_that_is_not_there_is_named() {
    let lab = TempDir::new().expect("a directory");
    let error = zero(&ctx(), &lab.path().join("volume-x"), 0..1).await.expect_err("it is not there");
    assert!(error.to_string().contains("volume-x"), "{error}");
}

#[tokio::test]
async fn a_throttled_copy_ends_with_its_deadline() {
    let lab = TempDir::new().expect("a directory");
    let (from, to) = (room(&lab, "from", &[7; 900 * KIB]), room(&lab, "to", &[9; 900 * KIB]));
    let short = OpCtx::new(OpId::new(), Duration::from_millis(100), CancellationToken::new());
    let crawl = NonZeroU64::new(4096).map(Throttle::new);
    let error = copy_whole(&short, &from, &to, crawl).await.expect_err("there is no time");
    assert_eq!(error.kind(), Kind::Indeterminate, "{error}");
    assert!(bytes(&to).ends_with(&[9; KIB]));
}

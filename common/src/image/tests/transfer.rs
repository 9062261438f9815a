//! Bytes to and from volumes.

use std::{num::NonZeroU64, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{HONEST, Lab, MIB, allocated, bytes_of, cancelled, ctx, size};
use crate::{
    bytes::{Target, Throttle},
    driver::{Classified, Kind, OpCtx, Progress},
    ids::OpId,
    image::{ImageError, ImageFormat, copy_into, copy_onto, copy_out_of, inspect},
};

const FORMATS: [ImageFormat; 2] = [ImageFormat::Raw, ImageFormat::Qcow2];

#[tokio::test]
async fn a_volume_comes_back_byte_for_byte_and_as_sparse() {
    for format in FORMATS {
        let lab = Lab::new();
        let volume = lab.patterned("volume", 64 * MIB);
        let image = lab.image("image", format);
        copy_out_of(&ctx(), &volume, size(64 * MIB), &image, None).await.expect("written");
        assert_eq!(inspect(&lab.open("image"), format).expect("good").virtual_size, size(64 * MIB));

        // The new volume is larger: its tail stays zero, and its length is its own.
        let back = lab.empty("back", 96 * MIB);
        let watched = ctx();
        copy_into(&watched, &image, &back, size(96 * MIB)).await.expect("read");
        let mut expected = bytes_of(&lab.path("volume"));
        expected.resize(usize::try_from(96 * MIB).expect("small"), 0);
        assert!(bytes_of(&lab.path("back")) == expected, "{format}");
        assert!(allocated(&back) < MIB, "{format}: {} bytes are allocated", allocated(&back));
        assert_eq!(*watched.watch_progress().borrow(), Progress { done: 64 * MIB, total: 64 * MIB });
    }
}

#[tokio::test]
async fn zeros_that_an_image_stores_are_not_written() {
    let lab = Lab::new();
    lab.patterned("disk", 16 * MIB);
    lab.qemu_img(&["convert", "-S", "0", "-f", "raw", "-O", "qcow2", "@disk", "@full.qcow2"]).await;
    assert!(allocated(&lab.open("full.qcow2")) > 16 * MIB);
    let target = lab.empty("target", 16 * MIB);
    copy_into(&ctx(), &lab.image("full.qcow2", ImageFormat::Qcow2), &target, size(16 * MIB)).await.expect("read");
    assert!(bytes_of(&lab.path("target")) == bytes_of(&lab.path("disk")));
    assert!(allocated(&target) < MIB, "{} bytes are allocated", allocated(&target));
}

#[tokio::test]
async fn compressed_images_are_read() {
    let lab = Lab::new();
    lab.patterned("disk", 16 * MIB);
    for compression in ["zlib", "zstd"] {
        let (name, back) = (format!("{compression}.qcow2"), format!("{compression}.back"));
        let options = format!("compression_type={compression}");
        lab.qemu_img(&["convert", "-c", "-O", "qcow2", "-o", &options, "-f", "raw", "@disk", &format!("@{name}")])
            .await;
        let target = lab.empty(&back, 16 * MIB);
        copy_into(&ctx(), &lab.image(&name, ImageFormat::Qcow2), &target, size(16 * MIB)).await.expect("read");
        assert!(bytes_of(&lab.path(&back)) == bytes_of(&lab.path("disk")), "{compression}");
    }
}

/// The check for images that are cut off must not take an honest one for such.
#[tokio::test]
async fn every_kind_of_honest_qcow2_is_read() {
    let lab = Lab::new();
    let bytes = 5 * MIB + 512;
    lab.patterned("disk", bytes);
    for (number, options) in super::HONEST.iter().enumerate() {
        let (name, back) = (format!("{number}.qcow2"), format!("{number}.back"));
        lab.qemu_img(&["convert", "-f", "raw", "-O", "qcow2", "-o", options, "@disk", &format!("@{name}")]).await;
        // Version 3 can be resized with snapshots in it, but not shrunk.
        let with_snapshot = *options == "compat=1.1";
        if with_snapshot {
            lab.qemu_img(&["snapshot", "-c", "kept", &format!("@{name}")]).await;
        }
        // Grown, then shrunk into what was data before: tables as they are after a long life.
        lab.qemu_img(&["resize", &format!("@{name}"), "20M"]).await;
        if !with_snapshot {
            lab.qemu_img(&["resize", "--shrink", &format!("@{name}"), "3000320"]).await;
            lab.qemu_img(&["resize", &format!("@{name}"), &bytes.to_string()]).await;
        }
        let target = lab.empty(&back, 20 * MIB);
        let read = copy_into(&ctx(), &lab.image(&name, ImageFormat::Qcow2), &target, size(20 * MIB)).await;
        read.unwrap_or_else(|error| panic!("{options}: {}", crate::driver::Error::from(error)));
        let kept = if with_snapshot { bytes } else { 3_000_320 };
        let kept = usize::try_from(kept).expect("small");
        assert!(bytes_of(&lab.path(&back))[..kept] == bytes_of(&lab.path("disk"))[..kept], "{options}");
    }
}

#[tokio::test]
async fn an_image_larger_than_the_volume_is_refused_untouched() {
    for format in FORMATS {
        let lab = Lab::new();
        let volume = lab.patterned("volume", 2 * MIB);
        let image = lab.image("image", format);
        copy_out_of(&ctx(), &volume, size(2 * MIB), &image, None).await.expect("written");
        // The target itself would have room: what counts is the volume's size.
        let target = lab.empty("target", 4 * MIB);
        let error = copy_into(&ctx(), &image, &target, size(2 * MIB - 512)).await.expect_err("too large");
        assert!(matches!(error, ImageError::TooLarge { .. }) && error.kind() == Kind::Invalid, "{error}");
        assert_eq!(allocated(&target), 0);
    }
}

#[tokio::test]
async fn nothing_of_what_a_target_read_before_is_left() {
    for format in FORMATS {
        let lab = Lab::new();
        let volume = lab.patterned("volume", 6 * MIB);
        let image = lab.image("image", format);
        copy_out_of(&ctx(), &volume, size(6 * MIB), &image, None).await.expect("written");
        let used = lab.write("used", &vec![0xEE; usize::try_from(9 * MIB).expect("small")]);
        let watched = ctx();
        copy_onto(&watched, &image, &used, size(9 * MIB), Target::ReadsAnything, None).await.expect("read");
        let mut expected = bytes_of(&lab.path("volume"));
        expected.resize(usize::try_from(9 * MIB).expect("small"), 0);
        assert!(bytes_of(&lab.path("used")) == expected, "{format}");
        assert_eq!(*watched.watch_progress().borrow(), Progress { done: 9 * MIB, total: 9 * MIB });
    }
}

#[tokio::test]
async fn a_rate_is_kept_in_both_directions() {
    // Far too slow to end: what is not stopped by its deadline goes at full speed and answers.
    let crawl = NonZeroU64::new(64 << 10).map(Throttle::new);
    for format in FORMATS {
        let lab = Lab::new();
        let volume = lab.write("volume", &vec![7; 16 << 20]);
        let image = lab.image("image", format);
        let short = OpCtx::new(OpId::new(), Duration::from_millis(700), CancellationToken::new());
        let error = copy_out_of(&short, &volume, size(16 * MIB), &image, crawl).await.expect_err("there is no time");
        assert_eq!(error.kind(), Kind::Indeterminate, "{format}: {error}");
        copy_out_of(&ctx(), &volume, size(16 * MIB), &image, None).await.expect("written");
        let back = lab.empty("back", 16 * MIB);
        let short = OpCtx::new(OpId::new(), Duration::from_millis(700), CancellationToken::new());
        let error = copy_onto(&short, &image, &back, size(16 * MIB), Target::ReadsZero, crawl).await;
        assert_eq!(error.expect_err("there is no time").kind(), Kind::Indeterminate, "{format}");
    }
    // What only QEMU can unpack.
    let lab = Lab::new();
    lab.write("volume", &vec![7; 16 << 20]);
    lab.qemu_img(&["convert", "-c", "-f", "raw", "-O", "qcow2", "@volume", "@image"]).await;
    let back = lab.empty("back", 16 * MIB);
    let short = OpCtx::new(OpId::new(), Duration::from_millis(700), CancellationToken::new());
    let error =
        copy_onto(&short, &lab.image("image", ImageFormat::Qcow2), &back, size(16 * MIB), Target::ReadsZero, crawl)
            .await;
    assert_eq!(error.expect_err("there is no time").kind(), Kind::Indeterminate);
}

#[tokio::test]
async fn parts_of_compressed_images_are_all_read() {
    let lab = Lab::new();
    lab.patterned("volume", 6 * MIB);
    lab.qemu_img(&["convert", "-c", "-f", "raw", "-O", "qcow2", "@volume", "@image"]).await;
    // Some clusters are compressed, some are not, and the target held something else.
    lab.qemu_img(&["bench", "-w", "-f", "qcow2", "-c", "8", "-s", "4096", "-S", "300000", "--pattern=9", "@image"])
        .await;
    lab.qemu_img(&["convert", "-f", "qcow2", "-O", "raw", "@image", "@expected"]).await;
    let used = lab.write("used", &vec![0xEE; usize::try_from(6 * MIB).expect("small")]);
    let image = lab.image("image", ImageFormat::Qcow2);
    copy_onto(&ctx(), &image, &used, size(6 * MIB), Target::ReadsAnything, None).await.expect("read");
    assert!(bytes_of(&lab.path("used")) == bytes_of(&lab.path("expected")));
    assert!(bytes_of(&lab.path("used")) != bytes_of(&lab.path("volume")));
}

#[tokio::test]
async fn overwritten_images_of_every_kind_are_read_as_qemu_reads_them() {
    for options in HONEST {
        let lab = Lab::new();
        lab.patterned("volume", 6 * MIB);
        lab.write("full", &vec![7; usize::try_from(6 * MIB).expect("small")]);
        lab.qemu_img(&["convert", "-f", "raw", "-O", "qcow2", "-o", options, "@full", "@image"]).await;
        lab.qemu_img(&["convert", "-n", "-f", "raw", "-O", "qcow2", "@volume", "@image"]).await;
        // Clusters out of order, parts of clusters; those before them that are said to read zero came by writing over a full image.
        for pattern in ["--pattern=9", "--pattern=0"] {
            lab.qemu_img(&["bench", "-w", "-f", "qcow2", "-c", "9", "-s", "8192", "-S", "700416", pattern, "@image"])
                .await;
        }
        lab.qemu_img(&["convert", "-f", "qcow2", "-O", "raw", "@image", "@expected"]).await;
        let used = lab.write("used", &vec![0xEE; usize::try_from(7 * MIB).expect("small")]);
        let image = lab.image("image", ImageFormat::Qcow2);
        copy_onto(&ctx(), &image, &used, size(7 * MIB), Target::ReadsAnything, None).await.expect("read");
        let mut expected = bytes_of(&lab.path("expected"));
        expected.resize(usize::try_from(7 * MIB).expect("small"), 0);
        assert!(bytes_of(&lab.path("used")) == expected, "{options}");
    }
}

#[tokio::test]
async fn a_target_shorter_than_the_volume_is_refused() {
    let lab = Lab::new();
    lab.patterned("image", MIB);
    let target = lab.empty("target", MIB);
    let image = lab.image("image", ImageFormat::Raw);
    let error = copy_into(&ctx(), &image, &target, size(2 * MIB)).await.expect_err("too short");
    assert!(matches!(error, ImageError::ShortTarget { .. }), "{error}");
}

#[tokio::test]
async fn only_the_volume_is_copied_out_of_a_longer_source() {
    for format in FORMATS {
        let lab = Lab::new();
        let source = lab.patterned("source", 8 * MIB);
        let image = lab.image("image", format);
        copy_out_of(&ctx(), &source, size(4 * MIB), &image, None).await.expect("written");
        let back = lab.empty("back", 4 * MIB);
        copy_into(&ctx(), &image, &back, size(4 * MIB)).await.expect("read");
        assert!(
            bytes_of(&lab.path("back")) == bytes_of(&lab.path("source"))[..usize::try_from(4 * MIB).expect("small")]
        );
    }
}

#[tokio::test]
async fn a_size_of_part_sectors_is_exact_in_raw_and_rounded_up_in_qcow2() {
    let lab = Lab::new();
    let source = lab.patterned("source", MIB + 1);
    for (format, expected) in [(ImageFormat::Raw, MIB + 1), (ImageFormat::Qcow2, MIB + 512)] {
        let name = format.to_string();
        copy_out_of(&ctx(), &source, size(MIB + 1), &lab.image(&name, format), None).await.expect("written");
        assert_eq!(inspect(&lab.open(&name), format).expect("good").virtual_size, size(expected));
    }
    let part = copy_out_of(&ctx(), &source, size(MIB - 1), &lab.image("part", ImageFormat::Qcow2), None).await;
    assert!(matches!(part, Err(ImageError::PartSector(_))));
}

#[tokio::test]
async fn a_source_that_ends_early_leaves_no_image() {
    for format in FORMATS {
        let lab = Lab::new();
        let source = lab.patterned("source", MIB);
        let image = lab.image("image", format);
        let error = copy_out_of(&ctx(), &source, size(2 * MIB), &image, None).await.expect_err("it is short");
        assert!(matches!(error, ImageError::ShortSource { .. }) && error.kind() == Kind::Fatal, "{error}");
        assert_eq!(lab.names(), ["source"]);
    }
}

#[tokio::test]
async fn a_stopped_copy_leaves_the_old_image_and_nothing_else() {
    for format in FORMATS {
        let lab = Lab::new();
        let source = lab.patterned("source", MIB);
        lab.write("image", b"the old one");
        let stopped = copy_out_of(&cancelled(), &source, size(MIB), &lab.image("image", format), None).await;
        assert_eq!(stopped.expect_err("it was cancelled").kind(), Kind::Indeterminate);
        assert_eq!(lab.names(), ["image", "source"]);
        assert_eq!(bytes_of(&lab.path("image")), b"the old one");
    }
}

#[tokio::test]
async fn a_copy_stopped_on_its_way_leaves_a_whole_image_or_none() {
    for format in FORMATS {
        let lab = Lab::new();
        lab.write("source", &vec![7; 32 << 20]);
        let (source, image) = (lab.open("source"), lab.image("image", format));
        let running = ctx();
        let mut progress = running.watch_progress();
        let cancel = async {
            progress.changed().await.expect("the context lives");
            running.cancel().cancel();
        };
        let (ended, ()) = tokio::join!(copy_out_of(&running, &source, size(32 * MIB), &image, None), cancel);
        match ended {
            // It may have been quicker than we.
            Ok(()) => assert_eq!(lab.names(), ["image", "source"]),
            Err(error) => {
                assert_eq!(error.kind(), Kind::Indeterminate, "{error}");
                assert_eq!(lab.names(), ["source"]);
            }
        }
    }
}

#[tokio::test]
async fn a_copy_into_a_volume_can_be_stopped() {
    for format in FORMATS {
        let lab = Lab::new();
        let source = lab.patterned("source", MIB);
        copy_out_of(&ctx(), &source, size(MIB), &lab.image("image", format), None).await.expect("written");
        let target = lab.empty("target", MIB);
        let stopped = copy_into(&cancelled(), &lab.image("image", format), &target, size(MIB)).await;
        assert_eq!(stopped.expect_err("it was cancelled").kind(), Kind::Indeterminate);
    }
}

#[tokio::test]
async fn a_new_image_takes_the_place_of_the_old_one_and_of_what_an_earlier_try_left() {
    for format in FORMATS {
        let lab = Lab::new();
        let source = lab.patterned("source", MIB);
        lab.write("image", b"the old one");
        let again = ctx();
        lab.write(&format!(".ashlar-{}.part", again.op()), b"half of it");
        copy_out_of(&again, &source, size(MIB), &lab.image("image", format), None).await.expect("written");
        assert_eq!(lab.names(), ["image", "source"]);
        assert_eq!(inspect(&lab.open("image"), format).expect("good").virtual_size, size(MIB));
    }
}

//! Images that lie, refer to other files, or are damaged.

use std::{fs::File, os::unix::fs::FileExt, sync::LazyLock};

use proptest::prelude::{Strategy, any, proptest};

use super::{Lab, MIB, ctx, size};
use crate::{
    driver::{Classified, ImageFile, Kind},
    image::{
        ImageError, ImageFormat, ImageHeader, Qcow2Fault, copy_into, inspect,
        qcow2::{Header, check_clusters},
    },
};

fn refusal(file: &File, declared: ImageFormat) -> String {
    let error = inspect(file, declared).expect_err("it must be refused");
    assert_eq!(error.kind(), Kind::Invalid, "{error}");
    crate::driver::Error::from(error).chain()
}

#[tokio::test]
async fn every_kind_of_honest_qcow2_is_accepted() {
    let lab = Lab::new();
    for (number, options) in super::HONEST.iter().enumerate() {
        let name = format!("{number}.qcow2");
        lab.qemu_img(&["create", "-f", "qcow2", "-o", options, &format!("@{name}"), "6M"]).await;
        let found = inspect(&lab.open(&name), ImageFormat::Qcow2).unwrap_or_else(|error| panic!("{options}: {error}"));
        assert_eq!(found, ImageHeader { format: ImageFormat::Qcow2, virtual_size: size(6 * MIB) });
    }
    lab.qemu_img(&["snapshot", "-c", "kept", "@0.qcow2"]).await;
    assert!(inspect(&lab.open("0.qcow2"), ImageFormat::Qcow2).is_ok(), "internal snapshots are harmless");
}

#[test]
fn raw_is_as_long_as_the_file() {
    let found = inspect(&Lab::new().patterned("disk", MIB + 1), ImageFormat::Raw).expect("plain bytes");
    assert_eq!(found, ImageHeader { format: ImageFormat::Raw, virtual_size: size(MIB + 1) });
}

#[tokio::test]
async fn other_formats_are_refused_whatever_they_are_said_to_be() {
    let lab = Lab::new();
    for format in ["vmdk", "vpc", "vhdx", "vdi", "qed", "parallels"] {
        let name = format!("disk.{format}");
        lab.qemu_img(&["create", "-f", format, &format!("@{name}"), "4M"]).await;
        for declared in [ImageFormat::Raw, ImageFormat::Qcow2] {
            let text = refusal(&lab.open(&name), declared);
            assert!(text.contains("is said to be") && !text.contains("no known format"), "{format}: {text}");
        }
    }
    let luks = lab.write("disk.luks", b"LUKS\xba\xbe\0\x02 and so on");
    assert!(refusal(&luks, ImageFormat::Raw).contains("LUKS"));
}

#[tokio::test]
async fn lies_are_refused_both_ways() {
    let lab = Lab::new();
    lab.qemu_img(&["create", "-f", "qcow2", "@disk.qcow2", "4M"]).await;
    assert!(refusal(&lab.open("disk.qcow2"), ImageFormat::Raw).contains("its bytes are qcow2"));
    assert!(refusal(&lab.patterned("disk", MIB), ImageFormat::Qcow2).contains("no known format"));
}

#[test]
fn a_vmdk_text_that_names_other_files_is_refused() {
    let lab = Lab::new();
    let extents = "version=1\ncreateType=\"monolithicFlat\"\nRW 2048 FLAT \"/etc/shadow\" 0\n";
    for (name, text) in [("usual", format!("# Disk DescriptorFile\n{extents}")), ("bare", format!("\n#x\n{extents}"))] {
        let file = lab.write(name, text.as_bytes());
        assert!(refusal(&file, ImageFormat::Raw).contains("VMDK descriptor"));
        assert!(refusal(&file, ImageFormat::Qcow2).contains("VMDK descriptor"));
    }
}

#[tokio::test]
async fn a_backing_file_is_refused() {
    let lab = Lab::new();
    lab.empty("base", MIB);
    lab.qemu_img(&["create", "-f", "qcow2", "-F", "raw", "-b", "@base", "@over.qcow2"]).await;
    assert!(refusal(&lab.open("over.qcow2"), ImageFormat::Qcow2).contains("backing file"));
}

#[tokio::test]
async fn an_external_data_file_is_refused() {
    let lab = Lab::new();
    lab.qemu_img(&["create", "-f", "qcow2", "-o", "data_file=@data", "@out.qcow2", "1M"]).await;
    assert!(refusal(&lab.open("out.qcow2"), ImageFormat::Qcow2).contains("external data file"));
}

#[tokio::test]
async fn impossible_headers_are_refused_field_by_field() {
    let lab = Lab::new();
    lab.qemu_img(&["create", "-f", "qcow2", "@good", "4M"]).await;
    let good = super::bytes_of(&lab.path("good"));
    let field = |name, value| Qcow2Fault::Field { name, value };
    let cases: &[(usize, &[u8], Qcow2Fault)] = &[
        (7, &[4], Qcow2Fault::Version(4)),
        (8, &[0, 0, 0, 0, 0, 0, 2, 0], Qcow2Fault::BackingFile),
        (23, &[8], field("cluster_bits", 8)),
        (23, &[22], field("cluster_bits", 22)),
        (20, &[0xff; 4], field("cluster_bits", u32::MAX.into())),
        (24, &[0xff; 8], field("size", u64::MAX)),
        (24, &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0], field("l1_size", 1)),
        (31, &[1], field("size", 4 * MIB + 1)),
        (35, &[1], Qcow2Fault::Encrypted),
        (36, &[0; 4], field("l1_size", 0)),
        (36, &[0xff; 4], field("l1_size", u32::MAX.into())),
        (40, &[0; 8], field("l1_table_offset", 0)),
        (40, &[0xff; 8], field("l1_table_offset", u64::MAX)),
        (47, &[8], field("l1_table_offset", 0x3_0008)),
        (48, &[0xff; 8], field("refcount_table_offset", u64::MAX)),
        (56, &[0; 4], field("refcount_table_clusters", 0)),
        (56, &[0xff; 4], field("refcount_table_clusters", u32::MAX.into())),
        (60, &[0xff; 4], field("nb_snapshots", u32::MAX.into())),
        (60, &[0, 0, 0, 1], field("snapshots_offset", 0)),
        (79, &[1], Qcow2Fault::Dirty),
        (79, &[2], Qcow2Fault::Corrupt),
        (79, &[4], Qcow2Fault::ExternalDataFile),
        (79, &[0x20], Qcow2Fault::UnknownFeatures(0x20)),
        (72, &[0x80], Qcow2Fault::UnknownFeatures(1 << 63)),
        (79, &[8], field("compression_type", 0)),
        (104, &[1], field("compression_type", 1)),
        (99, &[7], field("refcount_order", 7)),
        (100, &[0xff; 4], field("header_length", u32::MAX.into())),
        (112, b"DATA", Qcow2Fault::ExternalDataFile),
        (112, &[0x05, 0x37, 0xbe, 0x77], Qcow2Fault::Encrypted),
        (116, &[0xff; 4], field("header extension length", u32::MAX.into())),
    ];
    for (at, bytes, expected) in cases {
        let mut bad = good.clone();
        bad[*at..at + bytes.len()].copy_from_slice(bytes);
        let error = inspect(&lab.write("bad", &bad), ImageFormat::Qcow2).expect_err("it must be refused");
        let ImageError::Refused(fault) = error else { panic!("byte {at}: {error}") };
        assert_eq!(fault, *expected, "byte {at}");
    }
    for cut in [4, 7, 71, 103, 108] {
        let fault = inspect(&lab.write("bad", &good[..cut]), ImageFormat::Qcow2).expect_err("it is cut off");
        assert!(matches!(fault, ImageError::Refused(Qcow2Fault::CutHeader)), "{cut}: {fault:?}");
    }
}

#[tokio::test]
async fn what_is_not_a_plain_file_is_refused() {
    let lab = Lab::new();
    let target = lab.empty("target", MIB);
    std::fs::create_dir(lab.path("directory")).expect("room");
    std::os::unix::fs::symlink(lab.path("target"), lab.path("link")).expect("room");
    rustix::fs::mknodat(rustix::fs::CWD, lab.path("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("room");
    lab.empty("nothing", 0);
    for name in ["directory", "link", "pipe", "nothing", "absent"] {
        let image = lab.image(name, ImageFormat::Raw);
        let error = copy_into(&ctx(), &image, &target, size(MIB)).await.expect_err("it must be refused");
        assert_eq!(error.kind(), Kind::Invalid, "{name}: {error}");
    }
}

#[tokio::test]
async fn a_small_file_that_says_it_is_huge_does_not_fit() {
    let lab = Lab::new();
    lab.qemu_img(&["create", "-f", "qcow2", "@bomb", "100T"]).await;
    let target = lab.empty("target", MIB);
    let error = copy_into(&ctx(), &lab.image("bomb", ImageFormat::Qcow2), &target, size(MIB)).await;
    let error = error.expect_err("it does not fit");
    assert!(matches!(error, ImageError::TooLarge { .. }) && error.kind() == Kind::Invalid, "{error}");
    assert_eq!(super::allocated(&target), 0);
}

/// Cuts the image short at several places and demands that each is refused before a byte is written.
async fn refuses_each_cut(lab: &Lab, whole: &str) {
    let bytes = super::bytes_of(&lab.path(whole));
    // Even the last sector counts.
    for cut in [bytes.len() - 512, bytes.len() - 70_000, bytes.len() / 2, bytes.len() / 8, 300_000, 100_000] {
        let name = format!("{whole}-{cut}");
        lab.write(&name, &bytes[..cut]);
        let target = lab.empty(&format!("{name}.target"), 8 * MIB);
        let image = ImageFile { path: lab.path(&name), format: ImageFormat::Qcow2 };
        let error = copy_into(&ctx(), &image, &target, size(8 * MIB)).await.expect_err("it is cut off");
        assert_eq!(error.kind(), Kind::Invalid, "{cut}: {error}");
        assert_eq!(super::allocated(&target), 0, "{cut}");
    }
}

/// Bytes that do not compress, the same each time.
fn noise(bytes: u64) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..bytes / 8).flat_map(|_| next()).collect()
}

#[tokio::test]
async fn an_image_that_is_cut_off_is_refused_before_a_byte_is_written() {
    let lab = Lab::new();
    lab.write("disk", &noise(8 * MIB));
    for (name, options) in [("plain", "cluster_size=64k"), ("parts", "extended_l2=on,cluster_size=64k")] {
        lab.qemu_img(&["convert", "-f", "raw", "-O", "qcow2", "-o", options, "@disk", &format!("@{name}")]).await;
        refuses_each_cut(&lab, name).await;
    }
}

#[tokio::test]
async fn a_compressed_image_that_is_cut_off_is_refused_before_a_byte_is_written() {
    let lab = Lab::new();
    // Half noise, half repetition: compressed clusters of many lengths.
    let disk: Vec<u8> = noise(4 * MIB).chunks(4096).flat_map(|part| [part, &[7; 4096]].concat()).collect();
    lab.write("disk", &disk);
    lab.qemu_img(&["convert", "-c", "-f", "raw", "-O", "qcow2", "@disk", "@packed"]).await;
    refuses_each_cut(&lab, "packed").await;
}

#[tokio::test]
async fn damaged_compressed_data_are_the_images_fault() {
    let lab = Lab::new();
    lab.write("disk", &vec![7; 1 << 20]);
    lab.qemu_img(&["convert", "-c", "-f", "raw", "-O", "qcow2", "@disk", "@packed"]).await;
    let file = lab.open("packed");
    let length = file.metadata().expect("metadata").len();
    // Behind header, tables and reference counts, all is compressed data.
    file.write_all_at(&vec![0xff; usize::try_from(length - 5 * 65_536).expect("small")], 5 * 65_536).expect("room");
    let target = lab.empty("target", MIB);
    let image = lab.image("packed", ImageFormat::Qcow2);
    let error = copy_into(&ctx(), &image, &target, size(MIB)).await.expect_err("it is damaged");
    assert!(matches!(error, ImageError::Unreadable(_)) && error.kind() == Kind::Invalid, "{error:?}");
}

/// A small real image, for mutations.
static REAL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let lab = Lab::new();
        lab.write("disk", &noise(32_768));
        lab.qemu_img(&["convert", "-c", "-f", "raw", "-O", "qcow2", "-o", "cluster_size=512", "@disk", "@image"]).await;
        super::bytes_of(&lab.path("image"))
    })
});

fn survives(bytes: &[u8]) {
    let file = tempfile::tempfile().expect("a file");
    file.write_all_at(bytes, 0).expect("room");
    for declared in [ImageFormat::Raw, ImageFormat::Qcow2] {
        let _either_way = inspect(&file, declared);
    }
    if let Ok(header) = Header::parse(bytes, bytes.len() as u64) {
        let _either_way = check_clusters(&ctx(), &file, &header);
    }
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..700)
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in any_bytes()) {
        survives(&bytes);
        survives(&[b"QFI\xfb\0\0\0\x03", bytes.as_slice()].concat());
    }

    #[test]
    fn no_damage_to_a_real_image_makes_it_panic(
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
        to_header in any::<bool>(),
    ) {
        let mut bytes = REAL.clone();
        let reach = if to_header { 128 } else { bytes.len() };
        for (place, value) in damage {
            bytes[place.index(reach)] = value;
        }
        survives(&bytes);
    }
}

//! Images that lie, refer to other files, or want more than they look like.

use std::path::Path;

use ashlar_common::{driver::Kind, image::ImageFormat};

use crate::{
    answers::refuses,
    behaviour::{Behaviour, Group},
    claims::Need,
    contents::pattern,
    outcome::{Held, Stop},
    qcow2::{Content, Qcow2},
    stage::Stage,
};

use super::{
    Case,
    images::{Folder, refused},
};

/// The size of disks here: whole sectors.
const SIZE: usize = (1 << 20) + 512;
const INVALID: &[Kind] = &[Kind::Invalid];
/// What other formats begin with, and where.
const MAGIC: [(&str, usize, &[u8]); 8] = [
    ("qcow, the first version", 0, b"QFI\xfb\0\0\0\x01"),
    ("VMDK", 0, b"KDMV\x01\0\0\0"),
    ("VMDK of ESX", 0, b"COWD\x01\0\0\0"),
    ("VHD", 0, b"conectix\0\0\0\x02"),
    ("VHDX", 0, b"vhdxfile"),
    ("VDI", 0x40, b"\x7f\x10\xda\xbe"),
    ("QED", 0, b"QED\0"),
    ("LUKS", 0, b"LUKS\xba\xbe\0\x02"),
];

/// Behaviours 27 to 31.
pub const CASES: &[Case] = &[
    Case {
        behaviour: Behaviour {
            number: 27,
            group: Group::Images,
            name: "image_of_another_format_than_said_is_refused",
            clauses: &["image.2"],
            need: Need::Core,
        },
        run: |stage| Box::pin(lies(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 28,
            group: Group::Images,
            name: "image_with_a_backing_file_is_refused",
            clauses: &["image.2"],
            need: Need::Core,
        },
        run: |stage| Box::pin(backing(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 29,
            group: Group::Images,
            name: "image_with_its_bytes_in_another_file_is_refused",
            clauses: &["image.2"],
            need: Need::Core,
        },
        run: |stage| Box::pin(data_file(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 30,
            group: Group::Images,
            name: "vmdk_text_that_names_extents_is_refused",
            clauses: &["image.2"],
            need: Need::Core,
        },
        run: |stage| Box::pin(extents(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 31,
            group: Group::Images,
            name: "small_image_of_a_huge_disk_is_refused_and_takes_nothing",
            clauses: &["image.3", "image.7", "create.3"],
            need: Need::Core,
        },
        run: |stage| Box::pin(bomb(stage)),
    },
];

/// Refused for what it is, in a volume that it would fit into; and nothing was made on the way.
async fn check(stage: &Stage, what: &str, folder: &Folder, format: ImageFormat, bytes: &[u8]) -> Held {
    let image = folder.image("image", format, bytes)?;
    let spec = stage.spec(4 * SIZE as u64)?;
    refused(stage, &format!("{what}, said to be {format}"), &image, &spec, INVALID).await?;
    stage.has_just("after it was refused", &[], &[]).await
}

/// A file that an image should not get at, on this machine.
fn secret(folder: &Folder) -> Held<String> {
    let secret = folder.image("secret", ImageFormat::Raw, &pattern(7, SIZE))?;
    secret.path.to_str().map(str::to_owned).ok_or_else(|| Stop::failed("the temporary directory is not UTF-8"))
}

async fn lies(stage: &Stage) -> Held {
    let folder = Folder::new()?;
    let bytes = pattern(stage.seed, SIZE);
    check(stage, "raw bytes", &folder, ImageFormat::Qcow2, &bytes).await?;
    check(stage, "a text", &folder, ImageFormat::Qcow2, b"not an image at all\n").await?;
    check(stage, "a qcow2 image", &folder, ImageFormat::Raw, &Qcow2::of(&bytes).to_file()).await?;
    let second = Qcow2 { version: 2, ..Qcow2::of(&bytes) };
    check(stage, "a qcow2 image of version 2", &folder, ImageFormat::Raw, &second.to_file()).await?;
    check(stage, "qcow2 of a version to come", &folder, ImageFormat::Qcow2, &Qcow2 { version: 4, ..second }.to_file())
        .await?;
    for (name, at, magic) in MAGIC {
        let mut disk = bytes.clone();
        disk[..512].fill(0);
        disk[at..at + magic.len()].copy_from_slice(magic);
        for format in [ImageFormat::Raw, ImageFormat::Qcow2] {
            check(stage, name, &folder, format, &disk).await?;
        }
    }
    // Some formats are told by their end.
    let mut disk = bytes;
    let footer = disk.len() - 512;
    disk[footer..footer + 8].copy_from_slice(b"conectix");
    check(stage, "VHD of a fixed size", &folder, ImageFormat::Raw, &disk).await
}

async fn backing(stage: &Stage) -> Held {
    let folder = Folder::new()?;
    let secret = secret(&folder)?;
    let bytes = pattern(stage.seed, SIZE);
    let json = format!("json:{{\"driver\":\"file\",\"filename\":\"{secret}\"}}");
    let url = format!("file:{secret}");
    let names = [secret.as_str(), "secret", "./secret", &json, &url, "/dev/null", "nbd://127.0.0.1:1/x"];
    for name in names {
        for version in [2, 3] {
            for format in [Some("raw"), None] {
                // Half of the disk would come from there.
                let image = Qcow2 {
                    version,
                    backing: Some((name, format)),
                    virtual_size: 2 * SIZE as u64,
                    ..Qcow2::of(&bytes)
                };
                let what = format!("qcow2 of version {version} with the backing file {name:?}");
                check(stage, &what, &folder, ImageFormat::Qcow2, &image.to_file()).await?;
            }
        }
    }
    Ok(())
}

async fn data_file(stage: &Stage) -> Held {
    let folder = Folder::new()?;
    let secret = secret(&folder)?;
    let bytes = pattern(stage.seed, SIZE);
    let json = format!("json:{{\"driver\":\"file\",\"filename\":\"{secret}\"}}");
    for name in [Some(secret.as_str()), Some("secret"), Some(&json), Some("/dev/null"), None] {
        let image = Qcow2 { data_file: Some(name), ..Qcow2::of(&bytes) };
        let what = format!("qcow2 with its bytes in {name:?}");
        check(stage, &what, &folder, ImageFormat::Qcow2, &image.to_file()).await?;
    }
    Ok(())
}

async fn extents(stage: &Stage) -> Held {
    let folder = Folder::new()?;
    let secret = secret(&folder)?;
    let sectors = SIZE / 512;
    let body = format!(
        "version=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType=\"monolithicFlat\"\nRW {sectors} FLAT \"{secret}\" 0\n"
    );
    let texts = [
        format!("# Disk DescriptorFile\n{body}"),
        format!("# Disk DescriptorFile\r\n{}", body.replace('\n', "\r\n")),
        // QEMU needs no more than the version.
        body.clone(),
        format!("\n\n# anything\n  {body}"),
        format!("# Disk DescriptorFile\n{}", body.replace(&secret, "secret")),
    ];
    for text in texts {
        // Some write it into a file of the disk's size.
        let mut padded = text.clone().into_bytes();
        padded.resize(SIZE, 0);
        for format in [ImageFormat::Raw, ImageFormat::Qcow2] {
            check(stage, "a VMDK text", &folder, format, text.as_bytes()).await?;
            check(stage, "a VMDK text with room behind it", &folder, format, &padded).await?;
        }
    }
    // The same text within a sparse VMDK, at the place where its header says.
    let mut sparse = vec![0; SIZE];
    sparse[..8].copy_from_slice(b"KDMV\x01\0\0\0");
    sparse[28..36].copy_from_slice(&1_u64.to_le_bytes());
    sparse[36..44].copy_from_slice(&20_u64.to_le_bytes());
    sparse[512..512 + body.len()].copy_from_slice(body.as_bytes());
    for format in [ImageFormat::Raw, ImageFormat::Qcow2] {
        check(stage, "a VMDK image with a text in it", &folder, format, &sparse).await?;
    }
    unharmed(&folder, Path::new(&secret))
}

fn unharmed(folder: &Folder, secret: &Path) -> Held {
    let bytes = std::fs::read(secret).map_err(|error| Stop::failed(format!("an extent is gone: {error}")))?;
    let files = std::fs::read_dir(folder.path()).map_err(Stop::failed)?.count();
    crate::answers::equal("files beside an image that names extents", &files, &2)?;
    crate::contents::same("an extent", &bytes, &pattern(7, SIZE))
}

async fn bomb(stage: &Stage) -> Held {
    let folder = Folder::new()?;
    for virtual_size in [64 << 40, (1 << 40) + 512, 4 * SIZE as u64 + 512] {
        let image = Qcow2 { virtual_size, cluster_bits: 21, ..Qcow2::of(&[]) };
        let what = format!("a small qcow2 image of a disk of {virtual_size} bytes");
        check(stage, &what, &folder, ImageFormat::Qcow2, &image.to_file()).await?;
    }
    // Sizes that no disk has, and tables too short for them.
    let plain = Qcow2::of(&[]);
    for virtual_size in [u64::MAX - 511, 1 << 63, (1 << 63) - 512] {
        let mut file = Qcow2 { virtual_size: 1 << 20, ..plain }.to_file();
        file[24..32].copy_from_slice(&virtual_size.to_be_bytes());
        let what = format!("a qcow2 image that claims {virtual_size} bytes");
        check(stage, &what, &folder, ImageFormat::Qcow2, &file).await?;
    }
    repeated(stage, &folder).await
}

/// A cluster stored once, for each cluster of a disk twice as large as the pool. It may fit where equal bytes are kept
/// once; elsewhere the pool fills up, and must not stay so.
async fn repeated(stage: &Stage, folder: &Folder) -> Held {
    let cluster = pattern(stage.seed, 1 << 16);
    let virtual_size = (2 * stage.site.room()).next_multiple_of(1 << 16);
    let content = Content::Repeated(&cluster);
    let file = Qcow2 { virtual_size, content, ..Qcow2::of(&[]) }.to_file();
    let image = folder.image("image", ImageFormat::Qcow2, &file)?;
    let spec = stage.spec(virtual_size)?;
    match stage.driver().await.copy_image_to_volume(&stage.ctx(), &spec, &image).await {
        Ok(_) => {
            stage.has_size("of a packed image", &spec.volume, virtual_size).await?;
            stage.delete(&spec.volume).await?;
        }
        answer => {
            refuses("an image that unpacks to twice the pool", answer, &[Kind::OutOfSpace, Kind::Invalid])?;
            stage.is_absent("after its image found no room", &spec.volume).await?;
        }
    }
    stage.is_tidy().await?;
    stage.has_room_again().await
}

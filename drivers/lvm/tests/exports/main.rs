//! Exports over a real device: device-mapper, and LIO where it says so. It takes a machine that has them, such as the lab's.

mod stand;

use std::{fs, os::unix::fs::FileExt, path::PathBuf, time::Duration};

use ashlar_common::{
    driver::{AccessMode, Classified, ConnectionInfo, Detach, Kind, Outcome},
    ids::{AttachmentId, VolumeId},
    units::ByteCount,
};
use ashlar_driver_lvm::{
    dm::Dm,
    exports::{ExportOptions, Protocol},
};

use crate::stand::{SIZE, Stand, ctx, spec};

fn path(connection: &ConnectionInfo) -> PathBuf {
    assert_eq!(connection.driver_volume_type, "local");
    connection.data["device_path"].as_str().expect("a path").into()
}

fn read_byte(path: &PathBuf) -> std::io::Result<u8> {
    let mut byte = [0];
    fs::File::open(path)?.read_exact_at(&mut byte, 0)?;
    Ok(byte[0])
}

fn write_block(path: &PathBuf) -> std::io::Result<()> {
    let file = fs::File::options().write(true).open(path)?;
    file.write_all_at(&[9; 4096], 0)?;
    file.sync_all()
}

#[tokio::test]
async fn a_local_attachment_is_a_device_of_the_exact_size() {
    let stand = Stand::new(Protocol::Local).await;
    let (volume, spec) = (VolumeId::new(), spec(AccessMode::ReadWrite));
    let backing = stand.backing(SIZE - 512);
    let made = stand.exports.attach(&ctx(), volume, &backing, &spec, 1).await.expect("attached");
    let Outcome::Changed(connection) = made else { panic!("it was there before") };
    let device = path(&connection);
    assert_eq!(
        fs::File::open(&device)
            .and_then(|mut file| std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)))
            .expect("a size"),
        SIZE - 512
    );
    write_block(&device).expect("writes");
    assert_eq!(stand.byte(), 9);
    let again = stand.exports.attach(&ctx(), volume, &backing, &spec, 1).await.expect("attached");
    assert_eq!(again, Outcome::Unchanged(connection));
    assert_eq!(stand.exports.attachments(volume), [spec.id]);
    assert_eq!(
        stand.exports.detach(&ctx(), volume, Detach::One(spec.id)).await.expect("detached"),
        Outcome::Changed(())
    );
    assert_eq!(
        stand.exports.detach(&ctx(), volume, Detach::One(spec.id)).await.expect("detached"),
        Outcome::Unchanged(())
    );
    assert!(!device.exists());
    assert!(stand.left().await.is_empty(), "{:?}", stand.left().await);
}

#[tokio::test]
async fn who_may_only_read_cannot_write() {
    let stand = Stand::new(Protocol::Local).await;
    let made =
        stand.exports.attach(&ctx(), VolumeId::new(), &stand.backing(SIZE), &spec(AccessMode::ReadOnly), 1).await;
    let device = path(&made.expect("attached").into_inner());
    assert_eq!(read_byte(&device).expect("reads"), 7);
    write_block(&device).expect_err("written");
    assert_eq!(stand.byte(), 7);
}

#[tokio::test]
async fn what_differs_is_a_conflict_and_what_is_too_much_is_busy() {
    let stand = Stand::new(Protocol::Local).await;
    let (volume, one, backing) = (VolumeId::new(), spec(AccessMode::ReadWrite), stand.backing(SIZE));
    let first = stand.exports.attach(&ctx(), volume, &backing, &one, 1).await.expect("attached").into_inner();
    let kind = async |volume, spec, most| {
        let answer = stand.exports.attach(&ctx(), volume, &backing, &spec, most).await;
        answer.expect_err("refused").kind()
    };
    let mut other_mode = one.clone();
    other_mode.mode = AccessMode::ReadOnly;
    assert_eq!(kind(volume, other_mode, 1).await, Kind::Conflict);
    let mut other_host = one.clone();
    other_host.connector.0.insert("host".to_owned(), "another".into());
    assert_eq!(kind(volume, other_host, 1).await, Kind::Conflict);
    assert_eq!(kind(VolumeId::new(), one.clone(), 1).await, Kind::Conflict);
    assert_eq!(kind(volume, spec(AccessMode::ReadWrite), 1).await, Kind::Busy);
    let second = spec(AccessMode::ReadOnly);
    let beside = stand.exports.attach(&ctx(), volume, &backing, &second, 2).await.expect("attached").into_inner();
    stand.exports.detach(&ctx(), volume, Detach::One(one.id)).await.expect("detached");
    assert!(read_byte(&path(&first)).is_err());
    assert_eq!(read_byte(&path(&beside)).expect("the other goes on"), 7);
}

#[tokio::test]
async fn an_open_client_is_cut_off_and_its_attachment_can_be_made_again() {
    let stand = Stand::new(Protocol::Local).await;
    let (volume, spec, backing) = (VolumeId::new(), spec(AccessMode::ReadWrite), stand.backing(SIZE));
    let made = stand.exports.attach(&ctx(), volume, &backing, &spec, 1).await.expect("attached");
    let open = fs::File::options().write(true).open(path(&made.into_inner())).expect("opens");
    stand.exports.detach(&ctx(), volume, Detach::All).await.expect("detached");
    open.write_all_at(&[9; 4096], 0).and_then(|()| open.sync_all()).expect_err("cut off");
    assert_eq!(stand.byte(), 7);
    let again = stand.exports.attach(&ctx(), volume, &backing, &spec, 1).await.expect("attached");
    assert_eq!(read_byte(&path(&again.into_inner())).expect("reads"), 7);
    open.write_all_at(&[9; 4096], 0).and_then(|()| open.sync_all()).expect_err("still cut off");
    stand.exports.detach(&ctx(), volume, Detach::All).await.expect("detached");
    drop(open);
    assert!(stand.left().await.is_empty(), "{:?}", stand.left().await);
}

#[tokio::test]
async fn an_attachment_shows_that_its_volume_has_grown() {
    let stand = Stand::new(Protocol::Local).await;
    let (volume, spec) = (VolumeId::new(), spec(AccessMode::ReadWrite));
    let made = stand.exports.attach(&ctx(), volume, &stand.backing(SIZE / 2), &spec, 1).await.expect("attached");
    let mut open = fs::File::open(path(&made.into_inner())).expect("opens");
    stand.exports.resize(&ctx(), volume, &stand.backing(SIZE)).await.expect("resized");
    assert_eq!(std::io::Seek::seek(&mut open, std::io::SeekFrom::End(0)).expect("a size"), SIZE);
}

#[tokio::test]
async fn held_writes_wait_and_go_on_when_released_or_dropped() {
    let stand = Stand::new(Protocol::Local).await;
    let (volume, spec) = (VolumeId::new(), spec(AccessMode::ReadWrite));
    let made = stand.exports.attach(&ctx(), volume, &stand.backing(SIZE), &spec, 1).await.expect("attached");
    let device = path(&made.into_inner());
    let dm = Dm::find().expect("dmsetup");
    let name = device.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
    let suspended = async || dm.device(&ctx(), &name).await.expect("asked").expect("there").suspended;
    let hold = stand.exports.hold(&ctx(), &[volume]).await.expect("held");
    assert!(suspended().await);
    let writer = tokio::task::spawn_blocking(move || write_block(&device));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!((stand.byte(), writer.is_finished()), (7, false));
    hold.release().await.expect("released");
    writer.await.expect("a thread").expect("written");
    assert_eq!(stand.byte(), 9);
    drop(stand.exports.hold(&ctx(), &[volume]).await.expect("held"));
    // The next call waits until it is over.
    stand.exports.detach(&ctx(), volume, Detach::All).await.expect("detached");
    assert!(stand.left().await.is_empty());
}

#[tokio::test]
async fn after_a_crash_exports_are_restored_and_the_rest_is_removed() {
    let mut stand = Stand::new(Protocol::Iscsi).await;
    let (volume, spec, backing) = (VolumeId::new(), spec(AccessMode::ReadWrite), stand.backing(SIZE));
    let made = stand.exports.attach(&ctx(), volume, &backing, &spec, 1).await.expect("attached").into_inner();
    assert_eq!(made.driver_volume_type, "iscsi");
    assert_eq!(stand.left().await.len(), 3, "{:?}", stand.left().await);
    // As a start of the machine does: no device, no target. And as a crash does: a device and a target without a record.
    let aside = AttachmentId::new();
    stand.forget(&spec).await;
    stand.stray(&backing, aside).await;
    stand.reopen().await;
    stand.exports.restore(&ctx(), &[(volume, backing.clone())].into()).await.expect("restored");
    let left = stand.left().await;
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(left.iter().all(|what| what.contains(&spec.id.to_string())), "{left:?}");
    let again = stand.exports.attach(&ctx(), volume, &backing, &spec, 1).await.expect("attached");
    assert_eq!(again, Outcome::Unchanged(made));
    stand.exports.detach(&ctx(), volume, Detach::All).await.expect("detached");
    assert!(stand.left().await.is_empty(), "{:?}", stand.left().await);
}

#[tokio::test]
async fn devices_that_a_dead_host_held_back_go_on() {
    let mut stand = Stand::new(Protocol::Local).await;
    let (volume, spec, backing) = (VolumeId::new(), spec(AccessMode::ReadWrite), stand.backing(SIZE));
    let made = stand.exports.attach(&ctx(), volume, &backing, &spec, 1).await.expect("attached").into_inner();
    let device = path(&made);
    let name = device.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
    Dm::find().expect("dmsetup").suspend(&ctx(), &[name]).await.expect("suspended");
    stand.reopen().await;
    stand.exports.restore(&ctx(), &[(volume, backing)].into()).await.expect("restored");
    write_block(&device).expect("writes");
}

#[tokio::test]
async fn an_iscsi_attachment_without_an_initiator_is_refused_and_leaves_nothing() {
    let stand = Stand::new(Protocol::Iscsi).await;
    for initiator in [None, Some("../../x"), Some("iqn.a\nb")] {
        let mut spec = spec(AccessMode::ReadWrite);
        spec.connector.0.remove("initiator");
        spec.connector.0.extend(initiator.map(|name| ("initiator".to_owned(), name.into())));
        let refused = stand.exports.attach(&ctx(), VolumeId::new(), &stand.backing(SIZE), &spec, 1).await;
        assert_eq!(refused.expect_err("refused").kind(), Kind::Invalid);
    }
    let odd = ashlar_driver_lvm::exports::Backing { size: ByteCount::new(1000).expect("small"), ..stand.backing(SIZE) };
    let refused = stand.exports.attach(&ctx(), VolumeId::new(), &odd, &spec(AccessMode::ReadWrite), 1).await;
    assert_eq!(refused.expect_err("refused").kind(), Kind::Invalid);
    assert!(stand.left().await.is_empty(), "{:?}", stand.left().await);
}

#[tokio::test]
async fn a_target_that_the_kernel_lacks_is_refused_at_the_start_with_the_fix() {
    let options = |protocol| ExportOptions { protocol, ..Stand::options("127.0.0.1:4420") };
    if std::path::Path::new("/sys/kernel/config/nvmet").exists() {
        Stand::of(options(Protocol::Nvme)).await;
        return;
    }
    let refused = Stand::open(&options(Protocol::Nvme)).await.expect_err("refused");
    assert_eq!(refused.kind(), Kind::Unsupported);
    assert!(refused.to_string().contains("nvmet-tcp"), "{refused}");
    let refused = Stand::open(&ExportOptions::default()).await.expect_err("no portals");
    assert_eq!(refused.kind(), Kind::Invalid);
    assert!(refused.to_string().contains("target.portals"), "{refused}");
}

#[tokio::test]
async fn an_export_that_cannot_be_made_is_taken_back() {
    // An address that another program listens at. (One that the machine has not would do: LIO binds that, too.)
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let stand = Stand::at(&taken.local_addr().expect("an address").to_string()).await;
    let (volume, spec) = (VolumeId::new(), spec(AccessMode::ReadWrite));
    let refused = stand.exports.attach(&ctx(), volume, &stand.backing(SIZE), &spec, 1).await.expect_err("refused");
    assert_eq!(refused.kind(), Kind::Unavailable, "{refused}");
    assert!(stand.exports.attachments(volume).is_empty());
    assert!(stand.left().await.is_empty(), "{:?}", stand.left().await);
}

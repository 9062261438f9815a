//! Snapshots, clones, going back.

use std::{os::unix::fs::FileExt, sync::mpsc};

use ashlar_common::driver::{AccessMode, Detach, Kind, SnapshotRef};

use crate::bench::{
    Bench, SIZE, assert_changed, assert_kind, assert_same, assert_unchanged, attachment, bytes, create, create_full,
    ctx, device_path, listed, open_rw, pattern, read, read_snapshot, snapshot, snapshot_of, spec, write,
};

/// Where the last of the numbers of a busy client goes.
const END: u64 = SIZE - 512;

/// snapshot.1
pub(crate) async fn later_writes_do_not_reach_a_snapshot(bench: &Bench) {
    let driver = bench.driver();
    let (volume, before) = create_full(driver, 1).await;
    let frozen = snapshot_of(&volume);
    let outcome = driver.create_snapshot(&ctx(), &frozen).await.expect("taken");
    assert_changed(&outcome);
    let taken = outcome.into_inner();
    assert_eq!((&taken.snapshot, taken.size), (&frozen, bytes(SIZE)));
    assert_eq!(driver.inspect_snapshot(&ctx(), &frozen).await.expect("looked"), Some(taken));
    let after = pattern(2, SIZE);
    write(driver, &volume, 0, &after).await;
    driver.extend(&ctx(), &volume, bytes(SIZE * 2)).await.expect("grown");
    assert_same(&read_snapshot(driver, &frozen).await, &before);
    assert_same(&read(driver, &volume).await[..after.len()], &after);
}

/// snapshot.2
pub(crate) async fn snapshot_again_keeps_the_first_bytes(bench: &Bench) {
    let driver = bench.driver();
    let (volume, first) = create_full(driver, 1).await;
    let frozen = snapshot(driver, &volume).await;
    write(driver, &volume, 100, b"later").await;
    assert_unchanged(&driver.create_snapshot(&ctx(), &frozen).await.expect("again"));
    assert_same(&read_snapshot(driver, &frozen).await, &first);
    let other = SnapshotRef { id: frozen.id, volume: create(driver, SIZE).await };
    assert_kind(driver.create_snapshot(&ctx(), &other).await, Kind::Conflict);
    assert_kind(driver.delete_snapshot(&ctx(), &other).await, Kind::Conflict);
    assert_eq!(driver.inspect_snapshot(&ctx(), &other).await.expect("looked"), None);
}

/// snapshot.1: a client may write while the snapshot is taken. Where blocks cannot be shared that is refused.
pub(crate) async fn snapshot_of_an_attached_volume_is_of_one_instant_or_refused(bench: &Bench) {
    let driver = bench.driver();
    let (volume, _) = create_full(driver, 1).await;
    let hold = attachment(AccessMode::ReadWrite);
    let connection = driver.attach(&ctx(), &volume, &hold).await.expect("attached").into_inner();
    if bench.local.shares_blocks() {
        // A number goes to the end and then to the beginning, over and over: at any instant the end has the number of
        // the beginning or the next. A copy that reads on meanwhile sees numbers far apart.
        let file = open_rw(&device_path(&connection));
        for at in [END, 0] {
            file.write_all_at(&0_u64.to_le_bytes(), at).expect("written");
        }
        let (stop, stopped) = mpsc::channel::<()>();
        let (begun, begins) = mpsc::channel();
        let writer = std::thread::spawn(move || {
            let mut number = 0_u64;
            while stopped.try_recv() != Err(mpsc::TryRecvError::Disconnected) {
                number += 1;
                for at in [END, 0] {
                    file.write_all_at(&number.to_le_bytes(), at).expect("written");
                }
                if number == 100 {
                    begun.send(()).expect("awaited");
                }
            }
        });
        begins.recv().expect("the writer goes on");
        let frozen = snapshot(driver, &volume).await;
        let clone = spec(SIZE);
        driver.clone_volume(&ctx(), &clone, &volume).await.expect("cloned");
        drop(stop);
        writer.join().expect("the writer ends");
        for content in [read_snapshot(driver, &frozen).await, read(driver, &clone.volume).await] {
            let number = |at: u64| {
                let at = usize::try_from(at).expect("small");
                u64::from_le_bytes(content[at..at + 8].try_into().expect("eight bytes"))
            };
            let (beginning, end) = (number(0), number(END));
            assert!(beginning >= 100 && [beginning, beginning + 1].contains(&end), "{beginning} and then {end}");
        }
    } else {
        assert_kind(driver.create_snapshot(&ctx(), &snapshot_of(&volume)).await, Kind::Busy);
        assert_kind(driver.clone_volume(&ctx(), &spec(SIZE), &volume).await, Kind::Busy);
        assert_eq!(listed(driver).await.1, vec![]);
    }
    driver.detach(&ctx(), &volume, Detach::All).await.expect("detached");
    snapshot(driver, &volume).await;
}

pub(crate) async fn snapshot_of_nothing_is_not_found(bench: &Bench) {
    let driver = bench.driver();
    let absent = spec(SIZE).volume;
    assert_kind(driver.create_snapshot(&ctx(), &snapshot_of(&absent)).await, Kind::NotFound);
    assert_kind(driver.clone_volume(&ctx(), &spec(SIZE), &absent).await, Kind::NotFound);
    assert_kind(driver.create_from_snapshot(&ctx(), &spec(SIZE), &snapshot_of(&absent)).await, Kind::NotFound);
    assert_unchanged(&driver.delete_snapshot(&ctx(), &snapshot_of(&absent)).await.expect("nothing to do"));
    assert_eq!(listed(driver).await, (vec![], vec![]));
}

/// snapshot.3
pub(crate) async fn snapshots_go_in_any_order(bench: &Bench) {
    let driver = bench.driver();
    let (volume, first) = create_full(driver, 1).await;
    let one = snapshot(driver, &volume).await;
    write(driver, &volume, 0, b"two").await;
    let two = snapshot(driver, &volume).await;
    write(driver, &volume, 0, b"three").await;
    let three = snapshot(driver, &volume).await;
    let now = read(driver, &volume).await;
    assert_changed(&driver.delete_snapshot(&ctx(), &two).await.expect("deleted"));
    assert_unchanged(&driver.delete_snapshot(&ctx(), &two).await.expect("again"));
    assert_same(&read_snapshot(driver, &one).await, &first);
    assert_same(&read_snapshot(driver, &three).await, &now);
    assert_same(&read(driver, &volume).await, &now);
}

/// delete.3
pub(crate) async fn snapshots_outlive_their_volume(bench: &Bench) {
    let driver = bench.driver();
    let (volume, content) = create_full(driver, 1).await;
    let frozen = snapshot(driver, &volume).await;
    driver.delete(&ctx(), &volume).await.expect("deleted");
    assert_same(&read_snapshot(driver, &frozen).await, &content);
}

/// copy.1
pub(crate) async fn larger_volume_of_a_snapshot_ends_in_zeros(bench: &Bench) {
    let driver = bench.driver();
    let (volume, mut content) = create_full(driver, 1).await;
    let frozen = snapshot(driver, &volume).await;
    let (of_snapshot, of_volume) = (spec(SIZE + 12_345), spec(SIZE * 2));
    assert_changed(&driver.create_from_snapshot(&ctx(), &of_snapshot, &frozen).await.expect("made"));
    assert_unchanged(&driver.create_from_snapshot(&ctx(), &of_snapshot, &frozen).await.expect("again"));
    driver.clone_volume(&ctx(), &of_volume, &volume).await.expect("cloned");
    content.resize(content.len() + 12_345, 0);
    assert_same(&read(driver, &of_snapshot.volume).await, &content);
    content.resize(usize::try_from(SIZE * 2).expect("small"), 0);
    assert_same(&read(driver, &of_volume.volume).await, &content);
}

/// copy.1
pub(crate) async fn smaller_volume_is_refused(bench: &Bench) {
    let driver = bench.driver();
    let volume = create(driver, SIZE).await;
    let frozen = snapshot(driver, &volume).await;
    assert_kind(driver.create_from_snapshot(&ctx(), &spec(SIZE - 1), &frozen).await, Kind::Invalid);
    assert_kind(driver.clone_volume(&ctx(), &spec(SIZE - 1), &volume).await, Kind::Invalid);
    assert_eq!(listed(driver).await.0, vec![volume.id]);
}

/// copy.2
pub(crate) async fn clone_is_independent_both_ways(bench: &Bench) {
    let driver = bench.driver();
    let (volume, mut source) = create_full(driver, 1).await;
    let mut copy = source.clone();
    let clone = spec(SIZE);
    driver.clone_volume(&ctx(), &clone, &volume).await.expect("cloned");
    assert_unchanged(&driver.clone_volume(&ctx(), &clone, &volume).await.expect("again"));
    write(driver, &volume, 4096, b"to the source").await;
    write(driver, &clone.volume, 8192, b"to the clone").await;
    source[4096..4096 + 13].copy_from_slice(b"to the source");
    copy[8192..8192 + 12].copy_from_slice(b"to the clone");
    assert_same(&read(driver, &volume).await, &source);
    assert_same(&read(driver, &clone.volume).await, &copy);
}

/// copy.2
pub(crate) async fn clone_survives_its_source(bench: &Bench) {
    let driver = bench.driver();
    let (volume, content) = create_full(driver, 1).await;
    let clone = spec(SIZE);
    driver.clone_volume(&ctx(), &clone, &volume).await.expect("cloned");
    driver.delete(&ctx(), &volume).await.expect("deleted");
    assert_same(&read(driver, &clone.volume).await, &content);
    // The retry of a lost answer: what was asked for is so, and the source is not needed any more.
    assert_unchanged(&driver.clone_volume(&ctx(), &clone, &volume).await.expect("again"));
}

/// create.2 for volumes with contents
pub(crate) async fn same_id_from_another_source_is_a_conflict(bench: &Bench) {
    let driver = bench.driver();
    let (volume, _) = create_full(driver, 1).await;
    let frozen = snapshot(driver, &volume).await;
    let made = spec(SIZE);
    driver.clone_volume(&ctx(), &made, &volume).await.expect("cloned");
    assert_kind(driver.create(&ctx(), &made).await, Kind::Conflict);
    assert_kind(driver.create_from_snapshot(&ctx(), &made, &frozen).await, Kind::Conflict);
    assert_kind(driver.clone_volume(&ctx(), &made, &made.volume).await, Kind::Conflict);
}

/// revert.1, revert.2
pub(crate) async fn revert_is_exact_and_keeps_size_and_snapshots(bench: &Bench) {
    let driver = bench.driver();
    let revert = driver.revert().expect("files can be replaced");
    let (volume, mut content) = create_full(driver, 1).await;
    let first = snapshot(driver, &volume).await;
    driver.extend(&ctx(), &volume, bytes(SIZE * 2)).await.expect("grown");
    write(driver, &volume, 0, &pattern(2, SIZE * 2)).await;
    let second = snapshot(driver, &volume).await;
    let outcome = revert.revert(&ctx(), &first).await.expect("reverted").into_inner();
    assert_eq!(outcome.size, bytes(SIZE * 2));
    assert_same(&read_snapshot(driver, &first).await, &content);
    content.resize(content.len() * 2, 0);
    assert_same(&read(driver, &volume).await, &content);
    assert_same(&read_snapshot(driver, &second).await, &pattern(2, SIZE * 2));
    revert.revert(&ctx(), &first).await.expect("again");
    assert_same(&read(driver, &volume).await, &content);
    assert_kind(revert.revert(&ctx(), &snapshot_of(&volume)).await, Kind::NotFound);
}

pub(crate) async fn revert_of_an_attached_volume_is_refused(bench: &Bench) {
    let driver = bench.driver();
    let volume = create(driver, SIZE).await;
    let frozen = snapshot(driver, &volume).await;
    write(driver, &volume, 0, b"later").await;
    driver.attach(&ctx(), &volume, &attachment(AccessMode::ReadWrite)).await.expect("attached");
    assert_kind(driver.revert().expect("a capability").revert(&ctx(), &frozen).await, Kind::Busy);
    driver.detach(&ctx(), &volume, Detach::All).await.expect("detached");
    assert_eq!(&read(driver, &volume).await[..5], b"later");
}

/// call.6: whoever copies from a snapshot that another removes has its bytes, or finds none. It is not damaged.
pub(crate) async fn a_snapshot_that_is_removed_while_it_is_used_was_there_or_not(bench: &Bench) {
    let driver = bench.driver();
    let (volume, before) = create_full(driver, 1).await;
    let revert = driver.revert().expect("it can revert");
    for _ in 0..40 {
        let frozen = snapshot(driver, &volume).await;
        let copy = spec(SIZE);
        let (reverting, copying, removing) = (ctx(), ctx(), ctx());
        let (reverted, copied, removed) = tokio::join!(
            revert.revert(&reverting, &frozen),
            driver.create_from_snapshot(&copying, &copy, &frozen),
            driver.delete_snapshot(&removing, &frozen),
        );
        assert_changed(&removed.expect("removed"));
        for used in [reverted, copied] {
            let kind = used.err().map(|error| error.kind());
            assert!(matches!(kind, None | Some(Kind::NotFound)), "{kind:?}");
        }
        driver.delete(&ctx(), &copy.volume).await.expect("removed");
    }
    assert_same(&read(driver, &volume).await, &before);
}

//! What becomes of a store in a file when its disk fails it, and that it goes on by itself once the cause is gone.

use std::{
    fs::{self, File, OpenOptions},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use ashlar_lab::disk::Disk;
use rustix::fs::{FlockOperation, flock};

use super::{Store, insert, volume};
use crate::store::{Error, listing::Listing};

async fn write(store: &Store) -> Result<(), Error> {
    let mut tx = store.write().await?;
    tx.insert_volume(&volume(&"x".repeat(2000), 0)).await?;
    tx.commit().await
}

async fn count(store: &Store) -> Result<u64, Error> {
    store.read().await?.count_volumes(&Listing { limit: 1, ..Listing::default() }).await
}

/// Writes until it fails: how many went well, and why the next did not.
async fn until_it_fails(store: &Store) -> (u64, Error) {
    for written in 0..100_000 {
        if let Err(error) = write(store).await {
            return (written, error);
        }
    }
    panic!("the fault never shows");
}

/// A page may be left where a larger transaction had no room: looks until that is taken too.
async fn until_not_even_a_little_fits(store: &Store) -> Error {
    for _ in 0..1000 {
        assert!(matches!(write(store).await, Err(Error::Full(_))));
        if let Err(error) = store.writable().await {
            return error;
        }
    }
    panic!("a disk that is full takes whatever is small");
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[tokio::test]
async fn a_full_disk_refuses_what_is_new_and_keeps_and_shows_the_rest() {
    let disk = Disk::of_mib(4).expect("a disk");
    let filler = disk.path().join("filler");
    fs::write(&filler, vec![7; 2 << 20]).expect("written");
    let store = Store::open_file(&disk.path().join("store.sqlite")).await.expect("a store");
    let (written, error) = until_it_fails(&store).await;
    assert!(matches!(error, Error::Full(_)), "{error:?}");
    assert!(error.to_string().contains("make room"), "{error}");
    for _ in 0..3 {
        assert!(matches!(write(&store).await, Err(Error::Full(_))));
    }
    assert_eq!(count(&store).await.expect("still shown"), written, "nothing lost and nothing half there");
    assert!(matches!(until_not_even_a_little_fits(&store).await, Error::Full(_)));
    fs::remove_file(&filler).expect("room again");
    store.writable().await.expect("by itself");
    write(&store).await.expect("by itself");
    assert_eq!(count(&store).await.expect("shown"), written + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_tells_everybody_who_shares_the_commit() {
    let disk = Disk::of_mib(2).expect("a disk");
    let store = Store::open_file(&disk.path().join("store.sqlite")).await.expect("a store");
    let mut told = 0;
    let mut refused = 0;
    for _ in 0..40 {
        let writers: Vec<_> = (0..50)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { write(&store).await })
            })
            .collect();
        for writer in writers {
            match writer.await.expect("no panic") {
                Ok(()) => told += 1,
                Err(Error::Full(_) | Error::Away(_)) => refused += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    assert!(told > 0 && refused > 0, "{told} and {refused}");
    assert_eq!(count(&store).await.expect("shown"), told);
}

#[tokio::test]
async fn a_read_only_disk_is_named_and_the_store_opens_once_it_is_mended() {
    let disk = Disk::of_mib(4).expect("a disk");
    let path = disk.path().join("store.sqlite");
    let store = Store::open_file(&path).await.expect("a store");
    insert(&store, &[volume("kept", 0)]).await;
    store.close().await;
    drop(store);
    disk.read_only(true).expect("remounted");
    let refused = Store::open_file(&path).await.expect_err("refused");
    assert!(matches!(refused, Error::File { .. }), "{refused:?}");
    let told = crate::chain::chain(&refused);
    assert!(told.contains("store.sqlite") && told.contains("Read-only file system"), "{told}");
    disk.read_only(false).expect("remounted");
    let store = Store::open_file(&path).await.expect("mended");
    assert_eq!(count(&store).await.expect("shown"), 1);
}

/// A store with some volumes, closed, and a copy of its file.
async fn closed_with_copy(folder: &Path, volumes: usize) -> (PathBuf, PathBuf) {
    let (path, copy) = (folder.join("store.sqlite"), folder.join("copy"));
    let store = Store::open_file(&path).await.expect("a store");
    for _ in 0..volumes {
        write(&store).await.expect("written");
    }
    store.close().await;
    drop(store);
    fs::copy(&path, &copy).expect("copied");
    (path, copy)
}

/// Puts a copy in place of the file, as docs/store.md says.
fn put_back(path: &Path, copy: &Path) {
    for suffix in ["-wal", "-shm"] {
        let _none = fs::remove_file(beside(path, suffix));
    }
    fs::rename(copy, path).expect("put back");
}

#[tokio::test]
async fn a_damaged_file_is_named_and_a_copy_in_its_place_is_taken_up_without_a_restart() {
    type Damage = fn(&File);
    let damages: [(&str, Damage); 3] = [
        ("overwritten in the middle", |mut file| {
            file.seek(SeekFrom::Start(4096)).and_then(|_| file.write_all(&vec![0xa5; 160 << 10])).expect("spoilt");
        }),
        ("cut off", |file| file.set_len(10 * 4096).expect("spoilt")),
        ("not a database", |mut file| file.write_all(&vec![b'#'; 4096]).expect("spoilt")),
    ];
    for (what, damage) in damages {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, copy) = closed_with_copy(folder.path(), 100).await;
        let store = Store::unchecked(&crate::store::Location::File(path.clone())).expect("a handle");
        damage(&OpenOptions::new().write(true).open(&path).expect("there"));
        let shown = async { store.read().await?.list_volumes(&Listing { limit: 1000, ..Listing::default() }).await };
        let refused = shown.await.expect_err(what);
        assert!(matches!(refused, Error::Corrupt(_)), "{what}: {refused:?}");
        assert!(refused.to_string().contains("docs/store.md"), "{refused}");
        assert!(Store::open_file(&path).await.is_err() || write(&store).await.is_err(), "{what}");
        put_back(&path, &copy);
        assert_eq!(count(&store).await.expect(what), 100, "{what}");
        write(&store).await.expect(what);
    }
}

#[tokio::test]
async fn nothing_is_acknowledged_on_a_file_that_was_removed_and_a_file_put_back_is_taken_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, copy) = closed_with_copy(folder.path(), 3).await;
    let store = Store::open_file(&path).await.expect("a store");
    write(&store).await.expect("written");
    assert_eq!(count(&store).await.expect("shown"), 4);
    // In the middle of a transaction, and while connections lie idle.
    let mut tx = store.write().await.expect("its turn");
    tx.insert_volume(&volume("lost", 0)).await.expect("inserted");
    fs::remove_file(&path).expect("removed");
    let lost = tx.commit().await.expect_err("it is gone");
    assert!(matches!(lost, Error::Away(_)) && crate::chain::chain(&lost).contains("removed"), "{lost:?}");
    for _ in 0..3 {
        assert!(matches!(write(&store).await, Err(Error::Away(_))));
        assert!(matches!(count(&store).await, Err(Error::Away(_))));
    }
    assert!(!path.exists(), "no empty store is made in its place");
    put_back(&path, &copy);
    assert_eq!(count(&store).await.expect("by itself"), 3);
    write(&store).await.expect("by itself");
}

#[tokio::test]
async fn a_log_that_was_removed_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.sqlite");
    let store = Store::open_file(&path).await.expect("a store");
    for _ in 0..20 {
        write(&store).await.expect("written");
    }
    assert_eq!(count(&store).await.expect("shown"), 20);
    fs::remove_file(beside(&path, "-wal")).expect("removed");
    // Also one that was at work when it went: told, and not done.
    let mut tx = store.write().await.expect("a new connection");
    tx.insert_volume(&volume("lost", 0)).await.expect("inserted");
    fs::remove_file(beside(&path, "-wal")).expect("removed");
    assert!(matches!(tx.commit().await, Err(Error::Away(_))));
    for _ in 0..10 {
        write(&store).await.expect("by a new connection");
    }
    let acknowledged = 30;
    assert_eq!(count(&store).await.expect("shown"), acknowledged);
    store.close().await;
    drop(store);
    let store = Store::open_file(&path).await.expect("again");
    assert_eq!(count(&store).await.expect("shown"), acknowledged);
}

#[tokio::test]
async fn who_waits_behind_a_process_that_stands_still_is_told_and_goes_on_after_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.sqlite");
    let store = Store::open_file(&path).await.expect("a store");
    write(&store).await.expect("written");
    // As another process holds it: a description of its own.
    let other = File::open(beside(&path, "-turn")).expect("there");
    flock(&other, FlockOperation::NonBlockingLockExclusive).expect("free");
    tokio::time::pause();
    for _ in 0..3 {
        let waits = {
            let store = store.clone();
            tokio::spawn(async move { write(&store).await })
        };
        tokio::task::yield_now().await;
        assert_eq!(count(&store).await.expect("readers wait for nobody"), 1);
        tokio::time::advance(Duration::from_secs(31)).await;
        let told = waits.await.expect("no panic").expect_err("not its turn");
        assert!(matches!(told, Error::Busy), "{told:?}");
    }
    tokio::time::resume();
    flock(&other, FlockOperation::Unlock).expect("ours");
    write(&store).await.expect("by itself");
    write(&store).await.expect("by itself");
    assert_eq!(count(&store).await.expect("shown"), 3);
    let again = File::open(beside(&path, "-turn")).expect("there");
    flock(&again, FlockOperation::NonBlockingLockExclusive).expect("a turn that nobody waited for was given back");
}

#[tokio::test]
async fn who_waits_behind_a_stray_user_of_the_file_is_told_and_goes_on_after_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.sqlite");
    let store = Store::open_file(&path).await.expect("a store");
    write(&store).await.expect("written");
    let stray = rusqlite::Connection::open(&path).expect("opened");
    stray.execute_batch("BEGIN IMMEDIATE").expect("free");
    tokio::time::pause();
    let waits = {
        let store = store.clone();
        tokio::spawn(async move { write(&store).await })
    };
    tokio::task::yield_now().await;
    assert_eq!(count(&store).await.expect("readers wait for nobody"), 1);
    tokio::time::advance(Duration::from_secs(31)).await;
    let told = waits.await.expect("no panic").expect_err("it is held");
    assert!(matches!(told, Error::Busy), "{told:?}");
    tokio::time::resume();
    stray.execute_batch("ROLLBACK").expect("let go");
    write(&store).await.expect("by itself");
}

//! Stores with all that can be wrong in them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{create_dir_all, read_dir, write},
    os::unix::fs::symlink,
    path::Path,
};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{LARGEST, Store};
use crate::evidence::record::{Reads, Record, SCHEMA, hexadecimal};

fn record(job: &str, ended: u64, passed: bool) -> Record {
    Record {
        schema: SCHEMA,
        job: job.to_owned(),
        commit: "c0ffee".to_owned(),
        ended,
        passed,
        tests: 1,
        asked: String::new(),
        host: String::new(),
        governed_by: Reads::new(),
        built_from: Reads::new(),
        run_on: Reads::new(),
        packages: BTreeSet::new(),
        produced: BTreeMap::new(),
    }
}

fn store() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::at(folder.path().join("records"));
    (folder, store)
}

/// Puts a text where a record with these contents belongs.
fn plant(store: &Store, job: &str, text: &str) {
    create_dir_all(store.folder().join(job)).unwrap();
    let id = hexadecimal(&Sha256::digest(text));
    write(store.folder().join(job).join(format!("{id}.json")), text).unwrap();
}

fn ended(store: &Store, job: &str) -> Vec<u64> {
    let contents = store.read(None).unwrap();
    contents.jobs.get(job).map(|kept| kept.iter().map(|kept| kept.record.ended).collect()).unwrap_or_default()
}

/// The store's one warning says that, and nothing is believed.
fn check_left_out(store: &Store, why: &str) {
    let contents = store.read(None).unwrap();
    assert!(contents.jobs.is_empty(), "{why}");
    assert!(
        matches!(contents.warnings.as_slice(), [warning] if warning.contains(why)),
        "{why}: {:?}",
        contents.warnings
    );
}

#[test]
fn what_is_added_is_read_back_newest_first() {
    let (_folder, store) = store();
    assert!(store.read(None).unwrap().jobs.is_empty(), "not there yet");
    for time in [2, 3, 1] {
        store.add(&record("a", time, true)).unwrap();
    }
    store.add(&record("b", 7, false)).unwrap();
    assert_eq!((ended(&store, "a"), ended(&store, "b")), (vec![3, 2, 1], vec![7]));
    let only = store.read(Some("b")).unwrap();
    assert_eq!(only.jobs.keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!(only.jobs["b"][0].record, record("b", 7, false));
}

#[test]
fn a_record_that_was_changed_is_left_out() {
    let (_folder, store) = store();
    let id = store.add(&record("a", 1, false)).unwrap();
    let file = store.folder().join("a").join(format!("{id}.json"));
    let text = std::fs::read_to_string(&file).unwrap().replace("\"passed\":false", "\"passed\":true");
    write(&file, text).unwrap();
    check_left_out(&store, "not what its name says");
}

#[test]
fn a_record_that_was_cut_short_is_left_out() {
    let (_folder, store) = store();
    let id = store.add(&record("a", 1, true)).unwrap();
    let file = store.folder().join("a").join(format!("{id}.json"));
    let text = std::fs::read_to_string(&file).unwrap();
    write(&file, &text[..text.len() / 2]).unwrap();
    check_left_out(&store, "not what its name says");
    write(&file, "").unwrap();
    check_left_out(&store, "not what its name says");
}

#[test]
fn what_is_no_record_is_left_out_though_its_name_is_right() {
    for (text, why) in [("{}", "no record"), ("nothing", "no record")] {
        let (_folder, store) = store();
        plant(&store, "a", text);
        check_left_out(&store, why);
    }
    let (_folder, store) = store();
    let text = serde_json::to_string(&record("a", 1, true)).unwrap();
    plant(&store, "a", &text.replace("\"schema\":1", "\"schema\":2"));
    check_left_out(&store, "schema 2");
}

#[test]
fn a_record_of_another_job_is_left_out() {
    let (_folder, store) = store();
    plant(&store, "a", &serde_json::to_string(&record("b", 1, true)).unwrap());
    check_left_out(&store, "it is a record of b");
}

#[test]
fn links_lead_nowhere() {
    let (folder, store) = store();
    let id = store.add(&record("a", 1, true)).unwrap();
    let other = Store::at(folder.path().join("other"));
    create_dir_all(other.folder().join("b")).unwrap();
    symlink(store.folder().join("a").join(format!("{id}.json")), other.folder().join("b").join(format!("{id}.json")))
        .unwrap();
    check_left_out(&other, "it is no file");
    let other = Store::at(folder.path().join("third"));
    create_dir_all(other.folder()).unwrap();
    symlink(store.folder().join("a"), other.folder().join("a")).unwrap();
    check_left_out(&other, "no folder of a job");
}

#[test]
fn other_names_are_left_out() {
    let (_folder, store) = store();
    create_dir_all(store.folder().join("a")).unwrap();
    write(store.folder().join("a/README"), "").unwrap();
    check_left_out(&store, "no record by its name");
    std::fs::remove_file(store.folder().join("a/README")).unwrap();
    write(store.folder().join("stray.json"), "{}").unwrap();
    check_left_out(&store, "no folder of a job");
}

#[test]
fn a_job_cannot_lead_out_of_the_store() {
    let (_folder, store) = store();
    for name in ["..", "a/b", "", ".", "a b"] {
        assert!(store.add(&record(name, 1, true)).is_err(), "{name}");
    }
}

#[test]
fn a_record_without_bounds_is_neither_written_nor_read() {
    let (_folder, store) = store();
    let mut large = record("a", 1, true);
    large.commit = "x".repeat(usize::try_from(LARGEST).unwrap());
    assert!(store.add(&large).is_err());
    plant(&store, "a", &serde_json::to_string(&large).unwrap());
    check_left_out(&store, "more than 16 MiB");
}

#[test]
fn what_is_being_written_is_not_there_yet() {
    let (_folder, store) = store();
    store.add(&record("a", 1, true)).unwrap();
    write(store.folder().join("a/.writing-x"), "{").unwrap();
    let contents = store.read(None).unwrap();
    assert_eq!((contents.jobs["a"].len(), contents.warnings.len()), (1, 0));
}

#[test]
fn two_stores_merged_are_their_union() {
    let (_one, one) = store();
    let (_two, two) = store();
    one.add(&record("a", 1, true)).unwrap();
    one.add(&record("a", 2, true)).unwrap();
    two.add(&record("a", 2, true)).unwrap();
    two.add(&record("a", 3, true)).unwrap();
    two.add(&record("b", 4, true)).unwrap();
    plant(&two, "b", "{}");
    let merged = one.merge(&two).unwrap();
    assert_eq!((merged.new, merged.known, merged.warnings.len()), (2, 1, 1));
    assert_eq!((ended(&one, "a"), ended(&one, "b")), (vec![3, 2, 1], vec![4]));
    assert_eq!(one.merge(&two).unwrap().new, 0, "again");
    assert!(one.merge(&Store::at(Path::new("/nonexistent"))).is_err());
}

#[test]
fn pruning_keeps_the_newest_and_one_that_passed() {
    let (_folder, store) = store();
    for time in 1..=5 {
        store.add(&record("a", time, time == 2)).unwrap();
        store.add(&record("b", time, true)).unwrap();
    }
    assert_eq!(store.prune(2).unwrap(), 5);
    assert_eq!((ended(&store, "a"), ended(&store, "b")), (vec![5, 4, 2], vec![5, 4]));
    assert_eq!(store.prune(2).unwrap(), 0);
}

#[test]
fn many_writers_leave_whole_records_only() {
    let (_folder, store) = store();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for time in 0..10 {
                    store.add(&record("a", time * 2 + writer % 2, true)).unwrap();
                    store.prune(15).unwrap();
                    assert!(store.read(None).unwrap().warnings.is_empty());
                }
            });
        }
    });
    assert!(store.prune(15).unwrap() <= 5);
    assert_eq!(ended(&store, "a").len(), 15);
    let left = read_dir(store.folder().join("a")).unwrap();
    assert_eq!(left.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with('.')).count(), 0);
}

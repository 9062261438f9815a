//! The `run` command of the executable: a host of a backend.

use std::{ffi::OsString, fs::File, path::Path, time::Duration};

use ashlar_common::exec::Daemon;
use tempfile::TempDir;

/// Nothing takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_takes_no_more_does_not_end_a_host() {
    let folder = TempDir::new().expect("a directory");
    let (config, store) = (folder.path().join("ashlar.toml"), folder.path().join("store"));
    std::fs::create_dir(&store).expect("a directory");
    let text = format!(
        "state_directory = {:?}\n[backends.fast]\ndriver = \"local\"\n[backends.fast.options]\npath = {store:?}\n",
        folder.path()
    );
    std::fs::write(&config, text).expect("a file");
    let words = ["run", "--until-stdin-closes", "--log", "debug", "--backend", "fast", "--config"];
    let words = words.map(OsString::from).into_iter().chain([config.into_os_string()]);
    // As on a disk that is full: each write to it fails.
    let full = File::options().write(true).open("/dev/full").expect("Linux has it");
    let program = Path::new(env!("CARGO_BIN_EXE_ashlar-driver-local"));
    let mut host = Daemon::start_logged(program, words, full).expect("started");
    while std::fs::read_dir(&store).expect("listed").next().is_none() {
        let ended = tokio::time::timeout(LOOK_AGAIN, host.ended()).await;
        assert!(ended.is_err(), "it ended before it opened its backend: {ended:?}");
    }
    // It has said much by then, and says that it ends.
    let status = host.stop(PATIENCE).await.expect("known");
    assert_eq!(status.code(), Some(0), "{status}");
}

//! `ashlar attach` and `ashlar detach`, as people and scripts run them.

use std::{
    ffi::OsString,
    fs::{self, OpenOptions},
    os::unix::fs::{FileExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use ashlar_common::{
    driver::OpCtx,
    exec::{Daemon, Program},
    ids::OpId,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::harness::{PATIENCE, Service};

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    /// The path that attach prints.
    fn path(&self) -> PathBuf {
        assert_eq!(self.code, Some(0), "{}", self.err);
        let path = self.out.strip_suffix('\n').expect("a line");
        assert!(Path::new(path).is_absolute() && !path.contains('\n'), "the path alone: {path:?}");
        path.into()
    }

    fn refused(&self, words: &str) {
        assert!(self.code == Some(1) && self.err.contains(words), "{:?} {}", self.code, self.err);
        assert_eq!(self.out, "", "a script must not take an error for a path");
    }
}

fn words(service: &Service, words: &[&str]) -> Vec<OsString> {
    let mut all: Vec<OsString> = words.iter().map(Into::into).collect();
    all.extend(["--state".into(), service.path("attached").into_os_string()]);
    if words[0] != "attached" {
        all.extend(["--endpoint".into(), service.endpoint().into()]);
    }
    all
}

async fn ashlar(service: &Service, asked: &[&str]) -> Said {
    let program = Program::at("ashlar", env!("CARGO_BIN_EXE_ashlar").into()).expect("built");
    let ctx = OpCtx::new(OpId::new(), PATIENCE, CancellationToken::new());
    let output = program.run(words(service, asked)).accept(0..=255).output(&ctx).await.expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs it, and kills it after a while.
async fn killed(service: &Service, asked: &[&str], after: Duration) {
    let program = Path::new(env!("CARGO_BIN_EXE_ashlar"));
    let log = fs::File::create(service.path("killed.log")).expect("a file");
    let mut daemon = Daemon::start_logged(program, words(service, asked), log).expect("started");
    tokio::time::sleep(after).await;
    if let Some(pid) = daemon.pid().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw) {
        // It may have ended by itself, and is not buried yet.
        let _ = kill_process(pid, Signal::KILL);
    }
    daemon.ended().await.expect("it ended");
}

fn attachments(service: &Service) -> Vec<Value> {
    let found = service.ask("GET", "/attachments/detail", None, "3.44").body;
    found["attachments"].as_array().expect("a list").clone()
}

fn assert_nothing_left(service: &Service) {
    assert_eq!(attachments(service), [Value::Null; 0]);
    let left: Vec<_> = fs::read_dir(service.path("attached")).into_iter().flatten().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_is_read_after_the_next_attach() {
    let service = Service::start().await;
    let id = service.volume(json!({ "size": 1, "name": "monday" })).await;
    let path = ashlar(&service, &["attach", "monday"]).await.path();
    service.volume_is(&id, "in-use").await;
    OpenOptions::new().write(true).open(&path).and_then(|file| file.write_all_at(b"kept", 4096)).expect("written");
    for again in ["monday", &id] {
        assert_eq!(ashlar(&service, &["attach", again]).await.path(), path, "the same path again");
    }
    assert_eq!(attachments(&service).len(), 1);
    let listed = ashlar(&service, &["attached", "--format", "json"]).await;
    let listed: Value = serde_json::from_str(&listed.out).expect("JSON");
    assert_eq!(listed["attached"][0]["volume_id"], json!(id));
    assert_eq!(listed["attached"][0]["status"], "attached");
    assert_eq!(listed["attached"][0]["path"], json!(path));
    let table = ashlar(&service, &["attached"]).await.out;
    assert!(table.starts_with("VOLUME") && table.contains("monday") && table.contains("local"), "{table}");
    let record = service.path("attached").join(format!("{id}.json"));
    assert_eq!(fs::metadata(record).expect("there").permissions().mode() & 0o777, 0o600);
    let detached = ashlar(&service, &["detach", "monday"]).await;
    assert_eq!((detached.code, detached.err.as_str()), (Some(0), ""));
    assert!(!path.exists());
    service.volume_is(&id, "available").await;
    assert_nothing_left(&service);
    let again = ashlar(&service, &["detach", &id]).await;
    assert!(again.code == Some(0) && again.err.contains("not attached here"), "{}", again.err);
    let path = ashlar(&service, &["attach", &id, "--read-only"]).await.path();
    let mut read = [0; 4];
    fs::File::open(&path).and_then(|file| file.read_exact_at(&mut read, 4096)).expect("read");
    assert_eq!(&read, b"kept");
    assert_eq!(attachments(&service)[0]["attach_mode"], "ro");
    ashlar(&service, &["attach", &id]).await.refused("detach");
    assert_eq!(ashlar(&service, &["detach", &id]).await.code, Some(0));
    assert_nothing_left(&service);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_is_said_with_what_to_do() {
    let mut service = Service::start().await;
    let first = service.volume(json!({ "size": 1, "name": "twin" })).await;
    let second = service.volume(json!({ "size": 1, "name": "twin" })).await;
    let several = ashlar(&service, &["attach", "twin"]).await;
    several.refused("say which by its id");
    assert!(several.err.contains(&first) && several.err.contains(&second), "{}", several.err);
    for (name, words) in
        [("nobody", "no volume"), ("a&b=c", "no volume"), ("6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a", "no volume")]
    {
        ashlar(&service, &["attach", name]).await.refused(words);
        ashlar(&service, &["detach", name]).await.refused(words);
    }
    // Somebody else has it.
    let taken = json!({ "attachment": { "volume_uuid": first, "connector": { "host": "other" } } });
    assert_eq!(service.ask("POST", "/attachments", Some(taken), "3.44").status, 200);
    ashlar(&service, &["attach", &first]).await.refused("the service refuses");
    assert_eq!(attachments(&service).len(), 1, "that of the other host stays");
    let left: Vec<_> = fs::read_dir(service.path("attached")).expect("there").collect();
    assert!(left.is_empty(), "{left:?}");
    let path = ashlar(&service, &["attach", &second]).await.path();
    service.stop().await;
    ashlar(&service, &["attach", &second]).await.refused("does the service run there?");
    ashlar(&service, &["detach", &second]).await.refused("detach again");
    service.run().await;
    assert_eq!(ashlar(&service, &["attach", &second]).await.path(), path);
    assert_eq!(ashlar(&service, &["detach", &second]).await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attachment_that_others_ended_is_made_anew() {
    let service = Service::start().await;
    let id = service.volume(json!({ "size": 1 })).await;
    let path = ashlar(&service, &["attach", &id]).await.path();
    let ended = attachments(&service)[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(service.ask("DELETE", &format!("/attachments/{ended}"), None, "3.44").status, 200);
    assert!(ashlar(&service, &["attached"]).await.out.contains("gone"));
    let anew = ashlar(&service, &["attach", &id]).await.path();
    assert!(anew != path && anew.exists());
    let ended = attachments(&service)[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(service.ask("DELETE", &format!("/attachments/{ended}"), None, "3.44").status, 200);
    assert_eq!(ashlar(&service, &["detach", &id]).await.code, Some(0));
    assert_nothing_left(&service);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_instant_both_go_on() {
    let service = Service::start().await;
    let id = service.volume(json!({ "size": 1, "name": "often" })).await;
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let after = |random: &mut fastrand::Rng| Duration::from_micros(random.u64(0..60_000));
    for round in 0..12_u8 {
        for _ in 0..2 {
            killed(&service, &["attach", "often"], after(&mut random)).await;
        }
        // Every other time it is taken apart where it stands.
        if round % 2 == 0 {
            let path = ashlar(&service, &["attach", "often"]).await.path();
            OpenOptions::new()
                .write(true)
                .open(&path)
                .and_then(|file| file.write_all_at(&[round], 0))
                .expect("written");
            assert_eq!(attachments(&service).len(), 1, "seed {seed}");
            service.volume_is(&id, "in-use").await;
        }
        killed(&service, &["detach", "often"], after(&mut random)).await;
        let detached = ashlar(&service, &["detach", "often"]).await;
        assert_eq!(detached.code, Some(0), "seed {seed}: {}", detached.err);
        service.volume_is(&id, "available").await;
        assert_nothing_left(&service);
    }
    let path = ashlar(&service, &["attach", "often"]).await.path();
    assert_eq!(fs::read(&path).expect("read")[0], 10, "the last that was written");
}

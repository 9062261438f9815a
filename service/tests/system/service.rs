//! The program itself: starting, checking, stopping.

use ashlar_common::{driver::OpCtx, exec::Program, ids::OpId};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::harness::{PATIENCE, Service};

pub(crate) async fn ashlar(words: &[&str]) -> (Option<i32>, String) {
    let program = Program::at("ashlar", env!("CARGO_BIN_EXE_ashlar").into()).expect("built");
    let ctx = OpCtx::new(OpId::new(), PATIENCE, CancellationToken::new());
    let output = program.run(words).accept(0..=255).output(&ctx).await.expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_service_goes_on_where_it_was() {
    let mut service = Service::start().await;
    let id = service.volume(json!({ "size": 1, "name": "kept" })).await;
    service.stop().await;
    assert!(service.try_ask("GET", "/volumes", None, "3.0").is_none(), "nobody is there");
    service.run().await;
    service.volume_is(&id, "available").await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_service_takes_its_hosts_along() {
    let mut service = Service::start().await;
    service.kill().await;
    // The next host gets the lock only when the one before has ended, and reports only then.
    service.run().await;
    service.volume(json!({ "size": 1 })).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_large_is_refused_so_that_the_client_hears_it() {
    let service = Service::start().await;
    for kib in [200, 512, 4096] {
        for _ in 0..10 {
            let body = json!({ "volume": { "size": 1, "name": "x".repeat(kib << 10) } });
            let answer = service.try_ask("POST", "/volumes", Some(body), "3.0").expect("an answer, not a broken pipe");
            assert_eq!(answer.status, 413, "{}", answer.body);
            assert!(answer.body.to_string().contains("send less"), "{}", answer.body);
            assert_eq!(service.ask("GET", "/volumes", None, "3.0").body["volumes"], json!([]));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_tells_what_each_backend_has() {
    let service = Service::start().await;
    let config = service.config();
    let (code, said) = ashlar(&["check", "--config", &config.to_string_lossy()]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("disk") && said.contains("ok"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_of_the_documentation_serves() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/ashlar.toml");
    let text = std::fs::read_to_string(example).expect("the example is there");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let place = folder.path().to_str().expect("a plain path");
    let text = text.replace("\"/var/lib/", &format!("\"{place}/")).replace("\"/srv/", &format!("\"{place}/"));
    let volumes = text.lines().find_map(|line| line.strip_prefix("path = ")).expect("a path of volumes");
    std::fs::create_dir_all(volumes.trim_matches('"')).expect("a directory");
    let config = folder.path().join("ashlar.toml");
    std::fs::write(&config, text).expect("written");
    let (code, said) = ashlar(&["check", "--config", &config.to_string_lossy()]).await;
    assert!(code == Some(0) && said.contains(" ok "), "{code:?} {said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_that_cannot_serve_is_refused_with_the_fix() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let config = folder.path().join("ashlar.toml");
    let try_with = async |text: String| {
        std::fs::write(&config, text).expect("written");
        ashlar(&["check", "--config", &config.to_string_lossy()]).await
    };
    let state = folder.path().join("state");
    let (code, said) = try_with(format!("state_directory = {state:?}\nlisten = 1")).await;
    assert!(code == Some(2) && said.contains("listen"), "{code:?} {said}");
    let (code, said) = try_with(format!("state_directory = {state:?}\n[backends.a]\ndriver = 'nonesuch'")).await;
    assert!(code == Some(1) && said.contains("ashlar-driver-nonesuch"), "{code:?} {said}");
    let missing = folder.path().join("missing");
    let text =
        format!("state_directory = {state:?}\n[backends.a]\ndriver = 'local'\noptions = {{ path = {missing:?} }}");
    let (code, said) = try_with(text).await;
    assert!(code == Some(1) && said.contains(&*missing.to_string_lossy()), "{code:?} {said}");
}

//! `ashlar store`, as an operator runs it.

use std::{ffi::OsString, fs, path::Path, time::Duration};

use ashlar_common::{
    driver::OpCtx,
    exec::{Output, Program},
    ids::OpId,
    store::Store,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::bench::Bench;

/// Runs it; whatever it ends with is looked at by the test.
async fn ashlar(words: &[&str]) -> (Option<i32>, String, String) {
    let program = Program::at("ashlar", env!("CARGO_BIN_EXE_ashlar").into()).expect("built");
    let ctx = OpCtx::new(OpId::new(), Duration::from_secs(60), CancellationToken::new());
    let Output { status, stdout, stderr } =
        program.run(words.iter().map(OsString::from)).accept([1, 2]).output(&ctx).await.expect("it ran");
    (status.code(), String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr).into_owned())
}

/// A configuration file, and the folder of its store.
fn configuration(folder: &Path, name: &str) -> String {
    let (file, state) = (folder.join(format!("{name}.toml")), folder.join(name));
    fs::write(&file, format!("state_directory = {state:?}\n")).expect("written");
    file.display().to_string()
}

async fn fill(state: &Path) {
    let bench = Bench::in_a_file(state).await;
    bench.report("fast").await;
    for _ in 0..3 {
        bench.post("/v3/demo/volumes", json!({ "volume": { "size": 1 } })).await.expect(202);
    }
    bench.store.close().await;
}

#[tokio::test]
async fn a_store_is_copied_to_an_empty_one_and_says_what_is_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (old, new) = (configuration(folder.path(), "old"), configuration(folder.path(), "new"));
    fill(&folder.path().join("old")).await;
    let (code, told, _) = ashlar(&["store", "status", "--config", &old]).await;
    assert!(code == Some(0) && told.contains("agrees with the volumes") && told.contains("SQLite"), "{told}");
    let (code, told, progress) = ashlar(&["store", "copy", "--config", &old, "--to", &new, "--format", "json"]).await;
    assert_eq!(code, Some(0), "{progress}");
    assert!(progress.contains("volumes"), "{progress}");
    let copied: Value = serde_json::from_str(&told).expect("JSON");
    let tables = copied["tables"].as_array().expect("tables");
    assert!(tables.iter().any(|table| table["table"] == "volumes" && table["rows"] == 3), "{told}");
    let (code, told, _) = ashlar(&["store", "status", "--config", &new, "--format", "json"]).await;
    let status: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((code, &status["pool_use_agrees"]), (Some(0), &json!(true)), "{told}");
    let (code, _, refused) = ashlar(&["store", "copy", "--config", &old, "--to", &new]).await;
    assert!(code == Some(1) && refused.contains("not empty"), "{refused}");
    // The copy is a store like any other.
    let store = Store::open_file(&folder.path().join("new/store.sqlite")).await.expect("a store");
    assert_eq!(store.read().await.expect("a view").hosts().await.expect("hosts").len(), 1);
}

#[tokio::test]
async fn a_store_in_use_is_not_copied() {
    let folder = tempfile::tempdir().expect("a folder");
    let (old, new) = (configuration(folder.path(), "old"), configuration(folder.path(), "new"));
    let bench = Bench::in_a_file(&folder.path().join("old")).await;
    bench.report("fast").await;
    let (code, _, refused) = ashlar(&["store", "copy", "--config", &old, "--to", &new]).await;
    let by = format!("process {}", std::process::id());
    assert!(code == Some(1) && refused.contains("in use") && refused.contains(&by), "{refused}");
    // Nor is anybody kept from it by the attempt.
    bench.post("/v3/demo/volumes", json!({ "volume": { "size": 1 } })).await.expect(202);
}

#[tokio::test]
async fn the_schema_goes_down_only_with_a_yes() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = configuration(folder.path(), "old");
    fill(&folder.path().join("old")).await;
    let (code, _, refused) = ashlar(&["store", "schema", "--config", &file, "--to", "1"]).await;
    assert!(code == Some(1) && refused.contains("loses"), "{refused}");
    let (code, told, _) = ashlar(&["store", "schema", "--config", &file, "--to", "1", "--yes"]).await;
    assert!(code == Some(0) && told.contains("to 1"), "{told}");
    let (code, told, _) = ashlar(&["store", "status", "--config", &file]).await;
    assert!(code == Some(1) && told.contains("this program works with"), "{told}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = configuration(folder.path(), "none");
    let (code, _, refused) = ashlar(&["store", "status", "--config", &file]).await;
    assert!(code == Some(1) && refused.contains("store.sqlite"), "{refused}");
    assert!(!folder.path().join("none").exists(), "nothing is made by looking");
    let with_password = "postgresql://ashlar:secret@127.0.0.1/x";
    let (code, _, refused) = ashlar(&["store", "copy", "--config", &file, "--to", with_password]).await;
    assert!(code == Some(1) && refused.contains("password_file") && !refused.contains("secret"), "{refused}");
    let (code, _, refused) = ashlar(&["store", "status", "--config", "/nowhere.toml"]).await;
    assert!(code == Some(2) && refused.contains("/nowhere.toml"), "{refused}");
}

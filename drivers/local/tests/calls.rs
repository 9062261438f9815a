//! The `calls` command of the executable, line by line, as a program in any language speaks it.

use std::{collections::HashMap, path::Path, time::Duration};

use ashlar_common::exec::{Conversation, Program};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{ChildStdin, ChildStdout},
};

/// No answer takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
const VOLUME: &str = "6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a";

/// The executable on a store in a temporary directory.
struct Talk {
    process: Conversation,
    stdin: Option<ChildStdin>,
    stdout: Lines<BufReader<ChildStdout>>,
    hello: Value,
    folder: TempDir,
}

fn converse(folder: &Path, options: &str) -> Conversation {
    let (config, store) = (folder.join("ashlar.toml"), folder.join("store"));
    std::fs::create_dir_all(&store).expect("a directory");
    let text = format!(
        "state_directory = {folder:?}\n[backends.fast]\ndriver = \"local\"\n[backends.fast.options]\npath = {store:?}\n{options}"
    );
    std::fs::write(&config, text).expect("a file");
    let program = Program::at("ashlar-driver-local", env!("CARGO_BIN_EXE_ashlar-driver-local").into());
    let words = ["calls".as_ref(), "--config".as_ref(), config.as_os_str(), "--backend".as_ref(), "fast".as_ref()];
    program.expect("built").run(words).dies_with_host().converse().expect("started")
}

impl Talk {
    async fn begin() -> Self {
        let folder = TempDir::new().expect("a directory");
        let mut process = converse(folder.path(), "");
        let stdin = process.take_stdin();
        let mut stdout = BufReader::new(process.take_stdout().expect("a pipe")).lines();
        let hello = next(&mut stdout).await.expect("a first line");
        Self { process, stdin, stdout, hello, folder }
    }

    async fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("open");
        stdin.write_all(format!("{line}\n").as_bytes()).await.expect("written");
    }

    async fn hear(&mut self) -> Value {
        next(&mut self.stdout).await.expect("a line")
    }

    async fn ask(&mut self, id: u64, call: &str, arguments: Value) -> Value {
        self.say(&request(id, call, arguments)).await;
        loop {
            let line = self.hear().await;
            if line.get("progress").is_none() {
                assert_eq!(line["id"], id);
                return line;
            }
        }
    }

    /// The exit code after standard input has closed.
    async fn end(mut self) -> Option<i32> {
        drop(self.stdin.take());
        self.code().await
    }

    async fn code(&mut self) -> Option<i32> {
        let ended = tokio::time::timeout(PATIENCE, self.process.ended()).await;
        ended.expect("it ends").expect("known").code()
    }
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<Value> {
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("in time").expect("readable");
    line.map(|line| serde_json::from_str(&line).expect("JSON"))
}

fn request(id: u64, call: &str, arguments: Value) -> String {
    json!({ "id": id, "call": call, "limit_ms": 30_000, "arguments": arguments }).to_string()
}

fn volume() -> Value {
    json!({ "id": VOLUME, "pool": "pool" })
}

fn spec(size: u64) -> Value {
    json!({ "volume": volume(), "size": size, "extra_specs": {} })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_line_says_who_the_driver_is() {
    let talk = Talk::begin().await;
    assert_eq!(talk.hello["schema"], 1);
    assert_eq!(talk.hello["driver"]["name"], "local");
    assert_eq!(talk.hello["capabilities"]["revert"], true);
    assert_eq!(talk.end().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_s_life_goes_over_the_pipe() {
    let mut talk = Talk::begin().await;
    let made = talk.ask(1, "create", json!({ "spec": spec(4096) })).await;
    assert_eq!(made["answer"]["changed"]["size"], 4096, "{made}");
    let again = talk.ask(2, "create", json!({ "spec": spec(4096) })).await;
    assert_eq!(again["answer"]["unchanged"]["volume"]["id"], VOLUME, "{again}");
    let other = talk.ask(3, "create", json!({ "spec": spec(8192) })).await;
    assert_eq!(other["error"]["kind"], "conflict", "{other}");
    let attachment = json!({ "id": VOLUME, "connector": { "host": "client" }, "mode": "rw" });
    let attached = talk.ask(4, "attach", json!({ "volume": volume(), "attachment": attachment })).await;
    let connection = &attached["answer"]["changed"];
    assert_eq!(connection["driver_volume_type"], "local", "{attached}");
    assert!(Path::new(connection["data"]["device_path"].as_str().expect("a path")).exists());
    let detached = talk.ask(5, "detach", json!({ "volume": volume(), "which": { "one": VOLUME } })).await;
    assert_eq!(detached, json!({ "id": 5, "answer": { "changed": null } }));
    let image = json!({ "path": talk.folder.path().join("image"), "format": "raw" });
    let copied = talk.ask(6, "copy_volume_to_image", json!({ "volume": volume(), "image": image })).await;
    assert_eq!(copied, json!({ "id": 6, "answer": { "changed": null } }));
    let listed = talk.ask(7, "list", json!({})).await;
    assert_eq!(listed["answer"]["volumes"].as_array().map(Vec::len), Some(1), "{listed}");
    let deleted = talk.ask(8, "delete", json!({ "volume": volume() })).await;
    assert_eq!(deleted, json!({ "id": 8, "answer": { "changed": null } }));
    let nothing = talk.ask(9, "inspect", json!({ "volume": volume() })).await;
    assert_eq!(nothing, json!({ "id": 9, "answer": null }));
    assert_eq!(talk.end().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capability_that_is_absent_is_unsupported() {
    let mut talk = Talk::begin().await;
    let refused = talk.ask(1, "migrate", json!({ "volume": volume(), "pool": "other" })).await;
    assert_eq!(refused["error"]["kind"], "unsupported", "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_once_are_each_answered_once() {
    const CALLS: u64 = 200;
    let mut talk = Talk::begin().await;
    for id in 1..=CALLS {
        talk.say(&request(id, "stats", json!({}))).await;
    }
    let mut answers: HashMap<u64, u64> = HashMap::new();
    for _ in 0..CALLS {
        let line = talk.hear().await;
        assert!(line.get("answer").is_some(), "{line}");
        *answers.entry(line["id"].as_u64().expect("a number")).or_default() += 1;
    }
    assert!(answers.len() == 200 && answers.values().all(|count| *count == 1), "{answers:?}");
    assert_eq!(talk.end().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_time_is_outcome_unknown() {
    let mut talk = Talk::begin().await;
    let arguments = json!({ "spec": spec(4096) });
    talk.say(&json!({ "id": 1, "call": "create", "limit_ms": 0, "arguments": arguments }).to_string()).await;
    assert_eq!(talk.hear().await["error"]["kind"], "indeterminate");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_call_is_answered_and_an_unknown_one_is_no_mistake() {
    let mut talk = Talk::begin().await;
    talk.ask(1, "create", json!({ "spec": spec(4096) })).await;
    // Somebody else holds the volume, so that the delete can only wait.
    let record = talk.folder.path().join(format!("store/volumes/volume-{VOLUME}/record"));
    let held = std::fs::File::open(record).expect("a record");
    held.lock().expect("free");
    talk.say(&request(2, "delete", json!({ "volume": volume() }))).await;
    talk.say(r#"{"cancel":99}"#).await;
    talk.say(r#"{"cancel":2}"#).await;
    let line = talk.hear().await;
    assert_eq!((&line["id"], &line["error"]["kind"]), (&json!(2), &json!("indeterminate")), "{line}");
    drop(held);
    assert_eq!(talk.ask(3, "delete", json!({ "volume": volume() })).await["answer"], json!({ "changed": null }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_input_cancels_what_runs() {
    let mut talk = Talk::begin().await;
    talk.ask(1, "create", json!({ "spec": spec(4096) })).await;
    let record = talk.folder.path().join(format!("store/volumes/volume-{VOLUME}/record"));
    let held = std::fs::File::open(record).expect("a record");
    held.lock().expect("free");
    talk.say(&request(2, "delete", json!({ "volume": volume() }))).await;
    drop(talk.stdin.take());
    assert_eq!(talk.hear().await["error"]["kind"], "indeterminate");
    assert_eq!(talk.code().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_makes_no_sense_is_answered_so() {
    let mut talk = Talk::begin().await;
    for (id, call, arguments) in
        [(1, "explode", json!({})), (2, "create", json!({})), (3, "inspect", json!({ "volume": { "id": "../x" } }))]
    {
        let refused = talk.ask(id, call, arguments).await;
        assert_eq!(refused["error"]["kind"], "invalid", "{refused}");
    }
    assert!(talk.ask(4, "list", json!({})).await.get("answer").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_ends_the_conversation() {
    let long = "x".repeat((1 << 20) + 1);
    for (line, word) in
        [("hello", "cannot be answered"), ("{}", "cannot be answered"), (long.as_str(), "1048576 bytes")]
    {
        let mut talk = Talk::begin().await;
        // It may end before it has read all of a long line.
        let _closed = talk.stdin.as_mut().expect("open").write_all(format!("{line}\n").as_bytes()).await;
        assert_eq!(talk.code().await, Some(2));
        assert!(talk.process.stderr().contains(word), "{}", talk.process.stderr());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_option_is_wrong_use_and_nothing_is_on_standard_output() {
    let folder = TempDir::new().expect("a directory");
    let mut process = converse(folder.path(), "colour = 1\n");
    let mut stdout = BufReader::new(process.take_stdout().expect("a pipe")).lines();
    assert_eq!(next(&mut stdout).await, None);
    let ended = tokio::time::timeout(PATIENCE, process.ended()).await.expect("it ends");
    assert_eq!(ended.expect("known").code(), Some(2));
    assert!(process.stderr().contains("colour"), "{}", process.stderr());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_cannot_be_opened_is_exit_code_3() {
    let folder = TempDir::new().expect("a directory");
    let mut process = converse(folder.path(), "reserved_percentage = 101\n");
    let ended = tokio::time::timeout(PATIENCE, process.ended()).await.expect("it ends");
    assert_eq!(ended.expect("known").code(), Some(3));
    assert!(process.stderr().contains("reserved_percentage"), "{}", process.stderr());
}

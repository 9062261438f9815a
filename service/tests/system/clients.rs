//! The clients that operators already have, from PyPI, as they are: python-openstackclient and python-cinderclient.
//!
//! `cargo xtask test` makes their virtual environment and names it in `ASHLAR_CLIENTS_VENV`.

use std::path::PathBuf;

use ashlar_common::{driver::OpCtx, exec::Program, ids::OpId};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    data,
    harness::{PATIENCE, Service},
};

/// One client program, pointed at one service.
struct Client {
    program: Program,
    options: Vec<String>,
}

/// What a client printed, and how it ended.
struct Said {
    success: bool,
    stdout: String,
    stderr: String,
}

fn environment() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "tests are told here where the clients are")]
    let folder = std::env::var_os("ASHLAR_CLIENTS_VENV");
    let folder =
        folder.expect("ASHLAR_CLIENTS_VENV is not set: run `cargo xtask test service`, which makes the clients");
    PathBuf::from(folder).join("bin")
}

impl Client {
    /// `openstack`, speaking to `service` with no authentication.
    fn openstack(service: &Service) -> Self {
        let program = Program::at("openstack", environment().join("openstack")).expect("the clients are installed");
        let endpoint = service.endpoint();
        let options = ["--os-auth-type", "none", "--os-endpoint", &endpoint, "--os-volume-api-version", "3.59"];
        Self { program, options: options.map(str::to_owned).into() }
    }

    /// `cinder`, likewise.
    fn cinder(service: &Service) -> Self {
        let program = Program::at("cinder", environment().join("cinder")).expect("the clients are installed");
        let endpoint = service.endpoint();
        let endpoint = endpoint.trim_end_matches("/demo");
        let options = [
            "--os-auth-type",
            "noauth",
            "--os-endpoint",
            endpoint,
            "--os-user-id",
            "admin",
            "--os-project-id",
            "demo",
            "--os-volume-api-version",
            "3.59",
        ];
        Self { program, options: options.map(str::to_owned).into() }
    }

    async fn say(&self, words: &str) -> Said {
        let ctx = OpCtx::new(OpId::new(), PATIENCE, CancellationToken::new());
        let run = self.program.run(&self.options).args(words.split_whitespace()).accept(0..=255);
        let output = run.output(&ctx).await.expect("the client ends");
        Said {
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    async fn well(&self, words: &str) -> String {
        let said = self.say(words).await;
        assert!(said.success, "{words}: {}{}", said.stdout, said.stderr);
        said.stdout
    }

    async fn json(&self, words: &str) -> Value {
        let text = self.well(&format!("{words} -f json")).await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{words}: {error}: {text}"))
    }

    async fn refused(&self, words: &str) -> String {
        let said = self.say(words).await;
        assert!(!said.success, "{words} was not refused: {}", said.stdout);
        said.stderr
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openstack_leads_a_volume_from_first_to_last() {
    let service = Service::start().await;
    let openstack = Client::openstack(&service);

    let made = openstack.json("volume create --size 1 --description hello --property colour=blue first").await;
    let first = made["id"].as_str().expect("an id").to_owned();
    service.volume_is(&first, "available").await;
    let sum = service
        .attached(&first, |path| {
            data::write(path, 7);
            data::checksum(path)
        })
        .await;

    let listed = openstack.json("volume list").await;
    assert_eq!(
        (&listed[0]["Name"], &listed[0]["Status"], &listed[0]["Size"]),
        (&"first".into(), &"available".into(), &1.into())
    );
    let shown = openstack.json("volume show first").await;
    assert_eq!((&shown["description"], &shown["properties"]["colour"]), (&"hello".into(), &"blue".into()));

    let snapshot = openstack.json("volume snapshot create --volume first before").await;
    let snapshot = snapshot["id"].as_str().expect("an id").to_owned();
    service
        .until("the snapshot is available", |service| {
            let answer = service.ask("GET", &format!("/snapshots/{snapshot}"), None, "3.0");
            (answer.body["snapshot"]["status"] == "available").then_some(())
        })
        .await;
    assert_eq!(openstack.json("volume snapshot list").await[0]["Name"], "before");
    let copy = openstack.json("volume create --snapshot before --size 1 copy").await;
    let clone = openstack.json("volume create --source first --size 2 clone").await;
    for made in [copy, clone] {
        let id = made["id"].as_str().expect("an id");
        service.volume_is(id, "available").await;
        assert_eq!(service.attached(id, data::checksum).await, sum, "{made}");
    }

    openstack.well("volume set --size 3 --name grown first").await;
    service
        .until("the volume has grown", |service| {
            let volume = service.ask("GET", &format!("/volumes/{first}"), None, "3.0").body;
            (volume["volume"]["status"] == "available" && volume["volume"]["size"] == 3).then_some(())
        })
        .await;
    assert_eq!(service.attached(&first, data::checksum).await, sum, "growing keeps the bytes");

    let refused = openstack.refused("volume delete grown").await;
    assert!(refused.contains("snapshot"), "{refused}");
    openstack.well("volume snapshot delete before").await;
    service.until("the snapshot is gone", |service| gone(service, &format!("/snapshots/{snapshot}"))).await;
    openstack.well("volume delete grown copy clone").await;
    service.until("the volume is gone", |service| gone(service, &format!("/volumes/{first}"))).await;
    let refused = openstack.refused("volume show first").await;
    assert!(refused.to_lowercase().contains("no volume") || refused.contains("could not be found"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_clients_attach_through_the_attachments_api() {
    let service = Service::start().await;
    let (openstack, cinder) = (Client::openstack(&service), Client::cinder(&service));
    let made = openstack.json("volume create --size 1 disk").await;
    let id = made["id"].as_str().expect("an id").to_owned();
    service.volume_is(&id, "available").await;

    // `openstack` looks its server up in a compute service, which there is none of here; `cinder` does not.
    cinder.well("attachment-create disk").await;
    service.volume_is(&id, "reserved").await;
    let attachment = openstack.json("volume attachment list").await[0]["ID"].as_str().expect("an id").to_owned();
    let connected = openstack.json(&format!("volume attachment set {attachment} --host here")).await;
    assert!(connected["Properties"].to_string().contains("device_path"), "{connected}");
    openstack.well(&format!("volume attachment complete {attachment}")).await;
    service.volume_is(&id, "in-use").await;
    let shown = openstack.json(&format!("volume attachment show {attachment}")).await;
    assert_eq!((&shown["Volume ID"], &shown["Status"]), (&id.as_str().into(), &"attached".into()));
    let refused = openstack.refused("volume delete disk").await;
    assert!(refused.contains("attachments"), "{refused}");
    openstack.well(&format!("volume attachment delete {attachment}")).await;
    service.volume_is(&id, "available").await;
    openstack.well("volume delete disk").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cinder_does_the_same() {
    let service = Service::start().await;
    let cinder = Client::cinder(&service);
    let table = cinder.well("create 1 --name first").await;
    let id = field(&table, "id");
    service.volume_is(&id, "available").await;
    assert!(cinder.well("list").await.contains("first"));
    let snapshot = field(&cinder.well("snapshot-create first --name before").await, "id");
    service
        .until("the snapshot is available", |service| {
            let answer = service.ask("GET", &format!("/snapshots/{snapshot}"), None, "3.0");
            (answer.body["snapshot"]["status"] == "available").then_some(())
        })
        .await;
    let copy = field(&cinder.well(&format!("create --snapshot-id {snapshot} --name copy")).await, "id");
    service.volume_is(&copy, "available").await;
    cinder.well("extend copy 2").await;
    service.volume_is(&copy, "available").await;
    let attached = cinder.well("attachment-create copy --connect True --host here --mode rw").await;
    assert!(attached.contains("device_path"), "{attached}");
    service.volume_is(&copy, "attaching").await;
    let attachment = service.ask("GET", "/attachments", None, "3.27").body["attachments"][0]["id"].clone();
    cinder.well(&format!("attachment-delete {}", attachment.as_str().expect("an id"))).await;
    service.volume_is(&copy, "available").await;
    let refused = cinder.refused("create 0").await;
    assert!(refused.contains("size") || refused.contains("Invalid"), "{refused}");
    cinder.well("delete copy").await;
    cinder.well("get-pools --detail").await;
    cinder.well("service-list").await;
    cinder.well("type-list").await;
    cinder.well("availability-zone-list").await;
    cinder.well("absolute-limits").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_readable_in_the_client() {
    let service = Service::start().await;
    let openstack = Client::openstack(&service);
    let refused = openstack.refused("volume create --size 0 none").await;
    assert!(refused.contains("size"), "{refused}");
    let refused = openstack.refused("volume create --size 1 --type nothing none").await;
    assert!(refused.contains("nothing"), "{refused}");
    let refused = openstack.refused("volume delete 00000000-0000-4000-8000-000000000000").await;
    assert!(refused.contains("00000000-0000-4000-8000-000000000000"), "{refused}");
    let made = openstack.json("volume create --size 1 small").await;
    service.volume_is(made["id"].as_str().expect("an id"), "available").await;
    let refused = openstack.refused("volume set --size 1 small").await;
    assert!(refused.contains("greater"), "{refused}");
    for words in
        ["volume type list", "volume service list", "volume backend pool list", "availability zone list --volume"]
    {
        openstack.well(words).await;
    }
}

fn gone(service: &Service, path: &str) -> Option<()> {
    (service.ask("GET", path, None, "3.0").status == 404).then_some(())
}

/// A field of a table as the cinder client prints it.
fn field(table: &str, name: &str) -> String {
    let row = table.lines().find(|line| line.split('|').nth(1).is_some_and(|cell| cell.trim() == name));
    let value = row.and_then(|row| row.split('|').nth(2)).map(str::trim);
    value.unwrap_or_else(|| panic!("no {name} in {table}")).to_owned()
}

//! A server, the proxy before it, and a store on it.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt};

use ashlar_common::{
    ids::TypeId,
    store::{Error, Location, PostgresLocation, Store, records::TypeRecord},
};
use ashlar_lab::{
    postgres::{Address, Server, Settings},
    proxy::Proxy,
};

/// Fields are dropped in order: the proxy before the server, the server before its folder.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) proxy: Proxy,
    pub(crate) server: Server,
    pub(crate) directory: tempfile::TempDir,
}

impl Bench {
    /// With a server that waits for the disk.
    pub(crate) async fn durable() -> Self {
        Self::over(&Settings::default()).await
    }

    pub(crate) async fn quick() -> Self {
        Self::over(&Settings::default().without_fsync()).await
    }

    async fn over(settings: &Settings) -> Self {
        // One that every user may enter: the server's is not always this one.
        let directory = tempfile::tempdir_in("/tmp").expect("/tmp is there");
        std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).expect("ours");
        let server = Server::start_with(directory.path(), settings).expect("a server");
        let proxy = Proxy::before(server.address().tcp()).expect("a proxy");
        let store = open(&server.address().through(proxy.address())).await;
        Self { store, proxy, server, directory }
    }
}

/// The store at an address, as a process of its own would have it.
pub(crate) async fn open(address: &Address) -> Store {
    let location = Location::Postgres(PostgresLocation {
        url: address.url_of("postgres"),
        password_file: Some(address.password_file().to_owned()),
    });
    Store::open(&location).await.expect("a store")
}

/// A record of that name. A second one is refused, so what is done twice shows.
pub(crate) fn record(store: &Store, name: &str) -> TypeRecord {
    TypeRecord {
        id: store.id::<TypeId>(),
        name: name.to_owned(),
        description: None,
        is_public: true,
        extra_specs: BTreeMap::new(),
        created_at: store.now(),
        updated_at: None,
    }
}

pub(crate) async fn write(store: &Store, name: &str) -> Result<(), Error> {
    let mut tx = store.write().await?;
    tx.insert_type(&record(store, name)).await?;
    tx.commit().await
}

/// What is recorded.
pub(crate) async fn names(store: &Store) -> Result<Vec<String>, Error> {
    let mut found: Vec<String> =
        store.read().await?.volume_types().await?.into_iter().map(|record| record.name).collect();
    found.sort();
    Ok(found)
}

//! What a storm is like.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::ground::{Protocol, Provisioning};

/// How a storm is run.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The stores to storm, one after the other
    #[arg(long, value_enum, default_value_t = Stores::Both)]
    pub store: Stores,
    /// Processes to kill, over all stores
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    pub kills: u64,
    /// Clients at work at once
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=512))]
    pub clients: u32,
    /// API processes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub apis: u32,
    /// Backends, each served by one host while another stands by
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub backends: u32,
    /// The driver of the backends; `lvm` takes the lab of that name (`cargo xtask lab`)
    #[arg(long, value_enum, default_value_t = Driver::Local)]
    pub driver: Driver,
    /// How clients reach volumes of the LVM driver
    #[arg(long, value_enum, default_value_t = Protocol::Local)]
    pub protocol: Protocol,
    /// How volumes of the LVM driver take their room
    #[arg(long, value_enum, default_value_t = Provisioning::Thin)]
    pub provisioning: Provisioning,
    /// Kills from one settling to the next
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u64).range(1..))]
    pub round: u64,
    /// The longest pause from one kill to the next, in milliseconds
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub pause: u64,
    /// What is left to chance follows from this number
    #[arg(long)]
    pub seed: Option<u64>,
    /// Takes `ashlar` and the driver from this directory instead of that of this program
    #[arg(long, value_name = "DIR")]
    pub programs: Option<PathBuf>,
    /// Puts the store and the volumes below this directory instead of the system's for temporary files
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
}

/// Which driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Driver {
    /// Files in a directory.
    Local,
    /// Volumes in a volume group.
    Lvm,
}

/// Which stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stores {
    /// A file.
    Sqlite,
    /// A server, which is killed too.
    Postgres,
    /// One after the other.
    Both,
}

/// One store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

impl Stores {
    /// One by one.
    pub fn each(self) -> &'static [StoreKind] {
        match self {
            Self::Sqlite => &[StoreKind::Sqlite],
            Self::Postgres => &[StoreKind::Postgres],
            Self::Both => &[StoreKind::Sqlite, StoreKind::Postgres],
        }
    }
}

//! The driver's section of the configuration file.

use std::{
    num::{NonZeroU32, NonZeroU64},
    path::PathBuf,
    time::Duration,
};

use ashlar_common::ids::PoolName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    error::Error,
    exports::ExportOptions,
    lvm::{AutoExtend, Extras},
    names::{LvName, VgName},
};

/// How many attachments a volume may have when it may have several.
const MAX_ATTACHMENTS: NonZeroU32 = NonZeroU32::new(64).expect("not zero");
const MIB: u64 = 1 << 20;

/// Settings of the LVM driver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The LVM volume group that holds the volumes. It must exist; give it to Ashlar alone.
    #[schemars(regex(pattern = "^[A-Za-z0-9+_.][A-Za-z0-9+_.-]{0,99}$"))]
    pub volume_group: String,
    /// How volumes take their room.
    #[serde(default)]
    pub provisioning: Provisioning,
    /// The thin pool in the volume group. Without it: the only one that is there, or `<volume_group>-pool`.
    #[serde(default)]
    pub thin_pool: Option<String>,
    /// Percent of the volume group's free room that a thin pool gets (metadata and its spare included), where the driver
    /// makes one: 1 to 100.
    #[serde(default = "default_thin_pool_percent")]
    #[schemars(range(min = 1, max = 100))]
    pub thin_pool_percent: u8,
    /// How many times its bytes a thin pool may promise, at least 1.
    #[serde(default = "default_ratio")]
    #[schemars(range(min = 1.0))]
    pub max_over_subscription_ratio: f64,
    /// Percent of the pool that is never given out, 0 to 100.
    #[serde(default)]
    #[schemars(range(max = 100))]
    pub reserved_percentage: u8,
    /// Percent of a thin pool's data in use above which nothing new is made in it: what is there still needs room to
    /// write. 1 to 100.
    #[serde(default = "default_data_mark")]
    #[schemars(range(min = 1, max = 100))]
    pub thin_data_mark: u8,
    /// Percent of a thin pool's metadata in use above which nothing new is made in it, 1 to 100. A pool whose metadata is
    /// full may need repair, so that this is the lower one.
    #[serde(default = "default_metadata_mark")]
    #[schemars(range(min = 1, max = 100))]
    pub thin_metadata_mark: u8,
    /// Has LVM's `dmeventd` extend the thin pool when it fills up. Off unless given.
    #[serde(default)]
    pub thin_pool_autoextend: Option<PoolAutoExtend>,
    /// Whether a volume may have several attachments at a time (up to 64). Programs that share a volume must know
    /// how to.
    #[serde(default)]
    pub multi_attach: bool,
    /// Absolute path of the directory for locks, attachments and LVM's settings. It must outlive a restart of the machine.
    #[serde(default = "default_state")]
    pub state_path: PathBuf,
    /// How many MiB a second a copy of a volume may move. Without it: as many as the disks do.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub copy_mib_per_second: Option<NonZeroU64>,
    /// Overwrites a thick volume with zeroes when it is deleted. Not needed to keep tenants apart, since new volumes are
    /// zeroed before anybody may read them; for those who want the bytes gone.
    #[serde(default)]
    pub wipe_on_delete: bool,
    /// Whether the room of removed thick volumes is discarded on the disks below.
    #[serde(default)]
    pub issue_discards: bool,
    /// Absolute path of LVM's program, where it is not the `lvm` of the system.
    #[serde(default)]
    pub lvm_program: Option<PathBuf>,
    /// Seconds that one command of LVM may take before it is killed.
    #[serde(default = "default_command_seconds")]
    #[schemars(range(min = 1, max = 3600))]
    pub command_timeout_seconds: u32,
    /// The name of the backend's one pool. Records refer to it: do not change it while there are volumes.
    #[serde(default = "default_pool")]
    #[schemars(with = "String", regex(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"))]
    pub pool: PoolName,
    /// How volumes are handed to clients.
    #[serde(default)]
    pub target: ExportOptions,
}

/// When a volume takes its room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Provisioning {
    /// As Cinder does: thin where the thin pool is there already or the volume group is still empty, else thick.
    #[default]
    Auto,
    /// As bytes are written, from a thin pool, which is made where there is none. Snapshots and clones share blocks.
    Thin,
    /// When it is made. A snapshot takes as much room as its volume, a clone is a whole copy.
    Thick,
}

/// When and how much a thin pool grows by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolAutoExtend {
    /// Percent in use above which it grows, 50 to 99.
    #[schemars(range(min = 50, max = 99))]
    pub threshold: u8,
    /// By how many percent of its size it grows, 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub percent: u8,
}

impl Config {
    /// Looks at what the types do not say.
    ///
    /// # Errors
    /// [`Error::Setting`] for a value out of its range.
    pub fn check(&self) -> Result<(), Error> {
        self.vg()?;
        self.thin_pool()?;
        let percent = |key, value: u8, low, rule| {
            if (low..=100).contains(&value) { Ok(()) } else { Err(setting(key, value, rule)) }
        };
        percent("reserved_percentage", self.reserved_percentage, 0, "it is 0 to 100")?;
        percent("thin_pool_percent", self.thin_pool_percent, 1, "it is 1 to 100")?;
        percent("thin_data_mark", self.thin_data_mark, 1, "it is 1 to 100")?;
        percent("thin_metadata_mark", self.thin_metadata_mark, 1, "it is 1 to 100")?;
        let ratio = self.max_over_subscription_ratio;
        if !(ratio.is_finite() && ratio >= 1.0) {
            return Err(setting("max_over_subscription_ratio", ratio, "it is 1.0 or more"));
        }
        if let Some(auto) = self.thin_pool_autoextend {
            if !(50..=99).contains(&auto.threshold) {
                return Err(setting("thin_pool_autoextend.threshold", auto.threshold, "it is 50 to 99"));
            }
            percent("thin_pool_autoextend.percent", auto.percent, 1, "it is 1 to 100")?;
        }
        if !self.state_path.is_absolute() {
            return Err(setting("state_path", self.state_path.display(), "it is an absolute path"));
        }
        if let Some(path) = self.lvm_program.as_ref().filter(|path| !path.is_absolute()) {
            return Err(setting("lvm_program", path.display(), "it is an absolute path"));
        }
        if !(1..=3600).contains(&self.command_timeout_seconds) {
            return Err(setting("command_timeout_seconds", self.command_timeout_seconds, "it is 1 to 3600"));
        }
        Ok(())
    }

    /// The volume group.
    ///
    /// # Errors
    /// [`Error::Setting`] for what is no name.
    pub fn vg(&self) -> Result<VgName, Error> {
        let rule = "it is the name of a volume group, as `vgs` shows it";
        self.volume_group.parse().map_err(|_| setting("volume_group", &self.volume_group, rule))
    }

    /// The thin pool, where one is named.
    ///
    /// # Errors
    /// [`Error::Setting`] for what is no name.
    pub fn thin_pool(&self) -> Result<Option<LvName>, Error> {
        let Some(name) = &self.thin_pool else { return Ok(None) };
        let rule = "it is the name of a thin pool without its volume group, as `lvs` shows it";
        name.parse().map(Some).map_err(|_| setting("thin_pool", name, rule))
    }

    /// What is asked of LVM besides.
    #[must_use]
    pub fn extras(&self) -> Extras {
        let monitoring = self.thin_pool_autoextend;
        let monitoring = monitoring.map(|auto| AutoExtend { threshold: auto.threshold, percent: auto.percent });
        Extras { issue_discards: self.issue_discards, monitoring }
    }

    /// Longest time for one command of LVM.
    #[must_use]
    pub fn command_timeout(&self) -> Duration {
        Duration::from_secs(self.command_timeout_seconds.into())
    }

    /// Bytes that a copy may move in a second, where that is bounded.
    #[must_use]
    pub fn copy_bytes_per_second(&self) -> Option<NonZeroU64> {
        self.copy_mib_per_second.map(|mib| mib.saturating_mul(NonZeroU64::new(MIB).expect("not zero")))
    }

    /// How many attachments a volume may have.
    #[must_use]
    pub fn max_attachments(&self) -> u32 {
        if self.multi_attach { MAX_ATTACHMENTS.get() } else { 1 }
    }
}

fn setting(key: &'static str, value: impl std::fmt::Display, rule: &'static str) -> Error {
    Error::Setting { key, value: value.to_string(), rule }
}

/// What Cinder has for it, so that an operator who comes from there is not surprised.
fn default_ratio() -> f64 {
    20.0
}

/// What Cinder gives its thin pool.
fn default_thin_pool_percent() -> u8 {
    95
}

fn default_data_mark() -> u8 {
    95
}

fn default_metadata_mark() -> u8 {
    90
}

fn default_command_seconds() -> u32 {
    60
}

fn default_state() -> PathBuf {
    PathBuf::from("/var/lib/ashlar/lvm")
}

fn default_pool() -> PoolName {
    "pool".parse().expect("four letters")
}

#[cfg(test)]
mod tests {
    use super::{Config, Provisioning};

    #[test]
    fn the_volume_group_is_all_that_must_be_given() {
        let config: Config = toml::from_str("volume_group = 'vg0'").expect("a configuration");
        assert_eq!((config.provisioning, config.multi_attach), (Provisioning::Auto, false));
        config.check().expect("fine");
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["", "volume_group = 'vg0'\nsize = 1", "volume_group = 'vg0'\nprovisioning = 'fat'"] {
            assert!(toml::from_str::<Config>(bad).is_err(), "{bad}");
        }
        for bad in [
            "volume_group = '../vg'",
            "volume_group = '-y'",
            "volume_group = 'a b'",
            "volume_group = 'vg0'\nthin_pool = 'vg0/pool'",
            "volume_group = 'vg0'\nreserved_percentage = 101",
            "volume_group = 'vg0'\nthin_metadata_mark = 0",
            "volume_group = 'vg0'\nmax_over_subscription_ratio = 0.5",
            "volume_group = 'vg0'\nstate_path = 'here'",
            "volume_group = 'vg0'\nlvm_program = 'lvm'",
            "volume_group = 'vg0'\ncommand_timeout_seconds = 0",
        ] {
            let config: Config = toml::from_str(bad).expect("well formed");
            assert!(config.check().is_err(), "{bad}");
        }
    }
}

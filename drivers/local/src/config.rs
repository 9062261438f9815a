//! The driver's section of the configuration file.

use std::{num::NonZeroU32, path::PathBuf};

use ashlar_common::{ids::PoolName, stats};
use ashlar_file_volumes::Options;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How many attachments a volume may have when it may have several.
const MAX_ATTACHMENTS: NonZeroU32 = NonZeroU32::new(64).expect("not zero");

/// Settings of the local driver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Absolute path of the directory that holds the volumes. It must exist; give it a file system of its own, XFS
    /// or btrfs if you can.
    pub path: PathBuf,
    /// Whether a volume takes its room as bytes are written (thin) or when it is made (thick).
    #[serde(default)]
    pub provisioning: Provisioning,
    /// Percent of the file system that is never given out, 0 to 100.
    #[serde(default)]
    #[schemars(range(max = 100))]
    pub reserved_percentage: u8,
    /// How many times its bytes a thin pool may promise, at least 1.
    #[serde(default = "default_ratio")]
    #[schemars(range(min = 1.0))]
    pub max_over_subscription_ratio: f64,
    /// Whether a volume may have several attachments at a time (up to 64). Programs that share a volume must know
    /// how to.
    #[serde(default)]
    pub multi_attach: bool,
    /// The name of the backend's one pool. Records refer to it: do not change it while there are volumes.
    #[serde(default = "default_pool")]
    #[schemars(with = "String", regex(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"))]
    pub pool: PoolName,
}

/// When a volume takes its room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Provisioning {
    /// As bytes are written. Snapshots and clones share blocks where the file system can.
    #[default]
    Thin,
    /// When it is made. Snapshots and clones are whole copies.
    Thick,
}

impl Config {
    /// What the store is to do.
    ///
    /// # Errors
    /// [`Error::Setting`] for a value out of its range.
    pub fn options(&self) -> Result<Options, Error> {
        if self.reserved_percentage > 100 {
            let value = self.reserved_percentage.to_string();
            return Err(Error::Setting { key: "reserved_percentage", value, rule: "it is 0 to 100" });
        }
        let ratio = self.max_over_subscription_ratio;
        if !(ratio.is_finite() && ratio >= 1.0) {
            let (key, rule) = ("max_over_subscription_ratio", "it is 1.0 or more");
            return Err(Error::Setting { key, value: ratio.to_string(), rule });
        }
        Ok(Options {
            pool: self.pool.clone(),
            provisioning: match self.provisioning {
                Provisioning::Thin => stats::Provisioning::Thin,
                Provisioning::Thick => stats::Provisioning::Thick,
            },
            reserved_percentage: self.reserved_percentage,
            max_over_subscription_ratio: ratio,
            max_attachments: if self.multi_attach { MAX_ATTACHMENTS } else { NonZeroU32::MIN },
        })
    }
}

/// What Cinder has for it, so that an operator who comes from there is not surprised.
fn default_ratio() -> f64 {
    20.0
}

fn default_pool() -> PoolName {
    "pool".parse().expect("four letters")
}

#[cfg(test)]
mod tests {
    use super::{Config, Provisioning};

    #[test]
    fn the_path_is_all_that_must_be_given() {
        let config: Config = toml::from_str("path = '/srv/volumes'").expect("a configuration");
        assert_eq!(
            (config.provisioning, config.multi_attach, config.pool.as_str()),
            (Provisioning::Thin, false, "pool")
        );
        assert!(config.options().is_ok());
    }

    #[test]
    fn the_example_of_the_runbook_is_a_configuration() {
        let runbook = include_str!("../README.md");
        let example = runbook.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
        let config: Config = toml::from_str(example).expect("a configuration");
        assert!(config.options().is_ok());
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in [
            "",
            "path = '/srv'\nsize = 1",
            "path = '/srv'\npool = 'a/b'",
            "path = '/srv'\nprovisioning = 'fat'",
            "path = '/srv'\nreserved_percentage = 256",
        ] {
            assert!(toml::from_str::<Config>(bad).is_err(), "{bad}");
        }
        for bad in
            ["reserved_percentage = 101", "max_over_subscription_ratio = 0.5", "max_over_subscription_ratio = nan"]
        {
            let config: Config = toml::from_str(&format!("path = '/srv'\n{bad}")).expect("well formed");
            assert!(config.options().is_err(), "{bad}");
        }
    }
}

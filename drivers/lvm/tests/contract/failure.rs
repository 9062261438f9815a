//! Why a test failed, in words.
//!
//! The contract's error is none of the standard library's, and so cannot be boxed as one.

use ashlar_common::{chain::chain, driver};

pub(crate) type Result<T = ()> = std::result::Result<T, Failure>;

/// What a test says when it fails.
pub(crate) struct Failure(String);

impl std::fmt::Debug for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<driver::Error> for Failure {
    fn from(error: driver::Error) -> Self {
        Self(format!("{:?}: {}", error.kind(), error.chain()))
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

macro_rules! told_by_their_chain {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self(chain(&error))
            }
        })+
    };
}

told_by_their_chain!(
    ashlar_common::exec::ExecError,
    ashlar_common::ids::InvalidId,
    ashlar_common::ids::InvalidName,
    ashlar_driver_lvm::Error,
    ashlar_lab::Error,
    rustix::io::Errno,
    serde_json::Error,
    std::io::Error,
    std::num::TryFromIntError,
    tokio::sync::watch::error::RecvError,
    tokio::task::JoinError,
);

//! That the way to a driver adds what it should, and nothing else.

use std::{sync::Arc, time::Duration};

use ashlar_common::{
    driver::{Capabilities, Driver, Kind, OpCtx, Outcome},
    ids::OpId,
};
use tokio_util::sync::CancellationToken;

use super::{Fault, Faulty};

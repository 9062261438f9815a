//! Comparing a backend with the store's records, for people and for tests.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{
    describe,
    main::{Configured, DIFFERENT, DriverProgram, Failure, UNUSABLE, open},
};
use crate::{chain::chain, driver::OpCtx, ids::OpId, manager::reconcile, store::Store};

/// A comparison may take no longer.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Prints the differences. Beside a working host, what it is just making or removing may show.
pub(super) async fn compare<P: DriverProgram>(configured: Configured<P>) -> Result<(), Failure> {
    let (location, backend) = (configured.config.store_location(), configured.name.clone());
    let driver = open::<P>(configured).await?;
    let store = Store::open(&location).await.map_err(|error| Failure(format!("store: {}", chain(&error)), UNUSABLE))?;
    let ctx = OpCtx::new(OpId::new(), TIMEOUT, CancellationToken::new());
    let found = reconcile::differences(&store, driver.as_ref(), &backend, &ctx)
        .await
        .map_err(|error| Failure(chain(&error), UNUSABLE))?;
    describe::print(&serde_json::to_value(&found).expect("plain lists"))?;
    if found.is_empty() { Ok(()) } else { Err(Failure("records and backend differ".to_owned(), DIFFERENT)) }
}

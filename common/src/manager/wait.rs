//! Waiting for an operation to end, for calls whose answer is in its outcome.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    intake::Intake,
    refusal::{Refusal, Result},
};
use crate::{ids::OpId, store::records::Phase};

/// Wake-ups may get lost; this makes it right.
const POLL: Duration = Duration::from_millis(500);

impl Intake {
    /// Returns when the operation has ended well.
    ///
    /// # Errors
    /// [`Refusal::Backend`] when it failed, [`Refusal::TooSlow`] when it has not ended in time; it then goes on.
    pub(super) async fn wait_for(&self, op: OpId) -> Result<()> {
        let deadline = Instant::now() + self.attach_timeout;
        loop {
            // Registered before looking, so that an end between the look and the wait is not missed.
            let ended = self.ended.notified();
            let operation = self.store.look().await?.operation(op).await?;
            match operation {
                Some(operation) if operation.phase == Phase::Failed => {
                    let error = operation.error.map_or_else(
                        || Refusal::Invalid("the operation failed without a word".to_owned()),
                        |error| Refusal::Backend { kind: error.kind, message: error.message },
                    );
                    return Err(error);
                }
                // Ended operations are forgotten only after days.
                Some(operation) if operation.phase == Phase::Done => return Ok(()),
                None => return Ok(()),
                Some(_) if Instant::now() >= deadline => {
                    return Err(Refusal::TooSlow(format!(
                        "the backend has not answered within {} s; the operation {op} goes on, ask again later",
                        self.attach_timeout.as_secs()
                    )));
                }
                Some(_) => {}
            }
            let _ = tokio::time::timeout(POLL, ended).await;
        }
    }
}

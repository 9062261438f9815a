//! Making, removing and listing volumes.

use crate::{
    behaviour::{Behaviour, Group},
    claims::Need,
    outcome::{Held, ensure},
    stage::Stage,
};

use super::Case;

/// Behaviours 1 to 10.
pub const CASES: &[Case] = &[Case {
    behaviour: Behaviour {
        number: 1,
        group: Group::LifeCycle,
        name: "volume_has_exactly_the_size_that_was_asked_for",
        clauses: &["create.1"],
        need: Need::Core,
    },
    run: |stage| Box::pin(exact_size(stage)),
}];

/// Sizes around every rounding that a backend may do: one byte, a sector, a block, an extent.
async fn exact_size(stage: &Stage) -> Held {
    for size in [1, 511, 512, 513, (4 << 20) - 1, 4 << 20, (4 << 20) + 1] {
        let volume = stage.create(size).await?;
        let disk = stage.attach(&volume).await?;
        let seen = disk.size().await?;
        ensure(seen == size, || format!("a client of a volume of {size} bytes sees {seen}"))?;
        disk.detach().await?;
        stage.delete(&volume).await?;
    }
    Ok(())
}

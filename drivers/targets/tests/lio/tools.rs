//! Programs of the machine, run to their end.

use std::time::Duration;

use ashlar_common::{
    driver::OpCtx,
    exec::{ExecError, Program},
    ids::OpId,
};
use tokio_util::sync::CancellationToken;

/// How long a tool may take: a login that is refused is tried again for some seconds.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs a program and answers what it printed.
pub(crate) fn run(program: &'static str, arguments: &[&str]) -> Result<String, ExecError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let ctx = OpCtx::new(OpId::new(), LIMIT, CancellationToken::new());
        let output = Program::find(program)?.run(arguments.iter().copied()).output(&ctx).await?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    })
}

//! How many threads? As many as this process may have processors.

use std::thread::available_parallelism;

use tidegate_core::{Error, Result};
use tokio::runtime::Builder;

/// Runs the program to its end.
pub(crate) fn run(program: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
    // Follows the affinity mask and the container's quota.
    let threads = available_parallelism().map_or(1, usize::from);
    let mut builder = if threads == 1 {
        // Nothing can be stolen from nobody, and waking another thread costs as much as a small request.
        Builder::new_current_thread()
    } else {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads);
        builder
    };
    let runtime = builder.enable_all().build().map_err(Error::internal)?;
    runtime.block_on(async { tokio::spawn(program).await.map_err(Error::internal)? })
}

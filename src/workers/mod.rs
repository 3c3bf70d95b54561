//! Supervision: one loop shape for all background work.
use std::any::Any;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::kernel::AppError;

/// After a failure a loop waits this long before it tries again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// The background work of one process.
#[derive(Debug, Clone, Default)]
pub struct Workers {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Workers {
    /// Runs `step` until shutdown: again at once while it returns true (there was work), and after `idle`
    /// otherwise. A step that fails or panics is logged and tried again: one bad loop never ends the others.
    pub fn every<F, Fut>(&self, name: &'static str, idle: Duration, mut step: F)
    where
        F: FnMut() -> Fut + Send + 'static,
        Fut: Future<Output = Result<bool, AppError>> + Send,
    {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            while !stop.is_cancelled() {
                let done = std::panic::AssertUnwindSafe(step()).catch_unwind().await;
                let pause = match done {
                    Ok(Ok(true)) => continue,
                    Ok(Ok(false)) => idle,
                    Ok(Err(error)) => {
                        tracing::error!(worker = name, ?error, "a step failed");
                        AFTER_FAILURE
                    }
                    Err(panic) => {
                        tracing::error!(
                            worker = name,
                            panic = message(panic.as_ref()),
                            "a step panicked"
                        );
                        AFTER_FAILURE
                    }
                };
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(pause) => {}
                }
            }
        });
    }

    /// Tells the loops to end after the step in hand, and waits until they have.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic")
}

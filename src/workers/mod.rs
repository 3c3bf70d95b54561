//! Supervision: one loop shape for all background work.
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::{Mutex, Notify};
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

/// What loops side by side share while they look for work.
#[derive(Debug, Default)]
struct Watch {
    turn: Mutex<()>,
    found: Notify,
}

impl Watch {
    /// Returns after this time on watch, which one keeps at a time, and at once when another found work.
    async fn keep(&self, pause: Duration) {
        let kept = async {
            let _turn = self.turn.lock().await;
            tokio::time::sleep(pause).await;
        };
        tokio::select! {
            () = kept => {}
            () = self.found.notified() => {}
        }
    }
}

impl Workers {
    /// Runs `step` until shutdown: again at once while it returns true (there was work), and after `idle`
    /// otherwise. A step that fails or panics is logged and tried again: one bad loop never ends the others.
    pub fn every<F, Fut>(&self, name: &'static str, idle: Duration, step: F)
    where
        F: FnMut() -> Fut + Send + 'static,
        Fut: Future<Output = Result<bool, AppError>> + Send,
    {
        self.spawn(name, idle, Arc::default(), step);
    }

    /// As [`every`](Self::every), `count` times side by side. While none finds work only one of them looks for it each `idle`, in turn;
    /// one that found some wakes the others.
    pub fn every_of<F, Fut>(&self, count: usize, name: &'static str, idle: Duration, step: F)
    where
        F: FnMut() -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Result<bool, AppError>> + Send,
    {
        let watch = Arc::<Watch>::default();
        for _ in 0..count {
            self.spawn(name, idle, Arc::clone(&watch), step.clone());
        }
    }

    fn spawn<F, Fut>(&self, name: &'static str, idle: Duration, watch: Arc<Watch>, mut step: F)
    where
        F: FnMut() -> Fut + Send + 'static,
        Fut: Future<Output = Result<bool, AppError>> + Send,
    {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            while !stop.is_cancelled() {
                let pause = match std::panic::AssertUnwindSafe(step()).catch_unwind().await {
                    Ok(Ok(true)) => {
                        watch.found.notify_waiters();
                        continue;
                    }
                    Ok(Ok(false)) => idle,
                    Ok(Err(error)) => {
                        tracing::error!(worker = name, ?error, "a step failed");
                        AFTER_FAILURE
                    }
                    Err(panic) => {
                        let panic = message(panic.as_ref());
                        tracing::error!(worker = name, panic, "a step panicked");
                        AFTER_FAILURE
                    }
                };
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = watch.keep(pause) => {}
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

//! The threads that wait for PostgreSQL, one for each connection.
//!
//! A thread that is done takes the next work itself: as long as there is some, nobody has to be woken to hand it over.
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::kernel::AppError;

/// Ends its threads when it is dropped.
pub(super) struct Threads(Arc<Queue>);

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    /// Threads that wait for the bell.
    idle: usize,
    ended: bool,
}

/// Empty once somebody has taken it: a thread to do it, or who had waited too long to leave it.
type Work = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

impl Threads {
    pub(super) fn start(count: u32) -> io::Result<Self> {
        let threads = Self(Arc::default());
        for _ in 0..count {
            let queue = Arc::clone(&threads.0);
            std::thread::Builder::new().name("database".into()).spawn(move || queue.work())?;
        }
        Ok(threads)
    }

    /// Does `work` on one of the threads. Fails with [`AppError::Unavailable`] when none began it within `patience`. Work
    /// for which nobody waits any more is not begun.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce() -> Result<T, AppError> + Send + 'static,
    ) -> Result<T, AppError> {
        let (answer, mut answered) = oneshot::channel();
        let work = move || {
            if !answer.is_closed() {
                let _ = answer.send(work());
            }
        };
        let work: Work = Arc::new(Mutex::new(Some(Box::new(work))));
        self.0.add(Arc::clone(&work));
        let answered = match tokio::time::timeout(patience, &mut answered).await {
            Ok(answered) => answered,
            Err(late) if lock(&work).take().is_some() => return Err(AppError::unavailable(late)),
            Err(_) => answered.await,
        };
        answered
            .map_err(|_| AppError::Internal(anyhow::anyhow!("work on the database panicked")))?
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        lock(&self.0.state).ended = true;
        self.0.bell.notify_all();
    }
}

impl Queue {
    fn add(&self, work: Work) {
        let mut state = lock(&self.state);
        state.waiting.push_back(work);
        let sleeper = state.idle > 0;
        drop(state);
        if sleeper {
            self.bell.notify_one();
        }
    }

    fn work(&self) {
        while let Some(work) = self.next() {
            let work = lock(&work).take();
            if let Some(work) = work {
                // The panic was told by its hook; who waits learns of it by the answer that never comes.
                let _ = catch_unwind(AssertUnwindSafe(work));
            }
        }
    }

    fn next(&self) -> Option<Work> {
        let mut state = lock(&self.state);
        loop {
            if let Some(work) = state.waiting.pop_front() {
                return Some(work);
            }
            if state.ended {
                return None;
            }
            state.idle += 1;
            state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }
}

/// No lock is held while something can panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn work_is_done_in_the_order_in_which_it_came() {
        let threads = Threads::start(1).unwrap();
        let (sender, done) = mpsc::channel();
        let work = |number: u32| {
            let sender = sender.clone();
            threads.run(LONG, move || sender.send(number).map_err(AppError::internal))
        };
        tokio::try_join!(work(1), work(2), work(3)).unwrap();
        assert_eq!(done.try_iter().collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[tokio::test]
    async fn work_that_no_thread_begins_in_time_is_refused_and_never_done() {
        let threads = Threads::start(1).unwrap();
        let (begin, begun) = oneshot::channel();
        let (end, ended) = mpsc::channel();
        let busy = threads.run(Duration::from_secs(1), move || {
            begin.send(()).unwrap();
            ended.recv().map_err(AppError::internal)
        });
        let refused = async {
            begun.await.unwrap();
            let never = || -> Result<(), AppError> { panic!("it was refused") };
            let refused = threads.run(Duration::from_millis(1200), never).await;
            end.send(()).unwrap();
            refused
        };
        // What was begun is waited for, however long it takes.
        let (busy, refused) = tokio::join!(busy, refused);
        busy.unwrap();
        assert!(matches!(refused, Err(AppError::Unavailable(_))));
        threads.run(LONG, || Ok(())).await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_is_an_error_for_its_caller_alone() {
        let threads = Threads::start(1).unwrap();
        let broken = threads.run(LONG, || -> Result<(), AppError> { panic!("on purpose") }).await;
        assert!(matches!(broken, Err(AppError::Internal(_))));
        assert_eq!(threads.run(LONG, || Ok(1)).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn the_threads_end_with_their_owner() {
        let threads = Threads::start(2).unwrap();
        let queue = Arc::downgrade(&threads.0);
        drop(threads);
        for _ in 0..1000 {
            if queue.strong_count() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("a thread goes on");
    }
}

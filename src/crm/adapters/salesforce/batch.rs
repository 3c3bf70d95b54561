//! Calls for one record each, made at about the same time, are sent as one.
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::crm::CrmError;

/// Records in one call ("sObject Collections").
pub(super) const LARGEST: usize = 200;
/// How long the first caller waits for others.
const WINDOW: Duration = Duration::from_millis(4);

/// One outcome for each record in their order, or one failure for the call as a whole.
pub(super) type Outcomes<O> = Result<Vec<Result<O, CrmError>>, CrmError>;
type Call<I, O> = dyn Fn(Vec<(String, I)>) -> BoxFuture<'static, Outcomes<O>> + Send + Sync;

/// Collects calls of one sort. A key is in a batch once; its next call waits for the next batch.
pub(super) struct Batch<I, O>(Arc<Inner<I, O>>);

struct Inner<I, O> {
    send: Box<Call<I, O>>,
    queue: Mutex<Queue<I, O>>,
}

struct Queue<I, O> {
    waiting: Vec<Waiting<I, O>>,
    /// A task is going to send what waits.
    collecting: bool,
}

struct Waiting<I, O> {
    key: String,
    item: I,
    caller: oneshot::Sender<Result<O, CrmError>>,
}

impl<I, O> fmt::Debug for Batch<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").finish_non_exhaustive()
    }
}

impl<I, O> Batch<I, O>
where
    I: Clone + Send + Sync + 'static,
    O: Send + 'static,
{
    /// `send` makes one call for all records, each with its key.
    pub fn new(
        send: impl Fn(Vec<(String, I)>) -> BoxFuture<'static, Outcomes<O>> + Send + Sync + 'static,
    ) -> Self {
        let queue = Mutex::new(Queue { waiting: Vec::new(), collecting: false });
        Self(Arc::new(Inner { send: Box::new(send), queue }))
    }

    /// The record's own outcome.
    pub async fn ask(&self, key: &str, item: I) -> Result<O, CrmError> {
        let (caller, outcome) = oneshot::channel();
        if self.0.is_first(Waiting { key: key.to_owned(), item, caller }) {
            // A task of its own: the call is for others too, who may stay when this caller leaves.
            tokio::spawn(Arc::clone(&self.0).run());
        }
        outcome.await.unwrap_or_else(|_| Err(CrmError::transient("the call was given up")))
    }
}

impl<I: Clone + Send + Sync, O: Send> Inner<I, O> {
    fn queue(&self) -> MutexGuard<'_, Queue<I, O>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a call; whether somebody has to be told to send it.
    fn is_first(&self, waiting: Waiting<I, O>) -> bool {
        let mut queue = self.queue();
        queue.waiting.push(waiting);
        !std::mem::replace(&mut queue.collecting, true)
    }

    async fn run(self: Arc<Self>) {
        sleep(WINDOW).await;
        loop {
            let (batch, rest) = self.take();
            self.carry_out(batch).await;
            if !rest {
                return;
            }
        }
    }

    /// The calls for the next batch, and whether this task has to send another one.
    fn take(&self) -> (Vec<Waiting<I, O>>, bool) {
        let mut queue = self.queue();
        let mut keys = HashSet::new();
        let (mut batch, mut rest) = (Vec::new(), Vec::new());
        for waiting in queue.waiting.drain(..).filter(|waiting| !waiting.caller.is_closed()) {
            if batch.len() < LARGEST && keys.insert(waiting.key.clone()) {
                batch.push(waiting);
            } else {
                rest.push(waiting);
            }
        }
        queue.collecting = !rest.is_empty();
        queue.waiting = rest;
        (batch, queue.collecting)
    }

    async fn carry_out(&self, batch: Vec<Waiting<I, O>>) {
        if batch.is_empty() {
            return;
        }
        let items: Vec<_> = batch.iter().map(|w| (w.key.clone(), w.item.clone())).collect();
        match (self.send)(items).await {
            Ok(outcomes) => {
                for (waiting, outcome) in batch.into_iter().zip(outcomes) {
                    // The caller may have left.
                    let _ = waiting.caller.send(outcome);
                }
            }
            // One record can make the CRM refuse the call as a whole; it must not hold up the others.
            Err(CrmError::Permanent { .. }) if batch.len() > 1 => {
                for waiting in batch {
                    let outcomes = (self.send)(vec![(waiting.key, waiting.item)]).await;
                    let only = outcomes
                        .and_then(|outcomes| outcomes.into_iter().next().unwrap_or_else(missing));
                    let _ = waiting.caller.send(only);
                }
            }
            Err(error) => {
                for waiting in batch {
                    let _ = waiting.caller.send(Err(error.clone()));
                }
            }
        }
    }
}

fn missing<O>() -> Result<O, CrmError> {
    Err(CrmError::transient("no outcome in the answer"))
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    type Sent = Arc<Mutex<Vec<Vec<String>>>>;

    /// Answers with the item twice as large; refuses a call with the item 13 in it.
    fn batch() -> (Batch<u32, u32>, Sent) {
        let sent = Sent::default();
        let log = Arc::clone(&sent);
        let batch = Batch::new(move |items: Vec<(String, u32)>| {
            log.lock().unwrap().push(items.iter().map(|(key, _)| key.clone()).collect());
            Box::pin(async move {
                if items.iter().any(|(_, item)| *item == 13) {
                    return Err(CrmError::permanent("13"));
                }
                sleep(Duration::from_millis(20)).await;
                Ok(items.into_iter().map(|(_, item)| Ok(item * 2)).collect())
            })
        });
        (batch, sent)
    }

    #[tokio::test]
    async fn calls_of_a_moment_are_one_and_each_caller_gets_its_own_outcome() {
        let (batch, sent) = batch();
        let outcomes = join_all((20..25).map(async |n| batch.ask(&n.to_string(), n).await)).await;
        assert_eq!(outcomes, (20..25).map(|n| Ok(n * 2)).collect::<Vec<_>>());
        assert_eq!(sent.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn what_does_not_fit_and_a_second_call_for_a_key_go_with_the_next_batch() {
        let (batch, sent) = batch();
        let keys = (100..301).chain([100]);
        let outcomes = join_all(keys.map(async |n| batch.ask(&n.to_string(), n).await)).await;
        assert!(outcomes.iter().all(Result::is_ok));
        let sent = sent.lock().unwrap();
        assert_eq!(sent.iter().map(Vec::len).collect::<Vec<_>>(), [200, 2]);
        assert_eq!(sent[1], ["300", "100"]);
    }

    #[tokio::test]
    async fn a_record_that_spoils_a_call_spoils_only_its_own_outcome() {
        let (batch, _) = batch();
        let outcomes = join_all((12..15).map(async |n| batch.ask(&n.to_string(), n).await)).await;
        assert_eq!(outcomes, [Ok(24), Err(CrmError::permanent("13")), Ok(28)]);
    }

    #[tokio::test]
    async fn a_caller_who_leaves_takes_nobody_along() {
        let (batch, sent) = batch();
        let mut leaving = Box::pin(batch.ask("1", 1));
        assert!(futures_util::poll!(&mut leaving).is_pending());
        let staying = batch.ask("2", 2);
        drop(leaving);
        assert_eq!(staying.await, Ok(4));
        assert_eq!(*sent.lock().unwrap(), [["2"]]);
    }
}

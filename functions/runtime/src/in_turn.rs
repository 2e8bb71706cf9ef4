//! Work that runs at the same time, and begins one after the other.

use futures_util::{FutureExt, StreamExt, stream};
use tokio::task::yield_now;

/// Runs all at the same time. Each begins when open connections have sent what the one before it had to send: begun
/// together, on the one thread of a function, all would have made their requests before the first was sent. The results
/// are in the order of `work`.
pub(crate) async fn all_in_turn<T>(work: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    // Connections are tasks, and run before this one does again.
    let begun = stream::iter(work).then(|one| yield_now().map(|()| one));
    begun.buffered(usize::MAX).collect().await
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        time::Duration,
    };

    use tokio::{
        runtime::{Builder, LocalOptions},
        sync::{Barrier, mpsc},
        task::spawn_local,
        time::timeout,
    };

    use super::*;

    /// As a function runs it: in a task of a local runtime.
    fn run<T: 'static>(body: impl Future<Output = T> + 'static) -> T {
        let runtime = Builder::new_current_thread().enable_time().build_local(LocalOptions::default()).unwrap();
        runtime.block_on(async { spawn_local(timeout(Duration::from_secs(20), body)).await.unwrap().unwrap() })
    }

    #[test]
    fn what_one_sends_is_on_its_way_before_the_next_begins() {
        let said = Arc::new(Mutex::new(Vec::new()));
        let (by_work, by_connection) = (Arc::clone(&said), Arc::clone(&said));
        run(async move {
            let (send, mut sent) = mpsc::unbounded_channel();
            spawn_local(async move {
                while let Some(one) = sent.recv().await {
                    by_connection.lock().unwrap().push(format!("sent {one}"));
                }
            });
            let all_begun = Barrier::new(3);
            let done = all_in_turn([1, 2, 3].map(async |one| {
                by_work.lock().unwrap().push(format!("begun {one}"));
                send.send(one).unwrap();
                all_begun.wait().await;
                one
            }));
            assert_eq!(done.await, [1, 2, 3]);
        });
        assert_eq!(*said.lock().unwrap(), ["begun 1", "sent 1", "begun 2", "sent 2", "begun 3", "sent 3"]);
    }

    #[test]
    fn all_of_any_number_run_at_the_same_time() {
        let done = run(async {
            let barrier = Barrier::new(100);
            let work = (0..100).map(async |one| {
                barrier.wait().await;
                one
            });
            all_in_turn(work).await
        });
        assert_eq!(done, Vec::from_iter(0..100));
    }
}

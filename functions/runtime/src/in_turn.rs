//! Work that runs at the same time, and begins one after the other.

use futures_util::{FutureExt, StreamExt, stream};
use tokio::task::yield_now;

/// Waits for all, each of which begins as soon as what the one before it sends is on its way. Begun together, on the one
/// thread of a function, each would have made its request before the first of them was sent: all would wait for the work
/// of all. The results are in the order of `work`.
pub async fn all_in_turn<T>(work: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    // Connections are tasks, and run before this one does again.
    let begun = stream::iter(work).then(|one| yield_now().map(|()| one));
    begun.buffered(usize::MAX).collect().await
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::sync::{Barrier, mpsc};

    use super::*;

    #[tokio::test]
    async fn what_one_sends_is_on_its_way_before_the_next_begins() {
        let said = Arc::new(Mutex::new(Vec::new()));
        let (send, mut sent) = mpsc::unbounded_channel();
        let on_its_way = Arc::clone(&said);
        tokio::spawn(async move {
            while let Some(one) = sent.recv().await {
                on_its_way.lock().unwrap().push(format!("sent {one}"));
            }
        });
        let all_begun = Barrier::new(3);
        let done = all_in_turn([1, 2, 3].map(async |one| {
            said.lock().unwrap().push(format!("begun {one}"));
            send.send(one).unwrap();
            all_begun.wait().await;
            one
        }))
        .await;
        assert_eq!(done, [1, 2, 3]);
        assert_eq!(*said.lock().unwrap(), ["begun 1", "sent 1", "begun 2", "sent 2", "begun 3"]);
    }

    #[tokio::test]
    async fn all_of_any_number_run_at_the_same_time() {
        let barrier = Barrier::new(100);
        let done = all_in_turn((0..100).map(async |one| {
            barrier.wait().await;
            one
        }))
        .await;
        assert_eq!(done, Vec::from_iter(0..100));
    }
}

use std::sync::Mutex;

use runtime::edges::EdgeError;
use serde_json::json;

use super::*;

/// A place in memory. Items are their own ids; `unreadable…` is sent with `--anyway` only.
struct Memory(Mutex<Vec<String>>);

impl Memory {
    fn of(items: &[&str]) -> Self {
        Self(Mutex::new(items.iter().map(|item| (*item).to_owned()).collect()))
    }

    fn left(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Backlog for Memory {
    type Item = String;
    const WORDS: Words = Words {
        noun: "item",
        empty: "None.",
        stays: "stays here",
        target: "event queue",
        gone: "gone",
        before_drop: "It is lost.",
    };
    const COLUMNS: &'static [&'static str] = &["Id"];
    const REFUSALS: usize = 2;

    fn id(item: &String) -> &str {
        item
    }

    fn since(_: &String) -> Option<Time> {
        None
    }

    fn row(item: &String, _: Time) -> Vec<String> {
        vec![item.clone()]
    }

    fn described(item: &String, _: Time) -> Value {
        json!(item)
    }

    fn shown(item: &String, _: Time) -> Value {
        json!(item)
    }

    async fn sweep(
        &self,
        chosen: Chosen<String>,
        limit: usize,
        mut visit: impl AsyncFnMut(String) -> Result<Fate>,
    ) -> Result<Swept> {
        let wanted = chosen.into_wanted(|item| item);
        let items: Vec<_> = self.left().into_iter().filter(|item| wanted.has(item)).take(limit).collect();
        let missing = wanted.missing(&items.iter().cloned().collect()).unwrap_or_default();
        for item in items {
            if visit(item.clone()).await? != Fate::Kept {
                self.0.lock().unwrap().retain(|kept| *kept != item);
            }
        }
        Ok(Swept { missing, reach: Reach::Whole })
    }

    async fn text_to_send(&self, item: &String, _: &str, anyway: bool) -> Result<Option<String>> {
        Ok((anyway || !item.starts_with("unreadable")).then(|| item.clone()))
    }

    fn more(_: Reach, _: usize) -> Option<String> {
        None
    }
}

/// A queue that refuses what begins with `refused`.
#[derive(Default)]
struct Sent(Mutex<Vec<String>>);

impl Queue for Sent {
    async fn send(&self, envelope: &str) -> Result<(), EdgeError> {
        if envelope.starts_with("refused") {
            return Err(EdgeError("full".to_owned()));
        }
        self.0.lock().unwrap().push(envelope.to_owned());
        Ok(())
    }
}

fn these(ids: &[&str]) -> Wanted {
    Wanted::These(ids.iter().map(|id| (*id).to_owned()).collect())
}

#[tokio::test]
async fn what_the_queue_accepted_is_deleted_and_all_else_stays() {
    let (backlog, queue) = (Memory::of(&["a", "refused", "b", "unreadable", "c"]), Sent::default());
    let code = replay((&backlog, "here"), &queue, Wanted::All, 10, false).await.unwrap();
    assert_eq!(code, ExitCode::FAILURE);
    assert_eq!(*queue.0.lock().unwrap(), ["a", "b", "c"]);
    assert_eq!(backlog.left(), ["refused", "unreadable"]);
    assert_eq!(replay((&backlog, "here"), &queue, these(&["unreadable"]), 10, true).await.unwrap(), ExitCode::SUCCESS);
    assert_eq!(backlog.left(), ["refused"]);
}

#[tokio::test]
async fn a_queue_that_refuses_several_in_a_row_ends_the_replay() {
    let (backlog, queue) = (Memory::of(&["a", "refused1", "refused2", "b"]), Sent::default());
    let error = format!("{:#}", replay((&backlog, "here"), &queue, Wanted::All, 10, false).await.unwrap_err());
    assert_eq!(
        error,
        "1 sent, then: 2 in a row were refused. The rest stays here: the event queue did not accept `refused2`; it \
         stays here: full"
    );
    assert_eq!(backlog.left(), ["refused1", "refused2", "b"]);
}

#[tokio::test]
async fn an_id_that_is_not_there_fails_after_the_others_were_done() {
    let (backlog, queue) = (Memory::of(&["a"]), Sent::default());
    let error = replay((&backlog, "here"), &queue, these(&["a", "b"]), 10, false).await.unwrap_err().to_string();
    assert!(error.starts_with("not among the items: `b`"), "{error}");
    assert!(show(&backlog, "b".to_owned(), 10).await.is_err());
    assert_eq!(backlog.left(), Vec::<String>::new());
}

#[tokio::test]
async fn only_what_was_asked_for_is_deleted() {
    let backlog = Memory::of(&["a", "b", "c"]);
    assert_eq!(drop_for_good((&backlog, "here"), these(&["b"]), 10, true).await.unwrap(), ExitCode::SUCCESS);
    assert_eq!(backlog.left(), ["a", "c"]);
    assert_eq!(drop_for_good((&backlog, "here"), Wanted::All, 10, true).await.unwrap(), ExitCode::SUCCESS);
    assert_eq!(drop_for_good((&backlog, "here"), Wanted::All, 10, false).await.unwrap(), ExitCode::SUCCESS);
    assert_eq!(list(&backlog, 10, false, &Zone::default()).await.unwrap(), ExitCode::SUCCESS);
}

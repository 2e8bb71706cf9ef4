//! Whatever the key endpoint does, cold or warm, with or without a stored set: an answer in time, 400 for no valid
//! token, no invalid token accepted, and normal operation afterwards.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use end_to_end::{
    Answer, Pipeline,
    key_faults::{Behaviour, RawKeyEndpoint},
    lambda::{Lambda, Outcome},
    patience::WEBHOOK_LIMIT,
};
use play_kakao::{Forgery, SigningKey, Token, key_set};
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::JoinSet, time::sleep};

use crate::kakao::{OAUTH, pushed, token};

/// A little more than the cooldown.
const COOLED: Duration = Duration::from_millis(10_050);

struct Keys {
    old: SigningKey,
    new: SigningKey,
    /// An attacker's key, under the id of the old one.
    thief: SigningKey,
}

impl Keys {
    fn serving(&self, with_new: bool) -> Behaviour {
        let keys = [&self.old, &self.new];
        Behaviour::Serves(key_set(keys.into_iter().take(1 + usize::from(with_new))).to_string())
    }
}

fn linked() -> Token {
    token("3142859500", &format!("{OAUTH}user-linked"), 1, &json!({}))
}

/// What an endpoint can do wrong. `elsewhere` would serve the right keys to a client that follows a redirect.
fn faults(elsewhere: &RawKeyEndpoint) -> Vec<(&'static str, Behaviour)> {
    vec![
        ("hangs", Behaviour::Hangs),
        ("trickles", Behaviour::Trickles),
        ("500", Behaviour::Answers("500 Internal Server Error")),
        ("204", Behaviour::Answers("204 No Content")),
        ("garbage", Behaviour::Serves("<html>Maintenance</html>".to_owned())),
        ("no keys", Behaviour::Serves(r#"{"keys":[]}"#.to_owned())),
        ("10 MB", Behaviour::Serves(format!(r#"{{"keys":[],"padding":"{}"}}"#, "x".repeat(10 << 20)))),
        ("redirects", Behaviour::Redirects(elsewhere.url())),
        ("closes", Behaviour::Closes),
        ("refuses", Behaviour::Refuses),
    ]
}

/// One function before one endpoint.
struct Cell {
    name: String,
    fault: Behaviour,
    is_warm: bool,
    has_stored: bool,
    endpoint: RawKeyEndpoint,
    function: Lambda,
    keys: Arc<Keys>,
}

impl Cell {
    async fn answers(&mut self, body: String) -> Answer {
        let id = self.function.begin(&pushed(body).received_now().event()).await;
        self.function.taken(&id).await.unwrap();
        let begun = Instant::now();
        let Outcome::Response(response) = self.function.finish(&id).await.unwrap() else {
            panic!("{}: no response: {:?}", self.name, self.function.lines());
        };
        assert!(begun.elapsed() < WEBHOOK_LIMIT, "{}: {:?}", self.name, begun.elapsed());
        Answer::of_response(&response).unwrap()
    }

    async fn status(&mut self, body: String) -> u16 {
        let answer = self.answers(body).await;
        assert_eq!(answer.status == 503, answer.headers.contains_key("retry-after"), "{}: {answer:?}", self.name);
        answer.status
    }

    async fn status_of_old(&mut self) -> u16 {
        let token = linked().sign(&self.keys.old).unwrap();
        self.status(token).await
    }

    async fn status_of_new(&mut self) -> u16 {
        let token = linked().sign(&self.keys.new).unwrap();
        self.status(token).await
    }

    /// While the endpoint fails, the last good set is used, if there is one, and a new key is unknown.
    async fn is_honest(&mut self) {
        let knows_old = self.is_warm || self.has_stored;
        let (taken, name) = (if knows_old { 202 } else { 503 }, self.name.clone());
        assert_eq!(self.status_of_old().await, taken, "{name}: an old key's token");
        assert_eq!(self.status_of_new().await, 503, "{name}: a new key's token");
        let forged = linked().sign(&self.keys.thief).unwrap();
        assert_eq!(self.status(forged).await, if knows_old { 400 } else { 503 }, "{name}: a forged token");
        let none = linked().forge(&self.keys.old, Forgery::AlgNone).unwrap();
        assert_eq!(self.status(none).await, 400, "{name}: an unsigned token");
    }

    async fn begin(&mut self) {
        if self.is_warm {
            assert_eq!(self.status_of_old().await, 202, "{}: warm", self.name);
            self.endpoint.becomes(self.fault.clone()).await.unwrap();
        }
        self.is_honest().await;
    }

    async fn go_on(mut self, together: &Semaphore) {
        sleep(COOLED).await;
        {
            // The first one now fetches once more, without success; later ones do not.
            let _permit = together.acquire().await.unwrap();
            let asked = self.endpoint.asked().len();
            assert_eq!(self.status_of_new().await, 503, "{}", self.name);
            self.is_honest().await;
            if self.fault != Behaviour::Refuses {
                assert_eq!(self.endpoint.asked().len(), asked + 1, "{}", self.name);
            }
            self.endpoint.becomes(self.keys.serving(true)).await.unwrap();
        }
        sleep(COOLED).await;
        let _permit = together.acquire().await.unwrap();
        assert_eq!(self.status_of_new().await, 202, "{}: after the fault", self.name);
        assert_eq!(self.status_of_old().await, 202, "{}: after the fault", self.name);
        let lines = self.function.lines();
        let is_panic = |line: &Value| line.to_string().contains("panicked");
        assert!(!lines.iter().any(is_panic), "{}: {lines:?}", self.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_key_endpoint_does_every_answer_is_honest_and_in_time() {
    let keys = {
        let [old, new, thief] = ["old", "new", "old"].map(|id| SigningKey::generate(id).unwrap());
        Arc::new(Keys { old, new, thief })
    };
    let elsewhere = RawKeyEndpoint::start(keys.serving(true)).await.unwrap();
    let pipelines = [Pipeline::start().await.unwrap(), Pipeline::start().await.unwrap()];
    let [with_stored, _] = &pipelines;
    with_stored.keys.serve(key_set([&keys.old]).to_string());
    let mut janitor = with_stored.start_function("janitor").await.unwrap();
    janitor.invoke(&json!({"source": "aws.scheduler"})).await.unwrap();
    assert!(with_stored.table.item("KEYSET", "KEYSET").unwrap().is_some());

    // A few at a time: what is measured is the function, not how many of them a machine can run at once.
    let together = Arc::new(Semaphore::new(4));
    let mut cells = JoinSet::new();
    for (fault_name, fault) in faults(&elsewhere) {
        for (pipeline, has_stored) in pipelines.iter().zip([true, false]) {
            for is_warm in [true, false] {
                let behaviour = if is_warm { keys.serving(false) } else { fault.clone() };
                let endpoint = RawKeyEndpoint::start(behaviour).await.unwrap();
                let permit = Arc::clone(&together).acquire_owned().await.unwrap();
                let url = endpoint.url();
                let variables = [("KAKAO_JWKS_URL", url.as_str())];
                let function = pipeline.start_function_with("account-status", &variables).await.unwrap();
                let name = format!("{fault_name}, warm: {is_warm}, stored: {has_stored}");
                let (fault, keys, together) = (fault.clone(), Arc::clone(&keys), Arc::clone(&together));
                let mut cell = Cell { name, fault, is_warm, has_stored, endpoint, function, keys };
                cells.spawn(async move {
                    cell.begin().await;
                    drop(permit);
                    cell.go_on(&together).await;
                });
            }
        }
    }
    assert_eq!(cells.len(), 40);
    while let Some(done) = cells.join_next().await {
        done.unwrap();
    }
    assert_eq!(elsewhere.asked(), Vec::<Instant>::new(), "a redirect was followed");
}

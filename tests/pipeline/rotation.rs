//! Keys rotate while hundreds of tokens, some with invented key ids, arrive at several instances of the real function.
//! Each instance has its own endpoint, which counts fetches. `ingest/rotation.rs` of the runtime tests many rotations
//! on a clock that can be advanced.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use end_to_end::{
    Answer, Pipeline,
    key_faults::{Behaviour, RawKeyEndpoint},
    lambda::{Lambda, Outcome},
};
use play_kakao::{SigningKey, Token, key_set};
use serde_json::json;
use tokio::time::sleep;

use crate::kakao::{OAUTH, pushed, token};

const COOLDOWN: Duration = Duration::from_secs(10);
const INSTANCES: usize = 3;
/// Of each kind, before and after the roll.
const LOAD: usize = 60;

struct Instance {
    function: Lambda,
    endpoint: RawKeyEndpoint,
    /// How often it had fetched the key set when the key rotated.
    fetches_before: usize,
}

impl Instance {
    async fn start(pipeline: &Pipeline, keys: &[&SigningKey]) -> Self {
        let endpoint = RawKeyEndpoint::start(serving(keys)).await.unwrap();
        let url = endpoint.url();
        let variables = [("KAKAO_JWKS_URL", url.as_str())];
        let function = pipeline.start_function_with("account-status", &variables).await.unwrap();
        Self { function, endpoint, fetches_before: 0 }
    }

    async fn answers(&mut self, body: String) -> Answer {
        let Outcome::Response(response) = self.function.invoke(&pushed(body).event()).await.unwrap() else {
            panic!("no response");
        };
        Answer::of_response(&response).unwrap()
    }

    async fn status(&mut self, body: String) -> u16 {
        self.answers(body).await.status
    }

    fn fetches(&self) -> usize {
        self.endpoint.asked().len()
    }

    /// Its endpoint's key rotates. A fetch just before begins a cooldown, which the next request falls into.
    async fn rotates(&mut self, junk: String, new: &SigningKey) {
        self.fetches_before = self.fetches() + 1;
        assert_ne!(self.status(junk).await, 202);
        assert_eq!(self.fetches(), self.fetches_before, "no fetch after the cooldown");
        self.endpoint.becomes(serving(&[new])).await.unwrap();
    }

    fn has_fetched_since_the_rotation(&self) -> bool {
        self.fetches() > self.fetches_before
    }

    fn kept_the_cooldown(&self, begun: Instant) {
        let asked = self.endpoint.asked();
        assert!(self.has_fetched_since_the_rotation(), "the roll was never seen");
        // The cooldown counts from the end of a fetch; half a second is for the endpoint's own delays.
        let apart = COOLDOWN - Duration::from_millis(500);
        assert!(asked.windows(2).all(|two| two[1] - two[0] >= apart), "{asked:?} since {begun:?}");
    }
}

fn serving(keys: &[&SigningKey]) -> Behaviour {
    Behaviour::Serves(key_set(keys.iter().copied()).to_string())
}

fn numbered(number: usize) -> Token {
    let mut linked = token("3142859400", &format!("{OAUTH}user-linked"), 1, &json!({}));
    linked.claims.insert("jti".to_owned(), json!(format!("j{number}")));
    linked
}

/// An attacker's key under the id of the new one.
static THIEF: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("new").unwrap());

fn forged(number: usize) -> String {
    numbered(number).sign(&THIEF).unwrap()
}

/// A key id that no key has, a new one each time.
fn junk(number: usize) -> String {
    let mut junk = numbered(number);
    junk.header.insert("kid".to_owned(), json!(format!("junk{number}")));
    junk.sign(&THIEF).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_key_rotates_no_valid_token_is_lost_no_old_one_is_accepted_and_each_instance_fetches_once_per_cooldown()
{
    let (old, new) = (SigningKey::generate("old").unwrap(), SigningKey::generate("new").unwrap());
    // Generating it takes longer than an instance waits for the key set.
    LazyLock::force(&THIEF);
    let pipeline = Pipeline::start().await.unwrap();
    let begun = Instant::now();
    let mut instances = vec![];
    for _ in 0..INSTANCES {
        instances.push(Instance::start(&pipeline, &[&old]).await);
    }

    for number in 0..LOAD {
        let instance = &mut instances[number % INSTANCES];
        assert_eq!(instance.status(numbered(number).sign(&old).unwrap()).await, 202);
        // A set that came with the start may have come after the very first request.
        assert!([400, 503].contains(&instance.status(junk(number)).await));
    }
    sleep(COOLDOWN).await;
    for (number, instance) in instances.iter_mut().enumerate() {
        instance.rotates(junk(2 * LOAD + number), &new).await;
    }
    let mut put_off = vec![];
    for number in LOAD..2 * LOAD {
        let instance = &mut instances[number % INSTANCES];
        let answer = instance.answers(numbered(number).sign(&new).unwrap()).await;
        match answer.status {
            202 => {}
            503 => {
                assert_eq!(answer.headers["retry-after"], "10");
                put_off.push((number, Instant::now() + COOLDOWN));
            }
            status => panic!("{status} to a valid token: {}", answer.body),
        }
        assert_ne!(instance.status(junk(number)).await, 202);
        assert_ne!(instance.status(forged(number)).await, 202);
        // Its key left the set, but the instance can't know before it may ask again.
        let has_fetched = instance.has_fetched_since_the_rotation();
        let old_status = instance.status(numbered(number).sign(&old).unwrap()).await;
        assert_eq!(old_status != 202, has_fetched, "{old_status}");
    }
    assert!(!put_off.is_empty(), "no token met the cooldown");

    // Each is redelivered after `Retry-After`, to any instance.
    for (number, due) in put_off {
        sleep(due.saturating_duration_since(Instant::now())).await;
        let instance = &mut instances[(number + 1) % INSTANCES];
        // The first one costs the fetch; the next may be of a still newer key, until another cooldown is over.
        let (is_first, fetches) = (!instance.has_fetched_since_the_rotation(), instance.fetches());
        let answer = instance.answers(junk(number)).await;
        let has_fetched = instance.fetches() > fetches;
        assert!(has_fetched || !is_first, "{answer:?}");
        assert_eq!(answer.status, if has_fetched { 400 } else { 503 }, "{answer:?}");
        assert_eq!(answer.body.contains("invalid_key"), has_fetched, "{answer:?}");
        assert_eq!(instance.status(numbered(number).sign(&new).unwrap()).await, 202, "delivered again");
        let old_status = instance.status(numbered(number).sign(&old).unwrap()).await;
        assert!([400, 503].contains(&old_status), "its key left the set: {old_status}");
        assert_eq!(instance.status(forged(number)).await, 400);
    }
    for instance in instances {
        instance.kept_the_cooldown(begun);
    }
}

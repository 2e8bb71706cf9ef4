use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{CallbackOrigin, CallbackUrl};
use crate::{
    envelope::to_ascii_json,
    skill::Place,
    wire::{BotId, Time},
};

/// A message that is answered by callback, as it waits in a queue.
#[derive(Clone, PartialEq)]
pub struct Job {
    /// The gateway's id of the request.
    pub request_id: String,
    /// The bot.
    pub bot_id: BotId,
    /// When the gateway received the message: Kakao's URL lives from about then.
    pub received_at: Time,
    /// Where it was written.
    pub place: Place,
    /// Where the answer goes.
    pub url: CallbackUrl,
    /// What Kakao sent.
    pub payload: Map<String, Value>,
}

/// What the user said stands in a job: only its id and time are shown.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request_id, received_at, .. } = self;
        f.debug_struct("Job").field("request_id", request_id).field("received_at", received_at).finish_non_exhaustive()
    }
}

/// Why a text is no job. It shows nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableJob {
    /// It is not JSON, or lacks a member.
    #[error("the message is not a job in JSON")]
    Form,
    /// Another version wrote it.
    #[error("the job's version is not known")]
    Version,
    /// The URL may not be called.
    #[error("the job's URL is not a callback URL of its bot")]
    Url,
}

const VERSION: u64 = 1;

#[derive(Serialize)]
struct Form<'f> {
    v: u64,
    request_id: &'f str,
    bot_id: &'f BotId,
    received_at: Time,
    room: bool,
    callback_url: &'f str,
    payload: &'f Map<String, Value>,
}

/// Where an answer goes, which every version's job says in this way.
#[derive(Deserialize)]
struct Address {
    v: u64,
    request_id: String,
    bot_id: BotId,
    received_at: Time,
    room: bool,
    callback_url: String,
}

#[derive(Deserialize)]
struct Question {
    payload: Map<String, Value>,
}

impl Job {
    /// The job's text: ASCII, as the queue takes it.
    ///
    /// # Errors
    /// None that could happen: every member can be written as JSON.
    pub fn encode(&self) -> serde_json::Result<String> {
        to_ascii_json(&Form {
            v: VERSION,
            request_id: &self.request_id,
            bot_id: &self.bot_id,
            received_at: self.received_at,
            room: self.place == Place::Room,
            callback_url: self.url.expose(),
            payload: &self.payload,
        })
    }

    /// Reads a job's text. Its URL is checked again.
    ///
    /// # Errors
    /// [`UnreadableJob`].
    pub fn decode(text: &str, origin: &CallbackOrigin) -> Result<Self, UnreadableJob> {
        let address: Address = serde_json::from_str(text).map_err(|_| UnreadableJob::Form)?;
        if address.v != VERSION {
            return Err(UnreadableJob::Version);
        }
        let Question { payload } = serde_json::from_str(text).map_err(|_| UnreadableJob::Form)?;
        Ok(Self { payload, ..address.job(origin)? })
    }

    /// Reads of a job of whatever version where an answer goes. Its payload stays empty.
    ///
    /// # Errors
    /// [`UnreadableJob`].
    pub fn decode_address(text: &str, origin: &CallbackOrigin) -> Result<Self, UnreadableJob> {
        let address: Address = serde_json::from_str(text).map_err(|_| UnreadableJob::Version)?;
        address.job(origin)
    }

    /// Until when what is done.
    #[must_use]
    pub fn deadlines(&self) -> Deadlines {
        let [answer, lease, end] = match self.place {
            Place::Chat => [55, 57, 60],
            Place::Room => [290, 292, 300],
        };
        let after = |seconds: i64| Time::clamped(self.received_at.as_millis().saturating_add(seconds * 1_000));
        Deadlines { announced: after(6), answer: after(answer), lease: after(lease), end: after(end) }
    }
}

impl Address {
    fn job(self, origin: &CallbackOrigin) -> Result<Job, UnreadableJob> {
        let Self { request_id, bot_id, received_at, room, callback_url, .. } = self;
        let url = CallbackUrl::checked(&callback_url, origin, &bot_id).map_err(|_| UnreadableJob::Url)?;
        let place = if room { Place::Room } else { Place::Chat };
        Ok(Job { request_id, bot_id, received_at, place, url, payload: Map::new() })
    }
}

/// Until when what is done of a job. Kakao's URL lives for a minute, in rooms for five.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// When Kakao must have the first answer, which announces a later one: our own leaves 4 s after the message.
    pub announced: Time,
    /// When the service's answer must be there.
    pub answer: Time,
    /// When the worker that asked must have posted it. Another one may say the fallback text from then on.
    pub lease: Time,
    /// When the URL is dead.
    pub end: Time,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job() -> Job {
        let (origin, bot_id) = (CallbackOrigin::default(), "64f0".parse().unwrap());
        let url = "https://bot-api.kakao.com/v1/bots/64f0!/callback/0d9f";
        Job {
            request_id: "JKJaXmPLvHcESHA=".to_owned(),
            url: CallbackUrl::checked(url, &origin, &bot_id).unwrap(),
            bot_id,
            received_at: Time::from_millis(1_790_660_097_123).unwrap(),
            place: Place::Room,
            payload: json!({"userRequest": {"utterance": "안녕 👋\n"}, "n": 1.5}).as_object().unwrap().clone(),
        }
    }

    #[test]
    fn a_job_is_read_as_it_was_written_in_ascii() {
        for place in [Place::Chat, Place::Room] {
            let job = Job { place, ..job() };
            let text = job.encode().unwrap();
            assert!(text.is_ascii(), "{text}");
            assert_eq!(Job::decode(&text, &CallbackOrigin::default()), Ok(job));
        }
    }

    #[test]
    fn another_url_or_version_or_form_is_no_job() {
        let change = |name: &str, value: Value| {
            let mut form: Value = serde_json::from_str(&job().encode().unwrap()).unwrap();
            form[name] = value;
            Job::decode(&form.to_string(), &CallbackOrigin::default())
        };
        assert_eq!(
            change("callback_url", json!("https://example.com/v1/bots/64f0/callback/a")),
            Err(UnreadableJob::Url)
        );
        assert_eq!(change("bot_id", json!("other")), Err(UnreadableJob::Url));
        assert_eq!(change("v", json!(2)), Err(UnreadableJob::Version));
        assert_eq!(change("payload", json!([])), Err(UnreadableJob::Form));
        assert_eq!(Job::decode("", &CallbackOrigin::default()), Err(UnreadableJob::Form));
    }

    #[test]
    fn of_another_versions_job_is_known_where_an_answer_goes() {
        let mut form: Value = serde_json::from_str(&job().encode().unwrap()).unwrap();
        (form["v"], form["payload"]) = (json!(2), json!("packed"));
        let address = |form: &Value| Job::decode_address(&form.to_string(), &CallbackOrigin::default());
        assert_eq!(address(&form), Ok(Job { payload: Map::new(), ..job() }));
        form["callback_url"] = json!("https://example.com/v1/bots/64f0/callback/a");
        assert_eq!(address(&form), Err(UnreadableJob::Url));
        assert_eq!(address(&json!({"v": 2})), Err(UnreadableJob::Version));
    }

    #[test]
    fn a_callback_is_announced_within_the_skills_budget_and_a_little() {
        let deadlines = job().deadlines();
        assert_eq!(deadlines.announced.millis_since(job().received_at), 6_000);
    }

    #[test]
    fn debug_shows_neither_words_nor_url() {
        let shown = format!("{:?}", job());
        assert!(!shown.contains("안녕") && !shown.contains("0d9f") && shown.contains("JKJaXmPLvHcESHA="), "{shown}");
    }
}

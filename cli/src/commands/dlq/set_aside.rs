//! `UnpublishedQueue`: writes of users' states that the publisher could not publish, and records of the table's stream that
//! Lambda gave up.

use anyhow::{Result, bail};
use kakao_webhooks::{state::Subject, wire::Time};
use serde_json::{Map, Value, json};

use crate::{
    commands::backlog::{
        Words, letter,
        messages::{GONE, MessageBacklog, MessageQueue, WaitingMessage},
    },
    ui::age,
};

/// The changes that were set aside.
#[derive(Clone, Debug)]
pub struct SetAside(pub MessageQueue);

/// What a message of the queue says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
struct Summary {
    /// The user's app and id, as `khook publish` takes them; the key as it is where it is no user's.
    user: Option<String>,
    /// The option of `khook publish` that takes the user.
    option: Option<&'static str>,
    why: String,
}

impl Summary {
    fn of(body: &str) -> Self {
        let Ok(body) = serde_json::from_str::<Value>(body) else {
            return Self { why: "not JSON: another program sent it".to_owned(), ..Self::default() };
        };
        if let Some(batch) = body.get("DDBStreamBatchInfo") {
            return Self { why: given_up(batch, &body), ..Self::default() };
        }
        let why = body.get("why").and_then(Value::as_str).unwrap_or("no reason: another program sent it").to_owned();
        let Some(key) = body.pointer("/keys/pk/S").and_then(Value::as_str) else {
            return Self { why, ..Self::default() };
        };
        match Subject::of_partition_key(key) {
            Some(Subject::User(app, user)) => {
                Self { user: Some(format!("{app} {}", user.digits())), option: Some("--user"), why }
            }
            Some(Subject::OpenId(app, id)) => {
                Self { user: Some(format!("{app} {}", id.as_str())), option: Some("--open-id"), why }
            }
            _ => Self { user: Some(key.to_owned()), option: None, why },
        }
    }

    /// The user with the option that takes it.
    fn publishable(&self) -> Option<String> {
        let user = self.user.as_deref()?;
        Some(self.option.map_or_else(|| user.to_owned(), |option| format!("{option} {user}")))
    }
}

/// Lambda's own message about records that it gave up for one of the stream's two readers, with what repairs it; it names
/// no user.
fn given_up(batch: &Value, message: &Value) -> String {
    let text = |name: &str| batch.get(name).map(letter::plain).unwrap_or_default();
    let first = text("approximateArrivalOfFirstRecord");
    let function = message.pointer("/requestContext/functionArn").and_then(Value::as_str).and_then(logical_id);
    let (reader, fix) = match function {
        Some("RecorderFunction") => ("recorder: ", "; khook erasures rebuild".to_owned()),
        Some("PublisherFunction") => ("publisher: ", format!("; khook publish --since {first}")),
        _ => ("", String::new()),
    };
    format!(
        "{reader}given up after too long: {} record(s) that arrived from {first} to {}{fix}",
        text("batchSize"),
        text("approximateArrivalOfLastRecord")
    )
}

/// The template's name of a function. CloudFormation names it `<stack>-<logical id>-<random>`, and an ARN may end with a
/// version or an alias.
fn logical_id(function_arn: &str) -> Option<&str> {
    function_arn.split(':').nth(6)?.rsplit('-').nth(1)
}

impl MessageBacklog for SetAside {
    const WORDS: Words = Words {
        noun: "unpublished change",
        empty: "There are no unpublished changes.",
        stays: "stays in UnpublishedQueue",
        target: "event queue",
        gone: GONE,
        before_drop: "`khook publish` publishes the users' current states, `khook erasures rebuild` records departures.",
    };
    const COLUMNS: &'static [&'static str] = &["Id", "User", "Why", "Sent", "Age"];

    fn queue(&self) -> &MessageQueue {
        &self.0
    }

    fn row(letter: &WaitingMessage, now: Time) -> Vec<String> {
        let summary = Summary::of(&letter.body);
        let [sent_at, age] = age::cells(letter.sent_at, now);
        let user = summary.publishable().unwrap_or_else(|| "–".to_owned());
        vec![letter.id.clone(), user, summary.why, sent_at, age]
    }

    fn described(letter: &WaitingMessage, now: Time) -> Map<String, Value> {
        let Summary { user, option, why } = Summary::of(&letter.body);
        let members = [
            ("message_id", json!(letter.id)),
            ("user", json!(user)),
            ("publish_option", json!(option)),
            ("why", json!(why)),
            ("sent_at", json!(letter.sent_at)),
            ("age_seconds", json!(letter.sent_at.map(|time| age::seconds(time, now)))),
        ];
        members.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
    }

    fn text_to_send(_: &WaitingMessage, _: &str, _: bool) -> Result<Option<String>> {
        bail!("an unpublished change is no event: `khook publish` publishes the user's current state")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(body: &Value) -> [String; 2] {
        let dead = WaitingMessage { id: "m".into(), body: body.to_string(), sent_at: None, receives: 1 };
        let row = SetAside::row(&dead, runtime::clock::now());
        [row[1].clone(), row[2].clone()]
    }

    #[test]
    fn a_row_shows_the_user_as_khook_publish_takes_them_and_why_it_was_set_aside() {
        let write =
            |pk: &str| json!({"why": "w", "sequence_number": "1", "keys": {"pk": {"S": pk}, "sk": {"S": "STATE"}}});
        assert_eq!(row(&write("USER#1#7")), ["--user 1 7", "w"]);
        assert_eq!(row(&write("OPENID#1#abc")), ["--open-id 1 abc", "w"]);
        assert_eq!(row(&write("SEEN")), ["SEEN", "w"]);
        assert_eq!(row(&json!({"why": "w", "keys": {}})), ["–", "w"]);
    }

    #[test]
    fn records_that_lambda_gave_up_show_when_they_arrived() {
        let batch =
            json!({"batchSize": 3, "approximateArrivalOfFirstRecord": "a", "approximateArrivalOfLastRecord": "b"});
        let [user, why] = row(&json!({"DDBStreamBatchInfo": batch}));
        assert_eq!((&*user, &*why), ("–", "given up after too long: 3 record(s) that arrived from a to b"));
        assert_eq!(row(&json!(7))[1], "no reason: another program sent it");
    }

    /// AWS Lambda, "Retain discarded batch records for a DynamoDB event source": the message's form.
    #[test]
    fn records_that_lambda_gave_up_show_whose_they_were_and_what_repairs_that() {
        let of = |arn: &str| {
            let batch = json!({"batchSize": 3, "approximateArrivalOfFirstRecord": "2026-01-01T00:00:00Z",
                "approximateArrivalOfLastRecord": "2026-01-01T00:05:00Z"});
            let context = json!({"requestId": "r", "functionArn": arn, "condition": "RetryAttemptsExhausted"});
            row(&json!({"requestContext": context, "version": "1.0", "DDBStreamBatchInfo": batch}))[1].clone()
        };
        let arn = |name: &str| format!("arn:aws:lambda:ap-northeast-2:123456789012:function:{name}");
        let given_up =
            "given up after too long: 3 record(s) that arrived from 2026-01-01T00:00:00Z to 2026-01-01T00:05:00Z";
        for name in ["kakao-webhooks-RecorderFunction-1aB2", "s-RecorderFunction-1aB2:live"] {
            assert_eq!(of(&arn(name)), format!("recorder: {given_up}; khook erasures rebuild"));
        }
        let publisher = format!("publisher: {given_up}; khook publish --since 2026-01-01T00:00:00Z");
        assert_eq!(of(&arn("RecorderFunction-PublisherFunction-1aB2")), publisher);
        for unknown in ["", "arn", &arn("other")] {
            assert_eq!(of(unknown), given_up, "{unknown}");
        }
    }
}

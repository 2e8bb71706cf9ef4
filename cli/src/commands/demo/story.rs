//! A member's life, as Kakao's webhooks report it: what is sent, and the effect that it must have.

use anyhow::Result;
use kakao_webhooks::wire::{Route, Time, account_status::EventType, skill::REGISTRATION_ANSWER};
use serde_json::{Map, Value, json};

use crate::{
    kakao::{
        AccountStatus, Forgery, Kakao, Request, Shape, SigningKey, SkillMessage, TalkChannel, TalkShare, Unlink,
        registration_check, token_request,
    },
    random,
};

/// Over 2^53, where a number that became a float would be another's.
pub(super) const MEMBER: &str = "9007199254740993";
const SECOND: &str = "3141592653";
const THIRD: &str = "2718281828";
const CHANNEL: &str = "_ISxgbxb";
const ROOM: &str = "a1b2c3d4";
pub(super) const USER_KEY: &str = "khook-demo-user";

const GREETING: &str = "안녕하세요";

/// The template's parameter with the one rule of the chatbot.
pub(super) fn rules() -> (String, String) {
    ("SkillAnswers".to_owned(), json!([{"utterance": GREETING, "text": GREETING}]).to_string())
}

/// One thing that Kakao (or a forger) sends.
#[derive(Clone, Debug)]
pub(super) struct StoryStep {
    /// What it means.
    pub title: String,
    /// What is sent.
    pub request: Request,
    /// The status that is right.
    pub status: u16,
    /// What the answer's body must be, if it matters.
    pub body: Option<ExpectedBody>,
    /// What comes of it.
    pub effect: ExpectedEffect,
    /// Whose state is watched.
    pub watched: String,
}

impl StoryStep {
    /// Whether it is forged and must be refused.
    pub(super) const fn is_forged(&self) -> bool {
        self.status >= 400
    }
}

/// What an answer's body must be.
#[derive(Clone, Debug)]
pub(super) enum ExpectedBody {
    /// Exactly this.
    Is(&'static str),
    /// JSON with this value at a pointer.
    Has(&'static str, Value),
}

/// What comes of a request.
#[derive(Clone, Debug)]
pub(super) enum ExpectedEffect {
    /// Nothing: it is refused, or only a question.
    Nothing,
    /// The processor knows the event already.
    Again {
        /// Its id.
        event_id: String,
    },
    /// A line of history, and these values in the watched state.
    Effect {
        /// Where the history is.
        partition: String,
        /// The event's name in it.
        event: String,
        /// JSON pointers and values; `null` is for what must not be there.
        state: Vec<(String, Value)>,
    },
}

/// Makes the steps, each a few minutes of the past after the one before.
pub(super) struct StoryBuilder<'k> {
    kakao: &'k Kakao,
    key: SigningKey,
    clock: i64,
    steps: Vec<StoryStep>,
}

/// The whole story.
///
/// # Errors
/// If something can't be signed.
pub(super) fn story(kakao: &Kakao, now: Time) -> Result<Vec<StoryStep>> {
    let key = kakao.signing_key()?;
    let mut builder = StoryBuilder { kakao, key, clock: now.as_seconds() - 3 * 3_600, steps: Vec::new() };
    builder.joins()?;
    builder.talks()?;
    builder.is_guarded()?;
    builder.leaves()?;
    Ok(builder.steps)
}

impl StoryBuilder<'_> {
    fn partition(&self, user: &str) -> String {
        format!("USER#{}#{user}", self.kakao.app_id)
    }

    fn push(&mut self, title: &str, user: &str, request: Request, status: u16, effect: ExpectedEffect) {
        let watched = self.partition(user);
        self.steps.push(StoryStep { title: title.to_owned(), request, status, body: None, effect, watched });
    }

    /// Of an event that is to be taken.
    fn taken(&mut self, title: &str, user: &str, event: &str, request: Request, state: Vec<(&'static str, Value)>) {
        let status = if request.path == Route::ACCOUNT_STATUS.path { 202 } else { 200 };
        let state = state.into_iter().map(|(pointer, value)| (pointer.to_owned(), value)).collect();
        let effect = ExpectedEffect::Effect { partition: self.partition(user), event: event.to_owned(), state };
        self.push(title, user, request, status, effect);
    }

    /// Of a forged request.
    fn forged(&mut self, title: &str, request: Request, status: u16) {
        self.push(&format!("forged: {title}"), MEMBER, request, status, ExpectedEffect::Nothing);
    }

    /// The body of the newest step's answer matters.
    fn answered(&mut self, body: ExpectedBody) {
        if let Some(step) = self.steps.last_mut() {
            step.body = Some(body);
        }
    }

    fn later(&mut self) -> i64 {
        self.clock += 300;
        self.clock
    }

    fn token(&mut self, event: &EventType, members: &Value) -> Result<AccountStatus> {
        Ok(AccountStatus {
            audience: self.kakao.rest_api_key.clone(),
            user_id: Some(MEMBER.to_owned()),
            token_id: random::hex::<16>()?,
            at: self.later(),
            event_uri: event.uri().to_owned(),
            members: members.as_object().cloned().unwrap_or_default(),
            claims: Map::new(),
        })
    }

    fn status(
        &mut self,
        title: &str,
        event: &EventType,
        members: &Value,
        state: Vec<(&'static str, Value)>,
    ) -> Result<()> {
        let request = self.token(event, members)?.request(&self.key, None)?;
        self.taken(title, MEMBER, event.known_name().unwrap_or_default(), request, state);
        Ok(())
    }

    fn channel(&mut self, event: &str, user: &str, deprecated: bool) -> Result<TalkChannel> {
        Ok(TalkChannel {
            event: event.to_owned(),
            id: user.to_owned(),
            id_type: "app_user_id".to_owned(),
            channel_id: CHANNEL.to_owned(),
            channel_uuid: Some("@카카오프렌즈".to_owned()),
            at: Time::from_seconds(self.later()),
            resource_id: random::hex::<16>()?,
            deprecated,
        })
    }

    fn joins(&mut self) -> Result<()> {
        self.push("Kakao checks the chatbot's URL", MEMBER, registration_check(), 200, ExpectedEffect::Nothing);
        self.answered(ExpectedBody::Is(REGISTRATION_ANSWER));
        self.status(
            "linked with the app",
            &EventType::UserLinked,
            &json!({}),
            vec![("/link/status", json!("linked")), ("/access", json!("allowed"))],
        )?;
        self.status(
            "consented to two items",
            &EventType::UserScopeConsent,
            &json!({"scope": "account_email profile_nickname"}),
            vec![("/scopes/account_email/granted", json!(true)), ("/scopes/profile_nickname/granted", json!(true))],
        )?;
        self.status(
            "changed the profile",
            &EventType::UserProfileChanged,
            &json!({"nickname": "라이언", "email": "ryan@example.com"}),
            vec![("/profile/nickname/value", json!("라이언")), ("/profile/email/value", json!("ryan@example.com"))],
        )
    }

    fn talks(&mut self) -> Result<()> {
        let (admin_key, wrong_key) = (self.kakao.admin_key.clone(), random::hex::<16>()?);
        let channel = self.channel("added", MEMBER, false)?;
        let added = [("/channels/_ISxgbxb/status", json!("added"))];
        self.taken("added the channel", MEMBER, "added", channel.request(&admin_key), added.to_vec());
        let old = self.channel("added", SECOND, true)?;
        self.taken("another one added it, old field names", SECOND, "added", old.request(&admin_key), added.to_vec());
        let blocked = self.channel("blocked", MEMBER, false)?;
        self.forged("blocked the channel, wrong admin key", blocked.request(&wrong_key), 401);

        let share = TalkShare {
            chat_type: "DirectChat".to_owned(),
            chat_id: ROOM.to_owned(),
            template_id: Some(98_765),
            custom: Map::from_iter([("user_id".to_owned(), json!(MEMBER)), ("상품".to_owned(), json!("한 글 & 더"))]),
            resource_id: random::hex::<16>()?,
        };
        let count = |count: u64| vec![("/shares/count", json!(count))];
        self.taken("shared to a friend", MEMBER, "share", share.request(&admin_key, Shape::Query), count(1));
        let second = TalkShare { chat_type: "MultiChat".into(), resource_id: random::hex::<16>()?, ..share.clone() };
        let request = second.request(&admin_key, Shape::Json);
        self.taken("shared to a group", MEMBER, "share", request.clone(), count(2));
        let again = ExpectedEffect::Again { event_id: second.resource_id.clone() };
        self.push("once more: the same share", MEMBER, request, 200, again);
        let nobodys = TalkShare { custom: Map::new(), resource_id: random::hex::<16>()?, ..share.clone() };
        let effect = ExpectedEffect::Effect {
            partition: format!("SHARE#{}#{ROOM}", self.kakao.app_id),
            event: "share".to_owned(),
            state: count(2).into_iter().map(|(pointer, value)| (pointer.to_owned(), value)).collect(),
        };
        self.push("shared, names no user", MEMBER, nobodys.request(&admin_key, Shape::Form), 200, effect);
        self.forged("shared, wrong admin key", share.request(&wrong_key, Shape::Json), 401);
        self.writes_to_the_chatbot()
    }

    fn writes_to_the_chatbot(&mut self) -> Result<()> {
        let kakao = self.kakao;
        let message = SkillMessage {
            bot_id: kakao.bot_id.clone(),
            user_key: USER_KEY.to_owned(),
            plusfriend_user_key: Some("khook-demo-friend".to_owned()),
            app_user_id: Some(MEMBER.to_owned()),
            is_friend: Some(true),
            utterance: GREETING.to_owned(),
            request_id: random::hex::<16>()?,
            ..SkillMessage::default()
        };
        let effect = ExpectedEffect::Effect {
            partition: format!("BOT#{}#{USER_KEY}", kakao.bot_id),
            event: "message".to_owned(),
            state: vec![(format!("/bots/{}/user_key", kakao.bot_id), json!(USER_KEY))],
        };
        self.push("wrote to the chatbot", MEMBER, message.request(Some(kakao.skill_proof())), 200, effect);
        self.answered(ExpectedBody::Has("/template/outputs/0/simpleText/text", json!(GREETING)));
        let wrong = random::hex::<16>()?;
        self.forged("wrote, wrong skill key", message.request(Some((&kakao.skill_header, &wrong))), 401);
        Ok(())
    }

    fn is_guarded(&mut self) -> Result<()> {
        let disabled = [("/account/status", json!("disabled")), ("/access", json!("blocked"))];
        self.status(
            "Kakao account disabled",
            &EventType::AccountDisabled,
            &json!({"reason": "hijacking"}),
            disabled.to_vec(),
        )?;
        let enabled = [("/account/status", json!("active")), ("/access", json!("allowed"))];
        self.status("Kakao account enabled", &EventType::AccountEnabled, &json!({}), enabled.to_vec())?;

        let revoked = self.token(&EventType::SessionsRevoked, &json!({}))?;
        let since = Time::from_seconds(revoked.at).map_or(Value::Null, |at| json!(at));
        let request = revoked.request(&self.key, None)?;
        let state = vec![("/sessions_valid_from", since)];
        self.taken("sessions revoked", MEMBER, "sessions-revoked", request.clone(), state);
        let again = ExpectedEffect::Again { event_id: format!("{}:sessions-revoked", revoked.token_id) };
        self.push("once more: the same token", MEMBER, token_request(request.body), 202, again);

        let unlinked = self.token(&EventType::UserUnlinked, &json!({}))?;
        self.forged("unlinked, signature forged", unlinked.request(&self.key, Some(Forgery::Signature))?, 400);
        Ok(())
    }

    fn leaves(&mut self) -> Result<()> {
        let withdrawn = vec![("/scopes/account_email/granted", json!(false)), ("/access", json!("allowed"))];
        self.status(
            "withdrew one consent",
            &EventType::UserScopeWithdraw,
            &json!({"scopes": ["account_email"]}),
            withdrawn,
        )?;
        let admin_key = self.kakao.admin_key.clone();
        let blocked = self.channel("blocked", MEMBER, false)?.request(&admin_key);
        let state = vec![("/channels/_ISxgbxb/status", json!("blocked"))];
        self.taken("blocked the channel", MEMBER, "blocked", blocked, state);

        let unlink = |user: &str, reason: &str| Unlink {
            app_id: self.kakao.app_id.clone(),
            user_id: user.to_owned(),
            referrer_type: Some(reason.to_owned()),
            group_user_token: None,
        };
        let of_member = unlink(MEMBER, "UNLINK_FROM_APPS");
        let of_second = unlink(SECOND, "ACCOUNT_DELETE").request(&admin_key, Shape::Form);
        let of_third = unlink(THIRD, "UNLINK_FROM_ADMIN").request(&admin_key, Shape::Json);
        let gone = [("/access", json!("gone")), ("/link/status", json!("unlinked"))];
        self.forged("unlinked, wrong admin key", of_member.request(&random::hex::<16>()?, Shape::Query), 401);
        let erased = [gone.to_vec(), vec![("/profile", Value::Null), ("/scopes", Value::Null)]].concat();
        self.taken("unlinked", MEMBER, "unlink", of_member.request(&admin_key, Shape::Query), erased);
        self.taken("the other one unlinked", SECOND, "unlink", of_second, gone.to_vec());
        self.taken("one we never heard of unlinked", THIRD, "unlink", of_third, gone.to_vec());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_comes_in_every_shape_with_one_forged_and_a_duplicate() {
        let kakao = Kakao::generate().unwrap();
        let steps = story(&kakao, runtime::clock::now()).unwrap();
        let shapes = |status: &dyn Fn(u16) -> bool| -> BTreeSet<String> {
            let taken = steps.iter().filter(|step| status(step.status));
            taken.map(|step| format!("{} {}", step.request.kind.name(), step.request.shape())).collect()
        };
        let all = [
            "account-status POST token",
            "skill GET",
            "skill POST JSON",
            "talk-channel POST JSON",
            "talk-share GET query",
            "talk-share POST JSON",
            "talk-share POST form",
            "unlink GET query",
            "unlink POST JSON",
            "unlink POST form",
        ];
        assert_eq!(shapes(&|status| status < 300), all.map(str::to_owned).into());
        let kinds: BTreeSet<_> = steps.iter().filter(|step| step.status >= 400).map(|step| step.request.kind).collect();
        assert_eq!(kinds.len(), 5);
        assert!(steps.iter().any(|step| matches!(step.effect, ExpectedEffect::Again { .. })));
    }
}

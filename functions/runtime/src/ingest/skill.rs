use std::time::Duration;

use http::{Method, StatusCode};
use kakao_webhooks::{
    auth::{Apps, KeyFault, SkillAuth, Unverified, Verified},
    envelope::{Event, Letter},
    skill,
    wire::{
        Fields, Kind, Route, Unreadable,
        skill::{REGISTRATION_ANSWER, SkillMessage, SkillPayload, VALIDATION_ANSWER, bot_of},
    },
};

use super::{Answer, Arrival, MAX_BODY_BYTES, Reading, Refusal, Webhook};

/// A chatbot's skill: it answers Kakao's registration check and every message, and takes the messages of
/// a proven sender as events.
pub struct SkillWebhook {
    /// The service's apps, for the bots that are tied to them.
    pub apps: Apps,
    /// How Kakao proves itself. Without it every sender is answered and none is trusted.
    pub auth: Option<SkillAuth>,
    /// What is answered.
    pub answer: Box<dyn skill::Responder>,
}

impl Webhook for SkillWebhook {
    const KIND: Kind = Kind::Skill;
    const ROUTES: &'static [Route] = &[Route::SKILL, Route::HEALTH];
    const ACCEPTED: StatusCode = StatusCode::OK;
    /// Kakao waits 5 seconds for a chatbot.
    const BUDGET: Duration = Duration::from_secs(4);
    /// A header of the owner's choice is no scheme.
    const CHALLENGE: Option<&'static str> = None;
    type Proof = ();

    fn answer_unauthenticated(&self, route: &'static Route, request: &Unverified) -> Result<Option<Answer>, Refusal> {
        if *route == Route::HEALTH {
            return Ok(Some(Answer::json_text(StatusCode::OK, r#"{"status":"ok"}"#.to_owned())));
        }
        if *request.method() != Method::POST {
            return Ok(Some(Answer::json_text(StatusCode::OK, REGISTRATION_ANSWER.to_owned())));
        }
        if self.auth.is_some() {
            return Ok(None);
        }
        if request.body_len() > MAX_BODY_BYTES {
            return Err(Refusal::TooLarge);
        }
        let payload = request.unproven_content().json();
        let message = read_message(&payload);
        Ok(Some(self.reply(payload, &message)))
    }

    async fn authenticate(&self, request: Unverified, _arrival: &Arrival) -> Result<Verified<()>, Refusal> {
        let auth = self.auth.as_ref().ok_or(KeyFault::Missing)?;
        Ok(request.prove_by_skill_auth(auth)?)
    }

    fn read(&self, request: Verified<()>, arrival: &Arrival) -> (Vec<Reading>, Answer) {
        let payload = request.content.json();
        let message = read_message(&payload);
        // Also of what can't be read: a replay can't look it up.
        let app = payload.as_ref().ok().and_then(bot_of).and_then(|bot| self.apps.by_bot(&bot));
        let answer = self.reply(payload, &message);
        if let Err(Unreadable::ParameterValidation) = message {
            // Kakao sends one for each message while it asks for a parameter; it reports no event.
            let (kind, reason) = (Self::KIND.name(), Unreadable::ParameterValidation.code());
            tracing::info!(event = "no_event", kind, reason, request_id = arrival.request_id);
            return (vec![], answer);
        }
        let reading = Reading {
            id: arrival.id_or_request_id(request.request_id.as_deref()),
            app_id: app.map(|app| app.app_id.clone()),
            letter: message.map(|message| Letter::Event(Event::Skill(message))),
        };
        (vec![reading], answer)
    }
}

type Payload = Result<Fields<'static>, Unreadable>;

fn read_message(payload: &Payload) -> Result<SkillMessage, Unreadable> {
    payload.as_ref().map_err(Clone::clone).and_then(SkillMessage::read)
}

impl SkillWebhook {
    /// A sender whose message cannot be read is answered all the same.
    fn reply(&self, payload: Payload, message: &Result<SkillMessage, Unreadable>) -> Answer {
        if let Err(Unreadable::ParameterValidation) = message {
            return Answer::json_text(StatusCode::OK, VALIDATION_ANSWER.to_owned());
        }
        let payload = payload.map(SkillPayload::read).unwrap_or_default();
        Answer::json_text(StatusCode::OK, skill::respond(self.answer.as_ref(), &payload).into_json())
    }
}

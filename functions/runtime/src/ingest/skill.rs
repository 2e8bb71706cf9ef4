use std::{future::Future, time::Duration};

use http::{Method, StatusCode};
use kakao_webhooks::{
    auth::{Apps, KeyFault, SkillAuth, Unverified, Verified},
    envelope::Letter,
    skill::{Responder, SkillResponse, Validation, ValidationStatus, respond},
    wire::{
        Fields, Kind, Route, Unreadable,
        skill::{REGISTRATION_ANSWER, RequestKind, SkillPayload, SkillRequest, bot_of, kind_of},
    },
};
use tokio::time::Instant;

use super::{Answer, Arrival, MAX_BODY_BYTES, Reading, Refusal, Webhook};
use crate::edges::RuleSource;

/// A chatbot's skill: it answers Kakao's registration check and every message, and takes the messages of
/// a proven sender as events.
pub struct SkillWebhook<R> {
    /// The service's apps, for the bots that are tied to them.
    pub apps: Apps,
    /// How Kakao proves itself. Without it every sender is answered and none is trusted.
    pub auth: Option<SkillAuth>,
    /// What is answered first of all.
    pub rules: R,
    /// What is answered where no rule fits.
    pub otherwise: Box<dyn Responder>,
}

impl<R: RuleSource> Webhook for SkillWebhook<R> {
    const KIND: Kind = Kind::Skill;
    const ROUTES: &'static [Route] = &[Route::SKILL, Route::HEALTH];
    const ACCEPTED: StatusCode = StatusCode::OK;
    /// Kakao waits 5 seconds for a chatbot.
    const BUDGET: Duration = Duration::from_secs(4);
    /// A header of the owner's choice is no scheme.
    const CHALLENGE: Option<&'static str> = None;
    type Proof = ();

    async fn answer_unauthenticated(
        &self,
        route: &'static Route,
        request: &Unverified,
        arrival: &Arrival,
    ) -> Result<Option<Answer>, Refusal> {
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
        Ok(Some(self.answer(payload, arrival).await))
    }

    async fn authenticate(&self, request: Unverified, _arrival: &Arrival) -> Result<Verified<()>, Refusal> {
        let auth = self.auth.as_ref().ok_or(KeyFault::Missing)?;
        Ok(request.prove_by_skill_auth(auth)?)
    }

    fn read(&self, request: Verified<()>, arrival: &Arrival) -> (Vec<Reading>, impl Future<Output = Answer> + Send) {
        let payload = request.content.json();
        let event = payload.as_ref().map_err(Clone::clone).and_then(SkillRequest::read);
        // Also of what can't be read: a replay can't look it up.
        let app = payload.as_ref().ok().and_then(bot_of).and_then(|bot| self.apps.by_bot(&bot));
        let answer = self.answer(payload, arrival);
        if let Err(Unreadable::ParameterValidation) = event {
            // Kakao sends one for each message while it asks for a parameter; it reports no event.
            let (kind, reason) = (Self::KIND.name(), Unreadable::ParameterValidation.code());
            tracing::info!(event = "no_event", kind, reason, request_id = arrival.request_id);
            return (vec![], answer);
        }
        let reading = Reading {
            id: arrival.id_or_request_id(request.request_id.as_deref()),
            app_id: app.map(|app| app.app_id.clone()),
            letter: event.map(|event| Letter::Event(event.into())),
        };
        (vec![reading], answer)
    }
}

type Payload = Result<Fields<'static>, Unreadable>;

/// Kept before the deadline, to hand in the answer.
const RESERVE: Duration = Duration::from_millis(100);

impl<R: RuleSource> SkillWebhook<R> {
    /// A sender whose message cannot be read is answered all the same. What is no message shows nothing to anyone.
    async fn answer(&self, payload: Payload, arrival: &Arrival) -> Answer {
        let payload = payload.unwrap_or_default();
        let until = arrival.deadline - RESERVE;
        let json = match kind_of(&payload) {
            RequestKind::Message => self.reply(&SkillPayload::read(payload), until).await.into_json(),
            RequestKind::Validation => self.validate(&Validation::read(&payload), until).await.json().to_owned(),
            RequestKind::RoomWebhook | RequestKind::NewPlatform => SkillResponse::nothing().into_json(),
        };
        Answer::json_text(StatusCode::OK, json)
    }

    async fn validate(&self, validation: &Validation, until: Instant) -> ValidationStatus {
        self.rules.rules(until).await.validate(validation).unwrap_or(ValidationStatus::Success)
    }

    async fn reply(&self, payload: &SkillPayload, until: Instant) -> SkillResponse {
        let by_rule = self.rules.rules(until).await.answer(payload);
        by_rule.unwrap_or_else(|| respond(self.otherwise.as_ref(), payload))
    }
}

use std::{future::Future, time::Duration};

use super::{Answer, Arrival, Asking, MAX_BODY_BYTES, Reading, Refusal, Webhook, asking::Question};
use crate::edges::{Function, Queue, RuleSource};
use futures_util::FutureExt;
use http::{Method, StatusCode};
use kakao_webhooks::{
    auth::{Apps, KeyFault, SkillAuth, Unverified, Verified},
    envelope::Letter,
    skill::{CallbackUrl, Place, Responder, SkillResponse, Validation, ValidationStatus, respond},
    wire::{
        Fields, Kind, Route, Unreadable,
        skill::{REGISTRATION_ANSWER, RequestKind, SkillPayload, SkillRequest, bot_of, kind_of},
    },
};

/// A chatbot's skill: it answers Kakao's registration check and every message, and takes the messages of
/// a proven sender as events.
pub struct SkillWebhook<R, Q, F> {
    /// The service's apps, for the bots that are tied to them.
    pub apps: Apps,
    /// How Kakao proves itself. Without it every sender is answered and none is trusted.
    pub auth: Option<SkillAuth>,
    /// What is answered first of all.
    pub rules: R,
    /// How the service is asked what to answer a proven sender where no rule fits.
    pub asking: Option<Asking<Q, F>>,
    /// What is answered where no one is asked.
    pub otherwise: Box<dyn Responder>,
}

impl<R: RuleSource, Q: Queue, F: Function> Webhook for SkillWebhook<R, Q, F> {
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
        Ok(Some(self.answer(payload, Sender::Unproven, arrival).await))
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
        let callback = payload.as_ref().ok().and_then(|payload| self.callback(&request, payload, arrival));
        let answer = self.answer(payload, Sender::Proven(callback), arrival);
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

/// Who asks, and where a later answer may go.
enum Sender {
    Unproven,
    Proven(Option<CallbackUrl>),
}

/// Kept before the deadline, to hand in the answer.
const RESERVE: Duration = Duration::from_millis(100);

impl<R: RuleSource, Q: Queue, F: Function> SkillWebhook<R, Q, F> {
    /// Where the answer to a message may go later. A URL that may not be called leaves a trace: its user waits.
    fn callback(&self, proven: &Verified<()>, payload: &Fields<'_>, arrival: &Arrival) -> Option<CallbackUrl> {
        let origin = &self.asking.as_ref()?.origin;
        CallbackUrl::of(proven, payload, origin).unwrap_or_else(|refused| {
            let (kind, reason) = (Self::KIND.name(), refused.name());
            tracing::warn!(event = "callback_url_refused", kind, reason, request_id = arrival.request_id);
            None
        })
    }

    /// A sender whose message cannot be read is answered all the same. What is no message shows nothing to anyone.
    async fn answer(&self, payload: Payload, sender: Sender, arrival: &Arrival) -> Answer {
        let payload = payload.unwrap_or_default();
        let json = match kind_of(&payload) {
            RequestKind::Message => self.reply(payload, sender, arrival).await,
            RequestKind::Validation => self.validate(payload, sender, arrival).await.json().to_owned(),
            RequestKind::RoomWebhook | RequestKind::NewPlatform => SkillResponse::nothing().into_json(),
        };
        Answer::json_text(StatusCode::OK, json)
    }

    async fn validate(&self, payload: Fields<'static>, sender: Sender, arrival: &Arrival) -> ValidationStatus {
        let until = arrival.deadline - RESERVE;
        let by_rule = self.rules.rules(until).await.validate(&Validation::read(&payload));
        match (by_rule, &self.asking, sender) {
            (Some(status), ..) => Some(status),
            (None, Some(asking), Sender::Proven(_)) => {
                asking.validate(payload.into_members(), arrival, until).boxed().await
            }
            _ => None,
        }
        .unwrap_or(ValidationStatus::Success)
    }

    /// Only a message to a bot, of a proven sender, reaches the service. Where it answers, no words are echoed.
    async fn reply(&self, body: Fields<'static>, sender: Sender, arrival: &Arrival) -> String {
        let until = arrival.deadline - RESERVE;
        let for_service = self.asking.as_ref().map(|asking| (asking, bot_of(&body), body.clone()));
        let payload = SkillPayload::read(body);
        if let Some(response) = self.rules.rules(until).await.answer(&payload) {
            return response.into_json();
        }
        let (Some((asking, bot_id, body)), Sender::Proven(callback)) = (for_service, sender) else {
            return respond(self.otherwise.as_ref(), &payload).into_json();
        };
        let Some(bot_id) = bot_id else { return asking.fallback("unreadable", arrival).into_json() };
        let question = Question { bot_id, place: Place::of(&payload), callback, payload: body.into_members() };
        // Boxed: every answer would carry the SDK's large futures along.
        asking.answer(question, arrival, until).boxed().await
    }
}

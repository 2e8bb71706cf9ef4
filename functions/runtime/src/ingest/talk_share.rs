use std::future::{Future, ready};

use http::StatusCode;
use kakao_webhooks::{
    auth::{Apps, Unverified, Verified},
    envelope::{Event, Letter},
    wire::{AppId, Kind, Route, talk_share::TalkShare},
};

use super::{Answer, Arrival, Reading, Refusal, Webhook};

/// KakaoTalk Share's webhook.
#[derive(Debug)]
pub struct TalkShareWebhook {
    /// The service's apps.
    pub apps: Apps,
    /// The custom key in which the service names the user.
    pub user_key: String,
}

impl Webhook for TalkShareWebhook {
    const KIND: Kind = Kind::TalkShare;
    const ROUTES: &'static [Route] = &[Route::TALK_SHARE];
    const ACCEPTED: StatusCode = StatusCode::OK;
    type Proof = AppId;

    async fn authenticate(&self, request: Unverified, _arrival: &Arrival) -> Result<Verified<AppId>, Refusal> {
        Ok(request.prove_by_admin_key(&self.apps)?)
    }

    fn read(&self, request: Verified<AppId>, arrival: &Arrival) -> (Vec<Reading>, impl Future<Output = Answer> + Send) {
        let share = TalkShare::read(&request.content, &self.user_key);
        let reading = Reading {
            id: arrival.id_or_request_id(request.resource_id.as_deref()),
            app_id: Some(request.proof),
            letter: share.map(|share| Letter::Event(Event::TalkShare(share))),
        };
        (vec![reading], ready(Answer::empty(Self::ACCEPTED)))
    }
}

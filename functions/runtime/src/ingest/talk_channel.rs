use std::future::{Future, ready};

use http::StatusCode;
use kakao_webhooks::{
    auth::{Apps, Unverified, Verified},
    envelope::{Event, Letter},
    wire::{AppId, Kind, Route, talk_channel::TalkChannel},
};

use super::{Answer, Arrival, Reading, Refusal, Webhook};

/// KakaoTalk Channel's webhook.
#[derive(Debug)]
pub struct TalkChannelWebhook {
    /// The service's apps.
    pub apps: Apps,
}

impl Webhook for TalkChannelWebhook {
    const KIND: Kind = Kind::TalkChannel;
    const ROUTES: &'static [Route] = &[Route::TALK_CHANNEL];
    const ACCEPTED: StatusCode = StatusCode::OK;
    type Proof = AppId;

    async fn authenticate(&self, request: Unverified, _arrival: &Arrival) -> Result<Verified<AppId>, Refusal> {
        Ok(request.prove_by_admin_key(&self.apps)?)
    }

    fn read(&self, request: Verified<AppId>, arrival: &Arrival) -> (Vec<Reading>, impl Future<Output = Answer> + Send) {
        let channel = TalkChannel::read(&request.content);
        let reading = Reading {
            id: arrival.id_or_request_id(request.resource_id.as_deref()),
            app_id: Some(request.proof),
            letter: channel.map(|channel| Letter::Event(Event::TalkChannel(channel))),
        };
        (vec![reading], ready(Answer::empty(Self::ACCEPTED)))
    }
}

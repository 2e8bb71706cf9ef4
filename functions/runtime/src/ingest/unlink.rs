use std::future::{Future, ready};

use http::StatusCode;
use kakao_webhooks::{
    auth::{Apps, Unverified, Verified},
    envelope::{Event, Letter},
    wire::{AppId, Kind, Route, unlink::Unlink},
};

use super::{Answer, Arrival, Reading, Refusal, Webhook};

/// Kakao Login's unlink webhook.
#[derive(Debug)]
pub struct UnlinkWebhook {
    /// The service's apps.
    pub apps: Apps,
}

impl Webhook for UnlinkWebhook {
    const KIND: Kind = Kind::Unlink;
    const ROUTES: &'static [Route] = &[Route::UNLINK];
    const ACCEPTED: StatusCode = StatusCode::OK;
    type Proof = AppId;

    async fn authenticate(&self, request: Unverified, _arrival: &Arrival) -> Result<Verified<AppId>, Refusal> {
        Ok(request.prove_by_admin_key(&self.apps)?)
    }

    fn read(&self, request: Verified<AppId>, arrival: &Arrival) -> (Vec<Reading>, impl Future<Output = Answer> + Send) {
        let unlink = Unlink::read(&request.content, &request.proof);
        let reading = Reading {
            // It is sent once and has no id of its own.
            id: arrival.id_or_request_id(None),
            app_id: Some(request.proof),
            letter: unlink.map(|unlink| Letter::Event(Event::Unlink(unlink))),
        };
        (vec![reading], ready(Answer::empty(Self::ACCEPTED)))
    }
}

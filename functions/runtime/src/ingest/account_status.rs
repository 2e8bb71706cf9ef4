use std::future::{Future, ready};

use http::StatusCode;
use kakao_webhooks::{
    auth::{Apps, Claims, TokenRefusal, Typing, Unverified, UnverifiedToken, Verified, VerifiedToken},
    envelope::{Event, Letter, TokenEvent, events_of_token},
    wire::{AppId, Kind, Route, Unreadable},
};

use super::{Answer, Arrival, MAX_BODY_BYTES, Reading, Refusal, Webhook};
use crate::keys::{KeySetStore, KeySource, Keys, KeysFault};

/// Kakao Login's account status change webhook.
#[derive(Debug)]
pub struct AccountStatusWebhook<S, K> {
    /// The service's apps.
    pub apps: Apps,
    /// Kakao's keys.
    pub keys: Keys<S, K>,
    /// Whether a token must say what it is.
    pub typing: Typing,
}

impl<S: KeySource, K: KeySetStore> Webhook for AccountStatusWebhook<S, K> {
    const KIND: Kind = Kind::AccountStatus;
    const ROUTES: &'static [Route] = &[Route::ACCOUNT_STATUS];
    const ACCEPTED: StatusCode = StatusCode::ACCEPTED;
    type Proof = VerifiedToken;

    async fn authenticate(&self, request: Unverified, arrival: &Arrival) -> Result<Verified<VerifiedToken>, Refusal> {
        // The proof is in the body: its length is all that may be looked at before.
        if request.body_len() > MAX_BODY_BYTES {
            return Err(Refusal::TooLarge);
        }
        let token = UnverifiedToken::parse(&request, self.typing)?;
        let key = self.keys.find(token.key_id(), arrival.handed_over).await.map_err(|fault| match fault {
            KeysFault::Unknown => Refusal::Token(TokenRefusal::UnknownKey),
            KeysFault::TooSoon { retry_after } => Refusal::UnknownKeyCooldown { retry_after },
            KeysFault::Unavailable { retry_after } => Refusal::Unavailable { retry_after },
        })?;
        let token = token.verify(&key)?.accept(&self.apps)?;
        Ok(request.proven_by_token(token))
    }

    fn read(
        &self,
        request: Verified<VerifiedToken>,
        arrival: &Arrival,
    ) -> (Vec<Reading>, impl Future<Output = Answer> + Send) {
        let readings = match request.proof {
            VerifiedToken { app_id: Some(app_id), claims: Ok(claims), .. } => readings(&claims, &app_id, arrival),
            VerifiedToken { app_id, claims, .. } => {
                let why = claims.err().unwrap_or(Unreadable::Missing("aud"));
                vec![Reading { id: arrival.id_or_request_id(None), app_id, letter: Err(why) }]
            }
        };
        (readings, ready(Answer::empty(Self::ACCEPTED)))
    }
}

/// Each event of the token, except those about the stream, which are only logged.
fn readings(claims: &Claims, app_id: &AppId, arrival: &Arrival) -> Vec<Reading> {
    let events = events_of_token(claims, app_id, arrival.now, &arrival.id_or_request_id(None));
    let reading = |TokenEvent { id, event }| match event {
        Err(why @ Unreadable::StreamEvent) => {
            let (kind, reason, request_id) = (Kind::AccountStatus.name(), why.code(), &arrival.request_id);
            tracing::info!(event = "no_event", kind, event_id = %id, reason, request_id);
            None
        }
        event => {
            let letter = event.map(|event| Letter::Event(Event::AccountStatus(event)));
            Some(Reading { id, app_id: Some(app_id.clone()), letter })
        }
    };
    events.into_iter().filter_map(reading).collect()
}

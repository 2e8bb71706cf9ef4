use http::StatusCode;
use kakao_webhooks::{
    auth::{Apps, TokenRefusal, Typing, Unverified, UnverifiedToken, Verified, VerifiedToken},
    envelope::{Event, Letter, TokenEvent, events_of_token},
    wire::Kind,
};

use super::{Answer, Arrival, MAX_BODY_BYTES, Reading, Refusal, Route, Webhook};
use crate::keys::{KeyShelf, KeySource, Keys, KeysFault};

/// Kakao Login's account status change webhook.
#[derive(Debug)]
pub struct AccountStatus<S, K> {
    /// The service's apps.
    pub apps: Apps,
    /// Kakao's keys.
    pub keys: Keys<S, K>,
    /// Whether a token must say what it is.
    pub typing: Typing,
}

impl<S: KeySource, K: KeyShelf> Webhook for AccountStatus<S, K> {
    const KIND: Kind = Kind::AccountStatus;
    const ROUTES: &'static [Route] = &[Route { path: "/webhooks/account-status", methods: &["POST"] }];
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
            KeysFault::Unavailable { retry_after } => Refusal::Unavailable { retry_after },
        })?;
        let token = token.verify(&key)?.accept(&self.apps, arrival.now)?;
        Ok(request.proven_by_token(token))
    }

    fn read(&self, request: Verified<VerifiedToken>, _arrival: &Arrival) -> (Vec<Reading>, Answer) {
        let VerifiedToken { app_id, claims } = request.proof;
        let reading = |TokenEvent { id, event }| Reading {
            id,
            app_id: Some(app_id.clone()),
            letter: event.map(|event| Letter::Event(Event::AccountStatus(event))),
        };
        let readings = events_of_token(&claims, &app_id).into_iter().map(reading).collect();
        (readings, Answer::empty(Self::ACCEPTED))
    }
}

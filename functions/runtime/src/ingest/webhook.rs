use std::{
    future::{Future, ready},
    time::Duration,
};

use http::StatusCode;
use kakao_webhooks::{
    auth::{Unverified, Verified},
    envelope::Letter,
    wire::{AppId, EventId, Kind, Route, Unreadable},
};

use super::{Answer, Arrival, Refusal};

/// One kind of request that Kakao sends: its routes, how its sender is authenticated, how it is read, how
/// it is answered.
pub trait Webhook: Send + Sync {
    /// The kind.
    const KIND: Kind;
    /// Its routes.
    const ROUTES: &'static [Route];
    /// What an event that is safe is answered with.
    const ACCEPTED: StatusCode;
    /// How long after the gateway's receipt the answer must leave: inside of Kakao's 3 seconds.
    const BUDGET: Duration = Duration::from_millis(2_500);
    /// The authentication scheme in the answer to a sender without proof (`WWW-Authenticate`).
    const CHALLENGE: Option<&'static str> = Some("KakaoAK");
    /// What proves the sender.
    type Proof: Send;

    /// An answer that needs no proof and is no event, if this request asks for one.
    ///
    /// # Errors
    /// [`Refusal`].
    fn answer_unauthenticated(
        &self,
        _route: &'static Route,
        _request: &Unverified,
        _arrival: &Arrival,
    ) -> impl Future<Output = Result<Option<Answer>, Refusal>> + Send {
        ready(Ok(None))
    }

    /// Proves who sent the request.
    fn authenticate(
        &self,
        request: Unverified,
        arrival: &Arrival,
    ) -> impl Future<Output = Result<Verified<Self::Proof>, Refusal>> + Send;

    /// What the request says: events, or what could not be read. Nothing only of a request that reports nothing of an
    /// app or its users. And the answer to it once that is safe: it is worked out while the events are stored, and is
    /// there before the arrival's deadline.
    fn read(
        &self,
        request: Verified<Self::Proof>,
        arrival: &Arrival,
    ) -> (Vec<Reading>, impl Future<Output = Answer> + Send);
}

/// What was read of a request.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The event's id.
    pub id: EventId,
    /// The app that it is for.
    pub app_id: Option<AppId>,
    /// The event, or why there is none: then the request goes into the quarantine.
    pub letter: Result<Letter, Unreadable>,
}

/// The route that a path is; a trailing slash doesn't matter.
pub(super) fn route_of<W: Webhook>(path: &str) -> Option<&'static Route> {
    let path = path.strip_suffix('/').unwrap_or(path);
    W::ROUTES.iter().find(|route| path.ends_with(route.path))
}

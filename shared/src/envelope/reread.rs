//! A delivery that couldn't be read is read again by the processor: after a fix, the
//! replay of the quarantine turns its items into events.

use http::Method;

use super::{Envelope, Event, Letter, Quarantine, events_of_token, token::event_with_id};
use crate::{
    auth::Claims,
    wire::{
        AppId, Content, Kind, Personal, Unreadable, skill::SkillRequest, talk_channel::TalkChannel,
        talk_share::TalkShare, unlink::Unlink,
    },
};

impl Envelope {
    /// Tries to read again what was quarantined; an envelope with an event stays as it is. `share_user_key`
    /// is the custom key in which the service names the user.
    #[must_use]
    pub fn reread(mut self, share_user_key: &str) -> Self {
        if let Letter::Quarantined { kind, quarantine } = &self.letter
            && let Ok(event) = self.read(*kind, quarantine, share_user_key)
        {
            self.letter = Letter::Event(event);
        }
        self
    }

    fn read(&self, kind: Kind, quarantine: &Quarantine, share_user_key: &str) -> Result<Event, Unreadable> {
        // A query reads as a form does, and the body's form is seen by its first character.
        let content = Content {
            method: Method::POST,
            query: Personal::default(),
            media_type: String::new(),
            body: Personal::new(quarantine.payload.bytes().ok_or(Unreadable::Encoding)?),
        };
        let app_id = || self.app_id.as_ref().ok_or(Unreadable::Missing("app_id"));
        Ok(match kind {
            Kind::Unlink => Event::Unlink(Unlink::read(&content, app_id()?)?),
            Kind::TalkShare => Event::TalkShare(TalkShare::read(&content, share_user_key)?),
            Kind::TalkChannel => Event::TalkChannel(TalkChannel::read(&content)?),
            Kind::Skill | Kind::BotRoom => SkillRequest::read(&content.json()?)?.into(),
            Kind::AccountStatus => self.read_token(&content, app_id()?)?,
            Kind::Service | Kind::Reconciler => return Err(Unreadable::Shape("kind")),
        })
    }

    fn read_token(&self, content: &Content, app_id: &AppId) -> Result<Event, Unreadable> {
        let claims = Claims::of_kept_token(content)?;
        let events = events_of_token(&claims, app_id, self.newest_delivery(), &self.id);
        let event = event_with_id(events, &self.id).ok_or(Unreadable::Missing("events"))?;
        event.event.map(Event::AccountStatus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{EventId, Payload, Time};

    fn quarantined(kind: Kind, payload: &[u8]) -> Envelope {
        Envelope {
            id: EventId::from_text("id"),
            app_id: Some("1".parse().unwrap()),
            received_at: Time::from_seconds(1).unwrap(),
            request_id: None,
            replayed_at: None,
            letter: Letter::Quarantined {
                kind,
                quarantine: Quarantine::new(&Unreadable::Missing("user_id"), Payload::of(payload)),
            },
        }
    }

    #[test]
    fn what_can_be_read_now_becomes_its_event() {
        for (kind, payload) in [
            (Kind::Unlink, &b"app_id=1&user_id=7"[..]),
            (Kind::Unlink, br#"{"app_id":1,"user_id":7}"#),
            (Kind::TalkShare, b"CHAT_TYPE=MemoChat&HASH_CHAT_ID=x"),
            (Kind::TalkChannel, br#"{"event":"added","id":"7","id_type":"app_user_id","channel_public_id":"_a","updated_at":"2026-01-01T00:00:00Z"}"#),
            (Kind::Skill, br#"{"bot":{"id":"b"},"userRequest":{"user":{"id":"u"}}}"#),
            (Kind::BotRoom, br#"{"botId":"b","type":"leave","group":{"botGroupKey":"r"}}"#),
        ] {
            let envelope = quarantined(kind, payload).reread("user_id");
            assert!(matches!(&envelope.letter, Letter::Event(event) if event.kind() == kind), "{kind:?}");
        }
    }

    #[test]
    fn a_rooms_webhook_that_an_older_version_did_not_read_becomes_its_event() {
        let envelope = quarantined(Kind::Skill, br#"{"botId":"b","type":"leave","group":{"botGroupKey":"r"}}"#);
        assert!(matches!(envelope.reread("user_id").letter, Letter::Event(Event::BotRoom(_))));
    }

    /// A kept token is its claims only; the parts around them are not read again.
    fn kept_token(scope: &serde_json::Value) -> Vec<u8> {
        let uri = crate::wire::account_status::EventType::UserScopeWithdraw.uri().to_owned();
        let claims = serde_json::json!({
            "jti": "t", "sub": "7", "iat": 1, "events": {uri: {"scope": scope}},
        });
        let claims = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims.to_string());
        format!("e30.{claims}.c2ln").into_bytes()
    }

    #[test]
    fn a_part_that_could_not_be_read_is_the_event_once_all_of_it_can_be() {
        let id = EventId::from_text("t:user-scope-withdraw:unread");
        let of = |scope| Envelope { id: id.clone(), ..quarantined(Kind::AccountStatus, &kept_token(&scope)) };
        let partly = of(serde_json::json!(["a", 7]));
        assert_eq!(partly.clone().reread("user_id"), partly);
        let whole = of(serde_json::json!(["a", "b"])).reread("user_id");
        assert!(matches!(&whole.letter, Letter::Event(Event::AccountStatus(_))), "{whole:?}");
    }

    #[test]
    fn what_still_cannot_be_read_stays_quarantined() {
        for (kind, payload) in
            [(Kind::Unlink, &b"app_id=2&user_id=7"[..]), (Kind::AccountStatus, b"a.b.c"), (Kind::Skill, b"\xff")]
        {
            let envelope = quarantined(kind, payload);
            assert_eq!(envelope.clone().reread("user_id"), envelope);
        }
    }
}

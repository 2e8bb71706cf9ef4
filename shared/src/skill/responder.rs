use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{check::Place, reply::Reply, response::SkillResponse};
use crate::wire::skill::SkillPayload;

/// What a bot answers: the seam for your own. Called once per message, on the way of the answer: no
/// network, no waiting.
pub trait Responder: Send + Sync {
    /// The reply to a message.
    fn reply(&self, payload: &SkillPayload) -> Reply;
}

/// The answer when there is no other.
const NOTHING_SAID: &str = "무엇을 도와드릴까요?";

/// The user's own words again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Echo;

impl Responder for Echo {
    fn reply(&self, payload: &SkillPayload) -> Reply {
        Reply::text(payload.user_request.words().unwrap_or(NOTHING_SAID))
    }
}

/// Always the same words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed(pub String);

impl Responder for Fixed {
    fn reply(&self, _payload: &SkillPayload) -> Reply {
        Reply::text(&self.0)
    }
}

/// The answer's reply, or plain words if it panics or makes a reply that Kakao doesn't take. Group chat rooms take no
/// quick replies: there they are left out.
pub fn respond(responder: &dyn Responder, payload: &SkillPayload) -> SkillResponse {
    let place = Place::of(payload);
    let reply = match catch_unwind(AssertUnwindSafe(|| responder.reply(payload))) {
        Ok(reply) => Ok(reply.fitted(place)),
        Err(_) => Err("a panic".to_owned()),
    };
    let response = reply.and_then(|reply| reply.build_for(place).map_err(|error| error.to_string()));
    response.unwrap_or_else(|why| {
        tracing::error!(event = "reply_invalid", kind = crate::wire::Kind::Skill.name(), why);
        SkillResponse::plain(NOTHING_SAID)
    })
}

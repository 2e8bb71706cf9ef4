//! The short form of a reply, in a file of rules, in `SkillAnswers` and in what an answerer returns.

use super::{cards::SimpleText, parts::QuickReply, reply::Reply};

/// Words, with quick replies that each say what is written on them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ShortReply {
    pub(super) text: String,
    pub(super) quick_replies: Vec<String>,
}

impl ShortReply {
    pub(super) const MEMBERS: [&str; 2] = ["text", "quick_replies"];

    /// The reply with the text in one bubble. It is not cut: whether Kakao takes it is checked when it is built.
    pub(super) fn reply(&self) -> Reply {
        self.reply_of(vec![self.text.clone()])
    }

    /// The same with the text in these bubbles.
    pub(super) fn reply_of(&self, bubbles: Vec<String>) -> Reply {
        let reply = bubbles.into_iter().map(|text| SimpleText { text }).fold(Reply::default(), Reply::and);
        self.quick_replies.iter().map(|label| QuickReply::message(label, label)).fold(reply, Reply::quick_reply)
    }

    /// The member that a field of the reply is made of: `quick_replies[1]` of `quickReplies[1].label`.
    pub(super) fn member_of(field: &str) -> String {
        let [text, quick_replies] = Self::MEMBERS;
        match field.strip_prefix("quickReplies") {
            Some(rest) => format!("{quick_replies}{}", rest.split('.').next().unwrap_or_default()),
            None => text.to_owned(),
        }
    }
}

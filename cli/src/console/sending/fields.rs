//! The forms: what each webhook's request is made of, under the names that `khook send` has for it.

use kakao_webhooks::wire::{
    account_status::EventType, talk_channel::ChannelEvent, talk_share::ChatType, unlink::UnlinkReason,
};

use super::flaw::Flaw;
use crate::{console::words::Words, kakao::Forgery};

/// The form of a webhook.
#[derive(Debug)]
pub(in crate::console) struct Form {
    /// The webhook's kind: the subcommand of `khook send`.
    pub(in crate::console) kind: &'static str,
    /// Its fields, in the order in which the page has them.
    pub(in crate::console) fields: &'static [Field],
    /// What can be wrong with it besides a token's own faults.
    pub(in crate::console) flaws: &'static [Flaw],
}

/// A field: an option of `khook send`.
#[derive(Debug)]
pub(in crate::console) struct Field {
    /// The option's name, without the dashes.
    pub(in crate::console) name: &'static str,
    /// Kakao's name of it, or what it is.
    pub(in crate::console) label: Label,
    /// How it is entered.
    pub(in crate::console) input: Input,
    /// What the page has in it at first.
    pub(in crate::console) value: &'static str,
}

/// What a field is called.
#[derive(Debug)]
pub(in crate::console) enum Label {
    /// As on the wire.
    Wire(&'static str),
    /// In words.
    Words(fn(&Words) -> &'static str),
}

/// How a field is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::console) enum Input {
    /// One line.
    Text,
    /// One of these.
    Choice(&'static [&'static str]),
    /// One line, for which these are proposed.
    Proposed(&'static [&'static str]),
    /// A type of event.
    Event,
    /// `name=value`, one a line: an option that may be repeated.
    Lines,
    /// Yes or no.
    Switch,
}

impl Field {
    const fn new(name: &'static str, label: &'static str, input: Input, value: &'static str) -> Self {
        Self { name, label: Label::Wire(label), input, value }
    }

    const fn in_words(name: &'static str, label: fn(&Words) -> &'static str, input: Input) -> Self {
        Self { name, label: Label::Words(label), input, value: "" }
    }

    /// What the page calls it.
    pub(in crate::console) fn label(&self, words: &Words) -> &'static str {
        match self.label {
            Label::Wire(name) => name,
            Label::Words(text) => text(words),
        }
    }

    /// Whether its name is one of the wire.
    pub(in crate::console) const fn is_of_wire(&self) -> bool {
        matches!(self.label, Label::Wire(_))
    }

    /// What can be chosen or is proposed.
    pub(in crate::console) fn options(&self) -> Vec<&'static str> {
        match self.input {
            Input::Choice(options) | Input::Proposed(options) => options.to_vec(),
            Input::Event => EventType::KNOWN
                .iter()
                .filter_map(EventType::known_name)
                .chain(["verification", "stream-updated"])
                .collect(),
            Input::Text | Input::Lines | Input::Switch => vec![],
        }
    }
}

const MEMBER: &str = "1234567890";
const USER: Field = Field::new("user", "user_id", Input::Text, MEMBER);
const SHAPES: Input = Input::Choice(&["query", "form", "json"]);
const RESOURCE_ID: Field = Field::new("resource-id", "X-Kakao-Resource-ID", Input::Text, "");
const AT: Field = Field::in_words("at", |words| words.occurred_at, Input::Text);
const BY_KEY: &[Flaw] = &[Flaw::WrongKey, Flaw::NoKey, Flaw::OtherScheme, Flaw::CutOff];

/// Each, in the order of the page.
pub(in crate::console) static FORMS: [Form; 5] = [
    Form {
        kind: "account-status",
        fields: &[
            Field::new("event", "events", Input::Event, "user-linked"),
            Field::new("user", "sub", Input::Text, MEMBER),
            Field::in_words("member", |words| words.event_members, Input::Lines),
            AT,
            Field::new("jti", "jti", Input::Text, ""),
            Field::new("audience", "aud", Input::Text, ""),
            Field::in_words("claim", |words| words.other_claims, Input::Lines),
        ],
        flaws: &[Flaw::Stale, Flaw::CutOff],
    },
    Form {
        kind: "unlink",
        fields: &[
            Field::in_words("as", |words| words.shape, SHAPES),
            USER,
            Field::new("referrer-type", "referrer_type", Input::Proposed(UnlinkReason::KNOWN), "UNLINK_FROM_APPS"),
            Field::new("app-id", "app_id", Input::Text, ""),
            Field::new("group-user-token", "group_user_token", Input::Text, ""),
        ],
        flaws: BY_KEY,
    },
    Form {
        kind: "talk-share",
        fields: &[
            Field::in_words("as", |words| words.shape, Input::Choice(&["json", "form", "query"])),
            Field::new("chat-type", "CHAT_TYPE", Input::Proposed(ChatType::KNOWN), "DirectChat"),
            Field::new("chat-id", "HASH_CHAT_ID", Input::Text, "a1b2c3d4"),
            Field::new("template-id", "TEMPLATE_ID", Input::Text, ""),
            Field { value: "user_id=1234567890", ..Field::in_words("custom", |words| words.custom_keys, Input::Lines) },
            RESOURCE_ID,
        ],
        flaws: BY_KEY,
    },
    Form {
        kind: "talk-channel",
        fields: &[
            Field::new("event", "event", Input::Proposed(ChannelEvent::KNOWN), "added"),
            Field::new("user", "id (app_user_id)", Input::Text, MEMBER),
            Field::new("open-id", "id (open_id)", Input::Text, ""),
            Field::new("channel", "channel_public_id", Input::Text, "_ISxgbxb"),
            Field::new("channel-uuid", "channel_uuid", Input::Text, "@khook"),
            AT,
            RESOURCE_ID,
            Field::in_words("deprecated", |words| words.deprecated_names, Input::Switch),
        ],
        flaws: &[Flaw::WrongKey, Flaw::NoKey, Flaw::OtherScheme, Flaw::CutOff, Flaw::Stale],
    },
    Form {
        kind: "skill",
        fields: &[
            Field::new("utterance", "utterance", Input::Text, "안녕하세요"),
            Field::new("user-key", "user.id", Input::Text, "bot-user-1"),
            Field::new("app-user", "appUserId", Input::Text, ""),
            Field::new("plusfriend-user-key", "plusfriendUserKey", Input::Text, ""),
            Field::new("friend", "isFriend", Input::Choice(&["", "true", "false"]), ""),
            Field::new("bot", "bot.id", Input::Text, ""),
            Field::new("room", "botGroupKey", Input::Text, ""),
            Field::new("request-id", "X-Request-Id", Input::Text, ""),
            Field::in_words("test", |words| words.bot_test, Input::Switch),
            Field::in_words("validation", |words| words.parameter_validation, Input::Switch),
            Field::in_words("check", |words| words.registration_check, Input::Switch),
        ],
        flaws: &[Flaw::WrongKey, Flaw::NoKey, Flaw::CutOff],
    },
];

impl Form {
    /// The form of this kind of webhook.
    pub(in crate::console) fn of(kind: &str) -> Option<&'static Self> {
        FORMS.iter().find(|form| form.kind == kind)
    }

    /// The names of what can be wrong with it.
    pub(in crate::console) fn forgeries(&self) -> Vec<&'static str> {
        let of_token = Forgery::ALL.iter().filter(|_| self.kind == "account-status").map(|forgery| forgery.name());
        self.flaws.iter().map(|flaw| flaw.name()).chain(of_token).collect()
    }
}

/// What an event's own members may be, for the form: `name=value`, one a line.
pub(in crate::console) fn example_members(event: &str) -> &'static str {
    match EventType::of_name(event) {
        Some(EventType::UserUnlinked) => "reason=UNLINK_FROM_APPS",
        Some(EventType::UserScopeConsent | EventType::UserScopeWithdraw) => "scope=account_email profile_nickname",
        Some(EventType::AccountDisabled) => "reason=hijacking",
        Some(EventType::AccountCredentialChangeRequired | EventType::CredentialCompromise) => {
            "credential_type=password"
        }
        Some(EventType::CredentialChange) => "credential_type=password\nchange_type=update",
        Some(EventType::AssuranceLevelChange) => {
            "current_level=nist-aal2\nprevious_level=nist-aal1\nchange_direction=increase"
        }
        Some(EventType::UserProfileChanged) => "nickname=라이언\nemail=ryan@example.com",
        _ => "",
    }
}

//! What each event does: the one table, which `docs/events.md` shows. The engine below it knows no event by
//! name.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    registers::{Newest, Register},
    user::{Account, Assurance, Bot, Channel, Credential, Link, ProfileValue, Scope, UserState},
};
use crate::{
    envelope::{ReconcilerWord, ServiceWord},
    wire::{
        EventId, ScopeId, Time,
        account_status::{Detail, EventType, SecurityEvent},
    },
};

/// One thing that an event does to a user's state, at the event's time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The link is now this.
    Link(Link),
    /// The Kakao account is now this.
    Account(Account),
    /// The credential is now this.
    Credential(Credential),
    /// The strength of authentication is now this.
    Assurance(Assurance),
    /// Sessions up to now are void.
    VoidSessions,
    /// Tokens up to now are void.
    VoidTokens,
    /// Profile and scopes up to now are erased.
    Erase,
    /// Everything up to now is erased but the status and time of link and account, so that access never changes by it.
    Wipe,
    /// Consent to an item is given or withdrawn.
    Scope(ScopeId, bool),
    /// A profile field has a new value.
    Profile(String, ProfileValue),
    /// A profile field has a new value, without the value: what history keeps of [`Effect::Profile`].
    ProfileField(String),
    /// The profile changed, and Kakao did not send the new values.
    ProfileStale,
    /// The relation to a channel is now this.
    Channel(String, Channel),
    /// A chatbot knows the user.
    Bot(String, Bot),
}

/// Unlink webhook, `user-unlinked`, `service-unlinked`, `reconciled-unlinked`: the user has left (Kakao: deactivate or delete).
pub(super) fn unlinked(reason: Option<String>) -> Vec<Effect> {
    vec![Effect::Link(Link::Unlinked { reason }), Effect::VoidSessions, Effect::VoidTokens, Effect::Erase]
}

/// What an event of a token does (Kakao developers, "Account status change webhook", what a service must
/// do for each type; OpenID RISC and CAEP for the meaning of theirs).
#[must_use]
pub fn effects_of_security_event(event: &SecurityEvent) -> Vec<Effect> {
    use EventType as E;
    match (event.event_type(), event.detail()) {
        (E::UserUnlinked, Detail::Unlinked(reason)) => {
            unlinked(reason.as_ref().map(|reason| reason.as_str().to_owned()))
        }
        (E::UserLinked, _) => vec![Effect::Link(Link::Linked)],
        (E::AccountPurged, _) => [vec![Effect::Account(Account::Purged)], unlinked(None)].concat(),
        (E::AccountDisabled, Detail::Disabled(reason)) => vec![
            Effect::Account(Account::Disabled { reason: reason.as_ref().map(|reason| reason.as_str().to_owned()) }),
            Effect::VoidSessions,
        ],
        (E::AccountEnabled, _) => vec![Effect::Account(Account::Active)],
        (E::SessionsRevoked, _) => vec![Effect::VoidSessions],
        (E::TokensRevoked, _) => vec![Effect::VoidTokens],
        (E::CredentialCompromise, detail) => credential(|detail| Credential::Compromised { detail }, detail),
        (E::AccountCredentialChangeRequired, detail) => {
            credential(|detail| Credential::ChangeRequired { detail }, detail)
        }
        (E::CredentialChange, detail) => credential(|detail| Credential::Ok { detail }, detail),
        (E::AssuranceLevelChange, Detail::Assurance { current, previous, direction }) => {
            vec![Effect::Assurance(Assurance {
                current: current.clone(),
                previous: previous.clone(),
                direction: direction.clone(),
            })]
        }
        (E::UserScopeConsent, Detail::Scopes(scopes)) => consent(scopes, true),
        (E::UserScopeWithdraw, Detail::Scopes(scopes)) => consent(scopes, false),
        (E::UserProfileChanged, Detail::Profile(fields)) => {
            fields.expose().iter().map(|(name, value)| profile(name, value)).collect()
        }
        (E::IdentifierChanged | E::IdentifierRecycled, _) => vec![Effect::ProfileStale],
        // One token more or less says nothing of the user; what is unknown changes nothing.
        (E::TokenIssued | E::TokenRevoked | E::Unknown(_), _) => vec![],
        // A type whose detail is another's can't be made: `SecurityEvent::read` makes both.
        _ => vec![],
    }
}

/// The effects of a service event.
#[must_use]
pub fn effects_of_service_word(word: ServiceWord) -> Vec<Effect> {
    match word {
        ServiceWord::ServiceLinked => vec![Effect::Link(Link::Linked)],
        ServiceWord::ServiceUnlinked => unlinked(None),
        ServiceWord::ServiceRestored => vec![Effect::Link(Link::Linked), Effect::Account(Account::Active)],
        ServiceWord::ServiceErased => vec![Effect::Erase, Effect::Wipe],
    }
}

/// The effects of what the reconciler found out.
#[must_use]
pub fn effects_of_reconciler_word(word: ReconcilerWord) -> Vec<Effect> {
    match word {
        ReconcilerWord::ReconciledLinked => vec![Effect::Link(Link::Linked)],
        ReconcilerWord::ReconciledUnlinked => unlinked(Some(RECONCILED.to_owned())),
    }
}

/// The reason of an unlink that no webhook reported, among Kakao's own words.
const RECONCILED: &str = "RECONCILED";

/// The credential's new state, and a new login is the cure.
fn credential(state: impl Fn(Option<String>) -> Credential, detail: &Detail) -> Vec<Effect> {
    let words = match detail {
        Detail::Credential { credential_type, change_type } => {
            let words: Vec<_> = [credential_type, change_type].into_iter().flatten().map(String::as_str).collect();
            (!words.is_empty()).then(|| words.join(" "))
        }
        _ => None,
    };
    vec![Effect::Credential(state(words)), Effect::VoidSessions]
}

fn consent(scopes: &[ScopeId], granted: bool) -> Vec<Effect> {
    scopes.iter().map(|scope| Effect::Scope(scope.clone(), granted)).collect()
}

/// The longest profile value that is kept, as canonical JSON text.
const MAX_PROFILE_BYTES: usize = 4 * 1024;
/// The deepest profile value that is kept.
const MAX_PROFILE_LEVELS: usize = 16;
/// The longest name of a profile field that is kept.
const MAX_PROFILE_NAME: usize = 128;

/// The field's new value; one that is too large to keep is known to be stale instead.
fn profile(name: &str, value: &Value) -> Effect {
    let text = value.to_string();
    let fits = text.len() <= MAX_PROFILE_BYTES && levels(value) <= MAX_PROFILE_LEVELS;
    if fits && (1..=MAX_PROFILE_NAME).contains(&name.len()) {
        Effect::Profile(name.to_owned(), ProfileValue { value: text })
    } else {
        Effect::ProfileStale
    }
}

fn levels(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(levels).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(levels).max().unwrap_or(0),
        _ => 0,
    }
}

impl Effect {
    /// The effect as history may keep it: without profile values.
    #[must_use]
    pub fn for_history(&self) -> Self {
        match self {
            Self::Profile(name, _) => Self::ProfileField(name.clone()),
            other => other.clone(),
        }
    }
}

impl UserState {
    /// The state of a user of whom nothing is known but one event. Merging it in is how an event is
    /// applied.
    #[must_use]
    pub fn of_event(effects: Vec<Effect>, at: Time, by: &EventId) -> Self {
        let mut state = Self { updated_at: Newest(Some(at)), ..Self::default() };
        for effect in effects {
            state.write(effect, at, by);
        }
        state.settle();
        state
    }

    fn write(&mut self, effect: Effect, at: Time, by: &EventId) {
        match effect {
            Effect::Link(value) => self.link = Some(register(value, at, by)),
            Effect::Account(value) => self.account = Some(register(value, at, by)),
            Effect::Credential(value) => self.credential = Some(register(value, at, by)),
            Effect::Assurance(value) => self.assurance = Some(register(value, at, by)),
            Effect::VoidSessions => self.sessions_valid_from.raise(at),
            Effect::VoidTokens => self.tokens_valid_from.raise(at),
            Effect::Erase => self.erased_until.raise(at),
            Effect::Wipe => self.wiped_until.raise(at),
            Effect::ProfileStale => self.profile_stale_since.raise(at),
            Effect::ProfileField(_) => {}
            Effect::Scope(scope, granted) => {
                self.scopes.insert(scope.into(), register(Scope { granted }, at, by));
            }
            Effect::Profile(name, value) => {
                self.profile.insert(name, register(value, at, by));
            }
            Effect::Channel(id, channel) => {
                self.channels.insert(id, register(channel, at, by));
            }
            Effect::Bot(id, bot) => {
                self.bots.insert(id, register(bot, at, by));
            }
        }
    }
}

pub(super) fn register<T>(value: T, at: Time, by: &EventId) -> Register<T> {
    Register { value, at, by: by.clone() }
}

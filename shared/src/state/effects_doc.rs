//! Checks that the table in `docs/events.md` is the table in `effects.rs`.

use serde_json::{Value, json};

use super::{
    Effect,
    effects::unlinked,
    effects_of_reconciler_word, effects_of_security_event, effects_of_service_word,
    user::{Account, Credential, Link},
};
use crate::{
    envelope::{ReconcilerWord, ServiceWord},
    wire::account_status::{EventType, SecurityEvent},
};

fn describe(effect: &Effect) -> String {
    let with = |what: &str, detail: &Option<String>| match detail {
        Some(detail) => format!("{what} (`{detail}`)"),
        None => what.to_owned(),
    };
    match effect {
        Effect::Link(Link::Linked) => "`link` = linked".into(),
        Effect::Link(Link::Unlinked { reason }) => with("`link` = unlinked", reason),
        Effect::Account(Account::Active) => "`account` = active".into(),
        Effect::Account(Account::Disabled { reason }) => with("`account` = disabled", reason),
        Effect::Account(Account::Purged) => "`account` = purged".into(),
        Effect::Credential(Credential::Ok { detail }) => with("`credential` = ok", detail),
        Effect::Credential(Credential::ChangeRequired { detail }) => with("`credential` = change_required", detail),
        Effect::Credential(Credential::Compromised { detail }) => with("`credential` = compromised", detail),
        Effect::Assurance(_) => "`assurance`".into(),
        Effect::VoidSessions => "`sessions_valid_from`".into(),
        Effect::VoidTokens => "`tokens_valid_from`".into(),
        Effect::Erase => "`erased_until`: profile and scopes are erased".into(),
        Effect::Wipe => "everything older is erased except the status and time of `link` and `account`".into(),
        Effect::Scope(_, granted) => format!("`scopes[…].granted` = {granted}"),
        Effect::Profile(..) | Effect::ProfileField(_) => "`profile[…]`".into(),
        Effect::ProfileStale => "`profile_stale_since`".into(),
        Effect::Channel(_, channel) => format!("`channels[…]` = {}", channel.status),
        Effect::Bot(..) => "`bots[…]`".into(),
    }
}

/// Members such that every detail of an event is there.
fn members(event_type: &EventType) -> Value {
    match event_type {
        EventType::UserUnlinked | EventType::AccountDisabled => json!({"reason": "reason"}),
        EventType::UserScopeConsent | EventType::UserScopeWithdraw => json!({"scope": "account_email"}),
        EventType::UserProfileChanged => json!({"nickname": "x"}),
        EventType::CredentialCompromise | EventType::CredentialChange | EventType::AccountCredentialChangeRequired => {
            json!({"credential_type": "credential_type"})
        }
        _ => json!({}),
    }
}

fn row(name: &str, effects: &[Effect]) -> String {
    let effects: Vec<_> = effects.iter().map(describe).collect();
    let effects = if effects.is_empty() { "history only".to_owned() } else { effects.join("; ") };
    format!("| {name} | {effects} |\n")
}

fn table() -> String {
    let mut table = row("unlink webhook", &unlinked(Some("referrer_type".into())));
    for event_type in EventType::KNOWN {
        let members = members(event_type).as_object().unwrap().clone();
        let event = SecurityEvent::read(event_type.uri(), members).unwrap();
        let name = format!("`{}`", event_type.known_name().unwrap());
        table += &row(&name, &effects_of_security_event(&event));
    }
    for word in [
        ServiceWord::ServiceLinked,
        ServiceWord::ServiceUnlinked,
        ServiceWord::ServiceRestored,
        ServiceWord::ServiceErased,
    ] {
        table += &row(&format!("`{}`", word.name()), &effects_of_service_word(word));
    }
    for word in [ReconcilerWord::ReconciledLinked, ReconcilerWord::ReconciledUnlinked] {
        table += &row(&format!("`{}`", word.name()), &effects_of_reconciler_word(word));
    }
    table
}

#[test]
fn the_documentation_has_the_table_of_effects_as_it_is() {
    let page = include_str!("../../../docs/events.md");
    let table = table();
    assert!(page.contains(&table), "docs/events.md must have these rows:\n{table}");
}

//! Every fixture: one per webhook and method, and one per event type.

use std::collections::BTreeSet;

use end_to_end::{
    Fixture, Pipeline,
    service::{ADMIN_KEY, SKILL_KEY},
};
use kakao_webhooks::wire::account_status::EventType;
use serde_json::{Value, json};

use crate::kakao::{snapshot, without_versions};

macro_rules! each_fixture {
    ($($test:ident = $name:literal),+ $(,)?) => {
        $(#[tokio::test]
        async fn $test() {
            ends_as_it_says($name).await;
        })+

        const TRIED: &[&str] = &[$($name),+];
    };
}

each_fixture! {
    unlink_by_get = "unlink/get",
    unlink_by_post_form = "unlink/post-form",
    unlink_by_post_json = "unlink/post-json",
    talk_share_by_get = "talk-share/get",
    talk_share_by_post_json = "talk-share/post-json",
    talk_share_by_post_form = "talk-share/post-form",
    talk_channel_added = "talk-channel/added",
    talk_channel_blocked = "talk-channel/blocked",
    talk_channel_of_an_open_id = "talk-channel/open-id",
    talk_channel_with_deprecated_twins = "talk-channel/deprecated-twins",
    skill_registration_check = "skill/registration-check",
    skill_message = "skill/message",
    skill_message_of_a_member = "skill/message-with-app-user",
    skill_message_of_a_group_chat_room = "skill/group-message",
    skill_parameter_validation = "skill/parameter-validation",
    skill_room_entrance = "skill/room-entrance",
    skill_room_leave = "skill/room-leave",
    skill_room_invite_member = "skill/room-invite-member",
    token_issued = "account-status/token-issued",
    token_revoked = "account-status/token-revoked",
    tokens_revoked = "account-status/tokens-revoked",
    user_linked = "account-status/user-linked",
    user_unlinked = "account-status/user-unlinked",
    user_scope_consent = "account-status/user-scope-consent",
    user_scope_withdraw = "account-status/user-scope-withdraw",
    account_credential_change_required = "account-status/account-credential-change-required",
    account_disabled = "account-status/account-disabled",
    account_enabled = "account-status/account-enabled",
    account_purged = "account-status/account-purged",
    credential_compromise = "account-status/credential-compromise",
    identifier_changed = "account-status/identifier-changed",
    identifier_recycled = "account-status/identifier-recycled",
    sessions_revoked = "account-status/sessions-revoked",
    assurance_level_change = "account-status/assurance-level-change",
    credential_change = "account-status/credential-change",
    user_profile_changed = "account-status/user-profile-changed",
    an_unknown_event_type = "account-status/unknown",
    service_linked = "service/service-linked",
    service_unlinked = "service/service-unlinked",
    service_restored = "service/service-restored",
    service_erased = "service/service-erased",
}

/// Sends what the fixture says and compares the answer and the table with what it expects; a snapshot holds
/// all the rest of both.
async fn ends_as_it_says(name: &str) {
    let fixture = Fixture::load(name).unwrap();
    let expected = &fixture.expected;
    let mut pipeline = Pipeline::start().await.unwrap();
    let mut answer = None;
    if fixture.request.is_some() {
        let request = fixture.request(pipeline.keys.key()).unwrap();
        let answered = pipeline.deliver(&request).await.unwrap();
        assert_eq!(Some(answered.status), expected.status, "{answered:?}");
        let body: Option<Value> = (!answered.body.is_empty()).then(|| serde_json::from_str(&answered.body).unwrap());
        assert_eq!(body, expected.body);
        assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
        answer = Some(answered);
    }
    if let Some(message) = &fixture.message {
        assert_eq!(pipeline.process_texts(&[message.to_string()]).await.unwrap(), Vec::<usize>::new());
    }

    if let Some(pk) = &expected.of {
        let mut state = pipeline.state_of(pk).unwrap();
        // A version goes by the time of the write.
        state.iter_mut().for_each(|state| drop(state.as_object_mut().unwrap().remove("version")));
        assert_eq!(state, expected.state);
        let line = |item: &serde_json::Map<String, Value>| {
            format!("{} {}", item["kind"].as_str().unwrap(), item["event"].as_str().unwrap())
        };
        let history: Vec<String> = pipeline.history(pk).unwrap().iter().map(line).collect();
        assert_eq!(history, expected.history);
    }
    let items = without_versions(pipeline.table.items().unwrap());
    snapshot(&name.replace('/', "-"), &json!({"answer": answer, "items": items}));
    no_line_is_personal(&pipeline, expected.of.as_deref());
}

fn no_line_is_personal(pipeline: &Pipeline, pk: Option<&str>) {
    let whose = pk.and_then(|pk| pk.rsplit_once('#')).map(|(_, whose)| whose);
    for line in pipeline.lines().iter().map(Value::to_string) {
        for personal in [ADMIN_KEY, SKILL_KEY.1, "봄봄", "invented@example.com", "예약"].into_iter().chain(whose) {
            // A service's own event may carry the member number in its id.
            assert!(!line.contains(personal) || line.contains(&format!("service-{personal}")), "{personal}: {line}");
        }
    }
}

#[test]
fn no_fixture_is_left_out() {
    let tried: BTreeSet<_> = TRIED.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(tried, Fixture::names().unwrap().into_iter().collect());
}

#[test]
fn every_known_event_type_has_a_fixture_that_is_named_after_it() {
    let mut seen = BTreeSet::new();
    for name in TRIED {
        let fixture = Fixture::load(name).unwrap();
        if let Some(uri) = fixture.event_uri() {
            let named_after = EventType::of_uri(uri).known_name().unwrap_or("unknown");
            assert_eq!(*name, format!("account-status/{named_after}"));
            seen.insert(uri.to_owned());
        }
    }
    let known = EventType::KNOWN.iter().map(|known| known.uri().to_owned());
    assert_eq!(
        seen,
        known.chain(["https://schemas.openid.net/secevent/oauth/event-type/user-moved-to-mars".to_owned()]).collect()
    );
}

#[test]
fn every_fixture_names_the_source_of_its_facts_and_their_certainty() {
    for name in TRIED {
        let fixture = Fixture::load(name).unwrap();
        assert!(["(A", "(B", "(C"].iter().any(|grade| fixture.source.contains(grade)), "{name}: {}", fixture.source);
        assert!(!fixture.stands_for.is_empty(), "{name}");
        assert!(fixture.request.is_some() != fixture.message.is_some(), "{name}");
    }
}

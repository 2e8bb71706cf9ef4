//! What each module costs by itself, with its allocations: `cargo bench -p kakao-webhooks`. For a change of one of
//! them, to look at before and after; what the whole service costs is in docs/performance.md.
#![expect(clippy::unwrap_used, reason = "a benchmark that can't be set up has nothing to say")]

use std::hint::black_box;

use bytes::Bytes;
use divan::{AllocProfiler, Bencher};
use http::Method;
use kakao_webhooks::{
    auth::{Apps, Digest},
    envelope::{Envelope, Event, Letter},
    state::{Effect, Link, Merge, ProfileValue, Rest, State, Subject, UserState},
    wire::{AppId, Content, EventId, Personal, Time, talk_channel, talk_share, unlink},
};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const APP: &str = "123456";

fn content(media_type: &str, query: &str, body: &'static str) -> Content {
    Content {
        method: if body.is_empty() { Method::GET } else { Method::POST },
        query: Personal::new(query.to_owned()),
        media_type: media_type.to_owned(),
        body: Personal::new(Bytes::from_static(body.as_bytes())),
    }
}

fn unlinked() -> Event {
    let content = content("", "app_id=123456&user_id=3142857218&referrer_type=UNLINK_FROM_APPS", "");
    Event::Unlink(unlink::Unlink::read(&content, &APP.parse::<AppId>().unwrap()).unwrap())
}

mod reading {
    use super::*;

    #[divan::bench]
    fn unlink_from_a_query(bencher: Bencher) {
        let app: AppId = APP.parse().unwrap();
        let content = content("", "app_id=123456&user_id=3142857218&referrer_type=UNLINK_FROM_APPS", "");
        bencher.bench(|| unlink::Unlink::read(black_box(&content), &app));
    }

    #[divan::bench]
    fn a_share_from_a_form(bencher: Bencher) {
        let form = "application/x-www-form-urlencoded";
        let content =
            content(form, "", "CHAT_TYPE=MultiChat&HASH_CHAT_ID=h1&TEMPLATE_ID=7&user_id=3142857218&campaign=a");
        bencher.bench(|| talk_share::TalkShare::read(black_box(&content), "user_id"));
    }

    #[divan::bench]
    fn a_channel_from_json(bencher: Bencher) {
        let body = r#"{"event":"added","id":"3142857218","id_type":"app_user_id","channel_public_id":"_ISxgbxb",
            "channel_uuid":"@shop","updated_at":"2025-03-01T00:00:00Z"}"#;
        let content = content("application/json", "", body);
        bencher.bench(|| talk_channel::TalkChannel::read(black_box(&content)));
    }
}

mod proving {
    use super::*;

    #[divan::bench]
    fn the_digest_of_a_key() -> Digest {
        Digest::of(black_box(b"0f1e2d3c4b5a69788796a5b4c3d2e1f0"))
    }

    #[divan::bench(args = [1, 10, 100])]
    fn a_digest_among_so_many_apps(bencher: Bencher, many: usize) {
        let app = |number: usize| {
            let key: String = Digest::of(number.to_string().as_bytes()).to_string();
            format!(r#"{{"app_id":"{}","rest_api_keys":["k{number}"],"admin_key_sha256":["{key}"]}}"#, number + 1)
        };
        let list = (0..many).map(app).collect::<Vec<_>>().join(",");
        let apps = Apps::from_json(&format!("[{list}]")).unwrap();
        let presented = Digest::of(b"0");
        bencher.bench(|| apps.by_admin_key(black_box(&presented)).is_some());
    }
}

mod travelling {
    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            id: EventId::from_text("0f9c2d51-1a2b-4c3d-8e4f-5a6b7c8d9e0f"),
            app_id: Some(APP.parse().unwrap()),
            received_at: Time::from_seconds(1_740_787_200).unwrap(),
            request_id: Some("JKJaXmPLvHcESHA=".to_owned()),
            replayed_at: None,
            letter: Letter::Event(unlinked()),
        }
    }

    #[divan::bench]
    fn an_envelope_written(bencher: Bencher) {
        let envelope = envelope();
        bencher.bench(|| black_box(&envelope).encode());
    }

    #[divan::bench]
    fn an_envelope_read(bencher: Bencher) {
        let text = envelope().encode().unwrap();
        bencher.bench(|| Envelope::decode(black_box(&text)));
    }
}

mod merging {
    use super::*;

    fn linked() -> UserState {
        let at = Time::from_seconds(1_740_787_200).unwrap();
        UserState::of_event(vec![Effect::Link(Link::Linked)], at, &EventId::from_text("a"))
    }

    /// A state with as many profile values as one may have.
    fn full() -> UserState {
        let at = Time::from_seconds(1_740_780_000).unwrap();
        let value =
            |number: u32| Effect::Profile(format!("field{number}"), ProfileValue { value: "\"봄봄\"".to_owned() });
        UserState::of_event((0..50).map(value).collect(), at, &EventId::from_text("b"))
    }

    #[divan::bench]
    fn an_event_into_a_small_state(bencher: Bencher) {
        bencher.with_inputs(|| (linked(), linked())).bench_values(|(mut state, event)| {
            state.merge(event);
            state
        });
    }

    #[divan::bench]
    fn an_event_into_a_full_state(bencher: Bencher) {
        bencher.with_inputs(|| (full(), linked())).bench_values(|(mut state, event)| {
            state.merge(event);
            state
        });
    }

    #[divan::bench]
    fn a_full_state_written_and_read(bencher: Bencher) {
        let subject = Subject::User(APP.parse().unwrap(), "3142857218".parse().unwrap());
        let state = full();
        bencher.bench(|| UserState::from_members(black_box(&state).to_members(&subject, &Rest::default()).unwrap()));
    }
}

//! No input costs more than its length: what is eight times as long may take eight times as long, and not sixty-four.
//! Each is near the longest that comes in: a body of 64 KiB, a message of 256 KiB.

#[cfg(test)]
mod linear_time {
    use std::{hint::black_box, time::Duration};

    use bytes::Bytes;
    use http::Method;
    use kakao_webhooks::{
        envelope::Envelope,
        state::plan,
        wire::{Content, Payload, Personal, account_status::EventType, parse_strict_json},
    };
    use rustix::time::{ClockId, clock_gettime};
    use serde_json::{Value, json};

    const LONG: usize = 64_000;
    const SHORT: usize = LONG / 8;
    /// Four times what a linear cost allows, and half of what a quadratic one would be.
    const MOST: u32 = 32;

    /// The processor's time that this thread had: what others do meanwhile doesn't count.
    fn spent() -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
    }

    /// The best of several, taken in turns.
    fn costs(short: impl Fn(), long: impl Fn()) -> (Duration, Duration) {
        let time = |work: &dyn Fn()| {
            let start = spent();
            work();
            spent() - start
        };
        (0..7).fold((Duration::MAX, Duration::MAX), |(best_short, best_long), _| {
            (best_short.min(time(&short)), best_long.min(time(&long)))
        })
    }

    fn is_linear(what: &str, input: impl Fn(usize) -> String, work: impl Fn(&str)) {
        let (short_input, long_input) = (input(SHORT), input(LONG));
        assert!(long_input.len() > short_input.len() * 6, "{what}: the inputs don't grow");
        let (short, long) = costs(|| work(&short_input), || work(&long_input));
        assert!(long <= short * MOST + Duration::from_millis(1), "{what}: {short:?} became {long:?}");
    }

    fn times(bytes: usize, piece: impl Fn(usize) -> String) -> String {
        let mut text = String::new();
        for number in 0.. {
            if text.len() >= bytes {
                break;
            }
            text.push_str(&piece(number));
        }
        text
    }

    fn object(bytes: usize) -> String {
        format!("{{{}\"end\":0}}", times(bytes, |number| format!("\"k{number}\":{number},")))
    }

    fn fields(media_type: &str, body: &str) {
        let content = Content {
            method: Method::POST,
            query: Personal::default(),
            media_type: media_type.to_owned(),
            body: Personal::new(Bytes::copy_from_slice(body.as_bytes())),
        };
        let _ = black_box(content.fields());
        assert!(black_box(content.payload().bytes()).is_some());
    }

    #[test]
    fn json_costs_its_length() {
        let parse = |text: &str| {
            let _ = black_box(parse_strict_json(text.as_bytes()));
        };
        is_linear("keys", object, parse);
        is_linear("one key again and again", |bytes| format!("{{{}", times(bytes, |_| "\"k\":0,".into())), parse);
        is_linear("lists", |bytes| format!("{{\"a\":[{}0]}}", times(bytes, |_| "[[[]]],".into())), parse);
        is_linear("brackets", |bytes| times(bytes, |_| "[".into()), |text| parse(&format!("{{\"a\":{text}")));
        is_linear("escapes", |bytes| format!("{{\"a\":\"{}\"}}", times(bytes, |_| "\\ud83d\\ude00".into())), parse);
        is_linear("halves of pairs", |bytes| format!("{{\"a\":\"{}\"}}", times(bytes, |_| "\\ud83d".into())), parse);
        let huge = |bytes| format!("{{\"a\":[{}0]}}", times(bytes, |_| "1e400,".into()));
        is_linear("numbers beyond a double", huge, parse);
        is_linear("a huge integer", |bytes| format!("{{\"a\":{}}}", times(bytes, |_| "9".into())), parse);
        let strings = |bytes| format!("{{\"a\":[{}1e400]}}", times(bytes, |_| "\"\" ,".into()));
        is_linear("strings before a number beyond a double", strings, parse);
        is_linear("unclosed strings", |bytes| times(bytes, |_| "\"\\\"".into()), parse);
        is_linear("digits", |bytes| format!("{{\"a\":0.{}}}", times(bytes, |_| "1234567890".into())), parse);
        is_linear("long keys", |bytes| format!("{{{}\"\":0}}", times(bytes, |n| format!("\"{n:0>999}\":0,"))), parse);
    }

    #[test]
    fn a_form_costs_its_length() {
        let form = |body: &str| fields("application/x-www-form-urlencoded", body);
        is_linear("fields", |bytes| times(bytes, |number| format!("k{number}={number}&")), form);
        is_linear("ampersands", |bytes| times(bytes, |_| "&".into()), form);
        is_linear("percents", |bytes| times(bytes, |_| "%25".into()), form);
        is_linear("halves of percents", |bytes| times(bytes, |_| "%%2".into()), form);
        is_linear("white space before it", |bytes| format!("{}a=1", times(bytes, |_| " ".into())), form);
    }

    /// What the processor does with a message before it writes anything.
    fn process(message: &str) {
        let envelope = Envelope::decode(message).unwrap().reread("user_id");
        black_box(plan(&envelope));
        let _ = black_box(envelope.encode());
    }

    fn message(kind: &str, name: &str, said: &Value) -> String {
        json!({"v": 1, "id": "id", "app_id": "1", "received_at": "2025-03-01T03:30:00Z", "kind": kind, name: said})
            .to_string()
    }

    fn event(event_type: &EventType, members: &Value) -> String {
        let event = json!({"user_id": "7", "at": "2025-03-01T03:00:00Z", "uri": event_type.uri(), "members": members});
        message("account-status", "event", &event)
    }

    fn quarantined(kind: &str, text: &str) -> String {
        let quarantine = json!({"reason": "json", "detail": "", "payload": Payload::of(text.as_bytes())});
        message(kind, "quarantine", &quarantine)
    }

    #[test]
    fn an_event_costs_its_length() {
        let profile = |bytes| event(&EventType::UserProfileChanged, &serde_json::from_str(&object(bytes)).unwrap());
        is_linear("profile fields", profile, process);
        let scopes = |bytes| {
            let text = times(bytes, |number| format!("s{number} "));
            event(&EventType::UserScopeConsent, &json!({"scope": text}))
        };
        is_linear("scopes", scopes, process);
        let unknown = |bytes| event(&EventType::Unknown("u".into()), &serde_json::from_str(&object(bytes)).unwrap());
        is_linear("members of an unknown event", unknown, process);
    }

    #[test]
    fn reading_the_quarantine_again_costs_its_length() {
        for kind in ["unlink", "talk-share", "talk-channel", "skill"] {
            is_linear(kind, |bytes| quarantined(kind, &object(bytes)), process);
            is_linear(kind, |bytes| quarantined(kind, &times(bytes, |number| format!("k{number}=%25&"))), process);
        }
        is_linear("dots", |bytes| quarantined("account-status", &times(bytes, |_| ".".into())), process);
    }
}

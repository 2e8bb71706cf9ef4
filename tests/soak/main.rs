//! The whole service under load: all functions as several instances each, tens of thousands of events of all kinds,
//! redeliveries, forgeries, poison, a queue and a table that fail for some time, processors that are killed. At the end
//! every authentic event is accounted for, the service's endpoint has got every change, nothing forged is anywhere, no process has grown, and no log holds a key,
//! a token or anything personal.
//!
//! By default few enough events for every `cargo test`. The full size, and another story:
//!
//! ```sh
//! SOAK_EVENTS=20000 cargo test -p end-to-end --test soak -- --nocapture
//! SOAK_EVENTS=20000 SOAK_SEED=7 cargo test -p end-to-end --test soak -- --nocapture
//! ```

#[cfg(test)]
mod account;
#[cfg(test)]
mod actors;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod processors;
#[cfg(test)]
mod replica;
#[cfg(test)]
mod service;
#[cfg(test)]
mod story;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use end_to_end::{expected_table::ExpectedTable, seeded_random::SeededRandom};
    use kakao_webhooks::{
        envelope::{Envelope, Letter},
        state::Members,
        wire::account_status::EventType,
    };
    use play_kakao::Forgery;

    use crate::{
        service::Service,
        story::{MEMBER, Post, Story, story},
    };

    const EVENTS: u64 = 700;

    /// What the functions write of, each at least once; `metrics` are the counts of all of it.
    const LINES: [&str; 19] = [
        "started",
        "answered",
        "kept",
        "refused",
        "unreadable",
        "queue_failed",
        "inbox_failed",
        "inbox_emptied",
        "key_set_kept",
        "recorded",
        "duplicate",
        "applied",
        "unchanged",
        "quarantined",
        "not_applied",
        "published",
        "delivered",
        "not_delivered",
        "metrics",
    ];

    fn asked(variable: &str) -> Option<u64> {
        std::env::var(variable).ok().map(|text| text.parse().unwrap())
    }

    /// Without what no usable event leaves.
    fn of_events(mut items: Vec<Members>) -> Vec<Members> {
        let others = ["QUARANTINE#", "INBOX#", "KEYSET", "ERASURES#"];
        items.retain(|item| !others.iter().any(|other| item["pk"].as_str().unwrap().starts_with(other)));
        items
    }

    #[test]
    fn the_short_story_tells_something_of_every_kind() {
        let story = story(&mut SeededRandom::new(1), EVENTS);
        let names: BTreeSet<String> = story.events.iter().filter_map(name).collect();
        for known in EventType::KNOWN {
            assert!(names.contains(known.known_name().unwrap()), "{known:?}");
        }
        for name in ["unlink", "share", "added", "blocked", "message", "service-erased", "service-restored"] {
            assert!(names.contains(name), "{name}");
        }
        assert!(names.iter().any(|name| name.starts_with("https://")), "an unknown type");
        let reasons: BTreeSet<&str> = story.quarantined.values().map(String::as_str).collect();
        let expected =
            ["duplicate_field", "encoding", "field_shape", "future_time", "json", "missing_field", "other_app"];
        assert_eq!(reasons, BTreeSet::from(expected));
        let forged: BTreeSet<&str> = story.posts.iter().filter_map(Post::forgery).collect();
        assert_eq!(forged.len(), Forgery::refused().count());
        assert!(story.forged > forged.len() && !story.poison.is_empty());
    }

    fn name(envelope: &Envelope) -> Option<String> {
        match &envelope.letter {
            Letter::Event(event) => Some(event.name()),
            Letter::Quarantined { .. } => None,
        }
    }

    #[test]
    fn the_same_seed_tells_the_same_story() {
        let [one, same, other] = [1, 1, 2].map(|seed| story(&mut SeededRandom::new(seed), 100));
        let order = |story: &Story| story.posts.iter().map(|post| post.gateway_id().to_owned()).collect::<Vec<_>>();
        assert_eq!((&one.events, order(&one)), (&same.events, order(&same)));
        assert_ne!(one.events, other.events);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_authentic_event_is_accounted_for_and_nothing_else_is_anywhere() {
        let (events, seed) = (asked("SOAK_EVENTS").unwrap_or(EVENTS), asked("SOAK_SEED").unwrap_or(1));
        let mut random = SeededRandom::new(seed);
        let story = story(&mut random, events);
        let expected = ExpectedTable::of(&story.events).unwrap();
        println!("{events} events, seed {seed}");

        let service = Service::start(&story, &mut random).await;
        let took = service.go_through().await;
        let items = service.items();
        let account = service.account(&items);
        println!("{}took {:.1} s\n{}", account.table(&story), took.as_secs_f32(), service.memory);
        account.check(&story);
        service.check_deliveries(&items);
        expected.check(&of_events(items)).unwrap();
        service.memory.check();

        let (searched, finds) = service.search();
        println!("searched for keys, tokens and personal values:\n{searched}");
        assert!(finds.is_empty(), "{} lines say too much, such as {}", finds.len(), finds[0]);
        assert_eq!(searched.lacks(&LINES), Vec::<&str>::new());
        assert_eq!(service.search_of(&format!("it finds {MEMBER}")).len(), 1, "it finds nothing at all");
    }
}

//! Kakao's key set: where it is published, and where it is kept.

use super::facts::{Facts, PublishedKeys, StoredKeys};
use crate::{
    commands::check::finding::{Finding, Judgement},
    ui::age,
};

/// The janitor keeps it each minute.
const LATE: i64 = 600;
/// From then on no function uses it.
const TOO_OLD: i64 = 86_400;
const LOOK: &str = "see key_set_not_kept in the janitor's log; if the log has no new lines, its schedule is disabled";

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let published = facts.published_keys.as_ref().map(|published| published_set(published).named("published"));
    let stored = match &facts.stored_keys {
        Ok(Some(stored)) => kept(stored, facts),
        Ok(None) if facts.is_new() => Judgement::warning("not kept yet", "wait a minute: the janitor keeps it"),
        Ok(None) => Judgement::mistake("the table has none", LOOK),
        Err(unread) => unread.judgement(),
    };
    published.into_iter().chain([stored.named("kept in the table")]).collect()
}

fn published_set(published: &PublishedKeys) -> Judgement {
    match published {
        Ok(Ok(_)) => Judgement::right("can be read from here"),
        Ok(Err(error)) => Judgement::mistake(error.to_string(), "set KakaoJwksUrl to Kakao's key set, or leave it out"),
        Err(error) => Judgement::warning(
            format!("can't be read from here: {error}"),
            "none, if the one in the table is fresh: the functions reach it; else is KakaoJwksUrl right?",
        ),
    }
}

fn kept(stored: &StoredKeys, facts: &Facts) -> Judgement {
    if let Err(error) = stored.set {
        return Judgement::mistake(
            error.to_string(),
            "delete the item KEYSET: the janitor writes it again within a minute",
        );
    }
    let Some(fetched_at) = stored.fetched_at else {
        return Judgement::mistake(
            "its age is unknown",
            "delete the item KEYSET: the janitor writes it again within a minute",
        );
    };
    let old = age::seconds(fetched_at, facts.now);
    let seen = format!("fetched {} ago", age::shown(old));
    match old {
        _ if old > TOO_OLD => Judgement::mistake(format!("{seen}: no function uses it any more"), LOOK),
        _ if old > LATE => Judgement::warning(seen, LOOK),
        _ => Judgement::right(seen),
    }
}

#[cfg(test)]
mod tests {
    use kakao_webhooks::{auth::KeySetError, wire::Time};

    use super::*;
    use crate::commands::{
        check::finding::Verdict,
        doctor::stand_in::{self, worst},
    };

    fn aged(seconds: i64) -> Verdict {
        let mut facts = stand_in::healthy();
        let fetched_at = Time::from_millis(facts.now.as_millis() - seconds * 1_000);
        facts.stored_keys = facts.stored_keys.map(|stored| stored.map(|stored| StoredKeys { fetched_at, ..stored }));
        worst(&findings(&facts))
    }

    #[test]
    fn a_kept_set_is_warned_of_after_ten_minutes_and_a_mistake_after_a_day() {
        assert_eq!(aged(600), Verdict::Right);
        assert_eq!(aged(601), Verdict::Warning);
        assert_eq!(aged(86_400), Verdict::Warning);
        assert_eq!(aged(86_401), Verdict::Mistake);
    }

    #[test]
    fn none_kept_is_a_mistake_unless_the_stack_is_new() {
        let mut facts = stand_in::healthy();
        facts.stored_keys = Ok(None);
        assert_eq!(worst(&findings(&facts)), Verdict::Mistake);
        facts.stack.deployed_at = Time::from_millis(facts.now.as_millis() - 59_000);
        assert_eq!(worst(&findings(&facts)), Verdict::Warning);
    }

    #[test]
    fn a_document_without_keys_is_a_mistake_and_an_endpoint_out_of_reach_a_warning() {
        let mut facts = stand_in::healthy();
        facts.published_keys = Some(Err("no route".to_owned()));
        assert_eq!(worst(&findings(&facts)), Verdict::Warning);
        facts.published_keys = Some(Ok(Err(KeySetError::Empty)));
        assert_eq!(worst(&findings(&facts)), Verdict::Mistake);
        let mut facts = stand_in::healthy();
        facts.stored_keys = Ok(Some(StoredKeys { fetched_at: Some(facts.now), set: Err(KeySetError::Json) }));
        assert_eq!(worst(&findings(&facts)), Verdict::Mistake);
    }
}

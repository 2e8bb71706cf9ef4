//! The console's texts, each in Korean and English. A text is a member of [`Words`], so the compiler sees to it that each
//! language has it; names that come from the functions (reasons, events) are looked up by their code.

mod codes;
mod en;
mod ko;

use http::HeaderMap;

use super::guard::cookies;
use super::{
    explain::{Check, CheckName, Verdict},
    history::{Place, What},
};
use crate::{
    commands::check::finding,
    console::backlogs::{BacklogKind, Count},
    local::Fault,
};

pub use codes::{COLUMNS, EVENTS, FORGERIES, PARTS, REASONS};

/// The cookie with the language that was chosen.
pub const COOKIE: &str = "khook-language";

/// A language of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    En,
    /// Korean.
    Ko,
}

impl Language {
    /// Its code, as in `<html lang>`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
        }
    }

    /// The language with this code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        [Self::En, Self::Ko].into_iter().find(|language| language.code() == code)
    }

    /// The one that was chosen, else the first of the browser's that we have, else English.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let chosen = cookies(headers).into_iter().find(|(name, _)| name == COOKIE);
        let accepted = headers.get(http::header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let of_browser = || {
            let tags = accepted.unwrap_or_default().split(',');
            tags.map(|tag| tag.trim().split(['-', ';']).next().unwrap_or_default().to_ascii_lowercase())
                .find_map(|tag| Self::of_code(&tag))
        };
        chosen.and_then(|(_, code)| Self::of_code(&code)).or_else(of_browser).unwrap_or(Self::En)
    }

    /// Its texts.
    #[must_use]
    pub const fn words(self) -> &'static Words {
        match self {
            Self::En => &en::WORDS,
            Self::Ko => &ko::WORDS,
        }
    }
}

/// A check in words: what it looks at, and what would be right.
#[derive(Clone, Copy, Debug)]
pub struct CheckWords {
    /// What it looks at.
    pub title: &'static str,
    /// Why a request fails in it, and what would be right.
    pub fault: &'static str,
}

macro_rules! words {
    ($($name:ident),+ $(,)?) => {
        /// The texts of one language.
        #[derive(Debug)]
        pub struct Words {
            /// The language.
            pub language: Language,
            /// The checks in words.
            pub check: fn(CheckName) -> CheckWords,
            $(#[doc = stringify!($name)] pub $name: &'static str,)+
        }

        #[cfg(test)]
        impl Words {
            /// Each text with its name.
            fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name)),+]
            }
        }
    };
}

words! {
    users, forgery, genuine, times, same_event, anyway, occurred_at, event_members, other_claims, shape,
    custom_keys, deprecated_names, bot_test, parameter_validation, registration_check, example_members, send_hint,
    sent_requests, as_khook, not_sent, as_query, as_form, as_json, not_given, users_hint, find_user, app, member,
    open_id, show_user, no_users, last_event, user_unknown, all_users, state, since, history, history_hint,
    no_effect, no_difference, new_value, values_erased, nothing_before, before, after, happened, received, event_id,
    recorded_request, not_recorded, published_changes, no_published, deliveries, no_delivery, attempt, version,
    shuffle, shuffle_hint, shuffled, order, nothing_differs, it_differs, not_in_time, nothing_to_shuffle,
    some_not_recorded, send_about, requests_of_user, access_allowed, access_blocked, access_gone, state_unread,
    title, skip, other_language, timeline, requests, nothing_yet, nothing_yet_hint, no_match, pause, resume, clear,
    clear_question, new_requests, filter, all_webhooks, all_outcomes, filter_user, filter_text, older, keys_hint,
    live, disconnected, seconds, time, webhook, event, user, outcome, status, duration, url_hint, copied, unlink,
    account_status, talk_share, talk_channel, skill, health, other_path, taken, duplicate, quarantined, refused,
    answered, failed, gateway, queue, inbox, recorded, place_duplicate, quarantine, applied, unchanged, published,
    not_delivered, delivered, back, checks, passed, failed_check, not_reached, found, wanted, way, way_empty, decoded,
    unproven, request, answer, no_answer, headers, body, cut_off, log_lines, no_log_lines, changes, copy_curl,
    copy_khook, show_keys, hide_keys, keys_note, send_again, send_changed, send, method, path, query, sent, not_found,
    request_id, curl_title,
    chat_hint, chat_others, chat_room, chat_empty, chat_say, chat_as, chat_user, chat_member, chat_room_key,
    chat_callback, chat_callback_hint, chat_block, chat_waiting, chat_no_reply, chat_callback_said,
    chat_callback_refused, chat_left, chat_unanswered, chat_near, chat_carousel, chat_unknown, chat_quick,
    chat_picture, chat_phone, chat_share, judged_right, judged_warning, judged_mistake, judged_unknown, faults,
    faults_hint, fault_on, fault_off, fault_seconds, fault_begin, fault_end, fault_impossible,
    queue_down, queue_down_effect, table_slow, table_slow_effect, keys_gone, keys_gone_effect, delivery_fails,
    delivery_fails_effect, api_lies, api_lies_effect, backlogs, backlogs_hint, backlog_look, backlog_sent,
    backlog_again, backlog_kept, backlog_missing, at_least, backlog_empty, backlog_replay, backlog_replay_all,
    backlog_more, backlog_inbox, backlog_inbox_about, backlog_quarantine, backlog_quarantine_about, backlog_dead_letters,
    backlog_dead_letters_about, backlog_undelivered, backlog_undelivered_about,
}

/// A text with this number in the place of its `{}`. Each language has its own place and its own counter.
#[must_use]
pub fn counted(text: &str, number: &impl std::fmt::Display) -> String {
    text.replace("{}", &number.to_string())
}

impl Words {
    /// The webhook of this kind.
    #[must_use]
    pub fn kind<'w>(&'w self, kind: Option<&str>, path: &str) -> &'w str {
        match kind {
            Some("unlink") => self.unlink,
            Some("account-status") => self.account_status,
            Some("talk-share") => self.talk_share,
            Some("talk-channel") => self.talk_channel,
            Some("skill") => self.skill,
            _ if path.trim_end_matches('/').ends_with("/health") => self.health,
            _ => self.other_path,
        }
    }

    /// What `khook check` says of an answer, in a word.
    #[must_use]
    pub(crate) const fn judged(&self, verdict: &finding::Verdict) -> &'static str {
        match verdict {
            finding::Verdict::Right => self.judged_right,
            finding::Verdict::Warning => self.judged_warning,
            finding::Verdict::Mistake => self.judged_mistake,
            finding::Verdict::Unknown => self.judged_unknown,
        }
    }

    /// What goes wrong.
    #[must_use]
    pub const fn fault(&self, fault: &Fault) -> &'static str {
        match fault {
            Fault::QueueDown => self.queue_down,
            Fault::TableSlow => self.table_slow,
            Fault::KeysGone => self.keys_gone,
            Fault::DeliveryFails => self.delivery_fails,
            Fault::ApiLies => self.api_lies,
        }
    }

    /// What is to be seen of it.
    #[must_use]
    pub const fn fault_effect(&self, fault: &Fault) -> &'static str {
        match fault {
            Fault::QueueDown => self.queue_down_effect,
            Fault::TableSlow => self.table_slow_effect,
            Fault::KeysGone => self.keys_gone_effect,
            Fault::DeliveryFails => self.delivery_fails_effect,
            Fault::ApiLies => self.api_lies_effect,
        }
    }

    /// A place where something waits.
    #[must_use]
    pub const fn backlog(&self, kind: &BacklogKind) -> &'static str {
        match kind {
            BacklogKind::Inbox => self.backlog_inbox,
            BacklogKind::Quarantine => self.backlog_quarantine,
            BacklogKind::DeadLetters => self.backlog_dead_letters,
            BacklogKind::Undelivered => self.backlog_undelivered,
        }
    }

    /// How many wait.
    #[must_use]
    pub(crate) fn count(&self, count: &Count) -> String {
        if count.is_at_least { counted(self.at_least, &count.number) } else { count.number.to_string() }
    }

    /// What waits there.
    #[must_use]
    pub const fn backlog_about(&self, kind: &BacklogKind) -> &'static str {
        match kind {
            BacklogKind::Inbox => self.backlog_inbox_about,
            BacklogKind::Quarantine => self.backlog_quarantine_about,
            BacklogKind::DeadLetters => self.backlog_dead_letters_about,
            BacklogKind::Undelivered => self.backlog_undelivered_about,
        }
    }

    /// A column of `khook`'s lists in words; itself if it is an unknown one.
    #[must_use]
    pub fn column<'c>(&self, column: &'c str) -> &'c str {
        codes::look_up(COLUMNS, self.language, column).unwrap_or(column)
    }

    /// What became of a request.
    #[must_use]
    pub const fn what(&self, what: &What) -> &'static str {
        match what {
            What::Taken => self.taken,
            What::Duplicate => self.duplicate,
            What::Quarantined => self.quarantined,
            What::Refused => self.refused,
            What::Answered => self.answered,
            What::Failed => self.failed,
        }
    }

    /// A place of an event's way.
    #[must_use]
    pub const fn place(&self, place: &Place) -> &'static str {
        match place {
            Place::Gateway => self.gateway,
            Place::Queue => self.queue,
            Place::Inbox => self.inbox,
            Place::Recorded => self.recorded,
            Place::Duplicate => self.place_duplicate,
            Place::Quarantine => self.quarantine,
            Place::Applied => self.applied,
            Place::Unchanged => self.unchanged,
            Place::Published => self.published,
            Place::NotDelivered => self.not_delivered,
            Place::Delivered => self.delivered,
        }
    }

    /// How a check went.
    #[must_use]
    pub const fn verdict(&self, verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Passed => self.passed,
            Verdict::Failed => self.failed_check,
            Verdict::NotReached => self.not_reached,
        }
    }

    /// What a check looks at.
    #[must_use]
    pub fn check_title(&self, check: &Check) -> &'static str {
        (self.check)(check.name).title
    }

    /// Why a request fails in a check, and what would be right.
    #[must_use]
    pub fn check_fault(&self, check: &Check) -> &'static str {
        (self.check)(check.name).fault
    }

    /// What follows a number in [`Self::seconds`].
    #[must_use]
    pub fn after_seconds(&self) -> &'static str {
        self.seconds.trim_start_matches("{}")
    }

    /// A reason of the functions in words; itself if it is an unknown one.
    #[must_use]
    pub fn reason<'r>(&self, code: &'r str) -> &'r str {
        codes::look_up(REASONS, self.language, code).unwrap_or(code)
    }

    /// What is wrong with a forged request, in words.
    #[must_use]
    pub fn forgery<'n>(&self, name: &'n str) -> &'n str {
        codes::look_up(FORGERIES, self.language, name).unwrap_or(name)
    }

    /// A part of a user's state in words; its own name if it is an unknown one.
    #[must_use]
    pub fn part<'n>(&self, name: &'n str) -> &'n str {
        codes::look_up(PARTS, self.language, name).unwrap_or(name)
    }

    /// An event in words; its own name if it is an unknown one.
    #[must_use]
    pub fn event_name<'n>(&self, name: &'n str) -> &'n str {
        codes::look_up(EVENTS, self.language, name).unwrap_or(name)
    }
}

#[cfg(test)]
mod tests {
    use kakao_webhooks::wire::account_status::EventType;

    use super::*;

    #[test]
    fn no_language_lacks_a_text() {
        for language in [Language::En, Language::Ko] {
            let words = language.words();
            assert_eq!(words.language, language);
            for (name, text) in words.all() {
                assert!(!text.trim().is_empty(), "{name}");
            }
            for name in CheckName::ALL {
                let CheckWords { title, fault } = (words.check)(name);
                assert!(!title.is_empty() && !fault.is_empty(), "{name:?}");
            }
        }
    }

    #[test]
    fn a_text_differs_between_the_languages_unless_it_is_a_name() {
        let same = Language::En.words().all().into_iter().zip(Language::Ko.words().all());
        let same: Vec<_> = same.filter(|(en, ko)| en.1 == ko.1).map(|(en, _)| en.0).collect();
        assert_eq!(same, Vec::<&str>::new());
    }

    #[test]
    fn a_key_that_does_not_fit_may_be_that_of_an_earlier_run() {
        for words in [Language::En, Language::Ko].map(Language::words) {
            for check in CheckName::ALL {
                let is_of_key = [CheckName::KnownKey, CheckName::Signature].contains(&check);
                assert_eq!((words.check)(check).fault.contains("khook dev"), is_of_key, "{check:?}");
            }
        }
    }

    #[test]
    fn a_korean_counter_follows_its_number_without_a_blank() {
        let counters = ["개", "건", "초"];
        for (name, text) in Language::Ko.words().all() {
            let is_bare = counters.iter().any(|counter| text.starts_with(counter));
            let behind_blanks = text.split(' ').zip(text.split(' ').skip(1));
            let mut apart = behind_blanks.filter(|(number, counter)| {
                number.ends_with(|last: char| last == '}' || last.is_ascii_digit())
                    && counters.iter().any(|known| counter.starts_with(known))
            });
            assert!(!is_bare && apart.next().is_none(), "{name}: {text}");
        }
        assert_eq!(counted(Language::Ko.words().seconds, &3), "3초");
        assert_eq!(counted(Language::En.words().seconds, &3), "3 s");
    }

    #[test]
    fn the_language_is_the_chosen_one_or_else_the_browsers() {
        let headers = |pairs: &[(&str, &str)]| {
            let pair = |(name, value): &(&str, &str)| (name.parse().unwrap(), value.parse().unwrap());
            pairs.iter().map(pair).collect::<HeaderMap>()
        };
        assert_eq!(Language::of(&headers(&[])), Language::En);
        assert_eq!(Language::of(&headers(&[("accept-language", "de, ko-KR;q=0.9, en;q=0.8")])), Language::Ko);
        let chosen = headers(&[("accept-language", "ko"), ("cookie", "a=b; khook-language=en")]);
        assert_eq!(Language::of(&chosen), Language::En);
    }

    /// What stands between two marks, each time.
    fn between<'t>(text: &'t str, open: &str, close: &str) -> Vec<&'t str> {
        text.split(open).skip(1).filter_map(|rest| Some(rest.split_once(close)?.0)).collect()
    }

    #[test]
    fn each_reason_of_the_functions_has_words() {
        let documented = include_str!("../../../../docs/telemetry.md");
        let refusals = between(documented, "## Why a request is refused", "\n## ")[0];
        let rows = refusals.lines().filter(|line| line.starts_with("| `"));
        let mut codes: Vec<_> =
            rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).collect();
        assert!(codes.len() >= 15, "{codes:?}");
        let unreadable = include_str!("../../../../shared/src/wire/unreadable.rs");
        codes.extend(between(between(unreadable, "fn code(", "\n    }")[0], "=> \"", "\""));
        for code in codes {
            assert!(REASONS.iter().any(|(known, _, _)| *known == code), "{code}");
        }
    }

    #[test]
    fn each_event_of_a_token_has_words() {
        let of_token = EVENTS.iter().filter(|(name, _, _)| EventType::of_name(name).is_some());
        assert_eq!(of_token.count(), 18);
    }
}

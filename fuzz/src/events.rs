//! Events of one user out of a fuzzer's bytes. Few names, times and ids, so that ties and bounds are the rule.

use arbitrary::{Result, Unstructured};
use kakao_webhooks::{
    state::{Account, Assurance, Bot, Channel, Credential, Effect, Link, ProfileValue, UserState},
    wire::{EventId, Time},
};

/// A history as the states of its events.
///
/// # Errors
/// At the end of the bytes.
pub fn history(bytes: &mut Unstructured<'_>) -> Result<Vec<UserState>> {
    (0..bytes.int_in_range(0..=6)?).map(|_| event(bytes)).collect()
}

fn event(bytes: &mut Unstructured<'_>) -> Result<UserState> {
    let at = Time::from_seconds(bytes.int_in_range(0..=15)?).unwrap();
    let by = EventId::from_text(["a", "b", "c", "é"][bytes.choose_index(4)?]);
    let mut effects = vec![];
    for _ in 0..bytes.int_in_range(1..=4)? {
        effects.extend(some_effects(bytes)?);
    }
    Ok(UserState::of_event(effects, at, &by))
}

fn some_effects(bytes: &mut Unstructured<'_>) -> Result<Vec<Effect>> {
    let word = [None, Some("A".to_owned()), Some("B".to_owned())][bytes.choose_index(3)?].clone();
    let flag = bytes.arbitrary()?;
    Ok(match bytes.int_in_range(0..=17)? {
        0 => vec![Effect::Link(Link::Linked)],
        1 => vec![Effect::Link(Link::Unlinked { reason: word })],
        2 => vec![Effect::Account(Account::Active)],
        3 => vec![Effect::Account(Account::Disabled { reason: word })],
        4 => vec![Effect::Account(Account::Purged)],
        5 => vec![Effect::Credential(Credential::Ok { detail: word })],
        6 => vec![Effect::Credential(Credential::ChangeRequired { detail: word })],
        7 => vec![Effect::Credential(Credential::Compromised { detail: word })],
        8 => vec![Effect::Assurance(Assurance { current: word, ..Assurance::default() })],
        9 => vec![Effect::VoidSessions],
        10 => vec![Effect::VoidTokens],
        11 => vec![Effect::Erase],
        12 => vec![Effect::Wipe],
        13 => vec![Effect::ProfileStale],
        // More than a map holds.
        14 => names(bytes)?.map(|name| Effect::Scope(name.parse().unwrap(), flag)).collect(),
        15 => names(bytes)?.map(|name| Effect::Profile(name, ProfileValue { value: flag.to_string() })).collect(),
        16 => {
            let status = if flag { "blocked" } else { "added" };
            names(bytes)?
                .map(|name| Effect::Channel(name, Channel { status: status.to_owned(), uuid: word.clone() }))
                .collect()
        }
        _ => names(bytes)?.map(|name| Effect::Bot(name, Bot { user_key: format!("{word:?}") })).collect(),
    })
}

/// Neighbouring names, sometimes more of them than a map holds.
fn names(bytes: &mut Unstructured<'_>) -> Result<impl Iterator<Item = String>> {
    let first = u32::from(bytes.arbitrary::<u8>()? % 60);
    let many = [1, 2, 51][bytes.choose_index(3)?];
    Ok((first..first + many).map(|number| format!("n{number}")))
}

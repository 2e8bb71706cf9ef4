//! KakaoTalk Channel's webhook: a user added or blocked a channel (kakao developers, "KakaoTalk
//! Channel webhook").

use jiff::{Timestamp, civil::DateTime};
use serde::{Deserialize, Serialize};

use super::{ChannelId, Content, Fields, OpenId, Time, Unreadable, UserId, content::ReadField, open::open_enum};

open_enum! {
    /// What a user did with a channel.
    ChannelEvent {
        /// Added it as a friend.
        Added = "added",
        /// Blocked it.
        Blocked = "blocked",
    }
}

/// Who did it: a member of the app, or a user whom only the channel knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelUser {
    /// `id_type` = `app_user_id`: the member number.
    AppUserId(UserId),
    /// `id_type` = `open_id`: a user who did not consent to more.
    OpenId(OpenId),
}

/// One user added or blocked one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TalkChannel {
    /// What happened.
    pub event: ChannelEvent,
    /// Who did it.
    pub user: ChannelUser,
    /// The channel's public id.
    pub channel_id: ChannelId,
    /// The channel's search name (`@name`, any script), where it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_uuid: Option<String>,
    /// When it happened, by Kakao's clock.
    pub at: Time,
}

impl TalkChannel {
    /// Reads the webhook. If a field is absent or unreadable, its deprecated twin is used.
    ///
    /// # Errors
    /// A missing or misshapen field, or an unknown `id_type`.
    pub fn read(content: &Content) -> Result<Self, Unreadable> {
        let fields = content.fields()?;
        Ok(Self {
            event: fields.word("event").ok_or(Unreadable::Missing("event"))?.into(),
            user: user(&fields)?,
            channel_id: fields
                .id("channel_public_id")
                .or_alternative(fields.id("plus_friend_public_id"))
                .required("channel_public_id")?,
            channel_uuid: fields.word("channel_uuid").or_else(|| fields.word("plus_friend_uuid")),
            at: updated_at(&fields).or_alternative(timestamp(&fields)).required("updated_at")?,
        })
    }
}

fn user(fields: &Fields<'_>) -> Result<ChannelUser, Unreadable> {
    match fields.text("id_type").required("id_type")? {
        "app_user_id" => Ok(ChannelUser::AppUserId(fields.id("id").required("id")?)),
        "open_id" => Ok(ChannelUser::OpenId(fields.id("id").required("id")?)),
        _ => Err(Unreadable::Shape("id_type")),
    }
}

fn updated_at(fields: &Fields<'_>) -> Result<Option<Time>, Unreadable> {
    let text = fields.text("updated_at")?;
    text.map(|text| text.parse().map_err(|_| odd_time(text, "updated_at"))).transpose()
}

fn odd_time(text: &str, name: &'static str) -> Unreadable {
    let has_no_zone = text.parse::<Timestamp>().is_err() && text.parse::<DateTime>().is_ok();
    if has_no_zone { Unreadable::NoTimeZone(name) } else { Unreadable::Shape(name) }
}

/// The deprecated twin, in milliseconds.
fn timestamp(fields: &Fields<'_>) -> Result<Option<Time>, Unreadable> {
    let time = |millis: u64| i64::try_from(millis).ok().and_then(Time::from_millis);
    let millis = fields.integer("timestamp")?;
    millis.map(|millis| time(millis).ok_or(Unreadable::Shape("timestamp"))).transpose()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::wire::content::of_json;

    const AT: &str = "2026-09-29T05:34:57Z";
    const AT_MILLIS: u64 = 1_790_660_097_000;

    fn read(members: &Value) -> Result<TalkChannel, Unreadable> {
        TalkChannel::read(&of_json(members))
    }

    /// A good webhook in which these members stand in the place of the others.
    fn with(changes: &[(&str, &Value)]) -> Value {
        let mut members = json!({"event": "added", "id": "7", "id_type": "app_user_id", "channel_public_id": "_a",
            "channel_uuid": "@가게", "updated_at": AT});
        for (name, value) in changes {
            members[*name] = (*value).clone();
        }
        members
    }

    /// What can be read as none of the fields.
    fn unreadable() -> impl Strategy<Value = Value> {
        let odd = [json!(null), json!(""), json!(1.5), json!(-1), json!(true), json!(["_a"]), json!({"a": 1})];
        proptest::sample::select(odd.to_vec())
    }

    proptest! {
        #[test]
        fn a_good_twin_always_wins_over_an_unreadable_one(
            twins in proptest::sample::select(vec![
                ("channel_public_id", "plus_friend_public_id", json!("_a"), json!("_a")),
                ("channel_uuid", "plus_friend_uuid", json!("@가게"), json!("@가게")),
                ("updated_at", "timestamp", json!(AT), json!(AT_MILLIS)),
                ("updated_at", "timestamp", json!(AT), json!(AT_MILLIS.to_string())),
            ]),
            odd in unreadable(),
        ) {
            let (name, old, good, old_good) = twins;
            let expected = read(&with(&[])).unwrap();
            for members in [
                with(&[(name, &odd), (old, &old_good)]),
                with(&[(old, &odd), (name, &good)]),
                with(&[(name, &good), (old, &old_good)]),
            ] {
                prop_assert_eq!(read(&members), Ok(expected.clone()), "{}", members);
            }
        }

        #[test]
        fn the_channels_name_never_costs_the_event(odd in unreadable(), also in unreadable()) {
            let read = read(&with(&[("channel_uuid", &odd), ("plus_friend_uuid", &also)])).unwrap();
            prop_assert_eq!(read.channel_uuid, None);
        }
    }

    #[test]
    fn a_time_without_a_zone_or_a_date_alone_hides_no_timestamp() {
        let no_zone = Unreadable::NoTimeZone("updated_at");
        assert_eq!(
            (no_zone.code(), &*no_zone.to_string()),
            ("field_shape", "the field `updated_at` is a time with no time zone")
        );
        let shape = Unreadable::Shape("updated_at");
        for (odd, why) in [
            ("2026-09-29 14:34:57", &no_zone),
            ("2026-09-29T14:34:57.123", &no_zone),
            ("2026-09-29", &no_zone),
            ("1969-12-31T14:34:57+09:00", &shape),
            ("yesterday", &shape),
            ("1790660097000", &shape),
            ("9999-12-31T23:59:59Z", &shape),
        ] {
            let members = with(&[("updated_at", &json!(odd)), ("timestamp", &json!(AT_MILLIS))]);
            assert_eq!(read(&members).unwrap().at, AT.parse().unwrap(), "{odd}");
            assert_eq!(read(&with(&[("updated_at", &json!(odd))])), Err(why.clone()), "{odd}");
        }
        assert_eq!(read(&with(&[("updated_at", &json!(null))])), Err(Unreadable::Missing("updated_at")));
    }

    #[test]
    fn an_open_id_that_is_a_number_is_its_digits() {
        let of = |id: Value| read(&with(&[("id_type", &json!("open_id")), ("id", &id)])).map(|read| read.user);
        assert_eq!(of(json!(1_274_364_410)), of(json!("1274364410")));
        assert_eq!(of(json!(1_274_364_410)), Ok(ChannelUser::OpenId("1274364410".parse().unwrap())));
        for odd in [json!(1.0), json!(1e9), json!(-1), json!(true)] {
            assert_eq!(of(odd), Err(Unreadable::Shape("id")));
        }
    }
}

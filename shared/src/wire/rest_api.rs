//! What Kakao's REST API answers about the members of an app. Source: Kakao developers, "REST API" of Kakao Login
//! (list of members, information of several members, information of one) and "Error codes".

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{Time, UserId};

/// The most members that one page of the list has, and the most that can be asked for at once.
pub const MOST_MEMBERS: usize = 100;

/// A page of an app's members, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberPage {
    /// The members.
    pub members: Vec<UserId>,
    /// Whether Kakao says that there are more. Its own address of the next page holds a key and is not kept.
    pub has_more: bool,
}

/// A member, as Kakao knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkedMember {
    /// Who.
    pub user_id: UserId,
    /// Since when they are linked, to the second, if Kakao says so.
    pub connected_at: Option<Time>,
}

/// What a member agreed to, as Kakao knows it. It does not say since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberScope {
    /// The consent item's id, such as `account_email`.
    pub id: String,
    /// Whether the member agrees.
    pub is_agreed: bool,
    /// Whether the app uses it.
    pub is_used: bool,
}

/// Why Kakao's REST API did not give what was asked for: one variant for each thing that the caller can do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestError {
    /// An inner error, a timeout, a code that no table names, or an answer that can't be read. Ask again, with pauses.
    #[error("Kakao's API failed: {0}")]
    Again(String),
    /// Maintenance (-7, -9798). Go on later.
    #[error("Kakao's API is under maintenance: {0}")]
    Maintenance(String),
    /// Over the quota (-10). Wait a minute.
    #[error("over the quota of Kakao's API: {0}")]
    Quota(String),
    /// A wrong parameter (-2, -8): a fault of ours.
    #[error("Kakao's API does not accept the request: {0}")]
    Parameters(String),
    /// This key may not call this API, or the app lacks a setting (-3).
    #[error("the key may not call this API: {0}")]
    Category(String),
    /// No permission, or the app is suspended (-5, -12).
    #[error("Kakao refuses the app: {0}")]
    Refused(String),
    /// A wrong key, or the caller's address is not on the key's list (-401).
    #[error("Kakao does not accept the key: {0}")]
    Key(String),
    /// The member is not linked with the app (-101).
    #[error("not linked: {0}")]
    NotLinked(String),
    /// Dormant, or no such account (-103): nothing follows from it.
    #[error("nothing is known of the account: {0}")]
    Unclear(String),
}

impl RestError {
    /// What Kakao's error says. The code decides; the HTTP status does where there is none.
    #[must_use]
    pub fn of_answer(status: u16, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Body {
            code: i64,
            #[serde(default)]
            msg: String,
        }
        let Ok(Body { code, msg }) = serde_json::from_slice(body) else {
            return Self::Again(format!("status {status} without a code"));
        };
        let text = shown(&msg, code);
        match code {
            -7 | -9798 => Self::Maintenance(text),
            -10 => Self::Quota(text),
            -2 | -8 => Self::Parameters(text),
            -3 => Self::Category(text),
            -5 | -12 => Self::Refused(text),
            -401 => Self::Key(text),
            -101 => Self::NotLinked(text),
            -103 => Self::Unclear(text),
            _ => Self::Again(text),
        }
    }

    /// Whether asking again may help, and nothing has to be repaired first.
    #[must_use]
    pub const fn passes(&self) -> bool {
        matches!(self, Self::Again(_) | Self::Maintenance(_) | Self::Quota(_) | Self::NotLinked(_) | Self::Unclear(_))
    }
}

/// The most of Kakao's words that are shown.
const LONGEST_WORDS: usize = 300;

/// Kakao's words with their code.
fn shown(message: &str, code: i64) -> String {
    format!("{} (code {code})", without_secrets(message))
}

/// Kakao's words: on one line, and without what could be a key or a token (32 hexadecimal digits) or a member number.
pub(crate) fn without_secrets(message: &str) -> String {
    let mut words = String::new();
    let mut run = String::new();
    for character in message.chars().chain([' ']) {
        if character.is_ascii_alphanumeric() {
            run.push(character);
            continue;
        }
        words.push_str(if is_secret(&run) { "…" } else { &run });
        run.clear();
        words.push(if character.is_control() { ' ' } else { character });
    }
    words.trim().chars().take(LONGEST_WORDS).collect()
}

/// A key has 32 characters; a member number has six digits or more, which no address and no port has in a row.
fn is_secret(run: &str) -> bool {
    run.len() >= 20 || (run.len() >= 6 && run.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Reads the answer to `GET /v1/user/ids` that asked for members from `from` on. What is out of order, too long or from
/// before `from` is no page: to go on behind it could skip members, or never end.
///
/// # Errors
/// [`RestError`].
pub fn read_members(status: u16, body: &[u8], from: Option<UserId>) -> Result<MemberPage, RestError> {
    #[derive(Deserialize)]
    struct Page<'a> {
        elements: Vec<u64>,
        #[serde(default, borrow)]
        after_url: Option<&'a RawValue>,
    }
    let body = of_success(status, body)?;
    let page: Page<'_> = serde_json::from_slice(body).map_err(|_| unreadable("the list of members"))?;
    let members: Option<Vec<UserId>> = page.elements.into_iter().map(UserId::new).collect();
    let members = members.ok_or_else(|| unreadable("the list of members"))?;
    let ascends = members.is_sorted_by(|one, next| one < next);
    if !ascends || members.len() > MOST_MEMBERS || members.first() < from.as_ref() && !members.is_empty() {
        return Err(RestError::Again("the list of members is not in the order that was asked for".to_owned()));
    }
    Ok(MemberPage { members, has_more: page.after_url.is_some_and(|url| url.get() != "null") })
}

/// Reads the answer to `GET /v2/app/users`: a bare list in Kakao's examples, under `elements` in its table. Only members
/// that were asked for are believed.
///
/// # Errors
/// [`RestError`].
pub fn read_linked_members(status: u16, body: &[u8], asked: &[UserId]) -> Result<Vec<LinkedMember>, RestError> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Members {
        Bare(Vec<Value>),
        Named { elements: Vec<Value> },
    }
    let members = serde_json::from_slice(of_success(status, body)?).map_err(|_| unreadable("the members' data"))?;
    let (Members::Bare(members) | Members::Named { elements: members }) = members;
    // One that can't be read says nothing of the others.
    let members = members.into_iter().filter_map(|member| Member::deserialize(member).ok());
    let linked = members.map(Member::linked).filter(|member| asked.contains(&member.user_id));
    Ok(linked.collect())
}

#[derive(Deserialize)]
struct Member {
    id: UserId,
    connected_at: Option<Value>,
}

impl Member {
    /// A time that can't be read is none: that the member is linked is what counts.
    fn linked(self) -> LinkedMember {
        let connected_at = self.connected_at.as_ref().and_then(Value::as_str).and_then(|time| time.parse().ok());
        LinkedMember { user_id: self.id, connected_at }
    }
}

/// Reads the answer to `GET /v2/user/me` for `asked`: the member is linked if it is an answer about them.
///
/// # Errors
/// [`RestError`]; [`RestError::NotLinked`] is the finding.
pub fn read_member(status: u16, body: &[u8], asked: UserId) -> Result<LinkedMember, RestError> {
    let member: Member =
        serde_json::from_slice(of_success(status, body)?).map_err(|_| unreadable("the member's data"))?;
    let member = member.linked();
    if member.user_id == asked { Ok(member) } else { Err(unreadable("the member's data")) }
}

/// Reads the answer to `GET /v2/user/scopes` for `asked`. The order is Kakao's.
///
/// # Errors
/// [`RestError`]; [`RestError::NotLinked`] is the finding.
pub fn read_scopes(status: u16, body: &[u8], asked: UserId) -> Result<Vec<MemberScope>, RestError> {
    #[derive(Deserialize)]
    struct Answer {
        id: UserId,
        scopes: Vec<Scope>,
    }
    #[derive(Deserialize)]
    struct Scope {
        id: String,
        #[serde(default)]
        agreed: bool,
        #[serde(default)]
        using: bool,
    }
    let answer: Answer =
        serde_json::from_slice(of_success(status, body)?).map_err(|_| unreadable("the member's scopes"))?;
    if answer.id != asked {
        return Err(unreadable("the member's scopes"));
    }
    let scope = |Scope { id, agreed, using }| MemberScope { id, is_agreed: agreed, is_used: using };
    Ok(answer.scopes.into_iter().map(scope).collect())
}

/// The body of an answer that is a success by its status.
fn of_success(status: u16, body: &[u8]) -> Result<&[u8], RestError> {
    if (200..300).contains(&status) { Ok(body) } else { Err(RestError::of_answer(status, body)) }
}

fn unreadable(what: &str) -> RestError {
    RestError::Again(format!("{what} can't be read"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn user(number: u64) -> UserId {
        UserId::new(number).unwrap()
    }

    #[test]
    fn a_page_is_read_whatever_its_addresses_say() {
        let body = br#"{"elements":[7,9223372036854775807],"before_url":null,"after_url":"http://kapi.kakao.com/v1/user/ids?app_key=0123"}"#;
        let page = read_members(200, body, None).unwrap();
        assert_eq!(page, MemberPage { members: vec![user(7), user(9_223_372_036_854_775_807)], has_more: true });
        for last in [r#"{"elements":[7],"after_url":null}"#, r#"{"elements":[7]}"#] {
            assert!(!read_members(200, last.as_bytes(), Some(user(7))).unwrap().has_more);
        }
        assert_eq!(read_members(200, br#"{"elements":[]}"#, Some(user(1))).unwrap().members, []);
    }

    #[test]
    fn what_is_not_the_page_that_was_asked_for_is_no_page() {
        let too_many = format!("{{\"elements\":{:?}}}", (1..=101).collect::<Vec<_>>());
        for body in [
            "{}",
            "[]",
            "null",
            "",
            "<html>",
            r#"{"elements":null}"#,
            r#"{"elements":["7"]}"#,
            r#"{"elements":[7.0]}"#,
            r#"{"elements":[0]}"#,
            r#"{"elements":[-7]}"#,
            r#"{"elements":[8,7]}"#,
            r#"{"elements":[7,7]}"#,
            r#"{"elements":[4]}"#,
            &too_many,
        ] {
            let from = if body == too_many { None } else { Some(user(5)) };
            assert!(matches!(read_members(200, body.as_bytes(), from), Err(RestError::Again(_))), "{body}");
        }
    }

    #[test]
    fn members_are_read_bare_and_named_and_only_those_that_were_asked_for() {
        let list = r#"[{"id":7,"connected_at":"2026-01-02T03:04:05Z"},{"id":8},{"id":9,"connected_at":17},{"id":10}]"#;
        let asked = [user(7), user(8), user(9)];
        for body in [list.to_owned(), format!(r#"{{"elements":{list}}}"#)] {
            let members = read_linked_members(200, body.as_bytes(), &asked).unwrap();
            let times: Vec<_> = members.iter().map(|member| (member.user_id, member.connected_at)).collect();
            let at: Time = "2026-01-02T03:04:05Z".parse().unwrap();
            assert_eq!(times, [(user(7), Some(at)), (user(8), None), (user(9), None)]);
        }
        assert!(read_linked_members(200, b"{}", &asked).is_err());
    }

    #[test]
    fn an_answer_about_another_member_says_nothing() {
        assert!(read_member(200, br#"{"id":7,"connected_at":"2026-01-02T03:04:05Z"}"#, user(7)).is_ok());
        for body in [r#"{"id":8}"#, "{}", r#"{"id":"x"}"#, r#"{"code":-101,"msg":"x"}"#] {
            assert!(matches!(read_member(200, body.as_bytes(), user(7)), Err(RestError::Again(_))), "{body}");
        }
    }

    #[test]
    fn scopes_are_those_of_the_member_that_was_asked_for() {
        let body =
            br#"{"id":7,"scopes":[{"id":"account_email","agreed":true,"using":true,"type":"PRIVACY"},{"id":"age"}]}"#;
        let scope = |id: &str, is| MemberScope { id: id.to_owned(), is_agreed: is, is_used: is };
        assert_eq!(read_scopes(200, body, user(7)).unwrap(), [scope("account_email", true), scope("age", false)]);
        assert!(read_scopes(200, body, user(8)).is_err() && read_scopes(200, b"{}", user(7)).is_err());
        let not_linked = read_scopes(400, br#"{"code":-101,"msg":"m"}"#, user(7));
        assert!(matches!(not_linked, Err(RestError::NotLinked(_))));
    }

    #[test]
    fn each_code_is_its_own_cause_and_an_unknown_one_is_asked_again() {
        type Is = fn(&RestError) -> bool;
        let rows: [(i64, Is); 17] = [
            (-1, |e| matches!(e, RestError::Again(_))),
            (-603, |e| matches!(e, RestError::Again(_))),
            (-7, |e| matches!(e, RestError::Maintenance(_))),
            (-9798, |e| matches!(e, RestError::Maintenance(_))),
            (-2, |e| matches!(e, RestError::Parameters(_))),
            (-8, |e| matches!(e, RestError::Parameters(_))),
            (-3, |e| matches!(e, RestError::Category(_))),
            (-5, |e| matches!(e, RestError::Refused(_))),
            (-12, |e| matches!(e, RestError::Refused(_))),
            (-10, |e| matches!(e, RestError::Quota(_))),
            (-101, |e| matches!(e, RestError::NotLinked(_))),
            (-103, |e| matches!(e, RestError::Unclear(_))),
            (-401, |e| matches!(e, RestError::Key(_))),
            (-402, |e| matches!(e, RestError::Again(_))),
            (-406, |e| matches!(e, RestError::Again(_))),
            (0, |e| matches!(e, RestError::Again(_))),
            (-99999, |e| matches!(e, RestError::Again(_))),
        ];
        for (code, is) in rows {
            // The status is not the judge: a quota comes with 400 or 429.
            for status in [400, 401, 403, 429, 500] {
                let error = RestError::of_answer(status, format!(r#"{{"msg":"m","code":{code}}}"#).as_bytes());
                assert!(is(&error), "{code} {status}: {error:?}");
            }
        }
        for body in ["", "{}", "<html>", r#"{"code":"-101"}"#] {
            assert!(matches!(RestError::of_answer(400, body.as_bytes()), RestError::Again(_)), "{body}");
        }
    }

    #[test]
    fn kakaos_words_are_shown_without_keys_and_member_numbers_and_on_one_line() {
        let body = r#"{"code":-401,"msg":"ip mismatched! callerIp=203.0.113.255.\napp_key=0123456789abcdef0123456789abcdef id=9007199254740993 \u001b[31m"}"#;
        let text = RestError::of_answer(401, body.as_bytes()).to_string();
        assert!(text.contains("callerIp=203.0.113.255") && text.contains("(code -401)"), "{text}");
        assert!(!text.contains("0123456789abcdef") && !text.contains("9007199254740993"), "{text}");
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }

    proptest! {
        #[test]
        fn no_answer_makes_reading_panic(status in 0_u16..700, body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let asked = user(7);
            let _ = read_members(status, &body, Some(asked));
            let _ = read_linked_members(status, &body, &[asked]);
            let _ = read_member(status, &body, asked);
            let _ = read_scopes(status, &body, asked);
        }
    }
}

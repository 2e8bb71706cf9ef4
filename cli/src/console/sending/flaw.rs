//! What can be wrong with a request besides the faults of a token, which are `Forgery`'s.

use crate::kakao::Request;

/// A fault that the console makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::console) enum Flaw {
    /// With a key that is not configured.
    WrongKey,
    /// Without the key's header.
    NoKey,
    /// The right key under another scheme than `KakaoAK`.
    OtherScheme,
    /// Only the first half of what is sent.
    CutOff,
    /// Authentic, but of something that happened long ago.
    Stale,
}

/// A key of nobody's.
const NO_ONES_KEY: &str = "ffffffffffffffffffffffffffffffff";

impl Flaw {
    const ALL: [Self; 5] = [Self::WrongKey, Self::NoKey, Self::OtherScheme, Self::CutOff, Self::Stale];

    /// Its name.
    pub(in crate::console) const fn name(self) -> &'static str {
        match self {
            Self::WrongKey => "wrong-key",
            Self::NoKey => "no-key",
            Self::OtherScheme => "other-scheme",
            Self::CutOff => "cut-off",
            Self::Stale => "stale",
        }
    }

    /// The one with this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flaw| flaw.name() == name)
    }

    /// The request with the fault. `skill_header` is the one that proves a chatbot's request.
    pub(super) fn put_into(self, mut request: Request, skill_header: &str) -> Request {
        let is_key = |name: &str| name.eq_ignore_ascii_case("authorization") || name.eq_ignore_ascii_case(skill_header);
        match self {
            Self::NoKey => request.headers.retain(|(name, _)| !is_key(name)),
            Self::WrongKey => {
                for (_, value) in request.headers.iter_mut().filter(|(name, _)| is_key(name)) {
                    let scheme = value.split_once(' ').map_or(String::new(), |(scheme, _)| format!("{scheme} "));
                    *value = format!("{scheme}{NO_ONES_KEY}");
                }
            }
            Self::OtherScheme => {
                for (_, value) in request.headers.iter_mut().filter(|(name, _)| is_key(name)) {
                    *value = value.replace("KakaoAK ", "Bearer ");
                }
            }
            Self::CutOff => {
                cut(&mut request.query);
                cut(&mut request.body);
            }
            Self::Stale => {}
        }
        request
    }
}

/// Leaves the first half.
fn cut(text: &mut String) {
    let half = text.floor_char_boundary(text.len() / 2);
    text.truncate(half);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kakao::{Shape, SkillMessage, Unlink};

    #[test]
    fn a_flaw_changes_the_key_or_the_content_and_nothing_else() {
        let request =
            Unlink { app_id: "1".into(), user_id: "77".into(), ..Unlink::default() }.request("k", Shape::Form);
        let key = |flaw: Flaw| {
            let request = flaw.put_into(request.clone(), "x-skill-key");
            request.headers.into_iter().find(|(name, _)| name == "Authorization").map(|(_, value)| value)
        };
        assert_eq!(key(Flaw::WrongKey).unwrap(), format!("KakaoAK {NO_ONES_KEY}"));
        assert_eq!(key(Flaw::OtherScheme).unwrap(), "Bearer k");
        assert_eq!(key(Flaw::NoKey), None);
        assert_eq!(key(Flaw::CutOff).unwrap(), "KakaoAK k");
        assert_eq!(Flaw::CutOff.put_into(request.clone(), "x").body, "app_id=1&");
        assert_eq!(Flaw::Stale.put_into(request.clone(), "x"), request);
        let message = SkillMessage::default().request(Some(("X-Skill-Key", "secret")));
        let wrong = Flaw::WrongKey.put_into(message, "x-skill-key");
        assert!(wrong.headers.contains(&("X-Skill-Key".to_owned(), NO_ONES_KEY.to_owned())));
    }

    #[test]
    fn each_flaw_is_found_by_its_name() {
        assert!(Flaw::ALL.into_iter().all(|flaw| Flaw::named(flaw.name()) == Some(flaw)));
    }
}

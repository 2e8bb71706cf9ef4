//! Keys by their names: what is recorded and shown has a name in place of each key, and the key is filled in again where
//! a request is sent once more.

use crate::kakao::Kakao;

/// The app's admin key.
pub const ADMIN_KEY: &str = "{admin key}";
/// The value of the chatbot's header.
pub const SKILL_KEY: &str = "{skill key}";
/// The app's REST API key.
pub const REST_API_KEY: &str = "{REST API key}";
/// What has the form of a key and is none of this run: it may be a real one that was sent by mistake.
pub const UNKNOWN_KEY: &str = "{unknown key}";
/// What has not even the form of a key.
pub const MALFORMED_KEY: &str = "{malformed key}";

/// The keys of a run and their names.
#[derive(Clone)]
pub struct Masks {
    known: [(&'static str, String); 3],
    skill_header: String,
}

impl Masks {
    /// The keys of this simulated Kakao.
    #[must_use]
    pub fn of(kakao: &Kakao) -> Self {
        let known = [
            (ADMIN_KEY, kakao.admin_key.clone()),
            (SKILL_KEY, kakao.skill_key.clone()),
            (REST_API_KEY, kakao.rest_api_key.clone()),
        ];
        Self { known, skill_header: kakao.skill_header.to_ascii_lowercase() }
    }

    /// A text with each key of this run replaced by its name.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        self.known.iter().fold(text.to_owned(), |text, (name, key)| text.replace(key, name))
    }

    /// The value of a header: of one that carries a key, no part of the key stays.
    #[must_use]
    pub fn hide_header(&self, name: &str, value: &str) -> String {
        let hidden = self.hide(value);
        if hidden != value {
            return hidden;
        }
        let name = name.to_ascii_lowercase();
        if name == self.skill_header {
            return UNKNOWN_KEY.to_owned();
        }
        if !["authorization", "proxy-authorization", "x-api-key", "cookie", "set-cookie"].contains(&name.as_str()) {
            return hidden;
        }
        let is_key = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match value.trim().split_once(' ') {
            Some((scheme, key)) if is_key(key.trim()) => format!("{scheme} {UNKNOWN_KEY}"),
            Some((scheme, _)) => format!("{scheme} {MALFORMED_KEY}"),
            None => MALFORMED_KEY.to_owned(),
        }
    }

    /// A text with the keys in place of their names; a wrong key for that of one that is not known any more.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        let known = self.known.iter().fold(text.to_owned(), |text, (name, key)| text.replace(name, key));
        known.replace(UNKNOWN_KEY, &"f".repeat(32)).replace(MALFORMED_KEY, "malformed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_this_run_is_hidden_wherever_it_stands_and_filled_in_again() {
        let kakao = Kakao::generate().unwrap();
        let masks = Masks::of(&kakao);
        let text = format!("a={} b={} c={}", kakao.admin_key, kakao.skill_key, kakao.rest_api_key);
        let hidden = masks.hide(&text);
        assert_eq!(hidden, "a={admin key} b={skill key} c={REST API key}");
        assert_eq!(masks.fill(&hidden), text);
    }

    #[test]
    fn no_part_of_a_key_of_another_app_is_kept() {
        let kakao = Kakao::generate().unwrap();
        let masks = Masks::of(&kakao);
        let other = "0123456789abcdef0123456789abcdef";
        for (name, value, shown) in [
            ("Authorization", format!("KakaoAK {}", kakao.admin_key), "KakaoAK {admin key}"),
            ("authorization", format!("KakaoAK {other}"), "KakaoAK {unknown key}"),
            ("authorization", "Bearer secret".to_owned(), "Bearer {malformed key}"),
            ("authorization", "secret".to_owned(), "{malformed key}"),
            ("X-Skill-Key", "secret".to_owned(), "{unknown key}"),
            ("cookie", "session=secret".to_owned(), "{malformed key}"),
            ("accept", "*/*".to_owned(), "*/*"),
        ] {
            assert_eq!(masks.hide_header(name, &value), shown);
        }
    }
}

use http::{HeaderMap, header::AUTHORIZATION};

use super::{Apps, Digest, Unverified, Verified};
use crate::wire::AppId;

/// Why a request that must carry an admin key is refused. The answer shows neither reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// There is no key, or something that never was one. Nothing to do: it is not from Kakao.
    #[error("no usable key")]
    Missing,
    /// It looks like a key (32 hex characters) and is not one of ours. The sender is a forger, or the app's
    /// primary admin key was changed at Kakao: compare with `khook hash-key`.
    #[error("an unknown key")]
    Unknown,
}

impl Unverified {
    /// Proves that the sender knows an admin key of one of the apps
    /// (`Authorization: KakaoAK <key>`), before anything of the content is read.
    ///
    /// # Errors
    /// [`KeyFault`]: answer 401.
    pub fn prove_by_admin_key(self, apps: &Apps) -> Result<Verified<AppId>, KeyFault> {
        let key = admin_key(self.headers()).ok_or(KeyFault::Missing)?;
        match apps.by_admin_key(&Digest::of(key)) {
            Some(app) => Ok(self.verified(app.app_id.clone())),
            None if is_well_formed(key) => Err(KeyFault::Unknown),
            None => Err(KeyFault::Missing),
        }
    }
}

/// The key of the one `Authorization` header of the scheme `KakaoAK` (RFC 9110 §11.1: the scheme's
/// case doesn't matter). Two headers prove nothing: the gateway may join them to one value.
fn admin_key(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let (scheme, key) = value.as_bytes().trim_ascii().split_at_checked(b"KakaoAK ".len())?;
    (scheme.eq_ignore_ascii_case(b"KakaoAK ")).then(|| key.trim_ascii()).filter(|key| !key.is_empty())
}

fn is_well_formed(key: &[u8]) -> bool {
    key.len() == 32 && key.iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderValue, Method};

    use super::*;
    use crate::wire::{Content, Personal};

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn prove(values: &[&str]) -> Result<Verified<AppId>, KeyFault> {
        let apps =
            Apps::from_json(&format!(r#"[{{"app_id":"1","admin_key_sha256":["{}"]}}]"#, Digest::of(KEY.as_bytes())))
                .unwrap();
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        let content = Content {
            method: Method::GET,
            query: Personal::default(),
            media_type: String::new(),
            body: Personal::new(Bytes::new()),
        };
        Unverified::new(headers, content).prove_by_admin_key(&apps)
    }

    #[test]
    fn the_key_proves_its_app() {
        for value in [format!("KakaoAK {KEY}"), format!("kakaoak  {KEY} ")] {
            assert_eq!(prove(&[&value]).unwrap().proof.as_str(), "1", "{value}");
        }
    }

    #[test]
    fn a_possible_rotated_key_is_distinguished_from_a_malformed_one() {
        assert_eq!(prove(&[&format!("KakaoAK {}", "f".repeat(32))]).unwrap_err(), KeyFault::Unknown);
        for values in [
            &[][..],
            &[""],
            &["KakaoAK"],
            &["KakaoAK "],
            &["KakaoAK x"],
            &[KEY],
            &[&format!("Bearer {KEY}")],
            &[&format!("KakaoAK {KEY}"), &format!("KakaoAK {KEY}")],
            &[&format!("KakaoAK {KEY}, KakaoAK {KEY}")],
        ] {
            assert_eq!(prove(values).unwrap_err(), KeyFault::Missing, "{values:?}");
        }
    }
}

//! Asks Kakao's REST API.

use std::{fs, net::IpAddr, path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use reqwest::{
    Client, Url,
    header::{AUTHORIZATION, HeaderValue},
    redirect,
};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(10);
/// A few dozen networks are a few KB.
const MAX_ANSWER: usize = 1024 * 1024;
/// The least powerful first: any key of the app will do.
const KEYS: [&str; 2] = ["KAKAO_REST_API_KEY", "KAKAO_ADMIN_KEY"];

/// A key of the app: from a file, or else from the environment. The running `khook dev` has none that Kakao knows.
pub(super) fn key(file: Option<&PathBuf>) -> Result<String> {
    let key = match file {
        Some(file) => fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))?,
        None => KEYS
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|text| !text.is_empty()))
            .with_context(|| format!("there is no key: name a file with --key-file, or set {}", KEYS.join(" or ")))?,
    };
    Ok(key.trim().to_owned())
}

/// What Kakao answers to the question for the networks that it calls from.
pub(super) async fn ask(base: &str, key: &str) -> Result<String> {
    let url = url(base)?;
    let mut client = Client::builder().timeout(PATIENCE).redirect(redirect::Policy::none());
    if is_loopback(&url) {
        client = client.no_proxy();
    }
    let mut authorization = HeaderValue::from_str(&format!("KakaoAK {key}"))
        .ok()
        .context("the key is not valid: it cannot be a header's value")?;
    authorization.set_sensitive(true);
    let sent = client.build()?.get(url).header(AUTHORIZATION, authorization).send().await;
    let mut answer = sent.with_context(|| format!("{base} doesn't answer"))?;
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.context("Kakao's answer broke off")? {
        body.extend_from_slice(&chunk);
        ensure!(body.len() <= MAX_ANSWER, "Kakao's answer is longer than any list of addresses");
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    match status {
        200 => Ok(body),
        401 | 403 => {
            bail!("Kakao refuses the key ({status}{}). Is it a REST API key or admin key of the app?", word(&body))
        }
        _ => bail!("Kakao answers {status}{}, and no list. Try again later", word(&body)),
    }
}

/// What Kakao says of an error.
fn word(body: &str) -> String {
    let answer: Value = serde_json::from_str(body).unwrap_or_default();
    let word = answer.get("msg").and_then(Value::as_str).unwrap_or_default();
    if word.is_empty() { String::new() } else { format!(", \"{}\"", word.chars().take(200).collect::<String>()) }
}

fn url(base: &str) -> Result<Url> {
    let url: Url = format!("{}/v1/system/ips?rule_type=inbound", base.trim_end_matches('/'))
        .parse()
        .with_context(|| format!("`{base}` is not a URL"))?;
    ensure!(
        url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)),
        "`{base}` must begin with https:// (http:// is allowed on this machine only): the key goes there"
    );
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_over_plain_http_on_this_machine_only() {
        for base in ["https://kapi.kakao.com", "http://127.0.0.1:1/", "http://localhost", "http://[::1]:2"] {
            assert!(url(base).unwrap().as_str().ends_with("/v1/system/ips?rule_type=inbound"), "{base}");
        }
        for base in ["http://kapi.kakao.com", "http://127.0.0.1.example.com", "ftp://localhost", "kapi.kakao.com", ""] {
            assert!(url(base).is_err(), "{base}");
        }
    }
}

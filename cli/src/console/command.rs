//! A recorded request as a command.

use super::history::{Exchange, RecordedRequest};
use crate::kakao::quoted;

/// The headers that the client sets itself.
const OF_CLIENT: [&str; 4] = ["host", "content-length", "connection", "accept-encoding"];

/// The curl command that sends the same to this address. Keys have names in it.
pub(super) fn curl(request: &RecordedRequest, base_url: &str) -> String {
    let gap = if request.query.is_empty() { "" } else { "?" };
    let method = match request.method.as_str() {
        "HEAD" => "-I".to_owned(),
        method => format!("-i -X {}", quoted(method)),
    };
    let mut command = format!("curl {method} {}", quoted(&format!("{base_url}{}{gap}{}", request.path, request.query)));
    for (name, value) in &request.headers {
        if !OF_CLIENT.contains(&name.as_str()) {
            command.push_str(&format!(" \\\n  -H {}", quoted(&format!("{name}: {value}"))));
        }
    }
    match (&request.body.text, &request.body.base64) {
        (Some(text), _) if !text.is_empty() => command.push_str(&format!(" \\\n  --data-raw {}", quoted(text))),
        (None, Some(encoded)) => {
            command = format!("printf %s {} | base64 -d | {command} \\\n  --data-binary @-", quoted(encoded));
        }
        _ => {}
    }
    command
}

/// The command of khook that sends an event of the same kind about the same user; none of what it can't send.
pub(super) fn khook(exchange: &Exchange) -> Option<String> {
    let explanation = &exchange.explanation;
    let [event] = explanation.events.as_slice() else { return None };
    if event.is_claimed {
        return None;
    }
    let user = event.user.as_deref()?;
    let is_member = event.partition.as_deref().is_some_and(|partition| partition.starts_with("USER#"));
    let fields = &explanation.decoded;
    let text = |pointer: &str| fields.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default();
    let shape = match (exchange.request.method.as_str(), exchange.request.body.shown().trim_start()) {
        ("GET", _) => "query",
        (_, body) if body.starts_with('{') => "json",
        _ => "form",
    };
    let words = match explanation.kind.as_deref()? {
        "unlink" => format!("unlink --user {} --as {shape}", quoted(user)),
        "account-status" => format!("account-status --event {} --user {}", quoted(&event.name), quoted(user)),
        "talk-channel" if is_member => format!("talk-channel --event {} --user {}", quoted(&event.name), quoted(user)),
        "talk-channel" => format!("talk-channel --event {} --open-id {}", quoted(&event.name), quoted(user)),
        "talk-share" if is_member => format!("talk-share --custom {} --as {shape}", quoted(&format!("user_id={user}"))),
        "skill" => {
            let said = text("/userRequest/utterance").trim_end();
            format!("skill --utterance {}", quoted(said))
        }
        _ => return None,
    };
    Some(format!("cargo khook send {words}"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::console::history::RecordedBody;

    /// What a shell makes of a command line, word by word, with `curl` replaced by a program that prints its arguments.
    fn words(command: &str) -> Vec<String> {
        let script = format!("curl() {{ printf '%s\\0' \"$@\"; }}; {command}");
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    fn request(body: &[u8]) -> RecordedRequest {
        RecordedRequest {
            method: "POST".to_owned(),
            path: "/webhooks/unlink".to_owned(),
            query: "a='$(id)'".to_owned(),
            headers: vec![("x-odd".to_owned(), "'; rm -rf /; `id`".to_owned()), ("host".to_owned(), "h".to_owned())],
            body: RecordedBody::of(body),
        }
    }

    #[test]
    fn a_shell_runs_nothing_of_what_stands_in_a_request() {
        let body = "@/etc/passwd ' \" $HOME \\ 한글\n";
        let words = words(&curl(&request(body.as_bytes()), "http://127.0.0.1:4000"));
        let url = "http://127.0.0.1:4000/webhooks/unlink?a='$(id)'";
        let header = "x-odd: '; rm -rf /; `id`";
        assert_eq!(words, ["-i", "-X", "POST", url, "-H", header, "--data-raw", body]);
    }

    #[test]
    fn bytes_that_are_no_text_are_decoded_by_the_command() {
        let command = curl(&request(&[0xff, 0]), "http://127.0.0.1:4000");
        assert!(command.starts_with("printf %s '/wA=' | base64 -d | curl "), "{command}");
        assert!(command.ends_with("--data-binary @-"), "{command}");
    }
}

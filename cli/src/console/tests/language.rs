//! Korean pages name the language of what is English in them, so that a screen reader can read it.

use end_to_end::queue::Queue;
use http::{Method, StatusCode};
use serde_json::json;

use super::{Set, backlogs};
use crate::{console::history::RecordedLine, local::Faults};

/// English sentences of a Korean page outside of elements with `lang="en"`. Code has no language, and a message
/// of a chat has its author's.
fn english(page: &str) -> Vec<String> {
    const VOID: [&str; 6] = ["meta", "link", "input", "br", "hr", "img"];
    const APART: [&str; 5] = ["script", "style", "code", "pre", "textarea"];
    let (mut open, mut found) = (Vec::<(String, bool)>::new(), Vec::new());
    for piece in page.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap();
        let name = tag.split([' ', '\n']).next().unwrap();
        if let Some(name) = name.strip_prefix('/') {
            while open.pop().unwrap().0 != name {}
        } else if !name.starts_with('!') && !VOID.contains(&name) {
            let is_apart = APART.contains(&name) || tag.contains(r#"lang="en""#) || tag.contains(r#"class="talk""#);
            open.push((name.to_owned(), is_apart));
        }
        if !open.iter().any(|(_, is_apart)| *is_apart) && is_english(text) {
            found.push(text.to_owned());
        }
    }
    found
}

/// Four words or more, and no Korean ones.
fn is_english(text: &str) -> bool {
    let is_word = |word: &&str| {
        let letters = word.trim_matches(|mark: char| mark.is_ascii_punctuation());
        letters.len() > 1 && letters.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'\'')
    };
    text.split_whitespace().filter(is_word).count() >= 4 && !text.contains(|letter| ('가'..='힣').contains(&letter))
}

#[test]
fn english_without_its_language_is_found() {
    assert_eq!(english("<p>한글<b>it is not a number</b></p>"), ["it is not a number"]);
    assert!(english("<p>it is 한글 not a number<br></p><p lang=\"en\"><i>it is not a number</i></p>").is_empty());
}

struct Korean(Set);

impl Korean {
    async fn check(&self, method: Method, path: &str, body: &str) -> String {
        let ask = self.0.ask(method, path).header("accept-language", "ko").body(body.to_owned());
        let page = ask.send().await.unwrap().text().await.unwrap();
        assert!(page.contains("<html lang=\"ko\">"), "{path}");
        assert_eq!(english(&page), Vec::<String>::new(), "{path}");
        page
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn english_on_korean_pages_names_its_language() {
    let queue = Queue::start().await.unwrap();
    queue.dead_letters().put("no envelope");
    let backlogs = backlogs::at(&queue.endpoint(), queue.dead_letter_url(), queue.url());
    let set = Set::with_faults(&Faults::default(), Some(backlogs)).await;
    for order in [
        json!({"kind": "account-status", "event": "user-linked", "user": "7", "forge": "signature"}),
        json!({"kind": "unlink", "user": "7"}),
    ] {
        set.ask(Method::POST, "/api/send").body(order.to_string()).send().await.unwrap();
    }
    set.console.history().change(2, |exchange| {
        let fields = json!({"event": "not_applied", "error": "it took too long"}).as_object().unwrap().clone();
        exchange.lines.push(RecordedLine { function: "processor".to_owned(), at: 0, fields });
        true
    });
    let user = format!("/users/{}/7", set.kakao.app_id);
    let korean = Korean(set);
    let get = async |path: &str| korean.check(Method::GET, path, "").await;
    let post = async |path: &str, body: &str| korean.check(Method::POST, path, body).await;
    for path in ["/", "/users", "/users?q=none", "/chatbot", "/faults", "/requests/9", "/requests/2?keys=show"] {
        get(path).await;
    }
    for kind in ["unlink", "account-status", "talk-share", "talk-channel", "skill"] {
        get(&format!("/send/{kind}")).await;
    }
    assert!(get("/requests/1").await.contains("<pre class=\"lines\" lang=\"en\""));
    assert!(get(&user).await.contains("<span lang=\"en\">the table"));
    let page = get("/backlogs").await;
    assert!(page.contains("<td lang=\"en\">not a known envelope") && page.contains("<p class=\"fault\" lang=\"en\">"));
    assert!(post("/backlogs", "").await.contains("role=\"alert\" lang=\"en\""));
    assert!(post("/faults", "fault=x").await.contains("role=\"alert\" lang=\"en\""));
    assert!(post("/send/account-status", "event=user-linkd&user=7").await.contains("<pre tabindex=\"0\" lang=\"en\">"));
    assert!(post("/chatbot", "utterance=").await.contains("role=\"alert\" lang=\"en\""));
}

#[tokio::test]
async fn what_is_said_of_an_answer_on_a_korean_page_names_its_language() {
    let card = json!({"textCard": {"title": "T", "buttons": [{"label": "b", "action": "message"}]}});
    let text = json!({"simpleText": {"text": "x".repeat(990)}});
    let body = json!({"version": "2.0", "template": {"outputs": [card, card, text]}}).to_string();
    let set = Set::with(StatusCode::OK, body.into_bytes().leak()).await;
    set.ask(Method::POST, "/chatbot").body("utterance=hi").send().await.unwrap();
    let page = Korean(set).check(Method::GET, "/chatbot", "").await;
    assert!(page.contains("class=\"remarks\" lang=\"en\"") && page.contains("한도에 가까움"), "{page}");
}

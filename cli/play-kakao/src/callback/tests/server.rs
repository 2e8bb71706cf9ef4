use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;

async fn server() -> CallbackServer {
    CallbackServer::start(SimulatedCallbacks::default()).await.unwrap()
}

/// The head and the body of the answer to this request.
async fn exchanged(server: &CallbackServer, method: &str, path: &str, body: &str) -> io::Result<(String, String)> {
    let mut stream = TcpStream::connect(server.url().strip_prefix("http://").unwrap()).await?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: kakao\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Ok((head.to_lowercase(), body.to_owned()))
}

fn json_of(body: &str) -> Value {
    serde_json::from_str(body).unwrap()
}

#[tokio::test]
async fn a_reply_comes_over_http_within_the_minute() {
    let server = server().await;
    let [first, second] = [(); 2].map(|()| server.issue(BOT, CallbackKind::Chat).unwrap());
    assert_ne!(first.token, second.token);
    let path = first.url.strip_prefix(server.url()).unwrap();
    assert_eq!(path, callback_path(BOT, &first.token));
    server.take_first_answer(&first.token, WAIT);
    server.take_first_answer(&second.token, WAIT);
    let (head, body) = exchanged(&server, "POST", path, &reply("안녕")).await.unwrap();
    assert!(head.starts_with("http/1.1 200") && head.contains("content-type: application/json"), "{head}");
    assert_eq!(json_of(&body)["status"], "SUCCESS");
    assert_eq!(server.exchange(&first.token).unwrap().heard(), ["안녕"]);

    server.advance(Duration::from_secs(60));
    let path = second.url.strip_prefix(server.url()).unwrap();
    let (_, body) = exchanged(&server, "POST", path, &reply("늦음")).await.unwrap();
    assert_eq!(json_of(&body)["message"], CallbackFail::Token.message());
    assert!(server.exchange(&second.token).unwrap().heard().is_empty());
}

#[tokio::test]
async fn a_request_that_is_refused_is_reset_without_a_byte() {
    let server = server().await;
    let callback = server.issue(BOT, CallbackKind::Chat).unwrap();
    server.callbacks().script(1, CallbackFault::Refuse);
    let path = callback_path(BOT, &callback.token);
    let failure = exchanged(&server, "POST", &path, &reply("x")).await.unwrap_err();
    assert_eq!(failure.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(exchanged(&server, "POST", &path, &reply("x")).await.unwrap().0.lines().next(), Some("http/1.1 200 ok"));
}

#[tokio::test]
async fn another_process_plays_a_message_by_requests() {
    let server = server().await;
    let (_, body) =
        exchanged(&server, "POST", EXCHANGES_PATH, &format!("bot_id={BOT}&kind=room&fault=505")).await.unwrap();
    let (url, token) = (json_of(&body)["url"].clone(), json_of(&body)["token"].clone());
    let token = token.as_str().unwrap();
    assert_eq!(url, format!("{}{}", server.url(), callback_path(BOT, token)));
    assert_eq!(server.exchange(token).unwrap().kind, CallbackKind::Room);
    let exchange = format!("{EXCHANGES_PATH}/{token}");
    let (head, _) = exchanged(&server, "POST", &exchange, WAIT).await.unwrap();
    assert!(head.starts_with("http/1.1 204"), "{head}");
    exchanged(&server, "POST", &callback_path(BOT, token), &reply("안녕")).await.unwrap();
    exchanged(&server, "POST", &callback_path(BOT, token), "{").await.unwrap();
    assert_eq!(json_of(&exchanged(&server, "GET", &exchange, "").await.unwrap().1)["open"], true);
    exchanged(&server, "POST", &callback_path(BOT, token), &reply("안녕")).await.unwrap();
    let (_, shown) = exchanged(&server, "GET", &exchange, "").await.unwrap();
    let mut shown = json_of(&shown);
    for attempt in shown["attempts"].as_array_mut().unwrap() {
        assert!(attempt["ms"].take().as_i64().unwrap() < 60_000);
    }
    assert!((1..=300_000).contains(&shown["left_ms"].take().as_i64().unwrap()));
    let expected = json!({
        "left_ms": null,
        "open": false,
        "waiting_text": "잠시만요",
        "heard": ["안녕"],
        "attempts": [
            {"ms": null, "status": "FAIL", "message": "Internal server error 505", "body": json_of(&reply("안녕"))},
            {"ms": null, "status": "FAIL", "message": "Invalid json response", "body": "{"},
            {"ms": null, "status": "SUCCESS", "message": null, "body": json_of(&reply("안녕"))},
        ],
    });
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn a_url_that_nobody_used_is_closed_after_its_time() {
    let server = server().await;
    let token = server.issue(BOT, CallbackKind::Room).unwrap().token;
    let open = async || json_of(&exchanged(&server, "GET", &format!("{EXCHANGES_PATH}/{token}"), "").await.unwrap().1);
    server.advance(Duration::from_secs(299));
    assert_eq!(open().await["open"], true);
    server.advance(Duration::from_secs(1));
    assert_eq!(open().await["open"], false);
}

#[tokio::test]
async fn a_message_of_another_process_needs_a_bot_and_a_known_kind() {
    let server = server().await;
    for form in ["", "bot_id=b", "kind=chat", "bot_id=b&kind=tomorrow", "bot_id=b&kind=chat&fault=x"] {
        let (head, _) = exchanged(&server, "POST", EXCHANGES_PATH, form).await.unwrap();
        assert!(head.starts_with("http/1.1 400"), "{form}: {head}");
    }
    let (head, _) = exchanged(&server, "GET", &format!("{EXCHANGES_PATH}/unknown"), "").await.unwrap();
    assert!(head.starts_with("http/1.1 404"), "{head}");
}

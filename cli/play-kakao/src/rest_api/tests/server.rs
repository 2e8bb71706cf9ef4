use std::io;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;

/// Sends these bytes and reads until the server closes the connection.
async fn exchanged(server: &ApiServer, request: &str) -> io::Result<String> {
    let address = server.url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: kapi\r\nAuthorization: KakaoAK {KEY}\r\nConnection: close\r\n\r\n")
}

/// The head and the body of the answer.
async fn answered(server: &ApiServer, request: &str) -> (String, String) {
    let answer = exchanged(server, request).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

#[tokio::test]
async fn a_list_comes_over_http() {
    let server = ApiServer::start(api(3)).await.unwrap();
    let (head, body) = answered(&server, &get("/v1/user/ids?limit=2&from_id=2")).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("content-type: application/json;charset=utf-8"), "{head}");
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["elements"], json!([2, 3]));
    assert_eq!(server.usage().calls_of(APP, ApiCall::UserIds), 1);
}

#[tokio::test]
async fn an_unlink_takes_its_parameters_from_the_form() {
    let server = ApiServer::start(api(3)).await.unwrap();
    let form = "target_id_type=user_id&target_id=2";
    let request = format!(
        "POST /v1/user/unlink HTTP/1.1\r\nHost: kapi\r\nAuthorization: KakaoAK {KEY}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded;charset=utf-8\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let (head, body) = answered(&server, &request).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert_eq!(body, r#"{"id":2}"#);
    assert_eq!(server.api().members.count(APP), 2);
}

#[tokio::test]
async fn the_caller_is_the_other_end_of_the_connection() {
    let mut api = api(1);
    api.add_key(KEY, AdminKey::reader(APP).only_from([[203, 0, 113, 7].into()]));
    let server = ApiServer::start(api).await.unwrap();
    let (head, body) = answered(&server, &get("/v1/user/ids")).await;
    assert!(head.starts_with("http/1.1 401"), "{head}");
    assert!(body.contains("ip mismatched! callerIp=127.0.0.1."), "{body}");
}

#[tokio::test]
async fn a_page_of_a_proxy_is_html() {
    let server = ApiServer::start(api(1)).await.unwrap();
    server.api().script(ScriptedFault::all(ApiCall::UserIds, ApiFault::Html(502)));
    let (head, _) = answered(&server, &get("/v1/user/ids")).await;
    assert!(head.starts_with("http/1.1 502") && head.contains("content-type: text/html"), "{head}");
}

#[tokio::test]
async fn a_connection_is_reset_without_a_byte_and_the_next_call_is_answered() {
    let server = ApiServer::start(api(1)).await.unwrap();
    server.api().script(ScriptedFault::next(1, ApiCall::UserIds, ApiFault::Reset));
    let failure = exchanged(&server, &get("/v1/user/ids")).await.unwrap_err();
    assert_eq!(failure.kind(), io::ErrorKind::ConnectionReset);
    assert!(answered(&server, &get("/v1/user/ids")).await.0.starts_with("http/1.1 200"));
}

#[tokio::test]
async fn a_call_that_hangs_holds_up_no_other() {
    let server = ApiServer::start(api(1)).await.unwrap();
    server.api().script(ScriptedFault::next(1, ApiCall::UserIds, ApiFault::Hang));
    let request = get("/v1/user/ids");
    let others = async {
        arrival(&server).await;
        for _ in 0..10 {
            assert!(answered(&server, &request).await.0.starts_with("http/1.1 200"));
        }
    };
    tokio::select! {
        biased;
        answer = exchanged(&server, &request) => panic!("the call does not hang: {answer:?}"),
        () = others => {}
    }
}

/// Ends when the first call has arrived.
async fn arrival(server: &ApiServer) {
    while server.usage().calls(ApiCall::UserIds) == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_slow_call_is_answered_as_of_its_arrival() {
    let server = ApiServer::start(api(1)).await.unwrap();
    let time = Duration::from_millis(300);
    server.api().script(ScriptedFault::next(1, ApiCall::UserIds, ApiFault::Slow(time)));
    let began = std::time::Instant::now();
    let unlinked = async {
        arrival(&server).await;
        server.api().members.unlink(APP, 1);
    };
    let request = get("/v1/user/ids");
    let ((_, body), ()) = tokio::join!(answered(&server, &request), unlinked);
    assert!(began.elapsed() >= time);
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["elements"], json!([1]));
}

#[tokio::test]
async fn the_quota_ends_when_the_clock_is_put_forward() {
    let mut api = api(1);
    api.settings.lists_per_minute = Some(1);
    let server = ApiServer::start(api).await.unwrap();
    let status = async || answered(&server, &get("/v1/user/ids")).await.0.chars().skip(9).take(3).collect::<String>();
    assert_eq!((status().await.as_str(), status().await.as_str()), ("200", "429"));
    server.advance(Duration::from_secs(60));
    assert_eq!(status().await, "200");
    assert_eq!(server.usage().busiest_minute(APP), 2);
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error() {
    let server = ApiServer::start(api(0)).await.unwrap();
    let port = server.url().rsplit(':').next().unwrap().parse().unwrap();
    assert_eq!(ApiServer::start_on(port, api(0)).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
}

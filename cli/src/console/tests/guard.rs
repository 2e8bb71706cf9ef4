use http::{Method, StatusCode};

use super::Set;

#[tokio::test]
async fn the_token_of_the_address_becomes_a_cookie_and_leaves_the_address() {
    let set = Set::new().await;
    let url = format!("{}?token={}&kind=unlink", set.url("/"), set.token());
    let answer = set.client.get(url).send().await.unwrap();
    assert_eq!(
        (answer.status(), &answer.headers()["location"]),
        (StatusCode::SEE_OTHER, &"/?kind=unlink".parse().unwrap())
    );
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    let page = set.client.get(set.url("/")).header("cookie", pair).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
}

#[tokio::test]
async fn without_the_token_nothing_of_the_console_is_shown() {
    let set = Set::new().await;
    for path in ["/", "/requests/1", "/rows", "/api/events", "/assets/console.js", "/?token=wrong", "/?token="] {
        let answer = set.client.get(set.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    let wrong = set.client.get(set.url("/")).header("cookie", format!("khook-console-{}=wrong", set.console.port()));
    assert_eq!(wrong.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_path_that_no_one_has_is_answered_404_without_the_token_as_the_service_would() {
    let set = Set::new().await;
    for path in ["/none", "/skill/khook-check", "/health/x", "/none?token=wrong", "/webhooks", "/.env"] {
        for method in [Method::GET, Method::POST] {
            for host in [format!("127.0.0.1:{}", set.console.port()), "tunnel.example".to_owned()] {
                let ask = set.client.request(method.clone(), set.url(path)).header("host", &host);
                let answer = ask.header("origin", "https://evil.example").send().await.unwrap();
                assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{method} {host} {path}");
                assert_eq!(answer.text().await.unwrap(), r#"{"message":"Not Found"}"#);
            }
        }
    }
    let page = set.ask(Method::GET, "/none").send().await.unwrap();
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    assert!(page.text().await.unwrap().contains("<html"));
}

#[tokio::test]
async fn a_request_with_another_host_is_refused() {
    let set = Set::new().await;
    for host in ["evil.example", "evil.example:4000", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:4000", ""] {
        let answer = set.ask(Method::GET, "/").header("host", host).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
    let localhost = format!("localhost:{}", set.console.port());
    assert_eq!(set.ask(Method::GET, "/").header("host", localhost).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_change_from_a_page_of_another_origin_is_refused() {
    let set = Set::new().await;
    for (name, value) in [
        ("origin", "https://evil.example".to_owned()),
        ("origin", "null".to_owned()),
        ("origin", "http://127.0.0.1:1".to_owned()),
        ("origin", format!("https://127.0.0.1:{}", set.console.port())),
        ("sec-fetch-site", "cross-site".to_owned()),
        ("sec-fetch-site", "same-site".to_owned()),
    ] {
        let answer = set.ask(Method::DELETE, "/api/events").header(name, &value).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name}: {value}");
    }
    let origin = set.console.base_url().to_owned();
    for request in
        [set.ask(Method::DELETE, "/api/events").header("origin", origin), set.ask(Method::DELETE, "/api/events")]
    {
        assert_eq!(request.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    }
}

#[tokio::test]
async fn the_policy_of_each_page_forbids_foreign_content_and_inline_scripts() {
    let set = Set::new().await;
    for path in ["/", "/none", "/api/events", "/assets/console.js"] {
        let answer = set.ask(Method::GET, path).send().await.unwrap();
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers()["referrer-policy"], "same-origin");
    }
    let page = set.text("/").await;
    for forbidden in ["http://", "https://", "<style", "style=", "onclick", "javascript:"] {
        let without_own = page.replace(set.console.base_url(), "");
        assert!(!without_own.contains(forbidden), "{forbidden}");
    }
}

#[tokio::test]
async fn a_language_leads_back_to_pages_of_the_console_only() {
    let set = Set::new().await;
    for (to, location) in
        [("/requests/1", "/requests/1"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil", "/")]
    {
        let answer = set.ask(Method::GET, &format!("/language/ko?to={to}")).send().await.unwrap();
        assert_eq!(answer.headers()["location"], location);
    }
    let page = set.ask(Method::GET, "/").header("cookie", "khook-language=ko").send().await.unwrap();
    assert!(page.text().await.unwrap().contains("<html lang=\"ko\">"));
}

#[tokio::test]
async fn an_address_with_two_slashes_does_not_lead_to_another_host() {
    let set = Set::new().await;
    let answer = set.client.get(format!("{}?token={}", set.url("//evil.example/"), set.token())).send().await.unwrap();
    assert_eq!(answer.headers()["location"], "/evil.example/");
}

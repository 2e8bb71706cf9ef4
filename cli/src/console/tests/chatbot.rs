use http::{Method, StatusCode};
use play_kakao::callback::{CallbackServer, SimulatedCallbacks};
use serde_json::{Value, json};

use super::{Set, no_cloud, start_with};

/// The chat's page after a message that is answered by these outputs and quick replies.
async fn shown(template: Value) -> String {
    let body = json!({"version": "2.0", "template": template}).to_string().into_bytes();
    let set = Set::with(StatusCode::OK, body.leak()).await;
    say(&set, "utterance=hi").await;
    set.text("/chatbot").await
}

async fn shown_output(output: Value) -> String {
    shown(json!({"outputs": [output]})).await
}

async fn say(set: &Set, form: &'static str) -> reqwest::Response {
    set.ask(Method::POST, "/chatbot").body(form).send().await.unwrap()
}

/// Each part is there, one behind the other.
fn assert_in_order(page: &str, parts: &[&str]) {
    let mut rest = page;
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else { panic!("`{part}` is missing in\n{rest}") };
        rest = behind;
    }
}

#[tokio::test]
async fn a_message_is_sent_as_kakao_sends_it_and_is_in_the_timeline() {
    let set =
        Set::with(StatusCode::OK, br#"{"version":"2.0","template":{"outputs":[{"simpleText":{"text":"yes"}}]}}"#).await;
    let sent = say(&set, "utterance=hello&user=u1&member=7&callback=on").await;
    assert_eq!(
        (sent.status(), &sent.headers()["location"]),
        (StatusCode::SEE_OTHER, &"/chatbot?user=u1&room=&member=7&callback=on".parse().unwrap())
    );
    let came = set.came().remove(0);
    let body: Value = serde_json::from_slice(&came.body).unwrap();
    assert_eq!(came.target, "/prefix/skill");
    assert_eq!(came.headers["x-skill-key"], set.kakao.skill_key.as_str());
    assert_eq!(body["userRequest"]["utterance"], "hello\n");
    assert_eq!(body["userRequest"]["user"]["id"], "u1");
    assert_eq!(body["userRequest"]["user"]["properties"]["appUserId"], "7");
    let listed = set.json("/api/events?kind=skill").await;
    assert_eq!(listed["events"][0]["outcome"], "taken");
    let page = set.text("/chatbot?user=u1").await;
    assert_in_order(
        &page,
        &["bubble mine\">hello<", "href=\"/requests/1\"", "<p class=\"bubble\">yes</p>", "a valid SkillResponse"],
    );
}

#[tokio::test]
async fn a_message_is_shown_only_in_the_chat_of_its_user_and_room() {
    let set = Set::with(StatusCode::OK, br#"{"version":"2.0","template":{"outputs":[]}}"#).await;
    say(&set, "utterance=mine").await;
    say(&set, "utterance=other&user=u2&room=r1").await;
    let [mine, other] = ["/chatbot", "/chatbot?user=u2&room=r1"].map(|path| set.text(path));
    let (mine, other) = (mine.await, other.await);
    assert!(mine.contains("bubble mine\">mine<") && !mine.contains("bubble mine\">@khook other<"), "{mine}");
    assert!(other.contains("bubble mine\">@khook other<") && !other.contains("bubble mine\">mine<"), "{other}");
    assert!(mine.contains("href=\"/chatbot?user=u2&#38;room=r1\""), "{mine}");
}

#[tokio::test]
async fn words_and_a_picture_are_bubbles_and_no_picture_is_loaded() {
    let page = shown(json!({"outputs": [
        {"simpleText": {"text": "line 1\nline 2"}},
        {"simpleImage": {"imageUrl": "https://img.example/a.png", "altText": "a cat"}},
    ]}))
    .await;
    assert_in_order(
        &page,
        &["<p class=\"bubble\">line 1\nline 2</p>", "role=\"img\"", "a cat", "<code>https://img.example/a.png</code>"],
    );
    assert!(!page.contains("<img") && !page.contains("src=\"https"), "{page}");
}

#[tokio::test]
async fn a_text_card_has_its_buttons_each_with_what_it_does() {
    let page = shown_output(json!({"textCard": {"title": "T", "description": "D", "buttons": [
        {"label": "page", "action": "webLink", "webLinkUrl": "https://shop.example/"},
        {"label": "ring", "action": "phone", "phoneNumber": "02-1"},
        {"label": "give", "action": "share"},
    ]}}))
    .await;
    assert_in_order(
        &page,
        &[
            "class=\"card textCard\"",
            "<p class=\"card-title\">T</p>",
            "<p>D</p>",
            "<a class=\"button\" href=\"https://shop.example/\" target=\"_blank\" rel=\"noopener noreferrer\">page",
            "ring <span class=\"note\">calls 02-1",
            "give <span class=\"note\">shares the bubble",
        ],
    );
}

#[tokio::test]
async fn a_button_of_a_block_sends_what_kakao_would_send() {
    let set = Set::with(StatusCode::OK, br#"{"version":"2.0","template":{"outputs":[{"basicCard":{"title":"T","thumbnail":{"imageUrl":"https://i.example","fixedRatio":true},"buttons":[{"label":"Go","action":"block","blockId":"b1","extra":{"n":1}}]}}]}}"#).await;
    say(&set, "utterance=hi").await;
    let page = set.text("/chatbot").await;
    assert_in_order(
        &page,
        &[
            "card basicCard",
            "picture square",
            "name=\"utterance\" value=\"Go\"",
            "name=\"block\" value=\"b1\"",
            "name=\"extra\" value=\"{&#34;n&#34;:1}\"",
            ">Go</button>",
        ],
    );
    say(&set, "utterance=Go&block=b1&extra=%7B%22n%22%3A1%7D").await;
    let body: Value = serde_json::from_slice(&set.came().pop().unwrap().body).unwrap();
    assert_eq!(body["userRequest"]["block"], json!({"id": "b1"}));
    assert_eq!(body["action"]["clientExtra"], json!({"n": 1}));
    assert!(set.text("/chatbot").await.contains("block <code>b1</code>"));
}

#[tokio::test]
async fn a_commerce_card_shows_the_price_after_the_discount_and_before() {
    let page = shown_output(json!({"commerceCard": {
        "title": "Bear", "price": 1_234_500, "discount": 34_500, "thumbnails": [{"imageUrl": "https://i.example"}],
        "profile": {"nickname": "Shop"},
    }}))
    .await;
    assert_in_order(
        &page,
        &["card commerceCard", "<p class=\"card-head\">Shop</p>", "<b>1,200,000원</b>", "<s>1,234,500원</s>", "Bear"],
    );
}

#[tokio::test]
async fn a_list_card_shows_its_items_with_their_pictures_and_actions() {
    let page = shown_output(json!({"listCard": {"header": {"title": "H"}, "items": [
        {"title": "one", "description": "first", "imageUrl": "https://i.example/1", "link": {"web": "https://one.example"}},
        {"title": "two", "action": "message", "messageText": "take two"},
    ]}}))
    .await;
    assert_in_order(
        &page,
        &[
            "card listCard",
            ">H</p>",
            "href=\"https://one.example\"",
            "first",
            "role=\"img\"",
            "value=\"take two\"",
            ">two</button>",
        ],
    );
}

#[tokio::test]
async fn an_item_card_is_a_table_with_its_sum() {
    let page = shown_output(json!({"itemCard": {
        "head": {"title": "Order"}, "imageTitle": {"title": "IT", "imageUrl": "https://i.example"},
        "itemList": [{"title": "Bear", "description": "1"}], "itemListAlignment": "right",
        "itemListSummary": {"title": "Total", "description": "9원"}, "title": "Thanks", "buttonLayout": "horizontal",
        "buttons": [{"label": "a", "action": "message", "messageText": "a"}, {"label": "b", "action": "message", "messageText": "b"}],
    }}))
    .await;
    assert_in_order(
        &page,
        &[
            "card itemCard",
            "Order",
            "<b>IT</b>",
            "class=\"lines right sum\"",
            "<dt>Bear</dt><dd>1</dd>",
            "<dt>Total</dt><dd>9원</dd>",
            "Thanks",
            "beside-each-other",
        ],
    );
}

#[tokio::test]
async fn cards_of_a_carousel_stand_in_a_row_behind_their_cover() {
    let card = json!({"title": "C", "thumbnail": {"imageUrl": "https://i.example"}});
    let page = shown_output(json!({"carousel": {"type": "basicCard", "items": [card, card], "header": {
        "title": "Cover", "description": "CD", "thumbnail": {"imageUrl": "https://i.example/c"},
    }}}))
    .await;
    assert_in_order(&page, &["row-of-cards", "Cover", "CD", "card basicCard", "card basicCard"]);
}

#[tokio::test]
async fn quick_replies_are_buttons_that_say_their_text() {
    let page = shown(json!({
        "outputs": [{"simpleText": {"text": "?"}}],
        "quickReplies": [{"label": "Yes", "action": "message", "messageText": "of course"}],
    }))
    .await;
    assert_in_order(
        &page,
        &["role=\"group\"", "method=\"post\" action=\"/chatbot\"", "value=\"of course\"", ">Yes</button>"],
    );
}

#[tokio::test]
async fn a_mistake_a_remark_and_a_limit_that_is_near_are_named_beside_the_answer() {
    let page = shown_output(json!({"textCard": {"buttons": [{"label": "b", "action": "message"}]}})).await;
    assert_in_order(
        &page,
        &[
            "judged mistake",
            "template.outputs[0].textCard.title",
            "outputs[0].textCard.buttons[0].messageText` is required",
        ],
    );
    let page = shown_output(json!({"simpleTxt": {"text": "x"}})).await;
    assert_in_order(&page, &["<code>simpleTxt</code>", "no component that Kakao knows"]);
    let page = shown_output(json!({"simpleText": {"text": "x".repeat(900)}})).await;
    assert_in_order(
        &page,
        &["judged right", "Near a limit", "`outputs[0].simpleText.text` has 900 of 1000 characters"],
    );
}

#[tokio::test]
async fn an_answer_is_judged_with_the_content_type_that_it_had() {
    let body = br#"{"version":"2.0","template":{"outputs":[{"simpleText":{"text":"yes"}}]}}"#;
    for (content_type, verdict, seen) in [
        ("application/json;charset=utf-8", "right", "a valid SkillResponse: yes"),
        ("text/html", "mistake", "text/html"),
    ] {
        let set = Set::answering(StatusCode::OK, content_type, body, no_cloud()).await;
        say(&set, "utterance=hi").await;
        let judged = &set.json("/api/chatbot").await["messages"][0]["reply"]["judgement"];
        assert_eq!((&judged["verdict"], &judged["seen"]), (&json!(verdict), &json!(seen)));
    }
}

#[tokio::test]
async fn hostile_answers_are_shown_as_text_and_lead_nowhere() {
    const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";
    let tap = |action: &str, member: &str| json!({"label": HOSTILE, "action": action, member: HOSTILE, "extra": {HOSTILE: HOSTILE}});
    let buttons = json!([
        tap("message", "messageText"), tap("block", "blockId"), tap("webLink", "webLinkUrl"), tap("phone", "phoneNumber"), tap(HOSTILE, "x"),
        {"label": "l", "action": "webLink", "webLinkUrl": "javascript:alert(1)"},
    ]);
    let picture = json!({"imageUrl": HOSTILE, "altText": HOSTILE, "link": {"web": "javascript:alert(2)"}});
    let card = json!({
        "title": HOSTILE, "description": HOSTILE, "thumbnail": picture, "head": {"title": HOSTILE}, "buttons": buttons,
        "imageTitle": {"title": HOSTILE, "description": HOSTILE, "imageUrl": HOSTILE},
        "itemList": [{"title": HOSTILE, "description": HOSTILE}], "items": [{"title": HOSTILE, "description": HOSTILE, "imageUrl": HOSTILE, "link": {"web": HOSTILE}}],
    });
    let row = json!({"type": "itemCard", "header": {"title": HOSTILE, "description": HOSTILE, "thumbnail": picture}, "items": [card]});
    let page = shown(json!({"outputs": [
        {"simpleText": {"text": HOSTILE}}, {"simpleImage": picture}, {"itemCard": card}, {"listCard": card}, {"carousel": row}, {HOSTILE: {}},
        {"carousel": {"type": HOSTILE}},
    ], "quickReplies": buttons}))
    .await;
    for forbidden in ["<script>", "<img", "\"javascript:", "'javascript:"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("<code>javascript:alert(1)</code>"), "{page}");
}

#[tokio::test]
async fn a_message_without_text_or_with_a_malformed_field_is_refused_and_not_sent() {
    let set = Set::new().await;
    for form in ["user=u", "utterance=+&user=u", "utterance=x&member=7a", "utterance=x&extra=7"] {
        let answer = say(&set, form).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{form}");
        assert!(answer.text().await.unwrap().contains("role=\"alert\""), "{form}");
    }
    let answer = set.ask(Method::POST, "/chatbot").header("origin", "https://evil.example").body("utterance=x").send();
    assert_eq!(answer.await.unwrap().status(), StatusCode::FORBIDDEN);
    assert!(set.came().is_empty());
}

#[tokio::test]
async fn an_announced_answer_appears_when_it_comes_to_the_callback_url() {
    let mut set =
        Set::with(StatusCode::OK, r#"{"version":"2.0","useCallback":true,"data":{"text":"잠시만요"}}"#.as_bytes())
            .await;
    let callbacks = CallbackServer::start(SimulatedCallbacks::default()).await.unwrap();
    set.console = start_with(&set.base_url, &set.kakao, &set.folder, Some(callbacks.url())).await;
    say(&set, "utterance=slow&callback=on").await;
    let waiting = set.text("/chatbot").await;
    assert_in_order(&waiting, &["http-equiv=\"refresh\"", "data-waiting", "잠시만요", "data-until="]);
    let came: Value = serde_json::from_slice(&set.came()[0].body).unwrap();
    let url = came["userRequest"]["callbackUrl"].as_str().unwrap();
    let post = |body: &'static str| set.client.post(url).header("content-type", "application/json").body(body).send();
    post("{").await.unwrap();
    post(r#"{"version":"2.0","template":{"outputs":[{"simpleText":{"text":"at last"}}]}}"#).await.unwrap();
    let answered = set.text("/chatbot").await;
    assert_in_order(&answered, &["잠시만요", "Invalid json response", "at last"]);
    assert!(!answered.contains("data-waiting") && !answered.contains("data-until"), "{answered}");
    let chat = set.json("/api/chatbot").await;
    assert_eq!(
        chat["messages"][0]["callback"]["attempts"][1]["reply"]["bubbles"][0],
        json!({"kind": "text", "text": "at last"})
    );
}

#[tokio::test]
async fn the_api_sends_a_message_and_lists_it_with_its_answer() {
    let set =
        Set::with(StatusCode::OK, br#"{"version":"2.0","template":{"outputs":[{"simpleText":{"text":"yes"}}]}}"#).await;
    let sent = set.ask(Method::POST, "/api/chatbot").body(r#"{"utterance":"hi","user":"u1"}"#).send().await.unwrap();
    assert_eq!(sent.text().await.unwrap(), r#"{"id":1,"status":200}"#);
    let chat = set.json("/api/chatbot?user=u1").await;
    let message = &chat["messages"][0];
    assert_eq!(
        (&message["said"], &message["id"], &message["reply"]["judgement"]["verdict"]),
        (&json!("hi"), &json!(1), &json!("right"))
    );
    for wrong in ["", "{}", r#"{"utterance":7}"#, r#"{"utterance":"x","other":1}"#] {
        let answer = set.ask(Method::POST, "/api/chatbot").body(wrong).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{wrong}");
    }
}

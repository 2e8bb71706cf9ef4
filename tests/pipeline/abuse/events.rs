//! Events of the gateway that lack members, and events that are not the gateway's.

use end_to_end::lambda::Outcome;
use serde_json::{Value, json};

use super::{Bench, Case, Destination, changed, to_every_webhook};

fn without(event: &Value, parent: &str, name: &str) -> Value {
    let mut event = event.clone();
    event.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
    event
}

#[tokio::test]
async fn a_gateway_event_with_few_members_is_accepted_all_the_same() {
    let mut bench = Bench::start().await;
    let webhooks = bench.webhooks();
    let mut cases = vec![];
    for (parent, name) in [
        ("", "version"),
        // Path and query stand in other members, too.
        ("", "rawPath"),
        ("", "rawQueryString"),
        ("", "routeKey"),
        ("", "isBase64Encoded"),
        ("", "queryStringParameters"),
        ("/requestContext", "timeEpoch"),
        ("/requestContext", "requestId"),
        ("/requestContext", "stage"),
        ("/requestContext", "domainName"),
        ("/requestContext/http", "path"),
        ("/requestContext/http", "sourceIp"),
    ] {
        // Without the flag a token's body is taken for the base64 that it is in.
        let kept = if name == "isBase64Encoded" { &webhooks[4..6] } else { &webhooks[..] };
        cases.extend(to_every_webhook(kept, &format!("no {name}"), |event| without(event, parent, name)));
    }
    for value in
        [json!("1740799800000"), json!(-1), json!(i64::MIN), json!(u64::MAX), json!(1e300), json!(null), json!({})]
    {
        let change = |event: &Value| changed(event, "/requestContext/timeEpoch", value.clone());
        cases.extend(to_every_webhook(&webhooks, &format!("timeEpoch {value}"), change));
    }
    for value in [json!(""), json!(7), json!(null), json!("a#b\r\n\0"), json!("x".repeat(100_000))] {
        let change = |event: &Value| changed(event, "/requestContext/requestId", value.clone());
        cases.extend(to_every_webhook(&webhooks, &format!("requestId {:.20}", value.to_string()), change));
    }
    for value in [json!("no address"), json!(7), json!("::ffff:1.2.3.4%eth0"), json!("")] {
        let change = |event: &Value| changed(event, "/requestContext/http/sourceIp", value.clone());
        cases.extend(to_every_webhook(&webhooks, &format!("sourceIp {value}"), change));
    }
    bench.try_all(cases).await;
}

#[tokio::test]
async fn a_query_or_a_body_that_is_no_text_is_absent() {
    let mut bench = Bench::start().await;
    let webhooks = bench.webhooks();
    let [unlink, _, share, _, channel, skill, token] = &webhooks[..] else { panic!("other webhooks") };
    let mut cases = vec![];
    for value in [json!(null), json!(7), json!(["app_id=123456"]), json!({"app_id": "123456"})] {
        for webhook in [unlink, share] {
            let event = without(&webhook.genuine, "", "queryStringParameters");
            let event = changed(&event, "/rawQueryString", value.clone());
            let end = Destination::Quarantine("missing_field");
            cases.push(Case::new(format!("query {value}"), webhook.function, event, 200, end));
        }
        for (webhook, reason) in [(channel, "missing_field"), (skill, "json")] {
            let event = changed(&webhook.genuine, "/body", value.clone());
            cases.push(Case::new(
                format!("body {value}"),
                webhook.function,
                event,
                200,
                Destination::Quarantine(reason),
            ));
        }
        let event = changed(&token.genuine, "/body", value.clone());
        cases.push(Case::new(format!("body {value}"), token.function, event, 400, Destination::Nowhere));
    }
    bench.try_all(cases).await;
}

fn not_of_an_http_api(good: &Value) -> Vec<Value> {
    let rest_api = json!({
        "version": "1.0", "resource": "/webhooks/unlink", "path": "/webhooks/unlink", "httpMethod": "GET",
        "headers": good["headers"], "multiValueHeaders": {},
        "queryStringParameters": {"app_id": "123456", "user_id": "1"},
        "requestContext": {"requestId": "r", "httpMethod": "GET", "path": "/webhooks/unlink", "stage": "prod"},
        "body": null, "isBase64Encoded": false,
    });
    let load_balancer = json!({
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:x"}}, "httpMethod": "GET",
        "path": "/webhooks/unlink", "queryStringParameters": {"app_id": "123456", "user_id": "1"},
        "headers": good["headers"], "body": "", "isBase64Encoded": false,
    });
    let queue = json!({"Records": [{"messageId": "m", "body": "{}", "eventSource": "aws:sqs"}]});
    let mut others = vec![rest_api, load_balancer, queue];
    others.extend([json!({}), json!(null), json!([]), json!(""), json!(7), json!(true), json!([good])]);
    others.extend([
        without(good, "", "requestContext"),
        without(&without(good, "", "rawPath"), "/requestContext/http", "path"),
        without(good, "/requestContext", "http"),
        without(good, "/requestContext/http", "method"),
    ]);
    for (pointer, value) in [
        ("/requestContext", json!("GET")),
        ("/requestContext", json!(null)),
        ("/requestContext/http", json!([])),
        ("/requestContext/http/method", json!(null)),
        ("/requestContext/http/method", json!("")),
        ("/requestContext/http/method", json!("GE T")),
        ("/requestContext/http/method", json!("GET\r\n")),
        ("/requestContext/http/method", json!("연결")),
    ] {
        others.push(changed(good, pointer, value));
    }
    others
}

#[tokio::test]
async fn an_event_that_is_no_request_of_an_http_api_fails_with_the_mend_and_the_next_one_works() {
    let mut bench = Bench::start().await;
    for webhook in bench.webhooks() {
        for other in not_of_an_http_api(&webhook.genuine) {
            let outcome = bench.pipeline.function(webhook.function).await.unwrap().invoke(&other).await.unwrap();
            let Outcome::Error(error) = outcome else { panic!("{other} was answered with {outcome:?}") };
            let message = error["errorMessage"].as_str().unwrap();
            assert!(message.contains("payload format 2.0"), "{other}: {message}");
            assert_eq!(bench.pipeline.queue.bodies(), Vec::<String>::new(), "{other}");
            bench.the_next_works(webhook.function).await;
        }
    }
}

#[tokio::test]
async fn a_member_that_is_not_read_may_be_nested_to_any_depth() {
    let mut bench = Bench::start().await;
    let mut deep = json!(1);
    for _ in 0..1_000 {
        deep = json!([deep]);
    }
    let cases: Vec<Case> = bench
        .webhooks()
        .iter()
        .map(|webhook| {
            let event = changed(&webhook.genuine, "/stageVariables", deep.clone());
            Case::new("1,000 levels", webhook.function, event, webhook.accepted, Destination::Event)
        })
        .collect();
    bench.try_all(cases).await;
}

#[tokio::test]
async fn a_method_in_another_case_is_another_method() {
    let mut bench = Bench::start().await;
    let mut cases = vec![];
    for webhook in bench.webhooks() {
        for method in ["get", "Post", "TRACE", "CONNECT", "X", &"A".repeat(5_000)] {
            let event = changed(&webhook.genuine, "/requestContext/http/method", method);
            cases.push(Case::new(format!("{method:.10}"), webhook.function, event, 405, Destination::Nowhere));
        }
    }
    bench.try_all(cases).await;
}

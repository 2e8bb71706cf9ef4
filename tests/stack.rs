//! The project's own `template.yaml` in the local cloud: every webhook over HTTP through API Gateway, Lambda and SQS
//! to the table, and what can't be processed to the dead letters.

#[cfg(test)]
mod deployed;

#[cfg(test)]
mod stack {
    use aws_sdk_dynamodb::types::AttributeValue;
    use aws_sdk_sqs::types::QueueAttributeName;
    use end_to_end::{Fixture, Request, binaries::workspace, keys::KeyEndpoint, patience::becomes, service};
    use kakao_webhooks::{
        state::{Members, user_view},
        wire::Time,
    };
    use khook::{
        local::{CLOUD, Cloud, Project, provision},
        ui::progress::Progress,
    };
    use play_kakao::Forgery;
    use serde_json::Value;
    use tokio::process::Command;

    use crate::deployed;

    /// What an environment has logged when it answers, where the thread that reads it never gets its turn; and what it logs
    /// last, where that thread does.
    const LOGGED: &str = r#"
import os, queue, threading, types
from ministack.core.lambda_runtime import ProvidedWorker
import keeper

keeper.read_lines_in_time()
worker = ProvidedWorker.__new__(ProvidedWorker)
output, function = os.pipe()
worker._proc = types.SimpleNamespace(stdout=open(output, "rb"))
worker._stderr_queue = queue.Queue(maxsize=3)
print(repr(worker._drain_stderr_bounded()))
os.write(function, b"left out\nstarted\r\n")
os.write(function, b"warned\nanswered\nnot yet ")
print(repr(worker._drain_stderr_bounded()))
pump = threading.Thread(target=worker._pump_output, args=(worker._proc.stdout, worker._stderr_queue))
pump.start()
os.write(function, b"whole\nended")
os.close(function)
pump.join()
print(repr(worker._drain_stderr_bounded()))
"#;

    struct Stack {
        cloud: Cloud,
        keys: KeyEndpoint,
        http: reqwest::Client,
        table: aws_sdk_dynamodb::Client,
        queue: aws_sdk_sqs::Client,
        begun: Time,
    }

    async fn deploy() -> Stack {
        let (cloud, keys) = deployed::deploy(None, None).await;
        let aws = cloud.sdk_config();
        Stack {
            http: reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap(),
            table: aws_sdk_dynamodb::Client::new(&aws),
            queue: aws_sdk_sqs::Client::new(&aws),
            begun: runtime::clock::now(),
            cloud,
            keys,
        }
    }

    impl Stack {
        /// The status, the `Allow` header and the body that the gateway answers.
        async fn send(&self, request: &Request) -> (u16, String, String) {
            let answer = request.send_to(&self.http, self.cloud.base_url()).await.unwrap();
            // As AWS's gateway does: the console joins log lines to requests by it. Its own 404 has none here.
            assert!(answer.status() == 404 || answer.headers().contains_key("apigw-requestid"), "{answer:?}");
            let allow = answer.headers().get("allow").map(|value| value.to_str().unwrap().to_owned());
            (answer.status().as_u16(), allow.unwrap_or_default(), answer.text().await.unwrap())
        }

        async fn enqueue(&self, body: &str) {
            let sent = self.queue.send_message().queue_url(self.cloud.queue_url()).message_body(body).send().await;
            assert!(sent.is_ok(), "{sent:?}");
        }

        /// The items of one partition, by their sort keys.
        async fn partition(&self, pk: &str) -> Vec<Members> {
            let read = self
                .table
                .query()
                .table_name(self.cloud.table_name())
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
                .consistent_read(true)
                .send();
            serde_dynamo::from_items(read.await.unwrap().items.unwrap_or_default()).unwrap()
        }

        /// State and history of the partition `pk`, as a fixture expects them.
        async fn outcome(&self, pk: &str) -> (Option<Value>, Vec<String>) {
            let items = self.partition(pk).await;
            let item = |sk: &str| items.iter().find(|item| item["sk"] == sk).cloned();
            let (state, shares) = (item("STATE"), item("SHARES"));
            let is_known = state.is_some() || shares.is_some();
            let mut state = is_known.then(|| user_view(state.unwrap_or_default(), shares));
            if let Some(state) = &mut state {
                self.as_received_in_a_fixture(state);
                // A version goes by the time of the write.
                drop(state.as_object_mut().unwrap().remove("version"));
            }
            let is_history = |item: &&Members| item["sk"].as_str().unwrap().starts_with("EVENT#");
            let line =
                |item: &Members| format!("{} {}", item["kind"].as_str().unwrap(), item["event"].as_str().unwrap());
            (state, items.iter().filter(is_history).map(line).collect())
        }

        /// A time at which this stack received something becomes the one that fixtures have for it.
        fn as_received_in_a_fixture(&self, value: &mut Value) {
            match value {
                Value::Object(members) => members.values_mut().for_each(|value| self.as_received_in_a_fixture(value)),
                Value::String(text) if text.parse().is_ok_and(|time: Time| time >= self.begun) => {
                    let received = Time::from_millis(end_to_end::gateway::RECEIVED_AT).unwrap();
                    *text = received.to_string();
                }
                _ => {}
            }
        }
    }

    #[tokio::test]
    async fn all_that_a_function_logs_before_its_answer_is_in_the_log_of_that_invocation() {
        let project = Project::find().unwrap();
        let python = provision(&project, CLOUD, Progress::Lines).await.unwrap();
        let mut script = Command::new(python);
        script.args(["-B", "-c", LOGGED]).env("PYTHONPATH", workspace().join("cli/src/local"));
        let output = script.output().await.unwrap();
        let expected = ["''", r"'started\nwarned\nanswered'", r"'not yet whole\nended'", ""].join("\n");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{}", String::from_utf8_lossy(&output.stderr));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_webhook_ends_in_the_table_every_forgery_is_refused_and_poison_is_a_dead_letter() {
        let stack = deploy().await;
        redeliver_after(&stack, 15).await;
        stack.enqueue("poison").await;
        let fixtures = every_fixture_is_answered(&stack).await;
        what_is_wrong_is_refused(&stack).await;
        every_fixture_has_its_effect(&stack, &fixtures).await;
        a_duplicate_changes_nothing(&stack).await;
        // Nothing but the poison is left, which can fail five times quickly now.
        redeliver_after(&stack, 1).await;
        the_poison_is_a_dead_letter(&stack).await;
        nothing_is_left(stack).await;
    }

    /// Sets after how many seconds a message that was not deleted is redelivered; by the template it is minutes. In less
    /// than a slow batch takes, the fifth redelivery would make a message of it a dead letter.
    async fn redeliver_after(stack: &Stack, seconds: u32) {
        let queue = stack.queue.set_queue_attributes().queue_url(stack.cloud.queue_url());
        queue.attributes(QueueAttributeName::VisibilityTimeout, seconds.to_string()).send().await.unwrap();
    }

    async fn every_fixture_is_answered(stack: &Stack) -> Vec<(String, Fixture)> {
        let mut fixtures = vec![];
        for name in Fixture::names().unwrap() {
            let fixture = Fixture::load(&name).unwrap();
            if let Some(message) = &fixture.message {
                stack.enqueue(&message.to_string()).await;
            }
            if fixture.request.is_some() {
                let request = fixture.request(stack.keys.key()).unwrap();
                let (status, _, body) = stack.send(&request).await;
                assert_eq!(Some(status), fixture.expected.status, "{name}: {body}");
                let body: Option<Value> = (!body.is_empty()).then(|| serde_json::from_str(&body).unwrap());
                assert_eq!(body, fixture.expected.body, "{name}");
            }
            fixtures.push((name, fixture));
        }
        assert!(fixtures.len() > 30);
        fixtures
    }

    async fn every_fixture_has_its_effect(stack: &Stack, fixtures: &[(String, Fixture)]) {
        for (name, fixture) in fixtures {
            let Some(pk) = &fixture.expected.of else { continue };
            let expected = (fixture.expected.state.clone(), fixture.expected.history.clone());
            becomes(name, &expected, || stack.outcome(pk)).await;
        }
    }

    async fn what_is_wrong_is_refused(stack: &Stack) {
        for path in ["/webhooks/unlink", "/webhooks/talk-share", "/webhooks/talk-channel", "/skill"] {
            let wrong = Request::new("POST", path)
                .header("Authorization", "KakaoAK 00000000000000000000000000000000")
                .body("application/json", "{}");
            assert_eq!(stack.send(&wrong).await.0, 401, "{path}");
            let (status, allow, body) = stack.send(&Request::new("PUT", path)).await;
            assert_eq!((status, body.as_str()), (405, r#"{"error":"method_not_allowed"}"#), "{path}");
            assert!(allow.contains("POST"), "{path}: {allow}");
        }
        let token = Fixture::load("account-status/user-unlinked").unwrap().token().unwrap();
        // The others are authentic: Kakao signed them, and they are quarantined.
        for forgery in Forgery::ALL.iter().copied().filter(|forgery| forgery.code().is_some()) {
            let forged = token.forge(stack.keys.key(), forgery).unwrap();
            let request = Request::new("POST", "/webhooks/account-status").body("application/secevent+jwt", forged);
            let (status, _, body) = stack.send(&request).await;
            // A new key set may contain the key id: Kakao may redeliver that token.
            let expected = if forgery == Forgery::Kid { [400, 503] } else { [400, 400] };
            assert!(expected.contains(&status), "{forgery:?}: {status} {body}");
        }
        assert_eq!(stack.send(&Request::new("GET", "/health")).await.2, r#"{"status":"ok"}"#);
        assert_eq!(stack.send(&Request::new("GET", "/nothing")).await.0, 404);
    }

    async fn a_duplicate_changes_nothing(stack: &Stack) {
        for (name, marked) in [("account-status/user-unlinked", "3142857901"), ("talk-channel/added", "3142857902")] {
            let fixture = Fixture::load(name).unwrap();
            let pk = fixture.expected.of.clone().unwrap();
            let before = stack.partition(&pk).await;
            let request = fixture.request(stack.keys.key()).unwrap();
            assert_eq!(Some(stack.send(&request).await.0), fixture.expected.status);
            // Whatever was sent after it has an effect, so that it can't be on its way any more.
            let marker = Fixture::load("service/service-linked").unwrap().message.unwrap();
            stack.enqueue(&marker.to_string().replace("3142857301", marked)).await;
            let history = || async { stack.outcome(&format!("USER#{}#{marked}", service::APP_ID)).await.1 };
            becomes("the marker", &vec!["service service-linked".to_owned()], history).await;
            assert_eq!(stack.partition(&pk).await, before, "{name}");
        }
    }

    async fn the_poison_is_a_dead_letter(stack: &Stack) {
        let receive = || async {
            let queue = stack.queue.receive_message().queue_url(stack.cloud.dead_letter_queue_url());
            let received = queue.max_number_of_messages(10).visibility_timeout(0).send().await.unwrap();
            received.messages.unwrap_or_default().into_iter().filter_map(|message| message.body).collect::<Vec<_>>()
        };
        becomes("the dead letters", &vec!["poison".to_owned()], receive).await;
    }

    async fn nothing_is_left(stack: Stack) {
        let ready = format!("{}/_ministack/ready", stack.cloud.endpoint());
        assert!(stack.http.get(&ready).send().await.is_ok());
        stack.cloud.stop().await;
        assert!(stack.http.get(&ready).send().await.is_err_and(|error| error.is_connect()));
    }
}

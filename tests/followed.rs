//! The project's own `template.yaml` in the local cloud with the example consumer: what Kakao sends over
//! HTTP is delivered from the bus by rules, and ends sessions.

#[cfg(test)]
mod deployed;

#[cfg(test)]
mod followed {
    use std::{
        collections::{BTreeMap, BTreeSet},
        process::Stdio,
        time::Duration,
    };

    use aws_sdk_dynamodb::types::AttributeValue::{self, N, S};
    use aws_sdk_eventbridge::types::Target;
    use aws_sdk_sqs::types::QueueAttributeName::QueueArn;
    use end_to_end::{
        Fixture, Request,
        binaries::workspace,
        keys::KeyEndpoint,
        patience::{PATIENCE, becomes},
        service::{self, REST_API_KEY},
    };
    use khook::{
        local::{CLOUD, Cloud, Project, provision},
        ui::progress::Progress,
    };
    use play_kakao::Token;
    use serde_json::{Value, json};
    use tokio::{
        process::Command,
        time::{Instant, sleep},
    };

    use crate::deployed;

    const OAUTH: &str = "https://schemas.openid.net/secevent/oauth/event-type/";
    const RISC: &str = "https://schemas.openid.net/secevent/risc/event-type/";

    struct Stack {
        cloud: Cloud,
        keys: KeyEndpoint,
        http: reqwest::Client,
        table: aws_sdk_dynamodb::Client,
        queue: aws_sdk_sqs::Client,
        events: aws_sdk_eventbridge::Client,
    }

    async fn deploy() -> Stack {
        let (cloud, keys) = deployed::deploy(None, None).await;
        let aws = cloud.sdk_config();
        Stack {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            table: aws_sdk_dynamodb::Client::new(&aws),
            queue: aws_sdk_sqs::Client::new(&aws),
            events: aws_sdk_eventbridge::Client::new(&aws),
            cloud,
            keys,
        }
    }

    impl Stack {
        async fn send(&self, request: &Request) {
            let answer = request.send_to(&self.http, self.cloud.base_url()).await.unwrap();
            assert!(answer.status().is_success(), "{}: {}", request.path, answer.status());
        }

        async fn send_event(&self, user_id: &str, uri: &str, at: i64) {
            let token = Token::new(REST_API_KEY, user_id, &format!("{user_id}-{at}"), at, uri, &json!({}));
            let token = token.sign(self.keys.key()).unwrap();
            self.send(&Request::new("POST", "/webhooks/account-status").body("application/secevent+jwt", token)).await;
        }

        /// Creates a queue that receives all changes, as a service does. Returns its URL.
        async fn listen(&self) -> String {
            let queue = self.queue.create_queue().queue_name("listener").send().await.unwrap().queue_url.unwrap();
            let asked = self.queue.get_queue_attributes().queue_url(&queue).attribute_names(QueueArn).send().await;
            let arn = asked.unwrap().attributes.unwrap().remove(&QueueArn).unwrap();
            let bus = self.cloud.output("BusName");
            let rule = self.events.put_rule().event_bus_name(bus).name("listener");
            rule.event_pattern(json!({"source": ["kakao-webhooks"]}).to_string()).send().await.unwrap();
            let target = Target::builder().id("listener").arn(arn).build().unwrap();
            let put = self.events.put_targets().event_bus_name(bus).rule("listener").targets(target).send().await;
            assert_eq!(put.unwrap().failed_entry_count, 0);
            queue
        }

        /// Receives and deletes its messages.
        async fn heard(&self, queue: &str) -> Vec<Value> {
            let received = self.queue.receive_message().queue_url(queue).max_number_of_messages(10).send().await;
            let mut heard = vec![];
            for message in received.unwrap().messages.unwrap_or_default() {
                heard.push(serde_json::from_str(&message.body.unwrap()).unwrap());
                let receipt = message.receipt_handle.unwrap();
                self.queue.delete_message().queue_url(queue).receipt_handle(receipt).send().await.unwrap();
            }
            heard
        }

        /// Deploys the example. The name of its table.
        async fn deploy_example(&self) -> String {
            let python = provision(&Project::find().unwrap(), CLOUD, Progress::Lines).await.unwrap();
            let examples = workspace().join("infra/examples");
            let mut deploy = Command::new(python);
            deploy.arg(examples.join("deploy_local.py")).args(["--endpoint", self.cloud.endpoint()]);
            deploy.arg("--example").arg(examples.join("end-sessions"));
            deploy.args(["--parameter", &format!("BusName={}", self.cloud.output("BusName"))]);
            let output = deploy.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let outputs: BTreeMap<String, String> = serde_json::from_slice(&output.stdout).unwrap();
            outputs["SessionsTable"].clone()
        }

        async fn begin_session(&self, table: &str, user_id: &str, name: &str, at: i64) {
            let put = self.table.put_item().table_name(table).item("pk", S(pk(user_id)));
            let put = put.item("sk", S(format!("SESSION#{name}"))).item("started_at", N(at.to_string()));
            put.send().await.unwrap();
        }

        /// The sessions of a user, and the stored access.
        async fn sessions(&self, table: &str, user_id: &str) -> (Vec<String>, Option<String>) {
            let query = self.table.query().table_name(table).key_condition_expression("pk = :pk");
            let query = query.expression_attribute_values(":pk", S(pk(user_id))).consistent_read(true);
            let items = query.send().await.unwrap().items.unwrap_or_default();
            let text = |value: &AttributeValue| value.as_s().unwrap().clone();
            let names = items.iter().filter_map(|item| Some(text(&item["sk"]).strip_prefix("SESSION#")?.to_owned()));
            let door = items.iter().find(|item| text(&item["sk"]) == "DOOR").and_then(|door| door.get("access"));
            (names.collect(), door.map(text))
        }

        async fn becomes(&self, table: &str, user_id: &str, sessions: &[&str], door: Option<&str>) {
            let wanted = (sessions.iter().map(|name| (*name).to_owned()).collect(), door.map(str::to_owned));
            becomes("sessions and access", &wanted, || self.sessions(table, user_id)).await;
        }
    }

    fn pk(user_id: &str) -> String {
        format!("USER#{}#{user_id}", service::APP_ID)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_kakao_sends_comes_out_of_the_bus_and_ends_sessions() {
        let stack = deploy().await;
        let (queue, table) = (stack.listen().await, stack.deploy_example().await);
        every_kind_of_change_is_heard(&stack, &queue).await;
        sessions_end(&stack, &table).await;
        stack.cloud.stop().await;
    }

    async fn every_kind_of_change_is_heard(stack: &Stack, queue: &str) {
        for name in Fixture::names().unwrap() {
            let fixture = Fixture::load(&name).unwrap();
            if fixture.request.is_some() {
                stack.send(&fixture.request(stack.keys.key()).unwrap()).await;
            }
        }
        let schema = jsonschema::validator_for(&schema()).unwrap();
        let wanted: BTreeSet<String> = parts().into_iter().collect();
        let (mut heard, deadline) = (BTreeSet::new(), Instant::now() + PATIENCE);
        while heard != wanted {
            for event in stack.heard(queue).await {
                assert_eq!(
                    (&event["source"], &event["detail-type"]),
                    (&json!("kakao-webhooks"), &json!("user-changed"))
                );
                assert!(schema.is_valid(&event["detail"]), "{event}");
                heard.extend(changed(&event));
            }
            assert!(Instant::now() < deadline, "{heard:?} is not {wanted:?}");
            sleep(Duration::from_millis(50)).await;
        }
        the_rules_of_the_page_match(stack).await;
    }

    fn schema() -> Value {
        let text = std::fs::read_to_string(workspace().join("infra/schemas/user-changed.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The names that `changed` can contain.
    fn parts() -> Vec<String> {
        let names = schema()["$defs"]["Part"]["oneOf"].as_array().unwrap().clone();
        names.iter().map(|part| part["const"].as_str().unwrap().to_owned()).collect()
    }

    fn changed(event: &Value) -> Vec<String> {
        let names = event["detail"]["changed"].as_array().unwrap();
        names.iter().map(|part| part.as_str().unwrap().to_owned()).collect()
    }

    /// One of each change that is published, and one for each part alone, in the form in which EventBridge delivers them.
    fn published_events() -> Vec<Value> {
        let samples = std::fs::read_to_string(workspace().join("infra/examples/published.json")).unwrap();
        let mut details: Vec<Value> = serde_json::from_str(&samples).unwrap();
        let template = details[0].clone();
        details.extend(parts().into_iter().map(|part| {
            let mut detail = template.clone();
            detail["changed"] = json!([part]);
            detail
        }));
        let event = |detail: Value| {
            json!({"version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "account": "000000000000",
                "source": "kakao-webhooks", "detail-type": "user-changed", "time": "2026-03-01T03:00:00Z",
                "region": "ap-northeast-2", "resources": [], "detail": detail})
        };
        details.into_iter().map(event).collect()
    }

    /// The rules in `docs/follow-up.md` match what is published: the first all of it, the second what changes its parts.
    async fn the_rules_of_the_page_match(stack: &Stack) {
        let page = std::fs::read_to_string(workspace().join("docs/follow-up.md")).unwrap();
        let rules = page.split("```json\n").map(|block| block.split("```").next().unwrap());
        let rules: Vec<&str> = rules.filter(|rule| rule.starts_with("{\"source\"")).collect();
        assert_eq!(rules.len(), 2);
        for rule in rules {
            let asked: Value = serde_json::from_str(rule).unwrap();
            let asked = asked["detail"]["changed"].as_array();
            let mut matched = 0;
            for event in published_events() {
                let wanted = asked.is_none_or(|asked| changed(&event).iter().any(|part| asked.contains(&json!(part))));
                let test = stack.events.test_event_pattern().event_pattern(rule).event(event.to_string());
                assert_eq!(test.send().await.unwrap().result, wanted, "{rule} {event}");
                matched += usize::from(wanted);
            }
            assert!(matched > 1, "{rule}");
        }
    }

    async fn sessions_end(stack: &Stack, table: &str) {
        let (user, other) = ("3142857950", "3142857951");
        let at = runtime::clock::now().as_seconds() - 3_600;
        for (name, began) in [("before", at - 60), ("then", at), ("later", at + 1)] {
            stack.begin_session(table, user, name, began).await;
        }
        stack.begin_session(table, other, "another", at - 60).await;
        stack.send_event(user, &format!("{RISC}sessions-revoked"), at).await;
        stack.becomes(table, user, &["later"], Some("allowed")).await;

        stack.send_event(user, &format!("{RISC}account-disabled"), at + 2).await;
        stack.becomes(table, user, &[], Some("blocked")).await;
        stack.send_event(user, &format!("{RISC}account-enabled"), at + 3).await;
        stack.becomes(table, user, &[], Some("allowed")).await;

        stack.begin_session(table, user, "again", at + 10).await;
        stack.send_event(user, &format!("{OAUTH}user-unlinked"), at + 20).await;
        stack.becomes(table, user, &[], Some("gone")).await;
        stack.becomes(table, other, &["another"], None).await;
    }
}

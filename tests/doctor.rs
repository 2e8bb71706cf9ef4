//! `khook doctor`, the real binary, on the project's own `template.yaml` in the local cloud: it finds nothing wrong
//! with a new deployment, causes no alarm, and finds each fault that is planted.

#[cfg(test)]
mod deployed;

#[cfg(test)]
mod doctor {
    use std::process::Stdio;

    use aws_sdk_cloudwatch::types::StateValue;
    use aws_sdk_dynamodb::types::AttributeValue::S;
    use aws_sdk_lambda::types::{Environment, LastUpdateStatus};
    use end_to_end::{
        binaries::binary,
        keys::KeyEndpoint,
        patience::becomes,
        service::{ADMIN_KEY, REST_API_KEY},
    };
    use kakao_webhooks::auth::Digest;
    use khook::{
        local::{Cloud, Delivery, Receiver, logs::LogReader},
        random,
    };
    use runtime::store::{DynamoStore, Pace, Retention};
    use serde_json::Value;
    use tokio::process::Command;

    use crate::deployed;

    struct Stack {
        cloud: Cloud,
        keys: KeyEndpoint,
        _receiver: Receiver,
        functions: aws_sdk_lambda::Client,
        alarms: aws_sdk_cloudwatch::Client,
        table: aws_sdk_dynamodb::Client,
        queues: aws_sdk_sqs::Client,
        events: aws_sdk_eventbridge::Client,
    }

    async fn deploy() -> Stack {
        let secret = random::signing_secret().unwrap();
        let receiver = Receiver::start(&secret).await.unwrap();
        let (cloud, keys) = deployed::deploy(Some(Delivery { url: receiver.url().to_owned(), secret }), None).await;
        let aws = cloud.sdk_config();
        Stack {
            functions: aws_sdk_lambda::Client::new(&aws),
            alarms: aws_sdk_cloudwatch::Client::new(&aws),
            table: aws_sdk_dynamodb::Client::new(&aws),
            queues: aws_sdk_sqs::Client::new(&aws),
            events: aws_sdk_eventbridge::Client::new(&aws),
            cloud,
            keys,
            _receiver: receiver,
        }
    }

    /// The exit code, and the findings that are not right: `section check verdict seen`.
    type Diagnosis = (Option<i32>, Vec<String>);

    impl Stack {
        /// What khook prints, with nothing of the shell's that could name another stack.
        async fn khook(&self, arguments: &[&str]) -> (Option<i32>, String) {
            let mut khook = Command::new(binary("khook").unwrap());
            khook
                .env_clear()
                .envs(["PATH", "HOME"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
            khook.args(["doctor", "kakao-webhooks", "--url", self.cloud.base_url()]).args(arguments);
            khook.envs(self.cloud.environment()).stdin(Stdio::null()).kill_on_drop(true);
            let output = khook.output().await.unwrap();
            let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
            for secret in [ADMIN_KEY, REST_API_KEY, &Digest::of(ADMIN_KEY.as_bytes()).to_string(), "poison"] {
                assert!(!said.concat().contains(secret), "{said:?}");
            }
            assert!(!said[0].is_empty(), "{}", said[1]);
            (output.status.code(), said[0].clone())
        }

        async fn diagnosis(&self) -> Diagnosis {
            let (code, printed) = self.khook(&["--json"]).await;
            let report: Value = serde_json::from_str(&printed).unwrap();
            let mut faults = vec![];
            for section in report["sections"].as_array().unwrap() {
                for finding in section["findings"].as_array().unwrap() {
                    let text = |name: &str| finding[name].as_str().unwrap_or_default();
                    // Times depend on the machine.
                    if text("verdict") != "right" && !text("seen").starts_with("time: ") {
                        assert!(!text("fix").is_empty(), "{finding}");
                        let name = section["section"].as_str().unwrap().split(' ').next().unwrap();
                        faults.push(format!("{name}, {} {}: {}", text("check"), text("verdict"), text("seen")));
                    }
                }
            }
            (code, faults)
        }

        /// What the janitor would do in the first minute.
        async fn keep_keys(&self) {
            let retention = Retention { history_days: 90, quarantine_days: 30, gone_days: 90 };
            let name = self.cloud.table_name().to_owned();
            let store = DynamoStore::new(&self.cloud.sdk_config(), name, retention, Pace::Background);
            let document = play_kakao::key_set([self.keys.key()]).to_string();
            store.put_key_set(&document, runtime::clock::now()).await.unwrap();
        }

        async fn put(&self, pk: &str, sk: &str) {
            let put = self.table.put_item().table_name(self.cloud.table_name()).item("pk", S(pk.to_owned()));
            put.item("sk", S(sk.to_owned())).item("envelope", S("poison".to_owned())).send().await.unwrap();
        }

        async fn alarm(&self, name: &str) {
            let found = self.alarms.describe_alarms().alarm_name_prefix(format!("kakao-webhooks-{name}"));
            let found = found.send().await.unwrap().metric_alarms.unwrap();
            let set = self.alarms.set_alarm_state().alarm_name(found[0].alarm_name().unwrap());
            set.state_value(StateValue::Alarm).state_reason("planted").send().await.unwrap();
        }

        /// Publishes what is deployed as the alias `live`, and changes the settings past it.
        async fn leave_the_alias_behind(&self, binary: &str) {
            let name = &self.cloud.stack().functions[binary].name;
            let version = self.functions.publish_version().function_name(name).send().await.unwrap().version.unwrap();
            let alias = self.functions.create_alias().function_name(name).name("live");
            alias.function_version(version).send().await.unwrap();
            let deployed = self.functions.get_function_configuration().function_name(name).send().await.unwrap();
            let mut variables = deployed.environment.unwrap().variables.unwrap();
            variables.insert("RUST_LOG".to_owned(), "debug".to_owned());
            let environment = Environment::builder().set_variables(Some(variables)).build();
            let update = self.functions.update_function_configuration().function_name(name);
            update.environment(environment).send().await.unwrap();
            let status = || async {
                let found = self.functions.get_function_configuration().function_name(name).send().await;
                found.unwrap().last_update_status
            };
            becomes("the update", &Some(LastUpdateStatus::Successful), status).await;
        }

        async fn disable_the_publishers_source(&self) {
            let name = &self.cloud.stack().functions["publisher"].name;
            let found = self.functions.list_event_source_mappings().function_name(name).send().await.unwrap();
            let [source] = found.event_source_mappings() else { panic!("{found:?}") };
            let update = self.functions.update_event_source_mapping().uuid(source.uuid().unwrap());
            update.enabled(false).send().await.unwrap();
        }

        /// It would empty the inbox, into which an event is put later. Its first run is a minute after its deployment, and
        /// one that has begun can't be stopped.
        async fn dismiss_the_janitor(&self) {
            let rules = self.events.list_rules().name_prefix("kakao-webhooks-JanitorFunction").send().await.unwrap();
            let rules = rules.rules.unwrap();
            assert_eq!(rules.len(), 1);
            for rule in rules {
                self.events.disable_rule().name(rule.name.unwrap()).send().await.unwrap();
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_just_deployed_is_right_and_each_planted_fault_is_found() {
        let stack = deploy().await;
        stack.dismiss_the_janitor().await;
        a_new_stack_is_right_twice(&stack).await;
        checking_causes_no_alarm(&stack).await;
        each_fault_is_found(&stack).await;
        stack.cloud.stop().await;
    }

    /// The local cloud's alarms notify no topic; a second run would see alarms that the first one caused.
    async fn a_new_stack_is_right_twice(stack: &Stack) {
        let silent = "alarms, notify warning: none has an action".to_owned();
        stack.keep_keys().await;
        for _ in 0..2 {
            assert_eq!(stack.diagnosis().await, (Some(0), vec![silent.clone()]));
        }
    }

    async fn checking_causes_no_alarm(stack: &Stack) {
        let lines = LogReader::of_all(&stack.cloud).unwrap().read().await.unwrap();
        let refused = lines.iter().filter(|line| line.event() == "refused");
        let reasons: Vec<_> = refused.filter_map(|line| line.fields.get("reason")?.as_str()).collect();
        assert!(reasons.contains(&"key_missing"), "{reasons:?}");
        for firing in ["key_unknown", "unavailable", "token_audience"] {
            assert!(!reasons.contains(&firing), "{reasons:?}");
        }
    }

    async fn each_fault_is_found(stack: &Stack) {
        for queue in [stack.cloud.dead_letter_queue_url(), stack.cloud.output("UndeliveredQueueUrl")] {
            stack.queues.send_message().queue_url(queue).message_body("poison").send().await.unwrap();
        }
        stack.put("INBOX#0", "event").await;
        stack.put(&format!("QUARANTINE#{}", runtime::clock::now().day()), "event").await;
        stack.alarm("InboxWaitingAlarm").await;
        stack.leave_the_alias_behind("talk-share").await;
        stack.disable_the_publishers_source().await;
        let (code, faults) = stack.diagnosis().await;
        assert_eq!(code, Some(1), "{faults:#?}");
        let expected = [
            "functions, alias live mistake: talk-share 1 is an older configuration, which differs in RUST_LOG",
            "event, publisher mistake: disabled (USER_INITIATED): no change is published, and a write is lost to the bus after \
             24 hours",
            "waiting, dead letters mistake: 1 message",
            "waiting, undelivered mistake: 1 change",
            "waiting, inbox mistake: 1 event",
            "waiting, quarantine mistake: 1 event",
            "alarms, firing mistake: InboxWaitingAlarm: Events have waited in the inbox for five minutes: the queue does not accept them",
            "alarms, notify warning: none has an action",
        ];
        assert_eq!(faults, expected);
        let (code, printed) = stack.khook(&[]).await;
        assert_eq!(code, Some(1), "{printed}");
        // At 80 columns a fix may go on in the next line.
        let in_one_line = printed.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in ["✓", "✗", "khook dlq replay --all", "docs/runbook.md, \"The inbox\"", "7 mistakes, 1 warning."]
        {
            assert!(in_one_line.contains(text), "{text}: {printed}");
        }
    }
}

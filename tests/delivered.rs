//! A change on its way from Kakao's webhook to a receiver, and to `khook changes tail`, in the local cloud.

#[cfg(test)]
mod deployed;

#[cfg(test)]
mod delivered {
    use std::{
        fs,
        process::Stdio,
        time::{Duration, Instant},
    };

    use aws_sdk_sqs::types::QueueAttributeName;
    use end_to_end::{
        Fixture, Request,
        khook_binary::Project,
        latency::Latencies,
        patience::{PATIENCE, becomes},
        service::{ADMIN_KEY, APP_ID},
    };
    use khook::{
        kakao::Kakao,
        local::{
            Cloud, Delivery, Receiver,
            running::{Running, RunningDelivery},
        },
        random,
    };
    use serde_json::{Value, json};
    use tokio::{
        io::{AsyncBufReadExt, BufReader, Lines},
        process::{Child, ChildStdout, Command},
        time::sleep,
    };

    use crate::deployed;

    /// In the project's folder, in which khook runs.
    const SECRET_FILE: &str = ".local/delivery-secret.txt";

    /// A folder that khook takes for the project's, with a `khook dev` that runs.
    fn project(cloud: &Cloud, delivery: &Delivery) -> Project {
        let running = Running {
            base_url: cloud.base_url().to_owned(),
            endpoint: cloud.endpoint().to_owned(),
            region: cloud.region().to_owned(),
            table: cloud.table_name().to_owned(),
            queue_url: cloud.queue_url().to_owned(),
            dead_letter_queue_url: cloud.dead_letter_queue_url().to_owned(),
            unpublished_queue_url: cloud.output("UnpublishedQueueUrl").to_owned(),
            bus: cloud.output("BusName").to_owned(),
            console_url: String::new(),
            kakao_api_url: String::new(),
            kakao_callback_url: String::new(),
            kakao_reader_key: String::new(),
            delivery: Some(RunningDelivery::of(cloud, delivery.url.clone(), SECRET_FILE.into())),
            kakao: Kakao::generate().unwrap(),
        };
        let project = Project::with_running("delivered", &json!(running)).unwrap();
        fs::write(project.path().join(SECRET_FILE), &delivery.secret).unwrap();
        project
    }

    /// `khook changes tail`, which has said that it is ready.
    struct Tail {
        khook: Child,
        lines: Lines<BufReader<ChildStdout>>,
    }

    impl Tail {
        async fn start(project: &Project) -> Self {
            let mut khook = project.command(&["changes", "tail"]).unwrap().stderr(Stdio::piped()).spawn().unwrap();
            let mut said = BufReader::new(khook.stderr.take().unwrap()).lines();
            let ready = said.next_line().await.unwrap().unwrap();
            assert!(ready.starts_with("Printing the changes"), "{ready}");
            let lines = BufReader::new(khook.stdout.take().unwrap()).lines();
            Self { khook, lines }
        }

        async fn change(&mut self) -> Value {
            serde_json::from_str(&self.lines.next_line().await.unwrap().unwrap()).unwrap()
        }

        /// Ctrl-C. The exit status.
        async fn interrupt(mut self) -> Option<i32> {
            let process = self.khook.id().unwrap().to_string();
            assert!(Command::new("kill").args(["-INT", &process]).status().await.unwrap().success());
            self.khook.wait().await.unwrap().code()
        }
    }

    async fn link(cloud: &Cloud, fixture: &Fixture, key: &play_kakao::SigningKey) {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = fixture.request(key).unwrap().send_to(&http, cloud.base_url()).await.unwrap();
        assert_eq!(answer.status().as_u16(), 202);
    }

    /// The queues and rules of `khook changes tail` that are there.
    async fn left(cloud: &Cloud) -> (Vec<String>, Vec<String>) {
        let aws = cloud.sdk_config();
        let queues = aws_sdk_sqs::Client::new(&aws).list_queues().queue_name_prefix("khook-tail").send().await.unwrap();
        let rules = aws_sdk_eventbridge::Client::new(&aws).list_rules().event_bus_name(cloud.output("BusName"));
        let rules = rules.send().await.unwrap().rules.unwrap_or_default().into_iter().filter_map(|rule| rule.name);
        (queues.queue_urls.unwrap_or_default(), rules.filter(|name| name.starts_with("khook-tail")).collect())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_change_reaches_the_receiver_signed_and_changes_tail_prints_the_same() {
        let secret = random::signing_secret().unwrap();
        let receiver = Receiver::start(&secret).await.unwrap();
        let delivery = Delivery { url: receiver.url().to_owned(), secret };
        let (cloud, keys) = deployed::deploy(Some(delivery.clone()), None).await;
        let project = project(&cloud, &delivery);
        let mut tail = Tail::start(&project).await;

        let fixture = Fixture::load("account-status/user-linked").unwrap();
        link(&cloud, &fixture, keys.key()).await;
        let printed = tail.change().await;
        assert_eq!(
            fixture.expected.of.as_deref(),
            Some(&*format!("USER#{}#{}", text(&printed, "app_id"), text(&printed, "user_id")))
        );
        assert!(printed["changed"].as_array().unwrap().contains(&json!("access")), "{printed}");
        becomes("the delivery", &vec![printed], async || receiver.received().changes).await;
        assert_eq!(receiver.received().refused, 0);

        let tested = project.run(&["delivery", "test", "--json"]).await.unwrap().json();
        assert_eq!((&tested["signed"]["status"], &tested["wrong_signature"]["status"]), (&json!(204), &json!(401)));
        what_was_not_delivered_is_delivered_again(&cloud, &project, &receiver).await;

        assert_eq!(tail.interrupt().await, Some(0));
        assert_eq!(left(&cloud).await, (vec![], vec![]));
        println!("from a webhook to the receiver: {}", times(&cloud, &receiver).await);
        cloud.stop().await;
    }

    /// How many unlinks are timed.
    const TIMED: usize = 5;

    /// How long an unlink that comes alone takes from the gateway to the receiver, after one that starts the functions.
    async fn times(cloud: &Cloud, receiver: &Receiver) -> Latencies {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut times = Latencies::default();
        for number in 0..=Latencies::asked(TIMED) {
            let before = receiver.received().changes.len();
            let path = format!("/webhooks/unlink?app_id={APP_ID}&user_id=3142{number:06}&referrer_type=ACCOUNT_DELETE");
            let unlink = Request::new("GET", &path).header("Authorization", &format!("KakaoAK {ADMIN_KEY}"));
            let begin = Instant::now();
            let answer = unlink.send_to(&http, cloud.base_url()).await.unwrap();
            assert_eq!(answer.status().as_u16(), 200);
            while receiver.received().changes.len() == before {
                assert!(begin.elapsed() < PATIENCE, "unlink {number} does not arrive");
                sleep(Duration::from_millis(2)).await;
            }
            if number > 0 {
                times.push(begin.elapsed());
            }
        }
        times
    }

    fn text<'v>(value: &'v Value, name: &str) -> &'v str {
        value[name].as_str().unwrap()
    }

    async fn what_was_not_delivered_is_delivered_again(cloud: &Cloud, project: &Project, receiver: &Receiver) {
        let mut change = receiver.received().changes.remove(0);
        change["id"] = json!("an undelivered one");
        let event = json!({"detail-type": "user-changed", "source": "kakao-webhooks", "detail": change});
        let queues = aws_sdk_sqs::Client::new(&cloud.sdk_config());
        let url = cloud.output("UndeliveredQueueUrl");
        queues.send_message().queue_url(url).message_body(event.to_string()).send().await.unwrap();
        let listed = project.run(&["undelivered", "list", "--json"]).await.unwrap().json();
        assert_eq!((&listed[0]["user_id"], listed.as_array().unwrap().len()), (&change["user_id"], 1));
        let replayed = project.command(&["undelivered", "replay", "--all"]).unwrap().output().await.unwrap();
        assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
        becomes("the replay", &2, async || receiver.received().changes.len()).await;
        assert_eq!(receiver.received().changes[1], change);
        let asked = queues.get_queue_attributes().queue_url(url);
        let asked = asked.attribute_names(QueueAttributeName::ApproximateNumberOfMessages).send().await.unwrap();
        assert_eq!(asked.attributes.unwrap()[&QueueAttributeName::ApproximateNumberOfMessages], "0");
    }
}

//! A chatbot's message in the local cloud, which the service's answerer is asked about: by Kakao's callback, and at once.

#[cfg(test)]
mod deployed;

#[cfg(test)]
mod asked {
    use end_to_end::{
        endpoint::Endpoint,
        khook_binary::{Done, Project},
        patience::becomes,
        service::{BOT_ID, SKILL_KEY},
    };
    use khook::{
        kakao::Kakao,
        local::{Answerer, Cloud},
        random,
    };
    use play_kakao::callback::{CallbackServer, SimulatedCallbacks};
    use serde_json::{Value, json};

    use crate::deployed;

    const REPLY: &str = "영업일 3일 안에 됩니다.";
    /// Kakao's refusal of a callback that comes before the skill's first answer.
    const TOO_EARLY: &str = "skill server settings are incorrect, use callback true";

    /// A folder that khook takes for the project's, with a `khook dev` that runs.
    fn project(cloud: &Cloud, callbacks: &CallbackServer) -> Project {
        let (skill_header, skill_key) = SKILL_KEY;
        let mut kakao = Kakao::generate().unwrap();
        kakao.bot_id = BOT_ID.to_owned();
        (kakao.skill_header, kakao.skill_key) = (skill_header.to_owned(), skill_key.to_owned());
        let running = json!({
            "base_url": cloud.base_url(), "endpoint": cloud.endpoint(), "region": cloud.region(), "table": "",
            "queue_url": "", "dead_letter_queue_url": "", "bus": "", "kakao": kakao,
            "kakao_callback_url": callbacks.url(),
        });
        Project::with_running("asked", &running).unwrap()
    }

    async fn run(project: &Project, arguments: &[&str]) -> Done {
        let fixed = ["send", "skill", "--utterance", "환불은 며칠 걸려요?", "--callback", "--json"];
        project.run(&[&fixed, arguments].concat()).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_answerer_is_asked_through_the_queue_and_at_once() {
        let (secret, model) = (random::signing_secret().unwrap(), Endpoint::start().await.unwrap());
        model.says(&json!({"text": REPLY}).to_string());
        let callbacks = CallbackServer::start(SimulatedCallbacks::default()).await.unwrap();
        let answerer = Answerer { url: format!("{}/answer", model.url()), secret: secret.clone() };
        let (cloud, _keys) = deployed::deploy(None, Some((answerer, callbacks.url()))).await;
        let project = project(&cloud, &callbacks);

        let later = run(&project, &["--fault", "501"]).await.json();
        assert_eq!(later["heard"], json!([REPLY]), "{later}");
        assert!(later["waiting_text"].is_string(), "{later}");
        // The answerer may post before the skill's first answer has arrived. It is refused then and posts again.
        let verdicts = later["callback"].as_array().unwrap().iter().filter(|it| it["message"] != TOO_EARLY);
        let verdicts: Vec<_> = verdicts.map(|it| it["status"].clone()).collect();
        assert_eq!(verdicts, ["FAIL", "SUCCESS"]);

        // A process that has yet to start may take longer than Kakao waits: then khook reports a failure.
        becomes("the answer at once", &(Some(0), json!([REPLY])), async || {
            let done = run(&project, &["--test"]).await;
            let report: Option<Value> = serde_json::from_str(&done.out).ok();
            (done.code, report.map_or_else(|| json!(done.error), |report| report["heard"].clone()))
        })
        .await;
        assert!(model.posted().iter().all(|posted| posted.is_signed(&secret)));
        cloud.stop().await;
    }
}

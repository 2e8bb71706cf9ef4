//! A service that declines a question: what certainly was not worked on is asked again, anything else is not.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use end_to_end::{
    answering::{ANSWER, Answering, FALLBACK},
    faults::Server,
};
use play_kakao::callback::CallbackKind;
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpSocket},
    time::sleep,
};

const ARN: &str = "arn:aws:lambda:ap-northeast-2:123456789012:function:model";

/// A service that declines the first questions, each with its response, and answers the others.
#[derive(Clone, Default)]
struct Declining {
    with: &'static [(u16, &'static str)],
    questions: Arc<AtomicUsize>,
}

impl Declining {
    fn router(&self) -> Router {
        let declining = self.clone();
        Router::new().fallback(async move || declining.respond())
    }

    fn respond(&self) -> Response {
        match self.with.get(self.questions.fetch_add(1, Ordering::Relaxed)) {
            Some((status, kind)) => {
                (StatusCode::from_u16(*status).unwrap(), [("x-amzn-errortype", *kind)], "{}").into_response()
            }
            None => json!({"text": ANSWER}).to_string().into_response(),
        }
    }
}

/// What a user hears by callback while the answerer has these variables.
async fn heard(answering: &mut Answering, variables: &[(&str, &str)]) -> Vec<String> {
    answering.restart_answerer(variables).await.unwrap();
    let said = answering.say(CallbackKind::Chat, "무엇?", 0).await.unwrap();
    assert_eq!(answering.work().await.unwrap(), []);
    answering.heard(&said).unwrap()
}

#[tokio::test]
async fn a_service_that_declines_is_asked_again_and_one_that_may_have_worked_is_not() {
    const THROTTLED: &str = "TooManyRequestsException";
    let mut answering = Answering::start().await.unwrap();
    for (with, is_lambda, questions, expected) in [
        (&[(429, ""), (503, "")][..], false, 3, ANSWER),
        (&[(500, "")], false, 1, FALLBACK),
        (&[(504, "")], false, 1, FALLBACK),
        (&[(429, THROTTLED), (429, THROTTLED)], true, 3, ANSWER),
        (&[(500, "ServiceException")], true, 1, FALLBACK),
    ] {
        let declining = Declining { with, ..Declining::default() };
        let server = Server::without_gate(declining.router()).await.unwrap();
        let url = server.url();
        let of_url = [("SKILL_ANSWERER", url.as_str())];
        let of_lambda = [("SKILL_ANSWERER", ARN), ("AWS_ENDPOINT_URL_LAMBDA", url.as_str())];
        let variables = if is_lambda { &of_lambda[..] } else { &of_url };
        assert_eq!(heard(&mut answering, variables).await, [expected], "{with:?}");
        assert_eq!(declining.questions.load(Ordering::Relaxed), questions, "{with:?}");
    }
}

#[tokio::test]
async fn a_service_that_a_proxy_gives_up_late_is_not_asked_again() {
    let mut answering = Answering::start().await.unwrap();
    let questions = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&questions);
    let router = Router::new().fallback(async move || {
        counted.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(2_500)).await;
        StatusCode::SERVICE_UNAVAILABLE
    });
    let server = Server::without_gate(router).await.unwrap();
    assert_eq!(heard(&mut answering, &[("SKILL_ANSWERER", server.url().as_str())]).await, [FALLBACK]);
    assert_eq!(questions.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_service_that_no_connection_leads_to_is_asked_again() {
    let mut answering = Answering::start().await.unwrap();
    for is_lambda in [false, true] {
        // Nothing else gets the port, and until it listens connections are refused.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let (address, declining) = (socket.local_addr().unwrap(), Declining::default());
        let router = declining.router();
        let starts = tokio::spawn(async move {
            sleep(Duration::from_millis(2_500)).await;
            let listener: TcpListener = socket.listen(8).unwrap();
            Server::on(listener, address, router)
        });
        let url = format!("http://{address}");
        let of_url = [("SKILL_ANSWERER", url.as_str())];
        let of_lambda = [("SKILL_ANSWERER", ARN), ("AWS_ENDPOINT_URL_LAMBDA", url.as_str())];
        assert_eq!(heard(&mut answering, if is_lambda { &of_lambda[..] } else { &of_url }).await, [ANSWER]);
        assert_eq!(declining.questions.load(Ordering::Relaxed), 1);
        drop(starts.await.unwrap());
    }
}

//! The project's own `template.yaml` in a local cloud.

use end_to_end::{keys::KeyEndpoint, service};
use khook::{
    local::{Answerer, Build, Cloud, Delivery, Options},
    ui::progress::Progress,
};

/// A new stack that delivers there, and asks this answerer; the chatbot's callback URLs have this origin. Its tokens are
/// signed by the keys of this endpoint.
pub(crate) async fn deploy(delivery: Option<Delivery>, answerer: Option<(Answerer, &str)>) -> (Cloud, KeyEndpoint) {
    let keys = KeyEndpoint::start().await.unwrap();
    let mut parameters = service::parameters(keys.url());
    let (answerer, callback_url) = answerer.unzip();
    parameters.extend(callback_url.map(|url| ("KakaoCallbackUrl".to_owned(), url.to_owned())));
    let options = Options { build: Build::for_tests(), parameters, delivery, answerer, reading: None, faults: None };
    (Cloud::start(&options, Progress::Lines).await.unwrap(), keys)
}

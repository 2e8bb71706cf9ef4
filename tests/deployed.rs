//! The project's own `template.yaml` in a local cloud.

use end_to_end::{keys::KeyEndpoint, service};
use khook::{
    local::{Build, Cloud, Delivery, Options},
    ui::progress::Progress,
};

/// A new stack that delivers there. Its tokens are signed by the keys of this endpoint.
pub(crate) async fn deploy(delivery: Option<Delivery>) -> (Cloud, KeyEndpoint) {
    let keys = KeyEndpoint::start().await.unwrap();
    let parameters = service::parameters(keys.url());
    let cloud = Cloud::start(
        &Options { build: Build::for_tests(), parameters, delivery, answerer: None, reading: None },
        Progress::Lines,
    )
    .await
    .unwrap();
    (cloud, keys)
}
